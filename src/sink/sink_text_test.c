/* The full-text index and its answers. */
#include "sink/test_sink.h"

#include <stdio.h>

static void the_index_follows_the_columns(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    static const struct {
        const char *const names[4];
        size_t columns;
        const char *indexed;
    } rows[] = {
        {{"other", "Text", "title"}, 3, "Text,title"}, /* the names of the specification, wherever they stand */
        {{"a", "b", "c", "d"}, 4, "a,b,c"},            /* else the first three */
        {{"rank", "rowid", "a"}, 3, "a"},              /* which FTS5 keeps for itself */
        {{"page_number", "a"}, 2, "a"},                /* no text */
        {{"page_number"}, 1, ""},                      /* none */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char table[8], sql[128];
        Str target;
        snprintf(table, sizeof table, "t%zu", i);
        assert_ok(sink_load_begin(sink, str_of(table), SINK_REPLACE, false, &target));
        assert_ok(test_add_table(sink, "k", rows[i].names, rows[i].columns, (const char *const[]){"1", "2", "3", "4"}));
        assert_ok(sink_load_finish(sink, true));
        snprintf(sql, sizeof sql, "SELECT group_concat(name) FROM pragma_table_info('%s_fts')", table);
        assert_string_equal(test_sink_asked(f, sql), rows[i].indexed);
    }
}

static void a_text_column_that_comes_later_is_found_too(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    Str target;
    test_load_one(sink, "docs", SINK_APPEND, "a", "red", 2);
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_ok(test_add_table(sink, "b", (const char *const[]){"element_id", "title"}, 2,
                             (const char *const[]){"b-0", "crimson"}));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(test_found(sink, "docs", "crimson", NULL, 0, 9), "b-0");
    assert_string_equal(test_found(sink, "docs", "red", NULL, 0, 9), "a-0|a-1");
}

static void columns_may_have_the_names_of_row_numbers(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    Str target;
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
    assert_ok(test_add_table(sink, "a", (const char *const[]){"RowId", "_rowid_", "text"}, 3,
                             (const char *const[]){"x", "y", "red"}));
    assert_ok(test_add_table(sink, "b", (const char *const[]){"RowId", "_rowid_", "text"}, 3,
                             (const char *const[]){"x", "y", "blue"}));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(test_found(sink, "docs", "blue", NULL, 0, 9), "2");
    assert_ok(sink_load_begin(sink, STR("all"), SINK_REPLACE, false, &target));
    assert_ok(test_add_table(sink, "a", (const char *const[]){"rowid", "_rowid_", "oid"}, 3,
                             (const char *const[]){"x", "y", "z"}));
    assert_fails_saying(sink_load_finish(sink, true), ERR_UNSUPPORTED, "row number");
}

static void an_index_can_come_later(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    Str target;
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
    assert_ok(test_add_object(sink, "a", "1", "red", 3));
    assert_ok(sink_load_finish(sink, false));
    assert_string_equal(test_found(sink, "docs", "red", NULL, 0, 9), "!not_found");
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(test_found(sink, "docs", "red", NULL, 0, 9), "a-0|a-1|a-2");
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_ok(sink_load_finish(sink, true)); /* once more: no row twice */
    assert_string_equal(test_found(sink, "docs", "red", NULL, 0, 9), "a-0|a-1|a-2");
    assert_string_equal(test_sink_asked(f, "INSERT INTO docs_fts (docs_fts, rank) VALUES ('integrity-check', 1)"), "");
}

static void fill_library(Sink *sink)
{
    static const char *const names[] = {"id", "text", "page_number", "url", "lang"};
    static const char *const rows[][5] = {
        {"1", "the quick brown fox jumps over the lazy dog", "1", "s3://b/fox.pdf", "en"},
        {"2", "a fox is a fox and a fox again", "2", "s3://b/fox.pdf", "en"},
        {"3",
         "Stra\xc3\x9f"
         "e und Caf\xc3\xa9",
         NULL, "s3://b/de.txt", "de"},
        {"4", "brown bread", NULL, NULL, NULL},
        {"5", "\xe6\xbc\xa2\xe5\xad\x97 and letters", "5", "s3://b/cjk.txt", "ja"},
    };
    CLEANUP(test_table_done) TestTable table;
    SinkObject about = test_object("library", "1");
    Str target;
    test_table_init(&table, names, ARRAY_COUNT(names));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        test_table_row(&table, rows[i]);
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
    assert_ok(sink_object_begin(sink, &about, &table.schema));
    assert_ok(sink_object_rows(sink, &table.schema, test_table_batch(&table)));
    assert_ok(sink_object_commit(sink, table.rows));
    assert_ok(sink_load_finish(sink, true));
}

