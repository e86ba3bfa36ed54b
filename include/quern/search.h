/* quern/search.h - asking what was loaded. */
#ifndef QUERN_SEARCH_H
#define QUERN_SEARCH_H

#include <quern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct QuernSearch QuernSearch;
typedef struct QuernHits QuernHits;

typedef struct QuernHit {
    const char *key, *snippet; /* words that matched stand between "**" */
    double score;              /* greater is better */
    const char *explain_json;  /* the row's columns but long texts */
    const char *document;      /* where it stands: url, filename or key of the row, or "" */
    long long page;            /* 0: none */
} QuernHit;

/* Options of `search`: to, table. Any number of threads. Errors: NOT_FOUND (database, table, full-text index). */
QUERN_API QuernError *quern_search_new(QuernClient *client, const QuernOptions *options,
                                       QuernSearch **ret_search) QUERN_MUST_USE;
QUERN_API void quern_search_free(QuernSearch *search);
/* Options: mode, limit, filter. No hit is no error. */
QUERN_API QuernError *quern_search_query(QuernSearch *search, const char *query, const QuernOptions *options,
                                         QuernControl *control, QuernHits **ret_hits) QUERN_MUST_USE;
/* Best first; NULL past the end. As long as the hits. */
QUERN_API const QuernHit *quern_hits_at(const QuernHits *hits, size_t index);
QUERN_API void quern_hits_free(QuernHits *hits);

#ifdef __cplusplus
}
#endif
#endif
