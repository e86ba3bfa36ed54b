/* bucket_server.c - an S3 server over a made-up bucket (key_set.h) that costs little and misbehaves on request. Only for bench/.
 *
 *   bucket_server serve PORT KEYS [DELAY_MS [FAIL_PERCENT [SEED]]]
 *   bucket_server keys KEYS                                            prints them
 *
 * Answers ListObjectsV2 and V1 (prefix, delimiter, start-after, marker, continuation-token, max-keys), GET with ranges, HEAD and CopyObject, for any
 * bucket name and without looking at credentials. All buckets have the same objects; one called "new" lists none. Those of "source" have the
 * metadata MARK, those of the others once a copy has given it to them, which is all that a copy does. DELAY_MS is added to each page of a listing. FAIL_PERCENT of the requests, chosen by
 * SEED, fail in turn by 500, 503 SlowDown, a connection closed without an answer, and one closed in the middle of the body.
 * GET /stats gives the counts of requests and of marked objects as JSON and begins anew. One thread; listens on 127.0.0.1 until it is killed.
 * Source: Amazon S3 API Reference 2006-03-01. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/random.h"
#include "key_set.h"

enum { HEAD_MAX_BYTES = 64 * 1024, PAGE_KEYS = 1000, EVENTS = 256, TEXT_MAX_BYTES = 1024 };

#define MARK_NAME "x-amz-meta-impresso-last-ts"
#define MARK_VALUE "2024-01-01T00:00:00Z"
#define MODIFIED_TEXT "2024-01-02T03:04:05.000Z"
#define ENTRY_1 "<Contents><Key>"
#define ENTRY_2 "</Key><LastModified>" MODIFIED_TEXT "</LastModified><ETag>&quot;"
#define ENTRY_3 "&quot;</ETag><Size>4096</Size><StorageClass>STANDARD</StorageClass></Contents>\n"

typedef struct Connection {
    int fd;
    Buffer in, out;
    size_t sent;    /* of `out` */
    bool closing;   /* once `out` is sent */
    bool gone;      /* freed when its wait is over */
    int64_t due_us; /* 0: does not wait */
    struct Connection *next_waiting;
} Connection;

typedef struct Counts {
    uint64_t requests, lists, gets, copies, marked, failed;
} Counts;

typedef struct Server {
    uint64_t keys;
    int64_t delay_us;
    uint64_t fail_percent;
    Random random;
    int listener, epoll;
    Connection *first_waiting, *last_waiting; /* by due_us, as all wait equally long */
    Counts counts;
    bool *marked;    /* by number: has MARK outside of "source" */
    uint64_t faults; /* since the start: says which kind is next */
    Buffer body;     /* of the answer being made */
} Server;

typedef struct Request {
    Str method, path, query, head;
} Request;

typedef struct Listing {
    Str prefix, delimiter;
    uint64_t from, end, max_keys;
    bool v2, url_encoding;
    char prefix_text[TEXT_MAX_BYTES], delimiter_text[TEXT_MAX_BYTES];
} Listing;

/* ---- requests ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* Percent-decodes what fits. */
static Str decode(Str text, char out[TEXT_MAX_BYTES])
{
    size_t len = 0;

    for (size_t i = 0; i < text.len && len < TEXT_MAX_BYTES; i++) {
        bool escaped = text.data[i] == '%' && i + 2 < text.len && hex_digit(text.data[i + 1]) >= 0
                       && hex_digit(text.data[i + 2]) >= 0;
        out[len++] = escaped ? (char)(hex_digit(text.data[i + 1]) * 16 + hex_digit(text.data[i + 2])) : text.data[i];
        i += escaped ? 2 : 0;
    }
    return str_from(out, len);
}

/* The value of `name` in the query, as it stands there; NULL data when it is not there. */
static Str parameter(Str query, Str name)
{
    Str piece;

    while (str_next_piece(&query, '&', &piece)) {
        size_t equals = str_find_char(piece, '=');
        if (str_equal(str_slice(piece, 0, MIN(equals, piece.len)), name))
            return str_slice(piece, MIN(equals, piece.len - 1) + 1, piece.len);
    }
    return (Str){NULL, 0};
}

