#include "document/html/tree.h"
#include "document/testing.h"
#include "document/text/charset.h"

static void blocks(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"nothing", "\n\n", ""},
        {"paragraphs", "Some words\nin two lines\r\n\nAnother one",
         "UncategorizedText Some words in two lines\nUncategorizedText Another one\n"},
        {"headings", "* One\nText of it\n** DONE Two :tag:\n*** Three\n*bold*",
         "Title:0 One\nUncategorizedText Text of it\nTitle:1 DONE Two tag\nTitle:2 Three\nUncategorizedText bold\n"},
        {"deep headings are items", "#+OPTIONS: toc:nil H:1\n* One\n** Two\n- item\n** Other two\n* Three",
         "Title:0 One\nUncategorizedText Two\nListItem:2 item\nUncategorizedText Other two\nTitle:0 Three\n"},
        {"what is not shown",
         "#+TITLE: T\n# comment\n* One\n  DEADLINE: <2024-01-01>\n  :PROPERTIES:\n  :ID: x\n  :END:\nShown words\n"
         "#+begin_comment\nhidden\n#+end_comment\n* COMMENT Two\nhidden\n** Three\n* Four :noexport:\nhidden\n* Five",
         "Title:0 One\nUncategorizedText Shown words\nTitle:0 Five\n"},
        {"drawers", ":NOTE:\nin a drawer\n:END:\n:BROKEN:\nno end",
         "UncategorizedText in a drawer\nUncategorizedText :BROKEN: no end\n"},
        {"a table", "| a | b |\n|---+---|\n| <l> | <r> |\n| 1 |   |\n#+TBLFM: x", "Table a b 1\n"},
        {"code",
         "#+BEGIN_SRC sh :x y\n  ls\n    -l\n  ,* x\n#+END_SRC\n\n#+RESULTS:\n: gone\n\n: fixed\n#+begin_example\nas is\n#+end_example",
         "CodeSnippet ls\n  -l\n* x\nCodeSnippet fixed\nCodeSnippet as is\n"},
        {"other blocks",
         "#+begin_quote\nSome quote\n#+end_quote\n#+begin_foo\n- item\n#+end_foo\n#+begin_export html\n<p>raw html</p>\n#+end_export\n#+begin_export latex\nx\n#+end_export",
         "UncategorizedText Some quote\nListItem:1 item\nUncategorizedText raw html\n"},
        {"a block without end", "#+begin_quote\nSome words", "UncategorizedText Some words\n"},
        {"an environment of TeX", "\\begin{a}\nx\n\\end{a}\nSome words", "UncategorizedText Some words\n"},
    };
    assert_partitions(partition_org, "text/org", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

static void lists(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"tight", "- one item\n- two\n  more\n\nAfter it",
         "ListItem:1 one item\nListItem:1 two more\nUncategorizedText After it\n"},
        {"set off", "- one item\n\n- two items\n", "UncategorizedText one item\nUncategorizedText two items\n"},
        {"two paragraphs", "- one item\n\n  more words\n- two items",
         "UncategorizedText one item\nUncategorizedText more words\nUncategorizedText two items\n"},
        {"nested", "1. one\n   - a\n     + b\n2) two\n",
         "ListItem:1 one\nListItem:2 a\nListItem:3 b\nListItem:1 two\n"},
        {"stars are bullets when indented", " * a\n * b", "ListItem:1 a\nListItem:1 b\n"},
        {"boxes and counters", "- [ ] a\n- [X] b\n\nx y\n\n4. [@4] c",
         "ListItem:1 a\nListItem:1 b\nUncategorizedText x y\nListItem:1 c\n"},
        {"two kinds", "- a\n1. b", "ListItem:1 a\nListItem:1 b\n"},
        {"an empty item", "-\n- b", "ListItem:1 b\n"},
        {"no marker", "x\n-a\n+1\n1.b", "UncategorizedText x -a +1 1.b\n"},
    };
    assert_partitions(partition_org, "text/org", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

static void inline_markup(void **state)
{
    (void)state;
    static const struct {
        const char *org, *text;
    } cases[] = {
        {"*a* /b/ _c_ =d= ~e~ x", "a b c d e x"},
        {"+gone+ words here", "words here"},
        {"a*b*c 2*3*4 * x *", "a*b*c 2*3*4 * x *"},
        {"x =*a*= <b> & c", "x *a* <b> & c"},
        {"*two\nlines* *three\nlines\nlong*", "two lines *three lines long*"},
        {"[[http://x][y z]] [[http://w]] <http://v> http://u.", "y z http://w http://v http://u."},
        {"[[file:a b.org][c]] [[place]]", "c place"},
        {"x^2 a_{b} snake_case", "x2 ab snakecase"},
        {"\\alpha \\to{} x\\\\\ny \\LaTeX z", "α → x y z"},
        {"a--b a---b wait...", "a–b a—b wait…"},
        {"$a$ \\(b\\) costs $5 and $6", "a b costs $5 and $6"},
        {"<<target>>word here", "word here"},
        {"@@html:raw@@ @@latex:gone@@word", "raw word"},
        {"[[unclosed [fn:] @@x $y *z", "[[unclosed [fn:] @@x $y *z"},
    };
    PartitionOptions options = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        print_message("%s\n", cases[i].org);
        assert_ok(partition_org(str_bytes(str_of(cases[i].org)), STR("text/org"), &options, NULL, &elements));
        assert_int_equal(elements.count, 1);
        assert_str(elements.items[0].text, cases[i].text);
    }
}

