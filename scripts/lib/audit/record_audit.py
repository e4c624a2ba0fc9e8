"""The audit of records: chains, heads, sequences, counters, payments, credit notes, witnesses.

Chains are read here again, line by line, and reading goes on after a broken line: the other
readers stop at it, an audit names all of them.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from functools import cache, partial
from itertools import islice, pairwise
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, NoReturn

import msgspec

from lib.audit import findings
from lib.audit.findings import Files
from lib.billing import batch_rows
from lib.books import (
    numbering,
    openings,
    order_records,
    payment_rules,
    payments,
    quotations,
    record_lines,
    records,
    revenues,
)
from lib.books.heads import Head
from lib.books.record_lines import BillingRevenue, OpeningLine, OrderRevenue
from lib.books.records import Chain, Record
from lib.books.revenues import Ledger
from lib.core import storage, strict_json
from lib.core.faults import Alert, Broken, Fault, Refused, at_line
from lib.core.messages import Message, counted, figure, say
from lib.core.root import Root
from lib.values import money, numbers
from lib.values.document import DEPOSIT, Period

REVENUES = revenues.DIRECT.records
REVENUES_BATCH = revenues.BATCH.records
PAYMENTS = "payments"
QUOTATIONS = quotations.LEDGER.records
OPENINGS = "openings"
OUTBOX = "outbox"
PLATFORM = "platform"

# Where sequences begin stands among revenues, in files of codes: books of their own.
SEQUENCES = {family: f"{family} of codes" for family in (REVENUES, REVENUES_BATCH)}

_MOST = 1000  # broken lines of one file that are named
_DIGEST = 32  # bytes of a SHA-256

# What a line that is read at once has not: as many digits as the longest number of a record,
# more objects and arrays than JSON may have levels.
_LONG = re.compile(rb"[:,\[]-?[0-9]{18}")
_FEW = 50

_RESTORE = say("restore it from a backup")

_WITNESS = re.compile(r"[>\s]*(data/\S+\.jsonl) ([0-9]{1,15}) ([0-9a-f]{64})\s*")


class RecordLines:
    """The lines of a file that are records, in order; each pass over them reads the file again, so
    that years of records are never held.

    A pass raises Broken at its end where the file is not what it was when it was looked at first.
    """

    def __init__(self, root: Root, name: str, sha256: bytes, odd: frozenset[int], last: int):
        """
        Args:
          sha256: of all of the file.
          odd: the numbers of lines that are no records.
          last: the number of the last line that was looked at.
        """
        self._root, self._name, self._sha256, self._odd, self._last = root, name, sha256, odd, last

    def __iter__(self) -> Iterator[Record]:
        sha256 = hashlib.sha256()
        with storage.open_file(self._root.path / self._name) as stream:
            for number, line in enumerate(stream, 1):
                sha256.update(line)
                if number <= self._last and number not in self._odd:
                    # What is a record holds no number with a point: each parser reads the same.
                    yield msgspec.json.decode(line)
        if sha256.digest() != self._sha256:
            text = say("was changed while it was verified")
            raise Broken([findings.alert("B-RECORD-BROKEN", self._name, text)])


class Book(NamedTuple):
    """A record file: the lines that can be read, in order; `sound` if nothing is wrong with it:
    then `digests` has the hash of each line."""

    family: str
    name: str
    owner: str
    records: Iterable[Record]
    sound: bool
    digests: bytes = b""

    def held(self) -> "Book":
        """The book of one client with its records in memory, for more than one look at each."""
        return self._replace(records=tuple(self.records))

    def hash_of(self, seq: int) -> str | None:
        """The hash of the line that has this seq, None where there is none."""
        if seq < 1:
            return None
        if self.sound:
            return self.digests[(seq - 1) * _DIGEST : seq * _DIGEST].hex() or None
        return {record["seq"]: record["hash"] for record in self.records}.get(seq)

    @property
    def last(self) -> int:
        """The last seq of its lines; 0 where there is none."""
        if self.sound:
            return len(self.digests) // _DIGEST
        return max((record["seq"] for record in self.records), default=0)

    def chain(self, root: Root, length: int) -> Chain:
        """Its first `length` lines as a chain, where it is sound."""
        hash_ = self.hash_of(length) or records.GENESIS
        return Chain(root.path / self.name, tuple(islice(self.records, length)), 0, length, hash_)


class RecordBooks(NamedTuple):
    """All of them, by family and by client."""

    families: dict[str, dict[str, Book]]

    def of(self, family: str) -> list[Book]:
        """The books of a family, in order of client."""
        return list(self.families[family].values())

    def get(self, family: str, owner: str) -> Book:
        """A client's book, empty and sound where there is none."""
        empty = Book(family, f"data/{family}/{owner}.jsonl", owner, (), True)
        return self.families[family].get(owner, empty)


