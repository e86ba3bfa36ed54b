"""set-timestamp over 40 bz2 files of 5 MB, every line read, and over one of 200 MB; the floor is libbz2 alone, on one core, over the same bytes.

Nothing is written (--dry-run), so that what is measured is reading, decompressing and scanning."""

import bz2
import json
import random

from harness import Case, Contestant, Goal

FILES = 40
FILE_BYTES = 5_000_000
SEED = 5


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


def case(context):
    count = context.count(FILES)
    body = packed()
    many, one = context.scratch("many"), context.scratch("one")
    for number in range(count):
        (many / f"{number:03}.jsonl.bz2").write_bytes(body)
    (one / "all.jsonl.bz2").write_bytes(body * count)
    command = [context.quern, "set-timestamp", "--all-lines", "--dry-run", "--quiet"]
    return Case(
        "set_timestamp", f"{count} bz2 files of {len(body):,} bytes, all lines", len(body) * count,
        [
            Contestant.of("quern, many files", [*command, "--s3-prefix", many], context.quern, is_ours=True),
            Contestant.of("quern, one file", [*command, "--s3-file", one / "all.jsonl.bz2"], context.quern, is_ours=True),
            Contestant.of("libbz2 alone", ["sh", "-c", 'exec bzip2 -dc "$1" >/dev/null', "sh", one / "all.jsonl.bz2"], "bzip2"),
        ],
        goals=[Goal("wall", 0.6), Goal("cpu", 1.15)],
        bounds_peak=True,
    )
