#include <stdlib.h>

#include "api/internal.h"
#include "store/s3/identity.h"
#include "store/s3/regions.h"

extern char **environ;

/* ---- life ---- */

static void free_environment(char **environment)
{
    for (char **entry = environment; entry && *entry; entry++)
        free(*entry);
    free(environment);
}

/* A copy, so that a host that changes its environment does not change it under a run. */
static char **environment_snapshot(void)
{
    size_t count = 0;
    while (environ && environ[count])
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = strdup(environ[i]);
        if (!copy[i]) { /* half an environment would be other credentials */
            free_environment(copy);
            return NULL;
        }
    }
    return copy;
}

/* "" for what comes from a variable of AWS's own: the store reads those itself, where they have their place behind options, and some are
 * meant otherwise there (AWS_PROFILE gives way to keys in the environment, a profile that was named does not). */
static Str store_str(const Config *config, const char *name)
{
    return str_starts_with(config_source(config, name), STR("environment AWS_")) ? STR_EMPTY : config_str(config, name);
}

/* 0: nobody chose a number here; the store looks at the environment and the profile. */
static unsigned attempts_max(const Config *config)
{
    Str source = config_source(config, "retries");
    bool chosen = config_is_set(config, "retries") && !str_starts_with(source, STR("environment AWS_"));
    return chosen ? (unsigned)config_int(config, "retries") : 0;
}

/* The originals of impresso have keys, and a service, of their own. */
static void use_impresso_settings(const Config *config, StoreOptions *options)
{
    static const char service[] = "https://os.zhdk.cloud.switch.ch/";
    if (!config_knows(config, "se-access-key") || !config_has(config, "se-access-key"))
        return;
    options->endpoint_default = str_of(service);
    if (!config_has(config, "se-secret-key"))
        return;
    options->access_key_id = config_str(config, "se-access-key");
    options->secret_access_key = config_str(config, "se-secret-key");
    options->session_token = STR_EMPTY;
}

static StoreOptions store_options_of(const Config *config, const char *const *environment)
{
    static const StoreAddressing addressing[] = {STORE_ADDRESSING_AUTO, STORE_ADDRESSING_PATH,
                                                 STORE_ADDRESSING_VIRTUAL};
    StoreOptions options = {
        .access_key_id = config_str(config, "aws-access-key-id"),
        .secret_access_key = config_str(config, "aws-secret-access-key"),
        .session_token = config_str(config, "aws-session-token"),
        .profile = store_str(config, "profile"),
        .anonymous = config_bool(config, "anonymous"),
        .endpoint_url = store_str(config, "endpoint-url"),
        .region = store_str(config, "region"),
        .addressing = addressing[config_choice(config, "addressing")],
        .provider = config_str(config, "provider"),
        .storage_class = config_str(config, "storage-class"),
        .encryption = config_choice(config, "sse") > 0 ? config_str(config, "sse") : STR_EMPTY,
        .encryption_key_id = config_str(config, "sse-kms-key-id"),
        .encryption_context = config_str(config, "sse-kms-context"),
        .bucket_key = config_bool(config, "sse-bucket-key"),
        .customer_key = config_str(config, "sse-customer-key"),
        .checksum_algorithm =
            config_choice(config, "checksum-algorithm") > 0 ? config_str(config, "checksum-algorithm") : STR_EMPTY,
        .requester_pays = config_bool(config, "requester-pays"),
        .expected_bucket_owner = config_str(config, "expected-bucket-owner"),
        .skip_tls_verify = !config_bool(config, "verify-ssl"),
        .ca_file = store_str(config, "ca-bundle"),
        .attempts_max = attempts_max(config),
        .request_rate = (unsigned)config_int(config, "request-rate"),
        .bandwidth_max = config_size(config, "max-bandwidth"),
        .hedge = config_bool(config, "hedge"),
        .environment = environment,
        .clock = clock_system(),
    };
    use_impresso_settings(config, &options);
    return options;
}

static Error *client_init(QuernClient *client)
{
    client->process = getpid();
    client->references = 1;
    pthread_mutex_init(&client->lock, NULL);
    client->environment = environment_snapshot();
    if (!client->environment)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(options_resolve(client->options, COMMAND_CLIENT, &client->config));
    client->store_options = store_options_of(client->config, (const char *const *)client->environment);
    return NULL;
}

