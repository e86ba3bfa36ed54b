#include "jobs/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/random.h"
#include "base/thread.h"
#include "base/time_text.h"
#include "jobs/glob.h"
#include "store/store_url.h"

enum { CGROUP_PART = 8, LIST_PARTS = 4 };
#define LIST_MEMORY_BYTES (16 * MIB)

/* ---- places ---- */

static Error *open_store(const JobEnv *env, Str url, Store **ret_store)
{
    Store *store = NULL;
    if (env->open_remote)
        TRY(env->open_remote(env->open_context, url, &store));
    if (!store)
        TRY(store_open(url, env->store, &store));
    *ret_store = store;
    return NULL;
}

/* Length of "scheme://bucket" in a URL that has one, else 0. */
static size_t bucket_root_len(Str url)
{
    size_t scheme = str_find(url, STR("://"));
    if (scheme == SIZE_MAX || str_starts_with(url, STR("file:")))
        return 0;
    size_t slash = str_find_char(str_slice(url, scheme + 3, url.len), '/');
    return slash == SIZE_MAX ? url.len : scheme + 3 + slash;
}

/* The path of a URL of the machine's own files, in `url`. */
static Str local_path(Str url)
{
    StoreUrl parsed;
    Error *error = store_url_parse(url, &parsed);
    if (!error)
        return parsed.rest;
    error_free(error); /* store_open refuses it with the same words */
    return url;
}

static bool is_regular_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* Splits `text` into the root to open and the prefix of the keys that are meant. */
static Str split_place(Place *place, Str text)
{
    size_t bucket_len = bucket_root_len(text);
    if (bucket_len) {
        place->prefix = str_slice(text, bucket_len + 1, text.len);
        size_t slash = str_rfind_char(place->prefix, '/');
        place->key_base = slash == SIZE_MAX ? 0 : slash + 1;
        return str_slice(text, 0, bucket_len);
    }
    place->prefix = STR_EMPTY;
    Str path = local_path(text);
    if (!is_regular_file(path.data)) /* ends in a NUL: `text` is the place's own copy */
        return text;
    size_t slash = str_rfind_char(path, '/');
    place->whole_key = true;
    place->prefix = slash == SIZE_MAX ? path : str_slice(path, slash + 1, path.len);
    if (slash == SIZE_MAX)
        return STR(".");
    return slash == 0 ? STR("/") : str_slice(path, 0, slash);
}

/* The path without "./", "//" and the last "/", as `realpath` gives it where it exists. */
static Error *append_clean_path(Buffer *out, const char *path)
{
    CLEANUP(cleanup_free) char *real = realpath(path, NULL);
    if (real)
        return buffer_append_str(out, str_of(real));
    Str rest = str_of(path), piece;
    while (str_next_piece(&rest, '/', &piece))
        if (piece.len && !str_equal(piece, STR(".")))
            TRY(buffer_append_format(out, "/" STR_FMT, STR_ARG(piece)));
    return NULL;
}

Str job_endpoint_view(const JobEnv *env, const StoreOptions *store)
{
    if (store->endpoint_url.len)
        return store->endpoint_url;
    bool own_profile = !str_equal(store->profile, env->store->profile);
    if (own_profile)
        return store->profile;
    return config_knows(env->config, "endpoint-url") ? config_str(env->config, "endpoint-url") : STR_EMPTY;
}

/* A place under one name, whatever way it was written: a bare path means another place in another directory, a bucket another on another
 * endpoint. */
static Error *append_whole_place(const JobEnv *env, const StoreOptions *store, Buffer *out, Str place)
{
    if (str_find(place, STR("://")) != SIZE_MAX && !str_starts_with(place, STR("file://"))) {
        while (str_ends_with(place, STR("/")))
            place.len--;
        return buffer_append_format(out, STR_FMT " " STR_FMT, STR_ARG(job_endpoint_view(env, store)), STR_ARG(place));
    }
    CLEANUP(buffer_done) Buffer path = {0};
    Str local = str_starts_with(place, STR("file:")) && !str_starts_with(place, STR("file://"))
                    ? str_slice(place, 5, place.len)
                    : local_path(place);
    if (!str_starts_with(local, STR("/"))) {
        CLEANUP(cleanup_free) char *here = getcwd(NULL, 0);
        if (!here)
            return FAIL_ERRNO("find the current directory");
        TRY(buffer_append_format(&path, "%s/", here));
    }
    TRY(buffer_append_str(&path, local));
    if (!buffer_cstr(&path))
        return FAIL(NO_MEMORY, "out of memory");
    return append_clean_path(out, (const char *)path.data);
}

