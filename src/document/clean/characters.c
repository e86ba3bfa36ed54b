#include "document/chars.h"
#include "document/clean/cleaner.h"
#include "document/quotes.h"

static Error *append_code_point(Buffer *out, uint32_t code_point)
{
    char bytes[4];
    return buffer_append(out, bytes, utf8_encode(code_point, bytes));
}

/* `text` was appended at `begin`: white space at both ends goes. */
static void trim_from(Buffer *out, size_t begin)
{
    Str appended = str_slice(buffer_str(out), begin, out->len);
    Str trimmed = chars_trim(appended);
    if (trimmed.len > 0)
        memmove(out->data + begin, trimmed.data, trimmed.len);
    out->len = begin + trimmed.len;
}

Error *clean_dashes(Str text, Buffer *out)
{
    text = chars_trim(text);
    size_t begin = out->len, kept = 0;
    for (size_t at = 0, next = 0; at < text.len; at = next) {
        uint32_t c = str_next_code_point(text, &next);
        if (c != '-' && c != 0x2013)
            continue;
        TRY(buffer_append_str(out, str_slice(text, kept, at)));
        TRY(buffer_append_byte(out, ' '));
        kept = next;
    }
    TRY(buffer_append_str(out, str_slice(text, kept, text.len)));
    trim_from(out, begin);
    return NULL;
}

Error *clean_extra_whitespace(Str text, Buffer *out)
{
    size_t begin = out->len;
    bool after_space = false;
    for (size_t at = 0, next = 0; at < text.len; at = next) {
        uint32_t c = str_next_code_point(text, &next);
        bool space = c == ' ' || c == '\n' || c == 0xA0;
        if (!space)
            TRY(buffer_append_str(out, str_slice(text, at, next)));
        else if (!after_space)
            TRY(buffer_append_byte(out, ' '));
        after_space = space;
    }
    trim_from(out, begin);
    return NULL;
}

static Str ligature_letters(uint32_t c)
{
    switch (c) {
    case 0x00C6: return STR("AE");
    case 0x00E6: return STR("ae");
    case 0x0152: return STR("OE");
    case 0x0153: return STR("oe");
    case 0x0239: return STR("qp");
    case 0x02A6: return STR("ts");
    case 0x02AA: return STR("ls");
    case 0xFB00: return STR("ff");
    case 0xFB01: return STR("fi");
    case 0xFB02: return STR("fl");
    case 0xFB03: return STR("ffi");
    case 0xFB04: return STR("ffl");
    case 0xFB05: return STR("ft");
    case 0xFB06: return STR("st");
    default: return STR_EMPTY;
    }
}

Error *clean_ligatures(Str text, Buffer *out)
{
    for (size_t at = 0, next = 0; at < text.len; at = next) {
        Str letters = ligature_letters(str_next_code_point(text, &next));
        TRY(buffer_append_str(out, letters.len > 0 ? letters : str_slice(text, at, next)));
    }
    return NULL;
}

Error *clean_non_ascii_chars(Str text, Buffer *out)
{
    TRY(buffer_reserve(out, text.len));
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if ((uint8_t)text.data[i] < 128)
            out->data[out->len + len++] = (uint8_t)text.data[i];
    }
    buffer_grown(out, len);
    return NULL;
}

static bool contains(Str characters, Str character)
{
    return characters.len > 0 && str_find(characters, character) != SIZE_MAX;
}

Error *clean_sentence_punctuation(Str text, Str keep, Buffer *out)
{
    for (size_t at = 0, next = 0; at < text.len; at = next) {
        unsigned classes;
        chars_next(text, &next, &classes);
        Str character = str_slice(text, at, next);
        if (!(classes & CHAR_PUNCTUATION) || contains(keep, character))
            TRY(buffer_append_str(out, character));
    }
    return NULL;
}

Error *clean_punctuation(Str text, Buffer *out)
{
    return clean_sentence_punctuation(text, STR_EMPTY, out);
}

Error *clean_trailing_punctuation(Str text, Buffer *out)
{
    text = chars_trim(text);
    while (text.len > 0 && strchr(".,:;", text.data[text.len - 1]) && text.data[text.len - 1])
        text.len--;
    return buffer_append_str(out, text);
}

Error *clean_unicode_quotes(Str text, Buffer *out)
{
    return quotes_repair(text, out);
}

/* ---- lower case ---- */

/* Marks, signs and the punctuation of the middle of a word: Unicode's Case_Ignorable, nearly. */
static bool is_case_ignorable(uint32_t c)
{
    switch (c) {
    case '\'':
    case '.':
    case ':':
    case '^':
    case '`':
    case 0x00A8:
    case 0x00AD:
    case 0x00AF:
    case 0x00B4:
    case 0x00B7:
    case 0x00B8:
    case 0x0387:
    case 0x2018:
    case 0x2019:
    case 0x2024:
    case 0x2027: return true;
    default: return (c >= 0x02B0 && c <= 0x036F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F);
    }
}

static bool is_cased(uint32_t c)
{
    bool named_so = c == 0x00AA || c == 0x00BA || (c >= 0x2160 && c <= 0x217F) || (c >= 0x24B6 && c <= 0x24E9);
    return named_so || (char_classes(c) & (CHAR_UPPER | CHAR_LOWER | CHAR_TITLE));
}

static bool cased_follows(Str text, size_t at)
{
    while (at < text.len) {
        uint32_t c = str_next_code_point(text, &at);
        if (!is_case_ignorable(c))
            return is_cased(c);
    }
    return false;
}

/* A capital sigma at the end of a word, whose small form is another one. */
enum { CAPITAL_SIGMA = 0x03A3, FINAL_SIGMA = 0x03C2, CAPITAL_I_DOT = 0x0130, DOT_ABOVE = 0x0307 };

Error *clean_lowercase(Str text, Buffer *out)
{
    text = chars_trim(text);
    bool after_cased = false;
    for (size_t at = 0, next = 0; at < text.len; at = next) {
        uint32_t c = str_next_code_point(text, &next);
        if (c == CAPITAL_SIGMA && after_cased && !cased_follows(text, next))
            TRY(append_code_point(out, FINAL_SIGMA));
        else if (c == CAPITAL_I_DOT)
            TRY(buffer_append(out, "i\xCC\x87", 3));
        else if (c == 0xFFFD)
            TRY(buffer_append_str(out, str_slice(text, at, next)));
        else
            TRY(append_code_point(out, char_lower(c)));
        if (!is_case_ignorable(c))
            after_cased = is_cased(c);
    }
    return NULL;
}
