#include "base/json.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/testing.h"

/* ---- writing ---- */

static void put_sample(JsonWriter *w)
{
    json_open_object(w);
    json_member(w, "a", int, 1);
    json_put_key(w, STR("list"));
    json_open_array(w);
    json_put_str(w, STR("x"));
    json_open_object(w);
    json_close_object(w);
    json_open_array(w);
    json_close_array(w);
    json_put_null(w);
    json_close_array(w);
    json_member(w, "raw", raw, STR("[1]"));
    json_close_object(w);
}

static void three_forms(void **state)
{
    (void)state;
    static const struct {
        int indent;
        const char *text;
    } rows[] = {
        {-1, "{\"a\":1,\"list\":[\"x\",{},[],null],\"raw\":[1]}"},
        {0, "{\"a\": 1, \"list\": [\"x\", {}, [], null], \"raw\": [1]}"},
        {2, "{\n  \"a\": 1,\n  \"list\": [\n    \"x\",\n    {},\n    [],\n    null\n  ],\n  \"raw\": [1]\n}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        JsonWriter w;
        json_begin(&w, &out, rows[i].indent);
        put_sample(&w);
        assert_ok(json_finish(&w));
        assert_str(buffer_str(&out), rows[i].text);
    }
}

static void numbers_and_words(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer out = {0};
    JsonWriter w;
    json_begin(&w, &out, -1);
    json_open_array(&w);
    json_put_int(&w, INT64_MIN);
    json_put_int(&w, INT64_MAX);
    json_put_uint(&w, UINT64_MAX);
    json_put_bool(&w, true);
    json_put_bool(&w, false);
    json_close_array(&w);
    assert_ok(json_finish(&w));
    assert_str(buffer_str(&out), "[-9223372036854775808,9223372036854775807,18446744073709551615,true,false]");
}

static void doubles_are_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0.0"},
                {-0.0, "-0.0"},
                {1, "1.0"},
                {0.1, "0.1"},
                {0.1 + 0.2, "0.30000000000000004"},
                {1.0 / 3, "0.3333333333333333"},
                {123456789, "123456789.0"},
                {1e100, "1e+100"},
                {DBL_MAX, "1.7976931348623157e+308"},
                {DBL_MIN, "2.2250738585072014e-308"},
                {5e-324, "5e-324"},
                {-1.5e-310, "-1.5e-310"},
                {HUGE_VAL, "null"},
                {-HUGE_VAL, "null"},
                {(double)NAN, "null"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        JsonWriter w;
        json_begin(&w, &out, 0);
        json_put_double(&w, rows[i].value);
        assert_ok(json_finish(&w));
        assert_str(buffer_str(&out), rows[i].text);
    }
}

static void doubles_come_back(void **state)
{
    (void)state;
    Random random;
    random_init_seed(&random, 4);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_u64(&random);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        CLEANUP(buffer_done) Buffer out = {0};
        JsonWriter w;
        json_begin(&w, &out, 0);
        json_put_double(&w, value);
        assert_ok(json_finish(&w));
        back = strtod(buffer_cstr(&out), NULL);
        assert_memory_equal(&back, &value, sizeof value);
    }
}

static const struct {
    const char *text;
    size_t len;
    const char *json;
} string_rows[] = {
    {"", 0, "\"\""},
    {"plain /text", 11, "\"plain /text\""},
    {"\"\\", 2, "\"\\\"\\\\\""},
    {"\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\""},
    {"\x00\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\""},
    {"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80", 15, "\"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80\""},
    {"\xff", 1, "\"\xef\xbf\xbd\""},
    {"a\xe2\x82", 3, "\"a\xef\xbf\xbd\xef\xbf\xbd\""},                 /* cut short: a mark for each byte */
    {"\xed\xa0\x80z", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\""}, /* a surrogate */
    {"\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},                   /* overlong */
    {"\xef\xbf\xbd", 3, "\"\xef\xbf\xbd\""},
};

static void strings_are_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(string_rows); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_ok(json_append_string(&out, str_from(string_rows[i].text, string_rows[i].len)));
        assert_str(buffer_str(&out), string_rows[i].json);
    }
}

