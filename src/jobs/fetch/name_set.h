/* name_set.h - names that are only ever asked for again: 8 bytes each, their XXH64. A zeroed one is empty; two names in 10^19 are one. */
#ifndef JOBS_FETCH_NAME_SET_H
#define JOBS_FETCH_NAME_SET_H

#include "base/buffer.h"

typedef struct NameSet {
    Buffer hashes;
} NameSet;

void name_set_done(NameSet *set);
MUST_USE Error *name_set_add(NameSet *set, Str name);
/* All are added: now it can be asked. */
void name_set_close(NameSet *set);
bool name_set_has(const NameSet *set, Str name);

#endif
