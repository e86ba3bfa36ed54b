"""What goes wrong on the way to S3: each time a message that says what, which object and what to do, and the true exit status."""

import datetime
import email.utils
import json
import re
import socket
import time

import pytest
import scripted_server as answers
from samples import outputs, put_texts, report_lines, text_document
from servers import Versitygw, free_port

ETAG = {"ETag": f'"{"0" * 32}-1"'}


def ingest(quern, url, directory, *flags, **options):
    return quern("ingest", url, "--structured-output-dir", directory.url("out"), "--json", *flags, **options)


def bucket(scripted, count=4):
    """`count` documents on the scripted server; a test then overrides what shall go wrong. Gives their paths."""
    bodies = {f"in/{number}.txt": text_document(number) for number in sorted(range(count), key=str)}
    scripted.on("GET", "/bucket", answers.list_page([(key, len(body)) for key, body in bodies.items()]))
    for key, body in bodies.items():
        scripted.on("GET", f"/bucket/{key}", answers.ok(body, headers=ETAG))
    return [f"/bucket/{key}" for key in bodies]


# ---- the server refuses


def test_wrong_secret(quern, s3, directory):
    put_texts(s3, 2)
    environment = s3.env | {"AWS_SECRET_ACCESS_KEY": "not-the-secret"}
    result = ingest(quern, s3.url("in/"), directory, env=environment).expect(4, f"s3://{s3.name}", "SignatureDoesNotMatch", "check the")
    assert result.summary["status"] == "stopped" and result.summary["code"] == "denied"
    assert "not-the-secret" not in result.stderr + result.stdout


def test_unknown_access_key(quern, s3, directory):
    environment = s3.env | {"AWS_ACCESS_KEY_ID": "nobody"}
    ingest(quern, s3.url("in/"), directory, env=environment).expect(4, f"s3://{s3.name}", "InvalidAccessKeyId", "check the access key")


def test_no_credentials_at_all(quern, s3, directory):
    environment = {name: value for name, value in s3.env.items() if "KEY" not in name}
    ingest(quern, s3.url("in/"), directory, env=environment).expect(4, "no credentials", "AWS_ACCESS_KEY_ID", "--anonymous")


def test_missing_bucket(quern, s3, directory):
    ingest(quern, "s3://no-such-bucket/in/", directory, env=s3.env).expect(6, "s3://no-such-bucket", "NoSuchBucket", "check the bucket's name")


def test_empty_prefix(quern, place, directory):
    place.put("in/x.txt", b"x")
    result = ingest(quern, place.url("nothing-here/"), directory, env=place.env).expect(6, "nothing-here/")
    assert result.summary["code"] == "not_found"


def test_nothing_matches(quern, place, directory):
    place.put("in/x.txt", b"x")
    ingest(quern, place.url("in/"), directory, "--include", "*.pdf", env=place.env).expect(6, "matches")


def test_missing_bucket_of_the_output(quern, s3):
    put_texts(s3, 2)
    result = quern("ingest", s3.url("in/"), "--structured-output-dir", "s3://no-such-bucket/out", env=s3.env)
    result.expect(6, "NoSuchBucket", "no-such-bucket")


def test_no_right_to_list(quern, scripted, directory):
    scripted.on("GET", "/bucket", answers.s3_error("AccessDenied", "Access Denied", 403))
    ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(4, "s3://bucket", "AccessDenied", "s3:ListBucket")
    assert len(scripted.requests) == 1, "a refusal is final"


def test_no_right_to_read_one(quern, scripted, directory):
    paths = bucket(scripted)
    scripted.on("GET", paths[1], answers.s3_error("AccessDenied", "Access Denied", 403))
    result = ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(1, "in/1.txt", "AccessDenied", "s3:GetObject")
    assert (result.summary["done"], result.summary["failed"]) == (3, 1)
    assert len(scripted.sent("GET", paths[1])) == 1


def test_a_server_that_refuses_every_object_ends_the_run(quern, scripted, directory):
    for path in bucket(scripted, 60):
        scripted.on("GET", path, answers.s3_error("AccessDenied", "Access Denied", 403))
    result = ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(4, "in a row failed")
    assert result.summary["failed"] < 60


