"""What both Parquet cases share: the table, made once, and its peers."""

import subprocess

from harness import ROOT, Contestant

PEER = ROOT / "bench" / "peers" / "parquet_peer.py"
LIBRARIES = {"pyarrow": "pyarrow 26.0.1", "duckdb": "DuckDB 2.0.0", "polars": "polars 2.1.0"}
ROWS = 1_000_000


def program(context):
    return context.tool("parquet_bench")


def prepare(context):
    """The table as `parquet_bench write` makes it, rewritten by pyarrow; while either is missing, made by DuckDB."""
    rows = context.count(ROWS)
    python = context.venv("bench")
    ours, neutral = context.scratch("parquet") / "ours.parquet", context.scratch("parquet") / "neutral.parquet"
    if not python.exists():
        return ours, neutral, rows
    if program(context).exists():
        run([program(context), "write", ours, str(rows)])
    else:
        run([python, PEER, "duckdb", "generate", ours, str(rows)])
    run([python, PEER, "pyarrow", "write", ours, neutral])
    return ours, neutral, rows


def run(command):
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


def peers(context, *arguments, **fields):
    python = context.venv("bench")
    return [Contestant.of(name, [python, PEER, library, *arguments], python, **fields) for library, name in LIBRARIES.items()]
