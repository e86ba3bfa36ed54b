"""Documents, keys and places that make trouble: each costs one line in the report, never the run."""

import json
import os
import pathlib
import random
import re
import urllib.parse

import pyarrow
import pyarrow.parquet
import pytest
import scripted_server as answers
from samples import (
    DOCUMENTS, database_rows, outputs, parquet_files, parquet_rows, pdf_of_text, pdf_with_form_bomb, pdf_with_page_tree_loop,
    put_examples, put_texts, report_lines,
)
from small_disk import small_disk

TEXT = b"A title\n\nSome text that is long enough to be a sentence of its own.\n"


def ingest(quern, url, directory, *flags, **options):
    return quern("ingest", url, "--structured-output-dir", directory.url("out"), "--json", *flags, **options)


def outcomes(result):
    return {item["key"]: item["outcome"] for item in result.json_lines if item["type"] == "document"}


def failed_lines(report):
    return {line["key"]: line for line in report_lines(report) if line["outcome"] in ("failed", "partial")}


# ---- keys


def everything_below(path):
    return {str(found.relative_to(path)) for found in pathlib.Path(path).rglob("*")}


@pytest.mark.parametrize("key", ["in/../../escaped.txt", "in/a//b.txt", "in/./x.txt", "in//x.txt"])
def test_keys_that_no_directory_holds(quern, moto, directory, tmp_path, key):
    """From S3 into a directory: such a key fails by name, stays inside the root, and the others are done."""
    moto.put(key, TEXT)
    moto.put("in/good.txt", TEXT)
    before = everything_below(tmp_path)
    result = ingest(quern, moto.url("in/"), directory, env=moto.env).expect(1, key)
    assert outcomes(result) == {key: "failed", "in/good.txt": "done"}
    new = {path for path in everything_below(tmp_path) - before if not path.startswith(("home", "tmp", "usage"))}
    assert new == {"objects/out", "objects/out/in", "objects/out/in/good.txt.json"}


@pytest.mark.parametrize("key", ["in/../../escaped.txt", "in/a//b.txt", "in/./x.txt", "in//x.txt"])
def test_keys_that_no_directory_holds_escaped(quern, moto, directory, tmp_path, key):
    moto.put(key, TEXT)
    moto.put("in/good.txt", TEXT)
    result = ingest(quern, moto.url("in/"), directory, "--escape-names", env=moto.env).expect(0)
    assert outcomes(result) == {key: "done", "in/good.txt": "done"}
    assert len(outputs(directory)) == 2 and all(path.startswith("out/in/") for path in outputs(directory))
    assert ingest(quern, moto.url("in/"), directory, "--escape-names", env=moto.env).summary["skipped"] == 2


@pytest.mark.parametrize("key", ["in/..", "in/x/"])
def test_a_name_that_the_ending_makes_harmless(quern, moto, directory, tmp_path, key):
    """'..' and 'x/' are outputs '...json' and 'x/.json'."""
    moto.put(key, TEXT)
    before = everything_below(tmp_path)
    ingest(quern, moto.url("in/"), directory, env=moto.env).expect(0)
    new = {path for path in everything_below(tmp_path) - before if path.endswith(".json")}
    assert new == {f"objects/out/{key}.json"}


@pytest.mark.parametrize("key", ["in/../../up.txt", "in/a//b.txt", "in//x.txt", "in/ä ö+%2F&=?#.txt", "in/" + "x/" * 500 + "y.txt"])
def test_keys_that_no_directory_holds_on_s3_alone(quern, moto, tmp_path, key):
    """A bucket holds any key: nothing is changed on the way, not by the signature either."""
    moto.put(key, TEXT)
    quern.ok("ingest", moto.url("in/"), "--structured-output-dir", moto.url("o"), env=moto.env)
    assert moto.keys("o/") == [f"o/{key}.json"]
    assert json.loads(moto.get(f"o/{key}.json"))[0]["text"] == "A title"


