"""The approved platform: each document deposited once, each status kept once, whatever it does."""

import json
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
import trustme
from msgspec.structs import replace

import batches
import books
import house
from cdar_messages import message, status
from lib.books import exchanges
from lib.books.record_lines import ExchangeLine
from lib.core.root import Root
from lib.documents import production
from lib.inputs import issuer_file
from lib.inputs import settings as settings_file
from lib.platform.flow_client import FlowClient, Unclear
from platform_stub import Platform, Reply, error, running

DAY = "2026-11-20"


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    platform.checks_files = False
    with running(platform):
        yield platform


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seconds that somebody waited, or would have."""
    waited: list[int] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


def account(platform: Platform, **changes: object) -> dict[str, object]:
    urls = {"flow_url": f"{platform.url}/flow-service", "token_url": f"{platform.url}/token"}
    return {**urls, "since": "2026-11-01", **changes}


def settings(root: Root, *lines: str, code: str = "") -> None:
    """Writes .env: a client with its secret where nothing else is named."""
    known = lines or (f"PLATFORM_CLIENT_ID{code}=atelier", f"PLATFORM_CLIENT_SECRET{code}=s3cret+/")
    house.write(root, ".env", "\n".join((*known, "PLATFORM_TIMEOUT=1", "")).encode())


def join(root: Root, platform: Platform, **changes: object) -> None:
    """The issuer has an account there from now on."""
    house.write(root, "issuer.json", house.issuer({"platform": account(platform, **changes)}))
    settings(root)


@pytest.fixture
def root(tmp_path, platform, monkeypatch) -> Root:
    """Three clients, each with an invoice of today; the last is a private person."""
    from faults import scenario

    monkeypatch.setattr(production, "produce", production.produce)
    scenario.fake_production()
    clients = [house.client(name, i=i) for i, name in enumerate(("nord", "ouest", "sud"), 1)]
    clients[2]["party"] = {
        key: clients[2]["party"][key] for key in ("name", "address", "email")
    } | {"person": True}
    root = house.build(tmp_path, *clients)
    join(root, platform)
    ran = house.month(root)
    assert ran.code == 0, ran
    return root


def exchange(root: Root, **options: str) -> house.Ran:
    return house.call("exchange_with_platform", root, **{"today": DAY, **options})


def lines(root: Root, owner: str) -> list[tuple[str, str]]:
    """The kinds of the records of a client, with what each says."""
    keys = {"deposit": "tracking_id", "answer": "outcome", "status": "code"}
    return [
        (line["kind"], line[keys[line["kind"]]]) for line in house.records(root, owner, "platform")
    ]


# --- depositing ----------------------------------------------------------------------


def test_domestic_b2b_is_deposited_once(root, platform):
    ran = exchange(root)
    assert ran.code == 0, ran
    assert platform.deposited == ["NORD-2026-0001", "OUEST-2026-0001"]
    assert (platform.wrong, platform.calls_of("token")) == ([], 1)
    assert lines(root, "nord") == [("deposit", "NORD-2026-0001"), ("answer", "accepted")]
    assert not house.records(root, "sud", "platform")
    again = exchange(root)
    assert (again.code, platform.deposited[2:]) == (0, [])
    assert lines(root, "nord")[2:] == [("answer", "acknowledged")]
    before = house.tree(root)
    assert exchange(root).code == 0
    assert house.tree(root) == before


def test_a_broken_file_of_a_client_hinders_no_deposit(root, platform):
    house.write(root, "clients/nord.json", b"{")
    assert exchange(root).code == 0
    assert len(platform.deposited) == 2


def test_connections_are_kept(root, platform):
    exchange(root)
    assert (len(platform.calls) > 3, platform.connections) == (True, 1)


def test_what_would_go_is_shown_and_nobody_is_asked(root, platform):
    before = house.tree(root)
    ran = exchange(root, dry_run="1")
    assert "NORD-2026-0001: would be deposited (B2B)" in ran.out
    assert (platform.calls, house.tree(root)) == ([], before)


def test_a_public_body_is_of_another_rule(root, platform):
    public = {"party.siren": "217500016", "party.vat_number": None, "party.siret": None}
    vat = {"treatment": "exempt", "exemption_code": "VATEX-FR-CGI261-4", "exemption_reason": "4"}
    exempt = public | {"vat": vat, "plans.0.items": [house.item("course", vat_rate="0")]}
    house.put_client(root, house.client("mairie", public, i=7))
    house.put_client(root, house.client("lycee", exempt, i=8))
    assert house.month(root).code == exchange(root).code == 0
    rules = {flow["trackingId"]: flow["processingRule"] for flow in platform.flows}
    assert rules["MAIRIE-2026-0001"] == "B2G"
    assert rules["LYCEE-2026-0001"] == "B2GOutOfScope"


def test_a_public_body_that_is_not_taxable_is_deposited_and_never_reported(root, platform):
    public = {"party.siren": "217500016", "party.taxable": False}
    house.put_client(root, house.client("mairie", public, i=7))
    house.month(root)
    assert exchange(root).code == 0
    [flow] = [flow for flow in platform.flows if flow["trackingId"] == "MAIRIE-2026-0001"]
    assert flow["processingRule"] == "B2G"
    periods = {"vat_periods": "monthly"}
    more = {"number": "0000", "name": "Plateforme"}
    seller = house.issuer(periods | {"platform": account(platform, **more)})
    house.write(root, "issuer.json", seller)
    ran = house.call("make_ereporting", root, period="2026-11", today="2026-12-01")
    assert "0 invoices abroad, 1 sum of sales" in ran.out  # the private person of the house
    [xml] = (root.path / "exports/ereporting").glob("*.xml")
    assert "<TransactionsCount>1</TransactionsCount>" in xml.read_text()


def test_a_business_without_siren_is_refused_and_told_once_it_was_invoiced(
    root, platform, monkeypatch
):
    house.put_client(root, house.client("anon", {"party.siren": None}, i=7))
    ran = house.call("check_inputs", root)
    assert (ran.code, "anon.json: party.siren: is missing" in ran.err) == (1, True)
    monkeypatch.setattr("lib.inputs.parties.needs_siren", lambda party: False)
    assert house.month(root).code == 0
    ran = exchange(root)
    assert ran.code == 0
    assert "ANON-2026-0001: is for a business in France, and names no SIREN" in ran.err
    assert "make credit-note INVOICE=ANON-2026-0001" in ran.err
    assert "ANON-2026-0001: cannot be deposited" in exchange(root, dry_run="1").out
    monkeypatch.setenv("REASON", "sans SIREN")
    ran = house.call("issue_credit_note", root, invoice="ANON-2026-0001", issue_date="2026-11-09")
    assert ran.code == 0, ran
    assert "ANON-2026" not in exchange(root).err
    assert len(platform.deposited) == 2


def test_an_invoice_is_deposited_as_it_was_issued_and_passes_there(tmp_path, platform):
    platform.checks_files = True
    root = house.build(tmp_path)
    join(root, platform)
    settings(root, "PLATFORM_TOKEN=fixed-token")
    house.month(root)
    ran = exchange(root)
    assert (ran.code, platform.wrong, platform.calls_of("token")) == (0, [], 0)
    [flow] = platform.flows
    pdf = house.proof(root, "nord", "NORD-2026-0001", "pdf").read_bytes()
    assert platform.files[flow["flowId"]] == pdf
    assert flow["name"] == "NORD-2026-0001.pdf"


def test_a_credit_note_follows_its_invoice(root, platform, monkeypatch):
    monkeypatch.setenv("REASON", "wrong")
    credited = house.call(
        "issue_credit_note", root, invoice="NORD-2026-0001", issue_date=DAY, today=DAY
    )
    assert credited.code == 0, credited
    platform.happens("deposit", "422")
    ran = exchange(root)
    assert ran.code == 1
    assert "buyer is not in the directory" in ran.err
    assert platform.deposited == ["OUEST-2026-0001"]
    assert "waits until NORD-2026-0001" in exchange(root, dry_run="1").out
    assert exchange(root, invoice="NORD-2026-0001").code == 0
    assert platform.deposited[1:] == ["NORD-2026-0001-2", "NORD-2026-0002"]


def test_before_since_nothing_is_deposited(root, platform):
    join(root, platform, since="2026-11-09")
    assert exchange(root).code == 0
    assert platform.deposited == []


def test_before_since_the_platform_is_not_asked(root, platform):
    join(root, platform, since="2026-11-21")
    assert exchange(root).code == 0
    assert platform.calls == []
    assert exchange(root, today="2026-11-21").code == 0
    assert platform.calls


def test_without_a_platform_nothing_is_done(root, platform):
    house.write(root, "issuer.json", house.issuer())
    ran = exchange(root)
    assert (ran.code, platform.calls) == (0, [])
    assert "no platform" in ran.out


def test_only_what_was_refused_is_deposited_once_more(root, platform):
    exchange(root)
    ran = exchange(root, invoice="NORD-2026-0001")
    assert (ran.code, len(platform.deposited)) == (1, 2)
    assert "is not a document that the platform refused" in ran.err


# --- answers that do not come --------------------------------------------------------


@pytest.mark.parametrize("what", ["lost", "late", "html", "nothing"])
@pytest.mark.parametrize("taken", [True, False])
def test_a_deposit_without_an_answer_is_looked_for(root, platform, what, taken):
    platform.duplicates = "take"
    if not taken and what in ("lost", "late"):
        what = "deaf"
    platform.happens("deposit", what)
    ran = exchange(root)
    assert ran.code == 4, ran
    assert lines(root, "nord") == [("deposit", "NORD-2026-0001")]
    assert exchange(root).code == 0
    assert sorted(platform.deposited) == ["NORD-2026-0001", "OUEST-2026-0001"]
    outcome = "exists" if what in ("lost", "late") else "accepted"
    assert lines(root, "nord")[1:2] == [("answer", outcome)]


@pytest.mark.parametrize("duplicates", ["refuse", "error"])
def test_a_platform_that_has_it_already_refuses_nothing(root, platform, duplicates):
    platform.duplicates = duplicates
    platform.happens("deposit", "lost")
    exchange(root)
    platform.happens("search", *["list"] * 9)  # so that it is not found
    exchange(root)
    platform.next.clear()
    for _ in range(3):
        assert exchange(root).code == 0
    kinds = lines(root, "nord")
    assert kinds.count(("deposit", "NORD-2026-0001")) == 1
    assert kinds[-1] == ("answer", "acknowledged")
    assert not any(outcome in ("refused", "rejected") for _, outcome in kinds)


def test_a_conflict_about_what_the_platform_has_refuses_nothing(root, platform):
    platform.put(b"", "Factur-X", trackingId="NORD-2026-0001", flowDirection="Out")
    platform.happens("deposit", error(409, "DUPLICATE"))
    assert exchange(root).code == 0
    assert ("answer", "exists") in lines(root, "nord")
    assert "OUEST-2026-0001" in platform.deposited


def test_what_could_not_be_asked_about_is_not_sent_again(root, platform):
    platform.duplicates = "take"
    platform.happens("deposit", "lost")
    assert exchange(root).code == 4
    platform.happens("search", "html")
    assert exchange(root).code == 4
    assert exchange(root).code == 0
    assert len(platform.deposited) == len(set(platform.deposited)) == 2


def test_a_status_with_the_tracking_id_of_its_invoice_is_not_taken_for_the_deposit(root, platform):
    platform.happens("deposit", "deaf")
    platform.put(message(status("NORD-2026-0001", "202")), trackingId="NORD-2026-0001")
    platform.happens("original", "500")
    assert exchange(root).code == 4
    assert exchange(root).code == 0
    assert sorted(platform.deposited) == ["NORD-2026-0001", "OUEST-2026-0001"]
    assert ("status", "202") in lines(root, "nord")


def test_answers_that_are_packed_are_read(root, platform):
    platform.packs = True
    platform.put(message(status("NORD-2026-0001", "200")))
    assert exchange(root).code == 0
    assert len(platform.deposited) == 2
    assert ("status", "200") in lines(root, "nord")


@pytest.mark.parametrize("what", ["500", "503", "deaf", "403", "redirect", "huge", "429 for ever"])
@pytest.mark.parametrize("operation", ["token", "search", "deposit"])
def test_a_platform_that_is_down_costs_nothing(root, platform, waits, what, operation):
    platform.happens(operation, *[what] * 20)
    ran = exchange(root)
    assert ran.code == 4, ran
    assert "Traceback" not in ran.err
    assert sum(waits) <= 120
    platform.next.clear()
    assert exchange(root).code == 0
    assert sorted(platform.deposited) == ["NORD-2026-0001", "OUEST-2026-0001"]


def test_a_platform_that_is_not_there_is_one_line(root, platform):
    gone = {"flow_url": "http://127.0.0.1:9/flow", "token_url": "http://127.0.0.1:9/token"}
    join(root, platform, **gone)
    ran = exchange(root)
    assert ran.code == 4
    assert ran.err.count("B-PLATFORM-DOWN") == 1


@pytest.mark.parametrize(("what", "pause"), [("429", 2), ("503 later", 3)])
@pytest.mark.parametrize("operation", ["search", "deposit"])
def test_who_asks_to_wait_is_waited_for(root, platform, waits, what, pause, operation):
    platform.happens(operation, what)
    assert exchange(root).code == 0
    assert waits == [pause]
    assert platform.deposited == ["NORD-2026-0001", "OUEST-2026-0001"]


def test_a_token_is_renewed_once(root, platform):
    platform.happens("deposit", "", "401")
    assert exchange(root).code == 0
    assert platform.calls_of("token") == 2
    assert len(platform.deposited) == 2


@pytest.mark.parametrize("form", [True, False])
def test_credentials_are_handed_over_both_ways(root, platform, form):
    platform.form = form
    way = "form" if form else "basic"
    known = ("PLATFORM_CLIENT_ID=atelier", "PLATFORM_CLIENT_SECRET=s3cret+/")
    settings(root, *known, f"PLATFORM_AUTH={way}")
    assert exchange(root).code == 0


def test_wrong_credentials_are_said_without_them(root, platform):
    settings(root, "PLATFORM_CLIENT_ID=atelier", "PLATFORM_CLIENT_SECRET=not-s3cret")
    ran = exchange(root)
    assert ran.code == 4
    assert "does not let us in" in ran.err
    platform.happens("deposit", "echo", "echo")
    settings(root, "PLATFORM_TOKEN=fixed-token")
    exchange(root)
    for secret in ("not-s3cret", "fixed-token"):
        for path in (root.data).rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path
        assert secret not in ran.out + ran.err


_TOKEN = "t0ken-that-was-said-oddly"
_BASIC = b64encode(b"atelier:s3cret+/").decode()


@pytest.mark.parametrize(
    ("operation", "reply", "secret"),
    [
        ("token", Reply(200, {"accessToken": _TOKEN}), _TOKEN),
        ("token", Reply(200, _TOKEN.encode()), _TOKEN),
        ("token", Reply(206, {"access_token": _TOKEN}), _TOKEN),
        ("token", Reply(302, b"", (("Location", f"https://x.example/?t={_TOKEN}"),)), _TOKEN),
        ("token", error(401, "BAD", f"you sent Basic {_BASIC}"), _BASIC),
        ("token", error(401, "BAD", "client_secret=s3cret%2B%2F"), "s3cret%2B"),
        ("search", Reply(200, b"<html>" + b"x" * 66 + b"s3cret+/</html>"), "s3cret"),
    ],
)
def test_no_secret_that_comes_back_is_said(root, platform, operation, reply, secret):
    platform.happens(operation, reply)
    ran = exchange(root)
    assert ran.code == 4
    logs = b"".join(path.read_bytes() for path in root.logs.iterdir())
    assert secret not in ran.out + ran.err + logs.decode()


def test_no_secret_is_in_what_a_fault_of_the_program_leaves(root, platform, monkeypatch):
    def search(client, where, limit=100, cursor=""):
        raise RuntimeError(f"a fault of {client!r} {vars(client)['_url']}")

    monkeypatch.setattr(FlowClient, "search", search)
    settings(root, "PLATFORM_CLIENT_ID=atelier", "PLATFORM_CLIENT_SECRET=s3cret+/")
    ran = exchange(root)
    log = (root.data / "logs/system.log").read_text()
    assert (ran.code, "a fault of FlowClient(" in log) == (4, True)
    assert "s3cret" not in log + ran.out + ran.err


def test_what_opens_the_platform_is_asked_for(root, platform):
    settings(root, "LOCK_WAIT=5")
    ran = exchange(root)
    assert ran.code == 1
    assert ".env: PLATFORM_CLIENT_ID: is missing" in ran.err
    assert platform.calls == []


def test_the_organization_is_named(root, platform):
    platform.organization = "732829320"
    assert exchange(root).code == 4
    join(root, platform, organization="732829320")
    assert exchange(root).code == 0


def certificate(folder: Path) -> tuple[Path, Path, Path]:
    """The files of a certificate of this machine, its key, and its authority."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    names = (folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(names[0])
    issued.private_key_pem.write_to_path(names[1])
    authority.cert_pem.write_to_path(names[2])
    return names


