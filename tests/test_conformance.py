"""The S3 calls against two servers with different code, boto3 on the other side: every row of the feature table of spec/test-servers.md that
concerns a client.

FEATURES is the table. A feature runs on both servers, unless OTHERWISE names why one of them cannot show it: then it is tried on the other.
"""

import base64
import concurrent.futures
import hashlib
import json
import os
import re
import threading
import time
import zlib

import json_output
import pytest
import scripted_server as answers
from servers import SECRET_KEY, s3_client
from test_store import UNICODE, metadata_flags, store_cli  # noqa: F401

MIB = 1 << 20
SERVERS = ("s3", "moto")  # fixtures: versitygw, moto
CUSTOMER_KEY = base64.b64encode(b"0123456789abcdef" * 2).decode()

PLAIN_KEYS = [
    "a b", "plus+plus", "percent%2Fsign", "per%cent", "ü/東京/\U0001f600", "q?u=e#f", "quote\"'", "<xml>&amp;", "back\\slash", "a,b;c=d", "tilde~", "star*",
    "!()'", "colon:at@", "[brackets]{}|^`", " leading", "trailing ", "x" * 200,
]
FLAT_KEYS = ["//", "/leading", "a//b", "a/./b", "a/../b", "..", ".", "./x", "dir/", "a", "a/b", "x" * 300, "trailing/", "é", "e\u0301"]


# ---- what each feature does; `cli` calls store_cli, `bucket` is new and empty


def wrong_secret(cli, bucket):
    cli.fails(4, "get", bucket.url(), "x", env=bucket.env | {"AWS_SECRET_ACCESS_KEY": SECRET_KEY + "x"}, says=["SignatureDoesNotMatch", "request "])


def body_hash_is_checked(cli, bucket):
    """The server verifies what we announce: a PUT of ours is accepted, and boto3 sees its SHA-256 as the content."""
    body = os.urandom(100_000)
    cli.ok("put", bucket.url(), "x", "-", env=bucket.env, stdin=body)
    assert hashlib.sha256(bucket.get("x")).digest() == hashlib.sha256(body).digest()


def virtual_host_style(cli, bucket):
    port = bucket.server.port
    env = bucket.env | {"AWS_ENDPOINT_URL": f"http://localhost:{port}"}
    cli.ok("-s", "virtual", "put", bucket.url(), "a b+%", "-", env=env, stdin=b"virtual")
    assert bucket.get("a b+%") == b"virtual"
    assert cli.ok("-s", "virtual", "get", bucket.url(), "a b+%", env=env) == b"virtual"


def round_trip_of_keys(cli, bucket, keys):
    written, read = keys, []
    for i, key in enumerate(keys):
        cli.ok("put", bucket.url(), json.dumps(key), "-", env=bucket.env, stdin=f"ours {i}".encode())
        assert bucket.get(key) == f"ours {i}".encode(), key
    assert cli.keys("ls", bucket.url(), env=bucket.env) == sorted(written, key=str.encode)
    for i, key in enumerate(keys):
        bucket.put(key, f"theirs {i}".encode())
        assert cli.ok("get", bucket.url(), json.dumps(key), env=bucket.env) == f"theirs {i}".encode(), key
        read.append(json.loads(cli.ok("head", bucket.url(), json.dumps(key), env=bucket.env))["size"])
    assert read == [len(f"theirs {i}") for i in range(len(keys))]
    outcome = cli.ok("rms", bucket.url(), "-", env=bucket.env, stdin="\n".join(map(json.dumps, keys)).encode()).decode().splitlines()
    assert sorted(outcome) == sorted(f"{json.dumps(key, ensure_ascii=False)}\tdeleted" for key in keys) and not bucket.keys()


def keys_of_a_file_system(cli, bucket):
    round_trip_of_keys(cli, bucket, PLAIN_KEYS)


def keys_that_are_no_paths(cli, bucket):
    round_trip_of_keys(cli, bucket, FLAT_KEYS)


def keys_with_control_characters(cli, bucket):
    round_trip_of_keys(cli, bucket, ["new\nline", "tab\there", "carriage\rreturn", "\x7f"])
    for key in ("\x01", "bell\x07"):  # no XML can hold these: a listing would be malformed, a delete goes alone
        cli.ok("put", bucket.url(), json.dumps(key), "-", env=bucket.env, stdin=b"x")
        assert cli.ok("get", bucket.url(), json.dumps(key), env=bucket.env) == b"x"
        assert cli.ok("rms", bucket.url(), "-", env=bucket.env, stdin=json.dumps(key).encode()).endswith(b"\tdeleted\n")
        cli.fails(6, "get", bucket.url(), json.dumps(key), env=bucket.env)


