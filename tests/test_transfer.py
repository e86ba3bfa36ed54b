"""Downloads through store_cli: proofs, ranges, cuts, replaced objects, full disks, kills, hostile names. Rows F1-F12 of spec/reliability.md."""

import base64
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
import zlib

import pytest
import scripted_server as answers
from program import SANITIZER_FINDING
from servers import free_port
from small_disk import small_disk
from test_store import StoreCli

MIB = 1 << 20


@pytest.fixture
def store_cli(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return StoreCli(home)


class FakeBucket:
    """Objects behind a ScriptedServer, which answers as S3 does: ranges, If-Match, checksums of the whole. `mischief(request, answer)` may put
    another answer in the place of the right one."""

    def __init__(self, server, objects):
        self.server, self.objects = server, dict(objects)
        self.checksum = "crc32"
        self.part_bytes = 0  # objects were uploaded in such parts
        self.mischief = lambda request, answer: answer
        self.lock = threading.Lock()
        server.on("GET", lambda target: target.startswith("/b/"), self._get)
        server.on("HEAD", lambda target: target.startswith("/b/"), self._head)
        server.on("GET", lambda target: target.startswith(("/b?", "/b/?")), self._list)

    def etag(self, key):
        digest = hashlib.md5(self.objects[key]).hexdigest()
        return f"{digest}-{-(-len(self.objects[key]) // self.part_bytes)}" if self.part_bytes else digest

    def _list(self, request):
        rows = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified>"
            f"<ETag>&quot;{self.etag(key)}&quot;</ETag><Size>{len(body)}</Size></Contents>"
            for key, body in sorted(self.objects.items())
        )
        text = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        return answers.ok(answers.xml(text), headers={"Content-Type": "application/xml"})

    def _headers(self, key, body):
        headers = {"ETag": f'"{self.etag(key)}"', "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT", "x-amz-request-id": "R1"}
        if self.checksum == "crc32":
            headers["x-amz-checksum-crc32"] = self._crc32(body)
        return headers

    def _crc32(self, body):
        if not self.part_bytes:
            return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        parts = [body[at:at + self.part_bytes] for at in range(0, len(body), self.part_bytes)]
        sums = b"".join(zlib.crc32(part).to_bytes(4, "big") for part in parts)
        return base64.b64encode(zlib.crc32(sums).to_bytes(4, "big")).decode() + f"-{len(parts)}"

    def _find(self, request):
        key = request.path[len("/b/"):]
        with self.lock:
            if key not in self.objects:
                return key, None, answers.s3_error("NoSuchKey", "there is none", 404)
            body = self.objects[key]
            wanted = request.headers.get("if-match")
            if wanted and wanted != f'"{self.etag(key)}"':
                return key, None, answers.s3_error("PreconditionFailed", "it changed", 412)
            return key, body, self._headers(key, body)

    def _head(self, request):
        key, body, answer = self._find(request)
        if body is None:
            return answers.status(answer.status)
        return self.mischief(request, answers.Answer(200, b"", {**answer, "Content-Length": str(len(body))}, send_length=False))

    def _get(self, request):
        key, body, answer = self._find(request)
        if body is None:
            return answer
        if "range" not in request.headers:
            return self.mischief(request, answers.Answer(200, body, answer))
        first, _, last = request.headers["range"].removeprefix("bytes=").partition("-")
        first, last = int(first), min(int(last or len(body) - 1), len(body) - 1)
        headers = {name: value for name, value in answer.items() if not name.startswith("x-amz-checksum")}
        headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        return self.mischief(request, answers.Answer(206, body[first:last + 1], headers))


def content(size, seed=1):
    return random.Random(seed).randbytes(size)


def download(store_cli, env, directory, *options, in_flight=8, url="s3://b/", key=(), fails=None):
    result = store_cli("-s", "path", *options, "download", url, directory, in_flight, *key, env=env)
    text = result.stderr.decode("utf-8", "replace")
    assert (result.returncode != 0) == (fails is not None), text
    assert not SANITIZER_FINDING.search(text), text
    assert fails is None or f"store_cli: {fails}: " in text, text
    return (json.loads(result.stdout) if result.stdout else {}), text


def assert_same(directory, objects):
    found = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    assert sorted(found) == sorted(objects)
    for key, body in objects.items():
        assert found[key] == body, key


PARTS = ("-M", 4 * MIB, "-P", MIB)  # what goes in ranges here


# ---- what is right


