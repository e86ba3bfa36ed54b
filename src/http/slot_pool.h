/* slot_pool.h - the slots of a network thread: those at work, and those that wait to be. Inside http/ only; one network thread. */
#ifndef HTTP_SLOT_POOL_H
#define HTTP_SLOT_POOL_H

#include "http/slot.h"

typedef struct SlotPool {
    const SlotShared *shared;
    size_t slots_max;
    Slot **active; /* slots_max of them */
    size_t active_count;
    Slot **idle[2]; /* plain, large; slots_max of each */
    size_t idle_count[2];
} SlotPool;

/* Errors: NO_MEMORY; slot_pool_done is due in any case. */
MUST_USE Error *slot_pool_init(SlotPool *pool, const SlotShared *shared, size_t slots_max);
/* None is active. */
void slot_pool_done(SlotPool *pool);

/* One that is in neither list; NULL when as many as may be are active, or without memory. */
Slot *slot_pool_take(SlotPool *pool, bool large);
void slot_pool_give_back(SlotPool *pool, Slot *slot);

/* Between slot_pool_take and slot_pool_give_back: while it has an attempt. */
void slot_pool_activate(SlotPool *pool, Slot *slot, int64_t now_us);
void slot_pool_deactivate(SlotPool *pool, Slot *slot); /* the last one gets its place */

#endif
