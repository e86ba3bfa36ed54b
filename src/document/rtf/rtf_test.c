#include "document/html/tree.h"
#include "document/testing.h"
#include "document/text/charset.h"

static void paragraphs(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"nothing", "{\\rtf1}", ""},
        {"headings by level and by style",
         "{\\rtf1{\\stylesheet{\\s0 Normal;}{\\s3\\outlinelevel1 Mine;}{\\*\\cs4 Default;}}\\pard\\outlinelevel0 One\\par\\pard\\s3 "
         "Two\\par\\pard Text\\par}",
         "Title:0 One\nTitle:1 Two\nUncategorizedText Text\n"},
        {"no group for all", "{\\pard\\outlinelevel0 One\\par}\n{\\pard Text\\par}",
         "Title:0 One\nUncategorizedText Text\n"},
        {"what is behind the end", "{\\rtf1 Text\\par}\\par More", "UncategorizedText Text\n"},
        {"no last paragraph mark", "{\\rtf1 One\\par Two}", "UncategorizedText One\nUncategorizedText Two\n"},
        {"line, tab, page", "{\\rtf1 a\\line b\\tab c\\page d\\par}", "UncategorizedText a b c d\n"},
        {"line ends are nothing, or a paragraph behind a backslash", "{\\rtf1 a\r\nb\\\ncd}",
         "UncategorizedText ab\nUncategorizedText cd\n"},
        {"escapes", "{\\rtf1 \\{<b>\\} & \\\\ \\~x\\_y}", "UncategorizedText {<b>} & \\ x\xE2\x80\x91y\n"},
        {"named characters", "{\\rtf1 \\ldblquote a\\rdblquote\\emdash b}", "UncategorizedText “a”—b\n"},
        {"a bullet makes an item", "{\\rtf1{\\pntext\\'B7\\tab}item\\par}", "ListItem:0 item\n"},
        {"the mark of a list is no text", "{\\rtf1{\\listtext 1.\\tab}\\ls1 item\\par}", "UncategorizedText item\n"},
        {"not shown",
         "{\\rtf1{\\info{\\title T}}{\\header h\\par}{\\v hidden}{\\*\\unknown u}{\\pict 00ff}{\\colortbl;\\red0;}words here{\\strike struck}}",
         "UncategorizedText words here\n"},
        {"shown",
         "{\\rtf1{\\unknown u} {\\object{\\*\\objdata 00}{\\result r}} {\\shp{\\*\\shpinst{\\sp{\\sn a}}{\\shptxt s}}}}",
         "UncategorizedText u r s\n"},
        {"binary data", "{\\rtf1 a{\\pict\\bin3 }}}}b}", "UncategorizedText ab\n"},
        {"a note stands at the end", "{\\rtf1 word{\\footnote\\pard the note\\par}\\par More\\par}",
         "UncategorizedText word1\nUncategorizedText More\nUncategorizedText the note↩︎\n"},
    };
    assert_partitions(partition_rtf, "text/rtf", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

static void charsets(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"windows-1252", "{\\rtf1\\ansi caf\\'e9 \x93q\x94}", "UncategorizedText café “q”\n"},
        {"the document's code page", "{\\rtf1\\ansi\\ansicpg1251 \\'cf\\'f0}", "UncategorizedText Пр\n"},
        {"the font's charset", "{\\rtf1{\\fonttbl{\\f0 A;}{\\f1\\fcharset204 B;}}\\f1\\'cf\\'f0\\f0 \\'e9}",
         "UncategorizedText Прé\n"},
        {"no byte order mark", "{\\rtf1\\ansicpg1251 \\'ff\\'fe}", "UncategorizedText яю\n"},
        {"two bytes a character", "{\\rtf1\\ansicpg932 \\'83A\\'83\\'5c}", "UncategorizedText アソ\n"},
        {"an unknown code page", "{\\rtf1\\ansicpg999999 caf\\'e9}", "UncategorizedText café\n"},
        {"unicode", "{\\rtf1 \\u8364?\\u-10179?\\u-8704?x}", "UncategorizedText €😀x\n"},
        {"characters that stand for it", "{\\rtf1\\uc2 \\u233\\'c3\\'a9!\\uc0\\u233 e{\\uc1\\u233 e}}",
         "UncategorizedText é!éeé\n"},
        {"half a pair", "{\\rtf1 \\u-8704?x}", "UncategorizedText \xEF\xBF\xBDx\n"},
    };
    assert_partitions(partition_rtf, "text/rtf", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

/* `*ret_elements` lives in `arena`. */
static void read_rtf(Arena *arena, const char *rtf, Elements *ret_elements)
{
    PartitionOptions options = {0};
    *ret_elements = (Elements){.arena = arena};
    assert_ok(partition_rtf(str_bytes(str_of(rtf)), STR("text/rtf"), &options, NULL, ret_elements));
}

static void tables(void **state)
{
    (void)state;
    static const struct {
        const char *name, *rtf, *html;
    } cases[] = {
        {"rows", "{\\rtf1\\trowd\\pard\\intbl a\\cell b\\cell\\row\\trowd c\\cell d\\par e\\cell\\row\\pard x\\par}",
         "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d e</td></tr></table>"},
        {"one definition of a row", "{\\rtf1\\trowd\\intbl a\\cell\\row b\\cell\\row\\pard x}",
         "<table><tr><td>a</td><td>b</td></tr></table>"},
        {"no definition", "{\\rtf1 a\\cell b\\cell}", "<table><tr><td>a</td><td>b</td></tr></table>"},
        {"a cell that does not end", "{\\rtf1\\trowd\\intbl a\\cell b\\par}", "<table><tr><td>a</td></tr></table>"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements;
        print_message("%s\n", cases[i].name);
        read_rtf(arena, cases[i].rtf, &elements);
        assert_true(elements.count > 0);
        assert_str(elements.items[0].text_as_html, cases[i].html);
    }
}

static void looks_and_links(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements;
    read_rtf(
        arena,
        "{\\rtf1 a {\\b c\\i d}\\par{\\field{\\*\\fldinst HYPERLINK \"http://x/?a&b\" }{\\fldrslt to x}} "
        "{\\field{\\*\\fldinst{ HYPERLINK \\\\l \"m\"}}{\\fldrslt{\\b m}}} {\\field{\\*\\fldinst PAGE}{\\fldrslt 3}}\\par"
        "\\pard\\outlinelevel0\\b Bold {\\i all}\\par}",
        &elements);
    assert_int_equal(elements.count, 3);
    assert_int_equal(element_rare(&elements.items[0])->emphasized_tags.count, 2);
    assert_str(element_rare(&elements.items[0])->emphasized_contents.items[1], "d");
    assert_str(element_rare(&elements.items[0])->emphasized_tags.items[1], "bi");
    assert_str(elements.items[1].text, "to x m 3");
    assert_int_equal(element_rare(&elements.items[1])->link_urls.count, 2);
    assert_str(element_rare(&elements.items[1])->link_urls.items[0], "http://x/?a&b");
    assert_str(element_rare(&elements.items[1])->link_texts.items[0], "to x");
    assert_str(element_rare(&elements.items[1])->link_urls.items[1], "#m");
    assert_str(elements.items[2].text, "Bold all");
    assert_int_equal(element_rare(&elements.items[2])->emphasized_tags.count, 1);
    assert_str(element_rare(&elements.items[2])->emphasized_tags.items[0], "i");
}

static void bad_input(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer deep = {0};
    assert_ok(buffer_append_str(&deep, STR("{\\rtf1 Text\\par ")));
    for (int i = 0; i < 1000; i++)
        assert_ok(buffer_append_byte(&deep, '{'));
    const struct {
        Str input;
        ErrorCode code;
        const char *message;
        size_t elements;
    } cases[] = {
        {STR("{\\rtf1 Text\\par {\\b more"), ERR_CORRUPT, "rtf: the file is cut off: 2 groups are open", 2},
        {STR("{\\rtf1 Text{\\footnote note"), ERR_CORRUPT, "rtf: the file is cut off", 2},
        {STR("{\\rtf1 Text{\\pict\\bin99 x}"), ERR_CORRUPT, "rtf: the file is cut off", 1},
        {buffer_str(&deep), ERR_LIMIT, "rtf: groups are nested more than 255 deep", 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        PartitionOptions options = {0};
        assert_fails_saying(partition_rtf(str_bytes(cases[i].input), STR("text/rtf"), &options, NULL, &elements),
                            cases[i].code, cases[i].message);
        assert_int_equal(elements.count, cases[i].elements);
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
        cmocka_unit_test(paragraphs),      cmocka_unit_test(charsets),  cmocka_unit_test(tables),
        cmocka_unit_test(looks_and_links), cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
