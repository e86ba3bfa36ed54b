"""What a document does to its parser, and what the run makes of it: status words, quarantine, retry. The parser is sandbox-probe,
which does what the first line of a document says ("probe: raise 11")."""

import contextlib
import json
import os
import pathlib
import signal
import time

from json_output import checked
from program import build_directory

DEATHS = {"crash.txt": "raise 11", "abort.txt": "abort", "oom.txt": "bad-alloc", "forbidden.txt": "trial 0", "stack.txt": "overflow-stack"}
DEATH_WORDS = {"crash.txt": "crash", "abort.txt": "crash", "oom.txt": "oom", "forbidden.txt": "forbidden", "stack.txt": "crash"}


def probe():
    return build_directory() / "src/sandbox/sandbox-probe"


def put(directory, documents):
    for name, command in documents.items():
        directory.put("in/" + name, f"probe: {command}\n".encode())


def ingest(quern, directory, *flags, **options):
    return quern(
        "ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--output-naming", "relative", "--json",
        "--parse-program", probe(), *flags, **options,
    )


def documents(result):
    return {pathlib.PurePath(line["key"]).name: line for line in result.json_lines if line["type"] == "document"}


def words(result):
    return {name: line.get("status") for name, line in documents(result).items()}


def journals(tmp_path, ending):
    return list(tmp_path.rglob("*.journal" + ending))


# ---- how a document ends


def test_every_end_has_its_word(quern, directory, tmp_path):
    """In the lines of --json, in the report file, in the journal and in the summary's reasons; neighbours are not touched."""
    put(directory, DEATHS | {"limit.txt": "fail 14", "corrupt.txt": "fail 13", "partly.txt": "nothing", "image.txt": "fail 2"})
    for number in range(20):
        put(directory, {f"good-{number}.txt": "nothing"})
    report = tmp_path / "report.jsonl"
    result = ingest(quern, directory, "--report-file", report, "--workers", "4").expect(1)
    lines = checked(result)
    assert words(result) == DEATH_WORDS | {"limit.txt": "limit", "corrupt.txt": "corrupt", "image.txt": "unsupported", "partly.txt": None} | {
        f"good-{number}.txt": None for number in range(20)
    }
    assert {line["key"]: line.get("status") for line in map(json.loads, report.read_text().splitlines())} == {
        line["key"]: line.get("status") for line in lines["document"]
    }
    (journal,) = journals(tmp_path, "")
    failures = [json.loads(line) for line in journal.read_text().splitlines()]
    assert {line["key"]: line["status"] for line in failures if line["type"] == "failure"} == DEATH_WORDS | {
        "limit.txt": "limit", "corrupt.txt": "corrupt", "image.txt": "unsupported",
    }
    assert {reason["status"] for reason in result.summary["reasons"]} == set(DEATH_WORDS.values()) | {"limit", "corrupt", "unsupported"}
    assert "(oom)" in result.stderr and "(forbidden)" in result.stderr, result.explain("people see the words too")


# ---- quarantine


def test_two_deaths_quarantine(quern, directory, tmp_path):
    put(directory, {"crash.txt": "raise 11", "good.txt": "nothing"})
    first = ingest(quern, directory).expect(1)
    assert "quarantined, as it killed its parser twice" in documents(first)["crash.txt"]["reason"]
    assert documents(first)["crash.txt"]["status"] == "crash"
    for flags in ((), ("--force",)):
        again = ingest(quern, directory, *flags).expect(1)
        left_out = documents(again)["crash.txt"]
        assert (left_out["outcome"], left_out["status"], left_out["bytes"]) == ("failed", "quarantined", 0)
        assert left_out["reason"] == "quarantined: killed its parser twice (crash); quern retry tries it again"
    assert not journals(tmp_path, ".inflight"), "a run that ended leaves nothing in flight"


def test_a_parser_that_knows_no_better_kills_nobody(quern, directory):
    """One of another version, say, fails with every document and lives: no document is quarantined for it."""
    put(directory, {"a.txt": "no such command"})
    for _ in range(3):
        assert words(ingest(quern, directory).expect(1)) == {"a.txt": "internal"}


def test_a_new_version_is_tried_again(quern, directory):
    put(directory, {"a.txt": "raise 11"})
    ingest(quern, directory).expect(1)
    put(directory, {"a.txt": "nothing"})
    assert documents(ingest(quern, directory).expect(0))["a.txt"]["outcome"] == "done"


def test_a_timeout_is_a_death(quern, directory):
    put(directory, {"loop.txt": "loop", "sleep.txt": "sleep"})
    result = ingest(quern, directory, "--parse-timeout", "1s").expect(1)
    assert words(result) == {"loop.txt": "timeout", "sleep.txt": "timeout"}
    assert all("longer than 1.0 s" in line["reason"] for line in documents(result).values()), result.explain("the limit is named")
    assert words(ingest(quern, directory).expect(1)) == {"loop.txt": "quarantined", "sleep.txt": "quarantined"}


