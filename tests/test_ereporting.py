"""E-reporting (flux 10): what no electronic invoice covers, by period of VAT, valid by rule."""

import json
import os
import random
import shutil
from collections import Counter
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from lxml import etree

import books
import house
from lib.books import exchanges, issuing, records, reports
from lib.core.faults import Alert
from lib.core.root import Root
from lib.inputs import inputs
from lib.platform import ereporting, report_xml
from lib.summary import notices
from lib.values import vat_periods
from lib.values.document import Address, Party
from platform_stub import Platform, running

PLATFORM = {
    "flow_url": "https://api.platform.example/flow",
    "since": "2027-09-01",
    "number": "0000",
    "name": "Plateforme Exemple",
}
SIREN = house.siren(0)
PAPER = house.item("paper", "100.00", category="goods", unit="C62")
HOSTING = house.item("hosting", "50.00", category="services", vat_rate="10")
TODAY = "2028-01-31"
ABROAD = {"party.siren": None, "vat.treatment": "intra_eu"}


def seller(**changes: Any) -> dict[str, Any]:
    """A seller of goods and services who reports every month."""
    own = {"operation_category": "mixed", "platform": PLATFORM, "vat_periods": "monthly"}
    return house.issuer(own | changes)


def client(name: str, i: int, *items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A client of the seller."""
    return house.client(name, {"plans.0.items": list(items or (PAPER, HOSTING)), **changes}, i)


def private(name: str = "lea", i: int = 2, *items: dict[str, Any]) -> dict[str, Any]:
    """A private customer."""
    return client(name, i, *items, **{"party.siren": None, "party.person": True})


def german(**changes: Any) -> dict[str, Any]:
    """A business in Germany that reverses the charge."""
    where = {"party.address.country": "DE", "party.vat_number": "DE136695976"}
    free = [{**item, "vat_rate": "0"} for item in (PAPER, HOSTING)]
    return client("berlin", 3, *free, **(ABROAD | where | changes))


def monaco() -> dict[str, Any]:
    """A business in Monaco, with French VAT and no place in the directory."""
    where = {"party.address.country": "MC", "party.address.postcode": "98000"}
    number = house.vat_number("000000018")
    return client("rocher", 4, **({"party.siren": None, "party.vat_number": number} | where))


def issue(root: Root, month: str = "2027-09", day: str = "2027-10-08") -> None:
    ran = house.month(root, month, day)
    assert ran.code == 0, ran.err


def report(root: Root, period: str = "2027-10", today: str = TODAY, **options: str) -> house.Ran:
    """`make_ereporting` in this process."""
    ran = house.call("make_ereporting", root, period=period, today=today, **options)
    assert ran.code == 0, ran.err
    return ran


def files(root: Root) -> dict[str, etree._Element]:
    """The reports of exports/ereporting/, by their names without the SIREN; each is valid."""
    found = {}
    for path in sorted((root.path / "exports/ereporting").glob("*.xml")):
        xml = path.read_bytes()
        assert not report_xml.verdicts(xml)
        found[path.stem.removeprefix(f"{SIREN}-")] = etree.fromstring(xml)
    return found


def sums(tree: etree._Element) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Net and VAT of 10.3 by category and rate."""
    found: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for sales in tree.iterfind("TransactionsReport/Transactions"):
        for part in sales.iterfind("TaxSubtotal"):
            key = (text(sales, "CategoryCode"), text(part, "TaxPercent"))
            net, tax = found.get(key, (Decimal(0), Decimal(0)))
            more = (Decimal(text(part, name)) for name in ("TaxableAmount", "TaxTotal"))
            found[key] = (net + next(more), tax + next(more))
    return found


def text(element: etree._Element, path: str) -> str:
    found = element.findtext(path)
    assert found is not None, path
    return found


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A seller with a client of each kind, whose September is invoiced on 8 October."""
    root = house.build(
        tmp_path / "root", client("nord", 1), private(), german(), monaco(), seller=seller()
    )
    issue(root)
    return root


# --- what is reported ----------------------------------------------------------------


def test_a_mixed_invoice_to_a_private_customer_is_split_and_a_domestic_one_is_not_reported(root):
    report(root)
    tree = files(root)["transactions-20271001-20271010-IN"]
    assert sums(tree) == {
        ("TLB1", "20.00"): (Decimal("100.00"), Decimal("20.00")),
        ("TPS1", "10.00"): (Decimal("50.00"), Decimal("5.00")),
    }
    numbers = [text(one, "ID") for one in tree.iterfind("TransactionsReport/Invoice")]
    assert numbers == ["BERLIN-2027-0001", "ROCHER-2027-0001"]
    assert {text(sale, "TransactionsCount") for sale in tree.iter("Transactions")} == {"1"}


def test_the_head_names_who_reports_and_who_sends(root):
    report(root)
    tree = files(root)["transactions-20271001-20271010-IN"]
    head = {element.tag: element for element in tree.iterfind("ReportDocument/*")}
    assert text(tree, "ReportDocument/Id") == f"{SIREN}-transactions-20271001-20271010-IN"
    assert text(tree, "ReportDocument/IssueDateTime/DateTimeString") == "20280131000000"
    for role, scheme, number, code in (
        ("Sender", "0238", "0000", "WK"),
        ("Issuer", "0002", SIREN, "SE"),
    ):
        identifier = head[role].find("Id")
        assert identifier is not None
        assert (identifier.get("schemeId"), identifier.text) == (scheme, number)
        assert text(head[role], "RoleCode") == code


@pytest.mark.parametrize(
    ("number", "country", "siren", "expected"),
    [
        ("DE136695976", "DE", "", ("0223", "DE136695976")),
        ("EL123456783", "GR", "", ("0223", "EL123456783")),
        ("CHE318462755TVA", "CH", "", ("0227", "CHMuseum of the Hi")),
        ("", "US", "", ("0227", "USMuseum of the Hi")),
        ("FR83404833048", "MC", "", ("0227", "MCMuseum of the Hi")),
        ("FR83404833048", "GF", "404833048", ("0002", "404833048")),
        ("", "IT", "", None),
    ],
)
def test_a_buyer_abroad_is_known_by_its_number_or_by_its_name(number, country, siren, expected):
    address = Address(lines=("1 rue",), city="x", country=country)
    buyer = Party(name="Museum of the History", siren=siren, vat_number=number, address=address)
    assert ereporting.buyer_id(buyer) == expected


def test_a_credit_note_takes_back_on_its_own_day(root):
    with mock.patch.dict(os.environ, REASON="came damaged"):
        for number in ("LEA-2027-0001", "BERLIN-2027-0001"):
            ran = house.call(
                "issue_credit_note", root, invoice=number, issue_date="2027-10-15", today=TODAY
            )
            assert ran.code == 0, ran.err
    report(root)
    tree = files(root)["transactions-20271011-20271020-IN"]
    assert sums(tree)["TLB1", "20.00"] == (Decimal("-100.00"), Decimal("-20.00"))
    (note,) = tree.iterfind("TransactionsReport/Invoice")
    assert (text(note, "TypeCode"), text(note, "ReferencedDocument/ID")) == (
        "381",
        "BERLIN-2027-0001",
    )
    assert text(note, "MonetaryTotal/TaxExclusiveAmount") == "150.00"


def test_money_for_services_is_reported_with_vat_by_day_and_rate(root):
    for number, day in (("LEA-2027-0001", "2027-10-12"), ("ROCHER-2027-0001", "2027-10-13")):
        assert books.pay(root, number, "60.00", day, today=TODAY).code == 0
    assert books.pay(root, "BERLIN-2027-0001", "60.00", "2027-10-12", today=TODAY).code == 0
    report(root)
    tree = files(root)["payments-20271001-20271031-IN"]
    # 55.00 of 175.00 are services: 60.00 x 55 / 175 is 18.86.
    (private_one,) = tree.iterfind("PaymentsReport/Transactions/Payment")
    assert (text(private_one, "Date"), text(private_one, "SubTotals/Amount")) == (
        "20271012",
        "18.86",
    )
    (abroad,) = tree.iterfind("PaymentsReport/Invoice")
    assert text(abroad, "InvoiceID") == "ROCHER-2027-0001"
    assert text(abroad, "Payment/SubTotals/Amount") == "18.86"


def test_what_bounces_in_a_later_month_is_held_and_said(root):
    assert books.pay(root, "LEA-2027-0001", "175.00", "2027-10-12", today=TODAY).code == 0
    assert books.reverse(root, "lea/1", date="2027-11-12", today=TODAY).code == 0
    ran = report(root, "2027-11")
    assert "2027-11-12: -55.00 at 10.00 % was given back" in ran.err
    assert "I-EREPORTING-HELD" in ran.err and "payments-20271101" not in str(files(root))


def test_nothing_is_received_under_the_option_for_debits(tmp_path):
    root = house.build(tmp_path / "root", private(), seller=seller(debits=True))
    issue(root)
    assert books.pay(root, "LEA-2027-0001", "60.00", "2027-10-12", today=TODAY).code == 0
    report(root)
    assert [*files(root)] == ["transactions-20271001-20271010-IN"]
    (services,) = files(root)["transactions-20271001-20271010-IN"].iterfind(
        "TransactionsReport/Transactions[CategoryCode='TPS1']"
    )
    assert text(services, "TaxDueDateTypeCode") == "5"


def test_what_is_exempt_by_article_261_is_out_of_scope(tmp_path):
    exempt = {
        "vat": {
            "treatment": "exempt",
            "exemption_code": "VATEX-FR-CGI261-4",
            "exemption_reason": "Exonération de TVA, art. 261-4-4° du CGI",
        }
    }
    lesson = {**HOSTING, "vat_rate": "0", "id": "lesson"} | exempt
    mixed = private("lea", 2, HOSTING, lesson)
    whole = private("ida", 3, {**HOSTING, "vat_rate": "0"}) | exempt
    root = house.build(tmp_path / "root", mixed, whole, seller=seller())
    issue(root)
    report(root)
    tree = files(root)["transactions-20271001-20271010-IN"]
    assert sums(tree) == {("TPS1", "10.00"): (Decimal("50.00"), Decimal("5.00"))}


def test_what_was_issued_before_the_account_began_is_not_reported(tmp_path):
    root = house.build(tmp_path / "root", private(), seller=seller())
    issue(root, "2027-07", "2027-08-20")
    assert books.pay(root, "LEA-2027-0001", "175.00", "2027-09-12", today=TODAY).code == 0
    ran = report(root, "2027-09")
    assert not (root.path / "exports/ereporting").exists()
    assert ran.out.count("nothing to report") == 4


def test_an_account_that_began_within_a_period_reports_from_that_day_on(tmp_path):
    late = seller(platform=PLATFORM | {"since": "2027-10-09"})
    root = house.build(tmp_path / "root", private(), german(), seller=late)
    issue(root)
    assert report(root).out.count("nothing to report") == 4


# --- first and again -----------------------------------------------------------------


def deposited(root: Root) -> list[str]:
    lines = exchanges.read(root, "ATL")
    for line in lines:
        path = exchanges.report_path(root, line.tracking_id)
        assert path.read_bytes() == (root.path / "exports/ereporting" / line.name).read_bytes()
    return [line.tracking_id.removeprefix(f"{SIREN}-") for line in lines]


def test_a_period_is_sent_once_and_again_whole_where_it_changed(root):
    first, second = "transactions-20271001-20271010-IN", "payments-20271001-20271031-IN"
    ran = report(root, send="yes")
    assert deposited(root) == [first] and "`make platform`" in ran.out
    assert "sent as it is" in report(root, send="yes").out and deposited(root) == [first]
    assert books.pay(root, "LEA-2027-0001", "60.00", "2027-10-12", today=TODAY).code == 0
    report(root, send="yes")
    assert deposited(root) == [first, second]
    assert books.pay(root, "LEA-2027-0001", "40.00", "2027-10-14", today=TODAY).code == 0
    report(root, send="yes")
    again = "payments-20271001-20271031-RE"
    assert deposited(root) == [first, second, again]
    tree = files(root)[again]
    assert text(tree, "ReportDocument/TypeCode") == "RE"
    assert [text(one, "Date") for one in tree.iter("Payment")] == ["20271012", "20271014"]
    assert books.reverse(root, "lea/1", date="2027-10-12", today=TODAY).code == 0
    assert books.reverse(root, "lea/2", date="2027-10-14", today=TODAY).code == 0
    report(root, send="yes")
    assert deposited(root)[-1] == "payments-20271001-20271031-RE-2"
    assert not [*files(root)["payments-20271001-20271031-RE-2"].iter("Payment")]
    assert house.call("verify", root).code == 0


def test_a_first_report_that_was_refused_is_a_first_one_again(root):
    report(root, send="yes")
    (line,) = exchanges.read(root, "ATL")
    refusal = exchanges.answer(line, exchanges.REFUSED, date(2028, 1, 31))
    with issuing.begin(root, "test", 0) as run:
        run.append(records.end_of(exchanges.chain_path(root, "ATL"), [line]), [refusal])
        run.commit()
    assert "transactions-20271001-20271010" in {alert.place for alert in due(root, "2027-10-12")}
    report(root, send="yes")
    assert exchanges.read(root, "ATL")[-1].tracking_id.endswith("-20271010-IN-2")


def test_make_platform_hands_a_report_over_once_and_never_the_invoice_too(root):
    report(root, send="yes")
    name = f"{SIREN}-transactions-20271001-20271010-IN"
    with running(Platform()) as platform:
        account = {**PLATFORM, "flow_url": f"{platform.url}/flow-service"}
        house.write(root, "issuer.json", seller(platform=account))
        house.write(root, ".env", b"PLATFORM_TOKEN=fixed-token\nPLATFORM_TIMEOUT=5\n")
        shown = house.call("exchange_with_platform", root, today=TODAY, dry_run="1")
        assert f"{name}: would be deposited" in shown.out and not platform.deposited
        for _ in range(2):
            ran = house.call("exchange_with_platform", root, today=TODAY)
            assert ran.code == 0, ran
            assert sorted(platform.deposited) == [name, "NORD-2027-0001"] and not platform.wrong
    taken = [data for data in platform.files.values() if data.startswith(b"<?xml")]
    assert taken == [exchanges.report_path(root, name).read_bytes()]
    assert [line.outcome for line in exchanges.read(root, "ATL")][:2] == ["", "accepted"]
    assert house.call("verify", root).code == 0


def test_the_same_records_give_the_same_bytes(root):
    report(root)
    before = house.tree(root)
    report(root)
    assert house.tree(root) == before


def test_reports_that_were_sent_are_written_again_as_they_were(root):
    report(root, send="yes")
    assert books.pay(root, "LEA-2027-0001", "60.00", "2027-10-12", today=TODAY).code == 0
    report(root, send="yes")
    before = house.tree(root)
    shutil.rmtree(root.path / "exports")
    report(root, send="yes", today="2028-02-15")
    assert house.tree(root) == before


def test_a_report_that_is_gone_or_changed_is_found(root):
    report(root, send="yes")
    (path,) = (root.data / "platform/reports").iterdir()
    sound = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(sound.replace(b"50.00", b"51.00", 1))
    assert "B-PROOF-CHANGED" in house.call("verify", root).err
    path.unlink()
    assert "B-PROOF-MISSING" in house.call("verify", root).err


# --- what is refused -----------------------------------------------------------------


def test_everything_that_a_report_lacks_is_said_at_once(tmp_path):
    bare = {key: PLATFORM[key] for key in ("flow_url", "since")}
    root = house.build(tmp_path / "root", seller=seller(platform=bare, vat_periods=None))
    ran = house.call("make_ereporting", root, period="2027-10", today=TODAY)
    assert ran.code == 1
    for place in ("vat_periods", "platform.number", "platform.name"):
        assert f"issuer.json: {place}: is missing" in ran.err


@pytest.mark.parametrize(
    ("period", "today", "expected"),
    [
        ("2027-08", TODAY, "2027-08 is before 2027-09-01"),
        ("2027-10", "2027-10-10", "run this after 2027-10-10"),
    ],
)
def test_a_period_that_is_not_to_be_reported_is_refused(root, period, today, expected):
    ran = house.call("make_ereporting", root, period=period, today=today)
    assert ran.code == 2 and expected in ran.err
    assert not (root.path / "exports").exists()


def test_what_is_not_over_waits(root):
    ran = report(root, today="2027-10-12")
    assert [*files(root)] == ["transactions-20271001-20271010-IN"]
    assert "transactions-20271011-20271020: not over yet" in ran.out


def test_a_sale_abroad_by_a_seller_without_vat_number_is_held(tmp_path):
    own = {"vat_regime": "franchise", "party.vat_number": None, "vat_periods": "franchise"}
    swiss = client(
        "geneve",
        5,
        {**HOSTING, "vat_rate": "0"},
        **{"party.siren": None, "party.address.country": "CH", "vat.treatment": "outside_eu"},
    )
    lea = private("lea", 2, {**HOSTING, "vat_rate": "0"}) | {"vat": {"treatment": "franchise"}}
    root = house.build(tmp_path / "root", swiss, lea, seller=seller(**own))
    issue(root)
    assert books.pay(root, "LEA-2027-0001", "50.00", "2027-10-12", today=TODAY).code == 0
    ran = report(root)
    assert "GENEVE-2027-0001: names no VAT number of the seller" in ran.err
    # Two months, and no payments: none of their VAT falls due.
    assert [*files(root)] == ["transactions-20270901-20271031-IN"]
    tree = files(root)["transactions-20270901-20271031-IN"]
    assert sums(tree) == {("TPS1", "0.00"): (Decimal("50.00"), Decimal("0.00"))}


# --- periods -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("regime", "month", "expected"),
    [
        (
            "monthly",
            "2028-02",
            [
                "transactions-20280201-20280210 2028-02-20",
                "transactions-20280211-20280220 2028-02-29",
                "transactions-20280221-20280229 2028-03-10",
                "payments-20280201-20280229 2028-03-10",
            ],
        ),
        (
            "quarterly",
            "2027-12",
            [
                "transactions-20271201-20271231 2028-01-10",
                "payments-20271201-20271231 2028-01-10",
            ],
        ),
        (
            "simplified",
            "2028-01",
            [
                "transactions-20280101-20280131 2028-02-29",
                "payments-20280101-20280131 2028-02-29",
            ],
        ),
        (
            "franchise",
            "2027-10",
            [
                "transactions-20270901-20271031 2027-11-30",
                "payments-20270901-20271031 2027-11-30",
            ],
        ),
    ],
)
def test_the_periods_of_a_month_and_until_when_they_are_reported(regime, month, expected):
    periods = vat_periods.of_month(regime, month)
    assert [f"{period.name} {period.due}" for period in periods] == expected


@pytest.mark.parametrize("regime", ["monthly", "quarterly", "simplified", "franchise"])
def test_every_day_is_in_one_period_of_each_kind(regime):
    months = [f"{year}-{month:02d}" for year in (2027, 2028) for month in range(1, 13)]
    for kind in (vat_periods.TRANSACTIONS, vat_periods.PAYMENTS):
        periods = dict.fromkeys(
            period
            for month in months
            for period in vat_periods.of_month(regime, month)
            if period.kind == kind
        )
        days = [
            day
            for period in periods
            for day in range(period.start.toordinal(), period.end.toordinal() + 1)
        ]
        assert days == [*range(date(2027, 1, 1).toordinal(), date(2028, 12, 31).toordinal() + 1)]
        assert all(period.end < period.due for period in periods)


def test_what_is_due_is_told_beforehand_by_status_and_by_the_summary(root):
    today = "2027-10-12"
    ran = house.call("show_status", root, today=today)
    # September's periods, the last of them due on the same day as its payments; then October's.
    assert "transactions-20270911-20270920 until 2027-09-30" in ran.out
    names = [alert.place for alert in due(root, today)]
    last = "transactions-20271001-20271010"
    assert names[-1] == last and "payments-20270901-20270930" in names
    report(root, today=today, send="yes")
    assert [alert.place for alert in due(root, today)] == names[:-1]
    assert last not in [alert.place for alert in due(root, "2027-11-21")]
    (remedy,) = {str(alert.fault.remedy) for alert in due(root, "2027-11-21")[-1:]}
    assert remedy == "`make ereporting PERIOD=2027-11 SEND=yes`"
    ran = house.call("send_alerts", root, today=today, command="month", month="2027-09")
    assert "I-EREPORTING-DUE" in ran.out + ran.err


def due(root: Root, today: str) -> list[Alert]:
    issuer = inputs.load_issuer(root)
    lines = exchanges.read(root, issuer.code)
    return [*notices.reports_due(reports.due(issuer, lines, date.fromisoformat(today)))]


# --- a year of dice ------------------------------------------------------------------

RATES = {"20": 20, "10": 10, "5.5": 5}
YEARS = int(os.environ.get("YEARS", "1"))


@pytest.mark.parametrize("seed", range(YEARS))
@pytest.mark.parametrize("regime", ["monthly", "franchise"])
def test_over_a_year_of_dice_the_sums_are_those_of_the_documents(tmp_path, seed, regime):
    """What is added up here is added up from the documents and from what was paid."""
    dice = random.Random(f"{regime} {seed}")
    items = [
        house.item(
            f"item_{i}",
            f"{dice.randint(1, 900)}.{dice.randint(0, 99):02d}",
            category=dice.choice(["goods", "services"]),
            vat_rate=rate,
        )
        for i, rate in enumerate(RATES)
    ]
    clients = [private("lea", 2, *items), private("ida", 5, *items[1:])]
    clients += [german(), client("rocher", 4, *items, **_monaco()), client("nord", 1, *items)]
    root = house.build(tmp_path / "root", *clients, seller=seller(vat_periods=regime))
    paid: list[tuple[str, str, int]] = []
    for month, day in (
        ("2027-09", "2027-10-08"),
        ("2027-10", "2027-11-19"),
        ("2027-11", "2027-12-24"),
    ):
        issue(root, month, day)
        for name in ("lea", "ida", "rocher"):
            number = house.numbers(root, name)[-1]
            gross = int(house.records(root, name)[-1]["gross"].replace(".", ""))
            left = gross
            for _ in range(dice.randint(0, 3)):
                part = min(left, dice.randint(1, gross))
                when = f"2027-12-{dice.randint(25, 31)}"
                if part:
                    amount = f"{part // 100}.{part % 100:02d}"
                    assert books.pay(root, number, amount, when, today=TODAY, again="yes").code == 0
                    paid.append((number, when, part))
                    left -= part
            if left == gross and dice.random() < 0.5:
                with mock.patch.dict(os.environ, REASON="again"):
                    options = {"issue_date": day, "today": TODAY}
                    ran = house.call("issue_credit_note", root, invoice=number, **options)
                    assert ran.code == 0, ran.err
    for month in ("2027-09", "2027-10", "2027-11", "2027-12"):
        report(root, month)
    documents = [json.loads(path.read_bytes()) for path in (root.data / "invoices").rglob("*.json")]
    assert _reported_sales(root) == _sales_of(documents, regime)
    assert _reported_money(root) == _money_of(documents, paid)
    trees = files(root).values()
    numbers = Counter(one.findtext("ID") for tree in trees for one in tree.iter("Invoice"))
    for document in documents:
        assert numbers[document["number"]] == (_audience(document) == "B2BINT")


def _monaco() -> dict[str, Any]:
    changes = monaco()["party"]
    return {
        "party.siren": None,
        "party.vat_number": changes["vat_number"],
        "party.address.country": "MC",
    }


def _audience(document: dict[str, Any]) -> str:
    (found,) = (note["text"] for note in document["notes"] if note["code"] == "BAR")
    return str(found)


def _start(regime: str, day: str) -> str:
    """The first day of the period of transactions that a day lies in."""
    year, month, number = map(int, day.split("-"))
    if regime == "franchise":
        return f"{year}{month - (month + 1) % 2:02d}01"
    return f"{year}{month:02d}{(1, 11, 21)[min(2, (number - 1) // 10)]:02d}"


_Sums = dict[tuple[str, str, str], Decimal]


def _sales_of(documents: list[dict[str, Any]], regime: str) -> _Sums:
    """By period and rate: net by category, line by line, and VAT as each document has it."""
    found: Counter[tuple[str, str, str]] = Counter()
    for document in documents:
        if _audience(document) == "B2C":
            sign = -1 if document["type_code"] == "381" else 1
            start = _start(regime, document["issue_date"])
            for line in document["lines"]:
                category = {"goods": "TLB1", "services": "TPS1"}[line["category"]]
                found[start, category, _rate(line["vat_rate"])] += sign * Decimal(line["net"])
            for part in document["vat_breakdown"]:
                found[start, "VAT", _rate(part["rate"])] += sign * Decimal(part["vat"])
    return {key: amount for key, amount in found.items() if amount}


def _rate(text_of_rate: str) -> str:
    return f"{Decimal(text_of_rate):.2f}"


def _reported_sales(root: Root) -> _Sums:
    found: Counter[tuple[str, str, str]] = Counter()
    for name, tree in files(root).items():
        if name.startswith("transactions"):
            start = text(tree, "TransactionsReport/ReportPeriod/StartDate")
            for (category, rate), (net, tax) in sums(tree).items():
                found[start, category, rate] += net
                found[start, "VAT", rate] += tax
    return {key: amount for key, amount in found.items() if amount}


def _money_of(documents: list[dict[str, Any]], paid: list[tuple[str, str, int]]) -> _Sums:
    """Gross of services by invoice abroad (or none), day and rate: each payment in its order, what
    of it is of each rate and nature rounded so that all add up."""
    of_number = {document["number"]: document for document in documents}
    found: Counter[tuple[str, str, str]] = Counter()
    for number in {number for number, _, _ in paid}:
        document = of_number[number]
        gross = _gross(document)
        whole, so_far, before = sum(gross.values()), Decimal(0), dict.fromkeys(gross, Decimal(0))
        for _, day, cents in sorted((p for p in paid if p[0] == number), key=lambda p: p[1]):
            so_far += Decimal(cents) / 100
            upto = Decimal(0)
            rounded = Decimal(0)
            for key in sorted(gross):
                upto += gross[key]
                now = (upto * so_far / whole).quantize(Decimal("0.01"), ROUND_HALF_UP)
                part, rounded = now - rounded, now
                rate, nature = key
                if nature == "services":
                    about = number if _audience(document) == "B2BINT" else ""
                    found[about, day.replace("-", ""), rate] += part - before[key]
                before[key] = part
    return {key: amount for key, amount in found.items() if amount}


def _gross(document: dict[str, Any]) -> dict[tuple[str, str], Decimal]:
    """By rate and nature; each rate has one nature here."""
    found: dict[tuple[str, str], Decimal] = {}
    for subtotal in document["vat_breakdown"]:
        (nature,) = {
            line["category"]
            for line in document["lines"]
            if Decimal(line["vat_rate"]) == Decimal(subtotal["rate"])
        }
        key = (_rate(subtotal["rate"]), nature)
        found[key] = Decimal(subtotal["taxable"]) + Decimal(subtotal["vat"])
    return found


def _reported_money(root: Root) -> _Sums:
    found: Counter[tuple[str, str, str]] = Counter()
    for tree in files(root).values():
        for payment in tree.iterfind("PaymentsReport/*/Payment"):
            number = payment.getparent().findtext("InvoiceID") or ""
            for part in payment.iterfind("SubTotals"):
                key = (number, text(payment, "Date"), text(part, "TaxPercent"))
                found[key] += Decimal(text(part, "Amount"))
    return dict(found)
