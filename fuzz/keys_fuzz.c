/* What names and values that come with objects say: patterns on keys, the provider in a key, times. A pattern, a key, a partition, each ended by a
 * zero byte. */
#include "base/time_text.h"
#include "jobs/copy/wanted.h"
#include "jobs/glob.h"
#include "jobs/provider/provider_key.h"

static void try_pattern(Str pattern, Str key)
{
    for (GlobDialect dialect = GLOB_RCLONE; dialect <= GLOB_FNMATCH; dialect++) {
        Glob *glob;
        Error *error = glob_new(pattern, dialect, &glob);
        if (!error) {
            (void)glob_matches(glob, key);
            glob_free(glob);
        }
        error_free(error);
    }
}

/* Without its provider put in, a key has it. */
static void try_provider(Str key, Str partition)
{
    static ProviderMap *map; /* lives as long as the process */
    CLEANUP(buffer_done) Buffer scratch = {0}, with = {0};
    MediaTitle title;
    partition = key_partition(partition);
    if (!map) {
        Error *error = provider_map_new_default(&map);
        ASSERT(!error);
    }
    if (key_kind(key, partition) != KEY_DATA)
        return;
    Error *error = key_media_title(map, key, partition, &scratch, &title);
    bool below = partition.len == 0
                 || (str_starts_with(key, partition) && key.len > partition.len && key.data[partition.len] == '/');
    if (!error) {
        ASSERT(provider_is_known(map, title.provider) && title.alias.len > 0);
        if (below)
            error = key_with_provider(key, partition, partition, &title, &with);
        ASSERT(error || !below || with.len >= key.len);
    }
    error_free(error);
}

static void try_times(Str text)
{
    int64_t time, again;
    char out[TIME_TEXT_BYTES], mtime[MTIME_TEXT_BYTES];
    if (time_parse_iso8601(text, &time))
        ASSERT(time_parse_iso8601(time_iso8601(time, out), &again) && again == time);
    if (time_parse_http(text, &time))
        ASSERT(time_parse_http(time_http(time, out), &again) && again == time);
    if (mtime_parse(text, &time))
        ASSERT(mtime_parse(mtime_text(time, mtime), &again) && again == time);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Str rest = str_from(data, size), pattern, key = STR_EMPTY, partition = STR_EMPTY;
    if (!str_next_piece(&rest, '\0', &pattern))
        return 0;
    if (rest.data && str_next_piece(&rest, '\0', &key) && rest.data)
        (void)str_next_piece(&rest, '\0', &partition);
    try_pattern(pattern, key);
    try_provider(key, partition);
    try_times(key);
    return 0;
}
