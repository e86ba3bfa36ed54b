#include "base/buffer.h"
#include "base/testing.h"
#include "jobs/options/options.h"
#include <stdio.h>

enum { WORDS_MAX = 40 };

/* Splits `line` at spaces into argv; `_` alone stands for an empty argument. */
static int words_of(char *line, const char *argv[WORDS_MAX])
{
    int argc = 0;
    argv[argc++] = "quern";
    for (char *save, *word = strtok_r(line, " ", &save); word && argc < WORDS_MAX; word = strtok_r(NULL, " ", &save))
        argv[argc++] = strcmp(word, "_") == 0 ? "" : word;
    return argc;
}

enum { LINE_BYTES = 512 };

/* Reads the line and resolves its command. What `arguments` holds lives in `copy`. */
static Error *run(const char *line, char copy[LINE_BYTES], Arguments *arguments, Config **config)
{
    CLEANUP(options_freep) Options *options = options_new();
    const char *argv[WORDS_MAX];
    snprintf(copy, LINE_BYTES, "%s", line);
    int argc = words_of(copy, argv);
    TRY(options_parse_args(options, argc, argv, arguments));
    return arguments->command == COMMANDS ? NULL : options_resolve(options, arguments->command, config);
}

/* A line, and the value of one option after it. */
static void values(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name, *value;
    } ROWS[] = {
        {"ingest", "workers", "2"},
        {"ingest --workers 8", "workers", "8"},
        {"ingest --workers=8", "workers", "8"},
        {"ingest --workers 8 --num-processes 9", "workers", "9"},
        {"ingest --num-processes=3", "workers", "3"},
        {"ingest --num-p 3", "workers", "3"},
        {"ingest s3://b/p", "s3-url", "s3://b/p"},
        {"ingest --s3-url s3://b/p", "s3-url", "s3://b/p"},
        {"ingest --s3 s3://b/p", "s3-url", "s3://b/p"},
        {"ingest --remote-url s3://b/p", "s3-url", "s3://b/p"},
        {"ingest --re-download", "re-download", "true"},
        {"ingest --re-download --no-re-download", "re-download", "false"},
        {"ingest --re-d", "re-download", "true"},
        {"ingest --no-re-d", "re-download", "false"},
        {"ingest --anon", "anonymous", "true"},
        {"ingest --no-sign-request", "anonymous", "true"},
        {"ingest --no-verify-ssl", "verify-ssl", "false"},
        {"ingest --verify-ssl=no", "verify-ssl", "no"},
        {"ingest --reprocess", "force", "true"},
        {"ingest --force", "force", "true"},
        {"ingest --raise-on-error", "max-errors", "0"},
        {"ingest --debug", "log-level", "debug"},
        {"ingest --languages eng,deu --languages fra", "languages", "eng,deu,fra"},
        {"ingest --languages eng,,deu,", "languages", "eng,deu"},
        {"ingest --file-glob {a,b}*", "file-glob", "{a,b}*"},
        {"ingest --file-glob a,b --file-glob c", "file-glob", "a,b,c"},
        {"ingest -vn", "verbose", "true"},
        {"ingest -vn", "dry-run", "true"},
        {"ingest -lx.log", "log-file", "x.log"},
        {"ingest -ql x.log", "log-file", "x.log"},
        {"ingest --log-file none", "log-file", NULL},
        {"ingest --log-file x --no-log-file", "log-file", NULL},
        {"ingest --set run.workers=7", "workers", "7"},
        {"ingest --set=ingest.workers=7 --workers 8", "workers", "8"},
        {"ingest --workers 8 --set ingest.num_processes=7", "workers", "7"},
        {"ingest --set logging.level=error", "log-level", "error"},
        {"ingest --set config_precedence=file-first", "config-precedence", "file-first"},
        {"ingest --set load.table=x", "workers", "2"},
        {"ingest --set ingest.encoding=a=b", "encoding", "a=b"},
        {"load a --table t --dsn sqlite:x.db", "to", "sqlite:x.db"},
        {"load a --table t -o out.json", "output", "out.json"},
        {"load a -c x.json", "config", "x.json"},
        {"load a --config-file x.json", "config", "x.json"},
        {"load --deb a", "log-level", "debug"},
        {"load a", "source", "a"},
        {"load -", "source", "-"},
        {"load -- --odd", "source", "--odd"},
        {"search q --limit 3", "limit", "3"},
        {"search q", "limit", "10"},
        {"search q --filter a=b,c --filter d=e", "filter", "a=b,c,d=e"},
        {"parquet cat f --columns a,b", "columns", "a,b"},
        {"parquet head f", "limit", "10"},
        {"doctor --no-sandbox", "sandbox", "false"},
        {"ingest --max-file-size 8MiB", "max-file-size", "8MiB"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        CLEANUP(config_freep) Config *config = NULL;
        CLEANUP(buffer_done) Buffer got = {0};
        Arguments arguments;
        char copy[LINE_BYTES];
        bool has = false;
        Error *error = run(ROWS[i].line, copy, &arguments, &config);
        if (error)
            print_error("%s\n", ROWS[i].line);
        assert_ok(error);
        assert_ok(config_write_value(config, str_of(ROWS[i].name), &got, &has));
        if (has != (ROWS[i].value != NULL) || (has && !str_equal(buffer_str(&got), str_of(ROWS[i].value))))
            fail_msg("%s: %s is '" STR_FMT "'", ROWS[i].line, ROWS[i].name, STR_ARG(buffer_str(&got)));
    }
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } ROWS[] = {
        {"ingset", "there is no command 'ingset', the nearest is 'ingest'"},
        {"inges", "the nearest is 'ingest'"},
        {"parq schema f", "the nearest is 'parquet'"},
        {"elephant", "`quern help` lists them"},
        {"--workers 8 ingest", "the command comes first"},
        {"client", "there is no command 'client'"},
        {"parquet", "'parquet' needs a second word"},
        {"parquet scheme f", "the nearest is 'parquet schema'"},
        {"parquet x f", "there is no command 'parquet x'"},
        {"ingest --wrokers 8", "'ingest' has no flag '--wrokers', the nearest is '--workers'"},
        {"ingest --worker 8", "the nearest is '--workers'"}, /* not the original's: no abbreviation */
        {"ingest --num_processes 8", "the nearest is '--num-processes'"},
        {"ingest --elephants", "`quern ingest --help` lists them"},
        {"ingest --table t", "has no flag '--table'"},
        {"ingest --aws-secret-access-key x", "has no flag '--aws-secret-access-key'"},
        {"ingest --re", "flag '--re' may be '--re-download' or '--recursive'"},
        {"ingest --", NULL},
        {"ingest --=x", "has no flag '--'"},
        {"ingest --workers", "flag '--workers' needs a value: --workers N"},
        {"ingest --workers --json", "flag '--workers' needs a value"},
        {"ingest --workers x", "--workers: 'x' is not a whole number from 1 to 4096"},
        {"ingest --workers x --workers 3", "'x' is not a whole number"},
        {"ingest --workers=", "'' is not a whole number"},
        {"ingest --num-processes 0", "--workers: '0' is not"},
        {"ingest --json=maybe", "--json: 'maybe' is neither true nor false"},
        {"ingest --no-json=1", "flag '--no-json' takes no value"},
        {"ingest --debug=1", "flag '--debug' takes no value"},
        {"ingest --help=1", "takes no value"},
        {"ingest --no-workers", "has no flag '--no-workers'"},
        {"ingest --no-help", "has no flag '--no-help'"},
        {"ingest -x", "'ingest' has no flag '-x'"},
        {"ingest -vx", "no flag '-x'"},
        {"ingest -l", "flag '-l' needs a value: -l FILE"},
        {"ingest -o x", "no flag '-o'"},
        {"ingest a b", "'ingest' does not know what to do with 'b'"},
        {"ingest --s3-url a b", "URL is given twice: 'a' and 'b'"},
        {"ingest --download-dir _", "--download-dir: the value is empty"},
        {"search", "'search' needs QUERY"},
        {"parquet schema", "'parquet schema' needs FILE"},
        {"ls a b", "does not know what to do with 'b'"},
        {"ingest --set", "needs a value: --set SECTION.KEY=VALUE"},
        {"ingest --set workers", "'workers' is not SECTION.KEY=VALUE"},
        {"ingest --set =3", "is not SECTION.KEY=VALUE"},
        {"ingest --set run.wrokers=3", "--set: there is no key 'run.wrokers', the nearest is 'run.workers'"},
        {"ingest --set rum.workers=3", "--set: there is no section 'rum', the nearest is 'run'"},
        {"ingest --set ingest.num_proceses=3", "the nearest is 'ingest.num_processes'"},
        {"ingest --set run.workers=x", "--run.workers: 'x' is not a whole number"},
        {"ingest --set run.set=x", "there is no key 'run.set'"},
        {"ingest --set s3.aws_secret_access_key=x", "is a secret"},
        {"ingest --shard 4/4", "counted from 0"},
        {"ingest --output-format xml", "'xml' is not one of json|ndjson|parquet"},
        {"search q --mode vector", "'vector' is not one of text"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        CLEANUP(config_freep) Config *config = NULL;
        Arguments arguments;
        char copy[LINE_BYTES];
        if (ROWS[i].says)
            assert_fails_saying(run(ROWS[i].line, copy, &arguments, &config), ERR_INVALID, ROWS[i].says);
        else
            assert_ok(run(ROWS[i].line, copy, &arguments, &config));
    }
}

