/* list_page.h - one answer to ListObjectsV2. Source: spec/s3.md 3.1. */
#ifndef STORE_S3_LIST_PAGE_H
#define STORE_S3_LIST_PAGE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

typedef struct ListEntry {
    Str key;  /* decoded */
    Str etag; /* without quotes */
    uint64_t size_bytes;
    int64_t modified_us;
} ListEntry;

typedef struct ListPage {
    ListEntry *entries; /* in the server's order */
    size_t count;
    bool truncated; /* there is another page, which `next_token` asks for */
    Str next_token;
} ListPage;

/* Text lives in `arena` or is a view into `document`. Errors: CORRUPT (malformed, cut short, another answer, a key without size, truncated
 * without a token), LIMIT (of `arena`, depth). */
MUST_USE Error *list_page_parse(Str document, Arena *arena, ListPage *ret_page);

#endif
