"""Every document of shared/corpus/docs that unstructured read with strategy "fast", to element JSON.

Ours is the whole command, with start-up, sandbox and files; of the peer only the calls of partition() are counted, not its import and not the
writing of JSON. The second way of ours has a command for each type, without its start-up, beside what the peer took for that type."""

import json
import shutil
import sys

from harness import ROOT, Case, Contestant, Goal, empty, last_line, verdict

CORPUS = ROOT.parent / "shared" / "corpus"
PEER = "unstructured 0.27.32"
RECORDED = CORPUS / "expected" / "local-0.27.32"
FASTER, FASTER_OF_A_TYPE = 20, 5


def write_documents(source):
    """How many files and bytes."""
    files = size_bytes = 0
    for recorded in sorted(RECORDED.rglob("*.json")):
        path = CORPUS / "docs" / recorded.relative_to(RECORDED).with_suffix("")
        if path.is_file():
            target = source / path.relative_to(CORPUS / "docs")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            files, size_bytes = files + 1, size_bytes + path.stat().st_size
    return files, size_bytes


def case(context):
    source, target, state = (context.scratch(name) for name in ("documents", "elements", "state"))
    files, size_bytes = write_documents(source)
    python = context.venv("unstructured")
    least = {}  # ours and theirs: {type: least seconds of all runs}

    def before():
        empty(target)
        empty(state)

    def verify():
        found = sum(1 for _ in target.rglob("*.json"))
        assert found >= files - 2, f"{found} of {files} documents have an output"  # one PDF wants OCR, one a password

    def remember(whose):
        by_type = json.loads(last_line(context.work / "stdout"))["by_type"]
        known = least.setdefault(whose, {})
        for kind, entry in by_type.items():
            known[kind] = min(entry["seconds"], known.get(kind, entry["seconds"]))

    def compare():
        remember("theirs")
        ours, theirs = least.get("ours", {}), least["theirs"]
        faster = {kind: theirs[kind] / max(ours[kind], 1e-6) for kind in sorted(ours)}
        lines = [f"{kind:6}{theirs[kind] * 1e3:10.1f} ms{ours[kind] * 1e3:9.2f} ms{faster[kind]:8.1f} times" for kind in faster]
        met = faster and min(faster.values()) >= FASTER_OF_A_TYPE
        return ("\n" + " " * 26).join([*lines, f"no type less than {FASTER_OF_A_TYPE} times as fast: {verdict(met)}"])

    ours = [context.quern, "ingest", f"file://{source}/", "--structured-output-dir", target, "--state-dir", state]
    by_type = [sys.executable, ROOT / "bench/partition_by_type.py", context.quern, source, context.scratch("types")]
    result = Case(
        "partition", f"{files} documents of all types to elements", size_bytes,
        [
            Contestant.of("quern", ours, context.quern, before=before, verify=verify, statuses=(0, 1)),
            Contestant.of("quern, by type", by_type, context.quern, verify=lambda: remember("ours"), is_ours=True),
            Contestant.of(PEER, [python, ROOT / "bench/peers/unstructured_partition.py", source], python, verify=compare, runs_max=1,
                          env={"SCARF_NO_ANALYTICS": "true", "DO_NOT_TRACK": "true", "UNSTRUCTURED_DISABLE_NOTICE": "1"}),
        ],
        goals=[Goal("wall", 1 / FASTER, PEER), Goal("cpu", 1 / FASTER, PEER)],
    )
    if not files:
        for contestant in result.contestants:
            contestant.missing = f"the corpus '{CORPUS}' is not there"
    return result
