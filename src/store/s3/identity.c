#include "store/s3/identity.h"

#include <stdlib.h>

#include "base/fiber.h"
#include "base/random.h"
#include "base/thread.h"
#include "base/time_text.h"
#include "store/s3/chain.h"

#define SECOND_US ((int64_t)1000000)
#define MINUTE_US (60 * SECOND_US)
#define ADVISORY_US (15 * MINUTE_US)
#define MANDATORY_US (10 * MINUTE_US)
enum { ADVISORY_SHARE = 4, MANDATORY_SHARE = 6 };
/* Between two attempts in the first window, at most; how long a failure is told without asking again; the same of a refusal. */
#define RETRY_US MINUTE_US
#define FAILED_US SECOND_US
#define FATAL_US MINUTE_US
/* A source in trouble that gives old keys on purpose: ask again after this and a random 2 to 10 minutes. */
#define LENIENT_US (15 * MINUTE_US)
enum { LENIENT_LEAST_MIN = 2, LENIENT_MOST_MIN = 10 };
enum { TEXTS = 5 };

struct S3Identity {
    /* fixed once made */
    StoreOptions options; /* texts are `texts`, the environment is `environment` */
    char *texts[TEXTS];
    char **environment;
    char *ca_file; /* NULL: the system's */
    const Clock *clock;
    Log *log;
    Cancel stop; /* of what the worker does */

    S3Remote remote; /* of whoever has set `busy` */

    _Atomic int64_t quiet_until_us; /* wall clock: until then s3_identity_ready has nothing to do */
    atomic_bool renewing;
    atomic_uint searches;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    S3Credentials *current;            /* under lock, as the rest; NULL before the first */
    int64_t advisory_us, mandatory_us; /* when its windows begin, by the wall clock */
    bool busy;                         /* somebody asks the sources */
    bool wanted;                       /* the worker shall */
    Error *failure;                    /* of the last time they were asked; NULL: it went well */
    unsigned failures;                 /* counts them */
    int64_t retry_at_us;               /* monotonic: before that nobody asks again after a failure */
    Error *fatal;                      /* a refusal that asking did not help */
    int64_t fatal_until_us;            /* monotonic */
    bool stopping;
    Thread worker; /* started when it is first needed */
};

/* ---- life ---- */

