"""What the program says and when it stops: signals to commands that only ask, --quiet, --log-level, colours."""

import fcntl
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import termios

import pytest
import scripted_server as answers
from samples import put_texts, text_document

ESCAPE = "\x1b"
DRAINING = "finishing what is in flight; again to stop at once\n"


@pytest.fixture
def searched(tmp_path):
    """Options of a table of three rows, made by another program."""
    database = sqlite3.connect(tmp_path / "small.db")
    database.execute("CREATE TABLE t (id TEXT, text TEXT)")
    database.executemany("INSERT INTO t VALUES (?, ?)", [(str(number), f"the tide comes {number} times") for number in range(3)])
    database.execute("CREATE VIRTUAL TABLE t_fts USING fts5(id, text, content='t')")
    database.execute("INSERT INTO t_fts (t_fts) VALUES ('rebuild')")
    database.commit()
    database.close()
    return ("--to", f"sqlite:{tmp_path / 'small.db'}", "--table", "t")


# ---- one signal ends what only asks


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("command", [
    ["ls", "s3://bucket/in/"], ["doctor", "--s3", "s3://bucket/in/"], ["parquet", "cat", "s3://bucket/in/t.parquet"],
    ["parquet", "head", "s3://bucket/in/t.parquet"],
], ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None)
def test_one_signal_ends_what_waits_for_a_server(quern, scripted, command, number, status):
    for method in ("GET", "HEAD"):
        scripted.on(method, re.compile("/bucket.*"), answers.ok(b"", delay=30))
    run = quern.start(*command, env=scripted.env)
    run.wait_until(lambda: scripted.requests)
    run.send(number)
    result = run.wait(timeout=10).expect(status)
    assert result.seconds < 8 and DRAINING not in result.stderr


def test_one_signal_ends_a_search(quern, tmp_path):
    """The index's texts are made when a snippet asks for them, and are long: the query lasts."""
    database = sqlite3.connect(tmp_path / "slow.db")
    database.execute("CREATE TABLE t (id TEXT, text TEXT)")
    database.executemany("INSERT INTO t VALUES (?, ?)", ((str(number), "tide") for number in range(5000)))
    database.execute("CREATE VIEW long AS SELECT rowid, id, replace(printf('%.*c', 100000, 'a'), 'a', 'tide ') AS text FROM t")
    database.execute("CREATE VIRTUAL TABLE t_fts USING fts5(id, text, content='long')")
    database.execute("INSERT INTO t_fts (rowid, id, text) SELECT rowid, id, text FROM t")
    database.commit()
    database.close()
    run = quern.start("search", "tide", "--to", f"sqlite:{tmp_path / 'slow.db'}", "--table", "t", "--limit", "5000")
    with pytest.raises(AssertionError, match="nothing after"):
        run.wait_until(lambda: False, timeout=1)
    run.send(signal.SIGINT)
    result = run.wait(timeout=30).expect(130, "cancelled")
    assert result.stdout == ""


@pytest.mark.parametrize("flags, said", [([], True), (["--quiet"], False)])
def test_the_first_signal_to_a_run_says_what_it_does(quern, scripted, directory, flags, said):
    body = text_document(1)
    scripted.on("GET", "/bucket", answers.list_page([("in/1.txt", len(body))]))
    scripted.on("GET", "/bucket/in/1.txt", answers.ok(body, headers={"ETag": f'"{"0" * 32}-1"'}, delay=1))
    run = quern.start("ingest", "s3://bucket/in/", "--structured-output-dir", directory.url("out"), *flags, env=scripted.env)
    run.wait_until(lambda: len(scripted.sent("GET")) == 2)
    run.send(signal.SIGINT)
    result = run.wait(timeout=20)
    assert result.stderr.count(DRAINING) == said, result.explain("the line of the first signal")


# ---- what is said


