#include "sandbox/verdict.h"

#include <signal.h>

#include "base/testing.h"

#define KILLED_BY(signal) (signal) /* as wait(2) encodes it */
#define LEFT_WITH(status) ((status) << 8)

static const struct {
    const char *name;
    int wait_status;
    const char *last_words;
    SandboxEnd end;
    ErrorCode code;
    const char *says;
} deaths[] = {
    {"seccomp", KILLED_BY(SIGSYS), "", SANDBOX_FORBIDDEN, ERR_CORRUPT, "forbidden system call"},
    {"seccomp, core dumped", KILLED_BY(SIGSYS) | 0x80, "", SANDBOX_FORBIDDEN, ERR_CORRUPT, "forbidden system call"},
    {"file size", KILLED_BY(SIGXFSZ), "", SANDBOX_FORBIDDEN, ERR_CORRUPT, "write a file"},
    {"CPU", KILLED_BY(SIGXCPU), "", SANDBOX_TIMEOUT, ERR_LIMIT, "CPU time"},
    {"kernel's memory killer", KILLED_BY(SIGKILL), "", SANDBOX_OOM, ERR_LIMIT, "killed from outside"},
    {"assertion", KILLED_BY(SIGABRT), "x.c:1: n > 0", SANDBOX_CRASH, ERR_CORRUPT,
     "parser aborted; it printed 'x.c:1: n > 0'"},
    {"C++ without memory", KILLED_BY(SIGABRT), "  what():  std::bad_alloc", SANDBOX_OOM, ERR_LIMIT, "out of memory"},
    {"glib without memory", KILLED_BY(SIGABRT), "GLib-ERROR **: gmem.c: failed to allocate 9 bytes", SANDBOX_OOM,
     ERR_LIMIT, "out of memory"},
    {"segmentation fault", KILLED_BY(SIGSEGV), "", SANDBOX_CRASH, ERR_CORRUPT,
     "crashed (signal 11, Segmentation fault)"},
    {"bus error", KILLED_BY(SIGBUS), "", SANDBOX_CRASH, ERR_CORRUPT, "Bus error"},
    {"division", KILLED_BY(SIGFPE), "", SANDBOX_CRASH, ERR_CORRUPT, "crashed (signal 8"},
    {"exit 0", LEFT_WITH(0), "", SANDBOX_CRASH, ERR_CORRUPT, "left with status 0"},
    {"exit 1", LEFT_WITH(1), "ERROR: AddressSanitizer", SANDBOX_CRASH, ERR_CORRUPT,
     "no answer; it printed 'ERROR: AddressSanitizer'"},
};

static void test_deaths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(deaths); i++) {
        Death death = {.known = true, .wait_status = deaths[i].wait_status, .last_words = str_of(deaths[i].last_words)};
        SandboxEnd end;
        assert_fails_saying(verdict_of_death(&death, &end), deaths[i].code, deaths[i].says);
        if (end != deaths[i].end)
            print_error("%s: %s\n", deaths[i].name, sandbox_end_name(end));
        assert_int_equal(end, deaths[i].end);
    }
    SandboxEnd end;
    assert_fails(verdict_of_death(&(Death){.known = false}, &end), ERR_UNAVAILABLE);
    assert_int_equal(end, SANDBOX_ABANDONED);
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        ErrorCode code;
        SandboxEnd end;
        ErrorCode becomes;
    } cases[] = {
        {ERR_UNSUPPORTED, SANDBOX_UNSUPPORTED, ERR_UNSUPPORTED},
        {ERR_CORRUPT, SANDBOX_CORRUPT, ERR_CORRUPT},
        {ERR_LIMIT, SANDBOX_LIMIT, ERR_LIMIT},
        {ERR_NO_MEMORY, SANDBOX_OOM, ERR_LIMIT},
        {ERR_INTERNAL, SANDBOX_INTERNAL, ERR_CORRUPT},
        {ERR_DENIED, SANDBOX_INTERNAL, ERR_CORRUPT},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        EndMessage answer = {.code = cases[i].code, .offset_bytes = 9, .text = STR("page 2 is odd")};
        SandboxEnd end;
        CLEANUP(error_freep) Error *error = verdict_of_answer(&answer, &end);
        assert_int_equal(end, cases[i].end);
        assert_int_equal(error_code(error), cases[i].becomes);
        assert_int_equal(error_offset(error), 9);
        assert_non_null(strstr(error_message_view(error), "page 2 is odd"));
    }
    SandboxEnd end = SANDBOX_CRASH;
    assert_ok(verdict_of_answer(&(EndMessage){.code = ERR_OK}, &end));
    assert_int_equal(end, SANDBOX_OK);
}

static void test_output(void **state)
{
    (void)state;
    for (SandboxEnd end = 0; end < SANDBOX_ENDS; end++) {
        bool said_so = end == SANDBOX_LIMIT || end == SANDBOX_CORRUPT || end == SANDBOX_UNSUPPORTED;
        assert_int_equal(verdict_with_output(end, false), end);
        assert_int_equal(verdict_with_output(end, true), said_so || end == SANDBOX_PARTIAL ? SANDBOX_PARTIAL : end);
        assert_true(strlen(sandbox_end_name(end)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deaths),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_output),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
