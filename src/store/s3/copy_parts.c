#include "store/s3/copy_parts.h"

#include <stdio.h>

#include "store/s3/head.h"
#include "store/s3/multipart.h"
#include "store/s3/s3_store.h"
#include "store/s3/upload.h"
#include "store/s3/xml.h"

/* Copies are the server's work: large parts, and many of them. */
#define PART_BYTES ((uint64_t)512 * MIB)
#define ARENA_BYTES (16 * MIB)
enum {
    PARTS_IN_FLIGHT = 16,
    PARTS_IN_FLIGHT_MAX = 64,
    RANGE_TEXT_BYTES = 64,
    PART_HEADERS = 3 + S3_CUSTOMER_HEADERS,
    RESTARTS_MAX = 3
};

/* The server may copy for minutes without a byte. */
static const S3Operation upload_part_copy = {.name = "UploadPartCopy",
                                             .method = HTTP_PUT,
                                             .answer = S3_ANSWER_XML,
                                             .customer_key = true,
                                             .copies = true,
                                             .low_speed_time_s = 600};

typedef struct CopyUpload {
    S3Upload upload;
    const S3PartsCopy *copy;
} CopyUpload;

typedef struct PartTexts {
    SignedHeader headers[PART_HEADERS];
    char range[RANGE_TEXT_BYTES];
} PartTexts;

static Error *prepare_part(void *context, S3PartSlot *slot, const Cancel *stop)
{
    const CopyUpload *c = context;
    PartTexts *texts = slot->own;
    uint64_t from = (uint64_t)slot->part * c->upload.part_bytes;
    int len = snprintf(texts->range, sizeof(texts->range), "bytes=%llu-%llu", (unsigned long long)from,
                       (unsigned long long)(from + s3_upload_part_bytes(&c->upload, slot->part) - 1));
    size_t count = 0;
    (void)stop; /* nothing here takes time */
    texts->headers[count++] = (SignedHeader){STR("x-amz-copy-source"), c->copy->source};
    texts->headers[count++] = (SignedHeader){STR("x-amz-copy-source-range"), str_from(texts->range, (size_t)len)};
    if (c->copy->source_etag.len > 0)
        texts->headers[count++] = (SignedHeader){STR("x-amz-copy-source-if-match"), c->copy->source_etag};
    for (size_t i = 0; c->copy->source_key && i < S3_CUSTOMER_HEADERS; i++)
        texts->headers[count++] = c->copy->source_key->headers[i];
    slot->request.headers = texts->headers;
    slot->request.header_count = count;
    return NULL;
}

static Error *finish_part(void *context, S3PartSlot *slot, Error *take_error)
{
    S3Upload *u = &((CopyUpload *)context)->upload;
    S3CopyAnswer answer;
    TRY(take_error);
    TRY(s3_copy_answer(buffer_str(&slot->request.answer), STR("CopyPartResult"), u->arena, &answer));
    u->etags[slot->part] = answer.etag;
    u->checksums[slot->part] = answer.checksum;
    return NULL;
}

/* The server then compares what it put together with what the source was: a proof that costs no transfer. */
static ChecksumKind checksum_kind(const S3PartsCopy *copy)
{
    const S3Quirks *quirks = &s3_client_of(copy->store)->quirks;
    bool usable = checksum_is_crc(copy->checksum.kind) && copy->checksum.parts == 0
                  && !s3_quirks_have(quirks, S3_NO_CRC64) && !s3_quirks_have(quirks, S3_PART_COPY_CHECKSUM);
    return usable ? copy->checksum.kind : CHECKSUM_NONE;
}

/* Where the server proves nothing itself: the size, and a checksum if there is one of each. */
MUST_USE static Error *check_result(const CopyUpload *c, Str made_etag)
{
    const S3Upload *u = &c->upload;
    const Checksum *wanted = &c->copy->checksum;
    ObjectInfo info;
    Error *err = s3_head(u->store, u->cancel, u->key, u->arena, &info);
    if (error_code(err) == ERR_DENIED) {
        error_free(err); /* who may write and not read has to believe */
        return NULL;
    }
    TRY(err);
    if (!str_equal(info.etag, made_etag))
        return NULL; /* somebody has put another in its place already */
    bool comparable = wanted->kind > CHECKSUM_MD5 && wanted->kind == info.checksum.kind && wanted->parts == 0
                      && info.checksum.parts == 0;
    if (info.size_bytes == u->size_bytes && (!comparable || checksum_equal(wanted, &info.checksum)))
        return NULL;
    return FAIL(CORRUPT,
                "the server made another object of the parts than the source: %llu bytes of %llu, or another checksum",
                (unsigned long long)info.size_bytes, (unsigned long long)u->size_bytes);
}

MUST_USE static Error *upload_parts(CopyUpload *c, bool *ret_again, Str *ret_etag)
{
    S3Upload *u = &c->upload;
    unsigned in_flight = c->copy->parts_max > 0 ? c->copy->parts_max : PARTS_IN_FLIGHT;
    uint64_t wanted = c->copy->part_bytes > 0 ? c->copy->part_bytes : PART_BYTES;
    S3PartCalls calls = {&upload_part_copy, sizeof(PartTexts), prepare_part, finish_part, c};

    if (!u->arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(s3_part_bytes(s3_quirks_provider(&u->client->quirks), u->size_bytes, wanted, &u->part_bytes));
    u->part_count = (unsigned)((u->size_bytes - 1) / u->part_bytes + 1);
    TRY(s3_upload_begin(u));
    TRY(s3_upload_send(u, &calls, MIN(in_flight, (unsigned)PARTS_IN_FLIGHT_MAX)));
    TRY(cancel_check(u->cancel));
    Checksum whole = u->checksum_kind != CHECKSUM_NONE ? c->copy->checksum : (Checksum){0};
    return s3_upload_complete(u, &whole, ret_again, ret_etag);
}

Error *s3_copy_parts(const S3PartsCopy *copy, const Cancel *cancel)
{
    for (unsigned restart = 0;; restart++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_BYTES);
        CopyUpload c = {
            .upload = {.store = copy->store,
                       .client = s3_client_of(copy->store),
                       .cancel = cancel,
                       .key = copy->key,
                       .options = copy->target,
                       .arena = arena,
                       .size_bytes = copy->size_bytes,
                       .checksum_kind = checksum_kind(copy),
                       .checksum_is_optional = true},
            .copy = copy,
        };
        bool again = false;
        Str etag;
        Error *err = upload_parts(&c, &again, &etag);
        if (!err)
            return c.upload.checksum_kind != CHECKSUM_NONE ? NULL : check_result(&c, etag);
        s3_upload_give_up(&c.upload);
        if (!again || restart == RESTARTS_MAX)
            return err;
        error_free(err); /* the next round ends better or says it again */
    }
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
