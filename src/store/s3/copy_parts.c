#include "store/s3/copy_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/s3/head.h"
#include "store/s3/multipart.h"
#include "store/s3/put_headers.h"
#include "store/s3/request.h"
#include "store/s3/s3_store.h"
#include "store/s3/uploads.h"
#include "store/s3/uri.h"
#include "store/s3/xml.h"
#include "store/s3/xml_write.h"

/* Copies are the server's work: large parts, and many of them. */
#define PART_BYTES ((uint64_t)512 * MIB)
#define ARENA_BYTES (16 * MIB)
#define COMPLETE_BODY_MAX_BYTES (4 * MIB)
enum {
    PARTS_IN_FLIGHT = 16,
    PARTS_IN_FLIGHT_MAX = 64,
    RANGE_TEXT_BYTES = 64,
    PART_HEADERS = 3,
    CHECKSUM_HEADERS = 2,
    COMPLETE_HEADERS_MAX = 2 + CHECKSUM_HEADERS,
    ANSWER_SECONDS = 600 /* without a byte: the server may copy for minutes */
};

static const S3Operation create_upload = {
    .name = "CreateMultipartUpload", .method = HTTP_POST, .answer = S3_ANSWER_XML, .customer_key = true};
static const S3Operation upload_part_copy = {.name = "UploadPartCopy",
                                             .method = HTTP_PUT,
                                             .answer = S3_ANSWER_XML,
                                             .customer_key = true,
                                             .copies = true,
                                             .low_speed_time_s = ANSWER_SECONDS};
static const S3Operation complete_upload = {.name = "CompleteMultipartUpload",
                                            .method = HTTP_POST,
                                            .answer = S3_ANSWER_XML,
                                            .customer_key = true,
                                            .low_speed_time_s = ANSWER_SECONDS};

/* A request for a part, used again for the next one. */
typedef struct Slot {
    S3Request request;
    SignedHeader headers[PART_HEADERS];
    Buffer query;
    char range[RANGE_TEXT_BYTES];
    unsigned part; /* from 0 */
} Slot;

typedef struct PartsCopy {
    const S3PartsCopy *copy;
    S3Client *client;
    const Cancel *cancel;
    Arena *arena;
    uint64_t part_bytes;
    unsigned part_count, next_part;
    Str *etags;          /* of the parts that are done */
    Checksum *checksums; /* the same, as the server told; CHECKSUM_NONE: it did not */
    Str made_etag;       /* of the new object, as the server told; "": it did not */
    Str id;              /* "": there is no upload */
    SignedHeader checksum_headers
        [CHECKSUM_HEADERS]; /* of the source's checksum, for the whole; none when it is not a CRC of the whole */
    size_t checksum_header_count;
    char checksum_text[CHECKSUM_TEXT_MAX_BYTES + 8];
    Slot *slots;
    Slot **idle;
    unsigned slot_count, idle_count;
    Cancel stop; /* of the parts: raised by the first that fails */
    HttpCompletions completions;
} PartsCopy;

static void parts_copy_done(PartsCopy *c)
{
    for (unsigned i = 0; i < c->slot_count; i++) {
        s3_request_done(&c->slots[i].request);
        buffer_done(&c->slots[i].query);
    }
    free(c->slots);
    free(c->idle);
    http_completions_done(&c->completions);
    arena_free(c->arena);
}

MUST_USE static Error *make_slots(PartsCopy *c)
{
    unsigned wanted = c->copy->parts_max > 0 ? c->copy->parts_max : PARTS_IN_FLIGHT;
    unsigned count = MIN(MIN(wanted, (unsigned)PARTS_IN_FLIGHT_MAX), c->part_count);
    c->slots = calloc(count, sizeof(*c->slots));
    c->idle = calloc(count, sizeof(Slot *));
    if (!c->slots || !c->idle)
        return FAIL(NO_MEMORY, "out of memory");
    c->slot_count = c->idle_count = count;
    for (unsigned i = 0; i < count; i++) {
        c->slots[i].request = (S3Request){.client = c->client, .operation = &upload_part_copy, .key = c->copy->key};
        c->idle[i] = &c->slots[i];
    }
    return NULL;
}

