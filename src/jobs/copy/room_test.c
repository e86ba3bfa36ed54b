#include "jobs/copy/room.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/testing.h"
#include "base/thread.h"

enum { BYTES_MAX = 100, USERS = 6, ROUNDS = 50 };

typedef struct User {
    Room *room;
    uint64_t bytes;
    _Atomic uint64_t *used, *used_max, *rounds;
} User;

static void use_once(const User *user)
{
    uint64_t taken = room_take(user->room, user->bytes);
    uint64_t used = atomic_fetch_add(user->used, taken) + taken;
    uint64_t most = atomic_load(user->used_max);
    while (used > most && !atomic_compare_exchange_weak(user->used_max, &most, used))
        continue;
    usleep(20);
    atomic_fetch_sub(user->used, taken);
    room_give(user->room, taken);
    atomic_fetch_add(user->rounds, 1);
}

static void use(void *context)
{
    for (size_t i = 0; i < ROUNDS; i++)
        use_once(context);
}

/* Some on threads, the others as fibers on this one: never more than there is, and each has its turn. */
static void test_never_more_than_there_is(void **state)
{
    (void)state;
    static const uint64_t wanted[USERS] = {10, 60, 1000, 10, 60, 1000}; /* more than all is all */
    _Atomic uint64_t used = 0, used_max = 0, rounds = 0;
    CLEANUP(fibers_freep) Fibers *fibers = NULL;
    Thread threads[USERS] = {0};
    User users[2 * USERS];
    Room room;
    room_init(&room, BYTES_MAX);
    assert_ok(fibers_new(USERS, &fibers));
    for (size_t i = 0; i < 2 * USERS; i++)
        users[i] = (User){&room, wanted[i % USERS], &used, &used_max, &rounds};
    for (size_t i = 0; i < USERS; i++)
        assert_ok(thread_start(&threads[i], "user", use, &users[i]));
    for (size_t i = 0; i < USERS; i++)
        fibers_start(fibers, use, &users[USERS + i]);
    while (fibers_next_ended(fibers))
        continue;
    for (size_t i = 0; i < USERS; i++)
        thread_join(&threads[i]);
    assert_true(used_max <= BYTES_MAX);
    assert_int_equal(rounds, 2 * USERS * ROUNDS);
    assert_int_equal(room.taken_bytes, 0);
    room_done(&room);
}

typedef struct Held {
    Room *room;
    bool parks;
    uint64_t taken;
    Fiber *fiber;
} Held;

static void take_all(void *context)
{
    Held *held = context;
    held->fiber = fiber_current();
    held->taken = room_take(held->room, BYTES_MAX);
    if (held->parks)
        fiber_park();
    room_give(held->room, held->taken);
}

/* The one that waits does not keep the thread from the one that has it all. */
static void test_a_fiber_that_waits_lets_others_go_on(void **state)
{
    (void)state;
    CLEANUP(fibers_freep) Fibers *fibers = NULL;
    Room room;
    room_init(&room, BYTES_MAX);
    Held first = {.room = &room, .parks = true}, second = {.room = &room};
    assert_ok(fibers_new(2, &fibers));
    fibers_start(fibers, take_all, &first);
    fibers_start(fibers, take_all, &second);
    assert_int_equal(first.taken, BYTES_MAX);
    assert_int_equal(second.taken, 0);
    fiber_wake(first.fiber);
    assert_ptr_equal(fibers_next_ended(fibers), &first);
    assert_ptr_equal(fibers_next_ended(fibers), &second);
    assert_int_equal(second.taken, BYTES_MAX);
    assert_int_equal(room.taken_bytes, 0);
    room_done(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_never_more_than_there_is),
                                       cmocka_unit_test(test_a_fiber_that_waits_lets_others_go_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
