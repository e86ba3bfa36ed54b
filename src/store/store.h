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
#include "store/checksum.h"

typedef struct Store Store;
typedef struct StoreOptions StoreOptions; /* defined in store/options.h */
typedef enum PutMode {
    PUT_REPLACE,
    PUT_IF_ABSENT,
    PUT_IF_UNCHANGED /* the ETag is still PutOptions.if_etag */
} PutMode;

typedef struct ByteRange {
    uint64_t offset_bytes, length_bytes;
} ByteRange;
#define BYTE_RANGE_ALL ((ByteRange){0, UINT64_MAX})

typedef struct MetadataEntry {
    Str name;  /* lower case, without "x-amz-meta-" */
    Str value; /* UTF-8 */
    Str raw; /* as a service wrote the value, where a header can carry that again; "": it is ours, and encoded when it is sent */
} MetadataEntry;

typedef struct Metadata {
    const MetadataEntry *entries;
    size_t count;
} Metadata;

/* The value of an entry, whatever the case of its name; NULL: there is none. As long as the entries. */
const Str *metadata_find_view(Metadata metadata, Str name);

/* What goes with an object beside content and user metadata, as S3's headers have it; "" is absent. A directory keeps the first six. */
typedef struct ObjectHeaders {
    Str content_type; /* put: "" means application/octet-stream */
    Str cache_control, content_disposition, content_encoding, content_language, expires;
    Str website_redirect;
    Str storage_class; /* "" is STANDARD */
    Str encryption,
        encryption_key_id; /* "AES256", "aws:kms", "aws:kms:dsse"; put "": what the bucket or the options say */
    Str bucket_key;        /* "true": encryption by bucket key */
    Str lock_mode, lock_until, lock_legal_hold; /* object lock */
} ObjectHeaders;

