/* target_list.h - what is at the destination already, for a plan that walks the source in the same order.
 *
 * A thread of its own lists the target and is a few pages ahead; memory is bounded by those pages. One thread asks. */
#ifndef JOBS_COPY_TARGET_LIST_H
#define JOBS_COPY_TARGET_LIST_H

#include "store/store.h"

typedef struct TargetList TargetList;

/* An object of the target; `etag` is valid until the next call. */
typedef struct TargetEntry {
    uint64_t size_bytes;
    int64_t modified_us;
    Str etag;
} TargetEntry;

/* Begins to list all of `store`, which, like `cancel`, must outlive the list. */
MUST_USE Error *target_list_new(Store *store, const Cancel *cancel, TargetList **ret_list);
/* Ends the listing where it is. NULL is allowed. */
void target_list_free(TargetList *list);
DEFINE_FREEP(TargetList, target_list_free)

/* Is `key` there? Keys are asked for in ascending byte order. A target that is no place yet has nothing. Errors: those of the listing. */
MUST_USE Error *target_list_find(TargetList *list, Str key, bool *ret_found, TargetEntry *ret_entry);

#endif
