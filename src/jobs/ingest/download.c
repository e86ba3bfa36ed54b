/* --download-only: objects to files, many GETs in flight from one thread. */
#include "jobs/ingest/job.h"

/* Decided without a request: the copy is there, or this is a dry run. */
static Error *needs_no_request(Ingest *ingest, Item *item, bool *ret_ended)
{
    Document *document = item->data;
    *ret_ended = true;
    if (ingest->read_downloads && !ingest->force) {
        bool is_there;
        TRY(ingest_has_copy(ingest, NULL, document, &is_there));
        if (is_there) {
            item_skip(item, "already downloaded");
            return NULL;
        }
    }
    if (ingest->dry_run) {
        item_skip_error(item, FAIL(NO_WORK, "would be downloaded (dry run)"));
        return NULL;
    }
    *ret_ended = false;
    return NULL;
}

static void submit_download(void *context, Item *item)
{
    Ingest *ingest = context;
    Document *document = item->data;
    bool ended;
    Error *error = needs_no_request(ingest, item, &ended);
    if (error || ended) {
        document->fetch.error = error;
        document->next_ready = ingest->ready;
        document->item = item;
        ingest->ready = document;
        return;
    }
    document->fetch =
        (StoreFetch){.key = item->key, .if_etag = document->info.etag, .range = BYTE_RANGE_ALL, .user = item};
    document->fetch.body.limit = (size_t)ingest->document_max_bytes;
    store_batch_get(ingest->batch, &document->fetch);
}

static Error *end_download(const Ingest *ingest, Item *item)
{
    Document *document = item->data;
    Error *error = document->fetch.error;
    document->fetch.error = NULL;
    if (error || item->error)
        return error;
    item->bytes_done = document->fetch.body.len;
    return store_put_bytes(ingest->downloads, ingest->env->cancel, item->key, buffer_bytes(&document->fetch.body),
                           NULL);
}

static Error *ended_download(void *context, Item **ret_item)
{
    Ingest *ingest = context;
    Document *document = ingest->ready;
    *ret_item = document ? document->item : NULL;
    if (!document)
        return NULL;
    ingest->ready = document->next_ready;
    return end_download(ingest, document->item);
}

/* Those that needed no request are not in flight any more (ended_download). */
static Error *complete_download(void *context, Item **ret_item)
{
    const Ingest *ingest = context;
    StoreFetch *fetch = store_batch_next(ingest->batch);
    ASSERT(fetch);
    *ret_item = fetch->user;
    return end_download(ingest, *ret_item);
}

const Job ingest_download_job = {
    .name = "download",
    .item_bytes = sizeof(Document),
    .plan = ingest_plan,
    .submit = submit_download,
    .complete = complete_download,
    .ended = ended_download,
    .clear = ingest_clear,
};
