#include "jobs/ingest/shape.h"

#include <stdio.h>

#include "base/hash.h"
#include "document/partition.h"

static Error *read_types(StrList names, uint32_t *ret_types)
{
    *ret_types = 0;
    for (size_t i = 0; i < names.count; i++) {
        ElementType type;
        if (!element_type_from_name(names.items[i], &type))
            return FAIL(INVALID,
                        "--element-exclude '" STR_FMT "': no such type of element; the types are those of the JSON, "
                        "such as Title, NarrativeText, Header, Footer, Image, PageBreak",
                        STR_ARG(names.items[i]));
        *ret_types |= UINT32_C(1) << type;
    }
    return NULL;
}

/* A name that is none would leave nothing of every element. Metadata may have any name: JSON brings its own. */
static Error *check_fields(StrList names)
{
    static const char *const fields[] = {"element_id", "text", "type", "metadata", "embeddings", "checked"};
    for (size_t i = 0; i < names.count; i++) {
        bool known = false;
        for (size_t k = 0; k < ARRAY_COUNT(fields); k++)
            known |= str_equal(names.items[i], str_of(fields[k]));
        if (!known)
            return FAIL(INVALID,
                        "--fields-include '" STR_FMT "': an element has element_id, text, type, metadata, embeddings",
                        STR_ARG(names.items[i]));
    }
    return NULL;
}

Error *shape_selection(const Config *config, ElementSelection *ret_selection)
{
    *ret_selection = (ElementSelection){
        .fields = config_list(config, "fields-include"),
        .metadata_include = config_list(config, "metadata-include"),
        .metadata_exclude = config_list(config, "metadata-exclude"),
        .flatten = config_bool(config, "flatten-metadata"),
        .seed = str_equal(config_str(config, "element-format"), STR("seed")),
    };
    TRY(check_fields(ret_selection->fields));
    if (ret_selection->metadata_include.count > 0 && ret_selection->metadata_exclude.count > 0)
        return FAIL(INVALID, "--metadata-include and --metadata-exclude exclude each other: give one of them");
    return NULL;
}

static size_t length_option(const Config *config, const char *name)
{
    return config_has(config, name) ? (size_t)config_int(config, name) : CHUNK_UNSET;
}

/* ---- chunks by tokens ---- */

static Error *count_tokens(void *context, Str text, size_t *ret_length)
{
    return tokenizer_count(context, text, ret_length);
}

/* In characters, where 0 means the same in any unit. */
static bool counts_characters(const Config *config, const char *name)
{
    return config_is_set(config, name) && config_int(config, name) != 0;
}

static Error *read_tokens(const Config *config, TokenizerFile *kept, Shape *shape, ChunkOptions *options)
{
    static const char *const in_characters[] = {"chunk-max-characters", "chunk-new-after-n-chars",
                                                "chunk-combine-text-under-n-chars"};
    bool limit = config_has(config, "chunk-max-tokens"), file = config_has(config, "chunk-tokenizer");
    if (!limit && !file)
        return NULL;
    if (!limit || !file)
        return FAIL(INVALID, limit ? "--chunk-max-tokens needs --chunk-tokenizer FILE, the tokenizer.json of the model"
                                   : "--chunk-tokenizer counts for --chunk-max-tokens N: give both");
    for (size_t i = 0; i < ARRAY_COUNT(in_characters); i++) {
        if (counts_characters(config, in_characters[i]))
            return FAIL(INVALID, "--%s counts characters and --chunk-max-tokens tokens: they exclude each other",
                        in_characters[i]);
    }
    TRY(tokenizer_file_open(config_cstr(config, "chunk-tokenizer"), kept, &shape->tokenizer));
    options->max_characters = (size_t)config_int(config, "chunk-max-tokens");
    options->measure = (ChunkMeasure){count_tokens, tokenizer_file_tokenizer(shape->tokenizer)};
    return NULL;
}

static Error *read_chunks(const Config *config, TokenizerFile *kept, Shape *shape)
{
    static const ChunkStrategy strategies[] = {CHUNK_NONE, CHUNK_BASIC, CHUNK_BY_TITLE}; /* as the option's choices */
    size_t choice = config_choice(config, "chunking-strategy");
    ASSERT(choice < ARRAY_COUNT(strategies));
    ChunkOptions options = chunk_options_default(strategies[choice]);
    options.max_characters = (size_t)config_int(config, "chunk-max-characters");
    options.new_after_n_chars = length_option(config, "chunk-new-after-n-chars");
    options.combine_text_under_n_chars = length_option(config, "chunk-combine-text-under-n-chars");
    options.overlap = (size_t)config_int(config, "chunk-overlap");
    options.overlap_all = config_bool(config, "chunk-overlap-all");
    options.multipage_sections = config_bool(config, "chunk-multipage-sections");
    options.include_orig_elements = config_bool(config, "chunk-include-orig-elements");
    TRY(read_tokens(config, kept, shape, &options));
    TRY(chunk_options_check(&options));
    shape->chunk = options;
    return NULL;
}

