#include "document/chunk/chunk.h"

#include "base/buffer.h"
#include "base/testing.h"
#include "document/chunk/split.h"

/* Elements as a text: "T title", "N text", "P" (page break), "B table|html", "2" begins page 2. */
static void fill(Elements *elements, const char *const *lines)
{
    uint32_t page = 0;
    for (; *lines; lines++) {
        Str line = str_of(*lines), text = str_slice(line, 2, line.len);
        Element *e;
        size_t bar = str_find_char(text, '|');
        switch (line.data[0]) {
        case 'T': assert_ok(elements_add(elements, ELEMENT_TITLE, text, &e)); break;
        case 'N': assert_ok(elements_add(elements, ELEMENT_NARRATIVE_TEXT, text, &e)); break;
        case 'C': assert_ok(elements_add(elements, ELEMENT_CODE_SNIPPET, text, &e)); break;
        case 'P': assert_ok(elements_add(elements, ELEMENT_PAGE_BREAK, STR_EMPTY, &e)); break;
        case 'B':
            assert_ok(elements_add(elements, ELEMENT_TABLE, str_slice(text, 0, MIN(bar, text.len)), &e));
            if (bar != SIZE_MAX)
                e->text_as_html = str_slice(text, bar + 1, text.len);
            break;
        default: page = (uint32_t)(line.data[0] - '0'); continue;
        }
        e->page_number = page;
    }
}

static void assert_chunks(const char *name, const Elements *chunks, const char *expected)
{
    CLEANUP(buffer_done) Buffer out = {0};
    for (size_t i = 0; i < chunks->count; i++) {
        const Element *e = &chunks->items[i];
        assert_non_null(e->chunk);
        assert_ok(buffer_append_format(&out, "%s%s<" STR_FMT ">" STR_FMT "\n",
                                       i > 0 && e->chunk->is_continuation ? "+" : "",
                                       e->type == ELEMENT_COMPOSITE ? ""
                                       : e->type == ELEMENT_TABLE   ? "table "
                                                                    : "piece ",
                                       STR_ARG(e->text), STR_ARG(e->text_as_html)));
    }
    if (!str_equal(buffer_str(&out), str_of(expected)))
        print_error("%s: got\n" STR_FMT "instead of\n%s", name, STR_ARG(buffer_str(&out)), expected);
    assert_true(str_equal(buffer_str(&out), str_of(expected)));
}

typedef struct ChunkCase {
    const char *name;
    const char *lines[12];
    ChunkStrategy strategy;
    size_t max, soft, combine, overlap;
    bool overlap_all, one_page;
    const char *expected;
} ChunkCase;

