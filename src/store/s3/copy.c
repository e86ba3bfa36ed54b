#include "store/s3/copy.h"

#include <stdio.h>

#include "base/time_text.h"
#include "store/s3/copy_parts.h"
#include "store/s3/head.h"
#include "store/s3/put_headers.h"
#include "store/s3/request.h"
#include "store/s3/s3_store.h"
#include "store/s3/tags.h"
#include "store/s3/uri.h"

#define COPY_MAX_BYTES ((uint64_t)5 * GIB)
#define COPY_ARENA_BYTES ((size_t)1 * MIB)
enum { COPY_HEADERS_MAX = 6 + S3_CUSTOMER_HEADERS };

/* A 200 can come before the copy is done, and the document minutes later. */
static const S3Operation copy_object = {.name = "CopyObject",
                                        .method = HTTP_PUT,
                                        .answer = S3_ANSWER_XML,
                                        .customer_key = true,
                                        .copies = true,
                                        .low_speed_time_s = 600};

typedef struct Copy {
    Store *store;
    S3Client *client, *from_client;
    const Cancel *cancel;
    Str key, from_key;
    const CopyOptions *options;
    Arena *arena;
    ObjectInfo from;
    Str source;        /* for x-amz-copy-source: path and version */
    Str source_etag;   /* with quotes; "": it has none that can be compared */
    PutOptions target; /* what the new object is to have */
    bool in_place;     /* the object is its own source */
} Copy;

/* ---- the source ---- */

MUST_USE static Error *check_service(const Copy *c)
{
    const S3Endpoint *a = &c->client->endpoint, *b = &c->from_client->endpoint;
    if (a->tls == b->tls && str_equal(a->host, b->host) && str_equal(a->path, b->path))
        return NULL;
    return FAIL(UNSUPPORTED, "the source 's3://" STR_FMT "' is at another endpoint: get it and put it",
                STR_ARG(c->from_client->bucket));
}

MUST_USE static Error *read_source(Copy *c)
{
    Str wanted = c->options->if_from_etag;
    if (c->options->from_info)
        c->from = *c->options->from_info;
    else
        TRY(s3_head_version(c->from_client, c->cancel, c->from_key, c->options->from_version, c->arena, &c->from));
    if (wanted.len > 0 && !str_equal(wanted, c->from.etag))
        return FAIL(CHANGED,
                    "the source is not the one that was expected: its ETag is \"" STR_FMT "\", not \"" STR_FMT "\"",
                    STR_ARG(c->from.etag), STR_ARG(wanted));
    if (c->from.etag.len == 0)
        return NULL;
    char *quoted = arena_format(c->arena, "\"" STR_FMT "\"", STR_ARG(c->from.etag));
    c->source_etag = str_of(quoted);
    return quoted ? NULL : arena_error(c->arena);
}

/* "/bucket/key?versionId=..."; the version that was looked at, where there are versions. */
MUST_USE static Error *name_source(Copy *c)
{
    CLEANUP(buffer_done) Buffer source = {0};
    Str version = c->from.version_id.len > 0 ? c->from.version_id : c->options->from_version;
    TRY(buffer_append_byte(&source, '/'));
    TRY(uri_append_path(&source, c->from_client->bucket));
    TRY(buffer_append_byte(&source, '/'));
    TRY(uri_append_path(&source, c->from_client->prefix));
    TRY(uri_append_path(&source, c->from_key));
    if (version.len > 0)
        TRY(buffer_append_byte(&source, '?'));
    TRY(s3_append_version(&source, version));
    c->source = arena_str(c->arena, buffer_str(&source));
    return c->source.data ? NULL : arena_error(c->arena);
}

static bool is_same_object(const Copy *c)
{
    Str a = c->client->prefix, b = c->from_client->prefix;
    size_t a_len = a.len + c->key.len, common = MIN(a.len, b.len);
    if (!str_equal(c->client->bucket, c->from_client->bucket) || a_len != b.len + c->from_key.len)
        return false;
    /* prefix and key together are compared, wherever the prefix ends */
    Str short_prefix = a.len < b.len ? a : b, long_prefix = a.len < b.len ? b : a;
    Str long_key = a.len < b.len ? c->key : c->from_key, short_key = a.len < b.len ? c->from_key : c->key;
    return str_equal(short_prefix, str_slice(long_prefix, 0, common))
           && str_equal(str_slice(long_prefix, common, long_prefix.len),
                        str_slice(long_key, 0, long_prefix.len - common))
           && str_equal(str_slice(long_key, long_prefix.len - common, long_key.len), short_key);
}

