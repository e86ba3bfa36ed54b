#include "jobs/fetch/fetch.h"

#include <stdlib.h>

#include "jobs/fetch/fingerprint.h"
#include "jobs/fetch/job.h"
#include "jobs/fetch/python_text.h"

enum { ARENA_BYTES = 1 << 20 };
#define REGION_DEFAULT STR("eu-west-1")

/* ---- an object ---- */

static void make_ready(Fetch *fetch, FetchItem *own, Error *take_error)
{
    own->download.error = take_error;
    own->next_ready = fetch->ready;
    fetch->ready = own;
}

/* An absent file gets its name as soon as it is whole; one that replaces another waits until everything is there. */
static Error *name_file(Fetch *fetch, FetchItem *own, uint64_t size_bytes, bool *ret_there)
{
    SelectedObject *object = &fetch->selection.objects[own->index];
    Str name = selection_name_view(&fetch->selection, own->index), etag = buffer_str(&own->etag);
    FileState state = FILE_ABSENT;
    *ret_there = false;
    buffer_clear(&own->path);
    if (!(object->flags & (SELECTED_CURRENT | SELECTED_DIFFERS)))
        return buffer_append_str(&own->path, name);
    object->flags |= SELECTED_WAITS;
    TRY(dataset_name_waiting(name, own->item->key, etag, size_bytes, &own->path));
    if (etag.len)
        TRY(dataset_look(&fetch->dataset, buffer_str(&own->path), size_bytes, &state));
    *ret_there = state == FILE_CURRENT; /* an earlier run had come so far */
    return NULL;
}

static Error *start(Fetch *fetch, FetchItem *own, uint64_t size_bytes, bool *ret_there)
{
    TRY(name_file(fetch, own, size_bytes, ret_there));
    if (*ret_there)
        return NULL;
    own->download = (Download){.key = own->item->key,
                               .etag = buffer_str(&own->etag),
                               .size_bytes = size_bytes,
                               .path = buffer_str(&own->path),
                               .user = own};
    downloads_start(fetch->downloads, &own->download);
    return NULL;
}

static void submit_item(void *context, Item *item)
{
    Fetch *fetch = context;
    FetchItem *own = item->data;
    bool there = false;
    if (fetch->dry_run) {
        item_skip_error(item, FAIL(NO_WORK, "would be downloaded (dry run)"));
        make_ready(fetch, own, NULL);
        return;
    }
    Error *error = buffer_append_str(&own->etag, selection_etag_view(&fetch->selection, own->index));
    if (!error)
        error = start(fetch, own, fetch->selection.objects[own->index].size_bytes, &there);
    if (error || there)
        make_ready(fetch, own, error);
}

static Error *note_changed(Fetch *fetch, const FetchItem *own)
{
    ChangedObject *changed = reallocarray(fetch->changed, fetch->changed_count + 1, sizeof *changed);
    if (!changed)
        return FAIL(NO_MEMORY, "out of memory");
    fetch->changed = changed;
    changed[fetch->changed_count] = (ChangedObject){.index = own->index, .size_bytes = own->size_now_bytes};
    return buffer_append_str(&changed[fetch->changed_count++].etag, buffer_str(&own->etag));
}

static Error *note_head(void *context, uint64_t offset_bytes, const ObjectInfo *info)
{
    (void)offset_bytes;
    FetchItem *own = context;
    own->size_now_bytes = info->size_bytes;
    buffer_clear(&own->etag);
    return buffer_append_str(&own->etag, info->etag);
}

/* The object is another one than was listed: asks once what it is now; take_head goes on. */
static Error *ask_again(Fetch *fetch, FetchItem *own)
{
    own->again = true;
    if (!fetch->heads)
        TRY(store_batch_new(fetch->source.store, fetch->env->cancel, &fetch->heads));
    own->head = (StoreFetch){.key = own->item->key,
                             .range = BYTE_RANGE_ALL,
                             .describe = true,
                             .sink = {.begin = note_head, .context = own},
                             .user = own};
    store_batch_get(fetch->heads, &own->head);
    fetch->heads_in_flight++;
    return NULL;
}

