/* Where credentials are found, with a home directory of the test's own. Services are in identity_test.c and tests/test_credentials.py. */
#include "store/s3/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/testing.h"

enum { ENVIRONMENT_MAX = 6 };

typedef struct Row {
    const char *name;
    const char *environment[ENVIRONMENT_MAX]; /* HOME and AWS_EC2_METADATA_DISABLED come with it */
    const char *config, *credentials;         /* contents of the files; NULL: there is none */
    const char *profile, *id, *secret;        /* options */
    ErrorCode code;
    const char *says;                                     /* of an error */
    const char *wanted_id, *wanted_token, *wanted_source; /* the last two NULL: not looked at */
} Row;

#define KEYS(id) "aws_access_key_id = " id "\naws_secret_access_key = secret-" id "\n"
#define ROLE "role_arn = arn:aws:iam::1:role/x\n"

static const Row rows[] = {
    {.name = "nothing", .code = ERR_DENIED, .says = "no credentials found for S3: not in AWS_ACCESS_KEY_ID"},
    {.name = "options win",
     .id = "opt",
     .secret = "s",
     .environment = {"AWS_ACCESS_KEY_ID=env", "AWS_SECRET_ACCESS_KEY=s"},
     .wanted_id = "opt",
     .wanted_source = "the options"},
    {.name = "half of the options", .id = "opt", .code = ERR_INVALID, .says = "without a secret key"},
    {.name = "environment",
     .environment = {"AWS_ACCESS_KEY_ID=env", "AWS_SECRET_ACCESS_KEY=s", "AWS_SESSION_TOKEN=t"},
     .credentials = "[default]\n" KEYS("file"),
     .wanted_id = "env",
     .wanted_token = "t",
     .wanted_source = "the environment"},
    {.name = "older token",
     .environment = {"AWS_ACCESS_KEY_ID=env", "AWS_SECRET_ACCESS_KEY=s", "AWS_SECURITY_TOKEN=t"},
     .wanted_id = "env",
     .wanted_token = "t"},
    {.name = "half of the environment",
     .environment = {"AWS_SECRET_ACCESS_KEY=s"},
     .code = ERR_INVALID,
     .says = "the environment has a secret key without an access key"},
    {.name = "a time that is none",
     .environment = {"AWS_ACCESS_KEY_ID=env", "AWS_SECRET_ACCESS_KEY=s", "AWS_CREDENTIAL_EXPIRATION=noon"},
     .code = ERR_INVALID,
     .says = "not 'noon'"},
    {.name = "a named profile beats the environment",
     .profile = "p",
     .environment = {"AWS_ACCESS_KEY_ID=env", "AWS_SECRET_ACCESS_KEY=s"},
     .credentials = "[p]\n" KEYS("file"),
     .wanted_id = "file"},
    {.name = "AWS_PROFILE does not",
     .environment = {"AWS_PROFILE=p", "AWS_ACCESS_KEY_ID=env", "AWS_SECRET_ACCESS_KEY=s"},
     .credentials = "[p]\n" KEYS("file"),
     .wanted_id = "env"},
    {.name = "credentials file",
     .credentials = "[default]\n" KEYS("file"),
     .wanted_id = "file",
     .wanted_source = "the shared credentials file"},
    {.name = "config file",
     .config = "[default]\n" KEYS("c"),
     .wanted_id = "c",
     .wanted_source = "the shared config file"},
    {.name = "keys of both",
     .config = "[default]\n" KEYS("c"),
     .credentials = "[default]\n" KEYS("k"),
     .wanted_id = "k"},
    {.name = "half in a file",
     .credentials = "[default]\naws_access_key_id = x\n",
     .code = ERR_INVALID,
     .says = "credentials'"},
    {.name = "keys before a program",
     .config = "[default]\ncredential_process = /nowhere/x\n",
     .credentials = "[default]\n" KEYS("k"),
     .wanted_id = "k"},
    {.name = "a program before keys of the config file",
     .config = "[default]\ncredential_process = /nowhere/x\n" KEYS("c"),
     .code = ERR_NOT_FOUND,
     .says = "'/nowhere/x'"},
    {.name = "a program",
     .config = "[default]\ncredential_process = /bin/echo '{\"Version\": 1, \"AccessKeyId\": \"p\", "
               "\"SecretAccessKey\": \"s\", \"SessionToken\": \"t\"}'\n",
     .wanted_id = "p",
     .wanted_token = "t",
     .wanted_source = "credential_process (profile 'default')"},
    {.name = "a role of its own keys' profile asks STS",
     .environment = {"AWS_ENDPOINT_URL_STS=ftp://x"},
     .config = "[default]\n" ROLE "source_profile = default\n" KEYS("c"),
     .code = ERR_INVALID,
     .says = "the configured endpoint of sts"},
    {.name = "a circle",
     .config = "[default]\n" ROLE "source_profile = b\n[profile b]\n" ROLE "source_profile = default\n",
     .code = ERR_INVALID,
     .says = "goes in a circle"},
    {.name = "no source", .config = "[default]\n" ROLE, .code = ERR_INVALID, .says = "neither source_profile"},
    {.name = "a code is wanted",
     .config = "[default]\n" ROLE "mfa_serial = x\nsource_profile = default\n" KEYS("c"),
     .code = ERR_UNSUPPORTED,
     .says = "mfa_serial"},
    {.name = "a length that is none",
     .config = "[default]\n" ROLE "duration_seconds = long\nsource_profile = default\n" KEYS("c"),
     .code = ERR_INVALID,
     .says = "duration_seconds"},
    {.name = "web identity without a role",
     .environment = {"AWS_WEB_IDENTITY_TOKEN_FILE=/x"},
     .code = ERR_INVALID,
     .says = "AWS_ROLE_ARN is not"},
    {.name = "half of single sign-on",
     .config = "[default]\nsso_start_url = x\n",
     .code = ERR_INVALID,
     .says = "lacks sso_account_id"},
    {.name = "aws login", .config = "[default]\nlogin_session = x\n", .code = ERR_UNSUPPORTED, .says = "aws login"},
    {.name = "container of a path that is none",
     .environment = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=x"},
     .code = ERR_INVALID,
     .says = "does not begin with '/'"},
    {.name = "container far away in the clear",
     .environment = {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://h/x"},
     .code = ERR_INVALID,
     .says = "clear text"},
    {.name = "a metadata service of another kind",
     .environment = {"AWS_EC2_METADATA_DISABLED=false", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPX"},
     .code = ERR_INVALID,
     .says = "IPv4 or IPv6"},
    {.name = "a patience that is none",
     .environment = {"AWS_EC2_METADATA_DISABLED=false", "AWS_METADATA_SERVICE_TIMEOUT=-1"},
     .code = ERR_INVALID,
     .says = "AWS_METADATA_SERVICE_TIMEOUT"},
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

static void check_found(const Row *row, const S3Credentials *found)
{
    assert_string_equal(found->access_key_id, row->wanted_id);
    if (row->wanted_token)
        assert_string_equal(found->session_token, row->wanted_token);
    if (row->wanted_source)
        assert_string_equal(found->source, row->wanted_source);
}

static void check_row(const Row *row, const char *home)
{
    char home_variable[256];
    const char *environment[ENVIRONMENT_MAX + 3] = {home_variable};
    CLEANUP(s3_credentials_freep) S3Credentials *found = NULL;
    CLEANUP(s3_remote_done) S3Remote remote = {.clock = clock_system()};
    size_t count = 1;

    snprintf(home_variable, sizeof(home_variable), "HOME=%s", home);
    for (size_t i = 0; i < ENVIRONMENT_MAX && row->environment[i]; i++)
        environment[count++] = row->environment[i];
    environment[count] = "AWS_EC2_METADATA_DISABLED=true"; /* a row's own comes first */
    write_file(home, "config", row->config);
    write_file(home, "credentials", row->credentials);
    StoreOptions options = {
        .access_key_id = str_of(row->id),
        .secret_access_key = str_of(row->secret),
        .profile = str_of(row->profile),
        .environment = environment,
    };
    Error *err = s3_chain_find(&options, &remote, NULL, &found);
    if (error_code(err) != row->code || (row->says && !strstr(error_message_view(err), row->says)))
        print_error("%s: %s: %s\n", row->name, error_code_name(error_code(err)), error_message_view(err));
    assert_int_equal(error_code(err), row->code);
    assert_true(!row->says || strstr(error_message_view(err), row->says));
    assert_null(strstr(error_message_view(err), "secret-"));
    if (!err)
        check_found(row, found);
    error_free(err);
}

static void test_rows(void **state)
{
    (void)state;
    char home[] = "/tmp/quern-chain-XXXXXX", aws[64];
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
