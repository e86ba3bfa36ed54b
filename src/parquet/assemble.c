#include "parquet/assemble.h"

#include <stdlib.h>

#include "parquet/bitmap.h"

typedef struct Assembly {
    ColumnReader *const *readers; /* by leaf */
} Assembly;

static Error *assemble(const Assembly *a, const SchemaField *field, size_t slots, struct ArrowArray *ret_array);

static Error *disagree(const SchemaField *field, size_t has, size_t wanted)
{
    return FAIL(CORRUPT, "column '" STR_FMT "' has %zu values where its neighbours have %zu", STR_ARG(field->name), has,
                wanted);
}

static Error *assemble_leaf(const Assembly *a, const SchemaField *field, size_t slots, struct ArrowArray *ret_array)
{
    ArrowVector *v = &a->readers[field->leaf_first]->vector;

    if (v->length != slots)
        return disagree(field, v->length, slots);
    TRY(convert_leaf(field, v));
    return arrow_array_take(v, NULL, 0, ret_array);
}

/* Takes the finished children with the vector; on failure they are released. */
static Error *finish_parent(ArrowVector *v, struct ArrowArray *children, size_t count, struct ArrowArray *ret_array)
{
    Error *error = arrow_array_take(v, children, count, ret_array);

    for (size_t i = 0; i < count; i++)
        arrow_array_done(&children[i]);
    return error;
}

/* -- structs -- */

/* A slot for every entry that no deeper list repeats and nothing above hides. */
static Error *struct_validity(const SchemaField *field, const Levels *levels, ArrowVector *v)
{
    const uint8_t *def = levels->def.data, *rep = levels->rep.data;
    size_t entries = levels->def.len, slots = 0, nulls = 0;
    uint8_t *bits;

    for (size_t i = 0; i < entries; i++) {
        bool slot = def[i] >= field->ancestor_def && (!rep || rep[i] <= field->rep);
        slots += slot;
        nulls += slot && def[i] < field->def;
    }
    if (nulls > 0) {
        TRY(vector_validity(v, slots, &bits));
        for (size_t i = 0, at = 0; i < entries; i++)
            if (def[i] >= field->ancestor_def && (!rep || rep[i] <= field->rep))
                bitmap_set(bits, at++, def[i] >= field->def);
    }
    v->nulls = nulls;
    vector_advance(v, slots);
    return NULL;
}

static Error *assemble_children(const Assembly *a, const SchemaField *field, size_t slots, struct ArrowArray *children)
{
    for (size_t i = 0; i < field->children_count; i++)
        TRY(assemble(a, &field->children[i], slots, &children[i]));
    return NULL;
}

static Error *assemble_struct(const Assembly *a, const SchemaField *field, size_t slots, struct ArrowArray *ret_array)
{
    const ColumnReader *reader = a->readers[field->leaf_first];
    CLEANUP(vector_done) ArrowVector v = {0};
    CLEANUP(cleanup_free) struct ArrowArray *children = calloc(field->children_count, sizeof *children);

    if (!children)
        return FAIL(NO_MEMORY, "no memory for a column");
    vector_init(&v, VECTOR_STRUCT, 0, reader->limit_bytes);
    if (field->nullable)
        TRY(struct_validity(field, &reader->levels, &v));
    else
        v.length = slots;
    if (v.length != slots)
        return disagree(field, v.length, slots);
    Error *error = assemble_children(a, field, slots, children);
    if (!error)
        return finish_parent(&v, children, field->children_count, ret_array);
    for (size_t i = 0; i < field->children_count; i++)
        arrow_array_done(&children[i]);
    return error;
}

/* -- lists and maps -- */

typedef struct ListCounts {
    size_t slots, nulls;
} ListCounts;

static ListCounts count_lists(const SchemaField *field, const Levels *levels)
{
    const uint8_t *def = levels->def.data, *rep = levels->rep.data;
    ListCounts counts = {0, 0};

    for (size_t i = 0; i < levels->def.len; i++) {
        size_t slot = (size_t)(rep[i] < field->rep) & (size_t)(def[i] >= field->ancestor_def);
        counts.slots += slot;
        counts.nulls += slot & (size_t)(def[i] < field->def);
    }
    return counts;
}

