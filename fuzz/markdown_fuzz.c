/* Any bytes as text/markdown. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_markdown, STR("text/markdown"), data, size);
    return 0;
}
