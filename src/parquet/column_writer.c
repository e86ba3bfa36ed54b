#include "parquet/column_writer.h"

#include "parquet/bitmap.h"
#include "parquet/leaf_view.h"

enum {
    DICTIONARY_BYTES_MAX = 1 << 20,
    PROBE_VALUES = 2048,                   /* so many values tell that a dictionary is hopeless, */
    PROBE_DISTINCT = PROBE_VALUES * 3 / 4, /* when so many are distinct */
    NUMBERS_DISTINCT_MIN = 256,            /* a dictionary of numbers pays below this many, */
    NUMBERS_REPEATED_MIN = 32, /* or when each occurs so often: zstd does the rest better on plain bytes (16.4) */
    VALUE_BYTES_MAX = 1 << 30,
    INDEX_BLOCK = 1024,
    ENCODINGS_MAX = 4
};

/* -- life -- */

static void begin_page(ColumnWriter *c)
{
    c->mode = c->dictionary_on ? PAGE_INDICES : PAGE_PLAIN;
    c->page_rows = c->page_entries = c->page_values = c->indices_plain_bytes = 0;
    buffer_clear(&c->def_bytes);
    buffer_clear(&c->rep_bytes);
    buffer_clear(&c->plain);
    buffer_clear(&c->indices);
    if (c->leaf->max_def > 0)
        hybrid_encoder_begin(&c->def, &c->def_bytes, bit_width(c->leaf->max_def));
    if (c->leaf->max_rep > 0)
        hybrid_encoder_begin(&c->rep, &c->rep_bytes, bit_width(c->leaf->max_rep));
}

static void begin_chunk(ColumnWriter *c)
{
    bool fits = c->leaf->storage == LEAF_BYTES || c->leaf->width > 0;

    buffer_clear(&c->pages);
    c->pages_uncompressed = c->entries = 0;
    c->plain_pages = c->index_pages = 0;
    c->dictionary_on = fits && !c->options->no_dictionary;
    c->first_page_done = false;
    dictionary_builder_clear(&c->dictionary);
    statistics_clear(&c->statistics);
    begin_page(c);
}

Error *column_writer_init(ColumnWriter *c, const SchemaField *field, const SchemaLeaf *leaf, const char *format,
                          const ParquetWriteOptions *options, CodecContext *codecs, PageScratch *scratch)
{
    *c = (ColumnWriter){
        .field = field, .leaf = leaf, .format = format, .options = options, .codecs = codecs, .scratch = scratch};
    dictionary_builder_init(&c->dictionary, leaf->storage == LEAF_FIXED ? leaf->width : 0);
    statistics_init(&c->statistics, leaf, format);
    begin_chunk(c);
    return NULL;
}

void column_writer_done(ColumnWriter *c)
{
    buffer_done(&c->pages);
    dictionary_builder_done(&c->dictionary);
    statistics_done(&c->statistics);
    buffer_done(&c->def_bytes);
    buffer_done(&c->rep_bytes);
    buffer_done(&c->plain);
    buffer_done(&c->indices);
}

static size_t page_bytes(const ColumnWriter *c)
{
    size_t values = c->mode == PAGE_INDICES ? c->page_values * sizeof(uint32_t) / 2 : c->plain.len;

    return values + c->def_bytes.len + c->rep_bytes.len;
}

size_t column_writer_raw_bytes(const ColumnWriter *c)
{
    return (size_t)c->pages_uncompressed + c->dictionary.bytes.len + c->plain.len + c->indices.len + c->def_bytes.len
           + c->rep_bytes.len;
}

size_t column_writer_file_bytes(const ColumnWriter *c)
{
    return c->pages.len + page_bytes(c) + c->dictionary.bytes.len;
}

/* -- pages -- */

