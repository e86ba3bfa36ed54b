#include "jobs/options/nearest.h"

#include "base/macros.h"

enum { NAME_MAX_BYTES = 64, PREFIX_MIN_BYTES = 2 };

unsigned edit_distance(Str a, Str b)
{
    if (a.len > NAME_MAX_BYTES || b.len > NAME_MAX_BYTES)
        return (unsigned)MAX(a.len, b.len);

    /* Three rows of the table are alive: the one being made and the two above it. */
    unsigned rows[3][NAME_MAX_BYTES + 1];
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned best = above[j - 1] + (a.data[i - 1] != b.data[j - 1]);
            best = MIN(best, above[j] + 1);
            best = MIN(best, row[j - 1] + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                best = MIN(best, above2[j - 2] + 1);
            row[j] = best;
        }
    }
    return rows[a.len % 3][b.len];
}

Nearest nearest_to(Str wanted)
{
    return (Nearest){.wanted = wanted, .best = STR_EMPTY};
}

void nearest_offer(Nearest *nearest, Str candidate)
{
    bool begins = nearest->wanted.len >= PREFIX_MIN_BYTES && str_starts_with(candidate, nearest->wanted);
    unsigned distance = begins ? 0 : edit_distance(nearest->wanted, candidate);
    if (distance > 1 + nearest->wanted.len / 4)
        return;
    if (nearest->best.len == 0 || distance < nearest->distance) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}