static Error *start_again(Fetch *fetch, FetchItem *own, Error *take_error, bool *ret_there)
{
    if (error_code(take_error) == ERR_NOT_FOUND) {
        error_free(take_error); /* said better below */
        return FAIL(CHANGED, "it was deleted while the run was going on");
    }
    TRY(take_error);
    CLEANUP(buffer_done) Buffer shown = {0};
    TRY(report_append_key(&shown, own->item->key, fetch->selection.redact));
    log_info(fetch->env->log, "'" STR_FMT "' changed while the run was going on: fetching it as it is now",
             STR_ARG(buffer_str(&shown)));
    TRY(note_changed(fetch, own));
    return start(fetch, own, own->size_now_bytes, ret_there);
}

/* An answer to ask_again: the download begins anew, or the item has ended. */
static void take_head(Fetch *fetch)
{
    FetchItem *own = store_batch_next(fetch->heads)->user;
    bool there = false;
    fetch->heads_in_flight--;
    Error *answer = own->head.error;
    own->head.error = NULL;
    Error *error = start_again(fetch, own, answer, &there);
    if (error || there)
        make_ready(fetch, own, error);
}

/* Those that ended when they were submitted. */
static FetchItem *next_ready(Fetch *fetch)
{
    FetchItem *own = fetch->ready;
    if (own) {
        fetch->ready = own->next_ready;
        return own;
    }
    Download *download = fetch->downloads ? downloads_next_ended(fetch->downloads) : NULL;
    return download ? download->user : NULL;
}

/* The next item that has ended. Answers of heads come while downloads are waited for; they are taken when there are many of them, or nothing else
 * is under way. */
static FetchItem *next_ended(Fetch *fetch)
{
    size_t heads_max = (size_t)config_int(fetch->env->config, "workers");
    for (;;) {
        FetchItem *own = next_ready(fetch);
        if (own)
            return own;
        Download *download = fetch->heads_in_flight < heads_max ? downloads_next(fetch->downloads) : NULL;
        if (download)
            return download->user;
        take_head(fetch);
    }
}

static bool is_change(const Error *error)
{
    ErrorCode code = error_code(error);
    return code == ERR_CHANGED || code == ERR_NOT_FOUND;
}

/* One that has ended: published, or failed. */
static Error *end_download(Fetch *fetch, FetchItem *own, Error *take_error)
{
    Download *download = &own->download;
    if (!take_error && download->state) {
        own->item->bytes_done = download->size_bytes - download->resumed_bytes;
        take_error = download_publish(fetch->downloads, download);
    }
    if (take_error && download->state)
        download_keep(fetch->downloads, download);
    if (!take_error) {
        fetch->done++;
        fetch->added += !(fetch->selection.objects[own->index].flags & SELECTED_WAITS);
        return NULL;
    }
    if (error_code(take_error) == ERR_CANCELLED)
        return take_error; /* cut short, which the run says itself */
    fetch->failed++;
    if (!fetch->first_failure)
        fetch->first_failure = error_copy(take_error);
    return take_error;
}

/* One that changed is fetched once more, and has not ended then. */
static bool has_ended(Fetch *fetch, FetchItem *own, Error **ret_error)
{
    Error *error = own->download.error;
    own->download.error = NULL;
    *ret_error = error;
    if (own->item->error) /* a dry run's */
        return true;
    if (is_change(error) && !own->again) {
        error_free(error); /* what becomes of it is the news */
        download_discard(fetch->downloads, &own->download);
        own->download = (Download){0};
        error = ask_again(fetch, own);
        if (!error)
            return false;
    }
    *ret_error = end_download(fetch, own, error);
    return true;
}

static Error *complete_item(void *context, Item **ret_item)
{
    Fetch *fetch = context;
    FetchItem *own;
    Error *error;
    do
        own = next_ended(fetch);
    while (!has_ended(fetch, own, &error));
    *ret_item = own->item;
    return error;
}

static Error *ended_item(void *context, Item **ret_item)
{
    Fetch *fetch = context;
    Error *error = NULL;
    for (FetchItem *own; (own = next_ready(fetch));) {
        if (!has_ended(fetch, own, &error))
            continue;
        *ret_item = own->item;
        return error;
    }
    *ret_item = NULL;
    return NULL;
}

static void clear_item(void *context, Item *item)
{
    (void)context;
    FetchItem *own = item->data;
    buffer_done(&own->etag);
    buffer_done(&own->path);
    error_free(own->download.error);
    *own = (FetchItem){0};
}

static UnderWay under_way(const void *context)
{
    const Fetch *fetch = context;
    if (!fetch->downloads)
        return (UnderWay){0, 0};
    DownloadsUnderWay now = downloads_under_way(fetch->downloads);
    return (UnderWay){now.come_bytes, now.resumed_bytes};
}

