#include "jobs/copy/job.h"

/* ---- what is known ---- */

static Error *no_more_the_same(const char *what)
{
    return FAIL(CHANGED, "the source %s between the listing and the copy; run again to copy what is there now", what);
}

Error *work_know_source(Work *work)
{
    CopyItem *own = work->own;
    ObjectInfo now;
    if (own->source_whole)
        return NULL;
    Error *error = store_head(work->copy->source.store, work->cancel, work->item->key, own->arena, &now);
    if (error_code(error) == ERR_NOT_FOUND) {
        error_free(error); /* said better below */
        return no_more_the_same("was deleted");
    }
    TRY_CTX(error, "look at the source");
    if (own->source.etag.len && !str_equal(now.etag, own->source.etag))
        return no_more_the_same("was replaced");
    own->source = now;
    own->source_whole = true;
    return NULL;
}

Error *work_know_target(Work *work)
{
    CopyItem *own = work->own;
    ObjectInfo now;
    if (own->target_whole || own->state == TARGET_ABSENT)
        return NULL;
    Error *error = store_head(work->copy->target, work->cancel, own->target_key, own->arena, &now);
    if (error_code(error) == ERR_NOT_FOUND) {
        error_free(error); /* an answer */
        own->state = TARGET_ABSENT;
        return NULL;
    }
    TRY_CTX(error, "look at the destination");
    own->target = now;
    own->target_whole = true;
    own->state = TARGET_THERE;
    return NULL;
}

/* ---- is it the same? ---- */

enum { MD5_TEXT_LEN = 32, SECOND_US = 1000000 };

