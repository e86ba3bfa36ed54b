/* process.h - a helper program is run without a shell and what it says is read, within limits of time and size. */
#ifndef STORE_S3_PROCESS_H
#define STORE_S3_PROCESS_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cancel.h"

/* Cuts a command as a shell would: words at white space, '...' as it is, "..." and bare words with '\' before a character that stands for
 * itself. Nothing is expanded. The array ends in NULL. Errors: INVALID (a quote is not closed; no word). */
MUST_USE Error *process_split(Str command, Arena *arena, char ***ret_words);

/* Runs `words` with that environment, nothing on its standard input, and appends what it writes to `out` (as long as it is; LIMIT of the buffer) and
 * `said` (standard error; what passes the limit is dropped). Its own process group is killed at the time limit, at a cancel and when
 * it floods `out`. Errors: NOT_FOUND, DENIED (cannot be started), TIMEOUT, LIMIT, CANCELLED, UNAVAILABLE (ended with a status that
 * is not 0). In a host that reaps all children the status is not known, and no status is 0. */
MUST_USE Error *process_run(char *const *words, const char *const *environment, unsigned timeout_ms,
                            const Cancel *cancel, Buffer *out, Buffer *said);

#endif
