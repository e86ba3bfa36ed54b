/* look_ahead.h - what lies on disk for the objects of a listing, found out while the listing goes on.
 *
 * Looking at a file costs a system call, a microsecond or two, which for an unchanged dataset is more than its listing. So objects are gathered
 * in batches that a thread of its own looks at; when it falls behind, whoever adds lends a hand. Answers come in the order in which the
 * objects were added, on the thread that adds. Holds a few thousand objects, however many there are. Before its first batch the thread looks
 * at what the last run's manifest makes it expect (foresight.h), and whether earlier runs left something in the dataset's own directory. */
#ifndef JOBS_FETCH_LOOK_AHEAD_H
#define JOBS_FETCH_LOOK_AHEAD_H

#include "jobs/fetch/selection.h"

typedef struct LookAhead LookAhead;

/* Strings live during the call. */
typedef Error *LookedFn(void *context, const SelectionItem *item, const SelectionName *name, FileState state);

/* `selection` is asked for names only, whatever is added to it meanwhile; it and `dataset` must outlive this. */
MUST_USE Error *look_ahead_new(const Selection *selection, Dataset *dataset, LookedFn *each, void *context,
                               LookAhead **ret_look);
/* Joins the thread; what was not answered is dropped. */
void look_ahead_free(LookAhead *look);
DEFINE_FREEP(LookAhead, look_ahead_free)

/* Copies `item`. Answers for earlier ones may come before it returns. Errors: NO_MEMORY; DENIED and the like of a file; those of `each`. */
MUST_USE Error *look_ahead_add(LookAhead *look, const SelectionItem *item);
/* Answers what is left; nothing is added after that. */
MUST_USE Error *look_ahead_finish(LookAhead *look);

/* After look_ahead_finish: does the dataset's own directory hold nothing that an unfinished run may have left? */
bool look_ahead_is_clean(const LookAhead *look);
/* After it, too: are the names and sizes that were added, in their order, just what the local manifest says? False also where nobody knows. */
bool look_ahead_is_recorded(const LookAhead *look);

#endif
