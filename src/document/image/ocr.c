#include "document/image/ocr.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "document/image/languages.h"
#include "document/rules.h"

enum { LANGUAGES_TEXT_MAX = 256 };

static struct {
    bool loaded;
    Tesseract tesseract;
    const char *directory; /* of the languages; NULL: none was found */
    char *files[OCR_LANGUAGES_MAX];
    size_t file_count, file_bytes;
    TessBaseAPI *engine;
    char languages[LANGUAGES_TEXT_MAX]; /* of `engine`; "": none yet */
} ocr;

/* ---- what is there ---- */

/* `osd` says how a page lies and is no language. */
static bool names_language(const char *name)
{
    Str text = str_of(name);
    return str_ends_with(text, STR(OCR_LANGUAGE_SUFFIX)) && !str_equal(text, STR("osd" OCR_LANGUAGE_SUFFIX));
}

MUST_USE static Error *add_file(const char *directory, const char *name)
{
    char *path;
    struct stat info;
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return FAIL(NO_MEMORY, "out of memory");
    if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode) || ocr.file_count == OCR_LANGUAGES_MAX
        || (uint64_t)info.st_size > OCR_LANGUAGE_BYTES_MAX - ocr.file_bytes) {
        free(path); /* as if it were not installed, which ocr_start says when somebody asks for it */
        return NULL;
    }
    ocr.files[ocr.file_count++] = path;
    ocr.file_bytes += (size_t)info.st_size;
    return NULL;
}

static void cleanup_entries(struct dirent ***entries)
{
    free(*entries);
}

MUST_USE static Error *list_languages(const char *directory)
{
    CLEANUP(cleanup_entries) struct dirent **entries = NULL;
    Error *error = NULL;
    int count =
        scandir(directory, &entries, NULL, alphasort); /* in order: what the limit leaves out is always the same */
    if (count >= 0)
        ocr.directory = directory;
    for (int i = 0; i < count; i++) {
        if (!error && names_language(entries[i]->d_name))
            error = add_file(directory, entries[i]->d_name);
        free(entries[i]);
    }
    return error;
}

Error *ocr_warm_up(const char *library)
{
    if (ocr.loaded)
        return NULL;
    Error *missing = tesseract_load(library, &ocr.tesseract);
    ocr.loaded = !missing;
    error_free(missing); /* ocr_start says so, where it matters */
    if (!ocr.loaded)
        return NULL;
    ocr.tesseract.set_severity(LEPTONICA_SAY_NOTHING);
    const char *directory = ocr_languages_directory();
    if (directory)
        TRY(list_languages(directory));
    ocr.engine = ocr.tesseract.create(); /* sorts its settings: libc asks once how much memory there is */
    return ocr.engine ? NULL : FAIL(NO_MEMORY, "no memory for Tesseract");
}

const char *ocr_file_view(size_t index)
{
    return index < ocr.file_count ? ocr.files[index] : NULL;
}

const Tesseract *ocr_tesseract_view(void)
{
    ASSERT(ocr.languages[0]);
    return &ocr.tesseract;
}

/* ---- an engine ---- */

static bool is_installed(Str language)
{
    for (size_t i = 0; i < ocr.file_count; i++) {
        Str name = str_of(ocr.files[i]);
        size_t skipped = strlen(ocr.directory) + 1;
        name = str_from(name.data + skipped, name.len - skipped - strlen(OCR_LANGUAGE_SUFFIX));
        if (str_equal(name, language))
            return true;
    }
    return false;
}

MUST_USE static Error *check_languages(Str languages)
{
    if (languages.len >= LANGUAGES_TEXT_MAX)
        return FAIL(LIMIT, "the names of the languages for OCR are longer than %d bytes", LANGUAGES_TEXT_MAX - 1);
    for (size_t from = 0, at = 0; at <= languages.len; at++) {
        if (at < languages.len && languages.data[at] != '+')
            continue;
        Str language = str_from(languages.data + from, at - from);
        if (!is_installed(language))
            return FAIL(UNSUPPORTED,
                        "needs OCR: Tesseract has no language '" STR_FMT "' (apt-cache search tesseract-ocr-)",
                        STR_ARG(language));
        from = at + 1;
    }
    return NULL;
}

