/* pdf.h - PDF to elements, by its text layer, or by OCR of scanned pages; partition_pdf itself is declared in document/partition.h.
 *
 * Partitioning opens no file and starts nothing, once pdf_warm_up has run. Errors of partition_pdf: UNSUPPORTED (encrypted, needs
 * OCR), CORRUPT (poppler cannot make sense of it, or of some pages: then the others' elements are there), LIMIT naming the limit,
 * NO_MEMORY. One thread.
 * Source: spec/unstructured.md 3.12; ISO 32000-1 by way of poppler. */
#ifndef PDF_PDF_H
#define PDF_PDF_H

#include "document/partition.h"

#define PDF_PAGES_MAX 100000
#define PDF_PAGE_MEMORY_MAX (256 * MIB) /* of ours for one page; poppler's own is bounded by the process */
#define PDF_TEXT_MAX (256 * MIB)        /* of all elements, unless the options say otherwise */

/* Reads one tiny document and keeps it for ever: the last document to go would take poppler's global tables with it, and loading
 * them needs files. Once a process, before the sandbox locks; more calls do nothing. Errors: INTERNAL. */
MUST_USE Error *pdf_warm_up(void);

#endif
