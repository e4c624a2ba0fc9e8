"""Years of records, written at once: the chains, heads and counters that issuing would leave.

Lines are put together as text, since a million of them would take minutes otherwise; a test
compares them with what books/records makes of the same facts.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import house
from lib.books import numbering, records, revenues
from lib.core.root import Root
from lib.values import periods
from lib.values.money import text_of

FIXED = 4900  # cents: the first of an invoice's two lines


class Issue(NamedTuple):
    """An invoice of every client: its dates, and when it was paid (empty: it was not)."""

    number: str  # without the client's code: "2025-0001"
    month: str
    start: str
    end: str
    issued: str
    due: str
    paid: str


class Digests(NamedTuple):
    """SHA-256 of an invoice's document and of its PDF."""

    document: str
    pdf: str


# Writes the proofs of the i-th client's k-th invoice: see bench/proofs.py.
Write = Callable[[int, int, Issue], Digests]


def without(_i: int, _k: int, _issue: Issue) -> Digests:
    """No documents: most commands read none of an invoice that left long ago."""
    return Digests("0" * 64, "0" * 64)


def first_of(last: str, count: int) -> str:
    """The first of `count` months of which `last` is the last."""
    return periods.add_months(last, 1 - count)


def monthly(first: str, count: int) -> list[Issue]:
    """An invoice a month from `first` on, issued on the 8th of the next; the last is unpaid."""
    made = []
    for i in range(count):
        month = periods.add_months(first, i)
        day = date.fromisoformat(f"{periods.add_months(month, 1)}-08")
        service = (periods.first_day(month), periods.last_day(month))
        made.append((month, *service, day, i < count - 1))
    return _numbered(made)


