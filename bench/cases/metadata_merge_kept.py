"""The same as metadata_merge on a server that costs little: 10,000 objects that lack the metadata which their sources have, two HEADs and a COPY each.

versitygw takes both cores, and so much of the caches that the client seems to cost twice as much. Both servers keep their connections."""

import peer_commands
from bucket import BUCKET, OBJECT_BYTES, Bucket
from copy_buckets import AT_ONCE
from harness import Case, Contestant, Goal
from servers import ACCESS_KEY, SECRET_KEY

OBJECTS = 10_000
EACH_US = 60


def case(context):
    count = context.count(OBJECTS)
    server = context.servers.enter_context(Bucket(context.scratch("bucket"), context.tool("bucket_server"), count))

    def verify():
        stats = server.take_stats()
        assert stats["marked"] == count, f"{stats['marked']} of {count} objects have got the metadata"
        return f"{stats['requests'] / count:.2f} requests an object"

    env = {"AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
           "AWS_REGION": "us-east-1", "RCLONE_S3_ACCESS_KEY_ID": ACCESS_KEY, "RCLONE_S3_SECRET_ACCESS_KEY": SECRET_KEY}
    common = {"env": env, "before": server.take_stats, "verify": verify}
    ours = [context.quern, "copy", "s3://source/", f"s3://{BUCKET}/", "--workers", AT_ONCE, "--quiet", "--state-dir",
            context.work / "state"]
    return Case(
        "metadata_merge_kept", f"{count:,} objects get their source's metadata from a server that costs little, {AT_ONCE} at once", count * OBJECT_BYTES,
        [
            Contestant.of("quern", ours, context.quern, is_ours=True, **common),
            peer_commands.rclone(context, server, "copy", "--metadata", "--ignore-times", "--transfers", AT_ONCE, "--checkers", AT_ONCE,
                                 ":s3:source", f":s3:{BUCKET}", runs_max=peer_commands.MINUTES, **common),
        ],
        goals=[Goal("wall", 1), Goal("cpu", 1 / 3)], bounds_peak=True, objects=count, cpu_each_us=EACH_US,
    )