def descendants(pid):
    """Processes below one, as /proc tells."""
    found, parents = set(), {pid}
    while parents:
        children = set()
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError):
                name_and_rest = stat.read_text().rsplit(")", 1)[1].split()
                if int(name_and_rest[1]) in parents:
                    children.add(int(stat.parent.name))
        parents = children - found
        found |= children
    return found


def working(pid, slots=1):
    """How many documents are in flight, as the slots say."""
    return len(descendants(pid)) >= 1 + slots


def test_a_document_with_bad_luck_gets_its_second_try(quern, directory, tmp_path):
    """Its worker is killed from outside, as a machine out of memory does: the second try, alone, is good, and nothing is held against it."""
    put(directory, {"slow.txt": "progress 1500"})
    run = quern.start(
        "ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--json", "--verbose", "--parse-program", probe(),
        "--workers", "1",
    )
    run.wait_until(lambda: in_flight(tmp_path) == 1)
    workers = descendants(run.pid)
    zygote = min(workers)
    for pid in workers - {zygote}:
        os.kill(pid, signal.SIGKILL)
    result = run.wait().expect(0)
    assert "trying once more, alone" in result.stdout
    assert documents(result)["slow.txt"]["outcome"] == "done"
    (record,) = [json.loads(line) for line in journals(tmp_path, ".quarantine")[0].read_text().splitlines() if line][-1:]
    assert record["deaths"] == 0


def in_flight(tmp_path):
    return sum(slot.strip() != "" for path in journals(tmp_path, ".inflight") for slot in path.read_text().splitlines())


def test_the_programs_own_death_makes_suspects(quern, directory, tmp_path):
    """What was in flight when it was killed is parsed alone the next time, and one death of its parser is then enough; who is innocent is done,
    however often the program was killed."""
    put(directory, {"bad.txt": "progress 60000", "good.txt": "progress 60001"})
    for _ in range(3):
        run = quern.start(
            "ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--output-naming", "relative", "--json",
            "--parse-program", probe(), "--workers", "2",
        )
        run.wait_until(lambda: in_flight(tmp_path) >= 1 and working(run.pid))
        time.sleep(0.3)
        run.kill()
        run.wait()
    put_same = [path for path in journals(tmp_path, ".quarantine")]
    assert len(put_same) == 1 and put_same[0].read_text().count('"deaths":1') >= 1
    assert '"deaths":2' not in put_same[0].read_text()
    result = ingest(quern, directory, "--parse-timeout", "500ms").expect(1)
    assert words(result) == {"bad.txt": "timeout", "good.txt": "timeout"}
    records = [json.loads(line) for line in put_same[0].read_text().splitlines() if line]
    assert {record["deaths"] for record in records} == {1, 2}


# ---- status, why, retry


def test_retry_works_on_failures_alone(quern, directory, tmp_path):
    """With the options of that run, from its directory's state, and nothing else; what fails again stays on the list."""
    put(directory, {f"good-{number}.txt": "nothing" for number in range(5)} | {"crash.txt": "raise 11", "corrupt.txt": "fail 13"})
    ingest(quern, directory, "--output-format", "ndjson").expect(1)
    put(directory, {"new.txt": "nothing"})
    retried = quern("retry", "--json").expect(1)
    checked(retried)
    assert words(retried) == {"crash.txt": "crash", "corrupt.txt": "corrupt"}
    put(directory, {"corrupt.txt": "nothing"})
    again = quern("retry", "--json").expect(1)
    assert {name: line["outcome"] for name, line in documents(again).items()} == {"crash.txt": "failed", "corrupt.txt": "done"}
    assert "out/corrupt.txt.ndjson" in directory.keys("out/"), "the options of the first run"
    assert words(quern("retry", "--json").expect(1)) == {"crash.txt": "crash"}
    put(directory, {"crash.txt": "nothing"})
    assert quern("retry", "--json").expect(0).summary["done"] == 1
    assert quern("retry", "--json").expect(0).summary["status"] == "ok"
    assert "nothing failed" in quern("retry").expect(0).stderr


def test_retry_by_status(quern, directory):
    put(directory, {"crash.txt": "raise 11", "corrupt.txt": "fail 13", "limit.txt": "fail 14"})
    ingest(quern, directory).expect(1)
    assert words(quern("retry", "--status", "crash,limit", "--json").expect(1)) == {"crash.txt": "crash", "limit.txt": "limit"}
    assert words(quern("retry", "--json").expect(1)) == {"crash.txt": "crash", "corrupt.txt": "corrupt", "limit.txt": "limit"}
    assert "nothing failed so" in quern("retry", "--status", "oom").expect(0).stderr


def test_retry_lifts_the_quarantine_of_earlier_runs(quern, directory):
    """Left out by the newest run, it is still told by how it died."""
    put(directory, {"crash.txt": "raise 11", "good.txt": "nothing"})
    ingest(quern, directory).expect(1)
    ingest(quern, directory).expect(1)
    assert words(quern("retry", "--status", "crash", "--json").expect(1)) == {"crash.txt": "crash"}