def test_download_never_leaves_its_directory(quern, moto, tmp_path):
    moto.put("in/../../../escaped.txt", TEXT)
    moto.put("in/good.txt", TEXT)
    result = quern(
        "ingest", moto.url("in/"), "--download-only", "--download-dir", tmp_path / "deep/er/copies", "--json", env=moto.env
    ).expect(1, "in/../../../escaped.txt")
    assert outcomes(result)["in/good.txt"] == "done"
    assert not list(tmp_path.parent.rglob("escaped.txt"))


def list_page_escaped(keys):
    """ListObjectsV2 with encoding-type=url, the only way to say control characters."""
    entries = "".join(
        f"<Contents><Key>{urllib.parse.quote_from_bytes(key)}</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified>"
        f"<ETag>&quot;{'0' * 32}-1&quot;</ETag><Size>{len(TEXT)}</Size></Contents>" for key in sorted(keys)
    )
    return answers.ok(answers.xml(
        f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
    ))


ODD_NAMES = [
    b"new\nline.txt", b"control\x01\x1b[31m.txt", b"bad\xff\xfe.txt", "right\u202eleft.txt".encode(), "日本語.txt".encode(),
    b"-dash.txt", b"%2F.txt", b"a b,c.txt", b'q"uote.txt', b"back\\slash.txt", b"tab\t.txt", b"\x7f.txt",
]


def assert_terminal_is_safe(result):
    """Nothing that a key says may steer the terminal."""
    assert not any(ord(c) < 0x20 and c != "\n" for c in result.stderr), result.explain("control characters")
    assert "\x7f" not in result.stderr and b"\xff" not in result.stderr_bytes
    for line in result.stdout_bytes.splitlines():
        json.loads(line.decode("utf-8"))


@pytest.mark.parametrize("output_format", ["json", "ndjson", "parquet"])
def test_odd_names_in_a_directory(quern, directory, tmp_path, output_format):
    source = os.fsencode(directory.root) + b"/in/"
    os.makedirs(source + b"d\xffir")
    for name in [*ODD_NAMES, b"d\xffir/x.txt"]:
        with open(source + name, "wb") as file:
            file.write(TEXT)
    report = tmp_path / "report.jsonl"
    result = ingest(quern, directory.url("in/"), directory, "--output-format", output_format, "--report-file", report).expect(0)
    assert result.summary["done"] == len(ODD_NAMES) + 1
    assert_terminal_is_safe(result)
    assert len({line["key"] for line in report_lines(report)}) == len(ODD_NAMES) + 1
    if output_format == "parquet":
        rows = parquet_rows(parquet_files(directory, "out/", tmp_path / "copies"))
        assert len({row["element_id"] for row in rows}) == len(rows) == 2 * len(ODD_NAMES) + 2
    else:
        written = [path for path in (directory.root / "out").rglob("*") if path.is_file()]
        assert len(written) == len(ODD_NAMES) + 1
        for path in written:
            json.loads(path.read_bytes().splitlines()[0] if output_format == "ndjson" else path.read_bytes())
    again = ingest(quern, directory.url("in/"), directory, "--output-format", output_format).expect(0)
    assert again.summary["skipped"] == len(ODD_NAMES) + 1
    assert_terminal_is_safe(quern.ok("ls", directory.url("in/"), "--recursive", "--json"))
    assert quern.ok("ls", directory.url("in/"), "--recursive").stdout.count("\n") == len(ODD_NAMES) + 1


def test_odd_names_on_s3(quern, scripted, directory, tmp_path):
    scripted.on("GET", "/bucket", list_page_escaped([b"in/" + name for name in ODD_NAMES]))
    for name in ODD_NAMES:
        scripted.on("GET", "/bucket/in/" + urllib.parse.quote_from_bytes(name, safe="~"), answers.ok(TEXT, headers={"ETag": f'"{"0" * 32}-1"'}))
    result = ingest(quern, "s3://bucket/in/", directory, env=scripted.env).expect(0)
    assert not scripted.unexpected and result.summary["done"] == len(ODD_NAMES)
    assert_terminal_is_safe(result)
    assert len([path for path in (directory.root / "out").rglob("*") if path.is_file()]) == len(ODD_NAMES)


