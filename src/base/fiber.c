#include "base/fiber.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/fiber_switch.h"

#if defined(__has_feature)
#define HAS_SANITIZER(name) __has_feature(name)
#else
#define HAS_SANITIZER(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_SANITIZER(address_sanitizer)
#define ADDRESS_SANITIZER 1
#include <sanitizer/asan_interface.h>
#endif
#if defined(__SANITIZE_THREAD__) || HAS_SANITIZER(thread_sanitizer)
#define THREAD_SANITIZER 1
#include <sanitizer/tsan_interface.h>
#endif

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(begin, end) 0U
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

/* Below each stack; -fstack-clash-protection touches every page of a large frame on its way, on aarch64 only every 64 KiB. */
enum { GUARD_BYTES = 64 * 1024 };

/* Where a stack was left, and what the sanitizers have to know of it. */
typedef struct Place {
    SwitchPoint point;
    const void *stack;
    size_t stack_bytes;
    void *fake_stack; /* of the address sanitizer */
    void *shadow;     /* of the thread sanitizer */
    unsigned number;  /* of valgrind, which else takes a switch for a very large frame */
} Place;

struct Fiber {
    Fibers *owner;
    Place place;
    void (*body)(void *context);
    void *context;
    unsigned holds;
    bool ended;
    Fiber *next; /* in one of the lists: idle, woken, ended */
};

typedef struct FiberList {
    Fiber *first, *last;
} FiberList;

struct Fibers {
    /* fixed */
    Fiber *all;
    uint8_t *stacks; /* each behind GUARD_BYTES that nobody may touch */
    size_t stacks_bytes;

    /* the thread's */
    Place home;
    FiberList idle, ended, resumed;
    unsigned alive;
    bool called; /* `call` has come, and is not heeded yet */

    /* everybody's, without a lock: the thread would be woken only to wait for who woke it */
    _Atomic(Fiber *) woken; /* the latest first; `asleep`: none, and the thread sleeps until `some` is posted */
    atomic_bool calling;    /* `call` is among them, or has come */
    sem_t some;
    Fiber call, asleep; /* none of these two is ever run */
};

/* What a thread runs is the thread's: there is no other way to ask for it from within. */
static _Thread_local Fiber *running;

static void list_append(FiberList *list, Fiber *fiber)
{
    fiber->next = NULL;
    if (list->last)
        list->last->next = fiber;
    else
        list->first = fiber;
    list->last = fiber;
}

static void list_prepend(FiberList *list, Fiber *fiber)
{
    fiber->next = list->first;
    list->first = fiber;
    if (!list->last)
        list->last = fiber;
}

static Fiber *list_take(FiberList *list)
{
    Fiber *fiber = list->first;
    if (fiber) {
        list->first = fiber->next;
        if (!list->first)
            list->last = NULL;
    }
    return fiber;
}

/* ---- from stack to stack ---- */

/* Said directly before the switch, and directly behind it, on the other stack. `for_good`: nobody comes back to `from`. Inline: to the thread
 * sanitizer, who enters a function on one stack must not leave it on another. */
static inline __attribute__((always_inline)) void leave(Place *from, const Place *to, bool for_good)
{
#ifdef ADDRESS_SANITIZER
    __sanitizer_start_switch_fiber(for_good ? NULL : &from->fake_stack, to->stack, to->stack_bytes);
#endif
#ifdef THREAD_SANITIZER
    __tsan_switch_to_fiber(to->shadow, 0);
#endif
    (void)from, (void)to, (void)for_good;
}

static inline __attribute__((always_inline)) void arrive(const Place *here, Place *from)
{
#ifdef ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(here->fake_stack, &from->stack, &from->stack_bytes);
#endif
    (void)here, (void)from;
}

static void go(Place *from, Place *to, bool for_good)
{
    leave(from, to, for_good);
    switch_stacks(&from->point, &to->point);
    arrive(from, to);
}

/* The bottom of a fiber's stack. */
static void fiber_main(void)
{
    Fiber *fiber = running;
    arrive(&fiber->place, &fiber->owner->home);
    fiber->body(fiber->context);
    fiber->ended = true;
    go(&fiber->place, &fiber->owner->home, true);
}

static void prepare(Fiber *fiber)
{
    Place *place = &fiber->place;
    place->fake_stack = NULL;
#ifdef ADDRESS_SANITIZER
    __asan_unpoison_memory_region(place->stack, place->stack_bytes); /* of whoever was there before */
#endif
#ifdef THREAD_SANITIZER
    fiber->owner->home.shadow = __tsan_get_current_fiber();
    place->shadow = __tsan_create_fiber(0);
#endif
    switch_prepare(&place->point, (void *)(uintptr_t)place->stack, place->stack_bytes, fiber_main);
}

static void resume(Fibers *fibers, Fiber *fiber)
{
    running = fiber;
    go(&fibers->home, &fiber->place, false);
    running = NULL;
    if (!fiber->ended)
        return;
#ifdef THREAD_SANITIZER
    __tsan_destroy_fiber(fiber->place.shadow);
#endif
    list_append(&fibers->ended, fiber);
}

/* ---- a thread's fibers ---- */

