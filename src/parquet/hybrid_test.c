#include <stdlib.h>

#include "base/testing.h"
#include "parquet/bit_unpack.h"
#include "parquet/hybrid.h"

static void known_streams_decode(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned width;
        uint8_t stream[8];
        size_t len, count;
        bool ok;
        uint32_t values[8];
    } rows[] = {
        {"literal group of spec 6.2", 3, {0x03, 0x88, 0xc6, 0xfa}, 4, 8, true, {0, 1, 2, 3, 4, 5, 6, 7}},
        {"repeated run", 3, {0x0e, 0x05}, 2, 7, true, {5, 5, 5, 5, 5, 5, 5}},
        {"dictionary indices of spec 8.2 g", 3, {0x03, 0x88, 0x06, 0x16}, 4, 7, true, {0, 1, 2, 3, 0, 4, 5}},
        {"width 0 repeated", 0, {0x10}, 1, 8, true, {0}},
        {"width 0 literal", 0, {0x03}, 1, 8, true, {0}},
        {"last literal run cut short", 8, {0x03, 1, 2, 3}, 4, 3, true, {1, 2, 3}},
        {"fewer values than wanted", 8, {0x03, 1, 2, 3}, 4, 4, false, {0}},
        {"empty", 1, {0}, 0, 1, false, {0}},
        {"zero header ends the stream", 1, {0x00, 0x01}, 2, 1, false, {0}},
        {"run value wider than the width", 3, {0x10, 0x08}, 2, 8, false, {0}},
        {"run value missing", 9, {0x10, 0x01}, 2, 8, false, {0}},
        {"header above 32 bits", 1, {0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x01}, 7, 8, false, {0}},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        HybridDecoder d;
        uint32_t out[8] = {0};
        hybrid_decoder_begin(&d, bytes_from(rows[i].stream, rows[i].len), rows[i].width);
        bool ok = hybrid_read_u32(&d, rows[i].count, out);
        if (ok != rows[i].ok || (ok && memcmp(out, rows[i].values, sizeof out) != 0))
            fail_msg("%s", rows[i].name);
    }
}

static uint32_t pattern(unsigned kind, size_t i, uint32_t mask)
{
    switch (kind) {
    case 0: return 0;
    case 1: return (uint32_t)i & mask;
    case 2: return (uint32_t)(i / 20) & mask; /* runs */
    case 3: return (uint32_t)(i * 2654435761u) & mask;
    default: return (i / 100 % 2 ? (uint32_t)i : 1) & mask; /* runs and literals by turns */
    }
}

/* Encoding single values, runs and blocks gives streams that decode to the same, in pieces of any size. */
static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static uint32_t values[COUNT], out[COUNT];

    for (unsigned width = 1; width <= 32; width++) {
        uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
        for (unsigned kind = 0; kind < 5; kind++) {
            CLEANUP(buffer_done) Buffer stream = {0};
            HybridEncoder e;
            HybridDecoder d;
            for (size_t i = 0; i < COUNT; i++)
                values[i] = pattern(kind, i, mask);
            hybrid_encoder_begin(&e, &stream, width);
            for (size_t i = 0; i < 100; i++)
                assert_ok(hybrid_put(&e, values[i], 1));
            assert_ok(hybrid_put_values(&e, values + 100, COUNT - 100));
            assert_ok(hybrid_encoder_finish(&e));

            hybrid_decoder_begin(&d, buffer_bytes(&stream), width);
            for (size_t at = 0, n = 1; at < COUNT; at += n, n = n % 97 + 1) {
                n = MIN(n, COUNT - at);
                assert_true(hybrid_read_u32(&d, n, out + at));
            }
            assert_memory_equal(out, values, sizeof values);
            if (width <= 8) {
                static uint8_t small[COUNT];
                hybrid_decoder_begin(&d, buffer_bytes(&stream), width);
                assert_true(hybrid_read_u8(&d, 1, small) && hybrid_read_u8(&d, COUNT - 1, small + 1));
                for (size_t i = 0; i < COUNT; i++)
                    assert_int_equal(small[i], values[i]);
            }
        }
    }
}

static void bits_are_read_as_bits(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    CLEANUP(buffer_done) Buffer stream = {0};
    uint8_t bits[COUNT / 8 + 2] = {0};
    HybridEncoder e;
    HybridDecoder d;
    uint32_t value;

    hybrid_encoder_begin(&e, &stream, 1);
    assert_ok(hybrid_put(&e, 1, 300));
    for (size_t i = 300; i < COUNT; i++)
        assert_ok(hybrid_put(&e, i % 3 == 0, 1));
    assert_ok(hybrid_encoder_finish(&e));

    hybrid_decoder_begin(&d, buffer_bytes(&stream), 1);
    assert_false(hybrid_take_repeated(&d, 302, &value));
    assert_true(hybrid_take_repeated(&d, 250, &value));
    assert_int_equal(value, 1);
    assert_true(hybrid_read_bits(&d, COUNT - 250, bits, 3));
    for (size_t i = 250; i < COUNT; i++)
        assert_int_equal(bits[(i - 247) / 8] >> ((i - 247) % 8) & 1, i < 300 || i % 3 == 0);
}

/* A literal run has at most 504 values, so that its header is one byte. */
static void runs_take_few_bytes(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer stream = {0};
    HybridEncoder e;

    hybrid_encoder_begin(&e, &stream, 1);
    assert_ok(hybrid_put(&e, 1, 1000000));
    assert_ok(hybrid_encoder_finish(&e));
    assert_int_equal(stream.len, 4); /* three bytes of header and the value */
    buffer_clear(&stream);
    hybrid_encoder_begin(&e, &stream, 1);
    for (size_t i = 0; i < 1008; i++)
        assert_ok(hybrid_put(&e, i % 2, 1));
    assert_ok(hybrid_encoder_finish(&e));
    assert_int_equal(stream.len, 2 * (1 + 63));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_streams_decode),
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(bits_are_read_as_bits),
        cmocka_unit_test(runs_take_few_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
