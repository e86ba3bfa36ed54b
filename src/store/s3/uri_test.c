#include "store/s3/uri.h"

#include <stdio.h>

#include "base/testing.h"

static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

static void check_byte(uint8_t byte, bool in_path)
{
    CLEANUP(buffer_done) Buffer out = {0};
    char wanted[4] = {(char)byte, '\0'};
    Str one = str_from(&byte, 1);
    bool stays = (byte != 0 && strchr(unreserved, byte)) || (in_path && byte == '/');
    if (!stays)
        snprintf(wanted, sizeof(wanted), "%%%02X", byte);
    assert_ok(in_path ? uri_append_path(&out, one) : uri_append_query(&out, one));
    assert_str(buffer_str(&out), wanted);
}

static void test_every_byte(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        check_byte((uint8_t)byte, true);
        check_byte((uint8_t)byte, false);
    }
}

static void test_nothing_is_normalised(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer out = {0};
    assert_ok(uri_append_path(&out, STR("/a//b/./../c /")));
    assert_str(buffer_str(&out), "/a//b/./../c%20/");
}

static void test_decode(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"plain", "plain"}, {"a%2Fb", "a/b"}, {"a+b", "a b"}, {"%2B", "+"},           {"%", "%"},
        {"%4", "%4"},       {"%zz", "%zz"},   {"%41%", "A%"}, {"%c3%BC", "\xc3\xbc"}, {"", ""},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_str(uri_decode(str_of(rows[i].text), arena), rows[i].wanted);
    assert_int_equal(uri_decode(STR("%00"), arena).len, 1);
}

static void test_decode_undoes_encode(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    CLEANUP(buffer_done) Buffer out = {0};
    char all[256];
    for (unsigned i = 0; i < 256; i++)
        all[i] = (char)i;
    assert_ok(uri_append_query(&out, str_from(all, 256)));
    Str back = uri_decode(buffer_str(&out), arena);
    assert_int_equal(back.len, 256);
    assert_memory_equal(back.data, all, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_nothing_is_normalised),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_decode_undoes_encode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