/* The value of a header, whatever the case of its name; "" when there is none. */
static Str header(Str head, Str name)
{
    Str line;

    while (str_next_piece(&head, '\n', &line)) {
        size_t colon = str_find_char(line, ':');
        if (colon < line.len && str_equal_nocase(str_slice(line, 0, colon), name))
            return str_trim(str_slice(line, colon + 1, line.len));
    }
    return STR_EMPTY;
}

/* False while the head is not whole. Only requests without a body are understood. */
static bool parse_request(const Buffer *in, Request *ret_request)
{
    Str text = buffer_str(in), line;
    size_t end = str_find(text, STR("\r\n\r\n"));

    if (end == SIZE_MAX)
        return false;
    Str rest = ret_request->head = str_slice(text, 0, end + 4);
    str_next_piece(&rest, '\n', &line);
    str_next_piece(&line, ' ', &ret_request->method);
    str_next_piece(&line, ' ', &ret_request->query);
    str_next_piece(&ret_request->query, '?', &ret_request->path);
    if (!ret_request->query.data)
        ret_request->query = STR_EMPTY;
    return true;
}

/* The key in "/bucket/key"; "" for the bucket itself. */
static Str path_key(Str path)
{
    Str below = str_slice(path, 1, path.len);
    size_t slash = str_find_char(below, '/');

    return slash == SIZE_MAX ? STR_EMPTY : str_slice(below, slash + 1, below.len);
}

static Str path_bucket(Str path)
{
    Str below = str_slice(path, 1, path.len);
    return str_slice(below, 0, MIN(str_find_char(below, '/'), below.len));
}

/* ---- answers ---- */

static Error *answer(Connection *connection, const Request *request, const char *status, const char *more_headers,
                     Bytes body)
{
    bool head_only = str_equal(request->method, STR("HEAD"));

    TRY(buffer_append_format(&connection->out, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status, more_headers,
                             body.len));
    return head_only ? NULL : buffer_append(&connection->out, body.data, body.len);
}

static Error *answer_text(Connection *connection, const Request *request, const char *status, const char *text)
{
    return answer(connection, request, status, "Content-Type: application/xml\r\n", str_bytes(str_of(text)));
}

static Error *answer_stats(Server *server, Connection *connection, const Request *request)
{
    char text[320];
    const Counts *c = &server->counts;

    snprintf(text, sizeof text,
             "{\"requests\": %" PRIu64 ", \"lists\": %" PRIu64 ", \"gets\": %" PRIu64 ", \"copies\": %" PRIu64
             ", \"marked\": %" PRIu64 ", \"failed\": %" PRIu64 "}\n",
             c->requests, c->lists, c->gets, c->copies, c->marked, c->failed);
    server->counts = (Counts){0};
    memset(server->marked, 0, server->keys);
    return answer_text(connection, request, "200 OK", text);
}

/* "bytes=A-B" or "bytes=A-"; anything else is the whole object. */
static bool parse_range(Str text, uint64_t *ret_first, uint64_t *ret_end)
{
    Str first, last = str_slice(text, STR("bytes=").len, text.len);

    *ret_first = 0;
    *ret_end = OBJECT_BYTES;
    if (!str_starts_with(text, STR("bytes=")) || !str_next_piece(&last, '-', &first) || !str_to_u64(first, ret_first))
        return false;
    if (str_to_u64(last, ret_end))
        *ret_end = MIN(*ret_end, OBJECT_BYTES - 1) + 1;
    return *ret_first < *ret_end;
}

static bool is_marked(const Server *server, Str path, uint64_t number)
{
    return str_equal(path_bucket(path), STR("source")) || server->marked[number];
}

