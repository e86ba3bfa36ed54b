"""GET of 100,000 objects of 4 KiB from nginx to files: what the client costs for each object."""

import hashlib

import peer_commands
import quern_commands
from harness import Case, Contestant, Goal, empty
from servers import Nginx, lists_write, nginx_write

OBJECT_BYTES = 4096
OBJECTS = 100_000


def write_objects(www, count):
    """The objects, and (key, size) of each in the order of a listing."""
    body = hashlib.shake_256(b"quern").digest(OBJECT_BYTES)
    keys = []
    for number in range(count):
        key = f"small/{number // 1000:03d}/{number:06d}.bin"
        path = www / "bench" / key
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        nginx_write(path, body[number % OBJECT_BYTES :] + body[: number % OBJECT_BYTES])
        keys.append((key, OBJECT_BYTES))
    return keys


def case(context):
    count = context.count(OBJECTS)
    server = Nginx(context.scratch("nginx"))
    objects = write_objects(server.www, count)
    lists_write(server.lists, "bench", objects)
    paths = context.work / "paths"
    paths.write_text("".join(f"/bench/{key}\n" for key, _ in objects))
    context.servers.enter_context(server)
    target = context.work / "target"

    def before():
        empty(target)
        empty(context.work / "state")

    def verify():
        found = [path.stat().st_size for path in target.rglob("*.bin")]
        assert len(found) == count and set(found) == {OBJECT_BYTES}, f"{len(found)} of {count} files are there"

    common = {"before": before, "verify": verify}
    ingest = Contestant.of("quern ingest", quern_commands.ingest(context, server, "s3://bench/", target), context.quern,
                           is_ours=True, **common)
    fetch = Contestant.of("quern fetch", quern_commands.fetch(context, server, "s3://bench/", target), context.quern,
                          is_ours=True, **common)
    floor = context.tool("get_floor")
    return Case(
        "get_small", f"{count:,} objects of 4 KiB from nginx to files", count * OBJECT_BYTES,
        [
            *([fetch, ingest] if quern_commands.has_command(context, "fetch") else [ingest]),
            Contestant.of("floor: epoll and files", [floor, server.port, 64, target], floor, stdin=paths, is_ours=True, **common),
            peer_commands.s5cmd(context, server, "cp", "s3://bench/*", f"{target}/", **common),
            peer_commands.aws(context, server, "s3", "cp", "--quiet", "--recursive", "s3://bench/", target, **common),
            peer_commands.boto3(context, "boto3_get.py", server.url, "bench", target, "16", name="boto3 16 threads", **common),
        ],
        goals=[Goal("wall", 1), Goal("cpu", 0.2, "s5cmd 2.3.0")],
        bounds_peak=True,
    )
