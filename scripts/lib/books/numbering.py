"""Numbers: `{code}-{year}-{seq:04d}`, annual sequences without gaps, in order of date.

Quotes have sequences of their own, whose numbers bear a mark: `{code}-D{year}-{seq:04d}`.

One sequence for each client by default (art. 242 nonies A I-7° ann. II CGI allows several
where the activity justifies it), or one for the whole issuer. The records are the truth;
data/counters/<code>.json repeats the last of each year, and both must agree.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from lib.books import issuing, records
from lib.core import storage
from lib.core.faults import Alert, Broken, Fault
from lib.core.messages import say
from lib.core.root import Root

QUOTE_MARK = "D"  # devis

_NUMBER = re.compile(r"([A-Z0-9]{1,8})-(D?)(20[0-9]{2})-([0-9]{4,})")


class Sequence(NamedTuple):
    """One code in one year: the last number given, and the issue date it has."""

    seq: int
    last_date: date


Sequences = dict[tuple[str, int], Sequence]  # (code, year)


def number(code: str, year: int, seq: int, mark: str = "") -> str:
    """BT-1: NORD-2026-0001; of a quote, with its mark: NORD-D2026-0001."""
    return f"{code}-{mark}{year}-{seq:04d}"


class Numbered(NamedTuple):
    """A number that was given: in which line of which record file, and its issue date."""

    file: str
    line: int
    number: str
    issue_date: str


def numbered(root: Root, chains: Iterable[records.Chain]) -> Iterator[Numbered]:
    """The numbers that records hold."""
    for chain in chains:
        for record in chain.records:
            if "number" in record:
                place = root.name_of(chain.path), record["seq"]
                yield Numbered(*place, record["number"], record["issue_date"])


def read(root: Root, counters: str, numbers: Iterable[Numbered], mark: str = "") -> Sequences:
    """The sequences that all numbers come to, proved against the counters.

    Args:
      counters: the folder under data/: counters, counters_batch or counters_quotes.
      numbers: every number of the records, in order of file and line.
      mark: what these numbers bear before the year.

    Raises:
      Broken: for a gap, a number given twice, dates out of order, or a counter that
        disagrees.
    """
    sequences: Sequences = {}
    faults: list[Alert] = []
    for name, line, text, issue_date in sorted(
        numbers, key=lambda entry: parse(entry.number, mark)
    ):
        code, year, seq = parse(text, mark)
        day, place = date.fromisoformat(issue_date), f"line {line}"
        last = sequences.get((code, year), Sequence(0, date.min))
        if seq != last.seq + 1:
            before = number(code, year, last.seq, mark)
            found = say("has {number} after {last}: a gap or a double", number=text, last=before)
            faults.append(Alert("B-NUMBER-GAP", name, Fault(place, found)))
        if day < last.last_date or day.year != year:
            found = say(
                "{number} is of {day}, the number before it of {before}",
                number=text,
                day=str(day),
                before=str(last.last_date),
            )
            faults.append(Alert("B-NUMBER-DATE", name, Fault(place, found)))
        sequences[code, year] = Sequence(seq, day)
    faults += _counter_faults(root, counters, sequences)
    if faults:
        raise Broken(faults)
    return sequences


def parse(text: str, mark: str = "") -> tuple[str, int, int]:
    """The code, year and sequence of a number that bears `mark`.

    Raises:
      ValueError: if it is not one of ours.
    """
    match = _NUMBER.fullmatch(text)
    if match is None or match[2] != mark:
        raise ValueError(f"{text!r} is not a number such as {number('NORD', 2026, 1, mark)}")
    code, _, year, seq = match.groups()
    return code, int(year), int(seq)


def advance(sequences: Sequences, code: str, day: date, mark: str = "") -> str:
    """The next number of `code` on `day`; from now on it is the last of `sequences`.

    Raises:
      ValueError: if the sequence has a later date already (numbers follow dates).
    """
    last = sequences.get((code, day.year), Sequence(0, day))
    if day < last.last_date:
        latest = number(code, day.year, last.seq, mark)
        early = say(
            "{day} is before {last_day}, the date of {number}; numbers follow dates",
            day=str(day),
            last_day=str(last.last_date),
            number=latest,
        )
        raise ValueError(early)
    sequences[code, day.year] = Sequence(last.seq + 1, day)
    return number(code, day.year, last.seq + 1, mark)


def counter_files(root: Root, counters: str, sequences: Sequences) -> dict[str, bytes]:
    """The bytes of each counter file, by its name under the root."""
    years: dict[str, dict[str, int]] = {}
    for (code, year), sequence in sorted(sequences.items()):
        years.setdefault(code, {})[str(year)] = sequence.seq
    return {
        f"data/{counters}/{code}.json": storage.canonical_json(last) + b"\n"
        for code, last in years.items()
    }


def stage(run: issuing.Run, counters: str, sequences: Sequences) -> None:
    """Stages the counters as they are with these sequences."""
    for name, data in counter_files(run.root, counters, sequences).items():
        run.put(run.root.path / name, data)


def _counter_faults(root: Root, counters: str, sequences: Sequences) -> list[Alert]:
    expected = counter_files(root, counters, sequences)
    folder = root.data / counters
    there = {root.name_of(path): storage.read(path) for path in folder.glob("*.json")}
    faults = []
    for name in sorted(expected.keys() | there.keys()):
        if expected.get(name) != there.get(name):
            counter = expected.get(name, b"no counter\n").decode().strip()
            found = say("disagrees with the records, which say {counter}", counter=counter)
            faults.append(Alert("B-COUNTER", name, Fault("", found)))
    return faults
