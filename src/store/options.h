/* options.h - what a store may be told. A zeroed StoreOptions is valid: every zero is the safe or usual choice.
 *
 * Order of settings, the first that says something wins: this struct, `environment`, the profile in the shared AWS files,
 * the default (spec/s3.md 2.1). All strings are copied by store_open; pointers are borrowed for the store's life. */
#ifndef STORE_OPTIONS_H
#define STORE_OPTIONS_H

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

typedef struct HttpClient HttpClient; /* http/http.h */
typedef struct S3Identity S3Identity; /* store/s3/identity.h */
typedef struct S3Regions S3Regions;   /* store/s3/regions.h */

typedef enum StoreAddressing { STORE_ADDRESSING_AUTO, STORE_ADDRESSING_PATH, STORE_ADDRESSING_VIRTUAL } StoreAddressing;

/* What a put to a directory waits for before it returns. */
typedef enum StoreSync {
    STORE_SYNC_EACH, /* the file's data and its directory are on the disk */
    STORE_SYNC_NONE, /* the system writes them when it likes; still whole or not there for every reader */
} StoreSync;

struct StoreOptions {
    /* S3: who asks. The first two belong together; `session_token` goes with temporary ones. */
    Str access_key_id, secret_access_key, session_token;
    Str profile;          /* "": AWS_PROFILE, else "default" */
    bool anonymous;       /* send unsigned requests; look for no credentials */
    S3Identity *identity; /* shared by stores with the same settings above; NULL: the store looks for itself */

    /* S3: whom. */
    Str endpoint_url;           /* "http[s]://host[:port][/path]"; "": AWS_ENDPOINT_URL_S3 and so on, else AWS */
    Str endpoint_default;       /* where neither endpoint_url nor environment nor profile name one; "": AWS */
    Str region;                 /* "": AWS_REGION and so on, else us-east-1; corrected by the server's answer */
    S3Regions *regions;         /* what stores were told of where buckets are, shared; NULL: each is told for itself */
    StoreAddressing addressing; /* AUTO: virtual-host style on AWS where the name allows it, path style elsewhere */

    /* S3: what goes with the requests. */
    Str provider;              /* "minio", "r2", ...: whose ways to expect, see s3/quirks.c; "": found out */
    Str storage_class;         /* of objects that are written and have none of their own; "": STANDARD */
    Str encryption;            /* the same: "AES256", "aws:kms", "aws:kms:dsse"; "": what the bucket says */
    Str encryption_key_id;     /* with aws:kms */
    Str encryption_context;    /* with aws:kms: a JSON object, or base64 of one */
    bool bucket_key;           /* with aws:kms: encryption by bucket key */
    Str customer_key;          /* SSE-C: base64 of 32 bytes, for reading and writing; a secret */
    Str customer_key_source;   /* the same of the objects that are copied from; "": customer_key */
    Str checksum_algorithm;    /* "CRC64NVME", "CRC32", "CRC32C", "SHA256": goes with all that is written, whatever
                                  the server; "": CRC64NVME where the server is known to understand it */
    bool requester_pays;       /* who asks pays */
    Str expected_bucket_owner; /* account id; another owner's bucket is refused */

    /* HTTP, for a client the store makes itself; ignored with `http`. */
    bool skip_tls_verify;     /* accept any certificate */
    Str ca_file;              /* "": AWS_CA_BUNDLE, else the system's */
    unsigned connections_max; /* 0: the client's default */
    HttpClient *http;         /* shared; NULL: the store makes and owns one */
    unsigned attempts_max;    /* of a request, the first included; 0: AWS_MAX_ATTEMPTS, the profile, else 10 */
    unsigned request_rate;    /* requests a second; 0: as many as can be */
    uint64_t
        bandwidth_max; /* bytes of bodies a second, in and out; 0: max_bandwidth of the profile, else as many as can be */
    bool hedge;        /* slow reads of small objects are asked for twice, at most 2 % of the requests */

    /* Directories. */
    bool escape_names; /* keys that no path can hold become "%XX" names, and back in listings; see file_path.h */
    StoreSync sync;

    /* All. */
    const char *const *environment; /* "NAME=value" strings and a NULL, as environ; copied by store_open. NULL: empty */
    const Clock *clock;             /* NULL: the machine's */
    Log *log;                       /* NULL: silence */
};

/* An HTTP client for S3 stores, and who they speak as, found once for all that have these options: for StoreOptions.http and .identity of a run.
 * The second is freed with s3_identity_free. Errors: as store_open of an S3 URL. */
MUST_USE Error *store_http_new(const StoreOptions *options, HttpClient **ret_client);
/* Says to `options->log` that certificates are not looked at, when they are not; store_http_new says it too. */
void store_warn_of_tls(const StoreOptions *options);
MUST_USE Error *store_identity_new(const StoreOptions *options, S3Identity **ret_identity);

#endif
