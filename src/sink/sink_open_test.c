/* Which databases are opened, and which are left alone. */
#include "sink/test_sink.h"

#include <stdio.h>
#include <unistd.h>

static void urls_that_are_no_database_are_refused(void **state)
{
    TestSink *f = *state;
    char text[128], directory[128], missing[128];
    snprintf(text, sizeof text, "sqlite:%s/text", f->directory);
    snprintf(directory, sizeof directory, "sqlite:%s", f->directory);
    snprintf(missing, sizeof missing, "sqlite:%s/no/such/a.db", f->directory);
    FILE *file = fopen(text + strlen("sqlite:"), "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is a text and no database\n", file);
    fclose(file);
    const struct {
        const char *url;
        bool must_exist;
        ErrorCode code;
        const char *says;
    } rows[] = {
        {"postgres://host/db", false, ERR_UNSUPPORTED, "only sqlite:FILE"},
        {"", false, ERR_UNSUPPORTED, "only sqlite:FILE"},
        {"sqlite:", false, ERR_INVALID, "name is missing"},
        {"sqlite::memory:", false, ERR_INVALID, "a file to stay in"},
        {f->url, true, ERR_NOT_FOUND, "there is no database"},
        {text, false, ERR_INVALID, "no SQLite database"},
        {text, true, ERR_INVALID, "no SQLite database"},
        {directory, false, ERR_NOT_FOUND, "open"},
        {missing, false, ERR_NOT_FOUND, "directory"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Sink *sink = NULL;
        assert_fails_saying(sink_open(str_of(rows[i].url), rows[i].must_exist, NULL, NULL, &sink), rows[i].code,
                            rows[i].says);
        assert_null(sink);
    }
    assert_int_not_equal(access(f->path, F_OK), 0); /* asking made none */
}

static void a_new_database_is_made_and_opened_again(void **state)
{
    TestSink *f = *state;
    CLEANUP(sink_freep) Sink *first = test_sink_open(f);
    assert_non_null(strstr(sink_version_view(first), "SQLite 3."));
    CLEANUP(sink_freep) Sink *second = NULL;
    assert_ok(sink_open(str_of(f->url), true, NULL, NULL, &second));
    assert_string_equal(test_sink_asked(f, "PRAGMA journal_mode"), "wal");
    assert_string_equal(test_sink_asked(f, "SELECT value FROM quern_meta WHERE name = 'version'"), "1");
    sink_free(NULL);
}

static void three_slashes_are_an_absolute_path(void **state)
{
    TestSink *f = *state;
    char url[128];
    snprintf(url, sizeof url, "sqlite://%s", f->path);
    Sink *sink = NULL;
    assert_ok(sink_open(str_of(url), false, NULL, NULL, &sink));
    sink_free(sink);
    assert_int_equal(access(f->path, F_OK), 0);
}

static void anothers_database_is_asked_and_not_changed(void **state)
{
    TestSink *f = *state;
    test_sink_make(f, "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x')");
    CLEANUP(sink_freep) Sink *sink = NULL;
    bool exists = false;
    assert_ok(sink_open(str_of(f->url), true, NULL, NULL, &sink));
    assert_ok(sink_table_exists(sink, STR("T"), &exists));
    assert_true(exists);
    assert_string_equal(test_found(sink, "t", "x", NULL, 0, 5), "!not_found");
    assert_string_equal(test_sink_asked(f, "PRAGMA journal_mode"), "delete");
    assert_string_equal(test_sink_asked(f, "SELECT count(*) FROM sqlite_master"), "1");
}

static void another_versions_state_is_left_alone(void **state)
{
    TestSink *f = *state;
    sink_free(test_sink_open(f));
    assert_string_equal(test_sink_asked(f, "UPDATE quern_meta SET value = 7 WHERE name = 'version'"), "");
    for (int must_exist = 0; must_exist < 2; must_exist++) {
        Sink *sink = NULL;
        assert_fails_saying(sink_open(str_of(f->url), must_exist, NULL, NULL, &sink), ERR_STATE, "state 7");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_SINK(urls_that_are_no_database_are_refused), TEST_SINK(a_new_database_is_made_and_opened_again),
        TEST_SINK(three_slashes_are_an_absolute_path),    TEST_SINK(anothers_database_is_asked_and_not_changed),
        TEST_SINK(another_versions_state_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