static Error *answer_object(Server *server, Connection *connection, const Request *request)
{
    char key_text[TEXT_MAX_BYTES], headers[512];
    uint8_t object[OBJECT_BYTES];
    uint64_t number, first, end;

    server->counts.gets++;
    if (!key_number(server->keys, decode(path_key(request->path), key_text), &number))
        return answer_text(connection, request, "404 Not Found", "<Error><Code>NoSuchKey</Code></Error>");
    object_write(number, object);
    bool partial = parse_range(header(request->head, STR("range")), &first, &end);
    if (!partial)
        first = 0, end = OBJECT_BYTES;
    int len = snprintf(headers, sizeof headers,
                       "Content-Type: binary/octet-stream\r\nLast-Modified: Tue, 02 Jan 2024 03:04:05 GMT\r\n"
                       "ETag: \"%08" PRIx64 "-1000\"\r\nAccept-Ranges: bytes\r\n%s",
                       number, is_marked(server, request->path, number) ? MARK_NAME ": " MARK_VALUE "\r\n" : "");
    if (partial)
        snprintf(headers + len, sizeof headers - (size_t)len, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%d\r\n",
                 first, end - 1, OBJECT_BYTES);
    return answer(connection, request, partial ? "206 Partial Content" : "200 OK", headers,
                  bytes_from(object + first, end - first));
}

/* From x-amz-copy-source, "/bucket/key" or without the first slash. */
static Error *answer_copy(Server *server, Connection *connection, const Request *request)
{
    char key_text[TEXT_MAX_BYTES], text[256];
    uint64_t number;
    Str from = header(request->head, STR("x-amz-copy-source"));
    Str bucket = str_slice(from, str_starts_with(from, STR("/")), from.len);

    server->counts.copies++;
    if (!key_number(server->keys, decode(path_key(request->path), key_text), &number))
        return answer_text(connection, request, "404 Not Found", "<Error><Code>NoSuchKey</Code></Error>");
    bool given = str_equal(header(request->head, STR("x-amz-metadata-directive")), STR("REPLACE"));
    bool mark = given ? str_equal(header(request->head, STR(MARK_NAME)), STR(MARK_VALUE))
                      : str_starts_with(bucket, STR("source/"));
    server->counts.marked += mark && !server->marked[number];
    server->marked[number] |= mark;
    snprintf(text, sizeof text,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CopyObjectResult><LastModified>" MODIFIED_TEXT
             "</LastModified><ETag>&quot;%08" PRIx64 "-1000&quot;</ETag></CopyObjectResult>",
             number);
    return answer_text(connection, request, "200 OK", text);
}

static void parse_listing(const Server *server, Str query, Listing *ret_listing)
{
    char text[TEXT_MAX_BYTES];
    Listing *l = ret_listing;
    Str token = parameter(query, STR("continuation-token")), number = parameter(query, STR("max-keys"));

    l->v2 = str_equal(parameter(query, STR("list-type")), STR("2"));
    Str after = decode(parameter(query, l->v2 ? STR("start-after") : STR("marker")), text);
    l->prefix = decode(parameter(query, STR("prefix")), l->prefix_text);
    l->delimiter = decode(parameter(query, STR("delimiter")), l->delimiter_text);
    l->url_encoding = str_equal(parameter(query, STR("encoding-type")), STR("url"));
    if (!str_to_u64(number, &l->max_keys))
        l->max_keys = PAGE_KEYS;
    l->max_keys = MIN(l->max_keys, (uint64_t)PAGE_KEYS);
    l->end = key_first_past(server->keys, l->prefix);
    l->from = key_first_from(server->keys, l->prefix);
    if (after.len > 0 && l->delimiter.len > 0 && str_ends_with(after, l->delimiter))
        l->from = MAX(l->from, key_first_past(server->keys, after)); /* that folder was told */
    else if (after.len > 0)
        l->from = MAX(l->from, key_first_after(server->keys, after));
    if (str_to_u64(token, &l->from))
        l->from = MIN(l->from, l->end);
}

static Error *append_entry(Buffer *body, const char key[KEY_BYTES], uint64_t number)
{
    char etag[16];

    TRY(buffer_reserve(body, sizeof ENTRY_1 + KEY_BYTES + sizeof ENTRY_2 + sizeof etag + sizeof ENTRY_3));
    TRY(buffer_append_str(body, STR(ENTRY_1)));
    TRY(buffer_append(body, key, KEY_BYTES));
    TRY(buffer_append_str(body, STR(ENTRY_2)));
    memcpy(etag, "00000000-1000", 14);
    for (size_t i = 0; i < 8; i++)
        etag[i] = "0123456789abcdef"[number >> (28 - 4 * i) & 15];
    TRY(buffer_append(body, etag, 13));
    return buffer_append_str(body, STR(ENTRY_3));
}

