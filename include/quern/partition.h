/* quern/partition.h - documents to elements. Parsing is done by the program quern-parse, in a sandbox. */
#ifndef QUERN_PARTITION_H
#define QUERN_PARTITION_H

#include <quern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct QuernElements QuernElements;

typedef struct QuernElement {
    const char *type, *id, *text;
    size_t text_bytes;
    const char *metadata_json;
} QuernElement;

/* Options of `ingest`. The client owns the parsers: keep one for many documents. Errors: UNSUPPORTED (type), CORRUPT, LIMIT. */
QUERN_API QuernError *quern_partition(QuernClient *client, const char *url, const QuernOptions *options,
                                      QuernControl *control, QuernElements **ret_elements) QUERN_MUST_USE;
/* `filename` may be NULL; its extension helps to find the type, its base name goes into the ids. */
QUERN_API QuernError *quern_partition_bytes(QuernClient *client, QuernBytes document, const char *filename,
                                            const QuernOptions *options, QuernControl *control,
                                            QuernElements **ret_elements) QUERN_MUST_USE;
QUERN_API void quern_elements_free(QuernElements *elements);
/* In reading order; NULL past the end. Valid as long as the elements. */
QUERN_API const QuernElement *quern_elements_at(const QuernElements *elements, size_t index);
/* A JSON array, as `ingest` writes it. */
QUERN_API QuernError *quern_elements_to_json(const QuernElements *elements, const QuernOptions *options,
                                             char **ret_json) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
