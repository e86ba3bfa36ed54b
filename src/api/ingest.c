#include <stdlib.h>

#include "api/elements.h"
#include "api/internal.h"
#include "jobs/ingest/ingest.h"

/* The caller's roles, and what it takes to call them. */
typedef struct OwnRoles {
    const QuernDocProcessor *processor;
    const QuernDocWriter *writer;
    pthread_mutex_t
        writer_lock; /* the plan asks for outputs while the commit thread writes: a writer sees one call at a time */
    QuernControl *control;
} OwnRoles;

/* A document as the caller sees it; ETag and key end in a NUL already where they come from the plan. */
static QuernObject shown_object(const ObjectInfo *document, Buffer *etag)
{
    error_free(buffer_append_str(etag, document->etag)); /* without memory: no ETag */
    const char *text = buffer_cstr(etag);
    return (QuernObject){.struct_bytes = sizeof(QuernObject),
                         .key = document->key.data,
                         .size_bytes = document->size_bytes,
                         .modified_us = document->modified_us,
                         .etag = text ? text : ""};
}

/* Elements that the caller made travel by copy into the item's own arena. */
static Error *copy_elements(const QuernElements *from, DocumentInfo *info, Elements *to)
{
    for (size_t i = 0; i < from->elements.count; i++) {
        const Element *element = &from->elements.items[i];
        Element *copy;
        TRY(elements_add(to, element->type, element->text, &copy));
        copy->page_number = element->page_number;
        copy->category_depth = element->category_depth;
    }
    info->filename = arena_str(to->arena, from->info.filename);
    info->filetype = arena_str(to->arena, from->info.filetype);
    if (!info->filename.data || !info->filetype.data)
        return arena_error(to->arena);
    return elements_finish(to, info);
}

static Error *own_process(void *context, const ObjectInfo *document, Bytes payload, DocumentInfo *info,
                          Elements *elements)
{
    OwnRoles *own = context;
    CLEANUP(buffer_done) Buffer etag = {0};
    QuernObject object = shown_object(document, &etag);
    QuernElements *made = NULL;
    TRY(own->processor->process(own->processor->user, &object, (QuernBytes){payload.data, payload.len}, own->control,
                                &made));
    Error *error = made ? copy_elements(made, info, elements) : NULL;
    quern_elements_free(made);
    return error;
}

static bool own_has_output(void *context, const ObjectInfo *document)
{
    OwnRoles *own = context;
    CLEANUP(buffer_done) Buffer etag = {0};
    CLEANUP(buffer_done) Buffer key = {0};
    QuernObject object = shown_object(document, &etag);
    error_free(buffer_append_str(&key, document->key)); /* a listing's key has no NUL behind it */
    object.key = buffer_cstr(&key);
    if (!object.key)
        return false;
    pthread_mutex_lock(&own->writer_lock);
    bool has = own->writer->has_output(own->writer->user, &object);
    pthread_mutex_unlock(&own->writer_lock);
    return has;
}

static Error *own_write(void *context, const ObjectInfo *document, const DocumentInfo *info, const Elements *elements)
{
    OwnRoles *own = context;
    CLEANUP(buffer_done) Buffer etag = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(GIB);
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    QuernObject object = shown_object(document, &etag);
    QuernElements shown = {.arena = arena, .elements = *elements, .info = *info};
    TRY(elements_show(&shown));
    pthread_mutex_lock(&own->writer_lock);
    Error *error = own->writer->write(own->writer->user, &object, &shown, own->control);
    pthread_mutex_unlock(&own->writer_lock);
    return error;
}

QuernError *quern_ingest(QuernClient *client, const QuernDocProcessor *processor, const QuernDocWriter *writer,
                         const QuernOptions *options, QuernControl *control, QuernReport **ret_report)
{
    CLEANUP(call_done) Call call = {0};
    OwnRoles own = {
        .processor = processor, .writer = writer, .writer_lock = PTHREAD_MUTEX_INITIALIZER, .control = control};
    IngestRoles roles = {
        .process = processor ? own_process : NULL,
        .process_context = &own,
        .has_output = writer && writer->has_output ? own_has_output : NULL,
        .write = writer ? own_write : NULL,
        .write_context = &own,
    };
    TRY(call_begin(client, options, COMMAND_INGEST, control, &call));
    JobResult result = {0};
    QuernReport *report = NULL;
    Error *error = ingest_run(&call.env, &roles, &result);
    Error *late = report_from_result(&result, &report);
    if (!late && report && writer && writer->finish)
        late = writer->finish(writer->user, report);
    if (ret_report)
        *ret_report = report;
    else
        quern_report_free(report);
    if (!error)
        return late;
    error_free(late);
    return error;
}
