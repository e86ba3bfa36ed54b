#include "store/s3/s3_error.h"

#include "store/s3/xml.h"

/* ---- the body ---- */

MUST_USE static Error *read_field(Xml *xml, Str name, Arena *arena, S3Error *error)
{
    const struct {
        Str name;
        Str *field;
    } fields[] = {
        {STR("Code"), &error->code},
        {STR("Message"), &error->message},
        {STR("Region"), &error->region},
        {STR("Endpoint"), &error->endpoint},
        {STR("RequestId"), &error->request_id},
        {STR("HostId"), &error->host_id},
        {STR("StorageClass"), &error->storage_class},
        {STR("AccessTier"), &error->access_tier},
    };
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (str_equal(name, fields[i].name) && fields[i].field->len == 0) {
            Str text;
            TRY(xml_text(xml, arena, &text));
            *fields[i].field = str_trim(text);
            return NULL;
        }
    }
    return xml_skip(xml);
}

MUST_USE static Error *read_error(Str body, Arena *arena, S3Error *error)
{
    Xml xml;
    Str name;

    xml_init(&xml, body);
    TRY(xml_root(&xml, &name));
    if (!str_equal(name, STR("Error")))
        return NULL;
    for (;;) {
        TRY(xml_child(&xml, &name));
        if (name.len == 0)
            return NULL;
        TRY(read_field(&xml, name, arena, error));
    }
}

void s3_error_parse(Str body, Arena *arena, S3Error *error)
{
    /* an error page of a proxy, or a body that was cut: the status has to do */
    error_free(read_error(body, arena, error));
}

/* The document's element; an empty name when this is no XML. `ret_empty`: it is "<x/>". */
static Str root_name(Str body, bool *ret_empty)
{
    Xml xml;
    Str name;
    xml_init(&xml, body);
    Error *err = xml_root(&xml, &name);
    *ret_empty = xml.closed;
    if (!err)
        return name;
    error_free(err); /* the caller is told by the empty name */
    return STR_EMPTY;
}

bool s3_answer_is_error(Str body)
{
    bool empty;
    return str_equal(root_name(body, &empty), STR("Error"));
}

bool s3_answer_is_complete(Str body)
{
    bool empty;
    Str name = root_name(body, &empty), tail = str_trim(body);
    if (name.len == 0 || empty || !str_ends_with(tail, STR(">")))
        return name.len > 0 && empty;
    Str before = str_trim(str_slice(tail, 0, tail.len - 1));
    if (!str_ends_with(before, name) || before.len < name.len + 2)
        return false;
    char mark = before.data[before.len - name.len - 1];
    return mark == '/' || mark == ':';
}

/* ---- classes ---- */

typedef struct CodeRow {
    const char *code;
    S3Class class;
    const char *advice; /* what to do; NULL: nothing to add */
} CodeRow;

