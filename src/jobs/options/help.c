/* help.c - `quern --help`, `quern ingest --help`: examples first, then arguments and options by section. */
#include "jobs/options/text.h"

enum { HELP_COLUMN = 32, WIDTH_MIN = 40 };

/* "  -c, --config FILE" and the rest from HELP_COLUMN on. */
static void write_option(Text *text, const OptionDef *row, unsigned width)
{
    CLEANUP(buffer_done) Buffer left = {0}, right = {0};
    Text head = {.out = &left}, tail = {.out = &right};
    const char *value = option_value_text(row);
    if (row->letter)
        text_format(&head, "  -%c, ", row->letter);
    else
        text_add(&head, STR("      "));
    text_format(&head, "--%s", row->name);
    for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++) {
        if (!row->aliases[a].value)
            text_format(&head, ", --%s", row->aliases[a].name);
    }
    if (row->type == OPTION_BOOL && row->fallback && strcmp(row->fallback, "true") == 0)
        text_format(&head, ", --no-%s", row->name);
    if (value[0])
        text_format(&head, " %s", value);

    text_add(&tail, str_of(row->help));
    for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++) {
        if (row->aliases[a].value)
            text_format(&tail, "; --%s is --%s=%s", row->aliases[a].name, row->name, row->aliases[a].value);
    }
    if (row->traits & OPTION_LIST && !(row->traits & OPTION_ACTION))
        text_add(&tail, str_of(row->traits & OPTION_GLOB ? "; repeatable" : "; repeatable, or separated by commas"));
    CLEANUP(buffer_done) Buffer fallback = {0};
    Text standard = {.out = &fallback};
    option_default_text(row, &standard);
    if (fallback.len > 0)
        text_format(&tail, " [" STR_FMT "]", STR_ARG(buffer_str(&fallback)));

    text_add(text, buffer_str(&left));
    unsigned column = (unsigned)left.len;
    if (column + 2 > HELP_COLUMN) {
        text_add(text, STR("\n"));
        column = 0;
    }
    text_format(text, "%*s", (int)(HELP_COLUMN - column), "");
    text_wrap(text, buffer_str(&right), HELP_COLUMN, HELP_COLUMN, width);
    text_join(text, &head);
    text_join(text, &tail);
    text_join(text, &standard);
}

static void write_usage(Text *text, const CommandDef *def)
{
    text_format(text, "Usage: quern %s", def->name);
    for (size_t i = 0; def->arguments[i].name; i++) {
        const ArgumentDef *argument = &def->arguments[i];
        text_format(text, argument->required ? " %s%s" : " [%s%s]", argument->name, argument->repeated ? "..." : "");
    }
    text_add(text, STR(" [flags]\n"));
}

static void write_examples(Text *text, const CommandDef *def, unsigned width)
{
    text_add(text, STR("\nExamples:\n"));
    for (size_t i = 0; def->examples[i].line; i++) {
        text_format(text, "  %s\n      ", def->examples[i].line);
        text_wrap(text, str_of(def->examples[i].what), 6, 6, width);
    }
}

static void write_arguments(Text *text, const CommandDef *def, unsigned width)
{
    if (!def->arguments[0].name)
        return;
    text_add(text, STR("\nArguments:\n"));
    for (size_t i = 0; def->arguments[i].name; i++) {
        text_format(text, "  %-*s", HELP_COLUMN - 2, def->arguments[i].name);
        text_wrap(text, str_of(def->arguments[i].help), HELP_COLUMN, HELP_COLUMN, width);
    }
}

static void write_sections(Text *text, CommandId command, unsigned width)
{
    const OptionDef *row;
    for (const HelpSection *section = HELP_SECTIONS; section->title; section++) {
        bool any = false;
        for (size_t i = 0; (row = option_at(i)); i++) {
            if (!option_is_flag(row) || !option_in_section(row, command, section))
                continue;
            if (!any)
                text_format(text, "\n%s:\n", section->title);
            any = true;
            write_option(text, row, width);
        }
    }
}

static void write_statuses(Text *text, const CommandDef *def, unsigned width)
{
    CLEANUP(buffer_done) Buffer line = {0};
    Text statuses = {.out = &line};
    text_format(&statuses, "0%s 2", def->statuses[0] == 1 ? " 1" : "");
    for (size_t i = 0; i < COMMAND_STATUSES_MAX && def->statuses[i]; i++) {
        if (def->statuses[i] > 2)
            text_format(&statuses, " %u", def->statuses[i]);
    }
    text_format(&statuses, "; `quern help %s` says what they mean", def->name);
    text_add(text, STR("\nExit status: "));
    text_wrap(text, buffer_str(&line), 13, 13, width);
    text_join(text, &statuses);
}

/* Names of commands with their summaries; all, or those of a group. How many there are. */
static size_t write_commands(Text *text, Str group, unsigned width)
{
    size_t count = 0;
    for (CommandId id = 0; id < COMMANDS; id++) {
        const CommandDef *def = command_def(id);
        bool inside = group.len == 0 || (str_starts_with(str_of(def->name), group) && def->name[group.len] == ' ');
        if (def->library_only || !inside)
            continue;
        text_format(text, "  %-18s", def->name);
        text_wrap(text, str_of(def->summary), 20, 20, width);
        count++;
    }
    return count;
}

static void write_program(Text *text, unsigned width)
{
    text_add(text, STR("quern - documents in S3 buckets or directories to something you can query\n\n"
                       "Usage: quern COMMAND [flags]\n\nExamples:\n"));
    static const CommandId PATH[] = {COMMAND_INGEST, COMMAND_LOAD, COMMAND_SEARCH};
    for (size_t i = 0; i < ARRAY_COUNT(PATH); i++)
        text_format(text, "  %s\n", command_def(PATH[i])->examples[0].line);
    text_add(text, STR("\nCommands:\n"));
    write_commands(text, STR_EMPTY, width);
    text_add(
        text,
        STR("\n`quern COMMAND --help` lists the flags of a command, `quern help COMMAND` opens its manual page.\n"));
}

Error *options_write_help(CommandId command, unsigned width, Buffer *out)
{
    Text text = {.out = out};
    width = MAX(width, (unsigned)WIDTH_MIN);
    if (command == COMMANDS) {
        write_program(&text, width);
        return text_finish(&text);
    }
    const CommandDef *def = command_def(command);
    text_format(&text, "quern %s - %s\n\n", def->name, def->summary);
    write_usage(&text, def);
    write_examples(&text, def, width);
    write_arguments(&text, def, width);
    write_sections(&text, command, width);
    write_statuses(&text, def, width);
    return text_finish(&text);
}

Error *options_write_group_help(Str group, unsigned width, Buffer *out)
{
    Text text = {.out = out};
    text_format(&text, "Usage: quern " STR_FMT " COMMAND [flags]\n\nCommands:\n", STR_ARG(group));
    size_t count = write_commands(&text, group, MAX(width, (unsigned)WIDTH_MIN));
    TRY(text_finish(&text));
    return count ? NULL : FAIL(INVALID, "there is no command '" STR_FMT "'", STR_ARG(group));
}