static void wipe_text(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void s3_identity_free(S3Identity *identity)
{
    if (!identity)
        return;
    cancel_raise(&identity->stop, CANCEL_STOP);
    pthread_mutex_lock(&identity->lock);
    identity->stopping = true;
    pthread_cond_broadcast(&identity->changed);
    pthread_mutex_unlock(&identity->lock);
    thread_join(&identity->worker);

    s3_remote_done(&identity->remote);
    s3_credentials_free(identity->current);
    error_free(identity->failure);
    error_free(identity->fatal);
    for (size_t i = 0; i < TEXTS; i++)
        wipe_text(identity->texts[i]);
    for (char **entry = identity->environment; entry && *entry; entry++)
        wipe_text(*entry);
    free(identity->environment);
    free(identity->ca_file);
    pthread_cond_destroy(&identity->changed);
    pthread_mutex_destroy(&identity->lock);
    free(identity);
}

MUST_USE static bool copy_environment(S3Identity *identity, const char *const *environment)
{
    size_t count = 0;
    while (environment && environment[count])
        count++;
    identity->environment = calloc(count + 1, sizeof(*identity->environment));
    for (size_t i = 0; identity->environment && i < count; i++) {
        identity->environment[i] = strdup(environment[i]);
        if (!identity->environment[i])
            return false;
    }
    identity->options.environment = (const char *const *)identity->environment;
    return identity->environment != NULL;
}

MUST_USE static bool copy_options(S3Identity *identity, const StoreOptions *options)
{
    StoreOptions *own = &identity->options;
    const struct {
        Str from;
        Str *to;
    } texts[TEXTS] = {
        {options->access_key_id, &own->access_key_id},
        {options->secret_access_key, &own->secret_access_key},
        {options->session_token, &own->session_token},
        {options->profile, &own->profile},
        {options->region, &own->region},
    };
    for (size_t i = 0; i < TEXTS; i++) {
        identity->texts[i] = strndup(texts[i].from.len > 0 ? texts[i].from.data : "", texts[i].from.len);
        if (!identity->texts[i])
            return false;
        *texts[i].to = str_of(identity->texts[i]);
    }
    return copy_environment(identity, options->environment);
}

Error *s3_identity_new(const StoreOptions *options, Str ca_file, S3Identity **ret_identity)
{
    S3Identity *identity = calloc(1, sizeof(*identity));
    if (!identity)
        return FAIL(NO_MEMORY, "look for credentials: out of memory");
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&identity->lock, NULL);
    pthread_cond_init(&identity->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    identity->clock = options->clock ? options->clock : clock_system();
    identity->log = options->log;
    identity->ca_file = ca_file.len > 0 ? strndup(ca_file.data, ca_file.len) : NULL;
    identity->remote = (S3Remote){
        .ca_file = identity->ca_file,
        .skip_tls_verify = options->skip_tls_verify,
        .clock = identity->clock,
        .log = options->log,
    };
    if (!copy_options(identity, options) || (ca_file.len > 0 && !identity->ca_file)) {
        s3_identity_free(identity);
        return FAIL(NO_MEMORY, "look for credentials: out of memory");
    }
    *ret_identity = identity;
    return NULL;
}

/* ---- asking the sources ---- */

/* When its windows begin. A short life has short windows, else keys of 15 minutes would be renewed from the first on. */
static void set_windows_locked(S3Identity *identity, int64_t now_us)
{
    const S3Credentials *set = identity->current;
    identity->advisory_us = identity->mandatory_us = INT64_MAX;
    if (!set->renewable || set->expires_us == S3_NEVER_EXPIRES)
        return;
    int64_t life_us = MAX(set->expires_us - now_us, 0);
    if (set->lenient && life_us < MANDATORY_US) {
        Random random;
        random_init_system(&random);
        uint64_t extra_us = random_below(&random, (uint64_t)((LENIENT_MOST_MIN - LENIENT_LEAST_MIN) * MINUTE_US));
        identity->advisory_us = now_us + LENIENT_US + LENIENT_LEAST_MIN * MINUTE_US + (int64_t)extra_us;
        log_warning(identity->log,
                    "%s gives keys that have expired or soon will: they are used on, and new ones asked for later",
                    set->source);
        return;
    }
    identity->advisory_us = set->expires_us - MIN(ADVISORY_US, life_us / ADVISORY_SHARE);
    identity->mandatory_us = set->expires_us - MIN(MANDATORY_US, life_us / MANDATORY_SHARE);
}

static void tell_found(const S3Identity *identity, const S3Credentials *set, int64_t now_us)
{
    char text[TIME_TEXT_BYTES];
    if (set->expires_us == S3_NEVER_EXPIRES || set->expires_us < now_us)
        log_debug(identity->log, "S3 credentials from %s", set->source);
    else {
        Str left = time_duration(set->expires_us - now_us, text);
        log_debug(identity->log, "S3 credentials from %s, good for another " STR_FMT, set->source, STR_ARG(left));
    }
}

MUST_USE static Error *check_life(const S3Credentials *set, int64_t now_us)
{
    char text[TIME_TEXT_BYTES];
    if (!set->renewable || set->lenient || set->expires_us > now_us)
        return NULL;
    Str time = time_iso8601(set->expires_us, text);
    return FAIL(DENIED, "%s gave keys that expired at " STR_FMT ": renew them, and check this machine's clock",
                set->source, STR_ARG(time));
}

/* A failure: of a set that was refused for good, else of this time. */
static void keep_failure_locked(S3Identity *identity, Error *take_error, bool forced)
{
    int64_t now_us = clock_monotonic_us(identity->clock), wall_us = clock_wall_us(identity->clock);
    int64_t window_us = identity->mandatory_us - identity->advisory_us;
    bool waiting = identity->current && !forced && wall_us < identity->mandatory_us;

    error_free(identity->failure);
    identity->failure = take_error;
    identity->failures++;
    identity->retry_at_us = now_us + FAILED_US;
    if (forced) {
        error_free(identity->fatal);
        identity->fatal = error_wrap(error_copy(take_error),
                                     "the server refused the S3 credentials from %s as expired, and new ones "
                                     "could not be had",
                                     identity->current->source);
        identity->fatal_until_us = now_us + FATAL_US;
    } else if (waiting) {
        identity->retry_at_us = now_us + MIN(RETRY_US, window_us / 4);
        atomic_store(&identity->quiet_until_us, MIN(wall_us + MIN(RETRY_US, window_us / 4), identity->mandatory_us));
        log_warning(identity->log, "S3 credentials could not be renewed yet, and will be tried again: %s",
                    error_message_view(take_error));
    }
}

static Error *same_again(const S3Credentials *set)
{
    return FAIL(DENIED, "%s gave the same keys again: renew them", set->source);
}

/* The set was refused while others were asked for already: no need to ask once more, if they are others. */
static bool settles_refusal_locked(S3Identity *identity, const S3Credentials *found)
{
    if (!atomic_load(&identity->renewing) || s3_credentials_equal(found, identity->current))
        return false;
    identity->wanted = false;
    atomic_store(&identity->renewing, false);
    return true;
}

/* Asks, without the lock. Who calls it has seen `busy` unset. */
static void search_locked(S3Identity *identity, const Cancel *cancel, bool forced)
{
    S3Credentials *found = NULL;
    identity->busy = true;
    pthread_mutex_unlock(&identity->lock);
    atomic_fetch_add(&identity->searches, 1);
    fiber_hold(); /* the others wait for `changed` meanwhile, which stops their thread */
    Error *err = s3_chain_find(&identity->options, &identity->remote, cancel, &found);
    fiber_release();
    int64_t now_us = clock_wall_us(identity->clock);
    if (!err)
        err = check_life(found, now_us);
    pthread_mutex_lock(&identity->lock);

    if (!err && forced && s3_credentials_equal(found, identity->current))
        err = same_again(found);
    if (err) {
        if (error_code(err) == ERR_CANCELLED && !forced)
            error_free(err); /* the next who waits asks */
        else
            keep_failure_locked(identity, err, forced);
        s3_credentials_free(found);
    } else {
        tell_found(identity, found, now_us);
        found->forced = forced || settles_refusal_locked(identity, found);
        s3_credentials_free(identity->current);
        identity->current = found;
        error_free(identity->failure);
        identity->failure = NULL;
        set_windows_locked(identity, now_us);
        atomic_store(&identity->quiet_until_us, identity->advisory_us);
    }
    identity->busy = false;
    if (forced)
        atomic_store(&identity->renewing, false);
    pthread_cond_broadcast(&identity->changed);
}

static void work(void *context)
{
    S3Identity *identity = context;
    pthread_mutex_lock(&identity->lock);
    while (!identity->stopping) {
        if (identity->wanted && !identity->busy) {
            identity->wanted = false;
            search_locked(identity, &identity->stop, atomic_load(&identity->renewing));
        } else {
            pthread_cond_wait(&identity->changed, &identity->lock);
        }
    }
    pthread_mutex_unlock(&identity->lock);
}

/* False when there is no thread to be had. */
static bool want_search_locked(S3Identity *identity)
{
    identity->wanted = true;
    pthread_cond_broadcast(&identity->changed);
    if (identity->worker.running)
        return true;
    Error *err = thread_start(&identity->worker, "credentials", work, identity);
    if (!err)
        return true;
    identity->wanted = false;
    log_warning(identity->log, "S3 credentials are not renewed ahead of time: %s", error_message_view(err));
    error_free(err);
    return false;
}

/* ---- for those who send ---- */

static bool fatal_locked(S3Identity *identity, Error **ret_error)
{
    if (!identity->fatal)
        return false;
    if (clock_monotonic_us(identity->clock) < identity->fatal_until_us) {
        *ret_error = error_copy(identity->fatal);
        return true;
    }
    error_free(identity->fatal); /* somebody may have signed in again since */
    identity->fatal = NULL;
    s3_credentials_free(identity->current);
    identity->current = NULL;
    return false;
}

static void wait_locked(S3Identity *identity)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)CANCEL_POLL_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&identity->changed, &identity->lock, &until);
}

