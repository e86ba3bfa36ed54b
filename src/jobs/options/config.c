/* config.c - reading a Config, and showing it. */
#include "jobs/options/config.h"

#include <stdlib.h>

#include "base/json.h"
#include "jobs/options/table.h"

#define REDACTED "<redacted>"

void config_free(Config *config)
{
    if (!config)
        return;
    arena_free(config->arena);
    free(config);
}

CommandId config_command(const Config *config)
{
    return config->command;
}

static const ConfigEntry *find(const Config *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->entries[i].row->name, name) == 0)
            return &config->entries[i];
    }
    return NULL;
}

/* Asking for a name that the command has not is our mistake. */
static const ConfigEntry *get(const Config *config, const char *name)
{
    const ConfigEntry *entry = find(config, name);
    ASSERT(entry != NULL);
    return entry;
}

static const ConfigEntry *get_typed(const Config *config, const char *name, OptionType type)
{
    const ConfigEntry *entry = get(config, name);
    ASSERT(entry->row->type == type);
    ASSERT(!(entry->row->traits & OPTION_LIST));
    return entry;
}

bool config_knows(const Config *config, const char *name)
{
    return find(config, name) != NULL;
}

bool config_has(const Config *config, const char *name)
{
    return get(config, name)->has;
}

bool config_is_set(const Config *config, const char *name)
{
    return get(config, name)->set;
}

bool config_bool(const Config *config, const char *name)
{
    const ConfigEntry *entry = get_typed(config, name, OPTION_BOOL);
    return entry->has && entry->value.flag;
}

int64_t config_int(const Config *config, const char *name)
{
    const ConfigEntry *entry = get_typed(config, name, OPTION_INT);
    return entry->has ? entry->value.integer : 0;
}

double config_real(const Config *config, const char *name)
{
    const ConfigEntry *entry = get_typed(config, name, OPTION_REAL);
    return entry->has ? entry->value.real : 0;
}

uint64_t config_size(const Config *config, const char *name)
{
    const ConfigEntry *entry = get_typed(config, name, OPTION_SIZE);
    return entry->has ? entry->value.size_bytes : 0;
}

int64_t config_duration_us(const Config *config, const char *name)
{
    const ConfigEntry *entry = get_typed(config, name, OPTION_DURATION);
    return entry->has ? entry->value.duration_us : 0;
}

size_t config_choice(const Config *config, const char *name)
{
    const ConfigEntry *entry = get_typed(config, name, OPTION_CHOICE);
    ASSERT(entry->has);
    return entry->value.choice;
}

OptionAmount config_amount(const Config *config, const char *name)
{
    const ConfigEntry *entry = get_typed(config, name, OPTION_AMOUNT);
    return entry->has ? entry->value.amount : (OptionAmount){0};
}

OptionShard config_shard(const Config *config, const char *name)
{
    const ConfigEntry *entry = get_typed(config, name, OPTION_SHARD);
    return entry->has ? entry->value.shard : (OptionShard){0, 1};
}

const char *config_cstr(const Config *config, const char *name)
{
    const ConfigEntry *entry = get(config, name);
    ASSERT(entry->row->type >= OPTION_CHOICE && entry->row->type <= OPTION_URL);
    ASSERT(!(entry->row->traits & OPTION_LIST));
    return entry->has ? entry->text.data : NULL;
}

Str config_str(const Config *config, const char *name)
{
    return str_of(config_cstr(config, name));
}

StrList config_list(const Config *config, const char *name)
{
    const ConfigEntry *entry = get(config, name);
    ASSERT(entry->row->traits & OPTION_LIST);
    return entry->list;
}

OptionFilters config_filters(const Config *config)
{
    (void)get(config, "include");
    return config->filters;
}

Str config_source(const Config *config, const char *name)
{
    return get(config, name)->source;
}

Str config_steady(const Config *config, const char *name)
{
    return get(config, name)->steady;
}

/* ---- Showing ------------------------------------------------------------------------------------------------------------------ */

/* A URL without the password between "user:" and "@". */
static Error *append_url(Buffer *out, Str url)
{
    size_t start = str_find(url, STR("://"));
    if (start == SIZE_MAX)
        return buffer_append_str(out, url);
    start += 3;
    Str authority = str_slice(url, start, url.len);
    authority = str_slice(authority, 0, MIN(str_find_char(authority, '/'), authority.len));
    size_t at = str_rfind_char(authority, '@'), colon = str_find_char(authority, ':');
    if (at == SIZE_MAX || colon >= at)
        return buffer_append_str(out, url);
    TRY(buffer_append_str(out, str_slice(url, 0, start + colon + 1)));
    TRY(buffer_append_str(out, STR(REDACTED)));
    return buffer_append_str(out, str_slice(url, start + at, url.len));
}

static Error *append_shown(Buffer *out, const OptionDef *row, Str text)
{
    if (row->traits & OPTION_SECRET)
        return buffer_append_str(out, STR(REDACTED));
    if (row->type == OPTION_URL || row->type == OPTION_PLACE)
        return append_url(out, text);
    return buffer_append_str(out, text);
}

