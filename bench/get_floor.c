/* get_floor.c - the least that GETs of small objects to files can cost: raw epoll, HTTP/1.1 by hand, no checks worth the name. Only for
 * bench/, as the limit that a client is measured against.
 *
 *   get_floor PORT CONNECTIONS DIRECTORY <PATHS
 *
 * GETs each path ("/bucket/key", one a line) from 127.0.0.1 over CONNECTIONS kept alive, and writes it into DIRECTORY under its last part by
 * open, write, close and rename. One thread. Wants answers of status 200 with a Content-Length, and ends at the first that is not. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"

enum { ANSWER_MAX_BYTES = 64 * 1024, PATH_MAX_BYTES = 1200, CONNECTIONS_MAX = 1024, EVENTS = 256 };

typedef struct Connection {
    int fd;
    char path[PATH_MAX_BYTES]; /* asked for; "": nothing */
    size_t received_bytes;
    size_t answer_bytes, body_at; /* 0: not known yet */
    char answer[ANSWER_MAX_BYTES];
} Connection;

typedef struct Floor {
    int epoll, directory;
    size_t in_flight;
    Connection *connections;
} Floor;

/* Asks for the next path; at the end of the input the connection stays idle. */
static Error *ask(Floor *floor, Connection *c)
{
    char request[PATH_MAX_BYTES + 64];

    c->received_bytes = c->answer_bytes = 0;
    if (!fgets(c->path, sizeof c->path, stdin))
        return ferror(stdin) ? FAIL_ERRNO("cannot read the paths") : NULL;
    c->path[strcspn(c->path, "\n")] = 0;
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", c->path);
    if (send(c->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
        return FAIL_ERRNO("cannot ask for '%s'", c->path);
    floor->in_flight++;
    return NULL;
}

static Error *write_file(const Floor *floor, const Connection *c)
{
    char part[PATH_MAX_BYTES + 8];
    const char *name = strrchr(c->path, '/') + 1;
    size_t size_bytes = c->answer_bytes - c->body_at;

    snprintf(part, sizeof part, ".%s.part", name);
    CLEANUP(cleanup_close) int fd = openat(floor->directory, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, c->answer + c->body_at, size_bytes) != (ssize_t)size_bytes
        || renameat(floor->directory, part, floor->directory, name) != 0)
        return FAIL_ERRNO("cannot write '%s'", name);
    return NULL;
}

/* Once the head is there: its status and where the answer ends. */
static Error *parse_head(Connection *c)
{
    static const char LENGTH[] = "\r\nContent-Length: ";
    const char *end = memmem(c->answer, c->received_bytes, "\r\n\r\n", 4);

    if (!end)
        return NULL;
    const char *length = memmem(c->answer, c->received_bytes, LENGTH, sizeof LENGTH - 1);
    if (memcmp(c->answer, "HTTP/1.1 200", 12) != 0 || !length || length > end)
        return FAIL(CORRUPT, "'%s': the answer begins '%.40s'", c->path, c->answer);
    c->body_at = (size_t)(end - c->answer) + 4;
    c->answer_bytes = c->body_at + strtoul(length + sizeof LENGTH - 1, NULL, 10);
    if (c->answer_bytes > sizeof c->answer)
        return FAIL(LIMIT, "'%s' has more than %d bytes", c->path, ANSWER_MAX_BYTES);
    return NULL;
}

static Error *receive(Floor *floor, Connection *c)
{
    ssize_t n = recv(c->fd, c->answer + c->received_bytes, sizeof c->answer - c->received_bytes, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return NULL;
    if (n <= 0)
        return FAIL_ERRNO("'%s': the connection ended", c->path);
    c->received_bytes += (size_t)n;
    if (c->answer_bytes == 0)
        TRY(parse_head(c));
    if (c->answer_bytes == 0 || c->received_bytes < c->answer_bytes)
        return NULL;
    TRY(write_file(floor, c));
    floor->in_flight--;
    return ask(floor, c);
}

static Error *open_connection(const Floor *floor, Connection *c, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(c->fd, (const struct sockaddr *)&address, sizeof address) != 0
        || epoll_ctl(floor->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        return FAIL_ERRNO("cannot connect to port %u", port);
    return NULL;
}

static Error *get_all(Floor *floor, uint16_t port, size_t connections)
{
    struct epoll_event events[EVENTS];

    for (size_t i = 0; i < connections; i++) {
        TRY(open_connection(floor, &floor->connections[i], port));
        TRY(ask(floor, &floor->connections[i]));
    }
    while (floor->in_flight > 0) {
        int count = epoll_wait(floor->epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++)
            TRY(receive(floor, events[i].data.ptr));
    }
    return NULL;
}

static Error *run(int argc, char **argv)
{
    uint64_t port, connections;

    if (argc != 4 || !str_to_u64(str_of(argv[1]), &port) || port > 65535 || !str_to_u64(str_of(argv[2]), &connections)
        || connections == 0 || connections > CONNECTIONS_MAX)
        return FAIL(INVALID, "usage: get_floor PORT CONNECTIONS DIRECTORY <PATHS");
    Floor floor = {.epoll = epoll_create1(EPOLL_CLOEXEC), .directory = open(argv[3], O_DIRECTORY | O_CLOEXEC)};
    if (floor.epoll < 0 || floor.directory < 0)
        return FAIL_ERRNO("cannot open '%s'", argv[3]);
    floor.connections = calloc(connections, sizeof *floor.connections);
    Error *error = floor.connections ? get_all(&floor, (uint16_t)port, connections) : FAIL(NO_MEMORY, "no memory");
    free(floor.connections);
    return error;
}

int main(int argc, char **argv)
{
    Error *error = run(argc, argv);

    if (!error)
        return 0;
    fprintf(stderr, "get_floor: %s\n", error_message_view(error));
    int status = error_code_exit_status(error_code(error));
    error_free(error);
    return status;
}
