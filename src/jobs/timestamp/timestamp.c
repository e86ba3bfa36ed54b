#include "jobs/timestamp/timestamp.h"

#include <inttypes.h>
#include <string.h>

#include "base/thread.h"
#include "jobs/manifest/manifest_name.h"
#include "jobs/timestamp/job.h"
#include "jobs/timestamp/ranges.h"

enum { AHEAD_LEAST = 2, AHEAD_MOST = 16, RANGES_AHEAD_LEAST = 2, OBJECTS_A_THREAD = 4 };
#define PIECE_BYTES ((uint64_t)1 * MIB) /* compressed, of the text reader's */
#define FIRST_LINE_BYTES ((uint64_t)512 * KIB)
#define DIRECTORIES_BYTES ((size_t)1 * GIB)

static const char ENDING[] = ".jsonl.bz2", BACKUP_ENDING[] = ".jsonl.bz2.backup";

/* ---- what people see ---- */

Error *timestamp_append_url(const Timestamp *job, Str key, Buffer *out)
{
    Str root = store_url_view(job->source.store);
    TRY(buffer_append_str(out, root));
    if (!str_ends_with(root, STR("/")))
        TRY(buffer_append_byte(out, '/'));
    return job->redact ? report_append_key(out, key, true) : buffer_append_str(out, key);
}

const char *timestamp_shown(const Timestamp *job, Str key, Buffer *out)
{
    buffer_clear(out);
    Error *error = report_append_key(out, key, job->redact);
    const char *text = error ? NULL : buffer_cstr(out);
    error_free(error); /* a line of the log without its key */
    return text ? text : "?";
}

const char *timestamp_reason(const Timestamp *job, Str key, const Error *why, Buffer *out)
{
    buffer_clear(out);
    Error *error = report_append_reason(out, key, why, job->redact);
    const char *text = error ? NULL : buffer_cstr(out);
    error_free(error); /* a line of the log without its reason */
    return text ? text : "?";
}

/* The statistics of the original, which counts what failed as skipped, and what it does not tell. */
static void say_statistics(const Timestamp *job)
{
    const TimestampCounts *counts = &job->counts;
    Log *log = job->env->log;
    uint64_t skipped = counts->already_set + counts->failed;
    log_info(log, "Overall statistics:");
    log_info(log, "Total files: %" PRIu64, job->matched);
    log_info(log, "Skipped files: %" PRIu64, skipped);
    log_info(log, "Processed files: %" PRIu64, job->matched > skipped ? job->matched - skipped : 0);
    log_info(log,
             "Updated: %" PRIu64 ", already set: %" PRIu64 ", already right: %" PRIu64 ", no usable record: %" PRIu64
             ", failed: %" PRIu64,
             counts->updated, counts->already_set, counts->already_right, counts->no_usable_record, counts->failed);
}

/* ---- plan ---- */

typedef struct Listing {
    Timestamp *job;
    Plan *plan;
} Listing;

/* What an object holds of the byte budget. */
static uint64_t held_bytes(const Timestamp *job, uint64_t size_bytes)
{
    if (job->mode != MODE_SET)
        return 0;
    uint64_t ahead = (job->ranges_ahead + 1) * RANGE_MAX_BYTES + (job->ahead + 1) * PIECE_BYTES;
    uint64_t most = job->all_lines ? ahead : FIRST_LINE_BYTES;
    return 2 * MIN(size_bytes, most); /* a buffer that grows has twice its bytes for a moment, and malloc keeps some */
}

MUST_USE static Error *plan_object(Timestamp *job, Plan *plan, Str key, uint64_t size_bytes)
{
    Item *item = plan_item(plan, key, held_bytes(job, size_bytes));
    if (!item)
        return FAIL(NO_MEMORY, "out of memory");
    job->matched++;
    if (job->mode == MODE_SET && job->all_lines && size_bytes != UINT64_MAX)
        item->bytes_planned = size_bytes;
    return plan_push(plan, &item) ? NULL : FAIL(CANCELLED, "the run is ending");
}

static Error *plan_listed(void *context, const ObjectInfo *object)
{
    const Listing *listing = context;
    Timestamp *job = listing->job;
    Str ending = job->mode == MODE_BACKUPS ? str_of(BACKUP_ENDING) : str_of(ENDING);
    if (!str_ends_with(object->key, ending) || !key_filter_takes(job->filter, object->key, job->source.key_base))
        return NULL;
    return plan_object(job, listing->plan, object->key, object->size_bytes);
}

static Error *plan_all(void *context, Plan *plan)
{
    Timestamp *job = context;
    Listing listing = {job, plan};
    if (job->one_file)
        return plan_object(job, plan, job->source.prefix, UINT64_MAX);
    Error *error = place_list(&job->source, plan_cancel(plan), plan_listed, &listing);
    if (error_code(error) != ERR_CANCELLED)
        return error;
    error_free(error); /* a push said that the run is ending, or whoever cancelled says it */
    return NULL;
}

