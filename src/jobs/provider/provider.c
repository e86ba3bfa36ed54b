#include "jobs/provider/job.h"

#define SNAPSHOT_BYTES ((size_t)2 * GIB) /* some 15 million keys */

/* ---- watching: the original's lines come before what the caller hears of the item ---- */

static void watch_progress(void *context, const Progress *progress)
{
    const EngineWatch *watch = &((AddProvider *)context)->env->watch;
    watch->progress(watch->context, progress);
}

static void watch_planned(void *context, const PlanTotal *total)
{
    const EngineWatch *watch = &((AddProvider *)context)->env->watch;
    watch->planned(watch->context, total);
}

static void watch_item(void *context, const Item *item, Str line)
{
    AddProvider *job = context;
    const EngineWatch *watch = &job->env->watch;
    lines_of_item(job, item);
    if (watch->item)
        watch->item(watch->context, item, line);
}

static EngineWatch watch_of(AddProvider *job)
{
    const EngineWatch *watch = &job->env->watch;
    return (EngineWatch){.progress = watch->progress ? watch_progress : NULL,
                         .item = watch_item,
                         .planned = watch->planned ? watch_planned : NULL,
                         .context = job,
                         .lines = watch->lines};
}

/* ---- places ---- */

/* Always with a slash behind the partition: "v1" is not "v10". */
MUST_USE static Error *open_source(AddProvider *job)
{
    CLEANUP(buffer_done) Buffer url = {0};
    Str given = config_str(job->env->config, "s3-partition-path");
    if (given.len == 0)
        return FAIL(INVALID, "--s3-partition-path is required");
    TRY(buffer_append_format(&url, STR_FMT "/", STR_ARG(key_partition(given))));
    TRY(place_open(job->env, buffer_str(&url), &job->source));
    job->partition = job->to_partition = key_partition(job->source.prefix);
    return NULL;
}

static bool is_within(Str partition, Str other)
{
    return other.len == 0
           || (str_starts_with(partition, other) && partition.len > other.len && partition.data[other.len] == '/');
}

/* Within one bucket a run must not write where it, or the next run, would read. */
MUST_USE static Error *judge_target(AddProvider *job)
{
    if (!str_equal(store_url_view(job->target.store), store_url_view(job->source.store)))
        return NULL;
    place_done(&job->target);
    if (str_equal(job->partition, job->to_partition))
        return NULL;
    if (is_within(job->to_partition, job->partition) || is_within(job->partition, job->to_partition))
        return FAIL(INVALID,
                    "--dest-bucket: one of the partitions '" STR_FMT "' and '" STR_FMT "' lies within the other",
                    STR_ARG(job->partition), STR_ARG(job->to_partition));
    return NULL;
}

/* A bucket's name, "s3://NAME" or "s3://NAME/PARTITION"; the latter takes the place of the source's. */
MUST_USE static Error *open_target(AddProvider *job)
{
    CLEANUP(buffer_done) Buffer url = {0};
    Str given = config_str(job->env->config, "dest-bucket");
    if (given.len == 0)
        return NULL;
    bool is_name = str_find_char(given, '/') == SIZE_MAX;
    TRY(buffer_append_format(&url, "%s" STR_FMT "/", is_name ? "s3://" : "", STR_ARG(key_partition(given))));
    TRY(place_open(job->env, buffer_str(&url), &job->target));
    Str partition = key_partition(job->target.prefix);
    if (partition.len > 0) {
        job->to_partition = arena_str(job->arena, partition);
        if (!job->to_partition.data)
            return arena_error(job->arena);
    }
    TRY(place_check_target(job->env, buffer_str(&url), job->target.store));
    return judge_target(job);
}

MUST_USE static Error *provider_open(AddProvider *job)
{
    const Config *config = job->env->config;
    job->dry_run = config_bool(config, "dry-run");
    job->removes = config_bool(config, "remove-src-keys");
    job->skip_unknown = config_bool(config, "skip-unknown");
    job->skips_complete = config_bool(config, "strict-compat");
    job->redact = config_bool(config, "redact-keys");
    job->arena = arena_new(SNAPSHOT_BYTES);
    if (!job->arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(provider_map_open(config_cstr(config, "provider-map"), &job->map));
    TRY(key_filter_new(config, (StrList){0}, &job->filter));
    TRY(open_source(job));
    return open_target(job);
}

static void provider_done(AddProvider *job)
{
    error_free(job->line_error); /* the run ended for another reason */
    buffer_done(&job->alias);
    buffer_done(&job->line);
    for (size_t i = 0; i < ARRAY_COUNT(job->shown); i++)
        buffer_done(&job->shown[i]);
    place_done(&job->source);
    place_done(&job->target);
    key_filter_free(job->filter);
    provider_map_free(job->map);
    arena_free(job->arena);
}

/* ---- the run ---- */

MUST_USE static Error *run_engine(AddProvider *job, EngineOptions *options, Report **take_report, JobResult *result)
{
    /* The service copies; of a directory it is this machine. */
    const Job steps = {.name = "add-provider",
                       .item_bytes = sizeof(ProviderItem),
                       .ordered = true,
                       .waits_only = str_starts_with(store_url_view(job->source.store), STR("s3://")),
                       .plan = provider_plan,
                       .work = provider_work};
    CLEANUP(journal_freep) Journal *journal = NULL;
    Str source = str_of(job->source.text);
    Str target = job->target.store ? str_of(job->target.text) : source;
    TRY(job_open_journal(job->env, "add-provider", source, target, &journal));
    options->journal = journal;
    options->source = source;
    options->target = target;
    options->watch = watch_of(job);
    TRY(lines_begin(job));
    result->report = *take_report;
    *take_report = NULL;
    int64_t began_us = clock_monotonic_us(job->env->clock);
    Error *error = engine_run(&steps, job, options, result->report);
    if (!error)
        error = lines_end(job);
    Summary summary = {.command = "add-provider",
                       .elapsed_us = clock_monotonic_us(job->env->clock) - began_us,
                       .counters = store_counters(job->source.store),
                       .output = job->target.store ? target : STR_EMPTY};
    if (job->target.store)
        summary.counters = counters_sum(summary.counters, store_counters(job->target.store));
    return job_result_end(result, &summary, journal, job->redact, error);
}

Error *provider_run(const JobEnv *env, JobResult *result)
{
    EngineOptions options;
    CLEANUP(report_freep) Report *report = NULL;
    AddProvider job = {.env = env};
    TRY(job_engine_options(env, &options));
    TRY(report_new(config_cstr(env->config, "report-file"), config_bool(env->config, "redact-keys"), &report));
    Error *error = provider_open(&job);
    if (!error)
        error = run_engine(&job, &options, &report, result);
    provider_done(&job);
    return error;
}
