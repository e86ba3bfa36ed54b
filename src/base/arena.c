#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BLOCK_BYTES = 4096, LAST_BLOCK_BYTES = 1 << 20, ALIGNMENT = 16 };

typedef struct Block {
    struct Block *previous;
    size_t capacity, used; /* of `data` */
    _Alignas(ALIGNMENT) uint8_t data[];
} Block;

struct Arena {
    Block *current;
    size_t limit, used, next_block_bytes;
    bool limit_hit;
};

Arena *arena_new(size_t limit_bytes)
{
    Arena *arena = calloc(1, sizeof *arena);
    if (arena) {
        arena->limit = limit_bytes;
        arena->next_block_bytes = FIRST_BLOCK_BYTES;
    }
    return arena;
}

static void free_blocks(Block *block)
{
    while (block) {
        Block *previous = block->previous;
        free(block);
        block = previous;
    }
}

void arena_free(Arena *arena)
{
    if (!arena)
        return;
    free_blocks(arena->current);
    free(arena);
}

void arena_reset(Arena *arena)
{
    if (arena->current) {
        free_blocks(arena->current->previous);
        arena->current->previous = NULL;
        arena->current->used = 0;
    }
    arena->used = 0;
    arena->limit_hit = false;
}

/* A new current block with room for `size` bytes; blocks double up to a bound so that small units stay small. */
static bool add_block(Arena *arena, size_t size)
{
    size_t capacity = MAX(size, arena->next_block_bytes), total;
    Block *block = __builtin_add_overflow(sizeof *block, capacity, &total) ? NULL : malloc(total);
    if (!block)
        return false;
    block->previous = arena->current;
    block->capacity = capacity;
    block->used = 0;
    arena->current = block;
    arena->next_block_bytes = MIN(arena->next_block_bytes * 2, (size_t)LAST_BLOCK_BYTES);
    return true;
}

static size_t aligned(size_t size_bytes)
{
    return (size_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

void *arena_alloc(Arena *arena, size_t size_bytes)
{
    size_t rounded = aligned(size_bytes);
    if (size_bytes > arena->limit - MIN(arena->used, arena->limit)) {
        arena->limit_hit = true;
        return NULL;
    }
    if (rounded < size_bytes)
        return NULL;
    Block *block = arena->current;
    if (!block || rounded > block->capacity - block->used) {
        if (!add_block(arena, rounded))
            return NULL;
        block = arena->current;
    }
    void *memory = block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    return memset(memory, 0, size_bytes);
}

void *arena_alloc_array(Arena *arena, size_t count, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total)) {
        arena->limit_hit = true;
        return NULL;
    }
    return arena_alloc(arena, total);
}

/* The link to the block that holds `memory` of `size_bytes` and nothing else; NULL when it shares one. */
static Block **own_block(Arena *arena, const void *memory, size_t size_bytes)
{
    for (Block **link = &arena->current; *link; link = &(*link)->previous)
        if ((*link)->data == memory)
            return (*link)->used == aligned(size_bytes) ? link : NULL;
    return NULL;
}

void *arena_grow(Arena *arena, void *memory, size_t old_bytes, size_t new_bytes)
{
    ASSERT(new_bytes >= old_bytes);
    size_t more = new_bytes - old_bytes, total;
    Block **link = old_bytes >= LAST_BLOCK_BYTES ? own_block(arena, memory, old_bytes) : NULL;
    if (!link) {
        void *copy = arena_alloc(arena, new_bytes);
        if (copy && old_bytes)
            memcpy(copy, memory, old_bytes);
        return copy;
    }
    if (more > arena->limit - MIN(arena->used, arena->limit)) {
        arena->limit_hit = true;
        return NULL;
    }
    if (aligned(new_bytes) < new_bytes || __builtin_add_overflow(sizeof(Block), aligned(new_bytes), &total))
        return NULL;
    Block *block = realloc(*link, total); /* by moving pages, not bytes, where it is large */
    if (!block)
        return NULL;
    *link = block;
    arena->used += aligned(new_bytes) - block->used;
    block->capacity = block->used = aligned(new_bytes);
    return block->data;
}

Error *arena_error(const Arena *arena)
{
    if (arena->limit_hit)
        return FAIL(LIMIT, "this needs more than the %zu bytes of memory it may use", arena->limit);
    return FAIL(NO_MEMORY, "out of memory");
}

char *arena_cstr(Arena *arena, Str text)
{
    size_t size; /* where it overflows, arena_alloc says LIMIT or NO_MEMORY */
    char *copy = arena_alloc(arena, __builtin_add_overflow(text.len, 1u, &size) ? SIZE_MAX : size);
    if (copy && text.len)
        memcpy(copy, text.data, text.len);
    return copy;
}

Str arena_str(Arena *arena, Str text)
{
    char *copy = arena_cstr(arena, text);
    return (Str){copy, copy ? text.len : 0};
}

char *arena_format(Arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
    if (!text)
        return NULL;
    va_start(arguments, format);
    vsnprintf(text, (size_t)len + 1, format, arguments);
    va_end(arguments);
    return text;
}

size_t arena_used(const Arena *arena)
{
    return arena->used;
}
