"""The listing of a large prefix, key by key to standard output, at two speeds of the server."""

import hashlib
import subprocess

import peer_commands
import quern_commands
from bucket import Bucket
from harness import Case, Contestant, Goal

KEYS = 1_000_000
PAGE_KEYS = 1000
MORE = 3


def key_lines(path):
    """The last word of each line, which is the key in all these programs, hashed; how many there are."""
    digest, count = hashlib.sha256(), 0
    with open(path, "rb") as file:
        for line in file:
            digest.update(line[line.rindex(b"data/") :])
            count += 1
    return digest.hexdigest(), count


def case(context, name, delay_ms, goals):
    keys = context.count(KEYS)
    program = context.tool("bucket_server")
    server = context.servers.enter_context(Bucket(context.scratch("bucket"), program, keys, delay_ms))
    more = context.servers.enter_context(Bucket(context.scratch("more"), program, keys * MORE, delay_ms))
    wanted = hashlib.sha256(subprocess.run([program, "keys", str(keys)], check=True, stdout=subprocess.PIPE).stdout).hexdigest()

    def verify():
        found, count = key_lines(context.work / "stdout")
        assert count == keys and found == wanted, f"{count:,} lines of {keys:,}, or not in order"
        stats = server.take_stats()
        return f"{stats['requests']:,} requests for {-(-keys // PAGE_KEYS):,} pages"

    def verify_unordered():
        count = key_lines(context.work / "stdout")[1]
        assert count == keys, f"{count:,} lines of {keys:,}"
        return f"{server.take_stats()['requests']:,} requests"

    of_more = f"quern ls of {MORE} times as many"
    common = {"before": server.take_stats, "verify": verify}
    ours = quern_commands.ls
    delay = f", {delay_ms} ms added to each page" if delay_ms else ""
    rclone = ("--disable", "ListR", "--checkers", "64", "--fast-list=false", "lsf", "-R", "--files-only", ":s3:bench")
    return Case(
        name, f"a listing of {keys:,} keys{delay}", keys * len("data/0000/00000000-00000000.bin\n"),
        [
            Contestant.of("quern ls", ours(context, server), context.quern, **common),
            Contestant.of("quern ls --count", ours(context, server, "--count"), context.quern, is_ours=True),
            Contestant.of(of_more, ours(context, more), context.quern, is_ours=True),
            peer_commands.s5cmd(context, server, "ls", "s3://bench/*", runs_max=1, **common),
            peer_commands.rclone(context, server, "lsf", "-R", "--files-only", ":s3:bench", runs_max=1, **common),
            peer_commands.rclone(context, server, *rclone, name="rclone by 64 folders", runs_max=1, before=server.take_stats,
                                 verify=verify_unordered),
            peer_commands.aws(context, server, "s3", "ls", "--recursive", "s3://bench/", **common),
            peer_commands.boto3(context, "boto3_list.py", server.url, "bench", **common),
        ],
        # Constant memory; few keys end before the pages kept to put them in order have reached their bound.
        goals=[Goal("wall", 1), *goals, *([Goal("peak", 1.1, "quern ls", of_more)] if context.scale >= 1 else [])],
        bounds_peak=True,
    )