# --- chains --------------------------------------------------------------------------


def read(files: Files) -> tuple[RecordBooks, list[Alert]]:
    """Every record file with all that is wrong with its lines, its chain and its head."""
    books = RecordBooks({family: {} for family in (*record_lines.FAMILIES, *SEQUENCES.values())})
    faults: list[Alert] = []
    known_heads = set()
    for family in record_lines.FAMILIES:
        for name in files.under(f"data/{family}"):
            path = PurePosixPath(name)
            if path.suffix == ".jsonl" and path.parent.name == family:
                book, wrong = _read_book(files, family, name)
                is_client = family not in SEQUENCES or book.owner[:1].islower()
                books.families[family if is_client else SEQUENCES[family]][book.owner] = book
                faults += wrong
                known_heads.add(findings.head_name(files.root, name))
            elif family != OUTBOX and not _may_stand_by(files, name):
                text = say("is not a record file")
                faults.append(findings.alert("B-STRAY", name, text, say("move it elsewhere")))
    for name in files.under("data/heads"):
        if name not in known_heads and not findings.is_leftover(name):
            path = PurePosixPath(name)
            missing = f"data/{path.parent.name}/{path.stem}.jsonl"
            text = say("is the head of {file}, which is missing", file=missing)
            faults.append(findings.alert("B-RECORD-HEAD", name, text, _RESTORE))
    return books, faults


def _may_stand_by(files: Files, name: str) -> bool:
    """Whether a file that is no record file may stand in the folder of a family."""
    is_lock = PurePosixPath(name).name == files.root.lock.name
    return is_lock or findings.is_proof(name) or findings.is_leftover(name)


class _Reading(NamedTuple):
    """What a record file came to: its book, its last seq and hash, what is wrong with its lines."""

    book: Book
    seq: int
    hash: str
    faults: list[Alert]


def _read_book(files: Files, family: str, name: str) -> tuple[Book, list[Alert]]:
    empty = Book(family, name, PurePosixPath(name).stem, (), True)
    look = partial(_read_lines, files.root, empty)
    nothing = _Reading(empty, 0, records.GENESIS, [])
    reading, unreadable = findings.tried(look, files.root.path / name, nothing)
    faults = [findings.alert("B-UNREADABLE", name, unreadable)] if unreadable else []
    faults += reading.faults
    faults += _head_faults(files, name, reading.seq, reading.hash)
    return reading.book._replace(sound=not faults), faults


def _read_lines(root: Root, empty: Book, path: Path) -> _Reading:
    family, name = empty.family, empty.name
    faults: list[Alert] = []
    odd: set[int] = set()
    digests = bytearray()
    sha256 = hashlib.sha256()
    seq, hash_ = 0, records.GENESIS
    last = cut = 0
    stopped = False
    with storage.open_file(path) as stream:
        for number, line in enumerate(stream, 1):
            sha256.update(line)
            if not line.endswith(b"\n"):
                cut = number
            elif len(faults) < _MOST:
                last = number
                record, wrong = _read_line(name, line[:-1], family, seq + 1, hash_)
                faults += [_broken(name, number, text) for text in wrong]
                if record is not None:
                    seq, hash_ = record["seq"], record["hash"]
                else:
                    seq, hash_ = seq + 1, ""
                    odd.add(number)
                if not faults:
                    digests += bytes.fromhex(hash_)
            elif not stopped:
                stopped = True
                text = say("reading stopped after {number} broken lines", number=_MOST)
                faults.append(_broken(name, number, text, _RESTORE))
    if cut:
        text = say("is cut in half: it has no line break")
        faults.append(_broken(name, cut, text, _RESTORE))
    lines = RecordLines(root, name, sha256.digest(), frozenset(odd), last)
    return _Reading(empty._replace(records=lines, digests=bytes(digests)), seq, hash_, faults)


