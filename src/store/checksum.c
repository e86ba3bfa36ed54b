#include "store/checksum.h"

#include <assert.h>
#include <stdio.h>

#include "base/hash.h"
#include "store/crc.h"

enum { PARTS_MAX = 999999 }; /* S3 allows 10,000 */

static const struct {
    const char *name;
    size_t bytes;
    bool is_crc;
    CrcKind crc;
} kinds[] = {
    [CHECKSUM_NONE] = {.name = "none"},
    [CHECKSUM_MD5] = {.name = "MD5", .bytes = MD5_DIGEST_LENGTH},
    [CHECKSUM_CRC32] = {.name = "CRC32", .bytes = 4, .is_crc = true, .crc = CRC_32},
    [CHECKSUM_CRC32C] = {.name = "CRC32C", .bytes = 4, .is_crc = true, .crc = CRC_32C},
    [CHECKSUM_CRC64NVME] = {.name = "CRC64NVME", .bytes = 8, .is_crc = true, .crc = CRC_64NVME},
    [CHECKSUM_SHA1] = {.name = "SHA1", .bytes = SHA_DIGEST_LENGTH},
    [CHECKSUM_SHA256] = {.name = "SHA256", .bytes = SHA256_DIGEST_LENGTH},
};
static_assert((int)SHA256_DIGEST_LENGTH <= (int)CHECKSUM_MAX_BYTES, "the longest digest fits");

size_t checksum_bytes(ChecksumKind kind)
{
    return kinds[kind].bytes;
}

const char *checksum_name(ChecksumKind kind)
{
    return kinds[kind].name;
}

bool checksum_is_crc(ChecksumKind kind)
{
    return kinds[kind].is_crc;
}

bool checksum_equal(const Checksum *a, const Checksum *b)
{
    return a->kind == b->kind && a->parts == b->parts && memcmp(a->value, b->value, checksum_bytes(a->kind)) == 0;
}

bool checksum_parse(ChecksumKind kind, Str text, Checksum *ret_checksum)
{
    Checksum checksum = {.kind = kind};
    size_t dash = str_find_char(text, '-'), len = 0;
    if (dash != SIZE_MAX) {
        uint64_t parts;
        if (!str_to_u64(str_slice(text, dash + 1, SIZE_MAX), &parts) || parts == 0 || parts > PARTS_MAX)
            return false;
        checksum.parts = (unsigned)parts;
        text = str_slice(text, 0, dash);
    }
    uint8_t value[CHECKSUM_TEXT_MAX_BYTES];
    if (kind == CHECKSUM_NONE || text.len >= CHECKSUM_TEXT_MAX_BYTES || !base64_decode(text, value, &len)
        || len != checksum_bytes(kind))
        return false;
    memcpy(checksum.value, value, len);
    *ret_checksum = checksum;
    return true;
}

void checksum_text(const Checksum *checksum, char out[CHECKSUM_TEXT_MAX_BYTES + 8])
{
    ASSERT(checksum->parts <= PARTS_MAX);
    base64_encode(checksum->value, checksum_bytes(checksum->kind), out);
    if (checksum->parts)
        snprintf(out + strlen(out), CHECKSUM_TEXT_MAX_BYTES + 8 - strlen(out), "-%u", checksum->parts);
}

void checksum_begin(ChecksumState *state, ChecksumKind kind)
{
    state->kind = kind;
    if (checksum_is_crc(kind))
        state->crc = crc_begin(kinds[kind].crc);
    else if (kind == CHECKSUM_MD5)
        MD5_Init(&state->md5);
    else if (kind == CHECKSUM_SHA1)
        SHA1_Init(&state->sha1);
    else if (kind == CHECKSUM_SHA256)
        SHA256_Init(&state->sha256);
}

void checksum_add(ChecksumState *state, Bytes data)
{
    if (checksum_is_crc(state->kind))
        state->crc = crc_add(kinds[state->kind].crc, state->crc, data);
    else if (state->kind == CHECKSUM_MD5)
        MD5_Update(&state->md5, data.data, data.len);
    else if (state->kind == CHECKSUM_SHA1)
        SHA1_Update(&state->sha1, data.data, data.len);
    else if (state->kind == CHECKSUM_SHA256)
        SHA256_Update(&state->sha256, data.data, data.len);
}

static Checksum crc_checksum(ChecksumKind kind, uint64_t crc)
{
    Checksum checksum = {.kind = kind};
    for (size_t i = checksum_bytes(kind); i > 0; i--, crc >>= 8)
        checksum.value[i - 1] = (uint8_t)crc;
    return checksum;
}

Checksum checksum_end(ChecksumState *state)
{
    if (checksum_is_crc(state->kind))
        return crc_checksum(state->kind, crc_end(kinds[state->kind].crc, state->crc));
    Checksum checksum = {.kind = state->kind};
    if (state->kind == CHECKSUM_MD5)
        MD5_Final(checksum.value, &state->md5);
    else if (state->kind == CHECKSUM_SHA1)
        SHA1_Final(checksum.value, &state->sha1);
    else if (state->kind == CHECKSUM_SHA256)
        SHA256_Final(checksum.value, &state->sha256);
    return checksum;
}

Checksum checksum_of(ChecksumKind kind, Bytes data)
{
    ChecksumState state;
    checksum_begin(&state, kind);
    checksum_add(&state, data);
    return checksum_end(&state);
}

static uint64_t crc_value(const Checksum *checksum)
{
    uint64_t value = 0;
    for (size_t i = 0; i < checksum_bytes(checksum->kind); i++)
        value = value << 8 | checksum->value[i];
    return value;
}

Checksum checksum_combine(const Checksum *a, const Checksum *b, uint64_t b_bytes)
{
    ASSERT(checksum_is_crc(a->kind));
    ASSERT(a->kind == b->kind);
    ASSERT(a->parts == 0 && b->parts == 0);
    return crc_checksum(a->kind, crc_combine(kinds[a->kind].crc, crc_value(a), crc_value(b), b_bytes));
}
