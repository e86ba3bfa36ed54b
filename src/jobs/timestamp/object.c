/* object.c - one object: is there something to do, what is its time, and the copy onto itself that says so. */
#include <inttypes.h>
#include <string.h>

#include "base/time_text.h"
#include "jobs/timestamp/job.h"
#include "jobs/timestamp/ranges.h"

/* Where the first line is wanted: of bzip2 a whole block is needed for it, and these hold that of almost any text; of others some lines. */
#define FIRST_BLOCK_BYTES ((size_t)384 * KIB)
#define FIRST_BYTES ((size_t)64 * KIB)
#define HEAD_ARENA_BYTES ((size_t)1 * MIB)

enum { RECHECK_SECONDS = 60, MAGIC_BYTES = 4 };

/* ---- its bytes ---- */

typedef struct ObjectSource {
    Item *item;
    Ranges ranges;
} ObjectSource;

static size_t first_bytes(const Timestamp *job, Str key)
{
    return job->all_lines ? RANGE_MAX_BYTES : str_ends_with(key, STR(".bz2")) ? FIRST_BLOCK_BYTES : FIRST_BYTES;
}

MUST_USE static Error *source_init(ObjectSource *source, Timestamp *job, const Cancel *cancel, Item *item,
                                   const ObjectInfo *object)
{
    RangesOptions options = {.store = job->source.store,
                             .cancel = cancel,
                             .key = item->key,
                             .etag = object->etag,
                             .size_bytes = object->size_bytes,
                             .first_bytes = first_bytes(job, item->key),
                             .ahead = job->ranges_ahead};
    source->item = item;
    return ranges_init(&source->ranges, &options);
}

static void source_done(ObjectSource *source)
{
    ranges_done(&source->ranges);
}

static Error *read_source(void *context, size_t len, Buffer *input)
{
    ObjectSource *source = context;
    size_t before = input->len;
    TRY(ranges_read(&source->ranges, len, input));
    source->item->bytes_done += input->len - before;
    return NULL;
}

/* By the name's ending, as people mean it; a name without one of them by how the content begins. */
MUST_USE static Error *find_format(ObjectSource *source, TextFormat *ret_format)
{
    static const struct {
        const char *ending, *magic;
        TextFormat format;
    } formats[] = {
        {".bz2", "BZh", TEXT_BZIP2}, {".gz", "\x1f\x8b", TEXT_GZIP}, {".zst", "\x28\xb5\x2f\xfd", TEXT_ZSTD}};
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        if (str_ends_with(source->item->key, str_of(formats[i].ending))) {
            *ret_format = formats[i].format;
            return NULL;
        }
    }
    Bytes bytes;
    TRY(ranges_peek(&source->ranges, &bytes));
    Str begin = bytes_str(bytes);
    *ret_format = TEXT_PLAIN;
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++)
        if (str_starts_with(begin, str_of(formats[i].magic)))
            *ret_format = formats[i].format;
    if (*ret_format == TEXT_PLAIN && !str_starts_with(str_trim(begin), STR("{")))
        return FAIL(CORRUPT, "it is neither compressed nor lines of JSON objects");
    return NULL;
}

/* ---- its time ---- */

typedef struct SkipLog {
    const Timestamp *job;
    Str key;
    uint64_t told; /* up to this line they are said already */
} SkipLog;

static void tell_skip(void *context, const ScanSkip *skip)
{
    SkipLog *log = context;
    CLEANUP(buffer_done) Buffer shown = {0};
    if (skip->line <= log->told)
        return;
    log->told = skip->line;
    log_warning(log->job->env->log, "Skipping invalid record: %s (line %" PRIu64 " of '%s'). Line content: " STR_FMT,
                skip->problem, skip->line, timestamp_shown(log->job, log->key, &shown), STR_ARG(skip->content));
}

