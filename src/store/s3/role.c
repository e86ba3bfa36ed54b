/* The two calls of STS that turn a role's name into keys. Source: spec/s3.md 2.4; AWS STS API 2011-06-15. */
#include <stdio.h>

#include "base/time_text.h"
#include "store/s3/search.h"
#include "store/s3/xml.h"

enum { STS_TIMEOUT_MS = 10000, STS_ATTEMPTS = 3, STS_PAUSE_MS = 500, STS_HEADERS_MAX = 5 };
#define TOKEN_MAX_BYTES (64 * KIB)

static const char default_region[] = "us-east-1";

/* ---- the answer ---- */

MUST_USE static Error *read_field(Xml *xml, Str name, Arena *arena, StsAnswer *answer)
{
    const struct {
        Str name;
        Str *field;
    } fields[] = {
        {STR("AccessKeyId"), &answer->keys.access_key_id},
        {STR("SecretAccessKey"), &answer->keys.secret_access_key},
        {STR("SessionToken"), &answer->keys.session_token},
        {STR("Expiration"), &answer->expiration},
        {STR("Code"), &answer->code},
        {STR("Message"), &answer->message},
    };
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (str_equal(name, fields[i].name)) {
            Str text;
            TRY(xml_text(xml, arena, &text));
            *fields[i].field = str_trim(text);
            return NULL;
        }
    }
    return xml_skip(xml);
}

/* <XResponse><XResult><Credentials>fields, or <ErrorResponse><Error>fields: what holds fields is found by its name at any depth. */
MUST_USE static Error *read_element(Xml *xml, Str name, unsigned depth, Arena *arena, StsAnswer *answer)
{
    bool holds_fields = str_equal(name, STR("Credentials")) || str_equal(name, STR("Error"));
    bool is_way = depth == 0 || str_ends_with(name, STR("Result"));
    if (!holds_fields && !is_way)
        return xml_skip(xml);
    for (;;) {
        Str child;
        TRY(xml_child(xml, &child));
        if (child.len == 0)
            return NULL;
        if (holds_fields)
            TRY(read_field(xml, child, arena, answer));
        else
            TRY(read_element(xml, child, depth + 1, arena, answer));
    }
}

Error *s3_read_sts_answer(Str body, Arena *arena, StsAnswer *ret_answer)
{
    Xml xml;
    Str name;
    *ret_answer = (StsAnswer){{STR_EMPTY, STR_EMPTY, STR_EMPTY, S3_NEVER_EXPIRES}, STR_EMPTY, STR_EMPTY, STR_EMPTY};
    xml_init(&xml, body);
    TRY(xml_root(&xml, &name));
    TRY(read_element(&xml, name, 0, arena, ret_answer));
    return s3_expiration_parse(ret_answer->expiration, &ret_answer->keys.expires_us);
}

MUST_USE static Error *tell_refusal(const RemoteCall *call, const StsAnswer *answer)
{
    CLEANUP(buffer_done) Buffer words = {0};
    ErrorCode code = call->status == 400 && !str_starts_with(answer->code, STR("Expired")) ? ERR_INVALID : ERR_DENIED;
    TRY(remote_append_excerpt(&words, answer->message));
    return error_new(code, __FILE__, __LINE__, "STS refused: %u " STR_FMT "%s" STR_FMT, call->status,
                     STR_ARG(answer->code), words.len > 0 ? ": " : "", STR_ARG(buffer_str(&words)));
}

MUST_USE static Error *take_answer(S3Search *search, const RemoteCall *call, const RoleRequest *role,
                                   S3Credentials **ret_credentials)
{
    StsAnswer answer;
    Error *err = s3_read_sts_answer(buffer_str(&call->answer), search->arena, &answer);
    if (call->status >= 300) {
        error_free(err); /* a proxy's page: the status has to do */
        return tell_refusal(call, &answer);
    }
    TRY_CTX(err, "the answer of STS");
    if (answer.keys.access_key_id.len == 0 || answer.keys.secret_access_key.len == 0)
        return FAIL(CORRUPT, "the answer of STS holds no keys");
    if (answer.keys.expires_us != S3_NEVER_EXPIRES)
        answer.keys.expires_us = remote_local_time(search->remote, answer.keys.expires_us);
    return s3_credentials_new(&answer.keys, role->source, ret_credentials);
}

