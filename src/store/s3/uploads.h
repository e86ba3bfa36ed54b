/* uploads.h - unfinished multipart uploads: found, measured, aborted. Source: spec/s3.md 3.7. */
#ifndef STORE_S3_UPLOADS_H
#define STORE_S3_UPLOADS_H

#include "store/store.h"

/* As the functions of store.h. */
MUST_USE Error *s3_list_uploads(Store *store, const Cancel *cancel, Str prefix, StoreUploadFn *each, void *context);
MUST_USE Error *s3_abort_upload(Store *store, const Cancel *cancel, Str key, Str upload_id);
MUST_USE Error *s3_upload_parts(Store *store, const Cancel *cancel, Str key, Str upload_id, UploadParts *ret_parts);

/* The same for one's own upload on the way out: not ended by a cancel, and bounded: two attempts of 5 s. */
MUST_USE Error *s3_abort_own_upload(Store *store, Str key, Str upload_id);

#endif
