/* resolve.c - from settings to values: which setting of which source wins for each row, and what it means. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "jobs/options/config.h"
#include "jobs/options/nearest.h"
#include "jobs/options/settings.h"
#include "jobs/options/table.h"

enum { CONFIG_MAX_BYTES = 64 * 1024 * 1024, WHERE_BYTES = 512 };

typedef struct Resolver {
    const Options *options;
    CommandId command;
    Config *config;
    SettingLayer layers[LAYERS]; /* strongest first */
} Resolver;

/* A setting that means a row. */
typedef struct Candidate {
    const Setting *setting;
    bool none;
    bool split; /* commas separate items */
    Str text;
} Candidate;

/* Where a setting stands, for messages: "command line: --workers", ".env /a/.env:3: QUERN_WORKERS". */
static const char *describe(const Setting *setting, char out[WHERE_BYTES])
{
    if (setting->layer == LAYER_ENVIRONMENT)
        snprintf(out, WHERE_BYTES, STR_FMT, STR_ARG(setting->source));
    else if (setting->layer == LAYER_EXPLICIT && str_equal(setting->source, STR("command line")))
        snprintf(out, WHERE_BYTES, "--" STR_FMT, STR_ARG(setting->name));
    else if (setting->layer == LAYER_EXPLICIT)
        snprintf(out, WHERE_BYTES, "option '" STR_FMT "'", STR_ARG(setting->name));
    else
        snprintf(out, WHERE_BYTES, STR_FMT ": " STR_FMT, STR_ARG(setting->source), STR_ARG(setting->name));
    return out;
}

static bool match_setting(const OptionDef *row, CommandId command, const Setting *setting, OptionMatch *ret_match)
{
    if (setting->layer == LAYER_EXPLICIT && !(row->traits & OPTION_ACTION)
        && option_match_name(row, setting->name, ret_match))
        return true;
    return option_match_key(row, command, setting->name, ret_match);
}

/* An alias that stands for a value, or no-NAME: on when the setting is true. `*ret_counts` is false when it is off and so means
 * nothing. */
static Error *read_switch(const Setting *setting, bool *ret_counts)
{
    char where[WHERE_BYTES];
    bool on = false;
    if (!setting->none && !value_parse_bool(setting->value, &on))
        return FAIL(INVALID, "%s: '" STR_FMT "' is neither true nor false", describe(setting, where),
                    STR_ARG(setting->value));
    *ret_counts = on;
    return NULL;
}

/* What a matching setting says. `*ret_counts` false: nothing. */
static Error *candidate_of(const OptionDef *row, const Setting *setting, const OptionMatch *match,
                           Candidate *ret_candidate, bool *ret_counts)
{
    Candidate candidate = {.setting = setting,
                           .none = setting->none,
                           .text = setting->value,
                           .split = !setting->item && !(row->traits & OPTION_GLOB)};
    *ret_counts = true;
    if (match->alias && match->alias->value) {
        TRY(read_switch(setting, ret_counts));
        candidate.text = str_of(match->alias->value);
    } else if (match->negated) {
        TRY(read_switch(setting, ret_counts));
        candidate.none = row->type != OPTION_BOOL;
        candidate.text = STR("false");
        if (row->type == OPTION_BOOL && !*ret_counts) { /* no_x = false: x */
            *ret_counts = true;
            candidate.text = STR("true");
        }
    } else if (row->traits & OPTION_NONE_WORD && str_equal(candidate.text, STR("none"))) {
        candidate.none = true;
    }
    if (candidate.none && row->type == OPTION_BOOL) {
        candidate.none = false;
        candidate.text = STR("false");
    }
    *ret_candidate = candidate;
    return NULL;
}

/* Parses a candidate's value. */
static Error *check(const OptionDef *row, const Candidate *candidate, OptionValue *ret_value)
{
    char where[WHERE_BYTES];
    if (candidate->none)
        return NULL;
    if (candidate->setting->item && !(row->traits & OPTION_LIST))
        return FAIL(INVALID, "%s: one value is wanted, not a list", describe(candidate->setting, where));
    TRY_CTX(value_parse(row, candidate->text, ret_value), "%s", describe(candidate->setting, where));
    return NULL;
}

