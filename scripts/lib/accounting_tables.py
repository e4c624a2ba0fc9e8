"""The tables for the accountant: money received, revenues and payments of a period.

Each is a pure function of the histories of the invoices. A period is the beginning of the
dates in it: "2024" or "2024-03". Aggregation is over whole cents.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pandas

from lib import csv_files, receipts
from lib.csv_files import AMOUNT, CODE, FIGURE, TEXT, Column
from lib.histories import Bill, History, Movement, text_of
from lib.settings import Settings

_FIGURES = ["net", "vat", "gross"]

RECETTES = (
    Column("date", "Date d'encaissement"),
    Column("invoice", "Facture"),
    Column("client", "Client"),
    Column("name", "Nom du client", TEXT),
    Column("kind", "Type", CODE),
    Column("nature", "Nature", CODE),
    Column("net", "Montant HT", AMOUNT),
    Column("vat", "TVA", AMOUNT),
    Column("gross", "Montant TTC", AMOUNT),
    Column("currency", "Devise"),
    Column("method", "Moyen de paiement", CODE),
    Column("reference", "Référence", TEXT),
)

REVENUES = (
    Column("date", "Date d'émission"),
    Column("number", "Numéro"),
    Column("kind", "Type", CODE),
    Column("corrects", "Facture rectifiée"),
    Column("client", "Client"),
    Column("name", "Nom du client", TEXT),
    Column("nature", "Nature", CODE),
    Column("vat_category", "Catégorie de TVA"),
    Column("vat_rate", "Taux de TVA", FIGURE),
    Column("net", "Montant HT", AMOUNT),
    Column("vat", "TVA", AMOUNT),
    Column("gross", "Montant TTC", AMOUNT),
    Column("currency", "Devise"),
    Column("due_date", "Échéance"),
)

PAYMENTS = (
    Column("id", "Identifiant"),
    Column("date", "Date"),
    Column("kind", "Type", CODE),
    Column("invoice", "Facture"),
    Column("client", "Client"),
    Column("name", "Nom du client", TEXT),
    Column("amount", "Montant", AMOUNT),
    Column("currency", "Devise"),
    Column("method", "Moyen de paiement", CODE),
    Column("reference", "Référence", TEXT),
    Column("note", "Note", TEXT),
    Column("reverses", "Contrepasse"),
)

TOTALS = (
    Column("nature", "Nature", CODE),
    Column("vat_category", "Catégorie de TVA"),
    Column("vat_rate", "Taux de TVA", FIGURE),
    Column("net", "Montant HT", AMOUNT),
    Column("vat", "TVA", AMOUNT),
    Column("gross", "Montant TTC", AMOUNT),
)


class Table(NamedTuple):
    """Columns and the cells beneath them, by the name of the column."""

    columns: Sequence[Column]
    cells: dict[str, list[Any]]

    def to_bytes(self, settings: Settings) -> bytes:
        """The table as a CSV file."""
        return csv_files.to_bytes(self.columns, self.cells, settings)


class Report(NamedTuple):
    """A table and its totals by nature, VAT category and rate, with a last row for all."""

    table: Table
    totals: Table

    @property
    def gross(self) -> str:
        """The sum of all, "1234.50"."""
        return text_of(self.totals.cells["gross"][-1])


def recettes(histories: Iterable[History], period: str) -> Report:
    """The livre des recettes: money received and given back, in order of date.

    A row for each nature (goods, services) of a movement, and one for what is beyond its
    invoice. A credit note has rows only where it moves what was paid between natures or
    rates; they add up to 0.00.
    """
    rows = []
    amounts = []
    for history in histories:
        for receipt in receipts.receipts(history):
            if not receipt.source.date.startswith(period):
                continue
            natures: dict[str, tuple[int, int]] = {}
            for share in receipt.shares:
                net, vat = natures.get(share.nature, (0, 0))
                natures[share.nature] = (net + share.net, vat + share.vat)
                amounts.append(share[:5])
            if receipt.overpaid:
                natures[receipts.OVERPAYMENT] = (receipt.overpaid, 0)
                amounts.append((receipts.OVERPAYMENT, "", "", receipt.overpaid, 0))
            facts = _facts(history.invoice, receipt.source)
            for nature in sorted(natures):
                net, vat = natures[nature]
                if net or vat:
                    rows.append((*facts, nature, net, vat, net + vat))
    names = ["date", "client", "is_money", "seq", "name", "invoice", "kind", "currency"]
    names += ["method", "reference", "nature", *_FIGURES]
    order = ["date", "client", "is_money", "seq", "nature"]
    return Report(_table(RECETTES, names, rows, order), _totals(amounts))


def _facts(invoice: Bill, source: Bill | Movement) -> tuple[Any, ...]:
    """What the rows of a receipt have in common, with what they are ordered by."""
    money = isinstance(source, Movement)
    number = source.invoice if isinstance(source, Movement) else source.number
    facts = (source.date, source.client, money, source.seq, invoice.name, number, source.kind)
    if isinstance(source, Movement):
        return (*facts, source.currency, source.method, source.reference)
    return (*facts, source.currency, "", "")


def revenues(histories: Iterable[History], period: str) -> Report:
    """What was invoiced: a row for each nature, VAT category and rate; credit notes negative."""
    rows = []
    for history in histories:
        for bill in (history.invoice, *history.credit_notes):
            if not bill.date.startswith(period):
                continue
            sign = 1 if bill.kind == "invoice" else -1
            order = (bill.date, bill.client, bill.seq)
            facts = (bill.number, bill.kind, bill.corrects, bill.name, bill.currency, bill.due_date)
            for share in bill.shares:
                kind = (share.nature, share.vat_category, share.vat_rate)
                figures = (sign * share.net, sign * share.vat, sign * share.gross)
                rows.append((*order, *facts, *kind, *figures))
    names = ["date", "client", "seq", "number", "kind", "corrects", "name", "currency", "due_date"]
    names += ["nature", "vat_category", "vat_rate", *_FIGURES]
    return Report(
        _table(REVENUES, names, rows, ["date", "client", "seq"]),
        _totals(row[-6:-1] for row in rows),
    )


def payments(histories: Iterable[History], period: str = "") -> Table:
    """Payments, refunds (negative) and reversals (opposite to what they reverse), by date."""
    rows = [
        (
            movement.date,
            movement.client,
            movement.seq,
            f"{movement.client}/{movement.seq}",
            movement.kind,
            movement.invoice,
            history.invoice.name,
            movement.amount,
            movement.currency,
            movement.method,
            movement.reference,
            movement.note,
            f"{movement.client}/{movement.reverses}" if movement.reverses else "",
        )
        for history in histories
        for movement in history.movements
        if movement.date.startswith(period)
    ]
    names = ["date", "client", "seq", "id", "kind", "invoice", "name", "amount", "currency"]
    names += ["method", "reference", "note", "reverses"]
    return _table(PAYMENTS, names, rows, ["date", "client", "seq"])


def _table(
    columns: Sequence[Column], names: list[str], rows: list[tuple[Any, ...]], order: list[str]
) -> Table:
    frame = pandas.DataFrame(rows, columns=names).sort_values(order, kind="stable")
    return Table(columns, {column.name: frame[column.name].tolist() for column in columns})


def _totals(amounts: Iterable[tuple[Any, ...]]) -> Table:
    """Sums of (nature, category, rate, net, vat) rows, in that order, then of all."""
    keys = ["nature", "vat_category", "vat_rate"]
    frame = pandas.DataFrame(list(amounts), columns=[*keys, "net", "vat"])
    frame = frame.astype({"net": "int64", "vat": "int64"})
    sums = frame.groupby(keys, as_index=False, sort=True).sum()
    cells = {name: sums[name].tolist() for name in (*keys, "net", "vat")}
    for key, text in zip(keys, ("total", "", ""), strict=True):
        cells[key].append(text)
    for figure in ("net", "vat"):
        cells[figure].append(sum(cells[figure]))
    cells["gross"] = [net + vat for net, vat in zip(cells["net"], cells["vat"], strict=True)]
    return Table(TOTALS, cells)
