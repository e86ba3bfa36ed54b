#include "http/answer.h"

#include "base/testing.h"

/* What came of an answer: its head lines, each with a bar behind it, and its body. */
typedef struct Seen {
    Buffer lines, body;
    size_t refuse_at; /* of the body, what is behind this byte, once; SIZE_MAX: nothing */
    bool for_good;
} Seen;

static bool on_line(void *context, Str line)
{
    Seen *seen = context;
    assert_ok(buffer_append_str(&seen->lines, line));
    assert_ok(buffer_append_byte(&seen->lines, '|'));
    return true;
}

static bool on_head_end(void *context)
{
    return on_line(context, STR_EMPTY);
}

static size_t on_body(void *context, Bytes data)
{
    Seen *seen = context;
    size_t room = seen->refuse_at - seen->body.len, len = MIN(data.len, room);
    if (len < data.len) {
        if (seen->for_good)
            return ANSWER_NEVER;
        seen->refuse_at = SIZE_MAX;
    }
    assert_ok(buffer_append(&seen->body, data.data, len));
    return len;
}

static const AnswerCalls calls = {on_line, on_line, on_head_end, on_body};

static void seen_done(Seen *seen)
{
    buffer_done(&seen->lines);
    buffer_done(&seen->body);
}

/* In pieces of `piece_bytes`; `ret_left` is what lies behind the answer. */
static AnswerResult feed(Answer *answer, Str text, size_t piece_bytes, Seen *seen, size_t *ret_left)
{
    AnswerResult result = ANSWER_HUNGRY;
    size_t at = 0;

    while (result == ANSWER_HUNGRY && at < text.len) {
        const char *why;
        Bytes input = str_bytes(str_slice(text, at, MIN(at + piece_bytes, text.len)));
        size_t given = input.len;
        result = answer_feed(answer, &input, &calls, seen, &why);
        at += given - input.len;
        assert_true(result != ANSWER_HUNGRY || input.len == 0);
        assert_true((result == ANSWER_BROKEN || result == ANSWER_NOT_HTTP) == (why[0] != '\0'));
    }
    *ret_left = text.len - at;
    return result;
}

