/* test_s3.h - a store that asks a server with a script, at a clock that stands still. Tests only. */
#ifndef STORE_S3_TEST_S3_H
#define STORE_S3_TEST_S3_H

#include "base/testing.h"
#include "http/test_server.h"
#include "store/options.h"

typedef struct S3Test {
    TestServer *server;
    Store *store;
    int64_t now_us; /* 2026-11-21T09:39:54Z */
    Clock clock;
} S3Test;

/* `replies` is borrowed. `options` may be zeroed: keys and endpoint are filled in. */
void s3_test_open(S3Test *test, const char *url, StoreOptions options, const TestReply *replies, size_t count);
void s3_test_done(S3Test *test);

/* One reply for all requests, or a script, for "s3://bucket/pre/". */
#define S3_TEST(name, ...)                                                                                             \
    CLEANUP(s3_test_done) S3Test name = {0};                                                                           \
    static const TestReply name##_replies[] = {__VA_ARGS__};                                                           \
    s3_test_open(&(name), "s3://bucket/pre/", (StoreOptions){0}, name##_replies, ARRAY_COUNT(name##_replies))

const char *s3_test_head(const S3Test *test, size_t i);
void s3_test_sent(const S3Test *test, size_t i, const char *text);
void s3_test_not_sent(const S3Test *test, size_t i, const char *text); /* in any case */
void s3_test_body_has(const S3Test *test, size_t i, const char *text);
size_t s3_test_count(const S3Test *test); /* requests so far */

/* "HTTP/1.1 200 OK" with this body, in `out`. */
const char *s3_test_reply(char *out, size_t out_bytes, const char *status, const char *body);

/* `size_bytes` of the pattern; each read of the byte at `changes_at` gives another one (UINT64_MAX: none). */
typedef struct PatternBody {
    uint64_t changes_at;
    _Atomic unsigned reads;
} PatternBody;
PutBody pattern_body(PatternBody *pattern, uint64_t size_bytes);

#endif
