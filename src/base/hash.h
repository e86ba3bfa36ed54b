/* hash.h - digests (libcrypto, libxxhash) and their text. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/macros.h"
#include "base/str.h"

enum { SHA256_BYTES = 32, SHA256_HEX_BYTES = 64, MD5_BYTES = 16 };

void sha256(Bytes data, uint8_t out[SHA256_BYTES]);
void hmac_sha256(Bytes key, Bytes data, uint8_t out[SHA256_BYTES]);
void md5(Bytes data, uint8_t out[MD5_BYTES]);  /* for ETags and Content-MD5, never for trust */
uint64_t xxh64(Bytes data);                    /* seed 0; the shard of a key */
uint32_t crc32_ieee(uint32_t crc, Bytes data); /* start with 0; zlib's, used by Parquet pages */

/* A digest over pieces. */
typedef struct Sha256 Sha256;
Sha256 *sha256_new(void) MUST_USE; /* NULL without memory */
void sha256_free(Sha256 *hash);
DEFINE_FREEP(Sha256, sha256_free)
void sha256_update(Sha256 *hash, Bytes data);
void sha256_end(Sha256 *hash, uint8_t out[SHA256_BYTES]); /* and begins anew */

/* 2 * len lower-case digits and a NUL. */
void hex_encode(const uint8_t *data, size_t len, char *out);
/* Base64 of RFC 4648 with padding: (len + 2) / 3 * 4 characters and a NUL. */
void base64_encode(const uint8_t *data, size_t len, char *out);
/* `out` has room for text.len / 4 * 3 bytes. False on anything that is not canonical base64. */
bool base64_decode(Str text, uint8_t *out, size_t *ret_len);

#endif
