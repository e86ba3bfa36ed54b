"""Two thousand real documents with eight workers: nobody grows, nobody leaks (spec/reliability.md F31 in small)."""

import itertools
import os
import pathlib
import statistics
import time

import pytest

DOCUMENTS = 2000
SIZE_MAX = 100_000


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def put_links(corpus, target):
    """The corpus again and again, as hard links where that is possible."""
    paths = [path for path in sorted(corpus.rglob("*")) if path.is_file() and 0 < path.stat().st_size <= SIZE_MAX and path.name != "README.md"]
    for number, path in zip(range(DOCUMENTS), itertools.cycle(paths), strict=False):
        link = target / f"{number:05}-{path.name}"
        try:
            os.link(path, link)
        except OSError:
            link.write_bytes(path.read_bytes())


@pytest.mark.release_only
def test_memory_is_constant(quern, corpus, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    put_links(corpus, source)
    run = quern.start("ingest", source, "--structured-output-dir", tmp_path / "out", "--workers", "8", "--json")
    samples = []
    while run.is_running:
        try:
            samples.append((resident_bytes(run.pid), descriptors(run.pid)))
        except (FileNotFoundError, ProcessLookupError):
            break
        time.sleep(0.05)
    result = run.wait(timeout=240)
    summary = result.summary
    assert result.status in (0, 1) and summary["done"] + summary["skipped"] + summary["failed"] == DOCUMENTS, result.explain("all of them")
    assert not any(line.get("status") in ("crash", "oom", "timeout", "forbidden") for line in result.json_lines if line["type"] == "document")
    third = max(1, len(samples) // 3)
    middle, end = samples[third : 2 * third], samples[2 * third : -1] or samples[-1:]
    early, late = (statistics.median(sample[0] for sample in part) for part in (middle, end))
    print(
        f"{DOCUMENTS} documents in {summary['seconds']:.1f} s; supervisor {summary['peak_memory_bytes'] / 1e6:.1f} MB at most, "
        f"{early / 1e6:.1f} then {late / 1e6:.1f} MB; largest parser {summary['parser_peak_memory_bytes'] / 1e6:.1f} MB"
    )
    assert late <= early * 1.1 + (4 << 20), "the supervisor grows"
    assert max(sample[1] for sample in end) <= max(sample[1] for sample in middle) + 8, "it loses descriptors"
    assert summary["parser_peak_memory_bytes"] < 512 << 20
