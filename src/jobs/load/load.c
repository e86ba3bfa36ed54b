#include "jobs/load/load.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/time_text.h"
#include "parquet/reader.h"
#include "sink/sink.h"

enum {
    PREFETCH_MAX =
        32 << 20, /* smaller files are read whole by the workers, larger ones by ranges while they are loaded */
    BATCH_ROWS = 4096,
    STAGING_NAME_BYTES = 256, /* the sink takes names of up to 200 */
};

typedef struct Load {
    const JobEnv *env;
    Buffer source_text; /* as the user gave it */
    Place source;
    Str place_url; /* the store's, for the ledger */
    KeyFilter *filter;
    bool force, dry_run, index_text;
    SinkMode mode;
    Str table;

    Sink *ledger; /* planner: asks what is loaded. NULL for a dry run without a database */
    Sink *sink;   /* commit thread: the one that writes. NULL for a dry run */
    Str target;   /* the table that objects go into */
    char staging[STAGING_NAME_BYTES];
    bool anew;        /* `target` begins empty */
    uint64_t matched; /* planner */
    uint64_t rows;    /* commit thread */
} Load;

/* The job's part of an Item. */
typedef struct File {
    Arena *arena; /* of etag */
    Str etag;
    Buffer body; /* the whole file, when it is small */
} File;

static SinkObject object_of(const Load *load, const Item *item)
{
    const File *file = item->data;
    return (SinkObject){load->place_url, item->key, file->etag, item->size_bytes};
}

/* ---- the plan ---- */

static bool is_meant(const Load *load, const ObjectInfo *object)
{
    if (load->source.whole_key)
        return str_equal(object->key, load->source.prefix);
    bool parquet = str_ends_with(object->key, STR(".parquet")) || str_equal(object->key, load->source.prefix);
    return parquet && object->size_bytes > 0 && key_filter_takes(load->filter, object->key, load->source.key_base);
}

/* First look: is the table exactly what the source is? And may a staging table of an earlier run be gone on with? */
typedef struct Survey {
    Load *load;
    uint64_t matched, in_table, in_staging;
} Survey;

static Error *is_in(const Load *load, Str table, const ObjectInfo *object, bool *ret_is)
{
    SinkObject known = {load->place_url, object->key, object->etag, object->size_bytes};
    *ret_is = false;
    return load->ledger ? sink_has_object(load->ledger, table, &known, ret_is) : NULL;
}

static Error *survey_object(void *context, const ObjectInfo *object)
{
    Survey *survey = context;
    Load *load = survey->load;
    bool in_table, in_staging;
    if (!is_meant(load, object))
        return NULL;
    TRY(is_in(load, load->table, object, &in_table));
    TRY(is_in(load, str_of(load->staging), object, &in_staging));
    survey->matched++;
    survey->in_table += in_table;
    survey->in_staging += in_staging;
    return NULL;
}

static Error *nothing_matched(const Load *load)
{
    return FAIL(NOT_FOUND, "no Parquet file below '%s' matches; is the prefix right?", load->source.text);
}

typedef struct Listing {
    Load *load;
    Plan *plan;
} Listing;

static Error *end_of_plan(void)
{
    return FAIL(CANCELLED, "the run is ending");
}

static Error *plan_object(void *context, const ObjectInfo *object)
{
    Listing *listing = context;
    Load *load = listing->load;
    if (!is_meant(load, object))
        return NULL;
    load->matched++;
    bool loaded = false;
    if (!load->anew)
        TRY(is_in(load, load->target, object, &loaded));
    if (loaded)
        return plan_skip(listing->plan, object->key, "already loaded") ? NULL : end_of_plan();
    if (load->dry_run)
        return plan_skip(listing->plan, object->key, "would be loaded (dry run)") ? NULL : end_of_plan();
    Item *item = plan_item(listing->plan, object->key, object->size_bytes);
    if (!item)
        return FAIL(NO_MEMORY, "out of memory");
    item->bytes_planned = object->size_bytes;
    File *file = item->data;
    file->arena = arena_new(64 * KIB);
    file->etag = file->arena ? arena_str(file->arena, object->etag) : (Str){NULL, 0};
    if (!file->etag.data) {
        plan_drop(listing->plan, item);
        return FAIL(NO_MEMORY, "out of memory");
    }
    return plan_push(listing->plan, &item) ? NULL : end_of_plan();
}

static Error *plan_files(void *context, Plan *plan)
{
    Load *load = context;
    Listing listing = {load, plan};
    TRY(place_list(&load->source, plan_cancel(plan), plan_object, &listing));
    return load->matched ? NULL : nothing_matched(load);
}

