#include "store/s3/multipart.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/s3/proof.h"
#include "store/s3/put.h"
#include "store/s3/put_headers.h"
#include "store/s3/s3_store.h"
#include "store/s3/uploads.h"
#include "store/s3/uri.h"
#include "store/s3/xml.h"
#include "store/s3/xml_write.h"

#define PART_BYTES ((uint64_t)8 * MIB)
#define PART_MAX_BYTES ((uint64_t)5 * GIB)
#define ARENA_BYTES (16 * MIB)
enum {
    PARTS_IN_FLIGHT = 4,
    PARTS_IN_FLIGHT_MAX = 256,
    RESTARTS_MAX = 3,
    CREATE_HEADERS_MAX = 2,
    COMPLETE_HEADERS_MAX = 4
};

static const S3Operation create_upload = {
    .name = "CreateMultipartUpload", .method = HTTP_POST, .answer = S3_ANSWER_XML, .customer_key = true};
static const S3Operation upload_part = {.name = "UploadPart", .method = HTTP_PUT, .customer_key = true};
/* Minutes may pass before the document that follows the 200. */
static const S3Operation complete_upload = {.name = "CompleteMultipartUpload",
                                            .method = HTTP_POST,
                                            .answer = S3_ANSWER_XML,
                                            .customer_key = true,
                                            .conflict_is_final = true,
                                            .low_speed_time_s = 600};

/* ---- sizes ---- */

Error *s3_part_bytes(const S3Provider *provider, uint64_t size_bytes, uint64_t wanted_bytes, uint64_t *ret_part_bytes)
{
    uint64_t part = wanted_bytes > 0 ? wanted_bytes : PART_BYTES;
    uint64_t needed = size_bytes / provider->parts_max + (size_bytes % provider->parts_max > 0);

    if (size_bytes > provider->object_max_bytes)
        return FAIL(LIMIT, "%llu bytes are more than an object may have (%llu)", (unsigned long long)size_bytes,
                    (unsigned long long)provider->object_max_bytes);
    part = MIN(MAX(MAX(part, needed), provider->part_min_bytes), PART_MAX_BYTES);
    *ret_part_bytes = part;
    return NULL;
}

static bool is_md5_etag(Str etag)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    for (size_t i = 0; i < etag.len; i++) {
        if (!strchr(digits, etag.data[i]) || etag.data[i] == '\0')
            return false;
    }
    return etag.len == 2 * MD5_BYTES;
}

