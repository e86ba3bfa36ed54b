/* s3_store.h - a bucket, or what begins with a prefix in one, as a store. */
#ifndef STORE_S3_S3_STORE_H
#define STORE_S3_S3_STORE_H

#include "store/options.h"
#include "store/store_url.h"

/* Errors: as s3_config_load (settings and credentials are found now), NO_MEMORY, UNAVAILABLE (no thread). */
MUST_USE Error *s3_store_new(const StoreUrl *url, const StoreOptions *options, Store **ret_store);

#endif
