/* list_call.h - a page of a listing on its way: the query, the request, the answer read. */
#ifndef STORE_S3_LIST_CALL_H
#define STORE_S3_LIST_CALL_H

#include "store/s3/list_page.h"
#include "store/s3/list_split.h"
#include "store/s3/request.h"

typedef enum ListForm { LIST_V2, LIST_V1, LIST_VERSIONS } ListForm;

/* What all pages of a listing have in common. */
typedef struct ListQuery {
    ListForm form;
    bool url_encoded; /* keys are asked for percent-encoded: XML cannot carry all of them */
    Str prefix;       /* whole key, as `after` below */
    Str delimiter;
} ListQuery;

typedef struct ListCall {
    S3Request request;  /* its `user` is the call */
    Cancel cancel;      /* of this page alone; its parent is the listing's */
    ListForm form;      /* it was asked for so */
    ListRange *range;   /* whose page it is; owned once DROPPED */
    Buffer asked_token; /* what was sent as the page's place; "": the range's `last` */
    Buffer query, body;
    Arena *arena;
    ListPage page; /* after list_call_read; in `body` and `arena` */
    struct ListCall *next;
} ListCall;

/* Errors: NO_MEMORY. */
MUST_USE Error *list_call_new(S3Client *client, ListCall **ret_call);
void list_call_free(ListCall *call); /* NULL is allowed; not under way */

/* Makes the request for the next page of `range`, by `token` unless it is empty, ready for http_submit of its exchange. */
MUST_USE Error *list_call_begin(ListCall *call, const ListQuery *query, ListRange *range, Str token,
                                const Cancel *cancel);
/* After the exchange: the page, or why there is none. */
MUST_USE Error *list_call_read(ListCall *call, Error *take_error);

#endif
