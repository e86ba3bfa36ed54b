/* when.h - the forms of a time stamp that impresso's records have, read as Python's strptime reads them (spec/impresso.md 3.3). */
#ifndef JOBS_TIMESTAMP_WHEN_H
#define JOBS_TIMESTAMP_WHEN_H

#include "base/str.h"

/* "YYYY-MM-DDTHH:MM:SSZ", the same without Z or with an offset, "YYYY-MM-DD HH:MM:SS"; seconds since the Unix epoch, UTC. False for anything
 * else: a fraction, five digits of year, blanks at the ends, a day that does not exist. */
bool when_parse(Str text, int64_t *ret_seconds);

#endif
