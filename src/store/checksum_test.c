#include "store/checksum.h"

#include <stdlib.h>

#include "base/random.h"
#include "base/testing.h"
#include "store/crc.h"

static Bytes text_bytes(const char *text)
{
    return str_bytes(str_of(text));
}

static void assert_text(const Checksum *checksum, const char *expected)
{
    char text[CHECKSUM_TEXT_MAX_BYTES + 8];
    checksum_text(checksum, text);
    assert_string_equal(text, expected);
}

static void test_known_answers(void **state)
{
    (void)state;
    static const uint8_t zeros[4096];
    const struct {
        ChecksumKind kind;
        Bytes data;
        const char *text;
    } rows[] = {
        {CHECKSUM_CRC64NVME, BYTES_EMPTY, "AAAAAAAAAAA="},
        {CHECKSUM_CRC64NVME, text_bytes("123456789"), "rosUhgp5mIg="},
        {CHECKSUM_CRC64NVME, text_bytes("hello"), "M3eFcAZSQlc="},
        {CHECKSUM_CRC64NVME, {zeros, sizeof zeros}, "ZILTZ+sitk4="},
        {CHECKSUM_CRC32C, BYTES_EMPTY, "AAAAAA=="},
        {CHECKSUM_CRC32C, text_bytes("123456789"), "4waSgw=="},
        {CHECKSUM_CRC32C, text_bytes("hello"), "mnG7TA=="},
        {CHECKSUM_CRC32C, {zeros, sizeof zeros}, "mPlBiQ=="},
        {CHECKSUM_CRC32, BYTES_EMPTY, "AAAAAA=="},
        {CHECKSUM_CRC32, text_bytes("123456789"), "y/Q5Jg=="},
        {CHECKSUM_CRC32, text_bytes("hello"), "NhCmhg=="},
        {CHECKSUM_CRC32, {zeros, sizeof zeros}, "xxwAEQ=="},
        {CHECKSUM_MD5, text_bytes("hello"), "XUFAKrxLKna5cZ2REBfFkg=="},
        {CHECKSUM_SHA1, text_bytes("hello"), "qvTGHdzF6KLavt4PO0gs2a6pQ00="},
        {CHECKSUM_SHA256, text_bytes("hello"), "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Checksum checksum = checksum_of(rows[i].kind, rows[i].data);
        assert_text(&checksum, rows[i].text);
        Checksum parsed;
        assert_true(checksum_parse(rows[i].kind, str_of(rows[i].text), &parsed));
        assert_true(checksum_equal(&parsed, &checksum));
    }
}

static void fill_noise(uint8_t *out, size_t len)
{
    Random random;
    random_init_seed(&random, 20);
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)random_u64(&random);
}

/* Every length that meets another path, at every alignment, against the definition bit by bit. */
static uint64_t crc_by_bits(CrcKind kind, uint64_t crc, Bytes data)
{
    static const uint64_t polynomials[CRC_KINDS] = {0xedb88320, 0x82f63b78, 0x9a6c9329ac4bc9b5};
    for (size_t i = 0; i < data.len; i++) {
        crc ^= data.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) ? polynomials[kind] : 0);
    }
    return crc;
}

enum { SMALL_MAX = 300, ALIGNMENTS = 16, LARGE_BYTES = 100003 };

static void test_all_paths_agree(void **state)
{
    (void)state;
    static uint8_t noise[SMALL_MAX + ALIGNMENTS];
    fill_noise(noise, sizeof noise);
    for (CrcKind kind = 0; kind < CRC_KINDS; kind++) {
        for (size_t len = 0; len <= SMALL_MAX; len++) {
            size_t align = len % ALIGNMENTS;
            Bytes data = bytes_from(noise + align, len);
            uint64_t start = crc_add_portable(kind, crc_begin(kind), bytes_from(noise, align));
            assert_true(crc_by_bits(kind, start, data) == crc_add_portable(kind, start, data));
            for (align = 0; align < ALIGNMENTS; align++) {
                data = bytes_from(noise + align, len);
                assert_true(crc_add(kind, start, data) == crc_add_portable(kind, start, data));
            }
        }
    }
}