def marker_with_a_body(cli, bucket):
    cli.ok("put", bucket.url(), "d/", "-", env=bucket.env, stdin=b"content")
    assert bucket.get("d/") == b"content" and cli.ok("get", bucket.url(), "d/", env=bucket.env) == b"content"


def listing_of_1001_keys_from_start_after(cli, bucket):
    keys = [f"k{i:04}" for i in range(1001)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(bucket.put, keys))
    assert cli.keys("ls", bucket.url(), env=bucket.env) == keys
    assert cli.keys("ls", bucket.url(), "k", "k0499", env=bucket.env) == keys[500:]
    assert cli.keys("ls", bucket.url(), "k05", env=bucket.env) == keys[500:600]


def ranges(cli, bucket):
    body = os.urandom(1000)
    bucket.put("x", body)
    for first, length in ((0, 1), (0, 1000), (0, 5000), (10, 20), (999, 1), (500, 10**9)):
        assert cli.ok("-g", f"{first}-{length}", "get", bucket.url(), "x", env=bucket.env) == body[first : first + length]
    cli.fails(2, "-g", "1000-1", "get", bucket.url(), "x", env=bucket.env, says=["416"])
    bucket.put("empty", b"")
    assert cli.ok("-g", "0-10", "get", bucket.url(), "empty", env=bucket.env) == b""
    assert cli.ok("get", bucket.url(), "empty", env=bucket.env) == b""


def get_if_match(cli, bucket):
    bucket.put("x", b"one")
    etag = hashlib.md5(b"one").hexdigest()
    assert cli.ok("-E", etag, "get", bucket.url(), "x", env=bucket.env) == b"one"
    bucket.put("x", b"two")
    cli.fails(1, "-E", etag, "get", bucket.url(), "x", env=bucket.env, says=["changed"])


def put_if_absent(cli, bucket):
    cli.ok("-i", "put", bucket.url(), "x", "-", env=bucket.env, stdin=b"first")
    cli.fails(1, "-i", "put", bucket.url(), "x", "-", env=bucket.env, stdin=b"second", says=["exists"])
    assert bucket.get("x") == b"first"


