/* manifest_remote.h - the manifest object among the objects: what it names is what is meant.
 *
 * {"entries": [{"url": "s3://bucket/prefix/name", "meta": {"content_length": 14}}]}, as Redshift's UNLOAD and the original's exporter
 * write it. Read whole, so that its checksum proves it, in the one version that was listed. Source: spec/mleko.md 8, 10. */
#ifndef JOBS_FETCH_MANIFEST_REMOTE_H
#define JOBS_FETCH_MANIFEST_REMOTE_H

#include "store/store.h"

typedef struct RemoteEntry {
    Str url; /* during the call */
    bool has_length;
    uint64_t content_length;
} RemoteEntry;

typedef Error *RemoteEntryFn(void *context, const RemoteEntry *entry);

/* Calls `each` for every entry that has a url. Errors: CORRUPT ("Expecting value: line 1 column 1 (char 0)"; no object; a url that is no text),
 * LIMIT (of 256 MiB, and of the walk); those of store_get and of `each`. */
MUST_USE Error *manifest_remote_read(Store *store, const Cancel *cancel, const ObjectInfo *object, RemoteEntryFn *each,
                                     void *context);

#endif
