#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/program.h"

/* What was found, a line each: as it is, or as objects of --json. */
static size_t print_lines(const Program *program, const char *lines)
{
    size_t count = 0;
    char line[8192]; /* keys have at most 1024 bytes */
    for (; *lines; count++) {
        size_t len = strcspn(lines, "\n");
        snprintf(line, sizeof line, "%.*s", (int)len, lines);
        lines += len + (lines[len] == '\n');
        if (program->terminal.json) {
            print_event_head(stdout, "found", quern_control_run_view(program->control));
            fputs(", \"url\": ", stdout);
            print_json_string(stdout, line);
            puts("}");
        } else {
            print_safe(stdout, line);
            putchar('\n');
        }
    }
    return count;
}

static QuernError *run(Program *program, QuernReport **ret_report, size_t *ret_found)
{
    QuernError *e = quern_set_timestamp(NULL, program->options, program->control, ret_report);
    *ret_found = *ret_report ? print_lines(program, quern_report_lines_view(*ret_report)) : 0;
    return e;
}

/* The stale backups are listed; somebody must agree to their removal. */
static QuernError *agree(Program *program, size_t found, bool *ret_agreed)
{
    char answer[16];
    *ret_agreed = false;
    if (found == 0 || program_flag(program, "dry-run"))
        return NULL;
    if (!isatty(STDIN_FILENO))
        return quern_error_new(QUERN_INVALID, "nobody can be asked whether to remove them (%zu): say --yes", found);
    fputs("remove them? [y/N] ", program->terminal.talk);
    fflush(program->terminal.talk);
    *ret_agreed = fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
    return NULL;
}

int command_set_timestamp(Program *program)
{
    QuernReport *report = NULL;
    size_t found;
    bool agreed = false;
    bool asks = program_flag(program, "remove-backups") && !program_flag(program, "yes");
    QuernError *e = run(program, &report, &found);
    if (!e && asks)
        e = agree(program, found, &agreed);
    if (agreed) {
        quern_report_free(report);
        report = NULL;
        quern_options_set(program->options, "yes", "true");
        e = run(program, &report, &found);
    }
    return program_finish(program, e, report);
}
