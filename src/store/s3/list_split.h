/* list_split.h - the key space below a prefix as ranges that are listed at the same time, found while the listing runs. No requests are
 * made here: whoever asks tells what came, and is told what to ask for.
 *
 * A range is (start, next range's start]: start exclusive, as start-after is, the last key inclusive, so that nothing is lost or doubled between
 * neighbours. It begins as a probe: a page asked for behind a split point, which is the range's own first page. Until that page proves that the
 * server honours the place, the range before it goes on as if there were no split. So what the listing gives does not depend on what is guessed
 * here, only how fast it comes. Split points lie where keys were seen to differ, between the bytes that were seen there.
 *
 * What a server may not do ends the listing as CORRUPT: keys out of order or twice, pages that repeat, keys that were not asked for.
 * One thread. Source: spec/s3.md 4.6. */
#ifndef STORE_S3_LIST_SPLIT_H
#define STORE_S3_LIST_SPLIT_H

#include "base/buffer.h"
#include "store/s3/list_page.h"
#include "store/s3/list_rows.h"

typedef enum ListRangeState {
    LIST_RANGE_PROBE,  /* its first page is asked for, and has not come */
    LIST_RANGE_OPEN,   /* goes on behind `last` */
    LIST_RANGE_ENDED,  /* all its keys have come */
    LIST_RANGE_DROPPED /* no range any more: free it when its page has come */
} ListRangeState;

typedef struct ListRange {
    ListRangeState state;
    struct ListRange *next; /* the one behind it, in key order */
    Buffer start;
    Buffer last;          /* the last key that came, else `start` */
    Buffer last_version;  /* its version, where there are versions */
    uint64_t keys, pages; /* that came */
    unsigned empty_pages; /* one after the other */
    size_t place;         /* of the byte behind the prefix that its start was made up with; LIST_POSITIONS: none was */

    /* of whoever asks */
    Buffer token, version; /* what to ask the next page by; "": by `last` */
    struct ListCall *call; /* its page that is under way */
    ListRows rows;         /* what came and was not shown */
} ListRange;

enum { LIST_POSITIONS = 128 }; /* of a key, behind the prefix, whose bytes are looked at */

typedef struct ListSplit {
    Str prefix, start_after; /* borrowed; whole keys, as all here */
    bool versions;           /* as in the options, as the next */
    unsigned parts_max;
    bool serial;      /* no more probes: the server does not honour them, or it is not wanted */
    ListRange *first; /* in key order; ranges that are done with are taken away by list_split_take_first */
    uint64_t keys, pages, probes, probes_in_vain;
    uint64_t seen[LIST_POSITIONS][4];    /* sets of bytes at that place behind the prefix */
    uint64_t in_vain[LIST_POSITIONS][4]; /* those that a probe was made up with and found nothing */
    Buffer skipped;                      /* the last key that came though it is not behind `start_after` */
} ListSplit;

typedef struct ListSplitOptions {
    unsigned parts_max; /* ranges that are wanted at once; below 2: one range, no probes */
    bool versions;      /* keys may come more than once */
} ListSplitOptions;

/* `prefix` and `start_after` are borrowed until list_split_done. Errors: NO_MEMORY. */
MUST_USE Error *list_split_init(ListSplit *split, Str prefix, Str start_after, ListSplitOptions options);
/* Copes with a zeroed one. Ranges that are asked for must have come back or be DROPPED. */
void list_split_done(ListSplit *split);

/* A new probe where most keys are expected, LIST_RANGE_PROBE: ask for the page behind its `start`. NULL when none is worth it now. Errors: NO_MEMORY. */
MUST_USE Error *list_split_probe(ListSplit *split, ListRange **ret_probe);
/* The page of a range or a probe has come; `*ret_from` and `*ret_to`: which of its entries are the range's to give. Sets the range's state: a
 * probe becomes a range or is dropped. Errors: CORRUPT. */
MUST_USE Error *list_split_page(ListSplit *split, ListRange *range, const ListPage *page, size_t *ret_from,
                                size_t *ret_to);
/* The probe's request failed: it is dropped, and no other is made. */
void list_split_probe_failed(ListSplit *split, ListRange *probe);

/* Takes the first range away, which has ended; probes behind it that it has overtaken are dropped. The caller frees it. NULL: no range is left. */
ListRange *list_split_take_first(ListSplit *split);
void list_range_free(ListRange *range); /* NULL is allowed */

#endif
