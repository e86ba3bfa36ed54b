#include "store/s3/metadata.h"

#include "base/testing.h"

static Error *headers_of(MetadataEntry *entries, size_t count, Arena *arena, SignedHeader **ret_headers)
{
    return metadata_to_headers((Metadata){entries, count}, arena, ret_headers);
}

static void test_sorted_and_encoded(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    MetadataEntry entries[] = {{STR("zeta"), STR("1")}, {STR("Alpha"), STR("\xc3\xbc")}, {STR("a-b_c.d"), STR("")}};
    SignedHeader *headers;
    assert_ok(headers_of(entries, 3, arena, &headers));
    assert_str(headers[0].name, "x-amz-meta-a-b_c.d");
    assert_str(headers[0].value, "");
    assert_str(headers[1].name, "x-amz-meta-alpha");
    assert_str(headers[1].value, "=?UTF-8?B?w7w=?=");
    assert_str(headers[2].name, "x-amz-meta-zeta");
    assert_ok(headers_of(NULL, 0, arena, &headers));
}

/* What a service wrote counts, and its value is for us to read. */
static void test_as_it_was_written(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    MetadataEntry entries[] = {{STR("a"), STR("\xc3\x84"), STR("=?UTF-8?Q?=C3=84?=")},
                               {STR("b"), STR("c  d"), STR("c  d")},
                               {STR("c"), STR("c  d"), STR_EMPTY}};
    SignedHeader *headers;
    assert_ok(headers_of(entries, 3, arena, &headers));
    assert_str(headers[0].value, "=?UTF-8?Q?=C3=84?=");
    assert_str(headers[1].value, "c  d");
    assert_str(headers[2].value, "=?UTF-8?B?YyAgZA==?=");
}

static void test_bad(void **state)
{
    (void)state;
    static char big[METADATA_MAX_BYTES];
    memset(big, 'x', sizeof(big));
    MetadataEntry rows[][2] = {
        {{STR(""), STR("x")}, {STR("b"), STR("x")}},         {{STR("a b"), STR("x")}, {STR("b"), STR("x")}},
        {{STR("a:"), STR("x")}, {STR("b"), STR("x")}},       {{STR("a\r\nx-evil"), STR("x")}, {STR("b"), STR("x")}},
        {{STR("\xc3\xbc"), STR("x")}, {STR("b"), STR("x")}}, {{STR("a"), STR("x")}, {STR("A"), STR("y")}},
        {{STR("a"), STR("\xff")}, {STR("b"), STR("x")}},     {{STR("a"), {big, sizeof(big)}}, {STR("b"), STR("x")}},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        SignedHeader *headers;
        assert_fails(headers_of(rows[i], 2, arena, &headers), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sorted_and_encoded),
                                       cmocka_unit_test(test_as_it_was_written), cmocka_unit_test(test_bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
