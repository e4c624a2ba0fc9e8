"""What each payment pays of its invoice, and the copy that says that it is paid."""

import json
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import house
import past
from lib.books import allocation, balances
from lib.books.histories import History, VatShare
from lib.books.records import Record

INVOICE = ("services", "20.00", 10_000, 2_000), ("services", "10.00", 5_000, 500)


def of(*facts: Record) -> list[allocation.Receipt]:
    (history,) = past.histories_of(list(facts))
    return allocation.receipts(history)


def vat(receipt: allocation.Receipt) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for share in receipt.shares:
        sums[share.vat_rate] += share.vat
    return dict(sums)


def issued(*shares: past.Given) -> Record:
    return past.bill("nord", "NORD-2024-0001", "2024-01-31", *shares)


def paid(day: str, amount: int) -> Record:
    return past.money("nord", "NORD-2024-0001", day, amount)


def credit(day: str, *shares: past.Given) -> Record:
    return past.bill("nord", "NORD-2024-0002", day, *shares, corrects="NORD-2024-0001")


def test_worked_example_of_a_partial_payment():
    first, second = of(issued(*INVOICE), paid("2024-02-01", 6_000), paid("2024-03-01", 11_500))
    assert vat(first) == {"20.00": 686, "10.00": 171}
    assert vat(second) == {"20.00": 1_314, "10.00": 329}


def test_each_rate_is_rounded_on_its_own():
    # 0.19 x 2 / 23 = 0.0165, 0.19 x 1 / 23 = 0.0083; their sum would be 0.0248.
    invoice = issued(("services", "20.00", 1_000, 200), ("services", "10.00", 1_000, 100))
    (first,) = of(invoice, paid("2024-02-01", 19))
    assert vat(first) == {"20.00": 2, "10.00": 1}


def test_goods_and_services_of_one_rate_share_its_vat():
    mixed = issued(("goods", "20.00", 3_333, 667), ("services", "20.00", 3_333, 666))
    (first,) = of(mixed, paid("2024-02-01", 4_000))
    assert {share.nature for share in first.shares} == {"goods", "services"}
    # 40.00 x 13.33 / 79.99 = 6.666...
    assert vat(first) == {"20.00": 667}
    assert past.total(first.shares) == 4_000


def test_what_is_beyond_the_invoice_has_no_vat():
    first, back = of(issued(*INVOICE), paid("2024-02-01", 20_000), paid("2024-02-09", -2_500))
    assert (past.total(first.shares), first.overpaid) == (17_500, 2_500)
    assert (back.shares, back.overpaid) == ((), -2_500)


def test_a_reversal_takes_out_what_came_in():
    payment = paid("2024-02-01", 6_000)
    first, second = of(issued(*INVOICE), payment, past.reversal(payment, 1, "2024-03-05"))
    assert second.source.date == "2024-03-05"
    assert [-share.vat for share in second.shares] == [share.vat for share in first.shares]


def test_a_refund_carries_the_vat_of_what_was_credited():
    _, back = of(
        issued(*INVOICE),
        paid("2024-02-01", 17_500),
        credit("2024-02-10", INVOICE[0]),
        paid("2024-02-20", -12_000),
    )
    assert back.shares == (VatShare("services", "S", "20.00", -10_000, -2_000),)


def test_part_of_a_refund_carries_its_part_of_the_vat():
    _, back, rest = of(
        issued(*INVOICE),
        paid("2024-02-01", 17_500),
        credit("2024-02-10", INVOICE[0]),
        paid("2024-02-20", -3_000),
        paid("2024-02-21", -9_000),
    )
    assert back.shares == (VatShare("services", "S", "20.00", -2_500, -500),)
    assert rest.shares == (VatShare("services", "S", "20.00", -7_500, -1_500),)


def test_a_credit_note_moves_what_was_paid_to_what_still_stands():
    first, moved = of(issued(*INVOICE), paid("2024-02-01", 5_500), credit("2024-02-10", INVOICE[0]))
    assert vat(first) == {"20.00": 629, "10.00": 157}
    assert moved.source.date == "2024-02-10"
    assert past.total(moved.shares) == 0
    assert vat(moved) == {"20.00": -629, "10.00": 343}


