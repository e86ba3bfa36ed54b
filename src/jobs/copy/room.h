/* room.h - bytes that items take when it turns out that content passes through this machine after all. Any number of threads and fibers. */
#ifndef JOBS_COPY_ROOM_H
#define JOBS_COPY_ROOM_H

#include <pthread.h>

#include "base/fiber.h"

typedef struct RoomWaiter RoomWaiter;

typedef struct Room {
    uint64_t bytes_max;
    /* under lock */
    uint64_t taken_bytes;
    RoomWaiter *first, **end; /* who came first goes first */
    pthread_mutex_t lock;
} Room;

void room_init(Room *room, uint64_t bytes_max);
void room_done(Room *room);

/* Waits until they are free; one that wants more than there are waits for all of them. What it took, for room_give. Who has some takes no more. */
uint64_t room_take(Room *room, uint64_t bytes);
void room_give(Room *room, uint64_t taken_bytes);

#endif
