"""Frames: the books as tables of pandas, for the commands that calculate with them.

Amounts are whole cents (int64), days are datetime64, and everything else is a text. The rows
are those of the exports (accounting/csv_tables), and two tables that only a workbook has: what
is open, and what stands on the advances of customers, on the last day of a period.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from lib.accounting import csv_tables
from lib.accounting.csv_tables import TABLES, Table
from lib.books import balances, records
from lib.books.histories import History
from lib.documents.csv_files import AMOUNT, CODE, COUNT, DATE, TEXT, Column
from lib.values import periods

OVERPAID = "overpaid"
AGES = ("not_due", "late_30", "late_60", "late_90", "late_more")  # as balances.AGES

OPEN_ITEMS = (
    Column("client"),
    Column("name", TEXT),
    Column("number"),
    Column("date", DATE, "issued_on"),
    Column("due_date", DATE),
    Column("currency"),
    Column("gross", AMOUNT),
    Column("outstanding", AMOUNT),
    Column("days_late", COUNT),
    *(Column(age, AMOUNT) for age in AGES),
    Column(OVERPAID, AMOUNT),
)

DEPOSITS = (
    Column("date", DATE, "issued_on"),
    Column("number"),
    Column("kind", CODE),
    Column("stage", CODE),
    Column("corrects"),
    Column("client"),
    Column("name", TEXT),
    Column("order"),
    Column("advance", AMOUNT),
    Column("currency"),
)

COLUMNS: Mapping[str, Sequence[Column]] = {
    **{name: table.columns for name, table in TABLES.items()},
    "payments": csv_tables.PAYMENTS,
    "open_items": OPEN_ITEMS,
    "deposits": DEPOSITS,
}


class TextCells:
    """The cells of a column of texts: each different one is held once, and which each row has."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.places = array("i")

    def extend(self, cells: Iterable[str]) -> None:
        texts = self.texts
        self.places.extend([texts.setdefault(text, len(texts)) for text in cells])

    def __iter__(self) -> Iterator[str]:
        return map(list(self.texts).__getitem__, self.places)

    def rows(self) -> Any:
        """The text of each row, as an array."""
        return np.array([*self.texts, ""], dtype="object")[np.asarray(self.places)]


Cells: TypeAlias = "TextCells | array[int]"  # the array: whole cents, or counts
Gathered = Mapping[str, Mapping[str, Cells]]  # by table and column


def tables(histories: Sequence[History], period: str) -> dict[str, Table]:
    """Every table of a client."""
    dates = periods.beginnings(period)
    return {
        **{name: table.of(histories, dates).table for name, table in TABLES.items()},
        "payments": csv_tables.payments(histories, dates).table,
        **on_last_day(histories, period),
    }


def on_last_day(histories: Sequence[History], period: str) -> dict[str, Table]:
    """What only a workbook has."""
    day = periods.last_day_of(period)
    return {"open_items": open_items(histories, day), "deposits": deposits(histories, day)}


def gather(
    clients: Iterable[Mapping[str, Table]], columns: Mapping[str, Sequence[Column]] = COLUMNS
) -> Gathered:
    """Columns of the tables of some clients, one below the other."""
    gathered = _empty(columns)
    for of_client in clients:
        for name, of_name in gathered.items():
            for key, cells in of_name.items():
                cells.extend(of_client[name].cells[key])
    return gathered


def shares(
    clients: Iterable[Mapping[str, Table]], columns: Mapping[str, Sequence[Column]] = COLUMNS
) -> Iterator[Gathered]:
    """What `gather` gives of a hundred clients at a time, for `framed`, which keeps none of it."""
    clients = iter(clients)
    while True:
        with records.without_collector():
            some = list(islice(clients, 100))
            gathered = gather(some, columns)
        if not some:
            return
        yield gathered


