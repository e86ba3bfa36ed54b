#include "parse/metadata_limit.h"

#include <stdlib.h>

#include "base/testing.h"

typedef struct Case {
    const char *name;
    size_t url_bytes, urls, page_name_bytes, subject_bytes;
    const char *says; /* NULL: nothing is too large */
} Case;

static const Case cases[] = {
    {"nothing", 0, 0, 0, 0, NULL},
    {"one value at its limit", 100000, 1, 0, 0, NULL},
    {"one value past it", 100001, 1, 0, 0, "a metadata value of 100001 bytes"},
    {"a page name past it", 0, 0, 100001, 0, "a metadata value of 100001 bytes"},
    {"an element at its limit", 100000, 10, 0, 0, NULL},
    {"an element past it", 100000, 10, 1, 0, "metadata of 1000001 bytes"},
    {"a mail's subject", 0, 0, 0, 100001, "a metadata value of 100001 bytes"},
};

static void limits(void **state)
{
    (void)state;
    static char text[100001];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const Case *c = &cases[i];
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        Element *element;
        Str urls[16];
        assert_ok(elements_add(&elements, ELEMENT_UNCATEGORIZED_TEXT, STR("its text"), &element));
        for (size_t k = 0; k < c->urls; k++)
            urls[k] = str_from(text, c->url_bytes);
        const ElementPart part = {.subject = str_from(text, c->subject_bytes)};
        ElementRare *rare;
        assert_ok(element_add_rare(element, arena, &rare));
        rare->link_urls = rare->link_texts = (StrList){urls, c->urls};
        rare->page_name = str_from(text, c->page_name_bytes);
        element->part = c->subject_bytes ? &part : NULL;
        CLEANUP(error_freep) Error *error = metadata_limit(&elements);
        if ((c->says != NULL) != (error != NULL) || (error && !strstr(error_message_view(error), c->says)))
            fail_msg("%s: %s", c->name, error_message_view(error));
        assert_int_equal(error_code(error), c->says ? ERR_LIMIT : ERR_OK);
        assert_str(element->text, "its text");
        assert_int_equal(rare->link_urls.count, c->says ? 0 : c->urls);
    }
}

/* A thousand elements of one mail: said once, gone from all. */
static void a_shared_part_is_said_once(void **state)
{
    (void)state;
    static char text[100001];
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    const ElementPart part = {.subject = str_from(text, sizeof text)};
    for (int i = 0; i < 1000; i++) {
        Element *element;
        assert_ok(elements_add(&elements, ELEMENT_UNCATEGORIZED_TEXT, STR("x"), &element));
        element->part = &part;
    }
    assert_fails_saying(metadata_limit(&elements), ERR_LIMIT, "element 0");
    for (size_t i = 0; i < elements.count; i++)
        assert_null(elements.items[i].part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(limits), cmocka_unit_test(a_shared_part_is_said_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
