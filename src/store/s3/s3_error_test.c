#include "store/s3/s3_error.h"

#include "base/buffer.h"
#include "base/testing.h"

static const struct {
    unsigned status;
    const char *code;
    S3Action action;
    ErrorCode error_code;
} rows[] = {
    {500, "InternalError", S3_RETRY, ERR_UNAVAILABLE},
    {500, "", S3_RETRY, ERR_UNAVAILABLE},
    {502, "", S3_RETRY, ERR_UNAVAILABLE},
    {503, "ServiceUnavailable", S3_RETRY, ERR_UNAVAILABLE},
    {503, "SlowDown", S3_THROTTLED, ERR_UNAVAILABLE},
    {503, "SlowDownWrite", S3_THROTTLED, ERR_UNAVAILABLE},
    {503, "", S3_THROTTLED, ERR_UNAVAILABLE},
    {429, "", S3_THROTTLED, ERR_UNAVAILABLE},
    {400, "RequestTimeout", S3_RETRY, ERR_TIMEOUT},
    {400, "BadDigest", S3_RETRY_ONCE, ERR_CORRUPT},
    {400, "XAmzContentSHA256Mismatch", S3_RETRY_ONCE, ERR_CORRUPT},
    {400, "XAmzContentChecksumMismatch", S3_RETRY_ONCE, ERR_CORRUPT},
    {400, "EntityTooSmall", S3_FAIL, ERR_INVALID},
    {400, "InvalidPart", S3_FAIL, ERR_CORRUPT},
    {400, "", S3_FAIL, ERR_INVALID},
    {520, "", S3_RETRY, ERR_UNAVAILABLE},
    {409, "OperationAborted", S3_RETRY, ERR_UNAVAILABLE},
    {409, "ConditionalRequestConflict", S3_RETRY, ERR_UNAVAILABLE},
    {301, "PermanentRedirect", S3_REGION, ERR_INVALID},
    {301, "", S3_REGION, ERR_INVALID},
    {307, "TemporaryRedirect", S3_REGION, ERR_UNAVAILABLE},
    {400, "AuthorizationHeaderMalformed", S3_REGION, ERR_INVALID},
    {403, "RequestTimeTooSkewed", S3_CLOCK, ERR_DENIED},
    {403, "SignatureDoesNotMatch", S3_FAIL, ERR_DENIED},
    {403, "InvalidAccessKeyId", S3_FAIL, ERR_DENIED},
    {403, "AccessDenied", S3_FAIL, ERR_DENIED},
    {403, "", S3_FAIL, ERR_DENIED},
    {400, "ExpiredToken", S3_EXPIRED, ERR_DENIED},
    {404, "NoSuchBucket", S3_FAIL, ERR_NOT_FOUND},
    {403, "InvalidObjectState", S3_FAIL, ERR_ARCHIVED},
    {403, "ObjectNotInActiveTierError", S3_FAIL, ERR_ARCHIVED},
    {404, "NoSuchKey", S3_FAIL, ERR_NOT_FOUND},
    {404, "", S3_FAIL, ERR_NOT_FOUND},
    {412, "PreconditionFailed", S3_FAIL, ERR_CHANGED},
    {412, "", S3_FAIL, ERR_CHANGED},
    {416, "InvalidRange", S3_FAIL, ERR_INVALID},
    {405, "MethodNotAllowed", S3_FAIL, ERR_UNSUPPORTED},
    {501, "NotImplemented", S3_DROP, ERR_UNSUPPORTED},
    {507, "", S3_FAIL, ERR_NO_SPACE},
    {400, "SomethingNew", S3_FAIL, ERR_INVALID},
};

static void test_classes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        S3Class class = s3_classify(rows[i].status, str_of(rows[i].code));
        if (class.action != rows[i].action || class.code != rows[i].error_code)
            print_error("%u %s: action %d, code %s\n", rows[i].status, rows[i].code, (int)class.action,
                        error_code_name(class.code));
        assert_int_equal(class.action, rows[i].action);
        assert_int_equal(class.code, rows[i].error_code);
    }
}

static void test_parse_and_tell(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    S3Error error = {.status = 403};
    s3_error_parse(
        STR("<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code><Message>No &amp; no.</Message>"
            "<StringToSign>secret things</StringToSign><Region>eu-west-1</Region><RequestId>R1</RequestId></Error>"),
        arena, &error);
    assert_str(error.code, "SignatureDoesNotMatch");
    assert_str(error.region, "eu-west-1");
    assert_fails_saying(s3_error_tell(&error, ERR_DENIED), ERR_DENIED,
                        "403 SignatureDoesNotMatch: No & no (request R1): check the access key id and the secret");
}

static void test_archived(void **state)
{
    (void)state;
    static const struct {
        const char *body, *says;
    } cases[] = {
        {"<StorageClass>GLACIER</StorageClass><RequestId>R1</RequestId>",
         "archived (GLACIER): restore it first (request R1)"},
        {"<AccessTier>DEEP_ARCHIVE_ACCESS</AccessTier><StorageClass>INTELLIGENT_TIERING</StorageClass>",
         "archived (INTELLIGENT_TIERING, DEEP_ARCHIVE_ACCESS): restore it first"},
        {"<AccessTier>ARCHIVE_ACCESS</AccessTier>", "archived (ARCHIVE_ACCESS): restore it first"},
        {"<Message>The operation is not valid</Message>", "archived: restore it first"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
        CLEANUP(buffer_done) Buffer body = {0};
        S3Error error = {.status = 403};
        assert_ok(buffer_append_format(&body, "<Error><Code>InvalidObjectState</Code>%s</Error>", cases[i].body));
        s3_error_parse(buffer_str(&body), arena, &error);
        CLEANUP(error_freep) Error *told = s3_error_tell(&error, s3_classify(error.status, error.code).code);
        assert_int_equal(error_code(told), ERR_ARCHIVED);
        assert_string_equal(error_message_view(told), cases[i].says);
    }
}

/* What no server should send leaves the status to speak. */
static void test_other_bodies(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "<html><p>x</html>", "<Error><Code>", "{\"error\": 1}",
                                         "<!DOCTYPE x><Error/>"};
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        S3Error error = {.status = 502};
        s3_error_parse(str_of(bodies[i]), arena, &error);
        assert_int_equal(error.code.len, 0);
        assert_fails_saying(s3_error_tell(&error, ERR_UNAVAILABLE), ERR_UNAVAILABLE, "502: the server failed");
    }
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool is_error, is_complete;
    } answers[] = {
        {"<Error><Code>x</Code></Error>", true, true},
        {" \n<?xml version='1.0'?><Error/>\n", true, true},
        {"<a:Error xmlns:a='b'></a:Error>", true, true},
        {"<ListBucketResult><Contents/></ListBucketResult>\n", false, true},
        {"<ListBucketResult><Contents/></ListBucketResul", false, false},
        {"<ListBucketResult><Contents/>", false, false},
        {"<ListBucketResult/>", false, true},
        {"<ListBucketResult", false, false},
        {"<R></notR>", false, false},
        {"", false, false},
        {"text", false, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        assert_int_equal(s3_answer_is_error(str_of(answers[i].body)), answers[i].is_error);
        assert_int_equal(s3_answer_is_complete(str_of(answers[i].body)), answers[i].is_complete);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),      cmocka_unit_test(test_parse_and_tell), cmocka_unit_test(test_archived),
        cmocka_unit_test(test_other_bodies), cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
