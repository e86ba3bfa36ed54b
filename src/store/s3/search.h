/* search.h - one search for credentials: what every source may look at. */
#ifndef STORE_S3_SEARCH_H
#define STORE_S3_SEARCH_H

#include "base/json.h"
#include "store/s3/credentials.h"
#include "store/s3/profile.h"
#include "store/s3/remote.h"

typedef struct S3Search {
    const StoreOptions *options; /* with the environment */
    S3Profiles profiles;
    Str region; /* chosen by option, environment or profile; "": none */
    S3Remote *remote;
    const Cancel *cancel;
    const Clock *clock;
    Log *log;
    Arena *arena; /* of this search */
} S3Search;

/* ---- the sources; each with a result, or an Error that says which it was and what to do ---- */

typedef struct RoleRequest {
    Str arn, session_name, external_id, duration_seconds; /* all but the first may be "" */
    Str source;                                           /* "the role 'arn' (profile 'x')": for messages */
} RoleRequest;

/* AssumeRole, signed with `base`. */
MUST_USE Error *s3_role_assume(S3Search *search, const RoleRequest *role, const S3Credentials *base,
                               S3Credentials **ret_credentials);
/* AssumeRoleWithWebIdentity, with the token that stands in a file now. */
MUST_USE Error *s3_web_identity_assume(S3Search *search, const RoleRequest *role, Str token_file,
                                       S3Credentials **ret_credentials);
/* The token that `aws sso login` left in its cache, renewed where it can be. `profile` has sso_ keys. */
MUST_USE Error *s3_sso_get(S3Search *search, Str profile, S3Credentials **ret_credentials);
/* The program of credential_process. */
MUST_USE Error *s3_process_get(S3Search *search, Str profile, Str command, S3Credentials **ret_credentials);
/* The service of ECS and EKS; the variables say where. */
bool s3_container_is_configured(const S3Search *search);
MUST_USE Error *s3_container_get(S3Search *search, S3Credentials **ret_credentials);
/* The machine's metadata service. */
bool s3_imds_is_disabled(const S3Search *search);
MUST_USE Error *s3_imds_get(S3Search *search, S3Credentials **ret_credentials);

/* ---- what answers have in common ---- */

/* A JSON object's members, as the sources name them; `expiration` NULL: it is told in another form. */
typedef struct KeyNames {
    const char *id, *secret, *token, *expiration;
} KeyNames;

/* Reads a JSON object, which is secret: release it with cleanup_secret_json. Errors: CORRUPT, without a word of it. */
MUST_USE Error *s3_read_json(Str json, json_t **ret_object);
/* The keys in one; views into it. Errors: CORRUPT. */
MUST_USE Error *s3_json_keys(const json_t *object, const KeyNames *names, S3KeySet *ret_keys);
/* What STS says: keys or a refusal. Fields that are absent are "". */
typedef struct StsAnswer {
    S3KeySet keys;
    Str expiration;
    Str code, message; /* of a refusal */
} StsAnswer;

/* Texts are views into `body`, or live in `arena`; `*ret_answer` is written on failure too. Errors: CORRUPT (no XML; no time of expiry). */
MUST_USE Error *s3_read_sts_answer(Str body, Arena *arena, StsAnswer *ret_answer);
/* Frees a value and wipes its texts first; for CLEANUP. */
void cleanup_secret_json(json_t **value);

/* "https://SERVICE.REGION.amazonaws.com", or what is configured in its place (spec/s3.md 2.1). Without a slash at the end. */
MUST_USE Error *s3_service_url(const S3Search *search, const char *variable_suffix, const char *service,
                               const char *host_prefix, Str region, Str *ret_url);

/* Appends `name=value` in the form of a query or a form body, with '&' before all but the first. */
MUST_USE Error *append_parameter(Buffer *out, Str name, Str value);

#endif
