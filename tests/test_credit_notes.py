"""Credit notes: what is left, to the cent, and what the command refuses."""

import json
import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import house
from lib.billing import credit_notes, invoicing
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
    assert "line 9: is no line of NORD-2026-0001; its lines are 1, 2, 3" in refused.err
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


# --- properties ----------------------------------------------------------------------


def _line(i: int, quantity: int, price: int, rate: str) -> Line:
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
    )


@st.composite
def invoices(draw: st.DrawFn, model: Document) -> Document:
    parts = st.tuples(
        st.integers(1, 60), st.integers(1, 400_000), st.sampled_from(["20", "10", "5.5"])
    )
    drawn = draw(st.lists(parts, min_size=1, max_size=5))
    lines = tuple(_line(i, *part) for i, part in enumerate(drawn, 1))
    allowances = []
    for rate in sorted({line.vat_rate for line in lines}):
        base = money.total(line.net for line in lines if line.vat_rate == rate)
        amount = money.percentage_of(base, Decimal(draw(st.integers(0, 100))))
        if amount:
            allowances.append(
                Allowance(reason="Remise", amount=amount, vat_category="S", vat_rate=rate)
            )
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


def _take(draw: st.DataObject, invoice: Document) -> list[Document]:
    """Credit notes of random parts until nothing is left."""
    notes: list[Document] = []
    while any(left := credit_notes.quantities_left(invoice, notes).values()):
        remaining = credit_notes.quantities_left(invoice, notes)
        wanted = {
            line_id: Decimal(draw.draw(st.integers(0, int(quantity * 10)))).scaleb(-1)
            for line_id, quantity in remaining.items()
        }
        if not any(wanted.values()) or len(notes) == 4:
            wanted = credit_notes.wanted_quantities(invoice, remaining, None)
        wanted = {line_id: quantity for line_id, quantity in wanted.items() if quantity}
        number = f"NORD-2026-{len(notes) + 2:04d}"
        note = credit_notes.credit_note(
            invoice, notes, wanted, number, date(2026, 11, 20), "Erreur", {}, {}
        )
        notes.append(note)
    assert not any(left)
    return notes


@given(data=st.data())
def test_credit_notes_of_everything_add_up_to_the_cent(model: Document, data: st.DataObject):
    invoice = data.draw(invoices(model))
    notes = _take(data, invoice)
    for name in ("lines_net", "allowances", "net", "vat", "gross"):
        taken = sum(getattr(note.totals, name) for note in notes)
        assert taken == getattr(invoice.totals, name), name
    for note in notes:
        assert all(one.vat >= 0 and one.taxable >= 0 for one in note.vat_breakdown)
        for line in note.lines:
            gross = money.product(line.quantity, line.unit_price)
            assert line.net == money.round_half_up(money.round_half_up(gross) - line.discount)
            assert line.discount >= 0 and bool(line.discount) == bool(line.discount_reason)


@settings(max_examples=15)
@given(data=st.data())
def test_every_credit_note_passes_the_judges(model: Document, data: st.DataObject):
    invoice = data.draw(invoices(model))
    notes = _take(data, invoice)
    assume(len(notes) <= 3)
    for note in notes:
        assert validators.verdicts(note, facturx_xml.generate(note)) == []


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
def test_lines_of_another_shape_are_told_with_an_example(copy, monkeypatch, tmp_path, value, said):
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
