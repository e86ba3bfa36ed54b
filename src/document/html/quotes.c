#include "document/html/quotes.h"

typedef struct Repair {
    Str wrong, right;
} Repair;

#define REPAIR(wrong, right)                                                                                           \
    {                                                                                                                  \
        {wrong, sizeof(wrong) - 1},                                                                                    \
        {                                                                                                              \
            right, sizeof(right) - 1                                                                                   \
        }                                                                                                              \
    }
/* "â" and U+0080, the first two bytes of the UTF-8 of a quotation mark, read as Latin 1. */
#define HEAD "\u00e2\xc2\x80"

/* In the order in which they are tried. The first four are Windows-1252 read as Latin 1. */
static const Repair REPAIRS[] = {
    REPAIR("\xc2\x91", "‘"), REPAIR("\xc2\x92", "’"),      REPAIR("\xc2\x93", "“"),      REPAIR("\xc2\x94", "”"),
    REPAIR("&apos;", "'"),   REPAIR(HEAD "\xc2\x99", "'"), REPAIR(HEAD "\xc2\x93", "—"), REPAIR(HEAD "\xc2\x94", "–"),
    REPAIR(HEAD "“", "—"),   REPAIR(HEAD "”", "–"),        REPAIR(HEAD "˜", "‘"),        REPAIR(HEAD "¦", "…"),
    REPAIR(HEAD "™", "’"),   REPAIR(HEAD "œ", "“"),        REPAIR(HEAD "?", "”"),        REPAIR(HEAD "ť", "”"),
    REPAIR(HEAD "ś", "“"),   REPAIR(HEAD "¨", "—"),        REPAIR(HEAD "ł", "″"),        REPAIR(HEAD "Ž", ""),
    REPAIR(HEAD "‚", ""),    REPAIR(HEAD "‰", ""),         REPAIR(HEAD "‹", ""),         REPAIR(HEAD, ""),
};

static const Repair *repair_at(Str text, size_t at)
{
    char c = text.data[at];
    if (c != '\xc2' && c != '\xc3' && c != '&')
        return NULL;
    Str rest = str_slice(text, at, text.len);
    for (size_t i = 0; i < ARRAY_COUNT(REPAIRS); i++) {
        if (str_starts_with(rest, REPAIRS[i].wrong))
            return &REPAIRS[i];
    }
    return NULL;
}

Error *quotes_repair(Buffer *text)
{
    size_t from = 0, at = 0;
    CLEANUP(buffer_done) Buffer repaired = {.limit = text->limit};
    while (at < text->len) {
        const Repair *repair = repair_at(buffer_str(text), at);
        if (!repair) {
            at++;
            continue;
        }
        TRY(buffer_append(&repaired, text->data + from, at - from));
        TRY(buffer_append_str(&repaired, repair->right));
        from = at += repair->wrong.len;
    }
    if (from == 0)
        return NULL;
    TRY(buffer_append(&repaired, text->data + from, text->len - from));
    Buffer old = *text;
    *text = repaired;
    repaired = old; /* freed */
    return NULL;
}
