#include "document/html/tree.h"
#include "document/testing.h"
#include "document/text/charset.h"

static void blocks(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"nothing", "", ""},
        {"headings", "# One #\n\nTwo\n===\n\nThree\n---\ntext is here\n#Six#six\n",
         "Title:0 One\nTitle:0 Two\nTitle:1 Three\nNarrativeText text is here\nTitle:0 Six#six\n"},
        {"a tight list", "* one\n* two\n  goes on\n", "ListItem:1 one\nListItem:1 two goes on\n"},
        {"a loose list has paragraphs", "* one thing\n\n* two things\n",
         "UncategorizedText one thing\nUncategorizedText two things\n"},
        {"a nested list", "1. one\n    * deep\n    * down\n2. two\n",
         "ListItem:1 one\nListItem:2 deep\nListItem:2 down\nListItem:1 two\n"},
        {"two spaces do not nest", "* one\n  * two\n", "ListItem:1 one\nListItem:1 two\n"},
        {"a list needs a blank line before it", "Name of A\n* Name of B\n",
         "UncategorizedText Name of A * Name of B\n"},
        {"an item's second paragraph", "* one thing\n\n    more of it\n",
         "UncategorizedText one thing\nUncategorizedText more of it\n"},
        {"code", "text of it\n\n    a = 1\n\n    b = <2>\n\nmore text\n",
         "UncategorizedText text of it\nCodeSnippet a = 1\n\nb = <2>\nUncategorizedText more text\n"},
        {"fenced code", "```c\nint a;\n\n# no heading\n```\n~~~\nx\n```\n~~~~\n~~~\n",
         "CodeSnippet int a;\n\n# no heading\nCodeSnippet x\n```\n~~~~\n"},
        {"an open fence is text", "```\nint a;\n", "UncategorizedText ``` int a;\n"},
        {"quotes", "> Paul Smith\nAnn Brown\n>\n> # Heading\n",
         "UncategorizedText Paul Smith Ann Brown\nTitle:0 Heading\n"},
        {"rules", "above it\n***\nbelow it\n", "UncategorizedText above it\nUncategorizedText below it\n"},
        {"tables", "A | B\n--|:-:\n1 | `x|y`\n3\n", "Table A B 1 x|y 3\n"},
        {"html blocks", "<div>\nThis *raw* one\n\n<div>two</div></div>\n\n*Not* Raw\n<!-- gone\n\n -->\n",
         "UncategorizedText This *raw* one\nUncategorizedText two\nUncategorizedText Not Raw\n"},
        {"references", "[the text][id] and [Id]\n\n[id]: http://x.y 'title'\n", "UncategorizedText the text and Id\n"},
    };
    assert_partitions(partition_markdown, "text/markdown", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

static void inline_text(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"emphasis", "*a1* **b2** ***c3*** _d4_ __e5__ **x *y* z**\n", "UncategorizedText a1 b2 c3 d4 e5 x y z\n"},
        {"no emphasis", "a * b 2*3 snake_case_name \\*c\\*\n", "UncategorizedText a * b 2*3 snake_case_name *c*\n"},
        {"code", "The `<a>` of `` x`y `` `house\n", "UncategorizedText The <a> of x`y `house\n"},
        {"links", "[a b](http://x.y \"t\") ![alt](i.png) [no](open [c]\n",
         "UncategorizedText a b\nImage alt\nUncategorizedText [no](open [c]\n"},
        {"autolinks", "<http://x.y/?a=1&b=2> <a@b.co>\n", "UncategorizedText http://x.y/?a=1&b=2 a@b.co\n"},
        {"html", "a <b>bold</b> <span title='t'>s</span> 1 < 2 & 3 &amp; &copy;\n",
         "UncategorizedText a bold s 1 < 2 & 3 & ©\n"},
        {"line breaks", "one  \ntwo\n", "UncategorizedText one two\n"},
        {"placeholders cannot be forged",
         "a\002"
         "0\003 b and more of it\n",
         "UncategorizedText a0 b and more of it\n"},
    };
    assert_partitions(partition_markdown, "text/markdown", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

/* Each of these is quadratic for a reader that searches to the end of the text again and again. */
static void repetitions_take_linear_time(void **state)
{
    (void)state;
    static const char *const pieces[] = {"[",        "![",     "[a](",       "<",        "`",     "*a ",
                                         "**a ",     "_a ",    "> ",         "# a\n",    "***\n", "[a]: b\n",
                                         "~~~a\n",   "<!--\n", "<hr\n",      "a\n---\n", "- a\n", "    x\n\n",
                                         "[a](b \"", "| a ",   "- a\n\n    "};
    PartitionOptions options = {0};
    for (size_t i = 0; i < ARRAY_COUNT(pieces); i++) {
        CLEANUP(buffer_done) Buffer text = {0};
        CLEANUP(arena_freep) Arena *arena = arena_new(256 * MIB);
        Elements elements = {.arena = arena};
        while (text.len < 100000)
            assert_ok(buffer_append_str(&text, str_of(pieces[i])));
        Error *error = partition_markdown(buffer_bytes(&text), STR("text/markdown"), &options, NULL, &elements);
        assert_true(error_code(error) == ERR_OK || error_code(error) == ERR_LIMIT);
        error_free(error);
    }
}

static int warm_up(void **state)
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
        cmocka_unit_test(inline_text),
        cmocka_unit_test(repetitions_take_linear_time),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