static const ChunkCase cases[] = {
    {.name = "nothing", .strategy = CHUNK_BASIC, .max = 20, .expected = ""},
    {.name = "neighbours that fit go together",
     .lines = {"N one", "N two", "N three four five six"},
     .strategy = CHUNK_BASIC,
     .max = 20,
     .expected = "<one\n\ntwo>\n<three four five six>\n"},
    {.name = "white space runs become one space, code keeps its own",
     .lines = {"N  a \t b ", "C  x\n  y"},
     .strategy = CHUNK_BASIC,
     .max = 40,
     .expected = "<a b\n\n x\n  y>\n"},
    {.name = "the soft limit ends a chunk",
     .lines = {"N abcde", "N fghij", "N klmno"},
     .strategy = CHUNK_BASIC,
     .max = 40,
     .soft = 6,
     .expected = "<abcde\n\nfghij>\n<klmno>\n"},
    {.name = "a long text is cut at spaces",
     .lines = {"N aaa bbb ccc ddd eee"},
     .strategy = CHUNK_BASIC,
     .max = 8,
     .expected = "<aaa bbb>\n+<ccc ddd>\n+<eee>\n"},
    {.name = "a long word is cut where it must be",
     .lines = {"N aaaaaaaaaabbbbb"},
     .strategy = CHUNK_BASIC,
     .max = 10,
     .expected = "<aaaaaaaaaa>\n+<bbbbb>\n"},
    {.name = "and repeats its end",
     .lines = {"N aaaaaaabcdefghij"},
     .strategy = CHUNK_BASIC,
     .max = 10,
     .overlap = 3,
     .expected = "<aaaaaaabcd>\n+<bcdefghij>\n"},
    {.name = "pieces repeat the end of the one before, by words",
     .lines = {"N aaa bbb ccc ddd eee"},
     .strategy = CHUNK_BASIC,
     .max = 12,
     .overlap = 5,
     .expected = "<aaa bbb ccc>\n+<ccc ddd eee>\n"},
    {.name = "chunks repeat the end of the one before when all shall",
     .lines = {"N abcdefgh", "N ijklmnop"},
     .strategy = CHUNK_BASIC,
     .max = 14,
     .overlap = 3,
     .overlap_all = true,
     .expected = "<abcdefgh>\n<fgh\n\nijklmnop>\n"},
    {.name = "characters are counted, not bytes",
     .lines = {"N äöüäöü äöüäöü"},
     .strategy = CHUNK_BASIC,
     .max = 13,
     .expected = "<äöüäöü äöüäöü>\n"},
    {.name = "a title begins a chunk",
     .lines = {"T one", "N two", "T three", "N four"},
     .strategy = CHUNK_BY_TITLE,
     .max = 40,
     .combine = 0,
     .expected = "<one\n\ntwo>\n<three\n\nfour>\n"},
    {.name = "short sections go together",
     .lines = {"T one", "N two", "T three", "N four"},
     .strategy = CHUNK_BY_TITLE,
     .max = 40,
     .combine = 40,
     .expected = "<one\n\ntwo\n\nthree\n\nfour>\n"},
    {.name = "but not with tables",
     .lines = {"T one", "B x|<table><tr><td>x</td></tr></table>", "T three"},
     .strategy = CHUNK_BY_TITLE,
     .max = 60,
     .combine = 60,
     .expected = "<one>\ntable <x><table><tr><td>x</td></tr></table>\n<three>\n"},
    {.name = "a page begins a chunk",
     .lines = {"1", "T one", "N two", "P", "2", "N three", "N four"},
     .strategy = CHUNK_BY_TITLE,
     .max = 40,
     .combine = 0,
     .one_page = true,
     .expected = "<one\n\ntwo>\n<three\n\nfour>\n"},
    {.name = "a table by its rows",
     .lines = {"B aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeeeeeeeee "
               "ffffffffff|<table><tr><td>aaaaaaaaaa</td><td>bbbbbbbbbb</td></tr><tr><td>cccccccccc</td><td/></tr>"
               "<tr><td>dddddddddd eeeeeeeeee &amp; ffffffffff</td></tr></table>"},
     .strategy = CHUNK_BASIC,
     .max = 50,
     .expected = "piece <aaaaaaaaaa bbbbbbbbbb "
                 "cccccccccc><table><tr><td>aaaaaaaaaa</td><td>bbbbbbbbbb</td></tr><tr><td>cccccccccc</td><td/></tr></"
                 "table>\n+piece <dddddddddd eeeeeeeeee & ffffffffff><table><tr><td>dddddddddd eeeeeeeeee &amp; "
                 "ffffffffff</td></tr></table>\n"},
    {.name = "header rows come again",
     .lines = {"B h aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb|"
               "<table><thead><tr><th>h</th></tr></thead><tr><td>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</td></tr>"
               "<tr><td>bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb</td></tr></table>"},
     .strategy = CHUNK_BASIC,
     .max = 50,
     .expected = "piece <h aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa><table><tr><td>h</td></tr><tr><td>"
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</td></tr></table>\n"
                 "+piece <h bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb><table><thead><tr><th>h</th></tr></thead><tr><td>"
                 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb</td></tr></table>\n"},
    {.name = "a cell that is too long by its text",
     .lines =
         {"B x aaaaaaaaaaaaaaa bbbbbbbbbbbbbbb ccccccccccccccc ddddddddddddddd|<table><tr><td>x</td><td>aaaaaaaaaaaaaaa "
          "bbbbbbbbbbbbbbb ccccccccccccccc ddddddddddddddd</td></tr></table>"},
     .strategy = CHUNK_BASIC,
     .max = 60,
     .expected = "piece <x><table><tr><td>x</td></tr></table>\n"
                 "+piece <aaaaaaaaaaaaaaa><table><tr><td>aaaaaaaaaaaaaaa</td></tr></table>\n"
                 "+piece <bbbbbbbbbbbbbbb><table><tr><td>bbbbbbbbbbbbbbb</td></tr></table>\n"
                 "+piece <ccccccccccccccc><table><tr><td>ccccccccccccccc</td></tr></table>\n"
                 "+piece <ddddddddddddddd><table><tr><td>ddddddddddddddd</td></tr></table>\n"},
    {.name = "a table without HTML by its text",
     .lines = {"B aaa bbb ccc"},
     .strategy = CHUNK_BASIC,
     .max = 8,
     .expected = "piece <aaa bbb>\n+piece <ccc>\n"},
};

static void elements_become_chunks(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const ChunkCase *t = &cases[i];
        CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
        Elements elements = {.arena = arena}, chunks = {.arena = arena};
        DocumentInfo info = {.filename = STR("a.txt")};
        ChunkOptions options = chunk_options_default(t->strategy);
        options.max_characters = t->max;
        options.new_after_n_chars = t->soft > 0 ? t->soft : CHUNK_UNSET;
        options.combine_text_under_n_chars = t->combine;
        options.overlap = t->overlap;
        options.overlap_all = t->overlap_all;
        options.multipage_sections = !t->one_page;
        assert_ok(chunk_options_check(&options));
        fill(&elements, t->lines);
        assert_ok(elements_finish(&elements, &info));
        assert_ok(elements_chunk(&elements, &info, &options, &chunks));
        assert_chunks(t->name, &chunks, t->expected);
    }
}

