"""What was gained is kept: figures beside those of the last publication, within minutes.

Each figure is processor time, as multiples of those of two fixed works (bench/fixed.py), which run
before each of them: neither the clock nor the speed of the machine counts. What is slow in an hour
is not slow alike for all work: something is lost where both multiples say so. One process does
all of the work, so that it counts nothing how cores share what they have. Rounds are interleaved,
and the least of them counts, since what else a machine has to do only adds to it. What seems to
have lost a fifth is measured once more, and has lost it only if both measurements say so.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import chain
from operator import truediv
from pathlib import Path
from typing import Any, NamedTuple

import house
from bench import bulk, content, pages, years
from bench.measure import (
    WORKS,
    Bar,
    CannotMeasureError,
    Fixed,
    Line,
    Took,
    fixed,
    make,
    middle,
    run,
    say,
)
from bench.outputs import BUILD
from lib.books import balances
from lib.core import storage
from lib.core.root import Root

PUBLISHED = Path(__file__).with_name("published.json")
LOSS = 1.2  # times what it was
_FOLDER = BUILD / "kept"
_YEAR = 2025
_ONE = {"WORKERS": "1"}
_CLIENTS, _PAGES = 150, 1_000
_BEFORE = 400  # pages; Saxon takes memory, whose price varies, until it has judged some hundreds
_WORDS = (
    *("month MONTH=2026-10", "check", "status", f"fec YEAR={_YEAR}", f"ledger YEAR={_YEAR}"),
    *(f"workbook YEAR={_YEAR}", f"report YEAR={_YEAR}"),
)

Work = Callable[[], Took]


class Kept(NamedTuple):
    """A figure: processor time in nanoseconds and as multiples, and the most memory, in MB."""

    cpu: float
    multiples: Fixed
    memory: int


class Published(NamedTuple):
    """Figures by name, and what the fixed works took."""

    fixed: Fixed
    figures: dict[str, Kept]


def measure(rounds: int, only: Iterable[str] = ()) -> Published:
    """Every figure, or some.

    Raises:
      CannotMeasureError: if one of them cannot be measured.
    """
    with works() as all_works:
        chosen = {name: work for name, work in all_works.items() if not only or name in only}
        return interleaved(chosen, rounds, fixed)


def interleaved(chosen: Mapping[str, Work], rounds: int, fixed: Callable[[], Fixed]) -> Published:
    """Some figures in rounds, each after the fixed works, which are counted for it: a moment in
    which the machine is fast is one for all three."""
    took: dict[str, list[Took]] = {name: [] for name in chosen}
    beside: dict[str, list[Fixed]] = {name: [] for name in chosen}
    for i in range(rounds):
        for name, work in chosen.items():
            beside[name].append(fixed())
            took[name].append(work())
        say(f"{len(chosen)} figures: round {i + 1} of {rounds}")
    figures = {}
    for name, some in took.items():
        cpu = min(one.cpu for one in some)
        least = map(min, zip(*beside[name], strict=True))
        multiples = Fixed(*(float(f"{cpu / one:.4g}") for one in least))
        memory = max(max(one.parent, one.workers) for one in some) // 1024
        figures[name] = Kept(cpu, multiples, memory)
    return Published(Fixed(*map(middle, zip(*chain(*beside.values()), strict=True))), figures)


# --- what is measured ----------------------------------------------------------------


@contextmanager
def works() -> Iterator[dict[str, Work]]:
    """The figures by name, while what they need is there."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    with ExitStack() as end:
        end.callback(shutil.rmtree, _FOLDER)
        batch = _batch(_FOLDER / "batch", 100)
        invoices = house.build(_FOLDER / "first")
        long = house.build(_FOLDER / "long")
        years.lay(long, 20, years.within(_YEAR, 500))
        monthly = _monthly(_FOLDER / "monthly")
        yield {
            "one page": _page("with_ours", 80, end),
            "one document: XML, validation, page": _page("with_produce", 40, end),
            "`make batch packages`, 100 lines": batch,
            "`make verify` of these": lambda: _make(Root(_FOLDER / "batch/root"), "verify"),
            "`make invoice`, the first": lambda: _first(invoices),
            "`make reconcile`, 20,000 records": lambda: _reconcile(long),
            "`make export`, 20,000 records": _again(long, f"export YEAR={_YEAR}"),
            **{
                f"`make {words}`, {_CLIENTS} clients": _again(monthly, f"{words} TODAY=2026-11-09")
                for words in _WORDS
            },
            f"`make backup`, {_CLIENTS} clients": lambda: _backup(monthly),
            "--help of a script": _help,
        }


def _make(root: Root, *words: str) -> Took:
    return make(root.path, *words, environment=_ONE, watch=True)


def _page(script: str, count: int, end: ExitStack) -> Work:
    """Pages that no round has made yet, in a process that holds already what it will."""
    maker = pages.Maker(script, script, "", count, True)
    contents = _FOLDER / "contents.json"
    if not contents.exists():
        made = content.documents(_FOLDER / "documents", _PAGES)
        contents.write_bytes(content.written(made))
    process = pages.start(maker, contents, _FOLDER / f"{script}.pdf")
    end.callback(process.communicate)
    pages.round_of(process, pages.WARM, _BEFORE)
    rounds = iter(range(pages.WARM + _BEFORE, _PAGES - count, count))
    return lambda: pages.round_of(process, next(rounds), count)


