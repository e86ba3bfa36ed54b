"""quern copy: objects with their metadata from place to place; nothing is ever deleted (shared/spec/impresso.md 5, commands.md 7)."""

import bz2
import hashlib
import json
import os
import pathlib
import random
import re
import shlex
import signal
import subprocess
import time

import pytest
import scripted_server as answers
from json_output import checked
from places import Bucket
from program import ROOT
from servers import Moto
from test_readme import examples, matches
from test_readme import run as run_example
from test_transfer import FakeBucket

HEADERS = {
    "ContentType": "application/x-bzip2",
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="a.bz2"',
    "ContentLanguage": "de",
    "ContentEncoding": "bzip2",
}


@pytest.fixture
def two(moto_session):
    """Two empty buckets of one server."""
    pair = [Bucket(moto_session, f"copy-{side}") for side in ("from", "to")]
    for place in pair:
        place.client.create_bucket(Bucket=place.name)
    yield pair
    for place in pair:
        for key in place.keys():
            place.delete(key)
        place.client.delete_bucket(Bucket=place.name)
    moto_session.check_alive()


@pytest.fixture
def other_service(tmp_path):
    """A bucket on another server."""
    with Moto(tmp_path / "other") as server:
        place = Bucket(server, "elsewhere")
        place.client.create_bucket(Bucket=place.name)
        yield place


def copy(quern, source, target, *flags, env=None, **options):
    return quern("copy", source, target, *flags, env=env, **options)


def summary(result):
    return result.json_lines[-1]


def counts(quern, source, target, *flags, env, status=0):
    """done, skipped and failed of a run."""
    result = copy(quern, source, target, *flags, "--json", env=env)
    assert result.status == status, result.stderr
    last = summary(result)
    return tuple(last[name] for name in ("done", "skipped", "failed")), result


def head(place, key):
    return place.client.head_object(Bucket=place.name, Key=key)


def described(place, key):
    """What an object carries: headers, metadata, tags, content."""
    about = head(place, key)
    tags = place.client.get_object_tagging(Bucket=place.name, Key=key)["TagSet"]
    fields = {name: about.get(name) for name in (*HEADERS, "Metadata", "StorageClass", "ExpiresString")}
    fields["StorageClass"] = fields["StorageClass"] or "STANDARD"
    return fields | {"tags": sorted((tag["Key"], tag["Value"]) for tag in tags), "body": place.get(key)}


def fill(place, count=5, prefix="in/"):
    for n in range(count):
        place.put(f"{prefix}{n:03}.jsonl.bz2", b"%d" % n * (n + 1), {"impresso-last-ts": f"20{n:02}", "mtime": f"17{n}.5"},
                  Tagging="a=1&b=x%20y", **HEADERS)


def test_bucket_to_bucket_keeps_everything_and_again_does_nothing(quern, two):
    source, target = two
    fill(source)
    done, _ = counts(quern, source.url("in/"), target.url("out/"), env=source.env)
    assert done == (5, 0, 0)
    for n in range(5):
        assert described(target, f"out/{n:03}.jsonl.bz2") == described(source, f"in/{n:03}.jsonl.bz2")
    before = {key: head(target, key)["LastModified"] for key in target.keys()}
    done, _ = counts(quern, source.url("in"), target.url("out"), env=source.env)
    assert done == (0, 5, 0)
    assert before == {key: head(target, key)["LastModified"] for key in target.keys()}
    assert len(source.keys()) == 5


def test_i19_excludes_as_rclone(quern, two):
    source, target = two
    for key in ("a.json", "x/b.json", "c.jsonl.bz2", "d.json.bz2", "e.JSON", "f/"):
        source.put(key, b"" if key == "f/" else key.encode())
    result = copy(quern, "--progress", "--metadata", "--exclude=*.json", source.url(), target.url(), env=source.env)
    assert result.status == 0, result.stderr
    assert target.keys() == ["c.jsonl.bz2", "d.json.bz2", "e.JSON"]


def test_i20_metadata_that_came_later(quern, two):
    source, target = two
    source.put("k", b"x" * 100, {"foo": "1"}, **HEADERS)
    for mode in ("verbatim", "rclone"):
        assert copy(quern, source.url(), target.url(mode), "--metadata-mode", mode, env=source.env).status == 0
    source.client.copy_object(Bucket=source.name, Key="k", CopySource={"Bucket": source.name, "Key": "k"},
                              MetadataDirective="REPLACE", Metadata={"foo": "1", "impresso-last-ts": "2024"}, **HEADERS)
    done, result = counts(quern, source.url(), target.url("verbatim"), env=source.env)
    assert done == (1, 0, 0) and result.summary["requests"] <= 10
    assert described(target, "verbatim/k") == described(source, "k")
    assert copy(quern, source.url(), target.url("rclone"), "--metadata-mode", "rclone", env=source.env).status == 0
    assert "impresso-last-ts" not in target.metadata("rclone/k")
    assert counts(quern, source.url(), target.url("verbatim"), "--no-sync-metadata", env=source.env)[0] == (0, 1, 0)


def test_i21_metadata_as_rclone_writes_them(quern, two):
    source, target = two
    source.put("k", b"x", {"mtime": "1709577450.524", "md5chksum": "nEyRR2Hd0sXuT5zXWp2Hfg==", "foo": "bar"}, **HEADERS)
    assert copy(quern, source.url(), target.url(), "--metadata-mode", "rclone", env=source.env).status == 0
    btime = head(source, "k")["LastModified"].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert target.metadata("k") == {"mtime": "1709577450.524", "foo": "bar", "btime": btime}
    assert {name: head(target, "k")[name] for name in HEADERS} == HEADERS
    source.put("l", b"y")
    assert copy(quern, source.url(), target.url(), "--metadata-mode", "rclone", env=source.env).status == 0
    modified = head(source, "l")["LastModified"]
    assert target.metadata("l")["mtime"] == str(int(modified.timestamp()))


def test_without_metadata_the_content_can_still_be_read(quern, two):
    source, target = two
    source.put("k", b"x", {"foo": "bar"}, Tagging="a=1", **HEADERS)
    assert copy(quern, source.url(), target.url(), "--no-metadata", env=source.env).status == 0
    about = described(target, "k")
    assert about["Metadata"] == {} and about["tags"] == [] and {name: about[name] for name in HEADERS} == HEADERS


def test_one_object_and_its_name(quern, two):
    source, target = two
    source.put("a/b", b"one")
    source.put("a/b/c", b"below")
    source.put("a/bc", b"beside")
    assert copy(quern, source.url("a/b"), target.url("x"), env=source.env).status == 0
    assert target.keys() == ["x/b"]
    assert copy(quern, source.url("a/b/"), target.url("y"), env=source.env).status == 0
    assert target.keys("y") == ["y/c"]
    assert copy(quern, source.url("nothing"), target.url(), env=source.env).status == 6