Error *ocr_start(Str languages)
{
    languages = languages.len ? languages : STR("eng");
    if (!ocr.loaded)
        return FAIL(UNSUPPORTED, "needs OCR: Tesseract is not installed (apt install tesseract-ocr)");
    if (str_equal(languages, str_of(ocr.languages)))
        return NULL;
    TRY(check_languages(languages));
    char names[sizeof ocr.languages];
    memcpy(names, languages.data, languages.len);
    names[languages.len] = '\0';
    ocr.languages[0] = '\0';
    if (ocr.tesseract.init(ocr.engine, ocr.directory, names, TESS_ENGINE_LSTM_ONLY) != 0)
        return FAIL(CORRUPT, "Tesseract cannot read its language '%s' in '%s'", names, ocr.directory);
    ocr.tesseract.set_page_mode(ocr.engine, TESS_PAGE_AUTO);
    memcpy(ocr.languages, names, sizeof names);
    return NULL;
}

/* ---- a picture ---- */

Error *ocr_check_size(const char *what, uint64_t width, uint64_t height)
{
    if (width > OCR_SIDE_MAX || height > OCR_SIDE_MAX)
        return FAIL(LIMIT, "%s is %" PRIu64 " x %" PRIu64 " pixels: the limit of a side is %d", what, width, height,
                    OCR_SIDE_MAX);
    if (width * height > OCR_PIXELS_MAX)
        return FAIL(LIMIT, "%s is %" PRIu64 " x %" PRIu64 " pixels: the limit is %d in all", what, width, height,
                    OCR_PIXELS_MAX);
    return NULL;
}

static bool report_word(void *context, int words)
{
    Builder *builder = context;
    (void)words; /* of the line at hand only */
    builder->units++;
    if (builder->watch && builder->watch->progress)
        builder->watch->progress(builder->watch->context, builder->units);
    return false;
}

MUST_USE static Error *recognize(Builder *builder)
{
    TessMonitor *monitor = ocr.tesseract.monitor_new();
    if (!monitor)
        return FAIL(NO_MEMORY, "no memory for Tesseract");
    ocr.tesseract.monitor_set_cancel(monitor, report_word);
    ocr.tesseract.monitor_set_context(monitor, builder);
    int failed = ocr.tesseract.recognize(ocr.engine, monitor);
    ocr.tesseract.monitor_free(monitor);
    return failed ? FAIL(UNSUPPORTED, "Tesseract gives the picture up") : NULL;
}

typedef struct PixelBox {
    int left, top, right, bottom;
} PixelBox;

static bool box_of(TessResultIterator *results, int level, PixelBox *ret_box)
{
    return ocr.tesseract.result_box(ocr.tesseract.results_place_view(results), level, &ret_box->left, &ret_box->top,
                                    &ret_box->right, &ret_box->bottom)
           != 0;
}

/* Half of the words are not higher than this; 0: there is none. */
static unsigned median_word_height(void)
{
    enum { HEIGHT_COUNTED = 1000 };
    unsigned counts[HEIGHT_COUNTED + 1] = {0}, all = 0, seen = 0, height = 0;
    TessResultIterator *results = ocr.tesseract.results(ocr.engine);
    if (!results)
        return 0;
    do {
        PixelBox box;
        if (!box_of(results, TESS_LEVEL_WORD, &box) || box.bottom <= box.top)
            continue;
        counts[MIN(box.bottom - box.top, HEIGHT_COUNTED)]++;
        all++;
    } while (ocr.tesseract.next_result(results, TESS_LEVEL_WORD));
    ocr.tesseract.free_results(results);
    while (all > 0 && (seen += counts[height]) * 2 < all)
        height++;
    return height;
}

