"""quern set-timestamp: the time of the newest record into the metadata, as impresso-essentials has it (shared/spec/impresso.md 3)."""

import bz2
import datetime
import gzip
import json
import pathlib
import re

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


@pytest.mark.parametrize("options, cases", grouped(), ids=lambda value: str(value) if isinstance(value, tuple) else "")
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