def _broken(name: str, number: int, text: Message, remedy: Message | None = None) -> Alert:
    return findings.alert("B-RECORD-BROKEN", name, text, remedy, place=at_line(number))


def _read_line(
    name: str, line: bytes, family: str, seq: int, prev: str
) -> tuple[Record | None, list[Message]]:
    """A line as a record, None where it is not one, and what is wrong with it.

    Args:
      seq: what the line should have.
      prev: the hash of the line before; empty where that line is not a record.
    """
    try:
        record, digest, is_canonical = _as_written(family, name, line) or _read_carefully(
            family, name, line
        )
    except Refused as refused:
        return None, [say("is not a record: {reason}", reason=refused.alerts[0].text)]
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        return None, [say("is not a record: {reason}", reason=str(error))]
    if type(record.get("seq")) is not int or not isinstance(record.get("hash"), str):
        return None, [say("is not a record: it has no seq or no hash")]
    wrong = []
    if record["hash"] != digest:
        wrong.append(say("was changed: its hash is not that of its content"))
    elif not is_canonical:
        wrong.append(say("was changed: it is not written as records are"))
    if record["seq"] != seq:
        text = say(
            "has seq {seq}, expected {expected}: lines are missing or exchanged",
            seq=str(record["seq"]),
            expected=seq,
        )
        wrong.append(text)
    elif prev and record.get("prev") != prev:
        wrong.append(say("does not follow the line before it: prev is not that line's hash"))
    return record, wrong


_Content = tuple[Record, str, bool]  # a record, the hash of its content, whether it is canonical


def _read_carefully(family: str, name: str, line: bytes) -> _Content:
    record = strict_json.parse(name, line)
    msgspec.convert(record, type=record_lines.shape_of(family, PurePosixPath(name).stem))
    unhashed = {key: value for key, value in record.items() if key != "hash"}
    digest = storage.sha256(storage.canonical_json(unhashed))
    return record, digest, storage.canonical_json(record) == line


def _as_written(family: str, name: str, line: bytes) -> _Content | None:
    """The same, in a fifth of the time, of a line that is written as records are.

    None of any other line, and of one that may have too long a number or too many levels."""
    if _LONG.search(line) or line.count(b"{") + line.count(b"[") > _FEW:
        return None
    try:
        record = _FACTS.decode(line)
        _decoder(family, PurePosixPath(name).stem[:1].islower()).decode(line)
    except (msgspec.MsgspecError, ValueError):
        return None
    if msgspec.json.encode(record, order="sorted") != line:
        return None
    unhashed = {key: value for key, value in record.items() if key != "hash"}
    return record, storage.sha256(msgspec.json.encode(unhashed, order="sorted")), True


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number that a record may have")


_FACTS = msgspec.json.Decoder(dict[str, Any], float_hook=_no_float)


@cache
def _decoder(family: str, is_client: bool) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(record_lines.shape_of(family, "a" if is_client else "A"))


def _head_faults(files: Files, name: str, seq: int, hash_: str) -> list[Alert]:
    head = findings.head_name(files.root, name)
    data, unreadable = findings.read(files.root, head)
    if not seq and not files.has(head):
        return []
    if unreadable:
        text = say(
            "{reason}, but {file} has {lines}", reason=unreadable, file=name, lines=_lines(seq)
        )
        return [findings.alert("B-RECORD-HEAD", head, text)]
    if data == records.head_bytes(seq, hash_):
        return []
    text = say(
        "disagrees with {file}, whose last line is seq {seq}, hash {hash}",
        file=name,
        seq=seq,
        hash=hash_ or say("unknown"),
    )
    return [findings.alert("B-RECORD-HEAD", head, text)]


