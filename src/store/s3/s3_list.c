#include "store/s3/s3_list.h"

#include "store/s3/list_call.h"

#define MEMORY_BYTES (40 * MIB)
enum { PEEK_BYTES = 4096, STATUS_BAD_REQUEST = 400, STATUS_NOT_IMPLEMENTED = 501 };

/* In front of all errors but those of `each`. */
#define LISTING_FMT "list 's3://" STR_FMT "/" STR_FMT "'"
#define LISTING_ARG(listing) STR_ARG((listing)->client->bucket), STR_ARG(buffer_str(&(listing)->prefix))

typedef struct Listing {
    S3Client *client;
    StoreListFn *each;
    void *context;
    bool any_order;
    uint64_t memory_bytes;
    unsigned requests_max;      /* under way at once */
    Buffer prefix, start_after; /* whole keys */
    ListQuery query;
    ListSplit split;
    Cancel stop; /* for all pages under way; its parent is the caller's */
    HttpCompletions completions;
    unsigned under_way;
    ListCall *idle;
    uint64_t rows_bytes;   /* in the ranges' rows */
    uint64_t probed_pages; /* how many had come when no probe was worth it */
    Buffer scratch;
} Listing;

/* ---- asking ---- */

MUST_USE static Error *take_idle(Listing *listing, ListCall **ret_call)
{
    ListCall *call = listing->idle;
    if (!call)
        return list_call_new(listing->client, ret_call);
    listing->idle = call->next;
    *ret_call = call;
    return NULL;
}

static void give_back(Listing *listing, ListCall *call)
{
    if (call->range && call->range->state == LIST_RANGE_DROPPED)
        list_range_free(call->range);
    call->range = NULL;
    call->next = listing->idle;
    listing->idle = call;
}

MUST_USE static Error *ask(Listing *listing, ListRange *range, Str token)
{
    ListCall *call;
    TRY(take_idle(listing, &call));
    Error *err = list_call_begin(call, &listing->query, range, token, &listing->stop);
    if (err) {
        give_back(listing, call);
        return error_wrap(err, LISTING_FMT, LISTING_ARG(listing));
    }
    range->call = call;
    listing->under_way++;
    http_submit(listing->client->http, &listing->completions, &call->request.exchange);
    return NULL;
}

/* The first range always may, so that all of them end; the nearer its turn, the more memory a range may fill. */
static bool has_room(const Listing *listing, unsigned rank)
{
    uint64_t share = listing->memory_bytes / listing->requests_max;
    return listing->any_order || rank == 0 || listing->rows_bytes + rank * share / 2 < listing->memory_bytes;
}

MUST_USE static Error *ask_probes(Listing *listing)
{
    ListRange *probe;
    while (listing->under_way < listing->requests_max && has_room(listing, listing->requests_max / 2)
           && listing->probed_pages != listing->split.pages) {
        TRY(list_split_probe(&listing->split, &probe));
        if (!probe) {
            listing->probed_pages = listing->split.pages;
            return NULL;
        }
        TRY(ask(listing, probe, STR_EMPTY));
    }
    return NULL;
}

/* Pages of all ranges that wait for none. */
MUST_USE static Error *ask_all(Listing *listing)
{
    unsigned rank = 0;
    for (ListRange *range = listing->split.first; range; range = range->next) {
        if (range->state == LIST_RANGE_OPEN && !range->call && has_room(listing, rank)
            && (rank == 0 || listing->under_way < listing->requests_max))
            TRY(ask(listing, range, buffer_str(&range->token)));
        rank += range->state != LIST_RANGE_PROBE;
    }
    return ask_probes(listing);
}

/* Asks for the next page before this one, which is here in full, is looked at; only where its end cannot be another range's. */
MUST_USE static Error *ask_early(Listing *listing, const ListCall *call)
{
    ListRange *range = call->range;
    Str body = buffer_str(&call->body);
    if (call->form != LIST_V2 || range->state != LIST_RANGE_OPEN || range->next)
        return NULL;
    Str token = list_page_peek_token(str_slice(body, 0, PEEK_BYTES));
    if (token.len == 0 && body.len > PEEK_BYTES)
        token = list_page_peek_token(str_slice(body, body.len - PEEK_BYTES, body.len));
    return token.len > 0 ? ask(listing, range, token) : NULL;
}

