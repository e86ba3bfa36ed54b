#include "document/wire.h"

#include "base/testing.h"

static Str example_texts[] = {{"b", 1}, {"bi", 2}};
static Str example_urls[] = {{"https://example.org/", 20}, {"#", 1}};
static Str example_languages[] = {{"eng", 3}};

static void add(Elements *elements, ElementType type, const char *text, Element **ret_element)
{
    assert_ok(elements_add(elements, type, str_of(text), ret_element));
}

static ElementPart example_part = {
    .filename = {"a.pdf", 5},
    .filetype = {"application/pdf", 15},
    .last_modified = {"2024-01-01", 10},
    .path = {"b/a.pdf", 7},
    .attached_to_filename = {"c.eml", 5},
    .subject = {"s", 1},
    .email_message_id = {"i", 1},
    .signature = {"g", 1},
    .sent_from = {example_texts, 1},
    .sent_to = {example_texts, 2},
    .cc_recipient = {example_urls, 1},
    .bcc_recipient = {example_urls, 2},
};

/* Every field set in one element, none in the other. */
static Str example_json[] = {{"{\"a\": [1]}", 10}};

static void fill_example(Elements *elements)
{
    Element *e;
    ElementRare *rare;
    add(elements, ELEMENT_TITLE, "Häuser", &e);
    assert_ok(element_add_rare(e, elements->arena, &rare));
    e->page_number = 3;
    e->category_depth = 2;
    assert_ok(element_set_box(e, elements->arena, (ElementBox){1.5, 2, 3, 4.25, 612, 792}));
    e->part = &example_part;
    e->checked = true;
    e->header_footer = HEADER_FOOTER_EVEN_PAGE;
    rare->page_name = STR("Sheet 1");
    e->text_as_html = STR("<table/>");
    rare->image_url = STR("a.png");
    rare->image_base64 = STR("AAAA");
    rare->image_mime_type = STR("image/png");
    rare->extra_keys = (StrList){example_texts, 1};
    rare->extra_values = (StrList){example_json, 1};
    e->parent = 2;
    rare->emphasized_contents = rare->emphasized_tags = (StrList){example_texts, 2};
    rare->link_texts = (StrList){example_texts, 2};
    rare->link_urls = (StrList){example_urls, 2};
    rare->links = arena_alloc_array(elements->arena, 1, sizeof(ElementLink));
    assert_non_null(rare->links);
    rare->links[0] = (ElementLink){STR("here"), STR("mailto:x"), -1};
    rare->link_count = 1;
    e->languages = (StrList){example_languages, 1};
    add(elements, ELEMENT_TABLE_CHUNK, "", &e);
}

static void assert_lists_equal(const StrList *a, const StrList *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        assert_true(str_equal(a->items[i], b->items[i]));
}

static void assert_parts_equal(const ElementPart *a, const ElementPart *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (!a)
        return;
    assert_true(str_equal(a->filename, b->filename) && str_equal(a->filetype, b->filetype));
    assert_true(str_equal(a->last_modified, b->last_modified) && str_equal(a->path, b->path));
    assert_true(str_equal(a->subject, b->subject) && str_equal(a->signature, b->signature));
    assert_true(str_equal(a->email_message_id, b->email_message_id));
    assert_true(str_equal(a->attached_to_filename, b->attached_to_filename));
    assert_lists_equal(&a->sent_from, &b->sent_from);
    assert_lists_equal(&a->sent_to, &b->sent_to);
    assert_lists_equal(&a->cc_recipient, &b->cc_recipient);
    assert_lists_equal(&a->bcc_recipient, &b->bcc_recipient);
}

static void assert_rare_equal(const ElementRare *a, const ElementRare *b)
{
    assert_true(str_equal(a->page_name, b->page_name));
    assert_true(str_equal(a->image_url, b->image_url));
    assert_true(str_equal(a->image_base64, b->image_base64));
    assert_true(str_equal(a->image_mime_type, b->image_mime_type));
    assert_lists_equal(&a->extra_keys, &b->extra_keys);
    assert_lists_equal(&a->extra_values, &b->extra_values);
    assert_lists_equal(&a->emphasized_contents, &b->emphasized_contents);
    assert_lists_equal(&a->emphasized_tags, &b->emphasized_tags);
    assert_lists_equal(&a->link_texts, &b->link_texts);
    assert_lists_equal(&a->link_urls, &b->link_urls);
    assert_int_equal(a->link_count, b->link_count);
    for (size_t i = 0; i < a->link_count; i++) {
        assert_true(str_equal(a->links[i].text, b->links[i].text));
        assert_true(str_equal(a->links[i].url, b->links[i].url));
        assert_int_equal(a->links[i].start_index, b->links[i].start_index);
    }
}