/* Appends header and compressed body to `out`. */
static Error *put_page(ColumnWriter *c, PageHeader *header, Bytes body, Buffer *out)
{
    size_t before = out->len;
    Buffer *packed = &c->scratch->packed;

    buffer_clear(packed);
    TRY(codec_compress(c->codecs, c->options->codec, c->options->level, body, packed));
    if (body.len > INT32_MAX || packed->len > INT32_MAX)
        return FAIL(LIMIT, "a page of %zu bytes is more than the format can hold", body.len);
    header->uncompressed_page_size = (int32_t)body.len;
    header->compressed_page_size = (int32_t)packed->len;
    header->crc = (int32_t)codec_crc32(buffer_bytes(packed));
    THRIFT_SET(header, PAGE_HEADER_TYPE);
    THRIFT_SET(header, PAGE_HEADER_UNCOMPRESSED_SIZE);
    THRIFT_SET(header, PAGE_HEADER_COMPRESSED_SIZE);
    THRIFT_SET(header, PAGE_HEADER_CRC);
    TRY(thrift_write(&PAGE_HEADER_THRIFT, header, out));
    c->pages_uncompressed += (int64_t)(out->len - before + body.len);
    return buffer_append(out, packed->data, packed->len);
}

static PageHeader data_page_header(const ColumnWriter *c)
{
    PageHeader header = {.type = PAGE_DATA};
    DataPageHeader *d = &header.data;

    THRIFT_SET(&header, PAGE_HEADER_DATA);
    d->num_values = (int32_t)c->page_entries;
    d->encoding = c->mode == PAGE_INDICES ? ENCODING_RLE_DICTIONARY : ENCODING_PLAIN;
    d->definition_level_encoding = d->repetition_level_encoding = ENCODING_RLE;
    THRIFT_SET(d, DATA_PAGE_NUM_VALUES);
    THRIFT_SET(d, DATA_PAGE_ENCODING);
    THRIFT_SET(d, DATA_PAGE_DEFINITION_ENCODING);
    THRIFT_SET(d, DATA_PAGE_REPETITION_ENCODING);
    return header;
}

static Error *put_levels(const Buffer *levels, Buffer *body)
{
    TRY(buffer_append_u32le(body, (uint32_t)levels->len));
    return buffer_append(body, levels->data, levels->len);
}

/* The width byte and the indices. A dictionary of one entry gets width 1: 0 has broken readers. */
static Error *put_indices(ColumnWriter *c, Buffer *body)
{
    unsigned width = MAX(bit_width(c->dictionary.count > 0 ? c->dictionary.count - 1 : 0), 1u);
    HybridEncoder encoder;

    TRY(buffer_append_byte(body, (uint8_t)width));
    hybrid_encoder_begin(&encoder, body, width);
    TRY(hybrid_put_values(&encoder, (const uint32_t *)(const void *)c->indices.data, c->page_values));
    return hybrid_encoder_finish(&encoder);
}

/* The page's values from the dictionary back into PLAIN form. */
static Error *indices_to_plain(ColumnWriter *c)
{
    const uint32_t *indices = (const uint32_t *)(const void *)c->indices.data;

    TRY(buffer_reserve(&c->plain, c->indices_plain_bytes));
    for (size_t i = 0; i < c->page_values; i++) {
        Bytes value = dictionary_value_view(&c->dictionary, indices[i]);
        if (c->leaf->storage == LEAF_BYTES)
            TRY(buffer_append_u32le(&c->plain, (uint32_t)value.len));
        TRY(buffer_append(&c->plain, value.data, value.len));
    }
    buffer_clear(&c->indices);
    c->mode = PAGE_PLAIN;
    return NULL;
}

/* Gives up a dictionary that no finished page uses. */
static Error *drop_dictionary(ColumnWriter *c)
{
    ASSERT(c->index_pages == 0);
    TRY(indices_to_plain(c));
    dictionary_builder_clear(&c->dictionary);
    c->dictionary_on = false;
    return NULL;
}

