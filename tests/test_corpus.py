"""The real documents of shared/corpus/docs, through the built program: every type read, what cannot be read failed with its reason, and what the
originals made of the same documents."""

import itertools
import json
import subprocess
import sys

import pytest
from program import ROOT, build_directory
from samples import element_ids, outputs, report_lines

READ = {"csv", "doc", "docx", "eml", "epub", "html", "json", "md", "msg", "odt", "org", "pdf", "ppt", "pptx", "rst", "rtf", "tsv", "txt", "xls", "xlsx",
        "xml"}
REASONS = ("unsupported type: application/zip; the documents in it are read with --uncompress", "unsupported type: image/", "image needs OCR",
           "PDF has no text layer", "PDF is encrypted and needs a password")
EMPTY = {"eml/empty.eml", "eml/fake-encrypted.eml", "eml/mime-no-body.eml", "pptx/picture.pptx", "txt/empty.txt", "txt/fake-text-all-whitespace.txt",
         "xlsx/empty.xlsx", "xlsx/fake-excel.xlsx"}


@pytest.fixture(scope="module")
def run(tmp_path_factory, corpus):
    """One ingest of all documents: (result, report lines by key, elements by key)."""
    from places import Directory
    from program import Program

    directory = tmp_path_factory.mktemp("corpus")
    quern, report = Program(directory), directory / "report.jsonl"
    out = Directory(directory / "objects")
    result = quern("ingest", corpus, "--structured-output-dir", out.url("out"), "--strategy", "fast", "--report-file", report, "--json", timeout=300)
    lines = {line["key"]: line for line in report_lines(report)}
    return result, lines, {key.removeprefix("out/").removesuffix(".json"): json.loads(body) for key, body in outputs(out).items()}


def test_every_document_ends_in_one_outcome(run, corpus):
    result, lines, elements = run
    documents = {str(path.relative_to(corpus)) for path in corpus.rglob("*") if path.is_file()}
    assert set(lines) == documents
    result.expect(1)
    for key, line in lines.items():
        assert line["outcome"] in ("done", "failed"), line
        assert (key in elements) == (line["outcome"] == "done"), line
        if line["outcome"] == "failed":
            assert line["status"] == "unsupported" and line["reason"].startswith(REASONS), line


def test_every_type_is_read(run):
    _, lines, elements = run
    for key, line in lines.items():
        if key.split("/")[0] in READ and not line.get("reason", "").startswith("PDF "):
            assert line["outcome"] == "done", line
            assert bool(elements[key]) == (key not in EMPTY), key
    assert READ == {key.split("/")[0] for key in lines if "/" in key} - {"archive", "image"}


def test_ids_follow_the_formula(run):
    """Attachments are documents of their own name; elements that came as JSON keep the ids they had."""
    for key, elements in run[2].items():
        if key.startswith("json/") or key == "eml/mime-multipart-digest.eml":  # two attachments without a name
            continue
        for name, part in itertools.groupby(elements, lambda element: element["metadata"].get("filename", "None")):
            part = list(part)
            assert [element["element_id"] for element in part] == element_ids(name, part), key


def test_parents_stand_before_their_children(run):
    for key, elements in run[2].items():
        seen = set()
        for element in elements:
            parent = element["metadata"].get("parent_id")
            assert parent is None or parent in seen, key
            seen.add(element["element_id"])


COMPATIBILITY = ROOT / "docs/compatibility.md"


def compare_corpus(*arguments):
    program = build_directory() / "src/document/partition_cli"
    return subprocess.run([sys.executable, ROOT / "scripts/compare-corpus", program, *arguments], capture_output=True, text=True, timeout=600)


def test_no_recorded_figure_falls():
    """What the originals made of the same documents; and the goals."""
    done = compare_corpus("--check", COMPATIBILITY)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_figure_that_falls_is_told(tmp_path):
    recorded, copy = COMPATIBILITY.read_text(), tmp_path / "recorded.md"
    row = next(line for line in recorded.splitlines() if line.startswith("| tsv | local-0.16.12"))
    copy.write_text(recorded.replace(row, row.replace("100.0", "100.1", 1)))
    done = compare_corpus("tsv", "--check", copy)
    assert done.returncode == 1 and "tsv against local-0.16.12: equal documents fell from 100.1 to 100.0" in done.stdout


@pytest.mark.parametrize("name", ["html/ingest-101B/fake-html.html", "rtf/ingest-135B/fake-doc.rtf"])
def test_the_older_rule_of_titles(quern, corpus, name):
    """Up to 0.16.11 titles were made of text: types, depths and ids of October 2024."""
    def told(elements):
        return [(e["type"], e["text"], e["element_id"], e["metadata"].get("category_depth")) for e in elements]

    expected = json.loads((corpus.parent / "expected/api-2024-10" / (name + ".json")).read_text())
    assert told(json.loads(quern.ok("partition", corpus / name, "--titles-from-text").stdout)) == told(expected)
    assert told(json.loads(quern.ok("partition", corpus / name).stdout)) != told(expected)


