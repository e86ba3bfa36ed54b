/* Any bytes as a PowerPoint 97 to 2003 presentation. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_ppt, STR("application/vnd.ms-powerpoint"), data, size);
    return 0;
}
