#include "store/s3/client.h"

#include <stdlib.h>

#include "base/time_text.h"
#include "store/s3/region.h"
#include "store/s3/regions.h"

#define ARENA_LIMIT_BYTES (4 * MIB)
#define REGION_ARENA_BYTES (64 * KIB)
/* AWS refuses from 15 minutes on; below this a difference is left alone. */
#define CLOCK_TOLERANCE_US ((int64_t)4 * 60 * 1000000)

/* ---- setting up ---- */

MUST_USE static Error *make_http(const StoreOptions *options, const S3Config *config, HttpClient **ret_client)
{
    HttpOptions http = http_options_default();
    http.verify_tls = !options->skip_tls_verify;
    http.ca_file = config->ca_file.len > 0 ? config->ca_file.data : NULL;
    http.clock = options->clock ? options->clock : clock_system();
    http.log = options->log;
    if (options->connections_max > 0)
        http.connections_max = options->connections_max;
    else if (config->concurrent_requests_max > 0)
        http.connections_max = config->concurrent_requests_max;
    if (config->attempts_max > 0)
        http.retry.attempts_max = config->attempts_max;
    uint64_t bandwidth = options->bandwidth_max > 0 ? options->bandwidth_max : config->bandwidth_max_bytes_s;
    http.bytes_per_second = (double)bandwidth;
    http.requests_per_second = options->request_rate;
    http.hedge = options->hedge;
    store_warn_of_tls(options);
    return http_client_new(&http, ret_client);
}

void store_warn_of_tls(const StoreOptions *options)
{
    if (options->skip_tls_verify)
        log_warning(options->log,
                    "TLS certificates are not verified: whoever is on the way can read and change everything");
}

Error *store_http_new(const StoreOptions *options, HttpClient **ret_client)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_LIMIT_BYTES);
    S3Config config;
    if (!arena)
        return FAIL(NO_MEMORY, "make an HTTP client: out of memory");
    TRY(s3_config_load(options, arena, &config));
    return make_http(options, &config, ret_client);
}

Error *store_identity_new(const StoreOptions *options, S3Identity **ret_identity)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_LIMIT_BYTES);
    S3Config config;
    if (!arena)
        return FAIL(NO_MEMORY, "look for credentials: out of memory");
    TRY(s3_config_load(options, arena, &config));
    return s3_identity_new(options, config.ca_file, ret_identity);
}

MUST_USE static Error *keep_names(S3Client *client, Str bucket, Str prefix)
{
    client->bucket = arena_str(client->arena, bucket);
    client->prefix = arena_str(client->arena, prefix);
    return client->bucket.data && client->prefix.data ? NULL : arena_error(client->arena);
}

MUST_USE static Error *find_route(S3Client *client)
{
    const S3Config *config = &client->config;
    if (config->endpoint_url.len > 0)
        TRY(s3_endpoint_parse(config->endpoint_url, client->arena, &client->endpoint));
    client->endpoint.dualstack = config->dualstack;
    client->endpoint.fips = config->fips;
    client->endpoint.accelerate = config->accelerate;
    client->addressing = config->addressing;
    TRY(s3_route_make(&client->endpoint, client->addressing, client->bucket, config->region, client->arena,
                      &client->routes[0]));
    client->route_count = 1;
    client->route = &client->routes[0];
    return NULL;
}

MUST_USE static Error *set_up(S3Client *client, Str bucket, Str prefix, const StoreOptions *options)
{
    TRY(s3_config_load(options, client->arena, &client->config));
    TRY(keep_names(client, bucket, prefix));
    TRY(find_route(client));
    TRY(s3_quirks_init(&client->quirks, options->provider, client->endpoint.host, client->log));
    TRY(s3_common_init(&client->common, options, client->arena));
    if (client->common.customer.set && client->endpoint.host.len > 0 && !client->endpoint.tls)
        log_warning(client->log,
                    "the customer key of encryption goes over plain HTTP: whoever is on the way can read it");
    client->attempts_max = client->config.attempts_max;
    client->http = options->http;
    if (!client->http) {
        TRY(make_http(options, &client->config, &client->http));
        client->owns_http = true;
    }
    if (options->anonymous)
        return NULL;
    client->identity = options->identity;
    if (!client->identity) {
        TRY(s3_identity_new(options, client->config.ca_file, &client->identity));
        client->owns_identity = true;
    }
    return NULL;
}

