#include "sandbox/selftest.h"

#include "base/testing.h"
#include "sandbox/lock.h"

static const char *program;

typedef struct Seen {
    unsigned stopped, free;
    bool memory_stopped;
} Seen;

static void see(void *context, const SandboxTrial *trial)
{
    Seen *seen = context;
    if (strcmp(trial->action, "take more memory than allowed") == 0)
        seen->memory_stopped = trial->stopped;
    else if (trial->stopped)
        seen->stopped++;
    else
        seen->free++;
    if (trial->stopped != (strncmp(trial->how, "not stopped", 11) != 0))
        fail_msg("%s: %s", trial->action, trial->how);
}

static void test_locked(void **state)
{
    (void)state;
    Seen seen = {0};
    SandboxSelfTest result;
    assert_ok(sandbox_self_test(&(SandboxOptions){.mode = SANDBOX_REQUIRE, .program = program}, see, &seen, &result));
    assert_int_equal(seen.free, 0);
    assert_int_equal(seen.stopped, 13);
    assert_int_equal(seen.memory_stopped, !LOCK_SANITIZED);
    assert_int_equal(result.tried, 14);
    assert_int_equal(result.stopped, 13 + !LOCK_SANITIZED);
    assert_non_null(strstr(result.layers, "seccomp"));
}

/* What nothing stops really happens, so "stopped" above means something. Some containers forbid a few of them by
 * themselves. */
static void test_unlocked(void **state)
{
    (void)state;
    Seen seen = {0};
    SandboxSelfTest result;
    assert_ok(sandbox_self_test(&(SandboxOptions){.mode = SANDBOX_OFF, .program = program}, see, &seen, &result));
    assert_true(seen.free >= 9);
    assert_false(seen.memory_stopped);
    assert_string_equal(result.layers, "off");
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    program = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_locked), cmocka_unit_test(test_unlocked)};
    return cmocka_run_group_tests_name("selftest", tests, NULL, NULL);
}
