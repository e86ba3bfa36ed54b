"""quern set-timestamp: the time of the newest record into the metadata, as impresso-essentials has it (shared/spec/impresso.md 3)."""

import bz2
import datetime
import gzip
import hashlib
import json
import pathlib
import random
import re
import time

import pytest
import scripted_server as answers
from json_output import checked
from places import Bucket
from program import ROOT

GOLDEN = json.loads((ROOT / "tests/impresso/golden-set-timestamp.json").read_text())
CASES = json.loads((ROOT / "tests/impresso/timestamp-cases.json").read_text())
NAME = "impresso-last-ts"
RECORDS = [json.dumps({"ts": f"{year}-01-01T00:00:00Z"}) for year in (2020, 2024, 2022)]


def packed(*lines):
    return bz2.compress("".join(line + "\n" for line in lines).encode())


GOOD = packed(*RECORDS)


def run(quern, place, *arguments, env=None, **options):
    return quern("set-timestamp", *arguments, env={**place.env, **(env or {})}, **options)


def head(place, key):
    return place.client.head_object(Bucket=place.name, Key=key)


def modified(place, key):
    return head(place, key)["LastModified"].strftime("%Y-%m-%dT%H:%M:%SZ")


def statistics(result):
    """The four numbers of the original, then ours."""
    text = result.stderr
    theirs = [int(n) for n in re.findall(r"^(?:Total|Skipped|Processed) files: (\d+)$", text, re.M)]
    ours = re.search(
        r"^Updated: (\d+), already set: (\d+), already right: (\d+), no usable record: (\d+), failed: (\d+)$", text, re.M
    )
    return theirs, [int(n) for n in ours.groups()]


# ---- whole runs of the original


@pytest.fixture
def bucket(moto_session):
    """The buckets of the golden runs, empty."""
    place = Bucket(moto_session, "ts-bucket")
    other = Bucket(moto_session, "ts-out")
    for each in (place, other):
        each.client.create_bucket(Bucket=each.name)
    yield place
    for each in (place, other):
        for key in each.keys():
            each.delete(key)
        each.client.delete_bucket(Bucket=each.name)
    moto_session.check_alive()


def expected_exit(arguments, golden):
    """Ours: an object that has the name already is no failure, and any member's name may be asked for."""
    if golden["stderr"] and "already exists" in golden["stderr"][0]:
        return 0
    return 0 if "foo" in arguments else golden["exit"]


def messages(golden):
    """What the original says, without time, place and trace."""
    for line in golden["stderr"]:
        match = re.match(r"<ts> s3_set_timestamp\.py:<line> (\w+): (.*)", line) or re.match(
            r"(s3_set_timestamp\.py: error): (.*)", line
        )
        if match:
            yield match[2]


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_golden(quern, bucket, case):
    for entry in case["objects"]:
        fields = dict(entry.get("put", {}))
        bucket.put(entry["key"], packed(*entry["lines"]), metadata=fields.pop("Metadata", None), **fields)
    for golden in case["runs"]:
        result = run(quern, bucket, *golden["args"])
        assert result.status == expected_exit(golden["args"], golden), result.stderr
        assert result.stdout.splitlines() == golden["stdout"]
        if "foo" in golden["args"]:
            continue
        for message in messages(golden):
            assert message in result.stderr
        for name, wanted in golden["objects_after"].items():
            of_bucket, key = name.split("/", 1)
            found = bucket.client.head_object(Bucket=of_bucket, Key=key)
            assert found["Metadata"] == wanted["metadata"]
            assert found["ContentType"] == wanted["content_type"]
            before = next(entry for entry in case["objects"] if entry["key"] == key.replace("q/", "p/")).get("put", {})
            assert found.get("CacheControl") == before.get("CacheControl")
            assert found.get("StorageClass", "STANDARD") == before.get("StorageClass", "STANDARD")
        assert not [key for key in bucket.keys() if key.endswith(".backup")]


def test_strict_compat_ends_as_the_original(quern, moto):
    moto.put("a.jsonl.bz2", GOOD, {NAME: "x"})
    result = run(quern, moto, "--s3-file", moto.url("a.jsonl.bz2"), "--strict-compat")
    assert result.status == 1
    assert f"[SKIP] Metadata key '{NAME}' already exists." in result.stderr
    assert "Metadata key already exists." in result.stderr


# ---- what is extracted


def grouped():
    """The cases by what the command is told: one run for all objects of a group."""
    groups = {}
    for number, case in enumerate(CASES):
        groups.setdefault((case["ts_key"], case["all_lines"]), []).append((number, case))
    return groups.items()


@pytest.mark.parametrize("options, cases", grouped(), ids=lambda value: "{} {}".format(*value) if isinstance(value, tuple) else "cases")
def test_extraction(quern, moto, options, cases):
    ts_key, all_lines = options
    for number, case in cases:
        moto.put(f"{number:04}.jsonl.bz2", packed(*case["lines"]))
    flags = ["--all-lines"] if all_lines else []
    run(quern, moto, "--s3-prefix", moto.url(), "--ts-key", ts_key, *flags)
    for number, case in cases:
        key = f"{number:04}.jsonl.bz2"
        found = moto.metadata(key).get(NAME)
        wanted = case["expect"].get("value")
        if wanted == case["fallback"]:
            assert abs(seconds(found) - seconds(modified(moto, key))) < 60, case
        elif wanted:
            assert found == wanted, case
        else:  # the original gives up; such a line is a skipped record for us (Q5)
            assert found, case


