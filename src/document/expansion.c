#include "document/partition.h"

#define MEMBER_BYTES_MAX (512 * MIB)
#define EXPANSION_BYTES_MAX (2 * GIB)
enum {
    EXPANSION_FACTOR = 100,
    EXPANSION_INPUT_MIN_BYTES = 64 * 1024, /* a small document may have a picture that packs well */
    EXPANSION_MEMBERS_MAX = 10 * 1000
};

Error *expansion_take(Expansion *expansion, Str member, uint64_t bytes)
{
    if (expansion->members_left == 0)
        return FAIL(LIMIT, "more than %d members", EXPANSION_MEMBERS_MAX);
    expansion->members_left--;
    if (bytes > MEMBER_BYTES_MAX)
        return FAIL(LIMIT, "member '" STR_FMT "' is larger than %d MiB", STR_ARG(member),
                    (int)(MEMBER_BYTES_MAX / MIB));
    if (bytes > expansion->bytes_left)
        return FAIL(LIMIT, "members unpack to more than %d times the document, or %d GiB, with '" STR_FMT "'",
                    EXPANSION_FACTOR, (int)(EXPANSION_BYTES_MAX / GIB), STR_ARG(member));
    expansion->bytes_left -= bytes;
    return NULL;
}

Expansion expansion_for(Bytes input)
{
    uint64_t bytes = MAX((uint64_t)input.len, (uint64_t)EXPANSION_INPUT_MIN_BYTES);
    return (Expansion){
        .bytes_left = MIN(bytes * EXPANSION_FACTOR, (uint64_t)EXPANSION_BYTES_MAX),
        .members_left = EXPANSION_MEMBERS_MAX,
        .levels_left = EXPANSION_LEVELS_MAX,
    };
}
