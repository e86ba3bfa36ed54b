/* Any bytes under any declared charset, which stands before the first zero byte: UTF-8 comes out, and does not change when it is read again. */
#include "document/text/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error *error = charset_warm_up();
    ASSERT(!error);
    CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
    ASSERT(arena);
    Str all = str_from(data, size), text, again;
    size_t end = MIN(str_find_char(all, '\0'), all.len);
    Str declared = str_slice(all, 0, end);
    error = charset_decode(str_bytes(str_slice(all, MIN(end + 1, all.len), all.len)), declared, arena, &text);
    ASSERT(!error || error_code(error) != ERR_UNSUPPORTED || !charset_is_known(declared));
    if (!error) {
        ASSERT(str_is_utf8(text));
        error = charset_decode(str_bytes(text), STR("utf-8"), arena, &again);
        ASSERT(error || str_is_utf8(again));
    }
    error_free(error);
    return 0;
}
