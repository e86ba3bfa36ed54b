/* copy.h - an object copied by the server: in one call, or in parts where it is large.
 *
 * The source is looked at first. What a copy would lose is sent with it, and its version and ETag are made conditions, so that what was
 * read and what is copied belong together. ETags are never compared across a copy: they may differ for the same content.
 * Source: spec/s3.md 3.5, 3.6, 3.7, 5.1. */
#ifndef STORE_S3_COPY_H
#define STORE_S3_COPY_H

#include "store/store.h"

/* As store_copy; both stores are S3's. */
MUST_USE Error *s3_copy(Store *store, const Cancel *cancel, Str key, Store *from, Str from_key,
                        const CopyOptions *options);

#endif