static bool dictionary_pays(const ColumnWriter *c)
{
    size_t distinct = c->dictionary.count, values = c->page_values;
    size_t index_bytes = values * bit_width((uint32_t)distinct) / 8;

    if (c->leaf->storage == LEAF_FIXED && distinct > NUMBERS_DISTINCT_MIN && distinct > values / NUMBERS_REPEATED_MIN)
        return false;
    return index_bytes + c->dictionary.bytes.len < c->indices_plain_bytes || values == 0;
}

static Error *finish_page(ColumnWriter *c)
{
    Buffer *body = &c->scratch->body;

    buffer_clear(body);
    if (c->mode == PAGE_INDICES && !c->first_page_done && !dictionary_pays(c))
        TRY(drop_dictionary(c));
    if (c->leaf->max_rep > 0) {
        TRY(hybrid_encoder_finish(&c->rep));
        TRY(put_levels(&c->rep_bytes, body));
    }
    if (c->leaf->max_def > 0) {
        TRY(hybrid_encoder_finish(&c->def));
        TRY(put_levels(&c->def_bytes, body));
    }
    TRY(c->mode == PAGE_INDICES ? put_indices(c, body) : buffer_append(body, c->plain.data, c->plain.len));
    PageHeader header = data_page_header(c);
    TRY(put_page(c, &header, buffer_bytes(body), &c->pages));
    *(c->mode == PAGE_INDICES ? &c->index_pages : &c->plain_pages) += 1;
    c->entries += (int64_t)c->page_entries;
    c->first_page_done = true;
    begin_page(c);
    return NULL;
}

/* -- values: slots [from, to) of the view, none of them null -- */

static Error *plain_fixed(ColumnWriter *c, const LeafView *view, size_t from, size_t to)
{
    size_t width = c->leaf->width, bytes = (to - from) * width;

    TRY(buffer_reserve(&c->plain, bytes));
    leaf_view_widen(view, from, to, c->plain.data + c->plain.len);
    TRY(statistics_add_fixed(&c->statistics, c->plain.data + c->plain.len, to - from, width));
    buffer_grown(&c->plain, bytes);
    return NULL;
}

static Error *plain_bytes(ColumnWriter *c, const LeafView *view, size_t from, size_t to)
{
    TRY(buffer_reserve(&c->plain, leaf_view_blob_bytes(view, from, to) + (to - from) * sizeof(uint32_t)));
    uint8_t *out = c->plain.data + c->plain.len;
    for (size_t i = from; i < to; i++) {
        Bytes value = leaf_view_bytes(view, i);
        uint32_t len = (uint32_t)value.len;
        memcpy(out, &len, sizeof len);
        memcpy(out + sizeof len, value.data, value.len);
        out += sizeof len + value.len;
        TRY(statistics_add_bytes(&c->statistics, value));
    }
    buffer_grown(&c->plain, (size_t)(out - (c->plain.data + c->plain.len)));
    return NULL;
}

static Error *plain_bits(ColumnWriter *c, const LeafView *view, size_t from, size_t to)
{
    size_t bytes = bitmap_bytes(c->page_values + (to - from));
    size_t ones = bitmap_count(view->values, from, to - from);

    TRY(buffer_reserve(&c->plain, bytes - c->plain.len));
    if (bytes > c->plain.len)
        memset(c->plain.data + c->plain.len, 0, bytes - c->plain.len);
    bitmap_copy(c->plain.data, c->page_values, view->values, from, to - from);
    c->plain.len = bytes;
    if (ones > 0)
        statistics_add_boolean(&c->statistics, true);
    if (ones < to - from)
        statistics_add_boolean(&c->statistics, false);
    return NULL;
}

static Error *append_plain(ColumnWriter *c, const LeafView *view, size_t from, size_t to)
{
    switch (c->leaf->storage) {
    case LEAF_BITS: TRY(plain_bits(c, view, from, to)); break;
    case LEAF_FIXED: TRY(plain_fixed(c, view, from, to)); break;
    case LEAF_BYTES: TRY(plain_bytes(c, view, from, to)); break;
    }
    c->page_values += to - from;
    return NULL;
}

