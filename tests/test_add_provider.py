"""quern add-provider: the provider level into the keys of a partition, as impresso-essentials has it (shared/spec/impresso.md 4)."""

import json
import os
import pathlib
import random
import re
import signal
import time

import pytest
import scripted_server as answers
from json_output import checked
from places import Bucket
from program import ROOT
from small_disk import small_disk

GOLDEN = json.loads((ROOT / "tests/impresso/golden-add-provider.json").read_text())
CASES = json.loads((ROOT / "tests/impresso/alias-path-cases.json").read_text())
STAMP = {"impresso-last-ts": "2024-01-01T00:00:00Z", "mtime": "1709577450.524"}


def run(quern, place, partition="", *flags, log="p.log", env=None, **options):
    path = f"--s3-partition-path={place.url(partition)}"
    return quern("add-provider", path, f"--log-file={log}", *flags, env={**place.env, **(env or {})}, **options)


def told(result):
    """The original's lines, without the one at its start that says what will be done."""
    first, *lines = result.lines
    assert first.startswith("Will add the provider level to the contents of ")
    return lines


def logged(quern, log="p.log"):
    """(level, message) of the log file, in the original's form."""
    form = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} __main__     (INFO    |DEBUG   |WARNING |ERROR   ) (.*)")
    matches = [form.fullmatch(line) for line in (quern.directory / log).read_text().splitlines()]
    return [(match[1].strip(), match[2]) for match in matches]


def fill(place, keys):
    for key in keys:
        place.put(key, b"" if key.endswith("/") else key.encode(), STAMP)


@pytest.fixture
def buckets(moto_session):
    """The buckets of the golden runs, empty."""
    places = [Bucket(moto_session, name) for name in ("src-bucket", "dst-bucket")]
    for place in places:
        place.client.create_bucket(Bucket=place.name)
    yield places
    for place in places:
        for key in place.keys():
            place.delete(key)
        place.client.delete_bucket(Bucket=place.name)
    moto_session.check_alive()


@pytest.fixture(params=["s3", "moto"])
def any_bucket(request):
    return request.getfixturevalue(request.param)


# ---- whole runs of the original

SAME = ("no-copy", "inplace-keep", "other-bucket", "root-no-copy", "partition-string-repeats", "txt-and-log")
REFUSED = ("unknown-alias-aborts", "wrong-provider-aborts", "file-at-root-aborts")


def test_every_golden_run_is_judged():
    other = {"other-bucket-dest-exists-remove", "nested-marker-aborts"}
    assert {case["name"] for case in GOLDEN} == {*SAME, *REFUSED, *other}


def golden(name):
    return next(case for case in GOLDEN if case["name"] == name)


def run_golden(quern, buckets, case, *flags):
    source, target = buckets
    given = case["given"]
    fill(source, given["src_keys"])
    for key in given["dst_keys"]:
        target.put(key, b"something else")
    flags = [*flags, f"--dest-bucket={given['dest_bucket']}"]
    flags += ["--remove-src-keys"] if given.get("remove_src_keys") else []
    flags += [] if given.get("perform_copy") else ["--no-copy"]
    return run(quern, source, given["partition"], *flags)


@pytest.mark.parametrize("name", SAME)
def test_golden(quern, buckets, name):
    case = golden(name)
    result = run_golden(quern, buckets, case, "--strict-compat", "--verbose").expect(0)
    assert told(result) == case["expect"]["stdout"]
    assert [place.keys() for place in buckets] == [sorted(case["expect"][keys]) for keys in ("src_keys", "dst_keys")]
    ours = logged(quern)
    assert ours[0] == ("INFO", "Logger successfully initialised")
    wanted = [tuple(line) for line in case["expect"]["log"] if line[0] == "INFO" or line[1].startswith("    Copying")]
    assert [line for line in ours if line in wanted] == wanted


@pytest.mark.parametrize("name", REFUSED)
def test_golden_that_ends_half_way(quern, buckets, name):
    """Q13: what cannot be resolved is said before anything is changed."""
    case = golden(name)
    run_golden(quern, buckets, case).expect(7, case["expect"]["error"]["message"], "nothing was changed")
    assert buckets[0].keys() == sorted(case["given"]["src_keys"]) and buckets[1].keys() == []
    assert ("ERROR", case["expect"]["error"]["message"]) in logged(quern)


def test_golden_folder_markers_are_ignored(quern, buckets):
    run_golden(quern, buckets, golden("nested-marker-aborts")).expect(0)
    assert buckets[0].keys() == ["ACI/issues/", "ACI/issues/ACI-1-issues.jsonl.bz2", "BCUL/ACI/issues/ACI-1-issues.jsonl.bz2"]


