#include "document/testing.h"
#include "document/text/charset.h"

static void texts_in_the_order_of_end_tags(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"nothing", "<a/>", ""},
        {"children first", "<a>Outer name<b>Inner name</b>tail is lost</a>", "Title Inner name\nTitle Outer name\n"},
        {"blank texts", "<a> \n <b> \t</b><c>Some words</c></a>", "Title Some words\n"},
        {"as it stands", "<a>  two  spaces </a>", "Title   two  spaces \n"},
        {"attributes and comments", "<a x='y'><!-- c --><?p i?><b>Only this</b></a>", "Title Only this\n"},
        {"entities", "<a>R&amp;D <![CDATA[<x>]]> &#233;</a>", "Title R&D <x> é\n"},
        {"a bullet", "<a>- An item</a>", "ListItem An item\n"},
        {"a sentence", "<a>This is a sentence that has a verb in it.</a>",
         "NarrativeText This is a sentence that has a verb in it.\n"},
        {"no entity is expanded", "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>safe&e; text</a>",
         "Title safe text\n"},
    };
    assert_partitions(partition_xml, "application/xml", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
    static const PartitionCase latin[] = {
        {"given encoding", "<?xml version='1.0' encoding='utf-8'?><a>caf\xE9</a>", "Title café\n"}};
    assert_partitions(partition_xml, "application/xml", latin, 1, (PartitionOptions){.encoding = STR("latin1")});
}

static void bad_input(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer deep = {0};
    for (int i = 0; i < 300; i++)
        assert_ok(buffer_append_str(&deep, STR("<a>")));
    const struct {
        Str input;
        ErrorCode code;
        size_t elements;
    } cases[] = {
        {STR("<a><b>Some words</b><c>cut"), ERR_CORRUPT, 1},
        {STR("<a><b>Some words</b></c>"), ERR_CORRUPT, 1},
        {STR("no markup"), ERR_CORRUPT, 0},
        {buffer_str(&deep), ERR_LIMIT, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        PartitionOptions options = {0};
        assert_fails(partition_xml(str_bytes(cases[i].input), STR("application/xml"), &options, NULL, &elements),
                     cases[i].code);
        assert_int_equal(elements.count, cases[i].elements);
    }
}

static int set_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_in_the_order_of_end_tags),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