static const struct Row {
    const char *text, *lines, *body;
    AnswerResult result;
    bool to_head, ends_here, keeps;
    size_t left;
} rows[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK|Content-Length: 5||", "hello",
     ANSWER_COMPLETE, .keeps = true},
    {"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "HTTP/1.1 200 OK|Content-Length: 5||", "hello", ANSWER_COMPLETE,
     .keeps = true},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\nrest", "HTTP/1.1 200|Content-Length: 0||", "", ANSWER_COMPLETE,
     .keeps = true, .left = 4},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK|Content-Length: 5||", "", ANSWER_COMPLETE,
     .to_head = true, .keeps = true},
    {"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 204 No|Content-Length: 5||", "", ANSWER_COMPLETE,
     .keeps = true},
    {"HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 304 No|Transfer-Encoding: chunked||", "",
     ANSWER_COMPLETE, .keeps = true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 OK|Content-Length: 5||", "hell", ANSWER_HUNGRY,
     .keeps = true},
    {"HTTP/1.1 200 OK\r\nContent-Len", "HTTP/1.1 200 OK|", "", ANSWER_HUNGRY, .keeps = true},
    /* RFC 9112 9.3: who says so ends the connection. */
    {"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx",
     "HTTP/1.1 200 OK|Connection: Close|Content-Length: 1||", "x", ANSWER_COMPLETE},
    {"HTTP/1.1 200 OK\r\nConnection: a, close\r\nContent-Length: 1\r\n\r\nx",
     "HTTP/1.1 200 OK|Connection: a, close|Content-Length: 1||", "x", ANSWER_COMPLETE},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.0 200 OK|Content-Length: 1||", "x", ANSWER_COMPLETE},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
     "HTTP/1.0 200 OK|Connection: keep-alive|Content-Length: 1||", "x", ANSWER_COMPLETE, .keeps = true},
    /* Interim answers. */
    {"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
     "HTTP/1.1 100 Continue|Content-Length: 3||HTTP/1.1 200 OK|Content-Length: 1||", "x", ANSWER_COMPLETE,
     .keeps = true},
    {"HTTP/1.1 101 Upgraded\r\n\r\n", "HTTP/1.1 101 Upgraded||", "", ANSWER_BROKEN, .keeps = true},
    /* No length: to the end, which has to be seen. */
    {"HTTP/1.1 500 Oh\r\n\r\nsome text", "HTTP/1.1 500 Oh||", "some text", ANSWER_HUNGRY, .ends_here = true},
    /* Chunks: RFC 9112 7.1. */
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n4\r\nWiki\r\n7;a=b\r\npedia i\r\nB \r\nn \r\nchunks.\r\n0\r\nETag: x\r\n\r\n",
     "HTTP/1.1 200 OK|Transfer-Encoding: Chunked||", "Wikipedia in \r\nchunks.", ANSWER_COMPLETE, .keeps = true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nx\r\n0\r\n\r\n",
     "HTTP/1.1 200 OK|Transfer-Encoding: chunked|Content-Length: 3||", "x", ANSWER_COMPLETE},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
     "HTTP/1.1 200 OK|Transfer-Encoding: chunked||", "x", ANSWER_HUNGRY, .keeps = true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", "HTTP/1.1 200 OK|Transfer-Encoding: chunked||",
     "x", ANSWER_BROKEN, .keeps = true, .left = 0},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "HTTP/1.1 200 OK|Transfer-Encoding: chunked||", "",
     ANSWER_BROKEN, .keeps = true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "HTTP/1.1 200 OK|Transfer-Encoding: chunked||", "",
     ANSWER_BROKEN, .keeps = true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
     "HTTP/1.1 200 OK|Transfer-Encoding: chunked||", "", ANSWER_BROKEN, .keeps = true},
    /* What leaves the body's end in doubt, or is no head at all. */
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.1 200 OK|", "", ANSWER_BROKEN,
     .keeps = true, .left = 2},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "HTTP/1.1 200 OK|Content-Length: 5|", "",
     ANSWER_BROKEN, .keeps = true, .left = 2},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
     "HTTP/1.1 200 OK|Content-Length: 5|Content-Length: 5||", "hello", ANSWER_COMPLETE, .keeps = true},
    {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "HTTP/1.1 200 OK|", "", ANSWER_BROKEN, .keeps = true, .left = 2},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 200 OK|", "", ANSWER_BROKEN,
     .keeps = true, .left = 2},
    {"HTTP/1.1 200 OK\r\nno header\r\n\r\n", "HTTP/1.1 200 OK|", "", ANSWER_BROKEN, .keeps = true, .left = 2},
    {"HTTP/1.1 200 OK\r\nA: b\r\n folded: c\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 200 OK|A: b| folded: c|Content-Length: 0||", "", ANSWER_COMPLETE, .keeps = true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n", "HTTP/1.1 200 OK|", "", ANSWER_BROKEN, .keeps = true,
     .left = 2},
    {"HTTP/1.1 403 No\r\nHTTP/1.1 200 OK: x\r\n\r\n", "HTTP/1.1 403 No|", "", ANSWER_BROKEN, .keeps = true, .left = 2},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 0\r\n\r\n", "HTTP/1.1 200 OK|Content-Length: 1|", "", ANSWER_BROKEN,
     .keeps = true, .left = 2},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
     "HTTP/1.1 200 OK|Connection: close|Connection: keep-alive|Content-Length: 0||", "", ANSWER_COMPLETE},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "HTTP/1.0 200 OK|Connection: keep-alive|Transfer-Encoding: chunked||", "", ANSWER_COMPLETE},
    {"SSH-2.0-OpenSSH_9.2\r\n", "", "", ANSWER_NOT_HTTP},
    {"HTTP/2 200\r\n\r\n", "", "", ANSWER_NOT_HTTP, .left = 2},
    {"HTTP/1.1 20 OK\r\n\r\n", "", "", ANSWER_NOT_HTTP, .left = 2},
    {"HTTP/1.1 099 OK\r\n\r\n", "", "", ANSWER_NOT_HTTP, .left = 2},
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        for (size_t piece_bytes = 1; piece_bytes < 300; piece_bytes += piece_bytes < 8 ? 1 : 97) {
            const struct Row *row = &rows[i];
            CLEANUP(answer_done) Answer answer = {0};
            CLEANUP(seen_done) Seen seen = {.refuse_at = SIZE_MAX};
            size_t left;
            answer_begin(&answer, row->to_head);
            AnswerResult result = feed(&answer, str_of(row->text), piece_bytes, &seen, &left);
            if (result != row->result || left != row->left || answer_ends_here(&answer) != row->ends_here
                || answer.keeps != row->keeps || !str_equal(buffer_str(&seen.lines), str_of(row->lines))
                || !str_equal(buffer_str(&seen.body), str_of(row->body)))
                fail_msg("row %zu by %zu: result %d, %zu left, keeps %d, '" STR_FMT "', '" STR_FMT "'", i, piece_bytes,
                         (int)result, left, answer.keeps, STR_ARG(buffer_str(&seen.lines)),
                         STR_ARG(buffer_str(&seen.body)));
        }
}

