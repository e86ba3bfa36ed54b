"""A fetch while 5 % of the requests fail at random: 500, 503, no answer, half an answer. Every object must be right, and little asked twice."""

import peer_commands
import quern_commands
from bucket import Bucket, check_files
from harness import Case, Contestant, empty

KEYS = 20_000
PAGE_KEYS = 1000
FAIL_PERCENT = 5
SEED = 4
SENT_MAX = 1.10


def case(context):
    keys = context.count(KEYS)
    needed = keys + -(-keys // PAGE_KEYS)
    server = context.servers.enter_context(
        Bucket(context.scratch("bucket"), context.tool("bucket_server"), keys, fail_percent=FAIL_PERCENT, seed=SEED))
    target = context.work / "target"

    def before():
        empty(target)
        empty(context.work / "state")
        server.take_stats()

    def verify(bound=None):
        check_files(target, keys)
        stats = server.take_stats()
        share = stats["requests"] / needed
        note = f"every object right; {stats['requests']:,} requests, {stats['failed']:,} failed, {needed:,} needed: {share:.3f}"
        assert bound is None or share <= bound, f"{note}, more than {bound:.2f}"
        return note

    common = {"before": before, "verify": verify}
    ours = common | {"verify": lambda: verify(SENT_MAX)}
    ingest = Contestant.of("quern ingest", quern_commands.ingest(context, server, "s3://bench/", target), context.quern,
                           is_ours=True, **ours)
    fetch = Contestant.of("quern fetch", quern_commands.fetch(context, server, "s3://bench/", target), context.quern, is_ours=True,
                          **ours)
    return Case(
        "faults", f"{keys:,} objects of 4 KiB, {FAIL_PERCENT} % of requests fail (seed {SEED})", keys * 4096,
        [
            *([fetch, ingest] if quern_commands.has_command(context, "fetch") else [ingest]),
            peer_commands.s5cmd(context, server, "cp", "s3://bench/*", f"{target}/", runs_max=1, **common),
        ],
        bounds_peak=True,
    )
