"""The audit of what is derived: balances, packages and exports are built again in memory and
compared; batch usage is compared with the records that it counts.

A derived file may be missing, and may be older than the records: `make` builds it again. One
that claims to be of today, or of a past that the records had, and is not, was changed.
"""

import hashlib
import re
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice, product
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

import msgspec

from lib.accounting import accountant, bookkeeping, csv_tables, declarations, exports, fec, ledgers
from lib.accounting.bookkeeping import FiscalYear
from lib.accounting.csv_tables import TABLES, TablePart
from lib.audit import findings, record_audit
from lib.audit.findings import Files
from lib.audit.record_audit import Book, RecordBooks
from lib.books import balances, closed_periods, histories, records, revenues
from lib.books.histories import Dates, History
from lib.books.record_lines import ClosedPeriod, HistoryRevenue
from lib.core import messages, storage, strict_json, workers
from lib.core.faults import Alert, Broken, Refused
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.documents import packages
from lib.inputs import client_files, inputs, plan_checks
from lib.inputs.issuer_file import Issuer
from lib.inputs.settings import Settings
from lib.values import periods

_PACKAGE = re.compile(r"downloads/([a-z][a-z0-9_]{1,39})__(20[0-9]{2}-[0-9]{2})\.zip")
_PERIOD = r"(?P<period>20[0-9]{2}(?:-[0-9]{2}|-Q[1-4])?)"
# A file that is not written as .env says.
_ONCE = rf"(?P<once>\.(?:rfc4180|fr)-(?:{'|'.join(messages.languages())}))?"

_ACCOUNTANT = rf"accountant/accountant-{_PERIOD}{_ONCE}\.zip"
_WORKBOOK = rf"workbook/workbook-{_PERIOD}\.xlsx"
_WORTH_WORKERS = 20_000  # records; fewer are read again before a worker has started

_Part = TypeVar("_Part")

_BATCH_USAGE = re.compile(r"data/usage/[^/]+/(20[0-9]{2}-[0-9]{2})\.batch_([a-z0-9_]+)\.json")


def faults(
    files: Files, books: RecordBooks, config: Settings, *, is_sound: bool
) -> Iterator[Alert]:
    """Everything that is wrong with derived files; a new kind of them is a line here.

    Args:
      is_sound: whether the audit of the books found nothing: each is what can be derived from.
    """
    for name in files.regular("data/balance"):
        yield from _balance(files, books, name, is_sound=is_sound)
    for name in files.regular("downloads"):
        yield from _package(files, books, name, config)
    yield from _exports(files, books, config, is_sound=is_sound)
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


def _balance(files: Files, books: RecordBooks, name: str, *, is_sound: bool) -> Iterator[Alert]:
    """A balance names the heads that it was made from: it is built again from those."""
    if findings.is_leftover(name):
        return
    client = PurePosixPath(name).stem
    issued = books.get(record_audit.REVENUES, client).held()
    paid = books.get(record_audit.PAYMENTS, client).held()
    opened = books.get(record_audit.OPENINGS, client).held()
    if not is_sound and not _is_plain(issued, paid, opened):
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

    root: Root
    issuer: Issuer | None
    accounts: Mapping[str, str]
    closed: list[ClosedPeriod]
    config: Settings

    def clients(self) -> Iterator[list[History]]:
        """The histories of each client, in order: none has to be kept."""
        return histories.by_client(self.root, histories.clients_of(self.root), "")

    def parts(self, work: exports.Work[_Part]) -> list[_Part]:
        """What `work` makes of all histories, a share of the clients at a time."""
        return exports.of_shares(self.root, work, "", self.config._replace(workers=1))

    def fiscal_year(self, issuer: Issuer, period: str) -> FiscalYear:
        """The fiscal year that a period is, or lies in."""
        return bookkeeping.fiscal_year(period, issuer.fiscal_year_end, self.closed)


# Makes the files of a period in a dialect, by their names below exports/; None is never made.
Contents = Mapping[str, storage.Content | None]
Build = Callable[[ExportSources, str, Settings], Contents]


class Export(NamedTuple):
    """A kind of export: what its files are called, with their `period`, who makes them, and how."""

    pattern: str
    command: str
    build: Build


def _recettes(past: ExportSources, period: str, config: Settings) -> Contents:
    parts = past.parts(partial(_tables, periods.beginnings(period), config))
    contents: dict[str, storage.Content] = {}
    for name, table in TABLES.items():
        own = [part[name] for part in parts]
        data, report = csv_tables.joined(table.columns, own, config)
        contents[f"recettes/{name}-{period}.csv"] = data
        contents[f"recettes/{name}-{period}.totals.csv"] = report.totals.to_bytes(config)
    return contents


def _tables(
    dates: Dates, config: Settings, clients: Iterator[list[History]]
) -> dict[str, TablePart]:
    rows = [
        {name: csv_tables.written(of(own, dates), config) for name, (_, of) in TABLES.items()}
        for own in clients
    ]
    return {name: csv_tables.part([of_client[name] for of_client in rows]) for name in TABLES}


