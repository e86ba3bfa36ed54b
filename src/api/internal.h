/* internal.h - what the files of src/api share: the structs behind the public handles. */
#ifndef API_INTERNAL_H
#define API_INTERNAL_H

#include <pthread.h>
#include <quern/quern.h>
#include <unistd.h>

#include "http/http.h"
#include "jobs/env.h"
#include "jobs/ingest/parser.h"
#include "jobs/summary.h"

struct QuernOptions {
    Options *options; /* NULL: there was no memory; said by the call that takes it */
};

struct QuernControl {
    pid_t process; /* a forked child may not use it: the lock may be held there for ever */
    Cancel cancel;
    pthread_mutex_t one_at_a_time; /* recursive: a hook may call the library, which may call a hook */
    Log *log;                      /* NULL until on_log */
    void (*on_log)(void *user, QuernLogLevel level, const char *message);
    void *log_user;
    void (*on_progress)(void *user, const QuernProgress *progress);
    void *progress_user;
    void (*on_item)(void *user, const QuernItem *item);
    void *item_user;
    void (*on_line)(void *user, const char *line, int logged);
    void *line_user;
    void (*on_event)(void *user, const char *json);
    void *event_user;
    LogLevel log_least, event_least;
    char run[RUN_NAME_BYTES]; /* of the call that is running */
    bool run_used;            /* by a call: the next has a name of its own */
    bool redact_keys;         /* of the call that is running */
    const Config *config;     /* of the call that is running */
    int64_t progress_said_us; /* monotonic; 0: never */
};

struct QuernReport {
    JobResult result;
    QuernItem *items; /* [item_count], the failures; texts belong to result.report */
    size_t item_count;
};

typedef struct AddedStore AddedStore;
typedef struct KeptStore KeptStore;
typedef struct Call Call; /* below */

/* Shared by everything made from it, and freed with the last of them. */
struct QuernClient {
    pid_t process; /* a forked child may not use it */
    _Atomic unsigned references;
    Options *options;           /* sections s3 and run */
    Config *config;             /* COMMAND_CLIENT */
    StoreOptions store_options; /* texts live in `config` */
    char **environment;         /* a snapshot, [.., NULL] */
    Log *log;                   /* of the one call that it was made for; NULL when it may be shared */
    pthread_mutex_t lock;
    HttpClient *http;         /* under lock until made, then constant; the s3:// stores' */
    S3Identity *identity;     /* the same */
    S3Regions *regions;       /* the same */
    AddedStore *added;        /* under lock; a list that only grows */
    KeptStore *kept;          /* under lock; stores that are open for the next call on an object */
    DocumentParser *parser;   /* under lock; quern_partition's, as the next */
    TokenizerFile *tokenizer; /* the one used last; NULL: none */
};

/* Hands an object out; one that nobody wants (`ret` NULL) its CLEANUP frees. */
#define GIVE(ret, object)                                                                                              \
    do {                                                                                                               \
        if (ret) {                                                                                                     \
            *(ret) = (object);                                                                                         \
            (object) = NULL;                                                                                           \
        }                                                                                                              \
    } while (0)

/* Was an object of `process` made by this one? Its threads and locks are not there in a forked child: every call gives STATE, and
 * `_free` leaves alone what they hold. Errors: STATE. */
MUST_USE Error *process_check(pid_t process, const char *what);

/* Refuses what was set for a call though it belongs to its shared client. Errors: INVALID. */
MUST_USE Error *client_refuse_options(const Config *config);

/* Refuses, of a call on what `opened_by` opened, options about the connection ([s3], and `also` unless NULL) that say something else than
 * what it was opened with: they would have no effect. Errors: INVALID. */
MUST_USE Error *call_refuse_late_options(const Call *opened_by, const Config *config, const char *also);

/* The client itself with one more reference, or, for NULL, a new one made from `options`. Errors: STATE (forked). */
MUST_USE Error *client_take(QuernClient *client, const QuernOptions *options, QuernClient **ret_client);
DEFINE_FREEP(QuernClient, quern_client_free)
DEFINE_FREEP(QuernIngester, quern_ingester_free)

/* One call's view of a client: the command's Config and the JobEnv on it. `env` points into it: it stays where it is. */
struct Call {
    QuernClient *client;
    Config *config;
    StoreOptions store_options;
    QuernControl *control; /* NULL: none, or a call that runs already has it */
    char run[RUN_NAME_BYTES];
    JobEnv env;
};

/* `options` NULL: defaults. Errors: INVALID, STATE. */
MUST_USE Error *call_begin(QuernClient *client, const QuernOptions *options, CommandId command, QuernControl *control,
                           Call *ret_call);
void call_done(Call *call); /* copes with a zeroed one */

/* What an engine tells the control's hooks. */
EngineWatch control_watch(QuernControl *control); /* NULL: nobody watches */
/* What a job prints, to the hook of `control`. */
void control_pass_line(void *control, const char *line, bool logged);

/* A report from `*take_result`, which is moved. NULL `ret_report`: freed. NULL in it when the run had not begun. */
MUST_USE Error *report_from_result(JobResult *take_result, QuernReport **ret_report);

/* A malloc'ed text that quern_free takes; NULL `ret_text`: not wanted. */
MUST_USE Error *text_from_buffer(Buffer *buffer, char **ret_text);

/* One object's URL as the root to open and the key below it, both in `url`. Errors: INVALID (no key). */
MUST_USE Error *client_split_url(const char *url, Str *ret_root, Str *ret_key);
/* A store of one's own for an object, for what lives longer than a call. */
MUST_USE Error *client_open_object(const JobEnv *env, const char *url, Store **ret_store, Str *ret_key);

/* The same for the length of a call, which the place may not outlive: a store that the client keeps where it can. Give it back with
 * object_place_done. */
typedef struct ObjectPlace {
    Store *store;
    Str key;         /* in the URL */
    KeptStore *kept; /* NULL: the store is this place's own */
    QuernClient *client;
} ObjectPlace;
MUST_USE Error *client_find_object(const Call *call, const char *url, ObjectPlace *ret_place);
void object_place_done(ObjectPlace *place); /* copes with a zeroed one */
void kept_stores_free(KeptStore *kept);

/* The buckets of "s3://", as prefixes. `cancel`: the listing's own. */
MUST_USE Error *client_list_buckets(const Call *call, const Cancel *cancel, StoreListFn *each, void *context);

/* Opens "scheme://..." of an added store; NULL when there is none of that scheme. */
MUST_USE Error *added_store_open(QuernClient *client, Str url, Store **ret_store);
void added_stores_free(AddedStore *added);

#endif
