"""The whole path: objects to elements to a database to an answer, on a directory and on S3."""

import collections
import json
import os
import shlex
import urllib.parse

import pytest
import scripted_server as answers
from json_output import checked, is_valid
from samples import (
    DOCUMENT_NAMES, database_rows, documents_of_shard, element_ids, outputs, parquet_files, parquet_rows, put_examples,
    put_texts, report_lines,
)

QUERY = "cement fragment"


def ingest(quern, place, *flags, source="in/", target="out", status=0, **options):
    return quern(
        "ingest", place.url(source), "--structured-output-dir", place.url(target), *flags, env=place.env, **options
    ).expect(status)


def name_of(place, key):
    """Outputs of the S3 store are named by the whole key, those of a directory by the path in it."""
    return key.removeprefix("out/").removeprefix("in/")


def test_documents_become_json(quern, place):
    names = put_examples(place)
    result = ingest(quern, place)
    assert "ingest: 5 done, 0 skipped, 0 failed" in result.stderr
    written = {name_of(place, key): json.loads(body) for key, body in outputs(place).items()}
    assert sorted(written) == [name + ".json" for name in names]
    for name, elements in written.items():
        assert elements, name
        filename = name.removesuffix(".json").rsplit("/", 1)[-1]
        assert [element["element_id"] for element in elements] == element_ids(filename, elements)
        ids = {element["element_id"] for element in elements}
        for element in elements:
            assert list(element) == ["type", "element_id", "text", "metadata"]
            assert element["metadata"]["filename"] == filename
            assert element["metadata"].get("parent_id") is None or element["metadata"]["parent_id"] in ids
    assert {element["metadata"].get("page_number") for element in written["planting-guide.pdf.json"]} == {1, 2}
    assert any("tide" in element["text"] or element["text"] for element in written["notes/field-notes.md.json"])


def test_the_whole_path_to_an_answer(quern, place, tmp_path):
    import duckdb

    put_examples(place)
    result = ingest(quern, place, "--output-format", "parquet", target="parquet")
    assert place.keys("parquet/") == ["parquet/part-00000.parquet"]
    assert "next:    quern load" in result.stderr

    paths = parquet_files(place, "parquet/", tmp_path / "copies")
    rows = parquet_rows(paths)
    cursor = duckdb.connect().execute(f"SELECT * FROM read_parquet({[str(path) for path in paths]})")
    columns = [column[0] for column in cursor.description]
    assert [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()] == rows
    assert {row["filename"] for row in rows} == {name.rsplit("/", 1)[-1] for name in DOCUMENT_NAMES}
    assert len({row["element_id"] for row in rows}) == len(rows)
    assert all(json.loads(row["metadata"])["filename"] == row["filename"] for row in rows)
    assert [name_of(place, key) for key in documents_of_shard(paths[0])] == DOCUMENT_NAMES

    database = tmp_path / "reef.db"
    quern.ok("load", place.url("parquet"), "--table", "reef", "--to", f"sqlite:{database}", env=place.env)
    loaded = database_rows(database, "SELECT element_id, type, text, page_number, metadata FROM reef ORDER BY rowid")
    assert loaded == [tuple(row[name] for name in ("element_id", "type", "text", "page_number", "metadata")) for row in rows]
    found = database_rows(
        database,
        "SELECT reef.filename FROM reef_fts JOIN reef ON reef.rowid = reef_fts.rowid WHERE reef_fts MATCH ? ORDER BY bm25(reef_fts)",
        "cement fragment",
    )
    assert found[0] == ("planting-guide.pdf",)

    answer = quern.ok("search", QUERY, "--table", "reef", "--to", f"sqlite:{database}", "--limit", "1")
    assert "planting-guide.pdf, page 1" in answer.stdout and "**cement**" in answer.stdout
    lines = checked(quern.ok("search", QUERY, "--table", "reef", "--to", f"sqlite:{database}", "--limit", "1", "--json"))
    (hit,), (summary,) = lines["hit"], lines["summary"]
    assert (hit["rank"], hit["page"], hit["row"]["filename"]) == (1, 1, "planting-guide.pdf")
    assert hit["document"].endswith("planting-guide.pdf") and summary["hits"] == 1


