/* man.c - manual pages in man(7): quern(1) and quern-COMMAND(1). */
#include "jobs/options/text.h"

/* commands.md 0.3 */
typedef struct StatusText {
    uint8_t status;
    const char *meaning;
} StatusText;

static const StatusText STATUSES[] = {
    {0, "all done, or nothing to do"},
    {1, "finished; some items failed or are partial, they are listed"},
    {2, "usage or configuration; nothing was tried"},
    {3,
     "nothing could be done, or the run had to stop: no server, connection lost, throttled without end; work is left, try again"},
    {4, "not authenticated or not allowed"},
    {6, "source not found, listing failed, or nothing matched"},
    {7, "a limit or check that you set"},
    {8, "no space or memory on this machine"},
    {9, "nothing to do, with --error-on-no-work"},
    {10, "plan, state, journal or version does not fit"},
    {11, "another run holds the lock; try again later"},
    {70, "internal error"},
    {130, "interrupted; state saved"},
    {143, "terminated; state saved"},
};

/* Text for roff: backslashes and hyphens escaped, and no line that begins with a control character. */
static void man_text(Text *text, Str what)
{
    bool line_start = true;
    for (size_t i = 0; i < what.len; i++) {
        char c = what.data[i];
        if (line_start && (c == '.' || c == '\''))
            text_add(text, STR("\\&"));
        if (c == '\\')
            text_add(text, STR("\\e"));
        else if (c == '-')
            text_add(text, STR("\\-"));
        else
            text_add(text, str_from(&c, 1));
        line_start = c == '\n';
    }
}

static void man_cstr(Text *text, const char *what)
{
    man_text(text, str_of(what));
}

/* "ingest" -> "quern-ingest", "parquet schema" -> "quern-parquet-schema". */
static void page_name(Text *text, const CommandDef *def)
{
    man_cstr(text, "quern-");
    for (const char *c = def->name; *c; c++)
        man_text(text, *c == ' ' ? STR("-") : str_from(c, 1));
}

static void heading(Text *text, const char *title)
{
    text_format(text, ".SH %s\n", title);
}

static void title_line(Text *text, const CommandDef *def)
{
    text_add(text, STR(".TH \"QUERN"));
    for (const char *c = def ? def->name : ""; *c; c++) {
        bool first = c == def->name;
        char upper = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        if (first)
            text_add(text, STR("\\-"));
        man_text(text, *c == ' ' ? STR("-") : str_from(&upper, 1));
    }
    text_add(text, STR("\" 1 \"\" \"quern " QUERN_VERSION "\" \"User commands\"\n.nh\n"));
}

static void bold_flag(Text *text, const char *before, const char *name)
{
    text_add(text, STR("\\fB"));
    man_cstr(text, before);
    man_cstr(text, name);
    text_add(text, STR("\\fR"));
}

static void write_synopsis(Text *text, const CommandDef *def)
{
    heading(text, "SYNOPSIS");
    text_add(text, STR("\\fBquern "));
    man_cstr(text, def->name);
    text_add(text, STR("\\fR"));
    for (size_t i = 0; def->arguments[i].name; i++) {
        const ArgumentDef *argument = &def->arguments[i];
        text_add(text, str_of(argument->required ? " \\fI" : " [\\fI"));
        man_cstr(text, argument->name);
        text_add(text, STR("\\fR"));
        text_add(text, str_of(argument->repeated ? "..." : ""));
        text_add(text, str_of(argument->required ? "" : "]"));
    }
    text_add(text, STR(" [flags]\n"));
}

/* Paragraphs of a description are separated by an empty line. */
static void write_description(Text *text, const CommandDef *def)
{
    heading(text, "DESCRIPTION");
    Str rest = str_of(def->description ? def->description : def->summary);
    for (;;) {
        size_t end = str_find(rest, STR("\n\n"));
        man_text(text, str_slice(rest, 0, end));
        text_add(text, STR("\n"));
        if (end == SIZE_MAX)
            break;
        text_add(text, STR(".PP\n"));
        rest = str_slice(rest, end + 2, rest.len);
    }
    for (size_t i = 0; def->arguments[i].name; i++) {
        text_add(text, STR(".TP\n\\fI"));
        man_cstr(text, def->arguments[i].name);
        text_add(text, STR("\\fR\n"));
        man_cstr(text, def->arguments[i].help);
        text_add(text, STR(".\n"));
    }
}

