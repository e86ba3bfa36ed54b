/* testing.h - what unit tests share: cmocka with its includes, and assertions on Error and Str. Tests only. */
#ifndef BASE_TESTING_H
#define BASE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/str.h"

/* Fails the test with the error's message. */
#define assert_ok(expr)                                                                                                \
    do {                                                                                                               \
        Error *ok_err = (expr);                                                                                        \
        if (ok_err) {                                                                                                  \
            print_error("%s: %s\n", #expr, error_message_view(ok_err));                                                \
            error_free(ok_err);                                                                                        \
            fail();                                                                                                    \
        }                                                                                                              \
    } while (0)

/* The call must fail with this code; the error is freed. */
#define assert_fails(expr, wanted_code)                                                                                \
    do {                                                                                                               \
        Error *fail_err = (expr);                                                                                      \
        ErrorCode fail_code = error_code(fail_err);                                                                    \
        if (fail_code != (wanted_code))                                                                                \
            print_error("%s: %s: %s\n", #expr, error_code_name(fail_code), error_message_view(fail_err));              \
        error_free(fail_err);                                                                                          \
        assert_int_equal(fail_code, (wanted_code));                                                                    \
    } while (0)

/* The call must fail with this code and say `part`. */
#define assert_fails_saying(expr, wanted_code, part)                                                                   \
    do {                                                                                                               \
        Error *fail_err = (expr);                                                                                      \
        ErrorCode fail_code = error_code(fail_err);                                                                    \
        bool says = strstr(error_message_view(fail_err), (part)) != NULL;                                              \
        if (fail_code != (wanted_code) || !says)                                                                       \
            print_error("%s: %s: %s\n", #expr, error_code_name(fail_code), error_message_view(fail_err));              \
        error_free(fail_err);                                                                                          \
        assert_int_equal(fail_code, (wanted_code));                                                                    \
        assert_true(says);                                                                                             \
    } while (0)

#define assert_str(actual, expected)                                                                                   \
    do {                                                                                                               \
        Str str_actual = (actual), str_expected = str_of(expected);                                                    \
        if (!str_equal(str_actual, str_expected))                                                                      \
            print_error("%s: '" STR_FMT "' is not '" STR_FMT "'\n", #actual, STR_ARG(str_actual),                      \
                        STR_ARG(str_expected));                                                                        \
        assert_true(str_equal(str_actual, str_expected));                                                              \
    } while (0)

#endif
