/* Multipart uploads: the plan, the requests, and every odd answer, whose upload must be aborted or settled. */
#include "store/s3/multipart.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/s3/test_s3.h"
#include "store/test_dir.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define NO_CONTENT "HTTP/1.1 204 N\r\n\r\n"
#define CREATED                                                                                                        \
    "HTTP/1.1 200 OK\r\nContent-Length: 94\r\n\r\n"                                                                    \
    "<InitiateMultipartUploadResult><UploadId>u+1/=</UploadId></InitiateMultipartUploadResult>     "
#define PART "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"5d41402abc4b2a76b9719d911017c592\"\r\n\r\n"
#define COMPLETED                                                                                                      \
    "HTTP/1.1 200 OK\r\nContent-Length: 66\r\n\r\n"                                                                    \
    "<CompleteMultipartUploadResult/>                                  "
/* The MD5 of the MD5 of "hello". */
#define HELLO_ETAG "62109206880d38a4010a98e11243924a-1"
#define OURS_IS_THERE "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"" HELLO_ETAG "\"\r\n\r\n"
#define THEIRS_IS_THERE "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"0\"\r\n\r\n"
#define NOT_THERE "HTTP/1.1 404 N\r\n\r\n"

static const PutOptions in_parts = {.multipart_from_bytes = 1};

static Error *put_hello(const S3Test *f, PutMode mode)
{
    PutOptions options = in_parts;
    options.mode = mode;
    options.if_etag = STR("e0");
    return store_put_bytes(f->store, NULL, STR("x"), str_bytes(STR("hello")), &options);
}

/* ---- the plan ---- */

static void test_part_bytes(void **state)
{
    (void)state;
    static const S3Provider usual = {
        .part_min_bytes = 5 * MIB, .object_max_bytes = (uint64_t)5 << 40, .parts_max = 10000};
    static const S3Provider few = {.part_min_bytes = 5 * MIB, .object_max_bytes = (uint64_t)5 << 40, .parts_max = 1000};
    static const S3Provider large = {
        .part_min_bytes = 64 * MIB, .object_max_bytes = (uint64_t)5 << 40, .parts_max = 10000};
    static const struct {
        const S3Provider *provider;
        uint64_t size_bytes, wanted_bytes, part_bytes;
    } rows[] = {
        {&usual, 1, 0, 8 * MIB},
        {&usual, (uint64_t)80000 * MIB, 0, 8 * MIB},
        {&usual, (uint64_t)80000 * MIB + 1, 0, 8 * MIB + 1},
        {&usual, 100 * MIB, 1, 5 * MIB},
        {&usual, 100 * MIB, 64 * MIB, 64 * MIB},
        {&usual, (uint64_t)5 << 40, 0, ((uint64_t)5 << 40) / 10000 + 1},
        {&few, (uint64_t)80000 * MIB, 0, 80 * MIB},
        {&large, 100 * MIB, 0, 64 * MIB},
    };
    uint64_t part = 0;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_ok(s3_part_bytes(rows[i].provider, rows[i].size_bytes, rows[i].wanted_bytes, &part));
        assert_int_equal(part, rows[i].part_bytes);
        assert_true((rows[i].size_bytes - 1) / part < rows[i].provider->parts_max);
    }
    assert_fails(s3_part_bytes(&usual, ((uint64_t)5 << 40) + 1, 0, &part), ERR_LIMIT);
}

/* spec/s3.md 1.13: two parts of 5 MiB of 'a'. */
static void test_etag_known_answer(void **state)
{
    (void)state;
    char etag[S3_MULTIPART_ETAG_MAX];
    Str parts[2] = {STR("79b281060d337b9b2b84ccf390adcf74"), STR("79B281060D337B9B2B84CCF390ADCF74")};
    assert_true(s3_multipart_etag(parts, 2, etag));
    assert_string_equal(etag, "daebcb5e72f14b690c18018c9f92af05-2");
    parts[1] = STR("79b281060d337b9b2b84ccf390adcf7");
    assert_false(s3_multipart_etag(parts, 2, etag));
    parts[1] = STR("79b281060d337b9b2b84ccf390adcfxx");
    assert_false(s3_multipart_etag(parts, 2, etag));
}

/* ---- requests ---- */

