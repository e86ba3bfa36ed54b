#include "store/s3/uploads.h"

#include "base/time_text.h"
#include "store/s3/request.h"
#include "store/s3/s3_store.h"
#include "store/s3/uri.h"
#include "store/s3/xml.h"

#define PAGE_ARENA_BYTES (16 * MIB)
#define PAGE_BODY_MAX_BYTES (8 * MIB)
enum { OWN_ATTEMPTS_MAX = 2, OWN_TIMEOUT_MS = 5000 };

static const S3Operation list_uploads = {
    .name = "ListMultipartUploads", .method = HTTP_GET, .of_bucket = true, .answer = S3_ANSWER_XML};
static const S3Operation list_parts = {
    .name = "ListParts", .method = HTTP_GET, .answer = S3_ANSWER_XML, .customer_key = true};
static const S3Operation abort_upload = {
    .name = "AbortMultipartUpload", .method = HTTP_DELETE, .missing_is_success = true};

/* ---- pages ---- */

/* One listing, page after page; of uploads or of an upload's parts. */
typedef struct Pages {
    S3Request request;
    Buffer query, body, marker, second_marker; /* markers: of the page to ask for */
    Arena *arena;                              /* of one page */
    bool truncated;
    Str next_marker, next_second_marker; /* in `arena` */
    bool url_encoded;
} Pages;

static void pages_done(Pages *pages)
{
    s3_request_done(&pages->request);
    buffer_done(&pages->query);
    buffer_done(&pages->body);
    buffer_done(&pages->marker);
    buffer_done(&pages->second_marker);
    arena_free(pages->arena);
}

MUST_USE static Error *pages_init(Pages *pages, Store *store, const S3Operation *operation, Str key)
{
    pages->request =
        (S3Request){.client = s3_client_of(store), .operation = operation, .key = key, .body = &pages->body};
    pages->body.limit = PAGE_BODY_MAX_BYTES;
    pages->arena = arena_new(PAGE_ARENA_BYTES);
    return pages->arena ? NULL : FAIL(NO_MEMORY, "list uploads: out of memory");
}

MUST_USE static Error *add_parameter(Buffer *query, const char *name, Str value)
{
    if (query->len > 0)
        TRY(buffer_append_byte(query, '&'));
    TRY(buffer_append_str(query, str_of(name)));
    return uri_append_query(query, value);
}

/* The next page in `body`, opened. Its root is the call's name and Result; moto says Response. */
MUST_USE static Error *fetch_page(Pages *pages, const Cancel *cancel, Xml *ret_xml)
{
    Str name;
    buffer_clear(&pages->body);
    arena_reset(pages->arena);
    pages->truncated = pages->url_encoded = false;
    pages->next_marker = pages->next_second_marker = STR_EMPTY;
    pages->request.query = buffer_str(&pages->query);
    TRY(s3_request_run(&pages->request, cancel));
    xml_init(ret_xml, buffer_str(&pages->body));
    TRY(xml_root(ret_xml, &name));
    const char *call = pages->request.operation->name;
    if (!str_starts_with(name, str_of(call)))
        return FAIL(CORRUPT, "the answer is '" STR_FMT "' and not %sResult", STR_ARG(name), call);
    return NULL;
}

MUST_USE static Error *read_bool(Xml *xml, Arena *arena, Str wanted, bool *ret_value)
{
    Str text;
    TRY(xml_text(xml, arena, &text));
    *ret_value = str_equal(str_trim(text), wanted);
    return NULL;
}

/* Goes on to the next page. False at the end. Errors: CORRUPT (the markers do not move: a listing without end). */
MUST_USE static Error *advance(Pages *pages, bool *ret_more)
{
    *ret_more = pages->truncated;
    if (!pages->truncated)
        return NULL;
    bool same = str_equal(pages->next_marker, buffer_str(&pages->marker))
                && str_equal(pages->next_second_marker, buffer_str(&pages->second_marker));
    if (pages->next_marker.len == 0 || same)
        return FAIL(CORRUPT, "the listing is truncated but says not where it continues");
    buffer_clear(&pages->marker);
    buffer_clear(&pages->second_marker);
    TRY(buffer_append_str(&pages->marker, pages->next_marker));
    return buffer_append_str(&pages->second_marker, pages->next_second_marker);
}

/* ---- uploads ---- */

typedef struct UploadPage {
    UploadInfo *uploads;
    size_t count, capacity;
} UploadPage;

