#include "jobs/ingest/ingest.h"

#include <stdio.h>
#include <unistd.h>

#include "base/random.h"
#include "base/time_text.h"
#include "jobs/ingest/job.h"
#include "jobs/ingest/spool.h"

enum {
    DOCUMENT_ARENA_BYTES = 1 << 30, /* elements of one document; text itself is bounded tighter by the parser */
    OUTPUT_MAX_BYTES = 1 << 30,
    DOWNLOADS_IN_FLIGHT = 64,
    AGAIN_ASKED_MAX = 1000, /* as many as one page of a listing says */
    MEMORY_OF_A_BYTE = 8,   /* elements and their JSON, for each byte of a document */
};

/* Metadata of an output: the document's ETag, and a hash of the options. */
#define MADE_OF_VERSION "quern-source-version"
#define MADE_WITH_OPTIONS "quern-options"
#define MADE_IN_PART                                                                                                   \
    "quern-partial" /* is there when not all of the document could be read: such an output is not done */

/* ---- names ---- */

static const char *const output_endings[] = {".json", ".ndjson", ""};

static Str named_part(const Ingest *ingest, Str key)
{
    return ingest->relative_names ? str_slice(key, ingest->source.key_base, key.len) : key;
}

Error *ingest_output_key(const Ingest *ingest, Str key, Buffer *out)
{
    TRY(buffer_append_str(out, named_part(ingest, key)));
    return buffer_append_str(out, str_of(output_endings[ingest->format]));
}

static Str base_name(Str key)
{
    size_t slash = str_rfind_char(key, '/');
    return slash == SIZE_MAX ? key : str_slice(key, slash + 1, key.len);
}

/* ---- the plan ---- */

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

static Error *push_document(Listing *listing, const ObjectInfo *object)
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
    if (!document->arena || !document->info.etag.data) {
        plan_drop(listing->plan, item);
        return FAIL(NO_MEMORY, "out of memory");
    }
    return plan_push(listing->plan, &item) ? NULL : end_of_plan();
}

static Error *plan_object(void *context, const ObjectInfo *object)
{
    Listing *listing = context;
    Ingest *ingest = listing->ingest;
    bool going_on = true;
    if (ingest->source.whole_key && !str_equal(object->key, ingest->source.prefix))
        return NULL;
    if (!key_filter_takes(ingest->filter, object->key, ingest->source.key_base))
        return NULL;
    if (str_ends_with(object->key, STR("/")) && object->size_bytes == 0)
        return NULL; /* a folder's marker is no document */
    if (ingest->own_prefix.len && str_starts_with(object->key, ingest->own_prefix))
        return NULL; /* our own output */
    ingest->matched++;
    if (object->size_bytes > ingest->document_max_bytes) {
        going_on = plan_skip(listing->plan, object->key, "larger than --max-file-size");
        return going_on ? NULL : end_of_plan();
    }
    bool done = false;
    if (ingest->shards && !ingest->force)
        TRY(shards_have(ingest->shards, object->key, object->etag, &done));
    else if (ingest->roles->has_output && !ingest->force)
        done = ingest->roles->has_output(ingest->roles->write_context, object);
    if (done) {
        going_on = plan_skip(listing->plan, object->key, "already done");
        return going_on ? NULL : end_of_plan();
    }
    return push_document(listing, object);
}

