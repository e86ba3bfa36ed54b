#include <stdlib.h>

#include "api/internal.h"
#include "jobs/load/load.h"

struct QuernPipeline {
    pid_t process;
    QuernClient *client; /* NULL: the caller has none, and each run makes its own as `load` means it */
    Options *options;    /* NULL: the client's */
};

DEFINE_FREEP(QuernPipeline, quern_pipeline_free)

QuernError *quern_pipeline_new(QuernClient *client, const QuernOptions *options, QuernPipeline **ret_pipeline)
{
    if (options && !options->options)
        return FAIL(NO_MEMORY, "out of memory");
    CLEANUP(quern_pipeline_freep) QuernPipeline *pipeline = calloc(1, sizeof *pipeline);
    CLEANUP(config_freep) Config *checked = NULL;
    if (!pipeline)
        return FAIL(NO_MEMORY, "out of memory");
    pipeline->process = getpid();
    if (client)
        TRY(client_take(client, NULL, &pipeline->client));
    if (options)
        TRY(options_copy(options->options, &pipeline->options));
    else if (!client && !(pipeline->options = options_new()))
        return FAIL(NO_MEMORY, "out of memory");
    /* A bad option is said here, not at the run. */
    TRY(options_resolve(pipeline->options ? pipeline->options : client->options, COMMAND_LOAD, &checked));
    if (client && options)
        TRY(client_refuse_options(checked));
    GIVE(ret_pipeline, pipeline);
    return NULL;
}

void quern_pipeline_free(QuernPipeline *pipeline)
{
    if (!pipeline)
        return;
    options_free(pipeline->options);
    quern_client_free(pipeline->client);
    free(pipeline);
}

QuernError *quern_pipeline_run(QuernPipeline *pipeline, QuernControl *control, char **ret_results_json,
                               QuernReport **ret_report)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(buffer_done) Buffer results = {0};
    QuernOptions options = {pipeline->options};
    JobResult result = {0};
    TRY(process_check(pipeline->process, "pipeline"));
    TRY(call_begin(pipeline->client, pipeline->options ? &options : NULL, COMMAND_LOAD, control, &call));
    Error *error = load_run(&call.env, &result, &results);
    Error *late = report_from_result(&result, ret_report);
    if (!late && ret_results_json && results.len)
        late = text_from_buffer(&results, ret_results_json);
    if (!error)
        return late;
    error_free(late);
    return error;
}
