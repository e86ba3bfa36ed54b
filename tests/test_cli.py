"""The command line: help, mistakes, where values come from, secrets, completion, and the small commands."""

import contextlib
import json
import os
import pathlib
import pty
import re
import sqlite3
import subprocess

import pyarrow
import pyarrow.parquet
import pytest
import scripted_server as answers
from json_output import checked, is_valid
from samples import DOCUMENT_NAMES, pdf_of_text, put_examples, put_texts
from servers import Nginx, lists_write

COMMANDS = [
    "ingest", "load", "search", "ls", "parquet schema", "parquet meta", "parquet cat", "parquet head", "doctor", "config show",
    "config init", "completion", "help", "version",
]


# ---- help and mistakes


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(quern, command):
    for arguments in ([*command.split(), "--help"], [*command.split(), "-h"], ["help", *command.split()]):
        result = quern.ok(*arguments)
        assert result.stdout.startswith(f"quern {command} - ") and "Usage: quern" in result.stdout and result.stderr == ""
    assert max(len(line) for line in result.lines) <= 140


def test_help_of_the_whole_and_of_a_group(quern):
    for arguments in (["--help"], ["help"], ["-h"]):
        whole = quern.ok(*arguments).stdout
        assert all(f"  {command} " in whole for command in COMMANDS)
    assert quern().expect(2).stdout == whole
    assert "parquet schema" in quern.ok("parquet", "--help").stdout
    assert quern("parquet").status == 2


def test_every_flag_that_help_names_is_known(quern):
    """Each once, on the first command whose help has it."""
    first = {}
    for command in COMMANDS:
        for flag in re.findall(r"(--[a-z][a-z0-9-]+)", quern.ok(*command.split(), "--help").stdout):
            first.setdefault(flag, command)
    assert len(first) > 60
    for flag, command in first.items():
        result = quern(*command.split(), flag + "=\x01")
        assert "has no flag" not in result.stderr, f"{command} {flag}: {result.stderr}"