/* The first window: the worker asks, once for each quiet time. */
static void refresh_ahead_locked(S3Identity *identity, int64_t now_us)
{
    if (now_us < identity->advisory_us || identity->busy || identity->wanted
        || clock_monotonic_us(identity->clock) < identity->retry_at_us)
        return;
    if (!want_search_locked(identity))
        identity->retry_at_us = clock_monotonic_us(identity->clock) + FAILED_US;
}

static bool must_wait_locked(const S3Identity *identity, int64_t now_us)
{
    return !identity->current || now_us >= identity->mandatory_us || atomic_load(&identity->renewing);
}

MUST_USE static Error *ready_locked(S3Identity *identity, const Cancel *cancel)
{
    unsigned failures = identity->failures;
    for (;;) {
        Error *err = NULL;
        int64_t now_us = clock_wall_us(identity->clock);
        TRY(cancel_check(cancel));
        if (fatal_locked(identity, &err))
            return err;
        if (!must_wait_locked(identity, now_us)) {
            refresh_ahead_locked(identity, now_us);
            return NULL;
        }
        bool told = identity->failures != failures || clock_monotonic_us(identity->clock) < identity->retry_at_us;
        if (identity->failure && told && !identity->busy)
            return error_copy(identity->failure);
        if (identity->busy || atomic_load(&identity->renewing))
            wait_locked(identity);
        else
            search_locked(identity, cancel, false);
    }
}

