#include "store/s3/buckets.h"

#include "base/time_text.h"
#include "store/options.h"
#include "store/s3/request.h"
#include "store/s3/uri.h"
#include "store/s3/xml.h"

#define ANSWER_MAX_BYTES (16 * MIB)

static const S3Operation list_buckets = {
    .name = "ListBuckets", .method = HTTP_GET, .of_bucket = true, .answer = S3_ANSWER_XML};

typedef struct Buckets {
    S3Request request;
    Buffer answer, query;
    Arena *arena; /* of one answer */
    StoreListFn *each;
    void *context;
} Buckets;

static void buckets_done(Buckets *buckets)
{
    s3_request_done(&buckets->request);
    buffer_done(&buckets->answer);
    buffer_done(&buckets->query);
    arena_free(buckets->arena);
}

/* <Bucket> */
MUST_USE static Error *read_bucket(Buckets *buckets, Xml *xml)
{
    CLEANUP(buffer_done) Buffer key = {0};
    ObjectInfo bucket = {.is_prefix = true};
    Str name, text;
    for (;;) {
        TRY(xml_child(xml, &name));
        if (name.len == 0)
            break;
        bool is_name = str_equal(name, STR("Name"));
        if (!is_name && !str_equal(name, STR("CreationDate"))) {
            TRY(xml_skip(xml));
            continue;
        }
        TRY(xml_text(xml, buckets->arena, &text));
        if (is_name)
            TRY(buffer_append_str(&key, str_trim(text)));
        else if (!time_parse_iso8601(str_trim(text), &bucket.modified_us))
            return FAIL(CORRUPT, "the time '" STR_FMT "' is malformed", STR_ARG(text));
    }
    if (key.len == 0)
        return FAIL(CORRUPT, "a bucket without a name");
    TRY(buffer_append_byte(&key, '/'));
    bucket.key = buffer_str(&key);
    return buckets->each(buckets->context, &bucket);
}

/* <Buckets> */
MUST_USE static Error *read_buckets(Buckets *buckets, Xml *xml)
{
    Str name;
    for (;;) {
        TRY(xml_child(xml, &name));
        if (name.len == 0)
            return NULL;
        if (str_equal(name, STR("Bucket")))
            TRY(read_bucket(buckets, xml));
        else
            TRY(xml_skip(xml));
    }
}

/* `*ret_token`: of the next answer, in the arena; "": there is none. */
MUST_USE static Error *read_answer(Buckets *buckets, Str *ret_token)
{
    Xml xml;
    Str name;
    *ret_token = STR_EMPTY;
    xml_init(&xml, buffer_str(&buckets->answer));
    TRY(xml_root(&xml, &name));
    if (!str_equal(name, STR("ListAllMyBucketsResult")))
        return FAIL(CORRUPT, "the answer is '" STR_FMT "' and not ListAllMyBucketsResult", STR_ARG(name));
    for (;;) {
        TRY(xml_child(&xml, &name));
        if (name.len == 0)
            return xml_end(&xml);
        if (str_equal(name, STR("ContinuationToken"))) {
            TRY(xml_text(&xml, buckets->arena, ret_token));
        } else if (str_equal(name, STR("Buckets"))) {
            TRY(read_buckets(buckets, &xml));
        } else {
            TRY(xml_skip(&xml));
        }
    }
}

/* The query for what comes behind `token`; a token that does not move would go on for ever. */
MUST_USE static Error *set_place(Buckets *buckets, Str token)
{
    CLEANUP(buffer_done) Buffer query = {0};
    TRY(buffer_append_str(&query, STR("continuation-token=")));
    TRY(uri_append_query(&query, token));
    if (str_equal(buffer_str(&query), buffer_str(&buckets->query)))
        return FAIL(CORRUPT, "the server asks for the same page again and again");
    buffer_clear(&buckets->query);
    return buffer_append_str(&buckets->query, buffer_str(&query));
}

MUST_USE static Error *ask_all(Buckets *buckets, const Cancel *cancel)
{
    Str token;
    do {
        buffer_clear(&buckets->answer);
        arena_reset(buckets->arena);
        buckets->request.query = buffer_str(&buckets->query);
        TRY(s3_request_run(&buckets->request, cancel));
        TRY_CTX(read_answer(buckets, &token), "list the buckets");
        if (token.len > 0)
            TRY_CTX(set_place(buckets, token), "list the buckets");
    } while (token.len > 0);
    return NULL;
}

Error *s3_list_buckets(const StoreOptions *options, const Cancel *cancel, StoreListFn *each, void *context)
{
    StoreOptions of_service = *options;
    S3Client client;
    of_service.addressing = STORE_ADDRESSING_PATH; /* there is no bucket to be a host's name */
    TRY(s3_client_init(&client, STR_EMPTY, STR_EMPTY, &of_service));
    CLEANUP(buckets_done)
    Buckets buckets = {
        .request = {.client = &client, .operation = &list_buckets},
        .answer = {.limit = ANSWER_MAX_BYTES},
        .arena = arena_new(ANSWER_MAX_BYTES),
        .each = each,
        .context = context,
    };
    buckets.request.body = &buckets.answer;
    Error *err = buckets.arena ? ask_all(&buckets, cancel) : FAIL(NO_MEMORY, "list the buckets: out of memory");
    s3_client_done(&client);
    return err;
}