static Error *write_json_value(JsonWriter *w, const ConfigEntry *entry)
{
    CLEANUP(buffer_done) Buffer shown = {0};
    if (entry->row->traits & OPTION_LIST) {
        json_open_array(w);
        for (size_t i = 0; i < entry->list.count; i++)
            json_put_str(w, entry->list.items[i]);
        json_close_array(w);
    } else if (!entry->has) {
        json_put_null(w);
    } else if (entry->row->type == OPTION_BOOL) {
        json_put_bool(w, entry->value.flag);
    } else if (entry->row->type == OPTION_INT) {
        json_put_int(w, entry->value.integer);
    } else if (entry->row->type == OPTION_REAL) {
        json_put_double(w, entry->value.real);
    } else if (entry->row->type == OPTION_SIZE) {
        json_put_uint(w, entry->value.size_bytes);
    } else {
        TRY(append_shown(&shown, entry->row, entry->text));
        json_put_str(w, buffer_str(&shown));
    }
    return NULL;
}

Error *config_write_json(const Config *config, Buffer *out)
{
    JsonWriter w;
    Error *error = NULL;
    char key[OPTION_KEY_BYTES];
    json_begin(&w, out, -1);
    json_open_object(&w);
    json_member(&w, "command", str, str_of(command_def(config->command)->name));
    json_put_key(&w, STR("options"));
    json_open_array(&w);
    for (size_t i = 0; i < config->count && !error; i++) {
        const ConfigEntry *entry = &config->entries[i];
        json_open_object(&w);
        json_member(&w, "name", str, str_of(entry->row->name));
        json_member(&w, "key", str, option_key(entry->row, config->command, key));
        json_put_key(&w, STR("value"));
        error = write_json_value(&w, entry);
        if (error)
            break;
        json_member(&w, "source", str, entry->source);
        json_close_object(&w);
    }
    if (error)
        return error;
    json_close_array(&w);
    json_close_object(&w);
    return json_finish(&w);
}

void config_put_chosen(const Config *config, JsonWriter *w)
{
    char name[OPTION_KEY_BYTES];
    json_open_object(w);
    for (size_t i = 0; i < config->count; i++) {
        const ConfigEntry *entry = &config->entries[i];
        if (!entry->set || !entry->has)
            continue;
        snprintf(name, sizeof name, "%s", entry->row->name);
        for (char *dash = name; (dash = strchr(dash, '-'));)
            *dash = '_';
        json_put_key(w, str_of(name));
        Error *error = write_json_value(w, entry);
        if (error) { /* without memory: its value is not told */
            error_free(error);
            json_put_null(w);
        }
    }
    json_close_object(w);
}

Str config_command_name(const Config *config)
{
    return str_of(command_def(config->command)->name);
}

static Error *append_items(Buffer *out, const ConfigEntry *entry, Str separator)
{
    for (size_t i = 0; i < entry->list.count; i++) {
        if (i > 0)
            TRY(buffer_append_str(out, separator));
        TRY(append_shown(out, entry->row, entry->list.items[i]));
    }
    return NULL;
}

static Error *append_text_value(Buffer *out, const ConfigEntry *entry)
{
    if (!entry->has && entry->row->fallback_help && !entry->set)
        return buffer_append_format(out, "(%s)", entry->row->fallback_help);
    if (!entry->has)
        return buffer_append_str(out, STR("(none)"));
    if (entry->row->traits & OPTION_LIST)
        return append_items(out, entry, STR(", "));
    return append_shown(out, entry->row, entry->text);
}

Error *config_write_value(const Config *config, Str name, Buffer *out, bool *ret_has)
{
    for (size_t i = 0; i < config->count; i++) {
        const ConfigEntry *entry = &config->entries[i];
        OptionMatch match;
        if (!option_match_name(entry->row, name, &match)
            && !option_match_key(entry->row, config->command, name, &match))
            continue;
        *ret_has = entry->has;
        if (entry->row->traits & OPTION_LIST)
            return append_items(out, entry, STR(","));
        return entry->has ? append_shown(out, entry->row, entry->text) : NULL;
    }
    return FAIL(INVALID, "'%s' has no option '" STR_FMT "'", command_def(config->command)->name, STR_ARG(name));
}

Error *config_write_text(const Config *config, bool origin, Buffer *out)
{
    char key[OPTION_KEY_BYTES];
    for (size_t i = 0; i < config->count; i++) {
        const ConfigEntry *entry = &config->entries[i];
        TRY(buffer_append_str(out, option_key(entry->row, config->command, key)));
        TRY(buffer_append_str(out, STR(" = ")));
        TRY(append_text_value(out, entry));
        if (origin)
            TRY(buffer_append_format(out, "  # " STR_FMT, STR_ARG(entry->source)));
        TRY(buffer_append_byte(out, '\n'));
    }
    return NULL;
}
