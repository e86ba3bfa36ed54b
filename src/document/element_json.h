/* element_json.h - elements as JSON, the modern form. Source: spec/unstructured.md 2.3, 2.4.
 * Fields in the order of the originals: type, element_id, text, metadata; empty lists and unknown values are left out. */
#ifndef DOCUMENT_ELEMENT_JSON_H
#define DOCUMENT_ELEMENT_JSON_H

#include "base/buffer.h"
#include "document/element.h"
#include "document/element_select.h"

typedef enum ElementJsonForm {
    ELEMENT_JSON_ARRAY, /* one array, indent 2, no newline at the end: a .json file */
    ELEMENT_JSON_LINES  /* an object a line, each line ended by a newline: a .ndjson file */
} ElementJsonForm;

typedef struct ElementJsonOptions {
    ElementJsonForm form;
    const ElementSelection *selection; /* NULL: everything */
} ElementJsonOptions;

/* Appends all elements, which elements_finish must have seen. Errors: LIMIT, NO_MEMORY (of `out`, which then holds what it held before). */
MUST_USE Error *elements_write_json(const Elements *elements, const DocumentInfo *info, ElementJsonOptions options,
                                    Buffer *out);

/* The same in pieces of about 256 KiB, none of which is kept: a document's JSON is many times its size. The first Error from `write` ends it
 * and is returned. */
typedef struct ElementJsonSink {
    Error *(*write)(void *context, Bytes piece);
    void *context;
} ElementJsonSink;
MUST_USE Error *elements_stream_json(const Elements *elements, const DocumentInfo *info, ElementJsonOptions options,
                                     ElementJsonSink sink);

/* Appends element `index` alone, whole and on one line. Errors as above. */
MUST_USE Error *element_write_json(const Elements *elements, size_t index, const DocumentInfo *info, Buffer *out);

/* Appends the metadata object of element `index` alone, on one line: the Parquet column. `selection` may be NULL. Errors as above. */
MUST_USE Error *element_metadata_json(const Elements *elements, size_t index, const DocumentInfo *info,
                                      const ElementSelection *selection, Buffer *out);

#endif