def test_golden_existing_destination_is_compared(quern, buckets):
    """I17 and Q14: the original deletes the source here."""
    case = golden("other-bucket-dest-exists-remove")
    result = run_golden(quern, buckets, case, "--strict-compat").expect(1, "has other content", "the source is kept")
    kept = "langident/v1/ACI/ACI-1832.jsonl.bz2"
    assert buckets[0].keys() == sorted([*case["expect"]["src_keys"], kept])
    assert buckets[1].keys() == case["expect"]["dst_keys"]
    assert buckets[0].get(kept) == kept.encode()
    assert buckets[1].get("langident/v1/BCUL/ACI/ACI-1832.jsonl.bz2") == b"something else"
    assert told(result) == [line for line in case["expect"]["stdout"] if "ACI-1832" not in line]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["key"])
def test_alias_and_path(quern, moto, case):
    """I12. A key without one of the endings is no data for the program: "ACI" is then left alone."""
    moto.put(case["key"], b"x")
    result = run(quern, moto, case["partition"], "--no-copy")
    wanted = case["expect"]
    if case["key"] == "ACI":
        assert told(result.expect(0)) == ["    -> Skipping non-jsonl.bz2 file: ACI"]
    elif "error" in wanted:
        result.expect(7, "does not contain the media alias at an expected place.")
    else:
        assert told(result.expect(0))[-1] == f"Debug Mode - would have copied {case['key']} to {wanted['dest_key']}."


# ---- a real partition


@pytest.fixture(scope="session")
def listing():
    """Key, what is done with it, destination: 4405 rows of a real bucket, of shared/corpus beside the repository."""
    path = pathlib.Path(__file__).resolve().parents[2] / "shared/corpus/impresso/listing-langident.tsv"
    if not path.is_file():
        pytest.fail(f"the corpus is missing: '{path}'")
    return [line.split("\t") for line in path.read_text().splitlines()[1:]]


PARTITION = "langident/langident_v1-4-4"


@pytest.fixture(scope="session")
def real_partition(versitygw_session, listing):
    place = Bucket(versitygw_session, "real-partition")
    place.client.create_bucket(Bucket=place.name)
    fill(place, [row[0] for row in listing])
    return place


def test_real_partition_dry(quern, real_partition, listing):
    """I13. The partition is bounded: langident_v1-4-4__AGGREGATED.jsonl.gz is not of it."""
    lines = told(run(quern, real_partition, PARTITION, "--no-copy").expect(0))
    wanted = [f"Debug Mode - would have copied {key} to {to}." for key, action, to in listing if action == "copy"]
    assert len(wanted) == 4268
    assert [line for line in lines if line.startswith("Debug Mode")] == wanted
    assert sum("rocessing" in line for line in lines) == 134
    assert sum(line.startswith("(partition: ") for line in lines) == 1
    assert [line for line in lines if "Skipping" in line] == [
        line for line in lines if line.startswith("    -> Skipping non-jsonl.bz2 file: ") and line.endswith(".json")
    ]
    assert len(lines) <= 4268 + 134 + 1 + 1


def test_real_partition_to_another_bucket(quern, real_partition, s3, listing):
    """I14."""
    flags = [f"--dest-bucket={s3.name}"]
    run(quern, real_partition, PARTITION, *flags, timeout=180).expect(0)
    wanted = {to: key for key, action, to in listing if action == "copy"}
    assert s3.keys() == sorted(wanted)
    for to in random.Random(1).sample(sorted(wanted), 40):
        assert s3.get(to) == wanted[to].encode() and s3.metadata(to) == STAMP
    again = run(quern, real_partition, PARTITION, *flags, "--json", timeout=180).expect(0)
    assert again.summary["done"] == 0 and again.summary["skipped"] == 4268
    checked(again)


def test_in_place_with_removal(quern, s3, listing):
    """I15: several pages of the listing."""
    rows = [row for row in listing if row[1] != "skip"][:1600]
    fill(s3, [row[0] for row in rows])
    s3.put(f"{PARTITION}/langident_v0-0-1.json", b"{}")
    run(quern, s3, PARTITION, "--remove-src-keys", timeout=180).expect(0)
    wanted = [to if action == "copy" else key for key, action, to in rows] + [f"{PARTITION}/langident_v0-0-1.json"]
    assert sum(row[1] == "copy" for row in rows) > 1000
    assert s3.keys() == sorted(wanted)
    assert run(quern, s3, PARTITION, "--remove-src-keys", "--json", timeout=180).expect(0).summary["done"] == 0
    assert s3.keys() == sorted(wanted) and not any("NZZ/NZZ/NZZ/" in key for key in s3.keys())


# ---- single objects

