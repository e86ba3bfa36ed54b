"""Listings through `quern ls`: odd keys, page borders, versions, parts of the key space at once, servers that misbehave."""

import bisect
import random
import urllib.parse

import pytest

import scripted_server as script
from json_output import checked

ODD_KEYS = [
    "plus+plus", "percent%41%", "space in it", " begins", "ends ", "a//b", "quote\"'", "amp&<tag>", "equals=", "back\\slash", "\u00fcml\u00e4ut",
    "\u4e2d\u6587/\u5b57", "emoji-\U0001f600", "tilde~", "hash#frag", "question?x=1", "a/b/c", "a/b", "a", "colon:", "{brace}", "tab\tin it",
]


def ls(quern, url, *flags, env, **options):
    result = quern("ls", url, "--json", *flags, env=env, **options)
    checked(result)
    return result, result.json_lines


def keys_of(objects):
    return [entry["key"] for entry in objects if entry["type"] in ("object", "prefix")]


def by_bytes(keys):
    return sorted(keys, key=str.encode)


# ---- real servers


def test_odd_keys(quern, moto):
    for key in ODD_KEYS:
        moto.put(key, b"x")
    result, lines = ls(quern, moto.url(), "--recursive", env=moto.env)
    assert result.status == 0 and keys_of(lines) == by_bytes(ODD_KEYS)
    cut = {key.split("/")[0] + "/" if "/" in key else key for key in ODD_KEYS}
    assert keys_of(ls(quern, moto.url(), env=moto.env)[1]) == by_bytes(cut)
    assert keys_of(ls(quern, moto.url("a/"), env=moto.env)[1]) == ["a//", "a/b", "a/b/"]
    assert keys_of(ls(quern, moto.url("plus+plus"), env=moto.env)[1]) == ["plus+plus"]


@pytest.mark.parametrize("count", [999, 1000, 1001, 2001])
def test_page_borders(quern, versitygw, s3, count):
    keys = [f"n/{number:05}" for number in range(count)]
    for key in keys:
        s3.put(key)
    assert keys_of(ls(quern, s3.url("n/"), "--recursive", env=s3.env)[1]) == keys
    assert quern.ok("ls", s3.url("n/"), "--recursive", "--count", env=s3.env).stdout == f"{count} keys, 0 bytes\n"
    assert keys_of(ls(quern, s3.url(), env=s3.env)[1]) == ["n/"]


def test_versions(quern, moto):
    moto.client.put_bucket_versioning(Bucket=moto.name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"22", b"333"):
        moto.put("k", body)
    moto.put("other", b"4444")
    moto.delete("other")
    objects = ls(quern, moto.url(), "--versions", env=moto.env)[1]
    *entries, summary = objects
    assert [(entry["key"], entry["is_delete_marker"]) for entry in entries] == [
        ("k", False), ("k", False), ("k", False), ("other", True), ("other", False)]
    assert [entry["size_bytes"] for entry in entries[:3]] == [3, 2, 1] and len({entry["version_id"] for entry in entries}) == 5
    assert [entry["is_latest"] for entry in entries] == [True, False, False, True, False]
    assert summary["keys"] == 4 and summary["delete_markers"] == 1
    assert keys_of(ls(quern, moto.url(), "--recursive", env=moto.env)[1]) == ["k"]


def test_buckets_and_places_that_are_not_there(quern, s3, tmp_path):
    assert f"{s3.name}/" in keys_of(ls(quern, "s3://", env=s3.env)[1])
    nothing = quern("ls", s3.url("nothing/"), env=s3.env)
    assert nothing.status == 0 and nothing.stdout == "" and "there is nothing at" in nothing.stderr
    assert quern("ls", "s3://no-such-bucket-here/", env=s3.env).status == 6
    assert quern("ls", tmp_path / "missing").status == 6
    assert quern("ls", tmp_path).status == 0


@pytest.mark.parametrize("answer", [script.status(403), script.ok(b"<html>"), script.status(503)], ids=["denied", "nonsense", "busy"])
def test_an_error_names_the_place_once(quern, scripted, answer):
    scripted.on("GET", "/bucket", answer)
    for command in (["ls", "s3://bucket/in/", "--recursive"], ["fetch", "s3://bucket/in/"]):
        result = quern(*command, "--retries", "1", env=scripted.env)
        assert result.status not in (0, 130)
        assert result.stderr.count("s3://bucket/in/") == 1 and "list 's3://bucket/in/': " in result.stderr, result.stderr


def test_texts_for_people(quern, directory):
    directory.put("in/big", b"x" * 1536)
    directory.put("in/sub/deep", b"y")
    lines = quern.ok("ls", directory.url("in/"), "--human", "--summary", "--show-class").lines
    assert "1.5 KiB" in lines[0] and "STANDARD" in lines[0] and lines[0].endswith("  big")
    assert lines[1].endswith("  sub/") and lines[2] == "1 keys, 1 prefixes, 1.5 KiB"
    filtered = quern.ok("ls", directory.url("in/"), "--include", "*.none").lines
    assert filtered == []
    assert [line.split()[-1] for line in quern.ok("ls", directory.url("in/"), "--include", "sub/**").lines] == ["sub/"]


def test_output_that_cannot_be_written(quern, directory):
    for number in range(20):
        directory.put(f"in/{number}", b"")
    full = quern("ls", directory.url("in/"), under=("sh", "-c", '"$0" "$@" > /dev/full'))
    assert full.status == 8 and "standard output" in full.stderr


