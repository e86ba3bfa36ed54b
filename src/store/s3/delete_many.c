#include "store/s3/delete_many.h"

#include <stdlib.h>

#include "base/hash.h"
#include "store/s3/request.h"
#include "store/s3/s3_error.h"
#include "store/s3/s3_store.h"
#include "store/s3/xml.h"
#include "store/s3/xml_write.h"

#define BATCH_ARENA_BYTES (8 * MIB)
#define BATCH_ANSWER_MAX_BYTES (8 * MIB)
enum { BATCH_KEYS_MAX = 1000, BATCHES_IN_FLIGHT = 4, SINGLES_IN_FLIGHT = 16 };
enum { SLOTS = BATCHES_IN_FLIGHT + SINGLES_IN_FLIGHT, MD5_TEXT_BYTES = 25 };

static const S3Operation delete_objects = {
    .name = "DeleteObjects", .method = HTTP_POST, .of_bucket = true, .answer = S3_ANSWER_XML};

/* A request in flight: for some keys together, or for one. */
typedef struct Slot {
    S3Request request;
    SignedHeader headers[1];
    char md5_text[MD5_TEXT_BYTES], hash[SHA256_HEX_BYTES + 1];
    Buffer xml, answer;
    bool is_batch;
    size_t indexes[BATCH_KEYS_MAX]; /* of its keys */
    size_t count;
} Slot;

typedef struct Deletion {
    Store *store;
    S3Client *client;
    const Cancel *cancel;
    const Str *keys;
    size_t count, next;
    StoreDeletedFn *each;
    void *context;
    size_t *singles; /* indexes of keys that go alone; room for all */
    size_t single_count;
    Slot *slots;
    Slot *idle[SLOTS];
    size_t idle_count, batches_in_flight;
    HttpCompletions completions;
    Error *ended; /* what `each` wants the call to end with */
} Deletion;

static void deletion_done(Deletion *d)
{
    for (size_t i = 0; d->slots && i < SLOTS; i++) {
        s3_request_done(&d->slots[i].request);
        buffer_done(&d->slots[i].xml);
        buffer_done(&d->slots[i].answer);
    }
    free(d->slots);
    free(d->singles);
    http_completions_done(&d->completions);
}

MUST_USE static Error *deletion_init(Deletion *d)
{
    http_completions_init(&d->completions);
    d->slots = calloc(SLOTS, sizeof(*d->slots));
    d->singles = reallocarray(NULL, d->count ? d->count : 1, sizeof(*d->singles));
    if (!d->slots || !d->singles)
        return FAIL(NO_MEMORY, "delete %zu objects: out of memory", d->count);
    for (size_t i = 0; i < SLOTS; i++)
        d->idle[d->idle_count++] = &d->slots[i];
    return NULL;
}

/* How one key ended. */
static void tell(Deletion *d, size_t index, Error *take_error)
{
    if (d->ended) {
        error_free(take_error); /* nobody listens any more */
        return;
    }
    d->ended = d->each(d->context, d->keys[index], take_error);
}

/* All keys of a request that failed as a whole. */
static void tell_all(Deletion *d, const Slot *slot, Error *take_error)
{
    for (size_t i = 0; i < slot->count; i++)
        tell(d, slot->indexes[i], error_copy(take_error));
    error_free(take_error);
}

/* ---- one request ---- */

MUST_USE static Error *append_object(const Deletion *d, Str key, Buffer *xml)
{
    TRY(buffer_append_str(xml, STR("<Object><Key>")));
    TRY(xml_append_text(xml, d->client->prefix));
    TRY(xml_append_text(xml, key));
    return buffer_append_str(xml, STR("</Key></Object>"));
}

/* Takes keys until there are enough; those that XML cannot hold go alone. */
MUST_USE static Error *gather_batch(Deletion *d, Slot *slot)
{
    slot->count = 0;
    buffer_clear(&slot->xml);
    TRY(buffer_append_str(&slot->xml,
                          STR("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>")));
    for (; d->next < d->count && slot->count < BATCH_KEYS_MAX; d->next++) {
        Str key = d->keys[d->next];
        if (key.len == 0 || !xml_can_hold(key)) {
            d->singles[d->single_count++] = d->next;
            continue;
        }
        TRY(append_object(d, key, &slot->xml));
        slot->indexes[slot->count++] = d->next;
    }
    return buffer_append_str(&slot->xml, STR("</Delete>"));
}

