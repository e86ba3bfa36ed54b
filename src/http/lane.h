/* lane.h - one attempt on a Connection: its request written, its answer read, and nothing waited for. Inside http/ only; one network thread. */
#ifndef HTTP_LANE_H
#define HTTP_LANE_H

#include "http/answer.h"
#include "http/connection.h"

/* Whose attempt it is. */
typedef struct LaneUser {
    AnswerCalls answer;
    /* What follows at `offset_bytes` of the request's body, valid until the next call; nothing: not just now. False: gives up. */
    bool (*upload)(void *context, uint64_t offset_bytes, Bytes *ret_piece);
} LaneUser;

/* What differs from attempt to attempt. */
typedef struct LaneRequest {
    uint64_t upload_bytes; /* of the body, besides what is behind `head` already */
    bool asks; /* the body is sent once the server has said that it is welcome, or after a second without a word */
    bool to_head;
    unsigned low_speed_bytes, low_speed_time_s; /* fewer bytes a second for so long: it stalls */
} LaneRequest;

/* Zeroed, it does nothing. */
typedef struct Lane {
    const LaneUser *user;
    void *context;          /* of its calls */
    Connection *connection; /* NULL: it does nothing */
    bool kept;              /* the connection has answered before, and may have been closed since */
    LaneRequest request;
    Buffer head; /* of the request; a small body may be behind it */
    uint64_t sent_bytes;
    Bytes unsent; /* of the piece that upload has given */
    int64_t asked_us;
    Answer answer;
    bool answered;    /* bytes of an answer have come */
    Buffer held;      /* of the answer, what its user would not take yet */
    bool more;        /* to be read, and no event may tell */
    bool paused;      /* by answer.body, */
    bool upload_held; /* by upload */
    uint64_t moved_bytes, sampled_bytes;
    int64_t sampled_us, slow_us; /* for how long it has been too slow */
    const char *why;             /* it failed: in our own words */
    char text[96];               /* `why`, where it has a number in it */
} Lane;

void lane_done(Lane *lane);

/* The head is complete in `lane->head`. Nothing is moved before lane_go_on. */
void lane_begin(Lane *lane, Connection *connection, bool kept, const LaneRequest *request, int64_t now_us);

/* The three: CURLE_AGAIN: the attempt goes on. CURLE_OK: its answer is complete. Else it has failed. `piece` is where an answer passes through: its
 * capacity is what is read at once. */
/* The flags say what may be tried on the open connection. */
CURLcode lane_go_on(Lane *lane, Buffer *piece, bool readable, bool writable, int64_t now_us);
/* What a callback held back may go on. */
CURLcode lane_resume(Lane *lane, Buffer *piece, int64_t now_us);
/* From time to time: CURLE_OPERATION_TIMEDOUT for one that stalls. */
CURLcode lane_check(Lane *lane, Buffer *piece, int64_t now_us);

/* Its turn was over before everything was read: it wants another one, whatever epoll says. */
bool lane_has_more(const Lane *lane);
/* It failed because the server has ended a kept connection meanwhile: nothing of an answer came, and the request may be sent on another one. */
bool lane_was_stale(const Lane *lane, CURLcode code);
/* Takes the connection from it; true: another request may follow on that. */
bool lane_end(Lane *lane, CURLcode code, Connection **ret_connection);
/* Why it failed, besides the code; may be empty. */
const char *lane_detail(const Lane *lane);

#endif
