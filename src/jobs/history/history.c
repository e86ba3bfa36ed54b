#include "jobs/history/history.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time_text.h"
#include "engine/cause.h"
#include "engine/report.h"
#include "jobs/ingest/quarantine.h"

enum { RUNS_MAX = 10000 };

void past_run_done(PastRun *past)
{
    journal_run_done(&past->run);
    free(past->journal);
    *past = (PastRun){0};
}

static Str about(const PastRun *past, const char *member)
{
    return json_get_str(past->run.about, member, STR_EMPTY);
}

static Error *read_past(const char *path, PastRun *ret_past)
{
    CLEANUP(past_run_done) PastRun past = {.journal = strdup(path)};
    if (!past.journal)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(journal_read(path, &past.run));
    if (str_equal(about(&past, "command"), STR("ingest")))
        TRY(quarantine_add_failures(path, past.run.failures));
    *ret_past = past;
    past = (PastRun){0};
    return NULL;
}

/* ---- all of them ---- */

typedef struct History {
    PastRun *runs; /* [count], newest first once listed */
    size_t count, capacity;
} History;

static void history_done(History *history)
{
    for (size_t i = 0; i < history->count; i++)
        past_run_done(&history->runs[i]);
    free(history->runs);
}

static int by_age(const void *one, const void *other)
{
    int64_t a = ((const PastRun *)one)->run.began_us, b = ((const PastRun *)other)->run.began_us;
    return a > b ? -1 : a < b;
}

static Error *add_run(History *history, const char *path)
{
    if (history->count == history->capacity) {
        size_t capacity = history->capacity ? 2 * history->capacity : 16;
        PastRun *grown = reallocarray(history->runs, capacity, sizeof *grown);
        if (!grown)
            return FAIL(NO_MEMORY, "out of memory");
        history->runs = grown;
        history->capacity = capacity;
    }
    TRY(read_past(path, &history->runs[history->count]));
    history->count++;
    return NULL;
}

