/* args.c - the command line. spec/commands.md 0.1. */
#include "jobs/options/nearest.h"
#include "jobs/options/settings.h"
#include "jobs/options/table.h"

typedef struct ArgsReader {
    Options *options;
    int argc;
    const char *const *argv;
    int at; /* the next one */
    CommandId command;
    size_t arguments_seen; /* of those without a flag */
    Arguments *ret;
} ArgsReader;

/* ---- Which command ------------------------------------------------------------------------------------------------------------ */

static bool is_public(CommandId id)
{
    return !command_def(id)->library_only;
}

static bool exact_command(Str name, CommandId *ret_id)
{
    for (CommandId id = 0; id < COMMANDS; id++) {
        if (is_public(id) && str_equal(str_of(command_def(id)->name), name)) {
            *ret_id = id;
            return true;
        }
    }
    return false;
}

/* "parquet" of "parquet schema"; empty for a command of one word. */
static Str group_of(CommandId id)
{
    Str name = str_of(command_def(id)->name);
    size_t space = str_find_char(name, ' ');
    return space == SIZE_MAX ? STR_EMPTY : str_slice(name, 0, space);
}

static bool is_group(Str word)
{
    for (CommandId id = 0; id < COMMANDS; id++) {
        if (is_public(id) && word.len > 0 && str_equal(group_of(id), word))
            return true;
    }
    return false;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static Error *unknown_command(Str word)
{
    Nearest nearest = nearest_to(word);
    for (CommandId id = 0; id < COMMANDS; id++) {
        if (is_public(id))
            nearest_offer(&nearest, group_of(id).len > 0 ? group_of(id) : str_of(command_def(id)->name));
    }
    if (nearest.best.len > 0)
        return FAIL(INVALID, "there is no command '" STR_FMT "', the nearest is '" STR_FMT "'", STR_ARG(word),
                    STR_ARG(nearest.best));
    return FAIL(INVALID, "there is no command '" STR_FMT "', `quern help` lists them", STR_ARG(word));
}

/* The second word of "parquet ...". */
static Error *read_subcommand(ArgsReader *in, Str group)
{
    in->ret->group = group;
    if (in->argc < 3)
        return FAIL(INVALID, "'" STR_FMT "' needs a second word, `quern " STR_FMT " --help` lists them", STR_ARG(group),
                    STR_ARG(group));
    if (is_help(in->argv[2])) {
        in->ret->help = true;
        return NULL;
    }
    Str word = str_of(in->argv[2]);
    Nearest nearest = nearest_to(word);
    for (CommandId id = 0; id < COMMANDS; id++) {
        if (!is_public(id) || !str_equal(group_of(id), group))
            continue;
        Str name = str_of(command_def(id)->name);
        Str second = str_slice(name, group.len + 1, name.len);
        if (str_equal(second, word)) {
            in->command = id;
            in->at = 3;
            in->ret->group = STR_EMPTY;
            return NULL;
        }
        nearest_offer(&nearest, second);
    }
    if (nearest.best.len > 0)
        return FAIL(INVALID, "there is no command '" STR_FMT " " STR_FMT "', the nearest is '" STR_FMT " " STR_FMT "'",
                    STR_ARG(group), STR_ARG(word), STR_ARG(group), STR_ARG(nearest.best));
    return FAIL(INVALID, "there is no command '" STR_FMT " " STR_FMT "', `quern " STR_FMT " --help` lists them",
                STR_ARG(group), STR_ARG(word), STR_ARG(group));
}

static Error *read_command(ArgsReader *in)
{
    const char *word = in->argc > 1 ? in->argv[1] : "";
    if (word[0] == '\0')
        return NULL;
    if (is_help(word) || strcmp(word, "--version") == 0) {
        in->ret->help = is_help(word);
        in->ret->version = !is_help(word);
        return NULL;
    }
    if (word[0] == '-')
        return FAIL(INVALID, "the command comes first: quern COMMAND %s", word);
    if (exact_command(str_of(word), &in->command)) {
        in->at = 2;
        return NULL;
    }
    return is_group(str_of(word)) ? read_subcommand(in, str_of(word)) : unknown_command(str_of(word));
}

/* ---- Flags -------------------------------------------------------------------------------------------------------------------- */

typedef struct Flag {
    const OptionDef *row;
    OptionMatch match;
} Flag;

static bool next_row(CommandId command, size_t *at, const OptionDef **ret_row)
{
    const OptionDef *row;
    while ((row = option_at((*at)++))) {
        if (option_in(row, command) && option_is_flag(row)) {
            *ret_row = row;
            return true;
        }
    }
    return false;
}

/* A flag by its whole name. Names on the command line have no `_`. */
static bool find_whole(CommandId command, Str name, Flag *ret_flag)
{
    if (str_find_char(name, '_') != SIZE_MAX)
        return false;
    Flag best = {0};
    for (size_t at = 0; next_row(command, &at, &ret_flag->row);) {
        if (!option_match_name(ret_flag->row, name, &ret_flag->match))
            continue;
        if (!best.row || ret_flag->match.rank < best.match.rank)
            best = *ret_flag;
    }
    *ret_flag = best;
    return best.row != NULL;
}

/* Names of the command's original that begin with `part`. More than one that mean different things: INVALID. */
static Error *find_beginning(CommandId command, Str part, Flag *ret_flag, bool *ret_found)
{
    unsigned origin = command_def(command)->origin;
    const OptionDef *row;
    Str first = STR_EMPTY;
    *ret_found = false;
    for (size_t at = 0; part.len > 0 && next_row(command, &at, &row);) {
        for (unsigned n = 0; n <= OPTION_ALIASES_MAX; n++) {
            const OptionAlias *alias = n > 0 ? &row->aliases[n - 1] : NULL;
            if (alias && !alias->name)
                break;
            Str name = str_of(alias ? alias->name : row->name);
            if (!((alias ? alias->origins : row->origins) & origin) || !str_starts_with(name, part))
                continue;
            const char *means = alias ? alias->value : NULL;
            const char *meant = ret_flag->match.alias ? ret_flag->match.alias->value : NULL;
            if (*ret_found && (ret_flag->row != row || means != meant))
                return FAIL(INVALID, "flag '--" STR_FMT "' may be '--" STR_FMT "' or '--" STR_FMT "'", STR_ARG(part),
                            STR_ARG(first), STR_ARG(name));
            *ret_flag = (Flag){row, {.alias = alias, .rank = n}};
            *ret_found = true;
            first = name;
        }
    }
    return NULL;
}

static Error *unknown_flag(CommandId command, Str name)
{
    const OptionDef *row;
    Nearest nearest = nearest_to(name);
    for (size_t at = 0; next_row(command, &at, &row);) {
        nearest_offer(&nearest, str_of(row->name));
        for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++)
            nearest_offer(&nearest, str_of(row->aliases[a].name));
    }
    const char *command_name = command_def(command)->name;
    if (nearest.best.len > 0)
        return FAIL(INVALID, "'%s' has no flag '--" STR_FMT "', the nearest is '--" STR_FMT "'", command_name,
                    STR_ARG(name), STR_ARG(nearest.best));
    return FAIL(INVALID, "'%s' has no flag '--" STR_FMT "', `quern %s --help` lists them", command_name, STR_ARG(name),
                command_name);
}

