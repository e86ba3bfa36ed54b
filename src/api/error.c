#include "base/error.h"

#include <quern/error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SAME(name) _Static_assert((int)QUERN_##name == (int)ERR_##name, "QuernCode and ErrorCode are one list")
SAME(OK);
SAME(INVALID);
SAME(UNSUPPORTED);
SAME(UNAVAILABLE);
SAME(TIMEOUT);
SAME(DENIED);
SAME(NOT_FOUND);
SAME(CHECK);
SAME(NO_SPACE);
SAME(NO_MEMORY);
SAME(NO_WORK);
SAME(STATE);
SAME(LOCKED);
SAME(CORRUPT);
SAME(LIMIT);
SAME(EXISTS);
SAME(CHANGED);
SAME(INTERNAL);
SAME(CANCELLED);
SAME(ARCHIVED);

QuernCode quern_error_code(const QuernError *error)
{
    return (QuernCode)error_code(error);
}

const char *quern_error_message(const QuernError *error)
{
    return error_message_view(error);
}

bool quern_error_retryable(const QuernError *error)
{
    return error_code_retryable(error_code(error));
}

const char *quern_code_name(QuernCode code)
{
    return error_code_name((ErrorCode)code);
}

QuernError *quern_error_new(QuernCode code, const char *format, ...)
{
    char *message = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&message, format, arguments);
    va_end(arguments);
    /* The caller is not ours: a code that is none becomes INTERNAL instead of an assertion. */
    bool known = code > QUERN_OK && code <= QUERN_ARCHIVED;
    Error *error = error_new(known ? (ErrorCode)code : ERR_INTERNAL, "", 0, "%s", len < 0 ? format : message);
    free(message);
    return error;
}

void quern_error_free(QuernError *error)
{
    error_free(error);
}

void quern_free(void *memory)
{
    free(memory);
}
