/* config_file.c - a configuration file in JSON: {"section": {"key": value}}. Names that begin with "//" are comments. */
#include "base/json.h"
#include "jobs/options/settings.h"
#include "jobs/options/table.h"

enum { KEY_MAX_BYTES = 256, NUMBER_BYTES = 48 };

typedef struct ConfigFile {
    Options *options;
    unsigned index;
    Str source; /* "config file /a/quern.json" */
} ConfigFile;

static bool is_comment(Str name)
{
    return str_starts_with(name, STR("//"));
}

/* The text the flag would have had; false for arrays and objects. `scratch` holds numbers. */
static bool scalar_text(const json_t *value, char scratch[NUMBER_BYTES], Str *ret_text)
{
    switch (json_typeof(value)) {
    case JSON_STRING: *ret_text = str_from(json_string_value(value), json_string_length(value)); return true;
    case JSON_TRUE: *ret_text = STR("true"); return true;
    case JSON_FALSE: *ret_text = STR("false"); return true;
    case JSON_INTEGER:
        *ret_text = str_from(
            scratch, (size_t)snprintf(scratch, NUMBER_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
        return true;
    case JSON_REAL:
        *ret_text = str_from(scratch, (size_t)snprintf(scratch, NUMBER_BYTES, "%.17g", json_real_value(value)));
        return true;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT: return false;
    }
    return false;
}

static bool is_secret_key(Str key)
{
    const OptionDef *row;
    OptionMatch match;
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (!(row->traits & OPTION_SECRET))
            continue;
        for (CommandId command = 0; command < COMMANDS; command++) {
            if (option_match_key(row, command, key, &match))
                return true;
        }
    }
    return false;
}

static Error *add_value(ConfigFile *to, Str key, const json_t *value, bool item)
{
    char scratch[NUMBER_BYTES];
    Setting setting = {
        .layer = LAYER_FILE, .file = to->index, .name = key, .value = STR_EMPTY, .item = item, .source = to->source};
    if (json_is_null(value) && !item)
        setting.none = true;
    else if (!scalar_text(value, scratch, &setting.value))
        return FAIL(INVALID, "'" STR_FMT "' needs a string, a number, true, false or a list of them", STR_ARG(key));
    return settings_add(to->options, &setting);
}

static Error *add_key(ConfigFile *to, Str key, const json_t *value)
{
    if (!option_key_known(key))
        return option_key_unknown("it holds an unknown name", key);
    if (is_secret_key(key) && to->options->files[to->index].exposed.len == 0) {
        Str *exposed = &to->options->files[to->index].exposed;
        *exposed = arena_str(to->options->arena, key);
        if (!exposed->data)
            return arena_error(to->options->arena);
    }
    if (!json_is_array(value))
        return add_value(to, key, value, false);

    if (json_array_size(value) == 0) {
        Setting none = {.layer = LAYER_FILE, .file = to->index, .name = key, .none = true, .source = to->source};
        return settings_add(to->options, &none);
    }
    size_t i;
    json_t *member;
    json_array_foreach(value, i, member) TRY(add_value(to, key, member, true));
    return NULL;
}

static Error *add_section(ConfigFile *to, Str section, json_t *keys)
{
    if (!option_section_known(section))
        return option_key_unknown("it holds an unknown name", section);
    const char *name;
    size_t name_len;
    json_t *value;
    json_object_keylen_foreach(keys, name, name_len, value)
    {
        if (is_comment(str_from(name, name_len)))
            continue;
        char key[KEY_MAX_BYTES];
        int len =
            snprintf(key, sizeof key, STR_FMT "." STR_FMT, STR_ARG(section), (int)MIN(name_len, sizeof key), name);
        if (len < 0 || (size_t)len >= sizeof key)
            return FAIL(INVALID, "section '" STR_FMT "': a name has %zu bytes", STR_ARG(section), name_len);
        TRY(add_key(to, str_from(key, (size_t)len), value));
    }
    return NULL;
}

static Error *add_all(ConfigFile *to, json_t *root)
{
    const char *name;
    size_t name_len;
    json_t *value;
    json_object_keylen_foreach(root, name, name_len, value)
    {
        Str own = str_from(name, name_len);
        if (is_comment(own))
            continue;
        if (json_is_object(value))
            TRY(add_section(to, own, value));
        else
            TRY(add_key(to, own, value));
    }
    return NULL;
}

/* jansson quotes what it read, which may be a secret: only line, column and kind of the mistake are told. */
static Error *without_quotation(Error *take_error)
{
    Str message = str_of(error_message_view(take_error));
    size_t end = MIN(str_find(message, STR(" near '")), message.len);
    Error *error = FAIL(INVALID, STR_FMT, STR_ARG(str_slice(message, 0, end)));
    error_free(take_error);
    return error;
}

Error *config_file_read(Options *options, unsigned file, Str text)
{
    CLEANUP(cleanup_json) json_t *root = NULL;
    Str bom = STR("\xEF\xBB\xBF");
    if (str_starts_with(text, bom))
        text = str_slice(text, bom.len, text.len);
    Error *error = json_read(str_bytes(text), &root);
    if (error)
        return error_code(error) == ERR_CORRUPT ? without_quotation(error) : error;
    if (!json_is_object(root))
        return FAIL(INVALID, "it must be a JSON object of sections");
    char *source = arena_format(options->arena, "config file " STR_FMT, STR_ARG(options->files[file].path));
    if (!source)
        return arena_error(options->arena);
    ConfigFile to = {options, file, str_of(source)};
    return add_all(&to, root);
}
