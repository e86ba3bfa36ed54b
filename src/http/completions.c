#include "http/completions.h"

#include "base/fiber.h"

void http_completions_init(HttpCompletions *completions)
{
    *completions = (HttpCompletions){0};
    pthread_mutex_init(&completions->lock, NULL);
    pthread_cond_init(&completions->some, NULL);
}

void http_completions_done(HttpCompletions *completions)
{
    ASSERT(completions->in_flight == 0);
    pthread_cond_destroy(&completions->some);
    pthread_mutex_destroy(&completions->lock);
}

void completions_return(ExchangeList *ended)
{
    HttpExchange *exchange = exchange_list_take(ended);

    while (exchange) {
        HttpCompletions *completions = exchange->completions;
        pthread_mutex_lock(&completions->lock);
        do {
            HttpExchange *following = exchange_list_take(ended);
            exchange_list_append(&completions->returned, exchange);
            exchange = following;
        } while (exchange && exchange->completions == completions);
        if (completions->waiting)
            pthread_cond_signal(&completions->some);
        if (completions->parked)
            fiber_wake(completions->parked);
        completions->parked = NULL;
        /* Once unlocked, the queue may be gone. */
        pthread_mutex_unlock(&completions->lock);
    }
}

/* Stops the fiber, or the thread where there is none. */
static void wait_locked(HttpCompletions *completions)
{
    completions->parked = fiber_current();
    if (completions->parked) {
        pthread_mutex_unlock(&completions->lock);
        fiber_park();
        pthread_mutex_lock(&completions->lock);
    } else {
        completions->waiting = true;
        pthread_cond_wait(&completions->some, &completions->lock);
    }
}

/* Takes all that has come back under one lock. */
static void collect(HttpCompletions *completions, bool wait)
{
    pthread_mutex_lock(&completions->lock);
    while (wait && !completions->returned.first)
        wait_locked(completions);
    completions->waiting = false;
    completions->mine = completions->returned.first;
    completions->returned = (ExchangeList){NULL, NULL};
    pthread_mutex_unlock(&completions->lock);
}

static HttpExchange *take(HttpCompletions *completions, bool wait)
{
    if (completions->in_flight == 0)
        return NULL;
    if (!completions->mine)
        collect(completions, wait);
    HttpExchange *exchange = completions->mine;
    if (exchange) {
        completions->mine = exchange->next;
        completions->in_flight--;
    }
    return exchange;
}

HttpExchange *http_next_completed(HttpCompletions *completions)
{
    return take(completions, true);
}

HttpExchange *http_try_completed(HttpCompletions *completions)
{
    return take(completions, false);
}