/* ---- Looking a row up in one source ------------------------------------------------------------------------------------------ */

typedef struct Found {
    Candidate *items; /* of a list; else one */
    size_t count;
} Found;

/* A list starts anew at a "none"; anything else is replaced. */
static void found_add(Found *found, const OptionDef *row, const Candidate *candidate)
{
    if (!(row->traits & OPTION_LIST) || candidate->none || (found->count == 1 && found->items[0].none))
        found->count = 0;
    found->items[found->count++] = *candidate;
}

static Error *look_in_explicit(const Resolver *in, const OptionDef *row, Found *found)
{
    OptionMatch match;
    Candidate candidate;
    bool counts;
    for (size_t i = 0; i < in->options->count; i++) {
        const Setting *setting = &in->options->settings[i];
        if (setting->layer != LAYER_EXPLICIT || !match_setting(row, in->command, setting, &match))
            continue;
        TRY(candidate_of(row, setting, &match, &candidate, &counts));
        if (counts)
            found_add(found, row, &candidate);
    }
    return NULL;
}

/* The strongest file that has the row; in it the strongest name. */
static Error *look_in_files(const Resolver *in, const OptionDef *row, Found *found)
{
    OptionMatch match;
    Candidate candidate;
    bool counts;
    unsigned best_file = UINT32_MAX, best_rank = UINT32_MAX;
    for (size_t i = 0; i < in->options->count; i++) {
        const Setting *setting = &in->options->settings[i];
        if (setting->layer != LAYER_FILE || setting->file > best_file
            || !(in->options->files[setting->file].commands & COMMAND_BIT(in->command))
            || !match_setting(row, in->command, setting, &match))
            continue;
        if (setting->file == best_file && match.rank > best_rank)
            continue;
        TRY(candidate_of(row, setting, &match, &candidate, &counts));
        if (!counts)
            continue;
        if (setting->file < best_file || match.rank < best_rank)
            found->count = 0;
        best_file = setting->file;
        best_rank = match.rank;
        found_add(found, row, &candidate);
    }
    return NULL;
}

/* The setting of a variable in a layer, or NULL; an empty one is none. Of several files the first counts, in it the last line. */
static const Setting *find_variable(const Options *options, SettingLayer layer, Str name)
{
    const Setting *best = NULL;
    for (size_t i = 0; i < options->count; i++) {
        const Setting *setting = &options->settings[i];
        if (setting->layer != layer || setting->value.len == 0 || !str_equal(setting->name, name))
            continue;
        if (!best || setting->file <= best->file)
            best = setting;
    }
    return best;
}

/* What a variable says. A switch that others own (DEBUG) and that is no truth value says nothing. */
static Error *read_variable(const OptionDef *row, const Variable *variable, const Setting *setting,
                            Candidate *ret_candidate, bool *ret_counts)
{
    OptionMatch match = {.negated = variable->kind == VARIABLE_NEGATED};
    TRY(candidate_of(row, setting, &match, ret_candidate, ret_counts));
    if (variable->kind != VARIABLE_SWITCH && variable->kind != VARIABLE_IMPLIES)
        return NULL;
    ret_candidate->none = false;
    ret_candidate->text = variable->value;
    bool own = str_starts_with(setting->name, STR("QUERN_")), on = false;
    if (variable->kind == VARIABLE_IMPLIES)
        return NULL;
    if (own)
        return read_switch(setting, ret_counts);
    *ret_counts = value_parse_bool(setting->value, &on) && on;
    return NULL;
}

