"""What is wrong with a batch file, cell by cell, and the report that its client gets of it.

A report is in English, whoever the operator is: it goes to the client, who corrects the file.
"""

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple

from lib.core.faults import SHOWN, Fault, printable
from lib.core.messages import ENGLISH, Message, counted, render, say


class CellFault(NamedTuple):
    """A fault of a file: its line as a spreadsheet numbers it (0: the whole file), its column.

    `internal` is what the operator reads in place of `expected` and `remedy`: what is a matter
    of the house does not stand in its client's report.
    """

    line: int
    column: str
    found: str
    expected: Message
    remedy: Message
    internal: Fault | None = None

    @property
    def place(self) -> str:
        """ "line 12, customer_siren"."""
        line = f"line {self.line}" if self.line else ""
        return ", ".join(part for part in (line, shown(self.column)) if part)

    def fault(self) -> Fault:
        """What the operator reads."""
        if self.internal:
            return self._of(self.internal.found, self.internal.remedy)
        return self._of(self.expected, self.remedy)

    def line_of_report(self) -> str:
        """What the client reads."""
        fault = self._of(self.expected, self.remedy)
        parts = [in_report(part) for part in (fault.found, fault.remedy) if part]
        return printable(": ".join(filter(None, (self.place, "; ".join(parts)))))

    def _of(self, expected: Message, remedy: Message | None) -> Fault:
        if not self.found:
            return Fault(self.place, expected, remedy=remedy)
        found = say("{value}: {expected}", value=shown(self.found), expected=expected)
        return Fault(self.place, found, remedy=remedy)


def of_house(file: str, found: Message, remedy: Message) -> CellFault:
    """A fault of a whole file that its client has no part in: only the operator reads why."""
    return CellFault(
        0,
        "",
        file,
        say("it cannot be invoiced as things stand"),
        say("ask us; nothing in it has to change"),
        Fault("", found, remedy=remedy),
    )


def errors(number: int) -> Message:
    """ "1 error", "12 errors"."""
    return counted(number, "1 error", "{number} errors")


def report_csv(faults: Iterable[CellFault], delimiter: str) -> bytes:
    """The report for the seller's spreadsheet, with the delimiter that it knows."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(["line", "column", "value", "rule", "remedy"])
    for fault in faults:
        values = (shown(fault.column), shown(fault.found))
        texts = (in_report(fault.expected), in_report(fault.remedy))
        writer.writerow([fault.line or "", *map(printable, (*values, *texts))])
    return b"\xef\xbb\xbf" + stream.getvalue().encode("utf-8", "replace")


def report_text(file: str, faults: list[CellFault]) -> bytes:
    """The report in plain text."""
    count = errors(len(faults))
    head = say("{file}: rejected, {errors}, nothing was issued", file=file, errors=count)
    lines = [in_report(head), *(fault.line_of_report() for fault in faults)]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def in_report(text: Message) -> str:
    """A text in the language of reports."""
    return text if isinstance(text, str) else render(text, ENGLISH)


def shown(value: str) -> str:
    """A value as a report repeats it: short, its ends in sight, never a spreadsheet's formula."""
    text = value if len(value) <= SHOWN else f"{value[: SHOWN - 3]}..."
    plain = text[:1] not in ("=", "+", "-", "@") and text == text.strip()
    return text if plain else f'"{text}"'
