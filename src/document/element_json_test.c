#include "document/element_json.h"

#include <stdio.h>

#include "base/testing.h"

static const DocumentInfo text_info = {
    .filename = {"a.txt", 5}, .filetype = {"text/plain", 10}, .last_modified = {"2026-11-21T09:39:54", 19}};
static const DocumentInfo html_info = {.filename = {"a.html", 6},
                                       .filetype = {"text/html", 9},
                                       .file_directory = {"docs", 4},
                                       .source = {.url = {"s3://b/a.html", 13},
                                                  .version = {"etag", 4},
                                                  .protocol = {"s3", 2},
                                                  .remote_file_path = {"s3://b/", 7},
                                                  .modified_us = 1676196636000000,
                                                  .size_bytes = 17}};

static void assert_json(const Elements *elements, const DocumentInfo *info, ElementJsonForm form, const char *expected)
{
    CLEANUP(buffer_done) Buffer out = {0};
    assert_ok(elements_write_json(elements, info, (ElementJsonOptions){form}, &out));
    assert_str(buffer_str(&out), expected);
}

static void an_empty_document_is_an_empty_array(void **state)
{
    (void)state;
    assert_json(&(Elements){0}, &text_info, ELEMENT_JSON_ARRAY, "[]");
    assert_json(&(Elements){0}, &text_info, ELEMENT_JSON_LINES, "");
}

static void the_form_is_that_of_the_originals(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    Element *e;
    Str languages[] = {STR("eng")};
    assert_ok(elements_add(&elements, ELEMENT_TITLE, STR("Grüße \"x\"\n"), &e));
    e->category_depth = 0;
    e->languages = (StrList){languages, 1};
    assert_ok(elements_finish(&elements, &text_info));
    assert_json(&elements, &text_info, ELEMENT_JSON_ARRAY,
                "[\n  {\n    \"type\": \"Title\",\n    \"element_id\": \"fb12a0c71f6ee897f2d6769b4bdcfda9\",\n"
                "    \"text\": \"Grüße \\\"x\\\"\\n\",\n    \"metadata\": {\n      \"category_depth\": 0,\n"
                "      \"filename\": \"a.txt\",\n      \"last_modified\": \"2026-11-21T09:39:54\",\n"
                "      \"languages\": [\n        \"eng\"\n      ],\n      \"filetype\": \"text/plain\"\n    }\n  }\n]");
    assert_json(
        &elements, &text_info, ELEMENT_JSON_LINES,
        "{\"type\": \"Title\", \"element_id\": \"fb12a0c71f6ee897f2d6769b4bdcfda9\", \"text\": \"Grüße \\\"x\\\"\\n\", "
        "\"metadata\": {\"category_depth\": 0, \"filename\": \"a.txt\", \"last_modified\": \"2026-11-21T09:39:54\", "
        "\"languages\": [\"eng\"], \"filetype\": \"text/plain\"}}\n");
}

static void every_field_has_its_place(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(buffer_done) Buffer out = {0};
    Elements elements = {.arena = arena};
    Str texts[] = {STR("t")}, urls[] = {STR("u")}, tags[] = {STR("b")}, languages[] = {STR("deu")};
    ElementLink links[] = {{STR("l"), STR("#"), 4}, {STR("m"), STR("#"), -1}};
    Element *e;
    ElementRare *rare;
    assert_ok(elements_add(&elements, ELEMENT_TITLE, STR("up"), &e));
    assert_ok(elements_add(&elements, ELEMENT_TABLE, STR("t"), &e));
    e->page_number = 2;
    assert_ok(element_set_box(e, arena, (ElementBox){72, 72.5, 100, 90.25, 612, 792}));
    assert_ok(element_add_rare(e, arena, &rare));
    e->text_as_html = STR("<table/>");
    rare->image_url = STR("i.png");
    rare->emphasized_contents = (StrList){texts, 1};
    rare->emphasized_tags = (StrList){tags, 1};
    rare->link_texts = (StrList){texts, 1};
    rare->link_urls = (StrList){urls, 1};
    rare->links = links;
    rare->link_count = 2;
    e->languages = (StrList){languages, 1};
    assert_ok(elements_finish(&elements, &html_info));
    assert_ok(element_metadata_json(&elements, 1, &html_info, NULL, &out));
    char expected[2048];
    snprintf(
        expected, sizeof expected,
        "{\"coordinates\": {\"points\": [[72.0, 72.5], [72.0, 90.25], [100.0, 90.25], [100.0, 72.5]], "
        "\"system\": \"PixelSpace\", \"layout_width\": 612.0, \"layout_height\": 792.0}, "
        "\"emphasized_text_contents\": [\"t\"], \"emphasized_text_tags\": [\"b\"], \"image_url\": \"i.png\", "
        "\"link_texts\": [\"t\"], \"link_urls\": [\"u\"], "
        "\"links\": [{\"text\": \"l\", \"url\": \"#\", \"start_index\": 4}, {\"text\": \"m\", \"url\": \"#\"}], "
        "\"page_number\": 2, \"text_as_html\": \"<table/>\", \"languages\": [\"deu\"], \"file_directory\": \"docs\", "
        "\"filename\": \"a.html\", \"filetype\": \"text/html\", \"parent_id\": \"%s\", "
        "\"data_source\": {\"url\": \"s3://b/a.html\", \"version\": \"etag\", \"record_locator\": {\"protocol\": \"s3\", "
        "\"remote_file_path\": \"s3://b/\"}, \"date_created\": \"1676196636.0\", \"date_modified\": \"1676196636.0\", "
        "\"filesize_bytes\": 17}}",
        elements.items[0].id);
    assert_str(buffer_str(&out), expected);
}