def test_every_size(store_cli, scripted, tmp_path):
    objects = {f"d{n % 3}/o{n}": content(n, n) for n in (0, 1, 100, 4096, 262143, 262144, 300000, MIB, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 5)}
    bucket = FakeBucket(scripted, objects)
    said, _ = download(store_cli, scripted.env, tmp_path / "out", *PARTS)
    assert_same(tmp_path / "out", objects)
    assert said["failed"] == 0 and said["proven"] == len(objects) and said["retries"] == 0
    assert (tmp_path / "out/d1/o4096").stat().st_mtime == 1704164645 or (tmp_path / "out/d1/o1").stat().st_mtime == 1704164645
    ranged = [r for r in scripted.sent("GET") if "range" in r.headers]
    assert ranged and all("if-match" in r.headers for r in ranged)
    assert bucket.checksum == "crc32"


def test_real_server(store_cli, s3, tmp_path):
    objects = {"small": content(4096), "middle/one": content(700000), "big": content(20 * MIB)}
    for key, body in objects.items():
        s3.put(key, body)
    said, _ = download(store_cli, s3.env, tmp_path / "out", url=s3.url())
    assert_same(tmp_path / "out", objects)
    assert said["failed"] == 0


def test_one_by_name_without_a_listing(store_cli, scripted, tmp_path):
    FakeBucket(scripted, {"big": content(6 * MIB)})
    said, _ = download(store_cli, scripted.env, tmp_path / "out", *PARTS, key=("big",))
    assert_same(tmp_path / "out", {"big": content(6 * MIB)})
    assert said["proven"] == 1


def test_proof_by_the_parts_of_the_upload(store_cli, scripted, tmp_path):
    """A sum of the sums of parts is made again when our ranges are those parts; otherwise it neither proves nor refutes."""
    bucket = FakeBucket(scripted, {"o": content(17 * MIB)})
    bucket.part_bytes = 5 * MIB
    said, _ = download(store_cli, scripted.env, tmp_path / "as-uploaded")
    assert_same(tmp_path / "as-uploaded", bucket.objects)
    assert said["proven"] == 1
    assert {r.headers["range"] for r in scripted.sent("GET", "/b/o")} >= {"bytes=0-5242879", "bytes=15728640-17825791"}
    said, _ = download(store_cli, scripted.env, tmp_path / "otherwise", *PARTS)
    assert_same(tmp_path / "otherwise", bucket.objects)
    assert said["proven"] == 0


# ---- what is wrong


@pytest.mark.parametrize("size", [1000, 700000, 6 * MIB])
def test_bytes_that_do_not_add_up(store_cli, scripted, tmp_path, size):
    """Once: asked for again over another connection. Always: CORRUPT, with what was expected, and no file."""
    bucket = FakeBucket(scripted, {"o": content(size)})
    spoilt = []

    def spoil(request, answer, times):
        if request.method == "GET" and len(spoilt) < times:
            spoilt.append(request)
            answer.body = b"?" + answer.body[1:]
        return answer

    bucket.mischief = lambda request, answer: spoil(request, answer, 1)
    said, _ = download(store_cli, scripted.env, tmp_path / "once", *PARTS)
    assert_same(tmp_path / "once", {"o": content(size)})
    assert said["proven"] == 1
    assert len({r.connection for r in scripted.sent("GET", "/b/o")}) > 1
    bucket.mischief = lambda request, answer: spoil(request, answer, 10**9)
    _, text = download(store_cli, scripted.env, tmp_path / "always", *PARTS, fails="corrupt")
    assert "corrupt" in text and "CRC32" in text
    assert not [p for p in (tmp_path / "always").rglob("*") if p.is_file() and not p.name.startswith(".")]


def test_md5_by_etag(store_cli, scripted, tmp_path):
    bucket = FakeBucket(scripted, {"o": content(5000)})
    bucket.checksum = ""
    said, _ = download(store_cli, scripted.env, tmp_path / "out")
    assert said["proven"] == 1
    bucket.mischief = lambda request, answer: answers.Answer(200, b"x" * 5000, answer.headers)
    _, text = download(store_cli, scripted.env, tmp_path / "bad", fails="corrupt")
    assert "MD5" in text
    # an ETag that is none is compared with nothing
    bucket.mischief = lambda request, answer: answers.Answer(200, b"x" * 5000, {**answer.headers, "x-amz-server-side-encryption": "aws:kms"})
    said, _ = download(store_cli, scripted.env, tmp_path / "kms")
    assert said["proven"] == 0