HEADERS = {
    "CacheControl": "no-cache",
    "ContentDisposition": "attachment",
    "ContentEncoding": "bzip2",
    "ContentLanguage": "fr",
    "ContentType": "application/x-bzip2",
}


def test_a_partition_that_is_mistyped(quern, moto):
    moto.put("v1/BL/x.jsonl", b"1")
    for flags in ([], ["--dry-run"]):
        run(quern, moto, "v2", *flags).expect(6, "there is nothing below", "is the partition right?")


def test_all_is_moved_already(quern, moto, other):
    """A second run has nothing to do; a partition that is at neither place is mistyped all the same."""
    fill(moto, ["v1/ACI/ACI-1.jsonl.bz2"])
    to_other = ("--remove-src-keys", f"--dest-bucket={other.name}")
    run(quern, moto, "v1", *to_other).expect(0)
    assert other.keys() == ["v1/BCUL/ACI/ACI-1.jsonl.bz2"] and moto.keys() == []
    run(quern, moto, "v1", *to_other).expect(0, "nothing is left below", "it has been moved")
    run(quern, moto, "v2", *to_other).expect(6, "is the partition right?")
    run(quern, moto, "v1", f"--dest-bucket={other.name}").expect(6, "is the partition right?")


def test_a_partition_that_is_too_deep(quern, moto):
    fill(moto, ["v1/ACI/ACI-1.jsonl.bz2"])
    for flags in ([], ["--dry-run"]):
        run(quern, moto, "v1/ACI", *flags).expect(7, "is 's3://", "v1/ACI/' the level directly above the aliases?")


def test_a_destination_that_is_missing(quern, moto):
    fill(moto, ["v1/ACI/ACI-1.jsonl.bz2"])
    for flags in ([], ["--no-copy"]):
        run(quern, moto, "v1", "--dest-bucket=there-is-no-such-bucket", *flags).expect(6, "nothing can be written to", "NoSuchBucket")


def test_nothing_is_lost(quern, any_bucket):
    any_bucket.put("ACI/ACI-1.jsonl.bz2", b"x", STAMP, Tagging="a=1&b=x%20y", **HEADERS)
    run(quern, any_bucket, "", "--remove-src-keys").expect(0)
    assert any_bucket.keys() == ["BCUL/ACI/ACI-1.jsonl.bz2"]
    found = any_bucket.client.head_object(Bucket=any_bucket.name, Key="BCUL/ACI/ACI-1.jsonl.bz2")
    assert found["Metadata"] == STAMP and {name: found.get(name) for name in HEADERS} == HEADERS
    tags = any_bucket.client.get_object_tagging(Bucket=any_bucket.name, Key="BCUL/ACI/ACI-1.jsonl.bz2")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "1", "b": "x y"}


def test_alias_that_is_a_provider(quern, any_bucket):
    """I16."""
    fill(any_bucket, ["NZZ/NZZ-1900.jsonl.bz2", "NZZ/NZZ/NZZ-1901.jsonl.bz2"])
    run(quern, any_bucket, "", "--remove-src-keys").expect(0)
    assert any_bucket.keys() == ["NZZ/NZZ/NZZ-1900.jsonl.bz2", "NZZ/NZZ/NZZ-1901.jsonl.bz2"]


@pytest.mark.parametrize("other", [{"body": b"y"}, {"body": b"longer"}, {"metadata": {"a": "1"}}, {"ContentType": "text/plain"}])
def test_destination_that_differs(quern, any_bucket, other):
    any_bucket.put("ACI/ACI-1.jsonl.bz2", b"x", STAMP)
    any_bucket.put("BCUL/ACI/ACI-1.jsonl.bz2", **{"body": b"x", "metadata": STAMP, **other})
    any_bucket.put("CL/CL-1.jsonl.bz2", b"x", STAMP)
    run(quern, any_bucket, "", "--remove-src-keys").expect(1, "the source is kept")
    assert any_bucket.keys() == ["ACI/ACI-1.jsonl.bz2", "BCUL/ACI/ACI-1.jsonl.bz2", "BCUL/CL/CL-1.jsonl.bz2"]
    assert any_bucket.get("BCUL/ACI/ACI-1.jsonl.bz2") == other.get("body", b"x")


def test_destination_that_is_equal(quern, any_bucket):
    for key in ("ACI/ACI-1.jsonl.bz2", "BCUL/ACI/ACI-1.jsonl.bz2"):
        any_bucket.put(key, b"x", STAMP)
    lines = told(run(quern, any_bucket).expect(0))
    exists = f"    The destination key BCUL/ACI/ACI-1.jsonl.bz2 already exists in bucket {any_bucket.name}, skipping."
    assert lines == ["Found new alias in key - Now processing ACI from BCUL", exists]
    lines = told(run(quern, any_bucket, "", "--remove-src-keys").expect(0))
    new = f"{any_bucket.name}/BCUL/ACI/ACI-1.jsonl.bz2"
    assert lines[1:] == [exists, f"    Deleting source key ACI/ACI-1.jsonl.bz2 after copy - new location: {new}"]
    assert any_bucket.keys() == ["BCUL/ACI/ACI-1.jsonl.bz2"]