@pytest.mark.parametrize("output_format", ["json", "ndjson", "parquet"])
def test_a_second_run_does_nothing_and_says_so(quern, place, output_format):
    put_examples(place)
    ingest(quern, place, "--output-format", output_format)
    before = outputs(place)
    result = ingest(quern, place, "--output-format", output_format, "--json")
    assert outputs(place) == before
    assert (result.summary["done"], result.summary["skipped"]) == (0, 5)
    (reason,) = result.summary["reasons"]
    assert (reason["outcome"], reason["reason"], reason["count"]) == ("skipped", "already done", 5)
    assert "ingest: 0 done, 5 skipped, 0 failed" in result.stderr and "already done" in result.stderr
    ingest(quern, place, "--output-format", output_format, "--error-on-no-work", status=9)


def test_a_second_load_does_nothing_and_says_so(quern, place, tmp_path):
    put_examples(place)
    ingest(quern, place, "--output-format", "parquet", target="parquet")
    load = ("load", place.url("parquet"), "--table", "reef", "--to", f"sqlite:{tmp_path / 'reef.db'}")
    quern.ok(*load, env=place.env)
    rows = database_rows(tmp_path / "reef.db", "SELECT * FROM reef")
    result = quern.ok(*load, "--json", env=place.env)
    assert (result.summary["done"], result.summary["skipped"]) == (0, 1)
    assert "already loaded" in result.stderr
    assert database_rows(tmp_path / "reef.db", "SELECT * FROM reef") == rows
    quern(*load, "--error-on-no-work", env=place.env).expect(9)
    forced = quern.ok(*load, "--force", "--json", env=place.env)
    assert forced.summary["done"] == 1
    assert database_rows(tmp_path / "reef.db", "SELECT * FROM reef") == rows


def test_a_new_document_is_all_that_the_next_run_does(quern, place, tmp_path):
    put_texts(place, 5)
    for output_format in ("json", "parquet"):
        ingest(quern, place, "--output-format", output_format, target=output_format)
    place.put("in/00002b.txt", b"Something new\n\nIt came later than the others did.\n")
    for output_format in ("json", "parquet"):
        summary = ingest(quern, place, "--output-format", output_format, "--json", target=output_format).summary
        assert (summary["done"], summary["skipped"]) == (1, 5)
    paths = parquet_files(place, "parquet/", tmp_path / "copies")
    assert len(paths) == 2
    assert collections.Counter(row["filename"] for row in parquet_rows(paths))["00002b.txt"] == 2

    database = tmp_path / "t.db"
    quern.ok("load", place.url("parquet"), "--table", "t", "--to", f"sqlite:{database}", env=place.env)
    assert database_rows(database, "SELECT count(*), count(DISTINCT element_id) FROM t") == [(22, 22)]


def test_ndjson_has_the_elements_of_json(quern, place):
    put_examples(place)
    ingest(quern, place, target="array")
    ingest(quern, place, "--output-format", "ndjson", target="lines")
    arrays = {key.removeprefix("array/").removesuffix(".json"): json.loads(body) for key, body in outputs(place, "array/").items()}
    lines = {
        key.removeprefix("lines/").removesuffix(".ndjson"): [json.loads(line) for line in body.splitlines()]
        for key, body in outputs(place, "lines/").items()
    }
    assert lines == arrays


def test_dry_run_writes_nothing(quern, place, tmp_path):
    put_examples(place)
    for output_format in ("json", "ndjson", "parquet"):
        result = ingest(quern, place, "--dry-run", "--output-format", output_format, "--json")
        assert (result.summary["done"], result.summary["skipped"]) == (0, 5)
        assert "would be ingested (dry run)" in result.stderr
    assert outputs(place) == {}
    ingest(quern, place, "--output-format", "parquet", target="parquet")
    quern.ok(
        "load", place.url("parquet"), "--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}", "--dry-run", env=place.env
    ).expect(0, "would be loaded (dry run)")
    if (tmp_path / "t.db").exists():
        assert database_rows(tmp_path / "t.db", "SELECT name FROM sqlite_master WHERE name = 't'") == []


@pytest.mark.parametrize("flag", ["--force", "--reprocess"])
def test_force_does_it_again(quern, place, flag):
    put_examples(place)
    ingest(quern, place)
    before = outputs(place)
    key = sorted(before)[0]
    place.put(key, b"[]\n")
    summary = ingest(quern, place, "--json").summary
    assert (summary["done"], summary["skipped"]) == (0, 5)
    summary = ingest(quern, place, flag, "--json").summary
    assert (summary["done"], summary["skipped"]) == (5, 0)
    assert outputs(place) == before


