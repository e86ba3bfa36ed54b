#include "base/buffer.h"
#include "base/testing.h"
#include "jobs/timestamp/scan.h"

/* A plain text given in pieces of `step` bytes; lines cross them everywhere. */
typedef struct Feed {
    Str text;
    size_t step, at;
} Feed;

static Error *feed_read(void *context, size_t len, Buffer *input)
{
    Feed *feed = context;
    size_t begin = feed->at;
    feed->at += MIN(MIN(len, feed->step), feed->text.len - begin);
    return buffer_append_str(input, str_slice(feed->text, begin, feed->at));
}

static void note_skip(void *context, const ScanSkip *skip)
{
    assert_ok(buffer_append_format(context, "%llu %s: " STR_FMT "\n", (unsigned long long)skip->line, skip->problem,
                                   STR_ARG(skip->content)));
}

static ScanResult scan(TextPool *pool, const char *text, size_t step, bool all_lines, Buffer *skips)
{
    Feed feed = {.text = str_of(text), .step = step};
    ScanOptions options = {
        .ts_key = STR("ts"), .all_lines = all_lines, .ahead = 2, .skipped = note_skip, .context = skips};
    ScanResult result = {0};
    buffer_clear(skips);
    assert_ok(scan_text(pool, &(TextSource){feed_read, &feed}, &options, &result));
    return result;
}

#define AT(year) "{\"ts\":\"" #year "-01-01T00:00:00Z\"}"
enum { Y2020 = 1577836800, Y2022 = 1640995200, Y2024 = 1704067200 };

static const struct {
    const char *text;
    int64_t first, latest; /* 0: none */
    uint64_t lines, lines_skipped;
    const char *skips;
} cases[] = {
    {"", 0, 0, 0, 0, ""},
    {AT(2020) "\n" AT(2024) "\n" AT(2022) "\n", Y2020, Y2024, 3, 0, ""},
    {AT(2022), Y2022, Y2022, 1, 0, ""},
    {"\n" AT(2022) "\n\n" AT(2024), Y2022, Y2024, 4, 2, "1 an object was expected: \n3 an object was expected: \n"},
    {"{\"a\":1}\n{oops\n" AT(2024) "\n{\"ts\":5}", Y2024, Y2024, 4, 2,
     "2 a name in double quotes was expected: {oops\n4 the time stamp is not a text: {\"ts\":5}\n"},
    {"{}\n{}\n", 0, 0, 2, 0, ""},
};

static void test_lines_across_pieces(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = NULL;
    CLEANUP(buffer_done) Buffer skips = {0};
    (void)state;
    assert_ok(text_pool_new(2, &pool));
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t step = 1; step < 120; step += step < 40 ? 1 : 13) {
            ScanResult all = scan(pool, cases[i].text, step, true, &skips);
            assert_int_equal(all.lines, cases[i].lines);
            assert_int_equal(all.lines_skipped, cases[i].lines_skipped);
            assert_int_equal(all.found, cases[i].latest != 0);
            assert_int_equal(all.seconds, cases[i].latest);
            assert_str(buffer_str(&skips), cases[i].skips);
            ScanResult first = scan(pool, cases[i].text, step, false, &skips);
            assert_int_equal(first.found, cases[i].first != 0);
            assert_int_equal(first.seconds, cases[i].first);
        }
    }
}

/* Only the beginning of a bad line is shown, and only some of many. */
static void test_what_is_shown(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = NULL;
    CLEANUP(buffer_done) Buffer skips = {0}, text = {0};
    (void)state;
    assert_ok(text_pool_new(1, &pool));
    for (int line = 0; line < 1000; line++)
        assert_ok(buffer_append_format(&text, "%0200d\n", line));
    ScanResult result = scan(pool, buffer_cstr(&text), SIZE_MAX, true, &skips);
    assert_int_equal(result.lines_skipped, 1000);
    size_t shown = 0;
    for (size_t i = 0; i < skips.len; i++)
        shown += skips.data[i] == '\n';
    assert_int_equal(shown, 1 + SCAN_SHOWN_MAX);
    assert_true(skips.len < shown * (SCAN_SHOWN_BYTES + 40));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_across_pieces),
        cmocka_unit_test(test_what_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