def test_other_content_is_replaced_and_nothing_deleted(quern, two):
    source, target = two
    source.put("same-size", b"new")
    source.put("size", b"longer")
    target.put("same-size", b"old")
    target.put("size", b"x")
    target.put("own", b"stays")
    done, _ = counts(quern, source.url(), target.url(), env=source.env)
    assert done == (2, 0, 0)
    assert {key: target.get(key) for key in target.keys()} == {"own": b"stays", "same-size": b"new", "size": b"longer"}


def test_dry_run_says_what_differs(quern, two):
    source, target = two
    source.put("new", b"1", {"foo": "a"})
    source.put("meta", b"2", {"foo": "after"})
    target.put("meta", b"2", {"foo": "before", "old": "x"})
    for place, value in (source, "new"), (target, "old"):
        place.put("tags", b"3", {}, Tagging=f"a={value}")
    result = copy(quern, source.url(), target.url(), "--dry-run", "--differences", env=source.env)
    assert result.status == 0, result.stderr
    rows = [line.split("\t") for line in result.lines]
    assert rows[0] == ["KEY", "CHANGE", "BEFORE -> AFTER"]
    assert sorted(rows[1:])[0] == ["meta", "only its metadata differ", "foo 'before' -> 'after', old 'x' -> none"]
    assert sorted(rows[1:])[1][:2] == ["new", "it is not there"] and "foo none -> 'a'" in sorted(rows[1:])[1][2]
    assert ["tags", "only its metadata differ", "tags 'a=old' -> 'a=new'"] in rows
    assert target.keys() == ["meta", "tags"] and target.metadata("meta") == {"foo": "before", "old": "x"}
    assert copy(quern, source.url(), target.url(), "--differences", env=source.env).status == 2


def rows_of(result):
    """The table of --differences, without its head."""
    assert result.status == 0, result.stderr
    return [line.split("\t") for line in result.lines][1:]


@pytest.mark.parametrize("workers", [1, 7, 64])
def test_rows_come_in_the_order_of_keys_and_equal_reasons_are_one(quern, two, workers):
    source, target = two
    for n in range(60):
        source.put(f"{n:03}", b"1" * n, {"foo": f"after {n}"})
        if n % 2:  # one more request, so that they end behind their neighbours
            target.put(f"{n:03}", b"1" * n, {"foo": f"before {n}"})
    result = copy(quern, source.url(), target.url(), "--dry-run", "--differences", "--workers", workers,
                  "--report-file", "items.jsonl", env=source.env)
    rows = rows_of(result)
    assert [row[0] for row in rows] == [f"{n:03}" for n in range(60)]
    assert rows[31][1:] == ["only its metadata differ", "foo 'before 31' -> 'after 31'"]
    assert "skipped 30: would be copied (dry run): it is not there\n" in result.stderr
    assert "skipped 30: would get the source's metadata (dry run): only its metadata differ\n" in result.stderr
    items = [json.loads(line) for line in (quern.directory / "items.jsonl").read_text().splitlines()]
    assert [(item["key"], item["details"]) for item in items] == [(row[0], row[2]) for row in rows]


def test_a_dry_run_promises_nothing_that_is_refused(quern, two, tmp_path):
    source, target = two
    for key in "good", "a/../b", "c//d":
        source.put(key, b"1")
    for flags in ["--dry-run"], ["--dry-run", "--differences"], []:
        result = copy(quern, source.url(), tmp_path / "local", *flags, env=source.env).expect(1, "'a/../b'", "'c//d'", "--escape-names")
        assert "2 failed" in result.stderr
    assert [path.name for path in (tmp_path / "local").rglob("*")] == ["good"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "k").write_text("1")
    os.setxattr(tmp_path / "other" / "k", "user.quern.meta.long", b"x" * 2045)
    for flags in ["--dry-run"], []:
        copy(quern, tmp_path / "other", target.url(), *flags, env=target.env).expect(1, "2049 bytes", "2048 are allowed")
    assert target.keys() == []


def test_rewritten_metadata_leave_old_versions_and_a_line_in_the_journal(quern, two):
    source, target = two
    versions = Bucket(target.server, "copy-versions")
    versions.client.create_bucket(Bucket=versions.name)
    versions.client.put_bucket_versioning(Bucket=versions.name, VersioningConfiguration={"Status": "Enabled"})
    source.put("new", b"1")
    for place, value in (source, "after"), (versions, "before"):
        place.put("meta", b"content", {"foo": value})
    for flags, told in (["--dry-run"], "1 objects would be rewritten"), ([], "1 objects were rewritten"):
        result = copy(quern, source.url(), versions.url(), "--json", *flags, env=source.env)
        (warning,) = [line["message"] for line in result.expect(0).json_lines if line["type"] == "warning"]
        assert warning.startswith(f"'s3://copy-versions/' keeps versions: {told}") and warning.endswith("7 B in all")
    lines = [json.loads(line) for line in pathlib.Path(summary(result)["journal"]).read_text().splitlines()]
    etag = head(source, "meta")["ETag"].strip('"')
    assert [line for line in lines if line["type"] == "rewrite"] == [
        {"type": "rewrite", "key": "meta", "etag_before": etag, "result": "done"}]
    assert "keeps versions" not in copy(quern, source.url(), versions.url(), env=source.env).expect(0).stderr
    for version in versions.client.list_object_versions(Bucket=versions.name)["Versions"]:
        versions.client.delete_object(Bucket=versions.name, Key=version["Key"], VersionId=version["VersionId"])
    versions.client.delete_bucket(Bucket=versions.name)


@pytest.mark.parametrize("mode, after", [("verbatim", "'a=new'"), ("rclone", "'a=new'"), ("none", "none")])
def test_tags_that_a_copy_would_change_are_shown(quern, two, mode, after):
    source, target = two
    source.put("other", b"content", Tagging="a=new")
    target.put("other", b"contents", Tagging="a=old")
    source.put("absent", b"content", Tagging="a=new")
    result = copy(quern, source.url(), target.url(), "--dry-run", "--differences", "--metadata-mode", mode, env=source.env)
    rows = {row[0]: row[2] if row[2:] else "" for row in rows_of(result)}
    assert f"tags 'a=old' -> {after}" in rows["other"]
    assert (f"tags none -> {after}" in rows["absent"]) == (after != "none")
    copy(quern, source.url(), target.url(), "--metadata-mode", mode, env=source.env).expect(0)
    tags = target.client.get_object_tagging(Bucket=target.name, Key="other")["TagSet"]
    assert [(tag["Key"], tag["Value"]) for tag in tags] == ([] if mode == "none" else [("a", "new")])


def test_objects_without_required_metadata_are_listed(quern, two):
    source, target = two
    source.put("good", b"1", {"impresso-last-ts": "2020"})
    source.put("bad", b"2")
    result = copy(quern, source.url(), target.url(), "--require-metadata", "impresso-last-ts", env=source.env)
    assert result.status == 7 and "bad" in result.stderr and "impresso-last-ts" in result.stderr
    assert target.keys() == ["good"]


