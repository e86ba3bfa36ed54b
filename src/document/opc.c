#include "document/opc.h"

#include <stdlib.h>

#include "document/xml_reader.h"

/* Relations as they are collected. */
typedef struct Collector {
    Arena *arena;
    Str folder; /* of the part, with its slash */
    OpcRelation *items;
    size_t count, capacity;
} Collector;

static Str last_piece(Str path)
{
    size_t slash = str_rfind_char(path, '/');
    return slash == SIZE_MAX ? path : str_slice(path, slash + 1, path.len);
}

/* `target`, seen from `folder`, without "." and "..": never above the root. */
MUST_USE static Error *resolve(Collector *c, Str target, Str *ret_name)
{
    char *name = arena_alloc(c->arena, c->folder.len + target.len + 1);
    if (!name)
        return arena_error(c->arena);
    size_t len = 0;
    Str piece, rest = target;
    if (!str_starts_with(target, STR("/"))) {
        memcpy(name, c->folder.data, c->folder.len);
        len = c->folder.len;
    }
    while (str_next_piece(&rest, '/', &piece)) {
        if (str_equal(piece, STR(".."))) {
            size_t parent = len > 0 ? str_rfind_char((Str){name, len - 1}, '/') : SIZE_MAX;
            len = parent == SIZE_MAX ? 0 : parent + 1;
        } else if (piece.len > 0 && !str_equal(piece, STR("."))) {
            memcpy(name + len, piece.data, piece.len);
            len += piece.len;
            if (rest.data)
                name[len++] = '/';
        }
    }
    *ret_name = (Str){name, len};
    return NULL;
}

MUST_USE static Error *add_relation(Collector *c, const XmlReader *xml)
{
    Str id, type, target, mode;
    if (!xml_reader_attribute(xml, "Id", &id) || !xml_reader_attribute(xml, "Type", &type)
        || !xml_reader_attribute(xml, "Target", &target))
        return NULL;
    if (c->count == c->capacity) {
        size_t capacity = MAX(2 * c->capacity, (size_t)16);
        OpcRelation *items = arena_grow(c->arena, c->items, c->capacity * sizeof *items, capacity * sizeof *items);
        if (!items)
            return arena_error(c->arena);
        c->items = items;
        c->capacity = capacity;
    }
    OpcRelation *relation = &c->items[c->count++];
    *relation = (OpcRelation){
        .id = arena_str(c->arena, id),
        .type = arena_str(c->arena, last_piece(type)),
        .external = xml_reader_attribute(xml, "TargetMode", &mode) && str_equal_nocase(mode, STR("External")),
    };
    if (relation->external)
        relation->target = arena_str(c->arena, target);
    else
        TRY(resolve(c, target, &relation->target));
    return relation->id.data && relation->type.data && relation->target.data ? NULL : arena_error(c->arena);
}

static int by_id(const void *a, const void *b)
{
    return str_compare(((const OpcRelation *)a)->id, ((const OpcRelation *)b)->id);
}

MUST_USE static Error *read_relations(Collector *c, Bytes xml_bytes, OpcRelations *ret_relations)
{
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    XmlEvent event;
    TRY(xml_reader_new(xml_bytes, 0, &xml));
    do {
        TRY(xml_reader_next(xml, &event));
        if (event == XML_EVENT_START && str_equal(xml_reader_name(xml), STR("Relationship")))
            TRY(add_relation(c, xml));
    } while (event != XML_EVENT_DONE);
    if (c->count > 1)
        qsort(c->items, c->count, sizeof *c->items, by_id);
    *ret_relations = (OpcRelations){c->items, c->count};
    return NULL;
}

Error *opc_relations_read(ZipReader *zip, Str part, Arena *arena, OpcRelations *ret_relations)
{
    CLEANUP(buffer_done) Buffer xml = {0};
    Str name = last_piece(part);
    Collector c = {.arena = arena, .folder = str_slice(part, 0, part.len - name.len)};
    const char *member = arena_format(arena, STR_FMT "_rels/" STR_FMT ".rels", STR_ARG(c.folder), STR_ARG(name));
    size_t index;
    if (!member)
        return arena_error(arena);
    if (!zip_reader_find(zip, str_of(member), &index)) {
        *ret_relations = (OpcRelations){0};
        return NULL;
    }
    TRY(zip_reader_read(zip, index, &xml));
    TRY_CTX(read_relations(&c, buffer_bytes(&xml), ret_relations), "'%s'", member);
    return NULL;
}

const OpcRelation *opc_relation(const OpcRelations *relations, Str id)
{
    OpcRelation wanted = {.id = id};
    return relations->count == 0
               ? NULL
               : bsearch(&wanted, relations->items, relations->count, sizeof *relations->items, by_id);
}

const OpcRelation *opc_relation_of_type(const OpcRelations *relations, const char *type)
{
    for (size_t i = 0; i < relations->count; i++) {
        if (!relations->items[i].external && str_equal(relations->items[i].type, str_of(type)))
            return &relations->items[i];
    }
    return NULL;
}

Error *opc_main_part(ZipReader *zip, Str fallback, Arena *arena, Str *ret_part)
{
    OpcRelations relations;
    TRY(opc_relations_read(zip, STR_EMPTY, arena, &relations));
    const OpcRelation *main = opc_relation_of_type(&relations, "officeDocument");
    *ret_part = main ? main->target : fallback;
    return NULL;
}
