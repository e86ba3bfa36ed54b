/* Listings against a server that answers with a script: the forms of a listing, and faults, which never make a listing shorter. */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/testing.h"
#include "store/s3/test_s3.h"

#define KEY(key) "<Contents><Key>pre/" key "</Key><Size>1</Size><ETag>\"e\"</ETag></Contents>"
#define CUT(key) "<CommonPrefixes><Prefix>pre/" key "</Prefix></CommonPrefixes>"
#define TOKEN(token) "<IsTruncated>true</IsTruncated><NextContinuationToken>" token "</NextContinuationToken>"
#define NO_TOKEN "<IsTruncated>true</IsTruncated>"
#define MARKER(key) NO_TOKEN "<NextMarker>pre/" key "</NextMarker>"
#define PAGE(inside) "<ListBucketResult>" inside "</ListBucketResult>"
#define VERSIONS(inside) "<ListVersionsResult>" inside "</ListVersionsResult>"
#define VERSION(key, id, latest)                                                                                       \
    "<Version><Key>pre/" key "</Key><VersionId>" id "</VersionId><IsLatest>" latest                                    \
    "</IsLatest><Size>1</Size></Version>"
#define DELETED(key, id, time)                                                                                         \
    "<DeleteMarker><Key>pre/" key "</Key><VersionId>" id "</VersionId><IsLatest>true</IsLatest><LastModified>" time    \
    "</LastModified></DeleteMarker>"
#define NEXT_VERSION(key, id)                                                                                          \
    NO_TOKEN "<NextKeyMarker>pre/" key "</NextKeyMarker><NextVersionIdMarker>" id "</NextVersionIdMarker>"
#define ERROR_BODY(code) "<Error><Code>" code "</Code><Message>m</Message></Error>"

enum { PAGES_MAX = 4, REPLY_BYTES = 2048 };

/* "key;", "prefix|", "key@version;", "key@version-;" for a delete marker, with "!" when it is the latest. */
static Error *append_entry(void *context, const ObjectInfo *object)
{
    Buffer *out = context;
    TRY(buffer_append_str(out, object->key));
    if (object->version_id.len > 0)
        TRY(buffer_append_format(out, "@" STR_FMT "%s%s", STR_ARG(object->version_id),
                                 object->is_delete_marker ? "-" : "", object->is_latest ? "!" : ""));
    return buffer_append_byte(out, object->is_prefix ? '|' : ';');
}

typedef struct Row {
    const char *name;
    ListOptions options;
    const char *provider;
    const char *pages[PAGES_MAX];    /* bodies; NULL: no more */
    const char *statuses[PAGES_MAX]; /* NULL: 200 OK */
    ErrorCode code;
    const char *shown;
    const char *sent[PAGES_MAX]; /* a part of the request's line; NULL: any */
} Row;

#define OPTIONS(...) .options = {__VA_ARGS__}
#define SLASH .delimiter = {"/", 1}

