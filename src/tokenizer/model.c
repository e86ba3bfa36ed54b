#include "tokenizer/model.h"

#include "base/json.h"
#include "base/json_scan.h"
#include "tokenizer/tokenizer.h"

enum { MODEL_ARENA_BYTES = 1 << 30, SYMBOL_BYTES_MAX = 4 };

/* The members that matter, as they are written; those that are absent have the kind JSON_KIND_NULL. */
typedef struct Parts {
    JsonRaw added_tokens, normalizer, pre_tokenizer, post_processor, model;
    JsonRaw type, vocab, merges, unk_token; /* of the model */
    const char
        *unknown; /* of the model: an option that is on under which other ids would come out than ours; NULL: none */
} Parts;

typedef struct ModelReader {
    Model *model;
    Parts parts;
    Arena *arena; /* what is needed only while reading */
    Vocab vocab;
    Buffer text;
} ModelReader;

/* ---- the members ---- */

static void take_root_member(Parts *parts, Str name, const JsonRaw *value)
{
    if (str_equal(name, STR("added_tokens")))
        parts->added_tokens = *value;
    else if (str_equal(name, STR("normalizer")))
        parts->normalizer = *value;
    else if (str_equal(name, STR("pre_tokenizer")))
        parts->pre_tokenizer = *value;
    else if (str_equal(name, STR("post_processor")))
        parts->post_processor = *value;
    else if (str_equal(name, STR("model")))
        parts->model = *value;
}

static void take_model_member(Parts *parts, Str name, const JsonRaw *value)
{
    static const char *const unknown[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback",
                                          "ignore_merges"};
    if (str_equal(name, STR("type")))
        parts->type = *value;
    else if (str_equal(name, STR("vocab")))
        parts->vocab = *value;
    else if (str_equal(name, STR("merges")))
        parts->merges = *value;
    else if (str_equal(name, STR("unk_token")))
        parts->unk_token = *value;
    for (size_t i = 0; i < ARRAY_COUNT(unknown); i++) {
        if (str_equal(name, str_of(unknown[i])) && !json_raw_is_falsy(value))
            parts->unknown = unknown[i];
    }
}

MUST_USE static Error *read_members(Parts *parts, Str object,
                                    void (*take)(Parts *parts, Str name, const JsonRaw *value))
{
    JsonRaw name, value;
    JsonMembers members = {.text = object};
    while (json_members_next(&members, &name, &value))
        take(parts, name.text, &value);
    return members.problem ? error_at(FAIL(CORRUPT, "not valid JSON: %s", members.problem), members.at) : NULL;
}

/* A member as a tree; NULL for one that is absent. The caller owns it. */
MUST_USE static Error *read_tree(const JsonRaw *raw, const char *name, json_t **ret_tree)
{
    if (!raw->text.data)
        return NULL;
    if (raw->kind != JSON_KIND_ARRAY && raw->kind != JSON_KIND_OBJECT && raw->kind != JSON_KIND_NULL)
        return FAIL(CORRUPT, "'%s' is neither an object nor an array", name);
    TRY_CTX(json_read(str_bytes(raw->text), ret_tree), "%s", name);
    return NULL;
}

static bool is_set(const json_t *value)
{
    return value && !json_is_null(value);
}

static Str type_of(const json_t *object)
{
    return is_set(object) ? json_get_str(object, "type", STR("(no type)")) : STR("null");
}

static bool flag(const json_t *object, const char *name, bool missing)
{
    const json_t *value = json_object_get(object, name);
    return json_is_boolean(value) ? json_is_true(value) : missing;
}

/* The id of a token of the model; false when it has none. */
static bool find_id(const ModelReader *reader, Str token, uint32_t *ret_id)
{
    *ret_id = vocab_find(&reader->vocab, token);
    return *ret_id != TOKEN_NONE;
}

/* ---- normalizer ---- */

