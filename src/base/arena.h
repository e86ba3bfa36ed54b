/* arena.h - memory that one unit of work takes piece by piece and gives back whole, up to a limit. One thread. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

typedef struct Arena Arena;

/* `limit_bytes` bounds what arena_alloc may hand out in all, each piece counted with what aligns it. NULL when memory is exhausted. */
Arena *arena_new(size_t limit_bytes) MUST_USE;
void arena_free(Arena *arena); /* NULL is allowed */
DEFINE_FREEP(Arena, arena_free)

/* Forgets all contents and keeps one block for the next unit of work. */
void arena_reset(Arena *arena);

/* Zeroed memory aligned for any type; NULL past the limit or without memory (then see arena_error). `size` 0 is fine. */
void *arena_alloc(Arena *arena, size_t size_bytes) MUST_USE;
/* count * size, checked. */
void *arena_alloc_array(Arena *arena, size_t count, size_t size_bytes) MUST_USE;
#define ARENA_NEW(arena, type) ((type *)arena_alloc(arena, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc_array(arena, count, sizeof(type)))

/* What arena_alloc gave, with `old_bytes`, made `new_bytes` long: perhaps elsewhere, its contents kept, what is new of it undefined. A large
 * piece grows without a copy and leaves nothing behind. NULL as arena_alloc; the old piece is then as it was. */
void *arena_grow(Arena *arena, void *memory, size_t old_bytes, size_t new_bytes) MUST_USE;

/* Why an allocation gave NULL: LIMIT once one has met the limit, so that several can be checked together; else NO_MEMORY. */
Error *arena_error(const Arena *arena) RETURNS_NONNULL MUST_USE;

/* Copies with a NUL behind them; `data` is NULL on failure. */
Str arena_str(Arena *arena, Str text) MUST_USE;
char *arena_cstr(Arena *arena, Str text) MUST_USE;
/* NULL on failure. */
char *arena_format(Arena *arena, const char *format, ...) MUST_USE PRINTF_LIKE(2, 3);

size_t arena_used(const Arena *arena); /* bytes handed out since the last reset, alignment included */

#endif