static void write_flags(Text *text, const OptionDef *row)
{
    text_add(text, STR(".TP\n"));
    if (row->letter) {
        const char letter[] = {row->letter, '\0'};
        bold_flag(text, "-", letter);
        text_add(text, STR(", "));
    }
    bold_flag(text, "--", row->name);
    const char *value = option_value_text(row);
    if (value[0]) {
        text_add(text, STR(" \\fI"));
        man_cstr(text, value);
        text_add(text, STR("\\fR"));
    }
    for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++) {
        text_add(text, STR(", "));
        bold_flag(text, "--", row->aliases[a].name);
    }
    if (option_can_negate(row)) {
        text_add(text, STR(", "));
        bold_flag(text, "--no-", row->name);
    }
    text_add(text, STR("\n"));
}

/* QUERN_X and the names of others; those of aliases and of no-NAME follow from ENVIRONMENT. */
static void write_variables(Text *text, const OptionDef *row)
{
    Variable variable;
    for (size_t v = 0, shown = 0; option_variable(row, v, &variable); v++) {
        if (v > 0 && strncmp(variable.name, "QUERN_", 6) == 0)
            continue;
        text_add(text, str_of(shown++ == 0 ? ".br\nVariable: " : ", "));
        man_cstr(text, variable.name);
    }
    if (option_variable(row, 0, &variable))
        text_add(text, STR("\n"));
}

/* --debug is --log-level=debug. */
static void write_implied(Text *text, const OptionDef *row)
{
    for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++) {
        if (!row->aliases[a].value)
            continue;
        bold_flag(text, "--", row->aliases[a].name);
        text_add(text, STR(" is "));
        bold_flag(text, "--", row->name);
        text_add(text, STR("="));
        man_cstr(text, row->aliases[a].value);
        text_add(text, STR(".\n"));
    }
}

static void write_option(Text *text, CommandId command, const OptionDef *row)
{
    char key[OPTION_KEY_BYTES];
    write_flags(text, row);
    man_cstr(text, row->help);
    text_add(text, STR(".\n"));
    write_implied(text, row);
    if (row->traits & OPTION_LIST && !(row->traits & OPTION_ACTION))
        text_add(text, str_of(row->traits & OPTION_GLOB ? "Repeatable.\n" : "Repeatable, or separated by commas.\n"));
    if (!(row->traits & OPTION_ACTION)) {
        const char *fallback = row->type == OPTION_BOOL && row->fallback
                                   ? (strcmp(row->fallback, "true") == 0 ? "on" : "off")
                                   : row->fallback;
        text_add(text, STR(".br\nDefault: "));
        man_cstr(text, fallback ? fallback : row->fallback_help);
        text_add(text, STR("\n"));
    }
    write_variables(text, row);
    if (!(row->traits & (OPTION_ACTION | OPTION_NO_KEY))) {
        text_add(text, STR(".br\nKey: "));
        man_text(text, option_key(row, command, key));
        text_add(text, STR("\n"));
    }
}

static void write_options(Text *text, CommandId command)
{
    const OptionDef *row;
    heading(text, "OPTIONS");
    for (const HelpSection *section = HELP_SECTIONS; section->title; section++) {
        bool any = false;
        for (size_t i = 0; (row = option_at(i)); i++) {
            if (!option_is_flag(row) || !option_in_section(row, command, section))
                continue;
            if (!any && section->section)
                text_format(text, ".SS %s\n", section->title);
            any = true;
            write_option(text, command, row);
        }
    }
}

static void write_examples(Text *text, const CommandDef *def)
{
    heading(text, "EXAMPLES");
    for (size_t i = 0; def->examples[i].line; i++) {
        text_add(text, STR(".TP\n\\fB"));
        man_cstr(text, def->examples[i].line);
        text_add(text, STR("\\fR\n"));
        man_cstr(text, def->examples[i].what);
        text_add(text, STR("\n"));
    }
}

