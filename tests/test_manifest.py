"""Data manifests: read through the library, left alone by the commands (shared/spec/impresso.md 7)."""

import datetime
import json
import subprocess

import pytest
from program import ROOT
from servers import ACCESS_KEY, REGION, SECRET_KEY
from test_impresso import original  # noqa: F401: a fixture
from test_library import PROGRAMS, build_program, installed, run_program  # noqa: F401: a fixture

CORPUS = ROOT.parent / "shared/corpus/impresso"
REAL = {"canonical": CORPUS / "canonical_v4-5-0.json", "rebuilt": CORPUS / "rebuilt_v1-1-1.json"}
KEY = "langident/langident_v1-4-4/langident_v0-0-1.json"


def microseconds(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp()) * 1_000_000


def manifest(*titles, version="v0.0.1", generated="2026-04-23T10:00:00Z"):
    """With pairs of a title and its date."""
    listed = [{"media_title": name, "last_modification_date": date, "update_type": None} for name, date in titles]
    data = {"mft_version": version, "mft_generation_date": generated, "mft_s3_path": "", "media_list": listed}
    return json.dumps(data).encode()


@pytest.fixture(scope="module")
def program(installed, tmp_path_factory):  # noqa: F811
    return build_program(PROGRAMS / "data_manifest.c", installed, tmp_path_factory.mktemp("program"))


@pytest.fixture
def ask(quern, installed, program, tmp_path):  # noqa: F811
    def ask(*arguments, env=None, status=0, says=""):
        done = run_program(quern, installed, program, *arguments, cwd=tmp_path, env=env)
        assert done.returncode == status, done.stdout + done.stderr
        assert says in done.stderr and bool(says) == bool(done.stderr), done.stderr
        return done.stdout.splitlines()

    return ask


