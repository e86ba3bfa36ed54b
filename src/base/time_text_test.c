#include "base/time_text.h"

#include "base/macros.h"
#include "base/random.h"
#include "base/testing.h"

#define S INT64_C(1000000)

static void known_times_in_every_form(void **state)
{
    (void)state;
    static const struct {
        int64_t time_us;
        const char *iso, *basic, *http;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z", "19700101T000000Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777 * S, "1994-11-06T08:49:37Z", "19941106T084937Z",
         "Sun, 06 Nov 1994 08:49:37 GMT"}, /* RFC 9110 5.6.7 */
        {951782400 * S, "2000-02-29T00:00:00Z", "20000229T000000Z", "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1795253994 * S + 123456, "2026-11-21T09:39:54.123456Z", "20261121T093954Z", "Sat, 21 Nov 2026 09:39:54 GMT"},
        {1795253994 * S + 1000, "2026-11-21T09:39:54.001000Z", "20261121T093954Z", "Sat, 21 Nov 2026 09:39:54 GMT"},
        {-1, "1969-12-31T23:59:59.999999Z", "19691231T235959Z", "Wed, 31 Dec 1969 23:59:59 GMT"},
        {-2208988800 * S, "1900-01-01T00:00:00Z", "19000101T000000Z", "Mon, 01 Jan 1900 00:00:00 GMT"},
        {4107542400 * S, "2100-03-01T00:00:00Z", "21000301T000000Z", "Mon, 01 Mar 2100 00:00:00 GMT"},
        {253402300799 * S, "9999-12-31T23:59:59Z", "99991231T235959Z", "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char out[TIME_TEXT_BYTES];
        assert_str(time_iso8601(rows[i].time_us, out), rows[i].iso);
        assert_str(time_basic(rows[i].time_us, out), rows[i].basic);
        assert_str(time_http(rows[i].time_us, out), rows[i].http);
        int64_t back;
        assert_true(time_parse_iso8601(str_of(rows[i].iso), &back));
        assert_int_equal(back, rows[i].time_us);
        assert_true(time_parse_http(str_of(rows[i].http), &back));
        assert_int_equal(back, rows[i].time_us - (rows[i].time_us % S + S) % S);
    }
}

static void the_ends_of_time_fit(void **state)
{
    (void)state;
    static const int64_t rows[] = {INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char out[TIME_TEXT_BYTES];
        assert_true(time_iso8601(rows[i], out).len < TIME_TEXT_BYTES);
        assert_int_equal(out[strlen(out) - 1], 'Z');
        assert_true(time_basic(rows[i], out).len < TIME_TEXT_BYTES);
        assert_true(time_http(rows[i], out).len < TIME_TEXT_BYTES);
    }
}

static void any_time_comes_back(void **state)
{
    (void)state;
    Random random;
    random_init_seed(&random, 11);
    for (int i = 0; i < 20000; i++) {
        char out[TIME_TEXT_BYTES];
        int64_t time_us = (int64_t)random_below(&random, 315537897600u * S) - 62135596800 * S,
                back; /* years 1 to 9999 */
        if (random_below(&random, 2))
            time_us -= (time_us % S + S) % S;
        assert_true(time_parse_iso8601(time_iso8601(time_us, out), &back));
        assert_int_equal(back, time_us);
    }
}

static void iso_8601_as_others_write_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time_us;
    } rows[] = {
        {"1970-01-01", 0},
        {"1970-01-01 00:00", 0},
        {"1970-01-01T00:01", 60 * S},
        {"1970-01-01t00:00:01z", 1 * S},
        {"1970-01-01T00:00:00.5", 500000},
        {"1970-01-01T00:00:00.1234567Z", 123456}, /* cut, not rounded */
        {"1970-01-01T00:00:00.9999999Z", 999999},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1970-01-01T00:00:00-0130", 5400 * S},
        {"1969-12-31T23:00-01", 0},
        {"1970-01-01T00:00:00+00:00", 0},
        {"1972-06-30T23:59:60Z", 78796800 * S}, /* a leap second */
        {"2000-02-29", 951782400 * S},
        {"2024-02-29", 1709164800 * S},
        {"0001-01-01", -62135596800 * S},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t time_us;
        if (!time_parse_iso8601(str_of(rows[i].text), &time_us) || time_us != rows[i].time_us)
            fail_msg("'%s'", rows[i].text);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "1970",
        "1970-1-1",
        "1970-01-01T",
        "1970-01-01T00",
        "1970-01-01T00:0",
        "1970-01-01T00:00:",
        "1970-01-01T00:00:00.",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00x",
        "1970-01-01T00:00:00Z ",
        " 1970-01-01",
        "1970-01-01Z",
        "1970/01/01",
        "1970-00-01",
        "1970-13-01",
        "1970-01-00",
        "1970-01-32",
        "1970-04-31",
        "1970-02-29",
        "1900-02-29", /* a century, and no leap year */
        "1970-01-01T24:00",
        "1970-01-01T00:60",
        "1970-01-01T00:00:61",
        "1970-01-01T00:00:00+1",
        "1970-01-01T00:00:00+01:",
        "1970-01-01T00:00:00+01:0",
        "1970-01-01T00:00:00+01:000",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+01:60",
        "1970-01-01T00:00:00+",
        "19700101T000000Z",
        "-970-01-01",
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t time_us = 77;
        if (time_parse_iso8601(str_of(rows[i]), &time_us) || time_us != 77)
            fail_msg("'%s' was taken", rows[i]);
    }
}

