"""parquet_peer.py pyarrow|duckdb|polars read FILE            - decodes every column into the library's own memory
   parquet_peer.py pyarrow|duckdb|polars write SOURCE FILE    - reads SOURCE, then writes it: only the writing is timed
   parquet_peer.py duckdb generate FILE ROWS                  - the table of bench/README.md

One thread each. Zstandard level 3, row groups of 122,880 rows (DuckDB's default). Prints the time as JSON."""

import json
import sys
import time

COMPRESSION, LEVEL, ROW_GROUP_ROWS = "zstd", 3, 122_880


class PyArrow:
    def __init__(self):
        import pyarrow
        import pyarrow.parquet

        pyarrow.set_cpu_count(1)
        pyarrow.set_io_thread_count(1)
        self.parquet = pyarrow.parquet

    def read(self, file):
        self.data = self.parquet.read_table(file, use_threads=False)

    def write(self, file):
        self.parquet.write_table(self.data, file, compression=COMPRESSION, compression_level=LEVEL, row_group_size=ROW_GROUP_ROWS)


class DuckDB:
    def __init__(self):
        import duckdb

        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1")

    def read(self, file):
        self.connection.execute("CREATE TABLE data AS SELECT * FROM read_parquet(?)", [file])

    def write(self, file):
        self.connection.execute(
            f"COPY data TO '{file}' (FORMAT parquet, COMPRESSION {COMPRESSION}, COMPRESSION_LEVEL {LEVEL}, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
        )

    def generate(self, file, rows):
        self.connection.execute(
            f"""CREATE TABLE data AS SELECT
                i AS id,
                (hash(i) % 1000)::INTEGER AS small,
                (hash(i + 1) >> 1)::BIGINT AS big,
                (hash(i + 2) >> 11)::DOUBLE * 1000 / 9007199254740992 AS price,
                'category-' || (hash(i + 3) % 50) AS category,
                CASE WHEN i % 20 = 0 THEN NULL ELSE 'title ' || i || ' of ' || (hash(i + 4) % 100000) END AS title,
                [(hash(i + 5 + k) % 50000)::INTEGER FOR k IN range(0, i % 9)] AS tokens,
                ['tag-' || (hash(i + 20 + k) % 200) FOR k IN range(0, i % 4)] AS tags
            FROM range({rows}) AS t(i)"""
        )
        self.write(file)


class Polars:
    def __init__(self):
        import os

        os.environ["POLARS_MAX_THREADS"] = "1"
        import polars

        self.polars = polars

    def read(self, file):
        self.data = self.polars.read_parquet(file)

    def write(self, file):
        self.data.write_parquet(file, compression=COMPRESSION, compression_level=LEVEL, row_group_size=ROW_GROUP_ROWS)


def main():
    library = {"pyarrow": PyArrow, "duckdb": DuckDB, "polars": Polars}[sys.argv[1]]()
    action = sys.argv[2]
    if action == "generate":
        library.generate(sys.argv[3], int(sys.argv[4]))
        return
    if action == "write":
        library.read(sys.argv[3])
    wall, cpu = time.perf_counter(), time.process_time()
    if action == "write":
        library.write(sys.argv[4])
    else:
        library.read(sys.argv[3])
    print(json.dumps({"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