static void queries_find_what_they_should(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    fill_library(sink);
    static const struct {
        const char *text;
        uint64_t limit;
        const char *keys;
    } rows[] = {
        {"fox", 9, "2|1"}, /* three times in a short text ranks first */
        {"fox", 1, "2"},
        {"fox", 0, ""},
        {"FOX", 9, "2|1"},
        {"brown fox", 9, "1"},
        {"fox bread", 9, "4|2|1"}, /* none has both: those that have one */
        {"\"quick brown\"", 9, "1"},
        {"\"brown quick\"", 9, ""},
        {"bread OR lazy", 9, "4|1"},
        {"brown -dog", 9, "4"},
        {"-dog", 9, "!invalid"},
        {"strasse", 9, ""},
        {"cafe", 9, "3"},
        {"CAF\xc3\x89", 9, "3"},
        {"\xe6\xbc\xa2\xe5\xad\x97", 9, "5"},
        {"", 9, ""},
        {"\"", 9, ""},
        {"* ( ) : ^ NEAR", 9, ""},
        {"text:fox", 9, ""}, /* two words to the tokenizer, one phrase: no syntax */
        {"fox AND NOT dog", 9, "1|2|5"},
        {"fox\xff", 9, "2|1"},
        {"no such word", 9, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *keys = test_found(sink, "docs", rows[i].text, NULL, 0, rows[i].limit);
        if (strcmp(keys, rows[i].keys) != 0)
            fail_msg("'%s': '%s' and not '%s'", rows[i].text, keys, rows[i].keys);
    }
}

static void filters_compare_as_text(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    fill_library(sink);
    const struct {
        SinkFilter filters[2];
        size_t count;
        const char *keys;
    } rows[] = {
        {{{STR("lang"), STR("en")}}, 1, "2|1"},
        {{{STR("LANG"), STR("en")}}, 1, "2|1"},
        {{{STR("page_number"), STR("2")}}, 1, "2"},
        {{{STR("page_number"), STR("02")}}, 1, ""},
        {{{STR("lang"), STR("en")}, {STR("page_number"), STR("1")}}, 2, "1"},
        {{{STR("lang"), STR("' OR 1 = 1 --")}}, 1, ""},
        {{{STR("nope"), STR("x")}}, 1, "!invalid"},
        {{{STR("lang\" = 1 --"), STR("x")}}, 1, "!invalid"},
        {{{STR(""), STR("x")}}, 1, "!invalid"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_string_equal(test_found(sink, "docs", "fox", rows[i].filters, rows[i].count, 9), rows[i].keys);
}

static void a_hit_says_where_it_is_from(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    SinkHit *hits;
    size_t count;
    fill_library(sink);
    SinkQuery query = {STR("docs"), STR("lazy OR bread"), NULL, 0, 9};
    assert_ok(sink_search(sink, &query, arena, &hits, &count));
    assert_int_equal(count, 2);
    assert_str(hits[0].key, "4");
    assert_str(hits[0].snippet, "brown **bread**");
    assert_str(hits[0].document, "");
    assert_int_equal(hits[0].page, 0);
    assert_str(hits[0].row_json, "{\"id\": \"4\", \"text\": \"brown bread\"}");
    assert_str(hits[1].snippet, "the quick brown fox jumps over the **lazy** dog");
    assert_str(hits[1].document, "s3://b/fox.pdf");
    assert_int_equal(hits[1].page, 1);
    assert_true(hits[0].score > hits[1].score);
}

static void answers_past_the_arenas_limit_are_an_error(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    fill_library(sink);
    for (size_t limit = 0; limit < 1200; limit += 16) {
        CLEANUP(arena_freep) Arena *arena = arena_new(limit);
        SinkQuery query = {STR("docs"), STR("fox"), NULL, 0, 2};
        SinkHit *hits = NULL;
        size_t count = 0;
        Error *error = sink_search(sink, &query, arena, &hits, &count);
        assert_true(!error || error_code(error) == ERR_LIMIT);
        assert_true(error || count == 2);
        error_free(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_SINK(the_index_follows_the_columns),
        TEST_SINK(a_text_column_that_comes_later_is_found_too),
        TEST_SINK(columns_may_have_the_names_of_row_numbers),
        TEST_SINK(an_index_can_come_later),
        TEST_SINK(queries_find_what_they_should),
        TEST_SINK(filters_compare_as_text),
        TEST_SINK(a_hit_says_where_it_is_from),
        TEST_SINK(answers_past_the_arenas_limit_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