MUST_USE static Error *read_normalizer(const json_t *normalizer, NormalForm *form)
{
    static const struct {
        Str name;
        NormalForm form;
    } forms[] = {{{"NFC", 3}, FORM_NFC}, {{"NFD", 3}, FORM_NFD}, {{"NFKC", 4}, FORM_NFKC}, {{"NFKD", 4}, FORM_NFKD}};
    Str type = type_of(normalizer);
    const json_t *list = json_object_get(normalizer, "normalizers");
    if (!is_set(normalizer))
        return NULL;
    if (str_equal(type, STR("Sequence")) && json_array_size(list) == 0)
        return NULL;
    if (str_equal(type, STR("Sequence")) && json_array_size(list) == 1)
        return read_normalizer(json_array_get(list, 0), form);
    if (str_equal(type, STR("Sequence")))
        return FAIL(UNSUPPORTED, "normalizer 'Sequence' of %zu is not known: at most one is", json_array_size(list));
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        if (str_equal(type, forms[i].name)) {
            *form = forms[i].form;
            return NULL;
        }
    }
    return FAIL(UNSUPPORTED, "normalizer '" STR_FMT "' is not known: NFC, NFD, NFKC and NFKD are", STR_ARG(type));
}

/* ---- pre-tokenizer and post-processor ---- */

MUST_USE static Error *read_pre_tokenizer(const json_t *pre_tokenizer, Model *model)
{
    Str type = type_of(pre_tokenizer);
    const json_t *list = json_object_get(pre_tokenizer, "pretokenizers");
    if (str_equal(type, STR("Sequence")) && json_array_size(list) == 1)
        return read_pre_tokenizer(json_array_get(list, 0), model);
    if (!str_equal(type, STR("ByteLevel")))
        return FAIL(UNSUPPORTED, "pre_tokenizer '" STR_FMT "' is not known: ByteLevel is", STR_ARG(type));
    model->prefix_space = flag(pre_tokenizer, "add_prefix_space", true);
    model->split_words = flag(pre_tokenizer, "use_regex", true);
    return NULL;
}

/* One that puts nothing around a text. */
static bool adds_nothing(const json_t *template)
{
    const json_t *single = json_object_get(template, "single");
    for (size_t i = 0; i < json_array_size(single); i++) {
        if (json_object_get(json_array_get(single, i), "SpecialToken"))
            return false;
    }
    return json_array_size(single) > 0;
}

MUST_USE static Error *check_post_processor(const json_t *post_processor)
{
    Str type = type_of(post_processor);
    if (!is_set(post_processor) || str_equal(type, STR("ByteLevel")))
        return NULL;
    if (!str_equal(type, STR("TemplateProcessing")))
        return FAIL(UNSUPPORTED, "post_processor '" STR_FMT "' is not known: ByteLevel and TemplateProcessing are",
                    STR_ARG(type));
    return adds_nothing(post_processor)
               ? NULL
               : FAIL(UNSUPPORTED, "post_processor 'TemplateProcessing' with special tokens is not known");
}

/* ---- vocabulary and merges ---- */

/* How a byte is written in the vocabulary: printable bytes of Latin-1 as themselves, the others, in their order, from U+0100 on. */
static void find_byte_ids(const ModelReader *reader, size_t *ret_missing)
{
    char symbol[SYMBOL_BYTES_MAX];
    uint32_t hidden = 0;
    *ret_missing = 0;
    for (uint32_t byte = 0; byte < 256; byte++) {
        bool shown = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
        size_t length = utf8_encode(shown ? byte : 0x100 + hidden++, symbol);
        if (!find_id(reader, str_from(symbol, length), &reader->model->byte_ids[byte]))
            ++*ret_missing;
    }
}