#define ROW(code_text, action, error_code, advice_text)                                                                \
    {                                                                                                                  \
        code_text, {action, ERR_##error_code}, advice_text                                                             \
    }

static const char check_keys[] =
    "check the access key id and the secret (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or the profile)";
static const char renew_keys[] = "get new temporary credentials and run again";
static const char bucket_word[] = "check the bucket's name, the endpoint and the region";
static const char clock_word[] = "set this machine's clock";

static const CodeRow rows[] = {
    /* try again */
    ROW("InternalError", S3_RETRY, UNAVAILABLE, NULL),
    ROW("InternalErrors", S3_RETRY, UNAVAILABLE, NULL),
    ROW("ServiceUnavailable", S3_RETRY, UNAVAILABLE, NULL),
    ROW("RequestTimeout", S3_RETRY, TIMEOUT, NULL),
    ROW("BadDigest", S3_RETRY_ONCE, CORRUPT, "the content was changed on its way"),
    ROW("IncompleteBody", S3_RETRY_ONCE, UNAVAILABLE, NULL),
    ROW("XAmzContentSHA256Mismatch", S3_RETRY_ONCE, CORRUPT, "the content was changed on its way"),
    ROW("XAmzContentChecksumMismatch", S3_RETRY_ONCE, CORRUPT, "the content was changed on its way"), /* MinIO */
    ROW("OperationAborted", S3_RETRY, UNAVAILABLE, NULL),
    ROW("ConditionalRequestConflict", S3_RETRY, UNAVAILABLE, "somebody else writes the same object"),
    ROW("ServerNotInitialized", S3_RETRY, UNAVAILABLE, NULL),
    ROW("XMinioServerNotInitialized", S3_RETRY, UNAVAILABLE, NULL),
    /* ask for less */
    ROW("SlowDown", S3_THROTTLED, UNAVAILABLE, NULL),
    ROW("SlowDownRead", S3_THROTTLED, UNAVAILABLE, NULL),
    ROW("SlowDownWrite", S3_THROTTLED, UNAVAILABLE, NULL),
    ROW("Throttling", S3_THROTTLED, UNAVAILABLE, NULL),
    ROW("ThrottlingException", S3_THROTTLED, UNAVAILABLE, NULL),
    ROW("RequestLimitExceeded", S3_THROTTLED, UNAVAILABLE, NULL),
    ROW("TooManyRequests", S3_THROTTLED, UNAVAILABLE, NULL),
    ROW("TooManyRequestsException", S3_THROTTLED, UNAVAILABLE, NULL),
    /* elsewhere, another time */
    ROW("PermanentRedirect", S3_REGION, INVALID, "set the bucket's region (--region)"),
    ROW("TemporaryRedirect", S3_REGION, UNAVAILABLE, "set the bucket's region (--region)"),
    ROW("Redirect", S3_REGION, UNAVAILABLE, "set the bucket's region (--region)"),
    ROW("AuthorizationHeaderMalformed", S3_REGION, INVALID, "set the bucket's region (--region)"),
    ROW("IllegalLocationConstraintException", S3_REGION, INVALID, "set the bucket's region (--region)"),
    ROW("RequestTimeTooSkewed", S3_CLOCK, DENIED, clock_word),
    ROW("RequestExpired", S3_CLOCK, DENIED, clock_word),
    /* credentials */
    ROW("SignatureDoesNotMatch", S3_FAIL, DENIED, check_keys),
    ROW("InvalidAccessKeyId", S3_FAIL, DENIED, check_keys),
    ROW("ExpiredToken", S3_EXPIRED, DENIED, renew_keys),
    ROW("ExpiredTokenException", S3_EXPIRED, DENIED, renew_keys),
    ROW("InvalidToken", S3_EXPIRED, DENIED, renew_keys),
    ROW("TokenRefreshRequired", S3_EXPIRED, DENIED, renew_keys),
    ROW("AccessDenied", S3_FAIL, DENIED,
        "the credentials may not do this (listing needs s3:ListBucket, reading s3:GetObject, writing s3:PutObject)"),
    ROW("AllAccessDisabled", S3_FAIL, DENIED, NULL),
    ROW("AccountProblem", S3_FAIL, DENIED, NULL),
    ROW("NotSignedUp", S3_FAIL, DENIED, NULL),
    ROW("InvalidObjectState", S3_FAIL, ARCHIVED, NULL),
    ROW("ObjectNotInActiveTierError", S3_FAIL, ARCHIVED, NULL),
    /* results */
    ROW("NoSuchBucket", S3_FAIL, NOT_FOUND, bucket_word),
    ROW("NoSuchKey", S3_FAIL, NOT_FOUND, NULL),
    ROW("NoSuchVersion", S3_FAIL, NOT_FOUND, NULL),
    ROW("NoSuchUpload", S3_FAIL, NOT_FOUND, NULL),
    ROW("PreconditionFailed", S3_FAIL, CHANGED, NULL),
    ROW("InvalidRange", S3_FAIL, INVALID, NULL),
    ROW("KeyTooLongError", S3_FAIL, INVALID, "a key has at most 1024 bytes"),
    ROW("MetadataTooLarge", S3_FAIL, INVALID, "user metadata has at most 2048 bytes"),
    ROW("EntityTooLarge", S3_FAIL, LIMIT, NULL),
    ROW("EntityTooSmall", S3_FAIL, INVALID, "every part of an upload but the last has at least 5 MiB"),
    ROW("InvalidPart", S3_FAIL, CORRUPT, "a part is missing or not what was sent"),
    ROW("InvalidPartOrder", S3_FAIL, INTERNAL, NULL),
    ROW("MethodNotAllowed", S3_FAIL, UNSUPPORTED, NULL),
    ROW("InvalidTag", S3_FAIL, INVALID,
        "at most 10 tags, names up to 128 and values up to 256 characters, each name once"),
    ROW("InvalidStorageClass", S3_FAIL, INVALID, "the server has no such storage class"),
    ROW("QuotaExceeded", S3_FAIL, NO_SPACE, NULL),
    ROW("XMinioStorageFull", S3_FAIL, NO_SPACE, NULL),
    ROW("NotImplemented", S3_DROP, UNSUPPORTED, "the server lacks this"),
};

static const CodeRow *find_row(Str code)
{
    for (size_t i = 0; code.len > 0 && i < ARRAY_COUNT(rows); i++) {
        if (str_equal(code, str_of(rows[i].code)))
            return &rows[i];
    }
    return NULL;
}

static S3Class classify_status(unsigned status)
{
    switch (status) {
    case 301:
    case 302:
    case 307:
    case 308: return (S3Class){S3_REGION, ERR_INVALID};
    case 401:
    case 403: return (S3Class){S3_FAIL, ERR_DENIED};
    case 404:
    case 410: return (S3Class){S3_FAIL, ERR_NOT_FOUND};
    case 408:
    case 409:
    case 499:
    case 500:
    case 502:
    case 504:
    case 509:
    case 520: return (S3Class){S3_RETRY, ERR_UNAVAILABLE};
    case 429:
    case 503: return (S3Class){S3_THROTTLED, ERR_UNAVAILABLE};
    case 304:
    case 412: return (S3Class){S3_FAIL, ERR_CHANGED};
    case 501: return (S3Class){S3_DROP, ERR_UNSUPPORTED};
    case 507: return (S3Class){S3_FAIL, ERR_NO_SPACE};
    default: break;
    }
    return status < 300 || status >= 500 ? (S3Class){S3_RETRY, ERR_UNAVAILABLE} : (S3Class){S3_FAIL, ERR_INVALID};
}

S3Class s3_classify(unsigned status, Str code)
{
    const CodeRow *row = find_row(code);
    return row ? row->class : classify_status(status);
}

/* ---- words ---- */

static const char *status_word(unsigned status)
{
    switch (status) {
    case 301:
    case 307: return "redirected";
    case 400: return "the request was refused";
    case 401:
    case 403: return "access denied";
    case 404: return "not found";
    case 412: return "the object has changed";
    case 416: return "the range lies behind the object's end";
    case 429:
    case 503: return "the server is overloaded";
    default: return status >= 500 ? "the server failed" : "the request was refused";
    }
}

/* "archived (GLACIER): restore it first": the class is what a person needs, the server's words are about "the operation". */
MUST_USE static Error *archived_error(const S3Error *error)
{
    bool has_class = error->storage_class.len > 0, has_tier = error->access_tier.len > 0;
    bool has_id = error->request_id.len > 0;
    return FAIL(ARCHIVED, "archived%s" STR_FMT "%s" STR_FMT "%s: restore it first%s" STR_FMT "%s",
                has_class || has_tier ? " (" : "", STR_ARG(error->storage_class), has_class && has_tier ? ", " : "",
                STR_ARG(error->access_tier), has_class || has_tier ? ")" : "", has_id ? " (request " : "",
                STR_ARG(error->request_id), has_id ? ")" : "");
}

Error *s3_error_tell(const S3Error *error, ErrorCode code)
{
    if (code == ERR_ARCHIVED)
        return archived_error(error);
    const CodeRow *row = find_row(error->code);
    Str message = error->message.len > 0 ? error->message : str_of(row ? NULL : status_word(error->status));
    const char *advice = row && row->advice ? row->advice : NULL;
    bool has_id = error->request_id.len > 0;

    while (str_ends_with(message, STR(".")))
        message = str_slice(message, 0, message.len - 1);
    return error_new(code, __FILE__, __LINE__,
                     "%u"
                     "%s" STR_FMT "%s" STR_FMT "%s" STR_FMT "%s%s%s",
                     error->status, error->code.len > 0 ? " " : "", STR_ARG(error->code), message.len > 0 ? ": " : "",
                     STR_ARG(message), has_id ? " (request " : "", STR_ARG(error->request_id), has_id ? ")" : "",
                     advice ? ": " : "", advice ? advice : "");
}
