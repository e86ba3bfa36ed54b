#include "jobs/summary.h"

#include "base/json.h"
#include "base/testing.h"
#include "engine/item.h"

/* A run of one done, one partial, two skipped for one reason, two failed. */
static void fill(Report *report)
{
    static const struct {
        const char *key, *reason;
        Outcome outcome;
        bool partial;
    } rows[] = {
        {"a", NULL, OUTCOME_DONE, false},
        {"b", "a page is cut short", OUTCOME_DONE, true},
        {"c", "already done", OUTCOME_SKIPPED, false},
        {"d", "already done", OUTCOME_SKIPPED, false},
        {"e\n\xff", "it is broken", OUTCOME_FAILED, false},
        {"f", "it is gone", OUTCOME_FAILED, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Item *item = item_new(0, str_of(rows[i].key), 10);
        assert_non_null(item);
        item->bytes_done = 10;
        item_end(item, rows[i].outcome, rows[i].reason ? FAIL(CORRUPT, "%s", rows[i].reason) : NULL);
        item->partial = rows[i].partial;
        (void)report_item(report, item);
        item_free(item);
    }
}

static const Summary full = {
    .command = "ingest",
    .elapsed_us = 61500000,
    .counters = {12, 3, 2048, 5 * 1024 * 1024},
    .output = {"out", 3},
    .journal = "/var/state/x.journal",
    .next = {"quern load out", 14},
    .sandbox = {"seccomp", 7},
    .parser_peak_bytes = 1 << 20,
    .rows = 77,
    .has_rows = true,
};

static void people_read_it_line_by_line(void **state)
{
    (void)state;
    CLEANUP(report_freep) Report *report = NULL;
    CLEANUP(buffer_done) Buffer text = {0};
    assert_ok(report_new(NULL, false, &report));
    fill(report);
    assert_ok(summary_write_text(&full, report, NULL, false, &text));
    static const char *const lines[] = {
        "ingest: 2 done (1 of them partial), 2 skipped, 2 failed in 1 min 01 s\n",
        "  skipped 2: already done\n",
        "  failed e\\x0a\\xff: it is broken\n",
        "  failed f: it is gone\n",
        "  partial b: a page is cut short\n",
        "  rows:    77\n",
        "  moved:   2.0 KiB received, 5.0 MiB sent; 12 requests, 3 of them retries\n",
        " MiB at most; 1.0 MiB the largest parser\n",
        "  sandbox: seccomp\n",
        "  output:  out\n",
        "  journal: /var/state/x.journal\n",
        "  next:    quern load out\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
        if (str_find(buffer_str(&text), str_of(lines[i])) == SIZE_MAX)
            fail_msg("no '%s' in:\n" STR_FMT, lines[i], STR_ARG(buffer_str(&text)));
}

/* Twelve, of which the first ten stand there by themselves. */
static void reasons_that_are_cut_off_are_counted(void **state)
{
    (void)state;
    CLEANUP(report_freep) Report *report = NULL;
    CLEANUP(buffer_done) Buffer text = {0};
    assert_ok(report_new(NULL, false, &report));
    for (int reason = 0; reason < 12; reason++) {
        for (int i = 0; i < 20 - reason; i++) {
            Item *item = item_new(0, STR("k"), 0);
            assert_non_null(item);
            item_skip(item, "reason '%c'", 'a' + reason);
            (void)report_item(report, item);
            item_free(item);
        }
    }
    assert_ok(summary_write_text(&full, report, NULL, false, &text));
    assert_true(str_find(buffer_str(&text), STR("  skipped 11: reason 'j'\n")) != SIZE_MAX);
    assert_true(str_find(buffer_str(&text), STR("reason 'k'")) == SIZE_MAX);
    assert_true(str_find(buffer_str(&text), STR("  skipped 19 more, for other reasons; --report-file lists them all\n"))
                != SIZE_MAX);
}

static void what_there_is_nothing_to_say_about_is_left_out(void **state)
{
    (void)state;
    CLEANUP(report_freep) Report *report = NULL;
    CLEANUP(buffer_done) Buffer text = {0};
    CLEANUP(error_freep) Error *error = FAIL(NO_SPACE, "the disk is full");
    Summary summary = {.command = "load", .output = STR_EMPTY, .next = STR("quern search"), .sandbox = STR_EMPTY};
    assert_ok(report_new(NULL, false, &report));
    assert_ok(summary_write_text(&summary, report, error, false, &text));
    static const char *const parts[] = {
        "rows:", "sandbox:", "output:", "journal:", "report:", "next:", "partial", "parser", "not finished"};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) /* nor a next command after a failure */
        if (str_find(buffer_str(&text), str_of(parts[i])) != SIZE_MAX)
            fail_msg("'%s' in:\n" STR_FMT, parts[i], STR_ARG(buffer_str(&text)));
    assert_true(str_starts_with(buffer_str(&text), STR("load: 0 done, 0 skipped, 0 failed in 0.0 s\n")));
}

static void keys_can_be_hidden(void **state)
{
    (void)state;
    CLEANUP(report_freep) Report *report = NULL;
    CLEANUP(buffer_done) Buffer text = {0};
    assert_ok(report_new(NULL, true, &report));
    fill(report);
    assert_ok(summary_write_text(&full, report, NULL, true, &text));
    assert_true(str_find(buffer_str(&text), STR("failed f:")) == SIZE_MAX);
    assert_true(str_find(buffer_str(&text), STR(": it is gone")) != SIZE_MAX);
}

static void programs_read_one_object_on_one_line(void **state)
{
    (void)state;
    static const struct {
        ErrorCode code;
        bool failures;
        const char *status;
    } rows[] = {{ERR_OK, false, "ok"},
                {ERR_OK, true, "finished with failures"},
                {ERR_NO_SPACE, true, "stopped"},
                {ERR_CANCELLED, false, "interrupted"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(report_freep) Report *report = NULL;
        CLEANUP(buffer_done) Buffer json = {0};
        CLEANUP(cleanup_json) json_t *root = NULL;
        CLEANUP(error_freep)
        Error *error = rows[i].code ? error_new(rows[i].code, __FILE__, __LINE__, "why\nnot") : NULL;
        assert_ok(report_new(NULL, false, &report));
        if (rows[i].failures)
            fill(report);
        assert_ok(summary_write_json(&full, report, error, &json));
        assert_true(str_find_char(buffer_str(&json), '\n') == SIZE_MAX);
        assert_ok(json_read(buffer_bytes(&json), &root));
        assert_str(json_get_str(root, "type", STR("?")), "summary");
        assert_str(json_get_str(root, "command", STR("?")), "ingest");
        assert_str(json_get_str(root, "status", STR("?")), rows[i].status);
        assert_int_equal(json_get_int(root, "done", -1), rows[i].failures ? 2 : 0);
        assert_int_equal(json_get_int(root, "failed", -1), rows[i].failures ? 2 : 0);
        assert_int_equal(json_get_int(root, "rows", -1), 77);
        assert_int_equal(json_get_int(root, "bytes_out", -1), 5 * 1024 * 1024);
        assert_true(json_get_int(root, "peak_memory_bytes", -1) > 0);
        assert_str(json_get_str(root, "code", STR("")), rows[i].code ? error_code_name(rows[i].code) : "");
        assert_str(json_get_str(root, "error", STR("")), rows[i].code ? "why\nnot" : "");
    }
}

static void the_runs_own_end_is_the_news(void **state)
{
    (void)state;
    static const ErrorCode codes[] = {ERR_OK, ERR_CHECK};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        CLEANUP(job_result_done) JobResult result = {0};
        assert_ok(report_new("/dev/full", false, &result.report)); /* which takes no byte */
        fill(result.report);
        Error *error = job_result_finish(&result, &full, false, codes[i] ? FAIL(CHECK, "too many failed") : NULL);
        assert_int_equal(error_code(error), codes[i] ? codes[i] : ERR_NO_SPACE);
        error_free(error);
        assert_true(result.json.len > 0 && result.text.len > 0);
    }
    JobResult none = {0};
    job_result_done(&none);
}

static void counters_add_up(void **state)
{
    (void)state;
    StoreCounters sum = counters_sum((StoreCounters){1, 2, 3, 4}, (StoreCounters){10, 20, 30, 40});
    assert_true(sum.requests == 11 && sum.retries == 22 && sum.bytes_in == 33 && sum.bytes_out == 44);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_read_it_line_by_line),
        cmocka_unit_test(reasons_that_are_cut_off_are_counted),
        cmocka_unit_test(what_there_is_nothing_to_say_about_is_left_out),
        cmocka_unit_test(keys_can_be_hidden),
        cmocka_unit_test(programs_read_one_object_on_one_line),
        cmocka_unit_test(the_runs_own_end_is_the_news),
        cmocka_unit_test(counters_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
