/* fetch.h - the job: a prefix kept current in a local directory, as mleko's S3Ingester does. Source: spec/mleko.md, spec/commands.md 1. */
#ifndef JOBS_FETCH_FETCH_H
#define JOBS_FETCH_FETCH_H

#include "jobs/env.h"
#include "jobs/summary.h"

/* Runs it. `force`: download everything, as --force. `*result` is filled as soon as the run has begun. `*ret_paths`, unless NULL: the paths of
 * the files in manifest order, each with a NUL behind it, and after the last a NULL, in one allocation that is freed by free(); NULL for a dry run. Errors:
 * NOT_FOUND (nothing matched, no such place), CHECK (tolerance, manifest, collision, --max-delete, --max-errors), LOCKED, NO_SPACE, those of the objects
 * that could not be fetched. The files and the manifest of the last run then stay as they are. */
MUST_USE Error *fetch_run(const JobEnv *env, bool force, JobResult *result, char ***ret_paths);

/* Are these options those of a fetch that can be? Errors: INVALID. */
MUST_USE Error *fetch_check_options(const Config *config);

#endif
