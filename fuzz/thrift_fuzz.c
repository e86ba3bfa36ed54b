/* The footer and page headers: what can be read can be written, and reads back to the same bytes. */
#include <stdlib.h>

#include "parquet/metadata.h"
#include "parquet/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const ThriftStruct *type, void *object, Arena *arena)
{
    CLEANUP(buffer_done) Buffer first = {0}, second = {0};
    CLEANUP(cleanup_free) void *again = calloc(1, type->size);

    error_free(thrift_write(type, object, &first));
    Reader in = reader_of(buffer_bytes(&first));
    Error *error = thrift_read(&in, type, arena, again);
    if (error) { /* only for want of memory: what we write is well-formed */
        if (error_code(error) != ERR_LIMIT)
            abort();
        error_free(error);
        return;
    }
    error_free(thrift_write(type, again, &second));
    if (!str_equal(buffer_str(&first), buffer_str(&second)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(16 * MIB);
    FileMetaData file = {0};
    PageHeader page = {0};
    Schema schema;

    Reader in = reader_of(bytes_from(data, size));
    Error *error = thrift_read(&in, &FILE_METADATA_THRIFT, arena, &file);
    if (!error) {
        round_trip(&FILE_METADATA_THRIFT, &file, arena);
        error_free(schema_build(&file, arena, &schema));
    }
    error_free(error);
    in = reader_of(bytes_from(data, size));
    error = thrift_read(&in, &PAGE_HEADER_THRIFT, arena, &page);
    if (!error)
        round_trip(&PAGE_HEADER_THRIFT, &page, arena);
    error_free(error);
    return 0;
}
