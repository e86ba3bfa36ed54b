#include "parquet/arrow_vector.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "parquet/bitmap.h"

enum { BUFFERS_MAX = 3 };

/* What an ArrowArray of ours owns. */
typedef struct OwnedArray {
    Buffer validity, offsets, data;
    const void *buffers[BUFFERS_MAX];
    struct ArrowArray **children; /* of structs that lie in one block, children[0] its start */
    VectorPool *pool;             /* a reference; NULL: none */
} OwnedArray;

struct VectorPool {
    atomic_size_t references;
    _Atomic(OwnedArray *) spare;
};

static void free_owned_array(OwnedArray *own)
{
    buffer_done(&own->validity);
    buffer_done(&own->offsets);
    buffer_done(&own->data);
    if (own->children)
        free(own->children[0]);
    free(own->children);
    free(own);
}

/* -- the pool -- */

VectorPool *vector_pool_new(void)
{
    VectorPool *pool = calloc(1, sizeof *pool);

    if (pool)
        atomic_init(&pool->references, 1);
    return pool;
}

void vector_pool_free(VectorPool *pool)
{
    if (!pool || atomic_fetch_sub(&pool->references, 1) > 1)
        return;
    OwnedArray *spare = atomic_load(&pool->spare);
    if (spare)
        free_owned_array(spare);
    free(pool);
}

/* Takes `own`, and the reference that it holds. */
static void give_back(OwnedArray *own)
{
    VectorPool *pool = own->pool;
    OwnedArray *none = NULL;

    own->pool = NULL;
    if (!atomic_compare_exchange_strong(&pool->spare, &none, own))
        free_owned_array(own);
    vector_pool_free(pool);
}

static void reuse(Buffer *buffer, Buffer *take_spare, size_t limit_bytes)
{
    *buffer = *take_spare;
    buffer->len = 0;
    buffer->limit = limit_bytes;
    *take_spare = (Buffer){0};
}

void vector_init(ArrowVector *v, VectorKind kind, uint32_t width, size_t limit_bytes)
{
    vector_done(v);
    *v = (ArrowVector){.kind = kind, .width = width};
    v->validity.limit = v->offsets.limit = v->data.limit = limit_bytes;
}

void vector_init_pooled(ArrowVector *v, VectorKind kind, uint32_t width, size_t limit_bytes, VectorPool *pool)
{
    vector_init(v, kind, width, limit_bytes);
    v->pool = pool;
    OwnedArray *spare = atomic_exchange(&pool->spare, NULL);
    if (!spare)
        return;
    reuse(&v->validity, &spare->validity, limit_bytes);
    reuse(&v->offsets, &spare->offsets, limit_bytes);
    reuse(&v->data, &spare->data, limit_bytes);
    free_owned_array(spare);
}

void vector_done(ArrowVector *v)
{
    buffer_done(&v->validity);
    buffer_done(&v->offsets);
    buffer_done(&v->data);
    v->length = v->nulls = 0;
}

size_t vector_bytes(const ArrowVector *v)
{
    return v->validity.len + v->offsets.len + v->data.len;
}

size_t vector_memory(const ArrowVector *v)
{
    return v->validity.capacity + v->offsets.capacity + v->data.capacity;
}

static Error *reserve_offsets(ArrowVector *v, size_t slots)
{
    const int32_t zero = 0;

    if (v->length + slots > INT32_MAX)
        return FAIL(LIMIT, "more than %d values in a batch", INT32_MAX);
    if (v->offsets.len == 0)
        TRY(buffer_append(&v->offsets, &zero, sizeof zero));
    return buffer_reserve(&v->offsets, slots * sizeof zero);
}

Error *vector_reserve(ArrowVector *v, size_t slots)
{
    size_t bytes;

    switch (v->kind) {
    case VECTOR_BITS: return buffer_reserve(&v->data, bitmap_bytes(v->length + slots) - v->data.len);
    case VECTOR_FIXED:
        if (__builtin_mul_overflow(slots, (size_t)v->width, &bytes) || bytes > SIZE_MAX - VECTOR_SLACK)
            return FAIL(LIMIT, "%zu values of %u bytes are too many", slots, v->width);
        return buffer_reserve(&v->data, bytes + VECTOR_SLACK);
    case VECTOR_BYTES:
    case VECTOR_LIST: return reserve_offsets(v, slots);
    case VECTOR_STRUCT: break;
    }
    return NULL;
}

