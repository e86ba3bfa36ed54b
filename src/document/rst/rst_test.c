#include "document/html/tree.h"
#include "document/testing.h"
#include "document/text/charset.h"

static void blocks(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"nothing", "\n \n", ""},
        {"paragraphs", "Some words\nin two lines\n\nAnother one",
         "UncategorizedText Some words in two lines\nUncategorizedText Another one\n"},
        {"sections in the order of their adornment",
         "=====\nTitle\n=====\n\nOne\n===\n\nTwo\n---\n\nThree\n=====\nwords here",
         "Title:0 Title\nTitle:1 One\nTitle:2 Two\nTitle:1 Three\nUncategorizedText words here\n"},
        {"a line between", "Some words\n\n----\n\nMore words",
         "UncategorizedText Some words\nUncategorizedText More words\n"},
        {"literal blocks", "Code here::\n\n  a\n    b\n\n  c\n\n::\n\n> quoted\n> text\n\nlast words",
         "UncategorizedText Code here:\nCodeSnippet a\n  b\n\nc\nCodeSnippet > quoted\n> text\nUncategorizedText last words\n"},
        {"a quote", "Some words\n\n   quoted words\n", "UncategorizedText Some words\nNarrativeText quoted words\n"},
        {"lines", "| one line\n| two lines\n  goes on", "NarrativeText one line two lines goes on\n"},
        {"comments and targets",
         ".. a comment\n   goes on\n\n.. _a: http://b\n__ http://c\n\n..\n\n   quoted words\n\n.. include:: file\n",
         "NarrativeText quoted words\n"},
        {"what HTML rules leave out", ":field: value\n\nterm\n  definition\n\n-o  option\n\nlast words",
         "UncategorizedText last words\n"},
    };
    assert_partitions(partition_rst, "text/x-rst", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

static void lists(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"tight", "- one item\n- two\n  more\n\nAfter it",
         "ListItem:1 one item\nListItem:1 two more\nUncategorizedText After it\n"},
        {"set off", "* one item\n\n* two items\n", "UncategorizedText one item\nUncategorizedText two items\n"},
        {"nested", "1. one\n\n   - a\n   - b\n\n2. two items", "ListItem:2 a\nListItem:2 b\n"},
        {"numbers of all kinds", "1. ab\n#. bc\n\na) cd\nb) de\n\n(iv) ef\n(v) fg",
         "ListItem:1 ab\nListItem:1 bc\nListItem:1 cd\nListItem:1 de\nListItem:1 ef\nListItem:1 fg\n"},
        {"a paragraph that looks like one", "x y\n- z\nmore", "UncategorizedText x y - z more\n"},
        {"no item without a blank line behind it", "1. May was\nwarm that year",
         "UncategorizedText 1. May was warm that year\n"},
    };
    PartitionOptions options = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        assert_ok(partition_rst(str_bytes(str_of(cases[i].input)), STR("text/x-rst"), &options, NULL, &elements));
        if (i == 2) { /* what is set off has the type that its words give it */
            assert_int_equal(elements.count, 4);
            assert_str(elements.items[0].text, "one");
            assert_int_equal(elements.items[1].type, ELEMENT_LIST_ITEM);
            assert_int_equal(elements.items[1].category_depth, 2);
            assert_str(elements.items[3].text, "two items");
        } else if (i == 5) {
            assert_int_equal(elements.count, 1);
            assert_str(elements.items[0].text, "1. May was warm that year");
        } else {
            assert_elements(cases[i].name, &elements, cases[i].expected);
        }
    }
}

static void inline_markup(void **state)
{
    (void)state;
    static const struct {
        const char *rst, *text;
    } cases[] = {
        {"x *a b* **c** ``d *e*`` `f`", "x a b c d *e* f"},
        {"2*3*4 a* *b x", "2*3*4 a* *b x"},
        {"x \\*a\\* b\\ c \\\\", "x *a* bc \\"},
        {"`a b <http://x>`_ `ref`_ word_ anon__ `two words`__", "a b ref word anon two words"},
        {"unknown_ snake_case_word _x_", "unknown_ snake_case_word _x_"},
        {":sub:`a` :py:func:`b` `c`:strong: :unclosed:`d", "a b c :unclosed:`d"},
        {"|known| |unknown|", "some text |unknown|"},
        {"see http://x.y/z. (http://w)", "see http://x.y/z. (http://w)"},
        {"_`a place` here", "a place here"},
        {"`` x ` y `` z", "x ` y z"},
    };
    PartitionOptions options = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        CLEANUP(buffer_done) Buffer rst = {0};
        Elements elements = {.arena = arena};
        print_message("%s\n", cases[i].rst);
        assert_ok(buffer_append_format(
            &rst,
            "%s\n\n.. _Ref: http://r\n.. _word: ref_\n.. |known| replace:: some *text*\n__ http://1\n__ http://2\n",
            cases[i].rst));
        assert_ok(partition_rst(buffer_bytes(&rst), STR("text/x-rst"), &options, NULL, &elements));
        assert_int_equal(elements.count, 1);
        assert_str(elements.items[0].text, cases[i].text);
    }
}

static void links(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    PartitionOptions options = {0};
    static const char *const urls[] = {"http://x", "http://r", "http://r", "http://1", "http://2"};
    assert_ok(
        partition_rst(str_bytes(STR("`a b <http://x>`_ `ref`_ word_ anon__ `two words`__\n\n.. _Ref:\n   http://r\n"
                                    ".. _word: ref_\n__ http://1\n.. __: http://2")),
                      STR("text/x-rst"), &options, NULL, &elements));
    assert_int_equal(element_rare(&elements.items[0])->link_urls.count, ARRAY_COUNT(urls));
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++)
        assert_str(element_rare(&elements.items[0])->link_urls.items[i], urls[i]);
}

