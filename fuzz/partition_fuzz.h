/* partition_fuzz.h - what the targets of the partitioners share: partition within small limits, then check what must hold for any input. */
#ifndef FUZZ_PARTITION_FUZZ_H
#define FUZZ_PARTITION_FUZZ_H

#include "document/element_json.h"
#include "document/html/tree.h"
#include "document/partition.h"
#include "document/text/charset.h"

static inline void fuzz_check_elements(const Elements *elements)
{
    for (size_t i = 0; i < elements->count; i++) {
        const Element *e = &elements->items[i];
        ASSERT(e->type < ELEMENT_TYPES && e->category_depth >= -1);
        ASSERT(str_is_utf8(e->text) && str_is_utf8(e->text_as_html));
        ASSERT(element_rare(e)->link_texts.count == element_rare(e)->link_urls.count);
        ASSERT(element_rare(e)->emphasized_contents.count == element_rare(e)->emphasized_tags.count);
    }
}

/* A refusal is fine, a wrong element is not; what there is can always be written. Limits are set here, all else is in `options`. */
static inline void fuzz_partition_with(Partitioner *partitioner, Str filetype, PartitionOptions options,
                                       const uint8_t *data, size_t size)
{
    Error *error = charset_warm_up();
    ASSERT(!error);
    html_warm_up();
    CLEANUP(arena_freep) Arena *arena = arena_new(32 * MIB);
    CLEANUP(buffer_done) Buffer json = {.limit = 64 * MIB};
    ASSERT(arena);
    Expansion expansion = {.bytes_left = 8 * MIB, .members_left = 1000, .levels_left = 3};
    options.text_max_bytes = 4 * MIB;
    options.uncompress = true;
    options.expansion = &expansion;
    Elements elements = {.arena = arena, .count_max = 10000};
    error_free(partitioner(bytes_from(data, size), filetype, &options, NULL, &elements));
    fuzz_check_elements(&elements);
    DocumentInfo info = {.filename = STR("f"), .filetype = filetype};
    error = elements_finish(&elements, &info);
    if (!error)
        error = elements_write_json(&elements, &info, (ElementJsonOptions){ELEMENT_JSON_LINES}, &json);
    error_free(error);
}

static inline void fuzz_partition(Partitioner *partitioner, Str filetype, const uint8_t *data, size_t size)
{
    fuzz_partition_with(partitioner, filetype, (PartitionOptions){0}, data, size);
}

#endif
