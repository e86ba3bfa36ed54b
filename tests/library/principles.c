/* principles CASE SOURCE WORK - what the interface promises to a host program (shared/spec/api.md 1), a case each:
 *
 *   cancel   a signal handler ends a run               fork     a child gets STATE, the parent goes on
 *   reap     the host waits for every child there is   first    the client is freed before what uses it
 *   shared   eight threads read through one client     quiet    nothing of the process is changed
 *   hooks    one callback at a time, `user` first      parser   a missing quern-parse is UNSUPPORTED at the first document
 *   nested   a hook that reads by the library, while many objects wait at once      added    a store of one's own is asked by several threads
 *
 * Prints a line; exit status 0 when the promise was kept. */
#define _GNU_SOURCE
#include <locale.h>
#include <pthread.h>
#include <quern/quern.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, OBJECTS_EACH = 25 };

static const char *source, *work;
static QuernControl *control;

static const char *path_in(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", work, name);
    return path;
}

/* The options of a run from `source` to `work`; `fetch` or else ingest. */
static QuernOptions *options_of(bool fetch)
{
    QuernOptions *options = quern_options_new();
    if (fetch) {
        quern_options_set(options, "source", source);
        quern_options_set(options, "dataset_id", "d");
        quern_options_set(options, "destination_directory", path_in("fetched"));
    } else {
        quern_options_set(options, "s3_url", source);
        quern_options_set(options, "structured_output_dir", path_in("elements"));
    }
    quern_options_set(options, "state_dir", path_in("state"));
    return options;
}

/* Gives the code of an error, with its message on standard error. */
static QuernCode code_of(QuernError *error)
{
    QuernCode code = quern_error_code(error);
    if (error)
        fprintf(stderr, "%s: %s\n", quern_code_name(code), quern_error_message(error));
    quern_error_free(error);
    return code;
}

static QuernCode fetch_with(QuernClient *client, QuernControl *watch, unsigned long long *ret_done)
{
    QuernIngester *ingester = NULL;
    QuernReport *report = NULL;
    QuernOptions *options = options_of(true);
    QuernError *error = quern_ingester_new(client, options, &ingester);
    if (!error)
        error = quern_ingester_fetch_data(ingester, QUERN_FETCH_IF_STALE, watch, NULL, &report);
    if (ret_done)
        *ret_done = quern_report_count(report, QUERN_DONE);
    quern_report_free(report);
    quern_ingester_free(ingester);
    quern_options_free(options);
    return code_of(error);
}

static QuernCode ingest_with(QuernOptions *options, unsigned long long *ret_done)
{
    QuernReport *report = NULL;
    QuernError *error = quern_ingest(NULL, NULL, NULL, options, control, &report);
    *ret_done = quern_report_count(report, QUERN_DONE);
    for (size_t i = 0; quern_report_failure_at(report, i); i++)
        printf("%s\n", quern_code_name(quern_report_failure_at(report, i)->code));
    quern_report_free(report);
    return code_of(error);
}

/* ---- cancel ---- */

static void on_alarm(int number)
{
    (void)number;
    quern_control_cancel(control);
}

