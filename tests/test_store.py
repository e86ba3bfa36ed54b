"""The store by itself, through store_cli: real servers, boto3 on the other side, and answers no real server gives."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import time

import pytest
import scripted_server as answers
from program import SANITIZER_FINDING, build_directory
from servers import free_port
from small_disk import small_disk

TIMEOUT_S = 60
UNICODE = {"plain": "text", "name": "Grüße aus Zürich, 東京 \U0001f600", "empty": "", "long": "ü" * 300, "equals": "=?UTF-8?Q?a?="}


class StoreCli:
    """Calls store_cli; arguments are its words, `env` is all of the environment but for PATH, HOME and the sanitizers'."""

    def __init__(self, home):
        self.program = build_directory() / "src/store/store_cli"
        self.home = home
        assert self.program.exists(), f"'{self.program}' is not built"

    def __call__(self, *words, env=None, stdin=b"", cwd=None):
        kept = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        return subprocess.run(
            [self.program, *map(str, words)], env={"PATH": "/usr/bin:/bin", "HOME": str(self.home), **kept, **(env or {})},
            input=stdin, capture_output=True, timeout=TIMEOUT_S, cwd=cwd,
        )

    def ok(self, *words, **options):
        result = self(*words, **options)
        assert result.returncode == 0, result.stderr.decode("utf-8", "replace")
        assert not SANITIZER_FINDING.search(result.stderr.decode("utf-8", "replace"))
        return result.stdout

    def fails(self, status, *words, says=(), **options):
        result = self(*words, **options)
        text = result.stderr.decode("utf-8", "replace")
        assert not SANITIZER_FINDING.search(text), text
        assert result.returncode == status, text
        for part in says:
            assert part in text, text
        return text

    def keys(self, *words, **options):
        lines = self.ok(*words, **options).decode().splitlines()
        return [json.loads(line.split("\t")[0]) for line in lines]


