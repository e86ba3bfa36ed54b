"""Rows F1-F12 of spec/reliability.md through the program: whole runs of `quern fetch` and `quern ls` against a server that misbehaves.
Each prints its figures when it fails. Rows that are shown elsewhere alone: F4 in src/store/s3/*_test.c, F10 in test_credentials.py."""

import contextlib
import datetime
import email.utils
import hashlib
import itertools
import os
import pathlib
import random
import signal
import struct
import threading
import time

import pytest
import scripted_server as answers
from servers import free_port
from test_fetch import tree
from test_listing import FAULTS, Lister
from test_transfer import FakeBucket, content

MIB = 1 << 20
NOBODY = 65534
PARTS = ("--multipart-threshold", "4MiB", "--part-size", "1MiB", "--workers-per-file", "4")


def fetch(quern, env, destination, *flags, url="s3://b/", **options):
    return quern("fetch", url, "--dataset-id", "d", "--destination-directory", destination, "--json", *flags, env=env, **options)


def fetched(destination):
    """Every file of the dataset but its manifest, with its bytes."""
    return {name.removeprefix("d/"): body for name, body in tree(destination).items() if not name.endswith(".manifest.json")}


def assert_same(destination, objects):
    found = fetched(destination)
    assert sorted(found) == sorted(objects)
    assert not (wrong := [key for key, body in objects.items() if found[key] != body]), wrong


def objects_of(count, size=2000):
    return {f"o{number:04}": content(size, number) for number in range(count)}


def dice_for(mischief, percent, seed):
    """`mischief(dice, request, answer)` for so many per cent of the requests."""
    dice, lock = random.Random(seed), threading.Lock()

    def act(request, answer):
        with lock:
            if dice.random() * 100 >= percent:
                return answer
            return mischief(dice, request, answer)

    return act


# ---- F1-F5: bytes that do not come, or not as they were


@pytest.mark.parametrize("percent, most", [(0, 1.0), (1, 1.03), (5, 1.10), (20, 1.40)])
def test_f1_resets_at_a_random_byte(quern, scripted, tmp_path, percent, most):
    objects = objects_of(400) | {"big": content(16 * MIB + 5)}
    bucket = FakeBucket(scripted, objects)

    def reset(dice, request, answer):
        answer.reset_after = dice.randrange(len(answer.body) + 1) if answer.body else 0
        return answer

    bucket.mischief = dice_for(reset, percent, seed=percent)
    result = fetch(quern, scripted.env, tmp_path / "out", *PARTS).expect(0)
    assert_same(tmp_path / "out", objects)
    needed = len(objects) - 1 + 17 + 1 + 1  # the small ones, the parts and what is known of the large one, the listing
    sent = sum(request.sent_bytes for request in scripted.requests)
    figures = f"{len(scripted.requests)} requests of {needed}, {sent / sum(map(len, objects.values())):.3f} of the bytes, {result.seconds:.1f} s"
    assert len(scripted.requests) <= needed * most, figures
    # Which requests meet a reset depends on their order: at the least percentage one part of the large object is a twentieth of all bytes.
    assert sent <= sum(map(len, objects.values())) * most + 500 * (needed * most) + (2 * MIB if percent else 0), figures


@pytest.mark.release_only
@pytest.mark.parametrize("retry_after", [None, 1])
def test_f2_a_storm_of_503(quern, scripted, tmp_path, retry_after):
    """All requests for 3 s, half of them for 3 s more, then none."""
    objects = objects_of(4000, 500)
    bucket = FakeBucket(scripted, objects)
    begin, flip, refused, good = [], itertools.count(), [], []

    def storm(request, answer):
        begin or begin.append(time.monotonic())
        age = time.monotonic() - begin[0]
        if age < 3 or (age < 6 and next(flip) % 2):
            refused.append(age)
            return answers.s3_error("SlowDown", "less", 503, retry_after=retry_after)
        good.append(age)
        return answer

    bucket.mischief = storm
    result = fetch(quern, scripted.env, tmp_path / "out", timeout=120).expect(0)
    assert_same(tmp_path / "out", objects)
    figures = f"{len(refused)} refused, {len(good)} answered, {result.seconds:.1f} s, the last at {max(good):.1f} s"
    assert len(refused) + len(good) <= 1.5 * len(objects), figures
    assert max(good) < 6 + 30, figures


