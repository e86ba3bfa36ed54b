/* download.h - objects of a store into local files: many at once, large ones in ranges, proven, and published by rename.
 *
 * Each object becomes ".NAME.XXXXXXXX.part" beside its final name. For one that goes in ranges, and for any of 64 MiB and more, the digits are a hash of key and ETag,
 * and a record ".NAME.XXXXXXXX.state" stands beside it (download_state.h): a run that was killed is continued, with the parts whose bytes prove
 * themselves; what is left of a stream comes in ranges. Parts go straight from the transfer's memory to their offsets. Everything is asked for with If-Match, so a
 * file never mixes two versions of an object. A cancel that drains ends them as CANCELLED once the pieces in flight have come (of a stream: the next
 * 8 MiB); everything smaller is finished. Proof is the length and the strongest checksum the server gives (spec/s3.md 5.1).
 *
 * One thread starts, collects and publishes; transfers, and what is written while they run, are on network threads. Memory does not
 * grow with the size of objects. CRCs of ranges are combined; a digest (an ETag that is an MD5, SHA-1, SHA-256) of an object in ranges is made
 * by the thread in downloads_next, out of the file, part by part as they come: no network thread waits for it. */
#ifndef STORE_DOWNLOAD_H
#define STORE_DOWNLOAD_H

#include "store/store.h"

typedef struct Downloads Downloads;

typedef struct DownloadOptions {
    const Cancel *cancel;
    uint64_t part_bytes;      /* 0: as the object was uploaded, where that is known; else 8 to 64 MiB */
    uint64_t multipart_bytes; /* objects of this size and more go in ranges; 0: 16 MiB */
    unsigned parts_max;       /* requests of one object in flight, that for its checksum with them; 0: 8 */
    bool sync;                /* data and directory are on disk before an object counts as published */
    bool escape_names;        /* paths that no file can have become %XX names, as in file_path.h */
} DownloadOptions;

/* `directory` is made, with its parents, when the first file needs it; no path leads out of it, also not over planted links. `store` must
 * outlive it. Errors: NO_MEMORY, INVALID. */
MUST_USE Error *downloads_new(Store *store, Str directory, const DownloadOptions *options, Downloads **ret_downloads);
/* Ends what is in flight; unfinished files stay, to be continued by a later run. */
void downloads_free(Downloads *downloads);
DEFINE_FREEP(Downloads, downloads_free)

/* One object and the file it is to become. It and its strings must live from downloads_start until download_publish, download_keep or
 * download_discard. A path that ends in '/', of an object without content, is a directory. */
typedef struct Download {
    Str key;
    Str etag; /* as listed; "": whatever is there now, and its size too */
    uint64_t size_bytes;
    int64_t modified_us; /* becomes the file's time; 0: left alone */
    Str path;            /* below the directory, "a/b.csv" */
    void *user;

    /* results */
    Error *
        error; /* NULL: all of it is in the temporary file, proven. NOT_FOUND, CHANGED (it is another object now), CORRUPT (twice), NO_SPACE,
                             * INVALID (the path cannot be), DENIED, ...; the caller's */
    Checksum proof;         /* CHECKSUM_NONE: by length and ETag alone */
    uint64_t resumed_bytes; /* of it were there from an earlier run */

    struct Download *next; /* the module's, as the next */
    void *state;
} Download;

/* Never blocks for the network. The caller bounds how many it starts; ranges of one object count in flight by themselves. */
void downloads_start(Downloads *downloads, Download *download);
/* Blocks until one has ended; NULL when none is in flight. */
Download *downloads_next(Downloads *downloads);
/* One that has ended already, as some do when they are started; NULL: none. */
Download *downloads_next_ended(Downloads *downloads);
/* What has come, and what was there from an earlier run, of those that were not published, kept or discarded yet: for progress, from any thread. What comes
 * in one small piece does not count. */
typedef struct DownloadsUnderWay {
    uint64_t come_bytes, resumed_bytes;
} DownloadsUnderWay;
DownloadsUnderWay downloads_under_way(const Downloads *downloads);
/* Gives the finished file its name: readers see the old file or the new one. Errors: NO_SPACE, DENIED, INVALID (a directory of that name). */
MUST_USE Error *download_publish(Downloads *downloads, Download *download);
/* The same for many, with one flush of their data and one of each directory: sets the `error` of each. */
void downloads_publish(Downloads *downloads, Download *const *list, size_t count);
/* Lets go of one that failed: what a later run can continue stays. */
void download_keep(Downloads *downloads, Download *download);
/* Removes what there is of it. */
void download_discard(Downloads *downloads, Download *download);

/* Removes .part and .state files in `directory` ("a/b", as in a path of a Download; "": the root; not below it) that are older than `age_us`
 * and that no Download of this object uses; 0 (where a lock keeps other processes away): all of them. One that is not there has none.
 * Not while one is in flight. Errors: INVALID (no directory can have the name), DENIED (also: a link in the way). */
MUST_USE Error *downloads_clean_directory(Downloads *downloads, Str directory, int64_t age_us, uint64_t *ret_removed);
/* The same for the root. */
MUST_USE Error *downloads_clean(Downloads *downloads, int64_t age_us, uint64_t *ret_removed);

#endif
