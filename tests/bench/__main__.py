"""`make bench`: every bar of speed, ours and peers side by side, and one table.

    python -m bench [--size whole|large|small|trial] [--publish] [--only SECTION ...]

whole judges every bar; large adds a batch of 100,000 lines. small compares a few figures with those
of the last publication (bench/kept.py), without peers, within minutes. trial tries the bench itself
on sizes that say nothing, and judges nothing. Raw figures are kept in build/bench/results.json;
--publish writes them into docs/performance.md, its graph and bench/published.json, which nobody
else changes.

Exit status: 0 every bar was reached and nothing was lost; 1 one was missed, or an output is wrong;
4 something could not be measured, a peer that is not there included.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import house
from bench import (
    bulk,
    commands,
    firsts,
    graph,
    kept,
    million,
    months,
    pages,
    platform,
    publish,
    starts,
    table,
    venv,
)
from bench.bulk import CORES, Sizes
from bench.measure import CannotMeasureError, Line, run
from bench.outputs import BUILD, PICTURES
from bench.venv import Peers


class Size(NamedTuple):
    """How much is measured, and how often."""

    rounds: int
    rounds_of_long_ones: int
    batches: Sizes
    clients: int
    months: int
    records: int
    many_clients: int


_SIZES = {
    "trial": Size(2, 1, Sizes(100, (1_000,)), 20, 12, 10_000, 50),
    "whole": Size(5, 3, Sizes(1_000, (10_000,)), 1_000, 36, 1_000_000, 5_000),
    "large": Size(5, 3, Sizes(1_000, (10_000, 100_000)), 1_000, 36, 1_000_000, 5_000),
}


_ROUNDS_KEPT = 5


def _both(
    one: tuple[list[Line], list[str]], other: tuple[list[Line], list[str]]
) -> tuple[list[Line], list[str]]:
    return one[0] + other[0], one[1] + other[1]


Section = Callable[[Peers, Size], tuple[list[Line], list[str]]]

SECTIONS: dict[str, Section] = {
    "pages": lambda peers, size: pages.measure(peers, size.rounds),
    "starts": lambda _, size: (starts.measure(size.rounds), []),
    "firsts": lambda _, size: (firsts.measure(size.rounds), []),
    "months": lambda peers, size: months.measure(peers, size.clients, size.months, size.rounds),
    "bulk": lambda peers, size: bulk.measure(peers, size.batches, size.rounds_of_long_ones),
    "platform": lambda _, size: _both(
        platform.measure(size.batches.lines, size.rounds_of_long_ones),
        platform.measure_history(size.many_clients),
    ),
    "commands": lambda _, size: commands.measure(size.many_clients),
    "million": lambda peers, size: million.measure(peers, size.records, size.rounds_of_long_ones),
}


class Measured(NamedTuple):
    """Lines of the table, what is wrong with what was made, and what could not be measured."""

    lines: list[Line]
    faults: list[str]
    problems: list[str]


def main() -> int:
    """Measures, checks, prints; returns the exit status."""
    parser = argparse.ArgumentParser(description="Measure speed beside peers.")
    parser.add_argument("--size", choices=(*_SIZES, "small"), default="whole")
    parser.add_argument("--publish", action="store_true", help="write docs/performance.md")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=list(SECTIONS))
    arguments = parser.parse_args()
    # All that is measured shares two cores, however many there are.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    BUILD.mkdir(parents=True, exist_ok=True)
    run("make", "-C", house.HOME, "setup")
    if arguments.size == "small":
        return _compare(arguments.publish)
    partly = arguments.size == "trial" or arguments.only != list(SECTIONS)
    if arguments.publish and partly:
        parser.error("figures of a trial, or of a part, are not published")
    return _judge(arguments.size, arguments.only, arguments.publish)


def _compare(is_published: bool) -> int:
    """A few figures beside those of the last publication."""
    try:
        if is_published:
            now = kept.measure(_ROUNDS_KEPT)
            kept.publish(now, venv.machine())
            print(table.text(kept.lines(now, now, []), judged=True))
            return 0
        before = kept.read()
        now = kept.measure(_ROUNDS_KEPT)
        compared = kept.twice(
            kept.changes(now, before),
            lambda names: kept.changes(kept.measure(_ROUNDS_KEPT, names), before),
        )
    except CannotMeasureError as problem:
        print(f"not measured: {problem}", file=sys.stderr)
        return 4
    print(table.text(kept.lines(now, before, compared), judged=True))
    losses = [one.loss for one in compared if one.loss]
    for loss in losses:
        print(f"lost since the last publication: {loss}")
    return 1 if losses else 0


def _judge(size: str, sections: Sequence[str], is_published: bool) -> int:
    """Every bar, beside peers."""
    peers = venv.prepare()
    for name, why in peers.missing.items():
        print(f"{name} is not measured: {why}")
    measured = _measured(peers, _SIZES[size], sections)
    is_judged = size != "trial"
    missed = table.missed(measured.lines) if is_judged else []
    print(table.text(measured.lines, is_judged))
    print(f"first pages as pictures: {PICTURES.relative_to(house.HOME)}")
    results = _results(peers, measured.lines)
    (BUILD / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    for fault in measured.faults:
        print(f"wrong: {fault}")
    for problem in measured.problems:
        print(f"not measured: {problem}")
    for one, bar in missed:
        print(f"missed: {one.what.strip()}, {one.who}: {bar.says} {bar.value:,.2f}")
    if is_published and not measured.faults and not measured.problems:
        now = kept.measure(_ROUNDS_KEPT)
        kept.publish(now, results["machine"])
        results["fixed"] = now.fixed
        publish.write(results, measured.lines, graph.svg(graph.panels(measured.lines)))
    if measured.faults or missed:
        return 1
    return 4 if measured.problems or (is_judged and peers.missing) else 0


def _measured(peers: Peers, size: Size, sections: Sequence[str]) -> Measured:
    """Each section of the table; one that fails does not stop the others."""
    measured = Measured([], [], [])
    for name in sections:
        try:
            lines, faults = SECTIONS[name](peers, size)
        except CannotMeasureError as problem:
            measured.problems.append(f"{name}: {problem}")
            continue
        measured.lines.extend(lines)
        measured.faults.extend(faults)
    return measured


def _results(peers: Peers, lines: list[Line]) -> dict[str, Any]:
    """The raw figures."""
    made = [
        one._asdict() | {"bars": [bar._asdict() | {"reached": bar.reached} for bar in one.bars]}
        for one in lines
    ]
    return {"machine": venv.machine(), "peers": peers.there, "lines": made}


if __name__ == "__main__":
    sys.exit(main())