def archived(tier):
    body = f"<Error><Code>InvalidObjectState</Code><Message>The operation is not valid for the object's storage class</Message>{tier}<RequestId>R7</RequestId></Error>"
    return answers.status(403, answers.xml(body), headers={"Content-Type": "application/xml"})


GLACIER = archived("<StorageClass>GLACIER</StorageClass>")
TIERED = archived("<StorageClass>INTELLIGENT_TIERING</StorageClass><AccessTier>ARCHIVE_ACCESS</AccessTier>")


def test_archived_objects_fail_by_themselves(quern, scripted, directory):
    """Not a refusal: the others go on however many there are, grouped by their class, exit status 1."""
    paths = bucket(scripted, 60)
    for number, path in enumerate(paths[1:], 1):
        scripted.on("GET", path, TIERED if number > 50 else GLACIER)
    result = ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(1, "failed 50: GET: archived (GLACIER): restore it first; the first is in/")
    assert (result.summary["done"], result.summary["failed"]) == (1, 59)
    assert {(reason["reason"], reason["count"]) for reason in result.summary["reasons"]} == {
        ("GET: archived (GLACIER): restore it first", 50), ("GET: archived (INTELLIGENT_TIERING, ARCHIVE_ACCESS): restore it first", 9)}
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert sum(line.get("code") == "archived" for line in lines if line["type"] == "document") == 59
    assert all(len(scripted.sent("GET", path)) == 1 for path in paths), "not asked again"


def test_when_all_are_archived(quern, scripted, directory):
    for path in bucket(scripted, 3):
        scripted.on("GET", path, GLACIER)
    ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(1, "archived (GLACIER): restore it first")


def test_expired_token(quern, scripted, directory):
    scripted.on("GET", "/bucket", answers.s3_error("ExpiredToken", "The provided token has expired.", 400))
    environment = scripted.env | {"AWS_SESSION_TOKEN": "canary-token"}
    result = ingest(quern, "s3://bucket/in/", directory, env=environment).expect(4, "ExpiredToken", "new temporary credentials")
    assert "canary-token" not in result.stderr + result.stdout
    assert scripted.requests[0].headers["x-amz-security-token"] == "canary-token"


def test_clock_is_corrected_from_the_server(quern, scripted, directory):
    """The server lives two hours ahead: the first answer says so, the second request is signed for its time."""
    ahead = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)
    date = {"Date": email.utils.format_datetime(ahead, usegmt=True)}
    paths = bucket(scripted, 2)
    pages = answers.list_page([(f"in/{number}.txt", len(text_document(number))) for number in range(2)])
    skewed = answers.s3_error("RequestTimeTooSkewed", "The difference is too large.", 403)
    skewed.headers |= date
    scripted.on("GET", "/bucket", skewed, pages)
    ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(0)
    first, second = (request.headers["x-amz-date"] for request in scripted.sent("GET", "/bucket"))
    assert second[:11] == ahead.strftime("%Y%m%dT%H") or second > first
    assert all(request.headers["x-amz-date"] > first for request in scripted.sent("GET", paths[0]))


def test_clock_that_cannot_be_corrected(quern, scripted, directory):
    scripted.on("GET", "/bucket", answers.s3_error("RequestTimeTooSkewed", "The difference is too large.", 403))
    ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(4, "RequestTimeTooSkewed", "set this machine's clock")
    assert len(scripted.requests) <= 2


def test_wrong_region_is_corrected(quern, scripted, directory):
    bucket(scripted, 2)
    pages = answers.list_page([(f"in/{number}.txt", len(text_document(number))) for number in range(2)])
    moved = answers.s3_error("AuthorizationHeaderMalformed", "the region is wrong; expecting 'eu-west-3'", 400)
    moved.headers["x-amz-bucket-region"] = "eu-west-3"
    scripted.on("GET", "/bucket", moved, pages)
    ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(0)
    assert "/eu-west-3/s3/" in scripted.sent("GET", "/bucket")[-1].headers["authorization"]


