#include "jobs/timestamp/ranges.h"

#include <inttypes.h>

Error *ranges_init(Ranges *ranges, const RangesOptions *options)
{
    ASSERT(options->ahead <= RANGES_AHEAD_MAX);
    *ranges = (Ranges){.options = *options};
    return store_batch_new(options->store, options->cancel, &ranges->batch);
}

void ranges_done(Ranges *ranges)
{
    store_batch_free(ranges->batch);
    for (size_t i = 0; i < ARRAY_COUNT(ranges->fetches); i++) {
        buffer_done(&ranges->fetches[i].body);
        error_free(ranges->fetches[i].error);
    }
    *ranges = (Ranges){0};
}

static size_t slot_of(const Ranges *ranges, uint64_t range)
{
    return range % (ranges->options.ahead + 1);
}

static void ask(Ranges *ranges)
{
    const RangesOptions *options = &ranges->options;
    while (ranges->begun <= ranges->read + options->ahead && ranges->next_offset_bytes < options->size_bytes) {
        size_t slot = slot_of(ranges, ranges->begun++);
        StoreFetch *fetch = &ranges->fetches[slot];
        uint64_t offset = ranges->next_offset_bytes, wanted = MIN(MAX(offset, options->first_bytes), RANGE_MAX_BYTES);
        ByteRange range = {offset, MIN(wanted, options->size_bytes - offset)};
        Buffer body = fetch->body;
        buffer_clear(&body);
        body.limit = RANGE_MAX_BYTES;
        *fetch = (StoreFetch){.key = options->key, .if_etag = options->etag, .range = range, .body = body};
        ranges->arrived[slot] = false;
        ranges->next_offset_bytes += range.length_bytes;
        store_batch_get(ranges->batch, fetch);
    }
}

MUST_USE static Error *wait_for(Ranges *ranges, size_t slot)
{
    while (!ranges->arrived[slot]) {
        StoreFetch *fetch = store_batch_next(ranges->batch);
        ASSERT(fetch);
        Error *error = fetch->error;
        fetch->error = NULL;
        TRY(error);
        if (fetch->body.len != fetch->range.length_bytes)
            return FAIL(CORRUPT, "%zu bytes came of a range of %" PRIu64, fetch->body.len, fetch->range.length_bytes);
        ranges->arrived[fetch - ranges->fetches] = true;
    }
    return NULL;
}

Error *ranges_peek(Ranges *ranges, Bytes *ret_bytes)
{
    *ret_bytes = BYTES_EMPTY;
    ask(ranges);
    if (ranges->read == ranges->begun)
        return NULL;
    size_t slot = slot_of(ranges, ranges->read);
    TRY(wait_for(ranges, slot));
    Bytes body = buffer_bytes(&ranges->fetches[slot].body);
    *ret_bytes = bytes_from(body.data + ranges->at, body.len - ranges->at);
    return NULL;
}

static void give_away(Buffer *body, Buffer *out)
{
    Buffer other = *out;
    *out = *body;
    out->limit = other.limit;
    *body = other;
}

Error *ranges_read(Ranges *ranges, size_t len, Buffer *out)
{
    Bytes bytes;
    TRY(ranges_peek(ranges, &bytes));
    if (bytes.len == 0)
        return NULL;
    bool whole = out->len == 0 && ranges->at == 0;
    size_t taken = whole ? bytes.len : MIN(len, bytes.len);
    if (whole)
        give_away(&ranges->fetches[slot_of(ranges, ranges->read)].body, out);
    else
        TRY(buffer_append(out, bytes.data, taken));
    ranges->at += taken;
    if (taken == bytes.len) {
        ranges->at = 0;
        ranges->read++;
    }
    return NULL;
}
