/* env.h - what a job runs with: its options, the places it may open, who watches and who may stop it. Made by src/api for one call;
 * everything in it outlives the call. */
#ifndef JOBS_ENV_H
#define JOBS_ENV_H

#include "engine/engine.h"
#include "jobs/options/options.h"
#include "store/options.h"
#include "store/store.h"

/* A run that works on failures of an earlier one. */
typedef struct JobAgain {
    const JournalRun *last; /* that run; what is not worked on stays on the list */
    StrList keys;           /* of its failures, as the journal shows them; ascending */
    bool hashed;            /* they are shown as hashes */
} JobAgain;

typedef struct JobEnv {
    const Config *config;             /* of the job's command */
    const StoreOptions *store;        /* how places are opened: credentials, the shared HTTP client */
    const StoreOptions *target_store; /* how the target of a job is, where it has settings of its own; NULL: as all */
    /* Opens what needs more than `store`: s3:// through the shared connections, schemes that the library's user added. Leaves
     * `*ret_store` NULL for anything else. NULL: there is nothing of the kind. */
    Error *(*open_remote)(void *context, Str url, Store **ret_store);
    void *open_context;
    const char *const *environ;
    const Clock *clock;
    Log *log;
    const Cancel *cancel;
    /* A line of the result as it comes, for standard output; `logged`: it belongs into the log file too. NULL: not wanted. */
    void (*print)(void *context, const char *line, bool logged);
    void *print_context;
    Str run;               /* the call's name, in all that is said about it */
    const JobAgain *again; /* NULL: all that the options mean */
    EngineWatch watch;
} JobEnv;

/* A place that a user named, as a root to open and what keys there must begin with. "s3://bucket/a/b" is bucket and prefix "a/b";
 * a directory is its own root; a file is its directory and its name. `key_base`: how many bytes of a key are the prefix up to and
 * including its last "/", which filters and relative names leave out. */
typedef struct Place {
    Store *store; /* owned */
    Str prefix;   /* in `text` */
    size_t key_base;
    bool whole_key; /* the prefix is a local file's name: only the key equal to it is meant */
    char *text;     /* owned: the URL as given */
} Place;

MUST_USE Error *place_open(const JobEnv *env, Str url, Place *ret_place);
/* A place that is written to: its root is the whole URL. */
MUST_USE Error *place_open_root(const JobEnv *env, Str url, Store **ret_store);
/* Could `target`, opened as `url`, be written to? Writes nothing: of S3 it asks for a listing, of a directory whether it, or the nearest above it
 * that is there, may be written. For the moment before any work is done. Errors: NOT_FOUND (no bucket), DENIED, INVALID (a file is in the
 * way), UNAVAILABLE. */
MUST_USE Error *place_check_target(const JobEnv *env, Str url, Store *target);
/* When `target` lies below the root of `source`: what keys of `source` begin with there, "out/"; else nothing. */
MUST_USE Error *place_within(const JobEnv *env, const Place *source, Str target, Buffer *out);
void place_done(Place *place); /* copes with a zeroed one */
/* store_list of what the place means. Errors: those of `each`, as they are; NOT_FOUND also for an answer that is no listing: a source that
 * cannot be listed ends a run as one that is not there. */
MUST_USE Error *place_list(const Place *place, const Cancel *cancel, StoreListFn *each, void *context);
/* The same, the other way round where `how` says so; its prefix is not looked at. */
MUST_USE Error *place_list_with(const Place *place, const Cancel *cancel, const ListOptions *how, StoreListFn *each,
                                void *context);

/* Which keys of a place are meant: --include, --exclude, --shard, and patterns on the whole key. */
typedef struct KeyFilter KeyFilter;
/* Errors: INVALID (a pattern). */
MUST_USE Error *key_filter_new(const Config *config, StrList whole_key_globs, KeyFilter **ret_filter);
void key_filter_free(KeyFilter *filter);
DEFINE_FREEP(KeyFilter, key_filter_free)
bool key_filter_takes_all(const KeyFilter *filter);
bool key_filter_takes(const KeyFilter *filter, Str key, size_t key_base);
/* The same with what leaves it out, for those who count. */
typedef enum KeyVerdict {
    KEY_TAKEN,
    KEY_OF_ANOTHER_SHARD,
    KEY_LEFT_BY_RULES, /* --include, --exclude */
    KEY_LEFT_BY_GLOBS, /* the patterns on the whole key */
    KEY_VERDICTS
} KeyVerdict;
KeyVerdict key_filter_judge(const KeyFilter *filter, Str key, size_t key_base);

/* Says in the log which settings of the originals were given and have no effect yet. */
void job_warn_without_effect(const JobEnv *env);

/* Engine options from the options that every job has. */
MUST_USE Error *job_engine_options(const JobEnv *env, EngineOptions *ret_options);
/* Bytes in flight: --memory, or its default bounded by an eighth of the cgroup's limit. */
uint64_t job_memory_bytes(const Config *config);

/* --state-dir, else $XDG_STATE_HOME/quern, else ~/.local/state/quern. Errors: INVALID (neither is to be had). */
MUST_USE Error *job_state_dir(const JobEnv *env, Buffer *out);

/* Where temporary files may be, first choice first: the state directory, $TMPDIR, /tmp. Ends in NULL; the first is a text in `state_dir`. */
enum { SCRATCH_DIRECTORIES = 4 };
MUST_USE Error *job_scratch_directories(const JobEnv *env, Buffer *state_dir,
                                        const char *ret_directories[SCRATCH_DIRECTORIES]);

/* What tells the service of stores opened with `store` (those of `env`, or a target's own) from others: the endpoint that was named for them, the
 * target's own profile where it has one, "" for what AWS or the profile of all has. As long as both. */
Str job_endpoint_view(const JobEnv *env, const StoreOptions *store);

/* Opens the journal of this job on `source` and `target` (--journal, --state-dir), which is also its lock; says in the log how the last run
 * went. `*ret_journal` stays NULL for a dry run. Errors: LOCKED, STATE. */
MUST_USE Error *job_open_journal(const JobEnv *env, const char *command, Str source, Str target, Journal **ret_journal);

#endif