def test_an_empty_output_is_not_done(quern, place):
    put_examples(place)
    ingest(quern, place)
    before = outputs(place)
    place.put(sorted(before)[0], b"")
    assert ingest(quern, place, "--json").summary["done"] == 1
    assert outputs(place) == before


def test_output_naming(quern, s3):
    """`full-key` and `relative` differ where the prefix ends inside the bucket."""
    put_examples(s3, "a/b/")
    ingest(quern, s3, source="a/b/", target="full")
    ingest(quern, s3, "--output-naming", "relative", source="a/b/", target="relative")
    assert s3.keys("full/") == sorted(f"full/a/b/{name}.json" for name in DOCUMENT_NAMES)
    assert s3.keys("relative/") == sorted(f"relative/{name}.json" for name in DOCUMENT_NAMES)


def test_one_whole_key(quern, place):
    put_examples(place)
    summary = ingest(quern, place, "--json", source="in/planting-guide.pdf").summary
    assert summary["done"] == 1
    assert [name_of(place, key) for key in outputs(place)] == ["planting-guide.pdf.json"]


def test_a_prefix_is_plain_text(quern, s3):
    """No slash is added: the prefix may end inside a name."""
    put_examples(s3)
    ingest(quern, s3, source="in/pla")
    assert s3.keys("out/") == ["out/in/planting-guide.pdf.json"]


@pytest.mark.parametrize(
    "flags, names",
    [
        (["--include", "*.md"], ["notes/field-notes.md"]),
        (["--include", "notes/**"], ["notes/field-notes.md"]),
        (["--exclude", "*.{pdf,html}"], ["notes/field-notes.md", "reef-history.txt", "sites.csv"]),
        (["--include", "*.txt", "--include", "*.csv"], ["reef-history.txt", "sites.csv"]),
        (["--file-glob", "*.pdf"], ["planting-guide.pdf"]),
        (["--limit", "2"], ["monitoring.html", "notes/field-notes.md"]),
        (["--max-documents", "1"], ["monitoring.html"]),
        (["--max-file-size", "500"], ["sites.csv"]),
    ],
    ids=" ".join,
)
def test_selection(quern, place, flags, names):
    put_examples(place)
    ingest(quern, place, *flags)
    assert sorted(name_of(place, key) for key in outputs(place)) == [name + ".json" for name in names]


def test_shards_are_disjoint_and_together_all(quern, place):
    put_texts(place, 40)
    seen = []
    for index in range(3):
        ingest(quern, place, "--shard", f"{index}/3", target=f"shard-{index}")
        seen += [key.split("/", 1)[1] for key in outputs(place, f"shard-{index}/")]
    assert len(set(seen)) == len(seen) == 40
    for index in range(3):
        environment = place.env | {"QUERN_SHARD_INDEX": str(index), "QUERN_SHARD_COUNT": "3"}
        quern.ok("ingest", place.url("in/"), "--structured-output-dir", place.url("together"), env=environment)
    assert len(outputs(place, "together/")) == 40


def test_shards_write_parquet_side_by_side(quern, place, tmp_path):
    put_texts(place, 40)
    runs = [
        quern.start(
            "ingest", place.url("in/"), "--structured-output-dir", place.url("parquet"), "--output-format", "parquet",
            "--shard", f"{index}/2", "--state-dir", tmp_path / f"state-{index}", env=place.env,
        )
        for index in range(2)
    ]
    for run in runs:
        run.wait().expect(0)
    rows = parquet_rows(parquet_files(place, "parquet/", tmp_path / "copies"))
    assert len(rows) == len({row["element_id"] for row in rows}) == 160


def test_workers_change_nothing_in_the_result(quern, place, tmp_path):
    put_texts(place, 30)
    put_examples(place)
    for workers in (1, 7):
        for output_format in ("json", "parquet"):
            ingest(quern, place, "--workers", workers, "--output-format", output_format, target=f"{output_format}-{workers}")
    one, seven = ({key.split("/", 1)[1]: body for key, body in outputs(place, f"json-{n}/").items()} for n in (1, 7))
    assert one == seven
    one, seven = (outputs(place, f"parquet-{n}/") for n in (1, 7))
    assert list(one.values()) == list(seven.values())