/* From the beginning, as `options` say; of the format that it finds unless `serial`. */
MUST_USE static Error *scan_once(Timestamp *job, const Cancel *cancel, Item *item, const ObjectInfo *object,
                                 bool serial, ScanOptions *options, ScanResult *ret_result)
{
    CLEANUP(source_done) ObjectSource source = {0};
    TextSource text = {read_source, &source};
    TRY(source_init(&source, job, cancel, item, object));
    TRY(find_format(&source, &options->format));
    if (serial && options->format == TEXT_BZIP2)
        options->format = TEXT_BZIP2_SERIAL;
    return scan_text(job->pool, &text, options, ret_result);
}

MUST_USE static Error *scan_object(Timestamp *job, const Cancel *cancel, Item *item, const ObjectInfo *object,
                                   ScanResult *ret_result)
{
    SkipLog log = {.job = job, .key = item->key};
    ScanOptions options = {.ts_key = job->ts_key,
                           .all_lines = job->all_lines,
                           .ahead = job->all_lines ? job->ahead : 0,
                           .skipped = tell_skip,
                           .context = &log};
    Error *error = scan_once(job, cancel, item, object, false, &options, ret_result);
    if (error_code(error) != ERR_CORRUPT || options.format != TEXT_BZIP2)
        return error;
    error_free(error); /* only the serial decoder knows what is damaged */
    return scan_once(job, cancel, item, object, true, &options, ret_result);
}

/* Whole seconds, of what the server says. */
static int64_t modified_seconds(const ObjectInfo *object)
{
    int64_t us = object->modified_us;
    return us / 1000000 - (us % 1000000 < 0);
}

/* The value that the object should have, in `out`; "" when it should stay what it is, `present`. */
MUST_USE static Error *find_value(Timestamp *job, const Cancel *cancel, Item *item, const ObjectInfo *object,
                                  const Str *present, char out[TIME_TEXT_BYTES])
{
    ScanResult scan;
    Error *error = scan_object(job, cancel, item, object, &scan);
    if (error && (error_code(error) == ERR_CORRUPT || error_code(error) == ERR_LIMIT)) {
        error = error_wrap(error, "Error processing timestamps");
        CLEANUP(buffer_done) Buffer shown = {0}, reason = {0};
        log_error(job->env->log, "%s ('%s')", timestamp_reason(job, item->key, error, &reason),
                  timestamp_shown(job, item->key, &shown));
    }
    TRY(error);
    if (scan.found) {
        time_iso8601(scan.seconds * 1000000, out);
        return NULL;
    }
    job->counts.no_usable_record++;
    CLEANUP(buffer_done) Buffer shown = {0};
    const char *key = timestamp_shown(job, item->key, &shown);
    if (scan.has_ts)
        log_warning(job->env->log, "records of '%s' have a 'ts', which is not looked at with --ts-key " STR_FMT, key,
                    STR_ARG(job->ts_key));
    if (present) {
        *out = 0;
        log_warning(job->env->log, "No valid timestamp found in records of '%s'. Keeping its '" STR_FMT "': " STR_FMT,
                    key, STR_ARG(job->name), STR_ARG(*present));
        return NULL;
    }
    time_iso8601(modified_seconds(object) * 1000000, out);
    log_warning(job->env->log, "No valid timestamp found in records. Using fallback timestamp: %s ('%s')", out, key);
    return NULL;
}

/* ---- the copy ---- */

MUST_USE static Error *with_value(const Metadata *old, Str name, Str value, Arena *arena, Metadata *ret_new)
{
    MetadataEntry *entries = ARENA_ARRAY(arena, MetadataEntry, old->count + 1);
    size_t count = 0;
    bool has = false;
    if (!entries)
        return arena_error(arena);
    for (size_t i = 0; i < old->count; i++) {
        bool named = str_equal_nocase(old->entries[i].name, name);
        bool stays = !named || str_equal(old->entries[i].value, value);
        has = has || (named && stays);
        if (stays)
            entries[count++] = old->entries[i];
    }
    if (!has)
        entries[count++] = (MetadataEntry){name, value};
    *ret_new = (Metadata){entries, count};
    return NULL;
}

