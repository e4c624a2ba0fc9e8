"""The FEC as the one who imports it reads it: columns, balance, numbers, letters."""

import re
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

import house
import past
from lib.accounting import bookkeeping, fec
from lib.accounting.bookkeeping import FiscalYear
from lib.books import histories
from lib.inputs.issuer_file import Accounts, RateAccounts
from lib.values import periods

YEAR = FiscalYear("2024-01-01", "2024-12-31")
CHART = fec.chart(Accounts())
YEAR_BEFORE = FiscalYear("2023-01-01", "2023-12-31")

# Article A47 A-1, VII, of the livre des procédures fiscales.
HEADER = [
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
]

SERVICES = ("services", "20.00", 10_000, 2_000)
GOODS = ("goods", "5.50", 20_000, 1_100)
Line = dict[str, str]


def parse(data: bytes) -> list[Line]:
    """The lines of a file, proved to have the form that the article wants."""
    assert data.endswith(b"\r\n")
    header, *lines = data.decode("utf-8").removesuffix("\r\n").split("\r\n")
    assert header.split("\t") == HEADER
    parsed = []
    for line in lines:
        cells = line.split("\t")
        assert len(cells) == 18
        parsed.append(dict(zip(HEADER, cells, strict=True)))
    for line in parsed:
        assert re.fullmatch(r"[0-9]{3}[0-9A-Z]*", line["CompteNum"])
        for column in ("EcritureDate", "PieceDate", "ValidDate"):
            assert date.fromisoformat(line[column])
        for column in ("Debit", "Credit"):
            assert re.fullmatch(r"[0-9]+,[0-9]{2}", line[column])
        for column in ("JournalCode", "CompteLib", "PieceRef", "EcritureLib"):
            assert line[column]
    return parsed


def of(*facts, year: FiscalYear = YEAR, period: FiscalYear | None = None) -> list[Line]:
    histories = past.histories_of(list(facts))
    return parse(b"".join(fec.joined([fec.part(CHART, year, period or year, [histories])])))


def amount(line: Line) -> Decimal:
    return Decimal(line["Debit"].replace(",", ".")) - Decimal(line["Credit"].replace(",", "."))


def sums(lines: list[Line], *keys: str) -> dict:
    made: Counter = Counter()
    for line in lines:
        made[tuple(line[key] for key in keys)] += amount(line)
    return {key[0] if len(key) == 1 else key: value for key, value in made.items() if value}


def bill(*shares, day: str = "2024-03-31", **more):
    return past.bill("nord", more.pop("number", "NORD-2024-0001"), day, *shares, **more)


def paid(day: str, cents: int, **more):
    return past.money("nord", "NORD-2024-0001", day, cents, **more)


def test_vat_on_services_waits_until_they_are_paid():
    unpaid = of(bill(SERVICES))
    assert sums(unpaid, "CompteNum") == {"411": 120, "706": -100, "44574": -20}
    part = of(bill(SERVICES), paid("2024-04-02", 6_000))
    assert sums(part, "CompteNum") == {
        "411": 60,
        "706": -100,
        "44574": -10,
        "44571": -10,
        "512": 60,
    }


@pytest.mark.parametrize(
    ("shares", "more", "expected"),
    [
        ((GOODS,), {}, {"411": 211, "707": -200, "44571": -11}),
        ((SERVICES,), {"vat_on_debits": True}, {"411": 120, "706": -100, "44571": -20}),
        (
            (SERVICES, GOODS),
            {},
            {"411": 331, "706": -100, "707": -200, "44574": -20, "44571": -11},
        ),
    ],
)
def test_vat_on_goods_and_under_the_option_for_debits_is_due_at_once(shares, more, expected):
    assert sums(of(bill(*shares, **more)), "CompteNum") == expected


def test_a_payment_that_is_referred_to_by_its_invoice_names_it_once():
    for reference, label in (("NORD-2024-0001", ""), ("RF61", " RF61"), ("", "")):
        lines = of(bill(SERVICES), paid("2024-04-30", 12_000, reference=reference))
        labels = {line["EcritureLib"] for line in lines if line["JournalCode"] == "BQ"}
        assert labels == {f"Règlement NORD-2024-0001{label}"}