static void notes(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"at the end",
         "Some words [1]_ here [#a]_ and [#]_ or [CIT]_ or [x]_\n\n.. [1] Note one\n.. [#a] Note a\n   goes on\n.. [#] Auto note\n.. [CIT] Cited work",
         "NarrativeText Some words1 here2 and3 or [CIT] or [x]_\nUncategorizedText Note one↩︎\nNarrativeText Note a goes on↩︎\nUncategorizedText Auto note↩︎\n"},
        {"a note of itself", "Some words [1]_\n\n.. [1] See [1]_",
         "UncategorizedText Some words1\nUncategorizedText See [1]_↩︎\n"},
    };
    assert_partitions(partition_rst, "text/x-rst", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

static void directives(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"code", ".. code-block:: c\n   :linenos:\n\n   x\n     y\n", "CodeSnippet x\n  y\n"},
        {"boxes", ".. note:: Some words\n   here\n\n.. warning::\n\n   Other words\n",
         "UncategorizedText Note\nUncategorizedText Some words here\nUncategorizedText Warning\nUncategorizedText Other words\n"},
        {"others",
         ".. foo:: Some words\n   :opt: x\n\n   Body words\n\n.. container:: name\n\n   Other words\n\n.. rubric:: Bold words",
         "UncategorizedText Some words\nUncategorizedText Body words\nUncategorizedText Other words\nUncategorizedText Bold words\n"},
        {"raw", ".. raw:: html\n\n   <p>raw words</p>\n\n.. raw:: latex\n\n   gone\n", "UncategorizedText raw words\n"},
        {"a picture", ".. image:: a.png\n   :alt: words\n", "Image words\n"},
        {"nothing", ".. role:: x\n.. highlight:: c\n.. default-role:: y\n", ""},
    };
    assert_partitions(partition_rst, "text/x-rst", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

static void tables(void **state)
{
    (void)state;
    static const struct {
        const char *name, *rst, *html;
    } cases[] = {
        {"grid", "+---+---+\n| a | b |\n+===+===+\n| c | d |\n|   | e |\n+---+---+\n| wide  |\n+---+---+",
         "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d e</td></tr><tr><td>wide</td></tr></table>"},
        {"wide characters", "+----+---+\n| äö | b |\n+----+---+", "<table><tr><td>äö</td><td>b</td></tr></table>"},
        {"simple", "=== ===\na   b\n=== ===\n1   2 3\n    4\n\n5\n=== ===",
         "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2 3 4</td></tr><tr><td>5</td><td/></tr></table>"},
        {"values", ".. csv-table:: T\n   :header: a, b\n\n   \"1, 2\", 3\n",
         "<table><tr><td>a</td><td>b</td></tr><tr><td>1, 2</td><td>3</td></tr></table>"},
        {"a list", ".. list-table::\n   :widths: 1 2\n\n   * - a\n     - b\n   * - c\n\n       d\n     - e\n",
         "<table><tr><td>a</td><td>b</td></tr><tr><td>c d</td><td>e</td></tr></table>"},
        {"in a directive", ".. table:: T\n\n   === ===\n   a   b\n   === ===\n",
         "<table><tr><td>a</td><td>b</td></tr></table>"},
    };
    PartitionOptions options = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        print_message("%s\n", cases[i].name);
        assert_ok(partition_rst(str_bytes(str_of(cases[i].rst)), STR("text/x-rst"), &options, NULL, &elements));
        assert_int_equal(elements.count, 1);
        assert_str(elements.items[0].text_as_html, cases[i].html);
    }
}

static void deep_quotes_meet_the_limit(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    CLEANUP(buffer_done) Buffer rst = {0};
    Elements elements = {.arena = arena};
    PartitionOptions options = {0};
    for (int i = 0; i < 100; i++)
        assert_ok(buffer_append_format(&rst, "%*sx\n\n", i, ""));
    assert_fails_saying(partition_rst(buffer_bytes(&rst), STR("text/x-rst"), &options, NULL, &elements), ERR_LIMIT,
                        "rst: blocks are nested more than 32 deep");
}

/* What does not end, and what is used again and again, does not cost the square of its number. */
static void many_beginnings(void **state)
{
    (void)state;
    static const char *const pieces[] = {"=== ===\na   b\n", "*a ", "`a ",   "``a ",    "|a ",         "[1]_ ",
                                         ":a:`b ",           "a_ ", "- a\n", "x\n y\n", "|a| |b| |c| "};
    PartitionOptions options = {0};
    for (size_t i = 0; i < ARRAY_COUNT(pieces); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(256 * MIB);
        CLEANUP(buffer_done) Buffer rst = {0};
        Elements elements = {.arena = arena};
        assert_ok(buffer_append_str(
            &rst, STR(".. |a| replace:: |b| |b| |b| |b|\n.. |b| replace:: |c| |c| |c| |c|\n.. |c| replace:: |a| |b|\n"
                      ".. [1] A note\n\n   of lines\n\n")));
        while (rst.len < 200 * KIB)
            assert_ok(buffer_append_str(&rst, str_of(pieces[i])));
        Error *error = partition_rst(buffer_bytes(&rst), STR("text/x-rst"), &options, NULL, &elements);
        assert_true(!error || error_code(error) == ERR_LIMIT);
        error_free(error);
    }
}

static int set_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    html_warm_up();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),          cmocka_unit_test(lists),
        cmocka_unit_test(inline_markup),   cmocka_unit_test(links),
        cmocka_unit_test(notes),           cmocka_unit_test(directives),
        cmocka_unit_test(tables),          cmocka_unit_test(deep_quotes_meet_the_limit),
        cmocka_unit_test(many_beginnings),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
