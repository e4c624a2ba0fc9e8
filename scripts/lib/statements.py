"""Bank statements: camt.053 (ISO 20022, versions 02 to 13) and OFX (1.x SGML, 2.x XML).

Both become a list of movements, one for each transfer: nothing is interpreted here but what
the format itself says. What a format leaves open about a movement stands in its `doubt`.

camt.053 is read with lxml: the packages on PyPI that parse it either bring a web server or
compute in floats. OFX's tags without ends, its header and its encodings are ofxtools'; values
are taken as they are written, since its typed objects move dates to UTC, and so to other days.
"""

import io
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from xml.etree.ElementTree import Element
from xml.sax.saxutils import unescape

from lxml import etree
from stdnum import iso11649

from lib import money

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(0[2-9]|1[0-3])")
_CAMT_AMOUNT = re.compile(r"[0-9]{1,18}(\.[0-9]{1,5})?")
_OFX_AMOUNT = re.compile(r"([+-]?)([0-9]{1,18})(?:[.,]([0-9]{0,5}))?")
# Without (?>...) a head of many comments would be read anew for each way to divide it.
_OFX_HEAD = re.compile(
    rb"\s*+(OFXHEADER|<\?OFX|<OFX>|<\?xml[^>]*>\s*+(?:(?><!--.*?-->)\s*+)*+<(\?OFX|OFX>))",
    re.DOTALL,
)

_HEAD = 4000  # bytes in which a file says what it is
_MANY_SPACES = re.compile(rb"\s{21}")  # ofxtools' patterns of a header try them in every way

# What the families of ISO 20022 bank transaction codes and OFX's types say of the way to pay;
# any other incoming movement is a transfer.
_METHODS = {
    "IDDT": "direct_debit",
    "MCRD": "card",
    "RCHQ": "cheque",
    "DIRECTDEBIT": "direct_debit",
    "POS": "card",
    "CHECK": "cheque",
}


class StatementError(ValueError):
    """A file that is no statement that can be read; its text says why, in one line."""


class Movement(NamedTuple):
    """One transfer on an account.

    `amount` is not negative; `credit` tells whether it came in. `booked` is the date of
    booking as the bank wrote it, None where it gave none. `references` are those that the
    format carries in a field of their own, compact; `text` is all that is free. `doubt` says
    why it cannot be taken for money received whatever it names; empty: nothing speaks
    against it.
    """

    place: str
    account: str
    booked: date | None
    amount: Decimal
    currency: str
    credit: bool
    reversal: bool
    method: str
    references: tuple[str, ...]
    text: str
    party: str
    bank_reference: str
    doubt: str


def read(data: bytes) -> list[Movement]:
    """Every movement of a statement file, in its order.

    Raises:
      StatementError: if it is neither format, or not as its format says.
    """
    return _read_ofx(data) if _OFX_HEAD.match(data[:_HEAD]) else _read_camt(data)


# --- camt.053 ------------------------------------------------------------------------


def _read_camt(data: bytes) -> list[Movement]:
    # No entity is replaced, nothing is fetched; a document type is refused altogether.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise StatementError(f"is neither OFX nor XML: {str(error)[:100]}") from None
    if root.getroottree().docinfo.doctype:
        raise StatementError("declares a document type, which no bank's statement does")
    name = etree.QName(root)
    if name.localname != "Document" or not _NAMESPACE.fullmatch(name.namespace or ""):
        found = f"{{{name.namespace or ''}}}{name.localname}"[:100]
        raise StatementError(f"is {found}; expected camt.053.001.02 to .13")
    statements = _Node(root).all("BkToCstmrStmt/Stmt")
    if not statements:
        raise StatementError("has no statement (BkToCstmrStmt/Stmt)")
    return [
        movement
        for s, statement in enumerate(statements, 1)
        for account in [statement.text("Acct/Id/IBAN", "Acct/Id/Othr/Id")]
        for e, entry in enumerate(statement.all("Ntry"), 1)
        for movement in _movements(f"statement {s}, entry {e}", account, entry)
    ]


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

    def amount(self, *paths: str) -> tuple[Decimal, str] | None:
        """Amount and currency of the first of these that is there."""
        for node in (node for path in paths for node in self.all(path)):
            text = node.text("")
            if not _CAMT_AMOUNT.fullmatch(text):
                raise StatementError(f'line {node.element.sourceline}: "{text[:40]}" is no amount')
            return Decimal(text), node.element.get("Ccy", "")
        return None


