/* program.h - what the commands share: the parsed command line, the control, the terminal. One Program, made by main.
 *
 * The command line is a program like any other: it uses <quern/quern.h> and nothing below it. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <quern/quern.h>

#include "cli/terminal.h"

typedef struct Program {
    QuernOptions *options;
    QuernArguments arguments;
    QuernControl *control;
    Terminal terminal;
} Program;

/* Each returns the exit status, having said what there is to say. */
int command_fetch(Program *program);
int command_ingest(Program *program);
int command_partition(Program *program);
int command_load(Program *program);
int command_set_timestamp(Program *program);
int command_add_provider(Program *program);
int command_copy(Program *program);
int command_search(Program *program);
int command_ls(Program *program);
int command_parquet_schema(Program *program);
int command_parquet_meta(Program *program);
int command_parquet_cat(Program *program);
int command_parquet_head(Program *program);
int command_uploads_list(Program *program);
int command_uploads_abort(Program *program);
int command_status(Program *program);
int command_why(Program *program);
int command_retry(Program *program);
int command_doctor(Program *program);
int command_config_show(Program *program);
int command_config_init(Program *program);
int command_completion(Program *program);
int command_help(Program *program);
int command_version(Program *program);

/* An effective value of this command as text, owned by the caller (quern_free); NULL when there is none. Options are valid by now. */
char *program_value(const Program *program, const char *name);
bool program_flag(const Program *program, const char *name);
/* `missing` when there is no value. */
long long program_number(const Program *program, const char *name, long long missing);

/* Says `take_error` and gives its exit status; 0 for NULL. */
int program_fail(Program *program, QuernError *take_error);
/* The same where the exit status is not the error's own. */
int program_fail_with(Program *program, QuernError *take_error, int status);
/* The end of a job: summary, error, exit status. Both are released. */
int program_finish(Program *program, QuernError *take_error, QuernReport *take_report);
/* Flushes standard output: a full disk there is a failure too. Returns `status`, or 8. */
int program_flush(Program *program, int status);

#endif
