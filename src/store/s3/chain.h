/* chain.h - where credentials are looked for, in which order. Source: spec/s3.md 2.3. */
#ifndef STORE_S3_CHAIN_H
#define STORE_S3_CHAIN_H

#include "store/s3/search.h"

/* The first source that is configured gives them, or the error: nothing behind it is tried then. It may wait for programs and
 * services. Files are read anew each time. `options` is what the store was told, not anonymous. Errors: DENIED (there are none, with all
 * that was looked at; a refusal), INVALID (a setting or file that cannot be), UNSUPPORTED, UNAVAILABLE, TIMEOUT, CORRUPT (an answer),
 * CANCELLED. */
MUST_USE Error *s3_chain_find(const StoreOptions *options, S3Remote *remote, const Cancel *cancel,
                              S3Credentials **ret_credentials);

#endif