/* The page that is under way is not wanted. */
static void forget_call(ListRange *range)
{
    if (!range->call)
        return;
    cancel_raise(&range->call->cancel, CANCEL_STOP);
    range->call->range = NULL;
    range->call = NULL;
}

/* ---- showing ---- */

static Error *show(void *context, const ListEntry *entry)
{
    const Listing *listing = context;
    ObjectInfo object = {
        .key = str_slice(entry->key, listing->client->prefix.len, entry->key.len),
        .size_bytes = entry->size_bytes,
        .modified_us = entry->modified_us,
        .etag = entry->etag,
        .version_id = entry->version_id,
        .is_prefix = entry->is_prefix,
        .is_latest = entry->is_latest,
        .is_delete_marker = entry->is_delete_marker,
        .headers.storage_class = entry->storage_class,
    };
    return listing->each(listing->context, &object);
}

MUST_USE static Error *show_or_keep(Listing *listing, ListRange *range, const ListEntry *entries, size_t count)
{
    bool its_turn = range == listing->split.first && list_rows_empty(&range->rows);
    if (!listing->any_order && !its_turn)
        return list_rows_append(&range->rows, entries, count, &listing->scratch, &listing->rows_bytes);
    for (size_t i = 0; i < count; i++)
        TRY(show(listing, &entries[i]));
    return NULL;
}

/* ---- a page has come ---- */

MUST_USE static Error *set_place(ListRange *range, Str token, Str version)
{
    buffer_clear(&range->token);
    buffer_clear(&range->version);
    TRY(buffer_append_str(&range->token, token));
    return buffer_append_str(&range->version, version);
}

/* Where the range goes on; a place that does not move would go on for ever. */
MUST_USE static Error *advance(Listing *listing, ListRange *range, const ListCall *call)
{
    const ListPage *page = &call->page;
    bool by_token = call->form == LIST_V2 && page->next_token.len > 0;
    Str place = by_token ? page->next_token : page->next_key;

    if (place.len == 0 && page->count == 0)
        return FAIL(CORRUPT, "the listing is truncated but says not where it continues");
    if (place.len > 0 && str_equal(place, buffer_str(&call->asked_token))
        && str_equal(page->next_version, buffer_str(&range->version)))
        return FAIL(CORRUPT, "the server asks for the same page again and again");
    if (range->call && !str_equal(place, buffer_str(&range->call->asked_token)))
        forget_call(range);
    if (call->form == LIST_V2 && !by_token && listing->query.form == LIST_V2) {
        listing->query.form = LIST_V1;
        s3_quirks_learn(&listing->client->quirks, S3_LIST_V1);
    }
    if (call->form == LIST_VERSIONS && place.len == 0)
        return set_place(range, STR_EMPTY, buffer_str(&range->last_version));
    return set_place(range, place, page->next_version);
}

MUST_USE static Error *take_page(Listing *listing, ListCall *call)
{
    ListRange *range = call->range;
    size_t from, to;

    TRY_CTX(list_split_page(&listing->split, range, &call->page, &from, &to), LISTING_FMT, LISTING_ARG(listing));
    if (range->state == LIST_RANGE_ENDED)
        forget_call(range);
    if (range->state == LIST_RANGE_OPEN) {
        TRY_CTX(advance(listing, range, call), LISTING_FMT, LISTING_ARG(listing));
        TRY(ask_all(listing)); /* what comes meanwhile hides the time that showing takes */
    }
    return show_or_keep(listing, range, call->page.entries + from, to - from);
}

/* A server that does not know ListObjectsV2 says so at the first page. */
static bool is_without_v2(const Listing *listing, const ListCall *call)
{
    unsigned status = call->request.exchange.response.status;
    return call->form == LIST_V2 && listing->split.pages == 0
           && (status == STATUS_NOT_IMPLEMENTED || status == STATUS_BAD_REQUEST);
}

/* A page did not come. NULL: there is another way to get it. */
MUST_USE static Error *take_failure(Listing *listing, const ListCall *call, Error *take_error)
{
    if (call->range->state == LIST_RANGE_PROBE) {
        list_split_probe_failed(&listing->split, call->range);
    } else if (is_without_v2(listing, call)) {
        listing->query.form = LIST_V1;
    } else if (error_code(take_error) == ERR_CORRUPT && !listing->query.url_encoded) {
        listing->query.url_encoded = true; /* XML cannot carry every key as it is */
    } else {
        return take_error;
    }
    error_free(take_error); /* the range before the probe has its keys too; the page is asked for again */
    return NULL;
}

