/* page.h - HTML that readers of other formats write for html_add_elements, in the form pandoc gives it. */
#ifndef DOCUMENT_MARKUP_PAGE_H
#define DOCUMENT_MARKUP_PAGE_H

#include "base/buffer.h"

typedef struct Page {
    Buffer html;  /* limited by who makes the page */
    Buffer notes; /* items of the list at the end */
    size_t note_count;
} Page;

void page_done(Page *page);

/* Appends `text` with what HTML would take for its own escaped. Errors: LIMIT, NO_MEMORY (of `out`), here and below. */
MUST_USE Error *page_append_text(Buffer *out, Str text);
/* Appends `<a href="url">`. */
MUST_USE Error *page_open_link(Buffer *out, Str url);

/* The number of the note that page_add_note will add next goes into `out`, a link in the running text. */
MUST_USE Error *page_append_note_mark(const Page *page, Buffer *out);
/* Adds a footnote; `html` is paragraphs and other blocks. */
MUST_USE Error *page_add_note(Page *page, Str html);
/* Puts the notes at the end of the page. */
MUST_USE Error *page_finish(Page *page);

#endif
