/* doctor.h - tries what a run will need, one check after the other. Source: spec/commands.md 4.2. */
#ifndef JOBS_DOCTOR_DOCTOR_H
#define JOBS_DOCTOR_DOCTOR_H

#include "jobs/env.h"

typedef struct DoctorCheck {
    const char *area, *name, *detail; /* "store", "write", "created once, then refused"; valid during the call */
    bool passed;
} DoctorCheck;
typedef void DoctorCheckFn(void *context, const DoctorCheck *check);

/* Checks the places that the options name (--s3, --to) and the sandbox (--sandbox). A check that fails is no Error; errors are CANCELLED and
 * NO_MEMORY. What is written for a check is removed again. */
MUST_USE Error *doctor_run(const JobEnv *env, DoctorCheckFn *each, void *context);

#endif