def test_keys_of_1024_bytes(quern, moto, directory, tmp_path):
    """The longest that S3 has; its output's name would be longer still."""
    flat, deep = "in/" + "x" * 1021, "in/" + "y" * 200 + "/" + "z" * 200 + "/" + "w" * 200 + "/" + "v" * 200 + "/" + "u" * 217
    assert len(flat) == len(deep) == 1024
    for key in (flat, deep, "in/short.txt"):
        moto.put(key, TEXT)
    result = ingest(quern, moto.url("in/"), directory, env=moto.env).expect(1, "255")
    assert outcomes(result) == {flat: "failed", deep: "done", "in/short.txt": "done"}
    report = tmp_path / "report.jsonl"
    result = quern(
        "ingest", moto.url("in/"), "--structured-output-dir", moto.url("out"), "--report-file", report, "--json", env=moto.env
    ).expect(1)
    assert outcomes(result) == {flat: "failed", deep: "failed", "in/short.txt": "done"}
    assert "1024" in failed_lines(report)[deep]["reason"]


# ---- documents


def test_an_empty_object(quern, place, tmp_path):
    put_examples(place)
    place.put("in/empty.txt", b"")
    place.put("in/empty.pdf", b"")
    result = quern.ok("ingest", place.url("in/"), "--structured-output-dir", place.url("out"), "--json", env=place.env)
    assert result.summary["done"] + result.summary["skipped"] == 7
    again = quern.ok("ingest", place.url("in/"), "--structured-output-dir", place.url("out"), "--json", env=place.env)
    assert again.summary["done"] == 0, "an empty document is done once"


BAD_DOCUMENTS = {
    "cut.pdf": (DOCUMENTS / "planting-guide.pdf").read_bytes()[:900],
    "head-only.pdf": b"%PDF-1.7\n",
    "loop.pdf": pdf_with_page_tree_loop(),
    "garbage.pdf": b"%PDF-1.4\n" + random.Random(1).randbytes(20_000),
    "noise.bin": random.Random(2).randbytes(50_000),
    "noise.txt": random.Random(3).randbytes(50_000),
    "noise.html": b"<html>" + random.Random(4).randbytes(50_000),
    "zeros.txt": bytes(100_000),
    "zip-bomb.gz": b"\x1f\x8b" + bytes(100),
    "pdf-named.txt": pdf_of_text("This file is a PDF whatever its name says."),
    "html-named.pdf": b"<!DOCTYPE html><html><body><h1>Heading</h1><p>This file is HTML whatever its name says.</p></body></html>",
    "quotes.csv": b'a,b\n"never closed,1\n' * 100,
    "wide.csv": b",".join(b"%d" % number for number in range(20_000)) + b"\n",
    "utf16.txt": "A title\n\nText in UTF-16 with a mark of its order.\n".encode("utf-16"),
    "latin.txt": "Caf\u00e9 cr\u00e8me br\u00fbl\u00e9e\n\nDer Gr\u00fcne Stra\u00dfe \u00fcber alles m\u00f6gliche.\n".encode("latin-1"),
    "nul.html": b"<p>a\0b</p>" * 1000,
    "fences.md": b"```" * 20_000,
    "quotes.md": b">" * 20_000 + b" deep\n",
    "stars.md": b"*a " * 20_000 + b"\n",
    "links.md": b"[" * 20_000 + b"](x)\n",
}


