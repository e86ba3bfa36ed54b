#include <stdlib.h>

#include "api/elements.h"
#include "api/internal.h"
#include "document/element_read.h"
#include "document/wire.h"

enum { ELEMENTS_ARENA_BYTES = 1 << 30, ELEMENTS_TEXT_BYTES = 256 << 20, PARSERS_OF_A_CLIENT = 64 };

DEFINE_FREEP(QuernElements, quern_elements_free)

static Error *elements_new(QuernElements **ret_elements)
{
    QuernElements *elements = calloc(1, sizeof *elements);
    if (!elements)
        return FAIL(NO_MEMORY, "out of memory");
    *ret_elements = elements;
    elements->arena = elements->elements.arena = arena_new(ELEMENTS_ARENA_BYTES);
    return elements->arena ? NULL : FAIL(NO_MEMORY, "out of memory");
}

void quern_elements_free(QuernElements *elements)
{
    if (!elements)
        return;
    arena_free(elements->arena);
    free(elements);
}

Error *elements_show(QuernElements *elements)
{
    CLEANUP(buffer_done) Buffer metadata = {0};
    size_t count = elements->elements.count;
    elements->shown = ARENA_ARRAY(elements->arena, QuernElement, count);
    if (!elements->shown)
        return arena_error(elements->arena);
    for (size_t i = 0; i < count; i++) {
        const Element *element = &elements->elements.items[i];
        buffer_clear(&metadata);
        TRY(element_metadata_json(&elements->elements, i, &elements->info, NULL, &metadata));
        elements->shown[i] = (QuernElement){
            .type = arena_cstr(elements->arena, element_type_name(element->type)),
            .id = element->id,
            .text = arena_cstr(elements->arena, element->text),
            .text_bytes = element->text.len,
            .metadata_json = arena_cstr(elements->arena, buffer_str(&metadata)),
        };
        if (!elements->shown[i].type || !elements->shown[i].text || !elements->shown[i].metadata_json)
            return arena_error(elements->arena);
    }
    return NULL;
}

/* The client's parsers, started at the first document and kept. The sandbox's options are those of the first call. */
static Error *client_parser(Call *call, DocumentParser **ret_parser)
{
    QuernClient *client = call->client;
    Error *error = NULL;
    pthread_mutex_lock(&client->lock);
    if (!client->parser)
        error = document_parser_new(call->config, PARSERS_OF_A_CLIENT, NULL, &client->parser);
    *ret_parser = client->parser;
    pthread_mutex_unlock(&client->lock);
    return error;
}

/* A tokenizer is large: the client keeps the one that was used last. */
static Error *client_shape(Call *call, Shape *ret_shape)
{
    QuernClient *client = call->client;
    pthread_mutex_lock(&client->lock);
    CLEANUP(tokenizer_file_closep) TokenizerFile *kept = tokenizer_file_share(client->tokenizer);
    pthread_mutex_unlock(&client->lock);
    TRY(shape_from_config(call->config, kept, ret_shape));
    if (!ret_shape->tokenizer || ret_shape->tokenizer == kept)
        return NULL;
    pthread_mutex_lock(&client->lock);
    TokenizerFile *older = client->tokenizer;
    client->tokenizer = tokenizer_file_share(ret_shape->tokenizer);
    pthread_mutex_unlock(&client->lock);
    tokenizer_file_close(older);
    return NULL;
}

static Error *prepare(Call *call, Shape *shape, DocumentParser **ret_parser)
{
    TRY(document_parser_check(call->config));
    TRY(client_shape(call, shape));
    return client_parser(call, ret_parser);
}

QuernError *quern_partition_prepare(QuernClient *client, const QuernOptions *options, QuernControl *control)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(shape_done) Shape shape = {0};
    DocumentParser *parser;
    TRY(call_begin(client, options, COMMAND_INGEST, control, &call));
    return prepare(&call, &shape, &parser);
}

static Error *partition_document(Call *call, Bytes document, Str filename, QuernElements **ret_elements)
{
    CLEANUP(quern_elements_freep) QuernElements *elements = NULL;
    DocumentParser *parser = NULL;
    CLEANUP(shape_done) Shape shape = {0};
    SandboxEnd end;
    TRY(prepare(call, &shape, &parser));
    TRY(elements_new(&elements));
    ASSERT(elements); /* said for gcc -O3, which does not know that an error is never NULL */
    Str name = arena_str(elements->arena, filename);
    if (!name.data)
        return arena_error(elements->arena);
    Error *error = document_parser_run(parser, call->config, &shape, call->env.cancel, document, name, &elements->info,
                                       &elements->elements, &end);
    if (error && end != SANDBOX_PARTIAL)
        return error;
    Error *late = elements_show(elements);
    if (late) {
        error_free(error);
        return late;
    }
    GIVE(ret_elements, elements);
    return error; /* why these are not all */
}

static Str base_name(Str path)
{
    size_t slash = str_rfind_char(path, '/');
    return slash == SIZE_MAX ? path : str_slice(path, slash + 1, path.len);
}

