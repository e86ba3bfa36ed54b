#include "store/s3/upload.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/s3/multipart.h"
#include "store/s3/proof.h"
#include "store/s3/put.h"
#include "store/s3/put_headers.h"
#include "store/s3/uploads.h"
#include "store/s3/uri.h"
#include "store/s3/xml.h"
#include "store/s3/xml_write.h"

enum { CHECKSUM_HEADERS = 2, COMPLETE_HEADERS_MAX = 2 + CHECKSUM_HEADERS, CHECKSUM_NAME_BYTES = 40 };

static const S3Operation create_upload = {
    .name = "CreateMultipartUpload", .method = HTTP_POST, .answer = S3_ANSWER_XML, .customer_key = true};
/* Minutes may pass before the document that follows the 200. */
static const S3Operation complete_upload = {.name = "CompleteMultipartUpload",
                                            .method = HTTP_POST,
                                            .answer = S3_ANSWER_XML,
                                            .customer_key = true,
                                            .conflict_is_final = true,
                                            .low_speed_time_s = 600};

/* ---- begin ---- */

MUST_USE static Error *make_parts(S3Upload *u)
{
    u->etags = ARENA_ARRAY(u->arena, Str, u->part_count);
    u->checksums = ARENA_ARRAY(u->arena, Checksum, u->part_count);
    return u->etags && u->checksums ? NULL : arena_error(u->arena);
}

Error *s3_upload_begin(S3Upload *u)
{
    CLEANUP(s3_request_done)
    S3Request request = {.client = u->client, .operation = &create_upload, .key = u->key, .query = STR("uploads=")};
    XmlField id = {.name = STR("UploadId")};
    SignedHeader *headers;
    size_t count;

    TRY(make_parts(u));
    TRY_CTX(s3_put_headers(u->client, u->options, CHECKSUM_HEADERS, u->arena, &headers, &count), "write '" STR_FMT "'",
            STR_ARG(u->key));
    request.headers = headers;
    if (u->checksum_kind != CHECKSUM_NONE) {
        headers[count++] = (SignedHeader){STR("x-amz-checksum-algorithm"), str_of(checksum_name(u->checksum_kind))};
        headers[count++] = (SignedHeader){STR("x-amz-checksum-type"),
                                          checksum_is_crc(u->checksum_kind) ? STR("FULL_OBJECT") : STR("COMPOSITE")};
        request.optional_count = u->checksum_is_optional ? CHECKSUM_HEADERS : 0;
        request.optional_quirk = S3_NO_CRC64;
    }
    request.header_count = count;
    TRY(s3_request_run(&request, u->cancel));
    if (u->checksum_is_optional && (atomic_load(&u->client->quirks.learnt) & S3_NO_CRC64))
        u->checksum_kind = CHECKSUM_NONE; /* refused, and begun without */
    TRY_CTX(xml_read_fields(buffer_str(&request.answer), STR("InitiateMultipartUploadResult"), u->arena, &id, 1),
            "write '" STR_FMT "'", STR_ARG(u->key));
    u->id = id.text;
    return u->id.len > 0 ? NULL
                         : FAIL(CORRUPT, "'" STR_FMT "': the server began an upload without an id", STR_ARG(u->key));
}

/* ---- parts ---- */

typedef struct Sending {
    S3Upload *upload;
    const S3PartCalls *calls;
    unsigned next_part;
    S3PartSlot *slots;
    S3PartSlot **idle;
    unsigned slot_count, idle_count;
    Cancel stop; /* raised by the first part that fails */
    HttpCompletions completions;
} Sending;

static void sending_done(Sending *s)
{
    for (unsigned i = 0; i < s->slot_count; i++) {
        s3_request_done(&s->slots[i].request);
        buffer_done(&s->slots[i].query);
        free(s->slots[i].own);
    }
    free(s->slots);
    free(s->idle);
    http_completions_done(&s->completions);
}

MUST_USE static Error *make_slots(Sending *s, unsigned count)
{
    S3Upload *u = s->upload;
    s->slots = calloc(count, sizeof(*s->slots));
    s->idle = calloc(count, sizeof(S3PartSlot *));
    if (!s->slots || !s->idle)
        return FAIL(NO_MEMORY, "out of memory");
    for (; s->slot_count < count; s->slot_count++) {
        S3PartSlot *slot = &s->slots[s->slot_count];
        slot->request = (S3Request){.client = u->client, .operation = s->calls->operation, .key = u->key};
        slot->own = calloc(1, s->calls->own_bytes);
        s->idle[s->idle_count++] = slot;
        if (!slot->own) {
            s->slot_count++;
            return FAIL(NO_MEMORY, "out of memory");
        }
    }
    return NULL;
}

