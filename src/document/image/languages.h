/* languages.h - which languages Tesseract has on this machine, by the names of their files alone: no library is loaded, nothing is read. Any
 * process, any thread. */
#ifndef DOCUMENT_IMAGE_LANGUAGES_H
#define DOCUMENT_IMAGE_LANGUAGES_H

#include "base/buffer.h"

#define OCR_LANGUAGE_SUFFIX ".traineddata"

/* The first directory of languages that is there, constant text; NULL: Tesseract is not installed. */
const char *ocr_languages_directory(void);

/* The first of `names`, `+` between, that has no file; "" when all have, and where Tesseract is not installed. */
Str ocr_languages_missing(Str names);

/* Appends the name of Debian's package for a language, "tesseract-ocr-chi-sim"; nothing for what is no name of a language. */
MUST_USE Error *ocr_languages_package(Str language, Buffer *out);

/* Changes when languages are installed or removed. */
uint64_t ocr_languages_hash(void);

#endif