def test_what_is_paid_too_much_is_an_advance():
    lines = of(bill(SERVICES), paid("2024-04-02", 15_000), paid("2024-05-02", -1_000))
    assert sums(lines, "CompteNum") == {"706": -100, "44571": -20, "512": 140, "4191": -20}


def test_cash_has_its_own_journal_and_account():
    lines = of(bill(SERVICES), paid("2024-04-02", 12_000, method="cash"))
    assert sums([line for line in lines if line["JournalCode"] == "CA"], "CompteNum") == {
        "530": 120,
        "411": -120,
    }


def test_a_credit_note_and_its_refund_leave_nothing():
    note = bill(SERVICES, day="2024-05-05", number="NORD-2024-0002", corrects="NORD-2024-0001")
    lines = of(bill(SERVICES), paid("2024-04-02", 12_000), note, paid("2024-05-09", -12_000))
    assert sums(lines, "CompteNum") == {}
    assert {line["PieceRef"] for line in lines if "Avoir" in line["EcritureLib"]} == {
        "NORD-2024-0002"
    }


def test_a_settled_invoice_is_lettered_with_the_day_it_was_settled():
    lines = of(bill(SERVICES), paid("2024-04-02", 7_000), paid("2024-05-02", 5_000))
    lettered = [line for line in lines if line["EcritureLet"]]
    assert [line["CompteNum"] for line in lettered] == ["411", "411", "411"]
    assert {(line["EcritureLet"], line["DateLet"]) for line in lettered} == {("AAA", "20240502")}


def test_an_invoice_that_is_open_or_opened_again_has_no_letter():
    payment = paid("2024-04-02", 12_000)
    assert not [line for line in of(bill(SERVICES)) if line["EcritureLet"]]
    lines = of(bill(SERVICES), payment, past.reversal(payment, 1, "2024-06-01"))
    assert not [line for line in lines if line["EcritureLet"]]


def test_an_invoice_paid_in_the_next_year_is_left_to_be_lettered_there():
    facts = bill(SERVICES, day="2024-12-31"), paid("2025-01-05", 12_000)
    for year in (YEAR, FiscalYear("2025-01-01", "2025-12-31")):
        assert not [line for line in of(*facts, year=year) if line["EcritureLet"]]


def test_what_would_end_a_field_or_a_line_is_kept_out():
    odd = {**bill(SERVICES), "buyer": "Nord\t| & Fils\r\nSARL\u2028"}
    (line, *_) = of(odd, paid("2024-04-02", 12_000, reference="a\tb|c\nd"))
    assert line["CompAuxLib"] == "Nord   & Fils  SARL "


def test_letters_go_on_after_the_last_one():
    assert [bookkeeping._code(i) for i in (0, 25, 26, 26**3 - 1, 26**3)] == [
        "AAA",
        "AAZ",
        "ABA",
        "ZZZ",
        "AAAA",
    ]


@pytest.mark.parametrize(
    ("year", "closing", "start", "end"),
    [
        ("2024", "12-31", "2024-01-01", "2024-12-31"),
        ("2024", "06-30", "2023-07-01", "2024-06-30"),
        ("2024", "02-28", "2023-03-01", "2024-02-29"),
        ("2025", "02-28", "2024-03-01", "2025-02-28"),
    ],
)
def test_a_fiscal_year_ends_in_its_year(year, closing, start, end):
    found = bookkeeping.fiscal_year(year, closing)
    assert found == FiscalYear(start, end)
    for day in (start, end):
        assert bookkeeping.fiscal_year(day[:7], closing) == found


@given(past.past())
@profile(max_examples=40)
def test_every_entry_balances_and_numbers_have_no_gap(facts):
    lines = of(*facts)
    assert not sums(lines, "EcritureNum")
    numbers = list(dict.fromkeys(int(line["EcritureNum"]) for line in lines))
    assert numbers == list(range(1, len(numbers) + 1))
    days = [line["EcritureDate"] for line in lines]
    assert days == sorted(days)
    assert all("20240101" <= day <= "20241231" for day in days)
    for line in lines:
        assert (line["Debit"] == "0,00") != (line["Credit"] == "0,00")
        assert bool(line["CompAuxNum"]) == (line["CompteNum"] in ("411", "4191"))