def seconds(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()


@pytest.fixture(scope="session")
def samples():
    """The records of impresso's schemas, of shared/corpus beside the repository."""
    path = pathlib.Path(__file__).resolve().parents[2] / "shared/corpus/impresso/jsonl"
    if not path.is_dir():
        pytest.fail(f"the corpus is missing: '{path}'")
    return path


def expected_of_samples(samples):
    for name in ("expected.tsv", "expected-2.tsv"):
        for line in (samples / name).read_text().splitlines()[1:]:
            yield line.split("\t")


@pytest.mark.parametrize("ts_key", ["ts", "cdt", "timestamp"])
@pytest.mark.parametrize("mode", ["first", "all"])
def test_real_records(quern, moto, samples, ts_key, mode):
    rows = {row[0]: row[3] for row in expected_of_samples(samples) if row[1:3] == [ts_key, mode]}
    assert rows
    for name in rows:
        moto.put(name, (samples / name).read_bytes())
    before = {name: modified(moto, name) for name in rows}
    result = run(quern, moto, "--s3-prefix", moto.url(), "--ts-key", ts_key, *(["--all-lines"] if mode == "all" else []))
    for name, wanted in rows.items():
        found = moto.metadata(name).get(NAME)
        if wanted == "FALLBACK":
            assert found == before[name], name
        elif re.match(r"\d{4}-", wanted):
            assert found == wanted, name
        else:
            assert found is None, name
            assert result.status == 1


# ---- what is kept, what is written

HEADERS = {
    "CacheControl": "no-cache",
    "ContentDisposition": "attachment",
    "ContentEncoding": "bzip2",
    "ContentLanguage": "fr",
    "ContentType": "application/x-bzip2",
}


@pytest.fixture(params=["s3", "moto"])
def any_bucket(request):
    return request.getfixturevalue(request.param)


def test_nothing_else_changes(quern, any_bucket):
    any_bucket.put("a.jsonl.bz2", GOOD, {"mtime": "1709577450.524", "foo": "Bar"}, Tagging="a=1&b=x%20y", **HEADERS)
    before = head(any_bucket, "a.jsonl.bz2")
    run(quern, any_bucket, "--s3-file", any_bucket.url("a.jsonl.bz2"), "--all-lines").expect(0)
    after = head(any_bucket, "a.jsonl.bz2")
    assert after["Metadata"] == {**before["Metadata"], NAME: "2024-01-01T00:00:00Z"}
    assert {name: after.get(name) for name in HEADERS} == HEADERS
    assert after["ETag"] == before["ETag"]
    assert any_bucket.get("a.jsonl.bz2") == GOOD
    tags = any_bucket.client.get_object_tagging(Bucket=any_bucket.name, Key="a.jsonl.bz2")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "1", "b": "x y"}
    assert any_bucket.keys() == ["a.jsonl.bz2"]


def test_metadata_stay_as_they_were_written(quern, any_bucket):
    """Other programs do not decode them: blanks and encoded words are text to them."""
    written = {"blanks": "a  b", "odd": "=?weird?=", "word": "=?UTF-8?Q?=C3=84M?="}
    any_bucket.put("a.jsonl.bz2", GOOD, written)
    before = any_bucket.metadata("a.jsonl.bz2")
    run(quern, any_bucket, "--s3-file", any_bucket.url("a.jsonl.bz2")).expect(0)
    assert any_bucket.metadata("a.jsonl.bz2") == {**before, NAME: "2020-01-01T00:00:00Z"}
    assert before == written


def test_fallback_does_not_move(quern, any_bucket):
    any_bucket.put("a.jsonl.bz2", packed('{"x":1}'))
    wanted = modified(any_bucket, "a.jsonl.bz2")
    result = run(quern, any_bucket, "--s3-prefix", any_bucket.url())
    assert f"No valid timestamp found in records. Using fallback timestamp: {wanted}" in result.stderr
    assert statistics(result) == ([1, 0, 1], [1, 0, 0, 1, 0])
    again = run(quern, any_bucket, "--s3-prefix", any_bucket.url(), "--force")
    assert any_bucket.metadata("a.jsonl.bz2")[NAME] == wanted
    assert statistics(again) == ([1, 0, 1], [0, 0, 1, 1, 0])


def test_a_right_value_is_not_written_again(quern, any_bucket):
    any_bucket.put("a.jsonl.bz2", GOOD, {NAME: "2020-01-01T00:00:00Z"})
    before = head(any_bucket, "a.jsonl.bz2")["LastModified"]
    result = run(quern, any_bucket, "--s3-prefix", any_bucket.url(), "--force")
    assert statistics(result) == ([1, 0, 1], [0, 0, 1, 0, 0])
    assert head(any_bucket, "a.jsonl.bz2")["LastModified"] == before


def test_prefix(quern, any_bucket):
    """I6 and I7."""
    for key in ("p/good.jsonl.bz2", "p/sub/c.jsonl.bz2", "p2/z.jsonl.bz2"):
        any_bucket.put(key, GOOD)
    any_bucket.put("p/bad.jsonl.bz2", b"no bzip2 at all")
    any_bucket.put("p/d.json", b"{}")
    url = any_bucket.url("p")
    every = ["p/bad.jsonl.bz2", "p/good.jsonl.bz2", "p/sub/c.jsonl.bz2", "p2/z.jsonl.bz2"]
    report = run(quern, any_bucket, "--s3-prefix", url, "--report").expect(0)
    assert report.lines == [any_bucket.url(key) for key in every]
    result = run(quern, any_bucket, "--s3-prefix", url).expect(1, "Error processing timestamps: ", "Skipping file due to error: ")
    assert statistics(result) == ([4, 1, 3], [3, 0, 0, 0, 1])
    assert any_bucket.metadata("p/d.json") == {}
    assert run(quern, any_bucket, "--s3-prefix", url, "--report").expect(0).lines == [any_bucket.url("p/bad.jsonl.bz2")]
    directories = run(quern, any_bucket, "--s3-prefix", url, "--report-dirs").expect(0, "Total directories: 3")
    assert directories.lines == [any_bucket.url("p/")]
    again = run(quern, any_bucket, "--s3-prefix", url).expect(1, "File skipped: p/good.jsonl.bz2")
    assert statistics(again) == ([4, 4, 0], [0, 3, 0, 0, 1])


def test_exact_prefix(quern, moto):
    moto.put("v1/a.jsonl.bz2", GOOD)
    moto.put("v10/a.jsonl.bz2", GOOD)
    run(quern, moto, "--s3-prefix", moto.url("v1"), "--exact-prefix").expect(0)
    assert NAME in moto.metadata("v1/a.jsonl.bz2") and NAME not in moto.metadata("v10/a.jsonl.bz2")


