#include "store/s3/list_page.h"

#include "base/time_text.h"
#include "store/s3/uri.h"
#include "store/s3/xml.h"

enum { ENTRIES_AT_FIRST = 1000 };

typedef struct PageReader {
    Xml xml;
    Arena *arena;
    ListPage page;
    size_t capacity;
    bool url_encoded;
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
    **ret_entry = (ListEntry){.etag = STR_EMPTY};
    return NULL;
}

static Str without_quotes(Str etag)
{
    if (str_starts_with(etag, STR("W/")))
        etag = str_slice(etag, 2, etag.len);
    if (etag.len >= 2 && etag.data[0] == '"' && etag.data[etag.len - 1] == '"')
        return str_slice(etag, 1, etag.len - 1);
    return etag;
}

MUST_USE static Error *read_size(PageReader *in, ListEntry *entry)
{
    Str text;
    TRY(xml_text(&in->xml, in->arena, &text));
    if (!str_to_u64(str_trim(text), &entry->size_bytes))
        return error_at(FAIL(CORRUPT, "the size '" STR_FMT "' is no number", STR_ARG(text)), in->xml.at);
    return NULL;
}

MUST_USE static Error *read_time(PageReader *in, ListEntry *entry)
{
    Str text;
    TRY(xml_text(&in->xml, in->arena, &text));
    if (!time_parse_iso8601(str_trim(text), &entry->modified_us))
        return error_at(FAIL(CORRUPT, "the time '" STR_FMT "' is malformed", STR_ARG(text)), in->xml.at);
    return NULL;
}

MUST_USE static Error *read_etag(PageReader *in, ListEntry *entry)
{
    Str text;
    TRY(xml_text(&in->xml, in->arena, &text));
    entry->etag = without_quotes(str_trim(text));
    return NULL;
}

MUST_USE static Error *read_contents(PageReader *in)
{
    ListEntry *entry = NULL;
    Str name;
    bool has_size = false;

    TRY(new_entry(in, &entry));
    for (;;) {
        TRY(xml_child(&in->xml, &name));
        if (name.len == 0)
            break;
        if (str_equal(name, STR("Key"))) {
            TRY(xml_text(&in->xml, in->arena, &entry->key));
        } else if (str_equal(name, STR("Size"))) {
            TRY(read_size(in, entry));
            has_size = true;
        } else if (str_equal(name, STR("LastModified"))) {
            TRY(read_time(in, entry));
        } else if (str_equal(name, STR("ETag"))) {
            TRY(read_etag(in, entry));
        } else {
            TRY(xml_skip(&in->xml));
        }
    }
    if (entry->key.len == 0 || !has_size)
        return error_at(FAIL(CORRUPT, "an object without key or size"), in->xml.at);
    return NULL;
}

MUST_USE static Error *read_child(PageReader *in, Str name)
{
    Str text;
    if (str_equal(name, STR("Contents")))
        return read_contents(in);
    if (str_equal(name, STR("NextContinuationToken")))
        return xml_text(&in->xml, in->arena, &in->page.next_token);
    if (str_equal(name, STR("IsTruncated"))) {
        TRY(xml_text(&in->xml, in->arena, &text));
        in->page.truncated = str_equal(str_trim(text), STR("true"));
        return NULL;
    }
    if (str_equal(name, STR("EncodingType"))) {
        TRY(xml_text(&in->xml, in->arena, &text));
        in->url_encoded = str_equal(str_trim(text), STR("url"));
        return NULL;
    }
    return xml_skip(&in->xml);
}

/* Only after the whole document: what says that keys are encoded may stand behind them. */
MUST_USE static Error *decode_keys(PageReader *in)
{
    for (size_t i = 0; in->url_encoded && i < in->page.count; i++) {
        ListEntry *entry = &in->page.entries[i];
        entry->key = uri_decode(entry->key, in->arena);
        if (!entry->key.data)
            return arena_error(in->arena);
    }
    return NULL;
}

Error *list_page_parse(Str document, Arena *arena, ListPage *ret_page)
{
    PageReader in = {.arena = arena, .page = {.next_token = STR_EMPTY}};
    Str name;

    xml_init(&in.xml, document);
    TRY(xml_root(&in.xml, &name));
    if (!str_equal(name, STR("ListBucketResult")))
        return FAIL(CORRUPT, "the answer is '" STR_FMT "' and not ListBucketResult", STR_ARG(name));
    for (;;) {
        TRY(xml_child(&in.xml, &name));
        if (name.len == 0)
            break;
        TRY(read_child(&in, name));
    }
    TRY(xml_end(&in.xml));
    if (in.page.truncated && in.page.next_token.len == 0)
        return FAIL(CORRUPT, "the listing is truncated but says not where it continues");
    TRY(decode_keys(&in));
    *ret_page = in.page;
    return NULL;
}
