/* Which documents are meant: the source's listing, or the failures that are worked on again. */
#include "jobs/ingest/job.h"

enum {
    DOCUMENT_ARENA_BYTES = 1 << 30, /* elements of one document; text itself is bounded tighter by the parser */
    AGAIN_ASKED_MAX = 1000,         /* as many as one page of a listing says */
    MEMORY_OF_A_BYTE = 8,           /* elements and their JSON, for each byte of a document */
};

typedef struct Listing {
    Ingest *ingest;
    Plan *plan;
} Listing;

static bool again_has(const JobAgain *again, Str shown)
{
    size_t low = 0, high = again->keys.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(again->keys.items[middle], shown);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Tells the listing that the run is ending; plan_push has seen to the rest. */
static Error *end_of_plan(void)
{
    return FAIL(CANCELLED, "the run is ending");
}

/* `part`: why its output has not all of it; "": there is no such output. */
static Error *push_document(Listing *listing, const ObjectInfo *object, Str part)
{
    uint64_t factor = listing->ingest->batch ? 1 : MEMORY_OF_A_BYTE;
    Item *item = plan_item(listing->plan, object->key, object->size_bytes * factor);
    if (!item)
        return FAIL(NO_MEMORY, "out of memory");
    Document *document = item->data;
    item->bytes_planned = object->size_bytes;
    document->arena = arena_new(DOCUMENT_ARENA_BYTES);
    if (document->arena)
        document->info = (ObjectInfo){.key = item->key,
                                      .size_bytes = object->size_bytes,
                                      .modified_us = object->modified_us,
                                      .etag = arena_str(document->arena, object->etag)};
    if (document->arena)
        document->part = arena_str(document->arena, part);
    if (!document->arena || !document->info.etag.data || !document->part.data) {
        plan_drop(listing->plan, item);
        return FAIL(NO_MEMORY, "out of memory");
    }
    return plan_push(listing->plan, &item) ? NULL : end_of_plan();
}

/* JSON outputs are looked for by the workers: each costs a request. */
static Error *push_unless_done(Listing *listing, const ObjectInfo *object)
{
    Ingest *ingest = listing->ingest;
    OutputState made = OUTPUT_ABSENT;
    Str part = STR_EMPTY;
    if (ingest->shards && !ingest->force)
        TRY(shards_have(ingest->shards, object->key, object->etag, &made, &part));
    else if (ingest->roles->has_output && !ingest->force
             && ingest->roles->has_output(ingest->roles->write_context, object))
        made = OUTPUT_WHOLE;
    if (made == OUTPUT_WHOLE)
        return plan_skip(listing->plan, object->key, "already done") ? NULL : end_of_plan();
    return push_document(listing, object, part);
}

/* A folder's marker, or our own output. */
static bool is_no_document(const Ingest *ingest, const ObjectInfo *object)
{
    return (str_ends_with(object->key, STR("/")) && object->size_bytes == 0)
           || (ingest->own_prefix.len && str_starts_with(object->key, ingest->own_prefix));
}

static Error *plan_object(void *context, const ObjectInfo *object)
{
    Listing *listing = context;
    Ingest *ingest = listing->ingest;
    bool going_on = true;
    if (ingest->source.whole_key && !str_equal(object->key, ingest->source.prefix))
        return NULL;
    if (is_no_document(ingest, object)) {
        ingest->no_documents++;
        return NULL;
    }
    KeyVerdict verdict = key_filter_judge(ingest->filter, object->key, ingest->source.key_base);
    ingest->left_out[verdict]++;
    if (verdict != KEY_TAKEN)
        return NULL;
    ingest->matched++;
    if (object->size_bytes > ingest->document_max_bytes) {
        going_on = plan_skip(listing->plan, object->key, "larger than --max-file-size");
        return going_on ? NULL : end_of_plan();
    }
    return push_unless_done(listing, object);
}

/* Is it one of the failures that this run works on? Another run may have done it meanwhile. */
static Error *plan_again(void *context, const ObjectInfo *object)
{
    Listing *listing = context;
    const JobAgain *again = listing->ingest->env->again;
    CLEANUP(buffer_done) Buffer shown = {0};
    TRY(report_append_key(&shown, object->key, again->hashed));
    if (!again_has(again, buffer_str(&shown)))
        return NULL;
    listing->ingest->matched++;
    return push_unless_done(listing, object);
}

/* Few keys, none of which can mean two objects, are asked for one by one; else all are listed. */
static bool asks_for_each(const JobAgain *again)
{
    if (again->hashed || again->keys.count > AGAIN_ASKED_MAX)
        return false;
    for (size_t i = 0; i < again->keys.count; i++)
        if (str_find(again->keys.items[i], STR("\\x")) != SIZE_MAX)
            return false;
    return true;
}

static Error *plan_asked(Listing *listing, Str key)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    ObjectInfo object;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = store_head(listing->ingest->source.store, plan_cancel(listing->plan), key, arena, &object);
    if (!error) {
        object.key = key;
        return plan_again(listing, &object);
    }
    if (error_code(error) == ERR_CANCELLED)
        return error;
    listing->ingest->matched++;
    return plan_fail(listing->plan, key, error) ? NULL : end_of_plan();
}