def test_quiet_says_what_failed(quern, directory):
    put_texts(directory, 2)
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--quiet")
    assert quern.ok(*command).stderr == ""
    directory.put("in/cut.pdf", b"%PDF-1.4\ncut")
    quern(*command).expect(1, "1 failed", "failed cut.pdf (corrupt): ")


def test_a_rehearsal_is_never_without_work(quern, directory):
    put_texts(directory, 2)
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--error-on-no-work")
    quern.ok(*command, "--dry-run")
    quern.ok(*command)
    quern(*command).expect(9)


def test_log_level_counts_for_the_log_file(quern, directory, tmp_path):
    put_texts(directory, 2)
    directory.put("in/cut.pdf", b"%PDF-1.4\ncut")
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--force", "--log-file")
    quern(*command, tmp_path / "info").expect(1)
    quern(*command, tmp_path / "error", "--log-level", "error").expect(1)
    assert "Wrote " in (tmp_path / "info").read_text()
    for name in ("info", "error"):
        assert "2 done, 0 skipped, 1 failed" in (tmp_path / name).read_text(), "the summary, which is of a failure here"
    assert all(re.match(r"\S+Z error ", line) for line in (tmp_path / "error").read_text().splitlines())
    quern("ls", "nowhere", "--log-file", tmp_path / "ls").expect(6)
    assert re.search(r"Z error +.*nowhere", (tmp_path / "ls").read_text())


def test_colour_of_results_is_decided_by_where_they_go(quern, searched):
    command = ("search", "tide", *searched)
    assert ESCAPE not in quern.ok(*command, terminal=True).stdout
    assert ESCAPE in quern.ok(*command, "--color", "always").stdout
    assert ESCAPE in quern.ok(*command, env={"FORCE_COLOR": "1"}).stdout
    assert ESCAPE in on_terminal(quern, command, {"TERM": "xterm"})
    assert ESCAPE not in on_terminal(quern, command, {"TERM": "dumb"})


def on_terminal(quern, arguments, environment, stream="stdout", columns=80):
    """What it prints on one stream that is a terminal."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: terminal}
    process = subprocess.Popen([quern.path, *arguments], stdin=subprocess.DEVNULL, **streams, env=quern.environment(environment))
    os.close(terminal)
    text = b""
    try:
        while data := os.read(main, 65536):
            text += data
    except OSError:
        pass
    os.close(main)
    assert process.wait(30) == 0
    return text.decode()


def test_the_line_of_progress_fits_the_terminal(quern, directory):
    """Where it would be two lines, the one that is wiped would not be all of it."""
    put_texts(directory, 300)
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--force")
    for columns in (40, 200):
        said = on_terminal(quern, command, {"TERM": "xterm"}, "stderr", columns)
        lines = [line.rsplit("\x1b[2K")[-1] for line in said.splitlines() if " ended, " in line]
        assert lines and all(len(line) < columns for line in lines) and any(line.endswith(" s") for line in lines) == (columns == 200), lines


def test_a_dumb_terminal_gets_no_escapes(quern, directory):
    put_texts(directory, 300)
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--force")
    assert ESCAPE in quern.ok(*command, terminal=True, env={"TERM": "xterm"}).stderr
    assert ESCAPE not in quern.ok(*command, terminal=True, env={"TERM": "dumb"}).stderr


def test_what_a_server_says_is_no_command_to_the_terminal(quern, scripted):
    page = answers.list_page([("in/a\u009b31m.txt", 1)])
    page.body = page.body.replace(b"<ETag>", b"<ETag>\xc2\x9b31m", 1)
    scripted.on("GET", "/bucket", page)
    result = quern.ok("ls", "s3://bucket/in/", env=scripted.env)
    assert "\u009b" not in result.stdout and r"\xc2\x9b31m" in result.stdout


def test_version_as_json(quern):
    (version,) = quern.ok("version", "--json").json_lines
    assert version["type"] == "version" and re.fullmatch(r"\d+\.\d+\.\d+", version["version"])
