#include "sandbox/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/testing.h"

typedef struct NextCase {
    const char *name;
    Str input; /* any bytes */
    ErrorCode code;
    size_t more_bytes;
    MessageKind kind; /* of a complete message */
    size_t body_bytes;
} NextCase;

#define LITERAL(literal)                                                                                               \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    }

static const NextCase next_cases[] = {
    {.name = "nothing", .input = LITERAL(""), .more_bytes = 8},
    {.name = "half a head", .input = LITERAL("\4\0\0\0\2"), .more_bytes = 3},
    {.name = "head alone", .input = LITERAL("\4\0\0\0\2\0\0\0"), .more_bytes = 2},
    {.name = "half a body", .input = LITERAL("\4\0\0\0\2\0\0\0a"), .more_bytes = 1},
    {.name = "frame", .input = LITERAL("\4\0\0\0\2\0\0\0ab"), .kind = MESSAGE_FRAME, .body_bytes = 2},
    {.name = "frame and more", .input = LITERAL("\4\0\0\0\2\0\0\0abcd"), .kind = MESSAGE_FRAME, .body_bytes = 2},
    {.name = "empty frame", .input = LITERAL("\4\0\0\0\0\0\0\0"), .kind = MESSAGE_FRAME},
    {.name = "largest frame, head", .input = LITERAL("\4\0\0\0\0\0\0\1"), .more_bytes = SANDBOX_FRAME_MAX},
    {.name = "frame too large", .input = LITERAL("\4\0\0\0\1\0\0\1"), .code = ERR_CORRUPT},
    {.name = "frame of 4 GiB", .input = LITERAL("\4\0\0\0\377\377\377\377"), .code = ERR_CORRUPT},
    {.name = "kind 0", .input = LITERAL("\0\0\0\0\0\0\0\0"), .code = ERR_CORRUPT},
    {.name = "kind past the last", .input = LITERAL("\7\0\0\0\0\0\0\0"), .code = ERR_CORRUPT},
    {.name = "kind of 32 bits", .input = LITERAL("\4\0\0\200\2\0\0\0ab"), .code = ERR_CORRUPT},
    {.name = "progress", .input = LITERAL("\5\0\0\0\10\0\0\0abcdefgh"), .kind = MESSAGE_PROGRESS, .body_bytes = 8},
    {.name = "progress too short", .input = LITERAL("\5\0\0\0\7\0\0\0abcdefg"), .code = ERR_CORRUPT},
    {.name = "end too short", .input = LITERAL("\6\0\0\0\43\0\0\0"), .code = ERR_CORRUPT},
    {.name = "end with a novel", .input = LITERAL("\6\0\0\0\45\20\0\0"), .code = ERR_CORRUPT},
    {.name = "request too large", .input = LITERAL("\1\0\0\0\21\200\0\0"), .code = ERR_CORRUPT},
};

static void test_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(next_cases); i++) {
        const NextCase *c = &next_cases[i];
        Reader in = reader_of(str_bytes(c->input));
        Message message = {0};
        size_t more = 99;
        Error *error = message_next(&in, &message, &more);
        bool right = error_code(error) == c->code;
        if (right && !error)
            right = more == c->more_bytes && message.kind == c->kind && message.body.len == c->body_bytes
                    && reader_offset(&in) == (more ? 0 : MESSAGE_HEAD_BYTES + c->body_bytes);
        if (!right)
            print_error("%s: %s, %zu more\n", c->name, error_message_view(error), more);
        error_free(error);
        assert_true(right);
    }
}

static void test_head(void **state)
{
    (void)state;
    uint8_t head[MESSAGE_HEAD_BYTES];
    message_head(MESSAGE_FRAME, 0x123456, head);
    assert_memory_equal(head, "\4\0\0\0\x56\x34\x12\0", sizeof head);
}

