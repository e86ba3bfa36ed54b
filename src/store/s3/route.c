#include "store/s3/route.h"

#include "store/s3/uri.h"

enum { LABEL_MAX_BYTES = 63, BUCKET_LABEL_MIN_BYTES = 3 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_label_char(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
}

/* A DNS label in lower case. */
static bool is_label(Str text)
{
    if (text.len == 0 || text.len > LABEL_MAX_BYTES || text.data[0] == '-' || text.data[text.len - 1] == '-')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_label_char(text.data[i]))
            return false;
    }
    return true;
}

bool s3_region_is_valid(Str region)
{
    bool all_digits = true;
    for (size_t i = 0; i < region.len; i++)
        all_digits = all_digits && is_digit(region.data[i]);
    return is_label(region) && !all_digits;
}

/* ---- endpoint ---- */

static bool is_host_char(char c)
{
    return is_label_char(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_';
}

static bool host_is_valid(Str host)
{
    if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
        for (size_t i = 1; i < host.len - 1; i++) {
            char c = (char)(host.data[i] | 0x20);
            if (!is_digit(host.data[i]) && !(c >= 'a' && c <= 'f') && host.data[i] != ':' && host.data[i] != '.')
                return false;
        }
        return true;
    }
    for (size_t i = 0; i < host.len; i++) {
        if (!is_host_char(host.data[i]))
            return false;
    }
    return host.len > 0 && host.len <= 253;
}

/* Where ":port" begins, or the length. */
static size_t host_bytes(Str authority)
{
    size_t colon = str_rfind_char(authority, ':');
    if (colon == SIZE_MAX || (authority.len > 0 && authority.data[authority.len - 1] == ']'))
        return authority.len;
    return colon;
}

static bool path_is_plain(Str path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] <= ' ' || path.data[i] >= 0x7f || path.data[i] == '?' || path.data[i] == '#')
            return false;
    }
    return true;
}

Error *s3_endpoint_parse(Str url, Arena *arena, S3Endpoint *ret_endpoint)
{
    static const char form[] = "write http[s]://host[:port][/path]";
    S3Endpoint endpoint = {.tls = str_starts_with(url, STR("https://"))};

    if (!endpoint.tls && !str_starts_with(url, STR("http://")))
        return FAIL(INVALID, "the endpoint '" STR_FMT "' does not begin with http:// or https://: %s", STR_ARG(url),
                    form);
    Str rest = str_slice(url, endpoint.tls ? 8 : 7, url.len);
    size_t slash = str_find_char(rest, '/');
    Str authority = str_slice(rest, 0, slash);
    endpoint.path = slash == SIZE_MAX ? STR_EMPTY : str_slice(rest, slash, rest.len);
    while (str_ends_with(endpoint.path, STR("/")))
        endpoint.path = str_slice(endpoint.path, 0, endpoint.path.len - 1);
    if (!path_is_plain(endpoint.path))
        return FAIL(INVALID,
                    "the endpoint '" STR_FMT "': its path may not hold spaces, '?', '#' or bytes beyond ASCII: %s",
                    STR_ARG(url), form);

    size_t host_len = host_bytes(authority);
    Str host = str_slice(authority, 0, host_len), port = str_slice(authority, host_len + 1, authority.len);
    uint64_t number = endpoint.tls ? 443 : 80;
    if (!host_is_valid(host))
        return FAIL(INVALID, "the endpoint '" STR_FMT "' has no valid host name%s: %s", STR_ARG(url),
                    str_find_char(authority, '@') == SIZE_MAX ? "" : " (credentials do not belong into it)", form);
    if (host_len < authority.len && (!str_to_u64(port, &number) || number == 0 || number > 65535))
        return FAIL(INVALID, "the endpoint '" STR_FMT "': '" STR_FMT "' is no port: %s", STR_ARG(url), STR_ARG(port),
                    form);
    endpoint.host = host;
    if (number != (endpoint.tls ? 443 : 80)) {
        const char *text = arena_format(arena, STR_FMT ":%u", STR_ARG(host), (unsigned)number);
        if (!text)
            return arena_error(arena);
        endpoint.host = str_of(text);
    }
    *ret_endpoint = endpoint;
    return NULL;
}

/* ---- route ---- */

