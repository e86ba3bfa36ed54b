"""What a run of ingest makes of documents that it cannot read, or not whole; of archives, filters, and of options that have changed. And that
`partition` says the same of a document as `ingest` does."""

import io
import json
import os
import struct
import tarfile
import threading
import zipfile

import pyarrow.parquet
import pytest
from json_output import checked
from samples import pdf_of_text

NOTE = b"A Short Note\n\nThe tide came in early today and the boats were late.\n"
DEEP = b"<p>The first paragraph is read.</p>" + b"<div>" * 2000 + b"x"


def ingest(quern, place, *flags, status=0, source="in/", **options):
    return quern(
        "ingest", place.url(source), "--structured-output-dir", place.url("out"), "--output-naming", "relative", "--json", *flags, env=place.env, **options
    ).expect(status)


def documents(result):
    return {line["key"].removeprefix("in/"): line for line in checked(result)["document"]}


def counts(result):
    return tuple(result.summary[name] for name in ("done", "partial", "skipped", "failed"))


def shards(place, tmp_path):
    """Of each Parquet file its rows, oldest first."""
    found = []
    for key in place.keys("out/"):
        path = tmp_path / "shard.parquet"
        path.write_bytes(place.get(key))
        found.append(pyarrow.parquet.read_table(path).to_pylist())
    return found


# ---- documents that nobody here reads


def encrypted_docx():
    """A compound file with the stream that holds an encrypted package ([MS-CFB] 2)."""
    free, end, table = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH6x9I", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    head += struct.pack("<109I", 0, *([free] * 108))

    def entry(name, kind, child, size=0):
        raw = (name + "\0").encode("utf-16-le")
        return raw.ljust(64, b"\0") + struct.pack("<HBBIII16xI8x8xIQ", len(raw), kind, 1, free, free, child, 0, end, size)

    fat = struct.pack("<128I", table, end, *([free] * 126))
    directory = entry("Root Entry", 5, 1) + entry("EncryptedPackage", 2, free) + bytes(256)
    return head + fat + directory


def encrypted_odt():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("META-INF/manifest.xml", '<m xmlns:manifest="urn:x"><manifest:encryption-data/></m>')
        archive.writestr("content.xml", os.urandom(100))
    return out.getvalue()


@pytest.fixture
def unreadable(corpus):
    """Of each kind one: {name: (bytes, the beginning of the reason)}. Pictures are such with --strategy fast."""
    return {
        "locked.pdf": ((corpus / "pdf/password.pdf").read_bytes(), "PDF is encrypted and needs a password"),
        "locked.docx": (encrypted_docx(), "encrypted"),
        "locked.odt": (encrypted_odt(), "encrypted"),
        "sound.wav": (b"RIFF\x64\0\0\0WAVEfmt " + bytes(100), "unsupported type: audio/x-wav"),
        "all.zip": (b"PK\5\6" + bytes(18), "unsupported type: application/zip; the documents in it are read with --uncompress"),
        "picture.bmp": ((corpus / "image/bmp_24.bmp").read_bytes(), "image needs OCR, which --strategy fast leaves out"),
    }


def test_ingest_and_partition_agree(quern, place, unreadable, tmp_path):
    """Each ends as one record with a reason, the others are done, the exit status tells."""
    place.put("in/note.txt", NOTE)
    for name, (data, _) in unreadable.items():
        place.put("in/" + name, data)
        (tmp_path / name).write_bytes(data)
    result = ingest(quern, place, "--strategy", "fast", status=1)
    assert counts(result) == (1, 0, 0, len(unreadable))
    lines = documents(result)
    for name, (_, reason) in unreadable.items():
        line = lines[name]
        assert (line["outcome"], line["status"], line["code"]) == ("failed", "unsupported", "unsupported"), line
        assert reason in line["reason"], line
        alone = quern("partition", tmp_path / name, "--strategy", "fast").expect(1, line["reason"])
        assert alone.stdout == ""
    assert place.keys("out/") == ["out/note.txt.json"]
    assert counts(ingest(quern, place, "--strategy", "fast", "--strict-compat", status=0)) == (0, 0, 1, len(unreadable))


def test_what_cannot_work_at_all_is_another_status(quern, tmp_path):
    (tmp_path / "a.txt").write_bytes(NOTE)
    result = quern("partition", tmp_path / "a.txt", tmp_path / "a.txt", "--parse-program", "/nowhere/quern-parse")
    assert result.status in (2, 6) and result.stderr.count("quern-parse") == 1, result.explain("told once, and no document's fault")
    result = quern("partition", tmp_path / "a.txt", tmp_path / "a.txt", "--languages", "English").expect(2, "--languages 'English'")
    assert result.stderr.count("English") == 1


FORMATS = ["json", "parquet"]


