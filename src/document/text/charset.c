#include "document/text/charset.h"

#include <errno.h>
#include <iconv.h>
#include <uchardet.h>

/* uchardet's names and the usual ones of HTML and mail, with aliases; iconv knows all of them under `iconv`. */
typedef struct Charset {
    const char *iconv;
    const char *aliases; /* lower case, between spaces */
} Charset;

static const Charset charsets[] = {
    {"UTF-8", " utf-8 utf8 us-ascii ascii ansi_x3.4-1968 unicode-1-1-utf-8 "},
    {"UTF-16LE", " utf-16le utf-16 utf16 utf_16 utf_16_le ucs-2 unicode "},
    {"UTF-16BE", " utf-16be utf_16_be "},
    {"UTF-32LE", " utf-32le utf-32 utf32 utf_32 utf_32_le ucs-4 "},
    {"UTF-32BE", " utf-32be utf_32_be "},
    {"ISO-8859-1", " iso-8859-1 iso8859-1 iso_8859_1 latin-1 latin1 l1 "},
    {"ISO-8859-2", " iso-8859-2 iso_8859_2 latin2 "},
    {"ISO-8859-3", " iso-8859-3 "},
    {"ISO-8859-4", " iso-8859-4 "},
    {"ISO-8859-5", " iso-8859-5 "},
    {"ISO-8859-6", " iso-8859-6 iso_8859_6 "},
    {"ISO-8859-7", " iso-8859-7 "},
    {"ISO-8859-8", " iso-8859-8 iso_8859_8 iso-8859-8-i "},
    {"ISO-8859-9", " iso-8859-9 latin5 "},
    {"ISO-8859-10", " iso-8859-10 "},
    {"ISO-8859-11", " iso-8859-11 "},
    {"ISO-8859-13", " iso-8859-13 "},
    {"ISO-8859-15", " iso-8859-15 latin-9 latin9 "},
    {"ISO-8859-16", " iso-8859-16 "},
    {"WINDOWS-1250", " windows-1250 cp1250 "},
    {"WINDOWS-1251", " windows-1251 cp1251 "},
    {"WINDOWS-1252", " windows-1252 cp1252 "},
    {"WINDOWS-1253", " windows-1253 cp1253 "},
    {"WINDOWS-1254", " windows-1254 cp1254 "},
    {"WINDOWS-1255", " windows-1255 cp1255 "},
    {"WINDOWS-1256", " windows-1256 cp1256 "},
    {"WINDOWS-1257", " windows-1257 cp1257 "},
    {"WINDOWS-1258", " windows-1258 cp1258 viscii "},
    {"IBM852", " ibm852 cp852 "},
    {"IBM855", " ibm855 cp855 "},
    {"IBM866", " ibm866 cp866 "},
    {"KOI8-R", " koi8-r "},
    {"KOI8-U", " koi8-u "},
    {"MACINTOSH", " macintosh mac-roman "},
    {"MAC-CENTRALEUROPE", " mac-centraleurope "},
    {"MAC-CYRILLIC", " mac-cyrillic x-mac-cyrillic "},
    {"TIS-620", " tis-620 windows-874 "},
    {"SHIFT_JIS", " shift_jis shift-jis sjis x-sjis cp932 "},
    {"EUC-JP", " euc-jp euc_jp "},
    {"ISO-2022-JP", " iso-2022-jp "},
    {"EUC-KR", " euc-kr euc_kr uhc cp949 ks_c_5601-1987 "},
    {"ISO-2022-KR", " iso-2022-kr "},
    {"GB18030", " gb18030 gbk gb2312 hz-gb-2312 "},
    {"BIG5", " big5 big5-hkscs "},
    {"EUC-TW", " euc-tw "},
    {"JOHAB", " johab "},
};

#define CONVERTER_CLOSED ((iconv_t)-1)
/* Written by charset_warm_up alone, before there is a second thread or a lock on the process. */
static iconv_t converters[ARRAY_COUNT(charsets)];
static bool converters_open;

Error *charset_warm_up(void)
{
    if (converters_open)
        return NULL;
    for (size_t i = 0; i < ARRAY_COUNT(charsets); i++) {
        converters[i] = iconv_open("UTF-8", charsets[i].iconv);
        if (converters[i] == CONVERTER_CLOSED && errno == ENOMEM)
            return FAIL(NO_MEMORY, "open the converter of charset '%s': no memory", charsets[i].iconv);
    }
    converters_open = true;
    return NULL;
}

