#include "engine/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/testing.h"

typedef struct Place {
    char directory[40], path[80];
} Place;

static int make_place(void **state)
{
    Place *place = calloc(1, sizeof *place);
    if (!place)
        return -1;
    snprintf(place->directory, sizeof place->directory, "/tmp/quern-journal-XXXXXX");
    if (!mkdtemp(place->directory))
        return -1;
    snprintf(place->path, sizeof place->path, "%s/deep/run.journal", place->directory);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    Place *place = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", place->directory);
    int failed = system(command);
    free(place);
    return failed;
}

static void tells_how_the_last_run_went(void **state)
{
    const char *path = ((Place *)*state)->path;
    JournalLast last;
    Journal *journal = NULL;
    assert_ok(journal_open(path, clock_system(), &journal, &last));
    assert_false(last.exists);
    assert_ok(journal_begin(journal, STR("{}"), NULL));
    CLEANUP(error_freep) Error *bad = FAIL(CORRUPT, "cut short");
    const Item item = {.key = STR("a\nb"), .error = bad, .status = "crash"};
    assert_ok(journal_failure(journal, &item, false));
    journal_free(journal); /* as a kill would leave it */

    assert_ok(journal_open(path, clock_system(), &journal, &last));
    assert_true(last.exists && !last.ended);
    assert_int_equal(last.failures, 1);
    assert_ok(journal_begin(journal, STR("{\"source\": \"s3://b/\"}"), NULL));
    assert_ok(journal_end(journal, "ok"));
    journal_free(journal);

    assert_ok(journal_open(path, clock_system(), &journal, &last));
    assert_true(last.exists && last.ended);
    assert_int_equal(last.failures, 0);
    journal_free(journal);
}

static void fail_one(Journal *journal, const char *key, const char *status)
{
    CLEANUP(error_freep) Error *bad = FAIL(CORRUPT, "cut short");
    const Item item = {.key = str_of(key), .error = bad, .status = status};
    assert_ok(journal_failure(journal, &item, false));
}

static const json_t *failure_of(const JournalRun *run, const char *key)
{
    return json_object_get(run->failures, key);
}

/* Killed in the middle, a run on failures has forgotten none: those done are gone, those tried are as they ended now, the rest as before. */
static void a_run_on_failures_keeps_the_rest(void **state)
{
    const char *path = ((Place *)*state)->path;
    JournalLast last;
    CLEANUP(journal_run_done) JournalRun before = {0}, after = {0};
    Journal *journal = NULL;
    assert_ok(journal_open(path, clock_system(), &journal, &last));
    assert_ok(journal_begin(journal, STR("{\"source\": \"x\"}"), NULL));
    fail_one(journal, "in/a", "crash");
    fail_one(journal, "in/b", "oom");
    fail_one(journal, "in/c", NULL);
    const Item fine = {.key = STR("in/d")};
    assert_ok(journal_no_failure(journal, &fine, false)); /* leaves no line */
    assert_ok(journal_read(path, &before));
    assert_true(before.running && before.ended_us == 0);
    assert_ok(journal_end(journal, "failures"));
    journal_run_done(&before);
    assert_ok(journal_read(path, &before));
    assert_int_equal(json_object_size(before.failures), 3);
    assert_string_equal(before.status, "failures");
    assert_str(json_get_str(before.about, "source", STR_EMPTY), "x");
    assert_ok(journal_begin(journal, STR("{}"), &before));
    const Item done = {.key = STR("in/a")};
    assert_ok(journal_no_failure(journal, &done, false));
    fail_one(journal, "in/b", "timeout");
    journal_free(journal);

    assert_ok(journal_read(path, &after));
    assert_false(after.running);
    assert_int_equal(json_object_size(after.failures), 2);
    assert_null(failure_of(&after, "in/a"));
    assert_str(json_get_str(failure_of(&after, "in/b"), "status", STR_EMPTY), "timeout");
    assert_str(json_get_str(failure_of(&after, "in/c"), "code", STR_EMPTY), "corrupt");
    assert_ok(journal_open(path, clock_system(), &journal, &last));
    assert_int_equal(last.failures, 2);
    journal_free(journal);
}