def test_bad_documents_cost_a_line_each(quern, place, tmp_path):
    for name, body in BAD_DOCUMENTS.items():
        place.put("in/" + name, body)
    put_examples(place, "in/good/")
    report = tmp_path / "report.jsonl"
    result = quern(
        "ingest", place.url("in/"), "--structured-output-dir", place.url("out"), "--report-file", report, "--json", env=place.env
    ).expect(1)
    ended = {line["key"].removeprefix("in/"): line for line in report_lines(report)}
    assert set(ended) == set(BAD_DOCUMENTS) | {"good/" + str(path.relative_to(DOCUMENTS)) for path in DOCUMENTS.rglob("*") if path.is_file()}
    assert all(line["outcome"] == "done" for name, line in ended.items() if name.startswith("good/"))
    for name in ("cut.pdf", "head-only.pdf", "garbage.pdf"):
        assert ended[name]["outcome"] in ("failed", "skipped") and ended[name]["reason"], name
        assert f"{name}" in result.stderr or ended[name]["outcome"] == "skipped"
    for name in ("pdf-named.txt", "html-named.pdf", "utf16.txt", "latin.txt"):
        assert ended[name]["outcome"] == "done", ended[name]
    assert not any("internal" in line.get("reason", "") for line in ended.values())
    texts = {
        key.split("in/")[-1].removeprefix("out/").removesuffix(".json"): " ".join(element["text"] for element in json.loads(body))
        for key, body in outputs(place).items()
    }
    assert "whatever its name says" in texts["pdf-named.txt"] and "whatever its name says" in texts["html-named.pdf"]
    assert "UTF-16" in texts["utf16.txt"] and "Caf\u00e9" in texts["latin.txt"]


def test_a_looping_pdf_ends_by_the_time_limit(quern, directory, tmp_path):
    directory.put("in/bomb.pdf", pdf_with_form_bomb())
    put_examples(directory)
    report = tmp_path / "report.jsonl"
    result = ingest(quern, directory.url("in/"), directory, "--parse-timeout", "2s", "--report-file", report)
    assert result.seconds < 30
    lines = {line["key"]: line for line in report_lines(report)}
    assert len(lines) == 6 and sum(line["outcome"] == "done" for line in lines.values()) >= 5
    bomb = lines["bomb.pdf"]
    if bomb["outcome"] != "done":  # or poppler's own guard against such loops has ended it
        assert bomb["code"] in ("limit", "timeout") and bomb["reason"]
        result.expect(1, "bomb.pdf")


def test_100000_nested_tags(quern, directory, tmp_path):
    directory.put("in/deep.html", b"<html><body>" + b"<div>" * 100_000 + b"bottom" + b"</div>" * 100_000)
    directory.put("in/deep-table.html", b"<table><tr><td>" * 100_000)
    directory.put("in/attributes.html", b"<p " + b"a=1 " * 1_000_000 + b">text</p>")
    put_examples(directory)
    report = tmp_path / "report.jsonl"
    result = ingest(quern, directory.url("in/"), directory, "--report-file", report)
    assert result.status in (0, 1)
    lines = {line["key"]: line for line in report_lines(report)}
    assert sum(line["outcome"] == "done" for key, line in lines.items() if "/" in key or not key.startswith(("deep", "attr"))) == 5
    for key in ("deep.html", "deep-table.html", "attributes.html"):
        assert lines[key]["outcome"] in ("done", "partial", "failed")
        assert lines[key]["outcome"] == "done" or lines[key]["code"] == "limit", lines[key]
    assert result.summary["peak_memory_bytes"] < 100 << 20 or quern.sanitized


def test_10_mb_in_one_field(quern, directory, tmp_path):
    directory.put("in/field.csv", b'name,value\nbig,"' + b"word " * 2_000_000 + b'"\nsmall,1\n')
    put_examples(directory)
    report = tmp_path / "report.jsonl"
    result = ingest(quern, directory.url("in/"), directory, "--report-file", report)
    line = next(line for line in report_lines(report) if line["key"] == "field.csv")
    assert line["outcome"] == "done" or line["code"] == "limit", result.explain(str(line))
    assert sum(line["outcome"] == "done" for line in report_lines(report)) >= 5
    if line["outcome"] == "done":
        (table,) = json.loads(directory.get("out/field.csv.json"))
        assert table["text"].count("word") == 2_000_000


def test_encrypted_pdf(quern, corpus, directory):
    paths = [path for path in corpus.glob("pdf/**/*.pdf") if b"/Encrypt" in path.read_bytes()]
    assert paths
    for path in paths:
        directory.put("in/" + path.name, path.read_bytes())
    result = ingest(quern, directory.url("in/"), directory).expect(1)
    assert any("password" in item.get("reason", "") for item in result.json_lines)