def _payments(past: ExportSources, _: str, config: Settings) -> Contents:
    parts = past.parts(partial(_paid, config))
    return {"payments/payments.csv": csv_tables.joined(csv_tables.PAYMENTS, parts, config)[0]}


def _paid(config: Settings, clients: Iterator[list[History]]) -> TablePart:
    return csv_tables.part(csv_tables.written(csv_tables.payments(own), config) for own in clients)


def _fec(past: ExportSources, period: str, _: Settings) -> Contents:
    if (issuer := past.issuer) is None:
        return {}
    year = past.fiscal_year(issuer, period)
    chart = fec.chart(issuer.accounts, past.accounts, past.closed)
    parts = past.parts(partial(fec.part, chart, year, year))
    return {f"fec/{fec.file_name(issuer.party.siren, year.end)}": partial(fec.joined, parts)}


def _ledger(past: ExportSources, period: str, _: Settings) -> Contents:
    if past.issuer is None:
        return {}
    year = past.fiscal_year(past.issuer, period)
    parts = past.parts(partial(ledgers.ledger_of, year))
    return {
        f"ledger/{period}.{suffix}": partial(ledgers.file, suffix, year, parts)
        for suffix in ledgers.FILES
    }


def _declaration(past: ExportSources, period: str, config: Settings) -> Contents:
    if past.issuer is None:
        return {}
    whole = declarations.joined(past.parts(partial(declarations.part, period)))
    figures = declarations.declaration(past.issuer, period, whole)
    return {
        f"declarations/declaration-{period}.{suffix}": data
        for suffix, data in declarations.tables(figures, config).items()
    }


def _des(past: ExportSources, period: str, _: Settings) -> Contents:
    if past.issuer is None:
        return {}
    whole = declarations.joined(past.parts(partial(declarations.part, period)))
    figures = declarations.services_abroad(period, whole.due)
    data = declarations.des_file(past.issuer.party.vat_number, period, figures)
    return {f"declarations/des-{period}.xml": data}


_EXPORTS = (
    Export(
        rf"recettes/(?:{'|'.join(TABLES)})-{_PERIOD}{_ONCE}(?:\.totals)?\.csv",
        "export",
        _recettes,
    ),
    Export(rf"(?P<period>payments)/payments{_ONCE}\.csv", "payments-csv", _payments),
    Export(r"fec/[0-9]{9}FEC(?P<period>20[0-9]{2})[0-9]{4}\.txt", "fec", _fec),
    Export(rf"ledger/(?P<period>20[0-9]{{2}})\.(?:{'|'.join(ledgers.FILES)})", "ledger", _ledger),
    Export(
        rf"declarations/declaration-{_PERIOD}{_ONCE}\.(?:documents\.)?csv",
        "declare",
        _declaration,
    ),
    Export(r"declarations/des-(?P<period>20[0-9]{2}-[0-9]{2})\.xml", "declare", _des),
)


class ExportTask(NamedTuple):
    """Files of one kind and period that are made at once: by its name each that is there, with
    its name without the dialect."""

    audit: Callable[["ExportTask", Files, ExportSources], list[Alert]]
    kind: int  # among _EXPORTS
    period: str
    names: dict[str, str]


def _exports(
    files: Files, books: RecordBooks, config: Settings, *, is_sound: bool
) -> Iterator[Alert]:
    """Each kind and period is made again by a worker, whose memory is its own."""
    tasks = _export_tasks(files)
    families = (record_audit.REVENUES, record_audit.PAYMENTS, record_audit.OPENINGS)
    if not tasks:
        return
    lines = 0
    for owner in {book.owner for family in families for book in books.of(family)}:
        issued, paid, opened = (books.get(family, owner) for family in families)
        lines += issued.last + paid.last
        if not is_sound and not _is_plain(issued, paid, opened):
            return  # what they derive from is broken, and named
    processes = config.workers if lines > _WORTH_WORKERS else 1
    try:
        past = ExportSources(
            files.root,
            _issuer(files.root),
            client_files.accounts(files.root),
            closed_periods.read(files.root),
            config._replace(workers=processes),
        )
    except (Broken, OSError):
        return  # a folder in the place of a record file, which is named; so below
    audited = workers.map_in_order(_audited, (files, past), tasks, processes, 1)
    faults: list[Alert] = []
    for _, wrong in audited:
        if wrong is None:
            return
        faults += wrong
    yield from sorted(faults, key=lambda fault: fault.file)


