#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/json_scan.h"
#include "base/testing.h"

/* Members as "name=KIND:text;", or "problem@at". */
static void describe(const char *text, char *out, size_t out_bytes)
{
    static const char kinds[] = "nftdsao";
    size_t len = strlen(text), used = 0;
    char *copy = malloc(len + 1); /* exactly as long, so that reading past the end is seen */
    memcpy(copy, text, len);
    JsonMembers members = {.text = str_from(copy, len)};
    JsonRaw name, value;
    while (json_members_next(&members, &name, &value))
        used += (size_t)snprintf(out + used, out_bytes - used, STR_FMT "=%c:" STR_FMT ";", STR_ARG(name.text),
                                 kinds[value.kind], STR_ARG(value.text));
    if (members.problem)
        snprintf(out + used, out_bytes - used, "%s@%zu", members.problem, members.at);
    else if (used == 0)
        out[0] = 0;
    free(copy);
}

static void test_members(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"{}", ""},
        {" { } \n", ""},
        {"{\"a\":1}", "a=d:1;"},
        {"{\"a\" : -0.5e+3 , \"b\":null,\"c\":true,\"d\":false}", "a=d:-0.5e+3;b=n:null;c=t:true;d=f:false;"},
        {"{\"a\":[1,[2,{\"b\":[]}],{}],\"c\":{\"d\":{\"e\":\"}\"}}}",
         "a=a:[1,[2,{\"b\":[]}],{}];c=o:{\"d\":{\"e\":\"}\"}};"},
        {"{\"a\":NaN,\"b\":-Infinity,\"c\":Infinity}", "a=d:NaN;b=d:-Infinity;c=d:Infinity;"},
        {"{\"a\":\"x\\\"y\\u00e9\",\"a\":\"\"}", "a=s:x\\\"y\\u00e9;a=s:;"},
        {"", "an object was expected@0"},
        {"[1]", "an object was expected@0"},
        {"\xef\xbb\xbf{}", "an object was expected@0"},
        {"{", "a name in double quotes was expected@1"},
        {"{\"a\"", "a ':' was expected@4"},
        {"{\"a\":", "a value was expected@5"},
        {"{\"a\":1", "a=d:1;a ',' or '}' was expected@6"},
        {"{\"a\":1,}", "a=d:1;a name in double quotes was expected@7"},
        {"{\"a\":1} x", "a=d:1;something stands behind the value@8"},
        {"{\"a\":01}", "a value was expected@5"},
        {"{\"a\":1.}", "a=d:1;a ',' or '}' was expected@6"},
        {"{\"a\":+1}", "a value was expected@5"},
        {"{\"a\":-}", "a value was expected@5"},
        {"{\"a\":[1,]}", "a value was expected@8"},
        {"{\"a\":[1}", "a ',' or ']' was expected@7"},
        {"{\"a\":{\"b\":1]}", "a ',' or '}' was expected@11"},
        {"{\"a\":[{]}", "a name in double quotes was expected@7"},
        {"{\"a\":\"x", "a string does not end@5"},
        {"{\"a\":\"x\n\"}", "a control character in a string@7"},
        {"{\"a\":\"\\x\"}", "no such escape@6"},
        {"{\"a\":\"\\u12g4\"}", "no such escape@6"},
        {"{\"a\":\"\\", "no such escape@6"},
        {"{\"a\":\"\xff\"}", "no UTF-8@6"},
        {"{\"a\":\"\xc3\"}", "no UTF-8@6"},
        {"{\"a\":\"\xed\xa0\x80\"}", "no UTF-8@6"},
        {"{\"a\":nul}", "a value was expected@5"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char got[512];
        describe(cases[i].text, got, sizeof got);
        assert_string_equal(got, cases[i].wanted);
    }
}

/* Strings of every length: the step of 16 bytes and the rest behind it. */
static void test_long_strings(void **state)
{
    (void)state;
    for (size_t len = 0; len < 100; len++) {
        for (size_t special = 0; special <= len; special++) {
            char text[256], wanted[256], body[128];
            memset(body, 'x', len);
            body[len] = 0;
            if (special < len)
                body[special] = '\x1f';
            snprintf(text, sizeof text, "{\"a\":\"%s\"}", body);
            if (special < len)
                snprintf(wanted, sizeof wanted, "a control character in a string@%zu", special + 6);
            else
                snprintf(wanted, sizeof wanted, "a=s:%s;", body);
            char got[256];
            describe(text, got, sizeof got);
            assert_string_equal(got, wanted);
        }
    }
}

/* "{"a":[[...]]}" of that depth: no problem. */
static bool takes_depth(size_t depth)
{
    CLEANUP(buffer_done) Buffer text = {0};
    JsonRaw name, value;
    assert_ok(buffer_append_str(&text, STR("{\"a\":")));
    for (size_t i = 0; i < 2 * depth; i++)
        assert_ok(buffer_append_byte(&text, i < depth ? '[' : ']'));
    assert_ok(buffer_append_byte(&text, '}'));
    JsonMembers members = {.text = buffer_str(&text)};
    while (json_members_next(&members, &name, &value))
        assert_int_equal(value.kind, JSON_KIND_ARRAY);
    return members.problem == NULL;
}

static void test_depth(void **state)
{
    (void)state;
    assert_true(takes_depth(JSON_SCAN_DEPTH_MAX));
    assert_false(takes_depth(JSON_SCAN_DEPTH_MAX + 1));
}

static void test_strings(void **state)
{
    static const struct {
        const char *raw, *wanted; /* NULL: it has no text */
    } cases[] = {
        {"plain", "plain"},
        {"\\u0074s", "ts"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
        {"\\ud83d", NULL},
        {"\\ude00\\ud83d", NULL},
        {"\\ud83dx\\ude00", NULL},
        {"\\u00e9", "\xc3\xa9"},
    };
    char out[16];
    Str text;
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        JsonRaw raw = {.kind = JSON_KIND_STRING, .text = str_of(cases[i].raw), .escaped = i > 0};
        assert_int_equal(json_raw_string(&raw, out, sizeof out, &text), cases[i].wanted != NULL);
        if (cases[i].wanted)
            assert_str(text, cases[i].wanted);
    }
    JsonRaw too_long = {.kind = JSON_KIND_STRING, .text = STR("0123456789abcdef\\n"), .escaped = true};
    assert_false(json_raw_string(&too_long, out, sizeof out, &text));
}

static void test_falsy(void **state)
{
    static const char *const falsy[] = {"null", "false", "0", "-0", "0.0", "0e5", "1e-999", "\"\"", "[ ]", "{\n}"};
    static const char *const truthy[] = {"true", "1", "-1e-5", "NaN", "Infinity", "\" \"", "[0]", "{\"a\":0}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(falsy) + ARRAY_COUNT(truthy); i++) {
        bool wanted = i < ARRAY_COUNT(falsy);
        char text[64];
        snprintf(text, sizeof text, "{\"a\":%s}", wanted ? falsy[i] : truthy[i - ARRAY_COUNT(falsy)]);
        JsonMembers members = {.text = str_of(text)};
        JsonRaw name, value;
        assert_true(json_members_next(&members, &name, &value));
        assert_int_equal(json_raw_is_falsy(&value), wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members), cmocka_unit_test(test_long_strings), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_strings), cmocka_unit_test(test_falsy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
