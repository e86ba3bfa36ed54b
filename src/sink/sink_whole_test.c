/* A load is whole or not there: aborted, interrupted, beside others, on a full disk, killed. */
#include "sink/test_sink.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- whole or not at all ---- */

static void an_aborted_load_is_gone_on_with(void **state)
{
    TestSink *f = *state;
    Str target;
    {
        CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
        test_load_one(sink, "docs", SINK_REPLACE, "old", "old", 1);
        assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
        assert_str(target, "docs__staging");
        assert_ok(test_add_object(sink, "a", "1", "new", 2));
        SinkObject cut_short = test_object("b", "1");
        TestTable table;
        test_table_init(&table, (const char *const[]){"text"}, 1);
        test_table_row(&table, (const char *const[]){"new b"});
        assert_ok(sink_object_begin(sink, &cut_short, &table.schema));
        assert_ok(sink_object_rows(sink, &table.schema, test_table_batch(&table)));
        test_table_done(&table);
        /* freed within an object: as after a kill */
    }
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM docs"), "1");
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM docs__staging"), "2");
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    assert_true(test_has_object(sink, "docs__staging", "a", "1"));
    assert_false(test_has_object(sink, "docs__staging", "b", "1"));
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, true, &target));
    assert_ok(test_add_object(sink, "b", "1", "new", 1));
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(test_sink_asked(f, "SELECT group_concat(text, ',') FROM docs"), "new a 0,new a 1,new b 0");
    assert_string_equal(test_found(sink, "docs", "new", NULL, 0, 9), "a-0|a-1|b-0");

    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target));
    assert_ok(test_add_object(sink, "c", "1", "newer", 1));
    sink_load_abort(sink);
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_REPLACE, false, &target)); /* not gone on with: dropped */
    assert_int_equal(test_object_count(sink, "docs__staging"), 0);
    sink_load_abort(sink);
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM docs"), "3");
}

static void a_reader_sees_the_old_table_or_the_new_one(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    test_load_one(sink, "docs", SINK_REPLACE, "old", "old", 5);
    sqlite3 *reader = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(f->path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(reader, "SELECT text FROM docs ORDER BY rowid", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW); /* within its snapshot from here on */

    test_load_one(sink, "docs", SINK_REPLACE, "new", "new", 2);
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM docs WHERE text LIKE 'new%'"), "2");
    int rows = 1;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        assert_int_equal(strncmp((const char *)sqlite3_column_text(statement, 0), "old", 3), 0);
        rows++;
    }
    assert_int_equal(rows, 5);
    sqlite3_finalize(statement);
    sqlite3_close(reader);
}

static void one_load_at_a_time(void **state)
{
    TestSink *f = *state;
    Str target;
    CLEANUP(sink_freep) Sink *first = test_sink_open(f);
    CLEANUP(sink_freep) Sink *second = test_sink_open(f);
    assert_ok(sink_load_begin(first, STR("docs"), SINK_APPEND, false, &target));
    assert_fails_saying(sink_load_begin(second, STR("docs"), SINK_APPEND, false, &target), ERR_LOCKED, "another load");
    assert_false(test_has_object(second, "docs", "a", "1")); /* asking is free */
    sink_load_abort(first);
    assert_ok(sink_load_begin(second, STR("docs"), SINK_APPEND, false, &target));
    sink_load_abort(second);
}

static void rows_of_a_failed_batch_are_undone(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *sink = test_sink_open(f);
    Str target;
    test_load_one(sink, "docs", SINK_APPEND, "a", "red", 1);
    test_sink_asked(
        f,
        "CREATE TRIGGER no_more BEFORE INSERT ON docs WHEN NEW.text = 'blue b 1' BEGIN SELECT raise(ABORT, 'enough'); END");
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    assert_fails_saying(test_add_object(sink, "b", "1", "blue", 3), ERR_INVALID, "enough");
    assert_ok(test_add_object(sink, "c", "1", "green", 1)); /* the next object goes on */
    assert_ok(sink_load_finish(sink, true));
    assert_string_equal(test_sink_asked(f, "SELECT group_concat(text, ',') FROM docs"), "red a 0,green c 0");
    assert_false(test_has_object(sink, "docs", "b", "1"));
}

static void a_stop_ends_a_wait_for_another_writer(void **state)
{
    TestSink *f = *state;
    Cancel cancel = {0};
    CLEANUP(sink_freep) Sink *sink = NULL;
    Str target;
    assert_ok(sink_open(str_of(f->url), false, &cancel, NULL, &sink));
    assert_ok(sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target));
    sqlite3 *writer = NULL;
    assert_int_equal(sqlite3_open(f->path, &writer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    cancel_raise(&cancel, CANCEL_STOP);
    assert_fails(test_add_object(sink, "a", "1", "red", 1), ERR_CANCELLED);
    sqlite3_close(writer);
}

/* ---- what fills ---- */

static void a_full_database_says_so_and_keeps_what_it_has(void **state)
{
    TestSink *f = *state;
    pid_t child = fork(); /* the limit on file sizes is the process's own */
    if (child == 0) {
        Str target;
        Sink *sink = test_sink_open(f);
        signal(SIGXFSZ, SIG_IGN);
        test_load_one(sink, "docs", SINK_APPEND, "a", "red", 5);
        if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){300000, 300000}) != 0)
            _exit(2);
        Error *error = sink_load_begin(sink, STR("docs"), SINK_APPEND, false, &target);
        for (int i = 0; i < 100000 && !error; i++) {
            char key[32];
            snprintf(key, sizeof key, "more-%d", i);
            error = test_add_object(sink, key, "1", "a word or two that need some room", TEST_ROWS_MOST);
        }
        int code = (int)error_code(error);
        error_free(error);
        sink_free(sink);
        _exit(code == ERR_NO_SPACE ? 0 : 3);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(test_sink_asked(f, "PRAGMA integrity_check"), "ok");
    assert_string_equal(test_sink_asked(f, "SELECT count(*) = (SELECT sum(rows_loaded) FROM quern_objects) FROM docs"),
                        "1");
    assert_string_equal(test_sink_asked(f, "SELECT count(*) > 5 FROM docs"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_SINK(an_aborted_load_is_gone_on_with),
        TEST_SINK(a_reader_sees_the_old_table_or_the_new_one),
        TEST_SINK(one_load_at_a_time),
        TEST_SINK(rows_of_a_failed_batch_are_undone),
        TEST_SINK(a_stop_ends_a_wait_for_another_writer),
        TEST_SINK(a_full_database_says_so_and_keeps_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
