/* What a load does to a table: modes, the ledger, names, columns. */
#include "sink/test_sink.h"

/* ---- modes ---- */

static void replace_append_and_fail(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    Str target;
    test_load_one(sink, "docs", SINK_FAIL, "a", "red", 3);
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM docs"), "3");
    assert_fails_saying(sink_load_begin(sink, STR("docs"), SINK_FAIL, false, &target), ERR_CHECK, "'docs' exists");
    assert_fails(sink_load_begin(sink, STR("DOCS"), SINK_FAIL, false, &target), ERR_CHECK); /* one name to SQLite */

    test_load_one(sink, "docs", SINK_APPEND, "b", "blue", 2);
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM docs"), "5");
    assert_int_equal(test_object_count(sink, "docs"), 2);

    test_load_one(sink, "docs", SINK_REPLACE, "c", "green", 4);
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM docs"), "4");
    assert_int_equal(test_object_count(sink, "docs"), 1);
    assert_int_equal(test_object_count(sink, "docs__staging"), 0);
    assert_true(test_has_object(sink, "docs", "c", "1") && !test_has_object(sink, "docs", "a", "1"));
    assert_string_equal(test_found(sink, "docs", "red", NULL, 0, 9), "");
    assert_string_equal(test_found(sink, "docs", "green", NULL, 0, 2), "c-0|c-1");
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%staging%'"), "0");
}

static void a_name_in_other_letters_is_the_same_table(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    test_load_one(sink, "Docs", SINK_REPLACE, "a", "red", 3);
    test_load_one(sink, "docs", SINK_REPLACE, "b", "blue", 2);
    assert_false(test_has_object(sink, "Docs", "a", "1")); /* or the next load of Docs would believe it is all there */
    assert_true(test_has_object(sink, "Docs", "b", "1"));
    assert_int_equal(test_object_count(sink, "DOCS"), 1);
    assert_string_equal(test_found(sink, "DOCS", "blue", NULL, 0, 9), "b-0|b-1");
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM quern_tables"), "1");
}

static void the_ledger_knows_an_object_by_all_its_parts(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    test_load_one(sink, "docs", SINK_APPEND, "k\xff'\"", "red", 1);
    const struct {
        SinkObject object;
        bool known;
    } rows[] = {
        {{STR("s3://bucket"), STR("k\xff'\""), STR("1"), 100}, true},
        {{STR("s3://other"), STR("k\xff'\""), STR("1"), 100}, false},
        {{STR("s3://bucket"), STR("k\xff'"), STR("1"), 100}, false},
        {{STR("s3://bucket"), STR("k\xff'\""), STR("2"), 100}, false},
        {{STR("s3://bucket"), STR("k\xff'\""), STR("1"), 101}, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        bool known = !rows[i].known;
        assert_ok(sink_has_object(sink, STR("docs"), &rows[i].object, &known));
        assert_int_equal(known, rows[i].known);
    }
    assert_string_equal(test_sink_asked(f, "SELECT rows_loaded FROM quern_objects"), "1");
    assert_string_equal(test_sink_asked(f, "SELECT loaded_at LIKE '20__-__-__T%Z' FROM quern_objects"), "1");
}

static void a_table_that_was_dropped_is_loaded_again(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    test_load_one(sink, "docs", SINK_APPEND, "a", "red", 2);
    test_load_one(sink, "docs", SINK_APPEND, "b", "red", 2);
    assert_string_equal(test_sink_asked(f, "DROP TABLE docs"), "");
    assert_false(test_has_object(sink, "docs", "a", "1"));
    assert_int_equal(test_object_count(sink, "docs"), 0);
    test_load_one(sink, "docs", SINK_APPEND, "a", "blue", 1);
    assert_true(test_has_object(sink, "docs", "a", "1"));
    assert_false(test_has_object(sink, "docs", "b", "1")); /* not believed again now that the name is back */
    assert_string_equal(test_found(sink, "docs", "red", NULL, 0, 9), "");
    assert_string_equal(test_found(sink, "docs", "blue", NULL, 0, 9), "a-0");
}

static void a_ledger_is_in_what_was_opened_for_writing(void **state)
{
    TestSink *f = *state;
    bool has_one = true;
    test_sink_make(f, "CREATE TABLE t (a TEXT)");
    {
        CLEANUP(sink_freep) Sink *asking = NULL;
        assert_ok(sink_open(str_of(f->url), true, NULL, NULL, &asking));
        assert_ok(sink_has_ledger(asking, &has_one));
        assert_false(has_one);
    }
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    assert_ok(sink_has_ledger(sink, &has_one));
    assert_true(has_one);
}

static void names_that_are_taken_or_none_are_refused(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    char longest[202];
    memset(longest, 'x', sizeof longest);
    const Str rows[] = {
        STR_EMPTY,          STR("quern_meta"), STR("Quern_x"),       STR("sqlite_master"),   STR("SQLITE_x"),
        STR("docs_fts"),    STR("a_FTS"),      STR("docs__staging"), str_from(longest, 201), str_from("a\0b", 3),
        str_from("\xff", 1)};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Str target;
        assert_fails(sink_load_begin(sink, rows[i], SINK_REPLACE, false, &target), ERR_INVALID);
    }
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM quern_meta"), "1");
}

