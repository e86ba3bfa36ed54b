"""PUT of 10,000 files of 4 KiB through the library to versitygw, which checks signatures and costs more than its clients do."""

import os

import peer_commands
from harness import Case, Contestant, Goal
from servers import ACCESS_KEY, REGION, SECRET_KEY, Versitygw

OBJECT_BYTES = 4096
OBJECTS = 10_000
THREADS = 16


def write_files(directory, count):
    for number in range(count):
        (directory / f"{number:05d}.bin").write_bytes(os.urandom(OBJECT_BYTES))


def case(context):
    count = context.count(OBJECTS)
    source = context.scratch("files")
    write_files(source, count)
    server = context.servers.enter_context(Versitygw(context.scratch("versitygw")))
    data = server.directory / "data"
    env = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION}

    def before():
        for old in data.glob("*/*.bin"):
            old.unlink()
        (data / "bench").mkdir(exist_ok=True)

    def verify():
        found = list((data / "bench").glob("*.bin"))
        assert len(found) == count, f"{len(found)} of {count} objects are there"
        for path in found:
            assert path.read_bytes() == (source / path.name).read_bytes(), f"'{path.name}' is another one"

    common = {"before": before, "verify": verify}
    program = context.tool("put_directory")
    return Case(
        "put_small", f"{count:,} files of 4 KiB to versitygw", count * OBJECT_BYTES,
        [
            Contestant.of("quern library", [program, source, "s3://bench/", str(THREADS)], program,
                          env=env | {"AWS_ENDPOINT_URL": server.url}, **common),
            peer_commands.s5cmd(context, server, "cp", f"{source}/", "s3://bench/", env=env, **common),
            peer_commands.boto3(context, "boto3_put.py", server.url, "bench", source, str(THREADS), env=env,
                                name=f"boto3 {THREADS} threads", **common),
            peer_commands.aws(context, server, "s3", "cp", "--quiet", "--recursive", source, "s3://bench/", env=env, **common),
        ],
        goals=[Goal("wall", 1), Goal("cpu", 1)],
        bounds_peak=True,
    )
