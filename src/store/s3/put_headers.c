#include "store/s3/put_headers.h"

#include "store/s3/metadata.h"

enum { OBJECT_HEADERS_MAX = 16, HEADERS_MAX_BYTES = 8 * 1024, TAGS_MAX = 10 };

typedef struct HeaderList {
    SignedHeader *headers;
    size_t count;
} HeaderList;

static void add(HeaderList *list, const char *name, Str value)
{
    if (value.len > 0)
        list->headers[list->count++] = (SignedHeader){str_of(name), value};
}

static Str or_else(Str own, Str fallback)
{
    return own.len > 0 ? own : fallback;
}

/* A customer's key leaves no room for the server's. */
static void add_encryption(HeaderList *list, const S3Common *common, const ObjectHeaders *own)
{
    bool by_store = own->encryption.len == 0;
    if (common->customer.set)
        return;
    add(list, "x-amz-server-side-encryption", or_else(own->encryption, common->created.encryption));
    add(list, "x-amz-server-side-encryption-aws-kms-key-id",
        by_store ? common->created.encryption_key_id : own->encryption_key_id);
    add(list, "x-amz-server-side-encryption-bucket-key-enabled",
        by_store ? common->created.bucket_key : own->bucket_key);
    if (common->created.encryption_key_id.len > 0 || common->created.encryption.len > 0)
        add(list, "x-amz-server-side-encryption-context", by_store ? common->encryption_context : STR_EMPTY);
}

static void add_object_headers(HeaderList *list, const S3Common *common, const PutOptions *options)
{
    const ObjectHeaders *own = &options->headers;
    add(list, "content-type", or_else(own->content_type, STR("application/octet-stream")));
    add(list, "cache-control", own->cache_control);
    add(list, "content-disposition", own->content_disposition);
    add(list, "content-encoding", own->content_encoding);
    add(list, "content-language", own->content_language);
    add(list, "expires", own->expires);
    add(list, "x-amz-website-redirect-location", own->website_redirect);
    add(list, "x-amz-storage-class", or_else(own->storage_class, common->created.storage_class));
    add_encryption(list, common, own);
    add(list, "x-amz-object-lock-mode", own->lock_mode);
    add(list, "x-amz-object-lock-retain-until-date", own->lock_until);
    add(list, "x-amz-object-lock-legal-hold", own->lock_legal_hold);
    add(list, "x-amz-tagging", options->tags);
}

MUST_USE static Error *check_tags(Str tags)
{
    Str rest = tags, piece;
    size_t count = 0;
    while (tags.len > 0 && str_next_piece(&rest, '&', &piece)) {
        if (str_find_char(piece, '=') == 0)
            return FAIL(INVALID, "the tags '" STR_FMT "' have one without a name", STR_ARG(tags));
        count++;
    }
    return count <= TAGS_MAX ? NULL
                             : FAIL(INVALID, "an object has at most %d tags, and these are %zu", TAGS_MAX, count);
}

MUST_USE static Error *check_size(const HeaderList *list)
{
    size_t bytes = 0;
    for (size_t i = 0; i < list->count; i++)
        bytes += list->headers[i].name.len + list->headers[i].value.len;
    return bytes <= HEADERS_MAX_BYTES
               ? NULL
               : FAIL(INVALID, "the headers of the object have %zu bytes, and S3 allows %d in all", bytes,
                      HEADERS_MAX_BYTES);
}

Error *s3_put_headers(const S3Client *client, const PutOptions *options, size_t more, Arena *arena,
                      SignedHeader **ret_headers, size_t *ret_count)
{
    SignedHeader *metadata;
    size_t metadata_count = options->metadata.count;
    HeaderList list = {ARENA_ARRAY(arena, SignedHeader, metadata_count + OBJECT_HEADERS_MAX + more), 0};
    if (!list.headers)
        return arena_error(arena);
    TRY(check_tags(options->tags));
    TRY(metadata_to_headers(options->metadata, arena, &metadata));
    if (metadata_count > 0)
        memcpy(list.headers, metadata, metadata_count * sizeof(*metadata));
    list.count = metadata_count;
    add_object_headers(&list, &client->common, options);
    TRY(check_size(&list));
    *ret_headers = list.headers;
    *ret_count = list.count;
    return NULL;
}

bool s3_put_is_locked(const PutOptions *options)
{
    return options->headers.lock_mode.len > 0 || options->headers.lock_legal_hold.len > 0;
}

void s3_put_condition(const PutOptions *options, SignedHeader *headers, size_t *count)
{
    if (options->mode == PUT_IF_ABSENT)
        headers[(*count)++] = (SignedHeader){STR("if-none-match"), STR("*")};
}