/* The server then compares what it put together with what the source was: a proof that costs no transfer. */
MUST_USE static Error *set_checksum(PartsCopy *c)
{
    const Checksum *checksum = &c->copy->checksum;
    const S3Quirks *quirks = &c->client->quirks;
    if (!checksum_is_crc(checksum->kind) || checksum->parts > 0 || s3_quirks_have(quirks, S3_NO_CRC64)
        || s3_quirks_have(quirks, S3_PART_COPY_CHECKSUM))
        return NULL;
    checksum_text(checksum, c->checksum_text);
    char *name = arena_format(c->arena, "x-amz-checksum-%s", checksum_name(checksum->kind));
    if (!name)
        return arena_error(c->arena);
    for (char *at = name; *at; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
    c->checksum_headers[c->checksum_header_count++] = (SignedHeader){str_of(name), str_of(c->checksum_text)};
    c->checksum_headers[c->checksum_header_count++] = (SignedHeader){STR("x-amz-checksum-type"), STR("FULL_OBJECT")};
    return NULL;
}

MUST_USE static Error *init(PartsCopy *c)
{
    uint64_t wanted = c->copy->part_bytes > 0 ? c->copy->part_bytes : PART_BYTES;
    c->arena = arena_new(ARENA_BYTES);
    if (!c->arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(s3_part_bytes(s3_quirks_provider(&c->client->quirks), c->copy->size_bytes, wanted, &c->part_bytes));
    c->part_count = (unsigned)((c->copy->size_bytes - 1) / c->part_bytes + 1);
    c->etags = ARENA_ARRAY(c->arena, Str, c->part_count);
    c->checksums = ARENA_ARRAY(c->arena, Checksum, c->part_count);
    if (!c->etags || !c->checksums)
        return arena_error(c->arena);
    TRY(set_checksum(c));
    return make_slots(c);
}

/* ---- create ---- */

MUST_USE static Error *create(PartsCopy *c)
{
    CLEANUP(s3_request_done)
    S3Request request = {
        .client = c->client, .operation = &create_upload, .key = c->copy->key, .query = STR("uploads=")};
    XmlField id = {.name = STR("UploadId")};
    SignedHeader *headers;
    size_t count;

    TRY(s3_put_headers(c->client, c->copy->target, CHECKSUM_HEADERS, c->arena, &headers, &count));
    if (c->checksum_header_count > 0) {
        headers[count++] =
            (SignedHeader){STR("x-amz-checksum-algorithm"), str_of(checksum_name(c->copy->checksum.kind))};
        headers[count++] = c->checksum_headers[1];
    }
    request.headers = headers;
    request.header_count = count;
    TRY(s3_request_run(&request, c->cancel));
    TRY(xml_read_fields(buffer_str(&request.answer), STR("InitiateMultipartUploadResult"), c->arena, &id, 1));
    c->id = id.text;
    return c->id.len > 0 ? NULL : FAIL(CORRUPT, "the server began an upload without an id");
}

/* ---- parts ---- */

static void part_headers(const PartsCopy *c, Slot *slot)
{
    uint64_t from = (uint64_t)slot->part * c->part_bytes, len = MIN(c->part_bytes, c->copy->size_bytes - from);
    int text = snprintf(slot->range, sizeof(slot->range), "bytes=%llu-%llu", (unsigned long long)from,
                        (unsigned long long)(from + len - 1));
    size_t count = 0;
    slot->headers[count++] = (SignedHeader){STR("x-amz-copy-source"), c->copy->source};
    slot->headers[count++] = (SignedHeader){STR("x-amz-copy-source-range"), str_from(slot->range, (size_t)text)};
    if (c->copy->source_etag.len > 0)
        slot->headers[count++] = (SignedHeader){STR("x-amz-copy-source-if-match"), c->copy->source_etag};
    slot->request.headers = slot->headers;
    slot->request.header_count = count;
}

MUST_USE static Error *start_part(PartsCopy *c)
{
    Slot *slot = c->idle[c->idle_count - 1];
    S3Request *request = &slot->request;

    slot->part = c->next_part;
    part_headers(c, slot);
    buffer_clear(&slot->query);
    TRY(buffer_append_format(&slot->query, "partNumber=%u&uploadId=", slot->part + 1));
    TRY(uri_append_query(&slot->query, c->id));
    request->query = buffer_str(&slot->query);
    request->user = slot;
    TRY(s3_request_begin(request, &c->stop));
    c->idle_count--;
    c->next_part++;
    http_submit(c->client->http, &c->completions, &request->exchange);
    return NULL;
}

MUST_USE static Error *keep_part(PartsCopy *c, const Slot *slot)
{
    S3CopyAnswer answer;
    TRY(s3_copy_answer(buffer_str(&slot->request.answer), STR("CopyPartResult"), c->arena, &answer));
    c->etags[slot->part] = answer.etag;
    c->checksums[slot->part] = answer.checksum;
    return NULL;
}

MUST_USE static Error *finish_part(PartsCopy *c, HttpExchange *exchange)
{
    S3Request *request = exchange->context;
    Slot *slot = request->user;
    Error *err = exchange->error;
    exchange->error = NULL;
    err = s3_request_end(request, err);
    if (!err)
        err = keep_part(c, slot);
    c->idle[c->idle_count++] = slot;
    return err ? error_wrap(err, "part %u of %u", slot->part + 1, c->part_count) : NULL;
}

/* The first failure ends the others, and is the one that is told. */
static void fail(PartsCopy *c, Error **err, Error *take_error)
{
    if (!take_error)
        return;
    cancel_raise(&c->stop, CANCEL_STOP);
    if (*err)
        error_free(take_error);
    else
        *err = take_error;
}

MUST_USE static Error *copy_all_parts(PartsCopy *c)
{
    Error *err = NULL;
    for (;;) {
        while (!err && c->next_part < c->part_count && c->idle_count > 0)
            fail(c, &err, start_part(c));
        HttpExchange *exchange = http_next_completed(&c->completions);
        if (!exchange)
            return err;
        fail(c, &err, finish_part(c, exchange));
    }
}

/* ---- complete ---- */

/* An upload that was begun with a checksum wants those of its parts; AWS does not, where the whole has its own. */
MUST_USE static Error *write_part_checksum(const PartsCopy *c, const Checksum *checksum, Buffer *xml)
{
    char text[CHECKSUM_TEXT_MAX_BYTES + 8];
    const char *name = checksum_name(checksum->kind);
    if (c->checksum_header_count == 0 || checksum->kind != c->copy->checksum.kind)
        return NULL;
    checksum_text(checksum, text);
    return buffer_append_format(xml, "<Checksum%s>%s</Checksum%s>", name, text, name);
}

MUST_USE static Error *write_manifest(const PartsCopy *c, Buffer *xml)
{
    TRY(buffer_append_str(xml, STR("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">")));
    for (unsigned i = 0; i < c->part_count; i++) {
        TRY(buffer_append_format(xml, "<Part><PartNumber>%u</PartNumber><ETag>&quot;", i + 1));
        TRY(xml_append_text(xml, c->etags[i]));
        TRY(buffer_append_str(xml, STR("&quot;</ETag>")));
        TRY(write_part_checksum(c, &c->checksums[i], xml));
        TRY(buffer_append_str(xml, STR("</Part>")));
    }
    return buffer_append_str(xml, STR("</CompleteMultipartUpload>"));
}

/* Room for COMPLETE_HEADERS_MAX. */
static size_t complete_headers(const PartsCopy *c, const char *size, SignedHeader *headers)
{
    size_t count = 0;
    s3_put_condition(c->copy->target, headers, &count);
    for (size_t i = 0; i < c->checksum_header_count; i++)
        headers[count++] = c->checksum_headers[i];
    headers[count++] = (SignedHeader){STR("x-amz-mp-object-size"), str_of(size)};
    return count;
}

/* An upload that is gone, or a condition that is not met the second time, can mean that an earlier attempt succeeded: what is there now
 * tells, by size and the ETag that such parts make, or by checksum. */
MUST_USE static Error *settle(PartsCopy *c, const S3Request *request, Error *take_error)
{
    char etag[S3_MULTIPART_ETAG_MAX] = "";
    ObjectInfo info;
    if (request->exchange.attempts < 2 || error_code(take_error) == ERR_CANCELLED)
        return take_error;
    if (!s3_multipart_etag(c->etags, c->part_count, etag))
        etag[0] = '\0';
    Error *err = s3_head(c->copy->store, c->cancel, c->copy->key, c->arena, &info);
    if (err) {
        error_free(err); /* whoever cannot look leaves the failure as it is */
        return take_error;
    }
    bool same_checksum = c->checksum_header_count > 0 && checksum_equal(&info.checksum, &c->copy->checksum);
    bool ours = info.size_bytes == c->copy->size_bytes && (same_checksum || str_equal(info.etag, str_of(etag)));
    if (!ours)
        return take_error;
    error_free(take_error); /* the object is there */
    return NULL;
}

MUST_USE static Error *complete(PartsCopy *c)
{
    CLEANUP(s3_request_done)
    S3Request request = {.client = c->client, .operation = &complete_upload, .key = c->copy->key};
    CLEANUP(buffer_done) Buffer xml = {.limit = COMPLETE_BODY_MAX_BYTES}, query = {0};
    SignedHeader headers[COMPLETE_HEADERS_MAX];
    uint8_t digest[SHA256_BYTES];
    char size[24], hash[SHA256_HEX_BYTES + 1];

    TRY(buffer_append_str(&query, STR("uploadId=")));
    TRY(uri_append_query(&query, c->id));
    TRY(write_manifest(c, &xml));
    sha256(buffer_bytes(&xml), digest);
    hex_encode(digest, sizeof(digest), hash);
    snprintf(size, sizeof(size), "%llu", (unsigned long long)c->copy->size_bytes);
    request.headers = headers;
    request.header_count = complete_headers(c, size, headers);
    request.optional_count = 1;
    request.optional_quirk = S3_NO_OBJECT_SIZE;
    request.if_etag = c->copy->target->mode == PUT_IF_UNCHANGED ? c->copy->target->if_etag : STR_EMPTY;
    request.refused_code = c->copy->target->mode == PUT_IF_ABSENT ? ERR_EXISTS : ERR_CHANGED;
    request.query = buffer_str(&query);
    request.payload_hash = str_of(hash);
    request.exchange.upload = (HttpUpload){.size_bytes = xml.len, .data = xml.data};
    Error *err = s3_request_run(&request, c->cancel);
    if (err)
        return settle(c, &request, err);
    S3CopyAnswer answer;
    TRY(s3_copy_answer(buffer_str(&request.answer), STR("CompleteMultipartUploadResult"), c->arena, &answer));
    c->made_etag = answer.etag;
    return NULL;
}

/* Where the server proves nothing itself: the size, and a checksum if there is one of each. */
MUST_USE static Error *check_result(const PartsCopy *c)
{
    ObjectInfo info;
    const Checksum *wanted = &c->copy->checksum;
    Error *err = s3_head(c->copy->store, c->cancel, c->copy->key, c->arena, &info);
    if (error_code(err) == ERR_DENIED) {
        error_free(err); /* who may write and not read has to believe */
        return NULL;
    }
    TRY(err);
    if (!str_equal(info.etag, c->made_etag))
        return NULL; /* somebody has put another in its place already */
    bool comparable = wanted->kind > CHECKSUM_MD5 && wanted->kind == info.checksum.kind && wanted->parts == 0
                      && info.checksum.parts == 0;
    if (info.size_bytes == c->copy->size_bytes && (!comparable || checksum_equal(wanted, &info.checksum)))
        return NULL;
    return FAIL(CORRUPT,
                "the server made another object of the parts than the source: %llu bytes of %llu, or another checksum",
                (unsigned long long)info.size_bytes, (unsigned long long)c->copy->size_bytes);
}

/* ---- the whole ---- */

MUST_USE static Error *run(PartsCopy *c)
{
    TRY(init(c));
    TRY(create(c));
    TRY(copy_all_parts(c));
    TRY(cancel_check(c->cancel));
    return complete(c);
}

/* Told here, because nobody else knows of it any more. */
static void clean_up(const PartsCopy *c)
{
    Error *err = c->id.len > 0 ? s3_abort_own_upload(c->copy->store, c->copy->key, c->id) : NULL;
    if (!err)
        return;
    atomic_fetch_add(&c->client->stray_uploads, 1);
    log_warning(c->client->log,
                "an unfinished upload of '" STR_FMT
                "' remains and costs money until it is aborted (`quern uploads abort`, upload " STR_FMT "): %s",
                STR_ARG(c->copy->key), STR_ARG(c->id), error_message_view(err));
    error_free(err); /* the failure that led here is the one to return */
}

Error *s3_copy_parts(const S3PartsCopy *copy, const Cancel *cancel)
{
    CLEANUP(parts_copy_done)
    PartsCopy c = {.copy = copy, .client = s3_client_of(copy->store), .cancel = cancel, .stop.parent = cancel};
    http_completions_init(&c.completions);
    Error *err = run(&c);
    if (err)
        clean_up(&c);
    return err || c.checksum_header_count > 0 ? err : check_result(&c);
}

Error *s3_copy_answer(Str document, Str root, Arena *arena, S3CopyAnswer *ret_answer)
{
    static const struct {
        Str element;
        ChecksumKind kind;
    } rows[] = {
        {{"ChecksumSHA256", 14}, CHECKSUM_SHA256},       {{"ChecksumSHA1", 12}, CHECKSUM_SHA1},
        {{"ChecksumCRC64NVME", 17}, CHECKSUM_CRC64NVME}, {{"ChecksumCRC32C", 14}, CHECKSUM_CRC32C},
        {{"ChecksumCRC32", 13}, CHECKSUM_CRC32},
    };
    XmlField fields[ARRAY_COUNT(rows) + 1] = {{.name = STR("ETag")}};
    S3CopyAnswer answer = {0};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        fields[i + 1].name = rows[i].element;
    TRY(xml_read_fields(document, root, arena, fields, ARRAY_COUNT(fields)));
    answer.etag = s3_etag_without_quotes(fields[0].text);
    if (answer.etag.len == 0)
        return FAIL(CORRUPT, "the answer says nothing of the copy's ETag");
    for (size_t i = 0; i < ARRAY_COUNT(rows) && answer.checksum.kind == CHECKSUM_NONE; i++) {
        if (fields[i + 1].text.len > 0 && !checksum_parse(rows[i].kind, fields[i + 1].text, &answer.checksum))
            answer.checksum = (Checksum){0};
    }
    *ret_answer = answer;
    return NULL;
}