static void list_validity(const SchemaField *field, const Levels *levels, uint8_t *bits)
{
    const uint8_t *def = levels->def.data, *rep = levels->rep.data;
    size_t slot = 0;

    for (size_t i = 0; i < levels->def.len; i++)
        if (rep[i] < field->rep && def[i] >= field->ancestor_def)
            bitmap_set(bits, slot++, def[i] >= field->def);
}

/* Writes the end of the open list at every entry: entries inside a deeper list, or below something null or empty, add
 * nothing, so they need no branch. Returns the number of elements. */
static size_t list_ends(const SchemaField *field, const Levels *levels, int32_t *ends)
{
    const uint8_t *def = levels->def.data, *rep = levels->rep.data;
    const uint8_t list_rep = field->rep, ancestor_def = field->ancestor_def, element_def = field->element_def;
    size_t slot = 0, elements = 0;

    for (size_t i = 0; i < levels->def.len; i++) {
        slot += (size_t)(rep[i] < list_rep) & (size_t)(def[i] >= ancestor_def);
        elements += (size_t)(rep[i] <= list_rep) & (size_t)(def[i] >= element_def);
        ends[slot] = (int32_t)elements; /* fits: each entry took a byte of a buffer below 2 GiB */
    }
    return elements;
}

/* Offsets and validity; `*ret_elements` is how many slots the child must have. */
static Error *list_slots(const SchemaField *field, const Levels *levels, ArrowVector *v, size_t *ret_elements)
{
    ListCounts counts = count_lists(field, levels);
    uint8_t *bits;

    TRY(vector_reserve(v, counts.slots));
    if (counts.nulls > 0) {
        TRY(vector_validity(v, counts.slots, &bits));
        list_validity(field, levels, bits);
    }
    *ret_elements = list_ends(field, levels, vector_offsets(v));
    v->nulls = counts.nulls;
    vector_advance(v, counts.slots);
    return NULL;
}

/* Leaves that share a list must repeat alike; those of the same depth can be compared byte by byte. */
static Error *check_siblings(const Assembly *a, const SchemaField *field)
{
    const ColumnReader *first = a->readers[field->leaf_first];

    for (size_t i = 1; i < field->leaf_count; i++) {
        const ColumnReader *other = a->readers[field->leaf_first + i];
        if (other->leaf->max_rep == first->leaf->max_rep
            && !str_equal(buffer_str(&other->levels.rep), buffer_str(&first->levels.rep)))
            return FAIL(CORRUPT, "the columns of list '" STR_FMT "' have lists of different lengths",
                        STR_ARG(field->name));
    }
    return NULL;
}

static Error *assemble_list(const Assembly *a, const SchemaField *field, size_t slots, struct ArrowArray *ret_array)
{
    const ColumnReader *reader = a->readers[field->leaf_first];
    CLEANUP(vector_done) ArrowVector v = {0};
    struct ArrowArray child;
    size_t elements;

    vector_init(&v, VECTOR_LIST, 0, reader->limit_bytes);
    TRY(check_siblings(a, field));
    TRY(list_slots(field, &reader->levels, &v, &elements));
    if (v.length != slots)
        return disagree(field, v.length, slots);
    TRY(assemble(a, &field->children[0], elements, &child));
    if (field->kind == FIELD_MAP && child.children[0]->null_count > 0) {
        arrow_array_done(&child);
        return FAIL(CORRUPT, "map '" STR_FMT "' has a null key", STR_ARG(field->name));
    }
    return finish_parent(&v, &child, 1, ret_array);
}

static Error *assemble(const Assembly *a, const SchemaField *field, size_t slots, struct ArrowArray *ret_array)
{
    switch (field->kind) {
    case FIELD_LEAF: return assemble_leaf(a, field, slots, ret_array);
    case FIELD_STRUCT: return assemble_struct(a, field, slots, ret_array);
    case FIELD_LIST:
    case FIELD_MAP: return assemble_list(a, field, slots, ret_array);
    }
    return NULL;
}

Error *assemble_column(const SchemaField *field, ColumnReader *const *readers, size_t slots,
                       struct ArrowArray *ret_array)
{
    return assemble(&(Assembly){readers}, field, slots, ret_array);
}
