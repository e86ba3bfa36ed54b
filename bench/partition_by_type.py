"""partition_by_type.py QUERN DIRECTORY WORK - what `quern ingest` takes for each first folder below DIRECTORY, without its start-up: the
difference between a run over N + 1 copies of the folder and one over 1, divided by N; more copies of what is small. Prints the JSON line of
bench/README.md, with `by_type`."""

import json
import pathlib
import resource
import shutil
import subprocess
import sys
import time

COPIES, BYTES_MAX = 200, 10_000_000


def ingest(quern, source, work):
    """(wall, CPU) seconds of one run."""
    shutil.rmtree(work / "run", ignore_errors=True)
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [quern, "ingest", source, "--structured-output-dir", work / "run/out", "--state-dir", work / "run/state", "--quiet"]
    status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    assert status in (0, 1), status  # 1: some documents cannot be read, for want of OCR or of a password
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - started
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    quern, root, work = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    by_type, wall, cpu = {}, 0, 0
    for folder in sorted(root.iterdir()):
        copies = work / "copies"
        shutil.rmtree(copies, ignore_errors=True)
        size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        count = max(2, min(COPIES, BYTES_MAX // size_bytes))
        for copy in range(count + 1):
            shutil.copytree(folder, copies / str(copy))
        one, more = ingest(quern, copies / "0", work), ingest(quern, copies, work)
        seconds = (more[0] - one[0]) / count
        by_type[folder.name] = {"seconds": seconds}
        wall, cpu = wall + seconds, cpu + (more[1] - one[1]) / count
    print(json.dumps({"by_type": by_type, "seconds": wall, "cpu_seconds": cpu}))


if __name__ == "__main__":
    main()
