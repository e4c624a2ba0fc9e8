"""The fault simulator: a month, stopped or disturbed at each call that changes the disk.

    python tests/faults/simulate.py [--every N] [--kinds kill,power,...] [--no-link]

Each command of the scenario is run again from the state before it, and meets one fault:

    kill      the process ends before the N-th call; the write that it was doing is torn
    error     the N-th call returns EIO, EACCES or EINTR; or from it on the disk is full
    short     the N-th write takes half
    power     the machine stops after the N-th call: of what was not flushed, all is lost, or
              the bytes, or the names, or some mixture
    twice     power goes again while the first loss is repaired
    lost      the platform does what its N-th call asks and says nothing; deaf: nor does it that;
    deaf      500: it says that it cannot

Then the same command is run once more without a fault, and the root must be, byte for byte
and mode for mode, what it is without any (logs apart; of what went to the platform, and what it
said, the facts: in which order they came may differ). The platform, which nothing stops, must have
each file once. After a kill, what the second run
leaves must be on the disk already: power that goes the moment it ends takes nothing.

With --no-link the disk is one that refuses link(2), as exFAT does.

All points are tried by processes forked from one that has imported everything.
"""

import argparse
import ctypes
import errno
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "scripts")]

import power  # noqa: E402
import scenario  # noqa: E402

import house  # noqa: E402
from lib.core.root import Root  # noqa: E402
from platform_stub import Json, Platform, running  # noqa: E402

COUNT, KILL, TORN, ERROR, ALWAYS, SHORT, NOLOCK = range(7)
ANSWERS = ("lost", "deaf", "500")
KINDS = ("kill", "torn", "full", "EIO", "EACCES", "EINTR", "short", "power", "twice", *ANSWERS)
_FAULTS = {
    "kill": (KILL, 0),
    "torn": (TORN, 0),
    "full": (ALWAYS, errno.ENOSPC),
    "EIO": (ERROR, errno.EIO),
    "EACCES": (ERROR, errno.EACCES),
    "EINTR": (ERROR, errno.EINTR),
    "short": (SHORT, 0),
}
_OF_WRITES = ("torn", "short")
_RARE = ("EIO", "EACCES", "EINTR")  # one of them at each call
_DERIVED = ("data/balance/", "exports/", "downloads/", "data/outbox/", "data/pending/")


class Fault(NamedTuple):
    """What the preloaded library is to do: at the `call`-th call, `mode` with `number`."""

    call: int = 0
    mode: int = COUNT
    number: int = 0


class Exchanged(NamedTuple):
    """What a platform knows: its flows in order, and their files."""

    flows: list[Json]
    files: dict[str, bytes]

    def first(self, number: int) -> "Exchanged":
        """As it was when it had so many flows."""
        return Exchanged(self.flows[:number], self.files)

    @property
    def deposits(self) -> list[tuple[str, bytes]]:
        """What was handed over, by its tracking id."""
        own = (flow for flow in self.flows if flow["flowDirection"] == "Out")
        return sorted((flow["trackingId"], self.files[flow["flowId"]]) for flow in own)


class Taken(NamedTuple):
    """How a command ended; `ran` is None where it was killed. `grown` has, for each file that the
    platform took, how many calls there were before it and how many flows after it."""

    ran: house.Ran | None
    calls: int
    grown: list[tuple[int, int]]


class Undisturbed(NamedTuple):
    """A step without faults: the state before and after, its exit code and its calls."""

    step: scenario.Step
    before: power.Tree
    after: power.Tree
    code: int
    calls: list[power.Call]
    count: int
    known: Exchanged  # by the platform before it
    after_all: Exchanged
    grown: list[tuple[int, int]]
    asked: int  # how often the platform was called


class Point(NamedTuple):
    """A step, and either a call to disturb (`number`) or a disk to begin with (`disk`)."""

    step: int
    kind: str
    number: int
    disk: power.Tree | None = None
    flows: int = 0


# --- the library ---------------------------------------------------------------------


