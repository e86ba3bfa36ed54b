/* Any bytes as text/html. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_html, STR("text/html"), data, size);
    return 0;
}
