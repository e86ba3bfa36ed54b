"""`quern fetch` of 100,000 keys that are here already, against the listing of the same keys, which it cannot do without.

From a server that takes 20 ms a page, as a real one does, and from one that answers at once, where the looking at each file shows. The
warm-up round fetches what must be here."""

import peer_commands
import quern_commands
from bucket import OBJECT_BYTES, Bucket, check_files
from harness import Case, Contestant, Goal

KEYS = 100_000
DELAY_MS = 20


def case(context):
    keys = context.count(KEYS)
    slow, fast = (
        context.servers.enter_context(Bucket(context.scratch(name), context.tool("bucket_server"), keys, delay_ms))
        for name, delay_ms in (("slow", DELAY_MS), ("fast", 0)))
    has_fetch = quern_commands.has_command(context, "fetch")

    def requests(server):
        stats = server.take_stats()
        return f"{stats['requests']:,} requests, {stats['gets']:,} of them for objects"

    def fetch(name, server, target):
        def verify():
            with open(context.work / "stdout", "rb") as file:
                count = sum(line.endswith(b".bin\n") for line in file)
            assert count == keys, f"{count:,} of {keys:,} paths were printed"
            check_files(target, keys)
            return requests(server)

        contestant = Contestant.of(name, quern_commands.fetch(context, server, "s3://bench/", target), context.quern,
                                   before=server.take_stats, verify=verify, is_ours=True)
        contestant.missing = contestant.missing or (None if has_fetch else "this build has no command fetch")
        return contestant

    def listing(name, server):
        return Contestant.of(name, quern_commands.ls(context, server, "--count"), context.quern, is_ours=True)

    theirs = context.scratch("theirs")
    return Case(
        "fetch_unchanged", f"a fetch of {keys:,} objects that have not changed, 20 ms a page", keys * OBJECT_BYTES,
        [
            fetch("quern fetch", slow, context.scratch("of slow")),
            listing("quern ls --count", slow),
            peer_commands.s5cmd(context, slow, "sync", "s3://bench/*", f"{theirs}/", name="s5cmd 2.3.0 sync",
                                before=slow.take_stats, verify=lambda: requests(slow)),
            fetch("quern fetch at once", fast, context.scratch("of fast")),
            listing("quern ls at once", fast),
        ],
        goals=[Goal("wall", 1.25, "quern ls --count"), Goal("wall", 1)], bounds_peak=True,
    )
