#include "http/lane.h"

#include <inttypes.h>

/* After a second without a word the body is sent all the same (RFC 9110 10.1.1). A turn ends after so many pieces, so that others get theirs, and
 * an answer is seen that comes before the request has ended. */
enum { CONTINUE_WAIT_US = 1000000, PIECES_MAX = 8 };
static const int64_t SAMPLE_MAX_US = 5000000;

void lane_done(Lane *lane)
{
    ASSERT(!lane->connection);
    buffer_done(&lane->head);
    buffer_done(&lane->held);
    answer_done(&lane->answer);
}

static void sample_speed(Lane *lane, int64_t now_us)
{
    lane->sampled_us = now_us;
    lane->sampled_bytes = lane->moved_bytes;
}

void lane_begin(Lane *lane, Connection *connection, bool kept, const LaneRequest *request, int64_t now_us)
{
    ASSERT(!lane->connection);
    lane->connection = connection;
    lane->kept = kept;
    lane->request = *request;
    lane->sent_bytes = 0;
    lane->unsent = BYTES_EMPTY;
    lane->asked_us = 0;
    answer_begin(&lane->answer, request->to_head);
    buffer_clear(&lane->held);
    lane->answered = lane->more = lane->paused = lane->upload_held = false;
    lane->moved_bytes = 0;
    lane->slow_us = 0;
    lane->why = "";
    sample_speed(lane, now_us);
}

static CURLcode fail(Lane *lane, CURLcode code, const char *why)
{
    lane->why = why;
    return code;
}

/* ---- the request ---- */

static bool is_sent(const Lane *lane)
{
    return lane->sent_bytes == lane->head.len + lane->request.upload_bytes;
}

/* The server has said no: it wants no more of the body. */
static bool is_refused(const Lane *lane)
{
    return lane->answer.status >= 300;
}

static bool head_is_sent(const Lane *lane)
{
    return lane->sent_bytes >= lane->head.len;
}

/* The body waits for the server's word, or for a second. */
static void keep_asking(Lane *lane, int64_t now_us)
{
    if (!lane->request.asks || !head_is_sent(lane))
        return;
    if (lane->asked_us == 0)
        lane->asked_us = now_us;
    lane->request.asks = !lane->answer.welcomed && now_us - lane->asked_us < CONTINUE_WAIT_US;
}

/* What is sent next, in `unsent`. CURLE_AGAIN: upload has nothing just now. */
static CURLcode next_piece(Lane *lane)
{
    if (lane->unsent.len > 0)
        return CURLE_OK;
    if (lane->sent_bytes < lane->head.len) {
        lane->unsent = bytes_from(lane->head.data + lane->sent_bytes, lane->head.len - lane->sent_bytes);
        return CURLE_OK;
    }
    if (!lane->user->upload(lane->context, lane->sent_bytes - lane->head.len, &lane->unsent))
        return CURLE_ABORTED_BY_CALLBACK;
    lane->upload_held = lane->unsent.len == 0;
    return lane->upload_held ? CURLE_AGAIN : CURLE_OK;
}

static CURLcode send_piece(Lane *lane)
{
    size_t sent = 0;
    CURLcode code = connection_send(lane->connection, lane->unsent, &sent);

    if (code != CURLE_OK)
        return code;
    lane->unsent = bytes_from(lane->unsent.data + sent, lane->unsent.len - sent);
    lane->sent_bytes += sent;
    lane->moved_bytes += sent;
    return CURLE_OK;
}

static bool can_send(const Lane *lane)
{
    bool asking = lane->request.asks && head_is_sent(lane);
    return !is_sent(lane) && !lane->upload_held && !asking && !is_refused(lane);
}

/* Until all of it is sent, or no more can be, or its turn is over; then CURLE_AGAIN. */
static CURLcode send_request(Lane *lane, int64_t now_us)
{
    CURLcode code = CURLE_OK;

    for (unsigned i = 0; code == CURLE_OK && i < PIECES_MAX; i++) {
        keep_asking(lane, now_us);
        if (!can_send(lane))
            break;
        code = next_piece(lane);
        if (code == CURLE_OK)
            code = send_piece(lane);
    }
    keep_asking(lane, now_us);
    connection_watch(lane->connection, can_send(lane) ? WATCH_READ_AND_WRITE : WATCH_READ);
    return code == CURLE_OK ? CURLE_AGAIN : code;
}

/* ---- the answer ---- */

/* All of the answer is there. A success before the request was sent is none. */
static CURLcode complete(Lane *lane, Bytes rest)
{
    lane->answer.keeps &= rest.len == 0 && is_sent(lane); /* nobody speaks unasked */
    if (!is_sent(lane) && !is_refused(lane))
        return fail(lane, CURLE_SEND_ERROR, "it was answered before it was sent");
    return CURLE_OK;
}

static CURLcode take(Lane *lane, Bytes *input)
{
    const char *why;

    switch (answer_feed(&lane->answer, input, &lane->user->answer, lane->context, &why)) {
    case ANSWER_HUNGRY: return CURLE_AGAIN;
    case ANSWER_COMPLETE: return complete(lane, *input);
    case ANSWER_PAUSED: lane->paused = true; return CURLE_AGAIN;
    case ANSWER_STOPPED: return CURLE_WRITE_ERROR;
    case ANSWER_NOT_HTTP: return fail(lane, CURLE_UNSUPPORTED_PROTOCOL, why);
    case ANSWER_BROKEN: return fail(lane, CURLE_WEIRD_SERVER_REPLY, why);
    case ANSWER_NO_MEMORY: break;
    }
    return CURLE_OUT_OF_MEMORY;
}

