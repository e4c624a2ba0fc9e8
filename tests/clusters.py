"""A cluster on loopback: a scheduler and its workers, each a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import batches
import house
from lib.books import issuing
from lib.core.root import Root

# More than are under way at once.
FILE = batches.file_of(*(batches.row(i + 1) for i in range(64)))

_PATIENCE = 60  # seconds for a process to say that it is ready


class Cluster(NamedTuple):
    """`address` is what WORKERS names; processes can be killed."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: tuple[subprocess.Popen[bytes], ...]


@contextmanager
def running(
    folder: Path, *options: str, scripts: tuple[Path, ...] = (house.SCRIPTS, house.SCRIPTS)
) -> Iterator[Cluster]:
    """A scheduler and a worker for each of `scripts`, the program that it has.

    Args:
      options: of all of them, as `--tls-cert`.
    """
    folder.mkdir()
    known = folder / "scheduler.json"
    started: list[subprocess.Popen[bytes]] = []

    def start(kind: str, program: Path, *more: str) -> subprocess.Popen[bytes]:
        command = [str(Path(sys.executable).parent / "dask"), kind, *more, *options]
        command += ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(known)]
        with (folder / f"{len(started)}.log").open("wb") as log:
            environment = {**os.environ, "PYTHONPATH": str(program)}
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        started.append(process)
        return process

    try:
        scheduler = start("scheduler", house.SCRIPTS, "--port", "0", "--dashboard-address", ":0")
        _wait(lambda: known.exists() and known.read_text().endswith("}"))
        for program in scripts:
            start("worker", program, "--nthreads", "1", "--no-nanny", "--local-directory", ".")
        logs = [folder / f"{i}.log" for i in range(1, len(started))]
        _wait(lambda: all("Registered to" in log.read_text() for log in logs))
        address = json.loads(known.read_text())["address"]
        yield Cluster(address, scheduler, tuple(started[1:]))
    finally:
        for process in started:
            process.kill()
            process.wait()


def _wait(is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_ready():
        assert time.monotonic() < deadline, "the cluster did not start"
        time.sleep(0.05)


# --- runs ------------------------------------------------------------------------------


def alone(folder: Path) -> dict[str, tuple[int, bytes]]:
    """What a run without workers makes of FILE."""
    root = batches.build(folder / "root", FILE)
    with mock.patch.dict(os.environ, {"WORKERS": "1"}):
        assert batches.run(root).code == 0
    return house.tree(root)


def disturbed(root: Root, disturb: Callable[[], None]) -> house.Ran:
    """A run during which something happens, when its third proof is taken."""
    calls = count(1)
    take = issuing.Run.take

    def taken(*arguments: Any) -> Any:
        if next(calls) == 3:
            disturb()
        return take(*arguments)

    with mock.patch.object(issuing.Run, "take", taken):
        return batches.run(root)


def nothing_is_issued(root: Root) -> bool:
    """Whether a file waits in the inbox still, and no trace of a run is left."""
    made = ("revenues_batch", "invoices_batch", "counters_batch", "usage", "heads")
    left = [*root.pending.iterdir()] + [one for one in made if (root.data / one).exists()]
    return not left and (root.inbox_batch / f"{batches.CLIENT}__{house.MONTH}.csv").exists()


def refused(root: Root) -> str:
    """What a run says that could not use its cluster."""
    return told(root, batches.run(root))


def told(root: Root, ran: house.Ran) -> str:
    """The line of a run that its cluster failed; nothing else was said or done."""
    assert ran.code == 4, ran
    assert nothing_is_issued(root)
    assert ran.err.count("\n") == 1
    assert ran.err.endswith(" [B-CLUSTER]\n")
    return ran.err
