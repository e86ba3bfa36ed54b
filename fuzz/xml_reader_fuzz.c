/* Any bytes as XML: what comes is balanced, UTF-8, and no larger than what went in. */
#include "document/text/charset.h"
#include "document/xml_reader.h"

static void check_event(const XmlReader *xml, XmlEvent event, unsigned *depth)
{
    Str value;
    ASSERT(str_is_utf8(xml_reader_name(xml)) && str_is_utf8(xml_reader_text(xml)));
    ASSERT(str_is_utf8(xml_reader_namespace(xml)));
    ASSERT((event == XML_EVENT_TEXT) == (xml_reader_text(xml).len > 0));
    if (event == XML_EVENT_START && xml_reader_attribute(xml, "a", &value))
        ASSERT(str_is_utf8(value));
    if (event == XML_EVENT_START)
        ASSERT(xml_reader_depth(xml) == (*depth)++);
    else if (event == XML_EVENT_END)
        ASSERT(xml_reader_depth(xml) == --*depth);
    else
        ASSERT(xml_reader_depth(xml) == *depth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    XmlEvent event = XML_EVENT_TEXT;
    unsigned depth = 0;
    Error *error = charset_warm_up();
    ASSERT(!error);
    error = xml_reader_new(bytes_from(data, size), 20, &xml);
    for (size_t i = 1; !error && event != XML_EVENT_DONE; i++) {
        error = xml_reader_next(xml, &event);
        if (error)
            break;
        check_event(xml, event, &depth);
        if (event == XML_EVENT_START && i % 16 == 0) {
            error = xml_reader_skip(xml);
            depth--;
        }
    }
    error_free(error);
    return 0;
}