@pytest.mark.parametrize("verify", ["none", "size", "etag", "checksum"])
def test_every_way_to_check(quern, two, verify):
    source, target = two
    fill(source, 2)
    assert counts(quern, source.url("in/"), target.url(), "--verify", verify, env=source.env)[0] == (2, 0, 0)


def test_a_directory_and_back(quern, two, tmp_path):
    source, target = two
    fill(source)
    source.put("in/big", random.Random(1).randbytes(12 << 20), {"foo": "1"})
    local = tmp_path / "there"
    for verify in ("size", "checksum"):
        done, _ = counts(quern, source.url("in/"), str(local), "--verify", verify, env=source.env)
        assert done == ((6, 0, 0) if verify == "size" else (0, 6, 0))
    assert (local / "big").read_bytes() == source.get("in/big")
    done, _ = counts(quern, str(local), target.url("back/"), "--verify", "checksum", env=source.env)
    assert done == (6, 0, 0)
    for key in source.keys("in/"):
        old, new = described(source, key), described(target, key.replace("in/", "back/"))
        assert new | {"tags": None} == old | {"tags": None}  # a directory has no tags
    assert counts(quern, str(local), target.url("back/"), env=source.env)[0] == (0, 6, 0)
    other = tmp_path / "elsewhere"
    assert counts(quern, str(local), str(other), env={})[0] == (6, 0, 0)
    assert counts(quern, str(local), str(other), env={})[0] == (0, 6, 0)


def test_to_another_endpoint(quern, two, other_service):
    source, _ = two
    fill(source)
    source.put("in/big", random.Random(2).randbytes(12 << 20), {"foo": "1"}, Tagging="t=1")
    flags = ("--dest-endpoint-url", other_service.server.url)
    done, _ = counts(quern, source.url("in/"), other_service.url("out/"), *flags, env=source.env)
    assert done == (6, 0, 0)
    for key in source.keys("in/"):
        assert described(other_service, key.replace("in/", "out/")) == described(source, key)
    assert counts(quern, source.url("in/"), other_service.url("out/"), *flags, env=source.env)[0] == (0, 6, 0)


def test_runs_to_one_name_on_two_services_do_not_lock_each_other(quern, two, other_service):
    """The journal, which is the lock, is that of the endpoint too."""
    source, _ = two
    source.put("k", b"1")
    there = f"s3://{other_service.name}/"
    source.client.create_bucket(Bucket=other_service.name)
    flags = ("--json", "--dest-endpoint-url")
    journals = [summary(copy(quern, source.url(), there, *flags, place.server.url, env=source.env))["journal"] for place in (source, other_service)]
    assert journals[0] != journals[1]
    assert summary(copy(quern, source.url(), there, "--json", env=source.env))["journal"] == journals[0]


def test_the_same_endpoint_named_twice_is_one(quern, two):
    source, _ = two
    source.put("k", b"1")
    result = copy(quern, source.url(), source.url(), "--dest-endpoint-url", source.server.url, env=source.env)
    assert result.status == 2 and "same place" in result.stderr


def test_wrong_credentials_for_the_destination(quern, versitygw_session, two):
    source, _ = two
    fill(source, 1)
    keys = {"QUERN_DEST_AWS_ACCESS_KEY_ID": "nobody", "QUERN_DEST_AWS_SECRET_ACCESS_KEY": "nothing"}
    result = copy(quern, source.url("in/"), "s3://there/", "--dest-endpoint-url", versitygw_session.url, env=source.env | keys)
    assert result.status == 4 and "s3://there/" in result.stderr, result.stderr


