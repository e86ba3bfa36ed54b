#include "jobs/copy/content.h"

#include <stdlib.h>

enum { WINDOWS = 4 };

struct Content {
    StoreBatch *batch;
    Str key, etag;
    uint64_t size_bytes, count; /* of windows */
    uint64_t begun, given;      /* windows: those in between are fetched, or being fetched */
    StoreFetch fetches[WINDOWS];
    bool ended[WINDOWS];
};

Error *content_new(Store *store, const Cancel *cancel, Str key, const ObjectInfo *info, Content **ret_content)
{
    CLEANUP(content_freep) Content *content = calloc(1, sizeof *content);
    if (!content)
        return FAIL(NO_MEMORY, "out of memory");
    content->key = key;
    content->etag = info->etag;
    content->size_bytes = info->size_bytes;
    content->count = (info->size_bytes + CONTENT_WINDOW_BYTES - 1) / CONTENT_WINDOW_BYTES;
    TRY(store_batch_new(store, cancel, &content->batch));
    *ret_content = content;
    content = NULL;
    return NULL;
}

void content_free(Content *content)
{
    if (!content)
        return;
    store_batch_free(content->batch);
    for (size_t i = 0; i < WINDOWS; i++) {
        buffer_done(&content->fetches[i].body);
        error_free(content->fetches[i].error);
    }
    free(content);
}

static uint64_t window_bytes(const Content *content, uint64_t window)
{
    return MIN(CONTENT_WINDOW_BYTES, content->size_bytes - window * CONTENT_WINDOW_BYTES);
}

static void begin_windows(Content *content)
{
    for (; content->begun < content->count && content->begun < content->given + WINDOWS; content->begun++) {
        size_t slot = content->begun % WINDOWS;
        StoreFetch *fetch = &content->fetches[slot];
        buffer_clear(&fetch->body);
        Buffer body = fetch->body;
        body.limit = CONTENT_WINDOW_BYTES;
        *fetch = (StoreFetch){.key = content->key,
                              .if_etag = content->etag,
                              .range = {content->begun * CONTENT_WINDOW_BYTES, window_bytes(content, content->begun)},
                              .body = body};
        content->ended[slot] = false;
        store_batch_get(content->batch, fetch);
    }
}

/* Its error stays in its place: whoever asks again is told again. */
MUST_USE static Error *wait_for(Content *content, size_t slot)
{
    while (!content->ended[slot]) {
        StoreFetch *ended = store_batch_next(content->batch);
        ASSERT(ended);
        content->ended[ended - content->fetches] = true;
    }
    const Error *error = content->fetches[slot].error;
    return error ? error_copy(error) : NULL;
}

Error *content_next(Content *content, Bytes *ret_piece)
{
    begin_windows(content);
    if (content->given == content->count) {
        *ret_piece = BYTES_EMPTY;
        return NULL;
    }
    size_t slot = content->given % WINDOWS;
    uint64_t wanted = window_bytes(content, content->given);
    TRY(wait_for(content, slot));
    Bytes piece = buffer_bytes(&content->fetches[slot].body);
    if (piece.len != wanted)
        return FAIL(CHANGED, "%zu bytes came instead of %llu", piece.len, (unsigned long long)wanted);
    content->given++;
    *ret_piece = piece;
    return NULL;
}
