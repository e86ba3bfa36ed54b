"""What `ingest` and `partition` make of elements on request: forms, ids, selections, chunks; and when an output is made anew."""

import base64
import json
import re
import time
import zlib

import pytest
from samples import element_ids

NOTE = "A Short Note\n\nThe tide came in early today and the boats were late.\n\n- ropes\n- nets\n"


@pytest.fixture
def note(tmp_path):
    path = tmp_path / "note.md"
    path.write_text("# A Short Note\n\nThe tide came in **early** today and the boats were late.\n\n* ropes\n* nets\n")
    return path


def partition(quern, *arguments, **options):
    return json.loads(quern.ok("partition", *arguments, **options).stdout)


def test_files_and_standard_input(quern, note, tmp_path):
    elements = partition(quern, note)
    assert [element["type"] for element in elements] == ["Title", "NarrativeText", "ListItem", "ListItem"]
    assert [element["element_id"] for element in elements] == element_ids("note.md", elements)
    piped = partition(quern, "-", stdin=NOTE.encode())
    assert [element["text"] for element in piped][-2:] == ["ropes", "nets"]
    assert all("filename" not in element["metadata"] for element in piped)
    lines = quern.ok("partition", note, note, "--output-format", "ndjson").json_lines
    assert len(lines) == 8 and lines[0] == elements[0]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(quern, note, tmp_path):
    binary = tmp_path / "x.bin"
    binary.write_bytes(bytes(range(256)))
    result = quern("partition", tmp_path / "absent.md", binary, note).expect(6)
    assert "absent.md': No such file or directory" in result.stderr
    assert "unsupported type" in result.stderr and "x.bin" in result.stderr
    assert json.loads(result.stdout)[0]["text"] == "A Short Note"


def test_the_form_of_the_first_version(quern, note):
    elements = partition(quern, note, "--element-format", "seed")
    assert all(list(element) == ["text", "type", "metadata"] for element in elements)
    assert elements[0] == {"text": "A Short Note", "type": "Title", "metadata": {}}


def test_ids_of_the_text_and_random_ones(quern, note):
    import hashlib

    for element in partition(quern, note, "--element-ids", "text-hash"):
        assert element["element_id"] == hashlib.sha256(element["text"].encode()).hexdigest()[:32]
    names = [element["element_id"] for run in range(2) for element in partition(quern, note, "--element-ids", "uuid")]
    assert len(set(names)) == 8
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", name) for name in names)


def test_what_is_written_of_an_element(quern, note):
    whole = partition(quern, note)[1]
    (one,) = {tuple(element) for element in partition(quern, note, "--fields-include", "text,type")}
    assert one == ("type", "text")
    kept = partition(quern, note, "--metadata-include", "languages")[1]
    assert kept["metadata"] == {"languages": whole["metadata"]["languages"]}
    left = partition(quern, note, "--metadata-exclude", "languages,metadata.filetype")[1]["metadata"]
    assert left == {key: value for key, value in whole["metadata"].items() if key not in ("languages", "filetype")}
    flat = partition(quern, note, "--flatten-metadata")[1]
    assert flat == {key: value for key, value in whole.items() if key != "metadata"} | whole["metadata"]


def test_types_left_out_remain_parents(quern, note):
    title, *others = partition(quern, note)
    kept = partition(quern, note, "--element-exclude", "Title")
    assert kept == others
    assert kept[0]["metadata"]["parent_id"] == title["element_id"]


def test_texts_are_cleaned_in_the_order_given(quern, note):
    """As Element.apply of the original: nothing but the text changes, and what has none left stays."""
    plain = partition(quern, note)
    cleaned = partition(quern, note, "--clean", "lowercase,prefix=a short", "--clean", "postfix=[a-z]+")
    assert [element["text"] for element in cleaned] == ["", "the tide came in early today and the boats were late.", "", ""]
    assert [element | {"text": ""} for element in cleaned] == [element | {"text": ""} for element in plain]
    (chunk,) = partition(quern, note, "--clean", "lowercase,punctuation", "--chunking-strategy", "basic", "--no-chunk-include-orig-elements")
    assert chunk["text"] == "a short note\n\nthe tide came in early today and the boats were late\n\nropes\n\nnets"


def test_help_names_every_cleaner(quern, note):
    names = quern("partition", note, "--clean", "none").expect(2).stderr.partition("there are ")[2].split(", ")
    (text,) = re.findall(r"--clean CLEANER(.*?)--chunking-strategy", quern.ok("help", "ingest").stdout, re.DOTALL)
    listed = text.split(":", 1)[1].split("; repeatable")[0].replace("(", ",").split(",")
    assert len(names) == 20 and {name.strip() for name in names} <= {word.strip() for word in listed}


