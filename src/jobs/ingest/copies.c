/* A document's bytes: from the source, or from the copy that --download-dir has. */
#include "jobs/ingest/job.h"

Error *ingest_has_copy(const Ingest *ingest, const Cancel *cancel, const Document *document, bool *ret_has)
{
    ObjectInfo copy;
    const ObjectInfo *object = &document->info;
    Error *error = store_head(ingest->downloads, cancel, object->key, document->arena, &copy);
    *ret_has = !error && copy.modified_us >= object->modified_us && (copy.size_bytes > 0 || object->size_bytes == 0);
    if (error_code(error) != ERR_NOT_FOUND)
        return error;
    error_free(error);
    return NULL;
}

Error *ingest_read(const Ingest *ingest, const Cancel *cancel, const Document *document, Buffer *body)
{
    const ObjectInfo *object = &document->info;
    bool is_there = false;
    if (ingest->read_downloads)
        TRY(ingest_has_copy(ingest, cancel, document, &is_there));
    if (is_there) {
        Error *error = store_get(ingest->downloads, cancel, object->key, BYTE_RANGE_ALL, STR_EMPTY, body);
        if (!error && body->len > 0)
            return NULL;
        error_free(error); /* no copy, or none that can be used: the source has it */
        buffer_clear(body);
    }
    return store_get(ingest->source.store, cancel, object->key, BYTE_RANGE_ALL, object->etag, body);
}

Error *ingest_keep_download(const Ingest *ingest, const Cancel *cancel, const Document *document, Bytes body)
{
    if (!ingest->downloads)
        return NULL;
    TRY_CTX(store_put_bytes(ingest->downloads, cancel, document->info.key, body, NULL), "keep the download");
    return NULL;
}

void ingest_drop_download(const Ingest *ingest, const Cancel *cancel, Str key)
{
    if (!ingest->downloads || ingest->keep_downloads)
        return;
    Error *error = store_delete(ingest->downloads, cancel, key);
    if (error && config_bool(ingest->env->config, "redact-keys"))
        error = report_hide_key(error, key);
    if (error)
        log_warning(ingest->env->log, "%s", error_message_view(error));
    error_free(error); /* the document is done; a copy that stays is a nuisance */
}