static Error *finish(void *context)
{
    Fetch *fetch = context;
    if (!fetch->planned || fetch->dry_run)
        return NULL; /* the run says why */
    if (fetch->done == fetch->needed)
        return fetch_apply(fetch);
    const Error *first = fetch->first_failure ? fetch->first_failure : fetch->first_impossible;
    if (!first)
        return NULL; /* interrupted */
    return error_wrap(error_copy(first),
                      "%zu of %zu files could not be fetched: what the dataset '%s' held stays as it was, %zu new "
                      "files are there too and are kept for the next run; the first",
                      fetch->failed + fetch->impossible, fetch->needed, (const char *)fetch->dataset.directory.data,
                      fetch->added);
}

static const Job fetch_job = {
    .name = "fetch",
    .item_bytes = sizeof(FetchItem),
    .plan = fetch_plan,
    .submit = submit_item,
    .complete = complete_item,
    .ended = ended_item,
    .finish = finish,
    .under_way = under_way,
    .clear = clear_item,
};

/* ---- the run ---- */

Error *fetch_check_options(const Config *config)
{
    bool url = config_has(config, "source"), bucket = config_has(config, "s3-bucket-name");
    if (url && (bucket || config_has(config, "s3-key-prefix")))
        return FAIL(INVALID, "a URL and --s3-bucket-name or --s3-key-prefix say the same: give one of them");
    if (!url && !bucket)
        return FAIL(
            INVALID,
            "what is to be fetched? Give a URL such as s3://bucket/prefix, or --s3-bucket-name and --s3-key-prefix");
    if (bucket
        && (config_str(config, "s3-bucket-name").len == 0
            || str_find_char(config_str(config, "s3-bucket-name"), '/') != SIZE_MAX))
        return FAIL(INVALID, "--s3-bucket-name '%s': that cannot be a bucket's name",
                    config_cstr(config, "s3-bucket-name"));
    if (config_has(config, "limit"))
        return FAIL(INVALID,
                    "--limit: a dataset is whole or it is not; choose a part of it by --file-pattern or --include");
    if (config_is_set(config, "case-conflict") && !str_equal(config_str(config, "on-collision"), STR("nested")))
        return FAIL(INVALID,
                    "--case-conflict needs --on-collision nested: base names in one directory are as they are");
    if (config_bool(config, "require-manifest") && !config_has(config, "manifest-file-name"))
        return FAIL(INVALID, "--require-manifest and --no-manifest-file-name cannot both be");
    return NULL;
}

static Error *open_source(Fetch *fetch)
{
    const Config *config = fetch->env->config;
    CLEANUP(buffer_done) Buffer url = {0};
    if (config_has(config, "source"))
        TRY(buffer_append_str(&url, config_str(config, "source")));
    else
        TRY(buffer_append_format(&url, "s3://%s/" STR_FMT, config_cstr(config, "s3-bucket-name"),
                                 STR_ARG(config_str(config, "s3-key-prefix"))));
    TRY(place_open(fetch->env, buffer_str(&url), &fetch->source));
    fetch->prefix = fetch->source.whole_key ? STR_EMPTY : fetch->source.prefix;
    fetch->selection.prefix = fetch->prefix;
    return NULL;
}

Str fetch_bucket(const Fetch *fetch)
{
    Str root = store_url_view(fetch->source.store);
    if (str_starts_with(root, STR("s3://")))
        root = str_slice(root, 5, root.len);
    while (str_ends_with(root, STR("/")))
        root.len--;
    return root;
}

/* "s3://" and bucket and prefix as a path, and a slash: as the original shows places. */
static Error *show_place(Fetch *fetch)
{
    CLEANUP(buffer_done) Buffer path = {0};
    Str root = store_url_view(fetch->source.store);
    if (str_starts_with(root, STR("s3://"))) {
        TRY(path_join(fetch_bucket(fetch), fetch->prefix, &path));
        TRY(buffer_append_format(&fetch->shown_place, "s3://" STR_FMT "/", STR_ARG(buffer_str(&path))));
    } else {
        TRY(buffer_append_str(&fetch->shown_place, str_of(fetch->source.text)));
    }
    return buffer_cstr(&fetch->shown_place) ? NULL : FAIL(NO_MEMORY, "out of memory");
}

