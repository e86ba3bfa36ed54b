/* manifest_local.h - "<id>.manifest.json", the list of the files of the last successful fetch, as the original reads and writes it.
 *
 * An entry is a name, a size, and a hash that is null or what a stricter freshness check keeps there: no other field may ever be
 * added, or the original sees an empty list. Read and written piece by piece. Source: spec/mleko.md 6. */
#ifndef JOBS_FETCH_MANIFEST_LOCAL_H
#define JOBS_FETCH_MANIFEST_LOCAL_H

#include "base/buffer.h"

typedef struct LocalEntry {
    Str name;
    uint64_t size_bytes;
    Str hash;      /* "" without one */
    bool has_hash; /* false: null, absent, or no text */
} LocalEntry;

typedef Error *LocalEntryFn(void *context, const LocalEntry *entry);

/* Calls `each` for every entry of the file, once the whole of it is known to be well formed; strings live during the call. A file that is not
 * there has none. Errors: CORRUPT with the original's reason ("Expecting value: line 1 column 1 (char 0)"), LIMIT; those of the file
 * system; those of `each`. */
MUST_USE Error *manifest_local_read(const char *path, LocalEntryFn *each, void *context);

/* Whether an entry's name is one that a fetch may have written: no ".." and no empty part, and no "/" unless `nested`. */
bool manifest_local_name_is_safe(Str name, bool nested);

/* Gives entry after entry, in the manifest's order; false: there are no more. Started anew for each use. */
typedef struct LocalEntries {
    bool (*next)(void *context, size_t index, LocalEntry *ret_entry);
    void *context;
} LocalEntries;

/* Is the file, byte for byte, what manifest_local_write would make of `entries`? False also when it is not there. */
MUST_USE Error *manifest_local_is(const char *path, const LocalEntries *entries, bool *ret_is);
/* Replaces the file: readers see the old one or the new one, and it is on disk before its name is. */
MUST_USE Error *manifest_local_write(const char *path, const LocalEntries *entries);

#endif
