#include "cli/program.h"

int command_ingest(Program *program)
{
    QuernReport *report = NULL;
    QuernError *e = quern_ingest(NULL, NULL, NULL, program->options, program->control, &report);
    return program_finish(program, e, report);
}