def test_object_uploaded_in_parts(quern, any_bucket):
    """I8: its ETag is no checksum of the content, and a copy may have another."""
    body = packed(*RECORDS) + b"\0" * (6 << 20)
    upload = any_bucket.client.create_multipart_upload(Bucket=any_bucket.name, Key="a.jsonl.bz2")
    target = {"Bucket": any_bucket.name, "Key": "a.jsonl.bz2", "UploadId": upload["UploadId"]}
    parts = [
        {"PartNumber": n, "ETag": any_bucket.client.upload_part(PartNumber=n, Body=piece, **target)["ETag"]}
        for n, piece in ((1, body[: 5 << 20]), (2, body[5 << 20 :]))
    ]
    any_bucket.client.complete_multipart_upload(MultipartUpload={"Parts": parts}, **target)
    run(quern, any_bucket, "--s3-file", any_bucket.url("a.jsonl.bz2"), "--all-lines").expect(0)
    assert any_bucket.metadata("a.jsonl.bz2") == {NAME: "2024-01-01T00:00:00Z"}
    assert any_bucket.get("a.jsonl.bz2") == body and any_bucket.keys() == ["a.jsonl.bz2"]


@pytest.mark.parametrize("key", ["h/a#b.jsonl.bz2", "h/a?b.jsonl.bz2", "h/a%20b+c d.jsonl.bz2", "h/ä.jsonl.bz2"])
def test_keys_are_literal(quern, moto, key):
    moto.put(key, GOOD)
    run(quern, moto, "--s3-file", moto.url(key)).expect(0)
    assert NAME in moto.metadata(key)


def test_output(quern, any_bucket):
    any_bucket.put("a.jsonl.bz2", GOOD, {"foo": "1"}, **HEADERS)
    run(quern, any_bucket, "--s3-file", any_bucket.url("a.jsonl.bz2"), "--output", any_bucket.url("q/b.jsonl.bz2")).expect(0)
    assert any_bucket.metadata("a.jsonl.bz2") == {"foo": "1"}
    assert any_bucket.metadata("q/b.jsonl.bz2") == {"foo": "1", NAME: "2020-01-01T00:00:00Z"}
    assert head(any_bucket, "q/b.jsonl.bz2")["CacheControl"] == "no-cache"
    assert any_bucket.get("q/b.jsonl.bz2") == GOOD


@pytest.mark.parametrize("flags", [[], ["--dry-run"]], ids=["done", "dry"])
def test_output_where_nothing_can_be(quern, moto, tmp_path, flags):
    moto.put("a.jsonl.bz2", GOOD)
    (tmp_path / "there").write_text("x")
    rows = [("s3://there-is-no-such-bucket/b", 6, "nothing can be written to"), (tmp_path / "new", 2, "names no file that is there"),
            (tmp_path / "there", 2, "another kind of place"), (moto.url(), 2, "a key is missing")]
    for output, status, said in rows:
        run(quern, moto, "--s3-file", moto.url("a.jsonl.bz2"), "--output", output, *flags).expect(status, said)
    assert (tmp_path / "there").read_text() == "x"


@pytest.mark.parametrize("flags", [[], ["--report"]], ids=["set", "report"])
def test_a_prefix_that_is_mistyped(quern, moto, flags):
    """Nothing found is a success, as in the original, but a success with a word."""
    moto.put("v1/a.jsonl.bz2", GOOD)
    said = f"nothing below '{moto.url('v2')}' ends in '.jsonl.bz2'"
    run(quern, moto, "--s3-prefix", moto.url("v2"), *flags).expect(0, said)
    for place, more in (moto.url("v2"), ["--strict-compat"]), (moto.url("v1"), []):
        assert "nothing below" not in run(quern, moto, "--s3-prefix", place, *flags, *more).expect(0).stderr


@pytest.mark.parametrize("flags", [[], ["--all-lines"], ["--dry-run"]], ids=["first", "all", "dry"])
def test_output_of_what_has_no_usable_record(quern, any_bucket, flags):
    """It is written all the same, with the value that the object has (Q4)."""
    any_bucket.put("a.jsonl.bz2", packed('{"x":1}'), {"foo": "1", NAME: "2019-01-01T00:00:00Z"})
    out = ["--output", any_bucket.url("q/b.jsonl.bz2"), "--force"]
    run(quern, any_bucket, "--s3-file", any_bucket.url("a.jsonl.bz2"), *out, *flags).expect(0)
    if "--dry-run" in flags:
        assert any_bucket.keys() == ["a.jsonl.bz2"]
    else:
        assert any_bucket.metadata("q/b.jsonl.bz2") == {"foo": "1", NAME: "2019-01-01T00:00:00Z"}


def test_name_in_upper_case(quern, any_bucket):
    any_bucket.put("a.jsonl.bz2", GOOD)
    arguments = ["--s3-prefix", any_bucket.url(), "--metadata-key", "My-TS"]
    run(quern, any_bucket, *arguments).expect(0)
    assert any_bucket.metadata("a.jsonl.bz2") == {"my-ts": "2020-01-01T00:00:00Z"}
    assert statistics(run(quern, any_bucket, *arguments)) == ([1, 1, 0], [0, 1, 0, 0, 0])


def zipped(text):
    return gzip.compress(text.encode(), mtime=0)  # the same for every worker of pytest-xdist


def zstd(body):
    """A frame of one raw block (RFC 8878, 3.1.1)."""
    assert len(body) < 256
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(body)]) + (len(body) << 3 | 1).to_bytes(3, "little") + body


