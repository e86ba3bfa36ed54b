/* Any bytes as application/epub, within a small budget of expansion. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_epub, STR("application/epub"), data, size);
    return 0;
}
