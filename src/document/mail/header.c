#include "document/mail/header.h"

#include "base/buffer.h"
#include "document/mail/transfer.h"
#include "document/text/charset.h"

enum { HEADERS_MAX = 10 * 1000, VALUE_MAX_BYTES = 100 * 1000 };

/* The line at the start of `input` with its end. */
static Str first_line(Str input)
{
    size_t end = str_find_char(input, '\n');
    return str_slice(input, 0, end == SIZE_MAX ? input.len : end + 1);
}

/* Where the name of a header ends at the start of `line`: at its colon. SIZE_MAX: it is no header. */
static size_t name_end(Str line)
{
    size_t at = 0;
    while (at < line.len && line.data[at] > ' ' && line.data[at] < 0x7F && line.data[at] != ':')
        at++;
    return at < line.len && line.data[at] == ':' ? at : SIZE_MAX;
}

/* The line at `rest` and those that go on with it. */
static Str folded_lines(Str rest)
{
    size_t len = first_line(rest).len;
    while (len < rest.len && mail_is_blank(rest.data[len]))
        len += first_line(str_slice(rest, len, rest.len)).len;
    return str_slice(rest, 0, len);
}

static Str trim_value(Str value)
{
    while (value.len > 0 && mail_is_blank(value.data[0]))
        value = str_slice(value, 1, value.len);
    while (value.len > 0 && (value.data[value.len - 1] == '\n' || value.data[value.len - 1] == '\r'))
        value.len--;
    return value;
}

/* Headers in `text`, each into `items` unless it is NULL; `*rest` is what follows them and the empty line. */
static size_t walk_headers(Str text, MailHeader *items, Str *rest)
{
    size_t count = 0;
    while (text.len > 0) {
        Str lines = folded_lines(text);
        size_t colon = name_end(lines);
        bool mbox = str_starts_with(lines, STR("From ")), continued = mail_is_blank(lines.data[0]);
        if (colon == SIZE_MAX && !mbox && !continued) {
            Str line = first_line(text);
            if (str_trim(line).len == 0)
                text = str_slice(text, line.len, text.len);
            break;
        }
        if (colon != SIZE_MAX && colon > 0) {
            if (items)
                items[count] =
                    (MailHeader){str_slice(lines, 0, colon), trim_value(str_slice(lines, colon + 1, lines.len))};
            count++;
        }
        text = str_slice(text, lines.len, text.len);
    }
    *rest = text;
    return count;
}

Error *mail_headers_read(Bytes *input, Arena *arena, MailHeaders *ret_headers)
{
    Str text = bytes_str(*input), rest;
    size_t count = walk_headers(text, NULL, &rest);
    if (count > HEADERS_MAX)
        return FAIL(LIMIT, "mail: more than %d headers", HEADERS_MAX);
    MailHeader *items = ARENA_ARRAY(arena, MailHeader, count);
    if (!items)
        return arena_error(arena);
    walk_headers(text, items, &rest);
    *ret_headers = (MailHeaders){items, count};
    *input = str_bytes(rest);
    return NULL;
}

bool mail_header_find(const MailHeaders *headers, Str name, Str *ret_value)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (str_equal_nocase(headers->items[i].name, name)) {
            *ret_value = headers->items[i].value;
            return true;
        }
    }
    return false;
}

Str mail_charset(Str declared)
{
    bool ascii = str_equal_nocase(declared, STR("us-ascii")) || str_equal_nocase(declared, STR("ascii"));
    return ascii || !charset_is_known(declared) ? STR_EMPTY : declared;
}

/* `=?charset?B?text?=` at the start of `text`. */
typedef struct EncodedWord {
    Str charset, content;
    bool base64;
    size_t len; /* of the whole */
} EncodedWord;

static bool take_encoded_word(Str text, EncodedWord *ret_word)
{
    if (!str_starts_with(text, STR("=?")))
        return false;
    Str rest = str_slice(text, 2, text.len);
    size_t charset_end = str_find_char(str_slice(rest, 0, 64), '?');
    if (charset_end == SIZE_MAX || charset_end + 2 >= rest.len || rest.data[charset_end + 2] != '?')
        return false;
    char encoding = rest.data[charset_end + 1];
    Str charset = str_slice(rest, 0, charset_end), content = str_slice(rest, charset_end + 3, rest.len);
    size_t end = str_find(content, STR("?="));
    if (end == SIZE_MAX || !strchr("bBqQ", encoding))
        return false;
    *ret_word = (EncodedWord){
        .charset = str_slice(charset, 0, MIN(str_find_char(charset, '*'), charset.len)), /* RFC 2231 5: a language */
        .content = str_slice(content, 0, end),
        .base64 = encoding == 'b' || encoding == 'B',
        .len = 2 + charset_end + 3 + end + 2,
    };
    return true;
}

MUST_USE static Error *decode_word(const EncodedWord *word, Arena *arena, Bytes *ret_bytes)
{
    Bytes content = str_bytes(word->content);
    return word->base64 ? transfer_decode_base64(content, arena, ret_bytes)
                        : transfer_decode_quoted_printable(content, TRANSFER_HEADER, arena, ret_bytes);
}

Error *mail_append_in_charset(Bytes bytes, Str charset, Arena *arena, Buffer *out)
{
    Str text;
    if (bytes.len == 0)
        return NULL;
    TRY(charset_decode(bytes, mail_charset(charset), arena, &text));
    return buffer_append_str(out, text);
}