static Error *compile_patterns(Fetch *fetch)
{
    StrList patterns = config_list(fetch->env->config, "file-pattern");
    fetch->patterns = calloc(patterns.count + 1, sizeof(Fnmatch *));
    if (!fetch->patterns)
        return FAIL(NO_MEMORY, "out of memory");
    for (; fetch->pattern_count < patterns.count; fetch->pattern_count++)
        TRY_CTX(fnmatch_new(patterns.items[fetch->pattern_count], &fetch->patterns[fetch->pattern_count]),
                "--file-pattern");
    TRY(python_append_list(&fetch->patterns_text, patterns));
    return buffer_cstr(&fetch->patterns_text) ? NULL : FAIL(NO_MEMORY, "out of memory");
}

/* A variable may steer the requests, but not change where the dataset is. */
static Str fingerprint_region(const Config *config)
{
    Str region = config_steady(config, "region");
    return region.len ? region : REGION_DEFAULT;
}

/* "food", or of one part of it "food-1-of-4": in one directory the parts would delete each other's files. */
static Error *append_id(const Fetch *fetch, Buffer *out)
{
    const Config *config = fetch->env->config;
    OptionShard shard = config_shard(config, "shard");
    char name[FINGERPRINT_BYTES];
    FingerprintOf of = {fetch_bucket(fetch), fetch->prefix, fingerprint_region(config)};
    TRY(fingerprint(&of, name));
    TRY(buffer_append_str(out, config_has(config, "dataset-id") ? config_str(config, "dataset-id") : str_of(name)));
    return shard.count > 1 ? buffer_append_format(out, "-%u-of-%u", shard.index, shard.count) : NULL;
}

static Error *open_dataset(Fetch *fetch)
{
    const Config *config = fetch->env->config;
    CLEANUP(buffer_done) Buffer id = {0};
    TRY(append_id(fetch, &id));
    TRY(dataset_init(&fetch->dataset, config_str(config, "destination-directory"), buffer_str(&id)));
    TRY(place_within(fetch->env, &fetch->source, buffer_str(&fetch->dataset.directory), &fetch->own_prefix_text));
    if (fetch->dry_run)
        return dataset_open_to_look(&fetch->dataset);
    TRY(dataset_open_to_change(&fetch->dataset));
    Str lock = buffer_str(&fetch->dataset.lock_path);
    return lock.len ? place_within(fetch->env, &fetch->source, lock, &fetch->own_lock_text) : NULL;
}

/* It may be the variables of an array job that ask for a part, and somebody may want all of it in each. */
static void say_part(const Fetch *fetch)
{
    OptionShard shard = config_shard(fetch->env->config, "shard");
    if (shard.count > 1)
        log_info(fetch->env->log,
                 "Part %u of %u (counted from 0) by " STR_FMT ": the dataset is '%s'; --shard 0/1 fetches all of it.",
                 shard.index, shard.count, STR_ARG(config_source(fetch->env->config, "shard")),
                 (const char *)fetch->dataset.directory.data);
}

static Error *fetch_open(Fetch *fetch)
{
    const Config *config = fetch->env->config;
    TRY(fetch_check_options(config));
    fetch->arena = arena_new(ARENA_BYTES);
    if (!fetch->arena)
        return FAIL(NO_MEMORY, "out of memory");
    fetch->verify = (VerifyMode)config_choice(config, "verify");
    fetch->collision = (CollisionRule)config_choice(config, "on-collision");
    fetch->dry_run = config_bool(config, "dry-run");
    fetch->strict = config_bool(config, "strict-compat");
    fetch->lines = fetch->env->watch.lines || fetch->env->watch.item || config_has(config, "report-file");
    fetch->tolerance_hours = config_real(config, "s3-timestamp-tolerance");
    if (config_has(config, "manifest-file-name"))
        fetch->manifest_suffix = config_str(config, "manifest-file-name");
    fetch->selection = (Selection){.nested = fetch->collision == COLLISION_NESTED,
                                   .escape = config_bool(config, "escape-names"),
                                   .keep_etags = true,
                                   .keep_times = fetch->tolerance_hours >= 0,
                                   .redact = config_bool(config, "redact-keys")};
    TRY(compile_patterns(fetch));
    TRY(key_filter_new(config, (StrList){0}, &fetch->filter));
    TRY(open_source(fetch));
    TRY(show_place(fetch));
    TRY(open_dataset(fetch));
    say_part(fetch);
    if (fetch->dry_run)
        return NULL;
    DownloadOptions options = {.cancel = fetch->env->cancel,
                               .part_bytes = config_size(config, "part-size"),
                               .multipart_bytes = config_size(config, "multipart-threshold"),
                               .parts_max = (unsigned)config_int(config, "workers-per-file")};
    return downloads_new(fetch->source.store, buffer_str(&fetch->dataset.directory), &options, &fetch->downloads);
}

