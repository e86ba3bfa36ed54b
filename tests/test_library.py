"""The public library from outside: headers alone, programs built against an installed copy with pkg-config, exported symbols."""

import bz2
import json
import os
import pathlib
import re
import subprocess
import time

import pyarrow.parquet
import pytest
import scripted_server as answers
from places import Bucket
from program import ROOT
from samples import put_examples
from test_transfer import FakeBucket, content

HEADERS = sorted(path.name for path in (ROOT / "include/quern").glob("*.h"))
STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
COMPILERS = {"gcc": ["gcc", "-std=c11", "-x", "c"], "clang": ["clang", "-std=c11", "-x", "c"], "g++": ["g++", "-std=c++17", "-x", "c++"]}
PROGRAMS = ROOT / "tests/library"
EXAMPLES = ROOT.parent / "shared/spec/api-examples"


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == options.get("status", 0), f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("header", HEADERS)
def test_every_header_compiles_alone_and_twice(tmp_path, compiler, header):
    source = tmp_path / "alone"
    source.write_text(f"#include <quern/{header}>\n#include <quern/{header}>\nint main(void) {{ return 0; }}\n")
    run(*COMPILERS[compiler], *STRICT, "-fsyntax-only", "-I", ROOT / "include", source)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A copy as `meson install` makes it: (root, flags of pkg-config, environment to run with)."""
    from program import build_directory

    root = tmp_path_factory.mktemp("installed")
    build = build_directory()
    run("meson", "install", "-C", build, "--no-rebuild", "--quiet", env=os.environ | {"DESTDIR": str(root)})
    (settings,) = root.rglob("quern.pc")
    environment = os.environ | {"PKG_CONFIG_PATH": str(settings.parent), "PKG_CONFIG_SYSROOT_DIR": str(root)}
    flags = run("pkg-config", "--cflags", "--libs", "quern", env=environment).stdout.split()
    if b"__asan_init" in (build / "src/cli/quern").read_bytes():
        flags.append("-fsanitize=address,undefined")
    return root, flags, {"LD_LIBRARY_PATH": str(settings.parent.parent)}


def build_program(source, installed, directory, compiler="gcc"):
    """Compiles `source` strictly and links it with the installed library; gives the program. The linker is gcc where the library has gcc's
    sanitizers: their runtimes do not mix."""
    _, flags, _ = installed
    program = directory / f"{source.stem}-{compiler}"
    include = [flag for flag in flags if flag.startswith("-I")]
    # The published examples are as they were when QuernObject had fewer fields: structs grow at their end (quern/client.h), and what a program of
    # last year leaves out of an initializer is no mistake of its own.
    older = ["-Wno-missing-field-initializers"] if source.parent == EXAMPLES else []
    run(*COMPILERS[compiler], *STRICT, *older, *include, "-c", source, "-o", f"{program}.o")
    run("gcc", f"{program}.o", "-o", program, *(["-lstdc++"] if compiler == "g++" else []), *flags)
    return program


def run_program(quern, installed, program, *arguments, cwd, env=None):
    environment = quern.environment(installed[2] | (env or {}))
    done = subprocess.run([program, *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done


def test_installed_program_works_where_it_is(quern, installed, directory):
    """quern finds its parser relative to the library, wherever the copy lies."""
    put_examples(directory)
    (program,) = installed[0].rglob("bin/quern")
    command = [program, "ingest", directory.url("in/"), "--structured-output-dir", directory.url("out"), "--json"]
    done = subprocess.run(command, env=quern.environment(installed[2]), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["done"] == 5


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_whole_path_in_a_program(quern, installed, directory, tmp_path, compiler):
    put_examples(directory)
    work = tmp_path / "work"
    work.mkdir()
    program = build_program(PROGRAMS / "whole_path.c", installed, tmp_path, compiler)
    done = run_program(quern, installed, program, directory.url("in/"), work, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = pyarrow.parquet.read_table(work / "elements/part-00000.parquet")
    assert done.stdout.splitlines() == [
        "ingest: 5 done, 5 items, 5 of them done, log: yes",
        "objects: 5 keys, 'ell'",
        "objects: the second put was refused",
        'objects: object, 5 bytes, {"color": "green"}',
        f'parquet: {rows.num_rows} rows copied, the first batch begins {{"type": ',
        "load: success",
        "search: page 1 of /planting-guide.pdf",
        "partition: Title 'A heading'",
        "partition: NarrativeText 'And a paragraph that follows it.'",
        "partition: JSON yes",
        "partition: the same again, then one CompositeElement",
        "partition: of a file yes",
        "mistake: 1 'ingest' has no option 'output_fromat', the nearest is 'output-format', worth a retry: no",
        "mistake: nothing is freed ",
    ]
    assert pyarrow.parquet.read_table(work / "copy.parquet").to_pylist() == rows.select(["type", "text"]).to_pylist()


def test_arguments_that_are_not_wanted_or_wrong(quern, installed, directory, tmp_path):
    put_examples(directory)
    work = tmp_path / "work"
    work.mkdir()
    program = build_program(PROGRAMS / "arguments.c", installed, tmp_path)
    done = run_program(quern, installed, program, directory.url("in/"), work, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def example(name):
    path = EXAMPLES / name
    assert path.exists(), f"'{path}' is missing: it lies beside the repository"
    return path


@pytest.mark.parametrize("compiler", COMPILERS)
def test_example_own_store(quern, installed, tmp_path, compiler):
    program = build_program(example("own_store.c"), installed, tmp_path, compiler)
    done = run_program(quern, installed, program, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    written = {str(path.relative_to(tmp_path)): json.loads(path.read_text()) for path in tmp_path.glob("structured-outputs/**/*.json")}
    assert sorted(written) == ["structured-outputs/notes/a.txt.json", "structured-outputs/notes/b.txt.json"]
    assert [element["text"] for element in written["structured-outputs/notes/a.txt.json"]] == ["A title", "Some text."]


def test_example_doc_writer(quern, installed, moto_session, tmp_path):
    """It names a public bucket; ours of that name stands in."""
    place = Bucket(moto_session, "utic-dev-tech-fixtures")
    place.client.create_bucket(Bucket=place.name)
    for name in put_examples(place, "small-pdf-set/"):
        place.client.put_object_acl(Bucket=place.name, Key="small-pdf-set/" + name, ACL="public-read")
    program = build_program(example("doc_writer.c"), installed, tmp_path)
    done = run_program(quern, installed, program, cwd=tmp_path, env={"AWS_ENDPOINT_URL": moto_session.url})
    assert done.returncode == 0, done.stderr
    *titles, last = done.stdout.splitlines()
    count, _, summary = last.partition("; ")
    assert count == f"{len(titles)} titles in 5 documents" and len(titles) >= 5
    assert json.loads(summary)["done"] == 5 and "output" not in json.loads(summary)
    assert not list(tmp_path.glob("structured-outputs*")), "the writer is the program's own"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_example_ingester(quern, installed, moto_session, tmp_path, compiler):
    """It names a bucket and a profile; ours of these names stand in."""
    place = Bucket(moto_session, "mleko-datasets")
    place.client.create_bucket(Bucket=place.name)
    for name in ("file_1.csv", "file_2.csv", "other.json"):
        place.put(f"kaggle/ashishpatel26/indian-food-101/{name}", name.encode())
    credentials = tmp_path / "credentials"
    credentials.write_text("[mleko]\naws_access_key_id = quern\naws_secret_access_key = quernsecret\n")
    environment = {"AWS_ENDPOINT_URL": moto_session.url, "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    program = build_program(example("ingester.c"), installed, tmp_path, compiler)
    for _ in range(2):
        done = run_program(quern, installed, program, cwd=tmp_path, env=environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == ["data/indian_food/file_1.csv", "data/indian_food/file_2.csv"]
    assert (tmp_path / "data/indian_food/file_2.csv").read_text() == "file_2.csv"
    for name in ("file_1.csv", "file_2.csv"):
        place.delete(f"kaggle/ashishpatel26/indian-food-101/{name}")
    done = run_program(quern, installed, program, cwd=tmp_path, env=environment)
    assert done.returncode == 6 and done.stdout == "" and "No files matching ['file_*.csv'] found in S3 bucket mleko-datasets/" in done.stderr


def test_example_release(quern, installed, moto_session, tmp_path):
    """Time stamps, then the provider level into the next bucket; it names both buckets, ours stand in."""
    source, target = (Bucket(moto_session, name) for name in ("122-rebuilt-final", "122-rebuilt-staging"))
    for place in (source, target):
        place.client.create_bucket(Bucket=place.name)
    years = (1900, 1901)
    for year in years:
        records = "".join(json.dumps({"ts": f"{ts}-01-01T00:00:00Z"}) + "\n" for ts in (2020, year + 123, 2021))
        source.put(f"GDL/GDL-{year}.jsonl.bz2", bz2.compress(records.encode()), {"foo": "1"})
    program = build_program(example("release.c"), installed, tmp_path)
    done = run_program(quern, installed, program, cwd=tmp_path, env=source.env)
    assert (done.returncode, done.stderr) == (0, "")
    assert target.keys() == [f"LeTemps/GDL/GDL-{year}.jsonl.bz2" for year in years]
    for year in years:
        stamped = {"foo": "1", "impresso-last-ts": f"{year + 123}-01-01T00:00:00Z"}
        assert source.metadata(f"GDL/GDL-{year}.jsonl.bz2") == target.metadata(f"LeTemps/GDL/GDL-{year}.jsonl.bz2") == stamped


TEXTS = [
    (["clean", "lowercase,prefix=\\w+\\x2c", "\u00c9t\u00c9, ONE"], "one|3\n"),
    (["clean", "", " as it is "], " as it is |10\n"),
    (["extract", "email-address", "From A.B@c.org, d@e.f"], "a.b@c.org\nd@e.f\n"),
    (["extract", "datetimetz", "Fri, 26 Mar 2021 11:04:09 +1200"], "2021-03-26T11:04:09+12:00\n"),
    (["extract", "mapi-id", "none"], ""),
    (["around", "-+", "1", "a - b -- c"], "a - b\nc\n"),
]
BAD_TEXTS = [
    (["clean", "bullet", "a"], 2, "'bullet': no cleaner has this name; there are auto-paragraphs"),
    (["clean", "bullets", b"\xff"], 2, "the text is not UTF-8"),
    (["extract", "email", "a"], 2, "there are email-address, ip-address,"),
    (["around", "(", "0", "a"], 2, "pattern '(': missing closing parenthesis, at byte 1"),
    (["around", "b", "1", "abc"], 6, "pattern 'b': there is no match 1 in the text"),
]


def test_texts_are_cleaned_and_searched(quern, installed, tmp_path):
    program = build_program(PROGRAMS / "text.c", installed, tmp_path)
    for arguments, expected in TEXTS:
        done = run_program(quern, installed, program, *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected, ""), arguments
    for arguments, status, message in BAD_TEXTS:
        words = [word if isinstance(word, bytes) else word.encode() for word in arguments]
        done = subprocess.run([program, *words], env=quern.environment(installed[2]), capture_output=True, text=True, timeout=60)
        assert done.returncode == status and message in done.stderr, (arguments, done.stderr)


PRINCIPLES = {
    "cancel": "cancelled: yes", "fork": "the child's status: 0", "reap": "done: 5", "first": "keys: 200", "shared": "read: 200", "quiet": "",
    "hooks": "items: 5 of 5, at once: 0", "parser": "", "nested": "calls: 8, read: 8, at once: 1", "added": "several at once: yes",
}


@pytest.fixture(scope="module")
def principles(installed, tmp_path_factory):
    return build_program(PROGRAMS / "principles.c", installed, tmp_path_factory.mktemp("principles"))


@pytest.mark.parametrize("case", PRINCIPLES)
def test_what_is_promised_to_a_host(quern, installed, principles, scripted, directory, tmp_path, case):
    """Principles 2 and 4-11 of spec/api.md 1."""
    source = directory.url("in/") if case in ("reap", "quiet", "hooks", "parser") else "s3://b/"
    put_examples(directory)
    bucket = FakeBucket(scripted, {f"o{number:04}": content(100, number) for number in range(200)})
    if case == "cancel":
        bucket.mischief = lambda request, answer: (time.sleep(0.5), answer)[1]
    if case == "nested":
        bucket.objects = {"there": b"1"} | {f"o{number}.jsonl.bz2": b"1" for number in range(8)}
        bucket.mischief = lambda request, answer: (time.sleep(0.1), answer if request.target.endswith("there") else answers.status(403))[1]
    done = run_program(quern, installed, principles, case, source, tmp_path, cwd=tmp_path, env=scripted.env)
    assert done.returncode == 0 and done.stdout == (PRINCIPLES[case] + "\n" if PRINCIPLES[case] else ""), done.stdout + done.stderr
    assert case in ("cancel", "fork", "parser") or done.stderr == "", "these alone have errors to show; the library itself is quiet"
    if case == "shared":
        assert scripted.connections <= 16, f"{scripted.connections} connections for {len(scripted.requests)} requests"


def test_every_function_is_called_by_some_program():
    """Of the tests, the examples, or quern itself, which sees the public library alone."""
    programs = [*PROGRAMS.glob("*.c"), *EXAMPLES.glob("*.c"), *(ROOT / "src/cli").glob("*.c")]
    text = "\n".join(path.read_text() for path in programs)
    assert not [name for name in (ROOT / "src/libquern.symbols").read_text().split() if not re.search(rf"\b{name}\b", text)]


@pytest.mark.release_only
@pytest.mark.parametrize("case", ["first", "shared", "cancel"])
def test_valgrind_finds_nothing(quern, installed, principles, scripted, tmp_path, case):
    """Not where documents are parsed: it knows no pidfd_open(2)."""
    bucket = FakeBucket(scripted, {f"o{number:04}": content(100, number) for number in range(200)})
    if case == "cancel":
        bucket.mischief = lambda request, answer: (time.sleep(0.5), answer)[1]
    checked = ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite,indirect",
               "--error-exitcode=99", principles, case, "s3://b/", tmp_path]
    done = subprocess.run(list(map(str, checked)), cwd=tmp_path, env=quern.environment(installed[2] | scripted.env), capture_output=True,
                          text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


def test_manual_pages_are_valid(quern, installed, tmp_path):
    program = build_program(PROGRAMS / "manual.c", installed, tmp_path)
    for command in ("fetch", "ingest", "load", "search", "ls", "parquet cat", "doctor", "config show", "completion", "version", None):
        page = run_program(quern, installed, program, *([command] if command else []), cwd=tmp_path)
        assert page.returncode == 0 and page.stdout.startswith(('.\\"', ".TH", "'\\\"")), command
        rendered = run("groff", "-man", "-Tutf8", "-ww", "-rLL=100n", input=page.stdout, env=os.environ | {"GROFF_NO_SGR": "1"})
        assert rendered.stderr == "", command
        assert "NAME" in rendered.stdout.replace("\b", "") or "N\bN" in rendered.stdout


def test_exported_symbols(quern):
    """Only quern_*, and those of the committed list: a change of the list is a change of the interface."""
    (library,) = [path for path in (quern.build / "src/api").glob("libquern.so.*.*") if path.is_file() and not path.is_symlink()]
    lines = run("nm", "-D", "--defined-only", "--format=posix", library).stdout.splitlines()
    exported = sorted(line.split()[0].split("@")[0] for line in lines if not line.startswith("QUERN_1"))
    assert all(name.startswith("quern_") for name in exported), exported
    assert exported == (ROOT / "src/libquern.symbols").read_text().splitlines()


def test_the_program_uses_the_public_library_alone(quern):
    """Undefined symbols of quern: libc's and quern_*."""
    needed = run("readelf", "-d", quern.path).stdout
    assert "libquern.so.0" in needed
    assert not any(name in needed for name in ("libcurl", "libsqlite3", "libxml2", "libpoppler", "libcrypto"))
    library = pathlib.Path(quern.build / "src/api/libquern.so.0")
    assert "poppler" not in run("readelf", "-d", library).stdout, "poppler is GPL: quern-parse alone links it"