static void http_dates_of_other_forms_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT", /* RFC 850 */
        "Sun Nov  6 08:49:37 1994",       /* asctime */
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GM",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT ",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun; 06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov 1994 08:49:37 GMT",
        "Sun, 06 ovD 1994 08:49:37 GMT", /* in the table of months, and none */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t time_us = 77;
        if (time_parse_http(str_of(rows[i]), &time_us) || time_us != 77)
            fail_msg("'%s' was taken", rows[i]);
    }
}

static void durations_for_people(void **state)
{
    (void)state;
    static const struct {
        int64_t duration_us;
        const char *text;
    } rows[] = {{0, "0.0 s"},
                {4200000, "4.2 s"},
                {59949999, "59.9 s"},
                {59960000, "1 min 00 s"}, /* not "60.0 s" */
                {60 * S, "1 min 00 s"},
                {187 * S, "3 min 07 s"},
                {3599 * S, "59 min 59 s"},
                {3720 * S, "1 h 02 min"},
                {360000 * S, "100 h 00 min"},
                {-S, "-1.0 s"},
                {INT64_MAX, "2562047788 h 00 min"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char out[TIME_TEXT_BYTES];
        assert_str(time_duration(rows[i].duration_us, out), rows[i].text);
    }
}

static void sizes_for_people(void **state)
{
    (void)state;
    static const struct {
        uint64_t size_bytes;
        const char *text;
    } rows[] = {{0, "0 B"},
                {1023, "1023 B"},
                {1024, "1.0 KiB"},
                {1536, "1.5 KiB"},
                {1048575, "1.0 MiB"}, /* not "1024.0 KiB" */
                {1048576, "1.0 MiB"},
                {(uint64_t)3 << 40, "3.0 TiB"},
                {UINT64_MAX, "16.0 EiB"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char out[TIME_TEXT_BYTES];
        assert_str(size_text(rows[i].size_bytes, out), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times_in_every_form),  cmocka_unit_test(the_ends_of_time_fit),
        cmocka_unit_test(any_time_comes_back),        cmocka_unit_test(iso_8601_as_others_write_it),
        cmocka_unit_test(what_is_no_time_is_refused), cmocka_unit_test(http_dates_of_other_forms_are_refused),
        cmocka_unit_test(durations_for_people),       cmocka_unit_test(sizes_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
