/* store_fault.h - a store that goes wrong on purpose, the same way for the same seed. For tests. */
#ifndef STORE_STORE_FAULT_H
#define STORE_STORE_FAULT_H

#include "store/store.h"

/* Rates are from 0 to 1, of calls. A zeroed one does no harm. */
typedef struct StoreFaults {
    uint64_t seed;
    double error_rate;    /* the call fails with `error_code`; a listing does so somewhere in the middle */
    ErrorCode error_code; /* ERR_OK: UNAVAILABLE */
    double delay_rate;
    int64_t delay_max_us;   /* a random time up to this; ends with `cancel` */
    double short_rate;      /* a get gives fewer bytes, and no error */
    double flip_rate;       /* a get has one wrong bit */
    double lost_write_rate; /* a put, copy or delete says it was done, and was not */
    uint64_t fail_call;     /* this call fails, counted from 1 over all kinds; 0: none */
} StoreFaults;

/* Over `inner`, which is borrowed and must outlive it. Errors: NO_MEMORY. */
MUST_USE Error *store_fault_new(Store *inner, const StoreFaults *faults, Store **ret_store);

/* Calls so far: for "fail the n-th call, for n = 1, 2... until none fires". */
uint64_t store_fault_calls(Store *store);

#endif