static void any_bytes_make_a_string_that_reads(void **state)
{
    (void)state;
    Random random;
    random_init_seed(&random, 5);
    for (int i = 0; i < 3000; i++) {
        char text[40];
        size_t len = random_below(&random, sizeof text);
        for (size_t at = 0; at < len; at++)
            text[at] = (char)random_u64(&random);
        CLEANUP(buffer_done) Buffer out = {0};
        CLEANUP(cleanup_json) json_t *root = NULL;
        Str written = str_from(text, len);
        assert_ok(json_append_string(&out, written));
        assert_ok(json_read(buffer_bytes(&out), &root));
        if (str_is_utf8(written))
            assert_true(str_equal((Str){json_string_value(root), json_string_length(root)}, written));
    }
}

static void nests_as_deep_as_it_says(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer out = {0};
    JsonWriter w;
    json_begin(&w, &out, 1);
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++)
        json_open_array(&w);
    json_put_int(&w, 7);
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++)
        json_close_array(&w);
    assert_ok(json_finish(&w));
    CLEANUP(cleanup_json) json_t *root = NULL;
    assert_ok(json_read(buffer_bytes(&out), &root));
}

/* At every limit the writer fails once and stays quiet, and what it has written is the beginning of the whole. */
static void the_first_failure_sticks(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer whole = {0};
    JsonWriter w;
    json_begin(&w, &whole, 2);
    put_sample(&w);
    assert_ok(json_finish(&w));
    for (size_t limit = 1; limit < whole.len; limit++) {
        CLEANUP(buffer_done) Buffer out = {.limit = limit};
        json_begin(&w, &out, 2);
        put_sample(&w);
        assert_fails(json_finish(&w), ERR_LIMIT);
        assert_memory_equal(out.data, whole.data, out.len);
    }
}

/* ---- reading ---- */

static void values_are_read(void **state)
{
    (void)state;
    static const char *const rows[] = {"null",
                                       "true",
                                       " 1 ",
                                       "\"x\"",
                                       "[]",
                                       "{\"a\": [1, 2.5, {\"b\": null}]}",
                                       "\"\\u0000\"",
                                       "\"\\ud83d\\ude00\"",
                                       "-9223372036854775808"};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(cleanup_json) json_t *root = NULL;
        assert_ok(json_read(str_bytes(str_of(rows[i])), &root));
    }
}

static void bad_text_is_refused_where_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
        uint64_t offset_least, offset_most;
    } rows[] = {
        {"", "line 1, column 0", 0, 0},
        {"{", "line 1", 1, 1},
        {"[1,]", "line 1, column 4", 3, 4},
        {"{\"a\": 1,\n \"b\": x}", "line 2, column 7", 15, 17},
        {"{\"a\": 1, \"a\": 2}", "duplicate object key", 9, 15},
        {"[1] 2", "end of file expected", 3, 5},
        {"\"\xff\"", "byte 0xff", 1, 2},
        {"\"\xc0\xaf\"", "byte 0xc0", 1, 3},
        {"\"\\ud800\"", "Unicode", 1, 8},
        {"\"a\nb\"", "unexpected newline", 1, 4},
        {"[NaN]", "line 1", 1, 5},
        {"['a']", "line 1", 1, 3},
        {"01", "line 1", 1, 2},
        {"1e999", "overflow", 0, 5},
        {"92233720368547758070", "too big integer", 0, 20},
        {"// no\n1", "line 1", 0, 2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        json_t *root = NULL;
        CLEANUP(error_freep) Error *error = json_read(str_bytes(str_of(rows[i].text)), &root);
        uint64_t offset = error_offset(error);
        if (error_code(error) != ERR_CORRUPT || !strstr(error_message_view(error), rows[i].says)
            || offset < rows[i].offset_least || offset > rows[i].offset_most)
            fail_msg("%s: %s: %s at %llu", rows[i].text, error_code_name(error_code(error)), error_message_view(error),
                     (unsigned long long)offset);
        assert_null(root);
    }
    json_t *root = NULL;
    assert_fails_saying(json_read((Bytes){NULL, 0}, &root), ERR_CORRUPT, "line 1");
    assert_fails_saying(json_read(str_bytes(STR("[-2\0]")), &root), ERR_CORRUPT, "byte 3 is zero");
}