/* Index of a charset by any of its names; -1: unknown, or the system has no converter for it. */
static int charset_find(Str name)
{
    char wanted[32] = " ";
    size_t len = 1;
    name = str_trim(name);
    if (name.len == 0 || name.len + 3 > sizeof wanted)
        return -1;
    for (size_t i = 0; i < name.len; i++)
        wanted[len++] = (char)(name.data[i] >= 'A' && name.data[i] <= 'Z' ? name.data[i] + 32 : name.data[i]);
    wanted[len++] = ' ';
    wanted[len] = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(charsets); i++) {
        if (strstr(charsets[i].aliases, wanted))
            return converters[i] == CONVERTER_CLOSED ? -1 : (int)i;
    }
    return -1;
}

bool charset_is_known(Str name)
{
    ASSERT(converters_open);
    return charset_find(name) >= 0;
}

/* Converted piece by piece into a buffer of the heap first: how much it grows is known only afterwards. */
MUST_USE static Error *convert(iconv_t converter, Bytes input, size_t limit_bytes, Buffer *out)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    union {
        const uint8_t *constant;
        char *plain; /* iconv's parameter is not const, though it does not write */
    } at = {.constant = input.data};
    size_t left = input.len;
    iconv(converter, NULL, NULL, NULL, NULL);
    out->limit = limit_bytes;
    while (left > 0) {
        TRY(buffer_reserve(out, MIN(2 * left + 16, 64 * KIB)));
        char *to = (char *)out->data + out->len;
        size_t room = out->capacity - out->len, room_before = room;
        size_t result = iconv(converter, &at.plain, &left, &to, &room);
        int number = errno;
        buffer_grown(out, room_before - room);
        if (result != (size_t)-1 || number == E2BIG)
            continue;
        TRY(buffer_append(out, replacement, 3)); /* EILSEQ; EINVAL: cut off at the end */
        at.plain++;
        left--;
    }
    return NULL;
}

/* What becomes of a byte that is no part of UTF-8. */
typedef enum StrayByte {
    STRAY_REPLACED,    /* U+FFFD */
    STRAY_WINDOWS_1252 /* the letter it is there */
} StrayByte;

/* 0x80 to 0x9F in Windows-1252; the rest is as in Unicode, what it leaves undefined U+FFFD. */
static uint32_t windows_1252(uint8_t byte)
{
    static const uint16_t letters[0x20] = {0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                           0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD,
                                           0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                           0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};
    return byte >= 0x80 && byte < 0xA0 ? letters[byte - 0x80] : byte;
}

/* True when the text ends within the character that begins at `at`. */
static bool is_cut_off(Str text, size_t at)
{
    const uint8_t *p = (const uint8_t *)text.data;
    if (text.len - at > 3 || p[at] < 0xC2 || str_is_utf8(str_slice(text, at, text.len)))
        return false;
    for (size_t i = at + 1; i < text.len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return false;
    }
    return true;
}

/* Well-formed UTF-8 from what is nearly that. */
MUST_USE static Error *repair_utf8(Str text, StrayByte stray, Arena *arena, Str *ret_text)
{
    if (str_is_utf8(text)) {
        *ret_text = text;
        return NULL;
    }
    char *out = arena_alloc_array(arena, text.len, 3);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        size_t before = at;
        uint32_t code_point = str_next_code_point(text, &at);
        if (stray == STRAY_WINDOWS_1252 && is_cut_off(text, before))
            at = text.len;
        else if (stray == STRAY_WINDOWS_1252 && at == before + 1)
            code_point = windows_1252((uint8_t)text.data[before]);
        len += utf8_encode(code_point, out + len);
    }
    *ret_text = (Str){out, len};
    return NULL;
}

/* Whether text that is not UTF-8 as a whole has at least as many characters of several bytes as bytes that belong to none: other charsets
 * have such sequences by chance alone. */
static bool is_mostly_utf8(Str text)
{
    size_t characters = 0, strays = 0;
    for (size_t at = 0; at < text.len && !is_cut_off(text, at);) {
        size_t before = at;
        str_next_code_point(text, &at);
        characters += at > before + 1;
        strays += at == before + 1 && (uint8_t)text.data[before] >= 0x80;
    }
    return characters > 0 && characters >= strays;
}

