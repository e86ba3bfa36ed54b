#include "document/chunk/merge.h"

#include <stddef.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/hash.h"
#include "base/json.h"
#include "document/element_json.h"

static const StrList *list_at(const Element *element, size_t offset)
{
    return (const StrList *)((const char *)element_rare(element) + offset);
}

/* The lists at `offset` of the elements' ElementRare, one after another. */
MUST_USE static Error *join_lists(const Element *items, size_t count, size_t offset, Arena *arena, StrList *ret_list)
{
    size_t sum = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        sum += list_at(&items[i], offset)->count;
    *ret_list = (StrList){NULL, sum};
    if (sum == 0)
        return NULL;
    ret_list->items = ARENA_ARRAY(arena, Str, sum);
    if (!ret_list->items)
        return arena_error(arena);
    for (size_t i = 0; i < count; i++) {
        const StrList *list = list_at(&items[i], offset);
        if (list->count > 0)
            memcpy(ret_list->items + at, list->items, list->count * sizeof(Str));
        at += list->count;
    }
    return NULL;
}

static bool list_has(const StrList *list, Str text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->items[i], text))
            return true;
    }
    return false;
}

/* Each language once, in the order in which they come up. */
MUST_USE static Error *unite_languages(const Element *items, size_t count, Arena *arena, StrList *ret_list)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += items[i].languages.count;
    *ret_list = (StrList){ARENA_ARRAY(arena, Str, sum), 0};
    if (!ret_list->items)
        return arena_error(arena);
    for (size_t i = 0; i < count; i++) {
        const StrList *languages = &items[i].languages;
        for (size_t k = 0; k < languages->count; k++) {
            if (!list_has(ret_list, languages->items[k]))
                ret_list->items[ret_list->count++] = languages->items[k];
        }
    }
    return NULL;
}

MUST_USE static Error *join_html(const Element *items, size_t count, Arena *arena, Str *ret_html)
{
    CLEANUP(buffer_done) Buffer html = {0};
    for (size_t i = 0; i < count; i++) {
        if (items[i].text_as_html.len == 0)
            continue;
        if (html.len > 0)
            TRY(buffer_append_byte(&html, ' '));
        TRY(buffer_append_str(&html, items[i].text_as_html));
    }
    *ret_html = html.len > 0 ? arena_str(arena, buffer_str(&html)) : STR_EMPTY;
    return ret_html->data ? NULL : arena_error(arena);
}

MUST_USE static Error *merge_rare(const Element *items, size_t count, Arena *arena, Element *chunk)
{
    ElementRare *rare;
    TRY(element_add_rare(chunk, arena, &rare));
    for (size_t i = 0; i < count && rare->page_name.len == 0; i++)
        rare->page_name = element_rare(&items[i])->page_name;
    TRY(join_lists(items, count, offsetof(ElementRare, emphasized_contents), arena, &rare->emphasized_contents));
    TRY(join_lists(items, count, offsetof(ElementRare, emphasized_tags), arena, &rare->emphasized_tags));
    TRY(join_lists(items, count, offsetof(ElementRare, link_texts), arena, &rare->link_texts));
    return join_lists(items, count, offsetof(ElementRare, link_urls), arena, &rare->link_urls);
}

Error *chunk_merge_metadata(const Elements *elements, size_t first, size_t count, Arena *arena, Element *chunk)
{
    const Element *items = elements->items + first;
    bool any_rare = false;
    for (size_t i = 0; i < count; i++) { /* the first that has one */
        if (!chunk->part)
            chunk->part = items[i].part;
        if (chunk->page_number == 0)
            chunk->page_number = items[i].page_number;
        any_rare = any_rare || items[i].rare;
    }
    if (any_rare)
        TRY(merge_rare(items, count, arena, chunk));
    TRY(unite_languages(items, count, arena, &chunk->languages));
    return join_html(items, count, arena, &chunk->text_as_html);
}

/* Keys sorted, ", " and ": " between, as Python's json.dumps(sort_keys=True) writes it. */
MUST_USE static Error *sorted_json(const Elements *elements, size_t first, size_t count, const DocumentInfo *info,
                                   char **ret_text)
{
    CLEANUP(buffer_done) Buffer text = {0};
    CLEANUP(cleanup_json) json_t *root = NULL;
    TRY(buffer_append_byte(&text, '['));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            TRY(buffer_append_byte(&text, ','));
        TRY(element_write_json(elements, first + i, info, &text));
    }
    TRY(buffer_append_byte(&text, ']'));
    TRY(json_read(buffer_bytes(&text), &root));
    *ret_text = json_dumps(root, JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    return *ret_text ? NULL : FAIL(NO_MEMORY, "out of memory");
}

MUST_USE static Error *deflate_text(Str text, Buffer *out)
{
    uLongf len = compressBound(text.len);
    TRY(buffer_reserve(out, len));
    if (compress(out->data, &len, (const Bytef *)text.data, text.len) != Z_OK)
        return FAIL(NO_MEMORY, "compress %zu bytes", text.len);
    buffer_grown(out, len);
    return NULL;
}

Error *chunk_orig_elements(const Elements *elements, size_t first, size_t count, const DocumentInfo *info, Arena *arena,
                           Str *ret_text)
{
    CLEANUP(buffer_done) Buffer packed = {0};
    char *json = NULL;
    TRY(sorted_json(elements, first, count, info, &json));
    Error *error = deflate_text(str_of(json), &packed);
    free(json);
    if (error)
        return error;
    size_t len = (packed.len + 2) / 3 * 4;
    char *text = arena_alloc(arena, len + 1);
    if (!text)
        return arena_error(arena);
    base64_encode(packed.data, packed.len, text);
    *ret_text = (Str){text, len};
    return NULL;
}
