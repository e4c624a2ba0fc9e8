"""The audit of what is derived: balances, packages and exports are built again in memory and
compared; batch usage is compared with the records that it counts.

A derived file may be missing, and may be older than the records: `make` builds it again. One
that claims to be of today, or of a past that the records had, and is not, was changed.
"""

import re
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice, product
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from lib.accounting import bookkeeping, csv_tables, declarations, exports, fec, ledgers
from lib.accounting.bookkeeping import FiscalYear
from lib.audit import findings, record_audit
from lib.audit.findings import Files
from lib.audit.record_audit import Book, RecordBooks
from lib.books import balances, closed_periods, histories, records, recurring, revenues
from lib.books.histories import History
from lib.books.record_lines import ClosedPeriod
from lib.core import messages, storage, strict_json
from lib.core.faults import Alert, Broken, Refused
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.documents import packages
from lib.inputs import client_files, inputs, plan_checks
from lib.inputs.issuer_file import Issuer
from lib.inputs.settings import Settings
from lib.values import periods

_PACKAGE = re.compile(r"downloads/([a-z][a-z0-9_]{1,39})__(20[0-9]{2}-[0-9]{2})\.zip")
_BATCH_USAGE = re.compile(r"data/usage/[^/]+/(20[0-9]{2}-[0-9]{2})\.batch_([a-z0-9_]+)\.json")


def faults(files: Files, books: RecordBooks, config: Settings) -> Iterator[Alert]:
    """Everything that is wrong with derived files; a new kind of them is a line here."""
    for name in files.regular("data/balance"):
        yield from _balance(files, books, name)
    for name in files.regular("downloads"):
        yield from _package(files, books, name, config)
    yield from _exports(files, books, config)
    yield from _usage(files, books)


def _changed(name: str, command: str) -> Alert:
    remedy = say("remove it, and `make {command}` builds it again", command=command)
    return findings.alert("B-DERIVED-CHANGED", name, say("is not what the records give"), remedy)


def _stale(name: str, command: str) -> Alert:
    remedy = say("`make {command}` brings it up to date", command=command)
    return findings.alert("I-DERIVED-STALE", name, say("is older than the records"), remedy)


# --- balances ------------------------------------------------------------------------


class _Head(msgspec.Struct):
    seq: int
    hash: str


class _MadeFrom(msgspec.Struct):
    revenues: _Head
    payments: _Head
    openings: _Head


class _Balance(msgspec.Struct):
    made_from: _MadeFrom


def _balance(files: Files, books: RecordBooks, name: str) -> Iterator[Alert]:
    """A balance names the heads that it was made from: it is built again from those."""
    if findings.is_leftover(name):
        return
    client = PurePosixPath(name).stem
    issued = books.get(record_audit.REVENUES, client).held()
    paid = books.get(record_audit.PAYMENTS, client).held()
    opened = books.get(record_audit.OPENINGS, client).held()
    if not _is_plain(issued, paid, opened):
        return  # what it derives from is broken, and named
    data, unreadable = findings.read(files.root, name)
    try:
        made_from = msgspec.json.decode(data, type=_Balance).made_from
    except (msgspec.DecodeError, ValueError, RecursionError):
        yield _changed(name, "reconcile")
        return
    heads = (made_from.revenues, made_from.payments, made_from.openings)
    for book, head in zip((issued, paid, opened), heads, strict=True):
        if not 0 <= head.seq <= book.last:
            text = say(
                "was made from {file} when it had {lines}: lines were removed",
                file=book.name,
                lines=counted(head.seq, "1 line", "{number} lines"),
            )
        elif (book.hash_of(head.seq) or records.GENESIS) != head.hash:
            text = say(
                "was made from another {file}: that was rebuilt, or this was changed",
                file=book.name,
            )
        else:
            continue
        yield findings.alert("B-DERIVED-CHANGED", name, text)
        return
    past = [
        tuple(islice(book.records, head.seq))
        for book, head in zip((issued, paid, opened), heads, strict=True)
    ]
    lines = balances.lines_of(*past)
    if (
        unreadable
        or not (lines.issued or lines.opened)
        or balances.of_lines(lines).to_bytes() != data
    ):
        yield _changed(name, "reconcile")
    elif [head.seq for head in heads] != [book.last for book in (issued, paid, opened)]:
        yield _stale(name, "reconcile")


