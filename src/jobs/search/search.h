/* search.h - asking a table that was loaded. Source: spec/commands.md 4.2. */
#ifndef JOBS_SEARCH_SEARCH_H
#define JOBS_SEARCH_SEARCH_H

#include "jobs/env.h"
#include "sink/sink.h"

/* Opens the database of option `to`. Errors: NOT_FOUND, INVALID. */
MUST_USE Error *search_open(const JobEnv *env, Sink **ret_sink);
/* Options: table, limit, filter. Hits live in `arena`. Errors: NOT_FOUND, INVALID. */
MUST_USE Error *search_query(Sink *sink, const Config *config, Str text, Arena *arena, SinkHit **ret_hits,
                             size_t *ret_count);

#endif
