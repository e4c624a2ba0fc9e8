"""OFX, as banks write it: 1.x SGML, whose fields need no end tags, and 2.x XML.

The packages on PyPI skip what their patterns do not match (a tag in lower case, one with a
space in it) without a word, turn dates to UTC and so into other days, or compute in floats.
The grammar is small: aggregates are closed, fields hold text and need not be.
"""

import codecs
import html
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
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
from lib.core.messages import Message, say

_HEAD = 4000  # characters in which a file says what it is
_ROOT = re.compile(r"<OFX(?:\s[^<>]*)?>", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([A-Za-z][\w.:-]*+)(\s[^<>]*+|/)?>")
_REFERENCE = re.compile(r"&(?:#[0-9]+|#x[0-9a-f]+|[a-z]+);", re.IGNORECASE)
# The second way: tags in the text, whatever stands around them.
_ENTRY_TAG = re.compile(r"<\s*STMTTRNP?(?:\s[^<>]*)?>", re.IGNORECASE)
_ENTRY_END = re.compile(r"<\s*/\s*STMTTRNP?\s*>", re.IGNORECASE)
_AMOUNT_TAG = re.compile(r"<\s*TRNAMT(?:\s[^<>]*)?>([^<]*)", re.IGNORECASE)

# A decimal point or comma; thousands are set off only where the decimal sign is another one,
# or where they are set off twice.
_PLAIN = re.compile(r"(?=[.,]?[0-9])([0-9]{0,18})(?:[.,]([0-9]{0,30}))?")
_GROUPED = re.compile(
    r"([0-9]{1,3}(?:([ \u00a0\u202f'])[0-9]{3}(?:\2[0-9]{3}){0,4}|([.,])[0-9]{3}(?:\3[0-9]{3}){0,4}"
    r"(?=(?!\3)[.,])|([.,])[0-9]{3}(?:\4[0-9]{3}){1,4}))(?:[.,]([0-9]{0,30}))?"
)
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_DAY = re.compile(
    r"([0-9]{4})(?:([0-9]{2})([0-9]{2})[0-9]*(?:[.:][0-9]*)?|"
    r"-([0-9]{2})-([0-9]{2})(?:[T ][0-9:.]*)?)\s*(?:\[[^\]]*\]?)?"
)

_STATEMENTS = ("STMTRS", "CCSTMTRS", "INVSTMTRS")
_ENTRIES = ("STMTTRN", "STMTTRNP")
_LISTS = ("BANKTRANLIST", "BANKTRANLISTP")
_ONCE = ("TRNTYPE", "DTPOSTED", "TRNAMT", "FITID", "REFNUM", "CURRENCY")
# OFX 11.4.4.3: types of money that leaves, and of money that comes in.
_OUTGOING = frozenset(("DEBIT", "ATM", "POS", "FEE", "SRVCHG", "REPEATPMT"))
_INCOMING = frozenset(("CREDIT", "DEP", "DIRECTDEP", "DIV"))
_METHODS = {"DIRECTDEBIT": "direct_debit", "POS": "card", "CHECK": "cheque"}


class Node(NamedTuple):
    """An aggregate or a field: its name in capitals, its text, what stands in it, its line."""

    name: str
    text: str
    children: "list[Node]"
    line: int

    def all(self, path: str) -> "list[Node]":
        """The nodes at a path of names."""
        found = [self]
        for name in path.split("/"):
            found = [child for node in found for child in node.children if child.name == name]
        return found

    def value(self, *paths: str) -> str:
        """The text of the first of these that has any."""
        return next((node.text for path in paths for node in self.all(path) if node.text), "")

    def walk(self) -> "Iterator[Node]":
        """Itself and all that stands in it, in the order of the text."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)


def is_ofx(data: bytes) -> bool:
    """Whether a file says at its head that it is OFX."""
    head = _head(data)
    return bool(_ROOT.search(head)) or "OFXHEADER" in head.upper()


def read(data: bytes) -> File:
    """A statement file as it stands.

    Raises:
      StatementError: if it is not as its format says.
    """
    text, notes = _decode(data)
    root = _tree(text)
    found = [node for node in root.walk() if node.name in _STATEMENTS]
    if not found:
        raise refusal(say("has no statement ({names})", names=_STATEMENTS))
    for node in found:
        if not node.children:
            raise refusal(say("<{name}> is not closed", name=node.name), on_line(node.line))
    inner = (node for one in found for node in one.walk() if node is not one)
    if any(node.name in _STATEMENTS for node in inner):
        raise refusal(say("has a statement in a statement"))
    for one in (one for node in root.walk() if node.name in _LISTS for one in node.children):
        if one.children and one.name not in _ENTRIES:
            raise refusal(
                say("<{name}> is not a transaction (STMTTRN)", name=one.name[:SHOWN]),
                on_line(one.line),
            )
    securities = sum(node.name == "INVTRAN" for node in root.walk())
    if securities:
        notes.append(
            say(
                "left out: {number} transactions in securities, which pay no invoice",
                number=securities,
            )
        )
    read_statements = statements.gather(lambda one: _statement(*one), enumerate(found, 1))
    count, amounts = _second_count(text)
    return File(read_statements, "STMTTRN", count, amounts, notes)


def _second_count(text: str) -> tuple[int, list[Decimal]]:
    """How many entries the text holds, and every amount in them."""
    parts = _ENTRY_TAG.split(text)[1:]
    inside = (_ENTRY_END.split(part, maxsplit=1)[0] for part in parts)
    values = [value for part in inside for value in _AMOUNT_TAG.findall(part)]
    return len(parts), [found for value in values if (found := _amount(value.strip())) is not None]


# --- from bytes to a tree ------------------------------------------------------------


def _head(data: bytes) -> str:
    """The first characters, of which only ASCII counts."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data[: 2 * _HEAD if wide else _HEAD].decode("utf-16" if wide else "latin-1", "replace")


_DECLARED = re.compile(
    r"(ENCODING|CHARSET)\s*[:=]\s*[\"']?([\w.-]*?)"
    r"(?=[^\w.-]|(?:CHARSET|COMPRESSION|OLDFILEUID|NEWFILEUID)\s*:|$)",
    re.IGNORECASE,
)
_CODECS = (
    (re.compile(r"UTF-?8|UNICODE"), "utf-8"),
    (re.compile(r"(?:US-?)?ASCII"), "ascii"),
    (re.compile(r"(?:WINDOWS-|CP)?125([0-8])"), r"cp125\1"),
    (re.compile(r"(?:ISO-?)?8859-([0-9]{1,2})"), r"iso8859-\1"),
)


def _codec(name: str) -> str:
    """What Python calls a character set; empty if it does not know it."""
    for pattern, codec in _CODECS:
        if found := pattern.fullmatch(name):
            try:
                return codecs.lookup(found.expand(codec)).name
            except LookupError:
                break
    return ""


def _decode(data: bytes) -> tuple[str, list[Message]]:
    """The text, and what its header says of the character set but does not keep.

    The header is read for nothing else: what banks write there is of all kinds. Names and
    texts depend on the character set, amounts, dates and references do not.
    """
    head = _head(data)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        named, tried = "UTF-16", ["utf-16"]
    else:
        fields = {name.upper(): value.upper() for name, value in _DECLARED.findall(head)}
        encoding, charset = fields.get("ENCODING", ""), fields.get("CHARSET", "")
        # ENCODING decides where it names one; CHARSET says which one USASCII stands for.
        ascii_only = _codec(encoding) in ("", "ascii") and charset not in ("", "NONE")
        named = charset if ascii_only else encoding
        tried = [_codec(named) or "utf-8", "utf-8", "cp1252", "latin-1"]
    for codec in tried:
        try:
            text = data.decode(codec)
        except UnicodeError:
            continue
        notes = []
        if codec != _codec(named) and named != "UTF-16" and not data.isascii():
            says = named[:SHOWN] or say("nothing")
            notes.append(say("its header says {says}; read as {codec}", says=says, codec=codec))
        text = text.removeprefix("\ufeff").rstrip("\0\x1a")  # DOS ended files so
        return text.replace("\r\n", "\n").replace("\r", "\n"), notes
    raise refusal(say("is not UTF-16 as its first bytes say"))


def _tree(text: str) -> Node:
    """The `<OFX>` aggregate of a file that holds this one, and holds it to its end.

    A field without text and without an end tag looks like an aggregate that begins; it is one
    only if something closes it, so what follows it becomes its sibling, not its child.
    """
    start = _ROOT.search(text, 0, _HEAD)
    if not start:
        raise refusal(say("has no <OFX> in its first {number} characters", number=_HEAD))
    head = re.sub(r"<\?[^<>]*\?>|<!--|-->", "", text[: start.start()])
    if "<" in head:
        before = head[head.index("<") :][:SHOWN].strip()
        raise refusal(say('has "{before}" before <OFX>', before=before))
    body = text[start.start() :]
    body = statements.without(body, "<!--", "-->", lambda inner: "\n" * inner.count("\n"))
    body = statements.without(body, "<![CDATA[", "]]>", lambda inner: html.escape(inner, False))
    nodes: list[Node] = []  # what is not yet in another one
    opened: list[tuple[str, int]] = []  # names that may be aggregates, with their index in `nodes`
    field = ""  # the field that stands just before, with text: its end tag opens nothing
    line, position = text.count("\n", 0, start.start()) + 1, 0
    for tag, after in pairwise([*_TAG.finditer(body), None]):
        assert tag is not None
        line, position = line + body.count("\n", position, tag.start()), tag.start()
        name, text = tag[2].upper(), body[tag.end() : after.start() if after else None].strip()
        closed = bool(tag[1]) or (tag[3] or "").endswith("/")
        if nodes and not opened:
            remedy = say("hand in one file at a time")
            raise _misplaced(tag, line, say("stands after </OFX>"), remedy)
        if closed and text:
            what = say('has "{text}" after it, in no field', text=text[:SHOWN])
            raise _misplaced(tag, line, what)
        if not tag[1]:
            nodes.append(Node(name, _unescaped(text), [], line))
            if not closed and not text:
                opened.append((name, len(nodes) - 1))
        elif name != field and not _close(name, nodes, opened):
            raise _misplaced(tag, line, say("closes nothing that is open"))
        field = name if text else ""
    if opened or not nodes:
        found, remedy = say("ends before </OFX>: it is cut short"), say("download it again")
        raise refusal(found, remedy=remedy)
    return nodes[0]


def _close(name: str, nodes: list[Node], opened: list[tuple[str, int]]) -> bool:
    """Puts what stands after the last open `name` into it; false if none is open."""
    for depth in reversed(range(len(opened))):
        if opened[depth][0] == name:
            index = opened[depth][1]
            nodes[index] = nodes[index]._replace(children=nodes[index + 1 :])
            del nodes[index + 1 :], opened[depth:]
            return True
    return False


def _misplaced(
    tag: re.Match[str], line: int, what: Message, remedy: Message | None = None
) -> StatementError:
    found = say("{tag} {what}", tag=tag[0][:SHOWN], what=what)
    return refusal(found, on_line(line), remedy=remedy)


def _unescaped(text: str) -> str:
    """Text with its references replaced; an & that begins none stays, as banks write it."""
    return _REFERENCE.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


# --- from a tree to entries ----------------------------------------------------------


def _statement(number: int, statement: Node) -> Statement:
    place = str(say("statement {number}", number=number))
    account = statement.value("BANKACCTFROM/ACCTID", "CCACCTFROM/ACCTID", "INVACCTFROM/ACCTID")
    currency = statement.value("CURDEF")
    found = [node for node in statement.walk() if node.name in _ENTRIES]
    entries = statements.gather(
        lambda one: _entry(
            statements.entry_place(place, one[0]),
            account,
            currency,
            one[1],
        ),
        enumerate(found, 1),
    )
    return Statement(place, account, entries, [], [], [])


def _entry(place: str, account: str, currency: str, entry: Node) -> StatementEntry:
    def wrong(name: str, what: Message, expected: Message | None = None) -> StatementError:
        """A refusal that names line, field and value as they stand in the file."""
        field = entry.all(name)[0]
        found = say('{name} "{value}" {what}', name=name, value=field.text[:SHOWN], what=what)
        return refusal(found, on_line(field.line, place), expected)

    for name in _ONCE:
        if (times := len(entry.all(name))) > 1:
            raise wrong(name, say("stands {times} times in one entry", times=times))
    if not entry.all("TRNAMT"):
        raise refusal(say("has no TRNAMT"), on_line(entry.line, place))
    amount = _amount(entry.value("TRNAMT"))
    if amount is None:
        raise wrong("TRNAMT", say("is not an amount"), say("expected -1234.50"))
    posted = entry.value("DTPOSTED")
    booked = _day(posted)
    if posted.strip("0") and not booked:
        raise wrong("DTPOSTED", say("is not a date"), say("expected 20261031"))
    # OFX has no field for a creditor reference: a free one counts where it holds an RF
    # reference, whose check digits are right, and nothing else.
    free = [entry.value("NAME"), entry.value("PAYEE/NAME"), entry.value("MEMO")]
    references = [entry.value("REFNUM"), *(value for value in free if iso11649.is_valid(value))]
    currency = entry.value("CURRENCY/CURSYM") or currency
    kind = entry.value("TRNTYPE").upper()
    pending = entry.name == "STMTTRNP" or kind == "HOLD"
    contradiction = _contradiction(entry, kind, amount)
    movement = BankMovement(
        place=place,
        account=account,
        booked=booked,
        amount=abs(amount),
        currency=currency,
        credit=not amount.is_signed(),
        odd=bool(contradiction),
        method=_METHODS.get(kind, "transfer"),
        references=tuple(statements.compact(reference) for reference in references if reference),
        text=" ".join(value for value in free if value),
        party=free[0] or free[1],
        bank_reference=entry.value("FITID"),
        doubt=say("is not booked") if pending else contradiction,
    )
    return StatementEntry(place, amount, currency, not pending, [movement])


def _contradiction(entry: Node, kind: str, amount: Decimal) -> Message | None:
    """What an entry says against itself."""
    corrected = entry.value("CORRECTFITID")
    if corrected:
        return say("corrects an earlier movement, {reference}", reference=corrected[:35])
    if amount > 0 and kind in _OUTGOING:
        return say("is of type {kind}, money that leaves, but has no minus sign", kind=kind)
    if amount < 0 and kind in _INCOMING:
        return say("is of type {kind}, money that comes in, but has a minus sign", kind=kind)
    text = entry.value("TRNAMT")
    if _AMBIGUOUS.fullmatch(text.lstrip("+-")):
        return say(
            'its amount "{amount}" may be of thousands or of thousandths', amount=text[:SHOWN]
        )
    return None


def _amount(text: str) -> Decimal | None:
    """An amount as banks write it; None if it is not one, or could mean several."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text.removeprefix("+"))
    digits = digits.lstrip(" ")
    if found := _PLAIN.fullmatch(digits):
        return Decimal(f"{sign}{found[1] or '0'}.{found[2] or '0'}")
    if found := _GROUPED.fullmatch(digits):
        return Decimal(f"{sign}{re.sub('[^0-9]', '', found[1])}.{found[5] or '0'}")
    return None


def _day(text: str) -> date | None:
    """The day as it is written, whatever the hour and zone behind it; None if it is not a date."""
    found = _DAY.fullmatch(text)
    if not found:
        return None
    year, month, day, iso_month, iso_day = found.groups()
    return statements.day(f"{year}-{month or iso_month}-{day or iso_day}")