# ---- a server whose bucket is a list of keys


class Lister:
    """Answers ListObjectsV2 from sorted keys; `fault(request, number)` may give another answer."""

    def __init__(self, server, keys, page=100, honours_start_after=True, fault=None):
        self.keys, self.page, self.honours, self.fault, self.requests = by_bytes(keys), page, honours_start_after, fault, 0
        self.bytes = [key.encode() for key in self.keys]
        server.on("GET", "/bucket", self.answer)

    def answer(self, request):
        self.requests += 1
        query = request.query
        if self.fault and (answer := self.fault(request, self.requests)):
            return answer
        begin = 0
        if "continuation-token" in query:
            begin = int(query["continuation-token"])
        elif self.honours and (after := query.get("start-after") or query.get("marker")):
            begin = bisect.bisect_right(self.bytes, after.encode())
        end = min(begin + self.page, len(self.keys))
        more = str(end) if end < len(self.keys) else None
        return self.page_of(self.keys[begin:end], more)

    @staticmethod
    def page_of(keys, token):
        answer = script.list_page([(urllib.parse.quote(key), 1) for key in keys], token)
        answer.body = answer.body.replace(b"<KeyCount>", b"<EncodingType>url</EncodingType><KeyCount>")
        return answer


def key_sets():
    dice = random.Random(4)
    yield "digits", [f"{number:08}" for number in range(6000)]
    yield "uuids", ["%032x" % dice.getrandbits(128) for _ in range(6000)]
    yield "long prefix", ["p" * 200 + f"/{number}" for number in range(3000)]
    yield "folders", [f"{dice.choice('abcz')}/{dice.choice(['x', 'yy', 'é'])}/{number}" for number in range(5000)]
    yield "one byte and high ones", [chr(code) for code in range(0x20, 0x7F)] + [chr(dice.randrange(0xA1, 0xD000)) + "x" for _ in range(3000)]


@pytest.mark.parametrize("honours", [True, False], ids=["start-after", "ignored"])
@pytest.mark.parametrize("name,keys", list(key_sets()), ids=lambda value: value if isinstance(value, str) else "")
def test_parts_give_what_one_listing_gives(quern, scripted, name, keys, honours):
    lister = Lister(scripted, set(keys), honours_start_after=honours)
    result, lines = ls(quern, "s3://bucket/", "--recursive", env=scripted.env)
    assert result.status == 0, result.stderr
    assert keys_of(lines) == lister.keys
    pages = -(-len(lister.keys) // lister.page)
    assert lister.requests <= pages * 1.05 + 64 + 32, (lister.requests, pages)
    counted = quern.ok("ls", "s3://bucket/", "--recursive", "--count", env=scripted.env).stdout
    assert counted == f"{len(lister.keys)} keys, {len(lister.keys)} bytes\n"


def test_short_listings_cost_no_request_more(quern, scripted):
    lister = Lister(scripted, [f"{number:05}" for number in range(2000)], page=1000)
    assert len(keys_of(ls(quern, "s3://bucket/", "--recursive", env=scripted.env)[1])) == 2000
    assert lister.requests == 2


FAULTS = {
    "repeated page": lambda lister, token: lister.page_of(lister.keys[:100], str(token + 100)),
    "repeated key": lambda lister, token: lister.page_of([lister.keys[token]] * 2, str(token + 100)),
    "token loop": lambda lister, token: lister.page_of(lister.keys[token : token + 100], str(token)),
    "unsorted": lambda lister, token: lister.page_of(lister.keys[token : token + 100][::-1], str(token + 100)),
    "404": lambda lister, token: script.s3_error("NoSuchBucket", "gone", 404),
    "empty answer": lambda lister, token: script.ok(b""),
    "cut": lambda lister, token: script.ok(b"<ListBucketResult><Contents><Key>a"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_never_make_a_listing_shorter(quern, scripted, fault):
    """The pages from the 20th on are wrong, whatever part of the key space they are of."""

    def go_wrong(request, number):
        token = request.query.get("continuation-token")
        return FAULTS[fault](lister, int(token)) if number >= 20 and token else None

    lister = Lister(scripted, [f"{number:06}" for number in range(20000)], fault=go_wrong)
    result, lines = ls(quern, "s3://bucket/", "--recursive", "--retries", "2", env=scripted.env, timeout=60)
    assert result.status in (3, 6), result.stderr
    shown = keys_of(lines)
    assert shown == lister.keys[: len(shown)] and lines[-1]["type"] == "summary" and lines[-1]["status"] == "stopped"


def test_truncated_without_token_goes_on_by_marker(quern, scripted):
    def without_token(request, number):
        if "list-type" not in request.query or "continuation-token" in request.query:
            return None
        answer = Lister.page_of(lister.keys[:100], "x")
        answer.body = answer.body.replace(b"<NextContinuationToken>x</NextContinuationToken>", b"")
        return answer

    lister = Lister(scripted, [f"{number:06}" for number in range(250)], fault=without_token)
    answer = lister.answer

    def without_next(request):  # version 1: the last key is the marker
        page = answer(request)
        start, _, rest = page.body.partition(b"<NextContinuationToken>")
        page.body = start + rest.partition(b"</NextContinuationToken>")[2] if rest else start
        return page

    scripted.on("GET", "/bucket", without_next)
    assert keys_of(ls(quern, "s3://bucket/", "--recursive", env=scripted.env)[1]) == lister.keys