static void test_the_next_answer(void **state)
{
    (void)state;
    static const char two[] = "HTTP/1.1 404 No\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                              "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    CLEANUP(answer_done) Answer answer = {0};
    CLEANUP(seen_done) Seen seen = {.refuse_at = SIZE_MAX};
    Str text = str_of(two);
    size_t left;

    answer_begin(&answer, false);
    assert_int_equal(feed(&answer, text, 1000, &seen, &left), ANSWER_COMPLETE);
    assert_false(answer.keeps);
    answer_begin(&answer, false);
    assert_int_equal(feed(&answer, str_slice(text, text.len - left, text.len), 3, &seen, &left), ANSWER_COMPLETE);
    assert_true(answer.keeps);
    assert_string_equal(buffer_cstr(&seen.body), "x");
}

static void test_a_body_that_is_refused(void **state)
{
    (void)state;
    Str text = STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n");
    CLEANUP(answer_done) Answer answer = {0};
    CLEANUP(seen_done) Seen seen = {.refuse_at = 7};
    size_t left;

    answer_begin(&answer, false);
    assert_int_equal(feed(&answer, text, 1000, &seen, &left), ANSWER_PAUSED);
    assert_int_equal(left, strlen("rld\r\n0\r\n\r\n"));
    assert_int_equal(feed(&answer, str_slice(text, text.len - left, text.len), 1, &seen, &left), ANSWER_COMPLETE);
    assert_string_equal(buffer_cstr(&seen.body), "helloworld");

    seen_done(&seen);
    seen = (Seen){.refuse_at = 7, .for_good = true};
    answer_begin(&answer, false);
    assert_int_equal(feed(&answer, text, 1000, &seen, &left), ANSWER_STOPPED);
}

static void test_lines_that_do_not_end(void **state)
{
    (void)state;
    static const char *const begins[] = {
        "", "HTTP/1.1 200 OK\r\nx-amz-meta-a: ", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: "};
    CLEANUP(buffer_done) Buffer endless = {0};
    for (size_t i = 0; i < ANSWER_LINE_MAX + 100; i++)
        assert_ok(buffer_append_byte(&endless, 'a'));

    for (size_t i = 0; i < ARRAY_COUNT(begins); i++) {
        CLEANUP(answer_done) Answer answer = {0};
        CLEANUP(seen_done) Seen seen = {.refuse_at = SIZE_MAX};
        size_t left;
        answer_begin(&answer, false);
        if (begins[i][0] != '\0')
            assert_int_equal(feed(&answer, str_of(begins[i]), 1000, &seen, &left), ANSWER_HUNGRY);
        assert_int_equal(feed(&answer, buffer_str(&endless), 4096, &seen, &left), ANSWER_BROKEN);
    }
}

static void test_trailers_that_do_not_end(void **state)
{
    (void)state;
    CLEANUP(answer_done) Answer answer = {0};
    CLEANUP(seen_done) Seen seen = {.refuse_at = SIZE_MAX};
    AnswerResult result;
    size_t left, lines = 0;

    answer_begin(&answer, false);
    result = feed(&answer, STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"), 1000, &seen, &left);
    for (; result == ANSWER_HUNGRY && lines < ANSWER_LINE_MAX; lines++)
        result = feed(&answer, STR("A: b\r\n"), 1000, &seen, &left);
    assert_int_equal(result, ANSWER_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_the_next_answer),
        cmocka_unit_test(test_a_body_that_is_refused),
        cmocka_unit_test(test_lines_that_do_not_end),
        cmocka_unit_test(test_trailers_that_do_not_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
