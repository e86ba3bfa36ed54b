/* quern/ingester.h - a local copy of a prefix, kept current: mleko's S3Ingester. */
#ifndef QUERN_INGESTER_H
#define QUERN_INGESTER_H

#include <quern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct QuernIngester QuernIngester;

typedef enum QuernFetchMode {
    QUERN_FETCH_IF_STALE,       /* only what is absent or differs */
    QUERN_FETCH_FORCE_RECOMPUTE /* everything */
} QuernFetchMode;

/* Options of `fetch`: the original's eleven parameters, and those that every run has. Sends nothing and touches no file. `client` NULL: its own.
 * Errors: INVALID. */
QUERN_API QuernError *quern_ingester_new(QuernClient *client, const QuernOptions *options,
                                         QuernIngester **ret_ingester) QUERN_MUST_USE;
QUERN_API void quern_ingester_free(QuernIngester *ingester);

/* Brings the dataset up to date. `*ret_paths`: local files in manifest order, then NULL, in one allocation for quern_free; NULL after a dry
 * run; NULL in its place: not wanted. May be called again and again, one at a time. Errors: NOT_FOUND (nothing matched), CHECK (tolerance, manifest,
 * collision, deletions), LOCKED, NO_SPACE, those of the objects; old files and their manifest stay; `*ret_report` is then still
 * written if the run had begun. */
QUERN_API QuernError *quern_ingester_fetch_data(QuernIngester *ingester, QuernFetchMode mode, QuernControl *control,
                                                char ***ret_paths, QuernReport **ret_report) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
