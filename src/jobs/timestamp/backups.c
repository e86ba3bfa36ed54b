/* backups.c - "KEY.backup" objects that runs of the original left behind: found, proven to hold nothing that KEY does not,
 * removed. The original's rewrite lost headers, so that its backup may be all that is left of them. */
#include <inttypes.h>
#include <string.h>

#include "jobs/copy/wanted.h"
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

MUST_USE static Error *compare_tags(const Timestamp *job, const Cancel *cancel, const ObjectInfo *object,
                                    const ObjectInfo *backup, Arena *arena, Buffer *lost)
{
    Str object_tags, backup_tags;
    if (backup->tag_count == 0)
        return NULL;
    TRY(store_get_tags(job->source.store, cancel, object->key, arena, &object_tags));
    TRY(store_get_tags(job->source.store, cancel, backup->key, arena, &backup_tags));
    if (str_equal(object_tags, backup_tags))
        return NULL;
    return buffer_append_format(lost, "%stags", lost->len ? ", " : "");
}

/* The names of what only the backup has; the time that the rewrite was for is none of it. */
MUST_USE static Error *find_losses(const Timestamp *job, const Cancel *cancel, const ObjectInfo *object,
                                   const ObjectInfo *backup, Arena *arena, Buffer *lost)
{
    Wanted wanted;
    if (object->metadata_missing || backup->metadata_missing)
        return buffer_append_str(lost, STR("metadata that the server cannot show"));
    TRY(wanted_of(backup, METADATA_VERBATIM, arena, &wanted));
    TRY(wanted_append_losses(&wanted, object, job->name, lost));
    return compare_tags(job, cancel, object, backup, arena, lost);
}

/* In the summary, and by name in the log. */
static void keep(const Timestamp *job, Item *item, const char *why, Str more)
{
    CLEANUP(buffer_done) Buffer shown = {0};
    item_skip(item, "kept: %s" STR_FMT, why, STR_ARG(more));
    log_warning(job->env->log, "'%s' is kept: %s" STR_FMT, timestamp_shown(job, item->key, &shown), why, STR_ARG(more));
}

/* Is everything of the backup in its object, too? If not, the item says what is not. */
MUST_USE static Error *is_stale(const Timestamp *job, const Cancel *cancel, Item *item, const ObjectInfo *backup,
                                Arena *arena, bool *ret_stale)
{
    CLEANUP(buffer_done) Buffer lost = {0};
    ObjectInfo object;
    bool same;
    Str key = str_slice(item->key, 0, item->key.len - STR(".backup").len);
    *ret_stale = false;
    Error *error = store_head(job->source.store, cancel, key, arena, &object);
    if (error_code(error) == ERR_NOT_FOUND) {
        error_free(error);
        keep(job, item, "there is no object that it is the backup of", STR_EMPTY);
        return NULL;
    }
    TRY(error);
    object.key = key;
    same = object.size_bytes == backup->size_bytes && str_equal(object.etag, backup->etag);
    if (!same) /* a copy of an object uploaded in parts has another ETag */
        TRY_CTX(compare_content(job, cancel, &object, backup, &same), "compare it with its object");
    if (!same) {
        keep(job, item, "its object has other content", STR_EMPTY);
        return NULL;
    }
    TRY_CTX(find_losses(job, cancel, &object, backup, arena, &lost), "compare it with its object");
    *ret_stale = lost.len == 0;
    if (lost.len)
        keep(job, item, "its object does not have its ", buffer_str(&lost));
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
    TRY(is_stale(job, cancel, item, &backup, arena, &stale));
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
