/* Compressed texts: the first byte chooses the format, and whether one piece is read ahead or only what is wanted. A bzip2 file read by blocks gives
 * what it gives when read serially. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "codec/text_reader.h"

#define TEXT_MAX_BYTES (4 * MIB)

static Error *read_bytes(void *context, size_t len, Buffer *input)
{
    Bytes *left = context, piece = bytes_from(left->data, MIN(MIN(len, (size_t)1000), left->len));
    *left = bytes_from(left->data + piece.len, left->len - piece.len);
    return buffer_append(input, piece.data, piece.len);
}

static Error *copy_piece(void *context, Bytes piece, void *result)
{
    (void)context;
    return buffer_append(result, piece.data, MIN(piece.len, TEXT_MAX_BYTES));
}

static void clear_copy(void *result)
{
    buffer_done(result);
}

static ErrorCode read_all(TextPool *pool, TextFormat format, Bytes input, unsigned ahead, Buffer *out)
{
    static const TextMap map = {.map = copy_piece, .clear = clear_copy, .result_bytes = sizeof(Buffer)};
    CLEANUP(text_reader_freep) TextReader *reader = NULL;
    void *result = NULL;
    Error *error = text_reader_new(pool, format, &(TextSource){read_bytes, &input}, &map, ahead, &reader);
    while (!error && !(error = text_reader_next(reader, &result)) && result && out->len < TEXT_MAX_BYTES)
        error = buffer_append(out, ((Buffer *)result)->data, ((Buffer *)result)->len);
    ErrorCode code = error_code(error);
    error_free(error);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const TextFormat formats[] = {TEXT_GZIP, TEXT_ZSTD, TEXT_BZIP2, TEXT_BZIP2_SERIAL};
    CLEANUP(text_pool_freep) TextPool *pool = NULL;
    CLEANUP(buffer_done) Buffer text = {0}, serial = {0};
    Error *error = size > 0 ? text_pool_new(1, &pool) : NULL;
    if (error || size == 0) {
        error_free(error);
        return 0;
    }
    TextFormat format = formats[data[0] % ARRAY_COUNT(formats)];
    Bytes input = bytes_from(data + 1, size - 1);
    unsigned ahead = data[0] / ARRAY_COUNT(formats) % 2;
    ErrorCode code = read_all(pool, format, input, ahead, &text);
    if (format == TEXT_BZIP2 && code == ERR_OK) {
        ErrorCode serial_code = read_all(pool, TEXT_BZIP2_SERIAL, input, ahead, &serial);
        if (serial_code != ERR_OK || !str_equal(buffer_str(&text), buffer_str(&serial)))
            abort();
    }
    return 0;
}
