#include "store/s3/metadata.h"

#include <stdlib.h>

#include "store/s3/rfc2047.h"

#define META_PREFIX "x-amz-meta-"
enum { META_PREFIX_BYTES = sizeof(META_PREFIX) - 1 };

/* The characters of a token of RFC 9110 5.6.2, in lower case. */
static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

MUST_USE static Error *header_name(Str name, Arena *arena, Str *ret_name)
{
    char *out = arena_alloc(arena, META_PREFIX_BYTES + name.len);
    if (!out)
        return arena_error(arena);
    memcpy(out, META_PREFIX, META_PREFIX_BYTES);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        out[META_PREFIX_BYTES + i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        if (!is_name_char(out[META_PREFIX_BYTES + i]))
            return FAIL(INVALID,
                        "the metadata's name '" STR_FMT "' cannot be a header's (letters, digits, '-', '_', '.')",
                        STR_ARG(name));
    }
    *ret_name = str_from(out, META_PREFIX_BYTES + name.len);
    return name.len > 0 ? NULL : FAIL(INVALID, "metadata without a name");
}

static int compare_names(const void *left, const void *right)
{
    const SignedHeader *a = left, *b = right;
    return str_compare(a->name, b->name);
}

MUST_USE static Error *check_headers(const SignedHeader *headers, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += headers[i].name.len - META_PREFIX_BYTES + headers[i].value.len;
        if (i > 0 && str_equal(headers[i - 1].name, headers[i].name))
            return FAIL(INVALID, "the metadata '" STR_FMT "' is there twice",
                        (int)(headers[i].name.len - META_PREFIX_BYTES), headers[i].name.data + META_PREFIX_BYTES);
    }
    if (bytes > METADATA_MAX_BYTES)
        return FAIL(
            INVALID,
            "the metadata has %zu bytes as S3 counts them (names, and values as they are sent), and %d are allowed",
            bytes, METADATA_MAX_BYTES);
    return NULL;
}

/* What came from a service goes back as it was: other programs read what it says and not what it means. */
MUST_USE static Error *header_value(const MetadataEntry *entry, Arena *arena, Str *ret_value)
{
    if (entry->raw.len > 0) {
        *ret_value = entry->raw;
        return NULL;
    }
    TRY_CTX(rfc2047_encode(entry->value, arena, ret_value), "the metadata '" STR_FMT "'", STR_ARG(entry->name));
    return NULL;
}

Error *metadata_to_headers(Metadata metadata, Arena *arena, SignedHeader **ret_headers)
{
    SignedHeader *headers = ARENA_ARRAY(arena, SignedHeader, metadata.count);
    if (!headers)
        return arena_error(arena);
    for (size_t i = 0; i < metadata.count; i++) {
        const MetadataEntry *entry = &metadata.entries[i];
        TRY(header_name(entry->name, arena, &headers[i].name));
        TRY(header_value(entry, arena, &headers[i].value));
    }
    if (metadata.count > 1)
        qsort(headers, metadata.count, sizeof(*headers), compare_names);
    TRY(check_headers(headers, metadata.count));
    *ret_headers = headers;
    return NULL;
}

/* Bytes beyond ASCII mean other text to the next service, and nothing else may be in a header. */
static bool is_printable(Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            return false;
    }
    return true;
}

Error *metadata_from_response(const HttpResponse *response, Arena *arena, Metadata *ret_metadata)
{
    Str name, value;
    size_t count = 0, filled = 0;

    for (size_t at = 0; http_response_next_amz(response, &at, &name, &value);)
        count += str_starts_with(name, STR(META_PREFIX));
    MetadataEntry *entries = ARENA_ARRAY(arena, MetadataEntry, count);
    if (!entries)
        return arena_error(arena);
    for (size_t at = 0; http_response_next_amz(response, &at, &name, &value);) {
        if (!str_starts_with(name, STR(META_PREFIX)))
            continue;
        MetadataEntry *entry = &entries[filled++];
        entry->name = arena_str(arena, str_slice(name, META_PREFIX_BYTES, name.len));
        Str raw = arena_str(arena, value);
        if (!entry->name.data || !raw.data)
            return arena_error(arena);
        entry->raw = is_printable(raw) ? raw : STR_EMPTY;
        TRY(rfc2047_decode(raw, arena, &entry->value));
    }
    *ret_metadata = (Metadata){entries, filled};
    return NULL;
}
