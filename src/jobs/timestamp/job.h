/* job.h - inside the set-timestamp job: what its files share. */
#ifndef JOBS_TIMESTAMP_JOB_H
#define JOBS_TIMESTAMP_JOB_H

#include <stdatomic.h>

#include "jobs/old_versions.h"
#include "jobs/timestamp/scan.h"
#include "jobs/timestamp/timestamp.h"

typedef enum TimestampMode { MODE_SET, MODE_REPORT, MODE_REPORT_DIRS, MODE_BACKUPS } TimestampMode;

/* Of what the objects were found to be; any thread adds. */
typedef struct TimestampCounts {
    _Atomic uint64_t updated, already_set, already_right, no_usable_record, failed;
} TimestampCounts;

typedef struct Timestamp {
    /* Fixed before the run. */
    const JobEnv *env;
    TimestampMode mode;
    Place source;
    bool one_file; /* source.prefix is the one key */
    Place target;  /* with --output: its prefix is the key there; else zeroed */
    KeyFilter *filter;
    Buffer name_text;
    Str name, ts_key; /* of the metadata, lower case; of the records' member */
    bool all_lines, force, recheck, dry_run, strict, redact;
    TextPool *pool;        /* MODE_SET */
    unsigned ahead;        /* compressed pieces read ahead of the decompression */
    unsigned ranges_ahead; /* of each object, on their way from the server */

    TimestampCounts counts;
    OldVersions old;  /* of objects rewritten in place */
    uint64_t matched; /* planner */

    /* Commit thread: what is found by a report or a search for backups. */
    Buffer lines;
    uint64_t lines_count, bytes_found;
    Arena *arena;
    Str *directories;         /* [directory_count], of every object, and ... */
    Str *missing_directories; /* ... of those without the name; in `arena` */
    size_t directory_count, directory_capacity, missing_count, missing_capacity;
} Timestamp;

/* One object, by the engine's workers. */
Error *timestamp_work(void *context, Worker *worker, Item *item);

/* The reports of 3.5: a HEAD for each object, lines in the order of the listing; the end of it in the log and, for directories, in `lines`. */
Error *report_work(void *context, Worker *worker, Item *item);
Error *report_commit(void *context, Item *item);
MUST_USE Error *report_end(Timestamp *job);

/* Stale backups: found, proven to be what their object is, and removed where that is allowed. */
Error *backup_work(void *context, Worker *worker, Item *item);
Error *backup_commit(void *context, Item *item);

/* Part of an item that all of these have. */
typedef struct TimestampItem {
    bool missing;         /* report: it lacks the name */
    uint64_t found_bytes; /* backups: what it holds */
} TimestampItem;

/* "s3://bucket/key", or "s3://bucket/" and a hash with --redact-keys. */
MUST_USE Error *timestamp_append_url(const Timestamp *job, Str key, Buffer *out);
/* A key as the log may show it, until the buffer is done. */
const char *timestamp_shown(const Timestamp *job, Str key, Buffer *out);
/* What its error says, in the same way. */
const char *timestamp_reason(const Timestamp *job, Str key, const Error *error, Buffer *out);

#endif
