"""A file system that is soon full."""

import contextlib
import os
import shlex
import subprocess


@contextlib.contextmanager
def small_disk(directory, size):
    """A tmpfs of `size` ("128k") on `directory`; gives the words to put before a command that is to see it. Root mounts it for all to see
    (a chroot has no user namespaces), others in a namespace of the command's own."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)]
    if os.geteuid() != 0:
        yield ("unshare", "--mount", "--map-root-user", "sh", "-c", f'{shlex.join(mount)} && exec "$0" "$@"')
        return
    subprocess.run(mount, check=True)
    try:
        yield ()
    finally:
        subprocess.run(["umount", str(directory)], check=True)
