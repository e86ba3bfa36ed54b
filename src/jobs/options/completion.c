/* completion.c - completion scripts for bash, zsh and fish. They hold the table as it is now and start nothing. */
#include "jobs/options/text.h"

/* Calls for each flag of a command, with its dashes: names, aliases, and no-NAME where it is not obvious. */
typedef void FlagFn(Text *text, const OptionDef *row, const char *dashes, const char *name);

static void each_flag(Text *text, const OptionDef *row, FlagFn *each)
{
    each(text, row, "--", row->name);
    for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++)
        each(text, row, "--", row->aliases[a].name);
    if (option_can_negate(row) && row->fallback && strcmp(row->fallback, "true") == 0)
        each(text, row, "--no-", row->name);
}

static void each_row(Text *text, CommandId command, void (*each)(Text *, const OptionDef *))
{
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (option_in(row, command) && option_is_flag(row))
            each(text, row);
    }
}

static bool takes_value(const OptionDef *row, const char *name)
{
    if (row->type == OPTION_BOOL)
        return false;
    for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++) {
        if (row->aliases[a].value && strcmp(row->aliases[a].name, name) == 0)
            return false;
    }
    return true;
}

/* "first" or "first second" as a list of words, of all commands; groups once. */
static void write_first_words(Text *text)
{
    Str last = STR_EMPTY;
    for (CommandId id = 0; id < COMMANDS; id++) {
        Str name = str_of(command_def(id)->name);
        Str word = str_slice(name, 0, MIN(str_find_char(name, ' '), name.len));
        if (command_def(id)->library_only || str_equal(word, last))
            continue;
        text_format(text, "%s" STR_FMT, last.len > 0 ? " " : "", STR_ARG(word));
        last = word;
    }
}

static void write_second_words(Text *text, Str group)
{
    bool any = false;
    for (CommandId id = 0; id < COMMANDS; id++) {
        Str name = str_of(command_def(id)->name);
        if (!str_starts_with(name, group) || name.len == group.len || name.data[group.len] != ' ')
            continue;
        text_format(text, "%s%s", any ? " " : "", command_def(id)->name + group.len + 1);
        any = true;
    }
}

/* Calls for each group, once. */
static void each_group(Text *text, void (*each)(Text *, Str group))
{
    Str last = STR_EMPTY;
    for (CommandId id = 0; id < COMMANDS; id++) {
        Str name = str_of(command_def(id)->name);
        size_t space = str_find_char(name, ' ');
        Str group = space == SIZE_MAX ? STR_EMPTY : str_slice(name, 0, space);
        if (group.len > 0 && !str_equal(group, last))
            each(text, group);
        last = group;
    }
}

/* Words that an argument without a flag may be, or "". */
static const char *argument_words(CommandId command)
{
    return command == COMMAND_COMPLETION ? "bash zsh fish" : "";
}

static bool completes_commands(CommandId command)
{
    return command == COMMAND_HELP || command == COMMAND_CONFIG_SHOW || command == COMMAND_CONFIG_INIT;
}

#define PROFILES_PIPE                                                                                                       \
    "cat \"${AWS_CONFIG_FILE:-$HOME/.aws/config}\" \"${AWS_SHARED_CREDENTIALS_FILE:-$HOME/.aws/credentials}\" 2>/dev/null " \
    "| sed -n 's/^\\[\\(profile \\)\\{0,1\\}\\([^]]*\\)\\].*/\\2/p' | sort -u"

/* ---- bash ---------------------------------------------------------------------------------------------------------------------- */

static void bash_flag(Text *text, const OptionDef *row, const char *dashes, const char *name)
{
    (void)row;
    text_format(text, "%s%s ", dashes, name);
}

static void bash_flags(Text *text, const OptionDef *row)
{
    if (row->letter)
        text_format(text, "-%c ", row->letter);
    each_flag(text, row, bash_flag);
}

