/* element_read.h - elements from their JSON: what element_json.h writes, and what other tools and older versions wrote. Source:
 * spec/unstructured.md 2.1, 3.11. */
#ifndef DOCUMENT_ELEMENT_READ_H
#define DOCUMENT_ELEMENT_READ_H

#include "base/json.h"
#include "document/element.h"

/* An object with a known type, a text (a CheckBox: its state), and metadata that are an object if there are any. */
bool json_is_element(const json_t *value);

/* Adds the elements of an array, each of which is one, with the ids and parents that they have there, until others are computed. What no field of
 * Element holds goes into its extra members; what is said of the file is left out. Errors: LIMIT (text, count, arena), NO_MEMORY. */
MUST_USE Error *elements_read_json(json_t *values, size_t text_max_bytes, Elements *append_to);

/* What an element says of its file. The texts are in `arena`. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *document_read_json(const json_t *element, Arena *arena, DocumentInfo *ret_info);

#endif
