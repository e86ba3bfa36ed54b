#include "jobs/fetch/look_ahead.h"

#include <stdlib.h>

#include "base/thread.h"
#include "jobs/fetch/foresight.h"

/* A page of a listing is four batches; the ring holds four pages. */
enum { BATCH_OBJECTS = 256, RING_BATCHES = 16 };

typedef struct Looked {
    uint64_t size_bytes;
    int64_t modified_us;
    size_t text_at; /* in `text`: the key, then the ETag */
    size_t key_len, relative_len, etag_len;
    size_t name_at, name_len; /* in `names`, when it stands apart; else the last `name_len` bytes of the key */
    bool possible, apart;
    FileState state;
} Looked;

/* Full batches are looked at by one thread at a time: no lock is held then. */
typedef struct Batch {
    Looked objects[BATCH_OBJECTS];
    size_t count;
    Buffer text, names;
    Error *error; /* the first; what comes behind it was not looked at */
    bool looked;  /* under lock */
} Batch;

struct LookAhead {
    /* fixed */
    const Selection *selection;
    Dataset *dataset;
    LookedFn *each;
    void *context;
    Foresight *foresight;
    Thread thread;

    Batch *batches; /* [RING_BATCHES]: by number, modulo; that of number `full` is being filled */

    /* The adding thread's. */
    size_t answered; /* number of the first that was not answered */
    Buffer escaped;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t full;  /* under lock, as the rest: batches before this number may be looked at, */
    size_t taken; /* ... those before this are, or were */
    bool ended, clean;
};

/* ---- looking ---- */

static Str key_of(const Batch *batch, const Looked *object)
{
    return str_from(batch->text.data + object->text_at, object->key_len);
}

static SelectionItem item_of(const Batch *batch, const Looked *object)
{
    Str key = key_of(batch, object);
    return (SelectionItem){.key = key,
                           .relative = str_slice(key, key.len - object->relative_len, key.len),
                           .etag = str_from(batch->text.data + object->text_at + object->key_len, object->etag_len),
                           .size_bytes = object->size_bytes,
                           .modified_us = object->modified_us};
}

static Str name_of(const Batch *batch, const Looked *object)
{
    if (object->apart)
        return str_from(batch->names.data + object->name_at, object->name_len);
    return str_slice(key_of(batch, object), object->key_len - object->name_len, object->key_len);
}

static Error *look_at(const LookAhead *look, Batch *batch, Looked *object, Buffer *escaped)
{
    SelectionItem item = item_of(batch, object);
    SelectionName name;
    selection_name(look->selection, &item, escaped, &name);
    object->possible = name.possible;
    object->apart = name.apart;
    object->name_len = name.text.len;
    object->name_at = batch->names.len;
    if (name.apart)
        TRY(buffer_append_str(&batch->names, name.text));
    object->state = FILE_ABSENT;
    return name.possible ? dataset_look(look->dataset, name.text, object->size_bytes, &object->state) : NULL;
}

static void look_at_batch(LookAhead *look, Batch *batch)
{
    CLEANUP(buffer_done) Buffer escaped = {0};
    for (size_t i = 0; !batch->error && i < batch->count; i++)
        batch->error = look_at(look, batch, &batch->objects[i], &escaped);
}

/* NULL: there is none just now. */
static Batch *take_locked(LookAhead *look)
{
    return look->taken < look->full ? &look->batches[look->taken++ % RING_BATCHES] : NULL;
}

static void give_back_locked(LookAhead *look, Batch *batch)
{
    batch->looked = true;
    pthread_cond_broadcast(&look->changed);
}

static void look_on(void *context)
{
    LookAhead *look = context;
    foresight_look(look->foresight, look->dataset);
    bool clean = dataset_is_clean(look->dataset);
    pthread_mutex_lock(&look->lock);
    look->clean = clean;
    while (!look->ended) {
        Batch *batch = take_locked(look);
        if (!batch) {
            pthread_cond_wait(&look->changed, &look->lock);
            continue;
        }
        pthread_mutex_unlock(&look->lock);
        look_at_batch(look, batch);
        pthread_mutex_lock(&look->lock);
        give_back_locked(look, batch);
    }
    pthread_mutex_unlock(&look->lock);
}

/* ---- on the thread that adds ---- */

static Error *answer_batch(LookAhead *look, Batch *batch)
{
    Error *error = batch->error;
    batch->error = NULL;
    for (size_t i = 0; !error && i < batch->count; i++) {
        const Looked *object = &batch->objects[i];
        SelectionItem item = item_of(batch, object);
        SelectionName name = {name_of(batch, object), object->possible, object->apart};
        error = look->each(look->context, &item, &name, object->state);
    }
    batch->count = 0;
    batch->looked = false; /* nobody else knows it now */
    buffer_clear(&batch->text);
    buffer_clear(&batch->names);
    look->answered++;
    return error;
}

