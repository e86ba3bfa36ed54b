#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>
#include <zlib.h>

/* libcrypto fails here only without memory or with the algorithm forbidden by a policy: neither leaves anything to go on with. */
static void must(int ok)
{
    ASSERT(ok == 1);
}

struct Sha256 {
    EVP_MD_CTX *context;
};

static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static EVP_MD *fetched_sha256;

static void fetch_sha256(void)
{
    fetched_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(fetched_sha256 != NULL);
}

/* EVP_sha256 makes libcrypto look the implementation up anew for each digest; a fetched one is found once, and kept. */
static const EVP_MD *sha256_algorithm(void)
{
    pthread_once(&fetch_once, fetch_sha256);
    return fetched_sha256;
}

void sha256(Bytes data, uint8_t out[SHA256_BYTES])
{
    must(EVP_Digest(data.data, data.len, out, NULL, sha256_algorithm(), NULL));
}

void hmac_sha256(Bytes key, Bytes data, uint8_t out[SHA256_BYTES])
{
    ASSERT(key.len <= INT32_MAX);
    unsigned len = SHA256_BYTES;
    const uint8_t *input = data.data ? data.data : BYTES_EMPTY.data; /* libcrypto refuses a NULL, even of no bytes */
    must(HMAC(sha256_algorithm(), key.data, (int)key.len, input, data.len, out, &len) != NULL);
}

void md5(Bytes data, uint8_t out[MD5_BYTES])
{
    must(EVP_Digest(data.data, data.len, out, NULL, EVP_md5(), NULL));
}

uint64_t xxh64(Bytes data)
{
    return XXH64(data.data, data.len, 0);
}

uint32_t crc32_ieee(uint32_t crc, Bytes data)
{
    return data.len ? (uint32_t)crc32_z(crc, data.data, data.len) : crc; /* zlib begins anew for a NULL */
}

Sha256 *sha256_new(void)
{
    Sha256 *hash = calloc(1, sizeof *hash);
    if (!hash)
        return NULL;
    hash->context = EVP_MD_CTX_new();
    if (!hash->context) {
        free(hash);
        return NULL;
    }
    must(EVP_DigestInit_ex(hash->context, sha256_algorithm(), NULL));
    return hash;
}

void sha256_free(Sha256 *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

void sha256_update(Sha256 *hash, Bytes data)
{
    must(EVP_DigestUpdate(hash->context, data.data, data.len));
}

void sha256_end(Sha256 *hash, uint8_t out[SHA256_BYTES])
{
    must(EVP_DigestFinal_ex(hash->context, out, NULL));
    must(EVP_DigestInit_ex(hash->context, sha256_algorithm(), NULL));
}

void hex_encode(const uint8_t *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * len] = 0;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const uint8_t *data, size_t len, char *out)
{
    size_t i = 0;
    for (; i + 3 <= len; i += 3, out += 4) {
        uint32_t bits = (uint32_t)data[i] << 16 | (uint32_t)data[i + 1] << 8 | data[i + 2];
        for (unsigned j = 0; j < 4; j++)
            out[j] = base64_digits[bits >> (18 - 6 * j) & 63];
    }
    if (i < len) {
        bool two = len - i == 2;
        uint32_t bits = (uint32_t)data[i] << 16 | (two ? (uint32_t)data[i + 1] << 8 : 0);
        out[0] = base64_digits[bits >> 18 & 63];
        out[1] = base64_digits[bits >> 12 & 63];
        out[2] = two ? base64_digits[bits >> 6 & 63] : '=';
        out[3] = '=';
        out += 4;
    }
    *out = 0;
}

static int base64_value(char c)
{
    const char *found = c ? strchr(base64_digits, c) : NULL;
    return found ? (int)(found - base64_digits) : -1;
}

bool base64_decode(Str text, uint8_t *out, size_t *ret_len)
{
    if (text.len % 4)
        return false;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i += 4) {
        bool last = i + 4 == text.len;
        unsigned padding =
            last ? (unsigned)(text.data[i + 3] == '=') + (text.data[i + 3] == '=' && text.data[i + 2] == '=') : 0;
        uint32_t bits = 0;
        for (unsigned j = 0; j < 4; j++) {
            int value = j < 4 - padding ? base64_value(text.data[i + j]) : 0;
            if (value < 0)
                return false;
            bits = bits << 6 | (uint32_t)value;
        }
        if (bits & ((1u << (8 * padding)) - 1)) /* not canonical: bits that no byte holds */
            return false;
        for (unsigned j = 0; j < 3 - padding; j++)
            out[len++] = (uint8_t)(bits >> (16 - 8 * j));
    }
    *ret_len = len;
    return true;
}
