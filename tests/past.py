"""A past to export: records with everything exports read, laid down at once, and random ones."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

import house
from lib.books import histories, payments, records
from lib.books.histories import History, VatShare
from lib.books.record_lines import HistoryPayment, HistoryRevenue
from lib.books.records import Record
from lib.core.root import Root
from lib.values.money import text_of

FIRST = date(2023, 11, 1)
LAST = date(2026, 2, 28)
_RATES = {"20.00": 20, "10.00": 10, "5.50": 5}

Given = tuple[str, str, int, int]  # nature, VAT rate, net and VAT in cents


def bill(client: str, number: str, day: str, *shares: Given, **more: Any) -> Record:
    """The facts of an invoice, or of a credit note where `corrects` is given."""
    net, vat = sum(share[2] for share in shares), sum(share[3] for share in shares)
    return {
        "kind": "credit_note" if "corrects" in more else "invoice",
        "client": client,
        "number": number,
        "month": day[:7],
        "issue_date": day,
        "period": {"start": day, "end": day},
        "currency": "EUR",
        "buyer": f"Client {client}",
        "net": text_of(net),
        "vat": text_of(vat),
        "gross": text_of(net + vat),
        "breakdown": [
            {
                "nature": nature,
                "vat_category": "S",
                "vat_rate": rate,
                "net": text_of(share_net),
                "vat": text_of(share_vat),
            }
            for nature, rate, share_net, share_vat in shares
        ],
        "document_sha256": "0" * 64,
        "pdf_sha256": "0" * 64,
        **more,
    }


def money(client: str, invoice: str, day: str, amount: int, **more: Any) -> Record:
    """The facts of a payment (a refund where `amount` is below 0), in cents."""
    fact = {
        "kind": "payment" if amount > 0 else "refund",
        "client": client,
        "invoice": invoice,
        "date": day,
        "amount": text_of(abs(amount)),
        "currency": "EUR",
        "method": "transfer",
    }
    return fact | more


def lost(client: str, invoice: str, day: str, amount: int, cause: str) -> Record:
    """The facts of a write-off, in cents."""
    facts = {"invoice": invoice, "date": day, "amount": text_of(amount), "reason": "agreed"}
    return payments.write_off(client, facts, cause, "EUR")


def reversal(original: Record, seq: int, day: str) -> Record:
    """The facts of a reversal of the payment or refund that is line `seq`."""
    return payments.reversal({**original, "seq": seq}, date.fromisoformat(day), "bounced")


def lay(root: Root, *facts: Record) -> None:
    """Appends facts to the record files that they belong to, with their heads."""
    for family, own in (
        ("revenues", [fact for fact in facts if "number" in fact]),
        ("payments", [fact for fact in facts if "number" not in fact]),
    ):
        lay_in(root, family, *own)


def lay_in(root: Root, family: str, *facts: Record) -> None:
    """Appends facts to the record files of a family, by client."""
    chains: dict[Any, list[Record]] = {}
    for fact in facts:
        chains.setdefault(root.data / family / f"{fact['client']}.jsonl", []).append(fact)
    for path, new in chains.items():
        chain = records.read(root, path)
        extension = records.extend(chain, new)
        head = records.head_path(root, path)
        for folder in (path.parent, head.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(extension.lines)
        head.write_bytes(records.head_bytes(extension.seq, extension.hash))


def platform_said(client: str, number: str, code: str, *reasons: str, hour: int = 10) -> Record:
    """The facts of a status of the approved platform."""
    return {
        "kind": "status",
        "client": client,
        "number": number,
        "code": code,
        "at": f"2026-11-10T{hour}:00:00",
        "updated": f"2026-11-10T{hour}:00:00Z",
        "flow_id": f"flow-{number}-{code}-{hour}",
        "sha256": "0" * 64,
        "reasons": [{"code": reason, "text": "Prix faux", "action": ""} for reason in reasons],
    }


def root_of(folder: Any, *facts: Record, issuer: dict[str, Any] | None = None) -> Root:
    """A root whose records are these facts."""
    root = house.build(folder, seller=issuer)
    lay(root, *facts)
    return root


def histories_of(facts: list[Record]) -> list[History]:
    """The histories that these facts come to, without a disk."""
    made = []
    for client in sorted({fact["client"] for fact in facts}):
        own = [fact for fact in facts if fact["client"] == client]
        issued = [fact for fact in own if "number" in fact]
        paid = [fact for fact in own if "number" not in fact]
        made += histories.of_client(
            msgspec.convert(chained(issued), list[HistoryRevenue]),
            msgspec.convert(chained(paid), list[HistoryPayment]),
        )
    return made


def numbered(facts: list[Record]) -> list[Record]:
    """The facts with numbers that have the year of issue in them, as a house gives them."""
    text = json.dumps(facts)
    for fact in facts:
        if number := fact.get("number"):
            named = f"{number[:-5]}-{fact['issue_date'][:4]}-{number[-4:]}"
            text = text.replace(f'"{number}"', f'"{named}"')
    numbers: list[Record] = json.loads(text)
    return numbers


def chained(facts: list[Record]) -> list[Record]:
    return [{**fact, "seq": i, "prev": "", "hash": ""} for i, fact in enumerate(facts, 1)]


# --- random pasts --------------------------------------------------------------------


@st.composite
def shares(draw: st.DrawFn) -> list[Given]:
    """What an invoice charges: goods and services at several rates."""
    keys = [(nature, rate) for nature in ("goods", "services") for rate in _RATES]
    made = []
    for nature, rate in draw(st.lists(st.sampled_from(keys), min_size=1, max_size=4, unique=True)):
        net = draw(st.integers(1, 200_000))
        made.append((nature, rate, net, (net * _RATES[rate] + 50) // 100))
    return made


@st.composite
def past(draw: st.DrawFn, clients: tuple[str, ...] = ("nord", "studio_sud")) -> list[Record]:
    """Invoices, credit notes, payments, refunds and reversals over three years."""
    facts = []
    for client in clients:
        facts += draw(_of_client(client))
    return facts


@st.composite
def _of_client(draw: st.DrawFn, client: str) -> list[Record]:
    days = st.dates(FIRST, LAST).map(date.isoformat)
    bills: list[Record] = []
    for charged in draw(st.lists(shares(), max_size=4)):
        number = f"{client[:4].upper()}-{len(bills) + 1:04d}"
        day = draw(days)
        delivery = (date.fromisoformat(day) + timedelta(draw(st.integers(-60, 20)))).isoformat()
        more = {"period": {"start": delivery, "end": delivery}}
        more |= {"vat_on_debits": True} if draw(st.booleans()) else {}
        bills.append(bill(client, number, day, *charged, **more))
        left = charged
        for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
            if left:
                credited, left = draw(credit_of(left))
                note = f"{client[:4].upper()}-{len(bills) + 1:04d}"
                when = draw(_after(day))
                bills.append(bill(client, note, when, *credited, corrects=number, **more))
    return bills + draw(_moves([one for one in bills if one["kind"] == "invoice"]))


@st.composite
def credit_of(draw: st.DrawFn, left: list[Given]) -> tuple[list[Given], list[Given]]:
    """All that is left of an invoice, one share of it, or a part of one; and the rest."""
    if draw(st.integers(0, 2)) == 0:
        return left, []
    nature, rate, net, vat = taken = draw(st.sampled_from(left))
    others = [share for share in left if share != taken]
    part = draw(st.integers(1, net))
    tax = min(vat, (part * _RATES[rate] + 50) // 100)
    if part == net or draw(st.booleans()):
        return [taken], others
    return [(nature, rate, part, tax)], [*others, (nature, rate, net - part, vat - tax)]


def _after(day: str) -> st.SearchStrategy[str]:
    first = date.fromisoformat(day)
    return st.dates(first, first + timedelta(500)).map(date.isoformat)


@st.composite
def _moves(draw: st.DrawFn, invoices: list[Record]) -> list[Record]:
    moves: list[Record] = []
    if not invoices:
        return moves
    reversed_ones = set()
    for _ in range(draw(st.integers(0, 8))):
        about = draw(st.sampled_from(invoices))
        gross = int(about["gross"].replace(".", ""))
        done = [
            i
            for i, move in enumerate(moves)
            if i not in reversed_ones and move["kind"] != "reversal"
        ]
        kind = draw(st.sampled_from(["part", "all", "too much", "refund", "write-off", "reversal"]))
        if kind == "reversal" and done:
            i = draw(st.sampled_from(done))
            reversed_ones.add(i)
            moves.append(reversal(moves[i], i + 1, draw(_after(moves[i]["date"]))))
            continue
        if kind == "write-off":
            cause = draw(st.sampled_from(payments.CAUSES))
            day = draw(_after(about["issue_date"]))
            part = draw(st.integers(1, gross))
            moves.append(lost(about["client"], about["number"], day, part, cause))
            continue
        amount = gross
        if kind in ("part", "refund"):
            amount = draw(st.integers(1, gross))
        if kind == "too much":
            amount = gross + draw(st.integers(1, 5_000))
        amount = -amount if kind == "refund" else amount
        method = draw(st.sampled_from(["transfer", "cash"]))
        day = draw(_after(about["issue_date"]))
        client, number = about["client"], about["number"]
        moves.append(money(client, number, day, amount, method=method))
    return moves


def total(given: tuple[VatShare, ...]) -> int:
    """The gross of shares, in cents."""
    return sum(share.gross for share in given)


# --- random orders -------------------------------------------------------------------


class Placed(NamedTuple):
    """An order: its invoices and credit notes as recorded, and whether a final invoice stands."""

    facts: list[Record]
    finished: bool

    @property
    def invoices(self) -> list[Record]:
        """Those of which something is to be paid."""
        invoices = [fact for fact in self.facts if fact["kind"] == "invoice"]
        return [invoice for invoice in invoices if Decimal(invoice["gross"]) > 0]


@st.composite
def order(draw: st.DrawFn, credited: bool = True, client: str = "nord") -> Placed:
    """Deposits, credit notes on them, and a final invoice that takes off what stands; or none."""
    key = {"goods": "5.50", "services": "20.00"} if draw(st.booleans()) else {"goods": "20.00"}
    left = {(nature, rate): draw(st.integers(1, 90_000)) for nature, rate in key.items()}
    whole, facts, day = dict(left), [], FIRST
    debits = {"vat_on_debits": True} if draw(st.booleans()) else {}

    def issue(charged: list[Given], **more: Any) -> str:
        nonlocal day
        day += timedelta(draw(st.integers(0, 60)))
        number = f"{client[:4].upper()}-{len(facts) + 1:04d}"
        more = {"order": "site", **debits, **more}
        facts.append(bill(client, number, day.isoformat(), *charged, **more))
        return number

    deposits: dict[str, list[Given]] = {}
    for step in range(draw(st.integers(1, 3))):
        nets = {share: draw(st.integers(0, net)) for share, net in left.items()}
        charged = [(*share, net, _vat(share[1], net)) for share, net in nets.items() if net]
        if charged:
            number = issue(charged, type="386", step=f"deposit_{step}")
            if credited and draw(st.integers(0, 3)) == 0:
                taken, charged = draw(credit_of(charged))
                issue(taken, corrects=number, step=f"deposit_{step}")
            deposits[number] = charged
            for nature, rate, net, _ in charged:
                left[nature, rate] -= net
    end = draw(st.sampled_from(["open", "cancelled", "final", "final", "final credited", "late"]))
    if end == "open" or (end == "cancelled" and not credited):
        return Placed(facts, False)
    if end == "cancelled":
        for number, charged in deposits.items():
            if charged:
                issue(charged, corrects=number)
        return Placed(facts, True)
    # The whole order, less what stands of its deposits.
    stands = [share for charged in deposits.values() for share in charged]
    vats = {share: _vat(share[1], net) for share, net in whole.items()}
    for nature, rate, _, vat in stands:
        vats[nature, rate] -= vat
    off = [
        {"breakdown": bill(client, number, "", *charged)["breakdown"], "number": number}
        for number, charged in deposits.items()
        if charged
    ]
    rest = [(*share, net, vats[share]) for share, net in left.items()]
    final = issue(rest, step="final", **({"deposits": off} if off else {}))
    if end == "final credited" and credited:
        issue(rest, corrects=final, step="final", **({"deposits": off} if off else {}))
        return Placed(facts, False)
    if end == "late" and credited and stands:
        number = draw(st.sampled_from([number for number in deposits if deposits[number]]))
        issue(draw(credit_of(deposits[number]))[0], corrects=number)
    return Placed(facts, True)


def _vat(rate: str, net: int) -> int:
    """VAT on a net, rounded half up, in cents."""
    return (net * int(rate.replace(".", "")) + 5_000) // 10_000


@st.composite
def paid_order(draw: st.DrawFn, credited: bool = True) -> list[Record]:
    """An order, and what came of its invoices."""
    placed = draw(order(credited))
    return placed.facts + draw(_moves(placed.invoices))
