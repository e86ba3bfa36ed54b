/* answer.h - the bytes of an HTTP/1.1 answer as the lines of its head and its body (RFC 9112). Inside http/ only.
 *
 * Bytes go in as they come, in pieces of any size. It reads what frames a message (status, Content-Length, Transfer-Encoding,
 * Connection) and hands on the rest; whatever leaves the end of a body in doubt is an error and never an end. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"

enum { ANSWER_LINE_MAX = 100 * 1024 };

#define ANSWER_NEVER SIZE_MAX

typedef struct AnswerCalls {
    /* The first line of a head, without its end; the answer's `status` is that of it. Interim answers (1xx) come first, each with a head of its own.
     * False, of each of these, ends it. */
    bool (*status)(void *context, Str line);
    /* A header's, or more of one, which begins with a blank. Trailers do not come. */
    bool (*field)(void *context, Str line);
    /* Of a head; the answer's `sized`, `left` and `chunked` are what it says of the body. */
    bool (*end)(void *context);
    /* How many bytes were taken: with fewer than there are it pauses; ANSWER_NEVER ends it. */
    size_t (*body)(void *context, Bytes data);
} AnswerCalls;

typedef enum AnswerState {
    ANSWER_AT_STATUS, /* the first line of a head */
    ANSWER_AT_FIELD,
    ANSWER_IN_BODY, /* of `left` bytes more */
    ANSWER_IN_BODY_TO_END,
    ANSWER_AT_CHUNK,
    ANSWER_IN_CHUNK,
    ANSWER_BEHIND_CHUNK,
    ANSWER_AT_TRAILER,
    ANSWER_AT_END,
} AnswerState;

typedef struct Answer {
    AnswerState state;
    bool to_head; /* the request was a HEAD: no body, whatever the head says */
    unsigned status;
    bool is_old;         /* HTTP/1.0 */
    bool sized, chunked; /* there is a Content-Length; a Transfer-Encoding */
    bool framing;        /* the last header was one of those; more of its value may not follow */
    bool keeps;          /* the connection may carry another request, once the answer is complete */
    bool closes;         /* it was said that it will not, whatever else is said */
    bool welcomed;       /* an interim 100 has come: the body is welcome */
    uint64_t left;       /* of the body or the chunk */
    Buffer line;         /* of one that has not ended, what has come */
} Answer;

/* Begins a new one; memory is kept. */
void answer_begin(Answer *answer, bool to_head);
void answer_done(Answer *answer);

typedef enum AnswerResult {
    ANSWER_HUNGRY,   /* all of the input was used; it goes on */
    ANSWER_COMPLETE, /* `input` is what lies behind it */
    ANSWER_PAUSED,   /* body took less than it was given: `input` is what is left */
    ANSWER_STOPPED,  /* a callback ended it */
    ANSWER_NOT_HTTP, /* the first line is none of HTTP/1 */
    ANSWER_BROKEN,   /* what came breaks RFC 9112 */
    ANSWER_NO_MEMORY,
} AnswerResult;

/* Takes from the front of `*input`, which is moved on. `*ret_why` (for BROKEN and NOT_HTTP) is a constant text. */
AnswerResult answer_feed(Answer *answer, Bytes *input, const AnswerCalls *calls, void *context, const char **ret_why);
/* The connection has ended: is that the answer's end, too? */
bool answer_ends_here(const Answer *answer);

#endif