/* ---- the call ---- */

MUST_USE static Error *session_name(S3Search *search, Str wanted, Str *ret_name)
{
    *ret_name = wanted;
    if (wanted.len > 0)
        return NULL;
    const char *made = arena_format(search->arena, "quern-%lld", (long long)(clock_wall_us(search->clock) / 1000000));
    *ret_name = str_of(made);
    return made ? NULL : arena_error(search->arena);
}

MUST_USE static Error *begin_form(S3Search *search, Str action, const RoleRequest *role, Buffer *form)
{
    Str name;
    TRY(session_name(search, role->session_name, &name));
    TRY(append_parameter(form, STR("Action"), action));
    TRY(append_parameter(form, STR("Version"), STR("2011-06-15")));
    TRY(append_parameter(form, STR("RoleArn"), role->arn));
    TRY(append_parameter(form, STR("RoleSessionName"), name));
    if (role->duration_seconds.len > 0)
        TRY(append_parameter(form, STR("DurationSeconds"), role->duration_seconds));
    return role->external_id.len > 0 ? append_parameter(form, STR("ExternalId"), role->external_id) : NULL;
}

static Str sts_region(const S3Search *search)
{
    return search->region.len > 0 ? search->region : str_of(default_region);
}

MUST_USE static Error *begin_call(S3Search *search, const Buffer *form, RemoteCall *call)
{
    Str url;
    TRY(s3_service_url(search, "STS", "sts", "sts", sts_region(search), &url));
    const char *whole = arena_format(search->arena, STR_FMT "/", STR_ARG(url));
    if (!whole)
        return arena_error(search->arena);
    *call = (RemoteCall){
        .method = HTTP_POST,
        .url = str_of(whole),
        .body = buffer_str(form),
        .timeout_ms = STS_TIMEOUT_MS,
        .attempts_max = STS_ATTEMPTS,
        .pause_ms = STS_PAUSE_MS,
        .content_needed = true,
    };
    return NULL;
}

/* What a signed call adds; `headers` has room for STS_HEADERS_MAX. Texts live in the arena or in `time` and `authorization`. */
typedef struct Signature {
    SignedHeader headers[STS_HEADERS_MAX];
    size_t count;
    char time[TIME_TEXT_BYTES];
    char hash[SHA256_HEX_BYTES + 1];
    Buffer authorization;
    SigningKey key;
} Signature;

static void signature_done(Signature *signature)
{
    explicit_bzero(&signature->key, sizeof(signature->key));
    secret_buffer_done(&signature->authorization);
}

MUST_USE static Error *sign(S3Search *search, const S3Credentials *base, const RemoteCall *call, Signature *s)
{
    uint8_t digest[SHA256_BYTES];
    size_t host_at = str_find(call->url, STR("://")) + 3;
    Str rest = str_slice(call->url, host_at, call->url.len);
    size_t slash = str_find_char(rest, '/');
    Str time = time_basic(clock_wall_us(search->clock) + search->remote->clock_offset_us, s->time);

    sha256(str_bytes(call->body), digest);
    hex_encode(digest, sizeof(digest), s->hash);
    s->count = 0;
    s->headers[s->count++] =
        (SignedHeader){STR("content-type"), STR("application/x-www-form-urlencoded; charset=utf-8")};
    s->headers[s->count++] = (SignedHeader){STR("host"), str_slice(rest, 0, slash)};
    s->headers[s->count++] = (SignedHeader){STR("x-amz-date"), time};
    if (base->session_token)
        s->headers[s->count++] = (SignedHeader){STR("x-amz-security-token"), str_of(base->session_token)};
    SigningInput input = {
        .method = STR("POST"),
        .path = str_slice(rest, slash, rest.len),
        .query = STR_EMPTY,
        .headers = s->headers,
        .header_count = s->count,
        .payload = str_of(s->hash),
        .time = time,
    };
    TRY(signing_key_init(&s->key, str_of(base->secret_access_key), str_slice(time, 0, SIGV4_DATE_BYTES),
                         sts_region(search), STR("sts")));
    buffer_clear(&s->authorization);
    TRY(sigv4_append_authorization(&s->authorization, &s->key, str_of(base->access_key_id), &input));
    s->headers[s->count++] = (SignedHeader){STR("authorization"), buffer_str(&s->authorization)};
    return NULL;
}