static void cleanup_directory(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

static Error *list_runs(const JobEnv *env, History *history)
{
    CLEANUP(buffer_done) Buffer state = {0};
    TRY(job_state_dir(env, &state));
    if (!buffer_cstr(&state))
        return FAIL(NO_MEMORY, "out of memory");
    const char *path = (const char *)state.data;
    CLEANUP(cleanup_directory) DIR *directory = opendir(path);
    if (!directory && errno == ENOENT)
        return NULL; /* no run so far */
    if (!directory)
        return FAIL_ERRNO("list the state directory '%s'", path);
    const struct dirent *entry;
    while ((entry = readdir(directory))) {
        if (!str_ends_with(str_of(entry->d_name), STR(".journal")))
            continue;
        if (history->count == RUNS_MAX)
            return FAIL(LIMIT, "more than %d runs in the state directory '%s'", (int)RUNS_MAX, path);
        CLEANUP(cleanup_free) char *file = NULL;
        if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
            return FAIL(NO_MEMORY, "out of memory");
        Error *error = add_run(history, file);
        if (error_code(error) == ERR_NO_MEMORY)
            return error;
        if (error)
            log_warning(env->log, "%s", error_message_view(error));
        error_free(error); /* the others are of use without it */
    }
    if (history->count)
        qsort(history->runs, history->count, sizeof *history->runs, by_age);
    return NULL;
}

static Error *no_run(const JobEnv *env, Str name, Str command)
{
    CLEANUP(buffer_done) Buffer state = {0};
    TRY(job_state_dir(env, &state));
    const char *kind = command.len ? " of " : "";
    if (name.len == 0)
        return FAIL(NOT_FOUND, "no run%s" STR_FMT " in '" STR_FMT "' (--state-dir names another)", kind,
                    STR_ARG(command), STR_ARG(buffer_str(&state)));
    return FAIL(NOT_FOUND, "no run%s" STR_FMT " is called '" STR_FMT "' in '" STR_FMT "'; quern status lists them",
                kind, STR_ARG(command), STR_ARG(name), STR_ARG(buffer_str(&state)));
}

Error *history_find(const JobEnv *env, Str name, Str command, PastRun *ret_past)
{
    CLEANUP(history_done) History history = {0};
    CLEANUP(cleanup_free) char *path = strndup(name.data, name.len);
    if (!path)
        return FAIL(NO_MEMORY, "out of memory");
    if (str_find_char(name, '/') != SIZE_MAX || access(path, R_OK) == 0)
        return read_past(path, ret_past);
    TRY(list_runs(env, &history));
    PastRun *found = NULL;
    for (size_t i = 0; i < history.count; i++) {
        PastRun *past = &history.runs[i];
        if (!str_starts_with(about(past, "run"), name) || (command.len && !str_equal(about(past, "command"), command)))
            continue;
        if (found && name.len)
            return FAIL(INVALID, "'" STR_FMT "' is the beginning of several runs' names", STR_ARG(name));
        if (!found)
            found = past;
    }
    if (!found)
        return no_run(env, name, command);
    *ret_past = *found;
    *found = (PastRun){0};
    return NULL;
}

/* ---- telling ---- */

static const char *state_of(const PastRun *past)
{
    if (past->run.running)
        return "running";
    return past->run.ended_us ? past->run.status : "killed";
}

static Error *append_time(Buffer *out, int64_t time_us)
{
    char text[TIME_TEXT_BYTES];
    return buffer_append_str(out, time_iso8601(time_us / 1000000 * 1000000, text));
}

/* Of the failures those that are done in part. */
static size_t partial_count(const PastRun *past)
{
    const char *key;
    json_t *failure;
    size_t count = 0;
    json_object_foreach(past->run.failures, key, failure)
    {
        count += str_equal(json_get_str(failure, "status", STR_EMPTY), STR("partial"));
    }
    return count;
}

static Error *write_run_text(const PastRun *past, Buffer *out)
{
    TRY(buffer_append_format(out, "%-27.*s ", (int)about(past, "run").len, about(past, "run").data));
    TRY(append_time(out, past->run.began_us));
    size_t partial = partial_count(past);
    TRY(buffer_append_format(out, "  %-13.*s %-9s %zu failed", (int)about(past, "command").len,
                             about(past, "command").data, state_of(past),
                             json_object_size(past->run.failures) - partial));
    if (partial)
        TRY(buffer_append_format(out, ", %zu partial", partial));
    TRY(buffer_append_str(out, STR("  ")));
    TRY(report_append_key(out, about(past, "source"), false));
    if (about(past, "target").len) {
        TRY(buffer_append_str(out, STR(" -> ")));
        TRY(report_append_key(out, about(past, "target"), false));
    }
    return buffer_append_byte(out, '\n');
}

static Error *write_run_json(const JobEnv *env, const PastRun *past, Buffer *out)
{
    CLEANUP(buffer_done) Buffer began = {0}, ended = {0};
    JsonWriter w;
    TRY(append_time(&began, past->run.began_us));
    if (past->run.ended_us)
        TRY(append_time(&ended, past->run.ended_us));
    json_begin(&w, out, 0);
    event_open(&w, "past_run", env->clock, env->run);
    json_member(&w, "name", str, about(past, "run"));
    json_member(&w, "command", str, about(past, "command"));
    json_member(&w, "state", str, str_of(state_of(past)));
    json_member(&w, "began", str, buffer_str(&began));
    if (ended.len)
        json_member(&w, "ended", str, buffer_str(&ended));
    json_member(&w, "failed", uint, json_object_size(past->run.failures) - partial_count(past));
    json_member(&w, "partial", uint, partial_count(past));
    json_member(&w, "source", str, about(past, "source"));
    json_member(&w, "target", str, about(past, "target"));
    json_member(&w, "journal", str, str_of(past->journal));
    json_close_object(&w);
    TRY(json_finish(&w));
    return buffer_append_byte(out, '\n');
}

static Error *write_run_line(const JobEnv *env, const PastRun *past, Buffer *out)
{
    return config_bool(env->config, "json") ? write_run_json(env, past, out) : write_run_text(past, out);
}

Error *history_write_runs(const JobEnv *env, Buffer *out)
{
    CLEANUP(history_done) History history = {0};
    TRY(list_runs(env, &history));
    for (size_t i = 0; i < history.count; i++)
        TRY(write_run_line(env, &history.runs[i], out));
    return NULL;
}

static Error *write_failure_json(const JobEnv *env, const json_t *failure, Buffer *out)
{
    static const char *const members[] = {"key", "code", "status", "reason"};
    JsonWriter w;
    json_begin(&w, out, 0);
    event_open(&w, "failure", env->clock, env->run);
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if (!json_object_get(failure, members[i]))
            continue;
        json_put_key(&w, str_of(members[i]));
        json_put_str(&w, json_get_str(failure, members[i], STR_EMPTY));
    }
    json_close_object(&w);
    TRY(json_finish(&w));
    return buffer_append_byte(out, '\n');
}

/* A journal's failure for the counting of reasons. */
static Error *count_failure(Report *report, const json_t *failure)
{
    Str reason = json_get_str(failure, "reason", STR_EMPTY);
    Item item = {.key = json_get_str(failure, "key", STR_EMPTY),
                 .outcome = OUTCOME_FAILED,
                 .status = json_string_value(json_object_get(failure, "status")),
                 .error = FAIL(CORRUPT, STR_FMT, STR_ARG(reason))};
    if (!item.error)
        return FAIL(NO_MEMORY, "out of memory");
    if (!item.status)
        item.status = json_string_value(json_object_get(failure, "code"));
    (void)report_item(report, &item);
    error_free(item.error);
    return NULL;
}

