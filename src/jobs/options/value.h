/* value.h - one value of an option as text, and as what it means. */
#ifndef JOBS_OPTIONS_VALUE_H
#define JOBS_OPTIONS_VALUE_H

#include "jobs/options/options.h"

typedef union OptionValue {
    bool flag;
    int64_t integer;
    double real;
    uint64_t size_bytes;
    int64_t duration_us;
    size_t choice;
    OptionAmount amount;
    OptionShard shard;
} OptionValue;

/* Parses `text` by the row's type and checks its bounds. For texts there is nothing to write. The message says what is wrong with
 * the value, quoted unless it is secret, and what would be right; the caller adds where it stands. Errors: INVALID. */
Error *value_parse(const OptionDef *row, Str text, OptionValue *ret_value) MUST_USE;

/* true, yes, on, 1 and false, no, off, 0 in any case. */
bool value_parse_bool(Str text, bool *ret_value);
/* Bytes, or with B, kB, MB, GB, TB, PB (1000) and KiB, MiB, GiB, TiB, PiB (1024); a fraction is allowed before a unit. */
bool value_parse_size(Str text, uint64_t *ret_bytes);
/* Seconds, or numbers with us, ms, s, m, h, d in a row: "1h30m". */
bool value_parse_duration(Str text, int64_t *ret_us);

#endif
