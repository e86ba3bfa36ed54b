#include "document/chunk/split.h"

#include "document/chars.h"

static size_t next_at(Str text, size_t at)
{
    for (at++; at < text.len && ((uint8_t)text.data[at] & 0xC0) == 0x80;)
        at++;
    return at;
}

size_t text_length(Str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((uint8_t)text.data[i] & 0xC0) != 0x80;
    return count;
}

Str text_head(Str text, size_t count)
{
    size_t at = 0;
    for (; count > 0 && at < text.len; count--)
        at = next_at(text, at);
    return str_slice(text, 0, at);
}

Str text_tail(Str text, size_t count)
{
    size_t at = text.len;
    for (; count > 0 && at > 0; count--) {
        for (at--; at > 0 && ((uint8_t)text.data[at] & 0xC0) == 0x80;)
            at--;
    }
    return str_slice(text, at, text.len);
}

Error *chunk_length(const ChunkOptions *options, Str text, size_t *ret_length)
{
    if (options->measure.count)
        return options->measure.count(options->measure.context, text, ret_length);
    *ret_length = text_length(text);
    return NULL;
}

static Str trim_left(Str text)
{
    unsigned classes;
    for (size_t at = 0, from = 0; at < text.len; from = at) {
        chars_next(text, &at, &classes);
        if (!(classes & CHAR_SPACE))
            return str_slice(text, from, text.len);
    }
    return STR_EMPTY;
}

static Str trim_right(Str text)
{
    unsigned classes;
    size_t start;
    while (text.len > 0) {
        classes = char_classes(chars_before(text, text.len, &start));
        if (!(classes & CHAR_SPACE))
            break;
        text.len = start;
    }
    return text;
}

/* What is still to be cut: `rest` of the text, behind `before`, which repeats the end of the piece before it. `window` is their beginning, as
 * much of it as a piece can be: looking at all of a long text for each piece would be quadratic. */
typedef struct Splitter {
    const ChunkOptions *options;
    size_t length_max;
    Str rest;
    Buffer before;
    Buffer joined; /* where the window is put together when there is something before */
    Str window;
    bool whole; /* the window is all that is left */
} Splitter;

/* Where the piece ends and where what comes after it begins, in the window; `repeated` of the piece goes before that. */
typedef struct Cut {
    size_t end, next;
    Str repeated;
} Cut;

MUST_USE static Error *look(Splitter *s, size_t code_points)
{
    Str head = text_head(s->rest, code_points);
    s->whole = head.len == s->rest.len;
    s->window = head;
    if (s->before.len == 0)
        return NULL;
    buffer_clear(&s->joined);
    TRY(buffer_append_str(&s->joined, buffer_str(&s->before)));
    TRY(buffer_append_str(&s->joined, head));
    s->window = buffer_str(&s->joined);
    return NULL;
}

/* At the last `separator` that begins after `from` and not behind `until`; false when that leaves no piece or does not go on. */
static bool cut_at(const Splitter *s, char separator, size_t from, size_t until, Cut *ret_cut)
{
    size_t overlap = s->options->overlap;
    size_t end = MIN(until + 1, s->window.len);
    while (end > from + 1 && s->window.data[end - 1] != separator)
        end--;
    if (end <= from + 1)
        return false;
    end--;
    Str piece = trim_right(str_slice(s->window, 0, end));
    *ret_cut = (Cut){.end = piece.len, .next = end + 1, .repeated = STR_EMPTY};
    if (overlap > 1)
        ret_cut->repeated = trim_left(text_tail(piece, overlap - 1));
    return piece.len > 0 && ret_cut->repeated.len < piece.len && end + 1 > s->before.len;
}

