#include <string.h>

#include "cli/program.h"

/* The command that is asked about: "ingest", "parquet cat". */
static const char *topic(const Program *program, char joined[64])
{
    if (program->arguments.count == 0)
        return NULL;
    if (program->arguments.count == 1)
        return program->arguments.values[0];
    snprintf(joined, 64, "%s %s", program->arguments.values[0], program->arguments.values[1]);
    return joined;
}

static int print_text(Program *program, const char *command, QuernText kind)
{
    char *text = NULL;
    QuernError *e = quern_options_text(program->options, command, kind, 0, &text);
    if (!e)
        fputs(text, stdout);
    quern_free(text);
    return program_flush(program, program_fail(program, e));
}

int command_config_show(Program *program)
{
    char joined[64], *json = NULL;
    const char *command = topic(program, joined);
    if (!command)
        command = "ingest";
    if (!program->terminal.json)
        return print_text(program, command, QUERN_TEXT_VALUES);
    QuernError *e = quern_options_check(program->options, command, &json);
    if (!e)
        puts(json);
    quern_free(json);
    return program_flush(program, program_fail(program, e));
}

int command_config_init(Program *program)
{
    char joined[64], *format = program_value(program, "format");
    bool env = format && strcmp(format, "env") == 0;
    quern_free(format);
    return print_text(program, topic(program, joined), env ? QUERN_TEXT_TEMPLATE_ENV : QUERN_TEXT_TEMPLATE_JSON);
}

int command_completion(Program *program)
{
    static const struct {
        const char *shell;
        QuernText kind;
    } shells[] = {{"bash", QUERN_TEXT_BASH}, {"zsh", QUERN_TEXT_ZSH}, {"fish", QUERN_TEXT_FISH}};
    const char *wanted = program->arguments.count ? program->arguments.values[0] : "";
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(wanted, shells[i].shell) == 0)
            return print_text(program, NULL, shells[i].kind);
    return program_fail(
        program, quern_error_new(QUERN_INVALID, "completion is made for bash, zsh and fish, not for '%s'", wanted));
}
