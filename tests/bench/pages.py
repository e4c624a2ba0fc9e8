"""One page, in one process: a document becomes a tagged PDF/A-3A with its XML; and its size."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import house
from bench import content, outputs, venv
from bench.measure import Bar, CannotMeasureError, Line, Took, line, middle, say
from bench.outputs import BUILD
from bench.venv import Peers
from lib.values.document import Document

PEERS = Path(__file__).with_name("peers")
WARM = 5  # as in peers/serve.py
_WHAT = "one page"


class Maker(NamedTuple):
    """Who makes pages: its name in the table, its script, the package it needs, its pace."""

    name: str
    script: str
    package: str
    pace: int  # pages a round
    pdf_a: bool


_MAKERS = (
    Maker("ours", "with_ours", "", 40, True),
    Maker("Typst, PDF/A-3a", "with_typst", "typst", 40, True),
    Maker("ours, XML made too", "with_ours_and_xml", "", 40, True),
    Maker("Typst, no payment code", "with_typst_without_code", "typst", 40, True),
    Maker("ReportLab (no PDF/A)", "with_reportlab", "reportlab", 10, False),
    Maker("fpdf2, by its manual", "with_fpdf2", "fpdf2", 5, True),
    Maker("WeasyPrint, PDF/A-3a", "with_weasyprint", "weasyprint", 4, True),
)
_MOST = 30_000  # bytes


def measure(peers: Peers, rounds: int) -> tuple[list[Line], list[str]]:
    """The lines of the table, and what is wrong with the pages that were made."""
    folder = BUILD / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    made = content.documents(folder / "root", WARM + rounds * max(one.pace for one in _MAKERS))
    contents = folder / "contents.json"
    contents.write_bytes(content.written(made))
    makers = [one for one in _MAKERS if not one.package or one.package in peers.there]
    processes = {one: start(one, contents, folder / f"{one.script}.pdf") for one in makers}
    took: dict[Maker, list[Took]] = {one: [] for one in makers}
    try:
        for i in range(rounds):
            for one in makers:
                took[one].append(round_of(processes[one], WARM + i * one.pace, one.pace))
        say(f"one page: {len(makers)} makers, {rounds} rounds")
    finally:
        for process in processes.values():
            process.communicate()
    lines = [line(_WHAT, one.name, took[one], "ms", *_bars(one, took)) for one in makers]
    samples = {one: folder / f"{one.script}.pdf" for one in makers}
    sizes = [_size(one, samples[one]) for one in makers if "XML" not in one.name]
    return [*lines, *sizes], _faults(samples, made[0])


def start(one: Maker, contents: Path, sample: Path) -> subprocess.Popen[str]:
    python = venv.PYTHON if one.package else sys.executable
    process = subprocess.Popen(
        [python, PEERS / f"{one.script}.py", contents, sample],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "" if one.package else str(house.SCRIPTS)},
    )
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise CannotMeasureError(f"{one.name} does not start")
    return process


def round_of(process: subprocess.Popen[str], first: int, count: int) -> Took:
    """The mean of some pages that nobody has made yet."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{first} {first + count}\n")
    process.stdin.flush()
    clock, cpu = json.loads(process.stdout.readline())
    return Took(clock // count, cpu // count)


def _bars(one: Maker, took: dict[Maker, list[Took]]) -> tuple[Bar, ...]:
    ours = middle(round_.clock for round_ in took[_MAKERS[0]])
    theirs = middle(round_.clock for round_ in took[one])
    if one.script == "with_typst":
        return (Bar("ours ÷ Typst", ours / theirs, 0.40),)
    if one.script == "with_weasyprint":
        return (Bar("WeasyPrint ÷ ours", theirs / ours, 40, at_most=False),)
    return ()


def _size(one: Maker, sample: Path) -> Line:
    size = sample.stat().st_size
    bars = (Bar("", size, _MOST),) if one.name == "ours" else ()
    return Line("its size", one.name, (size,), (), "bytes", bars)


def _faults(samples: dict[Maker, Path], made: Document) -> list[str]:
    texts = content.to_be_read(made)
    faults = [fault for path in samples.values() for fault in outputs.faults_of_page(path, texts)]
    ours = [path for one, path in samples.items() if not one.package]
    for path in ours:
        faults += outputs.faults_of_ours(path, made)
    said_a = [path for one, path in samples.items() if one.pdf_a]
    for path, errors in (outputs.verapdf(said_a) or {}).items():
        if path in ours:
            faults += [f"{path.name}: veraPDF: {error}" for error in errors]
        elif errors:
            say(f"{path.stem}: not PDF/A-3A and PDF/UA-1, says veraPDF: {errors[0]}")
    return faults
