/* xml_reader.h - XML as a row of events, for Office files, EPUB and XML itself: a document's tree is never built.
 *
 * By libxml2's push parser, a few kilobytes ahead of the caller: what is well-formed is what the originals' lxml takes. What stands before the
 * root element is passed over, so that the parser never sees a document type; nothing external is ever looked at, and every entity but the
 * predefined ones stands for nothing. Limits are ours, and come before the parser's work where that is more than linear.
 * One thread. Sources: XML 1.0 fifth edition; Namespaces in XML 1.0 third edition; spec/security.md 4.3 for the limits. */
#ifndef DOCUMENT_XML_READER_H
#define DOCUMENT_XML_READER_H

#include "base/error.h"
#include "base/str.h"

typedef struct XmlReader XmlReader;

typedef enum XmlEvent {
    XML_EVENT_START, /* an element begins; one that is empty ends right after */
    XML_EVENT_END,
    XML_EVENT_TEXT, /* text, CDATA; pieces that touch come as one, over comments too. White space too; never empty */
    XML_EVENT_DONE  /* nothing more; comes again when asked again */
} XmlEvent;

/* `input`, whose encoding its mark or its declaration tells, must outlive the reader; charset_warm_up has run. `depth_max` 0: 256.
 * Errors: UNSUPPORTED (encoding), LIMIT, NO_MEMORY. */
MUST_USE Error *xml_reader_new(Bytes input, unsigned depth_max, XmlReader **ret_reader);
void xml_reader_free(XmlReader *reader); /* NULL is allowed */
DEFINE_FREEP(XmlReader, xml_reader_free)

/* The next event. Errors: CORRUPT with the line; LIMIT (depth, attributes, namespaces, text of one node); NO_MEMORY. After an error the
 * reader gives no more. */
MUST_USE Error *xml_reader_next(XmlReader *reader, XmlEvent *ret_event);
/* The next event within the element whose START was at `depth`; `*ret_inside` is false at its END. Errors as above. */
MUST_USE Error *xml_reader_next_inside(XmlReader *reader, unsigned depth, XmlEvent *ret_event, bool *ret_inside);
/* Past the end of the element whose START was last; its END is not seen. Nothing in it is kept. Errors as above. */
MUST_USE Error *xml_reader_skip(XmlReader *reader);

/* Of the last event, valid until the next, and a name as long as the reader. The name without its prefix; the text of a TEXT. */
Str xml_reader_name(const XmlReader *reader);
Str xml_reader_start_name(const XmlReader *reader); /* of a START; else "" */
Str xml_reader_namespace(const XmlReader *reader);  /* URI of the element's, as long as the reader; "": none */
Str xml_reader_text(const XmlReader *reader);
/* An attribute of a START by its name without prefix: the first such; false when there is none. Valid until the next event. Declarations of
 * namespaces are no attributes. */
bool xml_reader_attribute(const XmlReader *reader, const char *name, Str *ret_value);
/* In this namespace only: `r:id` beside `id`. */
bool xml_reader_attribute_of(const XmlReader *reader, const char *name, const char *namespace_uri, Str *ret_value);
/* Of the last event: 0 for the root, its text is 1. */
unsigned xml_reader_depth(const XmlReader *reader);

/* Whether the last event was the START of an element of this name. */
static inline bool xml_reader_starts(const XmlReader *reader, const char *name)
{
    return str_equal(xml_reader_start_name(reader), str_of(name));
}

#endif
