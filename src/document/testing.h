/* testing.h - what the tests of partitioners share: elements as one line of text each. Tests only. */
#ifndef DOCUMENT_TESTING_H
#define DOCUMENT_TESTING_H

#include "base/buffer.h"
#include "base/testing.h"
#include "document/partition.h"

/* One case: what goes in, and what comes out as "Type text" lines. A heading's or item's depth stands behind the type: "Title:0 text". */
typedef struct PartitionCase {
    const char *name, *input, *expected;
} PartitionCase;

static inline void append_element_line(Buffer *out, const Element *e)
{
    assert_ok(buffer_append_str(out, element_type_name(e->type)));
    if (e->category_depth >= 0)
        assert_ok(buffer_append_format(out, ":%d", e->category_depth));
    assert_ok(buffer_append_format(out, " " STR_FMT "\n", STR_ARG(e->text)));
}

static inline void assert_elements(const char *name, const Elements *elements, const char *expected)
{
    CLEANUP(buffer_done) Buffer out = {0};
    for (size_t i = 0; i < elements->count; i++)
        append_element_line(&out, &elements->items[i]);
    if (!str_equal(buffer_str(&out), str_of(expected)))
        print_error("%s: got\n" STR_FMT "instead of\n%s", name, STR_ARG(buffer_str(&out)), expected);
    assert_true(str_equal(buffer_str(&out), str_of(expected)));
}

static inline void assert_partitions(Partitioner *partitioner, const char *filetype, const PartitionCase *cases,
                                     size_t count, PartitionOptions options)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        assert_ok(partitioner(str_bytes(str_of(cases[i].input)), str_of(filetype), &options, NULL, &elements));
        assert_elements(cases[i].name, &elements, cases[i].expected);
    }
}

#endif
