/* journal.h - what the runs of one job on one source and target leave behind: begin, each failure, end. JSON lines.
 *
 * The journal is also the lock: two runs on one target cannot both hold it. It is never needed to believe an output; it tells
 * what failed last time and whether the last run ended. Each line is one write, so a kill cuts at most the last one, which is then
 * ignored. */
#ifndef ENGINE_JOURNAL_H
#define ENGINE_JOURNAL_H

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
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

/* `about_json` is an object that describes the run; put in as it is. The journal begins anew: what the last run left is dropped. */
MUST_USE Error *journal_begin(Journal *journal, Str about_json);
MUST_USE Error *journal_failure(Journal *journal, Str key, bool redact_key, const Error *error);
MUST_USE Error *journal_end(Journal *journal, const char *status);

/* `state_dir`/<command>-<16 hex digits of the hash of source and target>.journal, in `out`. */
MUST_USE Error *journal_path(Str state_dir, Str command, Str source, Str target, Buffer *out);

#endif
