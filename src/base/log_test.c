#include "base/log.h"

#include "base/buffer.h"
#include "base/testing.h"
#include "base/thread.h"

static void collect(void *context, LogLevel level, const char *message)
{
    assert_ok(buffer_append_format(context, "%d %s;", (int)level, message));
}

static void messages_below_the_level_are_not_said(void **state)
{
    (void)state;
    static const struct {
        LogLevel least;
        const char *said;
    } rows[] = {{LOG_DEBUG, "0 d 1;1 i 2;2 w 3;3 e 4;"},
                {LOG_INFO, "1 i 2;2 w 3;3 e 4;"},
                {LOG_WARNING, "2 w 3;3 e 4;"},
                {LOG_ERROR, "3 e 4;"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer said = {0};
        CLEANUP(log_freep) Log *log = log_new(rows[i].least, collect, &said);
        log_debug(log, "d %d", 1);
        log_info(log, "i %d", 2);
        log_warning(log, "w %d", 3);
        log_error(log, "e %d", 4);
        log_write(log, LOG_DEBUG, "%s", ""); /* asks for itself, too */
        if (rows[i].least == LOG_DEBUG)
            said.len -= strlen("0 ;");
        assert_str(buffer_str(&said), rows[i].said);
    }
}

static int evaluated;

static int count_me(void)
{
    return ++evaluated;
}

static void arguments_of_what_is_not_said_are_not_computed(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer said = {0};
    CLEANUP(log_freep) Log *log = log_new(LOG_WARNING, collect, &said);
    log_info(log, "%d", count_me());
    log_error((Log *)NULL, "%d", count_me());
    assert_int_equal(evaluated, 0);
    assert_false(log_wants(NULL, LOG_ERROR));
    log_write(NULL, LOG_ERROR, "nobody hears");
    log_free(NULL);
    log_error(log, "%d", count_me());
    assert_str(buffer_str(&said), "3 1;");
}

enum { SAYERS = 4, EACH = 500 };

typedef struct Counted {
    Log *log;
    _Atomic int messages, answers;
} Counted;

/* A sink may say something itself: no lock is in its way. */
static void count(void *context, LogLevel level, const char *message)
{
    Counted *counted = context;
    if (level == LOG_WARNING) {
        counted->answers++;
        return;
    }
    assert_string_equal(message, "abcdefghij");
    counted->messages++;
    log_warning(counted->log, "heard");
}

static void say(void *context)
{
    for (int i = 0; i < EACH; i++)
        log_info((Log *)context, "abcdefghij");
}

static void many_threads_speak_and_a_sink_may_answer(void **state)
{
    (void)state;
    Counted counted = {0};
    Thread threads[SAYERS] = {0};
    counted.log = log_new(LOG_INFO, count, &counted);
    for (int i = 0; i < SAYERS; i++)
        assert_ok(thread_start(&threads[i], "say", say, counted.log));
    for (int i = 0; i < SAYERS; i++)
        thread_join(&threads[i]);
    log_free(counted.log);
    assert_int_equal(counted.messages, SAYERS * EACH);
    assert_int_equal(counted.answers, SAYERS * EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_below_the_level_are_not_said),
        cmocka_unit_test(arguments_of_what_is_not_said_are_not_computed),
        cmocka_unit_test(many_threads_speak_and_a_sink_may_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
