/* match.c - which row a name, a key or a variable means. */
#include "jobs/options/table.h"

#include <stdio.h>

#include "jobs/options/nearest.h"

enum { RANK_KEYS = 100, RANK_SECTION = 200, RANK_NEGATED = 50 };

const char *const OPTION_SHARD_VARIABLES[] = {"QUERN_SHARD_INDEX",         "QUERN_SHARD_COUNT",
                                              "QUERN_SHARD_OFFSET",        "SLURM_ARRAY_TASK_ID",
                                              "SLURM_ARRAY_TASK_COUNT",    "SLURM_ARRAY_TASK_MIN",
                                              "SLURM_ARRAY_TASK_STEP",     "JOB_COMPLETION_INDEX",
                                              "AWS_BATCH_JOB_ARRAY_INDEX", NULL};

static char dashed(char c)
{
    return c == '_' ? '-' : c;
}

static bool same_name(Str a, Str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (dashed(a.data[i]) != dashed(b.data[i]))
            return false;
    }
    return true;
}

bool option_can_negate(const OptionDef *row)
{
    return row->type == OPTION_BOOL ? !(row->traits & OPTION_ACTION) : (row->traits & OPTION_NONE_WORD) != 0;
}

bool option_match_name(const OptionDef *row, Str name, OptionMatch *ret_match)
{
    if (same_name(str_of(row->name), name)) {
        *ret_match = (OptionMatch){.rank = 0};
        return true;
    }
    for (unsigned a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++) {
        if (same_name(str_of(row->aliases[a].name), name)) {
            *ret_match = (OptionMatch){.alias = &row->aliases[a], .rank = a + 1};
            return true;
        }
    }
    if (option_can_negate(row) && name.len > 3 && same_name(str_slice(name, 0, 3), STR("no-"))
        && same_name(str_of(row->name), str_slice(name, 3, name.len))) {
        *ret_match = (OptionMatch){.negated = true, .rank = RANK_NEGATED};
        return true;
    }
    return false;
}

/* `key` is `section`.NAME? */
static bool match_in_section(const OptionDef *row, const char *section, Str key, OptionMatch *ret_match)
{
    size_t dot = str_find_char(key, '.');
    if (!section || dot == SIZE_MAX || !same_name(str_slice(key, 0, dot), str_of(section)))
        return false;
    return option_match_name(row, str_slice(key, dot + 1, key.len), ret_match);
}

bool option_match_key(const OptionDef *row, CommandId command, Str key, OptionMatch *ret_match)
{
    if (row->traits & (OPTION_ACTION | OPTION_NO_KEY) || !option_in(row, command))
        return false;
    const CommandDef *def = command_def(command);
    if (!def->library_only && match_in_section(row, def->section, key, ret_match))
        return true;

    Str rest = str_of(row->keys), word;
    for (unsigned i = 0; str_next_piece(&rest, ' ', &word); i++) {
        if (word.len > 0 && same_name(word, key)) {
            *ret_match = (OptionMatch){.rank = RANK_KEYS + i};
            return true;
        }
    }
    if (!match_in_section(row, row->section, key, ret_match))
        return false;
    ret_match->rank += RANK_SECTION;
    return true;
}

bool option_key_known(Str key)
{
    const OptionDef *row;
    OptionMatch match;
    for (size_t i = 0; (row = option_at(i)); i++) {
        for (CommandId command = 0; command < COMMANDS; command++) {
            if (option_match_key(row, command, key, &match))
                return true;
        }
    }
    return false;
}

/* Calls nearest_offer for every section; true if `section` is one of them. */
static bool offer_sections(Nearest *nearest)
{
    bool known = false;
    const OptionDef *row;
    for (CommandId command = 0; command < COMMANDS; command++) {
        if (command_def(command)->library_only)
            continue;
        Str section = str_of(command_def(command)->section);
        known = known || same_name(section, nearest->wanted);
        nearest_offer(nearest, section);
    }
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (!row->section)
            continue;
        known = known || same_name(str_of(row->section), nearest->wanted);
        nearest_offer(nearest, str_of(row->section));
    }
    return known;
}

bool option_section_known(Str section)
{
    Nearest nearest = nearest_to(section);
    return offer_sections(&nearest);
}

/* Every row that has a key in `section` offers its names. */
static void offer_names(Nearest *nearest, Str section)
{
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        bool here = row->section && same_name(str_of(row->section), section);
        for (CommandId command = 0; command < COMMANDS; command++)
            here = here || (option_in(row, command) && same_name(str_of(command_def(command)->section), section));
        if (!here || row->traits & (OPTION_ACTION | OPTION_NO_KEY))
            continue;
        nearest_offer(nearest, str_of(row->name));
        for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++)
            nearest_offer(nearest, str_of(row->aliases[a].name));
    }
}

/* `name` with `_`, cut to what fits. */
static Str underscored(Str name, char out[OPTION_KEY_BYTES])
{
    size_t len = MIN(name.len, (size_t)OPTION_KEY_BYTES - 1);
    for (size_t i = 0; i < len; i++)
        out[i] = name.data[i] == '-' ? '_' : name.data[i];
    out[len] = '\0';
    return str_from(out, len);
}