QuernError *quern_client_new(const QuernOptions *options, QuernClient **ret_client)
{
    if (options && !options->options)
        return FAIL(NO_MEMORY, "out of memory");
    CLEANUP(quern_client_freep) QuernClient *client = calloc(1, sizeof *client);
    if (!client)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = options ? options_copy(options->options, &client->options) : NULL;
    if (!options && !(client->options = options_new()))
        error = FAIL(NO_MEMORY, "out of memory");
    if (!error)
        error = client_init(client);
    else
        pthread_mutex_init(&client->lock, NULL);
    TRY(error);
    GIVE(ret_client, client);
    return NULL;
}

void quern_client_free(QuernClient *client)
{
    if (!client || (client->references && --client->references > 0))
        return;
    if (client->process
        == getpid()) { /* a forked child has none of the threads: what they hold is the parent's to free */
        document_parser_free(client->parser);
        tokenizer_file_close(client->tokenizer);
        kept_stores_free(client->kept);
        s3_identity_free(client->identity);
        s3_regions_free(client->regions);
        http_client_free(client->http);
        added_stores_free(client->added);
    }
    free_environment(client->environment);
    config_free(client->config);
    options_free(client->options);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

Error *process_check(pid_t process, const char *what)
{
    return process == getpid()
               ? NULL
               : FAIL(STATE, "this %s belongs to the process that forked this one: make a new one here", what);
}

Error *client_take(QuernClient *client, const QuernOptions *options, QuernClient **ret_client)
{
    if (!client)
        return quern_client_new(options, ret_client);
    TRY(process_check(client->process, "client"));
    client->references++;
    *ret_client = client;
    return NULL;
}

/* ---- places ---- */

/* The connections of all s3:// stores of a client, and who they speak as. */
static Error *share(QuernClient *client, StoreOptions *options)
{
    Error *error = NULL;
    StoreOptions own = client->store_options;
    own.log = client->log;
    pthread_mutex_lock(&client->lock);
    if (!client->http) {
        error = store_http_new(&own, &client->http);
        if (!own.log)
            store_warn_of_tls(options); /* this call has somebody who hears it */
    }
    if (!error && !client->identity && !own.anonymous)
        error = store_identity_new(&own, &client->identity);
    if (!error && !client->regions)
        error = s3_regions_new(&client->regions);
    options->http = client->http;
    options->identity = client->identity;
    options->regions = client->regions;
    pthread_mutex_unlock(&client->lock);
    return error;
}

static Error *open_remote(void *context, Str url, Store **ret_store)
{
    Call *call = context;
    if (!str_starts_with(url, STR("s3://")))
        return added_store_open(call->client, url, ret_store);
    StoreOptions options = call->store_options;
    TRY(share(call->client, &options));
    return store_open(url, &options, ret_store);
}

Error *client_list_buckets(const Call *call, const Cancel *cancel, StoreListFn *each, void *context)
{
    StoreOptions options = call->store_options;
    TRY(share(call->client, &options));
    return store_list_buckets(&options, cancel, each, context);
}

/* A fetch names the region also where its client does: it is in the fingerprint of the dataset. */
static bool belongs_to_client(const OptionDef *row, CommandId command)
{
    bool fingerprint = command == COMMAND_FETCH && strcmp(row->name, "region") == 0;
    return row->commands & COMMAND_BIT(command) && row->section && strcmp(row->section, "s3") == 0 && !fingerprint
           && option_find(COMMAND_CLIENT, str_of(row->name));
}

Error *client_refuse_options(const Config *config)
{
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        const char *name = row->name;
        /* What was loaded, or stands on a command line, is one set of options for both. */
        if (belongs_to_client(row, config_command(config)) && str_equal(config_source(config, name), STR("option")))
            return FAIL(INVALID, "'%s' is an option of the client, which is shared: set it there (quern_client_new)",
                        name);
    }
    return NULL;
}

