"""Runs contestants by turns and says what each run cost.

A case is a module of cases/ with `def case(context) -> Case`. A Case has contestants, ours first; each is one command that does
the whole work, or a missing reason. All run in the same session, interleaved (a b c, a b c, ...), after one warm-up
round, so that a busy minute of the machine meets all of them.

Wall time is the command's, CPU time its own and its children's, peak memory that of its largest process. A command that has
to prepare (imports, test data) prints as its last line {"seconds": .., "cpu_seconds": ..} for the work alone.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(
    os.environ.get("QUERN_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "quern"
)
RUN_SECONDS = 1800  # a bound for what hangs
MEMORY_SCRATCH_BYTES = 4 << 30


@dataclasses.dataclass
class Contestant:
    name: str
    command: list | None = None
    missing: str | None = None  # why it cannot run; then it has no ratio
    env: dict = dataclasses.field(default_factory=dict)
    before: Callable[[], None] = lambda: None  # each run, not timed
    verify: Callable[[], None] = lambda: None  # each run, not timed; raises when the work was not done
    runs_max: int | None = None  # for what takes minutes

    @staticmethod
    def of(name, command, program, **fields):
        """The contestant, missing if its program is."""
        found = shutil.which(str(program), path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        return Contestant(name, command if found else None, None if found else f"'{program}' is not there", **fields)


@dataclasses.dataclass
class Case:
    name: str
    what: str  # one line: what is done to how much
    size_bytes: int  # the work's bytes, for the rate
    contestants: list[Contestant]
    close: Callable[[], None] = lambda: None


@dataclasses.dataclass
class Run:
    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclasses.dataclass
class Context:
    """What a case gets: a scratch directory, the build under test, the scale (1: the full size)."""

    work: pathlib.Path
    build: pathlib.Path
    scale: float
    servers: contextlib.ExitStack

    def count(self, full):
        return max(1, round(full * self.scale))

    def scratch(self, name):
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def quern(self):
        return self.build / "src/cli/quern"

    def venv(self, name):
        return CACHE / "venv" / name / "bin" / "python"


class RunFailed(Exception):
    pass


def empty(directory):
    """An empty directory of this path; what was there is removed."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)


def clean_environment(work, extra):
    home = work / "home"
    home.mkdir(exist_ok=True)
    base = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC", "TMPDIR": str(work)}
    return base | {name: str(value) for name, value in extra.items()}


def measure(contestant, work):
    """One run. time(1) starts the command: a child of this large process would inherit its peak memory."""
    contestant.before()
    usage_file = work / "usage"
    command = ["/usr/bin/time", "--quiet", "--format", "%e %U %S %M", "--output", usage_file, "--", *contestant.command]
    with open(work / "stdout", "w+b") as stdout, open(work / "stderr", "w+b") as stderr:
        started = time.monotonic()
        process = subprocess.Popen(
            list(map(str, command)), cwd=work, env=clean_environment(work, contestant.env), stdin=subprocess.DEVNULL,
            stdout=stdout, stderr=stderr, start_new_session=True,
        )
        try:
            status = process.wait(RUN_SECONDS)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise RunFailed(f"still running after {RUN_SECONDS} s") from None
            raise
        seconds = time.monotonic() - started
    output = (work / "stdout").read_text(errors="replace").strip().splitlines()
    if status != 0:
        raise RunFailed(f"exit status {status}: {(work / 'stderr').read_text(errors='replace').strip()[-2000:]}")
    contestant.verify()
    _, user, system, peak = usage_file.read_text().split()[-4:]
    run = Run(seconds, float(user) + float(system), int(peak) * 1024)
    with contextlib.suppress(IndexError, ValueError, KeyError, TypeError):
        own = json.loads(output[-1])
        run.seconds, run.cpu_seconds = float(own["seconds"]), float(own["cpu_seconds"])
    return run


def run_case(case, runs, work):
    """{contestant's name: its runs}; one that fails becomes missing with the reason."""
    results = {contestant.name: [] for contestant in case.contestants}
    for turn in range(-1, runs):  # turn -1 warms up
        for contestant in case.contestants:
            enough = contestant.runs_max is not None and turn >= contestant.runs_max
            if contestant.missing or enough or (turn < 0 and contestant.runs_max is not None):
                continue
            try:
                run = measure(contestant, work)
            except (RunFailed, AssertionError, OSError) as error:
                contestant.missing = f"failed: {error}"
                continue
            if turn >= 0:
                results[contestant.name].append(run)
    return results


def table(case, results):
    """The lines for people: best and median wall time, least CPU time, largest peak, and the ratios ours / peer."""
    ours = results[case.contestants[0].name] if not case.contestants[0].missing else []
    lines = [f"{case.name}: {case.what}, {case.size_bytes / 1e6:,.1f} MB"]
    lines.append(f"  {'':24}{'best':>10}{'median':>10}{'MB/s':>9}{'CPU':>10}{'peak':>10}{'runs':>6}{'wall, CPU: ours/peer':>24}")
    for contestant in case.contestants:
        measured = results[contestant.name]
        if contestant.missing or not measured:
            lines.append(f"  {contestant.name:24}missing: {contestant.missing}")
            continue
        best = min(run.seconds for run in measured)
        cpu = min(run.cpu_seconds for run in measured)
        line = (
            f"  {contestant.name:24}{best:>8.3f} s{statistics.median(run.seconds for run in measured):>8.3f} s"
            f"{case.size_bytes / 1e6 / best:>9.1f}{cpu:>8.3f} s{max(run.peak_bytes for run in measured) / 2**20:>6.0f} MiB"
            f"{len(measured):>6}"
        )
        if ours and contestant is not case.contestants[0]:
            wall_ratio = min(run.seconds for run in ours) / best
            cpu_ratio = min(run.cpu_seconds for run in ours) / cpu if cpu else float("nan")
            line += f"{f'{wall_ratio:.3f}, {cpu_ratio:.3f}':>24}"
        lines.append(line)
    return lines


def machine():
    """What the figures depend on."""
    model = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "memory_bytes": memory, "kernel": os.uname().release,
            "load": os.getloadavg()[0]}


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, text=True, capture_output=True)
    return done.stdout.strip() or "unknown"


def new_work_directory(parent):
    """Scratch in memory where there is room: making a file on a disk can cost ten times what its client costs."""
    memory = pathlib.Path("/dev/shm")
    if not parent and memory.is_dir() and shutil.disk_usage(memory).free >= MEMORY_SCRATCH_BYTES:
        parent = memory
    return pathlib.Path(tempfile.mkdtemp(prefix="quern-bench-", dir=parent))
