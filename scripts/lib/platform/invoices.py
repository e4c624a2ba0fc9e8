"""Which invoices and credit notes are deposited: domestic B2B, from `since` on, each once.

What an invoice is, its note BAR says (BR-FR-20), as it was printed when it was issued. Public
bodies get all invoices electronically, exempt ones too (art. L2192-1 CCP). A credit
note follows its invoice, a final invoice the deposits that it takes off: what the platform does
not know cannot be corrected there.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from functools import partial
from typing import NamedTuple

from lib.books import exchanges, proofs, revenues
from lib.books.exchanges import CREDIT_NOTE, INVOICE, Deposit
from lib.books.record_lines import DepositRevenue
from lib.books.revenues import Ledger
from lib.core.faults import Alert, Fault
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs.issuer_file import Platform
from lib.platform.exchange import Item
from lib.platform.flow_client import FACTUR_X
from lib.values import mentions, vat
from lib.values.document import Document, Party, from_json

_DOMESTIC = "B2B"
_FRENCH = "0225"
_OUT_OF_SCOPE = "OUTOFSCOPE"


class Waiting(NamedTuple):
    """A document that goes once others were taken: `others` by number."""

    client: str
    number: str
    others: tuple[str, ...]


class Queue(NamedTuple):
    """What can be deposited now, what cannot yet, and what never can: `nameless` are invoices to
    businesses in France whose SIREN they do not name, and that no credit note takes back."""

    ready: list[Item]
    waiting: list[Waiting]
    nameless: list[DepositRevenue]


def processing_rule(document: Document) -> str:
    """B2B, or B2G for a public body; empty where a document is not deposited."""
    is_public, audience = vat.is_public(document.buyer), mentions.audience_of(document)
    if audience == _OUT_OF_SCOPE and is_public:
        return "B2GOutOfScope"
    if audience != _DOMESTIC:
        return ""
    return "B2G" if is_public else "B2B"


def queue(
    root: Root,
    ledger: Ledger,
    lines: Iterable[DepositRevenue],
    account: Platform,
    known: Mapping[str, Deposit],
    refused: Set[str],
    again: str = "",
) -> Queue:
    """What of a ledger's documents is to be deposited.

    Args:
      known: what was deposited, by tracking id; `refused` are those that the platform refused.
      again: the number of a refused document that is to be deposited once more.

    Raises:
      Broken: if a document is not what was issued.
    """
    last = {deposit.line.number: deposit for deposit in known.values() if _is_document(deposit)}
    ready, waiting, nameless = [], [], []
    lines = [line for line in lines if line.issue_date >= account.since]
    ours = {line.number for line in lines}
    corrected = {line.corrects for line in lines}
    for line in lines:
        before = last.get(line.number)
        is_again = line.number == again and before and before.line.tracking_id in refused
        if before and before.answers and not is_again:
            continue
        path = revenues.proof_path(root, ledger, line.client, line.number, "json")
        document = from_json(proofs.read(root, path, line.document_sha256, line.client))
        rule = processing_rule(document)
        if not rule:
            continue
        if not document.buyer.siren:
            if not line.corrects and line.number not in corrected:
                nameless.append(line)
            continue
        others = tuple(number for number in _missing(line, last, refused) if number in ours)
        if others:
            waiting.append(Waiting(line.client, line.number, others))
        else:
            tracking_id = next_tracking_id(line.number, refused)
            item = _item(root, ledger, line, rule, tracking_id)
            ready.append(item._replace(address=_address(document.buyer)))
    return Queue(ready, waiting, nameless)


def nameless_alert(line: DepositRevenue) -> Alert:
    """Says of an invoice that it cannot be deposited, since it names no SIREN of its buyer."""
    found = say("is for a business in France, and names no SIREN of it: it cannot be deposited")
    remedy = say(
        "ask for the SIREN, cancel it by `make credit-note INVOICE={number} REASON=...`, and"
        " invoice it again with that number",
        number=line.number,
    )
    return Alert("I-PLATFORM-SIREN", "", Fault(line.number, found, remedy=remedy), line.client)


def _is_document(deposit: Deposit) -> bool:
    return deposit.line.what in (INVOICE, CREDIT_NOTE)


def _missing(line: DepositRevenue, last: Mapping[str, Deposit], refused: Set[str]) -> Iterator[str]:
    """The documents that this one follows and that the platform has not taken."""
    for number in filter(None, (line.corrects, *(deposit.number for deposit in line.deposits))):
        before = last.get(number)
        if before is None or not before.answers or before.line.tracking_id in refused:
            yield number


def next_tracking_id(number: str, refused: Set[str]) -> str:
    """The number; once it was refused, with how often it was tried: NORD-2027-0001-2."""
    tries, tracking_id = 1, number
    while tracking_id in refused:
        tries += 1
        tracking_id = f"{number}-{tries}"
    return tracking_id


def _address(buyer: Party) -> str:
    """Where the directory of the reform knows a buyer: scheme 0225."""
    address = buyer.electronic_address
    return address.id if address and address.scheme == _FRENCH else buyer.siren


def _item(root: Root, ledger: Ledger, line: DepositRevenue, rule: str, tracking_id: str) -> Item:
    path = revenues.proof_path(root, ledger, line.client, line.number, "pdf")
    what = CREDIT_NOTE if line.kind == exchanges.CREDIT_NOTE else INVOICE
    return Item(
        owner=line.client,
        what=what,
        number=line.number,
        tracking_id=tracking_id,
        name=f"{line.number}.pdf",
        syntax=FACTUR_X,
        rule=rule,
        sha256=line.pdf_sha256,
        content=partial(proofs.read, root, path, line.pdf_sha256, line.client),
    )