def test_retry_asks_for_a_few_and_lists_for_odd_names(quern, s3, tmp_path):
    for number in range(30):
        s3.put(f"in/{number:02}.txt", b"probe: nothing\n")
    s3.put("in/bad.txt", b"probe: fail 13\n")
    flags = ("--structured-output-dir", tmp_path / "out", "--json", "--parse-program", probe())
    quern("ingest", s3.url("in/"), *flags, env=s3.env).expect(1)
    asked = quern("retry", "--json", env=s3.env).expect(1)
    assert words(asked) == {"bad.txt": "corrupt"}
    s3.put("in/odd\\x01.txt", b"probe: fail 13\n")
    quern("ingest", s3.url("in/"), *flags, env=s3.env).expect(1)
    listed = quern("retry", "--json", env=s3.env).expect(1)
    assert set(words(listed)) == {"bad.txt", "odd\\x01.txt"}
    s3.client.delete_object(Bucket=s3.name, Key="in/bad.txt")
    s3.client.delete_object(Bucket=s3.name, Key="in/odd\\x01.txt")


def test_retry_of_a_document_that_is_gone(quern, s3, tmp_path):
    s3.put("in/bad.txt", b"probe: fail 13\n")
    quern("ingest", s3.url("in/"), "--structured-output-dir", tmp_path / "out", "--parse-program", probe(), env=s3.env).expect(1)
    s3.client.delete_object(Bucket=s3.name, Key="in/bad.txt")
    (line,) = documents(quern("retry", "--json", env=s3.env).expect(6)).values()
    assert (line["outcome"], line["code"]) == ("failed", "not_found")


def test_retry_with_redacted_keys(quern, directory):
    put(directory, {"crash.txt": "raise 11", "good.txt": "nothing"})
    ingest(quern, directory, "--redact-keys").expect(1)
    retried = quern("retry", "--json").expect(1)
    assert retried.summary["failed"] == 1 and "crash.txt" not in retried.stdout + retried.stderr


def test_retry_into_parquet(quern, directory):
    put(directory, {"bad.txt": "fail 13", "good.txt": "nothing"})
    ingest(quern, directory, "--output-format", "parquet").expect(1)
    put(directory, {"bad.txt": "nothing"})
    assert quern("retry", "--json").expect(0).summary["done"] == 1
    assert ingest(quern, directory, "--output-format", "parquet").expect(0).summary["skipped"] == 2


def test_secrets_are_not_written_down(quern, s3, tmp_path):
    s3.put("in/bad.txt", b"probe: fail 13\n")
    env = s3.env | {"AWS_SECRET_ACCESS_KEY": s3.env["AWS_SECRET_ACCESS_KEY"]}
    quern("ingest", s3.url("in/"), "--structured-output-dir", tmp_path / "out", "--parse-program", probe(), env=env).expect(1)
    for path in (tmp_path / "home/.local/state").rglob("*"):
        if path.is_file():
            assert s3.env["AWS_SECRET_ACCESS_KEY"] not in path.read_text()


def test_status_and_why(quern, directory, tmp_path):
    assert quern.ok("status").stdout == ""
    quern("why").expect(6, "no run")
    quern("retry").expect(6, "no run of ingest")
    put(directory, {f"corrupt-{number}.txt": "fail 13" for number in range(3)} | {"crash.txt": "raise 11", "good.txt": "nothing"})
    run = ingest(quern, directory).expect(1)
    (line,) = quern.ok("status").lines
    assert run.summary["run"] in line and " failures " in line and "4 failed" in line
    assert quern.ok("status", run.summary["run"][:12]).lines == [line]
    past = checked(quern.ok("status", "--json"))["past_run"]
    assert [(one["name"], one["state"], one["failed"]) for one in past] == [(run.summary["run"], "failures", 4)]
    head, first, second = quern.ok("why").lines
    assert head == line and first.split()[:2] == ["3", "corrupt"] and second.split()[:2] == ["1", "crash"]
    failures = checked(quern.ok("why", "--json", "--status", "crash"))["failure"]
    assert [failure["key"] for failure in failures] == ["crash.txt"]
    quern("why", "20011111").expect(6, "no run is called '20011111'")
    quern("retry", "--status").expect(2)


def test_retry_from_elsewhere(quern, directory, tmp_path):
    """Paths that were relative mean nothing in another directory."""
    put(directory, {"bad.txt": "fail 13"})
    (tmp_path / "elsewhere").mkdir()
    quern("ingest", "in", "--structured-output-dir", "out", "--parse-program", probe(), cwd=directory.root).expect(1)
    quern("retry", cwd=tmp_path / "elsewhere").expect(2, "relative to", "go there first")
    quern("retry", cwd=directory.root).expect(1)


def test_retry_waits_for_the_run_itself(quern, directory, tmp_path):
    put(directory, {"slow.txt": "progress 3000"})
    run = quern.start("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--parse-program", probe())
    run.wait_until(lambda: in_flight(tmp_path) == 1)
    quern("retry").expect(11, "has not ended")
    assert " running " in quern.ok("status").stdout
    run.wait().expect(0)
