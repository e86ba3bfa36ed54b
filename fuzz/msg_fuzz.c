/* An Outlook message, or bytes as the properties of one: fixed ones, subject, headers, body, packed RTF, HTML. An attachment may be of any
 * type that is read. */
#include "document/detect.h"
#include "ole_fuzz.h"
#include "partition_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"__properties_version1.0", "__substg1.0_0037001F", "__substg1.0_007D001E",
                                        "__substg1.0_1000001E",    "__substg1.0_10090102", "__substg1.0_10130102"};
    Error *error = detect_warm_up();
    ASSERT(!error);
    CLEANUP(buffer_done) Buffer file = {0};
    Bytes input = fuzz_ole_input(bytes_from(data, size), names, ARRAY_COUNT(names), &file);
    fuzz_partition(partition_msg, STR("application/vnd.ms-outlook"), input.data, input.len);
    return 0;
}