def tagged(place, key, tags):
    place.put(key, b"x", STAMP, **({"Tagging": tags} if tags else {}))


@pytest.mark.parametrize("tags, others", [("a=1", "b=2"), ("a=1", "a=2"), ("a=1&b=2", "a=1"), ("a=1", ""), ("", "a=1")])
def test_destination_with_other_tags(quern, any_bucket, tags, others):
    """Not only how many there are."""
    tagged(any_bucket, "ACI/ACI-1.jsonl.bz2", tags)
    tagged(any_bucket, "BCUL/ACI/ACI-1.jsonl.bz2", others)
    run(quern, any_bucket, "", "--remove-src-keys").expect(1, "has other tags", "the source is kept")
    assert any_bucket.keys() == ["ACI/ACI-1.jsonl.bz2", "BCUL/ACI/ACI-1.jsonl.bz2"]


def test_destination_with_the_same_tags(quern, any_bucket):
    tagged(any_bucket, "ACI/ACI-1.jsonl.bz2", "a=1&b=2")
    tagged(any_bucket, "BCUL/ACI/ACI-1.jsonl.bz2", "b=2&a=1")
    run(quern, any_bucket, "", "--remove-src-keys").expect(0)
    assert any_bucket.keys() == ["BCUL/ACI/ACI-1.jsonl.bz2"]


def put_in_parts(place, key, body):
    upload = place.client.create_multipart_upload(Bucket=place.name, Key=key, Metadata=STAMP)
    target = {"Bucket": place.name, "Key": key, "UploadId": upload["UploadId"]}
    parts = [
        {"PartNumber": n, "ETag": place.client.upload_part(PartNumber=n, Body=piece, **target)["ETag"]}
        for n, piece in ((1, body[: 5 << 20]), (2, body[5 << 20 :]))
    ]
    place.client.complete_multipart_upload(MultipartUpload={"Parts": parts}, **target)


@pytest.mark.parametrize("equal", [True, False])
def test_object_of_several_parts(quern, any_bucket, equal):
    """Its ETag says nothing about a copy: the bytes do."""
    body = os.urandom(6 << 20)
    put_in_parts(any_bucket, "ACI/ACI-1.jsonl.bz2", body)
    if not equal:
        other = body[:-1] + bytes([body[-1] ^ 1])
        any_bucket.put("BCUL/ACI/ACI-1.jsonl.bz2", other, STAMP)
    run(quern, any_bucket, "", "--remove-src-keys").expect(0 if equal else 1)
    assert ("ACI/ACI-1.jsonl.bz2" in any_bucket.keys()) is not equal
    assert (any_bucket.get("BCUL/ACI/ACI-1.jsonl.bz2") == body) is equal
    assert any_bucket.metadata("BCUL/ACI/ACI-1.jsonl.bz2") == STAMP


# ---- where to


@pytest.fixture
def other(moto_session):
    place = Bucket(moto_session, f"other-{time.monotonic_ns()}")
    place.client.create_bucket(Bucket=place.name)
    return place


def test_other_bucket_takes_what_has_its_provider(quern, moto, other):
    """Q15."""
    fill(moto, ["v1/ACI/ACI-1.jsonl.bz2", "v1/SNL/BDC/BDC-1839.jsonl.bz2"])
    run(quern, moto, "v1", f"--dest-bucket={other.name}").expect(0)
    assert other.keys() == ["v1/BCUL/ACI/ACI-1.jsonl.bz2", "v1/SNL/BDC/BDC-1839.jsonl.bz2"]


@pytest.mark.parametrize("form, wanted", [("{}", "v1/"), ("s3://{}", "v1/"), ("s3://{}/", "v1/"), ("s3://{}/w/2/", "w/2/")])
def test_forms_of_the_destination(quern, moto, other, form, wanted):
    fill(moto, ["v1/ACI/ACI-1.jsonl.bz2", "v10/ACI/ACI-1.jsonl.bz2"])
    run(quern, moto, "v1/", f"--dest-bucket={form.format(other.name)}").expect(0)
    assert other.keys() == [f"{wanted}BCUL/ACI/ACI-1.jsonl.bz2"]


def test_two_sources_of_one_destination(quern, moto, other):
    fill(moto, ["ACI/ACI-1.jsonl.bz2", "BCUL/ACI/ACI-1.jsonl.bz2"])
    run(quern, moto, "", f"--dest-bucket={other.name}", "--remove-src-keys").expect(7, "would both become", "nothing was changed")
    assert other.keys() == [] and len(moto.keys()) == 2


