/* store.h - whole objects addressed by key, in S3 or in a local directory.
 *
 * A Store may be used by several threads at once. Calls block; `cancel` ends one early. Any call can fail with
 * CANCELLED, TIMEOUT, DENIED or UNAVAILABLE (its retries are already spent); other codes are listed at the function. Keys are
 * bytes, relative to the root that the URL named, and taken literally. To add a backend, read store_backend.h.
 * Sources: Amazon S3 API Reference 2006-03-01; RFC 9110 for byte ranges and entity tags. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/str.h"

typedef struct Store Store;
typedef struct StoreOptions StoreOptions; /* defined in store/options.h */
typedef enum PutMode { PUT_REPLACE, PUT_IF_ABSENT } PutMode;

typedef struct ByteRange {
    uint64_t offset_bytes, length_bytes;
} ByteRange;
#define BYTE_RANGE_ALL ((ByteRange){0, UINT64_MAX})

typedef struct MetadataEntry {
    Str name;  /* lower case, without "x-amz-meta-" */
    Str value; /* UTF-8 */
} MetadataEntry;

typedef struct Metadata {
    const MetadataEntry *entries;
    size_t count;
} Metadata;

typedef struct ObjectInfo {
    Str key; /* relative to the store's root */
    uint64_t size_bytes;
    int64_t modified_us; /* microseconds since the Unix epoch, UTC */
    Str etag;            /* without quotes; opaque: compare, do not parse; it is not always an MD5 */
    Str content_type;    /* "" in listings */
    Metadata metadata;   /* empty in listings */
} ObjectInfo;

/* Opens the store at `url`: "s3://bucket/prefix", "file:///directory" or a bare path. The prefix is put in front of every key as
 * it is, no slash is added; a directory is a root that no key leaves. Sends no request, so a missing bucket shows at the
 * first call. Errors: INVALID (malformed URL), UNSUPPORTED (scheme). */
MUST_USE Error *store_open(Str url, const StoreOptions *options, Store **ret_store);

/* Releases the store. NULL is allowed. No call on it may be in progress. */
void store_free(Store *store);
DEFINE_FREEP(Store, store_free)

/* The root as a URL that a person knows it by, "s3://bucket/prefix" or "file:///directory"; as long as the store. */
Str store_url_view(const Store *store);

/* Describes one object. Strings live in `arena`. Errors: NOT_FOUND. */
MUST_USE Error *store_head(Store *store, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *ret_info);

/* Appends `range` of the object to `body`; a range that passes the end is shortened. `if_etag`, unless empty, must still
 * be the object's ETag. On failure `body` holds what it held before. The transfer is proven by its length and by what
 * checksum there is. Errors: NOT_FOUND, INVALID (starts past the end), CHANGED (ETag), LIMIT (of `body`), CORRUPT. */
MUST_USE Error *store_get(Store *store, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body);

/* The content of a put: `size_bytes` of it, read at any offset and more than once, since a transfer may be repeated. */
typedef struct PutBody {
    uint64_t size_bytes;
    Error *(*read_at)(void *context, uint64_t offset_bytes, uint8_t *out, size_t len);
    void *context;
} PutBody;

typedef struct PutOptions {
    PutMode mode;
    Str content_type; /* "": application/octet-stream */
    Metadata metadata;
} PutOptions;

/* Makes `body` the whole object: readers see the old one or the new one, never a mixture.
 * Errors: EXISTS (PUT_IF_ABSENT, and the object is there; it is left alone), INVALID (a key or metadata that cannot be), NO_SPACE. */
MUST_USE Error *store_put(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options);
/* The same from memory; `options` may be NULL. */
MUST_USE Error *store_put_bytes(Store *store, const Cancel *cancel, Str key, Bytes body, const PutOptions *options);

/* Succeeds also when there is no such object. */
MUST_USE Error *store_delete(Store *store, const Cancel *cancel, Str key);

/* Calls `each` for every key that begins with `prefix` and comes after `start_after` ("": from the first), in ascending
 * byte order, holding one page of the listing in memory. `object` is valid during the call. The first Error from `each` ends
 * the listing and is returned. Objects written meanwhile may or may not appear. Errors: NOT_FOUND (no bucket, no directory). */
typedef Error *StoreListFn(void *context, const ObjectInfo *object);
MUST_USE Error *store_list(Store *store, const Cancel *cancel, Str prefix, Str start_after, StoreListFn *each,
                           void *context);

/* Many small GETs in flight from one thread. The caller owns each StoreFetch until it is submitted and again once it is
 * returned; between, its fields belong to the store. Which of them ends first is not defined. */
typedef struct StoreFetch {
    Str key, if_etag; /* must live until the fetch is returned */
    ByteRange range;
    Buffer body;  /* set its limit; appended to */
    Error *error; /* NULL: done. Errors as store_get; the caller's */
    void *user;
    struct StoreFetch *next; /* the store's */
    void *backend;           /* the store's; NULL before submission and after return */
} StoreFetch;

typedef struct StoreBatch StoreBatch;
/* Bound to `store`, which must outlive it; one thread. */
MUST_USE Error *store_batch_new(Store *store, const Cancel *cancel, StoreBatch **ret_batch);
/* Waits for what is in flight (ending it when `cancel` stops). */
void store_batch_free(StoreBatch *batch);
DEFINE_FREEP(StoreBatch, store_batch_free)
void store_batch_get(StoreBatch *batch, StoreFetch *fetch);
/* Blocks until one has ended; NULL when none is in flight. */
StoreFetch *store_batch_next(StoreBatch *batch);

/* What the store's requests cost so far; since it was opened. */
typedef struct StoreCounters {
    uint64_t requests, retries, bytes_in, bytes_out;
} StoreCounters;
StoreCounters store_counters(const Store *store);

#endif