static Error *find_index(ColumnWriter *c, const LeafView *view, size_t at, uint32_t *ret_index)
{
    uint32_t width = c->leaf->storage == LEAF_FIXED ? c->leaf->width : 0;
    bool added;

    if (width == sizeof(uint32_t) || width == sizeof(uint64_t)) {
        uint64_t value = leaf_view_number(view, at);
        TRY(dictionary_find_u64(&c->dictionary, value, ret_index, &added));
        return added ? statistics_add_fixed(&c->statistics, (const uint8_t *)&value, 1, width) : NULL;
    }
    Bytes value = width > 0 ? bytes_from((const uint8_t *)view->values + at * width, width) : leaf_view_bytes(view, at);
    TRY(dictionary_find_bytes(&c->dictionary, value, ret_index, &added));
    if (width == 0)
        c->indices_plain_bytes += sizeof(uint32_t) + value.len;
    return added ? statistics_add_bytes(&c->statistics, value) : NULL;
}

/* Whether the dictionary is to be given up now, in the middle of a page. */
static bool dictionary_is_hopeless(const ColumnWriter *c)
{
    bool probe = !c->first_page_done && c->page_values >= PROBE_VALUES && c->page_values < 2 * PROBE_VALUES;

    return probe && c->dictionary.count > PROBE_DISTINCT;
}

static Error *append_indices(ColumnWriter *c, const LeafView *view, size_t from, size_t to)
{
    TRY(buffer_reserve(&c->indices, (to - from) * sizeof(uint32_t)));
    uint32_t *indices = (uint32_t *)(void *)c->indices.data + c->page_values;
    for (size_t i = from; i < to; i++)
        TRY(find_index(c, view, i, &indices[i - from]));
    if (c->leaf->storage == LEAF_FIXED)
        c->indices_plain_bytes += (to - from) * c->leaf->width;
    buffer_grown(&c->indices, (to - from) * sizeof(uint32_t));
    c->page_values += to - from;
    return dictionary_is_hopeless(c) ? drop_dictionary(c) : NULL;
}

static Error *append_values(ColumnWriter *c, const LeafView *view, size_t from, size_t to)
{
    if (c->leaf->storage == LEAF_BYTES)
        c->statistics.byte_array_bytes += (int64_t)leaf_view_blob_bytes(view, from, to);
    for (size_t n; from < to; from += n) {
        n = c->mode == PAGE_INDICES ? MIN(to - from, INDEX_BLOCK) : to - from;
        TRY(c->mode == PAGE_INDICES ? append_indices(c, view, from, from + n) : append_plain(c, view, from, from + n));
    }
    return NULL;
}

/* -- levels -- */

static Error *put_def(ColumnWriter *c, unsigned level, size_t count)
{
    c->statistics.def_histogram[level] += (int64_t)count;
    return c->leaf->max_def > 0 ? hybrid_put(&c->def, level, count) : NULL;
}

static Error *put_rep(ColumnWriter *c, unsigned level, size_t count)
{
    c->statistics.rep_histogram[level] += (int64_t)count;
    return c->leaf->max_rep > 0 ? hybrid_put(&c->rep, level, count) : NULL;
}

static Error *null_in_required(const SchemaField *field)
{
    return FAIL(INVALID, "column '" STR_FMT "' has a null, but its schema says that it has none", STR_ARG(field->name));
}

/* Values that are not null and whose levels are written, but which are themselves not yet appended: neighbouring lists
 * have neighbouring values, and many at once cost less than a few each time. */
typedef struct ValueRange {
    size_t from, to;
} ValueRange;

static Error *flush_values(ColumnWriter *c, const LeafView *view, ValueRange *range)
{
    ValueRange flushed = *range;

    *range = (ValueRange){0, 0};
    return flushed.from < flushed.to ? append_values(c, view, flushed.from, flushed.to) : NULL;
}

