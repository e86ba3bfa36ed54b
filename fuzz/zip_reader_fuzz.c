/* Any bytes as a zip file: members are read within a budget, found by their names, and never more than the budget comes out. */
#include "document/zip_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(zip_reader_freep) ZipReader *zip = NULL;
    CLEANUP(buffer_done) Buffer out = {0};
    enum { BUDGET_BYTES = 4 * 1024 * 1024 };
    Expansion expansion = {.bytes_left = BUDGET_BYTES, .members_left = 100};
    Error *error = zip_reader_new(bytes_from(data, size), &expansion, &zip);
    for (size_t i = 0; !error && i < zip_reader_count(zip); i++) {
        size_t found;
        ASSERT(str_is_utf8(zip_reader_name(zip, i)));
        ASSERT(zip_reader_find(zip, zip_reader_name(zip, i), &found));
        error_free(zip_reader_read(zip, i, &out));
    }
    ASSERT(out.len <= BUDGET_BYTES - expansion.bytes_left);
    error_free(error);
    return 0;
}
