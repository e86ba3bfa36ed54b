#include "parquet/value_decoder.h"

#include "parquet/bitmap.h"

enum {
    PIECE = 1024,
    COPY_STEP = 16
}; /* indices or lengths worked on at once; short values are copied by this many bytes */

VectorKind leaf_vector_kind(const SchemaLeaf *leaf)
{
    static const VectorKind kinds[] = {
        [LEAF_BITS] = VECTOR_BITS, [LEAF_FIXED] = VECTOR_FIXED, [LEAF_BYTES] = VECTOR_BYTES};

    return kinds[leaf->storage];
}

static uint32_t load_u32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return value;
}

/* Both sides have slack: one fixed-size copy serves the short values, which are most. */
static inline void copy_value(uint8_t *to, const uint8_t *from, size_t len)
{
    memcpy(to, from, COPY_STEP);
    if (UNLIKELY(len > COPY_STEP))
        memcpy(to + COPY_STEP, from + COPY_STEP, len - COPY_STEP);
}

/* -- dictionaries -- */

void dictionary_done(Dictionary *dictionary)
{
    buffer_done(&dictionary->bytes);
    buffer_done(&dictionary->entries);
    dictionary->present = false;
    dictionary->count = 0;
}

static Error *index_byte_arrays(Dictionary *dictionary, size_t len)
{
    DictionaryEntry *entries = (DictionaryEntry *)(void *)dictionary->entries.data;
    const uint8_t *bytes = dictionary->bytes.data;
    size_t at = 0;

    for (size_t i = 0; i < dictionary->count; i++) {
        if (len - at < sizeof(uint32_t) || load_u32(bytes + at) > len - at - sizeof(uint32_t))
            return FAIL(CORRUPT, "dictionary page ends in value %zu of %zu", i, dictionary->count);
        entries[i] = (DictionaryEntry){(uint32_t)(at + sizeof(uint32_t)), load_u32(bytes + at)};
        at += sizeof(uint32_t) + entries[i].len;
    }
    return NULL;
}

Error *dictionary_load(Dictionary *dictionary, const SchemaLeaf *leaf, Bytes page, size_t count, size_t limit_bytes)
{
    size_t width = leaf->storage == LEAF_BYTES ? sizeof(uint32_t) : leaf->width;

    if (leaf->storage == LEAF_BITS)
        return FAIL(CORRUPT, "a dictionary of booleans");
    if (count > page.len / width)
        return FAIL(CORRUPT, "dictionary page of %zu bytes cannot hold %zu values", page.len, count);
    buffer_clear(&dictionary->bytes);
    buffer_clear(&dictionary->entries);
    dictionary->bytes.limit = dictionary->entries.limit = limit_bytes;
    TRY(buffer_reserve(&dictionary->bytes, page.len + PAGE_SLACK));
    TRY(buffer_append(&dictionary->bytes, page.data, page.len));
    dictionary->count = count;
    if (leaf->storage == LEAF_BYTES) {
        TRY(buffer_reserve(&dictionary->entries, count * sizeof(DictionaryEntry)));
        TRY(index_byte_arrays(dictionary, page.len));
    }
    dictionary->present = true;
    return NULL;
}

/* -- beginning a page -- */

static Error *begin_indices(ValueDecoder *d, Bytes section)
{
    uint8_t width = 0;
    Bytes rest = BYTES_EMPTY;

    if (d->leaf->storage == LEAF_BITS)
        return FAIL(CORRUPT, "dictionary-coded booleans");
    if (!d->dictionary->present)
        return FAIL(CORRUPT, "dictionary-coded page without a dictionary");
    if (section.len > 0) { /* empty when the page has no value at all */
        width = section.data[0];
        rest = bytes_from(section.data + 1, section.len - 1);
    }
    if (width > 32)
        return FAIL(CORRUPT, "dictionary indices of %u bits", width);
    hybrid_decoder_begin(&d->hybrid, rest, width);
    return NULL;
}

