#include "store/s3/client.h"

#include <stdlib.h>

#include "base/time_text.h"

#define ARENA_LIMIT_BYTES (4 * MIB)
/* AWS refuses from 15 minutes on; below this a difference is left alone. */
#define CLOCK_TOLERANCE_US ((int64_t)4 * 60 * 1000000)

/* ---- setting up ---- */

MUST_USE static Error *own_http(S3Client *client, const StoreOptions *options, const S3Config *config)
{
    HttpOptions http = http_options_default();
    http.verify_tls = !options->skip_tls_verify;
    http.ca_file = config->ca_file.len > 0 ? config->ca_file.data : NULL;
    http.clock = client->clock;
    http.log = options->log;
    if (options->connections_max > 0)
        http.connections_max = options->connections_max;
    if (options->skip_tls_verify)
        log_warning(options->log,
                    "TLS certificates are not verified: whoever is on the way can read and change everything");
    TRY(http_client_new(&http, &client->http));
    client->owns_http = true;
    return NULL;
}

MUST_USE static Error *keep_names(S3Client *client, Str bucket, Str prefix)
{
    client->bucket = arena_str(client->arena, bucket);
    client->prefix = arena_str(client->arena, prefix);
    return client->bucket.data && client->prefix.data ? NULL : arena_error(client->arena);
}

MUST_USE static Error *set_up(S3Client *client, Str bucket, Str prefix, const StoreOptions *options, S3Config *config)
{
    TRY(s3_config_load(options, client->arena, config));
    TRY(keep_names(client, bucket, prefix));
    if (config->endpoint_url.len > 0)
        TRY(s3_endpoint_parse(config->endpoint_url, client->arena, &client->endpoint));
    TRY(s3_quirks_init(&client->quirks, options->provider, client->endpoint.host, client->log));
    TRY(s3_common_init(&client->common, options, client->arena));
    client->addressing = config->addressing;
    client->attempts_max = config->attempts_max;
    TRY(s3_route_make(&client->endpoint, client->addressing, client->bucket, config->region, client->arena,
                      &client->routes[0]));
    client->route_count = 1;
    client->route = &client->routes[0];
    client->http = options->http;
    if (!client->http)
        TRY(own_http(client, options, config));
    client->credentials = config->credentials;
    config->credentials = (S3Credentials){0};
    return NULL;
}

Error *s3_client_init(S3Client *client, Str bucket, Str prefix, const StoreOptions *options)
{
    CLEANUP(s3_config_done) S3Config config = {0};

    memset(client, 0, sizeof(*client));
    pthread_mutex_init(&client->lock, NULL);
    client->clock = options->clock ? options->clock : clock_system();
    client->log = options->log;
    client->arena = arena_new(ARENA_LIMIT_BYTES);
    Error *err = client->arena ? set_up(client, bucket, prefix, options, &config)
                               : FAIL(NO_MEMORY, "open 's3://" STR_FMT "': out of memory", STR_ARG(bucket));
    if (err)
        s3_client_done(client);
    return err;
}

void s3_client_done(S3Client *client)
{
    if (client->owns_http)
        http_client_free(client->http);
    s3_credentials_done(&client->credentials);
    s3_common_done(&client->common);
    explicit_bzero(&client->key, sizeof(client->key));
    arena_free(client->arena);
    pthread_mutex_destroy(&client->lock);
}

/* ---- where, who, when ---- */

MUST_USE static Error *renew_key_locked(S3Client *client, const char *time)
{
    if (client->key_route == client->route && memcmp(client->key_date, time, SIGV4_DATE_BYTES) == 0)
        return NULL;
    client->key_route = NULL;
    TRY(signing_key_init(&client->key, str_of(client->credentials.secret_access_key), str_from(time, SIGV4_DATE_BYTES),
                         client->route->region, STR("s3")));
    memcpy(client->key_date, time, SIGV4_DATE_BYTES);
    client->key_route = client->route;
    return NULL;
}

Error *s3_client_ticket(S3Client *client, S3Ticket *ret_ticket)
{
    char time[TIME_TEXT_BYTES];
    Error *err = NULL;

    (void)time_basic(clock_wall_us(client->clock) + atomic_load(&client->clock_offset_us), time);
    memcpy(ret_ticket->time, time, SIGV4_TIME_BYTES);
    ret_ticket->sign = client->credentials.access_key_id != NULL;
    pthread_mutex_lock(&client->lock);
    ret_ticket->route = client->route;
    if (ret_ticket->sign) {
        err = renew_key_locked(client, time);
        if (!err)
            ret_ticket->key = client->key;
    }
    pthread_mutex_unlock(&client->lock);
    return err;
}

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

bool s3_client_change_region(S3Client *client, const S3Route *used, Str region)
{
    if (str_equal(region, used->region) || !s3_region_is_valid(region))
        return false;
    pthread_mutex_lock(&client->lock);
    const S3Route *route = find_route_locked(client, region);
    if (route)
        client->route = route;
    pthread_mutex_unlock(&client->lock);
    if (route)
        log_info(client->log, "the bucket '" STR_FMT "' is in the region " STR_FMT ", not " STR_FMT,
                 STR_ARG(client->bucket), STR_ARG(region), STR_ARG(used->region));
    return route != NULL;
}

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
