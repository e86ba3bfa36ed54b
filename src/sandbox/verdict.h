/* verdict.h - what a run's end says about the document. Pure functions. Inside src/sandbox only. */
#ifndef SANDBOX_VERDICT_H
#define SANDBOX_VERDICT_H

#include "sandbox/protocol.h"
#include "sandbox/sandbox.h"

/* A worker that ended before it answered. */
typedef struct Death {
    bool known;      /* false: nobody saw it, because the zygote went too */
    int wait_status; /* of waitpid(2) */
    Str last_words;  /* the end of what it printed; cleaned */
} Death;

/* Errors: CORRUPT (crash, forbidden), LIMIT (time, memory), UNAVAILABLE (unknown). Never NULL. */
MUST_USE Error *verdict_of_death(const Death *death, SandboxEnd *ret_end);

/* NULL for ERR_OK; else the document's error in its own words. */
MUST_USE Error *verdict_of_answer(const EndMessage *answer, SandboxEnd *ret_end);

/* A run that gave output and whose parser then said that it could not go on is a partial one: it would say so again. After a crash, a
 * time-out or a lack of memory another try may give more, so its output is not kept. */
SandboxEnd verdict_with_output(SandboxEnd end, bool output);

#endif