/* One key, or the folder that it is in; moves `*number` past it. `*ret_last`: what V1 calls the next marker. */
static Error *append_next(const Server *server, const Listing *l, Buffer *body, uint64_t *number, char last[KEY_BYTES],
                          size_t *ret_last_bytes)
{
    key_write(*number, last);
    Str behind = str_slice(str_from(last, KEY_BYTES), l->prefix.len, KEY_BYTES);
    size_t cut = l->delimiter.len > 0 ? str_find(behind, l->delimiter) : SIZE_MAX;
    if (cut == SIZE_MAX) {
        *ret_last_bytes = KEY_BYTES;
        return append_entry(body, last, (*number)++);
    }
    *ret_last_bytes = l->prefix.len + cut + l->delimiter.len;
    *number = MIN(l->end, key_first_past(server->keys, str_from(last, *ret_last_bytes)));
    return buffer_append_format(body, "<CommonPrefixes><Prefix>%.*s</Prefix></CommonPrefixes>\n", (int)*ret_last_bytes,
                                last);
}

static Error *answer_listing(Server *server, Connection *connection, const Request *request)
{
    Listing listing;
    Buffer *body = &server->body;
    char last[KEY_BYTES];
    size_t last_bytes = 0;
    uint64_t count = 0;

    server->counts.lists++;
    parse_listing(server, request->query, &listing);
    if (str_equal(path_bucket(request->path), STR("new")))
        listing.end = listing.from;
    buffer_clear(body);
    TRY(buffer_append_format(body,
                             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                             "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bench</Name>"
                             "<Prefix></Prefix><MaxKeys>%" PRIu64 "</MaxKeys>%s",
                             listing.max_keys, listing.url_encoding ? "<EncodingType>url</EncodingType>" : ""));
    for (; count < listing.max_keys && listing.from < listing.end; count++)
        TRY(append_next(server, &listing, body, &listing.from, last, &last_bytes));
    bool more = listing.from < listing.end && listing.max_keys > 0;
    if (listing.v2)
        TRY(buffer_append_format(body, "<KeyCount>%" PRIu64 "</KeyCount>", count));
    if (more && listing.v2)
        TRY(buffer_append_format(body, "<NextContinuationToken>%" PRIu64 "</NextContinuationToken>", listing.from));
    else if (more)
        TRY(buffer_append_format(body, "<NextMarker>%.*s</NextMarker>", (int)last_bytes, last));
    TRY(buffer_append_format(body, "<IsTruncated>%s</IsTruncated></ListBucketResult>\n", more ? "true" : "false"));
    return answer(connection, request, "200 OK", "Content-Type: application/xml\r\n", buffer_bytes(body));
}

/* What a bucket is set up for: "website", "object-lock", ... */
static bool is_setting(Str query)
{
    return parameter(query, STR("website")).data || parameter(query, STR("object-lock")).data
           || parameter(query, STR("encryption")).data;
}

static Error *answer_well(Server *server, Connection *connection, const Request *request)
{
    if (str_equal(request->method, STR("PUT")) && header(request->head, STR("x-amz-copy-source")).len > 0)
        return answer_copy(server, connection, request);
    if (!str_equal(request->method, STR("GET")) && !str_equal(request->method, STR("HEAD"))) {
        connection->closing = true; /* its body was not read */
        return answer_text(connection, request, "405 Method Not Allowed",
                           "<Error><Code>MethodNotAllowed</Code></Error>");
    }
    if (path_key(request->path).len > 0)
        return answer_object(server, connection, request);
    if (parameter(request->query, STR("location")).data)
        return answer_text(connection, request, "200 OK", "<LocationConstraint></LocationConstraint>");
    if (str_equal(request->method, STR("HEAD")))
        return answer_text(connection, request, "200 OK", "");
    if (is_setting(request->query))
        return answer_text(connection, request, "501 Not Implemented", "<Error><Code>NotImplemented</Code></Error>");
    return answer_listing(server, connection, request);
}