def live_in(scripted, region, *buckets):
    """Whoever signs for another region than theirs is told once more. Gives the requests of which that was true."""
    strangers = []

    def check(request):
        path = request.target.split("?")[0]
        if f"/{region}/s3/" not in request.headers["authorization"]:
            strangers.append(request)
            return answers.s3_error("AuthorizationHeaderMalformed", f"expecting '{region}'", 400, headers={"x-amz-bucket-region": region})
        return inside(request, path)

    def inside(request, path):
        body = b"0123456789" * 10
        if request.method == "PUT":
            return answers.ok(headers=ETAG)
        if path.strip("/") in buckets:
            keys = [f"in/{number}.txt" for number in range(8)] if request.query.get("prefix", "").startswith("in") else []
            return answers.list_page([(key, len(body)) for key in keys])
        return answers.ok(body, headers=ETAG) if path.split("/")[2] == "in" else answers.s3_error("NoSuchKey", "none", 404)

    for method in ("GET", "HEAD", "PUT"):
        scripted.on(method, re.compile("."), check)
    return strangers


def test_a_region_that_was_learnt_is_kept(quern, scripted, tmp_path):
    """One word from the server, and the rest of the run, whatever it does with the bucket, goes to the right region."""
    strangers = live_in(scripted, "eu-west-3", "bucket")
    result = quern("ingest", "s3://bucket/in/", "--structured-output-dir", "s3://bucket/out", "--json", env=scripted.env).expect(0)
    assert result.summary["done"] == 8, result.stderr + result.stdout
    assert len(scripted.sent("PUT")) >= 8
    assert len(strangers) == 1, [request.target for request in strangers]


def test_a_region_is_the_buckets_own(quern, scripted, tmp_path):
    """What is learnt of one bucket says nothing of another."""
    strangers = live_in(scripted, "eu-west-3", "here", "there")
    quern("ingest", "s3://here/in/", "--structured-output-dir", "s3://there/out", env=scripted.env).expect(0)
    assert sorted(request.path.split("/")[1] for request in strangers) == ["here", "there"]


# ---- no server


def test_unknown_host(quern, directory):
    environment = {"AWS_ENDPOINT_URL": "http://no-such-host.invalid", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    result = ingest(quern, "s3://bucket/in/", directory, "--retries", "2", env=environment)
    result.expect(3, "no-such-host.invalid", "s3://bucket", "is it right")
    assert result.summary["code"] == "unavailable"


def test_connection_refused(quern, directory):
    port = free_port()
    environment = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    ingest(quern, "s3://bucket/in/", directory, "--retries", "2", env=environment).expect(3, f"127.0.0.1:{port}", "s3://bucket")


def test_a_server_that_does_not_speak_http(quern, directory):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        import threading

        def greet():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        threading.Thread(target=greet, daemon=True).start()
        environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listener.getsockname()[1]}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
        }
        ingest(quern, "s3://bucket/in/", directory, "--retries", "2", env=environment).expect(3, "s3://bucket", "no server of HTTP/1")


def test_server_goes_away_in_the_middle(quern, directory, tmp_path):
    from places import Bucket

    with Versitygw(tmp_path / "versitygw") as server:
        s3 = Bucket(server, "gone")
        s3.client.create_bucket(Bucket="gone")
        put_texts(s3, 400)
        run = quern.start(
            "ingest", s3.url("in/"), "--structured-output-dir", directory.url("out"), "--retries", "2", "--json", "--quiet", env=s3.env
        )
        run.wait_until(lambda: run.stdout.count('"done"') >= 5)
        server.stop()
        result = run.wait().expect(3)
        written = outputs(directory)
        assert result.summary["done"] == len(written) and 5 <= len(written) < 400
        assert all(json.loads(body) for body in written.values())
        server.start()
        again = quern.ok("ingest", s3.url("in/"), "--structured-output-dir", directory.url("out"), "--json", env=server.env)
        assert (again.summary["skipped"], again.summary["done"]) == (len(written), 400 - len(written))


def test_every_connection_is_closed_without_a_word(quern, scripted, directory):
    paths = bucket(scripted)
    scripted.on("GET", paths[2], answers.hang_up())
    result = ingest(quern, "s3://bucket/in/", directory, "--retries", "3", env=scripted.env).expect(1, "in/2.txt", "closed")
    assert (result.summary["done"], result.summary["failed"]) == (3, 1)
    assert 3 <= len(scripted.sent("GET", paths[2])) <= 8  # libcurl tries a reused connection that was closed once more by itself
    assert sorted(outputs(directory)) == ["out/in/0.txt.json", "out/in/1.txt.json", "out/in/3.txt.json"]


