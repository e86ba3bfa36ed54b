#include "document/builder.h"

#include "document/chars.h"
#include "document/rules.h"

enum { ELEMENTS_A_UNIT = 64 }; /* how often a sign of life is given */

void builder_init(Builder *builder, const PartitionOptions *options, const PartitionWatch *watch, Elements *elements)
{
    *builder = (Builder){
        .elements = elements,
        .watch = watch,
        .table_cells = options->table_cells,
        .text_left = options->text_max_bytes ? options->text_max_bytes : 256 * MIB,
    };
}

Error *builder_add(Builder *builder, ElementType type, Str text, Element **ret_element)
{
    if (text.len > builder->text_left)
        return FAIL(LIMIT, "the elements' text is larger than the limit on it (text_max_bytes)");
    TRY(elements_add(builder->elements, type, text, ret_element));
    builder->text_left -= text.len;
    if (++builder->units % ELEMENTS_A_UNIT == 0 && builder->watch)
        builder->watch->progress(builder->watch->context, builder->units);
    return NULL;
}

Error *builder_add_classified(Builder *builder, Str text)
{
    Element *element;
    ElementType type = text_classify(text, &text);
    return builder_add(builder, type, text, &element);
}

Error *arena_collapse_space(Arena *arena, Str text, Str *ret_text)
{
    text = chars_trim(text);
    char *out = arena_alloc(arena, text.len + 1);
    if (!out)
        return arena_error(arena);
    size_t len = 0;
    bool space = false;
    unsigned classes;
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        chars_next(text, &at, &classes);
        if (classes & CHAR_SPACE) {
            space = true;
            continue;
        }
        if (space)
            out[len++] = ' ';
        space = false;
        for (; from < at; from++)
            out[len++] = text.data[from];
    }
    *ret_text = (Str){out, len};
    return NULL;
}
