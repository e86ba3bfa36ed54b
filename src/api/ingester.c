#include <stdlib.h>

#include "api/internal.h"
#include "jobs/fetch/fetch.h"

struct QuernIngester {
    pid_t process;
    QuernClient *client;
    QuernOptions options; /* a copy */
};

QuernError *quern_ingester_new(QuernClient *client, const QuernOptions *options, QuernIngester **ret_ingester)
{
    CLEANUP(quern_ingester_freep) QuernIngester *ingester = calloc(1, sizeof *ingester);
    CLEANUP(config_freep) Config *config = NULL;
    if (!ingester || (options && !options->options))
        return FAIL(NO_MEMORY, "out of memory");
    ingester->process = getpid();
    if (options)
        TRY(options_copy(options->options, &ingester->options.options));
    else if (!(ingester->options.options = options_new()))
        return FAIL(NO_MEMORY, "out of memory");
    TRY(options_resolve(ingester->options.options, COMMAND_FETCH, &config));
    TRY(fetch_check_options(config));
    if (client) {
        TRY(client_refuse_options(config));
        TRY(client_take(client, NULL, &ingester->client));
    }
    GIVE(ret_ingester, ingester);
    return NULL;
}

void quern_ingester_free(QuernIngester *ingester)
{
    if (!ingester)
        return;
    quern_client_free(ingester->client);
    options_free(ingester->options.options);
    free(ingester);
}

QuernError *quern_ingester_fetch_data(QuernIngester *ingester, QuernFetchMode mode, QuernControl *control,
                                      char ***ret_paths, QuernReport **ret_report)
{
    CLEANUP(call_done) Call call = {0};
    JobResult result = {0};
    TRY(process_check(ingester->process, "ingester"));
    if (mode != QUERN_FETCH_IF_STALE && mode != QUERN_FETCH_FORCE_RECOMPUTE)
        return FAIL(INVALID, "%d is no QuernFetchMode", (int)mode);
    /* Its own client is made for each call, so that credentials that have run out are looked for anew, as the original does. */
    TRY(call_begin(ingester->client, &ingester->options, COMMAND_FETCH, control, &call));
    Error *error = fetch_run(&call.env, mode == QUERN_FETCH_FORCE_RECOMPUTE, &result, ret_paths);
    Error *late = report_from_result(&result, ret_report);
    if (!error)
        return late;
    error_free(late);
    return error;
}
