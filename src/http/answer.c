#include "http/answer.h"

void answer_begin(Answer *answer, bool to_head)
{
    Buffer line = answer->line;

    buffer_clear(&line);
    line.limit = ANSWER_LINE_MAX;
    *answer = (Answer){.to_head = to_head, .line = line};
}

void answer_done(Answer *answer)
{
    buffer_done(&answer->line);
}

/* One call of answer_feed. */
typedef struct Feed {
    Answer *answer;
    Bytes *input;
    const AnswerCalls *calls;
    void *context;
    const char *why;
} Feed;

static AnswerResult broken(Feed *feed, const char *why)
{
    feed->why = why;
    return ANSWER_BROKEN;
}

static void consume(Feed *feed, size_t len)
{
    *feed->input = bytes_from(feed->input->data + len, feed->input->len - len);
}

/* The next line without its end, CR LF or LF alone (RFC 9112 2.2): from the input, or put together in `line`. HUNGRY: it has not ended. */
static AnswerResult next_line(Feed *feed, Str *ret_line)
{
    Buffer *kept = &feed->answer->line;
    Str text = bytes_str(*feed->input);
    size_t end = text.len > 0 ? str_find_char(text, '\n') : SIZE_MAX;
    size_t len = MIN(end, text.len);

    if (kept->len + len > ANSWER_LINE_MAX)
        return broken(feed, "a line of its head passes 100 KiB");
    if (kept->len > 0 || end == SIZE_MAX) {
        Error *error = buffer_append(kept, text.data, len);
        if (error) {
            error_free(error);
            return ANSWER_NO_MEMORY;
        }
        text = buffer_str(kept);
    } else
        text = str_slice(text, 0, len);
    consume(feed, end == SIZE_MAX ? len : len + 1);
    if (end == SIZE_MAX)
        return ANSWER_HUNGRY;

    *ret_line = str_ends_with(text, STR("\r")) ? str_slice(text, 0, text.len - 1) : text;
    return ANSWER_COMPLETE;
}

/* ---- the head ---- */

/* "HTTP/1.1 200 OK"; the version and three digits are all that matters (RFC 9112 4). */
static AnswerResult status_line(Feed *feed, Str line)
{
    Answer *answer = feed->answer;
    uint64_t status;

    if (!str_starts_with(line, STR("HTTP/1.")) || line.len < 12 || line.data[8] != ' '
        || !str_to_u64(str_slice(line, 9, 12), &status) || status < 100) {
        feed->why = "it does not begin with a status line";
        return ANSWER_NOT_HTTP;
    }
    answer->status = (unsigned)status;
    answer->is_old = line.data[7] == '0';
    answer->keeps = !answer->is_old;
    answer->sized = answer->chunked = answer->framing = answer->closes = false;
    answer->state = ANSWER_AT_FIELD;
    return ANSWER_COMPLETE;
}

static AnswerResult content_length(Feed *feed, Str value)
{
    uint64_t length;

    if (!str_to_u64(value, &length))
        return broken(feed, "its Content-Length makes no sense");
    if (feed->answer->sized && feed->answer->left != length)
        return broken(feed, "it has two Content-Lengths, which differ");
    feed->answer->sized = true;
    feed->answer->left = length;
    return ANSWER_COMPLETE;
}

static AnswerResult transfer_encoding(Feed *feed, Str value)
{
    if (!str_equal_nocase(value, STR("chunked")))
        return broken(feed, "its Transfer-Encoding is not known");
    feed->answer->chunked = true;
    return ANSWER_COMPLETE;
}

static void connection_options(Answer *answer, Str value)
{
    Str option;

    while (str_next_piece(&value, ',', &option)) {
        if (str_equal_nocase(str_trim(option), STR("close")))
            answer->closes = true;
        else if (str_equal_nocase(str_trim(option), STR("keep-alive")))
            answer->keeps = true;
    }
    answer->keeps &= !answer->closes;
}