static Error *same_value(const Config *one, const Config *other, const char *name, bool *ret_same)
{
    CLEANUP(buffer_done) Buffer first = {0}, second = {0};
    bool has_first, has_second;
    *ret_same = false;
    if (!config_knows(other, name))
        return NULL;
    TRY(config_write_value(one, str_of(name), &first, &has_first));
    TRY(config_write_value(other, str_of(name), &second, &has_second));
    *ret_same = has_first == has_second && str_equal(buffer_str(&first), buffer_str(&second));
    return NULL;
}

Error *call_refuse_late_options(const Call *opened_by, const Config *config, const char *also)
{
    const OptionDef *row;
    for (size_t i = 0; (row = option_at(i)); i++) {
        const char *name = row->name;
        bool about_connection =
            belongs_to_client(row, config_command(config))
            || (also && row->commands & COMMAND_BIT(config_command(config)) && strcmp(name, also) == 0);
        bool same = false;
        if (!about_connection || !str_equal(config_source(config, name), STR("option")))
            continue;
        TRY(same_value(config, opened_by->config, name, &same));
        if (!same)
            TRY(same_value(config, opened_by->client->config, name, &same));
        if (!same)
            return FAIL(INVALID, "'%s' would have no effect here: it belongs to what was opened before, set it there",
                        name);
    }
    return NULL;
}

/* The control's own name for its first call, a new one for each after. */
static void name_run(Call *call, QuernControl *control)
{
    Random random;
    random_init_system(&random);
    if (control && !control->run_used)
        memcpy(call->run, control->run, sizeof call->run);
    else
        run_name(clock_system(), &random, call->run);
    if (!control)
        return;
    memcpy(control->run, call->run, sizeof control->run);
    control->run_used = true;
    control->progress_said_us = 0;
}

Error *call_begin(QuernClient *client, const QuernOptions *options, CommandId command, QuernControl *control,
                  Call *ret_call)
{
    if (options && !options->options)
        return FAIL(NO_MEMORY, "out of memory");
    Call call = {0};
    if (control)
        TRY(process_check(control->process, "control"));
    TRY(client_take(client, options, &call.client));
    if (!client) /* made for this call, which the control outlives */
        call.client->log = control ? control->log : NULL;
    Error *error = options_resolve(options ? options->options : call.client->options, command, &call.config);
    if (!error && client && options)
        error = client_refuse_options(call.config);
    if (error) {
        call_done(&call);
        return error;
    }
    /* A client of this call alone means what the command means: the older files of load count for its connections too. */
    if (!client && config_knows(call.config, "endpoint-url"))
        call.client->store_options = store_options_of(call.config, (const char *const *)call.client->environment);
    ret_call->store_options = call.client->store_options;
    ret_call->store_options.log = control ? control->log : NULL;
    if (config_knows(call.config, "escape-names"))
        ret_call->store_options.escape_names = config_bool(call.config, "escape-names");
    if (control)
        control->redact_keys = config_knows(call.config, "redact-keys") && config_bool(call.config, "redact-keys");
    bool within = control && control->config; /* a hook calls the library: what it does there has its own name */
    name_run(ret_call, within ? NULL : control);
    if (control && !within)
        control->config = call.config;
    ret_call->client = call.client;
    ret_call->config = call.config;
    ret_call->control = within ? NULL : control;
    ret_call->env = (JobEnv){
        .config = call.config,
        .store = &ret_call->store_options,
        .open_remote = open_remote,
        .open_context = ret_call,
        .environ = (const char *const *)call.client->environment,
        .clock = clock_system(),
        .log = control ? control->log : NULL,
        .cancel = control ? &control->cancel : NULL,
        .print = control && control->on_line ? control_pass_line : NULL,
        .print_context = control,
        .run = str_of(ret_call->run),
        .watch = control_watch(control),
    };
    return NULL;
}

void call_done(Call *call)
{
    if (call->control)
        call->control->config = NULL;
    config_free(call->config);
    quern_client_free(call->client);
    *call = (Call){0};
}

Error *client_split_url(const char *url, Str *ret_root, Str *ret_key)
{
    Str whole = str_of(url);
    size_t scheme = str_find(whole, STR("://"));
    size_t first = scheme == SIZE_MAX || str_starts_with(whole, STR("file:")) ? 0 : scheme + 3;
    Str path = str_slice(whole, first, whole.len);
    size_t slash = first ? str_find_char(path, '/') : str_rfind_char(path, '/');
    *ret_root = slash == SIZE_MAX ? (first ? whole : STR(".")) : str_slice(whole, 0, first + slash + !first);
    *ret_key = slash == SIZE_MAX ? (first ? STR_EMPTY : whole) : str_slice(path, slash + 1, path.len);
    if (ret_key->len == 0)
        return FAIL(INVALID, "'%s' names no object: a key or a file name is missing", url);
    return NULL;
}

