#include "jobs/ingest/ingest.h"

#include "base/random.h"
#include "jobs/ingest/job.h"

enum { DOWNLOADS_IN_FLIGHT = 64 };

static void ingest_done(Ingest *ingest)
{
    shards_free(ingest->shards);
    document_parser_free(ingest->parser);
    company_free(ingest->company);
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
        TRY_CTX(shards_new(ingest->output, directory, str_of(ingest->options_hash), ingest->env->cancel,
                           config_shard(config, "shard"), ingest->env->log, &ingest->shards),
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
    TRY(shape_from_config(config, NULL, &ingest->shape));
    TRY(shape_hash(&ingest->shape, config, ingest->options_hash));
    TRY(key_filter_new(config, config_list(config, "file-glob"), &ingest->filter));
    TRY(place_open(ingest->env, config_str(config, "s3-url"), &ingest->source));
    if (!ingest->roles->process && !ingest->dry_run && !config_bool(config, "download-only")) {
        TRY(document_parser_new(config, options->workers, ingest->env->log, &ingest->parser));
        ingest->company = company_new();
        if (!ingest->company)
            return FAIL(NO_MEMORY, "out of memory");
    }
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

/* What a document cannot be read by: the options, and the parser with what it has for OCR. */
static Error *open_verdicts(const Ingest *ingest, const char *journal_path, Verdicts **ret_verdicts)
{
    CLEANUP(buffer_done) Buffer judge = {0};
    TRY(buffer_append_str(&judge, str_of(ingest->options_hash)));
    TRY(document_parser_append_identity(ingest->env->config, &judge));
    return verdicts_new(journal_path, buffer_str(&judge), ret_verdicts);
}

static void say_what_was_left(const Ingest *ingest)
{
    Log *log = ingest->env->log;
    uint64_t unread = ingest->left_unread, superseded = ingest->shards ? shards_superseded(ingest->shards) : 0;
    if (unread)
        log_info(log, "%llu documents could not be read by an earlier run and were not fetched again; quern retry does",
                 (unsigned long long)unread);
    if (superseded)
        log_warning(
            log,
            "%llu documents, or the options that make their rows, have changed: the rows made before stay in shards of lower numbers",
            (unsigned long long)superseded);
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
    CLEANUP(verdicts_freep) Verdicts *verdicts = NULL;
    if (ingest->parser)
        TRY(open_verdicts(ingest, journal_path_view(journal), &verdicts));
    ingest->verdicts = verdicts;
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
    say_what_was_left(ingest);
    Error *late = next_command(ingest, summary.output, result->report, &next);
    summary.next = buffer_str(&next);
    bool lacking = report_count(result->report, OUTCOME_FAILED) || report_partial_count(result->report);
    if (journal && !late)
        late = journal_end(journal, error ? error_code_name(error_code(error)) : lacking ? "failures" : "ok");
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
