/* checksum.h - digests that servers keep beside objects, computed while the bytes pass.
 *
 * The CRCs can be combined: that of A and B together from those of A and of B, so that parts may arrive in any order. Values are
 * big-endian, as S3's headers have them in base64. Pure computation; a ChecksumState belongs to one thread at a time.
 * Source: spec/s3.md 1.13, 3.12, 5.1. */
#ifndef STORE_CHECKSUM_H
#define STORE_CHECKSUM_H

#define OPENSSL_SUPPRESS_DEPRECATED /* the digests' states as plain values: no allocation for each object */
#include <openssl/md5.h>
#include <openssl/sha.h>

#include "base/error.h"
#include "base/str.h"

/* The weakest first. */
typedef enum ChecksumKind {
    CHECKSUM_NONE,
    CHECKSUM_MD5, /* an ETag that is one, or Content-MD5 */
    CHECKSUM_CRC32,
    CHECKSUM_CRC32C,
    CHECKSUM_CRC64NVME,
    CHECKSUM_SHA1,
    CHECKSUM_SHA256,
} ChecksumKind;

enum { CHECKSUM_MAX_BYTES = 32, CHECKSUM_TEXT_MAX_BYTES = 45 };

typedef struct Checksum {
    ChecksumKind kind;
    unsigned
        parts; /* 0: of the content; else of the checksums of that many parts, which says nothing about the bytes as a whole */
    uint8_t value[CHECKSUM_MAX_BYTES];
} Checksum;

size_t checksum_bytes(ChecksumKind kind);     /* 0 for NONE */
const char *checksum_name(ChecksumKind kind); /* "CRC64NVME", as S3 writes it */
bool checksum_is_crc(ChecksumKind kind);      /* checksum_combine works */
bool checksum_equal(const Checksum *a, const Checksum *b);
/* From a header's value, "rosUhgp5mIg=" or with "-3" behind it. False when it is not one of that kind. */
bool checksum_parse(ChecksumKind kind, Str text, Checksum *ret_checksum);
/* Base64, "-3" behind it where there are parts, and a NUL. */
void checksum_text(const Checksum *checksum, char out[CHECKSUM_TEXT_MAX_BYTES + 8]);

typedef struct ChecksumState {
    ChecksumKind kind;
    union {
        uint64_t crc;
        MD5_CTX md5;
        SHA_CTX sha1;
        SHA256_CTX sha256;
    };
} ChecksumState;

void checksum_begin(ChecksumState *state, ChecksumKind kind);
void checksum_add(ChecksumState *state, Bytes data);
Checksum checksum_end(ChecksumState *state);
Checksum checksum_of(ChecksumKind kind, Bytes data);

/* Of A followed by B; both of one CRC kind. */
Checksum checksum_combine(const Checksum *a, const Checksum *b, uint64_t b_bytes);

#endif
