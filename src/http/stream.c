#include <stdlib.h>

#include "http/http.h"
#include "http/network.h"

struct HttpStream {
    /* fixed */
    HttpExchange *exchange;
    size_t capacity;
    Cancel cancel; /* child of the reader's; raised to end the transfer */

    /* The queue's lock and condition are the stream's too, so that a reader waits for a piece or for the end at once. */
    HttpCompletions completions;
    size_t start, len;  /* under the lock: the part of `ring` that is filled */
    bool writer_paused; /* under the lock */

    uint64_t skip_bytes;    /* the network thread's: of a repeated body, what the reader already has */
    uint64_t written_bytes; /* the network thread's: what went into the ring so far */
    bool ended;             /* the reader's, as the next: the exchange is back */
    Error *error;
    uint8_t ring[];
};

enum { STREAM_BUFFER_LEAST = 64 * 1024 };

static Error *stream_begin(void *context, uint64_t offset_bytes, uint64_t length_bytes)
{
    HttpStream *stream = context;

    (void)length_bytes;
    ASSERT(offset_bytes <= stream->written_bytes);
    stream->skip_bytes = stream->written_bytes - offset_bytes;
    return NULL;
}

static void ring_put(HttpStream *stream, Bytes data)
{
    size_t at = (stream->start + stream->len) % stream->capacity;
    size_t head = MIN(data.len, stream->capacity - at);

    memcpy(stream->ring + at, data.data, head);
    memcpy(stream->ring, data.data + head, data.len - head);
    stream->len += data.len;
}

static Error *stream_write(void *context, Bytes data, size_t *taken_bytes)
{
    HttpStream *stream = context;
    size_t skipped = (size_t)MIN((uint64_t)data.len, stream->skip_bytes);
    Bytes fresh = bytes_from(data.data + skipped, data.len - skipped);

    pthread_mutex_lock(&stream->completions.lock);
    size_t room = stream->capacity - stream->len;
    stream->writer_paused = fresh.len > room;
    fresh.len = MIN(fresh.len, room);
    if (fresh.len > 0) {
        ring_put(stream, fresh);
        if (stream->completions.waiting)
            pthread_cond_signal(&stream->completions.some);
    }
    pthread_mutex_unlock(&stream->completions.lock);
    stream->skip_bytes -= skipped;
    stream->written_bytes += fresh.len;
    *taken_bytes = skipped + fresh.len;
    return NULL;
}

Error *http_stream_start(HttpClient *client, const Cancel *cancel, HttpExchange *exchange, size_t buffer_bytes,
                         HttpStream **ret_stream)
{
    static const HttpSinkCalls calls = {.begin = stream_begin, .write = stream_write};
    size_t capacity = MAX(buffer_bytes, (size_t)STREAM_BUFFER_LEAST);
    HttpStream *stream = capacity < SIZE_MAX / 2 ? calloc(1, sizeof *stream + capacity) : NULL;
    if (!stream)
        return FAIL(NO_MEMORY, "no memory for a stream buffer of %zu bytes", capacity);

    stream->exchange = exchange;
    stream->capacity = capacity;
    stream->cancel.parent = cancel;
    http_completions_init(&stream->completions);
    exchange->sink = (HttpSink){.calls = &calls, .context = stream};
    exchange->cancel = &stream->cancel;
    http_submit(client, &stream->completions, exchange);
    *ret_stream = stream;
    return NULL;
}

static size_t ring_take(HttpStream *stream, uint8_t *out, size_t len)
{
    size_t taken = MIN(len, stream->len);
    size_t head = MIN(taken, stream->capacity - stream->start);

    memcpy(out, stream->ring + stream->start, head);
    memcpy(out + head, stream->ring, taken - head);
    stream->start = (stream->start + taken) % stream->capacity;
    stream->len -= taken;
    return taken;
}

/* Takes what there is, or waits until there is something or the exchange is back. `*ret_wake`: the writer may go on. */
static size_t take_or_wait(HttpStream *stream, uint8_t *out, size_t len, bool *ret_wake)
{
    HttpCompletions *completions = &stream->completions;

    pthread_mutex_lock(&completions->lock);
    while (stream->len == 0 && !completions->returned.first && !stream->ended) {
        completions->waiting = true;
        pthread_cond_wait(&completions->some, &completions->lock);
    }
    completions->waiting = false;
    size_t taken = ring_take(stream, out, len);
    /* Half empty before it goes on, or each small read would cost a wake-up. */
    *ret_wake = stream->writer_paused && stream->len <= stream->capacity / 2;
    if (*ret_wake)
        stream->writer_paused = false;
    pthread_mutex_unlock(&completions->lock);
    return taken;
}

Error *http_stream_read(HttpStream *stream, uint8_t *out, size_t len, size_t *ret_read)
{
    bool wake;
    size_t taken = take_or_wait(stream, out, len, &wake);

    if (wake)
        network_poke(stream->exchange->network);
    if (taken == 0 && len > 0) {
        if (!stream->ended) {
            http_next_completed(&stream->completions);
            stream->ended = true;
            stream->error = stream->exchange->error;
            stream->exchange->error = NULL;
        }
        if (stream->error)
            return error_copy(stream->error);
    }
    *ret_read = taken;
    return NULL;
}

void http_stream_free(HttpStream *stream)
{
    if (!stream)
        return;
    if (!stream->ended) {
        cancel_raise(&stream->cancel, CANCEL_STOP);
        network_poke(stream->exchange->network);
        http_next_completed(&stream->completions);
        error_free(stream->exchange->error);
        stream->exchange->error = NULL;
    }
    error_free(stream->error);
    http_completions_done(&stream->completions);
    free(stream);
}
