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
    const char *environment[ENVIRONMENT_MAX]; /* HOME comes with it */
    const char *config, *credentials;         /* contents of the files; NULL: there is none */
    const char *profile, *id, *secret;        /* options */
    bool anonymous;
    ErrorCode code;
    const char *says;                                                       /* of an error */
    const char *wanted_id, *wanted_token, *wanted_region, *wanted_endpoint; /* NULL: not looked at */
    const char *wanted_source;
} Row;

#define KEYS(id) "aws_access_key_id = " id "\naws_secret_access_key = secret-" id "\n"

static const Row rows[] = {
    {.name = "nothing", .code = ERR_DENIED, .says = "no credentials found for S3: not in AWS_ACCESS_KEY_ID"},
    {.name = "nothing, anonymous", .anonymous = true, .wanted_region = "us-east-1", .wanted_endpoint = ""},
    {.name = "options win",
     .id = "opt",
     .secret = "s",
     .environment = {"AWS_ACCESS_KEY_ID=env", "AWS_SECRET_ACCESS_KEY=s"},
     .wanted_id = "opt",
     .wanted_source = "the options"},
    {.name = "half of the options", .id = "opt", .code = ERR_INVALID, .says = "without a secret key"},
    {.name = "environment",
     .environment = {"AWS_ACCESS_KEY_ID=env", "AWS_SECRET_ACCESS_KEY=s", "AWS_SESSION_TOKEN=t", "AWS_REGION=eu-west-1"},
     .credentials = "[default]\n" KEYS("file"),
     .wanted_id = "env",
     .wanted_token = "t",
     .wanted_region = "eu-west-1",
     .wanted_source = "the environment"},
    {.name = "half of the environment",
     .environment = {"AWS_SECRET_ACCESS_KEY=s"},
     .code = ERR_INVALID,
     .says = "the environment has a secret key"},
    {.name = "a named profile beats the environment",
     .profile = "p",
     .environment = {"AWS_ACCESS_KEY_ID=env", "AWS_SECRET_ACCESS_KEY=s"},
     .credentials = "[p]\n" KEYS("file"),
     .wanted_id = "file"},
    {.name = "AWS_PROFILE does not",
     .environment = {"AWS_PROFILE=p", "AWS_ACCESS_KEY_ID=env", "AWS_SECRET_ACCESS_KEY=s"},
     .credentials = "[p]\n" KEYS("file"),
     .wanted_id = "env"},
    {.name = "default profile",
     .credentials = "[default]\n" KEYS("file"),
     .config = "[default]\nregion = r1\nendpoint_url = http://h:1\n",
     .wanted_id = "file",
     .wanted_region = "r1",
     .wanted_endpoint = "http://h:1",
     .wanted_source = "the shared credentials file"},
    {.name = "quoted profile, services",
     .profile = "two words",
     .config = "[profile \"two words\"]\nservices = s\n" KEYS(
         "c") "endpoint_url = http://other\n[services s]\ns3 =\n  endpoint_url = http://s3\n",
     .wanted_id = "c",
     .wanted_endpoint = "http://s3",
     .wanted_source = "the shared config file"},
    {.name = "a profile needs its word in config",
     .profile = "p",
     .config = "[p]\n" KEYS("c"),
     .code = ERR_INVALID,
     .says = "the profile 'p' is neither in"},
    {.name = "endpoint order",
     .environment = {"AWS_ENDPOINT_URL=http://a", "AWS_ENDPOINT_URL_S3=http://b"},
     .anonymous = true,
     .wanted_endpoint = "http://b"},
    {.name = "endpoints ignored",
     .environment = {"AWS_ENDPOINT_URL=http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"},
     .anonymous = true,
     .wanted_endpoint = ""},
    {.name = "region order",
     .environment = {"AWS_DEFAULT_REGION=two", "AWS_REGION=one"},
     .anonymous = true,
     .wanted_region = "one"},
    {.name = "unknown profile",
     .environment = {"AWS_PROFILE=nope"},
     .credentials = "[default]\n" KEYS("x"),
     .code = ERR_INVALID,
     .says = "'nope'"},
    {.name = "malformed file", .credentials = "[default]\nnonsense\n", .code = ERR_INVALID, .says = "line 2"},
    {.name = "half in a file",
     .credentials = "[default]\naws_access_key_id = x\n",
     .code = ERR_INVALID,
     .says = "credentials'"},
    {.name = "role",
     .config = "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n" KEYS("c"),
     .code = ERR_UNSUPPORTED,
     .says = "a role (role_arn)"},
    {.name = "single sign-on",
     .config = "[default]\nsso_session = s\n",
     .code = ERR_UNSUPPORTED,
     .says = "single sign-on"},
    {.name = "a program",
     .config = "[default]\ncredential_process = /bin/x\n",
     .code = ERR_UNSUPPORTED,
     .says = "credential_process"},
    {.name = "keys before a program",
     .config = "[default]\ncredential_process = /bin/x\n",
     .credentials = "[default]\n" KEYS("k"),
     .wanted_id = "k"},
    {.name = "web identity",
     .environment = {"AWS_WEB_IDENTITY_TOKEN_FILE=/x"},
     .code = ERR_UNSUPPORTED,
     .says = "web identity"},
    {.name = "container",
     .environment = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x"},
     .code = ERR_UNSUPPORTED,
     .says = "container"},
    {.name = "attempts",
     .environment = {"AWS_MAX_ATTEMPTS=many"},
     .anonymous = true,
     .code = ERR_INVALID,
     .says = "AWS_MAX_ATTEMPTS"},
    {.name = "addressing",
     .config = "[default]\ns3 =\n addressing_style = sideways\n",
     .anonymous = true,
     .code = ERR_INVALID,
     .says = "'sideways'"},
    {.name = "other file by variable",
     .environment = {"AWS_SHARED_CREDENTIALS_FILE=$HOME/.aws/config"},
     .config = "[default]\n" KEYS("moved"),
     .wanted_id = "moved"},
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
    if (row->wanted_id)
        assert_string_equal(config->credentials.access_key_id, row->wanted_id);
    else
        assert_true(row->anonymous && !config->credentials.access_key_id);
    if (row->wanted_token)
        assert_string_equal(config->credentials.session_token, row->wanted_token);
    if (row->wanted_source)
        assert_string_equal(config->credentials.source, row->wanted_source);
    if (row->wanted_region)
        assert_str(config->region, row->wanted_region);
    if (row->wanted_endpoint)
        assert_str(config->endpoint_url, row->wanted_endpoint);
}

