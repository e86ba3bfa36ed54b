/* table.h - what the files of this folder share about the table. */
#ifndef JOBS_OPTIONS_TABLE_H
#define JOBS_OPTIONS_TABLE_H

#include "jobs/options/options.h"

/* How a name given by somebody fits a row. */
typedef struct OptionMatch {
    const OptionAlias *alias; /* NULL: the row's own name */
    bool negated;             /* no-NAME */
    unsigned rank;            /* of several names of one row in one source, the lowest wins */
} OptionMatch;

/* A bare name: the row's, an alias, or no-NAME of one that can be off. `_` and `-` are one. */
bool option_match_name(const OptionDef *row, Str name, OptionMatch *ret_match);
/* A key: "ingest.workers", "run.workers", "logging.level", "config_precedence"; `_` and `-` are one. */
bool option_match_key(const OptionDef *row, CommandId command, Str key, OptionMatch *ret_match);
bool option_key_known(Str key); /* of any command */
bool option_section_known(Str section);
/* Message for a key that is not known, with the nearest one. `where` begins it: "config file '/a/quern.json'". */
Error *option_key_unknown(const char *where, Str key) MUST_USE;

/* A variable of a row, in the order in which they are looked at. */
typedef enum VariableKind {
    VARIABLE_VALUE,   /* holds the value */
    VARIABLE_IMPLIES, /* set to anything: means `value` */
    VARIABLE_SWITCH,  /* true: means `value` */
    VARIABLE_NEGATED  /* QUERN_NO_X */
} VariableKind;

enum { OPTION_KEY_BYTES = 96 };

typedef struct Variable {
    char name[OPTION_KEY_BYTES];
    VariableKind kind;
    Str value;
} Variable;

/* The `index`-th variable of a row; false past the last. */
bool option_variable(const OptionDef *row, size_t index, Variable *ret_variable);
/* Is it read for any row? */
bool option_variable_known(Str name);

/* The key that is shown, "ingest.output_format" or "run.workers"; the bare name of a row that has none. */
Str option_key(const OptionDef *row, CommandId command, char out[OPTION_KEY_BYTES]);
/* Can it be "no value": does --no-NAME exist? */
bool option_can_negate(const OptionDef *row);

/* Is there a flag for it on the command line? */
static inline bool option_is_flag(const OptionDef *row)
{
    return !(row->traits & OPTION_NO_FLAG);
}

static inline bool option_in(const OptionDef *row, CommandId command)
{
    return (row->commands & COMMAND_BIT(command)) != 0;
}

/* The variables that stand for --shard besides QUERN_SHARD. */
extern const char *const OPTION_SHARD_VARIABLES[]; /* ended by NULL */

#endif
