#include "document/language.h"

#include "document/chars.h"

/* CLD2 has a C++ interface only. This function takes nothing but plain types, so its C++ name is all that is needed to call it from C.
 * public/compact_lang_det.h: the return value and `languages` are enums, counted from 0; percents are of the text's bytes. */
extern int cld2_detect(const char *text, int len, bool is_plain_text, int languages[3], int percents[3],
                       int *text_bytes,
                       bool *is_reliable) __asm__("_ZN4CLD221DetectLanguageSummaryEPKcibPNS_8LanguageEPiS4_Pb");
extern const char *cld2_code(int language) __asm__("_ZN4CLD212LanguageCodeENS_8LanguageE");

enum {
    TEXT_LOOKED_AT_BYTES = 64 * 1024, /* more changes nothing */
    SHORT_WORDS = 5,
    SHARE_MIN_PERCENT = 10 /* a language with less of the text is noise */
};

/* The languages that langdetect knows, which the originals use, and a few more: ISO 639-1 and -3. */
static const struct {
    const char *two, *three;
} codes[] = {
    {"af", "afr"}, {"ar", "ara"}, {"bg", "bul"}, {"bn", "ben"}, {"ca", "cat"},      {"cs", "ces"}, {"cy", "cym"},
    {"da", "dan"}, {"de", "deu"}, {"el", "ell"}, {"en", "eng"}, {"es", "spa"},      {"et", "est"}, {"eu", "eus"},
    {"fa", "fas"}, {"fi", "fin"}, {"fr", "fra"}, {"ga", "gle"}, {"gl", "glg"},      {"gu", "guj"}, {"he", "heb"},
    {"iw", "heb"}, {"hi", "hin"}, {"hr", "hrv"}, {"hu", "hun"}, {"hy", "hye"},      {"id", "ind"}, {"is", "isl"},
    {"it", "ita"}, {"ja", "jpn"}, {"ka", "kat"}, {"kn", "kan"}, {"ko", "kor"},      {"la", "lat"}, {"lt", "lit"},
    {"lv", "lav"}, {"mk", "mkd"}, {"ml", "mal"}, {"mr", "mar"}, {"ms", "msa"},      {"mt", "mlt"}, {"ne", "nep"},
    {"nl", "nld"}, {"no", "nor"}, {"nb", "nor"}, {"nn", "nno"}, {"pa", "pan"},      {"pl", "pol"}, {"pt", "por"},
    {"ro", "ron"}, {"ru", "rus"}, {"sk", "slk"}, {"sl", "slv"}, {"so", "som"},      {"sq", "sqi"}, {"sr", "srp"},
    {"sv", "swe"}, {"sw", "swa"}, {"ta", "tam"}, {"te", "tel"}, {"th", "tha"},      {"tl", "tgl"}, {"tr", "tur"},
    {"uk", "ukr"}, {"ur", "urd"}, {"vi", "vie"}, {"zh", "zho"}, {"zh-Hant", "zho"},
};

/* "" for a code that is not in the table. */
static Str code_of_three(Str code)
{
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        if (str_equal(code, str_of(codes[i].two)) || str_equal(code, str_of(codes[i].three)))
            return str_of(codes[i].three);
    }
    return STR_EMPTY;
}

static bool is_ascii(Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] >= 128)
            return false;
    }
    return true;
}

static bool has_few_words(Str text)
{
    size_t words = 0;
    bool in_word = false;
    for (size_t i = 0; i < text.len && words < SHORT_WORDS; i++) {
        bool space = char_classes((unsigned char)text.data[i]) & CHAR_SPACE;
        words += !space && !in_word;
        in_word = !space;
    }
    return words < SHORT_WORDS;
}

/* As much as is looked at, not cut inside a character. */
static Str looked_at(Str text)
{
    size_t len = MIN(text.len, (size_t)TEXT_LOOKED_AT_BYTES);
    while (len > 0 && len < text.len && ((uint8_t)text.data[len] & 0xC0) == 0x80)
        len--;
    return str_slice(text, 0, len);
}

