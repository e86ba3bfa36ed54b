/* quern/history.h - runs that were, from their journals: how they went, why items failed, and those again. */
#ifndef QUERN_HISTORY_H
#define QUERN_HISTORY_H

#include <quern/options.h>
#include <quern/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A line for each run of the state directory, newest first, or for the one called `run` (a name, the beginning of one, a journal's path; NULL: all);
 * with option json objects. Options of `status`. `*ret_text` is for quern_free. Errors: NOT_FOUND, STATE. */
QUERN_API QuernError *quern_status(const QuernOptions *options, const char *run, QuernControl *control,
                                   char **ret_text) QUERN_MUST_USE;
/* The failures of a run (NULL: the newest) by reason. Options of `why`. Otherwise as quern_status. */
QUERN_API QuernError *quern_why(const QuernOptions *options, const char *run, QuernControl *control,
                                char **ret_text) QUERN_MUST_USE;
/* Works on what failed in a run of ingest (NULL: the newest) or is done in part, with that run's options; options of `retry`. What is quarantined gets another chance.
 * `*ret_report` is NULL when nothing failed. Errors: NOT_FOUND, LOCKED (it is still running), INVALID; those of quern_ingest. */
QUERN_API QuernError *quern_retry(const QuernOptions *options, const char *run, QuernControl *control,
                                  QuernReport **ret_report) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
