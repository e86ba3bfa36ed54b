#include "jobs/doctor/doctor.h"

#include <stdlib.h>

#include "base/random.h"
#include "base/time_text.h"
#include "jobs/ingest/parser.h"
#include "sandbox/selftest.h"
#include "sink/sink.h"

enum { CLOCK_SKEW_MAX_US = 240 * 1000000, LISTED_MAX = 1000 };

typedef struct Doctor {
    const JobEnv *env;
    DoctorCheckFn *each;
    void *context;
    Buffer detail;
} Doctor;

static void say(Doctor *doctor, const char *area, const char *name, bool passed)
{
    const char *detail = buffer_cstr(&doctor->detail);
    DoctorCheck check = {area, name, detail ? detail : "", passed};
    doctor->each(doctor->context, &check);
    buffer_clear(&doctor->detail);
}

/* A failed check tells why; the Error ends here. */
static bool say_error(Doctor *doctor, const char *area, const char *name, Error *take_error)
{
    if (!take_error)
        return false;
    buffer_clear(&doctor->detail);
    error_free(buffer_append_str(&doctor->detail,
                                 str_of(error_message_view(take_error)))); /* without memory: without detail */
    error_free(take_error);
    say(doctor, area, name, false);
    return true;
}

/* ---- a place ---- */

typedef struct FirstKeys {
    uint64_t count;
} FirstKeys;

static Error *count_key(void *context, const ObjectInfo *object)
{
    FirstKeys *keys = context;
    (void)object;
    return ++keys->count < LISTED_MAX ? NULL : FAIL(CHECK, "enough");
}

/* A place that cannot be listed is not written to: on a local disk that would make it. */
static Error *check_listing(Doctor *doctor, Place *place, bool *ret_listed)
{
    FirstKeys keys = {0};
    int64_t began_us = clock_monotonic_us(doctor->env->clock);
    Error *error = store_list(place->store, doctor->env->cancel, place->prefix, STR_EMPTY, count_key, &keys);
    if (error_code(error) == ERR_CHECK) {
        error_free(error); /* our own stop */
        error = NULL;
    }
    *ret_listed = !error;
    if (say_error(doctor, "store", "list", error))
        return NULL;
    char took[TIME_TEXT_BYTES];
    time_duration(clock_monotonic_us(doctor->env->clock) - began_us, took);
    TRY(buffer_append_format(&doctor->detail, "%llu%s keys below '%s' in %s", (unsigned long long)keys.count,
                             keys.count == LISTED_MAX ? " or more" : "", place->text, took));
    say(doctor, "store", "list", true);
    return NULL;
}

/* Creates an object once, and again, which must be refused; then compares its time with ours and removes it, which no cancel prevents. */
static Error *check_writing(Doctor *doctor, Place *place)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    CLEANUP(buffer_done) Buffer key = {0};
    PutOptions once = {.mode = PUT_IF_ABSENT, .headers.content_type = STR("text/plain")};
    Random random;
    char hex[17];
    ObjectInfo info;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    random_init_system(&random);
    random_hex(&random, hex, 16);
    TRY(buffer_append_format(&key, STR_FMT ".quern-doctor-%s", STR_ARG(str_slice(place->prefix, 0, place->key_base)),
                             hex));
    Str name = buffer_str(&key);
    if (say_error(doctor, "store", "write",
                  store_put_bytes(place->store, doctor->env->cancel, name, BYTES_EMPTY, &once))) {
        error_free(store_delete(place->store, NULL, name)); /* it may have arrived all the same */
        return NULL;
    }
    TRY(buffer_append_str(&doctor->detail, STR("an object was created")));
    say(doctor, "store", "write", true);

    Error *again = store_put_bytes(place->store, doctor->env->cancel, name, BYTES_EMPTY, &once);
    bool refused = error_code(again) == ERR_EXISTS;
    error_free(again);
    TRY(buffer_append_str(
        &doctor->detail,
        refused ? STR("creating it again was refused, as it must be")
                : STR("the server replaces what must only be created: two runs on one output are not told apart")));
    say(doctor, "store", "conditional write", refused);

    Error *error = store_head(place->store, doctor->env->cancel, name, arena, &info);
    if (!say_error(doctor, "store", "clock", error)) {
        int64_t skew_us = info.modified_us - clock_wall_us(doctor->env->clock);
        bool close = llabs(skew_us) < CLOCK_SKEW_MAX_US;
        TRY(buffer_append_format(&doctor->detail, "the server's clock is %lld s %s ours", llabs(skew_us) / 1000000,
                                 skew_us < 0 ? "behind" : "ahead of"));
        say(doctor, "store", "clock", close);
    }
    error = store_delete(place->store, NULL, name);
    if (!say_error(doctor, "store", "remove", error)) {
        TRY(buffer_append_str(&doctor->detail, STR("the object was removed")));
        say(doctor, "store", "remove", true);
    }
    return NULL;
}

static Error *check_place(Doctor *doctor)
{
    Place place = {0};
    if (!config_has(doctor->env->config, "s3"))
        return NULL;
    if (say_error(doctor, "store", "open", place_open(doctor->env, config_str(doctor->env->config, "s3"), &place)))
        return NULL;
    bool listed = false;
    Error *error = check_listing(doctor, &place, &listed);
    if (!error && listed)
        error = check_writing(doctor, &place);
    place_done(&place);
    return error;
}

/* ---- a database ---- */

static Error *check_database(Doctor *doctor)
{
    CLEANUP(sink_freep) Sink *sink = NULL;
    if (!config_has(doctor->env->config, "to"))
        return NULL;
    if (say_error(doctor, "database", "open",
                  sink_open(config_str(doctor->env->config, "to"), true, doctor->env->cancel, doctor->env->log, &sink)))
        return NULL;
    TRY(buffer_append_str(&doctor->detail, str_of(sink_version_view(sink))));
    say(doctor, "database", "open", true);
    return NULL;
}

/* ---- the sandbox ---- */

static void say_trial(void *context, const SandboxTrial *trial)
{
    Doctor *doctor = context;
    error_free(buffer_append_str(&doctor->detail, str_of(trial->how)));
    say(doctor, "sandbox", trial->action, trial->stopped);
}

static Error *check_sandbox(Doctor *doctor)
{
    CLEANUP(buffer_done) Buffer program = {0};
    SandboxSelfTest result = {0};
    if (!config_bool(doctor->env->config, "sandbox"))
        return NULL;
    if (say_error(doctor, "sandbox", "program", document_parser_program(doctor->env->config, &program)))
        return NULL;
    TRY(buffer_append_str(&doctor->detail, buffer_str(&program)));
    say(doctor, "sandbox", "program", true);
    SandboxOptions options = {
        .mode = SANDBOX_AUTO, .program = (const char *)program.data, .workers_max = 1}; /* no log: the trials say it */
    if (say_error(doctor, "sandbox", "start", sandbox_self_test(&options, say_trial, doctor, &result)))
        return NULL;
    TRY(buffer_append_str(&doctor->detail, str_of(result.layers)));
    say(doctor, "sandbox", "layers", result.tried == result.stopped);
    return NULL;
}

Error *doctor_run(const JobEnv *env, DoctorCheckFn *each, void *context)
{
    Doctor doctor = {env, each, context, {0}};
    Error *error = check_place(&doctor);
    if (!error)
        error = cancel_check(env->cancel);
    if (!error)
        error = check_database(&doctor);
    if (!error)
        error = cancel_check(env->cancel);
    if (!error)
        error = check_sandbox(&doctor);
    buffer_done(&doctor.detail);
    return error;
}
