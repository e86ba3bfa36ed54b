#include "store/s3/route.h"

#include "base/testing.h"

static const struct {
    const char *url;
    const char *host, *path; /* NULL: INVALID */
    bool tls;
} endpoints[] = {
    {"http://localhost:9000", "localhost:9000", "", false},
    {"https://s3.example.org/", "s3.example.org", "", true},
    {"https://s3.example.org:443/pre/fix/", "s3.example.org", "/pre/fix", true},
    {"http://h:80", "h", "", false},
    {"https://h:80", "h:80", "", true},
    {"http://[::1]:9000/x", "[::1]:9000", "/x", false},
    {"http://[::1]", "[::1]", "", false},
    {"", NULL, NULL, false},
    {"localhost:9000", NULL, NULL, false},
    {"ftp://h", NULL, NULL, false},
    {"http://", NULL, NULL, false},
    {"http://h:0", NULL, NULL, false},
    {"http://h:65536", NULL, NULL, false},
    {"http://h:", NULL, NULL, false},
    {"http://h:9x", NULL, NULL, false},
    {"http://user:pass@h", NULL, NULL, false},
    {"http://h/a?b", NULL, NULL, false},
    {"http://h/a b", NULL, NULL, false},
    {"http://h\r\nX: y", NULL, NULL, false},
    {"http://[::1", NULL, NULL, false},
    {"http://[evil]", NULL, NULL, false},
};

static void test_endpoints(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(endpoints); i++) {
        S3Endpoint endpoint;
        Error *err = s3_endpoint_parse(str_of(endpoints[i].url), arena, &endpoint);
        ErrorCode wanted = endpoints[i].host ? ERR_OK : ERR_INVALID;
        if (error_code(err) != wanted)
            print_error("'%s': %s\n", endpoints[i].url, error_message_view(err));
        assert_int_equal(error_code(err), wanted);
        if (!err) {
            assert_str(endpoint.host, endpoints[i].host);
            assert_str(endpoint.path, endpoints[i].path);
            assert_int_equal(endpoint.tls, endpoints[i].tls);
        }
        error_free(err);
    }
}

static const struct {
    const char *endpoint; /* NULL: AWS */
    StoreAddressing addressing;
    const char *bucket, *region;
    const char *origin, *host, *object_path, *bucket_path;
} routes[] = {
    {NULL, STORE_ADDRESSING_AUTO, "bucket", "us-east-1", "https://bucket.s3.us-east-1.amazonaws.com",
     "bucket.s3.us-east-1.amazonaws.com", "/", "/"},
    {NULL, STORE_ADDRESSING_AUTO, "dotted.bucket", "eu-west-1", "https://s3.eu-west-1.amazonaws.com",
     "s3.eu-west-1.amazonaws.com", "/dotted.bucket/", "/dotted.bucket"},
    {NULL, STORE_ADDRESSING_AUTO, "Old_Bucket", "us-east-1", "https://s3.us-east-1.amazonaws.com",
     "s3.us-east-1.amazonaws.com", "/Old_Bucket/", "/Old_Bucket"},
    {NULL, STORE_ADDRESSING_PATH, "bucket", "us-gov-west-1", "https://s3.us-gov-west-1.amazonaws.com",
     "s3.us-gov-west-1.amazonaws.com", "/bucket/", "/bucket"},
    {NULL, STORE_ADDRESSING_AUTO, "bucket", "cn-north-1", "https://bucket.s3.cn-north-1.amazonaws.com.cn",
     "bucket.s3.cn-north-1.amazonaws.com.cn", "/", "/"},
    {NULL, STORE_ADDRESSING_AUTO, "bucket", "us-isob-east-1", "https://bucket.s3.us-isob-east-1.sc2s.sgov.gov",
     "bucket.s3.us-isob-east-1.sc2s.sgov.gov", "/", "/"},
    {NULL, STORE_ADDRESSING_AUTO, "ab", "eusc-de-east-1", "https://s3.eusc-de-east-1.amazonaws.eu",
     "s3.eusc-de-east-1.amazonaws.eu", "/ab/", "/ab"},
    {NULL, STORE_ADDRESSING_AUTO, "bucket", "us-iso-east-1", "https://bucket.s3.us-iso-east-1.c2s.ic.gov",
     "bucket.s3.us-iso-east-1.c2s.ic.gov", "/", "/"},
    {NULL, STORE_ADDRESSING_AUTO, "bucket", "us-isof-south-1", "https://bucket.s3.us-isof-south-1.csp.hci.ic.gov",
     "bucket.s3.us-isof-south-1.csp.hci.ic.gov", "/", "/"},
    {NULL, STORE_ADDRESSING_AUTO, "bucket", "eu-isoe-west-1", "https://bucket.s3.eu-isoe-west-1.cloud.adc-e.uk",
     "bucket.s3.eu-isoe-west-1.cloud.adc-e.uk", "/", "/"},
    {"http://localhost:9000", STORE_ADDRESSING_AUTO, "bucket", "us-east-1", "http://localhost:9000", "localhost:9000",
     "/bucket/", "/bucket"},
    {"http://localhost:9000", STORE_ADDRESSING_VIRTUAL, "bucket", "us-east-1", "http://bucket.localhost:9000",
     "bucket.localhost:9000", "/", "/"},
    {"http://127.0.0.1:9000", STORE_ADDRESSING_VIRTUAL, "bucket", "us-east-1", "http://127.0.0.1:9000",
     "127.0.0.1:9000", "/bucket/", "/bucket"},
    {"http://[::1]:9000", STORE_ADDRESSING_VIRTUAL, "bucket", "us-east-1", "http://[::1]:9000", "[::1]:9000",
     "/bucket/", "/bucket"},
    {"https://r2.example/pre", STORE_ADDRESSING_AUTO, "bucket", "auto", "https://r2.example", "r2.example",
     "/pre/bucket/", "/pre/bucket"},
    {"https://r2.example/pre", STORE_ADDRESSING_VIRTUAL, "bucket", "auto", "https://bucket.r2.example",
     "bucket.r2.example", "/pre/", "/pre/"},
};

