"""kill -9 at any moment, signals, and two runs at once: nothing lost, nothing doubled, no half output under a final name."""

import collections
import json
import os
import pathlib
import random
import signal
import sqlite3
import threading
import time

import pyarrow
import pyarrow.parquet
import pytest
import scripted_server as answers
from samples import (
    database_rows, documents_of_shard, outputs, parquet_files, parquet_rows, put_examples, put_texts, text_document,
)

SEED = int(os.environ.get("QUERN_TEST_SEED", "0")) or random.SystemRandom().randrange(1 << 32)


@pytest.fixture
def chance():
    """Seeded; a failed test shows the seed, QUERN_TEST_SEED takes it."""
    print(f"QUERN_TEST_SEED={SEED}")
    return random.Random(SEED)


def kill_until_done(quern, command, env, chance, longest, check, seconds):
    """Starts the command again and again and kills it at random moments, until it ends by itself or the time is over; then lets it
    end. Gives (kills, summaries of all runs that came to one)."""
    kills, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        run = quern.start(*command, env=env)
        time.sleep(chance.uniform(0, longest))
        run.kill()
        result = run.wait()
        check()
        if result.status == 0:
            return kills, result.summary
        assert result.status == -signal.SIGKILL, result.explain("neither killed nor done")
        kills += 1
    result = quern.ok(*command, env=env)
    check()
    return kills, result.summary


def test_kill_during_ingest_to_json(quern, directory, chance):
    put_texts(directory, 150)
    put_examples(directory)
    source = directory.url("in/")
    quern.ok("ingest", source, "--structured-output-dir", directory.url("undisturbed"))
    wanted = {key.removeprefix("undisturbed/"): body for key, body in outputs(directory, "undisturbed/").items()}
    kills, rounds, end = 0, 0, time.monotonic() + 8
    while time.monotonic() < end:
        prefix = f"killed-{rounds}/"

        def check(prefix=prefix):
            for key, body in outputs(directory, prefix).items():
                assert body == wanted[key.removeprefix(prefix)], f"half an output: '{key}'"

        command = ("ingest", source, "--structured-output-dir", directory.url(prefix), "--json")
        killed, summary = kill_until_done(quern, command, {}, chance, chance.choice([0.02, 0.1, 0.5]), check, 4)
        kills += killed
        rounds += 1
        assert summary["done"] + summary["skipped"] == 155 and summary["failed"] == 0
        assert {key.removeprefix(prefix): body for key, body in outputs(directory, prefix).items()} == wanted
    assert kills >= 5, f"{kills} kills in {rounds} rounds"


def test_kill_during_ingest_on_s3(quern, s3, chance):
    put_texts(s3, 60)
    quern.ok("ingest", s3.url("in/"), "--structured-output-dir", s3.url("undisturbed"), env=s3.env)
    wanted = {key.removeprefix("undisturbed/"): body for key, body in outputs(s3, "undisturbed/").items()}

    kills, rounds, end = 0, 0, time.monotonic() + 12
    while kills < 3 and time.monotonic() < end:
        prefix = f"killed-{rounds}/"

        def check(prefix=prefix):
            for key, body in outputs(s3, prefix).items():
                assert body == wanted[key.removeprefix(prefix)], f"half an output: '{key}'"

        command = ("ingest", s3.url("in/"), "--structured-output-dir", s3.url(prefix), "--json")
        killed, _ = kill_until_done(quern, command, s3.env, chance, chance.choice([0.02, 0.05, 0.2]), check, 4)
        kills += killed
        rounds += 1
        assert {key.removeprefix(prefix): body for key, body in outputs(s3, prefix).items()} == wanted
    assert kills >= 1, f"{kills} kills in {rounds} rounds"


def test_a_kill_costs_only_what_was_in_flight(quern, directory):
    put_texts(directory, 300)
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--workers", "2")
    run = quern.start(*command)
    run.wait_until(lambda: run.stderr.count("Wrote ") >= 20)
    run.kill()
    run.wait()
    written = len(outputs(directory))
    assert 20 <= written < 300
    summary = quern.ok(*command, "--json").summary
    assert (summary["skipped"], summary["done"]) == (written, 300 - written)
    assert quern.ok(*command, "--json").summary["done"] == 0


def put_tables(place, count):
    """Tables that compress badly, so that a few dozen fill more than one shard."""
    numbers = random.Random(1)
    for index in range(count):
        cells = [f"{numbers.getrandbits(128):032x}" for _ in range(8000)]
        place.put(f"in/{index:03}.csv", "\n".join(",".join(cells[at : at + 4]) for at in range(0, 8000, 4)).encode())