/* ---- what the new object is to have ---- */

/* A time that has passed cannot be set again, and locks nothing. */
static void drop_expired_lock(const Copy *c, ObjectHeaders *headers)
{
    int64_t until_us;
    if (headers->lock_until.len == 0 || !time_parse_iso8601(headers->lock_until, &until_us)
        || until_us > clock_wall_us(c->client->clock))
        return;
    headers->lock_mode = headers->lock_until = STR_EMPTY;
}

static bool needs_parts(const Copy *c)
{
    uint64_t size = c->from.size_bytes, from = c->options->multipart_from_bytes;
    return size > COPY_MAX_BYTES || (from > 0 && size >= from && size > 0);
}

/* Where there are no parts, one call has to do. */
static bool use_parts(const Copy *c)
{
    const S3Quirks *quirks = &c->client->quirks;
    return needs_parts(c) && !s3_quirks_have(quirks, S3_NO_COPY_PARTS) && !s3_quirks_have(quirks, S3_NO_MULTIPART);
}

MUST_USE static Error *set_tags(Copy *c)
{
    if (c->options->replace_tags)
        return s3_tags_normalise(c->options->tags, c->arena, &c->target.tags);
    if (c->from.tag_count == 0 || !use_parts(c))
        return NULL; /* there are none, or the server takes them along */
    return s3_get_tags_of(c->from_client, c->cancel, c->from_key, c->from.version_id, c->arena, &c->target.tags);
}

MUST_USE static Error *set_target(Copy *c)
{
    bool replace = c->options->replace;
    if (c->from.metadata_missing > 0 && (replace || use_parts(c)))
        return FAIL(
            INVALID,
            "the object has %u metadata entries that the server cannot show (x-amz-missing-meta): a %s would lose "
            "them",
            c->from.metadata_missing, replace ? "rewrite" : "copy in parts");
    c->target = (PutOptions){
        .mode = c->options->mode,
        .if_etag = c->options->if_etag,
        .headers = replace ? c->options->headers : c->from.headers,
        .metadata = replace ? c->options->metadata : c->from.metadata,
        .meter = c->options->meter,
    };
    drop_expired_lock(c, &c->target.headers);
    return set_tags(c);
}

/* ---- is it there already? ---- */

/* Values come back without white space at their ends. */
static bool metadata_equal(Metadata a, Metadata b)
{
    if (a.count != b.count)
        return false;
    for (size_t i = 0; i < a.count; i++) {
        const Str *value = metadata_find_view(b, a.entries[i].name);
        if (!value || !str_equal(str_trim(*value), str_trim(a.entries[i].value)))
            return false;
    }
    return true;
}

/* "" stands for what the server or the store's options choose: whatever it has is right. */
static bool chosen_equal(Str wanted, Str fallback, Str has)
{
    Str value = wanted.len > 0 ? wanted : fallback;
    return value.len == 0 || str_equal(value, has);
}

static Str storage_class_of(Str text)
{
    return text.len > 0 ? text : STR("STANDARD");
}

static bool headers_equal(const Copy *c, const ObjectHeaders *has)
{
    const ObjectHeaders *wanted = &c->target.headers, *created = &c->client->common.created;
    Str class = wanted->storage_class.len > 0 ? wanted->storage_class : created->storage_class;
    return chosen_equal(wanted->content_type, STR("application/octet-stream"), has->content_type)
           && str_equal(wanted->cache_control, has->cache_control)
           && str_equal(wanted->content_disposition, has->content_disposition)
           && str_equal(wanted->content_encoding, has->content_encoding)
           && str_equal(wanted->content_language, has->content_language) && str_equal(wanted->expires, has->expires)
           && str_equal(wanted->website_redirect, has->website_redirect)
           && str_equal(storage_class_of(class), storage_class_of(has->storage_class))
           && chosen_equal(wanted->encryption, created->encryption, has->encryption)
           && chosen_equal(wanted->encryption_key_id, created->encryption_key_id, has->encryption_key_id)
           && str_equal(wanted->lock_mode, has->lock_mode) && str_equal(wanted->lock_legal_hold, has->lock_legal_hold);
}

/* ETags that are equal prove equal content; ETags that differ prove nothing. */
static bool content_equal(const Copy *c, const ObjectInfo *has)
{
    bool checksum = c->from.checksum.kind != CHECKSUM_NONE && checksum_equal(&c->from.checksum, &has->checksum);
    return has->size_bytes == c->from.size_bytes
           && (checksum || (c->from.etag.len > 0 && str_equal(c->from.etag, has->etag)));
}

