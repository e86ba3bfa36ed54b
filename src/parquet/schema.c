#include "parquet/schema.h"

/* The list of elements as the tree it stands for. */
typedef struct Node Node;
struct Node {
    const SchemaElement *element;
    Node *children;
    size_t children_count;
    size_t leaf; /* index of the first leaf at or below */
    size_t leaves_count;
};

typedef struct Builder {
    const SchemaElement *elements;
    size_t elements_count, next;
    Arena *arena;
    SchemaLeaf *leaves;
    size_t leaves_count;
    const Node *path[SCHEMA_DEPTH_MAX];
} Builder;

/* Levels on the way down. */
typedef struct Levels {
    uint8_t def, rep, ancestor_def;
} Levels;

static bool is_repeated(const Node *node)
{
    return node->element->repetition == REPETITION_REPEATED;
}

static bool is_optional(const Node *node)
{
    return node->element->repetition == REPETITION_OPTIONAL;
}

static bool is_leaf(const Node *node)
{
    return THRIFT_HAS(node->element, SCHEMA_ELEMENT_TYPE);
}

/* -- the tree and its leaves -- */

static Error *check_element(const SchemaElement *e, size_t index)
{
    bool leaf = THRIFT_HAS(e, SCHEMA_ELEMENT_TYPE);
    bool group = THRIFT_HAS(e, SCHEMA_ELEMENT_NUM_CHILDREN) && !(leaf && e->num_children == 0);

    if (leaf == group)
        return FAIL(CORRUPT, "schema element %zu, '" STR_FMT "', is %s", index, STR_ARG(e->name),
                    leaf ? "both a leaf and a group" : "neither a leaf nor a group");
    if (leaf && (e->type < TYPE_BOOLEAN || e->type > TYPE_FIXED_LEN_BYTE_ARRAY))
        return FAIL(CORRUPT, "schema element %zu, '" STR_FMT "', has the unknown physical type %d", index,
                    STR_ARG(e->name), e->type);
    if (index > 0 && (e->repetition < REPETITION_REQUIRED || e->repetition > REPETITION_REPEATED))
        return FAIL(CORRUPT, "schema element %zu, '" STR_FMT "', has the unknown repetition %d", index,
                    STR_ARG(e->name), e->repetition);
    if (leaf && e->type == TYPE_FIXED_LEN_BYTE_ARRAY && (e->type_length < 1 || e->type_length > TYPE_LENGTH_MAX))
        return FAIL(CORRUPT, "schema element %zu, '" STR_FMT "', has values of %d bytes, not 1 to %d", index,
                    STR_ARG(e->name), e->type_length, TYPE_LENGTH_MAX);
    if (group && e->num_children < 0)
        return FAIL(CORRUPT, "schema element %zu, '" STR_FMT "', has %d children", index, STR_ARG(e->name),
                    e->num_children);
    return NULL;
}

static void leaf_storage(SchemaLeaf *leaf)
{
    static const struct {
        LeafStorage storage;
        uint32_t width;
    } by_type[] = {
        [TYPE_BOOLEAN] = {LEAF_BITS, 0},     [TYPE_INT32] = {LEAF_FIXED, 4},
        [TYPE_INT64] = {LEAF_FIXED, 8},      [TYPE_INT96] = {LEAF_FIXED, 12},
        [TYPE_FLOAT] = {LEAF_FIXED, 4},      [TYPE_DOUBLE] = {LEAF_FIXED, 8},
        [TYPE_BYTE_ARRAY] = {LEAF_BYTES, 0}, [TYPE_FIXED_LEN_BYTE_ARRAY] = {LEAF_FIXED, 0},
    };
    leaf->type = (PhysicalType)leaf->element->type;
    leaf->storage = by_type[leaf->type].storage;
    leaf->width =
        leaf->type == TYPE_FIXED_LEN_BYTE_ARRAY ? (uint32_t)leaf->element->type_length : by_type[leaf->type].width;
}

/* The leaf at the end of the builder's path, with the levels that the path adds up to. */
static Error *add_leaf(Builder *b, size_t depth)
{
    SchemaLeaf *leaf = &b->leaves[b->leaves_count++];

    leaf->element = b->path[depth - 1]->element;
    leaf_storage(leaf);
    leaf->path_count = depth;
    leaf->path = ARENA_ARRAY(b->arena, Str, depth);
    if (!leaf->path)
        return arena_error(b->arena);
    for (size_t i = 0; i < depth; i++) {
        const Node *node = b->path[i];
        leaf->path[i] = node->element->name;
        if (is_optional(node))
            leaf->max_def++;
        if (is_repeated(node)) {
            leaf->max_def++;
            leaf->max_rep++;
            leaf->rep_def[leaf->max_rep] = leaf->max_def;
            leaf->ancestor_def = leaf->max_def;
        }
    }
    return NULL;
}

