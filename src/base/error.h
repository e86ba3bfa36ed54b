/* error.h - a failure as a value: NULL is success.
 *
 * A function that can fail returns `Error *`, owned by whoever gets it: pass it on (TRY), add what you know
 * (TRY_CTX), decide on its code, or drop it on purpose with error_free. Never print one and return it too. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

/* Numbers are those of QuernCode in <quern/error.h>; src/api proves it. Name, exit status and whether a retry can
 * help stand in one table in error.c (spec/commands.md 0.3, spec/api.md error.h). */
typedef enum ErrorCode {
    ERR_OK,
    ERR_INVALID, /* usage, configuration, arguments */
    ERR_UNSUPPORTED,
    ERR_UNAVAILABLE, /* no server, connection lost, throttled without end */
    ERR_TIMEOUT,
    ERR_DENIED,
    ERR_NOT_FOUND,
    ERR_CHECK, /* a limit or check that the user set */
    ERR_NO_SPACE,
    ERR_NO_MEMORY,
    ERR_NO_WORK,
    ERR_STATE, /* journal, version, process */
    ERR_LOCKED,
    ERR_CORRUPT,
    ERR_LIMIT, /* input too large or too deep */
    ERR_EXISTS,
    ERR_CHANGED,  /* the object was replaced meanwhile */
    ERR_INTERNAL, /* our mistake */
    ERR_CANCELLED,
    ERR_ARCHIVED, /* the object lies where it cannot be read before it is restored */
    ERR_CODES     /* how many there are */
} ErrorCode;

typedef struct QuernError Error;

#define ERROR_NO_OFFSET UINT64_MAX

/* Never NULL: when memory runs out a static NO_MEMORY error comes back, and error_free leaves it alone. */
Error *error_new(ErrorCode code, const char *file, int line, const char *format, ...) RETURNS_NONNULL MUST_USE
    PRINTF_LIKE(4, 5);
/* Puts "message: " in front of what `take_error` says; code and origin stay. */
Error *error_wrap(Error *take_error, const char *format, ...) MUST_USE PRINTF_LIKE(2, 3);
/* The same error with a byte offset in the input, for parsers. */
Error *error_at(Error *take_error, uint64_t offset_bytes) MUST_USE;
/* From errno `number`: ENOENT -> NOT_FOUND, EACCES -> DENIED, ENOSPC/EDQUOT/EFBIG -> NO_SPACE, ENOMEM -> NO_MEMORY, EEXIST -> EXISTS,
 * ETIMEDOUT -> TIMEOUT, EINVAL/EISDIR/ELOOP/ENAMETOOLONG -> INVALID, connection errors and the rest -> UNAVAILABLE. The message ends in ": " and strerror's text. */
Error *error_from_errno(int number, const char *file, int line, const char *format, ...) RETURNS_NONNULL MUST_USE
    PRINTF_LIKE(4, 5);
/* `error` must not be NULL. */
Error *error_copy(const Error *error) RETURNS_NONNULL MUST_USE;
void error_free(Error *error); /* NULL is allowed */
DEFINE_FREEP(Error, error_free)

ErrorCode error_code(const Error *error);           /* ERR_OK for NULL */
const char *error_message_view(const Error *error); /* "" for NULL; until the error is freed or wrapped */
uint64_t error_offset(const Error *error);          /* ERROR_NO_OFFSET when there is none */
/* "src/store/file.c:120", where it began; for --verbose and tests. */
const char *error_file_view(const Error *error);
int error_line(const Error *error);

const char *error_code_name(ErrorCode code); /* "not_found" */
int error_code_exit_status(ErrorCode code);
bool error_code_retryable(ErrorCode code);

#define FAIL(code, ...) error_new(ERR_##code, __FILE__, __LINE__, __VA_ARGS__)
#define FAIL_ERRNO(...) error_from_errno(errno, __FILE__, __LINE__, __VA_ARGS__)
#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        Error *try_err = (expr);                                                                                       \
        if (UNLIKELY(try_err != NULL))                                                                                 \
            return try_err;                                                                                            \
    } while (0)
#define TRY_CTX(expr, ...)                                                                                             \
    do {                                                                                                               \
        Error *try_err = (expr);                                                                                       \
        if (UNLIKELY(try_err != NULL))                                                                                 \
            return error_wrap(try_err, __VA_ARGS__);                                                                   \
    } while (0)

#endif
