/* The transfer of one object: by the service, or through this machine in bounded memory. */
#include <stdlib.h>

#include "base/fiber.h"
#include "base/thread.h"
#include "jobs/copy/content.h"
#include "jobs/copy/job.h"
#include "jobs/ingest/spool.h"

/* ---- tags ---- */

static Error *cannot_read_tags(Error *take_error, const char *side)
{
    return error_wrap(take_error, "read the tags of the %s (the right s3:GetObjectTagging is needed)", side);
}

static Error *source_tags(const Work *work, Str *ret_tags)
{
    const CopyItem *own = work->own;
    *ret_tags = STR_EMPTY;
    if (own->source.tag_count == 0 || work->copy->source_local)
        return NULL;
    Error *error = store_get_tags(work->copy->source.store, work->cancel, work->item->key, own->arena, ret_tags);
    return error ? cannot_read_tags(error, "source") : NULL;
}

static Error *target_tags(const Work *work, Str *ret_tags)
{
    const CopyItem *own = work->own;
    *ret_tags = STR_EMPTY;
    if (own->state != TARGET_THERE || own->target.tag_count == 0)
        return NULL;
    Error *error = store_get_tags(work->copy->target, work->cancel, own->target_key, own->arena, ret_tags);
    return error ? cannot_read_tags(error, "destination") : NULL;
}

static Error *compare_tags(const Work *work, bool *ret_equal)
{
    Str source, target;
    TRY(source_tags(work, &source));
    TRY(target_tags(work, &target));
    *ret_equal = str_equal(source, target);
    return NULL;
}

Error *work_tags_equal(Work *work, bool *ret_equal)
{
    Copy *copy = work->copy;
    const CopyItem *own = work->own;
    *ret_equal = true;
    if (copy->source_local || copy->target_local)
        return NULL; /* directories have none */
    Error *error = compare_tags(work, ret_equal);
    if (error_code(error) != ERR_DENIED)
        return error;
    if (own->source.tag_count != own->target.tag_count)
        return error_wrap(error, "give the copy the source's tags; --no-sync-metadata leaves copies as they are");
    if (!atomic_exchange(&copy->tags_untold, true))
        log_warning(copy->env->log,
                    "Tags cannot be compared and are left as they are, here and in what follows; --no-sync-metadata "
                    "does not look at the metadata of copies: %s",
                    error_message_view(error));
    error_free(error); /* told */
    return NULL;
}

/* A copy of mode none has no tags, nor has one from a directory. */
static Error *tags_before_after(const Work *work, Str *ret_before, Str *ret_after)
{
    *ret_after = STR_EMPTY;
    TRY(target_tags(work, ret_before));
    return work->copy->mode == METADATA_NONE ? NULL : source_tags(work, ret_after);
}

static Error *append_tags(Buffer *out, Str tags)
{
    return tags.len ? buffer_append_format(out, "'" STR_FMT "'", STR_ARG(tags)) : buffer_append_str(out, STR("none"));
}

Error *work_append_tag_difference(Work *work, Buffer *out)
{
    const CopyItem *own = work->own;
    Str before, after;
    if (work->copy->target_local)
        return NULL;
    Error *error = tags_before_after(work, &before, &after);
    if (error_code(error) == ERR_DENIED) { /* whether a copy can be made without this right is the service's to say */
        error_free(error);
        return buffer_append_format(out, "%stags %u -> %u, which may not be read", out->len ? ", " : "",
                                    own->state == TARGET_THERE ? own->target.tag_count : 0, own->source.tag_count);
    }
    TRY(error);
    if (str_equal(before, after))
        return NULL;
    TRY(buffer_append_format(out, "%stags ", out->len ? ", " : ""));
    TRY(append_tags(out, before));
    TRY(buffer_append_str(out, STR(" -> ")));
    return append_tags(out, after);
}

/* ---- through this machine ---- */

/* Network threads read it; a local file is as near as a spooled one. */
static Error *read_local(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    const Work *work = context;
    CLEANUP(buffer_done) Buffer piece = {.limit = len};
    TRY(store_get(work->copy->source.store, NULL, work->item->key, (ByteRange){offset_bytes, len},
                  work->own->source.etag, &piece));
    if (piece.len != len)
        return FAIL(CHANGED, "the source became shorter while it was copied");
    if (len)
        memcpy(out, piece.data, len);
    return NULL;
}

