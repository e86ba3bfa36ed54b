"""Copies by the server, tags, headers: store_cli with versitygw and moto, boto3 on the other side.

What the servers do otherwise than AWS, and the tests step round: versitygw and moto ignore conditions on the target of a copy (the store looks
first), moto also those on its source; versitygw gives every part of a copy the checksum of its whole source.
"""

import hashlib
import json
import os

import pytest
from test_store import UNICODE, metadata_flags, store_cli  # noqa: F401

MIB = 1 << 20
HEADERS = {
    "CacheControl": "max-age=60, private", "ContentDisposition": 'attachment; filename="a b.txt"', "ContentLanguage": "de, fr",
    "ContentEncoding": "gzip", "ContentType": "text/x-test",
}
NAMES = {
    "CacheControl": "cache_control", "ContentDisposition": "content_disposition", "ContentLanguage": "content_language",
    "ContentEncoding": "content_encoding", "ContentType": "content_type",
}


@pytest.fixture(params=["s3", "moto"])
def bucket(request):
    return request.getfixturevalue(request.param)


def head(store_cli, bucket, key, root=""):
    return json.loads(store_cli.ok("head", bucket.url(root), key, env=bucket.env))


def copy(store_cli, bucket, key, source, *options):
    store_cli.ok(*options, "cp", bucket.url(), key, bucket.url(), source, env=bucket.env)


def tags_of(bucket, key):
    answer = bucket.client.get_object_tagging(Bucket=bucket.name, Key=key)
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def multipart_of(bucket, key):
    return bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", [])


# ---- what an object has


def test_headers_are_read(store_cli, bucket):
    bucket.put("x", b"hello", metadata={"a": "1"}, **HEADERS)
    seen = head(store_cli, bucket, "x")
    assert {NAMES[name]: value for name, value in HEADERS.items()}.items() <= seen.items()


def test_headers_are_written(store_cli, bucket):
    flags = [word for name, value in HEADERS.items() for word in ("-H", f"{NAMES[name]}={value}")]
    store_cli.ok(*flags, "put", bucket.url(), "x", "-", env=bucket.env, stdin=b"hello")
    answer = bucket.client.head_object(Bucket=bucket.name, Key="x")
    assert HEADERS.items() <= answer.items()


def test_checksum_is_read(store_cli, s3):
    s3.client.put_object(Bucket=s3.name, Key="x", Body=b"123456789", ChecksumAlgorithm="CRC32")
    seen = head(store_cli, s3, "x")
    assert (seen["checksum_kind"], seen["checksum"]) == ("CRC32", "y/Q5Jg==")


# ---- copies


def test_copy_keeps_everything(store_cli, bucket):
    body = os.urandom(100_000)
    store_cli.ok("-t", "text/x-test", *metadata_flags(UNICODE), "-H", "cache_control=no-cache", "-G", "b=2&a=%C3%BC%20%3D",
                 "put", bucket.url("pre/"), "a ü+%/b?c", "-", env=bucket.env, stdin=body)
    store_cli.ok("cp", bucket.url(), "copy/of it", bucket.url("pre/"), "a ü+%/b?c", env=bucket.env)
    assert bucket.get("copy/of it") == body
    seen = head(store_cli, bucket, "copy/of it")
    assert seen["metadata"] == UNICODE and seen["content_type"] == "text/x-test" and seen["cache_control"] == "no-cache"
    assert tags_of(bucket, "copy/of it") == {"a": "ü =", "b": "2"}


def test_copy_between_buckets(store_cli, bucket):
    other = bucket.name + "-other"
    bucket.client.create_bucket(Bucket=other)
    bucket.put("x", b"hello", metadata={"a": "1"})
    store_cli.ok("cp", f"s3://{other}", "y", bucket.url(), "x", env=bucket.env)
    answer = bucket.client.get_object(Bucket=other, Key="y")
    assert answer["Body"].read() == b"hello" and answer["Metadata"] == {"a": "1"}


def test_copy_with_new_headers(store_cli, bucket):
    bucket.put("x", b"hello", metadata={"a": "1"}, **HEADERS)
    copy(store_cli, bucket, "y", "x", "-O", "-t", "text/new", "-m", "b=2", "-G", "t=1")
    answer = bucket.client.head_object(Bucket=bucket.name, Key="y")
    assert answer["Metadata"] == {"b": "2"} and answer["ContentType"] == "text/new" and "CacheControl" not in answer
    assert tags_of(bucket, "y") == {"t": "1"}