static Error *read_node(Builder *b, size_t depth, Node *node);

static Error *read_children(Builder *b, size_t depth, Node *node)
{
    size_t count = (size_t)node->element->num_children;

    if (count > b->elements_count - b->next)
        return FAIL(CORRUPT, "schema element '" STR_FMT "' has %zu children, but only %zu elements follow",
                    STR_ARG(node->element->name), count, b->elements_count - b->next);
    node->children = ARENA_ARRAY(b->arena, Node, count);
    if (!node->children)
        return arena_error(b->arena);
    node->children_count = count;
    for (size_t i = 0; i < count; i++)
        TRY(read_node(b, depth + 1, &node->children[i]));
    return NULL;
}

static Error *read_node(Builder *b, size_t depth, Node *node)
{
    if (b->next >= b->elements_count)
        return FAIL(CORRUPT, "the schema's tree has more nodes than its list of %zu elements", b->elements_count);
    if (depth > SCHEMA_DEPTH_MAX)
        return FAIL(LIMIT, "the schema is nested deeper than %d levels", SCHEMA_DEPTH_MAX);
    node->element = &b->elements[b->next];
    TRY(check_element(node->element, b->next));
    b->next++;
    node->leaf = b->leaves_count;
    if (depth > 0)
        b->path[depth - 1] = node;
    if (!is_leaf(node))
        TRY(read_children(b, depth, node));
    else if (depth == 0)
        return FAIL(CORRUPT, "the schema's root is a leaf");
    else if (b->leaves_count == SCHEMA_LEAVES_MAX)
        return FAIL(LIMIT, "the schema has more than %d leaves", SCHEMA_LEAVES_MAX);
    else
        TRY(add_leaf(b, depth));
    node->leaves_count = b->leaves_count - node->leaf;
    return NULL;
}

/* -- the Arrow view -- */

static bool is_list_group(const Node *node)
{
    const SchemaElement *e = node->element;

    return !is_leaf(node)
           && (THRIFT_HAS(&e->logical, LOGICAL_LIST)
               || (THRIFT_HAS(e, SCHEMA_ELEMENT_CONVERTED_TYPE) && e->converted_type == CONVERTED_LIST))
           && node->children_count == 1 && is_repeated(&node->children[0]);
}

static bool is_map_group(const Node *node)
{
    const SchemaElement *e = node->element;
    bool annotated = THRIFT_HAS(&e->logical, LOGICAL_MAP)
                     || (THRIFT_HAS(e, SCHEMA_ELEMENT_CONVERTED_TYPE)
                         && (e->converted_type == CONVERTED_MAP || e->converted_type == CONVERTED_MAP_KEY_VALUE));

    return !is_leaf(node) && annotated && node->children_count == 1 && is_repeated(&node->children[0])
           && !is_leaf(&node->children[0]) && node->children[0].children_count >= 1
           && node->children[0].children_count <= 2;
}

static bool is_legacy_element_name(Str list, Str name)
{
    return str_equal(name, STR("array"))
           || (name.len == list.len + 6 && str_starts_with(name, list) && str_ends_with(name, STR("_tuple")));
}

/* Whether the repeated child of a LIST group is itself the element (spec/parquet.md 9). */
static bool repeated_is_element(const Node *list, const Node *repeated)
{
    return is_leaf(repeated) || repeated->children_count != 1 || is_repeated(&repeated->children[0])
           || (is_legacy_element_name(list->element->name, repeated->element->name) && !is_list_group(repeated));
}

static Error *build_field(Builder *b, const Node *node, Levels levels, SchemaField *field);
static Error *build_value(Builder *b, const Node *node, Levels levels, SchemaField *field);

static Error *new_children(Builder *b, SchemaField *field, size_t count)
{
    field->children = ARENA_ARRAY(b->arena, SchemaField, count);
    field->children_count = count;
    return field->children ? NULL : arena_error(b->arena);
}

/* What holds for a child holds for its parent: one unreadable leaf makes the column unreadable. */
static void inherit_unsupported(SchemaField *field)
{
    for (size_t i = 0; i < field->children_count && !field->unsupported; i++)
        field->unsupported = field->children[i].unsupported;
}

static Error *build_struct(Builder *b, const Node *node, Levels levels, SchemaField *field)
{
    field->kind = FIELD_STRUCT;
    field->format = "+s";
    if (node->leaves_count == 0)
        field->unsupported = "a group without columns";
    TRY(new_children(b, field, node->children_count));
    for (size_t i = 0; i < node->children_count; i++)
        TRY(build_field(b, &node->children[i], levels, &field->children[i]));
    inherit_unsupported(field);
    return NULL;
}

