#include "jobs/fetch/name_set.h"

#include <stdlib.h>

#include "base/hash.h"

static size_t count_of(const NameSet *set)
{
    return set->hashes.len / sizeof(uint64_t);
}

void name_set_done(NameSet *set)
{
    buffer_done(&set->hashes);
}

Error *name_set_add(NameSet *set, Str name)
{
    uint64_t hash = xxh64(str_bytes(name));
    return buffer_append(&set->hashes, &hash, sizeof hash);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

void name_set_close(NameSet *set)
{
    if (count_of(set))
        qsort(set->hashes.data, count_of(set), sizeof(uint64_t), compare_hashes);
}

bool name_set_has(const NameSet *set, Str name)
{
    uint64_t hash = xxh64(str_bytes(name));
    return count_of(set) && bsearch(&hash, set->hashes.data, count_of(set), sizeof hash, compare_hashes);
}
