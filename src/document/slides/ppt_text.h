/* ppt_text.h - the text of a PPT shape as paragraphs with their levels and bullets. Reads untrusted bytes.
 * Source: [MS-PPT] 2.9.20 (paragraph properties), 2.9.35-2.9.48 (texts and their styles). Bullets that are numbers or pictures are told by an
 * extension that is not read: they count as characters. */
#ifndef DOCUMENT_SLIDES_PPT_TEXT_H
#define DOCUMENT_SLIDES_PPT_TEXT_H

#include "base/buffer.h"
#include "document/slides/ppt_record.h"
#include "document/slides/shape.h"

enum {
    PPT_TEXT_TITLE = 0,
    PPT_TEXT_BODY = 1,
    PPT_TEXT_OTHER = 4,
    PPT_TEXT_CENTER_TITLE = 6,
    PPT_TEXT_TYPES = 9,
    PPT_LEVELS = 5
};

/* Which paragraphs have a bullet on a master, by type of text and level, unless they say something else themselves. */
typedef struct PptStyles {
    bool bulleted[PPT_TEXT_TYPES][PPT_LEVELS];
} PptStyles;

/* Adds what the TextMasterStyleAtom says. */
void ppt_styles_read(PptStyles *styles, const PptRecord *atom);

/* One text: its header, and the records behind it up to the next header. */
typedef struct PptText {
    uint32_t type; /* PPT_TEXT_* */
    Bytes records;
} PptText;

/* The next text among the records; false when there is none. */
bool ppt_next_text(Reader *in, PptText *ret_text);

/* Adds the text's paragraphs to the shape; the slide's number stands where a field asks for it. `scratch` is the caller's, to be used again.
 * Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *ppt_text_add(const PptText *text, const PptStyles *styles, uint32_t slide_number, Buffer *scratch,
                             const Slide *slide, SlideShape *shape);

#endif