def _lines(count: int) -> Message:
    return counted(count, "1 line", "{number} lines")


def heads_of(books: RecordBooks) -> list[Head]:
    """Where each chain stands."""
    return [
        Head(book.name, book.last, book.hash_of(book.last) or "")
        for family in books.families
        for book in books.of(family)
        if book.last
    ]


# --- the witness ---------------------------------------------------------------------


def witnessed(text: str) -> list[Head]:
    """The heads in a mail; its other lines are passed over.

    Example: `data/revenues/nord.jsonl 12 9f86d0...`, quoted with `> ` or not.
    """
    matches = [_WITNESS.fullmatch(line) for line in text.splitlines()]
    return [Head(match[1], int(match[2]), match[3]) for match in matches if match]


def witness_faults(books: RecordBooks, heads_then: Iterable[Head]) -> Iterator[Alert]:
    """Where today's chains do not go through the heads that a witness keeps."""
    by_name = {book.name: book for family in books.families for book in books.of(family)}
    for name, seq, hash_ in heads_then:
        if not seq:
            continue
        book = by_name.get(name)
        found = book.hash_of(seq) if book else None
        if book is None:
            text = say("is missing: the witness has it with {lines}", lines=_lines(seq))
        elif found is None:
            text = say(
                "has no line {seq} any more, its last is {last}: the chain was rebuilt",
                seq=seq,
                last=book.last,
            )
        elif found != hash_:
            text = say(
                "has hash {hash}, the witness has {expected}: the chain was rebuilt",
                hash=found,
                expected=hash_,
            )
        else:
            continue
        yield findings.alert("B-WITNESS", name, text, place=at_line(seq))


# --- numbers -------------------------------------------------------------------------


def number_faults(
    files: Files, books: RecordBooks, ledger: Ledger, formats: tuple[str, ...] = numbers.FORMATS
) -> Iterator[Alert]:
    """Gaps, doubles, dates out of order, and counters that disagree with the records."""
    wrong = [name for name in files.under(f"data/{ledger.counters}") if not _is_counter(name)]
    for name in wrong:
        yield findings.alert("B-STRAY", name, say("is not a counter"), say("move it elsewhere"))
    folder = f"data/{ledger.counters}"
    if list(files.under(folder)) != list(files.regular(folder)):
        return  # a pipe among them is named, and reading it might never end
    try:
        numbered = (
            numbering.of_record(
                book.name, record["seq"], record["number"], record["issue_date"], formats
            )
            for book in books.of(ledger.records)
            for record in book.records
            if "number" in record
        )
        of_codes = books.of(SEQUENCES[ledger.records]) if ledger.records in SEQUENCES else []
        begun = [line for book in of_codes for line in book.records]
        starts = {(line["code"], line["year"]): line["last"] for line in begun}
        numbering.read(files.root, ledger.counters, numbered, starts)
    except Broken as broken:
        yield from broken.alerts
    except OSError as error:
        name = files.root.name_of(Path(error.filename))
        yield findings.alert("B-UNREADABLE", name, findings.unreadable(error))


def start_faults(book: Book) -> Iterator[Alert]:
    """Where the sequences of a code begin: lines of its own code."""
    for record in book.records:
        if record["code"] != book.owner:
            text = say("belongs to {client}", client=record["code"])
            yield _of_line("B-RECORD-WRONG", book, record, text)


def _is_counter(name: str) -> bool:
    path = PurePosixPath(name)
    return (path.suffix == ".json" and path.parent.parent.name == "data") or findings.is_leftover(
        name
    )


# --- what lines say of each other ----------------------------------------------------


def bill_faults(book: Book) -> Iterator[Alert]:
    """Whose lines they are, sums, credit notes beyond their invoices, things invoiced twice."""
    if book.family == REVENUES:
        book = book.held()
    invoices: dict[str, str] = {}
    left: dict[str, Decimal] = {}
    for record in book.records:
        for text in _bill(record, book.owner, invoices, left):
            yield _of_line("B-RECORD-WRONG", book, record, text)
    yield from _doubles(book)
    if book.family == REVENUES:
        yield from _order_faults(book)


