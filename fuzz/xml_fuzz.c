/* Any bytes as application/xml. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_xml, STR("application/xml"), data, size);
    return 0;
}