size_t languages_find(Str text, Str found[LANGUAGES_FOUND_MAX])
{
    int languages[3], percents[3], text_bytes;
    bool reliable;
    size_t count = 0;
    text = chars_trim(looked_at(text));
    if (text.len == 0)
        return 0;
    bool ascii = is_ascii(text);
    found[0] = STR("eng"); /* also when nothing is found in plain letters: lists of names, formulas */
    if (ascii && has_few_words(text))
        return 1;
    cld2_detect(text.data, (int)text.len, true, languages, percents, &text_bytes, &reliable);
    for (size_t i = 0; i < ARRAY_COUNT(languages); i++) {
        Str code = code_of_three(str_of(cld2_code(languages[i])));
        if (percents[i] >= SHARE_MIN_PERCENT && code.len > 0)
            found[count++] = code;
    }
    return count == 0 && ascii ? 1 : count;
}

MUST_USE static Error *copy_codes(Arena *arena, const Str *found, size_t count, StrList *ret_list)
{
    *ret_list = (StrList){NULL, 0};
    if (count == 0)
        return NULL;
    ret_list->items = ARENA_ARRAY(arena, Str, count);
    if (!ret_list->items)
        return arena_error(arena);
    memcpy(ret_list->items, found, count * sizeof *found);
    ret_list->count = count;
    return NULL;
}

/* The texts of all elements that have no languages yet, as much as is looked at, with spaces between. */
MUST_USE static Error *join_texts(const Elements *elements, size_t first, Str *ret_text)
{
    char *out = arena_alloc(elements->arena, (size_t)TEXT_LOOKED_AT_BYTES);
    if (!out)
        return arena_error(elements->arena);
    size_t len = 0;
    for (size_t i = first; i < elements->count && len < TEXT_LOOKED_AT_BYTES; i++) {
        if (elements->items[i].languages.count > 0)
            continue;
        Str text = looked_at(elements->items[i].text);
        text = str_slice(text, 0, TEXT_LOOKED_AT_BYTES - len);
        if (text.len > 0)
            memcpy(out + len, text.data, text.len);
        len += text.len;
        if (len < TEXT_LOOKED_AT_BYTES)
            out[len++] = ' ';
    }
    while (len > 0 && ((uint8_t)out[len - 1] & 0x80)) /* the last character may be cut */
        len--;
    *ret_text = (Str){out, len};
    return NULL;
}

MUST_USE static Error *set_all(Elements *elements, size_t first, StrList languages)
{
    for (size_t i = first; i < elements->count; i++) {
        if (elements->items[i].languages.count == 0)
            elements->items[i].languages = languages;
    }
    return NULL;
}

MUST_USE static Error *set_found(Elements *elements, size_t first)
{
    Str found[LANGUAGES_FOUND_MAX], text;
    TRY(join_texts(elements, first, &text));
    size_t count = languages_find(text, found);
    StrList list;
    if (count == 1) {
        TRY(copy_codes(elements->arena, found, count, &list));
        return set_all(elements, first, list);
    }
    for (size_t i = first; i < elements->count; i++) {
        if (elements->items[i].languages.count > 0)
            continue;
        count = languages_find(elements->items[i].text, found);
        TRY(copy_codes(elements->arena, found, count, &elements->items[i].languages));
    }
    return NULL;
}

Error *languages_set(Elements *elements, size_t first, Str wanted)
{
    Str given[16], code;
    size_t count = 0;
    for (Str rest = wanted; wanted.len > 0 && count < ARRAY_COUNT(given) && str_next_piece(&rest, ',', &code);) {
        if (str_equal(str_trim(code), STR("auto")))
            return set_found(elements, first);
        Str known = code_of_three(str_trim(code));
        if (known.len > 0)
            given[count++] = known;
    }
    if (count == 0)
        return set_found(elements, first);
    StrList list;
    TRY(copy_codes(elements->arena, given, count, &list));
    return set_all(elements, first, list);
}
