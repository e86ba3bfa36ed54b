/* list_fold.h - a listing with a delimiter for stores that only list every key. */
#ifndef STORE_LIST_FOLD_H
#define STORE_LIST_FOLD_H

#include "store/store.h"

/* What a listing of `options` shows, made from its keys without a delimiter, which come in order: a key that holds the delimiter behind the
 * prefix stands for all that are alike up to there. Zero it, set the first fields. */
typedef struct ListFold {
    const ListOptions *options; /* its delimiter is not empty */
    StoreListFn *each;
    void *context;
    Buffer shown; /* the prefix shown last */
} ListFold;

/* A StoreListFn: the context is the ListFold. */
Error *list_fold_key(void *context, const ObjectInfo *object);
void list_fold_done(ListFold *fold);

#endif
