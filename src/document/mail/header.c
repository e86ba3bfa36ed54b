#include "document/mail/header.h"

#include "base/buffer.h"
#include "document/mail/transfer.h"
#include "document/text/charset.h"

enum { HEADERS_MAX = 10 * 1000, VALUE_MAX_BYTES = 100 * 1000, PARAMETER_PIECES_MAX = 256 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

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
    while (len < rest.len && is_blank(rest.data[len]))
        len += first_line(str_slice(rest, len, rest.len)).len;
    return str_slice(rest, 0, len);
}

static Str trim_value(Str value)
{
    while (value.len > 0 && is_blank(value.data[0]))
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
        bool mbox = str_starts_with(lines, STR("From ")), continued = is_blank(lines.data[0]);
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

MUST_USE static Error *append_in_charset(Bytes bytes, Str charset, Arena *arena, Buffer *out)
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
            TRY(append_in_charset(buffer_bytes(&joined), charset, arena, out));
            buffer_clear(&joined);
            charset = word.charset;
        }
        TRY(decode_word(&word, arena, &bytes));
        TRY(buffer_append(&joined, bytes.data, bytes.len));
        *len += word.len;
        size_t next = *len;
        while (next < text.len && is_blank(text.data[next]))
            next++;
        more = take_encoded_word(str_slice(text, next, text.len), &word);
        *len = more ? next : *len;
    }
    return append_in_charset(buffer_bytes(&joined), charset, arena, out);
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
        TRY(append_in_charset(str_bytes(str_slice(text, at, mark)), STR("utf-8"), arena, out));
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

/* Without line ends. */
MUST_USE static Error *unfold(Str value, Arena *arena, Str *ret_value)
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

MUST_USE static Error *decode_text(Str value, Arena *arena, Str *ret_text)
{
    CLEANUP(buffer_done) Buffer out = {0};
    TRY(append_decoded(value, arena, &out));
    *ret_text = arena_str(arena, buffer_str(&out));
    return ret_text->data ? NULL : arena_error(arena);
}

Error *mail_header_text(Str value, Arena *arena, Str *ret_text)
{
    Str unfolded;
    TRY(unfold(value, arena, &unfolded));
    return decode_text(unfolded, arena, ret_text);
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

/* The text in quotes at the start of `text`, without them and their backslashes; `*len` is behind the closing one. */
MUST_USE static Error *unquote(Str text, Arena *arena, Str *ret_text, size_t *len)
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
    *len = MIN(end + 1, text.len);
    *ret_text = str_from(out, out_len);
    return NULL;
}

/* `name=value` of a header, in order. The name without its `*` and number. */
typedef struct Parameter {
    Str name, value;
    bool extended;  /* percent-encoded; the first piece begins with charset'language' */
    bool is_quoted; /* stood in quotes */
    int piece;      /* -1: whole */
} Parameter;

/* `filename*1*` into its name, 1, and extended. */
static void split_name(Str name, Parameter *parameter)
{
    parameter->extended = name.len > 0 && name.data[name.len - 1] == '*';
    name.len -= parameter->extended;
    size_t star = str_rfind_char(name, '*');
    uint64_t piece;
    parameter->piece = -1;
    if (star != SIZE_MAX && str_to_u64(str_slice(name, star + 1, name.len), &piece) && piece < PARAMETER_PIECES_MAX) {
        parameter->piece = (int)piece;
        name.len = star;
    }
    parameter->name = str_trim(name);
}

/* Cuts the next parameter off `*rest`, which begins behind a semicolon; false at the end. */
MUST_USE static Error *next_parameter(Str *rest, Arena *arena, Parameter *ret_parameter, bool *ret_more)
{
    *ret_parameter = (Parameter){.piece = -1};
    *ret_more = rest->len > 0;
    size_t at = 0;
    while (at < rest->len && rest->data[at] != '=' && rest->data[at] != ';')
        at++;
    Str name = str_trim(str_slice(*rest, 0, at));
    split_name(name, ret_parameter);
    if (at < rest->len && rest->data[at] == '=') {
        do
            at++;
        while (at < rest->len && (is_blank(rest->data[at]) || rest->data[at] == '\r' || rest->data[at] == '\n'));
        if (at < rest->len && rest->data[at] == '"') {
            size_t len;
            TRY(unquote(str_slice(*rest, at, rest->len), arena, &ret_parameter->value, &len));
            ret_parameter->is_quoted = true;
            at += len;
        }
        size_t start = at;
        while (at < rest->len && rest->data[at] != ';')
            at++;
        if (!ret_parameter->is_quoted)
            ret_parameter->value = str_trim(str_slice(*rest, start, at));
    }
    *rest = str_slice(*rest, MIN(at + 1, rest->len), rest->len);
    return NULL;
}

