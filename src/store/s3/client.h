/* client.h - what all requests of one S3 store share: where they go, who they speak as, what time the server has.
 *
 * Several threads use it at once: those that call the store and the network threads that prepare and judge requests. */
#ifndef STORE_S3_CLIENT_H
#define STORE_S3_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/http.h"
#include "store/s3/common.h"
#include "store/s3/config.h"
#include "store/s3/quirks.h"
#include "store/s3/route.h"
#include "store/s3/sigv4.h"

enum { S3_ROUTES_MAX = 8 };

typedef struct S3Client {
    /* fixed before the first request */
    HttpClient *http;
    bool owns_http;
    const Clock *clock;
    Log *log;
    S3Endpoint endpoint;
    StoreAddressing addressing;
    unsigned attempts_max;
    S3Credentials credentials;
    Str bucket;
    Str prefix; /* as the URL has it, in front of every key */
    S3Common common;

    S3Quirks quirks;
    atomic_uint_fast64_t stray_uploads; /* unfinished ones that could not be aborted */

    _Atomic int64_t clock_offset_us; /* the server's clock minus ours */
    atomic_uint_fast64_t requests, retries, bytes_in, bytes_out;

    pthread_mutex_t lock;
    Arena *arena; /* under lock once requests run, as the rest; routes stay until the end */
    S3Route routes[S3_ROUTES_MAX];
    size_t route_count;
    const S3Route *route; /* the one to use */
    SigningKey key;
    const S3Route *key_route; /* whose region the key is for */
    char key_date[SIGV4_DATE_BYTES];
} S3Client;

/* On failure nothing is left to release. Errors: as s3_config_load and http_client_new. */
MUST_USE Error *s3_client_init(S3Client *client, Str bucket, Str prefix, const StoreOptions *options);
void s3_client_done(S3Client *client);

/* How one attempt is to be sent. */
typedef struct S3Ticket {
    const S3Route *route;
    bool sign;
    SigningKey key; /* when it is to be signed; time and key belong together */
    char time[SIGV4_TIME_BYTES];
} S3Ticket;
MUST_USE Error *s3_client_ticket(S3Client *client, S3Ticket *ret_ticket);

/* A request that went by `used` was told that the bucket is in `region`. True: ask again, by another route. */
bool s3_client_change_region(S3Client *client, const S3Route *used, Str region);

/* An answer says what time it is there. True when our idea of it was wrong and is now corrected. */
bool s3_client_hear_date(S3Client *client, int64_t date_us);

#endif
