#include "document/chunk/chunk.h"

#include "document/chars.h"
#include "document/chunk/merge.h"
#include "document/chunk/split.h"
#include "document/chunk/table.h"

enum { SEPARATOR_LENGTH = 2 };
#define SEPARATOR STR("\n\n")

ChunkOptions chunk_options_default(ChunkStrategy strategy)
{
    return (ChunkOptions){
        .strategy = strategy,
        .max_characters = CHUNK_DEFAULT_CHARACTERS,
        .new_after_n_chars = CHUNK_UNSET,
        .combine_text_under_n_chars = CHUNK_UNSET,
        .multipage_sections = true,
        .include_orig_elements = true,
    };
}

Error *chunk_options_check(ChunkOptions *options)
{
    if (options->max_characters == 0)
        return FAIL(INVALID, "a chunk must be allowed at least 1 character (chunk_max_characters)");
    if (options->overlap >= options->max_characters)
        return FAIL(INVALID,
                    "the overlap, %zu, must be smaller than the chunks, %zu (chunk_overlap, chunk_max_characters)",
                    options->overlap, options->max_characters);
    if (options->combine_text_under_n_chars == CHUNK_UNSET)
        options->combine_text_under_n_chars = options->max_characters;
    if (options->combine_text_under_n_chars > options->max_characters)
        return FAIL(INVALID,
                    "sections shorter than %zu cannot go together in chunks of %zu (chunk_combine_text_under_n_chars, "
                    "chunk_max_characters)",
                    options->combine_text_under_n_chars, options->max_characters);
    options->new_after_n_chars = MIN(options->new_after_n_chars, options->max_characters);
    return NULL;
}

/* Elements that go into one chunk, or into the pieces of one text: neighbours always. */
typedef struct Section {
    size_t first, count;
    Str before; /* the end of the section before this one, which it repeats; in the chunks' arena */
} Section;

typedef struct Chunker {
    const Elements *elements;
    const DocumentInfo *info;
    const ChunkOptions *options;
    Elements *chunks;
    /* The section that grows. */
    Section open;
    size_t open_texts, open_length; /* of what has text: how many, and how long they are without separators */
    uint32_t page_number;           /* by_title: of the section; 0: none was given yet */
    /* by_title: the section that others may still be joined to, and its text. */
    Section held;
    Buffer held_text;
    bool holds;
    /* The chunks that are being made: what they share. */
    Section making;
    Str orig_elements, table_id;
    Buffer text;
} Chunker;

static const Element *element_at(const Chunker *c, size_t index)
{
    return &c->elements->items[index];
}

/* A table is always alone. */
static bool is_table(const Chunker *c, const Section *section)
{
    return section->count > 0 && element_at(c, section->first)->type == ELEMENT_TABLE;
}

/* ---- the text of a section ---- */

/* Trimmed, white space runs as one space. */
MUST_USE static Error *append_collapsed(Buffer *out, Str text)
{
    bool space = false;
    size_t start = out->len, run = 0;
    unsigned classes;
    for (size_t at = 0, from = 0; at <= text.len; from = at) {
        classes = CHAR_SPACE;
        if (at < text.len)
            chars_next(text, &at, &classes);
        else
            at++;
        if (!(classes & CHAR_SPACE)) {
            if (space && out->len > start)
                TRY(buffer_append_byte(out, ' '));
            run = space || from == 0 ? from : run;
            space = false;
            continue;
        }
        if (!space && from > run)
            TRY(buffer_append_str(out, str_slice(text, run, from)));
        space = true;
        run = at;
    }
    return NULL;
}

MUST_USE static Error *append_element(Buffer *out, const Element *element)
{
    size_t before = out->len;
    if (element->text.len == 0)
        return NULL;
    if (before > 0)
        TRY(buffer_append_str(out, SEPARATOR));
    size_t start = out->len;
    TRY(element->type == ELEMENT_CODE_SNIPPET ? buffer_append_str(out, element->text)
                                              : append_collapsed(out, element->text));
    if (out->len == start)
        out->len = before; /* white space alone */
    return NULL;
}

MUST_USE static Error *append_elements(const Chunker *c, const Section *section, Buffer *out)
{
    for (size_t i = section->first; i < section->first + section->count; i++)
        TRY(append_element(out, element_at(c, i)));
    return NULL;
}

