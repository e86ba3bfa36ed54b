"""Runs the built program in a clean environment and keeps everything that it said and used."""

import contextlib
import dataclasses
import json
import os
import pathlib
import pty
import re
import shlex
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SANITIZER_FINDING = re.compile(r"ERROR: (Address|Leak|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error: ")
PASSED_THROUGH = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")


def build_directory():
    """QUERN_BUILD, else the newest build that has the program."""
    if chosen := os.environ.get("QUERN_BUILD"):
        return pathlib.Path(chosen).resolve()
    built = [ROOT / name for name in ("build", "build-check/release", "build-check/asan")]
    built = [directory for directory in built if (directory / "src/cli/quern").exists()]
    if not built:
        raise RuntimeError("quern is not built: run 'make build', or set QUERN_BUILD to a build directory")
    return max(built, key=lambda directory: (directory / "src/cli/quern").stat().st_mtime)


@dataclasses.dataclass
class Result:
    """A finished run. `status` is the exit status, negative for a signal."""

    arguments: list[str]
    status: int
    stdout_bytes: bytes
    stderr_bytes: bytes
    seconds: float
    cpu_seconds: float  # of the program and its workers
    peak_bytes: int | None  # of its largest process; only with measure=True

    @property
    def stdout(self):
        return self.stdout_bytes.decode("utf-8", "replace")

    @property
    def stderr(self):
        return self.stderr_bytes.decode("utf-8", "replace")

    @property
    def lines(self):
        return self.stdout.splitlines()

    @property
    def json_lines(self):
        return [json.loads(line) for line in self.lines]

    @property
    def summary(self):
        """The last object that --json printed."""
        last = self.json_lines[-1]
        assert last["type"] == "summary", self.explain("the last line of --json is no summary")
        return last

    def explain(self, what):
        return (
            f"{what}\n$ quern {shlex.join(self.arguments)}\nexit status {self.status} after {self.seconds:.2f} s\n"
            f"-- standard output\n{self.stdout[-4000:]}\n-- standard error\n{self.stderr[-8000:]}"
        )

    def expect(self, status, *in_stderr):
        """Asserts the exit status and that standard error has these texts; gives itself."""
        assert self.status == status, self.explain(f"the exit status should be {status}")
        for text in in_stderr:
            assert text in self.stderr, self.explain(f"standard error should have {text!r}")
        return self