def test_kill_during_ingest_to_parquet(quern, directory, chance, tmp_path):
    put_tables(directory, 70)
    source = directory.url("in/")
    flags = ("--output-format", "parquet", "--json")
    quern.ok("ingest", source, "--structured-output-dir", directory.url("undisturbed"), *flags)
    paths = parquet_files(directory, "undisturbed/", tmp_path / "undisturbed-copies")
    wanted = parquet_rows(paths)
    assert len(paths) == 2 and len(wanted) == 70

    kills, rounds, end = 0, 0, time.monotonic() + 20
    while kills < 2 and time.monotonic() < end:
        prefix = f"killed-{rounds}/"

        def check(prefix=prefix):
            for key in directory.keys(prefix):
                assert pyarrow.parquet.ParquetFile(directory.root / key).metadata.num_rows > 0

        command = ("ingest", source, "--structured-output-dir", directory.url(prefix), *flags)
        killed, _ = kill_until_done(quern, command, {}, chance, chance.choice([0.05, 0.2, 1.2]), check, 6)
        kills += killed
        paths = parquet_files(directory, prefix, tmp_path / f"copies-{rounds}")
        assert sorted(parquet_rows(paths), key=lambda row: row["url"]) == wanted
        listed = collections.Counter(key for path in paths for key in documents_of_shard(path))
        assert len(listed) == 70 and set(listed.values()) == {1}
        rounds += 1
    assert kills >= 1, f"{kills} kills in {rounds} rounds"


@pytest.fixture
def parquet_source(directory):
    """Twelve files of 3,000 rows."""
    for index in range(12):
        numbers = range(index * 3000, (index + 1) * 3000)
        table = pyarrow.table({"id": list(numbers), "text": [f"row {number} about tide tables and reefs" for number in numbers]})
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, sink)
        directory.put(f"rows/{index:02}.parquet", sink.getvalue().to_pybytes())
    return directory


def table_state(path, table="t"):
    """(rows, distinct rows, integrity) of the table, or None when it is not there."""
    if not path.exists():
        return None
    if not database_rows(path, "SELECT 1 FROM sqlite_master WHERE name = ?", table):
        return None
    (rows,) = database_rows(path, f"SELECT count(*), count(DISTINCT id) FROM {table}")
    return rows


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_kill_during_load(quern, parquet_source, chance, tmp_path, mode):
    rounds, kills, end = 0, 0, time.monotonic() + 6
    while time.monotonic() < end:
        database = tmp_path / f"{rounds}.db"

        def check(database=database):
            state = table_state(database)
            if state is None:
                return
            assert state[0] == state[1] and state[0] % 3000 == 0, "a row twice, or half a file"
            assert mode == "append" or state[0] in (0, 36000), "the table shows before it is whole"

        command = ("load", parquet_source.url("rows"), "--table", "t", "--to", f"sqlite:{database}", "--mode", mode, "--json")
        killed, _ = kill_until_done(quern, command, {}, chance, chance.choice([0.05, 0.4]), check, 3)
        kills += killed
        rounds += 1
        assert table_state(database) == (36000, 36000)
        assert database_rows(database, "PRAGMA integrity_check") == [("ok",)]
        assert database_rows(database, "SELECT sum(rows_loaded) FROM quern_objects WHERE target_table = 't'") == [(36000,)]
        assert database_rows(database, "SELECT count(*) FROM t_fts WHERE t_fts MATCH 'reefs'") == [(36000,)]
        assert not [name for (name,) in database_rows(database, "SELECT name FROM sqlite_master") if "staging" in name]
        assert quern.ok(*command).summary["done"] == 0
    assert kills >= 3, f"{kills} kills in {rounds} rounds"


def slow_source(scripted, keys, delay):
    """A bucket whose objects take their time."""
    bodies = {key: text_document(number) for number, key in enumerate(keys)}
    scripted.on("GET", "/bucket", answers.list_page([(key, len(body)) for key, body in bodies.items()]))
    for key, body in bodies.items():
        scripted.on("GET", f"/bucket/{key}", answers.ok(body, headers={"ETag": f'"{"0" * 32}-1"'}, delay=delay))


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("output_format", ["json", "parquet"])
def test_a_signal_ends_the_run_and_the_next_goes_on(quern, scripted, directory, tmp_path, number, status, output_format):
    slow_source(scripted, [f"in/{number:02}.txt" for number in range(60)], 0.05)
    report = tmp_path / "report.jsonl"
    command = (
        "ingest", "s3://bucket/in/", "--structured-output-dir", directory.url("out"), "--output-format", output_format, "--json",
    )
    run = quern.start(*command, "--report-file", report, env=scripted.env)
    run.wait_until(lambda: len(scripted.sent("GET")) >= 8)
    run.send(number)
    stopped = run.wait().expect(status).summary
    assert stopped["status"] == "interrupted" and 5 <= stopped["done"] < 60
    outcomes = collections.Counter(json.loads(line)["outcome"] for line in report.read_text().splitlines())
    assert (outcomes["done"], outcomes["cancelled"]) == (stopped["done"], stopped["cancelled"])
    summary = quern.ok(*command, env=scripted.env).summary
    assert (summary["skipped"], summary["done"]) == (stopped["done"], 60 - stopped["done"])
    if output_format == "parquet":
        rows = parquet_rows(parquet_files(directory, "out/", tmp_path / "copies"))
        assert len(rows) == len({row["element_id"] for row in rows}) == 240