static const Row rows[] = {
    {"one level",
     OPTIONS(SLASH),
     NULL,
     {PAGE(KEY("a") KEY("c") CUT("b/") CUT("d/"))},
     {0},
     ERR_OK,
     "a;b/|c;d/|",
     {"GET /bucket?delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix=pre%2F "}},
    {"a prefix on two pages",
     OPTIONS(SLASH),
     NULL,
     {PAGE(KEY("a") CUT("b/") TOKEN("1")), PAGE(CUT("b/") KEY("c"))},
     {0},
     ERR_OK,
     "a;b/|c;",
     {0}},
    {"a prefix again later",
     OPTIONS(SLASH),
     NULL,
     {PAGE(KEY("a") CUT("b/") TOKEN("1")), PAGE(KEY("c") TOKEN("2")), PAGE(CUT("b/"))},
     {0},
     ERR_CORRUPT,
     "a;b/|c;",
     {0}},
    {"only prefixes, start-after in one",
     OPTIONS(SLASH, .start_after = {"b/x", 3}),
     NULL,
     {PAGE(CUT("b/") CUT("c/"))},
     {0},
     ERR_OK,
     "b/|c/|",
     {"&start-after=pre%2Fb%2Fx "}},
    {"start-after is a prefix that was shown",
     OPTIONS(SLASH, .start_after = {"b/", 2}),
     NULL,
     {PAGE(CUT("b/") CUT("c/"))},
     {0},
     ERR_OK,
     "c/|",
     {0}},
    {"version 1 by provider",
     OPTIONS(.parallel = 1),
     "seaweedfs",
     {PAGE(KEY("a") NO_TOKEN), PAGE(KEY("b"))},
     {0},
     ERR_OK,
     "a;b;",
     {"GET /bucket?encoding-type=url&max-keys=1000&prefix=pre%2F ", "&marker=pre%2Fa&max-keys=1000&prefix=pre%2F "}},
    {"version 1 where no token comes",
     OPTIONS(.parallel = 1),
     NULL,
     {PAGE(KEY("a") NO_TOKEN), PAGE(KEY("b"))},
     {0},
     ERR_OK,
     "a;b;",
     {"list-type=2", "GET /bucket?encoding-type=url&marker=pre%2Fa&max-keys=1000&prefix=pre%2F "}},
    {"version 1 with a marker",
     OPTIONS(SLASH),
     NULL,
     {PAGE(KEY("a") CUT("b/") MARKER("b/")), PAGE(KEY("c"))},
     {0},
     ERR_OK,
     "a;b/|c;",
     {"list-type=2", "&marker=pre%2Fb%2F&"}},
    {"version 1 where the other is not implemented",
     OPTIONS(.parallel = 1),
     NULL,
     {ERROR_BODY("NotImplemented"), PAGE(KEY("a"))},
     {"501 N"},
     ERR_OK,
     "a;",
     {"list-type=2", "GET /bucket?encoding-type=url&max-keys=1000&prefix=pre%2F "}},
    {"version 1 that ignores the marker",
     OPTIONS(.parallel = 1),
     NULL,
     {PAGE(KEY("a") NO_TOKEN), PAGE(KEY("a") NO_TOKEN)},
     {0},
     ERR_CORRUPT,
     "a;",
     {0}},
    {"no token and no key", OPTIONS(.parallel = 1), NULL, {PAGE(NO_TOKEN)}, {0}, ERR_CORRUPT, "", {0}},
    {"versions",
     OPTIONS(.versions = true),
     NULL,
     {VERSIONS(VERSION("a", "2", "true") VERSION("a", "1", "false") NEXT_VERSION("a", "1")),
      VERSIONS(VERSION("a", "0", "false") DELETED("b", "9", "2026-01-01T00:00:00Z"))},
     {0},
     ERR_OK,
     "a@2!;a@1;a@0;b@9-!;",
     {"GET /bucket?encoding-type=url&max-keys=1000&prefix=pre%2F&versions= ",
      "GET /bucket?encoding-type=url&key-marker=pre%2Fa&max-keys=1000&prefix=pre%2F&version-id-marker=1&versions= "}},
    {"versions and markers apart",
     OPTIONS(.versions = true),
     NULL,
     {VERSIONS(VERSION("a", "1", "false") VERSION("c", "1", "true") DELETED("a", "2", "2026-01-01T00:00:00Z"))},
     {0},
     ERR_OK,
     "a@2-!;a@1;c@1!;",
     {0}},
    {"versions again",
     OPTIONS(.versions = true),
     NULL,
     {VERSIONS(VERSION("a", "2", "true") NEXT_VERSION("a", "2")),
      VERSIONS(VERSION("a", "2", "true") NEXT_VERSION("a", "2"))},
     {0},
     ERR_CORRUPT,
     "a@2!;",
     {0}},
    {"versions out of order",
     OPTIONS(.versions = true),
     NULL,
     {VERSIONS(VERSION("b", "1", "true") VERSION("a", "1", "true"))},
     {0},
     ERR_CORRUPT,
     "",
     {0}},
    {"plain, then encoded where it cannot be read",
     OPTIONS(.parallel = 1),
     "rgw-hosted",
     {PAGE("<Contents><Key>pre/&#1;</Key>"), PAGE("<EncodingType>url</EncodingType>" KEY("%01"))},
     {0},
     ERR_OK,
     "\x01;",
     {"GET /bucket?list-type=2&max-keys=1000", "encoding-type=url"}},
    {"storage classes and parts", OPTIONS(.parallel = 8), NULL, {PAGE(KEY("a") KEY("b"))}, {0}, ERR_OK, "a;b;", {0}},
    {"no bucket", OPTIONS(.parallel = 8), NULL, {ERROR_BODY("NoSuchBucket")}, {"404 N"}, ERR_NOT_FOUND, "", {0}},
};