Error *place_within(const JobEnv *env, const Place *source, Str target, Buffer *out)
{
    CLEANUP(buffer_done) Buffer outer = {0}, inner = {0};
    TRY(append_whole_place(env, env->store, &outer, store_url_view(source->store)));
    TRY(append_whole_place(env, env->store, &inner, target));
    Str root = buffer_str(&outer), below = buffer_str(&inner);
    if (!str_starts_with(below, root) || below.len <= root.len || below.data[root.len] != '/')
        return NULL;
    return buffer_append_format(out, STR_FMT "/", STR_ARG(str_slice(below, root.len + 1, below.len)));
}

Error *place_open(const JobEnv *env, Str url, Place *ret_place)
{
    Place place = {.text = strndup(url.data, url.len)};
    if (!place.text)
        return FAIL(NO_MEMORY, "out of memory");
    Str root = split_place(&place, str_of(place.text));
    Error *error = open_store(env, root, &place.store);
    if (error) {
        place_done(&place);
        return error;
    }
    *ret_place = place;
    return NULL;
}

/* A file as the root would make keys out of its name and theirs. */
static Error *refuse_file(Str url)
{
    CLEANUP(cleanup_free) char *path = strndup(local_path(url).data, local_path(url).len);
    if (!path)
        return FAIL(NO_MEMORY, "out of memory");
    return is_regular_file(path) ? FAIL(INVALID, "'" STR_FMT "' is a file, not a directory to write to", STR_ARG(url))
                                 : NULL;
}

Error *place_open_root(const JobEnv *env, Str url, Store **ret_store)
{
    if (!bucket_root_len(url))
        TRY(refuse_file(url));
    /* A prefix is put in front of keys as it is, so a folder on S3 needs its slash. */
    if (!bucket_root_len(url) || bucket_root_len(url) == url.len || str_ends_with(url, STR("/")))
        return open_store(env, url, ret_store);
    CLEANUP(buffer_done) Buffer slashed = {0};
    TRY(buffer_append_format(&slashed, STR_FMT "/", STR_ARG(url)));
    return open_store(env, buffer_str(&slashed), ret_store);
}

static Error *no_matter(void *context, const ObjectInfo *object)
{
    (void)context;
    (void)object;
    return NULL;
}

/* A bucket that answers is there, and our credentials are good. */
static Error *check_bucket(const JobEnv *env, Str url, Store *target)
{
    Random random;
    char name[] = ".quern-probe-................";
    random_init_system(&random);
    random_hex(&random, name + STR(".quern-probe-").len, 16);
    Error *error =
        store_list(target, env->cancel, str_of(name), STR_EMPTY, no_matter, NULL); /* of what is never there */
    return error ? error_wrap(error, "nothing can be written to '" STR_FMT "'", STR_ARG(url)) : NULL;
}

/* The nearest directory above that is there decides. */
static Error *check_directory(Str url)
{
    Str local = local_path(url);
    CLEANUP(cleanup_free) char *copy = strndup(local.data, local.len);
    const char *path = copy;
    struct stat about;
    if (!copy)
        return FAIL(NO_MEMORY, "out of memory");
    while (stat(path, &about) != 0) {
        char *slash = strrchr(copy, '/');
        if (errno != ENOENT && errno != ENOTDIR)
            return FAIL_ERRNO("nothing can be written to '" STR_FMT "': look at '%s'", STR_ARG(url), path);
        if (!slash || slash == copy)
            path = slash ? "/" : ".";
        else
            *slash = 0;
    }
    if (!S_ISDIR(about.st_mode))
        return FAIL(INVALID, "nothing can be written to '" STR_FMT "': '%s' is not a directory", STR_ARG(url), path);
    if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) != 0)
        return FAIL_ERRNO("nothing can be written to '" STR_FMT
                          "': choose another place, or have the right to write to '%s'",
                          STR_ARG(url), path);
    return NULL;
}