Error *s3_client_init(S3Client *client, Str bucket, Str prefix, const StoreOptions *options)
{
    memset(client, 0, sizeof(*client));
    pthread_mutex_init(&client->lock, NULL);
    client->clock = options->clock ? options->clock : clock_system();
    client->log = options->log;
    client->regions = options->regions;
    client->arena = arena_new(ARENA_LIMIT_BYTES);
    Error *err = client->arena ? set_up(client, bucket, prefix, options)
                               : FAIL(NO_MEMORY, "open 's3://" STR_FMT "': out of memory", STR_ARG(bucket));
    if (err)
        s3_client_done(client);
    return err;
}

void s3_client_done(S3Client *client)
{
    cancel_raise(&client->closing, CANCEL_STOP);
    thread_join(&client->discoverer);
    if (client->owns_http)
        http_client_free(client->http);
    if (client->owns_identity)
        s3_identity_free(client->identity);
    s3_credentials_free(client->key_owner);
    s3_common_done(&client->common);
    explicit_bzero(&client->key, sizeof(client->key));
    arena_free(client->arena);
    pthread_mutex_destroy(&client->lock);
}

/* ---- where, who, when ---- */

static const S3Route *find_route_locked(S3Client *client, Str region)
{
    for (size_t i = 0; i < client->route_count; i++) {
        if (str_equal(client->routes[i].region, region))
            return &client->routes[i];
    }
    if (client->route_count == S3_ROUTES_MAX)
        return NULL;
    S3Route *route = &client->routes[client->route_count];
    Error *err = s3_route_make(&client->endpoint, client->addressing, client->bucket, region, client->arena, route);
    if (err) {
        error_free(err); /* a region that cannot be: the server's own words are the better message */
        return NULL;
    }
    client->route_count++;
    return route;
}

/* A machine knows where it is: better than the default, when nobody said anything. */
static void take_region_locked(S3Client *client, const S3Credentials *credentials)
{
    bool wanted = !client->region_told && credentials->region && !client->config.region_chosen
                  && client->config.endpoint_url.len == 0 && client->route == &client->routes[0];
    client->region_told = true;
    const S3Route *route = wanted ? find_route_locked(client, str_of(credentials->region)) : NULL;
    if (route)
        client->route = route;
}

/* Another store may have been told where the bucket is. */
static void hear_of_region_locked(S3Client *client)
{
    char region[S3_REGION_MAX_BYTES + 1];
    unsigned lessons = client->regions ? s3_regions_lessons(client->regions) : 0;
    if (LIKELY(lessons == client->lessons))
        return;
    client->lessons = lessons;
    bool found = s3_regions_find(client->regions, client->config.endpoint_url, client->bucket, region);
    const S3Route *route = found ? find_route_locked(client, str_of(region)) : NULL;
    if (route)
        client->route = route;
}

Error *s3_client_ready(S3Client *client, const Cancel *cancel)
{
    return client->identity ? s3_identity_ready(client->identity, cancel) : NULL;
}

/* The key is kept until day, region or keys change. */
MUST_USE static Error *renew_key_locked(S3Client *client, S3Credentials *credentials, const char *time)
{
    if (client->key_route == client->route && client->key_owner == credentials
        && memcmp(client->key_date, time, SIGV4_DATE_BYTES) == 0)
        return NULL;
    client->key_route = NULL;
    TRY(signing_key_init(&client->key, str_of(credentials->secret_access_key), str_from(time, SIGV4_DATE_BYTES),
                         client->route->region, STR("s3")));
    memcpy(client->key_date, time, SIGV4_DATE_BYTES);
    if (client->key_owner != credentials) {
        s3_credentials_free(client->key_owner);
        client->key_owner = s3_credentials_ref(credentials);
    }
    client->key_route = client->route;
    return NULL;
}

