#include <stdlib.h>

#include "api/internal.h"
#include "jobs/search/search.h"

enum { HITS_ARENA_BYTES = 1 << 30 };

/* The connection belongs to one thread at a time, and a search to any number: they take turns. */
struct QuernSearch {
    pid_t process;
    Call call;
    pthread_mutex_t lock;
    Sink *sink;
};

struct QuernHits {
    Arena *arena;
    QuernHit *hits; /* [count], in the arena */
    size_t count;
};

DEFINE_FREEP(QuernSearch, quern_search_free)
DEFINE_FREEP(QuernHits, quern_hits_free)

QuernError *quern_search_new(QuernClient *client, const QuernOptions *options, QuernSearch **ret_search)
{
    CLEANUP(quern_search_freep) QuernSearch *search = calloc(1, sizeof *search);
    if (!search)
        return FAIL(NO_MEMORY, "out of memory");
    search->process = getpid();
    pthread_mutex_init(&search->lock, NULL);
    TRY(call_begin(client, options, COMMAND_SEARCH, NULL, &search->call));
    TRY(search_open(&search->call.env, &search->sink));
    GIVE(ret_search, search);
    return NULL;
}

void quern_search_free(QuernSearch *search)
{
    if (!search || search->process != getpid()) /* the parent's connection: nobody says good-bye on it */
        return;
    sink_free(search->sink);
    call_done(&search->call);
    pthread_mutex_destroy(&search->lock);
    free(search);
}

static Error *show_hits(QuernHits *hits, const SinkHit *found)
{
    hits->hits = ARENA_ARRAY(hits->arena, QuernHit, hits->count);
    if (!hits->hits)
        return arena_error(hits->arena);
    /* arena_str puts a NUL behind every text of a SinkHit. */
    for (size_t i = 0; i < hits->count; i++)
        hits->hits[i] = (QuernHit){found[i].key.data,      found[i].snippet.data,  found[i].score,
                                   found[i].row_json.data, found[i].document.data, found[i].page};
    return NULL;
}

QuernError *quern_search_query(QuernSearch *search, const char *query, const QuernOptions *options,
                               QuernControl *control, QuernHits **ret_hits)
{
    CLEANUP(config_freep) Config *chosen = NULL;
    CLEANUP(quern_hits_freep) QuernHits *hits = calloc(1, sizeof *hits);
    SinkHit *found = NULL;
    TRY(process_check(search->process, "search"));
    if (!hits || !(hits->arena = arena_new(HITS_ARENA_BYTES)))
        return FAIL(NO_MEMORY, "out of memory");
    if (options && !options->options)
        return FAIL(NO_MEMORY, "out of memory");
    if (options)
        TRY(options_resolve(options->options, COMMAND_SEARCH, &chosen));
    if (chosen)
        TRY(call_refuse_late_options(&search->call, chosen, "to"));
    TRY(cancel_check(control ? &control->cancel : NULL));
    pthread_mutex_lock(&search->lock);
    sink_set_cancel(search->sink, control ? &control->cancel : NULL);
    Error *error = search_query(search->sink, chosen ? chosen : search->call.config, str_of(query), hits->arena, &found,
                                &hits->count);
    sink_set_cancel(search->sink, NULL); /* the control may be gone before the next query */
    pthread_mutex_unlock(&search->lock);
    TRY(error);
    TRY(show_hits(hits, found));
    GIVE(ret_hits, hits);
    return NULL;
}

const QuernHit *quern_hits_at(const QuernHits *hits, size_t index)
{
    return hits && index < hits->count ? &hits->hits[index] : NULL;
}

void quern_hits_free(QuernHits *hits)
{
    if (!hits)
        return;
    arena_free(hits->arena);
    free(hits);
}
