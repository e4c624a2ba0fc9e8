"""Credit notes: what is left, to the cent, and what the command refuses."""

import json
import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pypdf
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import house
from lib.billing import credit_notes, invoicing
from lib.billing.credit_notes import CreditedPart, Parts, Wish
from lib.core.root import Root
from lib.documents import facturx_xml, validators
from lib.values import money, vat
from lib.values.document import Allowance, Document, Line

REASON = {"REASON": "Heures facturées en trop"}
DAY = "2026-11-20"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """A root whose client nord has one invoice of three lines, with a discount."""
    items = [house.item("hosting"), house.metered("support", "hours")]
    discount = {"id": "loyal", "description": {"fr": "Fidélité"}, "percent": "10"}
    client = house.client(changes={"plans.0.items": items, "plans.0.discounts": [discount]})
    used = house.usage("nord", "2026-10", {"hours": "3.5"}, house.one_off("0.335", quantity="3"))
    made = house.build(tmp_path_factory.mktemp("credit"), client, used=(used,))
    assert house.month(made).code == 0
    return made


@pytest.fixture
def copy(root: Root, tmp_path: Path) -> Root:
    shutil.copytree(root.path, tmp_path / "root")
    return Root((tmp_path / "root").resolve())


def credit(root: Root, monkeypatch: pytest.MonkeyPatch, reason: str = "Erreur", **options: str):
    monkeypatch.setenv("REASON", reason)
    options = {"invoice": "NORD-2026-0001", "issue_date": DAY, "today": DAY} | options
    return house.call("issue_credit_note", root, **options)


def lines_file(tmp_path: Path, **lines: str | None) -> str:
    entries = [
        {"line": name.removeprefix("line"), **({"quantity": quantity} if quantity else {})}
        for name, quantity in lines.items()
    ]
    path = tmp_path / "lines.json"
    path.write_text(json.dumps({"lines": entries}))
    return str(path)


def test_a_whole_credit_note_takes_back_all_and_refers_to_its_invoice(copy, monkeypatch):
    assert credit(copy, monkeypatch).code == 0
    invoice = house.issued(copy, "nord", "NORD-2026-0001")
    note = house.issued(copy, "nord", "NORD-2026-0002")
    assert note.totals.gross == invoice.totals.gross
    assert note.totals.vat == invoice.totals.vat
    assert (note.corrected.number, note.corrected.issue_date) == (
        "NORD-2026-0001",
        date(2026, 11, 8),
    )
    assert note.type_code == "381" and note.due_date is None and not note.payment_reference
    record = house.records(copy, "nord")[-1]
    assert record["kind"] == "credit_note" and record["corrects"] == "NORD-2026-0001"


def test_a_gift_whose_price_is_rounded_up_is_issued_credited_in_parts_and_verified(
    tmp_path, monkeypatch
):
    gift = {"quantity": "3", "discount": "29.99", "discount_reason": {"fr": "Offert"}}
    used = house.usage("nord", "2026-10", None, house.one_off("9.995", **gift))
    root = house.build(tmp_path / "root", used=(used,))
    assert house.month(root).code == 0
    assert house.issued(root, "nord", "NORD-2026-0001").lines[-1].net == 0
    part = lines_file(tmp_path, line2="1")
    for reason, lines in (("un", {"lines": part}), ("tout", {})):
        assert credit(root, monkeypatch, reason, **lines).code == 0
    ran = house.call("verify", root)
    assert ran.code == 0, ran.err


def test_nothing_is_said_of_paying_on_the_page_of_a_credit_note(copy, monkeypatch):
    assert credit(copy, monkeypatch).code == 0
    note = house.issued(copy, "nord", "NORD-2026-0002")
    codes = {"PMT", "PMD", "AAB"}  # BR-FR-05 wants them in the XML
    said = {other.text for other in note.notes if other.code in codes}
    assert len(said) == 3
    page, invoiced = (
        " ".join(
            pypdf.PdfReader(house.proof(copy, "nord", number, "pdf"))
            .pages[0]
            .extract_text()
            .split()
        )
        for number in ("NORD-2026-0002", "NORD-2026-0001")
    )
    assert all(" ".join(text.split()) in invoiced for text in said)
    assert not any(" ".join(text.split()) in page for text in said)
    assert all(text in facturx_xml.generate(note).decode() for text in said)


