/* A store's URL, and an endpoint's: what is accepted is made of parts of the text, and a bucket is safe in a path and a host name. */
#include "store/s3/route.h"
#include "store/store_url.h"

static void check_bucket(Str bucket)
{
    ASSERT(bucket.len > 0 && bucket.len <= 255 && bucket.data[0] != '.' && bucket.data[0] != '-');
    for (size_t i = 0; i < bucket.len; i++)
        ASSERT(bucket.data[i] > ' ' && !strchr("/?#%@:\\\x7f", bucket.data[i]) && (bucket.data[i] & 0x80) == 0);
}

static void check_host(Str host)
{
    ASSERT(host.len > 0);
    for (size_t i = 0; i < host.len; i++)
        ASSERT(host.data[i] > ' ' && !strchr("/?#%@\\\x7f", host.data[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    Str text = str_from(size ? (const char *)data : "", size);
    StoreUrl url;
    S3Endpoint endpoint = {0};
    S3Route route;

    Error *error = store_url_parse(text, &url);
    if (!error && url.scheme == STORE_SCHEME_S3)
        check_bucket(url.bucket);
    ASSERT(error || url.scheme == STORE_SCHEME_S3 || url.rest.len > 0);
    error_free(error);

    error = s3_endpoint_parse(text, arena, &endpoint);
    if (!error) {
        check_host(endpoint.host);
        error = s3_route_make(&endpoint, STORE_ADDRESSING_VIRTUAL, STR("bucket"), STR("eu-west-1"), arena, &route);
        ASSERT(error || str_ends_with(route.host, endpoint.host));
    }
    error_free(error);
    return 0;
}