MUST_USE static Error *append_percent_decoded(Str text, Buffer *out)
{
    for (size_t i = 0; i < text.len; i++) {
        int high = -1;
        if (text.data[i] == '%' && text.len - i > 2)
            high = transfer_hex_digit((uint8_t)text.data[i + 1]);
        int low = high >= 0 ? transfer_hex_digit((uint8_t)text.data[i + 2]) : -1;
        TRY(buffer_append_byte(out, (uint8_t)(low >= 0 ? high << 4 | low : text.data[i])));
        i += low >= 0 ? 2 : 0;
    }
    return NULL;
}

/* `charset'language'` at the start of an extended value; moves past it. */
static Str take_charset(Str *value)
{
    size_t first = str_find_char(*value, '\'');
    if (first == SIZE_MAX)
        return STR_EMPTY;
    Str charset = str_slice(*value, 0, first), rest = str_slice(*value, first + 1, value->len);
    size_t second = str_find_char(rest, '\'');
    if (second == SIZE_MAX)
        return STR_EMPTY;
    *value = str_slice(rest, second + 1, rest.len);
    return charset;
}

/* The pieces of one parameter, or it alone, as text. */
MUST_USE static Error *join_pieces(const Parameter *pieces, size_t count, Arena *arena, Str *ret_text)
{
    CLEANUP(buffer_done) Buffer bytes = {0}, text = {0};
    Str charset = STR("utf-8");
    for (size_t i = 0; i < count; i++) {
        Str value = pieces[i].value;
        if (i == 0 && pieces[i].extended)
            charset = take_charset(&value);
        if (pieces[i].extended)
            TRY(append_percent_decoded(value, &bytes));
        else
            TRY(buffer_append_str(&bytes, value));
    }
    if (!pieces[0].extended)
        return mail_header_text(buffer_str(&bytes), arena, ret_text);
    TRY(append_in_charset(buffer_bytes(&bytes), charset, arena, &text));
    *ret_text = arena_str(arena, buffer_str(&text));
    return ret_text->data ? NULL : arena_error(arena);
}

Error *mail_header_parameter(Str value, Str name, Arena *arena, Str *ret_text)
{
    Parameter parameter, pieces[PARAMETER_PIECES_MAX], plain = {.piece = -1}, extended = {.piece = -1};
    size_t piece_count = 0;
    Str rest;
    bool more;
    TRY(unfold(value, arena, &rest));
    size_t semicolon = str_find_char(rest, ';');
    rest = semicolon == SIZE_MAX ? STR_EMPTY : str_slice(rest, semicolon + 1, rest.len);
    for (;;) {
        TRY(next_parameter(&rest, arena, &parameter, &more));
        if (!more)
            break;
        if (!str_equal_nocase(parameter.name, name))
            continue;
        if (parameter.piece >= 0 && (size_t)parameter.piece == piece_count)
            pieces[piece_count++] = parameter;
        else if (parameter.piece < 0 && parameter.extended && !extended.name.data)
            extended = parameter;
        else if (parameter.piece < 0 && !plain.name.data)
            plain = parameter;
    }
    *ret_text = STR_EMPTY;
    if (piece_count > 0)
        return join_pieces(pieces, piece_count, arena, ret_text);
    return extended.name.data ? join_pieces(&extended, 1, arena, ret_text)
           : plain.name.data  ? join_pieces(&plain, 1, arena, ret_text)
                              : NULL;
}

/* One mailbox while its list is walked. */
typedef struct Mailbox {
    Buffer phrase;  /* the words before an address in angles, unquoted */
    Buffer raw;     /* all as it stands: without angles, the address */
    Buffer address; /* in angles */
    bool has_angles;
    MailAddressForm form;
} Mailbox;

static void mailbox_clear(Mailbox *mailbox)
{
    buffer_clear(&mailbox->phrase);
    buffer_clear(&mailbox->raw);
    buffer_clear(&mailbox->address);
    mailbox->has_angles = false;
}

static void mailbox_done(Mailbox *mailbox)
{
    buffer_done(&mailbox->phrase);
    buffer_done(&mailbox->raw);
    buffer_done(&mailbox->address);
}

/* Runs of white space as one space, none at the ends; in place. */
static void collapse_blanks(Buffer *text)
{
    size_t len = 0;
    for (size_t i = 0; i < text->len; i++) {
        bool blank = is_blank((char)text->data[i]);
        if (!blank || (len > 0 && text->data[len - 1] != ' '))
            text->data[len++] = blank ? ' ' : text->data[i];
    }
    text->len = len > 0 && text->data[len - 1] == ' ' ? len - 1 : len;
}

/* `name <address>`, the name in quotes when it has marks of the grammar. */
MUST_USE static Error *append_mailbox(Str name, Str address, Buffer *out)
{
    bool quoted = false;
    for (size_t i = 0; i < name.len; i++)
        quoted = quoted || strchr("][\\()<>@,:;\".", name.data[i]);
    TRY(buffer_append_str(out, quoted ? STR("\"") : STR_EMPTY));
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '\\' || name.data[i] == '"')
            TRY(buffer_append_byte(out, '\\'));
        TRY(buffer_append_byte(out, (uint8_t)name.data[i]));
    }
    TRY(buffer_append_str(out, quoted ? STR("\"") : STR_EMPTY));
    return buffer_append_format(out, name.len > 0 ? " <" STR_FMT ">" : STR_FMT, STR_ARG(address));
}

