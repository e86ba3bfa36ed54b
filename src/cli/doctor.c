#include "cli/program.h"

static void print_check(void *user, const QuernCheck *check)
{
    const Terminal *terminal = user;
    if (terminal->json) {
        print_event_head(stdout, "check", quern_control_run_view(terminal->control));
        fputs(", \"area\": ", stdout);
        print_json_string(stdout, check->area);
        fputs(", \"name\": ", stdout);
        print_json_string(stdout, check->name);
        printf(", \"passed\": %s, \"detail\": ", check->passed ? "true" : "false");
        print_json_string(stdout, check->detail);
        puts("}");
        return;
    }
    const char *color = terminal->color_results ? (check->passed ? "\x1b[32m" : "\x1b[31m") : "";
    printf("%s%-6s%s %-8s %-24s ", color, check->passed ? "ok" : "failed", *color ? "\x1b[0m" : "", check->area,
           check->name);
    print_safe(stdout, check->detail);
    putchar('\n');
    fflush(stdout);
}

int command_doctor(Program *program)
{
    unsigned failed = 0;
    QuernError *e = quern_doctor(NULL, program->options, program->control, print_check, &program->terminal, &failed);
    if (e)
        return program_fail(program, e);
    if (program->terminal.json) {
        print_event_head(stdout, "summary", quern_control_run_view(program->control));
        printf(", \"command\": \"doctor\", \"status\": \"%s\", \"failed\": %u}\n",
               failed ? "finished with failures" : "ok", failed);
    }
    return program_flush(program, failed ? 1 : 0);
}