def _order_faults(book: Book) -> Iterator[Alert]:
    """Steps invoiced twice, and deposits that are not taken off as they stood."""
    of_orders = [record for record in book.records if record.get("order")]
    lines = msgspec.convert(of_orders, list[OrderRevenue])
    for i, line in enumerate(lines):
        if line.corrects:
            continue
        before = {
            invoice.number: invoice
            for order, invoice in order_records.step_invoices(lines[:i])
            if order == line.order
        }
        for invoice in before.values():
            if invoice.step == line.step and not invoice.is_credited:
                text = say(
                    "{number} invoices {step} of {order}, as {earlier} does",
                    number=line.number,
                    step=line.step,
                    order=line.order,
                    earlier=invoice.number,
                )
                yield _of_line("B-RECORD-WRONG", book, of_orders[i], text)
        deposits = {
            number: {share: amounts for share, amounts in invoice.shares.items() if any(amounts)}
            for number, invoice in before.items()
            if invoice.type_code == DEPOSIT and any(map(any, invoice.shares.values()))
        }
        taken_off = {entry.number: order_records.taxed(entry) for entry in line.deposits}
        if taken_off and taken_off != deposits:
            text = say(
                "{number} takes off other deposits of {order} than stood then",
                number=line.number,
                order=line.order,
            )
            yield _of_line("B-RECORD-WRONG", book, of_orders[i], text)


def _bill(
    record: Record, owner: str, invoices: dict[str, str], left: dict[str, Decimal]
) -> Iterator[Message]:
    """What is wrong with a line; `invoices` has the dates of those before it, by number."""
    if record["client"] != owner:
        yield say("belongs to {client}", client=record["client"])
    gross = Decimal(record["gross"])
    if Decimal(record["net"]) + Decimal(record["vat"]) != gross:
        yield say(
            "net {net} and VAT {vat} are not gross {gross}",
            net=figure(record["net"]),
            vat=figure(record["vat"]),
            gross=figure(record["gross"]),
        )
    for key in ("net", "vat"):
        amount = money.total(Decimal(share[key]) for share in record["breakdown"])
        if amount != Decimal(record[key]):
            yield say(
                "its breakdown has {key} {sum}, it says {amount}",
                key=key,
                sum=figure(str(amount)),
                amount=figure(record[key]),
            )
    number = record["number"]
    if record["kind"] == "invoice":
        invoices[number], left[number] = record["issue_date"], gross
        return
    corrected = record["corrects"]
    if corrected not in invoices:
        yield say(
            "{number} corrects {invoice}, which is not an invoice before it",
            number=number,
            invoice=corrected,
        )
        return
    if record["issue_date"] < invoices[corrected]:
        yield say(
            "{number} is of {date}, before its invoice {invoice}",
            number=number,
            date=record["issue_date"],
            invoice=corrected,
        )
    left[corrected] -= gross
    if left[corrected] < 0:
        yield say(
            "{number} credits more than its invoice {invoice} has left",
            number=number,
            invoice=corrected,
        )


def _of_line(code: str, book: Book, record: Record, text: Message) -> Alert:
    return Alert(code, book.name, Fault(at_line(record["seq"]), text), book.owner)


def _doubles(book: Book) -> Iterator[Alert]:
    if book.family == REVENUES_BATCH:
        yield from _same_references(book)
        return
    by_item: dict[str, list[tuple[Period, str]]] = {}
    for entry in revenues.billed(msgspec.convert(book.records, list[BillingRevenue])):
        if entry.item and not entry.credited:
            by_item.setdefault(entry.item, []).extend((days, entry.number) for days in entry.days)
    for item, periods in by_item.items():
        periods.sort(key=lambda pair: (pair[0].start, pair[1]))
        for (before, earlier), (days, number) in pairwise(periods):
            if days.start <= before.end:
                text = say(
                    "{number} bills days of {item} that {earlier} bills already",
                    number=number,
                    item=item,
                    earlier=earlier,
                )
                yield findings.alert("B-RECORD-WRONG", book.name, text, client=book.owner)


