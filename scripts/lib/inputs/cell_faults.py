"""What is wrong with a batch file, cell by cell, and the report that its client gets of it.

A report is in the client's language, whoever the operator is: the client corrects the file.
"""

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple

from lib.core.faults import SHOWN, Fault, printable
from lib.core.messages import Message, counted, render, say, spoken


class CellFault(NamedTuple):
    """A fault of a file: its line as a spreadsheet numbers it (0: the whole file), its column.

    `internal` is what the operator reads in place of `expected` and `remedy`: what is a matter
    of the house does not stand in its client's report.
    """

    line: int
    column: str
    found: str | Message
    expected: Message
    remedy: Message
    internal: Fault | None = None

    def place(self, language: str) -> str:
        """ "line 12, customer_siren"."""
        line = render(say("line {number}", number=self.line), language) if self.line else ""
        return ", ".join(part for part in (line, shown(self.column)) if part)

    def fault(self) -> Fault:
        """What the operator reads."""
        if self.internal:
            return self._of(self.internal.found, self.internal.remedy)
        return self._of(self.expected, self.remedy)

    def line_of_report(self, language: str) -> str:
        """What the client reads."""
        fault = self._of(self.expected, self.remedy)
        parts = [render(part, language) for part in (fault.found, fault.remedy) if part]
        text = render(say("; "), language).join(parts)
        place = self.place(language)
        return printable(f"{place}{render(say(': '), language)}{text}" if place else text)

    def _of(self, expected: Message, remedy: Message | None) -> Fault:
        if not self.found:
            return Fault(self.place(spoken()), expected, remedy=remedy)
        value = shown(self.found) if isinstance(self.found, str) else self.found
        found = say("{value}: {expected}", value=value, expected=expected)
        return Fault(self.place(spoken()), found, remedy=remedy)


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


def report_csv(faults: Iterable[CellFault], delimiter: str, language: str) -> bytes:
    """The report for the seller's spreadsheet, with the delimiter that it knows."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    headings = (say("line"), say("column"), say("value"), say("rule"), say("remedy"))
    writer.writerow([render(heading, language) for heading in headings])
    for fault in faults:
        values = (shown(fault.column), _shown(fault.found, language))
        texts = (render(fault.expected, language), render(fault.remedy, language))
        writer.writerow([fault.line or "", *map(printable, (*values, *texts))])
    return b"\xef\xbb\xbf" + stream.getvalue().encode("utf-8", "replace")


def report_text(file: str, faults: list[CellFault], language: str) -> bytes:
    """The report in plain text."""
    count = errors(len(faults))
    head = say("{file}: rejected, {errors}, nothing was issued", file=file, errors=count)
    lines = [render(head, language), *(fault.line_of_report(language) for fault in faults)]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _shown(value: str | Message, language: str) -> str:
    return shown(value) if isinstance(value, str) else render(value, language)


def shown(value: str) -> str:
    """A value as a report repeats it: short, its ends in sight, never a spreadsheet's formula."""
    text = value if len(value) <= SHOWN else f"{value[: SHOWN - 3]}..."
    plain = text[:1] not in ("=", "+", "-", "@") and text == text.strip()
    return text if plain else f'"{text}"'