static void assert_elements_equal(const Element *a, const Element *b)
{
    assert_int_equal(a->type, b->type);
    assert_true(str_equal(a->text, b->text));
    assert_int_equal(a->page_number, b->page_number);
    assert_int_equal(a->parent, b->parent);
    assert_int_equal(a->category_depth, b->category_depth);
    assert_int_equal(a->box == NULL, b->box == NULL);
    if (a->box)
        assert_memory_equal(a->box, b->box, sizeof *a->box);
    assert_int_equal(a->rare == NULL, b->rare == NULL);
    assert_rare_equal(element_rare(a), element_rare(b));
    assert_true(str_equal(a->text_as_html, b->text_as_html));
    assert_int_equal(a->checked, b->checked);
    assert_int_equal(a->header_footer, b->header_footer);
    assert_parts_equal(a->part, b->part);
    assert_lists_equal(&a->languages, &b->languages);
}

static void elements_come_back_equal(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(buffer_done) Buffer frame = {0};
    Elements sent = {.arena = arena}, got = {.arena = arena};
    Str filetype;
    fill_example(&sent);
    assert_ok(wire_encode_elements(&sent, 0, 1, STR("text/html"), &frame));
    assert_ok(wire_decode_elements(buffer_bytes(&frame), &got, &filetype));
    buffer_clear(&frame);
    assert_ok(wire_encode_elements(&sent, 1, 1, STR("text/html"), &frame));
    assert_ok(wire_decode_elements(buffer_bytes(&frame), &got, &filetype));
    assert_str(filetype, "text/html");
    assert_int_equal(got.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_elements_equal(&got.items[i], &sent.items[i]);
}

static void a_cut_frame_adds_nothing(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(8 * MIB);
    CLEANUP(buffer_done) Buffer frame = {0};
    Elements sent = {.arena = arena}, got = {.arena = arena};
    Str filetype;
    fill_example(&sent);
    assert_ok(wire_encode_elements(&sent, 0, sent.count, STR("text/html"), &frame));
    for (size_t len = 0; len < frame.len; len++) {
        assert_fails(wire_decode_elements(bytes_from(frame.data, len), &got, &filetype), ERR_CORRUPT);
        assert_int_equal(got.count, 0);
    }
    assert_ok(buffer_append_byte(&frame, 0));
    assert_fails(wire_decode_elements(buffer_bytes(&frame), &got, &filetype), ERR_CORRUPT);
}

/* Offsets into a frame of one element without type name: kind 1, type's length 4, count 4, then the element. */
static void bad_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
    } cases[] = {
        {"kind", 0, 9},           {"length of the type", 4, 0x7f},
        {"count", 5, 2},          {"count, high", 8, 0xff},
        {"type", 9, 18},          {"depth below -1", 14, 0xfe},
        {"flags", 22, 0x10},      {"the part of no element", 22, 4},
        {"two parts", 22, 12},    {"kind of header", 23, 4},
        {"text's length", 24, 9}, {"text, bad UTF-8", 28, 0xff},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements sent = {.arena = arena}, got = {.arena = arena};
    Element *e;
    Str filetype;
    add(&sent, ELEMENT_TITLE, "x", &e);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer frame = {0};
        assert_ok(wire_encode_elements(&sent, 0, 1, STR_EMPTY, &frame));
        frame.data[cases[i].at] = cases[i].value;
        Error *error = wire_decode_elements(buffer_bytes(&frame), &got, &filetype);
        if (error_code(error) != ERR_CORRUPT)
            print_error("%s: not refused\n", cases[i].name);
        assert_int_equal(error_code(error), ERR_CORRUPT);
        error_free(error);
        assert_int_equal(got.count, 0);
    }
}

/* They are written into the JSON as they come. */
static void extra_values_must_be_json(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        ErrorCode expected;
    } cases[] = {{"[1, {\"a\": null}]", ERR_OK}, {"\"x\"", ERR_OK},        {"", ERR_CORRUPT},
                 {"1}, {\"b\": 2", ERR_CORRUPT}, {"[1,\n2]", ERR_CORRUPT}, {"nul", ERR_CORRUPT}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        CLEANUP(buffer_done) Buffer frame = {0};
        Elements sent = {.arena = arena}, got = {.arena = arena};
        Element *e;
        ElementRare *rare;
        Str filetype, key = STR("k"), value = str_of(cases[i].value);
        add(&sent, ELEMENT_TITLE, "x", &e);
        assert_ok(element_add_rare(e, arena, &rare));
        rare->extra_keys = (StrList){&key, 1};
        rare->extra_values = (StrList){&value, 1};
        assert_ok(wire_encode_elements(&sent, 0, 1, STR_EMPTY, &frame));
        Error *error = wire_decode_elements(buffer_bytes(&frame), &got, &filetype);
        assert_int_equal(error_code(error), cases[i].expected);
        error_free(error);
    }
}