def build_library(folder: Path) -> Path:
    """Compiles faults.c."""
    made = folder / "faults.so"
    command = ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", made, HERE / "faults.c", "-ldl"]
    subprocess.run(command, check=True)
    return made


def preload(library: Path, folder: Path, mode: int, call: int = 0) -> dict[str, str]:
    """The environment in which a process of its own meets a fault."""
    return {
        "LD_PRELOAD": str(library),
        "FAULTS_ROOT": str(folder),
        "FAULTS_MODE": str(mode),
        "FAULTS_AT": str(call),
        "FAULTS_ERRNO": str(errno.ENOSPC),
    }


def flows_at(number: int, grown: list[tuple[int, int]], before: int) -> int:
    """How many flows the platform has after a call of a command."""
    return max((flows for calls, flows in grown if calls <= number), default=before)


def run_in_child(
    step: scenario.Step, root: Path, fault: Fault, notes: Path, platform: Platform
) -> Taken:
    """Runs a step in a forked process that meets a fault; its calls are noted in a file."""
    grown: list[tuple[int, int]] = []

    def take(tracking_id: str) -> None:
        scenario.answer(platform, tracking_id)
        calls = [call.number for call in power.read_calls(notes, root)]
        grown.append((max(calls, default=0), len(platform.flows)))

    platform.when_taken = take
    notes.unlink(missing_ok=True)
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.close(out)
        library = ctypes.CDLL(os.environ["LD_PRELOAD"])
        handle = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        folder = os.fsencode(root)
        library.faults_arm(folder, ctypes.c_long(fault.call), fault.mode, fault.number, handle)
        ran = None
        try:
            ran = scenario.run(step, Root(root))
        finally:
            count = library.faults_count()
            library.faults_arm(b"", ctypes.c_long(0), 0, 0, -1)
            os.write(into, json.dumps([ran and ran._replace(out=""), count]).encode()[:60_000])
            os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as stream:
        said = stream.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == -signal.SIGKILL:
        return Taken(None, fault.call, grown)
    ran, count = json.loads(said)
    return Taken(ran and house.Ran(*ran), count, grown)


# --- states --------------------------------------------------------------------------


def state(tree: power.Tree) -> power.Tree:
    """What two roots are compared by: all but logs, the locks' text, and flags; of what went to
    the platform and came from it, the facts."""
    left_out = ("data/logs/", "data/.lock", "data/flags/", "data/outbox/.lock")
    left_out += ("data/platform/.lock", "data/heads/platform/")
    kept = {name: value for name, value in tree.items() if not name.startswith(left_out)}
    return kept | {
        name: (mode, facts(data))
        for name, (mode, data) in kept.items()
        if name.startswith("data/platform/") and name.endswith(".jsonl")
    }


_WHEN = ("seq", "prev", "hash", "flow_id", "updated")  # what differs by the order of things
_IS_THERE = {"accepted": "exists"}  # how it came to be known


def facts(chain: bytes) -> bytes:
    """What the lines of a record file say, in no order; a line that is torn leaves it as it is."""
    try:
        lines = [json.loads(line) for line in chain.splitlines()]
    except ValueError:
        return chain
    names = {line["seq"]: line.get("tracking_id") for line in lines}
    told = []
    for line in lines:
        fact = {key: value for key, value in line.items() if key not in _WHEN}
        if "deposit" in fact:
            fact["deposit"] = names[fact["deposit"]]
            fact["outcome"] = _IS_THERE.get(fact["outcome"], fact["outcome"])
        told.append(json.dumps(fact, sort_keys=True))
    return "\n".join(sorted(told)).encode()


def tree_of(root: Path) -> power.Tree:
    """Files and folders as they stand."""
    return power.Disk(root).after("none")


def lasting(tree: power.Tree) -> power.Tree:
    """Files that cannot be made again."""
    return {
        name: value
        for name, value in state(tree).items()
        if not name.startswith(_DERIVED) and not name.endswith("/")
    }