MUST_USE static Error *section_text(const Chunker *c, const Section *section, Buffer *out)
{
    buffer_clear(out);
    TRY(buffer_append_str(out, section->before));
    return append_elements(c, section, out);
}

/* ---- chunks of a section ---- */

MUST_USE static Error *add_chunk(Chunker *c, ElementType type, Str text, ElementChunk about, Element **ret_chunk)
{
    Arena *arena = c->chunks->arena;
    ElementChunk *own = ARENA_NEW(arena, ElementChunk);
    if (!own)
        return arena_error(arena);
    *own = about;
    own->orig_elements = c->orig_elements;
    TRY(elements_add(c->chunks, type, text, ret_chunk));
    TRY(chunk_merge_metadata(c->elements, c->making.first, c->making.count, arena, *ret_chunk));
    (*ret_chunk)->chunk = own;
    return NULL;
}

MUST_USE static Error *take_text(void *context, Str piece, size_t index)
{
    Chunker *c = context;
    Element *chunk;
    return add_chunk(c, ELEMENT_COMPOSITE, piece, (ElementChunk){.is_continuation = index > 0}, &chunk);
}

MUST_USE static Error *take_table(void *context, Str text, Str html, size_t index, size_t header_rows)
{
    Chunker *c = context;
    Arena *arena = c->chunks->arena;
    Element *chunk;
    ElementChunk about = {.table_id = c->table_id,
                          .chunk_index = (uint32_t)index,
                          .header_rows_carried = (uint32_t)header_rows,
                          .is_continuation = index > 0};
    TRY(add_chunk(c, ELEMENT_TABLE_CHUNK, text, about, &chunk));
    chunk->text_as_html = html.len > 0 ? arena_str(arena, html) : STR_EMPTY;
    return chunk->text_as_html.data ? NULL : arena_error(arena);
}

/* The pieces of one table share a name. It comes from the table's id, so that a second run gives the same bytes. */
MUST_USE static Error *name_table(Chunker *c, const Element *table)
{
    const char *id = table->id;
    char *name = arena_format(c->chunks->arena, "%.8s-%.4s-5%.3s-8%.3s-%.12s", id, id + 8, id + 13, id + 17, id + 20);
    c->table_id = str_of(name);
    return name ? NULL : arena_error(c->chunks->arena);
}

MUST_USE static Error *chunk_table(Chunker *c, const Element *table)
{
    bool fits;
    Element *chunk;
    CLEANUP(buffer_done) Buffer text = {0};
    TRY(buffer_append_str(&text, c->making.before));
    if (text.len > 0)
        TRY(buffer_append_byte(&text, '\n'));
    TRY(buffer_append_str(&text, chars_trim(table->text)));
    TRY(chunk_table_fits(c->options, buffer_str(&text), table->text_as_html, &fits));
    if (fits)
        return text.len > 0 ? add_chunk(c, ELEMENT_TABLE, buffer_str(&text), (ElementChunk){0}, &chunk) : NULL;
    TRY(name_table(c, table));
    return chunk_split_table(c->options, buffer_str(&text), table->text_as_html, c->chunks->arena, take_table, c);
}

MUST_USE static Error *make_chunks(Chunker *c, Section section)
{
    c->making = section;
    c->orig_elements = STR_EMPTY;
    if (section.count == 0)
        return NULL;
    if (c->options->include_orig_elements)
        TRY(chunk_orig_elements(c->elements, section.first, section.count, c->info, c->chunks->arena,
                                &c->orig_elements));
    if (section.count == 1 && element_at(c, section.first)->type == ELEMENT_TABLE)
        return chunk_table(c, element_at(c, section.first));
    TRY(section_text(c, &section, &c->text));
    return chunk_split_text(c->options, c->options->max_characters, buffer_str(&c->text), take_text, c);
}

/* ---- sections ---- */

MUST_USE static Error *let_go(Chunker *c)
{
    if (!c->holds)
        return NULL;
    c->holds = false;
    return make_chunks(c, c->held);
}

/* Adds the text of `next` to that of the held section if the two can go together. The text is kept, not put together again each time: a million
 * sections without a word would be joined one by one. */