MUST_USE static Error *read_cleaners(const Config *config, Shape *shape)
{
    StrList list = config_list(config, "clean");
    return list.count > 0 ? cleaners_new(list, &shape->cleaners) : NULL;
}

Error *shape_from_config(const Config *config, TokenizerFile *kept, Shape *ret_shape)
{
    CLEANUP(shape_done) Shape shape = {0};
    static const ElementIds ids[] = {ELEMENT_IDS_POSITION_HASH, ELEMENT_IDS_TEXT_HASH, ELEMENT_IDS_UUID};
    size_t choice = config_choice(config, "element-ids");
    ASSERT(choice < ARRAY_COUNT(ids));
    shape.ids = ids[choice];
    TRY(read_types(config_list(config, "element-exclude"), &shape.types_left_out));
    TRY(shape_selection(config, &shape.selection));
    TRY_CTX(read_cleaners(config, &shape), "--clean");
    TRY(read_chunks(config, kept, &shape));
    *ret_shape = shape;
    shape.cleaners = NULL;
    shape.tokenizer = NULL;
    return NULL;
}

void shape_done(Shape *shape)
{
    cleaners_free(shape->cleaners);
    tokenizer_file_close(shape->tokenizer);
    *shape = (Shape){0};
}

Error *shape_hash(const Shape *shape, const Config *config, char out[SHAPE_HASH_BYTES])
{
    static const char *const names[] = {"strategy",
                                        "ocr-languages",
                                        "encoding",
                                        "languages",
                                        "txt-mode",
                                        "titles-from-text",
                                        "html-parser",
                                        "table-as-cells",
                                        "uncompress",
                                        "element-format",
                                        "element-ids",
                                        "fields-include",
                                        "metadata-include",
                                        "metadata-exclude",
                                        "element-exclude",
                                        "flatten-metadata",
                                        "clean",
                                        "chunking-strategy",
                                        "chunk-max-characters",
                                        "chunk-new-after-n-chars",
                                        "chunk-combine-text-under-n-chars",
                                        "chunk-overlap",
                                        "chunk-overlap-all",
                                        "chunk-multipage-sections",
                                        "chunk-include-orig-elements",
                                        "chunk-max-tokens",
                                        "chunk-tokenizer"};
    CLEANUP(buffer_done) Buffer values = {0};
    TRY(buffer_append_u64le(&values, PARTITION_RULES_VERSION));
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        bool has;
        TRY(config_write_value(config, str_of(names[i]), &values, &has));
        TRY(buffer_append_byte(&values, has ? '\n' : '-'));
    }
    TRY(buffer_append_u64le(&values, tokenizer_file_hash(shape->tokenizer)));
    snprintf(out, SHAPE_HASH_BYTES, "%016llx", (unsigned long long)xxh64(buffer_bytes(&values)));
    return NULL;
}

MUST_USE static Error *name_all(const Shape *shape, Elements *elements)
{
    Random random;
    if (shape->ids == ELEMENT_IDS_UUID)
        random_init_system(&random);
    return elements_rename(elements, shape->ids, &random);
}

Error *shape_chunk(const Shape *shape, const DocumentInfo *info, Elements *elements)
{
    Elements chunks = {.arena = elements->arena, .count_max = elements->count_max};
    TRY(elements_chunk(elements, info, &shape->chunk, &chunks));
    TRY(elements_finish(&chunks, info));
    TRY(name_all(shape, &chunks));
    *elements = chunks;
    return NULL;
}

Error *shape_apply(const Shape *shape, const DocumentInfo *info, Elements *elements)
{
    TRY(elements_finish(elements, info));
    TRY(name_all(shape, elements));
    if (shape->types_left_out)
        TRY(elements_set_aside(elements, shape->types_left_out));
    if (shape->cleaners)
        TRY_CTX(cleaners_apply_to_elements(shape->cleaners, elements), "--clean");
    return shape->chunk.strategy == CHUNK_NONE ? NULL : shape_chunk(shape, info, elements);
}
