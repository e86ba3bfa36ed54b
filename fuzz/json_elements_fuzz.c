/* Any bytes as JSON, and as JSON line by line. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_json, STR("application/json"), data, size);
    fuzz_partition(partition_json, STR("application/x-ndjson"), data, size);
    return 0;
}