def _movements(place: str, account: str, entry: _Node) -> Iterator[Movement]:
    """The transfers of an entry: each of its details where they account for it, else itself."""
    whole = entry.amount("Amt")
    if whole is None:
        raise StatementError(f"{place}: has no amount")
    details = entry.all("NtryDtls/TxDtls")
    if len(details) < 2:
        doubt = _batch_doubt(entry) or _detail_doubt(details, whole)
        yield _movement(place, account, entry, details[0] if details else None, whole, doubt)
        return
    amounts = [
        detail.amount("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt") for detail in details
    ]
    signed = [
        (amount if _is_credit(entry, detail) == _is_credit(entry, None) else -amount, currency)
        for detail, found in zip(details, amounts, strict=True)
        if found
        for amount, currency in [found]
    ]
    complete = len(signed) == len(details) and all(currency == whole[1] for _, currency in signed)
    if not complete or sum((amount for amount, _ in signed), money.ZERO) != whole[0]:
        doubt = f"its {len(details)} transfers do not add up to its amount"
        yield _movement(place, account, entry, None, whole, doubt)
        return
    for d, (detail, amount) in enumerate(zip(details, amounts, strict=True), 1):
        assert amount is not None
        yield _movement(f"{place}, detail {d}", account, entry, detail, amount, "")


def _batch_doubt(entry: _Node) -> str:
    count = entry.text("NtryDtls/Btch/NbOfTxs")
    if count.lstrip("0") in ("", "1"):
        return ""
    return f"a batch of {count[:15]} transfers that the statement does not itemise"


def _detail_doubt(details: list[_Node], whole: tuple[Decimal, str]) -> str:
    own = details[0].amount("Amt", "AmtDtls/TxAmt/Amt") if details else None
    return f"its detail says {own[0]} {own[1]}" if own and own != whole else ""


def _is_credit(entry: _Node, detail: _Node | None) -> bool:
    indicator = (detail.text("CdtDbtInd") if detail else "") or entry.text("CdtDbtInd")
    if indicator not in ("CRDT", "DBIT"):
        line = entry.element.sourceline
        raise StatementError(f'line {line}: "{indicator[:40]}" is neither CRDT nor DBIT')
    return indicator == "CRDT"


def _movement(
    place: str,
    account: str,
    entry: _Node,
    detail: _Node | None,
    amount: tuple[Decimal, str],
    doubt: str,
) -> Movement:
    levels = [detail, entry] if detail else [entry]
    reversal = any(node.text("RvslInd") in ("true", "1") for node in levels)
    free = [text for node in levels for text in _free_texts(node)]
    references = detail.texts("RmtInf/Strd/CdtrRefInf/Ref") if detail else []
    references += detail.texts("Refs/EndToEndId") if detail else []
    families = [node.text("BkTxCd/Domn/Fmly/Cd") for node in levels]
    return Movement(
        place=place,
        account=account,
        booked=_day(entry.text("BookgDt/Dt", "BookgDt/DtTm")),
        amount=amount[0],
        currency=amount[1],
        credit=_is_credit(entry, detail),
        reversal=reversal,
        method=next((_METHODS[code] for code in families if code in _METHODS), "transfer"),
        references=tuple(_compact(reference) for reference in references),
        text=" ".join(free),
        party=detail.text("RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm") if detail else "",
        bank_reference=next(
            filter(None, (n.text("Refs/AcctSvcrRef", "AcctSvcrRef", "NtryRef") for n in levels)), ""
        ),
        doubt=_status_doubt(entry)
        or doubt
        or _reversal_doubt(reversal, levels)
        or _charges(levels),
    )


def _free_texts(node: _Node) -> list[str]:
    paths = ("RmtInf/Ustrd", "RmtInf/Strd/RfrdDocInf/Nb", "RmtInf/Strd/AddtlRmtInf")
    return [text for path in (*paths, "AddtlTxInf", "AddtlNtryInf") for text in node.texts(path)]


def _status_doubt(entry: _Node) -> str:
    status = entry.text("Sts", "Sts/Cd", "Sts/Prtry")
    return "" if status == "BOOK" else f"is not booked ({status[:35] or 'no status'})"


def _reversal_doubt(reversal: bool, levels: list[_Node]) -> str:
    if reversal:
        return "the bank reverses an earlier movement"
    for node in levels:
        if node.all("RtrInf"):
            return f"a transfer that came back ({node.text('RtrInf/Rsn/Cd') or 'no reason given'})"
    return ""


