#include "jobs/summary.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/time_text.h"

enum { FAILURES_SHOWN = 10, REASONS_SHOWN = 10 };

/* getrusage would count what this process was before exec: on Linux ru_maxrss then holds the size of whoever started us. */
uint64_t process_peak_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    uint64_t kib = 0;
    while (file && kib == 0 && fgets(line, sizeof line, file)) {
        Str text = str_trim(str_of(line)); /* "VmHWM:	   12345 kB" */
        if (str_starts_with(text, STR("VmHWM:")) && str_ends_with(text, STR(" kB"))
            && !str_to_u64(str_trim(str_slice(text, STR("VmHWM:").len, text.len - 3)), &kib))
            break;
    }
    if (file)
        fclose(file);
    return kib * 1024;
}

static bool needs_no_quotes(Str word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && str_find_char(STR("/:._-,=+@%"), c) == SIZE_MAX)
            return false;
    }
    return word.len > 0;
}

Error *append_shell_word(Buffer *out, Str word)
{
    if (needs_no_quotes(word))
        return buffer_append_str(out, word);
    TRY(buffer_append_byte(out, '\''));
    for (size_t i = 0; i < word.len; i++)
        TRY(word.data[i] == '\'' ? buffer_append_str(out, STR("'\\''"))
                                 : buffer_append_byte(out, (uint8_t)word.data[i]));
    return buffer_append_byte(out, '\'');
}

StoreCounters counters_sum(StoreCounters a, StoreCounters b)
{
    return (StoreCounters){a.requests + b.requests, a.retries + b.retries, a.bytes_in + b.bytes_in,
                           a.bytes_out + b.bytes_out};
}

static bool is_lacking(const Report *report)
{
    return report_count(report, OUTCOME_FAILED) || report_partial_count(report);
}

static const char *status_of(const Report *report, const Error *error)
{
    if (error_code(error) == ERR_CANCELLED)
        return "interrupted";
    if (error)
        return "stopped";
    return is_lacking(report) ? "finished with failures" : "ok";
}

Error *summary_write_json(const Summary *summary, const Report *report, const Error *error, Buffer *out)
{
    JsonWriter w;
    json_begin(&w, out, 0);
    event_open(&w, "summary", report_clock(report), report_run_view(report));
    json_member(&w, "command", str, str_of(summary->command));
    json_member(&w, "status", str, str_of(status_of(report, error)));
    report_write_members(report, &w);
    if (summary->has_rows)
        json_member(&w, "rows", uint, summary->rows);
    json_member(&w, "seconds", double, (double)summary->elapsed_us / 1e6);
    json_member(&w, "requests", uint, summary->counters.requests);
    json_member(&w, "retries", uint, summary->counters.retries);
    json_member(&w, "bytes_in", uint, summary->counters.bytes_in);
    json_member(&w, "bytes_out", uint, summary->counters.bytes_out);
    json_member(&w, "peak_memory_bytes", uint, process_peak_bytes());
    if (summary->parser_peak_bytes)
        json_member(&w, "parser_peak_memory_bytes", uint, summary->parser_peak_bytes);
    if (summary->sandbox.len)
        json_member(&w, "sandbox", str, summary->sandbox);
    if (summary->output.len)
        json_member(&w, "output", str, summary->output);
    if (summary->journal && *summary->journal)
        json_member(&w, "journal", str, str_of(summary->journal));
    if (report_path_view(report).len)
        json_member(&w, "report_file", str, report_path_view(report));
    if (summary->next.len)
        json_member(&w, "next", str, summary->next);
    if (error) {
        json_member(&w, "code", str, str_of(error_code_name(error_code(error))));
        json_member(&w, "error", str, str_of(error_message_view(error)));
    }
    json_close_object(&w);
    return json_finish(&w);
}

static Error *append_counts(const Summary *summary, const Report *report, Buffer *out)
{
    char text[TIME_TEXT_BYTES];
    uint64_t partial = report_partial_count(report), cancelled = report_count(report, OUTCOME_CANCELLED);
    TRY(buffer_append_format(out, "%s: %" PRIu64 " done", summary->command, report_count(report, OUTCOME_DONE)));
    if (partial)
        TRY(buffer_append_format(out, " (%" PRIu64 " of them partial)", partial));
    TRY(buffer_append_format(out, ", %" PRIu64 " skipped, %" PRIu64 " failed", report_count(report, OUTCOME_SKIPPED),
                             report_count(report, OUTCOME_FAILED)));
    if (cancelled)
        TRY(buffer_append_format(out, ", %" PRIu64 " not finished", cancelled));
    time_duration(summary->elapsed_us, text);
    return buffer_append_format(out, " in %s\n", text);
}

static Error *append_transfers(const Summary *summary, Buffer *out)
{
    char in[TIME_TEXT_BYTES], sent[TIME_TEXT_BYTES], own[TIME_TEXT_BYTES], parser[TIME_TEXT_BYTES];
    StoreCounters counters = summary->counters;
    size_text(counters.bytes_in, in);
    size_text(counters.bytes_out, sent);
    size_text(process_peak_bytes(), own);
    if (summary->has_rows)
        TRY(buffer_append_format(out, "  rows:    %" PRIu64 "\n", summary->rows));
    TRY(buffer_append_format(out,
                             "  moved:   %s received, %s sent; %" PRIu64 " requests, %" PRIu64 " of them retries\n", in,
                             sent, counters.requests, counters.retries));
    TRY(buffer_append_format(out, "  memory:  %s at most", own));
    if (summary->parser_peak_bytes) {
        size_text(summary->parser_peak_bytes, parser);
        TRY(buffer_append_format(out, "; %s the largest parser", parser));
    }
    TRY(buffer_append_byte(out, '\n'));
    if (summary->sandbox.len)
        TRY(buffer_append_format(out, "  sandbox: " STR_FMT "\n", STR_ARG(summary->sandbox)));
    return NULL;
}

