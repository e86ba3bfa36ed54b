/* rst.h - what the parts of the reStructuredText reader share. Source: reStructuredText Markup Specification; pandoc's reading of it. Private to
 * this folder. */
#ifndef DOCUMENT_RST_RST_H
#define DOCUMENT_RST_RST_H

#include "document/markup/lines.h"
#include "document/markup/list.h"
#include "document/markup/page.h"

typedef enum RstReferenceKind { RST_TARGET, RST_NOTE, RST_CITATION, RST_SUBSTITUTION } RstReferenceKind;

/* Something that is named in one place and meant in others. */
typedef struct RstReference {
    RstReferenceKind kind;
    Str name;      /* lower case, one space between words */
    Str value;     /* the address, the text put in */
    StrList lines; /* of a note */
} RstReference;

enum { RST_HEADINGS_MAX = 16 };

typedef struct Rst {
    Arena *arena;
    Page page;
    RstReference *references; /* by kind and name */
    size_t reference_count;
    Str *anonymous; /* addresses of `__` in their order */
    size_t anonymous_count, anonymous_used;
    size_t auto_notes_used;           /* of `[#]_` */
    char headings[RST_HEADINGS_MAX];  /* adornments in the order of their levels, */
    bool overlined[RST_HEADINGS_MAX]; /* and whether they stand above too */
    unsigned heading_count;
    unsigned depth;     /* of blocks in blocks */
    size_t search_left; /* lines that may still be looked at in vain, or again: see rst_spend */
    bool in_note;
} Rst;

/* Takes `lines` from what may be looked at more than once: ends that are not there, notes and substitutions that are used again and again. When
 * nothing is left, false: there are no more of them. Keeps a document's cost in proportion to its size. */
bool rst_spend(Rst *rst, size_t lines);

/* Gathers what can be referred to. Errors: LIMIT, NO_MEMORY (arena). */
MUST_USE Error *rst_find_references(Rst *rst, StrList lines);
/* NULL when nobody named it so. */
const RstReference *rst_find_reference(Rst *rst, RstReferenceKind kind, Str name);

/* Append HTML: the text of a paragraph; blocks; a table that begins at line `*at`, which moves behind it (false: it is none); a directive, its
 * first line behind the two dots and the lines of its body. Errors: LIMIT (nesting, `out`), NO_MEMORY. */
MUST_USE Error *rst_append_inline(Rst *rst, Str text, Buffer *out);
MUST_USE Error *rst_append_blocks(Rst *rst, StrList lines, bool in_item, Buffer *out);
MUST_USE Error *rst_append_table(Rst *rst, StrList lines, size_t *at, Buffer *out, bool *ret_is_table);
MUST_USE Error *rst_append_directive(Rst *rst, Str first, StrList body, Buffer *out);
/* The name of a directive in `name:: argument`; false when the line is none. */
bool rst_read_directive(Str first, Str *ret_name, Str *ret_argument);

/* The lines that belong to the explicit markup at `at`: those that follow it indented, blank lines between. Their end. */
size_t rst_body_end(StrList lines, size_t at);

MUST_USE Error *rst_append_code(StrList lines, Buffer *out);

#endif
