"""Copies within one endpoint: 50,000 small objects with metadata from bucket to bucket, 64 at once; versitygw costs more than its clients do."""

import peer_commands
from copy_buckets import AT_ONCE, OBJECT_BYTES, Buckets
from harness import Case, Contestant, Goal

OBJECTS = 50_000


def case(context):
    count = context.count(OBJECTS)
    buckets = Buckets(context, count)
    common = {"env": buckets.env, "before": buckets.empty_target}
    return Case(
        "copy", f"{count:,} objects of {OBJECT_BYTES} bytes with metadata within versitygw, {AT_ONCE} at once", count * OBJECT_BYTES,
        [
            Contestant.of("quern", buckets.ours(), context.quern, is_ours=True, verify=buckets.verify, **common),
            buckets.theirs(verify=buckets.verify, **common),
            peer_commands.s5cmd(context, buckets.server, "--numworkers", AT_ONCE, "cp", "s3://source/*", "s3://target/",
                                runs_max=peer_commands.MINUTES, verify=buckets.verify_and_note, **common),
        ],
        goals=[Goal("wall", 1, "rclone 1.75.1"), Goal("cpu", 1 / 3, "rclone 1.75.1"), Goal("cpu", 1 / 3, "s5cmd 2.3.0")],
        bounds_peak=True,
    )