static Error *look_in_variables(const Resolver *in, const OptionDef *row, SettingLayer layer, Found *found)
{
    Variable variable;
    for (size_t v = 0; option_variable(row, v, &variable); v++) {
        const Setting *setting = find_variable(in->options, layer, str_of(variable.name));
        if (!setting)
            continue;
        if (row->traits & OPTION_DOTENV
            && (layer == LAYER_ENVIRONMENT || find_variable(in->options, LAYER_ENVIRONMENT, setting->name)))
            continue; /* the store reads it */
        Candidate candidate;
        bool counts;
        TRY(read_variable(row, &variable, setting, &candidate, &counts));
        if (counts) {
            found_add(found, row, &candidate);
            return NULL;
        }
    }
    return NULL;
}

/* ---- --shard from the variables of an array job ------------------------------------------------------------------------------- */

/* `*ret_setting` stays NULL when no such variable is set. */
static Error *shard_number(const Resolver *in, const char *name, uint64_t *ret_number, const Setting **ret_setting)
{
    const Setting *setting = find_variable(in->options, LAYER_ENVIRONMENT, str_of(name));
    if (!setting)
        setting = find_variable(in->options, LAYER_DOTENV, str_of(name));
    if (!setting)
        return NULL;
    char where[WHERE_BYTES];
    if (!str_to_u64(setting->value, ret_number) || *ret_number > UINT32_MAX)
        return FAIL(INVALID, "%s: '" STR_FMT "' is not a whole number", describe(setting, where),
                    STR_ARG(setting->value));
    *ret_setting = setting;
    return NULL;
}

/* Index and count as the array's variables have them; `*ret_index` NULL: this is no array. spec/scale-out.md 5.3. */
static Error *array_shard(const Resolver *in, uint64_t *index, const Setting **ret_index, uint64_t *count,
                          const Setting **ret_count)
{
    uint64_t least = 0, step = 1;
    const Setting *unused = NULL, *slurm = NULL;
    TRY(shard_number(in, "QUERN_SHARD_COUNT", count, ret_count));
    TRY(shard_number(in, "QUERN_SHARD_INDEX", index, ret_index));
    if (*ret_index)
        return NULL;
    TRY(shard_number(in, "SLURM_ARRAY_TASK_ID", index, &slurm));
    if (slurm) {
        TRY(shard_number(in, "SLURM_ARRAY_TASK_MIN", &least, &unused));
        TRY(shard_number(in, "SLURM_ARRAY_TASK_STEP", &step, &unused));
        *index = *index >= least ? (*index - least) / MAX(step, 1) : *index;
        *ret_index = slurm;
        if (!*ret_count)
            TRY(shard_number(in, "SLURM_ARRAY_TASK_COUNT", count, ret_count));
        return NULL;
    }
    TRY(shard_number(in, "JOB_COMPLETION_INDEX", index, ret_index));
    if (!*ret_index)
        TRY(shard_number(in, "AWS_BATCH_JOB_ARRAY_INDEX", index, ret_index));
    return NULL;
}

static Error *look_for_array(const Resolver *in, Found *found)
{
    uint64_t index = 0, count = 0, offset = 0;
    const Setting *index_set = NULL, *count_set = NULL, *offset_set = NULL;
    TRY(array_shard(in, &index, &index_set, &count, &count_set));
    TRY(shard_number(in, "QUERN_SHARD_OFFSET", &offset, &offset_set));
    if (!index_set && !count_set)
        return NULL;
    char where[WHERE_BYTES];
    if (!count_set)
        return FAIL(INVALID, "%s: an index needs a count: set QUERN_SHARD_COUNT, or --shard 0/1 to do everything here",
                    describe(index_set, where));
    if (!index_set)
        return FAIL(INVALID, "%s: a count needs an index: set QUERN_SHARD_INDEX", describe(count_set, where));
    char *text = arena_format(in->config->arena, "%" PRIu64 "/%" PRIu64, index + offset, count);
    if (!text)
        return arena_error(in->config->arena);
    found->items[0] = (Candidate){.setting = index_set, .text = str_of(text)};
    found->count = 1;
    return NULL;
}

