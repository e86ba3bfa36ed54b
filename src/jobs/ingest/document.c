/* One document from its object to its output: what workers and the commit thread do. */
#include "base/time_text.h"
#include "jobs/ingest/job.h"

static Str base_name(Str key)
{
    size_t slash = str_rfind_char(key, '/');
    return slash == SIZE_MAX ? key : str_slice(key, slash + 1, key.len);
}

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

/* The worker is known to be at it meanwhile, and a parser's death is remembered. */
static Error *run_parser(Ingest *ingest, Worker *worker, Document *document, Bytes body, Str filename,
                         Standing *standing, SandboxEnd *ret_end)
{
    const ObjectInfo *info = &document->info;
    TRY(quarantine_enter(ingest->quarantine, worker_index(worker), info));
    Error *error = document_parser_run(ingest->parser, ingest->env->config, &ingest->shape, worker_cancel(worker), body,
                                       filename, &document->about, &document->elements, ret_end);
    Error *late =
        is_death(*ret_end) ? quarantine_died(ingest->quarantine, info, sandbox_end_name(*ret_end), standing) : NULL;
    Error *left = quarantine_leave(ingest->quarantine, worker_index(worker));
    error_free(late ? left : NULL);
    late = late ? late : left;
    if (!late)
        return error;
    *ret_end = SANDBOX_ABANDONED;
    error_free(error); /* the disk is full, or the like: that is the news */
    return late;
}

/* One try; a suspect's is alone. It waits for company before it takes a CPU: who waits with one keeps it from those waited for. */
static Error *try_parse(Ingest *ingest, Worker *worker, Document *document, Bytes body, Str filename,
                        Standing *standing, SandboxEnd *ret_end)
{
    CompanyWish wish = *standing == STANDING_SUSPECT ? COMPANY_ALONE : COMPANY_TOGETHER;
    document->elements.count = 0; /* what the first try may have found */
    *ret_end = SANDBOX_ABANDONED;
    TRY(company_join(ingest->company, worker_cancel(worker), wish));
    Error *error = worker_cpu_take(worker);
    if (!error) {
        error = run_parser(ingest, worker, document, body, filename, standing, ret_end);
        worker_cpu_give(worker);
    }
    company_leave(ingest->company, wish);
    return error;
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
    Error *error = parse_warily(ingest, worker, document, body, filename, &end);
    if (error && end != SANDBOX_ABANDONED)
        item->status = sandbox_end_name(end);
    if (error && end == SANDBOX_PARTIAL) {
        item_partial(item, error);
        return NULL;
    }
    return error;
}

/* A document that was meant and cannot be had is a failure, in every run: also where an earlier one found out why. */
static Error *known_failure(Ingest *ingest, Item *item)
{
    const char *end;
    const Document *document = item->data;
    if (!ingest->parser)
        return NULL;
    if (quarantine_standing(ingest->quarantine, &document->info, &end) == STANDING_QUARANTINED) {
        item->status = "quarantined";
        return FAIL(CORRUPT, "quarantined: killed its parser twice (%s); quern retry tries it again", end);
    }
    Str reason =
        ingest->force || ingest->env->again ? STR_EMPTY : verdicts_find_view(ingest->verdicts, &document->info);
    if (reason.len == 0)
        return NULL;
    ingest->left_unread++;
    item->status = sandbox_end_name(SANDBOX_UNSUPPORTED);
    return FAIL(UNSUPPORTED, STR_FMT, STR_ARG(reason));
}

/* Remembers that nobody here can read it, or that it was read after all. */
static Error *note_verdict(const Ingest *ingest, const Item *item, const Error *error)
{
    CLEANUP(buffer_done) Buffer reason = {0};
    const Document *document = item->data;
    if (!ingest->parser || (error && error_code(error) != ERR_UNSUPPORTED))
        return NULL;
    if (error)
        TRY(report_append_reason(&reason, item->key, error, config_bool(ingest->env->config, "redact-keys")));
    return verdicts_put(ingest->verdicts, &document->info, buffer_str(&reason));
}

/* What is there in part was read as far as it can be: it ends as it did, and only retry and --force read it again. */
static void end_as_part(Document *document, Item *item)
{
    document->stays = true;
    item->needless = true;
    item->status = sandbox_end_name(SANDBOX_PARTIAL);
    item_partial(item, ingest_part_error(document->part));
}

/* Ends it without reading it, where it is known how it ends. */
static Error *ended_before(Ingest *ingest, const Cancel *cancel, Item *item, bool json, bool *ret_ended)
{
    Document *document = item->data;
    OutputState made = document->part.len ? OUTPUT_PART : OUTPUT_ABSENT;
    *ret_ended = true;
    if (json && !ingest->force)
        TRY_CTX(ingest_has_json(ingest, cancel, document, &made, &document->part), "look for the output");
    if (made == OUTPUT_WHOLE)
        item_skip(item, "already done");
    else if (made == OUTPUT_PART && ingest->dry_run)
        item_skip(item, "already done in part");
    else if (made == OUTPUT_PART && !ingest->env->again)
        end_as_part(document, item);
    else
        *ret_ended = false;
    if (*ret_ended)
        return NULL;
    Error *known = known_failure(ingest, item);
    item->needless = known != NULL;
    return known;
}

static Error *put_output(const Ingest *ingest, const Cancel *cancel, const Item *item)
{
    CLEANUP(buffer_done) Buffer part = {0};
    if (item->partial)
        TRY(ingest_part_text(item->error, &part));
    return ingest_put_json(ingest, cancel, item->data, buffer_str(&part));
}

static Error *work_document(void *context, Worker *worker, Item *item)
{
    Ingest *ingest = context;
    Document *document = item->data;
    const Cancel *cancel = worker_cancel(worker);
    bool json = ingest->output && !ingest->shards, ended = false;
    TRY(ended_before(ingest, cancel, item, json, &ended));
    if (ended)
        return NULL;
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
    Error *late = note_verdict(ingest, item, error);
    error_free(error ? late : NULL); /* the document is the news */
    TRY(error ? error : late);
    if (!json)
        return NULL; /* the commit thread goes on with it */
    error = put_output(ingest, cancel, item);
    if (error) { /* it was parsed, and came to nothing */
        item->partial = false;
        item->status = NULL;
    }
    return error;
}

static Error *add_to_shard(Ingest *ingest, const Document *document, Item *item)
{
    CLEANUP(buffer_done) Buffer url = {0}, part = {0};
    if (document->stays || (item->partial && document->part.len)) /* a part's rows are there, from an earlier run */
        return NULL;
    TRY(ingest_url(ingest, item->key, &url));
    if (item->partial)
        TRY(ingest_part_text(item->error, &part));
    ShardDocument added = {.key = item->key,
                           .url = buffer_str(&url),
                           .version = document->info.etag,
                           .part = buffer_str(&part),
                           .info = &document->about,
                           .elements = &document->elements,
                           .selection = &ingest->shape.selection};
    TRY(shards_add(ingest->shards, &added));
    item->held = true; /* in memory until its shard is published */
    return NULL;
}

static Error *commit_document(void *context, Item *item)
{
    Ingest *ingest = context;
    Document *document = item->data;
    if (ingest->roles->write) {
        TRY(ingest->roles->write(ingest->roles->write_context, &document->info, &document->about, &document->elements));
    } else if (ingest->shards) {
        TRY(add_to_shard(ingest, document, item));
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
