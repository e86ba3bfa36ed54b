#!/usr/bin/env python3
"""parquet_peers.py FILE [runs] - reads and writes FILE's table with pyarrow, DuckDB and polars, one thread each.

Prints a JSON line per peer and direction: best and median of the runs after a warm-up, in seconds. A peer that is not
installed is named as missing. FILE comes from `parquet_bench write FILE`."""
import json
import os
import statistics
import sys
import time

os.environ["POLARS_MAX_THREADS"] = "1"


def measure(peer, what, runs, work):
    work()
    times, cpu = [], []
    for _ in range(runs):
        wall, used = time.perf_counter(), time.process_time()
        work()
        times.append(time.perf_counter() - wall)
        cpu.append(time.process_time() - used)
    print(json.dumps({"peer": peer, "case": what, "best": round(min(times), 4), "median": round(statistics.median(times), 4),
                      "cpu_best": round(min(cpu), 4)}), flush=True)


def pyarrow_cases(path, out, runs):
    import pyarrow
    import pyarrow.parquet as pq

    pyarrow.set_cpu_count(1)
    measure("pyarrow", "parquet read", runs, lambda: pq.read_table(path, use_threads=False))
    table = pq.read_table(path, use_threads=False)
    for level in (1, 3):
        measure("pyarrow", f"parquet write zstd {level}", runs,
                lambda: pq.write_table(table, out, compression="zstd", compression_level=level))
    measure("pyarrow", "parquet write snappy", runs, lambda: pq.write_table(table, out, compression="snappy"))


def duckdb_cases(path, out, runs):
    import duckdb

    con = duckdb.connect()
    con.execute("set threads to 1")
    # A sum over every column makes it decode all of them without building Python objects.
    query = (f"select sum(id), sum(page), sum(score), sum(strlen(text)), sum(strlen(kind)), sum(flag::int), "
             f"sum(list_sum(tokens)), sum(len(words)) , sum(strlen(words[1])) from '{path}'")
    measure("duckdb", "parquet read", runs, lambda: con.execute(query).fetchall())
    con.execute(f"create table t as select * from '{path}'")
    for level in (1, 3):
        measure("duckdb", f"parquet write zstd {level}", runs,
                lambda: con.execute(f"copy t to '{out}' (format parquet, codec zstd, compression_level {level})"))
    measure("duckdb", "parquet write snappy", runs, lambda: con.execute(f"copy t to '{out}' (format parquet, codec snappy)"))


def polars_cases(path, out, runs):
    import polars

    measure("polars", "parquet read", runs, lambda: polars.read_parquet(path))
    frame = polars.read_parquet(path)
    for level in (1, 3):
        measure("polars", f"parquet write zstd {level}", runs,
                lambda: frame.write_parquet(out, compression="zstd", compression_level=level))
    measure("polars", "parquet write snappy", runs, lambda: frame.write_parquet(out, compression="snappy"))


def main():
    path, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    out = path + ".peer"
    for name, cases in (("pyarrow", pyarrow_cases), ("duckdb", duckdb_cases), ("polars", polars_cases)):
        try:
            __import__(name)
        except ImportError:
            print(json.dumps({"peer": name, "missing": True}))
            continue
        cases(path, out, runs)
    if os.path.exists(out):
        os.remove(out)


if __name__ == "__main__":
    main()
