#include "base/buffer.h"

#include "base/random.h"
#include "base/testing.h"

static void a_zeroed_buffer_is_empty_and_unlimited(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer buffer = {0};
    assert_int_equal(buffer_bytes(&buffer).len, 0);
    assert_non_null(buffer_bytes(&buffer).data);
    assert_ok(buffer_append(&buffer, NULL, 0));
    assert_string_equal(buffer_cstr(&buffer), "");
    for (int i = 0; i < 100000; i++)
        assert_ok(buffer_append_byte(&buffer, (uint8_t)i));
    assert_int_equal(buffer.len, 100000);
    assert_int_equal(buffer.data[99999], 99999 % 256);
}

static void appends_what_it_is_given(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer buffer = {0};
    assert_ok(buffer_append_str(&buffer, STR("key=")));
    assert_ok(buffer_append_format(&buffer, "%d/%s", 7, "x"));
    assert_ok(buffer_append_byte(&buffer, 0xff));
    assert_ok(buffer_append_u32le(&buffer, 0x01020384u));
    assert_ok(buffer_append_u64le(&buffer, 0x1112131415161798u));
    static const uint8_t expected[] = {'k', 'e', 'y',  '=',  '7',  '/',  'x',  0xff, 0x84, 3,
                                       2,   1,   0x98, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11};
    assert_int_equal(buffer.len, sizeof expected);
    assert_memory_equal(buffer.data, expected, sizeof expected);
}

static void a_limit_holds_and_a_refusal_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        size_t limit;
        const char *first, *second;
        bool fits;
    } rows[] = {{4, "ab", "cd", true},
                {4, "ab", "cde", false},
                {4, "abcd", "", true},
                {1, "", "ab", false},
                {1, "a", "b", false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (int formatted = 0; formatted < 2; formatted++) {
            CLEANUP(buffer_done) Buffer buffer = {.limit = rows[i].limit};
            assert_ok(buffer_append_str(&buffer, str_of(rows[i].first)));
            Error *error = formatted ? buffer_append_format(&buffer, "%s", rows[i].second)
                                     : buffer_append_str(&buffer, str_of(rows[i].second));
            assert_int_equal(error_code(error), rows[i].fits ? ERR_OK : ERR_LIMIT);
            error_free(error);
            size_t first = strlen(rows[i].first);
            assert_int_equal(buffer.len, first + (rows[i].fits ? strlen(rows[i].second) : 0));
            assert_memory_equal(buffer_bytes(&buffer).data, rows[i].first, first);
        }
    }
}

static void impossible_sizes_are_a_limit(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer buffer = {0};
    assert_ok(buffer_append_str(&buffer, STR("abc")));
    assert_fails(buffer_reserve(&buffer, SIZE_MAX), ERR_LIMIT);
    assert_fails(buffer_reserve(&buffer, SIZE_MAX - 3), ERR_LIMIT);
    assert_str(buffer_str(&buffer), "abc");
}

static void room_that_was_reserved_is_written_in_place(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer buffer = {.limit = 10};
    assert_ok(buffer_append_str(&buffer, STR("ab")));
    assert_ok(buffer_reserve(&buffer, 8));
    memcpy(buffer.data + buffer.len, "cdefghij", 8);
    buffer_grown(&buffer, 8);
    assert_str(buffer_str(&buffer), "abcdefghij");
    assert_fails(buffer_reserve(&buffer, 1), ERR_LIMIT);
}

static void the_front_can_be_taken_off(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer buffer = {0};
    buffer_consume(&buffer, 0);
    assert_ok(buffer_append_str(&buffer, STR("0123456789")));
    static const struct {
        size_t len;
        const char *rest;
    } rows[] = {{0, "0123456789"}, {3, "3456789"}, {1, "456789"}, {6, ""}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        buffer_consume(&buffer, rows[i].len);
        assert_str(buffer_str(&buffer), rows[i].rest);
    }
}

static void a_c_string_needs_no_room_of_the_limit(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer buffer = {.limit = 64}; /* as many as the first allocation holds */
    for (int i = 0; i < 64; i++)
        assert_ok(buffer_append_byte(&buffer, 'x'));
    assert_int_equal(strlen(buffer_cstr(&buffer)), 64);
    assert_int_equal(buffer.len, 64);
    buffer_clear(&buffer);
    assert_string_equal(buffer_cstr(&buffer), "");
    assert_ok(buffer_append_format(&buffer, "%064d", 1)); /* vsnprintf's NUL neither */
    assert_int_equal(buffer.len, 64);
    assert_fails(buffer_append_byte(&buffer, 'x'), ERR_LIMIT);
}

static void pieces_in_any_cut_are_the_whole(void **state)
{
    (void)state;
    Random random;
    uint8_t whole[5000];
    random_init_seed(&random, 1);
    for (size_t i = 0; i < sizeof whole; i++)
        whole[i] = (uint8_t)random_u64(&random);
    for (int round = 0; round < 20; round++) {
        CLEANUP(buffer_done) Buffer buffer = {0};
        for (size_t at = 0; at < sizeof whole;) {
            size_t len = random_below(&random, MIN(300, sizeof whole - at) + 1);
            assert_ok(buffer_append(&buffer, whole + at, len));
            at += len;
        }
        assert_int_equal(buffer.len, sizeof whole);
        assert_memory_equal(buffer.data, whole, sizeof whole);
        buffer_done(&buffer);
        assert_int_equal(buffer.len + buffer.capacity, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_buffer_is_empty_and_unlimited),
        cmocka_unit_test(appends_what_it_is_given),
        cmocka_unit_test(a_limit_holds_and_a_refusal_changes_nothing),
        cmocka_unit_test(impossible_sizes_are_a_limit),
        cmocka_unit_test(room_that_was_reserved_is_written_in_place),
        cmocka_unit_test(the_front_can_be_taken_off),
        cmocka_unit_test(a_c_string_needs_no_room_of_the_limit),
        cmocka_unit_test(pieces_in_any_cut_are_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
