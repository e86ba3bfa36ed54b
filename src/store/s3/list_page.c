#include "store/s3/list_page.h"

#include "base/time_text.h"
#include "store/s3/uri.h"
#include "store/s3/xml.h"

enum { ENTRIES_AT_FIRST = 1000, SECONDS_BYTES = sizeof "2026-11-21T09:39:54" - 1 };

typedef struct PageReader {
    Xml xml;
    Arena *arena;
    ListPage page;
    size_t capacity;
    bool url_encoded;
    Str seconds; /* the last time's text up to the seconds, and what it means: objects are often written in one go */
    int64_t seconds_us;
} PageReader;

MUST_USE static Error *new_entry(PageReader *in, ListEntry **ret_entry)
{
    if (in->page.count == in->capacity) {
        size_t capacity = in->capacity ? in->capacity * 2 : ENTRIES_AT_FIRST;
        ListEntry *grown = ARENA_ARRAY(in->arena, ListEntry, capacity);
        if (!grown)
            return arena_error(in->arena);
        if (in->page.count > 0)
            memcpy(grown, in->page.entries, in->page.count * sizeof(*grown));
        in->page.entries = grown;
        in->capacity = capacity;
    }
    *ret_entry = &in->page.entries[in->page.count++];
    **ret_entry = (ListEntry){.etag = STR_EMPTY, .storage_class = STR_EMPTY, .version_id = STR_EMPTY};
    return NULL;
}

/* ---- fields ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "2026-11-21T09:39:54.123Z" */
static bool parse_time(PageReader *in, Str text, int64_t *ret_us)
{
    bool usual = text.len == SECONDS_BYTES + 5 && text.data[SECONDS_BYTES] == '.' && text.data[text.len - 1] == 'Z'
                 && is_digit(text.data[20]) && is_digit(text.data[21]) && is_digit(text.data[22]);
    if (!usual)
        return time_parse_iso8601(text, ret_us);
    if (in->seconds.len == 0 || memcmp(in->seconds.data, text.data, SECONDS_BYTES) != 0) {
        in->seconds = STR_EMPTY;
        if (!time_parse_iso8601(str_slice(text, 0, SECONDS_BYTES), &in->seconds_us))
            return false;
        in->seconds = str_slice(text, 0, SECONDS_BYTES);
    }
    const char *ms = text.data + SECONDS_BYTES + 1;
    *ret_us = in->seconds_us + ((ms[0] - '0') * 100 + (ms[1] - '0') * 10 + (ms[2] - '0')) * INT64_C(1000);
    return true;
}

static Str without_quotes(Str etag)
{
    if (str_starts_with(etag, STR("W/")))
        etag = str_slice(etag, 2, etag.len);
    if (etag.len >= 2 && etag.data[0] == '"' && etag.data[etag.len - 1] == '"')
        return str_slice(etag, 1, etag.len - 1);
    return etag;
}

static bool is_true(Str text)
{
    return str_equal(str_trim(text), STR("true"));
}

typedef enum Field {
    FIELD_OTHER,
    FIELD_KEY,
    FIELD_SIZE,
    FIELD_ETAG,
    FIELD_LAST_MODIFIED,
    FIELD_STORAGE_CLASS,
    FIELD_VERSION_ID,
    FIELD_IS_LATEST
} Field;

static Field field_of(Str name)
{
    switch (name.len) {
    case 3: return memcmp(name.data, "Key", 3) == 0 ? FIELD_KEY : FIELD_OTHER;
    case 4:
        if (memcmp(name.data, "Size", 4) == 0)
            return FIELD_SIZE;
        return memcmp(name.data, "ETag", 4) == 0 ? FIELD_ETAG : FIELD_OTHER;
    case 8: return memcmp(name.data, "IsLatest", 8) == 0 ? FIELD_IS_LATEST : FIELD_OTHER;
    case 9: return memcmp(name.data, "VersionId", 9) == 0 ? FIELD_VERSION_ID : FIELD_OTHER;
    case 12:
        if (memcmp(name.data, "LastModified", 12) == 0)
            return FIELD_LAST_MODIFIED;
        return memcmp(name.data, "StorageClass", 12) == 0 ? FIELD_STORAGE_CLASS : FIELD_OTHER;
    default: return FIELD_OTHER;
    }
}