def test_what_is_printed_says_that_it_is_a_credit_note_and_of_what(copy, monkeypatch):
    ran = credit(copy, monkeypatch)
    row = next(line for line in ran.out.splitlines() if "NORD-2026-0002" in line)
    assert "credit note of NORD-2026-0001" in row
    assert re.search(r"total +-\d", ran.out)


def test_parts_add_up_to_the_invoice_and_then_nothing_is_left(copy, monkeypatch, tmp_path):
    part = lines_file(tmp_path, line3="1", line2="0.5")
    for reason in ("un", "deux", "trois"):
        assert credit(copy, monkeypatch, reason, lines=part).code == 0
    assert credit(copy, monkeypatch, "le reste").code == 0
    invoice, *notes = house.records(copy, "nord")
    for key in ("net", "vat", "gross"):
        assert sum(Decimal(note[key]) for note in notes) == Decimal(invoice[key])
    refused = credit(copy, monkeypatch, "encore")
    assert refused.code == 1
    assert "nothing is left of NORD-2026-0001" in refused.err


def test_more_than_is_left_of_a_line_is_refused_and_nothing_is_written(copy, monkeypatch, tmp_path):
    before = house.tree(copy)
    refused = credit(copy, monkeypatch, lines=lines_file(tmp_path, line2="3.6", line9=None))
    assert refused.code == 1
    assert "line 2: 3.6 is more than what is left of it, 3.5" in refused.err
    assert "line 9: is not a line of NORD-2026-0001; its lines are 1, 2, 3" in refused.err
    assert house.tree(copy) == before


def test_the_same_credit_note_twice_needs_again(copy, monkeypatch, tmp_path):
    part = lines_file(tmp_path, line2="0.5")
    assert credit(copy, monkeypatch, lines=part).code == 0
    twice = credit(copy, monkeypatch, lines=part)
    assert twice.code == 1 and "AGAIN=yes" in twice.err
    assert credit(copy, monkeypatch, lines=part, again="yes").code == 0


@pytest.mark.parametrize(
    ("options", "reason", "told"),
    [
        ({"invoice": "NORD-2026-0009"}, "x", '"NORD-2026-0009" is not an invoice of ours'),
        ({"issue_date": "2026-11-07"}, "x", "numbers follow dates"),
        ({"issue_date": "2026-11-21"}, "x", "is in the future"),
        ({}, "a\nb", "REASON"),
        ({"lines": "/nowhere/lines.json"}, "x", "/nowhere/lines.json: is missing"),
    ],
)
def test_what_cannot_be_credited_is_refused(copy, monkeypatch, options, reason, told):
    refused = credit(copy, monkeypatch, reason, **options)
    assert refused.code == 1 and told in refused.err
    assert house.numbers(copy, "nord") == ["NORD-2026-0001"]


def test_a_credit_note_has_a_reason(copy, monkeypatch):
    refused = credit(copy, monkeypatch, "")
    assert refused.code == 2 and refused.err.startswith("REASON: is missing; add why")


def test_a_credit_note_is_not_credited(copy, monkeypatch):
    assert credit(copy, monkeypatch).code == 0
    refused = credit(copy, monkeypatch, invoice="NORD-2026-0002")
    assert refused.code == 1 and "only an invoice is credited" in refused.err


def test_make_takes_the_reason_as_it_was_typed(copy):
    reason = "100 $ de trop; $(touch x) `y` \"z\" 'q'"
    ran = house.make(
        copy, "credit-note", "INVOICE=NORD-2026-0001", f"TODAY={DAY}", f"REASON={reason}"
    )
    assert ran.code == 0, ran.err
    assert house.records(copy, "nord")[-1]["reason"] == reason


# --- amounts -------------------------------------------------------------------------


