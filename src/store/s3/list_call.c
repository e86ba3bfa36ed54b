#include "store/s3/list_call.h"

#include <stdlib.h>

#include "store/s3/uri.h"

#define PAGE_BODY_MAX_BYTES (16 * MIB)
#define PAGE_ARENA_BYTES (64 * MIB)

static const S3Operation list_objects_v1 = {
    .name = "ListObjects", .method = HTTP_GET, .of_bucket = true, .names_itself = true, .answer = S3_ANSWER_XML};
static const S3Operation list_object_versions = {
    .name = "ListObjectVersions", .method = HTTP_GET, .of_bucket = true, .names_itself = true, .answer = S3_ANSWER_XML};

static const S3Operation *const operations[] = {
    [LIST_V2] = &s3_list_objects, [LIST_V1] = &list_objects_v1, [LIST_VERSIONS] = &list_object_versions};

Error *list_call_new(S3Client *client, ListCall **ret_call)
{
    ListCall *call = calloc(1, sizeof(*call));
    if (!call || !(call->arena = arena_new(PAGE_ARENA_BYTES))) {
        free(call);
        return FAIL(NO_MEMORY, "list keys: out of memory");
    }
    call->body.limit = PAGE_BODY_MAX_BYTES;
    call->request.client = client;
    call->request.body = &call->body;
    call->request.user = call;
    *ret_call = call;
    return NULL;
}

void list_call_free(ListCall *call)
{
    if (!call)
        return;
    if (call->range && call->range->state == LIST_RANGE_DROPPED)
        list_range_free(call->range);
    s3_request_done(&call->request);
    buffer_done(&call->asked_token);
    buffer_done(&call->query);
    buffer_done(&call->body);
    arena_free(call->arena);
    free(call);
}

/* ---- asking ---- */

MUST_USE static Error *add(Buffer *query, const char *name, Str value)
{
    if (query->len > 0)
        TRY(buffer_append_byte(query, '&'));
    TRY(buffer_append_str(query, str_of(name)));
    return uri_append_query(query, value);
}

MUST_USE static Error *add_unless_empty(Buffer *query, const char *name, Str value)
{
    return value.len > 0 ? add(query, name, value) : NULL;
}

/* Each sorted by name, as the signature wants it. */
MUST_USE static Error *build_query(const ListQuery *q, const ListRange *range, Str token, Buffer *out)
{
    Str encoding = q->url_encoded ? STR("url") : STR_EMPTY;
    Str last = buffer_str(&range->last), place = token.len > 0 ? token : last;

    if (q->form == LIST_V2)
        TRY(add_unless_empty(out, "continuation-token=", token));
    TRY(add_unless_empty(out, "delimiter=", q->delimiter));
    TRY(add_unless_empty(out, "encoding-type=", encoding));
    if (q->form == LIST_VERSIONS)
        TRY(add_unless_empty(out, "key-marker=", place));
    if (q->form == LIST_V2)
        TRY(add(out, "list-type=", STR("2")));
    if (q->form == LIST_V1)
        TRY(add_unless_empty(out, "marker=", place));
    TRY(add(out, "max-keys=", STR("1000")));
    TRY(add(out, "prefix=", q->prefix));
    if (q->form == LIST_V2)
        return token.len > 0 ? NULL : add_unless_empty(out, "start-after=", last);
    if (q->form == LIST_V1)
        return NULL;
    TRY(add_unless_empty(out, "version-id-marker=", buffer_str(&range->version)));
    return add(out, "versions=", STR_EMPTY);
}

Error *list_call_begin(ListCall *call, const ListQuery *query, ListRange *range, Str token, const Cancel *cancel)
{
    call->range = range;
    call->form = query->form;
    call->cancel = (Cancel){.parent = cancel};
    buffer_clear(&call->asked_token);
    buffer_clear(&call->query);
    buffer_clear(&call->body);
    arena_reset(call->arena);
    TRY(buffer_append_str(&call->asked_token, token));
    TRY(build_query(query, range, buffer_str(&call->asked_token), &call->query));
    call->request.operation = operations[query->form];
    call->request.query = buffer_str(&call->query);
    return s3_request_begin(&call->request, &call->cancel);
}

Error *list_call_read(ListCall *call, Error *take_error)
{
    TRY(s3_request_end(&call->request, take_error));
    return list_page_parse(buffer_str(&call->body), call->arena, &call->page);
}