static void test_requests(void **state)
{
    (void)state;
    S3_TEST(f, {.text = CREATED}, {.text = PART}, {.text = COMPLETED});
    MetadataEntry entry = {STR("a"), STR("1")};
    PutOptions options = in_parts;
    options.metadata = (Metadata){&entry, 1};
    options.tags = STR("t=1");
    options.headers.storage_class = STR("STANDARD_IA");
    options.mode = PUT_IF_ABSENT;
    assert_ok(store_put_bytes(f.store, NULL, STR("x"), str_bytes(STR("hello")), &options));
    s3_test_sent(&f, 0, "POST /bucket/pre/x?uploads= HTTP/1.1\r\n");
    s3_test_sent(&f, 0, "x-amz-meta-a: 1\r\n");
    s3_test_sent(&f, 0, "x-amz-tagging: t=1\r\n");
    s3_test_sent(&f, 0, "x-amz-storage-class: STANDARD_IA\r\n");
    s3_test_not_sent(&f, 0, "if-none-match");
    s3_test_sent(&f, 1, "PUT /bucket/pre/x?partNumber=1&uploadId=u%2B1%2F%3D HTTP/1.1\r\n");
    s3_test_sent(&f, 1, "x-amz-content-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\n");
    s3_test_not_sent(&f, 1, "x-amz-meta-a");
    s3_test_sent(&f, 2, "POST /bucket/pre/x?uploadId=u%2B1%2F%3D HTTP/1.1\r\n");
    s3_test_sent(&f, 2, "if-none-match: *\r\n");
    s3_test_sent(&f, 2, "x-amz-mp-object-size: 5\r\n");
    s3_test_body_has(&f, 2,
                     "<Part><PartNumber>1</PartNumber><ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag></Part>"
                     "</CompleteMultipartUpload>");
    assert_int_equal(s3_test_count(&f), 3);
}

#define KEY_32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* Who pays and whose bucket it is goes with all of them; a customer's key with all but the one that aborts, which knows no content; what the
 * object is to be like with the first. */
static void test_what_goes_with_every_request(void **state)
{
    (void)state;
    static const TestReply well[] = {{.text = CREATED}, {.text = PART}, {.text = PART}, {.text = COMPLETED}};
    static const TestReply badly[] = {
        {.text = CREATED}, {.text = "HTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n"}, {.text = NO_CONTENT}};
    PatternBody pattern = {.changes_at = UINT64_MAX};
    PutBody body = pattern_body(&pattern, 5 * MIB + 1);
    PutOptions options = {.multipart_from_bytes = 1, .part_bytes = 5 * MIB, .parts_max = 1};
    StoreOptions store = {.customer_key = STR(KEY_32),
                          .storage_class = STR("GLACIER_IR"),
                          .requester_pays = true,
                          .expected_bucket_owner = STR("123456789012")};
    for (unsigned fails = 0; fails < 2; fails++) {
        size_t count = fails ? ARRAY_COUNT(badly) : ARRAY_COUNT(well);
        CLEANUP(s3_test_done) S3Test f = {0};
        s3_test_open(&f, "s3://bucket/pre/", store, fails ? badly : well, count);
        CLEANUP(error_freep) Error *err = store_put(f.store, NULL, STR("x"), &body, &options);
        assert_int_equal(error_code(err), fails ? ERR_DENIED : ERR_OK);
        assert_int_equal(s3_test_count(&f), count);
        for (size_t i = 0; i < count; i++) {
            bool aborts = fails && i == count - 1;
            s3_test_sent(&f, i, "x-amz-request-payer: requester\r\n");
            s3_test_sent(&f, i, "x-amz-expected-bucket-owner: 123456789012\r\n");
            (aborts ? s3_test_not_sent : s3_test_sent)(&f, i, "x-amz-server-side-encryption-customer-key: " KEY_32);
            (aborts ? s3_test_not_sent : s3_test_sent)(&f, i, "x-amz-server-side-encryption-customer-key-md5: ");
            (i > 0 ? s3_test_not_sent : s3_test_sent)(&f, i, "x-amz-storage-class: GLACIER_IR");
        }
        if (fails)
            s3_test_sent(&f, count - 1, "DELETE /bucket/pre/x?uploadId=");
    }
}