@given(past.past())
@profile(max_examples=40)
def test_letters_are_those_of_the_invoices_that_the_year_opened_and_settled(facts):
    lines, before = ([*map(about, of(*facts, year=year))] for year in (YEAR, YEAR_BEFORE))
    customers = [line for line in lines if line["CompteNum"] == "411"]
    balances = sums(customers, "invoice")
    settled = {line["invoice"] for line in customers} - balances.keys()
    settled -= {line["invoice"] for line in before if line["CompteNum"] == "411"}
    assert {line["invoice"] for line in lines if line["EcritureLet"]} == settled
    assert not sums([line for line in lines if line["EcritureLet"]], "EcritureLet")
    for line in lines:
        lettered = line["CompteNum"] == "411" and line["invoice"] in settled
        assert bool(line["EcritureLet"]) == bool(line["DateLet"]) == lettered
        assert not lettered or line["DateLet"] >= line["EcritureDate"]
    assert len({line["EcritureLet"] for line in lines if line["EcritureLet"]}) == len(settled)


def about(line: Line) -> Line:
    """The line with the invoice that its label names last."""
    return {**line, "invoice": re.findall(r"[A-Z]{4}-[0-9]{4}", line["EcritureLib"])[-1]}


@given(past.past())
@profile(max_examples=40)
def test_accounts_come_to_what_the_records_say(facts):
    years = [FiscalYear(f"{year}-01-01", f"{year}-12-31") for year in range(2023, 2031)]
    found = sums([line for year in years for line in of(*facts, year=year)], "CompteNum")
    expected: Counter = Counter()
    kept = {}
    for fact in facts:
        if "number" in fact:
            sign = 1 if fact["kind"] == "invoice" else -1
            for share in fact["breakdown"]:
                account = {"services": "706", "goods": "707"}[share["nature"]]
                expected[account] -= sign * Decimal(share["net"])
                expected["VAT"] -= sign * Decimal(share["vat"])
            expected["customers"] += sign * Decimal(fact["gross"])
            continue
        moves = kept.setdefault(fact["client"], [])
        moves.append(fact)
        original = moves[fact["reverses"] - 1] if fact["kind"] == "reversal" else fact
        less = original["kind"] == "refund" or original.get("cause") == "surplus"
        effect = Decimal(fact["amount"]) * (-1 if less is (original is fact) else 1)
        # What is written off is a loss, or VAT that never falls due.
        money = "530" if original.get("method") == "cash" else "512"
        expected[money if "method" in original else "VAT"] += effect
        expected["customers"] -= effect
    closed = ("44571", "44574", "658", "758", "627", "654")
    found["VAT"] = sum(found.pop(account, 0) for account in closed)
    found["customers"] = found.pop("411", 0) + found.pop("4191", 0)
    nothing = {account for account in ("VAT", "customers") if not found[account]}
    for account in nothing:
        del found[account]
    assert found == {account: value for account, value in expected.items() if value}


@given(past.past(("nord",)))
@profile(max_examples=40)
def test_the_months_of_a_year_are_the_year(facts):
    histories = past.histories_of(facts)
    lines = []
    for month in (f"2024-{number:02d}" for number in range(1, 13)):
        period = FiscalYear(f"{month}-01", periods.last_day(month).isoformat())
        lines += parse(b"".join(fec.joined([fec.part(CHART, YEAR, period, [histories])])))
    unlettered = {"EcritureLet": "", "DateLet": ""}
    whole = parse(b"".join(fec.joined([fec.part(CHART, YEAR, YEAR, [histories])])))
    assert [line | unlettered for line in lines] == [line | unlettered for line in whole]


# --- the file ------------------------------------------------------------------------


