"""Cash-ins (212): what of an invoice was received, by rate, told once, and in sum what it is."""

from collections import Counter
from datetime import date
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import past
from lib.books import allocation, cash_ins, tax_points
from lib.books.cash_ins import CashIn
from lib.books.histories import History
from lib.books.payments import BANK_CHARGE
from lib.books.record_lines import ExchangeLine
from lib.books.records import Record
from lib.values.money import cents_of

DAY = date(2026, 3, 1)
NUMBER = "NORD-0001"
SERVICES = ("services", "20.00", 10_000, 2_000)
CHEAP = ("services", "10.00", 10_000, 1_000)
GOODS = ("goods", "20.00", 10_000, 2_000)


class Reporter:
    """Reports what is due of some histories, as often as it is asked."""

    def __init__(self, rule: str = "due") -> None:
        self.rule = rule
        self.lines: list[ExchangeLine] = []

    def add(self, **facts: Any) -> None:
        line = {"client": "nord", "prev": "", "hash": "", "seq": len(self.lines) + 1, **facts}
        self.lines.append(msgspec.convert(line, ExchangeLine))

    def status(self, code: str, number: str = NUMBER, at: str = "2023-11-01T10:00:00") -> None:
        self.add(kind="status", number=number, code=code, at=at)

    def report(self, history: History) -> list[CashIn]:
        new = cash_ins.due(history, self.lines, self.rule, DAY)
        for one in new:
            self.add(**cash_ins.record(one, "0" * 64))
            assert cash_ins.of_line(self.lines[-1]) == one
        return new


def history_of(*facts: Record) -> History:
    [history] = past.histories_of(list(facts))
    return history


def told(new: list[CashIn]) -> list[tuple[tuple[str, ...], dict[str, str], str]]:
    return [
        (one.payments, {share.vat_rate: share.amount for share in one.shares}, one.comment)
        for one in new
    ]


def pay(amount: int, day: str = "2024-01-10") -> Record:
    return past.money("nord", NUMBER, day, amount)


def test_nothing_before_it_was_deposited_nor_while_it_is_refused() -> None:
    history = history_of(past.bill("nord", NUMBER, "2024-01-01", SERVICES), pay(12_000))
    reporter = Reporter()
    assert not reporter.report(history)
    for code in ("202", "205"):
        reporter.status(code)
        assert not reporter.report(history)
    reporter.status("210", at="2023-11-03T10:00:00")
    reporter.status("200")
    assert not reporter.report(history)


def test_what_was_reported_and_goes_back_after_a_refusal_is_reported() -> None:
    bill, first = past.bill("nord", NUMBER, "2024-01-01", SERVICES), pay(6_000)
    reporter = Reporter()
    reporter.status("200")
    assert len(reporter.report(history_of(bill, first))) == 1
    reporter.status("210", at="2023-11-03T10:00:00")
    second = pay(3_000, "2024-01-12")
    assert not reporter.report(history_of(bill, first, second))
    unsaid = past.reversal(second, 2, "2024-01-13")
    assert not reporter.report(history_of(bill, first, second, unsaid))
    bounced = past.reversal(first, 1, "2024-01-14")
    back = reporter.report(history_of(bill, first, second, unsaid, bounced))
    assert [shares for _, shares, _ in told(back)] == [{"20.00": "-60.00"}]
    assert back[0].comment
    assert not reporter.report(history_of(bill, first, second, unsaid, bounced))


def test_each_movement_once_by_rate_with_vat() -> None:
    bill = past.bill("nord", NUMBER, "2024-01-01", SERVICES, CHEAP)
    reporter = Reporter()
    reporter.status("200")
    assert not reporter.report(history_of(bill))
    part = pay(11_500)
    assert told(reporter.report(history_of(bill, part))) == [
        (("nord/1",), {"10.00": "55.00", "20.00": "60.00"}, "")
    ]
    assert not reporter.report(history_of(bill, part))
    rest = pay(11_500, "2024-01-12")
    back = past.reversal(rest, 2, "2024-01-13")
    [second, third] = reporter.report(history_of(bill, part, rest, back))
    assert told([second, third]) == [
        (("nord/2",), {"10.00": "55.00", "20.00": "60.00"}, ""),
        (("nord/3",), {"10.00": "-55.00", "20.00": "-60.00"}, "Encaissement annulé"),
    ]
    assert (second.tracking_id, third.tracking_id) == ("NORD-0001-212-2", "NORD-0001-212-3")
    assert (third.received, third.date) == (date(2024, 1, 13), DAY)
    assert third.deposited == "2023-11-01T10:00:00"


