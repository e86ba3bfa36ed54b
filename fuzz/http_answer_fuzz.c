/* Any bytes as an HTTP/1.1 answer, the first of them choosing how they are cut: whole and in pieces they come to the same, and body and rest
 * are never more than what went in. */
#include "http/answer.h"

typedef struct Seen {
    Buffer lines, body;
} Seen;

static void append(Buffer *out, Str text, uint8_t end)
{
    Error *error = buffer_append_str(out, text);
    if (!error && end)
        error = buffer_append_byte(out, end);
    ASSERT(!error);
}

static bool on_line(void *context, Str line)
{
    append(&((Seen *)context)->lines, line, '\n');
    return true;
}

static bool on_head_end(void *context)
{
    return on_line(context, STR_EMPTY);
}

static size_t on_body(void *context, Bytes data)
{
    append(&((Seen *)context)->body, bytes_str(data), 0);
    return data.len;
}

static const AnswerCalls calls = {on_line, on_line, on_head_end, on_body};

static AnswerResult feed(Answer *answer, Bytes data, size_t piece_bytes, Seen *seen, size_t *ret_used)
{
    AnswerResult result = ANSWER_HUNGRY;
    size_t at = 0;

    while (result == ANSWER_HUNGRY && at < data.len) {
        const char *why;
        Bytes input = bytes_from(data.data + at, MIN(piece_bytes, data.len - at));
        size_t given = input.len;
        result = answer_feed(answer, &input, &calls, seen, &why);
        ASSERT(input.len <= given && result != ANSWER_PAUSED && result != ANSWER_STOPPED);
        at += given - input.len;
    }
    *ret_used = at;
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    Bytes text = bytes_from(data + 2, size - 2);
    Answer answers[2] = {0};
    Seen seen[2] = {0};
    AnswerResult results[2];
    size_t used[2];

    for (size_t i = 0; i < 2; i++) {
        answer_begin(&answers[i], data[0] & 1);
        results[i] = feed(&answers[i], text, i == 0 ? text.len + 1 : (size_t)data[1] + 1, &seen[i], &used[i]);
        ASSERT(seen[i].body.len <= used[i] && used[i] <= text.len);
    }
    ASSERT(results[0] == results[1] && used[0] == used[1] && answers[0].keeps == answers[1].keeps);
    ASSERT(answer_ends_here(&answers[0]) == answer_ends_here(&answers[1]));
    ASSERT(str_equal(buffer_str(&seen[0].lines), buffer_str(&seen[1].lines)));
    ASSERT(str_equal(buffer_str(&seen[0].body), buffer_str(&seen[1].body)));
    for (size_t i = 0; i < 2; i++) {
        buffer_done(&seen[i].lines);
        buffer_done(&seen[i].body);
        answer_done(&answers[i]);
    }
    return 0;
}
