"""quern fetch: a prefix kept current in a directory, as mleko's S3Ingester does it (shared/spec/mleko.md)."""

import base64
import collections
import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import random
import re
import signal
import time
import urllib.parse

import pytest
import scripted_server as answers
from json_output import checked
from places import Bucket
from program import ROOT
from small_disk import small_disk
from test_transfer import FakeBucket

GOLDEN = json.loads((ROOT / "tests/mleko/golden-s3-ingester.json").read_text())
F = "5df101604740c9e3d0df1fd020931765"  # of test-bucket, test-prefix, us-east-1
BUCKET, PREFIX = "test-bucket", "test-prefix"


@pytest.fixture
def bucket(moto_session):
    """The bucket of the original's tests, empty."""
    place = Bucket(moto_session, BUCKET)
    place.client.create_bucket(Bucket=BUCKET)
    yield place
    empty(place)
    place.client.delete_bucket(Bucket=BUCKET)
    moto_session.check_alive()


def empty(place):
    for key in place.keys():
        place.delete(key)


def fetch(quern, destination, *flags, place=None, bucket=BUCKET, prefix=PREFIX, region="us-east-1", env=None, **options):
    arguments = ["--s3-bucket-name", bucket, "--s3-key-prefix", prefix, "--destination-directory", str(destination)]
    arguments += ["--aws-region-name", region] if region else []
    return quern("fetch", *arguments, *flags, env=env or (place.env if place else {}), **options)


def tree(directory):
    """Every file below a directory with its bytes."""
    directory = pathlib.Path(directory)
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def manifest(*entries):
    """The bytes of a local manifest."""
    files = [{"name": name, "size": size, "hash": (rest or [None])[0]} for name, size, *rest in entries]
    return json.dumps({"files": files}, indent=2).encode()


def lines_of(result):
    """What the run said in the original's words: (level, text)."""
    said = []
    for line in result.stderr.splitlines():
        if line.startswith("fetch: "):
            break  # the summary
        level, _, text = line.partition(": ")
        if level in ("error", "warning"):
            said.append([level.upper(), text])
        elif not line.startswith("quern: "):
            said.append(["INFO", line])
    return said


# ---- the recorded runs of the original

# Where ours is different on purpose (mleko.md 12), by scenario and step: what is expected of ours instead.
PATHS_A = ["{dest}/" + F + "/a.csv"]
KEPT = {f"{F}/a.csv": "AAA", f"{F}/{F}.manifest.json": manifest(("a.csv", 3)).decode()}
FIXED = {
    ("empty-prefix-crashes", 0): {"returned": ["{dest}/{id}/a.csv"]},
    ("folder-marker-crashes", 0): {"returned": PATHS_A},
    ("duplicate-basenames", 0): {"status": 7, "files": {}},
    ("duplicate-basenames", 1): {"status": 7, "files": {}},
    ("duplicate-basenames", 2): {"status": 7, "files": {}},
    ("local-manifest-missing-but-files-present", 1): {"returned": PATHS_A, "files": KEPT},
    ("local-manifest-unknown-field", 1): {"returned": PATHS_A, "files": KEPT},
    ("local-manifest-corrupt", 1): {"returned": PATHS_A, "files": KEPT},
}
STATUS_OF = {"FileNotFoundError": 6, "Exception": 7, "JSONDecodeError": 6}


def apply_given(given, place, destination):
    time.sleep(given.get("sleep", 0))
    if "s3" in given:
        empty(place)
    for key, text in (given.get("s3", {}) | given.get("put", {})).items():
        place.put(key, text.encode())
    for name in given.get("local_delete", []):
        (destination / name).unlink()
    for name, text in given.get("local_write", {}).items():
        (destination / name).write_text(text)


def flags_of(given):
    names = {"dataset_id": "--dataset-id", "manifest_file_name": "--manifest-file-name", "s3_timestamp_tolerance": "--s3-timestamp-tolerance"}
    flags = ["--force-recompute"] if given.get("force") else []
    for name, value in given.get("args", {}).items():
        if name == "file_pattern":
            flags += [f"--file-pattern={pattern}" for pattern in ([value] if isinstance(value, str) else value)]
        elif name == "manifest_file_name" and value is None:
            flags.append("--no-manifest-file-name")
        elif name in names:
            flags.append(f"{names[name]}={value}")
        else:
            assert name == "s3_key_prefix", name
    return flags


@pytest.mark.parametrize("scenario", GOLDEN, ids=[scenario["name"] for scenario in GOLDEN])
def test_what_the_original_does(quern, bucket, tmp_path, scenario):
    destination = tmp_path / "destination"
    for number, step in enumerate(scenario["steps"]):
        given, expect = step["given"], step["expect"]
        fixed = FIXED.get((scenario["name"], number))
        apply_given(given, bucket, destination)
        prefix = given.get("args", {}).get("s3_key_prefix", PREFIX)
        result = fetch(quern, destination, "--strict-compat", *flags_of(given), place=bucket, prefix=prefix)
        expected = expect | (fixed or {})
        status = expected.get("status", STATUS_OF[expect["error"]["type"]] if "error" in expect and not fixed else 0)
        result.expect(status)
        found_id = hashlib.md5((BUCKET + prefix + "us-east-1").encode()).hexdigest()
        if status == 0:
            wanted = [path.replace("{dest}", str(destination)).replace("{id}", found_id) for path in expected["returned"]]
            assert result.lines == wanted
        else:
            assert result.lines == []
        if not fixed:
            log = [[level, text.replace("{dest}", str(destination))] for level, text in expect["log"]]
            assert lines_of(result) == log
            if "error" in expect:
                assert expect["error"]["message"] in result.stderr
        if not fixed or "files" in fixed:
            assert tree(destination) == {name: text.encode() for name, text in expected["files"].items()}


# ---- the list of mleko.md 15


