"""`quern fetch` of 100,000 keys that are here already, against the listing of the same keys, which it cannot do without.

The warm-up round fetches them."""

import peer_commands
import quern_commands
from bucket import OBJECT_BYTES, Bucket, check_files
from harness import Case, Contestant, Goal

KEYS = 100_000


def case(context):
    keys = context.count(KEYS)
    server = context.servers.enter_context(Bucket(context.scratch("bucket"), context.tool("bucket_server"), keys))
    ours, theirs = context.scratch("ours"), context.scratch("theirs")

    def requests():
        stats = server.take_stats()
        return f"{stats['requests']:,} requests, {stats['gets']:,} of them for objects"

    def verify():
        with open(context.work / "stdout", "rb") as file:
            count = sum(line.endswith(b".bin\n") for line in file)
        assert count == keys, f"{count:,} of {keys:,} paths were printed"
        check_files(ours, keys)
        return requests()

    fetch = Contestant.of("quern fetch", quern_commands.fetch(context, server, "s3://bench/", ours), context.quern,
                          before=server.take_stats, verify=verify)
    if not quern_commands.has_command(context, "fetch"):
        fetch.missing = "this build has no command fetch"
    listing = "quern ls --count"
    return Case(
        "fetch_unchanged", f"a fetch of {keys:,} objects that have not changed", keys * OBJECT_BYTES,
        [
            fetch,
            Contestant.of(listing, quern_commands.ls(context, server, "--count"), context.quern, is_ours=True),
            peer_commands.s5cmd(context, server, "sync", "s3://bench/*", f"{theirs}/", name="s5cmd 2.3.0 sync",
                                before=server.take_stats, verify=requests),
        ],
        goals=[Goal("cpu", 2, listing), Goal("wall", 2, listing), Goal("wall", 1)], bounds_peak=True,
    )
