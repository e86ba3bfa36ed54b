#include "base/cancel.h"

void cancel_raise(Cancel *cancel, CancelLevel level)
{
    int now = atomic_load(&cancel->level);
    while (now < (int)level && !atomic_compare_exchange_weak(&cancel->level, &now, (int)level))
        ;
}

void cancel_step(Cancel *cancel)
{
    /* One exchange, so that two steps at once are two steps. */
    int now = atomic_load(&cancel->level);
    while (now < CANCEL_STOP && !atomic_compare_exchange_weak(&cancel->level, &now, now + 1))
        ;
}

CancelLevel cancel_level(const Cancel *cancel)
{
    int level = CANCEL_NONE;
    for (; cancel; cancel = cancel->parent)
        level = MAX(level, atomic_load_explicit(&cancel->level, memory_order_relaxed));
    return (CancelLevel)level;
}

Error *cancel_check(const Cancel *cancel)
{
    return cancel_stopped(cancel) ? FAIL(CANCELLED, "cancelled") : NULL;
}
