"""Orders: deposits, milestones and final invoices add up to the order, whatever is credited."""

import csv
import email
import email.policy
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree
from pypdf import PdfReader

import house
from house import order, step
from lib.audit import record_audit
from lib.books import order_records
from lib.core.root import Root
from lib.documents import facturx_xml
from lib.values.document import Document

DAY = "2026-11-10"
DEPOSIT = step("deposit", percent="30")
MILESTONE = step("milestone", percent="40")
FINAL = step()
TWO_RATES = [house.one_off("700.00"), house.one_off("300.00", vat_rate="5.5")]


def invoice(root: Root, day: str = DAY, name: str = "site", **options: str) -> house.Ran:
    """`make invoice CLIENT=nord ORDER=...` in this process."""
    options = {"client": "nord", "order": name, "issue_date": day, "today": day, **options}
    return house.call("invoice_order", root, **options)


def issue(root: Root, day: str = DAY, name: str = "site", **options: str) -> Document:
    """The document of the next step of an order."""
    options = {"step": house.due_step(root, "nord", name), **options}
    ran = invoice(root, day, name, **options)
    assert (ran.code, ran.err) == (0, ""), ran
    return house.issued(root, "nord", house.numbers(root, "nord")[-1])


def credit(root: Root, number: str, monkeypatch: pytest.MonkeyPatch, **options: str) -> house.Ran:
    """`make credit-note` in this process."""
    monkeypatch.setenv("REASON", options.pop("reason", "less"))
    options = {"issue_date": DAY, "today": DAY, **options}
    return house.call("issue_credit_note", root, invoice=number, **options)


def refused(ran: house.Ran, code: int = 1) -> str:
    """The only line that a refusal says."""
    assert (ran.code, ran.out) == (code, ""), ran
    (line,) = ran.err.splitlines()
    return line


@pytest.fixture
def root(tmp_path):
    built = house.build(tmp_path)
    house.put_order(built, order("site", "nord", DEPOSIT, MILESTONE, FINAL, lines=TWO_RATES))
    return built


def figures(document: Document) -> list[tuple[str, str, str]]:
    return [(str(one.rate), str(one.taxable), str(one.vat)) for one in document.vat_breakdown]


# --- a project ----------------------------------------------------------------------------


def test_the_steps_of_an_order_are_invoiced_in_turn(root):
    deposit, milestone, final = issue(root), issue(root), issue(root)
    assert [one.type_code for one in (deposit, milestone, final)] == ["386", "380", "380"]
    assert [one.step for one in (deposit, milestone, final)] == ["deposit", "milestone", "final"]
    assert figures(deposit) == [("20", "210.00", "42.00"), ("5.5", "90.00", "4.95")]
    assert figures(milestone) == [("20", "280.00", "56.00"), ("5.5", "120.00", "6.60")]
    assert figures(final) == [("20", "210.00", "42.00"), ("5.5", "90.00", "4.95")]
    assert [(line.net, line.preceding) for line in final.lines] == [
        (Decimal("700.00"), ""),
        (Decimal("300.00"), ""),
        (Decimal("-210.00"), deposit.number),
        (Decimal("-90.00"), deposit.number),
        (Decimal("-280.00"), milestone.number),
        (Decimal("-120.00"), milestone.number),
    ]
    assert [one.number for one in final.preceding] == [deposit.number, milestone.number]
    assert all(line.quantity == -1 and line.unit_price > 0 for line in final.lines[2:])
    assert (final.order, final.subject) == ("site", "Site")
    record = house.records(root, "nord")[-1]
    assert [entry["number"] for entry in record["deposits"]] == [deposit.number]
    assert [share["vat"] for share in record["deposits"][0]["breakdown"]] == ["42.00", "4.95"]
    assert (record.get("type", ""), record["step"]) == ("", "final")
    assert house.records(root, "nord")[0]["type"] == "386"
    assert house.run("verify", root).code == 0


def test_an_order_without_steps_is_one_invoice(root):
    house.put_order(root, order("talk"))
    whole = issue(root, name="talk")
    assert (whole.totals.net, whole.type_code, whole.preceding) == (Decimal("1000.00"), "380", ())