def within(year: int, count: int) -> list[Issue]:
    """`count` invoices over a year, all paid before it ends but the last."""
    made = []
    for i in range(count):
        day = date(year, 1, 1) + timedelta(i * 330 // count)
        made.append((periods.month_of(day), day, day, day, i < count - 1))
    return _numbered(made)


def _numbered(made: Sequence[tuple[str, date, date, date, bool]]) -> list[Issue]:
    issues = []
    seqs: dict[int, int] = {}
    for month, start, end, day, paid in made:
        seqs[day.year] = seqs.get(day.year, 0) + 1
        issues.append(
            Issue(
                f"{day.year}-{seqs[day.year]:04d}",
                month,
                start.isoformat(),
                end.isoformat(),
                day.isoformat(),
                (day + timedelta(30)).isoformat(),
                (day + timedelta(20)).isoformat() if paid else "",
            )
        )
    return issues


def lay_monthly(
    root: Root,
    clients: int,
    last: str,
    months: int,
    writer: Callable[[Root], Write] = lambda _: without,
) -> list[Issue]:
    """Gives a root that `house.build` made these clients instead of its own, and their monthly
    invoices up to the month `last`; returns these.

    Args:
      writer: gives what writes their documents, once the clients are there.
    """
    (root.path / "clients/nord.json").unlink()
    first = first_of(last, months)
    put_clients(root, clients, first)
    issues = monthly(first, months)
    lay(root, clients, issues, writer(root))
    return issues


def lay(root: Root, clients: int, issues: Sequence[Issue], write: Write = without) -> None:
    """Writes the records of `clients` clients with these invoices, and all that goes with them."""
    folders = (root.data / "revenues", root.data / "payments", root.data / "counters")
    for folder in (*folders, root.data / "heads/revenues", root.data / "heads/payments"):
        folder.mkdir(parents=True)
    sequences = {}
    for issue in issues:
        year, _, seq = issue.number.partition("-")
        day = date.fromisoformat(issue.issued)
        sequences[int(year)] = numbering.Sequence(int(seq), day)
    for i in range(1, clients + 1):
        name, code = name_of(i), code_of(i)
        bills = chained(
            _bill(name, code, i, k, issue, write(i, k, issue)) for k, issue in enumerate(issues)
        )
        money = chained(
            _money(name, code, i, k, issue) for k, issue in enumerate(issues) if issue.paid
        )
        for family, (lines, hash_) in (("revenues", bills), ("payments", money)):
            path = root.data / family / f"{name}.jsonl"
            path.write_bytes(b"".join(lines))
            head = records.head_path(root, path)
            head.write_bytes(records.head_bytes(len(lines), hash_))
        counted = {(code, year): sequence for year, sequence in sequences.items()}
        files = numbering.counter_files(root, revenues.DIRECT.counters, counted)
        for file, data in files.items():
            (root.path / file).write_bytes(data)


def name_of(i: int) -> str:
    """The i-th client's id."""
    return f"client_{i:04d}"


def code_of(i: int) -> str:
    """The i-th client's code."""
    return f"K{i:04d}"


def buyer_of(i: int) -> str:
    """The i-th client's name."""
    return f"Client n° {i}"


def changes_of(i: int, start: str) -> dict[str, Any]:
    """What the i-th client's file has, with the monthly plan that the invoices came from."""
    return {"code": code_of(i), "plans.0.start": start, "party.name": buyer_of(i)}


def put_clients(root: Root, clients: int, start: str) -> None:
    """Their files."""
    for i in range(1, clients + 1):
        house.put_client(root, house.client(name_of(i), changes_of(i, start), i))


Parts = tuple[str, str, str, str]  # before the hash, to prev, to seq, the rest


def chained(lines: Iterator[Parts]) -> tuple[list[bytes], str]:
    """The lines of a chain, and its last hash.

    Args:
      lines: for each record its canonical JSON in four parts, which `"hash":"…",`,
        `"prev":"…",` and `"seq":…` stand between.
    """
    made = []
    prev = records.GENESIS
    for seq, (before, middle, after, rest) in enumerate(lines, 1):
        tail = f'{middle}"prev":"{prev}",{after}"seq":{seq}{rest}'
        prev = hashlib.sha256((before + tail).encode()).hexdigest()
        made.append(f'{before}"hash":"{prev}",{tail}\n'.encode())
    return made, prev


def cents(i: int, k: int) -> tuple[int, int, int]:
    """Net, VAT at 20 % and gross of a client's k-th invoice, in cents."""
    net = 4900 + 131 * (i % 97) + 17 * (k % 31)
    vat = (net * 20 + 50) // 100
    return net, vat, net + vat


def _bill(name: str, code: str, i: int, k: int, issue: Issue, proofs: Digests) -> Parts:
    nets = (text_of(FIXED), text_of(cents(i, k)[0] - FIXED))
    net, vat, gross = (text_of(amount) for amount in cents(i, k))
    hosting, mail = (
        _service(item, line, own, issue)
        for line, (item, own) in enumerate(zip(("hosting", "mail"), nets, strict=True), 1)
    )
    share = f'"nature":"services","net":"{net}","vat":"{vat}","vat_category":"S","vat_rate":"20.00"'
    return (
        f'{{"breakdown":[{{{share}}}],"buyer":"{buyer_of(i)}","buyer_country":"FR","client":"{name}","currency":"EUR",'
        f'"document_sha256":"{proofs.document}","due_date":"{issue.due}","gross":"{gross}",',
        f'"issue_date":"{issue.issued}","kind":"invoice","month":"{issue.month}","net":"{net}",'
        f'"number":"{code}-{issue.number}","pdf_sha256":"{proofs.pdf}",'
        f'"period":{{"end":"{issue.end}","start":"{issue.start}"}},',
        "",
        f',"services":[{hosting},{mail}],"vat":"{vat}","vat_on_debits":true}}',
    )


def _service(item: str, line: int, net: str, issue: Issue) -> str:
    return (
        f'{{"end":"{issue.end}","item":"{item}","lines":["{line}"],"net":"{net}",'
        f'"plan":"main","start":"{issue.start}"}}'
    )


def _money(name: str, code: str, i: int, k: int, issue: Issue) -> Parts:
    gross = text_of(cents(i, k)[2])
    return (
        f'{{"amount":"{gross}","client":"{name}","currency":"EUR","date":"{issue.paid}",',
        f'"invoice":"{code}-{issue.number}","kind":"payment","method":"transfer",',
        f'"reference":"VIR {k + 1}",',
        "}",
    )


def journal(clients: int, issues: Sequence[Issue]) -> Iterator[str]:
    """The lines of the journal that ledger and hledger read, as `make ledger` writes it.

    VAT on debits is due at once, so that each record is one transaction and no more.
    """
    year = issues[0].issued[:4]
    fixed = ("Assets:Bank", "Income:Services", "Liabilities:VAT:Collected")
    accounts = sorted((*fixed, *(f"Assets:Receivable:{name_of(i)}" for i in _up_to(clients))))
    yield f"; Sales and receipts, {year}-01-01 to {year}-12-31\n\n"
    yield "commodity EUR\n    format 1000.00 EUR\n\n"
    yield from (f"account {account}\n" for account in accounts)
    for _, is_money, i, k in _in_order(clients, issues):
        net, vat, gross = (text_of(amount) for amount in cents(i, k))
        issue, account = issues[k], f"Assets:Receivable:{name_of(i)}"
        number = f"{code_of(i)}-{issue.number}"
        title = f"({number}) {buyer_of(i)} |"
        if is_money:
            yield f"\n{issue.paid} * {title} Règlement {number} VIR {k + 1}\n"
            yield f"    Assets:Bank  {gross} EUR\n    {account}  -{gross} EUR\n"
        else:
            yield f"\n{issue.issued} * {title} Facture {number}\n    {account}  {gross} EUR\n"
            yield f"    Income:Services  -{net} EUR\n    Liabilities:VAT:Collected  -{vat} EUR\n"


def beancount(clients: int, issues: Sequence[Issue]) -> Iterator[str]:
    """The same for beancount."""
    year = issues[0].issued[:4]
    fixed = ("Assets:Bank", "Income:Services", "Liabilities:VAT:Collected")
    for account in (*fixed, *(_in_beancount(i) for i in _up_to(clients))):
        yield f"{year}-01-01 open {account} EUR\n"
    for day, is_money, i, k in _in_order(clients, issues):
        net, vat, gross = (text_of(amount) for amount in cents(i, k))
        number = f"{code_of(i)}-{issues[k].number}"
        text = "Règlement" if is_money else "Facture"
        yield f'\n{day} * "{buyer_of(i)}" "{text} {number}" ^{number}\n'
        if is_money:
            yield f"  Assets:Bank  {gross} EUR\n  {_in_beancount(i)}  -{gross} EUR\n"
        else:
            yield f"  {_in_beancount(i)}  {gross} EUR\n"
            yield f"  Income:Services  -{net} EUR\n  Liabilities:VAT:Collected  -{vat} EUR\n"


def _in_order(clients: int, issues: Sequence[Issue]) -> list[tuple[str, bool, int, int]]:
    """Date, whether it is money, client and place of each transaction, as `make ledger` has it."""
    made = [(one.issued, False, i, k) for k, one in enumerate(issues) for i in _up_to(clients)]
    made += [
        (one.paid, True, i, k) for k, one in enumerate(issues) if one.paid for i in _up_to(clients)
    ]
    made.sort()
    return made


def _up_to(clients: int) -> range:
    return range(1, clients + 1)


def _in_beancount(i: int) -> str:
    return f"Assets:Receivable:{name_of(i).capitalize().replace('_', '-')}"