/* Recognises once more, zoomed, where words are too small or too large to be read well. `*ret_zoom` is 1 where they are not. */
MUST_USE static Error *zoom_text(Builder *builder, int width, int height, double *ret_zoom)
{
    unsigned text_height = median_word_height();
    *ret_zoom = 1;
    if (text_height == 0 || (text_height >= OCR_TEXT_HEIGHT_MIN && text_height <= OCR_TEXT_HEIGHT_MAX))
        return NULL;
    double zoom = OCR_TEXT_HEIGHT_OPTIMUM / (double)text_height;
    Error *too_large = ocr_check_size("zoomed", (uint64_t)(width * zoom) + 1, (uint64_t)(height * zoom) + 1);
    if (too_large) {
        error_free(too_large); /* what was seen without it stands */
        return NULL;
    }
    Pix *zoomed = ocr.tesseract.scale(ocr.tesseract.picture_view(ocr.engine), (float)zoom, (float)zoom);
    if (!zoomed)
        return FAIL(NO_MEMORY, "no memory to zoom the picture");
    ocr.tesseract.set_picture(ocr.engine, zoomed);
    ocr.tesseract.free_picture(&zoomed);
    *ret_zoom = zoom;
    return recognize(builder);
}

/* Pixels of what was recognised, to the page's units. */
typedef struct Scale {
    double x, y;
    double width, height;
    uint32_t page_number;
} Scale;

MUST_USE static Error *add_paragraph(Builder *builder, TessResultIterator *results, const Scale *scale)
{
    Element *element;
    PixelBox box;
    Str text = STR_EMPTY;
    char *raw = ocr.tesseract.result_text(results, TESS_LEVEL_PARAGRAPH);
    if (!raw)
        return NULL;
    Error *error = arena_collapse_space(builder->elements->arena, str_of(raw), &text);
    ocr.tesseract.free_text(raw);
    TRY(error);
    ElementType type = text_classify(text, &text);
    if (text.len == 0)
        return NULL;
    TRY(builder_add(builder, type, text, &element));
    element->page_number = scale->page_number;
    if (!box_of(results, TESS_LEVEL_PARAGRAPH, &box))
        return NULL;
    return element_set_box(element, builder->elements->arena,
                           (ElementBox){box.left * scale->x, box.top * scale->y, box.right * scale->x,
                                        box.bottom * scale->y, scale->width, scale->height});
}

MUST_USE static Error *add_paragraphs(Builder *builder, const Scale *scale)
{
    Error *error = NULL;
    TessResultIterator *results = ocr.tesseract.results(ocr.engine);
    if (!results)
        return NULL;
    do {
        error = add_paragraph(builder, results, scale);
    } while (!error && ocr.tesseract.next_result(results, TESS_LEVEL_PARAGRAPH));
    ocr.tesseract.free_results(results);
    return error;
}

/* Of the picture that was set, and has these pixels. */
MUST_USE static Error *add_page(Builder *builder, const OcrPage *page, int width, int height)
{
    double zoom;
    Scale scale = {
        .width = page->width > 0 ? page->width : width,
        .height = page->height > 0 ? page->height : height,
        .page_number = page->number,
    };
    TRY(recognize(builder));
    TRY(zoom_text(builder, width, height, &zoom));
    scale.x = scale.width / (width * zoom);
    scale.y = scale.height / (height * zoom);
    return add_paragraphs(builder, &scale);
}

Error *ocr_add_picture(Builder *builder, Pix *picture, const OcrPage *page)
{
    int32_t width, height;
    ASSERT(ocr.languages[0]);
    if (ocr.tesseract.picture_size(picture, &width, &height, NULL) != 0)
        return FAIL(CORRUPT, "the picture has no size");
    TRY(ocr_check_size("image", (uint64_t)width, (uint64_t)height));
    ocr.tesseract.set_picture(ocr.engine, picture);
    Error *error = add_page(builder, page, width, height);
    ocr.tesseract.clear(ocr.engine);
    return error;
}

Error *ocr_add_grey(Builder *builder, const OcrGrey *grey, const OcrPage *page)
{
    ASSERT(ocr.languages[0]);
    ocr.tesseract.set_grey(ocr.engine, grey->pixels, grey->width, grey->height, 1, grey->bytes_per_line);
    Error *error = add_page(builder, page, grey->width, grey->height);
    ocr.tesseract.clear(ocr.engine);
    return error;
}