Error *vector_reserve_data(ArrowVector *v, size_t bytes)
{
    if (bytes > INT32_MAX || v->data.len > INT32_MAX - bytes)
        return FAIL(LIMIT, "more than %d bytes of text in a batch; ask for fewer rows", INT32_MAX);
    return buffer_reserve(&v->data, bytes + VECTOR_SLACK);
}

Error *vector_validity(ArrowVector *v, size_t slots, uint8_t **ret_bits)
{
    size_t bytes = bitmap_bytes(v->length + slots);
    bool first = v->validity.len == 0;

    TRY(buffer_reserve(&v->validity, bytes - v->validity.len));
    if (first)
        bitmap_fill(v->validity.data, 0, v->length, true);
    v->validity.len = bytes;
    *ret_bits = v->validity.data;
    return NULL;
}

Error *vector_mark_valid(ArrowVector *v, size_t slots)
{
    uint8_t *bits;

    if (v->validity.len == 0)
        return NULL;
    TRY(vector_validity(v, slots, &bits));
    bitmap_fill(bits, v->length, slots, true);
    return NULL;
}

void vector_advance(ArrowVector *v, size_t slots)
{
    v->length += slots;
    switch (v->kind) {
    case VECTOR_BITS: v->data.len = bitmap_bytes(v->length); break;
    case VECTOR_FIXED: v->data.len = v->length * v->width; break;
    case VECTOR_BYTES:
    case VECTOR_LIST: v->offsets.len = (v->length + 1) * sizeof(int32_t); break;
    case VECTOR_STRUCT: break;
    }
}

/* Each loop goes from the last slot down: value `left` - 1 is the last one not yet moved, never behind the slot. */
#define DEFINE_SPREAD(type)                                                                                            \
    static void spread_##type(type *values, const uint8_t *bits, size_t at, size_t slots, size_t valid)                \
    {                                                                                                                  \
        size_t left = valid;                                                                                           \
        for (size_t i = slots; i-- > 0;) {                                                                             \
            bool set = bitmap_get(bits, at + i);                                                                       \
            type value = left > 0 ? values[left - 1] : 0;                                                              \
            values[i] = set ? value : 0;                                                                               \
            left -= set;                                                                                               \
        }                                                                                                              \
    }
DEFINE_SPREAD(uint32_t)
DEFINE_SPREAD(uint64_t)

static void spread_fixed(uint8_t *values, size_t width, const uint8_t *bits, size_t at, size_t slots, size_t valid)
{
    size_t left = valid;

    for (size_t i = slots; i-- > 0;) {
        if (bitmap_get(bits, at + i))
            memmove(values + i * width, values + --left * width, width);
        else
            memset(values + i * width, 0, width);
    }
}

static void spread_bits(uint8_t *values, const uint8_t *bits, size_t at, size_t slots, size_t valid)
{
    size_t left = valid;

    for (size_t i = slots; i-- > 0;) {
        bool set = bitmap_get(bits, at + i);
        bool value = set && bitmap_get(values, at + left - 1);
        bitmap_set(values, at + i, value);
        left -= set;
    }
}

/* `ends[k]` is the end of value k - 1, `ends[0]` where the first begins: a null slot ends where the one before does. */
static void spread_ends(int32_t *ends, const uint8_t *bits, size_t at, size_t slots, size_t valid)
{
    size_t left = valid;

    for (size_t i = slots; i-- > 0;) {
        ends[i + 1] = ends[left];
        left -= bitmap_get(bits, at + i);
    }
}

void vector_spread(ArrowVector *v, size_t slots, size_t valid)
{
    const uint8_t *bits = v->validity.data;
    uint8_t *fixed = v->kind == VECTOR_FIXED ? v->data.data + v->length * v->width : NULL;

    if (slots == valid)
        return;
    switch (v->kind) {
    case VECTOR_BITS: spread_bits(v->data.data, bits, v->length, slots, valid); break;
    case VECTOR_FIXED:
        if (v->width == sizeof(uint32_t))
            spread_uint32_t((uint32_t *)(void *)fixed, bits, v->length, slots, valid);
        else if (v->width == sizeof(uint64_t))
            spread_uint64_t((uint64_t *)(void *)fixed, bits, v->length, slots, valid);
        else
            spread_fixed(fixed, v->width, bits, v->length, slots, valid);
        break;
    case VECTOR_BYTES: spread_ends(vector_offsets(v) + v->length, bits, v->length, slots, valid); break;
    case VECTOR_LIST:
    case VECTOR_STRUCT: ASSERT(false && "a leaf");
    }
}

/* -- into the C data interface -- */

void arrow_array_done(struct ArrowArray *array)
{
    if (array->release)
        array->release(array);
}

