/* protocol.h - what crosses between the three processes of the sandbox. Inside src/sandbox only.
 *
 *     supervisor --control--> zygote      ForkRequest with four descriptors; once, back: ReadyNote
 *     zygote     --watch----> supervisor  WatchNote: started (with a pidfd), ended (with the wait status)
 *     supervisor <--data----> worker      messages: REQUEST, TRIAL there; HELLO, FRAME, PROGRESS, END back
 *
 * Only the last line crosses a border of trust, so only its messages are encoded and decoded byte by byte. Notes travel
 * between two programs of one build that have read no document; they are structs in one packet each, told apart by size
 * and kind. */
#ifndef SANDBOX_PROTOCOL_H
#define SANDBOX_PROTOCOL_H

#include "base/buffer.h"
#include "base/reader.h"
#include "sandbox/sandbox.h"

enum {
    SANDBOX_PROTOCOL = 1, /* raised with every change of this file */
    ZYGOTE_FD_CONTROL = 3,
    WORKER_FD_ERRORS = 2, /* a pipe that never blocks: what libraries print */
    WORKER_FD_DATA = 3,
    WORKER_FD_INPUT = 4, /* a memory file, only mapped */
    WORKER_FDS = 5
};

/* Of what a process printed, as much as goes into an error's message. */
enum { LAST_WORDS_BYTES = 400 };

/* The word that makes quern-parse serve. */
#define ZYGOTE_ARGUMENT "serve"

/* Layers that a worker really has, and says in its HELLO. */
typedef enum Layer {
    LAYER_SECCOMP = 1 << 0,
    LAYER_LANDLOCK = 1 << 1,
    LAYER_RLIMITS = 1 << 2,
    LAYER_MEMORY = 1 << 3,     /* RLIMIT_AS; not in sanitized builds, whose shadow is larger than any limit */
    LAYER_PRIVILEGES = 1 << 4, /* no new privileges, not dumpable */
    LAYER_MDWE = 1 << 5,       /* memory never becomes executable */
    LAYERS_ALL = (1 << 6) - 1
} Layer;

typedef struct ForkRequest {
    uint32_t protocol;
    uint32_t lock; /* 0: SANDBOX_OFF */
    uint64_t memory_max_bytes;
    uint64_t cpu_max_s;
} ForkRequest;

/* The descriptors that come with a ForkRequest, in this order. */
enum { FORK_FD_DATA, FORK_FD_INPUT, FORK_FD_ERRORS, FORK_FD_WATCH, FORK_FDS };

typedef struct ReadyNote {
    uint32_t protocol;
    uint32_t code; /* ErrorCode of the warm-up */
    int64_t warm_up_us;
    char message[472];
} ReadyNote;

typedef enum WatchKind { WATCH_STARTED = 1, WATCH_NOT_STARTED, WATCH_ENDED } WatchKind;
typedef struct WatchNote {
    uint32_t kind;
    int32_t value;       /* process id; errno; wait status */
    uint64_t peak_bytes; /* of ENDED: resident */
} WatchNote;

/* One packet with `fd_count` descriptors, at most FORK_FDS. Never blocks, never raises SIGPIPE. False: errno says why.
 */
bool packet_send(int socket, const void *packet, size_t size_bytes, const int *fds, size_t fd_count);
/* One packet of exactly `size_bytes` and up to `fd_max` descriptors, the caller's to close; those that did not come are
 * -1. False: errno says why, ECONNRESET at the end, EPROTO for another size. */
bool packet_receive(int socket, void *packet, size_t size_bytes, int *ret_fds, size_t fd_max);

typedef enum MessageKind {
    MESSAGE_REQUEST = 1, /* u64 serial, u64 size of the input, then the request */
    MESSAGE_TRIAL,       /* the same; the request is one byte, the trial's number: trial.h */
    MESSAGE_HELLO,       /* u32 layers, u32 Landlock ABI */
    MESSAGE_FRAME,
    MESSAGE_PROGRESS, /* u64 units done */
    MESSAGE_END,      /* EndMessage */
    MESSAGE_KINDS
} MessageKind;

/* u32 kind and u32 length of the body, little-endian, then the body. */
enum {
    MESSAGE_HEAD_BYTES = 8,
    REQUEST_HEAD_BYTES = 16,
    REQUEST_MAX_BYTES = SANDBOX_REQUEST_MAX,
    END_TEXT_MAX_BYTES = 4096
};

typedef struct Message {
    MessageKind kind;
    Bytes body;
} Message;

/* The message at the front of `in`, which moves past it; its body points into the input. `*ret_more_bytes` is 0, or how
 * many bytes are missing at least, and then nothing moved. Errors: CORRUPT (kind or length that cannot be). */
MUST_USE Error *message_next(Reader *in, Message *ret_message, size_t *ret_more_bytes);
void message_head(MessageKind kind, size_t body_bytes, uint8_t out[MESSAGE_HEAD_BYTES]);

/* How a worker says that it is done with a document. */
enum { END_MIN_BYTES = 36 };
typedef struct EndMessage {
    uint64_t serial; /* of the request it answers: a late end of one document must not end the next */
    ErrorCode code;  /* ERR_OK or the Error's */
    uint64_t offset_bytes;
    uint64_t peak_bytes; /* resident, of the worker so far */
    uint64_t cpu_us;     /* of the worker so far */
    Str text;            /* UTF-8 without control characters once decoded */
} EndMessage;

/* Cuts the text to END_TEXT_MAX_BYTES. Errors: LIMIT, NO_MEMORY (of `out`). */
MUST_USE Error *end_encode(const EndMessage *end, Buffer *out);
/* `text` receives the cleaned text, to which `ret_end->text` points. Errors: CORRUPT. */
MUST_USE Error *end_decode(Bytes body, char text[END_TEXT_MAX_BYTES], EndMessage *ret_end);

/* Copies what a stranger wrote, with anything but printable UTF-8 as '?'. `out` is at least as long as `text`; returns
 * `out`. */
Str text_clean(Str text, char *out);

#endif