static Error *defer_values(ColumnWriter *c, const LeafView *view, ValueRange *range, size_t from, size_t to)
{
    if (range->to != from) {
        TRY(flush_values(c, view, range));
        range->from = from;
    }
    range->to = to;
    return NULL;
}

/* Definition levels and values of slots [from, to) of a leaf, in runs of equal validity. */
static Error *append_slots(ColumnWriter *c, const SchemaField *leaf_field, const LeafView *view, size_t from, size_t to,
                           ValueRange *range)
{
    for (size_t run; from < to; from += run) {
        bool valid;
        run = leaf_view_run(view, from, to, &valid);
        if (valid) {
            TRY(put_def(c, c->leaf->max_def, run));
            TRY(defer_values(c, view, range, from, from + run));
            continue;
        }
        if (!leaf_field->nullable)
            return null_in_required(leaf_field);
        c->statistics.nulls += (int64_t)run;
        TRY(put_def(c, c->leaf->max_def - 1u, run));
    }
    return NULL;
}

static Error *append_flat_rows(ColumnWriter *c, const LeafView *view, size_t from, size_t to)
{
    ValueRange range = {0, 0};

    TRY(append_slots(c, c->field, view, from, to, &range));
    c->page_entries += to - from;
    return flush_values(c, view, &range);
}

/* A null or empty list: one entry without a value. */
static Error *append_bare_list(ColumnWriter *c, unsigned def)
{
    TRY(put_rep(c, 0, 1));
    TRY(put_def(c, def, 1));
    c->statistics.nulls++;
    c->page_entries++;
    return NULL;
}

static Error *append_list(ColumnWriter *c, const ListView *lists, size_t row, const LeafView *view, ValueRange *range)
{
    size_t from = list_view_start(lists, row), to = list_view_end(lists, row);

    if (!list_view_valid(lists, row))
        return c->field->nullable ? append_bare_list(c, c->field->def - 1u) : null_in_required(c->field);
    if (from == to)
        return append_bare_list(c, c->field->element_def - 1u);
    TRY(put_rep(c, 0, 1));
    TRY(put_rep(c, 1, to - from - 1));
    c->page_entries += to - from;
    return append_slots(c, &c->field->children[0], view, view->first + from, view->first + to, range);
}

static Error *append_list_rows(ColumnWriter *c, const ListView *lists, const LeafView *view, size_t from, size_t to)
{
    ValueRange range = {0, 0};

    for (size_t row = from; row < to; row++)
        TRY(append_list(c, lists, row, view, &range));
    return flush_values(c, view, &range);
}

/* -- rows -- */

typedef struct Source {
    bool is_list;
    ListView lists;
    LeafView leaf;
} Source;

/* PLAIN bytes of rows [from, to). */
static size_t rows_bytes(const ColumnWriter *c, const Source *s, size_t from, size_t to)
{
    size_t first = from, last = to;

    if (s->is_list) {
        first = s->leaf.first + list_view_start(&s->lists, from);
        last = s->leaf.first + (to > from ? list_view_end(&s->lists, to - 1) : list_view_start(&s->lists, from));
    }
    size_t each = c->leaf->storage == LEAF_BYTES ? sizeof(uint32_t) : c->leaf->width;
    size_t blob = c->leaf->storage == LEAF_BYTES ? leaf_view_blob_bytes(&s->leaf, first, last) : 0;
    return (last - first) * each + blob;
}

