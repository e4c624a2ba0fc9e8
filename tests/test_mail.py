"""Mails against a server that refuses, stalls and hangs up; what they say; what headers hold."""

import itertools
import os
import random
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import batches
import books
import house
import post
from lib.core import lock, storage
from lib.core.root import Root
from lib.mail import letters, mime, outbox
from lib.mail.mime import Attachment, Letter

# The server that checks logins without encryption warns of itself.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

PASSWORD = "correct-horse-9"


@pytest.fixture(scope="module")
def issued(tmp_path_factory: Any) -> Root:
    """Three clients with an invoice each: French with a copy, English, and a private person."""
    root = house.build(
        tmp_path_factory.mktemp("issued") / "root",
        house.client("nord", {"delivery": {"cc": ["direction@nord.example"]}}),
        house.client("sud", {"language": "en"}, i=2),
        house.client("pia", {"party.person": True, "party.siren": None}, i=3),
    )
    assert house.month(root).code == 0
    return root


@pytest.fixture(scope="module")
def in_batches(tmp_path_factory: Any) -> Root:
    """Two batch invoices, one of them to a customer with an e-mail; packed."""
    rows = [batches.row(1, customer_email="un@boulangerie.example"), batches.row(2)]
    root = batches.build(tmp_path_factory.mktemp("batches") / "root", batches.file_of(*rows))
    assert batches.run(root).code == 0
    assert house.call("pack_batches", root).code == 0
    return root


@pytest.fixture
def root(issued: Root, tmp_path: Path) -> Root:
    return copy_of(issued, tmp_path)