def test_storage_class_survives(store_cli, moto):
    moto.put("x", b"hello", StorageClass="STANDARD_IA")
    copy(store_cli, moto, "y", "x")
    assert moto.client.head_object(Bucket=moto.name, Key="y")["StorageClass"] == "STANDARD_IA"


def test_redirect_survives(store_cli, moto):
    moto.put("x", b"hello", WebsiteRedirectLocation="/elsewhere")
    copy(store_cli, moto, "y", "x")
    assert moto.client.head_object(Bucket=moto.name, Key="y")["WebsiteRedirectLocation"] == "/elsewhere"


def test_lock_survives(store_cli, s3):
    locked = s3.name + "-locked"
    s3.client.create_bucket(Bucket=locked, ObjectLockEnabledForBucket=True)
    store_cli.ok("-H", "lock_mode=GOVERNANCE", "-H", "lock_until=2126-01-02T03:04:05Z", "-H", "lock_legal_hold=ON",
                 "put", f"s3://{locked}", "x", "-", env=s3.env, stdin=b"hello")
    store_cli.ok("cp", f"s3://{locked}", "y", f"s3://{locked}", "x", env=s3.env)
    answer = s3.client.head_object(Bucket=locked, Key="y")
    assert answer["ObjectLockMode"] == "GOVERNANCE" and answer["ObjectLockLegalHoldStatus"] == "ON"
    assert answer["ObjectLockRetainUntilDate"].year == 2126


def test_missing_source(store_cli, bucket):
    store_cli.fails(6, "cp", bucket.url(), "y", bucket.url(), "nothing", env=bucket.env, says=["not_found", "nothing"])
    assert bucket.keys() == []


def test_conditions(store_cli, bucket):
    bucket.put("x", b"hello")
    bucket.put("y", b"other")
    etag = head(store_cli, bucket, "x")["etag"]
    there = head(store_cli, bucket, "y")["etag"]
    store_cli.fails(1, "-E", "0" * 32, "cp", bucket.url(), "z", bucket.url(), "x", env=bucket.env, says=["changed", etag])
    store_cli.fails(1, "-i", "cp", bucket.url(), "y", bucket.url(), "x", env=bucket.env, says=["exists"])
    store_cli.fails(1, "-u", etag, "cp", bucket.url(), "y", bucket.url(), "x", env=bucket.env, says=["changed"])
    store_cli.fails(1, "-u", etag, "cp", bucket.url(), "z", bucket.url(), "x", env=bucket.env, says=["changed"])
    assert bucket.get("y") == b"other" and bucket.keys() == ["x", "y"]
    copy(store_cli, bucket, "z", "x", "-i", "-E", etag)
    copy(store_cli, bucket, "y", "x", "-u", there)
    assert bucket.get("y") == bucket.get("z") == b"hello"


def test_other_services(store_cli, s3, moto, tmp_path):
    s3.put("x", b"hello")
    (tmp_path / "f").write_bytes(b"1")
    store_cli.fails(2, "cp", s3.url(), "y", tmp_path, "f", env=s3.env, says=["unsupported", "get it and put it"])
    assert s3.keys() == ["x"]


# ---- in place


def test_rewrite_in_place(store_cli, bucket):
    bucket.put("x", b"hello", metadata={"a": "1"}, ContentType="text/x-test")
    copy(store_cli, bucket, "x", "x", "-O", "-t", "text/x-test", "-m", "a=1", "-m", "b=Zürich")
    seen = head(store_cli, bucket, "x")
    assert seen["metadata"] == {"a": "1", "b": "Zürich"} and seen["content_type"] == "text/x-test"
    assert bucket.get("x") == b"hello"


def test_rewrite_that_changes_nothing(store_cli, bucket):
    bucket.put("x", b"hello", metadata={"a": "1"}, ContentType="text/x-test")
    before = bucket.client.head_object(Bucket=bucket.name, Key="x")["LastModified"]
    store_cli.fails(2, "cp", bucket.url(), "x", bucket.url(), "x", env=bucket.env, says=["invalid", "changes nothing"])
    copy(store_cli, bucket, "x", "x", "-O", "-t", "text/x-test", "-m", "a=1")
    assert bucket.client.head_object(Bucket=bucket.name, Key="x")["LastModified"] == before


