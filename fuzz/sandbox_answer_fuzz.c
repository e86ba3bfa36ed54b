/* What a worker may send: any bytes, in one piece and byte by byte, must give the same messages. */
#include <stdlib.h>

#include "base/macros.h"
#include "sandbox/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the supervisor would make of the first `len` bytes: a sum over messages, and how it went on. */
typedef struct Reading {
    size_t messages, taken_bytes, more_bytes;
    ErrorCode code;
} Reading;

static void read_end(Bytes body)
{
    char text[END_TEXT_MAX_BYTES];
    EndMessage end;
    Error *error = end_decode(body, text, &end);
    if (!error)
        ASSERT(end.code < ERR_CODES && end.text.len <= END_TEXT_MAX_BYTES && str_is_utf8(end.text));
    error_free(error);
}

static Reading read_messages(const uint8_t *data, size_t len)
{
    Reading reading = {0};
    Reader in = reader_of(bytes_from(data, len));
    while (reading.code == ERR_OK && reading.more_bytes == 0) {
        Message message;
        Error *error = message_next(&in, &message, &reading.more_bytes);
        reading.code = error_code(error);
        if (!error && reading.more_bytes == 0) {
            ASSERT(message.body.len <= SANDBOX_FRAME_MAX);
            reading.messages++;
            if (message.kind == MESSAGE_END)
                read_end(message.body);
        }
        error_free(error);
    }
    reading.taken_bytes = reader_offset(&in);
    return reading;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    Reading whole = read_messages(data, size), last = {0};
    for (size_t len = 0; len <= size && last.code == ERR_OK; len++) {
        Reading part = read_messages(data, len);
        ASSERT(part.messages >= last.messages && part.taken_bytes >= last.taken_bytes);
        ASSERT(part.code != ERR_OK || part.more_bytes > 0);
        last = part;
    }
    ASSERT(last.messages == whole.messages && last.taken_bytes == whole.taken_bytes && last.code == whole.code);
    return 0;
}