def difference(found: power.Tree, expected: power.Tree) -> str:
    """The first files that differ."""
    names = sorted(
        name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)
    )
    told = []
    for name in names[:4]:
        if name not in found:
            told.append(f"{name} is missing")
        elif name not in expected:
            told.append(f"{name} is too much")
        else:
            told.append(f"{name}: {found[name]!r:.150} instead of {expected[name]!r:.150}")
    return "; ".join(told)


def undisturbed(folder: Path, platform: Platform) -> tuple[list[Undisturbed], power.Disk]:
    """Every step in one root without faults, and the disk as it was before the first one."""
    root = folder / "undisturbed"
    scenario.build(root)
    disk = power.Disk(root)
    steps = []
    notes = folder / "notes"
    for step in scenario.STEPS:
        before, known = tree_of(root), Exchanged([*platform.flows], dict(platform.files))
        platform.begin_with(*known)
        ran, count, grown = run_in_child(step, root, Fault(), notes, platform)
        expected = 1 if "rejected" in step.name else 0
        assert ran is not None and ran.code == expected, (step, ran)
        calls = list(power.read_calls(notes, root))
        after, after_all = tree_of(root), Exchanged(platform.flows, platform.files)
        asked = len(platform.calls)
        whole = (before, after, ran.code, calls, count, known, after_all, grown, asked)
        steps.append(Undisturbed(step, *whole))
    return steps, disk


# --- points --------------------------------------------------------------------------


def points_of_calls(steps: list[Undisturbed], kinds: Iterable[str], every: int) -> Iterator[Point]:
    """Each call of each step, disturbed in each way."""
    for i, step in enumerate(steps):
        writes = {call.number for call in step.calls if call.kind == "write"}
        for number in range(1, step.count + 1):
            for j, kind in enumerate(kinds):
                fits = kind in _FAULTS and (kind not in _OF_WRITES or number in writes)
                if fits and (number + j) % every == 0:
                    yield Point(i, kind, number)


def points_of_answers(
    steps: list[Undisturbed], kinds: Iterable[str], every: int
) -> Iterator[Point]:
    """Each call of the platform, with an answer that does not come."""
    for i, step in enumerate(steps):
        for number in range(1, step.asked + 1):
            for j, kind in enumerate(kinds):
                if (number + j) % every == 0:
                    yield Point(i, kind, number)


def disks_of_cuts(
    disk: power.Disk, calls: list[power.Call], losses: tuple[str, ...], seed: str, every: int
) -> Iterator[tuple[int, str, power.Tree]]:
    """The disks that a cut after each call leaves; `disk` has gone through all at the end."""
    for i, call in enumerate(calls):
        disk.do(call)
        for j, loss in enumerate(losses):
            if (i * len(losses) + j) % every == 0:
                yield call.number, loss, without_logs(disk.after(loss, f"{seed} {call.number}"))


def without_logs(tree: power.Tree) -> power.Tree:
    """Logs carry times; no disk differs by them."""
    return {name: value for name, value in tree.items() if not name.startswith("data/logs/")}


def points_of_power(
    steps: list[Undisturbed], disk: power.Disk, every: int, tried: Counter[str]
) -> Iterator[Point]:
    """A cut after each call with each loss; each different disk once."""
    for i, step in enumerate(steps):
        seen = set()
        cuts = disks_of_cuts(disk, step.calls, power.LOSSES, step.step.name, every)
        for number, loss, tree in cuts:
            tried["power cuts"] += 1
            key = hash(frozenset(tree.items()))
            if key not in seen:
                seen.add(key)
                flows = flows_at(number, step.grown, len(step.known.flows))
                yield Point(i, f"power {loss}", number, tree, flows)


# --- trying --------------------------------------------------------------------------


