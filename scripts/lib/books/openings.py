"""Openings: invoices of the tool before that were still to be paid when the house moved in.

The only place where they are written and read: data/openings/<client>.jsonl, hash-chained like
all records. A line is an `opening`, or the `reversal` of one that was entered wrongly. They are
money that is owed, never revenue: the tool before has invoiced them, and their VAT as far as it
was due. What had been paid of them stands in their line, and is allocated before all else.
People name a line `<client>/<seq>`: nord/3.
"""

from collections.abc import Iterable
from pathlib import Path

from lib.books import records
from lib.books.record_lines import OpeningLine
from lib.core.root import Root
from lib.inputs.opening_files import Opening
from lib.values import money

OPENING = "opening"
REVERSAL = "reversal"


def folder(root: Root) -> Path:
    """data/openings/."""
    return root.data / "openings"


def chain_path(root: Root, client: str) -> Path:
    """data/openings/<client>.jsonl."""
    return folder(root) / f"{client}.jsonl"


def read(root: Root, client: str) -> list[OpeningLine]:
    """A client's lines, proved.

    Raises:
      Broken: with the first disagreement.
    """
    return list(records.read_typed(root, chain_path(root, client), OpeningLine))


def standing(lines: Iterable[OpeningLine]) -> list[OpeningLine]:
    """The openings that nothing reverses."""
    lines = tuple(lines)
    reversed_ = {line.reverses for line in lines}
    return [line for line in lines if line.kind == OPENING and line.seq not in reversed_]


def numbers(lines: Iterable[OpeningLine]) -> set[str]:
    """Every number that was ever entered: payments may name one that was reversed since, as long
    as they are reversed too."""
    return {line.number for line in lines}


def fact(
    opening: Opening, buyer: str, *, vat_on_debits: bool, day: str, sources: dict[str, str]
) -> records.Record:
    """The line of an opening.

    Args:
      sources: the SHA-256 of the CSV that it was read from, and of its PDF where it has one.
    """
    whole: records.Record = {
        "kind": OPENING,
        "client": opening.client,
        "number": opening.number,
        "issue_date": opening.issue_date.isoformat(),
        "currency": opening.currency,
        "buyer": buyer,
        "net": money.plain(money.total(share.net for share in opening.shares), 2),
        "vat": money.plain(money.total(share.vat for share in opening.shares), 2),
        "gross": money.plain(opening.gross, 2),
        "breakdown": [
            {
                "nature": share.nature,
                "vat_category": share.vat_category,
                "vat_rate": money.plain(share.vat_rate, 2),
                "net": money.plain(share.net, 2),
                "vat": money.plain(share.vat, 2),
            }
            for share in opening.shares
        ],
        "paid": [
            {"date": paid.date.isoformat(), "amount": money.plain(paid.amount, 2)}
            for paid in opening.paid
        ],
        "date": day,
        **sources,
    }
    if opening.due_date:
        whole["due_date"] = opening.due_date.isoformat()
    if opening.reference:
        whole["reference"] = opening.reference
    if vat_on_debits:
        whole["vat_on_debits"] = True
    return whole


def reversal(line: OpeningLine, day: str, reason: str) -> records.Record:
    """The line that takes an opening out again."""
    repeated = {"client": line.client, "number": line.number, "reverses": line.seq}
    return {"kind": REVERSAL, **repeated, "date": day, "reason": reason}
