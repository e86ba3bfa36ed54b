/* page.h - one page from characters to elements-to-be, in reading order. Pure functions of what stands on the page. */
#ifndef PDF_PAGE_H
#define PDF_PAGE_H

#include "document/element.h"
#include "document/pdf/layout.h"

/* An area with a text of its own: where a click leads, or what a form field holds. */
typedef struct PageArea {
    LayoutRect rect;
    Str text;
} PageArea;

typedef struct PageAreas {
    PageArea *items;
    size_t count;
} PageAreas;

/* What one page says; lives in the page's arena. */
typedef struct PageContent {
    double width, height;
    LayoutGlyphs glyphs;
    PageAreas links;  /* `text` is the URL, or the name of a place in the document */
    PageAreas fields; /* filled form fields */
} PageContent;

/* An element to be; `text` and `links` live in the page's arena. */
typedef struct PageItem {
    ElementType type;
    LayoutRect rect;
    Str text;
    ElementLink *links;
    size_t link_count;
} PageItem;

typedef struct PageItems {
    PageItem *items;
    size_t count;
} PageItems;

/* The page's items in reading order: boxes and fields typed by rule and by place, continued list items joined. Everything lives
 * in `arena`. Source: spec/unstructured.md 3.12. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *page_items(const PageContent *page, Arena *arena, PageItems *ret_items);

#endif