@pytest.mark.parametrize("arguments", [["--version"], ["version"], ["ingest", "--version"]])
def test_version(quern, arguments):
    plain = quern.ok(*arguments).stdout
    assert re.fullmatch(r"quern \d+\.\d+\.\d+\n", plain)
    (shown,) = quern.ok(*arguments, "--json").json_lines
    assert shown["type"] == "version" and is_valid(shown) and plain == f"quern {shown['version']}\n"


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["ingst"], ["'ingst'", "'ingest'"]),
        (["ingest", "--output-fromat", "json"], ["'--output-fromat'", "'--output-format'"]),
        (["ingest", "--nothing-like-it"], ["'--nothing-like-it'", "quern ingest --help"]),
        (["ingest", "x", "y"], ["'y'"]),
        (["ingest"], ["no source"]),
        (["ingest", "x", "--output-format", "xml"], ["'xml'", "json"]),
        (["ingest", "x", "--workers", "many"], ["workers", "'many'"]),
        (["ingest", "x", "--workers", "0"], ["workers", "0"]),
        (["ingest", "x", "--max-file-size", "8Q"], ["max-file-size", "8Q"]),
        (["ingest", "x", "--parse-silence", "5x"], ["parse-silence", "5x"]),
        (["ingest", "x", "--shard", "3/3"], ["shard", "3/3"]),
        (["ingest", "x", "--include", "[a"], ["[a"]),
        (["ingest", "x", "--workers"], ["--workers"]),
        (["ingest", "x", "--set", "ingest.output_fromat=json"], ["output_fromat", "output_format"]),
        (["ingest", "x", "--set", "nonsense"], ["nonsense"]),
        (["ingest", "x", "--config", "nowhere.json"], ["nowhere.json"]),
        (["ingest", "x", "--log-file", "/nowhere/log"], ["--log-file", "/nowhere/log"]),
        (["load", "x"], ["--table"]),
        (["load", "x", "--table", "t"], ["--to sqlite:FILE"]),
        (["search"], ["search"]),
        (["ls"], ["'ls' needs PLACE"]),
        (["ls", "a", "b"], ["'b'", "quern ls --help"]),
        (["parquet", "cat"], ["parquet cat"]),
        (["parquet", "cta", "x"], ["cta", "cat"]),
        (["completion", "tcsh"], ["bash, zsh and fish", "tcsh"]),
        (["help", "nothing"], ["nothing"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_end_with_2_and_say_what_and_the_nearest(quern, arguments, said):
    result = quern(*arguments).expect(2, *said)
    assert result.stdout == "" and len(result.stderr.splitlines()) == 1


def test_mistakes_with_json_have_a_summary_too(quern):
    for arguments in (["ingest", "--nope"], ["ls"], ["load", "x"], ["search", "--table", "t"], ["parquet", "cat", "nowhere.parquet"]):
        result = quern(*arguments, "--json")
        assert result.status in (2, 6) and result.summary["status"] == "stopped" and result.summary["error"] in result.stderr


def test_ways_to_write_a_flag(quern, directory):
    put_texts(directory, 2)
    source, out = directory.url("in/"), directory.url("out")
    for index, arguments in enumerate([
        ["ingest", source, "--structured-output-dir", out + "0"],
        ["ingest", "--s3-url=" + source, f"--output-dir={out}1"],
        ["ingest", "--remote-url", source, "--structured-output-dir", out + "2"],
        ["ingest", "--structured-output-d", out + "3", source],  # the originals' flags may be cut short
    ]):
        quern.ok(*arguments)
        assert len(directory.keys(f"out{index}/")) == 2
    quern("ingest", source, "--outpu", out).expect(2, "--outpu")  # two flags of the original begin like that, or none of it does


# ---- where values come from


def shown(quern, *arguments, **options):
    """{key: (value, source)} of --print-config."""
    lines = quern.ok(*arguments, "--print-config", **options).lines
    return {match[1]: (match[2], match[3]) for match in (re.fullmatch(r"(\S+) = (.*?)  # (.*)", line) for line in lines)}


def test_precedence(quern, tmp_path):
    """Command line, environment, .env, configuration file, default."""
    work = tmp_path / "work/deep"
    work.mkdir(parents=True)
    (work / "quern.json").write_text(json.dumps({"run": {"workers": 3, "limit": 30}, "ingest": {"txt_mode": "lines"}}))
    (tmp_path / "work/.env").write_text("QUERN_WORKERS=5\nQUERN_LIMIT=50\n")
    found = shown(quern, "ingest", cwd=work)
    assert found["run.workers"][0] == "5" and found["run.limit"][0] == "50" and ".env" in found["run.limit"][1]
    assert found["ingest.txt_mode"][0] == "lines" and "quern.json" in found["ingest.txt_mode"][1]
    found = shown(quern, "ingest", cwd=work, env={"QUERN_WORKERS": "7"})
    assert found["run.workers"][0] == "7" and "environment" in found["run.workers"][1]
    found = shown(quern, "ingest", "--workers", "9", cwd=work, env={"QUERN_WORKERS": "7"})
    assert found["run.workers"][0] == "9" and "command line" in found["run.workers"][1]
    found = shown(quern, "ingest", "--config-precedence", "file-first", cwd=work, env={"QUERN_WORKERS": "7"})
    assert found["run.workers"][0] == "3"
    found = shown(quern, "ingest", "--set", "run.workers=11", cwd=work)
    assert found["run.workers"][0] == "11"
    assert shown(quern, "ingest")["run.workers"] == ("2", "default")
    other = tmp_path / "other.json"
    other.write_text('{"run": {"workers": 13}}')
    assert shown(quern, "ingest", "--config", other, cwd=tmp_path)["run.workers"][0] == "13"


def test_found_files(quern, tmp_path):
    home = tmp_path / "home/.config/quern"
    home.mkdir(parents=True)
    (home / "config.json").write_text('{"run": {"workers": 4}}')
    assert shown(quern, "ingest")["run.workers"][0] == "4"
    (tmp_path / "quern.json").write_text('{"run": {"workers": 6}}')
    assert shown(quern, "ingest", cwd=tmp_path)["run.workers"][0] == "6"


@pytest.mark.parametrize(
    "text, said",
    [
        ('{"ingest": {"output_fromat": "json"}}', ["output_fromat", "output_format"]),
        ('{"ingset": {}}', ["ingset", "ingest"]),
        ('{"run": {"workers": "many"}}', ["workers", "many"]),
        ('{"run": {"workers": 2}', ["bad.json"]),
        ("[]", ["bad.json"]),
        ("", ["bad.json"]),
    ],
)
def test_mistakes_in_a_configuration_file(quern, tmp_path, text, said):
    (tmp_path / "bad.json").write_text(text)
    quern("ingest", "x", "--config", tmp_path / "bad.json").expect(2, *said)


def test_config_show_says_origins(quern, tmp_path):
    lines = quern.ok("config", "show", "ingest", "--origin", env={"QUERN_WORKERS": "7"}).lines
    assert any(line.startswith("run.workers = 7") and "environment" in line for line in lines)
    values = json.loads(quern.ok("config", "show", "load", "--json").stdout)
    assert values


@pytest.mark.parametrize("flags", [[], ["ingest"], ["load"], ["search"], ["doctor"]])
def test_config_init_gives_a_file_that_loads_and_changes_nothing(quern, tmp_path, flags):
    (tmp_path / "template.json").write_text(quern.ok("config", "init", *flags).stdout)
    command = flags[0] if flags else "ingest"
    assert shown(quern, command, "--config", tmp_path / "template.json") == shown(quern, command) | {
        "config": shown(quern, command, "--config", tmp_path / "template.json")["config"]
    }
    (tmp_path / "template.env").write_text(quern.ok("config", "init", *flags, "--format", "env").stdout)
    with_env = shown(quern, command, "--config", tmp_path / "template.env")
    assert {key: value for key, value in with_env.items() if key != "config"} == {
        key: value for key, value in shown(quern, command).items() if key != "config"
    }


# ---- secrets


CANARIES = {
    "AWS_ACCESS_KEY_ID": "CANARYKEYIDENVIRON01", "AWS_SECRET_ACCESS_KEY": "canary-secret-environment",
    "AWS_SESSION_TOKEN": "canary-token-environment",
}


def assert_no_canary(directory, *results):
    """Nothing that was said, and no file below `directory` that the program made, has a word of a secret."""
    for result in results:
        assert "canary" not in (result.stdout + result.stderr).lower(), result.explain("a secret was said")
    for path in pathlib.Path(directory).rglob("*"):
        if path.is_file() and path.name not in ("secrets.json", ".env", "credentials"):
            assert b"canary" not in path.read_bytes().lower(), f"a secret is in '{path}'"


def test_secrets_are_shown_nowhere(quern, scripted, tmp_path, directory):
    work = tmp_path / "work"
    work.mkdir()
    (work / "secrets.json").write_text(json.dumps({"s3": {
        "aws_access_key_id": "CANARYKEYIDFILE", "aws_secret_access_key": "canary-secret-file", "aws_session_token": "canary-token-file",
    }}))
    (work / "secrets.json").chmod(0o600)
    (work / ".env").write_text("AWS_SECRET_ACCESS_KEY=canary-secret-dotenv\nAWS_ACCESS_KEY_ID=CANARYKEYIDDOTENV\n")
    (work / ".env").chmod(0o600)
    aws = tmp_path / "home/.aws"
    aws.mkdir()
    (aws / "credentials").write_text("[default]\naws_access_key_id = CANARYKEYIDPROFILE\naws_secret_access_key = canary-secret-profile\n")
    key = "in/1.txt"
    scripted.on("GET", "/bucket", answers.list_page([(key, 5), ("in/2.txt", 5)]))
    scripted.on("GET", f"/bucket/{key}", answers.s3_error("SignatureDoesNotMatch", "no", 403))
    scripted.on("GET", "/bucket/in/2.txt", answers.status(500), answers.ok(b"hello", headers={"ETag": f'"{"0" * 32}-1"'}))
    common = [
        "ingest", "s3://bucket/in/", "--log-level", "debug", "--verbose", "--report-file", work / "report.jsonl",
        "--log-file", work / "log", "--endpoint-url", scripted.url, "--region", "us-east-1", "--retries", "3",
    ]
    results = []
    for index, (environment, flags) in enumerate([
        (CANARIES, []), ({}, []), ({}, ["--config", work / "secrets.json", "--config-precedence", "file-first"]),
        ({"AWS_PROFILE": "default"}, ["--json"]),
    ]):
        for more in ([], ["--print-config"]):
            results.append(quern(*common, "--structured-output-dir", work / f"out{index}", *flags, *more, env=environment, cwd=work))
    results += [
        quern("config", "show", "ingest", "--origin", env=CANARIES, cwd=work),
        quern("config", "show", "--json", "--config", work / "secrets.json", cwd=work),
        quern("config", "init", env=CANARIES, cwd=work),
        quern("doctor", "--s3", "s3://bucket/in/", "--no-sandbox", "--endpoint-url", scripted.url, env=CANARIES, cwd=work),
        quern("ls", "s3://bucket/in/", "--endpoint-url", scripted.url, "--verbose", env=CANARIES, cwd=work),
        quern("ingest", "x", "--aws-secret-access-key", "some-value", cwd=work),
    ]
    assert_no_canary(tmp_path, *results)
    assert any("<redacted>" in result.stdout for result in results)
    # That the canaries were really used: each signed with its own key id.
    used = {request.headers["authorization"].split("Credential=")[1].split("/")[0] for request in scripted.requests}
    assert {"CANARYKEYIDENVIRON01", "CANARYKEYIDDOTENV", "CANARYKEYIDFILE"} <= used
    assert any("canary-token-environment" == request.headers.get("x-amz-security-token") for request in scripted.requests)


def test_no_secret_in_the_environment_of_the_parser(quern, directory):
    """The parsers are started without the variables that hold secrets."""
    put_texts(directory, 2000)
    run = quern.start("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), env=CANARIES)
    run.wait_until(lambda: "Wrote " in run.stderr)
    seen = 0
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(path / "exe") == str(quern.build / "src/parse/quern-parse"):
                seen += 1
                assert b"canary" not in (path / "environ").read_bytes().lower()
        except OSError:
            continue  # it has ended
    run.wait().expect(0)
    assert seen, "no parser was seen"


def test_a_secret_has_no_flag(quern):
    quern("ingest", "x", "--aws-secret-access-key", "whatever").expect(2)
    assert "whatever" not in quern("ingest", "x", "--aws-secret-access-key", "whatever").stderr


# ---- completion and manual


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_valid(quern, tmp_path, shell):
    script = tmp_path / "completion"
    script.write_text(quern.ok("completion", shell).stdout)
    if shell == "fish":
        assert "complete -c quern" in script.read_text()
        return
    if shell == "zsh":
        assert script.read_text().startswith("#compdef quern")
        return
    subprocess.run(["bash", "-n", script], check=True)
    complete = (
        f'source "{script}"; complete_words() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _quern; '
        'printf "%s\\n" "${COMPREPLY[@]}"; }; '
    )

    def words(*typed):
        return subprocess.run(
            ["bash", "-c", complete + 'complete_words "$@"', "bash", "quern", *typed], check=True, capture_output=True, text=True
        ).stdout.split()

    assert "ingest" in words("") and words("sear") == ["search"]
    assert "--output-format" in words("ingest", "--output-f")
    assert set(words("ingest", "--output-format", "")) >= {"json", "ndjson", "parquet"}
    assert "cat" in words("parquet", "c")


def on_a_terminal(quern, *arguments, env):
    """What a terminal gets to show."""
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [quern.path, *arguments], stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal, env=quern.environment(env | {"TERM": "dumb"})
    )
    os.close(terminal)
    text = b""
    try:
        while data := os.read(main, 65536):
            text += data
    except OSError:
        pass
    os.close(main)
    assert process.wait(30) == 0
    return text


def test_manual_pages_render_on_a_terminal(quern):
    """`quern help COMMAND` pipes the page through man(1) when standard output is a terminal."""
    text = on_a_terminal(quern, "help", "ingest", env={"PAGER": "cat", "MANPAGER": "cat"})
    plain = re.sub(rb".\x08|\x1b\[[0-9;]*m|\x1b", b"", text)
    assert b"ingest" in plain and b"structured-output-dir" in plain and b"<standard input>" not in plain


# ---- ls


def test_names_that_turn_the_direction_of_writing(quern, scripted):
    """On a terminal such a name could look like another; whoever reads the output otherwise gets the name as it is."""
    turning = [chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
    harmless = ["\u0627", "\u200d", "\u2029", "\u206a", "\u05d0"]
    keys = sorted((f"a{mark}gpj.exe" for mark in turning + harmless), key=str.encode)
    scripted.on("GET", "/bucket", answers.list_page([(key, 1) for key in keys]))
    shown = on_a_terminal(quern, "ls", "s3://bucket/", env=scripted.env).decode()
    assert not [f"{ord(mark):04x}" for mark in turning if mark in shown]
    assert "a\\xe2\\x80\\xaegpj.exe" in shown and "a\\xd8\\x9cgpj.exe" in shown
    assert all(f"a{mark}gpj.exe" in shown for mark in harmless)
    piped = quern("ls", "s3://bucket/", env=scripted.env).expect(0).stdout
    assert all(key in piped for key in keys)


def test_messages_that_turn_the_direction_of_writing(quern, scripted):
    scripted.on("GET", "/bucket", answers.s3_error("AccessDenied", "no\u202esey\x1b[2J", 403))
    refused = quern.start("ls", "s3://bucket/", env=scripted.env, terminal=True).wait().expect(4, "no\\xe2\\x80\\xaesey\\x1b[2J")
    assert "\u202e" not in refused.stderr
    assert "no\u202esey\\x1b[2J" in quern("ls", "s3://bucket/", env=scripted.env).expect(4).stderr


def test_ls(quern, place):
    put_examples(place)
    result = quern.ok("ls", place.url("in/"), "--recursive", "--json", env=place.env)
    *objects, summary = result.json_lines
    assert [entry["key"].removeprefix("in/") for entry in objects] == DOCUMENT_NAMES
    assert [entry["size_bytes"] for entry in objects] == [len(place.get("in/" + name)) for name in DOCUMENT_NAMES]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["modified"]) and entry["etag"] for entry in objects)
    assert (summary["type"], summary["status"], summary["keys"]) == ("summary", "ok", 5)
    assert summary["bytes"] == sum(entry["size_bytes"] for entry in objects)
    flat = quern.ok("ls", place.url("in/"), env=place.env).lines
    assert len(flat) == 5 and sum(line.endswith("notes/") for line in flat) == 1
    for flags in (("--count",), ("--recursive", "--count")):  # what is counted is all of it, not a level
        assert quern.ok("ls", place.url("in/"), *flags, env=place.env).stdout == f"5 keys, {summary['bytes']} bytes\n"
    assert quern.ok("ls", place.url("in/"), "--recursive", "--limit", "2", env=place.env).stdout.count("\n") == 2
    included = quern.ok("ls", place.url("in/"), "--recursive", "--include", "*.md", "--json", env=place.env).json_lines
    assert [entry["key"].rsplit("/")[-1] for entry in included[:-1]] == ["field-notes.md"]
    assert quern.ok("ls", place.url("in/reef-history.txt"), "--json", env=place.env).summary["keys"] == 1


def test_ls_whole_bucket(quern, s3):
    put_examples(s3)
    for url in (f"s3://{s3.name}", f"s3://{s3.name}/"):
        assert quern.ok("ls", url, "--recursive", "--json", env=s3.env).summary["keys"] == 5


def test_ls_stops_when_its_reader_has_seen_enough(quern, directory):
    put_texts(directory, 3000)
    result = quern("ls", directory.url("in/"), "--recursive", under=("sh", "-c", '"$0" "$@" | head -n 1; exit 0'))
    assert result.status == 0 and result.stdout.count("\n") == 1 and result.seconds < 20


@pytest.mark.release_only
def test_ls_count_holds_one_page(quern, tmp_path):
    """Peak memory of counting 100,000 keys is that of counting 1,000."""
    peaks = []
    for count in (1_000, 100_000):
        with Nginx(tmp_path / str(count)) as nginx:  # one each: it keeps list pages open and would not see them change
            lists_write(nginx.lists, "bench", ((f"data/{number:08}/some-object-with-a-long-name", 4096) for number in range(count)))
            environment = {"AWS_ENDPOINT_URL": nginx.url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
            result = quern.ok("ls", "s3://bench/", "--recursive", "--count", "--addressing", "path", env=environment, measure=True)
            assert result.stdout == f"{count} keys, {count * 4096} bytes\n"
            peaks.append(result.peak_bytes)
    assert peaks[1] < peaks[0] + (8 << 20) and peaks[1] < 50 << 20, peaks


# ---- parquet


@pytest.fixture
def table(tmp_path):
    """A file of 10 rows in row groups of 4, written by pyarrow."""
    rows = pyarrow.table({
        "id": pyarrow.array(range(10), pyarrow.int64()), "small": pyarrow.array([1, None] * 5, pyarrow.int32()),
        "real": [0.5 * number for number in range(10)], "flag": [number % 2 == 0 for number in range(10)],
        "text": [None if number == 3 else f'row "{number}" \u00e4\n' for number in range(10)],
        "when": pyarrow.array([number * 1_000_000 for number in range(10)], pyarrow.timestamp("us", tz="UTC")),
        "tags": [["a", None], []] * 5,
    })
    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(rows, path, row_group_size=4)
    return path


def test_parquet_cat_head_schema_meta(quern, table, s3):
    expected = pyarrow.parquet.read_table(table).to_pylist()
    rows = quern.ok("parquet", "cat", table).json_lines
    assert [{name: row[name] for name in ("id", "small", "real", "flag", "text", "tags")} for row in rows] == [
        {name: row[name] for name in ("id", "small", "real", "flag", "text", "tags")} for row in expected
    ]
    assert rows[1]["when"].startswith("1970-01-01T00:00:01") and rows[1]["when"].endswith("Z")
    assert quern.ok("parquet", "head", table).json_lines == rows
    assert quern.ok("parquet", "head", table, "--limit", "3").json_lines == rows[:3]
    assert quern.ok("parquet", "cat", table, "--limit", "5", "--batch-rows", "2").json_lines == rows[:5]
    assert quern.ok("parquet", "cat", table, "--columns", "text,id").json_lines == [
        {"text": row["text"], "id": row["id"]} for row in rows
    ]
    assert list(quern.ok("parquet", "head", table, "--columns", "text,id", "--limit", "1").json_lines[0]) == ["text", "id"]
    assert quern.ok("parquet", "cat", table, "--row-groups", "1").json_lines == rows[4:8]
    assert [row["id"] for row in quern.ok("parquet", "cat", table, "--row-groups", "2,0", "--columns", "id").json_lines] == [8, 9, 0, 1, 2, 3]
    meta = json.loads(quern.ok("parquet", "meta", table).stdout)
    assert meta["rows"] == 10 and [group["rows"] for group in meta["row_groups"]] == [4, 4, 2]
    schema = quern.ok("parquet", "schema", table).stdout
    assert all(f'"{name}"' in schema or name in schema for name in expected[0])
    s3.put("a/table.parquet", table.read_bytes())
    assert quern.ok("parquet", "cat", s3.url("a/table.parquet"), env=s3.env).json_lines == rows


def test_parquet_mistakes(quern, table, tmp_path):
    quern("parquet", "cat", table, "--columns", "nosuch").expect(6, "nosuch", "'small'")
    quern("parquet", "cat", table, "--row-groups", "9").expect(2, "9")
    quern("parquet", "cat", table, "--row-groups", "first").expect(2, "first")
    (tmp_path / "text.parquet").write_text("hello")
    for command in ("cat", "head", "schema", "meta"):
        quern("parquet", command, tmp_path / "text.parquet").expect(1, "text.parquet")
    (tmp_path / "cut.parquet").write_bytes(table.read_bytes()[:-20])
    quern("parquet", "cat", tmp_path / "cut.parquet").expect(1, "cut.parquet")


# ---- doctor


def test_doctor_of_the_sandbox(quern):
    lines = checked(quern("doctor", "--json"))
    checks, (summary,) = lines["check"], lines["summary"]
    failed = [check["name"] for check in checks if not check["passed"]]
    assert failed == (["take more memory than allowed", "layers"] if quern.sanitized else []), "a sanitizer needs its shadow memory"
    assert summary["failed"] == len(failed)
    tried = {check["name"] for check in checks if check["area"] == "sandbox" and check["passed"]}
    assert {"open a file", "connect by TCP", "run a program", "start a process"} <= tried
    result = quern("doctor").expect(1 if failed else 0)
    assert re.search(r"^ok +sandbox +open a file +killed", result.stdout, re.M)


def test_doctor_of_a_place(quern, place):
    put_examples(place)
    before = place.keys()
    result = quern.ok("doctor", "--s3", place.url("in/"), "--no-sandbox", "--json", env=place.env)
    checks = {check["name"]: check["passed"] for check in result.json_lines[:-1]}
    assert all(checks[name] for name in ("list", "write", "conditional write", "clock", "remove")), result.explain("checks")
    assert place.keys() == before, "what it wrote is gone"


def test_doctor_finds_what_is_wrong(quern, s3, tmp_path):
    (tmp_path / "text.db").write_text("no database at all, a text of some length that is not SQLite's")
    cases = [
        (["--s3", s3.url("in/")], s3.env | {"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch"),
        (["--s3", "s3://no-such-bucket/"], s3.env, "NoSuchBucket"),
        (["--s3", tmp_path / "nowhere"], {}, "nowhere"),
        (["--to", f"sqlite:{tmp_path / 'text.db'}"], {}, "text.db"),
        (["--sandbox", "--parse-program", "/bin/false"], {}, "/bin/false"),
    ]
    for flags, environment, said in cases:
        arguments = flags if "--sandbox" in flags else [*flags, "--no-sandbox"]
        result = quern("doctor", *arguments, "--retries", "2", env=environment)
        assert result.status == 1 and "failed" in result.stdout and said in result.stdout, result.explain(said)
    assert not (tmp_path / "nowhere").exists(), "a place that is not there is not made"


# ---- flags of every run


def test_log_file(quern, directory, tmp_path):
    put_texts(directory, 3)
    log = tmp_path / "log"
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--log-file", log)
    quern.ok(*command, "--quiet")
    plain = log.read_text().splitlines()
    assert len([line for line in plain if re.match(r"\d{4}-\d\d-\d\dT\S+Z info +Wrote ", line)]) == 3
    assert any("ingest: 3 done, 0 skipped, 0 failed" in line for line in plain), "the summary too"
    quern.ok(*command, "--force", "--log-format", "json", "--quiet")
    lines = log.read_text().splitlines()[len(plain):]
    assert all(json.loads(line)["type"] for line in lines) and len(lines) >= 3, "appended, one object a line"


@pytest.mark.parametrize(
    "flags, said",
    [
        (["--report-file", "missing/report.jsonl"], ["report file", "missing/report.jsonl"]),
        (["--download-dir", "file"], ["--download-dir", "'file' is not a directory"]),
        (["--download-dir", "file/below"], ["--download-dir", "'file' is not a directory"]),
        (["--log-file", "missing/log"], ["--log-file", "missing/log"]),
        (["--structured-output-dir", "file"], ["'file'", "directory"]),
        (["--structured-output-dir", "file/below"], ["'file' is not a directory"]),
        (["--structured-output-dir", "file/below", "--output-format", "parquet"], ["'file' is not a directory"]),
    ],
)
def test_a_place_that_cannot_be_is_said_before_anything_is_tried(quern, directory, tmp_path, flags, said):
    put_texts(directory, 2)
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd/file").write_text("no directory")
    result = quern("ingest", directory.url("in"), "--structured-output-dir", "out", *flags, cwd=tmp_path / "cwd").expect(2, *said)
    assert "ingest:" not in result.stderr, "no run, no summary"
    assert sorted(path.name for path in (tmp_path / "cwd").iterdir()) == ["file"] and not (tmp_path / "home/.local").exists()


def test_a_ca_bundle_that_cannot_be_read(quern, s3, directory, tmp_path):
    for command in (("ingest", s3.url("in/"), "--structured-output-dir", directory.url("out")), ("ls", s3.url())):
        quern(*command, "--ca-bundle", tmp_path / "no.pem", env=s3.env).expect(2, "--ca-bundle", "no.pem", "No such file")


@pytest.mark.parametrize("output_format", ["json", "parquet"])
def test_an_output_that_cannot_be_written_ends_before_a_document_is_read(quern, scripted, s3, directory, output_format):
    """A bucket that is not there, one that is not ours, a directory that may not be written."""
    put_texts(directory, 3)
    command = ("ingest", directory.url("in"), "--output-format", output_format, "--structured-output-dir")
    result = quern(*command, "s3://no-such-bucket/out", env=s3.env).expect(6, "s3://no-such-bucket/out", "NoSuchBucket", "check the bucket's name")
    assert "ingest:" not in result.stderr
    scripted.on("GET", "/bucket", answers.s3_error("AccessDenied", "Access Denied", 403))
    quern(*command, "s3://bucket/out", env=scripted.env).expect(4, "s3://bucket/out", "AccessDenied")
    assert len(scripted.requests) == 1
    if os.geteuid() == 0:  # may write wherever a file system lets it
        quern(*command, "/proc/1/nothing/out").expect(4 if output_format == "json" else 4, "/proc")
    else:
        (directory.root / "closed").mkdir(mode=0o500)
        quern(*command, directory.url("closed/out")).expect(4, "closed")


def test_only_the_right_to_write(quern, scripted, directory):
    """With --force no output is looked for, so a bucket that cannot be listed may be written to."""
    put_texts(directory, 1)
    scripted.on("GET", "/bucket", answers.s3_error("AccessDenied", "Access Denied", 403))
    scripted.on("PUT", re.compile("."), answers.ok(headers={"ETag": '"0"'}))
    quern.ok("ingest", directory.url("in"), "--structured-output-dir", "s3://bucket/out", "--force", env=scripted.env)
    assert len(scripted.sent("PUT")) == 1


def test_max_errors(quern, directory, tmp_path):
    put_texts(directory, 200)
    for number in range(100, 140):
        directory.put(f"in/00{number}.pdf", b"%PDF-1.4\ncut")
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--json")
    result = quern(*command, "--max-errors", "3", "--workers", "1").expect(7, "--max-errors")
    assert result.summary["failed"] >= 4 and result.summary["status"] == "stopped" and result.summary["cancelled"] > 0
    quern(*command, "--raise-on-error", "--force").expect(7)
    quern(*command, "--max-errors", "90%").expect(1)
    quern(*command, "--max-errors", "1%", "--force").expect(7)
    assert quern(*command, "--max-errors", "40", "--force").expect(1).summary["failed"] == 40


def test_error_on_no_work(quern, directory):
    put_texts(directory, 2)
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--error-on-no-work")
    quern.ok(*command)
    quern(*command).expect(9)


def test_journal_and_state_dir(quern, directory, tmp_path):
    put_texts(directory, 2)
    directory.put("in/cut.pdf", b"%PDF-1.4\ncut")
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"))
    quern(*command).expect(1)
    (journal,) = (tmp_path / "home/.local/state/quern").glob("ingest-*.journal")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["type"] for line in lines] == ["begin", "failure", "end"] and lines[1]["key"] == "cut.pdf"
    quern(*command, "--state-dir", tmp_path / "state").expect(1)
    assert len(list((tmp_path / "state").glob("ingest-*.journal"))) == 1
    quern(*command, "--journal", tmp_path / "deep/er/my.journal").expect(1)
    assert (tmp_path / "deep/er/my.journal").exists()
    (tmp_path / "letter").write_text("Dear aunt,\n")
    quern(*command, "--journal", tmp_path / "letter").expect(10, "letter", "journal")
    assert (tmp_path / "letter").read_text() == "Dear aunt,\n"
    (tmp_path / "newer").write_text('{"type":"begin","version":99}\n')
    quern(*command, "--journal", tmp_path / "newer").expect(10, "newer")


def test_report_file_through_a_pipe(quern, directory):
    """A device or pipe as the report file is written to, not replaced."""
    put_texts(directory, 2)
    result = quern.ok(
        "ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--report-file", "/dev/stdout", "--quiet"
    )
    assert [line["outcome"] for line in result.json_lines] == ["done", "done"]
    assert pathlib.Path("/dev/stdout").is_symlink()


def test_state_that_cannot_be_kept(quern, directory, tmp_path):
    put_texts(directory, 2)
    (tmp_path / "file").write_text("")
    result = quern("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--state-dir", tmp_path / "file/below")
    assert result.status not in (0, 1, 70) and "file/below" in result.stderr, result.explain("state")


# ---- what the originals' users have


def test_flags_of_unstructured(quern, directory):
    put_texts(directory, 2)
    command = ("ingest", directory.url("in"), "--structured-output-dir", directory.url("out"))
    quern.ok(*command, "--recursive")
    for strategy in ("auto", "fast", "ocr_only"):
        assert "2 done" in quern.ok(*command, "--strategy", strategy, "--reprocess").stderr
    result = quern(*command, "--strategy", "hi_res").expect(2, "--strategy hi_res", "layout model")
    assert "ingest:" not in result.stderr
    quern(*command, "--strategy", "slow").expect(2, "slow", "hi_res")


def test_bucket_and_prefix_of_the_pipeline(quern, s3, tmp_path):
    """As flags, as a variable, as a key of its config.json; PLACE is stronger."""
    put_texts(s3, 2)
    quern.ok("ingest", s3.url("in/"), "--structured-output-dir", s3.url("pq/"), "--output-format", "parquet", env=s3.env)
    to = ("--table", "t", "--skip-fts", "--to")
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    (cwd / "config.json").write_text(json.dumps({"s3": {"bucket": s3.name}}))
    for number, (flags, environment, where) in enumerate([
        (["--bucket", s3.name, "--prefix", "pq/"], {}, None),
        (["-b", s3.name], {}, None),
        ([], {"S3_BUCKET": s3.name}, None),
        (["--prefix", "pq/"], {}, cwd),
        ([s3.url("pq/")], {}, cwd),
    ]):
        database = tmp_path / f"{number}.db"
        quern.ok("load", *flags, *to, f"sqlite:{database}", env=s3.env | environment, cwd=where)
        with contextlib.closing(sqlite3.connect(database)) as connection:
            assert connection.execute("SELECT count(*) FROM t").fetchone()[0] > 2
    quern("load", *to, f"sqlite:{tmp_path / 'none.db'}", env=s3.env).expect(2, "no source")
    quern("load", s3.url("pq/"), "--prefix", "pq/", *to, f"sqlite:{tmp_path / 'none.db'}", env=s3.env).expect(2, "--prefix goes with --bucket")


def test_a_config_file_of_the_pipeline_is_read(quern, directory, tmp_path):
    """Keys that have no effect yet are told, not refused."""
    put_texts(directory, 1)
    quern.ok("ingest", directory.url("in"), "--structured-output-dir", directory.url("pq"), "--output-format", "parquet")
    config = tmp_path / "pipeline.json"
    config.write_text(json.dumps({
        "s3": {"bucket": "exports", "region": "eu-north-1"},
        "database": {"host": "localhost", "port": "5432", "database": "shop", "user": "loader", "password": "canary-word"},
        "embedding": {"model": "all-MiniLM-L6-v2"},
        "logging": {"level": "INFO"},
    }))
    config.chmod(0o600)
    to = ("--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}", "--config", config)
    result = quern.ok("load", directory.url("pq"), *to)
    for name in ("database-host", "database-port", "database-name", "database-user", "database-password", "embedding-model"):
        assert f"'{name}'" in result.stderr and "no effect yet" in result.stderr, result.explain(name)
    assert "canary-word" not in result.stderr + result.stdout + quern.ok("load", "--print-config", *to).stdout
    quern.ok("search", "tide", *to)
    quern.ok("doctor", "--to", f"sqlite:{tmp_path / 't.db'}", "--no-sandbox", "--config", config)
    config.write_text('{"database": {"hots": "x"}}')
    quern("load", directory.url("pq"), *to).expect(2, "database.hots")


def test_search_does_not_wait_long_for_a_foreign_lock(quern, directory, tmp_path):
    put_texts(directory, 2)
    database = tmp_path / "t.db"
    quern.ok("ingest", directory.url("in/"), "--structured-output-dir", directory.url("pq"), "--output-format", "parquet")
    quern.ok("load", directory.url("pq"), "--table", "t", "--to", f"sqlite:{database}")
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        result = quern("search", "tide", "--table", "t", "--to", f"sqlite:{database}").expect(11, "t.db", "another program")
        assert 0.5 < result.seconds < 5
    quern.ok("search", "tide", "--table", "t", "--to", f"sqlite:{database}")


def test_the_failures_of_the_last_run_are_told(quern, directory):
    put_texts(directory, 2)
    for name in ("cut.pdf", "torn.pdf"):
        directory.put(f"in/{name}", b"%PDF-1.4\ncut")
    command = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"))
    assert "the last run" not in quern(*command).expect(1).stderr
    quern(*command).expect(1, "the last run left 2 failures behind, which are tried again")
    directory.delete("in/cut.pdf")
    directory.delete("in/torn.pdf")
    quern(*command).expect(0, "the last run left 2 failures behind")
    assert "the last run" not in quern(*command).expect(0).stderr


def test_search_filters_and_limits(quern, directory, tmp_path):
    put_texts(directory, 5)
    directory.put("in/guide.pdf", pdf_of_text("The tide table hangs beside the door."))
    quern.ok("ingest", directory.url("in/"), "--structured-output-dir", directory.url("pq"), "--output-format", "parquet")
    to = ("--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}")
    quern.ok("load", directory.url("pq"), *to)
    search = ("search", "tide", *to, "--json")
    assert quern.ok(*search, "--limit", "3").summary["hits"] == 3
    *hits, summary = quern.ok(*search, "--limit", "100").json_lines
    assert summary["hits"] == len(hits) == 16
    assert [hit["rank"] for hit in hits] == list(range(1, 17))
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    only = quern.ok(*search, "--filter", "filename=guide.pdf").json_lines
    assert [hit["row"]["filename"] for hit in only[:-1]] == ["guide.pdf"]
    quern(*search, "--filter", "nosuch=1").expect(2, "nosuch")
    assert quern.ok("search", "TIDE", *to, "--json").summary["hits"] == 10
