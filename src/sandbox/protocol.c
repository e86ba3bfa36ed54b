#include "sandbox/protocol.h"

#include <errno.h>
#include <stdalign.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

typedef union ControlRoom {
    char room[CMSG_SPACE(FORK_FDS * sizeof(int))];
    struct cmsghdr align;
} ControlRoom;

bool packet_send(int socket, const void *packet, size_t size_bytes, const int *fds, size_t fd_count)
{
    ASSERT(fd_count <= FORK_FDS);
    ControlRoom control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)packet, .iov_len = size_bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, fd_count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)size_bytes;
}

/* Keeps the first `fd_max` descriptors, closes the rest. */
static void take_descriptors(struct msghdr *message, int *ret_fds, size_t fd_max)
{
    size_t taken = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            if (taken < fd_max)
                ret_fds[taken++] = fd;
            else
                close(fd);
        }
    }
}

bool packet_receive(int socket, void *packet, size_t size_bytes, int *ret_fds, size_t fd_max)
{
    for (size_t i = 0; i < fd_max; i++)
        ret_fds[i] = -1;
    ControlRoom control = {0};
    struct iovec part = {.iov_base = packet, .iov_len = size_bytes};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return false;
    take_descriptors(&message, ret_fds, fd_max);
    if (got == (ssize_t)size_bytes && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return true;
    for (size_t i = 0; i < fd_max; i++) {
        cleanup_close(&ret_fds[i]);
        ret_fds[i] = -1;
    }
    errno = got == 0 ? ECONNRESET : EPROTO;
    return false;
}

/* The least and the most that a body of each kind can have. */
static const struct {
    size_t least, most;
} body_bytes[MESSAGE_KINDS] = {
    [MESSAGE_REQUEST] = {REQUEST_HEAD_BYTES, REQUEST_HEAD_BYTES + REQUEST_MAX_BYTES},
    [MESSAGE_TRIAL] = {REQUEST_HEAD_BYTES + 1, REQUEST_HEAD_BYTES + 1},
    [MESSAGE_HELLO] = {8, 8},
    [MESSAGE_FRAME] = {0, SANDBOX_FRAME_MAX},
    [MESSAGE_PROGRESS] = {8, 8},
    [MESSAGE_END] = {END_MIN_BYTES, END_MIN_BYTES + END_TEXT_MAX_BYTES},
};

Error *message_next(Reader *in, Message *ret_message, size_t *ret_more_bytes)
{
    Reader at = *in;
    uint32_t kind, len;
    if (!reader_u32le(&at, &kind) || !reader_u32le(&at, &len)) {
        *ret_more_bytes = MESSAGE_HEAD_BYTES - reader_left(in);
        return NULL;
    }
    if (kind == 0 || kind >= MESSAGE_KINDS)
        return FAIL(CORRUPT, "message of unknown kind %u", kind);
    if (len < body_bytes[kind].least || len > body_bytes[kind].most)
        return FAIL(CORRUPT, "message of kind %u with %u bytes, which may have %zu to %zu", kind, len,
                    body_bytes[kind].least, body_bytes[kind].most);
    Bytes body;
    if (!reader_take(&at, len, &body)) {
        *ret_more_bytes = len - reader_left(&at);
        return NULL;
    }
    *in = at;
    *ret_message = (Message){(MessageKind)kind, body};
    *ret_more_bytes = 0;
    return NULL;
}

void message_head(MessageKind kind, size_t len, uint8_t out[MESSAGE_HEAD_BYTES])
{
    ASSERT(kind > 0 && kind < MESSAGE_KINDS);
    ASSERT(len >= body_bytes[kind].least && len <= body_bytes[kind].most);
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)((unsigned)kind >> (8 * i));
        out[4 + i] = (uint8_t)(len >> (8 * i));
    }
}

Error *end_encode(const EndMessage *end, Buffer *out)
{
    uint8_t head[MESSAGE_HEAD_BYTES];
    Str text = str_slice(end->text, 0, END_TEXT_MAX_BYTES);
    message_head(MESSAGE_END, END_MIN_BYTES + text.len, head);
    TRY(buffer_append(out, head, sizeof head));
    TRY(buffer_append_u64le(out, end->serial));
    TRY(buffer_append_u32le(out, (uint32_t)end->code));
    TRY(buffer_append_u64le(out, end->offset_bytes));
    TRY(buffer_append_u64le(out, end->peak_bytes));
    TRY(buffer_append_u64le(out, end->cpu_us));
    return buffer_append_str(out, text);
}

Error *end_decode(Bytes body, char text[END_TEXT_MAX_BYTES], EndMessage *ret_end)
{
    Reader in = reader_of(body);
    uint32_t code;
    EndMessage end;
    Bytes raw;
    bool ok = reader_u64le(&in, &end.serial) && reader_u32le(&in, &code) && code < ERR_CODES
              && reader_u64le(&in, &end.offset_bytes) && reader_u64le(&in, &end.peak_bytes)
              && reader_u64le(&in, &end.cpu_us) && reader_left(&in) <= END_TEXT_MAX_BYTES
              && reader_take(&in, reader_left(&in), &raw);
    if (!ok)
        return FAIL(CORRUPT, "end message of %zu bytes is malformed at byte %zu", body.len, reader_offset(&in));
    end.code = (ErrorCode)code;
    end.text = text_clean(bytes_str(raw), text);
    *ret_end = end;
    return NULL;
}

static bool is_printable(uint32_t code_point)
{
    return code_point >= 0x20 && code_point != 0x7f && !(code_point >= 0x80 && code_point < 0xa0)
           && code_point != 0xfffd && !(code_point >= 0x202a && code_point <= 0x202e) /* direction overrides */
           && !(code_point >= 0x2066 && code_point <= 0x2069);
}

Str text_clean(Str text, char *out)
{
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        if (is_printable(str_next_code_point(text, &at))) {
            memcpy(out + len, text.data + from, at - from);
            len += at - from;
        } else {
            out[len++] = '?';
        }
    }
    return str_from(out, len);
}