/* ---- One row ------------------------------------------------------------------------------------------------------------------ */

static Error *look_in(const Resolver *in, const OptionDef *row, SettingLayer layer, Found *found)
{
    switch (layer) {
    case LAYER_EXPLICIT: return look_in_explicit(in, row, found);
    case LAYER_ENVIRONMENT:
        TRY(look_in_variables(in, row, layer, found));
        return row->type == OPTION_SHARD && found->count == 0 ? look_for_array(in, found) : NULL;
    case LAYER_DOTENV: return look_in_variables(in, row, layer, found);
    case LAYER_FILE: return look_in_files(in, row, found);
    case LAYERS: break;
    }
    ASSERT(false);
    return NULL;
}

/* Calls for each item of a list; `each` counts only when `items` is NULL. Empty pieces between commas are nothing. */
static size_t split_items(const Candidate *candidate, Str *items, size_t count)
{
    if (candidate->none)
        return count;
    if (!candidate->split) {
        if (items)
            items[count] = candidate->text;
        return count + 1;
    }
    Str rest = candidate->text, piece;
    while (str_next_piece(&rest, ',', &piece)) {
        piece = str_trim(piece);
        if (piece.len == 0)
            continue;
        if (items)
            items[count] = piece;
        count++;
    }
    return count;
}

static Error *fill_list(Resolver *in, ConfigEntry *entry, const Found *found, size_t position)
{
    size_t count = 0;
    for (size_t i = 0; i < found->count; i++)
        count = split_items(&found->items[i], NULL, count);
    Str *items = ARENA_ARRAY(in->config->arena, Str, count);
    uint64_t *order = ARENA_ARRAY(in->config->arena, uint64_t, count);
    if (!items || !order)
        return arena_error(in->config->arena);
    size_t at = 0;
    for (size_t i = 0; i < found->count; i++) {
        size_t end = split_items(&found->items[i], items, at);
        size_t serial = found->items[i].setting ? (size_t)(found->items[i].setting - in->options->settings) : 0;
        for (; at < end; at++) {
            order[at] = (uint64_t)position << 32 | serial;
            items[at] = arena_str(in->config->arena, items[at]);
            if (!items[at].data)
                return arena_error(in->config->arena);
        }
    }
    entry->list = (StrList){items, count};
    entry->order = order;
    entry->has = count > 0;
    return NULL;
}

static Error *fill_one(Resolver *in, ConfigEntry *entry, const Candidate *candidate)
{
    entry->has = !candidate->none;
    if (!entry->has)
        return NULL;
    entry->text = arena_str(in->config->arena, candidate->text);
    return entry->text.data ? NULL : arena_error(in->config->arena);
}

static Error *fill_default(Resolver *in, ConfigEntry *entry)
{
    entry->source = STR("default");
    if (!entry->row->fallback)
        return NULL;
    Candidate candidate = {.text = str_of(entry->row->fallback), .split = !(entry->row->traits & OPTION_GLOB)};
    Found found = {&candidate, 1};
    if (entry->row->traits & OPTION_LIST)
        return fill_list(in, entry, &found, LAYERS);
    Error *error = value_parse(entry->row, candidate.text, &entry->value);
    ASSERT(!error);
    return fill_one(in, entry, &candidate);
}

/* Does "no value" mean that nothing was set? It does where there must be one. */
static bool means_default(const OptionDef *row, const Found *found)
{
    bool may_lack = !row->fallback || row->traits & (OPTION_LIST | OPTION_NONE_WORD);
    return found->items[0].none && !may_lack;
}

/* What the command line, else a file says, whatever variables there are. */
static Error *resolve_steady(Resolver *in, ConfigEntry *entry, Candidate *room)
{
    static const SettingLayer STEADY[] = {LAYER_EXPLICIT, LAYER_FILE};
    for (size_t i = 0; i < ARRAY_COUNT(STEADY) && !entry->steady.data; i++) {
        Found found = {room, 0};
        TRY(look_in(in, entry->row, STEADY[i], &found));
        if (found.count == 0 || found.items[0].none)
            continue;
        entry->steady = arena_str(in->config->arena, found.items[0].text);
        if (!entry->steady.data)
            return arena_error(in->config->arena);
    }
    return NULL;
}

