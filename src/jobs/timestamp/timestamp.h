/* timestamp.h - the job: the time of an object's newest record into its user metadata. Source: spec/impresso.md 3, spec/commands.md 5. */
#ifndef JOBS_TIMESTAMP_TIMESTAMP_H
#define JOBS_TIMESTAMP_TIMESTAMP_H

#include "jobs/env.h"
#include "jobs/summary.h"

/* Runs it, or lists what lacks the time (--report, --report-dirs: result->lines), or what old runs of the original left (--remove-backups: result->lines,
 * and removed with --yes). `*result` is filled as soon as the run has begun. Objects that failed are no error, they are in its report.
 * Errors: INVALID (options), NOT_FOUND (no such place), LOCKED, CHECK (--max-errors), and those that engine_run names. */
MUST_USE Error *timestamp_run(const JobEnv *env, JobResult *result);

/* Are these options those of a run that can be? Errors: INVALID, in the words of the original. */
MUST_USE Error *timestamp_check_options(const Config *config);

#endif