def test_what_is_invoiced_is_not_invoiced_twice(root):
    number = issue(root).number
    line = refused(invoice(root, step="deposit"))
    assert f'STEP: "deposit" is invoiced: {number}; to invoice it again, make credit-note' in line
    issue(root), issue(root)
    for options in ({}, {"step": "milestone"}, {"step": "final"}, {"reissue": "yes"}):
        assert 'STEP: "final" is invoiced: NORD-2026-0003' in refused(invoice(root, **options))


def test_the_same_command_twice_on_a_day_does_not_invoice_two_steps(root):
    assert invoice(root).code == 0
    before = house.tree(root)
    line = refused(invoice(root))
    assert 'STEP: is not named, and "deposit" was invoiced on this day: NORD-2026-0001' in line
    assert "to invoice the next step too, add STEP=milestone" in line
    assert house.tree(root) == before
    assert issue(root, step="milestone").step == "milestone"
    assert invoice(root, "2026-11-11").code == 0
    assert house.records(root, "nord")[-1]["step"] == "final"


def test_what_is_mistyped_is_named(root):
    assert 'ORDER: "sight" is not an order of nord; they are site' in refused(
        invoice(root, name="sight"), 2
    )
    assert 'STEP: "end" is not a step of the order; they are deposit, milestone, final' in refused(
        invoice(root, step="end"), 2
    )
    line = refused(invoice(root, client="sud"), 2)
    assert 'CLIENT: "sud" is not a client; they are nord' in line
    assert "ISSUE_DATE" in refused(invoice(root, "2026-11-11", today=DAY))
    house.put_client(root, house.client(changes={"status": "closed"}))
    assert "is closed: nothing is quoted or invoiced" in refused(invoice(root))
    assert house.records(root, "nord") == []


def test_a_step_that_changed_after_it_was_invoiced_is_named(root):
    issue(root)
    house.put_order(root, order("site", "nord", MILESTONE, FINAL, lines=TWO_RATES))
    line = refused(invoice(root))
    assert 'site.json: steps: "deposit" is invoiced by NORD-2026-0001, and is no longer' in line


def test_steps_may_be_left_out_and_the_final_invoice_has_what_is_left(root):
    final = issue(root, step="final")
    assert final.totals.net == Decimal("1000.00")


def test_a_milestone_of_lines_is_these_lines(root):
    steps = (DEPOSIT, step("milestone", lines=["2"]), FINAL)
    house.put_order(root, order("site", "nord", *steps))
    issue(root)
    milestone, final = issue(root), issue(root)
    assert [(line.quantity, line.net) for line in milestone.lines] == [(2, Decimal("400.00"))]
    assert final.totals.net == Decimal("300.00")


def test_its_own_terms_are_printed(root):
    steps = (step("deposit", percent="30", payment_terms={"days": 8}), FINAL)
    house.put_order(root, order("site", "nord", *steps, purchase_order="PO-7"))
    deposit, final = issue(root), issue(root)
    assert (deposit.due_date, final.due_date) == (date(2026, 11, 18), date(2026, 12, 10))
    assert deposit.purchase_order == "PO-7"


# --- pages and XML --------------------------------------------------------------------


def pages(root: Root, number: str) -> str:
    text = "".join(
        page.extract_text() for page in PdfReader(house.proof(root, "nord", number, "pdf")).pages
    )
    return " ".join(text.replace("\xa0", " ").replace("\u202f", " ").split())


def test_each_document_says_what_it_is_and_what_it_is_of(root):
    deposit, milestone, final = (issue(root).number for _ in range(3))
    assert "FACTURE D’ACOMPTE" in pages(root, deposit)
    assert "Acompte de 30 % sur la commande « Site »" in pages(root, deposit)
    assert "FACTURE INTERMÉDIAIRE" in pages(root, milestone)
    page = pages(root, final)
    assert "FACTURE DE SOLDE" in page and "Total de la commande HT 1 000,00" in page
    assert f"Acompte déduit : facture {deposit} du 10 novembre 2026 20 % −210,00" in page
    assert "TVA déduite : 42,00 €" in page
    assert f"Déjà facturé : facture {milestone} du 10 novembre 2026" in page
    assert "Période" not in page