static bool has_status(const CommandDef *def, uint8_t status)
{
    if (status == 0 || status == 2 || status == 70 || !def)
        return true;
    for (size_t i = 0; i < COMMAND_STATUSES_MAX && def->statuses[i]; i++) {
        if (def->statuses[i] == status)
            return true;
    }
    return false;
}

static void write_statuses(Text *text, const CommandDef *def)
{
    heading(text, "EXIT STATUS");
    for (size_t i = 0; i < ARRAY_COUNT(STATUSES); i++) {
        if (!has_status(def, STATUSES[i].status))
            continue;
        text_format(text, ".TP\n%u\n", STATUSES[i].status);
        man_cstr(text, STATUSES[i].meaning);
        text_add(text, STR("\n"));
    }
}

static void write_surroundings(Text *text, const CommandDef *def)
{
    heading(text, "ENVIRONMENT");
    man_cstr(
        text,
        "Every option with a value has a variable: --max-file-size is QUERN_MAX_FILE_SIZE. Other names that are read stand at the "
        "options; QUERN_ wins. Other names of a flag have a variable each too. An empty variable is none.\n");
    text_add(text, STR(".PP\n"));
    man_cstr(
        text,
        "The command line wins over the environment, that over .env, that over configuration files, those over the defaults; each "
        "option by itself. --config-precedence file-first puts the files before .env and the environment.\n");
    heading(text, "FILES");
    if (!def || def->older_files) {
        text_add(text, STR(".TP\n"));
        man_cstr(text, "config.json, config/config.json, ~/.s3-postgres-pipeline/config.json\n");
        man_cstr(text,
                 def ? "Read before the following.\n" : "Read by load, search and doctor before the following.\n");
    }
    text_add(text, STR(".TP\n"));
    man_cstr(text, "quern.json, $XDG_CONFIG_HOME/quern/config.json\n");
    man_cstr(text,
             "Configuration, JSON: an object of sections, each an object of keys. --config replaces all of these.\n");
    text_add(text, STR(".TP\n"));
    man_cstr(text, ".env\n");
    man_cstr(text, "Variables; the nearest one from the current directory upwards.\n");
}

static void write_command_page(Text *text, CommandId command)
{
    const CommandDef *def = command_def(command);
    title_line(text, def);
    heading(text, "NAME");
    page_name(text, def);
    text_add(text, STR(" \\- "));
    man_cstr(text, def->summary);
    text_add(text, STR("\n"));
    write_synopsis(text, def);
    write_description(text, def);
    write_options(text, command);
    write_examples(text, def);
    write_statuses(text, def);
    write_surroundings(text, def);
    heading(text, "SEE ALSO");
    text_add(text, STR("\\fBquern\\fR(1)\n"));
}

static void write_program_page(Text *text)
{
    title_line(text, NULL);
    heading(text, "NAME");
    text_add(text, STR("quern \\- documents in S3 buckets or directories to something you can query\n"));
    heading(text, "SYNOPSIS");
    text_add(text, STR("\\fBquern\\fR \\fICOMMAND\\fR [flags]\n"));
    heading(text, "DESCRIPTION");
    man_cstr(
        text,
        "quern grinds what lies in S3 buckets and directories into something people can query: documents to elements, elements to "
        "Parquet, Parquet to a database, and a search that answers.\n");
    heading(text, "COMMANDS");
    for (CommandId id = 0; id < COMMANDS; id++) {
        if (command_def(id)->library_only)
            continue;
        text_add(text, STR(".TP\n\\fB"));
        page_name(text, command_def(id));
        text_add(text, STR("\\fR(1)\n"));
        man_cstr(text, command_def(id)->summary);
        text_add(text, STR("\n"));
    }
    write_statuses(text, NULL);
    write_surroundings(text, NULL);
}

Error *options_write_man(CommandId command, Buffer *out)
{
    Text text = {.out = out};
    if (command == COMMANDS)
        write_program_page(&text);
    else
        write_command_page(&text, command);
    return text_finish(&text);
}