def test_a_payment_of_what_is_credited_already_is_an_overpayment():
    (first,) = of(issued(*INVOICE), credit("2024-02-01", *INVOICE), paid("2024-02-01", 17_500))
    assert (first.shares, first.overpaid) == ((), 17_500)


def test_a_second_credit_note_holds_and_gives_back_its_own_shares_alone():
    twenty = ("goods", "20.00", 100_000, 20_000)
    five = ("services", "5.50", 100_000, 5_500)
    made = of(
        issued(twenty, five),
        paid("2024-11-10", 225_500),
        credit("2024-11-12", twenty),
        paid("2024-11-15", -120_000),
        credit("2024-11-25", five),
        paid("2024-12-05", -105_500),
    )
    assert [(one.source.date, vat(one)) for one in made] == [
        ("2024-11-10", {"20.00": 20_000, "5.50": 5_500}),
        ("2024-11-15", {"20.00": -20_000}),
        ("2024-12-05", {"5.50": -5_500}),
    ]


def test_goods_and_services_of_one_rate_are_held_apart():
    goods, services = ("goods", "20.00", 1_000, 200), ("services", "20.00", 1_000, 200)
    made = of(
        issued(goods, services),
        paid("2024-11-10", 2_400),
        credit("2024-11-12", goods),
        paid("2024-11-15", -1_200),
        credit("2024-11-25", services),
        paid("2024-12-05", -1_200),
    )
    assert [{share.nature for share in one.shares} for one in made[1:]] == [{"goods"}, {"services"}]


def test_a_refund_that_came_back_is_held_again():
    back = paid("2024-02-20", -12_000)
    facts = issued(*INVOICE), paid("2024-02-01", 17_500), credit("2024-02-10", INVOICE[0]), back
    *_, again, last = of(*facts, past.reversal(back, 2, "2024-02-25"), paid("2024-03-01", -12_000))
    assert again.shares == (VatShare("services", "S", "20.00", 10_000, 2_000),)
    assert last.shares == (VatShare("services", "S", "20.00", -10_000, -2_000),)


def test_what_is_held_of_a_payment_that_bounces_was_never_paid():
    payment = paid("2024-02-01", 17_500)
    facts = issued(*INVOICE), payment, credit("2024-02-10", INVOICE[0])
    *_, bounced, again = of(
        *facts, past.reversal(payment, 1, "2024-02-15"), paid("2024-03-01", 17_500)
    )
    assert vat(bounced) == {"20.00": -2_000, "10.00": -500}
    assert (vat(again), again.overpaid) == ({"10.00": 500}, 12_000)


@given(past.past())
def test_receipts_add_up_to_the_money_and_to_what_stands(facts):
    for history in past.histories_of(facts):
        made = allocation.receipts(history)
        for receipt in made:
            amount = getattr(receipt.source, "amount", 0)
            assert past.total(receipt.shares) + receipt.overpaid == amount
        if balances.outstanding_of(history) == 0:
            assert _sums(share for one in made for share in one.shares) == _standing(history)


def _standing(history: History) -> dict[tuple[str, str], tuple[int, int]]:
    shares = list(history.invoice.shares)
    for note in history.credit_notes:
        shares += [replace(share, net=-share.net, vat=-share.vat) for share in note.shares]
    return _sums(shares)


def _sums(shares) -> dict[tuple[str, str], tuple[int, int]]:
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for share in shares:
        net, tax = sums.get((share.nature, share.vat_rate), (0, 0))
        sums[share.nature, share.vat_rate] = (net + share.net, tax + share.vat)
    return {key: value for key, value in sums.items() if any(value)}


# --- whatever happens to an invoice --------------------------------------------------


