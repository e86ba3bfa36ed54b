/* element_select.h - what of an element is written: the originals' --fields-include, --metadata-include, --metadata-exclude, --flatten-metadata,
 * and the form of their first version. Source: spec/unstructured.md 1.4, 1.5, 2.2. */
#ifndef DOCUMENT_ELEMENT_SELECT_H
#define DOCUMENT_ELEMENT_SELECT_H

#include "base/json.h"
#include "base/str.h"

/* Empty lists select everything. Names are those of the JSON. */
typedef struct ElementSelection {
    StrList fields;           /* top-level members: element_id, text, type, metadata, embeddings */
    StrList metadata_include; /* members of metadata; nothing else of them */
    StrList metadata_exclude; /* members of metadata to leave out; "metadata.data_source.url" names one deeper down */
    bool flatten;             /* members of metadata beside the others, an object's as parent_member */
    bool seed;                /* 0.4.10: text, type, metadata with page_number and url; the rest is ignored then */
} ElementSelection;

/* Whether anything differs from all there is. NULL: no. */
bool element_selection_is_wanted(const ElementSelection *selection);

/* Writes `element`, an object as element_json makes it, as selected. `element` is changed. */
void element_put_selected(JsonWriter *w, json_t *element, const ElementSelection *selection);
/* Its metadata alone, an object: `metadata` is changed. */
void metadata_put_selected(JsonWriter *w, json_t *metadata, const ElementSelection *selection);

#endif