/* Signed, and once more should the refusal show that our clock is wrong. */
MUST_USE static Error *run_signed(S3Search *search, const S3Credentials *base, RemoteCall *call)
{
    for (bool again = false;; again = true) {
        CLEANUP(signature_done) Signature signature = {0};
        TRY(sign(search, base, call, &signature));
        call->headers = signature.headers;
        call->header_count = signature.count;
        Error *err = remote_run(search->remote, search->cancel, call);
        call->headers = NULL;
        call->header_count = 0;
        TRY(err);
        bool corrected = remote_hear_date(search->remote, call->date_us);
        if (call->status < 300 || again || !corrected)
            return NULL;
    }
}

MUST_USE static Error *assume(S3Search *search, const RoleRequest *role, const S3Credentials *base,
                              S3Credentials **ret_credentials)
{
    CLEANUP(buffer_done) Buffer form = {0};
    CLEANUP(remote_call_done) RemoteCall call = {0};
    TRY(begin_form(search, STR("AssumeRole"), role, &form));
    TRY(begin_call(search, &form, &call));
    TRY(run_signed(search, base, &call));
    return take_answer(search, &call, role, ret_credentials);
}

Error *s3_role_assume(S3Search *search, const RoleRequest *role, const S3Credentials *base,
                      S3Credentials **ret_credentials)
{
    TRY_CTX(assume(search, role, base, ret_credentials), "assume " STR_FMT " with the keys from %s",
            STR_ARG(role->source), base->source);
    return NULL;
}

MUST_USE static Error *assume_with_token(S3Search *search, const RoleRequest *role, Str token_file,
                                         S3Credentials **ret_credentials)
{
    const SignedHeader header = {STR("content-type"), STR("application/x-www-form-urlencoded; charset=utf-8")};
    CLEANUP(secret_buffer_done) Buffer token = {0};
    CLEANUP(secret_buffer_done) Buffer form = {0};
    CLEANUP(remote_call_done) RemoteCall call = {0};

    TRY_CTX(read_small_file(token_file, TOKEN_MAX_BYTES, &token), "the web identity token");
    Str text = str_trim(buffer_str(&token));
    if (text.len == 0)
        return FAIL(INVALID, "the web identity token file '" STR_FMT "' is empty", STR_ARG(token_file));
    TRY(begin_form(search, STR("AssumeRoleWithWebIdentity"), role, &form));
    TRY(append_parameter(&form, STR("WebIdentityToken"), text));
    TRY(begin_call(search, &form, &call));
    call.headers = &header;
    call.header_count = 1;
    call.retry_word = "IDPCommunicationError";
    TRY(remote_run(search->remote, search->cancel, &call));
    (void)remote_hear_date(search->remote, call.date_us);
    return take_answer(search, &call, role, ret_credentials);
}

Error *s3_web_identity_assume(S3Search *search, const RoleRequest *role, Str token_file,
                              S3Credentials **ret_credentials)
{
    TRY_CTX(assume_with_token(search, role, token_file, ret_credentials), "assume " STR_FMT " with a web identity",
            STR_ARG(role->source));
    return NULL;
}
