#include "document/element.h"

#include "base/testing.h"

static void add(Elements *elements, ElementType type, const char *text, uint32_t page, int32_t depth)
{
    Element *e;
    assert_ok(elements_add(elements, type, str_of(text), &e));
    e->page_number = page;
    e->category_depth = depth;
}

static void names_and_types_agree(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ELEMENT_TYPES; i++) {
        ElementType type;
        assert_true(element_type_from_name(element_type_name((ElementType)i), &type));
        assert_int_equal(type, i);
    }
    ElementType untouched = ELEMENT_TITLE;
    assert_false(element_type_from_name(STR("title"), &untouched));
    assert_false(element_type_from_name(STR_EMPTY, &untouched));
    assert_int_equal(untouched, ELEMENT_TITLE);
}

/* Recorded by the originals: corpus/expected/local-0.16.12/html/fake-html.html.json, and with no name the formula of 2.3 by hand. */
static void ids_are_those_of_the_originals(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    add(&elements, ELEMENT_TITLE, "My First Heading", 0, 0);
    add(&elements, ELEMENT_TITLE, "My Second Heading", 0, 1);
    assert_ok(elements_finish(&elements, &(DocumentInfo){.filename = STR("fake-html.html")}));
    assert_string_equal(elements.items[0].id, "57ab8bec84516965d443897aa2dd922c");
    assert_string_equal(elements.items[1].id, "1a653c8faf7e4f565d102fd66fa9fb1d");
    assert_int_equal(elements.items[1].parent, 1);
}

/* The index counts on its page, also when the document comes back to a page. */
static void equal_texts_differ_by_their_place(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena}, alone = {.arena = arena};
    const uint32_t pages[] = {1, 1, 2, 1, 2, 7, 0};
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++)
        add(&elements, ELEMENT_NARRATIVE_TEXT, "same", pages[i], -1);
    add(&alone, ELEMENT_NARRATIVE_TEXT, "same", 2, -1);
    assert_ok(elements_finish(&elements, &(DocumentInfo){0}));
    assert_ok(elements_finish(&alone, &(DocumentInfo){0}));
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(elements.items[i].id, elements.items[j].id);
    }
    assert_string_equal(elements.items[2].id, alone.items[0].id);
}

static void parents_follow_the_stack(void **state)
{
    (void)state;
    static const struct {
        ElementType type;
        int32_t depth;
        uint32_t parent;
    } rows[] = {
        {ELEMENT_NARRATIVE_TEXT, -1, 0}, {ELEMENT_TITLE, 0, 0},
        {ELEMENT_NARRATIVE_TEXT, -1, 2}, {ELEMENT_TITLE, 1, 2},
        {ELEMENT_LIST_ITEM, 1, 4},       {ELEMENT_LIST_ITEM, 2, 5},
        {ELEMENT_LIST_ITEM, 1, 4},       {ELEMENT_TABLE, -1, 4},
        {ELEMENT_IMAGE, -1, 0},          {ELEMENT_UNCATEGORIZED_TEXT, 0, 0},
        {ELEMENT_HEADER, -1, 0},         {ELEMENT_TITLE, 0, 11},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        add(&elements, rows[i].type, "x", 0, rows[i].depth);
    assert_ok(elements_finish(&elements, &(DocumentInfo){0}));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(elements.items[i].parent, rows[i].parent);
}

/* As in local-0.16.12/eml/fake-email-attachment.eml.json: an attachment counts its elements itself, and what has no name is "None". */
static void parts_have_ids_and_parents_of_their_own(void **state)
{
    (void)state;
    static const ElementPart mail = {.subject = {"Hi", 2}};
    static const ElementPart file = {.filename = {"a.txt", 5}, .attached_to_filename = {"m.eml", 5}};
    static const ElementPart nameless = {.attached_to_filename = {"m.eml", 5}};
    static const ElementPart other = {.path = {"x", 1}};
    static const struct {
        const ElementPart *part;
        ElementType type;
        const char *filename, *id;
        uint32_t parent;
    } rows[] = {
        {&mail, ELEMENT_TITLE, "m.eml", "0d65252b1f8976bbf694b9911357040c", 0},
        {&mail, ELEMENT_NARRATIVE_TEXT, "m.eml", "3b372ce55165ed1f0758199ec777852e", 1},
        {&file, ELEMENT_NARRATIVE_TEXT, "a.txt", "e2891ac7a7afc013f0ba857c9b019bd4", 0},
        {&nameless, ELEMENT_TITLE, "", "976a93b6ce62cae24899b9412a4496c2", 0},
        {&nameless, ELEMENT_NARRATIVE_TEXT, "", "8c577a37b6b21e077375356ba1be9bf6", 4},
        {&other, ELEMENT_NARRATIVE_TEXT, "m.eml", "0d65252b1f8976bbf694b9911357040c", 0},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    DocumentInfo info = {.filename = STR("m.eml")};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        add(&elements, rows[i].type, "x", 0, -1);
        elements.items[i].part = rows[i].part;
    }
    assert_ok(elements_finish(&elements, &info));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_str(element_filename(&elements.items[i], &info), rows[i].filename);
        assert_string_equal(elements.items[i].id, rows[i].id);
        assert_int_equal(elements.items[i].parent, rows[i].parent);
    }
}