/* More than is held in memory at once; what is not large comes in one piece, whose checksum proves it. */
static bool is_large(const ObjectInfo *info)
{
    return info->size_bytes > CONTENT_WINDOW_BYTES;
}

/* Where it can be read again, and in any order, as services' uploads are. */
static Error *spool_content(Work *work, Spool *spool)
{
    CLEANUP(content_freep) Content *content = NULL;
    Bytes piece;
    TRY(content_new(work->copy->source.store, work->cancel, work->item->key, &work->own->source, &content));
    do {
        TRY(content_next(content, &piece));
        TRY(spool_write(spool, piece));
        work_moved(work, piece.len);
    } while (piece.len > 0);
    return NULL;
}

/* A directory takes it as it comes. */
typedef struct Incoming {
    Work *work;
    Content *content;
    Bytes rest; /* of the piece that came last */
    uint64_t taken_bytes;
    bool failed; /* the source, and not who takes it */
} Incoming;

static Error *next_incoming(Incoming *incoming)
{
    Error *error = content_next(incoming->content, &incoming->rest);
    incoming->failed = error != NULL;
    return error;
}

static Error *read_incoming(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    Incoming *incoming = context;
    if (offset_bytes != incoming->taken_bytes)
        return FAIL(UNSUPPORTED, "it is read from byte %llu on, but only byte %llu comes next",
                    (unsigned long long)offset_bytes, (unsigned long long)incoming->taken_bytes);
    for (size_t done = 0; done < len;) {
        if (incoming->rest.len == 0)
            TRY(next_incoming(incoming));
        if (incoming->rest.len == 0)
            return FAIL(UNSUPPORTED, "more is read than its %llu bytes",
                        (unsigned long long)incoming->work->own->source.size_bytes);
        size_t bytes = MIN(len - done, incoming->rest.len);
        memcpy(out + done, incoming->rest.data, bytes);
        incoming->rest = bytes_from(incoming->rest.data + bytes, incoming->rest.len - bytes);
        done += bytes;
    }
    incoming->taken_bytes += len;
    work_moved(incoming->work, len);
    return NULL;
}

static Error *describe_put(Work *work, PutOptions *put)
{
    const Copy *copy = work->copy;
    Wanted wanted;
    TRY(wanted_of(&work->own->source, copy->mode, work->own->arena, &wanted));
    wanted_for_another_service(&wanted);
    work_choose_put(work, &put->mode, &put->if_etag);
    put->headers = wanted.headers;
    put->metadata = wanted.metadata;
    if (copy->target_local || copy->mode == METADATA_NONE)
        return NULL;
    TRY_CTX(source_tags(work, &put->tags), "nothing is copied without its tags");
    return NULL;
}

static Error *put_small(Work *work, const PutOptions *put)
{
    const Copy *copy = work->copy;
    const ObjectInfo *source = &work->own->source;
    CLEANUP(buffer_done) Buffer body = {.limit = CONTENT_WINDOW_BYTES};
    TRY_CTX(store_get(copy->source.store, work->cancel, work->item->key, BYTE_RANGE_ALL, source->etag, &body),
            "read the source");
    TRY_CTX(store_put_bytes(copy->target, work->cancel, work->own->target_key, buffer_bytes(&body), put),
            "at the destination");
    return NULL;
}

/* First to this machine, then from it: that is half of the way each. */
static Error *put_spooled(Work *work, const PutOptions *put)
{
    const Copy *copy = work->copy;
    CLEANUP(spool_done) Spool spool = {.directories = copy->scratch};
    work->ways = 2;
    TRY_CTX(spool_content(work, &spool), "read the source");
    PutBody body = spool_body(&spool);
    TRY_CTX(store_put(copy->target, work->cancel, work->own->target_key, &body, put), "at the destination");
    return NULL;
}