# ---- the server is slow or busy


def test_503_burst_is_waited_out(quern, scripted, directory):
    busy = answers.s3_error("SlowDown", "Please reduce your request rate.", 503)
    for path in bucket(scripted):
        body = text_document(int(re.search(r"(\d+)\.txt", path)[1]))
        scripted.on("GET", path, busy, busy, answers.ok(body, headers=ETAG))
    result = ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(0)
    assert result.summary["done"] == 4 and result.summary["retries"] == 8


def test_503_with_retry_after(quern, scripted, directory):
    paths = bucket(scripted, 1)
    scripted.on("GET", paths[0], answers.status(503, retry_after=2), answers.ok(text_document(0), headers=ETAG))
    result = ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(0)
    first, second = scripted.sent("GET", paths[0])
    assert second.time - first.time >= 1.9, "Retry-After was 2 s"
    assert result.summary["retries"] == 1


def test_503_without_end(quern, scripted, directory):
    scripted.on("GET", "/bucket", answers.s3_error("SlowDown", "Please reduce your request rate.", 503))
    ingest(quern, "s3://bucket/in/", directory, "--retries", "3", env=scripted.env).expect(3, "s3://bucket", "SlowDown")
    assert len(scripted.requests) == 3


def test_500_then_fine(quern, scripted, directory):
    paths = bucket(scripted, 2)
    scripted.on("GET", paths[1], answers.status(500), answers.ok(text_document(1), headers=ETAG))
    assert ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(0).summary["retries"] == 1


@pytest.mark.release_only
def test_stalls_end_by_the_low_speed_limit(quern, scripted, directory):
    """10 bytes a second for 30 s is the limit: a stalled body and a head that never comes are tried again, slow but steady is not."""
    paths = bucket(scripted, 3)
    bodies = [text_document(number) for number in range(3)]
    scripted.on("GET", paths[0], answers.stall(bodies[0], after=20, headers=ETAG), answers.ok(bodies[0], headers=ETAG))
    scripted.on("GET", paths[1], answers.ok(bodies[1], delay=50, headers=ETAG), answers.ok(bodies[1], headers=ETAG))
    scripted.on("GET", paths[2], answers.drip(bodies[2], rate=40, headers=ETAG))
    result = ingest(quern, "s3://bucket/in/", directory, "--workers", "3", env=scripted.env).expect(0)
    assert result.summary["retries"] == 2 and 25 < result.seconds < 50


# ---- the answer is wrong


def test_cut_bodies_are_read_again(quern, scripted, directory):
    paths = bucket(scripted)
    for number, path in enumerate(paths):
        body = text_document(number)
        scripted.on("GET", path, answers.cut(body, after=number * 40, headers=ETAG), answers.ok(body, headers=ETAG))
    result = ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(0)
    assert result.summary["done"] == 4 and result.summary["retries"] == 4


@pytest.mark.parametrize(
    "wrong",
    [
        answers.cut(text_document(1), after=30, headers=ETAG),
        answers.wrong_length(text_document(1), 10_000, headers=ETAG),
        answers.reset(text_document(1), after=10, headers=ETAG),
        answers.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"" + b"0" * 32 + b"\"\r\n\r\n5\r\nRepor"),
        answers.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
        answers.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    ],
    ids=["cut", "wrong-length", "reset", "chunks without end", "no chunk", "two lengths"],
)
def test_a_body_that_is_never_whole_is_never_taken(quern, scripted, directory, wrong):
    paths = bucket(scripted)
    scripted.on("GET", paths[1], wrong)
    result = ingest(quern, "s3://bucket/in/", directory, "--retries", "2", env=scripted.env).expect(1, "in/1.txt")
    assert (result.summary["done"], result.summary["failed"]) == (3, 1)
    assert "out/in/1.txt.json" not in outputs(directory)


def test_an_endless_header(quern, scripted, directory):
    paths = bucket(scripted)
    scripted.on("GET", paths[1], answers.endless_header())
    result = ingest(quern, "s3://bucket/in/", directory, "--retries", "2", env=scripted.env).expect(1, "in/1.txt")
    assert (result.summary["done"], result.summary["failed"]) == (3, 1)
    assert result.summary["peak_memory_bytes"] < 100 << 20 or quern.sanitized
    assert max(request.sent_bytes for request in scripted.sent("GET", paths[1])) < 16 << 20