static void bash_pattern_part(Text *text, const OptionDef *row, const char *dashes, const char *name)
{
    if (takes_value(row, name) && strcmp(dashes, "--") == 0)
        text_format(text, "%s%s%s", strcmp(name, row->name) == 0 ? "" : "|", dashes, name);
}

/* A case of the flag before the cursor: what its value may be. */
static void bash_values(Text *text, const OptionDef *row)
{
    if (row->type == OPTION_BOOL)
        return;
    text_add(text, STR("            "));
    each_flag(text, row, bash_pattern_part);
    if (row->letter)
        text_format(text, "|-%c", row->letter);
    if (row->choices) {
        text_add(text, STR(") mapfile -t COMPREPLY < <(compgen -W '"));
        Str rest = str_of(row->choices), choice;
        while (str_next_piece(&rest, '|', &choice))
            text_format(text, STR_FMT " ", STR_ARG(choice));
        text_add(text, STR("' -- \"$word\"); return ;;\n"));
    } else if (strcmp(row->name, "profile") == 0) {
        text_add(text, STR(") mapfile -t COMPREPLY < <(compgen -W \"$(_quern_profiles)\" -- \"$word\"); return ;;\n"));
    } else if (row->type == OPTION_PATH || row->type == OPTION_PLACE) {
        text_add(text, STR(") mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return ;;\n"));
    } else {
        text_add(text, STR(") return ;;\n"));
    }
}

static void bash_group(Text *text, Str group)
{
    text_format(text, "        " STR_FMT ") second='", STR_ARG(group));
    write_second_words(text, group);
    text_add(text, STR("' ;;\n"));
}

static void bash_command(Text *text, CommandId id)
{
    text_format(text, "    '%s')\n        case $before in\n", command_def(id)->name);
    each_row(text, id, bash_values);
    text_add(text, STR("        esac\n        flags='"));
    each_row(text, id, bash_flags);
    text_add(text, STR("'\n"));
    if (argument_words(id)[0])
        text_format(text, "        words='%s'\n", argument_words(id));
    if (completes_commands(id))
        text_add(text, STR("        words=$commands\n"));
    text_add(text, STR("        ;;\n"));
}

static void write_bash(Text *text)
{
    text_add(text,
             STR("# bash completion for quern, made by `quern completion bash`\n"
                 "_quern_profiles() {\n    " PROFILES_PIPE "\n}\n"
                 "_quern() {\n"
                 "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                 "    [[ $before == '=' ]] && before=${COMP_WORDS[COMP_CWORD-2]}  # bash takes --flag=value apart\n"
                 "    [[ $word == '=' ]] && word=''\n"
                 "    local commands second='' command flags='' words=''\n"
                 "    commands='"));
    write_first_words(text);
    text_add(text, STR("'\n    COMPREPLY=()\n"
                       "    if ((COMP_CWORD == 1)); then\n"
                       "        mapfile -t COMPREPLY < <(compgen -W \"$commands --help --version\" -- \"$word\")\n"
                       "        return\n"
                       "    fi\n"
                       "    command=${COMP_WORDS[1]}\n"
                       "    case $command in\n"));
    each_group(text, bash_group);
    text_add(text, STR("    esac\n"
                       "    if [[ -n $second ]]; then\n"
                       "        if ((COMP_CWORD == 2)); then\n"
                       "            mapfile -t COMPREPLY < <(compgen -W \"$second --help\" -- \"$word\")\n"
                       "            return\n"
                       "        fi\n"
                       "        command=\"$command ${COMP_WORDS[2]}\"\n"
                       "    fi\n"
                       "    case $command in\n"));
    for (CommandId id = 0; id < COMMANDS; id++) {
        if (!command_def(id)->library_only)
            bash_command(text, id);
    }
    text_add(text, STR("    esac\n"
                       "    if [[ $word == -* ]]; then\n"
                       "        mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$word\")\n"
                       "    elif [[ -n $words ]]; then\n"
                       "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                       "    else\n"
                       "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
                       "    fi\n"
                       "}\n"
                       "complete -o filenames -F _quern quern\n"));
}

