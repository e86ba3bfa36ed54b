/* fiber.h - blocking code that takes turns on one thread.
 *
 * A fiber is a function with a stack of its own. Where it parks, its thread goes on with another one; so many waits for the network cost one
 * thread, and hardly a wake-up each. http parks the fibers that wait for an answer. Every other wait (a condition, a queue, a disk) stops the thread
 * and all its fibers with it: only what waits for nothing else belongs on one, and it holds no lock across a wait: around code that is not ours to
 * know (a user's hook), fiber_hold comes before the lock and fiber_release after it.
 *
 * All fibers of a `Fibers` run on the thread that calls fibers_start and the two that give those that ended, always the same one.
 * The switch is fiber_switch.h. The idea is that of the coroutines of QEMU's block layer. */
#ifndef BASE_FIBER_H
#define BASE_FIBER_H

#include "base/error.h"

typedef struct Fibers Fibers;
typedef struct Fiber Fiber;

enum { FIBER_STACK_BYTES = 256 * 1024 };

/* Stacks for `count` fibers at once; memory is taken as they are used. Errors: NO_MEMORY. */
MUST_USE Error *fibers_new(unsigned count, Fibers **ret_fibers);
/* None may be alive. NULL is allowed. */
void fibers_free(Fibers *fibers);
DEFINE_FREEP(Fibers, fibers_free)

/* Runs `body(context)` until it parks for the first time, or ends. At most `count` are alive: started, and not yet returned
 * as ended. Not from a fiber. */
void fibers_start(Fibers *fibers, void (*body)(void *context), void *context);
/* Lets those go on that were woken until one has ended, and sleeps while there are none. Its `context`; NULL: none is alive. */
void *fibers_next_ended(Fibers *fibers);
/* The same, for a thread that has something else to do as well: NULL, too, once after fibers_call. */
void *fibers_next_ended_or_call(Fibers *fibers);
/* From any thread. Several before the thread heeds them are one. */
void fibers_call(Fibers *fibers);

/* The one that this code runs on; NULL: it may block its thread, or has to (fiber_hold). */
Fiber *fiber_current(void);
/* Leaves the thread to the others until fiber_wake, which may have come before. Of the current one, exactly once for each wake. */
void fiber_park(void);
/* From any thread. */
void fiber_wake(Fiber *fiber);

/* Between the two, fiber_current is NULL, and what waits blocks the thread: for work that others wait for by a condition. They nest, and do
 * nothing on an ordinary thread. */
void fiber_hold(void);
void fiber_release(void);

#endif