@pytest.fixture
def theirs(quern, original, moto, tmp_path):  # noqa: F811
    """What impresso-essentials says, as it came from PyPI."""
    environment = quern.environment({
        "SE_ACCESS_KEY": ACCESS_KEY, "SE_SECRET_KEY": SECRET_KEY, "SE_HOST_URL": moto.server.url, "AWS_DEFAULT_REGION": REGION,
    })

    def theirs(*arguments):
        command = [original, ROOT / "tests/impresso/manifests.py", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return theirs


# ---- what one says


@pytest.mark.parametrize("stage", REAL)
def test_a_real_manifest(ask, stage):
    """Every date of it, as Python reads them."""
    data = json.loads(REAL[stage].read_text())
    first, *titles = ask(REAL[stage])
    assert first == f"file://{REAL[stage]} {data['mft_version']} {microseconds(data['mft_generation_date'])}"
    assert titles == [
        "|".join(
            [
                media["media_title"],
                media.get("data_provider") or "",
                media["update_type"] or "",
                media["update_level"] or "",
                str(microseconds(media["last_modification_date"])),
            ]
        )
        for media in data["media_list"]
    ]


def test_the_latest_of_a_partition(ask, place):
    """By impresso's order of versions, of one level, whatever else lies there."""
    partition = "langident/langident_v1-4-4/"
    for version in ("0-0-1", "0-2-0", "0-10-0", "0-9-99", "0-0-999"):
        place.put(f"{partition}langident_v{version}.json", manifest(version="v" + version.replace("-", ".")))
    for other in ("ACI/langident_v9-0-0.json", "langident_v9-0-0.jsonl.bz2", "notes_v9-0-0.json", "langident_v9.json"):
        place.put(partition + other, b"not one")
    place.put("langident/langident_v1-4-4x/langident_v9-0-0.json", b"another partition")
    for url in (place.url(partition), place.url(partition).rstrip("/")):
        for stage in ("-", "langident"):
            (line,) = ask(url, stage, env=place.env)
            assert line.split()[:2] == [place.url(partition + "langident_v0-10-0.json"), "v0.10.0"]


def test_several_stages(ask, place):
    place.put("canonical_v4-5-0.json", REAL["canonical"].read_bytes())
    place.put("rebuilt_v1-1-1.json", REAL["rebuilt"].read_bytes())
    ask(place.url(), env=place.env, status=2, says="the stages 'canonical' and 'rebuilt': say which is meant")
    assert "v1.1.1" in ask(place.url(), "rebuilt", env=place.env)[0]
    ask(place.url(), "langident", env=place.env, status=6, says="there is none; it would be called 'langident_v1-2-3.json'")
    ask(place.url(), "langdent", env=place.env, status=2, says="'langdent' is none of impresso's stages")


def test_none_there(ask, place):
    place.put("p/ACI/ACI-1.jsonl.bz2", b"data")
    ask(place.url("p/"), env=place.env, status=6, says="there is none")
    ask(place.url("p/langident_v0-0-1.json"), env=place.env, status=6, says="p/langident_v0-0-1.json")


@pytest.mark.parametrize(
    "body, status, says",
    [
        (b"", 1, "not a data manifest: Expecting value"),
        (b'{"entries": []}', 1, "not a data manifest: there is no member 'mft_version'"),
        (manifest(("GDL", "2024-02-30 00:00:00")), 1, "title 1 of 'media_list' ('GDL'): 'last_modification_date': '2024-02-30 00:00:00'"),
        (manifest(("GDL", "2024-01-01 00:00:00"))[:-3], 1, "not a data manifest"),
    ],
    ids=["empty", "another", "date", "cut"],
)
def test_what_is_none(ask, directory, body, status, says):
    directory.put(KEY, body)
    ask(directory.url(KEY), status=status, says=says)


def test_one_that_is_too_large(ask, directory):
    directory.put(KEY, b"")
    with open(directory.root / KEY, "r+b") as file:
        file.truncate(128 * 2**20 + 1)
    ask(directory.url(KEY), status=1, says="langident_v0-0-1.json")


# ---- what changed


def test_changes(ask, place):
    """An old manifest against a new one, with the two forms of dates: equal times are no change."""
    before = (("GDL", "2024-04-05 18:53:20"), ("EXP", "2024-04-05 18:53:20"), ("gone", "2024-01-01 00:00:00"))
    now = (("new", "2020-01-01T00:00:00Z"), ("GDL", "2024-04-05T18:53:20Z"), ("EXP", "2024-04-05T18:53:21Z"))
    place.put("old/rebuilt_v1-0-0.json", manifest(*before))
    place.put("new/rebuilt_v2-0-0.json", manifest(*now))
    lines = ask(place.url("new/"), "rebuilt", place.url("old/"), env=place.env)
    assert [line.split("|")[0] for line in lines] == ["new", "EXP"]
    assert ask(place.url("new/"), "rebuilt", place.url("new/"), env=place.env) == []


def test_changes_of_real_ones(ask):
    """The titles of the rebuilt stage that are older than their canonical input, which has to be rebuilt: by Python, and by us."""
    canonical, rebuilt = (json.loads(path.read_text())["media_list"] for path in REAL.values())
    dates = {media["media_title"]: microseconds(media["last_modification_date"]) for media in rebuilt}
    wanted = [media["media_title"] for media in canonical if microseconds(media["last_modification_date"]) > dates.get(media["media_title"], -1)]
    assert [line.split("|")[0] for line in ask(REAL["canonical"], "-", REAL["rebuilt"])] == wanted


# ---- beside impresso-essentials


def test_the_original_finds_the_same(ask, theirs, moto):
    """Also of the versions that it takes for equal: a part counts 100 times the next."""
    for version in ("0-2-0", "0-10-0", "0-9-99", "0-10-1", "0-9-101"):
        moto.put(f"langident/run/langident_v{version}.json", manifest(version="v" + version.replace("-", ".")))
        moto.put(f"canonical_v{version}.json", manifest(version="v" + version.replace("-", ".")))
        for url, where in ((moto.url("langident/run"), (moto.name, "langident", "langident/run")), (moto.url(), (moto.name, "canonical"))):
            assert ask(url, where[1], env=moto.env)[0].split()[0] == theirs("latest", *where)


def test_the_original_sees_the_same_changes(ask, theirs, tmp_path):
    """With the old form of dates: it reads no other here."""
    days = [f"2024-01-0{day} 00:00:00" for day in range(1, 5)]
    lists = {
        "new": (("A", days[1]), ("B", days[1]), ("C", days[1]), ("D", days[1]), ("A", days[3])),
        "old": (("D", days[3]), ("C", days[0]), ("B", days[1]), ("C", days[2]), ("A", days[0])),
    }
    for name, titles in lists.items():
        (tmp_path / f"{name}.json").write_bytes(manifest(*titles))
    places = [(tmp_path / "new.json", tmp_path / "old.json"), tuple(REAL.values()), tuple(REAL.values())[::-1]]
    for new, old in places:
        assert [line.split("|")[0] for line in ask(new, "-", old)] == theirs("changes", new, old)
    assert theirs("changes", *places[0]) == ["A", "A"]


# ---- what the commands do with one


def test_set_timestamp_leaves_it_alone(quern, moto):
    moto.put(KEY, manifest())
    moto.put("a.jsonl.bz2", b"")
    env = moto.env
    quern("set-timestamp", "--s3-file", moto.url(KEY), env=env).expect(2, KEY, "is a data manifest", "left as it is")
    quern("set-timestamp", "--s3-file", moto.url("a.jsonl.bz2"), "--output", moto.url(KEY), env=env).expect(2, KEY, "--output")
    quern("set-timestamp", "--s3-prefix", moto.url("langident/"), env=env).expect(0, "Total files: 0")
    assert moto.get(KEY) == manifest() and moto.metadata(KEY) == {}


def test_add_provider_leaves_it_alone(quern, moto, tmp_path):
    moto.put(KEY, manifest())
    moto.put("langident/langident_v1-4-4/ACI/ACI-1.jsonl.bz2", b"data")
    flags = (f"--s3-partition-path={moto.url('langident/langident_v1-4-4')}", f"--log-file={tmp_path / 'log'}", "--remove-src-keys")
    quern("add-provider", *flags, env=moto.env).expect(0)
    assert moto.keys() == ["langident/langident_v1-4-4/BCUL/ACI/ACI-1.jsonl.bz2", KEY]
    assert moto.get(KEY) == manifest()


def test_copy_says_that_one_went_along(quern, moto, tmp_path):
    moto.put("old/" + KEY, manifest())
    moto.put("old/GDL/GDL-1900.jsonl.bz2", b"data")
    said = "data manifests among the objects: 1;"
    quern("copy", moto.url("old/"), moto.url("new/"), "--dry-run", env=moto.env).expect(0, said, "--exclude='*.json'")
    quern("copy", moto.url("old/"), moto.url("new/"), env=moto.env).expect(0, said)
    assert moto.get("new/" + KEY) == manifest()
    for target, flags in ((moto.url("newer/"), ["--exclude=*.json"]), (tmp_path / "backup", [])):
        result = quern("copy", moto.url("old/"), target, *flags, env=moto.env).expect(0)
        assert "manifest" not in result.stderr
