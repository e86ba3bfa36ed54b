/* value.h - the value of a cell, what its column makes of it, and how it is printed: as pandas, the originals' reader, does for CSV and
 * spreadsheets alike. Source: spec/unstructured.md 3.10; pandas 2 for what it leaves open. Pure functions.
 *
 * A column has one kind: with a word in it every cell is printed as it is; without, its numbers are real as soon as one has a fraction or a
 * cell is empty, and numbers and truth values that are written as text count as what they say. */
#ifndef DOCUMENT_SHEETS_VALUE_H
#define DOCUMENT_SHEETS_VALUE_H

#include "base/arena.h"

typedef enum ValueKind {
    VALUE_TEXT,
    VALUE_WHOLE,
    VALUE_REAL, /* finite */
    VALUE_TRUTH,
    VALUE_DATE,    /* with its time of day */
    VALUE_TIME,    /* of a day, without a date */
    VALUE_DURATION /* may be negative */
} ValueKind;

typedef struct Value {
    ValueKind kind;
    union {
        Str text; /* UTF-8 */
        int64_t whole;
        double real;
        bool truth;
        int64_t time_us; /* of a date since the Unix epoch, of a time since midnight; years 1 to 9999 */
    };
} Value;

/* A text that means nothing there: "", "NA", "null", ... */
bool value_is_missing_text(Str text);

typedef enum ColumnKind {
    COLUMN_MIXED, /* each value for itself */
    COLUMN_WHOLE,
    COLUMN_REAL,
    COLUMN_TRUTH,
    COLUMN_DATE,
    COLUMN_DURATION
} ColumnKind;

/* What has been seen of a column, in any order; zeroed at first. */
typedef struct ColumnEvidence {
    uint32_t values; /* how many */
    uint32_t seen;   /* bits of value.c */
} ColumnEvidence;

void column_see(ColumnEvidence *evidence, const Value *value);
/* `has_gaps`: some cells of it are empty or missing. */
ColumnKind column_kind(const ColumnEvidence *evidence, bool has_gaps);

/* How the column is printed in one table: the cells of that table decide together. */
typedef struct ColumnFormat {
    ColumnKind kind;
    int decimals;   /* of a real one: as many as its longest fraction needs, 1 to 6 */
    int digits_max; /* before the point, a sign among them */
    bool has_large, has_small, has_times, has_fractions;
} ColumnFormat;

ColumnFormat column_format(ColumnKind kind);
void column_format_see(ColumnFormat *format, const Value *value);

enum { VALUE_TEXT_BYTES = 400 }; /* the longest number, in full */

/* What stands in a table's cell; NULL is an empty cell. `*ret_text` points into the value, `formatted` or `arena`. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *value_print(const Value *value, const ColumnFormat *format, Arena *arena,
                            char formatted[VALUE_TEXT_BYTES], Str *ret_text);

/* What a cell says that stands alone in a column of this kind; points into the value or `formatted`. */
Str value_print_alone(const Value *value, ColumnKind kind, char formatted[VALUE_TEXT_BYTES]);

#endif