/* `*has_size`: set when it was the size. */
MUST_USE static Error *take_field(PageReader *in, Field field, Str text, ListEntry *entry, bool *has_size)
{
    switch (field) {
    case FIELD_KEY: entry->key = text; break;
    case FIELD_ETAG: entry->etag = without_quotes(str_trim(text)); break;
    case FIELD_VERSION_ID: entry->version_id = text; break;
    case FIELD_IS_LATEST: entry->is_latest = is_true(text); break;
    case FIELD_STORAGE_CLASS: entry->storage_class = str_equal(text, STR("STANDARD")) ? STR_EMPTY : text; break;
    case FIELD_SIZE:
        if (!str_to_u64(str_trim(text), &entry->size_bytes))
            return error_at(FAIL(CORRUPT, "the size '" STR_FMT "' is no number", STR_ARG(text)), in->xml.at);
        *has_size = true;
        break;
    case FIELD_LAST_MODIFIED:
        if (!parse_time(in, str_trim(text), &entry->modified_us))
            return error_at(FAIL(CORRUPT, "the time '" STR_FMT "' is malformed", STR_ARG(text)), in->xml.at);
        break;
    case FIELD_OTHER: break;
    }
    return NULL;
}

/* ---- elements ---- */

/* The text of an ETag as most servers write it, "&quot;...&quot;"; else unchanged. */
static Str without_quote_references(Str text)
{
    bool quoted =
        text.len >= 12 && memcmp(text.data, "&quot;", 6) == 0 && memcmp(text.data + text.len - 6, "&quot;", 6) == 0;
    return quoted ? str_slice(text, 6, text.len - 6) : text;
}

/* "<Name>text</Name>" without anything special in it, which nearly all fields are: passes over it and gives both. False, and nothing is
 * passed over: whatever stands there is for the parser. */
static bool take_plain_field(Xml *xml, Field *ret_field, Str *ret_text)
{
    const char *at = xml->input.data + xml->at, *end = xml->input.data + xml->input.len;
    while (at < end && (*at == '\n' || *at == ' '))
        at++;
    if (end - at < 8 || *at != '<' || at[1] < 'A' || at[1] > 'Z')
        return false;
    const char *name = at + 1, *close = memchr(name, '>', (size_t)MIN(end - name, 40));
    if (!close)
        return false;
    Str name_text = str_from(name, (size_t)(close - name));
    const char *text = close + 1, *tail = memchr(text, '<', (size_t)(end - text));
    if (!tail || (size_t)(end - tail) < name_text.len + 3 || tail[1] != '/' || tail[2 + name_text.len] != '>'
        || memcmp(tail + 2, name, name_text.len) != 0)
        return false;
    *ret_field = field_of(name_text);
    *ret_text = str_from(text, (size_t)(tail - text));
    if (*ret_field == FIELD_OTHER)
        return false;
    if (*ret_field == FIELD_ETAG)
        *ret_text = without_quote_references(*ret_text);
    if (ret_text->len > 0 && memchr(ret_text->data, '&', ret_text->len))
        return false;
    xml->at = (size_t)(tail - xml->input.data) + name_text.len + 3;
    return true;
}

/* <Contents>, <Version>, <DeleteMarker>. */
MUST_USE static Error *read_object(PageReader *in, bool is_delete_marker)
{
    ListEntry *entry = NULL;
    Field field;
    Str name, text;
    bool has_size = is_delete_marker;

    TRY(new_entry(in, &entry));
    entry->is_delete_marker = is_delete_marker;
    for (;;) {
        if (!in->xml.closed && take_plain_field(&in->xml, &field, &text)) {
            TRY(take_field(in, field, text, entry, &has_size));
            continue;
        }
        TRY(xml_child(&in->xml, &name));
        if (name.len == 0)
            break;
        field = field_of(name);
        if (field == FIELD_OTHER) {
            TRY(xml_skip(&in->xml));
            continue;
        }
        TRY(xml_text(&in->xml, in->arena, &text));
        TRY(take_field(in, field, text, entry, &has_size));
    }
    if (entry->key.len == 0 || !has_size)
        return error_at(FAIL(CORRUPT, "an object without key or size"), in->xml.at);
    return NULL;
}

MUST_USE static Error *read_common_prefix(PageReader *in)
{
    ListEntry *entry = NULL;
    Str name;

    TRY(new_entry(in, &entry));
    entry->is_prefix = true;
    for (;;) {
        TRY(xml_child(&in->xml, &name));
        if (name.len == 0)
            break;
        if (str_equal(name, STR("Prefix")))
            TRY(xml_text(&in->xml, in->arena, &entry->key));
        else
            TRY(xml_skip(&in->xml));
    }
    return entry->key.len > 0 ? NULL : error_at(FAIL(CORRUPT, "a common prefix without text"), in->xml.at);
}

MUST_USE static Error *read_flag(PageReader *in, Str wanted, bool *ret_flag)
{
    Str text;
    TRY(xml_text(&in->xml, in->arena, &text));
    *ret_flag = str_equal(str_trim(text), wanted);
    return NULL;
}

