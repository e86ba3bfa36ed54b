/* Any bytes as an Excel 5 to 2003 workbook. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_xls, STR("application/vnd.ms-excel"), data, size);
    return 0;
}
