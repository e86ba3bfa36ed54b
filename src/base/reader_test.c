#include "base/reader.h"

#include "base/testing.h"

static const uint8_t bytes[] = {0x81, 0x02, 0x83, 0x04, 0x85, 0x06, 0x87, 0x08, 0x89};

/* One step as a function of one form; the value is widened. */
typedef bool Step(Reader *in, uint64_t *ret_value);

#define STEP(name, type, call)                                                                                         \
    static bool name(Reader *in, uint64_t *ret_value)                                                                  \
    {                                                                                                                  \
        type value = 0x55;                                                                                             \
        bool ok = call(in, &value);                                                                                    \
        *ret_value = (uint64_t)value;                                                                                  \
        return ok;                                                                                                     \
    }
STEP(step_u8, uint8_t, reader_u8)
STEP(step_u16le, uint16_t, reader_u16le)
STEP(step_u32le, uint32_t, reader_u32le)
STEP(step_u64le, uint64_t, reader_u64le)
STEP(step_u16be, uint16_t, reader_u16be)
STEP(step_u32be, uint32_t, reader_u32be)

static bool step_skip(Reader *in, uint64_t *ret_value)
{
    *ret_value = 0x55;
    return reader_skip(in, 3);
}

static bool step_take(Reader *in, uint64_t *ret_value)
{
    Bytes taken = {0};
    bool ok = reader_take(in, 5, &taken);
    *ret_value = ok ? taken.data[4] : 0x55;
    return ok;
}

static void every_step_moves_whole_or_stays(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        Step *step;
        size_t size;
        uint64_t value;
    } rows[] = {
        {"u8", step_u8, 1, 0x81},
        {"u16le", step_u16le, 2, 0x0281},
        {"u32le", step_u32le, 4, 0x04830281},
        {"u64le", step_u64le, 8, 0x0887068504830281u},
        {"u16be", step_u16be, 2, 0x8102},
        {"u32be", step_u32be, 4, 0x81028304},
        {"skip", step_skip, 3, 0x55},
        {"take", step_take, 5, 0x85},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (size_t len = 0; len <= sizeof bytes; len++) {
            Reader in = reader_of(bytes_from(bytes, len));
            uint64_t value;
            bool fits = len >= rows[i].size;
            if (rows[i].step(&in, &value) != fits)
                fail_msg("%s with %zu bytes", rows[i].name, len);
            assert_int_equal(value, fits ? rows[i].value : 0x55);
            assert_int_equal(reader_offset(&in), fits ? rows[i].size : 0);
            assert_int_equal(reader_left(&in), len - reader_offset(&in));
        }
    }
}

static void steps_follow_one_another(void **state)
{
    (void)state;
    Reader in = reader_of(bytes_from(bytes, sizeof bytes));
    uint8_t one = 0;
    uint16_t two = 0;
    uint32_t four = 0;
    Bytes rest;
    assert_true(reader_u8(&in, &one) && reader_u16be(&in, &two) && reader_skip(&in, 0) && reader_u32le(&in, &four));
    assert_int_equal(one, 0x81);
    assert_int_equal(two, 0x0283);
    assert_int_equal(four, 0x87068504);
    assert_false(reader_u32le(&in, &four));
    assert_true(reader_take(&in, 2, &rest));
    assert_ptr_equal(rest.data, bytes + 7);
    assert_false(reader_skip(&in, SIZE_MAX));
    assert_true(reader_take(&in, 0, &rest));
    assert_int_equal(reader_left(&in), 0);
}

static void nothing_can_be_read_of_nothing(void **state)
{
    (void)state;
    Reader in = reader_of((Bytes){NULL, 0});
    uint64_t value;
    Bytes none;
    assert_true(reader_take(&in, 0, &none) && reader_skip(&in, 0));
    assert_false(reader_u64le(&in, &value));
    assert_false(reader_varint(&in, &value));
}

static void varints_of_every_length_at_every_cut(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        uint64_t value;
    } rows[] = {
        {"\x00", 1, 0},
        {"\x7f", 1, 127},
        {"\x80\x01", 2, 128},
        {"\xac\x02", 2, 300},
        {"\x80\x00", 2, 0}, /* longer than need be is allowed */
        {"\xff\xff\xff\xff\x0f", 5, UINT32_MAX},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9, INT64_MAX},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10, (uint64_t)1 << 63},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (size_t len = 0; len <= rows[i].len; len++) {
            Reader in = reader_of(bytes_from(rows[i].text, len));
            uint64_t value = 0x55;
            bool whole = len == rows[i].len;
            assert_int_equal(reader_varint(&in, &value), whole);
            assert_true(value == (whole ? rows[i].value : 0x55));
            assert_int_equal(reader_offset(&in), whole ? len : 0);
        }
    }
}

static void varints_past_64_bits_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Reader in = reader_of(str_bytes(str_of(rows[i])));
        uint64_t value = 0x55;
        assert_false(reader_varint(&in, &value));
        assert_int_equal(reader_offset(&in), 0);
        assert_int_equal(value, 0x55);
    }
}

static void zigzag_alternates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {{"\x01", -1},
                {"\x02", 1},
                {"\x03", -2},
                {"\x7f", -64},
                {"\x80\x01", 64},
                {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", INT64_MAX},
                {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", INT64_MIN}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Reader in = reader_of(str_bytes(str_of(rows[i].text)));
        int64_t value;
        assert_true(reader_zigzag(&in, &value));
        assert_true(value == rows[i].value);
    }
    Reader in = reader_of(str_bytes(STR("\x80")));
    int64_t value = 0x55;
    assert_false(reader_zigzag(&in, &value));
    assert_int_equal(value, 0x55);
    assert_int_equal(reader_offset(&in), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_moves_whole_or_stays),  cmocka_unit_test(steps_follow_one_another),
        cmocka_unit_test(nothing_can_be_read_of_nothing),   cmocka_unit_test(varints_of_every_length_at_every_cut),
        cmocka_unit_test(varints_past_64_bits_are_refused), cmocka_unit_test(zigzag_alternates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