MUST_USE static Error *can_be_joined(Chunker *c, const Section *next, bool *ret_can)
{
    size_t length, more, held_bytes = c->held_text.len;
    *ret_can = false;
    if (is_table(c, &c->held) || is_table(c, next))
        return NULL;
    TRY(chunk_length(c->options, buffer_str(&c->held_text), &length));
    if (length >= c->options->combine_text_under_n_chars)
        return NULL;
    TRY(append_elements(c, next, &c->held_text));
    TRY(chunk_length(c->options, buffer_str(&c->held_text), &more));
    *ret_can = more <= c->options->max_characters;
    if (!*ret_can)
        c->held_text.len = held_bytes;
    return NULL;
}

/* by_title: short sections go together. Others become chunks at once. */
MUST_USE static Error *take_section(Chunker *c, Section section)
{
    bool joins = c->options->strategy == CHUNK_BY_TITLE && c->options->combine_text_under_n_chars > 0, can = false;
    if (!joins)
        return make_chunks(c, section);
    if (c->holds)
        TRY(can_be_joined(c, &section, &can));
    if (can) {
        c->held.count += section.count;
        return NULL;
    }
    TRY(let_go(c));
    c->held = section;
    c->holds = true;
    return section_text(c, &section, &c->held_text);
}

/* What the next section repeats of this one: nothing of a table. */
MUST_USE static Error *end_of_section(Chunker *c, const Section *section, Str *ret_end)
{
    *ret_end = STR_EMPTY;
    if (!c->options->overlap_all || c->options->overlap == 0 || is_table(c, section))
        return NULL;
    TRY(section_text(c, section, &c->text));
    Str end = chars_trim(text_tail(buffer_str(&c->text), c->options->overlap));
    *ret_end = end.len > 0 ? arena_str(c->chunks->arena, end) : STR_EMPTY;
    return ret_end->data ? NULL : arena_error(c->chunks->arena);
}

MUST_USE static Error *end_section(Chunker *c)
{
    Section ended = c->open;
    if (ended.count == 0)
        return NULL;
    c->open = (Section){.first = ended.first + ended.count, .before = STR_EMPTY};
    TRY(end_of_section(c, &ended, &c->open.before));
    c->open_texts = c->open.before.len > 0;
    TRY(chunk_length(c->options, c->open.before, &c->open_length));
    return take_section(c, ended);
}

/* `c->page_number` follows, whatever else ends the section. */
static bool begins_page(Chunker *c, const Element *element)
{
    uint32_t page_before = c->page_number;
    if (element->page_number > 0)
        c->page_number = element->page_number;
    return page_before > 0 && c->page_number != page_before;
}

static bool fits_open(const Chunker *c, const Element *element, size_t length)
{
    if (c->open.count == 0)
        return true;
    if (element->type == ELEMENT_TABLE || is_table(c, &c->open))
        return false;
    size_t separators = c->open_texts * SEPARATOR_LENGTH;
    size_t so_far = c->open_length + separators - (c->open_texts > 0 ? (size_t)SEPARATOR_LENGTH : 0);
    return so_far <= c->options->new_after_n_chars
           && c->open_length + separators + length <= c->options->max_characters;
}

MUST_USE static Error *add_element(Chunker *c, const Element *element)
{
    bool by_title = c->options->strategy == CHUNK_BY_TITLE, boundary = false;
    size_t length;
    TRY(chunk_length(c->options, element->text, &length));
    if (by_title && !c->options->multipage_sections)
        boundary = begins_page(c, element);
    boundary |= by_title && element->type == ELEMENT_TITLE;
    if (boundary || !fits_open(c, element, length))
        TRY(end_section(c));
    c->open.count++;
    c->open_texts += element->text.len > 0;
    c->open_length += length;
    return NULL;
}

MUST_USE static Error *chunk_all(Chunker *c)
{
    for (size_t i = 0; i < c->elements->count; i++) {
        if (i > 0 && element_at(c, i)->part != element_at(c, i - 1)->part)
            TRY(end_section(c)); /* another document */
        TRY(add_element(c, element_at(c, i)));
    }
    TRY(end_section(c));
    return let_go(c);
}

Error *elements_chunk(const Elements *elements, const DocumentInfo *info, const ChunkOptions *options, Elements *chunks)
{
    ASSERT(options->strategy != CHUNK_NONE && options->new_after_n_chars <= options->max_characters);
    Chunker chunker = {
        .elements = elements, .info = info, .options = options, .chunks = chunks, .open = {.before = STR_EMPTY}};
    Error *error = chunk_all(&chunker);
    buffer_done(&chunker.text);
    buffer_done(&chunker.held_text);
    return error;
}
