"""What each payment pays of its invoice, and the copy that says that it is paid."""

import json
from collections import Counter

import pypdf
import pytest
from hypothesis import given
from msgspec.structs import replace

import house
import past
from lib import receipts
from lib.histories import History, Share
from lib.records import Record

INVOICE = ("services", "20.00", 10_000, 2_000), ("services", "10.00", 5_000, 500)


def of(*facts: Record) -> list[receipts.Receipt]:
    (history,) = past.histories_of(list(facts))
    return receipts.receipts(history)


def vat(receipt: receipts.Receipt) -> dict[str, int]:
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
    assert back.shares == (Share("services", "S", "20.00", -10_000, -2_000),)


def test_part_of_a_refund_carries_its_part_of_the_vat():
    _, back, rest = of(
        issued(*INVOICE),
        paid("2024-02-01", 17_500),
        credit("2024-02-10", INVOICE[0]),
        paid("2024-02-20", -3_000),
        paid("2024-02-21", -9_000),
    )
    assert back.shares == (Share("services", "S", "20.00", -2_500, -500),)
    assert rest.shares == (Share("services", "S", "20.00", -7_500, -1_500),)


def test_a_credit_note_moves_what_was_paid_to_what_still_stands():
    first, moved = of(issued(*INVOICE), paid("2024-02-01", 5_500), credit("2024-02-10", INVOICE[0]))
    assert vat(first) == {"20.00": 629, "10.00": 157}
    assert moved.source.date == "2024-02-10"
    assert past.total(moved.shares) == 0
    assert vat(moved) == {"20.00": -629, "10.00": 343}


def test_a_payment_of_what_is_credited_already_is_an_overpayment():
    (first,) = of(issued(*INVOICE), credit("2024-02-01", *INVOICE), paid("2024-02-01", 17_500))
    assert (first.shares, first.overpaid) == ((), 17_500)


@given(past.past())
def test_receipts_add_up_to_the_money_and_to_what_stands(facts):
    for history in past.histories_of(facts):
        made = receipts.receipts(history)
        for receipt in made:
            amount = getattr(receipt.source, "amount", 0)
            assert past.total(receipt.shares) + receipt.overpaid == amount
        if receipts.outstanding(history) == 0 and _never_below_nothing(history):
            assert _sums(share for one in made for share in one.shares) == _standing(history)


def _never_below_nothing(history: History) -> bool:
    """Refunds of more than was ever paid, which a house refuses, hold what nobody paid."""
    so_far = 0
    for movement in sorted(history.movements, key=lambda one: one.date):
        so_far += movement.amount
        if so_far < 0:
            return False
    return True


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


@given(past.past(("nord",)))
def test_what_comes_later_changes_nothing_earlier(facts):
    for history in past.histories_of(facts):
        made = receipts.receipts(history)
        for cut in {receipt.source.date for receipt in made}:
            known = History(
                history.invoice,
                tuple(note for note in history.credit_notes if note.date <= cut),
                tuple(move for move in history.movements if move.date <= cut),
            )
            assert receipts.receipts(known) == [one for one in made if one.source.date <= cut]


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
    english = house.client("sud", {"language": "en", "plan.items.0.description.en": "Hosting"}, i=2)
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
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.out == ""