def test_first_signal_lets_finish_what_is_in_flight(quern, scripted, directory):
    slow_source(scripted, [f"in/{number}.txt" for number in range(10)], 1.0)
    command = ("ingest", "s3://bucket/in/", "--structured-output-dir", directory.url("out"), "--json", "--workers", "2")
    run = quern.start(*command, env=scripted.env)
    run.wait_until(lambda: len(scripted.sent("GET")) == 3)
    run.send(signal.SIGINT)
    summary = run.wait(timeout=10).expect(130).summary
    assert summary["done"] == 2 == len(outputs(directory))


def test_second_signal_ends_at_once(quern, scripted, directory):
    slow_source(scripted, [f"in/{number}.txt" for number in range(10)], 30)
    command = ("ingest", "s3://bucket/in/", "--structured-output-dir", directory.url("out"), "--json", "--workers", "2")
    run = quern.start(*command, env=scripted.env)
    run.wait_until(lambda: len(scripted.sent("GET")) == 3)
    run.send(signal.SIGINT)
    time.sleep(0.1)
    assert run.is_running
    run.send(signal.SIGINT)
    result = run.wait(timeout=10).expect(130)
    assert result.seconds < 8 and result.summary["done"] == 0 and outputs(directory) == {}


def test_two_runs_on_one_output(quern, scripted, directory, tmp_path):
    slow_source(scripted, [f"in/{number}.txt" for number in range(4)], 0.5)
    command = ("ingest", "s3://bucket/in/", "--structured-output-dir", directory.url("out"))
    first = quern.start(*command, env=scripted.env)
    first.wait_until(lambda: len(scripted.sent("GET")) >= 2)
    second = quern(*command, "--json", env=scripted.env).expect(11, "another run")
    assert second.summary["status"] == "stopped" and second.seconds < 5
    first.wait().expect(0)
    assert len(outputs(directory)) == 4
    quern.ok(*command, env=scripted.env)  # the lock has gone with the first


def test_a_lock_goes_with_its_killed_run(quern, scripted, directory):
    slow_source(scripted, [f"in/{number}.txt" for number in range(2)], 0.5)
    command = ("ingest", "s3://bucket/in/", "--structured-output-dir", directory.url("out"))
    first = quern.start(*command, env=scripted.env)
    first.wait_until(lambda: len(scripted.sent("GET")) >= 2)
    first.kill()
    first.wait()
    quern.ok(*command, env=scripted.env)


def test_two_runs_with_states_of_their_own_double_nothing(quern, directory, tmp_path):
    """The lock is in the state directory; who has another is held off by the output itself."""
    put_texts(directory, 200)
    runs = [
        quern.start(
            "ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--output-format", "parquet",
            "--state-dir", tmp_path / f"state-{index}",
        )
        for index in range(3)
    ]
    statuses = sorted(run.wait().status for run in runs)
    assert statuses[0] == 0 and set(statuses) <= {0, 11}
    rows = parquet_rows(parquet_files(directory, "out/", tmp_path / "copies"))
    assert len(rows) == len({row["element_id"] for row in rows}) == 800


def test_two_loads_at_once_double_nothing(quern, parquet_source, tmp_path):
    database = tmp_path / "t.db"
    runs = [
        quern.start(
            "load", parquet_source.url("rows"), "--table", "t", "--to", f"sqlite:{database}",
            "--state-dir", tmp_path / f"state-{index}",
        )
        for index in range(3)
    ]
    results = [run.wait() for run in runs]
    statuses = sorted(result.status for result in results)
    assert statuses[0] == 0 and set(statuses) <= {0, 11}, "\n".join(result.explain("") for result in results)
    assert table_state(database) == (36000, 36000)


def test_readers_see_the_old_table_until_the_new_one_is_whole(quern, parquet_source, tmp_path):
    database = tmp_path / "t.db"
    command = ("load", parquet_source.url("rows"), "--table", "t", "--to", f"sqlite:{database}", "--force")
    quern.ok(*command)
    counts, done = set(), threading.Event()

    def read():
        while not done.is_set():
            counts.add(database_rows(database, "SELECT count(*) FROM t")[0][0])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        quern.ok(*command)
    finally:
        done.set()
        reader.join()
    assert counts == {36000}


def test_no_process_is_left_after_a_kill(quern, directory):
    put_texts(directory, 500)
    run = quern.start("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"))
    run.wait_until(lambda: "Wrote " in run.stderr)
    group = os.getpgid(run.pid)
    run.kill()
    run.wait()
    end = time.monotonic() + 5
    while members_of(group):
        assert time.monotonic() < end, f"still running: {members_of(group)}"
        time.sleep(0.02)


def members_of(group):
    """Live processes of a process group."""
    members = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        state, _, process_group = rest.split()[:3]
        if int(process_group) == group and state != "Z":
            members.append(name + ")")
    return members


def test_database_of_another_program_is_left_alone(quern, parquet_source, tmp_path):
    """A table that the user has is replaced only under its own name."""
    database = tmp_path / "t.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE mine (a)")
        connection.execute("INSERT INTO mine VALUES (1)")
    connection.close()
    quern.ok("load", parquet_source.url("rows"), "--table", "t", "--to", f"sqlite:{database}")
    assert database_rows(database, "SELECT * FROM mine") == [(1,)]