MUST_USE static Error *read_child(PageReader *in, Str name)
{
    ListPage *page = &in->page;
    if (str_equal(name, STR("Contents")) || str_equal(name, STR("Version")))
        return read_object(in, false);
    if (str_equal(name, STR("DeleteMarker")))
        return read_object(in, true);
    if (str_equal(name, STR("CommonPrefixes")))
        return read_common_prefix(in);
    if (str_equal(name, STR("NextContinuationToken")))
        return xml_text(&in->xml, in->arena, &page->next_token);
    if (str_equal(name, STR("NextMarker")) || str_equal(name, STR("NextKeyMarker")))
        return xml_text(&in->xml, in->arena, &page->next_key);
    if (str_equal(name, STR("NextVersionIdMarker")))
        return xml_text(&in->xml, in->arena, &page->next_version);
    if (str_equal(name, STR("IsTruncated")))
        return read_flag(in, STR("true"), &page->truncated);
    if (str_equal(name, STR("EncodingType")))
        return read_flag(in, STR("url"), &in->url_encoded);
    return xml_skip(&in->xml);
}

/* ---- after the whole document ---- */

MUST_USE static Error *decode_key(PageReader *in, Str *key)
{
    *key = uri_decode(*key, in->arena);
    return key->data ? NULL : arena_error(in->arena);
}

/* What says that keys are encoded may stand behind them. */
MUST_USE static Error *decode_keys(PageReader *in)
{
    if (!in->url_encoded)
        return NULL;
    for (size_t i = 0; i < in->page.count; i++)
        TRY(decode_key(in, &in->page.entries[i].key));
    return decode_key(in, &in->page.next_key);
}

/* The two kinds that may stand one behind the other: objects, and prefixes or delete markers. */
static bool is_second_kind(const ListEntry *entry)
{
    return entry->is_prefix || entry->is_delete_marker;
}

static bool is_in_order(const ListPage *page)
{
    for (size_t i = 1; i < page->count; i++) {
        int order = str_compare(page->entries[i - 1].key, page->entries[i].key);
        if (order > 0 || (order == 0 && page->entries[i].is_latest))
            return false;
    }
    return true;
}

/* Both kinds by key, of one key the newest first; neither kind is sorted. */
MUST_USE static Error *merge_kinds(PageReader *in)
{
    ListPage *page = &in->page;
    ListEntry *kinds[2], *merged = ARENA_ARRAY(in->arena, ListEntry, page->count),
                         *second = ARENA_ARRAY(in->arena, ListEntry, page->count);
    size_t count[2] = {0, 0}, at[2] = {0, 0};
    if (!merged || !second)
        return arena_error(in->arena);
    kinds[0] = page->entries; /* in place: never behind what is read */
    kinds[1] = second;
    for (size_t i = 0; i < page->count; i++) {
        bool kind = is_second_kind(&page->entries[i]);
        kinds[kind][count[kind]++] = page->entries[i];
    }
    for (size_t i = 0; i < page->count; i++) {
        bool take = at[0] == count[0];
        if (at[0] < count[0] && at[1] < count[1]) {
            const ListEntry *a = &kinds[0][at[0]], *b = &kinds[1][at[1]];
            int order = str_compare(a->key, b->key);
            bool newer = b->is_latest || (!a->is_latest && b->modified_us > a->modified_us);
            take = order > 0 || (order == 0 && newer);
        }
        merged[i] = kinds[take][at[take]++];
    }
    page->entries = merged;
    return NULL;
}

Error *list_page_parse(Str document, Arena *arena, ListPage *ret_page)
{
    PageReader in = {
        .arena = arena,
        .page = {.next_token = STR_EMPTY, .next_key = STR_EMPTY, .next_version = STR_EMPTY},
        .seconds = STR_EMPTY,
    };
    Str name;

    xml_init(&in.xml, document);
    TRY(xml_root(&in.xml, &name));
    if (!str_equal(name, STR("ListBucketResult")) && !str_equal(name, STR("ListVersionsResult")))
        return FAIL(CORRUPT, "the answer is '" STR_FMT "' and not ListBucketResult", STR_ARG(name));
    for (;;) {
        TRY(xml_child(&in.xml, &name));
        if (name.len == 0)
            break;
        TRY(read_child(&in, name));
    }
    TRY(xml_end(&in.xml));
    TRY(decode_keys(&in));
    if (!is_in_order(&in.page))
        TRY(merge_kinds(&in));
    *ret_page = in.page;
    return NULL;
}

Str list_page_peek_token(Str beginning)
{
    const Str open = STR("<NextContinuationToken>");
    size_t at = str_find(beginning, open);
    if (at == SIZE_MAX)
        return STR_EMPTY;
    Str rest = str_slice(beginning, at + open.len, beginning.len);
    Str token = str_slice(rest, 0, str_find_char(rest, '<'));
    bool whole = token.len < rest.len;
    return whole && str_find_char(token, '&') == SIZE_MAX ? token : STR_EMPTY;
}
