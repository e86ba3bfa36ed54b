"""JSONL in bzip2, as the cases of set-timestamp want it."""

import bz2
import json
import random

from harness import Case, Contestant, Goal

FILES = 40
FILE_BYTES = 5_000_000
SEED = 5
QUIET = ["set-timestamp", "--quiet"]


def lines(chance):
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 10))) for _ in range(20_000)]
    while True:
        record = {"id": chance.randrange(10**9), "ft": " ".join(chance.choices(words, k=400)), "ts": f"20{chance.randint(10, 24)}-01-01T00:00:00Z"}
        yield json.dumps(record).encode() + b"\n"


def packed():
    """About FILE_BYTES of one stream."""
    packer, parts, size = bz2.BZ2Compressor(9), [], 0
    for line in lines(random.Random(SEED)):
        part = packer.compress(line)
        parts.append(part)
        size += len(part)
        if size >= FILE_BYTES - 300_000:  # a block is still in hand
            return b"".join(parts) + packer.flush()


def all_lines(context, name, one_file):
    """The case of every line read, of many files or the same bytes in one. Nothing is written (--dry-run), so that what is measured is reading,
    decompressing and scanning."""
    count, body, directory = context.count(FILES), packed(), context.scratch("files")
    whole = context.scratch("whole") / "all.jsonl.bz2"
    whole.write_bytes(body * count)
    for number in range(0 if one_file else count):
        (directory / f"{number:03}.jsonl.bz2").write_bytes(body)
    source = ["--s3-file", whole] if one_file else ["--s3-prefix", directory]
    floor = ["sh", "-c", 'exec bzip2 -dc "$1" >/dev/null', "sh", whole]
    return Case(
        name, f"{'one bz2 file' if one_file else f'{count} bz2 files'}, {len(body) * count:,} bytes, all lines", len(body) * count,
        [
            Contestant.of("quern", [context.quern, *QUIET, "--all-lines", "--dry-run", *source], context.quern),
            Contestant.of("libbz2 alone", floor, "bzip2"),
        ],
        goals=[Goal("wall", 0.6), Goal("cpu", 1.15)],
        bounds_peak=True,
    )
