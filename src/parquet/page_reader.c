#include "parquet/page_reader.h"

enum {
    HEADER_FIRST_BYTES = 4096,  /* how much to look at for a header, */
    HEADER_BYTES_MAX = 1 << 20, /* and at most (rule 15) */
    BARREN_PAGES_MAX = 1024,    /* rule 23 */
    PAGE_VALUES_MAX = 1 << 26,  /* a run of five bytes can claim 2^31: more than this no writer puts into one page */
    FORGOTTEN_HEADER_BYTES = 100,
    MAGIC_BYTES = 4
};

/* -- where the chunk lies -- */

/* parquet-mr up to 1.2.8, or without a version, left the dictionary page's header out of the chunk's size. */
static bool forgets_dictionary_header(Str created_by)
{
    static const char *const old[] = {"1.0",   "1.1",   "1.2.0", "1.2.1", "1.2.2", "1.2.3",
                                      "1.2.4", "1.2.5", "1.2.6", "1.2.7", "1.2.8"};

    if (!str_starts_with(created_by, STR("parquet-mr")))
        return false;
    size_t at = str_find(created_by, STR("version "));
    if (at == SIZE_MAX)
        return true;
    Str version = str_slice(created_by, at + strlen("version "), SIZE_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(old); i++) {
        Str o = str_of(old[i]);
        bool ends =
            version.len == o.len || (version.len > o.len && (version.data[o.len] < '0' || version.data[o.len] > '9'));
        if (str_starts_with(version, o) && ends)
            return true;
    }
    return false;
}

Error *chunk_range(const ColumnMetaData *chunk, uint64_t footer_start, Str created_by, ChunkRange *ret_range)
{
    int64_t start = chunk->data_page_offset, end;

    if (THRIFT_HAS(chunk, COLUMN_DICTIONARY_PAGE_OFFSET) && chunk->dictionary_page_offset >= MAGIC_BYTES
        && chunk->dictionary_page_offset < start)
        start = chunk->dictionary_page_offset;
    if (start < MAGIC_BYTES || chunk->total_compressed_size < 0
        || __builtin_add_overflow(start, chunk->total_compressed_size, &end) || (uint64_t)end > footer_start)
        return FAIL(CORRUPT,
                    "column chunk of %lld bytes at %lld does not lie between the file's start and its footer at %llu",
                    (long long)chunk->total_compressed_size, (long long)start, (unsigned long long)footer_start);
    *ret_range = (ChunkRange){(uint64_t)start, (uint64_t)end};
    if (forgets_dictionary_header(created_by))
        ret_range->end = MIN(ret_range->end + FORGOTTEN_HEADER_BYTES, footer_start);
    return NULL;
}

Error *page_reader_begin(PageReader *p, const ColumnMetaData *chunk, const SchemaLeaf *leaf, FileBytes *file,
                         ChunkRange range, size_t read_bytes)
{
    p->codec = codec_by_parquet_id(chunk->codec);
    if (!p->codec)
        return FAIL(UNSUPPORTED, "codec %s (%d) cannot be decompressed by this build", codec_parquet_name(chunk->codec),
                    chunk->codec);
    if (!p->header_arena)
        p->header_arena = arena_new(HEADER_BYTES_MAX);
    if (!p->header_arena)
        return FAIL(NO_MEMORY, "no memory for page headers");
    p->leaf = leaf;
    p->chunk = chunk;
    p->at = range.start;
    p->values_left = (uint64_t)chunk->num_values;
    p->barren_pages = p->ordinal = 0;
    chunk_window_begin(&p->window, file, range.start, range.end, read_bytes);
    return NULL;
}

void page_reader_done(PageReader *p)
{
    chunk_window_done(&p->window);
    buffer_done(&p->page);
    arena_free(p->header_arena);
    p->header_arena = NULL;
}

/* -- headers -- */

/* A header does not say how long it is: look at more while it seems cut short. */
static Error *read_header(PageReader *p, PageHeader *header, size_t *ret_bytes)
{
    uint64_t left = p->window.end - p->at;

    for (size_t look = HEADER_FIRST_BYTES;; look *= 2) {
        size_t len = (size_t)MIN(left, (uint64_t)look);
        Bytes bytes;
        TRY(chunk_window_view(&p->window, p->at, len, &bytes));
        Reader in = reader_of(bytes);
        arena_reset(p->header_arena);
        memset(header, 0, sizeof *header);
        Error *error = thrift_read(&in, &PAGE_HEADER_THRIFT, p->header_arena, header);
        if (!error) {
            *ret_bytes = reader_offset(&in);
            return NULL;
        }
        if (len == left || look >= HEADER_BYTES_MAX)
            return error_wrap(error, "page header");
        error_free(error); /* perhaps the rest is behind what was looked at */
    }
}