static bool is_done(const Copy *c, const ObjectInfo *has)
{
    return content_equal(c, has) && metadata_equal(c->target.metadata, has->metadata)
           && headers_equal(c, &has->headers);
}

/* In place: INVALID where nothing was asked for; `*ret_done` where it is as it should be, so that a second run costs one request. */
MUST_USE static Error *check_in_place(const Copy *c, bool *ret_done)
{
    const CopyOptions *options = c->options;
    bool another_version = options->from_version.len > 0;
    *ret_done = false;
    if (!c->in_place || another_version)
        return NULL;
    if (!options->replace && !options->replace_tags)
        return FAIL(INVALID, "a copy onto itself changes nothing: give new headers, metadata or tags");
    *ret_done = options->replace && !options->replace_tags && is_done(c, &c->from);
    return NULL;
}

/* ---- one call ---- */

/* The server takes over content type and user metadata itself, and better than we could. */
static void drop_copied_headers(SignedHeader *headers, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        bool copied =
            !str_starts_with(headers[i].name, STR("x-amz-")) || str_starts_with(headers[i].name, STR("x-amz-meta-"));
        if (!copied)
            headers[kept++] = headers[i];
    }
    *count = kept;
}

static bool is_provider(const Copy *c, const char *name)
{
    return strcmp(s3_quirks_provider(&c->client->quirks)->name, name) == 0;
}

/* The target's options say how its sources are encrypted; where they do not, the source's own store knows. */
static const S3CustomerKey *source_key(const Copy *c)
{
    const S3Common *own = &c->client->common, *from = &c->from_client->common;
    return !own->customer_source.set && from->customer.set ? &from->customer_source : NULL;
}

MUST_USE static Error *describe(const Copy *c, S3Request *request)
{
    const S3CustomerKey *key = source_key(c);
    SignedHeader *headers;
    size_t count;
    TRY(s3_put_headers(c->client, &c->target, COPY_HEADERS_MAX, c->arena, &headers, &count));
    if (!c->options->replace)
        drop_copied_headers(headers, &count);
    headers[count++] = (SignedHeader){STR("x-amz-copy-source"), c->source};
    if (c->source_etag.len > 0)
        headers[count++] = (SignedHeader){STR("x-amz-copy-source-if-match"), c->source_etag};
    headers[count++] =
        (SignedHeader){STR("x-amz-metadata-directive"), c->options->replace ? STR("REPLACE") : STR("COPY")};
    for (size_t i = 0; key && i < S3_CUSTOMER_HEADERS; i++)
        headers[count++] = key->headers[i];
    if (c->options->replace_tags)
        headers[count++] = (SignedHeader){STR("x-amz-tagging-directive"), STR("REPLACE")};
    size_t before = count;
    s3_put_condition(&c->target, headers, &count);
    if (count > before && is_provider(c, "r2"))
        headers[before].name = STR("cf-copy-destination-if-none-match");
    request->headers = headers;
    request->header_count = count;
    request->if_etag = c->target.mode == PUT_IF_UNCHANGED ? c->target.if_etag : STR_EMPTY;
    return NULL;
}

/* A 412 is about the source or about the target, and after a lost answer about what we made ourselves: what is there now tells. */
MUST_USE static Error *settle(const Copy *c, const S3Request *request, Error *take_error)
{
    ObjectInfo now;
    if (request->exchange.response.status != 412 || c->target.mode == PUT_REPLACE)
        return take_error;
    Error *err = s3_head_version(c->client, c->cancel, c->key, STR_EMPTY, c->arena, &now);
    if (err) {
        error_free(err); /* nothing there, or no way to look: it was about the source */
        return take_error;
    }
    if (request->exchange.sendings > 1 && is_done(c, &now)) {
        error_free(take_error);
        return NULL;
    }
    if (c->target.mode == PUT_IF_UNCHANGED)
        return take_error;
    error_free(take_error); /* its words are about conditions in general */
    return FAIL(EXISTS, "write '" STR_FMT "': it is there already", STR_ARG(c->key));
}

/* Conditions on a copy's target are AWS's alone as yet, and other servers pass over them in silence: there they are looked at first, which
 * leaves a moment in between. */