/* Waits for the first batch that was not answered, looking at others meanwhile. */
static void wait_for_first(LookAhead *look)
{
    const Batch *first = &look->batches[look->answered % RING_BATCHES];
    pthread_mutex_lock(&look->lock);
    while (!first->looked) {
        Batch *batch = take_locked(look);
        if (!batch) {
            pthread_cond_wait(&look->changed, &look->lock);
            continue;
        }
        pthread_mutex_unlock(&look->lock);
        look_at_batch(look, batch);
        pthread_mutex_lock(&look->lock);
        give_back_locked(look, batch);
    }
    pthread_mutex_unlock(&look->lock);
}

/* Answers batches until fewer than `left_max` are full; and what else is ready. */
static Error *answer(LookAhead *look, size_t left_max)
{
    while (look->answered < look->full) {
        Batch *first = &look->batches[look->answered % RING_BATCHES];
        pthread_mutex_lock(&look->lock);
        bool ready = first->looked;
        pthread_mutex_unlock(&look->lock);
        if (!ready && look->full - look->answered < left_max)
            return NULL;
        if (!ready)
            wait_for_first(look);
        TRY(answer_batch(look, first));
    }
    return NULL;
}

static void pass_batch(LookAhead *look)
{
    pthread_mutex_lock(&look->lock);
    look->full++;
    pthread_cond_broadcast(&look->changed);
    pthread_mutex_unlock(&look->lock);
}

static Error *add_to_batch(LookAhead *look, const SelectionItem *item)
{
    Batch *batch = &look->batches[look->full % RING_BATCHES];
    Looked *object = &batch->objects[batch->count];
    *object = (Looked){.size_bytes = item->size_bytes,
                       .modified_us = item->modified_us,
                       .text_at = batch->text.len,
                       .key_len = item->key.len,
                       .relative_len = item->relative.len,
                       .etag_len = item->etag.len};
    TRY(buffer_append_str(&batch->text, item->key));
    TRY(buffer_append_str(&batch->text, item->etag));
    if (++batch->count < BATCH_OBJECTS)
        return NULL;
    pass_batch(look);
    return answer(look, RING_BATCHES - 1);
}

/* Answers at once for one that was foreseen, unless others are to be answered before it. */
Error *look_ahead_add(LookAhead *look, const SelectionItem *item)
{
    SelectionName name;
    FileState state;
    bool first = look->answered == look->full && !look->batches[look->full % RING_BATCHES].count;
    selection_name(look->selection, item, &look->escaped, &name);
    if (name.possible && foresight_take(look->foresight, name.text, item->size_bytes, &state) && first)
        return look->each(look->context, item, &name, state);
    return add_to_batch(look, item);
}

Error *look_ahead_finish(LookAhead *look)
{
    foresight_end(look->foresight);
    if (look->batches[look->full % RING_BATCHES].count)
        pass_batch(look);
    Error *error = answer(look, 0);
    pthread_mutex_lock(&look->lock);
    look->ended = true;
    pthread_cond_broadcast(&look->changed);
    pthread_mutex_unlock(&look->lock);
    thread_join(&look->thread);
    return error;
}

bool look_ahead_is_clean(const LookAhead *look)
{
    return look->clean;
}

bool look_ahead_is_recorded(const LookAhead *look)
{
    return foresight_was_whole(look->foresight);
}

/* ---- life ---- */

Error *look_ahead_new(const Selection *selection, Dataset *dataset, LookedFn *each, void *context, LookAhead **ret_look)
{
    LookAhead *look = calloc(1, sizeof *look);
    if (!look)
        return FAIL(NO_MEMORY, "out of memory");
    look->selection = selection;
    look->dataset = dataset;
    look->each = each;
    look->context = context;
    pthread_mutex_init(&look->lock, NULL);
    pthread_cond_init(&look->changed, NULL);
    look->batches = calloc(RING_BATCHES, sizeof *look->batches);
    look->foresight = foresight_new();
    Error *error = look->batches && look->foresight ? thread_start(&look->thread, "quern-look", look_on, look)
                                                    : FAIL(NO_MEMORY, "out of memory");
    if (error) {
        look_ahead_free(look);
        return error;
    }
    *ret_look = look;
    return NULL;
}

void look_ahead_free(LookAhead *look)
{
    if (!look)
        return;
    pthread_mutex_lock(&look->lock);
    look->ended = true;
    pthread_cond_broadcast(&look->changed);
    pthread_mutex_unlock(&look->lock);
    if (look->foresight)
        foresight_end(look->foresight);
    thread_join(&look->thread);
    foresight_free(look->foresight);
    buffer_done(&look->escaped);
    for (size_t i = 0; look->batches && i < RING_BATCHES; i++) {
        buffer_done(&look->batches[i].text);
        buffer_done(&look->batches[i].names);
        error_free(look->batches[i].error); /* the run has ended with another */
    }
    free(look->batches);
    pthread_cond_destroy(&look->changed);
    pthread_mutex_destroy(&look->lock);
    free(look);
}