static Error *check_sizes(const PageReader *p, const PageHeader *h)
{
    uint64_t left = p->window.end - p->at;

    if (h->compressed_page_size < 0 || (uint64_t)h->compressed_page_size > left)
        return FAIL(CORRUPT, "page of %d bytes does not fit in the %llu left of the chunk", h->compressed_page_size,
                    (unsigned long long)left);
    if (h->uncompressed_page_size < 0)
        return FAIL(CORRUPT, "page of %d bytes uncompressed", h->uncompressed_page_size);
    return NULL;
}

static Error *check_crc(const PageReader *p, const PageHeader *h, Bytes body)
{
    if (!THRIFT_HAS(h, PAGE_HEADER_CRC) || p->ignore_checksums)
        return NULL;
    uint32_t actual = codec_crc32(body);
    if (actual != (uint32_t)h->crc)
        return FAIL(CORRUPT, "page has the checksum %08x, but its header says %08x", actual, (uint32_t)h->crc);
    return NULL;
}

/* -- bodies -- */

/* `prefix` bytes as they are, the rest decompressed to fill `total`; rules 16 to 19. */
static Error *decompress(PageReader *p, Bytes body, size_t prefix, size_t total, bool compressed, Bytes *ret)
{
    Bytes packed = bytes_from(body.data + prefix, body.len - prefix);

    if (!compressed || codec_is_none(p->codec)) {
        if (body.len != total)
            return FAIL(CORRUPT, "uncompressed page has %zu bytes where %zu were announced", body.len, total);
        *ret = body;
        return NULL;
    }
    TRY(budget_room(&p->window.file->budget, &p->page, total + PAGE_SLACK));
    if (prefix > 0)
        memcpy(p->page.data, body.data, prefix);
    if (total > prefix) /* else nothing to produce, whatever is there: 5.3 */
        TRY(codec_decompress_exact(p->codecs, p->codec, packed, p->page.data + prefix, total - prefix));
    memset(p->page.data + total, 0, PAGE_SLACK);
    *ret = bytes_from(p->page.data, total);
    return NULL;
}

/* Cuts one level section, its length in front, off a v1 page (rule 21). */
static Error *take_levels(Reader *in, int32_t encoding, const char *what, Bytes *ret)
{
    uint32_t len;

    if (encoding != ENCODING_RLE)
        return FAIL(UNSUPPORTED, "%s levels in encoding %s cannot be read yet", what, encoding_name(encoding));
    if (!reader_u32le(in, &len) || !reader_take(in, len, ret))
        return FAIL(CORRUPT, "%s levels do not fit in their page", what);
    return NULL;
}

/* Rule 22, and the end of the chunk: rule 25's half for pages. */
static Error *check_count(const PageReader *p, int32_t count)
{
    if (count < 0 || (uint64_t)count > p->values_left)
        return FAIL(CORRUPT, "page of %d values where the chunk has %llu left", count,
                    (unsigned long long)p->values_left);
    if (count > PAGE_VALUES_MAX)
        return FAIL(LIMIT, "page of %d values, more than %d", count, PAGE_VALUES_MAX);
    return NULL;
}

static Error *open_v1(PageReader *p, const PageHeader *h, Bytes body, Page *page)
{
    const DataPageHeader *d = &h->data;
    Bytes plain;

    if (!THRIFT_HAS(h, PAGE_HEADER_DATA))
        return FAIL(CORRUPT, "data page without its header");
    TRY(check_count(p, d->num_values));
    TRY(decompress(p, body, 0, (size_t)h->uncompressed_page_size, true, &plain));
    Reader in = reader_of(plain);
    if (p->leaf->max_rep > 0)
        TRY(take_levels(&in, d->repetition_level_encoding, "repetition", &page->repetition));
    if (p->leaf->max_def > 0)
        TRY(take_levels(&in, d->definition_level_encoding, "definition", &page->definition));
    reader_take(&in, reader_left(&in), &page->values);
    page->num_values = (size_t)d->num_values;
    page->encoding = d->encoding;
    return NULL;
}

static Error *check_v2(const PageReader *p, const PageHeader *h)
{
    const DataPageHeaderV2 *d = &h->data_v2;
    int64_t levels = (int64_t)d->definition_levels_bytes + d->repetition_levels_bytes;
    bool flat = p->leaf->max_rep == 0;

    TRY(check_count(p, d->num_values));
    if (d->definition_levels_bytes < 0 || d->repetition_levels_bytes < 0 || levels > h->compressed_page_size
        || levels > h->uncompressed_page_size)
        return FAIL(CORRUPT, "page of %d bytes with levels of %d and %d bytes", h->compressed_page_size,
                    d->repetition_levels_bytes, d->definition_levels_bytes);
    if (d->num_nulls < 0 || d->num_nulls > d->num_values || d->num_rows < 0 || d->num_rows > d->num_values
        || (flat && d->num_rows != d->num_values))
        return FAIL(CORRUPT, "page of %d values claims %d nulls and %d rows", d->num_values, d->num_nulls, d->num_rows);
    return NULL;
}

