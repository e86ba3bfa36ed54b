/* template.c - templates of configuration files, and the table as JSON. */
#include "base/json.h"
#include "jobs/options/text.h"
#include "jobs/options/value.h"

static const char *type_name(OptionType type)
{
    switch (type) {
    case OPTION_BOOL: return "bool";
    case OPTION_INT: return "int";
    case OPTION_REAL: return "real";
    case OPTION_SIZE: return "size";
    case OPTION_DURATION: return "duration";
    case OPTION_CHOICE: return "choice";
    case OPTION_STRING: return "string";
    case OPTION_PATH: return "path";
    case OPTION_PLACE: return "place";
    case OPTION_URL: return "url";
    case OPTION_AMOUNT: return "amount";
    case OPTION_SHARD: return "shard";
    }
    ASSERT(false);
    return "";
}

static bool has_key(const OptionDef *row)
{
    return !(row->traits & (OPTION_ACTION | OPTION_NO_KEY));
}

/* Of COMMANDS: any command's row, at its first command. */
static bool chosen(const OptionDef *row, CommandId command, CommandId *ret_command)
{
    if (!has_key(row))
        return false;
    if (command != COMMANDS) {
        *ret_command = command;
        return option_in(row, command);
    }
    for (CommandId id = 0; id < COMMANDS; id++) {
        if (option_in(row, id) && !command_def(id)->library_only) {
            *ret_command = id;
            return true;
        }
    }
    return false;
}

/* The default as JSON would have it. */
static void json_fallback(JsonWriter *w, const OptionDef *row)
{
    int64_t integer;
    if (!row->fallback)
        json_put_null(w);
    else if (row->traits & OPTION_LIST) {
        json_open_array(w);
        json_put_str(w, str_of(row->fallback));
        json_close_array(w);
    } else if (row->type == OPTION_BOOL)
        json_put_bool(w, strcmp(row->fallback, "true") == 0);
    else if (row->type == OPTION_INT && str_to_i64(str_of(row->fallback), &integer))
        json_put_int(w, integer);
    else
        json_put_str(w, str_of(row->fallback));
}

/* ---- Templates ------------------------------------------------------------------------------------------------------------------ */

enum { TEMPLATE_KEYS_MAX = 256 };

/* The keys of a template, each once and in the order of the table; rows of one key with different commands count as one. */
typedef struct TemplateKeys {
    size_t count;
    struct {
        const OptionDef *row;
        Str key;
        char bytes[OPTION_KEY_BYTES];
    } keys[TEMPLATE_KEYS_MAX];
} TemplateKeys;

static void collect_keys(CommandId command, TemplateKeys *keys)
{
    const OptionDef *row;
    keys->count = 0;
    for (size_t i = 0; (row = option_at(i)); i++) {
        CommandId id;
        if (!chosen(row, command, &id))
            continue;
        ASSERT(keys->count < TEMPLATE_KEYS_MAX);
        keys->keys[keys->count].row = row;
        keys->keys[keys->count].key = option_key(row, id, keys->keys[keys->count].bytes);
        bool seen = false;
        for (size_t k = 0; k < keys->count; k++)
            seen = seen || str_equal(keys->keys[k].key, keys->keys[keys->count].key);
        keys->count += !seen;
    }
}

static Str section_of(Str key)
{
    size_t dot = str_find_char(key, '.');
    return dot == SIZE_MAX ? STR_EMPTY : str_slice(key, 0, dot);
}

/* "// name": what it is; "//name": its default. Taking the slashes away makes it count. */
static void json_template_key(JsonWriter *w, const OptionDef *row, Str name)
{
    char commented[OPTION_KEY_BYTES + 4];
    int len = snprintf(commented, sizeof commented, "// " STR_FMT, STR_ARG(name));
    ASSERT(len > 0 && (size_t)len < sizeof commented);
    json_put_key(w, str_from(commented, (size_t)len));
    json_put_str(w, str_of(row->help));
    len = snprintf(commented, sizeof commented, "//" STR_FMT, STR_ARG(name));
    json_put_key(w, str_from(commented, (size_t)len));
    json_fallback(w, row);
}

