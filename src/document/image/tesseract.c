#include "document/image/tesseract.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A field, and the function that belongs there; a pointer to a function goes in by its bytes, as POSIX has it for dlsym. */
#define FIELD(field, function)                                                                                         \
    {                                                                                                                  \
        offsetof(Tesseract, field), function                                                                           \
    }

static const struct {
    size_t offset;
    const char *function;
} fields[] = {
    FIELD(create, "TessBaseAPICreate"),
    FIELD(init, "TessBaseAPIInit2"),
    FIELD(set_page_mode, "TessBaseAPISetPageSegMode"),
    FIELD(set_grey, "TessBaseAPISetImage"),
    FIELD(set_picture, "TessBaseAPISetImage2"),
    FIELD(picture_view, "TessBaseAPIGetInputImage"),
    FIELD(recognize, "TessBaseAPIRecognize"),
    FIELD(clear, "TessBaseAPIClear"),
    FIELD(results, "TessBaseAPIGetIterator"),
    FIELD(free_results, "TessResultIteratorDelete"),
    FIELD(results_place_view, "TessResultIteratorGetPageIterator"),
    FIELD(next_result, "TessResultIteratorNext"),
    FIELD(result_text, "TessResultIteratorGetUTF8Text"),
    FIELD(result_box, "TessPageIteratorBoundingBox"),
    FIELD(free_text, "TessDeleteText"),
    FIELD(monitor_new, "TessMonitorCreate"),
    FIELD(monitor_free, "TessMonitorDelete"),
    FIELD(monitor_set_cancel, "TessMonitorSetCancelFunc"),
    FIELD(monitor_set_context, "TessMonitorSetCancelThis"),
    FIELD(read, "pixReadMem"),
    FIELD(read_tiff, "pixReadMemTiff"),
    FIELD(read_header, "pixReadHeaderMem"),
    FIELD(read_tiff_header, "readHeaderMemTiff"),
    FIELD(picture_size, "pixGetDimensions"),
    FIELD(scale, "pixScale"),
    FIELD(free_picture, "pixDestroy"),
    FIELD(set_severity, "setMsgSeverity"),
};

static_assert(ARRAY_COUNT(fields) * sizeof(void *) == sizeof(Tesseract), "every field has its function");

Error *tesseract_load(const char *library, Tesseract *ret_tesseract)
{
    Tesseract found;
    /* libgomp reads it while it is loaded. */
    if (setenv("OMP_THREAD_LIMIT", "1", 1) != 0)
        return FAIL_ERRNO("set OMP_THREAD_LIMIT");
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return FAIL(UNSUPPORTED, "Tesseract is not installed (apt install tesseract-ocr)");
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        void *function = dlsym(handle, fields[i].function); /* in Leptonica too, on which the library depends */
        if (!function) {
            dlclose(handle);
            return FAIL(UNSUPPORTED, "Tesseract is not a version that is known: '%s' has no %s", library,
                        fields[i].function);
        }
        memcpy((char *)&found + fields[i].offset, &function, sizeof function);
    }
    *ret_tesseract = found;
    return NULL;
}