static Error *open_v2(PageReader *p, const PageHeader *h, Bytes body, Page *page)
{
    const DataPageHeaderV2 *d = &h->data_v2;
    bool compressed = !THRIFT_HAS(d, DATA_PAGE_V2_IS_COMPRESSED) || d->is_compressed || p->v2_flag_lies;
    Bytes plain;

    if (!THRIFT_HAS(h, PAGE_HEADER_DATA_V2))
        return FAIL(CORRUPT, "data page without its header");
    TRY(check_v2(p, h));
    size_t levels = (size_t)d->definition_levels_bytes + (size_t)d->repetition_levels_bytes;
    TRY(decompress(p, body, levels, (size_t)h->uncompressed_page_size, compressed, &plain));
    Reader in = reader_of(plain);
    reader_take(&in, (size_t)d->repetition_levels_bytes, &page->repetition);
    reader_take(&in, (size_t)d->definition_levels_bytes, &page->definition);
    reader_take(&in, reader_left(&in), &page->values);
    page->num_values = (size_t)d->num_values;
    page->encoding = d->encoding;
    return NULL;
}

static Error *open_dictionary(PageReader *p, const PageHeader *h, Bytes body, Page *page)
{
    const DictionaryPageHeader *d = &h->dictionary;

    if (!THRIFT_HAS(h, PAGE_HEADER_DICTIONARY))
        return FAIL(CORRUPT, "dictionary page without its header");
    if (d->num_values < 0)
        return FAIL(CORRUPT, "dictionary page of %d values", d->num_values);
    if (d->encoding != ENCODING_PLAIN && d->encoding != ENCODING_PLAIN_DICTIONARY)
        return FAIL(UNSUPPORTED, "dictionary page in encoding %s", encoding_name(d->encoding));
    TRY(decompress(p, body, 0, (size_t)h->uncompressed_page_size, true, &page->values));
    page->dictionary = true;
    page->num_values = (size_t)d->num_values;
    page->encoding = d->encoding;
    return NULL;
}

static Error *open_data(PageReader *p, const PageHeader *h, Bytes body, Page *page)
{
    TRY(h->type == PAGE_DATA ? open_v1(p, h, body, page) : open_v2(p, h, body, page));
    p->values_left -= page->num_values;
    p->barren_pages = page->num_values == 0 ? p->barren_pages + 1 : 0;
    if (p->barren_pages > BARREN_PAGES_MAX)
        return FAIL(LIMIT, "more than %d pages without values in a row", BARREN_PAGES_MAX);
    return NULL;
}

/* One page of any type; `*ret_usable` for one that holds a dictionary or values. */
static Error *read_page(PageReader *p, Page *page, bool *ret_usable)
{
    PageHeader header;
    size_t header_bytes = 0;
    Bytes body;

    TRY(read_header(p, &header, &header_bytes));
    p->at += header_bytes;
    TRY(check_sizes(p, &header));
    TRY(chunk_window_view(&p->window, p->at, (size_t)header.compressed_page_size, &body));
    p->at += body.len;
    *page = (Page){.repetition = BYTES_EMPTY, .definition = BYTES_EMPTY, .values = BYTES_EMPTY};
    *ret_usable = false;
    if (header.type != PAGE_DATA && header.type != PAGE_DATA_V2 && header.type != PAGE_DICTIONARY)
        return NULL;
    TRY(check_crc(p, &header, body));
    TRY(header.type == PAGE_DICTIONARY ? open_dictionary(p, &header, body, page) : open_data(p, &header, body, page));
    *ret_usable = page->dictionary || page->num_values > 0;
    return NULL;
}

Error *page_reader_next(PageReader *p, Page *ret_page)
{
    bool usable = false;

    ASSERT(p->values_left > 0);
    while (!usable) {
        uint64_t at = p->at;
        if (at >= p->window.end)
            return FAIL(CORRUPT, "the chunk ends at byte %llu with %llu values missing", (unsigned long long)at,
                        (unsigned long long)p->values_left);
        Error *error = read_page(p, ret_page, &usable);
        if (error)
            return error_at(error_wrap(error, "page %zu at byte %llu", p->ordinal, (unsigned long long)at), at);
        p->ordinal++;
    }
    return NULL;
}