def test_json_lines_and_a_last_summary(quern, place):
    put_examples(place)
    place.put("in/z.bin", os.urandom(1000) + b"\0\0")
    result = ingest(quern, place, "--json", status=1)
    lines = checked(result)
    items, summary, (plan,) = lines["document"], lines["summary"][0], lines["plan"]
    assert sorted(item["key"].removeprefix("in/") for item in items) == [*DOCUMENT_NAMES, "z.bin"]
    assert collections.Counter(item["outcome"] for item in items) == {"done": 5, "failed": 1}
    assert plan["command"] == "ingest" and plan["items"] == 6 and plan["bytes"] == sum(item["bytes"] for item in items)
    assert plan["source"] == place.url("in/") and plan["target"] == place.url("out")
    assert plan["options"]["structured_output_dir"] == place.url("out") and "workers" not in plan["options"]
    assert lines["progress"][-1]["items_ended"] == 6 and len(lines["progress"]) <= 2 + result.seconds
    assert len([line for line in lines["info"] if line["message"].startswith("Wrote ")]) == 5 and "Wrote " not in result.stderr
    assert summary == result.summary and summary["status"] == "finished with failures" and summary["command"] == "ingest"
    assert (summary["done"], summary["skipped"], summary["failed"], summary["cancelled"]) == (5, 0, 1, 0)
    assert summary["peak_memory_bytes"] > 1 << 20 and "seccomp" in summary["sandbox"]


def test_json_summary_also_on_failure(quern, place):
    for result, code in ((ingest(quern, place, "--json", status=6), "not_found"), (quern("ingest", "--json").expect(2), "invalid")):
        lines = checked(result)
        (error,) = lines["error"]
        assert (result.summary["status"], result.summary["code"], error["code"]) == ("stopped", code, code)
        assert error["message"] == result.summary["error"] and error["message"] in result.stderr


def test_one_name_for_a_run_in_json_journal_and_report(quern, directory, tmp_path):
    """load speaks as ingest does; a warning is an object too."""
    put_examples(directory)
    names = set()
    for command in (
        ("ingest", directory.url("in"), "--structured-output-dir", directory.url("pq"), "--output-format", "parquet", "--download-dir", tmp_path / "tmp"),
        ("load", directory.url("pq"), "--table", "elements", "--to", f"sqlite:{tmp_path / 'q.db'}"),
    ):
        report, journal = tmp_path / f"{command[0]}.jsonl", tmp_path / f"{command[0]}.journal"
        result = quern.ok(*command, "--json", "--report-file", report, "--journal", journal)
        lines = checked(result)
        assert report.read_text().splitlines() == [line for line in result.lines if '"type": "document"' in line], "the same lines"
        begin = json.loads(journal.read_text().splitlines()[0])
        assert begin["about"]["run"] == result.summary["run"]
        assert lines["plan"][0]["command"] == command[0] and lines["plan"][0]["items"] == len(lines["document"])
        names.add(result.summary["run"])
        if command[0] == "ingest":
            assert any("--download-dir" in line["message"] for line in lines["warning"]) and "warning" not in result.stderr
    assert len(names) == 2, "each run has its own"


@pytest.mark.parametrize("output_format", ["json", "ndjson"])
def test_the_summary_says_where_things_are_and_what_comes_next(quern, directory, tmp_path, output_format):
    put_examples(directory)
    report, out = tmp_path / "a report.jsonl", tmp_path / "the elements"
    command = ("ingest", directory.url("in"), "--structured-output-dir", out, "--output-format", output_format, "--report-file", report)
    result = quern.ok(*command)
    (journal,) = (tmp_path / "home/.local/state/quern").glob("ingest-*.journal")
    assert f"  journal: {journal}\n" in result.stderr and f"  report:  {report}\n" in result.stderr
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("  next: "))
    shown = quern.ok(*shlex.split(line.removeprefix("  next:    quern ")))
    assert all(f"{name}.{output_format}" in shown.stdout for name in DOCUMENT_NAMES)
    summary = checked(quern.ok(*command, "--json"))["summary"][0]
    assert (summary["journal"], summary["report_file"]) == (str(journal), str(report)) and summary["next"] == line.removeprefix("  next:    ")
    dry = checked(quern.ok(*command[:-2], "--dry-run", "--json"))["summary"][0]
    assert not {"journal", "report_file", "next"} & dry.keys()


