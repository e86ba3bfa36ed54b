/* Parameters of headers: RFC 2045 5.1, RFC 2231. */
#include "document/mail/header.h"
#include "document/mail/transfer.h"

enum { PARAMETER_PIECES_MAX = 256 };

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
        while (at < rest->len && (mail_is_blank(rest->data[at]) || rest->data[at] == '\r' || rest->data[at] == '\n'));
        if (at < rest->len && rest->data[at] == '"') {
            size_t len;
            TRY(mail_header_unquote(str_slice(*rest, at, rest->len), arena, &ret_parameter->value, &len));
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
    TRY(mail_append_in_charset(buffer_bytes(&bytes), charset, arena, &text));
    *ret_text = arena_str(arena, buffer_str(&text));
    return ret_text->data ? NULL : arena_error(arena);
}

Error *mail_header_parameter(Str value, Str name, Arena *arena, Str *ret_text)
{
    Parameter parameter, pieces[PARAMETER_PIECES_MAX], plain = {.piece = -1}, extended = {.piece = -1};
    size_t piece_count = 0;
    Str rest;
    bool more;
    TRY(mail_header_unfold(value, arena, &rest));
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
