/* Blocks of our decoder beside libbz2: the same texts, the same verdicts. */
#include <bzlib.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/testing.h"
#include "codec/bzip2_block.h"
#include "codec/bzip2_split.h"

#define TEXT_MAX_BYTES ((size_t)1 * MIB)

/* ---- both ways ---- */

static void append_bzip2(Buffer *out, Bytes text, int level)
{
    unsigned room = (unsigned)(text.len + text.len / 50 + 1000);
    assert_ok(buffer_reserve(out, room));
    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out->data + out->len, &room, (char *)(uintptr_t)text.data,
                                              (unsigned)text.len, level, 0, 0),
                     BZ_OK);
    buffer_grown(out, room);
}

static bool libbz2_takes(Bytes stream, Buffer *text)
{
    unsigned len = (unsigned)TEXT_MAX_BYTES;
    buffer_clear(text);
    assert_ok(buffer_reserve(text, len));
    int code = BZ2_bzBuffToBuffDecompress((char *)text->data, &len, (char *)(uintptr_t)stream.data,
                                          (unsigned)stream.len, 0, 0);
    text->len = code == BZ_OK ? len : 0;
    return code == BZ_OK;
}

/* Of each block at least the wanted bytes. */
static Error *decode_stream(Bzip2Decoder *decoder, Bytes stream, size_t wanted_bytes, Buffer *text)
{
    Bzip2Split split;
    Bzip2SplitResult result = BZIP2_BLOCK;
    CLEANUP(buffer_done) Buffer bytes = {0};
    bzip2_split_init(&split);
    Error *error = buffer_append(&split.input, stream.data, stream.len);
    while (!error && result == BZIP2_BLOCK) {
        Bzip2Block block;
        error = bzip2_split_next(&split, true, &bytes, &block, &result);
        if (!error && result == BZIP2_BLOCK)
            error = bzip2_block_decode(decoder, &block, wanted_bytes, text);
    }
    bzip2_split_done(&split);
    return error;
}

static Bzip2Decoder *decoder_of(Bzip2Speed speed)
{
    Bzip2Decoder *decoder = NULL;
    assert_ok(bzip2_decoder_new(speed, &decoder));
    return decoder;
}

static void assert_same_text(Bzip2Decoder *decoder, Bytes packed, Bytes text)
{
    CLEANUP(buffer_done) Buffer again = {0};
    assert_ok(decode_stream(decoder, packed, BZIP2_WHOLE_TEXT, &again));
    assert_int_equal(again.len, text.len);
    assert_true(text.len == 0 || memcmp(again.data, text.data, text.len) == 0);
}

/* ---- texts ---- */

typedef enum TextKind { ONE_BYTE, TWO_BYTES, WORDS, RANDOM, FEW_RANDOM, SKEWED, RUNS, EVERY_BYTE, KINDS } TextKind;

static uint8_t byte_of(TextKind kind, size_t at, Random *random)
{
    static const char words[] = "the block sorting lossless data compression algorithm of Burrows and Wheeler\n";
    switch (kind) {
    case ONE_BYTE: return 'a';
    case TWO_BYTES: return at % 2 ? 'b' : 'a'; /* the whole text is a repetition: its rows are in many cycles */
    case WORDS:
        return random_below(random, 20) ? (uint8_t)words[at % strlen(words)] : (uint8_t)random_below(random, 99);
    case RANDOM: return (uint8_t)random_below(random, 256);
    case FEW_RANDOM: return (uint8_t)('0' + random_below(random, 40));
    case SKEWED:
        return (uint8_t)__builtin_clz((unsigned)random_below(random, UINT32_MAX) | 1); /* codes of all lengths */
    case RUNS: return (uint8_t)(at / 7 % 3 ? 'x' : random_below(random, 3));
    case EVERY_BYTE: return (uint8_t)at;
    case KINDS: break;
    }
    return 0;
}

static void append_text(Buffer *text, TextKind kind, size_t len, uint64_t seed)
{
    Random random;
    random_init_seed(&random, seed);
    assert_ok(buffer_reserve(text, len + 1));
    for (size_t i = 0; i < len; i++)
        text->data[i] = byte_of(kind, i, &random);
    buffer_grown(text, len);
}

static void test_texts_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 5, 63, 64, 65, 8191, 8193, 70000, 250000};
    (void)state;
    for (Bzip2Speed speed = BZIP2_FAST; speed <= BZIP2_PLAIN; speed++) {
        CLEANUP(bzip2_decoder_freep) Bzip2Decoder *decoder = decoder_of(speed);
        for (size_t i = 0; i < ARRAY_COUNT(sizes) * KINDS; i++) {
            CLEANUP(buffer_done) Buffer text = {0}, packed = {0};
            append_text(&text, i % KINDS, sizes[i / KINDS], i);
            append_bzip2(&packed, buffer_bytes(&text), 1);
            assert_same_text(decoder, buffer_bytes(&packed), buffer_bytes(&text));
        }
    }
}

