"""An HTTP server that says exactly what a test tells it to, byte for byte and second for second.

    server.on("GET", "/bucket/key", status(503, retry_after=1), ok(b"hello"))

The first GET of that path gets 503, the second and every later one 200. A path that nobody announced gets 404 and is
listed in `server.unexpected`. Every request is recorded in `server.requests`, in the order in which they were complete.

Raw sockets, one thread a connection: Python's http.server would correct what we want to get wrong.
"""

import dataclasses
import re
import select
import socket
import ssl
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable
from xml.sax.saxutils import escape

HEAD_LIMIT = 1 << 20


@dataclasses.dataclass
class Request:
    """One request as it came. `attempt` counts from 1 for each method and path."""

    method: str
    target: str
    headers: dict[str, str]  # names in lower case; a repeated one is joined with ", "
    body: bytes
    time: float  # monotonic seconds when it was complete
    connection: int  # counts from 1
    attempt: int = 0
    sent_bytes: int = 0  # of the answer, so far

    @property
    def path(self):
        return self.target.split("?", 1)[0]

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclasses.dataclass
class Answer:
    """What to send. Build one with the functions below; the fields combine freely."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    length: int | None = None  # Content-Length to claim, if not the truth
    send_length: bool = True
    chunks: list[bytes] | None = None  # Transfer-Encoding: chunked, these pieces
    raw: bytes | None = None  # these bytes are the whole answer
    delay: float = 0  # seconds before the first byte
    rate: float = 0  # bytes of body a second; 0: at once
    cut_after: int | None = None  # bytes of body, then the connection is closed
    reset_after: int | None = None  # bytes of body, then the connection is reset
    stall_after: int | None = None  # bytes of body, then silence until the client goes
    endless_header: int = 0  # so many bytes of header lines before the answer
    ignore_body: bool = False  # answer without reading the request's body
    close: bool = False  # close after the answer


def ok(body=b"", **fields):
    return Answer(200, body, **fields)


def status(code, body=b"", retry_after=None, headers=None, **fields):
    headers = dict(headers or {})
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Answer(code, body, headers, **fields)


def raw(data, close=True):
    """Exactly these bytes, from the status line on."""
    return Answer(raw=data, close=close)


def hang_up():
    """Closes the connection without a word."""
    return Answer(raw=b"", close=True)


def cut(body, after, **fields):
    """Promises the whole body, sends `after` bytes of it, closes."""
    return Answer(200, body, cut_after=after, **fields)


def reset(body=b"", after=0, **fields):
    return Answer(200, body, reset_after=after, **fields)


def stall(body=b"", after=0, **fields):
    """Sends the head and `after` bytes, then nothing until the client goes."""
    return Answer(200, body, stall_after=after, **fields)


def drip(body, rate, **fields):
    return Answer(200, body, rate=rate, **fields)


def wrong_length(body, length, **fields):
    """Claims `length`; a longer body than claimed is sent whole, a shorter one ends with the connection."""
    return Answer(200, body, length=length, close=True, **fields)


def chunked(*chunks, **fields):
    return Answer(200, chunks=list(chunks), **fields)


def endless_header(limit=64 << 20, **fields):
    return Answer(200, endless_header=limit, close=True, **fields)


def redirect(location, code=307, **fields):
    return Answer(code, headers={"Location": location}, **fields)


def s3_error(code, message, http_status, **fields):
    body = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message><RequestId>1</RequestId></Error>"
    headers = {"Content-Type": "application/xml"} | fields.pop("headers", {})
    return status(http_status, xml(body), headers=headers, **fields)


def list_page(objects, next_token=None, **fields):
    """One page of ListObjectsV2; `objects` is a list of (key, size)."""
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified>"
        f"<ETag>&quot;{'0' * 32}-1&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for key, size in objects
    )
    more = f"<NextContinuationToken>{escape(next_token)}</NextContinuationToken>" if next_token else ""
    body = (
        f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix></Prefix>'
        f"<KeyCount>{len(objects)}</KeyCount><MaxKeys>1000</MaxKeys>"
        f"<IsTruncated>{'true' if next_token else 'false'}</IsTruncated>{more}{contents}</ListBucketResult>"
    )
    return ok(xml(body), headers={"Content-Type": "application/xml"}, **fields)


def xml(text):
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()


class ClientGone(Exception):
    """The client closed the connection, or the server is being stopped."""


class ScriptedServer:
    """Start with `with ScriptedServer() as server`. `tls` is an ssl.SSLContext, for https; `port` 0: a free one."""

    def __init__(self, tls=None, port=0):
        self.tls = tls
        self.requests: list[Request] = []
        self.unexpected: list[Request] = []
        self.errors: list[BaseException] = []  # our own mistakes; the fixture fails the test with them
        self._rules: list[tuple[str, Callable[[str], bool], list]] = []
        self._attempts: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._listener.settimeout(0.1)
        self.host, self.port = self._listener.getsockname()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{'localhost' if self.tls else self.host}:{self.port}"

    @property
    def env(self):
        """The environment that makes quern talk to this server as its S3 endpoint."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "quern",
            "AWS_SECRET_ACCESS_KEY": "quernsecret",
            "AWS_REGION": "us-east-1",
        }

    def on(self, method, path, *answers):
        """`path` is a string (without the query), a compiled pattern for the whole target, or a function of it.
        An answer is an Answer or a function of the Request that makes one. Later rules win over earlier ones."""
        assert answers, "a rule needs an answer"
        with self._lock:
            self._rules.insert(0, (method, matcher(path), list(answers)))

    def sent(self, method, path=None):
        """The recorded requests of this method, and path if given."""
        with self._lock:
            return [r for r in self.requests if r.method == method and path in (None, r.path)]

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stopping.set()
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in list(self._threads):
            thread.join(timeout=10)

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, connection, self.connections)

    def _serve(self, connection, number):
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._connections.add(connection)
        try:
            if self.tls:
                plain, connection = connection, self.tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._connections.discard(plain)
                    self._connections.add(connection)
            reader = connection.makefile("rb")
            while not self._stopping.is_set() and self._serve_one(connection, reader, number):
                pass
        except (ClientGone, OSError):
            pass  # what a test makes the client do; the test looks at the client
        except BaseException as error:  # noqa: BLE001 - shown by the fixture
            self.errors.append(error)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _serve_one(self, connection, reader, number):
        head = self._read_head(reader)
        if head is None:
            return False
        method, target, headers = head
        answer = self._choose(method, target)
        if callable(answer):
            body = self._read_body(connection, reader, headers)
            request = self._record(method, target, headers, body, number)
            answer = answer(request)
        else:
            body = b"" if answer and answer.ignore_body else self._read_body(connection, reader, headers)
            request = self._record(method, target, headers, body, number)
        if answer is None:
            self.unexpected.append(request)
            answer = status(404, f"nothing is scripted for {method} {target}\n".encode())
        self._send(connection, request, answer)
        gone = answer.close or answer.ignore_body or answer.cut_after is not None
        return not gone and headers.get("connection", "").lower() != "close"

    def _read_head(self, reader):
        line = reader.readline(HEAD_LIMIT)
        if not line.strip():
            return None
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers: dict[str, str] = {}
        while (line := reader.readline(HEAD_LIMIT)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return method, target, headers

    def _read_body(self, connection, reader, headers):
        if headers.get("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = b""
            while size := int(reader.readline().split(b";")[0], 16):
                body += reader.read(size)
                reader.readline()
            while reader.readline() not in (b"\r\n", b"\n", b""):
                pass
            return body
        size = int(headers.get("content-length", 0))
        body = reader.read(size)
        if len(body) < size:
            raise ClientGone
        return body

    def _choose(self, method, target):
        key = (method, target.split("?", 1)[0])
        with self._lock:
            self._attempts[key] = self._attempts.get(key, 0) + 1
            for index, (rule_method, matches, answers) in enumerate(self._rules):
                if rule_method in (method, "*") and matches(target):
                    if len(answers) > 1:
                        self._rules[index] = (rule_method, matches, answers[1:])
                    return answers[0]
        return None

    def _record(self, method, target, headers, body, number):
        request = Request(method, target, headers, body, time.monotonic(), number)
        with self._lock:
            request.attempt = self._attempts[(method, request.path)]
            self.requests.append(request)
        return request

    def _send(self, connection, request, answer):
        if answer.delay:
            self._pause(connection, answer.delay)
        if answer.raw is not None:
            self._write(connection, request, answer.raw)
            return
        if answer.endless_header:
            self._write_endless_header(connection, request, answer.endless_header)
        body = answer.body
        if answer.chunks is not None:
            body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in answer.chunks if chunk) + b"0\r\n\r\n"
        self._write(connection, request, head_bytes(answer, len(body)))
        if request.method == "HEAD" or answer.status in (204, 304):
            return
        limits = [n for n in (answer.cut_after, answer.reset_after, answer.stall_after) if n is not None]
        self._write_body(connection, request, body[: min(limits)] if limits else body, answer.rate)
        if answer.reset_after is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ClientGone
        if answer.stall_after is not None:
            self._pause(connection, 3600)

    def _write(self, connection, request, data):
        connection.sendall(data)
        request.sent_bytes += len(data)

    def _write_endless_header(self, connection, request, limit):
        self._write(connection, request, b"HTTP/1.1 200 OK\r\n")
        line = b"X-Filler: " + b"a" * 1012 + b"\r\n"
        while request.sent_bytes < limit and not self._stopping.is_set():
            self._write(connection, request, line)

    def _write_body(self, connection, request, body, rate):
        if not rate:
            self._write(connection, request, body)
            return
        step = max(1, int(rate / 20))
        for start in range(0, len(body), step):
            self._write(connection, request, body[start : start + step])
            self._pause(connection, step / rate)

    def _pause(self, connection, seconds):
        """Waits, but not longer than the client stays and the server runs."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._stopping.is_set():
                raise ClientGone
            readable, _, _ = select.select([connection], [], [], min(left, 0.05))
            if readable and (self.tls or not connection.recv(1, socket.MSG_PEEK)):
                raise ClientGone


def matcher(path):
    """A function of the target (path and query) that says whether a rule's `path` means it."""
    if isinstance(path, re.Pattern):
        return lambda target: path.search(target) is not None
    if callable(path):
        return path
    return lambda target: target.split("?", 1)[0] == path


def head_bytes(answer, body_length):
    lines = [f"HTTP/1.1 {answer.status} Scripted"]
    names = {name.lower() for name in answer.headers}
    if answer.chunks is not None:
        lines.append("Transfer-Encoding: chunked")
    elif answer.send_length and "content-length" not in names and answer.status not in (204, 304):
        lines.append(f"Content-Length: {body_length if answer.length is None else answer.length}")
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    if answer.endless_header:
        lines = lines[1:]  # the status line has gone out before the filler
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def tls_context(certificate_file, key_file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return context
