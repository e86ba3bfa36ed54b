/* image.c - pictures of text: PNG, JPEG, TIFF, BMP. Source: spec/unstructured.md 3.13. */
#include <inttypes.h>

#include "document/image/ocr.h"

enum { TIFF_PAGES_MAX = 1000 };

static void cleanup_picture(Pix **picture)
{
    if (*picture)
        ocr_tesseract_view()->free_picture(picture);
}

static bool is_tiff(int32_t format)
{
    return (format >= LEPTONICA_FORMAT_TIFF && format <= LEPTONICA_FORMAT_TIFF_ZIP)
           || format == LEPTONICA_FORMAT_TIFF_JPEG;
}

MUST_USE static Error *add_picture(Builder *builder, Pix *picture, uint32_t page_number)
{
    if (!picture)
        return FAIL(CORRUPT, "image: page %" PRIu32 " cannot be decoded", page_number);
    return ocr_add_picture(builder, picture, &(OcrPage){.number = page_number});
}

/* Page by page: the size of each is known before it is decoded. */
MUST_USE static Error *add_tiff(Builder *builder, Bytes input)
{
    const Tesseract *tesseract = ocr_tesseract_view();
    for (int32_t page = 0; page < TIFF_PAGES_MAX; page++) {
        int32_t width, height, other[4];
        if (tesseract->read_tiff_header(input.data, input.len, page, &width, &height, &other[0], &other[1], &other[2],
                                        &other[3], NULL)
            != 0)
            return page > 0 ? NULL : FAIL(CORRUPT, "image: TIFF has no page that can be read");
        TRY(ocr_check_size("image", (uint64_t)width, (uint64_t)height));
        CLEANUP(cleanup_picture) Pix *picture = tesseract->read_tiff(input.data, input.len, page);
        TRY(add_picture(builder, picture, (uint32_t)page + 1));
    }
    return FAIL(LIMIT, "image: TIFF has more than %d pages", TIFF_PAGES_MAX);
}

MUST_USE static Error *add_image(Builder *builder, Bytes input, Str filetype)
{
    const Tesseract *tesseract = ocr_tesseract_view();
    int32_t format, width, height;
    if (tesseract->read_header(input.data, input.len, &format, &width, &height, NULL, NULL, NULL) != 0)
        return FAIL(CORRUPT, "image: the head of the " STR_FMT " file cannot be read", STR_ARG(filetype));
    if (is_tiff(format))
        return add_tiff(builder, input);
    TRY(ocr_check_size("image", (uint64_t)MAX(width, 0), (uint64_t)MAX(height, 0)));
    CLEANUP(cleanup_picture) Pix *picture = tesseract->read(input.data, input.len);
    return add_picture(builder, picture, 1);
}

Error *partition_image(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                       Elements *elements)
{
    Builder builder;
    builder_init(&builder, options, watch, elements);
    if (options->strategy == STRATEGY_FAST)
        return FAIL(UNSUPPORTED, "image needs OCR, which --strategy fast leaves out: use auto or ocr_only");
    if (str_equal(filetype, STR("image/heic")))
        return FAIL(UNSUPPORTED, "unsupported type: image/heic: convert it to JPEG or PNG");
    TRY(ocr_start(options->ocr_languages));
    return add_image(&builder, input, filetype);
}