QuernError *quern_partition_bytes(QuernClient *client, QuernBytes document, const char *filename,
                                  const QuernOptions *options, QuernControl *control, QuernElements **ret_elements)
{
    CLEANUP(call_done) Call call = {0};
    TRY(call_begin(client, options, COMMAND_INGEST, control, &call));
    return partition_document(&call, bytes_from(document.data, document.size_bytes), base_name(str_of(filename)),
                              ret_elements);
}

QuernError *quern_partition(QuernClient *client, const char *url, const QuernOptions *options, QuernControl *control,
                            QuernElements **ret_elements)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(store_freep) Store *store = NULL;
    Str key;
    TRY(call_begin(client, options, COMMAND_INGEST, control, &call));
    CLEANUP(buffer_done) Buffer body = {.limit = config_size(call.config, "max-file-size")};
    TRY(client_open_object(&call.env, url, &store, &key));
    TRY_CTX(store_get(store, call.env.cancel, key, BYTE_RANGE_ALL, STR_EMPTY, &body), "read '%s'", url);
    TRY_CTX(partition_document(&call, buffer_bytes(&body), base_name(key), ret_elements), "'%s'", url);
    return NULL;
}

const QuernElement *quern_elements_at(const QuernElements *elements, size_t index)
{
    return elements && index < elements->elements.count ? &elements->shown[index] : NULL;
}

static Error *check_elements(const QuernElements *elements)
{
    return elements ? NULL : FAIL(INVALID, "there are no elements: NULL was given");
}

/* Everything of `from` but its ids, in an arena of its own: chunks share what they can with the elements they are made of. */
static Error *chunks_of(const QuernElements *from, const Shape *shape, QuernElements **ret_chunks)
{
    CLEANUP(quern_elements_freep) QuernElements *chunks = NULL;
    CLEANUP(buffer_done) Buffer frame = {0};
    Str filetype;
    TRY(elements_new(&chunks));
    TRY(wire_encode_elements(&from->elements, 0, from->elements.count, from->info.filetype, &frame));
    TRY(wire_decode_elements(buffer_bytes(&frame), &chunks->elements, &filetype));
    chunks->info = (DocumentInfo){.filename = arena_str(chunks->arena, from->info.filename), .filetype = filetype};
    if (!chunks->info.filename.data)
        return arena_error(chunks->arena);
    TRY(elements_finish(&chunks->elements, &chunks->info));
    TRY(shape_chunk(shape, &chunks->info, &chunks->elements));
    TRY(elements_show(chunks));
    GIVE(ret_chunks, chunks);
    return NULL;
}

QuernError *quern_elements_chunk(const QuernElements *elements, const QuernOptions *options, QuernElements **ret_chunks)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(shape_done) Shape shape = {0};
    TRY(check_elements(elements));
    TRY(call_begin(NULL, options, COMMAND_INGEST, NULL, &call));
    TRY(shape_from_config(call.config, NULL, &shape));
    if (shape.chunk.strategy == CHUNK_NONE)
        shape.chunk.strategy = CHUNK_BASIC;
    return chunks_of(elements, &shape, ret_chunks);
}

static Error *read_array(json_t *root, QuernElements *elements)
{
    for (size_t i = 0; i < json_array_size(root); i++) {
        if (!json_is_element(json_array_get(root, i)))
            return FAIL(CORRUPT, "item %zu is no element: it wants a known type and a text", i);
    }
    TRY(document_read_json(json_array_get(root, 0), elements->arena, &elements->info));
    TRY(elements_read_json(root, ELEMENTS_TEXT_BYTES, &elements->elements));
    return elements_show(elements);
}

QuernError *quern_elements_from_json(QuernBytes json, QuernElements **ret_elements)
{
    CLEANUP(quern_elements_freep) QuernElements *elements = NULL;
    CLEANUP(cleanup_json) json_t *root = NULL;
    TRY(json_read(bytes_from(json.data, json.size_bytes), &root));
    if (!json_is_array(root))
        return FAIL(CORRUPT, "elements are a JSON array; this is another value");
    TRY(elements_new(&elements));
    TRY(read_array(root, elements));
    GIVE(ret_elements, elements);
    return NULL;
}

QuernError *quern_elements_to_json(const QuernElements *elements, const QuernOptions *options, char **ret_json)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(buffer_done) Buffer json = {0};
    ElementSelection selection;
    TRY(check_elements(elements));
    TRY(call_begin(NULL, options, COMMAND_INGEST, NULL, &call));
    TRY(shape_selection(call.config, &selection));
    ElementJsonOptions form = {.form = str_equal(config_str(call.config, "output-format"), STR("ndjson"))
                                           ? ELEMENT_JSON_LINES
                                           : ELEMENT_JSON_ARRAY,
                               .selection = &selection};
    TRY(elements_write_json(&elements->elements, &elements->info, form, &json));
    return text_from_buffer(&json, ret_json);
}
