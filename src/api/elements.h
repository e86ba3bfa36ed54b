/* elements.h - what stands behind QuernElements. */
#ifndef API_ELEMENTS_H
#define API_ELEMENTS_H

#include <quern/partition.h>

#include "document/element_json.h"

struct QuernElements {
    Arena *arena; /* owns everything below */
    Elements elements;
    DocumentInfo info;
    QuernElement *shown; /* [elements.count] */
};

/* Fills `shown`; elements and info are final. */
MUST_USE Error *elements_show(QuernElements *elements);

#endif