@pytest.mark.parametrize("lie", ["ignored", "shifted", "short"])
def test_range_that_is_not_the_one(store_cli, scripted, tmp_path, lie):
    """F3: a wrong or ignored range is never written."""
    bucket = FakeBucket(scripted, {"o": content(6 * MIB)})

    def mischief(request, answer):
        if "range" not in request.headers or request.method != "GET":
            return answer
        if lie == "ignored":
            return answers.Answer(200, bucket.objects["o"], {"ETag": answer.headers["ETag"]})
        if lie == "shifted":
            answer.headers["Content-Range"] = "bytes 7-%d/%d" % (len(answer.body) + 6, 6 * MIB)
        else:
            answer.headers["Content-Range"] = "bytes 0-99/%d" % (6 * MIB)
            answer.body = answer.body[:100]
        return answer

    bucket.mischief = mischief
    download(store_cli, scripted.env, tmp_path / "out", *PARTS, fails="corrupt")
    assert not (tmp_path / "out/o").exists()


@pytest.mark.parametrize("framing", ["length", "chunked", "none"])
def test_cut_bodies(store_cli, scripted, tmp_path, framing):
    """F5: a cut is never the end. With a length the rest is asked for; without any the answer cannot be believed at all."""
    objects = {f"o{n}": content(50000, n) for n in range(20)}
    bucket = FakeBucket(scripted, objects)
    rng = random.Random(3)

    def mischief(request, answer):
        if request.attempt > 2 and framing != "none":
            return answer
        if framing == "length":
            answer.cut_after = rng.randrange(len(answer.body))
            return answer
        head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items() if name != "Content-Range")
        body = answer.body[: rng.randrange(len(answer.body))]
        if framing == "chunked":
            line = f"HTTP/1.1 {answer.status} OK\r\n{head}Content-Range: {answer.headers.get('Content-Range', 'none')}\r\n"
            return answers.raw(line.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % len(body) + body)
        return answers.raw(f"HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n".encode() + body)

    bucket.mischief = mischief
    said, text = download(store_cli, scripted.env, tmp_path / "out", fails="corrupt" if framing == "none" else None)
    if framing == "none":
        assert said["failed"] == len(objects) and "end cannot be proven" in text
        assert not list((tmp_path / "out").glob("o*"))
    else:
        assert_same(tmp_path / "out", objects)
        assert [r for r in scripted.sent("GET") if r.headers.get("range", "").startswith("bytes=")]


@pytest.mark.parametrize("percent, most", [(0, 1.0), (1, 1.02), (5, 1.10), (20, 1.40)])
def test_random_failures(store_cli, scripted, tmp_path, percent, most):
    """F1: all right in the end, and not many more requests than without."""
    objects = {f"o{n:03}": content(2000, n) for n in range(400)}
    objects["big"] = content(6 * MIB)
    bucket = FakeBucket(scripted, objects)
    rng, lock = random.Random(percent), threading.Lock()

    def mischief(request, answer):
        with lock:
            if rng.random() * 100 >= percent:
                return answer
            kind = rng.choice(["500", "503", "reset", "cut"])
        if kind == "500":
            return answers.s3_error("InternalError", "again", 500)
        if kind == "503":
            return answers.s3_error("ServiceUnavailable", "again", 503, retry_after=0)
        if kind == "reset" or not answer.body:
            answer.reset_after = 0
        else:
            answer.cut_after = len(answer.body) // 2
        return answer

    bucket.mischief = mischief
    said, _ = download(store_cli, scripted.env, tmp_path / "out", *PARTS)
    assert_same(tmp_path / "out", objects)
    needed = len(objects) - 1 + 6 + 2  # parts, the description, the listing
    assert len(scripted.requests) <= needed * most, (len(scripted.requests), needed)


def test_throttled(store_cli, scripted, tmp_path):
    """F2, the short one: SlowDown slows down, and nothing fails."""
    objects = {f"o{n:03}": content(500, n) for n in range(100)}
    bucket = FakeBucket(scripted, objects)
    until = time.monotonic() + 1.5
    refused = []

    def mischief(request, answer):
        if request.method == "GET" and time.monotonic() < until:
            refused.append(request.time)
            return answers.s3_error("SlowDown", "less", 503)
        return answer

    bucket.mischief = mischief
    said, _ = download(store_cli, scripted.env, tmp_path / "out", in_flight=64)
    assert_same(tmp_path / "out", objects)
    assert len(refused) <= 250, len(refused)


