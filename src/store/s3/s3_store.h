/* s3_store.h - a bucket, or what begins with a prefix in one, as a store. */
#ifndef STORE_S3_S3_STORE_H
#define STORE_S3_S3_STORE_H

#include "store/s3/client.h"
#include "store/store_backend.h"
#include "store/store_url.h"

/* What the files of this folder that fill the table know of it. */
typedef struct S3Store {
    Store base;
    S3Client client;
} S3Store;

static inline S3Client *s3_client_of(Store *store)
{
    return &((S3Store *)store)->client;
}

/* Errors: as s3_config_load (settings and credentials are found now), NO_MEMORY, UNAVAILABLE (no thread). */
MUST_USE Error *s3_store_new(const StoreUrl *url, const StoreOptions *options, Store **ret_store);

#endif
