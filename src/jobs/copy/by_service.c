/* The service's own copy. By itself it keeps headers, metadata and tags, but not redirect, encryption and lock, so that these have to be read and
 * given to it. What hardly any object has is not looked for in every one: the buckets are asked once whether theirs may have it, and only then, or where
 * they do not tell, every object is looked at before it is copied. Of the others those are whose copy got another ETag, as a key of KMS makes
 * it, and empty ones, which redirects use to be; and the first of a run, then one in so many, are compared in everything: where that shows a
 * difference, all that follow are looked at. */
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

/* Is there any object that the listing could be enough for? */
static bool run_may_be_plain(const Copy *copy)
{
    return copy->mode == METADATA_VERBATIM && copy->verify <= BY_SIZE && !copy->source_local && !copy->target_local
           && !copy->other_settings && !copy->looks_at_source;
}

static bool may_be_plain(const Work *work)
{
    const Copy *copy = work->copy;
    const ObjectInfo *source = &work->own->source;
    uint64_t parts_from = copy->multipart_from_bytes > 0 ? copy->multipart_from_bytes : ONE_CALL_MAX_BYTES;
    return run_may_be_plain(copy) && !work->own->source_whole && source->size_bytes > 0
           && source->size_bytes < parts_from && source->size_bytes <= ONE_CALL_MAX_BYTES;
}

static const char *const features[] = {[BUCKET_WEBSITE] = "is a website, whose objects may redirect",
                                       [BUCKET_LOCK] = "can lock its objects",
                                       [BUCKET_KMS] = "encrypts with a key of KMS"};

/* A bucket that does not tell may have it, unless the user has said that nothing need be checked. */
MUST_USE static Error *ask_bucket(Copy *copy, const Cancel *cancel, Store *store, BucketFeature feature)
{
    bool has = false;
    if (copy->looks_at_source)
        return NULL;
    Error *failed = store_bucket_has(store, cancel, feature, &has);
    CLEANUP(error_freep) Error *unknown = failed;
    TRY(cancel_check(cancel));
    if (error_code(unknown) == ERR_NOT_FOUND) { /* no such bucket: the listing says so, in its own words */
        copy->looks_at_source = true;
        return NULL;
    }
    copy->looks_at_source = has || (unknown && copy->verify != BY_NOTHING);
    if (has)
        log_info(copy->env->log, "'" STR_FMT "' %s: each object is looked at before it is copied",
                 STR_ARG(store_url_view(store)), features[feature]);
    else if (copy->looks_at_source)
        log_info(copy->env->log, "%s: each object is looked at before it is copied; --verify none copies without",
                 error_message_view(unknown));
    return NULL;
}

Error *copy_ask_buckets(Copy *copy, const Cancel *cancel)
{
    if (copy->dry_run || !run_may_be_plain(copy))
        return NULL;
    if (copy->single) {
        copy->looks_at_source = true; /* which is cheaper */
        return NULL;
    }
    TRY(ask_bucket(copy, cancel, copy->source.store, BUCKET_WEBSITE));
    TRY(ask_bucket(copy, cancel, copy->source.store, BUCKET_LOCK));
    TRY(ask_bucket(copy, cancel, copy->source.store, BUCKET_KMS));
    return ask_bucket(copy, cancel, copy->target, BUCKET_KMS);
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
                           .meter = work_meter(work),
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
    work->plain = !work->own->source_whole && !work->copy->source_local;
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
    old_versions_note(&work->copy->old, target);
    CopyOptions options = {.if_from_etag = own->source.etag,
                           .from_info = &own->source,
                           .mode = target->etag.len > 0 ? PUT_IF_UNCHANGED : PUT_REPLACE,
                           .if_etag = target->etag,
                           .target_is_known = true};
    TRY(give_everything(work, &options));
    return store_copy(work->copy->target, work->cancel, own->target_key, work->copy->source.store, work->item->key,
                      &options);
}

/* "" at the source is the service's choice. */
static bool settings_kept(const ObjectHeaders *source, const ObjectHeaders *target)
{
    bool same_key =
        source->encryption_key_id.len == 0 || str_equal(source->encryption_key_id, target->encryption_key_id);
    return str_equal(source->encryption, target->encryption) && same_key
           && str_equal(source->lock_mode, target->lock_mode)
           && str_equal(source->lock_legal_hold, target->lock_legal_hold);
}

Error *work_check_sample(Work *work, const ObjectInfo *target)
{
    Copy *copy = work->copy;
    const ObjectInfo *source = &work->own->source;
    Wanted wanted;
    TRY(wanted_of(source, copy->mode, work->own->arena, &wanted));
    bool kept = wanted_equals(&wanted, target, false);
    if (kept && settings_kept(&source->headers, &target->headers))
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
