/* quern/client.h - connections, budgets, objects, your own store.
 *
 * Fields may be added at the end of structs: initialize them by name ({.struct_bytes = sizeof object, .key = ...}), so that -Wextra has nothing
 * to say about those that came later. */
#ifndef QUERN_CLIENT_H
#define QUERN_CLIENT_H

#include <quern/options.h>
#include <quern/run.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct QuernClient QuernClient;
typedef struct QuernCursor QuernCursor;

typedef enum QuernPutMode { QUERN_PUT_REPLACE, QUERN_PUT_IF_ABSENT } QuernPutMode;

typedef struct QuernObject {
    size_t struct_bytes;
    const char *key;
    uint64_t size_bytes;
    int64_t modified_us;              /* microseconds since the Unix epoch, UTC */
    const char *etag;                 /* opaque, no quotes, or "" */
    const char *metadata_json;        /* {"name": "value"}; NULL in listings */
    unsigned stages;                  /* datasets only */
    const char *storage_class;        /* "" is STANDARD, and where there is no such thing */
    const char *version_id;           /* with versions; else "" */
    bool is_prefix;                   /* no object but what several keys begin with, or a bucket */
    bool is_latest, is_delete_marker; /* with versions */
} QuernObject;

/* Options of the sections s3 and run. Sends nothing. One client may be shared by any number of threads and objects: their options of section
 * s3 are then its own, and one that is set for a call besides is INVALID (but an ingester's region: it is in the fingerprint). Where a
 * call takes NULL for it, it makes one of its own from the call's options. */
QUERN_API QuernError *quern_client_new(const QuernOptions *options, QuernClient **ret_client) QUERN_MUST_USE;
QUERN_API void quern_client_free(QuernClient *client);

/* `url`: s3://bucket/prefix, file:///path, a path, scheme://bucket/prefix of an added store. Objects come in ascending byte order of their
 * keys, which are relative to nothing: the whole key in the bucket, the path below the directory; the client's options include and exclude
 * choose among them. Of these options count also: recursive (unless it is false, all keys; else those up to the next slash, and prefixes),
 * versions, any_order (parts of the listing as they come), workers (parts of a bucket that are listed at once). "s3://" alone has the buckets as
 * prefixes. Errors: NOT_FOUND. */
QUERN_API QuernError *quern_client_list(QuernClient *client, const char *url, QuernControl *control,
                                        QuernCursor **ret_cursor) QUERN_MUST_USE;
/* One object, with metadata. Errors: NOT_FOUND. */
QUERN_API QuernError *quern_client_head(QuernClient *client, const char *url, QuernControl *control,
                                        QuernCursor **ret_cursor) QUERN_MUST_USE;
/* `*ret_object` is valid until the next call; NULL: the end. */
QUERN_API QuernError *quern_cursor_next(QuernCursor *cursor, const QuernObject **ret_object) QUERN_MUST_USE;
QUERN_API void quern_cursor_free(QuernCursor *cursor);

/* At most `length_bytes` from `offset_bytes`; with 0 nothing, of an object that is there. Errors: NOT_FOUND, INVALID (starts past the end). */
QUERN_API QuernError *quern_client_get(QuernClient *client, const char *url, uint64_t offset_bytes,
                                       uint64_t length_bytes, QuernControl *control, void **ret_data,
                                       size_t *ret_bytes) QUERN_MUST_USE;
/* Readers see all of it or nothing. `metadata_json` NULL: none. Errors: EXISTS, INVALID (mode). */
QUERN_API QuernError *quern_client_put(QuernClient *client, const char *url, QuernBytes body, const char *metadata_json,
                                       QuernPutMode mode, QuernControl *control) QUERN_MUST_USE;

/* An unfinished multipart upload: its parts are stored, and paid for, until it is completed or aborted. */
typedef struct QuernUpload {
    size_t struct_bytes;
    const char *key; /* the whole key in the bucket */
    const char *upload_id;
    int64_t started_us;         /* microseconds since the Unix epoch, UTC */
    const char *storage_class;  /* or "" */
    uint64_t parts, size_bytes; /* what has arrived of it */
} QuernUpload;
typedef struct QuernUploads QuernUploads;

/* The unfinished uploads below `url`, by key; of `options` counts `older` ("24h"): only those that began at least so long ago. A directory has
 * none. Errors: NOT_FOUND (the bucket). */
QUERN_API QuernError *quern_client_list_uploads(QuernClient *client, const char *url, const QuernOptions *options,
                                                QuernControl *control, QuernUploads **ret_uploads) QUERN_MUST_USE;
/* Asks what has arrived of the next one, and passes over those that ended meanwhile, which the log is told of at the end. `*ret_upload` is valid until the next call; NULL: the
 * end. */
QUERN_API QuernError *quern_uploads_next(QuernUploads *uploads, const QuernUpload **ret_upload) QUERN_MUST_USE;
QUERN_API void quern_uploads_free(QuernUploads *uploads);
/* `url`: of the object. Succeeds also when there is no such upload any more. */
QUERN_API QuernError *quern_client_abort_upload(QuernClient *client, const char *url, const char *upload_id,
                                                QuernControl *control) QUERN_MUST_USE;

/* Another service (authorise, then add): list gives all metadata by key, no content; get a payload. Called by several threads at once, some
 * with a stack of 256 KiB; only list and get must be there. */
typedef QuernError *QuernObjectFn(void *to, const QuernObject *object);
typedef QuernError *QuernPieceFn(void *to, QuernBytes piece);
typedef QuernError *QuernReadFn(void *from, void *buffer, size_t size_bytes, size_t *ret_bytes /* 0: end */);
typedef struct QuernStore {
    size_t struct_bytes;
    void *user;
    QuernError *(*list)(void *user, const char *bucket, const char *prefix, QuernControl *control, QuernObjectFn *each,
                        void *to);
    QuernError *(*head)(void *user, const char *bucket, const char *key, QuernControl *control, QuernObjectFn *found,
                        void *to);
    QuernError *(*get)(void *user, const char *bucket, const char *key, uint64_t offset_bytes, uint64_t length_bytes,
                       const char *if_etag, QuernControl *control, QuernPieceFn *piece, void *to);
    QuernError *(*put)(void *user, const char *bucket, const char *key, const char *metadata_json, QuernPutMode mode,
                       uint64_t size_bytes, QuernControl *control, QuernReadFn *read, void *from);
    QuernError *(*remove)(void *user, const char *bucket, const char *key, QuernControl *control);
    void (*release)(void *user); /* after the last use */
} QuernStore;
/* Copied. Errors: EXISTS (a scheme that is known), INVALID. */
QUERN_API QuernError *quern_client_add_store(QuernClient *client, const char *scheme,
                                             const QuernStore *store) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
