"""The text and HTML documents of shared/corpus/docs to element JSON, against unstructured's partition(strategy="fast").

Ours is the whole command, with start-up, sandbox and writing; of the peer only the calls of partition() are counted, not
its import and not the writing of JSON. --scale N repeats the documents N times."""

import shutil

from harness import ROOT, Case, Contestant, empty

CORPUS = ROOT.parent / "shared" / "corpus" / "docs"
SUFFIXES = {".txt", ".html", ".htm"}


def write_documents(source, copies):
    """`copies` of every document below `source`; how many files and bytes that is."""
    files = size_bytes = 0
    for folder in ("txt", "html"):
        for path in sorted((CORPUS / folder).rglob("*")):
            if not path.is_file() or path.suffix not in SUFFIXES or path.stat().st_size == 0:
                continue
            for copy in range(copies):
                target = source / str(copy) / path.relative_to(CORPUS)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
                files, size_bytes = files + 1, size_bytes + path.stat().st_size
    return files, size_bytes


def case(context):
    source, target, state = (context.scratch(name) for name in ("documents", "elements", "state"))
    files, size_bytes = write_documents(source, context.count(1))
    missing = None if files else f"the corpus '{CORPUS}' is not there"

    def before():
        empty(target)
        empty(state)

    def verify():
        found = sum(1 for path in target.rglob("*.json") if path.stat().st_size >= 2)
        assert found == files, f"{found} of {files} documents have an output"

    ours = [context.quern, "ingest", f"file://{source}/", "--structured-output-dir", target,
            "--state-dir", state]
    python = context.venv("unstructured")
    result = Case(
        "ingest_text_html", f"{files} text and HTML documents to elements", size_bytes,
        [
            Contestant.of("quern", ours, context.quern, before=before, verify=verify),
            Contestant.of("unstructured 0.27.32", [python, ROOT / "bench/peers/unstructured_partition.py", source], python,
                          env={"SCARF_NO_ANALYTICS": "true", "DO_NOT_TRACK": "true"}),
        ],
    )
    if missing:
        for contestant in result.contestants:
            contestant.missing = missing
    return result