static void odd_names_work_from_end_to_end(void **state)
{
    TestSink *f = *state;
    char longest[201] = {0};
    memset(longest, 'x', 200);
    const char *const rows[] = {"a b",
                                "it's",
                                "say \"hi\"",
                                "100%",
                                "%w%Q%s",
                                "t;--",
                                "a]b[c",
                                "stra\xc3\x9f"
                                "e",
                                "select",
                                "a.b",
                                "'",
                                "\"",
                                "a`b",
                                "0",
                                "_fts_",
                                longest};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
        test_load_one(sink, rows[i], SINK_REPLACE, "a", "red", 2);
        test_load_one(sink, rows[i], SINK_APPEND, "b", "red", 1);
        assert_int_equal(test_object_count(sink, rows[i]), 2);
        assert_string_equal(test_found(sink, rows[i], "red b", NULL, 0, 9), "b-0");
        test_load_one(sink, rows[i], SINK_REPLACE, "c", "red", 1);
        assert_string_equal(test_found(sink, rows[i], "red", NULL, 0, 9), "c-0");
    }
}

static void tables_of_others_under_our_side_names_are_kept(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    Str target;
    test_sink_asked(f, "CREATE TABLE a_fts (x)");
    test_sink_asked(f, "CREATE TABLE b__staging (x)");
    assert_fails_saying(sink_load_begin(sink, STR("a"), SINK_REPLACE, false, &target), ERR_EXISTS, "'a_fts'");
    assert_fails_saying(sink_load_begin(sink, STR("b"), SINK_REPLACE, false, &target), ERR_EXISTS, "'b__staging'");
    assert_ok(sink_load_begin(sink, STR("b"), SINK_APPEND, false, &target)); /* which needs no such name */
    sink_load_abort(sink);
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM sqlite_master WHERE name IN ('a_fts', 'b__staging')"),
                        "2");
}

/* ---- columns ---- */
static void columns_come_and_go(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    Str target;
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_ok(test_add_table(sink, "a", (const char *const[]){"text", "old"}, 2, (const char *const[]){"one", "x"}));
    assert_ok(test_add_table(sink, "b", (const char *const[]){"page_number", "new \"col\"", "TEXT"}, 3,
                             (const char *const[]){"7", "y", "two"}));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(
        test_sink_asked(f, "SELECT group_concat(name || ' ' || type, ', ') FROM pragma_table_info('docs')"),
        "text TEXT, old TEXT, page_number INTEGER, new \"col\" TEXT");
    assert_string_equal(test_sink_asked(f, "SELECT text || old || (page_number IS NULL) FROM docs WHERE rowid = 1"),
                        "onex1");
    assert_string_equal(
        test_sink_asked(f,
                        "SELECT text || page_number || \"new \"\"col\"\"\" || (old IS NULL) FROM docs WHERE rowid = 2"),
        "two7y1");
}

static void types_that_no_column_holds_fail_their_object_alone(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    Str target;
    struct ArrowSchema child = {.format = "+s", .name = "nested"}, *children[] = {&child},
                       schema = {.format = "+s", .n_children = 1, .children = children}, none = {.format = "+s"};
    SinkObject about = test_object("a", "1");
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_fails_saying(sink_object_begin(sink, &about, &schema), ERR_UNSUPPORTED, "column 'nested'");
    assert_fails_saying(sink_object_begin(sink, &about, &none), ERR_LIMIT, "columns");
    assert_ok(test_add_object(sink, "b", "1", "red", 1));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM docs"), "1");
}

static void no_rows_are_a_table_too(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    test_load_one(sink, "docs", SINK_REPLACE, "a", "red", 0);
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM docs"), "0");
    assert_true(test_has_object(sink, "docs", "a", "1"));
    assert_string_equal(test_found(sink, "docs", "red", NULL, 0, 9), "");
    test_load_one(sink, "docs", SINK_APPEND, "b", "red", 1);
    assert_string_equal(test_found(sink, "docs", "red", NULL, 0, 9), "b-0");
}

static void nothing_loaded_leaves_the_table_as_it_is(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    Str target;
    test_load_one(sink, "docs", SINK_REPLACE, "a", "red", 1);
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM docs"), "1");
    assert_ok(sink_load_begin(sink, STR("none"), SINK_APPEND, false, &target));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(test_found(sink, "none", "red", NULL, 0, 1), "!not_found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_SINK(replace_append_and_fail),
        TEST_SINK(a_name_in_other_letters_is_the_same_table),
        TEST_SINK(the_ledger_knows_an_object_by_all_its_parts),
        TEST_SINK(a_table_that_was_dropped_is_loaded_again),
        TEST_SINK(a_ledger_is_in_what_was_opened_for_writing),
        TEST_SINK(names_that_are_taken_or_none_are_refused),
        TEST_SINK(odd_names_work_from_end_to_end),
        TEST_SINK(tables_of_others_under_our_side_names_are_kept),
        TEST_SINK(columns_come_and_go),
        TEST_SINK(types_that_no_column_holds_fail_their_object_alone),
        TEST_SINK(no_rows_are_a_table_too),
        TEST_SINK(nothing_loaded_leaves_the_table_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