/* `room` holds as many candidates as there are settings, and one more. */
static Error *resolve_row(Resolver *in, ConfigEntry *entry, Candidate *room)
{
    *entry = (ConfigEntry){.row = entry->row, .text = STR_EMPTY, .source = STR_EMPTY};
    if (entry->row->traits & OPTION_STEADY)
        TRY(resolve_steady(in, entry, room));
    for (size_t position = 0; position < LAYERS; position++) {
        Found found = {room, 0};
        TRY(look_in(in, entry->row, in->layers[position], &found));
        if (found.count == 0 || means_default(entry->row, &found))
            continue;
        for (size_t i = 0; i < found.count; i++)
            TRY(check(entry->row, &found.items[i], &entry->value));
        entry->set = true;
        entry->source = arena_str(in->config->arena, found.items[found.count - 1].setting->source);
        if (!entry->source.data)
            return arena_error(in->config->arena);
        return entry->row->traits & OPTION_LIST ? fill_list(in, entry, &found, position)
                                                : fill_one(in, entry, &found.items[0]);
    }
    return fill_default(in, entry);
}

/* ---- The whole ---------------------------------------------------------------------------------------------------------------- */

/* A name that nothing in this command answers to. */
static Error *unknown_name(const Resolver *in, const Setting *setting)
{
    const CommandDef *def = command_def(in->command);
    Nearest nearest = nearest_to(setting->name);
    for (size_t i = 0; i < in->config->count; i++) {
        const OptionDef *row = in->config->entries[i].row;
        nearest_offer(&nearest, str_of(row->name));
        for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++)
            nearest_offer(&nearest, str_of(row->aliases[a].name));
    }
    if (nearest.best.len > 0)
        return FAIL(INVALID, "'%s' has no option '" STR_FMT "', the nearest is '" STR_FMT "'", def->name,
                    STR_ARG(setting->name), STR_ARG(nearest.best));
    return FAIL(INVALID, "'%s' has no option '" STR_FMT "'", def->name, STR_ARG(setting->name));
}

static bool known_elsewhere(const Setting *setting)
{
    const OptionDef *row;
    OptionMatch match;
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (!(row->traits & OPTION_ACTION) && option_match_name(row, setting->name, &match))
            return true;
    }
    return option_key_known(setting->name);
}

static Error *check_explicit(const Resolver *in, const Setting *setting)
{
    for (size_t i = 0; i < in->config->count; i++) {
        const OptionDef *row = in->config->entries[i].row;
        OptionMatch match;
        Candidate candidate;
        OptionValue unused;
        bool counts;
        if (!match_setting(row, in->command, setting, &match))
            continue;
        TRY(candidate_of(row, setting, &match, &candidate, &counts));
        return counts ? check(row, &candidate, &unused) : NULL;
    }
    /* A command line was judged when it was read: what is unknown here was for the command that it named (`config show search --origin`). */
    bool for_another = command_def(in->command)->library_only || str_equal(setting->source, STR("command line"));
    if (for_another && known_elsewhere(setting))
        return NULL;
    return unknown_name(in, setting);
}

static void list_rows(Resolver *in)
{
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (option_in(row, in->command) && !(row->traits & OPTION_ACTION))
            in->config->entries[in->config->count++].row = row;
    }
}

static ConfigEntry *entry_of(Config *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->entries[i].row->name, name) == 0)
            return &config->entries[i];
    }
    return NULL;
}