static void clear_file(void *context, Item *item)
{
    (void)context;
    File *file = item->data;
    buffer_done(&file->body);
    arena_free(file->arena);
    file->arena = NULL;
}

/* ---- a file ---- */

static Error *read_file(void *context, Worker *worker, Item *item)
{
    Load *load = context;
    File *file = item->data;
    if (item->size_bytes > PREFETCH_MAX)
        return NULL;
    file->body.limit = PREFETCH_MAX;
    return store_get(load->source.store, worker_cancel(worker), item->key, BYTE_RANGE_ALL, file->etag, &file->body);
}

typedef struct FileSource {
    Load *load;
    const Item *item;
} FileSource;

static Error *read_at(void *context, uint64_t offset, uint8_t *out, size_t len)
{
    FileSource *source = context;
    const File *file = source->item->data;
    if (file->body.data) {
        memcpy(out, file->body.data + offset, len);
        return NULL;
    }
    CLEANUP(buffer_done) Buffer piece = {.limit = len};
    TRY(store_get(source->load->source.store, source->load->env->cancel, source->item->key, (ByteRange){offset, len},
                  file->etag, &piece));
    if (piece.len != len)
        return FAIL(CORRUPT, "the object ends before byte %llu", (unsigned long long)(offset + len));
    memcpy(out, piece.data, len);
    return NULL;
}

static Error *load_rows(Load *load, ParquetReader *reader, const struct ArrowSchema *schema, uint64_t *ret_rows)
{
    uint64_t rows = 0;
    for (;;) {
        struct ArrowArray batch = {0};
        TRY(cancel_check(load->env->cancel));
        TRY(parquet_reader_next(reader, &batch));
        if (!batch.release)
            break;
        rows += (uint64_t)batch.length;
        Error *error = sink_object_rows(load->sink, schema, &batch);
        batch.release(&batch);
        TRY(error);
    }
    *ret_rows = rows;
    return NULL;
}

static Error *load_object(Load *load, const Item *item, ParquetReader *reader, const struct ArrowSchema *schema)
{
    SinkObject object = object_of(load, item);
    uint64_t rows;
    TRY(sink_object_begin(load->sink, &object, schema));
    Error *error = load_rows(load, reader, schema, &rows);
    if (error) {
        sink_object_abort(load->sink);
        return error;
    }
    TRY(sink_object_commit(load->sink, rows));
    load->rows += rows;
    return NULL;
}

static Error *commit_file(void *context, Item *item)
{
    Load *load = context;
    FileSource file = {load, item};
    ParquetSource source = {&file, item->size_bytes, read_at};
    ParquetReadOptions options = {.batch_rows = BATCH_ROWS};
    CLEANUP(parquet_reader_freep) ParquetReader *reader = NULL;
    struct ArrowSchema schema = {0};
    const File *body = item->data;
    if (body->body.data && body->body.len != item->size_bytes)
        return FAIL(CHANGED, "the object was replaced while it was read");
    TRY(parquet_reader_open(&source, &options, &reader));
    TRY(parquet_reader_schema(reader, &schema));
    Error *error = load_object(load, item, reader, &schema);
    schema.release(&schema);
    item->bytes_done = item->size_bytes;
    return error;
}

static const Job load_job = {
    .name = "load",
    .item_bytes = sizeof(File),
    .ordered = true,
    .plan = plan_files,
    .work = read_file,
    .commit = commit_file,
    .clear = clear_file,
};

/* ---- the run ---- */

static void load_done(Load *load)
{
    sink_free(load->sink);
    sink_free(load->ledger);
    key_filter_free(load->filter);
    place_done(&load->source);
    buffer_done(&load->source_text);
}

/* REPLACE when the table is exactly the source already: nothing is to be replaced, so what is there counts. A staging table that a killed run
 * left is gone on with when every object in it is still what the source holds. */
static Error *choose_target(Load *load, bool *ret_resume)
{
    uint64_t table_count, staging_count;
    Survey survey = {.load = load};
    *ret_resume = false;
    if (load->mode != SINK_REPLACE || load->force || !load->ledger)
        return NULL;
    TRY(place_list(&load->source, load->env->cancel, survey_object, &survey));
    if (survey.matched == 0)
        return nothing_matched(load);
    TRY(sink_object_count(load->ledger, load->table, &table_count));
    TRY(sink_object_count(load->ledger, str_of(load->staging), &staging_count));
    if (survey.in_table == survey.matched && table_count == survey.matched)
        load->mode = SINK_APPEND;
    *ret_resume = staging_count > 0 && survey.in_staging == staging_count;
    return NULL;
}

