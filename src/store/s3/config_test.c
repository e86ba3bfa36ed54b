#include "store/s3/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/testing.h"

enum { ENVIRONMENT_MAX = 8 };

typedef struct Row {
    const char *name;
    const char *environment[ENVIRONMENT_MAX];           /* HOME comes with it */
    const char *config, *credentials;                   /* contents of the files; NULL: there is none */
    const char *profile, *region, *endpoint, *checksum; /* options */
    unsigned attempts;
    ErrorCode code;
    const char *says;                            /* of an error */
    const char *wanted_region, *wanted_endpoint; /* NULL: not looked at */
    unsigned wanted_attempts;
    const char *wanted_hosts;
    bool wanted_checksums;
    ChecksumKind wanted_algorithm;
    uint64_t wanted_hints[4];
} Row;

static const Row rows[] = {
    {.name = "nothing", .wanted_region = "us-east-1", .wanted_endpoint = ""},
    {.name = "default profile",
     .config = "[default]\nregion = r1\nendpoint_url = http://h:1\n",
     .wanted_region = "r1",
     .wanted_endpoint = "http://h:1"},
    {.name = "environment before profile",
     .environment = {"AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL=http://e"},
     .config = "[default]\nregion = r1\nendpoint_url = http://h:1\n",
     .wanted_region = "eu-west-1",
     .wanted_endpoint = "http://e"},
    {.name = "options before all",
     .environment = {"AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL=http://e", "AWS_MAX_ATTEMPTS=3"},
     .region = "r2",
     .endpoint = "http://o",
     .attempts = 7,
     .wanted_region = "r2",
     .wanted_endpoint = "http://o",
     .wanted_attempts = 7},
    {.name = "quoted profile, services",
     .profile = "two words",
     .config = "[profile \"two words\"]\nservices = s\nendpoint_url = http://other\n[services s]\ns3 =\n  "
               "endpoint_url = http://s3\n",
     .wanted_endpoint = "http://s3"},
    {.name = "a profile needs its word in config",
     .profile = "p",
     .config = "[p]\nregion = x\n",
     .code = ERR_INVALID,
     .says = "the profile 'p' is neither in"},
    {.name = "endpoint order",
     .environment = {"AWS_ENDPOINT_URL=http://a", "AWS_ENDPOINT_URL_S3=http://b"},
     .wanted_endpoint = "http://b"},
    {.name = "endpoints ignored",
     .environment = {"AWS_ENDPOINT_URL=http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"},
     .wanted_endpoint = ""},
    {.name = "endpoints ignored, but not the option",
     .environment = {"AWS_ENDPOINT_URL=http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"},
     .endpoint = "http://o",
     .wanted_endpoint = "http://o"},
    {.name = "endpoints ignored by profile",
     .environment = {"AWS_ENDPOINT_URL=http://a"},
     .config = "[default]\nignore_configured_endpoint_urls = TRUE\n",
     .wanted_endpoint = ""},
    {.name = "region order", .environment = {"AWS_DEFAULT_REGION=two", "AWS_REGION=one"}, .wanted_region = "one"},
    {.name = "older region", .environment = {"AWS_DEFAULT_REGION=two"}, .wanted_region = "two"},
    {.name = "unknown profile",
     .environment = {"AWS_PROFILE=nope"},
     .credentials = "[default]\nx = y\n",
     .code = ERR_INVALID,
     .says = "'nope'"},
    {.name = "older name of the profile",
     .environment = {"AWS_DEFAULT_PROFILE=p"},
     .config = "[profile p]\nregion = rp\n",
     .wanted_region = "rp"},
    {.name = "malformed file", .credentials = "[default]\nnonsense\n", .code = ERR_INVALID, .says = "line 2"},
    {.name = "CRLF, byte order mark, comments, case",
     .config = "\xef\xbb\xbf# c\r\n[default]\r\n; c\r\nREGION = r\r\n",
     .wanted_region = "r"},
    {.name = "attempts", .environment = {"AWS_MAX_ATTEMPTS=many"}, .code = ERR_INVALID, .says = "AWS_MAX_ATTEMPTS"},
    {.name = "attempts of the profile", .config = "[default]\nmax_attempts = 4\n", .wanted_attempts = 4},
    {.name = "attempts of a mode", .environment = {"AWS_RETRY_MODE=standard"}, .wanted_attempts = 3},
    {.name = "attempts of the oldest mode", .config = "[default]\nretry_mode = legacy\n", .wanted_attempts = 5},
    {.name = "a number beats a mode",
     .environment = {"AWS_RETRY_MODE=adaptive", "AWS_MAX_ATTEMPTS=9"},
     .wanted_attempts = 9},
    {.name = "no mode", .environment = {"AWS_RETRY_MODE=often"}, .code = ERR_INVALID, .says = "'often'"},
    {.name = "addressing",
     .config = "[default]\ns3 =\n addressing_style = sideways\n",
     .code = ERR_INVALID,
     .says = "'sideways'"},
    {.name = "other file by variable",
     .environment = {"AWS_SHARED_CREDENTIALS_FILE=$HOME/.aws/config", "AWS_CONFIG_FILE=${HOME}/.aws/credentials"},
     .credentials = "[default]\nregion = moved\n",
     .wanted_region = "moved"},
    {.name = "a CA file that is not there",
     .environment = {"AWS_CA_BUNDLE=/nowhere/ca.pem"},
     .code = ERR_INVALID,
     .says = "'/nowhere/ca.pem', which AWS_CA_BUNDLE names, cannot be read"},
    {.name = "the same by profile",
     .config = "[default]\nca_bundle = /nowhere/x\n",
     .code = ERR_INVALID,
     .says = "ca_bundle of the profile"},
    {.name = "hosts by environment",
     .environment = {"AWS_USE_DUALSTACK_ENDPOINT=true", "AWS_USE_FIPS_ENDPOINT=true"},
     .wanted_hosts = "dualstack fips "},
    {.name = "hosts by profile",
     .config = "[default]\nuse_fips_endpoint = true\ns3 =\n  use_accelerate_endpoint = true\n",
     .wanted_hosts = "fips accelerate "},
    {.name = "hosts by the block",
     .config = "[default]\ns3 =\n  use_dualstack_endpoint = true\n",
     .wanted_hosts = "dualstack "},
    {.name = "checksums",
     .environment = {"AWS_REQUEST_CHECKSUM_CALCULATION=when_required"},
     .config = "[default]\nresponse_checksum_validation = WHEN_REQUIRED\n",
     .wanted_checksums = true},
    {.name = "no such checksums",
     .environment = {"AWS_RESPONSE_CHECKSUM_VALIDATION=never"},
     .code = ERR_INVALID,
     .says = "AWS_RESPONSE_CHECKSUM_VALIDATION"},
    {.name = "a checksum of the user's", .checksum = "crc32c", .wanted_algorithm = CHECKSUM_CRC32C},
    {.name = "no checksum of ours",
     .checksum = "MD5",
     .code = ERR_INVALID,
     .says = "CRC64NVME, CRC32, CRC32C or SHA256, not 'MD5'"},
    {.name = "hints",
     .config = "[default]\ns3 =\n  max_concurrent_requests = 20\n  multipart_threshold = 64MB\n"
               "  multipart_chunksize = 16MiB\n  max_bandwidth = 50MB/s\n",
     .wanted_hints = {20, 64 * MIB, 16 * MIB, 50 * MIB}},
    {.name = "no hint",
     .config = "[default]\ns3 =\n  multipart_chunksize = big\n",
     .code = ERR_INVALID,
     .says = "multipart_chunksize"},
};