def test_two_sources_of_one_destination_in_another_partition(quern, moto):
    """Of the same bucket, too."""
    fill(moto, keys := ["p1/ACI/ACI-1.jsonl.bz2", "p1/BCUL/ACI/ACI-1.jsonl.bz2"])
    result = run(quern, moto, "p1", f"--dest-bucket=s3://{moto.name}/p2", "--remove-src-keys")
    result.expect(7, "would both become", "nothing was changed")
    assert moto.keys() == keys


def test_destination_within_the_partition(quern, moto):
    fill(moto, ["v1/ACI/ACI-1.jsonl.bz2"])
    run(quern, moto, "v1", f"--dest-bucket=s3://{moto.name}/v1/new").expect(2, "lies within the other")
    run(quern, moto, "v1", f"--dest-bucket=s3://{moto.name}/v2").expect(0)
    assert moto.keys() == ["v1/ACI/ACI-1.jsonl.bz2", "v2/BCUL/ACI/ACI-1.jsonl.bz2"]


# ---- what is not known


def test_all_problems_are_told(quern, moto):
    keys = ["ACI/ACI-1.jsonl.bz2", "ANP/ANP-1.jsonl.bz2", "ANJO/ANJO-1.jsonl.bz2", "SNL/CL/CL-1.jsonl.bz2"]
    fill(moto, keys)
    result = run(quern, moto, "", "--remove-src-keys").expect(7, "3 keys have no provider", "--skip-unknown")
    for key in ("ANP/ANP-1.jsonl.bz2", "SNL/CL/CL-1.jsonl.bz2"):
        assert f"The source path {key} does not contain the media alias at an expected place." in result.stderr
    assert "'ANJO'" in result.stderr and "disabled" in result.stderr
    assert moto.keys() == sorted(keys)
    run(quern, moto, "", "--remove-src-keys", "--skip-unknown").expect(0, "It is left alone")
    assert moto.keys() == sorted(["BCUL/ACI/ACI-1.jsonl.bz2", *keys[1:]])


def test_own_table(quern, moto, tmp_path):
    table = tmp_path / "table.json"
    table.write_text(json.dumps({"providers": [{"provider": "KB", "aliases": ["ANP"]}]}))
    fill(moto, ["ANP/ANP-1.jsonl.bz2"])
    run(quern, moto, "", "--provider-map", table).expect(0)
    assert "KB/ANP/ANP-1.jsonl.bz2" in moto.keys()
    table.write_text("{}")
    run(quern, moto, "", "--provider-map", table).expect(2, "providers")
    run(quern, moto, "", "--provider-map", tmp_path / "none.json").expect(2, "none.json")


# ---- the command line


def test_usage(quern, moto):
    quern("add-provider", f"--s3-partition-path={moto.url()}", env=moto.env).expect(2, "--log-file is required")
    quern("add-provider", "--log-file=p.log", env=moto.env).expect(2, "--s3-partition-path is required")


def test_abbreviated_as_the_original(quern, moto):
    fill(moto, ["ACI/ACI-1.jsonl.bz2"])
    quern("add-provider", f"--s3-part={moto.url()}", "--log=p.log", "--no-c", "--rem", "--verb", env=moto.env).expect(0)
    assert moto.keys() == ["ACI/ACI-1.jsonl.bz2"]


def test_first_line_and_log(quern, moto):
    fill(moto, ["ACI/ACI-1.jsonl.bz2"])
    (quern.directory / "p.log").write_text("old\n")
    result = run(quern, moto, "", "--no-copy").expect(0, "plan: 1 objects to copy")
    wanted = f"Will add the provider level to the contents of {moto.url()}, not copying them in bucket {moto.name}, and not deleting the source keys after."
    assert result.lines[0] == wanted
    assert logged(quern)[:2] == [("INFO", "Logger successfully initialised"), ("INFO", wanted)]


def test_json(quern, moto):
    fill(moto, ["ACI/ACI-1.jsonl.bz2", "ACI/x.json"])
    objects = checked(run(quern, moto, "", "--json").expect(0))
    assert [(line["key"], line["outcome"]) for line in objects["document"]] == [("ACI/ACI-1.jsonl.bz2", "done")]


def test_keys_of_destinations_are_redacted(quern, moto):
    fill(moto, ["p/ACI/secret.jsonl.bz2"])
    moto.put("p/BCUL/ACI/secret.jsonl.bz2", b"other")
    result = run(quern, moto, "p", "--redact-keys").expect(1, "has other content")
    assert "secret" not in result.stdout + result.stderr + (quern.directory / "p.log").read_text()


