/* list_page.h - one answer to ListObjectsV2, ListObjects or ListObjectVersions. Source: spec/s3.md 3.1. */
#ifndef STORE_S3_LIST_PAGE_H
#define STORE_S3_LIST_PAGE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

typedef struct ListEntry {
    Str key;           /* decoded; of a common prefix the prefix */
    Str etag;          /* without quotes */
    Str storage_class; /* "" is STANDARD */
    Str version_id;    /* of versions; "" elsewhere */
    uint64_t size_bytes;
    int64_t modified_us;
    bool is_prefix, is_latest, is_delete_marker;
} ListEntry;

typedef struct ListPage {
    ListEntry *entries; /* keys and common prefixes merged; each kind in the server's order */
    size_t count;
    bool truncated; /* there is another page: behind `next_token`, else behind `next_key`, else behind the last entry */
    Str next_token; /* ListObjectsV2 */
    Str next_key;   /* decoded; ListObjects with a delimiter, ListObjectVersions */
    Str next_version; /* ListObjectVersions */
} ListPage;

/* Text lives in `arena` or is a view into `document`. Errors: CORRUPT (malformed, cut short, another answer, a key without size),
 * LIMIT (of `arena`, depth). */
MUST_USE Error *list_page_parse(Str document, Arena *arena, ListPage *ret_page);

/* The next page's token in what there is of a page that arrives, as a view without references; "" while it has not come. It may not be the last
 * word: compare with the parsed page. */
Str list_page_peek_token(Str beginning);

#endif
