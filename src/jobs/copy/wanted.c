#include "jobs/copy/wanted.h"

#include <stddef.h>
#include <stdio.h>

#include "base/time_text.h"

#define NS_PER_SECOND INT64_C(1000000000)
enum { DECIMALS_MAX = 9, SECONDS_DIGITS_MAX = 10 };

/* ---- rclone's mtime ---- */

static bool is_digits(Str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

bool mtime_parse(Str text, int64_t *ret_ns)
{
    bool negative = str_starts_with(text, STR("-"));
    Str whole = str_slice(text, negative, text.len), decimals = STR_EMPTY;
    size_t point = str_find_char(whole, '.');
    int64_t seconds, fraction = 0;
    if (point != SIZE_MAX) {
        decimals = str_slice(whole, point + 1, whole.len);
        whole = str_slice(whole, 0, point);
    }
    bool shaped = whole.len > 0 && whole.len <= SECONDS_DIGITS_MAX && decimals.len <= DECIMALS_MAX && is_digits(whole)
                  && is_digits(decimals) && (point == SIZE_MAX || decimals.len > 0);
    if (!shaped || !str_to_i64(whole, &seconds) || seconds > INT64_MAX / NS_PER_SECOND - 1)
        return false;
    for (size_t i = 0; i < DECIMALS_MAX; i++)
        fraction = fraction * 10 + (i < decimals.len ? decimals.data[i] - '0' : 0);
    int64_t ns = seconds * NS_PER_SECOND + fraction;
    *ret_ns = negative ? -ns : ns;
    return true;
}

Str mtime_text(int64_t ns, char out[MTIME_TEXT_BYTES])
{
    uint64_t size = ns < 0 ? (uint64_t)0 - (uint64_t)ns : (uint64_t)ns;
    int len = snprintf(out, MTIME_TEXT_BYTES, "%s%llu.%09llu", ns < 0 ? "-" : "",
                       (unsigned long long)(size / NS_PER_SECOND), (unsigned long long)(size % NS_PER_SECOND));
    Str text = str_from(out, (size_t)len);
    while (str_ends_with(text, STR("0")))
        text.len--;
    if (str_ends_with(text, STR(".")))
        text.len--;
    return text;
}

/* ---- what is wanted ---- */

static ObjectHeaders content_headers(const ObjectHeaders *from)
{
    return (ObjectHeaders){.content_type = from->content_type,
                           .cache_control = from->cache_control,
                           .content_disposition = from->content_disposition,
                           .content_encoding = from->content_encoding,
                           .content_language = from->content_language};
}

static bool rclone_makes(Str name)
{
    return str_equal_nocase(name, STR("mtime")) || str_equal_nocase(name, STR("btime"))
           || str_equal_nocase(name, STR("md5chksum"));
}

static Error *rclone_metadata(const ObjectInfo *from, Arena *arena, Metadata *ret_metadata)
{
    char mtime[MTIME_TEXT_BYTES], btime[TIME_TEXT_BYTES];
    int64_t ns = from->modified_us * 1000;
    const Str *own = metadata_find_view(from->metadata, STR("mtime"));
    MetadataEntry *entries = ARENA_ARRAY(arena, MetadataEntry, from->metadata.count + 2);
    size_t count = 0;
    if (!entries)
        return arena_error(arena);
    for (size_t i = 0; i < from->metadata.count; i++)
        if (!rclone_makes(from->metadata.entries[i].name))
            entries[count++] = from->metadata.entries[i];
    if (own && !mtime_parse(str_trim(*own), &ns))
        ns = from->modified_us * 1000; /* as rclone: one that cannot be read counts as none */
    entries[count++] = (MetadataEntry){STR("mtime"), arena_str(arena, mtime_text(ns, mtime))};
    entries[count++] = (MetadataEntry){STR("btime"), arena_str(arena, time_iso8601(from->modified_us, btime))};
    if (!entries[count - 2].value.data || !entries[count - 1].value.data)
        return arena_error(arena);
    *ret_metadata = (Metadata){entries, count};
    return NULL;
}

Error *wanted_of(const ObjectInfo *from, MetadataMode mode, Arena *arena, Wanted *ret_wanted)
{
    Wanted wanted = {0};
    if (mode == METADATA_VERBATIM) {
        wanted = (Wanted){from->headers, from->metadata};
    } else {
        wanted.headers = content_headers(&from->headers);
        if (mode == METADATA_RCLONE) {
            wanted.headers.storage_class = from->headers.storage_class;
            TRY(rclone_metadata(from, arena, &wanted.metadata));
        }
    }
    *ret_wanted = wanted;
    return NULL;
}

void wanted_for_another_service(Wanted *wanted)
{
    ObjectHeaders *headers = &wanted->headers;
    headers->encryption = headers->encryption_key_id = headers->bucket_key = STR_EMPTY;
    headers->lock_mode = headers->lock_until = headers->lock_legal_hold = STR_EMPTY;
}

/* ---- how it differs ---- */

typedef struct HeaderName {
    const char *name;
    size_t offset;
    bool of_service; /* a directory does not keep it */
} HeaderName;

static const HeaderName compared_headers[] = {
    {"content-type", offsetof(ObjectHeaders, content_type), false},
    {"cache-control", offsetof(ObjectHeaders, cache_control), false},
    {"content-disposition", offsetof(ObjectHeaders, content_disposition), false},
    {"content-encoding", offsetof(ObjectHeaders, content_encoding), false},
    {"content-language", offsetof(ObjectHeaders, content_language), false},
    {"expires", offsetof(ObjectHeaders, expires), false},
    {"website-redirect", offsetof(ObjectHeaders, website_redirect), true},
};

static Str header_value(const ObjectHeaders *headers, size_t offset)
{
    return *(const Str *)(const void *)((const char *)headers + offset);
}

/* Two names and the lack of one for "bytes of no known kind". */
static bool is_any_type(Str type)
{
    return type.len == 0 || str_equal(type, STR("application/octet-stream"))
           || str_equal(type, STR("binary/octet-stream"));
}

typedef Error *DifferenceFn(void *context, Str name, const Str *before, const Str *after);

static bool headers_same(size_t offset, Str wanted, Str has)
{
    bool type = offset == offsetof(ObjectHeaders, content_type);
    return str_equal(wanted, has) || (type && is_any_type(wanted) && is_any_type(has));
}

static Error *each_header(const Wanted *wanted, const ObjectInfo *has, bool local, DifferenceFn *each, void *context)
{
    for (size_t i = 0; i < ARRAY_COUNT(compared_headers); i++) {
        const HeaderName *header = &compared_headers[i];
        Str after = header_value(&wanted->headers, header->offset);
        Str before = has ? header_value(&has->headers, header->offset) : STR_EMPTY;
        if ((local && header->of_service) || headers_same(header->offset, after, before))
            continue;
        TRY(each(context, str_of(header->name), before.len ? &before : NULL, after.len ? &after : NULL));
    }
    return NULL;
}

/* White space at the ends of a value does not survive the way. */
static Error *each_entry(const Wanted *wanted, const ObjectInfo *has, DifferenceFn *each, void *context)
{
    Metadata old = has ? has->metadata : (Metadata){0};
    for (size_t i = 0; i < wanted->metadata.count; i++) {
        const MetadataEntry *entry = &wanted->metadata.entries[i];
        const Str *has_entry = metadata_find_view(old, entry->name);
        Str before = has_entry ? str_trim(*has_entry) : STR_EMPTY, after = str_trim(entry->value);
        if (!has_entry || !str_equal(before, after))
            TRY(each(context, entry->name, has_entry ? &before : NULL, &after));
    }
    for (size_t i = 0; i < old.count; i++)
        if (!metadata_find_view(wanted->metadata, old.entries[i].name))
            TRY(each(context, old.entries[i].name, &old.entries[i].value, NULL));
    return NULL;
}

static Error *each_difference(const Wanted *wanted, const ObjectInfo *has, bool local, DifferenceFn *each,
                              void *context)
{
    TRY(each_header(wanted, has, local, each, context));
    return each_entry(wanted, has, each, context);
}

static Error *count_difference(void *context, Str name, const Str *before, const Str *after)
{
    (void)name;
    (void)before;
    (void)after;
    (*(size_t *)context)++;
    return NULL;
}

bool wanted_equals(const Wanted *wanted, const ObjectInfo *has, bool local)
{
    size_t count = 0;
    Error *error = each_difference(wanted, has, local, count_difference, &count);
    ASSERT(!error); /* counting cannot fail */
    return count == 0;
}

static Error *append_side(Buffer *out, const Str *value)
{
    return value ? buffer_append_format(out, "'" STR_FMT "'", STR_ARG(*value)) : buffer_append_str(out, STR("none"));
}

static Error *append_difference(void *context, Str name, const Str *before, const Str *after)
{
    Buffer *out = context;
    if (out->len)
        TRY(buffer_append_str(out, STR(", ")));
    TRY(buffer_append_format(out, STR_FMT " ", STR_ARG(name)));
    TRY(append_side(out, before));
    TRY(buffer_append_str(out, STR(" -> ")));
    return append_side(out, after);
}

Error *wanted_append_differences(const Wanted *wanted, const ObjectInfo *has, bool local, Buffer *out)
{
    return each_difference(wanted, has, local, append_difference, out);
}

typedef struct Losses {
    Buffer *out;
    Str except;
} Losses;

static Error *append_loss(void *context, Str name, const Str *before, const Str *after)
{
    const Losses *losses = context;
    (void)before;
    if (!after || str_equal_nocase(name, losses->except))
        return NULL;
    if (losses->out->len)
        TRY(buffer_append_str(losses->out, STR(", ")));
    return buffer_append_str(losses->out, name);
}

Error *wanted_append_losses(const Wanted *wanted, const ObjectInfo *has, Str except, Buffer *out)
{
    Losses losses = {out, except};
    return each_difference(wanted, has, false, append_loss, &losses);
}
