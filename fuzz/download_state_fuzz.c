/* The record beside an unfinished download, as it may be found on a disk. What is read comes out the same when it is written again. */
#include "store/download_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const DownloadIdentity identity = {STR("key"), STR("etag"), 100};
    Str rest = str_from((const char *)data, size);
    uint64_t part_bytes;
    DownloadPart part, again;

    if (download_state_open(&rest, &identity, &part_bytes))
        ASSERT(part_bytes > 0);
    while (download_state_next(&rest, &part)) {
        CLEANUP(buffer_done) Buffer line = {0};
        Error *error = download_state_add(&line, &part);
        if (!error) {
            Str written = buffer_str(&line);
            ASSERT(download_state_next(&written, &again));
            ASSERT(again.index == part.index && checksum_equal(&again.checksum, &part.checksum));
        }
        error_free(error);
    }
    return 0;
}
