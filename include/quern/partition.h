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

/* Starts the client's parsers and reads what options name, which quern_partition else does at its first document: what fails here is no
 * document's fault. Errors: UNSUPPORTED (no parser, no sandbox), INVALID. */
QUERN_API QuernError *quern_partition_prepare(QuernClient *client, const QuernOptions *options,
                                              QuernControl *control) QUERN_MUST_USE;
/* Options of `ingest`. The client owns the parsers: keep one for many documents. Errors: UNSUPPORTED (type), CORRUPT, LIMIT; `*ret_elements` is then
 * still written if something was found before, and else left alone. */
QUERN_API QuernError *quern_partition(QuernClient *client, const char *url, const QuernOptions *options,
                                      QuernControl *control, QuernElements **ret_elements) QUERN_MUST_USE;
/* `filename` may be NULL; its extension helps to find the type, its base name goes into the ids. */
QUERN_API QuernError *quern_partition_bytes(QuernClient *client, QuernBytes document, const char *filename,
                                            const QuernOptions *options, QuernControl *control,
                                            QuernElements **ret_elements) QUERN_MUST_USE;
QUERN_API void quern_elements_free(QuernElements *elements);
/* In reading order; NULL past the end. Valid as long as the elements. */
QUERN_API const QuernElement *quern_elements_at(const QuernElements *elements, size_t index);
/* Joined and cut as options chunking_strategy (basic when it is none), chunk_max_characters and the like say. `elements` stay as they are.
 * Errors: INVALID (sizes that do not go together), LIMIT. */
QUERN_API QuernError *quern_elements_chunk(const QuernElements *elements, const QuernOptions *options,
                                           QuernElements **ret_chunks) QUERN_MUST_USE;
/* What quern_elements_to_json, `ingest` or Unstructured wrote: an array of elements, ids and parents as they stand there. Errors: CORRUPT. */
QUERN_API QuernError *quern_elements_from_json(QuernBytes json, QuernElements **ret_elements) QUERN_MUST_USE;
/* As `ingest` writes it with these options: a JSON array, or with output_format ndjson a line an element. */
QUERN_API QuernError *quern_elements_to_json(const QuernElements *elements, const QuernOptions *options,
                                             char **ret_json) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