def _batch(folder: Path, lines: int) -> Work:
    return lambda: bulk.ours(folder, lines, _ONE)[0]


def _first(root: Root) -> Took:
    shutil.rmtree(root.path)
    return _make(house.build(root.path), "invoice", "CLIENT=nord", f"TODAY={house.TODAY}")


def _monthly(folder: Path) -> Root:
    """Three years of some clients, with nothing left to do."""
    root = house.build(folder)
    (root.path / "clients/nord.json").unlink()
    first = years.first_of(house.MONTH, 36)
    years.put_clients(root, _CLIENTS, first)
    years.lay(root, _CLIENTS, years.monthly(first, 36))
    house.write(root, ".env", b"MAIL_SINCE=2026-11-09\n").chmod(0o600)
    _make(root, "month", f"MONTH={house.MONTH}", "TODAY=2026-11-09")
    return root


def _reconcile(root: Root) -> Took:
    shutil.rmtree(balances.folder(root), ignore_errors=True)
    return _make(root, "reconcile")


def _again(root: Root, words: str) -> Work:
    """A command that would leave what it has made already as it is."""

    def work() -> Took:
        shutil.rmtree(root.path / "exports", ignore_errors=True)
        return _make(root, *words.split())

    return work


def _backup(root: Root) -> Took:
    shutil.rmtree(_FOLDER / "backups", ignore_errors=True)
    return _make(root, "backup", f"TO={_FOLDER / 'backups'}")


def _help() -> Took:
    scripts = sorted(house.SCRIPTS.glob("*.py"))
    took = [run(sys.executable, script, "--help") for script in scripts[::4]]
    return Took(sum(one.clock for one in took), sum(one.cpu for one in took) // len(took))


# --- beside the last publication -----------------------------------------------------


class Change(NamedTuple):
    """A figure's time, by what says less, and memory as multiples of what they were."""

    name: str
    time: float
    memory: float

    @property
    def loss(self) -> str:
        """How much was lost, in words; empty where that is less than a fifth."""
        parts = [
            f"{round((times - 1) * 100)} % more {what}"
            for times, what in ((self.time, "processor time"), (self.memory, "memory"))
            if times >= LOSS
        ]
        return " and ".join(parts) and f"{self.name}: {' and '.join(parts)}"


def changes(now: Published, before: Published) -> list[Change]:
    """Each figure beside what it was; those that are new are left out."""
    return [
        Change(
            name,
            min(map(truediv, figure.multiples, before.figures[name].multiples)),
            figure.memory / before.figures[name].memory if before.figures[name].memory else 0,
        )
        for name, figure in now.figures.items()
        if name in before.figures
    ]


def twice(first: list[Change], again: Callable[[list[str]], list[Change]]) -> list[Change]:
    """Changes of which no loss was seen only once.

    Args:
      again: measures some figures once more.
    """
    lost = [one.name for one in first if one.loss]
    if not lost:
        return first
    second = {one.name: one for one in again(lost)}
    return [
        one
        if one.name not in second
        else Change(
            one.name,
            min(one.time, second[one.name].time),
            min(one.memory, second[one.name].memory),
        )
        for one in first
    ]


def read() -> Published:
    """What was published last.

    Raises:
      CannotMeasureError: if the fixed works are not those of that time.
    """
    data = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    if data["works"] != storage.sha256_of_file(WORKS):
        raise CannotMeasureError(f"{WORKS.name} is not what it was at the last publication")
    figures = {
        name: Kept(**one | {"multiples": Fixed(**one["multiples"])})
        for name, one in data["figures"].items()
    }
    return Published(Fixed(**data["fixed"]), figures)


def publish(now: Published, machine: dict[str, str]) -> None:
    """Keeps figures for those who come later."""
    figures = {
        name: one._asdict() | {"multiples": one.multiples._asdict()}
        for name, one in now.figures.items()
    }
    data: dict[str, Any] = {
        "machine": machine,
        "works": storage.sha256_of_file(WORKS),
        "fixed": now.fixed._asdict(),
        "figures": figures,
    }
    PUBLISHED.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def lines(now: Published, before: Published, compared: list[Change]) -> list[Line]:
    """The lines of the table.

    Args:
      before: with what `compared` was compared.
    """
    of = {one.name: one for one in compared}
    made = [
        Line(
            f"fixed work: {name}",
            f"{took / then:.2f} times as then",
            (round(took),),
            (round(took),),
        )
        for name, took, then in zip(Fixed._fields, now.fixed, before.fixed, strict=True)
    ]
    for name, figure in now.figures.items():
        bars = []
        if name in of:
            bars.append(Bar("time ÷ published", of[name].time, LOSS))
            if of[name].memory:
                bars.append(Bar("memory ÷ published", of[name].memory, LOSS))
        cpu = round(figure.cpu)
        who = " and ".join(f"{times:.3g}" for times in figure.multiples) + " times these"
        made.append(Line(name, who, (cpu,), (cpu,), "ms", tuple(bars)))
    return made
