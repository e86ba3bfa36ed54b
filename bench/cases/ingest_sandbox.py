"""What the sandbox costs: documents of about 50 kB with --sandbox require and with --sandbox off, where nothing locks the parsers.
--scale N: that many times 400 documents."""

import itertools
import os
import shutil

from harness import ROOT, Case, Contestant, Goal, empty

CORPUS = ROOT.parent / "shared" / "corpus" / "docs"
FOLDERS = ("txt", "html", "md", "csv", "docx", "xlsx", "pptx", "eml", "pdf")
SIZES = range(20_000, 90_000)


def write_documents(source, count):
    """`count` copies of the corpus's documents of that size; their bytes."""
    paths = [path for folder in FOLDERS for path in sorted((CORPUS / folder).rglob("*")) if path.is_file() and path.stat().st_size in SIZES]
    size_bytes = 0
    for number, path in zip(range(count), itertools.cycle(paths), strict=False):
        shutil.copyfile(path, source / f"{number:05}-{path.name}")
        size_bytes += path.stat().st_size
    return len(paths), size_bytes


def case(context):
    source, target, state = (context.scratch(name) for name in ("documents", "elements", "state"))
    source.mkdir(parents=True, exist_ok=True)
    count = context.count(400)
    kinds, size_bytes = write_documents(source, count)

    def before():
        empty(target)
        empty(state)

    def verify():
        found = sum(1 for path in target.rglob("*.json") if path.stat().st_size >= 2)
        assert found > count / 2, f"{found} of {count} documents have an output"
        return f"{found} outputs"

    def contestant(name, sandbox, **fields):
        command = [context.quern, "ingest", f"file://{source}/", "--structured-output-dir", target, "--state-dir", state,
                   "--workers", os.cpu_count(), "--sandbox", sandbox, "--strategy", "fast"]
        made = Contestant.of(name, command, context.quern, before=before, verify=verify, **fields)
        if not kinds:
            made.missing = f"the corpus '{CORPUS}' is not there"
        return made

    return Case(
        "ingest_sandbox", f"{count} documents of {size_bytes // max(count, 1) // 1000} kB on average to elements", size_bytes,
        [contestant("quern, sandbox", "require"), contestant("quern, no sandbox", "off")],
        goals=[Goal("wall", 1.10, "quern, no sandbox")],
    )