def amounts_file(tmp_path: Path, **lines: str) -> str:
    entries = [{"line": name.removeprefix("line"), "amount": text} for name, text in lines.items()]
    path = tmp_path / "amounts.json"
    path.write_text(json.dumps({"lines": entries}))
    return str(path)


def test_an_amount_of_a_line_is_a_line_of_its_own_and_lowers_the_price_of_the_rest(
    tmp_path, monkeypatch
):
    """10.00 off ten hours at 10.00: an hour is 9.00 from then on, and the last closes the line."""
    used = house.usage("nord", "2026-10", None, house.one_off("10.00", quantity="10", unit="HUR"))
    root = house.build(tmp_path / "root", house.client(changes={"plans": []}), used=(used,))
    assert house.month(root).code == 0
    amount = amounts_file(tmp_path, line1="10.00")
    ran = credit(root, monkeypatch, "geste", lines=amount)
    assert ran.code == 0, ran
    assert "NORD-2026-0002 is a credit note of NORD-2026-0001, 12.00 EUR; 108.00 is left" in ran.out
    (line,) = house.issued(root, "nord", "NORD-2026-0002").lines
    assert (line.id, line.quantity, line.unit, line.unit_price, line.net) == (
        "1", 1, "C62", Decimal("10.00"), Decimal("10.00"),
    )  # fmt: skip
    record = house.records(root, "nord")[-1]
    assert (record["lines"], record["amounts"]) == ({}, {"1": "10.00"})
    for i, (quantity, net) in enumerate([("2.5", "22.50"), (None, "67.50")]):
        part = lines_file(tmp_path, line1=quantity)
        assert credit(root, monkeypatch, f"heures {i}", lines=part).code == 0
        assert house.records(root, "nord")[-1]["net"] == net
    assert "nothing is left of it" in credit(root, monkeypatch, "encore", lines=part).err
    ran = house.call("verify", root)
    assert ran.code == 0, ran.err


def test_more_than_is_left_of_a_line_in_money_is_refused(copy, monkeypatch, tmp_path):
    assert credit(copy, monkeypatch, "un", lines=amounts_file(tmp_path, line1="20.00")).code == 0
    before = house.tree(copy)
    ran = credit(copy, monkeypatch, "deux", lines=amounts_file(tmp_path, line1="29.01"))
    assert ran.code == 1
    assert "line 1: 29.01 is more than what is left of it before VAT, 29.00" in ran.err
    both = {"line": "1", "amount": "1.00", "quantity": "1"}
    (tmp_path / "both.json").write_text(json.dumps({"lines": [both]}))
    assert credit(copy, monkeypatch, "trois", lines=str(tmp_path / "both.json")).code == 1
    assert house.tree(copy) == before


def test_an_amount_of_the_whole_is_with_vat_and_twice_the_same_is_a_slip(copy, monkeypatch):
    ran = credit(copy, monkeypatch, "geste", amount="100.00")
    assert ran.code == 0, ran
    assert house.records(copy, "nord")[-1]["gross"] == "100.00"
    ran = credit(copy, monkeypatch, "geste", amount="100.00")
    assert ran.code == 1 and "AGAIN=yes" in ran.err
    ran = credit(copy, monkeypatch, "geste", amount="9999.00")
    assert "AMOUNT: 9999.00 is more than what is left of it with VAT, 180.93" in ran.err
    for amount, said in (("12,50", 'write "12.50"'), ("-1.00", "not an amount above 0")):
        ran = credit(copy, monkeypatch, "geste", amount=amount)
        assert ran.code == 1 and said in ran.err
    ran = credit(copy, monkeypatch, "geste", amount="1.00", lines="lines.json")
    assert ran.code == 2 and "AMOUNT: goes without LINES" in ran.err


def test_an_amount_that_no_lines_come_to_names_the_nearest(tmp_path, monkeypatch):
    """102.87 is 123.44 at 20 %, 102.88 is 123.46."""
    root = house.build(
        tmp_path, house.client(changes={"plans.0.items": [house.item("hosting", "900")]})
    )
    assert house.month(root).code == 0
    before = house.tree(root)
    ran = credit(root, monkeypatch, "geste", amount="123.45")
    assert ran.code == 1 and "write 123.44 or 123.46" in ran.err
    assert house.tree(root) == before
    assert credit(root, monkeypatch, "geste", amount="123.44").code == 0
    assert credit(root, monkeypatch, "le reste").code == 0
    assert sum(Decimal(note["gross"]) for note in house.records(root, "nord")[1:]) == 1080


