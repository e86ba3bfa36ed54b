/* Many deletes: batches, errors for single keys, keys that no XML can hold, servers without the call. */
#include "store/s3/delete_many.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/s3/test_s3.h"
#include "store/s3/xml_write.h"

#define RESULT(length, text) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" text
#define ALL_GONE RESULT("15", "<DeleteResult/>")
#define NO_CONTENT "HTTP/1.1 204 N\r\n\r\n"

/* How every key ended: its text, and "+" or the code's name. */
typedef struct Ends {
    Buffer text;
    size_t count, failed;
    size_t stop_after;
} Ends;

static void ends_done(Ends *ends)
{
    buffer_done(&ends->text);
}

static Error *note(void *context, Str key, Error *take_error)
{
    Ends *ends = context;
    Error *err = buffer_append_format(&ends->text, STR_FMT ":%s ", STR_ARG(key),
                                      take_error ? error_code_name(error_code(take_error)) : "+");
    ends->count++;
    ends->failed += take_error != NULL;
    error_free(take_error);
    if (!err && ends->stop_after > 0 && ends->count == ends->stop_after)
        err = FAIL(CHECK, "enough");
    return err;
}

static void test_escape(void **state)
{
    (void)state;
    static const struct {
        const char *text, *escaped; /* NULL: XML cannot hold it */
    } rows[] = {
        {"a&b<c>\"'", "a&amp;b&lt;c&gt;&quot;&apos;"},
        {"\t\n\r ", "&#x9;&#xA;&#xD; "},
        {"\xc3\xbc\xf0\x9f\x98\x80\x7f", "\xc3\xbc\xf0\x9f\x98\x80\x7f"},
        {"\x01", NULL},
        {"\x1f", NULL},
        {"\xff", NULL},
        {"\xef\xbf\xbe", NULL},
        {"\xed\xa0\x80", NULL},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_int_equal(xml_can_hold(str_of(rows[i].text)), rows[i].escaped != NULL);
        if (!rows[i].escaped)
            continue;
        assert_ok(xml_append_text(&out, str_of(rows[i].text)));
        assert_str(buffer_str(&out), rows[i].escaped);
    }
}

static void test_batch(void **state)
{
    (void)state;
    S3_TEST(f, {.text = ALL_GONE});
    CLEANUP(ends_done) Ends ends = {0};
    const Str keys[] = {STR("a&b"), STR("c\n")};
    assert_ok(store_delete_many(f.store, NULL, keys, 2, note, &ends));
    s3_test_sent(&f, 0, "POST /bucket?delete= HTTP/1.1\r\n");
    s3_test_sent(&f, 0, "content-md5: ");
    s3_test_body_has(&f, 0,
                     "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
                     "<Object><Key>pre/a&amp;b</Key></Object><Object><Key>pre/c&#xA;</Key></Object></Delete>");
    assert_str(buffer_str(&ends.text), "a&b:+ c\n:+ ");
    assert_int_equal(s3_test_count(&f), 1);
}

static void test_errors_of_keys(void **state)
{
    (void)state;
    S3_TEST(f,
            {.text = RESULT(
                 "274", "<DeleteResult><Deleted><Key>pre/a</Key></Deleted>"
                        "<Error><Key>pre/b</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
                        "<Error><Key>pre/c</Key><Code>InternalError</Code></Error>"
                        "<Error><Key>pre/d</Key><Code>NoSuchKey</Code></Error></DeleteResult>                       ")},
            {.text = NO_CONTENT});
    CLEANUP(ends_done) Ends ends = {0};
    const Str keys[] = {STR("a"), STR("b"), STR("c"), STR("d")};
    assert_ok(store_delete_many(f.store, NULL, keys, 4, note, &ends));
    assert_str(buffer_str(&ends.text), "b:denied d:+ a:+ c:+ ");
    s3_test_sent(&f, 1, "DELETE /bucket/pre/c HTTP/1.1\r\n");
    assert_int_equal(s3_test_count(&f), 2);
}

typedef struct AnswerRow {
    const char *name;
    const char *replies[3];
    ErrorCode code; /* of both keys */
    size_t requests;
} AnswerRow;

