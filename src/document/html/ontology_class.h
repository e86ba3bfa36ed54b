/* ontology_class.h - what an element of HTML is whose class, or tag, names a part of a document. Source: unstructured 0.27.32,
 * documents/ontology.py and mappings.py. */
#ifndef DOCUMENT_HTML_ONTOLOGY_CLASS_H
#define DOCUMENT_HTML_ONTOLOGY_CLASS_H

#include "document/element.h"
#include "document/html/tree.h"

typedef enum OntologyFlags {
    ONTOLOGY_LAYOUT = 1,  /* holds others and has no text of its own */
    ONTOLOGY_INLINE = 2,  /* joins with its neighbours of this kind, when it has no children */
    ONTOLOGY_TABLE = 4,   /* ids and classes in it are not told */
    ONTOLOGY_DOCUMENT = 8 /* the root, which is no element */
} OntologyFlags;

typedef struct OntologyClass {
    Str name;    /* as in the class attribute */
    Str tags[6]; /* it may have; the first is given to it when it has another */
    ElementType type;
    unsigned flags; /* OntologyFlags */
} OntologyClass;

/* What a node is. */
typedef struct OntologyItem {
    const OntologyClass *class;
    Str tag;        /* that it is written with */
    bool unnamed;   /* written without its class: a line break */
    bool unwrapped; /* its children are items; else all that is in it is its text */
} OntologyItem;

enum { ONTOLOGY_LEVELS_MAX = 50 };

/* Of an element that is `level` levels deep, the root being on the first. */
OntologyItem ontology_item(const HtmlNode *node, unsigned level);

/* What text between tags is. */
OntologyItem ontology_text_item(void);

/* One of the words of the class attribute is `name`. */
bool ontology_has_class(const HtmlNode *node, Str name);

#endif