def test_keys_are_redacted(quern, moto):
    fill(moto, ["ACI/secret.jsonl.bz2", "ACI/secret.json", "ANP/secret.txt", "ACI/secret2.jsonl.bz2"])
    moto.put("BCUL/ACI/secret2.jsonl.bz2", b"other")
    for flags in (["--no-copy"], [], ["--skip-unknown", "--verbose"]):
        result = run(quern, moto, "", "--redact-keys", *flags)
        assert "secret" not in result.stdout + result.stderr + (quern.directory / "p.log").read_text()


def test_variables_of_the_originals(quern, s3):
    fill(s3, ["ACI/ACI-1.jsonl.bz2"])
    endpoint = s3.env.get("AWS_ENDPOINT_URL") or s3.env["AWS_ENDPOINT_URL_S3"]
    env = {"SE_ACCESS_KEY": s3.env["AWS_ACCESS_KEY_ID"], "SE_SECRET_KEY": s3.env["AWS_SECRET_ACCESS_KEY"], "SE_HOST_URL": endpoint}
    quern("add-provider", f"--s3-partition-path={s3.url()}", "--log-file=p.log", env=env).expect(0)
    assert "BCUL/ACI/ACI-1.jsonl.bz2" in s3.keys()


# ---- trouble with the server: every answer as we say

ETAG = '"0123456789abcdef0123456789abcdef"'
KEY, NEW = "/bucket/ACI/ACI-1.txt", "/bucket/BCUL/ACI/ACI-1.txt"
ABSENT = answers.status(404)


def head_answer(etag=ETAG, modified="Tue, 02 Jan 2024 03:04:05 GMT", **more):
    return answers.ok(b"", length=5, headers={"ETag": etag, "Last-Modified": modified, "x-amz-meta-a": "1", **more})


def copied(etag=ETAG):
    body = f"<CopyObjectResult><ETag>{etag}</ETag><LastModified>2024-01-02T03:04:05.000Z</LastModified></CopyObjectResult>"
    return answers.ok(answers.xml(body), headers={"Content-Type": "application/xml"})


@pytest.fixture
def one_object(scripted):
    """One source, nothing at its destination but what a test says."""
    scripted.on("GET", "/bucket", answers.list_page([("ACI/ACI-1.txt", 5)]))
    scripted.on("GET", "/bucket/", answers.list_page([("ACI/ACI-1.txt", 5)]))
    scripted.on("HEAD", KEY, head_answer())
    scripted.on("DELETE", KEY, answers.status(204))
    return scripted


def move(quern, server):
    return quern("add-provider", "--s3-partition-path=s3://bucket", "--log-file=p.log", "--remove-src-keys", env=server.env)


def test_requests(quern, one_object):
    one_object.on("HEAD", NEW, ABSENT, head_answer())
    one_object.on("PUT", NEW, copied())
    move(quern, one_object).expect(0)
    (put,) = one_object.sent("PUT", NEW)
    assert put.headers["x-amz-copy-source-if-match"].strip('"') == ETAG.strip('"')
    assert len(one_object.sent("DELETE", KEY)) == 1


