"""The PDF of shared/corpus/docs, 10 times each, to elements, in the sandbox, with one worker; beside pdftotext, a process for each."""

import shutil

from harness import ROOT, Case, Contestant, Goal, empty

CORPUS = ROOT.parent / "shared" / "corpus" / "docs" / "pdf"
SHARE = 0.7  # of pdftotext's speed


def case(context):
    source, target, state = (context.scratch(name) for name in ("documents", "elements", "state"))
    paths, copies = sorted(CORPUS.glob("*.pdf")), context.count(10)
    for copy in range(copies):
        for path in paths:
            shutil.copyfile(path, source / f"{copy}-{path.name}")
    size_bytes = copies * sum(path.stat().st_size for path in paths)

    def before():
        empty(target)
        empty(state)

    def verify():
        found = sum(1 for path in target.iterdir() if path.stat().st_size >= 2)
        assert found >= copies * (len(paths) - 2), f"{found} outputs of {copies * len(paths)} documents"

    def ours(workers):
        return [context.quern, "ingest", f"file://{source}/", "--structured-output-dir", target, "--state-dir", state, "--num-processes", workers, "--strategy", "fast"]

    peer = f'for path in "{source}"/*.pdf; do pdftotext "$path" "{target}/${{path##*/}}.txt" 2>/dev/null || :; done'
    result = Case(
        "partition_pdf", f"{copies * len(paths)} PDF to elements", size_bytes,
        [
            Contestant.of("quern, 1 worker", ours(1), context.quern, before=before, verify=verify, statuses=(0, 1)),
            Contestant.of("quern, 2 workers", ours(2), context.quern, before=before, verify=verify, statuses=(0, 1), is_ours=True),
            Contestant.of("pdftotext", ["sh", "-c", peer], "pdftotext", before=before, verify=verify),
        ],
        goals=[Goal("wall", 1 / SHARE), Goal("cpu", 1 / SHARE)],
    )
    if not paths:
        for contestant in result.contestants:
            contestant.missing = f"the corpus '{CORPUS}' is not there"
    return result