def test_days_that_an_amount_was_given_back_of_stay_billed(copy, monkeypatch, tmp_path):
    assert credit(copy, monkeypatch, lines=amounts_file(tmp_path, line1="48.99")).code == 0
    ran = house.month(copy, day="2026-11-21", client="nord", reissue="yes")
    assert ran.code == 0 and "already invoiced: NORD-2026-0001" in ran.out, ran
    assert house.numbers(copy, "nord") == ["NORD-2026-0001", "NORD-2026-0002"]


def test_a_record_that_says_another_amount_is_found(copy, monkeypatch, tmp_path):
    assert credit(copy, monkeypatch, lines=amounts_file(tmp_path, line1="10.00")).code == 0
    path = copy.data / "revenues/nord.jsonl"
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"amounts":{"1":"10.00"}', '"amounts":{"1":"9.00"}'))
    assert house.call("verify", copy).code == 3


def test_a_preview_shows_the_credit_note_that_would_be_issued(copy, monkeypatch, tmp_path):
    before = house.tree(copy, "preview/")
    monkeypatch.setenv("REASON", "geste")
    options = {"invoice": "NORD-2026-0001", "issue_date": DAY, "today": DAY}
    ran = house.call("preview_invoices", copy, **options, amount="100.00")
    assert ran.code == 0, ran
    assert "-100.00  credit note of NORD-2026-0001" in ran.out
    (page,) = pypdf.PdfReader(copy.preview / "credit-NORD-2026-0001.pdf").pages
    text = page.extract_text()
    assert "AVOIR" in text and "BROUILLON" in text and "geste" in text
    assert house.tree(copy, "preview/") == before
    ran = house.call("preview_invoices", copy, **options, amount="9999.00")
    assert ran.code == 1 and "is more than what is left" in ran.err
    ran = house.call("preview_invoices", copy, amount="1.00", issue_date=DAY, today=DAY)
    assert ran.code == 2 and "name its INVOICE too" in ran.err


# --- properties ----------------------------------------------------------------------


def test_lines_below_0_keep_an_amount_within_what_is_left_of_their_rate(model: Document):
    """An order of 1000.00 less a deposit of 800.00: no more than 240.00 can be given back of it."""
    price = Decimal("1000.00")
    ordered = replace(_line(1, 10, 10_000_000, "20"), net=price)
    deposit = replace(_line(2, -10, 8_000_000, "20"), net=-price * 4 / 5)
    lines = (ordered, replace(deposit, net=Decimal("-800.00")))
    subtotals = vat.breakdown(lines, (), {})
    totals = invoicing.totals_of(lines, (), subtotals)
    final = replace(model, lines=lines, allowances=(), vat_breakdown=subtotals, totals=totals)

    part = _note(final, credit_notes.amount_parts(final, [], Decimal("120.00")))
    assert [(line.id, line.net) for line in part.lines] == [("1", Decimal("100.00"))]
    whole = _note(final, credit_notes.wished_parts(final, [], None))
    assert whole.totals == final.totals
    for wish in (Wish(amount=Decimal("200.01")), Wish(quantity=Decimal("0.3")), Wish()):
        with pytest.raises(credit_notes.TooMuch, match="left at this rate before VAT"):
            credit_notes.wished_parts(final, [], {"1": wish})
    with pytest.raises(credit_notes.TooMuch, match=r"is -800\.00: an amount is taken off"):
        credit_notes.wished_parts(final, [], {"2": Wish(amount=Decimal("1.00"))})
    with pytest.raises(credit_notes.TooMuch, match=r"800\.00 before VAT would be charged"):
        credit_notes.wished_parts(final, [], {"2": Wish()})
    last = credit_notes.amount_parts(final, [part], Decimal("120.00"))
    rest = _note(final, last, part)
    assert part.totals.gross + rest.totals.gross == final.totals.gross