static void what_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        CommandId command;
        const char *asks; /* h v p j */
        const char *group;
        size_t count;
        const char *last;
    } ROWS[] = {
        {"", COMMANDS, "", "", 0, NULL},
        {"--help", COMMANDS, "h", "", 0, NULL},
        {"-h", COMMANDS, "h", "", 0, NULL},
        {"--version", COMMANDS, "v", "", 0, NULL},
        {"parquet --help", COMMANDS, "h", "parquet", 0, NULL},
        {"search --help", COMMAND_SEARCH, "h", "", 0, NULL},
        {"search -h", COMMAND_SEARCH, "h", "", 0, NULL},
        {"search --version", COMMAND_SEARCH, "v", "", 0, NULL},
        {"search --print-config", COMMAND_SEARCH, "p", "", 0, NULL},
        {"search a --json", COMMAND_SEARCH, "j", "", 1, "a"},
        {"help parquet schema", COMMAND_HELP, "", "", 2, "schema"},
        {"config show parquet cat --origin", COMMAND_CONFIG_SHOW, "", "", 2, "cat"},
        {"completion bash", COMMAND_COMPLETION, "", "", 1, "bash"},
        {"parquet cat -- -x", COMMAND_PARQUET_CAT, "", "", 1, "-x"},
        {"ls -", COMMAND_LS, "", "", 1, "-"},
        {"version", COMMAND_VERSION, "", "", 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        CLEANUP(config_freep) Config *config = NULL;
        Arguments got;
        char copy[LINE_BYTES];
        assert_ok(run(ROWS[i].line, copy, &got, &config));
        assert_int_equal(got.command, ROWS[i].command);
        assert_int_equal(got.help, strchr(ROWS[i].asks, 'h') != NULL);
        assert_int_equal(got.version, strchr(ROWS[i].asks, 'v') != NULL);
        assert_int_equal(got.print_config, strchr(ROWS[i].asks, 'p') != NULL);
        assert_int_equal(got.json, strchr(ROWS[i].asks, 'j') != NULL);
        assert_str(got.group, ROWS[i].group);
        assert_int_equal(got.count, ROWS[i].count);
        if (ROWS[i].last)
            assert_string_equal(got.values[got.count - 1], ROWS[i].last);
    }
}

