/* The service's own copy. By itself it keeps headers, metadata and tags, but not redirect, encryption and lock, so that these have to be read and
 * given to it. What hardly any object has is not looked for in every one: the first objects of a run, then one in so many, are
 * compared in everything; where that shows a difference, all that follow are looked at. Empty objects, which redirects use to be, always are. */
#include "jobs/copy/job.h"

enum { SAMPLED_FIRST = 32, SAMPLED_EVERY = 64 };
#define ONE_CALL_MAX_BYTES ((uint64_t)5 * GIB)

void work_choose_put(const Work *work, PutMode *ret_mode, Str *ret_if_etag)
{
    const CopyItem *own = work->own;
    bool there = own->state == TARGET_THERE && own->target.etag.len > 0;
    *ret_mode = own->state == TARGET_ABSENT ? PUT_IF_ABSENT : there ? PUT_IF_UNCHANGED : PUT_REPLACE;
    *ret_if_etag = there ? own->target.etag : STR_EMPTY;
}

/* ---- does the listing say enough? ---- */

static bool may_be_plain(const Work *work)
{
    const Copy *copy = work->copy;
    const ObjectInfo *source = &work->own->source;
    uint64_t parts_from = copy->multipart_from_bytes > 0 ? copy->multipart_from_bytes : ONE_CALL_MAX_BYTES;
    return copy->mode == METADATA_VERBATIM && copy->verify <= BY_SIZE && !copy->source_local && !copy->other_settings
           && !work->own->source_whole && source->size_bytes > 0 && source->size_bytes < parts_from
           && source->size_bytes <= ONE_CALL_MAX_BYTES && !copy->looks_at_source;
}

/* Every object of AWS is encrypted by AES256, which is what a copy gets there too. */
static bool has_settings(const ObjectHeaders *headers)
{
    bool usual = headers->encryption.len == 0 || str_equal(headers->encryption, STR("AES256"));
    return headers->website_redirect.len > 0 || headers->lock_mode.len > 0 || headers->lock_legal_hold.len > 0
           || !usual;
}

/* Looks at the source where it has to be known before it is copied. */
static Error *know_enough(Work *work)
{
    Copy *copy = work->copy;
    if (!may_be_plain(work))
        return copy->source_local && copy->mode == METADATA_VERBATIM ? NULL : work_know_source(work);
    uint64_t number = copy->plain++;
    if (number >= SAMPLED_FIRST && number % SAMPLED_EVERY != 0)
        return NULL;
    TRY(work_know_source(work));
    if (has_settings(&work->own->source.headers))
        copy->looks_at_source = true;
    work->sampled = !copy->looks_at_source;
    return NULL;
}

/* ---- the copy ---- */

/* Of what the source is known to have, the service is given all. */
static Error *give_everything(const Work *work, CopyOptions *options)
{
    const Copy *copy = work->copy;
    const ObjectInfo *source = &work->own->source;
    Wanted wanted;
    TRY(wanted_of(source, copy->mode, work->own->arena, &wanted));
    options->replace = true;
    options->headers = wanted.headers;
    options->metadata = wanted.metadata;
    options->replace_tags = copy->mode == METADATA_NONE && source->tag_count > 0;
    return NULL;
}

static Error *copy_as(Work *work, const ObjectInfo *from)
{
    const Copy *copy = work->copy;
    const CopyItem *own = work->own;
    CLEANUP(buffer_done) Buffer etag = {0};
    CopyOptions options = {.if_from_etag = own->source.etag,
                           .from_info = from,
                           .target_is_known = true,
                           .ret_etag = &etag,
                           .multipart_from_bytes = copy->multipart_from_bytes};
    work_choose_put(work, &options.mode, &options.if_etag);
    if (copy->mode != METADATA_VERBATIM || (copy->replaces && own->source_whole))
        TRY(give_everything(work, &options));
    TRY(store_copy(copy->target, work->cancel, own->target_key, copy->source.store, work->item->key, &options));
    work->proven = etag.len > 0 && str_equal(buffer_str(&etag), own->source.etag);
    return NULL;
}

Error *work_copy_by_service(Work *work)
{
    const ObjectInfo *source = &work->own->source;
    ObjectInfo listed;
    TRY(know_enough(work));
    if (work->own->source_whole && !work->sampled)
        return copy_as(work, source);
    /* A sample shows what becomes of the others, which have no more than this. */
    listed = (ObjectInfo){.size_bytes = source->size_bytes,
                          .modified_us = source->modified_us,
                          .etag = source->etag,
                          .headers.storage_class = source->headers.storage_class};
    return copy_as(work, work->copy->source_local ? NULL : &listed);
}

/* ---- what a sample shows ---- */

/* What was lost is given with the next copy onto it. */
static Error *copy_again(Work *work, const ObjectInfo *target)
{
    CopyItem *own = work->own;
    CopyOptions options = {.if_from_etag = own->source.etag,
                           .from_info = &own->source,
                           .mode = target->etag.len > 0 ? PUT_IF_UNCHANGED : PUT_REPLACE,
                           .if_etag = target->etag,
                           .target_is_known = true};
    TRY(give_everything(work, &options));
    return store_copy(work->copy->target, work->cancel, own->target_key, work->copy->source.store, work->item->key,
                      &options);
}

Error *work_check_sample(Work *work, const ObjectInfo *target)
{
    Copy *copy = work->copy;
    const ObjectInfo *source = &work->own->source;
    Wanted wanted;
    TRY(wanted_of(source, copy->mode, work->own->arena, &wanted));
    bool kept = wanted_equals(&wanted, target, false);
    if (kept && str_equal(source->headers.encryption, target->headers.encryption))
        return NULL;
    if (!kept && !atomic_exchange(&copy->replaces, true))
        log_warning(copy->env->log,
                    "The server's own copies lose headers or metadata, which are given to it from now on; "
                    "run again at the end, which compares all of them");
    copy->looks_at_source = true;
    TRY_CTX(copy_again(work, target), "give the copy '" STR_FMT "' what the server has left out",
            STR_ARG(work->own->target_key));
    return NULL;
}
