/* job.h - inside the fetch job: what its files share. */
#ifndef JOBS_FETCH_JOB_H
#define JOBS_FETCH_JOB_H

#include "jobs/fetch/dataset.h"
#include "jobs/fetch/fetch.h"
#include "jobs/fetch/fnmatch.h"
#include "jobs/fetch/name_set.h"
#include "jobs/fetch/selection.h"
#include "store/download.h"

typedef enum VerifyMode { VERIFY_SIZE, VERIFY_ETAG, VERIFY_CHECKSUM } VerifyMode; /* as the option's choices */

/* An object that was replaced while it was fetched: what it is now. */
typedef struct ChangedObject {
    size_t index;
    uint64_t size_bytes;
    Buffer etag;
} ChangedObject;

typedef struct Fetch {
    /* Fixed before the run. */
    const JobEnv *env;
    Place source;
    Str prefix;           /* of the source, as the user gave it: in `source` */
    Buffer shown_place;   /* "s3://bucket/prefix/" of the messages */
    Buffer patterns_text; /* "['*.csv']" */
    Fnmatch **patterns;   /* [pattern_count] */
    size_t pattern_count;
    KeyFilter *filter;
    Buffer own_prefix_text; /* of keys that are our own files, when the dataset lies in the source */
    Buffer own_lock_text;   /* the key of its lock then, with a slash behind it */
    Dataset dataset;
    VerifyMode verify;
    CollisionRule collision;
    bool force, dry_run, strict, lines; /* lines: somebody wants one for every file */
    double tolerance_hours;             /* negative: any */

    /* Planner, until it has ended; then the bulk thread. */
    Selection selection;
    Str manifest_suffix; /* of the manifest's key; no data: none is wanted */
    ObjectInfo manifest; /* strings in `arena`; key.data NULL: there is none */
    Arena *arena;
    NameSet others;    /* relative names of what is there and not meant here, for a manifest that may name it */
    NameSet archived;  /* keys that the listing shows in an archive */
    size_t other_part; /* of the others: what belongs to other parts of an array job */
    Buffer leftovers;  /* names of the last run that this one lacks, each with a NUL behind it */
    size_t leftover_count, needed, kept;
    uint64_t needed_bytes;
    size_t impossible; /* of those needed: no file can have their names */
    Error *first_impossible;
    bool clean;    /* nothing lies in the dataset's own directory that an unfinished run left */
    bool recorded; /* the local manifest says what is meant, sizes and all */
    bool planned;  /* everything that is needed was pushed */

    /* Bulk thread only. */
    Downloads *downloads;
    struct FetchItem *ready; /* those that ended without a request */
    StoreBatch *heads;       /* what objects that changed meanwhile are now; NULL: none did */
    size_t heads_in_flight;
    ChangedObject *changed; /* [changed_count]; by index once all are there */
    size_t changed_count, done, failed;
    size_t added; /* of those done: under names that were free, so they are visible already */
    Error *first_failure;
    bool applied; /* the dataset is what the selection says */
} Fetch;

/* The job's part of an Item. */
typedef struct FetchItem {
    Download download;
    size_t index; /* in the selection */
    Buffer etag, path;
    bool again;      /* it changed once already */
    StoreFetch head; /* then: what it is now; its answer goes to `etag` and `size_now_bytes` */
    uint64_t size_now_bytes;
    Item *item;
    struct FetchItem *next_ready;
} FetchItem;

/* The bucket by its name where it is S3's, so that fingerprint and messages are the original's; else the whole root. */
Str fetch_bucket(const Fetch *fetch);

/* Planner: lists, selects, decides, and pushes what is needed. */
MUST_USE Error *fetch_plan(void *context, Plan *plan);

/* Takes SELECTED_CURRENT from objects whose file has their size but is not they, by --verify etag or checksum. Reads files, and asks the
 * store for the checksums that no ETag tells: as many at once as the run has workers. */
MUST_USE Error *fetch_verify(Fetch *fetch, const Cancel *cancel);

/* Planner: keeps in mind what is listed as archived; and warns, once it is decided what is needed. */
MUST_USE Error *fetch_note_archived(Fetch *fetch, const ObjectInfo *object);
MUST_USE Error *fetch_warn_of_archived(Fetch *fetch);

/* Refuses what cannot fit where the dataset is, before anything is asked for; in a dry run it only says so. Errors: NO_SPACE. */
MUST_USE Error *fetch_check_space(Fetch *fetch);

/* Calls `each` once for each directory ("": the dataset's own) in which this run's files are, or the last one's; its first Error ends that. */
typedef Error *FetchDirectoryFn(void *context, Fetch *fetch, Str directory);
MUST_USE Error *fetch_each_directory(Fetch *fetch, FetchDirectoryFn *each, void *context);

/* When everything is there: replaces, deletes, writes the manifest. */
MUST_USE Error *fetch_apply(Fetch *fetch);

#endif