def _is_plain(issued: Book, paid: Book, opened: Book) -> bool:
    """Whether balances can be computed: nothing is wrong with these books, or contradicts
    itself in them."""
    if not all(book.sound for book in (issued, paid, opened)):
        return False
    return not [
        *record_audit.bill_faults(issued),
        *record_audit.opening_faults(opened, paid),
        *record_audit.payment_faults(paid, issued, opened),
    ]


# --- packages ------------------------------------------------------------------------


def _package(files: Files, books: RecordBooks, name: str, config: Settings) -> Iterator[Alert]:
    """A package holds its manifest, which the records give, and the PDFs that this names."""
    match = _PACKAGE.fullmatch(name)
    if match is None:
        return
    book = books.get(record_audit.REVENUES_BATCH, match[1])
    if not book.sound:
        return  # what it derives from is broken, and named
    facts = [record for record in book.records if record["month"] == match[2]]
    try:
        with zipfile.ZipFile(files.root.path / name) as package:
            manifest = package.read("manifest.csv")
    except Exception:  # zipfile raises whatever a broken file leads it to
        yield _changed(name, "packages")
        return
    packed = facts[: max(manifest.count(b"\r\n") - 1, 0)]  # below its headings
    if not packed or manifest != packages.manifest(packed, config):
        yield _changed(name, "packages")
        return
    contents: dict[str, packages.Content] = {"manifest.csv": partial(bytes, manifest)}
    for fact in packed:
        path = revenues.proof_path(files.root, revenues.BATCH, book.owner, fact["number"], "pdf")
        pdf = files.root.name_of(path)
        if findings.sha256_of(files.root, pdf)[0] != fact["pdf_sha256"]:
            return  # what it derives from is broken, and named
        contents[f"{fact['number']}.pdf"] = partial(_bytes_of, files.root, pdf)
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "built.zip"
        packages.write(built, contents, storage.sha256(manifest))
        if storage.sha256_of_file(built) != findings.sha256_of(files.root, name)[0]:
            yield _changed(name, "packages")
        elif len(packed) < len(facts):
            yield _stale(name, "packages")


def _bytes_of(root: Root, name: str) -> bytes:
    return findings.read(root, name)[0]


# --- exports -------------------------------------------------------------------------


class ExportSources(NamedTuple):
    """What exports are made from; `issuer` is None where issuer.json is refused."""

    histories: list[History]
    issuer: Issuer | None
    accounts: Mapping[str, str]
    closed: list[ClosedPeriod]

    def fiscal_year(self, issuer: Issuer, period: str) -> FiscalYear:
        """The fiscal year that a period is, or lies in."""
        return bookkeeping.fiscal_year(period, issuer.fiscal_year_end, self.closed)


# Makes a file in a dialect, from what its name says; None if no such file is ever made.
Build = Callable[[ExportSources, re.Match[str], Settings], bytes | None]


class Export(NamedTuple):
    """A kind of export: what its files are called, who makes them, and how."""

    pattern: str
    command: str
    build: Build


def _recettes(past: ExportSources, match: re.Match[str], config: Settings) -> bytes:
    report = csv_tables.TABLES[match[1]].of(past.histories, periods.beginnings(match[2]))
    table: csv_tables.Table = report.totals if match[3] else report.table
    return table.to_bytes(config)


def _payments(past: ExportSources, _: re.Match[str], config: Settings) -> bytes:
    return csv_tables.payments(past.histories).table.to_bytes(config)


def _fec(past: ExportSources, match: re.Match[str], _: Settings) -> bytes | None:
    if (issuer := past.issuer) is None:
        return None
    year = past.fiscal_year(issuer, match[2])
    if match[0] != f"exports/fec/{fec.file_name(issuer.party.siren, year.end)}":
        return None
    chart = fec.chart(issuer.accounts, past.accounts, past.closed)
    return b"".join(fec.joined([fec.part(chart, year, year, [past.histories])]))


def _ledger(past: ExportSources, match: re.Match[str], _: Settings) -> bytes | None:
    if past.issuer is None:
        return None
    year = past.fiscal_year(past.issuer, match[1])
    ledger = ledgers.ledger_of(year, [past.histories])
    return b"".join(ledgers.file(match[2], year, [ledger]))