def _charges(levels: list[_Node]) -> str:
    paths = ("Chrgs/TtlChrgsAndTaxAmt", "Chrgs/Amt", "Chrgs/Rcrd/Amt")
    for node in levels:
        for path in paths:
            for found in node.all(path):
                charge = found.amount("")
                if charge and charge[0]:
                    return f"charges of {charge[0]} {charge[1]} are in it"
    return ""


def _day(text: str) -> date | None:
    """The day of a date or time as it is written, in the bank's own zone."""
    if not text:
        return None
    try:
        return date.fromisoformat(text[: len("2026-12-03")])
    except ValueError:
        raise StatementError(f'"{text[:40]}" is no date') from None


def _compact(reference: str) -> str:
    """An RF reference without the spaces that paper has; any other one as it is."""
    return iso11649.compact(reference) if iso11649.is_valid(reference) else reference


# --- OFX -----------------------------------------------------------------------------


_STATEMENTS = ("STMTRS", "CCSTMTRS")


def _read_ofx(data: bytes) -> list[Movement]:
    from ofxtools.header import parse_header
    from ofxtools.Parser import OFXTree  # half a second, spared where it is not needed

    head, mark, _ = data[:_HEAD].partition(b"<OFX>")
    if not mark or _MANY_SPACES.search(head):
        raise StatementError(f"has no OFX header in its first {_HEAD} bytes")
    try:
        parse_header(io.BytesIO(head))  # alone, where its patterns cannot run far
        root = OFXTree().parse(io.BytesIO(data))
    except Exception as error:
        # Its parser has no base class for what it raises on bytes that are no OFX, and its
        # texts repeat the whole file.
        text = f"is not OFX as its header says ({type(error).__name__})"
        raise StatementError(text) from None
    statements = [node for node in root.iter() if node.tag in _STATEMENTS]
    if not statements:
        raise StatementError("has no statement (STMTRS)")
    inner = (node for one in statements for node in one.iter() if node is not one)
    if any(node.tag in _STATEMENTS for node in inner):
        raise StatementError("has a statement in a statement")
    return [
        _ofx_movement(f"statement {s}, entry {e}", _Fields(statement), _Fields(found))
        for s, statement in enumerate(statements, 1)
        for e, found in enumerate(
            (node for node in statement.iter() if node.tag in ("STMTTRN", "STMTTRNP")), 1
        )
    ]


class _Fields:
    """An OFX aggregate: the text of what stands in it."""

    def __init__(self, node: Element):
        self.tag = node.tag
        self._node = node

    def __call__(self, path: str) -> str:
        return unescape((self._node.findtext(path) or "").strip())


# OFX 11.4.4.3: types of money that leaves; their amounts are negative.
_OFX_OUTGOING = frozenset(("DEBIT", "ATM", "POS", "FEE", "SRVCHG", "REPEATPMT"))


def _ofx_movement(place: str, statement: _Fields, fields: _Fields) -> Movement:
    text = fields("TRNAMT")
    match = _OFX_AMOUNT.fullmatch(text)
    if match is None:
        raise StatementError(f'{place}: "{text[:40]}" is no amount')
    sign, whole, cents = match.groups()
    posted = fields("DTPOSTED")
    day = f"{posted[:4]}-{posted[4:6]}-{posted[6:8]}" if posted else ""
    # OFX has no field for a creditor reference: a free one counts where it holds an RF
    # reference, whose check digits are right, and nothing else.
    free = [fields("NAME"), fields("PAYEE/NAME"), fields("MEMO")]
    references = [fields("REFNUM"), *[value for value in free if iso11649.is_valid(value)]]
    account = next(filter(None, map(statement, ("BANKACCTFROM/ACCTID", "CCACCTFROM/ACCTID"))), "")
    corrected = fields("CORRECTFITID")
    doubt = f"corrects an earlier movement, {corrected[:35]}" if corrected else ""
    kind = fields("TRNTYPE")
    if sign != "-" and kind in _OFX_OUTGOING:
        doubt = f"is of type {kind}, money that leaves, but has no minus sign"
    return Movement(
        place=place,
        account=account,
        booked=_day(day),
        amount=Decimal(f"{whole}.{cents or '0'}"),
        currency=fields("CURRENCY/CURSYM") or statement("CURDEF"),
        credit=sign != "-",
        reversal=False,
        method=_METHODS.get(fields("TRNTYPE"), "transfer"),
        references=tuple(_compact(reference) for reference in references if reference),
        text=" ".join(value for value in free if value),
        party=free[0] or free[1],
        bank_reference=fields("FITID"),
        doubt="is not booked" if fields.tag == "STMTTRNP" else doubt,
    )
