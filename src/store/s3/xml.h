/* xml.h - a pull parser for the XML answers of S3 servers, which are small, flat and not to be trusted.
 *
 * It walks one document in memory without building anything. Attributes, comments and processing instructions are passed over,
 * namespace prefixes dropped. A document type declaration is an error, so there are no entities but the five named ones and
 * numeric references, and nothing is ever fetched. Depth is at most XML_DEPTH_MAX. A document that ends early is CORRUPT.
 * Source: spec/s3.md 3.9; XML 1.0. */
#ifndef STORE_S3_XML_H
#define STORE_S3_XML_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum { XML_DEPTH_MAX = 16 };

typedef struct Xml {
    Str input;
    size_t at;
    unsigned depth;
    bool closed;             /* the element just opened was "<x/>": its end is still to be told */
    Str open[XML_DEPTH_MAX]; /* names of the open elements */
} Xml;

void xml_init(Xml *xml, Str document);

/* Opens the root element. All names that come back are local names and views into the document. */
MUST_USE Error *xml_root(Xml *xml, Str *ret_name);

/* In an open element: opens its next child and sets `*ret_name`; at the element's end closes it and sets an empty name. Text between
 * children is passed over. Errors, as everywhere here: CORRUPT with the offset, LIMIT (depth). */
MUST_USE Error *xml_child(Xml *xml, Str *ret_name);

/* Reads the open element's text up to its end and closes it. References are replaced: the result is a view into the document when
 * there are none, else it lives in `arena`. Child elements are an error. */
MUST_USE Error *xml_text(Xml *xml, Arena *arena, Str *ret_text);

/* Passes over the rest of the open element and closes it. */
MUST_USE Error *xml_skip(Xml *xml);

/* After the root's end: only white space and comments may follow. */
MUST_USE Error *xml_end(Xml *xml);

/* One child of the root, by name, and what it says; "" where there is none. */
typedef struct XmlField {
    Str name;
    Str text;
} XmlField;

/* Reads a whole flat document: its root is `root` ("XResult" may also be "XResponse"), and the texts of those children that `fields` names, trimmed, live in `arena`. Of two of one name the
 * first counts; what has other names is passed over. Errors: as above; CORRUPT (another root). */
MUST_USE Error *xml_read_fields(Str document, Str root, Arena *arena, XmlField *fields, size_t count);

#endif