def _same_references(book: Book) -> Iterator[Alert]:
    seen: dict[str, str] = {}
    for record in book.records:
        if record["kind"] == "invoice":
            number, reference = record["number"], record.get("reference", "")
            other = seen.setdefault(batch_rows.reference_key(reference), number)
            if other != number:
                text = say(
                    "{number} has the reference of {other}, {reference}",
                    number=number,
                    other=other,
                    reference=findings.shown(reference),
                )
                yield _of_line("B-RECORD-WRONG", book, record, text)


def opening_faults(book: Book, paid: Book) -> Iterator[Alert]:
    """Open invoices of the tool before: sums, what was paid of them, reversals."""
    book = book.held()
    by_seq = {record["seq"]: record for record in book.records}
    standing: dict[str, int] = {}  # by number, the line that has it
    for record in book.records:
        for text in _opening(record, book.owner, by_seq, standing):
            yield _of_line("B-RECORD-WRONG", book, record, text)
    gone = {record["number"] for record in book.records} - standing.keys()
    for number in sorted(gone):
        moved = [move for move in paid.records if move["invoice"] == number]
        reversed_ = {move.get("reverses") for move in moved}
        for move in moved:
            if move["kind"] != payments.REVERSAL and move["seq"] not in reversed_:
                text = say("is for {number}, whose opening is reversed", number=number)
                yield _of_line("B-PAYMENT-STRAY", paid, move, text)


def _opening(
    record: Record, owner: str, by_seq: dict[int, Record], standing: dict[str, int]
) -> Iterator[Message]:
    number, seq = record["number"], record["seq"]
    if record["client"] != owner:
        yield say("belongs to {client}", client=record["client"])
    if record["kind"] == openings.REVERSAL:
        original = by_seq.get(record["reverses"])
        if standing.get(number) != record["reverses"] or original is None:
            yield say(
                "reverses line {line}, which is not an opening of {number} before it",
                line=record["reverses"],
                number=number,
            )
        standing.pop(number, None)
        return
    if number in standing:
        yield say("has {number}, as line {line} does", number=number, line=standing[number])
    standing[number] = seq
    net, vat, gross = (Decimal(record[key]) for key in ("net", "vat", "gross"))
    for key, amount in (("net", net), ("vat", vat)):
        if money.total(Decimal(share[key]) for share in record["breakdown"]) != amount:
            yield say("its breakdown has another {key} than it says", key=key)
    if net + vat != gross:
        yield say("net and VAT are not gross {gross}", gross=figure(record["gross"]))
    if money.total(Decimal(before["amount"]) for before in record["paid"]) >= gross:
        yield say("had been paid: nothing of {number} was open", number=number)


def taken_faults(books: RecordBooks) -> Iterator[Alert]:
    """Openings that have a number of one of ours, or of another client."""
    opened = {record["number"] for book in books.of(OPENINGS) for record in book.records}
    owners = {
        record["number"]: book.name
        for book in (books.of(REVENUES) if opened else ())
        for record in book.records
        if record["number"] in opened
    }
    for book in books.of(OPENINGS):
        for record in book.records:
            other = owners.setdefault(record["number"], book.name)
            if other != book.name:
                text = say("has {number}, as {file} does", number=record["number"], file=other)
                yield _of_line("B-RECORD-WRONG", book, record, text)


def payment_faults(book: Book, bills: Book, opened: Book) -> Iterator[Alert]:
    """Money for invoices that the client does not have, before their time, reversed twice."""
    invoices = {record["number"]: record for record in bills.records if record["kind"] == "invoice"}
    invoices |= {record["number"]: record for record in opened.records if "issue_date" in record}
    book = book.held()
    by_seq = {record["seq"]: record for record in book.records}
    reversed_ones: set[int] = set()
    for record in book.records:
        for text in _payment(record, book.owner, invoices, by_seq, reversed_ones):
            yield _of_line("B-PAYMENT-STRAY", book, record, text)


