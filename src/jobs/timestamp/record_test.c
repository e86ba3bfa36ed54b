#include "base/testing.h"
#include "base/time_text.h"
#include "jobs/timestamp/record.h"
#include "jobs/timestamp/when.h"

static void assert_when(Str text, const char *wanted)
{
    int64_t seconds;
    char out[TIME_TEXT_BYTES];
    bool ok = when_parse(text, &seconds);
    if (ok != (wanted != NULL))
        print_error("'" STR_FMT "'\n", STR_ARG(text));
    assert_int_equal(ok, wanted != NULL);
    if (ok)
        assert_str(time_iso8601(seconds * 1000000, out), wanted);
}

/* What Python 3.11's strptime makes of each. */
static void test_when(void **state)
{
    static const struct {
        const char *text, *wanted; /* NULL: refused */
    } cases[] = {
        {"2024-04-05T18:14:47Z", "2024-04-05T18:14:47Z"},
        {"2024-04-05t18:14:47z", "2024-04-05T18:14:47Z"},
        {"2024-04-05T18:14:47", "2024-04-05T18:14:47Z"},
        {"2024-04-05T18:14:47+02:00", "2024-04-05T16:14:47Z"},
        {"2024-04-05T18:14:47+0200", "2024-04-05T16:14:47Z"},
        {"2024-04-05T18:14:47-05:30", "2024-04-05T23:44:47Z"},
        {"2024-04-05T18:14:47+02:00:30", "2024-04-05T16:14:17Z"},
        {"2024-04-05T18:14:47+020030", "2024-04-05T16:14:17Z"},
        {"2024-04-05T18:14:47+02:00:30.5", "2024-04-05T16:14:16Z"},
        {"2024-04-05T18:14:47-02:00:30.5", "2024-04-05T20:15:17Z"},
        {"2024-04-05T18:14:47+02:00:30.000000", "2024-04-05T16:14:17Z"},
        {"2024-04-05 18:14:47", "2024-04-05T18:14:47Z"},
        {"2024-04-05 \t\n 18:14:47", "2024-04-05T18:14:47Z"},
        {"2024-4-5T8:4:7Z", "2024-04-05T08:04:07Z"},
        {"2024-04- 5T18:14:47Z", "2024-04-05T18:14:47Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
        {"2023-02-29T00:00:00Z", NULL},
        {"1900-02-29T00:00:00Z", NULL},
        {"2024-04-31T00:00:00Z", NULL},
        {"2024-00-01T00:00:00Z", NULL},
        {"2024-13-01T00:00:00Z", NULL},
        {"0000-01-01T00:00:00Z", NULL},
        {"0001-01-01T00:00:00+00:01", NULL},
        {"9999-12-31T23:59:59-00:01", NULL},
        {"2024-04-05T24:00:00Z", NULL},
        {"2024-04-05T23:60:00Z", NULL},
        {"2024-04-05T23:59:60Z", NULL},
        {"20240-04-05T18:14:47Z", NULL},
        {"224-04-05T18:14:47Z", NULL},
        {"2024-04-05T18:14:47.123Z", NULL},
        {"2024-04-05 18:14:47Z", NULL},
        {"2024-04-05 18:14:47+02:00", NULL},
        {"2024-04-05T18:14:47+02", NULL},
        {"2024-04-05T18:14:47+24:00", NULL},
        {"2024-04-05T18:14:47+02:60", NULL},
        {"2024-04-05T18:14:47+02:0030", NULL},
        {"2024-04-05T18:14:47+0200:30", NULL},
        {"2024-04-05T18:14:47+02:00:30.", NULL},
        {" 2024-04-05T18:14:47Z", NULL},
        {"2024-04-05T18:14:47Z ", NULL},
        {"2024-04-05", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_when(str_of(cases[i].text), cases[i].wanted);
    for (size_t len = 0; len < 20; len++) /* cut anywhere but behind the seconds' first digit, the second, and the Z */
        if (len < 18)
            assert_when(str_from("2024-04-05T18:14:47Z", len), NULL);
}

#define LID "\"impresso_language_identifier_version\":"

static void test_records(void **state)
{
    static const struct {
        const char *line, *ts_key;
        RecordOutcome outcome;
        const char *wanted; /* the time stamp, or the problem; without either: "has ts" */
    } cases[] = {
        {"{\"ts\":\"2024-04-05T18:14:47Z\"}", "ts", RECORD_FOUND, "2024-04-05T18:14:47Z"},
        {" {\"ts\" : \"2024-04-05T18:14:47Z\" }\r", "ts", RECORD_FOUND, "2024-04-05T18:14:47Z"},
        {"{\"\\u0074s\":\"2024-04-05T18\\u003a14:47Z\"}", "ts", RECORD_FOUND, "2024-04-05T18:14:47Z"},
        {"{\"ts\":\"2024-04-05T18:14:47Z\"}", "cdt", RECORD_WITHOUT, "has ts"},
        {"{\"ts\":\"\",\"cdt\":\"2019-10-07 22:56:18\"}", "ts", RECORD_FOUND, "2019-10-07T22:56:18Z"},
        {"{\"timestamp\":\"2018-01-01T00:00:00\",\"cdt\":\"2019-10-07 22:56:18\"}", "ts", RECORD_FOUND,
         "2019-10-07T22:56:18Z"},
        {"{\"timestamp\":\"2018-01-01T00:00:00\",\"cdt\":\"2019-10-07 22:56:18\"}", "timestamp", RECORD_FOUND,
         "2018-01-01T00:00:00Z"},
        {"{\"ts\":\"2024-04-05T18:14:47Z\",\"ts\":\"2025-04-05T18:14:47Z\"}", "ts", RECORD_FOUND,
         "2025-04-05T18:14:47Z"},
        {"{\"ts\":\"2024-04-05T18:14:47Z\",\"ts\":null}", "ts", RECORD_WITHOUT, NULL},
        {"{\"deep\":{\"ts\":\"2024-04-05T18:14:47Z\"}}", "ts", RECORD_WITHOUT, NULL},
        {"{" LID "{\"ts\":\"2020-12-28T10:27:11+00:00\"}}", "ts", RECORD_FOUND, "2020-12-28T10:27:11Z"},
        {"{" LID "{\"v\":1}}", "ts", RECORD_WITHOUT, NULL},
        {"{" LID "null}", "ts", RECORD_INVALID, "impresso_language_identifier_version is not an object"},
        {"{" LID "null,\"cdt\":\"2019-10-07 22:56:18\"}", "ts", RECORD_FOUND, "2019-10-07T22:56:18Z"},
        {"{\"ts\":\"bad\",\"cdt\":\"2019-10-07 22:56:18\"}", "ts", RECORD_INVALID,
         "the time stamp has none of the known forms"},
        {"{\"ts\":20240405}", "ts", RECORD_INVALID, "the time stamp is not a text"},
        {"{\"ts\":0}", "ts", RECORD_WITHOUT, NULL},
        {"{\"ts\":0}", "cdt", RECORD_WITHOUT, NULL},
        {"{\"ts\":NaN}", "ts", RECORD_INVALID, "the time stamp is not a text"},
        {"{oops", "ts", RECORD_INVALID, "a name in double quotes was expected"},
        {"[1]", "ts", RECORD_INVALID, "an object was expected"},
        {"", "ts", RECORD_INVALID, "an object was expected"},
        {"{\"ts\":\"2024-04-05T18:14:47Z\"} x", "ts", RECORD_INVALID, "something stands behind the value"},
        {"{\"ts\":\"2024-04-05T18:14:47Z\",\"a\":[1,}", "ts", RECORD_INVALID, "a value was expected"},
    };
    char out[TIME_TEXT_BYTES];
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        Record record = record_read(str_of(cases[i].line), str_of(cases[i].ts_key));
        if (record.outcome != cases[i].outcome)
            print_error("%s\n", cases[i].line);
        assert_int_equal(record.outcome, cases[i].outcome);
        if (record.outcome == RECORD_FOUND)
            assert_str(time_iso8601(record.seconds * 1000000, out), cases[i].wanted);
        if (record.outcome == RECORD_INVALID)
            assert_string_equal(record.problem, cases[i].wanted);
        if (record.outcome == RECORD_WITHOUT)
            assert_int_equal(record.has_ts, cases[i].wanted != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_when), cmocka_unit_test(test_records)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
