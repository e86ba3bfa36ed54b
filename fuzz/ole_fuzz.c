/* Any bytes as an OLE compound file: every stream that can be reached is read, twice. */
#include "document/ole_reader.h"

static void read_below(OleReader *reader, uint32_t storage, unsigned depth)
{
    for (uint32_t at = ole_reader_entry(reader, storage)->first_child; at != OLE_NONE;
         at = ole_reader_entry(reader, at)->next_sibling) {
        const OleEntry *entry = ole_reader_entry(reader, at);
        ASSERT(str_is_utf8(entry->name));
        if (entry->is_storage && depth > 0)
            read_below(reader, at, depth - 1);
        Bytes first, second;
        Error *error = ole_reader_stream(reader, at, &first);
        if (!error) {
            error = ole_reader_stream(reader, at, &second);
            ASSERT(!error && first.data == second.data && first.len == second.len);
            ASSERT(first.len == entry->size_bytes);
        }
        error_free(error);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(ole_reader_freep) OleReader *reader = NULL;
    Error *error = ole_reader_new(bytes_from(data, size), &reader);
    if (!error)
        read_below(reader, OLE_ROOT, 100);
    error_free(error);
    return 0;
}