def test_the_xml_knows_deposits_and_what_came_before(root):
    documents = [issue(root) for _ in range(3)]
    found = []
    for document in documents:
        xml = etree.fromstring(facturx_xml.generate(document))
        found.append(
            (
                xml.findtext(".//{*}ExchangedDocument/{*}TypeCode"),
                xml.findtext(".//{*}BusinessProcessSpecifiedDocumentContextParameter/{*}ID"),
                [
                    one.findtext("{*}IssuerAssignedID")
                    for one in xml.iterfind(".//{*}InvoiceReferencedDocument")
                ],
            )
        )
    numbers = [document.number for document in documents]
    assert found == [("386", "S1", []), ("380", "S1", []), ("380", "S4", numbers[:2])]


# --- credit notes ---------------------------------------------------------------------


def test_the_final_invoice_takes_off_what_credit_notes_left_of_a_deposit(
    root, tmp_path, monkeypatch
):
    deposit = issue(root)
    lines = house.write(root, "lines.json", {"lines": [{"line": "1", "amount": "10.03"}]})
    assert credit(root, deposit.number, monkeypatch, lines=str(lines)).code == 0
    final = issue(root, step="final")
    note = house.numbers(root, "nord")[1]
    assert [one.number for one in final.preceding] == [deposit.number, note]
    assert [line.net for line in final.lines[2:]] == [Decimal("-199.97"), Decimal("-90.00")]
    # 42.00 less 20 % of 10.03, as the credit note took it
    assert final.lines[2].preceding_vat == Decimal("39.99")
    assert [line.description for line in final.lines[2:]] == [
        "TVA déduite : 39,99\xa0€ (239,96\xa0€ TTC), après avoir NORD-2026-0002",
        "TVA déduite : 4,95\xa0€ (94,95\xa0€ TTC)",
    ]
    assert house.run("verify", root).code == 0


def test_a_deposit_that_is_credited_in_full_is_not_taken_off(root, monkeypatch):
    number = issue(root).number
    assert credit(root, number, monkeypatch).code == 0
    assert "was invoiced by NORD-2026-0001, which is credited; issue it again with REISSUE" in (
        refused(invoice(root, step="deposit"))
    )
    milestone = issue(root)  # the next step that never was invoiced
    assert milestone.step == "milestone"
    final = issue(root)
    assert [one.number for one in final.preceding] == [milestone.number]


def test_a_final_invoice_smaller_than_its_deposits_is_refused_with_the_command(root, monkeypatch):
    issue(root)
    house.put_order(root, order("site", "nord", DEPOSIT, FINAL, lines=[house.one_off("150.00")]))
    before = house.tree(root, "preview/")
    while (ran := invoice(root, step="final")).code:
        line = refused(ran)
        assert "site.json: NORD-2026-0001: has " in line
        assert "without VAT at" in line and "that the order has not, or no longer" in line
        assert house.tree(root, "preview/") == before
        command = re.search(r"make credit-note INVOICE=(\S+) LINES=(\S+) REASON", line)
        assert command, line
        done = credit(root, command[1], monkeypatch, lines=command[2])
        assert done.code == 0, done
        before = house.tree(root, "preview/")
    final = house.issued(root, "nord", house.numbers(root, "nord")[-1])
    assert figures(final)[0][1:] == ("0.00", "0.00")
    assert final.totals.due == 0
    assert house.run("verify", root).code == 0


def test_a_final_invoice_is_credited_with_the_deposits_it_took_off_and_issued_again(
    root, monkeypatch
):
    issue(root)
    final = issue(root, step="final")
    assert credit(root, final.number, monkeypatch).code == 0
    note = house.issued(root, "nord", house.numbers(root, "nord")[-1])
    assert note.totals == final.totals
    assert house.records(root, "nord")[-1]["deposits"][0]["number"] == "NORD-2026-0001"
    assert "REISSUE=yes" in refused(invoice(root, step="final"))
    again = issue(root, step="final", reissue="yes")
    assert again.totals == final.totals
    assert house.run("verify", root).code == 0