static Error *put_incoming(Work *work, const PutOptions *put)
{
    const Copy *copy = work->copy;
    const ObjectInfo *source = &work->own->source;
    CLEANUP(content_freep) Content *content = NULL;
    TRY(content_new(copy->source.store, work->cancel, work->item->key, source, &content));
    Incoming incoming = {.work = work, .content = content};
    PutBody body = {source->size_bytes, read_incoming, &incoming};
    Error *error = store_put(copy->target, work->cancel, work->own->target_key, &body, put);
    return error ? error_wrap(error, incoming.failed ? "read the source" : "at the destination") : NULL;
}

static Error *put_local(Work *work, const PutOptions *put)
{
    PutBody body = {work->own->source.size_bytes, read_local, work};
    TRY_CTX(store_put(work->copy->target, work->cancel, work->own->target_key, &body, put), "at the destination");
    return NULL;
}

static Error *copy_through(Work *work)
{
    const Copy *copy = work->copy;
    PutOptions put = {.meter = work_meter(work)};
    TRY(work_know_source(work));
    TRY(describe_put(work, &put));
    if (copy->source_local)
        return put_local(work, &put);
    if (!is_large(&work->own->source))
        return put_small(work, &put);
    return copy->target_local ? put_incoming(work, &put) : put_spooled(work, &put);
}

/* ---- beside the fibers ---- */

typedef struct Errand {
    Work *work;
    Error *error;
    Fiber *waiting;
} Errand;

static void run_errand(void *context)
{
    Errand *errand = context;
    errand->error = copy_through(errand->work);
    fiber_wake(errand->waiting);
}

/* What a file has to hold goes by a thread of its own: a disk that is slow would keep all other fibers waiting. */
static Error *copy_through_beside(Work *work)
{
    Errand errand = {.work = work, .waiting = fiber_current()};
    Thread thread = {0};
    if (!errand.waiting || !is_large(&work->own->source))
        return copy_through(work);
    TRY(thread_start(&thread, "copy-file", run_errand, &errand));
    fiber_park();
    thread_join(&thread);
    return errand.error;
}

/* ---- which way ---- */

/* What the service cannot or may not do by itself can still be read here and written there. */
static bool can_go_through(const Copy *copy, const Error *error)
{
    ErrorCode code = error_code(error);
    return code == ERR_UNSUPPORTED || (code == ERR_DENIED && copy->other_settings);
}

static Error *explain(Error *take_error)
{
    if (error_code(take_error) == ERR_EXISTS)
        return error_wrap(take_error,
                          "something else wrote to this key of the destination meanwhile; it is left alone, run again "
                          "to compare");
    if (error_code(take_error) == ERR_CHANGED)
        return error_wrap(take_error,
                          "source or destination changed during the copy; run again to copy what is there now");
    return take_error;
}

/* Where the plan has not counted content, it waits for its room. */
static Error *in_room(Work *work, uint64_t bytes, Error *(*pass)(Work *work))
{
    Copy *copy = work->copy;
    if (copy->streams)
        return pass(work);
    uint64_t taken = room_take(&copy->room, bytes);
    Error *error = pass(work);
    room_give(&copy->room, taken);
    return error;
}

Error *work_copy(Work *work)
{
    const Copy *copy = work->copy;
    Error *error = NULL;
    bool through = copy->source_local != copy->target_local;
    if (!through) {
        error = work_copy_by_service(work);
        through = can_go_through(copy, error);
        if (through) {
            error_free(error); /* the other way is tried */
            error = NULL;
        }
    }
    if (through)
        error = in_room(work, MIN(work->own->source.size_bytes, STREAMED_BYTES_MAX), copy_through_beside);
    return error ? explain(error) : NULL;
}

/* ---- metadata alone ---- */