static const AnswerRow answers[] = {
    {"error in 200, then well", {RESULT("41", "<Error><Code>InternalError</Code></Error>"), ALL_GONE}, ERR_OK, 2},
    {"cut, then well", {RESULT("14", "<DeleteResult>"), ALL_GONE}, ERR_OK, 2},
    {"empty, then well", {RESULT("0", ""), ALL_GONE}, ERR_OK, 2},
    {"not there", {"HTTP/1.1 501 N\r\nContent-Length: 0\r\n\r\n", NO_CONTENT}, ERR_OK, 3},
    {"no POST", {"HTTP/1.1 405 N\r\nContent-Length: 0\r\n\r\n", NO_CONTENT}, ERR_OK, 3},
    {"denied", {"HTTP/1.1 403 N\r\nContent-Length: 0\r\n\r\n"}, ERR_DENIED, 1},
    {"another document", {RESULT("13", "<html></html>")}, ERR_CORRUPT, 1},
    {"an error for another key",
     {RESULT("88", "<DeleteResult><Error><Key>pre/z</Key><Code>AccessDenied</Code></Error></DeleteResult>   ")},
     ERR_CORRUPT,
     1},
    {"an error outside the prefix",
     {RESULT("88", "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>       ")},
     ERR_CORRUPT,
     1},
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        TestReply replies[3];
        size_t count = 0;
        for (; count < 3 && answers[i].replies[count]; count++)
            replies[count] = (TestReply){.text = answers[i].replies[count]};
        CLEANUP(s3_test_done) S3Test f = {0};
        CLEANUP(ends_done) Ends ends = {0};
        const Str keys[] = {STR("a"), STR("b")};
        char wanted[64], other[64];
        const char *end = answers[i].code == ERR_OK ? "+" : error_code_name(answers[i].code);
        s3_test_open(&f, "s3://bucket/pre/", (StoreOptions){0}, replies, count);
        assert_ok(store_delete_many(f.store, NULL, keys, 2, note, &ends));
        snprintf(wanted, sizeof(wanted), "a:%s b:%s ", end, end);
        snprintf(other, sizeof(other), "b:%s a:%s ", end, end);
        bool right =
            str_equal(buffer_str(&ends.text), str_of(wanted)) || str_equal(buffer_str(&ends.text), str_of(other));
        if (!right || s3_test_count(&f) != answers[i].requests)
            print_error("%s: '%s', %zu requests\n", answers[i].name, buffer_cstr(&ends.text), s3_test_count(&f));
        assert_true(right);
        assert_int_equal(s3_test_count(&f), answers[i].requests);
    }
}

static void test_keys_without_xml(void **state)
{
    (void)state;
    S3_TEST(f, {.text = NO_CONTENT});
    CLEANUP(ends_done) Ends ends = {0};
    const Str keys[] = {STR("a\x01"), STR("\xff"), STR_EMPTY};
    assert_ok(store_delete_many(f.store, NULL, keys, 3, note, &ends));
    assert_int_equal(ends.count, 3);
    assert_int_equal(ends.failed, 0); /* the empty key is that of the prefix itself */
    assert_int_equal(s3_test_count(&f), 3);
    s3_test_sent(&f, 2, "DELETE /bucket/pre/");
}

static void test_many(void **state)
{
    (void)state;
    enum { KEYS = 4500 };
    S3_TEST(f, {.text = ALL_GONE});
    CLEANUP(ends_done) Ends ends = {0};
    static char texts[KEYS][8];
    static Str keys[KEYS];
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(texts[i], sizeof(texts[i]), "k%zu", i);
        keys[i] = str_of(texts[i]);
    }
    assert_ok(store_delete_many(f.store, NULL, keys, KEYS, note, &ends));
    assert_int_equal(ends.count, KEYS);
    assert_int_equal(ends.failed, 0);
    assert_int_equal(s3_test_count(&f), 5);
    ends.stop_after = ends.count + 10;
    assert_fails(store_delete_many(f.store, NULL, keys, KEYS, note, &ends), ERR_CHECK);
    assert_ok(store_delete_many(f.store, NULL, NULL, 0, note, &ends));
    Cancel stopped = {.level = CANCEL_STOP};
    assert_fails(store_delete_many(f.store, &stopped, keys, KEYS, note, &ends), ERR_CANCELLED);
}

/* F4: a 200 whose body is an error, again and again: missed 0. */
static void test_errors_in_200(void **state)
{
    (void)state;
    enum { TIMES = 300 };
    static TestReply replies[2 * TIMES];
    for (size_t i = 0; i < TIMES; i++) {
        replies[2 * i] = (TestReply){.text = RESULT("41", "<Error><Code>InternalError</Code></Error>")};
        replies[2 * i + 1] = (TestReply){.text = ALL_GONE};
    }
    CLEANUP(s3_test_done) S3Test f = {0};
    CLEANUP(ends_done) Ends ends = {0};
    const Str key = STR("a");
    s3_test_open(&f, "s3://bucket/pre/", (StoreOptions){0}, replies, ARRAY_COUNT(replies));
    for (size_t i = 0; i < TIMES; i++)
        assert_ok(store_delete_many(f.store, NULL, &key, 1, note, &ends));
    assert_int_equal(ends.failed, 0);
    assert_int_equal(s3_test_count(&f), 2 * TIMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),           cmocka_unit_test(test_batch),
        cmocka_unit_test(test_errors_of_keys),   cmocka_unit_test(test_answers),
        cmocka_unit_test(test_keys_without_xml), cmocka_unit_test(test_many),
        cmocka_unit_test(test_errors_in_200),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
