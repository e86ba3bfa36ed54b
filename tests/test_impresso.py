"""quern set-timestamp and add-provider beside the scripts of impresso-essentials 1.6.0: equal results, and each goes on from what the other wrote."""

import bz2
import json
import pathlib
import re
import subprocess

import pytest
from program import ROOT
from servers import ACCESS_KEY, REGION, SECRET_KEY

NAME = "impresso-last-ts"
MTIME = "1709577450.524"


@pytest.fixture(scope="session")
def original():
    """The Python that has impresso-essentials; installed where it is missing (40 MB)."""
    done = subprocess.run([ROOT / "scripts/install-impresso"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.strip()) / "bin/python"


@pytest.fixture
def theirs(quern, original, tmp_path):
    """A function that runs one of their scripts on a place."""

    def run(place, script, *arguments, status=0):
        environment = quern.environment({
            "SE_ACCESS_KEY": ACCESS_KEY, "SE_SECRET_KEY": SECRET_KEY, "SE_REGION": REGION, "SE_HOST_URL": place.server.url,
            "AWS_DEFAULT_REGION": REGION,
        })
        command = [original, ROOT / "tests/impresso/run.py", script, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, cwd=tmp_path)
        assert done.returncode == status, done.stderr
        return done

    return run


@pytest.fixture(params=["s3", "moto"])
def bucket(request):
    return request.getfixturevalue(request.param)


def packed(*lines, streams=1):
    """JSON lines, in as many streams of bzip2 as are asked for, which break where they will."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines).encode()
    step = -(-len(text) // streams)
    return b"".join(bz2.compress(text[at : at + step]) for at in range(0, len(text), step))


def day(n):
    return f"20{n:02}-03-04T05:06:07Z"


# Whatever the two are to agree on. Other lines are in test_set_timestamp.py, with the answers that the original once gave.
OBJECTS = {
    "newest in the middle": packed({"ts": day(11)}, {"ts": day(21)}, {"ts": day(12)}),
    "oldest first": packed({"ts": day(3), "cdt": "2004-05-06 07:08:09"}, {"ts": day(13), "timestamp": day(14)}),
    "cdt": packed({"cdt": "2018-12-14 11:53:07"}, {"cdt": "2019-12-14 1:3:7"}, {"id": 1}),
    "timestamp": packed({"timestamp": "2020-02-29T23:59:59"}, {"timestamp": "2020-03-01T00:59:59+02:00"}),
    "language": packed({"impresso_language_identifier_version": {"ts": "2020-12-28T10:27:11+00:00"}}),
    "language behind": packed({"ts": "", "impresso_language_identifier_version": {"ts": "2020-12-28T10:27:11-0330"}}),
    "no record of use": packed({"id": "a"}, {"ts": None}, {"ts": 0}),
    "numbers": packed({"ts": 1709577450}, {"ts": day(9)}),
    "other forms": packed({"ts": "4.3.2020"}, {"ts": "2020-03-04T05:06:07.5Z"}, {"ts": "2020-02-30T00:00:00Z"}, {"ts": day(8)}),
    "no JSON": packed("{", "", "nothing", {"ts": day(7)}, '{"ts": "' + day(30)),
    "names in escapes": packed('{"\\u0074s": "2021-01-02T03:04:05Z", "x": {"ts": "2031-01-02T03:04:05Z"}}'),
    "a name twice": packed('{"ts": "2021-01-02T03:04:05Z", "ts": "2022-01-02T03:04:05Z"}'),
    "characters": packed({"ft": "Zürich \U0001f600 \"\\\n", "ts": day(6)}, json.dumps({"ft": "é", "ts": day(5)}, ensure_ascii=False)),
    "three streams": packed({"ts": day(1)}, {"ts": day(31), "ft": "x" * 500}, {"ts": day(2)}, streams=3),
    "an empty stream": bz2.compress(b"") + packed({"ts": day(4)}),
    "nothing in it": bz2.compress(b""),
    "garbage behind": packed({"ts": day(10)}, {"ts": day(15)}) + b"garbage, as of a broken disk",
    "cut short": packed({"ts": day(10)}, {"ts": day(15)})[:-7],
    "no bzip2": b"BZ of another kind",
    "of no bytes": b"",
    "several blocks": packed(*({"ts": day(n % 20), "ft": f"{n * 7919} " * 40} for n in range(4000))),
}


def fill(place, prefix):
    for name, body in OBJECTS.items():
        fields = {"ContentType": "application/x-bzip2"}
        place.put(f"{prefix}{name}.jsonl.bz2", body, {"mtime": MTIME, "foo": "Bar"}, **fields)


def times(place, prefix):
    """What each object says; its own time stands for itself, so that falling back to it compares equal."""
    found = {}
    for name in OBJECTS:
        head = place.client.head_object(Bucket=place.name, Key=f"{prefix}{name}.jsonl.bz2")
        found[name] = (head["Metadata"], head["ContentType"], head["ETag"], head["ContentLength"])
    return found


def modified(place, prefix):
    return {
        name: place.client.head_object(Bucket=place.name, Key=f"{prefix}{name}.jsonl.bz2")["LastModified"].strftime("%Y-%m-%dT%H:%M:%SZ")
        for name in OBJECTS
    }


def without_fallback(found, before):
    return {name: ({**metadata, NAME: "its own"} if metadata.get(NAME) == before[name] else metadata, *rest)
            for name, (metadata, *rest) in found.items()}


@pytest.mark.parametrize("flags", [[], ["--all-lines"], ["--ts-key", "cdt", "--all-lines"], ["--ts-key", "timestamp"]], ids=" ".join)
def test_equal_metadata(quern, theirs, moto, flags):
    for prefix in ("ours/", "theirs/"):
        fill(moto, prefix)
    before = {prefix: modified(moto, prefix) for prefix in ("ours/", "theirs/")}
    theirs(moto, "s3_set_timestamp", "--s3-prefix", moto.url("theirs/"), *flags)
    quern("set-timestamp", "--s3-prefix", moto.url("ours/"), *flags, env=moto.env).expect(1, "Skipping file due to error")
    mine, other = (without_fallback(times(moto, prefix), before[prefix]) for prefix in ("ours/", "theirs/"))
    assert mine == other
    assert sum(NAME in found[0] for found in mine.values()) >= len(OBJECTS) - 4
    assert len({found[0].get(NAME) for found in mine.values()}) > 4, "they are not all the same"


def statistics(text):
    return [int(n) for n in re.findall(r"(?:Total|Skipped|Processed) files: (\d+)$", text, re.M)]


def test_theirs_behind_ours(quern, theirs, bucket):
    """What we have written they leave alone, and have nothing to report."""
    good = {name: body for name, body in OBJECTS.items() if name not in ("cut short", "no bzip2", "of no bytes")}
    for name, body in good.items():
        bucket.put(f"p/{name}.jsonl.bz2", body, {"foo": "1"})
    missing = theirs(bucket, "s3_set_timestamp", "--s3-prefix", bucket.url("p/"), "--report").stdout
    assert quern("set-timestamp", "--s3-prefix", bucket.url("p/"), "--report", env=bucket.env).expect(0).stdout == missing
    assert len(missing.splitlines()) == len(good)
    quern("set-timestamp", "--s3-prefix", bucket.url("p/"), "--all-lines", env=bucket.env).expect(0)
    written = {key: bucket.metadata(key) for key in bucket.keys()}
    again = theirs(bucket, "s3_set_timestamp", "--s3-prefix", bucket.url("p/"), "--all-lines")
    assert statistics(again.stderr) == [len(good), len(good), 0]
    assert theirs(bucket, "s3_set_timestamp", "--s3-prefix", bucket.url("p/"), "--report").stdout == ""
    assert theirs(bucket, "s3_set_timestamp", "--s3-prefix", bucket.url("p/"), "--report-dirs").stdout == ""
    assert {key: bucket.metadata(key) for key in bucket.keys()} == written


def test_ours_behind_theirs(quern, theirs, bucket):
    """And the reverse: even told to, we find nothing to write where they have."""
    names = ["newest in the middle", "several blocks", "three streams", "language", "no JSON"]
    for name in names:
        bucket.put(f"p/{name}.jsonl.bz2", OBJECTS[name], {"foo": "1"})
    bucket.put("p/new/x.jsonl.bz2", OBJECTS["cdt"])
    for name in names:
        theirs(bucket, "s3_set_timestamp", "--s3-file", bucket.url(f"p/{name}.jsonl.bz2"), "--all-lines")
    written = {key: bucket.metadata(key) for key in bucket.keys()}
    assert sum(NAME in metadata for metadata in written.values()) == len(names)
    report = quern("set-timestamp", "--s3-prefix", bucket.url("p/"), "--report-dirs", env=bucket.env).expect(0)
    assert report.stdout == theirs(bucket, "s3_set_timestamp", "--s3-prefix", bucket.url("p/"), "--report-dirs").stdout
    assert report.lines == [bucket.url("p/new/")]
    forced = quern("set-timestamp", "--s3-prefix", bucket.url("p/"), "--all-lines", "--force", env=bucket.env).expect(0)
    assert f"Updated: 1, already set: 0, already right: {len(names)}," in forced.stderr
    written["p/new/x.jsonl.bz2"] = {NAME: "2019-12-14T01:03:07Z"}
    assert {key: bucket.metadata(key) for key in bucket.keys()} == written


def test_output_of_both(quern, theirs, bucket):
    bucket.put("a.jsonl.bz2", OBJECTS["three streams"], {"foo": "1"})
    arguments = ["--s3-file", bucket.url("a.jsonl.bz2"), "--all-lines", "--output"]
    theirs(bucket, "s3_set_timestamp", *arguments, bucket.url("theirs"))
    quern("set-timestamp", *arguments, bucket.url("ours"), env=bucket.env).expect(0)
    assert bucket.metadata("ours") == bucket.metadata("theirs") == {"foo": "1", NAME: day(31)}
    assert bucket.get("ours") == bucket.get("theirs") == OBJECTS["three streams"]


# ---- the provider level

KEYS = [
    "lang/v1/GDL/GDL-1900.jsonl.bz2", "lang/v1/GDL/GDL-1901.jsonl.bz2", "lang/v1/GDL/GDL-1901.jsonl.bz2.log.gz", "lang/v1/NZZ/NZZ-1780.jsonl.bz2",
    "lang/v1/actionfem/actionfem-1928.jsonl.bz2", "lang/v1/actionfem/readme.txt", "lang/v1/langident_v0-0-1.json",
]


def add_ours(quern, place, prefix, *flags, status=0):
    arguments = [f"--s3-partition-path={place.url(prefix)}", "--log-file=ours.log", *flags]
    return quern("add-provider", *arguments, env=place.env).expect(status)


def add_theirs(theirs, place, prefix, *flags):
    return theirs(place, "s3_add_provider", f"--s3-partition-path={place.url(prefix)}", "--log-file=theirs.log", *flags)


def everything(place):
    return {key: (place.metadata(key), place.get(key)) for key in place.keys()}


def test_add_provider_says_the_same(quern, theirs, moto):
    for key in KEYS:
        moto.put(key, key.encode(), {NAME: day(20), "mtime": MTIME})
    before = everything(moto)
    ours = add_ours(quern, moto, "lang/v1", "--no-copy", "--strict-compat").stdout
    assert ours == add_theirs(theirs, moto, "lang/v1", "--no-copy").stdout
    assert "Debug Mode - would have copied" in ours and everything(moto) == before


@pytest.mark.parametrize("removed", [[], ["--remove-src-keys"]], ids=["kept", "removed"])
def test_add_provider_does_the_same(quern, theirs, moto, removed):
    """Each into its own partition; then each over the other's, where nothing is left to do."""
    for key in KEYS:
        for partition in ("ours", "theirs"):
            moto.put(key.replace("lang", partition, 1), key.encode(), {NAME: day(20), "mtime": MTIME})
    add_ours(quern, moto, "ours/v1", *removed)
    add_theirs(theirs, moto, "theirs/v1", *removed)
    made = everything(moto)
    of_ours, of_theirs = ({key.split("/", 1)[1]: made[key] for key in made if key.startswith(who)} for who in ("ours/", "theirs/"))
    assert of_ours == of_theirs
    assert of_ours["v1/NZZ/NZZ/NZZ-1780.jsonl.bz2"] == ({NAME: day(20), "mtime": MTIME}, b"lang/v1/NZZ/NZZ-1780.jsonl.bz2")
    assert len(of_ours) == (len(KEYS) if removed else 2 * len(KEYS) - 1)
    add_ours(quern, moto, "theirs/v1", *removed)
    add_theirs(theirs, moto, "ours/v1", *removed)
    assert everything(moto) == made
