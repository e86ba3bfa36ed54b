#include "jobs/copy/job.h"
#include "jobs/copy/target_list.h"
#include "jobs/manifest/manifest_name.h"

#define ITEM_ARENA_BYTES (4 * MIB)
enum {
    SERVER_SIDE_BYTES = 16 * 1024
}; /* what an item takes of the memory when no content passes here, or not yet (copy->room) */

typedef struct Listing {
    Copy *copy;
    Plan *plan;
    TargetList *target; /* NULL: each target is asked for */
} Listing;

static Error *end_of_plan(void)
{
    return FAIL(CANCELLED, "the run is ending");
}

/* With --add-provider, data get their provider in front; everything else keeps its name. */
static Error *name_target(const Copy *copy, Str key, Buffer *out)
{
    CLEANUP(buffer_done) Buffer scratch = {0};
    Str partition = key_partition(buffer_str(&copy->folder_text));
    MediaTitle title;
    if (!copy->providers || copy->single || key_kind(key, partition) != KEY_DATA)
        return buffer_append_str(out, str_slice(key, copy->key_base, key.len));
    TRY(key_media_title(copy->providers, key, partition, &scratch, &title));
    return key_with_provider(key, partition, STR_EMPTY, &title, out);
}

static Error *find_target(const Listing *listing, Str target_key, CopyItem *own)
{
    bool found = false;
    TargetEntry entry;
    if (!listing->target)
        return NULL;
    TRY(target_list_find(listing->target, target_key, &found, &entry));
    own->state = found ? TARGET_THERE : TARGET_ABSENT;
    if (!found)
        return NULL;
    own->target = (ObjectInfo){
        .size_bytes = entry.size_bytes, .modified_us = entry.modified_us, .etag = arena_str(own->arena, entry.etag)};
    return own->target.etag.data ? NULL : arena_error(own->arena);
}

static Error *fill_item(const Listing *listing, const ObjectInfo *object, Str target_key, CopyItem *own)
{
    own->arena = arena_new(ITEM_ARENA_BYTES);
    if (!own->arena)
        return FAIL(NO_MEMORY, "out of memory");
    own->target_key = arena_str(own->arena, target_key);
    own->source = (ObjectInfo){.size_bytes = object->size_bytes,
                               .modified_us = object->modified_us,
                               .etag = arena_str(own->arena, object->etag),
                               .headers.storage_class = arena_str(own->arena, object->headers.storage_class)};
    if (!own->target_key.data || !own->source.etag.data || !own->source.headers.storage_class.data)
        return arena_error(own->arena);
    return find_target(listing, target_key, own);
}

static Error *push_object(Listing *listing, const ObjectInfo *object, Str target_key)
{
    const Copy *copy = listing->copy;
    Item *item = plan_item(listing->plan, object->key,
                           copy->streams ? MIN(object->size_bytes, STREAMED_BYTES_MAX) : SERVER_SIDE_BYTES);
    if (!item)
        return FAIL(NO_MEMORY, "out of memory");
    CopyItem *own = item->data;
    item->bytes_planned = object->size_bytes;
    Error *error = fill_item(listing, object, target_key, own);
    if (error) {
        arena_free(own->arena);
        *own = (CopyItem){0};
        plan_drop(listing->plan, item);
        return error;
    }
    return plan_push(listing->plan, &item) ? NULL : end_of_plan();
}

static bool is_marker(const ObjectInfo *object)
{
    return str_ends_with(object->key, STR("/")) && object->size_bytes == 0;
}

static Error *plan_object(void *context, const ObjectInfo *object)
{
    Listing *listing = context;
    Copy *copy = listing->copy;
    CLEANUP(buffer_done) Buffer target_key = {0};
    ManifestName manifest;
    copy->seen++;
    if (is_marker(object) || !key_filter_takes(copy->filter, object->key, copy->key_base))
        return NULL;
    if (copy->own_prefix.len && str_starts_with(object->key, buffer_str(&copy->own_prefix)))
        return NULL; /* the destination lies in the source: what is there is no source */
    copy->manifests += !copy->target_local && manifest_name_parse(object->key, &manifest);
    Error *error = name_target(copy, object->key, &target_key);
    if (error)
        return plan_fail(listing->plan, object->key, error) ? NULL : end_of_plan();
    return push_object(listing, object, buffer_str(&target_key));
}

static Error *plan_single(Listing *listing)
{
    Copy *copy = listing->copy;
    CLEANUP(arena_freep) Arena *arena = arena_new(ITEM_ARENA_BYTES);
    ObjectInfo object;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    Str key = buffer_str(&copy->folder_text);
    TRY_CTX(store_head(copy->source.store, plan_cancel(listing->plan), key, arena, &object), "look at '%s'",
            copy->source.text);
    object.key = key;
    return plan_object(listing, &object);
}

Error *copy_plan(void *context, Plan *plan)
{
    Copy *copy = context;
    CLEANUP(target_list_freep) TargetList *target = NULL; /* ends with the plan, whose Cancel it listens to */
    Listing listing = {.copy = copy, .plan = plan};
    ListOptions all = {.parallel = 4, .memory_bytes = 16 * MIB};
    TRY(copy_ask_buckets(copy, plan_cancel(plan)));
    if (copy->single)
        return plan_single(&listing);
    /* With a provider put in, the targets' order is another one than the sources'. */
    if (!copy->providers)
        TRY(target_list_new(copy->target, plan_cancel(plan), &target));
    listing.target = target;
    Place folder = copy->source;
    folder.prefix = buffer_str(&copy->folder_text);
    TRY(place_list_with(&folder, plan_cancel(plan), &all, plan_object, &listing));
    if (copy->seen == 0 && folder.prefix.len > 0)
        return FAIL(NOT_FOUND, "there is nothing at or below '%s'; is the prefix right?", copy->source.text);
    return NULL;
}
