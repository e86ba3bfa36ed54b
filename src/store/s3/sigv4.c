#include "store/s3/sigv4.h"

#include <string.h>

enum { HMAC_BLOCK_BYTES = 64 };

static void hex_of(const uint8_t digest[SHA256_BYTES], char out[SIGV4_HEX_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
}

/* The state of SHA-256 after a block of `key` xor `pad`. */
static void hmac_state(SHA256_CTX *state, Bytes key, uint8_t pad)
{
    uint8_t block[HMAC_BLOCK_BYTES];
    ASSERT(key.len <= sizeof(block));
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (uint8_t)((i < key.len ? key.data[i] : 0) ^ pad);
    SHA256_Init(state);
    SHA256_Update(state, block, sizeof(block));
    explicit_bzero(block, sizeof(block));
}

/* The first link's key: "AWS4" and the secret, hashed when longer than a block (RFC 2104). */
static void first_key(Str secret, uint8_t out[HMAC_BLOCK_BYTES], size_t *ret_len)
{
    SHA256_CTX hash;
    if (secret.len + 4 <= HMAC_BLOCK_BYTES) {
        memcpy(out, "AWS4", 4);
        memcpy(out + 4, secret.data, secret.len);
        *ret_len = secret.len + 4;
        return;
    }
    SHA256_Init(&hash);
    SHA256_Update(&hash, "AWS4", 4);
    SHA256_Update(&hash, secret.data, secret.len);
    SHA256_Final(out, &hash);
    *ret_len = SHA256_BYTES;
}

Error *signing_key_init(SigningKey *key, Str secret, Str date, Str region, Str service)
{
    uint8_t link[HMAC_BLOCK_BYTES];
    size_t len;
    Str last = STR("aws4_request");

    ASSERT(date.len == SIGV4_DATE_BYTES);
    key->scope_len = 0;
    const Str parts[] = {date, STR("/"), region, STR("/"), service, STR("/"), last};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i].len > sizeof(key->scope) - key->scope_len)
            return FAIL(INVALID, "the region '" STR_FMT "' is too long to sign for", STR_ARG(region));
        memcpy(key->scope + key->scope_len, parts[i].data, parts[i].len);
        key->scope_len += parts[i].len;
    }

    first_key(secret, link, &len);
    const Str chain[] = {date, region, service, last};
    for (size_t i = 0; i < ARRAY_COUNT(chain); i++) {
        uint8_t next[SHA256_BYTES];
        hmac_sha256(bytes_from(link, len), str_bytes(chain[i]), next);
        memcpy(link, next, sizeof(next));
        len = sizeof(next);
        explicit_bzero(next, sizeof(next));
    }
    hmac_state(&key->inner, bytes_from(link, len), 0x36);
    hmac_state(&key->outer, bytes_from(link, len), 0x5c);
    explicit_bzero(link, sizeof(link));
    return NULL;
}