/* A dry run asks what is there, and makes nothing: without a database, or with one that was never loaded into, nothing is. */
static Error *open_ledger(Load *load, Str to)
{
    bool exists;
    Error *error = sink_open(to, load->dry_run, load->env->cancel, load->env->log, &load->ledger);
    if (error && load->dry_run && error_code(error) == ERR_NOT_FOUND) {
        error_free(error);
        return NULL;
    }
    TRY(error);
    TRY(sink_has_ledger(load->ledger, &exists));
    if (!exists) {
        sink_free(load->ledger);
        load->ledger = NULL;
    }
    return NULL;
}

static Error *open_sinks(Load *load)
{
    const Config *config = load->env->config;
    Str to = config_str(config, "to");
    bool resume;
    TRY(open_ledger(load, to));
    TRY(choose_target(load, &resume));
    load->anew = load->mode == SINK_REPLACE && !resume;
    load->target = load->mode == SINK_REPLACE ? str_of(load->staging) : load->table;
    if (load->dry_run)
        return NULL;
    TRY(sink_open(to, false, load->env->cancel, load->env->log, &load->sink));
    return sink_load_begin(load->sink, load->table, load->mode, resume, &load->target);
}

/* Combinations that would do something else than what they say. */
static Error *check_options(const Config *config, SinkMode mode)
{
    bool part = config_shard(config, "shard").count > 1 || config_has(config, "limit");
    if (mode == SINK_REPLACE && part)
        return FAIL(
            INVALID,
            "--mode replace would make the table hold this part alone: with --shard or --limit use --mode append");
    if (mode != SINK_REPLACE && config_bool(config, "force"))
        return FAIL(INVALID, "--force loads everything again, which --mode append would only add: use --mode replace");
    return NULL;
}

/* PLACE, or the original's bucket and prefix. */
static Error *find_source(const Config *config, Buffer *out)
{
    if (config_has(config, "source") && config_is_set(config, "prefix"))
        return FAIL(INVALID, "--prefix goes with --bucket: put it into PLACE");
    if (config_has(config, "source"))
        return buffer_append_str(out, config_str(config, "source"));
    if (!config_has(config, "bucket"))
        return FAIL(INVALID,
                    "no source: give the place of the Parquet files, quern load PLACE --table NAME --to sqlite:FILE");
    TRY(buffer_append_format(out, "s3://" STR_FMT "/", STR_ARG(config_str(config, "bucket"))));
    return config_has(config, "prefix") ? buffer_append_str(out, config_str(config, "prefix")) : NULL;
}

static Error *load_open(Load *load)
{
    static const SinkMode modes[] = {SINK_REPLACE, SINK_APPEND, SINK_FAIL}; /* as the option's choices */
    const Config *config = load->env->config;
    TRY(find_source(config, &load->source_text));
    if (!config_has(config, "table"))
        return FAIL(INVALID, "no table: give --table NAME");
    if (!config_has(config, "to"))
        return FAIL(INVALID, "no database: give --to sqlite:FILE");
    load->mode = modes[config_choice(config, "mode")];
    TRY(check_options(config, load->mode));
    load->table = config_str(config, "table");
    snprintf(load->staging, sizeof load->staging, STR_FMT "__staging", STR_ARG(load->table));
    load->force = config_bool(config, "force");
    load->dry_run = config_bool(config, "dry-run");
    load->index_text = !config_bool(config, "skip-fts");
    TRY(key_filter_new(config, (StrList){0}, &load->filter));
    TRY(place_open(load->env, buffer_str(&load->source_text), &load->source));
    job_warn_without_effect(load->env);
    load->place_url = store_url_view(load->source.store);
    return open_sinks(load);
}

/* The results document of spec/postgres.md 1.12, as far as it applies to one table. */
static Error *write_results(const Load *load, const Report *report, const Error *error, int64_t began_us,
                            int64_t elapsed_us, Buffer *out)
{
    char start[TIME_TEXT_BYTES], end[TIME_TEXT_BYTES], total[32];
    bool success = !error && report_count(report, OUTCOME_FAILED) == 0;
    JsonWriter w;
    time_iso8601(began_us, start);
    time_iso8601(began_us + elapsed_us, end);
    snprintf(total, sizeof total, "%.2fs", (double)elapsed_us / 1e6);
    json_begin(&w, out, 2);
    json_open_object(&w);
    json_put_key(&w, STR("entities"));
    json_open_array(&w);
    json_open_object(&w);
    json_member(&w, "entity", str, load->table);
    json_member(&w, "folder", str, str_of(load->source.text));
    json_member(&w, "success", bool, success);
    json_member(&w, "rows", uint, load->rows);
    json_member(&w, "files", uint, report_count(report, OUTCOME_DONE));
    json_member(&w, "total_time", str, str_of(total));
    json_close_object(&w);
    json_close_array(&w);
    json_member(&w, "success", bool, success);
    json_member(&w, "message", str,
                error     ? str_of(error_message_view(error))
                : success ? STR("Successfully processed 1 entities")
                          : STR("Completed with errors in some entities (1 processed)"));
    json_member(&w, "start_time", str, str_of(start));
    json_member(&w, "end_time", str, str_of(end));
    json_member(&w, "total_time", str, str_of(total));
    json_close_object(&w);
    return json_finish(&w);
}