static void test_routes(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(routes); i++) {
        S3Endpoint endpoint = {0};
        S3Route route;
        if (routes[i].endpoint)
            assert_ok(s3_endpoint_parse(str_of(routes[i].endpoint), arena, &endpoint));
        assert_ok(s3_route_make(&endpoint, routes[i].addressing, str_of(routes[i].bucket), str_of(routes[i].region),
                                arena, &route));
        assert_str(route.origin, routes[i].origin);
        assert_str(route.host, routes[i].host);
        assert_str(route.object_path, routes[i].object_path);
        assert_str(route.bucket_path, routes[i].bucket_path);
        assert_int_equal(route.unsigned_payload, routes[i].endpoint == NULL);
    }
}

static const struct {
    bool dualstack, fips, accelerate;
    StoreAddressing addressing;
    const char *endpoint, *bucket, *region;
    const char *origin; /* NULL: INVALID */
} hosts[] = {
    {true, false, false, STORE_ADDRESSING_AUTO, NULL, "bucket", "eu-west-1",
     "https://bucket.s3.dualstack.eu-west-1.amazonaws.com"},
    {false, true, false, STORE_ADDRESSING_AUTO, NULL, "bucket", "us-gov-east-1",
     "https://bucket.s3-fips.us-gov-east-1.amazonaws.com"},
    {true, true, false, STORE_ADDRESSING_PATH, NULL, "bucket", "us-east-1",
     "https://s3-fips.dualstack.us-east-1.amazonaws.com"},
    {true, false, false, STORE_ADDRESSING_AUTO, NULL, "bucket", "cn-north-1",
     "https://bucket.s3.dualstack.cn-north-1.amazonaws.com.cn"},
    {false, false, true, STORE_ADDRESSING_AUTO, NULL, "bucket", "eu-west-1",
     "https://bucket.s3-accelerate.amazonaws.com"},
    {true, false, true, STORE_ADDRESSING_AUTO, NULL, "bucket", "eu-west-1",
     "https://bucket.s3-accelerate.dualstack.amazonaws.com"},
    {false, false, true, STORE_ADDRESSING_AUTO, NULL, "dotted.bucket", "eu-west-1", NULL},
    {false, false, true, STORE_ADDRESSING_PATH, NULL, "bucket", "eu-west-1", NULL},
    {false, true, true, STORE_ADDRESSING_AUTO, NULL, "bucket", "us-east-1", NULL},
    {true, true, true, STORE_ADDRESSING_AUTO, "http://h:1", "bucket", "us-east-1",
     "http://h:1"}, /* it is named whole */
};

static void test_hosts(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(hosts); i++) {
        S3Endpoint endpoint = {0};
        S3Route route;
        if (hosts[i].endpoint)
            assert_ok(s3_endpoint_parse(str_of(hosts[i].endpoint), arena, &endpoint));
        endpoint.dualstack = hosts[i].dualstack;
        endpoint.fips = hosts[i].fips;
        endpoint.accelerate = hosts[i].accelerate;
        Error *err = s3_route_make(&endpoint, hosts[i].addressing, str_of(hosts[i].bucket), str_of(hosts[i].region),
                                   arena, &route);
        assert_int_equal(error_code(err), hosts[i].origin ? ERR_OK : ERR_INVALID);
        if (!err)
            assert_str(route.origin, hosts[i].origin);
        error_free(err);
    }
}

/* A region comes from servers, too, and becomes a part of a host name. */
static void test_regions(void **state)
{
    (void)state;
    static const char *const good[] = {"us-east-1", "auto", "eu", "x1"};
    static const char *const bad[] = {"",
                                      "123",
                                      "-a",
                                      "a-",
                                      "a.b",
                                      "evil.com/",
                                      "a/b",
                                      "a@b",
                                      "US",
                                      "a b",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_true(s3_region_is_valid(str_of(good[i])));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        S3Endpoint aws = {0};
        S3Route route;
        assert_false(s3_region_is_valid(str_of(bad[i])));
        assert_fails(s3_route_make(&aws, STORE_ADDRESSING_AUTO, STR("bucket"), str_of(bad[i]), arena, &route),
                     ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_endpoints), cmocka_unit_test(test_routes),
                                       cmocka_unit_test(test_hosts), cmocka_unit_test(test_regions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
