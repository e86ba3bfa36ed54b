"""Fixtures; what each is for is in README.md."""

import itertools
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from places import Bucket, Directory  # noqa: E402
from program import Program, build_directory  # noqa: E402
from scripted_server import ScriptedServer, tls_context  # noqa: E402
from servers import Certificate, Moto, Nginx, Versitygw  # noqa: E402

# A shell starts its background jobs with SIGINT ignored, and the program would inherit that from us.
signal.signal(signal.SIGINT, signal.default_int_handler)

_bucket_numbers = itertools.count(1)


def _new_bucket(server):
    name = f"test-{next(_bucket_numbers)}"
    bucket = Bucket(server, name)
    bucket.client.create_bucket(Bucket=name)
    return bucket


@pytest.fixture(scope="session")
def corpus():
    """The real documents of shared/corpus/docs, beside the repository. Not part of it: ask for them only where needed."""
    path = pathlib.Path(__file__).resolve().parents[2] / "shared/corpus/docs"
    if not path.is_dir():
        pytest.fail(f"the corpus is missing: '{path}'")
    return path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def versitygw_session(tmp_path_factory):
    with Versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        yield server


@pytest.fixture(scope="session")
def versitygw_tls_session(tmp_path_factory, certificate):
    with Versitygw(tmp_path_factory.mktemp("versitygw-tls"), certificate) as server:
        yield server


@pytest.fixture(scope="session")
def moto_session(tmp_path_factory):
    with Moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def nginx_session(tmp_path_factory):
    with Nginx(tmp_path_factory.mktemp("nginx")) as server:
        yield server


@pytest.fixture
def versitygw(versitygw_session):
    yield versitygw_session
    versitygw_session.check_alive()


@pytest.fixture
def nginx(nginx_session):
    yield nginx_session
    nginx_session.check_alive()


@pytest.fixture
def s3(versitygw):
    """A new empty bucket on versitygw."""
    return _new_bucket(versitygw)


@pytest.fixture
def s3_tls(versitygw_tls_session):
    """A new empty bucket on versitygw behind TLS; its env has the CA file."""
    yield _new_bucket(versitygw_tls_session)
    versitygw_tls_session.check_alive()


@pytest.fixture
def moto(moto_session):
    """A new empty bucket on moto, for keys that a file system cannot hold."""
    yield _new_bucket(moto_session)
    moto_session.check_alive()


@pytest.fixture
def directory(tmp_path):
    return Directory(tmp_path / "objects")


@pytest.fixture(params=["directory", "s3"])
def place(request):
    """The test runs twice: with a local directory and with a bucket on versitygw."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def scripted():
    """A ScriptedServer; our own mistakes in it fail the test."""
    with ScriptedServer() as server:
        yield server
    assert not server.errors, server.errors


@pytest.fixture
def scripted_tls(certificate):
    with ScriptedServer(tls_context(certificate.file, certificate.key_file)) as server:
        yield server
    assert not server.errors, server.errors


@pytest.fixture
def quern(tmp_path):
    """The built program, in a clean environment."""
    program = Program(tmp_path)
    yield program
    program.stop_all()


def pytest_report_header():
    try:
        return f"quern: {build_directory()}"
    except RuntimeError as error:
        return f"quern: {error}"


def pytest_addoption(parser):
    parser.addoption("--peers", action="store_true", help="also the comparisons with programs that scripts/install-bench brings")


def pytest_collection_modifyitems(config, items):
    """Drops (not: skips) what only a release build can show, when the build under test carries sanitizers, and comparisons with peers
    that nobody asked for."""
    if not config.getoption("--peers"):
        items[:] = [item for item in items if not item.get_closest_marker("peer")]
    try:
        sanitized = b"__asan_init" in (build_directory() / "src/cli/quern").read_bytes()
    except (RuntimeError, OSError):
        return
    if sanitized:
        items[:] = [item for item in items if not item.get_closest_marker("release_only")]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of the log of every server that it used."""
    report = (yield).get_result()
    if not report.failed:
        return
    for name, value in getattr(item, "funcargs", {}).items():
        server = getattr(value, "server", value)
        if hasattr(server, "log_tail"):
            report.sections.append((f"log of {name}: {server.log}", server.log_tail()))
