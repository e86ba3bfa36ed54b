/* options.h - the one table of options, and what is made from it: the command line's parser, the environment's variables, the
 * configuration files' keys, the library's options, help, manual pages, shell completion, templates.
 *
 * The way of a value: an `Options` collects settings from several sources (options_set or options_parse_args above all, options_load
 * below); options_resolve picks by precedence, parses, checks bounds and gives a constant `Config` for one command. A `Config` is
 * read by name: `config_int(config, "workers")`; a name that the command has not, or of another type, is our mistake and trips
 * an ASSERT. Names: the flag without its dashes ("num-processes"); from outside also with `_`, an alias, or a key ("run.workers").
 *
 * An Options belongs to one thread; a Config may be read by many. Nothing here prints, and the environment is a parameter.
 * Every mistake of the user is INVALID (exit status 2) and says where it stands and which name is nearest.
 * Source: spec/commands.md 0 to 0.2, spec/api.md 1.3 (quern/options.h). */
#ifndef JOBS_OPTIONS_OPTIONS_H
#define JOBS_OPTIONS_OPTIONS_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

/* ---- The table: definitions, constant, in table.c -------------------------------------------------------------------------- */

/* Every command that exists, in the order of help. A row names its commands by their bits. */
typedef enum CommandId {
    COMMAND_FETCH,
    COMMAND_INGEST,
    COMMAND_PARTITION,
    COMMAND_LOAD,
    COMMAND_SET_TIMESTAMP,
    COMMAND_ADD_PROVIDER,
    COMMAND_COPY,
    COMMAND_SEARCH,
    COMMAND_LS,
    COMMAND_PARQUET_SCHEMA,
    COMMAND_PARQUET_CAT,
    COMMAND_PARQUET_HEAD,
    COMMAND_PARQUET_META,
    COMMAND_UPLOADS_LIST,
    COMMAND_UPLOADS_ABORT,
    COMMAND_STATUS,
    COMMAND_WHY,
    COMMAND_RETRY,
    COMMAND_DOCTOR,
    COMMAND_CONFIG_SHOW,
    COMMAND_CONFIG_INIT,
    COMMAND_COMPLETION,
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_CLIENT, /* no command: the options of quern_client_new (sections s3, run); library only */
    COMMANDS
} CommandId;

#define COMMAND_BIT(id) (UINT32_C(1) << (id))

/* Where a name comes from: one of the originals (S0 kl3m, S1 Unstructured, S2 S3-to-PostgreSQL, S3 impresso, S4 mleko) or us. Names of
 * a command's original may be abbreviated among themselves. */
typedef enum Origin {
    ORIGIN_OURS = 0,
    ORIGIN_S0 = 1 << 0,
    ORIGIN_S1 = 1 << 1,
    ORIGIN_S2 = 1 << 2,
    ORIGIN_S3 = 1 << 3,
    ORIGIN_S4 = 1 << 4,
} Origin;

typedef enum OptionType {
    OPTION_BOOL, /* config_bool */
    OPTION_INT,  /* config_int; bounds apply */
    OPTION_REAL, /* config_real */
    OPTION_SIZE, /* config_size: "8MiB", "500MB", bytes; bounds in bytes */
    OPTION_DURATION, /* config_duration_us: "30s", "5m", "1h30m", "250ms", a bare number is seconds; bounds in microseconds */
    OPTION_CHOICE, /* config_choice, an index into `choices`; also config_str */
    OPTION_STRING, /* config_str and config_cstr, as the following */
    OPTION_PATH,   /* a local file or directory */
    OPTION_PLACE,  /* s3://, file:///, a path */
    OPTION_URL,    /* printed without the password it may hold */
    OPTION_AMOUNT, /* config_amount: N or N% */
    OPTION_SHARD   /* config_shard: I/N */
} OptionType;

typedef enum OptionTraits {
    OPTION_LIST = 1 << 0,      /* repeatable; commas separate. config_list */
    OPTION_GLOB = 1 << 1,      /* with LIST: values are globs, commas do not separate */
    OPTION_SECRET = 1 << 2,    /* prints `<redacted>`; never taken from the command line */
    OPTION_NO_FLAG = 1 << 3,   /* a key and a library option only */
    OPTION_NO_ENV = 1 << 4,    /* QUERN_X is not read: the name means something else in most commands */
    OPTION_NONE_WORD = 1 << 5, /* the value "none" and --no-NAME mean: no value */
    OPTION_ACTION =
        1 << 6, /* about this command line only (--help, --set): a flag, no key, no variable, not in a Config */
    OPTION_DOTENV =
        1 << 7, /* its `variables` are the store's business in the environment; here they count in a .env only */
    OPTION_NO_KEY = 1 << 8, /* makes no sense in a configuration file */
    OPTION_STEADY = 1 << 9, /* config_steady is asked for it */
} OptionTraits;

/* Another name. With `value` it is a flag without argument that means --name=value ("debug": log-level debug). */
typedef struct OptionAlias {
    const char *name;
    const char *value;
    unsigned origins;
} OptionAlias;

