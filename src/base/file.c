#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

Error *file_read_rest(int fd, size_t max_bytes, Buffer *out)
{
    size_t left = max_bytes;
    for (;;) {
        size_t room = MIN(left, 64 * KIB - 1) + 1; /* one more than may be, to see that there is more */
        TRY(buffer_reserve(out, room));
        ssize_t got = read(fd, out->data + out->len, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return FAIL_ERRNO("read");
        if (got == 0)
            return NULL;
        if ((size_t)got > left)
            return FAIL(LIMIT, "it has more than %zu bytes", max_bytes);
        buffer_grown(out, (size_t)got);
        left -= (size_t)got;
    }
}

Error *file_read(const char *path, size_t max_bytes, Buffer *out)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO("open '%s'", path);
    TRY_CTX(file_read_rest(fd, max_bytes, out), "'%s'", path);
    return NULL;
}