def test_money_that_goes_back_after_a_credit_note_is_below_0() -> None:
    bill = past.bill("nord", NUMBER, "2024-01-01", SERVICES)
    note = past.bill("nord", "NORD-0002", "2024-02-01", SERVICES, corrects=NUMBER)
    reporter = Reporter()
    reporter.status("200")
    reporter.report(history_of(bill, pay(12_000)))
    assert not reporter.report(history_of(bill, note, pay(12_000)))
    back = past.money("nord", NUMBER, "2024-02-03", -12_000)
    assert told(reporter.report(history_of(bill, note, pay(12_000), back))) == [
        (("nord/2",), {"20.00": "-120.00"}, "Remboursement")
    ]


def test_a_credit_note_moves_what_was_paid_to_what_stands() -> None:
    bill = past.bill("nord", NUMBER, "2024-01-01", SERVICES, CHEAP)
    note = past.bill("nord", "NORD-0002", "2024-02-01", SERVICES, corrects=NUMBER)
    reporter = Reporter()
    reporter.status("200")
    reporter.report(history_of(bill, pay(11_500)))
    assert told(reporter.report(history_of(bill, note, pay(11_500)))) == [
        (("NORD-0002",), {"10.00": "55.00", "20.00": "-55.00"}, "Avoir NORD-0002")
    ]
    assert not reporter.report(history_of(bill, note, pay(11_500)))


@pytest.mark.parametrize(
    ("more", "due", "everything"),
    [
        ({}, {"20.00": "120.00"}, {"20.00": "240.00"}),
        ({"vat_on_debits": True}, None, {"20.00": "240.00"}),
        ({"type": "386"}, {"20.00": "240.00"}, {"20.00": "240.00"}),
    ],
    ids=["services of a mixed invoice", "VAT on debits", "a deposit"],
)
def test_what_is_due_as_it_is_paid(
    more: dict[str, Any], due: dict[str, str] | None, everything: dict[str, str]
) -> None:
    history = history_of(
        past.bill("nord", NUMBER, "2024-01-01", GOODS, SERVICES, **more), pay(24_000)
    )
    for rule, expected in (("due", due), ("all", everything)):
        reporter = Reporter(rule)
        reporter.status("200")
        rates = [one[1] for one in told(reporter.report(history))]
        assert rates == ([expected] if expected else [])


def test_no_money_no_report() -> None:
    bill = past.bill("nord", NUMBER, "2024-01-01", SERVICES)
    for cause in ("bad_debt", "difference"):
        reporter = Reporter()
        reporter.status("200")
        lost = past.lost("nord", NUMBER, "2024-03-01", 12_000, cause)
        assert not reporter.report(history_of(bill, lost))
    reporter = Reporter()
    reporter.status("200")
    too_much = [pay(12_000), pay(500, "2024-01-20")]
    assert told(reporter.report(history_of(bill, *too_much))) == [
        (("nord/1",), {"20.00": "120.00"}, "")
    ]


def test_what_the_bank_kept_was_paid() -> None:
    bill = past.bill("nord", NUMBER, "2024-01-01", SERVICES, CHEAP)
    kept = past.lost("nord", NUMBER, "2024-01-12", 2_300, "bank_charge")
    taken_back = past.reversal(kept, 2, "2024-01-14")
    reporter = Reporter()
    reporter.status("200")
    assert told(reporter.report(history_of(bill, pay(20_700), kept))) == [
        (("nord/1",), {"10.00": "99.00", "20.00": "108.00"}, ""),
        (("nord/2",), {"10.00": "11.00", "20.00": "12.00"}, ""),
    ]
    assert told(reporter.report(history_of(bill, pay(20_700), kept, taken_back))) == [
        (("nord/3",), {"10.00": "-11.00", "20.00": "-12.00"}, "Encaissement annulé")
    ]