@pytest.fixture
def store_cli(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return StoreCli(home)


def metadata_flags(metadata):
    return [word for name, value in metadata.items() for word in ("-m", f"{name}={value}")]


# ---- with a real server


def test_round_trip(store_cli, s3):
    body = os.urandom(3_000_000)
    store_cli.ok("-t", "text/x-test", *metadata_flags(UNICODE), "put", s3.url("pre/"), "a/b.bin", "-", env=s3.env, stdin=body)
    assert store_cli.ok("get", s3.url("pre/"), "a/b.bin", env=s3.env) == body
    assert store_cli.ok("-g", "1000-2000", "get", s3.url("pre/"), "a/b.bin", env=s3.env) == body[1000:3000]
    assert store_cli.ok("-g", "2999999-500", "get", s3.url("pre/"), "a/b.bin", env=s3.env) == body[-1:]
    head = json.loads(store_cli.ok("head", s3.url("pre/"), "a/b.bin", env=s3.env))
    assert head["size"] == len(body) and head["content_type"] == "text/x-test" and head["metadata"] == UNICODE
    assert head["etag"] == hashlib.md5(body).hexdigest()
    store_cli.ok("-E", head["etag"], "get", s3.url("pre/"), "a/b.bin", env=s3.env)
    store_cli.fails(1, "-E", "0" * 32, "get", s3.url("pre/"), "a/b.bin", env=s3.env, says=["changed", "412"])
    store_cli.fails(2, "-g", "3000000-1", "get", s3.url("pre/"), "a/b.bin", env=s3.env, says=["416"])
    store_cli.ok("rm", s3.url("pre/"), "a/b.bin", env=s3.env)
    store_cli.ok("rm", s3.url("pre/"), "a/b.bin", env=s3.env)
    store_cli.fails(6, "get", s3.url("pre/"), "a/b.bin", env=s3.env, says=["not_found", "a/b.bin"])


def test_boto3_reads_what_we_write(store_cli, s3):
    store_cli.ok("-t", "text/plain", "-m", "provider=NLP", "put", s3.url(), "x/ü +%.txt", "-", env=s3.env, stdin=b"hello")
    answer = s3.client.get_object(Bucket=s3.name, Key="x/ü +%.txt")
    assert answer["Body"].read() == b"hello" and answer["ContentType"] == "text/plain"
    assert answer["Metadata"] == {"provider": "NLP"}
    assert s3.keys() == ["x/ü +%.txt"]


def test_we_read_what_boto3_writes(store_cli, s3):
    s3.put("d/y", b"content", metadata={"a-b": "1", "encoded": "=?UTF-8?B?R3LDvMOfZQ==?="}, ContentType="application/pdf")
    assert store_cli.ok("get", s3.url("d/"), "y", env=s3.env) == b"content"
    head = json.loads(store_cli.ok("head", s3.url("d/"), "y", env=s3.env))
    assert head["metadata"] == {"a-b": "1", "encoded": "Grüße"} and head["content_type"] == "application/pdf"


def test_empty_object(store_cli, s3):
    store_cli.ok("put", s3.url(), "empty", "-", env=s3.env)
    assert store_cli.ok("get", s3.url(), "empty", env=s3.env) == b""
    assert store_cli.ok("-g", "0-100", "get", s3.url(), "empty", env=s3.env) == b""


def test_put_if_absent(store_cli, s3):
    store_cli.ok("-i", "put", s3.url(), "once", "-", env=s3.env, stdin=b"first")
    store_cli.fails(1, "-i", "put", s3.url(), "once", "-", env=s3.env, stdin=b"second", says=["exists"])
    assert s3.get("once") == b"first"


def test_put_if_absent_race(store_cli, s3):
    """Of many writers one wins, and what is there is what it wrote."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(store_cli, "-i", "put", s3.url(), "raced", "-", env=s3.env, stdin=b"%d" % n) for n in range(8)]
    won = [n for n, writer in enumerate(writers) if writer.result().returncode == 0]
    assert len(won) == 1 and s3.get("raced") == b"%d" % won[0]
    assert all(b"exists" in writer.result().stderr for n, writer in enumerate(writers) if n not in won)


def test_listing_past_a_page(store_cli, s3):
    names = sorted(f"many/{number:04d}" for number in range(1203))
    for name in names:
        (pathlib.Path(s3.server.directory) / "data" / s3.name / "many").mkdir(exist_ok=True)
        (pathlib.Path(s3.server.directory) / "data" / s3.name / name).write_bytes(b"x")
    assert store_cli.keys("ls", s3.url(), env=s3.env) == names
    assert store_cli.keys("ls", s3.url("many/1"), env=s3.env) == [f"{number:03d}" for number in range(203)]
    assert store_cli.keys("ls", s3.url(), "many/11", "many/1150", env=s3.env) == names[1151:1200]


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_addressing(store_cli, s3, style):
    env = s3.env | {"AWS_ENDPOINT_URL": s3.env["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")}
    store_cli.ok("-s", style, "put", s3.url(), "styled key/ü", "-", env=env, stdin=b"x")
    assert store_cli.ok("-s", style, "get", s3.url(), "styled key/ü", env=env) == b"x"
    assert store_cli.keys("-s", style, "ls", s3.url(), env=env) == ["styled key/ü"]


def test_tls(store_cli, s3_tls):
    store_cli.ok("put", s3_tls.url(), "x", "-", env=s3_tls.env, stdin=b"secret")
    assert store_cli.ok("get", s3_tls.url(), "x", env=s3_tls.env) == b"secret"
    without_ca = {name: value for name, value in s3_tls.env.items() if name != "AWS_CA_BUNDLE"}
    store_cli.fails(4, "get", s3_tls.url(), "x", env=without_ca, says=["certificate"])
    result = store_cli("-k", "get", s3_tls.url(), "x", env=without_ca)
    assert result.stdout == b"secret" and b"not verified" in result.stderr


def test_many_reads_in_flight(store_cli, s3):
    for number in range(50):
        s3.put(f"bulk/{number}", bytes(1000 + number))
    text = store_cli.ok("bulk", s3.url("bulk/"), "16", env=s3.env).decode()
    assert text.startswith(f"50 objects, {sum(range(1000, 1050))} bytes"), text


# ---- credentials and refusals


def test_wrong_secret(store_cli, s3):
    env = s3.env | {"AWS_SECRET_ACCESS_KEY": "very-wrong"}
    text = store_cli.fails(4, "ls", s3.url(), env=env, says=["SignatureDoesNotMatch", "check the access key id and the secret"])
    assert "very-wrong" not in text


def test_unknown_access_key(store_cli, s3):
    store_cli.fails(4, "ls", s3.url(), env=s3.env | {"AWS_ACCESS_KEY_ID": "nobody"}, says=["InvalidAccessKeyId"])


def test_missing_bucket(store_cli, s3):
    store_cli.fails(6, "ls", "s3://no-such-bucket", env=s3.env, says=["NoSuchBucket", "check the bucket's name"])


def test_anonymous_is_refused(store_cli, s3):
    store_cli.fails(4, "-a", "ls", s3.url(), env=s3.env, says=["asked without credentials", "AccessDenied"])


def test_no_credentials(store_cli, s3):
    env = {"AWS_ENDPOINT_URL": s3.env["AWS_ENDPOINT_URL"]}
    store_cli.fails(4, "ls", s3.url(), env=env, says=["no credentials found", "AWS_ACCESS_KEY_ID", "--anonymous"])


def test_profile_in_shared_files(store_cli, s3):
    aws = store_cli.home / ".aws"
    aws.mkdir()
    (aws / "config").write_text(f"[profile work]\nregion = us-east-1\nservices = local\n[services local]\ns3 =\n"
                                f"  endpoint_url = {s3.env['AWS_ENDPOINT_URL']}\n")
    (aws / "credentials").write_text("[work]\naws_access_key_id = quern\naws_secret_access_key = quernsecret\n")
    s3.put("x", b"by profile")
    assert store_cli.ok("-p", "work", "get", s3.url(), "x") == b"by profile"
    assert store_cli.ok("get", s3.url(), "x", env={"AWS_PROFILE": "work"}) == b"by profile"
    store_cli.fails(2, "-p", "other", "get", s3.url(), "x", says=["'other'", ".aws/config"])
    (aws / "credentials").write_text("[work]\nnonsense\n")
    store_cli.fails(2, "-p", "work", "get", s3.url(), "x", says=["credentials'", "line 2"])


def test_unknown_host(store_cli):
    started = time.monotonic()
    env = {"AWS_ENDPOINT_URL": "http://no-such-host.invalid:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    store_cli.fails(3, "ls", "s3://bucket", env=env, says=["no-such-host.invalid"])
    assert time.monotonic() - started < 30


def test_nobody_listens(store_cli):
    env = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    store_cli.fails(3, "-A", "3", "ls", "s3://bucket", env=env, says=["s3://bucket", "unavailable"])


# ---- keys that a file system cannot hold


ODD_KEYS = [
    "space key", "percent%20", "plus+", "ünïcödé/東京", "a", "a/b", "double//slash", "/leading", "trailing/", "./dot", "a/../b",
    "question?mark#hash", "quote'\"<>&", "semi;colon,comma=", "tilde~star*", "back\\slash", "\U0001f600", "k" * 1024,
]


def test_odd_keys(store_cli, moto):
    for key in ODD_KEYS:
        store_cli.ok("put", moto.url(), key, "-", env=moto.env, stdin=key.encode())
    assert moto.keys() == sorted(ODD_KEYS)
    for key in ODD_KEYS:
        assert store_cli.ok("get", moto.url(), key, env=moto.env) == key.encode()
        assert moto.get(key) == key.encode()
    assert store_cli.keys("ls", moto.url(), env=moto.env) == sorted(ODD_KEYS, key=str.encode)


def test_control_characters_in_keys(store_cli, s3):
    """On versitygw: moto knows no such keys."""
    keys = ["new\nline", "tab\there", "carriage\rreturn"]
    for key in keys:
        store_cli.ok("put", s3.url(), json.dumps(key), "-", env=s3.env, stdin=b"x")
    assert store_cli.keys("ls", s3.url(), env=s3.env) == sorted(keys, key=str.encode)
    for key in [*keys, "\x01\x7f"]:
        store_cli.ok("put", s3.url(), json.dumps(key), "-", env=s3.env, stdin=b"x")
        assert store_cli.ok("get", s3.url(), json.dumps(key), env=s3.env) == b"x"


def test_keys_that_no_server_takes(store_cli, moto):
    store_cli.fails(2, "put", moto.url(), "k" * 1025, "-", env=moto.env, says=["1025 bytes"])
    store_cli.fails(2, "put", moto.url(), "", "-", env=moto.env, says=["empty key"])


# ---- answers no real server gives


def test_region_redirect(store_cli, scripted):
    moved = answers.status(301, headers={"x-amz-bucket-region": "eu-west-3"})
    scripted.on("GET", "/bucket/x", moved, answers.ok(b"found"))
    assert store_cli.ok("get", "s3://bucket", "x", env=scripted.env) == b"found"
    first, second = scripted.sent("GET", "/bucket/x")
    assert "/us-east-1/s3/" in first.headers["authorization"] and "/eu-west-3/s3/" in second.headers["authorization"]


def test_redirect_to_another_host(store_cli, scripted):
    scripted.on("GET", "/bucket/x", answers.redirect("http://127.0.0.2:1/bucket/x"))
    store_cli.fails(2, "get", "s3://bucket", "x", env=scripted.env, says=["307"])
    assert len(scripted.requests) == 1


def test_body_that_is_cut_everywhere(store_cli, scripted):
    body = bytes(range(256)) * 8
    headers = {"ETag": '"e1"'}

    def from_range(request):
        start = int(request.headers.get("range", "bytes=0-")[6:].rstrip("-"))
        part = body[start:]
        if start == 0:
            return answers.cut(part, 700, headers=headers)
        fields = headers | {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        return answers.status(206, part, headers=fields, cut_after=700 if len(part) > 700 else None)

    scripted.on("GET", "/bucket/x", from_range)
    assert store_cli.ok("get", "s3://bucket", "x", env=scripted.env) == body
    assert [r.headers.get("range") for r in scripted.requests] == [None, "bytes=700-", "bytes=1400-"]


# ---- a directory


def test_directory(store_cli, directory):
    body = os.urandom(2_500_000)
    store_cli.ok("-t", "text/x-test", *metadata_flags(UNICODE), "put", directory.url(), "a/b.bin", "-", stdin=body)
    assert directory.get("a/b.bin") == body
    assert store_cli.ok("-g", "1000-2000", "get", directory.url(), "a/b.bin") == body[1000:3000]
    head = json.loads(store_cli.ok("head", directory.url(), "a/b.bin"))
    assert head["size"] == len(body) and head["content_type"] == "text/x-test" and head["metadata"] == UNICODE
    store_cli.ok("-E", head["etag"], "get", directory.url(), "a/b.bin")
    directory.put("a/b.bin", b"other")
    store_cli.fails(1, "-E", head["etag"], "get", directory.url(), "a/b.bin", says=["changed"])
    store_cli.fails(1, "-i", "put", directory.url(), "a/b.bin", "-", says=["exists"])
    store_cli.ok("rm", directory.url(), "a/b.bin")
    store_cli.fails(6, "get", directory.url(), "a/b.bin", says=["not_found"])


def test_directory_listing_is_that_of_s3(store_cli, directory, moto):
    keys = ["a.b", "a/b", "a/b.c", "a/b/c".replace("b/", "b-/"), "a-b", "a0", "B", "ü", "a/~", "z/y/x"]
    for key in keys:
        directory.put(key, b"x")
        moto.put(key, b"x")
    for words in ([], ["a"], ["a/"], ["", "a/b"], ["a", "a/"], ["z/y/x"], ["q"]):
        here = store_cli.keys("ls", directory.url().rstrip("/"), *words)
        assert here == store_cli.keys("ls", moto.url(), *words, env=moto.env), words


def test_directory_attacks(store_cli, directory, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (directory.root / "link").symlink_to(outside)
    for key in ("../outside/evil", "a/../../outside/evil", "/etc/evil", "a//b", "./x", "..", '"a\\u0000b"'):
        store_cli.fails(2, "put", directory.url(), key, "-", stdin=b"x", says=["invalid", "--escape-names"])
    store_cli.fails(4, "put", directory.url(), "link/evil", "-", stdin=b"x", says=["symbolic link"])
    store_cli.fails(4, "get", directory.url(), "link/secret", says=["symbolic link"])
    assert store_cli.keys("ls", directory.url()) == []
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]
    store_cli.ok("-x", "put", directory.url(), "a/../../outside/evil", "-", stdin=b"kept inside")
    assert store_cli.keys("-x", "ls", directory.url()) == ["a/../../outside/evil"]
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]


def test_full_disk(store_cli, tmp_path):
    """A real file system of 1 MiB: the old object stays, nothing is left behind, the message says so."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    script = (
        f"cd '{mounted}' && printf old | '{store_cli.program}' put . x - && "
        f"head -c 3000000 /dev/zero | '{store_cli.program}' put . x -; echo \"status $?\"; '{store_cli.program}' get . x; ls -A"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(store_cli.home)}
    with small_disk(mounted, "1m") as under:
        result = subprocess.run([*under, "sh", "-c", script], env=environment, capture_output=True, timeout=60)
    assert b"no_space" in result.stderr, result.stderr
    assert result.stdout == b"status 8\noldx\n", result.stdout


def test_single_file(store_cli, directory):
    directory.put("doc.pdf", b"one")
    directory.put("doc.pdf.bak", b"two")
    assert store_cli.keys("ls", directory.url("doc.pdf")) == [""]
    assert store_cli.ok("get", directory.url("doc.pdf"), "") == b"one"
    assert store_cli.keys("ls", "doc.pdf", cwd=directory.root) == [""]


def test_missing_directory(store_cli, tmp_path):
    store_cli.fails(6, "ls", tmp_path / "nowhere", says=["not_found", "nowhere"])