static uint8_t hex_value(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

bool s3_multipart_etag(const Str *part_etags, unsigned count, char out[S3_MULTIPART_ETAG_MAX])
{
    uint8_t digest[MD5_BYTES];
    char hex[2 * MD5_BYTES + 1];
    MD5_CTX state;

    MD5_Init(&state);
    for (unsigned i = 0; i < count; i++) {
        if (!is_md5_etag(part_etags[i]))
            return false;
        for (size_t k = 0; k < MD5_BYTES; k++)
            digest[k] = (uint8_t)(hex_value(part_etags[i].data[2 * k]) << 4 | hex_value(part_etags[i].data[2 * k + 1]));
        MD5_Update(&state, digest, sizeof(digest));
    }
    MD5_Final(digest, &state);
    hex_encode(digest, sizeof(digest), hex);
    snprintf(out, S3_MULTIPART_ETAG_MAX, "%s-%u", hex, count);
    return true;
}

/* ---- an upload ---- */

/* A request for a part, used again for the next one. */
typedef struct Slot {
    S3Request request;
    S3Proof proof;
    Buffer query;
    unsigned part; /* from 0 */
} Slot;

typedef struct Upload {
    Store *store;
    S3Client *client;
    const Cancel *cancel;
    Str key;
    const PutBody *body;
    const PutOptions *options;
    Arena *arena;
    uint64_t part_bytes;
    unsigned part_count, next_part;
    Str *etags;     /* of the parts that are done, without quotes */
    Checksum *crcs; /* CRC64NVME */
    Str id;         /* "": there is none */
    bool
        with_crc; /* it was begun with a checksum, and must go on like that whatever is learnt of the server meanwhile */
    Slot *slots;
    Slot **idle;
    unsigned slot_count, idle_count;
    Cancel stop; /* of the parts: raised by the first that fails */
    HttpCompletions completions;
} Upload;

static void upload_done(Upload *u)
{
    for (unsigned i = 0; i < u->slot_count; i++) {
        s3_request_done(&u->slots[i].request);
        buffer_done(&u->slots[i].query);
    }
    free(u->slots);
    free(u->idle);
    http_completions_done(&u->completions);
    arena_free(u->arena);
}

MUST_USE static Error *make_slots(Upload *u)
{
    unsigned wanted = u->options->parts_max > 0 ? u->options->parts_max : PARTS_IN_FLIGHT;
    unsigned count = MIN(MIN(wanted, (unsigned)PARTS_IN_FLIGHT_MAX), u->part_count);
    u->slots = calloc(count, sizeof(*u->slots));
    u->idle = calloc(count, sizeof(Slot *));
    if (!u->slots || !u->idle)
        return FAIL(NO_MEMORY, "out of memory");
    u->slot_count = u->idle_count = count;
    for (unsigned i = 0; i < count; i++) {
        u->slots[i].request = (S3Request){.client = u->client, .operation = &upload_part, .key = u->key};
        u->idle[i] = &u->slots[i];
    }
    return NULL;
}

MUST_USE static Error *upload_init(Upload *u)
{
    http_completions_init(&u->completions);
    u->stop.parent = u->cancel;
    u->arena = arena_new(ARENA_BYTES);
    if (!u->arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(s3_part_bytes(s3_quirks_provider(&u->client->quirks), u->body->size_bytes, u->options->part_bytes,
                      &u->part_bytes));
    u->part_count = (unsigned)((u->body->size_bytes - 1) / u->part_bytes + 1);
    u->etags = ARENA_ARRAY(u->arena, Str, u->part_count);
    u->crcs = ARENA_ARRAY(u->arena, Checksum, u->part_count);
    if (!u->etags || !u->crcs)
        return arena_error(u->arena);
    return make_slots(u);
}

/* ---- create ---- */

MUST_USE static Error *read_element(Str document, Str root, Str wanted, Arena *arena, Str *ret_text)
{
    Xml xml;
    Str name;
    xml_init(&xml, document);
    TRY(xml_root(&xml, &name));
    if (!str_equal(name, root))
        return FAIL(CORRUPT, "the answer is '" STR_FMT "' and not " STR_FMT, STR_ARG(name), STR_ARG(root));
    *ret_text = STR_EMPTY;
    for (;;) {
        TRY(xml_child(&xml, &name));
        if (name.len == 0)
            return NULL;
        if (!str_equal(name, wanted)) {
            TRY(xml_skip(&xml));
            continue;
        }
        Str text;
        TRY(xml_text(&xml, arena, &text));
        *ret_text = arena_str(arena, str_trim(text));
        if (!ret_text->data)
            return arena_error(arena);
    }
}

MUST_USE static Error *create(Upload *u)
{
    CLEANUP(s3_request_done)
    S3Request request = {.client = u->client, .operation = &create_upload, .key = u->key, .query = STR("uploads=")};
    SignedHeader *headers;
    size_t count;

    TRY_CTX(s3_put_headers(u->client, u->options, CREATE_HEADERS_MAX, u->arena, &headers, &count),
            "write '" STR_FMT "'", STR_ARG(u->key));
    request.headers = headers;
    u->with_crc = s3_proof_has_crc(u->client);
    if (u->with_crc) {
        headers[count++] = (SignedHeader){STR("x-amz-checksum-algorithm"), STR("CRC64NVME")};
        headers[count++] = (SignedHeader){STR("x-amz-checksum-type"), STR("FULL_OBJECT")};
        request.optional_count = CREATE_HEADERS_MAX;
        request.optional_quirk = S3_NO_CRC64;
    }
    request.header_count = count;
    TRY(s3_request_run(&request, u->cancel));
    u->with_crc =
        u->with_crc && !(atomic_load(&u->client->quirks.learnt) & S3_NO_CRC64); /* refused, and begun without */
    TRY(read_element(buffer_str(&request.answer), STR("InitiateMultipartUploadResult"), STR("UploadId"), u->arena,
                     &u->id));
    return u->id.len > 0 ? NULL
                         : FAIL(CORRUPT, "'" STR_FMT "': the server began an upload without an id", STR_ARG(u->key));
}

/* ---- parts ---- */

MUST_USE static Error *part_query(const Upload *u, Slot *slot)
{
    buffer_clear(&slot->query);
    TRY(buffer_append_format(&slot->query, "partNumber=%u&uploadId=", slot->part + 1));
    return uri_append_query(&slot->query, u->id);
}

/* Computes the part's digests, while the parts before it are on the wire, and hands it over. */
MUST_USE static Error *start_part(Upload *u)
{
    Slot *slot = u->idle[u->idle_count - 1];
    S3Request *request = &slot->request;
    uint64_t from = (uint64_t)u->next_part * u->part_bytes;

    slot->part = u->next_part;
    TRY(part_query(u, slot));
    TRY(s3_proof_make(&slot->proof, u->client, &u->stop, u->body, from,
                      MIN(u->part_bytes, u->body->size_bytes - from)));
    request->query = buffer_str(&slot->query);
    request->headers = slot->proof.headers;
    request->header_count = u->with_crc || slot->proof.unsigned_payload ? slot->proof.header_count : 0;
    if (!slot->proof.unsigned_payload) {
        request->optional_count = request->header_count;
        request->optional_quirk = S3_NO_CRC64;
    }
    s3_proof_apply(&slot->proof, request);
    TRY(s3_request_begin(request, &u->stop));
    request->exchange.cancel = &u->stop;
    request->user = slot;
    u->idle_count--;
    u->next_part++;
    http_submit(u->client->http, &u->completions, &request->exchange);
    return NULL;
}

MUST_USE static Error *keep_part(Upload *u, Slot *slot)
{
    Str etag = s3_etag_without_quotes(slot->request.exchange.response.header[HTTP_ETAG]);
    if (etag.len == 0)
        return FAIL(CORRUPT, "'" STR_FMT "': part %u has no ETag (request " STR_FMT ")", STR_ARG(u->key),
                    slot->part + 1, STR_ARG(slot->request.exchange.response.header[HTTP_REQUEST_ID]));
    u->etags[slot->part] = arena_str(u->arena, etag);
    u->crcs[slot->part] = slot->proof.crc;
    return u->etags[slot->part].data ? NULL : arena_error(u->arena);
}

MUST_USE static Error *finish_part(Upload *u, HttpExchange *exchange)
{
    S3Request *request = exchange->context;
    Slot *slot = request->user;
    Error *err = exchange->error;
    exchange->error = NULL;
    err = s3_proof_judge(&slot->proof, request, s3_request_end(request, err));
    if (!err)
        err = keep_part(u, slot);
    u->idle[u->idle_count++] = slot;
    return err ? error_wrap(err, "part %u of %u", slot->part + 1, u->part_count) : NULL;
}

/* The first failure ends the others, and is the one that is told. */
static void fail(Upload *u, Error **err, Error *take_error)
{
    if (!take_error)
        return;
    cancel_raise(&u->stop, CANCEL_STOP);
    if (*err)
        error_free(take_error);
    else
        *err = take_error;
}

MUST_USE static Error *send_parts(Upload *u)
{
    Error *err = NULL;
    for (;;) {
        while (!err && u->next_part < u->part_count && u->idle_count > 0)
            fail(u, &err, start_part(u));
        HttpExchange *exchange = http_next_completed(&u->completions);
        if (!exchange)
            return err;
        fail(u, &err, finish_part(u, exchange));
    }
}

/* ---- complete ---- */

MUST_USE static Error *write_manifest(const Upload *u, bool with_crc, Buffer *xml)
{
    TRY(buffer_append_str(xml, STR("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">")));
    for (unsigned i = 0; i < u->part_count; i++) {
        char text[CHECKSUM_TEXT_MAX_BYTES + 8];
        TRY(buffer_append_format(xml, "<Part><PartNumber>%u</PartNumber><ETag>&quot;", i + 1));
        TRY(xml_append_text(xml, u->etags[i]));
        TRY(buffer_append_str(xml, STR("&quot;</ETag>")));
        checksum_text(&u->crcs[i], text);
        if (with_crc)
            TRY(buffer_append_format(xml, "<ChecksumCRC64NVME>%s</ChecksumCRC64NVME>", text));
        TRY(buffer_append_str(xml, STR("</Part>")));
    }
    return buffer_append_str(xml, STR("</CompleteMultipartUpload>"));
}

static Checksum whole_crc(const Upload *u)
{
    Checksum whole = u->crcs[0];
    for (unsigned i = 1; i < u->part_count; i++) {
        uint64_t bytes = i + 1 < u->part_count ? u->part_bytes : u->body->size_bytes - (uint64_t)i * u->part_bytes;
        whole = checksum_combine(&whole, &u->crcs[i], bytes);
    }
    return whole;
}

/* The document that completes, and how often it was sent: libcurl repeats a request itself when a connection that it used again was dead. */
typedef struct Manifest {
    Bytes bytes;
    unsigned times_begun; /* the network thread's while the request runs */
} Manifest;

static Error *send_manifest(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    Manifest *manifest = context;
    manifest->times_begun += offset_bytes == 0;
    memcpy(out, manifest->bytes.data + offset_bytes, len);
    return NULL;
}

/* An upload that is gone, an answer that never came, a condition that is not met the second time: all of them can mean that an
 * earlier sending succeeded. What is there now tells. */
MUST_USE static Error *settle(Upload *u, const S3Request *request, const Manifest *manifest, const Checksum *whole,
                              Error *take_error)
{
    bool doubtful = request->exchange.attempts > 1 || manifest->times_begun > 1
                    || request->exchange.response.status == 0 || strcmp(request->refusal, "NoSuchUpload") == 0;
    char etag[S3_MULTIPART_ETAG_MAX] = "";
    bool ours = false;

    if (!doubtful || error_code(take_error) == ERR_CANCELLED)
        return take_error;
    if (!s3_multipart_etag(u->etags, u->part_count, etag))
        etag[0] = '\0';
    Error *err = s3_put_was_ours(u->store, u->cancel, u->key, u->body->size_bytes, whole, str_of(etag), &ours);
    bool failed = err != NULL;
    error_free(err); /* whoever cannot look leaves the failure as it is */
    if (failed || !ours)
        return take_error;
    log_info(u->client->log, "'" STR_FMT "': complete although the answer was lost (%s)", STR_ARG(u->key),
             error_message_view(take_error));
    error_free(take_error); /* the object is there, and it is ours */
    return NULL;
}

/* The server's idea of the whole, where it tells. */
MUST_USE static Error *check_result(const Upload *u, Str document, const Checksum *whole)
{
    Str text;
    Checksum stored;
    TRY_CTX(read_element(document, STR("CompleteMultipartUploadResult"), STR("ChecksumCRC64NVME"), u->arena, &text),
            "'" STR_FMT "'", STR_ARG(u->key));
    if (text.len > 0 && checksum_parse(CHECKSUM_CRC64NVME, text, &stored) && stored.parts == 0
        && !checksum_equal(&stored, whole))
        return FAIL(CORRUPT,
                    "'" STR_FMT
                    "': the server made another object of the parts than was sent: its CRC64NVME is " STR_FMT,
                    STR_ARG(u->key), STR_ARG(text));
    return NULL;
}

/* Room for COMPLETE_HEADERS_MAX. */
static void complete_headers(const Upload *u, S3Request *request, SignedHeader *headers, const char *size,
                             const char *crc)
{
    size_t count = 0;
    s3_put_condition(u->options, headers, &count);
    headers[count++] = (SignedHeader){STR("x-amz-mp-object-size"), str_of(size)};
    request->optional_count = 1;
    request->optional_quirk = S3_NO_OBJECT_SIZE;
    if (u->with_crc) {
        headers[count++] = (SignedHeader){STR("x-amz-checksum-crc64nvme"), str_of(crc)};
        headers[count++] = (SignedHeader){STR("x-amz-checksum-type"), STR("FULL_OBJECT")};
        request->optional_count = 2;
        request->optional_quirk = S3_NO_CRC64;
    }
    request->headers = headers;
    request->header_count = count;
    request->if_etag = u->options->mode == PUT_IF_UNCHANGED ? u->options->if_etag : STR_EMPTY;
    request->refused_code = u->options->mode == PUT_IF_ABSENT ? ERR_EXISTS : ERR_CHANGED;
}

/* `*ret_again`: somebody else wrote at the same moment, and S3 wants the upload from the start. */
MUST_USE static Error *complete(Upload *u, bool *ret_again)
{
    CLEANUP(s3_request_done) S3Request request = {.client = u->client, .operation = &complete_upload, .key = u->key};
    CLEANUP(buffer_done) Buffer xml = {0}, query = {0};
    SignedHeader headers[COMPLETE_HEADERS_MAX];
    char size[24], crc[CHECKSUM_TEXT_MAX_BYTES + 8], hash[SHA256_HEX_BYTES + 1];
    uint8_t digest[SHA256_BYTES];
    Checksum whole = whole_crc(u);
    Manifest manifest = {0};

    TRY(buffer_append_str(&query, STR("uploadId=")));
    TRY(uri_append_query(&query, u->id));
    TRY(write_manifest(u, u->with_crc, &xml));
    manifest.bytes = buffer_bytes(&xml);
    snprintf(size, sizeof(size), "%llu", (unsigned long long)u->body->size_bytes);
    checksum_text(&whole, crc);
    complete_headers(u, &request, headers, size, crc);
    sha256(buffer_bytes(&xml), digest);
    hex_encode(digest, sizeof(digest), hash);
    request.query = buffer_str(&query);
    request.payload_hash = str_of(hash);
    request.exchange.upload = (HttpUpload){.size_bytes = xml.len, .read_at = send_manifest, .context = &manifest};

    Error *err = s3_request_run(&request, u->cancel);
    *ret_again = err && strcmp(request.refusal, "ConditionalRequestConflict") == 0;
    if (err)
        return settle(u, &request, &manifest, &whole, err);
    return check_result(u, buffer_str(&request.answer), &whole);
}

/* ---- the whole ---- */

MUST_USE static Error *run(Upload *u, bool *ret_again)
{
    TRY(upload_init(u));
    TRY(create(u));
    TRY(send_parts(u));
    TRY(cancel_check(u->cancel));
    return complete(u, ret_again);
}

/* Told here, because nobody else knows of it any more. */
static void clean_up(const Upload *u)
{
    Error *err = u->id.len > 0 ? s3_abort_own_upload(u->store, u->key, u->id) : NULL;
    if (!err)
        return;
    atomic_fetch_add(&u->client->stray_uploads, 1);
    log_warning(u->client->log,
                "an unfinished upload of '" STR_FMT
                "' remains and costs money until it is aborted (`quern uploads abort`, upload " STR_FMT "): %s",
                STR_ARG(u->key), STR_ARG(u->id), error_message_view(err));
    error_free(err); /* the failure that led here is the one to return */
}

Error *s3_put_multipart(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options)
{
    for (unsigned restart = 0;; restart++) {
        CLEANUP(upload_done)
        Upload upload = {
            .store = store,
            .client = s3_client_of(store),
            .cancel = cancel,
            .key = key,
            .body = body,
            .options = options,
        };
        bool again = false;
        Error *err = run(&upload, &again);
        if (!err)
            return NULL;
        clean_up(&upload);
        if (!again || restart == RESTARTS_MAX)
            return err;
        error_free(err); /* the next round ends better or says it again */
    }
}
