/* nearest.h - which known name was meant by a mistyped one. */
#ifndef JOBS_OPTIONS_NEAREST_H
#define JOBS_OPTIONS_NEAREST_H

#include "base/str.h"

typedef struct Nearest {
    Str wanted;
    Str best;          /* empty while nothing is near enough */
    unsigned distance; /* of `best` */
} Nearest;

Nearest nearest_to(Str wanted);
/* A candidate that begins with what is wanted comes first; then the smallest distance, and of equals the one offered first. */
void nearest_offer(Nearest *nearest, Str candidate);

/* Edits from `a` to `b`: insertions, deletions, substitutions, and exchanges of neighbours (optimal string alignment). Names
 * of more than 64 bytes are as far as they are long. */
unsigned edit_distance(Str a, Str b);

#endif