/* Enters the repeated node: `field` becomes the list or map around it. */
static Levels enter_repeated(SchemaField *field, Levels levels)
{
    levels.def++;
    levels.rep++;
    levels.ancestor_def = levels.def;
    field->element_def = levels.def;
    field->rep = levels.rep;
    return levels;
}

static Error *build_list(Builder *b, const Node *list, Levels levels, SchemaField *field)
{
    const Node *repeated = &list->children[0];

    field->kind = FIELD_LIST;
    field->format = "+l";
    field->logical = "LIST";
    levels = enter_repeated(field, levels);
    TRY(new_children(b, field, 1));
    TRY(repeated_is_element(list, repeated) ? build_value(b, repeated, levels, &field->children[0])
                                            : build_field(b, &repeated->children[0], levels, &field->children[0]));
    inherit_unsupported(field);
    return NULL;
}

static Error *build_map(Builder *b, const Node *map, Levels levels, SchemaField *field)
{
    field->kind = FIELD_MAP;
    field->format = "+m";
    field->logical = "MAP";
    levels = enter_repeated(field, levels);
    TRY(new_children(b, field, 1));
    TRY(build_value(b, &map->children[0], levels, &field->children[0]));
    if (field->children[0].children_count == 1)
        field->unsupported = "a map without values";
    inherit_unsupported(field);
    return NULL;
}

/* A repeated field outside any LIST or MAP is a required list of required elements. */
static Error *build_bare_list(Builder *b, const Node *node, Levels levels, SchemaField *field)
{
    field->kind = FIELD_LIST;
    field->format = "+l";
    levels = enter_repeated(field, levels);
    TRY(new_children(b, field, 1));
    TRY(build_value(b, node, levels, &field->children[0]));
    inherit_unsupported(field);
    return NULL;
}

/* A node whose own repetition is already in `levels`. */
static Error *build_value(Builder *b, const Node *node, Levels levels, SchemaField *field)
{
    field->name = node->element->name;
    field->format = field->logical = "";
    field->def = levels.def;
    field->rep = levels.rep;
    field->ancestor_def = levels.ancestor_def;
    field->leaf_first = node->leaf;
    field->leaf_count = node->leaves_count;
    if (is_leaf(node)) {
        field->kind = FIELD_LEAF;
        return schema_leaf_type(node->element, b->arena, field);
    }
    return is_list_group(node)  ? build_list(b, node, levels, field)
           : is_map_group(node) ? build_map(b, node, levels, field)
                                : build_struct(b, node, levels, field);
}

static Error *build_field(Builder *b, const Node *node, Levels levels, SchemaField *field)
{
    Levels inner = levels;

    if (is_repeated(node)) {
        field->name = node->element->name;
        field->logical = "";
        field->def = levels.def;
        field->ancestor_def = levels.ancestor_def;
        field->leaf_first = node->leaf;
        field->leaf_count = node->leaves_count;
        return build_bare_list(b, node, levels, field);
    }
    if (is_optional(node))
        inner.def++;
    TRY(build_value(b, node, inner, field));
    field->nullable = is_optional(node);
    return NULL;
}

Error *schema_build(const FileMetaData *file, Arena *arena, Schema *ret_schema)
{
    size_t leaves_max = 0;
    Node root = {0};

    if (file->schema.count == 0)
        return FAIL(CORRUPT, "the schema is empty");
    for (size_t i = 0; i < file->schema.count; i++)
        leaves_max += THRIFT_HAS(&file->schema.items[i], SCHEMA_ELEMENT_TYPE);
    Builder b = {.elements = file->schema.items, .elements_count = file->schema.count, .arena = arena};
    b.leaves = ARENA_ARRAY(arena, SchemaLeaf, leaves_max);
    if (!b.leaves)
        return arena_error(arena);
    TRY(read_node(&b, 0, &root));
    if (b.next != b.elements_count)
        return FAIL(CORRUPT, "the schema's tree ends after %zu of its %zu elements", b.next, b.elements_count);

    Schema schema = {.leaves = b.leaves, .leaves_count = b.leaves_count, .fields_count = root.children_count};
    schema.fields = ARENA_ARRAY(arena, SchemaField, schema.fields_count);
    if (!schema.fields)
        return arena_error(arena);
    for (size_t i = 0; i < schema.fields_count; i++)
        TRY(build_field(&b, &root.children[i], (Levels){0}, &schema.fields[i]));
    *ret_schema = schema;
    return NULL;
}

const char *schema_leaf_name(const SchemaLeaf *leaf, Arena *arena)
{
    const char *name = "";

    for (size_t i = 0; i < leaf->path_count && name; i++)
        name = arena_format(arena, "%s%s" STR_FMT, name, i ? "." : "", STR_ARG(leaf->path[i]));
    return name ? name : "?";
}
