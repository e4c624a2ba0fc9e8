"""Measuring: processes run and their rounds, and what is said of them."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from time import monotonic_ns
from typing import NamedTuple

import house

MILLISECOND, SECOND = 1_000_000, 1_000_000_000
WORKS = Path(__file__).with_name("fixed.py")


class CannotMeasureError(Exception):
    """Something that is to be measured did not run, or did not do what it is measured for."""


class Took(NamedTuple):
    """What a run took: nanoseconds by the clock and of processor (children too).

    `user` is the processor time without that of the kernel. `parent` and `workers` are the most
    memory, in kB, that its first Python process held, and the largest of the others.
    """

    clock: int
    cpu: int
    parent: int = 0
    workers: int = 0
    said: str = ""
    user: int = 0


class Bar(NamedTuple):
    """What a figure has to reach: `value` is at most `limit`, or at least.

    `says` names a ratio; it is empty where the value is the figure of its line.
    """

    says: str
    value: float
    limit: float
    at_most: bool = True

    @property
    def reached(self) -> bool:
        return self.value <= self.limit if self.at_most else self.value >= self.limit


class Line(NamedTuple):
    """A line of the table: what was done, by whom, in rounds; in nanoseconds, or another unit.

    `bars` are empty where nothing is asked of it.
    """

    what: str
    who: str
    clock: tuple[int, ...]
    cpu: tuple[int, ...] = ()
    unit: str = "ms"
    bars: tuple[Bar, ...] = ()

    @property
    def median(self) -> float:
        return median(self.clock)


def line(what: str, who: str, rounds: Sequence[Took], unit: str = "s", *bars: Bar) -> Line:
    """The line of some rounds."""
    clock = tuple(took.clock for took in rounds)
    return Line(what, who, clock, tuple(took.cpu for took in rounds), unit, bars)


def memory(what: str, rounds: Sequence[Took], most: int) -> list[Line]:
    """What the processes of some rounds held at most, in MB: the first one, and the others."""
    made = []
    for who, peaks in (
        ("ours, parent", [one.parent for one in rounds]),
        ("ours, largest worker", [one.workers for one in rounds]),
    ):
        held = tuple(peak // 1024 for peak in peaks)
        if max(held):
            made.append(Line(what, who, held, (), "MB", (Bar("", max(held), most),)))
        what = ""
    return made


class Fixed(NamedTuple):
    """The nanoseconds of processor that each of the fixed works takes, or how many times as long as
    it something takes."""

    compute: float
    handle: float


def fixed() -> Fixed:
    """What they take now."""
    return Fixed(*(run(sys.executable, "-I", WORKS, work).cpu for work in Fixed._fields))


def run(
    *command: str | Path, environment: dict[str, str] | None = None, watch: bool = False
) -> Took:
    """Runs a program to its end.

    Args:
      watch: look at the memory of its processes as they run.

    Raises:
      CannotMeasureError: if it fails, with what it said last.
    """
    clean = {name: value for name, value in os.environ.items() if not _is_of_make(name)}
    begun = monotonic_ns()
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean | (environment or {}),
        cwd=house.HOME,
        text=True,
    )
    watcher = _Watcher(process.pid)
    if watch:
        watcher.start()
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = monotonic_ns() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if watch:
        watcher.stop()
    if process.returncode:
        last = said.strip().splitlines()[-3:]
        raise CannotMeasureError(f"{' '.join(map(str, command))}: {' / '.join(last)}")
    cpu = round((usage.ru_utime + usage.ru_stime) * SECOND)
    user = round(usage.ru_utime * SECOND)
    return Took(took, cpu, watcher.parent, watcher.workers, said, user)


def make(
    root: Path, *words: str, environment: dict[str, str] | None = None, watch: bool = False
) -> Took:
    """Runs `make` on a root, as a person does."""
    return run(*command_of_make(root, *words), environment=environment, watch=watch)


def command_of_make(root: Path, *words: str) -> list[str]:
    """The command line of `make` on a root."""
    return ["make", "-C", str(house.HOME), f"ROOT={root}", *words]


def _is_of_make(name: str) -> bool:
    """What `make bench` hands down must not reach the commands that it measures."""
    return name.startswith(("MAKE", "MFLAGS")) or name in ("ROOT", "SIZE", "PUBLISH", "PYTHONPATH")


class _Watcher(threading.Thread):
    """Reads how much memory processes held at most, thirty times a second, while they live.

    (What wait4 tells of a process counts the memory of the one that started it too.)
    """

    def __init__(self, first: int):
        super().__init__(daemon=True)
        self.first = first
        self.parent = self.workers = 0
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(0.03):
            # `make` runs a shell, that runs Python, that runs its workers.
            pythons = [pid for pid in _family(self.first) if _name(pid).startswith("python")]
            peaks = [_peak(pid) for pid in pythons]
            if peaks:
                self.parent = max(self.parent, peaks[0])
                self.workers = max(self.workers, *peaks[1:], 0)

    def stop(self) -> None:
        self._end.set()
        self.join()


def _family(pid: int) -> list[int]:
    """A process and those below it, in the order in which they were started."""
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except OSError:
        return []
    return [pid, *(one for child in below for one in _family(int(child)))]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")
    except OSError:
        return ""


def _peak(pid: int) -> int:
    """VmHWM in kB, 0 where the process has gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(one.split()[1]) for one in lines if one.startswith("VmHWM")), 0)


def say(text: str) -> None:
    """Tells what is going on, apart from the table."""
    print(text, file=sys.stderr, flush=True)


def middle(figures: Iterable[int]) -> float:
    """The median."""
    return median(figures)