/* Whole blocks of each level. */
static void test_levels(void **state)
{
    CLEANUP(bzip2_decoder_freep) Bzip2Decoder *decoder = decoder_of(BZIP2_FAST);
    (void)state;
    for (int level = 1; level <= 9; level++) {
        CLEANUP(buffer_done) Buffer text = {0}, packed = {0};
        append_text(&text, level % 2 ? WORDS : RANDOM, (size_t)level * 110000, (uint64_t)level);
        append_bzip2(&packed, buffer_bytes(&text), level);
        assert_same_text(decoder, buffer_bytes(&packed), buffer_bytes(&text));
    }
}

/* Runs of every length up to where one ends and another begins, between others or at either end. */
static void test_run_lengths(void **state)
{
    CLEANUP(bzip2_decoder_freep) Bzip2Decoder *decoder = decoder_of(BZIP2_FAST);
    (void)state;
    for (size_t len = 1; len < 600; len++) {
        static const char *const around[][2] = {{"", ""}, {"b", ""}, {"", "b"}, {"bbb", "bbbb"}};
        for (size_t i = 0; i < ARRAY_COUNT(around); i++) {
            CLEANUP(buffer_done) Buffer text = {0}, packed = {0};
            assert_ok(buffer_append_str(&text, str_of(around[i][0])));
            append_text(&text, ONE_BYTE, len, 1);
            assert_ok(buffer_append_str(&text, str_of(around[i][1])));
            append_bzip2(&packed, buffer_bytes(&text), 1);
            assert_same_text(decoder, buffer_bytes(&packed), buffer_bytes(&text));
        }
    }
}

static void test_beginnings(void **state)
{
    enum { TEXT_BYTES = 90000 };
    static const size_t wanted[] = {
        0, 1, 4, 5, 100, 8192, BZIP2_BEGINNING_MAX_BYTES, 29999, TEXT_BYTES, TEXT_BYTES + 1};
    unsigned beginnings[KINDS] = {0}; /* that were made alone; of what runs make small, all is */
    CLEANUP(bzip2_decoder_freep) Bzip2Decoder *decoder = decoder_of(BZIP2_FAST);
    (void)state;
    for (TextKind kind = 0; kind < KINDS; kind++) {
        CLEANUP(buffer_done) Buffer text = {0}, packed = {0};
        append_text(&text, kind, TEXT_BYTES, kind);
        append_bzip2(&packed, buffer_bytes(&text), 1);
        for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
            CLEANUP(buffer_done) Buffer begin = {0};
            assert_ok(decode_stream(decoder, buffer_bytes(&packed), wanted[i], &begin));
            assert_true(begin.len >= MIN(wanted[i], text.len));
            assert_true(begin.len <= text.len);
            if (wanted[i] <= BZIP2_BEGINNING_MAX_BYTES && begin.len <= wanted[i] * BZIP2_TEXT_RATIO_MAX)
                beginnings[kind]++;
            assert_true(begin.len == 0 || memcmp(begin.data, text.data, begin.len) == 0);
        }
    }
    assert_int_equal(beginnings[RANDOM], 7);
    assert_int_equal(beginnings[WORDS], 7);
}

/* ---- damage ---- */

enum { RANDOMISED_BIT = 8 * 4 + 48 + 32 };

/* Both refuse, or both give the same; ours refuses also what is randomised. */
static bool same_verdict(Bzip2Decoder *decoder, Bytes stream, Buffer *scratch)
{
    CLEANUP(buffer_done) Buffer ours = {0};
    bool taken = libbz2_takes(stream, scratch);
    Error *error = decode_stream(decoder, stream, BZIP2_WHOLE_TEXT, &ours);
    ErrorCode code = error_code(error);
    bool randomised = code == ERR_CORRUPT && strstr(error_message_view(error), "randomised");
    error_free(error);
    return code == ERR_OK ? taken && str_equal(buffer_str(&ours), buffer_str(scratch))
                          : code == ERR_CORRUPT && (!taken || randomised);
}