static void finish_hmac(const SigningKey *key, SHA256_CTX *inner, char ret_hex[SIGV4_HEX_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    SHA256_CTX outer = key->outer;
    SHA256_Final(digest, inner);
    SHA256_Update(&outer, digest, sizeof(digest));
    SHA256_Final(digest, &outer);
    hex_of(digest, ret_hex);
}

void signing_key_sign(const SigningKey *key, Str text, char ret_hex[SIGV4_HEX_BYTES])
{
    SHA256_CTX inner = key->inner;
    SHA256_Update(&inner, text.data, text.len);
    finish_hmac(key, &inner, ret_hex);
}

/* ---- the canonical request, hashed piece by piece ---- */

/* Pieces are short: they are gathered before SHA256_Update sees them. */
typedef struct Hashing {
    SHA256_CTX state;
    size_t len;
    char gathered[512];
} Hashing;

static void hash_flush(Hashing *hashing)
{
    SHA256_Update(&hashing->state, hashing->gathered, hashing->len);
    hashing->len = 0;
}

static void hash_str(Hashing *hashing, Str text)
{
    if (text.len > sizeof(hashing->gathered) - hashing->len)
        hash_flush(hashing);
    if (text.len > sizeof(hashing->gathered)) {
        SHA256_Update(&hashing->state, text.data, text.len);
        return;
    }
    memcpy(hashing->gathered + hashing->len, text.data, text.len);
    hashing->len += text.len;
}

/* Trimmed, inner runs of spaces as one. */
static void hash_header_value(Hashing *hashing, Str value)
{
    Str rest = str_trim(value);
    size_t run;
    while ((run = str_find(rest, STR("  "))) != SIZE_MAX) {
        hash_str(hashing, str_slice(rest, 0, run + 1));
        while (run < rest.len && rest.data[run] == ' ')
            run++;
        rest = str_slice(rest, run, rest.len);
    }
    hash_str(hashing, rest);
}

static void hash_signed_names(Hashing *hashing, const SigningInput *input)
{
    for (size_t i = 0; i < input->header_count; i++) {
        if (i > 0)
            hash_str(hashing, STR(";"));
        hash_str(hashing, input->headers[i].name);
    }
}

static void hash_canonical_request(const SigningInput *input, char ret_hex[SIGV4_HEX_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    Hashing hashing = {.len = 0};

    SHA256_Init(&hashing.state);
    hash_str(&hashing, input->method);
    hash_str(&hashing, STR("\n"));
    hash_str(&hashing, input->path);
    hash_str(&hashing, STR("\n"));
    hash_str(&hashing, input->query);
    hash_str(&hashing, STR("\n"));
    for (size_t i = 0; i < input->header_count; i++) {
        ASSERT(i == 0 || str_compare(input->headers[i - 1].name, input->headers[i].name) < 0);
        hash_str(&hashing, input->headers[i].name);
        hash_str(&hashing, STR(":"));
        hash_header_value(&hashing, input->headers[i].value);
        hash_str(&hashing, STR("\n"));
    }
    hash_str(&hashing, STR("\n"));
    hash_signed_names(&hashing, input);
    hash_str(&hashing, STR("\n"));
    hash_str(&hashing, input->payload);
    hash_flush(&hashing);
    SHA256_Final(digest, &hashing.state);
    hex_of(digest, ret_hex);
}

void sigv4_signature(const SigningKey *key, const SigningInput *input, char ret_hex[SIGV4_HEX_BYTES])
{
    char request_hex[SIGV4_HEX_BYTES];
    Hashing hashing = {.state = key->inner};

    ASSERT(input->time.len == SIGV4_TIME_BYTES && memcmp(input->time.data, key->scope, SIGV4_DATE_BYTES) == 0);
    hash_canonical_request(input, request_hex);
    hash_str(&hashing, STR("AWS4-HMAC-SHA256\n"));
    hash_str(&hashing, input->time);
    hash_str(&hashing, STR("\n"));
    hash_str(&hashing, str_from(key->scope, key->scope_len));
    hash_str(&hashing, STR("\n"));
    hash_str(&hashing, str_from(request_hex, sizeof(request_hex)));
    hash_flush(&hashing);
    finish_hmac(key, &hashing.state, ret_hex);
}

Error *sigv4_append_authorization(Buffer *out, const SigningKey *key, Str access_key_id, const SigningInput *input)
{
    char signature[SIGV4_HEX_BYTES];

    sigv4_signature(key, input, signature);
    TRY(buffer_append_str(out, STR("AWS4-HMAC-SHA256 Credential=")));
    TRY(buffer_append_str(out, access_key_id));
    TRY(buffer_append_str(out, STR("/")));
    TRY(buffer_append(out, key->scope, key->scope_len));
    TRY(buffer_append_str(out, STR(", SignedHeaders=")));
    for (size_t i = 0; i < input->header_count; i++) {
        if (i > 0)
            TRY(buffer_append_byte(out, ';'));
        TRY(buffer_append_str(out, input->headers[i].name));
    }
    TRY(buffer_append_str(out, STR(", Signature=")));
    return buffer_append(out, signature, sizeof(signature));
}