static Error *begin_rle_booleans(ValueDecoder *d, Bytes section)
{
    Reader in = reader_of(section);
    uint32_t len;
    Bytes stream;

    if (d->leaf->storage != LEAF_BITS)
        return FAIL(CORRUPT, "encoding RLE on %s", physical_type_name((int32_t)d->leaf->type));
    if (section.len == 0) /* no value in the page */
        stream = BYTES_EMPTY;
    else if (!reader_u32le(&in, &len) || !reader_take(&in, len, &stream))
        return FAIL(CORRUPT, "RLE booleans claim more bytes than the page has");
    hybrid_decoder_begin(&d->hybrid, stream, 1);
    return NULL;
}

Error *value_decoder_begin(ValueDecoder *d, const SchemaLeaf *leaf, int32_t encoding, const Dictionary *dictionary,
                           Bytes section)
{
    *d = (ValueDecoder){.leaf = leaf, .encoding = (Encoding)encoding, .dictionary = dictionary};
    switch (d->encoding) {
    case ENCODING_PLAIN: d->plain = reader_of(section); return NULL;
    case ENCODING_PLAIN_DICTIONARY:
    case ENCODING_RLE_DICTIONARY: return begin_indices(d, section);
    case ENCODING_RLE: return begin_rle_booleans(d, section);
    case ENCODING_BIT_PACKED:
    case ENCODING_DELTA_BINARY_PACKED:
    case ENCODING_DELTA_LENGTH_BYTE_ARRAY:
    case ENCODING_DELTA_BYTE_ARRAY:
    case ENCODING_BYTE_STREAM_SPLIT:
    case ENCODING_ALP: break;
    }
    return FAIL(UNSUPPORTED, "encoding %s (%d) cannot be read yet", encoding_name(encoding), encoding);
}

/* -- PLAIN -- */

static Error *plain_short(const ValueDecoder *d, size_t count)
{
    return FAIL(CORRUPT, "page ends before the last %zu of its values: %zu bytes are left", count,
                reader_left(&d->plain));
}

static Error *plain_fixed(ValueDecoder *d, size_t count, ArrowVector *v)
{
    size_t width = d->leaf->width;
    Bytes values;

    if (count > reader_left(&d->plain) / width || !reader_take(&d->plain, count * width, &values))
        return plain_short(d, count);
    memcpy(v->data.data + v->length * width, values.data, values.len);
    return NULL;
}

static Error *plain_bits(ValueDecoder *d, size_t count, ArrowVector *v)
{
    if (count > d->plain.input.len * 8 - d->bit_at)
        return plain_short(d, count);
    bitmap_copy(v->data.data, v->length, d->plain.input.data, d->bit_at, count);
    d->bit_at += count;
    return NULL;
}

/* Up to PIECE strings: their lengths give the offsets and prove that all lie in the page, then they are copied. */
static Error *plain_byte_piece(ValueDecoder *d, size_t count, int32_t *ends, ArrowVector *v)
{
    const uint8_t *start = d->plain.input.data + d->plain.at, *at = start;
    size_t left = reader_left(&d->plain);
    uint32_t lens[PIECE];
    size_t total = 0;

    for (size_t i = 0; i < count; i++) {
        if (left < sizeof(uint32_t) || load_u32(at) > left - sizeof(uint32_t))
            return plain_short(d, count - i);
        lens[i] = load_u32(at);
        at += sizeof(uint32_t) + lens[i];
        left -= sizeof(uint32_t) + lens[i];
        total += lens[i];
    }
    TRY(vector_reserve_data(v, total));
    uint8_t *to = v->data.data + v->data.len;
    const uint8_t *from = start;
    int32_t end = ends[0];
    for (size_t i = 0; i < count; i++) {
        copy_value(to, from + sizeof(uint32_t), lens[i]);
        to += lens[i];
        from += sizeof(uint32_t) + lens[i];
        end += (int32_t)lens[i];
        ends[i + 1] = end;
    }
    buffer_grown(&v->data, total);
    d->plain.at += (size_t)(at - start);
    return NULL;
}

static Error *plain_bytes(ValueDecoder *d, size_t count, ArrowVector *v)
{
    int32_t *ends = vector_offsets(v) + v->length;

    for (size_t done = 0; done < count; done += PIECE)
        TRY(plain_byte_piece(d, MIN(count - done, PIECE), ends + done, v));
    return NULL;
}

