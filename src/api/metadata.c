#include <quern/metadata.h>

#include "api/internal.h"
#include "jobs/copy/copy.h"
#include "jobs/provider/provider.h"
#include "jobs/timestamp/timestamp.h"

/* Files of lines are the program's. Whoever asks for one here would wait for it in vain; what stands in a configuration is for the program. */
MUST_USE static Error *refuse_log_file(const Config *config)
{
    bool asked = config_has(config, "log-file") && str_equal(config_source(config, "log-file"), STR("option"));
    if (!asked)
        return NULL;
    return FAIL(INVALID, "'log_file' is an option of the program alone: its lines come to quern_control_on_line and "
                         "quern_control_on_log");
}

/* How a run of these jobs goes: with the command's options, to a report. */
static Error *run_job(QuernClient *client, const QuernOptions *options, QuernControl *control, CommandId command,
                      Error *(*run)(const JobEnv *env, JobResult *result), QuernReport **ret_report)
{
    CLEANUP(call_done) Call call = {0};
    JobResult result = {0};
    TRY(call_begin(client, options, command, control, &call));
    TRY(refuse_log_file(call.config));
    Error *error = run(&call.env, &result);
    Error *late = report_from_result(&result, ret_report);
    if (!error)
        return late;
    error_free(late); /* the run's own end is the news */
    return error;
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
