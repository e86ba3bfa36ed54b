"""10,000 objects that are at the target already, without the metadata that the source has got since: two HEADs and a COPY onto itself each.

rclone passes them over; it can be made to copy them again. Our goal is 60 us of CPU for one HEAD and one COPY."""

from copy_buckets import AT_ONCE, OBJECT_BYTES, Buckets
from harness import Case, Contestant, Goal

OBJECTS = 10_000


def case(context):
    count = context.count(OBJECTS)
    buckets = Buckets(context, count)
    buckets.fill("before")
    common = {"env": buckets.env, "before": lambda: buckets.target_as("before"), "verify": buckets.verify}
    return Case(
        "metadata_merge", f"{count:,} objects get their source's metadata, {AT_ONCE} at once", count * OBJECT_BYTES,
        [
            Contestant.of("quern", buckets.ours(), context.quern, is_ours=True, **common),
            buckets.theirs("--ignore-times", **common),
        ],
        goals=[Goal("wall", 1), Goal("cpu", 1 / 3)],
        bounds_peak=True,
    )