static Error *write_reasons(const Report *report, Buffer *out)
{
    const ReportReason *reason;
    for (size_t i = 0; (reason = report_reason_at(report, i)); i++)
        TRY(buffer_append_format(out, "  %6" PRIu64 " %-11s %s; the first is %s\n", reason->count,
                                 reason->status ? reason->status : "", reason->text, reason->example));
    return NULL;
}

Error *history_write_run(const JobEnv *env, const PastRun *past, StrList statuses, Buffer *out)
{
    CLEANUP(report_freep) Report *report = NULL;
    const char *key;
    json_t *failure;
    TRY(report_new(NULL, false, &report));
    TRY(write_run_line(env, past, out));
    json_object_foreach(past->run.failures, key, failure)
    {
        if (history_takes(failure, statuses))
            TRY(config_bool(env->config, "json") ? write_failure_json(env, failure, out)
                                                 : count_failure(report, failure));
    }
    return write_reasons(report, out);
}

/* ---- again ---- */

bool history_takes(const json_t *failure, StrList statuses)
{
    Str status = json_get_str(failure, "status", json_get_str(failure, "code", STR_EMPTY));
    for (size_t i = 0; i < statuses.count; i++)
        if (str_equal(statuses.items[i], status))
            return true;
    return statuses.count == 0;
}

static int by_bytes(const void *one, const void *other)
{
    return str_compare(*(const Str *)one, *(const Str *)other);
}

Error *history_keys(const PastRun *past, StrList statuses, StrList *ret_keys)
{
    size_t count = 0;
    const char *key;
    json_t *failure;
    Str *keys = calloc(json_object_size(past->run.failures) + 1, sizeof *keys);
    if (!keys)
        return FAIL(NO_MEMORY, "out of memory");
    json_object_foreach(past->run.failures, key, failure)
    {
        if (history_takes(failure, statuses))
            keys[count++] = json_get_str(failure, "key", STR_EMPTY);
    }
    qsort(keys, count, sizeof *keys, by_bytes);
    *ret_keys = (StrList){keys, count};
    return NULL;
}

/* What the run was told about itself, which does not concern the one that repeats it. */
static bool is_about_that_run(const char *name)
{
    static const char *const names[] = {"include",  "exclude",     "file_glob",  "limit",     "force",
                                        "dry_run",  "report_file", "journal",    "state_dir", "error_on_no_work",
                                        "json",     "quiet",       "verbose",    "progress",  "color",
                                        "log_file", "log_level",   "log_format", "config"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* A secret was not written down: it comes from where the run had it. */
static Error *set_value(Options *options, Str name, const json_t *value)
{
    char number[32];
    const char *text = json_string_value(value);
    if (json_is_boolean(value))
        text = json_is_true(value) ? "true" : "false";
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        text = number;
    }
    if (json_is_real(value)) {
        snprintf(number, sizeof number, "%.17g", json_real_value(value));
        text = number;
    }
    if (text && !strstr(text, "<redacted>"))
        options_set(options, name, text);
    size_t index;
    json_t *item;
    json_array_foreach(value, index, item)
    {
        TRY(set_value(options, name, item));
    }
    return NULL;
}

static bool is_relative(Str place)
{
    return place.len && place.data[0] != '/' && str_find(place, STR("://")) == SIZE_MAX;
}

/* A path means the same only where the run was. */
static Error *check_directory(const PastRun *past)
{
    CLEANUP(cleanup_free) char *here = getcwd(NULL, 0);
    Str there = about(past, "directory");
    if ((!is_relative(about(past, "source")) && !is_relative(about(past, "target")))
        || (here && str_equal(there, str_of(here))))
        return NULL;
    return FAIL(INVALID,
                "that run's places '" STR_FMT "' and '" STR_FMT "' are relative to '" STR_FMT "': go there first",
                STR_ARG(about(past, "source")), STR_ARG(about(past, "target")), STR_ARG(there));
}

Error *history_repeat(const PastRun *past, Options *options)
{
    const char *name;
    json_t *value;
    json_t *told = json_object_get(past->run.about, "options");
    if (!json_is_object(told))
        return FAIL(STATE,
                    "'%s' is of an older version, which did not write down its options: run the command itself again",
                    past->journal);
    TRY(check_directory(past));
    json_object_foreach(told, name, value)
    {
        if (!is_about_that_run(name))
            TRY(set_value(options, str_of(name), value));
    }
    options_set(options, STR("journal"), past->journal);
    return NULL;
}
