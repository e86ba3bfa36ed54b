/* Any bytes as text/rtf. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_rtf, STR("text/rtf"), data, size);
    return 0;
}