static void test_flipped_bits(void **state)
{
    (void)state;
    for (Bzip2Speed speed = BZIP2_FAST; speed <= BZIP2_PLAIN; speed++) {
        CLEANUP(bzip2_decoder_freep) Bzip2Decoder *decoder = decoder_of(speed);
        for (TextKind kind = 0; kind < KINDS; kind++) {
            CLEANUP(buffer_done) Buffer text = {0}, packed = {0}, scratch = {0};
            append_text(&text, kind, 400, kind);
            append_bzip2(&packed, buffer_bytes(&text), 1);
            for (size_t bit = 0; bit < 8 * packed.len; bit++) {
                packed.data[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
                assert_true(same_verdict(decoder, buffer_bytes(&packed), &scratch));
                packed.data[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            }
        }
    }
}

/* In a copy of exactly its size, so that reading behind it is seen. */
static void test_cut_blocks(void **state)
{
    CLEANUP(bzip2_decoder_freep) Bzip2Decoder *decoder = decoder_of(BZIP2_FAST);
    CLEANUP(buffer_done) Buffer text = {0}, packed = {0}, out = {0};
    (void)state;
    append_text(&text, WORDS, 2000, 1);
    append_bzip2(&packed, buffer_bytes(&text), 1);
    for (size_t len = 11; len < packed.len; len++) { /* the end mark and a checksum are the last ten bytes */
        uint8_t *copy = malloc(len);
        memcpy(copy, packed.data, len);
        Bzip2Block block = {bytes_from(copy, len), 32, 8 * len, 1};
        assert_fails(bzip2_block_decode(decoder, &block, BZIP2_WHOLE_TEXT, &out), ERR_CORRUPT);
        free(copy);
    }
}

/* A randomised block of fewer than 618 bytes is like any other: libbz2 reads it, we leave it to libbz2. */
static void test_randomised(void **state)
{
    CLEANUP(bzip2_decoder_freep) Bzip2Decoder *decoder = decoder_of(BZIP2_FAST);
    CLEANUP(buffer_done) Buffer text = {0}, packed = {0}, again = {0};
    (void)state;
    append_text(&text, WORDS, 500, 1);
    append_bzip2(&packed, buffer_bytes(&text), 1);
    packed.data[RANDOMISED_BIT / 8] |= 0x80 >> RANDOMISED_BIT % 8;
    assert_true(libbz2_takes(buffer_bytes(&packed), &again));
    assert_fails_saying(decode_stream(decoder, buffer_bytes(&packed), 1, &again), ERR_CORRUPT, "randomised");
}

/* ---- blocks made by hand ---- */

/* A block of the one byte 'a': symbols 0 and 1 are the digits of its number, 2 is the end. */
typedef struct Handmade {
    const char *name;
    unsigned tables, selectors, origin;
    unsigned lengths[3];
    const char *codes; /* bits of the digits and the end */
    const char *text_says;
    bool is_good;
} Handmade;

static void put(Buffer *out, size_t *bits, uint64_t value, unsigned count)
{
    while (count-- > 0) {
        if (*bits % 8 == 0)
            assert_ok(buffer_append_byte(out, 0));
        out->data[*bits / 8] |= (uint8_t)((value >> count & 1) << (7 - *bits % 8));
        ++*bits;
    }
}

static uint32_t crc_of(const char *text, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= (uint32_t)(uint8_t)text[i] << 24;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
    }
    return ~crc;
}

static void put_lengths(Buffer *out, size_t *bits, const unsigned lengths[3])
{
    unsigned now = lengths[0] & 31;
    put(out, bits, now, 5);
    for (unsigned i = 0; i < 3; i++) {
        for (; now < lengths[i]; now++)
            put(out, bits, 2, 2);
        for (; now > lengths[i]; now--)
            put(out, bits, 3, 2);
        put(out, bits, 0, 1);
    }
}

static void make_by_hand(const Handmade *made, Buffer *out)
{
    size_t bits = 0;
    uint32_t crc = crc_of(made->text_says, strlen(made->text_says));
    put(out, &bits, 0x425a6831, 32); /* BZh1 */
    put(out, &bits, 0x314159265359, 48);
    put(out, &bits, crc, 32);
    put(out, &bits, made->origin, 25);
    put(out, &bits, 1u << ('a' / 16 ^ 15), 16);
    put(out, &bits, 1u << ('a' % 16 ^ 15), 16);
    put(out, &bits, made->tables, 3);
    put(out, &bits, made->selectors, 15);
    for (unsigned i = 0; i < made->selectors; i++)
        put(out, &bits, 0, 1);
    for (unsigned i = 0; i < made->tables; i++)
        put_lengths(out, &bits, made->lengths);
    for (const char *code = made->codes; *code; code++)
        put(out, &bits, *code == '1', 1);
    put(out, &bits, 0x177245385090, 48);
    put(out, &bits, crc, 32);
}

/* clang-format off: a line for each */
#define ZEROS_18 "000000000000000000"
static const Handmade handmade[] = {
    {"the least",
     2,
     1,
     0,
     {1, 2, 2},
     "0"
     "11",
     "a",
     true},
    {"the digit 2",
     2,
     1,
     1,
     {1, 2, 2},
     "10"
     "11",
     "aa",
     true},
    {"more selectors than groups",
     6,
     18002,
     0,
     {1, 2, 2},
     "0"
     "11",
     "a",
     true},
    {"more selectors than a block can use",
     2,
     18003,
     0,
     {1, 2, 2},
     "0"
     "11",
     "a",
     true},
    {"as many as can be said",
     2,
     32767,
     0,
     {1, 2, 2},
     "0"
     "11",
     "a",
     true},
    {"codes left over",
     2,
     1,
     0,
     {2, 2, 3},
     "00"
     "100",
     "a",
     true},
    {"a code that is left over",
     2,
     1,
     0,
     {2, 2, 3},
     "00"
     "111",
     "a",
     false},
    {"long codes", 2, 1, 0, {20, 20, 20}, ZEROS_18 "00" ZEROS_18 "10", "a", true},
    {"11 bits",
     2,
     1,
     0,
     {11, 10, 11},
     "00000000010"
     "00000000011",
     "a",
     true},
    {"a long code that is left over", 2, 1, 0, {20, 20, 20}, ZEROS_18 "00" ZEROS_18 "11", "a", false},
    {"more codes than there are, the end is one of them",
     2,
     1,
     0,
     {1, 2, 1},
     "0"
     "1",
     "a",
     true},
    {"more codes than there are, the end is not reached",
     2,
     1,
     0,
     {1, 1, 1},
     "0"
     "1",
     "a",
     false},
    {"no selectors",
     2,
     0,
     0,
     {1, 2, 2},
     "0"
     "11",
     "a",
     false},
    {"one table",
     1,
     1,
     0,
     {1, 2, 2},
     "0"
     "11",
     "a",
     false},
    {"seven tables",
     7,
     1,
     0,
     {1, 2, 2},
     "0"
     "11",
     "a",
     false},
    {"no tables",
     0,
     1,
     0,
     {1, 2, 2},
     "0"
     "11",
     "a",
     false},
    {"a code of no bits",
     2,
     1,
     0,
     {0, 2, 2},
     "0"
     "11",
     "a",
     false},
    {"a code of 21 bits",
     2,
     1,
     0,
     {1, 21, 2},
     "0"
     "11",
     "a",
     false},
    {"no such origin",
     2,
     1,
     1,
     {1, 2, 2},
     "0"
     "11",
     "a",
     false},
    {"an origin beyond any block",
     2,
     1,
     0xffffff,
     {1, 2, 2},
     "0"
     "11",
     "a",
     false},
    {"nothing", 2, 1, 0, {1, 2, 2}, "11", "", false},
    {"three",
     2,
     1,
     0,
     {1, 2, 2},
     "0"
     "0"
     "11",
     "aaa",
     true},
    {"four and no number of more",
     2,
     1,
     0,
     {1, 2, 2},
     "10"
     "0"
     "11",
     "aaaa",
     false},
    {"another checksum",
     2,
     1,
     0,
     {1, 2, 2},
     "0"
     "11",
     "b",
     false},
    {"more than a block has",
     2,
     1,
     0,
     {1, 2, 2},
     "00000000000000000"
     "11",
     "a",
     false},
    {"a number without end", 2, 2, 0, {1, 2, 2}, ZEROS_18 ZEROS_18 ZEROS_18 ZEROS_18 "11", "a", false},
    {"more symbols than selectors", 2, 1, 0, {1, 2, 2}, ZEROS_18 ZEROS_18 ZEROS_18, "a", false},
};
/* clang-format on */

static void test_made_by_hand(void **state)
{
    (void)state;
    for (Bzip2Speed speed = BZIP2_FAST; speed <= BZIP2_PLAIN; speed++) {
        CLEANUP(bzip2_decoder_freep) Bzip2Decoder *decoder = decoder_of(speed);
        for (size_t i = 0; i < ARRAY_COUNT(handmade); i++) {
            CLEANUP(buffer_done) Buffer stream = {0}, text = {0}, ours = {0};
            make_by_hand(&handmade[i], &stream);
            bool taken = libbz2_takes(buffer_bytes(&stream), &text);
            Error *error = decode_stream(decoder, buffer_bytes(&stream), BZIP2_WHOLE_TEXT, &ours);
            bool as_said = taken == handmade[i].is_good && taken == !error;
            if (!as_said)
                print_error("%s: libbz2 %s, we say %s\n", handmade[i].name, taken ? "takes it" : "refuses",
                            error_message_view(error));
            error_free(error);
            assert_true(as_said);
            if (taken)
                assert_true(str_equal(buffer_str(&ours), buffer_str(&text)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_come_back), cmocka_unit_test(test_levels),       cmocka_unit_test(test_run_lengths),
        cmocka_unit_test(test_beginnings),      cmocka_unit_test(test_flipped_bits), cmocka_unit_test(test_cut_blocks),
        cmocka_unit_test(test_randomised),      cmocka_unit_test(test_made_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
