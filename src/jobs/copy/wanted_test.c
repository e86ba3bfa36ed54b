#include "jobs/copy/wanted.h"

#include "base/testing.h"

typedef struct TimeRow {
    const char *text;
    bool good;
    int64_t ns;
    const char *again; /* as it is written; NULL: as it was read */
} TimeRow;

static const TimeRow time_rows[] = {
    {"1709577450.524", true, 1709577450524000000, NULL},
    {"1709577450", true, 1709577450000000000, NULL},
    {"1709577450.000000001", true, 1709577450000000001, NULL},
    {"1709577450.100", true, 1709577450100000000, "1709577450.1"},
    {"0", true, 0, NULL},
    {"-1.5", true, -1500000000, NULL},
    {"", false, 0, NULL},
    {"-", false, 0, NULL},
    {".5", false, 0, NULL},
    {"1.", false, 0, NULL},
    {"1.0000000001", false, 0, NULL},
    {"9999999999", false, 0, NULL},
    {"99999999999", false, 0, NULL},
    {"1e9", false, 0, NULL},
    {"1709577450,5", false, 0, NULL},
    {"2024-03-04T18:37:30Z", false, 0, NULL},
};

static void test_mtime(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(time_rows); i++) {
        const TimeRow *row = &time_rows[i];
        char text[MTIME_TEXT_BYTES];
        int64_t ns = 0;
        assert_int_equal(mtime_parse(str_of(row->text), &ns), row->good);
        if (!row->good)
            continue;
        assert_int_equal(ns, row->ns);
        assert_true(str_equal(mtime_text(ns, text), str_of(row->again ? row->again : row->text)));
    }
}

#define META(...)                                                                                                      \
    {                                                                                                                  \
        (MetadataEntry[]){__VA_ARGS__}, sizeof((MetadataEntry[]){__VA_ARGS__}) / sizeof(MetadataEntry)                 \
    }
#define ENTRY(name, value)                                                                                             \
    {                                                                                                                  \
        STR(name), STR(value)                                                                                          \
    }

static void test_modes(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    ObjectInfo from = {.modified_us = 1704164645000000,
                       .headers = {.content_type = STR("text/plain"),
                                   .expires = STR("x"),
                                   .storage_class = STR("STANDARD_IA"),
                                   .encryption = STR("aws:kms")},
                       .metadata = META(ENTRY("foo", "1"), ENTRY("md5chksum", "x"), ENTRY("btime", "old"))};
    Wanted wanted;
    assert_null(wanted_of(&from, METADATA_VERBATIM, arena, &wanted));
    assert_int_equal(wanted.metadata.count, 3);
    assert_true(str_equal(wanted.headers.expires, STR("x")));
    wanted_for_another_service(&wanted);
    assert_int_equal(wanted.headers.encryption.len, 0);

    assert_null(wanted_of(&from, METADATA_RCLONE, arena, &wanted));
    assert_int_equal(wanted.metadata.count, 3);
    assert_true(str_equal(*metadata_find_view(wanted.metadata, STR("mtime")), STR("1704164645")));
    assert_true(str_equal(*metadata_find_view(wanted.metadata, STR("btime")), STR("2024-01-02T03:04:05Z")));
    assert_int_equal(wanted.headers.expires.len, 0);
    assert_true(str_equal(wanted.headers.storage_class, STR("STANDARD_IA")));

    assert_null(wanted_of(&from, METADATA_NONE, arena, &wanted));
    assert_int_equal(wanted.metadata.count, 0);
    assert_true(str_equal(wanted.headers.content_type, STR("text/plain")));
}

typedef struct DifferenceRow {
    Wanted wanted;
    ObjectInfo has;
    bool local;
    const char *text; /* "": equal */
} DifferenceRow;

static const DifferenceRow difference_rows[] = {
    {{.headers.content_type = {"", 0}}, {.headers.content_type = {"binary/octet-stream", 19}}, false, ""},
    {{.headers.content_type = {"a/b", 3}},
     {.headers.content_type = {"binary/octet-stream", 19}},
     false,
     "content-type 'binary/octet-stream' -> 'a/b'"},
    {{.headers.website_redirect = {"/x", 2}}, {.size_bytes = 0}, true, ""},
    {{.headers.website_redirect = {"/x", 2}}, {.size_bytes = 0}, false, "website-redirect none -> '/x'"},
    {{.headers.storage_class = {"GLACIER", 7}}, {.size_bytes = 0}, false, ""},
    {{.metadata = META({{"a", 1}, {" 1 ", 3}})}, {.metadata = META({{"A", 1}, {"1", 1}})}, false, ""},
    {{.metadata = META({{"a", 1}, {"2", 1}})},
     {.metadata = META({{"a", 1}, {"1", 1}}, {{"b", 1}, {"x", 1}})},
     false,
     "a '1' -> '2', b 'x' -> none"},
    {{.metadata = META({{"a", 1}, {"", 0}})}, {.size_bytes = 0}, false, "a none -> ''"},
};

static void test_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(difference_rows); i++) {
        const DifferenceRow *row = &difference_rows[i];
        CLEANUP(buffer_done) Buffer text = {0};
        assert_null(wanted_append_differences(&row->wanted, &row->has, row->local, &text));
        assert_string_equal(buffer_cstr(&text), row->text);
        assert_int_equal(wanted_equals(&row->wanted, &row->has, row->local), row->text[0] == 0);
    }
}

typedef struct LossRow {
    Wanted wanted;
    ObjectInfo has;
    const char *text;
} LossRow;

static const LossRow loss_rows[] = {
    {{.headers.cache_control = {"a", 1}}, {.headers.cache_control = {"a", 1}, .headers.expires = {"b", 1}}, ""},
    {{.headers.cache_control = {"a", 1}, .headers.expires = {"b", 1}}, {.size_bytes = 0}, "cache-control, expires"},
    {{.headers.content_type = {"a/b", 3}}, {.headers.content_type = {"c/d", 3}}, "content-type"},
    {{.headers.content_type = {"binary/octet-stream", 19}},
     {.headers.content_type = {"application/octet-stream", 24}},
     ""},
    {{.metadata = META({{"a", 1}, {"1", 1}})}, {.metadata = META({{"a", 1}, {"2", 1}}, {{"b", 1}, {"x", 1}})}, "a"},
    {{.headers = {.expires = {"b", 1}}, .metadata = META({{"a", 1}, {"1", 1}})}, {.size_bytes = 0}, "expires, a"},
    {{.metadata = META({{"Time", 4}, {"1", 1}})}, {.metadata = META({{"time", 4}, {"2", 1}})}, ""},
};

static void test_losses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(loss_rows); i++) {
        const LossRow *row = &loss_rows[i];
        CLEANUP(buffer_done) Buffer text = {0};
        assert_null(wanted_append_losses(&row->wanted, &row->has, STR("time"), &text));
        assert_string_equal(buffer_cstr(&text), row->text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mtime),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