/* `until`: the end of the longest piece that fits. Where no separator helps, the piece ends there and the next begins `overlap` earlier. */
static Cut cut_window(const Splitter *s, size_t until)
{
    size_t overlap = MIN(s->options->overlap, s->length_max - 1);
    size_t from = text_head(s->window, overlap).len;
    Cut cut;
    if (cut_at(s, '\n', from, until, &cut) || cut_at(s, ' ', from, until, &cut))
        return cut;
    Str tail = text_tail(str_slice(s->window, 0, until), overlap);
    return (Cut){.end = until, .next = until - (tail.len < until ? tail.len : 0), .repeated = STR_EMPTY};
}

/* The longest head of the window that is not longer than the limit, by halving: lengths grow with the text. At least one code point. */
MUST_USE static Error *fitting_head(const Splitter *s, size_t *ret_end)
{
    size_t low = 1, high = text_length(s->window), length;
    if (!s->options->measure.count) {
        *ret_end = text_head(s->window, s->length_max).len;
        return NULL;
    }
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        TRY(chunk_length(s->options, text_head(s->window, middle), &length));
        if (length <= s->length_max)
            low = middle;
        else
            high = middle - 1;
    }
    *ret_end = text_head(s->window, low).len;
    return NULL;
}

/* A piece can have more tokens than the longer text that it was cut from, where one of them went over the cut: then further back. One code point
 * is never cut, however many tokens it has. */
MUST_USE static Error *cut_to_fit(const Splitter *s, Cut *ret_cut)
{
    size_t until, length;
    TRY(fitting_head(s, &until));
    *ret_cut = cut_window(s, until);
    while (s->options->measure.count) {
        Str piece = str_slice(s->window, 0, ret_cut->end);
        until = piece.len - text_tail(piece, 1).len;
        TRY(chunk_length(s->options, piece, &length));
        if (length <= s->length_max || until == 0)
            break;
        *ret_cut = cut_window(s, until);
    }
    return NULL;
}

/* Makes the window long enough to tell whether all that is left fits, and says whether it does. */
MUST_USE static Error *look_far_enough(Splitter *s, bool *ret_fits)
{
    bool tokens = s->options->measure.count;
    size_t code_points = s->length_max + 1, length;
    do {
        TRY(look(s, code_points));
        TRY(chunk_length(s->options, s->window, &length));
        code_points *= 2;
    } while (tokens && !s->whole && length <= s->length_max);
    *ret_fits = s->whole && length <= s->length_max;
    return NULL;
}

/* Past the cut. What is repeated, or the end of what already was, comes before the rest. */
MUST_USE static Error *go_on(Splitter *s, const Cut *cut)
{
    CLEANUP(buffer_done) Buffer before = {0};
    size_t inside = MIN(cut->next, s->before.len);
    TRY(buffer_append_str(&before, str_slice(buffer_str(&s->before), inside, s->before.len)));
    Str rest = str_slice(s->rest, cut->next - inside, s->rest.len);
    s->rest = before.len == 0 ? trim_left(rest) : rest;
    if (cut->repeated.len > 0 && s->rest.len > 0) {
        TRY(buffer_append_str(&before, cut->repeated));
        TRY(buffer_append_byte(&before, ' '));
    }
    buffer_done(&s->before);
    s->before = before;
    before = (Buffer){0};
    return NULL;
}

MUST_USE static Error *split(Splitter *s, TakePiece *take, void *context)
{
    for (size_t index = 0; s->rest.len > 0 || s->before.len > 0; index++) {
        bool fits;
        Cut cut;
        TRY(look_far_enough(s, &fits));
        if (fits)
            return take(context, s->window, index);
        TRY(cut_to_fit(s, &cut));
        TRY(take(context, str_slice(s->window, 0, cut.end), index));
        TRY(go_on(s, &cut));
    }
    return NULL;
}

Error *chunk_split_text(const ChunkOptions *options, size_t length_max, Str text, TakePiece *take, void *context)
{
    ASSERT(length_max > 0);
    Splitter splitter = {.options = options, .length_max = length_max, .rest = text};
    Error *error = split(&splitter, take, context);
    buffer_done(&splitter.before);
    buffer_done(&splitter.joined);
    return error;
}