static void write_file(const char *home, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/.aws/%s", home, name);
    (void)unlink(path);
    if (!text)
        return;
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

static void check_config(const Row *row, const S3Config *config)
{
    char hosts[64];
    snprintf(hosts, sizeof(hosts), "%s%s%s", config->dualstack ? "dualstack " : "", config->fips ? "fips " : "",
             config->accelerate ? "accelerate " : "");
    if (row->wanted_region)
        assert_str(config->region, row->wanted_region);
    assert_int_equal(config->region_chosen, row->wanted_region && strcmp(row->wanted_region, "us-east-1") != 0);
    if (row->wanted_endpoint)
        assert_str(config->endpoint_url, row->wanted_endpoint);
    assert_int_equal(config->attempts_max, row->wanted_attempts);
    assert_string_equal(hosts, row->wanted_hosts ? row->wanted_hosts : "");
    ChecksumWish wish = row->wanted_checksums ? CHECKSUM_WHEN_REQUIRED : CHECKSUM_WHEN_SUPPORTED;
    assert_true(config->request_checksum == wish && config->response_checksum == wish);
    assert_int_equal(config->checksum_chosen, row->wanted_algorithm);
    const uint64_t hints[] = {config->concurrent_requests_max, config->multipart_threshold_bytes,
                              config->multipart_part_bytes, config->bandwidth_max_bytes_s};
    assert_memory_equal(hints, row->wanted_hints, sizeof(hints));
}

static void check_row(const Row *row, const char *home)
{
    char home_variable[256];
    const char *environment[ENVIRONMENT_MAX + 2] = {home_variable};
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    S3Config config = {0};

    snprintf(home_variable, sizeof(home_variable), "HOME=%s", home);
    for (size_t i = 0; i < ENVIRONMENT_MAX; i++)
        environment[i + 1] = row->environment[i];
    write_file(home, "config", row->config);
    write_file(home, "credentials", row->credentials);
    StoreOptions options = {
        .profile = str_of(row->profile),
        .region = str_of(row->region),
        .endpoint_url = str_of(row->endpoint),
        .checksum_algorithm = str_of(row->checksum),
        .attempts_max = row->attempts,
        .environment = environment,
    };
    Error *err = s3_config_load(&options, arena, &config);
    if (error_code(err) != row->code || (row->says && !strstr(error_message_view(err), row->says)))
        print_message("%s: %s: %s\n", row->name, error_code_name(error_code(err)), error_message_view(err));
    assert_int_equal(error_code(err), row->code);
    assert_true(!row->says || strstr(error_message_view(err), row->says));
    if (!err)
        check_config(row, &config);
    error_free(err);
}

static void test_rows(void **state)
{
    (void)state;
    char home[] = "/tmp/quern-config-XXXXXX", aws[64];
    assert_non_null(mkdtemp(home));
    snprintf(aws, sizeof(aws), "%s/.aws", home);
    assert_int_equal(mkdir(aws, 0700), 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        check_row(&rows[i], home);
    write_file(home, "config", NULL);
    write_file(home, "credentials", NULL);
    assert_int_equal(rmdir(aws), 0);
    assert_int_equal(rmdir(home), 0);
}

/* No home directory, no environment: the defaults. */
static void test_no_environment(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    S3Config config = {0};
    StoreOptions options = {0};
    assert_ok(s3_config_load(&options, arena, &config));
    assert_str(config.region, "us-east-1");
}

/* A line that is no setting may be a secret that lost its name: it is not repeated. */
static void test_no_secret_in_errors(void **state)
{
    (void)state;
    char home[] = "/tmp/quern-config-XXXXXX", aws[64], home_variable[64];
    assert_non_null(mkdtemp(home));
    snprintf(aws, sizeof(aws), "%s/.aws", home);
    assert_int_equal(mkdir(aws, 0700), 0);
    write_file(home, "credentials", "[default]\nwJalrXUtnFEMI/K7MDENG\n");
    snprintf(home_variable, sizeof(home_variable), "HOME=%s", home);
    const char *environment[] = {home_variable, NULL};
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    S3Config config;
    StoreOptions options = {.environment = environment};
    Error *err = s3_config_load(&options, arena, &config);
    assert_int_equal(error_code(err), ERR_INVALID);
    assert_non_null(strstr(error_message_view(err), "line 2"));
    assert_null(strstr(error_message_view(err), "wJalr"));
    error_free(err);
    write_file(home, "credentials", NULL);
    assert_int_equal(rmdir(aws), 0);
    assert_int_equal(rmdir(home), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_no_environment),
                                       cmocka_unit_test(test_no_secret_in_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
