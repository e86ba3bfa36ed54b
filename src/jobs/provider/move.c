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

/* None where the store has no such thing. */
MUST_USE static Error *tags_of(const Move *move, Store *store, Str key, unsigned count, Str *ret_tags)
{
    Error *error = store_get_tags(store, move->cancel, key, move->arena, ret_tags);
    if (error_code(error) == ERR_UNSUPPORTED && count == 0) {
        error_free(error); /* an answer */
        *ret_tags = STR_EMPTY;
        return NULL;
    }
    TRY_CTX(error, "read the tags of '" STR_FMT "' to compare them (the right s3:GetObjectTagging is needed)",
            STR_ARG(key));
    return NULL;
}

/* Names and values. */
MUST_USE static Error *compare_tags(const Move *move)
{
    Str from, to;
    TRY(tags_of(move, move->job->source.store, move->key, move->from.tag_count, &from));
    TRY(tags_of(move, target_store(move->job), move->to_key, move->to.tag_count, &to));
    return str_equal(from, to) ? NULL : differ(move, "tags");
}

/* A look at an object need not show that it has tags. What the service has copied just now has those that its source had; of what was there
 * before nobody knows. */
MUST_USE static Error *prove_tags(const Move *move, const ProviderItem *ended)
{
    if (move->from.tag_count != move->to.tag_count)
        return differ(move, "tags");
    bool unseen = ended->existed && move->job->removes;
    return unseen || move->from.tag_count > 0 ? compare_tags(move) : NULL;
}

/* Size, content, headers and metadata. Errors: EXISTS when they differ. */
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

/* Times are whole seconds: headers and metadata that were written anew within one have the same ETag and time. */
MUST_USE static Error *is_unchanged(const Move *move, const ObjectInfo *now, bool *ret_unchanged)
{
    const ObjectInfo *from = &move->from;
    Wanted wanted;
    TRY(wanted_of(from, METADATA_VERBATIM, move->arena, &wanted));
    *ret_unchanged = str_equal(now->etag, from->etag) && now->modified_us == from->modified_us
                     && str_equal(now->version_id, from->version_id) && now->tag_count == from->tag_count
                     && now->metadata_missing == from->metadata_missing && wanted_equals(&wanted, now, false);
    return NULL;
}

/* The last look is as late as it can be, that at the tags behind it, since they change without a new time: no request deletes only what is
 * unchanged on every service. */
MUST_USE static Error *remove_source(const Move *move, const ProviderItem *ended)
{
    ObjectInfo now;
    bool unchanged;
    Store *source = move->job->source.store;
    TRY_CTX(store_head(source, move->cancel, move->key, move->arena, &now), "look at it before it is removed");
    TRY(is_unchanged(move, &now, &unchanged));
    if (!unchanged)
        return FAIL(CHANGED, "it was replaced while it was copied to '" STR_FMT "': it is kept", STR_ARG(move->to_key));
    TRY(prove_tags(move, ended));
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
        TRY(prove_tags(move, ended));
        if (ended->existed)
            item_skip(item, "the destination is there already, and equal");
        return NULL;
    }
    TRY(remove_source(move, ended));
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
    if (error_code(error) == ERR_CHANGED) {
        error_free(error); /* the source as it is now is another one */
        *(ProviderItem *)item->data = (ProviderItem){0};
        error = move_object(&move, item);
    }
    return error && job->redact ? report_hide_key(report_hide_key(error, item->key), move.to_key) : error;
}
