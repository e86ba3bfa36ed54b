/* User metadata in headers: anything decodes to UTF-8, and what we encode comes back. */
#include "store/s3/rfc2047.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
    Str text = str_from(size ? (const char *)data : "", size), value, encoded, back;

    if (size > 64 * KIB)
        return 0;
    Error *error = rfc2047_decode(text, arena, &value);
    ASSERT(!error && str_is_utf8(value));
    error = rfc2047_encode(value, arena, &encoded);
    ASSERT(!error);
    for (size_t i = 0; i < encoded.len; i++)
        ASSERT(encoded.data[i] >= ' ' && encoded.data[i] <= '~');
    error = rfc2047_decode(encoded, arena, &back);
    ASSERT(!error && str_equal(back, value));
    return 0;
}
