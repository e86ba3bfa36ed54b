/* table.c - the option table: every name a user can set, a row each, in the files of table/. Adding a row there is all it takes to
 * have a flag, a variable, a key, a library option, a line of help, a paragraph of the manual and a completion.
 * spec/commands.md is the source. */
#include "jobs/options/table.h"

#include "jobs/options/table/rows.h"

static const OptionRows *const GROUPS[] = {/* in the order of help */
                                           &OPTIONS_FETCH,   &OPTIONS_INGEST,        &OPTIONS_LOAD,
                                           &OPTIONS_INSPECT, &OPTIONS_SET_TIMESTAMP, &OPTIONS_ADD_PROVIDER,
                                           &OPTIONS_COPY,    &OPTIONS_RUN,           &OPTIONS_S3,
                                           &OPTIONS_GENERAL};

const OptionDef *option_at(size_t index)
{
    for (size_t g = 0; g < ARRAY_COUNT(GROUPS); g++) {
        if (index < GROUPS[g]->count)
            return &GROUPS[g]->rows[index];
        index -= GROUPS[g]->count;
    }
    return NULL;
}

size_t option_count(void)
{
    size_t count = 0;
    for (size_t g = 0; g < ARRAY_COUNT(GROUPS); g++)
        count += GROUPS[g]->count;
    return count;
}

const OptionDef *option_find(CommandId command, Str name)
{
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        if (!(row->commands & COMMAND_BIT(command)))
            continue;
        if (str_equal(str_of(row->name), name))
            return row;
        for (size_t a = 0; a < OPTION_ALIASES_MAX && row->aliases[a].name; a++) {
            if (str_equal(str_of(row->aliases[a].name), name))
                return row;
        }
    }
    return NULL;
}
