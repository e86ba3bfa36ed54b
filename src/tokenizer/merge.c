#include "tokenizer/merge.h"

#include <stdlib.h>

enum { SHORT_WORD_SYMBOLS = 48, SCRATCH_STEP_BYTES = 4096 };

/* ---- the table: open addressing, at most half full ---- */

Error *merge_table_init(MergeTable *ret_table, size_t count, Arena *arena)
{
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    Merge *memory = ARENA_ARRAY(arena, Merge, slots);
    if (!memory)
        return arena_error(arena);
    for (size_t i = 0; i < slots; i++)
        memory[i].rank = MERGE_NONE;
    *ret_table = (MergeTable){.slots = memory, .mask = (uint32_t)(slots - 1)};
    return NULL;
}

static uint32_t slot_of(const MergeTable *table, uint32_t left, uint32_t right)
{
    uint64_t hash = ((uint64_t)left << 32 | right) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t slot = (uint32_t)(hash >> 32) & table->mask;
    const Merge *slots = table->slots;
    while (slots[slot].rank != MERGE_NONE && (slots[slot].left != left || slots[slot].right != right))
        slot = (slot + 1) & table->mask;
    return slot;
}

void merge_table_add(MergeTable *table, Merge merge)
{
    ASSERT(merge.rank != MERGE_NONE);
    table->slots[slot_of(table, merge.left, merge.right)] = merge;
}

const Merge *merge_table_find(const MergeTable *table, uint32_t left, uint32_t right)
{
    const Merge *merge = &table->slots[slot_of(table, left, right)];
    return merge->rank == MERGE_NONE ? NULL : merge;
}

static uint32_t rank_of(const MergeTable *table, uint32_t left, uint32_t right)
{
    return table->slots[slot_of(table, left, right)].rank;
}

/* ---- short words ---- */

static size_t merge_short(const MergeTable *table, uint32_t *symbols, size_t count)
{
    uint32_t ranks[SHORT_WORD_SYMBOLS]; /* of the pair that begins here */
    for (size_t i = 0; i + 1 < count; i++)
        ranks[i] = rank_of(table, symbols[i], symbols[i + 1]);
    while (count > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < count; i++)
            best = ranks[i] < ranks[best] ? i : best;
        if (ranks[best] == MERGE_NONE)
            break;
        symbols[best] = table->slots[slot_of(table, symbols[best], symbols[best + 1])].id;
        count--;
        memmove(symbols + best + 1, symbols + best + 2, (count - best - 1) * sizeof *symbols);
        memmove(ranks + best, ranks + best + 1, (count - best) * sizeof *ranks);
        if (best + 1 < count)
            ranks[best] = rank_of(table, symbols[best], symbols[best + 1]);
        if (best > 0)
            ranks[best - 1] = rank_of(table, symbols[best - 1], symbols[best]);
    }
    return count;
}

/* ---- long words ---- */

typedef struct Node {
    uint32_t id;
    uint32_t before, after; /* neighbours; NODE_NONE at the ends */
} Node;

#define NODE_NONE UINT32_MAX
#define ID_GONE UINT32_MAX /* of a node that was merged into the one before it */

/* A pair that had this merge when it was put in: if it has another now, or none, it is passed over. */
typedef struct Waiting {
    uint32_t rank, node, id;
} Waiting;

typedef struct LongWord {
    const MergeTable *table;
    Node *nodes;
    Waiting *heap; /* [heap_count], the first has the lowest rank, of one rank the leftmost */
    size_t heap_count;
} LongWord;

static bool goes_first(const Waiting *a, const Waiting *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->node < b->node;
}

static void heap_push(LongWord *word, Waiting entry)
{
    size_t at = word->heap_count++;
    for (; at > 0 && goes_first(&entry, &word->heap[(at - 1) / 2]); at = (at - 1) / 2)
        word->heap[at] = word->heap[(at - 1) / 2];
    word->heap[at] = entry;
}

static Waiting heap_pop(LongWord *word)
{
    Waiting top = word->heap[0], moved = word->heap[--word->heap_count];
    size_t at = 0;
    for (size_t child = 1; child < word->heap_count; child = 2 * at + 1) {
        if (child + 1 < word->heap_count && goes_first(&word->heap[child + 1], &word->heap[child]))
            child++;
        if (!goes_first(&word->heap[child], &moved))
            break;
        word->heap[at] = word->heap[child];
        at = child;
    }
    word->heap[at] = moved;
    return top;
}

static const Merge *merge_of(const LongWord *word, uint32_t node)
{
    const Node *left = &word->nodes[node];
    if (left->id == ID_GONE || left->after == NODE_NONE)
        return NULL;
    return merge_table_find(word->table, left->id, word->nodes[left->after].id);
}

static void wait(LongWord *word, uint32_t node)
{
    const Merge *merge = merge_of(word, node);
    if (merge)
        heap_push(word, (Waiting){merge->rank, node, merge->id});
}

static void join(LongWord *word, uint32_t at, uint32_t id)
{
    Node *node = &word->nodes[at], *gone = &word->nodes[node->after];
    node->id = id;
    node->after = gone->after;
    gone->id = ID_GONE;
    if (node->after != NODE_NONE)
        word->nodes[node->after].before = at;
    wait(word, at);
    if (node->before != NODE_NONE)
        wait(word, node->before);
}

/* Each symbol is one node and, with its right neighbour, one entry; each of fewer than `count` merges adds two entries at most. */
MUST_USE static Error *long_word_begin(LongWord *word, MergeScratch *scratch, size_t count)
{
    size_t wanted = count * (sizeof(Node) + 3 * sizeof(Waiting));
    if (scratch->size_bytes < wanted) {
        merge_scratch_done(scratch);
        scratch->memory = malloc(wanted + SCRATCH_STEP_BYTES);
        if (!scratch->memory)
            return FAIL(NO_MEMORY, "out of memory for a word of %zu bytes", count);
        scratch->size_bytes = wanted + SCRATCH_STEP_BYTES;
    }
    word->nodes = scratch->memory;
    word->heap = (Waiting *)(void *)(word->nodes + count);
    return NULL;
}

MUST_USE static Error *merge_long(const MergeTable *table, MergeScratch *scratch, uint32_t *symbols, size_t *count)
{
    LongWord word = {.table = table};
    TRY(long_word_begin(&word, scratch, *count));
    uint32_t nodes = (uint32_t)*count;
    for (uint32_t i = 0; i < nodes; i++)
        word.nodes[i] = (Node){symbols[i], i > 0 ? i - 1 : NODE_NONE, i + 1 < nodes ? i + 1 : NODE_NONE};
    for (uint32_t i = 0; i < nodes; i++)
        wait(&word, i);
    while (word.heap_count > 0) {
        Waiting next = heap_pop(&word);
        const Merge *merge = merge_of(&word, next.node);
        if (merge && merge->id == next.id)
            join(&word, next.node, next.id);
    }
    *count = 0;
    for (uint32_t i = 0; i != NODE_NONE; i = word.nodes[i].after)
        symbols[(*count)++] = word.nodes[i].id;
    return NULL;
}

void merge_scratch_done(MergeScratch *scratch)
{
    free(scratch->memory);
    *scratch = (MergeScratch){0};
}

Error *merge_word(const MergeTable *table, MergeScratch *scratch, uint32_t *symbols, size_t *count)
{
    if (*count > SHORT_WORD_SYMBOLS)
        return merge_long(table, scratch, symbols, count);
    *count = merge_short(table, symbols, *count);
    return NULL;
}