/* Content-MD5, which all servers want here, and the hash in the signature. */
static void describe_batch(Slot *slot, S3Client *client)
{
    uint8_t digest[SHA256_BYTES];
    md5(buffer_bytes(&slot->xml), digest);
    base64_encode(digest, MD5_BYTES, slot->md5_text);
    sha256(buffer_bytes(&slot->xml), digest);
    hex_encode(digest, sizeof(digest), slot->hash);
    slot->headers[0] = (SignedHeader){STR("content-md5"), str_of(slot->md5_text)};
    slot->answer.limit = BATCH_ANSWER_MAX_BYTES;
    buffer_clear(&slot->answer);
    slot->request.client = client;
    slot->request.operation = &delete_objects;
    slot->request.key = STR_EMPTY;
    slot->request.query = STR("delete=");
    slot->request.headers = slot->headers;
    slot->request.header_count = ARRAY_COUNT(slot->headers);
    slot->request.payload_hash = str_of(slot->hash);
    slot->request.body = &slot->answer;
    slot->request.exchange.upload = (HttpUpload){.size_bytes = slot->xml.len, .data = slot->xml.data};
}

static void describe_single(Slot *slot, S3Client *client, Str key)
{
    slot->request.client = client;
    slot->request.operation = &s3_delete_object;
    slot->request.key = key;
    slot->request.query = STR_EMPTY;
    slot->request.headers = NULL;
    slot->request.header_count = 0;
    slot->request.payload_hash = STR_EMPTY;
    slot->request.body = NULL;
    slot->request.exchange.upload = (HttpUpload){0};
}

static void submit(Deletion *d, Slot *slot)
{
    Error *err = s3_request_begin(&slot->request, d->cancel);
    if (err) {
        tell_all(d, slot, err);
        return;
    }
    slot->request.exchange.cancel = d->cancel;
    slot->request.user = slot;
    d->idle_count--;
    d->batches_in_flight += slot->is_batch;
    http_submit(d->client->http, &d->completions, &slot->request.exchange);
}

static bool wants_batches(const Deletion *d)
{
    return !s3_quirks_have(&d->client->quirks, S3_NO_DELETE_MANY) && xml_can_hold(d->client->prefix);
}

/* True when something was begun or settled; false when there is nothing to begin or no room. */
MUST_USE static Error *start_one(Deletion *d, bool *ret_started)
{
    bool batches = wants_batches(d);
    Slot *slot = d->idle_count > 0 ? d->idle[d->idle_count - 1] : NULL;
    *ret_started = false;
    if (!slot || d->ended || cancel_stopped(d->cancel))
        return NULL;
    if (batches && d->next < d->count && d->batches_in_flight < BATCHES_IN_FLIGHT) {
        *ret_started = slot->is_batch = true;
        TRY(gather_batch(d, slot));
        if (slot->count > 0) {
            describe_batch(slot, d->client);
            submit(d, slot);
        }
        return NULL;
    }
    bool alone = d->single_count > 0 || (!batches && d->next < d->count);
    if (!alone)
        return NULL;
    slot->is_batch = false;
    slot->count = 1;
    slot->indexes[0] = d->single_count > 0 ? d->singles[--d->single_count] : d->next++;
    describe_single(slot, d->client, d->keys[slot->indexes[0]]);
    submit(d, slot);
    *ret_started = true;
    return NULL;
}

/* ---- the answer to a batch ---- */

typedef struct KeyError {
    Str key; /* whole */
    S3Error error;
} KeyError;

MUST_USE static Error *read_key_error(Xml *xml, Arena *arena, KeyError *ret_error)
{
    KeyError out = {.key = STR_EMPTY};
    for (Str name;;) {
        TRY(xml_child(xml, &name));
        if (name.len == 0)
            break;
        if (str_equal(name, STR("Key")))
            TRY(xml_text(xml, arena, &out.key));
        else if (str_equal(name, STR("Code")))
            TRY(xml_text(xml, arena, &out.error.code));
        else if (str_equal(name, STR("Message")))
            TRY(xml_text(xml, arena, &out.error.message));
        else
            TRY(xml_skip(xml));
    }
    *ret_error = out;
    return NULL;
}

/* Which of the slot's keys it is; `slot->count` when it is none. */
static size_t find_key(const Deletion *d, const Slot *slot, Str whole)
{
    Str key = str_slice(whole, d->client->prefix.len, whole.len);
    size_t i = 0;
    if (!str_starts_with(whole, d->client->prefix))
        return slot->count;
    while (i < slot->count && !str_equal(d->keys[slot->indexes[i]], key))
        i++;
    return i;
}

