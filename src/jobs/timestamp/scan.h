/* scan.h - the time stamp of a whole JSONL text: of its first usable record, or the latest of all. */
#ifndef JOBS_TIMESTAMP_SCAN_H
#define JOBS_TIMESTAMP_SCAN_H

#include "codec/text_reader.h"
#include "jobs/timestamp/record.h"

enum { SCAN_SHOWN_BYTES = 100, SCAN_SHOWN_MAX = 16 };

/* A line that holds no usable record; `content` is its beginning, with whatever bytes are in it. */
typedef struct ScanSkip {
    uint64_t line; /* from 1 */
    const char *problem;
    Str content;
} ScanSkip;

typedef struct ScanOptions {
    TextFormat format;
    Str ts_key;
    bool all_lines; /* else reading ends at the first usable record */
    unsigned ahead; /* as text_reader_new */
    /* Calling thread, in order; of each piece of the text the first SCAN_SHOWN_MAX. NULL: not wanted. */
    void (*skipped)(void *context, const ScanSkip *skip);
    void *context;
} ScanOptions;

typedef struct ScanResult {
    bool found;
    bool has_ts;                   /* of a record without: as Record's */
    int64_t seconds;               /* since the Unix epoch, UTC */
    uint64_t lines, lines_skipped; /* read; of them not usable, though something was wrong with them */
} ScanResult;

/* Errors: those of source and format (text_reader.h), LIMIT (a line of more than 1 GiB). */
MUST_USE Error *scan_text(TextPool *pool, const TextSource *source, const ScanOptions *options, ScanResult *ret_result);

#endif