/* The other side has ended the connection. */
static CURLcode ended(Lane *lane)
{
    const Answer *answer = &lane->answer;

    if (answer_ends_here(answer))
        return complete(lane, BYTES_EMPTY);
    if (answer->state == ANSWER_AT_STATUS || answer->state == ANSWER_AT_FIELD)
        return CURLE_GOT_NOTHING;
    if (answer->state != ANSWER_IN_BODY)
        return fail(lane, CURLE_PARTIAL_FILE, "its last chunk is missing");
    snprintf(lane->text, sizeof lane->text, "%" PRIu64 " bytes of it are missing", answer->left);
    return fail(lane, CURLE_PARTIAL_FILE, lane->text);
}

/* What its user did not take waits, and the socket with it. */
static CURLcode hold(Lane *lane, Bytes rest)
{
    connection_watch(lane->connection, WATCH_NOTHING);
    Error *error = buffer_append(&lane->held, rest.data, rest.len);
    if (!error)
        return CURLE_AGAIN;
    error_free(error);
    return CURLE_OUT_OF_MEMORY;
}

/* `lane->more`: there may be more to read. Of TLS only another read can tell: what it has is no longer the socket's. */
static CURLcode receive_some(Lane *lane, Buffer *piece)
{
    size_t received = 0;
    CURLcode code = connection_receive(lane->connection, piece->data, piece->capacity, &received);

    lane->more = code == CURLE_OK && (received == piece->capacity || connection_is_tls(lane->connection));
    if (code != CURLE_OK)
        return code;
    if (received == 0)
        return ended(lane);
    lane->answered = true;
    lane->moved_bytes += received;
    Bytes input = bytes_from(piece->data, received);
    code = take(lane, &input);
    return lane->paused ? hold(lane, input) : code;
}

static CURLcode receive_answer(Lane *lane, Buffer *piece)
{
    CURLcode code;
    unsigned pieces = 0;

    do
        code = receive_some(lane, piece);
    while (code == CURLE_AGAIN && lane->more && !lane->paused && ++pieces < PIECES_MAX);
    return code;
}

/* ---- both ---- */

CURLcode lane_go_on(Lane *lane, Buffer *piece, bool readable, bool writable, int64_t now_us)
{
    CURLcode code = readable && !lane->paused ? receive_answer(lane, piece) : CURLE_AGAIN;

    if (code != CURLE_AGAIN || lane->paused || is_sent(lane) || !(writable || lane->request.asks))
        return code;
    CURLcode sent = send_request(lane, now_us);
    if (sent != CURLE_SEND_ERROR)
        return sent;
    code = receive_answer(lane, piece); /* who closes early may have said why before */
    return code == CURLE_OK || code == CURLE_WRITE_ERROR ? code : sent;
}

CURLcode lane_resume(Lane *lane, Buffer *piece, int64_t now_us)
{
    Bytes held = buffer_bytes(&lane->held);
    CURLcode code = CURLE_AGAIN;

    lane->paused = lane->upload_held = false;
    sample_speed(lane, now_us);
    if (held.len > 0)
        code = take(lane, &held);
    buffer_consume(&lane->held, lane->held.len - held.len);
    if (code != CURLE_AGAIN || lane->paused)
        return code;
    connection_watch(lane->connection, WATCH_READ);
    return lane_go_on(lane, piece, true, true, now_us);
}

/* A while at a time, so that bursts count as what they are on average. */
static bool stalls(Lane *lane, int64_t now_us)
{
    const LaneRequest *request = &lane->request;
    int64_t limit_us = (int64_t)request->low_speed_time_s * 1000000, took_us = now_us - lane->sampled_us;

    if (limit_us == 0 || took_us < MIN(SAMPLE_MAX_US, limit_us / 2))
        return false;
    uint64_t moved = lane->moved_bytes - lane->sampled_bytes;
    bool slow = (double)moved * 1e6 < (double)request->low_speed_bytes * (double)took_us;
    lane->slow_us = slow ? lane->slow_us + took_us : 0;
    sample_speed(lane, now_us);
    return lane->slow_us >= limit_us;
}

CURLcode lane_check(Lane *lane, Buffer *piece, int64_t now_us)
{
    if (lane->paused || lane->upload_held) {
        sample_speed(lane, now_us);
        return CURLE_AGAIN;
    }
    if (stalls(lane, now_us)) {
        snprintf(lane->text, sizeof lane->text, "less than %u bytes a second for %u s", lane->request.low_speed_bytes,
                 lane->request.low_speed_time_s);
        return fail(lane, CURLE_OPERATION_TIMEDOUT, lane->text);
    }
    return lane->request.asks ? lane_go_on(lane, piece, false, true, now_us) : CURLE_AGAIN;
}

/* ---- the end ---- */

bool lane_has_more(const Lane *lane)
{
    return lane->connection && lane->more && !lane->paused;
}

bool lane_was_stale(const Lane *lane, CURLcode code)
{
    bool broken = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
    return lane->kept && !lane->answered && broken;
}

bool lane_end(Lane *lane, CURLcode code, Connection **ret_connection)
{
    *ret_connection = lane->connection;
    lane->connection = NULL;
    return code == CURLE_OK && lane->answer.keeps;
}

const char *lane_detail(const Lane *lane)
{
    return lane->why[0] != '\0' || !lane->connection ? lane->why : connection_detail(lane->connection);
}