def test_t1_forced(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/test-file.csv", b"test-file-data")
    result = fetch(quern, tmp_path / "d", "--force-recompute", place=bucket).expect(0, "Force Cache Refresh: Downloading files matching ['*']")
    assert result.lines == [f"{tmp_path}/d/{F}/test-file.csv"]
    assert tree(tmp_path / "d") == {
        f"{F}/test-file.csv": b"test-file-data",
        f"{F}/{F}.manifest.json": b'{\n  "files": [\n    {\n      "name": "test-file.csv",\n      "size": 14,\n      "hash": null\n    }\n  ]\n}',
    }


def test_t2_t3_narrow_and_wide_again(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/test-file1.csv", b"MLEKO")
    bucket.put(f"{PREFIX}/test-file2.csv", b"MLEKO1")
    fetch(quern, tmp_path, place=bucket).expect(0)
    narrow = fetch(quern, tmp_path, "--file-pattern", "test-file1.csv", "--json", place=bucket).expect(0)
    assert "Deleting 1 files from" in narrow.stdout and narrow.summary["requests"] == 1
    assert sorted(tree(tmp_path / F)) == [f"{F}.manifest.json", "test-file1.csv"]
    wide = fetch(quern, tmp_path, "--json", place=bucket).expect(0)
    assert (wide.summary["done"], wide.summary["skipped"], wide.summary["requests"]) == (1, 1, 2), "only what is absent is fetched"
    assert tree(tmp_path / F)[f"{F}.manifest.json"] == manifest(("test-file1.csv", 5), ("test-file2.csv", 6))


def test_t4_nothing_matches(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/test-file1.csv", b"MLEKO1")
    fetch(quern, tmp_path / "d", place=bucket).expect(0)
    before = tree(tmp_path / "d")
    text = "No files matching ['test-file3.csv'] found in S3 bucket test-bucket/test-prefix."
    result = fetch(quern, tmp_path / "d", "--file-pattern", "test-file3.csv", place=bucket).expect(6, text)
    assert result.stderr.count(text) == 1 and tree(tmp_path / "d") == before


def test_t5_t6_sizes_decide(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/a.csv", b"AAA")
    fetch(quern, tmp_path, place=bucket).expect(0, "Cache Miss: Downloading")
    bucket.put(f"{PREFIX}/a.csv", b"BBB")
    fetch(quern, tmp_path, place=bucket).expect(0, "Cache Hit: Local dataset is up to date with S3 bucket contents, skipping download.")
    assert (tmp_path / F / "a.csv").read_bytes() == b"AAA"
    fetch(quern, tmp_path, "--force-recompute", place=bucket).expect(0)
    assert (tmp_path / F / "a.csv").read_bytes() == b"BBB"
    bucket.put(f"{PREFIX}/a.csv", b"CCCC")
    fetch(quern, tmp_path, place=bucket).expect(0, "Cache Miss")
    assert (tmp_path / F / "a.csv").read_bytes() == b"CCCC"


@pytest.mark.parametrize("mode", ["etag", "checksum"])
def test_verify_sees_what_size_does_not(quern, bucket, tmp_path, mode):
    bucket.put(f"{PREFIX}/a.csv", b"AAA")
    fetch(quern, tmp_path, place=bucket).expect(0)
    same = fetch(quern, tmp_path, "--verify", mode, "--json", place=bucket).expect(0)
    assert same.summary["done"] == 0, "the content is the ETag's: nothing to fetch"
    etag = hashlib.md5(b"AAA").hexdigest()
    assert tree(tmp_path / F)[f"{F}.manifest.json"] == manifest(("a.csv", 3, etag))
    bucket.put(f"{PREFIX}/a.csv", b"BBB")
    fetch(quern, tmp_path, "--verify", mode, place=bucket).expect(0, "Cache Miss")
    assert (tmp_path / F / "a.csv").read_bytes() == b"BBB"
    (tmp_path / F / "a.csv").write_bytes(b"XXX")
    done = fetch(quern, tmp_path, "--verify", mode, "--json", place=bucket).expect(0).summary["done"]
    assert done == (1 if mode == "checksum" else 0), "only the content tells of a change on this side"
    fetch(quern, tmp_path, place=bucket).expect(0)
    assert hashlib.md5(b"BBB").hexdigest().encode() in tree(tmp_path / F)[f"{F}.manifest.json"], "a hash is kept over a hit"


def put_manifest(place, *urls, name="manifest", **more):
    entries = [url if isinstance(url, dict) else {"url": url} for url in urls]
    place.put(f"{PREFIX}/{name}", json.dumps({"entries": entries} | more).encode())


def test_t7_t9_manifest_and_patterns(quern, bucket, tmp_path):
    for name in ("a.csv", "b.csv", "c.csv", "d.json"):
        bucket.put(f"{PREFIX}/{name}", name.encode())
    put_manifest(bucket, "s3://test-bucket/test-prefix/a.csv", "b.csv", "d.json")
    result = fetch(quern, tmp_path / "d", "--dataset-id", "test-dataset", place=bucket).expect(0)
    assert [pathlib.Path(line).name for line in result.lines] == ["a.csv", "b.csv", "d.json"]
    assert sorted(tree(tmp_path / "d")) == ["test-dataset/a.csv", "test-dataset/b.csv", "test-dataset/d.json", "test-dataset/test-dataset.manifest.json"]
    both = fetch(quern, tmp_path / "d", "--dataset-id", "test-dataset", "--file-pattern", "*.csv", place=bucket).expect(0)
    assert [pathlib.Path(line).name for line in both.lines] == ["a.csv", "b.csv"]


def test_t8_urls_of_a_manifest(quern, bucket, tmp_path):
    for name in ("a.csv", "b.csv", "c.csv", "d.csv"):
        bucket.put(f"{PREFIX}/{name}", b"1")
    put_manifest(bucket, "a.csv", "/test-prefix/b.csv", "s3://other-bucket/test-prefix/c.csv", "not-there.csv", {"mandatory": True})
    result = fetch(quern, tmp_path, place=bucket).expect(0, "warning: the manifest", "1 entries are missing", "'not-there.csv' is not there")
    assert [pathlib.Path(line).name for line in result.lines] == ["a.csv", "b.csv", "c.csv"]
    assert "warning" not in fetch(quern, tmp_path, "--file-pattern", "[ab].csv", place=bucket).expect(0).stderr, "what no pattern wants is not missed"
    fetch(quern, tmp_path, "--require-manifest", place=bucket).expect(7, "not-there.csv")


def test_a_required_manifest(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/a.csv", b"1")
    fetch(quern, tmp_path, "--require-manifest", place=bucket).expect(7, "there is no manifest")
    put_manifest(bucket, {"url": "a.csv", "meta": {"content_length": 999}})
    fetch(quern, tmp_path, place=bucket).expect(0, "1 have another length")
    fetch(quern, tmp_path, "--require-manifest", place=bucket).expect(7, "'a.csv' has another length")
    put_manifest(bucket, {"url": "a.csv", "meta": {"content_length": 1}})
    fetch(quern, tmp_path, "--require-manifest", place=bucket).expect(0)


@pytest.mark.parametrize(("text", "reason"), [
    (b"{oops", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    (b"[]", "it is no object"), (b'{"entries": [{"url": 3}]}', "is no text"),
])
def test_a_bad_manifest_ends_the_run(quern, bucket, tmp_path, text, reason):
    bucket.put(f"{PREFIX}/a.csv", b"1")
    fetch(quern, tmp_path / "d", place=bucket).expect(0)
    before = tree(tmp_path / "d")
    bucket.put(f"{PREFIX}/manifest", text)
    bucket.put(f"{PREFIX}/a.csv", b"22")
    fetch(quern, tmp_path / "d", place=bucket).expect(6, reason, "test-prefix/manifest")
    fetch(quern, tmp_path / "d", "--require-manifest", place=bucket).expect(7, reason, "test-prefix/manifest")
    assert tree(tmp_path / "d") == before


def test_t10_base_names(quern, bucket, tmp_path):
    for key in ("n1/a.csv", "n2/b.csv", "c.csv"):
        bucket.put(f"{PREFIX}/{key}", key.encode())
    result = fetch(quern, tmp_path, "--file-pattern", "n*/?.csv", place=bucket).expect(0)
    assert result.lines == [f"{tmp_path}/{F}/a.csv", f"{tmp_path}/{F}/b.csv"]


def list_text(objects, prefix="p/", token=None):
    """A page of a listing; each object has an ETag that is its MD5."""
    rows, stamp = [], "2024-01-01T00:00:00.000Z"
    for name, body in objects.items():
        body, when = body if isinstance(body, tuple) else (body, stamp)
        rows.append(
            f"<Contents><Key>{prefix}{name}</Key><LastModified>{when}</LastModified><ETag>&quot;{hashlib.md5(body).hexdigest()}&quot;</ETag>"
            f"<Size>{len(body)}</Size></Contents>"
        )
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>" if token else "<IsTruncated>false</IsTruncated>"
    return f'<?xml version="1.0"?><ListBucketResult>{more}{"".join(rows)}</ListBucketResult>'.encode()


def script_listing(scripted, objects, prefix="p/"):
    """`objects`: name -> body, or (body, time)."""
    for name, body in objects.items():
        body = body[0] if isinstance(body, tuple) else body
        scripted.on("GET", f"/bucket/{prefix}{name}", answers.ok(body, headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'}))
    scripted.on("GET", "/bucket", answers.ok(list_text(objects, prefix)))


def fetch_scripted(quern, scripted, destination, *flags, **options):
    return fetch(quern, destination, *flags, bucket="bucket", prefix="p/", region=None, env=scripted.env, **options)


@pytest.mark.parametrize(("seconds", "tolerance", "status"), [
    (3600, "1", 0), (3601, "1", 7), (2.1, "0", 7), (2.1, "1", 0), (2.1, "-7", 0), (1800.5, "0.5", 7), (0, "0", 0),
])
def test_t11_t12_tolerance(quern, scripted, tmp_path, seconds, tolerance, status):
    first = datetime.datetime(2024, 1, 1)
    second = (first + datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds") + "Z"
    script_listing(scripted, {"a.csv": b"1", "b.csv": (b"22", second)})
    result = fetch_scripted(quern, scripted, tmp_path, "--s3-timestamp-tolerance", tolerance).expect(status)
    if status:
        assert (
            f"Files in S3 bucket s3://bucket/p/ have last modified timestamps differing by more than {tolerance} hours. "
            "Potential corruption or duplication detected." in result.stderr
        )
    fetch_scripted(quern, scripted, tmp_path, "--s3-timestamp-tolerance", "0", "--file-pattern", "a.csv").expect(0)


def test_t13_more_than_a_page(quern, scripted, tmp_path):
    objects = {f"{number:04}": b"%d" % number for number in range(1005)}
    names = list(objects)
    script_listing(scripted, objects)
    pages = [list_text({name: objects[name] for name in part}, token=token) for part, token in ((names[:1000], "next"), (names[1000:], None))]
    scripted.on("GET", "/bucket", *[answers.ok(page) for page in pages * 2])
    result = fetch_scripted(quern, scripted, tmp_path / "d", "--dataset-id", "x").expect(0, "Found 1005 file(s)")
    assert result.lines == [f"{tmp_path}/d/x/{name}" for name in names]
    assert {pathlib.Path(line).read_bytes() for line in result.lines} == set(objects.values())
    again = fetch_scripted(quern, scripted, tmp_path / "d", "--dataset-id", "x", "--json").expect(0)
    assert again.summary["requests"] == 2, "two pages of the list and nothing else"


def test_t14_t15_old_and_lost_manifests(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/a.csv", b"AAA")
    fetch(quern, tmp_path, place=bucket).expect(0)
    path = tmp_path / F / f"{F}.manifest.json"
    for text in ('{"files":[{"name":"a.csv","size":3}]}', '{"files":[]}', None):
        path.write_text(text) if text else path.unlink()
        result = fetch(quern, tmp_path, place=bucket).expect(0, "Cache Hit")
        assert result.lines == [f"{tmp_path}/{F}/a.csv"] and path.read_bytes() == manifest(("a.csv", 3))


def test_t16_what_is_not_ours_stays(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/a.csv", b"AAA")
    fetch(quern, tmp_path, place=bucket).expect(0)
    (tmp_path / F / "extra.txt").write_text("keep")
    bucket.put(f"{PREFIX}/a.csv", b"AAAA")
    fetch(quern, tmp_path, place=bucket).expect(0)
    fetch(quern, tmp_path, "--force-recompute", place=bucket).expect(0)
    assert (tmp_path / F / "extra.txt").read_text() == "keep"


def test_t17_large_objects_in_parts(quern, s3, tmp_path):
    """An eighth of what the original's threshold and parts ask for: 75 parts of 1 MiB."""
    body = random.Random(7).randbytes(75 * 1048576 - 100)
    s3.put(f"{PREFIX}/one", body)
    s3.put(f"{PREFIX}/two", body[:1048575])
    flags = ("--workers-per-file", "4", "--max-concurrent-files", "2", "--multipart-threshold", "1MiB", "--part-size", "1MiB", "--json")
    result = fetch(quern, tmp_path, *flags, bucket=s3.name, env=s3.env, timeout=120).expect(0)
    assert result.summary["requests"] <= 1 + 1 + 75 + 1, "the list, what is known of the large one, its parts, the small one"
    paths = [pathlib.Path(line["path"]) for line in checked(result)["file"]]
    assert paths[0].read_bytes() == body and paths[1].read_bytes() == body[:1048575]


def test_t18_a_file_that_cannot_be_had(quern, scripted, tmp_path):
    script_listing(scripted, {"a": b"1", "b": b"2", "c": b"3"})
    fetch_scripted(quern, scripted, tmp_path / "d").expect(0)
    before = tree(tmp_path / "d")
    script_listing(scripted, {"a": b"11", "b": b"22", "c": b"33", "d": b"44"})
    scripted.on("GET", "/bucket/p/b", answers.status(500))
    result = fetch_scripted(quern, scripted, tmp_path / "d", "--retries", "2").expect(3, "1 of 4 files could not be fetched", "held stays as it was", "1 new files are there too")
    after = tree(tmp_path / "d")
    assert result.lines == [] and {name: after[name] for name in before} == before, "the old files and their manifest"
    asked = len(scripted.requests)
    script_listing(scripted, {"a": b"11", "b": b"22", "c": b"33", "d": b"44"})
    fetch_scripted(quern, scripted, tmp_path / "d").expect(0)
    assert [request.path for request in scripted.requests[asked:]] == ["/bucket", "/bucket/p/b"], "what was fetched is not fetched again"
    assert sorted(path.read_bytes() for path in (tmp_path / "d").rglob("?")) == [b"11", b"22", b"33", b"44"]
    assert not list(tmp_path.rglob("*.fetched"))


# ---- parts of an array job


def test_each_part_is_a_dataset(quern, scripted, tmp_path):
    """Together they are all of it, none twice; each goes on with its own, and the manifest of all is none that misses what others have."""
    objects = {f"{number:03}": b"%d" % number for number in range(40)}
    entries = [{"url": f"p/{name}", "meta": {"content_length": len(body)}} for name, body in objects.items()]
    script_listing(scripted, objects | {"manifest": json.dumps({"entries": entries}).encode()})
    found = []
    for index in range(3):
        array = {"SLURM_ARRAY_TASK_ID": str(index + 1), "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "1"}
        command = ("fetch", "s3://bucket/p/", "--destination-directory", str(tmp_path), "--dataset-id", "x", "--require-manifest")
        result = quern(*command, env=scripted.env | array).expect(0, f"Part {index} of 3", "by environment SLURM_ARRAY_TASK_ID: the dataset is '")
        part = f"{tmp_path}/x-{index}-of-3"
        assert result.lines and all(line.startswith(part + "/") for line in result.lines)
        found += [pathlib.Path(line).name for line in result.lines]
        assert {path.name for path in pathlib.Path(part).iterdir()} == {pathlib.Path(line).name for line in result.lines} | {f"x-{index}-of-3.manifest.json"}
        quern(*command, "--shard", f"{index}/3", env=scripted.env).expect(0, "Cache Hit")
    assert sorted(found) == sorted(objects)
    whole = quern(*command, "--shard", "0/1", env=scripted.env | array).expect(0)
    assert len(whole.lines) == 40 and whole.lines[0] == f"{tmp_path}/x/000"
    lacking = json.dumps({"entries": [*entries, {"url": "p/gone"}]}).encode()
    script_listing(scripted, objects | {"manifest": lacking})
    quern(*command, "--shard", "1/3", env=scripted.env).expect(7, "1 entries are missing", "'p/gone' is not there")


def test_a_part_without_keys_is_an_empty_dataset(quern, scripted, tmp_path):
    script_listing(scripted, {"a": b"1", "b": b"2"})
    results = [fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x", "--shard", f"{index}/7").expect(0) for index in range(7)]
    empty_ones = [index for index, result in enumerate(results) if not result.lines]
    assert len(empty_ones) >= 5 and "belong to other parts" in results[empty_ones[0]].stderr
    assert tree(tmp_path / f"x-{empty_ones[0]}-of-7") == {f"x-{empty_ones[0]}-of-7.manifest.json": manifest()}
    script_listing(scripted, {})
    fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x", "--shard", "0/7").expect(6, "No files matching")


def test_what_is_left_out_is_not_missing_from_the_manifest(quern, bucket, tmp_path):
    for name in ("a.csv", "b.csv"):
        bucket.put(f"{PREFIX}/{name}", b"1")
    put_manifest(bucket, "a.csv", "b.csv")
    fetch(quern, tmp_path, "--require-manifest", "--exclude", "b.csv", place=bucket).expect(0)


# ---- trouble


def test_an_object_that_is_replaced_between_list_and_get(quern, scripted, tmp_path):
    script_listing(scripted, {"a": b"old", "b": b"x"})
    new = {"ETag": '"new"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    scripted.on("GET", "/bucket/p/a", answers.s3_error("PreconditionFailed", "changed", 412), answers.ok(b"newer", headers=new))
    scripted.on("HEAD", "/bucket/p/a", answers.ok(b"newer", headers=new))
    result = fetch_scripted(quern, scripted, tmp_path).expect(0, "changed while the run was going on")
    assert pathlib.Path(result.lines[0]).read_bytes() == b"newer"
    (text,) = [path.read_bytes() for path in tmp_path.rglob("*.manifest.json")]
    assert text == manifest(("a", 5), ("b", 1))
    assert [request.headers.get("if-match") for request in scripted.sent("GET", "/bucket/p/a")][1] == '"new"'


def test_an_object_that_changes_again_and_again(quern, scripted, tmp_path):
    script_listing(scripted, {"a": b"old"})
    scripted.on("GET", "/bucket/p/a", answers.s3_error("PreconditionFailed", "changed", 412))
    scripted.on("HEAD", "/bucket/p/a", answers.ok(b"newer", headers={"ETag": '"new"'}))
    fetch_scripted(quern, scripted, tmp_path).expect(1, "p/a")
    assert len(scripted.sent("GET", "/bucket/p/a")) == 2 and not [path for path in tree(tmp_path) if path.endswith("/a")]


def test_an_object_that_is_deleted_meanwhile(quern, scripted, tmp_path):
    script_listing(scripted, {"a": b"old", "b": b"x"})
    scripted.on("GET", "/bucket/p/a", answers.s3_error("NoSuchKey", "gone", 404))
    scripted.on("HEAD", "/bucket/p/a", answers.status(404))
    fetch_scripted(quern, scripted, tmp_path).expect(1, "it was deleted while the run was going on")


def test_an_archived_object(quern, moto, tmp_path):
    """A dataset is whole or it is not: the others come, what was there stays, and the reason is said. Of a real server's own words."""
    moto.put("p/a", b"1")
    moto.put("p/b", b"2", StorageClass="GLACIER")
    command = ("fetch", moto.url("p/"), "--destination-directory", str(tmp_path), "--dataset-id", "x")
    warned = "warning: 1 of the 2 files to download lie in an archive"
    quern(*command, "--dry-run", env=moto.env).expect(0, warned)
    result = quern(*command, env=moto.env).expect(1, warned, "1 of 2 files could not be fetched", "archived (GLACIER): restore it first")
    assert result.lines == [] and tree(tmp_path / "x") == {"a": b"1"} and result.stderr.count("restore it first") == 2
    assert "lie in an archive" not in quern.ok(*command, "--exclude", "b", env=moto.env).stderr
    moto.client.restore_object(Bucket=moto.name, Key="p/b", RestoreRequest={"Days": 1})
    assert quern(*command, env=moto.env).expect(0, "1 of the 1 files to download lie in an archive").lines == [f"{tmp_path}/x/a", f"{tmp_path}/x/b"]
    assert "lie in an archive" not in quern.ok(*command, env=moto.env).stderr


def test_keys_of_collisions_are_redacted(quern, bucket, tmp_path):
    for key in ("secret.csv", "n/secret.csv", "Secret.csv"):
        bucket.put(f"{PREFIX}/{key}", b"x")
    for flags in ([], ["--strict-compat"], ["--on-collision", "nested"], ["--on-collision", "nested", "--case-conflict", "warn"]):
        result = fetch(quern, tmp_path / "d", "--redact-keys", *flags, place=bucket)
        assert result.status == (0 if "warn" in flags else 7) and "ecret" not in result.stderr, result.stderr


def test_collisions(quern, bucket, tmp_path):
    for key in ("a.csv", "n/a.csv", "n/b.csv"):
        bucket.put(f"{PREFIX}/{key}", key.encode())
    fetch(quern, tmp_path / "d", place=bucket).expect(7, "a.csv", "n/a.csv", "same base name", "--on-collision")
    assert tree(tmp_path / "d") == {}
    for rule, files in (
        ("first", {"a.csv": b"a.csv", "b.csv": b"n/b.csv"}), ("last", {"a.csv": b"n/a.csv", "b.csv": b"n/b.csv"}),
        ("nested", {"a.csv": b"a.csv", "n/a.csv": b"n/a.csv", "n/b.csv": b"n/b.csv"}),
    ):
        result = fetch(quern, tmp_path, "--on-collision", rule, "--dataset-id", rule, place=bucket).expect(0)
        found = tree(tmp_path / rule)
        listed = json.loads(found.pop(f"{rule}.manifest.json"))["files"]
        assert found == files and sorted(entry["name"] for entry in listed) == sorted(files)
        assert sorted(result.lines) == sorted(f"{tmp_path}/{rule}/{name}" for name in files)
        fetch(quern, tmp_path, "--on-collision", rule, "--dataset-id", rule, place=bucket).expect(0, "Cache Hit")
    bucket.delete(f"{PREFIX}/n/a.csv")
    fetch(quern, tmp_path, "--on-collision", "nested", "--dataset-id", "nested", place=bucket).expect(0, "Deleting 1 files")
    assert not (tmp_path / "nested/n/a.csv").exists() and (tmp_path / "nested/a.csv").exists()


def test_hostile_base_names(quern, scripted, tmp_path):
    """Keys that moto and versitygw would not take; the listing is URL-encoded as quern asks for it."""
    names = {"n/..": "n/..", "a%0Ab": "a\nb", "esc%1B%5B31m": "esc\x1b[31m", "x" * 300: "x" * 300, "z/.": "z/.", "ok": "ok"}
    rows = "".join(
        f"<Contents><Key>p/{name}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>1</Size></Contents>"
        for name in sorted(names)
    )
    page = f'<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>'
    scripted.on("GET", "/bucket", answers.ok(page.encode()))
    scripted.on("GET", re.compile("/bucket/p/.*"), answers.ok(b"1", headers={"ETag": '"e"'}))
    rehearsed = fetch_scripted(quern, scripted, tmp_path / "d", "--dry-run").expect(1, "3 failed")
    assert tree(tmp_path / "d") == {} and len(scripted.requests) == 1 and "--report-file" not in rehearsed.stderr
    result = fetch_scripted(quern, scripted, tmp_path / "d", "--json").expect(1, "3 of 6 files could not be fetched", "3 new files are there too")
    assert result.lines and not list((tmp_path / "d").rglob("*.manifest.json")) and len(scripted.requests) == 5, "the others come"
    reasons = {line["key"]: line["reason"] for line in checked(result)["document"] if line["outcome"] == "failed"}
    assert {key: reason.count("--escape-names") for key, reason in reasons.items()} == {"p/n/..": 1, "p/z/.": 1, "p/" + "x" * 300: 1}, "said once"
    assert all("' cannot be a file: " in reason and reason.endswith("or leave it out by --exclude or --file-pattern") for reason in reasons.values())
    plain = ("--exclude", "x*", "--exclude", "n/*", "--exclude", "z/*")
    good = fetch_scripted(quern, scripted, tmp_path / "d", *plain).expect(0)
    assert len(good.lines) == 3 and "\x1b" not in good.stdout and "a\\x0ab" in good.stdout
    escaped = fetch_scripted(quern, scripted, tmp_path / "e", "--escape-names").expect(0)
    shortened = "x" * 160 + "%~" + hashlib.sha256(b"x" * 300).hexdigest()[:32]
    assert {pathlib.Path(line).name for line in escaped.lines} == {"%2E", "%2E%2E", "a%0Ab", "esc%1B[31m", "ok", shortened}
    assert all(pathlib.Path(line).read_bytes() == b"1" for line in escaped.lines)
    fetch_scripted(quern, scripted, tmp_path / "e", "--escape-names").expect(0, "Cache Hit")


def test_names_in_a_manifest_that_lead_outside(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/a.csv", b"1")
    fetch(quern, tmp_path, place=bucket).expect(0)
    victim = tmp_path / "victim"
    victim.write_text("alive")
    path = tmp_path / F / f"{F}.manifest.json"
    entries = [{"name": name, "size": 1, "hash": None} for name in ("../victim", str(victim), "..", "", "a.csv", "gone.csv", "gone.csv")]
    path.write_text(json.dumps({"files": entries}))
    fetch(quern, tmp_path, place=bucket).expect(0, "no fetch can have written", "Deleting 1 files")
    assert victim.read_text() == "alive" and path.read_bytes() == manifest(("a.csv", 1))


def test_an_object_named_like_the_manifest(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/id.manifest.json", b"1")
    fetch(quern, tmp_path, "--dataset-id", "id", place=bucket).expect(7, "the dataset's own manifest")


def test_keys_with_doubled_slashes_and_dots(quern, moto, tmp_path):
    for key in ("p//a", "p/./b", "p/n/"):
        moto.put(key, b"" if key.endswith("/") else key.encode())
    result = fetch(quern, tmp_path, bucket=moto.name, prefix="p", env=moto.env).expect(0)
    assert {pathlib.Path(line).name: pathlib.Path(line).read_text() for line in result.lines} == {"a": "p//a", "b": "p/./b"}


def test_deletions_have_a_limit(quern, bucket, tmp_path):
    for number in range(5):
        bucket.put(f"{PREFIX}/{number}", b"1")
    fetch(quern, tmp_path / "d", place=bucket).expect(0)
    before = tree(tmp_path / "d")
    fetch(quern, tmp_path / "d", "--file-pattern", "0", "--max-delete", "3", place=bucket).expect(7, "4 files would be deleted", "--max-delete")
    assert tree(tmp_path / "d") == before
    fetch(quern, tmp_path / "d", "--file-pattern", "0", "--max-delete", "4", place=bucket).expect(0)


def test_a_dry_run_changes_nothing(quern, bucket, tmp_path):
    for name, body in (("a", b"1"), ("b", b"22"), ("gone", b"1")):
        bucket.put(f"{PREFIX}/{name}", body)
    missing = fetch(quern, tmp_path / "none", "--dry-run", place=bucket).expect(0, "download a (1 bytes)", "download b (2 bytes)")
    assert missing.lines == [] and not (tmp_path / "none").exists()
    fetch(quern, tmp_path / "d", place=bucket).expect(0)
    bucket.put(f"{PREFIX}/b", b"333")
    bucket.delete(f"{PREFIX}/gone")
    before = tree(tmp_path / "d")
    result = fetch(quern, tmp_path / "d", "--dry-run", "--json", place=bucket).expect(0)
    said = [line["message"] for line in checked(result)["info"]]
    assert said[1:] == ["keep a (1 bytes)", "download b (3 bytes)", "delete gone", "1 to download (3 bytes), 1 to keep, 1 to delete"]
    (plan,) = checked(result)["plan"]
    assert plan["bytes"] == 3 and tree(tmp_path / "d") == before and result.summary["requests"] == 1


def test_two_at_once(quern, scripted, tmp_path):
    script_listing(scripted, {"a": b"1"})
    scripted.on("GET", "/bucket/p/a", answers.stall(b"1"))
    first = quern.start(
        "fetch", "s3://bucket/p/", "--destination-directory", str(tmp_path / "d"), "--dataset-id", "x", env=scripted.env
    )
    first.wait_until(lambda: scripted.sent("GET", "/bucket/p/a"))
    other = {"--state-dir": str(tmp_path / "other")}
    result = quern("fetch", "s3://bucket/p/", "--destination-directory", str(tmp_path / "d"), "--dataset-id", "x", *sum(other.items(), ()), env=scripted.env)
    result.expect(11, f"process {first.pid} is working")
    first.kill()
    first.wait()
    script_listing(scripted, {"a": b"1"})
    quern.ok("fetch", "s3://bucket/p/", "--destination-directory", str(tmp_path / "d"), "--dataset-id", "x", env=scripted.env)


@pytest.mark.parametrize(("flags", "said"), [((), "1.9 MiB in 2 files do not fit on the disk"), (("--no-check-space",), "bytes do not fit on the disk")])
def test_a_full_disk(quern, bucket, tmp_path, flags, said):
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "512k") as under:
        bucket.put(f"{PREFIX}/a", b"a" * 1000)
        command = ("fetch", f"s3://{BUCKET}/{PREFIX}", "--destination-directory", str(disk), "--dataset-id", "x", *flags)
        if under:
            pytest.fail("needs root: what a namespace holds cannot be looked at from here")
        quern.ok(*command, env=bucket.env)
        before = tree(disk)
        bucket.put(f"{PREFIX}/a", b"b" * 2000)
        bucket.put(f"{PREFIX}/large", b"c" * 2_000_000)
        quern(*command, env=bucket.env).expect(8, said)
        after = tree(disk)
        assert {name: after[name] for name in before} == before, "the old files stay"
        bucket.delete(f"{PREFIX}/large")
        quern.ok(*command, env=bucket.env)
        assert tree(disk) == {"x/a": b"b" * 2000, "x/x.manifest.json": manifest(("a", 2000))}


def test_room_is_looked_at_before_anything_is_asked_for(quern, scripted, tmp_path):
    """What cannot fit is refused, with what it would need; what an unfinished run left is room that is taken already."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "8m") as under:
        if under:
            pytest.fail("needs root: what a namespace holds cannot be looked at from here")
        FakeBucket(scripted, {"old": b"1" * (5 << 20)})
        command = ("fetch", "s3://b/", "--destination-directory", str(disk), "--dataset-id", "x", "--multipart-threshold", "1MiB", "--part-size", "1MiB")
        quern.ok(*command, env=scripted.env)
        before = tree(disk)
        bucket = FakeBucket(scripted, {"old": b"2" * (6 << 20)})
        asked = len(scripted.sent("GET", "/b/old"))
        quern(*command, env=scripted.env).expect(8, "6.0 MiB in 1 file do not fit on the disk of '", "/disk/x', which has ", "--no-check-space", "0 failed")
        quern(*command, "--dry-run", env=scripted.env).expect(0, "warning: 6.0 MiB in 1 file do not fit", "1 to download")
        assert tree(disk) == before and len(scripted.sent("GET", "/b/old")) == asked
        bucket.objects = {"new": b"3" * (7 << 20)}
        (disk / "x/old").unlink()
        (disk / "x/x.manifest.json").unlink()
        bucket.mischief = lambda request, answer: answer if "bytes=0-" in request.headers.get("range", "bytes=0-") else answers.status(500)
        quern(*command, "--retries", "1", env=scripted.env).expect(3, "0 done")
        bucket.mischief = lambda request, answer: answer
        (disk / "filler").write_bytes(b"x" * (os.statvfs(disk).f_bavail * 4096 - (6 << 20) - 65536))  # room for what is missing
        quern.ok(*command, env=scripted.env)
        assert tree(disk / "x")["new"] == bucket.objects["new"]


def test_destinations_that_cannot_be(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/a", b"1")
    (tmp_path / "file").write_text("x")
    fetch(quern, tmp_path / "file", place=bucket).expect(2, "a file in its way")
    fetch(quern, "/proc/nowhere", place=bucket).expect(2, "no directory can be made at '/proc/nowhere", "--destination-directory")


@pytest.mark.parametrize(("flags", "reason"), [
    (["s3://b/p", "--limit", "3"], "a dataset is whole"),
    (["s3://b/p", "--case-conflict", "warn"], "needs --on-collision nested"), ([], "what is to be fetched"),
    (["s3://b/p", "--s3-bucket-name", "c"], "say the same"), (["s3://b/p", "--workers-per-file", "0"], "workers-per-file"),
    (["s3://b/p", "--max-concurrent-files", "0"], "0' is not a whole number from 1"), (["--s3-bucket-name", "a/b"], "cannot be a bucket's name"),
    (["s3://b/p", "--require-manifest", "--no-manifest-file-name"], "cannot both be"), (["s3://b/p", "--verify", "crc"], "size"),
])
def test_what_makes_no_sense(quern, tmp_path, flags, reason):
    quern("fetch", *flags, cwd=tmp_path).expect(2, reason)
    assert not (tmp_path / "data").exists(), "refused before anything is touched"


def test_the_environment_does_not_name_the_dataset(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/a", b"1")
    of_default = hashlib.md5(b"test-buckettest-prefixeu-west-1").hexdigest()
    for region in ("us-east-1", "eu-central-1"):
        result = fetch(quern, tmp_path, region=None, env=bucket.env | {"AWS_REGION": region}).expect(0)
        assert result.lines == [f"{tmp_path}/{of_default}/a"]
    (tmp_path / "quern.json").write_text('{"s3": {"region": "us-east-1"}}')
    of_file = hashlib.md5(b"test-buckettest-prefixus-east-1").hexdigest()
    for region in ({}, {"AWS_REGION": "eu-central-1"}, {"AWS_DEFAULT_REGION": "us-east-1"}):
        result = fetch(quern, tmp_path, "--config", str(tmp_path / "quern.json"), region=None, env=bucket.env | region).expect(0)
        assert result.lines == [f"{tmp_path}/{of_file}/a"], region


def test_a_directory_is_a_source_too(quern, tmp_path):
    source = tmp_path / "source"
    (source / "n").mkdir(parents=True)
    (source / "a.csv").write_text("1")
    (source / "n/b.csv").write_text("22")
    command = ("fetch", str(source), "--destination-directory", str(source / "copy"), "--dataset-id", "x")
    result = quern.ok(*command)
    assert result.lines == [f"{source}/copy/x/a.csv", f"{source}/copy/x/b.csv"]
    assert "Cache Hit" in quern.ok(*command).stderr, "its own files are no source"
    one = quern.ok("fetch", str(source / "a.csv"), "--destination-directory", str(tmp_path / "d"), "--dataset-id", "")
    assert one.lines == [f"{tmp_path}/d/a.csv"]
    quern("fetch", str(tmp_path / "none"), "--destination-directory", str(tmp_path / "d")).expect(6)


def test_what_json_says(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/a", b"1")
    lines = checked(fetch(quern, tmp_path, "--json", place=bucket).expect(0))
    assert [line["path"] for line in lines["file"]] == [f"{tmp_path}/{F}/a"]
    assert [line["outcome"] for line in lines["document"]] == ["done"]
    lines = checked(fetch(quern, tmp_path, "--json", place=bucket).expect(0))
    assert [(line["outcome"], line["reason"]) for line in lines["document"]] == [("skipped", "up to date")]
    fetch(quern, tmp_path, "--error-on-no-work", place=bucket).expect(9)


def test_colours_on_a_terminal_only(quern, bucket, tmp_path):
    bucket.put(f"{PREFIX}/a", b"1")
    assert "\x1b" not in fetch(quern, tmp_path, place=bucket).expect(0).stderr
    fetch(quern, tmp_path, "--color", "always", place=bucket).expect(0, "\x1b[32mCache Hit\x1b[0m: Local")
    fetch(quern, tmp_path, "--strict-compat", "--force", place=bucket).expect(0, "\x1b[33mForce Cache Refresh\x1b[0m: Down")


def test_kill_until_done(quern, s3, tmp_path):
    """Killed at any moment: what has a final name is whole, old or new; and in the end everything is new."""
    seed = int(os.environ.get("QUERN_TEST_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
    print(f"QUERN_TEST_SEED={seed}")
    chance = random.Random(seed)
    old = {f"{number:03}": b"old %d" % number for number in range(0, 300, 2)} | {"gone": b"x"}
    new = {f"{number:03}": (b"new %03d " % number) * 2000 for number in range(300)} | {"large": chance.randbytes(12_000_000)}
    for name, body in old.items():
        s3.put(f"p/{name}", body)
    command = (
        "fetch", s3.url("p/"), "--destination-directory", str(tmp_path), "--dataset-id", "x", "--multipart-threshold", "1MiB",
        "--part-size", "1MiB", "--json",
    )
    quern.ok(*command, env=s3.env)
    s3.delete("p/gone")
    for name, body in new.items():
        s3.put(f"p/{name}", body)
    kills = 0
    for _ in range(60):
        run = quern.start(*command, env=s3.env)
        time.sleep(chance.uniform(0.01, 0.15))
        run.kill()
        result = run.wait()
        files = {name: body for name, body in tree(tmp_path / "x").items() if not name.startswith(".")}
        files.pop("x.manifest.json", None)
        files.pop("x.manifest.json.part", None)
        for name, body in files.items():
            assert body in (old.get(name), new.get(name)), f"half a file: {name}"
        assert set(old) - {"gone"} <= set(files), "nothing is lost"
        if result.status == 0:
            break
        assert result.status == -signal.SIGKILL, result.explain("neither killed nor done")
        kills += 1
    result = quern.ok(*command, env=s3.env)
    assert kills > 0
    files = tree(tmp_path / "x")
    assert {name: files[name] for name in new} == new and "gone" not in files
    assert files["x.manifest.json"] == manifest(*[(name, len(new[name])) for name in sorted(new)])


def test_a_second_run_only_lists(quern, scripted, tmp_path):
    script_listing(scripted, {f"{number:03}": b"%d" % number for number in range(50)})
    fetch_scripted(quern, scripted, tmp_path).expect(0)
    before = collections.Counter(request.path for request in scripted.requests)
    assert before == collections.Counter(["/bucket"] + [f"/bucket/p/{number:03}" for number in range(50)])
    fetch_scripted(quern, scripted, tmp_path).expect(0, "Cache Hit")
    assert collections.Counter(request.path for request in scripted.requests) - before == {"/bucket": 1}


@pytest.mark.parametrize("names", ["in one folder", "in many"])
def test_whatever_happened_on_both_sides(quern, scripted, tmp_path, names):
    """The last manifest tells what to look at first, and may be wrong about all of it."""
    choose = random.Random(names)
    keys = [f"{number % 7 if names == 'in many' else 0}/{number:05}" for number in range(2500)]
    objects = {key: b"%d" % choose.randrange(1000) for key in keys[::2]}
    for _ in range(6):
        script_listing(scripted, dict(sorted(objects.items())))
        fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x").expect(0)
        there = tree(tmp_path / "x")
        entries = json.loads(there.pop("x.manifest.json"))["files"]
        assert there == {key[2:]: content for key, content in objects.items()}
        assert [(entry["name"], entry["size"]) for entry in entries] == [(key[2:], len(objects[key])) for key in sorted(objects)]
        for key in choose.sample(sorted(objects), 40):
            file = tmp_path / "x" / key[2:]
            choose.choice([file.unlink, lambda file=file: file.write_bytes(b"")])()
        for key in choose.sample(sorted(objects), 40):
            objects[key] += b"!" * choose.randrange(1, 9)
        first = choose.randrange(len(keys) - 100)
        for key in choose.sample(sorted(objects), 20) + [key for key in keys[first : first + 100] if key in objects]:
            objects.pop(key, None)
        for key in choose.sample(keys, 60):
            objects.setdefault(key, b"new, and of no other length")


def test_interrupted(quern, scripted, tmp_path):
    script_listing(scripted, {"a": b"1", "b": b"2"})
    scripted.on("GET", "/bucket/p/b", answers.stall(b"2"))
    run = quern.start("fetch", "s3://bucket/p/", "--destination-directory", str(tmp_path / "d"), env=scripted.env)
    run.wait_until(lambda: scripted.sent("GET", "/bucket/p/b"))
    run.send(signal.SIGINT)
    time.sleep(0.3)
    run.send(signal.SIGINT)
    result = run.wait().expect(130)
    assert result.lines == [] and not list((tmp_path / "d").rglob("*.manifest.json"))
    assert "interrupted; run the same command again to go on" in result.stderr
    assert "could not be fetched" not in result.stderr and "0 failed" in result.stderr


def test_interrupted_when_all_is_done(quern, scripted, tmp_path):
    """What is under way is finished first; when that was all, the run is done and says so."""
    script_listing(scripted, {"a": b"1"})
    scripted.on("GET", "/bucket/p/a", answers.ok(b"1", headers={"ETag": f'"{hashlib.md5(b"1").hexdigest()}"'}, delay=1.0))
    run = quern.start("fetch", "s3://bucket/p/", "--destination-directory", str(tmp_path), "--dataset-id", "x", env=scripted.env)
    run.wait_until(lambda: scripted.sent("GET", "/bucket/p/a"))
    run.send(signal.SIGINT)
    result = run.wait().expect(0, "Finished downloading 1 files")
    assert result.lines == [f"{tmp_path}/x/a"] and "interrupted;" not in result.stderr
    assert tree(tmp_path / "x") == {"a": b"1", "x.manifest.json": manifest(("a", 1))}


@pytest.mark.parametrize("flags", [("--multipart-threshold", "1MiB", "--part-size", "1MiB", "--workers-per-file", "2"), ()], ids=["in parts", "one stream"])
def test_progress_of_one_large_object(quern, scripted, tmp_path, flags):
    """What has come counts before the object is whole, against a total that the plan knows; what an earlier run brought counts in neither."""
    size = 20 << 20
    bucket = FakeBucket(scripted, {"large": random.Random(size).randbytes(size)})
    bucket.mischief = lambda request, answer: dataclasses.replace(answer, rate=(8 << 20) / (2 if "range" in request.headers else 1))
    command = ("fetch", "s3://b/", "--destination-directory", str(tmp_path), "--dataset-id", "x", "--json", *flags)
    if flags:  # some of it is there
        run = quern.start(*command, env=scripted.env)
        run.wait_until(lambda: len(scripted.sent("GET", "/b/large")) > 5)
        run.kill()
        run.wait()
    result = quern.ok(*command, env=scripted.env)
    progress, left = checked(result)["progress"], result.summary["bytes"]
    assert left == size if not flags else 0 < left < size
    under_way = [line for line in progress if line["items_ended"] == 0 and line["bytes"] > 0]
    assert under_way and all(0 < line["bytes"] < left and line["bytes_total"] == left and line["items_total"] == 1 for line in under_way)
    counted = [line["bytes"] for line in progress]
    assert counted == sorted(counted) and progress[-1]["bytes"] == left
    (tmp_path / "x/large").unlink()
    shown = quern("fetch", *command[1:6], *flags, env=scripted.env, terminal=True).expect(0)
    assert re.search(r"0/1 ended, \d+\.\d MiB of 20\.0 MiB, about \d s left, 0 failed, 0 skipped", shown.stderr), shown.explain("movement")


@pytest.mark.parametrize(("size", "flags", "wanted"), [
    (24 << 20, ("--multipart-threshold", "1MiB", "--part-size", "1MiB", "--workers-per-file", "3"), 24),
    (80 << 20, (), 10),
], ids=["in parts", "one stream"])
def test_the_first_signal_leaves_a_large_object_to_the_next_run(quern, scripted, tmp_path, size, flags, wanted):
    """What can be continued is not finished first: the pieces in flight are, and the next run asks for the others alone."""
    bucket = FakeBucket(scripted, {"large": random.Random(size).randbytes(size)})
    bucket.mischief = lambda request, answer: dataclasses.replace(answer, rate=16 << 20)
    command = ("fetch", "s3://b/", "--destination-directory", str(tmp_path), "--dataset-id", "x", "--retries", "1", *flags)
    run = quern.start(*command, env=scripted.env)
    run.wait_until(lambda: sum(request.sent_bytes for request in scripted.sent("GET", "/b/large")) > 12 << 20)
    run.send(signal.SIGINT)
    run.wait().expect(130, "finishing what is in flight", "interrupted; run the same command again to go on", "0 failed, 1 not finished")
    first = sum(request.sent_bytes for request in scripted.sent("GET", "/b/large"))
    left = tree(tmp_path / "x")
    assert first < size * 3 / 4 and len(left) == 2 and all(re.fullmatch(r"\.large\.[0-9a-f]{8}\.(part|state)", name) for name in left)
    bucket.mischief = lambda request, answer: answer
    asked = len(scripted.requests)
    quern.ok(*command, env=scripted.env)
    again = [request for request in scripted.requests[asked:] if request.method == "GET" and request.path == "/b/large"]
    assert all("range" in request.headers for request in again) and 0 < len(again) < wanted, "only what is missing"
    assert tree(tmp_path / "x")["large"] == bucket.objects["large"]


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_a_directory_where_a_file_should_be(quern, scripted, tmp_path, flags):
    """Refused before anything is asked for or changed: no dataset that is half old and half new."""
    script_listing(scripted, {f"f{number}.csv": b"%d" % number for number in range(1, 5)})
    fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x").expect(0)
    for name in ("f1.csv", "f2.csv", "f4.csv"):
        (tmp_path / "x" / name).write_bytes(b"old")
    (tmp_path / "x/f3.csv").unlink()
    (tmp_path / "x/f3.csv").mkdir()
    before, asked = tree(tmp_path / "x"), len(scripted.requests)
    result = fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x", *flags)
    result.expect(2, f"'p/f3.csv' cannot become the file '{tmp_path}/x/f3.csv'", "move it away", "--exclude")
    assert tree(tmp_path / "x") == before and len(scripted.requests) == asked + 1
    (tmp_path / "x/f3.csv").rmdir()
    fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x").expect(0)
    assert [(tmp_path / f"x/f{number}.csv").read_bytes() for number in range(1, 5)] == [b"1", b"2", b"3", b"4"]


def test_keys_that_hold_urls(quern, scripted, tmp_path):
    keys = ("other/http://web/x", "web/http://other/page.html", "web/http://site/page.html")
    script_listing(scripted, {key: key.encode() for key in keys}, prefix="")
    for key in keys:
        etag = hashlib.md5(key.encode()).hexdigest()
        scripted.on("GET", "/bucket/" + urllib.parse.quote(key), answers.ok(key.encode(), headers={"ETag": f'"{etag}"'}))
    command = ("fetch", "s3://bucket/", "--file-pattern", "web/*", "--on-collision", "nested", "--escape-names")
    command += ("--destination-directory", str(tmp_path), "--dataset-id", "x")
    result = quern(*command, env=scripted.env).expect(0, "Found 2 file(s)")
    assert sorted(pathlib.Path(line).read_bytes() for line in result.lines) == sorted(key.encode() for key in keys[1:])


def listed_with(objects, etags):
    """As list_text, with the ETags of multipart uploads: they tell nothing of the content."""
    page = list_text(objects).decode()
    for name, body in objects.items():
        page = page.replace(hashlib.md5(body).hexdigest(), etags[name], 1)
    return page.encode()


def checksum_of(body):
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def test_verify_asks_for_many_checksums_at_once(quern, scripted, tmp_path):
    objects = {f"{number:03}": b"body %03d" % number for number in range(100)}
    etags = {name: f"{number:032x}-2" for number, name in enumerate(objects)}
    for name, body in objects.items():
        headers = {"ETag": f'"{etags[name]}"', "x-amz-checksum-sha256": checksum_of(body)}
        scripted.on("GET", f"/bucket/p/{name}", answers.ok(body, headers=headers))
        scripted.on("HEAD", f"/bucket/p/{name}", answers.ok(body, headers=headers, delay=0.1))
    scripted.on("GET", "/bucket", answers.ok(listed_with(objects, etags)))
    fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x").expect(0)
    (tmp_path / "x/042").write_bytes(b"BODY 042")
    fetched = len(scripted.sent("GET"))
    again = fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x", "--verify", "checksum", "--json").expect(0)
    assert (again.summary["done"], again.summary["skipped"]) == (1, 99) and (tmp_path / "x/042").read_bytes() == b"body 042"
    asked = scripted.sent("HEAD")
    assert len(asked) == 100 and len(scripted.sent("GET")) == fetched + 2, "the list and the one that differs"
    assert asked[-1].time - asked[0].time < 4, "one after the other they take ten seconds"


def test_many_objects_that_are_replaced_meanwhile(quern, scripted, tmp_path):
    objects = {f"{number:03}": b"old" for number in range(60)}
    script_listing(scripted, objects)
    for name in objects:
        new = {"ETag": f'"new-{name}"'}
        body = b"newer " + name.encode()
        scripted.on("GET", f"/bucket/p/{name}", answers.s3_error("PreconditionFailed", "changed", 412), answers.ok(body, headers=new))
        scripted.on("HEAD", f"/bucket/p/{name}", answers.ok(body, headers=new, delay=0.1))
    fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x", "--verify", "etag").expect(0)
    assert tree(tmp_path / "x") == {name: b"newer " + name.encode() for name in objects} | {
        "x.manifest.json": manifest(*[(name, 9, f"new-{name}") for name in objects])
    }
    asked = scripted.sent("HEAD")
    assert len(asked) == 60 and asked[-1].time - asked[0].time < 3, "one after the other they take six seconds"


def test_a_manifest_whose_checksum_is_another(quern, scripted, tmp_path):
    """What decides about deletions is proven first."""
    text = json.dumps({"entries": [{"url": "a"}]}).encode()
    script_listing(scripted, {"a": b"1", "b": b"2", "manifest": text})
    etag = hashlib.md5(text).hexdigest()
    damaged = {"ETag": f'"{etag}"', "x-amz-checksum-sha256": checksum_of(b"another")}
    scripted.on("GET", "/bucket/p/manifest", answers.ok(text, headers=damaged))
    fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x").expect(6, "read the manifest 'p/manifest'", "the bytes that came are not those that the server promised: their SHA256 is")
    scripted.on("GET", "/bucket/p/manifest", answers.ok(text, headers=damaged | {"x-amz-checksum-sha256": checksum_of(text)}))
    result = fetch_scripted(quern, scripted, tmp_path, "--dataset-id", "x").expect(0)
    assert result.lines == [f"{tmp_path}/x/a"] and "range" not in scripted.sent("GET", "/bucket/p/manifest")[-1].headers


@pytest.mark.parametrize("rule", ["error", "nested"])
def test_leftovers_go_in_every_directory(quern, scripted, tmp_path, rule):
    """Also when nothing is to be fetched; what is no file of ours stays."""
    script_listing(scripted, {"a": b"1", "n/c": b"3", "n/m/b": b"2"})
    command = (quern, scripted, tmp_path, "--dataset-id", "x", "--on-collision", rule)
    fetch_scripted(*command).expect(0)
    before = tree(tmp_path / "x")
    directories = ["", "n/", "n/m/"] if rule == "nested" else [""]
    for directory in directories:
        for name in (".b.0123456789abcdef.fetched", ".b.01234567.part", ".b.01234567.state"):
            (tmp_path / "x" / (directory + name)).write_bytes(b"half")
    (tmp_path / "x/.mine").write_bytes(b"keep")
    fetch_scripted(*command).expect(0, "Cache Hit")
    assert tree(tmp_path / "x") == before | {".mine": b"keep"}