/* What has to be computed for it is, while the parts before it are on the wire. */
MUST_USE static Error *start_part(Sending *s)
{
    S3Upload *u = s->upload;
    S3PartSlot *slot = s->idle[s->idle_count - 1];
    S3Request *request = &slot->request;

    slot->part = s->next_part;
    buffer_clear(&slot->query);
    TRY(buffer_append_format(&slot->query, "partNumber=%u&uploadId=", slot->part + 1));
    TRY(uri_append_query(&slot->query, u->id));
    request->query = buffer_str(&slot->query);
    request->user = slot;
    TRY(s->calls->prepare(s->calls->context, slot, &s->stop));
    TRY(s3_request_begin(request, &s->stop));
    s->idle_count--;
    s->next_part++;
    http_submit(u->client->http, &s->completions, &request->exchange);
    return NULL;
}

static void tell_meter(const S3Upload *u, unsigned part)
{
    const StoreMeter *meter = &u->options->meter;
    if (meter->moved)
        meter->moved(meter->context, s3_upload_part_bytes(u, part));
}

MUST_USE static Error *finish_part(Sending *s, HttpExchange *exchange)
{
    S3Request *request = exchange->context;
    S3PartSlot *slot = request->user;
    Error *err = exchange->error;
    exchange->error = NULL;
    err = s->calls->finish(s->calls->context, slot, s3_request_end(request, err));
    s->idle[s->idle_count++] = slot;
    if (!err)
        tell_meter(s->upload, slot->part);
    return err ? error_wrap(err, "part %u of %u", slot->part + 1, s->upload->part_count) : NULL;
}

static void fail(Sending *s, Error **err, Error *take_error)
{
    if (!take_error)
        return;
    cancel_raise(&s->stop, CANCEL_STOP);
    if (*err)
        error_free(take_error);
    else
        *err = take_error;
}

MUST_USE static Error *send_all(Sending *s)
{
    Error *err = NULL;
    for (;;) {
        while (!err && s->next_part < s->upload->part_count && s->idle_count > 0)
            fail(s, &err, start_part(s));
        HttpExchange *exchange = http_next_completed(&s->completions);
        if (!exchange)
            return err;
        fail(s, &err, finish_part(s, exchange));
    }
}

Error *s3_upload_send(S3Upload *u, const S3PartCalls *calls, unsigned in_flight)
{
    CLEANUP(sending_done) Sending sending = {.upload = u, .calls = calls, .stop.parent = u->cancel};
    http_completions_init(&sending.completions);
    TRY(make_slots(&sending, MIN(in_flight, u->part_count)));
    return send_all(&sending);
}

/* ---- complete ---- */

/* An upload that was begun with a checksum wants those of its parts; AWS does not, where the whole has its own. */
MUST_USE static Error *write_checksum(const S3Upload *u, const Checksum *checksum, Buffer *xml)
{
    char text[CHECKSUM_TEXT_MAX_BYTES + 8];
    const char *name = checksum_name(checksum->kind);
    if (u->checksum_kind == CHECKSUM_NONE || checksum->kind != u->checksum_kind)
        return NULL;
    checksum_text(checksum, text);
    return buffer_append_format(xml, "<Checksum%s>%s</Checksum%s>", name, text, name);
}

