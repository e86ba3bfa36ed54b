/* ontology.h - HTML whose classes name the parts of a document, as vision models write it, to elements. Source: spec/unstructured.md 3.4,
 * "ontology parser"; unstructured 0.27.32, partition/html/transformations.py. */
#ifndef DOCUMENT_HTML_ONTOLOGY_H
#define DOCUMENT_HTML_ONTOLOGY_H

#include "document/builder.h"

/* Adds the elements of `html`, UTF-8: those of the first body of class Document or else the first div of class Page. Errors: as
 * html_add_elements; UNSUPPORTED when there is neither. */
MUST_USE Error *html_add_ontology(Builder *builder, Str html, const PartitionOptions *options);

#endif