/* --set SECTION.KEY=VALUE: as in a file; keys of other commands count for nothing. */
static Error *apply_set(ArgsReader *in, Str text)
{
    size_t equals = str_find_char(text, '=');
    if (equals == SIZE_MAX || equals == 0)
        return FAIL(INVALID, "--set: '" STR_FMT "' is not SECTION.KEY=VALUE", STR_ARG(text));
    Str key = str_slice(text, 0, equals);
    if (!option_key_known(key))
        return option_key_unknown("--set", key);
    const OptionDef *row;
    OptionMatch match;
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (!option_match_key(row, in->command, key, &match))
            continue;
        if (row->traits & OPTION_SECRET)
            return FAIL(INVALID,
                        "--set: '" STR_FMT
                        "' is a secret, and others can read a command line: put it into a file or variable",
                        STR_ARG(key));
        Setting setting = {.layer = LAYER_EXPLICIT,
                           .name = key,
                           .value = str_slice(text, equals + 1, text.len),
                           .source = STR("command line")};
        return settings_add(in->options, &setting);
    }
    return NULL;
}

static Error *apply(ArgsReader *in, const OptionDef *row, Str value, bool none)
{
    if (row->traits & OPTION_ACTION && row->type == OPTION_BOOL) {
        in->ret->help |= strcmp(row->name, "help") == 0;
        in->ret->version |= strcmp(row->name, "version") == 0;
        in->ret->print_config |= strcmp(row->name, "print-config") == 0;
        return NULL;
    }
    if (row->traits & OPTION_ACTION)
        return apply_set(in, value);
    Setting setting = {.layer = LAYER_EXPLICIT,
                       .name = str_of(row->name),
                       .value = value,
                       .none = none,
                       .source = STR("command line")};
    return settings_add(in->options, &setting);
}

/* `shown` is the flag as it was written, "--workers" or "-c". `attached` is the value behind "=", or NULL data. */
static Error *apply_flag(ArgsReader *in, const Flag *flag, Str shown, Str attached)
{
    const OptionDef *row = flag->row;
    const char *implied = flag->match.alias ? flag->match.alias->value : NULL;
    bool no_value = implied || flag->match.negated || (row->type == OPTION_BOOL && row->traits & OPTION_ACTION);
    if (no_value && attached.data)
        return FAIL(INVALID, "flag '" STR_FMT "' takes no value", STR_ARG(shown));
    if (implied)
        return apply(in, row, str_of(implied), false);
    if (flag->match.negated)
        return apply(in, row, STR("false"), row->type != OPTION_BOOL);
    if (attached.data)
        return apply(in, row, attached, false);
    if (row->type == OPTION_BOOL)
        return apply(in, row, STR("true"), false);

    bool missing = in->at >= in->argc || strncmp(in->argv[in->at], "--", 2) == 0;
    if (missing)
        return FAIL(INVALID, "flag '" STR_FMT "' needs a value: " STR_FMT " %s", STR_ARG(shown), STR_ARG(shown),
                    row->value_name ? row->value_name : row->choices);
    return apply(in, row, str_of(in->argv[in->at++]), false);
}

