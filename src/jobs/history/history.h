/* history.h - the runs that the journals of a state directory tell of: the last one of each command, source and target. For looking back (quern
 * status, quern why) and for doing again what failed (quern retry). */
#ifndef JOBS_HISTORY_HISTORY_H
#define JOBS_HISTORY_HISTORY_H

#include "engine/journal.h"
#include "jobs/env.h"

typedef struct PastRun {
    char *journal; /* its path */
    JournalRun run;
} PastRun;

/* Copes with a zeroed one. */
void past_run_done(PastRun *past);

/* One run: by its name or the beginning of it, by the path of its journal, or, with "", the newest; `command` "": of any, else of this one. Its
 * failures include what is quarantined. Errors: NOT_FOUND, INVALID (a beginning of several names), those of journal_read. */
MUST_USE Error *history_find(const JobEnv *env, Str name, Str command, PastRun *ret_past);

/* All, newest first, a line each, as text or, with --json, as objects; of journals that cannot be read the log tells. */
MUST_USE Error *history_write_runs(const JobEnv *env, Buffer *out);
/* One in full: how it went, then its failures by reason, most frequent first; with --json every one of them. `statuses`: only those (history_takes). */
MUST_USE Error *history_write_run(const JobEnv *env, const PastRun *past, StrList statuses, Buffer *out);

/* Is this failure, a line of a journal, one of `statuses`: its status word, or its code where it has none? An empty list takes all. */
bool history_takes(const json_t *failure, StrList statuses);
/* The keys of those that are, ascending; texts belong to `past`, the list to the caller (free). */
MUST_USE Error *history_keys(const PastRun *past, StrList statuses, StrList *ret_keys);

/* Sets on `options` what the run was told, so that it can be run again; not what was about that run alone (which objects, reports, logs). */
MUST_USE Error *history_repeat(const PastRun *past, Options *options);

#endif
