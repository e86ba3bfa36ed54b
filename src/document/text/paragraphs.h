/* paragraphs.h - text cut into paragraphs where it is broken into lines. Sources: spec/unstructured.md 3.3; unstructured 0.27.32,
 * cleaners/core.py. Pure functions of one text; linear. */
#ifndef DOCUMENT_TEXT_PARAGRAPHS_H
#define DOCUMENT_TEXT_PARAGRAPHS_H

#include "base/error.h"
#include "document/bullets.h"

/* Blank lines below one in ten of the first 2,000: every line stands for itself. */
bool text_has_few_blank_lines(Str text);

/* Cuts `*rest` at the first white space with at least `line_ends` line ends in it: true while there is a piece, which may be empty. Start with
 * the whole text; the end is marked by a NULL `rest->data`. */
bool text_next_block(Str *rest, size_t line_ends, Str *ret_block);

/* A paragraph as it stands in the text. */
typedef struct Paragraph {
    Str text;          /* points into the text; not trimmed, not blank */
    bool one_line;     /* its line ends, with the white space around them, are to become spaces */
    bool misread_item; /* the `e` it begins with is what OCR made of a bullet */
} Paragraph;

/* Writes the paragraph as it is to be to `out`, which has room for paragraph->text.len + 1 bytes; gives how many it is. */
size_t paragraph_write(const Paragraph *paragraph, char *out);

typedef Error *ParagraphFn(void *context, const Paragraph *paragraph);
/* Calls `each` for the paragraphs between blank lines: list items apart, short lines apart, other lines to be joined. The first Error
 * ends it and is returned. */
MUST_USE Error *text_each_paragraph(Str text, BulletRules rules, ParagraphFn *each, void *context);
/* The same with the items of one list, whatever blank lines are between them. */
MUST_USE Error *text_each_item(Str list, BulletRules rules, ParagraphFn *each, void *context);

#endif
