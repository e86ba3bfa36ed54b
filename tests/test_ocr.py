"""Text in pictures: images and scanned PDF in the sandbox, with Tesseract and as if it were not installed (spec/unstructured.md 3.13)."""

import json
import struct
import zlib

import pytest
from json_output import checked
from program import build_directory
from samples import pdf, pdf_stream

COLUMNS = "double-column-A.jpg"  # 1248 x 1664
COLUMNS_SIZE = (1248, 1664)
LIBRARY = b"libtesseract.so.5"


@pytest.fixture
def images(corpus):
    return corpus / "image"


@pytest.fixture
def without_tesseract(tmp_path):
    """A parser that looks for a library of another name, which is nowhere."""
    program = (build_directory() / "src/parse/quern-parse").read_bytes()
    assert LIBRARY + b"\0" in program
    path = tmp_path / "quern-parse"
    path.write_bytes(program.replace(LIBRARY + b"\0", b"libtesseract.so.0\0"))
    path.chmod(0o755)
    return "--parse-program", path


def png(width, height, rows=b""):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def scanned_pdf(jpeg, size, pages=1, more=b""):
    """Pages that are this picture each."""
    kids = b" ".join(b"%d 0 R" % (5 + page) for page in range(pages))
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 816] /Contents 4 0 R /Resources << /XObject << /I 3 0 R >> /Font << /F << /Type /Font"
    page += b" /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
    return pdf([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages),
        pdf_stream(jpeg, b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode" % size),
        pdf_stream(b"q 612 0 0 816 0 0 cm /I Do Q " + more),
    ] + [page] * pages)  # fmt: skip


def mixed_pdf(jpeg, size, pages):
    """A page for each of `pages`: its line of text, or, for "", the picture."""
    resources = b"/Resources << /XObject << /I 3 0 R >> /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    picture = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode" % size
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", pdf_stream(jpeg, picture)]
    kids = []
    for text in pages:
        drawn = b"BT /F 12 Tf 72 700 Td (%s) Tj ET" % text.encode() if text else b"q 612 0 0 816 0 0 cm /I Do Q"
        objects.append(pdf_stream(drawn))
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 816] /Contents %d 0 R %s >>" % (len(objects), resources))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    return pdf(objects)


def texts(result):
    return [element["text"] for element in json.loads(result.stdout)]


def has(words, result):
    return words in " ".join(texts(result))


# ---- with Tesseract


@pytest.mark.parametrize(
    "name, words",
    [(COLUMNS, "Extent of the competitive service"), ("layout-parser-paper-fast.jpg", "A Unified Toolkit for Deep Learning"),
     ("layout-parser-paper-fast.tiff", "Recent advances in document image analysis"), ("english-and-korean.png", "RULES AND INSTRUCTIONS")],
)  # fmt: skip
def test_images(quern, images, name, words):
    result = quern.ok("partition", images / name, timeout=120)
    assert has(words, result), texts(result)
    assert {element["metadata"]["page_number"] for element in json.loads(result.stdout)} <= {1, 2, 3}


def test_paragraphs_are_typed_and_have_places(quern, images):
    elements = json.loads(quern.ok("partition", images / COLUMNS, "--strategy", "ocr_only", timeout=120).stdout)
    assert {"Title", "NarrativeText"} <= {element["type"] for element in elements}
    for element in elements:
        coordinates = element["metadata"]["coordinates"]
        assert (coordinates["layout_width"], coordinates["layout_height"]) == COLUMNS_SIZE
        assert all(0 <= x <= COLUMNS_SIZE[0] and 0 <= y <= COLUMNS_SIZE[1] for x, y in coordinates["points"])


def test_two_languages_as_the_original(quern, corpus, images):
    """Its recorded output is of this strategy and these languages."""
    expected = json.loads((corpus.parent / "expected/0.8.0/image/english-and-korean.png.json").read_text())
    result = quern.ok("partition", images / "english-and-korean.png", "--strategy", "ocr_only", "--ocr-languages", "eng,kor", timeout=120)
    assert texts(result) == [element["text"] for element in expected]


def test_nothing_to_see(quern, tmp_path):
    path = tmp_path / "white.png"
    path.write_bytes(png(300, 200, (b"\0" + b"\xff" * 300) * 200))
    assert texts(quern.ok("partition", path)) == []


@pytest.mark.parametrize("strategy", ["auto", "ocr_only"])
def test_scanned_pdf(quern, images, tmp_path, strategy):
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned_pdf((images / COLUMNS).read_bytes(), COLUMNS_SIZE, pages=2))
    result = quern.ok("partition", path, "--strategy", strategy, timeout=180)
    assert has("Extent of the competitive service", result)
    elements = json.loads(result.stdout)
    assert {element["metadata"]["page_number"] for element in elements} == {1, 2}
    assert {element["metadata"]["coordinates"]["layout_width"] for element in elements} == {612}


def test_strategy_of_a_scan_with_text(quern, images, tmp_path):
    """auto reads the text that is there, ocr_only what is seen."""
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned_pdf((images / COLUMNS).read_bytes(), COLUMNS_SIZE, more=b"BT 3 Tr /F 12 Tf 72 400 Td (The hidden words) Tj ET"))
    assert texts(quern.ok("partition", path)) == ["The hidden words"]
    assert has("Extent of the competitive service", quern.ok("partition", path, "--strategy", "ocr_only", timeout=120))


MIXED = ["The first page has words.", "", "So does the third page.", ""]


