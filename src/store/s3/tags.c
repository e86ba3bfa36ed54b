#include "store/s3/tags.h"

#include <stdlib.h>

#include "base/hash.h"
#include "store/s3/head.h"
#include "store/s3/request.h"
#include "store/s3/s3_store.h"
#include "store/s3/uri.h"
#include "store/s3/xml.h"
#include "store/s3/xml_write.h"

#define TAGS_ARENA_BYTES ((size_t)256 * 1024)
enum { MD5_TEXT_BYTES = 25 };

static const S3Operation get_object_tagging = {.name = "GetObjectTagging", .method = HTTP_GET, .answer = S3_ANSWER_XML};
static const S3Operation put_object_tagging = {.name = "PutObjectTagging", .method = HTTP_PUT};

typedef struct Tag {
    Str name, value;
} Tag;

/* Room for one more than there may be, so that too many are seen. */
typedef struct TagSet {
    Tag tags[S3_TAGS_MAX + 1];
    size_t count;
} TagSet;

/* ---- a set as text ---- */

static int compare_tags(const void *left, const void *right)
{
    const Tag *a = left, *b = right;
    return str_compare(a->name, b->name);
}

/* Sorts it too. */
MUST_USE static Error *check_set(TagSet *set)
{
    if (set->count > S3_TAGS_MAX)
        return FAIL(INVALID, "an object has at most %d tags", S3_TAGS_MAX);
    if (set->count > 1)
        qsort(set->tags, set->count, sizeof(*set->tags), compare_tags);
    for (size_t i = 0; i < set->count; i++) {
        const Tag *tag = &set->tags[i];
        if (tag->name.len == 0)
            return FAIL(INVALID, "a tag has no name");
        if (tag->name.len > S3_TAG_NAME_MAX_BYTES || tag->value.len > S3_TAG_VALUE_MAX_BYTES)
            return FAIL(INVALID, "the tag '" STR_FMT "' is too long: 128 characters for the name, 256 for the value",
                        STR_ARG(tag->name));
        if (!str_is_utf8(tag->name) || !str_is_utf8(tag->value))
            return FAIL(INVALID, "the tag '" STR_FMT "' is not UTF-8", STR_ARG(tag->name));
        if (i > 0 && str_equal(tag->name, set->tags[i - 1].name))
            return FAIL(INVALID, "the tag '" STR_FMT "' is there twice", STR_ARG(tag->name));
    }
    return NULL;
}

MUST_USE static Error *add_tag(TagSet *set, Str name, Str value, const Arena *arena)
{
    if (!name.data || !value.data)
        return arena_error(arena);
    if (set->count < ARRAY_COUNT(set->tags))
        set->tags[set->count++] = (Tag){name, value};
    return NULL;
}

MUST_USE static Error *parse_text(Str text, Arena *arena, TagSet *set)
{
    Str rest = text, piece;
    while (text.len > 0 && str_next_piece(&rest, '&', &piece)) {
        size_t equals = MIN(str_find_char(piece, '='), piece.len);
        Str value = equals < piece.len ? str_slice(piece, equals + 1, piece.len) : STR_EMPTY;
        TRY(add_tag(set, uri_decode(str_slice(piece, 0, equals), arena), uri_decode(value, arena), arena));
    }
    return check_set(set);
}

MUST_USE static Error *format_text(const TagSet *set, Arena *arena, Str *ret_text)
{
    CLEANUP(buffer_done) Buffer text = {0};
    for (size_t i = 0; i < set->count; i++) {
        if (i > 0)
            TRY(buffer_append_byte(&text, '&'));
        TRY(uri_append_query(&text, set->tags[i].name));
        TRY(buffer_append_byte(&text, '='));
        TRY(uri_append_query(&text, set->tags[i].value));
    }
    Str kept = arena_str(arena, buffer_str(&text));
    if (!kept.data)
        return arena_error(arena);
    *ret_text = kept;
    return NULL;
}

Error *s3_tags_normalise(Str tags, Arena *arena, Str *ret_tags)
{
    TagSet set = {0};
    TRY(parse_text(tags, arena, &set));
    return format_text(&set, arena, ret_tags);
}

/* ---- a set as XML ---- */

/* In <Tag>. */
MUST_USE static Error *read_tag(Xml *xml, Arena *arena, TagSet *set)
{
    Str name, key = STR_EMPTY, value = STR_EMPTY;
    for (;;) {
        TRY(xml_child(xml, &name));
        if (name.len == 0)
            return add_tag(set, key, value, arena);
        if (str_equal(name, STR("Key")))
            TRY(xml_text(xml, arena, &key));
        else if (str_equal(name, STR("Value")))
            TRY(xml_text(xml, arena, &value));
        else
            TRY(xml_skip(xml));
    }
}

/* In <TagSet>. */
MUST_USE static Error *read_tags(Xml *xml, Arena *arena, TagSet *set)
{
    Str name;
    for (;;) {
        TRY(xml_child(xml, &name));
        if (name.len == 0)
            return NULL;
        if (str_equal(name, STR("Tag")))
            TRY(read_tag(xml, arena, set));
        else
            TRY(xml_skip(xml));
    }
}