/* Two members of an archive with one name differ in it. */
static void the_directory_of_a_member(void **state)
{
    (void)state;
    static const struct {
        const char *path, *expected; /* NULL: none */
    } rows[] = {{"a.txt", NULL},
                {"x/a.txt", "\"file_directory\": \"x\""},
                {"x/in.zip/y/a.txt", "\"file_directory\": \"x/in.zip/y\""},
                {"/a.txt", "\"file_directory\": \"/\""}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
        CLEANUP(buffer_done) Buffer out = {0};
        Elements elements = {.arena = arena};
        ElementPart part = {.path = str_of(rows[i].path), .filename = STR("a.txt")};
        DocumentInfo info = {.filename = STR("all.zip"), .file_directory = STR("docs")};
        Element *e;
        assert_ok(elements_add(&elements, ELEMENT_TITLE, STR("t"), &e));
        e->part = &part;
        assert_ok(elements_finish(&elements, &info));
        assert_ok(element_metadata_json(&elements, 0, &info, NULL, &out));
        assert_true(str_find(buffer_str(&out), STR("\"filename\": \"a.txt\"")) != SIZE_MAX);
        size_t at = str_find(buffer_str(&out), rows[i].expected ? str_of(rows[i].expected) : STR("file_directory"));
        assert_int_equal(at != SIZE_MAX, rows[i].expected != NULL);
    }
}

static void a_full_buffer_keeps_what_it_had(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(buffer_done) Buffer out = {.limit = 40};
    Elements elements = {.arena = arena};
    Element *e;
    assert_ok(elements_add(&elements, ELEMENT_TITLE, STR("a title that is longer than the buffer"), &e));
    assert_ok(buffer_append_str(&out, STR("before")));
    for (int form = ELEMENT_JSON_ARRAY; form <= ELEMENT_JSON_LINES; form++) {
        assert_fails(elements_write_json(&elements, &text_info, (ElementJsonOptions){(ElementJsonForm)form}, &out),
                     ERR_LIMIT);
        assert_str(buffer_str(&out), "before");
    }
    assert_fails(element_metadata_json(&elements, 0, &text_info, NULL, &out), ERR_LIMIT);
    assert_str(buffer_str(&out), "before");
}

typedef struct Pieces {
    Buffer all;
    size_t count, largest, fail_at;
} Pieces;

static Error *take_piece(void *context, Bytes piece)
{
    Pieces *pieces = context;
    if (pieces->count++ == pieces->fail_at)
        return FAIL(NO_SPACE, "no room");
    pieces->largest = MAX(pieces->largest, piece.len);
    return buffer_append(&pieces->all, piece.data, piece.len);
}

static void pieces_are_the_whole(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 5000};
    for (size_t i = 0; i < ARRAY_COUNT(counts) * 2; i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        CLEANUP(buffer_done) Buffer whole = {0};
        ElementJsonOptions form = {i % 2 ? ELEMENT_JSON_LINES : ELEMENT_JSON_ARRAY};
        Elements elements = {.arena = arena};
        Pieces pieces = {.fail_at = SIZE_MAX}, failing = {0};
        Element *e;
        for (size_t n = 0; n < counts[i / 2]; n++)
            assert_ok(elements_add(&elements, ELEMENT_NARRATIVE_TEXT, STR("words and words and words"), &e));
        assert_ok(elements_finish(&elements, &text_info));
        assert_ok(elements_write_json(&elements, &text_info, form, &whole));
        assert_ok(elements_stream_json(&elements, &text_info, form, (ElementJsonSink){take_piece, &pieces}));
        assert_int_equal(pieces.all.len, whole.len);
        assert_true(str_equal(buffer_str(&pieces.all), buffer_str(&whole)));
        assert_true(pieces.largest < 300 * KIB && pieces.count == whole.len / (256 * KIB) + (whole.len > 0));
        if (whole.len)
            assert_fails_saying(
                elements_stream_json(&elements, &text_info, form, (ElementJsonSink){take_piece, &failing}),
                ERR_NO_SPACE, "no room");
        buffer_done(&pieces.all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_document_is_an_empty_array), cmocka_unit_test(the_form_is_that_of_the_originals),
        cmocka_unit_test(every_field_has_its_place),           cmocka_unit_test(the_directory_of_a_member),
        cmocka_unit_test(a_full_buffer_keeps_what_it_had),     cmocka_unit_test(pieces_are_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