def _payment(
    record: Record,
    owner: str,
    invoices: dict[str, Record],
    by_seq: dict[int, Record],
    reversed_ones: set[int],
) -> Iterator[Message]:
    if record["client"] != owner:
        yield say("belongs to {client}", client=record["client"])
    number = record["invoice"]
    invoice = invoices.get(number)
    if invoice is None:
        yield say("names {number}, which is not an invoice of this client", number=number)
    elif record["currency"] != invoice["currency"]:
        yield say(
            "is in {currency}, {number} in {expected}",
            currency=record["currency"],
            number=number,
            expected=invoice["currency"],
        )
    elif record["date"] < invoice["issue_date"]:
        yield say("is of {date}, before {number} was issued", date=record["date"], number=number)
    if record["kind"] != payments.REVERSAL:
        if record["kind"] != payments.WRITE_OFF and record["method"] not in payments.METHODS:
            yield say("has the unknown method {method}", method=findings.shown(record["method"]))
        return
    reversed_seq = record["reverses"]
    original = by_seq.get(reversed_seq)
    if original is None or reversed_seq >= record["seq"] or original["kind"] == payments.REVERSAL:
        yield say("reverses line {line}, which is not a payment before it", line=reversed_seq)
        return
    if reversed_seq in reversed_ones:
        yield say("reverses line {line}, which is reversed already", line=reversed_seq)
    reversed_ones.add(reversed_seq)
    if any(record[key] != original[key] for key in ("invoice", "amount", "currency")):
        yield say("does not repeat the invoice and amount of line {line}", line=reversed_seq)


def withdrawal_faults(root: Root, book: Book, bills: Book, opened: Book) -> Iterator[Alert]:
    """Money given back that was not owed, and more written off than was outstanding, by the rules
    that each line passed when it was recorded.

    Args:
      book: payments that nothing else is wrong with.
    """
    book = book.held()
    if not any(record["kind"] in (payments.REFUND, payments.WRITE_OFF) for record in book.records):
        return
    bills = bills.held()
    lines = msgspec.convert(list(opened.records), list[OpeningLine])
    taken_out = {record.get("reverses") for record in book.records}
    for before, record in enumerate(book.records):
        # What of a write-off was outstanding may be credited once that is taken out.
        written_off = record["kind"] == payments.WRITE_OFF and record["seq"] not in taken_out
        if written_off or record["kind"] == payments.REFUND:
            books_before = payment_rules.Books({}, {}, {})
            issued, paid = bills.chain(root, bills.last), book.chain(root, before)
            payment_rules.enter(books_before, issued, paid, lines)
            number, day = record["invoice"], date.fromisoformat(record["date"])
            invoice = books_before.invoices.get(number)
            if invoice is None:
                continue  # of an opening that was reversed, as this was
            place = at_line(record["seq"])
            faults = (
                payment_rules.amount_faults(invoice, record["cause"], record["amount"], day)
                if written_off
                else payment_rules.refund_faults(invoice, record["amount"], day)
            )
            for fault in faults:
                yield Alert("B-PAYMENT-STRAY", book.name, fault._replace(place=place), book.owner)


def future_faults(books: RecordBooks, today: date) -> Iterator[Alert]:
    """Money and mails dated more than a year after today and the newest invoice.

    Today may be given, and a clock be behind: what is nearer may be right.
    """
    families = (REVENUES, REVENUES_BATCH)
    days = (
        record["issue_date"]
        for family in families
        for book in books.of(family)
        for record in book.records
    )
    newest = max(days, default="")
    latest = max(today.isoformat(), newest)
    for book in (*books.of(PAYMENTS), *books.of(OPENINGS), *books.of(OUTBOX)):
        for record in book.records:
            if record["date"] > f"{int(latest[:4]) + 1}{latest[4:]}":
                expected = say(
                    "today is {today}, and the newest invoice of {newest}",
                    today=str(today),
                    newest=newest,
                )
                fault = Fault(
                    at_line(record["seq"]), say("is of {date}", date=record["date"]), expected
                )
                yield Alert("B-RECORD-WRONG", book.name, fault, record["client"])
