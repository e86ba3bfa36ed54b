#include "jobs/search/search.h"

Error *search_open(const JobEnv *env, Sink **ret_sink)
{
    const Config *config = env->config;
    if (!config_has(config, "to"))
        return FAIL(INVALID, "no database: give --to sqlite:FILE");
    if (!config_has(config, "table"))
        return FAIL(INVALID, "no table: give --table NAME");
    job_warn_without_effect(env);
    return sink_open(config_str(config, "to"), true, env->cancel, env->log, ret_sink);
}

static Error *parse_filters(const Config *config, Arena *arena, SinkQuery *query)
{
    StrList list = config_list(config, "filter");
    SinkFilter *filters = ARENA_ARRAY(arena, SinkFilter, list.count);
    if (!filters)
        return arena_error(arena);
    for (size_t i = 0; i < list.count; i++) {
        size_t equals = str_find_char(list.items[i], '=');
        if (equals == SIZE_MAX || equals == 0)
            return FAIL(INVALID, "--filter '" STR_FMT "': wants COLUMN=VALUE", STR_ARG(list.items[i]));
        filters[i] =
            (SinkFilter){str_slice(list.items[i], 0, equals), str_slice(list.items[i], equals + 1, list.items[i].len)};
    }
    query->filters = filters;
    query->filter_count = list.count;
    return NULL;
}

Error *search_query(Sink *sink, const Config *config, Str text, Arena *arena, SinkHit **ret_hits, size_t *ret_count)
{
    SinkQuery query = {
        .table = config_str(config, "table"), .text = text, .limit = (uint64_t)config_int(config, "limit")};
    TRY(parse_filters(config, arena, &query));
    return sink_search(sink, &query, arena, ret_hits, ret_count);
}