static void options_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    ChunkOptions options = chunk_options_default(CHUNK_BASIC);
    options.max_characters = 0;
    assert_fails(chunk_options_check(&options), ERR_INVALID);
    options = chunk_options_default(CHUNK_BASIC);
    options.overlap = 500;
    assert_fails(chunk_options_check(&options), ERR_INVALID);
    options = chunk_options_default(CHUNK_BY_TITLE);
    options.combine_text_under_n_chars = 501;
    assert_fails(chunk_options_check(&options), ERR_INVALID);
    options = chunk_options_default(CHUNK_BASIC);
    options.new_after_n_chars = 1000;
    assert_ok(chunk_options_check(&options));
    assert_int_equal(options.new_after_n_chars, 500);
}

static void metadata_are_merged(void **state)
{
    (void)state;
    static Str eng[] = {{"eng", 3}}, both[] = {{"deu", 3}, {"eng", 3}}, tags[] = {{"b", 1}};
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena}, chunks = {.arena = arena};
    DocumentInfo info = {.filename = STR("a.txt")};
    ChunkOptions options = chunk_options_default(CHUNK_BASIC);
    Element *e;
    ElementRare *rare;
    assert_ok(chunk_options_check(&options));
    assert_ok(elements_add(&elements, ELEMENT_TITLE, STR("x"), &e));
    e->languages = (StrList){eng, 1};
    e->category_depth = 2;
    assert_ok(elements_add(&elements, ELEMENT_NARRATIVE_TEXT, STR("y"), &e));
    e->languages = (StrList){both, 2};
    e->page_number = 4;
    assert_ok(element_add_rare(e, arena, &rare));
    rare->emphasized_contents = rare->emphasized_tags = (StrList){tags, 1};
    assert_ok(elements_finish(&elements, &info));
    assert_ok(elements_chunk(&elements, &info, &options, &chunks));
    assert_int_equal(chunks.count, 1);
    assert_str(chunks.items[0].text, "x\n\ny");
    assert_int_equal(chunks.items[0].page_number, 4);
    assert_int_equal(chunks.items[0].category_depth, -1);
    assert_int_equal(chunks.items[0].languages.count, 2);
    assert_str(chunks.items[0].languages.items[0], "eng");
    assert_str(chunks.items[0].languages.items[1], "deu");
    assert_int_equal(element_rare(&chunks.items[0])->emphasized_tags.count, 1);
    assert_true(str_starts_with(chunks.items[0].chunk->orig_elements, STR("eJ")));
}