const char *s3_partition_suffix(Str region)
{
    static const struct {
        const char *prefix, *suffix;
    } partitions[] = {
        {"cn-", "amazonaws.com.cn"},    {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
        {"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"}, {"eusc-", "amazonaws.eu"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(partitions); i++) {
        if (str_starts_with(region, str_of(partitions[i].prefix)))
            return partitions[i].suffix;
    }
    return "amazonaws.com";
}

/* Digits and dots, brackets, or localhost itself: no name to put a bucket in front of. */
static bool host_takes_no_label(Str host)
{
    Str name = str_slice(host, 0, host_bytes(host));
    if (str_starts_with(name, STR("[")) || str_equal(name, STR("localhost")))
        return true;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_digit(name.data[i]) && name.data[i] != '.')
            return false;
    }
    return true;
}

/* `addressing` says VIRTUAL: any name that is a label, also on a server of one's own. AUTO: on AWS alone. */
static bool is_virtual(const S3Endpoint *endpoint, StoreAddressing addressing, Str bucket)
{
    bool is_aws = endpoint->host.len == 0;
    if (bucket.len < BUCKET_LABEL_MIN_BYTES || !is_label(bucket))
        return false;
    switch (addressing) {
    case STORE_ADDRESSING_PATH: return false;
    case STORE_ADDRESSING_VIRTUAL:
        return is_aws || !host_takes_no_label(endpoint->host) || str_starts_with(endpoint->host, STR("localhost"));
    case STORE_ADDRESSING_AUTO: break;
    }
    return is_aws;
}

MUST_USE static Error *set_paths(S3Route *route, Str prefix, Str bucket, bool virtual_host, Arena *arena)
{
    const char *object = virtual_host ? arena_format(arena, STR_FMT "/", STR_ARG(prefix))
                                      : arena_format(arena, STR_FMT "/" STR_FMT "/", STR_ARG(prefix), STR_ARG(bucket));
    if (!object)
        return arena_error(arena);
    route->object_path = str_of(object);
    route->bucket_path =
        virtual_host ? route->object_path : str_slice(route->object_path, 0, route->object_path.len - 1);
    return NULL;
}

/* AWS's host for a region, without the bucket. */
MUST_USE static Error *aws_host(const S3Endpoint *endpoint, Str region, Arena *arena, Str *ret_host)
{
    const char *dualstack = endpoint->dualstack ? ".dualstack" : "";
    const char *text = endpoint->accelerate
                           ? arena_format(arena, "s3-accelerate%s.amazonaws.com", dualstack)
                           : arena_format(arena, "s3%s%s." STR_FMT ".%s", endpoint->fips ? "-fips" : "", dualstack,
                                          STR_ARG(region), s3_partition_suffix(region));
    *ret_host = str_of(text);
    return text ? NULL : arena_error(arena);
}

/* Acceleration has hosts of buckets alone, and none of FIPS. */
MUST_USE static Error *check_accelerated(const S3Endpoint *endpoint, bool virtual_host, Str bucket)
{
    if (endpoint->fips)
        return FAIL(INVALID, "use_accelerate_endpoint and FIPS endpoints exclude each other");
    if (virtual_host)
        return NULL;
    return FAIL(INVALID,
                "use_accelerate_endpoint: the bucket '" STR_FMT
                "' cannot stand in a host name (3 to 63 of a-z, 0-9 and '-', and no path style)",
                STR_ARG(bucket));
}

Error *s3_route_make(const S3Endpoint *endpoint, StoreAddressing addressing, Str bucket, Str region, Arena *arena,
                     S3Route *ret_route)
{
    bool is_aws = endpoint->host.len == 0;
    bool virtual_host = is_virtual(endpoint, addressing, bucket);
    S3Route route = {.region = arena_str(arena, region), .unsigned_payload = is_aws};

    if (!s3_region_is_valid(region))
        return FAIL(INVALID, "'" STR_FMT "' is no region (lower-case letters, digits and hyphens, such as eu-west-1)",
                    STR_ARG(region));
    Str server = endpoint->host;
    if (is_aws && endpoint->accelerate)
        TRY(check_accelerated(endpoint, virtual_host, bucket));
    if (is_aws)
        TRY(aws_host(endpoint, region, arena, &server));
    const char *origin =
        arena_format(arena, "%s://" STR_FMT "%s" STR_FMT, is_aws || endpoint->tls ? "https" : "http",
                     STR_ARG(virtual_host ? bucket : STR_EMPTY), virtual_host ? "." : "", STR_ARG(server));
    if (!origin || !route.region.data)
        return arena_error(arena);
    route.origin = str_of(origin);
    route.host = str_slice(route.origin, str_find(route.origin, STR("://")) + 3, route.origin.len);
    TRY(set_paths(&route, endpoint->path, bucket, virtual_host, arena));
    *ret_route = route;
    return NULL;
}