static void test_checksum_of_the_whole(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = CREATED}, {.text = PART}, {.text = PART}, {.text = PART}, {.text = COMPLETED}};
    CLEANUP(s3_test_done) S3Test f = {0};
    s3_test_open(&f, "s3://bucket", (StoreOptions){.provider = STR("versitygw")}, replies, 5);
    PatternBody pattern = {.changes_at = UINT64_MAX};
    PutBody body = pattern_body(&pattern, 12 * MIB + 1);
    PutOptions options = {.multipart_from_bytes = 1, .part_bytes = 5 * MIB, .parts_max = 2};
    CLEANUP(cleanup_free) uint8_t *all = malloc(body.size_bytes);
    char text[CHECKSUM_TEXT_MAX_BYTES + 8], line[128];

    assert_ok(body.read_at(body.context, 0, all, body.size_bytes));
    Checksum whole = checksum_of(CHECKSUM_CRC64NVME, bytes_from(all, body.size_bytes));
    checksum_text(&whole, text);
    snprintf(line, sizeof(line), "x-amz-checksum-crc64nvme: %s\r\n", text);
    assert_ok(store_put(f.store, NULL, STR("x"), &body, &options));
    s3_test_sent(&f, 0, "x-amz-checksum-algorithm: CRC64NVME\r\n");
    s3_test_sent(&f, 0, "x-amz-checksum-type: FULL_OBJECT\r\n");
    s3_test_sent(&f, 4, line);
    s3_test_sent(&f, 4, "x-amz-checksum-type: FULL_OBJECT\r\n");
    s3_test_sent(&f, 4, "x-amz-mp-object-size: 12582913\r\n");
    s3_test_body_has(&f, 4, "</ETag><ChecksumCRC64NVME>");
    for (size_t i = 1, last = 0; i < 4; i++) { /* in any order, each whole */
        const TestRequest *request = test_server_request(f.server, i);
        size_t number = (size_t)(strstr(request->head, "partNumber=")[11] - '0');
        last = number == 3 ? 2 * MIB + 1 : 5 * MIB;
        assert_int_equal(request->body_bytes, last);
        assert_memory_equal(request->body, all + (number - 1) * 5 * MIB, last);
    }
}

/* SHA-256 of parts cannot be combined: S3 keeps that of all of them with "-2" behind it, and what the server says is compared. */
static void test_checksum_of_parts(void **state)
{
    (void)state;
    enum { PART_BYTES = 5 * MIB, WHOLE_BYTES = 5 * MIB + 1 };
    PatternBody pattern = {.changes_at = UINT64_MAX};
    PutBody body = pattern_body(&pattern, WHOLE_BYTES);
    PutOptions options = {.multipart_from_bytes = 1, .part_bytes = PART_BYTES};
    CLEANUP(cleanup_free) uint8_t *all = malloc(WHOLE_BYTES);
    assert_ok(body.read_at(body.context, 0, all, WHOLE_BYTES));
    Checksum parts[] = {checksum_of(CHECKSUM_SHA256, bytes_from(all, PART_BYTES)),
                        checksum_of(CHECKSUM_SHA256, bytes_from(all + PART_BYTES, 1))};
    uint8_t both[2 * SHA256_BYTES];
    memcpy(both, parts[0].value, SHA256_BYTES);
    memcpy(both + SHA256_BYTES, parts[1].value, SHA256_BYTES);
    Checksum whole = checksum_of(CHECKSUM_SHA256, bytes_from(both, sizeof both));
    whole.parts = 2;

    for (unsigned wrong = 0; wrong < 2; wrong++) {
        char text[CHECKSUM_TEXT_MAX_BYTES + 8], part_text[CHECKSUM_TEXT_MAX_BYTES + 8], line[256], document[512];
        whole.value[0] = (uint8_t)(whole.value[0] ^ wrong);
        checksum_text(&whole, text);
        snprintf(line, sizeof line,
                 "<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag><ChecksumSHA256>%s</ChecksumSHA256>"
                 "</CompleteMultipartUploadResult>",
                 text);
        const TestReply replies[] = {{.text = CREATED},
                                     {.text = PART},
                                     {.text = PART},
                                     {.text = s3_test_reply(document, sizeof document, "200 OK", line)}};
        CLEANUP(s3_test_done) S3Test f = {0};
        s3_test_open(&f, "s3://bucket", (StoreOptions){.checksum_algorithm = STR("SHA256")}, replies, 4);
        if (wrong)
            assert_fails_saying(store_put(f.store, NULL, STR("x"), &body, &options), ERR_CORRUPT, "its SHA256 is");
        else
            assert_ok(store_put(f.store, NULL, STR("x"), &body, &options));
        s3_test_sent(&f, 0, "x-amz-checksum-algorithm: SHA256\r\n");
        s3_test_sent(&f, 0, "x-amz-checksum-type: COMPOSITE\r\n");
        s3_test_sent(&f, 1, "x-amz-checksum-sha256: ");
        s3_test_not_sent(&f, 3, "x-amz-checksum-");
        checksum_text(&parts[0], part_text);
        snprintf(line, sizeof line, "</ETag><ChecksumSHA256>%s</ChecksumSHA256></Part>", part_text);
        s3_test_body_has(&f, 3, line);
    }
}

