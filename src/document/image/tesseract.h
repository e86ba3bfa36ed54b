/* tesseract.h - what we call of Tesseract and of Leptonica, which reads pictures for it, found at run time: the program runs without them, and is
 * built without their headers.
 *
 * The C interfaces are those of Tesseract 5 (capi.h, whose library is libtesseract.so.5) and Leptonica 1.82 (allheaders.h). Names of fields are those
 * of the functions without their prefix. */
#ifndef DOCUMENT_IMAGE_TESSERACT_H
#define DOCUMENT_IMAGE_TESSERACT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Pix Pix; /* a picture in memory */
typedef struct TessBaseAPI TessBaseAPI;
typedef struct TessResultIterator TessResultIterator;
typedef struct TessPageIterator TessPageIterator;
typedef struct TessMonitor TessMonitor; /* ETEXT_DESC there */

/* Called for every word; true ends the recognition. */
typedef bool TessCancelFn(void *context, int words);

enum {
    TESS_ENGINE_LSTM_ONLY = 1, /* TessOcrEngineMode */
    TESS_PAGE_AUTO = 3,        /* TessPageSegMode: finds columns and blocks, not which way is up */
    TESS_LEVEL_PARAGRAPH = 1,  /* TessPageIteratorLevel */
    TESS_LEVEL_WORD = 3,
    LEPTONICA_FORMAT_TIFF = 4, /* IFF_TIFF up to IFF_TIFF_ZIP, and IFF_TIFF_JPEG */
    LEPTONICA_FORMAT_TIFF_ZIP = 12,
    LEPTONICA_FORMAT_TIFF_JPEG = 17,
    LEPTONICA_SAY_NOTHING = 6 /* L_SEVERITY_NONE */
};

typedef struct Tesseract {
    TessBaseAPI *(*create)(void);
    /* `directory` has a traineddata file for each of `languages`, which `+` joins. 0: done. */
    int (*init)(TessBaseAPI *, const char *directory, const char *languages, int engine);
    void (*set_page_mode)(TessBaseAPI *, int mode);
    void (*set_grey)(TessBaseAPI *, const unsigned char *pixels, int width, int height, int bytes_per_pixel,
                     int bytes_per_line); /* copies */
    void (*set_picture)(TessBaseAPI *, Pix *);
    Pix *(*picture_view)(TessBaseAPI *); /* what was set; until the next is */
    int (*recognize)(TessBaseAPI *, TessMonitor *);
    void (*clear)(TessBaseAPI *);                  /* forgets picture and results */
    TessResultIterator *(*results)(TessBaseAPI *); /* NULL: nothing was found */
    void (*free_results)(TessResultIterator *);
    TessPageIterator *(*results_place_view)(TessResultIterator *);
    int (*next_result)(TessResultIterator *, int level);
    char *(*result_text)(const TessResultIterator *, int level); /* UTF-8, for free_text */
    int (*result_box)(const TessPageIterator *, int level, int *left, int *top, int *right, int *bottom);
    void (*free_text)(const char *);
    TessMonitor *(*monitor_new)(void);
    void (*monitor_free)(TessMonitor *);
    void (*monitor_set_cancel)(TessMonitor *, TessCancelFn *);
    void (*monitor_set_context)(TessMonitor *, void *);

    Pix *(*read)(const uint8_t *data, size_t size); /* NULL: not to be read */
    Pix *(*read_tiff)(const uint8_t *data, size_t size, int32_t page);
    /* The next two: 0 for success; what is not wanted may be NULL. */
    int32_t (*read_header)(const uint8_t *data, size_t size, int32_t *format, int32_t *width, int32_t *height,
                           int32_t *bits, int32_t *samples, int32_t *has_map);
    int32_t (*read_tiff_header)(const uint8_t *data, size_t size, int32_t page, int32_t *width, int32_t *height,
                                int32_t *bits, int32_t *samples, int32_t *resolution, int32_t *has_map,
                                int32_t *format);
    int32_t (*picture_size)(const Pix *, int32_t *width, int32_t *height, int32_t *depth);
    Pix *(*scale)(Pix *, float x, float y);
    void (*free_picture)(Pix **);
    int32_t (*set_severity)(int32_t);
} Tesseract;

/* Loads `library` for ever and fills `*ret_tesseract`. Opens many files and starts no thread, neither now nor later: OMP_THREAD_LIMIT is set to 1
 * before. Errors: UNSUPPORTED (it is not there, or a function is not). */
MUST_USE Error *tesseract_load(const char *library, Tesseract *ret_tesseract);

#endif