Error *place_check_target(const JobEnv *env, Str url, Store *target)
{
    if (str_starts_with(url, STR("s3://")))
        return check_bucket(env, url, target);
    return bucket_root_len(url) ? NULL : check_directory(url); /* what others' schemes mean, they know */
}

void place_done(Place *place)
{
    store_free(place->store);
    free(place->text);
    *place = (Place){0};
}

typedef struct Listing {
    StoreListFn *each;
    void *context;
    bool ended_by_each;
} Listing;

static Error *pass_on(void *context, const ObjectInfo *object)
{
    Listing *listing = context;
    Error *error = listing->each(listing->context, object);
    listing->ended_by_each = error != NULL;
    return error;
}

Error *place_list(const Place *place, const Cancel *cancel, StoreListFn *each, void *context)
{
    ListOptions several = {.parallel = LIST_PARTS, .memory_bytes = LIST_MEMORY_BYTES};
    return place_list_with(place, cancel, &several, each, context);
}

Error *place_list_with(const Place *place, const Cancel *cancel, const ListOptions *how, StoreListFn *each,
                       void *context)
{
    Listing listing = {each, context, false};
    ListOptions options = *how;
    options.prefix = place->prefix;
    Error *error = store_list_with(place->store, cancel, &options, pass_on, &listing);
    if (!error || listing.ended_by_each)
        return error;
    if (!str_starts_with(str_of(error_message_view(error)), STR("list '"))) /* S3's say it themselves */
        error = error_wrap(error, "list '%s'", place->text);
    ErrorCode code = error_code(error);
    if (code != ERR_CORRUPT && code != ERR_LIMIT)
        return error;
    Error *failed = FAIL(NOT_FOUND, "%s", error_message_view(error));
    error_free(error); /* its message lives on */
    return failed;
}

/* ---- filters ---- */

typedef struct Rule {
    Glob *glob;
    bool include;
} Rule;

struct KeyFilter {
    Rule *rules; /* [rule_count], on the relative key; the first match wins */
    size_t rule_count;
    Glob **whole; /* [whole_count], on the whole key; any match counts */
    size_t whole_count;
    bool has_include;
    OptionShard shard;
};

Error *key_filter_new(const Config *config, StrList whole_key_globs, KeyFilter **ret_filter)
{
    OptionFilters filters = config_filters(config);
    CLEANUP(key_filter_freep) KeyFilter *filter = calloc(1, sizeof *filter);
    if (!filter)
        return FAIL(NO_MEMORY, "out of memory");
    filter->rules = calloc(filters.count + 1, sizeof *filter->rules);
    filter->whole = calloc(whole_key_globs.count + 1, sizeof(Glob *));
    if (!filter->rules || !filter->whole)
        return FAIL(NO_MEMORY, "out of memory");
    for (size_t i = 0; i < filters.count; i++) {
        bool include = filters.items[i].include;
        TRY_CTX(glob_new(filters.items[i].glob, GLOB_RCLONE, &filter->rules[i].glob),
                include ? "--include" : "--exclude");
        filter->rules[i].include = include;
        filter->has_include = filter->has_include || include;
        filter->rule_count++;
    }
    for (size_t i = 0; i < whole_key_globs.count; i++) {
        TRY_CTX(glob_new(whole_key_globs.items[i], GLOB_FNMATCH, &filter->whole[i]), "--file-glob");
        filter->whole_count++;
    }
    filter->shard = config_knows(config, "shard") ? config_shard(config, "shard") : (OptionShard){0, 1};
    *ret_filter = filter;
    filter = NULL;
    return NULL;
}

void key_filter_free(KeyFilter *filter)
{
    if (!filter)
        return;
    for (size_t i = 0; i < filter->rule_count; i++)
        glob_free(filter->rules[i].glob);
    for (size_t i = 0; i < filter->whole_count; i++)
        glob_free(filter->whole[i]);
    free(filter->rules);
    free(filter->whole);
    free(filter);
}

/* As rclone: what no rule names is taken, unless there are rules that include. */
static bool rules_take(const KeyFilter *filter, Str relative)
{
    for (size_t i = 0; i < filter->rule_count; i++)
        if (glob_matches(filter->rules[i].glob, relative))
            return filter->rules[i].include;
    return !filter->has_include;
}

bool key_filter_takes_all(const KeyFilter *filter)
{
    return filter->rule_count == 0 && filter->whole_count == 0 && filter->shard.count <= 1;
}

