/* events.h - what a network thread waits for: its sockets by epoll(7), curl's timer, and a word from other threads.
 *
 * curl_multi_poll and curl_multi_perform look at every transfer whenever one of them has something; with this a round costs what happened in
 * it. One thread, but for events_wake. Source: libcurl, "multi_socket"; used as its documentation has it. */
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
/* Hands what events_wait saw, and a timer that is due, to the transfers. */
void events_act(Events *events);
/* Looks at every transfer, whatever happened. */
void events_act_on_all(Events *events);

/* Ends the wait of the moment, or the next one. Any thread. */
void events_wake(Events *events);

#endif
