"""The fixtures themselves, proven with clients that are not ours, before they judge the program."""

import http.client
import signal
import socket
import ssl
import time
import urllib.request

import botocore.exceptions
import pytest
import scripted_server as answers
from places import Bucket
from program import Program
from servers import lists_write, s3_client


def get(server, path, timeout=5):
    """One GET on a connection of its own: (status, headers, body)."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def test_versitygw_keeps_objects_and_metadata(s3):
    s3.put("a/b c+d.txt", b"hello", {"impresso-last-ts": "2024-01-02T03:04:05Z"})
    assert s3.keys() == ["a/b c+d.txt"]
    assert s3.get("a/b c+d.txt") == b"hello"
    assert s3.metadata("a/b c+d.txt") == {"impresso-last-ts": "2024-01-02T03:04:05Z"}


def test_versitygw_refuses_a_wrong_secret(s3):
    with pytest.raises(botocore.exceptions.ClientError, match="SignatureDoesNotMatch"):
        s3.server.client(secret_key="wrong").list_objects_v2(Bucket=s3.name)
    with pytest.raises(botocore.exceptions.ClientError, match="InvalidAccessKeyId"):
        s3.server.client(access_key="nobody").list_objects_v2(Bucket=s3.name)


def test_versitygw_speaks_tls(s3_tls):
    s3_tls.put("key", b"over TLS")
    assert s3_tls.get("key") == b"over TLS"
    assert s3_tls.env["AWS_ENDPOINT_URL"].startswith("https://")


def test_each_test_has_its_own_bucket(s3):
    assert s3.keys() == []


@pytest.mark.parametrize("key", ["a//b", "/leading", "a/../b", "d/", "x" * 1024, "a", "a/b"])
def test_moto_keeps_keys_that_no_file_system_holds(moto, key):
    moto.put(key, b"body")
    assert moto.keys() == [key]
    assert moto.get(key) == b"body"


def test_nginx_serves_objects_and_list_pages(nginx):
    (nginx.www / "bench").mkdir(exist_ok=True)
    (nginx.www / "bench" / "key").write_bytes(b"0123456789")
    assert lists_write(nginx.lists, "bench", ((f"k{i}", 1) for i in range(2500))) == 3

    def fetch(path, **headers):
        return urllib.request.urlopen(urllib.request.Request(nginx.url + path, headers=headers), timeout=5).read()

    assert fetch("/bench/key", Range="bytes=2-4") == b"234"
    assert fetch("/bench?list-type=2").count(b"<Contents>") == 1000
    assert b"<NextContinuationToken>2<" in fetch("/bench?list-type=2&continuation-token=1")
    last = fetch("/bench/?continuation-token=2&list-type=2")
    assert last.count(b"<Contents>") == 500 and b"<IsTruncated>false<" in last


def test_a_place_has_one_face(place):
    place.put("x/one", b"1")
    place.put("x/two", b"2")
    place.delete("x/one")
    assert place.keys("x/") == ["x/two"]
    assert place.get("x/two") == b"2"
    assert place.url("x/two").endswith("/x/two")


def test_scripted_answers_come_in_order_and_the_last_repeats(scripted):
    scripted.on("GET", "/k", answers.status(503, retry_after=7), answers.status(503), answers.ok(b"body"))
    seen = [get(scripted, "/k") for _ in range(4)]
    assert [status for status, _, _ in seen] == [503, 503, 200, 200]
    assert [headers["Retry-After"] for _, headers, _ in seen] == ["7", None, None, None]
    assert [request.attempt for request in scripted.sent("GET", "/k")] == [1, 2, 3, 4]


def test_scripted_records_what_came(scripted):
    scripted.on("PUT", "/b/k", answers.ok())
    connection = http.client.HTTPConnection(scripted.host, scripted.port, timeout=5)
    connection.request("PUT", "/b/k?partNumber=2&uploadId=", body=b"data", headers={"X-Amz-Meta-A": "1"})
    assert connection.getresponse().read() == b""
    connection.request("PUT", "/b/k", body=iter([b"da", b"ta"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 200
    connection.close()
    first, second = scripted.sent("PUT")
    assert (first.body, first.query, first.headers["x-amz-meta-a"]) == (b"data", {"partNumber": "2", "uploadId": ""}, "1")
    assert second.body == b"data" and second.connection == first.connection == 1


def test_scripted_lists_what_nobody_announced(scripted):
    assert get(scripted, "/nothing")[0] == 404
    assert [request.path for request in scripted.unexpected] == ["/nothing"]


def test_scripted_function_sees_the_request(scripted):
    scripted.on("GET", "/echo", lambda request: answers.ok(request.query["say"].encode()))
    assert get(scripted, "/echo?say=hi")[2] == b"hi"


def test_scripted_cut_body(scripted):
    scripted.on("GET", "/k", answers.cut(b"x" * 100, after=10))
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(scripted, "/k")
    assert caught.value.partial == b"x" * 10


def test_scripted_wrong_length(scripted):
    scripted.on("GET", "/short", answers.wrong_length(b"x" * 10, 20))
    scripted.on("GET", "/long", answers.wrong_length(b"x" * 20, 10))
    with pytest.raises(http.client.IncompleteRead):
        get(scripted, "/short")
    assert get(scripted, "/long")[2] == b"x" * 10


def test_scripted_reset_and_hang_up(scripted):
    scripted.on("GET", "/reset", answers.reset(b"x" * 10, after=0))
    scripted.on("GET", "/hang-up", answers.hang_up())
    with pytest.raises(ConnectionResetError):
        get(scripted, "/reset")
    with pytest.raises(http.client.RemoteDisconnected):
        get(scripted, "/hang-up")


def test_scripted_stall_ends_with_the_client(scripted):
    scripted.on("GET", "/k", answers.stall(b"x" * 10, after=4))
    with pytest.raises(TimeoutError):
        get(scripted, "/k", timeout=0.3)
    assert scripted.sent("GET", "/k")[0].sent_bytes > 4


def test_scripted_delay_and_drip_take_their_time(scripted):
    scripted.on("GET", "/late", answers.ok(b"x", delay=0.2))
    scripted.on("GET", "/slow", answers.drip(b"x" * 100, rate=400))
    started = time.monotonic()
    assert get(scripted, "/late")[2] == b"x"
    assert time.monotonic() - started >= 0.2
    started = time.monotonic()
    assert get(scripted, "/slow")[2] == b"x" * 100
    assert time.monotonic() - started >= 0.2


def test_scripted_chunked_and_raw(scripted):
    scripted.on("GET", "/chunked", answers.chunked(b"one", b"two"))
    scripted.on("GET", "/raw", answers.raw(b"HTTP/1.0 299 Odd\r\n\r\nrest"))
    status, headers, body = get(scripted, "/chunked")
    assert (status, headers["Transfer-Encoding"], body) == (200, "chunked", b"onetwo")
    assert get(scripted, "/raw")[::2] == (299, b"rest")


def test_scripted_endless_header(scripted):
    scripted.on("GET", "/k", answers.endless_header(limit=1 << 20))
    with pytest.raises(http.client.HTTPException):
        get(scripted, "/k")


def test_scripted_redirect_to_another_host(scripted):
    scripted.on("GET", "/k", answers.redirect("http://other.example/k"))
    status, headers, _ = get(scripted, "/k")
    assert (status, headers["Location"]) == (307, "http://other.example/k")


def test_scripted_answers_before_the_body(scripted):
    scripted.on("PUT", "/k", answers.status(403, ignore_body=True))
    with socket.create_connection((scripted.host, scripted.port), timeout=5) as connection:
        connection.sendall(b"PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 403")


def test_scripted_tls(scripted_tls, certificate):
    scripted_tls.on("GET", "/k", answers.ok(b"secret"))
    trusting = ssl.create_default_context(cafile=certificate.ca_file)
    assert urllib.request.urlopen(f"{scripted_tls.url}/k", context=trusting, timeout=5).read() == b"secret"
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{scripted_tls.url}/k", context=ssl.create_default_context(cafile=None), timeout=5)


def test_scripted_speaks_enough_s3_for_boto3(scripted):
    scripted.on("GET", "/bucket", answers.list_page([("a&b", 1)], next_token="t"), answers.list_page([("c", 2)]))
    scripted.on("GET", "/bucket/a", answers.s3_error("SlowDown", "slow", 503), answers.ok(b"body"))
    bucket = Bucket(scripted, "bucket", s3_client(scripted.url))
    assert bucket.keys() == ["a&b", "c"]
    assert bucket.get("a") == b"body"


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Program over a shell script in place of quern: fake(script) gives what the fixture `quern` would be."""

    def make(script):
        path = tmp_path / "build/src/cli/quern"
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("QUERN_BUILD", str(tmp_path / "build"))
        return Program(tmp_path)

    return make


