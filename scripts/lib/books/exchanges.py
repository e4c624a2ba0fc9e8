"""Exchanges: what went to the approved platform, and what it said of it.

The only place where they are written and read: data/platform/<client>.jsonl, hash-chained like
all records; what concerns no client of ours, and reports, stand in the file of the code of the
account: data/platform/<CODE>.jsonl. A line is one of four kinds:

- `deposit`: a file is about to be handed over; written before it is;
- `answer`: what the platform said of a deposit: at once, and when it has checked it;
- `status`: what became of an invoice, as a message says that is kept as a proof;
- `cash_in`: money of an invoice was received or given back, and has to be reported.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple

from lib.books import records
from lib.books.record_lines import ExchangeLine
from lib.core.root import Root

DEPOSIT = "deposit"
ANSWER = "answer"
STATUS = "status"
CASH_IN = "cash_in"

# What is deposited.
INVOICE = "invoice"
CREDIT_NOTE = "credit_note"
REPORT = "report"

# What the platform says of a deposit: first one of these three, later one of the two below.
ACCEPTED = "accepted"
EXISTS = "exists"  # it had it already, by an attempt whose answer never came
REFUSED = "refused"
ACKNOWLEDGED = "acknowledged"
REJECTED = "rejected"


def folder(root: Root) -> Path:
    """data/platform/."""
    return root.data / "platform"


def chain_path(root: Root, owner: str) -> Path:
    """data/platform/<client>.jsonl, or <CODE>.jsonl."""
    return folder(root) / f"{owner}.jsonl"


def received_path(root: Root, sha256: str) -> Path:
    """data/platform/received/<SHA-256>.xml: a message as it came. Platforms choose the names of
    their flows, two platforms perhaps the same."""
    return folder(root) / "received" / f"{sha256}.xml"


def sent_path(root: Root, tracking_id: str) -> Path:
    """data/platform/sent/<tracking id>.xml: a message of ours (212)."""
    return folder(root) / "sent" / f"{tracking_id}.xml"


def report_path(root: Root, tracking_id: str) -> Path:
    """data/platform/reports/<tracking id>.xml: a report as it was, or is to be, handed over."""
    return folder(root) / "reports" / f"{tracking_id}.xml"


def read(root: Root, owner: str) -> list[ExchangeLine]:
    """The lines of a client or of a code, proved.

    Raises:
      Broken: with the first disagreement.
    """
    return list(records.read_typed(root, chain_path(root, owner), ExchangeLine))


class Deposit(NamedTuple):
    """A deposit with what the platform said of it, in order."""

    line: ExchangeLine
    answers: tuple[ExchangeLine, ...]

    @property
    def outcome(self) -> str:
        """The last answer; empty where none came."""
        return self.answers[-1].outcome if self.answers else ""

    @property
    def pending_flow(self) -> str:
        """What the platform calls it, where it has taken it and not yet said what it thinks."""
        last = self.answers[-1] if self.answers else None
        return last.flow_id if last and last.outcome in (ACCEPTED, EXISTS) else ""

    @property
    def is_refused(self) -> bool:
        return self.outcome in (REFUSED, REJECTED)


def deposits(lines: Iterable[ExchangeLine]) -> list[Deposit]:
    """The deposits among the lines of one file, in order."""
    lines = list(lines)
    answers: dict[int, list[ExchangeLine]] = {}
    for line in lines:
        if line.kind == ANSWER:
            answers.setdefault(line.deposit, []).append(line)
    return [
        Deposit(line, tuple(answers.get(line.seq, ()))) for line in lines if line.kind == DEPOSIT
    ]


def by_number(lines: Iterable[ExchangeLine]) -> dict[str, list[ExchangeLine]]:
    """The lines about each document, what is said of its deposits among them; "" has the rest."""
    groups: defaultdict[str, list[ExchangeLine]] = defaultdict(list)
    numbers: dict[int, str] = {}  # of deposits
    for line in lines:
        number = numbers[line.deposit] if line.deposit else line.number
        if line.kind == DEPOSIT:
            numbers[line.seq] = number
        groups[number].append(line)
    return groups


# --- writing -------------------------------------------------------------------------


def deposit(
    client: str, what: str, number: str, tracking_id: str, name: str, sha256: str, day: date
) -> records.Record:
    """The line written before a file is handed over.

    Args:
      what: INVOICE, CREDIT_NOTE, CASH_IN or REPORT.
      number: of the document; empty for a report.
      tracking_id: what the platform finds it by.
      name: of the file.
    """
    return {
        "kind": DEPOSIT,
        "client": client,
        "what": what,
        "number": number,
        "tracking_id": tracking_id,
        "name": name,
        "sha256": sha256,
        "date": day.isoformat(),
    }


def answer(
    of: ExchangeLine,
    outcome: str,
    day: date,
    flow_id: str = "",
    reasons: Iterable[records.Record] = (),
) -> records.Record:
    """What the platform said of a deposit; a reason is {code, item, message}."""
    whole: records.Record = {
        "kind": ANSWER,
        "client": of.client,
        "deposit": of.seq,
        "outcome": outcome,
        "date": day.isoformat(),
    }
    if flow_id:
        whole["flow_id"] = flow_id
    if reasons := list(reasons):
        whole["reasons"] = reasons
    return whole
