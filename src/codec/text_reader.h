/* text_reader.h - compressed text of any length as the results of a function on its pieces, in order.
 *
 * The function runs on the threads of a TextPool, next to the decompression: blocks of bzip2 and pieces of plain text side by side, gzip and
 * Zstandard one piece after the other. A piece is what decompression gives, at most TEXT_PIECE_MAX_BYTES; lines go across its borders. Memory: each pool
 * thread has one piece and one decompressor; a reader has `ahead` compressed pieces, whatever the file's length.
 * Several members, streams or frames may follow one another in each format. Sources: RFC 1952, RFC 8878, bzip2 1.0.8. */
#ifndef CODEC_TEXT_READER_H
#define CODEC_TEXT_READER_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"

#define TEXT_PIECE_MAX_BYTES                                                                                           \
    ((size_t)64 * MIB) /* a bzip2 block of 900,000 bytes can hold 46 MiB; others give at most 1 MiB */

typedef struct TextPool TextPool;
typedef struct TextReader TextReader;

/* Shared by any number of readers. Errors: NO_MEMORY, UNAVAILABLE (threads). */
MUST_USE Error *text_pool_new(unsigned threads, TextPool **ret_pool);
/* No reader may be left. */
void text_pool_free(TextPool *pool);
DEFINE_FREEP(TextPool, text_pool_free)

typedef enum TextFormat {
    TEXT_PLAIN,
    TEXT_GZIP,
    TEXT_ZSTD,
    TEXT_BZIP2, /* by blocks; CORRUPT also for a good file, a randomised one of bzip2 before 0.9.5, or, once in a million of 200 MB, one that has
                   a mark within a block by chance: then read it as ... */
    TEXT_BZIP2_SERIAL, /* ... this, which is the last word about what is damaged */
} TextFormat;

/* Appends the compressed bytes that come next, at most `len` of them, or, when `input` is empty, gives it another buffer with up to 1 MiB of
 * them; nothing at the end. On the thread that calls text_reader_next; may block. */
typedef struct TextSource {
    Error *(*read)(void *context, size_t len, Buffer *input);
    void *context;
} TextSource;

/* What is done with each piece, on any pool thread, several at once. `result`: `result_bytes` zeroed bytes that go back in order. What a
 * result owns is released by `clear` (NULL: nothing). An Error is text_reader_next's. */
typedef struct TextMap {
    Error *(*map)(void *context, Bytes piece, void *result);
    void (*clear)(void *result);
    void *context;
    size_t result_bytes;
} TextMap;

/* `ahead`: pieces read ahead of the one that is waited for; 0 reads only what the next result needs, and serial formats and the first block
 * of bzip2 give small ones. One thread. Errors: NO_MEMORY. */
MUST_USE Error *text_reader_new(TextPool *pool, TextFormat format, const TextSource *source, const TextMap *map,
                                unsigned ahead, TextReader **ret_reader);
/* The next piece's result, until the next call; NULL at the end. Errors: of source and map; CORRUPT (damaged, cut short), LIMIT, NO_MEMORY; after one
 * there is nothing more to read. */
MUST_USE Error *text_reader_next(TextReader *reader, void **ret_result);
/* Waits for what the pool still does for it. */
void text_reader_free(TextReader *reader);
DEFINE_FREEP(TextReader, text_reader_free)

#endif