/* ---- zsh and fish: a description beside each flag -------------------------------------------------------------------------------- */

/* In single quotes, for the shells; brackets and colons mean something to _arguments. */
static void quoted(Text *text, const char *what, const char *escaped)
{
    for (const char *c = what; *c; c++) {
        if (*c == '\'')
            text_add(text, STR("'\\''"));
        else if (strchr(escaped, *c))
            text_format(text, "\\%c", *c);
        else
            text_add(text, str_from(c, 1));
    }
}

static void zsh_flag(Text *text, const OptionDef *row, const char *dashes, const char *name)
{
    bool value = takes_value(row, name) && strcmp(dashes, "--") == 0;
    bool repeats = (row->traits & OPTION_LIST) != 0;
    text_format(text, "            '%s%s%s%s[", repeats ? "*" : "", dashes, name, value ? "=" : "");
    quoted(text, row->help, "[]:\\");
    text_add(text, STR("]"));
    if (!value) {
        text_add(text, STR("' \\\n"));
        return;
    }
    text_add(text, STR(":"));
    quoted(text, row->value_name ? row->value_name : "value", "[]:\\");
    if (row->choices) {
        text_add(text, STR(":("));
        Str rest = str_of(row->choices), choice;
        for (bool first = true; str_next_piece(&rest, '|', &choice); first = false)
            text_format(text, "%s" STR_FMT, first ? "" : " ", STR_ARG(choice));
        text_add(text, STR(")"));
    } else if (strcmp(row->name, "profile") == 0) {
        text_add(text, STR(":_quern_profiles"));
    } else if (row->type == OPTION_PATH || row->type == OPTION_PLACE) {
        text_add(text, STR(":_files"));
    } else {
        text_add(text, STR(": "));
    }
    text_add(text, STR("' \\\n"));
}

static void zsh_row(Text *text, const OptionDef *row)
{
    each_flag(text, row, zsh_flag);
    if (row->letter) {
        bool value = row->type != OPTION_BOOL;
        text_format(text, "            '-%c%s[", row->letter, value ? "+" : "");
        quoted(text, row->help, "[]:\\");
        text_add(text, str_of(value ? "]:value:_files' \\\n" : "]' \\\n"));
    }
}

static void zsh_group(Text *text, Str group)
{
    text_format(text, "    " STR_FMT ")\n        if ((CURRENT == 3)); then compadd -- ", STR_ARG(group));
    write_second_words(text, group);
    text_add(text,
             STR("; return; fi\n        command=\"$command ${words[3]}\"\n        shift words; ((CURRENT--)) ;;\n"));
}

static void zsh_command(Text *text, CommandId id)
{
    text_format(text, "    '%s')\n        _arguments -s \\\n", command_def(id)->name);
    each_row(text, id, zsh_row);
    if (argument_words(id)[0])
        text_format(text, "            '*:argument:(%s)' ;;\n", argument_words(id));
    else if (completes_commands(id))
        text_add(text, STR("            \"*:command:($commands)\" ;;\n"));
    else
        text_add(text, STR("            '*:argument:_files' ;;\n"));
}

static void write_zsh(Text *text)
{
    text_add(text, STR("#compdef quern\n# zsh completion for quern, made by `quern completion zsh`\n"
                       "_quern_profiles() {\n    compadd -- ${(f)\"$(" PROFILES_PIPE ")\"}\n}\n"
                       "_quern() {\n    local commands command\n    commands='"));
    write_first_words(text);
    text_add(
        text,
        STR("'\n    if ((CURRENT == 2)); then\n        compadd -- ${=commands} --help --version\n        return\n    fi\n"
            "    command=${words[2]}\n    case $command in\n"));
    each_group(text, zsh_group);
    text_add(text, STR("    esac\n    shift words; ((CURRENT--))\n    case $command in\n"));
    for (CommandId id = 0; id < COMMANDS; id++) {
        if (!command_def(id)->library_only)
            zsh_command(text, id);
    }
    text_add(text, STR("    esac\n}\n_quern \"$@\"\n"));
}

