/* What a bucket says of its settings, and what that means, against a server that answers with a script. */
#include "store/s3/test_s3.h"

#define SSE(algorithm)                                                                                                  \
    "<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule><BucketKeyEnabled>true" \
    "</BucketKeyEnabled><ApplyServerSideEncryptionByDefault><SSEAlgorithm>" algorithm                                   \
    "</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
#define REFUSAL(code) "<Error><Code>" code "</Code><Message>m</Message></Error>"

typedef enum Said { NO, YES, DENIED, NOT_TOLD, CORRUPT } Said;

typedef struct Row {
    const char *name;
    BucketFeature feature;
    const char *query, *status, *body;
    Said said;
} Row;

static const Row rows[] = {
    {"a website", BUCKET_WEBSITE, "website=", "200 OK", "<WebsiteConfiguration></WebsiteConfiguration>", YES},
    {"no website", BUCKET_WEBSITE, "website=", "404 N", REFUSAL("NoSuchWebsiteConfiguration"), NO},
    {"no websites", BUCKET_WEBSITE, "website=", "501 N", REFUSAL("NotImplemented"), NO},
    {"a secret", BUCKET_WEBSITE, "website=", "403 F", REFUSAL("AccessDenied"), DENIED},
    {"a listing", BUCKET_WEBSITE, "website=", "200 OK", "<ListBucketResult></ListBucketResult>", NOT_TOLD},
    {"a lock", BUCKET_LOCK, "object-lock=", "200 OK",
     "<ObjectLockConfiguration><ObjectLockEnabled> Enabled </ObjectLockEnabled></ObjectLockConfiguration>", YES},
    {"an empty lock", BUCKET_LOCK, "object-lock=", "200 OK", "<ObjectLockConfiguration/>", NO},
    {"no lock", BUCKET_LOCK, "object-lock=", "404 N", REFUSAL("ObjectLockConfigurationNotFoundError"), NO},
    {"another's refusal", BUCKET_LOCK, "object-lock=", "404 N", REFUSAL("NoSuchWebsiteConfiguration"), NOT_TOLD},
    {"KMS", BUCKET_KMS, "encryption=", "200 OK", SSE("aws:kms"), YES},
    {"KMS twice", BUCKET_KMS, "encryption=", "200 OK", SSE("aws:kms:dsse"), YES},
    {"AES256", BUCKET_KMS, "encryption=", "200 OK", SSE("AES256"), NO},
    {"no rule", BUCKET_KMS, "encryption=", "200 OK",
     "<ServerSideEncryptionConfiguration></ServerSideEncryptionConfiguration>", NO},
    {"no encryption", BUCKET_KMS, "encryption=", "404 N", REFUSAL("ServerSideEncryptionConfigurationNotFoundError"),
     NO},
    {"versions", BUCKET_VERSIONS, "versioning=", "200 OK",
     "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", YES},
    {"no more versions", BUCKET_VERSIONS, "versioning=", "200 OK",
     "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>", NO},
    {"no versions", BUCKET_VERSIONS, "versioning=", "200 OK", "<VersioningConfiguration/>", NO},
    {"never heard of versions", BUCKET_VERSIONS, "versioning=", "501 N", REFUSAL("NotImplemented"), NO},
    {"secret versions", BUCKET_VERSIONS, "versioning=", "403 F", REFUSAL("AccessDenied"), DENIED},
    {"broken", BUCKET_KMS, "encryption=", "200 OK",
     "<ServerSideEncryptionConfiguration><Rule></Rul></ServerSideEncryptionConfiguration>", CORRUPT},
};

static Said judge(Error *take_error, bool has)
{
    ErrorCode code = error_code(take_error);
    error_free(take_error);
    return !code ? (has ? YES : NO) : code == ERR_DENIED ? DENIED : code == ERR_CORRUPT ? CORRUPT : NOT_TOLD;
}

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const Row *row = &rows[i];
        CLEANUP(s3_test_done) S3Test test = {0};
        char text[1024];
        bool has = false;
        TestReply reply = {.text = s3_test_reply(text, sizeof text, row->status, row->body)};
        s3_test_open(&test, "s3://bucket/pre/", (StoreOptions){.attempts_max = 1}, &reply, 1);
        Error *error = store_bucket_has(test.store, NULL, row->feature, &has);
        Said said = judge(error, has);
        if (said != row->said)
            print_error("%s: %d and not %d\n", row->name, (int)said, (int)row->said);
        assert_int_equal(said, row->said);
        s3_test_sent(&test, 0, row->query);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
