/* provider.h - the job: the provider level into the keys of a partition. Sources: spec/impresso.md 4, spec/commands.md 6. */
#ifndef JOBS_PROVIDER_PROVIDER_H
#define JOBS_PROVIDER_PROVIDER_H

#include "jobs/env.h"
#include "jobs/summary.h"

/* Runs it. The original's lines go to env->print in the order of the listing. `*result` is filled as soon as the run has begun; objects that failed are no
 * error, they are in its report. Errors: INVALID (options, the table of providers, a destination within the partition), NOT_FOUND (no such
 * place), CHECK (keys without a provider, before anything is changed; --max-errors), LIMIT (too many keys), LOCKED, and those that engine_run
 * names. */
MUST_USE Error *provider_run(const JobEnv *env, JobResult *result);

#endif