@pytest.fixture
def batch_root(in_batches: Root, tmp_path: Path) -> Root:
    return copy_of(in_batches, tmp_path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    with post.office() as made:
        name(monkeypatch, made)
        yield made


def copy_of(root: Root, folder: Path) -> Root:
    shutil.copytree(root.path, folder / "root")
    return Root((folder / "root").resolve())


def name(monkeypatch: pytest.MonkeyPatch, server: post.Post, **more: str) -> None:
    """Names a server in the environment, as `make SMTP_HOST=...` does."""
    for key, value in environment(server, **more).items():
        monkeypatch.setenv(key, value)


def environment(server: post.Post, **more: str) -> dict[str, str]:
    return {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(server.port),
        "SMTP_SECURITY": "none",
        "SMTP_TIMEOUT": "1",
    } | more


def send(root: Root, today: str = house.TODAY) -> house.Ran:
    return house.call("send_invoices", root, today=today)


def waiting(root: Root) -> list[str]:
    return sorted(path.stem for path in outbox.folder(root).glob("*.eml"))


def read(path: Path) -> Any:
    return BytesParser(policy=policy.default).parsebytes(path.read_bytes())


def eml(root: Root, name: str) -> Any:
    return read(outbox.folder(root) / f"{name}.eml")


def sent(root: Root) -> list[dict[str, Any]]:
    return house.records(root, "sent", "outbox")


# --- what went another way ---------------------------------------------------------------


def test_a_mail_that_went_another_way_is_recorded_and_not_sent(root, tmp_path):
    send(root)
    nord, pia, sud = waiting(root)
    house_before = house.tree(root, "data/outbox/", "data/heads/")
    for wanted in (nord, f"data/outbox/{sud}.eml"):
        ran = house.call("send_invoices", root, today=house.TODAY, sent=wanted)
        assert ran.code == 0, ran
    assert waiting(root) == [pia]
    assert [(one["mail"], one["elsewhere"]) for one in sent(root)] == [(nord, True), (sud, True)]
    assert sent(root)[0]["to"] == ["nord@client.example", "direction@nord.example"]
    assert house.tree(root, "data/outbox/", "data/heads/") == house_before
    with post.office() as server, mock.patch.dict(os.environ, environment(server)):
        assert send(root).code == 0
        assert [one.recipients for one in server.received] == [["pia@client.example"]]
    assert house.call("verify", root).code == 0


def test_all_that_waits_may_have_gone_another_way_summaries_and_packages_too(
    batch_root, in_batches, tmp_path
):
    send(batch_root)
    assert summarise(batch_root, tmp_path / "run").code == 0
    kinds = [name.partition("__")[0] for name in waiting(batch_root)]
    assert kinds == ["package", "summary"]
    ran = house.call("send_invoices", batch_root, today=house.TODAY, sent="all")
    assert ran.code == 0, ran
    assert waiting(batch_root) == []
    assert [one["kind"] for one in sent(batch_root)] == kinds
    assert len(list((batch_root.data / "batch_sent").iterdir())) == 1
    send(batch_root)
    assert waiting(batch_root) == []


def test_a_mail_that_does_not_wait_is_named_with_those_that_do(root):
    send(root)
    ran = house.make(root, "mail", "SENT=invoice__nord__NORD-2026-0009")
    assert ran.code == 2
    assert "[B-MAIL-UNKNOWN]" in ran.err
    assert ", ".join(waiting(root)) in ran.err
    assert not sent(root)


# --- what is sent, and to whom ---------------------------------------------------------


def test_without_a_server_every_mail_waits_as_the_same_file_always(root):
    ran = send(root)
    assert ran.code == 0 and "3 wait" in ran.out
    assert len(waiting(root)) == 3
    before = house.tree(root)
    for path in outbox.folder(root).glob("*.eml"):
        path.unlink()
    send(root, today="2026-12-24")
    assert house.tree(root) == before
    assert not any("Date" in eml(root, name) for name in waiting(root))


def test_a_mail_reaches_client_and_copy_with_the_pdf_that_was_issued(root, server):
    assert send(root).code == 0
    (got,) = server.of("nord@client.example")
    assert got.recipients == ["nord@client.example", "direction@nord.example"]
    assert got.message["To"] == "nord@client.example"
    assert got.message["Cc"] == "direction@nord.example"
    assert got.message["From"] == "Atelier du Nord <compta@atelier.example>"
    assert got.sender == "compta@atelier.example"
    assert got.message["Date"] is not None
    (pdf,) = got.message.iter_attachments()
    assert pdf.get_filename() == "NORD-2026-0001.pdf"
    assert pdf.get_content() == house.proof(root, "nord", "NORD-2026-0001", "pdf").read_bytes()
    assert waiting(root) == []


@pytest.mark.parametrize(
    ("client", "subject", "phrases"),
    [
        (
            "nord",
            "Facture NORD-2026-0001\xa0: 76,80\xa0€, échéance le 8 décembre 2026",
            [
                "Net à payer\xa0: 76,80\xa0€",
                "Échéance\xa0: 8 décembre 2026",
                "Référence à indiquer",
            ],
        ),
        (
            "sud",
            "Invoice SUD-2026-0001: €76.80, due 8 December 2026",
            ["Amount due: €76.80", "Due date: 8 December 2026", "Reference to quote"],
        ),
    ],
)
def test_the_text_names_all_that_is_needed_to_pay(root, client, subject, phrases):
    send(root)
    made = eml(root, f"invoice__{client}__{client.upper()}-2026-0001")
    text = made.get_body().get_content()
    assert made["Subject"] == subject
    for phrase in [*phrases, f"{client.upper()}-2026-0001", "FR76 3000 6000 0112 3456 7890 189"]:
        assert phrase in text
    reference = house.issued(root, client, f"{client.upper()}-2026-0001").payment_reference
    assert reference in text.replace(" ", "")


def test_a_second_run_sends_nothing_again_and_a_new_copy_gets_no_old_mail(root, server):
    send(root)
    house.put_client(root, house.client("nord", {"delivery": {"cc": ["new@nord.example"]}}))
    ran = send(root)
    assert ran.code == 0 and "0 mails sent, none waits" in ran.out
    assert len(server.received) == 3 == len(sent(root))


def test_a_client_without_mail_gets_none_and_one_without_address_is_reported(root, server):
    house.put_client(root, house.client("nord", {"delivery": {"email": False}}))
    house.put_client(root, house.client("sud", {"party.email": None}, i=2))
    ran = send(root)
    assert ran.code == 0
    assert [one.recipients for one in server.received] == [["pia@client.example"]]
    assert "clients/sud.json: party.email: has no address to mail 1 document to; add one" in ran.err
    assert "[I-NO-EMAIL]" in ran.err and "nord" not in ran.err


def test_a_closed_client_and_a_credit_note_are_served_too(root, server):
    send(root)
    os.environ["REASON"] = "Erreur de prix"
    try:
        options = {"invoice": "NORD-2026-0001", "issue_date": house.TODAY, "today": house.TODAY}
        assert house.call("issue_credit_note", root, **options).code == 0
    finally:
        del os.environ["REASON"]
    house.put_client(root, house.client("nord", {"status": "closed"}))
    assert send(root).code == 0
    (got,) = server.received[3:]
    assert got.message["Subject"] == (
        "Avoir NORD-2026-0002 sur la facture NORD-2026-0001\xa0: 76,80\xa0€"
    )
    assert "Motif\xa0: Erreur de prix" in got.message.get_body().get_content()


def test_documents_of_before_mail_since_are_left_alone(root, server, monkeypatch):
    monkeypatch.setenv("MAIL_SINCE", "2026-11-09")
    assert send(root).code == 0
    assert server.received == []
    monkeypatch.setenv("MAIL_SINCE", "2026-11-08")
    send(root)
    assert len(server.received) == 3


def test_a_changed_pdf_is_never_sent(root, server):
    pdf = house.proof(root, "sud", "SUD-2026-0001", "pdf")
    pdf.chmod(0o600)
    pdf.write_bytes(pdf.read_bytes() + b" ")
    ran = send(root)
    assert ran.code == 3 and "[B-PROOF-CHANGED]" in ran.err
    assert server.received == []


# --- batches -----------------------------------------------------------------------------


def test_a_package_is_attached_and_what_was_sent_is_a_proof(batch_root, server):
    assert send(batch_root).code == 0
    (got,) = server.of("compta@fil.example")
    (attached,) = got.message.iter_attachments()
    data = attached.get_content()
    assert data == (batch_root.downloads / "fil__2026-10.zip").read_bytes()
    (kept,) = (batch_root.data / "batch_sent").iterdir()
    assert kept.name == f"fil__2026-10__{storage.sha256(data)[:12]}.zip"
    assert kept.read_bytes() == data and kept.stat().st_mode & 0o777 == 0o444
    assert sent(batch_root)[0]["package_sha256"] == storage.sha256(data)
    assert "2 invoices" in got.message["Subject"]
    assert not server.of("un@boulangerie.example")


def test_a_large_package_is_named_and_kept_all_the_same(batch_root, server, monkeypatch):
    monkeypatch.setenv("MAIL_MAX_ATTACHMENT", "1000")
    send(batch_root)
    (got,) = server.received
    assert list(got.message.iter_attachments()) == []
    assert "downloads/fil__2026-10.zip" in got.message.get_body().get_content()
    assert len(list((batch_root.data / "batch_sent").iterdir())) == 1


def test_a_package_of_other_documents_is_not_sent(batch_root, server):
    path = batch_root.downloads / "fil__2026-10.zip"
    with zipfile.ZipFile(path) as package:
        comment, manifest = package.comment, package.read("manifest.csv")
    with zipfile.ZipFile(path, "w") as package:
        package.comment = comment
        package.writestr("manifest.csv", manifest)
        package.writestr("FIL-2026-0001.pdf", b"another")
    ran = send(batch_root)
    assert ran.code == 3 and "[B-PACKAGE-CHANGED]" in ran.err
    assert server.received == []


def test_customers_get_their_batch_invoice_and_answer_to_the_seller(batch_root, server):
    wanted = {"delivery": {"zip": False, "email_customers": True}}
    house.write(batch_root, "batch_clients/fil.json", batches.client(wanted))
    ran = send(batch_root)
    assert ran.code == 0
    (got,) = server.received
    assert got.recipients == ["un@boulangerie.example"]
    assert got.message["Reply-To"] == "compta@fil.example"
    assert got.message["From"].addresses[0].addr_spec == "compta@atelier.example"
    assert "on behalf of Atelier Fil & Plume" in (got.message.get_body().get_content())
    assert "not mailed, as the CSV has no e-mail for them: 1 document" in ran.err


# --- a server that fails -----------------------------------------------------------------


def test_a_server_that_is_down_leaves_all_waiting_for_the_next_run(root, monkeypatch):
    with post.office() as server:
        name(monkeypatch, server)
    ran = send(root)
    assert ran.code == 4
    assert ran.err.count("[B-MAIL-SERVER]") == 1 == len(ran.err.splitlines())
    assert len(waiting(root)) == 3 and sent(root) == []
    with post.office() as server:
        name(monkeypatch, server)
        assert send(root).code == 0
        assert len(server.received) == 3


def test_one_refused_recipient_is_reported_and_tried_again_alone(root, server):
    server.refused = {"direction@nord.example": "550 5.1.1 no such user"}
    ran = send(root)
    assert ran.code == 4
    assert "direction@nord.example is refused by 127.0.0.1: 550 5.1.1 no such user" in ran.err
    assert [one.recipients for one in server.of("nord@client.example")] == [["nord@client.example"]]
    assert len(server.received) == 3
    assert waiting(root) == ["invoice__nord__NORD-2026-0001"]
    record = next(one for one in sent(root) if one["client"] == "nord")
    assert record["to"] == ["nord@client.example"]
    assert record["refused"] == ["direction@nord.example"]
    assert send(root).code == 4
    server.refused = {}
    assert send(root).code == 0
    first, second = (
        server.of("nord@client.example")[0],
        server.of("direction@nord.example")[0],
    )
    assert second.recipients == ["direction@nord.example"] and first.id == second.id
    assert len(server.received) == 4 and waiting(root) == []


def test_a_corrected_address_gets_what_the_wrong_one_did_not(root, server):
    server.refused = {"sud@client.example": "550 unknown"}
    assert send(root).code == 4
    house.put_client(root, house.client("sud", {"party.email": ["right@sud.example"]}, i=2))
    assert send(root).code == 0
    assert len(server.of("right@sud.example")) == 1


@pytest.mark.parametrize("failure", ["stalls", "hangs_up_in_data", "hangs_up_after_data"])
def test_one_failing_mail_stops_no_other_and_goes_with_the_next_run(root, server, failure):
    getattr(server, failure).add("pia@client.example")
    ran = send(root)
    assert ran.code == 4 and ran.err.count("[B-MAIL-FAILED]") == 1
    assert "pia" in ran.err
    assert len(server.of("nord@client.example")) == len(server.of("sud@client.example")) == 1
    assert waiting(root) == ["invoice__pia__PIA-2026-0001"]
    getattr(server, failure).clear()
    assert send(root).code == 0
    assert len({one.id for one in server.of("pia@client.example")}) == 1
    assert len(sent(root)) == 3


@pytest.mark.parametrize("word", ["", "EHLO", "MAIL", "."])
def test_a_server_that_never_ends_what_it_says_is_left(root, monkeypatch, word):
    monkeypatch.setattr(outbox, "_MOST_BROKEN", 1)
    line = b"%d-%s\r\n" % (250 if word else 220, b"x" * 1000)
    with post.rude(word, itertools.repeat(line), most=64_000_000) as server:
        name(monkeypatch, server, SMTP_TIMEOUT="20")
        ran = send(root)
    assert ran.code == 4
    assert "says more than 65536 bytes and does not end" in ran.err
    assert server.said < 32_000_000  # what the buffers of the machine hold of it
    assert len(waiting(root)) == 3


@pytest.mark.parametrize("word", ["", "EHLO", "MAIL", "."])
def test_a_server_that_answers_byte_by_byte_has_one_deadline(root, monkeypatch, word):
    def drip():
        for byte in b"250-" + b"x" * 60:
            time.sleep(0.1)  # well within SMTP_TIMEOUT
            yield bytes([byte])

    monkeypatch.setattr(outbox, "_MOST_BROKEN", 1)
    with post.rude(word, drip(), most=1000) as server:
        name(monkeypatch, server)
        ran = send(root)
    assert ran.code == 4
    assert "does not answer in time (SMTP_TIMEOUT is 1 s)" in ran.err
    assert 5 < server.said < 40
    assert len(waiting(root)) == 3


def test_a_mail_that_is_refused_after_its_data_waits(root, server):
    server.answer = "554 5.7.1 looks like spam"
    ran = send(root)
    assert ran.code == 4 and ran.err.count("554 5.7.1 looks like spam") == 3
    assert len(waiting(root)) == 3 and sent(root) == []


def test_a_server_that_only_hangs_up_is_given_up(root, server, monkeypatch):
    monkeypatch.setattr(outbox, "_MOST_BROKEN", 2)
    server.hangs_up_in_data = {f"{client}@client.example" for client in ("nord", "sud", "pia")}
    ran = send(root)
    assert ran.code == 4 and ran.err.count("[B-MAIL-FAILED]") == 2
    assert ran.err.count("[B-MAIL-SERVER]") == 1


def test_a_slow_server_keeps_no_payment_waiting(root, server):
    taken, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        taken.set()
        assert go_on.wait(10)

    server.when_taken = hold
    sender = subprocess.Popen(
        [
            sys.executable,
            str(house.SCRIPTS / "send_invoices.py"),
            f"--root={root.path}",
            f"--today={house.TODAY}",
        ],
        env=os.environ | {"SMTP_TIMEOUT": "20"},
        stdout=subprocess.DEVNULL,
    )
    try:
        assert taken.wait(20)
        with lock.exclusive(root, "a payment", 0):
            pass
    finally:
        go_on.set()
        assert sender.wait(20) == 0


def test_two_senders_at_once_send_each_mail_once(root, server):
    command = [sys.executable, str(house.SCRIPTS / "send_invoices.py"), f"--root={root.path}"]
    both = [
        subprocess.Popen([*command, f"--today={house.TODAY}"], stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [one.wait(30) for one in both] == [0, 0]
    assert len(server.received) == 3


# --- summaries, and what waits ----------------------------------------------------------------


def summarise(root: Root, folder: Path) -> house.Ran:
    """The end of `make month`."""
    folder.mkdir(exist_ok=True)
    run = {"command": "month", "run": str(folder), "today": house.TODAY}
    return house.call("send_alerts", root, **run)


def test_a_summary_that_waits_leaves_with_the_other_mails_once(root, tmp_path, monkeypatch):
    monkeypatch.setenv("ALERT_TO", "boss@example.org")
    summarise(root, tmp_path / "run")
    (waits,) = outbox.waiting(root, outbox.SUMMARY)
    data = waits.read_bytes()
    with post.office() as server:
        name(monkeypatch, server)
        assert send(root).code == 0
        (got,) = server.of("boss@example.org")
        assert got.data.partition(b"\r\n")[2] == data
        assert send(root).code == 0
        assert summarise(root, tmp_path / "run").code == 0
        (told,) = server.of("boss@example.org")[1:]
    assert told.message["Subject"] == "month: 3 mails sent"  # itself is no news


def test_every_command_counts_the_mails_that_wait_alike(root, tmp_path, monkeypatch):
    monkeypatch.setenv("ALERT_TO", "boss@example.org")
    assert "0 mails sent, 3 wait in data/outbox/" in send(root).out
    assert "0 mails sent, 4 wait in data/outbox/" in summarise(root, tmp_path / "run").out
    assert "0 mails sent, 4 wait in data/outbox/" in send(root).out
    shown = house.call("show_status", root, today=house.TODAY, month=house.MONTH)
    assert re.search(r"^mails +4 waiting$", shown.out, re.M)
    with post.office() as server:
        name(monkeypatch, server)
        server.refused = {"direction@nord.example": "550 no", "pia@client.example": "550 no"}
        assert "3 mails sent, 2 wait in data/outbox/" in send(root).out


# --- a sender that is killed ---------------------------------------------------------------


def test_killed_at_random_no_mail_is_lost_and_a_kill_doubles_one_at_the_most(root, server):
    chance = random.Random(5)
    kills = sum(books.killed_at(chance.randint(5, 60), lambda: send(root)) for _ in range(8))
    assert kills > 3
    assert send(root).code == 0
    counts = Counter(one.id for one in server.received)
    assert len(counts) == 3 == len(sent(root))
    assert sum(counts.values()) - 3 <= kills
    assert waiting(root) == []


def test_killed_when_the_server_has_taken_a_mail_that_one_alone_goes_again(root, server):
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            send(root)
        finally:
            os._exit(0)
    seen: list[int] = []

    def kill_at_the_second() -> None:
        seen.append(1)
        if len(seen) == 2:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    server.when_taken = kill_at_the_second
    deadline = time.monotonic() + 20
    while len(seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.05)
    assert len(sent(root)) == 1
    assert send(root).code == 0
    counts = Counter(one.id for one in server.received)
    assert sorted(counts.values()) == [1, 1, 2]
    twice = [one for one in server.received if counts[one.id] == 2]
    assert twice[0].data.partition(b"\r\n")[2] == twice[1].data.partition(b"\r\n")[2]


# --- encryption and passwords ----------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def context_of(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_encrypted_server_with_a_login_takes_mails(root, authority, monkeypatch, security):
    authority.cert_pem.write_to_path(str(root.path / "ca.pem"))
    with post.office(**{security: context_of(authority)}, login=("us", PASSWORD)) as server:
        login = {"SMTP_USER": "us", "SMTP_PASSWORD": PASSWORD, "SMTP_CA_FILE": "ca.pem"}
        name(monkeypatch, server, SMTP_SECURITY=security, **login)
        assert send(root).code == 0
        assert len(server.received) == 3


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", ["unknown authority", "another host"])
def test_an_untrusted_certificate_gets_no_mail(root, authority, monkeypatch, security, wrong):
    host = "127.0.0.1" if wrong == "unknown authority" else "mail.example"
    if wrong == "another host":
        authority.cert_pem.write_to_path(str(root.path / "ca.pem"))
        monkeypatch.setenv("SMTP_CA_FILE", "ca.pem")
    with post.office(**{security: context_of(authority, host)}) as server:
        name(monkeypatch, server, SMTP_SECURITY=security)
        ran = send(root)
        assert ran.code == 4 and "certificate that cannot be trusted" in ran.err
        assert server.received == []


def test_a_server_that_offers_no_encryption_gets_neither_mail_nor_password(root, monkeypatch):
    with post.office(login=("us", PASSWORD)) as server:
        login = {"SMTP_USER": "us", "SMTP_PASSWORD": PASSWORD}
        name(monkeypatch, server, SMTP_SECURITY="starttls", **login)
        ran = send(root)
        assert ran.code == 4 and "STARTTLS" in ran.err
        assert server.received == []


def test_a_password_is_in_no_message_and_no_log(root, monkeypatch):
    with post.office(login=("us", "another")) as server:
        name(monkeypatch, server, SMTP_USER="us", SMTP_PASSWORD=PASSWORD)
        ran = send(root)
    assert ran.code == 4 and "refuses the login (535)" in ran.err
    logs = "".join(path.read_text() for path in root.logs.iterdir())
    assert PASSWORD not in ran.out + ran.err + logs


def test_settings_that_cannot_be_are_refused_without_the_password(root):
    lines = [
        "SMTP_HOST=smtp.example.org",
        "SMTP_SECURITY=none",
        "SMTP_USER=us",
        f"SMTP_PASSWORD={PASSWORD}é",
        "SMTP_TIMEOUT=0",
        "MAIL_FROM=us",
        "ALERT_TO=a@b.example, c",
        "MAIL_SINCE=2026-13-01",
        "SMTP_CA_FILE=nowhere.pem",
    ]
    house.write(root, ".env", "\n".join(lines).encode())
    ran = send(root)
    assert ran.code == 1
    for place in ("MAIL_FROM", "ALERT_TO", "MAIL_SINCE", "SMTP_PASSWORD", "SMTP_TIMEOUT"):
        assert f".env: {place}: " in ran.err
    assert "in the clear" in ran.err and "SMTP_CA_FILE" in ran.err
    assert PASSWORD not in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SMTP_PORT=²", 'SMTP_PORT: "²" is not a port (0 to 65535); write a whole'),
        (
            "SMTP_TIMEOUT=" + "9" * 5000,
            "is not a number (seconds, 1 to 999999999); write one within these limits",
        ),
        ("SMTP_CA_FILE=" + "a" * 5000, "is not a file"),
        ("LOCK_WAIT 5", "line 1: is not NAME=value"),
        ("MAIL_FROM='a@b.example", "line 1: is not NAME=value"),
        ("ALERT_TO=" + "a@b.example," * 200, "ALERT_TO: has more than 100 addresses"),
        ("#" * 70_000, "has 70000 bytes, at most 65536 are read"),
    ],
)
def test_a_setting_of_any_length_is_refused_in_a_line(root, text, said):
    house.write(root, ".env", text.encode())
    ran = send(root)
    assert ran.code == 1 and said in ran.err, ran
    assert len(ran.err.splitlines()) == 1


# --- headers -----------------------------------------------------------------------------------

printable = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=120)