static void deep_nesting_is_an_error_and_no_crash(void **state)
{
    (void)state;
    enum { DEPTH = 1000000 };
    static const struct {
        const char *open;
        size_t depth;
        bool fits;
    } rows[] = {{"[", 1000, true}, {"[", DEPTH, false}, {"{\"a\":", DEPTH / 5, false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer text = {0};
        CLEANUP(cleanup_json) json_t *root = NULL;
        for (size_t at = 0; at < rows[i].depth; at++)
            assert_ok(buffer_append_str(&text, str_of(rows[i].open)));
        for (size_t at = 0; at < rows[i].depth; at++)
            assert_ok(buffer_append_byte(&text, rows[i].open[0] == '[' ? ']' : '}'));
        Error *error = json_read(buffer_bytes(&text), &root);
        assert_int_equal(error_code(error), rows[i].fits ? ERR_OK : ERR_LIMIT);
        error_free(error);
    }
}

static size_t allocations_left;

static void *malloc_that_gives_out(size_t size_bytes)
{
    if (allocations_left == 0) {
        errno = ENOMEM;
        return NULL;
    }
    allocations_left--;
    return malloc(size_bytes);
}

/* Each allocation fails once, the first, the second and so on, until none does. */
static void without_memory_nothing_is_corrupt(void **state)
{
    (void)state;
    bool read = false;
    json_malloc_t malloc_before;
    json_free_t free_before;
    json_get_alloc_funcs(&malloc_before, &free_before);
    for (size_t n = 0; !read && n < 1000; n++) {
        CLEANUP(cleanup_json) json_t *root = NULL;
        allocations_left = n;
        json_set_alloc_funcs(malloc_that_gives_out, free);
        Error *error = json_read(str_bytes(STR("{\"a\": [1, 2.5, \"x\", null], \"b\": {\"c\": \"\\u00e9\"}}")), &root);
        json_set_alloc_funcs(malloc_before, free_before);
        if (error && error_code(error) != ERR_NO_MEMORY)
            fail_msg("allocation %zu: %s", n, error_message_view(error));
        read = !error;
        error_free(error);
    }
    assert_true(read);
}

static void members_of_the_wrong_type_are_missing(void **state)
{
    (void)state;
    CLEANUP(cleanup_json) json_t *root = NULL;
    assert_ok(json_read(str_bytes(STR("{\"s\": \"a\\u0000b\", \"i\": -5, \"r\": 1.5, \"n\": null}")), &root));
    assert_true(str_equal(json_get_str(root, "s", STR("?")), str_from("a\0b", 3)));
    assert_str(json_get_str(root, "i", STR("?")), "?");
    assert_str(json_get_str(root, "none", STR("?")), "?");
    assert_int_equal(json_get_int(root, "i", 9), -5);
    assert_int_equal(json_get_int(root, "r", 9), 9);
    assert_int_equal(json_get_int(root, "n", 9), 9);
    assert_int_equal(json_get_int(NULL, "n", 9), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_forms),
        cmocka_unit_test(numbers_and_words),
        cmocka_unit_test(doubles_are_short),
        cmocka_unit_test(doubles_come_back),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(any_bytes_make_a_string_that_reads),
        cmocka_unit_test(nests_as_deep_as_it_says),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(bad_text_is_refused_where_it_is),
        cmocka_unit_test(deep_nesting_is_an_error_and_no_crash),
        cmocka_unit_test(without_memory_nothing_is_corrupt),
        cmocka_unit_test(members_of_the_wrong_type_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