MUST_USE static Error *read_upload(Pages *pages, Xml *xml, UploadPage *page)
{
    if (page->count == page->capacity) {
        size_t capacity = page->capacity ? 2 * page->capacity : 64;
        UploadInfo *grown = ARENA_ARRAY(pages->arena, UploadInfo, capacity);
        if (!grown)
            return arena_error(pages->arena);
        if (page->count > 0)
            memcpy(grown, page->uploads, page->count * sizeof(*grown));
        page->uploads = grown;
        page->capacity = capacity;
    }
    UploadInfo upload = {.storage_class = STR_EMPTY};
    for (Str name, text;;) {
        TRY(xml_child(xml, &name));
        if (name.len == 0)
            break;
        if (str_equal(name, STR("Key"))) {
            TRY(xml_text(xml, pages->arena, &upload.key));
        } else if (str_equal(name, STR("UploadId"))) {
            TRY(xml_text(xml, pages->arena, &upload.upload_id));
        } else if (str_equal(name, STR("StorageClass"))) {
            TRY(xml_text(xml, pages->arena, &upload.storage_class));
        } else if (str_equal(name, STR("Initiated"))) {
            TRY(xml_text(xml, pages->arena, &text));
            if (!time_parse_iso8601(str_trim(text), &upload.started_us))
                return error_at(FAIL(CORRUPT, "the time '" STR_FMT "' is malformed", STR_ARG(text)), xml->at);
        } else {
            TRY(xml_skip(xml));
        }
    }
    if (upload.key.len == 0 || upload.upload_id.len == 0)
        return error_at(FAIL(CORRUPT, "an upload without key or id"), xml->at);
    page->uploads[page->count++] = upload;
    return NULL;
}

MUST_USE static Error *read_uploads(Pages *pages, Xml *xml, UploadPage *page)
{
    for (Str name;;) {
        TRY(xml_child(xml, &name));
        if (name.len == 0)
            return xml_end(xml);
        if (str_equal(name, STR("Upload")))
            TRY(read_upload(pages, xml, page));
        else if (str_equal(name, STR("NextKeyMarker")))
            TRY(xml_text(xml, pages->arena, &pages->next_marker));
        else if (str_equal(name, STR("NextUploadIdMarker")))
            TRY(xml_text(xml, pages->arena, &pages->next_second_marker));
        else if (str_equal(name, STR("IsTruncated")))
            TRY(read_bool(xml, pages->arena, STR("true"), &pages->truncated));
        else if (str_equal(name, STR("EncodingType")))
            TRY(read_bool(xml, pages->arena, STR("url"), &pages->url_encoded));
        else
            TRY(xml_skip(xml));
    }
}

/* What says that keys are encoded may stand behind them. */
MUST_USE static Error *decode(Pages *pages, UploadPage *page)
{
    if (!pages->url_encoded)
        return NULL;
    for (size_t i = 0; i < page->count; i++) {
        page->uploads[i].key = uri_decode(page->uploads[i].key, pages->arena);
        if (!page->uploads[i].key.data)
            return arena_error(pages->arena);
    }
    pages->next_marker = uri_decode(pages->next_marker, pages->arena);
    return pages->next_marker.data ? NULL : arena_error(pages->arena);
}

MUST_USE static Error *uploads_query(Pages *pages, Str whole_prefix)
{
    const S3Client *client = pages->request.client;
    Buffer *query = &pages->query;
    buffer_clear(query);
    if (!s3_quirks_have(&client->quirks, S3_LIST_PLAIN))
        TRY(add_parameter(query, "encoding-type=", STR("url")));
    if (pages->marker.len > 0)
        TRY(add_parameter(query, "key-marker=", buffer_str(&pages->marker)));
    TRY(add_parameter(query, "max-uploads=", STR("1000")));
    TRY(add_parameter(query, "prefix=", whole_prefix));
    if (pages->second_marker.len > 0)
        TRY(add_parameter(query, "upload-id-marker=", buffer_str(&pages->second_marker)));
    return add_parameter(query, "uploads=", STR_EMPTY);
}

MUST_USE static Error *tell(const UploadPage *page, Str store_prefix, Str whole_prefix, StoreUploadFn *each,
                            void *context)
{
    for (size_t i = 0; i < page->count; i++) {
        UploadInfo upload = page->uploads[i];
        if (!str_starts_with(upload.key, whole_prefix))
            return FAIL(CORRUPT, "the server lists '" STR_FMT "', which does not begin with '" STR_FMT "'",
                        STR_ARG(upload.key), STR_ARG(whole_prefix));
        upload.key = str_slice(upload.key, store_prefix.len, upload.key.len);
        TRY(each(context, &upload));
    }
    return NULL;
}

