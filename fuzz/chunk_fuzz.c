/* Arbitrary elements as chunks of arbitrary sizes: no chunk is longer than it may be, and without an overlap no character is lost. */
#include "base/reader.h"
#include "document/chars.h"
#include "document/chunk/chunk.h"
#include "document/chunk/split.h"

enum { OPTION_BYTES = 5, LENGTH_SCALE = 2 };

/* Five bytes: flags, then the sizes. */
static ChunkOptions read_options(const uint8_t *bytes)
{
    ChunkOptions options = chunk_options_default(bytes[0] & 1 ? CHUNK_BASIC : CHUNK_BY_TITLE);
    options.max_characters = 1 + (size_t)bytes[1] * LENGTH_SCALE;
    options.new_after_n_chars = bytes[0] & 2 ? (size_t)bytes[2] * LENGTH_SCALE : CHUNK_UNSET;
    options.combine_text_under_n_chars = bytes[0] & 4 ? bytes[3] : CHUNK_UNSET;
    options.overlap = bytes[0] & 8 ? bytes[4] : 0;
    options.overlap_all = bytes[0] & 16;
    options.multipage_sections = bytes[0] & 32;
    options.include_orig_elements = bytes[0] & 64;
    return options;
}

/* A line each: its first character is the type, then the text; behind a tab the HTML of a table, else a page. */
static void read_elements(Str text, Elements *elements)
{
    Str line;
    while (str_next_piece(&text, '\n', &line)) {
        Element *element;
        size_t text_at = 0;
        if (line.len == 0)
            continue;
        ElementType type = (ElementType)(str_next_code_point(line, &text_at) % ELEMENT_COMPOSITE);
        size_t tab = MIN(str_find_char(line, '\t'), line.len);
        Str more = str_slice(line, MIN(tab + 1, line.len), line.len);
        error_free(elements_add(elements, type, str_slice(line, text_at, tab), &element));
        if (type == ELEMENT_TABLE)
            element->text_as_html = more;
        else
            element->page_number = more.len > 0 ? (uint8_t)more.data[0] : 0;
    }
}

static size_t count_visible(Str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len;) {
        unsigned classes;
        chars_next(text, &at, &classes);
        count += !(classes & CHAR_SPACE);
    }
    return count;
}

static void check(const Elements *elements, const ChunkOptions *options, const Elements *chunks)
{
    size_t given = 0, found = 0;
    for (size_t i = 0; i < elements->count; i++)
        given += elements->items[i].type == ELEMENT_TABLE ? 0 : count_visible(elements->items[i].text);
    for (size_t i = 0; i < chunks->count; i++) {
        const Element *chunk = &chunks->items[i];
        bool is_text = chunk->type == ELEMENT_COMPOSITE;
        ASSERT(chunk->chunk && chunk->text.len > 0 && str_is_utf8(chunk->text) && str_is_utf8(chunk->text_as_html));
        ASSERT(is_text || chunk->type == ELEMENT_TABLE || chunk->type == ELEMENT_TABLE_CHUNK);
        ASSERT(text_length(chunk->text) <= options->max_characters);
        found += is_text ? count_visible(chunk->text) : 0;
    }
    ASSERT(options->overlap > 0 ? found >= given : found == given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Bytes sizes;
    Reader in = reader_of(bytes_from(data, size));
    if (!reader_take(&in, OPTION_BYTES, &sizes) || !str_is_utf8(str_from(data + OPTION_BYTES, size - OPTION_BYTES)))
        return 0;
    ChunkOptions options = read_options(sizes.data);
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    ASSERT(arena);
    Elements elements = {.arena = arena}, chunks = {.arena = arena};
    DocumentInfo info = {.filename = STR("f"), .filetype = STR("text/plain")};
    Error *error = chunk_options_check(&options);
    if (!error) {
        read_elements(str_from(data + OPTION_BYTES, size - OPTION_BYTES), &elements);
        error = elements_finish(&elements, &info);
        if (!error)
            error = elements_chunk(&elements, &info, &options, &chunks);
        if (!error)
            check(&elements, &options, &chunks);
    }
    error_free(error);
    return 0;
}