def test_slow_servers_hold_no_slot_for_ever(store_cli, scripted, tmp_path):
    """F6: an endless header ends; the other objects go on meanwhile."""
    objects = {f"o{n}": content(500, n) for n in range(10)}
    bucket = FakeBucket(scripted, objects)
    bucket.mischief = lambda request, answer: answers.endless_header() if request.path == "/b/o3" else answer
    said, text = download(store_cli, scripted.env, tmp_path / "out", fails="limit")
    del objects["o3"]
    assert_same(tmp_path / "out", objects)
    assert "headers pass the limit" in text


def test_tls_that_never_begins(store_cli, tmp_path):
    """F6: a server that takes the connection and says nothing costs the connect time-out, not for ever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{silent.getsockname()[1]}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        begin = time.monotonic()
        result = store_cli("-s", "path", "-A", 2, "get", "s3://b/", "o", env={**env, "AWS_REGION": "us-east-1"})
        assert result.returncode == 3 and b"timeout" in result.stderr, result.stderr
        assert 5 < time.monotonic() - begin < 15


def test_no_server(store_cli, tmp_path):
    """F12: the message names who was asked."""
    for host in ("127.0.0.1", "no-such-host.invalid"):
        env = {"AWS_ENDPOINT_URL": f"http://{host}:{free_port()}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
        result = store_cli("-s", "path", "-A", 2, "get", "s3://b/", "o", env=env)
        assert result.returncode == 3 and host.encode() in result.stderr, result.stderr


def test_replaced_between_ranges(store_cli, scripted, tmp_path):
    """F7: never a mixture; CHANGED, and the caller's new start gets the new one."""
    old, new = content(6 * MIB, 1), content(6 * MIB + 77, 2)
    bucket = FakeBucket(scripted, {"o": old})
    seen = []

    def mischief(request, answer):
        if "range" in request.headers:
            seen.append(request)
            if len(seen) == 3:
                with bucket.lock:
                    bucket.objects["o"] = new
        return answer

    bucket.mischief = mischief
    _, text = download(store_cli, scripted.env, tmp_path / "out", *PARTS, "-N", 1, fails="changed")
    assert "changed" in text and not (tmp_path / "out/o").exists()
    seen.clear()
    bucket.objects["o"] = old
    download(store_cli, scripted.env, tmp_path / "again", *PARTS, "-N", 1, "-R")
    assert_same(tmp_path / "again", {"o": new})


def test_server_restarts(store_cli, tmp_path):
    """F12: the server is away for a moment and comes back on the same port."""
    port = free_port()
    objects = {f"o{n:02}": content(1000, n) for n in range(60)}
    stop = threading.Event()

    def serve():
        for life in range(2):
            server = answers.ScriptedServer(port=port)
            bucket = FakeBucket(server, objects)
            with server:
                if life == 0:
                    bucket.mischief = lambda request, answer: (time.sleep(0.02), answer)[1]
                    first_alive.set()
                    while len(server.requests) < 20 and not stop.is_set():
                        time.sleep(0.01)
                else:
                    stop.wait(30)
            time.sleep(0.3)

    first_alive = threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert first_alive.wait(10)
        env = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
        said, _ = download(store_cli, env, tmp_path / "out")
        assert_same(tmp_path / "out", objects)
        assert said["retries"] > 0
    finally:
        stop.set()
        thread.join()


def test_bad_certificate_is_final(store_cli, scripted_tls, tmp_path):
    FakeBucket(scripted_tls, {"o": b"x"})
    _, text = download(store_cli, scripted_tls.env, tmp_path / "out", fails="denied")
    assert "certificate" in text and len(scripted_tls.requests) == 0


# ---- kills, disks, names


def test_kill_and_resume(store_cli, scripted, tmp_path):
    """A run that was killed is continued: equal bytes, and only what had not come is asked for."""
    body = content(32 * MIB)
    bucket = FakeBucket(scripted, {"big": body})
    bucket.mischief = lambda request, answer: (time.sleep(0.05), answer)[1]
    out = tmp_path / "out"
    words = [store_cli.program, "-s", "path", *map(str, PARTS), "-N", "2", "download", "s3://b/", out, "4"]
    run = subprocess.Popen(words, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **scripted.env})
    deadline = time.monotonic() + 30
    while len(scripted.sent("GET", "/b/big")) < 12 and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert sorted(p.suffix for p in out.iterdir()) == [".part", ".state"]
    before = len(scripted.sent("GET", "/b/big"))
    said, _ = download(store_cli, scripted.env, out, *PARTS)
    assert_same(out, {"big": body})
    assert said["resumed_bytes"] >= 8 * MIB
    asked = len(scripted.sent("GET", "/b/big")) - before
    assert asked == 32 - said["resumed_bytes"] // MIB
    assert said["proven"] == 1