Error *client_open_object(const JobEnv *env, const char *url, Store **ret_store, Str *ret_key)
{
    Str root;
    TRY(client_split_url(url, &root, ret_key));
    return place_open_root(env, root, ret_store);
}

/* ---- objects ---- */

/* Whatever numbers a caller has: nothing is asked for at no length, and no store counts beyond INT64_MAX. */
static Error *get_range(Store *store, const Cancel *cancel, Str key, uint64_t offset, uint64_t length, Buffer *body)
{
    if (offset > INT64_MAX)
        return FAIL(INVALID, "byte %llu lies behind the end of any object", (unsigned long long)offset);
    ByteRange range = {offset, length > INT64_MAX - offset ? UINT64_MAX : MAX(length, (uint64_t)1)};
    TRY(store_get(store, cancel, key, range, STR_EMPTY, body));
    if (length == 0) /* one byte shows that the object is there */
        buffer_clear(body);
    return NULL;
}

QuernError *quern_client_get(QuernClient *client, const char *url, uint64_t offset_bytes, uint64_t length_bytes,
                             QuernControl *control, void **ret_data, size_t *ret_bytes)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(object_place_done) ObjectPlace place = {0};
    CLEANUP(buffer_done) Buffer body = {0};
    TRY(call_begin(client, NULL, COMMAND_CLIENT, control, &call));
    TRY(client_find_object(&call, url, &place));
    TRY_CTX(get_range(place.store, call.env.cancel, place.key, offset_bytes, length_bytes, &body), "read '%s'", url);
    size_t len = body.len;
    TRY(text_from_buffer(&body, (char **)ret_data));
    if (ret_bytes)
        *ret_bytes = len;
    return NULL;
}

/* {"name": "value"} as Metadata in `arena`. */
static Error *metadata_from_json(const char *json, Arena *arena, Metadata *ret_metadata)
{
    CLEANUP(cleanup_json) json_t *object = NULL;
    const char *name;
    json_t *value;
    size_t count = 0;
    TRY_CTX(json_read(str_bytes(str_of(json)), &object), "metadata");
    if (!json_is_object(object))
        return FAIL(INVALID, "metadata must be a JSON object of texts");
    MetadataEntry *entries = ARENA_ARRAY(arena, MetadataEntry, json_object_size(object));
    if (!entries)
        return arena_error(arena);
    json_object_foreach(object, name, value)
    {
        if (!json_is_string(value))
            return FAIL(INVALID, "metadata '%s' must be a text", name);
        entries[count++] =
            (MetadataEntry){arena_str(arena, str_of(name)),
                            arena_str(arena, (Str){json_string_value(value), json_string_length(value)})};
    }
    *ret_metadata = (Metadata){entries, count};
    return NULL;
}

QuernError *quern_client_put(QuernClient *client, const char *url, QuernBytes body, const char *metadata_json,
                             QuernPutMode mode, QuernControl *control)
{
    CLEANUP(call_done) Call call = {0};
    CLEANUP(object_place_done) ObjectPlace place = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    PutOptions put = {.mode = mode == QUERN_PUT_IF_ABSENT ? PUT_IF_ABSENT : PUT_REPLACE};
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    if (mode != QUERN_PUT_REPLACE && mode != QUERN_PUT_IF_ABSENT)
        return FAIL(INVALID, "write '%s': %d is no QuernPutMode", url, (int)mode);
    TRY(call_begin(client, NULL, COMMAND_CLIENT, control, &call));
    if (metadata_json)
        TRY(metadata_from_json(metadata_json, arena, &put.metadata));
    TRY(client_find_object(&call, url, &place));
    TRY_CTX(store_put_bytes(place.store, call.env.cancel, place.key, bytes_from(body.data, body.size_bytes), &put),
            "write '%s'", url);
    return NULL;
}