def test_goods_that_a_deposit_and_a_discount_used_up_are_no_part_of_an_amount(model):
    """A cent of them would leave less than nothing of them, and the rest could not be credited."""
    work, goods = _line(1, 10, 2_100, "20"), _line(2, 10, 15_100, "20", "goods")
    deposit = replace(_line(3, -10, 14_900, "20", "goods"), preceding="X-1")
    lines = (work, goods, deposit)
    discount = Allowance(
        reason="Remise",
        amount=Decimal("0.02"),
        vat_category="S",
        vat_rate=Decimal(20),
        category="goods",
    )
    subtotals = vat.breakdown(lines, (discount,), {})
    totals = invoicing.totals_of(lines, (discount,), subtotals)
    invoice = replace(
        model, lines=lines, allowances=(discount,), vat_breakdown=subtotals, totals=totals
    )
    assert totals.net == work.net
    part = _note(invoice, credit_notes.amount_parts(invoice, [], Decimal("0.07")))
    assert [(line.id, line.net) for line in part.lines] == [("1", Decimal("0.06"))]
    rest = _note(invoice, credit_notes.wished_parts(invoice, [part], None), part)
    assert part.totals.gross + rest.totals.gross == totals.gross


def _line(i: int, quantity: int, price: int, rate: str, category: str = "services") -> Line:
    amount, unit_price = Decimal(quantity).scaleb(-1), Decimal(price).scaleb(-4)
    net = money.round_half_up(money.product(amount, unit_price))
    return Line(
        id=str(i),
        name="Ligne",
        quantity=amount,
        unit="HUR",
        unit_price=unit_price,
        net=net,
        vat_category="S",
        vat_rate=Decimal(rate),
        category=category,
    )


@st.composite
def invoices(draw: st.DrawFn, model: Document) -> Document:
    """Lines of several rates and natures, up to two discounts on each, and deposits taken off."""
    parts = st.tuples(
        st.integers(1, 60),
        st.integers(1, 400_000),
        st.sampled_from(["20", "10", "5.5"]),
        st.sampled_from(["goods", "services"]),
    )
    drawn = draw(st.lists(parts, min_size=1, max_size=5))
    lines = tuple(_line(i, *part) for i, part in enumerate(drawn, 1))
    allowances: list[Allowance] = []
    for rate, category in sorted({(line.vat_rate, line.category) for line in lines}):
        of_share = [line for line in lines if (line.vat_rate, line.category) == (rate, category)]
        rest = money.total(line.net for line in of_share)
        for _ in range(draw(st.integers(0, 2))):
            amount = money.percentage_of(rest, Decimal(draw(st.integers(0, 100))))
            rest -= amount
            part = Allowance(reason="Remise", amount=amount, vat_category="S", vat_rate=rate)
            allowances += [replace(part, category=category)] if amount else []
        deposit = money.percentage_of(rest, Decimal(draw(st.sampled_from([0, 0, 0, 30, 100]))))
        if deposit:
            taken_off = replace(of_share[0], id=str(len(lines) + 1), quantity=Decimal(-1))
            lines += (replace(taken_off, unit_price=deposit, net=-deposit, preceding="X-1"),)
    subtotals = vat.breakdown(lines, allowances, {})
    totals = invoicing.totals_of(lines, allowances, subtotals)
    return replace(
        model,
        lines=lines,
        allowances=tuple(allowances),
        vat_breakdown=subtotals,
        totals=totals,
    )


@pytest.fixture(scope="module")
def model(root: Root) -> Document:
    return house.issued(root, "nord", "NORD-2026-0001")


def _wish(draw: st.DataObject, left: CreditedPart) -> Wish | None:
    """A quantity, an amount, or the rest of a line; None: nothing of it."""
    what = draw.draw(st.sampled_from(["nothing", "quantity", "amount", "rest"]))
    if what == "quantity" and left.quantity > 0:
        tenths = draw.draw(st.integers(1, int(left.quantity * 10)))
        return Wish(quantity=Decimal(tenths).scaleb(-1))
    if what == "amount" and left.net > 0:
        return Wish(amount=money.in_euros(draw.draw(st.integers(1, money.cents(left.net)))))
    return Wish() if what == "rest" and left.quantity else None


