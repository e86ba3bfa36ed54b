#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/internal.h"

extern char **environ;

Error *text_from_buffer(Buffer *buffer, char **ret_text)
{
    if (!buffer_cstr(buffer))
        return FAIL(NO_MEMORY, "out of memory");
    if (!ret_text)
        return NULL;
    *ret_text = (char *)buffer->data;
    *buffer = (Buffer){0};
    return NULL;
}

QuernOptions *quern_options_new(void)
{
    /* Never NULL: without memory the one below stands in, and whoever takes it says so. */
    static QuernOptions without_memory;
    QuernOptions *options = calloc(1, sizeof *options);
    if (!options)
        return &without_memory;
    options->options = options_new();
    return options;
}

void quern_options_free(QuernOptions *options)
{
    if (!options || !options->options)
        return;
    options_free(options->options);
    free(options);
}

void quern_options_set(QuernOptions *options, const char *name, const char *value)
{
    if (options->options)
        options_set(options->options, str_of(name), value);
}

void quern_options_set_int(QuernOptions *options, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    quern_options_set(options, name, text);
}

void quern_options_load(QuernOptions *options, const char *path)
{
    OptionsPlace place = {(const char *const *)environ, NULL};
    if (options->options)
        options_load(options->options, path, &place);
}

static Error *resolve(const QuernOptions *options, CommandId command, Config **ret_config)
{
    if (options && !options->options)
        return FAIL(NO_MEMORY, "out of memory");
    CLEANUP(options_freep) Options *defaults = NULL;
    if (!options && !(defaults = options_new()))
        return FAIL(NO_MEMORY, "out of memory");
    return options_resolve(options ? options->options : defaults, command, ret_config);
}

QuernError *quern_options_check(const QuernOptions *options, const char *command, char **ret_json)
{
    CLEANUP(config_freep) Config *config = NULL;
    CLEANUP(buffer_done) Buffer json = {0};
    CommandId id;
    TRY(command_find(str_of(command), &id));
    TRY(resolve(options, id, &config));
    TRY(config_write_json(config, &json));
    return text_from_buffer(&json, ret_json);
}

QuernError *quern_options_table(const char *command, char **ret_json)
{
    CLEANUP(buffer_done) Buffer json = {0};
    CommandId id;
    TRY(command_find(str_of(command), &id));
    TRY(options_write_table(id, &json));
    return text_from_buffer(&json, ret_json);
}

static void show_arguments(const Arguments *found, QuernArguments *arguments)
{
    if (found->command < COMMANDS)
        arguments->command = command_def(found->command)->name;
    else
        arguments->command = found->group.len ? found->group.data : NULL;
    arguments->help = found->help;
    arguments->version = found->version;
    arguments->print_config = found->print_config;
    arguments->count = found->count;
    memcpy(arguments->values, found->values, sizeof found->values);
}

QuernError *quern_options_parse(QuernOptions *options, int argc, const char *const *argv, QuernArguments *arguments)
{
    _Static_assert((int)QUERN_ARGUMENTS_MAX == (int)ARGUMENTS_MAX, "one bound");
    if (!options->options)
        return FAIL(NO_MEMORY, "out of memory");
    Arguments found = {.command = COMMANDS};
    Error *error = options_parse_args(options->options, argc, argv, &found);
    if (arguments)
        show_arguments(&found, arguments);
    if (!error)
        quern_options_load(options, NULL);
    return error;
}

QuernError *quern_options_value(const QuernOptions *options, const char *command, const char *name, char **ret_text)
{
    CLEANUP(config_freep) Config *config = NULL;
    CLEANUP(buffer_done) Buffer text = {0};
    CommandId id;
    bool has;
    TRY(command_find(str_of(command), &id));
    TRY(resolve(options, id, &config));
    const OptionDef *row = option_find(id, str_of(name));
    if (!row)
        return FAIL(INVALID, "'%s' has no option '%s'", command, name);
    TRY(config_write_value(config, str_of(row->name), &text, &has));
    if (has || config_is_set(config, row->name))
        return text_from_buffer(&text, ret_text);
    if (ret_text)
        *ret_text = NULL;
    return NULL;
}

static Error *append_text(const QuernOptions *options, const char *command, QuernText kind, unsigned width, Buffer *out)
{
    CommandId id = COMMANDS;
    if ((unsigned)kind > QUERN_TEXT_FISH)
        return FAIL(INVALID, "%d is no QuernText", (int)kind);
    switch (kind) {
    case QUERN_TEXT_BASH: return options_write_completion(SHELL_BASH, out);
    case QUERN_TEXT_ZSH: return options_write_completion(SHELL_ZSH, out);
    case QUERN_TEXT_FISH: return options_write_completion(SHELL_FISH, out);
    case QUERN_TEXT_HELP:
    case QUERN_TEXT_MANUAL:
    case QUERN_TEXT_VALUES:
    case QUERN_TEXT_TEMPLATE_JSON:
    case QUERN_TEXT_TEMPLATE_ENV: break;
    }
    Error *unknown = command ? command_find(str_of(command), &id) : NULL;
    if (unknown && kind == QUERN_TEXT_HELP) {
        Error *no_group = options_write_group_help(str_of(command), width, out);
        error_free(no_group ? no_group : unknown); /* of the two mistakes the first has the nearest name */
        return no_group ? unknown : NULL;
    }
    TRY(unknown);
    if (kind == QUERN_TEXT_HELP)
        return options_write_help(id, width, out);
    if (kind == QUERN_TEXT_MANUAL)
        return options_write_man(id, out);
    if (kind == QUERN_TEXT_TEMPLATE_JSON || kind == QUERN_TEXT_TEMPLATE_ENV)
        return options_write_template(id, kind == QUERN_TEXT_TEMPLATE_JSON ? TEMPLATE_JSON : TEMPLATE_ENV, out);
    if (id == COMMANDS)
        return FAIL(INVALID, "values belong to a command: name one");
    CLEANUP(config_freep) Config *config = NULL;
    TRY(resolve(options, id, &config));
    return config_write_text(config, true, out);
}

QuernError *quern_options_text(const QuernOptions *options, const char *command, QuernText kind, unsigned width,
                               char **ret_text)
{
    CLEANUP(buffer_done) Buffer text = {0};
    TRY(append_text(options, command, kind, width, &text));
    return text_from_buffer(&text, ret_text);
}
