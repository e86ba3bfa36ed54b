/* load.h - the job: Parquet files into one table of a database, with its full-text index. Sources: spec/commands.md 4, spec/postgres.md 4. */
#ifndef JOBS_LOAD_LOAD_H
#define JOBS_LOAD_LOAD_H

#include "jobs/env.h"
#include "jobs/summary.h"

/* Runs it. `*result` is filled as soon as the run has begun; `results` gets the results document (JSON). Errors: of engine_run; NOT_FOUND
 * (nothing matched), EXISTS (--mode fail), LOCKED. */
MUST_USE Error *load_run(const JobEnv *env, JobResult *result, Buffer *results);

#endif