/* Is it one of the failures that this run works on? */
static Error *plan_again(void *context, const ObjectInfo *object)
{
    Listing *listing = context;
    const JobAgain *again = listing->ingest->env->again;
    CLEANUP(buffer_done) Buffer shown = {0};
    TRY(report_append_key(&shown, object->key, again->hashed));
    if (!again_has(again, buffer_str(&shown)))
        return NULL;
    listing->ingest->matched++;
    return push_document(listing, object);
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

Error *ingest_plan(void *context, Plan *plan)
{
    Ingest *ingest = context;
    Listing listing = {ingest, plan};
    if (ingest->env->again)
        return plan_failures(&listing);
    TRY(place_list(&ingest->source, plan_cancel(plan), plan_object, &listing));
    if (ingest->matched == 0)
        return FAIL(NOT_FOUND, "no document below '%s' matches; is the prefix right?", ingest->source.text);
    return NULL;
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

/* ---- local copies ---- */

Error *ingest_has_copy(const Ingest *ingest, const Cancel *cancel, const Document *document, bool *ret_has)
{
    ObjectInfo copy;
    const ObjectInfo *object = &document->info;
    Error *error = store_head(ingest->downloads, cancel, object->key, document->arena, &copy);
    *ret_has = !error && copy.modified_us >= object->modified_us && (copy.size_bytes > 0 || object->size_bytes == 0);
    if (error_code(error) != ERR_NOT_FOUND)
        return error;
    error_free(error);
    return NULL;
}

Error *ingest_read(const Ingest *ingest, const Cancel *cancel, const Document *document, Buffer *body)
{
    const ObjectInfo *object = &document->info;
    bool is_there = false;
    if (ingest->read_downloads)
        TRY(ingest_has_copy(ingest, cancel, document, &is_there));
    if (is_there) {
        Error *error = store_get(ingest->downloads, cancel, object->key, BYTE_RANGE_ALL, STR_EMPTY, body);
        if (!error && body->len > 0)
            return NULL;
        error_free(error); /* no copy, or none that can be used: the source has it */
        buffer_clear(body);
    }
    return store_get(ingest->source.store, cancel, object->key, BYTE_RANGE_ALL, object->etag, body);
}

Error *ingest_keep_download(const Ingest *ingest, const Cancel *cancel, const Document *document, Bytes body)
{
    if (!ingest->downloads)
        return NULL;
    TRY_CTX(store_put_bytes(ingest->downloads, cancel, document->info.key, body, NULL), "keep the download");
    return NULL;
}

void ingest_drop_download(const Ingest *ingest, const Cancel *cancel, Str key)
{
    if (!ingest->downloads || ingest->keep_downloads)
        return;
    Error *error = store_delete(ingest->downloads, cancel, key);
    if (error && config_bool(ingest->env->config, "redact-keys"))
        error = report_hide_key(error, key);
    if (error)
        log_warning(ingest->env->log, "%s", error_message_view(error));
    error_free(error); /* the document is done; a copy that stays is a nuisance */
}

/* ---- a document ---- */

/* Keys may be any bytes, elements hold text: what is not UTF-8 becomes %XX. */
static Error *append_as_text(Buffer *out, Str key)
{
    for (size_t at = 0; at < key.len;) {
        size_t start = at;
        bool broken = str_next_code_point(key, &at) == 0xfffd && at == start + 1;
        if (broken)
            TRY(buffer_append_format(out, "%%%02X", (unsigned)(uint8_t)key.data[start]));
        else
            TRY(buffer_append(out, key.data + start, at - start));
    }
    return NULL;
}

Error *ingest_url(const Ingest *ingest, Str key, Buffer *out)
{
    Str root = store_url_view(ingest->source.store);
    TRY(append_as_text(out, root));
    if (!str_ends_with(root, STR("/")))
        TRY(buffer_append_byte(out, '/'));
    return append_as_text(out, key);
}

static Error *shown_name(Arena *arena, Str name, Str *ret_name)
{
    CLEANUP(buffer_done) Buffer text = {0};
    TRY(append_as_text(&text, name));
    *ret_name = arena_str(arena, buffer_str(&text));
    return ret_name->data ? NULL : arena_error(arena);
}

/* Everything about the document that goes into each element's metadata, before it is parsed. */
static Error *describe(const Ingest *ingest, Document *document)
{
    CLEANUP(buffer_done) Buffer url = {0};
    const ObjectInfo *object = &document->info;
    char *modified = arena_alloc(document->arena, TIME_TEXT_BYTES);
    if (!modified)
        return arena_error(document->arena);
    /* Local files in the original: "YYYY-MM-DDTHH:MM:SS" without a zone; ours is UTC whatever the machine's is. */
    Str text = time_iso8601(object->modified_us / 1000000 * 1000000, modified);
    document->about.last_modified = str_slice(text, 0, text.len - 1);
    TRY(ingest_url(ingest, object->key, &url));
    document->about.source = (DataSource){
        .url = arena_str(document->arena, buffer_str(&url)),
        .version = object->etag,
        .protocol = arena_str(document->arena, str_slice(buffer_str(&url), 0, str_find_char(buffer_str(&url), ':'))),
        .remote_file_path = str_of(ingest->source.text),
        .modified_us = object->modified_us,
        .size_bytes = object->size_bytes,
    };
    return document->about.source.url.data && document->about.source.protocol.data ? NULL
                                                                                   : arena_error(document->arena);
}

/* Ends that cost the parser its life. */
static bool is_death(SandboxEnd end)
{
    return end == SANDBOX_CRASH || end == SANDBOX_OOM || end == SANDBOX_TIMEOUT || end == SANDBOX_FORBIDDEN;
}

/* One try. A parser's death is remembered. */
static Error *try_parse(Ingest *ingest, Worker *worker, Document *document, Bytes body, Str filename,
                        Standing *standing, SandboxEnd *ret_end)
{
    const Cancel *cancel = worker_cancel(worker);
    const Config *config = ingest->env->config;
    document->elements.count = 0; /* what the first try may have found */
    Error *error = *standing == STANDING_SUSPECT
                       ? document_parser_run_alone(ingest->parser, config, &ingest->shape, cancel, body, filename,
                                                   &document->about, &document->elements, ret_end)
                       : document_parser_run(ingest->parser, config, &ingest->shape, cancel, body, filename,
                                             &document->about, &document->elements, ret_end);
    if (!is_death(*ret_end))
        return error;
    Error *late = quarantine_died(ingest->quarantine, &document->info, sandbox_end_name(*ret_end), standing);
    if (!late)
        return error;
    *ret_end = SANDBOX_ABANDONED;
    error_free(error); /* the disk is full, or the like: that is the news */
    return late;
}

/* A document whose parser died gets one more try, alone; after that it is quarantined. */
static Error *parse_warily(Ingest *ingest, Worker *worker, Document *document, Bytes body, Str filename,
                           SandboxEnd *ret_end)
{
    Standing standing = quarantine_standing(ingest->quarantine, &document->info, NULL);
    bool suspect = standing == STANDING_SUSPECT;
    Error *error = try_parse(ingest, worker, document, body, filename, &standing, ret_end);
    if (is_death(*ret_end) && standing == STANDING_SUSPECT) {
        log_debug(ingest->env->log, "%s: trying once more, alone", error_message_view(error));
        error_free(error); /* the second try says how it ends */
        suspect = true;
        error = try_parse(ingest, worker, document, body, filename, &standing, ret_end);
    }
    if (is_death(*ret_end))
        return error_wrap(error, "quarantined, as it killed its parser twice");
    if (suspect && *ret_end != SANDBOX_ABANDONED) {
        Error *late = quarantine_lift(ingest->quarantine, &document->info);
        error_free(error ? late : NULL);
        error = error ? error : late;
    }
    return error;
}

static Error *parse(Ingest *ingest, Worker *worker, Item *item, Bytes body)
{
    Document *document = item->data;
    SandboxEnd end = SANDBOX_OK;
    Str filename;
    document->elements.arena = document->arena;
    TRY(describe(ingest, document));
    if (ingest->roles->process)
        return ingest->roles->process(ingest->roles->process_context, &document->info, body, &document->about,
                                      &document->elements);
    TRY(shown_name(document->arena, base_name(item->key), &filename));
    TRY(worker_cpu_take(worker));
    Error *error = quarantine_enter(ingest->quarantine, worker_index(worker), &document->info);
    if (!error)
        error = parse_warily(ingest, worker, document, body, filename, &end);
    else
        end = SANDBOX_ABANDONED;
    Error *late = quarantine_leave(ingest->quarantine, worker_index(worker));
    worker_cpu_give(worker);
    error_free(error ? late : NULL);
    error = error ? error : late;
    if (error && end != SANDBOX_ABANDONED)
        item->status = sandbox_end_name(end);
    if (error && end == SANDBOX_PARTIAL) {
        item_partial(item, error);
        return NULL;
    }
    return error;
}

static Error *spool_piece(void *spool, Bytes piece)
{
    return spool_write(spool, piece);
}

static Error *put_json(Ingest *ingest, const Cancel *cancel, Document *document, bool partial)
{
    CLEANUP(buffer_done) Buffer key = {0};
    CLEANUP(spool_done) Spool json = {.directories = ingest->scratch, .bytes_max = OUTPUT_MAX_BYTES};
    ElementJsonOptions form = {ingest->format == OUTPUT_JSON ? ELEMENT_JSON_ARRAY : ELEMENT_JSON_LINES,
                               &ingest->shape.selection};
    MetadataEntry made_of[] = {{STR(MADE_OF_VERSION), document->info.etag},
                               {STR(MADE_WITH_OPTIONS), str_of(ingest->options_hash)},
                               {STR(MADE_IN_PART), STR("yes")}};
    PutOptions put = {.mode = PUT_REPLACE,
                      .metadata = {made_of, ARRAY_COUNT(made_of) - !partial},
                      .hints_only = true,
                      .headers.content_type =
                          ingest->format == OUTPUT_JSON ? STR("application/json") : STR("application/x-ndjson")};
    TRY(ingest_output_key(ingest, document->info.key, &key));
    TRY(elements_stream_json(&document->elements, &document->about, form, (ElementJsonSink){spool_piece, &json}));
    PutBody body = spool_body(&json);
    TRY_CTX(store_put(ingest->output, cancel, buffer_str(&key), &body, &put), "write '" STR_FMT "'",
            STR_ARG(buffer_str(&key)));
    if (log_wants(ingest->env->log, LOG_INFO)) {
        CLEANUP(buffer_done) Buffer shown = {0};
        TRY(report_append_key(&shown, buffer_str(&key), config_bool(ingest->env->config, "redact-keys")));
        Str root = config_str(ingest->env->config, "structured-output-dir");
        log_info(ingest->env->log, "Wrote " STR_FMT "%s" STR_FMT, STR_ARG(root),
                 str_ends_with(root, STR("/")) ? "" : "/", STR_ARG(buffer_str(&shown)));
    }
    return NULL;
}

/* Whether what an output says of itself is what it would be made of now. An output of others says nothing, and is taken as it is. */
static bool says(const ObjectInfo *output, const char *name, Str value)
{
    const Str *said = metadata_find_view(output->metadata, str_of(name));
    return !said || str_equal(*said, value);
}

/* An output that exists and is not empty is done, whoever wrote it; unless it is of another version of the document, of other options, or of a part. */
static Error *has_json(const Ingest *ingest, const Cancel *cancel, Document *document, bool *ret_done)
{
    CLEANUP(buffer_done) Buffer key = {0};
    ObjectInfo output;
    TRY(ingest_output_key(ingest, document->info.key, &key));
    Error *error = store_head(ingest->output, cancel, buffer_str(&key), document->arena, &output);
    *ret_done = !error && output.size_bytes > 0 && says(&output, MADE_OF_VERSION, document->info.etag)
                && says(&output, MADE_WITH_OPTIONS, str_of(ingest->options_hash))
                && !metadata_find_view(output.metadata, STR(MADE_IN_PART));
    if (error_code(error) != ERR_NOT_FOUND)
        return error;
    error_free(error);
    return NULL;
}

/* Says so too. */
static bool is_quarantined(const Ingest *ingest, Item *item)
{
    const char *end;
    const Document *document = item->data;
    if (!ingest->quarantine || quarantine_standing(ingest->quarantine, &document->info, &end) != STANDING_QUARANTINED)
        return false;
    item->status = "quarantined";
    item_skip(item, "quarantined: killed its parser twice (%s); quern retry tries it again", end);
    return true;
}

static Error *work_document(void *context, Worker *worker, Item *item)
{
    Ingest *ingest = context;
    Document *document = item->data;
    const Cancel *cancel = worker_cancel(worker);
    bool json = ingest->output && !ingest->shards, done = false;
    if (is_quarantined(ingest, item))
        return NULL;
    if (json && !ingest->force)
        TRY_CTX(has_json(ingest, cancel, document, &done), "look for the output");
    if (done) {
        item_skip(item, "already done");
        return NULL;
    }
    if (ingest->dry_run) {
        item_skip_error(item, FAIL(NO_WORK, "would be ingested (dry run)"));
        return NULL;
    }
    CLEANUP(buffer_done) Buffer body = {.limit = ingest->document_max_bytes};
    TRY(ingest_read(ingest, cancel, document, &body));
    TRY(ingest_keep_download(ingest, cancel, document, buffer_bytes(&body)));
    item->bytes_done = body.len;
    Error *error = parse(ingest, worker, item, buffer_bytes(&body));
    buffer_done(&body); /* elements have their own copies */
    if (error && error_code(error) == ERR_UNSUPPORTED) {
        item_skip_error(item, error);
        return NULL;
    }
    TRY(error);
    if (!json)
        return NULL; /* the commit thread goes on with it */
    error = put_json(ingest, cancel, document, item->partial);
    if (error) { /* it was parsed, and came to nothing */
        item->partial = false;
        item->status = NULL;
    }
    return error;
}

static Error *commit_document(void *context, Item *item)
{
    Ingest *ingest = context;
    Document *document = item->data;
    if (ingest->roles->write) {
        TRY(ingest->roles->write(ingest->roles->write_context, &document->info, &document->about, &document->elements));
    } else if (ingest->shards) {
        CLEANUP(buffer_done) Buffer url = {0};
        TRY(ingest_url(ingest, item->key, &url));
        TRY(shards_add(ingest->shards, item->key, buffer_str(&url), document->info.etag, &document->about,
                       &document->elements, &ingest->shape.selection));
        item->held = true; /* in memory until its shard is published */
    }
    return NULL; /* a JSON file was written by the worker */
}

static Error *settle_documents(void *context, bool *ret_safe)
{
    return shards_settle(((Ingest *)context)->shards, ret_safe);
}

static void drop_settled(void *context, Str key)
{
    ingest_drop_download(context, NULL, key);
}

static Error *finish_documents(void *context)
{
    Ingest *ingest = context;
    return ingest->shards && !ingest->dry_run ? shards_finish(ingest->shards) : NULL;
}

const Job ingest_job = {
    .name = "ingest",
    .item_bytes = sizeof(Document),
    .plan = ingest_plan,
    .work = work_document,
    .commit = commit_document,
    .settle = settle_documents,
    .settled = drop_settled,
    .finish = finish_documents,
    .clear = ingest_clear,
};

/* ---- the run ---- */

static void ingest_done(Ingest *ingest)
{
    shards_free(ingest->shards);
    document_parser_free(ingest->parser);
    shape_done(&ingest->shape);
    key_filter_free(ingest->filter);
    store_batch_free(ingest->batch);
    store_free(ingest->downloads);
    store_free(ingest->output);
    buffer_done(&ingest->own_prefix_text);
    buffer_done(&ingest->state_dir);
    place_done(&ingest->source);
}

/* --download-dir, or a directory of the original's default name when downloads are wanted without one. */
static Error *open_downloads(Ingest *ingest)
{
    const Config *config = ingest->env->config;
    bool only = config_bool(config, "download-only");
    ingest->keep_downloads = only || config_bool(config, "preserve-downloads");
    if (!config_has(config, "download-dir") && !ingest->keep_downloads)
        return NULL;
    char name[] = "tmp-ingest-......";
    Random random;
    random_init_system(&random);
    for (char *c = strchr(name, '.'); c && *c; c++)
        *c = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[random_below(&random, 52)];
    Str directory = config_has(config, "download-dir") ? config_str(config, "download-dir") : str_of(name);
    if (!ingest->keep_downloads)
        log_warning(ingest->env->log, "not preserving downloaded files but --download-dir is specified");
    ingest->read_downloads = !config_bool(config, "re-download");
    StoreOptions options = *ingest->env->store;
    options.sync = STORE_SYNC_NONE; /* a copy that a crash loses is downloaded again */
    TRY(store_open(directory, &options, &ingest->downloads));
    return error_wrap(place_check_target(ingest->env, directory, ingest->downloads), "--download-dir");
}

/* Before anything is parsed for nothing. With --force no output is looked for: the right to write may be the only one. */
static Error *check_output(const Ingest *ingest, Str directory)
{
    Error *error = place_check_target(ingest->env, directory, ingest->output);
    if (error_code(error) != ERR_DENIED || !ingest->force || !str_starts_with(directory, STR("s3://")))
        return error;
    log_debug(ingest->env->log, "%s: trying all the same", error_message_view(error));
    error_free(error); /* the first document shows it */
    return NULL;
}

static Error *open_output(Ingest *ingest)
{
    const Config *config = ingest->env->config;
    if (config_bool(config, "download-only") || ingest->roles->write)
        return NULL;
    Str directory = config_str(config, "structured-output-dir");
    TRY(place_open_root(ingest->env, directory, &ingest->output));
    TRY(check_output(ingest, directory));
    TRY(place_within(ingest->env, &ingest->source, directory, &ingest->own_prefix_text));
    ingest->own_prefix = buffer_str(&ingest->own_prefix_text);
    if (ingest->format == OUTPUT_PARQUET)
        TRY_CTX(shards_new(ingest->output, directory, ingest->env->cancel, config_shard(config, "shard"),
                           ingest->env->log, &ingest->shards),
                "look for what is done in '" STR_FMT "'", STR_ARG(directory));
    return NULL;
}

/* What would otherwise fail with every document. */
static Error *check_options(const Config *config)
{
    if (!config_has(config, "s3-url"))
        return FAIL(INVALID, "no source: give the URL of a prefix or a directory, quern ingest URL");
    if (str_equal(config_str(config, "s3-url"), STR("-"))
        || str_equal(config_str(config, "structured-output-dir"), STR("-")))
        return FAIL(INVALID, "ingest reads and writes places with many objects: '-' is none");
    TRY(document_parser_check(config));
    if (config_bool(config, "force") && str_equal(config_str(config, "output-format"), STR("parquet")))
        return FAIL(
            INVALID,
            "--force with --output-format parquet would put every row there a second time: choose an empty output directory");
    return NULL;
}

static Error *ingest_open(Ingest *ingest, const EngineOptions *options)
{
    const Config *config = ingest->env->config;
    TRY(check_options(config));
    ingest->format = (OutputFormat)config_choice(config, "output-format");
    ingest->relative_names = str_equal(config_str(config, "output-naming"), STR("relative"));
    ingest->force = config_bool(config, "force");
    ingest->dry_run = config_bool(config, "dry-run");
    ingest->document_max_bytes = config_size(config, "max-file-size");
    TRY(shape_from_config(config, &ingest->shape));
    TRY(shape_hash(config, ingest->options_hash));
    TRY(key_filter_new(config, config_list(config, "file-glob"), &ingest->filter));
    TRY(place_open(ingest->env, config_str(config, "s3-url"), &ingest->source));
    if (!ingest->roles->process && !ingest->dry_run && !config_bool(config, "download-only"))
        TRY(document_parser_new(config, options->workers, ingest->env->log, &ingest->parser));
    TRY(open_downloads(ingest));
    TRY(job_scratch_directories(ingest->env, &ingest->state_dir, ingest->scratch));
    if (config_bool(config, "download-only"))
        TRY(store_batch_new(ingest->source.store, ingest->env->cancel, &ingest->batch));
    return open_output(ingest);
}

static void add_counters(Summary *summary, const Store *store)
{
    if (store)
        summary->counters = counters_sum(summary->counters, store_counters(store));
}

/* What comes next for someone who has rows, or files: a database, or a look at them. */
static Error *next_command(const Ingest *ingest, Str target, const Report *report, Buffer *out)
{
    bool there = report_count(report, OUTCOME_DONE) + report_count(report, OUTCOME_SKIPPED) > 0;
    if (target.len == 0 || ingest->dry_run || !there)
        return NULL;
    TRY(buffer_append_format(out, "quern %s ", ingest->shards ? "load" : "ls"));
    TRY(append_shell_word(out, target));
    return buffer_append_str(out, ingest->shards ? STR(" --table elements --to sqlite:quern.db") : STR(" --recursive"));
}

static Error *run_engine(Ingest *ingest, EngineOptions *options, Report **take_report, JobResult *result)
{
    const Config *config = ingest->env->config;
    bool only = config_bool(config, "download-only");
    CLEANUP(journal_freep) Journal *journal = NULL;
    Str target = only ? store_url_view(ingest->downloads) : config_str(config, "structured-output-dir");
    if (ingest->output || only)
        TRY(job_open_journal(ingest->env, "ingest", config_str(config, "s3-url"), target, &journal));
    CLEANUP(quarantine_freep) Quarantine *quarantine = NULL; /* before the journal, which is its lock */
    if (ingest->parser)
        TRY(quarantine_new(journal_path_view(journal), options->workers, config_bool(config, "redact-keys"),
                           &quarantine));
    ingest->quarantine = quarantine;
    options->journal = journal;
    options->source = config_str(config, "s3-url");
    options->target = target;
    result->report = *take_report;
    *take_report = NULL;

    Job job = only ? ingest_download_job : ingest_job;
    if (only && !config_is_set(config, "workers"))
        options->workers = DOWNLOADS_IN_FLIGHT;
    job.ordered = ingest->shards || ingest->roles->write; /* a file a document needs no order */
    int64_t began_us = clock_monotonic_us(ingest->env->clock);
    Error *error = engine_run(&job, ingest, options, result->report);
    CLEANUP(buffer_done) Buffer next = {0};
    Summary summary = {.command = "ingest",
                       .elapsed_us = clock_monotonic_us(ingest->env->clock) - began_us,
                       .output = ingest->output || only ? target : STR_EMPTY,
                       .journal = journal_path_view(journal)};
    add_counters(&summary, ingest->source.store);
    add_counters(&summary, ingest->output);
    if (ingest->parser) {
        summary.sandbox = str_of(document_parser_layers_view(ingest->parser));
        summary.parser_peak_bytes = document_parser_peak_bytes(ingest->parser);
    }
    if (ingest->shards) {
        summary.has_rows = true;
        summary.rows = shards_rows(ingest->shards);
    }
    if (ingest->shards && shards_superseded(ingest->shards))
        log_warning(
            ingest->env->log,
            "%llu documents have changed: the rows of their older versions stay in older shards, told apart by 'version'",
            (unsigned long long)shards_superseded(ingest->shards));
    Error *late = next_command(ingest, summary.output, result->report, &next);
    summary.next = buffer_str(&next);
    if (journal && !late)
        late = journal_end(journal, error                                          ? error_code_name(error_code(error))
                                    : report_count(result->report, OUTCOME_FAILED) ? "failures"
                                                                                   : "ok");
    if (!error)
        error = late;
    else
        error_free(late);
    return job_result_finish(result, &summary, config_bool(config, "redact-keys"), error);
}

Error *ingest_run(const JobEnv *env, const IngestRoles *roles, JobResult *result)
{
    EngineOptions options;
    CLEANUP(report_freep) Report *report = NULL;
    TRY(job_engine_options(env, &options));
    TRY(report_new(config_cstr(env->config, "report-file"), config_bool(env->config, "redact-keys"), &report));
    Ingest ingest = {.env = env, .roles = roles};
    Error *error = ingest_open(&ingest, &options);
    if (!error)
        error = run_engine(&ingest, &options, &report, result);
    ingest_done(&ingest);
    return error;
}
