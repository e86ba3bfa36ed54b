/* A Word 97-2003 document, or bytes as the streams of one. */
#include "ole_fuzz.h"
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"WordDocument", "1Table", "0Table"};
    CLEANUP(buffer_done) Buffer file = {0};
    Bytes input = fuzz_ole_input(bytes_from(data, size), names, ARRAY_COUNT(names), &file);
    fuzz_partition(partition_doc, STR("application/msword"), input.data, input.len);
    return 0;
}
