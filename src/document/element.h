/* element.h - what a document is made of once it is partitioned. Source: spec/unstructured.md 2. */
#ifndef DOCUMENT_ELEMENT_H
#define DOCUMENT_ELEMENT_H

#include <assert.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/random.h"
#include "base/str.h"

/* The names are those of the JSON ("NarrativeText"); one table in element.c. */
typedef enum ElementType {
    ELEMENT_UNCATEGORIZED_TEXT,
    ELEMENT_TITLE,
    ELEMENT_NARRATIVE_TEXT,
    ELEMENT_LIST_ITEM,
    ELEMENT_ADDRESS,
    ELEMENT_EMAIL_ADDRESS,
    ELEMENT_TABLE,
    ELEMENT_IMAGE,
    ELEMENT_HEADER,
    ELEMENT_FOOTER,
    ELEMENT_CODE_SNIPPET,
    ELEMENT_FORMULA,
    ELEMENT_FIGURE_CAPTION,
    ELEMENT_CHECK_BOX,
    ELEMENT_PAGE_BREAK,
    ELEMENT_PAGE_NUMBER,
    ELEMENT_COMPOSITE,
    ELEMENT_TABLE_CHUNK,
    ELEMENT_TYPES
} ElementType;

Str element_type_name(ElementType type);
/* False for a name that is no element type. */
bool element_type_from_name(Str name, ElementType *ret_type);

enum { ELEMENT_ID_BYTES = 37 }; /* 32 hex digits, or a UUID */

typedef struct ElementLink {
    Str text, url;
    int64_t start_index; /* in code points of the element's text; -1: unknown */
} ElementLink;

/* Corners of the box; y grows downwards from the top of the page, in the layout's units. */
typedef struct ElementBox {
    double left, top, right, bottom;
    double layout_width, layout_height; /* the width is above 0 */
} ElementBox;

/* A document in the document: a mail, its attachment, a member of an archive. Shared by the elements that came from it, which stand
 * together; lives in their arena. */
typedef struct ElementPart {
    Str filename; /* base name; "": the document's, as are the next two; of what is attached to something: it has none */
    Str filetype; /* MIME type */
    Str last_modified;
    Str path; /* of a member, from the root of the outermost archive; "": no member */
    Str attached_to_filename;
    Str subject, email_message_id, signature;
    StrList sent_from, sent_to, cc_recipient, bcc_recipient;
} ElementPart;

typedef enum HeaderFooterType {
    HEADER_FOOTER_NONE,
    HEADER_FOOTER_PRIMARY,
    HEADER_FOOTER_FIRST_PAGE,
    HEADER_FOOTER_EVEN_PAGE,
    HEADER_FOOTER_TYPES
} HeaderFooterType;

/* What a chunk has that no partitioner gives. */
typedef struct ElementChunk {
    Str orig_elements; /* JSON of what was joined, zlib, base64; "": not wanted */
    Str table_id;      /* "": no piece of a table */
    uint32_t chunk_index, header_rows_carried;
    bool is_continuation;
} ElementChunk;

/* What few elements have, most documents not at all. Read it through element_rare(). */
typedef struct ElementRare {
    Str page_name; /* of a sheet; "": none */
    Str image_url;
    Str image_base64, image_mime_type; /* of a picture in the document itself; "": none or not wanted */
    StrList extra_keys,
        extra_values; /* metadata that no field here holds, of elements read from JSON: keys, and values as JSON */
    StrList emphasized_contents, emphasized_tags; /* the same count */
    StrList link_texts, link_urls;                /* HTML's form; the same count */
    ElementLink *links;                           /* PDF's form */
    size_t link_count;
} ElementRare;

