/* Any bytes as an answer or a request of quern-parse: what is accepted is encoded again to the same bytes. */
#include "document/wire.h"

static void try_elements(Bytes frame)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
    CLEANUP(buffer_done) Buffer again = {0};
    ASSERT(arena);
    Elements elements = {.arena = arena, .count_max = 10000};
    Str filetype;
    Error *error = wire_decode_elements(frame, &elements, &filetype);
    if (error) {
        ASSERT(elements.count == 0);
        error_free(error);
        return;
    }
    error = wire_encode_elements(&elements, 0, elements.count, filetype, &again);
    ASSERT(!error);
    ASSERT(str_equal(buffer_str(&again), bytes_str(frame)));
}

static void try_request(Bytes frame)
{
    CLEANUP(buffer_done) Buffer again = {0};
    PartitionOptions options;
    Error *error = wire_decode_request(frame, &options);
    if (error) {
        error_free(error);
        return;
    }
    error = wire_encode_request(&options, &again);
    ASSERT(!error);
    ASSERT(str_equal(buffer_str(&again), bytes_str(frame)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_elements(bytes_from(data, size));
    try_request(bytes_from(data, size));
    return 0;
}