@pytest.mark.parametrize("framing", ["length", "chunked", "none"])
def test_f3_cut_bodies_are_never_taken(quern, scripted, tmp_path, framing):
    """Every object is cut at a random byte, a hundred of them each time. Without length and chunks nothing says that it was, so that is never
    an answer, and no second one is asked for."""
    objects = objects_of(500, 700)
    lost = set(list(objects)[:: 1 if framing == "none" else 5])
    bucket = FakeBucket(scripted, objects)
    dice = random.Random(3)

    def cut(request, answer):
        key = request.path.removeprefix("/b/")
        if request.attempt > 1 and key not in lost:
            return answer
        part = answer.body[: dice.randrange(len(answer.body))]
        answer.close = True
        if framing == "length":
            answer.cut_after = len(part)
        elif framing == "chunked":
            head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
            chunk = b"%x\r\n%s\r\n" % (len(part), part) if part else b""
            answer.raw = f"HTTP/1.1 200 OK\r\n{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk
        else:
            answer.body, answer.send_length = part, False
        return answer

    bucket.mischief = cut
    result = fetch(quern, scripted.env, tmp_path / "out", "--retries", "3", timeout=120)
    assert result.status in (1, 3) and result.summary["failed"] == len(lost), result.explain(f"{len(lost)} should fail")
    assert not fetched(tmp_path / "out").keys() & lost
    bucket.mischief = lambda request, answer: answer
    fetch(quern, scripted.env, tmp_path / "out").expect(0)
    assert_same(tmp_path / "out", objects)


@pytest.mark.parametrize("proof", ["crc32", "md5", "parts"])
def test_f5_flipped_bits_are_found(quern, scripted, tmp_path, proof):
    """By the checksum header, by the ETag where it is an MD5, and by the sums of the parts of a large object."""
    objects = {"big": content(12 * MIB)} if proof == "parts" else objects_of(300)
    bucket = FakeBucket(scripted, objects)
    bucket.checksum = "" if proof == "md5" else "crc32"
    flipped, dice = [], random.Random(5)

    def flip(request, answer):
        if request.method == "GET" and request.path not in flipped:
            flipped.append(request.path)
            at = dice.randrange(len(answer.body))
            answer.body = answer.body[:at] + bytes([answer.body[at] ^ 1 << dice.randrange(8)]) + answer.body[at + 1 :]
        return answer

    bucket.mischief = flip
    fetch(quern, scripted.env, tmp_path / "out", *PARTS).expect(0)
    assert len(flipped) == len(objects)
    assert_same(tmp_path / "out", objects)
    asked = len(scripted.requests)
    assert asked > 2 * len(objects), f"{asked} requests: each object should have been asked for again"


# ---- F6-F8: slow servers, replaced objects, listings


@pytest.mark.release_only
def test_f6_slots_are_freed(quern, scripted, tmp_path):
    """Two slots, four objects whose first answer never ends (a byte a second, or a head that does not end): 30 s each at most."""
    objects = objects_of(12, 3000)
    bucket = FakeBucket(scripted, objects)

    def crawl(request, answer):
        number = int(request.path[-4:])
        if number < 4 and request.attempt == 1:
            answer.rate = 1
        elif number == 4 and request.attempt == 1:
            return answers.Answer(delay=3600)
        return answer

    bucket.mischief = crawl
    result = fetch(quern, scripted.env, tmp_path / "out", "--workers", "8", timeout=150).expect(0)
    assert_same(tmp_path / "out", objects)
    assert result.seconds < 75 and result.summary["retries"] == 5, result.explain("the slow ones should be freed together")


def test_f7_objects_replaced_at_any_moment(quern, scripted, tmp_path):
    """No file is a mixture, whether it was replaced between list and read or between two ranges; the next run has the newest."""
    first = objects_of(200, 900) | {f"big{n}": content(6 * MIB, n) for n in range(3)}
    second = {key: content(len(body), int(hashlib.md5(key.encode()).hexdigest()[:6], 16)) for key, body in first.items()}
    bucket = FakeBucket(scripted, first)

    def replace(dice, request, answer):
        key = request.path.removeprefix("/b/")
        for changed in (key, dice.choice(list(first))):
            bucket.objects[changed] = second[changed]
        return answer

    bucket.mischief = dice_for(replace, 30, seed=7)
    result = fetch(quern, scripted.env, tmp_path / "out", *PARTS)
    assert result.status in (0, 1), result.explain("replaced objects are new ones, or said")
    mixed = [key for key, body in fetched(tmp_path / "out").items() if body not in (first[key], second[key])]
    assert not mixed, f"mixed: {mixed}"
    bucket.mischief, bucket.objects = lambda request, answer: answer, second
    fetch(quern, scripted.env, tmp_path / "out", "--verify", "etag", *PARTS).expect(0)
    assert_same(tmp_path / "out", second)