def test_a_redirect_to_another_host_gets_no_credentials(quern, scripted, directory):
    with answers.ScriptedServer() as other:
        other.on("GET", re.compile("."), answers.ok(text_document(1), headers=ETAG))
        paths = bucket(scripted)
        scripted.on("GET", paths[1], answers.redirect(f"http://localhost:{other.port}/elsewhere?X-Amz-Signature=canary"))
        result = ingest(quern, "s3://bucket/in/", directory, "--retries", "2", env=scripted.env).expect(1, "in/1.txt")
        assert not any("authorization" in request.headers for request in other.requests)
        assert other.requests == [] and "canary" not in result.stderr + result.stdout
        assert (result.summary["done"], result.summary["failed"]) == (3, 1)


def test_an_object_that_was_replaced_meanwhile(quern, scripted, directory):
    """The listing's ETag is asked for: another object under the same name is not taken for it."""
    paths = bucket(scripted)
    scripted.on("GET", paths[1], answers.s3_error("PreconditionFailed", "At least one of the pre-conditions did not hold", 412))
    result = ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(1, "in/1.txt")
    assert scripted.sent("GET", paths[1])[0].headers["if-match"] == ETAG["ETag"]
    assert result.summary["done"] == 3


def test_an_object_that_was_deleted_meanwhile(quern, scripted, directory, tmp_path):
    paths = bucket(scripted)
    scripted.on("GET", paths[1], answers.s3_error("NoSuchKey", "The specified key does not exist.", 404))
    report = tmp_path / "report.jsonl"
    ingest(quern, "s3://bucket/in/", directory, "--report-file", report, env=scripted.env).expect(1, "in/1.txt", "NoSuchKey")
    (line,) = [line for line in report_lines(report) if line["outcome"] == "failed"]
    assert (line["key"], line["code"]) == ("in/1.txt", "not_found")


def page_of(*keys, token=None):
    return answers.list_page([(key, 1) for key in keys], next_token=token)


LISTINGS = {  # name: exit status, pages
    "empty": (3, answers.ok(b"")),
    "html": (6, answers.ok(b"<html><body>welcome to this hotel's network</body></html>")),
    "truncated without token": (6, answers.ok(answers.xml("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"))),
    "cut": (3, answers.ok(answers.xml("<ListBucketResult><Contents><Key>in/1.txt</Key><Size>1</Size></Contents>"))),
    "unsorted": (6, page_of("in/b.txt", "in/a.txt")),
    "key twice": (6, page_of("in/a.txt", token="1"), page_of("in/a.txt", token="1")),
    "token again": (6, page_of("in/a.txt", token="1"), page_of("in/b.txt", token="1"), page_of("in/c.txt", token="1")),
    "other prefix": (6, page_of("elsewhere/a.txt")),
    "entity": (3, answers.ok(answers.xml('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ListBucketResult>&e;</ListBucketResult>'))),
    "deep": (3, answers.ok(answers.xml("<a>" * 100_000))),
    "error in 200": (3, answers.s3_error("InternalError", "an error in an answer with status 200", 200)),
}


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_that_cannot_be_is_never_an_empty_one(quern, scripted, directory, name):
    status, *pages = LISTINGS[name]
    scripted.on("GET", re.compile(r"^/bucket/in/"), answers.ok(b"x", headers=ETAG))
    scripted.on("GET", "/bucket", *pages)
    result = ingest(quern, "s3://bucket/in/", directory, "--retries", "2", env=scripted.env).expect(status, "list 's3://bucket/in/'")
    assert "root:" not in result.stderr + result.stdout
    quern("ls", "s3://bucket/in/", "--recursive", "--retries", "2", env=scripted.env).expect(status, "list 's3://bucket/in/'")