def test_a_final_invoice_of_nothing_can_be_issued_again(root, monkeypatch):
    house.put_order(root, order("site", "nord", step("deposit", percent="100"), FINAL))
    issue(root)
    final = issue(root)
    assert final.totals.gross == 0
    assert credit(root, final.number, monkeypatch).code == 0
    assert issue(root, step="final", reissue="yes").totals.gross == 0


def test_more_than_the_order_is_never_invoiced(root):
    issue(root)
    steps = (DEPOSIT, step("milestone", amount="100.00"), FINAL)
    lines = [house.one_off("250.00"), house.one_off("100.00", vat_rate="5.5")]
    house.put_order(root, order("site", "nord", *steps, lines=lines))
    line = refused(invoice(root, step="milestone"))
    assert "steps: milestone comes to 100.00, and 50.00 of the order is left; make" in line


# --- what is left, and what is wrong ------------------------------------------------------


def test_the_status_says_what_is_left_of_each_order(root):
    house.put_order(root, order("talk"))
    issue(root)
    paid = {"client": "nord", "invoice": "NORD-2026-0001", "date": DAY, "method": "transfer"}
    assert house.call("record_payment", root, amount="100.00", today=DAY, **paid).code == 0
    out = house.call("show_status", root, today=DAY, month="2026-11").out
    assert re.search(r"^site +nord +1000\.00 +700\.00 +346\.95 +100\.00$", out, re.M), out
    assert re.search(r"^talk +nord +1000\.00 +1000\.00 +0\.00 +0\.00$", out, re.M), out
    issue(root, name="talk")
    house.call(
        "record_payment", root, amount="1200.00", today=DAY, **paid | {"invoice": "NORD-2026-0002"}
    )
    out = house.call("show_status", root, today=DAY, month="2026-11").out
    assert "talk" not in out


def test_the_status_leaves_out_what_is_declined_or_was_credited_after_the_end(root, monkeypatch):
    issue(root, step="deposit")
    house.put_order(root, order("talk"))
    days = {"issue_date": DAY, "today": DAY}
    assert house.call("issue_quote", root, client="nord", order="talk", **days).code == 0
    status = {"today": DAY, "month": "2026-11"}
    assert "talk" in house.call("show_status", root, **status).out
    assert house.call("decline_quote", root, quote="NORD-D2026-0001", today=DAY).code == 0
    assert "talk" not in house.call("show_status", root, **status).out
    final = issue(root, step="final")
    assert credit(root, final.number, monkeypatch, amount="12.00").code == 0
    out = house.call("show_status", root, **status).out
    assert re.search(r"^site +nord +1000\.00 +0\.00 +1144\.50 +0\.00$", out, re.M), out


def test_an_order_that_is_called_off_is_done_once_its_file_is_removed(root, monkeypatch):
    number = issue(root).number
    assert credit(root, number, monkeypatch).code == 0
    status = {"today": DAY, "month": "2026-11"}
    assert "site" in house.call("show_status", root, **status).out
    (root.orders / "nord/site.json").unlink()
    assert "site" not in house.call("show_status", root, **status).out
    assert house.run("verify", root).code == 0


def test_verify_names_a_step_that_is_invoiced_twice_and_a_deposit_taken_off_wrongly(root):
    for _ in range(3):
        issue(root)
    lines = house.records(root, "nord")

    def wrong(changes: dict[str, Any]) -> list[str]:
        records = (*lines[:2], house.changed(lines[2], changes))
        book = record_audit.Book("revenues", "data/revenues/nord.jsonl", "nord", records, True)
        return [str(alert) for alert in record_audit.bill_faults(book)]

    assert wrong({}) == []
    (twice,) = wrong({"step": "milestone"})
    assert "line 3: NORD-2026-0003 invoices milestone of site, as NORD-2026-0002 does" in twice
    for changes in (
        {"deposits.0.breakdown.0.vat": "41.99"},
        {"deposits.0.breakdown.0.net": "209.99"},
        {"deposits.0.number": "NORD-2026-0002"},
    ):
        (other,) = wrong(changes)
        assert "NORD-2026-0003 takes off other deposits of site than stood then" in other


