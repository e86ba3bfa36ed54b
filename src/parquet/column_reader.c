#include "parquet/column_reader.h"

#include "parquet/bitmap.h"

enum { FLAT_PIECE = 1 << 16 }; /* rows decoded at once, so that what one step wrote is still in the cache */

Error *column_reader_init(ColumnReader *c, const SchemaLeaf *leaf, bool nested, size_t limit_bytes)
{
    c->leaf = leaf;
    c->flat = !nested;
    c->keeps_levels = nested && leaf->max_def > 0;
    c->limit_bytes = limit_bytes;
    c->pool = vector_pool_new();
    return c->pool ? NULL : FAIL(NO_MEMORY, "no memory for a column");
}

void column_reader_done(ColumnReader *c)
{
    page_reader_done(&c->pages);
    dictionary_done(&c->dictionary);
    vector_done(&c->vector);
    vector_pool_free(c->pool);
    c->pool = NULL;
    buffer_done(&c->levels.def);
    buffer_done(&c->levels.rep);
}

Error *column_reader_begin(ColumnReader *c, const ColumnMetaData *chunk, uint64_t rows, FileBytes *file,
                           ChunkRange range, size_t read_bytes)
{
    c->dictionary.present = false;
    c->rows_left = rows;
    c->last_def = 0;
    c->page_left = c->block_at = c->block_count = 0;
    c->pages.values_left = 0;
    if (chunk->num_values == 0) /* such a chunk is not looked at: its offsets may be anything */
        return NULL;
    return page_reader_begin(&c->pages, chunk, c->leaf, file, range, read_bytes);
}

void column_reader_begin_batch(ColumnReader *c)
{
    vector_init_pooled(&c->vector, leaf_vector_kind(c->leaf), c->leaf->width, c->limit_bytes, c->pool);
    buffer_clear(&c->levels.def);
    buffer_clear(&c->levels.rep);
    c->levels.def.limit = c->levels.rep.limit = c->limit_bytes;
}

size_t column_reader_batch_bytes(const ColumnReader *c)
{
    return vector_bytes(&c->vector);
}

size_t column_reader_batch_memory(const ColumnReader *c)
{
    return vector_memory(&c->vector) + c->levels.def.capacity + c->levels.rep.capacity;
}

/* -- pages -- */

static Error *begin_page(ColumnReader *c, const Page *page)
{
    c->page_left = page->num_values;
    hybrid_decoder_begin(&c->rep, page->repetition, bit_width(c->leaf->max_rep));
    hybrid_decoder_begin(&c->def, page->definition, bit_width(c->leaf->max_def));
    return value_decoder_begin(&c->values, c->leaf, page->encoding, &c->dictionary, page->values);
}

/* Goes on to the next page with entries; the chunk must have one. */
static Error *next_page(ColumnReader *c)
{
    Page page;

    for (;;) {
        TRY(page_reader_next(&c->pages, &page));
        if (!page.dictionary)
            return begin_page(c, &page);
        if (c->dictionary.present)
            return FAIL(CORRUPT, "a second dictionary page");
        size_t limit = c->pages.window.file->budget.max_bytes;
        TRY(dictionary_load(&c->dictionary, c->leaf, page.values, page.num_values, limit));
    }
}

static Error *chunk_is_short(const ColumnReader *c, size_t rows)
{
    return FAIL(CORRUPT, "the column ends %zu rows early: its row group has %llu more", rows,
                (unsigned long long)c->rows_left);
}

/* -- flat leaves -- */

/* Reads the validity of `count` slots; nulls are counted in the vector. */
static Error *read_validity(ColumnReader *c, size_t count, size_t *ret_valid)
{
    ArrowVector *v = &c->vector;
    uint32_t level;
    uint8_t *bits;

    *ret_valid = count;
    if (c->leaf->max_def == 0)
        return NULL;
    if (hybrid_take_repeated(&c->def, count, &level)) {
        if (level != 0)
            return vector_mark_valid(v, count);
        TRY(vector_validity(v, count, &bits));
        bitmap_fill(bits, v->length, count, false);
        *ret_valid = 0;
    } else {
        TRY(vector_validity(v, count, &bits));
        if (!hybrid_read_bits(&c->def, count, bits, v->length))
            return FAIL(CORRUPT, "definition levels end early or are malformed");
        *ret_valid = bitmap_count(bits, v->length, count);
    }
    v->nulls += count - *ret_valid;
    return NULL;
}

static Error *append_values(ColumnReader *c, size_t slots, size_t valid)
{
    TRY(vector_reserve(&c->vector, slots));
    TRY(value_decoder_append(&c->values, valid, &c->vector));
    vector_spread(&c->vector, slots, valid);
    vector_advance(&c->vector, slots);
    return NULL;
}

static Error *read_flat(ColumnReader *c, size_t rows)
{
    for (size_t n, valid; rows > 0; rows -= n) {
        if (c->page_left == 0) {
            if (c->pages.values_left == 0)
                return chunk_is_short(c, rows);
            TRY(next_page(c));
        }
        n = MIN(MIN(rows, c->page_left), FLAT_PIECE);
        TRY(read_validity(c, n, &valid));
        TRY(append_values(c, n, valid));
        c->page_left -= n;
        c->rows_left -= n;
    }
    return NULL;
}

/* -- nested leaves -- */

static bool levels_within(const uint8_t *levels, size_t count, uint8_t max)
{
    uint8_t most = 0;

    for (size_t i = 0; i < count; i++)
        most = MAX(most, levels[i]);
    return most <= max;
}