MUST_USE static Error *write_manifest(const S3Upload *u, Buffer *xml)
{
    TRY(buffer_append_str(xml, STR("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">")));
    for (unsigned i = 0; i < u->part_count; i++) {
        TRY(buffer_append_format(xml, "<Part><PartNumber>%u</PartNumber><ETag>&quot;", i + 1));
        TRY(xml_append_text(xml, u->etags[i]));
        TRY(buffer_append_str(xml, STR("&quot;</ETag>")));
        TRY(write_checksum(u, &u->checksums[i], xml));
        TRY(buffer_append_str(xml, STR("</Part>")));
    }
    return buffer_append_str(xml, STR("</CompleteMultipartUpload>"));
}

/* An upload that is gone, an answer that never came, a condition that is not met the second time: all of them can mean that an
 * earlier sending succeeded. What is there now tells. */
MUST_USE static Error *settle(S3Upload *u, const S3Request *request, const Checksum *whole, Error *take_error)
{
    bool doubtful = request->exchange.sendings > 1 || request->exchange.response.status == 0
                    || strcmp(request->refusal, "NoSuchUpload") == 0;
    char etag[S3_MULTIPART_ETAG_MAX] = "";
    bool ours = false;

    if (!doubtful || error_code(take_error) == ERR_CANCELLED)
        return take_error;
    if (!s3_multipart_etag(u->etags, u->part_count, etag))
        etag[0] = '\0';
    Error *err = s3_put_was_ours(u->store, u->cancel, u->key, u->size_bytes, whole, str_of(etag), &ours);
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
MUST_USE static Error *check_result(const S3Upload *u, Str document, const Checksum *whole, Str *ret_etag)
{
    char name[CHECKSUM_NAME_BYTES];
    Checksum stored;
    snprintf(name, sizeof(name), "Checksum%s", checksum_name(whole->kind));
    XmlField fields[] = {{.name = STR("ETag")}, {.name = str_of(name)}};
    TRY_CTX(xml_read_fields(document, STR("CompleteMultipartUploadResult"), u->arena, fields, ARRAY_COUNT(fields)),
            "'" STR_FMT "'", STR_ARG(u->key));
    if (checksum_parse(whole->kind, fields[1].text, &stored) && stored.parts == whole->parts
        && !checksum_equal(&stored, whole))
        return FAIL(CORRUPT,
                    "'" STR_FMT "': the server made another object of the parts than it was to be: its %s is " STR_FMT,
                    STR_ARG(u->key), checksum_name(whole->kind), STR_ARG(fields[1].text));
    *ret_etag = s3_etag_without_quotes(fields[0].text);
    return NULL;
}

/* Texts that the headers of Complete point to. */
typedef struct CompleteTexts {
    char size[24], checksum[CHECKSUM_TEXT_MAX_BYTES + 8], hash[SHA256_HEX_BYTES + 1];
    SignedHeader headers[COMPLETE_HEADERS_MAX];
} CompleteTexts;

static void complete_headers(const S3Upload *u, S3Request *request, const Checksum *whole, CompleteTexts *texts)
{
    size_t count = 0;
    snprintf(texts->size, sizeof(texts->size), "%llu", (unsigned long long)u->size_bytes);
    s3_put_condition(u->options, texts->headers, &count);
    texts->headers[count++] = (SignedHeader){STR("x-amz-mp-object-size"), str_of(texts->size)};
    request->optional_count = 1;
    request->optional_quirk = S3_NO_OBJECT_SIZE;
    /* One of parts follows from those that are in the document. */
    if (u->checksum_kind != CHECKSUM_NONE && whole->kind == u->checksum_kind && whole->parts == 0) {
        checksum_text(whole, texts->checksum);
        texts->headers[count++] = (SignedHeader){str_of(s3_checksum_header(whole->kind)), str_of(texts->checksum)};
        texts->headers[count++] = (SignedHeader){STR("x-amz-checksum-type"), STR("FULL_OBJECT")};
        request->optional_count = u->checksum_is_optional ? CHECKSUM_HEADERS : 0;
        request->optional_quirk = S3_NO_CRC64;
    }
    request->headers = texts->headers;
    request->header_count = count;
    request->if_etag = u->options->mode == PUT_IF_UNCHANGED ? u->options->if_etag : STR_EMPTY;
    request->refused_code = u->options->mode == PUT_IF_ABSENT ? ERR_EXISTS : ERR_CHANGED;
}

Error *s3_upload_complete(S3Upload *u, const Checksum *whole, bool *ret_again, Str *ret_etag)
{
    CLEANUP(s3_request_done) S3Request request = {.client = u->client, .operation = &complete_upload, .key = u->key};
    CLEANUP(buffer_done) Buffer xml = {0}, query = {0};
    uint8_t digest[SHA256_BYTES];
    CompleteTexts texts;

    *ret_etag = STR_EMPTY;
    TRY(buffer_append_str(&query, STR("uploadId=")));
    TRY(uri_append_query(&query, u->id));
    TRY(write_manifest(u, &xml));
    complete_headers(u, &request, whole, &texts);
    sha256(buffer_bytes(&xml), digest);
    hex_encode(digest, sizeof(digest), texts.hash);
    request.query = buffer_str(&query);
    request.payload_hash = str_of(texts.hash);
    request.exchange.upload = (HttpUpload){.size_bytes = xml.len, .data = xml.data};

    Error *err = s3_request_run(&request, u->cancel);
    *ret_again = err && strcmp(request.refusal, "ConditionalRequestConflict") == 0;
    return err ? settle(u, &request, whole, err) : check_result(u, buffer_str(&request.answer), whole, ret_etag);
}

/* ---- give up ---- */

/* A failure is told here, because nobody else knows of the upload any more. */
void s3_upload_give_up(const S3Upload *u)
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