@pytest.mark.parametrize("damage", ["bytes", "record", "short", "other"])
def test_resume_believes_nothing(store_cli, scripted, tmp_path, damage):
    body = content(8 * MIB)
    bucket = FakeBucket(scripted, {"big": body})
    bucket.mischief = lambda request, answer: answers.s3_error("AccessDenied", "no", 403) if "bytes=6291456-" in request.headers.get("range", "") else answer
    out = tmp_path / "out"
    download(store_cli, scripted.env, out, *PARTS, "-N", 1, fails="denied")
    bucket.mischief = lambda request, answer: answer
    part, state = (next(out.glob(f".*{suffix}")) for suffix in (".part", ".state"))
    if damage == "bytes":
        with part.open("r+b") as file:
            file.seek(100)
            file.write(b"damage")
    elif damage == "record":
        state.write_bytes(b"quern-download 1 x\n" + os.urandom(100))
    elif damage == "short":
        os.truncate(part, 3 * MIB)
    else:
        bucket.objects["big"] = body = content(8 * MIB, 2)
    said, _ = download(store_cli, scripted.env, out, *PARTS)
    assert (out / "big").read_bytes() == body
    assert said["resumed_bytes"] == {"bytes": 5, "record": 0, "short": 3, "other": 0}[damage] * MIB


def test_full_disk(store_cli, scripted, tmp_path):
    """Too large is seen before anything is transferred; nothing is left behind that looks whole."""
    FakeBucket(scripted, {"big": content(8 * MIB), "small": content(1000)})
    out = tmp_path / "out"
    out.mkdir()
    with small_disk(out, "2m") as before:
        words = [*before, store_cli.program, "-n", "-s", "path", *map(str, PARTS), "download", "s3://b/", out, "4"]
        run = subprocess.run(words, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **scripted.env}, capture_output=True, timeout=60)
        assert b"store_cli: no_space" in run.stderr, run.stderr
        assert b"do not fit on the disk" in run.stderr
        assert not (out / "big").exists()
    assert not [r for r in scripted.sent("GET", "/b/big") if r.sent_bytes > 4 * MIB]


def test_planted_links(store_cli, scripted, tmp_path):
    """Whatever stands in the directory, nothing outside is written."""
    objects = {"a/f": content(1000), "g": content(1000, 2), "big": content(6 * MIB)}
    FakeBucket(scripted, objects)
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (outside / "victim").write_bytes(b"mine")
    (out / "a").symlink_to(outside)
    (out / "g").symlink_to(outside / "victim")
    _, text = download(store_cli, scripted.env, out, *PARTS, fails="denied")
    assert "symbolic link" in text
    assert (outside / "victim").read_bytes() == b"mine" and len(list(outside.iterdir())) == 1
    assert (out / "g").read_bytes() == objects["g"] and not (out / "g").is_symlink()
    assert (out / "big").read_bytes() == objects["big"]


def test_hostile_keys(store_cli, scripted, tmp_path):
    hostile = ["../x", "a/../../x", "a/..", "/etc/x", "//x", "./x", "a/./b", "n" * 300]
    objects = {key: b"bad" for key in hostile} | {"good": b"good"}
    FakeBucket(scripted, objects)
    out = tmp_path / "deep/out"
    said, text = download(store_cli, scripted.env, out, fails="invalid")
    assert said["failed"] == len(hostile)
    assert_same(out, {"good": b"good"})
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]
    escaped = tmp_path / "escaped"
    download(store_cli, scripted.env, escaped, "-x", fails="invalid")
    assert sum(p.is_file() for p in escaped.rglob("*")) == len(objects) - 2  # all but the name that is too long, and what is below "a/..", a file


def test_file_and_directory_of_one_name(store_cli, scripted, tmp_path):
    FakeBucket(scripted, {"a": b"file", "a/b": b"below", "d/": b""})
    said, text = download(store_cli, scripted.env, tmp_path / "out", in_flight=1, fails="invalid")
    assert said["failed"] == 1 and "directory" in text
    assert (tmp_path / "out/d").is_dir()