def test_the_schema_refuses_what_is_not_said(quern, directory):
    put_texts(directory, 1)
    summary = checked(ingest(quern, directory, "--json"))["summary"][0]
    assert is_valid(summary)
    for change in ({"type": "sumary"}, {"time": "yesterday"}, {"status": "fine"}, {"done": -1}, {"status": "stopped"}, {"reasons": [{"count": 1}]}):
        assert not is_valid({**summary, **change}), change
    for name in ("time", "run", "status"):
        assert not is_valid({key: value for key, value in summary.items() if key != name}), name


def test_quiet_says_nothing(quern, place):
    put_examples(place)
    result = ingest(quern, place, "--quiet")
    assert (result.stdout, result.stderr) == ("", "")
    result = ingest(quern, place, "--quiet", source="nothing/", status=6)
    assert result.stdout == "" and "nothing/" in result.stderr  # an error is always said


def test_progress_on_a_terminal_and_none_in_a_pipe(quern, directory):
    put_texts(directory, 300)
    on_terminal = ingest(quern, directory, terminal=True)
    assert "\x1b[1A" in on_terminal.stderr and " ended, " in on_terminal.stderr
    assert "ingest: 300 done" in on_terminal.stderr
    in_pipe = ingest(quern, directory, "--force")
    assert "\x1b" not in in_pipe.stderr + in_pipe.stdout
    without = ingest(quern, directory, "--force", "--no-progress", terminal=True)
    assert " ended, " not in without.stderr


@pytest.mark.parametrize(
    "environment, flags, terminal, colored",
    [
        ({}, [], True, True),
        ({}, [], False, False),
        ({"NO_COLOR": "1"}, [], True, False),
        ({"TERM": "dumb"}, [], True, False),
        ({"FORCE_COLOR": "1"}, [], False, True),
        ({"NO_COLOR": "1"}, ["--color", "always"], False, True),
        ({}, ["--color", "never"], True, False),
    ],
)
def test_color(quern, directory, environment, flags, terminal, colored):
    result = quern(
        "ingest", directory.url("nothing/"), "--structured-output-dir", "out", *flags, env=environment, terminal=terminal
    ).expect(6)
    assert ("\x1b[31m" in result.stderr) == colored, result.explain("color")


def test_report_agrees_with_summary_items_and_exit_status(quern, place, tmp_path):
    put_examples(place)
    place.put("in/cut.pdf", b"%PDF-1.4\nnothing more")
    place.put("in/sound.wav", b"RIFF\x64\0\0\0WAVEfmt " + bytes(100))
    report = tmp_path / "report.jsonl"
    result = ingest(quern, place, "--json", "--report-file", report, status=1)
    lines, summary = report_lines(report), result.summary
    assert lines == checked(result)["document"]
    counts = collections.Counter(line["outcome"] for line in lines)
    assert (counts["done"], counts["skipped"], counts["failed"]) == (summary["done"], summary["skipped"], summary["failed"]) == (5, 0, 2)
    assert summary["status"] == "finished with failures"
    damaged, sound = sorted((line for line in lines if line["outcome"] == "failed"), key=lambda line: line["key"])
    assert damaged["key"].endswith("cut.pdf") and damaged["code"] == "corrupt" and damaged["reason"]
    assert damaged["reason"] in result.stderr and "cut.pdf" in result.stderr
    assert (sound["code"], sound["status"], sound["reason"]) == ("unsupported", "unsupported", "unsupported type: audio/x-wav")


