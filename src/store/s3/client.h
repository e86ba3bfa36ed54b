/* client.h - what all requests of one S3 store share: where they go, who they speak as, what time the server has.
 *
 * Several threads use it at once: those that call the store and the network threads that prepare and judge requests. */
#ifndef STORE_S3_CLIENT_H
#define STORE_S3_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/thread.h"
#include "http/http.h"
#include "store/s3/common.h"
#include "store/s3/config.h"
#include "store/s3/identity.h"
#include "store/s3/quirks.h"
#include "store/s3/route.h"
#include "store/s3/sigv4.h"

enum { S3_ROUTES_MAX = 8 };

typedef enum S3Discovery { S3_DISCOVERY_NONE, S3_DISCOVERY_RUNS, S3_DISCOVERY_DONE } S3Discovery;

typedef struct S3Client {
    /* fixed before the first request */
    HttpClient *http;
    bool owns_http;
    S3Identity *identity; /* NULL: requests are not signed */
    bool owns_identity;
    S3Regions *regions; /* NULL: there is no other store to tell */
    const Clock *clock;
    Log *log;
    S3Config config; /* texts live in the arena */
    S3Endpoint endpoint;
    StoreAddressing addressing;
    unsigned attempts_max;
    Str bucket;
    Str prefix; /* as the URL has it, in front of every key */
    S3Common common;
    Cancel closing; /* of a discovery that nobody waits for any more */

    S3Quirks quirks;
    atomic_uint_fast64_t stray_uploads; /* unfinished ones that could not be aborted */

    _Atomic int64_t clock_offset_us; /* the server's clock minus ours */
    atomic_uint_fast64_t requests, retries, bytes_in, bytes_out;
    _Atomic S3Discovery discovery; /* of the bucket's region */
    _Atomic int64_t retry_told_us; /* when a person was last told of one; monotonic, 0: never */

    pthread_mutex_t lock;
    Arena *arena; /* under lock once requests run, as the rest; routes stay until the end */
    S3Route routes[S3_ROUTES_MAX];
    size_t route_count;
    const S3Route *route; /* the one to use */
    unsigned lessons;     /* of `regions`, looked at */
    bool region_told;     /* by the credentials' source; done once */
    SigningKey key;
    const S3Route *key_route; /* whose region the key is for; NULL: there is no key */
    S3Credentials *key_owner; /* whose secret it is made from */
    char key_date[SIGV4_DATE_BYTES];
    Thread discoverer; /* started when a server hides where the bucket is */
} S3Client;

/* Looks for no credentials yet. On failure nothing is left to release. Errors: as s3_config_load and http_client_new. */
MUST_USE Error *s3_client_init(S3Client *client, Str bucket, Str prefix, const StoreOptions *options);
void s3_client_done(S3Client *client);

/* Returns when there are credentials to send with. Not on network threads. Errors: as s3_identity_ready. */
MUST_USE Error *s3_client_ready(S3Client *client, const Cancel *cancel);

/* How one attempt is to be sent. */
typedef struct S3Ticket {
    const S3Route *route;
    S3Credentials *credentials; /* a reference, the caller's; NULL: not signed */
    SigningKey key;             /* when it is to be signed; time and key belong together */
    char time[SIGV4_TIME_BYTES];
} S3Ticket;
/* Never waits. Errors: as s3_identity_get. */
MUST_USE Error *s3_client_ticket(S3Client *client, S3Ticket *ret_ticket);

/* A request that went by `used` was told that the bucket is in `region`. True: ask again, by another route. */
bool s3_client_change_region(S3Client *client, const S3Route *used, Str region);
/* It was told only that it is elsewhere: a thread asks where. True: ask again, once s3_client_is_held says no. Never waits. */
bool s3_client_discover_region(S3Client *client, const S3Route *used);

/* True while requests had better not be sent: credentials are being replaced, the region is being found. Never waits. */
bool s3_client_is_held(const S3Client *client);

/* TLS to AWS: bodies go with a checksum and without their SHA-256. */
bool s3_client_unsigned_payload(const S3Client *client);

/* An answer says what time it is there. True when our idea of it was wrong and is now corrected. */
bool s3_client_hear_date(S3Client *client, int64_t date_us);

#endif
