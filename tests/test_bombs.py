"""Documents that want more than a machine has (spec/reliability.md F26), that point elsewhere (F27), whose members have odd names (F29): each ends as
one line, by a limit that is named or harmlessly; the parser is never killed by memory, a crash or the sandbox."""

import re

import bombs
import pytest
from json_output import checked

GIB = 1 << 30
SILENCE_S = 3
MEMORY_MAX = 2 * GIB * 1.05  # of a worker's address space

# What must end by a limit, and what its message says. A slow parser of a sanitizer build may reach the silence limit before.
LIMITED = {
    "nested-zip": {
        "12-levels.zip": "more than 10 levels", "100-levels.zip": "more than 10 levels", "10-to-the-5.zip": "100 times", "16-to-the-4.zip": "100 times",
        "office.zip": "100 times",
    },
    "overlapping-zip": {
        "250-members.zip": "100 times", "10001-members.zip": "more than 10000 members", "60000-members.zip": "more than 10000 members",
        "1000-large.zip": "100 times", "html.zip": "100 times",
    },
    "gzip": {
        "zeros.txt.gz": "100 times", "zeros.tar.gz": "100 times", "twice.gz": "100 times", "20000-members.tar": "10000 members",
        "20000-members.tar.gz": "10000 members",
    },
    "large-part": {
        "spaces.docx": "512 MiB", "text.docx": "512 MiB", "sheet.xlsx": "512 MiB", "strings.xlsx": "100 times", "styles.docx": "512 MiB",
        "chapter.epub": "512 MiB", "content.odt": "512 MiB",
    },
    "nested-tags": {
        "div.html": "256 deep", "tables.html": "256 deep", "lists.html": "256 deep", "formats.html": "256 deep", "a.xml": "256 elements",
        "a.docx": "256 elements", "a.odt": "256 elements", "a.epub": "256 deep", "groups.rtf": "255 deep",
    },
    "attributes": {
        "same.html": "256 attributes", "distinct.html": "256 attributes", "a.epub": "256 attributes", "a.xml": "1000 attributes", "a.docx": "1000 attributes",
        "namespaces.xml": "more than 1000+ (attributes and )?namespaces",
    },
    "spans": {"cells.csv": "1000000 cells", "grid.docx": "1000000 cells"},
    "nested-mail": {
        "multipart.eml": "64 levels", "message.eml": "10 levels", "wide.eml": "10000 parts", "attached.eml": "10 levels", "headers.eml": "10000 headers",
        "same-boundary.eml": "10000 parts", "zip.eml": "100 times",
    },
}
HARMLESS = {None, "unsupported", "corrupt", "limit", "partial"}
LIMITS = {"limit", "partial", "timeout"}


def ingest(quern, directory, tmp_path):
    return quern(
        "ingest", directory.url("in/"), "--uncompress", "--structured-output-dir", tmp_path / "out", "--json", "--workers", "2",
        "--parse-silence", f"{SILENCE_S}s",
    )


def put(directory, documents):
    for name, body in documents.items():
        directory.put("in/" + name, body)


def ends(result):
    return {line["key"]: line for line in checked(result)["document"]}


def everything_below(path):
    return {str(found.relative_to(path)) for found in path.rglob("*")}


@pytest.mark.parametrize("kind", bombs.CLASSES)
def test_a_bomb_ends_by_a_named_limit(quern, directory, tmp_path, kind, record_property):
    documents = bombs.CLASSES[kind]()
    assert len(documents) >= 5
    put(directory, documents)
    result = ingest(quern, directory, tmp_path)
    lines = ends(result)
    assert lines.keys() == documents.keys()
    for name, line in lines.items():
        expected = LIMITED.get(kind, {}).get(name)
        status, reason = line.get("status"), line.get("reason", "")
        if status == "timeout":  # of each of its two tries, and by the clock that counts
            assert f"no sign of life for {SILENCE_S}.0 s" in reason, line
            assert not expected or quern.sanitized, line
        elif expected:
            assert status in LIMITS and re.search(expected, reason), line
        else:
            assert status in HARMLESS, line
        assert line["outcome"] in ("done", "partial", "skipped", "failed")
    timeouts = sum(line.get("status") == "timeout" for line in lines.values())
    peak, seconds = result.summary.get("parser_peak_memory_bytes", 0), result.summary["seconds"]
    print(f"{kind}: {len(lines)} documents, {seconds:.1f} s, {timeouts} of them by time, largest parser {peak / (1 << 20):.0f} MiB")
    if not quern.sanitized:
        assert peak < MEMORY_MAX
        assert seconds < timeouts * 2 * SILENCE_S * 1.05 + 15, result.explain("slower than the limits allow")


def test_nothing_outside_is_looked_for(quern, directory, tmp_path):
    """A worker that opened a file or a connection would be dead, and its document forbidden."""
    documents = bombs.external_references()
    put(directory, documents)
    lines = ends(ingest(quern, directory, tmp_path))
    assert lines.keys() == documents.keys()
    assert {line.get("status") for line in lines.values()} <= HARMLESS, [line for line in lines.values() if line.get("status") not in HARMLESS]
    passwd = b"root:x:0:0"
    for path in (tmp_path / "out").rglob("*.json"):
        assert passwd not in path.read_bytes(), path


def test_names_of_members_write_nothing(quern, directory, tmp_path):
    documents = bombs.odd_names()
    put(directory, documents)
    before = everything_below(tmp_path)
    lines = ends(ingest(quern, directory, tmp_path))
    assert {line.get("status") for line in lines.values()} <= HARMLESS
    new = {path for path in everything_below(tmp_path) - before if not path.startswith(("home", "tmp", "usage"))}
    assert new <= {"out", *(f"out/{name}.json" for name in documents)}
    assert not list(tmp_path.parent.glob("escaped*")), "nothing above"
