#include "jobs/copy/copy.h"

#include "jobs/copy/job.h"

/* ---- what the options say ---- */

static Error *read_compare(Copy *copy)
{
    StrList list = config_list(copy->env->config, "compare");
    for (size_t i = 0; i < list.count; i++) {
        if (str_equal(list.items[i], STR("size")))
            copy->compare.size = true;
        else if (str_equal(list.items[i], STR("mtime")))
            copy->compare.mtime = true;
        else if (str_equal(list.items[i], STR("etag")))
            copy->compare.etag = true;
        else
            return FAIL(INVALID, "--compare '" STR_FMT "': it is a list of size, mtime and etag",
                        STR_ARG(list.items[i]));
    }
    return NULL;
}

static Error *read_providers(Copy *copy)
{
    const Config *config = copy->env->config;
    const char *path = config_has(config, "provider-map") ? config_cstr(config, "provider-map") : "";
    if (!config_bool(config, "add-provider"))
        return *path ? FAIL(INVALID, "--provider-map needs --add-provider") : NULL;
    TRY_CTX(provider_map_open(path, &copy->providers), "--provider-map");
    return NULL;
}

static Error *read_options(Copy *copy)
{
    const Config *config = copy->env->config;
    if (config_str(config, "from").len == 0)
        return FAIL(INVALID, "SOURCE and DEST are required: the bucket, prefix or directory to copy from, and to");
    if (config_str(config, "to").len == 0)
        return FAIL(INVALID, "DEST is required: the bucket, prefix or directory to copy to");
    copy->mode = (MetadataMode)config_choice(config, "metadata-mode");
    if (!config_bool(config, "metadata"))
        copy->mode = METADATA_NONE;
    copy->verify = (VerifyBy)config_choice(config, "verify");
    /* As rclone has it, metadata go with the object or not at all. */
    copy->sync_metadata = config_bool(config, "sync-metadata") && copy->mode == METADATA_VERBATIM;
    copy->force = config_bool(config, "force");
    copy->dry_run = config_bool(config, "dry-run");
    copy->differences = config_bool(config, "differences");
    copy->required = config_list(config, "require-metadata");
    copy->multipart_from_bytes = config_size(config, "multipart-copy-from");
    if (copy->differences && !copy->dry_run)
        return FAIL(INVALID, "--differences shows what a --dry-run finds; give both");
    TRY(read_compare(copy));
    TRY(read_providers(copy));
    return key_filter_new(config, (StrList){0}, &copy->filter);
}

/* ---- places ---- */

/* "a/b" is the object "a/b" where there is one, else the folder "a/b/", as for rclone. */
static Error *open_source(Copy *copy)
{
    const JobEnv *env = copy->env;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    ObjectInfo info;
    Place *source = &copy->source;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(place_open(env, config_str(env->config, "from"), source));
    copy->source_local = !str_starts_with(store_url_view(source->store), STR("s3://"));
    TRY(buffer_append_str(&copy->folder_text, source->prefix));
    copy->key_base = source->key_base;
    copy->single = source->whole_key;
    if (copy->single || source->prefix.len == 0)
        return NULL;
    if (!str_ends_with(source->prefix, STR("/"))) {
        Error *error = store_head(source->store, env->cancel, source->prefix, arena, &info);
        copy->single = !error;
        if (error && error_code(error) != ERR_NOT_FOUND && error_code(error) != ERR_DENIED)
            return error_wrap(error, "look at '%s'", source->text);
        error_free(
            error); /* no such object, or none that we may see: then it is a folder, or the listing says why not */
        if (copy->single)
            return NULL;
        TRY(buffer_append_byte(&copy->folder_text, '/'));
    }
    copy->key_base = copy->folder_text.len;
    return NULL;
}

static Str without_slashes(Str text)
{
    while (str_ends_with(text, STR("/")))
        text.len--;
    return text;
}

static Error *refuse_itself(const Copy *copy)
{
    CLEANUP(buffer_done) Buffer source = {0};
    Str root = store_url_view(copy->source.store);
    TRY(buffer_append_format(&source, STR_FMT "/" STR_FMT, STR_ARG(without_slashes(root)),
                             STR_ARG(str_slice(buffer_str(&copy->folder_text), 0, copy->key_base))));
    if (copy->providers
        || !str_equal(without_slashes(buffer_str(&source)), without_slashes(store_url_view(copy->target))))
        return NULL;
    return FAIL(INVALID, "'%s' and '" STR_FMT "' are the same place", copy->source.text, STR_ARG(copy->target_url));
}

/* Settings of the destination's own stand before those of both; a profile of its own brings its own endpoint and keys. */
static bool target_options(const JobEnv *env, StoreOptions *options)
{
    const Config *config = env->config;
    *options = *env->store;
    bool profile = config_has(config, "dest-profile"), keys = config_has(config, "dest-aws-access-key-id");
    if (profile || keys) {
        options->access_key_id = config_str(config, "dest-aws-access-key-id");
        options->secret_access_key = config_str(config, "dest-aws-secret-access-key");
        options->session_token = config_str(config, "dest-aws-session-token");
        options->anonymous = false;
    }
    if (profile) {
        options->profile = config_str(config, "dest-profile");
        options->endpoint_url = options->region = STR_EMPTY;
    }
    if (config_has(config, "dest-endpoint-url"))
        options->endpoint_url = config_str(config, "dest-endpoint-url");
    if (config_has(config, "dest-region"))
        options->region = config_str(config, "dest-region");
    bool elsewhere = config_has(config, "dest-endpoint-url")
                     && !str_equal(options->endpoint_url, job_endpoint_view(env, env->store));
    if (profile || keys || elsewhere)
        options->provider = STR_EMPTY; /* that of the source's service */
    return profile || keys || elsewhere || config_has(config, "dest-region");
}

