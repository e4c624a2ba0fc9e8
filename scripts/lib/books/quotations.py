"""Quotation records: quotes, and what became of them.

The only place where they are written and read: data/quotations/<client>.jsonl, hash-chained like
all records. A line is one of three kinds:

- `quote`: a version of what an order is offered for; the next version supersedes it;
- `acceptance`: the client accepted it, with the hash of the signed file where one was kept;
- `refusal`: the client declined it.

Proofs stand in data/quotes/<client>/<year>/: `<number>.json`, `<number>.pdf`, and the signed file,
`<number>.signed.pdf` (or .jpg, .png).
"""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from lib.billing import quoting
from lib.billing.quoting import Difference
from lib.books import issuing, numbering, proofs, records
from lib.books.numbering import Numbered
from lib.books.record_lines import QuotationLine
from lib.books.revenues import Ledger
from lib.core.faults import Fault
from lib.core.messages import Message, say
from lib.core.root import Root
from lib.inputs.order_files import Order
from lib.values import money, numbers
from lib.values.quote import Quote, from_json

QUOTE = "quote"
ACCEPTANCE = "acceptance"
REFUSAL = "refusal"

LEDGER = Ledger("quotations", "quotes", "counters_quotes")

# What became of a quote.
WAITING = "waiting"
EXPIRED = "expired"  # waiting still: it may be accepted
ACCEPTED = "accepted"
DECLINED = "declined"
SUPERSEDED = "superseded"


class Quotation(NamedTuple):
    """A quote that the records know, and the answer to it, if there is one."""

    fact: QuotationLine
    answer: QuotationLine | None
    superseded_by: str

    @property
    def number(self) -> str:
        return self.fact.number

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer, expired or not."""
        return self.answer is None and not self.superseded_by

    def status(self, today: date) -> str:
        if self.answer is not None:
            return ACCEPTED if self.answer.kind == ACCEPTANCE else DECLINED
        if self.superseded_by:
            return SUPERSEDED
        return EXPIRED if self.fact.valid_until and self.fact.valid_until < today else WAITING


# --- files ---------------------------------------------------------------------------


def folder(root: Root) -> Path:
    """data/quotations/."""
    return root.data / LEDGER.records


def chain_path(root: Root, client: str) -> Path:
    """data/quotations/<client>.jsonl."""
    return folder(root) / f"{client}.jsonl"


def proof_path(root: Root, client: str, number: str, suffix: str) -> Path:
    """data/quotes/<client>/<year>/<number>.<suffix>; the year is the number's."""
    year = str(numbers.parse(number, (numbers.QUOTE,)).year)
    return root.data / LEDGER.proofs / client / year / f"{number}.{suffix}"


def signed_path(root: Root, client: str, number: str, suffix: str) -> Path:
    """data/quotes/<client>/<year>/<number>.signed.pdf: what the client signed, beside its quote."""
    return proof_path(root, client, number, f"signed.{suffix}")


def read(root: Root, client: str) -> list[QuotationLine]:
    """A client's lines, proved.

    Raises:
      Broken: with the first disagreement.
    """
    return list(records.read_typed(root, chain_path(root, client), QuotationLine))


def numbers_of(root: Root, client: str, lines: Iterable[QuotationLine]) -> Iterator[Numbered]:
    """The numbers of a client's quotes."""
    name = root.name_of(chain_path(root, client))
    for line in lines:
        if line.kind == QUOTE:
            day, formats = line.issue_date, (numbers.QUOTE,)
            yield numbering.of_record(name, line.seq, line.number, day, formats)


def proved(root: Root, fact: QuotationLine) -> tuple[Quote, bytes]:
    """The quote of a record, and the bytes of its PDF.

    Raises:
      Broken: if one of them is not what was issued.
    """
    path = proof_path(root, fact.client, fact.number, "pdf")
    return proved_quote(root, fact), proofs.read(root, path, fact.pdf_sha256, fact.client)


def proved_quote(root: Root, fact: QuotationLine) -> Quote:
    """The quote of a record.

    Raises:
      Broken: if its JSON is not what was issued.
    """
    path = proof_path(root, fact.client, fact.number, "json")
    return from_json(proofs.read(root, path, fact.document_sha256, fact.client))


# --- what was quoted -----------------------------------------------------------------


def quotations(lines: Iterable[QuotationLine]) -> list[Quotation]:
    """The quotes of a client's records with what became of them, in order of issue."""
    lines = list(lines)
    answers = {line.quote: line for line in lines if line.kind != QUOTE}
    successors = {line.supersedes: line.number for line in lines if line.supersedes}
    return [
        Quotation(line, answers.get(line.number), successors.get(line.number, ""))
        for line in lines
        if line.kind == QUOTE
    ]


