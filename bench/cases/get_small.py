"""GET of 100,000 objects of 4 KiB from nginx to files: what the client costs for each object."""

import hashlib

from harness import ROOT, Case, Contestant, empty
from servers import Nginx, lists_write, nginx_write

OBJECT_BYTES = 4096
OBJECTS = 100_000
PEERS = ROOT / "bench" / "peers"


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
    lists_write(server.lists, "bench", write_objects(server.www, count))
    context.servers.enter_context(server)
    target = context.work / "target"
    state = context.work / "state"

    def before():
        empty(target)
        empty(state)

    def verify():
        found = [path.stat().st_size for path in target.rglob("*.bin")]
        assert len(found) == count and set(found) == {OBJECT_BYTES}, f"{len(found)} of {count} files are there"

    common = {"before": before, "verify": verify}
    ours = [context.quern, "ingest", "s3://bench/", "--anonymous", "--download-only", "--download-dir", target,
            "--endpoint-url", server.url, "--state-dir", state]
    s5cmd = context.venv("s5cmd").with_name("s5cmd")
    boto3 = context.venv("bench")
    return Case(
        "get_small", f"{count:,} objects of 4 KiB from nginx to files", count * OBJECT_BYTES,
        [
            Contestant.of("quern", ours, context.quern, **common),
            Contestant.of("s5cmd", [s5cmd, "--no-sign-request", "--endpoint-url", server.url, "cp", "s3://bench/*", f"{target}/"],
                          s5cmd, env={"AWS_REGION": "us-east-1"}, **common),
            Contestant.of("boto3 16 threads", [boto3, PEERS / "boto3_get.py", server.url, "bench", target, "16"], boto3,
                          env={"AWS_EC2_METADATA_DISABLED": "true"}, runs_max=1, **common),
        ],
    )
