"""Reminders: which level when, what it claims, and nothing to whoever has paid meanwhile."""

import shutil
from datetime import date, timedelta
from decimal import Decimal
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import stdnum.luhn

import books
import house
import past
import post
import test_invoice_pdf
from lib.core.root import Root
from lib.mail import letters, outbox, reminders
from lib.values import mentions
from lib.values.speech import Speech

AFTER = {"polite": 7, "firm": 21, "formal": 45}
DUE = date(2026, 12, 8)


@pytest.fixture(scope="module")
def issued(tmp_path_factory: Any) -> Root:
    """76.80 due on 8 December by a French business, an English one, and a private person.

    Each has got the invoice.
    """
    root = house.build(
        tmp_path_factory.mktemp("issued") / "root",
        house.client("nord"),
        house.client("sud", {"language": "en"}, i=2),
        house.client("pia", {"party.person": True, "party.siren": None}, i=3),
        seller=house.issuer({"reminders": AFTER}),
    )
    assert house.month(root).code == 0
    with post.office() as server, mock.patch.dict("os.environ", served_by(server)):
        assert house.call("send_invoices", root, today=house.TODAY).code == 0
    return root


def served_by(server: post.Post) -> dict[str, str]:
    return {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_SECURITY": "none"}


@pytest.fixture
def root(issued: Root, tmp_path: Path) -> Root:
    shutil.copytree(issued.path, tmp_path / "root")
    return Root((tmp_path / "root").resolve())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    with post.office() as made:
        for name, value in served_by(made).items():
            monkeypatch.setenv(name, value)
        yield made


def remind(root: Root, day: str, **options: str) -> house.Ran:
    return house.call("send_reminders", root, **{"today": day, **options})


def subjects(server: post.Post, client: str) -> list[str]:
    return [str(one.message["Subject"]) for one in server.of(f"{client}@client.example")]


def only(root: Root, level: str) -> None:
    """issuer.json has one level."""
    house.write(root, "issuer.json", house.issuer({"reminders": {level: AFTER[level]}}))


def text_of(root: Root, client: str, level: str) -> str:
    path = outbox.folder(root) / f"reminder__{client}__{client.upper()}-2026-0001__{level}.eml"
    made = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
    return str(made.get_body().get_content())


# --- the rules ---------------------------------------------------------------------------


def level_on(days: int, after: dict[str, int], **had: int) -> str:
    """The level due so many days after the due date; `had` says on which day each one went."""
    went = {level: DUE + timedelta(day) for level, day in had.items()}
    return reminders.level_due(DUE, DUE + timedelta(days), after, went)


@pytest.mark.parametrize(
    ("days", "had", "level"),
    [
        (6, {}, ""),
        (7, {}, "polite"),
        (20, {"polite": 7}, ""),
        (21, {"polite": 7}, "firm"),
        (44, {"polite": 7, "firm": 21}, ""),
        (45, {"polite": 7, "firm": 21}, "formal"),
        (400, {"polite": 7, "firm": 21, "formal": 45}, ""),
        (30, {"formal": 29}, ""),
        # A house that begins late begins with the first level, and takes its time.
        (400, {}, "polite"),
        (401, {"polite": 400}, ""),
        (413, {"polite": 400}, ""),
        (414, {"polite": 400}, "firm"),
        (437, {"polite": 400, "firm": 414}, ""),
        (438, {"polite": 400, "firm": 414}, "formal"),
        # One that went early, as issuer.json had it then, makes the next no earlier.
        (20, {"polite": 1}, ""),
        (21, {"polite": 1}, "firm"),
    ],
)
def test_the_levels_follow_each_other_with_their_days_between_them(days, had, level):
    assert level_on(days, AFTER, **had) == level


def test_a_level_left_out_is_not_sent():
    assert level_on(400, {"polite": 7}, polite=7) == ""
    assert level_on(400, {"polite": 7, "formal": 45}, polite=400 - 38) == "formal"
    assert level_on(400, {}) == ""


@pytest.mark.parametrize(
    ("outstanding", "rate", "days", "penalty"),
    [
        ("1200.00", "12.15", 45, "17.98"),
        ("76.80", "12.00", 7, "0.18"),
        ("73.00", "10.00", 1, "0.02"),
        ("182.50", "10.00", 1, "0.05"),
        ("18.25", "10.00", 1, "0.01"),  # 0.005
        ("1000.00", "0", 365, "0.00"),
        ("1000.00", "12.00", 365, "120.00"),
    ],
)
def test_the_penalty_is_rate_by_days_rounded_half_up(outstanding, rate, days, penalty):
    found = reminders.late_penalty(Decimal(outstanding), Decimal(rate), days)
    assert found == Decimal(penalty)


def test_a_claim_is_the_invoice_the_penalty_and_the_indemnity():
    late, rate, indemnity = date(2027, 12, 8), Decimal("12.00"), Decimal("40.00")
    owed = (Decimal("100.00"), DUE, late)
    assert reminders.claim(*owed, rate, indemnity).total == Decimal("152.00")
    assert reminders.claim(*owed, Decimal(0), Decimal(0)).total == Decimal("100.00")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_indemnity_claimed_is_the_one_that_invoices_state(language):
    amount = mentions.recovery_indemnity(DUE)
    stated = mentions.mention("recovery_indemnity", DUE, language).text
    shown = Speech(language).round_amount(amount, "EUR").replace("\xa0", " ")
    assert amount > 0 and shown in stated.replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"polite": 7, "firm": 7}, "reminders.firm"),
        ({"polite": 30, "formal": 20}, "reminders.formal"),
        ({"polite": 0}, "reminders.polite"),
        ({"gentle": 3}, "reminders"),
        ({}, "reminders"),
    ],
)
def test_days_that_make_no_order_are_refused(root, given, place):
    house.write(root, "issuer.json", house.issuer({"reminders": given}))
    ran = remind(root, "2026-12-20")
    assert ran.code == 1 and f"issuer.json: {place}" in ran.err