MUST_USE static Error *decode_as(int charset, Bytes input, Arena *arena, Str *ret_text)
{
    if (charset == 0)
        return repair_utf8(bytes_str(input), STRAY_REPLACED, arena, ret_text);
    CLEANUP(buffer_done) Buffer converted = {0};
    TRY(convert(converters[charset], input, 4 * input.len + 64, &converted));
    *ret_text = arena_str(arena, buffer_str(&converted));
    return ret_text->data ? NULL : arena_error(arena);
}

/* UTF-8 through UTF-32 by the mark at the start. */
static const char *mark_charset(Bytes input, size_t *ret_mark_bytes)
{
    static const struct {
        const char *name, *mark;
        size_t len;
    } marks[] = {
        {"utf-8", "\xEF\xBB\xBF", 3}, {"utf-32le", "\xFF\xFE\0\0", 4}, {"utf-32be", "\0\0\xFE\xFF", 4},
        {"utf-16le", "\xFF\xFE", 2},  {"utf-16be", "\xFE\xFF", 2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(marks); i++) {
        if (input.len >= marks[i].len && memcmp(input.data, marks[i].mark, marks[i].len) == 0) {
            *ret_mark_bytes = marks[i].len;
            return marks[i].name;
        }
    }
    return NULL;
}

/* UTF-16 and UTF-32 without a mark: text in most scripts has its zero bytes, or its spaces and line ends, in one place of two or four. */
static const char *zeros_charset(Bytes input)
{
    static const char *const four[] = {"utf-32be", NULL, NULL, "utf-32le"};
    size_t count = MIN(input.len, 4 * KIB) / 4 * 4, zeros[4] = {0};
    for (size_t i = 0; i < count; i++)
        zeros[i % 4] += input.data[i] == 0;
    size_t units = count / 4;
    if (units == 0)
        return NULL;
    for (size_t text = 0; text < 4; text += 3) {
        size_t all = zeros[0] + zeros[1] + zeros[2] + zeros[3] - zeros[text];
        if (zeros[text] == 0 && all * 10 >= units * 28)
            return four[text];
    }
    size_t even = zeros[0] + zeros[2], odd = zeros[1] + zeros[3];
    if (even + odd < units / 4 + 1)
        return NULL;
    if (odd > 8 * even)
        return "utf-16le";
    return even > 8 * odd ? "utf-16be" : NULL;
}

static bool is_wide(int charset)
{
    return str_starts_with(str_of(charsets[charset].iconv), STR("UTF-16"))
           || str_starts_with(str_of(charsets[charset].iconv), STR("UTF-32"));
}

/* For bytes that are said to be UTF-16 or UTF-32: there, a space or an end of line has zero bytes, and a length is even. */
static bool is_plainly_utf8(Str text)
{
    bool narrow = text.len % 2 == 1 || str_find_char(text, ' ') != SIZE_MAX || str_find_char(text, '\n') != SIZE_MAX;
    return narrow && str_find_char(text, '\0') == SIZE_MAX && str_is_utf8(text);
}

static int guess_charset(Bytes input)
{
    int charset = -1;
    uchardet_t detector = uchardet_new();
    if (uchardet_handle_data(detector, (const char *)input.data, MIN(input.len, 256 * KIB)) == 0) {
        uchardet_data_end(detector);
        charset = charset_find(str_of(uchardet_get_charset(detector)));
    }
    uchardet_delete(detector);
    return charset > 0 ? charset : charset_find(STR("iso-8859-1"));
}

Error *charset_decode(Bytes input, Str declared, Arena *arena, Str *ret_text)
{
    ASSERT(converters_open);
    size_t mark_bytes = 0;
    const char *name = mark_charset(input, &mark_bytes);
    input.data += mark_bytes;
    input.len -= mark_bytes;
    if (!name && declared.len > 0) {
        int charset = charset_find(declared);
        if (charset < 0)
            return FAIL(UNSUPPORTED, "unknown encoding '" STR_FMT "'", STR_ARG(declared));
        bool utf8 = is_wide(charset) && is_plainly_utf8(bytes_str(input));
        return decode_as(utf8 ? 0 : charset, input, arena, ret_text);
    }
    if (!name)
        name = zeros_charset(input);
    if (name)
        return decode_as(charset_find(str_of(name)), input, arena, ret_text);
    if (str_is_utf8(bytes_str(input))) {
        *ret_text = bytes_str(input);
        return NULL;
    }
    if (is_mostly_utf8(bytes_str(input)))
        return repair_utf8(bytes_str(input), STRAY_WINDOWS_1252, arena, ret_text);
    return decode_as(guess_charset(input), input, arena, ret_text);
}