/* The encoded words at the start of `text`, with only white space between: a character may be cut in two by them. Moves `*len` behind. */
MUST_USE static Error *append_encoded_words(Str text, EncodedWord word, Arena *arena, Buffer *out, size_t *len)
{
    CLEANUP(buffer_done) Buffer joined = {0};
    Str charset = word.charset;
    for (bool more = true; more;) {
        Bytes bytes;
        if (!str_equal_nocase(charset, word.charset)) {
            TRY(mail_append_in_charset(buffer_bytes(&joined), charset, arena, out));
            buffer_clear(&joined);
            charset = word.charset;
        }
        TRY(decode_word(&word, arena, &bytes));
        TRY(buffer_append(&joined, bytes.data, bytes.len));
        *len += word.len;
        size_t next = *len;
        while (next < text.len && mail_is_blank(text.data[next]))
            next++;
        more = take_encoded_word(str_slice(text, next, text.len), &word);
        *len = more ? next : *len;
    }
    return mail_append_in_charset(buffer_bytes(&joined), charset, arena, out);
}

/* Where the next `=?` is that a `?=` follows, the last of which stands at `last_end`; the text's end when there is none. */
static size_t find_word_mark(Str text, size_t from, size_t last_end)
{
    size_t at = str_find(str_slice(text, from, last_end), STR("=?"));
    return at == SIZE_MAX ? text.len : from + at;
}

static size_t find_last_end(Str text)
{
    for (size_t at = text.len; at > 1; at--) {
        if (text.data[at - 2] == '?' && text.data[at - 1] == '=')
            return at - 2;
    }
    return 0;
}

MUST_USE static Error *append_decoded(Str text, Arena *arena, Buffer *out)
{
    size_t last_end = find_last_end(text);
    for (size_t at = 0; at < text.len;) {
        EncodedWord word;
        size_t len = 0, mark = find_word_mark(text, at, last_end);
        TRY(mail_append_in_charset(str_bytes(str_slice(text, at, mark)), STR("utf-8"), arena, out));
        Str rest = str_slice(text, mark, text.len);
        if (take_encoded_word(rest, &word)) {
            TRY(append_encoded_words(rest, word, arena, out, &len));
        } else if (rest.len > 0) {
            TRY(buffer_append_str(out, STR("=?")));
            len = 2;
        }
        at = mark + len;
    }
    return NULL;
}

MUST_USE static Error *check_value(Str value)
{
    if (value.len > VALUE_MAX_BYTES)
        return FAIL(LIMIT, "mail: a header of %zu bytes; at most %d", value.len, VALUE_MAX_BYTES);
    return NULL;
}

Error *mail_header_unfold(Str value, Arena *arena, Str *ret_value)
{
    TRY(check_value(value));
    char *out = arena_alloc(arena, value.len);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] != '\r' && value.data[i] != '\n')
            out[len++] = value.data[i];
    }
    *ret_value = str_from(out, len);
    return NULL;
}

Error *mail_header_decode(Str value, Arena *arena, Str *ret_text)
{
    CLEANUP(buffer_done) Buffer out = {0};
    TRY(append_decoded(value, arena, &out));
    *ret_text = arena_str(arena, buffer_str(&out));
    return ret_text->data ? NULL : arena_error(arena);
}

Error *mail_header_text(Str value, Arena *arena, Str *ret_text)
{
    Str unfolded;
    TRY(mail_header_unfold(value, arena, &unfolded));
    return mail_header_decode(unfolded, arena, ret_text);
}

Error *mail_header_find_text(const MailHeaders *headers, Str name, Arena *arena, Str *ret_text)
{
    Str value;
    *ret_text = STR_EMPTY;
    return mail_header_find(headers, name, &value) ? mail_header_text(value, arena, ret_text) : NULL;
}

Error *mail_header_message_id(const MailHeaders *headers, Arena *arena, Str *ret_id)
{
    TRY(mail_header_find_text(headers, STR("Message-ID"), arena, ret_id));
    Str id = str_trim(*ret_id);
    while (id.len > 0 && (id.data[0] == '<' || id.data[0] == '>'))
        id = str_slice(id, 1, id.len);
    *ret_id = str_trim(str_slice(id, 0, MIN(str_find_char(id, '>'), id.len)));
    return NULL;
}

Error *mail_header_word(Str value, Arena *arena, Str *ret_word)
{
    TRY(check_value(value));
    Str word = str_trim(str_slice(value, 0, MIN(str_find_char(value, ';'), value.len)));
    char *lower = arena_cstr(arena, word);
    if (!lower)
        return arena_error(arena);
    for (size_t i = 0; i < word.len; i++)
        lower[i] = (char)(lower[i] >= 'A' && lower[i] <= 'Z' ? lower[i] + ('a' - 'A') : lower[i]);
    *ret_word = str_from(lower, word.len);
    return NULL;
}

Error *mail_header_unquote(Str text, Arena *arena, Str *ret_text, size_t *ret_len)
{
    size_t end = 1, out_len = 0;
    while (end < text.len && text.data[end] != '"')
        end += text.data[end] == '\\' ? 2 : 1;
    end = MIN(end, text.len);
    char *out = arena_alloc(arena, end);
    if (!out)
        return arena_error(arena);
    for (size_t at = 1; at < end; at++) {
        at += text.data[at] == '\\' && at + 1 < end;
        out[out_len++] = text.data[at];
    }
    *ret_len = MIN(end + 1, text.len);
    *ret_text = str_from(out, out_len);
    return NULL;
}