# --- what is sent --------------------------------------------------------------------------


def test_each_level_reaches_a_client_once(root, server):
    for day in ("2026-12-14", "2026-12-15", "2026-12-16", "2026-12-29", "2027-01-30", "2027-03-01"):
        assert remind(root, day).code == 0
    assert subjects(server, "nord") == [
        "Rappel\xa0: facture NORD-2026-0001, échue le 8 décembre 2026",
        "Relance\xa0: facture NORD-2026-0001, impayée depuis le 8 décembre 2026",
        "Mise en demeure\xa0: facture NORD-2026-0001, échue le 8 décembre 2026",
    ]
    assert [subject.partition(":")[0] for subject in subjects(server, "sud")] == [
        "Reminder",
        "Overdue",
        "Formal notice",
    ]
    sent = house.records(root, "sent", "outbox")
    kept = [one for one in sent if (one["kind"], one["client"]) == ("reminder", "nord")]
    assert [one["level"] for one in kept] == ["polite", "firm", "formal"]
    assert [one["date"] for one in kept] == ["2026-12-15", "2026-12-29", "2027-01-30"]


def test_a_business_gets_outstanding_penalty_indemnity_and_total(root):
    only(root, "formal")
    books.pay(root, "NORD-2026-0001", "26.80")
    remind(root, "2027-01-30")
    text = text_of(root, "nord", "formal")
    # 50.00 x 12 % x 53 / 365 = 0.8712
    for phrase in (
        "Total TTC : 76,80 €",
        "Déjà réglé ou déduit : 26,80 €",
        "Reste à payer : 50,00 €",
        "(53 jours de retard)",
        "Pénalités de retard (12\u202f% par an, 53 jours) : 0,87 €",
        "Indemnité forfaitaire pour frais de recouvrement : 40,00 €",
        "Total dû au 30 janvier 2027 : 90,87 €",
        "mettons en demeure de nous régler la somme de 90,87 € au plus tard le 7 février 2027",
        "le solde de la facture",
        "art. L441-10 du code de commerce",
        "FR76 3000 6000 0112 3456 7890 189",
    ):
        assert phrase in text.replace("\xa0", " ")


