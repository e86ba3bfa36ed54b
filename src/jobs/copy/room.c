#include "jobs/copy/room.h"

struct RoomWaiter {
    RoomWaiter *next;
    uint64_t bytes;
    Fiber *fiber; /* NULL: a thread, which waits for `admitted` */
    bool is_admitted;
    pthread_cond_t admitted;
};

void room_init(Room *room, uint64_t bytes_max)
{
    *room = (Room){.bytes_max = bytes_max};
    room->end = &room->first;
    pthread_mutex_init(&room->lock, NULL);
}

void room_done(Room *room)
{
    pthread_mutex_destroy(&room->lock);
}

static bool fits_locked(const Room *room, uint64_t bytes)
{
    return bytes <= room->bytes_max - room->taken_bytes;
}

static void wait_locked(Room *room, RoomWaiter *waiter)
{
    *room->end = waiter;
    room->end = &waiter->next;
    if (waiter->fiber) {
        pthread_mutex_unlock(&room->lock);
        fiber_park();
        pthread_mutex_lock(&room->lock);
    }
    while (!waiter->is_admitted)
        pthread_cond_wait(&waiter->admitted, &room->lock);
}

uint64_t room_take(Room *room, uint64_t bytes)
{
    RoomWaiter waiter = {.bytes = MIN(bytes, room->bytes_max), .fiber = fiber_current()};
    pthread_mutex_lock(&room->lock);
    if (!room->first && fits_locked(room, waiter.bytes)) {
        room->taken_bytes += waiter.bytes;
    } else {
        pthread_cond_init(&waiter.admitted, NULL);
        wait_locked(room, &waiter);
        pthread_cond_destroy(&waiter.admitted);
    }
    pthread_mutex_unlock(&room->lock);
    return waiter.bytes;
}

/* The waiter is gone as soon as it may go on and has the lock. */
static void admit_first_locked(Room *room)
{
    RoomWaiter *waiter = room->first;
    room->first = waiter->next;
    if (!room->first)
        room->end = &room->first;
    room->taken_bytes += waiter->bytes;
    waiter->is_admitted = true;
    if (waiter->fiber)
        fiber_wake(waiter->fiber);
    else
        pthread_cond_signal(&waiter->admitted);
}

void room_give(Room *room, uint64_t taken_bytes)
{
    pthread_mutex_lock(&room->lock);
    ASSERT(room->taken_bytes >= taken_bytes);
    room->taken_bytes -= taken_bytes;
    while (room->first && fits_locked(room, room->first->bytes))
        admit_first_locked(room);
    pthread_mutex_unlock(&room->lock);
}
