/* Any bytes as a Word 97-2003 document. */
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_partition(partition_doc, STR("application/msword"), data, size);
    return 0;
}
