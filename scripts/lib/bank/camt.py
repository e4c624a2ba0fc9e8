"""camt.053, the statement of ISO 20022, and its kin, versions 01 to 14.

camt.052 reports within a day, camt.054 notifies of single entries. They are read with lxml: the
packages on PyPI that parse them either bring a web server or compute in floats.
"""

import codecs
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from lxml import etree

from lib.bank import statements
from lib.bank.statements import (
    SHOWN,
    Balance,
    BankMovement,
    Declared,
    File,
    Statement,
    StatementEntry,
    StatementError,
    refusal,
)
from lib.core import strict_xml
from lib.core.messages import Message, figure, say
from lib.values import money

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.(05[234])\.001\.(?:0[1-9]|1[0-4])")
# Each message, and where its statements stand.
_REPORT = "052"
_STATEMENTS = {
    _REPORT: "BkToCstmrAcctRpt/Rpt",
    "053": "BkToCstmrStmt/Stmt",
    "054": "BkToCstmrDbtCdtNtfctn/Ntfctn",
}
_AMOUNT = re.compile(r"\+?(?=\.?[0-9])[0-9]{0,18}(\.[0-9]{0,5})?")  # xs:decimal
_COUNT = re.compile(r"[0-9]{1,15}")
# The second way: tags in the text, whatever stands around them.
_ENTRY_TAG = re.compile(r"<(?:[\w.-]+:)?Ntry(?:\s[^<>]*)?>")
_AMOUNT_TAG = re.compile(r"<(?:[\w.-]+:)?Amt(?:\s[^<>]*)?>([^<]*)")
_SIDE_TAG = re.compile(r"<(?:[\w.-]+:)?CdtDbtInd>([^<]*)")

# What the families of ISO 20022 bank transaction codes say of the way to pay; any other
# incoming movement is a transfer.
_METHODS = {"IDDT": "direct_debit", "MCRD": "card", "RCHQ": "cheque"}
# Credit transfers that were received, and direct debits of ours; their way is in. Those that we
# sent, and direct debits of others, go out. At once (RRCT, IRCT) or not.
_INCOMING = ("RCDT", "RRCT", "IDDT")
_OUTGOING = ("ICDT", "IRCT", "RDDT")

Amount = tuple[Decimal, str]