def _export_tasks(files: Files) -> list[ExportTask]:
    tasks: dict[tuple[int, str], ExportTask] = {}
    for name in files.regular("exports"):
        below = name.removeprefix("exports/")
        for i, kind in enumerate(_EXPORTS):
            if match := re.fullmatch(kind.pattern, below):
                key = i, match["period"]
                once = match.groupdict().get("once") or ""
                task = tasks.setdefault(key, ExportTask(_of_kind, *key, {}))
                task.names[name] = below.replace(once, "") if once else below
        for pattern, audit in ((_ACCOUNTANT, _for_accountant), (_WORKBOOK, _workbook)):
            if match := re.fullmatch(pattern, below):
                tasks[-1, name] = ExportTask(audit, -1, match["period"], {name: below})
    return list(tasks.values())


def _audited(sources: tuple[Files, ExportSources], task: ExportTask) -> list[Alert] | None:
    """What is wrong with some files; None where records cannot be read."""
    try:
        return task.audit(task, *sources)
    except (Broken, OSError):
        return None


def _issuer(root: Root) -> Issuer | None:
    try:
        return inputs.load_issuer(root)
    except Refused:
        return None


def _of_kind(task: ExportTask, files: Files, past: ExportSources) -> list[Alert]:
    """An export is right in any dialect: one of them may have been asked for once."""
    kind = _EXPORTS[task.kind]
    names = task.names
    for variant in _dialects(past.config):
        contents = kind.build(past, task.period, variant)
        names = {
            name: below
            for name, below in names.items()
            if not _is(files, name, contents.get(below))
        }
        if not names:
            break
    return [_differs(files, name, kind.command) for name in names]


def _is(files: Files, name: str, content: storage.Content | None) -> bool:
    """Whether a file has a content."""
    if content is None:
        return False
    has = partial(storage.has, pieces=storage.pieces(content))
    return findings.tried(has, files.root.path / name, False)[0]


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


def _workbook(task: ExportTask, files: Files, past: ExportSources) -> list[Alert]:
    """A workbook is right in any language: one of them may have been asked for."""
    if (issuer := past.issuer) is None:
        return []
    (name,) = task.names
    own = exports.language("", issuer)
    languages = sorted(messages.languages(), key=lambda language: language != own)
    again = (accountant.workbook_of(past.root, issuer, task.period, each) for each in languages)
    right = any(_is(files, name, content) for content in again)
    return [] if right else [_differs(files, name, "workbook")]


def _for_accountant(task: ExportTask, files: Files, past: ExportSources) -> list[Alert]:
    """The files inside have the hashes that its list says, the PDFs those of the records, and
    the tables say what the records say."""
    (name,) = task.names
    period = task.period
    listed = _listed_tables(files.root, name)
    if listed is None:
        return [_changed(name, "accountant")]
    if (issuer := past.issuer) is None:
        return []
    year = past.fiscal_year(issuer, period)
    chart = fec.chart(issuer.accounts, past.accounts, past.closed)
    for variant in _dialects(past.config):
        work = partial(accountant.part, year, chart, period, variant)
        tables = accountant.tables(past.parts(work), issuer, year, period, variant)
        again = dict(map(_with_digest, tables))
        if again.items() <= listed.items():
            # These take the longest, and are alike in all dialects.
            calculated = accountant.calculated(past.root, issuer, period, past.config.workers)
            again |= map(_with_digest, calculated)
            again |= [_with_digest(accountant.readme(again, issuer, period, variant))]
            return [] if again == listed else [_differs(files, name, "accountant")]
    return [_differs(files, name, "accountant")]


def _listed_tables(root: Root, name: str) -> dict[str, str] | None:
    """The SHA-256 of each file inside that is no PDF of an invoice; None where what is inside is
    not what its list says, or a PDF is not that of the records."""
    top = PurePosixPath(name).stem
    try:
        with zipfile.ZipFile(root.path / name) as package:
            listed = package.read(f"{top}/SHA256SUMS").decode("utf-8")
            sums = {line[66:]: line[:64] for line in listed.splitlines()}
            inside = {entry.removeprefix(f"{top}/") for entry in package.namelist()}
            right = inside == {*sums, "SHA256SUMS"} and _has_pdfs_of_records(root, sums)
            for entry, digest in sums.items():
                right = right and storage.sha256(package.read(f"{top}/{entry}")) == digest
    except Exception:  # zipfile raises whatever a broken file leads it to
        return None
    if not right:
        return None
    return {entry: sums[entry] for entry in sums if not entry.startswith("invoices/")}


def _with_digest(file: tuple[str, storage.Content]) -> tuple[str, str]:
    """The name and the SHA-256 of a file."""
    name, content = file
    sha256 = hashlib.sha256()
    for piece in storage.pieces(content):
        sha256.update(piece)
    return name, sha256.hexdigest()


def _has_pdfs_of_records(root: Root, sums: Mapping[str, str]) -> bool:
    """Whether a list has the hashes of the records for what it has of their documents."""
    return all(
        sums.get(f"invoices/{client}/{line.number}.pdf", line.pdf_sha256) == line.pdf_sha256
        for client in revenues.owners(root, revenues.DIRECT)
        for line in records.read_typed(
            root, revenues.chain_path(root, revenues.DIRECT, client), HistoryRevenue
        )
    )


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
