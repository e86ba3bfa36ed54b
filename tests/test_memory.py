"""No process of ours passes 100 MB, whatever the number of objects; figures from time(1), which the run's own summary must agree with."""

import os
import pathlib
import threading
import time

import pytest
from samples import text_document
from servers import Nginx, lists_write, nginx_write

pytestmark = pytest.mark.release_only

OBJECTS = 20_000
LIMIT = 100 << 20


def key_of(number):
    return f"{number // 1000:03}/{number:06}.txt"


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """Small documents in folders of a thousand, made once; also as nginx wants its objects."""
    root = tmp_path_factory.mktemp("documents")
    for number in range(OBJECTS):
        path = root / key_of(number)
        if number % 1000 == 0:
            path.parent.mkdir()
        nginx_write(path, text_document(number, paragraphs=1))
    return root


def is_ours(process):
    """Whether this test started it: others run at the same time."""
    while (number := int(process.name)) != os.getpid():
        if number <= 1:
            return False
        status = (process / "status").read_text().splitlines()
        process = process.parent / next(line.split()[1] for line in status if line.startswith("PPid"))
    return True


class Watch:
    """The largest resident size of each process of a run, workers too, sampled: a second opinion on what they say themselves."""

    def __init__(self, program):
        self.own = str(program.path)
        self.names = {self.own, str(program.build / "src/parse/quern-parse")}
        self.peaks: dict[str, int] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _watch(self):
        while not self._done.is_set():
            for path in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    name = str((path / "exe").readlink())
                    if name in self.names and is_ours(path):
                        high = next(line for line in (path / "status").read_text().splitlines() if line.startswith("VmHWM"))
                        self.peaks[name] = max(self.peaks.get(name, 0), int(high.split()[1]) * 1024)
                except (OSError, StopIteration):
                    continue  # it has ended
            time.sleep(0.05)


def assert_bounded(result, watch=None):
    summary = result.summary
    assert result.peak_bytes < LIMIT and summary["peak_memory_bytes"] < LIMIT
    tolerance = max(8 << 20, result.peak_bytes // 5)
    assert summary["peak_memory_bytes"] < result.peak_bytes + tolerance, "the summary's own figure, beside that of the largest process"
    assert summary.get("parser_peak_memory_bytes", 0) < LIMIT
    if watch:
        assert watch.peaks and max(watch.peaks.values()) < LIMIT, watch.peaks
        assert abs(summary["peak_memory_bytes"] - watch.peaks[watch.own]) < tolerance, "the summary's own figure"


def test_ingest_and_load_of_many_small_documents(quern, documents, directory, tmp_path):
    with Watch(quern) as watch:
        result = quern.ok(
            "ingest", documents, "--structured-output-dir", directory.url("parquet"), "--output-format", "parquet", "--json",
            "--workers", "4", measure=True, timeout=180,
        )
    assert result.summary["done"] == OBJECTS
    assert_bounded(result, watch)
    again = quern.ok(
        "ingest", documents, "--structured-output-dir", directory.url("parquet"), "--output-format", "parquet", "--json", measure=True
    )
    assert (again.summary["done"], again.summary["skipped"]) == (0, OBJECTS)
    assert_bounded(again)
    load = quern.ok(
        "load", directory.url("parquet"), "--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}", "--json", measure=True, timeout=120
    )
    assert load.summary["rows"] == result.summary["rows"] >= 2 * OBJECTS
    assert_bounded(load)
    search = quern.ok("search", "tide", "--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}", measure=True)
    assert search.peak_bytes < LIMIT


def test_ingest_to_json_of_many_small_documents(quern, documents, directory):
    """A file each: a quarter of the documents, because every one is synced to disk."""
    result = quern.ok(
        "ingest", documents, "--structured-output-dir", directory.url("json"), "--limit", OBJECTS // 4, "--json", "--quiet",
        measure=True, timeout=180,
    )
    assert result.summary["done"] == OBJECTS // 4
    assert_bounded(result)


def test_download_of_many_small_objects(quern, documents, tmp_path):
    sizes = [(key_of(number), (documents / key_of(number)).stat().st_size) for number in range(OBJECTS)]
    with Nginx(tmp_path / "nginx") as nginx:
        (nginx.www / "bench").symlink_to(documents)
        lists_write(nginx.lists, "bench", sizes)
        environment = {"AWS_ENDPOINT_URL": nginx.url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        result = quern.ok(
            "ingest", "s3://bench/", "--download-only", "--download-dir", tmp_path / "copies", "--json", "--quiet",
            "--addressing", "path", env=environment, measure=True, timeout=180,
        )
    assert result.summary["done"] == OBJECTS and result.summary["bytes"] == sum(size for _, size in sizes)
    assert sum(path.is_file() for path in (tmp_path / "copies").rglob("*")) == OBJECTS
    assert_bounded(result)


def test_large_documents_are_bounded_too(quern, directory):
    """A few documents of many megabytes: what is in flight is bounded by --memory, not by the number of workers."""
    line = b"The tide was high and the water was clear at the pier this morning. " * 20 + b"\n\n"
    for number in range(6):
        directory.put(f"in/{number}.txt", line * 6000)
    result = quern.ok(
        "ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--workers", "6", "--memory", "16MiB", "--json",
        measure=True, timeout=180,
    )
    assert result.summary["done"] == 6
    assert result.peak_bytes < 4 * LIMIT


@pytest.mark.parametrize("output_format", ["json", "ndjson", "parquet"])
def test_one_large_text_is_never_whole_in_memory_with_its_elements(quern, directory, tmp_path, output_format):
    """18 MiB of short paragraphs: more than 300,000 elements and 200 MiB of JSON."""
    lines, size = [], 0
    while size < 18 << 20:
        lines.append(f"Line {len(lines)}: the tide turns and the harbour fills again.\n\n")
        size += len(lines[-1])
    directory.put("in/large.txt", "".join(lines).encode())
    command = ("ingest", directory.url("in"), "--structured-output-dir", tmp_path / "out", "--output-format", output_format, "--parse-timeout", "5m")
    with Watch(quern) as watch:
        result = quern(*command, measure=True).expect(0, "1 done")
    # Of it some 45 MiB are the elements themselves, 144 bytes each besides their text.
    assert max(result.peak_bytes, *watch.peaks.values()) < 150 << 20, (result.peak_bytes, watch.peaks)
    written = sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    assert written > (5 << 20 if output_format == "parquet" else 150 << 20)
