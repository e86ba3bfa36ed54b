/* old_versions.h - what rewriting objects in place leaves behind in a bucket that keeps versions: each object a second time, with all its bytes, as its
 * old version. Source: spec/s3.md 3.6. */
#ifndef JOBS_OLD_VERSIONS_H
#define JOBS_OLD_VERSIONS_H

#include <stdatomic.h>

#include "base/log.h"
#include "store/store.h"

/* Zeroed. Any thread adds. */
typedef struct OldVersions {
    struct {
        _Atomic uint64_t objects, bytes;
    } kept, unnamed; /* those without a version's name were there before the bucket kept any */
} OldVersions;

/* An object that is rewritten, or would be, as store_head has shown it. */
void old_versions_note(OldVersions *old, const ObjectInfo *object);

/* When the run is over: one warning where old versions stay, or would. The bucket is asked only where the objects do not tell, and where it does not
 * tell nothing is said. */
void old_versions_say(const OldVersions *old, Store *store, const Cancel *cancel, Log *log, bool dry_run);

#endif
