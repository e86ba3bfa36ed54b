#include "http/slot_pool.h"

#include <stdlib.h>

Error *slot_pool_init(SlotPool *pool, const SlotShared *shared, size_t slots_max)
{
    *pool = (SlotPool){.shared = shared, .slots_max = slots_max};
    pool->active = calloc(slots_max, sizeof(Slot *));
    pool->idle[0] = calloc(slots_max, sizeof(Slot *));
    pool->idle[1] = calloc(slots_max, sizeof(Slot *));
    if (!pool->active || !pool->idle[0] || !pool->idle[1])
        return FAIL(NO_MEMORY, "no memory for a network thread of %zu connections", slots_max);
    return NULL;
}

void slot_pool_done(SlotPool *pool)
{
    ASSERT(pool->active_count == 0);
    for (size_t large = 0; large < 2; large++) {
        for (size_t i = 0; i < pool->idle_count[large]; i++)
            slot_free(pool->idle[large][i]);
        free(pool->idle[large]);
    }
    free(pool->active);
    *pool = (SlotPool){0};
}

Slot *slot_pool_take(SlotPool *pool, bool large)
{
    Slot *slot;

    if (pool->active_count == pool->slots_max)
        return NULL;
    if (pool->idle_count[large] > 0)
        return pool->idle[large][--pool->idle_count[large]];
    Error *error = slot_new(pool->shared, large, &slot);
    if (!error)
        return slot;
    /* With others in flight, one of theirs comes free; without, the exchange at the head tells. */
    error_free(error);
    return NULL;
}

void slot_pool_give_back(SlotPool *pool, Slot *slot)
{
    bool large = slot_place(slot)->large;

    pool->idle[large][pool->idle_count[large]++] = slot;
}

void slot_pool_activate(SlotPool *pool, Slot *slot, int64_t now_us)
{
    slot_place(slot)->index = pool->active_count;
    slot_place(slot)->begun_us = now_us;
    pool->active[pool->active_count++] = slot;
}

void slot_pool_deactivate(SlotPool *pool, Slot *slot)
{
    size_t index = slot_place(slot)->index;
    Slot *last = pool->active[--pool->active_count];

    pool->active[index] = last;
    slot_place(last)->index = index;
}
