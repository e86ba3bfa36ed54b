#include "http/events.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

enum { SEEN_MAX = 256 };
#define NO_TIMER INT64_MAX

struct Events {
    CURLM *multi;
    int epoll_fd, wake_fd;
    int64_t timer_us; /* when curl wants to be called whatever happens, on the machine's clock as curl's own are */
    struct epoll_event seen[SEEN_MAX];
    int seen_count;
};

static int timer_changed(CURLM *multi, long timeout_ms, void *context)
{
    Events *events = context;
    (void)multi;
    events->timer_us = timeout_ms < 0 ? NO_TIMER : clock_monotonic_us(clock_system()) + (int64_t)timeout_ms * 1000;
    return 0;
}

static uint32_t epoll_mask(int what)
{
    return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

/* The set has a word for each socket: curl's are known by their number, which is made odd; others by the address of their owner. */
static uint64_t curls_word(int socket)
{
    return (uint64_t)(unsigned)socket << 1 | 1;
}

static uint64_t owners_word(const void *owner)
{
    return (uint64_t)(uintptr_t)owner;
}

/* `known` is not NULL once the socket is in the set. -1 ends all transfers: curl has no other way to take a failure. */
static int socket_changed(CURL *easy, curl_socket_t socket, int what, void *context, void *known)
{
    Events *events = context;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        /* Fails where curl closed it first, which took it out too. */
        (void)epoll_ctl(events->epoll_fd, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    struct epoll_event wanted = {.events = epoll_mask(what), .data.u64 = curls_word(socket)};
    int change = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int status = epoll_ctl(events->epoll_fd, change, socket, &wanted);
    if (status != 0 && errno == EEXIST)
        status = epoll_ctl(events->epoll_fd, EPOLL_CTL_MOD, socket, &wanted);
    else if (status != 0 && errno == ENOENT)
        status = epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, socket, &wanted);
    if (status != 0)
        return -1;
    curl_multi_assign(events->multi, socket, events);
    return 0;
}

static Error *open_descriptors(Events *events)
{
    events->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    events->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event wake = {.events = EPOLLIN, .data.u64 = curls_word(events->wake_fd)};
    if (events->epoll_fd < 0 || events->wake_fd < 0
        || epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, events->wake_fd, &wake) != 0)
        return FAIL_ERRNO("open what a network thread waits with");
    return NULL;
}

Error *events_new(CURLM *multi, Events **ret_events)
{
    CLEANUP(events_freep) Events *events = calloc(1, sizeof *events);
    if (!events)
        return FAIL(NO_MEMORY, "no memory for a network thread");
    events->multi = multi;
    events->timer_us = NO_TIMER;
    events->epoll_fd = events->wake_fd = -1;
    TRY(open_descriptors(events));
    if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_changed) != CURLM_OK
        || curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, events) != CURLM_OK
        || curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_changed) != CURLM_OK
        || curl_multi_setopt(multi, CURLMOPT_TIMERDATA, events) != CURLM_OK)
        return FAIL(NO_MEMORY, "no memory for a network thread");
    *ret_events = events;
    events = NULL;
    return NULL;
}

void events_free(Events *events)
{
    if (!events)
        return;
    curl_multi_setopt(events->multi, CURLMOPT_SOCKETFUNCTION, NULL);
    curl_multi_setopt(events->multi, CURLMOPT_TIMERFUNCTION, NULL);
    if (events->epoll_fd >= 0)
        close(events->epoll_fd);
    if (events->wake_fd >= 0)
        close(events->wake_fd);
    free(events);
}

/* The shorter of the two, rounded up: a timer is not to be missed by a millisecond again and again. */
static int wait_ms(const Events *events, int timeout_ms)
{
    if (timeout_ms == 0 || events->timer_us == NO_TIMER)
        return timeout_ms;
    int64_t left_us = MAX(events->timer_us - clock_monotonic_us(clock_system()), 0);
    return (int)MIN((int64_t)timeout_ms, (left_us + 999) / 1000);
}

void events_wait(Events *events, int timeout_ms)
{
    int count = epoll_wait(events->epoll_fd, events->seen, SEEN_MAX, wait_ms(events, timeout_ms));
    events->seen_count = MAX(count, 0); /* a signal is no event */
}

/* The descriptor is ours and open, and the set takes as many as a process can have: it cannot fail but for memory, and then the stalled transfer
 * is given up in time. */
static void change_set(Events *events, int change, int socket, uint32_t mask, const void *owner)
{
    struct epoll_event wanted = {.events = mask, .data.u64 = owners_word(owner)};
    (void)epoll_ctl(events->epoll_fd, change, socket, &wanted);
}

void events_watch(Events *events, int socket, uint32_t mask, void *owner)
{
    change_set(events, EPOLL_CTL_ADD, socket, mask, owner);
}

void events_change(Events *events, int socket, uint32_t mask, void *owner)
{
    change_set(events, EPOLL_CTL_MOD, socket, mask, owner);
}

void events_forget(Events *events, int socket, const void *owner)
{
    change_set(events, EPOLL_CTL_DEL, socket, 0, owner);
    for (int i = 0; i < events->seen_count; i++)
        if (events->seen[i].data.u64 == owners_word(owner))
            events->seen[i].data.u64 = 0;
}

static int action_mask(uint32_t seen)
{
    return (seen & EPOLLIN ? CURL_CSELECT_IN : 0) | (seen & EPOLLOUT ? CURL_CSELECT_OUT : 0)
           | (seen & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

static void act_for_curl(Events *events, int socket, uint32_t seen)
{
    int running;
    eventfd_t count;

    if (socket == events->wake_fd)
        (void)eventfd_read(events->wake_fd, &count);
    else
        curl_multi_socket_action(events->multi, socket, action_mask(seen), &running);
}

void events_act(Events *events, EventsAct act, void *context)
{
    int running;

    for (int i = 0; i < events->seen_count; i++) {
        uint64_t word = events->seen[i].data.u64;
        uint32_t seen = events->seen[i].events;
        if (word & 1)
            act_for_curl(events, (int)(word >> 1), seen);
        else if (word != 0) /* a broken one is read, which tells how */
            act(context, (void *)(uintptr_t)word, seen & (EPOLLIN | EPOLLERR | EPOLLHUP), seen & EPOLLOUT);
    }
    events->seen_count = 0;
    if (events->timer_us != NO_TIMER && events->timer_us <= clock_monotonic_us(clock_system())) {
        events->timer_us = NO_TIMER; /* curl sets the next one meanwhile */
        curl_multi_socket_action(events->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

/* Deprecated for what it costs, and nothing else opens the sockets that a transfer wants without having said so. */
void events_act_on_all(Events *events)
{
    int running;
    CURL_IGNORE_DEPRECATION(curl_multi_socket_all(events->multi, &running);)
}

void events_wake(Events *events)
{
    (void)eventfd_write(events->wake_fd, 1); /* full: it is awake */
}
