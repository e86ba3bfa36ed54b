/* Any bytes as text/x-rst. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_rst, STR("text/x-rst"), data, size);
    return 0;
}