/* Texts that a list grows by. */
typedef struct AddressList {
    StrList list;
    size_t capacity;
} AddressList;

MUST_USE static Error *list_add(AddressList *addresses, Str text, Arena *arena)
{
    StrList *list = &addresses->list;
    if (list->count == addresses->capacity) {
        size_t capacity = MAX(addresses->capacity * 2, (size_t)4);
        Str *items = arena_grow(arena, list->items, addresses->capacity * sizeof *items, capacity * sizeof *items);
        if (!items)
            return arena_error(arena);
        list->items = items;
        addresses->capacity = capacity;
    }
    Str copy = arena_str(arena, text);
    if (!copy.data)
        return arena_error(arena);
    list->items[list->count++] = copy;
    return NULL;
}

/* The mailbox is complete: adds it, unless it is empty. */
MUST_USE static Error *mailbox_end(Mailbox *mailbox, Arena *arena, AddressList *addresses)
{
    CLEANUP(buffer_done) Buffer out = {0};
    Str name = STR_EMPTY, address;
    collapse_blanks(&mailbox->phrase);
    collapse_blanks(&mailbox->raw);
    collapse_blanks(&mailbox->address);
    bool formatted = mailbox->has_angles && mailbox->form == MAIL_ADDRESS_FORMATTED;
    if (formatted)
        TRY(decode_text(buffer_str(&mailbox->phrase), arena, &name));
    TRY(decode_text(buffer_str(formatted ? &mailbox->address : &mailbox->raw), arena, &address));
    if (address.len > 0 || name.len > 0)
        TRY(append_mailbox(name, address, &out));
    mailbox_clear(mailbox);
    return out.len > 0 ? list_add(addresses, buffer_str(&out), arena) : NULL;
}

/* Behind the comment that begins at `at`, comments in it included. */
static size_t skip_comment(Str text, size_t at)
{
    size_t depth = 0;
    for (; at < text.len; at++) {
        depth += text.data[at] == '(';
        if (text.data[at] == ')' && --depth == 0)
            return at + 1;
        at += text.data[at] == '\\';
    }
    return text.len;
}

/* Takes what stands at `*at` into the mailbox: a quoted text, an address in angles, a literal domain, a comment, or one character. */
MUST_USE static Error *mailbox_take(Mailbox *mailbox, Str text, size_t *at, Arena *arena)
{
    size_t start = *at, len = 1;
    Str rest = str_slice(text, start, text.len), unquoted = str_slice(rest, 0, 1);
    switch (rest.data[0]) {
    case '(': *at = skip_comment(text, start); return buffer_append_byte(&mailbox->phrase, ' ');
    case '"': TRY(unquote(rest, arena, &unquoted, &len)); break;
    case '<':
        len = MIN(str_find_char(rest, '>'), rest.len - 1) + 1;
        *at += len;
        mailbox->has_angles = true;
        buffer_clear(&mailbox->address);
        TRY(buffer_append_str(&mailbox->raw, str_slice(rest, 0, len)));
        return buffer_append_str(&mailbox->address, str_slice(rest, 1, rest.data[len - 1] == '>' ? len - 1 : len));
    case '[':
        len = MIN(str_find_char(rest, ']'), rest.len - 1) + 1;
        unquoted = str_slice(rest, 0, len);
        break;
    default: break;
    }
    *at += len;
    TRY(buffer_append_str(&mailbox->phrase, unquoted));
    return buffer_append_str(&mailbox->raw, str_slice(rest, 0, len));
}

MUST_USE static Error *add_addresses(Str text, Mailbox *mailbox, Arena *arena, AddressList *addresses)
{
    for (size_t at = 0; at < text.len;) {
        char c = text.data[at];
        if (c == ',' || c == ';')
            TRY(mailbox_end(mailbox, arena, addresses));
        else if (c == ':' && !mailbox->has_angles)
            mailbox_clear(mailbox); /* it was the name of a group */
        if (c == ',' || c == ';' || c == ':')
            at++;
        else
            TRY(mailbox_take(mailbox, text, &at, arena));
    }
    return mailbox_end(mailbox, arena, addresses);
}

Error *mail_header_addresses(const MailHeaders *headers, Str name, MailAddressForm form, Arena *arena,
                             StrList *ret_list)
{
    CLEANUP(mailbox_done) Mailbox mailbox = {.form = form};
    AddressList addresses = {0};
    for (size_t i = 0; i < headers->count; i++) {
        Str text;
        if (!str_equal_nocase(headers->items[i].name, name))
            continue;
        TRY(unfold(headers->items[i].value, arena, &text));
        TRY(add_addresses(text, &mailbox, arena, &addresses));
    }
    *ret_list = addresses.list;
    return NULL;
}
