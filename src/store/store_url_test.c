#include "store/store_url.h"

#include "base/testing.h"

static const struct {
    const char *text;
    ErrorCode code;
    StoreScheme scheme;
    const char *bucket, *rest;
} rows[] = {
    {"s3://bucket", ERR_OK, STORE_SCHEME_S3, "bucket", ""},
    {"s3://bucket/", ERR_OK, STORE_SCHEME_S3, "bucket", ""},
    {"s3://bucket/a/b", ERR_OK, STORE_SCHEME_S3, "bucket", "a/b"},
    {"s3://bucket//a//", ERR_OK, STORE_SCHEME_S3, "bucket", "/a//"},
    {"s3://bucket/a%20b?c#d", ERR_OK, STORE_SCHEME_S3, "bucket", "a%20b?c#d"},
    {"s3://Old_Bucket.name/x", ERR_OK, STORE_SCHEME_S3, "Old_Bucket.name", "x"},
    {"s3://bucket/../x", ERR_OK, STORE_SCHEME_S3, "bucket", "../x"},
    {"file:///tmp/x", ERR_OK, STORE_SCHEME_FILE, "", "/tmp/x"},
    {"file://localhost/tmp", ERR_OK, STORE_SCHEME_FILE, "", "/tmp"},
    {"file:relative/x", ERR_OK, STORE_SCHEME_FILE, "", "relative/x"},
    {"file:/tmp", ERR_OK, STORE_SCHEME_FILE, "", "/tmp"},
    {"/tmp/a b", ERR_OK, STORE_SCHEME_FILE, "", "/tmp/a b"},
    {".", ERR_OK, STORE_SCHEME_FILE, "", "."},
    {"data:x", ERR_OK, STORE_SCHEME_FILE, "", "data:x"},
    {"a/s3://b", ERR_OK, STORE_SCHEME_FILE, "", "a/s3://b"},
    {"", ERR_INVALID, 0, "", ""},
    {"file:", ERR_INVALID, 0, "", ""},
    {"file://", ERR_INVALID, 0, "", ""},
    {"file://host/x", ERR_INVALID, 0, "", ""},
    {"s3://", ERR_INVALID, 0, "", ""},
    {"s3:///key", ERR_INVALID, 0, "", ""},
    {"s3:bucket", ERR_INVALID, 0, "", ""},
    {"s3://../x", ERR_INVALID, 0, "", ""},
    {"s3://user@host/x", ERR_INVALID, 0, "", ""},
    {"s3://bucket?x/y", ERR_INVALID, 0, "", ""},
    {"s3://b\xc3\xbc/x", ERR_INVALID, 0, "", ""},
    {"s3://arn:aws:s3:us-east-1:1:accesspoint/x", ERR_UNSUPPORTED, 0, "", ""},
    {"http://host/x", ERR_UNSUPPORTED, 0, "", ""},
    {"gs://bucket", ERR_UNSUPPORTED, 0, "", ""},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        StoreUrl url;
        Error *err = store_url_parse(str_of(rows[i].text), &url);
        if (error_code(err) != rows[i].code)
            print_error("row '%s': %s\n", rows[i].text, error_message_view(err));
        assert_int_equal(error_code(err), rows[i].code);
        if (!err) {
            assert_int_equal(url.scheme, rows[i].scheme);
            assert_str(url.bucket, rows[i].bucket);
            assert_str(url.rest, rows[i].rest);
        }
        error_free(err);
    }
}

static void test_nul_and_long_bucket(void **state)
{
    (void)state;
    StoreUrl url;
    char text[512] = "s3://";
    assert_fails(store_url_parse(str_from("/a\0b", 4), &url), ERR_INVALID);
    memset(text + 5, 'b', 256);
    assert_fails(store_url_parse(str_of(text), &url), ERR_INVALID);
    text[5 + 255] = '\0';
    assert_ok(store_url_parse(str_of(text), &url));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_nul_and_long_bucket)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