static void limits_hold_and_nothing_is_lost(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(arena_freep) Arena *small = arena_new(16);
    Elements elements = {.arena = arena, .count_max = 300}, cramped = {.arena = small};
    Element *e;
    for (int i = 0; i < 300; i++)
        add(&elements, ELEMENT_TITLE, "kept", (uint32_t)i, -1);
    assert_fails_saying(elements_add(&elements, ELEMENT_TITLE, STR("x"), &e), ERR_LIMIT, "300 elements");
    assert_int_equal(elements.count, 300);
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(elements.items[i].page_number, i);
    assert_fails(elements_add(&cramped, ELEMENT_TITLE, STR("x"), &e), ERR_LIMIT);
    assert_int_equal(cramped.count, 0);
    assert_ok(elements_finish(&(Elements){.arena = arena}, &(DocumentInfo){0}));
}

static void what_few_elements_have_is_empty_until_it_is_added(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(arena_freep) Arena *small = arena_new(8);
    Elements elements = {.arena = arena};
    ElementRare *rare, *again;
    Element *e;
    assert_ok(elements_add(&elements, ELEMENT_TITLE, STR("x"), &e));
    assert_int_equal(element_rare(e)->page_name.len + element_rare(e)->link_count, 0);
    assert_fails(element_add_rare(e, small, &rare), ERR_LIMIT);
    assert_null(e->rare);
    assert_ok(element_add_rare(e, arena, &rare));
    rare->page_name = STR("Sheet");
    assert_ok(element_add_rare(e, arena, &again));
    assert_ptr_equal(again, rare);
    assert_str(element_rare(e)->page_name, "Sheet");

    assert_ok(element_set_box(e, arena, (ElementBox){1, 2, 3, 4, 0, 5}));
    assert_null(e->box);
    assert_fails(element_set_box(e, small, (ElementBox){1, 2, 3, 4, 5, 6}), ERR_LIMIT);
    assert_null(e->box);
    assert_ok(element_set_box(e, arena, (ElementBox){1, 2, 3, 4, 5, 6}));
    assert_true(e->box->left == 1 && e->box->layout_height == 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_types_agree),
        cmocka_unit_test(ids_are_those_of_the_originals),
        cmocka_unit_test(equal_texts_differ_by_their_place),
        cmocka_unit_test(parents_follow_the_stack),
        cmocka_unit_test(parts_have_ids_and_parents_of_their_own),
        cmocka_unit_test(limits_hold_and_nothing_is_lost),
        cmocka_unit_test(what_few_elements_have_is_empty_until_it_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
