#include "store/s3/s3_list.h"

#include "store/s3/list_page.h"
#include "store/s3/request.h"
#include "store/s3/uri.h"

#define PAGE_BODY_MAX_BYTES (16 * MIB)
#define PAGE_ARENA_BYTES (64 * MIB)
enum { EMPTY_PAGES_MAX = 1000 };

/* In front of errors that are the listing's own; those of `each` pass as they are. */
#define LISTING_FMT "list 's3://" STR_FMT "/" STR_FMT "'"
#define LISTING_ARG(listing) STR_ARG((listing)->client->bucket), STR_ARG(buffer_str(&(listing)->prefix))

typedef struct Listing {
    S3Client *client;
    const Cancel *cancel;
    StoreListFn *each;
    void *context;
    Buffer prefix, start_after; /* whole keys */
    Buffer token;               /* of the page to ask for; "" for the first */
    Buffer last_key;            /* the last one seen, or start_after */
    unsigned empty_pages;       /* one after the other */
    S3Request request;
    Buffer query, body;
    Arena *arena; /* of one page */
} Listing;

static void listing_done(Listing *listing)
{
    buffer_done(&listing->prefix);
    buffer_done(&listing->start_after);
    buffer_done(&listing->token);
    buffer_done(&listing->last_key);
    s3_request_done(&listing->request);
    buffer_done(&listing->query);
    buffer_done(&listing->body);
    arena_free(listing->arena);
}

MUST_USE static Error *add_parameter(Buffer *query, const char *name, Str value)
{
    if (query->len > 0)
        TRY(buffer_append_byte(query, '&'));
    TRY(buffer_append_str(query, str_of(name)));
    return uri_append_query(query, value);
}

/* Sorted by name, as the signature wants it. */
MUST_USE static Error *build_query(Listing *listing)
{
    Buffer *query = &listing->query;
    buffer_clear(query);
    if (listing->token.len > 0)
        TRY(add_parameter(query, "continuation-token=", buffer_str(&listing->token)));
    TRY(add_parameter(query, "encoding-type=", STR("url")));
    TRY(add_parameter(query, "list-type=", STR("2")));
    TRY(add_parameter(query, "max-keys=", STR("1000")));
    TRY(add_parameter(query, "prefix=", buffer_str(&listing->prefix)));
    if (listing->token.len == 0 && listing->start_after.len > 0)
        TRY(add_parameter(query, "start-after=", buffer_str(&listing->start_after)));
    return NULL;
}

MUST_USE static Error *fetch_page(Listing *listing, ListPage *ret_page)
{
    S3Request *request = &listing->request;
    TRY(build_query(listing));
    buffer_clear(&listing->body);
    arena_reset(listing->arena);
    request->query = buffer_str(&listing->query);
    TRY(s3_request_run(request, listing->cancel));
    TRY_CTX(list_page_parse(buffer_str(&listing->body), listing->arena, ret_page), LISTING_FMT, LISTING_ARG(listing));
    return NULL;
}

/* Keys come in order, each once, and all of them were asked for: plans are made from this. */
MUST_USE static Error *check_order(Listing *listing, Str key)
{
    if (!str_starts_with(key, buffer_str(&listing->prefix)))
        return FAIL(CORRUPT, "the server listed '" STR_FMT "', which does not begin with '" STR_FMT "'", STR_ARG(key),
                    STR_ARG(buffer_str(&listing->prefix)));
    if (listing->last_key.len > 0 && str_compare(key, buffer_str(&listing->last_key)) <= 0)
        return FAIL(CORRUPT, "the server listed '" STR_FMT "' after '" STR_FMT "', which is no ascending order",
                    STR_ARG(key), STR_ARG(buffer_str(&listing->last_key)));
    buffer_clear(&listing->last_key);
    return buffer_append_str(&listing->last_key, key);
}

MUST_USE static Error *show_entry(Listing *listing, const ListEntry *entry)
{
    /* some servers ignore start-after */
    if (str_compare(entry->key, buffer_str(&listing->start_after)) <= 0 && listing->start_after.len > 0)
        return NULL;
    TRY_CTX(check_order(listing, entry->key), LISTING_FMT, LISTING_ARG(listing));
    ObjectInfo object = {
        .key = str_slice(entry->key, listing->client->prefix.len, entry->key.len),
        .size_bytes = entry->size_bytes,
        .modified_us = entry->modified_us,
        .etag = entry->etag,
    };
    return listing->each(listing->context, &object);
}

/* The next page's token; one that does not move would go on for ever. */
MUST_USE static Error *advance(Listing *listing, const ListPage *page)
{
    listing->empty_pages = page->count == 0 ? listing->empty_pages + 1 : 0;
    if (listing->empty_pages > EMPTY_PAGES_MAX)
        return FAIL(CORRUPT, "the server sent %d empty pages one after the other", EMPTY_PAGES_MAX);
    if (str_equal(page->next_token, buffer_str(&listing->token)))
        return FAIL(CORRUPT, "the server asks for the same page again and again");
    buffer_clear(&listing->token);
    return buffer_append_str(&listing->token, page->next_token);
}

MUST_USE static Error *list_pages(Listing *listing)
{
    ListPage page;
    do {
        TRY(fetch_page(listing, &page));
        for (size_t i = 0; i < page.count; i++)
            TRY(show_entry(listing, &page.entries[i]));
        if (page.truncated)
            TRY_CTX(advance(listing, &page), LISTING_FMT, LISTING_ARG(listing));
    } while (page.truncated);
    return NULL;
}

MUST_USE static Error *set_up(Listing *listing, Str prefix, Str start_after)
{
    Str root = listing->client->prefix;
    listing->arena = arena_new(PAGE_ARENA_BYTES);
    if (!listing->arena)
        return FAIL(NO_MEMORY, "out of memory");
    listing->body.limit = PAGE_BODY_MAX_BYTES;
    listing->request.client = listing->client;
    listing->request.operation = &s3_list_objects;
    listing->request.body = &listing->body;
    TRY(buffer_append_str(&listing->prefix, root));
    TRY(buffer_append_str(&listing->prefix, prefix));
    if (start_after.len == 0)
        return NULL;
    TRY(buffer_append_str(&listing->start_after, root));
    return buffer_append_str(&listing->start_after, start_after);
}

Error *s3_list(S3Client *client, const Cancel *cancel, Str prefix, Str start_after, StoreListFn *each, void *context)
{
    CLEANUP(listing_done) Listing listing = {.client = client, .cancel = cancel, .each = each, .context = context};
    TRY_CTX(set_up(&listing, prefix, start_after), LISTING_FMT, LISTING_ARG(&listing));
    return list_pages(&listing);
}