static void check_row(const Row *row, const char *home)
{
    char home_variable[256];
    const char *environment[ENVIRONMENT_MAX + 2] = {home_variable};
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    CLEANUP(s3_config_done) S3Config config = {0};

    snprintf(home_variable, sizeof(home_variable), "HOME=%s", home);
    for (size_t i = 0; i < ENVIRONMENT_MAX; i++)
        environment[i + 1] = row->environment[i];
    write_file(home, "config", row->config);
    write_file(home, "credentials", row->credentials);
    StoreOptions options = {
        .access_key_id = str_of(row->id),
        .secret_access_key = str_of(row->secret),
        .profile = str_of(row->profile),
        .anonymous = row->anonymous,
        .environment = environment,
    };
    Error *err = s3_config_load(&options, arena, &config);
    if (error_code(err) != row->code || (row->says && !strstr(error_message_view(err), row->says)))
        print_error("%s: %s: %s\n", row->name, error_code_name(error_code(err)), error_message_view(err));
    assert_int_equal(error_code(err), row->code);
    assert_true(!row->says || strstr(error_message_view(err), row->says));
    assert_null(strstr(error_message_view(err), "secret-"));
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

/* No home directory, no environment: the chain ends in a sentence, not in a crash. */
static void test_no_environment(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    CLEANUP(s3_config_done) S3Config config = {0};
    StoreOptions options = {0};
    assert_fails(s3_config_load(&options, arena, &config), ERR_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_no_environment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