@pytest.mark.parametrize("form", FORMATS)
def test_what_nobody_reads_is_fetched_once(quern, place, unreadable, form, tmp_path):
    """Later runs say the same of it, and do not fetch it; another version, other options, retry and --reprocess do."""
    data, reason = unreadable["locked.pdf"]
    place.put("in/locked.pdf", data)
    flags = ("--output-format", form)
    first = ingest(quern, place, *flags, status=1)
    line = documents(first)["locked.pdf"]
    assert line["bytes"] == len(data)
    for _ in range(2):
        again = ingest(quern, place, *flags, status=1)
        same = documents(again)["locked.pdf"]
        assert (same["reason"], same["status"], same["outcome"]) == (line["reason"], line["status"], "failed")
        assert same["bytes"] == 0 and again.summary["bytes"] == 0
        assert counts(again) == (0, 0, 0, 1)
        assert "1 documents could not be read by an earlier run and were not fetched again" in again.stdout
    assert reason in quern("why").expect(0).stdout
    assert documents(quern("retry", "--json", env=place.env).expect(1))["locked.pdf"]["bytes"] == len(data)
    assert documents(ingest(quern, place, *flags, "--languages", "eng", status=1))["locked.pdf"]["bytes"] == len(data)
    if form == "json":
        assert documents(ingest(quern, place, *flags, "--reprocess", status=1))["locked.pdf"]["bytes"] == len(data)
    place.put("in/locked.pdf", pdf_of_text("It has no password any more"))
    assert counts(ingest(quern, place, *flags)) == (1, 0, 0, 0)
    assert counts(ingest(quern, place, *flags)) == (0, 0, 1, 0)


def test_known_failures_take_nothing_from_a_limit(quern, place, unreadable):
    place.put("in/a.wav", unreadable["sound.wav"][0])
    place.put("in/b.wav", unreadable["sound.wav"][0])
    place.put("in/c.txt", NOTE)
    assert counts(ingest(quern, place, "--limit", "2", status=1)) == (0, 0, 0, 2)
    assert counts(ingest(quern, place, "--limit", "2", status=1)) == (1, 0, 0, 2)


def test_no_key_is_told(quern, directory, unreadable, tmp_path):
    """With --redact-keys: not by what is remembered, not by what is said of it."""
    directory.put("in/secret-name.pdf", unreadable["locked.pdf"][0])
    directory.put("in/secret-name.html", DEEP)
    for _ in range(2):
        result = ingest(quern, directory, "--redact-keys", "--verbose", status=1)
        assert "secret-name" not in result.stdout + result.stderr, result.explain("no key")
    kept = [path for path in tmp_path.rglob("*.journal*") if path.is_file()]
    assert {path.suffix for path in kept} >= {".journal", ".verdicts"}
    assert not any(b"secret-name" in path.read_bytes() for path in kept)
    assert "secret-name" not in quern("why").expect(0).stdout


# ---- documents of which a part is read


@pytest.mark.parametrize("form", FORMATS)
def test_a_part_is_one_state(quern, place, form, tmp_path):
    """Every run says that it is not whole and why; only retry and --reprocess read it again; it is never there twice."""
    place.put("in/deep.html", DEEP)
    place.put("in/note.txt", NOTE)
    flags = ("--output-format", form)
    first = ingest(quern, place, *flags, status=1)
    line = documents(first)["deep.html"]
    assert counts(first) == (2, 1, 0, 0)
    assert (line["outcome"], line["status"], line["code"]) == ("partial", "partial", "limit") and "deep" in line["reason"]
    outputs = {key: place.get(key) for key in place.keys("out/")}
    again = ingest(quern, place, *flags, status=1)
    same = documents(again)["deep.html"]
    assert counts(again) == (1, 1, 1, 0)
    assert [same[name] for name in ("outcome", "status", "code", "reason")] == [line[name] for name in ("outcome", "status", "code", "reason")]
    assert same["bytes"] == 0 and "0 failed, 1 partial" in quern("status").expect(0).stdout
    (failure,) = checked(quern("why", "--status", "partial", "--json").expect(0))["failure"]
    assert (failure["key"], failure["reason"]) == (same["key"], line["reason"])
    assert "nothing failed so" in quern("retry", "--status", "limit", env=place.env).expect(0).stderr
    retried = quern("retry", "--status", "partial", "--json", env=place.env).expect(1)
    assert documents(retried).keys() == {"deep.html"} and documents(retried)["deep.html"]["bytes"] == len(DEEP)
    assert {key: place.get(key) for key in place.keys("out/")} == outputs
    place.put("in/deep.html", b"<p>The first paragraph is read.</p><p>And so is the second one now.</p>")
    assert counts(ingest(quern, place, *flags)) == (1, 0, 1, 0)
    assert counts(ingest(quern, place, *flags)) == (0, 0, 2, 0)


# ---- options that have changed


