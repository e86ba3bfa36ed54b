#include "cli/program.h"

/* A line of the original: on standard output as it is, or as an object of --json. */
static void print_line(void *user, const char *line, int logged)
{
    Program *program = user;
    Terminal *terminal = &program->terminal;
    if (logged)
        terminal_log_file(terminal, QUERN_LOG_INFO, line);
    if (terminal->json) {
        print_event_head(stdout, "info", quern_control_run_view(program->control));
        fputs(", \"message\": ", stdout);
        print_json_string(stdout, line);
        puts("}");
        return;
    }
    terminal_clear(terminal);
    print_safe(stdout, line);
    putchar('\n');
}

int command_add_provider(Program *program)
{
    QuernReport *report = NULL;
    char *log_file = program_value(program, "log-file");
    bool chosen = log_file != NULL; /* "none" is a choice too */
    quern_free(log_file);
    if (!chosen)
        return program_finish(program, quern_error_new(QUERN_INVALID, "--log-file is required; none: no file"), NULL);
    terminal_log_file(&program->terminal, QUERN_LOG_INFO, "Logger successfully initialised");
    quern_control_on_line(program->control, print_line, program);
    QuernError *e = quern_add_provider(NULL, program->options, program->control, &report);
    return program_finish(program, e, report);
}
