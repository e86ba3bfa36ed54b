/* put.h - an object written by one request. Source: spec/s3.md 3.3, 3.4, 5.1. */
#ifndef STORE_S3_PUT_H
#define STORE_S3_PUT_H

#include "store/store.h"

/* As store_put. */
MUST_USE Error *s3_put(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options);

#endif