def test_download_only_meets_the_same_trouble(quern, scripted, directory):
    paths = bucket(scripted, 5)
    scripted.on("GET", paths[0], answers.status(503), answers.ok(text_document(0), headers=ETAG))
    scripted.on("GET", paths[1], answers.s3_error("AccessDenied", "Access Denied", 403))
    scripted.on("GET", paths[2], answers.cut(text_document(2), after=5, headers=ETAG), answers.ok(text_document(2), headers=ETAG))
    result = quern(
        "ingest", "s3://bucket/in/", "--download-only", "--download-dir", directory.url("copies"), "--json", env=scripted.env
    ).expect(1, "in/1.txt", "AccessDenied")
    assert (result.summary["done"], result.summary["failed"]) == (4, 1)
    copies = outputs(directory, "copies/")
    assert copies == {f"copies/in/{number}.txt": text_document(number) for number in (0, 2, 3, 4)}


def test_one_slow_download_does_not_keep_back_what_needs_none(quern, scripted, tmp_path):
    """Two at once: the second, which is there already, makes room for the third although the first is still on its way."""
    paths = bucket(scripted, 8)
    command = ("ingest", "s3://bucket/in/", "--download-only", "--download-dir", tmp_path / "copies", "--workers", "2", "--json")
    quern(*command, env=scripted.env).expect(0)
    slow = answers.ok(text_document(0), headers=ETAG)
    slow.delay = 3
    scripted.on("GET", paths[0], slow)
    (tmp_path / "copies" / "in" / "0.txt").unlink()
    running = quern.start(*command, env=scripted.env)
    running.wait_until(lambda: running.stdout.count('"skipped"') >= 7, timeout=2.5)
    assert running.wait().expect(0).summary["skipped"] == 7


def test_an_output_store_that_fails_halfway(quern, scripted, directory):
    """Documents from a directory, elements to a server that refuses one of them."""
    put_texts(directory, 4)
    scripted.on("GET", "/bucket", answers.list_page([]))
    scripted.on("HEAD", re.compile("."), answers.status(404))
    scripted.on("PUT", re.compile("."), answers.ok(headers=ETAG))
    scripted.on("PUT", "/bucket/out/00002.txt.json", answers.s3_error("AccessDenied", "Access Denied", 403))
    scripted.on("PUT", "/bucket/out/00001.txt.json", answers.status(503), answers.ok(headers=ETAG))
    result = quern("ingest", directory.url("in/"), "--structured-output-dir", "s3://bucket/out", "--json", env=scripted.env)
    result.expect(1, "00002.txt", "AccessDenied", "s3:PutObject")
    assert (result.summary["done"], result.summary["failed"]) == (3, 1)
    first, second = scripted.sent("PUT", "/bucket/out/00001.txt.json")
    assert first.body == second.body and json.loads(second.body)


def test_proxy_variables_are_honoured(quern, scripted, directory):
    bucket_paths = bucket(scripted, 1)
    scripted.on("GET", re.compile(r"^http://s3\.example\.test/bucket\?"), answers.list_page([("in/0.txt", len(text_document(0)))]))
    scripted.on("GET", re.compile(r"^http://s3\.example\.test/bucket/in/0\.txt"), answers.ok(text_document(0), headers=ETAG))
    environment = scripted.env | {"AWS_ENDPOINT_URL": "http://s3.example.test", "http_proxy": scripted.url}
    ingest(quern, "s3://bucket/in/", directory, "--addressing", "path", env=environment).expect(0)
    assert bucket_paths and all(request.target.startswith("http://s3.example.test/") for request in scripted.requests)


def test_anonymous_sends_no_signature(quern, scripted, directory):
    bucket(scripted, 2)
    ingest(quern, "s3://bucket/in/", directory, "--anonymous", env=scripted.env).expect(0)
    assert scripted.requests and not any("authorization" in request.headers for request in scripted.requests)


def test_slow_failures_do_not_hold_the_run(quern, scripted, directory):
    """Bounded attempts: a server that answers nothing but 500 is given up in seconds, not minutes."""
    scripted.on("GET", "/bucket", answers.status(500))
    started = time.monotonic()
    ingest(quern, "s3://bucket/in/", directory, "--retries", "4", env=scripted.env).expect(3, "500")
    assert len(scripted.requests) == 4 and time.monotonic() - started < 30


def test_waiting_for_a_server_that_is_gone_is_told(quern):
    """Ten attempts take a while: whoever waits is told why, once, and then how it ended."""
    result = quern("ls", "s3://bucket/", env={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"})
    result.expect(3, "no connection", "still trying")
    assert result.stderr.count("still trying") <= 1 + result.seconds / 15
