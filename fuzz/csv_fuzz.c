/* Any bytes as text/csv. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_csv, STR("text/csv"), data, size);
    return 0;
}
