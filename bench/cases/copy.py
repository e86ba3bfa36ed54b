"""Copies within one endpoint: 50,000 small objects with metadata from bucket to bucket, 64 at once; versitygw costs more than its clients do."""

import json
import shutil
import subprocess

import peer_commands
from harness import CACHE, Case, Contestant, Goal, RunFailed, clean_environment, empty
from servers import ACCESS_KEY, REGION, SECRET_KEY, Versitygw

OBJECT_BYTES = 64
OBJECTS = 50_000
A_FOLDER = 1000
AT_ONCE = "64"
STAMP = "2024-01-01T00:00:00Z"


def write_files(directory, count):
    """The content of each object by its key."""
    contents = {}
    for number in range(count):
        key = f"GDL/{number // A_FOLDER:03d}/{number:06d}.jsonl.bz2"
        contents[key] = f"{number:0{OBJECT_BYTES}d}".encode()
        (directory / key).parent.mkdir(parents=True, exist_ok=True)
        (directory / key).write_bytes(contents[key])
    return contents


class Buckets:
    """A server with the bucket "source", and "target" to be filled."""

    def __init__(self, context, count):
        self.context = context
        self.contents = write_files(context.scratch("files"), count)
        self.server = context.servers.enter_context(Versitygw(context.scratch("versitygw")))
        self.env = self.server.env | {"RCLONE_S3_ACCESS_KEY_ID": ACCESS_KEY, "RCLONE_S3_SECRET_ACCESS_KEY": SECRET_KEY}
        for bucket in ("source", "target"):
            empty(self.server.directory / "data" / bucket)
        self.rclone("copy", "--metadata", "--metadata-set", f"impresso-last-ts={STAMP}", "--transfers", AT_ONCE,
                    context.scratch("files"), ":s3:source")

    def rclone(self, *arguments):
        """Makes and looks; nothing of this is timed."""
        command = peer_commands.rclone(self.context, self.server, *arguments).command
        if not command:
            raise RunFailed(f"'{CACHE / 'bin' / 'rclone'}' makes the objects, and is not there: see bench/README.md")
        done = subprocess.run(list(map(str, command)), env=clean_environment(self.context.work, self.env), check=True,
                              capture_output=True, text=True)
        return done.stdout

    def empty_target(self):
        for kind in ("data", "sidecar"):
            shutil.rmtree(self.server.directory / kind / "target", ignore_errors=True)
        empty(self.server.directory / "data" / "target")
        empty(self.context.work / "state")

    def verify_content(self):
        """The name of the last folder."""
        target = self.server.directory / "data" / "target"
        found = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*.bz2")}
        assert found == self.contents, f"{len(found)} of {len(self.contents)} objects are there, or another content"
        return max(found).rsplit("/", 1)[0]

    def lost_metadata(self):
        """How many of the last folder's objects are without the stamp; all content is compared."""
        listed = json.loads(self.rclone("lsjson", "--metadata", f":s3:target/{self.verify_content()}"))
        return sum(entry["Metadata"].get("impresso-last-ts") != STAMP for entry in listed)

    def verify(self):
        assert (lost := self.lost_metadata()) == 0, f"{lost} objects of the last folder have lost their metadata"

    def verify_and_note(self):
        return f"{lost} objects of the last folder have lost their metadata" if (lost := self.lost_metadata()) else ""


def case(context):
    count = context.count(OBJECTS)
    buckets = Buckets(context, count)
    server = buckets.server
    common = {"env": buckets.env, "before": buckets.empty_target}
    ours = [context.quern, "copy", "s3://source/", "s3://target/", "--workers", AT_ONCE, "--quiet", "--region", REGION,
            "--state-dir", context.work / "state"]
    return Case(
        "copy", f"{count:,} objects of {OBJECT_BYTES} bytes with metadata within versitygw, {AT_ONCE} at once", count * OBJECT_BYTES,
        [
            Contestant.of("quern", ours, context.quern, is_ours=True, verify=buckets.verify, **common),
            peer_commands.rclone(context, server, "copy", "--metadata", "--transfers", AT_ONCE, "--checkers", AT_ONCE,
                                 ":s3:source", ":s3:target", runs_max=peer_commands.MINUTES, verify=buckets.verify, **common),
            peer_commands.s5cmd(context, server, "--numworkers", AT_ONCE, "cp", "s3://source/*", "s3://target/",
                                runs_max=peer_commands.MINUTES, verify=buckets.verify_and_note, **common),
        ],
        goals=[Goal("wall", 1, "rclone 1.75.1"), Goal("cpu", 1 / 3, "rclone 1.75.1"), Goal("cpu", 1 / 3, "s5cmd 2.3.0")],
        bounds_peak=True,
    )
