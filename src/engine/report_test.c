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

static void what_is_an_items_alone_is_in_its_line_only(void **state)
{
    (void)state;
    for (int redact = 0; redact < 2; redact++) {
        CLEANUP(report_freep) Report *report = NULL;
        assert_ok(report_new(NULL, redact, &report));
        report_begin(report, STR("r1"), clock_system(), true);
        for (int i = 0; i < 2; i++) {
            char key[16], details[32];
            snprintf(key, sizeof key, "in/%d.txt", i);
            snprintf(details, sizeof details, "of 'in/%d.txt'", i);
            Item *item = item_new(0, str_of(key), 0);
            assert_non_null(item);
            item_skip(item, "it differs");
            assert_ok(item_set_details(item, STR("said before")));
            assert_ok(item_set_details(item, str_of(details)));
            Str line = report_item(report, item);
            assert_true((str_find(line, STR("\"details\": \"of 'in/")) != SIZE_MAX) == !redact);
            assert_true(str_find(line, STR("\"details\": \"of '")) != SIZE_MAX);
            item_free(item);
        }
        assert_int_equal(report_reason_count(report), 1);
        assert_int_equal(report_reason_at(report, 0)->count, 2);
    }
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

/* Whatever their keys: each of a thousand says its own name and place. */
static void equal_failures_are_counted_together(void **state)
{
    (void)state;
    for (int redact = 0; redact < 2; redact++) {
        CLEANUP(report_freep) Report *report = NULL;
        CLEANUP(buffer_done) Buffer json = {0};
        JsonWriter w;
        assert_ok(report_new(NULL, redact, &report));
        for (int i = 0; i < 1000; i++) {
            char key[32], said[128];
            snprintf(key, sizeof key, "in/%d.txt", i);
            snprintf(said, sizeof said, "GET http://h/b/%s: 403 AccessDenied: no (request %d)", key, i);
            add(report, key, OUTCOME_FAILED, said);
        }
        add(report, "in/cut.pdf", OUTCOME_FAILED, "cut short at byte 17");
        assert_int_equal(report_reason_count(report), 2);
        const ReportReason *reason = report_reason_at(report, 0);
        assert_int_equal(reason->count, 1000);
        assert_string_equal(reason->text, "GET: 403 AccessDenied: no");
        assert_int_equal(strcmp(reason->example, "in/0.txt") == 0, !redact);
        json_begin(&w, &json, -1);
        json_open_object(&w);
        report_write_members(report, &w);
        json_close_object(&w);
        assert_ok(json_finish(&w));
        assert_true(str_find(buffer_str(&json), STR("\"count\":1000,\"example\":\"")) != SIZE_MAX);
    }
}

static void the_table_of_reasons_is_bounded_and_the_counts_add_up(void **state)
{
    (void)state;
    CLEANUP(report_freep) Report *report = NULL;
    assert_ok(report_new(NULL, false, &report));
    uint64_t sum = 0;
    for (int i = 0; i < 500; i++) {
        char said[64];
        snprintf(said, sizeof said, "cause %c%c", 'a' + i / 26 % 26, 'a' + i % 26);
        add(report, "k", OUTCOME_FAILED, said);
    }
    add(report, "k", OUTCOME_SKIPPED, "for once");
    assert_int_equal(report_reason_count(report), REPORT_REASONS_MAX + 2);
    for (size_t i = 0; i < report_reason_count(report); i++)
        sum += report_reason_at(report, i)->count;
    assert_int_equal(sum, 501);
    assert_string_equal(report_reason_at(report, 0)->text, REPORT_OTHER_REASONS);
    assert_int_equal(report_reason_at(report, 0)->count, 500 - REPORT_REASONS_MAX);
}

static void a_file_that_cannot_be_written_is_said(void **state)
{
    (void)state;
    CLEANUP(report_freep) Report *report = NULL;
    assert_fails_saying(report_new("/nowhere/report.jsonl", false, &report), ERR_INVALID, "/nowhere/report.jsonl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_safe_to_show),
        cmocka_unit_test(the_file_has_a_line_for_each_item),
        cmocka_unit_test(what_is_an_items_alone_is_in_its_line_only),
        cmocka_unit_test(reasons_come_by_frequency),
        cmocka_unit_test(equal_failures_are_counted_together),
        cmocka_unit_test(the_table_of_reasons_is_bounded_and_the_counts_add_up),
        cmocka_unit_test(a_file_that_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
