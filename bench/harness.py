"""Runs contestants by turns and says what each run cost.

A case is a module of cases/ with `def case(context) -> Case`. A Case has contestants, ours first; each is one command that does
the whole work, or a missing reason. All run in the same session, interleaved (a b c, a b c, ...), after one warm-up
round, so that a busy minute of the machine meets all of them.

Wall time is the command's, CPU time its own and its children's, peak memory that of its largest process. A command that has
to prepare (imports, test data) prints as its last line {"seconds": .., "cpu_seconds": ..} for the work alone. What `verify` returns
is shown behind the contestant's last run. A Case may have goals: each is a ratio of ours to a peer's in the same run, and is printed as met or not.
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
import threading
import time
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(
    os.environ.get("QUERN_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "quern"
)
RUN_SECONDS = 1800  # a bound for what hangs
MEMORY_SCRATCH_BYTES = 4 << 30
LAST_LINE_BYTES = 4096
PEAK_MAX_BYTES = 150_000_000  # of ours, where a case bounds it


@dataclasses.dataclass
class Contestant:
    name: str
    command: list | None = None
    missing: str | None = None  # why it cannot run; then it has no ratio
    env: dict = dataclasses.field(default_factory=dict)
    before: Callable[[], None] = lambda: None  # each run, not timed
    verify: Callable[[], str | None] = lambda: None  # each run, not timed; raises when the work was not done; a note
    stdin: pathlib.Path | None = None
    runs_max: int | None = None  # for what takes minutes
    statuses: tuple = (0,)  # exit statuses that are good: 1 where some documents cannot be read, which verify counts
    is_ours: bool = False  # another way of ours, no peer

    @staticmethod
    def of(name, command, program, **fields):
        """The contestant, missing if its program is."""
        found = shutil.which(str(program), path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        return Contestant(name, command if found else None, None if found else f"'{program}' is not there", **fields)


@dataclasses.dataclass
class Goal:
    """`measure` of ours (the first contestant, or the one named) is at most this share of what `peer` has, or of the best of all peers."""

    measure: str  # wall, cpu, peak
    at_most: float
    peer: str | None = None
    ours: str | None = None


@dataclasses.dataclass
class Case:
    name: str
    what: str  # one line: what is done to how much
    size_bytes: int  # the work's bytes, for the rate
    contestants: list[Contestant]
    goals: list[Goal] = dataclasses.field(default_factory=list)
    bounds_peak: bool = False  # ours must stay below PEAK_MAX_BYTES
    objects: int = 0  # for ...
    cpu_each_us: float = 0  # ... this: at most so much of our CPU time an object


@dataclasses.dataclass
class Run:
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    note: str = ""


MEASURES = {"wall": lambda run: run.seconds, "cpu": lambda run: run.cpu_seconds, "peak": lambda run: run.peak_bytes}


def measured(runs, measure):
    """The least of the runs; of memory the most."""
    return (max if measure == "peak" else min)(map(MEASURES[measure], runs))


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

    def tool(self, name):
        """A program of bench/ itself."""
        return self.build / "bench" / name

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


def last_line(path):
    with open(path, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_LINE_BYTES))
        return (file.read().decode(errors="replace").strip().splitlines() or [""])[-1]


def measure(contestant, work):
    """One run. time(1) starts the command: a child of this large process would inherit its peak memory."""
    contestant.before()
    usage_file = work / "usage"
    command = ["/usr/bin/time", "--quiet", "--format", "%e %U %S %M", "--output", usage_file, "--", *contestant.command]
    with (open(contestant.stdin or os.devnull, "rb") as stdin, open(work / "stdout", "w+b") as stdout,
          open(work / "stderr", "w+b") as stderr):
        started = time.monotonic()
        process = subprocess.Popen(
            list(map(str, command)), cwd=work, env=clean_environment(work, contestant.env), stdin=stdin,
            stdout=stdout, stderr=stderr, start_new_session=True,
        )
        # Not process.wait(RUN_SECONDS), which looks only every 50 ms.
        watchdog = threading.Timer(RUN_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        watchdog.start()
        try:
            status = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            watchdog.cancel()
        seconds = time.monotonic() - started
    if status == -signal.SIGKILL and seconds >= RUN_SECONDS:
        raise RunFailed(f"still running after {RUN_SECONDS} s")
    if status not in contestant.statuses:
        raise RunFailed(f"exit status {status}: {(work / 'stderr').read_text(errors='replace').strip()[-2000:]}")
    note = contestant.verify() or ""
    _, user, system, peak = usage_file.read_text().split()[-4:]
    run = Run(seconds, float(user) + float(system), int(peak) * 1024, note)
    with contextlib.suppress(ValueError, KeyError, TypeError):
        own = json.loads(last_line(work / "stdout"))
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
        runs = results[contestant.name]
        if contestant.missing or not runs:
            lines.append(f"  {contestant.name:24}missing: {contestant.missing or 'no run'}")
            continue
        best, cpu = measured(runs, "wall"), measured(runs, "cpu")
        line = (
            f"  {contestant.name:24}{best:>8.3f} s{statistics.median(run.seconds for run in runs):>8.3f} s"
            f"{case.size_bytes / 1e6 / best:>9.1f}{cpu:>8.3f} s{measured(runs, 'peak') / 2**20:>6.0f} MiB{len(runs):>6}"
        )
        if ours and runs is not ours:
            ratios = f"{measured(ours, 'wall') / best:.3f}, {measured(ours, 'cpu') / cpu if cpu else float('nan'):.3f}"
            line += f"{ratios:>24}"
        lines.append(line)
        if runs[-1].note:
            lines.append(f"  {'':24}{runs[-1].note}")
    return lines + ([f"  goal: {line}" for line in judged(case, ours, results)] if ours else [])


def judged(case, ours, results):
    """A line for each goal."""
    for goal in case.goals:
        runs = results.get(goal.ours) if goal.ours else ours
        name, ratio = worst_ratio(goal, case, runs, results) if runs else (None, 0)
        wanted = f"{goal.measure} {f'of {goal.ours} ' if goal.ours else ''}at most {goal.at_most:.3g} of {name or goal.peer or 'any peer'}"
        yield f"{wanted}: {verdict(ratio <= goal.at_most)}, {ratio:.3f}" if name else f"{wanted}: not judged, it did not run"
    if case.cpu_each_us:
        each = measured(ours, "cpu") / case.objects * 1e6
        yield f"CPU time an object at most {case.cpu_each_us:g} us: {verdict(each <= case.cpu_each_us)}, {each:.1f} us"
    if case.bounds_peak:
        peak = measured(ours, "peak")
        yield f"peak memory below {PEAK_MAX_BYTES / 1e6:.0f} MB: {verdict(peak < PEAK_MAX_BYTES)}, {peak / 1e6:.1f} MB"


def verdict(met):
    return "met" if met else "NOT MET"


def worst_ratio(goal, case, ours, results):
    """The peer that comes closest, and ours / peer; (None, 0) when none of those meant has run."""
    names = [goal.peer] if goal.peer else [one.name for one in case.contestants[1:] if not one.is_ours]
    ratios = [(measured(ours, goal.measure) / measured(results[name], goal.measure), name) for name in names if results.get(name)]
    return max(ratios)[::-1] if ratios else (None, 0)


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
