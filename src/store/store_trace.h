/* store_trace.h - counts what is asked of a store, and tells each call with its outcome and time to a log at LOG_DEBUG. */
#ifndef STORE_STORE_TRACE_H
#define STORE_STORE_TRACE_H

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

typedef struct StoreCalls {
    uint64_t heads, gets, puts, copies, deletes, lists; /* deletes: of keys, also of many together */
    uint64_t others;                                    /* about tags and uploads */
    uint64_t objects_listed;
    uint64_t failed; /* of all, those that ended in an error */
} StoreCalls;

/* Over `inner`, which is borrowed and must outlive it, as must `log` (may be NULL) and `clock` (NULL: the machine's).
 * Errors: NO_MEMORY. */
MUST_USE Error *store_trace_new(Store *inner, Log *log, const Clock *clock, Store **ret_store);

StoreCalls store_trace_calls(const Store *store);

#endif
