/* Any bytes as text/org. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_org, STR("text/org"), data, size);
    return 0;
}