@st.composite
def lives(draw: st.DrawFn) -> list[Record]:
    """What a house allows to happen to an invoice, in order of date: paid, credited, refunded
    and reversed in any order, until at last all is credited and all is given back."""
    left = draw(past.shares())
    day = date(2024, 1, 31)
    bills, moves = [issued(*left)], []
    for action in [*draw(st.lists(st.sampled_from("ppccrrv"), max_size=9)), "all", "back"]:
        day += timedelta(draw(st.integers(0, 20)))
        when = day.isoformat()
        done = [i for i, move in enumerate(moves, 1) if move["kind"] != "reversal"]
        done = [i for i in done if i not in {move.get("reverses") for move in moves}]
        if action == "p":
            whole = sum(net + tax for *_, net, tax in left) or 1
            moves.append(paid(when, draw(st.one_of(st.just(whole), st.integers(1, whole + 9)))))
        elif action in ("c", "all") and left:
            taken, left = (left, []) if action == "all" else draw(past.credit_of(left))
            bills.append(credit(when, *taken) | {"number": f"NORD-2024-{len(bills) + 1:04d}"})
        elif action == "v" and done:
            i = draw(st.sampled_from(done))
            moves.append(past.reversal(moves[i - 1], i, when))
        elif action in ("r", "back"):
            (history,) = past.histories_of([*bills, *moves])
            back = -balances.outstanding_of(history)
            if action == "back" and back < 0:  # more was given back than had come
                moves.append(paid(when, -back))
            elif back > 0:
                part = back if action == "back" else draw(st.integers(1, back))
                moves.append(paid(when, -part))
    return bills + moves


class Pot:
    """Shares with the money in each: a computation of its own, in exact fractions."""

    def __init__(self) -> None:
        self.gross: Counter[tuple[str, str]] = Counter()
        self.vat: Counter[tuple[str, str]] = Counter()
        self.money: Counter[tuple[str, str]] = Counter()

    def vat_in(self, key: tuple[str, str]) -> Fraction:
        return Fraction(self.money[key] * self.vat[key]) / (self.gross[key] or 1)

    def put(self, amount: Fraction) -> Fraction:
        """Puts in (takes out, below 0) what there is room for, evenly; returns the rest."""
        held, whole = sum(self.money.values()), sum(self.gross.values())
        moved = min(amount, whole - held) if amount > 0 else max(amount, -held)
        for key in self.gross:
            of = whole - held if amount > 0 else held
            own = self.gross[key] - self.money[key] if amount > 0 else self.money[key]
            self.money[key] += Fraction(moved * own) / (of or 1)
        return amount - moved


def by_pots(history: History) -> list[tuple[str, dict[tuple[str, str], Fraction], Fraction]]:
    """After each event its date, the VAT received of each share, and what is beyond them."""
    standing, held, beyond = Pot(), Pot(), Fraction(0)
    for share in history.invoice.shares:
        key = (share.nature, share.vat_rate)
        standing.gross[key], standing.vat[key] = Fraction(share.gross), Fraction(share.vat)
    out: dict[int, dict[tuple[str, str], tuple[Fraction, Fraction]]] = {}
    known = []
    for event in sorted([*history.credit_notes, *history.movements], key=lambda one: one.date):
        if event.kind == "credit_note":
            taken = Fraction(0)
            note = Pot()
            for share in event.shares:
                key = (share.nature, share.vat_rate)
                part = standing.money[key] * share.gross / (standing.gross[key] or 1)
                note.gross[key], note.vat[key] = Fraction(share.gross), Fraction(share.vat)
                standing.money[key] -= part
                standing.gross[key] -= share.gross
                standing.vat[key] -= share.vat
                taken += part
            note.put(standing.put(taken))
            for key, money in note.money.items():
                held.vat[key] = held.vat_in(key) + note.vat_in(key)
                held.money[key] += money
                held.gross[key] = held.money[key]
        elif event.amount > 0:
            amount = Fraction(event.amount)
            returned = out.get(event.reverses, {})
            if min(beyond, 0):
                amount, beyond = max(Fraction(0), amount + beyond), min(beyond + amount, 0)
            amount = standing.put(amount)
            whole = sum(money for money, _ in returned.values())
            for key, (money, tax) in returned.items():
                part = min(amount, whole) / whole
                held.vat[key] = held.vat_in(key) + tax * part
                held.money[key] += money * part
                held.gross[key] = held.money[key]
            beyond += amount - min(amount, whole)
        else:
            rest = Fraction(event.amount)
            loose = min(-rest, max(beyond, Fraction(0)))
            beyond, rest = beyond - loose, rest + loose
            before = {key: (held.money[key], held.vat_in(key)) for key in held.gross}
            rest = held.put(rest)
            out[event.seq] = {
                key: (money - held.money[key], tax - held.vat_in(key))
                for key, (money, tax) in before.items()
                if money != held.money[key]
            }
            beyond += standing.put(rest)
        keys = standing.gross.keys() | held.gross.keys()
        in_each = {key: standing.vat_in(key) + held.vat_in(key) for key in keys}
        known.append((event.date, in_each, beyond))
    return known


