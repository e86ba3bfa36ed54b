/* sniff.h - which character separates the fields of a CSV file. Source: spec/unstructured.md 3.10. */
#ifndef DOCUMENT_CSV_SNIFF_H
#define DOCUMENT_CSV_SNIFF_H

#include "base/str.h"

/* ',', ';' or '|', judged by the first 64 KiB of whole lines; '\0' when none of them makes columns. */
char csv_sniff_delimiter(Str text);

/* Lines that look like CSV: of the first ten, at least two, all have commas, and equally many outside quotes. */
bool csv_is_likely(Str text);

#endif
