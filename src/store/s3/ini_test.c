#include "store/s3/ini.h"

#include "base/testing.h"

static const char config[] = "\xef\xbb\xbf# comment\r\n"
                             "[default]\r\n"
                             "region = eu-west-1\r\n"
                             "output=json\r\n"
                             "; another\n"
                             "[profile \"two words\"] ; behind\n"
                             "aws_secret_access_key = a=b%(x)s#c\n"
                             "s3 =\n"
                             "  addressing_style = path\n"
                             "\n"
                             "  # inside\n"
                             "\tmax = 1 = 2\n"
                             "REGION = x\n"
                             "  goes on\n"
                             "region = last\n"
                             "empty =\n"
                             "[services dev]\n"
                             "s3 = \n"
                             "  endpoint_url = http://localhost:1\n"
                             "dynamodb =\n"
                             "  endpoint_url = http://localhost:2\n";

static const struct {
    const char *section, *block, *key, *value; /* NULL: there is none */
} rows[] = {
    {"default", "", "region", "eu-west-1"},
    {"default", "", "Region", "eu-west-1"},
    {"profile \"two words\"", "", "aws_secret_access_key", "a=b%(x)s#c"},
    {"profile \"two words\"", "s3", "addressing_style", "path"},
    {"profile \"two words\"", "s3", "max", "1 = 2"},
    {"profile \"two words\"", "", "max", NULL},
    {"profile \"two words\"", "", "region", "last"},
    {"profile \"two words\"", "", "empty", ""},
    {"services dev", "s3", "endpoint_url", "http://localhost:1"},
    {"services dev", "dynamodb", "endpoint_url", "http://localhost:2"},
    {"missing", "", "region", NULL},
};

static void test_rows(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    Ini ini;
    assert_ok(ini_parse(str_of(config), arena, &ini));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Str value = ini_get(&ini, str_of(rows[i].section), str_of(rows[i].block), str_of(rows[i].key));
        if (!rows[i].value)
            assert_null(value.data);
        else
            assert_str(value, rows[i].value);
    }
    assert_true(ini_has_section(&ini, STR("default")));
    assert_false(ini_has_section(&ini, STR("profile")));
    assert_int_equal(ini.entries[0].line, 3);
}

/* "region" of the first profile goes on in a deeper line. */
static void test_continuation(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    Ini ini;
    assert_ok(ini_parse(STR("[a]\nx = 1\n  2\n  y = 3\nz = 4"), arena, &ini));
    assert_str(ini_get(&ini, STR("a"), STR(""), STR("x")), "1\n  2\n  y = 3");
    assert_str(ini_get(&ini, STR("a"), STR(""), STR("z")), "4");
}

static const struct {
    const char *text, *says;
} bad[] = {
    {"[a\n", "line 1"},       {"[a] b\n", "line 1"},
    {"[]\n", "line 1"},       {"[a]\n\nword\n", "line 3"},
    {"[a]\n= x\n", "line 2"}, {"# x\nkey = value\n", "line 2: 'key' stands before the first section"},
};

static void test_bad(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        Ini ini;
        assert_fails_saying(ini_parse(str_of(bad[i].text), arena, &ini), ERR_INVALID, bad[i].says);
    }
}

static void test_empty(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    Ini ini;
    assert_ok(ini_parse(STR(""), arena, &ini));
    assert_int_equal(ini.count, 0);
    assert_null(ini_get(&ini, STR("a"), STR(""), STR("b")).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_continuation),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
