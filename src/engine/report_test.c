#include "engine/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/testing.h"
#include "engine/item.h"

static void keys_are_safe_to_show(void **state)
{
    (void)state;
    static const struct {
        Str key;
        const char *shown;
    } rows[] = {
        {{"a/b c.txt", 9}, "a/b c.txt"},
        {{"a\nb\x1b[2J", 7}, "a\\x0ab\\x1b[2J"},
        {{"\xff\xfe", 2}, "\\xff\\xfe"},
        {{"gr\xc3\xbc\xc3\x9f", 6}, "gr\xc3\xbc\xc3\x9f"},
        {{"\xe2\x80\xae"
          "fdp",
          6},
         "\\xe2\\x80\\xaefdp"},
        {{"\xef\xbf\xbd", 3}, "\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_ok(report_append_key(&out, rows[i].key, false));
        assert_str(buffer_str(&out), rows[i].shown);
    }
    CLEANUP(buffer_done) Buffer hidden = {0};
    assert_ok(report_append_key(&hidden, STR("secret"), true));
    assert_int_equal(hidden.len, 16);
}

static void add(Report *report, const char *key, Outcome outcome, const char *reason)
{
    Item *item = item_new(0, str_of(key), 0);
    item_end(item, outcome, reason ? FAIL(CORRUPT, "%s", reason) : NULL);
    (void)report_item(report, item);
    item_free(item);
}

static int64_t noon(void *context)
{
    (void)context;
    return INT64_C(1795262400) * 1000000;
}

/* What stands in front of every line. */
#define HEAD "{\"type\": \"document\", \"time\": \"2026-11-21T12:00:00Z\", \"run\": \"r1\", "

static void the_file_has_a_line_for_each_item(void **state)
{
    (void)state;
    char path[] = "/tmp/quern-report-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    CLEANUP(report_freep) Report *report = NULL;
    assert_ok(report_new(path, false, &report));
    const Clock clock = {noon, NULL, NULL};
    report_begin(report, STR("r1"), &clock, false);
    add(report, "a", OUTCOME_DONE, NULL);
    add(report, "b", OUTCOME_FAILED, "cut short");
    add(report, "c", OUTCOME_SKIPPED, "there already");
    assert_ok(report_close(report));
    char text[1024] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    unlink(path);
    assert_str(
        str_from(text, len), HEAD
        "\"key\": \"a\", \"outcome\": \"done\", \"bytes\": 0}\n" HEAD
        "\"key\": \"b\", \"outcome\": \"failed\", \"bytes\": 0, \"code\": \"corrupt\", \"reason\": \"cut short\"}\n" HEAD
        "\"key\": \"c\", \"outcome\": \"skipped\", \"bytes\": 0, \"code\": \"corrupt\", \"reason\": \"there already\"}\n");
}

static void reasons_come_by_frequency(void **state)
{
    (void)state;
    CLEANUP(report_freep) Report *report = NULL;
    assert_ok(report_new(NULL, false, &report));
    add(report, "a", OUTCOME_SKIPPED, "rare");
    for (int i = 0; i < 3; i++)
        add(report, "b", OUTCOME_SKIPPED, "frequent");
    assert_int_equal(report_reason_count(report), 2);
    assert_string_equal(report_reason_at(report, 0)->text, "frequent");
    assert_int_equal(report_reason_at(report, 0)->count, 3);
    assert_string_equal(report_reason_at(report, 1)->text, "rare");
    assert_null(report_reason_at(report, 2));
}

static void a_file_that_cannot_be_written_is_said(void **state)
{
    (void)state;
    CLEANUP(report_freep) Report *report = NULL;
    assert_fails_saying(report_new("/nowhere/report.jsonl", false, &report), ERR_NOT_FOUND, "/nowhere/report.jsonl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_safe_to_show),
        cmocka_unit_test(the_file_has_a_line_for_each_item),
        cmocka_unit_test(reasons_come_by_frequency),
        cmocka_unit_test(a_file_that_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