/* -- dictionary -- */

/* Reads `count` indices, at most PIECE; all are proven to lie in the dictionary. */
static Error *read_indices(ValueDecoder *d, size_t count, uint32_t *indices)
{
    uint32_t max = 0;

    if (!hybrid_read_u32(&d->hybrid, count, indices))
        return FAIL(CORRUPT, "dictionary indices end early or are malformed");
    for (size_t i = 0; i < count; i++)
        max = MAX(max, indices[i]);
    if (count > 0 && max >= d->dictionary->count)
        return FAIL(CORRUPT, "dictionary index %u is outside the dictionary of %zu values", max, d->dictionary->count);
    return NULL;
}

#define DEFINE_GATHER(type)                                                                                            \
    static void gather_##type(const uint8_t *values, const uint32_t *indices, size_t count, uint8_t *out)              \
    {                                                                                                                  \
        for (size_t i = 0; i < count; i++)                                                                             \
            memcpy(out + i * sizeof(type), values + indices[i] * sizeof(type), sizeof(type));                          \
    }
DEFINE_GATHER(uint32_t)
DEFINE_GATHER(uint64_t)

static void gather_fixed(const uint8_t *values, size_t width, const uint32_t *indices, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * width, values + indices[i] * width, width);
}

static Error *dictionary_fixed(ValueDecoder *d, size_t count, ArrowVector *v)
{
    uint32_t indices[PIECE];
    size_t width = d->leaf->width;
    const uint8_t *values = d->dictionary->bytes.data;
    uint8_t *out = v->data.data + v->length * width;

    for (size_t n; count > 0; count -= n, out += n * width) {
        n = MIN(count, PIECE);
        TRY(read_indices(d, n, indices));
        if (width == sizeof(uint32_t))
            gather_uint32_t(values, indices, n, out);
        else if (width == sizeof(uint64_t))
            gather_uint64_t(values, indices, n, out);
        else
            gather_fixed(values, width, indices, n, out);
    }
    return NULL;
}

static Error *dictionary_byte_piece(ValueDecoder *d, size_t count, int32_t *ends, ArrowVector *v)
{
    const DictionaryEntry *entries = (const DictionaryEntry *)(const void *)d->dictionary->entries.data;
    const uint8_t *bytes = d->dictionary->bytes.data;
    uint32_t indices[PIECE];
    size_t total = 0;

    TRY(read_indices(d, count, indices));
    for (size_t i = 0; i < count; i++)
        total += entries[indices[i]].len;
    TRY(vector_reserve_data(v, total));
    uint8_t *to = v->data.data + v->data.len;
    int32_t end = ends[0];
    for (size_t i = 0; i < count; i++) {
        DictionaryEntry entry = entries[indices[i]];
        copy_value(to, bytes + entry.offset, entry.len);
        to += entry.len;
        end += (int32_t)entry.len;
        ends[i + 1] = end;
    }
    buffer_grown(&v->data, total);
    return NULL;
}

static Error *dictionary_bytes(ValueDecoder *d, size_t count, ArrowVector *v)
{
    int32_t *ends = vector_offsets(v) + v->length;

    for (size_t done = 0; done < count; done += PIECE)
        TRY(dictionary_byte_piece(d, MIN(count - done, PIECE), ends + done, v));
    return NULL;
}

Error *value_decoder_append(ValueDecoder *d, size_t count, ArrowVector *v)
{
    if (count == 0)
        return NULL;
    if (d->encoding == ENCODING_RLE)
        return hybrid_read_bits(&d->hybrid, count, v->data.data, v->length)
                   ? NULL
                   : FAIL(CORRUPT, "RLE booleans end early or are malformed");
    bool plain = d->encoding == ENCODING_PLAIN;
    switch (d->leaf->storage) {
    case LEAF_BITS: return plain_bits(d, count, v);
    case LEAF_FIXED: return plain ? plain_fixed(d, count, v) : dictionary_fixed(d, count, v);
    case LEAF_BYTES: return plain ? plain_bytes(d, count, v) : dictionary_bytes(d, count, v);
    }
    return NULL;
}