def is_xml(data: bytes) -> bool:
    """Whether a file begins as XML does."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return wide or data.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<")


def read(data: bytes) -> File:
    """A statement file as it stands.

    Raises:
      StatementError: if it is not one of these messages, or not as its format says.
    """
    try:
        root = strict_xml.root_of(data)
    except ValueError as error:
        raise refusal(error.args[0]) from None
    inside = list(root.iter("{*}Document"))
    root = inside[0] if len(inside) == 1 else root  # some banks hand it over in an envelope
    name = etree.QName(root)
    kind = _NAMESPACE.fullmatch(name.namespace or "") if name.localname == "Document" else None
    if not kind:
        root_name = f"{{{name.namespace or ''}}}{name.localname}"[:100]
        expected = say("expected camt.052, camt.053 or camt.054, versions 001.01 to 001.14")
        raise refusal(say("is {name}", name=root_name), expected=expected)
    message, path = _Node(root), _STATEMENTS[kind[1]]
    nodes = list(enumerate(message.all(path), 1))
    if not nodes:
        raise refusal(say("has no statement ({path})", path=path))
    pages = _pages(message.all(f"{path.split('/')[0]}/GrpHdr/MsgPgntn"))
    read_statements = statements.gather(
        lambda one: _statement(*one, pages, within_a_day=kind[1] == _REPORT), nodes
    )
    count, amounts = _second_count(data, root.getroottree().docinfo.encoding or "UTF-8")
    parts = {page for _, node in nodes for page in _node_pages(node)}
    notes = [
        say("{page}: its totals were not checked", page=page)
        for page in sorted({*pages, *parts}, key=str)
    ]
    return File(read_statements, "Ntry", count, amounts, notes)


def _second_count(data: bytes, encoding: str) -> tuple[int, list[Decimal]]:
    """How many entries the text holds, and the first amount and direction in each."""
    try:
        text = data.decode(encoding, "replace")
    except LookupError:
        text = data.decode("latin-1")
    text = statements.without(text, "<!--", "-->", lambda _: "")
    parts = _ENTRY_TAG.split(text)[1:]
    amounts = []
    for part in parts:
        amount, side = _AMOUNT_TAG.search(part), _SIDE_TAG.search(part)
        if amount and side and _AMOUNT.fullmatch(amount[1].strip()):
            value = Decimal(amount[1].strip())
            amounts.append(value if side[1].strip() == "CRDT" else value.copy_negate())
    return len(parts), amounts


class _Node:
    """An element whose children are found by their names without the namespace, itself by ""."""

    def __init__(self, element: etree._Element):
        self.element = element

    def all(self, path: str) -> "list[_Node]":
        steps = "/".join(f"{{*}}{step}" for step in path.split("/")) if path else "."
        return [_Node(found) for found in self.element.findall(steps)]

    def text(self, *paths: str) -> str:
        """The text of the first of these that has any."""
        found = (node.element.text for path in paths for node in self.all(path))
        return next((text.strip() for text in found if text and text.strip()), "")

    def texts(self, path: str) -> list[str]:
        return [text for node in self.all(path) if (text := node.text(""))]

    def amount(self, *paths: str) -> Amount | None:
        """Amount and currency of the first of these that is there."""
        for node in (node for path in paths for node in self.all(path)):
            text = node.text("")
            if not _AMOUNT.fullmatch(text):
                raise node.wrong(text, say("is not an amount"), say("expected 1234.50"))
            return Decimal(text), node.element.get("Ccy", "")
        return None

    def wrong(
        self, value: str, what: Message, expected: Message | None = None, name: str = ""
    ) -> StatementError:
        """A refusal that names line, element and value as they stand in the file."""
        name = name or etree.QName(self.element).localname
        found = say('{name} "{value}" {what}', name=name, value=value[:SHOWN], what=what)
        return refusal(found, self.place(), expected)

    def place(self, inside: str = "") -> str:
        return statements.on_line(self.element.sourceline, inside)


def _pages(found: list[_Node]) -> list[Message]:
    """What says that there are other pages; a total may then cover them all."""
    return [
        say("is page {number}", number=number or "?")
        if last == "true"
        else say("is page {number}, not the last one", number=number or "?")
        for node in found
        for number, last in [(node.text("PgNb"), node.text("LastPgInd"))]
        if number.lstrip("0") != "1" or last in ("false", "0")
    ]


def _node_pages(statement: _Node) -> list[Message]:
    return [
        page
        for tag in ("StmtPgntn", "RptPgntn", "NtfctnPgntn")
        for page in _pages(statement.all(tag))
    ]


def _statement(
    number: int, statement: _Node, pages: list[Message], within_a_day: bool
) -> Statement:
    place = str(say("statement {number}", number=number))
    account = statement.text("Acct/Id/IBAN", "Acct/Id/Othr/Id")
    for node in map(_Node, statement.element):
        name = etree.QName(node.element).localname
        if name not in ("Bal", "Ntry") and node.all("Amt") and node.all("CdtDbtInd"):
            raise refusal(say("<{name}> is not an entry (Ntry)", name=name[:SHOWN]), node.place())
    entries = statements.gather(
        lambda one: _entry(statements.entry_place(place, one[0]), account, one[1]),
        enumerate(statement.all("Ntry"), 1),
    )
    if pages or _node_pages(statement):
        return Statement(place, account, entries, [], [], [])
    balances: dict[str, list[Balance]] = {}
    for balance in statement.all("Bal"):
        if found := balance.amount("Amt"):
            kind = balance.text("Tp/CdOrPrtry/Cd", "Tp/Cd")
            value = found[0] if _is_credit(balance) else -found[0]
            balances.setdefault(kind, []).append(Balance(value, found[1]))
    between = balances.get("ITBD", [])
    opening = balances.get("OPBD", []) + balances.get("PRCD", [])
    closing = balances.get("CLBD", [])
    if within_a_day and not (opening and closing):
        # An interim balance is of the day, the entries may be of its last hour alone.
        opening = closing = []
    elif len(between) > 1 or opening or closing:
        opening, closing = opening or between, closing or between
    return Statement(place, account, entries, list(_declared(statement)), opening, closing)


def _declared(statement: _Node) -> Iterator[Declared]:
    """The totals of `TxsSummry`, each under its own name."""
    for tag, side in (("TtlNtries", "all"), ("TtlCdtNtries", "in"), ("TtlDbtNtries", "out")):
        for total in statement.all(f"TxsSummry/{tag}"):
            count = total.text("NbOfNtries")
            if count and not _COUNT.fullmatch(count):
                raise total.wrong(count, say("is not a count"), name="NbOfNtries")
            gross = total.amount("Sum")
            net = total.amount("TtlNetNtry/Amt", "TtlNetNtryAmt")
            indicator = total.text("TtlNetNtry/CdtDbtInd", "CdtDbtInd")
            if count:
                yield Declared(f"{tag}/NbOfNtries", side, number=int(count))
            if gross:
                yield Declared(f"{tag}/Sum", side, gross=gross[0])
            if net and indicator in ("CRDT", "DBIT"):
                value = net[0] if indicator == "CRDT" else -net[0]
                yield Declared(f"{tag}/TtlNetNtry", side, net=value)


_CODES = ("BkTxCd", "NtryDtls/TxDtls/BkTxCd", "TxDtls/BkTxCd")
_ONCE = ("Amt", "CdtDbtInd", "RvslInd", "Sts", "BookgDt")


def _entry(place: str, account: str, entry: _Node) -> StatementEntry:
    for name in _ONCE:
        if (times := len(entry.all(name))) > 1:
            found = say("{name} stands {times} times", name=name, times=times)
            raise refusal(found, entry.place())
    whole = entry.amount("Amt")
    if whole is None:
        raise refusal(say("has no amount (Amt)"), entry.place(place))
    amount = whole[0] if _is_credit(entry) else whole[0].copy_negate()
    movements = list(_movements(place, account, entry, whole))
    return StatementEntry(place, amount, whole[1], _status(entry) in ("BOOK", ""), movements)


def _movements(place: str, account: str, entry: _Node, whole: Amount) -> Iterator[BankMovement]:
    """The transfers of an entry: each of its details where they account for it, else itself."""
    credit = _is_credit(entry)
    details = entry.all("NtryDtls/TxDtls") + entry.all("TxDtls")  # version 01: without a list
    against, unsaid = _batch_contradiction(entry, whole), _not_itemised(entry)
    if len(details) == 1:
        against = against or _detail_contradiction(entry, details[0], whole)
    against = against or _code_contradiction(entry)
    if len(details) < 2:
        detail = details[0] if details else None
        if detail:
            own = _other_amount(detail, whole)  # before charges, or in another currency
            unsaid = unsaid or (_its_detail_says(own) if own else None)
        yield _movement(place, account, entry, detail, whole, credit, against, unsaid)
        return
    parts = [
        (found, _is_credit(detail, entry), detail)
        for detail in details
        for found in [detail.amount("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")]
        if found and found[1] == whole[1]
    ]
    total = money.total(found[0] if side == credit else -found[0] for found, side, _ in parts)
    if len(parts) < len(details):
        unsaid = say(
            "its {number} transfers do not all say their amount in {currency}",
            number=len(details),
            currency=whole[1],
        )
    elif total != whole[0]:
        against = against or say(
            "its {number} transfers do not add up to its amount", number=len(details)
        )
    if against or unsaid:
        yield _movement(place, account, entry, None, whole, credit, against, unsaid)
        return
    for d, (found, side, detail) in enumerate(parts, 1):
        yield _movement(
            str(say("{place}, detail {number}", place=place, number=d)),
            account,
            entry,
            detail,
            found,
            side,
        )


def _batch_contradiction(entry: _Node, whole: Amount) -> Message | None:
    """Where a batch says something else than the entry, or than what it itemises."""
    for details in entry.all("NtryDtls"):
        count = details.text("Btch/NbOfTxs").lstrip("0")
        itemised = len(details.all("TxDtls"))
        if count and itemised and count != str(itemised):
            return say(
                "a batch of {number} transfers, of which it itemises {itemised}",
                number=count[:15],
                itemised=itemised,
            )
    batches = entry.all("NtryDtls/Btch")
    total = batches[0].amount("TtlAmt") if len(batches) == 1 else None
    if total and total != whole and len(entry.all("NtryDtls")) == 1:
        return say(
            "its batch says {amount} {currency}", amount=money.shown(total[0]), currency=total[1]
        )
    return None


def _not_itemised(entry: _Node) -> Message | None:
    for details in entry.all("NtryDtls"):
        count = details.text("Btch/NbOfTxs").lstrip("0")
        if count not in ("", "1") and not details.all("TxDtls"):
            return say(
                "a batch of {number} transfers that the statement does not itemise",
                number=count[:15],
            )
    return None


def _detail_contradiction(entry: _Node, detail: _Node, whole: Amount) -> Message | None:
    """Where the one detail of an entry says another amount or the other direction."""
    own = _other_amount(detail, whole)
    if own and own[1] == whole[1] and not _charges([detail, entry]):
        return _its_detail_says(own)
    if _is_credit(detail, entry) != _is_credit(entry):
        return say("its detail says {side}, the other direction", side=detail.text("CdtDbtInd"))
    return None


def _its_detail_says(own: Amount) -> Message:
    return say("its detail says {amount} {currency}", amount=figure(str(own[0])), currency=own[1])


def _other_amount(detail: _Node, whole: Amount) -> Amount | None:
    """What a detail says, if it is not the amount of its entry."""
    own = detail.amount("Amt", "AmtDtls/TxAmt/Amt")
    return own if own != whole else None


def _code_contradiction(entry: _Node) -> Message | None:
    """Where the bank transaction code says the other direction: sent back, or a slip."""
    codes = [node.text("Domn/Fmly/Cd") for path in _CODES for node in entry.all(path)]
    credit = _is_credit(entry)
    code = next((code for code in codes if code in (_OUTGOING if credit else _INCOMING)), "")
    if not code:
        return None
    if credit:
        return say(
            "comes in, but its bank transaction code ({code}) says that it was sent", code=code
        )
    return say(
        "goes out, but its bank transaction code ({code}) says that it was received", code=code
    )


def _is_credit(node: _Node, entry: _Node | None = None) -> bool:
    """Whether money came in; a detail that does not say goes the way of its entry."""
    if entry and not node.all("CdtDbtInd"):
        return _is_credit(entry)
    indicator = node.text("CdtDbtInd")
    if indicator not in ("CRDT", "DBIT"):
        raise node.wrong(indicator, say("is neither CRDT nor DBIT"), name="CdtDbtInd")
    return indicator == "CRDT"


def _movement(
    place: str,
    account: str,
    entry: _Node,
    detail: _Node | None,
    amount: Amount,
    credit: bool,
    against: Message | None = None,
    unsaid: Message | None = None,
) -> BankMovement:
    """The transfer; `against` is what its entry contradicts, `unsaid` what it leaves out."""
    levels = [detail, entry] if detail else [entry]
    came_back = _reversal_doubt(levels)
    free = [text for node in levels for text in _free_texts(node)]
    references = detail.texts("RmtInf/Strd/CdtrRefInf/Ref") if detail else []
    references += detail.texts("Refs/EndToEndId") if detail else []
    families = [node.text("BkTxCd/Domn/Fmly/Cd") for node in levels]
    status = _status(entry)
    return BankMovement(
        place=place,
        account=account,
        booked=_booked(entry),
        amount=amount[0],
        currency=amount[1],
        credit=credit,
        odd=bool(came_back or against),
        method=next((_METHODS[code] for code in families if code in _METHODS), "transfer"),
        references=tuple(statements.compact(reference) for reference in references),
        text=" ".join(free),
        party=detail.text("RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm") if detail else "",
        bank_reference=next(
            filter(None, (n.text("Refs/AcctSvcrRef", "AcctSvcrRef", "NtryRef") for n in levels)), ""
        ),
        doubt=(None if status == "BOOK" else _not_booked(status))
        or came_back
        or against
        or unsaid
        or _charges(levels),
    )


def _not_booked(status: str) -> Message:
    return say("is not booked ({status})", status=status[:35] or say("no status"))


def _free_texts(node: _Node) -> list[str]:
    paths = ("RmtInf/Ustrd", "RmtInf/Strd/RfrdDocInf/Nb", "RmtInf/Strd/AddtlRmtInf")
    return [text for path in (*paths, "AddtlTxInf", "AddtlNtryInf") for text in node.texts(path)]


def _status(entry: _Node) -> str:
    return entry.text("Sts", "Sts/Cd", "Sts/Prtry")


def _reversal_doubt(levels: list[_Node]) -> Message | None:
    if any(node.text("RvslInd") in ("true", "1") for node in levels):
        return say("the bank reverses an earlier movement")
    for node in levels:
        if node.all("RtrInf"):
            reason = node.text("RtrInf/Rsn/Cd") or say("no reason given")
            return say("a transfer that came back ({reason})", reason=reason)
    return None


def _charges(levels: list[_Node]) -> Message | None:
    """Charges that were taken from the amount, or may have been.

    A record with `ChrgInclInd` false was booked apart; a total is of its records, where it
    has any.
    """
    for charges in (found for node in levels for found in node.all("Chrgs")):
        records = charges.all("Rcrd")
        included = [node for node in records if node.text("ChrgInclInd") not in ("false", "0")]
        for node in included if records else [charges]:
            charge = node.amount("TtlChrgsAndTaxAmt", "Amt")
            if charge and charge[0]:
                return say(
                    "charges of {amount} {currency} are in it",
                    amount=figure(str(charge[0])),
                    currency=charge[1],
                )
    return None


def _booked(entry: _Node) -> date | None:
    text = entry.text("BookgDt/Dt", "BookgDt/DtTm")
    found = statements.day(text)
    if text and not found:
        expected = say("expected 2026-10-31")
        raise entry.wrong(text, say("is not a date"), expected, "BookgDt")
    return found