def test_an_english_client_is_reminded_in_english_with_the_invoice(root, server):
    remind(root, "2026-12-15")
    (got,) = server.of("sud@client.example")
    text = got.message.get_body().get_content()
    for phrase in (
        "Amount outstanding: €76.80",
        "Late payment interest (12% a year, 7 days): €0.18",
        "Fixed compensation for recovery costs: €40.00",
    ):
        assert phrase in text
    (pdf,) = got.message.iter_attachments()
    assert pdf.get_content() == house.proof(root, "sud", "SUD-2026-0001", "pdf").read_bytes()


def test_a_private_person_is_claimed_no_penalty_and_no_indemnity(root):
    only(root, "formal")
    remind(root, "2027-01-30")
    text = text_of(root, "pia", "formal").replace("\xa0", " ")
    assert "la somme de 76,80 €" in text and "art. 1231-6 du code civil" in text
    assert "Indemnité" not in text and "par an" not in text


def test_a_public_body_owes_the_indemnity_and_an_association_the_invoice(tmp_path):
    public = "21440109" + stdnum.luhn.calc_check_digit("21440109")
    root = house.build(
        tmp_path / "root",
        house.client("ville", {"party.siren": public}),
        house.client("asso", {"party.siren": None, "party.taxable": False}),
        seller=house.issuer({"reminders": {"formal": AFTER["formal"]}}),
    )
    assert house.month(root).code == 0
    with post.office() as server, mock.patch.dict("os.environ", served_by(server)):
        assert house.call("send_invoices", root, today=house.TODAY).code == 0
    remind(root, "2027-01-30")
    town = text_of(root, "ville", "formal").replace("\xa0", " ")
    assert "la somme de 116,80 €" in town and "art. L2192-13" in town and "par an" not in town
    club = text_of(root, "asso", "formal").replace("\xa0", " ")
    assert "la somme de 76,80 €" in club and "art. 1231-6" in club and "Indemnité" not in club


def test_the_rate_is_the_one_that_the_invoice_states(root):
    house.write(root, "issuer.json", house.issuer({"reminders": AFTER, "late_penalty_rate": "5"}))
    remind(root, "2026-12-15")
    assert "12\u202f% par an" in text_of(root, "nord", "polite")


def test_whoever_paid_was_credited_or_wants_none_gets_none(root, server):
    books.pay(root, "NORD-2026-0001", "76.80")
    house.put_client(root, house.client("sud", {"delivery": {"reminders": False}}, i=2))
    house.put_client(root, house.client("pia", {"party.email": None}, i=3))
    ran = remind(root, "2026-12-20")
    assert ran.code == 0 and server.received == []
    assert "clients/pia.json: party.email" in ran.err and "sud" not in ran.err


def test_a_payment_of_the_last_moment_stops_its_reminder_or_lowers_it(root, server):
    """The server takes the first reminder while payments for the other two come in."""
    paid = []

    def pay() -> None:
        if not paid:
            paid.append(books.pay(root, "PIA-2026-0001", "76.80").code)
            paid.append(books.pay(root, "SUD-2026-0001", "70.00").code)

    server.when_taken = pay
    ran = remind(root, "2026-12-20")
    assert paid == [0, 0] and ran.code == 0
    assert len(server.of("nord@client.example")) == 1
    left = {"pia": server.of("pia@client.example"), "sud": server.of("sud@client.example")}
    assert left["pia"] == [] and "PIA-2026-0001: settled meanwhile" in ran.out
    (sud,) = left["sud"]
    assert "Amount outstanding: €6.80" in sud.message.get_body().get_content()
    assert list(outbox.folder(root).glob("*.eml")) == []


def test_a_reminder_that_waited_is_not_sent_once_it_is_paid(root, server, monkeypatch):
    with monkeypatch.context() as without:
        without.delenv("SMTP_HOST")
        assert "3 wait" in remind(root, "2026-12-15").out
    books.pay(root, "NORD-2026-0001", "76.80")
    assert remind(root, "2026-12-29").code == 0
    assert subjects(server, "nord") == []
    assert len(subjects(server, "sud")) == 1 and subjects(server, "sud")[0].startswith("Reminder")
    assert list(outbox.folder(root).glob("*.eml")) == []


