/* quern/options.h - options by the names that the command line, the environment and the configuration files know: one table.
 *
 * Setters do not fail: the first bad name or value comes back as INVALID, with the nearest name, from the call that takes the options
 * (and copies them). One thread at a time. */
#ifndef QUERN_OPTIONS_H
#define QUERN_OPTIONS_H

#include <quern/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct QuernOptions QuernOptions;

/* Never NULL; a lack of memory comes later. */
QUERN_API QuernOptions *quern_options_new(void);
QUERN_API void quern_options_free(QuernOptions *options);

/* As the flag: a list grows, anything else is replaced. `name`: the flag with "_" ("output_format"), or a configuration key ("run.workers").
 * `value` NULL: none, --no-NAME, empty list. */
QUERN_API void quern_options_set(QuernOptions *options, const char *name, const char *value);
QUERN_API void quern_options_set_int(QuernOptions *options, const char *name, int64_t value);

/* Below what is set: a configuration file (JSON, *.env). `path` NULL: environment, .env and found files, as the program does. */
QUERN_API void quern_options_load(QuernOptions *options, const char *path);

/* Effective values with their sources for "ingest", "parquet cat", ...; secrets are redacted. Errors: INVALID. */
QUERN_API QuernError *quern_options_check(const QuernOptions *options, const char *command,
                                          char **ret_json) QUERN_MUST_USE;
/* The table's rows for a command. */
QUERN_API QuernError *quern_options_table(const char *command, char **ret_json) QUERN_MUST_USE;

/* ---- for programs with a command line like quern's ---- */

enum { QUERN_ARGUMENTS_MAX = 64 };

/* What a command line asks besides options. Texts are those of argv. */
typedef struct QuernArguments {
    size_t struct_bytes;
    const char *command; /* "ingest", "parquet cat"; NULL: none was named */
    bool help, version, print_config;
    size_t count; /* arguments that set no option */
    const char *values[QUERN_ARGUMENTS_MAX];
} QuernArguments;

/* Reads a command line into `options`, above everything else, then the environment and files below it. `*arguments` is written on failure
 * too, as far as it was understood. Errors: INVALID. */
QUERN_API QuernError *quern_options_parse(QuernOptions *options, int argc, const char *const *argv,
                                          QuernArguments *arguments) QUERN_MUST_USE;

/* One effective value as text; NULL when there is none, "" when somebody chose to have none. Lists are joined by commas. Errors: INVALID. */
QUERN_API QuernError *quern_options_value(const QuernOptions *options, const char *command, const char *name,
                                          char **ret_text) QUERN_MUST_USE;

typedef enum QuernText {
    QUERN_TEXT_HELP,          /* --help */
    QUERN_TEXT_MANUAL,        /* roff */
    QUERN_TEXT_VALUES,        /* --print-config: a line an option */
    QUERN_TEXT_TEMPLATE_JSON, /* a commented quern.json */
    QUERN_TEXT_TEMPLATE_ENV,  /* a commented .env */
    QUERN_TEXT_BASH,          /* shell completion; `command` is ignored */
    QUERN_TEXT_ZSH,
    QUERN_TEXT_FISH
} QuernText;

/* What is made from the table. `command` NULL: the program as a whole; a group ("parquet") for help. `options` NULL: defaults; only
 * VALUES reads them. `width`: columns, for HELP. */
QUERN_API QuernError *quern_options_text(const QuernOptions *options, const char *command, QuernText kind,
                                         unsigned width, char **ret_text) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