static void fetch_done(Fetch *fetch)
{
    store_batch_free(fetch->heads);
    downloads_free(fetch->downloads);
    dataset_done(&fetch->dataset);
    selection_done(&fetch->selection);
    place_done(&fetch->source);
    key_filter_free(fetch->filter);
    for (size_t i = 0; i < fetch->pattern_count; i++)
        fnmatch_free(fetch->patterns[i]);
    free(fetch->patterns);
    for (size_t i = 0; i < fetch->changed_count; i++)
        buffer_done(&fetch->changed[i].etag);
    free(fetch->changed);
    error_free(fetch->first_failure);
    error_free(fetch->first_impossible);
    buffer_done(&fetch->shown_place);
    buffer_done(&fetch->patterns_text);
    buffer_done(&fetch->own_prefix_text);
    buffer_done(&fetch->own_lock_text);
    buffer_done(&fetch->leftovers);
    name_set_done(&fetch->others);
    name_set_done(&fetch->archived);
    arena_free(fetch->arena);
}

/* The paths of the selection's files: pointers, then the texts, in one block. */
static Error *list_paths(const Fetch *fetch, char ***ret_paths)
{
    const Selection *selection = &fetch->selection;
    Str directory = buffer_str(&fetch->dataset.directory);
    if (str_equal(directory, STR(".")))
        directory = STR_EMPTY;
    bool slash = directory.len && !str_ends_with(directory, STR("/"));
    size_t bytes = (selection->count + 1) * sizeof(char *);
    for (size_t i = 0; i < selection->count; i++)
        bytes += directory.len + slash + selection->objects[i].name_len + 1;
    char **paths = malloc(bytes);
    if (!paths)
        return FAIL(NO_MEMORY, "out of memory");
    char *text = (char *)(paths + selection->count + 1);
    for (size_t i = 0; i < selection->count; i++) {
        Str name = selection_name_view(selection, i);
        paths[i] = text;
        memcpy(text, directory.data, directory.len);
        text += directory.len;
        if (slash)
            *text++ = '/';
        memcpy(text, name.data, name.len);
        text[name.len] = 0;
        text += name.len + 1;
    }
    paths[selection->count] = NULL;
    *ret_paths = paths;
    return NULL;
}

static Error *run_engine(Fetch *fetch, EngineOptions *options, Report **take_report, JobResult *result,
                         char ***ret_paths)
{
    const Config *config = fetch->env->config;
    CLEANUP(journal_freep) Journal *journal = NULL;
    Str source = str_of(fetch->source.text), target = buffer_str(&fetch->dataset.directory);
    TRY(job_open_journal(fetch->env, "fetch", source, target, &journal));
    options->journal = journal;
    options->source = source;
    options->target = target;
    result->report = *take_report;
    *take_report = NULL;
    int64_t began_us = clock_monotonic_us(fetch->env->clock);
    Error *error = engine_run(&fetch_job, fetch, options, result->report);
    if (fetch->applied && error_code(error) == ERR_CANCELLED) {
        error_free(error); /* it came when nothing was left to be cut short: the dataset is what was asked for */
        error = NULL;
    }
    if (fetch->planned && !fetch->lines)
        report_count_skipped(result->report, "up to date", fetch->kept);
    Summary summary = {.command = "fetch",
                       .elapsed_us = clock_monotonic_us(fetch->env->clock) - began_us,
                       .counters = store_counters(fetch->source.store),
                       .output = target};
    if (!error && ret_paths && fetch->applied)
        error = list_paths(fetch, ret_paths);
    return job_result_end(result, &summary, journal, config_bool(config, "redact-keys"), error);
}

Error *fetch_run(const JobEnv *env, bool force, JobResult *result, char ***ret_paths)
{
    EngineOptions options;
    CLEANUP(report_freep) Report *report = NULL;
    Fetch fetch = {.env = env, .force = force || config_bool(env->config, "force")};
    if (ret_paths)
        *ret_paths = NULL;
    TRY(job_engine_options(env, &options));
    TRY(report_new(config_cstr(env->config, "report-file"), config_bool(env->config, "redact-keys"), &report));
    Error *error = fetch_open(&fetch);
    if (!error)
        error = run_engine(&fetch, &options, &report, result, ret_paths);
    fetch_done(&fetch);
    return error;
}