def test_a_refused_reminder_is_tried_again_and_is_the_same_mail(root, server):
    house.put_client(root, house.client("nord", {"delivery": {"cc": ["b@nord.example"]}}))
    server.refused = {"b@nord.example": "450 later"}
    assert remind(root, "2026-12-15").code == 4
    server.refused = {}
    assert remind(root, "2026-12-16").code == 0
    (first,), (second,) = server.of("nord@client.example"), server.of("b@nord.example")
    assert first.id == second.id and second.recipients == ["b@nord.example"]
    assert remind(root, "2026-12-17").code == 0
    assert len(server.of("b@nord.example")) == 1


def test_a_copy_that_is_refused_for_good_does_not_stop_the_levels(root, server):
    house.put_client(root, house.client("nord", {"delivery": {"cc": ["b@nord.example"]}}))
    server.refused = {"b@nord.example": "550 no such user"}
    for day in ("2026-12-15", "2026-12-29"):
        assert remind(root, day).code == 4
    assert [subject.partition("\xa0")[0] for subject in subjects(server, "nord")] == [
        "Rappel",
        "Relance",
    ]


def test_nobody_is_reminded_of_an_invoice_that_has_not_left(root, server):
    assert house.month(root, "2026-11", "2026-12-08").code == 0  # due on 7 January
    house.put_client(root, house.client("sud", {"delivery": {"email": False}}, i=2))
    for dry in ("1", ""):
        ran = remind(root, "2027-01-20", dry_run=dry)
        assert ran.code == 0
        assert ran.err.count("[I-REMINDER-HELD]") == 2
        for number in ("NORD-2026-0002", "PIA-2026-0002"):
            assert f"{number}: is not reminded of: its own mail has not left" in ran.err
    assert len(server.received) == 4  # the three of October, and the one handed over by hand
    assert house.call("send_invoices", root, today="2027-01-20").code == 0
    assert "I-REMINDER-HELD" not in remind(root, "2027-01-21").err
    assert len(subjects(server, "nord")) == 3  # a reminder, the invoice, its reminder


def test_an_invoice_of_before_mail_since_went_another_way_and_is_reminded_of(
    root, server, monkeypatch
):
    assert house.month(root, "2026-11", "2026-12-08").code == 0
    monkeypatch.setenv("MAIL_SINCE", "2026-12-09")
    assert "I-REMINDER-HELD" not in remind(root, "2027-01-20").err
    assert len(server.received) == 6


def test_without_a_server_reminders_go_on_once_their_mails_went_by_hand(root):
    assert house.month(root, "2026-11", "2026-12-08").code == 0  # due on 7 January
    assert house.call("send_invoices", root, today="2026-12-08").code == 0

    def by_hand(name: str, day: str) -> None:
        assert house.call("send_invoices", root, today=day, sent=name).code == 0

    def waiting() -> list[str]:
        return [path.stem for path in outbox.waiting(root, "reminder") if "0002" in path.stem]

    ran = remind(root, "2027-01-20")
    assert "make mail SENT=invoice__nord__NORD-2026-0002" in ran.err
    by_hand("all", "2027-01-20")
    assert "I-REMINDER-HELD" not in remind(root, "2027-01-21").err
    assert "reminder__nord__NORD-2026-0002__polite" in waiting()
    by_hand("reminder__nord__NORD-2026-0002__polite", "2027-01-21")
    remind(root, "2027-02-10")
    assert "reminder__nord__NORD-2026-0002__firm" in waiting()


def test_a_dry_run_shows_and_changes_nothing(root, server):
    before = house.tree(root)
    ran = remind(root, "2026-12-15", dry_run="1")
    assert ran.code == 0 and "3 reminders would go" in ran.out
    assert "nord@client.example" in ran.out and "polite" in ran.out
    assert house.tree(root) == before and server.received == []


def test_a_letter_is_not_dated_tomorrow(root, server):
    ran = remind(root, "2026-12-15", date="2027-02-01")
    assert ran.code == 1 and "DATE: 2027-02-01 is in the future" in ran.err
    assert "polite" in remind(root, "2026-12-15", date="2027-02-01", dry_run="1").out
    assert server.received == []


