"""What LICENSE says of poppler holds for what was built."""

import subprocess

import pytest


def needed_libraries(path):
    lines = subprocess.run(["readelf", "--dynamic", path], check=True, text=True, capture_output=True).stdout.splitlines()
    return [line.partition("[")[2].rstrip("]") for line in lines if "(NEEDED)" in line]


@pytest.mark.parametrize("name", ["src/cli/quern", "src/api/libquern.so"])
def test_program_and_library_do_not_link_poppler(quern, name):
    libraries = needed_libraries(quern.build / name)
    assert libraries and not [library for library in libraries if "poppler" in library]


def test_the_parser_is_the_one_that_links_poppler(quern):
    assert [library for library in needed_libraries(quern.build / "src/parse/quern-parse") if "poppler" in library]
