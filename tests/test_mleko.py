"""quern fetch and mleko's own S3Ingester on one directory: each finds what the other made, and finds it right."""

import json
import pathlib
import subprocess

import pytest
from program import ROOT
from servers import ACCESS_KEY, REGION, SECRET_KEY

HIT = "\x1b[32mCache Hit\x1b[0m: Local dataset is up to date with S3 bucket contents, skipping download."


@pytest.fixture(scope="session")
def original():
    """The Python that has mleko; installed where it is missing (66 MB)."""
    done = subprocess.run([ROOT / "scripts/install-mleko"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.strip()) / "bin/python"


@pytest.fixture
def both(quern, original, moto, tmp_path):
    """Two functions that fetch a prefix of one bucket into one directory: ours and theirs."""
    destination = tmp_path / "data"
    common = {"s3_bucket_name": moto.name, "s3_key_prefix": "p", "aws_region_name": REGION, "destination_directory": str(destination)}
    keys = {"AWS_ENDPOINT_URL": moto.server.url, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    def ours(*flags):
        arguments = [word for name, value in common.items() for word in ("--" + name.replace("_", "-"), value)]
        return quern.ok("fetch", *arguments, *flags, env=moto.env)

    def theirs(**more):
        environment = quern.environment(keys)
        command = [original, ROOT / "tests/mleko/run.py", json.dumps(common | more)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return ours, theirs, moto, destination


def files(destination):
    return {str(path.relative_to(destination)): path.read_bytes() for path in destination.rglob("*") if path.is_file()}


def put_some(place):
    for name, body in {"a.csv": b"1,2", "n/b.csv": b"", "\u00e9 \u00fc \U0001f600.csv": b"x", "c%20d.json": b"{}"}.items():
        place.put(f"p/{name}", body)


def test_t20_ours_theirs_ours(both):
    ours, theirs, moto, destination = both
    put_some(moto)
    first = ours()
    made = files(destination)
    answer = theirs()
    assert answer["error"] is None and ["INFO", HIT] in answer["log"], answer
    assert answer["returned"] == first.lines and len(first.lines) == 4
    assert files(destination) == made, "nothing that they would write differently"
    again = ours()
    assert "Cache Hit" in again.stderr and again.lines == first.lines and files(destination) == made


def test_theirs_ours_theirs(both):
    ours, theirs, moto, destination = both
    put_some(moto)
    first = theirs(dataset_id="id/of/ours")
    assert first["error"] is None and len(first["returned"]) == 4, first
    made = files(destination)
    again = ours("--dataset-id", "id/of/ours")
    assert "Cache Hit" in again.stderr and again.lines == first["returned"] and files(destination) == made
    moto.delete("p/a.csv")
    narrowed = ours("--dataset-id", "id/of/ours")
    assert "Deleting 1 files" in narrowed.stderr
    last = theirs(dataset_id="id/of/ours")
    assert ["INFO", HIT] in last["log"] and last["returned"] == narrowed.lines and len(narrowed.lines) == 3


def test_what_a_strict_check_keeps_does_not_disturb_them(both):
    ours, theirs, moto, destination = both
    put_some(moto)
    first = ours("--verify", "etag")
    made = files(destination)
    assert any(b'"hash": "' in body for body in made.values())
    answer = theirs()
    assert ["INFO", HIT] in answer["log"] and answer["returned"] == first.lines and files(destination) == made
    assert "Cache Hit" in ours("--verify", "etag").stderr


def test_a_directory_of_theirs_that_is_out_of_date(both):
    ours, theirs, moto, destination = both
    put_some(moto)
    theirs()
    moto.put("p/a.csv", b"1,2,3")
    assert "Cache Miss" in ours().stderr
    moto.put("p/a.csv", b"1,2,3,4")
    missed = theirs()
    assert any("Cache Miss" in text for _, text in missed["log"]) and missed["error"] is None
    assert "Cache Hit" in ours().stderr
