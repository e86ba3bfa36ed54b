#include "cli/program.h"

int command_load(Program *program)
{
    QuernPipeline *pipeline = NULL;
    QuernReport *report = NULL;
    QuernError *e = quern_pipeline_new(NULL, program->options, &pipeline);
    if (!e)
        e = quern_pipeline_run(pipeline, program->control, NULL, &report);
    quern_pipeline_free(pipeline);
    return program_finish(program, e, report);
}