static Error *answer_badly(Server *server, Connection *connection, const Request *request)
{
    server->counts.failed++;
    switch (server->faults++ % 4) {
    case 0: return answer_text(connection, request, "500 Error", "<Error><Code>InternalError</Code></Error>");
    case 1: return answer_text(connection, request, "503 Slow Down", "<Error><Code>SlowDown</Code></Error>");
    case 2: connection->closing = true; return NULL;
    default: connection->closing = true; break;
    }
    TRY(answer_well(server, connection, request));
    connection->out.len -= connection->out.len > 1024 ? connection->out.len / 4 : 1;
    return NULL;
}

/* ---- connections ---- */

static void connection_free(Connection *connection)
{
    close(connection->fd);
    buffer_done(&connection->in);
    buffer_done(&connection->out);
    free(connection);
}

static void wait_for_due(Server *server, Connection *connection)
{
    connection->due_us = clock_monotonic_us(clock_system()) + server->delay_us;
    connection->next_waiting = NULL;
    if (server->first_waiting)
        server->last_waiting->next_waiting = connection;
    else
        server->first_waiting = connection;
    server->last_waiting = connection;
}

static Error *handle(Server *server, Connection *connection, const Request *request)
{
    if (str_equal(request->path, STR("/stats")))
        return answer_stats(server, connection, request);
    server->counts.requests++;
    if (server->fail_percent > 0 && random_below(&server->random, 100) < server->fail_percent)
        return answer_badly(server, connection, request);
    return answer_well(server, connection, request);
}

/* True once all is sent. */
static Error *send_out(Connection *connection, bool *ret_all)
{
    while (connection->sent < connection->out.len) {
        ssize_t n = send(connection->fd, connection->out.data + connection->sent,
                         connection->out.len - connection->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            return FAIL_ERRNO("cannot send");
        connection->sent += (size_t)n;
    }
    *ret_all = connection->sent == connection->out.len;
    return NULL;
}

static bool is_slow(const Server *server, const Request *request)
{
    return server->delay_us > 0 && path_key(request->path).len == 0 && !str_equal(request->path, STR("/stats"));
}

/* Answers what has come as far as it can now. An Error ends the connection. */
static Error *advance(Server *server, Connection *connection, bool waited)
{
    Request request;
    bool all;

    for (;; waited = false) {
        TRY(send_out(connection, &all));
        if (!all)
            return NULL;
        buffer_clear(&connection->out);
        connection->sent = 0;
        if (connection->closing)
            return FAIL(UNAVAILABLE, "closed on purpose");
        if (!parse_request(&connection->in, &request))
            return NULL;
        if (is_slow(server, &request) && !waited) {
            wait_for_due(server, connection);
            return NULL;
        }
        TRY(handle(server, connection, &request));
        buffer_consume(&connection->in, request.head.len);
    }
}

static Error *receive(Connection *connection)
{
    for (;;) {
        TRY(buffer_reserve(&connection->in, 4 * KIB));
        ssize_t n = recv(connection->fd, connection->in.data + connection->in.len, 4 * KIB, 0);
        if (n < 0 && errno == EAGAIN)
            return NULL;
        if (n < 0)
            return FAIL_ERRNO("cannot receive");
        if (n == 0)
            return FAIL(UNAVAILABLE, "the client closed");
        buffer_grown(&connection->in, (size_t)n);
    }
}

/* A connection in trouble is the client's matter: it ends, and the server goes on. */
static void end_if(Connection *connection, Error *take_error)
{
    if (!take_error)
        return;
    error_free(take_error);
    connection->gone = true;
    if (connection->due_us == 0)
        connection_free(connection);
}

static void take_event(Server *server, Connection *connection)
{
    Error *error = connection->gone ? NULL : receive(connection);

    if (!error && connection->due_us == 0)
        error = advance(server, connection, false);
    end_if(connection, error);
}

static void take_due(Server *server)
{
    int64_t now_us = clock_monotonic_us(clock_system());

    for (Connection *c; (c = server->first_waiting) && c->due_us <= now_us;) {
        server->first_waiting = c->next_waiting;
        c->due_us = 0;
        if (c->gone)
            connection_free(c);
        else
            end_if(c, advance(server, c, true));
    }
}

static Error *accept_all(Server *server)
{
    for (int fd; (fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        Connection *connection = calloc(1, sizeof *connection);
        if (!connection) {
            close(fd);
            return FAIL(NO_MEMORY, "no memory for a connection");
        }
        connection->fd = fd;
        connection->in.limit = HEAD_MAX_BYTES;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
        if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
            connection_free(connection);
            return FAIL_ERRNO("cannot watch a connection");
        }
    }
    return NULL;
}

static Error *serve_round(Server *server)
{
    struct epoll_event events[EVENTS];
    struct timespec left = {0}, *timeout = NULL;

    if (server->first_waiting) {
        int64_t left_us = server->first_waiting->due_us - clock_monotonic_us(clock_system());
        left_us = MAX(left_us, 0); /* apart: MAX reads the clock twice */
        left = (struct timespec){left_us / 1000000, left_us % 1000000 * 1000};
        timeout = &left;
    }
    int count = epoll_pwait2(server->epoll, events, EVENTS, timeout, NULL);
    if (count < 0 && errno != EINTR)
        return FAIL_ERRNO("cannot wait for events");
    for (int i = 0; i < count; i++)
        if (events[i].data.ptr)
            take_event(server, events[i].data.ptr);
        else
            TRY(accept_all(server));
    take_due(server);
    return NULL;
}

static Error *open_listener(Server *server, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN};

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(server->listener, (const struct sockaddr *)&address, sizeof address) != 0
        || listen(server->listener, SOMAXCONN) != 0)
        return FAIL_ERRNO("cannot listen on port %u", port);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0 || epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event) != 0)
        return FAIL_ERRNO("cannot watch port %u", port);
    return NULL;
}

