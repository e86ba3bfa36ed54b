/* Sources of values: precedence, files, variables, secrets. */
#include "jobs/options/options.h"
#include <ftw.h>
#include <stdio.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/testing.h"

enum { PATH_BYTES = 512 };

/* A directory of its own for each test, gone afterwards. */
static int make_place(void **state)
{
    char *path = strdup("/tmp/quern-options-XXXXXX");
    *state = path;
    return path && mkdtemp(path) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static int remove_place(void **state)
{
    if (!*state)
        return -1;
    int status = nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return status;
}

static void write_file(const char *place, const char *name, const char *text, mode_t mode)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", place, name);
    for (char *slash = path + strlen(place) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(path, 0755); /* it may be there */
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* One value of `command` from these sources; NULL value: none. */
typedef struct Case {
    const char *what;
    CommandId command;
    const char *set[6]; /* name, value, name, value; "(null)" is NULL */
    const char *environment[6];
    const char *files[8]; /* name, text, name, text */
    const char *load;     /* given to options_load before the rest */
    const char *name, *value, *source;
    const char *error; /* then the call fails with this */
} Case;

static void prepare(const Case *c, const char *place, Options *options)
{
    for (size_t i = 0; i + 1 < ARRAY_COUNT(c->files) && c->files[i]; i += 2)
        write_file(place, c->files[i], c->files[i + 1], 0600);
    for (size_t i = 0; i + 1 < ARRAY_COUNT(c->set) && c->set[i]; i += 2)
        options_set(options, str_of(c->set[i]), strcmp(c->set[i + 1], "(null)") == 0 ? NULL : c->set[i + 1]);
    char home[PATH_BYTES];
    snprintf(home, sizeof home, "HOME=%s/home", place);
    const char *environment[ARRAY_COUNT(c->environment) + 2] = {home};
    for (size_t i = 0; i < ARRAY_COUNT(c->environment) && c->environment[i]; i++)
        environment[i + 1] = c->environment[i];
    OptionsPlace where = {.environment = environment, .directory = place};
    if (c->load)
        options_load(options, c->load, &where);
    options_load(options, NULL, &where);
}

/* The source with the place's path replaced by "@". */
static void assert_source(Str source, const char *place, const char *wanted)
{
    char full[PATH_BYTES];
    const char *at = strchr(wanted, '@');
    if (at)
        snprintf(full, sizeof full, "%.*s%s%s", (int)(at - wanted), wanted, place, at + 1);
    else
        snprintf(full, sizeof full, "%s", wanted);
    assert_str(source, full);
}

static void check_case(const Case *c)
{
    void *place = NULL;
    assert_int_equal(make_place(&place), 0);
    {
        CLEANUP(options_freep) Options *options = options_new();
        CLEANUP(config_freep) Config *config = NULL;
        CLEANUP(buffer_done) Buffer got = {0};
        prepare(c, place, options);
        if (c->error) {
            assert_fails_saying(options_resolve(options, c->command, &config), ERR_INVALID, c->error);
        } else {
            bool has = false;
            Error *error = options_resolve(options, c->command, &config);
            if (error)
                print_error("%s\n", c->what);
            assert_ok(error);
            assert_ok(config_write_value(config, str_of(c->name), &got, &has));
            if (has != (c->value != NULL) || (has && !str_equal(buffer_str(&got), str_of(c->value))))
                fail_msg("%s: '" STR_FMT "'", c->what, STR_ARG(buffer_str(&got)));
            if (c->source)
                assert_source(config_source(config, c->name), place, c->source);
        }
    }
    assert_int_equal(remove_place(&place), 0);
}

#define INGEST .command = COMMAND_INGEST

static void precedence(void **state)
{
    (void)state;
    static const Case CASES[] = {
        {"default", INGEST, .name = "workers", .value = "2", .source = "default"},
        {"set", INGEST, .set = {"workers", "3"}, .environment = {"QUERN_WORKERS=4"}, .name = "workers", .value = "3",
         .source = "option"},
        {"environment over .env and file", INGEST, .environment = {"QUERN_WORKERS=4"},
         .files = {".env", "QUERN_WORKERS=5", "quern.json", "{\"ingest\":{\"workers\":6}}"}, .name = "workers",
         .value = "4", .source = "environment QUERN_WORKERS"},
        {".env over file", INGEST, .files = {".env", "\nQUERN_WORKERS=5", "quern.json", "{\"ingest\":{\"workers\":6}}"},
         .name = "workers", .value = "5", .source = ".env @/.env:2"},
        {"file", INGEST, .files = {"quern.json", "{\"ingest\":{\"workers\":6}}"}, .name = "workers", .value = "6",
         .source = "config file @/quern.json"},
        {"file-first: file over .env", INGEST, .set = {"config_precedence", "file-first"},
         .environment = {"QUERN_WORKERS=4"},
         .files = {".env", "QUERN_WORKERS=5", "quern.json", "{\"ingest\":{\"workers\":6}}"}, .name = "workers",
         .value = "6"},
        {"file-first: .env over environment", INGEST, .set = {"config_precedence", "file-first"},
         .environment = {"QUERN_WORKERS=4"}, .files = {".env", "QUERN_WORKERS=5"}, .name = "workers", .value = "5"},
        {"file-first in the file", INGEST, .environment = {"QUERN_WORKERS=4"},
         .files = {"quern.json", "{\"config_precedence\":\"file-first\",\"run\":{\"workers\":6}}"}, .name = "workers",
         .value = "6"},
        {"file-first in a variable", INGEST, .environment = {"QUERN_WORKERS=4", "QUERN_CONFIG_PRECEDENCE=file-first"},
         .files = {"quern.json", "{\"run\":{\"workers\":6}}"}, .name = "workers", .value = "6"},
        {"file-first: what is set still wins", INGEST, .set = {"config_precedence", "file-first", "workers", "3"},
         .files = {"quern.json", "{\"run\":{\"workers\":6}}"}, .name = "workers", .value = "3"},
        {"keys are merged one by one", INGEST, .environment = {"QUERN_OUTPUT_FORMAT=parquet"},
         .files = {"quern.json", "{\"ingest\":{\"workers\":6,\"output_format\":\"ndjson\"}}"}, .name = "workers",
         .value = "6"},
        {"the user's file is below the project's", INGEST,
         .files = {"quern.json", "{\"run\":{\"workers\":6}}", "home/.config/quern/config.json",
                   "{\"run\":{\"workers\":7,\"limit\":9}}"},
         .name = "workers", .value = "6"},
        {"and merged", INGEST,
         .files = {"quern.json", "{\"run\":{\"workers\":6}}", "home/.config/quern/config.json",
                   "{\"run\":{\"workers\":7,\"limit\":9}}"},
         .name = "limit", .value = "9", .source = "config file @/home/.config/quern/config.json"},
        {"section of the command wins over the shared one", INGEST,
         .files = {"quern.json", "{\"run\":{\"workers\":6},\"ingest\":{\"num_processes\":7}}"}, .name = "workers",
         .value = "7"},
        {"QUERN_ wins over also-names", INGEST, .environment = {"AWS_REGION=a", "QUERN_REGION=b"}, .name = "region",
         .value = "b"},
        {"also-names in their order", INGEST, .environment = {"AWS_DEFAULT_REGION=a", "AWS_REGION=b"}, .name = "region",
         .value = "b"},
        {"an also-name of the environment over QUERN_ of .env", INGEST, .environment = {"AWS_REGION=a"},
         .files = {".env", "QUERN_REGION=b"}, .name = "region", .value = "a"},
        {"an empty variable is none", INGEST, .environment = {"QUERN_WORKERS=", "AWS_REGION="}, .name = "workers",
         .value = "2"},
        {"alias as variable", INGEST, .environment = {"QUERN_NUM_PROCESSES=9"}, .name = "workers", .value = "9"},
        {"QUERN_NO_X", INGEST, .environment = {"QUERN_NO_VERIFY_SSL=1"}, .name = "verify-ssl", .value = "false"},
        {"list in a variable", INGEST, .environment = {"QUERN_LANGUAGES=eng, deu"}, .name = "languages",
         .value = "eng,deu"},
        {"globs are not cut", INGEST, .environment = {"QUERN_FILE_GLOB={a,b}"}, .name = "file-glob", .value = "{a,b}"},
        {"a list of a stronger source replaces", INGEST, .environment = {"QUERN_LANGUAGES=eng"},
         .files = {"quern.json", "{\"ingest\":{\"languages\":[\"deu\",\"fra\"]}}"}, .name = "languages",
         .value = "eng"},
        {"list in a file", INGEST, .files = {"quern.json", "{\"ingest\":{\"languages\":[\"deu\",\"fra\"]}}"},
         .name = "languages", .value = "deu,fra"},
        {"commas in a file's string", INGEST, .files = {"quern.json", "{\"ingest\":{\"languages\":\"deu,fra\"}}"},
         .name = "languages", .value = "deu,fra"},
        {"members of a file's list are whole", INGEST,
         .files = {"quern.json", "{\"run\":{\"include\":[\"{a,b}\",\"c\"]}}"}, .name = "include", .value = "{a,b},c"},
        {"empty list", INGEST, .files = {"quern.json", "{\"ingest\":{\"languages\":[]}}"}, .name = "languages",
         .value = NULL},
        {"DATABASE_URL", .command = COMMAND_SEARCH, .environment = {"DATABASE_URL=sqlite:x"}, .name = "to",
         .value = "sqlite:x"},
        {"LOG_LEVEL of S2", INGEST, .environment = {"LOG_LEVEL=WARNING"}, .name = "log-level", .value = "WARNING"},
        {"DEBUG=1", INGEST, .environment = {"DEBUG=1"}, .name = "log-level", .value = "debug"},
        {"DEBUG of somebody else", INGEST, .environment = {"DEBUG=express:*"}, .name = "log-level", .value = "info"},
        {"NO_COLOR", INGEST, .environment = {"FORCE_COLOR=3", "NO_COLOR=0"}, .name = "color", .value = "never"},
        {"FORCE_COLOR", INGEST, .environment = {"FORCE_COLOR=3"}, .name = "color", .value = "always"},
        {"logging.level", INGEST, .files = {"quern.json", "{\"logging\":{\"level\":\"error\",\"file\":\"x.log\"}}"},
         .name = "log-level", .value = "error"},
        {"LOG_FILE", INGEST, .environment = {"LOG_FILE=x.log"}, .name = "log-file", .value = "x.log"},
        {"--log-file none", INGEST, .set = {"log_file", "none"}, .environment = {"LOG_FILE=x.log"}, .name = "log-file",
         .value = NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++)
        check_case(&CASES[i]);
}

static void files(void **state)
{
    (void)state;
    static const Case CASES[] = {
        {"config.json counts for load", .command = COMMAND_LOAD,
         .files = {"config.json", "{\"load\":{\"table\":\"a\"}}", "quern.json", "{\"load\":{\"table\":\"b\"}}"},
         .name = "table", .value = "a"},
        {"and config/config.json", .command = COMMAND_LOAD,
         .files = {"config/config.json", "{\"load\":{\"table\":\"a\"}}"}, .name = "table", .value = "a"},
        {"and the one at home", .command = COMMAND_LOAD,
         .files = {"home/.s3-postgres-pipeline/config.json", "{\"load\":{\"table\":\"a\"}}"}, .name = "table",
         .value = "a"},
        {"but not for ingest: a model's config.json", INGEST, .files = {"config.json", "{\"hidden_size\": 384}"},
         .name = "workers", .value = "2"},
        {"which is wrong for load", .command = COMMAND_LOAD, .files = {"config.json", "{\"hidden_size\": 384}"},
         .error = "config.json': it holds an unknown name: there is no section 'hidden_size'"},
        {"--config replaces found files", INGEST, .set = {"config", "own.json"},
         .files = {"own.json", "{\"run\":{\"limit\":1}}", "quern.json", "{\"run\":{\"workers\":6}}"}, .name = "workers",
         .value = "2"},
        {"--config is read", INGEST, .set = {"config_file", "own.json"},
         .files = {"own.json", "{\"run\":{\"limit\":1}}"}, .name = "limit", .value = "1",
         .source = "config file @/own.json"},
        {"QUERN_CONFIG", INGEST, .environment = {"QUERN_CONFIG=own.json"},
         .files = {"own.json", "{\"run\":{\"limit\":1}}"}, .name = "limit", .value = "1"},
        {"--config with .env beside", INGEST, .set = {"config", "own.json"},
         .files = {"own.json", "{\"run\":{\"limit\":1}}", ".env", "QUERN_LIMIT=2"}, .name = "limit", .value = "2"},
        {"--config x.env replaces .env", INGEST, .set = {"config", "x.env"},
         .files = {"x.env", "QUERN_LIMIT=3", ".env", "QUERN_LIMIT=2\nQUERN_WORKERS=9"}, .name = "workers",
         .value = "2"},
        {"--config x.env is read", INGEST, .set = {"config", "x.env"}, .files = {"x.env", "QUERN_LIMIT=3"},
         .name = "limit", .value = "3", .source = ".env @/x.env:1"},
        {"a loaded file is above found ones", INGEST, .load = "own.json",
         .files = {"own.json", "{\"run\":{\"limit\":1}}", "quern.json", "{\"run\":{\"limit\":2}}"}, .name = "limit",
         .value = "1"},
        {"and below the environment", INGEST, .load = "own.json", .environment = {"QUERN_LIMIT=3"},
         .files = {"own.json", "{\"run\":{\"limit\":1}}"}, .name = "limit", .value = "3"},
        {"--config that is not there", INGEST, .set = {"config", "none.json"}, .error = "none.json': "},
        {"not JSON", INGEST, .files = {"quern.json", "{\"ingest\": {\n  \"workers\": }}"},
         .error = "quern.json': not valid JSON: line 2, column"},
        {"a mistake does not quote", INGEST, .files = {"quern.json", "{\"s3\": \"s3cret\" x"},
         .error = "quern.json': not valid JSON: line 1"},
        {"not an object", INGEST, .files = {"quern.json", "[]"}, .error = "must be a JSON object"},
        {"unknown key", INGEST, .files = {"quern.json", "{\"ingest\":{\"num_proceses\":1}}"},
         .error =
             "quern.json': it holds an unknown name: there is no key 'ingest.num_proceses', the nearest is 'ingest.num_processes'"},
        {"unknown section", INGEST, .files = {"quern.json", "{\"ingset\":{}}"},
         .error = "there is no section 'ingset', the nearest is 'ingest'"},
        {"key of another command", INGEST, .files = {"quern.json", "{\"load\":{\"table\":\"a\"}}"}, .name = "workers",
         .value = "2"},
        {"section without keys", INGEST, .files = {"quern.json", "{\"ingest\": 3}"},
         .error = "'ingest' is a section and needs an object"},
        {"object as value", INGEST, .files = {"quern.json", "{\"ingest\":{\"workers\":{}}}"},
         .error = "'ingest.workers' needs a string"},
        {"object in a list", INGEST, .files = {"quern.json", "{\"ingest\":{\"languages\":[{}]}}"},
         .error = "'ingest.languages' needs a string"},
        {"list for one value", INGEST, .files = {"quern.json", "{\"ingest\":{\"workers\":[1]}}"},
         .error = "one value is wanted, not a list"},
        {"bad value", INGEST, .files = {"quern.json", "{\"ingest\":{\"workers\":\"x\"}}"},
         .error = "quern.json: ingest.workers: 'x' is not a whole number"},
        {"bad number", INGEST, .files = {"quern.json", "{\"ingest\":{\"workers\":1.5}}"},
         .error = "'1.5' is not a whole number"},
        {"comments", INGEST, .files = {"quern.json", "{\"//\":\"a\",\"ingest\":{\"//workers\":3,\"workers\":4}}"},
         .name = "workers", .value = "4"},
        {"dotted key at the top", INGEST, .files = {"quern.json", "{\"ingest.workers\":4}"}, .name = "workers",
         .value = "4"},
        {"true and false", INGEST, .files = {"quern.json", "{\"s3\":{\"no_verify_ssl\":true}}"}, .name = "verify-ssl",
         .value = "false"},
        {"no_x false is x", INGEST, .files = {"quern.json", "{\"s3\":{\"no_verify_ssl\":false}}"}, .name = "verify-ssl",
         .value = "true"},
        {"raise_on_error false says nothing", INGEST,
         .files = {"quern.json", "{\"ingest\":{\"raise_on_error\":false}}"}, .name = "max-errors", .value = NULL,
         .source = "default"},
        {"raise_on_error", INGEST, .files = {"quern.json", "{\"ingest\":{\"raise_on_error\":true}}"},
         .name = "max-errors", .value = "0"},
        {"null means none", INGEST, .files = {"quern.json", "{\"run\":{\"limit\":null}}"}, .name = "limit",
         .value = NULL},
        {"null where there must be a value is the default", INGEST,
         .files = {"quern.json", "{\"run\":{\"workers\":null}}"}, .name = "workers", .value = "2", .source = "default"},
        {"secrets of .env", INGEST, .files = {".env", "AWS_ACCESS_KEY_ID=id"}, .name = "aws-access-key-id",
         .value = "<redacted>"},
        {"the store reads those of the environment", INGEST, .environment = {"AWS_ACCESS_KEY_ID=other"},
         .files = {".env", "AWS_ACCESS_KEY_ID=id"}, .name = "aws-access-key-id", .value = NULL},
        {"broken .env", INGEST, .files = {".env", "A=b\nwhat is this"},
         .error = ".env': line 2: this is not NAME=value"},
        {"bad value in .env", INGEST, .files = {".env", "\nQUERN_WORKERS=x"},
         .error = "/.env:2: QUERN_WORKERS: 'x' is not"},
        {"bad value in a variable", INGEST, .environment = {"QUERN_WORKERS=x"},
         .error = "environment QUERN_WORKERS: 'x' is not a whole number"},
        {"that is overruled", INGEST, .set = {"workers", "3"}, .environment = {"QUERN_WORKERS=x"}, .name = "workers",
         .value = "3"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++)
        check_case(&CASES[i]);
}

static void library(void **state)
{
    (void)state;
    static const Case CASES[] = {
        {"names with _", INGEST, .set = {"output_format", "ndjson"}, .name = "output-format", .value = "ndjson"},
        {"keys", INGEST, .set = {"run.workers", "5"}, .name = "workers", .value = "5"},
        {"lists grow", INGEST, .set = {"languages", "eng", "languages", "deu,fra"}, .name = "languages",
         .value = "eng,deu,fra"},
        {"NULL empties", INGEST, .set = {"languages", "eng", "languages", "(null)", "languages", "deu"},
         .name = "languages", .value = "deu"},
        {"the last one counts", INGEST, .set = {"workers", "5", "workers", "6"}, .name = "workers", .value = "6"},
        {"NULL switches off", INGEST, .set = {"verify_ssl", "(null)"}, .name = "verify-ssl", .value = "false"},
        {"NULL is none", INGEST, .set = {"encoding", "(null)"}, .environment = {"QUERN_ENCODING=x"}, .name = "encoding",
         .value = NULL},
        {"secrets", INGEST, .set = {"aws_secret_access_key", "s3cret"}, .name = "aws_secret_access_key",
         .value = "<redacted>"},
        {"password in a URL", .command = COMMAND_LOAD, .set = {"to", "postgresql://me:s3cret@host/db"}, .name = "to",
         .value = "postgresql://me:<redacted>@host/db"},
        {"no password in a URL", .command = COMMAND_LOAD, .set = {"to", "http://host:80/a@b:c"}, .name = "to",
         .value = "http://host:80/a@b:c"},
        {"first bad name", INGEST, .set = {"wrokers", "1", "workers", "x"},
         .error = "'ingest' has no option 'wrokers', the nearest is 'workers'"},
        {"first bad value", INGEST, .set = {"workers", "x", "wrokers", "1"},
         .error = "option 'workers': 'x' is not a whole number"},
        {"of another command", INGEST, .set = {"table", "t"}, .error = "'ingest' has no option 'table'"},
        {"that a client ignores", .command = COMMAND_CLIENT, .set = {"table", "t", "region", "eu"}, .name = "region",
         .value = "eu"},
        {"but not what nobody knows", .command = COMMAND_CLIENT, .set = {"regoin", "eu"},
         .error = "the nearest is 'region'"},
        {"actions are no options", INGEST, .set = {"help", "true"}, .error = "has no option 'help'"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++)
        check_case(&CASES[i]);
}

static void shards(void **state)
{
    (void)state;
    static const Case CASES[] = {
        {"none", INGEST, .name = "shard", .value = "0/1"},
        {"QUERN_SHARD", INGEST, .environment = {"QUERN_SHARD=1/4", "SLURM_ARRAY_TASK_ID=9"}, .name = "shard",
         .value = "1/4"},
        {"index and count", INGEST, .environment = {"QUERN_SHARD_INDEX=2", "QUERN_SHARD_COUNT=4"}, .name = "shard",
         .value = "2/4", .source = "environment QUERN_SHARD_INDEX"},
        {"offset", INGEST, .environment = {"QUERN_SHARD_INDEX=2", "QUERN_SHARD_COUNT=40", "QUERN_SHARD_OFFSET=10"},
         .name = "shard", .value = "12/40"},
        {"Slurm", INGEST,
         .environment = {"SLURM_ARRAY_TASK_ID=7", "SLURM_ARRAY_TASK_COUNT=4", "SLURM_ARRAY_TASK_MIN=1",
                         "SLURM_ARRAY_TASK_STEP=2"},
         .name = "shard", .value = "3/4"},
        {"Kubernetes", INGEST, .environment = {"JOB_COMPLETION_INDEX=3", "QUERN_SHARD_COUNT=8"}, .name = "shard",
         .value = "3/8"},
        {"Batch, count in .env", INGEST, .environment = {"AWS_BATCH_JOB_ARRAY_INDEX=3"},
         .files = {".env", "QUERN_SHARD_COUNT=8"}, .name = "shard", .value = "3/8"},
        {"index without count", INGEST, .environment = {"JOB_COMPLETION_INDEX=3"}, .error = "an index needs a count"},
        {"count without index", INGEST, .environment = {"QUERN_SHARD_COUNT=3"}, .error = "a count needs an index"},
        {"index past the count", INGEST, .environment = {"QUERN_SHARD_INDEX=3", "QUERN_SHARD_COUNT=3"},
         .error = "counted from 0"},
        {"no number", INGEST, .environment = {"QUERN_SHARD_INDEX=x", "QUERN_SHARD_COUNT=3"},
         .error = "QUERN_SHARD_INDEX: 'x' is not a whole number"},
        {"what is set wins", INGEST, .set = {"shard", "0/1"}, .environment = {"JOB_COMPLETION_INDEX=3"},
         .name = "shard", .value = "0/1"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++)
        check_case(&CASES[i]);
}

/* The nearest .env upwards, not the one above it. */
static void dotenv_upwards(void **state)
{
    const char *place = *state;
    char below[PATH_BYTES];
    write_file(place, ".env", "QUERN_WORKERS=5\nQUERN_LIMIT=6\n", 0600);
    write_file(place, "a/.env", "QUERN_WORKERS=7\n", 0600);
    write_file(place, "a/b/c/x", "", 0600);
    snprintf(below, sizeof below, "%s/a/b/c", place);
    CLEANUP(options_freep) Options *options = options_new();
    CLEANUP(config_freep) Config *config = NULL;
    options_load(options, NULL, &(OptionsPlace){.directory = below});
    assert_ok(options_resolve(options, COMMAND_INGEST, &config));
    assert_int_equal(config_int(config, "workers"), 7);
    assert_false(config_has(config, "limit"));
}

static void exposed_secrets(void **state)
{
    const char *place = *state;
    static const char TEXT[] = "{\"s3\":{\"aws_access_key_id\":\"id\",\"aws_secret_access_key\":\"s3cret\"}}";
    static const struct {
        mode_t mode;
        const char *insecure;
        CommandId command;
        bool ok;
    } ROWS[] = {
        {0600, NULL, COMMAND_INGEST, true},   {0644, NULL, COMMAND_INGEST, false}, {0640, NULL, COMMAND_LOAD, false},
        {0644, "true", COMMAND_INGEST, true}, {0644, NULL, COMMAND_VERSION, true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        CLEANUP(options_freep) Options *options = options_new();
        CLEANUP(config_freep) Config *config = NULL;
        write_file(place, "quern.json", TEXT, ROWS[i].mode);
        if (ROWS[i].insecure)
            options_set(options, STR("insecure_config"), ROWS[i].insecure);
        options_load(options, NULL, &(OptionsPlace){.directory = place});
        if (!ROWS[i].ok) {
            assert_fails_saying(options_resolve(options, ROWS[i].command, &config), ERR_INVALID, "chmod 600");
            continue;
        }
        assert_ok(options_resolve(options, ROWS[i].command, &config));
        if (ROWS[i].command == COMMAND_INGEST)
            assert_str(config_str(config, "aws-secret-access-key"), "s3cret");
    }
}

/* The value never shows, whatever is printed. */
static void secrets_stay_secret(void **state)
{
    (void)state;
    CLEANUP(options_freep) Options *options = options_new();
    CLEANUP(config_freep) Config *config = NULL;
    CLEANUP(buffer_done) Buffer out = {0};
    options_set(options, STR("aws_access_key_id"), "CANARY1");
    options_set(options, STR("s3.aws_secret_access_key"), "CANARY2");
    options_set(options, STR("endpoint_url"), "http://me:CANARY3@localhost:9000/");
    assert_ok(options_resolve(options, COMMAND_INGEST, &config));
    assert_ok(config_write_json(config, &out));
    assert_ok(config_write_text(config, true, &out));
    assert_int_equal(str_find(buffer_str(&out), STR("CANARY")), SIZE_MAX);
    assert_int_not_equal(str_find(buffer_str(&out), STR("<redacted>")), SIZE_MAX);
    assert_int_not_equal(str_find(buffer_str(&out), STR("ingest.output_format = json  # default\n")), SIZE_MAX);
}

static void typed_values(void **state)
{
    (void)state;
    CLEANUP(options_freep) Options *options = options_new(), *copy = NULL;
    CLEANUP(config_freep) Config *config = NULL;
    options_set(options, STR("max_file_size"), "8MiB");
    options_set(options, STR("parse_timeout"), "1m30s");
    options_set(options, STR("max_errors"), "5%");
    options_set(options, STR("shard"), "1/3");
    options_set(options, STR("output_format"), "parquet");
    options_set(options, STR("languages"), "eng,deu");
    options_set(options, STR("force"), "true");
    assert_ok(options_copy(options, &copy));
    options_free(options);
    options = NULL;
    assert_ok(options_resolve(copy, COMMAND_INGEST, &config));
    assert_int_equal(config_command(config), COMMAND_INGEST);
    assert_int_equal(config_size(config, "max-file-size"), 8 * MIB);
    assert_int_equal(config_duration_us(config, "parse-timeout"), 90000000);
    assert_true(config_amount(config, "max-errors").percent);
    assert_int_equal(config_shard(config, "shard").index, 1);
    assert_int_equal(config_choice(config, "output-format"), 2);
    assert_str(config_str(config, "output-format"), "parquet");
    assert_int_equal(config_list(config, "languages").count, 2);
    assert_str(config_list(config, "languages").items[1], "deu");
    assert_true(config_bool(config, "force"));
    assert_null(config_cstr(config, "s3-url"));
    assert_true(config_knows(config, "sandbox"));
    assert_false(config_knows(config, "table"));
    assert_true(config_is_set(config, "shard"));
    assert_false(config_is_set(config, "workers"));
    assert_str(config_source(config, "workers"), "default");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precedence),
        cmocka_unit_test(files),
        cmocka_unit_test(library),
        cmocka_unit_test(shards),
        cmocka_unit_test_setup_teardown(dotenv_upwards, make_place, remove_place),
        cmocka_unit_test_setup_teardown(exposed_secrets, make_place, remove_place),
        cmocka_unit_test(secrets_stay_secret),
        cmocka_unit_test(typed_values),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
