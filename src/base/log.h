/* log.h - what a run has to say while it works. Libraries log here and never print; the top decides where it goes.
 * May be used by any thread, at once; no lock is held while the sink is called, so that it may call whatever logs. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR } LogLevel;

typedef struct Log Log;
/* Called by several threads at once: it locks what it touches. */
typedef void LogSink(void *context, LogLevel level, const char *message);

/* Messages below `least` are not even formatted. NULL without memory. */
Log *log_new(LogLevel least, LogSink *sink, void *context) MUST_USE;
void log_free(Log *log);
DEFINE_FREEP(Log, log_free)

bool log_wants(const Log *log, LogLevel level); /* NULL: false */
void log_write(Log *log, LogLevel level, const char *format, ...) PRINTF_LIKE(3, 4);

/* Nothing is formatted for a log that is NULL or set higher. */
#define log_debug(log, ...) (log_wants(log, LOG_DEBUG) ? log_write(log, LOG_DEBUG, __VA_ARGS__) : (void)0)
#define log_info(log, ...) (log_wants(log, LOG_INFO) ? log_write(log, LOG_INFO, __VA_ARGS__) : (void)0)
#define log_warning(log, ...) (log_wants(log, LOG_WARNING) ? log_write(log, LOG_WARNING, __VA_ARGS__) : (void)0)
#define log_error(log, ...) (log_wants(log, LOG_ERROR) ? log_write(log, LOG_ERROR, __VA_ARGS__) : (void)0)

#endif
