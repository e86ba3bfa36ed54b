"""Encoding and compressing a table that is in memory, one thread each."""

import parquet_files
from harness import Case, Contestant


def case(context):
    source, _, rows = parquet_files.prepare(context)
    ours = parquet_files.program(context)
    target = context.work / "written.parquet"

    def before():
        target.unlink(missing_ok=True)

    def verify():
        assert target.stat().st_size > rows, f"'{target}' is too small"

    return Case(
        "parquet_write", f"{rows:,} rows of 8 columns (ints, double, strings, lists), zstd 3, one thread",
        source.stat().st_size if source.exists() else 0,
        [
            Contestant.of("quern", [ours, "write", target, str(rows)], ours, before=before, verify=verify),
            *parquet_files.peers(context, "write", source, target, before=before, verify=verify),
        ],
    )