class Running:
    """A run that has not ended. `stdout` and `stderr` grow while it runs."""

    def __init__(self, program, arguments, env, cwd, stdin, terminal, usage_file, under):
        self.arguments = arguments
        self._usage_file = usage_file
        # A child of this process would count our own peak memory as its own: time(1) is small and starts it instead.
        measuring = ["/usr/bin/time", "--quiet", "--format", "%M", "--output", usage_file, "--"] if usage_file else []
        self._started = time.monotonic()
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        self._exit = None
        error_read, error_write = pty.openpty() if terminal else os.pipe()
        output_read, output_write = os.pipe()
        self._process = subprocess.Popen(
            [*measuring, *under, program, *arguments], env=env, cwd=cwd, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=output_write, stderr=error_write, start_new_session=True,
        )
        os.close(output_write)
        os.close(error_write)
        self._threads = [
            threading.Thread(target=self._read, args=("stdout", output_read), daemon=True),
            threading.Thread(target=self._read, args=("stderr", error_read), daemon=True),
            threading.Thread(target=self._wait, daemon=True),
        ]
        if stdin is not None:
            self._threads.append(threading.Thread(target=self._feed, args=(stdin,), daemon=True))
        for thread in self._threads:
            thread.start()

    @property
    def pid(self):
        return self._process.pid

    @property
    def stdout(self):
        return self._output["stdout"].decode("utf-8", "replace")

    @property
    def stderr(self):
        return self._output["stderr"].decode("utf-8", "replace")

    @property
    def is_running(self):
        return self._exit is None

    def _read(self, name, descriptor):
        with contextlib.suppress(OSError):  # a terminal whose other end is closed gives EIO
            while data := os.read(descriptor, 65536):
                self._output[name] += data
        os.close(descriptor)

    def _feed(self, data):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(data)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def _wait(self):
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._exit = (time.monotonic() - self._started, usage)

    def threads(self):
        """The names of its threads."""
        return [name.read_text().strip() for name in pathlib.Path(f"/proc/{self._process.pid}/task").glob("*/comm")]

    def send(self, number):
        """Sends a signal to the program alone, as a scheduler would."""
        os.kill(self._process.pid, number)

    def kill(self):
        """kill -9 of the program; its workers must notice by themselves."""
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGKILL)

    def kill_group(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait_until(self, condition, timeout=30):
        """Waits until `condition()` holds; fails when the program ends or the time is over before."""
        end = time.monotonic() + timeout
        while not condition():
            assert self.is_running, f"quern ended too early\n{self.stderr}"
            assert time.monotonic() < end, f"nothing after {timeout} s\n{self.stderr}"
            time.sleep(0.005)

    def wait(self, timeout=60):
        """Waits for the end; past the timeout the run is killed and the test fails. A sanitizer's finding fails it too."""
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            self.kill_group()
            for thread in self._threads:
                thread.join(5)
            raise AssertionError(self._result().explain(f"still running, or its output still open, after {timeout} s"))
        result = self._result()
        assert not SANITIZER_FINDING.search(result.stderr), result.explain("a sanitizer found something")
        return result

    def _result(self):
        seconds, usage = self._exit or (time.monotonic() - self._started, None)
        return Result(
            self.arguments, self._process.returncode if self._exit else -9, bytes(self._output["stdout"]),
            bytes(self._output["stderr"]), seconds, usage.ru_utime + usage.ru_stime if usage else 0.0,
            int(self._usage_file.read_text().split()[-1]) * 1024 if self._usage_file and self._exit else None,
        )


class Program:
    """Calls quern. The environment is empty but for PATH, a locale, and homes inside `directory`."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.build = build_directory()
        self.path = self.build / "src/cli/quern"
        if not self.path.exists():
            raise RuntimeError(f"'{self.path}' is not built: run 'make build', or set QUERN_BUILD")
        self.env: dict[str, str] = {}  # a test may add what all its runs shall have
        self._running: list[Running] = []
        for name in ("home", "tmp"):
            (self.directory / name).mkdir(exist_ok=True)

    @property
    def sanitized(self):
        """Whether this build carries sanitizers, whose memory and time mean nothing."""
        return b"__asan_init" in self.path.read_bytes()

    def environment(self, extra=None):
        home = self.directory / "home"
        clean = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_STATE_HOME": str(home / ".local/state"),
            "TMPDIR": str(self.directory / "tmp"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        clean |= {name: os.environ[name] for name in PASSED_THROUGH if name in os.environ}
        return clean | self.env | {name: str(value) for name, value in (extra or {}).items()}

    def start(self, *arguments, env=None, cwd=None, stdin=None, terminal=False, measure=False, under=()):
        """Starts it and comes back at once. `stdin` is bytes; `terminal` makes standard error a terminal; `under` is a command that
        becomes it, such as prlimit; with `measure` the result has peak_bytes (and signals sent meanwhile reach time(1), not quern)."""
        words = [os.fspath(argument) if isinstance(argument, os.PathLike) else str(argument) for argument in arguments]
        usage_file = self.directory / f"usage-{len(self._running)}" if measure else None
        running = Running(str(self.path), words, self.environment(env), cwd or self.directory, stdin, terminal, usage_file, under)
        self._running.append(running)
        return running

    def __call__(self, *arguments, timeout=60, **options):
        """Runs it to its end, whatever its exit status."""
        return self.start(*arguments, **options).wait(timeout)

    def ok(self, *arguments, **options):
        """Runs it and asserts exit status 0."""
        return self(*arguments, **options).expect(0)

    def stop_all(self):
        for running in self._running:
            running.kill_group()