static bool cancel_case(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct timespec begin, end;
    sigaction(SIGALRM, &action, NULL);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    alarm(1);
    QuernCode code = fetch_with(NULL, control, NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("cancelled: %s\n", quern_control_cancelled(control) ? "yes" : "no");
    return code == QUERN_CANCELLED && end.tv_sec - begin.tv_sec <= 4;
}

/* ---- fork ---- */

/* The thread of a listing is not there in a child: neither call waits for it. The parent's listing goes on. */
static bool survives_fork(QuernCursor *cursor)
{
    const QuernObject *object = NULL;
    int status = 1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        bool kept = code_of(quern_cursor_next(cursor, &object)) == QUERN_STATE;
        quern_cursor_free(cursor);
        _exit(kept ? 0 : 1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0
           && !code_of(quern_cursor_next(cursor, &object)) && object;
}

static bool fork_case(void)
{
    QuernClient *client = NULL;
    QuernIngester *ingester = NULL;
    QuernCursor *cursor = NULL;
    QuernOptions *options = options_of(true);
    if (code_of(quern_client_new(NULL, &client)) || code_of(quern_ingester_new(client, options, &ingester)))
        return false;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        bool kept = code_of(quern_client_list(client, source, NULL, &cursor)) == QUERN_STATE;
        kept &= code_of(quern_ingester_fetch_data(ingester, QUERN_FETCH_IF_STALE, NULL, NULL, NULL)) == QUERN_STATE;
        kept &= fetch_with(NULL, NULL, NULL) == QUERN_OK; /* with objects of its own */
        _exit(kept ? 0 : 1);
    }
    int status = 1;
    bool kept = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    kept &= !code_of(quern_client_list(client, source, NULL, &cursor)) && survives_fork(cursor);
    quern_cursor_free(cursor);
    quern_ingester_free(ingester);
    quern_options_free(options);
    quern_client_free(client);
    printf("the child's status: %d\n", status);
    return kept;
}

/* ---- reap ---- */

static volatile sig_atomic_t reaping = 1, reaped;

static void *reap(void *nothing)
{
    while (reaping) {
        if (waitpid(-1, NULL, WNOHANG) > 0)
            reaped++;
        usleep(200);
    }
    return nothing;
}

static bool reap_case(void)
{
    pthread_t thread;
    unsigned long long done = 0;
    QuernOptions *options = options_of(false);
    if (pthread_create(&thread, NULL, reap, NULL))
        return false;
    QuernCode code = ingest_with(options, &done);
    reaping = 0;
    pthread_join(thread, NULL);
    quern_options_free(options);
    printf("done: %llu\n", done);
    return code == QUERN_OK && done > 0;
}

/* ---- first ---- */

static bool first_case(void)
{
    QuernClient *client = NULL;
    QuernIngester *ingester = NULL;
    QuernCursor *cursor = NULL;
    const QuernObject *object = NULL;
    unsigned long long keys = 0;
    QuernOptions *options = options_of(true);
    bool kept = !code_of(quern_client_new(NULL, &client)) && !code_of(quern_ingester_new(client, options, &ingester))
                && !code_of(quern_client_list(client, source, NULL, &cursor));
    quern_client_free(client);
    quern_options_free(options);
    while (kept && (kept = !code_of(quern_cursor_next(cursor, &object))) && object)
        keys++;
    kept = kept && !code_of(quern_ingester_fetch_data(ingester, QUERN_FETCH_IF_STALE, NULL, NULL, NULL));
    quern_cursor_free(cursor);
    quern_ingester_free(ingester);
    printf("keys: %llu\n", keys);
    return kept && keys > 0;
}

/* ---- shared ---- */

typedef struct ReaderThread {
    pthread_t thread;
    QuernClient *client;
    unsigned number, right;
} ReaderThread;

static void *read_objects(void *user)
{
    ReaderThread *self = (ReaderThread *)user;
    for (unsigned i = 0; i < OBJECTS_EACH; i++) {
        char url[4096];
        void *data = NULL;
        size_t bytes = 0;
        snprintf(url, sizeof url, "%so%04u", source, self->number * OBJECTS_EACH + i);
        if (!code_of(quern_client_get(self->client, url, 0, UINT64_MAX, NULL, &data, &bytes)))
            self->right += bytes == 100;
        quern_free(data);
    }
    return NULL;
}

static bool shared_case(void)
{
    ReaderThread threads[THREADS];
    QuernClient *client = NULL;
    unsigned right = 0;
    if (code_of(quern_client_new(NULL, &client)))
        return false;
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (ReaderThread){.client = client, .number = i};
        if (pthread_create(&threads[i].thread, NULL, read_objects, &threads[i]))
            return false;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i].thread, NULL);
        right += threads[i].right;
    }
    quern_client_free(client);
    printf("read: %u\n", right);
    return right == THREADS * OBJECTS_EACH;
}

/* ---- quiet ---- */

