#include "store/s3/bucket_has.h"

#include "store/s3/request.h"
#include "store/s3/s3_store.h"
#include "store/s3/xml.h"

#define ANSWER_MAX_BYTES (64 * KIB)

enum { PATH_MAX_NAMES = 4 };

/* How a bucket is asked, how it says that there is nothing, and where in its answer stands what decides. */
typedef struct Question {
    S3Operation operation;
    const char *query, *refusal;
    const char *path[PATH_MAX_NAMES + 1]; /* names of elements from the root on; NULL ends it */
    const char *word; /* what its text begins with when the bucket has it; NULL: the answer says it */
} Question;

#define QUESTION(called) .operation = {.name = called, .method = HTTP_GET, .of_bucket = true, .answer = S3_ANSWER_XML}

static const Question questions[] = {
    [BUCKET_WEBSITE] = {QUESTION("GetBucketWebsite"), .query = "website=", .refusal = "NoSuchWebsiteConfiguration",
                        .path = {"WebsiteConfiguration"}},
    [BUCKET_LOCK] = {QUESTION("GetObjectLockConfiguration"),
                     .query = "object-lock=", .refusal = "ObjectLockConfigurationNotFoundError",
                     .path = {"ObjectLockConfiguration", "ObjectLockEnabled"}, .word = "Enabled"},
    [BUCKET_KMS] = {QUESTION("GetBucketEncryption"),
                    .query = "encryption=", .refusal = "ServerSideEncryptionConfigurationNotFoundError",
                    .path = {"ServerSideEncryptionConfiguration", "Rule", "ApplyServerSideEncryptionByDefault",
                             "SSEAlgorithm"},
                    .word = "aws:kms"},
    [BUCKET_VERSIONS] = {QUESTION("GetBucketVersioning"), .query = "versioning=", .refusal = "NotImplemented",
                         .path = {"VersioningConfiguration", "Status"}, .word = "Enabled"},
};

/* In an open element: its first child of this name, opened. */
MUST_USE static Error *open_child(Xml *xml, const char *wanted, bool *ret_found)
{
    Str name;
    for (;;) {
        TRY(xml_child(xml, &name));
        *ret_found = str_equal(name, str_of(wanted));
        if (*ret_found || name.len == 0)
            return NULL;
        TRY(xml_skip(xml));
    }
}

/* A document with another root is the answer to another question: there are servers that know no such query, and list the bucket. */
MUST_USE static Error *read_answer(const Question *question, Str document, Arena *arena, bool *ret_has)
{
    Xml xml;
    Str name, text;
    bool found = true;
    xml_init(&xml, document);
    TRY(xml_root(&xml, &name));
    if (!str_equal(name, str_of(question->path[0])))
        return FAIL(UNSUPPORTED, "the answer is <" STR_FMT "> and not <%s>", STR_ARG(name), question->path[0]);
    for (size_t i = 1; found && question->path[i]; i++)
        TRY(open_child(&xml, question->path[i], &found));
    if (found && question->word) {
        TRY(xml_text(&xml, arena, &text));
        found = str_starts_with(str_trim(text), str_of(question->word));
    }
    *ret_has = found;
    return NULL;
}

/* What is not there, and what the server has never heard of. */
static bool says_nothing(const Question *question, const S3Request *request)
{
    Str refusal = str_of(request->refusal);
    return str_equal(refusal, str_of(question->refusal)) || str_equal(refusal, STR("NotImplemented"));
}

Error *s3_bucket_has(Store *store, const Cancel *cancel, BucketFeature feature, bool *ret_has)
{
    const Question *question = &questions[feature];
    CLEANUP(arena_freep) Arena *arena = arena_new(ANSWER_MAX_BYTES);
    CLEANUP(buffer_done) Buffer answer = {.limit = ANSWER_MAX_BYTES};
    CLEANUP(s3_request_done)
    S3Request request = {.client = s3_client_of(store),
                         .operation = &question->operation,
                         .query = str_of(question->query),
                         .body = &answer};
    if (!arena)
        return FAIL(NO_MEMORY, "%s: out of memory", question->operation.name);
    Error *err = s3_request_run(&request, cancel);
    if (err && says_nothing(question, &request)) {
        error_free(err); /* an answer */
        *ret_has = false;
        return NULL;
    }
    if (!err)
        err = read_answer(question, buffer_str(&answer), arena, ret_has);
    return err ? error_wrap(err, "%s", question->operation.name) : NULL;
}