enum { OPTION_ALIASES_MAX = 3 };

typedef struct OptionDef {
    const char *name;  /* "output-format" */
    uint32_t commands; /* COMMAND_BIT of each; one name may have several rows with different commands */
    const char *
        section; /* of the key, beside the command's own, which every row has: "run", "s3", "logging"; NULL: only that */
    OptionType type;
    unsigned traits;        /* OptionTraits */
    char letter;            /* 'o' for -o; 0: none */
    unsigned origins;       /* Origin bits of `name` */
    const char *value_name; /* "FILE" in help; NULL for booleans and choices */
    const char *fallback;   /* the default as text; NULL: none, then `fallback_help` says what happens */
    const char *fallback_help;
    double minimum, maximum; /* in the type's unit; both 0: that of the type */
    const char *choices;     /* "auto|path|virtual" */
    OptionAlias aliases[OPTION_ALIASES_MAX];
    const char *
        variables; /* read after QUERN_NAME, in this order, separated by spaces. "X": its value; "X=v": any value means v;
                                 * "X?v": true, yes, 1 and the like mean v */
    const char *keys; /* further keys, separated by spaces, the first is the one that is shown: "logging.level" */
    const char *help; /* one sentence without final stop, lower case */
} OptionDef;

/* What stands on the command line without a flag. */
typedef struct ArgumentDef {
    const char *name;   /* "URL"; NULL ends the list */
    const char *option; /* the row it sets; NULL: it comes back in Arguments */
    bool required;
    bool repeated; /* only the last */
    const char *help;
} ArgumentDef;

enum { COMMAND_ARGUMENTS_MAX = 2, COMMAND_EXAMPLES_MAX = 4, COMMAND_STATUSES_MAX = 12 };

typedef struct CommandExample {
    const char *line; /* "quern ls s3://bucket/" */
    const char *what;
} CommandExample;

typedef struct CommandDef {
    const char *name;        /* "ingest", "parquet schema" */
    const char *section;     /* of its keys: "ingest", "parquet" */
    unsigned origin;         /* the Origin whose flags may be abbreviated; 0: none */
    const char *summary;     /* after the dash in NAME: lower case, no stop */
    const char *description; /* paragraphs separated by an empty line */
    ArgumentDef arguments[COMMAND_ARGUMENTS_MAX + 1];
    CommandExample examples[COMMAND_EXAMPLES_MAX + 1];
    uint8_t statuses[COMMAND_STATUSES_MAX]; /* exit statuses besides 0, 2 and 70; 0 ends */
    bool library_only;                      /* COMMAND_CLIENT; it also ignores settings that belong to other commands */
    bool older_files;                       /* config.json and the like of S2 are looked for */
} CommandDef;

const CommandDef *command_def(CommandId id);
/* By name, "parquet schema" or "parquet_schema"; a group ("parquet") is no command. Errors: INVALID with the nearest name. */
Error *command_find(Str name, CommandId *ret_id) MUST_USE;
/* The rows of the table, in the order of help; NULL past the last. */
const OptionDef *option_at(size_t index);
size_t option_count(void);
/* The row of this name or alias (with "-") in this command, or NULL. */
const OptionDef *option_find(CommandId command, Str name);

/* ---- Collecting settings ---------------------------------------------------------------------------------------------------- */

typedef struct Options Options;
typedef struct Config Config;

Options *options_new(void) MUST_USE; /* NULL without memory */
void options_free(Options *options); /* NULL is allowed */
DEFINE_FREEP(Options, options_free)
Error *options_copy(const Options *options, Options **ret_copy) MUST_USE;

/* As the flag: a list grows, anything else is replaced; `value` NULL: none, --no-NAME, empty list (and for a row that
 * must have a value, its default). Never fails: the first bad name or value, or lack of memory, comes back from options_resolve. */
void options_set(Options *options, Str name, const char *value);

/* What a program stands in. */
typedef struct OptionsPlace {
    const char *const *environment; /* "NAME=value", ended by NULL; NULL: none */
    const char *directory;          /* found files and .env are looked for from here; NULL: "." */
} OptionsPlace;

/* Below what is set. `path`: a configuration file, JSON or, by its name, *.env; the first one loaded wins. NULL: the environment, the
 * nearest .env and the found files, as the program: `--config` if it is set, else quern.json and the rest.
 * Never fails; as options_set. The files are read now. */
void options_load(Options *options, const char *path, const OptionsPlace *place);

/* What the command line asks besides options. Texts are borrowed from argv. */
enum { ARGUMENTS_MAX = 64 };
typedef struct Arguments {
    CommandId command; /* COMMANDS when there is none (`quern`, `quern --help`, `quern parquet --help`) */
    Str group;         /* then: the group's name, "parquet", or empty */
    bool help, version, print_config;
    bool json;    /* --json stands there; true on failure too */
    size_t count; /* arguments that set no option, in order; required ones are there unless help or version is set */
    const char *values[ARGUMENTS_MAX];
} Arguments;