typedef struct Process {
    struct sigaction actions[NSIG];
    sigset_t mask;
    mode_t umask;
    char directory[4096], locale[256];
} Process;

static void look(Process *process)
{
    memset(process, 0, sizeof *process);
    for (int i = 1; i < NSIG; i++)
        sigaction(i, NULL, &process->actions[i]);
    pthread_sigmask(SIG_SETMASK, NULL, &process->mask);
    process->umask = umask(0);
    umask(process->umask);
    if (!getcwd(process->directory, sizeof process->directory))
        process->directory[0] = 0;
    snprintf(process->locale, sizeof process->locale, "%s", setlocale(LC_ALL, NULL));
}

static bool quiet_case(void)
{
    static Process before, after;
    unsigned long long done = 0;
    QuernOptions *options = options_of(false);
    umask(027);
    look(&before);
    bool kept = fetch_with(NULL, NULL, NULL) == QUERN_OK && ingest_with(options, &done) == QUERN_OK && done > 0;
    look(&after);
    quern_options_free(options);
    for (int i = 1; i < NSIG; i++)
        kept &= before.actions[i].sa_handler == after.actions[i].sa_handler;
    for (int i = 1; i < NSIG; i++)
        kept &= sigismember(&before.mask, i) == sigismember(&after.mask, i);
    return kept && before.umask == after.umask && !strcmp(before.directory, after.directory)
           && !strcmp(before.locale, after.locale);
}

/* ---- hooks ---- */

typedef struct Hooks {
    pthread_mutex_t lock; /* held by who is inside; never waited for */
    unsigned items, twice, nested;
} Hooks;

static void on_item(void *user, const QuernItem *item)
{
    Hooks *hooks = (Hooks *)user;
    char *json = NULL;
    (void)item;
    if (pthread_mutex_trylock(&hooks->lock)) {
        hooks->twice++;
        return;
    }
    hooks->items++;
    hooks->nested += quern_options_table("fetch", &json) == NULL; /* they may call the library */
    quern_free(json);
    usleep(1000);
    pthread_mutex_unlock(&hooks->lock);
}

static bool hooks_case(void)
{
    Hooks hooks = {.items = 0};
    unsigned long long done = 0;
    QuernOptions *options = options_of(false);
    pthread_mutex_init(&hooks.lock, NULL);
    quern_control_on_item(control, on_item, &hooks);
    QuernCode code = ingest_with(options, &done);
    quern_options_free(options);
    printf("items: %u of %llu, at once: %u\n", hooks.items, done, hooks.twice);
    return code == QUERN_OK && hooks.items == done && hooks.nested == done && hooks.twice == 0;
}

/* ---- nested, added: reports, which ask once for each object ---- */

enum { ADDED_OBJECTS = 24 };

static QuernCode report_on(QuernClient *client, const char *place, QuernControl *watch)
{
    QuernReport *report = NULL;
    QuernOptions *options = quern_options_new();
    quern_options_set(options, "s3_prefix", place);
    quern_options_set(options, "report", "true");
    quern_options_set(options, "state_dir", path_in("state"));
    QuernError *error = quern_set_timestamp(client, options, watch, &report);
    quern_report_free(report);
    quern_options_free(options);
    return code_of(error);
}

typedef struct Nested {
    QuernClient *client;
    unsigned inside, most_inside, calls, read;
} Nested;

static void on_log(void *user, QuernLogLevel level, const char *message)
{
    Nested *nested = (Nested *)user;
    QuernCursor *cursor = NULL;
    char url[4096];
    (void)level;
    if (!strstr(message, "Error checking metadata"))
        return;
    nested->calls++;
    if (++nested->inside > nested->most_inside)
        nested->most_inside = nested->inside;
    snprintf(url, sizeof url, "%sthere", source);
    nested->read += code_of(quern_client_head(nested->client, url, NULL, &cursor)) == QUERN_OK;
    quern_cursor_free(cursor);
    nested->inside--;
}

