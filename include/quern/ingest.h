/* quern/ingest.h - the batch: every document below a place to elements, and the roles that may be one's own. */
#ifndef QUERN_INGEST_H
#define QUERN_INGEST_H

#include <quern/partition.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called on many threads. */
typedef struct QuernDocProcessor {
    size_t struct_bytes;
    void *user;
    QuernError *(*process)(void *user, const QuernObject *doc, QuernBytes payload, QuernControl *control,
                           QuernElements **ret_elements);
} QuernDocProcessor;

/* Called on one thread. */
typedef struct QuernDocWriter {
    size_t struct_bytes;
    void *user;
    bool (*has_output)(void *user, const QuernObject *doc); /* NULL: none has */
    QuernError *(*write)(void *user, const QuernObject *doc, const QuernElements *elements, QuernControl *control);
    QuernError *(*finish)(void *user, const QuernReport *report); /* NULL, or once, after all docs */
} QuernDocWriter;

/* The reader is the store of option s3_url. NULL roles: quern-parse; files as option output_format says. Options of `ingest`.
 * Errors: NOT_FOUND (nothing matched), LOCKED, NO_SPACE, CHECK; `*ret_report` is then still written if the run had begun. */
QUERN_API QuernError *quern_ingest(QuernClient *client, const QuernDocProcessor *processor,
                                   const QuernDocWriter *writer, const QuernOptions *options, QuernControl *control,
                                   QuernReport **ret_report) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