static Error *resolve_precedence(Resolver *in, Candidate *room)
{
    static const SettingLayer ENV_FIRST[LAYERS] = {LAYER_EXPLICIT, LAYER_ENVIRONMENT, LAYER_DOTENV, LAYER_FILE};
    static const SettingLayer FILE_FIRST[LAYERS] = {LAYER_EXPLICIT, LAYER_FILE, LAYER_DOTENV, LAYER_ENVIRONMENT};
    memcpy(in->layers, ENV_FIRST, sizeof ENV_FIRST);
    ConfigEntry *precedence = entry_of(in->config, "config-precedence");
    if (!precedence)
        return NULL;
    TRY(resolve_row(in, precedence, room));
    if (precedence->value.choice == 1)
        memcpy(in->layers, FILE_FIRST, sizeof FILE_FIRST);
    return NULL;
}

/* Files that could not be read, and secrets that others can read. */
static Error *check_files(Resolver *in)
{
    ConfigEntry *insecure = entry_of(in->config, "insecure-config");
    for (unsigned i = 0; i < in->options->files_count; i++) {
        const OptionsFile *file = &in->options->files[i];
        if (!(file->commands & COMMAND_BIT(in->command)))
            continue;
        if (file->error)
            return error_copy(file->error);
        if (file->exposed.len > 0 && insecure && !insecure->value.flag)
            return FAIL(INVALID,
                        "config file '" STR_FMT "': it holds the secret '" STR_FMT
                        "' and others may read it: chmod 600 it, or give --insecure-config",
                        STR_ARG(file->path), STR_ARG(file->exposed));
    }
    return NULL;
}

/* Both lists are in order: one merge. */
static Error *merge_filters(Config *config)
{
    const ConfigEntry *include = entry_of(config, "include"), *exclude = entry_of(config, "exclude");
    if (!include || !exclude)
        return NULL;
    size_t count = include->list.count + exclude->list.count, i = 0, e = 0;
    OptionFilter *items = ARENA_ARRAY(config->arena, OptionFilter, count);
    if (!items)
        return arena_error(config->arena);
    for (size_t at = 0; at < count; at++) {
        bool take_include =
            e == exclude->list.count || (i < include->list.count && include->order[i] < exclude->order[e]);
        Str glob = take_include ? include->list.items[i++] : exclude->list.items[e++];
        items[at] = (OptionFilter){.glob = glob, .include = take_include};
    }
    config->filters = (OptionFilters){items, count};
    return NULL;
}

static Error *resolve_all(Resolver *in, Candidate *room)
{
    for (size_t i = 0; i < in->options->count; i++) {
        if (in->options->settings[i].layer == LAYER_EXPLICIT)
            TRY(check_explicit(in, &in->options->settings[i]));
    }
    TRY(resolve_precedence(in, room));
    for (size_t i = 0; i < in->config->count; i++)
        TRY(resolve_row(in, &in->config->entries[i], room));
    TRY(check_files(in));
    return merge_filters(in->config);
}

/* NULL without memory. */
static Config *config_new(CommandId command)
{
    Config *config = calloc(1, sizeof *config);
    if (!config)
        return NULL;
    config->command = command;
    config->arena = arena_new(CONFIG_MAX_BYTES);
    config->entries = config->arena ? ARENA_ARRAY(config->arena, ConfigEntry, option_count()) : NULL;
    if (!config->entries) {
        config_free(config);
        return NULL;
    }
    return config;
}

Error *options_resolve(const Options *options, CommandId command, Config **ret_config)
{
    ASSERT(command < COMMANDS);
    if (options->failure)
        return error_copy(options->failure);
    CLEANUP(config_freep) Config *config = config_new(command);
    if (!config)
        return FAIL(NO_MEMORY, "no memory for a configuration");
    Resolver in = {.options = options, .command = command, .config = config};
    list_rows(&in);

    Candidate *room = calloc(options->count + 1, sizeof *room);
    if (!room)
        return FAIL(NO_MEMORY, "no memory for %zu settings", options->count);
    Error *error = resolve_all(&in, room);
    free(room);
    TRY(error);
    *ret_config = config;
    config = NULL;
    return NULL;
}
