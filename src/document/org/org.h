/* org.h - what the parts of the Org reader share. Source: The Org Manual 9.6; pandoc's reading of it. Private to this folder. */
#ifndef DOCUMENT_ORG_ORG_H
#define DOCUMENT_ORG_ORG_H

#include "document/markup/lines.h"
#include "document/markup/list.h"
#include "document/markup/page.h"

/* `[fn:label] text` somewhere in the document. */
typedef struct OrgNote {
    Str label;
    StrList lines; /* the first without its label */
} OrgNote;

typedef struct Org {
    Arena *arena;
    Page page;
    OrgNote *notes; /* by label */
    size_t note_count;
    unsigned heading_levels; /* deeper headings are items of lists */
    unsigned depth;          /* of blocks in blocks */
    size_t search_left;      /* lines that may still be looked at in vain */
    bool in_note;
} Org;

/* Appends the HTML of a paragraph's text. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *org_append_inline(Org *org, Str text, Buffer *out);

/* Appends the HTML of `lines`. Errors: LIMIT (nesting, `out`), NO_MEMORY. */
MUST_USE Error *org_append_blocks(Org *org, StrList lines, bool in_item, Buffer *out);

/* Gathers the notes of a document before its blocks are read. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *org_find_notes(Org *org, StrList lines);

/* The number of the note `label` goes into `out` and its text to the end of the page; `*ret_found` false when there is none. */
MUST_USE Error *org_append_note(Org *org, Str label, Buffer *out, bool *ret_found);
/* The same for a note whose text stands where it belongs. */
MUST_USE Error *org_append_inline_note(Org *org, Str text, Buffer *out);

#endif
