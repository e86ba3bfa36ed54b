/* journal.h - what the last run of one job on one source and target leaves behind: begin, each failure, each object that was rewritten in place, end.
 * JSON lines. A run that works on the failures of the one before begins with those, and says of each how it ended now.
 *
 * The journal is also the lock: two runs on one target cannot both hold it. It is never needed to believe an output; it tells
 * what failed last time and whether the last run ended. Each line is one write, so a kill cuts at most the last one, which is then
 * ignored. */
#ifndef ENGINE_JOURNAL_H
#define ENGINE_JOURNAL_H

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "engine/job.h"

typedef struct Journal Journal;

typedef struct JournalLast {
    bool exists; /* there was a run before this one */
    bool ended;  /* and it said so itself */
    int64_t began_us;
    uint64_t failures;
} JournalLast;

/* Opens or makes `path` (and its directories), takes the lock, reads what the last run left. Errors: LOCKED (another run, with its
 * process number), STATE (no journal, or of a newer version), those of the file system. */
MUST_USE Error *journal_open(const char *path, const Clock *clock, Journal **ret_journal, JournalLast *ret_last);
/* Gives the lock back. */
void journal_free(Journal *journal);
DEFINE_FREEP(Journal, journal_free)

const char *journal_path_view(const Journal *journal); /* "" for NULL; as long as the journal */

/* What a journal holds. Owned: journal_run_done. */
typedef struct JournalRun {
    json_t *about; /* as journal_begin was given it */
    json_t *
        failures; /* object: an item's key, as people see it, to its line {"key", "code", "status", "reason"}; in order */
    int64_t began_us, ended_us; /* ended: 0 when it did not say so itself */
    char status[24];            /* of journal_end; "" then too */
    bool running;               /* somebody holds the lock */
} JournalRun;

/* Without the lock, for looking. Errors: NOT_FOUND, STATE (no journal, or of a newer version), LIMIT, those of the file system. */
MUST_USE Error *journal_read(const char *path, JournalRun *ret_run);
void journal_run_done(JournalRun *run); /* copes with a zeroed one */

/* `about_json` is an object that describes the run; put in as it is. The journal begins anew: what the last run left is dropped, but for the
 * failures of `again`, unless that is NULL. */
MUST_USE Error *journal_begin(Journal *journal, Str about_json, const JournalRun *again);
/* An item that has failed, or is done in part: key, code, status (Item) and reason. */
MUST_USE Error *journal_failure(Journal *journal, const Item *item, bool redact_key);
/* An item that ended otherwise: of interest only where the journal began with failures, of which it is one. */
MUST_USE Error *journal_no_failure(Journal *journal, const Item *item, bool redact_key);
/* An item that rewrote its object in place, or tried to: key, ETag before, result ("done", "failed", "cancelled"). For people, who may have to know
 * what was there; nothing here reads it. Source: spec/s3.md 3.6. */
MUST_USE Error *journal_rewrite(Journal *journal, const Item *item, bool redact_key);
MUST_USE Error *journal_end(Journal *journal, const char *status);

/* `state_dir`/<command>-<16 hex digits of the hash of source and target>.journal, in `out`. */
MUST_USE Error *journal_path(Str state_dir, Str command, Str source, Str target, Buffer *out);

#endif