def _parts(draw: st.DataObject, invoice: Document, notes: list[Document]) -> Parts:
    """Parts of lines, an amount of the whole, or the nearest that lines come to; else the rest."""
    credited = credit_notes.Credited(invoice, notes)
    rest = money.total([invoice.totals.gross, *(-note.totals.gross for note in notes)])
    if len(notes) == 4:
        return credit_notes.wished_parts(invoice, notes, None)
    if rest > 0 and draw.draw(st.booleans()):
        amount = money.in_euros(draw.draw(st.integers(1, money.cents(rest))))
        try:
            return credit_notes.amount_parts(invoice, notes, amount)
        except credit_notes.TooMuch as too_much:
            (fault,) = too_much.faults
            nearest = [Decimal(text) for _, text in fault.remedy.values]
            assert all(abs(one - amount) <= Decimal("0.02") for one in nearest if one != rest)
            return credit_notes.amount_parts(invoice, notes, nearest[-1])
    wishes = {line.id: _wish(draw, credited.left(line)) for line in invoice.lines}
    wishes = {line: wish for line, wish in wishes.items() if wish}
    try:
        return credit_notes.wished_parts(invoice, notes, wishes or None)
    except credit_notes.TooMuch as too_much:  # of a rate that deposits have lowered
        assert all(fault.place.startswith("VAT ") for fault in too_much.faults)
        return credit_notes.wished_parts(invoice, notes, None)


def _take(draw: st.DataObject, invoice: Document) -> list[Document]:
    """Credit notes of random parts until nothing is left."""
    notes: list[Document] = []
    while any(credit_notes.Credited(invoice, notes).left(line).quantity for line in invoice.lines):
        parts = _parts(draw, invoice, notes)
        number = f"NORD-2026-{len(notes) + 2:04d}"
        note = credit_notes.credit_note(
            invoice, notes, parts, number, date(2026, 11, 20), "Erreur", {}, {}
        )
        notes.append(note)
    return notes


@given(data=st.data())
def test_credit_notes_of_everything_add_up_to_the_cent(model: Document, data: st.DataObject):
    invoice = data.draw(invoices(model))
    notes = _take(data, invoice)
    for name in ("lines_net", "allowances", "net", "vat", "gross"):
        taken = sum(getattr(note.totals, name) for note in notes)
        assert taken == getattr(invoice.totals, name), name
    for line in invoice.lines:
        mine = [part for note in notes for part in note.lines if part.id == line.id]
        assert sum(part.net for part in mine) == line.net
    for i, note in enumerate(notes, 1):
        assert all(one.vat >= 0 and one.taxable >= 0 for one in note.vat_breakdown)
        assert all(part.amount >= 0 for part in note.allowances)
        credited = credit_notes.Credited(invoice, notes[:i])
        for line in invoice.lines:
            left = credited.left(line)
            assert left.net * line.net >= 0 and left.quantity * line.quantity >= 0
        natures: dict[tuple[Decimal, str], Decimal] = {}
        for line in invoice.lines:
            share = line.vat_rate, line.category
            natures[share] = natures.get(share, money.ZERO) + credited.left(line).net
        assert all(left >= 0 for left in natures.values())
        for one in invoice.vat_breakdown:
            assert credited.taxable[one.category, one.rate] <= one.taxable
            assert credited.vat[one.category, one.rate] <= one.vat
        for line in note.lines:
            gross = money.product(line.quantity, line.unit_price)
            assert line.net == money.round_half_up(money.round_half_up(gross) - line.discount)
            assert (line.discount >= 0 or line.quantity < 0) and bool(line.discount) == bool(
                line.discount_reason
            )


