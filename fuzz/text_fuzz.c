/* Any bytes as text/plain. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_text, STR("text/plain"), data, size);
    return 0;
}
