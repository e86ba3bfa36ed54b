/* quarantine.h - which documents killed their parsers: what a run remembers of them beside its journal.
 *
 * A document is one version of an object: key and ETag. One whose parser died is a suspect: it gets one more try, alone. One whose parser died
 * twice is quarantined: no run tries it, until it is lifted (quern retry) or the object has another version. What was in a parser when the program
 * itself was killed is a suspect too; that alone never quarantines, however often: whoever kills a run is not the document's fault.
 *
 * Two files, under the journal's lock: JOURNAL.quarantine, JSON lines, the last about a document counts; JOURNAL.inflight, a slot for each worker
 * with the document it is at, written without sync, gone after a run that ended. Any number of threads. Source: spec/reliability.md 3.5. */
#ifndef JOBS_INGEST_QUARANTINE_H
#define JOBS_INGEST_QUARANTINE_H

#include "base/json.h"
#include "store/store.h"

typedef struct Quarantine Quarantine;

typedef enum Standing { STANDING_GOOD, STANDING_SUSPECT, STANDING_QUARANTINED } Standing;

/* Reads what earlier runs left. `journal_path` "": remembers for the length of the run only. `slots`: workers. Errors: STATE (no file of this kind),
 * those of the file system. */
MUST_USE Error *quarantine_new(const char *journal_path, unsigned slots, bool redact_keys, Quarantine **ret_quarantine);
/* The end of a run that saw to all that was in flight. NULL is allowed. */
void quarantine_free(Quarantine *quarantine);
DEFINE_FREEP(Quarantine, quarantine_free)

/* `ret_end`, unless NULL: how its parser died, "crash"; constant text. */
Standing quarantine_standing(Quarantine *quarantine, const ObjectInfo *document, const char **ret_end);

/* The document goes to a parser, and has come back. One at a time in a slot. */
MUST_USE Error *quarantine_enter(Quarantine *quarantine, unsigned slot, const ObjectInfo *document);
MUST_USE Error *quarantine_leave(Quarantine *quarantine, unsigned slot);

/* Its parser died: `end` is the word, constant text. What it is from now on. */
MUST_USE Error *quarantine_died(Quarantine *quarantine, const ObjectInfo *document, const char *end,
                                Standing *ret_standing);
/* It is good again: a parser lived through it. */
MUST_USE Error *quarantine_lift(Quarantine *quarantine, const ObjectInfo *document);
/* Whatever version of it: somebody wants it tried anew. The key as people see it. */
MUST_USE Error *quarantine_lift_key(Quarantine *quarantine, Str shown_key);

/* For looking, without the lock: adds those quarantined beside `journal_path` to `failures` as a journal has them (journal.h), where they are not there
 * already, and in the place of what says no more than that they were left out. */
MUST_USE Error *quarantine_add_failures(const char *journal_path, json_t *failures);

#endif