static void test_end(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer out = {0};
    EndMessage end = {5, ERR_CORRUPT, 77, 1 << 20, 12345, STR("page 3: bad \xff\x1b[31m xref\n")};
    assert_ok(end_encode(&end, &out));
    Reader in = reader_of(buffer_bytes(&out));
    Message message;
    size_t more;
    assert_ok(message_next(&in, &message, &more));
    assert_int_equal(more, 0);
    char text[END_TEXT_MAX_BYTES];
    EndMessage back;
    assert_ok(end_decode(message.body, text, &back));
    assert_int_equal(back.serial, 5);
    assert_int_equal(back.code, ERR_CORRUPT);
    assert_int_equal(back.offset_bytes, 77);
    assert_int_equal(back.peak_bytes, 1 << 20);
    assert_int_equal(back.cpu_us, 12345);
    assert_str(back.text, "page 3: bad ??[31m xref?");
    for (size_t len = 0; len < END_MIN_BYTES; len++)
        assert_fails(end_decode(bytes_from(message.body.data, len), text, &back), ERR_CORRUPT);
}

/* A message longer than the limit is cut; a code that is none of ours is refused. */
static void test_end_limits(void **state)
{
    (void)state;
    static char novel[END_TEXT_MAX_BYTES + 100];
    memset(novel, 'x', sizeof novel);
    CLEANUP(buffer_done) Buffer out = {0};
    EndMessage end = {.code = ERR_LIMIT, .text = str_from(novel, sizeof novel)}, back;
    assert_ok(end_encode(&end, &out));
    assert_int_equal(out.len, MESSAGE_HEAD_BYTES + END_MIN_BYTES + END_TEXT_MAX_BYTES);
    char text[END_TEXT_MAX_BYTES];
    Bytes body = bytes_from(out.data + MESSAGE_HEAD_BYTES, out.len - MESSAGE_HEAD_BYTES);
    assert_ok(end_decode(body, text, &back));
    assert_int_equal(back.text.len, END_TEXT_MAX_BYTES);
    out.data[MESSAGE_HEAD_BYTES + 8] = ERR_CODES;
    assert_fails(end_decode(body, text, &back), ERR_CORRUPT);
}

static void test_clean(void **state)
{
    (void)state;
    static const struct {
        const char *dirty, *clean;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"H\xc3\xa4user \xe2\x82\xac \xf0\x9f\x98\x80", "H\xc3\xa4user \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\nb\tc\x7f", "a?b?c?"},
        {"\x1b]0;title\x07", "?]0;title?"},
        {"\xc2\x9b"
         "31m",
         "?31m"},
        {"\xe2\x80\xae"
         "fdp.exe",
         "?fdp.exe"},
        {"cut \xe2\x82", "cut ??"},
        {"\xff\xfe", "??"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char out[64];
        assert_str(text_clean(str_of(cases[i].dirty), out), cases[i].clean);
    }
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void test_packets(void **state)
{
    (void)state;
    int pair[2], got[FORK_FDS];
    uint32_t number = 7, back = 0;
    uint64_t wide;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_true(packet_send(pair[0], &number, sizeof number, pair, 2));
    assert_true(packet_receive(pair[1], &back, sizeof back, got, FORK_FDS));
    assert_int_equal(back, 7);
    assert_true(is_open(got[0]) && is_open(got[1]) && got[2] == -1 && got[3] == -1);
    assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
    close(got[0]);
    close(got[1]);

    assert_true(packet_send(pair[0], &number, sizeof number, pair, 1));
    assert_false(packet_receive(pair[1], &wide, sizeof wide, got, 1)); /* too short; its descriptor is closed again */
    assert_int_equal(errno, EPROTO);
    assert_int_equal(got[0], -1);

    assert_true(packet_send(pair[0], &number, sizeof number, pair, 2)); /* more than wanted: the rest is closed */
    assert_true(packet_receive(pair[1], &back, sizeof back, got, 1));
    close(got[0]);
    assert_false(is_open(got[0] + 1));

    close(pair[0]);
    assert_false(packet_receive(pair[1], &back, sizeof back, NULL, 0));
    assert_int_equal(errno, ECONNRESET);
    assert_false(packet_send(pair[1], &back, sizeof back, NULL, 0));
    assert_int_equal(errno, EPIPE);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),       cmocka_unit_test(test_head),  cmocka_unit_test(test_end),
        cmocka_unit_test(test_end_limits), cmocka_unit_test(test_clean), cmocka_unit_test(test_packets),
    };
    return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
