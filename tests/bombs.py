"""Documents that unfold into more than a machine can hold (spec/reliability.md F26), five or more of each class, made here: they are small, but
no virus scanner likes them in a tree. `python tests/bombs.py DIRECTORY` writes them out."""

import base64
import io
import pathlib
import struct
import sys
import zipfile
import zlib

MIB = 1 << 20
XML_HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'


# ---- what they are made of


def deflated_zeros(megabytes, byte=b"\0"):
    """A raw deflate stream that gives that many MiB of one byte, from a kilobyte a MiB, without making them all: one flushed block, repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(byte * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * megabytes + b"\x03\x00"


def gzipped_zeros(megabytes):
    """As members of 16 MiB each, which a reader must go through one after the other."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    member = packer.compress(b"\0" * 16 * MIB) + packer.flush()
    return member * (megabytes // 16)


def zip_of(members):
    """{name: bytes} deflated; a tuple (packed bytes, unpacked size, CRC) goes in as it is, whatever it says of itself."""
    out, directory = bytearray(), bytearray()
    for name, content in members.items():
        if isinstance(content, tuple):
            packed, size, crc = content
        else:
            packer = zlib.compressobj(6, zlib.DEFLATED, -15)
            packed, size, crc = packer.compress(content) + packer.flush(), len(content), zlib.crc32(content)
        offset, encoded, large = len(out), name.encode(), size >= 0xFFFFFFFF
        local_extra = struct.pack("<HHQQ", 1, 16, size, len(packed)) if large else b""  # zip64
        extra = struct.pack("<HHQ", 1, 8, size) if large else b""
        head = struct.pack("<HHHHHI", 45 if large else 20, 0x800, 8, 0, 33, crc)
        shown = (0xFFFFFFFF, 0xFFFFFFFF) if large else (len(packed), size)
        out += b"PK\3\4" + head + struct.pack("<IIHH", *shown, len(encoded), len(local_extra)) + encoded + local_extra + packed
        directory += b"PK\1\2" + struct.pack("<H", 45) + head + struct.pack("<IIHH", len(packed), shown[1], len(encoded), len(extra))
        directory += struct.pack("<HHHII", 0, 0, 0, 0, offset) + encoded + extra
    count = min(len(members), 0xFFFF)
    return bytes(out + directory + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(out), 0))


def overlapping_zip(count, megabytes, ending=".txt"):
    """Many members, one local header and one stream: a directory entry costs 50 bytes and gives `megabytes`."""
    packed, size = deflated_zeros(megabytes, b"a"), megabytes * MIB
    crc = zlib.crc32(b"a" * size)
    header = struct.pack("<HHHHHIIIHH", 20, 0x800, 8, 0, 33, crc, len(packed), size, 0, 0)
    directory = bytearray()
    for number in range(count):
        name = f"{number:06}{ending}".encode()
        entry = struct.pack("<HHHHHIIIHH", 20, 0x800, 8, 0, 33, crc, len(packed), size, len(name), 0)
        directory += b"PK\1\2" + struct.pack("<H", 20) + entry + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    data = b"PK\3\4" + header + packed
    return data + bytes(directory) + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), len(data), 0)


def self_containing_zip(name, prefix=b""):
    """A stored member whose content runs to the end of the file, its own directory included: unpacked, it is an archive again."""
    encoded = name.encode()
    data_at = len(prefix) + 30 + len(encoded)
    directory_bytes, end_bytes = 46 + len(encoded), 22
    size = directory_bytes + end_bytes + len(prefix)
    common = struct.pack("<HHHHHIIIHH", 20, 0x800, 0, 0, 33, 0, size, size, len(encoded), 0)
    directory = b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + encoded
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), data_at, 0)
    return prefix + b"PK\3\4" + common + encoded + directory + end


