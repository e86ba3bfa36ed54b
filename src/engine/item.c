#include "engine/item.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *outcome_name(Outcome outcome)
{
    static const char *const names[OUTCOMES] = {"done", "skipped", "failed", "cancelled"};
    ASSERT(outcome < OUTCOMES);
    return names[outcome];
}

Item *item_new(size_t data_bytes, Str key, uint64_t size_bytes)
{
    /* One block: the item, the job's part, the key and its NUL. */
    size_t data_at = (sizeof(Item) + 15) & ~(size_t)15;
    char *block = calloc(1, data_at + data_bytes + key.len + 1);
    if (!block)
        return NULL;
    Item *item = (Item *)block;
    char *key_copy = block + data_at + data_bytes;
    if (key.len)
        memcpy(key_copy, key.data, key.len);
    item->key = (Str){key_copy, key.len};
    item->data = block + data_at;
    item->size_bytes = size_bytes;
    return item;
}

void item_free(Item *item)
{
    if (!item)
        return;
    error_free(item->error);
    free(item->details);
    free(item->etag_before);
    free(item);
}

void item_end(Item *item, Outcome outcome, Error *take_error)
{
    error_free(item->error);
    item->outcome = outcome;
    item->error = take_error;
}

void item_skip(Item *item, const char *format, ...)
{
    char *reason = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&reason, format, arguments);
    va_end(arguments);
    item_skip_error(item, FAIL(EXISTS, "%s", len < 0 ? format : reason));
    free(reason);
}

void item_skip_error(Item *item, Error *take_error)
{
    item_end(item, OUTCOME_SKIPPED, take_error);
}

static Error *set_text(char **place, Str text)
{
    char *copy = strndup(text.data ? text.data : "", text.len);
    if (!copy)
        return FAIL(NO_MEMORY, "out of memory");
    free(*place);
    *place = copy;
    return NULL;
}

Error *item_set_details(Item *item, Str text)
{
    return set_text(&item->details, text);
}

Error *item_rewrites(Item *item, Str etag)
{
    return set_text(&item->etag_before, etag);
}

void item_partial(Item *item, Error *take_error)
{
    item_end(item, OUTCOME_DONE, take_error);
    item->partial = true;
}
