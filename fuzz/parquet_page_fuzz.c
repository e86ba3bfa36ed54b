/* A data page behind its header: levels and values of every leaf type and encoding that we read.
 *
 * Byte 0 chooses the type, byte 1 the encoding, byte 2 the bit width and count of levels; a dictionary of byte 3 values is
 * cut from the front of the rest. */
#include <stdlib.h>

#include "parquet/value_decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_BYTES = 4, COUNT_MAX = 5000, LIMIT = 8 << 20 };

static void decode_levels(Bytes section, unsigned width)
{
    HybridDecoder d;
    uint32_t wide[100];
    uint8_t narrow[100];

    hybrid_decoder_begin(&d, section, width);
    for (size_t n = 1; n < COUNT_MAX && hybrid_read_u32(&d, n % 100 + 1, wide); n++)
        continue;
    if (width > 8)
        return;
    hybrid_decoder_begin(&d, section, width);
    for (size_t n = 1; n < COUNT_MAX && hybrid_read_u8(&d, n % 100 + 1, narrow); n++)
        for (size_t i = 0; i < n % 100 + 1; i++)
            if (narrow[i] >> width != 0 && width < 8)
                abort();
}

static Error *decode_values(const SchemaLeaf *leaf, int32_t encoding, const Dictionary *dictionary, Bytes section)
{
    CLEANUP(vector_done) ArrowVector v = {0};
    ValueDecoder d;

    vector_init(&v, leaf_vector_kind(leaf), leaf->width, LIMIT);
    TRY(value_decoder_begin(&d, leaf, encoding, dictionary, section));
    for (size_t n = 1; v.length < COUNT_MAX; n = n * 2) {
        TRY(vector_reserve(&v, n));
        TRY(value_decoder_append(&d, n, &v));
        vector_advance(&v, n);
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const SchemaLeaf leaves[] = {
        {.type = TYPE_BOOLEAN, .storage = LEAF_BITS},
        {.type = TYPE_INT32, .storage = LEAF_FIXED, .width = 4},
        {.type = TYPE_DOUBLE, .storage = LEAF_FIXED, .width = 8},
        {.type = TYPE_BYTE_ARRAY, .storage = LEAF_BYTES},
        {.type = TYPE_FIXED_LEN_BYTE_ARRAY, .storage = LEAF_FIXED, .width = 5},
        {.type = TYPE_INT96, .storage = LEAF_FIXED, .width = 12},
    };
    CLEANUP(buffer_done) Buffer page = {0};
    Dictionary dictionary = {0};

    if (size < HEAD_BYTES)
        return 0;
    const SchemaLeaf *leaf = &leaves[data[0] % ARRAY_COUNT(leaves)];
    error_free(buffer_append(&page, data + HEAD_BYTES, size - HEAD_BYTES));
    size_t len = page.len;
    error_free(buffer_reserve(&page, PAGE_SLACK)); /* what every page has behind it */
    Bytes section = bytes_from(page.data, len);
    size_t cut = MIN((size_t)data[3] * 4, section.len);
    error_free(dictionary_load(&dictionary, leaf, bytes_from(section.data, cut), data[3], LIMIT));
    decode_levels(section, data[2] % 33);
    error_free(decode_values(leaf, data[1] % 11, &dictionary, bytes_from(section.data + cut, section.len - cut)));
    dictionary_done(&dictionary);
    return 0;
}
