/* cancel.h - "stop" said once, heard everywhere.
 *
 * Two steps, because a run ends in two: DRAIN starts nothing new and finishes what is in flight, STOP ends waits and
 * transfers now. cancel_raise is async-signal-safe and lock-free, so nothing can be woken by it: whoever waits looks
 * again every CANCEL_POLL_MS. A Cancel may have a parent; what is asked of the parent is asked of it too. */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include <stdatomic.h>

#include "base/error.h"

enum { CANCEL_POLL_MS = 50 };

typedef enum CancelLevel { CANCEL_NONE, CANCEL_DRAIN, CANCEL_STOP } CancelLevel;

/* Embedded by its owner, who initialises it with {0} or {.parent = p}; it must outlive every call it is given to. */
typedef struct Cancel {
    _Atomic int level;
    const struct Cancel *parent;
} Cancel;

/* Raises to `level`; never lowers. Any thread, signal handlers too. */
void cancel_raise(Cancel *cancel, CancelLevel level);
/* One step further: NONE -> DRAIN -> STOP. */
void cancel_step(Cancel *cancel);
CancelLevel cancel_level(const Cancel *cancel); /* NULL: CANCEL_NONE */

static inline bool cancel_draining(const Cancel *cancel)
{
    return cancel_level(cancel) >= CANCEL_DRAIN;
}

static inline bool cancel_stopped(const Cancel *cancel)
{
    return cancel_level(cancel) >= CANCEL_STOP;
}

/* CANCELLED once it is at STOP, else NULL: for TRY in loops. */
Error *cancel_check(const Cancel *cancel) MUST_USE;

#endif