/* Also when the line is wrong: the answer must come as JSON then. */
static void json_is_known_on_failure(void **state)
{
    (void)state;
    Config *config = NULL;
    Arguments got;
    char copy[LINE_BYTES];
    assert_fails(run("ingest --elephant --json", copy, &got, &config), ERR_INVALID);
    assert_true(got.json);
}

static void too_many_arguments(void **state)
{
    (void)state;
    CLEANUP(options_freep) Options *options = options_new();
    const char *argv[ARGUMENTS_MAX + 3] = {"quern", "help"};
    for (size_t i = 2; i < ARRAY_COUNT(argv); i++)
        argv[i] = "x";
    Arguments arguments;
    assert_fails_saying(options_parse_args(options, (int)ARRAY_COUNT(argv), argv, &arguments), ERR_INVALID,
                        "more than 64 arguments");
}

static void filters_keep_their_order(void **state)
{
    (void)state;
    CLEANUP(config_freep) Config *config = NULL;
    Arguments arguments;
    char copy[LINE_BYTES];
    assert_ok(run("ingest --exclude a --include b --include {c,d} --exclude e", copy, &arguments, &config));
    OptionFilters filters = config_filters(config);
    static const struct {
        const char *glob;
        bool include;
    } WANTED[] = {{"a", false}, {"b", true}, {"{c,d}", true}, {"e", false}};
    assert_int_equal(filters.count, ARRAY_COUNT(WANTED));
    for (size_t i = 0; i < filters.count; i++) {
        assert_str(filters.items[i].glob, WANTED[i].glob);
        assert_int_equal(filters.items[i].include, WANTED[i].include);
    }
}

/* `config show search` asks for the values of another command: its own flags are no mistake there. */
static void values_of_another_command(void **state)
{
    (void)state;
    CLEANUP(options_freep) Options *options = options_new();
    CLEANUP(config_freep) Config *config = NULL;
    const char *argv[] = {"quern", "config", "show", "search", "--origin", "--color", "never"};
    Arguments arguments;
    assert_ok(options_parse_args(options, (int)ARRAY_COUNT(argv), argv, &arguments));
    assert_ok(options_resolve(options, COMMAND_SEARCH, &config));
    assert_str(config_str(config, "color"), "never");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(what_is_asked),
        cmocka_unit_test(json_is_known_on_failure),
        cmocka_unit_test(too_many_arguments),
        cmocka_unit_test(filters_keep_their_order),
        cmocka_unit_test(values_of_another_command),
    };
    return cmocka_run_group_tests_name("options args", tests, NULL, NULL);
}