def test_max_file_size(quern, place, directory):
    place.put("in/big.txt", TEXT * 100)
    place.put("in/small.txt", TEXT)
    result = ingest(quern, place.url("in/"), directory, "--max-file-size", "1000", env=place.env).expect(0, "larger than --max-file-size")
    assert (result.summary["done"], result.summary["skipped"]) == (1, 1)


def test_what_is_no_file_is_no_document(quern, directory):
    put_examples(directory)
    os.mkfifo(directory.root / "in/fifo.txt")
    os.symlink("nowhere", directory.root / "in/dangling.txt")
    os.symlink(".", directory.root / "in/loop")
    result = ingest(quern, directory.url("in/"), directory)
    assert result.status in (0, 1) and result.summary["done"] == 5, result.explain("what is no file")


# ---- sandbox


def test_sandbox_require_works_and_says_its_layers(quern, directory):
    put_examples(directory)
    result = ingest(quern, directory.url("in/"), directory, "--sandbox=require").expect(0)
    assert "seccomp" in result.summary["sandbox"]
    assert "sandbox: seccomp" in result.stderr


def test_sandbox_off_says_so(quern, directory):
    put_examples(directory)
    result = ingest(quern, directory.url("in/"), directory, "--sandbox=off").expect(0)
    assert "off" in result.summary["sandbox"] and "sandbox: off" in result.stderr, result.explain("off")


def test_sandbox_changes_nothing_in_the_result(quern, directory):
    put_examples(directory)
    for mode in ("off", "auto", "require"):
        quern.ok("ingest", directory.url("in/"), "--structured-output-dir", directory.url(mode), "--sandbox", mode)
    bodies = [list(outputs(directory, mode + "/").values()) for mode in ("off", "auto", "require")]
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize("program", ["/nowhere/quern-parse", "/bin/true", "/bin/cat", "/etc/passwd"])
def test_a_parse_program_that_is_none(quern, directory, program):
    put_examples(directory)
    result = ingest(quern, directory.url("in/"), directory, "--parse-program", program, timeout=20)
    assert result.status not in (0, 1) and program in result.stderr, result.explain("which program")
    assert outputs(directory) == {}


# ---- load


def parquet_bytes(rows):
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table({"id": list(range(rows)), "text": [f"row {number}" for number in range(rows)]}), sink)
    return sink.getvalue().to_pybytes()