/* Each piece is looked at, not all of the text for each piece: this ends at once or not at all. */
static void long_texts_take_linear_time(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(GIB);
    CLEANUP(buffer_done) Buffer text = {0};
    Elements elements = {.arena = arena}, chunks = {.arena = arena};
    DocumentInfo info = {.filename = STR("a.txt")};
    ChunkOptions options = chunk_options_default(CHUNK_BASIC);
    Element *e;
    options.max_characters = 20;
    options.overlap = 5;
    options.include_orig_elements = false;
    assert_ok(chunk_options_check(&options));
    for (int i = 0; i < 400 * 1000; i++)
        assert_ok(buffer_append_str(&text, STR("some words ")));
    assert_ok(elements_add(&elements, ELEMENT_NARRATIVE_TEXT, buffer_str(&text), &e));
    assert_ok(elements_finish(&elements, &info));
    assert_ok(elements_chunk(&elements, &info, &options, &chunks));
    assert_true(chunks.count > 200 * 1000);
}

/* Sections without a word are joined, every one of them; a table whose HTML has no cell is cut by its text. */
static void odd_documents_take_linear_time(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(512 * MIB);
    CLEANUP(buffer_done) Buffer html = {0};
    Elements titles = {.arena = arena}, tables = {.arena = arena}, chunks = {.arena = arena};
    DocumentInfo info = {.filename = STR("a.json")};
    ChunkOptions options = chunk_options_default(CHUNK_BY_TITLE);
    Element *e;
    options.include_orig_elements = false;
    assert_ok(chunk_options_check(&options));
    for (int i = 0; i < 300 * 1000; i++)
        assert_ok(elements_add(&titles, ELEMENT_TITLE, STR_EMPTY, &e));
    assert_ok(elements_finish(&titles, &info));
    assert_ok(elements_chunk(&titles, &info, &options, &chunks));
    assert_int_equal(chunks.count, 0);

    assert_ok(buffer_append_str(&html, STR("<table><tr><td>")));
    for (int i = 0; i < 2 * 1000 * 1000; i++)
        assert_ok(buffer_append_byte(&html, '<'));
    assert_ok(buffer_append_str(&html, STR("</td></tr></table>")));
    assert_ok(elements_add(&tables, ELEMENT_TABLE, STR("a"), &e));
    e->text_as_html = buffer_str(&html);
    assert_ok(elements_finish(&tables, &info));
    assert_ok(elements_chunk(&tables, &info, &options, &chunks));
    assert_int_equal(chunks.count, 1);
    assert_str(chunks.items[0].text, "a");
}

static Error *count_words(void *context, Str text, size_t *ret_length)
{
    Str piece;
    size_t *calls = context;
    ++*calls;
    *ret_length = 0;
    while (str_next_piece(&text, ' ', &piece))
        *ret_length += piece.len > 0;
    return NULL;
}

static void lengths_may_be_tokens(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena}, chunks = {.arena = arena};
    DocumentInfo info = {.filename = STR("a.txt")};
    ChunkOptions options = chunk_options_default(CHUNK_BASIC);
    size_t calls = 0;
    Element *e;
    options.max_characters = 3;
    options.measure = (ChunkMeasure){count_words, &calls};
    assert_ok(chunk_options_check(&options));
    assert_ok(elements_add(&elements, ELEMENT_NARRATIVE_TEXT, STR("some words that are not so many"), &e));
    assert_ok(elements_finish(&elements, &info));
    assert_ok(elements_chunk(&elements, &info, &options, &chunks));
    assert_chunks("words", &chunks, "<some words that>\n+<are not so>\n+<many>\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_become_chunks), cmocka_unit_test(options_that_do_not_go_together_are_refused),
        cmocka_unit_test(metadata_are_merged),    cmocka_unit_test(long_texts_take_linear_time),
        cmocka_unit_test(lengths_may_be_tokens),  cmocka_unit_test(odd_documents_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