def test_without_days_in_issuer_json_nobody_is_reminded(root, server):
    house.write(root, "issuer.json", house.issuer())
    ran = remind(root, "2027-12-15")
    assert ran.code == 0 and "none is sent" in ran.out and server.received == []


def test_make_passes_date_and_dry_run(root):
    words_ = ["reminders", "TODAY=2027-03-01", "DATE=2026-12-15", "DRY_RUN=1"]
    ran = house.make(root, *words_)
    assert ran.code == 0 and "reminders of 2026-12-15" in ran.out
    assert outbox.waiting(root) == []
    assert not (root.flags / "told.json").exists()


@pytest.mark.parametrize(("smallest", "asked"), [(None, 2), ("0.01", 3), ("0.02", 2), ("77", 0)])
def test_nothing_is_asked_for_below_the_smallest_amount(root, server, smallest, asked):
    more = {"smallest": smallest} if smallest else {}
    house.write(root, "issuer.json", house.issuer({"reminders": {**AFTER, **more}}))
    books.pay(root, "NORD-2026-0001", "76.79", "2026-12-09", today="2026-12-15")
    ran = remind(root, "2026-12-15")
    reminded = [one for client in ("nord", "sud", "pia") for one in subjects(server, client)]
    assert ran.code == 0 and len(reminded) == asked, reminded
    left_out = "NORD-2026-0001: 0.01 is less than reminders.smallest in issuer.json"
    assert (left_out in ran.out) == (smallest != "0.01")
    assert "NORD-2026-0001" in house.call("show_overdue", root, today="2026-12-15").out


def test_what_is_written_off_is_not_asked_for(root, server):
    assert (
        books.write_off(
            root, "NORD-2026-0001", "76.80", "bad_debt", large="yes", date="2026-12-15"
        ).code
        == 0
    )
    before = len(subjects(server, "nord"))
    assert remind(root, "2026-12-15").code == 0
    assert len(subjects(server, "nord")) == before and "polite" not in str(subjects(server, "nord"))


@pytest.mark.parametrize(
    ("statuses", "levels"),
    [
        (["200", "205"], ["Rappel", "Relance", "Mise en demeure"]),
        (["200", "207"], ["Rappel", "Relance"]),
        (["200", "207", "205"], ["Rappel", "Relance", "Mise en demeure"]),
        (["200", "210"], []),
        (["213"], []),
    ],
)
def test_what_the_customer_or_the_platform_objects_to(root, server, statuses, levels):
    """A refused or a rejected invoice is not reminded of, a disputed one not formally."""
    number = "NORD-2026-0001"
    said = [
        past.platform_said("nord", number, code, "PU_ERR", hour=10 + i)
        for i, code in enumerate(statuses)
    ]
    past.lay_in(root, "platform", *said)
    for day in ("2026-12-16", "2026-12-30", "2027-01-30"):
        ran = remind(root, day)
        assert ran.code == 0
    assert [subject.partition("\xa0")[0] for subject in subjects(server, "nord")] == levels
    assert len(subjects(server, "sud")) == 3
    held = len(levels) < 3
    assert (f"{number}: is not reminded of: it is" in ran.err) == held


@pytest.mark.parametrize("level", AFTER)
def test_a_reminder_calls_an_invoice_what_its_page_calls_it(level: str) -> None:
    due, day = date(2026, 11, 30), date(2027, 1, 20)
    claim = reminders.claim(Decimal("300.00"), due, day, Decimal("12"), Decimal("40.00"))
    for step_kind, called in (
        ("", "facture"),
        ("deposit", "facture d’acompte"),
        ("milestone", "facture intermédiaire"),
    ):
        document = test_invoice_pdf.make_document(step_kind=step_kind)
        subject, body = letters.reminder(document, level, claim)
        assert f" : {called} ACME-2026-0012, " in subject.replace("\u00a0", " ")
        assert f"la {called} ACME-2026-0012 du" in body
        assert f"notre {called} ACME-2026-0012 du" in letters.document(document).body
