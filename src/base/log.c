#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct Log {
    LogLevel least; /* fixed before use, as all of it */
    LogSink *sink;
    void *context;
};

Log *log_new(LogLevel least, LogSink *sink, void *context)
{
    Log *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->least = least;
    log->sink = sink;
    log->context = context;
    return log;
}

void log_free(Log *log)
{
    free(log);
}

bool log_wants(const Log *log, LogLevel level)
{
    return log && level >= log->least;
}

void log_write(Log *log, LogLevel level, const char *format, ...)
{
    if (!log_wants(log, level))
        return;
    char *message = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&message, format, arguments);
    va_end(arguments);
    if (len < 0)
        return; /* without memory there is nothing better to do with a message */
    log->sink(log->context, level, message);
    free(message);
}