def test_a_pattern_that_tries_too_much_ends_the_document(quern, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a" * 4000)
    result = quern("partition", path, "--clean", "postfix=(a+)+[bc]").expect(1)
    assert "--clean: postfix: the pattern cannot be matched" in result.stderr


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--metadata-include", "a", "--metadata-exclude", "b"], "exclude each other"),
        (["--element-exclude", "Tittle"], "no such type of element"),
        (["--fields-include", "txt"], "an element has element_id"),
        (["--clean", "bullet"], "--clean: 'bullet': no cleaner has this name; there are auto-paragraphs"),
        (["--clean", "bullets,prefix=(a"], "--clean: pattern '(a': missing closing parenthesis"),
        (["--clean", "postfix"], "'postfix' needs an argument: postfix=PATTERN"),
        (["--chunking-strategy", "basic", "--chunk-overlap", "500"], "must be smaller than the chunks"),
        (["--chunk-max-tokens", "9"], "--chunk-max-tokens needs --chunk-tokenizer FILE"),
        (["--chunk-tokenizer", "t.json"], "--chunk-tokenizer counts for --chunk-max-tokens N"),
        (["--chunk-max-tokens", "9", "--chunk-tokenizer", "absent.json"], "--chunk-tokenizer 'absent.json': open: No such file"),
        (["--chunk-max-tokens", "9", "--chunk-tokenizer", "note.md"], "--chunk-tokenizer 'note.md': not valid JSON"),
        (["--chunk-max-tokens", "9", "--chunk-tokenizer", "t", "--chunk-max-characters", "9"], "they exclude each other"),
        (["--chunk-max-tokens", "9", "--chunk-tokenizer", "t", "--chunk-new-after-n-chars", "9"], "they exclude each other"),
        (["--strategy", "hi_res"], "no layout model"),
        (["--encoding", "nonsense"], "no such character set"),
    ],
)
def test_options_that_make_no_sense(quern, note, flags, message):
    assert message in quern("partition", note, *flags).expect(2).stderr


def test_chunks(quern, note):
    (chunk,) = partition(quern, note, "--chunking-strategy", "basic")
    assert chunk["type"] == "CompositeElement"
    assert chunk["text"] == "A Short Note\n\nThe tide came in early today and the boats were late.\n\nropes\n\nnets"
    assert [chunk["element_id"]] == element_ids("note.md", [chunk])
    originals = json.loads(zlib.decompress(base64.b64decode(chunk["metadata"]["orig_elements"])))
    assert originals == partition(quern, note)
    small = partition(quern, note, "--chunking-strategy", "by_title", "--chunk-max-characters", "30", "--no-chunk-include-orig-elements")
    assert all(len(element["text"]) <= 30 and "orig_elements" not in element["metadata"] for element in small)
    assert any(element["metadata"].get("is_continuation") for element in small)


def test_chunks_of_the_original(quern, corpus):
    """Re-chunking what went into the original's chunks gives its texts (unstructured 0.18.16, basic, 150, overlap 20)."""
    recorded = json.loads((corpus.parent / "expected/chunked/docx/handbook-1p.docx.json").read_text())
    elements = []
    for chunk in recorded:
        for element in json.loads(zlib.decompress(base64.b64decode(chunk["metadata"]["orig_elements"]))):
            if element["element_id"] not in {other["element_id"] for other in elements}:
                elements.append(element)
    flags = ["--chunking-strategy", "basic", "--chunk-max-characters", "150", "--chunk-overlap", "20"]
    chunks = partition(quern, "-", *flags, stdin=json.dumps(elements).encode())
    assert [chunk["text"] for chunk in chunks] == [chunk["text"] for chunk in recorded]
    assert [chunk["metadata"].get("emphasized_text_contents") for chunk in chunks] == [
        chunk["metadata"].get("emphasized_text_contents") for chunk in recorded
    ]


def ingest(quern, place, *flags):
    result = quern("ingest", place.url("in/"), "--structured-output-dir", place.url("out"), "--json", *flags, env=place.env)
    return result.expect(0).json_lines[-1]


