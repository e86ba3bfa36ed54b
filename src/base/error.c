#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct QuernError {
    ErrorCode code;
    int line;
    const char *file; /* a string literal: __FILE__ */
    uint64_t offset_bytes;
    char *message; /* owned; never NULL but in `out_of_memory` */
};

static Error out_of_memory = {ERR_NO_MEMORY, 0, "", ERROR_NO_OFFSET, NULL};

/* The one table of codes: spec/commands.md 0.3. */
static const struct {
    const char *name;
    int exit_status;
    bool retryable;
} codes[ERR_CODES] = {
    [ERR_OK] = {"ok", 0, false},
    [ERR_INVALID] = {"invalid", 2, false},
    [ERR_UNSUPPORTED] = {"unsupported", 2, false},
    [ERR_UNAVAILABLE] = {"unavailable", 3, true},
    [ERR_TIMEOUT] = {"timeout", 3, true},
    [ERR_DENIED] = {"denied", 4, false},
    [ERR_NOT_FOUND] = {"not_found", 6, false},
    [ERR_CHECK] = {"check", 7, false},
    [ERR_NO_SPACE] = {"no_space", 8, false},
    [ERR_NO_MEMORY] = {"no_memory", 8, false},
    [ERR_NO_WORK] = {"no_work", 9, false},
    [ERR_STATE] = {"state", 10, false},
    [ERR_LOCKED] = {"locked", 11, true},
    [ERR_CORRUPT] = {"corrupt", 1, false},
    [ERR_LIMIT] = {"limit", 1, false},
    [ERR_EXISTS] = {"exists", 1, false},
    [ERR_CHANGED] = {"changed", 1, true},
    [ERR_INTERNAL] = {"internal", 70, false},
    [ERR_CANCELLED] = {"cancelled", 130, false},
    [ERR_ARCHIVED] = {"archived", 1, false},
};

PRINTF_LIKE(4, 0)
static Error *error_vnew(ErrorCode code, const char *file, int line, const char *format, va_list arguments)
{
    ASSERT(code > ERR_OK && code < ERR_CODES);
    Error *error = malloc(sizeof *error);
    char *message = NULL;
    if (!error || vasprintf(&message, format, arguments) < 0) {
        free(error);
        return &out_of_memory;
    }
    *error = (Error){code, line, file, ERROR_NO_OFFSET, message};
    return error;
}

Error *error_new(ErrorCode code, const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    Error *error = error_vnew(code, file, line, format, arguments);
    va_end(arguments);
    return error;
}

/* Replaces the message by "<formatted>: <message>". Without memory the old one stays. */
PRINTF_LIKE(2, 0) static void prepend(Error *error, const char *format, va_list arguments)
{
    char *context = NULL, *joined = NULL;
    if (vasprintf(&context, format, arguments) < 0)
        return;
    if (asprintf(&joined, "%s: %s", context, error->message) >= 0) {
        free(error->message);
        error->message = joined;
    }
    free(context);
}

Error *error_wrap(Error *take_error, const char *format, ...)
{
    if (!take_error || take_error == &out_of_memory)
        return take_error;
    va_list arguments;
    va_start(arguments, format);
    prepend(take_error, format, arguments);
    va_end(arguments);
    return take_error;
}

Error *error_at(Error *take_error, uint64_t offset_bytes)
{
    if (take_error && take_error != &out_of_memory)
        take_error->offset_bytes = offset_bytes;
    return take_error;
}

static ErrorCode code_of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ENXIO: return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ERR_NO_SPACE;
    case ENOMEM: return ERR_NO_MEMORY;
    case EEXIST: return ERR_EXISTS;
    case ETIMEDOUT: return ERR_TIMEOUT;
    case EINVAL:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG: return ERR_INVALID;
    default: return ERR_UNAVAILABLE;
    }
}

Error *error_from_errno(int number, const char *file, int line, const char *format, ...)
{
    char reason[128];
    const char *text = strerror_r(number, reason, sizeof reason);
    va_list arguments;
    va_start(arguments, format);
    Error *error = error_new(code_of_errno(number), file, line, "%s", text);
    if (error != &out_of_memory)
        prepend(error, format, arguments);
    va_end(arguments);
    return error;
}

Error *error_copy(const Error *error)
{
    ASSERT(error);
    if (error == &out_of_memory)
        return &out_of_memory;
    Error *copy = error_new(error->code, error->file, error->line, "%s", error->message);
    return error_at(copy, error->offset_bytes);
}

void error_free(Error *error)
{
    if (!error || error == &out_of_memory)
        return;
    free(error->message);
    free(error);
}

ErrorCode error_code(const Error *error)
{
    return error ? error->code : ERR_OK;
}

const char *error_message_view(const Error *error)
{
    if (!error)
        return "";
    return error->message ? error->message : "out of memory";
}

uint64_t error_offset(const Error *error)
{
    return error ? error->offset_bytes : ERROR_NO_OFFSET;
}

const char *error_file_view(const Error *error)
{
    return error ? error->file : "";
}

int error_line(const Error *error)
{
    return error ? error->line : 0;
}

const char *error_code_name(ErrorCode code)
{
    return code < ERR_CODES ? codes[code].name : "unknown";
}

int error_code_exit_status(ErrorCode code)
{
    return code < ERR_CODES ? codes[code].exit_status : codes[ERR_INTERNAL].exit_status;
}

bool error_code_retryable(ErrorCode code)
{
    return code < ERR_CODES && codes[code].retryable;
}