static Error *write_json_template(const TemplateKeys *keys, Buffer *out)
{
    JsonWriter w;
    json_begin(&w, out, 2);
    json_open_object(&w);
    json_put_key(&w, STR("//"));
    json_put_str(
        &w,
        STR("quern reads this file as quern.json or with --config. Names that begin with // are comments: take the slashes of a "
            "setting away, and it counts."));
    for (size_t i = 0; i < keys->count; i++) {
        if (section_of(keys->keys[i].key).len == 0)
            json_template_key(&w, keys->keys[i].row, keys->keys[i].key);
    }
    for (size_t i = 0; i < keys->count; i++) {
        Str section = section_of(keys->keys[i].key);
        bool seen = section.len == 0;
        for (size_t k = 0; k < i; k++)
            seen = seen || str_equal(section_of(keys->keys[k].key), section);
        if (seen)
            continue;
        json_put_key(&w, section);
        json_open_object(&w);
        for (size_t k = i; k < keys->count; k++) {
            Str key = keys->keys[k].key;
            if (str_equal(section_of(key), section))
                json_template_key(&w, keys->keys[k].row, str_slice(key, section.len + 1, key.len));
        }
        json_close_object(&w);
    }
    json_close_object(&w);
    TRY(json_finish(&w));
    return buffer_append_byte(out, '\n');
}

static Error *write_env_template(const TemplateKeys *keys, Buffer *out)
{
    Text text = {.out = out};
    text_add(
        &text,
        STR("# quern reads this file as .env, the nearest one from the current directory upwards, or with --config.\n"
            "# Take the # before a variable away, and it counts.\n"));
    for (size_t i = 0; i < keys->count; i++) {
        const OptionDef *row = keys->keys[i].row;
        Variable variable;
        bool seen = false;
        for (size_t k = 0; k < i; k++) /* "limit" of search and of ls have one variable */
            seen = seen || strcmp(keys->keys[k].row->name, row->name) == 0;
        if (seen || !option_variable(row, 0, &variable))
            continue;
        text_format(&text, "\n# %s\n#%s=%s\n", row->help, variable.name, row->fallback ? row->fallback : "");
    }
    return text_finish(&text);
}

Error *options_write_template(CommandId command, TemplateKind kind, Buffer *out)
{
    TemplateKeys keys;
    collect_keys(command, &keys);
    return kind == TEMPLATE_JSON ? write_json_template(&keys, out) : write_env_template(&keys, out);
}

/* ---- The table ------------------------------------------------------------------------------------------------------------------ */

static void write_names(JsonWriter *w, const OptionDef *row)
{
    json_put_key(w, STR("aliases"));
    json_open_array(w);
    for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++)
        json_put_str(w, str_of(row->aliases[a].name));
    json_close_array(w);
    json_put_key(w, STR("variables"));
    json_open_array(w);
    Variable variable;
    for (size_t v = 0; option_variable(row, v, &variable); v++)
        json_put_str(w, str_of(variable.name));
    json_close_array(w);
}

static void write_bounds(JsonWriter *w, const OptionDef *row)
{
    if (row->minimum < row->maximum) {
        json_member(w, "minimum", double, row->minimum);
        json_member(w, "maximum", double, row->maximum);
    }
    if (!row->choices)
        return;
    json_put_key(w, STR("choices"));
    json_open_array(w);
    Str rest = str_of(row->choices), choice;
    while (str_next_piece(&rest, '|', &choice))
        json_put_str(w, choice);
    json_close_array(w);
}

static void write_row(JsonWriter *w, const OptionDef *row, CommandId command)
{
    char key[OPTION_KEY_BYTES], name[OPTION_KEY_BYTES];
    Str own = str_of(row->name);
    ASSERT(own.len < sizeof name);
    for (size_t i = 0; i < own.len; i++)
        name[i] = own.data[i] == '-' ? '_' : own.data[i];
    json_open_object(w);
    json_member(w, "name", str, str_from(name, own.len));
    json_member(w, "key", str, option_key(row, command, key));
    json_member(w, "type", str, str_of(type_name(row->type)));
    json_member(w, "list", bool, (row->traits & OPTION_LIST) != 0);
    json_member(w, "secret", bool, (row->traits & OPTION_SECRET) != 0);
    json_put_key(w, STR("default"));
    json_fallback(w, row);
    write_bounds(w, row);
    write_names(w, row);
    json_member(w, "help", str, str_of(row->help));
    json_close_object(w);
}

Error *options_write_table(CommandId command, Buffer *out)
{
    JsonWriter w;
    const OptionDef *row;
    json_begin(&w, out, -1);
    json_open_object(&w);
    json_member(&w, "command", str, str_of(command_def(command)->name));
    json_put_key(&w, STR("options"));
    json_open_array(&w);
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (option_in(row, command) && !(row->traits & OPTION_ACTION))
            write_row(&w, row, command);
    }
    json_close_array(&w);
    json_close_object(&w);
    return json_finish(&w);
}