def letter(sender_name: str = "Atelier", subject: str = "Facture", **more: Any) -> Letter:
    given = Letter(
        sender_name, "us@atelier.example", "", ("a@b.example",), (), subject, "Bonjour,\n", ()
    )
    return given._replace(**more)


@settings(max_examples=60)
@given(printable, printable)
def test_names_and_subjects_read_as_they_were_written(sender_name, subject):
    pdf = (Attachment("a.pdf", "application/pdf", b"%PDF"),)
    data = mime.to_bytes(letter(sender_name, subject, attachments=pdf), "x")
    assert data.isascii()
    assert max(len(line) for line in data.split(b"\r\n")) <= 78
    made = BytesParser(policy=policy.default).parsebytes(data)
    assert made["Subject"] == subject
    assert [one.addr_spec for one in made["From"].addresses] == ["us@atelier.example"]
    assert [one.addr_spec for one in made["To"].addresses] == ["a@b.example"]
    assert made["Bcc"] is None


@settings(max_examples=60)
@given(printable, printable, st.text(max_size=200), st.binary(max_size=200))
def test_bytes_of_a_letter_are_read_and_written_again(sender_name, subject, text, data):
    carried = (Attachment("a.pdf", "application/pdf", data), Attachment("b", "text/plain", data))
    text = text.encode("utf-8", "replace").decode()
    for attachments in (carried, ()):
        whole = letter(sender_name, subject, text=f"{text}\n", attachments=attachments)
        written = mime.to_bytes(whole, "x")
        letter_read = mime.read(written)
        assert letter_read._replace(text=whole.text) == whole
        assert mime.to_bytes(letter_read, "x") == written