/* The object that was written shows what it was given. */
MUST_USE static Error *verify(Store *store, const Cancel *cancel, Str key, const ObjectInfo *object,
                              const Metadata *wanted, Arena *arena)
{
    ObjectInfo now;
    TRY_CTX(store_head(store, cancel, key, arena, &now), "look at what was written");
    if (now.size_bytes != object->size_bytes)
        return FAIL(CHANGED, "it has %" PRIu64 " bytes after the copy, not %" PRIu64 ": somebody else wrote it",
                    now.size_bytes, object->size_bytes);
    for (size_t i = 0; i < wanted->count; i++) {
        const Str *value = metadata_find_view(now.metadata, wanted->entries[i].name);
        if (!value || !str_equal(*value, wanted->entries[i].value))
            return FAIL(CORRUPT, "the server does not show the metadata '" STR_FMT "' that it was given",
                        STR_ARG(wanted->entries[i].name));
    }
    return NULL;
}

MUST_USE static Error *write_value(Timestamp *job, const Cancel *cancel, Item *item, const ObjectInfo *object,
                                   Str value, Arena *arena)
{
    bool in_place = !job->target.store;
    Str key = item->key;
    Store *target = in_place ? job->source.store : job->target.store;
    Str target_key = in_place ? key : job->target.prefix;
    CopyOptions copy = {.if_from_etag = object->etag, .from_info = object, .replace = true, .headers = object->headers};
    TRY(with_value(&object->metadata, job->name, value, arena, &copy.metadata));
    if (in_place)
        TRY(item_rewrites(item, object->etag));
    TRY_CTX(store_copy(target, cancel, target_key, job->source.store, key, &copy), "write the metadata");
    if (in_place)
        old_versions_note(&job->old, object);
    return verify(target, cancel, target_key, object, &copy.metadata, arena);
}

/* Says what would be done, unless the service would refuse it. */
MUST_USE static Error *rehearse(Timestamp *job, Item *item, const ObjectInfo *object, Str value, Arena *arena)
{
    CLEANUP(buffer_done) Buffer shown = {0};
    bool in_place = !job->target.store;
    PutOptions put = {.headers = object->headers};
    TRY(with_value(&object->metadata, job->name, value, arena, &put.metadata));
    TRY_CTX(store_check_put(in_place ? job->source.store : job->target.store, in_place ? item->key : job->target.prefix,
                            &put),
            "write the metadata");
    log_info(job->env->log, "would set '" STR_FMT "' of '%s' to " STR_FMT, STR_ARG(job->name),
             timestamp_shown(job, item->key, &shown), STR_ARG(value));
    if (in_place)
        old_versions_note(&job->old, object);
    item_skip(item, "would be set (dry run)");
    return NULL;
}

/* ---- the object ---- */

/* It has the name: is there a reason to look at it all the same? */
static bool is_wanted_again(const Timestamp *job, const ObjectInfo *object, const Str *present)
{
    int64_t value_us;
    if (job->force)
        return true;
    if (!job->recheck || !time_parse_iso8601(*present, &value_us))
        return false;
    int64_t apart = value_us / 1000000 - modified_seconds(object);
    return apart >= -RECHECK_SECONDS && apart <= RECHECK_SECONDS;
}

/* " ('KEY')", by which a line among those of other objects is known; the original has none. */
static const char *key_behind(const Timestamp *job, Str key, Buffer *out)
{
    CLEANUP(buffer_done) Buffer shown = {0};
    if (job->strict)
        return "";
    buffer_clear(out);
    Error *error = buffer_append_format(out, " ('%s')", timestamp_shown(job, key, &shown));
    const char *text = error ? NULL : buffer_cstr(out);
    error_free(error); /* a line without its key */
    return text ? text : "";
}

