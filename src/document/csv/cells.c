#include "document/csv/cells.h"

#include <math.h>
#include <stdio.h>

#include "document/chars.h"

/* What pandas reads as a missing value. */
static bool is_missing(Str cell)
{
    static const char *const names[] = {"",     "#N/A",   "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN",
                                        "-nan", "1.#IND", "1.#QNAN",  "<NA>", "N/A",     "NA",       "NULL",
                                        "NaN",  "None",   "n/a",      "nan",  "null"};
    if (cell.len > 8)
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_equal(cell, str_of(names[i])))
            return true;
    }
    return false;
}

static bool looks_like_number(Str cell)
{
    for (size_t i = 0; i < cell.len; i++) {
        char c = cell.data[i];
        if ((c < '0' || c > '9') && !strchr("+-.eE ", c))
            return false;
    }
    return cell.len > 0 && cell.len < 64;
}

static bool cell_is_whole(Str cell, int64_t *ret_value)
{
    Str digits = str_trim(cell);
    if (digits.len > 1 && digits.data[0] == '+' && digits.data[1] != '-')
        digits = str_slice(digits, 1, digits.len);
    return looks_like_number(cell) && str_to_i64(digits, ret_value);
}

static bool cell_is_real(Str cell, double *ret_value)
{
    return looks_like_number(cell) && str_to_double(str_trim(cell), ret_value) && isfinite(*ret_value);
}

/* Digits behind the point that `value` needs, up to six; at least one. */
static int decimals_needed(double value)
{
    char text[CSV_NUMBER_BYTES];
    int len = snprintf(text, sizeof text, "%.6f", value), decimals = 6;
    while (decimals > 1 && text[--len] == '0')
        decimals--;
    return decimals;
}

static void judge_cell(CsvColumn *column, Str cell, bool *numbers)
{
    int64_t whole;
    double real;
    if (column->kind == CSV_TEXT)
        return;
    if (is_missing(cell)) {
        column->kind = CSV_REAL;
        return;
    }
    if (!cell_is_real(cell, &real)) {
        column->kind = CSV_TEXT;
        return;
    }
    *numbers = true;
    if (!cell_is_whole(cell, &whole))
        column->kind = CSV_REAL;
    column->decimals = MAX(column->decimals, decimals_needed(real));
}

Error *csv_judge_columns(const CsvTable *t, CsvColumn **ret_columns)
{
    CsvColumn *columns = ARENA_ARRAY(t->arena, CsvColumn, t->columns);
    if (!columns)
        return arena_error(t->arena);
    for (size_t c = 0; c < t->columns; c++) {
        bool numbers = false;
        columns[c] = (CsvColumn){CSV_WHOLE, 1};
        for (size_t row = 0; row < t->row_count && columns[c].kind != CSV_TEXT; row++) {
            size_t cell = t->row_starts[row] + c;
            judge_cell(&columns[c], cell < t->row_starts[row + 1] ? t->cells[cell] : STR_EMPTY, &numbers);
        }
        if (!numbers)
            columns[c].kind = CSV_TEXT;
    }
    *ret_columns = columns;
    return NULL;
}

/* White space runs as one space; tabs and line ends, which pandas shows by name, first. */
MUST_USE static Error *clean_text(Arena *arena, Str cell, Str *ret_text)
{
    char *out = arena_alloc_array(arena, cell.len, 2);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t i = 0; i < cell.len; i++) {
        const char *at = strchr("\tt\rr\nn", cell.data[i]);
        bool named = cell.data[i] == '\t' || cell.data[i] == '\r' || cell.data[i] == '\n';
        if (named)
            out[len++] = '\\';
        out[len++] = named ? at[1] : cell.data[i];
    }
    return arena_collapse_space(arena, (Str){out, len}, ret_text);
}

static bool has_space_to_clean(Str cell)
{
    bool before = true;
    for (size_t i = 0; i < cell.len; i++) {
        unsigned char c = (unsigned char)cell.data[i];
        bool space = c == ' ';
        if ((space && before) || (c < ' ') || c >= 0xC2)
            return true;
        before = space;
    }
    return before;
}

Error *csv_cell_text(const CsvTable *t, const CsvColumn *column, Str cell, char formatted[CSV_NUMBER_BYTES],
                     Str *ret_text)
{
    int64_t whole;
    double real;
    *ret_text = STR_EMPTY;
    if (is_missing(cell))
        return NULL;
    if (column->kind == CSV_WHOLE && cell_is_whole(cell, &whole)) {
        snprintf(formatted, CSV_NUMBER_BYTES, "%lld", (long long)whole);
        *ret_text = str_of(formatted);
    } else if (column->kind == CSV_REAL && cell_is_real(cell, &real)) {
        snprintf(formatted, CSV_NUMBER_BYTES, "%.*f", column->decimals, real);
        *ret_text = str_of(formatted);
    } else if (has_space_to_clean(cell))
        return clean_text(t->arena, cell, ret_text);
    else
        *ret_text = cell;
    return NULL;
}
