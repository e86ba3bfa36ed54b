#include "store/store_url.h"

/* AWS buckets of before 2018 may have 255 characters, upper case and '_'. */
enum { BUCKET_MAX_BYTES = 255 };

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_scheme_char(char c)
{
    return is_alphanumeric(c) || c == '+' || c == '-' || c == '.';
}

/* The length of the name before "://", or 0. */
static size_t scheme_bytes(Str text)
{
    size_t len = 0;
    while (len < text.len && is_scheme_char(text.data[len]))
        len++;
    return str_starts_with(str_slice(text, len, text.len), STR("://")) ? len : 0;
}

/* Letters, digits and ".-_", beginning with one of the first two: so that no bucket is "..", a query or another host. */
static bool bucket_is_valid(Str bucket)
{
    if (bucket.len == 0 || bucket.len > BUCKET_MAX_BYTES || !is_alphanumeric(bucket.data[0]))
        return false;
    for (size_t i = 0; i < bucket.len; i++) {
        char c = bucket.data[i];
        if (!is_alphanumeric(c) && c != '.' && c != '-' && c != '_')
            return false;
    }
    return true;
}

MUST_USE static Error *parse_s3(Str text, StoreUrl *ret_url)
{
    Str rest = str_slice(text, 5, text.len);
    if (str_starts_with(rest, STR("arn:")))
        return FAIL(UNSUPPORTED,
                    "'" STR_FMT "': access point ARNs are not supported: name the bucket, s3://bucket/prefix",
                    STR_ARG(text));
    size_t slash = str_find_char(rest, '/');
    Str bucket = str_slice(rest, 0, slash);
    if (!bucket_is_valid(bucket))
        return FAIL(INVALID,
                    "'" STR_FMT "': '" STR_FMT "' cannot be a bucket's name (letters, digits, '.', '-', '_'): write "
                    "s3://bucket/prefix",
                    STR_ARG(text), STR_ARG(bucket));
    Str prefix = slash == SIZE_MAX ? STR_EMPTY : str_slice(rest, slash + 1, rest.len);
    *ret_url = (StoreUrl){STORE_SCHEME_S3, bucket, prefix};
    return NULL;
}

MUST_USE static Error *parse_file(Str text, Str path, StoreUrl *ret_url)
{
    if (path.len == 0)
        return FAIL(INVALID, "'" STR_FMT "': the path is empty: write file:///directory or a path", STR_ARG(text));
    *ret_url = (StoreUrl){STORE_SCHEME_FILE, STR_EMPTY, path};
    return NULL;
}

MUST_USE static Error *parse_file_url(Str text, StoreUrl *ret_url)
{
    Str rest = str_slice(text, 5, text.len);
    if (!str_starts_with(rest, STR("//")))
        return parse_file(text, rest, ret_url);

    Str authority_and_path = str_slice(rest, 2, rest.len);
    size_t slash = str_find_char(authority_and_path, '/');
    Str host = str_slice(authority_and_path, 0, slash);
    if (host.len != 0 && !str_equal(host, STR("localhost")))
        return FAIL(INVALID,
                    "'" STR_FMT "': '" STR_FMT "' stands where a host's name does: write file:///directory with three "
                    "slashes, or the bare path",
                    STR_ARG(text), STR_ARG(host));
    Str path = slash == SIZE_MAX ? STR_EMPTY : str_slice(authority_and_path, slash, authority_and_path.len);
    return parse_file(text, path, ret_url);
}

Error *store_url_parse(Str text, StoreUrl *ret_url)
{
    if (text.len > 0 && memchr(text.data, '\0', text.len))
        return FAIL(INVALID, "a URL or path cannot hold a NUL byte");
    if (str_starts_with(text, STR("s3://")))
        return parse_s3(text, ret_url);
    if (str_starts_with(text, STR("file:")))
        return parse_file_url(text, ret_url);
    if (str_starts_with(text, STR("s3:")))
        return FAIL(INVALID, "'" STR_FMT "': write s3://bucket/prefix with two slashes", STR_ARG(text));
    size_t scheme = scheme_bytes(text);
    if (scheme > 0)
        return FAIL(UNSUPPORTED,
                    "'" STR_FMT "': '" STR_FMT "' is not a kind of store: use s3://bucket/prefix, file:///path "
                    "or a path",
                    STR_ARG(text), (int)scheme, text.data);
    return parse_file(text, text, ret_url);
}
