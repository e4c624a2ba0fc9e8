"""Numbers of documents: the formats that issuer.json chooses from, written and read back.

Whatever the code, a text is a number of one format at most, and without its hyphens (as its
creditor reference has it) no other number of its year. So a number is read by its own format, and
another year may have another one. BR-FR-01 allows more characters than these. A number has at most
20 of them, as e-reporting (flux 10) takes no longer ones until December 2026.
"""

import re
from datetime import date
from functools import cache
from typing import NamedTuple

DEFAULT = "{code}-{year}-{seq:04d}"
FORMATS = (
    DEFAULT,
    "{code}{year}-{seq:04d}",
    "{code}-{year}{seq:04d}",
    "{code}-{year}-{month}-{seq:03d}",
    "{code}-{year}{month}-{seq:03d}",
    "{code}{year}-{month}-{seq:03d}",
)
QUOTE = "{code}-D{year}-{seq:04d}"
LARGEST = 999_999  # of a sequence
LONGEST = 20  # characters

_PARTS = {
    "{code}": "(?P<code>[A-Z0-9]{1,8})",
    "{year}": "(?P<year>20[0-9]{2})",
    "{month}": "(?P<month>0[1-9]|1[0-2])",
    "{seq:04d}": "(?P<seq>[0-9]{4}|[1-9][0-9]{4,5})",
    "{seq:03d}": "(?P<seq>[0-9]{3}|[1-9][0-9]{3,5})",
}


class Number(NamedTuple):
    """The parts of a number; `month` is 0 where its format has none."""

    code: str
    year: int
    seq: int
    month: int
    format: str


def write(format_: str, code: str, day: date, seq: int) -> str:
    """BT-1: NORD-2026-0001."""
    return format_.format(code=code, year=day.year, month=f"{day.month:02d}", seq=seq)


def parse(text: str, formats: tuple[str, ...] = FORMATS) -> Number:
    """The parts of a number that has one of `formats`: those of invoices, or that of quotes.

    Raises:
      ValueError: if it is not one of ours.
    """
    for format_ in formats:
        if match := _pattern(format_).fullmatch(text):
            parts = match.groupdict()
            year, seq = int(parts["year"]), int(parts["seq"])
            return Number(parts["code"], year, seq, int(parts.get("month") or 0), format_)
    like = write(formats[0], "NORD", date(2026, 1, 1), 1)
    raise ValueError(f"{text!r} is not a number such as {like}")


@cache
def _pattern(format_: str) -> re.Pattern[str]:
    return re.compile(_regex(format_))


def _regex(format_: str) -> str:
    for part, pattern in _PARTS.items():
        format_ = format_.replace(part, pattern)
    return format_


def any_of(*formats: str) -> str:
    """A regular expression for the numbers of some formats."""
    return "|".join(f"(?:{re.sub('[?]P<[a-z]+>', '?:', _regex(each))})" for each in formats)


def longest_code(format_: str) -> int:
    """How many characters a code may have, so that its last number has at most 20."""
    return min(8, LONGEST - len(write(format_, "", date(2026, 12, 1), LARGEST)))