/* Both forms: ["a", "b"] and "a b". */
static bool read_pair(const json_t *merge, Str *ret_left, Str *ret_right)
{
    if (json_is_array(merge) && json_array_size(merge) == 2) {
        const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
        *ret_left = str_from(json_string_value(left), json_string_length(left));
        *ret_right = str_from(json_string_value(right), json_string_length(right));
        return json_is_string(left) && json_is_string(right);
    }
    Str text = str_from(json_string_value(merge), json_string_length(merge));
    if (!json_is_string(merge))
        return false;
    size_t space = str_find_char(text, ' ');
    *ret_left = str_slice(text, 0, space);
    *ret_right = str_slice(text, space == SIZE_MAX ? text.len : space + 1, text.len);
    return space != SIZE_MAX && str_find_char(*ret_right, ' ') == SIZE_MAX;
}

MUST_USE static Error *add_merge(ModelReader *reader, const json_t *value, uint32_t rank)
{
    Str left, right;
    Merge merge = {.rank = rank};
    if (!read_pair(value, &left, &right))
        return FAIL(CORRUPT, "model: merge %u is neither [\"a\", \"b\"] nor \"a b\"", rank);
    buffer_clear(&reader->text);
    TRY(buffer_append_str(&reader->text, left));
    TRY(buffer_append_str(&reader->text, right));
    if (!find_id(reader, left, &merge.left) || !find_id(reader, right, &merge.right)
        || !find_id(reader, buffer_str(&reader->text), &merge.id))
        return FAIL(CORRUPT,
                    "model: merge %u, '" STR_FMT "' and '" STR_FMT "': not both and what they become are in 'vocab'",
                    rank, STR_ARG(left), STR_ARG(right));
    merge_table_add(&reader->model->merges, merge);
    return NULL;
}

MUST_USE static Error *read_merges(ModelReader *reader, const json_t *merges)
{
    size_t count = json_array_size(merges);
    if (!json_is_array(merges))
        return FAIL(CORRUPT, "model: 'merges' is no array");
    TRY(merge_table_init(&reader->model->merges, count, reader->model->arena));
    for (size_t i = 0; i < count; i++)
        TRY(add_merge(reader, json_array_get(merges, i), (uint32_t)i));
    return NULL;
}

MUST_USE static Error *read_bpe(ModelReader *reader)
{
    CLEANUP(cleanup_json) json_t *merges = NULL;
    const Parts *parts = &reader->parts;
    size_t missing;
    TRY_CTX(read_members(&reader->parts, parts->model.text, take_model_member), "model");
    if (parts->type.kind == JSON_KIND_STRING && !str_equal(parts->type.text, STR("BPE"))) /* old files do not say it */
        return FAIL(UNSUPPORTED, "model '" STR_FMT "' is not known: BPE is", STR_ARG(parts->type.text));
    if (parts->unknown)
        return FAIL(UNSUPPORTED, "model 'BPE' with '%s' is not known", parts->unknown);
    if (parts->vocab.kind != JSON_KIND_OBJECT)
        return FAIL(CORRUPT, "model: 'vocab' is no object of tokens and ids");
    TRY(vocab_read(parts->vocab.text, reader->arena, &reader->vocab));
    find_byte_ids(reader, &missing);
    if (missing > 0 && !json_raw_is_falsy(&parts->unk_token))
        return FAIL(UNSUPPORTED,
                    "model 'BPE' with 'unk_token' and a vocabulary without %zu of the 256 bytes is not known", missing);
    TRY(read_tree(&parts->merges, "merges", &merges));
    return read_merges(reader, merges);
}

/* ---- added tokens ---- */