static Error *read_long_flag(ArgsReader *in, Str text)
{
    size_t equals = str_find_char(text, '=');
    Str shown = str_slice(text, 0, MIN(equals, text.len));
    Str name = str_slice(shown, 2, shown.len);
    Str attached = equals == SIZE_MAX ? (Str){NULL, 0} : str_slice(text, equals + 1, text.len);
    Flag flag = {0};
    bool found = find_whole(in->command, name, &flag);
    if (!found)
        TRY(find_beginning(in->command, name, &flag, &found));
    return found ? apply_flag(in, &flag, shown, attached) : unknown_flag(in->command, name);
}

/* "-n", "-vn", "-c FILE", "-cFILE" */
static Error *read_short_flags(ArgsReader *in, Str text)
{
    for (size_t i = 1; i < text.len; i++) {
        const char shown[] = {'-', text.data[i], '\0'};
        Flag flag = {0};
        const OptionDef *row = NULL;
        for (size_t at = 0; next_row(in->command, &at, &row);) {
            if (row->letter == text.data[i])
                flag.row = row;
        }
        row = flag.row;
        if (!row)
            return FAIL(INVALID, "'%s' has no flag '%s', `quern %s --help` lists them", command_def(in->command)->name,
                        shown, command_def(in->command)->name);
        if (row->type == OPTION_BOOL) {
            TRY(apply_flag(in, &flag, str_of(shown), (Str){NULL, 0}));
            continue;
        }
        Str rest = str_slice(text, i + 1, text.len);
        return apply_flag(in, &flag, str_of(shown), rest.len > 0 ? rest : (Str){NULL, 0});
    }
    return NULL;
}

/* ---- The rest ----------------------------------------------------------------------------------------------------------------- */

static Error *read_argument(ArgsReader *in, const char *text)
{
    const ArgumentDef *arguments = command_def(in->command)->arguments, *argument = NULL;
    size_t seen = in->arguments_seen++;
    for (size_t i = 0; arguments[i].name && i <= seen; i++)
        argument = i == seen || arguments[i].repeated ? &arguments[i] : NULL;
    if (!argument)
        return FAIL(INVALID, "'%s' does not know what to do with '%s', `quern %s --help` says more",
                    command_def(in->command)->name, text, command_def(in->command)->name);
    if (argument->option) {
        Setting setting = {.layer = LAYER_EXPLICIT,
                           .name = str_of(argument->option),
                           .value = str_of(text),
                           .source = STR("command line")};
        for (size_t i = 0; i < in->options->count; i++) {
            const Setting *other = &in->options->settings[i];
            if (str_equal(other->name, setting.name) && str_equal(other->source, setting.source))
                return FAIL(INVALID, "%s is given twice: '%s' and '%s'", argument->name, other->value.data, text);
        }
        return settings_add(in->options, &setting);
    }
    if (in->ret->count == ARGUMENTS_MAX)
        return FAIL(INVALID, "more than %d arguments", ARGUMENTS_MAX);
    in->ret->values[in->ret->count++] = text;
    return NULL;
}

static Error *read_rest(ArgsReader *in)
{
    bool only_arguments = false;
    while (in->at < in->argc) {
        const char *text = in->argv[in->at++];
        if (!only_arguments && strcmp(text, "--") == 0)
            only_arguments = true;
        else if (only_arguments || text[0] != '-' || text[1] == '\0')
            TRY(read_argument(in, text));
        else if (text[1] == '-')
            TRY(read_long_flag(in, str_of(text)));
        else
            TRY(read_short_flags(in, str_of(text)));
    }
    return NULL;
}

/* An argument that sets an option may come from elsewhere: the job says when it is missing. */
static Error *check_required(const ArgsReader *in)
{
    const CommandDef *def = command_def(in->command);
    size_t seen = 0;
    for (size_t i = 0; def->arguments[i].name; i++) {
        if (def->arguments[i].option)
            continue;
        if (def->arguments[i].required && seen >= in->ret->count)
            return FAIL(INVALID, "'%s' needs %s, `quern %s --help` says more", def->name, def->arguments[i].name,
                        def->name);
        seen++;
    }
    return NULL;
}

Error *options_parse_args(Options *options, int argc, const char *const *argv, Arguments *ret_arguments)
{
    *ret_arguments = (Arguments){.command = COMMANDS, .group = STR_EMPTY};
    ArgsReader in = {.options = options, .argc = argc, .argv = argv, .command = COMMANDS, .ret = ret_arguments};
    for (int i = 1; i < argc; i++)
        ret_arguments->json |= strcmp(argv[i], "--json") == 0;
    TRY(read_command(&in));
    ret_arguments->command = in.command;
    if (in.command == COMMANDS)
        return NULL;
    TRY(read_rest(&in));
    bool asks = ret_arguments->help || ret_arguments->version || ret_arguments->print_config;
    return asks ? NULL : check_required(&in);
}
