"""The fuzzer: thousands of broken files through the commands that read them.

    python tests/fuzz/run.py [--times N] [--seed N] [--only TARGET]

First, inputs of a megabyte that are built to hurt (hurt.py), each through the command line in
a process of its own. Then for each target (targets.py), in one process, mutations of a valid
file (mutate.py) and files grown from its schema (grow.py).

No input may lead to a fault of the program, take more than five seconds or 512 MB, or leave
anything written where it is refused. The first of a target that does is made smaller, kept
in build/fuzz/ and named; the exit code is 1. The same seed tries the same inputs.
"""

import argparse
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "scripts")]

import grow  # noqa: E402
import hurt  # noqa: E402
import mutate  # noqa: E402
import targets  # noqa: E402
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import seed as seeded  # noqa: E402
from targets import Step, Target  # noqa: E402

import house  # noqa: E402
from lib.core import storage  # noqa: E402
from lib.core.root import Root  # noqa: E402
from lib.documents import production  # noqa: E402
from lib.values import document  # noqa: E402

LONGEST = 5  # seconds of the processor for one input; four times as many by the clock
LARGEST = 512  # MB
KEPT = house.HOME / "build" / "fuzz"
_TRUE_EVERY = 10  # one in so many documents is rendered and judged; the others are written only
_TO_SHRINK = 20  # seconds to make a failing input smaller


class TooLong(BaseException):
    """The alarm; no handler of Exception takes it for a fault."""


class Tried(NamedTuple):
    """One input: which promise it broke (empty: none), whether it was taken, how long it took."""

    breach: str
    accepted: bool
    seconds: float


class Tally(NamedTuple):
    """The inputs of a target; `peak` in MB, `breach` and `found` of the first that failed."""

    name: str
    tried: int
    accepted: int
    slowest: float
    peak: int
    breach: str = ""
    found: bytes = b""


# --- one input, in this process ------------------------------------------------------


class Bench:
    """A root to try inputs in, brought back to what it was after each."""

    def __init__(self, target: Target, root: Root):
        self.target = target
        self.root = root
        self.good = house.tree(root, "data/pending")
        self._made = 0

    def attempt(self, data: bytes, steps: Sequence[Step]) -> Tried:
        """What becomes of one input in these commands."""
        path = targets.hand_in(self.target, self.root, data)
        accepted, slowest, breach = True, 0.0, ""
        for step in steps:
            before = house.tree(self.root)
            began = time.process_time()
            signal.setitimer(signal.ITIMER_REAL, 4 * LONGEST)
            try:
                with mock.patch.object(production, "produce", self._produce):
                    ran = targets.call(step.script, self.root, targets.options(step, path))
                signal.setitimer(signal.ITIMER_REAL, 0)
                after = house.tree(self.root)
                breach = targets.breach(self.target, step, ran, before, after)
            except TooLong:
                breach = "no end"
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            slowest = max(slowest, time.process_time() - began)
            if slowest > LONGEST:
                breach = breach or f"{slowest:.1f} s"
            accepted = accepted and not breach and not ran.code
            if breach:
                breach = f"{step.script}: {breach}"
                break
            if ran.code and not self.target.readers:
                break
        targets.restore(self.root, self.good, house.tree(self.root))
        return Tried(breach, accepted, slowest)

    def _produce(self, logo: bytes | None, made: document.Document) -> production.Product:
        self._made += 1
        if self._made % _TRUE_EVERY == 0:
            return _PRODUCE(logo, made)
        return production.Product(document.to_json(made), b"%PDF-", ())


_PRODUCE = production.produce


def _ring(*_: object) -> None:
    raise TooLong


# --- many inputs of one target -------------------------------------------------------