static bool nested_case(void)
{
    Nested nested = {.client = NULL};
    QuernOptions *options = quern_options_new();
    quern_options_load(options, NULL);
    QuernCode code = code_of(quern_client_new(options, &nested.client));
    quern_options_free(options);
    if (code)
        return false;
    quern_control_on_log(control, QUERN_LOG_WARNING, on_log, &nested);
    code = report_on(nested.client, source, control);
    quern_client_free(nested.client);
    printf("calls: %u, read: %u, at once: %u\n", nested.calls, nested.read, nested.most_inside);
    return code == QUERN_OK && nested.calls > 0;
}

typedef struct Added {
    pthread_mutex_t lock;
    unsigned inside, most_inside;
} Added;

static QuernError *added_list(void *user, const char *bucket, const char *prefix, QuernControl *watch,
                              QuernObjectFn *each, void *to)
{
    QuernError *error = NULL;
    (void)user, (void)bucket, (void)watch;
    for (unsigned i = 0; i < ADDED_OBJECTS && !error; i++) {
        char key[256];
        snprintf(key, sizeof key, "%s%02u.jsonl.bz2", prefix, i);
        QuernObject object = {.struct_bytes = sizeof object, .key = key, .size_bytes = 3, .etag = "1"};
        error = each(to, &object);
    }
    return error;
}

static QuernError *added_head(void *user, const char *bucket, const char *key, QuernControl *watch,
                              QuernObjectFn *found, void *to)
{
    Added *added = (Added *)user;
    QuernObject object = {.struct_bytes = sizeof object, .key = key, .size_bytes = 3, .etag = "1"};
    (void)bucket, (void)watch;
    pthread_mutex_lock(&added->lock);
    if (++added->inside > added->most_inside)
        added->most_inside = added->inside;
    pthread_mutex_unlock(&added->lock);
    usleep(50000);
    pthread_mutex_lock(&added->lock);
    added->inside--;
    pthread_mutex_unlock(&added->lock);
    return found(to, &object);
}

static QuernError *added_get(void *user, const char *bucket, const char *key, uint64_t offset_bytes,
                             uint64_t length_bytes, const char *if_etag, QuernControl *watch, QuernPieceFn *piece,
                             void *to)
{
    QuernBytes bytes = {"{}\n", 3};
    (void)user, (void)bucket, (void)key, (void)offset_bytes, (void)length_bytes, (void)if_etag, (void)watch;
    return piece(to, bytes);
}

static bool added_case(void)
{
    Added added = {.inside = 0};
    QuernStore store = {
        .struct_bytes = sizeof store, .user = &added, .list = added_list, .head = added_head, .get = added_get};
    QuernClient *client = NULL;
    QuernOptions *options = quern_options_new();
    pthread_mutex_init(&added.lock, NULL);
    QuernCode code = code_of(quern_client_new(options, &client));
    quern_options_free(options);
    if (!code)
        code = code_of(quern_client_add_store(client, "mine", &store));
    if (!code)
        code = report_on(client, "mine://bucket/in/", NULL);
    quern_client_free(client);
    printf("several at once: %s\n", added.most_inside > 1 ? "yes" : "no");
    return code == QUERN_OK;
}

/* ---- parser ---- */

static bool parser_case(void)
{
    unsigned long long done = 0;
    QuernOptions *options = options_of(false);
    quern_options_set(options, "parse_program", path_in("there-is-none"));
    QuernCode code = ingest_with(options, &done);
    quern_options_free(options);
    return code == QUERN_UNSUPPORTED && done == 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool (*kept)(void);
    } cases[] = {
        {"cancel", cancel_case}, {"fork", fork_case},   {"reap", reap_case},   {"first", first_case},
        {"shared", shared_case}, {"quiet", quiet_case}, {"hooks", hooks_case}, {"parser", parser_case},
        {"nested", nested_case}, {"added", added_case},
    };
    if (argc != 4)
        return 2;
    source = argv[2];
    work = argv[3];
    bool kept = false;
    if (code_of(quern_control_new(&control)))
        return 2;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (!strcmp(argv[1], cases[i].name))
            kept = cases[i].kept();
    quern_control_free(control);
    return kept ? 0 : 1;
}