/* Lines for people: any number of them is passed over by who looks for failures. */
static void rewrites_are_told_and_are_no_failures(void **state)
{
    enum { MANY = 1100, LONG = 64 * 1024 };
    static const char line[] =
        "{\"type\":\"rewrite\",\"key\":\"in/a\\\\x0a\",\"etag_before\":\"0f\",\"result\":\"done\"}\n";
    const char *path = ((Place *)*state)->path;
    JournalLast last;
    CLEANUP(journal_run_done) JournalRun run = {0};
    Journal *journal = NULL;
    static char etag[LONG] = "0f";
    char text[1024] = "";
    assert_ok(journal_open(path, clock_system(), &journal, &last));
    assert_ok(journal_begin(journal, STR("{}"), NULL));
    Item item = {.key = STR("in/a\n"), .etag_before = etag, .outcome = OUTCOME_DONE};
    assert_ok(journal_rewrite(journal, &item, false));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    assert_true(str_ends_with(str_from(text, len), str_of(line)));
    memset(etag, 'e', LONG - 1); /* more than the 64 MiB of failures that are looked at */
    for (unsigned i = 0; i < MANY; i++)
        assert_ok(journal_rewrite(journal, &item, false));
    fail_one(journal, "in/b", NULL);
    journal_free(journal);
    assert_ok(journal_read(path, &run));
    assert_int_equal(json_object_size(run.failures), 1);
    assert_ok(journal_open(path, clock_system(), &journal, &last));
    assert_int_equal(last.failures, 1);
    journal_free(journal);
}

static void two_runs_cannot_hold_it(void **state)
{
    const char *path = ((Place *)*state)->path;
    JournalLast last;
    CLEANUP(journal_freep) Journal *first = NULL, *second = NULL;
    assert_ok(journal_open(path, clock_system(), &first, &last));
    assert_fails_saying(journal_open(path, clock_system(), &second, &last), ERR_LOCKED, "another run");
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void refuses_what_it_does_not_know(void **state)
{
    const char *path = ((Place *)*state)->path;
    JournalLast last;
    Journal *journal = NULL;
    assert_ok(journal_open(path, clock_system(), &journal, &last));
    journal_free(journal);
    write_file(path, "{\"type\":\"begin\",\"version\":999}\n");
    assert_fails_saying(journal_open(path, clock_system(), &journal, &last), ERR_STATE, "version 999");
    write_file(path, "a letter to my aunt\n");
    assert_fails_saying(journal_open(path, clock_system(), &journal, &last), ERR_STATE, "not a journal");
    write_file(path, "{\"type\":\"begin\",\"version\":1}\n{\"type\":\"fail");
    assert_ok(journal_open(path, clock_system(), &journal, &last));
    assert_true(last.exists && !last.ended && last.failures == 0);
    journal_free(journal);
}

/* Lines that are no record, as many bytes of them as it takes. */
static void append_rubbish(const char *path, size_t mebibytes)
{
    CLEANUP(cleanup_free) char *line = malloc(MIB);
    FILE *file = fopen(path, "a");
    assert_non_null(line);
    assert_non_null(file);
    memset(line, 'x', MIB);
    line[MIB - 1] = '\n';
    for (size_t i = 0; i < mebibytes; i++)
        assert_int_equal(fwrite(line, 1, MIB, file), MIB);
    fclose(file);
}

/* Across the pieces in which it is read, and beyond what anybody looks at. */
static void many_failures_are_counted(void **state)
{
    enum { MANY = 3000 };
    const char *path = ((Place *)*state)->path;
    JournalLast last;
    CLEANUP(journal_run_done) JournalRun run = {0};
    Journal *journal = NULL;
    assert_ok(journal_open(path, clock_system(), &journal, &last));
    assert_ok(journal_begin(journal, STR("{}"), NULL));
    for (unsigned i = 0; i < MANY; i++) {
        char key[16];
        snprintf(key, sizeof key, "%u", i);
        fail_one(journal, key, "crash");
    }
    journal_free(journal);
    assert_ok(journal_read(path, &run));
    assert_int_equal(json_object_size(run.failures), MANY);
    append_rubbish(path, 65);
    assert_ok(journal_open(path, clock_system(), &journal, &last));
    assert_int_equal(last.failures, MANY);
    assert_fails_saying(journal_read(path, &run), ERR_LIMIT, "more failures than are looked at");
    journal_free(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_how_the_last_run_went, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_run_on_failures_keeps_the_rest, make_place, remove_place),
        cmocka_unit_test_setup_teardown(rewrites_are_told_and_are_no_failures, make_place, remove_place),
        cmocka_unit_test_setup_teardown(two_runs_cannot_hold_it, make_place, remove_place),
        cmocka_unit_test_setup_teardown(refuses_what_it_does_not_know, make_place, remove_place),
        cmocka_unit_test_setup_teardown(many_failures_are_counted, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
