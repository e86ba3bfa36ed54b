#include "cli/program.h"

/* There may be a million of them, and hardly one that needs print_safe's look at every character. */
static void print_path(const char *path)
{
    const unsigned char *at = (const unsigned char *)path;
    while (*at >= 0x20 && *at < 0x7f)
        at++;
    if (*at)
        print_safe(stdout, path);
    else
        fputs(path, stdout);
    putchar('\n');
}

static void print_paths(const Program *program, char *const *paths)
{
    for (; *paths; paths++) {
        if (program->terminal.json) {
            print_event_head(stdout, "file", quern_control_run_view(program->control));
            fputs(", \"path\": ", stdout);
            print_json_string(stdout, *paths);
            puts("}");
        } else {
            print_path(*paths);
        }
    }
}

int command_fetch(Program *program)
{
    QuernIngester *ingester = NULL;
    QuernReport *report = NULL;
    char **paths = NULL;
    program->terminal.original_colors = program_flag(program, "strict-compat");
    QuernError *e = quern_ingester_new(NULL, program->options, &ingester);
    if (!e)
        e = quern_ingester_fetch_data(ingester, QUERN_FETCH_IF_STALE, program->control, &paths, &report);
    if (paths)
        print_paths(program, paths);
    quern_free(paths);
    quern_ingester_free(ingester);
    return program_finish(program, e, report);
}