/* There may be a million of them. */
typedef struct Element {
    ElementType type;
    HeaderFooterType header_footer;
    Str text;                  /* UTF-8 */
    Str text_as_html;          /* "": none */
    StrList languages;         /* ISO 639-3 */
    const ElementPart *part;   /* NULL: of the document itself */
    const ElementChunk *chunk; /* NULL: no chunk */
    const ElementBox *box;     /* in PixelSpace for the JSON; NULL: no coordinates */
    ElementRare *rare;         /* its own, of no other element; NULL: nothing of it is there */
    uint32_t page_number;      /* from 1; 0: none */
    int32_t category_depth;    /* -1: none */
    /* Index of the parent element plus 1; 0: none. One that is set before elements_finish, by elements read from JSON, stays. */
    uint32_t parent;
    bool checked;              /* a CheckBox's state */
    char id[ELEMENT_ID_BYTES]; /* with its NUL; "" before elements_finish */
} Element;

static_assert(sizeof(Element) <= 144, "an element is small: what few have is in ElementRare");

/* A document's elements in reading order; everything lives in `arena`, which the caller owns. */
typedef struct Elements {
    Arena *arena;
    Element *items;
    size_t count, capacity;
    size_t count_max; /* 0: 1,000,000 (spec/security.md 4.3) */
} Elements;

/* A new element at the end with `type` and `text` copied into the arena, no depth, the rest zero. `*ret_element` is valid until
 * the next add. Errors: LIMIT (too many, arena), NO_MEMORY. */
MUST_USE Error *elements_add(Elements *elements, ElementType type, Str text, Element **ret_element);

/* Never NULL: all of it is empty where the element has none. */
const ElementRare *element_rare(const Element *element);
/* The element's own, to be filled in; made in `arena`, which is that of its document, at the first call. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *element_add_rare(Element *element, Arena *arena, ElementRare **ret_rare);
/* A copy of `box` in `arena`; one on a layout without width is no place, and left out. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *element_set_box(Element *element, Arena *arena, ElementBox box);

/* Where a document came from: `metadata.data_source` of spec/unstructured.md 2.5, without the time of processing, so that a second run gives the
 * same bytes. */
typedef struct DataSource {
    Str url;                        /* "": no data_source at all */
    Str version;                    /* ETag */
    Str protocol, remote_file_path; /* the place as the user gave it */
    int64_t modified_us;
    uint64_t size_bytes;
} DataSource;

/* What the whole document says about itself; goes into every element's metadata. */
typedef struct DocumentInfo {
    Str filename;       /* base name; "": none, which the ids call "None" */
    Str filetype;       /* MIME type */
    Str file_directory; /* "": left out */
    Str last_modified;  /* `YYYY-MM-DDTHH:MM:SS`; "": left out */
    DataSource source;
} DocumentInfo;

/* The name of the file that an element is from: its part's, or the document's; "": it has none. */
Str element_filename(const Element *element, const DocumentInfo *info);

/* Computes ids, then parents, from what is set (spec/unstructured.md 2.3): SHA-256 of filename, text, page number, index on
 * the page. A part has its own filename, its own count of
 * elements on a page and its own parents. Call it once, when all else is final. Errors: LIMIT (arena), NO_MEMORY. */
MUST_USE Error *elements_finish(Elements *elements, const DocumentInfo *info);

/* How elements are named; the names of the choices are those of --element-ids. */
typedef enum ElementIds {
    ELEMENT_IDS_POSITION_HASH, /* what elements_finish gives */
    ELEMENT_IDS_TEXT_HASH,     /* SHA-256 of the text alone, as up to 0.13.3: equal texts have equal ids */
    ELEMENT_IDS_UUID           /* random, version 4 */
} ElementIds;

/* Other ids than those that elements_finish gave; parents stay. `random` is for UUIDs. Errors: NO_MEMORY. */
MUST_USE Error *elements_rename(Elements *elements, ElementIds ids, Random *random);

/* Takes elements of `types`, a bit (1 << type) each, out of the document, which elements_finish has seen. They remain behind the last one, so that
 * who had one for a parent still has its id. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *elements_set_aside(Elements *elements, uint32_t types);

#endif
