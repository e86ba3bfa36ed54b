/* ocr.h - text in pictures, by Tesseract where it is installed: a page to elements, one for each paragraph that is seen.
 *
 * ocr_warm_up finds the library and its languages while files may still be opened; they, and an engine for the languages asked for last, are the
 * state of the process. An engine reads its languages by fopen when it starts: in a locked process somebody answers for the files of ocr_file_view
 * (parse/poppler_files.h). One thread. Source: spec/unstructured.md 3.13. */
#ifndef DOCUMENT_IMAGE_OCR_H
#define DOCUMENT_IMAGE_OCR_H

#include "document/builder.h"
#include "document/image/tesseract.h"

#define OCR_LIBRARY "libtesseract.so.5"
#define OCR_LANGUAGE_BYTES_MAX (256 * MIB) /* of all languages: what comes after is not there */

enum {
    OCR_LANGUAGES_MAX = 256,    /* that are known */
    OCR_SIDE_MAX = 32767,       /* pixels: Tesseract's */
    OCR_PIXELS_MAX = 100000000, /* of one picture */
    OCR_TEXT_HEIGHT_MIN = 12,   /* the median word, in pixels; other pictures are zoomed */
    OCR_TEXT_HEIGHT_MAX = 100,
    OCR_TEXT_HEIGHT_OPTIMUM = 20, /* to this */
};

/* Looks for `library` and for languages. That there is none is no error: ocr_start tells. Once a process; more calls look again until it is found.
 * Errors: NO_MEMORY. */
MUST_USE Error *ocr_warm_up(const char *library);

/* The path of the language file `index`; NULL behind the last one. As long as the process. */
const char *ocr_file_view(size_t index);

/* Makes an engine for `languages`, Tesseract's names with `+` between; "" is eng. Costs 0.2 s where they are not those of the last call.
 * Errors: UNSUPPORTED, "needs OCR: ..." and what to install; CORRUPT (a language's file). */
MUST_USE Error *ocr_start(Str languages);

/* The functions of the library, after ocr_start. */
const Tesseract *ocr_tesseract_view(void);

/* Fails with LIMIT, naming it, for a picture that is too large to be recognised. `what` begins the message: "image", "PDF page 3". */
MUST_USE Error *ocr_check_size(const char *what, uint64_t width, uint64_t height);

/* Eight bits a pixel, 0 is black. */
typedef struct OcrGrey {
    const uint8_t *pixels;
    int width, height, bytes_per_line;
} OcrGrey;

/* Where what is recognised stands in the document. */
typedef struct OcrPage {
    uint32_t number;
    double width, height; /* the units of the elements' boxes; 0: the picture's own pixels */
} OcrPage;

/* Add what is seen in the picture, in Tesseract's reading order, after ocr_start. Signs of life are given as words are found.
 * Errors: LIMIT, NO_MEMORY, UNSUPPORTED (Tesseract gives up). */
MUST_USE Error *ocr_add_picture(Builder *builder, Pix *picture, const OcrPage *page);
MUST_USE Error *ocr_add_grey(Builder *builder, const OcrGrey *grey, const OcrPage *page);

#endif