def test_a_line_that_comes_late_with_an_earlier_date_takes_the_difference_with_it() -> None:
    bill = past.bill("nord", NUMBER, "2024-01-01", SERVICES)
    reporter = Reporter()
    reporter.status("200")
    first, late = pay(6_000, "2024-01-20"), pay(12_000, "2024-01-10")
    reporter.report(history_of(bill, first))
    assert [one[1] for one in told(reporter.report(history_of(bill, first, late)))] == [
        {"20.00": "60.00"}
    ]
    assert not reporter.report(history_of(bill, first, late))


@given(past.past(("nord",)), st.randoms(use_true_random=False), st.sampled_from(["due", "all"]))
def test_over_years_the_sums_are_what_was_received(
    facts: list[Record], random: Any, rule: str
) -> None:
    """Reported after any of its lines, an invoice's cash-ins come to what is allocated of it."""
    reporter = Reporter(rule)
    invoices = [fact for fact in facts if fact["kind"] == "invoice"]
    notes = [fact for fact in facts if fact["kind"] == "credit_note"]
    moves = [fact for fact in facts if "number" not in fact]
    for fact in invoices:
        reporter.status("200", fact["number"])
    known = list(invoices)
    while notes or moves:
        queue = random.choice([queue for queue in (notes, moves) if queue])
        known.append(queue.pop(0))
        if random.random() < 0.5 or not (notes or moves):
            for history in past.histories_of(known):
                reporter.report(history)
    for history in past.histories_of(known) if facts else ():
        sums: Counter[str] = Counter()
        for line in reporter.lines:
            if line.kind == "cash_in" and line.number == history.invoice.number:
                for share in line.shares:
                    sums[share.vat_rate] += cents_of(share.amount)
                    assert share.amount != "0.00"
        wanted = expected(history, rule)
        if rule == "due":
            assert sums == due_as_paid(history)
        # Which rate has the odd cent of a payment over several rates is the allocation's to say.
        odd = 0 if history.credit_notes else 1
        assert all(abs(sums[rate] - wanted[rate]) <= odd for rate in sums | wanted)
        assert not reporter.report(history)
    names = [name for line in reporter.lines for name in line.payments]
    assert len(names) == len(set(names))


def due_as_paid(history: History) -> Counter[str]:
    """What VAT falls due with, by rate: as the VAT return and e-reporting have it."""
    sums: Counter[str] = Counter()
    for due in tax_points.dues_as_paid(history):
        if due.source is not history.invoice:
            sums[due.share.vat_rate] += due.share.gross
    return sums


def expected(history: History, rule: str) -> Counter[str]:
    """What is received of an invoice by rate: without credit notes by a second computation."""
    sums: Counter[str] = Counter()
    invoice = history.invoice
    if history.credit_notes:
        kept = (lost for lost in allocation.write_offs(history) if lost.cause == BANK_CHARGE)
        for receipt in (*allocation.receipts(history), *kept):
            for share in receipt.shares:
                if rule == "all" or tax_points.is_due_as_paid(invoice, share):
                    sums[share.vat_rate] += share.gross
        return sums
    paid = sum(move.amount for move in history.movements if move.cause in ("", BANK_CHARGE))
    paid = min(max(0, paid), invoice.gross)
    for rate in {share.vat_rate for share in invoice.shares}:
        gross = {share.nature: share.gross for share in invoice.shares if share.vat_rate == rate}
        goods = rounded(Fraction(gross.get("goods", 0) * paid, invoice.gross))
        whole = rounded(Fraction(sum(gross.values()) * paid, invoice.gross))
        if rule == "all":
            sums[rate] = whole
        elif not invoice.vat_on_debits:
            sums[rate] = whole - goods
    return sums


def rounded(amount: Fraction) -> int:
    return int(amount + Fraction(1, 2))
