"""quern's own command lines that several cases use."""

import subprocess

DATASET = "bench"


def has_command(context, command):
    if not context.quern.exists():
        return False
    done = subprocess.run([context.quern, command, "--help"], capture_output=True, check=False)
    return done.returncode == 0


def fetch(context, server, place, target):
    """`quern fetch`; the files are in target / DATASET."""
    return [context.quern, "fetch", place, "--anonymous", "--endpoint-url", server.url, "--destination-directory", target,
            "--dataset-id", DATASET, "--state-dir", context.work / "state"]


def ingest(context, server, place, target):
    """Only the download of `quern ingest`."""
    return [context.quern, "ingest", place, "--anonymous", "--download-only", "--download-dir", target,
            "--endpoint-url", server.url, "--state-dir", context.work / "state"]


def copy(context, server, place, target):
    """`quern copy` to a directory."""
    return [context.quern, "copy", place, target, "--anonymous", "--endpoint-url", server.url, "--state-dir", context.work / "state"]


def ls(context, server, *flags):
    return [context.quern, "ls", "s3://bench/", "--recursive", "--anonymous", "--endpoint-url", server.url, *flags]