MUST_USE static Error *read_added(ModelReader *reader, const json_t *value, AddedToken *token)
{
    static const char *const unknown[] = {"single_word", "lstrip", "rstrip"};
    json_int_t id = json_get_int(value, "id", -1);
    Str text = json_get_str(value, "content", STR_EMPTY);
    uint32_t own;
    if (id < 0 || id >= TOKEN_NONE || text.len == 0)
        return FAIL(CORRUPT, "added token %u has no 'content' or no 'id'", token->order);
    for (size_t i = 0; i < ARRAY_COUNT(unknown); i++) {
        if (flag(value, unknown[i], false))
            return FAIL(UNSUPPORTED, "added token '" STR_FMT "' with '%s' is not known", STR_ARG(text), unknown[i]);
    }
    if (find_id(reader, text, &own) && own != id)
        return FAIL(CORRUPT, "added token '" STR_FMT "' has the id %lld and, in 'vocab', %u", STR_ARG(text),
                    (long long)id, own);
    token->id = (uint32_t)id;
    if (flag(value, "normalized", true))
        TRY(normalizer_apply(&reader->model->normalizer, text, &reader->text, &text));
    token->text = arena_str(reader->model->arena, text);
    return token->text.data ? NULL : arena_error(reader->model->arena);
}

/* Those that are found before the text is normalized, or the others. */
MUST_USE static Error *read_added_tokens(ModelReader *reader, const json_t *list, bool normalized,
                                         AddedTokens *ret_tokens)
{
    size_t count = 0, all = json_array_size(list);
    AddedToken *items = ARENA_ARRAY(reader->model->arena, AddedToken, all);
    if (!items)
        return arena_error(reader->model->arena);
    for (size_t i = 0; i < all; i++) {
        const json_t *value = json_array_get(list, i);
        if (flag(value, "normalized", true) != normalized)
            continue;
        items[count] = (AddedToken){.order = (uint32_t)i};
        TRY(read_added(reader, value, &items[count]));
        count += items[count].text.len > 0;
    }
    added_tokens_init(ret_tokens, items, count);
    return NULL;
}

MUST_USE static Error *read_normal_form(ModelReader *reader)
{
    CLEANUP(cleanup_json) json_t *normalizer = NULL;
    NormalForm form = FORM_NONE;
    TRY(read_tree(&reader->parts.normalizer, "normalizer", &normalizer));
    TRY(read_normalizer(normalizer, &form));
    normalizer_init(&reader->model->normalizer, form);
    return NULL;
}

MUST_USE static Error *read_processors(ModelReader *reader)
{
    CLEANUP(cleanup_json) json_t *before = NULL, *behind = NULL;
    TRY(read_tree(&reader->parts.pre_tokenizer, "pre_tokenizer", &before));
    TRY(read_pre_tokenizer(before, reader->model));
    TRY(read_tree(&reader->parts.post_processor, "post_processor", &behind));
    return check_post_processor(behind);
}

MUST_USE static Error *read_parts(ModelReader *reader, Bytes json)
{
    CLEANUP(cleanup_json) json_t *added = NULL;
    TRY(read_members(&reader->parts, bytes_str(json), take_root_member));
    if (reader->parts.model.kind != JSON_KIND_OBJECT)
        return FAIL(CORRUPT, "no member 'model': this is no tokenizer.json");
    TRY(read_bpe(reader));
    TRY(read_normal_form(reader));
    TRY(read_processors(reader));
    TRY(read_tree(&reader->parts.added_tokens, "added_tokens", &added));
    TRY(read_added_tokens(reader, added, false, &reader->model->raw_tokens));
    return read_added_tokens(reader, added, true, &reader->model->normalized_tokens);
}

Error *model_read(Bytes json, Model *model)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(MODEL_ARENA_BYTES);
    model->arena = arena_new(MODEL_ARENA_BYTES);
    if (!arena || !model->arena)
        return FAIL(NO_MEMORY, "out of memory");
    if (json.len > TOKENIZER_FILE_BYTES_MAX)
        return FAIL(LIMIT, "%zu bytes are too many for a tokenizer.json: at most %d are read", json.len,
                    TOKENIZER_FILE_BYTES_MAX);
    ModelReader reader = {.model = model, .arena = arena};
    Error *error = read_parts(&reader, json);
    buffer_done(&reader.text);
    return error;
}

void model_done(Model *model)
{
    arena_free(model->arena);
    *model = (Model){0};
}
