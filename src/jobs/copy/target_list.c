#include "jobs/copy/target_list.h"

#include <stdlib.h>

#include "base/queue.h"
#include "base/thread.h"

enum { PAGE_KEYS = 1000, PAGES_AHEAD = 4, LIST_PARTS = 4 };
#define PAGE_ARENA_BYTES (16 * MIB)
#define LIST_MEMORY_BYTES (16 * MIB)

typedef struct ListedKey {
    Str key;
    TargetEntry entry;
} ListedKey;

typedef struct Page {
    Arena *arena;
    size_t count;
    ListedKey keys[PAGE_KEYS];
} Page;

struct TargetList {
    Cancel cancel; /* raised when the list is freed: its thread waits for no answer then */
    /* Fixed before the thread starts. */
    Store *store;
    Queue *pages;
    Thread thread;
    /* The listing thread's; the other's once the queue is closed. */
    Page *filling;
    Error *error;
    /* The asking thread's. */
    Page *page;
    size_t at;
    bool ended;
};

static void page_free(void *item)
{
    Page *page = item;
    if (!page)
        return;
    arena_free(page->arena);
    free(page);
}

/* ---- the listing thread ---- */

static Error *begin_page(TargetList *list)
{
    list->filling = calloc(1, sizeof *list->filling);
    if (list->filling)
        list->filling->arena = arena_new(PAGE_ARENA_BYTES);
    return list->filling && list->filling->arena ? NULL : FAIL(NO_MEMORY, "out of memory");
}

static Error *hand_over(TargetList *list)
{
    return list->filling ? queue_push(list->pages, &list->cancel, &list->filling, 1) : NULL;
}

static Error *note_key(void *context, const ObjectInfo *object)
{
    TargetList *list = context;
    if (list->filling && list->filling->count == PAGE_KEYS)
        TRY(hand_over(list));
    if (!list->filling)
        TRY(begin_page(list));
    Page *page = list->filling;
    ListedKey *own = &page->keys[page->count];
    *own = (ListedKey){.key = arena_str(page->arena, object->key),
                       .entry = {.size_bytes = object->size_bytes,
                                 .modified_us = object->modified_us,
                                 .etag = arena_str(page->arena, object->etag)}};
    if (!own->key.data || !own->entry.etag.data)
        return arena_error(page->arena);
    page->count++;
    return NULL;
}

static void list_target(void *context)
{
    TargetList *list = context;
    ListOptions options = {.parallel = LIST_PARTS, .memory_bytes = LIST_MEMORY_BYTES};
    list->error = store_list_with(list->store, &list->cancel, &options, note_key, list);
    if (!list->error)
        list->error = hand_over(list);
    queue_close(list->pages);
}

/* ---- the asking thread ---- */

Error *target_list_new(Store *store, const Cancel *cancel, TargetList **ret_list)
{
    CLEANUP(target_list_freep) TargetList *list = calloc(1, sizeof *list);
    if (!list || !(list->pages = queue_new(PAGES_AHEAD, 0)))
        return FAIL(NO_MEMORY, "out of memory");
    list->store = store;
    list->cancel.parent = cancel;
    TRY(thread_start(&list->thread, "copy-target", list_target, list));
    *ret_list = list;
    list = NULL;
    return NULL;
}

void target_list_free(TargetList *list)
{
    if (!list)
        return;
    cancel_raise(&list->cancel, CANCEL_STOP);
    if (list->pages)
        queue_close(list->pages); /* wakes it where it waits to push */
    thread_join(&list->thread);
    queue_free(list->pages, page_free);
    page_free(list->filling);
    page_free(list->page);
    error_free(list->error);
    free(list);
}

/* After the last page: why the listing ended. */
static Error *end(TargetList *list)
{
    list->ended = true;
    bool is_file = !str_starts_with(store_url_view(list->store), STR("s3://"));
    if (is_file && error_code(list->error) == ERR_NOT_FOUND)
        return NULL; /* the first copy makes the directory */
    return list->error ? error_wrap(error_copy(list->error), "list what is at the destination") : NULL;
}

static Error *next_page(TargetList *list)
{
    void *next = NULL;
    page_free(list->page);
    list->page = NULL;
    list->at = 0;
    TRY(queue_pop(list->pages, &list->cancel, &next));
    list->page = next;
    return next ? NULL : end(list);
}

Error *target_list_find(TargetList *list, Str key, bool *ret_found, TargetEntry *ret_entry)
{
    *ret_found = false;
    while (!list->ended) {
        for (; list->page && list->at < list->page->count; list->at++) {
            const ListedKey *own = &list->page->keys[list->at];
            int order = str_compare(own->key, key);
            if (order > 0)
                return NULL;
            if (order == 0) {
                *ret_found = true;
                *ret_entry = own->entry;
                return NULL;
            }
        }
        TRY(next_page(list));
    }
    return NULL;
}