@settings(max_examples=15)
@given(data=st.data())
def test_every_credit_note_passes_the_judges(model: Document, data: st.DataObject):
    invoice = data.draw(invoices(model))
    notes = _take(data, invoice)
    assume(len(notes) <= 3)
    for note in notes:
        assert validators.verdicts(note, facturx_xml.generate(note)) == []


@given(data=st.data())
def test_an_amount_of_the_whole_is_met_or_the_nearest_that_can_be_are_named(
    model: Document, data: st.DataObject
):
    invoice = data.draw(invoices(model))
    assume(invoice.totals.gross > 0)
    amount = money.in_euros(data.draw(st.integers(1, money.cents(invoice.totals.gross) + 9)))
    try:
        parts = credit_notes.amount_parts(invoice, [], amount)
    except credit_notes.TooMuch as too_much:
        (fault,) = too_much.faults
        if amount > invoice.totals.gross:
            return
        for _, text in fault.remedy.values:
            parts = credit_notes.amount_parts(invoice, [], Decimal(text))
            assert _note(invoice, parts).totals.gross == Decimal(text)
        return
    note = _note(invoice, parts)
    assert note.totals.gross == amount <= invoice.totals.gross
    if amount == invoice.totals.gross:
        return
    for one in note.vat_breakdown:  # each rate has its share of the amount, but for some cents
        whole = next(other for other in invoice.vat_breakdown if other.rate == one.rate)
        even = amount * (whole.taxable + whole.vat) / invoice.totals.gross
        assert abs(one.taxable + one.vat - even) <= Decimal("0.03")


def _note(invoice: Document, parts: Parts, *notes: Document) -> Document:
    day, number = date(2026, 11, 20), f"NORD-2026-{len(notes) + 2:04d}"
    return credit_notes.credit_note(invoice, notes, parts, number, day, "Erreur", {}, {})


def test_a_line_of_which_nothing_is_left_is_refused(copy, monkeypatch, tmp_path):
    assert credit(copy, monkeypatch, "un", lines=lines_file(tmp_path, line2=None)).code == 0
    refused = credit(copy, monkeypatch, "deux", lines=lines_file(tmp_path, line2=None, line1=None))
    assert refused.code == 1 and "line 2: nothing is left of it" in refused.err


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            ["2"],
            '["2"] is not the lines that a credit note takes back; write one such as {"lines":'
            ' [{"line": "2", "quantity": "1.5"}]}',
        ),
        ({}, 'lines: is missing; add a list of lines such as [{"line": "2", "quantity": "1.5"}]'),
        (
            {"lines": {"2": "1.5"}},
            'lines: {"2": "1.5"} is not a list of lines; write one such as [{"line": "2", "quantit',
        ),
        ({"lines": ["2"]}, 'lines[0]: "2" is not a line; write one such as {"line": "2", "quantit'),
        ({"lines": [{"line": 2}]}, "lines[0].line: 2 is not the number of a line of the invoice;"),
    ],
)
def test_lines_of_another_shape_are_reported_with_an_example(
    copy, monkeypatch, tmp_path, value, said
):
    path = tmp_path / "lines.json"
    path.write_text(json.dumps(value))
    ran = credit(copy, monkeypatch, lines=str(path))
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert ran.err.startswith(f"{path}: {said}")


def test_a_credit_note_says_what_kind_of_thing_it_credits(tmp_path, monkeypatch):
    items = [
        house.item("hosting", category="services"),
        house.item("book", category="goods", unit="H87"),
    ]
    seller = house.issuer({"operation_category": "mixed"})
    root = house.build(tmp_path, house.client(changes={"plans.0.items": items}), seller=seller)
    assert house.month(root).code == 0
    for i, (line, said) in enumerate(
        [("1", "prestation de services."), ("2", "livraison de biens.")]
    ):
        ran = credit(
            root, monkeypatch, f"raison {i}", lines=lines_file(tmp_path, **{f"line{line}": None})
        )
        assert ran.code == 0, ran
        note = house.issued(root, "nord", f"NORD-2026-000{i + 2}")
        texts = [one.text for one in note.notes if "Catégorie d’opération" in one.text]
        assert texts == [f"Catégorie d’opération : {said}"]