class Trial:
    """A place to try points in: one root at a time, and what came of them."""

    def __init__(self, folder: Path, steps: list[Undisturbed], platform: Platform):
        self.platform = platform
        self.root = folder / "root"
        self.notes = folder / "notes"
        self.steps = steps
        self.tried: Counter[str] = Counter()
        self.failures: list[str] = []

    def put(self, tree: power.Tree) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        power.write(tree, self.root)

    def fail(self, point: Point, text: str) -> None:
        step = self.steps[point.step]
        call = next((one for one in step.calls if one.number == point.number), None)
        where = f"{call.kind} {call.path} {call.other}" if call else ""
        self.failures.append(f"{step.step.name}: {point.kind} at {point.number} ({where}): {text}")

    def run(self, point: Point, fault: Fault) -> Taken:
        step = self.steps[point.step].step
        return run_in_child(step, self.root, fault, self.notes, self.platform)

    def try_answer(self, point: Point) -> None:
        """An answer of the platform that does not come, then the command again."""
        step = self.steps[point.step]
        self.put(step.before)
        self.platform.begin_with(*step.known)
        self.platform.at = {point.number: point.kind}
        disk = power.Disk(self.root)
        taken = self.run(point, Fault())
        self.tried[point.kind] += 1
        for call in power.read_calls(self.notes, self.root):
            disk.do(call)
        if taken.ran is None or taken.ran.code not in (0, 4) or "B-INTERNAL" in taken.ran.err:
            self.fail(point, f"{taken.ran}")
        self.again(point, disk)

    def try_call(self, point: Point) -> None:
        """A fault at a call, then the command again."""
        step = self.steps[point.step]
        self.put(step.before)
        self.platform.begin_with(*step.known)
        disk = power.Disk(self.root)
        taken = self.run(point, Fault(point.number, *_FAULTS[point.kind]))
        self.tried[point.kind] += 1
        for call in power.read_calls(self.notes, self.root):
            disk.do(call)
        if taken.ran is None and point.kind not in ("kill", "torn"):
            self.fail(point, "ended without an exit code")
        if taken.ran is not None:
            if point.kind == "kill":
                self.fail(point, "was not killed")
            if taken.ran.code not in (4, step.code) or "B-INTERNAL" in taken.ran.err:
                self.fail(point, f"{taken.ran}")
        self.again(point, disk)

    def try_disk(self, point: Point) -> None:
        """The command, on what a power cut left."""
        assert point.disk is not None
        self.put(point.disk)
        self.platform.begin_with(*self.steps[point.step].after_all.first(point.flows))
        self.tried[point.kind] += 1
        self.again(point, power.Disk(self.root))

    def again(self, point: Point, disk: power.Disk) -> None:
        """The command without faults: the root is what it is to be, and all of it is flushed."""
        step = self.steps[point.step]
        wanted = state(step.after)
        complete = lasting(tree_of(self.root)) == lasting(step.after)
        self.platform.at = {}
        ran = self.run(point, Fault()).ran
        found = state(tree_of(self.root))
        pending = {name for name in found if name.startswith("data/pending/r")}
        is_over = "data/pending/run/done.json" in pending or pending == {"data/pending/run/"}
        if step.step.times > 1 and is_over:
            # A run that was carried out: its folder, empty at last, goes with the next that writes.
            found = {name: found[name] for name in found.keys() - pending}
        if found != wanted:
            said = ran.err[-300:] if ran else ""
            self.fail(point, f"{difference(found, wanted)} ({said})")
        elif ran is None or (ran.code not in (0, step.code) and not complete):
            self.fail(point, f"run again: {ran}")
        taken = Exchanged(self.platform.flows, self.platform.files).deposits
        if taken != step.after_all.deposits or self.platform.wrong:
            names = [name for name, _ in taken]
            self.fail(point, f"the platform has {names}; {self.platform.wrong}")
        for call in power.read_calls(self.notes, self.root):
            disk.do(call)
        kept = lasting(disk.after("pessimistic"))
        if found == wanted and kept != lasting(step.after):
            self.fail(point, f"not flushed at the end: {difference(kept, lasting(step.after))}")

    def try_twice(self, point: Point, every: int) -> None:
        """Power goes while the command repairs what an earlier cut left."""
        assert point.disk is not None
        self.put(point.disk)
        before = self.steps[point.step].after_all.first(point.flows)
        self.platform.begin_with(*before)
        disk = power.Disk(self.root)
        grown = self.run(point, Fault()).grown
        after = Exchanged(self.platform.flows, self.platform.files)
        calls = list(power.read_calls(self.notes, self.root))
        seen = set()
        losses = ("pessimistic", "names", "mixed")
        for number, loss, tree in disks_of_cuts(disk, calls, losses, point.kind, every):
            key = hash(frozenset(tree.items()))
            if key not in seen:
                seen.add(key)
                kind = f"twice {loss} {number} after {point.kind}"
                self.put(tree)
                flows = flows_at(number, grown, point.flows)
                self.platform.begin_with(*after.first(flows))
                self.tried["twice"] += 1
                self.again(Point(point.step, kind, point.number), power.Disk(self.root))