@pytest.mark.parametrize("fault", FAULTS)
def test_f8_a_failed_listing_is_never_a_plan(quern, scripted, tmp_path, fault):
    """The dataset that is there stays as it is, and nothing is fetched by a list that is not whole."""
    keys = [f"{number:06}" for number in range(3000)]
    for key in keys[:3]:
        scripted.on("GET", f"/bucket/{key}", answers.ok(b"x", headers={"ETag": f'"{"0" * 32}-1"'}))
    Lister(scripted, keys[:3])
    fetch(quern, scripted.env, tmp_path / "out", url="s3://bucket/").expect(0)
    before, asked = tree(tmp_path / "out"), len(scripted.sent("GET"))

    def go_wrong(request, number):
        token = request.query.get("continuation-token")
        return FAULTS[fault](lister, int(token)) if number >= 5 and token else None

    lister = Lister(scripted, keys, fault=go_wrong)
    result = fetch(quern, scripted.env, tmp_path / "out", "--retries", "2", url="s3://bucket/")
    assert result.status in (1, 3, 6), result.explain("the listing cannot be")
    assert {name: body for name, body in tree(tmp_path / "out").items() if name in before} == before
    deleted = [request.path for request in scripted.requests[asked:] if request.method == "DELETE"]
    assert not deleted and "stopped" in result.stdout


# ---- F9, F11: what servers say about region, place and time


