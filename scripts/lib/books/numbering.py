"""Numbering: annual sequences without gaps, in order of date; quotes have some of their own.

One sequence for each client by default (art. 242 nonies A I-7° ann. II CGI allows several
where the activity justifies it), or one for the whole issuer. A sequence begins at 1, or after
the last number of the tool before, which a record of kind `sequence` names. The records are the
truth; data/counters/<code>.json repeats the last of each year, and both must agree.

How a number is written (values/numbers) may change from one year to the next, not within one.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from sys import intern
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

from lib.books import issuing, records
from lib.core import storage
from lib.core.faults import Alert, Broken, Fault, Refused, at_line
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.values import numbers
from lib.values.numbers import Number


class Sequence(NamedTuple):
    """One code in one year: the last number given, the issue date it has, and its format; before
    the first number the format is empty."""

    seq: int
    last_date: date
    format: str = numbers.DEFAULT

    def last_number(self, code: str) -> str:
        """As it is written."""
        return numbers.write(self.format or numbers.DEFAULT, code, self.last_date, self.seq)


Sequences = dict[tuple[str, int], Sequence]  # (code, year)
Starts = Mapping[tuple[str, int], int]  # the last number of the tool before


class Numbered(Struct, frozen=True, order=True, gc=False):
    """A number that was given, by its parts, which sort as sequences run: in which line of which
    record file, and its issue date. There are as many as documents: texts are held once."""

    code: str
    year: int
    seq: int
    month: int
    format: str
    file: str
    line: int
    issue_date: str

    @property
    def number(self) -> str:
        """As it is written."""
        return numbers.write(self.format, self.code, date(self.year, self.month or 1, 1), self.seq)


def of_record(
    file: str, line: int, number: str, issue_date: str, formats: tuple[str, ...] = numbers.FORMATS
) -> Numbered:
    """A number as a record has it.

    Args:
      formats: how it may be written; that of a quote: (numbers.QUOTE,).
    """
    code, year, seq, month, format_ = numbers.parse(number, formats)
    return Numbered(intern(code), year, seq, month, format_, file, line, intern(issue_date))


def numbered(
    root: Root, chains: Iterable[records.Chain], formats: tuple[str, ...] = numbers.FORMATS
) -> Iterator[Numbered]:
    """The numbers that records hold."""
    for chain in chains:
        file = root.name_of(chain.path)
        for record in chain.records:
            if "number" in record:
                number, day = record["number"], record["issue_date"]
                yield of_record(file, record["seq"], number, day, formats)


def read(
    root: Root,
    counters: str,
    entries: Iterable[Numbered],
    starts: Starts = MappingProxyType({}),
) -> Sequences:
    """The sequences that all numbers come to, proved against the counters.

    Args:
      counters: the folder under data/: counters, counters_batch or counters_quotes.
      entries: every number of the records, in order of file and line.
      starts: where sequences go on from another tool's.

    Raises:
      Broken: for a gap, a number given twice, dates out of order, or a counter that
        disagrees.
    """
    sequences = {
        (code, year): Sequence(last, date(year, 1, 1), "") for (code, year), last in starts.items()
    }
    faults: list[Alert] = []
    of_years: dict[int, str] = {}
    for entry in sorted(entries):
        code, year, seq, format_ = entry.code, entry.year, entry.seq, entry.format
        day, place = date.fromisoformat(entry.issue_date), at_line(entry.line)
        last = sequences.get((code, year), Sequence(0, date(year, 1, 1), format_))
        if seq != last.seq + 1:
            before = last._replace(format=format_).last_number(code)
            found = say(
                "has {number} after {last}: a gap or a double", number=entry.number, last=before
            )
            faults.append(Alert("B-NUMBER-GAP", entry.file, Fault(place, found)))
        if of_years.setdefault(year, format_) != format_:
            found = say(
                "has {number}, others of {year} are written {format}",
                number=entry.number,
                year=str(year),
                format=of_years[year],
            )
            faults.append(Alert("B-NUMBER-GAP", entry.file, Fault(place, found)))
        if day < last.last_date or day.year != year or entry.month not in (0, day.month):
            found = say(
                "{number} is of {day}, the number before it of {before}",
                number=entry.number,
                day=str(day),
                before=str(last.last_date),
            )
            faults.append(Alert("B-NUMBER-DATE", entry.file, Fault(place, found)))
        sequences[code, year] = Sequence(seq, day, format_)
    faults += _counter_faults(root, counters, sequences)
    if faults:
        raise Broken(faults)
    return sequences


def still_to_come(sequences: Sequences, text: str, year: int) -> Number | None:
    """The parts of a number, of any format, that its sequence gives in `year` or later; None if it
    does not. Formats may change, and two that differ by a hyphen have one creditor reference."""
    try:
        number = numbers.parse(text.upper())
    except ValueError:
        return None
    last = sequences.get((number.code, number.year))
    return number if number.year >= year and number.seq > (last.seq if last else 0) else None


def format_in(sequences: Sequences, year: int) -> str:
    """How numbers of a year are written; empty where there is none yet."""
    return next(
        (last.format for (_, of), last in sequences.items() if of == year and last.format), ""
    )


def refuse_other_format(sequences: Sequences, year: int, wanted: str) -> None:
    """Numbers of a year are all written alike.

    Raises:
      Refused: if those that there are have another format than issuer.json says.
    """
    standing = format_in(sequences, year)
    if standing not in ("", wanted):
        found = say(
            "{format} cannot begin within {year}, whose numbers are written {standing}",
            format=wanted,
            year=str(year),
            standing=standing,
        )
        remedy = say(
            'write "{standing}"; another format begins with a year\'s first number',
            standing=standing,
        )
        fault = Fault("number_format", found, remedy=remedy)
        raise Refused([Alert("B-NUMBER-FORMAT", "issuer.json", fault)])


class NoNumber(ValueError):
    """Why a sequence cannot give a number on a day."""

    def __init__(self, why: Message):
        self.why = why
        super().__init__(str(why))


def advance(sequences: Sequences, code: str, day: date, format_: str = numbers.DEFAULT) -> str:
    """The next number of `code` on `day`; from now on it is the last of `sequences`.

    Raises:
      NoNumber: if the sequence has a later date already (numbers follow dates), or is full.
    """
    last = sequences.get((code, day.year), Sequence(0, day, format_))
    if last.seq == numbers.LARGEST:
        raise NoNumber(say("{code} has no number left in {year}", code=code, year=str(day.year)))
    if day < last.last_date:
        latest = last.last_number(code)
        early = say(
            "{day} is before {last_day}, the date of {number}; numbers follow dates",
            day=str(day),
            last_day=str(last.last_date),
            number=latest,
        )
        raise NoNumber(early)
    sequences[code, day.year] = Sequence(last.seq + 1, day, format_)
    return numbers.write(format_, code, day, last.seq + 1)


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
            counter = expected.get(name)
            wanted = counter.decode().strip() if counter else say("no counter")
            found = say("disagrees with the records, which give {counter}", counter=wanted)
            faults.append(Alert("B-COUNTER", name, Fault("", found)))
    return faults