def test_rows_are_made_anew_when_the_options_have_changed(quern, place, tmp_path):
    place.put("in/a.txt", NOTE)
    place.put("in/b.txt", NOTE)
    flags = ("--output-format", "parquet")
    assert counts(ingest(quern, place, *flags)) == (2, 0, 0, 0)
    assert counts(ingest(quern, place, *flags)) == (0, 0, 2, 0)
    chunks = (*flags, "--chunking-strategy", "basic")
    changed = ingest(quern, place, *chunks)
    assert counts(changed) == (2, 0, 0, 0)
    assert "2 documents, or the options that make their rows, have changed" in changed.stdout
    assert counts(ingest(quern, place, *chunks)) == (0, 0, 2, 0)
    assert counts(ingest(quern, place, *flags)) == (0, 0, 2, 0), "what was made before is still there"
    place.put("in/b.txt", NOTE + b"\nAnother paragraph of the same note.\n")
    assert counts(ingest(quern, place, *chunks)) == (1, 0, 1, 0), "and what has not changed is not touched"
    first, second, third = shards(place, tmp_path)
    assert len(first) == 4 and len(second) == 2 and {row["type"] for row in second} == {"CompositeElement"}
    assert {row["url"].rsplit("/", 1)[1] for row in third} == {"b.txt"}


def test_a_tokenizer_is_read_once(quern, directory, tmp_path):
    """From a pipe, which gives what it holds to one reader."""
    symbols = [byte for byte in range(256) if 0x21 <= byte <= 0x7E or (byte >= 0xA1 and byte != 0xAD)]
    hidden = [byte for byte in range(256) if byte not in symbols]
    vocabulary = {chr(byte): index for index, byte in enumerate(symbols)} | {chr(0x100 + n): len(symbols) + n for n in range(len(hidden))}
    model = {"type": "BPE", "vocab": vocabulary, "merges": []}
    tokenizer = json.dumps({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False}, "model": model})
    pipe = tmp_path / "tokenizer.json"
    os.mkfifo(pipe)
    for number in range(5):
        directory.put(f"in/{number}.txt", NOTE)
    writer = threading.Thread(target=lambda: pipe.write_text(tokenizer), daemon=True)
    writer.start()
    result = ingest(quern, directory, "--chunking-strategy", "basic", "--chunk-tokenizer", pipe, "--chunk-max-tokens", "30", timeout=20)
    assert counts(result) == (5, 0, 0, 0)


# ---- archives


def zip_of(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tar_of(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("pack, name", [(zip_of, "in.zip"), (tar_of, "in.tgz")])
@pytest.mark.parametrize("form", FORMATS)
def test_members_of_one_name_are_told_apart(quern, directory, form, pack, name, tmp_path):
    text = "The same name stands for document {} here.".format
    inner = zip_of({"report.txt": text(3), "deep/report.txt": text(4)})
    directory.put("in/" + name, pack({"report.txt": text(0).encode(), "a/report.txt": text(1).encode(), "a/b/report.txt": text(2).encode(), "c/in.zip": inner}))
    ingest(quern, directory, "--uncompress", "--output-format", form)
    if form == "json":
        elements = [(element["text"], element["metadata"]) for element in json.loads(directory.get(f"out/{name}.json"))]
    else:
        elements = [(row["text"], json.loads(row["metadata"])) for row in shards(directory, tmp_path)[0]]
    assert {metadata["filename"] for _, metadata in elements} == {"report.txt"}
    found = {metadata.get("file_directory"): body for body, metadata in elements}
    assert found == {None: text(0), "a": text(1), "a/b": text(2), "c/in.zip": text(3), "c/in.zip/deep": text(4)}


# ---- filters


@pytest.mark.parametrize("flags, says", [
    (["--file-glob", "*.pdf"], ": 3 left out by --file-glob"),
    (["--include", "*.pdf"], ": 3 left out by --include and --exclude"),
    (["--exclude", "*"], ": 3 left out by --include and --exclude"),
    (["--exclude", "a*", "--file-glob", "*.pdf"], ": 1 left out by --include and --exclude, 2 left out by --file-glob"),
])  # fmt: skip
def test_a_filter_that_leaves_nothing_is_named(quern, place, flags, says):
    for name in ("a.txt", "b.txt", "c.html"):
        place.put("in/" + name, NOTE)
    result = ingest(quern, place, *flags, status=6)
    assert "is meant" + says in result.stderr, result.explain(says)


def test_too_large_is_a_filter_too(quern, place):
    for name in ("a.txt", "b.txt"):
        place.put("in/" + name, NOTE)
    result = ingest(quern, place, "--max-file-size", "10")
    assert counts(result) == (0, 0, 2, 0) and "skipped 2: larger than --max-file-size" in result.stderr


def test_nothing_there_at_all(quern, s3):
    s3.put("other/a.txt", NOTE)
    assert "is the prefix right?" in ingest(quern, s3, source="in/nowhere/", status=6).stderr


def test_a_part_of_an_array_without_documents_is_done(quern, directory):
    directory.put("in/a.txt", NOTE)
    results = [ingest(quern, directory, "--shard", f"{index}/3") for index in range(3)]
    assert sorted(counts(result) for result in results) == [(0, 0, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0)]
    assert sum("1 left out by --shard" in result.stdout for result in results) == 2
