"""One object of 4 GiB from nginx to a file in memory: whether ranges, proof and publication cost anything beside the copying.

The object is sparse, so that it and its copy fit; every MiB begins with its number, so that a range in the wrong place is found."""

import os

import peer_commands
import quern_commands
from harness import Case, Contestant, Goal, empty
from servers import NGINX_MODIFIED_S, Nginx, lists_write

OBJECT_BYTES = 4 << 30
MARK_EVERY_BYTES = 1 << 20
KEY = "large.bin"


def mark(offset):
    return b"%016x" % offset


def write_object(path, size_bytes):
    with open(path, "wb") as file:
        file.truncate(size_bytes)
        for offset in range(0, size_bytes, MARK_EVERY_BYTES):
            file.seek(offset)
            file.write(mark(offset))
    os.utime(path, (NGINX_MODIFIED_S, NGINX_MODIFIED_S))


def check_object(path, size_bytes):
    assert path.stat().st_size == size_bytes, f"'{path}' has {path.stat().st_size:,} of {size_bytes:,} bytes"
    with open(path, "rb") as file:
        for offset in range(0, size_bytes, MARK_EVERY_BYTES):
            file.seek(offset)
            assert file.read(24) == mark(offset) + bytes(8), f"'{path}' is wrong at byte {offset:,}"


def case(context):
    size_bytes = max(MARK_EVERY_BYTES, context.count(OBJECT_BYTES) // MARK_EVERY_BYTES * MARK_EVERY_BYTES)
    server = Nginx(context.scratch("nginx"))
    source = server.www / "bench" / KEY
    source.parent.mkdir()
    write_object(source, size_bytes)
    lists_write(server.lists, "bench", [(KEY, size_bytes)])
    context.servers.enter_context(server)
    target = context.work / "target"

    def before():
        empty(target)
        empty(context.work / "state")

    def verify():
        check_object(next(target.rglob(KEY)), size_bytes)
        empty(target)  # the next one's memory

    common = {"before": before, "verify": verify}
    fetch = quern_commands.fetch(context, server, "s3://bench/", target)
    ingest = quern_commands.ingest(context, server, "s3://bench/", target)
    copy = quern_commands.copy(context, server, "s3://bench/", target)
    ours = [Contestant.of("quern fetch", fetch, context.quern, is_ours=True, **common)]
    if not quern_commands.has_command(context, "fetch"):
        ours = [Contestant.of("quern ingest", [*ingest, "--max-file-size", "8GiB"], context.quern, is_ours=True, **common)]
    if quern_commands.has_command(context, "copy"):
        ours.append(Contestant.of("quern copy", copy, context.quern, is_ours=True, **common))
    curl = ["curl", "--silent", "--fail", "--output", target / KEY, f"{server.url}/bench/{KEY}"]
    return Case(
        "get_large", f"one object of {size_bytes / 2**30:.2f} GiB from nginx to a file", size_bytes,
        [
            *ours,
            Contestant.of("curl 1 connection", curl, "curl", **common),
            peer_commands.s5cmd(context, server, "cp", f"s3://bench/{KEY}", f"{target}/", **common),
            peer_commands.aws(context, server, "s3", "cp", "--quiet", f"s3://bench/{KEY}", f"{target}/", **common),
            peer_commands.boto3(context, "boto3_crt_get.py", server.url, "bench", KEY, target / KEY, name="boto3 with awscrt",
                                venv="boto3-crt", **common),
        ],
        goals=[Goal("wall", 1 / 0.9, "curl 1 connection"), Goal("wall", 1, "s5cmd 2.3.0")],
        bounds_peak=True,
    )
