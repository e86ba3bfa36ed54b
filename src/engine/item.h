/* item.h - the engine's side of Item. */
#ifndef ENGINE_ITEM_H
#define ENGINE_ITEM_H

#include "engine/job.h"

/* NULL without memory. */
Item *item_new(size_t data_bytes, Str key, uint64_t size_bytes) MUST_USE;
/* The job's part must have been cleared. NULL is allowed. */
void item_free(Item *item);
void item_end(Item *item, Outcome outcome, Error *take_error);

#endif
