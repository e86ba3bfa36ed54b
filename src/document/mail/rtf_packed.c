#include "document/mail/rtf_packed.h"

#include "base/reader.h"

enum {
    WINDOW_BYTES = 4096,
    MATCH_MIN_BYTES = 2,
    MATCH_MAX_BYTES = 17,
    MARK_PACKED = 0x75465A4C,
    MARK_PLAIN = 0x414C454D
};

/* What the window holds before the first byte. */
static const Str window_start = {
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    "MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    "\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx",
    207};

typedef struct Window {
    uint8_t bytes[WINDOW_BYTES];
    size_t at;
    uint8_t *out;
    size_t len, capacity;
} Window;

/* False when the text is longer than it said. */
static bool window_put(Window *window, uint8_t byte)
{
    if (window->len == window->capacity)
        return false;
    window->out[window->len++] = byte;
    window->bytes[window->at] = byte;
    window->at = (window->at + 1) % WINDOW_BYTES;
    return true;
}

/* One piece, a byte or a repetition; false at the end: of the text, or of the input. */
static bool unpack_piece(Window *window, Reader *in, bool repetition)
{
    uint8_t byte;
    uint16_t reference;
    if (!repetition)
        return reader_u8(in, &byte) && window_put(window, byte);
    if (!reader_u16be(in, &reference) || reference >> 4 == window->at)
        return false;
    for (size_t i = 0, from = reference >> 4; i < (reference & 15u) + MATCH_MIN_BYTES; i++) {
        if (!window_put(window, window->bytes[(from + i) % WINDOW_BYTES]))
            return false;
    }
    return true;
}

/* `in` is behind the header. */
MUST_USE static Error *unpack(Reader in, size_t raw_bytes, Arena *arena, Bytes *ret_rtf)
{
    Window *window = ARENA_NEW(arena, Window);
    uint8_t *out = arena_alloc(arena, raw_bytes), control;
    bool more = true;
    if (!window || !out)
        return arena_error(arena);
    *window = (Window){.at = window_start.len, .out = out, .capacity = raw_bytes};
    memcpy(window->bytes, window_start.data, window_start.len);
    while (more && reader_u8(&in, &control)) {
        for (unsigned bit = 0; more && bit < 8; bit++)
            more = unpack_piece(window, &in, control >> bit & 1);
    }
    *ret_rtf = (Bytes){out, window->len};
    return NULL;
}

Error *rtf_unpack(Bytes packed, Expansion *expansion, Arena *arena, Bytes *ret_rtf)
{
    Reader in = reader_of(packed);
    uint32_t packed_bytes, raw_bytes, mark, crc;
    if (!reader_u32le(&in, &packed_bytes) || !reader_u32le(&in, &raw_bytes) || !reader_u32le(&in, &mark)
        || !reader_u32le(&in, &crc))
        return FAIL(CORRUPT, "packed RTF: %zu bytes are too few for its header", packed.len);
    if (mark == MARK_PLAIN) {
        *ret_rtf = (Bytes){packed.data + reader_offset(&in), MIN((size_t)raw_bytes, reader_left(&in))};
        return NULL;
    }
    if (mark != MARK_PACKED || raw_bytes / MATCH_MAX_BYTES > reader_left(&in))
        return FAIL(CORRUPT, "packed RTF: %u bytes cannot come of %zu that are marked %08x", raw_bytes,
                    reader_left(&in), mark);
    TRY(expansion_take(expansion, STR("packed RTF"), raw_bytes));
    return unpack(in, raw_bytes, arena, ret_rtf);
}
