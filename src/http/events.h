/* events.h - what a network thread waits for: its sockets by epoll(7), those that curl opens and its timer, and a word from other threads.
 *
 * A round costs what happened in it. One thread, but for events_wake. Source: libcurl, "multi_socket"; used as its documentation has it. */
#ifndef HTTP_EVENTS_H
#define HTTP_EVENTS_H

#include <curl/curl.h>

#include "base/error.h"

typedef struct Events Events;

/* Takes over socket and timer callbacks of `multi`, which must outlive it. Errors: of the system (descriptors), NO_MEMORY. */
MUST_USE Error *events_new(CURLM *multi, Events **ret_events);
void events_free(Events *events); /* before the multi handle's clean-up; NULL is allowed */
DEFINE_FREEP(Events, events_free)

/* Waits until something happens, at most `timeout_ms`, and not beyond curl's timer. 0 only looks. */
void events_wait(Events *events, int timeout_ms);
/* A socket that is not curl's: EPOLLIN and EPOLLOUT are `mask`; what happens goes to `act` with `owner`, which is not NULL. `owner` must be
 * forgotten before it is freed; nothing that was seen comes afterwards. */
void events_watch(Events *events, int socket, uint32_t mask, void *owner);
void events_change(Events *events, int socket, uint32_t mask, void *owner);
void events_forget(Events *events, int socket, const void *owner);

typedef void (*EventsAct)(void *context, void *owner, bool readable, bool writable);
/* Hands what events_wait saw, and a timer that is due, to curl's transfers, and to `act` what belongs to others. */
void events_act(Events *events, EventsAct act, void *context);
/* Looks at every transfer, whatever happened. */
void events_act_on_all(Events *events);

/* Ends the wait of the moment, or the next one. Any thread. */
void events_wake(Events *events);

#endif
