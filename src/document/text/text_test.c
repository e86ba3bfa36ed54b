#include "document/testing.h"
#include "document/text/charset.h"

static void paragraphs(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"empty", "", ""},
        {"white space", " \n\n \t\n", ""},
        {"blank lines separate",
         "The first paragraph is here\nand goes on.\n\nThe second one is here, and it is longer.\n",
         "NarrativeText The first paragraph is here and goes on.\nNarrativeText The second one is here, and it is longer.\n"},
        {"lines without blank ones",
         "One is the first line of all.\nTwo is the second line of all.\nThree comes next as it is.\nFour comes next as it is.\n"
         "Five comes next as it is.\nSix comes next as it is.\nSeven comes next as it is.\nEight comes next as it is.\n"
         "Nine comes next as it is.\nTen comes next as it is.\nEleven comes next.",
         "NarrativeText One is the first line of all.\nNarrativeText Two is the second line of all.\n"
         "NarrativeText Three comes next as it is.\nNarrativeText Four comes next as it is.\n"
         "NarrativeText Five comes next as it is.\nNarrativeText Six comes next as it is.\n"
         "NarrativeText Seven comes next as it is.\nNarrativeText Eight comes next as it is.\n"
         "NarrativeText Nine comes next as it is.\nNarrativeText Ten comes next as it is.\nNarrativeText Eleven comes next.\n"},
        {"short lines stay apart", "Ann Smith\n12 High Street\nDoylestown, PA 18901\n\n",
         "Title Ann Smith\nTitle 12 High Street\nAddress Doylestown, PA 18901\n"},
        {"bullets", "- one thing that\n  goes on\n- another\n\n• third",
         "ListItem one thing that goes on\nListItem another\nListItem third\n"},
        {"misread bullets", "e first of them\ne second of them\n\n",
         "ListItem first of them\nListItem second of them\n"},
        {"a lone bullet is nothing", "•\n\nA Title\n", "Title A Title\n"},
        {"line ends", "The cat sat here again\r\nand slept.\r\rIt was warm there.\r\n",
         "NarrativeText The cat sat here again and slept.\nNarrativeText It was warm there.\n"},
    };
    assert_partitions(partition_text, "text/plain", cases, ARRAY_COUNT(cases), (PartitionOptions){0});
}

static void every_line_when_wanted(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"lines", "The first line is\nbroken here.\r\n\n- item\n",
         "Title The first line is\nTitle broken here.\nListItem item\n"},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    PartitionOptions options = {.txt_lines = true};
    assert_ok(partition_text(str_bytes(str_of(cases[0].input)), STR("text/plain"), &options, NULL, &elements));
    assert_int_equal(elements.count, 3);
    assert_str(elements.items[1].text, "broken here.");
}

static void the_limit_on_text_holds(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    PartitionOptions options = {.text_max_bytes = 12};
    assert_fails_saying(
        partition_text(str_bytes(STR("Ten Bytes!\n\nMore Text\n\n")), STR("text/plain"), &options, NULL, &elements),
        ERR_LIMIT, "text_max_bytes");
    assert_int_equal(elements.count, 1);
}

static void encodings(void **state)
{
    (void)state;
    const struct {
        const char *name;
        Str input;
        const char *declared, *expected;
    } cases[] = {
        {"utf-8", STR("Gr\xC3\xBC\xC3\x9F"), "", "Grüß"},
        {"mark",
         STR("\xEF\xBB\xBF"
             "a"),
         "latin1", "a"},
        {"latin-1",
         STR("Gr\xFC\xDF"
             "e aus M\xFCnchen, sch\xF6n"),
         "", "Grüße aus München, schön"},
        {"declared", STR("\xA4"), "ISO-8859-15", "€"},
        {"declared, spelled otherwise", STR("\xFC"), " Latin1 ", "ü"},
        {"utf-16 with a mark",
         STR("\xFF\xFE"
             "a\0\xFC\0"),
         "", "aü"},
        {"utf-16be without", STR("\0H\0e\0l\0l\0o\0 \0y\0o\0u"), "", "Hello you"},
        {"utf-16le without", STR("H\0e\0l\0l\0o\0 \0y\0o\0u\0"), "", "Hello you"},
        {"utf-32 with a mark", STR("\xFF\xFE\0\0a\0\0\0"), "", "a"},
        {"cut utf-16",
         STR("\xFF\xFE"
             "a\0b"),
         "", "a\xEF\xBF\xBD"},
        {"bad bytes in declared utf-8",
         STR("a\xFF"
             "b"),
         "utf-8",
         "a\xEF\xBF\xBD"
         "b"},
        {"latin-1 in utf-8", STR("Z\xC3\xBCrich, Gen\xE8ve, \x93so\x94; M\xC3\xBCnchen, K\xC3\xB6ln"), "",
         "Zürich, Genève, “so”; München, Köln"},
        {"cut utf-8", STR("Z\xC3\xBCrich \xE2\x82"), "", "Zürich \xEF\xBF\xBD"},
        {"latin-1 with what could be utf-8",
         STR("\xC3\xA9 M\xFCnchen, K\xF6ln und Z\xFCrich sind gro\xDF"
             "e St\xE4"
             "dte"),
         "", "Ã© München, Köln und Zürich sind große Städte"},
        {"utf-8 that says it is utf-16",
         STR("Gr\xC3\xBC\xC3\x9F"
             "e aus K\xC3\xB6ln"),
         "utf-16", "Grüße aus Köln"},
        {"of an odd length",
         STR("Gr\xC3\xBC\xC3\x9F"
             "e"),
         "utf-32be", "Grüße"},
        {"declared utf-16", STR("a\0 \0b\0"), "utf-16", "a b"},
        {"declared utf-16 without a zero byte", STR("\x2D\x4E\x87\x65"), "utf-16le", "中文"},
        {"shift_jis", STR("\x93\xFA\x96\x7B"), "shift_jis", "日本"},
        {"nothing", STR(""), "", ""},
    };
    assert_ok(charset_warm_up());
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Str text;
        print_message("%s\n", cases[i].name);
        assert_ok(charset_decode(str_bytes(cases[i].input), str_of(cases[i].declared), arena, &text));
        assert_str(text, cases[i].expected);
    }
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Str text;
    assert_fails_saying(charset_decode(str_bytes(STR("x")), STR("klingon"), arena, &text), ERR_UNSUPPORTED,
                        "'klingon'");
}

static int warm_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paragraphs),
        cmocka_unit_test(every_line_when_wanted),
        cmocka_unit_test(the_limit_on_text_holds),
        cmocka_unit_test(encodings),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