/* An entry may repeat at a level only where the entry before had an element of that list (rule 24). Without branches, as are
 * the loops below: they run once for every entry of every list. */
static bool repeats_fit(const ColumnReader *c)
{
    const uint8_t *rep = c->rep_block, *def = c->def_block, *rep_def = c->leaf->rep_def;
    uint8_t first_def = rep_def[1];
    unsigned bad = rep[0] != 0 && c->last_def < rep_def[rep[0]];

    if (c->leaf->max_rep == 1)
        for (size_t i = 1; i < c->block_count; i++)
            bad |= (unsigned)(rep[i] != 0) & (unsigned)(def[i - 1] < first_def);
    else
        for (size_t i = 1; i < c->block_count; i++)
            bad |= (unsigned)(def[i - 1] < rep_def[rep[i]]); /* rep_def[0] is 0 */
    return bad == 0;
}

/* Decodes the levels of the page's next entries. */
static Error *read_block(ColumnReader *c)
{
    size_t count = MIN(c->page_left, LEVEL_BLOCK);
    const SchemaLeaf *leaf = c->leaf;

    /* A level that is always 0 is not written at all. */
    bool ok = leaf->max_rep > 0 ? hybrid_read_u8(&c->rep, count, c->rep_block) : (memset(c->rep_block, 0, count), true);
    ok = ok
         && (leaf->max_def > 0 ? hybrid_read_u8(&c->def, count, c->def_block) : (memset(c->def_block, 0, count), true));
    if (!ok)
        return FAIL(CORRUPT, "levels end early or are malformed");
    if (!levels_within(c->def_block, count, leaf->max_def) || !levels_within(c->rep_block, count, leaf->max_rep))
        return FAIL(CORRUPT, "a level is above the column's maximum");
    c->block_at = 0;
    c->block_count = count;
    c->page_left -= count;
    if (leaf->max_rep > 0 && !repeats_fit(c))
        return FAIL(CORRUPT, "a repetition level has no list to repeat");
    return NULL;
}

/* Validity of the slots among `count` entries; those above ancestor_def have one. */
static Error *append_slots(ColumnReader *c, const uint8_t *def, size_t count)
{
    const SchemaLeaf *leaf = c->leaf;
    ArrowVector *v = &c->vector;
    size_t slots = 0, valid = 0;
    uint8_t *bits;

    for (size_t i = 0; i < count; i++) {
        slots += def[i] >= leaf->ancestor_def;
        valid += def[i] == leaf->max_def;
    }
    if (valid == slots) {
        TRY(vector_mark_valid(v, slots));
    } else {
        TRY(vector_validity(v, slots, &bits));
        size_t at = v->length;
        for (size_t i = 0; i < count; i++)
            if (def[i] >= leaf->ancestor_def)
                bitmap_set(bits, at++, def[i] == leaf->max_def);
        v->nulls += slots - valid;
    }
    return append_values(c, slots, valid);
}

/* Takes entries [block_at, to) of the block. */
static Error *take_entries(ColumnReader *c, size_t to)
{
    const uint8_t *def = c->def_block + c->block_at;
    size_t count = to - c->block_at;

    if (count == 0)
        return NULL;
    if (c->keeps_levels)
        TRY(buffer_append(&c->levels.def, def, count));
    if (c->leaf->max_rep > 0)
        TRY(buffer_append(&c->levels.rep, c->rep_block + c->block_at, count));
    TRY(append_slots(c, def, count));
    c->last_def = c->def_block[to - 1];
    c->block_at = to;
    return NULL;
}

static size_t count_rows(const uint8_t *rep, size_t count)
{
    size_t rows = 0;

    for (size_t i = 0; i < count; i++)
        rows += rep[i] == 0;
    return rows;
}

/* The end of the entries that belong to the next `*rows` rows; `*rows` becomes what is then still wanted. */
static size_t find_rows(ColumnReader *c, size_t *rows)
{
    size_t at = c->block_at;
    size_t in_block = count_rows(c->rep_block + at, c->block_count - at);

    if (in_block <= *rows) { /* all of them: the usual case */
        *rows -= in_block;
        return c->block_count;
    }
    for (; *rows > 0 || c->rep_block[at] != 0; at++)
        *rows -= c->rep_block[at] == 0;
    return at;
}

/* A row ends only where the next one begins, perhaps pages later, or at the chunk's end. */
static Error *read_nested(ColumnReader *c, size_t rows)
{
    size_t wanted = rows;

    for (;;) {
        if (c->block_at == c->block_count) {
            if (c->page_left == 0 && c->pages.values_left == 0)
                break;
            if (c->page_left == 0)
                TRY(next_page(c));
            TRY(read_block(c));
        }
        size_t to = find_rows(c, &wanted);
        bool ended = to < c->block_count;
        TRY(take_entries(c, to));
        if (ended)
            break;
    }
    c->rows_left -= rows - wanted;
    return wanted == 0 ? NULL : chunk_is_short(c, wanted);
}

Error *column_reader_read(ColumnReader *c, size_t rows)
{
    ASSERT(rows <= c->rows_left);
    return c->flat && c->leaf->max_rep == 0 ? read_flat(c, rows) : read_nested(c, rows);
}

Error *column_reader_end(const ColumnReader *c)
{
    uint64_t entries = c->pages.values_left + c->page_left + (c->block_count - c->block_at);

    if (entries > 0)
        return FAIL(CORRUPT, "the column has %llu values more than its row group has rows",
                    (unsigned long long)entries);
    return NULL;
}
