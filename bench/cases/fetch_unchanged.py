"""`quern fetch` of 100,000 keys that are here already, against the listing of the same keys, which it cannot do without."""

import subprocess

import quern_commands
from bucket import Bucket, check_files
from harness import Case, Contestant, Goal, clean_environment, empty

KEYS = 100_000


def case(context):
    keys = context.count(KEYS)
    server = context.servers.enter_context(Bucket(context.scratch("bucket"), context.tool("bucket_server"), keys))
    target = context.work / "target"
    fetch = quern_commands.fetch(context, server, "s3://bench/", target)
    contestant = Contestant.of("quern fetch", fetch, context.quern, before=server.take_stats)
    if quern_commands.has_command(context, "fetch"):
        empty(target)
        empty(context.work / "state")
        subprocess.run(list(map(str, fetch)), env=clean_environment(context.work, {}), check=True, stdout=subprocess.DEVNULL)
        check_files(target, keys)
    else:
        contestant.missing = "this build has no command fetch"

    def verify():
        with open(context.work / "stdout", "rb") as file:
            count = sum(line.endswith(b".bin\n") for line in file)
        assert count == keys, f"{count:,} of {keys:,} paths were printed"
        stats = server.take_stats()
        return f"{stats['requests']:,} requests, {stats['gets']:,} of them for objects"

    contestant.verify = verify
    listing = Contestant.of("quern ls --count", quern_commands.ls(context, server, "--count"), context.quern)
    return Case(
        "fetch_unchanged", f"a fetch of {keys:,} objects that have not changed", keys * 4096, [contestant, listing],
        goals=[Goal("wall", 2, "quern ls --count"), Goal("cpu", 2, "quern ls --count")], bounds_peak=True,
    )