static Error *run_serve(const uint64_t numbers[5])
{
    Server server = {.keys = numbers[1], .delay_us = (int64_t)numbers[2] * 1000, .fail_percent = numbers[3]};

    random_init_seed(&server.random, numbers[4]);
    server.marked = calloc(MAX(server.keys, (uint64_t)1), sizeof *server.marked);
    if (!server.marked)
        return FAIL(NO_MEMORY, "no memory for the marks of %" PRIu64 " objects", server.keys);
    TRY(open_listener(&server, (uint16_t)numbers[0]));
    for (;;)
        TRY(serve_round(&server));
}

static Error *run_keys(uint64_t count)
{
    char line[KEY_BYTES + 1];

    line[KEY_BYTES] = '\n';
    for (uint64_t i = 0; i < count; i++) {
        key_write(i, line);
        fwrite(line, 1, sizeof line, stdout);
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? NULL : FAIL_ERRNO("cannot write");
}

static Error *run(int argc, char **argv)
{
    uint64_t numbers[5] = {0};
    static const uint64_t MOST[5] = {65535, KEY_SET_MAX, 60000, 100, UINT64_MAX};

    bool serve = argc >= 4 && argc <= 7 && strcmp(argv[1], "serve") == 0;
    if (!serve && !(argc == 3 && strcmp(argv[1], "keys") == 0))
        return FAIL(INVALID, "usage: bucket_server serve PORT KEYS [DELAY_MS [FAIL_PERCENT [SEED]]] | keys KEYS");
    uint64_t *first = serve ? numbers : numbers + 1;
    for (int i = 2; i < argc; i++)
        if (!str_to_u64(str_of(argv[i]), &first[i - 2]) || first[i - 2] > MOST[first - numbers + i - 2])
            return FAIL(INVALID, "'%s' is not a number in bounds", argv[i]);
    return serve ? run_serve(numbers) : run_keys(numbers[1]);
}

int main(int argc, char **argv)
{
    Error *error = run(argc, argv);

    if (!error)
        return 0;
    fprintf(stderr, "bucket_server: %s\n", error_message_view(error));
    int status = error_code_exit_status(error_code(error));
    error_free(error);
    return status;
}