/* A name without blanks in it or behind it, which others would take for another name (RFC 9112 5.1). */
static bool is_field(Str line)
{
    size_t colon = str_find_char(line, ':');

    for (size_t i = 0; i < MIN(colon, line.len); i++)
        if ((unsigned char)line.data[i] <= ' ')
            return false;
    return colon != SIZE_MAX && colon > 0 && !memchr(line.data, '\0', line.len);
}

static AnswerResult field_line(Feed *feed, Str line)
{
    Answer *answer = feed->answer;
    size_t colon = str_find_char(line, ':');
    Str name = str_slice(line, 0, colon), value = str_trim(str_slice(line, colon + 1, line.len));

    answer->framing = true;
    if (name.len == 14 && str_equal_nocase(name, STR("content-length")))
        return content_length(feed, value);
    if (name.len == 17 && str_equal_nocase(name, STR("transfer-encoding")))
        return transfer_encoding(feed, value);
    if (name.len == 10 && str_equal_nocase(name, STR("connection")))
        connection_options(answer, value);
    else
        answer->framing = false;
    return ANSWER_COMPLETE;
}

/* How the end of the body is found. Source: RFC 9112 6.3. */
static AnswerResult head_end(Feed *feed)
{
    Answer *answer = feed->answer;

    if (answer->status == 101)
        return broken(feed, "it switches protocols, which nobody asked for");
    if (answer->status < 200) {
        answer->welcomed |= answer->status == 100;
        answer->state = ANSWER_AT_STATUS; /* of the answer that follows */
    } else if (answer->to_head || answer->status == 204 || answer->status == 304)
        answer->state = ANSWER_AT_END;
    else if (answer->chunked) {
        answer->state = ANSWER_AT_CHUNK;
        /* Two ways to see its end, or one that its version has not: the next answer would be in doubt. */
        answer->keeps &= !answer->sized && !answer->is_old;
    } else if (answer->sized)
        answer->state = answer->left > 0 ? ANSWER_IN_BODY : ANSWER_AT_END;
    else {
        answer->state = ANSWER_IN_BODY_TO_END;
        answer->keeps = false;
    }
    return ANSWER_COMPLETE;
}

static bool is_folded(Str line)
{
    return line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
}

static AnswerResult folded_line(Feed *feed)
{
    return feed->answer->framing ? broken(feed, "a header that frames it is folded") : ANSWER_COMPLETE;
}

static AnswerResult header_line(Feed *feed, Str line)
{
    AnswerResult result;

    if (is_folded(line)) /* more of a value (RFC 9112 5.2) */
        result = folded_line(feed);
    else if (is_field(line))
        result = field_line(feed, line);
    else
        result = broken(feed, "a line of its head is no header");
    if (result != ANSWER_COMPLETE)
        return result;
    return feed->calls->field(feed->context, line) ? ANSWER_COMPLETE : ANSWER_STOPPED;
}

static AnswerResult first_line(Feed *feed, Str line)
{
    AnswerResult result = status_line(feed, line);

    if (result != ANSWER_COMPLETE)
        return result;
    return feed->calls->status(feed->context, line) ? ANSWER_COMPLETE : ANSWER_STOPPED;
}

static AnswerResult empty_line(Feed *feed)
{
    return feed->calls->end(feed->context) ? head_end(feed) : ANSWER_STOPPED;
}

/* ---- the body ---- */

/* `*ret_taken` of the first `len` bytes. */
static AnswerResult give_body(Feed *feed, size_t len, size_t *ret_taken)
{
    size_t taken = feed->calls->body(feed->context, bytes_from(feed->input->data, len));

    *ret_taken = 0;
    if (taken == ANSWER_NEVER)
        return ANSWER_STOPPED;
    ASSERT(taken <= len);
    consume(feed, taken);
    *ret_taken = taken;
    return taken < len ? ANSWER_PAUSED : ANSWER_COMPLETE;
}

