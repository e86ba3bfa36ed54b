"""Buckets of small objects with metadata, for cases that copy within one endpoint."""

import json
import shutil
import subprocess

import peer_commands
from harness import CACHE, RunFailed, clean_environment, empty
from servers import ACCESS_KEY, SECRET_KEY, Versitygw

OBJECT_BYTES = 64
A_FOLDER = 1000
AT_ONCE = "64"
STAMP = "2024-01-01T00:00:00Z"
KINDS = ("data", "sidecar")  # of what versitygw keeps of a bucket


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
        self.empty_target()
        self.fill("source", "--metadata-set", f"impresso-last-ts={STAMP}")

    def fill(self, bucket, *flags):
        """The objects, each with its mtime and what `flags` add."""
        empty(self.server.directory / "data" / bucket)
        self.rclone("copy", "--metadata", *flags, "--transfers", AT_ONCE, self.context.scratch("files"), f":s3:{bucket}")

    def rclone(self, *arguments):
        """Makes and looks; nothing of this is timed."""
        command = peer_commands.rclone(self.context, self.server, *arguments).command
        if not command:
            raise RunFailed(f"'{CACHE / 'bin' / 'rclone'}' makes the objects, and is not there: see bench/README.md")
        done = subprocess.run(list(map(str, command)), env=clean_environment(self.context.work, self.env), check=True,
                              capture_output=True, text=True)
        return done.stdout

    def empty_target(self):
        for kind in KINDS:
            shutil.rmtree(self.server.directory / kind / "target", ignore_errors=True)
        empty(self.server.directory / "data" / "target")
        empty(self.context.work / "state")

    def target_as(self, bucket):
        """The target is what this bucket is, metadata included."""
        self.empty_target()
        for kind in KINDS:
            if (self.server.directory / kind / bucket).exists():
                place = self.server.directory / kind
                subprocess.run(["cp", "-a", "--no-target-directory", place / bucket, place / "target"], check=True)

    def ours(self, *flags):
        return [self.context.quern, "copy", "s3://source/", "s3://target/", "--workers", AT_ONCE, "--quiet", "--state-dir",
                self.context.work / "state", *flags]

    def theirs(self, *flags, **fields):
        """rclone's, at the same concurrency."""
        return peer_commands.rclone(self.context, self.server, "copy", "--metadata", "--transfers", AT_ONCE, "--checkers", AT_ONCE,
                                    *flags, ":s3:source", ":s3:target", runs_max=peer_commands.MINUTES, **fields)

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