Error *work_rewrite_metadata(Work *work)
{
    const Copy *copy = work->copy;
    CopyItem *own = work->own;
    Wanted wanted;
    bool tags_equal = true;
    TRY(wanted_of(&own->source, copy->mode, own->arena, &wanted));
    TRY(work_tags_equal(work, &tags_equal));
    /* What the service has chosen for the object stays. */
    const ObjectHeaders *has = &own->target.headers;
    wanted.headers.storage_class = has->storage_class;
    wanted.headers.encryption = has->encryption;
    wanted.headers.encryption_key_id = has->encryption_key_id;
    wanted.headers.bucket_key = has->bucket_key;
    wanted.headers.lock_mode = has->lock_mode;
    wanted.headers.lock_until = has->lock_until;
    wanted.headers.lock_legal_hold = has->lock_legal_hold;
    CopyOptions options = {.if_from_etag = own->target.etag,
                           .from_info = &own->target, /* as it was when it was found to differ */
                           .replace = true,
                           .headers = wanted.headers,
                           .metadata = wanted.metadata,
                           .replace_tags = !tags_equal,
                           .multipart_from_bytes = copy->multipart_from_bytes};
    if (!tags_equal)
        TRY(source_tags(work, &options.tags));
    TRY(item_rewrites(work->item, own->target.etag));
    Error *error = store_copy(copy->target, work->cancel, own->target_key, copy->target, own->target_key, &options);
    if (error)
        return explain(error);
    old_versions_note(&work->copy->old, &own->target);
    return NULL;
}

/* ---- the result ---- */

static Error *read_window(Store *store, const Work *work, Str key, const ObjectInfo *info, uint64_t offset, Buffer *out)
{
    buffer_clear(out);
    out->limit = CONTENT_WINDOW_BYTES;
    return store_get(store, work->cancel, key, (ByteRange){offset, CONTENT_WINDOW_BYTES}, info->etag, out);
}

static Error *compare_content(Work *work)
{
    const ObjectInfo *source = &work->own->source, *target = &work->own->target;
    CLEANUP(buffer_done) Buffer a = {0}, b = {0};
    for (uint64_t at = 0; at < source->size_bytes; at += CONTENT_WINDOW_BYTES) {
        TRY(read_window(work->copy->source.store, work, work->item->key, source, at, &a));
        TRY(read_window(work->copy->target, work, work->own->target_key, target, at, &b));
        if (!str_equal(buffer_str(&a), buffer_str(&b)))
            return FAIL(CORRUPT, "the copy differs from its source within the %llu bytes at %llu",
                        (unsigned long long)a.len, (unsigned long long)at);
    }
    return NULL;
}

static Error *prove(Work *work, const ObjectInfo *target)
{
    const Copy *copy = work->copy;
    const ObjectInfo *source = &work->own->source;
    if (target->size_bytes != source->size_bytes)
        return FAIL(CORRUPT, "the copy has %llu bytes, its source %llu", (unsigned long long)target->size_bytes,
                    (unsigned long long)source->size_bytes);
    if (copy->verify == BY_SIZE)
        return NULL;
    TRY(work_know_source(work));
    Sameness same = copy->verify == BY_ETAG ? copy_same_by_etag(copy, source, target, true) : UNPROVEN;
    if (same == UNPROVEN)
        same = copy_same_by_checksum(source, target);
    if (same == DIFFERENT)
        return FAIL(CORRUPT, "the copy has another %s than its source", copy->verify == BY_ETAG ? "ETag" : "checksum");
    if (same == SAME)
        return NULL;
    work->own->target = *target;
    return in_room(work, 2 * MIN(source->size_bytes, CONTENT_WINDOW_BYTES), compare_content);
}

Error *work_verify(Work *work)
{
    ObjectInfo target;
    VerifyBy verify = work->copy->verify;
    if (!work->sampled && (verify == BY_NOTHING || (work->proven && verify != BY_CHECKSUM)))
        return NULL;
    TRY_CTX(store_head(work->copy->target, work->cancel, work->own->target_key, work->own->arena, &target),
            "look at the copy '" STR_FMT "'", STR_ARG(work->own->target_key));
    if (verify != BY_NOTHING)
        TRY_CTX(prove(work, &target), "check the copy '" STR_FMT "'", STR_ARG(work->own->target_key));
    if (work->plain) { /* another ETag: it has several parts, or is encrypted in another way, which is to be seen */
        TRY(work_know_source(work));
        work->sampled = true;
    }
    return work->sampled ? work_check_sample(work, &target) : NULL;
}