KeyVerdict key_filter_judge(const KeyFilter *filter, Str key, size_t key_base)
{
    if (filter->shard.count > 1 && xxh64(str_bytes(key)) % filter->shard.count != filter->shard.index)
        return KEY_OF_ANOTHER_SHARD;
    if (!rules_take(filter, str_slice(key, key_base, key.len)))
        return KEY_LEFT_BY_RULES;
    for (size_t i = 0; i < filter->whole_count; i++)
        if (glob_matches(filter->whole[i], key))
            return KEY_TAKEN;
    return filter->whole_count == 0 ? KEY_TAKEN : KEY_LEFT_BY_GLOBS;
}

bool key_filter_takes(const KeyFilter *filter, Str key, size_t key_base)
{
    return key_filter_judge(filter, key, key_base) == KEY_TAKEN;
}

void job_warn_without_effect(const JobEnv *env)
{
    static const char *const names[] = {"database-host",      "database-port",     "database-name",
                                        "database-user",      "database-password", "database-password-file",
                                        "embedding-provider", "embedding-model"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (config_knows(env->config, names[i]) && config_is_set(env->config, names[i]))
            log_warning(env->log, "'%s' (" STR_FMT ") has no effect yet", names[i],
                        STR_ARG(config_source(env->config, names[i])));
}

/* ---- budgets ---- */

/* The cgroup's memory limit in bytes; UINT64_MAX without one. Version 2's file holds a number or "max", version 1's a number. */
static uint64_t cgroup_memory_limit(void)
{
    static const char *const files[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        FILE *file = fopen(files[i], "re");
        if (!file)
            continue;
        uint64_t limit;
        char line[64] = "";
        bool read = fgets(line, sizeof line, file) != NULL;
        fclose(file);
        if (read && str_to_u64(str_trim(str_of(line)), &limit))
            return limit;
    }
    return UINT64_MAX;
}

uint64_t job_memory_bytes(const Config *config)
{
    uint64_t memory = config_size(config, "memory");
    if (config_is_set(config, "memory"))
        return memory;
    return MIN(memory, cgroup_memory_limit() / CGROUP_PART);
}

Error *job_engine_options(const JobEnv *env, EngineOptions *ret_options)
{
    const Config *config = env->config;
    EngineOptions options = {
        .workers = (unsigned)config_int(config, "workers"),
        .cpu_tokens = config_has(config, "threads") ? (unsigned)config_int(config, "threads") : thread_cpu_count(),
        .memory_bytes = job_memory_bytes(config),
        .redact_keys = config_bool(config, "redact-keys"),
        .items_limit = config_has(config, "limit") ? (uint64_t)config_int(config, "limit") : 0,
        .errors_max = UINT64_MAX,
        .log = env->log,
        .cancel = env->cancel,
        .clock = env->clock,
        .run = env->run,
        .watch = env->watch,
    };
    if (config_has(config, "max-errors")) {
        OptionAmount amount = config_amount(config, "max-errors");
        if (!amount.percent)
            options.errors_max = (uint64_t)amount.value;
        else if (amount.value > 0)
            options.errors_max_percent = amount.value;
        else
            options.errors_max = 0;
    }
    *ret_options = options;
    return NULL;
}

/* ---- journal ---- */

static const char *environment_value(const JobEnv *env, const char *name)
{
    size_t len = strlen(name);
    for (const char *const *entry = env->environ; entry && *entry; entry++)
        if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=' && (*entry)[len + 1])
            return *entry + len + 1;
    return NULL;
}

Error *job_state_dir(const JobEnv *env, Buffer *out)
{
    const char *home;
    if (config_has(env->config, "state-dir"))
        return buffer_append_str(out, config_str(env->config, "state-dir"));
    if ((home = environment_value(env, "XDG_STATE_HOME")))
        return buffer_append_format(out, "%s/quern", home);
    if ((home = environment_value(env, "HOME")))
        return buffer_append_format(out, "%s/.local/state/quern", home);
    return FAIL(INVALID, "no place for the journal: neither HOME nor XDG_STATE_HOME is set; give --state-dir");
}

Error *job_scratch_directories(const JobEnv *env, Buffer *state_dir_text,
                               const char *ret_directories[SCRATCH_DIRECTORIES])
{
    size_t count = 0;
    Error *homeless = job_state_dir(env, state_dir_text);
    if (!homeless && !(ret_directories[count++] = buffer_cstr(state_dir_text)))
        return FAIL(NO_MEMORY, "out of memory");
    error_free(homeless); /* the others will do */
    const char *temporary = environment_value(env, "TMPDIR");
    if (temporary)
        ret_directories[count++] = temporary;
    ret_directories[count++] = "/tmp";
    ret_directories[count] = NULL;
    return NULL;
}

/* Two parts of one run lock nothing against each other: --shard is part of the name. */
static Error *find_journal(const JobEnv *env, const char *command, Str source, Str target, Buffer *out)
{
    OptionShard shard = config_shard(env->config, "shard");
    if (config_has(env->config, "journal"))
        return buffer_append_str(out, config_str(env->config, "journal"));
    CLEANUP(buffer_done) Buffer directory = {0}, whole_source = {0}, whole_target = {0};
    TRY(job_state_dir(env, &directory));
    TRY(append_whole_place(env, env->store, &whole_source, source));
    TRY(append_whole_place(env, env->target_store ? env->target_store : env->store, &whole_target, target));
    if (shard.count > 1)
        TRY(buffer_append_format(&whole_source, " %u/%u", shard.index, shard.count));
    return journal_path(buffer_str(&directory), str_of(command), buffer_str(&whole_source), buffer_str(&whole_target),
                        out);
}

/* Nobody named a place and the usual one is not to be had: a container without a home, say. No output needs a journal to be believed. */
static bool is_no_place(const JobEnv *env, const Error *error)
{
    ErrorCode code = error_code(error);
    bool named = config_has(env->config, "journal") || config_has(env->config, "state-dir");
    return !named && (code == ERR_INVALID || code == ERR_DENIED || code == ERR_NOT_FOUND);
}

/* What it takes to run it again: paths mean something from here only. Secrets are not among the options. */
static void put_how_to_repeat(const JobEnv *env, JsonWriter *w)
{
    CLEANUP(cleanup_free) char *here = getcwd(NULL, 0);
    json_member(w, "directory", str, str_of(here ? here : ""));
    json_put_key(w, STR("options"));
    config_put_chosen(env->config, w);
}

Error *job_open_journal(const JobEnv *env, const char *command, Str source, Str target, Journal **ret_journal)
{
    if (config_bool(env->config, "dry-run"))
        return NULL;
    CLEANUP(buffer_done) Buffer path = {0}, about = {0};
    Error *nowhere = find_journal(env, command, source, target, &path);
    if (is_no_place(env, nowhere)) {
        log_warning(env->log, "%s: going on without a journal", error_message_view(nowhere));
        error_free(nowhere);
        return NULL;
    }
    TRY(nowhere);
    if (!buffer_cstr(&path))
        return FAIL(NO_MEMORY, "out of memory");
    CLEANUP(journal_freep) Journal *journal = NULL;
    JournalLast last;
    Error *error = journal_open((const char *)path.data, env->clock, &journal, &last);
    if (is_no_place(env, error)) {
        log_warning(env->log, "%s: going on without a journal; two runs at once are not kept apart",
                    error_message_view(error));
        error_free(error);
        return NULL;
    }
    TRY(error);
    if (last.exists && !last.ended) {
        char text[TIME_TEXT_BYTES];
        time_iso8601(last.began_us / 1000000 * 1000000, text);
        log_info(env->log, "the last run, begun %s, did not end; what it finished is not done again", text);
    }
    if (last.ended && last.failures)
        log_info(env->log, "the last run left %llu failures behind, which are tried again%s",
                 (unsigned long long)last.failures,
                 strcmp(command, "ingest") == 0 ? " unless it is known that they cannot be read" : "");
    JsonWriter w;
    json_begin(&w, &about, -1);
    json_open_object(&w);
    json_member(&w, "run", str, env->run);
    json_member(&w, "command", str, str_of(command));
    json_member(&w, "source", str, source);
    json_member(&w, "target", str, target);
    put_how_to_repeat(env, &w);
    json_close_object(&w);
    TRY(json_finish(&w));
    TRY(journal_begin(journal, buffer_str(&about), env->again ? env->again->last : NULL));
    *ret_journal = journal;
    journal = NULL;
    return NULL;
}