/* The profile's words to aws-cli about transfers count where the caller has none. */
static void test_sizes_of_the_profile(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = CREATED}, {.text = PART}, {.text = PART}, {.text = COMPLETED}};
    char dir[TEST_DIR_BYTES], path[TEST_DIR_BYTES + 64];
    test_dir_new(dir);
    test_dir_write(dir, "config", "[default]\ns3 =\n  multipart_threshold = 6MB\n  multipart_chunksize = 5MB\n");
    snprintf(path, sizeof(path), "AWS_CONFIG_FILE=%s/config", dir);
    const char *environment[] = {path, NULL};
    CLEANUP(s3_test_done) S3Test f = {0};
    s3_test_open(&f, "s3://bucket/pre/", (StoreOptions){.environment = environment}, replies, ARRAY_COUNT(replies));
    PatternBody pattern = {.changes_at = UINT64_MAX};
    PutBody body = pattern_body(&pattern, 6 * MIB);
    assert_ok(store_put(f.store, NULL, STR("x"), &body, &(PutOptions){.parts_max = 1}));
    assert_int_equal(s3_test_count(&f), 4);
    assert_int_equal(test_server_request(f.server, 1)->body_bytes, 5 * MIB);
    assert_int_equal(test_server_request(f.server, 2)->body_bytes, MIB);
    test_dir_remove(dir);
}

static void test_body_changes(void **state)
{
    (void)state;
    S3_TEST(f, {.text = CREATED}, {.text = PART}, {.text = NO_CONTENT});
    PatternBody pattern = {.changes_at = 3};
    PutBody body = pattern_body(&pattern, 1000);
    assert_fails_saying(store_put(f.store, NULL, STR("x"), &body, &in_parts), ERR_CHANGED, "part 1 of 1");
    s3_test_sent(&f, 2, "DELETE /bucket/pre/x?uploadId=u%2B1%2F%3D HTTP/1.1\r\n");
}

/* ---- odd answers ---- */

typedef struct OddRow {
    const char *name;
    PutMode mode;
    const char *replies[8]; /* behind Create, until NULL; "" is a reset */
    ErrorCode code;
    bool aborted; /* the last request is the abort */
} OddRow;

#define XML_200(length, text) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" text
#define ERROR_500 XML_200("41", "<Error><Code>InternalError</Code></Error>")
#define PADDED_ERROR XML_200("46", "     <Error><Code>InternalError</Code></Error>")
#define NO_UPLOAD "HTTP/1.1 404 N\r\nContent-Length: 40\r\n\r\n<Error><Code>NoSuchUpload</Code></Error>"
#define REFUSED_412 "HTTP/1.1 412 P\r\nContent-Length: 46\r\n\r\n<Error><Code>PreconditionFailed</Code></Error>"
#define CONFLICT_409                                                                                                   \
    "HTTP/1.1 409 C\r\nContent-Length: 54\r\n\r\n<Error><Code>ConditionalRequestConflict</Code></Error>"

