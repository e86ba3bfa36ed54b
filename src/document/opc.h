/* opc.h - the relations between the parts of an Office file: which part is what, and under which name of the zip it stands. Relations that
 * lead out of the file are listed and never followed. Source: ECMA-376-2 (Open Packaging Conventions) 6.5. */
#ifndef DOCUMENT_OPC_H
#define DOCUMENT_OPC_H

#include "document/zip_reader.h"

typedef struct OpcRelation {
    Str id;
    Str type;      /* the end of its URI, "worksheet": the strict and the transitional form are the same then */
    Str target;    /* a member of the zip; as it stands in the file when it is external */
    bool external; /* a URL or another file */
} OpcRelation;

typedef struct OpcRelations {
    OpcRelation *items; /* in the order of their ids */
    size_t count;
} OpcRelations;

/* The relations of the member `part`, of the whole file when it is ""; none when it has none. All is in `arena`. Errors: CORRUPT, LIMIT,
 * UNSUPPORTED (encrypted), NO_MEMORY. */
MUST_USE Error *opc_relations_read(ZipReader *zip, Str part, Arena *arena, OpcRelations *ret_relations);

/* NULL when there is none. The first of several types' relations is the one with the least id. */
const OpcRelation *opc_relation(const OpcRelations *relations, Str id);
const OpcRelation *opc_relation_of_type(const OpcRelations *relations, const char *type);

/* The main part's name: what the file's "officeDocument" is, else `fallback`. Errors as above. */
MUST_USE Error *opc_main_part(ZipReader *zip, Str fallback, Arena *arena, Str *ret_part);

#endif