Error *option_key_unknown(const char *where, Str key)
{
    size_t dot = str_find_char(key, '.');
    Str section = str_slice(key, 0, MIN(dot, key.len));
    Nearest nearest = nearest_to(section);
    if (!offer_sections(&nearest)) {
        if (nearest.best.len > 0)
            return FAIL(INVALID, "%s: there is no section '" STR_FMT "', the nearest is '" STR_FMT "'", where,
                        STR_ARG(section), STR_ARG(nearest.best));
        return FAIL(INVALID, "%s: there is no section '" STR_FMT "'", where, STR_ARG(section));
    }
    if (dot == SIZE_MAX)
        return FAIL(INVALID, "%s: '" STR_FMT "' is a section and needs an object of keys", where, STR_ARG(key));

    char name[OPTION_KEY_BYTES], best[OPTION_KEY_BYTES];
    Str wanted = str_slice(key, dot + 1, key.len);
    if (wanted.len >= sizeof name)
        return FAIL(INVALID, "%s: there is no key '" STR_FMT "'", where, STR_ARG(key));
    for (size_t i = 0; i < wanted.len; i++)
        name[i] = dashed(wanted.data[i]);
    nearest = nearest_to(str_from(name, wanted.len));
    offer_names(&nearest, section);
    if (nearest.best.len == 0)
        return FAIL(INVALID, "%s: there is no key '" STR_FMT "'", where, STR_ARG(key));
    Str found = underscored(nearest.best, best);
    return FAIL(INVALID, "%s: there is no key '" STR_FMT "', the nearest is '" STR_FMT "." STR_FMT "'", where,
                STR_ARG(key), STR_ARG(section), STR_ARG(found));
}

Str option_key(const OptionDef *row, CommandId command, char out[OPTION_KEY_BYTES])
{
    if (row->keys) {
        Str rest = str_of(row->keys), first;
        (void)str_next_piece(&rest, ' ', &first);
        return first;
    }
    const char *section = row->section ? row->section : command_def(command)->section;
    bool bare = (row->traits & OPTION_NO_KEY) != 0;
    int len = snprintf(out, OPTION_KEY_BYTES, "%s%s%s", bare ? "" : section, bare ? "" : ".", row->name);
    ASSERT(len > 0 && len < OPTION_KEY_BYTES);
    for (int i = 0; i < len; i++)
        out[i] = out[i] == '-' ? '_' : out[i];
    return str_from(out, (size_t)len);
}

/* "QUERN_" and the name in capitals. */
static void own_variable(const char *prefix, const char *name, char out[OPTION_KEY_BYTES])
{
    int len = snprintf(out, OPTION_KEY_BYTES, "%s%s", prefix, name);
    ASSERT(len > 0 && len < OPTION_KEY_BYTES);
    for (int i = 0; i < len; i++) {
        if (out[i] == '-')
            out[i] = '_';
        else if (out[i] >= 'a' && out[i] <= 'z')
            out[i] = (char)(out[i] - 'a' + 'A');
    }
}

/* A word of `variables`: "X", "X=value" or "X?value". */
static void other_variable(Str word, Variable *ret_variable)
{
    size_t mark = str_find_char(word, '=');
    ret_variable->kind = VARIABLE_IMPLIES;
    if (mark == SIZE_MAX) {
        mark = str_find_char(word, '?');
        ret_variable->kind = mark == SIZE_MAX ? VARIABLE_VALUE : VARIABLE_SWITCH;
    }
    Str name = str_slice(word, 0, MIN(mark, word.len));
    ret_variable->value = mark == SIZE_MAX ? STR_EMPTY : str_slice(word, mark + 1, word.len);
    ASSERT(name.len < OPTION_KEY_BYTES);
    memcpy(ret_variable->name, name.data, name.len);
    ret_variable->name[name.len] = '\0';
}

bool option_variable(const OptionDef *row, size_t index, Variable *ret_variable)
{
    if (row->traits & OPTION_ACTION)
        return false;
    *ret_variable = (Variable){.kind = VARIABLE_VALUE, .value = STR_EMPTY};
    if (!(row->traits & OPTION_NO_ENV)) {
        if (index-- == 0) {
            own_variable("QUERN_", row->name, ret_variable->name);
            return true;
        }
        for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++) {
            if (index-- > 0)
                continue;
            own_variable("QUERN_", row->aliases[a].name, ret_variable->name);
            if (row->aliases[a].value) {
                ret_variable->kind = VARIABLE_SWITCH;
                ret_variable->value = str_of(row->aliases[a].value);
            }
            return true;
        }
        if (row->type == OPTION_BOOL && index-- == 0) {
            own_variable("QUERN_NO_", row->name, ret_variable->name);
            ret_variable->kind = VARIABLE_NEGATED;
            return true;
        }
    }
    Str rest = str_of(row->variables), word;
    while (str_next_piece(&rest, ' ', &word)) {
        if (word.len == 0 || index-- > 0)
            continue;
        other_variable(word, ret_variable);
        return true;
    }
    return false;
}

/* Is it in the `variables` of this row? Without making names: most variables of an environment are nobody's. */
static bool is_other_variable(const OptionDef *row, Str name)
{
    Str rest = str_of(row->variables), word;
    while (str_next_piece(&rest, ' ', &word)) {
        bool ends = word.len == name.len || (word.len > name.len && strchr("=?", word.data[name.len]));
        if (word.len > 0 && ends && str_starts_with(word, name))
            return true;
    }
    return false;
}

static bool is_own_variable(const OptionDef *row, Str name)
{
    Variable variable;
    for (size_t v = 0; option_variable(row, v, &variable); v++) {
        if (str_equal(str_of(variable.name), name))
            return true;
    }
    return false;
}

bool option_variable_known(Str name)
{
    const OptionDef *row;
    bool own = str_starts_with(name, STR("QUERN_"));
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (own ? is_own_variable(row, name) : is_other_variable(row, name))
            return true;
    }
    for (size_t i = 0; OPTION_SHARD_VARIABLES[i]; i++) {
        if (str_equal(str_of(OPTION_SHARD_VARIABLES[i]), name))
            return true;
    }
    return false;
}