static Error *write_output(const Config *config, Bytes results)
{
    const char *path = config_cstr(config, "output");
    if (!path)
        return NULL;
    FILE *file = fopen(path, "we");
    if (!file)
        return FAIL(INVALID, "--output: cannot write '%s'", path);
    bool ok = fwrite(results.data, 1, results.len, file) == results.len;
    ok = fputc('\n', file) != EOF && ok;
    return fclose(file) == 0 && ok ? NULL : FAIL(NO_SPACE, "--output: cannot write all of '%s'", path);
}

static Error *next_command(const Load *load, const Report *report, Buffer *out)
{
    bool there = report_count(report, OUTCOME_DONE) + report_count(report, OUTCOME_SKIPPED) > 0;
    if (!load->index_text || load->dry_run || !there)
        return NULL;
    TRY(buffer_append_str(out, STR("quern search \"some words\" --table ")));
    TRY(append_shell_word(out, load->table));
    TRY(buffer_append_str(out, STR(" --to ")));
    return append_shell_word(out, config_str(load->env->config, "to"));
}

/* After the last file: an undisturbed load takes the table's place; one cut short leaves what it has for the next run. */
static Error *finish_load(Load *load, const Report *report, Error *take_error)
{
    if (!load->sink || take_error) {
        if (load->sink)
            sink_load_abort(load->sink);
        return take_error;
    }
    if (load->mode == SINK_REPLACE && report_count(report, OUTCOME_FAILED)) {
        sink_load_abort(load->sink);
        log_warning(load->env->log,
                    "table '" STR_FMT
                    "' is left as it was, because files failed; mend them and run again, or load with --mode append",
                    STR_ARG(load->table));
        return NULL;
    }
    return sink_load_finish(load->sink, load->index_text);
}

static Error *run_engine(Load *load, EngineOptions *options, Report **take_report, JobResult *result, Buffer *results)
{
    const Config *config = load->env->config;
    CLEANUP(journal_freep) Journal *journal = NULL;
    CLEANUP(buffer_done) Buffer next = {0};
    TRY(job_open_journal(load->env, "load", buffer_str(&load->source_text), config_str(config, "to"), &journal));
    options->journal = journal;
    options->source = buffer_str(&load->source_text);
    options->target = config_str(config, "to");
    result->report = *take_report;
    *take_report = NULL;

    int64_t began_us = clock_wall_us(load->env->clock), monotonic_us = clock_monotonic_us(load->env->clock);
    Error *error = finish_load(load, result->report, engine_run(&load_job, load, options, result->report));
    Summary summary = {
        .command = "load",
        .elapsed_us = clock_monotonic_us(load->env->clock) - monotonic_us,
        .counters = store_counters(load->source.store),
        .output = config_str(config, "to"),
        .journal = journal_path_view(journal),
        .rows = load->rows,
        .has_rows = true,
    };
    Error *late = next_command(load, result->report, &next);
    summary.next = buffer_str(&next);
    if (!late)
        late = write_results(load, result->report, error, began_us, summary.elapsed_us, results);
    if (!late)
        late = write_output(config, buffer_bytes(results));
    if (!late && journal)
        late = journal_end(journal, error                                          ? error_code_name(error_code(error))
                                    : report_count(result->report, OUTCOME_FAILED) ? "failures"
                                                                                   : "ok");
    if (!error)
        error = late;
    else
        error_free(late); /* the run's own end is the news */
    return job_result_finish(result, &summary, config_bool(config, "redact-keys"), error);
}

Error *load_run(const JobEnv *env, JobResult *result, Buffer *results)
{
    EngineOptions options;
    Load load = {.env = env};
    CLEANUP(report_freep) Report *report = NULL;
    TRY(job_engine_options(env, &options));
    TRY(report_new(config_cstr(env->config, "report-file"), config_bool(env->config, "redact-keys"), &report));
    Error *error = load_open(&load);
    if (!error)
        error = run_engine(&load, &options, &report, result, results);
    load_done(&load);
    return error;
}
