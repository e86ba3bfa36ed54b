#include <stdlib.h>

#include "api/internal.h"

/* ---- control ---- */

QuernError *quern_control_new(QuernControl **ret_control)
{
    QuernControl *control = calloc(1, sizeof *control);
    if (!control)
        return FAIL(NO_MEMORY, "out of memory");
    control->process = getpid();
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&control->one_at_a_time, &recursive);
    pthread_mutexattr_destroy(&recursive);
    Random random;
    random_init_system(&random);
    run_name(clock_system(), &random, control->run);
    GIVE(ret_control, control);
    quern_control_free(control); /* nobody wants it */
    return NULL;
}

void quern_control_free(QuernControl *control)
{
    if (!control)
        return;
    log_free(control->log);
    pthread_mutex_destroy(&control->one_at_a_time);
    free(control);
}

void quern_control_cancel(QuernControl *control)
{
    cancel_step(&control->cancel);
}

bool quern_control_cancelled(const QuernControl *control)
{
    return control && cancel_draining(&control->cancel);
}

const char *quern_control_run_view(const QuernControl *control)
{
    return control ? control->run : "";
}

/* ---- report ---- */

static QuernItem failure_item(const ReportFailure *failure)
{
    return (QuernItem){
        .key = failure->key,
        .reason = error_message_view(failure->error),
        .outcome = (QuernOutcome)failure->outcome,
        .code = (QuernCode)error_code(failure->error),
        .partial = failure->outcome == OUTCOME_DONE,
        .status = failure->status ? failure->status : "",
        .details = "",
    };
}

Error *report_from_result(JobResult *take_result, QuernReport **ret_report)
{
    if (ret_report)
        *ret_report = NULL;
    if (!take_result->report || !ret_report) {
        job_result_done(take_result);
        return NULL;
    }
    size_t count = report_failure_count(take_result->report);
    QuernReport *report = calloc(1, sizeof *report);
    QuernItem *items = calloc(count + 1, sizeof *items);
    if (!report || !items || !buffer_cstr(&take_result->json) || !buffer_cstr(&take_result->text)
        || !buffer_cstr(&take_result->lines)) {
        free(report);
        free(items);
        job_result_done(take_result);
        return FAIL(NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < count; i++)
        items[i] = failure_item(report_failure_at(take_result->report, i));
    *report = (QuernReport){*take_result, items, count};
    *take_result = (JobResult){0};
    *ret_report = report;
    return NULL;
}

void quern_report_free(QuernReport *report)
{
    if (!report)
        return;
    job_result_done(&report->result);
    free(report->items);
    free(report);
}

uint64_t quern_report_count(const QuernReport *report, QuernOutcome outcome)
{
    _Static_assert((int)QUERN_DONE == (int)OUTCOME_DONE && (int)QUERN_UNFINISHED == (int)OUTCOME_CANCELLED, "one list");
    return report && outcome <= QUERN_UNFINISHED ? report_count(report->result.report, (Outcome)outcome) : 0;
}

const QuernItem *quern_report_failure_at(const QuernReport *report, size_t index)
{
    return report && index < report->item_count ? &report->items[index] : NULL;
}

const char *quern_report_json_view(const QuernReport *report)
{
    return report ? (const char *)report->result.json.data : "";
}

const char *quern_report_text_view(const QuernReport *report)
{
    return report ? (const char *)report->result.text.data : "";
}

const char *quern_report_lines_view(const QuernReport *report)
{
    return report && report->result.lines.data ? (const char *)report->result.lines.data : "";
}

int quern_exit_status(const QuernError *error, const QuernReport *report)
{
    const Report *inner = report ? report->result.report : NULL;
    bool failed = inner && report_count(inner, OUTCOME_FAILED);
    int status = error ? error_code_exit_status(error_code(error)) : 0;
    if (status == error_code_exit_status(ERR_INVALID) && failed)
        return 1; /* an item that cannot be is no wrong usage */
    if (error)
        return status;
    return failed || (inner && report_partial_count(inner)) ? 1 : 0;
}

const char *quern_version(void)
{
    return QUERN_VERSION;
}
