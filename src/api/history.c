#include <stdlib.h>

#include "api/internal.h"
#include "jobs/history/history.h"
#include "jobs/ingest/ingest.h"

extern char **environ;

QuernError *quern_status(const QuernOptions *options, const char *run, QuernControl *control, char **ret_text)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(past_run_done) PastRun past = {0};
    CLEANUP(buffer_done) Buffer text = {0};
    TRY(call_begin(NULL, options, COMMAND_STATUS, control, &call));
    if (run) {
        Str none[] = {STR_EMPTY}; /* the line about the run alone */
        TRY(history_find(&call.env, str_of(run), STR_EMPTY, &past));
        TRY(history_write_run(&call.env, &past, (StrList){none, ARRAY_COUNT(none)}, &text));
    } else {
        TRY(history_write_runs(&call.env, &text));
    }
    return text_from_buffer(&text, ret_text);
}

QuernError *quern_why(const QuernOptions *options, const char *run, QuernControl *control, char **ret_text)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(past_run_done) PastRun past = {0};
    CLEANUP(buffer_done) Buffer text = {0};
    TRY(call_begin(NULL, options, COMMAND_WHY, control, &call));
    TRY(history_find(&call.env, str_of(run ? run : ""), STR_EMPTY, &past));
    TRY(history_write_run(&call.env, &past, config_list(call.config, "status"), &text));
    return text_from_buffer(&text, ret_text);
}

/* What was said of this run, above what the other was told. */
static Error *add_own(const Config *config, Options *options)
{
    static const char *const names[] = {"parse-timeout", "parse-silence", "report-file", "dry-run"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        CLEANUP(buffer_done) Buffer value = {0};
        bool has = false;
        if (config_is_set(config, names[i]))
            TRY(config_write_value(config, str_of(names[i]), &value, &has));
        if (has && !buffer_cstr(&value))
            return FAIL(NO_MEMORY, "out of memory");
        if (has)
            options_set(options, str_of(names[i]), (const char *)value.data);
    }
    return NULL;
}

/* The options of that run, below them what is found where this one runs. */
static Error *options_of(const Call *call, const PastRun *past, QuernOptions *options)
{
    OptionsPlace place = {(const char *const *)environ, NULL};
    options_load(options->options, NULL, &place);
    TRY(history_repeat(past, options->options));
    return add_own(call->config, options->options);
}

static Error *find_failures(const QuernOptions *options, const char *run, QuernControl *control, PastRun *past,
                            JobAgain *again, QuernOptions *ingest)
{
    CLEANUP(call_done) Call call = {0};
    TRY(call_begin(NULL, options, COMMAND_RETRY, control, &call));
    TRY(history_find(&call.env, str_of(run ? run : ""), STR("ingest"), past));
    if (!str_equal(json_get_str(past->run.about, "command", STR_EMPTY), STR("ingest")))
        return FAIL(
            INVALID,
            "'%s' is no run of ingest, the only one that can be done again in parts: run the command itself again",
            past->journal);
    if (past->run.running)
        return FAIL(LOCKED, "that run has not ended: it holds '%s'", past->journal);
    TRY(history_keys(past, config_list(call.config, "status"), &again->keys));
    again->last = &past->run;
    again->hashed = json_is_true(json_object_get(json_object_get(past->run.about, "options"), "redact_keys"));
    if (again->keys.count == 0) {
        log_info(call.env.log, "nothing failed%s in the run " STR_FMT,
                 config_is_set(call.config, "status") ? " so" : "",
                 STR_ARG(json_get_str(past->run.about, "run", STR_EMPTY)));
        return NULL;
    }
    return options_of(&call, past, ingest);
}

static Error *run_again(QuernOptions *options, const JobAgain *again, QuernControl *control, JobResult *result)
{
    static const IngestRoles own = {0};
    CLEANUP(call_done) Call call = {0};
    TRY(call_begin(NULL, options, COMMAND_INGEST, control, &call));
    call.env.again = again;
    return ingest_run(&call.env, &own, result);
}

QuernError *quern_retry(const QuernOptions *options, const char *run, QuernControl *control, QuernReport **ret_report)
{
    CLEANUP(past_run_done) PastRun past = {0};
    CLEANUP(options_freep) Options *inner = options_new();
    JobAgain again = {0};
    JobResult result = {0};
    QuernOptions ingest = {inner};
    if (ret_report)
        *ret_report = NULL;
    if (!inner)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = find_failures(options, run, control, &past, &again, &ingest);
    if (!error && again.keys.count)
        error = run_again(&ingest, &again, control, &result);
    free(again.keys.items);
    Error *late = report_from_result(&result, ret_report);
    if (!error)
        return late;
    error_free(late);
    return error;
}