static bool is_md5(Str etag)
{
    for (size_t i = 0; i < etag.len; i++) {
        char c = etag.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return etag.len == MD5_TEXT_LEN;
}

/* Objects under KMS have ETags that look like an MD5 and are none. */
static bool is_kms(const ObjectInfo *info)
{
    return str_starts_with(info->headers.encryption, STR("aws:kms"));
}

Sameness copy_same_by_etag(const Copy *copy, const ObjectInfo *a, const ObjectInfo *b, bool whole)
{
    if (copy->source_local || copy->target_local || a->etag.len == 0 || b->etag.len == 0)
        return UNPROVEN; /* a file's ETag is its inode and time */
    if (a->size_bytes == b->size_bytes && str_equal(a->etag, b->etag))
        return SAME;
    bool content = is_md5(a->etag) && is_md5(b->etag);
    return content && whole && !is_kms(a) && !is_kms(b) ? DIFFERENT : UNPROVEN;
}

Sameness copy_same_by_checksum(const ObjectInfo *a, const ObjectInfo *b)
{
    bool comparable = a->checksum.kind != CHECKSUM_NONE && a->checksum.kind == b->checksum.kind
                      && a->checksum.parts == b->checksum.parts;
    if (!comparable)
        return UNPROVEN;
    if (checksum_equal(&a->checksum, &b->checksum))
        return SAME;
    return a->checksum.parts == 0 ? DIFFERENT : UNPROVEN;
}

/* The time an object says of its content, else that of its last change. */
static int64_t content_time_ns(const ObjectInfo *info, bool *ret_said)
{
    int64_t ns;
    const Str *text = metadata_find_view(info->metadata, STR("mtime"));
    *ret_said = text && mtime_parse(str_trim(*text), &ns);
    return *ret_said ? ns : info->modified_us * 1000;
}

static Sameness same_by_mtime(const ObjectInfo *source, const ObjectInfo *target)
{
    bool source_says, target_says;
    int64_t a = content_time_ns(source, &source_says), b = content_time_ns(target, &target_says);
    if (a == b)
        return SAME;
    return source_says && target_says ? DIFFERENT : UNPROVEN;
}

static Error *wanted_here(const Work *work, Wanted *ret_wanted)
{
    const Copy *copy = work->copy;
    TRY(wanted_of(&work->own->source, copy->mode, work->own->arena, ret_wanted));
    if (copy->source_local != copy->target_local)
        wanted_for_another_service(ret_wanted);
    return NULL;
}

typedef enum Action { ACTION_NONE, ACTION_COPY, ACTION_METADATA } Action;
typedef struct Decision {
    Action action;
    const char *reason;
} Decision;
#define COPY_BECAUSE(text) ((Decision){ACTION_COPY, text})

/* One that nothing proves: same size, written after its source, and carrying what a copy of it would carry. */
static Error *is_likely_copy(Work *work, bool *ret_likely)
{
    const CopyItem *own = work->own;
    Wanted wanted;
    TRY(wanted_here(work, &wanted));
    /* S3 tells whole seconds. */
    *ret_likely = own->target.modified_us >= own->source.modified_us / SECOND_US * SECOND_US
                  && wanted_equals(&wanted, &own->target, work->copy->target_local);
    return NULL;
}

/* Sizes are equal: what do ETag, checksum and time say? */
static Error *decide_by_content(Work *work, Decision *ret_decision)
{
    const Copy *copy = work->copy;
    CopyItem *own = work->own;
    bool likely;
    *ret_decision = (Decision){ACTION_NONE, "the same is there already"};
    if (!copy->compare.etag && !copy->compare.mtime)
        return NULL;
    if (copy->compare.etag && copy_same_by_etag(copy, &own->source, &own->target, false) == SAME)
        return NULL;
    TRY(work_know_source(work));
    TRY(work_know_target(work));
    if (own->state == TARGET_ABSENT) {
        *ret_decision = COPY_BECAUSE("it is not there");
        return NULL;
    }
    Sameness same = copy->compare.etag ? copy_same_by_etag(copy, &own->source, &own->target, true) : UNPROVEN;
    if (same == UNPROVEN && copy->compare.etag)
        same = copy_same_by_checksum(&own->source, &own->target);
    if (same == DIFFERENT)
        *ret_decision = COPY_BECAUSE("its content differs");
    if (same != UNPROVEN)
        return NULL;
    if (copy->compare.mtime)
        same = same_by_mtime(&own->source, &own->target);
    if (same == DIFFERENT)
        *ret_decision = COPY_BECAUSE("its time differs");
    if (same != UNPROVEN)
        return NULL;
    TRY(is_likely_copy(work, &likely));
    if (!likely)
        *ret_decision = COPY_BECAUSE("nothing proves that it is the same");
    return NULL;
}

static Error *decide_by_metadata(Work *work, Decision *ret_decision)
{
    CopyItem *own = work->own;
    Wanted wanted;
    bool equal = true;
    TRY(work_know_source(work));
    TRY(work_know_target(work));
    if (own->state == TARGET_ABSENT) {
        *ret_decision = COPY_BECAUSE("it is not there");
        return NULL;
    }
    TRY(wanted_here(work, &wanted));
    if (wanted_equals(&wanted, &own->target, work->copy->target_local))
        TRY(work_tags_equal(work, &equal));
    else
        equal = false;
    if (!equal)
        *ret_decision = (Decision){ACTION_METADATA, "only its metadata differ"};
    return NULL;
}

static Error *decide(Work *work, Decision *ret_decision)
{
    const Copy *copy = work->copy;
    CopyItem *own = work->own;
    if (own->state == TARGET_UNKNOWN)
        TRY(work_know_target(work));
    if (own->state == TARGET_ABSENT)
        *ret_decision = COPY_BECAUSE("it is not there");
    else if (copy->force)
        *ret_decision = COPY_BECAUSE("--force");
    else if (copy->compare.size && own->source.size_bytes != own->target.size_bytes)
        *ret_decision = COPY_BECAUSE("its size differs");
    else
        TRY(decide_by_content(work, ret_decision));
    if (ret_decision->action == ACTION_NONE && copy->sync_metadata)
        TRY(decide_by_metadata(work, ret_decision));
    return NULL;
}

/* ---- what is asked of the source ---- */

static Error *check_required(Work *work)
{
    Copy *copy = work->copy;
    if (copy->required.count == 0)
        return NULL;
    TRY(work_know_source(work));
    for (size_t i = 0; i < copy->required.count; i++) {
        if (metadata_find_view(work->own->source.metadata, copy->required.items[i]))
            continue;
        copy->lacking++;
        return FAIL(INVALID, "it has no metadata '" STR_FMT "' (--require-metadata) and is not copied",
                    STR_ARG(copy->required.items[i]));
    }
    return NULL;
}

/* ---- saying it instead of doing it ---- */

static Error *append_all_differences(Work *work, Buffer *out)
{
    CopyItem *own = work->own;
    Wanted wanted;
    TRY(work_know_source(work));
    TRY(work_know_target(work));
    bool there = own->state == TARGET_THERE;
    if (there && own->target.size_bytes != own->source.size_bytes)
        TRY(buffer_append_format(out, "size %llu -> %llu", (unsigned long long)own->target.size_bytes,
                                 (unsigned long long)own->source.size_bytes));
    TRY(wanted_here(work, &wanted));
    TRY(wanted_append_differences(&wanted, there ? &own->target : NULL, work->copy->target_local, out));
    return work_append_tag_difference(work, out);
}

/* Nothing is promised that would be refused for what is known of it: a key that can be no file's, too much metadata. */
static Error *check_promise(Work *work)
{
    const Copy *copy = work->copy;
    CopyItem *own = work->own;
    Wanted wanted = {0};
    if (copy->source_local)
        TRY(work_know_source(work));
    if (own->source_whole)
        TRY(wanted_of(&own->source, copy->mode, own->arena, &wanted));
    return store_check_put(copy->target, own->target_key,
                           &(PutOptions){.headers = wanted.headers, .metadata = wanted.metadata});
}

static Error *rehearse(Work *work, const Decision *decision)
{
    CLEANUP(buffer_done) Buffer details = {0};
    const char *what = decision->action == ACTION_COPY ? "would be copied" : "would get the source's metadata";
    if (work->copy->differences) {
        TRY(append_all_differences(work, &details));
        TRY(item_set_details(work->item, buffer_str(&details)));
    }
    TRY(check_promise(work));
    if (decision->action == ACTION_METADATA)
        old_versions_note(&work->copy->old, &work->own->target);
    item_skip_error(work->item, FAIL(NO_WORK, "%s (dry run): %s", what, decision->reason));
    return NULL;
}

/* ---- how far it is ---- */

void work_moved(Work *work, uint64_t bytes)
{
    uint64_t size = work->own->source.size_bytes;
    uint64_t room = size - MIN(work->moved_bytes, size); /* what is sent again is not more than all */
    uint64_t more = MIN(bytes / MAX(work->ways, 1u), room);
    work->moved_bytes += more;
    atomic_fetch_add(&work->copy->under_way_bytes, more);
}

static void on_moved(void *context, uint64_t bytes)
{
    work_moved(context, bytes);
}

StoreMeter work_meter(Work *work)
{
    return (StoreMeter){on_moved, work};
}

/* ---- an object ---- */

static void say_done(const Work *work, const char *what)
{
    CLEANUP(buffer_done) Buffer shown = {0};
    const JobEnv *env = work->copy->env;
    if (!log_wants(env->log, LOG_DEBUG))
        return;
    Error *error = report_append_key(&shown, work->item->key, config_bool(env->config, "redact-keys"));
    if (!error)
        log_debug(env->log, "%s '" STR_FMT "'", what, STR_ARG(buffer_str(&shown)));
    error_free(error); /* a line less in the log */
}

MUST_USE static Error *copy_object(Work *work)
{
    Copy *copy = work->copy;
    Item *item = work->item;
    Decision decision = {ACTION_NONE, ""};
    TRY(check_required(work));
    TRY(decide(work, &decision));
    if (decision.action == ACTION_NONE) {
        item_skip(item, "%s", decision.reason);
        return NULL;
    }
    if (copy->dry_run)
        return rehearse(work, &decision);
    if (decision.action == ACTION_METADATA) {
        TRY_CTX(work_rewrite_metadata(work), "rewrite the metadata of '" STR_FMT "' at the destination",
                STR_ARG(work->own->target_key));
        copy->rewritten++;
        say_done(work, "Rewrote the metadata of");
        return NULL;
    }
    TRY(work_copy(work));
    TRY(work_verify(work));
    copy->copied++;
    item->bytes_done = work->own->source.size_bytes;
    say_done(work, "Copied");
    return NULL;
}

/* The target's key, too, is one that errors name. */
Error *copy_work(void *context, Worker *worker, Item *item)
{
    Copy *copy = context;
    Work work = {.copy = copy, .cancel = worker_cancel(worker), .item = item, .own = item->data};
    Error *error = copy_object(&work);
    atomic_fetch_sub(&copy->under_way_bytes, work.moved_bytes);
    if (!error || !config_bool(copy->env->config, "redact-keys"))
        return error;
    return report_hide_key(report_hide_key(error, item->key), work.own->target_key);
}
