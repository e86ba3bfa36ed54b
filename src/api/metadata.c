#include <errno.h>
#include <quern/metadata.h>
#include <stdio.h>

#include "api/internal.h"
#include "base/time_text.h"
#include "jobs/copy/copy.h"
#include "jobs/provider/provider.h"
#include "jobs/timestamp/timestamp.h"

/* The file of option log_file: the lines of a run that belong into a log, each with its time, behind what is there. The program writes its own, with
 * its messages in it: what is set by a flag or a configuration is for that one. */
typedef struct LineFile {
    FILE *file; /* NULL: nobody asked for one */
    const Clock *clock;
    void (*print)(void *context, const char *line, bool logged); /* who wants the lines besides; may be NULL */
    void *print_context;
} LineFile;

static void line_file_print(void *context, const char *line, bool logged)
{
    LineFile *lines = context;
    char time[TIME_TEXT_BYTES];
    if (logged) {
        Str now = time_iso8601(clock_wall_us(lines->clock), time);
        fprintf(lines->file, STR_FMT " %s\n", STR_ARG(now), line);
    }
    if (lines->print)
        lines->print(lines->print_context, line, logged);
}

MUST_USE static Error *line_file_open(Call *call, LineFile *lines)
{
    bool asked =
        config_has(call->config, "log-file") && str_equal(config_source(call->config, "log-file"), STR("option"));
    *lines = (LineFile){.clock = call->env.clock, .print = call->env.print, .print_context = call->env.print_context};
    if (!asked)
        return NULL;
    const char *path = config_cstr(call->config, "log-file");
    lines->file = fopen(path, "ae");
    if (!lines->file)
        return FAIL_ERRNO("open the log file '%s'", path);
    call->env.print = line_file_print;
    call->env.print_context = lines;
    return NULL;
}

MUST_USE static Error *line_file_close(LineFile *lines)
{
    if (!lines->file)
        return NULL;
    bool failed = ferror(lines->file) != 0;
    failed |= fclose(lines->file) != 0;
    return failed ? FAIL(NO_SPACE, "the log file is not whole: it cannot be written to; is the disk full?") : NULL;
}

/* How a run of these jobs goes: with the command's options, to a report. */
static Error *run_job(QuernClient *client, const QuernOptions *options, QuernControl *control, CommandId command,
                      Error *(*run)(const JobEnv *env, JobResult *result), QuernReport **ret_report)
{
    CLEANUP(call_done) Call call = {0};
    LineFile lines;
    JobResult result = {0};
    TRY(call_begin(client, options, command, control, &call));
    TRY(line_file_open(&call, &lines));
    Error *errors[3] = {run(&call.env, &result)}, *first = NULL; /* the run's own end is the news */
    errors[1] = line_file_close(&lines);
    errors[2] = report_from_result(&result, ret_report);
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        if (!first)
            first = errors[i];
        else
            error_free(errors[i]);
    }
    return first;
}

QuernError *quern_set_timestamp(QuernClient *client, const QuernOptions *options, QuernControl *control,
                                QuernReport **ret_report)
{
    return run_job(client, options, control, COMMAND_SET_TIMESTAMP, timestamp_run, ret_report);
}

QuernError *quern_add_provider(QuernClient *client, const QuernOptions *options, QuernControl *control,
                               QuernReport **ret_report)
{
    return run_job(client, options, control, COMMAND_ADD_PROVIDER, provider_run, ret_report);
}

QuernError *quern_copy(QuernClient *client, const QuernOptions *options, QuernControl *control,
                       QuernReport **ret_report)
{
    return run_job(client, options, control, COMMAND_COPY, copy_run, ret_report);
}