/* Reads a command line (argv[0] is skipped) into `options`, above everything else. Errors: INVALID. `*ret_arguments` is written on
 * failure too, as far as it was understood, so that the caller knows how to say it. */
Error *options_parse_args(Options *options, int argc, const char *const *argv, Arguments *ret_arguments) MUST_USE;

/* The effective values for `command`. Needs `options` no more afterwards. Errors: INVALID, the first mistake in order of
 * precedence; NO_MEMORY. */
Error *options_resolve(const Options *options, CommandId command, Config **ret_config) MUST_USE;

/* ---- Reading a Config ------------------------------------------------------------------------------------------------------- */

typedef struct OptionAmount {
    double value; /* a count, or percent */
    bool percent;
} OptionAmount;

typedef struct OptionShard {
    uint32_t index, count; /* index < count */
} OptionShard;

typedef struct OptionFilter {
    Str glob;
    bool include;
} OptionFilter;

typedef struct OptionFilters {
    const OptionFilter *items;
    size_t count;
} OptionFilters;

void config_free(Config *config); /* NULL is allowed */
DEFINE_FREEP(Config, config_free)

CommandId config_command(const Config *config);
/* Has the command such an option? For code that serves several commands. */
bool config_knows(const Config *config, const char *name);
bool config_has(const Config *config, const char *name);    /* there is a value, the default included */
bool config_is_set(const Config *config, const char *name); /* somebody chose it: its source is not "default" */

/* Without a value: false, 0, "" and NULL. Texts of lists end in a NUL too. Texts live as long as the config and end in a NUL. */
bool config_bool(const Config *config, const char *name);
int64_t config_int(const Config *config, const char *name);
double config_real(const Config *config, const char *name);
uint64_t config_size(const Config *config, const char *name);
int64_t config_duration_us(const Config *config, const char *name);
size_t config_choice(const Config *config, const char *name); /* needs a value; rows of this type have a default */
Str config_str(const Config *config, const char *name);
const char *config_cstr(const Config *config, const char *name);
StrList config_list(const Config *config, const char *name);
OptionAmount config_amount(const Config *config, const char *name);
OptionShard config_shard(const Config *config, const char *name);
/* --include and --exclude in the order given (first match wins); of different sources, the stronger source first. */
OptionFilters config_filters(const Config *config);
/* "command line", "option" (options_set), "environment QUERN_REGION", ".env /a/.env:3", "config file /a/quern.json", "default". */
Str config_source(const Config *config, const char *name);
/* What it would be if there were no environment and no .env, as it was written; "" when nobody else chose it. Of rows with OPTION_STEADY. */
Str config_steady(const Config *config, const char *name);

/* Appends one value as text, as it would be written for the flag; lists joined by commas, secrets redacted. `name` in any form that
 * options_set takes. For quern_options_value. Errors: INVALID (no such option). */
Error *config_write_value(const Config *config, Str name, Buffer *out, bool *ret_has) MUST_USE;
/* {"command": "ingest", "options": [{"name", "key", "value", "source"}, ...]}; secrets are "<redacted>". For quern_options_check. */
Error *config_write_json(const Config *config, Buffer *out) MUST_USE;
/* Puts the object of those that are not at their defaults, {"output_format": "parquet"}; secrets redacted. For the plan of --json. */
void config_put_chosen(const Config *config, JsonWriter *w);
Str config_command_name(const Config *config); /* "parquet cat" */
/* "ingest.output_format = json", a line each; with `origin` the source behind it. For --print-config and `config show`. */
Error *config_write_text(const Config *config, bool origin, Buffer *out) MUST_USE;

/* ---- What is made from the table -------------------------------------------------------------------------------------------- */

typedef enum ShellKind { SHELL_BASH, SHELL_ZSH, SHELL_FISH } ShellKind;
typedef enum TemplateKind { TEMPLATE_JSON, TEMPLATE_ENV } TemplateKind;

/* COMMANDS as command: the program as a whole. `width`: columns to wrap at, at least 40. */
Error *options_write_help(CommandId command, unsigned width, Buffer *out) MUST_USE;
/* What `quern GROUP --help` prints: the commands that begin with it. Errors: INVALID (none does). */
Error *options_write_group_help(Str group, unsigned width, Buffer *out) MUST_USE;
/* man(7) source of quern(1) or quern-ingest(1). The same input gives the same bytes. */
Error *options_write_man(CommandId command, Buffer *out) MUST_USE;
Error *options_write_completion(ShellKind shell, Buffer *out) MUST_USE;
/* A file that changes nothing until a line of it is taken out of its comment. */
Error *options_write_template(CommandId command, TemplateKind kind, Buffer *out) MUST_USE;
/* The rows of a command as JSON: {"command", "options": [{"name", "key", "type", "default", ...}]}. For quern_options_table. */
Error *options_write_table(CommandId command, Buffer *out) MUST_USE;

#endif
