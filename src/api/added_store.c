/* A store of the caller's own behind the table of store_backend.h. */
#include <stdlib.h>

#include "api/internal.h"
#include "store/list_fold.h"
#include "store/store_backend.h"

struct AddedStore {
    AddedStore *next;
    QuernStore functions;
    char *scheme;
};

typedef struct OwnStore {
    Store store; /* first: what the table's functions get */
    QuernStore functions;
    char *bucket, *prefix;
    _Atomic uint64_t requests, bytes_in, bytes_out;
} OwnStore;

/* A hook gets a control, as its type says; the calls of a store have a Cancel. One made for the call passes it on. */
typedef struct HookControl {
    QuernControl control;
} HookControl;

static HookControl hook_control(const Cancel *cancel)
{
    return (HookControl){{.cancel = {.parent = cancel}}};
}

/* Bucket-wide key of a key below the store's prefix; NUL-ended. */
static Error *whole_key(const OwnStore *own, Str key, Buffer *out)
{
    if (key.len && memchr(key.data, 0, key.len))
        return FAIL(INVALID, "a key with a NUL byte");
    TRY(buffer_append_str(out, str_of(own->prefix)));
    TRY(buffer_append_str(out, key));
    return buffer_cstr(out) ? NULL : FAIL(NO_MEMORY, "out of memory");
}

static void own_free(Store *store)
{
    OwnStore *own = (OwnStore *)store;
    free(own->bucket);
    free(own->prefix);
    free(own);
}

typedef struct ListCall {
    OwnStore *own;
    Str start_after;
    StoreListFn *each;
    void *context;
} ListCall;

static ObjectInfo info_of(const OwnStore *own, const QuernObject *object)
{
    Str key = str_of(object->key);
    return (ObjectInfo){.key = str_slice(key, strlen(own->prefix), key.len),
                        .size_bytes = object->size_bytes,
                        .modified_us = object->modified_us,
                        .etag = str_of(object->etag)};
}

static QuernError *take_listed(void *to, const QuernObject *object)
{
    ListCall *call = to;
    ObjectInfo info = info_of(call->own, object);
    if (!str_starts_with(str_of(object->key), str_of(call->own->prefix))
        || str_compare(info.key, call->start_after) <= 0)
        return NULL;
    return call->each(call->context, &info);
}

static Error *own_list(Store *store, const Cancel *cancel, const ListOptions *options, StoreListFn *each, void *context)
{
    OwnStore *own = (OwnStore *)store;
    CLEANUP(buffer_done) Buffer whole = {0};
    CLEANUP(list_fold_done) ListFold fold = {.options = options, .each = each, .context = context};
    HookControl hook = hook_control(cancel);
    bool folds = options->delimiter.len > 0;
    ListCall call = {own, options->start_after, folds ? list_fold_key : each, folds ? &fold : context};
    if (options->versions)
        return FAIL(UNSUPPORTED, "list '%s': this kind of place shows no versions", store->url);
    TRY(whole_key(own, options->prefix, &whole));
    own->requests++;
    return own->functions.list(own->functions.user, own->bucket, (const char *)whole.data, &hook.control, take_listed,
                               &call);
}

typedef struct HeadCall {
    OwnStore *own;
    Str wanted;
    Arena *arena;
    ObjectInfo *info;
    bool found;
} HeadCall;

static QuernError *take_found(void *to, const QuernObject *object)
{
    HeadCall *call = to;
    if (!str_equal(str_of(object->key), call->wanted))
        return NULL;
    ObjectInfo info = info_of(call->own, object);
    info.key = arena_str(call->arena, info.key);
    info.etag = arena_str(call->arena, info.etag);
    if (!info.key.data || !info.etag.data)
        return arena_error(call->arena);
    *call->info = info;
    call->found = true;
    return NULL;
}

/* Without a head of its own the object is looked for in the listing. */
static Error *own_head(Store *store, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *ret_info)
{
    OwnStore *own = (OwnStore *)store;
    CLEANUP(buffer_done) Buffer whole = {0};
    HookControl hook = hook_control(cancel);
    TRY(whole_key(own, key, &whole));
    HeadCall call = {own, buffer_str(&whole), arena, ret_info, false};
    const char *name = (const char *)whole.data;
    own->requests++;
    if (own->functions.head)
        TRY(own->functions.head(own->functions.user, own->bucket, name, &hook.control, take_found, &call));
    else
        TRY(own->functions.list(own->functions.user, own->bucket, name, &hook.control, take_found, &call));
    return call.found ? NULL : FAIL(NOT_FOUND, "no object '%s'", name);
}

typedef struct GetCall {
    OwnStore *own;
    Buffer *body;
    uint64_t length_max;
} GetCall;

static QuernError *take_piece(void *to, QuernBytes piece)
{
    GetCall *call = to;
    if (piece.size_bytes > call->length_max)
        return FAIL(CORRUPT, "the store gave more bytes than were asked for");
    call->length_max -= piece.size_bytes;
    call->own->bytes_in += piece.size_bytes;
    return buffer_append(call->body, piece.data, piece.size_bytes);
}

static Error *own_get(Store *store, const Cancel *cancel, Str key, ByteRange range, Str if_etag, Buffer *body)
{
    OwnStore *own = (OwnStore *)store;
    CLEANUP(buffer_done) Buffer whole = {0}, etag = {0};
    HookControl hook = hook_control(cancel);
    size_t held = body->len;
    TRY(whole_key(own, key, &whole));
    TRY(buffer_append_str(&etag, if_etag));
    if (!buffer_cstr(&etag))
        return FAIL(NO_MEMORY, "out of memory");
    GetCall call = {own, body, range.length_bytes};
    own->requests++;
    Error *error = own->functions.get(own->functions.user, own->bucket, (const char *)whole.data, range.offset_bytes,
                                      range.length_bytes, etag.len ? (const char *)etag.data : NULL, &hook.control,
                                      take_piece, &call);
    if (error)
        body->len = held;
    return error;
}