def _declaration(past: ExportSources, match: re.Match[str], config: Settings) -> bytes | None:
    if past.issuer is None:
        return None
    period = match[1]
    whole = declarations.joined([declarations.part(period, [past.histories])])
    figures = declarations.declaration(past.issuer, period, whole)
    return b"".join(storage.pieces(declarations.tables(figures, config)[match[2]]))


def _des(past: ExportSources, match: re.Match[str], _: Settings) -> bytes | None:
    if past.issuer is None:
        return None
    whole = declarations.joined([declarations.part(match[1], [past.histories])])
    figures = declarations.services_abroad(match[1], whole.due)
    return declarations.des_file(past.issuer.party.vat_number, match[1], figures)


_PERIOD = r"(20[0-9]{2}(?:-[0-9]{2}|-Q[1-4])?)"
# A file that is not written as .env says.
_ONCE = rf"(?:\.(?:rfc4180|fr)-(?:{'|'.join(messages.languages())}))?"

_EXPORTS = (
    Export(
        rf"recettes/({'|'.join(csv_tables.TABLES)})-{_PERIOD}{_ONCE}(\.totals)?\.csv",
        "export",
        _recettes,
    ),
    Export(rf"payments/payments{_ONCE}\.csv", "payments-csv", _payments),
    Export(r"fec/([0-9]{9})FEC(20[0-9]{2})[0-9]{4}\.txt", "fec", _fec),
    Export(r"ledger/(20[0-9]{2})\.(journal|beancount)", "ledger", _ledger),
    Export(
        rf"declarations/declaration-{_PERIOD}{_ONCE}\.((?:documents\.)?csv)",
        "declare",
        _declaration,
    ),
    Export(r"declarations/des-(20[0-9]{2}-[0-9]{2})\.xml", "declare", _des),
)


def _exports(files: Files, books: RecordBooks, config: Settings) -> Iterator[Alert]:
    names = list(files.regular("exports"))
    families = (record_audit.REVENUES, record_audit.PAYMENTS, record_audit.OPENINGS)
    if not names:
        return
    for owner in {book.owner for family in families for book in books.of(family)}:
        issued, paid, opened = (books.get(family, owner) for family in families)
        if not _is_plain(issued, paid, opened):
            return  # what they derive from is broken, and named
    try:
        past = ExportSources(
            histories.read(files.root),
            _issuer(files.root),
            client_files.accounts(files.root),
            closed_periods.read(files.root),
        )
    except (Broken, OSError):
        return  # a folder in the place of a record file, which is named
    for name in names:
        for kind in _EXPORTS:
            if match := re.fullmatch(f"exports/{kind.pattern}", name):
                yield from _export(files, name, kind, match, past, config)
        if match := re.fullmatch(f"exports/accountant/accountant-{_PERIOD}{_ONCE}\\.zip", name):
            yield from _for_accountant(files, books, name, match[1], past, config)
        if match := re.fullmatch(f"exports/workbook/workbook-{_PERIOD}\\.xlsx", name):
            yield from _workbook(files, name, match[1], past)


def _issuer(root: Root) -> Issuer | None:
    try:
        return inputs.load_issuer(root)
    except Refused:
        return None


def _export(
    files: Files,
    name: str,
    kind: Export,
    match: re.Match[str],
    past: ExportSources,
    config: Settings,
) -> Iterator[Alert]:
    """An export is right in any dialect: one of them may have been asked for once."""
    data, _ = findings.read(files.root, name)
    if all(kind.build(past, match, variant) != data for variant in _dialects(config)):
        yield _differs(files, name, kind.command)


def _dialects(config: Settings) -> list[Settings]:
    pairs = product(("rfc4180", "fr"), messages.languages())
    return [
        config,
        *(
            config._replace(csv_dialect=dialect, csv_headers=headings)
            for dialect, headings in pairs
        ),
    ]


def _differs(files: Files, name: str, command: str) -> Alert:
    """As Make sees it: what is older than what it is made from has to be made again anyway."""
    kept = files.below("data/revenues", "data/payments")
    made_from = [status.st_mtime_ns for _, status in kept if not stat.S_ISDIR(status.st_mode)]
    inputs_of = (files.root.issuer, files.root.env, *files.root.clients.glob("*.json"))
    made_from += [path.stat().st_mtime_ns for path in inputs_of if path.exists()]
    is_old = (files.root.path / name).lstat().st_mtime_ns < max(made_from, default=0)
    return (_stale if is_old else _changed)(name, command)