static void run_row(const Row *row)
{
    char texts[PAGES_MAX][REPLY_BYTES];
    TestReply replies[PAGES_MAX];
    size_t count = 0;
    for (; count < PAGES_MAX && row->pages[count]; count++)
        replies[count] = (TestReply){.text = s3_test_reply(texts[count], REPLY_BYTES,
                                                           row->statuses[count] ? row->statuses[count] : "200 OK",
                                                           row->pages[count])};
    CLEANUP(s3_test_done) S3Test test = {0};
    CLEANUP(buffer_done) Buffer shown = {0};
    s3_test_open(&test, "s3://bucket/pre/", (StoreOptions){.provider = str_of(row->provider)}, replies, count);
    Error *err = store_list_with(test.store, NULL, &row->options, append_entry, &shown);
    if (error_code(err) != row->code)
        print_error("%s: %s: %s\n", row->name, error_code_name(error_code(err)), error_message_view(err));
    assert_int_equal(error_code(err), row->code);
    error_free(err);
    assert_str(buffer_str(&shown), row->shown);
    for (size_t i = 0; i < PAGES_MAX && row->sent[i]; i++)
        s3_test_sent(&test, i, row->sent[i]);
}

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        run_row(&rows[i]);
}

/* ---- faults: spec/reliability.md F8 ---- */

typedef enum Fault {
    FAULT_REPEATED_PAGE,
    FAULT_REPEATED_KEY,
    FAULT_TOKEN_LOOP,
    FAULT_NO_TOKEN,
    FAULT_UNSORTED,
    FAULT_NOT_FOUND,
    FAULT_EMPTY_ANSWER,
    FAULTS
} Fault;

enum { SEEDS = 100, F8_PAGES = 6, F8_KEYS = 5 };

/* Keys of page `page` are k00 .. k04, k05 .. k09 and so on. */
static void write_page(char out[REPLY_BYTES], unsigned page, const unsigned keys[F8_KEYS], const char *more)
{
    char body[REPLY_BYTES];
    int len = snprintf(body, sizeof body, "<ListBucketResult>%s", more);
    for (unsigned i = 0; i < F8_KEYS; i++)
        len += snprintf(body + len, sizeof body - (size_t)len,
                        "<Contents><Key>pre/k%02u</Key><Size>1</Size></Contents>", page * F8_KEYS + keys[i]);
    snprintf(body + len, sizeof body - (size_t)len, "</ListBucketResult>");
    s3_test_reply(out, REPLY_BYTES, "200 OK", body);
}

static void write_good_page(char out[REPLY_BYTES], unsigned page, unsigned pages)
{
    char more[128];
    snprintf(more, sizeof more, page + 1 < pages ? TOKEN("t%u") : "<IsTruncated>false</IsTruncated>", page + 1);
    write_page(out, page, (const unsigned[]){0, 1, 2, 3, 4}, more);
}

/* The answers to all requests: good pages up to the faulty one, and then as such a server would go on. Returns their number. */
static size_t write_answers(Random *random, Fault fault, char texts[][REPLY_BYTES], unsigned pages)
{
    unsigned at =
        (unsigned)random_below(random, pages - 1) + (fault == FAULT_REPEATED_PAGE || fault == FAULT_TOKEN_LOOP);
    unsigned one = (unsigned)random_below(random, F8_KEYS - 1), keys[F8_KEYS] = {0, 1, 2, 3, 4};
    char more[128];
    at = MIN(at, pages - 1);
    for (unsigned i = 0; i < pages; i++)
        write_good_page(texts[i], i, pages);
    snprintf(more, sizeof more, TOKEN("t%u"), at + 1);
    switch (fault) {
    case FAULT_REPEATED_PAGE: write_page(texts[at], at - 1, keys, more); break;
    case FAULT_REPEATED_KEY:
        keys[one + 1] = keys[one];
        write_page(texts[at], at, keys, more);
        break;
    case FAULT_TOKEN_LOOP: /* what comes behind page `at` is what came behind an earlier one */
        snprintf(more, sizeof more, TOKEN("t%u"), (unsigned)random_below(random, at) + 1);
        write_page(texts[at], at, keys, more);
        write_good_page(texts[at + 1], (unsigned)random_below(random, at + 1), pages);
        return at + 2;
    case FAULT_NO_TOKEN:
        write_page(texts[at], at, keys, NO_TOKEN);
        if (random_below(random, 2) == 0)
            return at + 1; /* and markers are ignored */
        break;
    case FAULT_UNSORTED:
        keys[one] = one + 1;
        keys[one + 1] = one;
        write_page(texts[at], at, keys, more);
        break;
    case FAULT_NOT_FOUND: s3_test_reply(texts[at], REPLY_BYTES, "404 N", ERROR_BODY("NoSuchBucket")); return at + 1;
    case FAULT_EMPTY_ANSWER: s3_test_reply(texts[at], REPLY_BYTES, "200 OK", ""); return at + 1;
    case FAULTS: break;
    }
    return pages;
}

