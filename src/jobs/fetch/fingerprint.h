/* fingerprint.h - the name of a dataset that was given none. Source: spec/mleko.md 4. */
#ifndef JOBS_FETCH_FINGERPRINT_H
#define JOBS_FETCH_FINGERPRINT_H

#include "base/buffer.h"

typedef struct FingerprintOf {
    Str bucket, prefix, region;
} FingerprintOf;

enum { FINGERPRINT_BYTES = 33 };

/* Lower-case hex MD5 of the three in a row, and a NUL: ("a", "bc") and ("ab", "c") are the same dataset, as in the original. */
MUST_USE Error *fingerprint(const FingerprintOf *of, char out[FINGERPRINT_BYTES]);

#endif
