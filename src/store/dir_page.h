/* dir_page.h - a directory's entries in ascending byte order, a bounded number at a time.
 *
 * A directory may hold more names than memory should. A page holds the smallest ones after the last page's end that fit into its
 * bound; a directory that does not fit is read again for each page. The part of an entry that is a directory ends in a slash:
 * so "a.b" comes before "a/", as the keys do ("a.b" < "a/c"). */
#ifndef STORE_DIR_PAGE_H
#define STORE_DIR_PAGE_H

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"

typedef struct DirEntry {
    uint64_t head; /* the first 8 bytes as a big-endian number: most comparisons end here */
    size_t at;     /* in text */
    uint32_t len;
} DirEntry;

typedef struct DirPage {
    size_t bytes_max;  /* fixed, as the next two: the memory a page may take */
    bool escape;       /* names are read as file_path.h writes them */
    Str prefix;        /* only parts that begin with it; no slash inside; borrowed. */
    Buffer after;      /* only parts above it... */
    bool within_after; /* ...and, at the start, the directory that leads to it ("b/" where `after` is "b/c") */
    Buffer upto;       /* while `more`: only parts up to this one */
    Buffer text;
    DirEntry *entries;
    size_t count, capacity;
    bool more; /* the directory holds more than this page */
} DirPage;

/* Copes with a zeroed one. */
void dir_page_done(DirPage *page);

/* Reads the directory `dir_fd` and fills the page with what comes after the last one's end, sorted. Only regular files and
 * directories count; names that are no key's (temporary files; with escaping, foreign ones) are passed over.
 * Errors: CANCELLED, NO_MEMORY, UNAVAILABLE and so on of reading. */
MUST_USE Error *dir_page_fill(DirPage *page, const Cancel *cancel, int dir_fd);

/* Ends in '/' for a directory. Until the next fill. */
static inline Str dir_page_part_view(const DirPage *page, size_t index)
{
    return str_from(page->text.data + page->entries[index].at, page->entries[index].len);
}

#endif