def test_program_gives_status_streams_and_usage(fake):
    result = fake('cat; echo "$1" >&2; exit 7')("word", stdin=b"input")
    assert (result.status, result.stdout, result.stderr) == (7, "input", "word\n")
    assert result.seconds > 0 and result.peak_bytes is None
    result.expect(7, "word")
    with pytest.raises(AssertionError, match="the exit status should be 0"):
        result.expect(0)


def test_program_is_measured_without_our_own_memory(fake):
    ballast = bytearray(50 << 20)
    result = fake("exit 3")("word", measure=True)
    assert result.status == 3 and 100_000 < result.peak_bytes < len(ballast)


def test_program_has_a_clean_environment(fake, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "leaked")
    result = fake("env").ok(env={"QUERN_LIMIT": 3})
    assert "leaked" not in result.stdout and "QUERN_LIMIT=3" in result.lines


def test_program_over_its_time_is_killed_with_its_children(fake):
    program = fake("echo begun; sleep 100 & wait")
    started = time.monotonic()
    with pytest.raises(AssertionError, match="still running.*after 0.3 s(.|\n)*begun"):
        program(timeout=0.3)
    assert time.monotonic() - started < 10


def test_program_that_a_sanitizer_complains_about_fails(fake):
    with pytest.raises(AssertionError, match="a sanitizer found something"):
        fake('echo "x.c:1: runtime error: signed integer overflow" >&2')()


def test_program_can_be_watched_and_signalled(fake):
    running = fake("trap 'echo drained; exit 130' INT; echo ready >&2; while :; do sleep 0.05; done").start()
    running.wait_until(lambda: "ready" in running.stderr)
    running.send(signal.SIGINT)
    assert running.wait(10).expect(130).stdout == "drained\n"


def test_program_on_a_terminal(fake):
    program = fake("test -t 2 && echo yes || echo no")
    assert program.ok(terminal=True).stdout == "yes\n"
    assert program.ok().stdout == "no\n"