void arrow_schema_done(struct ArrowSchema *schema)
{
    if (schema->release)
        schema->release(schema);
}

static void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++)
        arrow_array_done(array->children[i]);
    OwnedArray *own = array->private_data;
    if (own->pool)
        give_back(own);
    else
        free_owned_array(own);
    array->release = NULL;
}

/* A block of `count` structs of `size` bytes and pointers to them; NULL without memory. */
static void *new_children(size_t count, size_t size)
{
    void **pointers = calloc(count, sizeof *pointers);
    uint8_t *block = calloc(count, size);

    if (!pointers || !block) {
        free(pointers);
        free(block);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        pointers[i] = block + i * size;
    return pointers;
}

/* Where each of Arrow's buffers comes from, by kind; the first is always validity, the only one that may be NULL. */
static size_t move_buffers(ArrowVector *v, OwnedArray *own)
{
    static const uint8_t nothing[8];
    size_t count = 0;

    own->validity = v->validity;
    own->offsets = v->offsets;
    own->data = v->data;
    v->validity = v->offsets = v->data = (Buffer){0};
    own->buffers[count++] = v->nulls > 0 ? own->validity.data : NULL;
    if (v->kind == VECTOR_BYTES || v->kind == VECTOR_LIST)
        own->buffers[count++] = own->offsets.data ? own->offsets.data : nothing;
    if (v->kind != VECTOR_LIST && v->kind != VECTOR_STRUCT)
        own->buffers[count++] = own->data.data ? own->data.data : nothing;
    return count;
}

Error *arrow_array_take(ArrowVector *take_vector, struct ArrowArray *take_children, size_t children_count,
                        struct ArrowArray *ret_array)
{
    OwnedArray *own = calloc(1, sizeof *own);

    if (own && children_count > 0)
        own->children = new_children(children_count, sizeof(struct ArrowArray));
    if (!own || (children_count > 0 && !own->children)) {
        free(own);
        return FAIL(NO_MEMORY, "no memory for a column");
    }
    for (size_t i = 0; i < children_count; i++) {
        *own->children[i] = take_children[i];
        take_children[i].release = NULL;
    }
    own->pool = take_vector->pool;
    if (own->pool)
        atomic_fetch_add(&own->pool->references, 1);
    *ret_array = (struct ArrowArray){
        .length = (int64_t)take_vector->length,
        .null_count = (int64_t)take_vector->nulls,
        .n_buffers = (int64_t)move_buffers(take_vector, own),
        .n_children = (int64_t)children_count,
        .buffers = own->buffers,
        .children = own->children,
        .release = release_array,
        .private_data = own,
    };
    take_vector->length = take_vector->nulls = 0;
    return NULL;
}

typedef struct OwnedSchema {
    char *format, *name;
    struct ArrowSchema **children;
} OwnedSchema;

static void free_owned_schema(OwnedSchema *own)
{
    free(own->format);
    free(own->name);
    if (own->children)
        free(own->children[0]);
    free(own->children);
    free(own);
}

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        arrow_schema_done(schema->children[i]);
    free_owned_schema(schema->private_data);
    schema->release = NULL;
}

/* A C string of `text`; a NUL inside ends it, as the interface has no other way. */
static char *copy_text(Str text)
{
    char *copy = malloc(text.len + 1);

    if (copy) {
        if (text.len > 0)
            memcpy(copy, text.data, text.len);
        copy[text.len] = 0;
    }
    return copy;
}

Error *arrow_schema_make(Str format, Str name, int64_t flags, struct ArrowSchema *take_children, size_t children_count,
                         struct ArrowSchema *ret_schema)
{
    OwnedSchema *own = calloc(1, sizeof *own);

    if (!own)
        return FAIL(NO_MEMORY, "no memory for a schema");
    own->format = copy_text(format);
    own->name = copy_text(name);
    if (children_count > 0)
        own->children = new_children(children_count, sizeof(struct ArrowSchema));
    if (!own->format || !own->name || (children_count > 0 && !own->children)) {
        free_owned_schema(own);
        return FAIL(NO_MEMORY, "no memory for a schema");
    }
    for (size_t i = 0; i < children_count; i++) {
        *own->children[i] = take_children[i];
        take_children[i].release = NULL;
    }
    *ret_schema = (struct ArrowSchema){
        .format = own->format,
        .name = own->name,
        .flags = flags,
        .n_children = (int64_t)children_count,
        .children = own->children,
        .release = release_schema,
        .private_data = own,
    };
    return NULL;
}