Error *s3_list_uploads(Store *store, const Cancel *cancel, Str prefix, StoreUploadFn *each, void *context)
{
    CLEANUP(pages_done) Pages pages = {0};
    CLEANUP(buffer_done) Buffer whole = {0};
    Str store_prefix = s3_client_of(store)->prefix;

    TRY(pages_init(&pages, store, &list_uploads, STR_EMPTY));
    TRY(buffer_append_str(&whole, store_prefix));
    TRY(buffer_append_str(&whole, prefix));
    for (bool more = true; more;) {
        UploadPage page = {0};
        Xml xml;
        TRY(uploads_query(&pages, buffer_str(&whole)));
        TRY(fetch_page(&pages, cancel, &xml));
        TRY_CTX(read_uploads(&pages, &xml, &page), "list the uploads of '%s'", store->url);
        TRY(decode(&pages, &page));
        TRY(tell(&page, store_prefix, buffer_str(&whole), each, context));
        TRY_CTX(advance(&pages, &more), "list the uploads of '%s'", store->url);
    }
    return NULL;
}

/* ---- parts ---- */

MUST_USE static Error *read_part(Pages *pages, Xml *xml, UploadParts *parts)
{
    uint64_t size_bytes = 0;
    for (Str name, text;;) {
        TRY(xml_child(xml, &name));
        if (name.len == 0)
            break;
        if (!str_equal(name, STR("Size"))) {
            TRY(xml_skip(xml));
            continue;
        }
        TRY(xml_text(xml, pages->arena, &text));
        if (!str_to_u64(str_trim(text), &size_bytes) || size_bytes > UINT64_MAX - parts->size_bytes)
            return error_at(FAIL(CORRUPT, "the size '" STR_FMT "' is no number", STR_ARG(text)), xml->at);
    }
    parts->count++;
    parts->size_bytes += size_bytes;
    return NULL;
}

MUST_USE static Error *read_parts(Pages *pages, Xml *xml, UploadParts *parts)
{
    for (Str name;;) {
        TRY(xml_child(xml, &name));
        if (name.len == 0)
            return xml_end(xml);
        if (str_equal(name, STR("Part")))
            TRY(read_part(pages, xml, parts));
        else if (str_equal(name, STR("NextPartNumberMarker")))
            TRY(xml_text(xml, pages->arena, &pages->next_marker));
        else if (str_equal(name, STR("IsTruncated")))
            TRY(read_bool(xml, pages->arena, STR("true"), &pages->truncated));
        else
            TRY(xml_skip(xml));
    }
}

Error *s3_upload_parts(Store *store, const Cancel *cancel, Str key, Str upload_id, UploadParts *ret_parts)
{
    CLEANUP(pages_done) Pages pages = {0};
    UploadParts parts = {0};

    TRY(pages_init(&pages, store, &list_parts, key));
    for (bool more = true; more;) {
        Xml xml;
        buffer_clear(&pages.query);
        TRY(add_parameter(&pages.query, "max-parts=", STR("1000")));
        if (pages.marker.len > 0)
            TRY(add_parameter(&pages.query, "part-number-marker=", buffer_str(&pages.marker)));
        TRY(add_parameter(&pages.query, "uploadId=", upload_id));
        TRY_CTX(fetch_page(&pages, cancel, &xml), "list the parts of '" STR_FMT "'", STR_ARG(key));
        TRY_CTX(read_parts(&pages, &xml, &parts), "list the parts of '" STR_FMT "'", STR_ARG(key));
        TRY_CTX(advance(&pages, &more), "list the parts of '" STR_FMT "'", STR_ARG(key));
    }
    *ret_parts = parts;
    return NULL;
}

/* ---- abort ---- */

MUST_USE static Error *run_abort(Store *store, const Cancel *cancel, Str key, Str upload_id, bool own)
{
    CLEANUP(s3_request_done)
    S3Request request = {.client = s3_client_of(store), .operation = &abort_upload, .key = key};
    CLEANUP(buffer_done) Buffer query = {0};

    TRY(add_parameter(&query, "uploadId=", upload_id));
    request.query = buffer_str(&query);
    TRY(s3_request_begin(&request, cancel));
    if (own) {
        request.exchange.attempts_max = OWN_ATTEMPTS_MAX;
        request.exchange.total_timeout_ms = OWN_TIMEOUT_MS;
    }
    return s3_request_end(&request, http_run(request.client->http, cancel, &request.exchange));
}

Error *s3_abort_upload(Store *store, const Cancel *cancel, Str key, Str upload_id)
{
    return run_abort(store, cancel, key, upload_id, false);
}

Error *s3_abort_own_upload(Store *store, Str key, Str upload_id)
{
    return run_abort(store, NULL, key, upload_id, true);
}