Error *s3_identity_ready(S3Identity *identity, const Cancel *cancel)
{
    if (LIKELY(clock_wall_us(identity->clock) < atomic_load_explicit(&identity->quiet_until_us, memory_order_acquire)))
        return NULL;
    pthread_mutex_lock(&identity->lock);
    Error *err = ready_locked(identity, cancel);
    pthread_mutex_unlock(&identity->lock);
    return err;
}

Error *s3_identity_get(S3Identity *identity, S3Credentials **ret_credentials)
{
    Error *err = NULL;
    pthread_mutex_lock(&identity->lock);
    if (identity->fatal)
        err = error_copy(identity->fatal);
    else if (!identity->current)
        err = FAIL(STATE, "there are no S3 credentials yet");
    else
        *ret_credentials = s3_credentials_ref(identity->current);
    pthread_mutex_unlock(&identity->lock);
    return err;
}

/* ---- refusals ---- */

static void give_up_locked(S3Identity *identity, const Error *cause)
{
    if (identity->fatal)
        return;
    const S3Credentials *set = identity->current;
    identity->fatal = error_wrap(error_copy(cause), "the S3 credentials from %s%s are refused", set->source,
                                 set->forced ? ", asked for anew," : "");
    identity->fatal_until_us = clock_monotonic_us(identity->clock) + FATAL_US;
    atomic_store(&identity->quiet_until_us, 0);
}

static bool refused_locked(S3Identity *identity, const S3Credentials *refused, const Error *cause)
{
    if (identity->fatal)
        return false;
    if (identity->current != refused || atomic_load(&identity->renewing))
        return identity->current != NULL; /* there are, or soon will be, others */
    bool in_vain = refused->forced && !atomic_load(&refused->proven);
    if (!refused->renewable || in_vain) {
        give_up_locked(identity, cause);
        return false;
    }
    log_info(identity->log, "the server refuses the S3 credentials from %s as expired: asking for new ones",
             refused->source);
    atomic_store(&identity->renewing, true);
    atomic_store(&identity->quiet_until_us, 0);
    if (want_search_locked(identity))
        return true;
    atomic_store(&identity->renewing, false);
    give_up_locked(identity, cause);
    return false;
}

bool s3_identity_refused(S3Identity *identity, S3Credentials *refused, const Error *cause)
{
    pthread_mutex_lock(&identity->lock);
    bool again = refused_locked(identity, refused, cause);
    pthread_mutex_unlock(&identity->lock);
    return again;
}

bool s3_identity_is_renewing(const S3Identity *identity)
{
    return atomic_load_explicit(&identity->renewing, memory_order_acquire);
}

unsigned s3_identity_searches(const S3Identity *identity)
{
    return atomic_load(&identity->searches);
}