/* " (oom)", or nothing where the word before it says the same. */
typedef struct Bracketed {
    char text[32];
} Bracketed;

static Bracketed bracketed(const char *status)
{
    Bracketed out = {""};
    if (status && strcmp(status, "partial") != 0)
        snprintf(out.text, sizeof out.text, " (%s)", status);
    return out;
}

/* Of failures it is said behind those that are shown. */
static Error *append_other_reasons(const Report *report, Buffer *out)
{
    const ReportReason *reason;
    uint64_t skipped = 0;
    for (size_t i = REASONS_SHOWN; (reason = report_reason_at(report, i)); i++)
        skipped += reason->outcome == OUTCOME_SKIPPED ? reason->count : 0;
    return skipped ? buffer_append_format(
               out, "  skipped %" PRIu64 " more, for other reasons; --report-file lists them all\n", skipped)
                   : NULL;
}

static Error *append_reasons(const Report *report, Buffer *out)
{
    const ReportReason *reason;
    for (size_t i = 0; i < REASONS_SHOWN && (reason = report_reason_at(report, i)); i++) {
        const char *word = reason->outcome == OUTCOME_DONE ? "partial" : outcome_name(reason->outcome);
        if (reason->outcome == OUTCOME_SKIPPED)
            TRY(buffer_append_format(out, "  %s %" PRIu64 "%s: %s\n", word, reason->count,
                                     bracketed(reason->status).text, reason->text));
        else if (reason->count > 1) /* one alone is told below, in full */
            TRY(buffer_append_format(out, "  %s %" PRIu64 "%s: %s; the first is %s\n", word, reason->count,
                                     bracketed(reason->status).text, reason->text, reason->example));
    }
    return append_other_reasons(report, out);
}

static Error *append_failures(const Report *report, bool redact_keys, Buffer *out)
{
    const ReportFailure *failure;
    size_t i = 0;
    for (; i < FAILURES_SHOWN && (failure = report_failure_at(report, i)); i++) {
        TRY(buffer_append_format(out, "  %s ", failure->outcome == OUTCOME_DONE ? "partial" : "failed"));
        Str key = {failure->key, failure->key_len};
        TRY(report_append_key(out, key, redact_keys));
        TRY(buffer_append_format(out, "%s: ", bracketed(failure->status).text));
        TRY(report_append_reason(out, key, failure->error, redact_keys));
        TRY(buffer_append_byte(out, '\n'));
    }
    uint64_t all = report_count(report, OUTCOME_FAILED) + report_partial_count(report);
    if (all > i)
        TRY(buffer_append_format(out, "  and %" PRIu64 " more; --report-file lists them all\n", all - i));
    return NULL;
}

Error *summary_write_text(const Summary *summary, const Report *report, const Error *error, bool redact_keys,
                          Buffer *out)
{
    TRY(append_counts(summary, report, out));
    TRY(append_reasons(report, out));
    TRY(append_failures(report, redact_keys, out));
    TRY(append_transfers(summary, out));
    if (summary->output.len)
        TRY(buffer_append_format(out, "  output:  " STR_FMT "\n", STR_ARG(summary->output)));
    if (summary->journal && *summary->journal)
        TRY(buffer_append_format(out, "  journal: %s\n", summary->journal));
    if (report_path_view(report).len)
        TRY(buffer_append_format(out, "  report:  " STR_FMT "\n", STR_ARG(report_path_view(report))));
    if (summary->next.len && !error)
        TRY(buffer_append_format(out, "  next:    " STR_FMT "\n", STR_ARG(summary->next)));
    return NULL;
}

void job_result_done(JobResult *result)
{
    report_free(result->report);
    buffer_done(&result->json);
    buffer_done(&result->text);
    buffer_done(&result->lines);
    *result = (JobResult){0};
}

Error *job_result_finish(JobResult *result, const Summary *summary, bool redact_keys, Error *take_error)
{
    Error *error = take_error, *late = report_close(result->report);
    if (!error)
        error = late;
    else
        error_free(late); /* the run's own end is the news */
    late = summary_write_json(summary, result->report, error, &result->json);
    if (!late)
        late = summary_write_text(summary, result->report, error, redact_keys, &result->text);
    if (!error)
        return late;
    error_free(late);
    return error;
}

Error *job_result_end(JobResult *result, Summary *summary, Journal *journal, bool redact_keys, Error *take_error)
{
    Error *error = take_error;
    summary->journal = journal_path_view(journal);
    const char *status = error ? error_code_name(error_code(error)) : is_lacking(result->report) ? "failures" : "ok";
    Error *late = journal ? journal_end(journal, status) : NULL;
    if (!error)
        error = late;
    else
        error_free(late); /* the run's own end is the news */
    return job_result_finish(result, summary, redact_keys, error);
}