static Error *open_target(Copy *copy)
{
    JobEnv env = *copy->env;
    copy->target_url = config_str(env.config, "to");
    copy->other_settings =
        str_starts_with(copy->target_url, STR("s3://")) && target_options(&env, &copy->target_options);
    if (copy->other_settings) {
        env.store = &copy->target_options;
        env.open_remote = NULL; /* its connections have other settings */
    }
    TRY_CTX(place_open_root(&env, copy->target_url, &copy->target), "open the destination");
    copy->target_local = !str_starts_with(store_url_view(copy->target), STR("s3://"));
    if (copy->other_settings)
        return NULL; /* the same name means another place there */
    TRY(refuse_itself(copy));
    if (copy->providers)
        return NULL; /* in place: keys that have their provider are their own targets */
    return place_within(copy->env, &copy->source, copy->target_url, &copy->own_prefix);
}

static Error *copy_open(Copy *copy)
{
    TRY(read_options(copy));
    TRY(open_source(copy));
    TRY(open_target(copy));
    copy->streams = copy->source_local != copy->target_local || copy->other_settings;
    if (copy->own_prefix.len && copy->source_local == copy->target_local
        && str_starts_with(buffer_str(&copy->folder_text), buffer_str(&copy->own_prefix)))
        buffer_clear(&copy->own_prefix); /* the source lies in the destination: all of it is meant */
    TRY(place_check_target(copy->env, copy->target_url, copy->target));
    return job_scratch_directories(copy->env, &copy->state_dir, copy->scratch);
}

static void copy_done(Copy *copy)
{
    room_done(&copy->room);
    provider_map_free(copy->providers);
    key_filter_free(copy->filter);
    store_free(copy->target);
    buffer_done(&copy->folder_text);
    buffer_done(&copy->own_prefix);
    buffer_done(&copy->state_dir);
    place_done(&copy->source);
}

/* ---- the run ---- */

static Error *finish(void *context)
{
    Copy *copy = context;
    if (copy->rewritten)
        log_info(copy->env->log, "%llu copied, %llu had only their metadata rewritten",
                 (unsigned long long)copy->copied, (unsigned long long)copy->rewritten);
    old_versions_say(&copy->old, copy->target, copy->env->cancel, copy->env->log, copy->dry_run);
    if (copy->manifests)
        log_warning(copy->env->log,
                    "data manifests among the objects: %llu; they describe the place they come from, and a new one is "
                    "computed where they go: --exclude='*.json' leaves them out",
                    (unsigned long long)copy->manifests);
    if (copy->lacking == 0)
        return NULL;
    return FAIL(CHECK, "%llu objects lack metadata that --require-metadata asks for; none of them was copied",
                (unsigned long long)copy->lacking);
}

static void clear_item(void *context, Item *item)
{
    (void)context;
    CopyItem *own = item->data;
    arena_free(own->arena);
    *own = (CopyItem){0};
}

static UnderWay under_way(const void *context)
{
    const Copy *copy = context;
    return (UnderWay){.bytes = copy->under_way_bytes};
}

static const Job copy_job = {
    .name = "copy",
    .item_bytes = sizeof(CopyItem),
    .plan = copy_plan,
    .work = copy_work,
    .finish = finish,
    .under_way = under_way,
    .clear = clear_item,
};

/* Within one service nothing passes through this machine: all that is done is to wait for answers. What a dry run finds is read by people, in
 * the order of the keys. */
static Job job_of(const Copy *copy)
{
    Job job = copy_job;
    job.ordered = copy->dry_run;
    job.waits_only = !copy->source_local && !copy->target_local && !copy->other_settings;
    return job;
}

static Error *run_engine(Copy *copy, EngineOptions *options, Report **take_report, JobResult *result)
{
    Job job = job_of(copy);
    const Config *config = copy->env->config;
    CLEANUP(journal_freep) Journal *journal = NULL;
    options->source = str_of(copy->source.text);
    options->target = copy->target_url;
    JobEnv env = *copy->env;
    env.target_store = copy->other_settings ? &copy->target_options : NULL;
    TRY(job_open_journal(&env, "copy", options->source, options->target, &journal));
    options->journal = journal;
    result->report = *take_report;
    *take_report = NULL;
    int64_t began_us = clock_monotonic_us(copy->env->clock);
    Error *error = engine_run(&job, copy, options, result->report);
    Summary summary = {.command = "copy",
                       .elapsed_us = clock_monotonic_us(copy->env->clock) - began_us,
                       .counters = counters_sum(store_counters(copy->source.store), store_counters(copy->target)),
                       .output = copy->target_url};
    return job_result_end(result, &summary, journal, config_bool(config, "redact-keys"), error);
}

Error *copy_run(const JobEnv *env, JobResult *result)
{
    EngineOptions options;
    CLEANUP(report_freep) Report *report = NULL;
    CLEANUP(copy_done) Copy copy = {.env = env};
    room_init(&copy.room, job_memory_bytes(env->config));
    TRY(job_engine_options(env, &options));
    TRY(report_new(config_cstr(env->config, "report-file"), config_bool(env->config, "redact-keys"), &report));
    TRY(copy_open(&copy));
    return run_engine(&copy, &options, &report, result);
}