def put_if_absent_race(cli, bucket):
    """Sixteen writers at once: one wins, the others are told, and what is there is the winner's."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda i: cli("-i", "put", bucket.url(), "x", "-", env=bucket.env, stdin=b"%d" % i), range(16)))
    winners = [i for i, result in enumerate(done) if result.returncode == 0]
    assert len(winners) == 1 and all(b"exists" in result.stderr for i, result in enumerate(done) if i not in winners)
    assert bucket.get("x") == b"%d" % winners[0]


def put_if_match(cli, bucket):
    bucket.put("x", b"one")
    etag = hashlib.md5(b"one").hexdigest()
    cli.ok("-u", etag, "put", bucket.url(), "x", "-", env=bucket.env, stdin=b"two")
    cli.fails(1, "-u", etag, "put", bucket.url(), "x", "-", env=bucket.env, stdin=b"three", says=["changed"])
    cli.fails(1, "-u", etag, "put", bucket.url(), "gone", "-", env=bucket.env, stdin=b"x", says=["changed"])
    assert bucket.get("x") == b"two"


def checksum_of_a_put(cli, bucket):
    """Sent in a header, checked and kept by the server, and seen by boto3."""
    body = os.urandom(3 * MIB)
    cli.ok("-S", "provider=versitygw", "put", bucket.url(), "x", "-", env=bucket.env, stdin=body)
    head = bucket.client.head_object(Bucket=bucket.name, Key="x", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] and head["ChecksumType"] == "FULL_OBJECT"
    ours = json.loads(cli.ok("head", bucket.url(), "x", env=bucket.env))
    assert (ours["checksum_kind"], ours["checksum"]) == ("CRC64NVME", head["ChecksumCRC64NVME"])
    assert cli.ok("get", bucket.url(), "x", env=bucket.env) == body


def crc32c(body):
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    crc = 0xFFFFFFFF
    for byte in body:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def checksum_by_us(kind, body):
    """The second opinion: zlib, hashlib and the lines above."""
    number = {"CRC32": zlib.crc32, "CRC32C": crc32c}.get(kind)
    return base64.b64encode(number(body).to_bytes(4, "big") if number else hashlib.sha256(body).digest()).decode()


def chosen_checksums(cli, bucket):
    """Kept by the server as they were sent; boto3 finds them right while it reads, and so do we."""
    body = os.urandom(300_000)
    for kind in ("CRC32", "CRC32C", "SHA256"):
        cli.ok("-S", f"checksum={kind}", "put", bucket.url(), kind, "-", env=bucket.env, stdin=body)
        answer = bucket.client.get_object(Bucket=bucket.name, Key=kind, ChecksumMode="ENABLED")
        assert answer["Body"].read() == body and answer[f"Checksum{kind}"] == checksum_by_us(kind, body)
        ours = json.loads(cli.ok("head", bucket.url(), kind, env=bucket.env))
        assert (ours["checksum_kind"], ours["checksum"]) == (kind, checksum_by_us(kind, body))
        assert cli.ok("get", bucket.url(), kind, env=bucket.env) == body


def chosen_checksums_in_parts(cli, bucket):
    """CRCs of the parts make that of the content; of SHA-256 the server keeps the one of all of them."""
    body = os.urandom(5 * MIB + 1000)
    digests = b"".join(hashlib.sha256(part).digest() for part in (body[: 5 * MIB], body[5 * MIB :]))
    composite = base64.b64encode(hashlib.sha256(digests).digest()).decode() + "-2"
    wanted = {"CRC32": ("FULL_OBJECT", checksum_by_us("CRC32", body)), "SHA256": ("COMPOSITE", composite)}
    for kind, (kept_as, value) in wanted.items():
        cli.ok("-S", f"checksum={kind}", "-M", "1", "-P", str(5 * MIB), "put", bucket.url(), kind, "-", env=bucket.env, stdin=body)
        answer = bucket.client.get_object(Bucket=bucket.name, Key=kind, ChecksumMode="ENABLED")
        assert answer["Body"].read() == body and (answer["ChecksumType"], answer[f"Checksum{kind}"]) == (kept_as, value)
        assert cli.ok("get", bucket.url(), kind, env=bucket.env) == body


def metadata_of_ours(cli, bucket):
    cli.ok(*metadata_flags(UNICODE), "-t", "text/x-test", "put", bucket.url(), "x", "-", env=bucket.env, stdin=b"x")
    head = json.loads(cli.ok("head", bucket.url(), "x", env=bucket.env))
    assert head["metadata"] == UNICODE and head["content_type"] == "text/x-test"
    theirs = bucket.client.head_object(Bucket=bucket.name, Key="x")
    assert theirs["ContentType"] == "text/x-test" and theirs["Metadata"]["plain"] == "text"
    assert decoded(theirs["Metadata"]["name"]) == UNICODE["name"] and decoded(theirs["Metadata"]["long"]) == UNICODE["long"]


def decoded(text):
    import email.header

    return str(email.header.make_header(email.header.decode_header(text)))


def metadata_of_boto3(cli, bucket):
    """boto3 refuses what is not ASCII, so its users send RFC 2047 words: in base64, quoted-printable, or several of them."""
    encoded = {"b": "=?UTF-8?B?R3LDvMOfZQ==?=", "q": "=?UTF-8?Q?Gr=C3=BC=C3=9Fe_=21?=", "two": "=?UTF-8?B?R3LDvA==?= =?UTF-8?B?w59l?=", "plain": "x y"}
    bucket.put("x", b"x", encoded, CacheControl="no-store", ContentType="text/x")
    head = json.loads(cli.ok("head", bucket.url(), "x", env=bucket.env))
    assert head["metadata"] == {"b": "Grüße", "q": "Grüße !", "two": "Grüße", "plain": "x y"}
    assert head["cache_control"] == "no-store"


def too_much_metadata(cli, bucket):
    cli.fails(2, "-m", f"a={'v' * 2048}", "put", bucket.url(), "the-key", "-", env=bucket.env, stdin=b"x", says=["'the-key'", "2048"])
    cli.ok("-m", f"a={'v' * 2047}", "put", bucket.url(), "the-key", "-", env=bucket.env, stdin=b"x")


def tags_and_class(cli, bucket):
    cli.ok("-G", "a=1&b=%C3%BC%20x", "-H", "storage_class=STANDARD", "put", bucket.url(), "x", "-", env=bucket.env, stdin=b"x")
    tags = bucket.client.get_object_tagging(Bucket=bucket.name, Key="x")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "1", "b": "ü x"}


def part_etag(body, part_bytes):
    parts = [hashlib.md5(body[i : i + part_bytes]).digest() for i in range(0, len(body), part_bytes)]
    return f"{hashlib.md5(b''.join(parts)).hexdigest()}-{len(parts)}"


def multipart_of_64_mib(cli, bucket):
    body = os.urandom(64 * MIB + 12345)
    cli.ok(*metadata_flags(UNICODE), "-t", "text/x", "-G", "t=1", "put", bucket.url(), "large", "-", env=bucket.env, stdin=body)
    head = bucket.client.head_object(Bucket=bucket.name, Key="large")
    assert head["ContentLength"] == len(body) and head["ETag"].strip('"') == part_etag(body, 8 * MIB) and head["ContentType"] == "text/x"
    assert hashlib.sha256(bucket.get("large")).digest() == hashlib.sha256(body).digest()
    assert json.loads(cli.ok("head", bucket.url(), "large", env=bucket.env))["metadata"] == UNICODE
    assert not bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads")


def multipart_with_checksum(cli, bucket):
    body = os.urandom(12 * MIB + 1)
    options = ["-S", "provider=versitygw", "-M", "1", "-P", str(5 * MIB), "-N", "3"]
    cli.ok(*options, "put", bucket.url(), "x", "-", env=bucket.env, stdin=body)
    head = bucket.client.head_object(Bucket=bucket.name, Key="x", ChecksumMode="ENABLED")
    assert head["ETag"].strip('"') == part_etag(body, 5 * MIB) and head["ChecksumType"] == "FULL_OBJECT" and head["ChecksumCRC64NVME"]
    cli.ok("-S", "provider=versitygw", "-M", str(1 << 40), "put", bucket.url(), "whole", "-", env=bucket.env, stdin=body)
    whole = bucket.client.head_object(Bucket=bucket.name, Key="whole", ChecksumMode="ENABLED")
    assert whole["ChecksumCRC64NVME"] == head["ChecksumCRC64NVME"], "combined from the parts, it is that of the content"


def multipart_of_boto3(cli, bucket):
    upload = bucket.client.create_multipart_upload(Bucket=bucket.name, Key="x", Metadata={"a": "b"})["UploadId"]
    bodies = [os.urandom(5 * MIB), os.urandom(100)]
    parts = [
        {"PartNumber": i, "ETag": bucket.client.upload_part(Bucket=bucket.name, Key="x", UploadId=upload, PartNumber=i, Body=body)["ETag"]}
        for i, body in enumerate(bodies, 1)
    ]
    bucket.client.complete_multipart_upload(Bucket=bucket.name, Key="x", UploadId=upload, MultipartUpload={"Parts": parts})
    assert cli.ok("get", bucket.url(), "x", env=bucket.env) == b"".join(bodies)
    head = json.loads(cli.ok("head", bucket.url(), "x", env=bucket.env))
    assert head["etag"] == part_etag(b"".join(bodies), 5 * MIB) and head["metadata"] == {"a": "b"}


def complete_if_absent(cli, bucket):
    options = ["-i", "-M", "1"]
    cli.ok(*options, "put", bucket.url(), "x", "-", env=bucket.env, stdin=b"first")
    cli.fails(1, *options, "put", bucket.url(), "x", "-", env=bucket.env, stdin=b"second", says=["exists"])
    assert bucket.get("x") == b"first"
    assert not bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads"), "the loser's parts are aborted"


def unfinished_uploads(cli, bucket):
    """Listed with what they hold, by prefix, aborted one by one; twice is fine."""
    uploads = {}
    for key in ("a/1", "a/ü +", "b/3"):
        uploads[key] = bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
        for number in (1, 2):
            bucket.client.upload_part(Bucket=bucket.name, Key=key, UploadId=uploads[key], PartNumber=number, Body=b"x" * 100 * number)
    rows = [line.split("\t") for line in cli.ok("uploads", bucket.url(), env=bucket.env).decode().splitlines()]
    assert {json.loads(key): upload for key, upload, *_ in rows} == uploads and all(row[2:] == ["2", "300"] for row in rows)
    assert len(cli.ok("uploads", bucket.url("a/"), env=bucket.env).decode().splitlines()) == 2
    for _ in range(2):
        cli.ok("abort", bucket.url(), json.dumps("a/ü +"), uploads["a/ü +"], env=bucket.env)
    left = bucket.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
    assert sorted(upload["Key"] for upload in left) == ["a/1", "b/3"]


def many_parts(cli, bucket):
    """More parts than a page of ListParts has."""
    upload = bucket.client.create_multipart_upload(Bucket=bucket.name, Key="x")["UploadId"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: bucket.client.upload_part(Bucket=bucket.name, Key="x", UploadId=upload, PartNumber=n, Body=b"x"), range(1, 1004)))
    assert cli.ok("uploads", bucket.url(), env=bucket.env).decode().split("\t")[2:] == ["1003", "1003\n"]


def delete_many(cli, bucket):
    keys = [f"k{i:04}" for i in range(1100)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(bucket.put, keys))
    bucket.put("stays", b"")
    stdin = "\n".join(json.dumps(key) for key in [*keys, "never-was-there"]).encode()
    outcome = cli.ok("rms", bucket.url(), "-", env=bucket.env, stdin=stdin).decode().splitlines()
    assert len(outcome) == 1101 and all(line.endswith("\tdeleted") for line in outcome) and bucket.keys() == ["stays"]


def delete_twice(cli, bucket):
    bucket.put("x", b"x")
    cli.ok("rm", bucket.url(), "x", env=bucket.env)
    cli.ok("rm", bucket.url(), "x", env=bucket.env)
    assert not bucket.keys()


def missing(cli, bucket):
    cli.fails(6, "get", bucket.url(), "nothing", env=bucket.env, says=["404"])
    cli.fails(6, "get", "s3://no-such-bucket-here", "x", env=bucket.env, says=["404"])
    cli.fails(6, "put", "s3://no-such-bucket-here", "x", "-", env=bucket.env, stdin=b"x", says=["NoSuchBucket"])


FEATURES = [
    wrong_secret, body_hash_is_checked, virtual_host_style, keys_of_a_file_system, keys_that_are_no_paths, keys_with_control_characters,
    marker_with_a_body, listing_of_1001_keys_from_start_after, ranges, get_if_match, put_if_absent, put_if_absent_race, put_if_match,
    checksum_of_a_put, chosen_checksums, chosen_checksums_in_parts, metadata_of_ours, metadata_of_boto3, too_much_metadata, tags_and_class,
    multipart_of_64_mib, multipart_with_checksum,
    multipart_of_boto3, complete_if_absent, unfinished_uploads, many_parts, delete_many, delete_twice, missing,
]

OTHERWISE = {
    (wrong_secret, "moto"): "checks no signature",
    (keys_that_are_no_paths, "s3"): "keys are paths of a file system: '//', '.' and '..' are resolved, 'a' excludes 'a/b', 255 bytes a segment",
    (keys_with_control_characters, "moto"): "does not find such keys again",
    (marker_with_a_body, "s3"): "400 DirectoryObjectContainsData: a directory has no content",
    (put_if_absent_race, "moto"): "the server of its tests is a development server: it resets connections that come together",
    (checksum_of_a_put, "moto"): "keeps CRC64NVME of nothing",
    (multipart_with_checksum, "moto"): "keeps CRC64NVME of nothing",
}


def test_the_table_is_whole():
    assert len(set(FEATURES)) == len(FEATURES)
    assert all(feature in FEATURES and server in SERVERS and reason for (feature, server), reason in OTHERWISE.items())
    assert all(any((feature, server) not in OTHERWISE for server in SERVERS) for feature in FEATURES)


@pytest.mark.parametrize(
    ("feature", "server"),
    [pytest.param(f, s, id=f"{f.__name__}-{s}") for f in FEATURES for s in SERVERS if (f, s) not in OTHERWISE],
)
def test_feature(request, store_cli, feature, server):  # noqa: F811
    feature(store_cli, request.getfixturevalue(server))


# ---- over TLS


TLS_FEATURES = [put_if_absent, metadata_of_ours, checksum_of_a_put, chosen_checksums, multipart_with_checksum, ranges, unfinished_uploads]


@pytest.mark.parametrize("feature", TLS_FEATURES, ids=lambda feature: feature.__name__)
def test_feature_over_tls(store_cli, s3_tls, feature):  # noqa: F811
    feature(store_cli, s3_tls)


def test_unknown_authority(store_cli, s3_tls):  # noqa: F811
    env = {name: value for name, value in s3_tls.env.items() if name != "AWS_CA_BUNDLE"}
    store_cli.fails(4, "get", s3_tls.url(), "x", env=env, says=["certificate"])


# ---- what is sent and no server here understands: looked at by the scripted server in test_store.py and put_test.c


def test_customer_key_is_in_no_message(store_cli, s3):  # noqa: F811
    result = store_cli("-S", f"customer_key={CUSTOMER_KEY}", "put", s3.url(), "x", "-", env=s3.env, stdin=b"x")
    assert CUSTOMER_KEY.encode() not in result.stderr + result.stdout
    text = store_cli.fails(2, "-S", "customer_key=c2hvcnQ=", "put", s3.url(), "x", "-", env=s3.env, stdin=b"x", says=["32 bytes"])
    assert "c2hvcnQ=" not in text


# ---- quern uploads


@pytest.fixture
def left_behind(s3):
    """A bucket with three unfinished uploads."""
    for key in ("a/1", "a/ü +", "b/3"):
        upload = s3.client.create_multipart_upload(Bucket=s3.name, Key=key)["UploadId"]
        s3.client.upload_part(Bucket=s3.name, Key=key, UploadId=upload, PartNumber=1, Body=b"x" * 1000)
    return s3


def left(bucket):
    return sorted(upload["Key"] for upload in bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []))


def test_uploads_list(quern, left_behind):
    young = quern("uploads", "list", left_behind.url(), env=left_behind.env).expect(0, "unfinished uploads: 0, parts: 0, bytes: 0")
    assert young.stdout == ""
    told = quern("uploads", "list", left_behind.url(), "--older", "0", env=left_behind.env).expect(0, "uploads: 3, parts: 3, bytes: 3000")
    assert [line.split()[-1] for line in told.stdout.splitlines()] == ["a/1", "+", "b/3"]
    objects = json_output.checked(quern("uploads", "list", left_behind.url("a/"), "--older", "0", "--json", env=left_behind.env).expect(0))
    assert [line["key"] for line in objects["upload"]] == ["a/1", "a/ü +"] and objects["summary"][0]["uploads"] == 2


def test_uploads_abort_needs_a_yes(quern, left_behind):
    quern("uploads", "abort", left_behind.url(), "--older", "0", env=left_behind.env).expect(2, "uploads below", ": 3,", "say --yes")
    quern("uploads", "abort", left_behind.url(), env=left_behind.env).expect(0, "aborted: 0, failed: 0")
    assert left(left_behind) == ["a/1", "a/ü +", "b/3"]


def test_uploads_abort(quern, left_behind):
    quern("uploads", "abort", left_behind.url("a/"), "--older", "0", "--yes", env=left_behind.env).expect(0, "aborted: 2, failed: 0")
    assert left(left_behind) == ["b/3"]
    result = quern("uploads", "abort", left_behind.url(), "--older", "0", "--yes", "--json", env=left_behind.env).expect(0)
    objects = json_output.checked(result)
    assert [line["outcome"] for line in objects["upload"]] == ["done"] and objects["summary"][0]["done"] == 1
    assert left(left_behind) == []


def many_uploads(scripted, count, parts_of):
    """`count` uploads on the scripted server; `parts_of(number)` answers for the parts of one. Gives what counts those asked at once."""
    rows = "".join(
        f"<Upload><Key>k{number:04}</Key><UploadId>u{number}</UploadId><Initiated>2024-01-02T03:04:05.000Z</Initiated></Upload>"
        for number in range(count)
    )
    scripted.on("GET", "/bucket", answers.ok(answers.xml(f"<ListMultipartUploadsResult>{rows}</ListMultipartUploadsResult>")))
    at_once, lock = {"now": 0, "most": 0}, threading.Lock()

    def parts(request):
        with lock:
            at_once["now"] += 1
            at_once["most"] = max(at_once["most"], at_once["now"])
        time.sleep(0.1)
        with lock:
            at_once["now"] -= 1
        return parts_of(int(request.query["uploadId"][1:]))

    scripted.on("GET", re.compile("^/bucket/k"), parts)
    return at_once


def listed_parts(size):
    return answers.ok(answers.xml(f"<ListPartsResult><Part><PartNumber>1</PartNumber><Size>{size}</Size></Part></ListPartsResult>"))


def test_uploads_are_measured_together(quern, scripted):
    """0.1 s for each of 300: one after the other they would take half a minute. One ends meanwhile; the order is that of the listing."""
    gone = answers.s3_error("NoSuchUpload", "no such upload", 404)
    at_once = many_uploads(scripted, 300, lambda number: gone if number == 7 else listed_parts(number))
    result = quern("uploads", "list", "s3://bucket/", env=scripted.env).expect(0, "unfinished uploads: 299, parts: 299")
    assert "warning: 1 more were listed that the server does not know" in result.stderr and "'k0007' (upload u7)" in result.stderr
    assert [line.split()[-1] for line in result.stdout.splitlines()] == [f"k{number:04}" for number in range(300) if number != 7]
    assert [line.split()[3] for line in result.stdout.splitlines()] == [str(number) for number in range(300) if number != 7]
    assert 4 < at_once["most"] <= 16 and result.seconds < 15, f"{at_once} in {result.seconds:.1f} s"


def test_uploads_that_cannot_be_measured(quern, scripted):
    denied = answers.s3_error("AccessDenied", "not you", 403)
    many_uploads(scripted, 40, lambda number: denied if number in (5, 9) else listed_parts(number))
    result = quern("uploads", "list", "s3://bucket/", env=scripted.env).expect(4, "k0005", "AccessDenied")
    assert len(result.stdout.splitlines()) == 5


def test_uploads_of_places_that_have_none(quern, s3, directory):
    quern("uploads", "list", "s3://no-such-bucket-here/", env=s3.env).expect(6, "NoSuchBucket")
    quern("uploads", "list", directory.root).expect(0, "unfinished uploads: 0")
    quern("uploads", "list").expect(2, "needs PLACE")
    quern("uploads", "list", s3.url(), "--older", "yesterday", env=s3.env).expect(2, "older")


def test_settings_reach_the_server(quern, scripted):
    """Those without a flag: --set, and a secret by its variable alone."""
    scripted.on("GET", "/bucket", answers.ok(b"<ListBucketResult/>"))
    words = ["--set", "s3.requester_pays=true", "--set", "s3.expected_bucket_owner=123456789012"]
    quern("ls", "s3://bucket/", *words, env=scripted.env).expect(0)
    headers = {name.lower(): value for name, value in scripted.requests[-1].headers.items()}
    assert headers["x-amz-request-payer"] == "requester" and headers["x-amz-expected-bucket-owner"] == "123456789012"
    quern("ls", "s3://bucket/", "--set", "s3.checksum_algorithm=MD4", env=scripted.env).expect(2, "CRC64NVME")
    quern("ls", "s3://bucket/", "--set", "s3.provider=minnio", env=scripted.env).expect(2, "minio")
    quern("ls", "s3://bucket/", "--set", f"s3.sse_customer_key={CUSTOMER_KEY}", env=scripted.env).expect(2, "secret")
    shown = quern("config", "show", "ls", env={"QUERN_SSE_CUSTOMER_KEY": CUSTOMER_KEY}).expect(0)
    assert CUSTOMER_KEY not in shown.stdout + shown.stderr and "<redacted>" in shown.stdout


def test_the_chosen_checksum_goes_with_what_is_written(quern, scripted, directory):
    directory.put("in/x.txt", b"One paragraph of text.")
    scripted.on("GET", "/bucket", answers.list_page([]))
    scripted.on("HEAD", re.compile("."), answers.status(404))
    scripted.on("PUT", re.compile("."), answers.ok(headers={"ETag": '"1"'}))
    words = ["--structured-output-dir", "s3://bucket/out", "--set", "s3.checksum_algorithm=CRC32C"]
    quern("ingest", directory.url("in/"), *words, env=scripted.env).expect(0)
    put = scripted.sent("PUT", "/bucket/out/x.txt.json")[-1]
    assert put.headers["x-amz-checksum-crc32c"] == base64.b64encode(crc32c(put.body).to_bytes(4, "big")).decode()
    assert put.headers["x-amz-sdk-checksum-algorithm"] == "CRC32C"
