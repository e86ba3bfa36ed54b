/* Which provider it is, and what is learnt. */
#include "store/s3/quirks.h"

#include "base/testing.h"

static const struct {
    const char *name, *host, *server, *provider;
} rows[] = {
    {"", "", "", "aws"},
    {"", "bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com", "x", "aws"},
    {"", "account.r2.cloudflarestorage.com", "cloudflare", "r2"},
    {"", "storage.googleapis.com", "", "gcs"},
    {"", "s3.eu-central-003.backblazeb2.com", "nginx", "backblaze"},
    {"", "os.zhdk.cloud.switch.ch:443", "", "ceph"},
    {"", "s3.fr-par.scw.cloud", "", "scaleway"},
    {"", "gateway.storjshare.io", "", "storj"},
    {"", "fra1.digitaloceanspaces.com", "", "rgw-hosted"},
    {"", "127.0.0.1:9000", "", "unknown"},
    {"", "127.0.0.1:9000", "MinIO", "minio"},
    {"", "127.0.0.1:9000", "minio/RELEASE.2026", "minio"},
    {"", "127.0.0.1:9000", "VERSITYGW", "versitygw"},
    {"", "127.0.0.1:9000", "Werkzeug/3.1 Python/3.11", "moto"},
    {"", "127.0.0.1:9000", "SeaweedFS 3.9", "seaweedfs"},
    {"", "127.0.0.1:9000", "AmazonS3", "unknown"}, /* many say so */
    {"r2", "127.0.0.1:9000", "MinIO", "r2"},
    {"unknown", "storage.googleapis.com", "UploadServer", "unknown"},
};

static void test_detection(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        S3Quirks quirks;
        assert_ok(s3_quirks_init(&quirks, str_of(rows[i].name), str_of(rows[i].host), NULL));
        s3_quirks_hear_server(&quirks, str_of(rows[i].server));
        assert_string_equal(s3_quirks_provider(&quirks)->name, rows[i].provider);
    }
    S3Quirks quirks;
    assert_fails_saying(s3_quirks_init(&quirks, STR("azure"), STR_EMPTY, NULL), ERR_INVALID, "aws, minio, ceph, r2");
}

static void test_learning(void **state)
{
    (void)state;
    S3Quirks quirks;
    assert_ok(s3_quirks_init(&quirks, STR_EMPTY, STR("127.0.0.1"), NULL));
    assert_true(s3_quirks_have(&quirks, S3_NO_CRC64));
    assert_false(s3_quirks_have(&quirks, S3_LIST_V1));
    assert_false(s3_quirks_learn(&quirks, S3_NO_CRC64));
    assert_true(s3_quirks_learn(&quirks, S3_LIST_V1));
    assert_false(s3_quirks_learn(&quirks, S3_LIST_V1));
    assert_true(s3_quirks_have(&quirks, S3_LIST_V1));
    s3_quirks_hear_server(&quirks, STR("VERSITYGW"));
    assert_true(s3_quirks_have(&quirks, S3_LIST_V1)); /* what was learnt stays */
    assert_false(s3_quirks_have(&quirks, S3_NO_CRC64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_detection), cmocka_unit_test(test_learning)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