/* ---- the run ---- */

static const Job JOBS[] = {
    [MODE_SET] = {.name = "set-timestamp", .plan = plan_all, .work = timestamp_work},
    [MODE_REPORT] =
        {.name = "set-timestamp", .plan = plan_all, .work = report_work, .commit = report_commit, .ordered = true},
    [MODE_REPORT_DIRS] =
        {.name = "set-timestamp", .plan = plan_all, .work = report_work, .commit = report_commit, .ordered = true},
    [MODE_BACKUPS] =
        {.name = "set-timestamp", .plan = plan_all, .work = backup_work, .commit = backup_commit, .ordered = true},
};

Error *timestamp_check_options(const Config *config)
{
    bool file = config_has(config, "s3-file"), prefix = config_has(config, "s3-prefix");
    bool report = config_bool(config, "report"), directories = config_bool(config, "report-dirs");
    if (file && prefix)
        return FAIL(INVALID, "argument --s3-file: not allowed with argument --s3-prefix");
    if (!file && !prefix)
        return FAIL(INVALID, "one of the arguments --s3-prefix --s3-file is required");
    if ((report || directories) && !prefix)
        return FAIL(INVALID, "The --report and --report-dirs options require --s3-prefix.");
    if (report && directories)
        return FAIL(INVALID, "Cannot use both --report and --report-dirs at the same time.");
    if (config_has(config, "output") && !file)
        return FAIL(INVALID, "The --output option is only valid with --s3-file.");
    if (config_bool(config, "remove-backups") && (file || report || directories))
        return FAIL(INVALID, "--remove-backups goes with --s3-prefix alone, without a report");
    if (config_str(config, "metadata-key").len == 0 || config_str(config, "ts-key").len == 0)
        return FAIL(INVALID, "--metadata-key and --ts-key need a name");
    return NULL;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("!#$%&'*+-.^_`|~", c);
}

/* S3 gives names back in lower case, so that is what they are compared in. RFC 9110 5.6.2 says what a name may be. */
MUST_USE static Error *set_name(Timestamp *job)
{
    Str name = config_str(job->env->config, "metadata-key");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (!is_name_char(c))
            return FAIL(INVALID, "--metadata-key '" STR_FMT "': that cannot be the name of a header", STR_ARG(name));
        TRY(buffer_append_byte(&job->name_text, (uint8_t)c));
    }
    job->name = buffer_str(&job->name_text);
    return NULL;
}

static bool is_s3(const Place *place)
{
    return str_starts_with(store_url_view(place->store), STR("s3://"));
}

/* One object, and none that impresso keeps its dates in itself. */
MUST_USE static Error *check_object(const Place *place, const char *option)
{
    ManifestName manifest;
    if (place->prefix.len == 0)
        return FAIL(INVALID, "%s '%s' names no %s", option, place->text,
                    is_s3(place) ? "object: a key is missing"
                                 : "file that is there; an object's name is s3://bucket/key");
    if (manifest_name_parse(place->prefix, &manifest))
        return FAIL(INVALID, "%s '%s' is a data manifest, which has its dates inside: it is left as it is", option,
                    place->text);
    return NULL;
}

MUST_USE static Error *open_places(Timestamp *job)
{
    const Config *config = job->env->config;
    CLEANUP(buffer_done) Buffer url = {0};
    TRY(buffer_append_str(&url, config_str(config, job->one_file ? "s3-file" : "s3-prefix")));
    if (config_bool(config, "exact-prefix") && !job->one_file && !str_ends_with(buffer_str(&url), STR("/")))
        TRY(buffer_append_byte(&url, '/'));
    TRY(place_open(job->env, buffer_str(&url), &job->source));
    if (job->one_file)
        TRY(check_object(&job->source, "--s3-file"));
    if (!config_has(config, "output"))
        return NULL;
    TRY(place_open(job->env, config_str(config, "output"), &job->target));
    TRY(check_object(&job->target, "--output"));
    if (is_s3(&job->source) != is_s3(&job->target))
        return FAIL(INVALID,
                    "--output '%s' is another kind of place than '%s': the service itself makes the copy; quern "
                    "copy brings objects from one to the other",
                    job->target.text, job->source.text);
    return place_check_target(job->env, config_str(config, "output"), job->target.store);
}

