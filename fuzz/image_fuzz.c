/* Pictures with sizes, texts and places that an engine may give: the OCR wrapper is tried against a stub of Tesseract and Leptonica whose answers
 * are the fuzzed bytes. (Their own code is bounded by the process.) */
#include <math.h>
#include <stdlib.h>

#include "base/reader.h"
#include "document/image/ocr.c" /* its state is filled here: no library is loaded, no language looked for */
#include "document/image/ocr.h"
#include "partition_fuzz.h"

enum { RESULTS_MAX = 64, TEXT_MAX = 200 };

static struct {
    Reader in;
    unsigned results_left;
    int pictures; /* that are alive */
} stub;

static uint8_t next_byte(void)
{
    uint8_t byte = 0;
    (void)reader_u8(&stub.in, &byte);
    return byte;
}

static int32_t next_size(void)
{
    uint32_t value = 0;
    (void)reader_u32le(&stub.in, &value);
    return (int32_t)value;
}

/* A handle that must be given back. */
static void *new_handle(void)
{
    return next_byte() % 16 == 15 ? NULL : calloc(1, 8);
}

static Pix *new_picture(void)
{
    Pix *picture = new_handle();
    stub.pictures += picture != NULL;
    return picture;
}

static void free_picture(Pix **picture)
{
    free(*picture);
    *picture = NULL;
    stub.pictures--;
}

static int32_t give_size(const Pix *picture, int32_t *width, int32_t *height, int32_t *depth)
{
    (void)picture;
    (void)depth;
    *width = next_size();
    *height = next_size();
    return next_byte() % 16 == 15;
}

static Pix *read_picture(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    return new_picture();
}

static Pix *read_tiff(const uint8_t *data, size_t size, int32_t page)
{
    (void)data;
    (void)size;
    (void)page;
    return new_picture();
}

static int32_t read_header(const uint8_t *data, size_t size, int32_t *format, int32_t *width, int32_t *height,
                           int32_t *bits, int32_t *samples, int32_t *has_map)
{
    ASSERT(data && size && !bits && !samples && !has_map);
    *format = next_byte() % 24;
    return give_size(NULL, width, height, NULL);
}

static int32_t read_tiff_header(const uint8_t *data, size_t size, int32_t page, int32_t *width, int32_t *height,
                                int32_t *bits, int32_t *samples, int32_t *resolution, int32_t *has_map, int32_t *format)
{
    ASSERT(data && size && page >= 0 && !format);
    *bits = *samples = *resolution = *has_map = next_byte();
    return give_size(NULL, width, height, NULL);
}

static void set_picture(TessBaseAPI *engine, Pix *picture)
{
    ASSERT(engine && picture);
}

static void set_page_mode(TessBaseAPI *engine, int mode)
{
    ASSERT(engine && mode == TESS_PAGE_AUTO);
}

static int init(TessBaseAPI *engine, const char *directory, const char *languages, int mode)
{
    ASSERT(engine && directory && languages && mode == TESS_ENGINE_LSTM_ONLY);
    return 0;
}

static Pix *picture_view(TessBaseAPI *engine)
{
    return (Pix *)(void *)engine;
}

static Pix *scale(Pix *picture, float x, float y)
{
    ASSERT(picture && isfinite(x) && x > 0 && isfinite(y) && y > 0);
    return new_picture();
}

static int recognize_stub(TessBaseAPI *engine, TessMonitor *monitor)
{
    ASSERT(engine && monitor);
    return next_byte() % 16 == 15;
}

static void clear(TessBaseAPI *engine)
{
    ASSERT(engine);
}

static TessResultIterator *results(TessBaseAPI *engine)
{
    ASSERT(engine);
    stub.results_left = next_byte() % RESULTS_MAX;
    return new_handle();
}

static void free_results(TessResultIterator *at)
{
    free(at);
}

static TessPageIterator *results_place_view(TessResultIterator *at)
{
    return (TessPageIterator *)(void *)at;
}

static int next_result(TessResultIterator *at, int level)
{
    ASSERT(at && (level == TESS_LEVEL_WORD || level == TESS_LEVEL_PARAGRAPH));
    return stub.results_left > 0 && stub.results_left--;
}

/* Always valid UTF-8, as Tesseract's is. */
static char *result_text(const TessResultIterator *at, int level)
{
    Bytes bytes;
    ASSERT(at && level == TESS_LEVEL_PARAGRAPH);
    size_t len = MIN((size_t)next_byte() % TEXT_MAX, reader_left(&stub.in));
    char *text = reader_take(&stub.in, len, &bytes) ? strndup((const char *)bytes.data, len) : NULL;
    if (text && !str_is_utf8(str_of(text)))
        *text = '\0';
    return text;
}

static int result_box(const TessPageIterator *at, int level, int *left, int *top, int *right, int *bottom)
{
    (void)level;
    ASSERT(at);
    *left = next_size() % 70000, *top = next_size() % 70000, *right = next_size() % 70000,
    *bottom = next_size() % 70000;
    return next_byte() % 16 != 15;
}

static void free_text(const char *text)
{
    free((char *)(uintptr_t)text);
}

static TessMonitor *monitor_new(void)
{
    return new_handle();
}

static void monitor_free(TessMonitor *monitor)
{
    free(monitor);
}

static void monitor_set_cancel(TessMonitor *monitor, TessCancelFn *cancel)
{
    ASSERT(monitor && cancel);
}

static void monitor_set_context(TessMonitor *monitor, void *context)
{
    ASSERT(monitor && context);
}

static const Tesseract stub_functions = {
    .init = init,
    .set_page_mode = set_page_mode,
    .set_picture = set_picture,
    .picture_view = picture_view,
    .recognize = recognize_stub,
    .clear = clear,
    .results = results,
    .free_results = free_results,
    .results_place_view = results_place_view,
    .next_result = next_result,
    .result_text = result_text,
    .result_box = result_box,
    .free_text = free_text,
    .monitor_new = monitor_new,
    .monitor_free = monitor_free,
    .monitor_set_cancel = monitor_set_cancel,
    .monitor_set_context = monitor_set_context,
    .read = read_picture,
    .read_tiff = read_tiff,
    .read_header = read_header,
    .read_tiff_header = read_tiff_header,
    .picture_size = give_size,
    .scale = scale,
    .free_picture = free_picture,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char language[] = "/t/eng.traineddata", engine[8];
    if (size == 0)
        return 0;
    ocr.loaded = true;
    ocr.tesseract = stub_functions;
    ocr.directory = "/t";
    ocr.files[0] = language;
    ocr.file_count = 1;
    ocr.engine = (TessBaseAPI *)(void *)engine;
    stub.in = reader_of(bytes_from(data, size));
    fuzz_partition(partition_image, STR("image/png"), data, size);
    ASSERT(stub.pictures == 0);
    return 0;
}