MUST_USE static Error *skip_present(Timestamp *job, Item *item)
{
    CLEANUP(buffer_done) Buffer shown = {0};
    job->counts.already_set++;
    log_info(job->env->log, "[SKIP] Metadata key '" STR_FMT "' already exists.%s", STR_ARG(job->name),
             key_behind(job, item->key, &shown));
    if (job->one_file && job->strict)
        return FAIL(EXISTS, "Metadata key already exists.");
    if (!job->one_file)
        log_info(job->env->log, "File skipped: %s", timestamp_shown(job, item->key, &shown));
    item_skip(item, "metadata key '" STR_FMT "' already exists", STR_ARG(job->name));
    return NULL;
}

MUST_USE static Error *look_again(const Timestamp *job, const Cancel *cancel, Str key, Arena *arena, ObjectInfo *object)
{
    ObjectInfo now;
    TRY(store_head(job->source.store, cancel, key, arena, &now));
    if (!str_equal(now.etag, object->etag))
        return FAIL(CHANGED, "it was replaced while it was read");
    *object = now;
    return NULL;
}

MUST_USE static Error *stamp_object(Timestamp *job, const Cancel *cancel, Item *item)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(HEAD_ARENA_BYTES);
    ObjectInfo object;
    char value[TIME_TEXT_BYTES];
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(store_head(job->source.store, cancel, item->key, arena, &object));
    const Str *present = metadata_find_view(object.metadata, job->name);
    if (present && !is_wanted_again(job, &object, present))
        return skip_present(job, item);
    if (object.metadata_missing)
        return FAIL(UNSUPPORTED,
                    "%u of its metadata entries cannot be shown by the server (x-amz-missing-meta) and would be lost",
                    object.metadata_missing);
    TRY(find_value(job, cancel, item, &object, present, value));
    Str wanted = *value ? str_of(value) : *present;
    if (present && str_equal(*present, wanted) && !job->target.store) { /* --output is written in any case */
        job->counts.already_right++;
        item_skip(item, "the value is right already");
        return NULL;
    }
    if (job->dry_run)
        return rehearse(job, item, &object, wanted, arena);
    if (job->all_lines) /* which may have taken minutes: metadata that came meanwhile stay */
        TRY(look_again(job, cancel, item->key, arena, &object));
    TRY(write_value(job, cancel, item, &object, wanted, arena));
    job->counts.updated++;
    return NULL;
}

/* The key of --output is no item's, and would be told with its error. */
MUST_USE static Error *work_once(Timestamp *job, const Cancel *cancel, Item *item)
{
    Error *error = stamp_object(job, cancel, item);
    if (!error || !job->redact || !job->target.store)
        return error;
    return report_hide_key(report_hide_key(error, item->key), job->target.prefix);
}

Error *timestamp_work(void *context, Worker *worker, Item *item)
{
    Timestamp *job = context;
    CLEANUP(buffer_done) Buffer shown = {0}, reason = {0};
    if (!job->one_file)
        log_info(job->env->log, "Processing file: %s", timestamp_shown(job, item->key, &shown));
    Error *error = work_once(job, worker_cancel(worker), item);
    if (error_code(error) == ERR_CHANGED) {
        log_info(job->env->log, "%s: reading it again ('%s')", timestamp_reason(job, item->key, error, &reason),
                 timestamp_shown(job, item->key, &shown));
        error_free(error); /* the object as it is now is another one */
        error = work_once(job, worker_cancel(worker), item);
    }
    if (!error || error_code(error) == ERR_CANCELLED)
        return error;
    job->counts.failed++;
    if (!job->one_file)
        log_warning(job->env->log, "Skipping file due to error: %s%s", timestamp_reason(job, item->key, error, &reason),
                    key_behind(job, item->key, &shown));
    return error;
}