def test_the_file_has_the_siren_and_the_closing_date_and_accounts_of_the_issuer(tmp_path):
    accounts = {"bank": "512100", "services": "706000"}
    issuer = house.issuer({"accounts": accounts, "fiscal_year_end": "06-30"})
    facts = bill(SERVICES), paid("2024-04-02", 12_000)
    root = past.root_of(tmp_path / "root", *facts, issuer=issuer)
    ran = house.make(root, "fec", "YEAR=2024")
    assert ran.code == 0, ran.err
    (made,) = (root.path / "exports/fec").iterdir()
    assert made.name == f"{house.siren(0)}FEC20240630.txt"
    found = sums(parse(made.read_bytes()), "CompteNum")
    assert found == {"706000": -100, "512100": 120, "44571": -20}
    assert "nothing changed" in house.make(root, "fec", "YEAR=2024").out


def test_another_closing_date_leaves_one_file(tmp_path):
    root = past.root_of(tmp_path / "root", bill(SERVICES))
    house.call("export_fec", root, year="2024")
    house.write(root, "issuer.json", house.issuer({"fiscal_year_end": "03-31"}))
    assert house.make(root, "fec", "YEAR=2024").code == 0
    assert [path.name for path in (root.path / "exports/fec").iterdir()] == [
        f"{house.siren(0)}FEC20240331.txt"
    ]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"accounts": {"bank": "51"}}, "accounts.bank"),
        ({"accounts": {"banque": "512"}}, "accounts.banque"),
        ({"fiscal_year_end": "02-30"}, "fiscal_year_end"),
        ({"fiscal_year_end": "2024-12-31"}, "fiscal_year_end"),
    ],
)
def test_accounts_and_closing_date_are_checked(tmp_path, changes, place):
    root = past.root_of(tmp_path / "root", bill(SERVICES), issuer=house.issuer(changes))
    ran = house.call("export_fec", root, year="2024")
    assert (ran.code, ran.err.split(": ")[:2]) == (1, ["issuer.json", place])
    assert not (root.path / "exports").exists()


# --- accounts of rates, of clients, and the order of a day ------------------------------


def test_a_rate_may_have_accounts_of_its_own() -> None:
    own = {"20": RateAccounts(vat_collected="445712", services="706200", vat_pending="445742")}
    chart = fec.chart(Accounts(by_vat_rate=own), {"nord": "C0042"})
    facts = [
        past.bill(
            "nord", "NORD-2024-0001", "2024-03-01", SERVICES, ("services", "10.00", 1000, 100)
        ),
        past.money("nord", "NORD-2024-0001", "2024-03-05", 13_100),
    ]
    part = fec.part(chart, YEAR, YEAR, [past.histories_of(facts)])
    lines = parse(b"".join(fec.joined([part])))
    balances = {number: value for number, value in sums(lines, "CompteNum").items() if value}
    assert balances == {
        "706200": Decimal(-100),
        "706": Decimal(-10),
        "445712": Decimal(-20),
        "44571": Decimal(-1),
        "512": Decimal(131),
    }
    assert {"445742", "44574"} < {line["CompteNum"] for line in lines}
    assert {line["CompAuxNum"] for line in lines if line["CompteNum"] == "411"} == {"C0042"}
    plain = of(*facts)
    assert len(plain) < len(lines) and sums(plain, "CompteNum")["44571"] == Decimal(-21)


def test_sales_of_a_day_stand_in_order_of_their_numbers() -> None:
    facts = [
        past.bill("nord", "F-2024-0003", "2024-03-01", SERVICES),
        past.bill("sud", "F-2024-0002", "2024-03-01", SERVICES),
        past.bill("est", "F-2024-10001", "2024-03-01", SERVICES),
    ]
    pieces = list(dict.fromkeys(line["PieceRef"] for line in of(*facts)))
    assert pieces == ["F-2024-0002", "F-2024-0003", "F-2024-10001"]


@given(
    st.one_of(past.past(), past.paid_order()),
    st.sampled_from(["2023", "2024", "2025"]),
    st.sampled_from(["12-31", "02-28", "06-15"]),
)
@profile(max_examples=60, deadline=None)
def test_a_year_is_made_of_the_invoices_to_which_something_happened_in_it(facts, year, closing):
    everything = past.histories_of(past.numbered(facts))
    fiscal = bookkeeping.fiscal_year(year, closing)
    files = [
        b"".join(fec.joined([fec.part(CHART, fiscal, fiscal, [some])]))
        for some in (everything, histories._in_period(everything, fiscal.months))
    ]
    assert files[0] == files[1]
