"""The real documents of shared/corpus/docs, through the built program: supported types done, the others skipped by name, and what the
originals made of the same documents."""

import difflib
import json

import pytest
from samples import element_ids, outputs, report_lines

SUPPORTED = {"csv", "html", "md", "pdf", "tsv", "txt"}
RECORDED = "local-0.16.12"  # its tagger is ours; it has no PDF
LEFT_OUT = {"csv/csv-with-line-delimiter.csv"}  # the original read it with the delimiter 'o'
RECALL = {"csv": 0.99, "html": 0.99, "md": 0.9, "txt": 0.99}


@pytest.fixture(scope="module")
def run(tmp_path_factory, corpus):
    """One ingest of all documents: (result, report lines by key, elements by key)."""
    from places import Directory
    from program import Program

    directory = tmp_path_factory.mktemp("corpus")
    quern, report = Program(directory), directory / "report.jsonl"
    out = Directory(directory / "objects")
    result = quern("ingest", corpus, "--structured-output-dir", out.url("out"), "--report-file", report, "--json", timeout=300)
    lines = {line["key"]: line for line in report_lines(report)}
    return result, lines, {key.removeprefix("out/").removesuffix(".json"): json.loads(body) for key, body in outputs(out).items()}


def test_every_document_ends_in_one_outcome(run, corpus):
    result, lines, elements = run
    documents = {str(path.relative_to(corpus)) for path in corpus.rglob("*") if path.is_file()}
    assert set(lines) == documents
    result.expect(0)
    for key, line in lines.items():
        assert line["outcome"] in ("done", "skipped"), line
        assert (key in elements) == (line["outcome"] == "done"), line
        if line["outcome"] == "skipped":
            assert line["reason"].startswith(("unsupported type: ", "PDF ")), line


def test_supported_types_are_done(run):
    _, lines, elements = run
    for key, line in lines.items():
        kind = key.split("/")[0]
        if kind in SUPPORTED and not line.get("reason", "").startswith("PDF "):
            assert line["outcome"] == "done", line
            assert elements[key] or line["bytes"] < 10, f"nothing in '{key}'"
    assert sum(line["outcome"] == "done" for line in lines.values()) >= 70
    for kind in ("docx", "xlsx", "pptx", "epub", "odt", "image", "msg", "doc", "archive"):
        assert all(line["outcome"] == "skipped" for key, line in lines.items() if key.startswith(kind + "/"))


def test_ids_follow_the_formula(run):
    for key, elements in run[2].items():
        assert [element["element_id"] for element in elements] == element_ids(key.rsplit("/")[-1], elements), key


def test_parents_stand_before_their_children(run):
    for key, elements in run[2].items():
        seen = set()
        for element in elements:
            parent = element["metadata"].get("parent_id")
            assert parent is None or parent in seen, key
            seen.add(element["element_id"])


@pytest.mark.parametrize("kind", RECALL)
def test_texts_and_ids_of_the_originals(run, corpus, kind):
    """Of the original's elements nearly all have the same text, in the same order; where all that came before is the same too, so
    are the ids."""
    recorded = corpus.parent / "expected" / RECORDED
    wanted = had = same_ids = ids = 0
    for key, elements in run[2].items():
        path = recorded / (key + ".json")
        if not key.startswith(kind + "/") or key in LEFT_OUT or not path.exists():
            continue
        expected = json.loads(path.read_text())
        old, new = [element["text"] for element in expected], [element["text"] for element in elements]
        matched = sum(block.size for block in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks())
        wanted, had = wanted + len(old), had + matched
        for mine, theirs in zip(elements, expected, strict=False):
            if mine["text"] != theirs["text"] or mine["metadata"].get("page_number") != theirs["metadata"].get("page_number"):
                break
            ids += 1
            same_ids += mine["element_id"] == theirs["element_id"]
    assert wanted > 0 and had / wanted >= RECALL[kind], f"{had} of {wanted}"
    assert ids > 0 and same_ids == ids


def test_a_second_run_over_the_corpus_does_nothing(quern, corpus, directory):
    command = ("ingest", corpus, "--structured-output-dir", directory.url("out"), "--output-format", "parquet", "--json")
    first = quern.ok(*command, timeout=300).summary
    second = quern.ok(*command, timeout=300).summary
    assert second["done"] == 0 and second["skipped"] == first["done"] + first["skipped"]
    assert len(directory.keys("out/")) == 1


def test_the_corpus_on_s3(quern, corpus, s3, tmp_path):
    """Source, elements and Parquet on the server; then a database, then an answer."""
    names = [path for kind in ("csv", "html", "md", "txt", "pdf") for path in sorted((corpus / kind).rglob("*")) if path.is_file()]
    for path in names:
        if path.stat().st_size < 300_000:
            s3.put("corpus/" + str(path.relative_to(corpus)), path.read_bytes())
    quern.ok("ingest", s3.url("corpus/"), "--structured-output-dir", s3.url("json"), env=s3.env, timeout=120)
    result = quern.ok(
        "ingest", s3.url("corpus/"), "--structured-output-dir", s3.url("parquet"), "--output-format", "parquet", "--json", env=s3.env,
        timeout=120,
    )
    assert len(s3.keys("json/")) == result.summary["done"] >= 60
    elements = sum(len(json.loads(s3.get(key))) for key in s3.keys("json/"))
    load = quern.ok("load", s3.url("parquet"), "--table", "c", "--to", f"sqlite:{tmp_path / 'c.db'}", "--json", env=s3.env)
    assert load.summary["rows"] == result.summary["rows"] == elements
    hits = quern.ok("search", "government", "--table", "c", "--to", f"sqlite:{tmp_path / 'c.db'}", "--json").json_lines[:-1]
    assert hits and all(hit["document"].startswith(f"s3://{s3.name}/corpus/") for hit in hits)
