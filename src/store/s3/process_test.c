#include "store/s3/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/testing.h"
#include "base/thread.h"

enum { WORDS_MAX = 5 };

static const struct {
    const char *command;
    const char *words[WORDS_MAX]; /* none: INVALID */
} splits[] = {
    {"a b  c\t d", {"a", "b", "c", "d"}},
    {"  a  ", {"a"}},
    {"'a b' \"c d\"e", {"a b", "c de"}},
    {"'it'\\''s'", {"it's"}},
    {"a\\ b \\\\", {"a b", "\\"}},
    {"\"a\\\"b\\c\\\\\"", {"a\"b\\c\\"}},
    {"'\\a'", {"\\a"}},
    {"'' \"\"", {"", ""}},
    {"$HOME ~ `x` a;b|c>d *", {"$HOME", "~", "`x`", "a;b|c>d", "*"}},
    {"a\\", {"a\\"}},
    {"", {NULL}},
    {"   ", {NULL}},
    {"'a", {NULL}},
    {"a \"b", {NULL}},
};

static void test_splits(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(splits); i++) {
        char **words = NULL;
        Error *err = process_split(str_of(splits[i].command), arena, &words);
        assert_int_equal(error_code(err), splits[i].words[0] ? ERR_OK : ERR_INVALID);
        for (size_t w = 0; !err && w < WORDS_MAX; w++) {
            if (!splits[i].words[w]) {
                assert_null(words[w]);
                break;
            }
            assert_string_equal(words[w], splits[i].words[w]);
        }
        error_free(err);
    }
}

static Error *run(const char *script, unsigned timeout_ms, const Cancel *cancel, Buffer *out, Buffer *said)
{
    char shell[] = "/bin/sh", flag[] = "-c", text[512];
    char *words[] = {shell, flag, text, NULL};
    const char *environment[] = {"PATH=/usr/bin:/bin", "ONLY=this", NULL};
    snprintf(text, sizeof(text), "%s", script);
    return process_run(words, environment, timeout_ms, cancel, out, said);
}

static const struct {
    const char *script;
    ErrorCode code;
    const char *says;      /* of the error */
    const char *out, *err; /* what came */
} runs[] = {
    {"echo out; echo err >&2", ERR_OK, NULL, "out\n", "err\n"},
    {"env | grep -v -e PWD -e SHLVL -e _= | sort", ERR_OK, NULL, "ONLY=this\nPATH=/usr/bin:/bin\n", ""},
    {"cat; echo end", ERR_OK, NULL, "end\n", ""}, /* nothing on its input */
    {"exit 3", ERR_UNAVAILABLE, "status 3", "", ""},
    {"kill -TERM $$", ERR_UNAVAILABLE, "signal 15", "", ""},
    {"exec 1>&- 2>&-; sleep 0.1; exit 4", ERR_UNAVAILABLE, "status 4", "", ""},
    {"sleep 30", ERR_TIMEOUT, "in time", "", ""},
    {"exec 1>&- 2>&-; sleep 30", ERR_TIMEOUT, "in time", "", ""},
    {"sleep 30 & echo x; exit 0", ERR_TIMEOUT, "in time", "x\n", ""}, /* a child of its own keeps the pipe */
    {"yes", ERR_LIMIT, "its answer", NULL, NULL},
};

static void test_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(runs); i++) {
        CLEANUP(buffer_done) Buffer out = {.limit = 8192}, said = {.limit = 64};
        int64_t start_us = clock_monotonic_us(clock_system());
        Error *err = run(runs[i].script, 700, NULL, &out, &said);
        if (error_code(err) != runs[i].code)
            print_error("%s: %s\n", runs[i].script, error_message_view(err));
        assert_int_equal(error_code(err), runs[i].code);
        assert_true(!runs[i].says || strstr(error_message_view(err), runs[i].says));
        if (runs[i].out)
            assert_str(buffer_str(&out), runs[i].out);
        if (runs[i].err)
            assert_str(buffer_str(&said), runs[i].err);
        error_free(err);
        assert_true(clock_monotonic_us(clock_system()) - start_us < 5000000);
    }
}

/* What it says on standard error is cut, not an error. */
static void test_long_words(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer out = {0}, said = {.limit = 100};
    assert_ok(run("i=0; while [ $i -lt 200 ]; do echo word >&2; i=$((i+1)); done; echo done", 5000, NULL, &out, &said));
    assert_true(said.len <= 100);
    assert_str(buffer_str(&out), "done\n");
}

static void stop_soon(void *context)
{
    usleep(100000);
    cancel_raise(context, CANCEL_STOP);
}

static void test_cancel(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer out = {0}, said = {0};
    Cancel cancel = {0};
    Thread thread = {0};
    assert_ok(thread_start(&thread, "stop", stop_soon, &cancel));
    assert_fails(run("sleep 30", 20000, &cancel, &out, &said), ERR_CANCELLED);
    thread_join(&thread);
}

/* A host that ignores SIGCHLD has its children reaped by the system: the answer counts, the status is unknown. */
static void test_host_that_reaps(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer out = {0}, said = {0};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0);
    Error *err = run("echo keys; exit 1", 5000, NULL, &out, &said);
    assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
    assert_ok(err);
    assert_str(buffer_str(&out), "keys\n");
}

/* What it started goes with it: a second later nobody writes the file. */
static void test_children_of_it(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer out = {0}, said = {0};
    char path[] = "/tmp/quern-process-XXXXXX", script[128];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    snprintf(script, sizeof(script), "(sleep 1; echo late > %s) & exit 0", path);
    assert_fails(run(script, 300, NULL, &out, &said), ERR_TIMEOUT);
    usleep(1200000);
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    close(fd);
    assert_int_equal(unlink(path), 0);
}

static void test_nothing_to_start(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer out = {0}, said = {0};
    char name[] = "/nowhere/program";
    char *words[] = {name, NULL};
    assert_fails_saying(process_run(words, NULL, 1000, NULL, &out, &said), ERR_NOT_FOUND, "'/nowhere/program'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits),          cmocka_unit_test(test_runs),
        cmocka_unit_test(test_long_words),      cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_host_that_reaps), cmocka_unit_test(test_nothing_to_start),
        cmocka_unit_test(test_children_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