def _empty(columns: Mapping[str, Sequence[Column]]) -> dict[str, dict[str, Cells]]:
    return {
        name: {
            column.name: array("q") if column.kind in (AMOUNT, COUNT) else TextCells()
            for column in chosen
        }
        for name, chosen in columns.items()
    }


def framed(
    parts: Iterable[Gathered], columns: Mapping[str, Sequence[Column]] = COLUMNS
) -> dict[str, pd.DataFrame]:
    """Each table as a frame, whose rows are in order of client.

    Args:
      parts: in order of client.
    """
    whole = _empty(columns)
    for part in parts:
        for name, of_name in whole.items():
            for key, cells in of_name.items():
                more: Any = part[name][key]
                cells.extend(more)
    return {name: _frame(columns[name], whole.pop(name)) for name in columns}


def in_order(parts: Iterable[Gathered]) -> dict[str, pd.DataFrame]:
    """Each table as a frame, in order of date, and of client within a day, as in the exports."""
    frames = framed(parts)
    for name, rows in frames.items():
        keys = ["client", "date"] if name == "open_items" else ["date"]
        frames[name] = rows.sort_values(keys, kind="stable", ignore_index=True)
    return frames


def frame(table: Table) -> pd.DataFrame:
    """A table as a frame."""
    (cells,) = gather([{"": table}], {"": table.columns}).values()
    return _frame(table.columns, cells)


def _frame(columns: Sequence[Column], cells: Mapping[str, Cells]) -> pd.DataFrame:
    series = {column.name: _series(column.kind, cells[column.name]) for column in columns}
    return pd.DataFrame(series, copy=False)


def _series(kind: str, cells: Cells) -> pd.Series:
    if not isinstance(cells, TextCells):
        return pd.Series(np.asarray(cells, dtype="int64"))
    texts = pd.Series(cells.rows(), dtype="object")
    return pd.to_datetime(texts, format="%Y-%m-%d") if kind == DATE else texts


# --- what only a workbook has --------------------------------------------------------


def open_items(histories: Iterable[History], day: date) -> Table:
    """What is outstanding at the end of a day, by age; and what is to be given back."""
    until = day.isoformat()
    items = [
        (history.invoice, amount, _days_late(history.invoice.due_date, day))
        for history in histories
        if history.invoice.date <= until and (amount := balances.outstanding_of(history, until))
    ]
    places = [balances.age_of(days) if amount > 0 else None for _, amount, days in items]
    cells: csv_tables.Cells = {
        **{
            name: [getattr(invoice, name) for invoice, _, _ in items]
            for name in ("client", "name", "number", "date", "due_date", "currency", "gross")
        },
        "outstanding": [amount for _, amount, _ in items],
        "days_late": [days if amount > 0 else 0 for _, amount, days in items],
        **{
            age: [
                amount if at == i else 0 for at, (_, amount, _) in zip(places, items, strict=True)
            ]
            for i, age in enumerate(AGES)
        },
        OVERPAID: [max(0, -amount) for _, amount, _ in items],
    }
    return Table(OPEN_ITEMS, cells)


def _days_late(due: str, day: date) -> int:
    return max(0, (day - date.fromisoformat(due)).days) if due else 0


def deposits(histories: Iterable[History], day: date) -> Table:
    """What put an amount on the advances of customers, or took it off, up to a day."""
    until = day.isoformat()
    moves = [
        (bill, history.invoice, sum(share.net for share in bill.advanced))
        for history in histories
        for bill in history.issued
        if bill.advanced and bill.date <= until
    ]
    cells: csv_tables.Cells = {
        **{
            name: [getattr(bill, name) for bill, _, _ in moves]
            for name in (
                *("date", "number", "kind", "corrects", "client", "name", "order", "currency"),
            )
        },
        "stage": [csv_tables.stage(invoice) for _, invoice, _ in moves],
        "advance": [net if bill is invoice else -net for bill, invoice, net in moves],
    }
    return Table(DEPOSITS, cells)