/* What goes wrong once may go well by itself: such a key is deleted alone, with the retries of every request. */
static void settle_key(Deletion *d, size_t index, const KeyError *failed, const HttpResponse *response)
{
    S3Error error = failed->error;
    S3Class class = s3_classify(500, error.code);
    error.status = response->status;
    error.request_id = response->header[HTTP_REQUEST_ID];
    if (class.action != S3_FAIL) {
        d->singles[d->single_count++] = index;
        return;
    }
    bool gone = str_equal(error.code, STR("NoSuchKey")) || str_equal(error.code, STR("NoSuchVersion"));
    tell(d, index,
         gone ? NULL
              : error_wrap(s3_error_tell(&error, class.code), "'s3://" STR_FMT "/" STR_FMT "'",
                           STR_ARG(d->client->bucket), STR_ARG(failed->key)));
}

/* Settles the keys with errors and strikes them from the slot's; an answer that makes no sense is a failure of all. */
MUST_USE static Error *read_result(Deletion *d, Slot *slot, Arena *arena)
{
    Xml xml;
    Str name;
    KeyError failed;

    xml_init(&xml, buffer_str(&slot->answer));
    TRY(xml_root(&xml, &name));
    if (!str_equal(name, STR("DeleteResult")))
        return FAIL(CORRUPT, "the answer is '" STR_FMT "' and not DeleteResult", STR_ARG(name));
    for (;;) {
        TRY(xml_child(&xml, &name));
        if (name.len == 0)
            return xml_end(&xml);
        if (!str_equal(name, STR("Error"))) {
            TRY(xml_skip(&xml));
            continue;
        }
        TRY(read_key_error(&xml, arena, &failed));
        size_t i = find_key(d, slot, failed.key);
        if (i == slot->count)
            return FAIL(CORRUPT, "the server failed to delete '" STR_FMT "', which it was not asked for",
                        STR_ARG(failed.key));
        settle_key(d, slot->indexes[i], &failed, &slot->request.exchange.response);
        slot->indexes[i] = slot->indexes[--slot->count];
    }
}

/* No such call here: 501, or a 405 to the POST. */
static bool is_missing_call(const S3Request *request, const Error *err)
{
    return error_code(err) == ERR_UNSUPPORTED || request->exchange.response.status == 405;
}

static void finish_batch(Deletion *d, Slot *slot, Error *take_error)
{
    if (take_error && is_missing_call(&slot->request, take_error)) {
        (void)s3_quirks_learn(&d->client->quirks, S3_NO_DELETE_MANY);
        error_free(take_error); /* they go one by one */
        for (size_t i = 0; i < slot->count; i++)
            d->singles[d->single_count++] = slot->indexes[i];
        return;
    }
    CLEANUP(arena_freep) Arena *arena = arena_new(BATCH_ARENA_BYTES);
    if (!take_error && !arena)
        take_error = FAIL(NO_MEMORY, "out of memory");
    if (!take_error)
        take_error = read_result(d, slot, arena);
    if (take_error) {
        tell_all(d, slot, take_error);
        return;
    }
    for (size_t i = 0; i < slot->count; i++)
        tell(d, slot->indexes[i], NULL);
}

static void finish(Deletion *d, HttpExchange *exchange)
{
    S3Request *request = exchange->context;
    Slot *slot = request->user;
    Error *err = exchange->error;
    exchange->error = NULL;
    err = s3_request_end(request, err);
    d->idle[d->idle_count++] = slot;
    d->batches_in_flight -= slot->is_batch;
    if (slot->is_batch)
        finish_batch(d, slot, err);
    else
        tell(d, slot->indexes[0], err);
}

/* ---- the whole ---- */

Error *s3_delete_many(Store *store, const Cancel *cancel, const Str *keys, size_t count, StoreDeletedFn *each,
                      void *context)
{
    CLEANUP(deletion_done)
    Deletion d = {
        .store = store,
        .client = s3_client_of(store),
        .cancel = cancel,
        .keys = keys,
        .count = count,
        .each = each,
        .context = context,
    };
    Error *err = deletion_init(&d);
    if (err)
        return err;
    for (;;) {
        bool started = !err;
        while (started) {
            err = start_one(&d, &started);
            started = started && !err;
        }
        HttpExchange *exchange = http_next_completed(&d.completions);
        if (!exchange)
            break;
        finish(&d, exchange);
    }
    if (d.ended) {
        error_free(err); /* what the caller wants is the answer */
        return d.ended;
    }
    return err ? err : cancel_check(cancel);
}