MUST_USE static Error *check_target(const Copy *c)
{
    ObjectInfo now;
    if (c->target.mode == PUT_REPLACE || c->options->target_is_known || is_provider(c, "aws"))
        return NULL;
    Error *err = s3_head_version(c->client, c->cancel, c->key, STR_EMPTY, c->arena, &now);
    bool missing = error_code(err) == ERR_NOT_FOUND;
    if (err && !missing)
        return err;
    error_free(err);
    if (c->target.mode == PUT_IF_ABSENT)
        return missing ? NULL : FAIL(EXISTS, "write '" STR_FMT "': it is there already", STR_ARG(c->key));
    if (missing)
        return FAIL(CHANGED, "write '" STR_FMT "': the object that was to be replaced is gone", STR_ARG(c->key));
    return str_equal(now.etag, c->target.if_etag)
               ? NULL
               : FAIL(CHANGED,
                      "write '" STR_FMT "': what is there is not what was to be replaced: its ETag is \"" STR_FMT "\"",
                      STR_ARG(c->key), STR_ARG(now.etag));
}

/* Two checksums of one kind, both of the whole: they must be equal. */
MUST_USE static Error *check_answer(const Copy *c, Str document)
{
    S3CopyAnswer answer;
    char wanted[CHECKSUM_TEXT_MAX_BYTES + 8], got[CHECKSUM_TEXT_MAX_BYTES + 8];
    TRY(s3_copy_answer(document, STR("CopyObjectResult"), c->arena, &answer));
    if (c->options->ret_etag)
        TRY(buffer_append_str(c->options->ret_etag, answer.etag));
    bool comparable = answer.checksum.kind != CHECKSUM_NONE && answer.checksum.kind == c->from.checksum.kind
                      && answer.checksum.parts == 0 && c->from.checksum.parts == 0;
    if (!comparable || checksum_equal(&answer.checksum, &c->from.checksum))
        return NULL;
    checksum_text(&c->from.checksum, wanted);
    checksum_text(&answer.checksum, got);
    return FAIL(CORRUPT, "the server made another object than the source: its %s is %s, not %s",
                checksum_name(answer.checksum.kind), got, wanted);
}

MUST_USE static Error *copy_whole(const Copy *c)
{
    CLEANUP(s3_request_done) S3Request request = {.client = c->client, .operation = &copy_object, .key = c->key};
    if (c->from.size_bytes > COPY_MAX_BYTES && !s3_quirks_have(&c->client->quirks, S3_COPY_ANY_SIZE))
        return FAIL(UNSUPPORTED,
                    "a server of the kind '%s' copies at most 5 GiB, and these are %llu bytes: get and put it",
                    s3_quirks_provider(&c->client->quirks)->name, (unsigned long long)c->from.size_bytes);
    TRY(check_target(c));
    TRY(describe(c, &request));
    Error *err = s3_request_run(&request, c->cancel);
    if (err)
        return settle(c, &request, err);
    return check_answer(c, buffer_str(&request.answer));
}

/* ---- the whole ---- */

MUST_USE static Error *copy_in_parts(const Copy *c)
{
    S3PartsCopy parts = {
        .store = c->store,
        .key = c->key,
        .source = c->source,
        .source_etag = c->source_etag,
        .source_key = source_key(c),
        .size_bytes = c->from.size_bytes,
        .checksum = c->from.checksum,
        .target = &c->target,
        .part_bytes = c->options->part_bytes,
        .parts_max = c->options->parts_max,
    };
    return s3_copy_parts(&parts, c->cancel);
}

MUST_USE static Error *run(Copy *c)
{
    bool done;
    TRY(check_service(c));
    TRY(read_source(c));
    TRY(name_source(c));
    TRY(set_target(c));
    TRY(check_in_place(c, &done));
    if (done)
        return NULL;
    return use_parts(c) ? copy_in_parts(c) : copy_whole(c);
}

static void copy_done(Copy *c)
{
    arena_free(c->arena);
}

Error *s3_copy(Store *store, const Cancel *cancel, Str key, Store *from, Str from_key, const CopyOptions *options)
{
    if (from->ops != store->ops)
        return FAIL(UNSUPPORTED, "copy '" STR_FMT "' from '%s': that is another kind of place: get it and put it",
                    STR_ARG(from_key), from->url);
    CLEANUP(copy_done)
    Copy c = {.store = store,
              .client = s3_client_of(store),
              .from_client = s3_client_of(from),
              .cancel = cancel,
              .key = key,
              .from_key = from_key,
              .options = options,
              .arena = arena_new(COPY_ARENA_BYTES)};
    if (!c.arena)
        return FAIL(NO_MEMORY, "copy '" STR_FMT "': out of memory", STR_ARG(from_key));
    c.in_place = is_same_object(&c);
    TRY_CTX(run(&c), "copy '" STR_FMT "' to '" STR_FMT "'", STR_ARG(from_key), STR_ARG(key));
    return NULL;
}