@given(lives())
@settings(max_examples=300)
def test_vat_on_receipts_is_that_of_what_was_received_of_each_share(facts):
    (history,) = past.histories_of(facts)
    made = allocation.receipts(history)
    expected = by_pots(history)
    for day in {day for day, *_ in expected}:
        *_, (_, in_each, beyond) = [one for one in expected if one[0] <= day]
        known = [one for one in made if one.source.date <= day]
        found = _sums(share for one in known for share in one.shares)
        assert sum(one.overpaid for one in known) == beyond
        for key, tax in in_each.items():
            # A cent for each time that shares are put together: each is rounded once.
            assert abs(found.get(key, (0, 0))[1] - tax) <= 2
    assert not _sums(share for one in made for share in one.shares)
    assert sum(one.overpaid for one in made) == 0


@given(past.past(("nord",)))
def test_what_comes_later_changes_nothing_earlier(facts):
    for history in past.histories_of(facts):
        made = allocation.receipts(history)
        for cut in {receipt.source.date for receipt in made}:
            known = History(
                history.invoice,
                tuple(note for note in history.credit_notes if note.date <= cut),
                tuple(move for move in history.movements if move.date <= cut),
            )
            assert allocation.receipts(known) == [one for one in made if one.source.date <= cut]


# --- the paid copy -------------------------------------------------------------------


@pytest.fixture
def root(tmp_path):
    root = house.build(tmp_path / "root")
    assert house.month(root).code == 0
    return root


def test_a_receipt_says_when_and_how_and_leaves_the_invoice_alone(root):
    past.lay(
        root,
        past.money("nord", "NORD-2026-0001", "2026-11-10", 5_000),
        past.money("nord", "NORD-2026-0001", "2026-11-20", 2_680, method="cheque"),
    )
    before = house.tree(root)
    assert house.call("make_receipt", root, invoice="NORD-2026-0001").code == 0
    made = root.path / "exports/receipts/NORD-2026-0001-paid.pdf"
    text = pypdf.PdfReader(made).pages[0].extract_text().replace("\N{NO-BREAK SPACE}", " ")
    assert "ACQUITTÉE" in text
    assert "10 novembre 2026 · virement · 50,00 €" in " ".join(text.split())
    assert "20 novembre 2026 · chèque · 26,80 €" in " ".join(text.split())
    assert "IBAN" not in text
    assert not pypdf.PdfReader(made).attachments
    assert {**house.tree(root), **before} == house.tree(root)
    first = made.read_bytes()
    made.unlink()
    assert house.call("make_receipt", root, invoice="NORD-2026-0001").code == 0
    assert made.read_bytes() == first


def text_of_receipt(root, number):
    """What its reader sees, from top to bottom: a label, then its amount."""
    assert house.call("make_receipt", root, invoice=number).code == 0
    made = root.path / f"exports/receipts/{number}-paid.pdf"
    text = pypdf.PdfReader(made).pages[0].extract_text()
    return " ".join(text.replace("\N{NARROW NO-BREAK SPACE}", " ").split())


