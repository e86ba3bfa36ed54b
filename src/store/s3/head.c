#include "store/s3/head.h"

#include "store/s3/metadata.h"
#include "store/s3/request.h"
#include "store/s3/s3_store.h"
#include "store/s3/uri.h"

const SignedHeader s3_checksum_mode = {{"x-amz-checksum-mode", sizeof("x-amz-checksum-mode") - 1},
                                       {"ENABLED", sizeof("ENABLED") - 1}};

bool s3_wants_checksum(const S3Client *client)
{
    return client->config.response_checksum == CHECKSUM_WHEN_SUPPORTED;
}

/* ---- ETag and checksum ---- */

Str s3_answer_etag(const HttpResponse *response)
{
    return s3_etag_without_quotes(response->header[HTTP_ETAG]);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_md5(Str hex, Checksum *ret_checksum)
{
    Checksum checksum = {.kind = CHECKSUM_MD5};
    if (hex.len != 2 * checksum_bytes(CHECKSUM_MD5))
        return false;
    for (size_t i = 0; i < hex.len; i += 2) {
        int high = hex_value(hex.data[i]), low = hex_value(hex.data[i + 1]);
        if (high < 0 || low < 0)
            return false;
        checksum.value[i / 2] = (uint8_t)(high << 4 | low);
    }
    *ret_checksum = checksum;
    return true;
}

/* A weak ETag, encryption with a key of one's own and directory buckets have other ETags than MD5s. */
static bool etag_may_be_md5(const S3Client *client, const HttpResponse *response)
{
    Str encryption = http_response_amz(response, STR("x-amz-server-side-encryption"));
    return !str_starts_with(response->header[HTTP_ETAG], STR("W/")) && !str_starts_with(encryption, STR("aws:kms"))
           && http_response_amz(response, STR("x-amz-server-side-encryption-customer-algorithm")).len == 0
           && !str_ends_with(client->bucket, STR("--x-s3"));
}

/* Of the whole content before of its parts, then the stronger. */
static bool is_better(const Checksum *a, const Checksum *b)
{
    if (b->kind == CHECKSUM_NONE || (a->parts == 0) != (b->parts == 0))
        return b->kind == CHECKSUM_NONE || a->parts == 0;
    return a->kind > b->kind;
}

/* A checksum of parts that does not say of how many is of no use, and one of the whole does not count parts. */
static bool parse_header(ChecksumKind kind, Str value, Str type, Checksum *ret_checksum)
{
    if (value.len == 0 || !checksum_parse(kind, value, ret_checksum))
        return false;
    if (str_equal(type, STR("COMPOSITE")))
        return ret_checksum->parts > 0;
    return type.len == 0 || ret_checksum->parts == 0;
}

/* `name` is behind "x-amz-checksum-". */
static ChecksumKind kind_of(Str name)
{
    for (ChecksumKind kind = CHECKSUM_SHA256; kind > CHECKSUM_NONE; kind--) {
        if (str_equal_nocase(name, str_of(checksum_name(kind))))
            return kind;
    }
    return CHECKSUM_NONE;
}

Checksum s3_answer_checksum(const S3Client *client, const HttpResponse *response)
{
    static const Str prefix = {"x-amz-checksum-", sizeof("x-amz-checksum-") - 1};
    Str values[CHECKSUM_SHA256 + 1] = {0}, type = STR_EMPTY, name, value;
    Checksum best = {0}, found;
    for (size_t at = 0; http_response_next_amz(response, &at, &name, &value);) {
        if (!str_starts_with(name, prefix))
            continue;
        name = str_slice(name, prefix.len, name.len);
        if (str_equal(name, STR("type")))
            type = value;
        else
            values[kind_of(name)] = value;
    }
    for (ChecksumKind kind = CHECKSUM_MD5; kind <= CHECKSUM_SHA256; kind++) {
        if (parse_header(kind, values[kind], type, &found) && is_better(&found, &best))
            best = found;
    }
    bool whole = best.kind != CHECKSUM_NONE && best.parts == 0;
    if (!whole && etag_may_be_md5(client, response) && parse_md5(s3_answer_etag(response), &found))
        return found;
    return best;
}

/* ---- everything ---- */

static unsigned number_header(const HttpResponse *response, Str name)
{
    uint64_t number;
    return str_to_u64(http_response_amz(response, name), &number) && number <= UINT32_MAX ? (unsigned)number : 0;
}

/* `*failed` is set when there is no memory, and stays so. */
static Str keep(Arena *arena, Str text, bool *failed)
{
    Str kept = text.len > 0 ? arena_str(arena, text) : STR_EMPTY;
    *failed = *failed || !kept.data;
    return kept;
}

static ObjectHeaders read_headers(const HttpResponse *response, Arena *arena, bool *failed)
{
#define KNOWN(header_index) keep(arena, response->header[header_index], failed)
#define AMZ(name) keep(arena, http_response_amz(response, STR("x-amz-" name)), failed)
    return (ObjectHeaders){
        .content_type = KNOWN(HTTP_CONTENT_TYPE),
        .cache_control = KNOWN(HTTP_CACHE_CONTROL),
        .content_disposition = KNOWN(HTTP_CONTENT_DISPOSITION),
        .content_encoding = KNOWN(HTTP_CONTENT_ENCODING),
        .content_language = KNOWN(HTTP_CONTENT_LANGUAGE),
        .expires = KNOWN(HTTP_EXPIRES),
        .website_redirect = AMZ("website-redirect-location"),
        .storage_class = AMZ("storage-class"),
        .encryption = AMZ("server-side-encryption"),
        .encryption_key_id = AMZ("server-side-encryption-aws-kms-key-id"),
        .bucket_key = AMZ("server-side-encryption-bucket-key-enabled"),
        .lock_mode = AMZ("object-lock-mode"),
        .lock_until = AMZ("object-lock-retain-until-date"),
        .lock_legal_hold = AMZ("object-lock-legal-hold"),
    };
#undef AMZ
#undef KNOWN
}

Error *s3_answer_info(const S3Client *client, const HttpResponse *response, Str key, Arena *arena, ObjectInfo *ret_info)
{
    bool failed = false;
    if (response->content_length == HTTP_LENGTH_UNKNOWN)
        return FAIL(CORRUPT, "'" STR_FMT "': the server does not say how long the object is", STR_ARG(key));
    ObjectInfo info = {
        .key = keep(arena, key, &failed),
        .size_bytes = response->content_length,
        .modified_us = response->last_modified_us == HTTP_TIME_UNKNOWN ? 0 : response->last_modified_us,
        .etag = keep(arena, s3_answer_etag(response), &failed),
        .version_id = keep(arena, http_response_amz(response, STR("x-amz-version-id")), &failed),
        .headers = read_headers(response, arena, &failed),
        .checksum = s3_answer_checksum(client, response),
        .metadata_missing = number_header(response, STR("x-amz-missing-meta")),
        .tag_count = number_header(response, STR("x-amz-tagging-count")),
        .part_count = number_header(response, STR("x-amz-mp-parts-count")),
        .restore = keep(arena, http_response_amz(response, STR("x-amz-restore")), &failed),
        .archive_status = keep(arena, http_response_amz(response, STR("x-amz-archive-status")), &failed),
    };
    if (failed)
        return arena_error(arena);
    TRY(metadata_from_response(response, arena, &info.metadata));
    *ret_info = info;
    return NULL;
}

Error *s3_append_version(Buffer *query, Str version_id)
{
    if (version_id.len == 0)
        return NULL;
    TRY(buffer_append_str(query, STR("versionId=")));
    return uri_append_query(query, version_id);
}

Error *s3_head_version(S3Client *client, const Cancel *cancel, Str key, Str version_id, Arena *arena,
                       ObjectInfo *ret_info)
{
    CLEANUP(buffer_done) Buffer query = {0};
    CLEANUP(s3_request_done)
    S3Request request = {.client = client,
                         .operation = &s3_head_object,
                         .key = key,
                         .headers = &s3_checksum_mode,
                         .header_count = s3_wants_checksum(client)};
    TRY(s3_append_version(&query, version_id));
    request.query = buffer_str(&query);
    TRY(s3_request_run(&request, cancel));
    return s3_answer_info(client, &request.exchange.response, key, arena, ret_info);
}

Error *s3_head(Store *store, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *ret_info)
{
    return s3_head_version(s3_client_of(store), cancel, key, STR_EMPTY, arena, ret_info);
}