DATE_AHEAD = {hours: email.utils.format_datetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours), usegmt=True) for hours in (1, -1)}
# what the server says first, and the exit status; 0: it is put right, and then all goes well
REFUSALS = {
    "301 with the region": (answers.s3_error("PermanentRedirect", "elsewhere", 301), {"x-amz-bucket-region": "eu-west-3"}, 0),
    "307 with the region": (answers.s3_error("TemporaryRedirect", "elsewhere", 307), {"x-amz-bucket-region": "eu-west-3"}, 0),
    "malformed authorization": (answers.s3_error("AuthorizationHeaderMalformed", "expecting 'eu-west-3'", 400), {"x-amz-bucket-region": "eu-west-3"}, 0),
    "an hour ahead": (answers.s3_error("RequestTimeTooSkewed", "too large", 403), {"Date": DATE_AHEAD[1]}, 0),
    "an hour behind": (answers.s3_error("RequestTimeTooSkewed", "too large", 403), {"Date": DATE_AHEAD[-1]}, 0),
    "another host": (answers.redirect("http://198.51.100.1/bucket"), {}, None),
    "no such bucket": (answers.s3_error("NoSuchBucket", "none", 404), {}, 6),
    "the other style": (answers.s3_error("InvalidRequest", "virtual-hosted style only", 400), {}, None),
    "not allowed": (answers.s3_error("AccessDenied", "no", 403), {}, 4),
    "wrong signature": (answers.s3_error("SignatureDoesNotMatch", "no", 403), {}, 4),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_f9_one_message_and_no_storm(quern, scripted, tmp_path, name):
    refusal, headers, status = REFUSALS[name]
    refusal.headers |= headers
    objects = objects_of(20)
    bucket = FakeBucket(scripted, objects)
    scripted.on("GET", "/b", refusal, *([bucket._list] if status == 0 else []))
    result = fetch(quern, scripted.env, tmp_path / "out")
    lists = len(scripted.requests) - len(scripted.sent("GET", "/b/o0000")) * len(objects)
    assert lists <= 3, f"{lists} requests: {[(r.method, r.target) for r in scripted.requests]}"
    if status == 0:
        result.expect(0)
        assert_same(tmp_path / "out", objects)
    else:
        assert result.status == status if status else result.status != 0, result.explain("what the server refused is said")
        assert result.stderr.count("quern: ") == 1 and "s3://b" in result.stderr, result.explain("one clear message")
        assert not fetched(tmp_path / "out")


@pytest.mark.release_only
def test_f11_suspended_in_the_middle(quern, scripted, tmp_path):
    """SIGSTOP for longer than any connection waits for its next byte here: nothing fails, nothing is fetched twice."""
    objects = objects_of(60) | {"big": content(8 * MIB)}
    bucket = FakeBucket(scripted, objects)
    bucket.mischief = lambda request, answer: (time.sleep(0.05), answer)[1]
    run = quern.start("fetch", "s3://b/", "--dataset-id", "d", "--destination-directory", tmp_path / "out", "--json", "--workers", "4", *PARTS,
                      env=scripted.env)
    run.wait_until(lambda: len(scripted.requests) > 15)
    run.send(signal.SIGSTOP)
    time.sleep(10)
    run.send(signal.SIGCONT)
    result = run.wait().expect(0)
    assert_same(tmp_path / "out", objects)
    assert result.summary["retries"] == 0, f"wrong time-outs: {result.summary['retries']}"


# ---- F12: servers that come and go


def test_f12_a_server_restarted_again_and_again(quern, tmp_path):
    """Every second it is away for 0.2 s, or longer where the machine is busy; the run goes through."""
    port, objects, over = free_port(), objects_of(400), threading.Event()
    lives = []

    def live():
        while not over.is_set():
            with answers.ScriptedServer(port=port) as server:
                bucket = FakeBucket(server, objects)
                bucket.mischief = lambda request, answer: (time.sleep(0.03), answer)[1]
                lives.append(server)
                over.wait(0.8)
            time.sleep(0.2)

    keeper = threading.Thread(target=live)
    keeper.start()
    try:
        while not lives:
            time.sleep(0.01)
        result = fetch(quern, lives[0].env, tmp_path / "out", "--workers", "4", timeout=90)
    finally:
        over.set()
        keeper.join()
    result.expect(0)
    assert_same(tmp_path / "out", objects)
    requests = sum(len(server.requests) for server in lives)
    assert len(lives) > 3 and requests <= 1.4 * len(objects) + 8 * len(lives), f"{len(lives)} lives, {requests} requests, {result.seconds:.1f} s"


def test_f12_a_name_that_is_not_found(quern, tmp_path):
    env = {"AWS_ENDPOINT_URL": "http://nobody.invalid", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    result = fetch(quern, env, tmp_path / "out", "--retries", "3").expect(3, "nobody.invalid", "s3://b")
    assert result.seconds < 30


def test_f12_a_certificate_is_final(quern, scripted_tls, tmp_path):
    FakeBucket(scripted_tls, objects_of(1))
    result = fetch(quern, scripted_tls.env, tmp_path / "out").expect(4, "the server's certificate is not trusted")
    assert result.seconds < 5 and not scripted_tls.requests and scripted_tls.connections == 1, f"{scripted_tls.connections} attempts"


# ---- places that are not ours to read or to write


@pytest.fixture
def stranger(quern, tmp_path):
    """Makes a call the call of somebody who is not root, for whom modes count. Its home and its files are in `tmp_path`."""
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    for parent in tmp_path.parents[:3]:
        if os.stat(parent).st_uid == os.geteuid() and parent != pathlib.Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o011)
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else; for others test_destinations_that_cannot_be has /proc")
def test_destinations_that_are_not_ours(quern, scripted, tmp_path, stranger):
    """One that cannot be written to, one that cannot be listed, and a file of the dataset that cannot be read but replaced."""
    objects = objects_of(3)
    FakeBucket(scripted, objects)
    for name, mode in (("readonly", 0o555), ("hidden", 0o333), ("fine", 0o755)):
        (tmp_path / name / "d").mkdir(parents=True)
        (tmp_path / name / "d").chmod(mode)
        os.chown(tmp_path / name / "d", NOBODY, NOBODY)
    refused = fetch(quern, scripted.env, tmp_path / "readonly", under=stranger)
    refused.expect(4, str(tmp_path / "readonly"), "ermission denied")
    assert not fetched(tmp_path / "readonly")
    fetch(quern, scripted.env, tmp_path / "hidden", under=stranger).expect(4, str(tmp_path / "hidden"), "ermission denied")

    fetch(quern, scripted.env, tmp_path / "fine", under=stranger).expect(0)
    (tmp_path / "fine/d/o0001").chmod(0)
    objects["o0001"] = content(3000, 7)
    FakeBucket(scripted, objects)
    fetch(quern, scripted.env, tmp_path / "fine", under=stranger).expect(0)
    assert_same(tmp_path / "fine", objects)


# ---- so many bytes a second


@pytest.mark.parametrize("how", ["flag", "profile", "flag before profile"])
def test_max_bandwidth(quern, scripted, tmp_path, how):
    """4 MB at 2 MB/s, objects in one piece and in ranges: not sooner than they may be, and not much later."""
    objects = {"large": content(2_000_000, 1)} | {f"small{number}": content(100_000, number) for number in range(20)}
    FakeBucket(scripted, objects)
    config = tmp_path / "config"
    config.write_text(f"[default]\ns3 =\n  max_bandwidth = {'2000000' if how == 'profile' else '10KB/s'}\n")
    env = scripted.env | ({} if how == "flag" else {"AWS_CONFIG_FILE": str(config)})
    flags = () if how == "profile" else ("--max-bandwidth", "2MB")
    result = fetch(quern, env, tmp_path / "out", *flags, "--multipart-threshold", "1MiB", "--part-size", "256KiB").expect(0)
    assert_same(tmp_path / "out", objects)
    assert 1.6 < result.seconds < 8, f"{result.seconds:.1f} s"


# ---- sizes


@pytest.fixture
def million(scripted):
    """1,000,000 keys in pages that are made once."""
    text = b"".join(
        b"<Contents><Key>k/%06d</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified><ETag>&quot;%s-1&quot;</ETag><Size>7</Size></Contents>"
        % (number, b"0" * 32) for number in range(1_000_000)
    )
    row = len(text) // 1_000_000

    def page(request):
        query = request.query
        begin = int(query.get("continuation-token") or 0)
        if not begin and (after := query.get("start-after")):
            digits = after.removeprefix("k/")[:6]
            whole = after.startswith("k/") and digits.isdigit() and digits.isascii()
            begin = 0 if after < "k/" else 1_000_000 if not whole else int(digits.ljust(6, "0")) + (len(after) >= 8)
        end = min(begin + 1000, 1_000_000)
        more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < 1_000_000 else ""
        head = f"<ListBucketResult><IsTruncated>{'true' if more else 'false'}</IsTruncated>{more}"
        return answers.ok(answers.xml(head) + text[begin * row : end * row] + b"</ListBucketResult>")

    scripted.on("GET", "/b", page)
    return scripted


@pytest.mark.release_only
def test_a_million_keys(quern, million, tmp_path):
    counted = quern.ok("ls", "s3://b/k/", "--recursive", "--count", env=million.env, measure=True, timeout=120)
    assert counted.stdout.startswith("1000000 keys, "), counted.stdout
    assert counted.peak_bytes < 150e6, f"{counted.peak_bytes / 1e6:.0f} MB"
    planned = fetch(quern, million.env, tmp_path / "out", "--dry-run", "--quiet", url="s3://b/k/", measure=True, timeout=120).expect(0)
    assert planned.peak_bytes < 150e6, f"{planned.peak_bytes / 1e6:.0f} MB"


@pytest.mark.release_only
def test_an_object_of_5_gib(quern, scripted, tmp_path):
    """Every MiB begins with its number: one at a wrong place shows, past 2^32 too."""
    count, filler = 5 << 10, content(MIB - 8)

    def body_of(first, last):
        return b"".join(struct.pack(">Q", number) + filler for number in range(first // MIB, last // MIB))

    headers = {"ETag": '"five"', "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT"}

    def part(request):
        assert request.headers["if-match"] == '"five"'
        first, last = (int(number) for number in request.headers["range"].removeprefix("bytes=").split("-"))
        return answers.Answer(206, body_of(first, last + 1), headers | {"Content-Range": f"bytes {first}-{last}/{count * MIB}"})

    row = f"<Contents><Key>five</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified><ETag>&quot;five&quot;</ETag><Size>{count * MIB}</Size></Contents>"
    scripted.on("GET", "/b", answers.ok(answers.xml(f"<ListBucketResult><IsTruncated>false</IsTruncated>{row}</ListBucketResult>")))
    scripted.on("GET", "/b/five", part)
    scripted.on("HEAD", "/b/five", answers.Answer(200, b"", headers | {"Content-Length": str(count * MIB)}, send_length=False))
    result = fetch(quern, scripted.env, tmp_path / "out", "--workers-per-file", "4", measure=True, timeout=240).expect(0)
    path = tmp_path / "out/d/five"
    try:
        assert path.stat().st_size == count * MIB
        with open(path, "rb") as file:
            wrong = [number for number in range(count) if file.read(MIB) != struct.pack(">Q", number) + filler]
        assert not wrong, f"{len(wrong)} MiB are wrong, the first is {wrong[0]}"
        assert result.peak_bytes < 150e6, f"{result.peak_bytes / 1e6:.0f} MB"
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