def test_an_output_is_made_anew_when_its_document_or_the_options_changed(quern, place):
    place.put("in/a.txt", b"One line of text, which is long enough.")
    place.put("in/b.txt", b"Another line of text, which stays as it is.")
    counts = lambda end: (end["done"], end["skipped"])  # noqa: E731
    assert counts(ingest(quern, place)) == (2, 0)
    assert counts(ingest(quern, place)) == (0, 2)
    place.put("in/a.txt", b"One line of text, which is another one now.")
    assert counts(ingest(quern, place)) == (1, 1)
    assert counts(ingest(quern, place, "--element-ids", "text-hash")) == (2, 0)
    assert counts(ingest(quern, place, "--element-ids", "text-hash")) == (0, 2)
    cleaned = ["--element-ids", "text-hash", "--clean", "lowercase"]
    assert [counts(ingest(quern, place, *cleaned)) for _ in range(2)] == [(2, 0), (0, 2)]
    assert counts(ingest(quern, place, *cleaned, "--clean", "bullets")) == (2, 0)


@pytest.fixture
def byte_tokenizer(tmp_path):
    """A tokenizer.json in which every byte is a token (kl3m.md 8)."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    symbols = [chr(byte) for byte in shown] + [chr(0x100 + rank) for rank in range(256 - len(shown))]
    model = {"type": "BPE", "vocab": {symbol: id for id, symbol in enumerate(symbols)}, "merges": []}
    path = tmp_path / "bytes.json"
    path.write_text(json.dumps({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False}, "model": model}))
    return path


def test_chunks_by_tokens(quern, tmp_path, byte_tokenizer):
    path = tmp_path / "note.txt"
    path.write_text("Überall stand Wasser auf den Wiesen, und die Fähre über den Fluß fuhr nicht mehr.\n\n" * 3)
    flags = ["--chunking-strategy", "basic", "--chunk-tokenizer", byte_tokenizer, "--chunk-max-tokens"]
    words = path.read_text().split()
    for tokens in (12, 40, 1000):
        texts = [chunk["text"] for chunk in partition(quern, path, *flags, str(tokens))]
        assert max(len(text.encode()) for text in texts) <= tokens
        assert " ".join(texts).split() == words
    assert len(texts) == 1


def test_chunks_are_made_anew_for_another_tokenizer(quern, place, byte_tokenizer):
    place.put("in/a.txt", b"One line of text, which is long enough for two.")
    flags = ["--chunking-strategy", "basic", "--chunk-tokenizer", byte_tokenizer, "--chunk-max-tokens"]
    done = [ingest(quern, place, *flags, tokens)["done"] for tokens in ("30", "30", "20")]
    assert done == [1, 0, 1]
    byte_tokenizer.write_text(byte_tokenizer.read_text() + "\n")
    assert ingest(quern, place, *flags, "20")["done"] == 1


def test_a_download_of_an_older_version_is_not_used(quern, place):
    place.put("in/a.txt", b"One line of text, which is long enough.")
    keep = ["--download-dir", "copies", "--preserve-downloads"]
    assert ingest(quern, place, *keep)["done"] == 1
    time.sleep(1.1)
    place.put("in/a.txt", b"One line of text, which is another one now.")
    assert ingest(quern, place, *keep)["done"] == 1
    (output,) = [key for key in place.keys("out/") if key.endswith(".json")]
    assert "another one now" in place.get(output).decode()


def test_what_was_found_before_a_limit_is_printed(quern, tmp_path):
    page = tmp_path / "deep.html"
    page.write_text("<p>The first paragraph is read.</p>" + "<div>" * 2000 + "x")
    result = quern("partition", page).expect(1, "deep")
    assert [element["text"] for element in json.loads(result.stdout)][:1] == ["The first paragraph is read."]


def test_an_output_of_others_is_left_alone(quern, place):
    place.put("in/a.txt", b"One line of text, which is long enough.")
    key = next(iter(ingest_keys(quern, place)))
    place.put(key, b"[]")
    assert ingest(quern, place)["skipped"] == 1
    assert place.get(key) == b"[]"


def ingest_keys(quern, place):
    ingest(quern, place)
    return [key for key in place.keys("out/") if key.endswith("a.txt.json")]


def test_raise_on_error_ends_at_the_first(quern, place):
    place.put("in/bad.pdf", b"%PDF-1.4 nothing")
    for number in range(40):
        place.put(f"in/z{number}.txt", b"Some text.")
    result = quern(
        "ingest", place.url("in/"), "--structured-output-dir", place.url("out"), "--raise-on-error", "--workers", "1", env=place.env
    )
    assert result.status == 7 and "1 failed" in result.stderr