@pytest.mark.parametrize(
    "key, body",
    [
        ("a.jsonl.gz", zipped(RECORDS[1])),
        ("a.jsonl", (RECORDS[1] + "\n").encode()),
        ("plain", RECORDS[1].encode()),
        ("packed", packed(RECORDS[1])),
        ("zipped", zipped(RECORDS[1])),
        ("a.jsonl.zst", zstd(RECORDS[1].encode())),
        ("frames", zstd(b"") + zstd(RECORDS[1].encode())),
        ("members.gz", zipped(RECORDS[1][:9]) + zipped(RECORDS[1][9:])),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_formats(quern, moto, key, body):
    moto.put(key, body)
    run(quern, moto, "--s3-file", moto.url(key)).expect(0)
    assert moto.metadata(key)[NAME] == "2024-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "key, body",
    [("a.jsonl.gz", zipped(RECORDS[0])[:-9]), ("a.jsonl.zst", zstd(b"{}")[:-1]), ("a.gz", b"no gzip")],
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_damaged_in_other_formats(quern, moto, key, body):
    moto.put(key, body)
    run(quern, moto, "--s3-file", moto.url(key), "--all-lines").expect(1, "Error processing timestamps")
    assert moto.metadata(key) == {}


def test_a_ts_that_was_not_asked_for_is_told(quern, moto):
    """Q6: nothing is found, though the records have a time."""
    moto.put("a.jsonl.bz2", GOOD)
    moto.put("b.jsonl.bz2", packed('{"ts": null}'))
    before = modified(moto, "a.jsonl.bz2")
    for flags in ([], ["--all-lines", "--force"]):
        result = run(quern, moto, "--s3-prefix", moto.url(), "--ts-key", "cdt", *flags).expect(0)
        assert re.findall(r"records of '(.*)' have a 'ts', which is not looked at with --ts-key cdt", result.stderr) == ["a.jsonl.bz2"]
    assert moto.metadata("a.jsonl.bz2")[NAME] == before


def test_recheck(quern, moto):
    """Q17: a value that is the time of the run that wrote it."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    moto.put("wrong.jsonl.bz2", GOOD, {NAME: now})
    moto.put("right.jsonl.bz2", GOOD, {NAME: "2019-01-01T00:00:00Z"})
    run(quern, moto, "--s3-prefix", moto.url(), "--recheck").expect(0)
    assert moto.metadata("wrong.jsonl.bz2")[NAME] == "2020-01-01T00:00:00Z"
    assert moto.metadata("right.jsonl.bz2")[NAME] == "2019-01-01T00:00:00Z"


def test_dry_run(quern, moto):
    moto.put("a.jsonl.bz2", GOOD)
    run(quern, moto, "--s3-prefix", moto.url(), "--dry-run").expect(0, f"would set '{NAME}' of 'a.jsonl.bz2' to 2020-01-01T00:00:00Z")
    assert moto.metadata("a.jsonl.bz2") == {}


def test_a_dry_run_promises_nothing_that_is_refused(quern, moto):
    moto.put("a.jsonl.bz2", GOOD, {"x": "y" * 2019})
    for flags in ([], ["--dry-run"]):
        result = run(quern, moto, "--s3-prefix", moto.url(), *flags)
        assert result.status == 1 and "2048 are allowed" in result.stderr and "would set" not in result.stderr, result.stderr


def test_lines_say_whose_they_are(quern, moto):
    moto.put("a.jsonl.bz2", GOOD, {NAME: "x"})
    moto.put("b.jsonl.bz2", b"BZh9 and nothing of it")
    said = run(quern, moto, "--s3-prefix", moto.url()).stderr
    assert f"[SKIP] Metadata key '{NAME}' already exists. ('a.jsonl.bz2')" in said
    assert re.search(r"Skipping file due to error: .* \('b\.jsonl\.bz2'\)$", said, re.M)
    said = run(quern, moto, "--s3-prefix", moto.url(), "--strict-compat").stderr
    assert re.search(rf"\[SKIP\] Metadata key '{NAME}' already exists\.$", said, re.M)


@pytest.fixture
def versions(moto_session):
    """A bucket that keeps versions."""
    place = Bucket(moto_session, "ts-versions")
    place.client.create_bucket(Bucket=place.name)
    place.client.put_bucket_versioning(Bucket=place.name, VersioningConfiguration={"Status": "Enabled"})
    yield place
    found = place.client.list_object_versions(Bucket=place.name)
    for version in found.get("Versions", []) + found.get("DeleteMarkers", []):
        place.client.delete_object(Bucket=place.name, Key=version["Key"], VersionId=version["VersionId"])
    place.client.delete_bucket(Bucket=place.name)


def test_old_versions_that_stay_are_told(quern, versions):
    for n in range(3):
        versions.put(f"{n}.jsonl.bz2", GOOD)
    rows = [(["--dry-run"], "3 objects would be rewritten"), ([], "3 objects were rewritten"), ([], None)]
    for flags, told in rows:
        said = run(quern, versions, "--s3-prefix", versions.url(), "--quiet", *flags).expect(0).stderr
        assert ("keeps versions" in said) == (told is not None) and (told or "") in said, said
        assert told is None or f"{3 * len(GOOD)} B in all" in said, said


@pytest.mark.parametrize("id, answer, told", [
    ("null", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", True),
    ("null", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>", False),
    ("null", None, False),
    ("v1", None, True),
    (None, None, False),
], ids=["from before there were versions", "versions that are kept no more", "not told", "a version", "no versions"])
def test_what_tells_of_versions(quern, scripted, id, answer, told):
    """The object where it can, else the bucket, which is asked once; and what may not be asked is no trouble."""
    extra = {"x-amz-version-id": id} if id else {}
    scripted.on("HEAD", KEY, head_answer(extra=extra), head_answer(extra=extra, **STAMPED))
    scripted.on("GET", KEY, part_answer)
    scripted.on("PUT", KEY, copied())
    scripted.on("GET", "/bucket", answers.ok(answers.xml(answer)) if answer else answers.s3_error("AccessDenied", "no", 403))
    assert ("keeps versions: 1 objects" in set_one(quern, scripted).expect(0).stderr) == told
    assert len(scripted.sent("GET", "/bucket")) == (id == "null")


def journal_of(result):
    return [json.loads(line) for line in pathlib.Path(result.summary["journal"]).read_text().splitlines()]


def test_the_journal_has_what_was_there_before(quern, moto):
    moto.put("a.jsonl.bz2", GOOD)
    moto.put("b.jsonl.bz2", b"no bzip2")
    moto.put("c.jsonl.bz2", GOOD, {NAME: "x"})
    result = run(quern, moto, "--s3-prefix", moto.url(), "--json").expect(1)
    *lines, end = journal_of(result)
    assert (end["type"], end["status"]) == ("end", "failures")
    lines = [line for line in lines if line["type"] == "rewrite"]
    etag = hashlib.md5(GOOD).hexdigest()
    assert lines == [{"type": "rewrite", "key": "a.jsonl.bz2", "etag_before": etag, "result": "done"}]


def test_the_journal_has_what_could_not_be_written(quern, scripted):
    scripted.on("HEAD", KEY, head_answer())
    scripted.on("GET", KEY, part_answer)
    scripted.on("PUT", KEY, answers.s3_error("AccessDenied", "no", 403))
    (line,) = [line for line in journal_of(set_one(quern, scripted, "--json")) if line["type"] == "rewrite"]
    assert line["etag_before"] == ETAG.strip('"') and line["result"] == "failed"


def test_json(quern, moto):
    moto.put("a.jsonl.bz2", GOOD)
    found = checked(run(quern, moto, "--s3-prefix", moto.url(), "--report", "--json").expect(0))["found"]
    assert [line["url"] for line in found] == [moto.url("a.jsonl.bz2")]
    done = checked(run(quern, moto, "--s3-prefix", moto.url(), "--json").expect(0))["document"]
    assert [(line["key"], line["outcome"]) for line in done] == [("a.jsonl.bz2", "done")]


def test_keys_are_redacted(quern, moto):
    moto.put("secret.jsonl.bz2", GOOD)
    moto.put("secret2.jsonl.bz2", packed("{", '{"x":1}'))
    for flags in (["--report"], [], ["--force", "--all-lines"]):
        result = run(quern, moto, "--s3-prefix", moto.url(), "--redact-keys", *flags)
        assert "secret" not in result.stdout + result.stderr


@pytest.mark.parametrize("mode", [[], ["--json"], ["--verbose"]], ids=["text", "json", "verbose"])
def test_keys_of_failures_are_redacted(quern, moto, scripted, mode):
    """What the store says of them names the key, as it is and in a URL."""
    for server in (moto, scripted):
        url = "s3://{}/{}".format(getattr(server, "name", "bucket"), "a secret.jsonl.bz2")
        result = run(quern, server, "--s3-file", url, "--redact-keys", "--quiet", *mode)
        plan = [line for line in result.lines if '"plan"' in line]  # which says what was asked for
        said = result.stdout.replace(*(plan[0], "") if plan else ("", "")) + result.stderr
        assert result.status == 6 and "secret" not in said, said
    listing = [answers.list_page([("secret.jsonl.bz2", 5)])]
    scripted.on("GET", "/bucket", *listing)
    scripted.on("HEAD", "/bucket/secret.jsonl.bz2", answers.status(403))
    for flags in ([], ["--report"]):
        result = run(quern, scripted, "--s3-prefix", "s3://bucket/", "--redact-keys", *flags, *mode)
        assert "secret" not in result.stdout + result.stderr, result.stderr


# ---- backups of the original


def test_backups(quern, any_bucket):
    for key in ("a.jsonl.bz2", "a.jsonl.bz2.backup", "b.jsonl.bz2", "gone.jsonl.bz2.backup"):
        any_bucket.put(key, GOOD)
    any_bucket.put("b.jsonl.bz2.backup", packed("{}"))
    everything = any_bucket.keys()
    arguments = ["--s3-prefix", any_bucket.url(), "--remove-backups"]
    asked = run(quern, any_bucket, *arguments).expect(2, "say --yes")
    assert asked.lines == [any_bucket.url("a.jsonl.bz2.backup")] and any_bucket.keys() == everything
    run(quern, any_bucket, *arguments, "--yes", "--dry-run").expect(0)
    assert any_bucket.keys() == everything
    run(quern, any_bucket, *arguments, "--yes").expect(0, "its object has other content", "there is no object that it is the backup of")
    assert any_bucket.keys() == [key for key in everything if key != "a.jsonl.bz2.backup"]


LOST = {"CacheControl": "no-cache", "ContentDisposition": "attachment", "ContentLanguage": "fr", "ContentType": "application/x-bzip2"}


@pytest.mark.parametrize("only_in_backup, named", [(LOST, "cache-control, content-disposition, content-language"), ({"metadata": {"foo": "1"}}, "foo"),
                                                   ({"metadata": {"bar": "2"}}, "bar"), ({"Tagging": "a=1"}, "tags")],
                         ids=["headers", "metadata", "other value", "tags"])
def test_a_backup_that_has_more_than_its_object(quern, any_bucket, only_in_backup, named):
    """The original's rewrite loses headers (Q1): the backup is all that is left of them."""
    base = {"ContentType": "application/x-bzip2"}
    any_bucket.put("a.jsonl.bz2", GOOD, {"bar": "1", NAME: "2020-01-01T00:00:00Z"}, **base)
    any_bucket.put("a.jsonl.bz2.backup", GOOD, **{"metadata": {"bar": "1"}, **base, **only_in_backup})
    kept = f"'a.jsonl.bz2.backup' is kept: its object does not have its {named}"
    run(quern, any_bucket, "--s3-prefix", any_bucket.url(), "--remove-backups", "--yes").expect(0, kept)
    assert any_bucket.keys() == ["a.jsonl.bz2", "a.jsonl.bz2.backup"]


def test_a_backup_that_its_object_has_all_of(quern, any_bucket):
    """The time is what the rewrite was for."""
    for key, more in (("a.jsonl.bz2", {"new": "1", NAME: "2020-01-01T00:00:00Z"}), ("a.jsonl.bz2.backup", {NAME: "2019-01-01T00:00:00Z"})):
        any_bucket.put(key, GOOD, {"foo": "1", **more}, Tagging="a=1", **LOST)
    run(quern, any_bucket, "--s3-prefix", any_bucket.url(), "--remove-backups", "--yes").expect(0)
    assert any_bucket.keys() == ["a.jsonl.bz2"]


# ---- bad input


@pytest.mark.parametrize(
    "body, message",
    [
        (b"", "Error processing timestamps"),
        (GOOD[:-9], "Error processing timestamps"),
        (b"BZh9 and no more of it", "Error processing timestamps"),
    ],
    ids=["empty", "truncated", "no block"],
)
def test_damaged(quern, moto, body, message):
    moto.put("a.jsonl.bz2", body)
    run(quern, moto, "--s3-prefix", moto.url(), "--all-lines").expect(1, message)
    assert moto.metadata("a.jsonl.bz2") == {}


def test_truncated_behind_the_first_record(quern, moto):
    blocks = bz2.compress((RECORDS[0] + "\n").encode()) + GOOD[:20]
    moto.put("a.jsonl.bz2", blocks)
    run(quern, moto, "--s3-prefix", moto.url()).expect(0)
    assert moto.metadata("a.jsonl.bz2")[NAME] == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("body", [GOOD + b"junk behind the last stream", GOOD + GOOD, packed() + GOOD], ids=["junk", "streams", "empty stream"])
def test_streams(quern, moto, body):
    moto.put("a.jsonl.bz2", body)
    run(quern, moto, "--s3-prefix", moto.url(), "--all-lines").expect(0)
    assert moto.metadata("a.jsonl.bz2")[NAME] == "2024-01-01T00:00:00Z"


def test_bad_lines_are_named(quern, moto):
    moto.put("a.jsonl.bz2", packed("{", '{"ts": 5}', "[1]", '{"ts": "yesterday"}', "", RECORDS[0]))
    result = run(quern, moto, "--s3-prefix", moto.url(), "--all-lines").expect(0)
    told = re.findall(r"Skipping invalid record: .* \(line (\d+) of 'a.jsonl.bz2'\)\. Line content: (.*)", result.stderr)
    assert told == [("1", "{"), ("2", '{"ts": 5}'), ("3", "[1]"), ("4", '{"ts": "yesterday"}'), ("5", "")]
    assert moto.metadata("a.jsonl.bz2")[NAME] == "2020-01-01T00:00:00Z"


def test_a_file_that_is_none_of_it(quern, moto):
    moto.put("a.png", b"\x89PNG\r\n")
    run(quern, moto, "--s3-file", moto.url("a.png")).expect(1, "neither compressed nor lines of JSON objects")
    run(quern, moto, "--s3-file", moto.url("absent.jsonl.bz2")).expect(6, "absent.jsonl.bz2")
    run(quern, moto, "--s3-prefix", "s3://there-is-no-such-bucket/").expect(6)


# ---- trouble with the server: every answer as we say

ETAG = '"0123456789abcdef0123456789abcdef"'
KEY = "/bucket/a.jsonl.bz2"


def headers(etag=ETAG, **metadata):
    return {
        "ETag": etag,
        "Last-Modified": "Tue, 02 Jan 2024 03:04:05 GMT",
        "Accept-Ranges": "bytes",
        **{f"x-amz-meta-{name}": value for name, value in metadata.items()},
    }


def head_answer(etag=ETAG, body=GOOD, extra=None, **metadata):
    return answers.ok(b"", length=len(body), headers={**headers(etag, **metadata), **(extra or {})})


def part_answer(request, etag=ETAG, body=GOOD):
    first, last = (int(n) for n in re.match(r"bytes=(\d+)-(\d+)", request.headers["range"]).groups())
    piece = body[first : last + 1]
    fields = {**headers(etag), "Content-Range": f"bytes {first}-{first + len(piece) - 1}/{len(body)}"}
    return answers.status(206, piece, headers=fields)


def copied(etag=ETAG):
    body = f"<CopyObjectResult><ETag>{etag}</ETag><LastModified>2024-01-02T03:04:05.000Z</LastModified></CopyObjectResult>"
    return answers.ok(answers.xml(body), headers={"Content-Type": "application/xml"})


def set_one(quern, scripted, *flags, **options):
    return quern("set-timestamp", "--s3-file", "s3://bucket/a.jsonl.bz2", *flags, env=scripted.env, **options)


STAMPED = {NAME: "2020-01-01T00:00:00Z"}


def test_requests(quern, scripted):
    """What is read and what is written hang on the ETag of the HEAD; one range is all that is read."""
    scripted.on("HEAD", KEY, head_answer(foo="1"), head_answer(foo="1", **STAMPED))
    scripted.on("GET", KEY, part_answer)
    scripted.on("PUT", KEY, copied())
    set_one(quern, scripted).expect(0)
    (get,) = scripted.sent("GET", KEY)
    (put,) = scripted.sent("PUT", KEY)
    assert get.headers["if-match"].strip('"') == ETAG.strip('"')
    assert put.headers["x-amz-copy-source-if-match"].strip('"') == ETAG.strip('"')
    assert put.headers["x-amz-metadata-directive"] == "REPLACE"
    assert put.headers["x-amz-meta-foo"] == "1" and put.headers[f"x-amz-meta-{NAME}"] == "2020-01-01T00:00:00Z"
    assert len(scripted.sent("HEAD", KEY)) == 2


def test_only_the_beginning_is_read(quern, moto, tmp_path):
    chance = random.Random(1)
    lines = [json.dumps({"ts": "2020-01-01T00:00:00Z", "x": chance.randbytes(600).hex()}) for _ in range(9000)]
    body = packed(*lines)
    assert len(body) > 4 << 20
    moto.put("a.jsonl.bz2", body)
    summary = run(quern, moto, "--s3-file", moto.url("a.jsonl.bz2"), "--json").expect(0).summary
    assert summary["bytes_in"] < 1 << 20
    assert moto.metadata("a.jsonl.bz2")[NAME] == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("in_front", [7_000, 20_000, 890_000, 2_000_000])
def test_a_first_usable_record_that_is_late(quern, moto, in_front):
    """Behind the beginning of the first block, in the rest of it, in a later block."""
    chance = random.Random(in_front)
    useless = [json.dumps({"x": "".join(chance.choices("abcdefgh ", k=980))}) for _ in range(in_front // 1000)]
    moto.put("a.jsonl.bz2", packed(*useless, *RECORDS))
    run(quern, moto, "--s3-file", moto.url("a.jsonl.bz2")).expect(0)
    assert moto.metadata("a.jsonl.bz2")[NAME] == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("flags, year", [([], 2020), (["--all-lines"], 2024)])
def test_a_randomised_block(quern, moto, flags, year):
    """As bzip2 before 0.9.5 could write them. In so short a text nothing is changed by it."""
    body = bytearray(GOOD)
    body[14] |= 0x80
    assert bz2.decompress(body) == bz2.decompress(GOOD)
    moto.put("a.jsonl.bz2", bytes(body))
    run(quern, moto, "--s3-file", moto.url("a.jsonl.bz2"), *flags).expect(0)
    assert moto.metadata("a.jsonl.bz2")[NAME] == f"{year}-01-01T00:00:00Z"


def test_changed_between_scan_and_copy(quern, scripted):
    other = ETAG.replace("0", "f")
    newer = packed(RECORDS[1])
    scripted.on("HEAD", KEY, head_answer(), head_answer(other, newer), head_answer(other, newer, **{NAME: "2024-01-01T00:00:00Z"}))
    scripted.on("GET", KEY, part_answer, lambda request: part_answer(request, other, newer))
    scripted.on("PUT", KEY, answers.s3_error("PreconditionFailed", "it changed", 412), copied(other))
    set_one(quern, scripted).expect(0, "reading it again")
    _, second = scripted.sent("PUT", KEY)
    assert second.headers[f"x-amz-meta-{NAME}"] == "2024-01-01T00:00:00Z"


def test_ranges_are_on_their_way_while_one_is_read(quern, scripted):
    """The second is asked for before the first has come; all hang on the ETag, cover the object once, and their lines are whole."""
    chance = random.Random(2)
    lines = [json.dumps({"ts": f"{2000 + n % 23}-01-01T00:00:00Z", "x": chance.randbytes(700).hex()}) for n in range(6000)]
    body = packed(*lines, RECORDS[1], *lines[:50])
    assert len(body) > 4 << 20

    def slowly(request):
        answer = part_answer(request, body=body)
        answer.delay = 0.2
        return answer

    scripted.on("HEAD", KEY, head_answer(body=body), head_answer(body=body), head_answer(body=body, **{NAME: "2024-01-01T00:00:00Z"}))
    scripted.on("GET", KEY, slowly)
    scripted.on("PUT", KEY, copied())
    set_one(quern, scripted, "--all-lines").expect(0)
    gets = scripted.sent("GET", KEY)
    ranges = sorted(tuple(map(int, request.headers["range"][len("bytes="):].split("-"))) for request in gets)
    assert ranges[0][0] == 0 and ranges[-1][1] == len(body) - 1
    assert all(before[1] + 1 == after[0] for before, after in zip(ranges, ranges[1:]))
    assert {request.headers["if-match"] for request in gets} == {ETAG}
    assert gets[1].time - gets[0].time < 0.15
    assert scripted.sent("PUT", KEY)[0].headers[f"x-amz-meta-{NAME}"] == "2024-01-01T00:00:00Z"


def test_changed_between_two_ranges(quern, scripted):
    """The second range is of another object: what was read of the first counts for nothing."""
    chance = random.Random(3)
    body = packed(*(json.dumps({"ts": "2099-01-01T00:00:00Z", "x": chance.randbytes(700).hex()}) for _ in range(4000)))
    other = ETAG.replace("0", "f")

    def part(request):
        if request.headers["if-match"] == other:
            return part_answer(request, other)
        if request.headers["range"].startswith("bytes=0-"):
            return part_answer(request, body=body)
        return answers.s3_error("PreconditionFailed", "it changed", 412)

    scripted.on("HEAD", KEY, head_answer(body=body), head_answer(other), head_answer(other), head_answer(other, **{NAME: "2024-01-01T00:00:00Z"}))
    scripted.on("GET", KEY, part)
    scripted.on("PUT", KEY, copied(other))
    set_one(quern, scripted, "--all-lines").expect(0, "reading it again")
    (put,) = scripted.sent("PUT", KEY)
    assert put.headers[f"x-amz-meta-{NAME}"] == "2024-01-01T00:00:00Z"


# ---- more than one copy can take

LARGE = (5 << 30) + 1


def large(quern, scripted, tags):
    """An object of more than 5 GiB of whose first line alone we hear; `tags` answers the question for its tags."""
    shown = {"x-amz-tagging-count": "2", "x-amz-storage-class": "STANDARD_IA", "Cache-Control": "no-cache"}

    def about(**metadata):
        return answers.ok(b"", length=LARGE, headers={**headers(foo="1", **metadata), **shown})

    def get(request):
        if "tagging" in request.query:
            return tags
        first, last = (int(n) for n in re.match(r"bytes=(\d+)-(\d+)", request.headers["range"]).groups())
        piece = (GOOD + bytes(last))[first : last + 1]
        return answers.status(206, piece, headers={**headers(), "Content-Range": f"bytes {first}-{last}/{LARGE}"})

    def post(request):
        if "uploads" in request.query:
            body = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
        else:
            body = '<CompleteMultipartUploadResult><ETag>"0123456789abcdef0123456789abcdef-6"</ETag></CompleteMultipartUploadResult>'
        return answers.ok(answers.xml(body), headers={"Content-Type": "application/xml"})

    part = f"<CopyPartResult><ETag>{ETAG}</ETag><LastModified>2024-01-02T03:04:05.000Z</LastModified></CopyPartResult>"
    scripted.on("HEAD", KEY, about(), about(**STAMPED))
    scripted.on("GET", KEY, get)
    scripted.on("POST", KEY, post)
    scripted.on("PUT", KEY, answers.ok(answers.xml(part), headers={"Content-Type": "application/xml"}))
    scripted.on("DELETE", KEY, answers.status(204))
    return set_one(quern, scripted)


def test_more_than_5_gib(quern, scripted):
    """Q3: in parts, which carry nothing along by themselves."""
    tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>x y</Value></Tag></TagSet></Tagging>"
    large(quern, scripted, answers.ok(answers.xml(tags), headers={"Content-Type": "application/xml"})).expect(0)
    begin, end = scripted.sent("POST", KEY)
    assert begin.headers["x-amz-meta-foo"] == "1" and begin.headers[f"x-amz-meta-{NAME}"] == STAMPED[NAME]
    assert begin.headers["x-amz-storage-class"] == "STANDARD_IA" and begin.headers["cache-control"] == "no-cache"
    assert begin.headers["x-amz-tagging"] in ("a=1&b=x%20y", "a=1&b=x+y")
    parts = sorted(scripted.sent("PUT", KEY), key=lambda request: int(request.query["partNumber"]))
    ranges = [tuple(map(int, request.headers["x-amz-copy-source-range"][len("bytes="):].split("-"))) for request in parts]
    assert ranges[0][0] == 0 and ranges[-1][1] == LARGE - 1 and all(a[1] + 1 == b[0] for a, b in zip(ranges, ranges[1:]))
    assert {request.headers["x-amz-copy-source-if-match"] for request in parts} == {ETAG}
    assert end.query["uploadId"] == "u1" and not scripted.sent("DELETE", KEY)


def test_no_right_to_read_tags(quern, scripted):
    """They would be lost, so nothing is written."""
    large(quern, scripted, answers.s3_error("AccessDenied", "no", 403)).expect(4, "AccessDenied")
    assert not scripted.sent("PUT", KEY) and not scripted.sent("POST", KEY)


def test_changed_all_the_time(quern, scripted):
    scripted.on("HEAD", KEY, head_answer())
    scripted.on("GET", KEY, part_answer)
    scripted.on("PUT", KEY, answers.s3_error("PreconditionFailed", "it changed", 412))
    set_one(quern, scripted).expect(1)
    assert len(scripted.sent("PUT", KEY)) == 2


def test_error_in_an_answer_of_200(quern, scripted):
    body = answers.xml("<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
    scripted.on("HEAD", KEY, head_answer())
    scripted.on("GET", KEY, part_answer)
    scripted.on("PUT", KEY, answers.ok(body, headers={"Content-Type": "application/xml"}))
    result = set_one(quern, scripted)
    assert result.status in (1, 4) and "AccessDenied" in result.stderr, result.stderr


def test_no_right_to_write(quern, scripted):
    scripted.on("HEAD", KEY, head_answer())
    scripted.on("GET", KEY, part_answer)
    scripted.on("PUT", KEY, answers.s3_error("AccessDenied", "no", 403))
    set_one(quern, scripted).expect(4, "AccessDenied")


def test_metadata_that_would_be_lost(quern, scripted):
    scripted.on("HEAD", KEY, head_answer(extra={"x-amz-missing-meta": "2"}))
    result = set_one(quern, scripted)
    assert result.status in (1, 2) and "x-amz-missing-meta" in result.stderr
    assert not scripted.sent("GET", KEY) and not scripted.sent("PUT", KEY)


def test_server_that_keeps_no_metadata(quern, scripted):
    scripted.on("HEAD", KEY, head_answer())
    scripted.on("GET", KEY, part_answer)
    scripted.on("PUT", KEY, copied())
    set_one(quern, scripted).expect(1, f"does not show the metadata '{NAME}'")


# ---- the variables of the originals


def without_aws(place):
    return {
        "SE_ACCESS_KEY": place.env["AWS_ACCESS_KEY_ID"],
        "SE_SECRET_KEY": place.env["AWS_SECRET_ACCESS_KEY"],
        "SE_HOST_URL": place.env.get("AWS_ENDPOINT_URL") or place.env["AWS_ENDPOINT_URL_S3"],
        "SE_REGION": "us-east-1",
    }


def test_variables_of_the_originals(quern, s3):
    s3.put("a.jsonl.bz2", GOOD)
    quern("set-timestamp", "--s3-prefix", s3.url(), env=without_aws(s3)).expect(0)
    assert NAME in s3.metadata("a.jsonl.bz2")


def test_variables_of_the_originals_come_first(quern, s3):
    s3.put("a.jsonl.bz2", GOOD)
    wrong = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_SESSION_TOKEN": "z", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    quern("set-timestamp", "--s3-prefix", s3.url(), env={**wrong, **without_aws(s3)}).expect(0)


def test_dotenv_of_the_originals(quern, s3, tmp_path):
    s3.put("a.jsonl.bz2", GOOD)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in without_aws(s3).items()))
    quern("set-timestamp", "--s3-prefix", s3.url(), cwd=tmp_path).expect(0)


def test_secrets_are_not_shown(quern):
    result = quern("set-timestamp", "--s3-prefix", "s3://b/", "--print-config", env={"SE_ACCESS_KEY": "AKSHOWN", "SE_SECRET_KEY": "SKSHOWN"})
    assert "SHOWN" not in result.stdout + result.stderr


# ---- killed


@pytest.mark.release_only
def test_memory_of_many_objects_at_once(quern, tmp_path):
    """20 objects whose every line is read: what is held does not grow with their number or size."""
    chance = random.Random(4)
    body = packed(*(json.dumps({"ts": "2024-01-01T00:00:00Z", "x": chance.randbytes(900).hex()}) for _ in range(2500)))
    assert len(body) > 2 << 20
    for number in range(20):
        (tmp_path / f"{number:02}.jsonl.bz2").write_bytes(body)
    result = quern("set-timestamp", "--s3-prefix", f"{tmp_path}/", "--all-lines", "--dry-run", measure=True, timeout=120).expect(0)
    assert "Total files: 20" in result.stderr and result.peak_bytes < 150_000_000


def test_killed_runs_end_where_an_undisturbed_one_does(quern, s3):
    keys = [f"{number:03}.jsonl.bz2" for number in range(60)]
    for key in keys:
        s3.put(key, GOOD, {"foo": key})
    for moment in (0.03, 0.06, 0.1, 0.15):
        running = quern.start("set-timestamp", "--s3-prefix", s3.url(), "--workers", "2", env=s3.env)
        time.sleep(moment)
        running.kill()
        running.wait()
    run(quern, s3, "--s3-prefix", s3.url()).expect(0)
    assert s3.keys() == keys
    for key in keys:
        assert s3.metadata(key) == {"foo": key, NAME: "2020-01-01T00:00:00Z"} and s3.get(key) == GOOD