HOSTILE = [
    "Nord\r\nBcc: all@evil.example",
    "Nord\nSubject: paid",
    "Nord\r\n\r\nanother body",
    "Nord\x0bBcc: x@evil.example",
    "Nord\u2028Bcc: x@evil.example",
    "Nord\x85Bcc: x@evil.example",
    "Nord\0",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_line_break_reaches_a_header(text):
    for changes in ({"sender_name": text}, {"subject": text}, {"to": (text,)}, {"cc": (text,)}):
        with pytest.raises(ValueError, match="header"):
            mime.to_bytes(letter()._replace(**changes), "x")


@pytest.mark.parametrize(
    "text",
    [
        '"; <boss@evil.example>, "',
        "=?utf-8?q?=0D=0ABcc=3A_x=40evil.example?=",
        "Nord <x@evil.example>",
        "a@b.example, c@d.example",
        "(comment) \\",
    ],
)
def test_a_hostile_name_stays_a_name(text):
    made = BytesParser(policy=policy.default).parsebytes(mime.to_bytes(letter(text, text), "x"))
    assert [one.addr_spec for one in made["From"].addresses] == ["us@atelier.example"]
    assert made["Bcc"] is None and made["Subject"] == text


def test_a_hostile_document_changes_neither_headers_nor_structure(root):
    made = house.issued(root, "nord", "NORD-2026-0001")
    seller = replace(made.seller, name="{number} %s\r\n--=_x\r\nBcc: a@evil.example")
    text = letters.document(replace(made, seller=seller, purchase_order="{0}\r\n.\r\nQUIT"))
    sent_as = letter(subject=text.subject, text=text.body)
    found = BytesParser(policy=policy.default).parsebytes(mime.to_bytes(sent_as, "x"))
    assert set(found.keys()) == {
        "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    }  # fmt: skip
    assert found.get_content_type() == "text/plain"
    assert "{0}" in found.get_content()


def test_the_identity_and_what_is_attached_make_the_message_id():
    pdf = Attachment("a.pdf", "application/pdf", b"one")
    ids = {
        mime.message_id(mime.to_bytes(letter(attachments=(attached,)), identity))
        for identity in ("x", "y")
        for attached in (pdf, pdf._replace(data=b"two"))
    }
    assert len(ids) == 4
    again = mime.to_bytes(letter(text="Autre\n", attachments=(pdf,)), "x")
    assert mime.message_id(again) in ids


# --- make --------------------------------------------------------------------------------------


def test_make_month_mails_what_it_issued_unless_asked_to_leave_it(root):
    words = ["month", f"MONTH={house.MONTH}", f"TODAY={house.TODAY}"]
    assert house.make(root, *words, "MAIL=no").code == 0
    assert "invoice__nord__NORD-2026-0001" not in waiting(root)
    assert house.make(root, *words).code == 0
    assert "invoice__nord__NORD-2026-0001" in waiting(root)
    with post.office() as server:
        ran = house.make(root, *words, environment=environment(server))
        assert ran.code == 0
        assert len(server.of("nord@client.example")) == 1
    assert house.make(root, "-n", *words, "MAIL=nope").code == 2
