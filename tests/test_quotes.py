"""Quotes: issued with a number of their own, answered once, and what was accepted is what holds."""

import email
import email.policy
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

import house
from lib.billing import quoting
from lib.books import quotations
from lib.books import records as chains
from lib.core import storage
from lib.core.root import Root
from lib.inputs import inputs

DAY = "2026-11-08"
LATER = "2026-11-20"
EXPIRED = "2026-12-09"
PDF = b"%PDF-1.7 signed by the client"

STEPS = (
    house.step("deposit", percent="30", description={"fr": "à la signature", "en": "on signature"}),
    house.step("milestone", lines=["2"]),
    house.step("final"),
)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A root with an order of 1000.00 without VAT, in three steps."""
    root = house.build(tmp_path / "root")
    house.put_order(root, house.order("site", "nord", *STEPS))
    return root


def quote(root: Root, order: str = "site", day: str = DAY, **options: str) -> house.Ran:
    return house.call(
        "issue_quote", root, **{"client": "nord", "order": order, "today": day} | options
    )


def accept(root: Root, number: str = "NORD-D2026-0001", day: str = LATER, **more: str) -> house.Ran:
    return house.call("accept_quote", root, **{"quote": number, "date": day, "today": day} | more)


def decline(root: Root, number: str = "NORD-D2026-0001", day: str = LATER) -> house.Ran:
    return house.call("decline_quote", root, quote=number, today=day)


def change(root: Root, **changes: Any) -> None:
    house.put_order(root, house.order("site", "nord", *STEPS, **changes))


def records(root: Root) -> list[dict[str, Any]]:
    return house.records(root, "nord", "quotations")


def proof(root: Root, number: str, suffix: str) -> Path:
    return quotations.proof_path(root, "nord", number, suffix)


def words(root: Root, number: str) -> str:
    reader = pypdf.PdfReader(io.BytesIO(proof(root, number, "pdf").read_bytes()))
    text = " ".join(page.extract_text() for page in reader.pages)
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").replace("\u202f", " ").split())


def faults(root: Root) -> list[str]:
    """What stands in the way of invoicing the order, as its file and its records are."""
    content = inputs.load(root)
    order = content.orders["nord", "site"].order
    lines = quotations.read(root, "nord")
    found = quotations.faults(root, lines, order, "EUR")
    return [f"{fault.place}: {fault.text}" for fault in found]


def verify(root: Root) -> house.Ran:
    return house.call("verify", root, today=EXPIRED)


# --- issuing -------------------------------------------------------------------------


def test_a_quote_has_a_number_of_its_own_a_page_to_sign_and_a_record(root):
    ran = quote(root)
    assert ran.code == 0, ran
    assert ran.out.startswith("NORD-D2026-0001: quote of site, version 1, 1200.00 EUR")
    (record,) = records(root)
    assert (record["kind"], record["number"], record["order"]) == (
        "quote",
        "NORD-D2026-0001",
        "site",
    )
    assert (record["gross"], record["valid_until"]) == ("1200.00", "2026-12-08")
    assert json.loads((root.data / "counters_quotes/NORD.json").read_bytes()) == {"2026": 1}
    assert not (root.data / "revenues").exists() and not (root.data / "counters").exists()
    text = words(root, "NORD-D2026-0001")
    for part in (
        "DEVIS NORD-D2026-0001",
        "Valable jusqu’au 8 décembre 2026",
        "Objet Site",
        "Total TTC 1 200,00 €",
        "Bon pour accord",
        "Acompte",
        "à la signature",
        "30 %",
        "360,00",
        "art. 1116 et 1117 du code civil",
    ):
        assert part in text, (part, text)
    pdf = proof(root, "NORD-D2026-0001", "pdf").read_bytes()
    assert not list(pypdf.PdfReader(io.BytesIO(pdf)).attachment_list)
    assert oct(proof(root, "NORD-D2026-0001", "pdf").stat().st_mode)[-3:] == "444"
    assert verify(root).code == 0, verify(root)


def test_the_steps_come_to_the_quote_without_vat(tmp_path):
    root = house.build(tmp_path)
    lines = [
        house.one_off("33.33", quantity="3"),
        house.one_off("10.01", vat_rate="10"),
        house.one_off("0.07", vat_rate="5.5"),
    ]
    discounts = [{"description": {"fr": "Remise"}, "percent": "3.33"}]
    steps = [STEPS[0], house.step("milestone", percent="33.33"), STEPS[2]]
    house.put_order(root, house.order("site", "nord", *steps, lines=lines, discounts=discounts))
    assert quote(root).code == 0
    found = json.loads(proof(root, "NORD-D2026-0001", "json").read_bytes())
    cents = [int(step["net"].replace(".", "")) for step in found["steps"]]
    assert sum(cents) == int(found["totals"]["net"].replace(".", ""))
    assert verify(root).code == 0, verify(root)


def test_the_page_says_what_the_rounded_invoices_come_to_where_it_is_not_the_quote(tmp_path):
    root = house.build(tmp_path)
    steps = [house.step("deposit", amount="33.33"), house.step("final")]
    lines = [house.one_off("66.66")]  # 20 % of it is 13.33, of each half 6.67
    house.put_order(root, house.order("site", "nord", *steps, lines=lines))
    assert quote(root).code == 0
    text = words(root, "NORD-D2026-0001")
    assert "Total TTC 79,99 €" in text and "Part Règlement" not in text
    assert "arrondit sa propre TVA : ensemble, elles font 80,00 €." in text
    house.put_order(root, house.order("talk", "nord", *STEPS))
    assert quote(root, "talk").code == 0
    assert "arrondit" not in words(root, "NORD-D2026-0002")


def test_the_quote_of_a_seller_without_vat_says_each_amount_once(tmp_path):
    seller = house.issuer({"vat_regime": "franchise", "party.vat_number": None})
    client = house.client(changes={"vat.treatment": "franchise", "plans": []})
    root = house.build(tmp_path, client, seller=seller)
    steps = [STEPS[0], house.step("final")]
    lines = [house.one_off("600.00", vat_rate="0")]
    house.put_order(root, house.order("site", "nord", *steps, lines=lines))
    assert quote(root).code == 0, quote(root)
    text = words(root, "NORD-D2026-0001")
    assert "TVA non applicable, art. 293 B du CGI Total 600,00 €" in text
    assert "Part Règlement Montant Acompte 30 % à 30 jours 180,00" in text
    assert "Devis NORD-D2026-0001, 600,00 €" in text
    assert "TTC" not in text and "HT" not in text
    assert verify(root).code == 0, verify(root)


def test_the_invoices_to_come_stand_on_the_first_page_where_it_has_room(tmp_path):
    root = house.build(tmp_path)
    lines = [house.one_off() for _ in range(7)]
    house.put_order(root, house.order("site", "nord", *STEPS, lines=lines))
    assert quote(root).code == 0
    pages = pypdf.PdfReader(proof(root, "NORD-D2026-0001", "pdf")).pages
    first, last = (page.extract_text() for page in pages)
    assert "Facturation" in first and "Bon pour accord" in last


def test_a_client_reads_its_language_and_a_private_one_what_protects_it(tmp_path):
    changes = {"language": "en", "party.person": True, "party.siren": None}
    root = house.build(tmp_path, house.client(changes=changes))
    house.put_order(root, house.order("site", "nord", *STEPS))
    assert quote(root).code == 0
    text = words(root, "NORD-D2026-0001")
    for part in ("QUOTE", "Approved and agreed", "Website", "L214-1", "L221-18", "Deposit"):
        assert part in text, (part, text)
    assert "L441-10" not in text


def test_a_changed_order_is_quoted_again_and_the_same_is_not(root):
    assert quote(root).code == 0
    again = quote(root, day=LATER)
    assert again.code == 1
    assert (
        "NORD-D2026-0001 quotes it as it is, and waits for an answer until 2026-12-08" in again.err
    )
    change(root, title={"fr": "Site et blog"})
    second = quote(root, day=LATER)
    assert second.code == 0 and "it supersedes NORD-D2026-0001" in second.out
    assert records(root)[1]["supersedes"] == "NORD-D2026-0001"
    assert "2, remplace NORD-D2026-0001 du 8 novembre 2026" in words(root, "NORD-D2026-0002")
    assert verify(root).code == 0, verify(root)


def test_what_expired_or_was_declined_may_be_offered_again_as_it_was(root):
    assert quote(root).code == 0
    assert quote(root, day=EXPIRED).code == 0
    assert decline(root, "NORD-D2026-0002", EXPIRED).code == 0
    assert quote(root, day=EXPIRED).code == 0
    assert [record["number"][-4:] for record in records(root) if "number" in record] == [
        "0001",
        "0002",
        "0003",
    ]
    assert verify(root).code == 0, verify(root)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"client": "sud"}, 2, '"sud" is not a client; they are nord'),
        ({"order": "blog"}, 2, '"blog" is not an order of nord; they are site'),
        ({"issue_date": "2026-11-09"}, 1, "a quote is not post-dated"),
    ],
)
def test_what_cannot_be_quoted_is_refused_and_nothing_is_written(root, options, code, words):
    before = house.tree(root)
    ran = quote(root, **options)
    assert (ran.code, len(ran.err.splitlines())) == (code, 1), ran
    assert words in ran.err
    assert house.tree(root) == before


# --- answering -----------------------------------------------------------------------


def test_what_was_signed_is_kept_as_a_proof(root, tmp_path):
    assert quote(root).code == 0
    (tmp_path / "scan").write_bytes(PDF)
    ran = accept(root, file=str(tmp_path / "scan"))
    assert ran.code == 0 and "order site may be invoiced" in ran.out
    kept = proof(root, "NORD-D2026-0001", "signed.pdf")
    assert kept.read_bytes() == PDF and oct(kept.stat().st_mode)[-3:] == "444"
    assert verify(root).code == 0, verify(root)
    kept.chmod(0o644)
    kept.write_bytes(PDF + b"!")
    kept.chmod(0o444)
    assert "signed.pdf: was changed" in verify(root).err
    kept.unlink()
    assert "signed.pdf: is missing, but the records have what was signed" in verify(root).err


@pytest.mark.parametrize("kind", ["missing", "folder", "large", "text"])
def test_a_signed_file_that_cannot_be_kept_is_refused(root, tmp_path, kind):
    assert quote(root).code == 0
    before = house.tree(root)
    path = tmp_path / "scan.pdf"
    if kind == "folder":
        path.mkdir()
    elif kind == "large":
        path.touch()
        os.truncate(path, 200_000_000)
    elif kind == "text":
        path.write_bytes(b"Bon pour accord")
    ran = accept(root, file=str(path))
    assert ran.code == 1 and len(ran.err.splitlines()) == 1, ran
    expected = {
        "missing": "is missing",
        "folder": "is not a file",
        "large": "has more than the 20000000 bytes that are read; scan it again, smaller",
        "text": "is not a PDF, JPEG or PNG file",
    }
    assert expected[kind] in ran.err
    assert house.tree(root) == before


def test_a_quote_is_answered_once_and_after_it_expired_too(root):
    assert quote(root).code == 0
    assert accept(root, day=EXPIRED).code == 0
    again = accept(root, day=EXPIRED)
    assert again.code == 1 and "NORD-D2026-0001 was accepted on 2026-12-09" in again.err
    declined = decline(root, day=EXPIRED)
    assert declined.code == 1 and "`make credit-note` takes back what was invoiced" in declined.err
    assert len(records(root)) == 2


def test_what_was_declined_or_superseded_is_not_accepted(root):
    assert quote(root).code == 0
    change(root, title={"fr": "Site et blog"})
    assert quote(root).code == 0
    ran = accept(root)
    assert ran.code == 1
    assert "NORD-D2026-0001 is superseded by NORD-D2026-0002; answer NORD-D2026-0002" in ran.err
    assert decline(root, "NORD-D2026-0002").code == 0
    ran = accept(root, "NORD-D2026-0002")
    assert ran.code == 1 and "was declined on 2026-11-20" in ran.err
    assert "`make quote CLIENT=nord ORDER=site` offers it again" in ran.err
    assert quote(root, day=LATER).code == 0  # the remedy, taken literally


@pytest.mark.parametrize(
    ("number", "options", "words"),
    [
        ("NORD-D2026-0001", {"day": "2026-11-07"}, "2026-11-07 is before NORD-D2026-0001"),
        ("NORD-D2026-0001", {"today": DAY}, "2026-11-20 is in the future (today is 2026-11-08)"),
        ("nord d2026 1", {}, "these wait for an answer: NORD-D2026-0001"),
        ("NORD-2026-0001", {}, '"NORD-2026-0001" is not a quote of ours'),
    ],
)
def test_an_acceptance_of_no_quote_or_on_no_day_is_refused(root, number, options, words):
    assert quote(root).code == 0
    before = house.tree(root)
    ran = accept(root, number, **options)
    assert ran.code == 1 and words in ran.err, ran
    assert house.tree(root) == before


# --- what was accepted ---------------------------------------------------------------


def test_an_order_is_invoiced_as_it_was_accepted_or_without_a_quote(root):
    assert faults(root) == []
    assert quote(root).code == 0
    assert faults(root) == [
        "ORDER: NORD-D2026-0001 waits for an answer; record the answer:"
        " `make accept QUOTE=NORD-D2026-0001 DATE=...`, or `make decline QUOTE=NORD-D2026-0001`"
    ]
    assert accept(root).code == 0
    assert faults(root) == []
    change(root, note={"fr": "Merci"}, purchase_order="PO-7", valid_days=60)
    assert faults(root) == []


def test_what_changed_since_it_was_accepted_is_named(root):
    assert quote(root).code == 0 and accept(root).code == 0
    lines = [house.one_off("600.00"), house.one_off("10.00"), house.one_off("200.00", quantity="3")]
    change(root, lines=lines, title={"fr": "Blog", "en": "Website"})
    first, *others = [text.partition(";")[0] for text in faults(root)]
    assert first == 'title.fr: is "Blog", and NORD-D2026-0001 was accepted with "Site"'
    assert 'lines[1].unit_price: is "10", and NORD-D2026-0001 was accepted with "200"' in others


def test_a_line_that_was_put_in_between_is_named_alone(root):
    assert quote(root).code == 0 and accept(root).code == 0
    added = house.one_off("10.00", description={"fr": "Logo"})
    change(root, lines=[house.one_off("600.00"), added, house.one_off("200.00", quantity="2")])
    (fault,) = [text.partition(";")[0] for text in faults(root)]
    assert fault == 'lines[1]: "Logo" was added after NORD-D2026-0001 was accepted'
    change(root, lines=[house.one_off("200.00", quantity="2")], steps=STEPS[::2])
    found = [text.partition(";")[0] for text in faults(root)]
    assert found == [
        'lines[0]: "Atelier" is gone, and NORD-D2026-0001 was accepted with it',
        'steps[1]: "milestone" is gone, and NORD-D2026-0001 was accepted with it',
    ]


def test_amounts_that_are_typed_another_way_are_the_same(root):
    assert quote(root).code == 0 and accept(root).code == 0
    change(root, lines=[house.one_off("600"), house.one_off("200.0", quantity="2.00")])
    assert faults(root) == []


def test_an_acceptance_stands_while_a_change_is_declined_and_not_while_it_waits(root):
    assert quote(root).code == 0 and accept(root).code == 0
    change(root, lines=[house.one_off("700.00"), house.one_off("200.00", quantity="2")])
    assert quote(root, day=LATER).code == 0
    assert "NORD-D2026-0002 waits for an answer" in faults(root)[0]
    assert decline(root, "NORD-D2026-0002").code == 0
    assert 'is "700", and NORD-D2026-0001 was accepted with "600"' in faults(root)[0]
    change(root)
    assert faults(root) == []
    assert verify(root).code == 0, verify(root)


def test_a_declined_order_is_not_invoiced(root):
    assert quote(root).code == 0 and decline(root).code == 0
    (fault,) = faults(root)
    assert "NORD-D2026-0001 was declined" in fault and "make quote CLIENT=nord" in fault


def test_differences_of_plain_data():
    before = {"a": [1, 2, 3], "b": {"c": None}}
    assert list(quoting.differences(before, before)) == []
    now = {"a": [1, 3], "b": {"c": "x"}, "d": True}
    assert [tuple(one) for one in quoting.differences(before, now)] == [
        ("a[1]", '"2"', None),
        ("b.c", None, '"x"'),
        ("d", None, '"true"'),
    ]


# --- mail, status, logs, backups -----------------------------------------------------


def mails(root: Root) -> list[str]:
    return sorted(path.stem for path in (root.data / "outbox").glob("*.eml"))


def test_a_quote_is_mailed_while_it_waits_and_once(root):
    assert quote(root).code == 0
    assert house.call("send_invoices", root, today=DAY).code == 0
    assert mails(root) == ["quote__nord__NORD-D2026-0001"]
    mail = (root.data / "outbox" / f"{mails(root)[0]}.eml").read_bytes()
    message = email.message_from_bytes(mail, policy=email.policy.default)
    assert message["To"] == "nord@client.example"
    subject = message["Subject"].replace("\N{NO-BREAK SPACE}", " ").replace("\u202f", " ")
    assert subject == "Devis NORD-D2026-0001 : Site, 1 200,00 €"
    body = message.get_body().get_content()
    assert "acompte de 360,00" in body.replace("\N{NO-BREAK SPACE}", " ")
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "NORD-D2026-0001.pdf"
    assert attached.get_content() == proof(root, "NORD-D2026-0001", "pdf").read_bytes()
    change(root, title={"fr": "Blog"})
    assert quote(root, day=LATER).code == 0
    assert house.call("send_invoices", root, today=LATER).code == 0
    assert mails(root) == ["quote__nord__NORD-D2026-0002"]
    assert house.call("send_invoices", root, today=LATER, sent="all").code == 0
    assert house.call("send_invoices", root, today=LATER).code == 0
    assert mails(root) == []
    (record,) = house.records(root, "sent", "outbox")
    assert (record["kind"], record["number"]) == ("quote", "NORD-D2026-0002")
    assert verify(root).code == 0, verify(root)


@pytest.mark.parametrize("case", ["declined", "expired", "no mail", "before MAIL_SINCE"])
def test_a_quote_that_nobody_waits_for_is_not_mailed(root, monkeypatch, case):
    day = DAY
    if case == "no mail":
        house.put_client(root, house.client(changes={"delivery": {"email": False}}))
    assert quote(root).code == 0
    if case == "declined":
        assert decline(root).code == 0
    elif case == "expired":
        day = EXPIRED
    elif case == "before MAIL_SINCE":
        monkeypatch.setenv("MAIL_SINCE", LATER)
    assert house.call("send_invoices", root, today=day).code == 0
    assert mails(root) == []


def test_the_status_lists_what_waits_and_what_has_expired(root):
    house.put_order(root, house.order("blog", "nord"))
    assert quote(root).code == 0 and quote(root, "blog", LATER).code == 0
    shown = house.call("show_status", root, today=EXPIRED, month="2026-11").out
    rows = [line.split() for line in shown.splitlines() if line.startswith("NORD-D")]
    assert rows == [
        ["NORD-D2026-0001", "nord", "site", "expired", "2026-12-08", "1200.00"],
        ["NORD-D2026-0002", "nord", "blog", "waiting", "2026-12-20", "1200.00"],
    ]
    assert accept(root).code == 0 and decline(root, "NORD-D2026-0002", EXPIRED).code == 0
    shown = house.call("show_status", root, today=EXPIRED, month="2026-11").out
    assert "NORD-D" not in shown


def test_logs_and_backups_have_quotes(root, tmp_path, monkeypatch):
    (tmp_path / "scan").write_bytes(PDF)
    assert quote(root).code == 0 and accept(root, file=str(tmp_path / "scan")).code == 0
    monkeypatch.setenv("REASON", "too much")
    log = house.call("show_logs", root, client="nord").out
    assert "NORD-D2026-0001: quote of site" in log and "accepted on 2026-11-20" in log
    (tmp_path / "kept").mkdir()
    assert house.call("back_up", root, to=str(tmp_path / "kept"), today=EXPIRED).code == 0
    (backup,) = (tmp_path / "kept").glob("*.tar")
    with tarfile.open(backup) as archive:
        names = archive.getnames()
    for name in (
        "data/quotations/nord.jsonl",
        "data/heads/quotations/nord.json",
        "data/counters_quotes/NORD.json",
        "data/quotes/nord/2026/NORD-D2026-0001.json",
        "data/quotes/nord/2026/NORD-D2026-0001.pdf",
        "data/quotes/nord/2026/NORD-D2026-0001.signed.pdf",
        "data/orders/nord/site.json",
    ):
        assert name in names, (name, names)


# --- tampering -----------------------------------------------------------------------


def rewrite(root: Root, *facts: dict[str, Any]) -> None:
    """Lays the record file down again, with these facts, their hashes and their head."""
    path = root.data / "quotations/nord.jsonl"
    new = chains.extend(chains.empty(path), list(facts))
    path.write_bytes(new.lines)
    (root.data / "heads/quotations/nord.json").write_bytes(chains.head_bytes(new.seq, new.hash))


def facts(root: Root) -> list[dict[str, Any]]:
    chained = ("seq", "prev", "hash")
    return [{key: line[key] for key in line if key not in chained} for line in records(root)]


@pytest.mark.parametrize(
    ("change_facts", "words"),
    [
        (lambda a, b, c: [a, b, {**c, "date": "2026-11-07"}], "before NORD-D2026-0002 was issued"),
        (lambda a, b, c: [a, b, c, c], "answers NORD-D2026-0002, which was answered already"),
        (lambda a, b, c: [a, b, {**c, "quote": "NORD-D2026-0001"}], "which was superseded"),
        (lambda a, b, c: [a, b, {**c, "quote": "NORD-D2026-0009"}], "is not a quote before it"),
        (lambda a, b, c: [a, {**b, "version": 3}, c], "is version 3, others are missing"),
        (
            lambda a, b, c: [a, {**b, "supersedes": "NORD-D2026-0007"}, c],
            "supersedes another quote than",
        ),
        (lambda a, b, c: [a, {**b, "gross": "1.00"}, c], "gross is "),
        (lambda a, b, c: [a, {**b, "number": "NORD-D2026-0003"}, c], "a gap or a double"),
        (lambda a, b, c: [{**a, "client": "sud"}, b, c], "belongs to sud"),
        (lambda a, b, c: [a, b, {**c, "signed_sha256": "0" * 64}], "signed.pdf: was changed"),
        (lambda a, b, c: [a, b], "signed.pdf: no record knows it"),
        (lambda a, b, c: [a, b, {**c, "kind": "maybe"}], "is not a record"),
    ],
)
def test_records_that_were_rewritten_are_named(root, tmp_path, change_facts, words):
    (tmp_path / "scan").write_bytes(PDF)
    assert quote(root).code == 0
    change(root, title={"fr": "Blog"})
    assert quote(root).code == 0
    assert accept(root, "NORD-D2026-0002", file=str(tmp_path / "scan")).code == 0
    rewrite(root, *change_facts(*facts(root)))
    ran = verify(root)
    assert ran.code == 3 and words in ran.err, ran


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("data/quotes/nord/2026/NORD-D2026-0001.pdf", "was changed"),
        ("data/quotes/nord/2026/NORD-D2026-0001.json", "was changed"),
        ("data/quotes/nord/2026/NORD-D2026-0002.pdf", "no record knows it"),
        ("data/counters_quotes/NORD.json", "disagrees with the records"),
        ("data/quotations/nord.jsonl", "is cut in half"),
    ],
)
def test_files_that_were_changed_or_added_are_named(root, name, words):
    assert quote(root).code == 0
    path = root.path / name
    if path.exists():
        path.chmod(0o644)
    house.write(root, name, b"other")
    if "quotes/nord" in name:
        path.chmod(0o444)
    ran = verify(root)
    assert ran.code == 3 and f"{name}: " in ran.err and words in ran.err, ran


def test_a_page_that_its_document_does_not_give_is_named(root):
    assert quote(root).code == 0
    path = proof(root, "NORD-D2026-0001", "pdf")
    other = path.read_bytes() + b"%"
    path.chmod(0o644)
    path.write_bytes(other)
    path.chmod(0o444)
    (fact,) = facts(root)
    rewrite(root, {**fact, "pdf_sha256": storage.sha256(other)})
    ran = verify(root)
    assert ran.code == 3 and "rendered again, it has other bytes" in ran.err, ran


# --- what is invoiced ----------------------------------------------------------------


def invoice(root: Root, day: str = LATER, **options: str) -> house.Ran:
    options = {"client": "nord", "order": "site", "today": day} | options
    return house.call("invoice_order", root, **options)


def test_what_was_quoted_is_invoiced_step_by_step_to_the_cent(tmp_path):
    root = house.build(tmp_path)
    lines = [
        house.one_off("33.33", quantity="3"),
        house.one_off("10.01", vat_rate="10"),
        house.one_off("77.77", vat_rate="5.5"),
    ]
    steps = [
        house.step("deposit", percent="33.33"),
        house.step("milestone", percent="17.5"),
        house.step("final"),
    ]
    house.put_order(root, house.order("site", "nord", *steps, lines=lines))
    assert quote(root).code == 0 and accept(root).code == 0
    quoted = json.loads(proof(root, "NORD-D2026-0001", "json").read_bytes())
    for step in ("deposit", "milestone", "final"):
        ran = invoice(root, step=step)
        assert ran.code == 0, ran
    issued = [
        (record["net"], record["vat"], record["gross"]) for record in house.records(root, "nord")
    ]
    assert issued == [(step["net"], step["vat"], step["gross"]) for step in quoted["steps"]]
    assert verify(root).code == 0, verify(root)


def test_an_order_that_is_not_what_was_accepted_is_not_invoiced(root):
    assert quote(root).code == 0
    waiting = invoice(root)
    assert waiting.code == 1 and "NORD-D2026-0001 waits for an answer" in waiting.err
    assert accept(root).code == 0
    lines = [house.one_off("600.00"), house.one_off("250.00", quantity="2")]
    change(root, lines=lines)
    changed = invoice(root)
    assert changed.code == 1 and changed.err.startswith(
        'data/orders/nord/site.json: lines[1].unit_price: is "250", and NORD-D2026-0001 was'
        ' accepted with "200"; put it back, or quote the change:'
        " `make quote CLIENT=nord ORDER=site`"
    )
    assert not house.records(root, "nord")
    assert quote(root, day=LATER).code == 0 and accept(root, "NORD-D2026-0002").code == 0
    assert invoice(root).code == 0
    assert verify(root).code == 0, verify(root)


def test_verify_names_an_invoice_of_an_order_that_was_not_accepted_so(root):
    assert quote(root).code == 0 and accept(root).code == 0
    assert invoice(root).code == 0
    quoted, accepted = facts(root)
    rewrite(root, quoted, {**accepted, "date": "2026-11-21"})
    ran = verify(root)
    assert ran.code == 3
    assert "NORD-2026-0001 invoices order site as no accepted quote has it" in ran.err


def test_a_closed_client_is_quoted_nothing(root):
    house.put_client(root, house.client(changes={"status": "closed"}))
    ran = quote(root)
    assert ran.code == 1 and "is closed: nothing is quoted or invoiced" in ran.err


def test_the_summary_counts_quotes_and_answers(root):
    assert quote(root).code == 0 and accept(root).code == 0
    ran = house.call("send_alerts", root, command="month", today=LATER)
    assert "2 quotes issued or answered" in ran.err, ran


_PLAIN = st.recursive(
    st.booleans() | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=8,
)


@given(_PLAIN, _PLAIN)
def test_there_is_a_difference_where_values_differ_and_none_where_they_do_not(before, now):
    assert not list(quoting.differences(before, before))
    if storage.canonical_json(before) != storage.canonical_json(now):
        assert list(quoting.differences(before, now))


def test_a_quote_is_not_declined_before_it_was_issued(root):
    assert quote(root, day=LATER).code == 0
    ran = decline(root, day=DAY)
    assert ran.code == 1 and "2026-11-08 is before NORD-D2026-0001 was issued" in ran.err
    assert len(records(root)) == 1