MUST_USE static Error *parse_answer(Str document, Arena *arena, TagSet *set)
{
    Xml xml;
    Str name;
    xml_init(&xml, document);
    TRY(xml_root(&xml, &name));
    if (!str_equal(name, STR("Tagging")))
        return FAIL(CORRUPT, "the answer is <" STR_FMT "> and not <Tagging>", STR_ARG(name));
    for (;;) {
        TRY(xml_child(&xml, &name));
        if (name.len == 0)
            return check_set(set);
        if (str_equal(name, STR("TagSet")))
            TRY(read_tags(&xml, arena, set));
        else
            TRY(xml_skip(&xml));
    }
}

Error *s3_tags_read(Str document, Arena *arena, Str *ret_tags)
{
    TagSet set = {0};
    TRY(parse_answer(document, arena, &set));
    return format_text(&set, arena, ret_tags);
}

MUST_USE static Error *write_document(const TagSet *set, Buffer *xml)
{
    TRY(buffer_append_str(xml, STR("<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>")));
    for (size_t i = 0; i < set->count; i++) {
        if (!xml_can_hold(set->tags[i].name) || !xml_can_hold(set->tags[i].value))
            return FAIL(INVALID, "the tag '" STR_FMT "' has a control character", STR_ARG(set->tags[i].name));
        TRY(buffer_append_str(xml, STR("<Tag><Key>")));
        TRY(xml_append_text(xml, set->tags[i].name));
        TRY(buffer_append_str(xml, STR("</Key><Value>")));
        TRY(xml_append_text(xml, set->tags[i].value));
        TRY(buffer_append_str(xml, STR("</Value></Tag>")));
    }
    return buffer_append_str(xml, STR("</TagSet></Tagging>"));
}

/* ---- requests ---- */

MUST_USE static Error *refuse_where_unknown(const S3Client *client)
{
    if (!s3_quirks_have(&client->quirks, S3_NO_TAGS))
        return NULL;
    return FAIL(UNSUPPORTED, "a server of the kind '%s' has no tags", s3_quirks_provider(&client->quirks)->name);
}

Error *s3_get_tags_of(S3Client *client, const Cancel *cancel, Str key, Str version_id, Arena *arena, Str *ret_tags)
{
    CLEANUP(buffer_done) Buffer query = {0};
    CLEANUP(s3_request_done)
    S3Request request = {.client = client, .operation = &get_object_tagging, .key = key};

    TRY_CTX(refuse_where_unknown(client), "read the tags of '" STR_FMT "'", STR_ARG(key));
    TRY(buffer_append_str(&query, STR("tagging=")));
    if (version_id.len > 0)
        TRY(buffer_append_byte(&query, '&'));
    TRY(s3_append_version(&query, version_id));
    request.query = buffer_str(&query);
    Error *err = s3_request_run(&request, cancel);
    if (err && str_starts_with(str_of(request.refusal), STR("NoSuchTagSet"))) {
        error_free(err); /* how some servers say that there are none */
        *ret_tags = STR_EMPTY;
        return NULL;
    }
    if (err)
        return error_wrap(err, "read the tags");
    TRY_CTX(s3_tags_read(buffer_str(&request.answer), arena, ret_tags), "read the tags of '" STR_FMT "'", STR_ARG(key));
    return NULL;
}

Error *s3_get_tags(Store *store, const Cancel *cancel, Str key, Arena *arena, Str *ret_tags)
{
    return s3_get_tags_of(s3_client_of(store), cancel, key, STR_EMPTY, arena, ret_tags);
}

/* The MD5 is what S3 wants with this call, whatever else proves the body. */
MUST_USE static Error *send_document(S3Request *request, const Cancel *cancel, const Buffer *xml)
{
    uint8_t digest[SHA256_BYTES];
    char hash[SHA256_HEX_BYTES + 1], md5_text[MD5_TEXT_BYTES];

    sha256(buffer_bytes(xml), digest);
    hex_encode(digest, sizeof(digest), hash);
    md5(buffer_bytes(xml), digest);
    base64_encode(digest, MD5_BYTES, md5_text);
    const SignedHeader headers[] = {{STR("content-md5"), str_of(md5_text)},
                                    {STR("content-type"), STR("application/xml")}};
    request->headers = headers;
    request->header_count = ARRAY_COUNT(headers);
    request->payload_hash = str_of(hash);
    request->exchange.upload = (HttpUpload){.size_bytes = xml->len, .data = xml->data};
    return s3_request_run(request, cancel);
}

MUST_USE static Error *put_set(S3Client *client, const Cancel *cancel, Str key, Str tags, Arena *arena)
{
    CLEANUP(buffer_done) Buffer xml = {0};
    CLEANUP(s3_request_done)
    S3Request request = {.client = client, .operation = &put_object_tagging, .key = key, .query = STR("tagging=")};
    TagSet set = {0};

    TRY(refuse_where_unknown(client));
    TRY(parse_text(tags, arena, &set));
    TRY(write_document(&set, &xml));
    return send_document(&request, cancel, &xml);
}

Error *s3_put_tags(Store *store, const Cancel *cancel, Str key, Str tags)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(TAGS_ARENA_BYTES);
    if (!arena)
        return FAIL(NO_MEMORY, "tag '" STR_FMT "': out of memory", STR_ARG(key));
    TRY_CTX(put_set(s3_client_of(store), cancel, key, tags, arena), "tag '" STR_FMT "'", STR_ARG(key));
    return NULL;
}
