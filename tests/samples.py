"""Documents that tests make, and readers of what the program made of them."""

import collections
import hashlib
import json
import pathlib
import sqlite3

from program import ROOT

DOCUMENTS = ROOT / "examples/documents"
DOCUMENT_NAMES = sorted(str(path.relative_to(DOCUMENTS)) for path in DOCUMENTS.rglob("*") if path.is_file())


def put_examples(place, prefix="in/"):
    """The sample documents of the repository below `prefix`; gives their names."""
    for name in DOCUMENT_NAMES:
        place.put(prefix + name, (DOCUMENTS / name).read_bytes())
    return DOCUMENT_NAMES


def text_document(number, paragraphs=3):
    """A text of its own: every paragraph names its document, so that a doubled row shows."""
    lines = [f"Report number {number}", ""]
    for index in range(paragraphs):
        lines += [f"Paragraph {index} of document {number} says that the tide was high and the water was clear.", ""]
    return "\n".join(lines).encode()


def put_texts(place, count, prefix="in/", paragraphs=3):
    for number in range(count):
        place.put(f"{prefix}{number:05}.txt", text_document(number, paragraphs))


def pdf(objects, trailer="/Root 1 0 R"):
    """A PDF file of these objects' bodies, numbered from 1."""
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer.encode(), start)
    return bytes(out)


def pdf_stream(data, entries=b""):
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


def pdf_of_text(text):
    """One page with one line."""
    content = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    return pdf([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        pdf_stream(content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ])


def pdf_with_page_tree_loop():
    """Its page tree holds itself."""
    return pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000 >>"])


def pdf_with_form_bomb(depth=30, fan=10):
    """Forms that draw forms: 10 to the power of 30 of them, were each one drawn."""
    forms = range(6, 6 + depth)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /XObject << /X 6 0 R >> /Font << /F1 5 0 R >> >> >>",
        pdf_stream(b"/X Do"),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in forms:
        last = number == forms[-1]
        content = b"BT /F1 12 Tf (deep) Tj ET" if last else b"/X Do " * fan
        inner = b"" if last else b"/XObject << /X %d 0 R >>" % (number + 1)
        objects.append(pdf_stream(
            content, b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 5 0 R >> %s >>" % inner
        ))
    return pdf(objects)


def element_ids(filename, elements):
    """The ids that these elements must have, each page counted by itself: spec/unstructured.md 2.3."""
    ids, seen = [], collections.Counter()
    for element in elements:
        number = element["metadata"].get("page_number")
        ids.append(hashlib.sha256(f"{filename}{element['text']}{number}{seen[number]}".encode()).hexdigest()[:32])
        seen[number] += 1
    return ids


def outputs(place, prefix="out/"):
    """Every output below `prefix` as {key: bytes}."""
    return {key: place.get(key) for key in place.keys(prefix)}


def parquet_files(place, prefix, directory):
    """Copies of the Parquet files below `prefix`, in `directory`, in the order of their names."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for key in place.keys(prefix):
        if key.endswith(".parquet"):
            paths.append(directory / key.replace("/", "_"))
            paths[-1].write_bytes(place.get(key))
    return paths


def parquet_rows(paths):
    import pyarrow.parquet  # slow to import: only those who use it wait

    return [row for path in paths for row in pyarrow.parquet.ParquetFile(path).read().to_pylist()]


def documents_of_shard(path):
    """The list of documents in the footer: {key: version}."""
    import pyarrow.parquet

    return {key: version for key, version, *_ in json.loads(pyarrow.parquet.ParquetFile(path).schema_arrow.metadata[b"quern.documents"])}


def database_rows(path, query, *values):
    with sqlite3.connect(path) as database:
        return database.execute(query, values).fetchall()


def report_lines(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
