/* report.h - how a run went: counts, reasons, the first failures, one line an item in a file. Filled by one thread; read when
 * the run is over. */
#ifndef ENGINE_REPORT_H
#define ENGINE_REPORT_H

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "engine/job.h"

enum { REPORT_FAILURES_MAX = 1000, REPORT_REASONS_MAX = 64, RUN_NAME_BYTES = 32 };

/* A name for a run, with its NUL: "20261121T093954Z-1f3a5c7e", so that names sort by time. */
void run_name(const Clock *clock, Random *random, char out[RUN_NAME_BYTES]);

/* Opens an object as every line of --json, of the report file and of a log in JSON begins: members "type", "time" (now), "run". */
void event_open(JsonWriter *w, const char *type, const Clock *clock, Str run);

typedef struct ReportFailure {
    char *key; /* owned; escaped for JSON only when written */
    size_t key_len;
    Error *error;       /* owned */
    Outcome outcome;    /* FAILED, or DONE for a partial one */
    const char *status; /* the item's; NULL: none */
} ReportFailure;

typedef struct ReportReason {
    char *text;    /* the cause (engine/cause.h); owned */
    char *example; /* the key of the first, as people may see it; owned */
    Outcome outcome;
    const char *status; /* the items', all of one; NULL: none */
    uint64_t count;
} ReportReason;

/* The text for those that found no room among the first REPORT_REASONS_MAX. */
#define REPORT_OTHER_REASONS "other reasons; --report-file has them all"

typedef struct Report Report;

/* `file_path` NULL: no file. Every item becomes a JSON line there; the file appears under its name at report_close.
 * Errors: INVALID (a name where none can be), else those of opening it. */
MUST_USE Error *report_new(const char *file_path, bool redact_keys, Report **ret_report);
void report_free(Report *report);
DEFINE_FREEP(Report, report_free)

/* The engine's, before the first item: the run's name (copied), the clock (which outlives the report) and whether report_item's line is wanted
 * besides the file. Without it there is no name, and time is the machine's. */
void report_begin(Report *report, Str run, const Clock *clock, bool lines);
const Clock *report_clock(const Report *report);
Str report_run_view(const Report *report);
Str report_path_view(const Report *report); /* as it was given; "" without a file */

/* Counts one that has ended, and returns its line without the line feed, valid until the next: a "document" of --json; "" when nobody
 * wants it. The first failure to make or write it sticks and comes from report_close. */
Str report_item(Report *report, const Item *item);
/* Counts items that needed no work and were never planned, all for one reason; for jobs whose items are too many to say a word about each. Only
 * when nobody wants lines. */
void report_count_skipped(Report *report, const char *reason, uint64_t count);
/* Syncs and publishes the file. */
MUST_USE Error *report_close(Report *report);

uint64_t report_count(const Report *report, Outcome outcome);
uint64_t report_partial_count(const Report *report);
uint64_t report_bytes(const Report *report);
size_t report_failure_count(const Report *report); /* of those kept: at most REPORT_FAILURES_MAX */
const ReportFailure *report_failure_at(const Report *report, size_t index);
/* Equal failures of different objects have one reason. */
size_t report_reason_count(const Report *report);
/* Most frequent first, once the run is over. */
const ReportReason *report_reason_at(const Report *report, size_t index);

/* The members "done", "partial", "skipped", "failed", "cancelled", "reasons", "bytes" of an open JSON object. */
void report_write_members(const Report *report, JsonWriter *w);

/* A text about an item. With `redact` its key gives way to the key's hash, also as it stands in URLs. */
MUST_USE Error *report_append_text(Buffer *out, Str key, Str text, bool redact);
/* What an item's error says, in the same way. */
MUST_USE Error *report_append_reason(Buffer *out, Str key, const Error *error, bool redact);

/* An error that says as much: same code and origin, `key` hidden. For what is told without the item, and for keys that are not the item's. */
MUST_USE Error *report_hide_key(Error *take_error, Str key);

/* A key for people and terminals: control characters and bytes that are not UTF-8 as \xNN; or 16 hex digits of its hash. */
MUST_USE Error *report_append_key(Buffer *out, Str key, bool redact);

#endif