def test_other_credentials_and_another_endpoint(quern, versitygw, s3, two):
    """Large objects pass through this machine in windows, and arrive as they were."""
    source, _ = two
    fill(source, 2)
    source.put("in/big", random.Random(3).randbytes(50 << 20), {"foo": "1"}, **HEADERS)
    keys = {"QUERN_DEST_AWS_ACCESS_KEY_ID": "quern", "QUERN_DEST_AWS_SECRET_ACCESS_KEY": "quernsecret"}
    env = source.env | {"AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "other"} | keys
    flags = ("--dest-endpoint-url", versitygw.url, "--verify", "checksum")
    assert counts(quern, source.url("in/"), s3.url(), *flags, env=env)[0] == (3, 0, 0)
    for key in source.keys("in/"):
        assert described(s3, key.removeprefix("in/")) == described(source, key)
    assert counts(quern, source.url("in/"), s3.url(), *flags, env=env)[0] == (0, 3, 0)


def test_a_server_that_forgets_nothing(quern, versitygw_session):
    pair = [Bucket(versitygw_session, f"copy-vgw-{side}") for side in ("from", "to")]
    for place in pair:
        place.client.create_bucket(Bucket=place.name)
    source, target = pair
    fill(source, 3)
    assert counts(quern, source.url("in/"), target.url(), env=source.env)[0] == (3, 0, 0)
    for n in range(3):
        assert described(target, f"{n:03}.jsonl.bz2") == described(source, f"in/{n:03}.jsonl.bz2")
    assert counts(quern, source.url("in/"), target.url(), env=source.env)[0] == (0, 3, 0)


def test_an_object_in_parts(quern, s3):
    source = target = s3
    upload = source.client.create_multipart_upload(Bucket=source.name, Key="p", Metadata={"foo": "1"}, **HEADERS)["UploadId"]
    parts = []
    for n, body in enumerate((b"a" * (5 << 20), b"b" * 1000), 1):
        etag = source.client.upload_part(Bucket=source.name, Key="p", UploadId=upload, PartNumber=n, Body=body)["ETag"]
        parts.append({"PartNumber": n, "ETag": etag})
    source.client.complete_multipart_upload(Bucket=source.name, Key="p", UploadId=upload, MultipartUpload={"Parts": parts})
    for place, flags in (("whole/", ()), ("parts/", ("--multipart-copy-from", "1MiB"))):
        assert counts(quern, source.url("p"), target.url(place), *flags, env=source.env)[0] == (1, 0, 0)
        assert described(target, place + "p") == described(source, "p")
        assert counts(quern, source.url("p"), target.url(place), *flags, env=source.env)[0] == (0, 1, 0)


def test_provider_in_the_same_pass(quern, two):
    source, target = two
    for key in ("v1/EXP/EXP-1900.jsonl.bz2", "v1/SNL/IMP/IMP-1901.jsonl.bz2", "v1/notes.md"):
        source.put(key, key.encode(), {"impresso-last-ts": "2020"})
    flags = ("--add-provider",)
    for again in range(2):
        done, _ = counts(quern, source.url("v1"), target.url("v2"), *flags, env=source.env)
        assert done == ((0, 3, 0) if again else (3, 0, 0))
    assert target.keys() == ["v2/SNL/EXP/EXP-1900.jsonl.bz2", "v2/SNL/IMP/IMP-1901.jsonl.bz2", "v2/notes.md"]
    source.put("v1/XXNOBODY/XXNOBODY-1900.jsonl.bz2", b"1")
    result = copy(quern, source.url("v1"), target.url("v2"), *flags, env=source.env)
    assert result.status == 1 and "XXNOBODY" in result.stderr


def test_the_destination_below_the_source(quern, two):
    source, _ = two
    source.put("a", b"1")
    for _ in range(2):
        assert copy(quern, source.url(), source.url("below"), env=source.env).status == 0
    assert source.keys() == ["a", "below/a"]
    result = copy(quern, source.url("below/"), source.url("below"), env=source.env)
    assert result.status == 2 and "same place" in result.stderr


def test_a_bucket_that_is_missing(quern, two):
    _, target = two
    result = copy(quern, "s3://there-is-no-such-bucket/", target.url(), env=target.env)
    assert result.status == 6 and "NoSuchBucket" in result.stderr, result.stderr
    assert "looked at before" not in result.stderr and "list 's3://there-is-no-such-bucket/'" in result.stderr
    for flags in [], ["--dry-run"]:
        copy(quern, target.url(), "s3://there-is-no-such-bucket/", *flags, env=target.env).expect(6, "nothing can be written to")


def test_usage(quern, two):
    quern("copy", two[0].url("v1"), env=two[0].env).expect(2, "quern: DEST is required")
    quern("copy", env=two[0].env).expect(2, "SOURCE and DEST are required")
    source, target = two
    for flags in (("--compare", "weight"), ("--provider-map", "x"), ("--add-provider", "--provider-map", "/nowhere")):
        assert copy(quern, source.url(), target.url(), *flags, env=source.env).status != 0
    assert quern("copy", source.url(), env=source.env).status == 2


KILLS = int(os.environ.get("QUERN_COPY_KILLS", "20"))


@pytest.fixture
def two_fast(versitygw):
    """As `two`, on the faster server."""
    pair = [Bucket(versitygw, f"killed-{side}") for side in ("from", "to")]
    for place in pair:
        place.client.create_bucket(Bucket=place.name)
    return pair


def whole(place, key):
    found = place.client.get_object(Bucket=place.name, Key=key)
    return found["Body"].read(), found["Metadata"]


def test_killed_and_run_again(quern, two_fast):
    """At any moment: what is there is whole, and in the end all is there with its metadata."""
    source, target = two_fast
    chance = random.Random(seed := int(os.environ.get("QUERN_SEED", "5")))
    wanted = {f"out/{n:03}": (b"%d" % n * 1000, {"n": str(n)}) for n in range(150)}
    for key, (body, metadata) in wanted.items():
        source.put(key.replace("out/", "in/"), body, metadata)
    kills = in_the_middle = 0
    while kills < KILLS:
        for key in target.keys():
            target.delete(key)
        command = ("copy", source.url("in/"), target.url("out/"), "--workers=2", *chance.choice([(), ("--verify=checksum",)]))
        for _ in range(10):
            running = quern.start(*command, env=source.env)
            time.sleep(chance.uniform(0.02, 0.4))
            was_running = running.is_running
            running.kill()
            running.wait()
            kills += was_running
            found = target.keys()
            in_the_middle += was_running and 0 < len(found) < len(wanted)
            for key in chance.sample(found, min(3, len(found))):
                assert whole(target, key) == wanted[key], f"seed {seed}: half of '{key}'"
            if not was_running or kills == KILLS:
                break
        quern.ok(*command, env=source.env)
        assert {key: whole(target, key) for key in target.keys()} == wanted, f"seed {seed}"
    assert in_the_middle > 0, f"seed {seed}: each of {kills} came before the first copy or after the last"
    assert source.keys() == [key.replace("out/", "in/") for key in wanted]
    assert counts(quern, source.url("in/"), target.url("out/"), env=source.env)[0] == (0, len(wanted), 0)


# ---- trouble

ETAG = '"0123456789abcdef0123456789abcdef"'


def listed(*keys):
    rows = "".join(f"<Contents><Key>{key}</Key><Size>3</Size><ETag>{ETAG}</ETag>"
                   f"<LastModified>2024-01-02T03:04:05.000Z</LastModified></Contents>" for key in keys)
    return answers.ok(answers.xml(f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"),
                      headers={"Content-Type": "application/xml"})


NOTHING_SET = {"website": "NoSuchWebsiteConfiguration", "object-lock": "ObjectLockConfigurationNotFoundError",
               "encryption": "ServerSideEncryptionConfigurationNotFoundError"}


def bucket(*keys, **settings):
    """Its listing, and what it says of its settings: nothing is set but what is given (`object_lock` for "object-lock")."""

    def answer(request):
        for name, code in NOTHING_SET.items():
            if name in request.query:
                return settings.get(name.replace("-", "_")) or answers.s3_error(code, "nothing is set", 404)
        return listed(*keys)

    return answer


def about(etag=ETAG, **extra):
    return answers.Answer(status=200, length=3, headers={"ETag": etag, "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT", **extra})


def copy_scripted(quern, scripted, *flags):
    scripted.on("GET", "/a", bucket("k"))
    scripted.on("GET", "/b", bucket())
    return copy(quern, "s3://a/", "s3://b/", *flags, env=scripted.env)


def test_an_error_in_an_answer_of_200(quern, scripted):
    scripted.on("HEAD", "/a/k", about())
    body = answers.xml("<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
    scripted.on("PUT", "/b/k", answers.ok(body, headers={"Content-Type": "application/xml"}))
    result = copy_scripted(quern, scripted)
    assert result.status in (1, 4) and "AccessDenied" in result.stderr, result.stderr


def test_a_source_that_changed_after_the_listing(quern, scripted):
    scripted.on("HEAD", "/a/k", about(ETAG.replace("0", "f")))
    result = copy_scripted(quern, scripted)
    assert result.status == 1 and "run again" in result.stderr, result.stderr
    assert not scripted.sent("PUT", "/b/k")


def test_a_copy_that_is_cut_short(quern, scripted):
    scripted.on("HEAD", "/a/k", about())
    done = answers.xml(f"<CopyObjectResult><ETag>{ETAG}</ETag></CopyObjectResult>")
    scripted.on("PUT", "/b/k", answers.ok(done, headers={"Content-Type": "application/xml"}))
    short = about()
    short.length = 2
    scripted.on("HEAD", "/b/k", short)
    result = copy_scripted(quern, scripted)
    assert result.status == 1 and "has 2 bytes" in result.stderr, result.stderr
    (put,) = scripted.sent("PUT", "/b/k")
    assert put.headers["x-amz-copy-source-if-match"] == ETAG and put.headers["x-amz-metadata-directive"] == "COPY"


def copied(etag=ETAG):
    return answers.ok(answers.xml(f"<CopyObjectResult><ETag>{etag}</ETag></CopyObjectResult>"), headers={"Content-Type": "application/xml"})


def test_what_the_servers_copy_loses_is_given_to_it(quern, scripted):
    """A server whose copies are without metadata: the first copies are compared, and made again with everything."""
    stamped = {"x-amz-meta-impresso-last-ts": "2024", "Cache-Control": "no-cache"}
    scripted.on("HEAD", "/a/k", about(**stamped))
    scripted.on("PUT", "/b/k", copied())
    scripted.on("HEAD", "/b/k", about())
    result = copy_scripted(quern, scripted)
    assert result.status == 0 and "lose" in result.stderr, result.stderr
    first, second = scripted.sent("PUT", "/b/k")
    assert first.headers["x-amz-metadata-directive"] == "COPY" and second.headers["x-amz-metadata-directive"] == "REPLACE"
    assert second.headers["x-amz-meta-impresso-last-ts"] == "2024" and second.headers["cache-control"] == "no-cache"
    assert second.headers["if-match"] == ETAG == second.headers["x-amz-copy-source-if-match"]


def test_settings_that_no_copy_keeps_are_given_with_it(quern, scripted):
    scripted.on("HEAD", "/a/k", about(**{"x-amz-website-redirect-location": "/elsewhere"}))
    scripted.on("PUT", "/b/k", copied())
    assert copy_scripted(quern, scripted).status == 0
    (put,) = scripted.sent("PUT", "/b/k")
    assert put.headers["x-amz-website-redirect-location"] == "/elsewhere" and put.headers["x-amz-metadata-directive"] == "COPY"


def test_an_answer_with_another_etag_is_looked_at(quern, scripted):
    """It may be encrypted otherwise, or of several parts: then size is what is compared."""
    names = [f"{n:03}" for n in range(40)]
    other = ETAG.replace("0", "e")
    scripted.on("GET", "/a", bucket(*names))
    scripted.on("GET", "/b", bucket())
    for name in names:
        scripted.on("HEAD", f"/a/{name}", about())
        body = answers.xml(f"<CopyObjectResult><ETag>{other}</ETag></CopyObjectResult>")
        scripted.on("PUT", f"/b/{name}", answers.ok(body, headers={"Content-Type": "application/xml"}))
        scripted.on("HEAD", f"/b/{name}", about(other))
    assert copy(quern, "s3://a/", "s3://b/", "--workers", "1", env=scripted.env).status == 0
    assert len(scripted.sent("HEAD", "/a/035")) == 1 == len(scripted.sent("HEAD", "/b/035"))


@pytest.mark.parametrize("code, status", [("InternalError", 500), ("ServiceUnavailable", 503)])
@pytest.mark.parametrize("method, path", [("HEAD", "/a/bad"), ("PUT", "/b/bad")])
def test_one_that_is_tried_again_holds_up_nobody(quern, scripted, method, path, code, status):
    """It and many good ones take turns on one thread: its waits are its own."""
    names = ["bad", *(f"good-{n:03}" for n in range(200))]
    scripted.on("GET", "/a", bucket(*names))
    scripted.on("GET", "/b", bucket())
    scripted.on("HEAD", re.compile("^/[ab]/"), about())
    scripted.on("PUT", re.compile("^/b/"), copied())
    bad = answers.s3_error(code, "try again", status, delay=0.1)
    scripted.on(method, path, bad, bad, bad, bad, about() if method == "HEAD" else copied())
    assert copy(quern, "s3://a/", "s3://b/", "--workers", "8", env=scripted.env).status == 0
    tries = scripted.sent(method, path)
    assert len(tries) == 5
    puts = scripted.sent("PUT")
    assert {put.path.removeprefix("/b/") for put in puts} == set(names)
    good = [put.time for put in puts if put.path != "/b/bad"]
    assert max(good) - min(good) < tries[-1].time - tries[0].time and max(good) < tries[-1].time


def xml_document(text):
    return answers.ok(answers.xml(text), headers={"Content-Type": "application/xml"})


def sse(algorithm):
    by_default = f"<ApplyServerSideEncryptionByDefault><SSEAlgorithm>{algorithm}</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
    return xml_document(f"<ServerSideEncryptionConfiguration><Rule>{by_default}</Rule></ServerSideEncryptionConfiguration>")


WEBSITE = xml_document("<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>")
LOCK = xml_document("<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>")
UNLOCKED = xml_document("<ObjectLockConfiguration></ObjectLockConfiguration>")
DENIED = answers.s3_error("AccessDenied", "no", 403)
MISSING_THERE = answers.s3_error("NotImplemented", "no such thing", 501)
LONE = "050"  # beyond the first, and none of the sample
REDIRECT = {"x-amz-website-redirect-location": "/elsewhere"}
LOCKED = {"x-amz-object-lock-legal-hold": "ON"}
BY_KMS = {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "key"}


def copy_lone(quern, scripted, carries, source=None, target=None, etag=ETAG, flags=()):
    """100 objects, of which one carries something; gives the copies that were made of it, and how many sources were looked at."""
    names = [f"{n:03}" for n in range(100)]
    scripted.on("GET", "/a", bucket(*names, **(source or {})))
    scripted.on("GET", "/b", bucket(**(target or {})))
    for name in names:
        scripted.on("HEAD", f"/a/{name}", about(**(carries if name == LONE else {})))
        scripted.on("PUT", f"/b/{name}", copied(etag if name == LONE else ETAG))
        scripted.on("HEAD", f"/b/{name}", about(etag if name == LONE else ETAG))
    result = copy(quern, "s3://a/", "s3://b/", "--workers", "1", *flags, env=scripted.env)
    assert result.status == 0, result.stderr
    return scripted.sent("PUT", f"/b/{LONE}"), len(scripted.sent("HEAD", "/a/002"))


@pytest.mark.parametrize("carries, source", [(REDIRECT, {"website": WEBSITE}), (LOCKED, {"object_lock": LOCK}), (BY_KMS, {"encryption": sse("aws:kms")}),
                                             (REDIRECT, {"website": DENIED}), (LOCKED, {"object_lock": DENIED}),
                                             (BY_KMS, {"encryption": sse("aws:kms:dsse")}), (REDIRECT, {"website": listed()})],
                         ids=["website", "lock", "kms", "website untold", "lock untold", "dsse", "another answer"])
def test_a_lone_setting_is_not_lost(quern, scripted, carries, source):
    """The listing does not tell of it, nor would a sample: the buckets are asked whether their objects may have such."""
    (put,), _ = copy_lone(quern, scripted, carries, source)
    for name, value in carries.items():
        assert put.headers.get(name) == value


def test_a_bucket_that_encrypts_its_copies(quern, scripted):
    _, looked_at = copy_lone(quern, scripted, {}, target={"encryption": sse("aws:kms")})
    assert looked_at


def test_a_lone_kms_key_shows_in_the_etag_of_its_copy(quern, scripted):
    """The bucket does not say that this one object was written with a key."""
    puts, _ = copy_lone(quern, scripted, BY_KMS, etag=ETAG.replace("0", "e"))
    assert len(puts) == 2 and puts[1].headers["x-amz-server-side-encryption-aws-kms-key-id"] == "key"


@pytest.mark.parametrize("settings", [{}, {"website": MISSING_THERE, "object_lock": MISSING_THERE, "encryption": MISSING_THERE},
                                      {"object_lock": UNLOCKED, "encryption": sse("AES256")}], ids=["nothing", "not implemented", "aes256"])
def test_where_nothing_is_set_a_sample_is_enough(quern, scripted, settings):
    copy_lone(quern, scripted, {}, settings, settings)
    assert sum(len(scripted.sent("HEAD", f"/a/{n:03}")) for n in range(100)) == 33
    assert len(scripted.sent("GET", "/a")) == 4 and len(scripted.sent("GET", "/b")) == 3  # a check, a listing, the questions


def test_without_a_check_what_no_bucket_tells_is_not_asked_of_the_objects(quern, scripted):
    copy_lone(quern, scripted, {}, {"website": DENIED, "object_lock": DENIED}, flags=["--verify", "none"])
    assert not scripted.sent("HEAD", f"/a/{LONE}")


def test_a_plain_copy_is_one_request(quern, two):
    """The listings tell what is where; the answer proves the content. Only samples are looked at."""
    source, target = two
    for n in range(100):
        source.put(f"{n:03}", b"%d" % n, {"n": str(n)}, **HEADERS)
    result = copy(quern, source.url(), target.url(), "--json", env=source.env)
    assert result.status == 0 and summary(result)["requests"] <= 100 + 2 * 33 + 8, result.stdout
    for key in source.keys():
        assert described(target, key) == described(source, key)


def test_no_right_to_read_tags(quern, scripted, tmp_path, two):
    """Through this machine, tags must be asked for; what cannot be read is said, and nothing is written without it."""
    _, target = two
    scripted.on("HEAD", "/a/k", about(**{"x-amz-tagging-count": "2"}))
    scripted.on("GET", "/a", bucket("k"))
    scripted.on("GET", "/a/k", lambda request: answers.s3_error("AccessDenied", "no", 403) if "tagging" in request.query
                else answers.ok(b"abc", headers={"ETag": ETAG}))
    env = target.env | scripted.env
    result = copy(quern, "s3://a/", target.url(), "--dest-endpoint-url", target.server.url, env=env)
    assert result.status in (1, 4) and "GetObjectTagging" in result.stderr, result.stderr
    assert target.keys() == []


def test_a_row_of_tags_that_may_not_be_read_says_how_many_they_are(quern, scripted):
    scripted.on("HEAD", "/a/k", about(**{"x-amz-tagging-count": "2"}))
    scripted.on("GET", "/a", bucket("k"))
    scripted.on("GET", "/a/k", answers.s3_error("AccessDenied", "no", 403))
    result = copy_scripted(quern, scripted, "--dry-run", "--differences")
    assert rows_of(result) == [["k", "it is not there", "tags 0 -> 2, which may not be read"]]


@pytest.mark.parametrize("there, status", [("2", 0), ("1", 4)], ids=["as many", "fewer"])
def test_copies_whose_tags_may_not_be_read(quern, scripted, there, status):
    """Everything else is equal: a warning for the run, and nothing is written. Tags that are known to differ are no such case."""
    scripted.on("GET", "/a", bucket("k", "l"))
    scripted.on("GET", "/b", lambda request: bucket()(request) if "probe" in str(request.query) else bucket("k", "l")(request))
    for key in "kl":
        for side, count in ("a", "2"), ("b", there):
            scripted.on("HEAD", f"/{side}/{key}", about(**{"x-amz-tagging-count": count, "x-amz-meta-foo": "x"}))
            scripted.on("GET", f"/{side}/{key}", answers.s3_error("AccessDenied", "no", 403))
    result = copy(quern, "s3://a/", "s3://b/", env=scripted.env)
    assert result.status == status and "--no-sync-metadata" in result.stderr and "--metadata-mode" not in result.stderr, result.stderr
    assert status or result.stderr.count("Tags cannot be compared") == 1
    assert "PUT" not in [request.method for request in scripted.requests]
    assert copy(quern, "s3://a/", "s3://b/", "--no-sync-metadata", env=scripted.env).status == 0


@pytest.mark.release_only  # the address sanitizer keeps what was freed
def test_memory_is_kept_where_the_service_does_not_copy(quern, scripted):
    """The plan has counted no content then, and eight objects of 24 MiB would be on their way at once."""
    keys, body = [f"k{number}" for number in range(8)], bytes(24 << 20)
    entry = "".join(f"<Contents><Key>{key}</Key><Size>{len(body)}</Size><ETag>{ETAG}</ETag>"
                    f"<LastModified>2024-01-02T03:04:05.000Z</LastModified></Contents>" for key in keys)
    listing = answers.ok(answers.xml(f"<ListBucketResult><IsTruncated>false</IsTruncated>{entry}</ListBucketResult>"))
    scripted.on("GET", "/a", lambda request: bucket()(request) if "list-type" not in request.query else listing)
    scripted.on("GET", "/b", bucket())

    def window(request):
        first, last = map(int, re.search(r"bytes=(\d+)-(\d+)", request.headers["range"]).groups())
        last = min(last, len(body) - 1)
        return answers.Answer(status=206, body=body[first:last + 1], headers={
            "ETag": ETAG, "Content-Range": f"bytes {first}-{last}/{len(body)}"})

    def put(request):
        if "x-amz-copy-source" in request.headers:
            return answers.s3_error("NotImplemented", "no", 501)
        return answers.ok(b"", headers={"ETag": ETAG})

    for key in keys:
        for side in "ab":
            scripted.on("HEAD", f"/{side}/{key}", answers.Answer(status=200, length=len(body), headers={
                "ETag": ETAG, "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT"}))
        scripted.on("GET", f"/a/{key}", window)
        scripted.on("PUT", f"/b/{key}", put)
        scripted.on("POST", f"/b/{key}", lambda request: answers.ok(answers.xml(
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>" if "uploads" in request.query
            else f"<CompleteMultipartUploadResult><ETag>{ETAG}</ETag></CompleteMultipartUploadResult>")))
    result = copy(quern, "s3://a/", "s3://b/", "--memory", "32MiB", "--verify", "none", env=scripted.env)
    assert result.status == 0, result.stderr
    peak = float(re.search(r"memory: +([\d.]+) MiB at most", result.stderr)[1])
    assert peak < 100, peak


def test_what_goes_through_a_file_does_so_beside_the_other_copies(quern, scripted):
    """All copies within a service are of one thread, which a slow disk must not stop."""
    body = bytes(9 << 20)
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    scripted.on("GET", "/a", lambda request: bucket()(request) if "list-type" not in request.query else answers.ok(answers.xml(
        f"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>{len(body)}</Size><ETag>{etag}</ETag>"
        "<LastModified>2024-01-02T03:04:05.000Z</LastModified></Contents></ListBucketResult>")))
    scripted.on("GET", "/b", bucket())

    def piece(request):
        first, last = (int(text) for text in request.headers["range"].removeprefix("bytes=").split("-"))
        headers = {"ETag": etag, "Content-Range": f"bytes {first}-{last}/{len(body)}"}
        return answers.Answer(206, body[first:last + 1], headers, delay=1)

    for side in "ab":
        scripted.on("HEAD", f"/{side}/k", answers.Answer(status=200, length=len(body), headers={
            "ETag": etag, "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT"}))
    scripted.on("GET", "/a/k", piece)
    scripted.on("PUT", "/b/k", lambda request: answers.s3_error("NotImplemented", "no", 501) if "x-amz-copy-source" in request.headers
                else answers.ok(b"", headers={"ETag": etag}))
    running = quern.start("copy", "s3://a/", "s3://b/", "--verify", "none", env=scripted.env)
    running.wait_until(lambda: "copy-file" in running.threads())
    running.wait().expect(0)
    assert [request.body for request in scripted.sent("PUT", "/b/k")][-1] == body


def test_keys_are_redacted(quern, scripted, two):
    """The target's keys and what a run that could do nothing says at its end, too."""
    source, target = two
    source.put("in/secret", b"1")
    result = copy(quern, source.url("in"), target.url("out"), "--require-metadata", "x", "--redact-keys", env=source.env)
    assert result.status == 7 and "secret" not in result.stdout + result.stderr
    scripted.on("GET", "/a", bucket("in/secret"))
    scripted.on("GET", "/b", bucket())
    scripted.on("HEAD", "/a/in/secret", about())
    scripted.on("PUT", "/b/out/secret", answers.s3_error("AccessDenied", "no", 403))
    for flags in ([], ["--json"], ["--verbose"]):
        result = copy(quern, "s3://a/in", "s3://b/out", "--redact-keys", *flags, env=scripted.env)
        assert result.status == 4 and "secret" not in result.stdout + result.stderr, result.stderr


# ---- rclone itself


@pytest.fixture
def rclone(tmp_path):
    path = pathlib.Path(os.environ.get("QUERN_CACHE") or pathlib.Path.home() / ".cache/quern") / "bin/rclone"
    assert path.exists(), f"'{path}' is missing: scripts/install-bench puts it there"

    def run(server, *arguments):
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "RCLONE_CONFIG_R_TYPE": "s3", "RCLONE_CONFIG_R_PROVIDER": "Other",
               "RCLONE_CONFIG_R_ENDPOINT": server.url, "RCLONE_CONFIG_R_ACCESS_KEY_ID": "quern",
               "RCLONE_CONFIG_R_SECRET_ACCESS_KEY": "quernsecret", "RCLONE_CONFIG_R_REGION": "us-east-1"}
        subprocess.run([path, "--retries", "1", *arguments], env=env, check=True, timeout=60, capture_output=True)

    return run


@pytest.mark.peer
def test_headers_and_metadata_equal_those_of_rclone(quern, two, rclone):
    source, target = two
    source.put("in/a", b"1", {"foo": "bar", "mtime": "1709577450.524", "md5chksum": "xMpCOKC5I4INzFCab3WEmw=="}, **HEADERS)
    source.put("in/b", b"22", {"impresso-last-ts": "2024-01-01T00:00:00Z"}, StorageClass="STANDARD_IA")
    source.put("in/c.json", b"{}")
    rclone(source.server, "copy", "--metadata", "--exclude=*.json", f"r:{source.name}/in", f"r:{target.name}/theirs")
    flags = ("--exclude=*.json", "--metadata-mode", "rclone")
    assert copy(quern, source.url("in"), target.url("ours"), *flags, env=source.env).status == 0
    assert target.keys() == ["ours/a", "ours/b", "theirs/a", "theirs/b"]
    for name in "ab":
        assert described(target, f"ours/{name}") == described(target, f"theirs/{name}")


@pytest.mark.peer
def test_what_rclone_loses_we_keep(quern, two, rclone):
    """Metadata that came after a first copy, and the headers that rclone does not know."""
    source, target = two
    source.put("k", b"1", {"mtime": "1709577450.5"}, Expires="Wed, 01 Jan 2031 00:00:00 GMT", **HEADERS)
    theirs = ("copy", "--metadata", f"r:{source.name}", f"r:{target.name}/theirs")
    rclone(source.server, *theirs)
    assert copy(quern, source.url(), target.url("ours"), env=source.env).status == 0
    source.client.copy_object(Bucket=source.name, Key="k", CopySource={"Bucket": source.name, "Key": "k"},
                              MetadataDirective="REPLACE", Expires="Wed, 01 Jan 2031 00:00:00 GMT",
                              Metadata={"mtime": "1709577450.5", "impresso-last-ts": "2024"}, **HEADERS)
    rclone(source.server, *theirs)
    assert copy(quern, source.url(), target.url("ours"), env=source.env).status == 0
    assert "impresso-last-ts" not in target.metadata("theirs/k")
    assert described(target, "ours/k") == described(source, "k")


@pytest.mark.peer
def test_redirects_and_tags_that_rclone_loses_we_keep(quern, two, rclone):
    """A redirect in every copy; tags in those by parts."""
    source, target = two
    source.put("in/redirect", b"here", {"foo": "bar"}, WebsiteRedirectLocation="/elsewhere")
    source.put("in/parts", random.Random(4).randbytes(6 << 20), {"foo": "bar"}, Tagging="a=1&b=x%20y", **HEADERS)
    rclone(source.server, "copy", "--metadata", "--s3-copy-cutoff", "5Mi", f"r:{source.name}/in", f"r:{target.name}/theirs")
    assert copy(quern, source.url("in"), target.url("ours"), "--multipart-copy-from", "5MiB", env=source.env).status == 0
    assert head(target, "theirs/redirect").get("WebsiteRedirectLocation") is None
    assert head(target, "ours/redirect")["WebsiteRedirectLocation"] == "/elsewhere"
    assert described(target, "theirs/parts")["tags"] == []
    assert described(target, "ours/parts") == described(source, "in/parts") and "-" in head(target, "ours/parts")["ETag"]


@pytest.fixture
def release(versitygw):
    """The buckets of docs/release-switch.md: by their number, the old ones with records, the new ones empty."""
    buckets = {name: Bucket(versitygw, name) for name in ("22-rebuilt-final", "122-rebuilt-final", "142-processed", "143-processed")}
    for place in buckets.values():
        place.client.create_bucket(Bucket=place.name)
    for n in range(12):
        packed = bz2.compress(b'{"ts": "20%02d-01-01T00:00:00Z"}\n' % n)
        buckets["22-rebuilt-final"].put(f"GDL/GDL-19{n:02}.jsonl.bz2", packed, {"mtime": f"17{n}.5"}, **HEADERS)
        buckets["142-processed"].put(f"langident/v1/ACI/ACI-19{n:02}.jsonl.bz2", packed, {"impresso-last-ts": f"20{n:02}"})
    buckets["22-rebuilt-final"].put("rebuilt_v0-0-1.json", b"{}")
    buckets["142-processed"].put("langident/v1/langident_v0-0-1.json", b"{}")
    yield buckets
    for place in buckets.values():
        for key in place.keys():
            place.delete(key)
        place.client.delete_bucket(Bucket=place.name)


def steps_of_the_recipe():
    """Its commands as words, in their order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/release-switch.md").read_text(), re.MULTILINE | re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines() if line.startswith("quern ")]


def test_every_step_of_a_release(quern, release):
    """docs/release-switch.md as it stands there, on a server (I22)."""
    old, new, processed, next_processed = (release[name] for name in ("22-rebuilt-final", "122-rebuilt-final", "142-processed", "143-processed"))
    env = {"SE_ACCESS_KEY": "quern", "SE_SECRET_KEY": "quernsecret", "SE_HOST_URL": old.server.url, "SE_REGION": "us-east-1"}
    stamp, report, rehearse, move, plan, switch, at_once, check, differences = steps_of_the_recipe()

    def run(step):
        return quern(*step, env=env).expect(0)

    run(stamp)
    assert run(report).lines == []
    assert "would have copied" in run(rehearse).stdout and next_processed.keys() == []
    run(move)
    moved = {key: key.replace("/v1/", "/v1/BCUL/") for key in processed.keys() if not key.endswith(".json")}
    assert next_processed.keys() == sorted(moved.values())
    run(plan)
    assert new.keys() == []
    run(switch)
    titles = [key for key in old.keys() if not key.endswith(".json")]
    assert new.keys() == titles and len(titles) == 12
    for n, key in enumerate(titles):
        assert described(new, key) == described(old, key)
        assert new.metadata(key) == {"mtime": f"17{n}.5", "impresso-last-ts": f"20{n:02}-01-01T00:00:00Z"}
    run(at_once)  # finds what step 2 has made
    for place in moved.values():
        next_processed.delete(place)
    run(at_once)
    for key, place in moved.items():
        assert described(next_processed, place) == described(processed, key)
    assert sorted(moved.values()) == next_processed.keys()
    assert "0 done, 12 skipped, 0 failed" in run(check).stderr
    shown = run(differences)
    assert "0 done, 12 skipped" in shown.stderr and "would" not in shown.stderr + shown.stdout
    assert len(old.keys()) == 13 and len(processed.keys()) == 13


def test_the_examples_of_the_recipe(quern, tmp_path):
    """The console examples of docs/release-switch.md."""
    directory = tmp_path / "release"
    directory.mkdir()
    commands = examples((ROOT / "docs/release-switch.md").read_text())
    assert len(commands) == 5
    for number, command, expected in commands:
        status, got = run_example(command, directory, quern)
        assert status == 0 and matches(expected, got), f"docs/release-switch.md:{number}: $ {command}\n{got}"
    assert (directory / "new/GDL-1900.jsonl.bz2").exists() and not (directory / "new/manifest.json").exists()


# ---- how far it is


LARGE = random.Random(5).randbytes(48 << 20)


def assert_progress_inside(result, size):
    """Some of the only object counted before it had ended, ever more of it."""
    lines = checked(result)["progress"]
    counted = [line["bytes"] for line in lines]
    assert counted == sorted(counted) and counted[-1] == size, counted
    assert any(line["items_ended"] == 0 and 0 < line["bytes"] < size for line in lines), lines


def test_progress_from_a_bucket_to_a_directory(quern, two, tmp_path):
    source, _ = two
    source.put("in/large", LARGE)
    flags = ("--json", "--max-bandwidth", "32MiB", "--metadata-mode", "verbatim")
    result = quern.ok("copy", source.url("in/"), tmp_path / "out", *flags, env=source.env)
    assert_progress_inside(result, len(LARGE))
    assert (tmp_path / "out/large").read_bytes() == LARGE


def test_progress_from_a_directory_to_a_bucket(quern, two, tmp_path):
    _, target = two
    (tmp_path / "in").mkdir()
    (tmp_path / "in/large").write_bytes(LARGE)
    result = quern.ok("copy", tmp_path / "in", target.url("out/"), "--json", "--max-bandwidth", "12MiB", env=target.env)
    assert_progress_inside(result, len(LARGE))
    assert target.get("out/large") == LARGE


def test_progress_from_service_to_service(quern, two, other_service, tmp_path):
    source, _ = two
    source.put("in/large", LARGE)
    flags = ("--json", "--max-bandwidth", "48MiB", "--dest-endpoint-url", other_service.server.url)
    result = quern.ok("copy", source.url("in/"), other_service.url("out/"), *flags, env=source.env)
    assert_progress_inside(result, len(LARGE))
    assert other_service.get("out/large") == LARGE


# ---- a large object of a bucket into a directory


def test_a_killed_copy_leaves_no_part_of_a_file(quern, two, tmp_path):
    """It has no name before it is whole."""
    source, _ = two
    source.put("in/large", LARGE)
    command = ("copy", source.url("in/"), tmp_path / "out")
    run = quern.start(*command, "--json", "--max-bandwidth", "16MiB", env=source.env)
    run.wait_until(lambda: re.search(r'"bytes": [1-9]', run.stdout))
    run.kill()
    run.wait()
    assert not list((tmp_path / "out").glob(".*"))
    assert quern.ok(*command, "--json", env=source.env).summary["done"] == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["large"] and (tmp_path / "out/large").read_bytes() == LARGE


def test_a_source_that_fails_half_way(quern, scripted, tmp_path):
    bucket = FakeBucket(scripted, {"large": LARGE, "other": b"x"})
    refused = answers.s3_error("AccessDenied", "no", 403)
    bucket.mischief = lambda request, answer: refused if request.headers.get("range", "").startswith(f"bytes={16 << 20}-") else answer
    result = quern("copy", "s3://b/", tmp_path / "out", "--json", env=scripted.env).expect(1, "AccessDenied")
    failed = [line for line in result.json_lines if line.get("outcome") == "failed"]
    assert len(failed) == 1 and failed[0]["key"] == "large" and failed[0]["reason"].startswith("read the source: "), failed
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["other"]
    bucket.mischief = lambda request, answer: answer
    assert quern("copy", "s3://b/", tmp_path / "out", "--json", env=scripted.env).expect(0).summary["done"] == 1
    assert (tmp_path / "out/large").read_bytes() == LARGE