typedef struct ObjectInfo {
    Str key; /* relative to the store's root */
    uint64_t size_bytes;
    int64_t modified_us;              /* microseconds since the Unix epoch, UTC */
    Str etag;                         /* without quotes; opaque: compare, do not parse; it is not always an MD5 */
    Str version_id;                   /* "" where versions are not kept, and in listings that did not ask for them */
    bool is_prefix;                   /* listings with a delimiter: not an object but what several keys begin with */
    bool is_latest, is_delete_marker; /* listings of versions */
    ObjectHeaders headers;            /* in listings only storage_class */
    Metadata metadata;                /* empty in listings */
    Checksum checksum;              /* the strongest that is known, of parts only where there is no other; head only */
    unsigned metadata_missing;      /* entries that the server has and cannot show: a rewrite would lose them */
    unsigned tag_count, part_count; /* head only; part_count 0: not known */
    Str restore, archive_status;    /* head only: x-amz-restore, x-amz-archive-status */
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
/* Several threads may read it at once; but for a directory and a caller's own store, which read it once, from its beginning to its end, by the thread that puts. */
typedef struct PutBody {
    uint64_t size_bytes;
    Error *(*read_at)(void *context, uint64_t offset_bytes, uint8_t *out, size_t len);
    void *context;
} PutBody;

/* Told of what has been stored of a large object, part by part; parts that have to come again are told again. By the thread that puts or copies. */
typedef struct StoreMeter {
    void (*moved)(void *context, uint64_t bytes); /* NULL: nobody is told */
    void *context;
} StoreMeter;

typedef struct PutOptions {
    PutMode mode;
    Str if_etag; /* PUT_IF_UNCHANGED */
    ObjectHeaders headers;
    Metadata metadata;
    bool
        hints_only; /* headers and metadata are good to have: a directory whose file system has no attributes does without */
    Str tags;       /* "name=value&name=value", URL-encoded */
    uint64_t multipart_from_bytes, part_bytes; /* S3; 0: 16 MiB, and parts of 8 MiB or what 10,000 parts need */
    unsigned parts_max;                        /* in flight at once; 0: 4 */
    StoreMeter meter;                          /* S3 */
} PutOptions;

/* Makes `body` the whole object: readers see the old one or the new one, never a mixture. Large bodies go to S3 as a multipart
 * upload, which is aborted on every way out but success. A body that changes while it is read fails as CHANGED where its reader says so.
 * Errors: EXISTS (PUT_IF_ABSENT, and the object is there; it is left alone), CHANGED (PUT_IF_UNCHANGED), INVALID (a key, headers or metadata
 * that cannot be), NO_SPACE. */
MUST_USE Error *store_put(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options);
/* The same from memory; `options` may be NULL. */
MUST_USE Error *store_put_bytes(Store *store, const Cancel *cancel, Str key, Bytes body, const PutOptions *options);
/* Would a put be refused for its key, headers, metadata or tags alone? Asks nobody; for who says what would be done. A copy that replaces is
 * judged in the same way. Errors: INVALID, UNSUPPORTED (tags of a file). */
MUST_USE Error *store_check_put(Store *store, Str key, const PutOptions *options);

/* Succeeds also when there is no such object. */
MUST_USE Error *store_delete(Store *store, const Cancel *cancel, Str key);

/* Calls `each` for every key that begins with `prefix` and comes after `start_after` ("": from the first), in ascending
 * byte order, holding one page of the listing in memory. `object` is valid during the call. The first Error from `each` ends
 * the listing and is returned. Objects written meanwhile may or may not appear. Errors: NOT_FOUND (no bucket, no directory). */
typedef Error *StoreListFn(void *context, const ObjectInfo *object);
MUST_USE Error *store_list(Store *store, const Cancel *cancel, Str prefix, Str start_after, StoreListFn *each,
                           void *context);

typedef struct ListOptions {
    Str prefix, start_after; /* as store_list */
    /* Keys that hold it behind the prefix are shown once, as `is_prefix`, cut behind it; "": every key. Directories of a directory are
     * such, empty ones too. A `start_after` that is such a cut passes over all that begins with it. */
    Str delimiter;
    bool versions; /* every version and delete marker, newest first for each key; not with a delimiter or parallel */
    unsigned parallel; /* S3: parts of the key space listed at once; 0 and 1: page after page */
    bool any_order;    /* with parallel: as they come; else ascending, what comes early is kept within `memory_bytes` */
    uint64_t memory_bytes; /* 0: 64 MiB */
} ListOptions;

/* store_list with a choice. `each` is called by one thread at a time, not always the same. Errors: as store_list; UNSUPPORTED (versions). */
MUST_USE Error *store_list_with(Store *store, const Cancel *cancel, const ListOptions *options, StoreListFn *each,
                                void *context);

/* Calls `each` for every bucket of "s3://", as the prefix "name/", with the time it was made. Errors: DENIED, UNSUPPORTED. */
MUST_USE Error *store_list_buckets(const StoreOptions *options, const Cancel *cancel, StoreListFn *each, void *context);

/* ---- without moving the content through this machine ---- */

typedef struct CopyOptions {
    Str from_version; /* "": the latest */
    Str if_from_etag; /* the source must still be this; "": anything. Used for every part too */
    /* What store_head said of this source just now; NULL: it is asked again. What a listing says is enough for one call that replaces
     * nothing: then encryption, redirect and lock of the source are not known, and are the server's choice. S3 */
    const ObjectInfo *from_info;
    PutMode mode;         /* of the target */
    Str if_etag;          /* PUT_IF_UNCHANGED */
    bool target_is_known; /* the target was looked at just now: not again where the server passes over `mode` */
    Buffer *ret_etag;     /* NULL, or gets the new object's ETag where the answer says it. S3, copies of one call */
    bool
        replace; /* headers and metadata are those given here; else those of the source, all of them, also where the server would lose some */
    ObjectHeaders headers;
    Metadata metadata;
    bool replace_tags; /* tags are `tags`; else those of the source */
    Str tags;
    uint64_t multipart_from_bytes; /* 0: 5 GiB, what one call can copy */
    uint64_t part_bytes;           /* 0: 512 MiB */
    unsigned parts_max;            /* in flight at once; 0: 16 */
    StoreMeter meter;              /* S3 */
} CopyOptions;

/* Copies an object within one service, asked with the credentials of `store`: `from` may be `store` itself, and the object itself, to rewrite its metadata in place. `options`
 * may be NULL. What a server would drop (storage class, encryption, redirect, lock; tags and metadata of large objects) is read first and sent again.
 * Errors: NOT_FOUND, CHANGED (if_from_etag, if_etag), EXISTS, UNSUPPORTED (stores of different services: get and put instead), INVALID (nothing
 * would change; metadata that the server cannot show and would lose). */
MUST_USE Error *store_copy(Store *store, const Cancel *cancel, Str key, Store *from, Str from_key,
                           const CopyOptions *options);

/* Deletes many keys; `each` is told how every one ended, in no particular order, and owns the Error. The first Error it returns ends the
 * call. Objects that are not there count as deleted. */
typedef Error *StoreDeletedFn(void *context, Str key, Error *take_error);
MUST_USE Error *store_delete_many(Store *store, const Cancel *cancel, const Str *keys, size_t count,
                                  StoreDeletedFn *each, void *context);

/* Tags as "name=value&name=value", URL-encoded, sorted by name, in `arena`; put replaces the whole set. Errors: NOT_FOUND, UNSUPPORTED. */
MUST_USE Error *store_get_tags(Store *store, const Cancel *cancel, Str key, Arena *arena, Str *ret_tags);
MUST_USE Error *store_put_tags(Store *store, const Cancel *cancel, Str key, Str tags);

/* What a bucket may be set up for. The first three are what its objects may carry that the service's own copy does not take along. */
typedef enum BucketFeature {
    BUCKET_WEBSITE, /* objects may redirect */
    BUCKET_LOCK,    /* objects may be locked */
    BUCKET_KMS,     /* objects are encrypted with a key of KMS unless they are written otherwise */
    BUCKET_VERSIONS /* what is replaced or deleted stays, as an older version */
} BucketFeature;

/* Asks the bucket. None has what its server does not implement. Errors: DENIED (that too is a right of its own), UNSUPPORTED (a directory, or a server
 * that answers something else). */
MUST_USE Error *store_bucket_has(Store *store, const Cancel *cancel, BucketFeature feature, bool *ret_has);

/* ---- unfinished multipart uploads: they cost money until they are aborted ---- */

typedef struct UploadInfo {
    Str key, upload_id;
    int64_t started_us;
    Str storage_class;
} UploadInfo;

/* What has arrived of one. */
typedef struct UploadParts {
    uint64_t count, size_bytes;
} UploadParts;

/* Calls `each` for every unfinished upload below `prefix`, by key. A store without such things has none. */
typedef Error *StoreUploadFn(void *context, const UploadInfo *upload);
MUST_USE Error *store_list_uploads(Store *store, const Cancel *cancel, Str prefix, StoreUploadFn *each, void *context);
/* Errors: NOT_FOUND (the upload). */
MUST_USE Error *store_upload_parts(Store *store, const Cancel *cancel, Str key, Str upload_id, UploadParts *ret_parts);
/* Succeeds also when there is no such upload any more. */
MUST_USE Error *store_abort_upload(Store *store, const Cancel *cancel, Str key, Str upload_id);

/* Many small GETs in flight from one thread. The caller owns each StoreFetch until it is submitted and again once it is
 * returned; between, its fields belong to the store. Which of them ends first is not defined. */
/* Where a body goes piece by piece, in place of a Buffer: straight from the transfer's own memory. Called on a network thread: local files
 * and memory only, no waiting for others. An Error ends the get and is its error. */
typedef struct StoreSink {
    /* The pieces that follow begin at `offset_bytes` of what this get delivers: 0 at first and after a restart (forget what came), more where
     * a cut transfer goes on. `info`: what the answer says of the object (size of the whole, UINT64_MAX when it does not tell; ETag, time,
     * version, type, and for a whole object its checksum), valid during the call. */
    Error *(*begin)(void *context, uint64_t offset_bytes, const ObjectInfo *info);
    Error *(*write)(void *context, Bytes piece);
    void *context;
} StoreSink;

typedef struct StoreFetch {
    Str key, if_etag, version_id; /* must live until the fetch is returned; "": any, the latest */
    ByteRange range;
    bool describe; /* what store_head says, without user metadata, to sink.begin on the collecting thread; no content */
    bool fresh;    /* over a new connection */
    StoreSink sink;    /* when `sink.begin` is set; else ... */
    Buffer body;       /* ... this: set its limit; appended to */
    Error *error;      /* NULL: done. Errors as store_get; the caller's */
    Checksum checksum; /* what the content was proven by, beside its length; CHECKSUM_NONE: nothing */
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
    uint64_t stray_uploads;  /* unfinished ones that could not be aborted */
    unsigned limit;          /* S3: requests at the same time just now, and ... */
    const char *limit_cause; /* ... why not more: "none", "cap", "network", "cpu", "throttled"; NULL: nobody counts */
} StoreCounters;
StoreCounters store_counters(const Store *store);

#endif