/* How many of the rows [from, to) still fit in the page: at least one, so that a large row is a page of its own. */
static size_t fitting_rows(const ColumnWriter *c, const Source *s, size_t from, size_t to)
{
    size_t room = c->options->page_bytes > page_bytes(c) ? c->options->page_bytes - page_bytes(c) : 0;
    size_t low = 1, high = MIN(to - from, c->options->page_rows - c->page_rows);

    if (rows_bytes(c, s, from, from + high) <= room)
        return high;
    while (low < high) { /* the most rows whose bytes fit */
        size_t middle = low + (high - low + 1) / 2;
        if (rows_bytes(c, s, from, from + middle) <= room)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static Error *check_row(const ColumnWriter *c, const Source *s, size_t row)
{
    size_t bytes = rows_bytes(c, s, row, row + 1);

    if (bytes > VALUE_BYTES_MAX)
        return FAIL(LIMIT, "column '" STR_FMT "' has a value of %zu bytes, more than %d", STR_ARG(c->field->name),
                    bytes, VALUE_BYTES_MAX);
    return NULL;
}

/* Ends the page when it is full, and the use of the dictionary when that is. */
static Error *after_rows(ColumnWriter *c)
{
    bool dictionary_full = c->mode == PAGE_INDICES && c->dictionary.bytes.len > DICTIONARY_BYTES_MAX;

    if (c->page_rows < c->options->page_rows && page_bytes(c) < c->options->page_bytes && !dictionary_full)
        return NULL;
    if (dictionary_full && c->first_page_done)
        c->dictionary_on = false; /* from the next page on */
    TRY(finish_page(c));
    if (dictionary_full && c->dictionary_on) {
        c->dictionary_on = false;
        begin_page(c);
    }
    return NULL;
}

static Error *append_rows(ColumnWriter *c, const Source *s, size_t from, size_t to)
{
    for (size_t n; from < to; from += n) {
        n = fitting_rows(c, s, from, to);
        if (n == 1)
            TRY(check_row(c, s, from));
        TRY(s->is_list ? append_list_rows(c, &s->lists, &s->leaf, from, from + n)
                       : append_flat_rows(c, &s->leaf, from, from + n));
        c->page_rows += n;
        TRY(after_rows(c));
    }
    return NULL;
}

static Source source_of(const ColumnWriter *c, const struct ArrowArray *array)
{
    Source s = {.is_list = c->field->kind == FIELD_LIST};

    if (s.is_list)
        list_view_init(&s.lists, array, c->field->format);
    leaf_view_init(&s.leaf, s.is_list ? array->children[0] : array, c->format, c->leaf);
    return s;
}

Error *column_writer_append(ColumnWriter *c, const struct ArrowArray *array, size_t first, size_t rows)
{
    Source s = source_of(c, array);

    return append_rows(c, &s, first, first + rows);
}

size_t column_writer_rows_bytes(const ColumnWriter *c, const struct ArrowArray *array, size_t first, size_t rows)
{
    Source s = source_of(c, array);

    return rows_bytes(c, &s, first, first + rows);
}

/* -- the end of a chunk -- */

static Error *put_dictionary_page(ColumnWriter *c, Buffer *out)
{
    PageHeader header = {.type = PAGE_DICTIONARY};
    DictionaryPageHeader *d = &header.dictionary;

    THRIFT_SET(&header, PAGE_HEADER_DICTIONARY);
    d->num_values = (int32_t)c->dictionary.count;
    d->encoding = ENCODING_PLAIN;
    THRIFT_SET(d, DICTIONARY_PAGE_NUM_VALUES);
    THRIFT_SET(d, DICTIONARY_PAGE_ENCODING);
    return put_page(c, &header, buffer_bytes(&c->dictionary.bytes), out);
}

/* The levels' encoding, those of the pages, and the dictionary page's, each once (16.7). */
static Error *make_encodings(const ColumnWriter *c, Arena *arena, ColumnMetaData *m)
{
    m->encodings.items = ARENA_ARRAY(arena, int32_t, ENCODINGS_MAX);
    if (!m->encodings.items)
        return arena_error(arena);
    if (c->leaf->max_def > 0 || c->leaf->max_rep > 0)
        m->encodings.items[m->encodings.count++] = ENCODING_RLE;
    if (c->index_pages > 0)
        m->encodings.items[m->encodings.count++] = ENCODING_RLE_DICTIONARY;
    if (c->plain_pages > 0 || c->index_pages > 0)
        m->encodings.items[m->encodings.count++] = ENCODING_PLAIN;
    THRIFT_SET(m, COLUMN_ENCODINGS);
    return NULL;
}

static void add_encoding_stats(ColumnMetaData *m, int32_t type, int32_t encoding, int32_t count)
{
    PageEncodingStats *stats = &m->encoding_stats.items[m->encoding_stats.count];

    if (count == 0)
        return;
    *stats = (PageEncodingStats){.page_type = type, .encoding = encoding, .count = count};
    THRIFT_SET(stats, ENCODING_STATS_PAGE_TYPE);
    THRIFT_SET(stats, ENCODING_STATS_ENCODING);
    THRIFT_SET(stats, ENCODING_STATS_COUNT);
    m->encoding_stats.count++;
}

static Error *make_encoding_stats(const ColumnWriter *c, Arena *arena, ColumnMetaData *m)
{
    m->encoding_stats.items = ARENA_ARRAY(arena, PageEncodingStats, ENCODINGS_MAX);
    if (!m->encoding_stats.items)
        return arena_error(arena);
    add_encoding_stats(m, PAGE_DICTIONARY, ENCODING_PLAIN, c->index_pages > 0);
    add_encoding_stats(m, PAGE_DATA, ENCODING_RLE_DICTIONARY, c->index_pages);
    add_encoding_stats(m, PAGE_DATA, ENCODING_PLAIN, c->plain_pages);
    THRIFT_SET(m, COLUMN_ENCODING_STATS);
    return NULL;
}

static Error *make_metadata(const ColumnWriter *c, Arena *arena, ColumnMetaData *m)
{
    m->type = (int32_t)c->leaf->type;
    m->path_in_schema.items = c->leaf->path;
    m->path_in_schema.count = c->leaf->path_count;
    m->codec = codec_parquet_id(c->options->codec);
    m->num_values = c->entries;
    TRY(make_encodings(c, arena, m));
    TRY(make_encoding_stats(c, arena, m));
    TRY(statistics_make(&c->statistics, arena, &m->statistics));
    TRY(statistics_make_sizes(&c->statistics, c->leaf, arena, &m->size_statistics));
    THRIFT_SET(m, COLUMN_TYPE);
    THRIFT_SET(m, COLUMN_PATH);
    THRIFT_SET(m, COLUMN_CODEC);
    THRIFT_SET(m, COLUMN_NUM_VALUES);
    THRIFT_SET(m, COLUMN_TOTAL_UNCOMPRESSED_SIZE);
    THRIFT_SET(m, COLUMN_TOTAL_COMPRESSED_SIZE);
    THRIFT_SET(m, COLUMN_DATA_PAGE_OFFSET);
    THRIFT_SET(m, COLUMN_STATISTICS);
    THRIFT_SET(m, COLUMN_SIZE_STATISTICS);
    return NULL;
}

Error *column_writer_finish_chunk(ColumnWriter *c, const ParquetSink *sink, uint64_t offset, Arena *arena,
                                  ColumnMetaData *ret_chunk)
{
    CLEANUP(buffer_done) Buffer dictionary = {0};
    ColumnMetaData m = {0};

    if (c->page_entries > 0)
        TRY(finish_page(c));
    if (c->index_pages > 0) {
        TRY(put_dictionary_page(c, &dictionary));
        m.dictionary_page_offset = (int64_t)offset;
        THRIFT_SET(&m, COLUMN_DICTIONARY_PAGE_OFFSET);
    }
    TRY(make_metadata(c, arena, &m));
    m.data_page_offset = (int64_t)(offset + dictionary.len);
    m.total_compressed_size = (int64_t)(dictionary.len + c->pages.len);
    m.total_uncompressed_size = c->pages_uncompressed;
    if (dictionary.len > 0)
        TRY(sink->write(sink->context, buffer_bytes(&dictionary)));
    if (c->pages.len > 0)
        TRY(sink->write(sink->context, buffer_bytes(&c->pages)));
    *ret_chunk = m;
    begin_chunk(c);
    return NULL;
}
