/* A PowerPoint 97 to 2003 presentation, or bytes as the records of one. */
#include "ole_fuzz.h"
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"Current User", "PowerPoint Document"};
    CLEANUP(buffer_done) Buffer file = {0};
    Bytes input = fuzz_ole_input(bytes_from(data, size), names, ARRAY_COUNT(names), &file);
    fuzz_partition(partition_ppt, STR("application/vnd.ms-powerpoint"), input.data, input.len);
    return 0;
}