static const OddRow odd[] = {
    {"error in 200, then well", PUT_REPLACE, {PART, ERROR_500, COMPLETED}, ERR_OK, false},
    {"spaces and error in 200, then well", PUT_REPLACE, {PART, PADDED_ERROR, COMPLETED}, ERR_OK, false},
    {"empty 200, then well", PUT_REPLACE, {PART, OK_EMPTY, COMPLETED}, ERR_OK, false},
    {"cut document, then well",
     PUT_REPLACE,
     {PART, XML_200("31", "<CompleteMultipartUploadResult>"), COMPLETED},
     ERR_OK,
     false},
    {"answer lost, upload gone, object ours", PUT_REPLACE, {PART, "", NO_UPLOAD, OURS_IS_THERE}, ERR_OK, false},
    {"answer lost, upload gone, object theirs",
     PUT_REPLACE,
     {PART, "", NO_UPLOAD, THEIRS_IS_THERE, NO_CONTENT},
     ERR_NOT_FOUND,
     true},
    {"answer lost, upload gone, no object",
     PUT_REPLACE,
     {PART, "", NO_UPLOAD, NOT_THERE, NO_CONTENT},
     ERR_NOT_FOUND,
     true},
    {"answer lost, condition fails, ours", PUT_IF_ABSENT, {PART, "", REFUSED_412, OURS_IS_THERE}, ERR_OK, false},
    {"answer lost, condition fails, theirs",
     PUT_IF_ABSENT,
     {PART, "", REFUSED_412, THEIRS_IS_THERE, NO_CONTENT},
     ERR_EXISTS,
     true},
    {"there", PUT_IF_ABSENT, {PART, REFUSED_412, NO_CONTENT}, ERR_EXISTS, true},
    {"changed", PUT_IF_UNCHANGED, {PART, REFUSED_412, NO_CONTENT}, ERR_CHANGED, true},
    {"conflict: from the start",
     PUT_IF_ABSENT,
     {PART, CONFLICT_409, NO_CONTENT, CREATED, PART, COMPLETED},
     ERR_OK,
     false},
    {"denied",
     PUT_REPLACE,
     {PART, XML_200("40", "<Error><Code>AccessDenied</Code></Error>"), NO_CONTENT},
     ERR_DENIED,
     true},
    {"another document", PUT_REPLACE, {PART, XML_200("13", "<html></html>"), NO_CONTENT}, ERR_CORRUPT, true},
    {"part denied",
     PUT_REPLACE,
     {"HTTP/1.1 403 F\r\nContent-Length: 40\r\n\r\n<Error><Code>AccessDenied</Code></Error>", NO_CONTENT},
     ERR_DENIED,
     true},
    {"part twice", PUT_REPLACE, {"HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n", PART, COMPLETED}, ERR_OK, false},
    {"part without ETag", PUT_REPLACE, {OK_EMPTY, NO_CONTENT}, ERR_CORRUPT, true},
    {"abort finds nothing", PUT_REPLACE, {OK_EMPTY, NO_UPLOAD}, ERR_CORRUPT, true},
};

static void check_odd(const OddRow *row)
{
    TestReply replies[9] = {{.text = CREATED}};
    size_t count = 1;
    for (; count < 9 && row->replies[count - 1]; count++) {
        const char *text = row->replies[count - 1];
        replies[count] = *text ? (TestReply){.text = text} : (TestReply){.end = TEST_RESET};
    }
    CLEANUP(s3_test_done) S3Test f = {0};
    s3_test_open(&f, "s3://bucket/pre/", (StoreOptions){0}, replies, count);
    Error *err = put_hello(&f, row->mode);
    if (error_code(err) != row->code || s3_test_count(&f) != count)
        print_error("%s: %s: %s, %zu requests\n", row->name, error_code_name(error_code(err)), error_message_view(err),
                    s3_test_count(&f));
    assert_int_equal(error_code(err), row->code);
    error_free(err);
    assert_int_equal(s3_test_count(&f), count);
    if (row->aborted)
        s3_test_sent(&f, count - 1, "DELETE /bucket/pre/x?uploadId=");
    assert_int_equal(store_counters(f.store).stray_uploads, 0);
}

static void test_odd_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(odd); i++)
        check_odd(&odd[i]);
}