def test_verify_names_a_final_invoice_that_takes_off_nothing_of_what_stood(root, monkeypatch):
    issue(root)
    monkeypatch.setattr(order_records, "of_client", lambda *_: {"site": []})
    assert invoice(root, step="final").code == 0
    monkeypatch.undo()
    ran = house.call("verify", root)
    assert ran.code == 3
    assert "takes off nothing, and NORD-2026-0001 stood of site [B-DOCUMENT-WRONG]" in ran.err


# --- delivered on another day ------------------------------------------------------------


@pytest.fixture
def shop(tmp_path):
    seller = house.issuer({"operation_category": "mixed"})
    built = house.build(tmp_path, house.client(changes={"plans": []}), seller=seller)
    lines = [
        house.one_off("1000.00", category="goods"),
        house.one_off("10.00", category="services"),
    ]
    house.put_order(built, order("site", "nord", DEPOSIT, FINAL, lines=lines))
    return built


def test_vat_on_goods_falls_due_on_the_day_of_delivery_that_was_typed(shop):
    issue(shop, "2026-10-02")
    final = issue(shop, delivered="2026-10-31")
    assert (final.issue_date, final.period.end) == (date(2026, 11, 10), date(2026, 10, 31))
    assert "Livré le 31 octobre 2026" in pages(shop, final.number)
    assert [line.description for line in final.lines[2:]] == [
        "biens, TVA déduite : 60,00\xa0€ (360,00\xa0€ TTC)",
        "services, TVA déduite : 0,60\xa0€ (3,60\xa0€ TTC)",
    ]
    xml = etree.fromstring(facturx_xml.generate(final))
    days = [
        day.text for day in xml.iterfind(".//{*}ActualDeliverySupplyChainEvent//{*}DateTimeString")
    ]
    assert days == ["20261031"]
    assert house.call("export_revenues", shop, month="2026-10").code == 0
    with (shop.path / "exports/recettes/vat_due-2026-10.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # Of the deposit too, which nobody paid.
    assert [(row["date"], row["nature"], row["vat"]) for row in rows] == [
        ("2026-10-31", "goods", "60.00"),
        ("2026-10-31", "goods", "140.00"),
    ]
    assert house.run("verify", shop).code == 0


def test_a_client_of_orders_alone_may_be_one_to_whom_goods_are_exported(shop):
    abroad = {
        "plans": [],
        "vat": {"treatment": "export"},
        "party.siren": None,
        "party.address.country": "US",
    }
    house.put_client(shop, house.client(changes=abroad))
    lines = [house.one_off(vat_rate="0", category="goods")]
    house.put_order(shop, order("site", lines=lines))
    assert figures(issue(shop)) == [("0", "100.00", "0.00")]
    lines.append(house.one_off(vat_rate="0", category="services"))
    house.put_order(shop, order("talk", lines=lines))
    assert "talk.json: lines[1].category: services" in refused(invoice(shop, name="talk"))


def test_a_day_of_delivery_that_cannot_be_is_refused(shop):
    before = house.tree(shop)
    line = refused(invoice(shop, delivered="2026-10-31"))
    assert 'DELIVERED: "deposit" is a deposit: nothing of it is delivered; leave it out' in line
    line = refused(invoice(shop, step="final", delivered="2026-11-11"))
    assert "DELIVERED: 2026-11-11 is after the invoice; invoice it when it is delivered" in line
    assert house.tree(shop) == before
    issue(shop, "2026-11-02")
    line = refused(invoice(shop, delivered="2026-11-01"))
    assert "DELIVERED: 2026-11-01 is before a deposit was invoiced; credit that deposit" in line
    # Of a month nothing is typed: its goods are delivered on the last day of their period.
    ran = house.make(shop, "invoice", "CLIENT=nord", "DELIVERED=2026-10-31")
    assert (ran.code, "ORDER: is missing" in ran.err) == (2, True)


# --- once quoted ------------------------------------------------------------------------


def test_a_quoted_order_is_invoiced_as_it_was_accepted_alone(root):
    def run(script: str, **options: str) -> house.Ran:
        done = house.call(script, root, today=DAY, **options)
        assert done.code == 0, done
        return done

    run("issue_quote", client="nord", order="site", issue_date=DAY)
    assert "ORDER: NORD-D2026-0001 waits for an answer; record the answer" in refused(invoice(root))
    run("accept_quote", quote="NORD-D2026-0001", date=DAY)
    issue(root)
    dearer = [house.one_off("700.00"), house.one_off("301.00", vat_rate="5.5")]
    accepted = root.orders / "nord" / "site.json"
    before = accepted.read_bytes()
    house.put_order(root, order("site", "nord", DEPOSIT, MILESTONE, FINAL, lines=dearer))
    line = refused(invoice(root))
    assert 'lines[1].unit_price: is "301", and NORD-D2026-0001 was accepted with "300"' in line
    accepted.write_bytes(before)
    assert issue(root).step == "milestone"


def test_goods_are_not_credited_beyond_what_their_deposit_left(tmp_path, monkeypatch):
    """900.00 of goods less a deposit of 270.00 are 630.00, whatever services leave at the rate."""
    seller = house.issuer({"operation_category": "mixed"})
    root = house.build(tmp_path, house.client(changes={"plans": []}), seller=seller)
    lines = [
        house.one_off("1000.00", category="goods"),
        house.one_off("1000.00", category="services"),
    ]
    off = [{"description": {"fr": "Remise"}, "percent": "10"}]
    house.put_order(root, order("site", "nord", DEPOSIT, FINAL, lines=lines, discounts=off))
    issue(root)
    final = issue(root)

    def take(amount: str) -> house.Ran:
        part = {"lines": [{"line": "1", "amount": amount}]}
        file = house.write(root, "lines.json", part)
        return credit(root, final.number, monkeypatch, lines=str(file), reason=amount)

    ran = take("700.01")
    assert ran.code == 1 and "630.01 of goods before VAT would be taken back, and 630.00" in ran.err
    assert take("700.00").code == 0
    assert house.run("verify", root).code == 0


# --- beside months ----------------------------------------------------------------------


def test_an_order_is_not_the_months_invoice(root):
    issue(root, "2026-10-05", step="deposit")
    issue(root, "2026-11-03", step="milestone")
    ran = house.month(root)
    assert (ran.code, ran.err) == (0, ""), ran
    assert house.records(root, "nord")[-1]["month"] == "2026-10"
    house.put_usage(root, house.usage("nord", "2026-11", None, house.one_off()))
    issue(root, "2026-11-20")
    ran = house.month(root, "2026-11", "2026-12-08")
    assert (ran.code, ran.err) == (0, ""), ran
    assert len(house.records(root, "nord")) == 5
    again = house.month(root, "2026-11", "2026-12-08")
    assert (again.code, again.err) == (0, "") and "nothing left to issue" in again.out


def test_an_order_before_the_first_month_makes_no_month_missing(root):
    issue(root, "2026-03-05")
    ran = house.month(root)
    assert (ran.code, ran.err) == (0, ""), ran


def test_the_change_of_an_order_is_not_a_change_of_a_month(root):
    house.month(root)
    issue(root)
    house.put_order(root, order("site", "nord", DEPOSIT, FINAL, lines=TWO_RATES, valid_days=9))
    ran = house.month(root)
    assert (ran.code, ran.err) == (0, ""), ran


def test_make_takes_an_order(root):
    ran = house.make(root, "invoice", "CLIENT=nord", "ORDER=site", f"TODAY={DAY}")
    assert ran.code == 0, ran
    assert "site: step deposit is invoiced, 700.00 EUR without VAT are left to invoice" in ran.out
    ran = house.make(root, "invoice", "CLIENT=nord", "ORDER=site", "MONTH=2026-10", f"TODAY={DAY}")
    assert (ran.code, len(house.records(root, "nord"))) == (2, 1)
    assert "MONTH: an order is invoiced on a day, not for a month" in ran.err
    assert "ORDER: is missing" in house.make(root, "invoice", "CLIENT=nord", "STEP=deposit").err


def test_a_mail_carries_a_deposit_under_its_own_name(root):
    issue(root)
    assert house.call("send_invoices", root, today=DAY).code == 0
    (mail,) = root.data.glob("outbox/*.eml")
    message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    assert message["subject"].startswith("Facture d’acompte NORD-2026-0001\xa0: 346,95")
