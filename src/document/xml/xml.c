/* XML: the text in front of each element's first child, in the order in which elements end. Source: spec/unstructured.md 3.6. */
#include "document/builder.h"
#include "document/chars.h"
#include "document/text/charset.h"
#include "document/xml_reader.h"

enum { DEPTH_MAX = 256 };

/* With `encoding` given, what the declaration says of it does not count: it is cut off. */
MUST_USE static Error *decode_as(Bytes input, Str encoding, Arena *arena, Bytes *ret_text)
{
    Str text;
    TRY(charset_decode(input, encoding, arena, &text));
    size_t end = str_starts_with(text, STR("<?xml")) ? str_find(text, STR("?>")) : SIZE_MAX;
    *ret_text = str_bytes(end == SIZE_MAX ? text : str_slice(text, end + 2, text.len));
    return NULL;
}

/* The open elements, from the root on. */
typedef struct XmlWalk {
    Builder *builder;
    struct {
        Str text; /* "": none that is not blank */
        bool has_child;
    } open[DEPTH_MAX + 1];
    size_t open_count;
} XmlWalk;

MUST_USE static Error *on_text(XmlWalk *walk, Str text)
{
    if (walk->open_count == 0 || walk->open[walk->open_count - 1].has_child || chars_trim(text).len == 0)
        return NULL;
    Arena *arena = walk->builder->elements->arena;
    Str copy = arena_str(arena, text);
    walk->open[walk->open_count - 1].text = copy;
    return copy.data ? NULL : arena_error(arena);
}

MUST_USE static Error *on_event(XmlWalk *walk, XmlReader *reader, XmlEvent event)
{
    if (event == XML_EVENT_TEXT)
        return on_text(walk, xml_reader_text(reader));
    if (event == XML_EVENT_START) {
        ASSERT(walk->open_count < ARRAY_COUNT(walk->open));
        if (walk->open_count > 0)
            walk->open[walk->open_count - 1].has_child = true;
        walk->open[walk->open_count].text = STR_EMPTY;
        walk->open[walk->open_count++].has_child = false;
    } else if (event == XML_EVENT_END) {
        Str text = walk->open[--walk->open_count].text;
        return text.len > 0 ? builder_add_classified(walk->builder, text) : NULL;
    }
    return NULL;
}

Error *partition_xml(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)filetype;
    Builder builder;
    builder_init(&builder, options, watch, elements);
    if (options->encoding.len > 0)
        TRY(decode_as(input, options->encoding, elements->arena, &input));
    unsigned depth_max = options->depth_max ? MIN(options->depth_max, (unsigned)DEPTH_MAX) : DEPTH_MAX;
    CLEANUP(xml_reader_freep) XmlReader *reader = NULL;
    TRY(xml_reader_new(input, depth_max, &reader));
    XmlWalk walk = {.builder = &builder};
    XmlEvent event;
    do {
        TRY_CTX(xml_reader_next(reader, &event), "xml");
        TRY(on_event(&walk, reader, event));
    } while (event != XML_EVENT_DONE);
    return NULL;
}