def test_a_certificate_of_another_authority_is_refused(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    files = certificate(folder)
    platform = Platform()
    platform.checks_files = False
    with running(platform, tls=files[:2]):
        join(root, platform)
        ran = exchange(root)
        assert (ran.code, platform.calls) == (4, [])
        assert "certificate verify failed" in ran.err
        settings(root, "PLATFORM_TOKEN=fixed-token", f"PLATFORM_CA_FILE={folder / 'ca.pem'}")
        assert exchange(root).code == 0
    assert len(platform.deposited) == 2


@pytest.mark.parametrize("what", ["slow header", "slow body"])
@pytest.mark.parametrize("tls", [False, True])
def test_a_call_has_an_end_though_a_byte_comes_now_and_then(what, tls, tmp_path):
    files = certificate(tmp_path) if tls else None
    platform = Platform()
    platform.happens("search", what)
    with running(platform, tls=files and files[:2]):
        account = issuer_file.Platform(flow_url=platform.url, since=date(2026, 11, 1))
        access = replace(
            settings_file.NO_ACCESS,
            token="fixed-token",
            ca_file=files and files[2],
            timeout=Fraction(1, 5),
        )
        with closing(FlowClient(account, access, lambda seconds: None)) as client:
            with pytest.raises(Unclear) as stop:
                client.search({"trackingId": "x"})
            assert "PLATFORM_TIMEOUT" in str(stop.value.alerts[0])


# --- the directory -------------------------------------------------------------------


def test_who_is_not_in_the_directory_is_told_and_waited_for(root, platform, monkeypatch):
    nord, ouest = house.siren(1), house.siren(2)
    join(root, platform, directory_url=f"{platform.url}/directory-service/")
    platform.directory = {nord: "Enabled", ouest: "Disabled"}
    ran = exchange(root)
    assert (ran.code, platform.deposited) == (0, ["NORD-2026-0001"])
    assert f'OUEST-2026-0001: its customer is not in the directory under "{ouest}"' in ran.err
    assert "1 deposited, 0 statuses received, 1 waiting" in ran.out
    asked = platform.calls_of("directory")
    assert exchange(root).code == 0
    assert platform.calls_of("directory") == asked + 1  # of what was deposited nothing is asked
    platform.directory[ouest] = "Enabled"
    ran = exchange(root)
    assert (platform.deposited[1:], "directory" in ran.err) == (["OUEST-2026-0001"], False)


def test_cron_hears_once_of_what_stays_until_somebody_acts(root, platform, waits):
    join(root, platform, directory_url=f"{platform.url}/directory-service/")
    platform.directory = {house.siren(1): "Enabled"}
    ran = exchange(root, quiet="1")
    assert "OUEST-2026-0001: its customer is not in the directory" in ran.err and ran.out
    exchange(root, quiet="1")  # the platform acknowledges what it took
    assert exchange(root, quiet="1") == (0, "", "")
    assert "OUEST-2026-0001" in exchange(root).err  # a person reads all of it
    platform.happens("search", "500")
    ran = exchange(root, quiet="1")
    assert (ran.code, "OUEST" in ran.err) == (4, False)
    assert exchange(root, quiet="1") == (0, "", "")
    platform.directory[house.siren(1)] = "Disabled"
    platform.directory[house.siren(2)] = "Enabled"
    ran = exchange(root, quiet="1")
    assert (ran.code, platform.deposited[1:], ran.err) == (0, ["OUEST-2026-0001"], "")
    join(root, platform, since="2027-01-01")
    assert exchange(root, quiet="1") == (0, "", "")


@pytest.mark.parametrize("what", ["html", "500", "lost", "redirect", "403"])
def test_a_directory_that_does_not_answer_holds_nothing_back(root, platform, waits, what):
    join(root, platform, directory_url=f"{platform.url}/directory-service")
    platform.happens("directory", what)
    assert exchange(root).code == 4
    assert platform.deposited == ["NORD-2026-0001", "OUEST-2026-0001"]
    assert platform.calls_of("directory") == 1


def test_a_page_that_is_not_there_says_nothing_of_customers(root, platform):
    platform.happens("directory", "404 page")
    join(root, platform, directory_url=f"{platform.url}/directory-service")
    ran = exchange(root)
    assert (ran.code, len(platform.deposited)) == (4, 2)
    assert f"{platform.url}/directory-service: gives an answer that cannot be used" in ran.err


# --- acknowledgements and statuses ---------------------------------------------------


def test_what_the_platform_rejects_is_told_with_its_reasons(root, platform):
    platform.acknowledges = "Pending"
    exchange(root)
    assert exchange(root).code == 0
    detail = {"level": "Error", "item": "BT-49", "reasonCode": "X", "reasonMessage": "no address"}
    platform.answer("NORD-2026-0001", "Error", detail, {**detail, "level": "Warning"})
    platform.answer("OUEST-2026-0001", "Ok")
    ran = exchange(root)
    assert ran.code == 1
    assert "rejects it: X BT-49 no address" in ran.err
    assert "make platform INVOICE=NORD-2026-0001" in ran.err
    assert lines(root, "nord")[-1] == ("answer", "rejected")
    assert lines(root, "ouest")[-1] == ("answer", "acknowledged")
    assert exchange(root).code == 0
    assert exchange(root, invoice="NORD-2026-0001").code == 0
    assert platform.deposited[-1] == "NORD-2026-0001-2"


def test_each_status_is_kept_once(root, platform):
    exchange(root)
    first = platform.put(message(status("NORD-2026-0001", "200")))
    platform.put(message(status("NORD-2026-0001", "205")))
    platform.put(b"<pdf/>", "Factur-X")
    assert exchange(root).code == 0
    assert exchange(root).code == 0
    assert platform.calls_of("original") == 2
    assert [line for line in lines(root, "nord") if line[0] == "status"] == [
        *[("status", "200"), ("status", "205")]
    ]
    record = next(r for r in house.records(root, "nord", "platform") if r["kind"] == "status")
    kept = root.data / "platform" / "received" / f"{record['sha256']}.xml"
    assert kept.read_bytes() == platform.files[first["flowId"]]
    assert kept.stat().st_mode & 0o777 == 0o444


def test_what_concerns_nobody_or_cannot_be_read_is_kept_too(root, platform):
    platform.put(message(status("OTHERS-1", "200")))
    platform.put(b"nonsense")
    platform.put(message(status("NORD-2026-0001", "200")))
    platform.happens("original", "", "", "entities")
    ran = exchange(root)
    assert (ran.code, ran.err.count("I-PLATFORM-UNREADABLE")) == (0, 2)
    assert lines(root, "ATL") == [("status", "200"), ("status", ""), ("status", "")]
    assert "I-PLATFORM-UNREADABLE" not in exchange(root).err
    shown = house.call("show_status", root, today=DAY, month="2026-11").out
    assert re.search("deposited +200 +1\n", shown), shown


@pytest.mark.parametrize("instead", ["html", "nothing", "list"])
def test_a_page_of_maintenance_in_the_place_of_a_status_loses_none(root, platform, instead):
    exchange(root)
    platform.put(message(status("NORD-2026-0001", "200")))
    platform.now = platform.now.replace(day=platform.now.day + 3)
    platform.put(message(status("NORD-2026-0001", "205")))
    platform.happens("original", instead)
    assert "I-PLATFORM-UNREADABLE" in exchange(root).err
    platform.happens("original", instead)
    for _ in range(3):
        ran = exchange(root)
        assert (ran.code, ran.err.count("UNREADABLE")) == (0, 0)
    assert [code for kind, code in lines(root, "nord") if kind == "status"] == ["205", "200"]
    assert lines(root, "ATL") == [("status", "")]
    assert "/platform/" not in house.call("verify", root).err


def test_a_status_that_cannot_be_fetched_keeps_its_place(root, platform):
    exchange(root)
    for code in ("200", "202", "203", "205"):
        platform.put(message(status("NORD-2026-0001", code)))
        platform.now = platform.now.replace(day=platform.now.day + 3)
    platform.happens("original", "", "500")
    assert exchange(root).code == 4
    assert exchange(root).code == 0
    assert [code for kind, code in lines(root, "nord") if kind == "status"] == [
        *("200", "202", "203", "205")
    ]


def test_a_message_that_the_platform_cannot_give_holds_nothing_up(root, platform):
    """What follows it is received, what waits is deposited, and it is asked for by each run."""
    for code in ("200", "202", "203"):
        platform.put(message(status("NORD-2026-0001", code)))
    platform.happens("original", "", "500", "", "500")
    ran = exchange(root)
    assert (ran.code, len(platform.deposited)) == (4, 2)
    assert "the platform could not give it" in ran.err
    platform.happens("original", "500")
    assert exchange(root).code == 0
    assert [code for kind, code in lines(root, "nord") if kind == "status"] == ["200", "203"]
    assert exchange(root).code == 0
    assert lines(root, "nord")[-1] == ("status", "202")


def test_a_moment_that_is_to_come_hides_nothing_that_comes_later(root, platform):
    platform.put(message(status("NORD-2026-0001", "200")), updatedAt="2098-01-01T00:00:00Z")
    assert exchange(root).code == 0
    platform.put(message(status("NORD-2026-0001", "210")))
    assert exchange(root).code == 0
    assert [code for kind, code in lines(root, "nord") if kind == "status"] == ["200", "210"]


@pytest.mark.parametrize(
    "odd",
    [
        {"flowId": "\ud800"},
        {"updatedAt": "9999-12-31T23:59:59+00:00"},
        {"updatedAt": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_a_flow_that_is_none_is_no_fault_of_the_program(root, platform, odd):
    platform.put(b"", **odd)
    ran = exchange(root)
    assert ran.code == 4
    assert "B-PLATFORM-ANSWER" in ran.err and "B-INTERNAL" not in ran.err


def test_a_flow_without_a_syntax_is_a_status_by_its_type(root, platform):
    platform.put(message(status("NORD-2026-0001", "210")), flowSyntax=None)
    assert exchange(root).code == 0
    assert ("status", "210") in lines(root, "nord")


def test_a_report_goes_from_where_it_is_kept(root, platform):
    named = account(platform, name="Plateforme", number="0042")
    house.write(root, "issuer.json", house.issuer({"platform": named, "vat_periods": "monthly"}))
    ran = house.call("make_ereporting", root, period="2026-11", today="2026-12-08", send="yes")
    assert ran.code == 0, ran
    kept = {path.stem: path.read_bytes() for path in root.data.glob("platform/reports/*")}
    assert exchange(root, today="2026-12-08").code == 0
    sent = {flow["trackingId"]: flow for flow in platform.flows if flow["flowSyntax"] == "FRR"}
    assert {name: platform.files[flow["flowId"]] for name, flow in sent.items()} == kept != {}
    assert exchange(root, today="2026-12-08").code == 0
    assert len(platform.deposited) == 2 + len(kept)


# --- accounts ------------------------------------------------------------------------


def test_a_batch_client_has_an_account_of_its_own(tmp_path, platform, monkeypatch):
    from faults import scenario

    monkeypatch.setattr(production, "produce", production.produce)
    scenario.fake_production()
    root = batches.build(tmp_path, batches.file_of(batches.row(1), batches.row(2)))
    ran = house.call("import_batch", root, issue_date=house.TODAY, today=house.TODAY)
    assert ran.code == 0, ran
    assert "no platform" in exchange(root).out
    [path] = root.batch_clients.glob("*.json")
    client = json.loads(path.read_bytes())
    house.write(root, root.name_of(path), {**client, "platform": account(platform)})
    assert "PLATFORM_CLIENT_ID_FIL: is missing" in exchange(root).err
    settings(root, code="_FIL")
    assert exchange(root).code == 0
    assert platform.deposited == ["FIL-2026-0001", "FIL-2026-0002"]


# --- as a command --------------------------------------------------------------------


def test_the_month_exchanges_and_a_house_without_a_platform_does_it_once(root, platform):
    typed = ("--no-print-directory", "month", f"MONTH={house.MONTH}", f"TODAY={DAY}")
    ran = house.make(root, *typed)
    assert ran.code == 0, ran
    assert len(platform.deposited) == 2
    house.write(root, "issuer.json", house.issuer())
    assert "no platform" in house.make(root, *typed).out
    assert "platform: nothing left to do" in house.make(root, *typed).out


def test_what_was_exchanged_is_backed_up_and_nothing_goes_again(root, platform, tmp_path):
    platform.acknowledges = "Pending"
    exchange(root)
    platform.put(message(status("NORD-2026-0001", "205", "20261121090000")))
    exchange(root)
    disk, new = tmp_path / "disk", tmp_path / "new"
    ran = house.call("back_up", root, to=str(disk), today=DAY)
    assert ran.code == 0, ran
    [backup] = disk.iterdir()
    restored = Root(new)
    ran = house.call("restore", restored, **{"from": str(backup)})
    assert ran.code == 0, ran
    for folder in ("platform", "heads"):
        kept = {
            path.relative_to(root.data): path.read_bytes()
            for path in (root.data / folder).rglob("*")
            if path.is_file() and path.name != ".lock"
        }
        assert kept
        assert all((restored.data / name).read_bytes() == data for name, data in kept.items())
    # The PDFs of this house are not real: the audit of platform records is what is asked.
    ran = house.call("verify", restored)
    assert "platform" not in ran.out + ran.err, ran
    (restored.path / ".env").write_bytes((root.path / ".env").read_bytes())
    taken = len(platform.deposited)
    assert exchange(restored).code == 0
    assert len(platform.deposited) == taken
    message_kept = next((restored.data / "platform/received").iterdir())
    message_kept.unlink()
    assert message_kept.name in house.call("verify", restored).err


def test_two_at_once_deposit_once(root, platform):
    platform.duplicates = "take"
    command = [str(house.SCRIPTS / "exchange_with_platform.py"), "--root", str(root.path)]
    command = [house.sys.executable, *command, "--today", DAY]
    both = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    assert sorted(platform.deposited) == ["NORD-2026-0001", "OUEST-2026-0001"]


# --- what is settled -----------------------------------------------------------------


@pytest.fixture
def owners_read(root, platform, monkeypatch) -> list[str]:
    """Whose records were read, once all that there was to do is done."""
    read = exchanges.read
    owners: list[str] = []

    def noted(root: Root, owner: str) -> list[ExchangeLine]:
        owners.append(owner)
        return read(root, owner)

    for _ in range(3):
        assert exchange(root, today="2027-09-20").code == 0
    monkeypatch.setattr(exchanges, "read", noted)
    return owners


def test_a_client_of_whom_all_is_settled_is_not_read_again(root, platform, owners_read):
    assert exchange(root).code == 0
    assert owners_read == ["ATL"]
    assert books.pay(root, "NORD-2026-0001", "10.00", DAY).code == 0
    assert exchange(root).code == 0
    assert owners_read == ["ATL", "ATL", "nord"]
    for path in root.flags.glob("platform_*"):
        path.unlink()
    owners_read.clear()
    before = house.tree(root)
    assert exchange(root).code == 0
    assert (owners_read, house.tree(root)) == (["ATL", "nord", "ouest", "sud"], before)
    house.write(root, "issuer.json", house.issuer({"platform": account(platform, cash_in="all")}))
    owners_read.clear()
    assert exchange(root).code == 0
    assert owners_read == ["ATL", "nord", "ouest", "sud"]


def test_a_broken_line_of_a_settled_client_is_noticed(root, platform, owners_read):
    path = exchanges.chain_path(root, "nord")
    path.write_bytes(path.read_bytes().replace(b"accepted", b"acccpted"))
    assert exchange(root).code == 3


def test_statuses_of_settled_documents_are_kept_once_however_late(root, platform, owners_read):
    def said(number: str, code: str) -> dict[str, object]:
        return platform.put(message(status(number, code, seller=house.siren(0))))

    numbers = ("NORD-2026-0001", "OUEST-2026-0001")
    first = [said(number, code) for number in numbers for code in ("200", "202")]
    for _ in range(2):
        assert exchange(root, today="2027-09-20").code == 0
    taken = platform.calls_of("original")
    for _ in range(2):
        assert exchange(root, today="2027-09-20").code == 0
    assert platform.calls_of("original") == taken == 4
    platform.now += timedelta(days=9)
    first[0]["updatedAt"] = platform._moment()
    said("NORD-2026-0001", "205")
    platform.put(message(*(status(number, "211") for number in numbers)))
    for _ in range(3):
        assert exchange(root, today="2027-09-20").code == 0
    for owner in ("nord", "ouest"):
        codes = [code for kind, code in lines(root, owner) if kind == "status"]
        assert codes == ["200", "202", *(["205"] if owner == "nord" else []), "211"]
    assert platform.deposited == list(numbers)
    [line] = [text for text in exchange(root).out.splitlines() if text.startswith("issuer.json")]
    assert line == "issuer.json: 0 deposited, 0 statuses received, 0 waiting"


def test_what_is_rejected_long_after_is_deposited_again(root, platform, owners_read):
    platform.now += timedelta(days=9)
    platform.put(message(status("NORD-2026-0001", "213", reasons=(("ADR_ERR", "", ""),))))
    assert exchange(root, invoice="NORD-2026-0001").code == 1
    assert exchange(root).code == 0
    assert exchange(root, invoice="NORD-2026-0001").code == 0
    assert platform.deposited[2:] == ["NORD-2026-0001-2"]


def test_a_credit_note_of_a_settled_invoice_follows_it(root, platform, owners_read, monkeypatch):
    monkeypatch.setenv("REASON", "wrong")
    issued = house.call("issue_credit_note", root, invoice="NORD-2026-0001", issue_date=DAY)
    assert issued.code == exchange(root).code == exchange(root).code == 0
    assert platform.deposited[2:] == ["NORD-2026-0002"]