def share(
    folder: Path, steps: list[Undisturbed], points: list[Point], twice: int, every: int
) -> int:
    """Tries points in a process of its own, which leaves what came of them in a file."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with running(Platform()) as platform:
            platform.checks_files, platform.duplicates = False, "take"
            scenario.connect(platform)
            trial = Trial(folder, steps, platform)
            for i, point in enumerate(points):
                if point.kind in ANSWERS:
                    trial.try_answer(point)
                elif point.disk is None:
                    trial.try_call(point)
                else:
                    trial.try_disk(point)
                    if twice and i % twice == 0:
                        times = steps[point.step].step.times
                        trial.try_twice(point, max(5, every // 10) * times)
        (folder / "result").write_text(json.dumps([trial.tried, trial.failures]))
        code = 0
    finally:
        if code:
            import traceback

            traceback.print_exc()
        os._exit(code)


def main() -> None:
    """Tries all, prints how many points and what failed; exits with 1 if any did."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="only each N-th point")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--no-link", action="store_true", help="on a disk that refuses link(2)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    begun = time.monotonic()
    memory = Path("/dev/shm")  # a copy of the root for each point: memory spares the disk
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name).resolve()
        if "LD_PRELOAD" not in os.environ:
            preloaded = {**os.environ, "LD_PRELOAD": str(build_library(folder))}
            if arguments.no_link:
                preloaded["FAULTS_NO_LINK"] = "1"
            for setting in ("RUN_LOG", "SMTP_HOST"):
                preloaded.pop(setting, None)
            command = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:]]
            sys.exit(subprocess.run(command, env=preloaded, check=False).returncode)
        kinds = arguments.kinds.split(",")
        scenario.fake_production()
        warm = scenario.build(folder / "warm")
        with running(Platform()) as platform:
            platform.checks_files = False
            scenario.connect(platform)
            for step in scenario.STEPS:
                scenario.run(step, warm)
            gc.freeze()
            platform.begin_with([], {})
            steps, disk = undisturbed(folder, platform)
        tried: Counter[str] = Counter()
        every = arguments.every
        points = list(points_of_calls(steps, [one for one in kinds if one not in _RARE], every))
        points += points_of_calls(steps, [one for one in kinds if one in _RARE], 3 * every)
        answers = [one for one in kinds if one in ANSWERS]
        points += points_of_answers(steps, answers, max(1, every // 10))
        if "power" in kinds:
            points += points_of_power(steps, disk, every, tried)
        twice = 23 if "twice" in kinds else 0
        children = []
        for i in range(arguments.workers):
            (folder / str(i)).mkdir()
            mine = points[i :: arguments.workers]
            children.append(share(folder / str(i), steps, mine, twice, every))
        codes = [os.waitpid(child, 0)[1] for child in children]
        assert not any(codes), codes
        failures = []
        for i in range(arguments.workers):
            some, failed = json.loads((folder / str(i) / "result").read_text())
            tried.update(some)
            failures += failed
    for failure in failures:
        print(failure)
    listed = ", ".join(f"{kind} {count}" for kind, count in sorted(tried.items()))
    seconds = time.monotonic() - begun
    print(f"{len(steps)} commands, {sum(step.count for step in steps)} calls: {listed}")
    print(f"{len(points)} points tried in {seconds:.0f} s, {len(failures)} failed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
