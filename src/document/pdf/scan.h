/* scan.h - pages that are one picture, as scanners make them: the picture goes to OCR. Pages are not rendered: that opens fonts. */
#ifndef PDF_SCAN_H
#define PDF_SCAN_H

#include "document/image/ocr.h"

#include <poppler.h> /* after ours: it undefines MIN and MAX before it defines them */

/* A picture is the page if it covers this part of it. */
#define SCAN_COVERS_MIN 0.8

/* Whether a picture covers `page`: a scan. */
bool scan_covers(PopplerPage *page);

/* Adds what OCR sees in the picture that covers `page`, after ocr_start; false in `*ret_is_scan`, and nothing added, where there is none. Boxes are in
 * the page's units. `arena` holds the pixels. Errors: CORRUPT, LIMIT, NO_MEMORY, those of ocr_add_grey. */
MUST_USE Error *scan_add_page(Builder *builder, PopplerPage *page, uint32_t page_number, Arena *arena,
                              bool *ret_is_scan);

#endif
