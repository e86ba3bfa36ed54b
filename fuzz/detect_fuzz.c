/* Any bytes under any name: detection always names a type. The name stands before the first zero byte. */
#include "document/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error *error = detect_warm_up();
    ASSERT(!error);
    Str all = str_from(data, size);
    size_t end = MIN(str_find_char(all, '\0'), all.len);
    Bytes input = str_bytes(str_slice(all, MIN(end + 1, all.len), all.len));
    ASSERT(detect_filetype(input, str_slice(all, 0, end)).len > 0);
    return 0;
}
