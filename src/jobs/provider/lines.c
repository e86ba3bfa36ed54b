/* lines.c - what the original says of every key, in the order of the listing although objects end in any. Source: spec/impresso.md 4.2. */
#include "jobs/provider/job.h"

/* Without memory lines are missing, and the run says so at its end. */
static void note(AddProvider *job, Error *take_error)
{
    if (!job->line_error)
        job->line_error = take_error;
    else
        error_free(take_error); /* the first says it */
}

static void print(AddProvider *job, Error *take_error, bool logged)
{
    const char *line = take_error ? NULL : buffer_cstr(&job->line);
    if (!take_error && !line)
        take_error = FAIL(NO_MEMORY, "out of memory");
    if (line && job->env->print)
        job->env->print(job->env->print_context, line, logged);
    note(job, take_error);
    buffer_clear(&job->line);
}

#define SAY(job, logged, ...) print(job, buffer_append_format(&(job)->line, __VA_ARGS__), logged)

/* A key as it may be seen; two may be in use at once. */
static const char *shown(AddProvider *job, Str key, unsigned slot)
{
    if (!job->redact)
        return key.data; /* with a NUL behind it */
    buffer_clear(&job->shown[slot]);
    Error *error = report_append_key(&job->shown[slot], key, true);
    const char *text = error ? NULL : buffer_cstr(&job->shown[slot]);
    error_free(error); /* without memory: a line without its key */
    return text ? text : "?";
}

/* The bucket's name; of another place all of it. */
static Str bucket_name(const AddProvider *job)
{
    Str text = str_of(job->target.store ? job->target.text : job->source.text);
    if (str_starts_with(text, STR("s3://")))
        text = str_slice(text, STR("s3://").len, text.len);
    else
        return text;
    size_t slash = str_find_char(text, '/');
    return str_slice(text, 0, MIN(slash, text.len));
}

Error *lines_begin(AddProvider *job)
{
    Str uri = config_str(job->env->config, "s3-partition-path"), bucket = bucket_name(job);
    SAY(job, true,
        "Will add the provider level to the contents of " STR_FMT ", %scopying them in bucket " STR_FMT
        ", and %sdeleting the source keys after.",
        STR_ARG(uri), job->dry_run ? "not " : "", STR_ARG(bucket), job->removes ? "" : "not ");
    Error *error = job->line_error;
    job->line_error = NULL;
    return error;
}

static void set_alias(AddProvider *job, Str alias)
{
    buffer_clear(&job->alias);
    note(job, buffer_append_str(&job->alias, alias));
}

static void tell_folder(AddProvider *job, Str key)
{
    Str path = key_partition(key);
    size_t slash = str_rfind_char(path, '/');
    Str alias = slash == SIZE_MAX ? path : str_slice(path, slash + 1, path.len);
    Str provider = provider_of_alias(job->map, alias);
    if (provider.len == 0)
        return; /* "issues/", "BCUL/": the original ends here */
    SAY(job, true, "Now processing alias " STR_FMT " from " STR_FMT, STR_ARG(alias), STR_ARG(provider));
    set_alias(job, alias);
}

static void tell_alias(AddProvider *job, const MediaTitle *title)
{
    if (str_equal(buffer_str(&job->alias), title->alias))
        return;
    SAY(job, true, "Found new alias in key - Now processing " STR_FMT " from " STR_FMT, STR_ARG(title->alias),
        STR_ARG(title->provider));
    set_alias(job, title->alias);
}

/* How one object's item ended. */
static void tell_end(AddProvider *job, Str key, Str to_key, bool stays, const Item *item)
{
    const ProviderItem *ended = item->data;
    const char *from = shown(job, key, 0), *to = shown(job, to_key, 1);
    Str bucket = bucket_name(job);
    if (job->dry_run)
        SAY(job, true, "Debug Mode - would have copied %s to %s.", from, to);
    else if (stays)
        log_debug(job->env->log, "    Skipping copy: source and destination are the same (%s).", from);
    else if (item->outcome == OUTCOME_DONE || item->outcome == OUTCOME_SKIPPED) {
        if (ended->existed)
            SAY(job, true, "    The destination key %s already exists in bucket " STR_FMT ", skipping.", to,
                STR_ARG(bucket));
        else
            log_debug(job->env->log, "    Copying %s to %s in bucket " STR_FMT, from, to, STR_ARG(bucket));
        if (ended->removed)
            SAY(job, true, "    Deleting source key %s after copy - new location: " STR_FMT "/%s", from,
                STR_ARG(bucket), to);
    }
}

MUST_USE static Error *tell_data(AddProvider *job, Str key, const Item *item)
{
    CLEANUP(buffer_done) Buffer scratch = {0}, destination = {0};
    MediaTitle title;
    bool stays;
    Error *error = find_destination(job, key, &scratch, &title, &destination, &stays);
    if (error_code(error) == ERR_INVALID) {
        error_free(error); /* told by the plan */
        return NULL;
    }
    TRY(error);
    if (!buffer_cstr(&destination))
        return FAIL(NO_MEMORY, "out of memory");
    tell_alias(job, &title);
    tell_end(job, key, buffer_str(&destination), stays, item);
    return NULL;
}

/* One that no work was needed for. */
static void tell_other(AddProvider *job, Str key)
{
    switch (key_kind(key, job->partition)) {
    case KEY_PARTITION: SAY(job, false, "(partition: %s)", shown(job, key, 0)); break;
    case KEY_FOLDER: tell_folder(job, key); break;
    case KEY_OTHER: SAY(job, false, "    -> Skipping non-jsonl.bz2 file: %s", shown(job, key, 0)); break;
    case KEY_DATA: /* left out by a filter, or cancelled */ break;
    }
}

void lines_of_item(AddProvider *job, const Item *item)
{
    if (item->outcome == OUTCOME_CANCELLED)
        return;
    while (job->next_line < job->entry_count) {
        Str key = job->entries[job->next_line++].key;
        if (str_equal(key, item->key)) {
            note(job, tell_data(job, key, item));
            return;
        }
        tell_other(job, key);
    }
}

Error *lines_end(AddProvider *job)
{
    while (job->next_line < job->entry_count)
        tell_other(job, job->entries[job->next_line++].key);
    Error *error = job->line_error;
    job->line_error = NULL;
    return error;
}