MUST_USE static Error *timestamp_open(Timestamp *job, unsigned threads)
{
    const Config *config = job->env->config;
    TRY(timestamp_check_options(config));
    job->mode = config_bool(config, "report")           ? MODE_REPORT
                : config_bool(config, "report-dirs")    ? MODE_REPORT_DIRS
                : config_bool(config, "remove-backups") ? MODE_BACKUPS
                                                        : MODE_SET;
    job->one_file = config_has(config, "s3-file");
    job->ts_key = config_str(config, "ts-key");
    job->all_lines = config_bool(config, "all-lines");
    job->force = config_bool(config, "force");
    job->recheck = config_bool(config, "recheck");
    job->dry_run = config_bool(config, "dry-run");
    job->strict = config_bool(config, "strict-compat");
    job->redact = config_bool(config, "redact-keys");
    job->arena = arena_new(DIRECTORIES_BYTES);
    if (!job->arena)
        return FAIL(NO_MEMORY, "out of memory");
    job->ahead = MAX(AHEAD_LEAST, MIN(2 * threads, AHEAD_MOST));
    job->ranges_ahead = job->all_lines ? MAX(RANGES_AHEAD_LEAST, MIN(threads, RANGES_AHEAD_MAX)) : 0;
    TRY(set_name(job));
    TRY(key_filter_new(config, (StrList){0}, &job->filter));
    TRY(open_places(job));
    return job->mode == MODE_SET ? text_pool_new(threads, &job->pool) : NULL;
}

static void timestamp_done(Timestamp *job)
{
    text_pool_free(job->pool);
    key_filter_free(job->filter);
    place_done(&job->source);
    place_done(&job->target);
    buffer_done(&job->name_text);
    buffer_done(&job->lines);
    arena_free(job->arena);
}

static bool writes(const Timestamp *job)
{
    return job->mode == MODE_SET || (job->mode == MODE_BACKUPS && config_bool(job->env->config, "yes"));
}

/* To the original nothing found is well, and a mistyped prefix a success. */
static void say_nothing_matched(const Timestamp *job)
{
    if (job->matched == 0 && !job->strict && job->mode != MODE_BACKUPS)
        log_warning(job->env->log, "nothing below '%s' ends in '%s' and passes the filters; is the prefix right?",
                    job->source.text, ENDING);
}

/* What the run has to say when it is over, beside its summary. */
MUST_USE static Error *end_of_run(Timestamp *job, JobResult *result)
{
    say_nothing_matched(job);
    if (job->mode == MODE_REPORT || job->mode == MODE_REPORT_DIRS)
        TRY(report_end(job));
    else if (job->mode == MODE_BACKUPS)
        log_info(job->env->log, "stale backups: %" PRIu64 ", bytes: %" PRIu64, job->lines_count, job->bytes_found);
    else if (!job->one_file)
        say_statistics(job);
    result->lines = job->lines;
    job->lines = (Buffer){0};
    return NULL;
}

MUST_USE static Error *run_engine(Timestamp *job, EngineOptions *options, Report **take_report, JobResult *result)
{
    CLEANUP(journal_freep) Journal *journal = NULL;
    Str source = str_of(job->source.text);
    Str target = job->target.store ? str_of(job->target.text) : source;
    if (writes(job))
        TRY(job_open_journal(job->env, "set-timestamp", source, target, &journal));
    options->journal = journal;
    options->source = source;
    options->target = target;
    result->report = *take_report;
    *take_report = NULL;
    Job steps = JOBS[job->mode];
    steps.item_bytes = sizeof(TimestampItem);
    /* One question to S3 for each object. What another kind of store does meanwhile, a program's own for one, nobody knows. */
    steps.waits_only = steps.work == report_work && is_s3(&job->source);
    int64_t began_us = clock_monotonic_us(job->env->clock);
    Error *error = engine_run(&steps, job, options, result->report);
    old_versions_say(&job->old, job->source.store, job->env->cancel, job->env->log, job->dry_run);
    Summary summary = {.command = "set-timestamp",
                       .elapsed_us = clock_monotonic_us(job->env->clock) - began_us,
                       .counters = store_counters(job->source.store)};
    if (job->target.store) {
        summary.counters = counters_sum(summary.counters, store_counters(job->target.store));
        summary.output = target;
    }
    if (!error)
        error = end_of_run(job, result);
    return job_result_end(result, &summary, journal, job->redact, error);
}

Error *timestamp_run(const JobEnv *env, JobResult *result)
{
    EngineOptions options;
    CLEANUP(report_freep) Report *report = NULL;
    Timestamp job = {.env = env};
    TRY(job_engine_options(env, &options));
    TRY(report_new(config_cstr(env->config, "report-file"), config_bool(env->config, "redact-keys"), &report));
    Error *error = timestamp_open(&job, options.cpu_tokens);
    if (job.all_lines
        && !config_is_set(env->config, "workers")) /* more objects at once would only wait, and hold memory */
        options.workers = MIN(options.workers, OBJECTS_A_THREAD * options.cpu_tokens);
    if (!error)
        error = run_engine(&job, &options, &report, result);
    timestamp_done(&job);
    return error;
}
