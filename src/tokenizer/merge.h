/* merge.h - the merges of a BPE model, and a word's symbols merged by them: the pair of lowest rank first, of several of one rank the leftmost,
 * until no pair that stands side by side has a merge. */
#ifndef TOKENIZER_MERGE_H
#define TOKENIZER_MERGE_H

#include "base/arena.h"

typedef struct Merge {
    uint32_t left, right;
    uint32_t rank;
    uint32_t id; /* of what the two become */
} Merge;

typedef struct MergeTable {
    Merge *slots; /* an empty one has the rank MERGE_NONE */
    uint32_t mask;
} MergeTable;

#define MERGE_NONE UINT32_MAX

/* An empty table with room for `count` merges, in `arena`. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *merge_table_init(MergeTable *ret_table, size_t count, Arena *arena);
/* `merge.rank` is below MERGE_NONE. A second merge of the same pair takes the place of the first. At most `count` different ones. */
void merge_table_add(MergeTable *table, Merge merge);
/* NULL when the two have none. */
const Merge *merge_table_find(const MergeTable *table, uint32_t left, uint32_t right);

/* Memory for long words. A zeroed one is empty; one thread. */
typedef struct MergeScratch {
    void *memory;
    size_t size_bytes;
} MergeScratch;

void merge_scratch_done(MergeScratch *scratch);

/* Merges `symbols` in place. Short words go by looking at all pairs for each merge, long ones by a heap: the same result. Errors: NO_MEMORY. */
MUST_USE Error *merge_word(const MergeTable *table, MergeScratch *scratch, uint32_t *symbols, size_t *count);

#endif