def test_a_receipt_asks_for_nothing_and_says_what_was_paid_in_both_languages(tmp_path):
    english = house.client(
        "sud", {"language": "en", "plans.0.items.0.description.en": "Hosting"}, i=2
    )
    root = house.build(tmp_path / "root", house.client(), english)
    assert house.month(root).code == 0
    past.lay(
        root,
        past.money("nord", "NORD-2026-0001", "2026-11-10", 7_680),
        past.money("sud", "SUD-2026-0001", "2026-11-10", 7_680),
    )
    french = text_of_receipt(root, "NORD-2026-0001")
    assert "Total TTC 76,80 € Réglé −76,80 € Reste à payer 0,00 €" in french
    assert "Net à payer" not in french
    english = text_of_receipt(root, "SUD-2026-0001")
    assert "Total including VAT €76.80 Paid −€76.80 Balance due €0.00" in english
    assert "Amount due" not in english


def test_the_sums_of_a_receipt_have_credit_notes_and_what_was_paid_too_much(root):
    (record,) = house.records(root, "nord")
    kept = {key: record[key] for key in record if key not in ("seq", "prev", "hash")}
    note = {"kind": "credit_note", "number": "NORD-2026-0002", "corrects": "NORD-2026-0001"}
    past.lay(
        root,
        {**kept, **note, "gross": "16.80"},
        past.money("nord", "NORD-2026-0001", "2026-11-20", 6_100),
    )
    text = text_of_receipt(root, "NORD-2026-0001")
    assert "Total TTC 76,80 € Avoirs −16,80 € Réglé −61,00 € Trop-perçu 1,00 €" in text


def test_a_receipt_shows_a_payment_difference_and_a_bad_debt_gets_none(root):
    past.lay(
        root,
        past.money("nord", "NORD-2026-0001", "2026-11-20", 7_679),
        past.lost("nord", "NORD-2026-0001", "2026-11-21", 1, "difference"),
    )
    text = text_of_receipt(root, "NORD-2026-0001")
    assert "Réglé −76,79 € Écarts et frais de règlement −0,01 € Reste à payer 0,00 €" in text
    assert "21 novembre 2026 · écart de règlement · 0,01 €" in text
    past.lay(
        root,
        past.reversal(past.lost("nord", "NORD-2026-0001", "", 1, "difference"), 2, "2026-11-22"),
        past.lost("nord", "NORD-2026-0001", "2026-11-22", 1, "bad_debt"),
    )
    ran = house.call("make_receipt", root, invoice="NORD-2026-0001")
    assert (ran.code, "written off as a bad debt, not paid" in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("amount", "says"), [(0, "76.80 of 76.80 is due"), (7_679, "0.01 of 76.80 is due")]
)
def test_an_invoice_that_is_not_paid_gets_no_receipt(root, amount, says):
    if amount:
        past.lay(root, past.money("nord", "NORD-2026-0001", "2026-11-10", amount))
    ran = house.call("make_receipt", root, invoice="NORD-2026-0001")
    assert ran.code == 1
    assert says in ran.err
    assert not (root.path / "exports").exists()


def test_an_invoice_credited_in_full_gets_no_receipt(root):
    (record,) = house.records(root, "nord")
    kept = {key: record[key] for key in record if key not in ("seq", "prev", "hash")}
    note = {"kind": "credit_note", "number": "NORD-2026-0002", "corrects": "NORD-2026-0001"}
    past.lay(root, {**kept, **note})
    ran = house.call("make_receipt", root, invoice="NORD-2026-0001")
    assert (ran.code, "credited in full" in ran.err) == (1, True)


def test_a_changed_document_gives_no_receipt(root):
    past.lay(root, past.money("nord", "NORD-2026-0001", "2026-11-10", 7_680))
    proof = house.proof(root, "nord", "NORD-2026-0001", "json")
    changed = json.loads(proof.read_bytes())
    changed["buyer"]["name"] = "Someone Else"
    proof.chmod(0o644)
    proof.write_text(json.dumps(changed))
    ran = house.call("make_receipt", root, invoice="NORD-2026-0001")
    assert (ran.code, "NORD-2026-0001.json" in ran.err) == (3, True)


def test_an_unknown_number_is_one_line(root):
    ran = house.call("make_receipt", root, invoice="../../etc")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert ran.out == ""