def test_versions(store_cli, bucket):
    bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    bucket.put("x", b"first", metadata={"n": "1"})
    first = head(store_cli, bucket, "x")["version_id"]
    bucket.put("x", b"second")
    copy(store_cli, bucket, "y", "x", "-V", first)
    assert bucket.get("y") == b"first" and bucket.metadata("y") == {"n": "1"}
    copy(store_cli, bucket, "x", "x", "-V", first)
    assert bucket.get("x") == b"first" and head(store_cli, bucket, "x")["version_id"] != first


# ---- in parts


def test_copy_in_parts(store_cli, bucket):
    body = os.urandom(20 * MIB + 12345)
    store_cli.ok("-t", "text/x-test", *metadata_flags(UNICODE), "-H", "cache_control=no-cache", "-G", "a=1&b=%C3%BC",
                 "put", bucket.url(), "large", "-", env=bucket.env, stdin=body)
    copy(store_cli, bucket, "copy", "large", "-M", MIB, "-P", 5 * MIB)
    assert hashlib.sha256(bucket.get("copy")).digest() == hashlib.sha256(body).digest()
    seen = head(store_cli, bucket, "copy")
    assert seen["etag"].endswith("-5") and seen["size"] == len(body)
    assert seen["metadata"] == UNICODE and seen["content_type"] == "text/x-test" and seen["cache_control"] == "no-cache"
    assert tags_of(bucket, "copy") == {"a": "1", "b": "ü"}
    assert multipart_of(bucket, "copy") == []


def test_copy_in_parts_under_conditions(store_cli, s3):
    s3.put("large", os.urandom(11 * MIB))
    s3.put("there", b"other")
    parts = ("-M", MIB, "-P", 5 * MIB)
    store_cli.fails(1, "-i", *parts, "cp", s3.url(), "there", s3.url(), "large", env=s3.env, says=["exists"])
    assert s3.get("there") == b"other" and multipart_of(s3, "there") == []
    copy(store_cli, s3, "new", "large", "-i", *parts)
    assert s3.get("new") == s3.get("large")


# ---- tags


def test_tags(store_cli, bucket):
    bucket.put("x", b"hello")
    assert store_cli.ok("tags", bucket.url(), "x", env=bucket.env) == b"\n"
    store_cli.ok("tags", bucket.url(), "x", "z=&ü=1+2&a=%40%3D%2F", env=bucket.env)
    assert tags_of(bucket, "x") == {"a": "@=/", "z": "", "ü": "1 2"}
    assert store_cli.ok("tags", bucket.url(), "x", env=bucket.env) == b"a=%40%3D%2F&z=&%C3%BC=1%202\n"
    store_cli.fails(6, "tags", bucket.url(), "nothing", env=bucket.env, says=["not_found"])


def test_tags_taken_away(store_cli, s3):
    """moto breaks down at an empty set."""
    s3.put("x", b"hello", Tagging="a=1")
    store_cli.ok("tags", s3.url(), "x", "", env=s3.env)
    assert tags_of(s3, "x") == {}


# ---- directories


def test_directories(store_cli, directory):
    """Copies, headers and conditions are there too; tags are not."""
    store_cli.ok("-t", "text/x-test", "-m", "n=Zürich", "-H", "cache_control=no-cache", "-H", "expires=never",
                 "put", directory.url(), "a/b", "-", stdin=b"x" * 3_000_000)
    store_cli.ok("cp", directory.url(), "c/d", directory.url(), "a/b")
    assert directory.get("c/d") == b"x" * 3_000_000
    seen = json.loads(store_cli.ok("head", directory.url(), "c/d"))
    assert seen["metadata"] == {"n": "Zürich"} and seen["content_type"] == "text/x-test"
    assert seen["cache_control"] == "no-cache" and seen["expires"] == "never"
    store_cli.fails(1, "-i", "cp", directory.url(), "c/d", directory.url(), "a/b", says=["exists"])
    store_cli.fails(1, "-u", "other", "put", directory.url(), "c/d", "-", says=["changed"])
    store_cli.ok("-u", seen["etag"], "put", directory.url(), "c/d", "-", stdin=b"new")
    assert directory.get("c/d") == b"new"
    store_cli.fails(2, "tags", directory.url(), "c/d", says=["unsupported"])
