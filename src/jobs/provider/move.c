/* move.c - one object to its new place: absent there or equal, copied, proven equal, and only then removed from the old one. */
#include <inttypes.h>

#include "jobs/copy/wanted.h"
#include "jobs/provider/job.h"

#define HEAD_ARENA_BYTES ((size_t)1 * MIB)
#define RANGE_BYTES ((uint64_t)1 * MIB)

/* One object's way. */
typedef struct Move {
    const AddProvider *job;
    const Cancel *cancel;
    Str key, to_key;
    ObjectInfo from, to; /* strings in `arena` */
    Arena *arena;
} Move;

/* ---- proof ---- */

MUST_USE static Error *differ(const Move *move, const char *what)
{
    return FAIL(EXISTS, "the destination '" STR_FMT "' has other %s than '" STR_FMT "': the source is kept",
                STR_ARG(move->to_key), what, STR_ARG(move->key));
}

/* The bytes themselves, where nothing else can tell: objects of several parts, encrypted ones. */
MUST_USE static Error *compare_content(const Move *move)
{
    CLEANUP(buffer_done) Buffer from = {.limit = RANGE_BYTES}, to = {.limit = RANGE_BYTES};
    for (uint64_t at = 0; at < move->from.size_bytes; at += RANGE_BYTES) {
        ByteRange range = {at, MIN(RANGE_BYTES, move->from.size_bytes - at)};
        buffer_clear(&from);
        buffer_clear(&to);
        TRY_CTX(store_get(move->job->source.store, move->cancel, move->key, range, move->from.etag, &from),
                "read it to compare it");
        TRY_CTX(store_get(target_store(move->job), move->cancel, move->to_key, range, move->to.etag, &to),
                "read '" STR_FMT "' to compare it", STR_ARG(move->to_key));
        if (!str_equal(buffer_str(&from), buffer_str(&to)))
            return differ(move, "content");
    }
    return NULL;
}

/* Size, content and metadata. Errors: EXISTS when they differ. */
MUST_USE static Error *prove_equal(const Move *move)
{
    const ObjectInfo *from = &move->from, *to = &move->to;
    if (from->size_bytes != to->size_bytes)
        return differ(move, "content (its size is different)");
    if (from->metadata_missing || to->metadata_missing)
        return FAIL(UNSUPPORTED, "the server cannot show all of its metadata (x-amz-missing-meta)");
    Wanted wanted;
    TRY(wanted_of(from, METADATA_VERBATIM, move->arena, &wanted));
    if (!wanted_equals(&wanted, to, false))
        return differ(move, "headers or metadata");
    if (from->tag_count != to->tag_count)
        return differ(move, "tags");
    if (from->etag.len > 0 && str_equal(from->etag, to->etag))
        return NULL;
    if (from->checksum.kind != CHECKSUM_NONE && checksum_equal(&from->checksum, &to->checksum))
        return NULL;
    return compare_content(move);
}

/* ---- the way ---- */

/* Only what the service says is not there is absent: the store asks first where a copy cannot be made to fail on what is. Then the destination is
 * looked at, whoever made it. */
MUST_USE static Error *copy(Move *move, ProviderItem *ended)
{
    const CopyOptions options = {.if_from_etag = move->from.etag, .from_info = &move->from, .mode = PUT_IF_ABSENT};
    Store *target = target_store(move->job);
    Error *error = store_copy(target, move->cancel, move->to_key, move->job->source.store, move->key, &options);
    ended->copied = !error;
    ended->existed = error_code(error) == ERR_EXISTS;
    if (error && !ended->existed)
        return error_wrap(error, "copy it to '" STR_FMT "'", STR_ARG(move->to_key));
    error_free(error); /* it is compared */
    error = store_head(target, move->cancel, move->to_key, move->arena, &move->to);
    if (error_code(error) == ERR_NOT_FOUND) {
        error_free(error); /* what it means here, and not that there is no source */
        return FAIL(CORRUPT, "the destination '" STR_FMT "' is not there after its copy", STR_ARG(move->to_key));
    }
    TRY_CTX(error, "look at the destination '" STR_FMT "'", STR_ARG(move->to_key));
    return NULL;
}

/* The last look is as late as it can be: no request deletes only what is unchanged on every service. */
MUST_USE static Error *remove_source(const Move *move)
{
    ObjectInfo now;
    Store *source = move->job->source.store;
    TRY_CTX(store_head(source, move->cancel, move->key, move->arena, &now), "look at it before it is removed");
    if (!str_equal(now.etag, move->from.etag) || now.modified_us != move->from.modified_us)
        return FAIL(CHANGED, "it was replaced while it was copied to '" STR_FMT "': it is kept", STR_ARG(move->to_key));
    TRY_CTX(store_delete(source, move->cancel, move->key), "remove it after its copy");
    return NULL;
}

MUST_USE static Error *move_object(Move *move, Item *item)
{
    ProviderItem *ended = item->data;
    TRY(store_head(move->job->source.store, move->cancel, move->key, move->arena, &move->from));
    TRY(copy(move, ended));
    TRY(prove_equal(move));
    if (ended->copied)
        item->bytes_done = move->from.size_bytes;
    if (!move->job->removes) {
        if (ended->existed)
            item_skip(item, "the destination is there already, and equal");
        return NULL;
    }
    TRY(remove_source(move));
    ended->removed = true;
    return NULL;
}

Error *provider_work(void *context, Worker *worker, Item *item)
{
    const AddProvider *job = context;
    CLEANUP(buffer_done) Buffer scratch = {0}, destination = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(HEAD_ARENA_BYTES);
    MediaTitle title;
    bool stays;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(find_destination(job, item->key, &scratch, &title, &destination, &stays));
    Move move = {.job = job,
                 .cancel = worker_cancel(worker),
                 .key = item->key,
                 .to_key = buffer_str(&destination),
                 .arena = arena};
    Error *error = move_object(&move, item);
    if (error_code(error) != ERR_CHANGED)
        return error;
    error_free(error); /* the source as it is now is another one */
    *(ProviderItem *)item->data = (ProviderItem){0};
    return move_object(&move, item);
}