def test_cut_parquet_files(quern, place, tmp_path):
    """Each is named, nothing of it is loaded, and the table stays as it was unless --mode append asks for the rest."""
    whole = parquet_bytes(500)
    place.put("rows/00.parquet", whole)
    cuts = [0, 1, 4, 7, 8, 11, 12, len(whole) // 3, len(whole) // 2, len(whole) - 9, len(whole) - 8, len(whole) - 4, len(whole) - 1]
    for index, cut in enumerate(cuts, 1):
        place.put(f"rows/{index:02}.parquet", whole[:cut] if cut else b"PAR1")
    place.put("rows/99.parquet", b"this is no Parquet file at all, but a text")
    database = tmp_path / "t.db"
    command = ("load", place.url("rows"), "--table", "t", "--to", f"sqlite:{database}", "--json")
    result = quern(*command, env=place.env).expect(1, "01.parquet")
    assert any(line["type"] == "warning" and "left as it was" in line["message"] for line in result.json_lines)
    assert (result.summary["done"], result.summary["failed"]) == (1, len(cuts) + 1)
    assert database_rows(database, "SELECT name FROM sqlite_master WHERE name = 't'") == []
    result = quern(*command, "--mode", "append", env=place.env).expect(1)
    assert (result.summary["done"], result.summary["failed"]) == (1, len(cuts) + 1)
    assert database_rows(database, "SELECT count(*), count(DISTINCT id) FROM t") == [(500, 500)]
    for index in range(1, len(cuts) + 1):
        place.put(f"rows/{index:02}.parquet", whole)
    place.delete("rows/99.parquet")
    assert quern.ok(*command, env=place.env).summary["failed"] == 0
    assert database_rows(database, "SELECT count(*) FROM t") == [(500 * (len(cuts) + 1),)]


def test_a_parquet_file_cut_at_every_byte(quern, directory, tmp_path):
    whole = parquet_bytes(3)
    for cut in range(1, len(whole)):
        directory.put(f"rows/{cut:05}.parquet", whole[:cut])
    directory.put("rows/whole.parquet", whole)
    result = quern("load", directory.url("rows"), "--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}", "--mode", "append", "--json").expect(1)
    assert (result.summary["done"], result.summary["failed"]) == (1, len(whole) - 1)
    assert database_rows(tmp_path / "t.db", "SELECT count(*) FROM t") == [(3,)]


def test_a_database_that_is_none(quern, directory, tmp_path):
    directory.put("rows/a.parquet", parquet_bytes(3))
    (tmp_path / "text.db").write_bytes(b"This is a letter to my aunt and no database. " * 100)
    result = quern("load", directory.url("rows"), "--table", "t", "--to", f"sqlite:{tmp_path / 'text.db'}")
    result.expect(2, "text.db", "no SQLite database")
    assert (tmp_path / "text.db").read_bytes().startswith(b"This is a letter")
    result = quern("load", directory.url("rows"), "--table", "t", "--to", f"sqlite:{tmp_path}/no/such/dir/t.db")
    assert result.status not in (0, 1, 70) and "no/such/dir" in result.stderr, result.explain("no directory")
    quern("load", directory.url("rows"), "--table", "t", "--to", "mysql://host/db").expect(2, "mysql")


def test_search_without_table_or_database(quern, directory, tmp_path):
    directory.put("rows/a.parquet", parquet_bytes(3))
    quern.ok("load", directory.url("rows"), "--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}")
    quern("search", "row", "--table", "nosuch", "--to", f"sqlite:{tmp_path / 't.db'}").expect(6, "nosuch")
    quern("search", "row", "--table", "t", "--to", f"sqlite:{tmp_path / 'none.db'}").expect(6, "none.db")
    assert not (tmp_path / "none.db").exists(), "a search makes no database"
    (nothing,) = quern.ok("search", "absent", "--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}", "--json").json_lines
    assert (nothing["type"], nothing["hits"]) == ("summary", 0)
    for query in ('"', "AND", "row OR", "(", "a*b", "text:row", "^", "-", "'; DROP TABLE t; --", "\u0000".join("ab")[:1], "x" * 5000):
        result = quern("search", query, "--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}")
        assert result.status in (0, 2), result.explain(query)
    assert database_rows(tmp_path / "t.db", "SELECT count(*) FROM t") == [(3,)]


# ---- machines that are too small


@pytest.mark.release_only  # a sanitizer's shadow memory is more than any such limit leaves
def test_fewer_workers_where_threads_cannot_start(quern, directory):
    """Address space for the stacks of a few threads. Each run ends, and says truly how."""
    put_texts(directory, 50)
    fewer_did = 0
    for mebibytes in range(60, 180, 10):
        result = quern("copy", directory.url("in/"), directory.url(f"out-{mebibytes}/"), "--json", "--workers", 100,
                       env={"GLIBC_TUNABLES": "glibc.malloc.arena_max=1"}, under=("prlimit", f"--as={mebibytes << 20}"))
        fewer = re.search(r"start thread 'work-(\d+)': .*: going on with \1 workers", result.stdout)
        assert result.status in (0, 3, 8), result.explain("which is not what lack of memory, or of threads, ends with")
        if result.status == 0:
            assert result.summary["done"] == len(list((directory.root / f"out-{mebibytes}").iterdir())) == 50
            fewer_did += fewer is not None
    assert fewer_did > 0


# ---- places that cannot be written to


def test_full_disk_for_json(quern, directory, tmp_path):
    """A limit on the size of files stands for the full disk: EFBIG instead of ENOSPC, both are status 8."""
    put_texts(directory, 3)
    directory.put("in/large.txt", b"".join(b"Paragraph %d says what it says.\n\n" % number for number in range(1000)))
    result = ingest(quern, directory.url("in/"), directory, under=("prlimit", "--fsize=65536")).expect(8, "large.txt")
    assert result.summary["code"] == "no_space"
    for key, body in outputs(directory).items():
        assert json.loads(body), key
    assert not [path for path in (directory.root / "out").rglob("*") if path.name.endswith(".part")], "no temporary file is left"
    assert ingest(quern, directory.url("in/"), directory).expect(0).summary["failed"] == 0
    assert len(outputs(directory)) == 4


def test_full_disk_for_parquet(quern, directory):
    numbers = random.Random(1)
    for index in range(8):
        directory.put(f"in/{index}.csv", "\n".join(f"{numbers.getrandbits(256):x}" for _ in range(500)).encode())
    result = ingest(quern, directory.url("in/"), directory, "--output-format", "parquet", under=("prlimit", "--fsize=65536"))
    result.expect(8, "part-00000.parquet")
    assert outputs(directory) == {} and result.summary["done"] == 0
    assert ingest(quern, directory.url("in/"), directory, "--output-format", "parquet").expect(0).summary["done"] == 8


def test_full_disk_for_load(quern, directory, tmp_path):
    directory.put("rows/a.parquet", parquet_bytes(20_000))
    command = ("load", directory.url("rows"), "--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}")
    result = quern(*command, under=("prlimit", "--fsize=131072"))
    assert result.status == 8 and "t.db" in result.stderr, result.explain("full disk")
    quern.ok(*command)
    assert database_rows(tmp_path / "t.db", "SELECT count(*) FROM t") == [(20_000,)]
    assert database_rows(tmp_path / "t.db", "PRAGMA integrity_check") == [("ok",)]


def test_full_disk_for_report_log_and_standard_output(quern, directory):
    put_examples(directory)
    ingest(quern, directory.url("in/"), directory, "--report-file", "/dev/full").expect(8, "/dev/full")
    assert pathlib.Path("/dev/full").is_char_device(), "a device is written to, not replaced"
    full = quern("ls", directory.url("in/"), "--recursive", under=("sh", "-c", 'exec "$0" "$@" > /dev/full'))
    full.expect(8, "standard output")
    closed = quern("ls", directory.url("in/"), "--recursive", under=("sh", "-c", 'exec "$0" "$@" >&-'))
    assert closed.status in (0, 8), closed.explain("closed standard output")


def test_real_full_disk(quern, directory, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    put_texts(directory, 100)
    with small_disk(small, "128k") as under:
        result = quern("ingest", directory.url("in/"), "--structured-output-dir", small, "--json", under=under).expect(8)
    assert 0 < result.summary["done"] < 100 and result.summary["code"] == "no_space"


@pytest.mark.parametrize("output_format", ["json", "parquet"])
def test_an_output_place_that_cannot_be(quern, directory, output_format):
    put_examples(directory)
    directory.put("file", b"in the way")
    for target in (directory.root / "file", directory.root / "file/below", "/proc/quern-output"):
        result = quern("ingest", directory.url("in/"), "--structured-output-dir", target, "--output-format", output_format, "--json")
        assert result.status not in (0, 70) and str(target) in result.stderr, result.explain(f"output {target}")
        assert result.summary.get("done", 0) == 0
    assert directory.get("file") == b"in the way"


def test_a_source_that_is_not_there(quern, tmp_path, directory):
    ingest(quern, tmp_path / "nowhere", directory).expect(6, "nowhere")
    quern("ls", tmp_path / "nowhere").expect(6, "nowhere")
    quern("load", tmp_path / "nowhere", "--table", "t", "--to", f"sqlite:{tmp_path / 't.db'}").expect(6, "nowhere")
    quern("parquet", "cat", tmp_path / "nowhere.parquet").expect(6, "nowhere.parquet")
    ingest(quern, "gopher://host/", directory).expect(2, "gopher")
    ingest(quern, "s3://", directory).expect(2, "s3://")