static void run_fault(Fault fault, uint64_t seed)
{
    char texts[F8_PAGES + 1][REPLY_BYTES];
    TestReply replies[F8_PAGES + 1];
    char all[F8_PAGES * F8_KEYS * 4 + 1] = "";
    Random random;
    random_init_seed(&random, seed);
    unsigned pages = 2 + (unsigned)random_below(&random, F8_PAGES - 1);
    size_t count = write_answers(&random, fault, texts, pages);
    for (size_t i = 0; i < count; i++)
        replies[i] = (TestReply){.text = texts[i]};
    for (unsigned i = 0; i < pages * F8_KEYS; i++)
        memcpy(all + 4 * i, (char[]){'k', (char)('0' + i / 10), (char)('0' + i % 10), ';', 0}, 5);

    CLEANUP(s3_test_done) S3Test test = {0};
    CLEANUP(buffer_done) Buffer shown = {0};
    s3_test_open(&test, "s3://bucket/pre/", (StoreOptions){.attempts_max = 2}, replies, count);
    ListOptions options = {.parallel = 1}; /* a script answers no probes */
    Error *err = store_list_with(test.store, NULL, &options, append_entry, &shown);
    bool is_whole = str_equal(buffer_str(&shown), str_of(all));
    bool is_beginning = str_starts_with(str_of(all), buffer_str(&shown));
    if (!(err ? is_beginning : is_whole))
        print_error("fault %d, seed %llu: %s: '" STR_FMT "' of '%s'\n", (int)fault, (unsigned long long)seed,
                    err ? error_message_view(err) : "ended well", STR_ARG(buffer_str(&shown)), all);
    assert_true(err ? is_beginning : is_whole);
    assert_true(err != NULL || fault == FAULT_NO_TOKEN);
    error_free(err);
}

static void test_faults(void **state)
{
    (void)state;
    for (int fault = 0; fault < FAULTS; fault++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            run_fault((Fault)fault, seed);
}

/* ---- buckets ---- */

static void test_buckets(void **state)
{
    (void)state;
    char texts[3][REPLY_BYTES], endpoint[64];
    static const char *const bodies[] = {
        "<ListAllMyBucketsResult><Owner><ID>o</ID></Owner><Buckets><Bucket><Name>a</Name>"
        "<CreationDate>2026-01-02T03:04:05Z</CreationDate><BucketRegion>eu</BucketRegion></Bucket></Buckets>"
        "<ContinuationToken>n/x</ContinuationToken></ListAllMyBucketsResult>",
        "<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name></Bucket></Buckets></ListAllMyBucketsResult>",
        "<ListBucketResult/>"};
    TestReply replies[3];
    for (size_t i = 0; i < 3; i++)
        replies[i] = (TestReply){.text = s3_test_reply(texts[i], REPLY_BYTES, "200 OK", bodies[i])};
    CLEANUP(s3_test_done) S3Test test = {0};
    CLEANUP(buffer_done) Buffer shown = {0};
    s3_test_open(&test, "s3://bucket/", (StoreOptions){0}, replies, 3);
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%u", test_server_port(test.server));
    StoreOptions options = {.endpoint_url = str_of(endpoint),
                            .access_key_id = STR("AKID"),
                            .secret_access_key = STR("SECRET"),
                            .clock = &test.clock};
    assert_ok(store_list_buckets(&options, NULL, append_entry, &shown));
    assert_str(buffer_str(&shown), "a/|b/|");
    s3_test_sent(&test, 0, "GET / HTTP/1.1");
    s3_test_sent(&test, 1, "GET /?continuation-token=n%2Fx HTTP/1.1");
    assert_fails(store_list_buckets(&options, NULL, append_entry, &shown), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
