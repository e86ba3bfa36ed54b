"""Documents whose bytes say less, or other things, than they should: no mark, a wrong charset, several at once, rows of unequal length."""

import json

import pytest

TEXT = "The café in Zürich was closed for the whole summer."
PAGE = "<html><head><meta charset={}></head><body><p>" + TEXT + "</p></body></html>"
CASES = {
    "le.txt": TEXT.encode("utf-16-le"),
    "be.txt": TEXT.encode("utf-16-be"),
    "unnamed": TEXT.encode("utf-16-le"),
    "le.md": TEXT.encode("utf-16-le"),
    "le.csv": TEXT.encode("utf-16-le"),
    "be.html": PAGE.format("utf-8").encode("utf-16-be"),
    "le.xml": f"<?xml version='1.0'?><a>{TEXT}</a>".encode("utf-16-le"),
    "latin.txt": TEXT.encode("latin-1"),
    "says-latin.html": PAGE.format("iso-8859-1").encode(),
    "says-utf-16.html": PAGE.format("utf-16").encode(),
    "says-klingon.html": PAGE.format("x-klingon").encode(),
    "says-utf-8.html": PAGE.format("utf-8").encode("latin-1"),
    "mixed.txt": "The café ".encode() + "in Zürich was closed for the whole summer.".encode("latin-1"),
    "mixed.html": b"<p>" + "The café ".encode() + "in Zürich was closed for the whole summer.".encode("latin-1"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_found(quern, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(CASES[name])
    elements = json.loads(quern.ok("partition", path).stdout)
    assert [element["text"] for element in elements] == [TEXT]


def test_a_declared_encoding_wins(quern, tmp_path):
    path = tmp_path / "koi8.txt"
    path.write_bytes("Москва".encode("koi8-r"))
    assert json.loads(quern.ok("partition", path, "--encoding", "koi8-r").stdout)[0]["text"] == "Москва"


def test_rows_of_unequal_length(quern, tmp_path):
    path = tmp_path / "ragged.csv"
    path.write_text('a,b,c\nd\n"e\nf",g,h,i\n\nj,k\n')
    (table,) = json.loads(quern.ok("partition", path).stdout)
    rows = table["metadata"]["text_as_html"].removeprefix("<table><tr>").removesuffix("</tr></table>").split("</tr><tr>")
    assert len(rows) == 4 and all(row.count("<td") == 4 for row in rows)
    assert set("abcdefghijk") <= set(table["text"])