def told_of_html(elements):
    return [(e["type"], e["text"], e["metadata"].get("page_number"), e["metadata"].get("text_as_html")) for e in elements]


@pytest.mark.parametrize(
    "parser, producer, name",
    [
        ("ontology", "html-ontology", "html/ontology/example.html"), ("v2", "html-ontology", "html/ontology/example_with_inline_fields.html"),
        ("ontology", "html-ontology", "html/ontology/three_tables.html"), ("tree", "0.14.8-dev4", "html/example-10k-1p.html"),
        ("seed", "0.8.0", "html/ideas-page.html"), ("modern", "local-0.16.12", "html/fake-html.html"), ("v1", "local-0.16.12", "html/ideas-page.html"),
    ],
)
def test_the_parsers_of_html(quern, corpus, parser, producer, name):
    """Each against a release that had it."""
    expected = json.loads((corpus.parent / "expected" / producer / (name + ".json")).read_text())
    got = json.loads(quern.ok("partition", corpus / name, "--html-parser", parser).stdout)
    assert told_of_html(got) == told_of_html(expected)
    if parser in ("ontology", "v2"):  # ids are random there: compare them by their place
        def tree(elements):
            places = {e["element_id"]: i for i, e in enumerate(elements)}
            return [(places.get(e["metadata"].get("parent_id")), e["metadata"].get("category_depth")) for e in elements]

        assert tree(got) == tree(expected)


def test_other_html_is_no_ontology(quern, corpus):
    quern("partition", corpus / "html/fake-html.html", "--html-parser-version", "v2").expect(1, "nor a div of class 'Page'")


@pytest.mark.parametrize("name", ["html/ontology/three_tables.html", "csv/stanley-cups.csv", "xlsx/stanley-cups.xlsx", "docx/docx-tables.docx"])
def test_tables_as_cells(quern, corpus, name):
    """All the text of a table is in its cells, and no two of them are in one place."""
    tables = [e for e in json.loads(quern.ok("partition", corpus / name, "--table-as-cells").stdout) if e["type"] == "Table"]
    assert tables
    for table in tables:
        cells = table["metadata"]["table_as_cells"]
        places = [(x, y) for c in cells for x in range(c["x"], c["x"] + c["w"]) for y in range(c["y"], c["y"] + c["h"])]
        assert len(places) == len(set(places))
        assert set(" ".join(c["content"] for c in cells).split()) == set(table["text"].split())
    assert all("table_as_cells" not in e["metadata"] for e in json.loads(quern.ok("partition", corpus / name).stdout))


def test_the_first_rule_of_lines(quern, corpus):
    """0.5.0: every line an element, named by its text."""
    expected = json.loads((corpus.parent / "expected/0.5.0/txt/LICENSE.txt.json").read_text())
    elements = json.loads(quern.ok("partition", corpus / "txt/LICENSE.txt", "--txt-mode", "lines", "--element-ids", "text-hash").stdout)
    assert [(e["text"], e["element_id"]) for e in elements] == [(e["text"], e["element_id"]) for e in expected]


def test_a_second_run_over_the_corpus_does_nothing(quern, corpus, directory):
    command = ("ingest", corpus, "--structured-output-dir", directory.url("out"), "--output-format", "parquet", "--strategy", "fast", "--json")
    first = quern(*command, timeout=300).expect(1).summary
    second = quern(*command, timeout=300).expect(1).summary
    assert (second["done"], second["skipped"], second["failed"]) == (0, first["done"], first["failed"])
    assert second["bytes"] == 0, "nothing is read again"
    assert len(directory.keys("out/")) == 1


def test_the_corpus_on_s3(quern, corpus, s3, tmp_path):
    """Source, elements and Parquet on the server; then a database, then an answer."""
    names = [path for kind in ("csv", "html", "md", "txt", "pdf") for path in sorted((corpus / kind).rglob("*")) if path.is_file()]
    for path in names:
        if path.stat().st_size < 300_000:
            s3.put("corpus/" + str(path.relative_to(corpus)), path.read_bytes())
    quern("ingest", s3.url("corpus/"), "--structured-output-dir", s3.url("json"), env=s3.env, timeout=120).expect(1, "password")
    result = quern(
        "ingest", s3.url("corpus/"), "--structured-output-dir", s3.url("parquet"), "--output-format", "parquet", "--json", env=s3.env,
        timeout=120,
    ).expect(1)
    assert len(s3.keys("json/")) == result.summary["done"] >= 60
    elements = sum(len(json.loads(s3.get(key))) for key in s3.keys("json/"))
    load = quern.ok("load", s3.url("parquet"), "--table", "c", "--to", f"sqlite:{tmp_path / 'c.db'}", "--json", env=s3.env)
    assert load.summary["rows"] == result.summary["rows"] == elements
    hits = quern.ok("search", "government", "--table", "c", "--to", f"sqlite:{tmp_path / 'c.db'}", "--json").json_lines[:-1]
    assert hits and all(hit["document"].startswith(f"s3://{s3.name}/corpus/") for hit in hits)