static void notes(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"at the end",
         "Some words[fn:1] and[fn:: inline one] more[fn:unknown]\n\n[fn:1] The note\n\n   its end\n\n\nLast words",
         "UncategorizedText Some words1 and2 more\nUncategorizedText Last words\nUncategorizedText The note\nUncategorizedText its end↩︎\nUncategorizedText inline one↩︎\n"},
        {"a note of itself", "Some words[fn:a]\n\n[fn:a] See[fn:a]",
         "UncategorizedText Some words1\nUncategorizedText See↩︎\n"},
    };
    assert_partitions(partition_org, "text/org", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

static void emphasis_and_links(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    PartitionOptions options = {0};
    assert_ok(
        partition_org(str_bytes(STR("*b /bi/* [[http://x?a&b][*l*]]")), STR("text/org"), &options, NULL, &elements));
    const Element *e = &elements.items[0];
    assert_int_equal(element_rare(e)->emphasized_tags.count, 3);
    assert_str(element_rare(e)->emphasized_contents.items[1], "bi");
    assert_str(element_rare(e)->emphasized_tags.items[1], "bi");
    assert_int_equal(element_rare(e)->link_urls.count, 1);
    assert_str(element_rare(e)->link_urls.items[0], "http://x?a&b");
    assert_str(element_rare(e)->link_texts.items[0], "l");
}

static void deep_lists_meet_the_limit(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    CLEANUP(buffer_done) Buffer org = {0};
    Elements elements = {.arena = arena};
    PartitionOptions options = {0};
    for (int i = 0; i < 100; i++)
        assert_ok(buffer_append_format(&org, "%*s- x\n", 2 * i, ""));
    assert_fails_saying(partition_org(buffer_bytes(&org), STR("text/org"), &options, NULL, &elements), ERR_LIMIT,
                        "org: blocks are nested more than 32 deep");
}

/* Beginnings without an end do not cost the square of their number. */
static void many_beginnings(void **state)
{
    (void)state;
    static const char *const pieces[] = {":a:\n", "#+begin_a\n", "\\begin{a}\n", "*a ",   "[[a ", "[fn::a ",
                                         "$a ",   "@@a ",        "_{a ",         "- a\n", "|a"};
    PartitionOptions options = {0};
    for (size_t i = 0; i < ARRAY_COUNT(pieces); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(256 * MIB);
        CLEANUP(buffer_done) Buffer org = {0};
        Elements elements = {.arena = arena};
        while (org.len < 200 * KIB)
            assert_ok(buffer_append_str(&org, str_of(pieces[i])));
        assert_ok(partition_org(buffer_bytes(&org), STR("text/org"), &options, NULL, &elements));
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
        cmocka_unit_test(blocks),
        cmocka_unit_test(lists),
        cmocka_unit_test(inline_markup),
        cmocka_unit_test(notes),
        cmocka_unit_test(emphasis_and_links),
        cmocka_unit_test(deep_lists_meet_the_limit),
        cmocka_unit_test(many_beginnings),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
