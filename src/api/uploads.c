/* Unfinished uploads: few enough to hold them all, so that the listing has ended before the caller aborts any. How many parts each has is one
 * request more (or several), and those of WINDOW uploads are asked for together, by WORKERS threads. */
#include <stdatomic.h>
#include <stdlib.h>

#include "api/internal.h"
#include "base/thread.h"

#define UPLOADS_ARENA_BYTES (256 * MIB)
enum { WINDOW = 128, WORKERS = 16 };

typedef struct UploadNode {
    UploadInfo info;
    UploadParts parts; /* once measured */
    Error *error;      /* why it could not be */
    bool measured;
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
    size_t gone;    /* of those before: the server has listed them and does not know them */
    const UploadNode *first_gone;
    QuernUpload current;

    UploadNode *window[WINDOW]; /* while they are measured */
    size_t window_count;
    atomic_size_t window_next;
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

static void measure(void *context)
{
    QuernUploads *uploads = context;
    for (size_t i; (i = atomic_fetch_add(&uploads->window_next, 1)) < uploads->window_count;) {
        UploadNode *node = uploads->window[i];
        node->error = store_upload_parts(uploads->place.store, uploads->call.env.cancel, node->info.key,
                                         node->info.upload_id, &node->parts);
        node->measured = true;
    }
}

/* Measures the uploads from the next one on; this thread works too, so it goes on where there are no others. */
static void measure_window(QuernUploads *uploads)
{
    Thread workers[WORKERS - 1] = {0};
    uploads->window_count = 0;
    atomic_store(&uploads->window_next, 0);
    for (UploadNode *node = uploads->at; node && uploads->window_count < WINDOW; node = node->next)
        uploads->window[uploads->window_count++] = node;
    for (size_t i = 0; i < WORKERS - 1 && i + 1 < uploads->window_count; i++)
        error_free(thread_start(&workers[i], "uploads", measure, uploads)); /* the others do its work */
    measure(uploads);
    for (size_t i = 0; i < WORKERS - 1; i++)
        thread_join(&workers[i]);
}

/* They are left out of what is shown, so that is said, once, at the end. */
static void say_gone(QuernUploads *uploads)
{
    if (uploads->gone)
        log_warning(uploads->call.env.log,
                    "%zu more were listed that the server does not know when it is asked for their parts: completed or "
                    "aborted meanwhile, or lost by the server; the first: '" STR_FMT "' (upload " STR_FMT ")",
                    uploads->gone, STR_ARG(uploads->first_gone->info.key),
                    STR_ARG(uploads->first_gone->info.upload_id));
    uploads->gone = 0;
}

QuernError *quern_uploads_next(QuernUploads *uploads, const QuernUpload **ret_upload)
{
    TRY(process_check(uploads->process, "list of uploads"));
    while (uploads->at) {
        if (!uploads->at->measured)
            measure_window(uploads);
        UploadNode *node = uploads->at;
        Error *error = node->error;
        uploads->at = node->next;
        node->error = NULL;
        if (error_code(error) == ERR_NOT_FOUND) {
            error_free(error); /* said in say_gone */
            uploads->first_gone = uploads->gone++ ? uploads->first_gone : node;
            continue;
        }
        TRY(error);
        uploads->current = shown(&node->info, &node->parts);
        if (ret_upload)
            *ret_upload = &uploads->current;
        return NULL;
    }
    say_gone(uploads);
    if (ret_upload)
        *ret_upload = NULL;
    return NULL;
}

void quern_uploads_free(QuernUploads *uploads)
{
    if (!uploads || (uploads->process && uploads->process != getpid()))
        return;
    for (UploadNode *node = uploads->first; node; node = node->next)
        error_free(node->error);
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
