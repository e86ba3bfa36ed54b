/* quern/error.h - errors, bytes, memory.
 *
 * A call that can fail returns `QuernError *`: NULL is success, anything else is yours to free. An error means that the call as a
 * whole failed; items that failed inside a job are in its report (quern/run.h).
 *
 * Outputs, the last parameters of a call, are written on success; NULL in the place of one: not wanted. In a forked child every call on an
 * object of the parent gives STATE, and its `_free` leaves alone what belongs to the parent's threads. A
 * child that is to use the library itself is forked while no call and no cursor is at work: OpenSSL and others hold locks of their own. */
#ifndef QUERN_ERROR_H
#define QUERN_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define QUERN_API __attribute__((visibility("default")))
#define QUERN_MUST_USE __attribute__((warn_unused_result))
#define QUERN_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#else
#define QUERN_API
#define QUERN_MUST_USE
#define QUERN_PRINTF(format_index, first_index)
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct QuernError QuernError;

/* What may hold any byte. Borrowed unless a function says otherwise. */
typedef struct QuernBytes {
    const void *data;
    size_t size_bytes;
} QuernBytes;

/* Behind each: the exit status of the program; R: a retry may help. Values may be added. */
typedef enum QuernCode {
    QUERN_OK,          /* 0 */
    QUERN_INVALID,     /* 2: usage, configuration, arguments */
    QUERN_UNSUPPORTED, /* 2 */
    QUERN_UNAVAILABLE, /* 3 R: no server, connection lost, throttled without end */
    QUERN_TIMEOUT,     /* 3 R */
    QUERN_DENIED,      /* 4 */
    QUERN_NOT_FOUND,   /* 6: also: nothing matched */
    QUERN_CHECK,       /* 7: a limit or check that you set */
    QUERN_NO_SPACE,    /* 8 */
    QUERN_NO_MEMORY,   /* 8 */
    QUERN_NO_WORK,     /* 9 */
    QUERN_STATE,       /* 10: journal, version, process */
    QUERN_LOCKED,      /* 11 R */
    QUERN_CORRUPT,     /* 1 */
    QUERN_LIMIT,       /* 1: too large or too deep */
    QUERN_EXISTS,      /* 1 */
    QUERN_CHANGED,     /* 1 R: replaced meanwhile */
    QUERN_INTERNAL,    /* 70: our bug */
    QUERN_CANCELLED,   /* 130 */
    QUERN_ARCHIVED     /* 1: cannot be read before it is restored */
} QuernCode;

/* All accept NULL, which is success: OK, "", false. The message reads from the task to the cause, holds no secrets, and lives as
 * long as the error. */
QUERN_API QuernCode quern_error_code(const QuernError *error);
QUERN_API const char *quern_error_message(const QuernError *error);
QUERN_API bool quern_error_retryable(const QuernError *error);
/* "not_found": the word of journals, reports and --json; "unknown" for a value that this library has not. */
QUERN_API const char *quern_code_name(QuernCode code);
/* For callbacks. Never NULL. */
QUERN_API QuernError *quern_error_new(QuernCode code, const char *format, ...) QUERN_PRINTF(2, 3) QUERN_MUST_USE;
QUERN_API void quern_error_free(QuernError *error);

/* Plain memory that a call gave out: texts, arrays. NULL is allowed. */
QUERN_API void quern_free(void *memory);

#ifdef __cplusplus
}
#endif
#endif