static AnswerResult give_to_end(Feed *feed)
{
    size_t taken;
    return give_body(feed, feed->input->len, &taken);
}

static AnswerResult give_counted(Feed *feed, AnswerState behind)
{
    Answer *answer = feed->answer;
    size_t taken;
    AnswerResult result = give_body(feed, (size_t)MIN((uint64_t)feed->input->len, answer->left), &taken);

    answer->left -= taken;
    if (result == ANSWER_COMPLETE && answer->left == 0)
        answer->state = behind;
    return result;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* "1f40" or "1f40;name=value" (RFC 9112 7.1). */
static AnswerResult chunk_size(Feed *feed, Str line)
{
    Answer *answer = feed->answer;
    Str digits = str_trim(str_slice(line, 0, MIN(str_find_char(line, ';'), line.len)));

    answer->left = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = hex_digit(digits.data[i]);
        if (digit < 0 || answer->left > UINT64_MAX >> 4)
            return broken(feed, "a chunk's size makes no sense");
        answer->left = answer->left << 4 | (unsigned)digit;
    }
    if (digits.len == 0)
        return broken(feed, "a chunk has no size");
    answer->state = answer->left > 0 ? ANSWER_IN_CHUNK : ANSWER_AT_TRAILER;
    return ANSWER_COMPLETE;
}

static AnswerResult behind_chunk(Feed *feed, Str line)
{
    if (line.len > 0)
        return broken(feed, "a chunk is longer than its size");
    feed->answer->state = ANSWER_AT_CHUNK;
    return ANSWER_COMPLETE;
}

/* `left` counts them, so that they end. */
static AnswerResult trailer(Feed *feed, Str line)
{
    feed->answer->left += line.len + 1;
    if (line.len == 0)
        feed->answer->state = ANSWER_AT_END;
    return feed->answer->left > ANSWER_LINE_MAX ? broken(feed, "its trailers pass 100 KiB") : ANSWER_COMPLETE;
}

/* ---- all of it ---- */

static AnswerResult take_line(Feed *feed)
{
    Str line;
    AnswerResult result = next_line(feed, &line);

    if (result != ANSWER_COMPLETE)
        return result;
    AnswerState state = feed->answer->state;
    if (state == ANSWER_AT_CHUNK)
        result = chunk_size(feed, line);
    else if (state == ANSWER_BEHIND_CHUNK)
        result = behind_chunk(feed, line);
    else if (state == ANSWER_AT_TRAILER)
        result = trailer(feed, line);
    else if (state == ANSWER_AT_STATUS)
        result = first_line(feed, line);
    else
        result = line.len > 0 ? header_line(feed, line) : empty_line(feed);
    buffer_clear(&feed->answer->line);
    return result;
}

static AnswerResult step(Feed *feed)
{
    AnswerState state = feed->answer->state;

    if (state == ANSWER_IN_BODY)
        return give_counted(feed, ANSWER_AT_END);
    if (state == ANSWER_IN_CHUNK)
        return give_counted(feed, ANSWER_BEHIND_CHUNK);
    return state == ANSWER_IN_BODY_TO_END ? give_to_end(feed) : take_line(feed);
}

AnswerResult answer_feed(Answer *answer, Bytes *input, const AnswerCalls *calls, void *context, const char **ret_why)
{
    Feed feed = {.answer = answer, .input = input, .calls = calls, .context = context, .why = ""};
    AnswerResult result = ANSWER_COMPLETE;

    while (result == ANSWER_COMPLETE && answer->state != ANSWER_AT_END)
        result = input->len > 0 ? step(&feed) : ANSWER_HUNGRY;
    *ret_why = feed.why;
    return result;
}

bool answer_ends_here(const Answer *answer)
{
    return answer->state == ANSWER_IN_BODY_TO_END;
}
