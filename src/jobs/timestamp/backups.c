/* backups.c - "KEY.backup" objects that runs of the original left behind: found, proven to hold what KEY holds, removed. */
#include <inttypes.h>
#include <string.h>

#include "jobs/timestamp/job.h"

#define HEAD_ARENA_BYTES ((size_t)1 * MIB)
#define COMPARED_BYTES ((size_t)1 * MIB)

/* Range after range; an object that is replaced meanwhile is CHANGED. */
MUST_USE static Error *compare_content(const Timestamp *job, const Cancel *cancel, const ObjectInfo *a,
                                       const ObjectInfo *b, bool *ret_same)
{
    CLEANUP(buffer_done) Buffer a_piece = {0};
    CLEANUP(buffer_done) Buffer b_piece = {0};
    Store *store = job->source.store;
    *ret_same = a->size_bytes == b->size_bytes;
    for (uint64_t at = 0; *ret_same && at < a->size_bytes; at += COMPARED_BYTES) {
        ByteRange range = {at, MIN(COMPARED_BYTES, a->size_bytes - at)};
        buffer_clear(&a_piece);
        buffer_clear(&b_piece);
        TRY(store_get(store, cancel, a->key, range, a->etag, &a_piece));
        TRY(store_get(store, cancel, b->key, range, b->etag, &b_piece));
        *ret_same = str_equal(buffer_str(&a_piece), buffer_str(&b_piece));
    }
    return NULL;
}

MUST_USE static Error *is_stale(const Timestamp *job, const Cancel *cancel, Item *item, const ObjectInfo *backup,
                                bool *ret_stale)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(HEAD_ARENA_BYTES);
    ObjectInfo object;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    Str key = str_slice(item->key, 0, item->key.len - STR(".backup").len);
    *ret_stale = false;
    Error *error = store_head(job->source.store, cancel, key, arena, &object);
    if (error_code(error) == ERR_NOT_FOUND) {
        error_free(error);
        item_skip(item, "kept: there is no object that it is the backup of");
        return NULL;
    }
    TRY(error);
    object.key = key;
    *ret_stale = object.size_bytes == backup->size_bytes && str_equal(object.etag, backup->etag);
    if (!*ret_stale) /* a copy of an object uploaded in parts has another ETag */
        TRY_CTX(compare_content(job, cancel, &object, backup, ret_stale), "compare it with its object");
    if (!*ret_stale)
        item_skip(item, "kept: its object has other content");
    return NULL;
}

Error *backup_work(void *context, Worker *worker, Item *item)
{
    const Timestamp *job = context;
    TimestampItem *state = item->data;
    const Cancel *cancel = worker_cancel(worker);
    CLEANUP(arena_freep) Arena *arena = arena_new(HEAD_ARENA_BYTES);
    ObjectInfo backup;
    bool stale;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(store_head(job->source.store, cancel, item->key, arena, &backup));
    backup.key = item->key;
    state->found_bytes = backup.size_bytes;
    TRY(is_stale(job, cancel, item, &backup, &stale));
    if (stale && !job->dry_run && config_bool(job->env->config, "yes"))
        TRY_CTX(store_delete(job->source.store, cancel, item->key), "remove the backup");
    return NULL;
}

Error *backup_commit(void *context, Item *item)
{
    Timestamp *job = context;
    const TimestampItem *state = item->data;
    job->lines_count++;
    job->bytes_found += state->found_bytes;
    TRY(timestamp_append_url(job, item->key, &job->lines));
    return buffer_append_byte(&job->lines, '\n');
}