def test_error_in_an_answer_of_200(quern, one_object):
    body = answers.xml("<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
    one_object.on("HEAD", NEW, ABSENT)
    one_object.on("PUT", NEW, answers.ok(body, headers={"Content-Type": "application/xml"}))
    result = move(quern, one_object)
    assert result.status in (1, 4) and "AccessDenied" in result.stderr, result.stderr
    assert not one_object.sent("DELETE")


def test_copy_that_is_not_there(quern, one_object):
    """The server says that it was copied, and it was not."""
    one_object.on("HEAD", NEW, ABSENT)
    one_object.on("PUT", NEW, copied())
    move(quern, one_object).expect(1, "is not there after its copy")
    assert not one_object.sent("DELETE")


def test_copy_without_its_metadata(quern, one_object):
    bare = answers.ok(b"", length=5, headers={"ETag": ETAG, "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT"})
    one_object.on("HEAD", NEW, ABSENT, bare)
    one_object.on("PUT", NEW, copied())
    move(quern, one_object).expect(1, "metadata")
    assert not one_object.sent("DELETE")


@pytest.mark.parametrize("code", [403, 400])
def test_only_404_means_absent(quern, one_object, code):
    """Q16."""
    one_object.on("HEAD", NEW, answers.status(code))
    assert move(quern, one_object).status in (1, 2, 4)
    assert not one_object.sent("PUT") and not one_object.sent("DELETE")


def test_no_right_to_write(quern, one_object):
    one_object.on("HEAD", NEW, ABSENT)
    one_object.on("PUT", NEW, answers.s3_error("AccessDenied", "no", 403))
    move(quern, one_object).expect(4, "AccessDenied")
    assert not one_object.sent("DELETE")


def test_no_right_to_remove(quern, one_object):
    one_object.on("HEAD", NEW, ABSENT, head_answer())
    one_object.on("PUT", NEW, copied())
    one_object.on("DELETE", KEY, answers.s3_error("AccessDenied", "no", 403))
    move(quern, one_object).expect(4, "remove it after its copy")


def test_changed_before_the_copy(quern, one_object):
    newer = ETAG.replace("0", "f")
    one_object.on("HEAD", KEY, head_answer(), head_answer(newer))
    one_object.on("HEAD", NEW, lambda request: head_answer(newer) if len(one_object.sent("PUT", NEW)) == 2 else ABSENT)
    one_object.on("PUT", NEW, answers.s3_error("PreconditionFailed", "changed", 412), copied(newer))
    move(quern, one_object).expect(0)
    assert one_object.sent("PUT", NEW)[1].headers["x-amz-copy-source-if-match"].strip('"') == newer.strip('"')


def test_changed_after_the_copy(quern, one_object):
    """Found before the deletion: the newer one stays."""
    newer = ETAG.replace("0", "f")
    one_object.on("HEAD", KEY, head_answer(), head_answer(newer))
    one_object.on("GET", KEY, answers.status(206, b"newer", headers={"ETag": newer, "Content-Range": "bytes 0-4/5"}))
    one_object.on("GET", NEW, answers.status(206, b"older", headers={"ETag": ETAG, "Content-Range": "bytes 0-4/5"}))
    one_object.on("HEAD", NEW, ABSENT, head_answer())
    one_object.on("PUT", NEW, copied())
    move(quern, one_object).expect(1, "the source is kept")
    assert not one_object.sent("DELETE")


@pytest.mark.parametrize("newer", [{"x-amz-meta-a": "2"}, {"x-amz-meta-b": "1"}, {"Cache-Control": "no-cache"}, {"x-amz-tagging-count": "1"}])
def test_metadata_changed_after_the_copy(quern, one_object, newer):
    """Within the same second: neither ETag nor time tells."""
    one_object.on("HEAD", KEY, head_answer(), head_answer(**newer))
    one_object.on("HEAD", NEW, ABSENT, head_answer())
    one_object.on("PUT", NEW, copied())
    move(quern, one_object).expect(1, "the source is kept")
    assert not one_object.sent("DELETE")


def test_tags_changed_after_the_copy(quern, one_object):
    """They are as many, and it has the same time: they are read last of all."""
    tags = {"x-amz-tagging-count": "1"}

    def tag(value):
        body = f"<Tagging><TagSet><Tag><Key>a</Key><Value>{value}</Value></Tag></TagSet></Tagging>"
        return answers.ok(answers.xml(body), headers={"Content-Type": "application/xml"})

    one_object.on("HEAD", KEY, head_answer(**tags))
    one_object.on("GET", KEY, tag("2"))
    one_object.on("HEAD", NEW, ABSENT, head_answer(**tags))
    one_object.on("GET", NEW, tag("1"))
    one_object.on("PUT", NEW, copied())
    move(quern, one_object).expect(1, "has other tags", "the source is kept")
    assert not one_object.sent("DELETE")


def test_copy_without_its_tags(quern, one_object):
    """Counts are what a look shows of them; the copy that has lost some is no reason to delete."""
    tagged = answers.ok(b"", length=5, headers={"ETag": ETAG, "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT", "x-amz-meta-a": "1",
                                                "x-amz-tagging-count": "2"})
    one_object.on("HEAD", KEY, tagged)
    one_object.on("HEAD", NEW, ABSENT, head_answer())
    one_object.on("PUT", NEW, copied())
    move(quern, one_object).expect(1, "has other tags", "the source is kept")
    assert not one_object.sent("DELETE")


def test_no_right_to_read_tags(quern, one_object):
    """The server refuses the whole copy then: nothing is made, nothing is removed."""
    one_object.on("HEAD", NEW, ABSENT)
    one_object.on("PUT", NEW, answers.s3_error("AccessDenied", "not authorized to perform: s3:GetObjectTagging", 403))
    move(quern, one_object).expect(4, "GetObjectTagging")
    assert not one_object.sent("DELETE")


# ---- other places, parts, interrupts, full disks


def test_in_a_directory(quern, directory):
    """A directory is a place as a bucket is."""
    keys = [f"v1/ACI/ACI-{number}.jsonl.bz2" for number in range(5)] + ["v1/ACI/v1.json"]
    for key in keys:
        directory.put(key, key.encode())
    for _ in range(2):
        quern("add-provider", f"--s3-partition-path={directory.url('v1')}", "--log-file=p.log", "--remove-src-keys").expect(0)
        assert directory.keys() == sorted([f"v1/BCUL/ACI/ACI-{number}.jsonl.bz2" for number in range(5)] + ["v1/ACI/v1.json"])
    for number in range(5):
        place = f"v1/BCUL/ACI/ACI-{number}.jsonl.bz2"
        assert directory.get(place) == f"v1/ACI/ACI-{number}.jsonl.bz2".encode()


def test_parts_of_a_partition(quern, s3):
    """Every key belongs to one of the parts."""
    keys = [f"v1/{alias}/{alias}-{number}.jsonl.bz2" for alias in ("ACI", "CL") for number in range(20)]
    fill(s3, keys)
    moved = [run(quern, s3, "v1", "--remove-src-keys", "--json", f"--shard={part}/3").expect(0).summary["done"] for part in range(3)]
    assert sum(moved) == 40 and all(moved)
    assert s3.keys() == sorted(f"v1/BCUL/{key.removeprefix('v1/')}" for key in keys)


@pytest.fixture
def slow_copy(one_object):
    """A copy that takes its time."""
    one_object.on("HEAD", NEW, ABSENT, head_answer())

    def start(quern, seconds):
        answer = copied()
        answer.delay = seconds
        one_object.on("PUT", NEW, answer)
        running = quern.start("add-provider", "--s3-partition-path=s3://bucket", "--log-file=p.log", "--remove-src-keys",
                              env=one_object.env)
        running.wait_until(lambda: one_object.sent("PUT", NEW))
        running.send(signal.SIGINT)
        return running

    return start


def test_interrupted_once(quern, one_object, slow_copy):
    """What is under way is finished, its source included: nothing is half done."""
    assert slow_copy(quern, 1.0).wait(timeout=20).status in (0, 130)
    assert len(one_object.sent("DELETE", KEY)) == 1


def test_interrupted_twice(quern, one_object, slow_copy):
    """At once, and nothing is deleted whose copy was not proven."""
    running = slow_copy(quern, 30)
    time.sleep(0.3)
    assert running.is_running
    running.send(signal.SIGINT)
    result = running.wait(timeout=20).expect(130)
    assert result.seconds < 15 and not one_object.sent("DELETE")


def test_full_disk_for_the_log(quern, s3, tmp_path):
    """The log cannot be kept: that is said, and what was done is right."""
    keys = [f"v1/ACI/ACI-{number:04}.jsonl.bz2" for number in range(300)]
    fill(s3, keys)
    (small := tmp_path / "small").mkdir()
    with small_disk(small, "8k") as under:
        result = run(quern, s3, "v1", "--remove-src-keys", "--verbose", log=small / "p.log", under=under)
    assert result.status == 8 and "log file" in result.stderr, result.stderr
    assert s3.keys() == [f"v1/BCUL/{key.removeprefix('v1/')}" for key in keys]


# ---- killed

KILLS = int(os.environ.get("QUERN_PROVIDER_KILLS", "30"))  # 200 is what the release asks for


def test_killed_and_run_again(quern, s3):
    """At any moment: nothing is lost, nothing is doubled, and in the end all is at its place."""
    chance = random.Random(seed := int(os.environ.get("QUERN_SEED", "5")))
    keys = [f"v1/{alias}/{alias}-{number}.jsonl.bz2" for alias in ("ACI", "CL", "GDL", "NZZ") for number in range(60)]
    providers = {"ACI": "BCUL", "CL": "BCUL", "GDL": "LeTemps", "NZZ": "NZZ"}
    places = {key: f"v1/{providers[key.split('/')[1]]}/{key.removeprefix('v1/')}" for key in keys}
    kills = 0
    while kills < KILLS:
        for key in s3.keys():
            s3.delete(key)
        fill(s3, keys)
        began = time.monotonic()
        for _ in range(10):
            if kills == KILLS:
                break
            running = quern.start(
                "add-provider", f"--s3-partition-path={s3.url('v1')}", "--log-file=p.log", "--remove-src-keys", "--workers=4", env=s3.env
            )
            time.sleep(chance.uniform(0.02, 0.6))
            was_running = running.is_running
            running.kill()
            running.wait()
            kills += was_running
            found = set(s3.keys())
            assert all(key in found or places[key] in found for key in keys), f"seed {seed}"
            if not was_running:
                break
        run(quern, s3, "v1", "--remove-src-keys").expect(0)
        assert s3.keys() == sorted(places.values()), f"seed {seed}, after {time.monotonic() - began:.1f} s"
        for key, place in places.items():
            assert s3.get(place) == key.encode() and s3.metadata(place) == STAMP, f"seed {seed}"