Error *s3_client_ticket(S3Client *client, S3Ticket *ret_ticket)
{
    CLEANUP(s3_credentials_freep) S3Credentials *credentials = NULL;
    char time[TIME_TEXT_BYTES];
    Error *err = NULL;

    if (client->identity)
        TRY(s3_identity_get(client->identity, &credentials));
    (void)time_basic(clock_wall_us(client->clock) + atomic_load(&client->clock_offset_us), time);
    memcpy(ret_ticket->time, time, SIGV4_TIME_BYTES);
    pthread_mutex_lock(&client->lock);
    hear_of_region_locked(client);
    if (credentials) {
        take_region_locked(client, credentials);
        err = renew_key_locked(client, credentials, time);
        ret_ticket->key = client->key;
    }
    ret_ticket->route = client->route;
    pthread_mutex_unlock(&client->lock);
    if (!err) {
        ret_ticket->credentials = credentials;
        credentials = NULL;
    }
    return err;
}

bool s3_client_unsigned_payload(const S3Client *client)
{
    return client->routes[0].unsigned_payload;
}

/* ---- the region ---- */

bool s3_client_change_region(S3Client *client, const S3Route *used, Str region)
{
    if (str_equal(region, used->region) || !s3_region_is_valid(region))
        return false;
    pthread_mutex_lock(&client->lock);
    const S3Route *route = find_route_locked(client, region);
    if (route)
        client->route = route;
    pthread_mutex_unlock(&client->lock);
    if (route && client->regions)
        s3_regions_learn(client->regions, client->config.endpoint_url, client->bucket, region);
    if (route)
        log_info(client->log, "the bucket '" STR_FMT "' is in the region " STR_FMT ", not " STR_FMT,
                 STR_ARG(client->bucket), STR_ARG(region), STR_ARG(used->region));
    return route != NULL;
}

static void discover(void *context)
{
    S3Client *client = context;
    CLEANUP(arena_freep) Arena *arena = arena_new(REGION_ARENA_BYTES);
    Str region;
    Error *err = arena ? s3_region_find(client, &client->routes[0], &client->closing, arena, &region)
                       : FAIL(NO_MEMORY, "out of memory");
    if (err)
        log_info(client->log, "find the region of the bucket '" STR_FMT "': %s", STR_ARG(client->bucket),
                 error_message_view(err));
    else
        (void)s3_client_change_region(client, &client->routes[0], region);
    error_free(err); /* the requests that wait tell what the server said to them */
    atomic_store(&client->discovery, S3_DISCOVERY_DONE);
}

bool s3_client_discover_region(S3Client *client, const S3Route *used)
{
    pthread_mutex_lock(&client->lock);
    S3Discovery state = atomic_load(&client->discovery);
    if (state == S3_DISCOVERY_NONE) {
        atomic_store(&client->discovery, S3_DISCOVERY_RUNS);
        Error *err = thread_start(&client->discoverer, "region", discover, client);
        state = err ? S3_DISCOVERY_DONE : S3_DISCOVERY_RUNS;
        if (err)
            atomic_store(&client->discovery, state);
        error_free(err); /* then the server's own words have to do */
    }
    bool again = state == S3_DISCOVERY_RUNS || client->route != used;
    pthread_mutex_unlock(&client->lock);
    return again;
}

bool s3_client_is_held(const S3Client *client)
{
    return atomic_load_explicit(&client->discovery, memory_order_acquire) == S3_DISCOVERY_RUNS
           || (client->identity && s3_identity_is_renewing(client->identity));
}

/* ---- the time ---- */

bool s3_client_hear_date(S3Client *client, int64_t date_us)
{
    int64_t offset_us = date_us - clock_wall_us(client->clock);
    int64_t error_us = offset_us - atomic_load(&client->clock_offset_us);
    if (error_us > -CLOCK_TOLERANCE_US && error_us < CLOCK_TOLERANCE_US)
        return false;
    atomic_store(&client->clock_offset_us, offset_us);
    char text[TIME_TEXT_BYTES];
    Str difference = time_duration(offset_us < 0 ? -offset_us : offset_us, text);
    log_warning(client->log,
                "this machine's clock is " STR_FMT " %s the server's; requests are signed with the server's time",
                STR_ARG(difference), offset_us < 0 ? "ahead of" : "behind");
    return true;
}