def tar_of(members):
    """[(name, bytes, claimed size)]"""
    out = bytearray()
    for name, content, size in members:
        header = bytearray(512)
        header[0:100] = name.encode()[:100].ljust(100, b"\0")
        header[100:108] = b"0000644\0"
        header[124:136] = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
        header[156:157] = b"0"
        header[257:265] = b"ustar\x0000"
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        out += header + content + b"\0" * (-len(content) % 512)
    return bytes(out) + b"\0" * 1024


def pdf_of(objects, trailer=b"", root=1):
    """Objects 1, 2, ... with a true cross-reference table."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(out + b"trailer\n<</Size %d/Root %d 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, trailer, at))


def pdf_stream(content, extra=b""):
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(content), extra, content)


def pdf_page_of(stream, more=()):
    return pdf_of([
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>/Font<</F 6 0 R>>>>>>", stream, *more,
    ])


def filter_chain(filters, megabytes, byte=b" "):
    """`megabytes` of one byte, deflated as often as the chain says."""
    content = None
    for name in reversed(filters):
        if name == "FlateDecode":
            content = b"\x78\xda" + deflated_zeros(megabytes, byte) if content is None else zlib.compress(content, 9)
        elif name == "ASCIIHexDecode":
            content = content.hex().encode() + b">"
        elif name == "RunLengthDecode":
            content = b"\x81\x20" * (megabytes * MIB // 128) + b"\x80" if content is None else content
    return pdf_stream(content, b"/Filter[" + b"".join(b"/" + name.encode() for name in filters) + b"]")


CONTENT_TYPES = XML_HEAD + (
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    b'<Override PartName="/%s" ContentType="application/vnd.openxmlformats-officedocument.%s+xml"/></Types>'
)
W = b'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
S = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def relations(*targets):
    items = "".join(f'<Relationship Id="r{n}" Type="{OFFICE}{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets))
    return XML_HEAD + f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{items}</Relationships>'.encode()


def docx_of(document, more=None):
    return zip_of({
        "[Content_Types].xml": CONTENT_TYPES % (b"word/document.xml", b"wordprocessingml.document.main"),
        "_rels/.rels": relations(("officeDocument", "word/document.xml")), "word/document.xml": document, **(more or {}),
    })


def docx_body(body):
    return docx_of(XML_HEAD + b"<w:document " + W + b"><w:body>" + body + b"</w:body></w:document>")


def xlsx_of(sheet, more=None):
    return zip_of({
        "[Content_Types].xml": CONTENT_TYPES % (b"xl/workbook.xml", b"spreadsheetml.sheet.main"),
        "_rels/.rels": relations(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": XML_HEAD + b"<workbook " + S + b'><sheets><sheet name="a" sheetId="1" r:id="r0"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relations(("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")),
        "xl/worksheets/sheet1.xml": sheet, **(more or {}),
    })


def odt_of(body):
    head = (
        b'<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        b'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0">'
    )
    return zip_of({
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": body if body.startswith(b"<?xml") else XML_HEAD + head + b"<office:body><office:text>" + body + b"</office:text></office:body></office:document-content>",
    })


def epub_of(chapter):
    return zip_of({
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": XML_HEAD + b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
        b'<rootfile full-path="a.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "a.opf": XML_HEAD + b'<package xmlns="http://www.idpf.org/2007/opf" version="2.0"><manifest><item id="c" href="c.xhtml" '
        b'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="c"/></spine></package>',
        "c.xhtml": chapter,
    })


# ---- the classes


def nested_zips():
    def nest(inner, name, levels, copies=1):
        for _ in range(levels):
            inner = zip_of({f"{number}-{name}": inner for number in range(copies)})
        return inner

    zeros = (deflated_zeros(100, b"a"), 100 * MIB, zlib.crc32(b"a" * 100 * MIB))
    return {
        "12-levels.zip": nest(zip_of({"a.txt": b"at the bottom\n"}), "a.zip", 12),
        "100-levels.zip": nest(zip_of({"a.txt": b"at the bottom\n"}), "a.zip", 100),
        "10-to-the-5.zip": nest(zip_of({"a.txt": b"word " * 200_000}), "a.zip", 5, 10),
        "16-to-the-4.zip": nest(zip_of({"a.txt": zeros}), "a.zip", 4, 16),
        "30-large.zip": zip_of({f"{number}.txt": zeros for number in range(30)}),
        "office.zip": nest(docx_body(b"<w:p/>" * 10_000), "a.docx", 2, 100),
    }


def overlapping_zips():
    return {
        "250-members.zip": overlapping_zip(250, 21),
        "60000-members.zip": overlapping_zip(60_000, 1),
        "10001-members.zip": overlapping_zip(10_001, 1),
        "1000-large.zip": overlapping_zip(1000, 64),
        "html.zip": overlapping_zip(3000, 2, ".html"),
    }


def quines():
    return {
        "self.zip": self_containing_zip("self.zip"),
        "self-txt.zip": self_containing_zip("self.txt"),
        "self-long.zip": self_containing_zip("a" * 60_000 + ".zip"),
        "self-behind.zip": self_containing_zip("self.zip", b"text before an archive\n" * 100),
        "self-docx.docx": self_containing_zip("word/document.xml"),
    }


def gzips():
    big = gzipped_zeros(1024)
    return {
        "zeros.txt.gz": big,
        "zeros.tar.gz": big,
        "twice.gz": zlib.compress(big, 9, 31),
        "claims.tar": tar_of([("a.txt", b"word " * 100, 10 << 30)]),
        "20000-members.tar": tar_of([(f"{number}.txt", b"word", 4) for number in range(20_000)]),
        "20000-members.tar.gz": zlib.compress(tar_of([(f"{number}.txt", b"word", 4) for number in range(20_000)]), 6, 31),
        "gzip-in-tar.tar": tar_of([(f"{number}.txt.gz", big[: len(big) // 8], len(big) // 8) for number in range(8)]),
    }


def filter_chains():
    flate = "FlateDecode"
    fonts = (b"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Length 0>>\nstream\n\nendstream", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    return {
        "flate-1.pdf": pdf_page_of(filter_chain([flate], 2048), fonts),
        "flate-3.pdf": pdf_page_of(filter_chain([flate] * 3, 10_000), fonts),
        "hex-flate.pdf": pdf_page_of(filter_chain(["ASCIIHexDecode", flate, flate], 16), fonts),
        "run-length.pdf": pdf_page_of(filter_chain([flate, "RunLengthDecode"], 512), fonts),
        "1000-filters.pdf": pdf_page_of(pdf_stream(b"x", b"/Filter[" + b"/FlateDecode" * 1000 + b"]"), fonts),
    }


def loops():
    catalog = b"<</Type/Catalog/Pages 2 0 R>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]>>"
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</I 5 0 R/J 5 0 R>>>>"
    good = pdf_of([catalog, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page])
    deep = [b"<</Type/Pages/Parent %d 0 R/Kids[%d 0 R]/Count 1>>" % (max(number - 1, 2), number + 1) for number in range(2, 20_000)]
    return {
        "kids-self.pdf": pdf_of([catalog, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000>>"]),
        "kids-pair.pdf": pdf_of([catalog, b"<</Type/Pages/Kids[3 0 R 3 0 R]/Count 9>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Parent 2 0 R/Count 9>>"]),
        "parent-loop.pdf": pdf_of([catalog, b"<</Type/Pages/Kids[3 0 R]/Count 1/Parent 2 0 R>>", b"<</Type/Page/Parent 2 0 R>>"]),
        "tree-20000-deep.pdf": pdf_of([catalog, *deep, page]),
        "xref-prev-self.pdf": pdf_of([catalog, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page], b"/Prev %d" % good.rindex(b"xref\n0")),
        "form-self.pdf": pdf_page_of(pdf_stream(b"/I Do"), (pdf_stream(b"/I Do /J Do " * 50, form), b"<</Type/Font>>")),
        "length-self.pdf": pdf_page_of(b"<</Length 4 0 R>>\nstream\nBT ET\nendstream"),
        "root-self.pdf": pdf_of([b"1 0 R"]),
        "claims-pages.pdf": pdf_of([catalog, b"<</Type/Pages/Kids[3 0 R]/Count 2147483647>>", page]),
    }


def images():
    side = 60_000

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"\x78\xda" + deflated_zeros(430)
    pdf_image = pdf_stream(rows, b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/FlateDecode" % (side, side))
    return {
        "large.png": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)) + chunk(b"IDAT", rows) + chunk(b"IEND", b""),
        "large.gif": b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0" * 6 + b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\2\1\0\0;",
        "large.bmp": b"BM" + struct.pack("<IHHI", 62, 0, 0, 62) + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 1, 0, 0, 0, 0, 2, 0) + b"\0" * 8,
        "large.tiff": b"II*\0\x08\0\0\0" + struct.pack("<H", 3) + b"".join(struct.pack("<HHII", tag, 4, 1, side) for tag in (256, 257)) + struct.pack("<HHII", 273, 4, 1, 8) + b"\0" * 4,
        "large.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x0b\x08" + struct.pack(">HH", side, side) + b"\1\1\x11\0\xff\xd9",
        "large.pdf": pdf_page_of(pdf_stream(b"q 600 0 0 800 0 0 cm /I Do Q"), (pdf_image, b"<</Type/Font>>")),
        "large.html": b"<img width=60000 height=60000 src='data:image/png;base64," + base64.b64encode(b"\0" * MIB) + b"'><p>text of a page</p>",
    }


def large_parts():
    spaces = (deflated_zeros(10_240, b" "), 10 << 30, 0)
    claims = (deflated_zeros(1, b" "), 10 << 30, 0)
    opened = XML_HEAD + b"<w:document " + W + b"><w:body><w:p><w:r><w:t>"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = packer.compress(opened) + packer.flush(zlib.Z_FULL_FLUSH) + deflated_zeros(600, b"a")
    sheet = XML_HEAD + b"<worksheet " + S + b"><sheetData>" + b"<row><c><v>1</v></c></row>" * 1000 + b"</sheetData></worksheet>"
    strings = XML_HEAD + b"<sst " + S + b"><si><t>" + b"word " * 20_000_000 + b"</t></si></sst>"
    return {
        "spaces.docx": docx_of(spaces),
        "claims.docx": docx_of(claims),
        "text.docx": docx_of((text, 600 * MIB + len(opened), 0)),
        "sheet.xlsx": xlsx_of(spaces),
        "strings.xlsx": xlsx_of(sheet, {"xl/sharedStrings.xml": strings}),
        "styles.docx": docx_of(XML_HEAD + b"<w:document " + W + b"><w:body><w:p/></w:body></w:document>", {
            "word/_rels/document.xml.rels": relations(("styles", "styles.xml")), "word/styles.xml": spaces,
        }),
        "chapter.epub": epub_of(spaces),
        "content.odt": zip_of({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": spaces}),
    }


def entity_documents(definitions, reference):
    xml = XML_HEAD + b"<!DOCTYPE a [" + definitions + b"]>\n"
    return {
        "a.xml": xml + b"<a>" + reference + b"</a>",
        "a.html": b"<!DOCTYPE html [" + definitions + b"]><p>Some text " + reference + b"</p>",
        "a.docx": docx_of(xml.replace(b"DOCTYPE a", b"DOCTYPE w:document") + b"<w:document " + W + b"><w:body><w:p><w:r><w:t>" + reference + b"</w:t></w:r></w:p></w:body></w:document>"),
        "a.xlsx": xlsx_of(xml + b"<worksheet " + S + b'><sheetData><row><c t="inlineStr"><is><t>' + reference + b"</t></is></c></row></sheetData></worksheet>"),
        "a.epub": epub_of(xml + b'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>' + reference + b"</p></body></html>"),
        "a.odt": odt_of(xml + b"<office:document-content/>"),
    }


def billion_laughs():
    laughs = b'<!ENTITY l0 "lol">' + b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    return entity_documents(laughs, b"&l9;")


def quadratic_entities():
    return entity_documents(b'<!ENTITY l "' + b"a" * 100_000 + b'">', b"&l;" * 50_000)


def nested_tags():
    many = 100_000
    return {
        "div.html": b"<html><body>" + b"<div>" * many + b"bottom" + b"</div>" * many,
        "tables.html": b"<table><tr><td>" * many + b"bottom",
        "lists.html": b"<ul><li>" * many + b"bottom",
        "formats.html": b"<p>" + b"<b><i>" * many + b"bottom",
        "a.xml": b"<a>" * many + b"bottom" + b"</a>" * many,
        "a.docx": docx_body(b"<w:sdt><w:sdtContent>" * many + b"<w:p/>" + b"</w:sdtContent></w:sdt>" * many),
        "tables.docx": docx_body(b"<w:tbl><w:tr><w:tc>" * many + b"<w:p/>" + b"</w:tc></w:tr></w:tbl>" * many),
        "a.odt": odt_of(b"<text:section>" * many + b"<text:p>bottom</text:p>" + b"</text:section>" * many),
        "a.epub": epub_of(b"<html><body>" + b"<div>" * many + b"bottom</body></html>"),
        "groups.rtf": b"{\\rtf1 " + b"{" * many + b"bottom" + b"}" * many + b"}",
        "a.json": b"[" * many + b"]" * many,
        "quotes.md": b"> " * many + b"bottom\n",
        "lists.md": b"".join(b" " * (2 * n) + b"- a\n" for n in range(2000)),
        "a.org": b"".join(b"*" * n + b" heading\n" for n in range(1, 2000)),
    }


def many_attributes():
    distinct = b" ".join(b"a%d='1'" % number for number in range(1_000_000))
    return {
        "same.html": b"<p " + b"a=1 " * 1_000_000 + b">text</p>",
        "distinct.html": b"<p " + distinct + b">text</p>",
        "long.html": b"<p title='" + b"a" * 10_000_000 + b"'>text</p>",
        "a.xml": b"<a " + distinct + b">text</a>",
        "namespaces.xml": b"<a " + b" ".join(b"xmlns:a%d='u'" % number for number in range(200_000)) + b">text</a>",
        "a.docx": docx_body(b"<w:p " + distinct + b"/>"),
        "a.epub": epub_of(b"<html><body><p " + distinct + b">text</p></body></html>"),
    }


def spans():
    return {
        "columns.html": b"<table><tr><td colspan=1000000000>a</td></tr></table>",
        "rows.html": b"<table><tr><td rowspan=1000000000>a</td><td>b</td></tr></table>",
        "both.html": b"<table>" + b"<tr><td rowspan=65534 colspan=1000>a</td></tr>" * 1000 + b"</table>",
        "negative.html": b"<table><tr><td colspan=-1 rowspan=99999999999999999999>a</td></tr></table>",
        "merged.xlsx": xlsx_of(XML_HEAD + b"<worksheet " + S + b'><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>'),
        "last-cell.xlsx": xlsx_of(XML_HEAD + b"<worksheet " + S + b'><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'),
        "far-cell.xlsx": xlsx_of(XML_HEAD + b"<worksheet " + S + b'><sheetData><row r="1000000000"><c r="ZZZZZZ1000000000"><v>1</v></c></row></sheetData></worksheet>'),
        "grid.docx": docx_body(b'<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="1000000000"/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>'),
        "repeated.odt": odt_of(b'<table:table><table:table-column table:number-columns-repeated="1000000000"/><table:table-row table:number-rows-repeated="1000000000">'
                               b'<table:table-cell table:number-columns-repeated="1000000000"><text:p>a</text:p></table:table-cell></table:table-row></table:table>'),
        "spaces.odt": odt_of(b'<text:p>a<text:s text:c="1000000000"/>b</text:p>'),
        "ragged.csv": b"a\n" * 100_000 + b"," * 100_000 + b"\n",
        "cells.csv": b",".join([b"1"] * 100) * 1 + b"\n" + (b",".join([b"1"] * 100) + b"\n") * 10_100,
    }


def nested_mails():
    head = b"From: a@example.org\nTo: b@example.org\nSubject: many parts\nMIME-Version: 1.0\n"
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(10_000))
    message = b"Content-Type: message/rfc822\n\n" + head
    wide = b'Content-Type: multipart/mixed; boundary="b"\n\n'
    inner = head + b"Content-Type: text/plain\n\nbottom\n"
    for _ in range(15):
        inner = head + b'Content-Type: multipart/mixed; boundary="x"\n\n--x\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename="a.eml"\nContent-Transfer-Encoding: base64\n\n' + base64.encodebytes(inner) + b"\n--x--\n"
    return {
        "multipart.eml": head + nested + b"Content-Type: text/plain\n\nbottom\n",
        "message.eml": head + message * 10_000 + b"Content-Type: text/plain\n\nbottom\n",
        "wide.eml": head + wide + b"--b\nContent-Type: text/plain\n\na part\n" * 20_000 + b"--b--\n",
        "attached.eml": inner,
        "headers.eml": head + b"".join(b"X-A%d: b\n" % n for n in range(200_000)) + b"\ntext of the mail\n",
        "long-header.eml": head + b"X-Long: " + b"a" * 10_000_000 + b"\n\ntext of the mail\n",
        "same-boundary.eml": head + (wide + b"--b\n") * 10_000 + b"\nbottom\n",
        "zip.eml": head + wide + b'--b\nContent-Type: application/zip\nContent-Disposition: attachment; filename="a.zip"\nContent-Transfer-Encoding: base64\n\n'
        + base64.encodebytes(overlapping_zip(250, 21)) + b"--b--\n",
    }


# ---- not large, but elsewhere


def external_references():
    """What names something outside the document: F27. Whoever followed one would be killed by seccomp."""
    url, file = b"http://127.0.0.1:9/x", b"file:///etc/passwd"
    word = docx_of(XML_HEAD + b"<w:document " + W + b"><w:body><w:p><w:r><w:t>some text</w:t></w:r></w:p></w:body></w:document>", {
        "word/_rels/document.xml.rels": relations(("attachedTemplate", url.decode() + '" TargetMode="External'), ("image", file.decode() + '" TargetMode="External')),
        "word/settings.xml": XML_HEAD + b"<w:settings " + W + b' xmlns:r="r"><w:attachedTemplate r:id="r0"/></w:settings>',
    })
    catalog = b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/URI/URI(%s)>>/AcroForm<</XFA 4 0 R/Fields[]>>>>" % url
    xfa = b'<!DOCTYPE a [<!ENTITY x SYSTEM "%s">]><xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/">&x;</xdp:xdp>' % file
    out = {"template.docx": word, "open-action.pdf": pdf_of([
        catalog, b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/GoToR/F(%s)>>>>]>>" % file, pdf_stream(xfa),
    ])}
    for name, target in (("http", url), ("file", file)):
        entity = b'<!ENTITY x SYSTEM "%s"><!ENTITY %% p SYSTEM "%s">%%p;' % (target, target)
        out |= {f"{name}-entity-{key}": body for key, body in entity_documents(entity, b"&x;").items()}
        out |= {
            f"{name}-dtd.xml": b'<!DOCTYPE a SYSTEM "%s"><a>some text</a>' % target,
            f"{name}-include.xml": b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="%s" parse="text"/></a>' % target,
            f"{name}-style.xml": b'<?xml-stylesheet href="%s"?><a>some text</a>' % target,
            f"{name}-images.html": b'<base href="%s"><link rel=stylesheet href="%s"><img src="%s"><iframe src="%s"></iframe><script src="%s"></script><p>some text</p>' % ((target,) * 5),
            f"{name}-include.rst": b"Some text\n\n.. include:: %s\n\n.. csv-table:: a\n   :file: %s\n" % (target, target),
            f"{name}-include.org": b"#+INCLUDE: \"%s\"\n#+SETUPFILE: %s\n\nsome text\n" % (target, target),
            f"{name}-image.md": b"![a](%s)\n\nsome text\n" % target,
            f"{name}-field.rtf": b'{\\rtf1 {\\field{\\*\\fldinst INCLUDETEXT "%s"}{\\fldrslt some text}}}' % target,
            f"{name}-body.eml": b'From: a@example.org\nContent-Type: message/external-body; access-type=URL; URL="%s"\n\nsome text\n' % target,
        }
    return out


ODD_NAMES = [
    "../../../escaped.txt", "/tmp/escaped.txt", "a/../../escaped.txt", "..\\..\\escaped.txt", "C:\\escaped.txt", "a\0b.txt", "a\nb.txt", "\x1b[2J.txt",
    "-rf.txt", "con.txt", "a" * 5000 + ".txt", "\u202etxt.exe.txt", "./escaped.txt", "//escaped.txt", "%2e%2e%2fescaped.txt", " .txt", "",
]


def odd_names():
    """Members and attachments whose names are paths: F29. Nothing may be written by them."""
    head = b"From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    parts = b"".join(
        b'--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename="%s"\n\nan attachment\n' % name.encode().replace(b"\n", b"").replace(b"\\", b"\\\\")
        for name in ODD_NAMES
    )
    link = bytearray(tar_of([("link.txt", b"", 0)]))
    link[156:157], link[157:168] = b"2", b"/etc/passwd"
    link[148:156] = b" " * 8
    link[148:156] = b"%06o\0 " % sum(link[:512])
    return {
        "names.zip": zip_of({name: b"a member\n" for name in ODD_NAMES}),
        "names.tar": tar_of([(name[:99], b"a member\n", 9) for name in ODD_NAMES]),
        "names.eml": head + parts + b"--b--\n",
        "symlink.tar": bytes(link[:512]) + tar_of([("link.txt/a.txt", b"a member\n", 9)]),
        "names.docx": docx_of(XML_HEAD + b"<w:document " + W + b"><w:body><w:p/></w:body></w:document>", {name: b"a" for name in ODD_NAMES}),
        "rels.docx": docx_of(XML_HEAD + b"<w:document " + W + b"/>", {"word/_rels/document.xml.rels": relations(("styles", "../../../../etc/passwd"))}),
        "names.epub": zip_of({"mimetype": b"application/epub+zip", "META-INF/container.xml": b'<container><rootfiles><rootfile full-path="../../etc/passwd"/></rootfiles></container>'}),
    }


CLASSES = {
    "nested-zip": nested_zips, "overlapping-zip": overlapping_zips, "quine": quines, "gzip": gzips, "filter-chain": filter_chains,
    "pdf-loop": loops, "image": images, "large-part": large_parts, "billion-laughs": billion_laughs, "quadratic-entities": quadratic_entities,
    "nested-tags": nested_tags, "attributes": many_attributes, "spans": spans, "nested-mail": nested_mails,
}


def main():
    for kind, make in CLASSES.items():
        directory = pathlib.Path(sys.argv[1]) / kind
        directory.mkdir(parents=True, exist_ok=True)
        for name, body in make().items():
            (directory / name).write_bytes(body)


if __name__ == "__main__":
    main()