/* Address space alone, which becomes memory where it is touched. */
static Error *map_stacks(Fibers *fibers, unsigned count)
{
    size_t each = GUARD_BYTES + FIBER_STACK_BYTES;
    void *stacks = mmap(NULL, count * each, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (stacks == MAP_FAILED)
        return FAIL(NO_MEMORY, "no memory for the stacks of %u fibers", count);
    fibers->stacks = stacks;
    fibers->stacks_bytes = count * each;
    for (unsigned i = 0; i < count; i++) {
        uint8_t *guard = fibers->stacks + i * each;
        if (mprotect(guard, GUARD_BYTES, PROT_NONE) != 0)
            return FAIL(NO_MEMORY, "no memory for the stacks of %u fibers", count);
        fibers->all[i] =
            (Fiber){.owner = fibers, .place = {.stack = guard + GUARD_BYTES, .stack_bytes = FIBER_STACK_BYTES}};
        fibers->all[i].place.number = VALGRIND_STACK_REGISTER(guard + GUARD_BYTES, guard + each);
        list_append(&fibers->idle, &fibers->all[i]);
    }
    return NULL;
}

Error *fibers_new(unsigned count, Fibers **ret_fibers)
{
    CLEANUP(fibers_freep) Fibers *fibers = calloc(1, sizeof *fibers);
    if (!fibers)
        return FAIL(NO_MEMORY, "no memory for %u fibers", count);
    sem_init(&fibers->some, 0, 0);
    fibers->all = calloc(count, sizeof *fibers->all);
    if (!fibers->all)
        return FAIL(NO_MEMORY, "no memory for %u fibers", count);
    TRY(map_stacks(fibers, count));
    *ret_fibers = fibers;
    fibers = NULL;
    return NULL;
}

void fibers_free(Fibers *fibers)
{
    if (!fibers)
        return;
    ASSERT(fibers->alive == 0);
    for (Fiber *fiber; (fiber = list_take(&fibers->idle));)
        VALGRIND_STACK_DEREGISTER(fiber->place.number);
    if (fibers->stacks)
        munmap(fibers->stacks, fibers->stacks_bytes);
    free(fibers->all);
    sem_destroy(&fibers->some);
    free(fibers);
}

void fibers_start(Fibers *fibers, void (*body)(void *context), void *context)
{
    Fiber *fiber = list_take(&fibers->idle);
    ASSERT(fiber && !running);
    fibers->alive++;
    fiber->body = body;
    fiber->context = context;
    fiber->ended = false;
    prepare(fiber);
    resume(fibers, fiber);
}

static void sleep_until_posted(Fibers *fibers)
{
    while (sem_wait(&fibers->some) != 0)
        ASSERT(errno == EINTR);
}

/* Sleeps while there is none. Gives all, the latest first. */
static Fiber *take_woken(Fibers *fibers)
{
    Fiber *none = NULL;
    if (atomic_compare_exchange_strong(&fibers->woken, &none, &fibers->asleep))
        sleep_until_posted(fibers);
    return atomic_exchange(&fibers->woken, NULL);
}

/* Puts those that were woken where they are resumed from, in the order of their waking. */
static void collect_woken(Fibers *fibers)
{
    Fiber *latest = take_woken(fibers);
    while (latest) {
        Fiber *before = latest->next;
        if (latest == &fibers->call)
            fibers->called = true;
        else
            list_prepend(&fibers->resumed, latest);
        latest = before;
    }
}

/* NULL: a call came first. */
static Fiber *next_woken(Fibers *fibers, bool heeds_calls)
{
    while (!fibers->resumed.first && !(heeds_calls && fibers->called))
        collect_woken(fibers);
    if (heeds_calls && fibers->called) {
        fibers->called = false;
        /* Not a store: what the last caller did before is seen from here on. */
        atomic_exchange(&fibers->calling, false);
        return NULL;
    }
    return list_take(&fibers->resumed);
}

static void *next_ended(Fibers *fibers, bool heeds_calls)
{
    ASSERT(!running);
    if (fibers->alive == 0)
        return NULL;
    while (!fibers->ended.first) {
        Fiber *woken = next_woken(fibers, heeds_calls);
        if (!woken)
            return NULL;
        resume(fibers, woken);
    }
    Fiber *fiber = list_take(&fibers->ended);
    fibers->alive--;
    list_append(&fibers->idle, fiber);
    return fiber->context;
}

void *fibers_next_ended(Fibers *fibers)
{
    return next_ended(fibers, false);
}

void *fibers_next_ended_or_call(Fibers *fibers)
{
    return next_ended(fibers, true);
}

/* From any thread. Where it finds nobody asleep, it touches `fibers` no more: the fiber may have ended by now, and its thread all of them. */
static void add_woken(Fibers *fibers, Fiber *fiber)
{
    Fiber *before = atomic_load(&fibers->woken);
    do
        fiber->next = before == &fibers->asleep ? NULL : before;
    while (!atomic_compare_exchange_weak(&fibers->woken, &before, fiber));
    if (before == &fibers->asleep)
        sem_post(&fibers->some);
}

void fibers_call(Fibers *fibers)
{
    if (!atomic_exchange(&fibers->calling, true))
        add_woken(fibers, &fibers->call);
}

/* ---- within a fiber ---- */

Fiber *fiber_current(void)
{
    return running && running->holds == 0 ? running : NULL;
}

void fiber_park(void)
{
    Fiber *fiber = fiber_current();
    ASSERT(fiber);
    go(&fiber->place, &fiber->owner->home, false);
}

void fiber_wake(Fiber *fiber)
{
    add_woken(fiber->owner, fiber);
}

void fiber_hold(void)
{
    if (running)
        running->holds++;
}

void fiber_release(void)
{
    if (running)
        running->holds--;
}
