/* copy.h - the job: objects with their metadata from one place to another; nothing is ever deleted. Sources: spec/impresso.md 5,
 * spec/commands.md 7. */
#ifndef JOBS_COPY_COPY_H
#define JOBS_COPY_COPY_H

#include "jobs/env.h"
#include "jobs/summary.h"

/* Runs it. `*result` is filled as soon as the run has begun. Errors: of engine_run; INVALID (options, the target is the source), NOT_FOUND
 * (no such place, nothing matched), CHECK (--require-metadata, --max-errors), LOCKED. */
MUST_USE Error *copy_run(const JobEnv *env, JobResult *result);

#endif