static void test_pieces_and_combination(void **state)
{
    (void)state;
    static uint8_t noise[LARGE_BYTES];
    fill_noise(noise, sizeof noise);
    Random random;
    random_init_seed(&random, 21);
    for (ChecksumKind kind = CHECKSUM_MD5; kind <= CHECKSUM_SHA256; kind++) {
        Checksum whole = checksum_of(kind, bytes_from(noise, sizeof noise));
        Checksum combined = checksum_of(kind, BYTES_EMPTY);
        ChecksumState pieces;
        checksum_begin(&pieces, kind);
        for (size_t at = 0, len = 0; at < sizeof noise; at += len) {
            len = (size_t)random_below(&random, 5000) + 1;
            if (len > sizeof noise - at)
                len = sizeof noise - at;
            Bytes piece = bytes_from(noise + at, len);
            checksum_add(&pieces, piece);
            if (checksum_is_crc(kind)) {
                Checksum of_piece = checksum_of(kind, piece);
                combined = checksum_combine(&combined, &of_piece, len);
            }
        }
        Checksum ended = checksum_end(&pieces);
        assert_true(checksum_equal(&ended, &whole));
        assert_true(!checksum_is_crc(kind) || checksum_equal(&combined, &whole));
    }
}

/* 2^40 zero bytes, made by doubling, in both orders. */
static void test_combination_of_long_parts(void **state)
{
    (void)state;
    static const uint8_t zeros[4096];
    for (ChecksumKind kind = CHECKSUM_CRC32; kind <= CHECKSUM_CRC64NVME; kind++) {
        Checksum block = checksum_of(kind, bytes_from(zeros, sizeof zeros)), sum = block;
        uint64_t bytes = sizeof zeros;
        for (; bytes < (uint64_t)1 << 40; bytes *= 2)
            sum = checksum_combine(&sum, &sum, bytes);
        Checksum behind = checksum_combine(&sum, &block, sizeof zeros), before = checksum_combine(&block, &sum, bytes);
        assert_true(checksum_equal(&behind, &before));
        assert_false(checksum_equal(&behind, &sum));
    }
}

static void test_texts_of_parts(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool good;
        unsigned parts;
    } rows[] = {
        {"mnG7TA==", true, 0},
        {"mnG7TA==-3", true, 3},
        {"mnG7TA==-10000", true, 10000},
        {"mnG7TA==-0", false, 0},
        {"mnG7TA==-", false, 0},
        {"mnG7TA==-x", false, 0},
        {"mnG7TA==--1", false, 0},
        {"mnG7TA==-9999999", false, 0},
        {"mnG7TA=", false, 0},
        {"mnG7", false, 0},
        {"", false, 0},
        {"AAAAAAAAAAA=", false, 0},
        {"mnG7TA==\n", false, 0},
        {"-3", false, 0},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Checksum checksum;
        bool good = checksum_parse(CHECKSUM_CRC32C, str_of(rows[i].text), &checksum);
        assert_int_equal(good, rows[i].good);
        if (!good)
            continue;
        assert_int_equal(checksum.parts, rows[i].parts);
        assert_text(&checksum, rows[i].text);
    }
    Checksum none;
    assert_false(checksum_parse(CHECKSUM_NONE, STR_EMPTY, &none));
}

static void test_equality(void **state)
{
    (void)state;
    Checksum a = checksum_of(CHECKSUM_CRC32C, text_bytes("hello")), b = a;
    assert_true(checksum_equal(&a, &b));
    b.parts = 1;
    assert_false(checksum_equal(&a, &b));
    b = checksum_of(CHECKSUM_CRC32C, text_bytes("hellp"));
    assert_false(checksum_equal(&a, &b));
    b = checksum_of(CHECKSUM_CRC32, text_bytes("hello"));
    assert_false(checksum_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),          cmocka_unit_test(test_all_paths_agree),
        cmocka_unit_test(test_pieces_and_combination), cmocka_unit_test(test_combination_of_long_parts),
        cmocka_unit_test(test_texts_of_parts),         cmocka_unit_test(test_equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