def _workbook(files: Files, name: str, period: str, past: ExportSources) -> Iterator[Alert]:
    """A workbook is right in any language: one of them may have been asked for."""
    from lib.accounting import frames, workbook  # import pandas

    if past.issuer is None:
        return
    data, _ = findings.read(files.root, name)
    own = exports.language("", past.issuer)
    parts = [frames.gather([frames.tables(past.histories, period)])]
    languages = sorted(messages.languages(), key=lambda language: language != own)
    try:
        right = any(
            workbook.render(parts, period, past.issuer.party.name, language) == data
            for language in languages
        )
    except workbook.TooLong:
        right = False
    if not right:
        yield _differs(files, name, "workbook")


def _for_accountant(
    files: Files, books: RecordBooks, name: str, period: str, past: ExportSources, config: Settings
) -> Iterator[Alert]:
    """The files inside have the hashes that its list says, the PDFs those of the records, and
    the tables say what the records say."""
    from lib.accounting import accountant  # imports pandas

    digests = {
        f"invoices/{book.owner}/{record['number']}.pdf": record["pdf_sha256"]
        for book in books.of(record_audit.REVENUES)
        for record in book.records
    }
    top = PurePosixPath(name).stem
    tables = {}
    try:
        with zipfile.ZipFile(files.root.path / name) as package:
            listed = package.read(f"{top}/SHA256SUMS").decode("utf-8")
            sums = {line[66:]: line[:64] for line in listed.splitlines()}
            inside = {entry.removeprefix(f"{top}/") for entry in package.namelist()}
            right = inside == {*sums, "SHA256SUMS"}
            for entry, digest in sums.items():
                data = package.read(f"{top}/{entry}")
                right = right and storage.sha256(data) == digest == digests.get(entry, digest)
                if not entry.startswith("invoices/"):
                    tables[entry] = data
    except Exception:  # zipfile raises whatever a broken file leads it to
        right = False
    if not right:
        yield _changed(name, "accountant")
    elif (issuer := past.issuer) and not any(
        accountant.files(
            [
                accountant.part(
                    past.fiscal_year(issuer, period),
                    fec.chart(issuer.accounts, past.accounts, past.closed),
                    period,
                    variant,
                    [past.histories],
                )
            ],
            [past.histories],
            recurring.read(files.root),
            issuer,
            past.fiscal_year(issuer, period),
            period,
            variant,
        )
        == tables
        for variant in _dialects(config)
    ):
        yield _differs(files, name, "accountant")


# --- usage ---------------------------------------------------------------------------


def _usage(files: Files, books: RecordBooks) -> Iterator[Alert]:
    """What a payer is billed for is the number of invoices that the records have."""
    issued: dict[tuple[str, str], int] = {}
    for book in books.of(record_audit.REVENUES_BATCH):
        for record in book.records:
            if record["kind"] == "invoice":
                key = (book.owner, record["month"])
                issued[key] = issued.get(key, 0) + 1
    declared = set()
    for name in files.under("data/usage"):
        if match := _BATCH_USAGE.fullmatch(name):
            key = (match[2], match[1])
            declared.add(key)
            count = issued.get(key, 0)
            if _quantity(files, name) != str(count):
                text = say(
                    "does not say {count}, the number of invoices that the records have",
                    count=count,
                )
                place = "quantities.batch_invoices"
                yield findings.alert("B-USAGE-BATCH", name, text, place=place)
    for client, month in sorted(issued.keys() - declared):
        name = f"data/revenues_batch/{client}.jsonl"
        text = say(
            "has invoices of {month}, but data/usage/ has no {file}",
            month=month,
            file=f"{month}.batch_{client}.json",
        )
        yield findings.alert("B-USAGE-BATCH", name, text, client=client)


def _quantity(files: Files, name: str) -> object:
    data, _ = findings.read(files.root, name)
    try:
        return strict_json.parse(name, data)["quantities"][plan_checks.BATCH_METRIC]
    except (Refused, KeyError, TypeError):
        return None
