/* ingest.h - the job: every document below a place to elements. Sources: spec/unstructured.md 1, spec/commands.md 2. */
#ifndef JOBS_INGEST_INGEST_H
#define JOBS_INGEST_INGEST_H

#include "document/element.h"
#include "jobs/env.h"
#include "jobs/summary.h"

/* What a caller may do itself; a NULL function is the job's own. `process` is called on many threads, the others on one. */
typedef struct IngestRoles {
    /* Fills `elements` and `info` (filename, filetype) with finished elements. */
    Error *(*process)(void *context, const ObjectInfo *document, Bytes payload, DocumentInfo *info, Elements *elements);
    void *process_context;
    bool (*has_output)(void *context, const ObjectInfo *document);
    Error *(*write)(void *context, const ObjectInfo *document, const DocumentInfo *info, const Elements *elements);
    void *write_context;
} IngestRoles;

/* Runs it. `*result` is filled as soon as the run has begun. Errors: of engine_run; NOT_FOUND (nothing matched), LOCKED. */
MUST_USE Error *ingest_run(const JobEnv *env, const IngestRoles *roles, JobResult *result);

#endif