def of_order(lines: Iterable[QuotationLine], order: str) -> list[Quotation]:
    """The versions of what an order was quoted for, in their order."""
    return [quotation for quotation in quotations(lines) if quotation.fact.order == order]


# --- what was accepted of an order ---------------------------------------------------


def binding(versions: Iterable[Quotation]) -> Quotation | Fault | None:
    """What holds of an order that was quoted: its accepted quote, or why there is none; None
    where it was never quoted.

    An acceptance stands while nothing newer was accepted, but what changed it has to be answered.
    """
    versions = list(versions)
    if not versions:
        return None
    newest = versions[-1]
    if newest.is_open:
        remedy = say(
            "record the answer: `make accept QUOTE={number} DATE=...`, or"
            " `make decline QUOTE={number}`",
            number=newest.number,
        )
        found = say("{number} waits for an answer", number=newest.number)
        return Fault("ORDER", found, remedy=remedy)
    accepted = [
        version for version in versions if version.answer and version.answer.kind == ACCEPTANCE
    ]
    if accepted:
        return accepted[-1]
    remedy = say(
        "`make quote CLIENT={client} ORDER={order}` quotes it again",
        client=newest.fact.client,
        order=newest.fact.order,
    )
    return Fault("ORDER", say("{number} was declined", number=newest.number), remedy=remedy)


def is_declined(lines: Iterable[QuotationLine], order: str) -> bool:
    """Whether an order was declined, and nothing of it was accepted before."""
    versions = of_order(lines, order)
    is_answered = bool(versions) and not versions[-1].is_open
    return is_answered and not isinstance(binding(versions), Quotation)


def faults(root: Root, lines: Iterable[QuotationLine], order: Order, currency: str) -> list[Fault]:
    """Why an order may not be invoiced: it was quoted, and is not what was accepted.

    Args:
      lines: all quotation records of its client.

    Raises:
      Broken: if the accepted quote is not what was issued.
    """
    accepted = binding(of_order(lines, order.id))
    if accepted is None:
        return []
    if isinstance(accepted, Fault):
        return [accepted]
    content = quoting.content_of(order, currency)
    if quoting.fingerprint(content) == accepted.fact.content_sha256:
        return []
    before = proved_quote(root, accepted.fact).content
    remedy = say(
        "put it back, or quote the change: `make quote CLIENT={client} ORDER={order}`",
        client=order.client,
        order=order.id,
    )
    return [
        Fault(difference.place, _differs(accepted.number, difference), remedy=remedy)
        for difference in quoting.differences(before, content)
    ]


def _differs(number: str, difference: Difference) -> Message:
    was, now = difference.before, difference.now
    if was is None:
        return say("{value} was added after {number} was accepted", value=now or "", number=number)
    if now is None:
        return say("{value} is gone, and {number} was accepted with it", value=was, number=number)
    return say("is {now}, and {number} was accepted with {was}", now=now, number=number, was=was)


# --- writing -------------------------------------------------------------------------


def stage(run: issuing.Run, quote: Quote, json: bytes, pdf: bytes) -> records.Record:
    """Stages the proofs of a quote; returns what the records keep of it."""
    digests = [
        run.stage_proof(proof_path(run.root, quote.client, quote.number, suffix), data)
        for suffix, data in (("json", json), ("pdf", pdf))
    ]
    return facts(quote, *digests)


def facts(quote: Quote, document_sha256: str, pdf_sha256: str) -> records.Record:
    """What the records keep of a quote."""
    result: records.Record = {
        "kind": QUOTE,
        "client": quote.client,
        "number": quote.number,
        "order": quote.order,
        "version": quote.version,
        "issue_date": quote.issue_date.isoformat(),
        "valid_until": quote.valid_until.isoformat(),
        "currency": quote.currency,
        "buyer": quote.buyer.name,
        "net": money.plain(quote.totals.net, 2),
        "vat": money.plain(quote.totals.vat, 2),
        "gross": money.plain(quote.totals.gross, 2),
        "content_sha256": quoting.fingerprint(quote.content),
        "document_sha256": document_sha256,
        "pdf_sha256": pdf_sha256,
    }
    if quote.supersedes:
        result["supersedes"] = quote.supersedes.number
    return result


def acceptance(of: QuotationLine, day: date, signed: str = "", sha256: str = "") -> records.Record:
    """The line that says that a quote was accepted.

    Args:
      signed: the ending of the signed file that is kept, if there is one, and its SHA-256.
    """
    result = {"kind": ACCEPTANCE, "client": of.client, "quote": of.number, "date": day.isoformat()}
    return result | ({"signed": signed, "signed_sha256": sha256} if signed else {})


def refusal(of: QuotationLine, day: date, reason: str) -> records.Record:
    """The line that says that a quote was declined."""
    result = {"kind": REFUSAL, "client": of.client, "quote": of.number, "date": day.isoformat()}
    return result | ({"reason": reason} if reason else {})
