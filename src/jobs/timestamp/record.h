/* record.h - the time stamp of one line of JSONL, found as impresso-essentials finds it (spec/impresso.md 3.3). */
#ifndef JOBS_TIMESTAMP_RECORD_H
#define JOBS_TIMESTAMP_RECORD_H

#include "base/str.h"

typedef enum RecordOutcome {
    RECORD_FOUND,
    RECORD_WITHOUT, /* none of the members is there */
    RECORD_INVALID, /* no JSON object, or a value that is no time stamp; `problem` says what */
} RecordOutcome;

typedef struct Record {
    RecordOutcome outcome;
    int64_t seconds;     /* since the Unix epoch, UTC */
    const char *problem; /* static text */
    size_t problem_at;   /* byte of the line */
    bool has_ts;         /* without: it has a true "ts", but another member was asked for */
} Record;

/* The first true value of the members `ts_key`, "cdt", "timestamp", and "ts" of "impresso_language_identifier_version"; of members that
 * are repeated the last one counts. */
Record record_read(Str line, Str ts_key);

#endif
