/* summary.h - the end of a run, for programs (the last line of --json) and for people. */
#ifndef JOBS_SUMMARY_H
#define JOBS_SUMMARY_H

#include "base/buffer.h"
#include "engine/journal.h"
#include "engine/report.h"
#include "store/store.h"

typedef struct Summary {
    const char *command;
    int64_t elapsed_us;
    StoreCounters counters;     /* of all stores of the run together */
    Str output;                 /* where the result is; "": nothing to say */
    const char *journal;        /* its path; NULL or "": none */
    Str next;                   /* the next command to type; "": none */
    Str sandbox;                /* active layers; "": no parser ran */
    uint64_t parser_peak_bytes; /* resident, of the largest parser; 0: none ran */
    uint64_t rows;              /* written or loaded; shown when `has_rows` */
    bool has_rows;
} Summary;

/* `error`: how the run ended, or NULL. One object on one line, without the line feed. */
MUST_USE Error *summary_write_json(const Summary *summary, const Report *report, const Error *error, Buffer *out);
/* Lines, each ended. */
MUST_USE Error *summary_write_text(const Summary *summary, const Report *report, const Error *error, bool redact_keys,
                                   Buffer *out);

/* What a job leaves its caller. Start it zeroed; `report` is NULL when the run never began. */
typedef struct JobResult {
    Report *report;
    Buffer json, text; /* the two summaries */
    Buffer lines;      /* what a job that lists has found, each ended; for standard output */
} JobResult;

void job_result_done(JobResult *result);
/* Closes the report file and writes both summaries. Returns `take_error`, or, when there was none, what went wrong here. */
MUST_USE Error *job_result_finish(JobResult *result, const Summary *summary, bool redact_keys, Error *take_error);

/* Closes the journal (NULL: none) with how the run ended, then as job_result_finish; what the run ended with is the news before what closing it
 * brings. `summary` gets the journal's path. */
MUST_USE Error *job_result_end(JobResult *result, Summary *summary, Journal *journal, bool redact_keys,
                               Error *take_error);

/* A word that a shell takes as it is: in single quotes unless it needs none. */
MUST_USE Error *append_shell_word(Buffer *out, Str word);

StoreCounters counters_sum(StoreCounters a, StoreCounters b);
/* Resident memory of this process at its highest; 0 where /proc does not say. */
uint64_t process_peak_bytes(void);

#endif