/* F4: a 200 whose body is an error, again and again: missed 0. */
static void test_errors_in_200(void **state)
{
    (void)state;
    enum { TIMES = 150 };
    static TestReply replies[5 * TIMES];
    for (size_t i = 0; i < TIMES; i++) {
        replies[5 * i] = (TestReply){.text = ERROR_500};
        replies[5 * i + 1] = (TestReply){.text = CREATED};
        replies[5 * i + 2] = (TestReply){.text = PART};
        replies[5 * i + 3] = (TestReply){.text = i % 2 ? ERROR_500 : PADDED_ERROR};
        replies[5 * i + 4] = (TestReply){.text = COMPLETED};
    }
    CLEANUP(s3_test_done) S3Test f = {0};
    s3_test_open(&f, "s3://bucket/pre/", (StoreOptions){0}, replies, ARRAY_COUNT(replies));
    for (size_t i = 0; i < TIMES; i++)
        assert_ok(put_hello(&f, PUT_REPLACE));
    assert_int_equal(s3_test_count(&f), 5 * TIMES);
}

static void count_warnings(void *context, LogLevel level, const char *message)
{
    unsigned *count = context;
    *count += level == LOG_WARNING && strstr(message, "quern uploads abort") && strstr(message, "u+1/=");
}

static void test_stray_is_told(void **state)
{
    (void)state;
    static const TestReply replies[] = {
        {.text = CREATED}, {.text = OK_EMPTY}, {.text = "HTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n"}};
    CLEANUP(s3_test_done) S3Test f = {0};
    unsigned warnings = 0;
    CLEANUP(log_freep) Log *log = log_new(LOG_INFO, count_warnings, &warnings);
    s3_test_open(&f, "s3://bucket", (StoreOptions){.log = log}, replies, 3);
    assert_fails(put_hello(&f, PUT_REPLACE), ERR_CORRUPT);
    assert_int_equal(store_counters(f.store).stray_uploads, 1);
    assert_int_equal(warnings, 1);
    store_free(f.store); /* before its log */
    f.store = NULL;
}

static Error *cancel_while_read(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    memset(out, 'x', len);
    if (offset_bytes > 0)
        cancel_raise(context, CANCEL_STOP);
    return NULL;
}

static void test_cancelled(void **state)
{
    (void)state;
    S3_TEST(f, {.text = CREATED}, {.text = NO_CONTENT});
    Cancel cancel = {0};
    PutBody body = {.size_bytes = 20 * MIB, .read_at = cancel_while_read, .context = &cancel};
    assert_fails(store_put(f.store, &cancel, STR("x"), &body, &in_parts), ERR_CANCELLED);
    s3_test_sent(&f, s3_test_count(&f) - 1, "DELETE /bucket/pre/x?uploadId=");
}

static Error *unreadable(void *context, uint64_t offset_bytes, uint8_t *out, size_t len)
{
    (void)context;
    memset(out, 'x', len);
    return offset_bytes < 8 * MIB ? NULL : FAIL(CHANGED, "the file is shorter now");
}

static void test_body_fails(void **state)
{
    (void)state;
    S3_TEST(f, {.text = CREATED}, {.text = PART}, {.text = NO_CONTENT});
    PutBody body = {.size_bytes = 20 * MIB, .read_at = unreadable};
    assert_fails_saying(store_put(f.store, NULL, STR("x"), &body, &in_parts), ERR_CHANGED, "shorter now");
    size_t i = 0; /* the part that was in flight may be seen later than what ended the upload */
    while (i + 1 < s3_test_count(&f) && !str_starts_with(str_of(s3_test_head(&f, i)), STR("DELETE")))
        i++;
    s3_test_sent(&f, i, "DELETE /bucket/pre/x?uploadId=");
}

static void test_no_multipart(void **state)
{
    (void)state;
    static const TestReply replies[] = {{.text = OK_EMPTY}};
    CLEANUP(s3_test_done) S3Test f = {0};
    s3_test_open(&f, "s3://bucket", (StoreOptions){.provider = STR("rclone")}, replies, 1);
    assert_ok(put_hello(&f, PUT_REPLACE));
    s3_test_sent(&f, 0, "PUT /bucket/x HTTP/1.1\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_part_bytes),
        cmocka_unit_test(test_etag_known_answer),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_what_goes_with_every_request),
        cmocka_unit_test(test_checksum_of_the_whole),
        cmocka_unit_test(test_checksum_of_parts),
        cmocka_unit_test(test_sizes_of_the_profile),
        cmocka_unit_test(test_body_changes),
        cmocka_unit_test(test_odd_answers),
        cmocka_unit_test(test_errors_in_200),
        cmocka_unit_test(test_stray_is_told),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_body_fails),
        cmocka_unit_test(test_no_multipart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
