"""Decoding every column of a Parquet file that pyarrow wrote, one thread each."""

import parquet_files
from harness import Case, Contestant


def case(context):
    _, file, rows = parquet_files.prepare(context)
    ours = parquet_files.program(context)
    return Case(
        "parquet_read", f"{rows:,} rows of 8 columns (ints, double, strings, lists), zstd, one thread",
        file.stat().st_size if file.exists() else 0,
        [Contestant.of("quern", [ours, "read", file], ours), *parquet_files.peers(context, "read", file)],
    )
