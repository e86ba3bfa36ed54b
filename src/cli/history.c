#include <string.h>

#include "cli/program.h"

/* The RUN of the command line; NULL: none. */
static const char *chosen_run(const Program *program)
{
    return program->arguments.count ? program->arguments.values[0] : NULL;
}

/* The last line of --json. */
static void print_summary(const Program *program, const char *command)
{
    if (!program->terminal.json)
        return;
    print_event_head(stdout, "summary", quern_control_run_view(program->control));
    printf(", \"command\": \"%s\", \"status\": \"ok\"}\n", command);
}

static int print_lines(Program *program, const char *command, QuernError *take_error, char *take_text)
{
    if (!take_error) {
        fputs(take_text, stdout);
        print_summary(program, command);
    }
    quern_free(take_text);
    return program_flush(program, program_fail(program, take_error));
}

int command_status(Program *program)
{
    char *text = NULL;
    QuernError *e = quern_status(program->options, chosen_run(program), program->control, &text);
    return print_lines(program, "status", e, text);
}

int command_why(Program *program)
{
    char *text = NULL;
    QuernError *e = quern_why(program->options, chosen_run(program), program->control, &text);
    return print_lines(program, "why", e, text);
}

int command_retry(Program *program)
{
    QuernReport *report = NULL;
    QuernError *e = quern_retry(program->options, chosen_run(program), program->control, &report);
    if (!e && !report) { /* there was nothing to do again */
        print_summary(program, "retry");
        return program_flush(program, 0);
    }
    return program_finish(program, e, report);
}
