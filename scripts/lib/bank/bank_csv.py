"""The CSV of a bank, in exactly the form that `bank_files` in issuer.json says it has.

Nothing is sniffed: the header, the number of cells, each date and each amount are as they were
said to be, or the whole file is refused. Where there is a column of balances, each has to follow
from the one before it, whichever way the file runs.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import NamedTuple

from stdnum import iso11649

from lib.bank import statements
from lib.bank.statements import (
    SHOWN,
    BankMovement,
    File,
    Statement,
    StatementEntry,
    StatementError,
    on_line,
    refusal,
)
from lib.core.faults import Fault
from lib.core.messages import Message, say
from lib.inputs.bank_files import BankColumns, BankFile
from lib.values import money

_CODECS = {"utf-8": "utf-8-sig", "windows-1252": "cp1252"}
_SEARCHED = 200  # lines in which the header is looked for, to say where it is
_SPACE = "[ \u00a0\u202f]"
_SYMBOLS = {"EUR": "€", "USD": "[$]", "GBP": "£"}
_PARTS = {"DD": r"(?P<day>[0-9]{2})", "MM": r"(?P<month>[0-9]{2})",
          "YYYY": r"(?P<year>[0-9]{4})", "YY": r"(?P<year>[0-9]{2})"}  # fmt: skip


class _Line(NamedTuple):
    """A record of the file, its cells without the spaces around them, and its lines."""

    first: int
    number: int
    cells: list[str]


class _Table(NamedTuple):
    """A form with what its header says: where each column stands."""

    form: BankFile
    columns: BankColumns
    positions: dict[str, int]
    date: re.Pattern[str]

    def cell(self, line: _Line, column: str) -> str:
        return line.cells[self.positions[column]] if column else ""

    def currency(self, line: _Line) -> str:
        return self.cell(line, self.columns.currency) or self.form.currency

    def wrong(
        self, line: _Line, column: str, what: Message, expected: Message | None = None
    ) -> StatementError:
        """A refusal that names line, column and value."""
        value = self.cell(line, column)[:SHOWN]
        found = say('{column} "{value}" {what}', column=column, value=value, what=what)
        return refusal(found, on_line(line.number), expected)


class _CsvEntry(NamedTuple):
    """An entry with the balance after it, None where its cell is empty."""

    line: _Line
    entry: StatementEntry
    balance: Decimal | None


def read(data: bytes, form: BankFile, account: str) -> File:
    """A file in this form; `account` is what its account is called where no column says so.

    Raises:
      StatementError: if anything is not as the form says.
    """
    assert form.columns is not None
    text = _decoded(data, form.encoding)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip(" \x1a\0"):
        lines.pop()
    end = max(len(lines) - form.skip_foot, form.skip_head)
    body = lines[form.skip_head : end]
    records = list(_records(body, form, form.skip_head))
    width, index = _header(records, form, form.columns, lines)
    table = _Table(form, form.columns, index, _date_pattern(form))
    rows = records[1:] if form.header else records
    entries = statements.gather(lambda line: _entry(table, line, width, account), rows)
    ends = text.endswith(("\n", "\r"))
    faults = [
        *_skipped(table, lines, end),
        *([] if ends else _cut_short(table, lines, end)),
        *_swallowed(table, lines, rows),
        *_balance_faults(entries),
    ]
    if faults:
        raise StatementError(faults[:20])
    count, amounts = _second_count(body, table)
    found = Statement("statement 1", account, [one.entry for one in entries], [], [], [])
    return File([found], "line", count, amounts, [])


def _decoded(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(_CODECS.get(encoding, encoding))
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        found = say(
            "has a byte 0x{byte} that no {encoding} has",
            byte=data[at : at + 1].hex().upper(),
            encoding=encoding,
        )
        raise refusal(found, on_line(data.count(b"\n", 0, at) + 1), _says(encoding)) from None
    if not encoding.startswith("utf") and not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeError:
            return text
        raise refusal(say("is encoded in UTF-8"), expected=_says(encoding))
    return text


def _says(encoding: str) -> Message:
    return say("bank_files says {encoding}", encoding=encoding)


def _records(body: Sequence[str], form: BankFile, skipped: int) -> Iterator[_Line]:
    """The records that hold anything; a quoted cell may run over several lines."""
    reader = csv.reader((f"{line}\n" for line in body), delimiter=form.delimiter, strict=True)
    while True:
        first = reader.line_num + skipped + 1
        try:
            cells = [" ".join(cell.split()) for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            found = say("is not CSV: {error}", error=str(error))
            raise refusal(found, on_line(reader.line_num + skipped)) from None
        if any(cells):
            yield _Line(first, reader.line_num + skipped, cells)


def _header(
    records: list[_Line], form: BankFile, columns: BankColumns, lines: Sequence[str]
) -> tuple[tuple[int, int], dict[str, int]]:
    """The least and the most cells of a line, and where each column stands."""
    names = columns.names()
    if not form.header:
        most = max((len(line.cells) for line in records), default=0)
        index = {name: int(name) - 1 for name in names}
        return (max(index.values()) + 1, most), index
    if not records:
        raise refusal(say("holds no header"), expected=_columns_said(names))
    cells = [_key(cell) for cell in records[0].cells]
    doubled = [name for name in names if cells.count(_key(name)) > 1]
    missing = [name for name in names if _key(name) not in cells]
    if missing or doubled:
        raise refusal(
            say("has the columns {columns}", columns=tuple(c for c in records[0].cells if c)[:20])
            if len(cells) > 1
            else say('is "{line}"', line=records[0].cells[0][:SHOWN]),
            on_line(records[0].number),
            say("expected each of {columns} once", columns=(*missing, *doubled)),
            _where_it_is(names, form, lines),
        )
    least = max(i for i, cell in enumerate(cells, 1) if cell)
    return (least, len(cells)), {name: cells.index(_key(name)) for name in names}


def _columns_said(names: list[str]) -> Message:
    return say("expected each of {columns} once", columns=tuple(names))


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def _where_it_is(names: list[str], form: BankFile, lines: Sequence[str]) -> Message:
    for i, line in enumerate(lines[:_SEARCHED]):
        cells = [_key(cell) for cell in line.replace('"', "").split(form.delimiter)]
        if all(cells.count(_key(name)) == 1 for name in names):
            return say(
                "the header is on line {line}: write skip_head {skip_head} in bank_files",
                line=i + 1,
                skip_head=i,
            )
    return say("correct bank_files in issuer.json, as docs/statements.md says")


def _date_pattern(form: BankFile) -> re.Pattern[str]:
    parts = re.split("(YYYY|YY|MM|DD)", form.date_format)
    return re.compile("".join(_PARTS.get(part, re.escape(part)) for part in parts) + "(?:[ T].*)?")


@cache
def _amount_pattern(decimal: str, thousands: str, currency: str) -> re.Pattern[str]:
    """An amount, with the sign or code of its currency where the bank writes it.

    Three decimals are none that a bank has: they would be thousands whose sign is not as was said.
    """
    whole = "[0-9]{1,15}"
    if thousands:
        between = _SPACE if thousands == " " else re.escape(thousands)
        whole = f"[0-9]{{1,3}}(?:{between}[0-9]{{3}}){{1,4}}|{whole}"
    unit = f"(?:{_SYMBOLS.get(currency, '(?!)')}|{re.escape(currency)})"
    front = f"(?:{unit}{_SPACE}?)?([+-]?){_SPACE}?(?:{unit}{_SPACE}?)?"
    cents = f"(?:{re.escape(decimal)}([0-9]{{1,2}}|[0-9]{{4,5}}))?"
    return re.compile(f"{front}({whole}){cents}(?:{_SPACE}?{unit})?")


def _amount(table: _Table, line: _Line, column: str) -> Decimal | None:
    """The amount in a column, with its sign; None if the cell is empty."""
    text = table.cell(line, column)
    if not text:
        return None
    form = table.form
    found = _amount_pattern(form.decimal, form.thousands, table.currency(line)).fullmatch(text)
    if not found:
        example = f"-1{form.thousands}234{form.decimal}50"
        expected = say("expected {example}", example=example)
        raise table.wrong(line, column, say("is not an amount"), expected)
    digits = re.sub("[^0-9]", "", found[2])
    return Decimal(f"{found[1]}{digits}.{found[3] or '0'}")


def _signed(table: _Table, line: _Line) -> Decimal:
    """The amount of an entry, negative where it went out."""
    columns, form = table.columns, table.form
    if columns.amount:
        amount = _amount(table, line, columns.amount)
        if amount is None:
            raise table.wrong(line, columns.amount, say("is not an amount"))
        if not form.signs:
            return amount
        mark = table.cell(line, columns.sign)
        if mark not in (form.signs.credit, form.signs.debit):
            words = say(
                "expected {credit} or {debit}", credit=form.signs.credit, debit=form.signs.debit
            )
            raise table.wrong(line, columns.sign, say("says no direction"), words)
        if amount.is_signed():
            raise table.wrong(line, columns.amount, say("has a sign beside the sign column"))
        return amount if mark == form.signs.credit else amount.copy_negate()
    debit, credit = _amount(table, line, columns.debit), _amount(table, line, columns.credit)
    if debit and credit:
        raise table.wrong(line, columns.debit, say("stands beside an amount that came in"))
    if debit is None and credit is None:
        found = say("has neither {debit} nor {credit}", debit=columns.debit, credit=columns.credit)
        raise refusal(found, on_line(line.number))
    if credit and credit < 0:
        raise table.wrong(line, columns.credit, say("has a minus sign"), say("expected none"))
    if debit and (debit < 0) != form.debit_is_negative:
        what = say("has a minus sign") if debit < 0 else say("has no minus sign")
        expected = say(
            "bank_files says debit_is_negative {said}", said=str(form.debit_is_negative).lower()
        )
        raise table.wrong(line, columns.debit, what, expected)
    return (credit or money.ZERO) - abs(debit or money.ZERO)


def _day(table: _Table, line: _Line, column: str) -> date:
    found = table.date.fullmatch(table.cell(line, column))
    if found:
        year = found["year"] if len(found["year"]) == 4 else f"20{found['year']}"
        if day := statements.day(f"{year}-{found['month']}-{found['day']}"):
            return day
    expected = say("expected {form}", form=table.form.date_format)
    raise table.wrong(line, column, say("is not a date"), expected)


def _entry(table: _Table, line: _Line, width: tuple[int, int], account: str) -> _CsvEntry:
    least, most = width
    if len(line.cells) < least or any(line.cells[most:]):
        found = say("has {number} cells", number=len(line.cells))
        raise refusal(found, on_line(line.number), say("expected {number}", number=most))
    columns, place = table.columns, on_line(line.number)
    if columns.value_date and table.cell(line, columns.value_date):
        _day(table, line, columns.value_date)
    amount = _signed(table, line)
    labels = [table.cell(line, name) for name in columns.label]
    status = table.cell(line, columns.status)
    booked = not columns.status or status in table.form.booked
    currency = table.currency(line)
    movement = BankMovement(
        place=place,
        account=table.cell(line, columns.account) or account,
        booked=_day(table, line, columns.date),
        amount=abs(amount),
        currency=currency,
        credit=not amount.is_signed(),
        odd=False,
        method="transfer",
        references=tuple(map(statements.compact, filter(iso11649.is_valid, labels))),
        text=" ".join(dict.fromkeys(label for label in labels if label)),
        party=table.cell(line, columns.party),
        bank_reference=table.cell(line, columns.reference),
        doubt=None if booked else say("is not booked ({status})", status=status[:35]),
    )
    balance = _amount(table, line, columns.balance) if columns.balance else None
    return _CsvEntry(line, StatementEntry(place, amount, currency, booked, [movement]), balance)


# --- what is compared ----------------------------------------------------------------


def _balance_faults(entries: Iterable[_CsvEntry]) -> Iterator[Fault]:
    """Where a balance does not follow from the one before: of each account, either way."""
    key = lambda one: (one.entry.movements[0].account, one.entry.currency)  # noqa: E731
    for _, group in groupby(sorted(entries, key=key), key):
        mine = [one for one in group if one.entry.booked]
        down, up = list(_breaks(mine)), list(_breaks(mine[::-1]))
        if down and up:
            first = min(down, up, key=len)[0]
            found = say("the balance does not follow from the amounts and the balances around it")
            yield Fault(on_line(first.line.number), found, remedy=say("download the file again"))


def _breaks(entries: list[_CsvEntry]) -> Iterator[_CsvEntry]:
    """Entries, oldest first, whose balance is not the one before plus the amounts since."""
    before: Decimal | None = None
    since: list[Decimal] = []
    for one in entries:
        since.append(one.entry.amount)
        if one.balance is None:
            continue
        if before is not None and money.total([before, *since]) != one.balance:
            yield one
        before, since = one.balance, []


def _skipped(table: _Table, lines: Sequence[str], end: int) -> Iterator[Fault]:
    """Lines of the head and the foot that are entries."""
    head = table.form.skip_head
    for first, part, name in ((0, lines[:head], "skip_head"), (end, lines[end:], "skip_foot")):
        for i, text in enumerate(part, first + 1):
            if _is_entry(table, i, text):
                found = say("is an entry, but {name} leaves it out", name=name)
                yield Fault(on_line(i), found, remedy=say("correct it in bank_files"))


def _swallowed(table: _Table, lines: Sequence[str], rows: Iterable[_Line]) -> Iterator[Fault]:
    """Entries that a quote without its end has made a part of a text."""
    for row in rows:
        for i in range(row.first + 1, row.number + 1):
            if _is_entry(table, i, lines[i - 1]):
                found = say("is an entry, but stands in a text that a quote began")
                yield Fault(on_line(i), found, remedy=say("download the file again"))


def _cut_short(table: _Table, lines: Sequence[str], end: int) -> Iterator[Fault]:
    """A foot that is the beginning of an entry, in a file without a last line end."""
    if end == len(lines):
        return
    cells = _cells(table, lines[-1])
    at = table.positions[table.columns.date]
    begins = at < len(cells) <= max(table.positions.values()) and table.date.fullmatch(cells[at])
    if begins or re.fullmatch("[0-9/.-]{1,10}", lines[-1]):
        found = say("is the beginning of an entry; the file is cut short")
        yield Fault(on_line(len(lines)), found, remedy=say("download the file again"))


def _cells(table: _Table, text: str) -> list[str]:
    return [" ".join(cell.split()) for cell in text.split(table.form.delimiter)]


def _is_entry(table: _Table, number: int, text: str) -> bool:
    line = _Line(number, number, _cells(table, text))
    if len(line.cells) <= max(table.positions.values()):
        return False
    try:
        _day(table, line, table.columns.date), _signed(table, line)
    except StatementError:
        return False
    return True


def _second_count(body: Sequence[str], table: _Table) -> tuple[int, list[Decimal]]:
    """How many records the text holds and the digits of their amounts, by its quotes alone."""
    mark = re.escape(table.form.delimiter)
    quoted = re.compile(rf'(?:^|{mark})"(?:[^"]|"")*+"(?={mark}|$)')
    opens = re.compile(rf'(?:^|{mark})"')
    records, unfinished = [], ""
    for line in body:
        unfinished = f"{unfinished}\n{line}" if unfinished else line
        if not opens.search(quoted.sub(table.form.delimiter, unfinished)):
            records.append(unfinished)
            unfinished = ""
    filled = [one for one in records if one.strip(f'" {table.form.delimiter}\t\n\u00a0')]
    cell = re.compile(rf'(?:^|{mark})((?:^|(?<={mark}))"(?:[^"]|"")*+"(?={mark}|$)|[^{mark}]*)')
    rows = filled[1:] if table.form.header else filled
    return len(rows) + bool(unfinished), [_digits(cell.findall(row), table) for row in rows]


def _digits(cells: list[str], table: _Table) -> Decimal:
    """The first amount of a record that is not 0, of its digits and what stands before them."""
    columns, signs = table.columns, table.form.signs
    for name in filter(None, (columns.amount, columns.credit, columns.debit)):
        whole, _, rest = cells[table.positions[name]].strip('" ').partition(table.form.decimal)
        digits = re.sub("[^0-9]", "", whole + rest)
        if digits.strip("0"):
            out = name == columns.debit or "-" in whole
            if signs:
                out = cells[table.positions[columns.sign]].strip('" ') == signs.debit
            value = Decimal(digits).scaleb(-len(re.sub("[^0-9]", "", rest)))
            return -value if out else value
    return money.ZERO
