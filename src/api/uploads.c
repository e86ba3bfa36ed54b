/* Unfinished uploads: few enough to hold them all, so that the listing has ended before the caller aborts any. */
#include <stdlib.h>

#include "api/internal.h"

#define UPLOADS_ARENA_BYTES (256 * MIB)

typedef struct UploadNode {
    UploadInfo info;
    struct UploadNode *next;
} UploadNode;

struct QuernUploads {
    pid_t process;
    Call call;
    Place place;
    Arena *arena;
    int64_t begun_before_us;
    UploadNode *first, **end;
    UploadNode *at; /* the next one to show */
    QuernUpload current;
};

DEFINE_FREEP(QuernUploads, quern_uploads_free)

static Error *keep_upload(void *context, const UploadInfo *upload)
{
    QuernUploads *uploads = context;
    if (upload->started_us > uploads->begun_before_us)
        return NULL;
    UploadNode *node = ARENA_NEW(uploads->arena, UploadNode);
    if (!node)
        return arena_error(uploads->arena);
    node->info = (UploadInfo){
        .key = arena_str(uploads->arena, upload->key),
        .upload_id = arena_str(uploads->arena, upload->upload_id),
        .started_us = upload->started_us,
        .storage_class = arena_str(uploads->arena, upload->storage_class),
    };
    if (!node->info.key.data || !node->info.upload_id.data || !node->info.storage_class.data)
        return arena_error(uploads->arena);
    *uploads->end = node;
    uploads->end = &node->next;
    return NULL;
}

QuernError *quern_client_list_uploads(QuernClient *client, const char *url, const QuernOptions *options,
                                      QuernControl *control, QuernUploads **ret_uploads)
{
    CLEANUP(quern_uploads_freep) QuernUploads *uploads = calloc(1, sizeof *uploads);
    if (!uploads || !(uploads->arena = arena_new(UPLOADS_ARENA_BYTES)))
        return FAIL(NO_MEMORY, "out of memory");
    uploads->process = getpid();
    TRY(call_begin(client, options, COMMAND_UPLOADS_ABORT, control, &uploads->call));
    const JobEnv *env = &uploads->call.env;
    uploads->end = &uploads->first;
    uploads->begun_before_us = clock_wall_us(env->clock) - config_duration_us(env->config, "older");
    TRY(place_open(env, str_of(url), &uploads->place));
    TRY_CTX(store_list_uploads(uploads->place.store, env->cancel, uploads->place.prefix, keep_upload, uploads),
            "list the uploads of '%s'", url);
    uploads->at = uploads->first;
    GIVE(ret_uploads, uploads);
    return NULL;
}

static QuernUpload shown(const UploadInfo *info, const UploadParts *parts)
{
    return (QuernUpload){.struct_bytes = sizeof(QuernUpload),
                         .key = info->key.data,
                         .upload_id = info->upload_id.data,
                         .started_us = info->started_us,
                         .storage_class = info->storage_class.data,
                         .parts = parts->count,
                         .size_bytes = parts->size_bytes};
}

QuernError *quern_uploads_next(QuernUploads *uploads, const QuernUpload **ret_upload)
{
    TRY(process_check(uploads->process, "list of uploads"));
    while (uploads->at) {
        const UploadInfo *info = &uploads->at->info;
        UploadParts parts;
        uploads->at = uploads->at->next;
        Error *error =
            store_upload_parts(uploads->place.store, uploads->call.env.cancel, info->key, info->upload_id, &parts);
        if (error_code(error) == ERR_NOT_FOUND) {
            error_free(error); /* it has been completed or aborted since */
            continue;
        }
        TRY(error);
        uploads->current = shown(info, &parts);
        if (ret_upload)
            *ret_upload = &uploads->current;
        return NULL;
    }
    if (ret_upload)
        *ret_upload = NULL;
    return NULL;
}

void quern_uploads_free(QuernUploads *uploads)
{
    if (!uploads || (uploads->process && uploads->process != getpid()))
        return;
    place_done(&uploads->place);
    call_done(&uploads->call);
    arena_free(uploads->arena);
    free(uploads);
}

QuernError *quern_client_abort_upload(QuernClient *client, const char *url, const char *upload_id,
                                      QuernControl *control)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(object_place_done) ObjectPlace place = {0};
    TRY(call_begin(client, NULL, COMMAND_CLIENT, control, &call));
    TRY(client_find_object(&call, url, &place));
    return store_abort_upload(place.store, call.env.cancel, place.key, str_of(upload_id));
}