static void fish_condition(Text *text, CommandId id)
{
    Str name = str_of(command_def(id)->name);
    size_t space = str_find_char(name, ' ');
    if (space == SIZE_MAX)
        text_format(text, "complete -c quern -n '__fish_seen_subcommand_from %s' ", command_def(id)->name);
    else
        text_format(
            text, "complete -c quern -n '__fish_seen_subcommand_from " STR_FMT "; and __fish_seen_subcommand_from %s' ",
            STR_ARG(str_slice(name, 0, space)), command_def(id)->name + space + 1);
}

static void fish_flag(Text *text, CommandId id, const OptionDef *row, const char *prefix, const char *name)
{
    fish_condition(text, id);
    text_format(text, "-l %s%s", prefix, name);
    if (row->letter && strcmp(name, row->name) == 0 && prefix[0] == '\0')
        text_format(text, " -s %c", row->letter);
    if (takes_value(row, name) && prefix[0] == '\0') {
        text_add(text, STR(" -r"));
        if (row->choices) {
            text_add(text, STR(" -f -a '"));
            Str rest = str_of(row->choices), choice;
            while (str_next_piece(&rest, '|', &choice))
                text_format(text, STR_FMT " ", STR_ARG(choice));
            text_add(text, STR("'"));
        } else if (strcmp(row->name, "profile") == 0) {
            text_add(text, STR(" -f -a '(__quern_profiles)'"));
        }
    }
    text_add(text, STR(" -d '"));
    quoted(text, row->help, "\\");
    text_add(text, STR("'\n"));
}

static void fish_command(Text *text, CommandId id)
{
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (!option_in(row, id) || !option_is_flag(row))
            continue;
        fish_flag(text, id, row, "", row->name);
        for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++)
            fish_flag(text, id, row, "", row->aliases[a].name);
        if (option_can_negate(row) && row->fallback && strcmp(row->fallback, "true") == 0)
            fish_flag(text, id, row, "no-", row->name);
    }
    if (argument_words(id)[0]) {
        fish_condition(text, id);
        text_format(text, "-f -a '%s'\n", argument_words(id));
    }
}

static void fish_group(Text *text, Str group)
{
    text_format(text, "complete -c quern -f -n '__fish_seen_subcommand_from " STR_FMT "' -a '", STR_ARG(group));
    write_second_words(text, group);
    text_add(text, STR("'\n"));
}

static void write_fish(Text *text)
{
    text_add(text, STR("# fish completion for quern, made by `quern completion fish`\n"
                       "function __quern_profiles\n"
                       "    cat ~/.aws/config ~/.aws/credentials 2>/dev/null | "
                       "string match -rg '^\\[(?:profile )?([^\\]]*)\\]' | sort -u\n"
                       "end\n"
                       "complete -c quern -f -n '__fish_use_subcommand' -a '"));
    write_first_words(text);
    text_add(text, STR("'\ncomplete -c quern -n '__fish_use_subcommand' -l help -s h -d 'show the list of commands'\n"
                       "complete -c quern -n '__fish_use_subcommand' -l version -d 'show the version'\n"));
    each_group(text, fish_group);
    for (CommandId id = 0; id < COMMANDS; id++) {
        if (!command_def(id)->library_only)
            fish_command(text, id);
    }
}

Error *options_write_completion(ShellKind shell, Buffer *out)
{
    Text text = {.out = out};
    switch (shell) {
    case SHELL_BASH: write_bash(&text); break;
    case SHELL_ZSH: write_zsh(&text); break;
    case SHELL_FISH: write_fish(&text); break;
    }
    return text_finish(&text);
}
