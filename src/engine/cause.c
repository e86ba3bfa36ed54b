#include "engine/cause.h"

enum {
    KEY_PART_MIN = 4, /* a shorter key may stand in a word by chance */
    IDENTIFIER_MIN = 16,
    IDENTIFIER_DIGITS_MIN = 4
};

Error *append_percent_encoded(Buffer *out, Str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '-'
                     || c == '.' || c == '_' || c == '~';
        TRY(plain ? buffer_append_byte(out, (uint8_t)c) : buffer_append_format(out, "%%%02X", (unsigned)(uint8_t)c));
    }
    return NULL;
}

typedef struct Names {
    Str key, encoded;
} Names;

static bool holds(Str text, Str name)
{
    if (name.len == 0)
        return false;
    return name.len >= KEY_PART_MIN ? str_find(text, name) != SIZE_MAX : str_equal(text, name);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bytes of "'...'" at the beginning of `rest` when it names the object, else 0. */
static size_t quoted_name_len(Str rest, const Names *names)
{
    if (rest.data[0] != '\'')
        return 0;
    size_t end = str_find_char(str_slice(rest, 1, rest.len), '\'');
    if (end == SIZE_MAX)
        return 0;
    Str inside = str_slice(rest, 1, end + 1);
    if (holds(inside, names->key) || holds(inside, names->encoded) || str_find(inside, STR("://")) != SIZE_MAX)
        end += 2;
    else
        end = 0;
    /* A key may hold the quote itself: then the name ends with the quote behind the key. */
    size_t at = str_find_char(names->key, '\'') == SIZE_MAX ? SIZE_MAX : str_find(rest, names->key);
    if (at > inside.len + 1)
        return end;
    size_t behind = str_find_char(str_slice(rest, at + names->key.len, rest.len), '\'');
    return behind == SIZE_MAX ? end : at + names->key.len + behind + 1;
}

/* Bytes of an address at the beginning of `rest`, which a word begins: "http://host/path". What ends a clause is not its. */
static size_t address_len(Str rest)
{
    size_t scheme = 0;
    while (scheme < rest.len && (is_letter(rest.data[scheme]) || is_digit(rest.data[scheme])))
        scheme++;
    if (scheme == 0 || !str_starts_with(str_slice(rest, scheme, rest.len), STR("://")))
        return 0;
    size_t end = MIN(str_find_char(rest, ' '), rest.len);
    while (end > 0 && str_find_char(STR(":,;)"), rest.data[end - 1]) != SIZE_MAX)
        end--;
    return end;
}

static size_t request_len(Str rest)
{
    size_t end = str_starts_with(rest, STR("(request ")) ? str_find_char(rest, ')') : SIZE_MAX;
    return end == SIZE_MAX ? 0 : end + 1;
}

static size_t identifier_len(Str rest)
{
    size_t len = 0, digits = 0;
    for (; len < rest.len && is_hex(rest.data[len]); len++)
        digits += is_digit(rest.data[len]);
    bool word_goes_on = len < rest.len && is_letter(rest.data[len]);
    return len >= IDENTIFIER_MIN && digits >= IDENTIFIER_DIGITS_MIN && !word_goes_on ? len : 0;
}

/* A checksum as S3 writes it: Base64 with its padding. */
static size_t checksum_len(Str rest)
{
    size_t len = 0, padding = 0;
    while (len < rest.len
           && (is_letter(rest.data[len]) || is_digit(rest.data[len]) || rest.data[len] == '+' || rest.data[len] == '/'))
        len++;
    while (len + padding < rest.len && rest.data[len + padding] == '=')
        padding++;
    return padding && padding <= 2 && (len + padding) % 4 == 0 && len + padding >= 8 ? len + padding : 0;
}

/* Does the text end in a word behind which a number says where, or how large this one object is? */
static bool says_where(Str before)
{
    static const char *const words[] = {"byte",    "bytes", "offset", "line", "column", "page", "row", "entry",
                                        "element", "group", "after",  "of",   "its",    "at",   "has"};
    before = str_trim(before);
    size_t start = before.len;
    while (start > 0 && is_letter(before.data[start - 1]))
        start--;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (str_equal(str_slice(before, start, before.len), str_of(words[i])))
            return true;
    return false;
}

static size_t number_len(Str rest)
{
    size_t len = 0;
    while (len < rest.len && is_digit(rest.data[len]))
        len++;
    return len;
}

/* A name goes with the space before it, with the colon behind it when one is before, and with both when nothing is. */
static void drop_space(Buffer *out, size_t start, Str rest, size_t *len)
{
    if (out->len > start && out->data[out->len - 1] == ' ')
        out->len--;
    else if (out->len == start)
        while (*len < rest.len && (rest.data[*len] == ' ' || rest.data[*len] == ':'))
            ++*len;
    if (out->len > start && out->data[out->len - 1] == ':' && *len < rest.len && rest.data[*len] == ':')
        ++*len;
}

static Error *append_next(Buffer *out, size_t start, const Names *names, Str message, size_t *at)
{
    Str rest = str_slice(message, *at, message.len);
    bool begins_word = *at == 0 || !(is_letter(message.data[*at - 1]) || is_digit(message.data[*at - 1]));
    size_t len = begins_word ? quoted_name_len(rest, names) : 0;
    if (len == 0 && begins_word)
        len = MAX(address_len(rest), request_len(rest));
    if (len) {
        drop_space(out, start, rest, &len);
        *at += len;
        return NULL;
    }
    if (begins_word && (len = MAX(identifier_len(rest), checksum_len(rest))) == 0
        && says_where(str_slice(message, 0, *at)))
        len = number_len(rest);
    if (len) {
        *at += len;
        return buffer_append_byte(out, 'N');
    }
    ++*at;
    return buffer_append_byte(out, (uint8_t)rest.data[0]);
}

Error *cause_append(Buffer *out, Str key, Str message)
{
    CLEANUP(buffer_done) Buffer encoded = {0};
    size_t start = out->len;
    TRY(append_percent_encoded(&encoded, key));
    Names names = {key, buffer_str(&encoded)};
    for (size_t at = 0; at < message.len;)
        TRY(append_next(out, start, &names, message, &at));
    return NULL;
}
