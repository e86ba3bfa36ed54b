#include "document/text/text.h"

#include "document/chars.h"
#include "document/text/charset.h"
#include "document/text/paragraphs.h"

static bool is_lone_bullet(Str text)
{
    size_t next;
    return text_begins_with_bullet(text, BULLETS_AND_HYPHENS, &next) && next == text.len;
}

MUST_USE static Error *add_paragraph(Builder *builder, Str text)
{
    text = chars_trim(text);
    if (text.len == 0 || is_lone_bullet(text))
        return NULL;
    return builder_add_classified(builder, text);
}

MUST_USE static Error *add_lines(Builder *builder, Str text)
{
    Str line;
    while (text_next_block(&text, 1, &line))
        TRY(add_paragraph(builder, line));
    return NULL;
}

MUST_USE static Error *add_joined(void *context, const Paragraph *paragraph)
{
    Builder *builder = context;
    Arena *arena = builder->elements->arena;
    if (!paragraph->one_line)
        return add_lines(builder, paragraph->text);
    if (!paragraph->misread_item && str_find_char(chars_trim(paragraph->text), '\n') == SIZE_MAX)
        return add_paragraph(builder, paragraph->text);
    char *out = arena_alloc(arena, paragraph->text.len + 1);
    if (!out)
        return arena_error(arena);
    return add_paragraph(builder, (Str){out, paragraph_write(paragraph, out)});
}

MUST_USE static Error *add_blocks(Builder *builder, Str text)
{
    return text_each_paragraph(text, BULLETS_AND_HYPHENS, add_joined, builder);
}

/* Python's universal newlines: \r\n and \r are \n. */
MUST_USE static Error *normalize_line_ends(Arena *arena, Str text, Str *ret_text)
{
    *ret_text = text;
    if (str_find_char(text, '\r') == SIZE_MAX)
        return NULL;
    char *out = arena_alloc(arena, text.len);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')
            continue;
        out[len++] = text.data[i] == '\r' ? '\n' : text.data[i];
    }
    *ret_text = (Str){out, len};
    return NULL;
}

Error *text_add_paragraphs(Builder *builder, Str text)
{
    TRY(normalize_line_ends(builder->elements->arena, text, &text));
    return text_has_few_blank_lines(text) ? add_lines(builder, text) : add_blocks(builder, text);
}

Error *text_add_lines(Builder *builder, Str text)
{
    TRY(normalize_line_ends(builder->elements->arena, text, &text));
    return add_lines(builder, text);
}

Error *partition_text(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                      Elements *elements)
{
    (void)filetype;
    Str text;
    Builder builder;
    builder_init(&builder, options, watch, elements);
    TRY(charset_decode(input, options->encoding, elements->arena, &text));
    return options->txt_lines ? text_add_lines(&builder, text) : text_add_paragraphs(&builder, text);
}
