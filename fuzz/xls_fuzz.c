/* An Excel 5 to 2003 workbook, or bytes as the records of one. */
#include "ole_fuzz.h"
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"Workbook"};
    CLEANUP(buffer_done) Buffer file = {0};
    Bytes input = fuzz_ole_input(bytes_from(data, size), names, ARRAY_COUNT(names), &file);
    fuzz_partition(partition_xls, STR("application/vnd.ms-excel"), input.data, input.len);
    return 0;
}