@pytest.mark.parametrize("redact", [False, True])
def test_equal_failures_are_one_reason(quern, scripted, tmp_path, redact):
    """Each answer has its own key and request id; the summaries count them together, the report file keeps every text whole."""
    keys = [f"in/it's {number:02}.txt" for number in range(12)]
    scripted.on("GET", "/bucket", answers.list_page([(key, 1000 + number) for number, key in enumerate(keys)]))
    for number, key in enumerate(keys):
        body = f"<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>TX{number}</RequestId></Error>"
        scripted.on("GET", "/bucket/" + urllib.parse.quote(key), answers.status(403, answers.xml(body)))
    scripted.on("GET", "/bucket/" + urllib.parse.quote(keys[5]), answers.ok(b"A short text.\n"))
    report = tmp_path / "report.jsonl"
    result = quern(
        "ingest", "s3://bucket/in/", "--structured-output-dir", tmp_path / "out", "--json", "--report-file", report,
        *(["--redact-keys"] if redact else []), env=scripted.env,
    ).expect(1)
    (reason,) = (reason for reason in checked(result)["summary"][0]["reasons"] if reason["outcome"] == "failed")
    assert reason["count"] == 11 and "AccessDenied" in reason["reason"] and "TX" not in reason["reason"] and ".txt" not in reason["reason"]
    failed = [line for line in report_lines(report) if line["outcome"] == "failed"]
    assert len({line["reason"] for line in failed}) == 11 and all("TX" in line["reason"] for line in failed)
    assert reason["example"] in {line["key"] for line in failed} and (".txt" in reason["example"]) == (not redact)
    assert f"failed 11: {reason['reason']}; the first is {reason['example']}\n" in result.stderr


def test_redact_keys(quern, place, tmp_path):
    put_examples(place)
    place.put("in/cut.pdf", b"%PDF-1.4\nnothing more")
    place.put("in/a name of " + "250 bytes " * 24 + ".txt", b"Its output's name is longer than a directory takes.\n")
    report = tmp_path / "report.jsonl"
    result = quern(
        "ingest", place.url("in/"), "--structured-output-dir", tmp_path / "out", "--redact-keys", "--report-file", report, "--json",
        env=place.env,
    ).expect(1)
    assert result.summary["failed"] == 2
    everything = result.stderr + result.stdout + report.read_text()
    for name in ("250 bytes", "cut.pdf", "sites.csv", "planting-guide", "field-notes"):
        assert name not in everything, result.explain(name)


def test_download_only_and_downloads_kept(quern, place, tmp_path):
    names = put_examples(place)
    copies = tmp_path / "copies"
    command = ("ingest", place.url("in/"), "--download-only", "--download-dir", copies)
    assert "ingest: 5 done" in quern.ok(*command, env=place.env).stderr
    found = {str(path.relative_to(copies)).removeprefix("in/"): path for path in copies.rglob("*") if path.is_file()}
    assert sorted(found) == names
    for name, path in found.items():
        assert path.read_bytes() == place.get("in/" + name)
    assert quern.ok(*command, "--json", env=place.env).summary["skipped"] == 5
    assert quern.ok(*command, "--json", "--re-download", env=place.env).summary["done"] == 5
    # What is downloaded is not read again: the source may be gone by now.
    for name in names:
        place.put("in/" + name, b"x" * len(place.get("in/" + name)))
        os.utime(found[name])  # not older than the object: else it would be of another version
    ingest(quern, place, "--download-dir", copies, "--preserve-downloads")
    assert any(b"cement" in body for body in outputs(place).values())
    assert all(path.exists() for path in found.values())


def test_tls(quern, s3_tls):
    put_examples(s3_tls)
    ingest(quern, s3_tls)
    assert len(s3_tls.keys("out/")) == 5
    environment = {name: value for name, value in s3_tls.env.items() if name != "AWS_CA_BUNDLE"}
    result = quern("ingest", s3_tls.url("in/"), "--structured-output-dir", "out", env=environment)
    result.expect(4, "the server's certificate is not trusted", "1 requests, 0 of them retries")
    quern.ok("ls", s3_tls.url("in/"), "--no-verify-ssl", env=environment)


def test_addressing(quern, s3):
    put_examples(s3)
    port = s3.server.port
    environment = s3.env | {"AWS_ENDPOINT_URL": f"http://localhost:{port}"}
    for addressing in ("auto", "path"):
        result = quern.ok("ls", s3.url("in/"), "--recursive", "--count", "--json", "--addressing", addressing, env=environment)
        assert result.summary["keys"] == 5


def test_version_of_a_document_that_changed(quern, place, tmp_path):
    """JSON outputs and the Parquet list know versions, so a changed document is done again."""
    put_texts(place, 3)
    for output_format in ("json", "parquet"):
        ingest(quern, place, "--output-format", output_format, target=output_format)
    place.put("in/00001.txt", b"Quite another text\n\nIt replaces the one that was here before.\n")
    assert ingest(quern, place, "--json", target="json").summary["done"] == 1
    assert ingest(quern, place, "--json", "--output-format", "parquet", target="parquet").summary["done"] == 1
