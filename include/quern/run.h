/* quern/run.h - watching, stopping, results. */
#ifndef QUERN_RUN_H
#define QUERN_RUN_H

#include <quern/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct QuernControl QuernControl;
typedef struct QuernReport QuernReport;

typedef enum QuernLogLevel { QUERN_LOG_DEBUG, QUERN_LOG_INFO, QUERN_LOG_WARNING, QUERN_LOG_ERROR } QuernLogLevel;
typedef enum QuernOutcome { QUERN_DONE, QUERN_SKIPPED, QUERN_FAILED, QUERN_UNFINISHED /* cancelled */ } QuernOutcome;

typedef struct QuernProgress {
    uint64_t items_total; /* 0: unknown */
    uint64_t items_ended, items_failed, bytes, items_skipped;
    uint64_t bytes_total; /* what `bytes` will be, where sizes are known; 0: unknown */
} QuernProgress;

typedef struct QuernItem {
    const char *key, *reason; /* reason: or "" */
    QuernOutcome outcome;
    QuernCode code;
    bool partial; /* done, but not all of it */
    /* How a document's parser ended: "partial", "unsupported", "corrupt", "limit", "oom", "timeout", "crash", "forbidden", "internal",
     * "quarantined"; "" otherwise. */
    const char *status;
    const char
        *details; /* what is this item's alone, where a run tells it: what differs, in a dry run of quern_copy; or "" */
} QuernItem;

/* One object to watch and to stop any number of calls, one after the other. Hooks are set before the first use; they get `user`, come
 * from library threads, one at a time, and may call the library but not free what runs. Some come on a stack of 256 KiB: keep large arrays
 * elsewhere. While a hook runs, the run may stand still. */
QUERN_API QuernError *quern_control_new(QuernControl **ret_control) QUERN_MUST_USE;
QUERN_API void quern_control_free(QuernControl *control);
QUERN_API void quern_control_on_log(QuernControl *control, QuernLogLevel least,
                                    void (*log)(void *user, QuernLogLevel level, const char *message), void *user);
/* At most ten times a second. */
QUERN_API void quern_control_on_progress(QuernControl *control,
                                         void (*progress)(void *user, const QuernProgress *progress), void *user);
/* Each item once, when it has ended; with option redact_keys its key is a hash. */
QUERN_API void quern_control_on_item(QuernControl *control, void (*ended)(void *user, const QuernItem *item),
                                     void *user);
/* Lines that are a run's result as they come, in their order, for runs that have such (add_provider); `logged`: a log file has it too. */
QUERN_API void quern_control_on_line(QuernControl *control, void (*line)(void *user, const char *line, int logged),
                                     void *user);
/* Each object of --json as it comes (docs/json-output.schema.json), without a line feed: plan, progress once a second, a document for every
 * item that has ended, log messages from `least` on. The last of all, the summary, is quern_report_json_view's. */
QUERN_API void quern_control_on_event(QuernControl *control, QuernLogLevel least,
                                      void (*event)(void *user, const char *json), void *user);
/* The name of the call that runs or ran last, or, before there is one, of the first to come: as in "run" of every object, the journal and
 * the report file. Valid until the next call; "" for NULL. */
QUERN_API const char *quern_control_run_view(const QuernControl *control);
/* Any thread, signal handlers; for good. The first call lets what is in flight finish, the second ends it now. */
QUERN_API void quern_control_cancel(QuernControl *control);
QUERN_API bool quern_control_cancelled(const QuernControl *control); /* NULL: false */

QUERN_API void quern_report_free(QuernReport *report);
QUERN_API uint64_t quern_report_count(const QuernReport *report, QuernOutcome outcome);
/* Failed and partial items, the first 1000; then NULL. Valid as long as the report. */
QUERN_API const QuernItem *quern_report_failure_at(const QuernReport *report, size_t index);
/* The summary line of --json: {"type": "summary", ...}. */
QUERN_API const char *quern_report_json_view(const QuernReport *report);
/* The lines that people read at the end of a run. */
QUERN_API const char *quern_report_text_view(const QuernReport *report);
/* What a run that lists has found, a line each, as the program prints it; "" for other runs. */
QUERN_API const char *quern_report_lines_view(const QuernReport *report);
/* The error's, but 1 in place of 2 where items failed; else 1 when items failed or are partial, else 0. Both may be NULL. */
QUERN_API int quern_exit_status(const QuernError *error, const QuernReport *report);

#ifdef __cplusplus
}
#endif
#endif
