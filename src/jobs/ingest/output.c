/* A JSON object for each document: its key, what it says of itself, whether it is done. */
#include "jobs/ingest/job.h"
#include "jobs/ingest/spool.h"

enum { OUTPUT_MAX_BYTES = 1 << 30, PART_TEXT_BYTES = 500 /* S3 takes 2 kB of metadata */ };

/* Metadata of an output: the document's ETag, and a hash of the options. */
#define MADE_OF_VERSION "quern-source-version"
#define MADE_WITH_OPTIONS "quern-options"
#define MADE_IN_PART "quern-partial" /* is there when not all of the document could be read: why */

static const char *const output_endings[] = {".json", ".ndjson", ""};

static Str named_part(const Ingest *ingest, Str key)
{
    return ingest->relative_names ? str_slice(key, ingest->source.key_base, key.len) : key;
}

static Error *output_key(const Ingest *ingest, Str key, Buffer *out)
{
    TRY(buffer_append_str(out, named_part(ingest, key)));
    return buffer_append_str(out, str_of(output_endings[ingest->format]));
}

static Error *spool_piece(void *spool, Bytes piece)
{
    return spool_write(spool, piece);
}

Error *ingest_put_json(const Ingest *ingest, const Cancel *cancel, const Document *document, Str part)
{
    CLEANUP(buffer_done) Buffer key = {0};
    CLEANUP(spool_done) Spool json = {.directories = ingest->scratch, .bytes_max = OUTPUT_MAX_BYTES};
    ElementJsonOptions form = {ingest->format == OUTPUT_JSON ? ELEMENT_JSON_ARRAY : ELEMENT_JSON_LINES,
                               &ingest->shape.selection};
    MetadataEntry made_of[] = {{STR(MADE_OF_VERSION), document->info.etag},
                               {STR(MADE_WITH_OPTIONS), str_of(ingest->options_hash)},
                               {STR(MADE_IN_PART), part}};
    PutOptions put = {.mode = PUT_REPLACE,
                      .metadata = {made_of, ARRAY_COUNT(made_of) - (part.len == 0)},
                      .hints_only = true,
                      .headers.content_type =
                          ingest->format == OUTPUT_JSON ? STR("application/json") : STR("application/x-ndjson")};
    TRY(output_key(ingest, document->info.key, &key));
    TRY(elements_stream_json(&document->elements, &document->about, form, (ElementJsonSink){spool_piece, &json}));
    PutBody body = spool_body(&json);
    TRY_CTX(store_put(ingest->output, cancel, buffer_str(&key), &body, &put), "write '" STR_FMT "'",
            STR_ARG(buffer_str(&key)));
    if (log_wants(ingest->env->log, LOG_INFO)) {
        CLEANUP(buffer_done) Buffer shown = {0};
        TRY(report_append_key(&shown, buffer_str(&key), config_bool(ingest->env->config, "redact-keys")));
        Str root = config_str(ingest->env->config, "structured-output-dir");
        log_info(ingest->env->log, "Wrote " STR_FMT "%s" STR_FMT, STR_ARG(root),
                 str_ends_with(root, STR("/")) ? "" : "/", STR_ARG(buffer_str(&shown)));
    }
    return NULL;
}

/* Whether what an output says of itself is what it would be made of now. An output of others says nothing, and is taken as it is. */
static bool says(const ObjectInfo *output, const char *name, Str value)
{
    const Str *said = metadata_find_view(output->metadata, str_of(name));
    return !said || str_equal(*said, value);
}

Error *ingest_has_json(const Ingest *ingest, const Cancel *cancel, const Document *document, OutputState *ret_state,
                       Str *ret_part)
{
    CLEANUP(buffer_done) Buffer key = {0};
    ObjectInfo output;
    TRY(output_key(ingest, document->info.key, &key));
    Error *error = store_head(ingest->output, cancel, buffer_str(&key), document->arena, &output);
    const Str *part = error ? NULL : metadata_find_view(output.metadata, STR(MADE_IN_PART));
    bool is_there = !error && output.size_bytes > 0 && says(&output, MADE_OF_VERSION, document->info.etag)
                    && says(&output, MADE_WITH_OPTIONS, str_of(ingest->options_hash));
    *ret_state = !is_there ? OUTPUT_ABSENT : part ? OUTPUT_PART : OUTPUT_WHOLE;
    *ret_part = part ? *part : STR_EMPTY;
    if (error_code(error) != ERR_NOT_FOUND)
        return error;
    error_free(error);
    return NULL;
}

Error *ingest_part_text(const Error *error, Buffer *out)
{
    Str message = str_of(error_message_view(error));
    TRY(buffer_append_format(out, "%s: ", error_code_name(error_code(error))));
    for (size_t i = 0; i < message.len && i < PART_TEXT_BYTES; i++) {
        char c = message.data[i];
        TRY(buffer_append_byte(out, c >= ' ' && c <= '~' ? (uint8_t)c : '?'));
    }
    return NULL;
}

Error *ingest_part_error(Str text)
{
    static const ErrorCode codes[] = {ERR_LIMIT, ERR_CORRUPT, ERR_UNSUPPORTED};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        Str name = str_of(error_code_name(codes[i]));
        if (str_starts_with(text, name) && str_starts_with(str_slice(text, name.len, text.len), STR(": "))) {
            text = str_slice(text, name.len + 2, text.len);
            return codes[i] == ERR_LIMIT     ? FAIL(LIMIT, STR_FMT, STR_ARG(text))
                   : codes[i] == ERR_CORRUPT ? FAIL(CORRUPT, STR_FMT, STR_ARG(text))
                                             : FAIL(UNSUPPORTED, STR_FMT, STR_ARG(text));
        }
    }
    return FAIL(LIMIT, "not all of it could be read, as its output says"); /* and no more */
}
