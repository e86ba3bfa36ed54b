/* Any bytes as an Outlook message: an attachment may be of any type that is read. */
#include "partition_fuzz.h"

#include "document/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error *error = detect_warm_up();
    ASSERT(!error);
    fuzz_partition(partition_msg, STR("application/vnd.ms-outlook"), data, size);
    return 0;
}