typedef struct PutCall {
    const PutBody *body;
    uint64_t at;
} PutCall;

static QuernError *give_piece(void *from, void *buffer, size_t size_bytes, size_t *ret_bytes)
{
    PutCall *call = from;
    size_t len = (size_t)MIN((uint64_t)size_bytes, call->body->size_bytes - call->at);
    if (len)
        TRY(call->body->read_at(call->body->context, call->at, buffer, len));
    call->at += len;
    *ret_bytes = len;
    return NULL;
}

static Error *own_put(Store *store, const Cancel *cancel, Str key, const PutBody *body, const PutOptions *options)
{
    OwnStore *own = (OwnStore *)store;
    CLEANUP(buffer_done) Buffer whole = {0};
    HookControl hook = hook_control(cancel);
    PutCall call = {body, 0};
    if (!own->functions.put)
        return FAIL(UNSUPPORTED, "this store cannot be written to");
    if (options->mode == PUT_IF_UNCHANGED)
        return FAIL(UNSUPPORTED, "write '" STR_FMT "': this store cannot replace only what is unchanged", STR_ARG(key));
    TRY(whole_key(own, key, &whole));
    own->requests++;
    own->bytes_out += body->size_bytes;
    return own->functions.put(own->functions.user, own->bucket, (const char *)whole.data, "{}",
                              options->mode == PUT_IF_ABSENT ? QUERN_PUT_IF_ABSENT : QUERN_PUT_REPLACE,
                              body->size_bytes, &hook.control, give_piece, &call);
}

static Error *own_remove(Store *store, const Cancel *cancel, Str key)
{
    OwnStore *own = (OwnStore *)store;
    CLEANUP(buffer_done) Buffer whole = {0};
    HookControl hook = hook_control(cancel);
    if (!own->functions.remove)
        return FAIL(UNSUPPORTED, "nothing can be removed from this store");
    TRY(whole_key(own, key, &whole));
    own->requests++;
    return own->functions.remove(own->functions.user, own->bucket, (const char *)whole.data, &hook.control);
}

static StoreCounters own_counters(const Store *store)
{
    const OwnStore *own = (const OwnStore *)store;
    return (StoreCounters){own->requests, 0, own->bytes_in, own->bytes_out};
}

static const StoreOps own_ops = {
    .free = own_free,
    .head = own_head,
    .get = own_get,
    .put = own_put,
    .remove = own_remove,
    .list = own_list,
    .counters = own_counters,
    .batch_new = serial_batch_new,
    .batch_free = serial_batch_free,
    .batch_get = serial_batch_get,
    .batch_next = serial_batch_next,
};

Error *added_store_open(QuernClient *client, Str url, Store **ret_store)
{
    size_t scheme = str_find(url, STR("://"));
    const AddedStore *added = NULL;
    if (scheme == SIZE_MAX)
        return NULL;
    pthread_mutex_lock(&client->lock);
    for (added = client->added; added && !str_equal(str_of(added->scheme), str_slice(url, 0, scheme));
         added = added->next)
        ;
    pthread_mutex_unlock(&client->lock);
    if (!added)
        return NULL;
    OwnStore *own = calloc(1, sizeof *own);
    if (!own)
        return FAIL(NO_MEMORY, "out of memory");
    Str place = str_slice(url, scheme + 3, url.len);
    size_t slash = MIN(str_find_char(place, '/'), place.len);
    own->store = (Store){&own_ops, strndup(url.data, url.len)};
    own->functions = added->functions;
    own->bucket = strndup(place.data, slash);
    Str prefix = str_slice(place, slash + 1, place.len);
    own->prefix = strndup(prefix.data, prefix.len);
    if (!own->store.url || !own->bucket || !own->prefix) {
        store_free(&own->store);
        return FAIL(NO_MEMORY, "out of memory");
    }
    *ret_store = &own->store;
    return NULL;
}

QuernError *quern_client_add_store(QuernClient *client, const char *scheme, const QuernStore *store)
{
    if (!store->list || !store->get || store->struct_bytes < offsetof(QuernStore, release) + sizeof store->release)
        return FAIL(INVALID, "a store needs struct_bytes, list and get");
    if (!*scheme || strcmp(scheme, "s3") == 0 || strcmp(scheme, "file") == 0)
        return FAIL(EXISTS, "'%s' is a scheme of the library's own", scheme);
    TRY(process_check(client->process, "client"));
    AddedStore *added = calloc(1, sizeof *added);
    char *copy = strdup(scheme);
    if (!added || !copy) {
        free(added);
        free(copy);
        return FAIL(NO_MEMORY, "out of memory");
    }
    *added = (AddedStore){NULL, *store, copy};
    bool known = false;
    pthread_mutex_lock(&client->lock);
    for (const AddedStore *other = client->added; other; other = other->next)
        known = known || strcmp(other->scheme, scheme) == 0;
    if (!known) {
        added->next = client->added;
        client->added = added;
    }
    pthread_mutex_unlock(&client->lock);
    if (!known)
        return NULL;
    free(copy);
    free(added);
    return FAIL(EXISTS, "a store for '%s://' has been added before", scheme);
}

void added_stores_free(AddedStore *added)
{
    while (added) {
        AddedStore *next = added->next;
        if (added->functions.release)
            added->functions.release(added->functions.user);
        free(added->scheme);
        free(added);
        added = next;
    }
}
