"""The made-up bucket of bucket_server.c, and what fetching it must give."""

import json
import math
import urllib.request

from servers import Server

OBJECT_BYTES = 4096
BUCKET = "bench"


class Bucket(Server):
    """`keys` objects of 4 KiB; `delay_ms` is added to every page of a listing; `fail_percent` of the requests fail, as `seed` says."""

    name = "bucket"
    ready_path = "/stats"

    def __init__(self, directory, program, keys, delay_ms=0, fail_percent=0, seed=1):
        super().__init__(directory)
        self.program, self.settings = program, [keys, delay_ms, fail_percent, seed]

    def command(self):
        if not self.program.exists():
            raise RuntimeError(f"'{self.program}' is missing: run scripts/build release")
        return [str(self.program), "serve", str(self.port), *map(str, self.settings)]

    def take_stats(self):
        """Counts of requests since the last call."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=10) as answer:
            return json.load(answer)


def object_of(name):
    """The content of the object whose key ends in `name`, "IIIIIIII-HHHHHHHH.bin"."""
    line = f"data/{math.isqrt(int(name[:8])):04d}/{name}\n".encode()
    return (line * (OBJECT_BYTES // len(line) + 1))[:OBJECT_BYTES]


def check_files(directory, count):
    """Every object is there once, whole and right."""
    files = [path for path in directory.rglob("*.bin")]
    assert len({path.name for path in files}) == len(files) == count, f"{len(files)} of {count} files are there"
    for path in files:
        assert path.read_bytes() == object_of(path.name), f"'{path}' is not what the bucket has"
