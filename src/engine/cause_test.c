#include "engine/cause.h"

#include "base/testing.h"

static void equal_failures_have_one_cause(void **state)
{
    (void)state;
    static const struct {
        const char *key, *message, *cause;
    } rows[] = {
        {"in/a.txt", "read 's3://b/in/a.txt': 403 AccessDenied: Access Denied (request 4442587FB7D0A2F9)",
         "read: 403 AccessDenied: Access Denied"},
        {"in/a b.txt", "GET http://127.0.0.1:9/b/in/a%20b.txt: 503 SlowDown: slow down (request tx1): 5 attempts",
         "GET: 503 SlowDown: slow down: 5 attempts"},
        {"in/a b.txt", "get 'http://127.0.0.1:9/b/in/a%20b.txt': connection refused", "get: connection refused"},
        {"it's.txt", "read 'it's.txt': it became shorter meanwhile", "read: it became shorter meanwhile"},
        {"a/it's.txt", "read 's3://b/a/it's.txt': gone", "read: gone"},
        {"k.csv", "'k.csv' in '/srv/in' is no regular file", "in '/srv/in' is no regular file"},
        {"k.csv", "write 'out/k.csv.json': no space left on device", "write: no space left on device"},
        {"k", "choose '--max-errors' or 'k'", "choose '--max-errors' or"}, /* not every word with a k in it */
        {"", "there is nothing '' here", "there is nothing '' here"},
        {"x.parquet", "row group 3: page at byte 88120: zstd frame is corrupt",
         "row group N: page at byte N: zstd frame is corrupt"},
        {"x.json", "not valid JSON: line 12, column 7: unexpected token",
         "not valid JSON: line N, column N: unexpected token"},
        {"x", "answer of 123 bytes is malformed at byte 7", "answer of N bytes is malformed at byte N"},
        {"x", "the object is not the one that was listed: its ETag is d41d8cd98f00b204e9800998ecf8427e, not \"x\"",
         "the object is not the one that was listed: its ETag is N, not \"x\""},
        {"in/0.txt",
         "GET 'http://h/b/in/0.txt' (attempt 2): their MD5 is 1mkf/E8jpsgEitlRFvKjdQ==, not AAAAAAAAAAAAAAAAAAAAAA== (request id 'a', 'b')",
         "GET (attempt 2): their MD5 is N, not N"},
        {"a.json", "write 'a.json': 's3://b/a.json': PUT 'http://h/b/a.json': 403 no", "write: PUT: 403 no"},
        {"x", "their CRC32 is DUoRhQ==", "their CRC32 is N"},
        {"x", "the option a=b", "the option a=b"},
        {"x", "more than 1000000 elements", "more than 1000000 elements"}, /* a limit is the cause itself */
        {"x", "no answer within 30 s", "no answer within 30 s"},
        {"x", "unsupported type: image/png", "unsupported type: image/png"},
        {"x", "(request with no end", "(request with no end"},
        {"x", "an open ' quote", "an open ' quote"},
        {"x", "://", "://"},
        {"x", "", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_ok(buffer_append_str(&out, STR("> ")));
        assert_ok(cause_append(&out, str_of(rows[i].key), str_of(rows[i].message)));
        assert_str(str_slice(buffer_str(&out), 2, out.len), rows[i].cause);
    }
}

/* Whatever is in a key or a message, no byte is read that is not there, and a key of some length is not told. */
static void a_cause_does_not_tell_the_key(void **state)
{
    (void)state;
    static const char *const keys[] = {"secret", "se'cret", "secret '", "'secret", "se cret", "secret\xff"};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        CLEANUP(buffer_done) Buffer message = {0}, out = {0};
        assert_ok(buffer_append_format(&message, "read 's3://b/%s': put 'out/%s.json': no", keys[i], keys[i]));
        assert_ok(cause_append(&out, str_of(keys[i]), buffer_str(&message)));
        assert_true(str_find(buffer_str(&out), str_of(keys[i])) == SIZE_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_failures_have_one_cause),
        cmocka_unit_test(a_cause_does_not_tell_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
