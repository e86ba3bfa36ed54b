/* dates.h - which numbers of a spreadsheet are dates, and which dates they are: shared by XLSX and XLS.
 * Sources: ECMA-376-1 18.8.30, 18.8.31 (number formats), 18.17.4 (dates). One thing is ours: the built-in formats of East Asian dates (27-36,
 * 50-58), whose codes no file holds, make dates, as they do in the originals for XLS alone. */
#ifndef DOCUMENT_SHEETS_DATES_H
#define DOCUMENT_SHEETS_DATES_H

#include "document/sheets/value.h"

typedef enum FormatKind { FORMAT_NUMBER, FORMAT_DATE, FORMAT_DURATION } FormatKind;

/* What a format's code makes of numbers; only its first section counts. "[h]:mm" is a duration. */
FormatKind format_kind(Str code);

/* The styles of a document by what they make of numbers; in `arena`. */
typedef struct NumberStyles {
    Arena *arena;
    uint8_t *formats; /* [FORMAT_IDS]: a FormatKind */
    uint8_t *styles;  /* a FormatKind each */
    size_t style_count, style_capacity;
} NumberStyles;

enum { FORMAT_IDS = 65536 };

/* With the built-in formats. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *number_styles_init(NumberStyles *styles, Arena *arena);
/* The format `id`, of which those past FORMAT_IDS are ignored, has this code. */
void number_styles_define(NumberStyles *styles, uint64_t id, Str code);
/* The next style, which has the format `id`. All formats must be defined before. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *number_styles_add(NumberStyles *styles, uint64_t id);
/* Of a style that is not there: FORMAT_NUMBER. */
FormatKind number_styles_kind(const NumberStyles *styles, uint64_t style);

/* `real` as a value: a whole number is VALUE_WHOLE. False when it is none: not finite, or a date outside the years 1 to 9999. */
bool value_of_number(double real, FormatKind kind, bool epoch_1904, Value *ret_value);

#endif