/* A part travels once, and is one part again on the other side, in whichever frame its elements come. */
static void elements_of_a_part_share_it(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(buffer_done) Buffer frame = {0};
    ElementPart other = {.filename = STR("b.txt")};
    const ElementPart *parts[] = {NULL, &example_part, &example_part, &other, &other, NULL, &other};
    Elements sent = {.arena = arena}, got = {.arena = arena};
    Str filetype;
    Element *e;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        add(&sent, ELEMENT_TITLE, "x", &e);
        e->part = parts[i];
    }
    for (size_t i = 0; i < ARRAY_COUNT(parts); i += 2) {
        buffer_clear(&frame);
        assert_ok(wire_encode_elements(&sent, i, MIN(ARRAY_COUNT(parts) - i, (size_t)2), STR("text/plain"), &frame));
        assert_ok(wire_decode_elements(buffer_bytes(&frame), &got, &filetype));
    }
    assert_int_equal(got.count, ARRAY_COUNT(parts));
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        assert_parts_equal(got.items[i].part, parts[i]);
        if (i > 0 && parts[i] && parts[i] == parts[i - 1])
            assert_ptr_equal(got.items[i].part, got.items[i - 1].part);
    }
}

static void the_limits_of_the_receiver_hold(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(arena_freep) Arena *small = arena_new(64);
    CLEANUP(buffer_done) Buffer frame = {0};
    Elements sent = {.arena = arena}, one = {.arena = arena, .count_max = 1}, cramped = {.arena = small};
    Str filetype;
    fill_example(&sent);
    assert_ok(wire_encode_elements(&sent, 0, 2, STR("text/plain"), &frame));
    assert_fails(wire_decode_elements(buffer_bytes(&frame), &one, &filetype), ERR_LIMIT);
    assert_int_equal(one.count, 0);
    assert_fails(wire_decode_elements(buffer_bytes(&frame), &cramped, &filetype), ERR_LIMIT);
}

static void batches_fit_their_frames(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements sent = {.arena = arena};
    Element *e;
    for (int i = 0; i < 100; i++)
        add(&sent, ELEMENT_NARRATIVE_TEXT, "a sentence of some length, repeated", &e);
    size_t first = 0, batches = 0;
    for (size_t count; (count = wire_elements_fitting(&sent, first, 1000)) > 0; first += count, batches++) {
        CLEANUP(buffer_done) Buffer frame = {0};
        assert_ok(wire_encode_elements(&sent, first, count, STR("text/plain"), &frame));
        assert_true(frame.len <= 1000);
    }
    assert_int_equal(first, 100);
    assert_true(batches > 5 && batches < 20);
    assert_int_equal(wire_elements_fitting(&sent, 0, 10), 1); /* larger than a frame: alone */
}

static void a_request_comes_back_equal(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer frame = {0};
    PartitionOptions got, sent = {.filename = STR("ä.txt"),
                                  .encoding = STR("latin1"),
                                  .languages = STR("deu,eng"),
                                  .txt_lines = true,
                                  .text_max_bytes = 5000000000,
                                  .depth_max = 7,
                                  .strategy = STRATEGY_OCR_ONLY,
                                  .ocr_languages = STR("eng+deu"),
                                  .uncompress = true,
                                  .html_parser = HTML_PARSER_TREE,
                                  .table_cells = true};
    assert_ok(wire_encode_request(&sent, &frame));
    assert_ok(wire_decode_request(buffer_bytes(&frame), &got));
    assert_str(got.filename, "ä.txt");
    assert_str(got.encoding, "latin1");
    assert_str(got.languages, "deu,eng");
    assert_false(got.titles_from_text);
    assert_true(got.txt_lines);
    assert_int_equal(got.text_max_bytes, 5000000000);
    assert_int_equal(got.depth_max, 7);
    assert_int_equal(got.strategy, STRATEGY_OCR_ONLY);
    assert_str(got.ocr_languages, "eng+deu");
    assert_true(got.uncompress);
    assert_int_equal(got.html_parser, HTML_PARSER_TREE);
    assert_true(got.table_cells);
    for (size_t len = 0; len < frame.len; len++)
        assert_fails(wire_decode_request(bytes_from(frame.data, len), &got), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_back_equal),  cmocka_unit_test(a_cut_frame_adds_nothing),
        cmocka_unit_test(bad_values_are_refused),    cmocka_unit_test(the_limits_of_the_receiver_hold),
        cmocka_unit_test(extra_values_must_be_json), cmocka_unit_test(elements_of_a_part_share_it),
        cmocka_unit_test(batches_fit_their_frames),  cmocka_unit_test(a_request_comes_back_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