def test_scanned_pages_among_text(quern, images, tmp_path):
    """auto reads each page as it is, in order; fast leaves the scanned ones out."""
    path = tmp_path / "mixed.pdf"
    path.write_bytes(mixed_pdf((images / COLUMNS).read_bytes(), COLUMNS_SIZE, MIXED))
    elements = json.loads(quern.ok("partition", path, timeout=180).stdout)
    pages = [element["metadata"]["page_number"] for element in elements]
    assert pages == sorted(pages) and set(pages) == {1, 2, 3, 4}
    for page in (2, 4):
        assert "Extent of the competitive service" in " ".join(e["text"] for e in elements if e["metadata"]["page_number"] == page)
    assert texts(quern.ok("partition", path, "--strategy", "fast")) == [MIXED[0], MIXED[2]]


def test_fast_refuses_pictures(quern, images, tmp_path):
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned_pdf((images / COLUMNS).read_bytes(), COLUMNS_SIZE))
    for file in (images / COLUMNS, path):
        quern("partition", file, "--strategy", "fast").expect(1, "needs OCR, which --strategy fast leaves out")


def test_pages_that_are_no_picture(quern, tmp_path):
    path = tmp_path / "drawn.pdf"
    path.write_bytes(pdf([
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>", pdf_stream(b"9 9 99 99 re f"),
    ]))  # fmt: skip
    quern("partition", path).expect(1, "needs OCR of rendered pages: 1 of 1 pages are not one picture")


def test_a_language_that_is_not_there(quern, images, directory):
    """Found before anything is read: once, whatever the documents are."""
    says = "--ocr-languages 'tlh': Tesseract has no such language here; apt install tesseract-ocr-tlh"
    result = quern("partition", images / COLUMNS, images / COLUMNS, "--ocr-languages", "eng,tlh").expect(2, says)
    assert result.stderr.count("tlh'") == 1
    quern("partition", images / COLUMNS, "--ocr-languages", "eng+chi_klingon").expect(2, "apt install tesseract-ocr-chi-klingon")
    result = quern("partition", images / COLUMNS, "--ocr-languages", "../eng").expect(2, "'../eng': Tesseract has no such language here")
    assert "apt" not in result.stderr
    directory.put("in/a.txt", b"No picture at all.")
    ingest = ("ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--ocr-languages", "tlh")
    quern(*ingest).expect(2, says)
    assert directory.keys("out/") == []
    quern.ok(*ingest, "--strategy", "fast")  # asks no pictures


# ---- bad pictures


@pytest.mark.parametrize("width, height, says", [(60_000, 60_000, "limit of a side is 32767"), (20_000, 20_000, "the limit is 100000000 in all")])
def test_a_picture_that_would_be_too_large(quern, tmp_path, width, height, says):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(width, height, b"\0" * 1_000_000))
    quern("partition", path).expect(1, says)


@pytest.mark.parametrize("name", [COLUMNS, "english-and-korean.png", "layout-parser-paper-fast.tiff", "bmp_24.bmp"])
def test_a_picture_that_is_cut_short(quern, images, tmp_path, name):
    """Whatever can be seen, or CORRUPT: no crash, and nothing that the sandbox forbids."""
    data = (images / name).read_bytes()
    path = tmp_path / name
    for size in (20, 200, len(data) // 2):
        path.write_bytes(data[:size])
        result = quern("partition", path, timeout=120)
        assert result.status in (0, 1) and not any(word in result.stderr for word in ("crash", "forbidden")), result.explain(name)


# ---- without


def test_needs_ocr(quern, images, tmp_path, without_tesseract):
    scan, text = tmp_path / "scan.pdf", tmp_path / "text.pdf"
    scan.write_bytes(scanned_pdf((images / COLUMNS).read_bytes(), COLUMNS_SIZE))
    text.write_bytes(scanned_pdf((images / COLUMNS).read_bytes(), COLUMNS_SIZE, more=b"BT /F 12 Tf 72 400 Td (The words) Tj ET"))
    for path in (images / COLUMNS, images / "english-and-korean.png", scan):
        for strategy in ("auto", "ocr_only"):
            quern("partition", path, "--strategy", strategy, *without_tesseract).expect(
                1, "needs OCR: Tesseract is not installed (apt install tesseract-ocr)"
            )
    for strategy in ("auto", "ocr_only"):  # as the originals: the text that there is
        assert texts(quern.ok("partition", text, "--strategy", strategy, *without_tesseract)) == ["The words"]


def test_needs_ocr_of_some_pages(quern, images, tmp_path, without_tesseract):
    """What there is, and which pages are not; the document is a partial one in the report of a run."""
    source = tmp_path / "in"
    source.mkdir()
    path = source / "mixed.pdf"
    path.write_bytes(mixed_pdf((images / COLUMNS).read_bytes(), COLUMNS_SIZE, MIXED))
    for strategy in ("auto", "ocr_only"):
        result = quern("partition", path, "--strategy", strategy, *without_tesseract)
        assert texts(result) == [MIXED[0], MIXED[2]]
        result.expect(1, "PDF: no text of pages 2, 4: needs OCR: Tesseract is not installed")
    assert texts(quern.ok("partition", path, "--strategy", "fast", *without_tesseract)) == [MIXED[0], MIXED[2]]
    result = quern("ingest", f"file:{source}", "--structured-output-dir", f"file:{tmp_path / 'out'}", "--json", *without_tesseract).expect(1)
    (document,) = checked(result)["document"]
    assert document["outcome"] == "partial" and "pages 2, 4" in document["reason"] and result.summary["partial"] == 1
