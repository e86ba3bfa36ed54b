/* config.h - inside of Config. */
#ifndef JOBS_OPTIONS_CONFIG_H
#define JOBS_OPTIONS_CONFIG_H

#include "base/arena.h"
#include "jobs/options/value.h"

typedef struct ConfigEntry {
    const OptionDef *row;
    bool has; /* there is a value */
    bool set; /* somebody chose it */
    OptionValue value;
    Str text; /* the value as it was written, with a NUL behind it; of a list empty */
    StrList list;
    const uint64_t *order; /* of each item of the list: a stronger source has lower numbers */
    Str source;
    Str steady; /* of an OPTION_STEADY row */
} ConfigEntry;

struct Config {
    Arena *arena;
    CommandId command;
    ConfigEntry *entries; /* in the order of the table */
    size_t count;
    OptionFilters filters;
};

#endif
