/* xml_reader.h - XML as a row of events, for Office files, EPUB and XML itself. On libxml2's xmlTextReader: a document's tree is never built.
 * No entity is expanded but the predefined ones and characters, nothing external is looked at. One thread.
 * Sources: XML 1.0 fifth edition; spec/security.md 4.3 for the limits. */
#ifndef DOCUMENT_XML_READER_H
#define DOCUMENT_XML_READER_H

#include "base/error.h"
#include "base/str.h"

typedef struct XmlReader XmlReader;

typedef enum XmlEvent {
    XML_EVENT_START, /* an element begins; one that is empty ends right after */
    XML_EVENT_END,
    XML_EVENT_TEXT, /* text, CDATA; pieces that touch come as one. White space too */
    XML_EVENT_DONE  /* nothing more; comes again when asked again */
} XmlEvent;

/* `input`, whose encoding its declaration tells, must outlive the reader. `depth_max` 0: 256. Errors: NO_MEMORY. */
MUST_USE Error *xml_reader_new(Bytes input, unsigned depth_max, XmlReader **ret_reader);
void xml_reader_free(XmlReader *reader); /* NULL is allowed */
DEFINE_FREEP(XmlReader, xml_reader_free)

/* The next event. Errors: CORRUPT with the line; LIMIT (depth, attributes, text of one node); NO_MEMORY. */
MUST_USE Error *xml_reader_next(XmlReader *reader, XmlEvent *ret_event);
/* Past the end of the element whose START was last; its END is not seen. Errors as above. */
MUST_USE Error *xml_reader_skip(XmlReader *reader);

/* Of the last event, valid until the next. The name without its prefix; the text of a TEXT. */
Str xml_reader_name(const XmlReader *reader);
Str xml_reader_namespace(const XmlReader *reader); /* URI; "": none */
Str xml_reader_text(const XmlReader *reader);
/* An attribute of a START by its name without prefix: the first such; false when there is none. Valid until the next event. */
bool xml_reader_attribute(const XmlReader *reader, const char *name, Str *ret_value);
/* In this namespace only: `r:id` beside `id`. */
bool xml_reader_attribute_of(const XmlReader *reader, const char *name, const char *namespace_uri, Str *ret_value);
unsigned xml_reader_depth(const XmlReader *reader); /* of the last event: 0 for the root */

/* Tables of the parser, before threads and locks; refuses everything external from then on. */
void xml_reader_warm_up(void);

#endif