MUST_USE static Error *take_call(Listing *listing, ListCall *call)
{
    ListRange *range = call->range;
    Error *err = call->request.exchange.error;
    call->request.exchange.error = NULL;
    listing->under_way--;
    if (!range || range->state == LIST_RANGE_DROPPED) {
        error_free(s3_request_end(&call->request, err)); /* nobody waits for it any more */
        return NULL;
    }
    range->call = NULL;
    if (!err)
        TRY(ask_early(listing, call));
    err = list_call_read(call, err);
    if (err)
        err = error_wrap(err, LISTING_FMT, LISTING_ARG(listing));
    return err ? take_failure(listing, call, err) : take_page(listing, call);
}

/* ---- the whole ---- */

static ListCall *call_of(HttpExchange *exchange)
{
    S3Request *request = exchange ? exchange->context : NULL;
    return request ? request->user : NULL;
}

/* True while there are ranges. */
static bool pass_ended(Listing *listing)
{
    const ListRange *first = listing->split.first;
    while (first && first->state == LIST_RANGE_ENDED && list_rows_empty(&first->rows)) {
        list_range_free(list_split_take_first(&listing->split));
        first = listing->split.first;
    }
    return first;
}

MUST_USE static Error *list_pages(Listing *listing)
{
    while (pass_ended(listing)) {
        TRY(ask_all(listing));
        bool kept = !list_rows_empty(&listing->split.first->rows);
        if (kept)
            TRY(list_rows_show_block(&listing->split.first->rows, show, listing, &listing->rows_bytes));
        ListCall *call =
            call_of(kept ? http_try_completed(&listing->completions) : http_next_completed(&listing->completions));
        while (call) {
            Error *err = take_call(listing, call);
            give_back(listing, call);
            TRY(err);
            call = call_of(http_try_completed(&listing->completions));
        }
    }
    return NULL;
}

static void listing_done(Listing *listing)
{
    ListCall *call;
    cancel_raise(&listing->stop, CANCEL_STOP);
    while ((call = call_of(http_next_completed(&listing->completions)))) {
        error_free(call->request.exchange.error); /* the listing is over */
        call->request.exchange.error = NULL;
        give_back(listing, call);
    }
    while ((call = listing->idle)) {
        listing->idle = call->next;
        list_call_free(call);
    }
    http_completions_done(&listing->completions);
    list_split_done(&listing->split);
    buffer_done(&listing->prefix);
    buffer_done(&listing->start_after);
    buffer_done(&listing->scratch);
}

MUST_USE static Error *set_up(Listing *listing, const ListOptions *options)
{
    Str root = listing->client->prefix;
    unsigned parts = options->delimiter.len > 0 || options->versions ? 1 : MAX(1U, options->parallel);
    bool v1 = s3_quirks_have(&listing->client->quirks, S3_LIST_V1);

    listing->any_order = options->any_order;
    listing->memory_bytes = options->memory_bytes > 0 ? options->memory_bytes : MEMORY_BYTES;
    listing->requests_max = parts;
    TRY(buffer_append_str(&listing->prefix, root));
    TRY(buffer_append_str(&listing->prefix, options->prefix));
    if (options->start_after.len > 0) {
        TRY(buffer_append_str(&listing->start_after, root));
        TRY(buffer_append_str(&listing->start_after, options->start_after));
    }
    listing->query = (ListQuery){
        .form = options->versions ? LIST_VERSIONS
                : v1              ? LIST_V1
                                  : LIST_V2,
        .url_encoded = !s3_quirks_have(&listing->client->quirks, S3_LIST_PLAIN),
        .prefix = buffer_str(&listing->prefix),
        .delimiter = options->delimiter,
    };
    return list_split_init(&listing->split, buffer_str(&listing->prefix), buffer_str(&listing->start_after),
                           (ListSplitOptions){.parts_max = parts, .versions = options->versions});
}

Error *s3_list(S3Client *client, const Cancel *cancel, const ListOptions *options, StoreListFn *each, void *context)
{
    CLEANUP(listing_done)
    Listing listing = {.client = client, .each = each, .context = context, .stop = {.parent = cancel}};
    http_completions_init(&listing.completions);
    TRY_CTX(set_up(&listing, options), LISTING_FMT, LISTING_ARG(&listing));
    return list_pages(&listing);
}