def explore(name: str, sound: Path, seed: int, times: float) -> Tally:
    """Mutations of a valid file, and files grown from its schema; stops at the first failure."""
    os.fsync = lambda _: None  # what lies on the disk after a power cut is asked elsewhere
    signal.signal(signal.SIGALRM, _ring)
    target = targets.named(name)
    with tempfile.TemporaryDirectory() as folder:
        root = Root(Path(folder) / "root")
        shutil.copytree(sound, root.path)
        bench = Bench(target, root)
        seeds = targets.seeds(root)
        found: list[Tried] = []
        failed: list[tuple[str, bytes, Sequence[Step]]] = []

        def note(data: bytes) -> str:
            steps = target.steps
            if target.readers:  # a reader each, in turn
                steps = (steps[len(found) % len(steps)],)
            one = bench.attempt(data, steps)
            found.append(one)
            if one.breach:
                failed.append((one.breach, data, steps))
            return one.breach

        # The judges are made ready by the first document: that is not the input's time.
        _PRODUCE(None, document.from_json(seeds["document"]))
        sound_one = bench.attempt(seeds[name], target.steps)
        assert sound_one.accepted, f"the valid {name} is refused: {sound_one}"
        _mutate(target, seeds, seed, round(target.inputs * times), note)
        if not failed and grow.known(name):
            _grow(name, seeds[name], seed, round(target.inputs * times / 4), note)
        tried = len(found)
        breach, data, steps = failed[-1] if failed else ("", b"", ())
        if breach:
            data = smaller(data, lambda one: bench.attempt(one, steps).breach == breach)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    accepted = sum(one.accepted for one in found)
    slowest = max(one.seconds for one in found)
    if not breach and peak > LARGEST:
        breach = f"{peak} MB"
    return Tally(name, tried, accepted, slowest, peak, breach, data)


def _mutate(
    target: Target, seeds: dict[str, bytes], seed: int, count: int, note: Callable[[bytes], str]
) -> None:
    for i in range(count):
        rng = random.Random(f"{seed} {target.name} {i}")
        if note(mutate.mutated(rng, seeds[target.name], list(seeds.values()), target.forged)):
            return


def _grow(name: str, valid: bytes, seed: int, count: int, note: Callable[[bytes], str]) -> None:
    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(grow.files(name, valid))
    def try_each(data: bytes) -> None:
        assert not note(data)

    try:
        try_each()
    except AssertionError:
        return  # the last that failed is the smallest that hypothesis found


def smaller(data: bytes, still: Callable[[bytes], bool]) -> bytes:
    """`data` with all taken away that the failure does not need, as far as time allows."""
    until = time.monotonic() + _TO_SHRINK
    size = len(data) // 2
    while size and time.monotonic() < until:
        at = 0
        while at < len(data) and time.monotonic() < until:
            cut = data[:at] + data[at + size :]
            if still(cut):
                data = cut
            else:
                at += size
        size //= 2
    return data


# --- a megabyte at a time, through the command line ----------------------------------


def strain(name: str, sound: Path) -> list[Tally]:
    """Each input that is built to hurt a target, its commands in processes of their own."""
    target = targets.named(name)
    tallies = []
    with tempfile.TemporaryDirectory() as folder:
        root = Root(Path(folder) / "root")
        shutil.copytree(sound, root.path)
        good = house.tree(root)
        for what, data in hurt.inputs(name, targets.seeds(root)[name]):
            path = targets.hand_in(target, root, data)
            tallies.append(
                _strained(target, root, path)._replace(name=f"{name}: {what}", found=data)
            )
            targets.restore(root, good, house.tree(root))
    return tallies


def _strained(target: Target, root: Root, path: Path) -> Tally:
    accepted, slowest, peak, breach = True, 0.0, 0, ""
    for step in target.steps:
        before = house.tree(root)
        ran, seconds, used = _measured(step.script, root, targets.options(step, path))
        slowest, peak = max(slowest, seconds), max(peak, used)
        breach = targets.breach(target, step, ran, before, house.tree(root))
        if seconds > LONGEST:
            breach = f"{seconds:.1f} s"
        elif used > LARGEST:
            breach = f"{used} MB"
        if breach:
            breach = f"{step.script}: {breach}"
        accepted = accepted and not ran.code
        if breach or (ran.code and not target.readers):
            break
    return Tally("", 1, int(accepted), slowest, peak, breach)