static Error *plan_failures(Listing *listing)
{
    const Ingest *ingest = listing->ingest;
    const JobAgain *again = ingest->env->again;
    for (size_t i = 0; ingest->quarantine && i < again->keys.count; i++)
        TRY(quarantine_lift_key(ingest->quarantine, again->keys.items[i]));
    if (!asks_for_each(again))
        return place_list(&ingest->source, plan_cancel(listing->plan), plan_again, listing);
    for (size_t i = 0; i < again->keys.count; i++)
        TRY(plan_asked(listing, again->keys.items[i]));
    return NULL;
}

/* Which filter left nothing, and of how much. A part of an array job that has none of few documents is done at once. */
static Error *nothing_matched(const Ingest *ingest)
{
    static const char *const what[KEY_VERDICTS] = {[KEY_OF_ANOTHER_SHARD] = "--shard",
                                                   [KEY_LEFT_BY_RULES] = "--include and --exclude",
                                                   [KEY_LEFT_BY_GLOBS] = "--file-glob"};
    CLEANUP(buffer_done) Buffer said = {0};
    for (int verdict = KEY_TAKEN + 1; verdict < KEY_VERDICTS; verdict++) {
        if (ingest->left_out[verdict])
            TRY(buffer_append_format(&said, "%s%llu left out by %s", said.len ? ", " : ": ",
                                     (unsigned long long)ingest->left_out[verdict], what[verdict]));
    }
    if (ingest->no_documents)
        TRY(buffer_append_format(&said, "%s%llu are markers of folders or outputs of quern", said.len ? ", " : ": ",
                                 (unsigned long long)ingest->no_documents));
    if (said.len == 0)
        return FAIL(NOT_FOUND, "there is no document below '%s'; is the prefix right?", ingest->source.text);
    if (ingest->left_out[KEY_OF_ANOTHER_SHARD] == 0)
        return FAIL(NOT_FOUND, "no document below '%s' is meant" STR_FMT, ingest->source.text,
                    STR_ARG(buffer_str(&said)));
    log_info(ingest->env->log, "no document below '%s' is meant" STR_FMT, ingest->source.text,
             STR_ARG(buffer_str(&said)));
    return NULL;
}

Error *ingest_plan(void *context, Plan *plan)
{
    Ingest *ingest = context;
    Listing listing = {ingest, plan};
    if (ingest->env->again)
        return plan_failures(&listing);
    TRY(place_list(&ingest->source, plan_cancel(plan), plan_object, &listing));
    return ingest->matched == 0 ? nothing_matched(ingest) : NULL;
}

void ingest_clear(void *context, Item *item)
{
    (void)context;
    Document *document = item->data;
    buffer_done(&document->fetch.body);
    error_free(document->fetch.error);
    arena_free(document->arena);
    *document = (Document){0};
}
