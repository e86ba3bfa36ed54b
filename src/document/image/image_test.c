#include <stdio.h>

#include "document/image/ocr.h"
#include "document/testing.h"

/* A white BMP of 24 bits a pixel, or what claims to be one; `pixels` follow the head. */
static void make_bmp(uint32_t width, uint32_t height, size_t pixels, Buffer *out)
{
    const uint32_t head[] = {54 + (uint32_t)pixels, 0, 54, 40, width, height, 1 | 24U << 16, 0,
                             (uint32_t)pixels,      0, 0,  0,  0};
    assert_ok(buffer_append_str(out, STR("BM")));
    for (size_t i = 0; i < ARRAY_COUNT(head); i++) {
        for (unsigned shift = 0; shift < 32; shift += 8)
            assert_ok(buffer_append_byte(out, (uint8_t)(head[i] >> shift)));
    }
    for (size_t i = 0; i < pixels; i++)
        assert_ok(buffer_append_byte(out, 0xff));
}

static Error *partition_bmp(uint32_t width, uint32_t height, size_t pixels, PartitionOptions options)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    CLEANUP(buffer_done) Buffer bmp = {0};
    Elements elements = {.arena = arena};
    make_bmp(width, height, pixels, &bmp);
    Error *error = partition_image(buffer_bytes(&bmp), STR("image/bmp"), &options, NULL, &elements);
    assert_int_equal(elements.count, 0);
    return error;
}

/* The first test: the library has not been found yet. */
static void without_a_library(void **state)
{
    (void)state;
    assert_fails_saying(partition_bmp(40, 40, 4800, (PartitionOptions){0}), ERR_UNSUPPORTED,
                        "needs OCR: Tesseract is not installed");
    assert_ok(ocr_warm_up("libtesseract-that-is-nowhere.so.5"));
    assert_ok(ocr_warm_up("libc.so.6")); /* another library */
    assert_null(ocr_file_view(0));
    assert_fails_saying(ocr_start(STR("eng")), ERR_UNSUPPORTED, "apt install tesseract-ocr");
}

static void what_is_not_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t width, height;
        size_t pixels;
        PartitionOptions options;
        ErrorCode code;
        const char *says;
    } cases[] = {
        {"fast", 40, 40, 4800, {.strategy = STRATEGY_FAST}, ERR_UNSUPPORTED, "--strategy fast leaves out"},
        {"no such language", 40, 40, 4800, {.ocr_languages = {"eng+tlh", 7}}, ERR_UNSUPPORTED, "no language 'tlh'"},
        {"no language at the end", 40, 40, 4800, {.ocr_languages = {"eng+", 4}}, ERR_UNSUPPORTED, "no language ''"},
        {"a path", 40, 40, 4800, {.ocr_languages = {"../tessdata/eng", 15}}, ERR_UNSUPPORTED, "no language '../"},
        {"no language", 40, 40, 4800, {.ocr_languages = {"osd", 3}}, ERR_UNSUPPORTED, "no language 'osd'"},
        {"no pixels", 0, 0, 0, {.strategy = STRATEGY_AUTO}, ERR_CORRUPT, "image"},
        {"cut short", 4000, 4000, 10, {.strategy = STRATEGY_AUTO}, ERR_CORRUPT, "image"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_fails_saying(partition_bmp(cases[i].width, cases[i].height, cases[i].pixels, cases[i].options),
                            cases[i].code, cases[i].says);
    }
    Elements none = {0};
    assert_fails_saying(partition_image(str_bytes(STR("x")), STR("image/heic"), &(PartitionOptions){0}, NULL, &none),
                        ERR_UNSUPPORTED, "image/heic");
    assert_fails_saying(
        partition_image(str_bytes(STR("II*\0")), STR("image/tiff"), &(PartitionOptions){0}, NULL, &none), ERR_CORRUPT,
        "image");
}

static void append_u32be(uint32_t value, Buffer *out)
{
    for (unsigned shift = 32; shift > 0; shift -= 8)
        assert_ok(buffer_append_byte(out, (uint8_t)(value >> (shift - 8))));
}

/* Told by the head alone: nothing follows it. */
static void what_is_too_large(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height;
        const char *says;
    } cases[] = {
        {32768, 2, "limit of a side is 32767"},
        {2, 32768, "limit of a side is 32767"},
        {10001, 10000, "limit is 100000000 in all"},
        {32767, 32767, "limit is 100000000 in all"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer png = {0};
        Elements none = {0};
        assert_ok(buffer_append_str(&png, STR("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")));
        append_u32be(cases[i].width, &png);
        append_u32be(cases[i].height, &png);
        assert_ok(buffer_append_str(&png, STR("\x08\0\0\0\0\0\0\0\0\0\0\0\0IDAT\0\0\0\0")));
        assert_fails_saying(partition_image(buffer_bytes(&png), STR("image/png"), &(PartitionOptions){0}, NULL, &none),
                            ERR_LIMIT, cases[i].says);
    }
}

static void a_white_picture_has_no_text(void **state)
{
    (void)state;
    for (unsigned twice = 0; twice < 2; twice++)
        assert_ok(partition_bmp(200, 100, 60000, (PartitionOptions){.ocr_languages = STR("eng")}));
}

static int find_library(void **state)
{
    (void)state;
    assert_ok(ocr_warm_up(OCR_LIBRARY));
    return 0;
}

int main(void)
{
    const struct CMUnitTest before[] = {cmocka_unit_test(without_a_library)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_recognised),
        cmocka_unit_test(what_is_too_large),
        cmocka_unit_test(a_white_picture_has_no_text),
    };
    int failed = cmocka_run_group_tests_name("image without tesseract", before, NULL, NULL);
    return failed + cmocka_run_group_tests_name("image", tests, find_library, NULL);
}