def _measured(script: str, root: Root, options: dict[str, str]) -> tuple[house.Ran, float, int]:
    """What a command came to, its seconds and its peak of memory in MB."""
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = [sys.executable, str(house.SCRIPTS / f"{script}.py"), "--root", str(root.path)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        environment = os.environ | {"REASON": "wrong price"}
        child = subprocess.Popen(
            [*command, *arguments], stdout=out, stderr=err, env=environment, process_group=0
        )
        while True:
            done, status, used = os.wait4(child.pid, os.WNOHANG)
            if done or time.monotonic() - began > 4 * LONGEST:
                break
            time.sleep(0.005)
        if not done:
            os.killpg(child.pid, signal.SIGKILL)
            _, status, used = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    if done:  # a process that waits for nothing is as slow as it computes
        seconds = used.ru_utime + used.ru_stime
    return house.Ran(child.returncode, *texts), seconds, used.ru_maxrss // 1024


# --- the whole -----------------------------------------------------------------------


def main() -> None:
    """Prints a line for each target; exits with 1 where any promise was broken."""
    made = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    made.add_argument("--times", type=float, default=1, help="2: twice as many inputs")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--only", default="", help="one target")
    made.add_argument("--no-strain", action="store_true", help="without the inputs of a megabyte")
    given_options = made.parse_args()
    began = time.monotonic()
    names = [one.name for one in targets.TARGETS if given_options.only in ("", one.name)]
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool,
    ):
        sound = Path(folder) / "root"
        pool.submit(targets.build, sound).result()
        tallies: list[Tally] = []
        if not given_options.no_strain:
            print(f"{'a megabyte':<18} {_HEADINGS}")
            for one in [pool.submit(strain, name, sound) for name in names]:
                tallies += _told_together(one.result())
        explored = [
            pool.submit(explore, name, sound, given_options.seed, given_options.times)
            for name in names
        ]
        print(f"{'mutated and grown':<18} {_HEADINGS}")
        for one in explored:
            tally = one.result()
            tallies.append(tally)
            _print_line(tally)
            _keep(tally)
    failed = [tally for tally in tallies if tally.breach]
    tried = sum(tally.tried for tally in tallies)
    seconds = time.monotonic() - began
    summary = f"{tried} inputs tried with seed {given_options.seed} in {seconds:.0f} s"
    print(f"{summary}, {len(failed)} failed")
    sys.exit(bool(failed))


_HEADINGS = "  tried  refused  taken  slowest   peak"


def _told_together(tallies: list[Tally]) -> list[Tally]:
    """One line for all inputs of a megabyte that a target has."""
    for tally in tallies:
        _keep(tally)
    if tallies:
        name = tallies[0].name.partition(":")[0]
        accepted = sum(tally.accepted for tally in tallies)
        slowest, peak = max(one.slowest for one in tallies), max(one.peak for one in tallies)
        _print_line(Tally(name, len(tallies), accepted, slowest, peak))
    return tallies


def _print_line(tally: Tally) -> None:
    refused = tally.tried - tally.accepted
    counts = f"{tally.tried:>7} {refused:>8} {tally.accepted:>6}"
    print(f"{tally.name:<18} {counts} {tally.slowest:>6.2f} s {tally.peak:>3} MB", flush=True)


def _keep(tally: Tally) -> None:
    """Writes the input that failed to a file, and says so."""
    if not tally.breach:
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / storage.sha256(tally.found)[:12]
    path.write_bytes(tally.found)
    shown = repr(tally.found[:200])
    print(f"FAILED {tally.name}: {tally.breach}\n  kept as {path}: {shown}", file=sys.stderr)


if __name__ == "__main__":
    main()
