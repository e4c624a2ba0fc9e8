"""Attacks: what others may write, name or send reaches nothing that is not theirs."""

import contextlib
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import batches
import house
import import_batch
import post
from lib.core import alerts, storage, tables
from lib.core.faults import printable
from lib.core.root import Root
from lib.inputs import settings
from lib.values import document

SECRET = "hunter2hunter2"
RED = "\x1b[31m"


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """What waits for ever has failed."""

    def ring(*_: Any) -> None:
        raise AssertionError("it does not end")

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(40)
    yield
    signal.alarm(0)


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """A house with one invoice."""
    root = house.build(tmp_path_factory.mktemp("security") / "root")
    assert house.month(root).code == 0
    assert house.call("reconcile", root).code == 0
    return root


@pytest.fixture
def root(issued: Root, tmp_path: Path) -> Root:
    shutil.copytree(issued.path, tmp_path / "root")
    return Root(tmp_path / "root")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the root, with something in it."""
    folder = tmp_path / "outside"
    (folder / "sub").mkdir(parents=True)
    for name in ("kept.txt", "sub/kept.json", "invoice__kept.eml", "kept.pdf", "kept.log"):
        (folder / name).write_text("2020-01-01T00:00:00Z kept\n")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- names and Make ------------------------------------------------------------------

HOSTILE = (
    "nord.json;{ touch pwned;};#.json",
    "nord.json;touch{pwned,x}#.json",
    "a x`touch${IFS}pwned`.json",
    "b$(shell touch pwned).json",
    "nl\ntouch pwned.json",
    "a:b|c=d%.json",
)


def test_a_name_of_a_file_is_never_a_command(root):
    for name in HOSTILE:
        house.write(root, f"clients/{name}", {})
    house.write(root, "exports/fec/A:=$(shell touch pwned)FEC20261231.txt", b"")
    ran = house.make(root, "month", "MONTH=2026-10", "TODAY=2026-11-09", "MAIL=no")
    assert "no such command" not in ran.err
    for name in HOSTILE:
        assert f"clients/{printable(name)}: " in ran.err
    for name in HOSTILE:
        (root.clients / name).unlink()
    assert house.make(root, "fec", "YEAR=2026").code == 0
    assert not list(house.HOME.glob("*pwned*")) + list(root.path.rglob("pwned"))


@pytest.mark.parametrize("name", ["$(shell touch pwned)", "a;touch pwned", "a`touch pwned`", "a'b"])
def test_a_root_is_a_path_and_nothing_more(tmp_path, name):
    ran = house.make(Root(tmp_path / name), "check")
    assert (ran.code, "ROOT has a character in its path" in ran.err) == (2, True)
    assert not (house.HOME / "pwned").exists()


def test_a_target_is_a_name_and_nothing_more(root):
    ran = house.make(root, "x`touch pwned`';touch pwned;'")
    assert (ran.code, "no such command" in ran.err) == (2, True)
    assert not (house.HOME / "pwned").exists()


def test_a_secret_typed_after_make_arrives_as_it_was_typed(root):
    ran = house.make(root, "mail", "SMTP_USER=u", f"SMTP_PASSWORD={SECRET}$(shell touch pwned)é")
    assert "SMTP_PASSWORD: has a character that cannot be sent" in ran.err
    assert SECRET not in ran.err + ran.out
    assert not (house.HOME / "pwned").exists()


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("generate_invoice", {"client": "../nord", "month": "2026-11", "issue_date": "2026-12-01"}),
        ("import_batch", {"client": "../../outside/kept", "issue_date": "2026-12-01"}),
        ("record_payment", {"client": "../../outside/sub/kept", "invoice": "NORD-2026-0001"}),
        ("issue_credit_note", {"invoice": "../../outside/kept", "issue_date": "2026-12-01"}),
        ("make_receipt", {"invoice": "../../../outside/kept"}),
        ("show_logs", {"client": "../../../outside/kept"}),
        ("new_client", {"id": "../../outside/new"}),
    ],
)
def test_an_id_never_leaves_the_root(root, outside, script, options, monkeypatch):
    monkeypatch.setenv("REASON", "a reason")
    before = files(outside), house.tree(root)
    if script not in ("make_receipt", "show_logs"):
        options = {**options, "today": "2026-12-01"}
    ran = house.call(script, root, **options)
    assert ran.code in (0, 1, 2), ran
    assert "kept\n" not in ran.out + ran.err
    assert (files(outside), house.tree(root)) == before


def test_a_mistyped_option_is_one_inert_line(root):
    ran = house.run("make_receipt", root, {}, **{"invoice": "X", f"nope{RED}\nERROR": "1"})
    assert ran.code == 2
    assert ran.err.endswith(" [B-USAGE]\n")
    assert (ran.err.count("\n"), RED in ran.err) == (1, False)


# --- links, pipes, what stands where a file belongs ------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "data",
        "data/pending",
        "data/outbox",
        "data/logs",
        "data/balance",
        "data/invoices/nord",
        "data/invoices/nord/2026",
        "downloads",
        "exports",
        "exports/payments",
        "preview",
    ],
)
def test_a_folder_of_ours_is_not_a_link(root, outside, name):
    path = root.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.rename(root.path / "moved")
    path.symlink_to(outside)
    before = files(outside)
    ran = house.call("reconcile", root)
    assert (ran.code, ran.err) == (
        3,
        f"{name}: is a link; put the folder or file itself in its place [B-LINK]\n",
    )
    assert files(outside) == before


def test_the_root_itself_may_be_a_link(root, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(root.path)
    assert house.make(Root(link), "status", "TODAY=2026-11-09").code == 0


def test_usage_is_not_written_through_a_link(tmp_path, outside):
    root = batches.build(tmp_path / "batch", batches.file_of(batches.row()))
    root.usage.mkdir(exist_ok=True)
    (root.usage / batches.PAYER).symlink_to(outside / "sub")
    (outside / "sub" / "kept.json").unlink()
    before = house.tree(root, "data/archive_batch/")
    ran = batches.run(root)
    assert (ran.code, "[B-LINK]" in ran.err) == (3, True)
    assert not list((outside / "sub").iterdir())
    assert house.tree(root, "data/archive_batch/") == before


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("data/revenues/nord.jsonl", "export_payments"),
        ("data/payments/nord.jsonl", "export_payments"),
        ("data/heads/revenues/nord.json", "reconcile"),
        ("data/balance/nord.json", "reconcile"),
        ("data/counters/NORD.json", "generate_invoice"),
        ("exports/payments/payments.csv", "export_payments"),
        ("downloads/nord__2026-10.zip", "send_invoices"),
        ("data/invoices/nord/2026/NORD-2026-0001.pdf", "send_invoices"),
        ("data/logs/system.log", "show_logs"),
        ("clients/pipe.json", "check_inputs"),
        (".env", "check_inputs"),
        ("issuer.json", "show_overdue"),
    ],
)
def test_a_pipe_keeps_nobody_waiting(root, name, script):
    path = root.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    options = {"today": "2026-12-01"} if script in ("generate_invoice", "send_invoices") else {}
    if script == "generate_invoice":
        options |= {"month": "2026-11", "issue_date": "2026-12-01"}
    ran = house.call(script, root, **options)
    if name != "downloads/nord__2026-10.zip":  # nobody asks for that one
        assert (ran.code, path.name in ran.err) == (
            1 if script in ("check_inputs", "show_overdue") else 3,
            True,
        )


def test_what_is_half_written_is_never_written_through(root):
    """A name for a record, put where a balance is written first, is not the balance."""
    record = root.data / "revenues" / "nord.jsonl"
    before = record.read_bytes()
    (root.data / "balance" / "nord.json").unlink()
    os.link(record, root.data / "balance" / ".nord.json.tmp")
    assert house.call("reconcile", root).code == 0
    assert record.read_bytes() == before
    assert record.stat().st_nlink == 1


def test_a_link_in_the_inbox_is_not_followed_however_late_it_comes(tmp_path, monkeypatch):
    root = batches.build(tmp_path / "batch", batches.file_of(batches.row()))
    secret = house.write(root, ".env", f"SMTP_PASSWORD={SECRET}\nSMTP_USER=u\n".encode())
    [waiting] = root.inbox_batch.glob("*.csv")
    check = import_batch.check_name

    def swap(root: Root, path: Path) -> None:
        check(root, path)
        path.unlink()
        path.symlink_to(secret)

    monkeypatch.setattr(import_batch, "check_name", swap)
    ran = batches.run(root)
    assert (ran.code, "[B-LINK]" in ran.err) == (3, True)
    found = [path for path in root.data.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in found if SECRET in path.read_text("utf-8", "replace")]
    monkeypatch.undo()
    ran = batches.run(root)
    assert (ran.code, f"{waiting.name}: is a link" in ran.err) == (1, True)


# --- backups and stopped runs ----------------------------------------------------------


def intent(**changes: Any) -> dict[str, Any]:
    proofs = hashlib.sha256(changes.pop("listed", b"")).hexdigest()
    return {
        "command": f"evil{RED}\nforged",
        "proofs": proofs,
        "appends": [],
        "puts": [],
        "removals": [],
        **changes,
    }


def put(file: Any) -> dict[str, Any]:
    return intent(puts=[{"file": file, "text": "evil"}])


PLACED = json.dumps({"file": "../evil", "sha256": "", "staged": "proof-1"}).encode() + b"\n"
TAKEN = json.dumps({"file": "data/evil", "sha256": "", "staged": "../../../secret"}).encode()
LINES = {"base": 0, "staged": "lines-1", "sha256": ""}


@pytest.mark.parametrize(
    ("value", "listed"),
    [
        (put("../evil"), b""),
        (put("data/../../evil"), b""),
        (put("/tmp/evil"), b""),
        (put("data/./../../evil"), b""),
        (put("clients/evil.json"), b""),
        (put("data//evil"), b""),
        (put(["data/evil"]), b""),
        (intent(puts=[{"file": "data/evil", "text": "\ud800"}]), b""),
        (intent(appends=[{"file": "../evil", **LINES}]), b""),
        (intent(appends=[{"file": "data/evil", **LINES, "staged": "../../../secret"}]), b""),
        (intent(removals=[{"file": "../outside/kept.txt", "sha256": ""}]), b""),
        (intent(listed=PLACED), PLACED),
        (intent(listed=TAKEN), TAKEN),
        ({"command": "x"}, b""),
        ([], b""),
    ],
)
def test_a_stopped_run_says_nothing_about_files_elsewhere(root, outside, value, listed):
    (root.path.parent / "secret").write_text(SECRET)
    folder = root.pending / "run"
    folder.mkdir(parents=True)
    (folder / "intent.json").write_text(json.dumps(value))
    (folder / "proofs.jsonl").write_bytes(listed)
    (folder / "lines-1").write_bytes(b"")
    before = files(root.path.parent)
    ran = house.call("reconcile", root)
    assert (ran.code, "[B-INTENT-BROKEN]" in ran.err) == (3, True), ran
    after = files(root.path.parent)
    logs = [name for name in after if "/logs/" in name or name.endswith(".lock")]
    assert {name: data for name, data in after.items() if name not in logs} == {
        name: data for name, data in before.items() if name not in logs
    }


def test_the_name_of_a_stopped_run_is_one_inert_line(root):
    folder = root.pending / "run"
    folder.mkdir(parents=True)
    (folder / "proofs.jsonl").write_bytes(b"")
    (folder / "intent.json").write_text(json.dumps(intent()))
    shown = house.call("show_status", root, today="2026-12-01", month="2026-11").out
    done = house.call("reconcile", root).err
    assert "evil\\x1b[31m\\nforged" in shown
    assert done == "finished the stopped run: evil\\x1b[31m\\nforged\n"


def packed(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """A backup whose list of hashes is right."""
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {one.name}\n" for one, data in members)
    last = tarfile.TarInfo("SHA256SUMS")
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for one, data in (*members, (last, sums.encode())):
            one.size = one.size or len(data)
            tar.addfile(one, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("../evil", tarfile.REGTYPE, ""),
        ("data/../../evil", tarfile.REGTYPE, ""),
        ("/data/evil", tarfile.REGTYPE, ""),
        ("data/./evil", tarfile.REGTYPE, ""),
        ("evil.sh", tarfile.REGTYPE, ""),
        ("data", tarfile.SYMTYPE, "../outside"),
        ("data/evil", tarfile.LNKTYPE, "../outside/kept.txt"),
        ("data/evil", tarfile.FIFOTYPE, ""),
        ("data/evil", tarfile.CHRTYPE, ""),
    ],
)
def test_a_backup_is_laid_out_in_its_root_alone(tmp_path, outside, name, kind, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    archive = packed(tmp_path / "backup.tar", (member, b""))
    new = Root(tmp_path / "new")
    new.path.mkdir()
    before = files(tmp_path)
    ran = house.call("restore", new, **{"from": str(archive)})
    assert (ran.code, "[B-BACKUP-BROKEN]" in ran.err) == (1, True), ran
    assert files(tmp_path) == before
    assert not list(new.path.iterdir())


def test_a_backup_with_a_file_of_holes_is_refused_before_it_is_read(tmp_path):
    member = tarfile.TarInfo("data/evil")
    member.pax_headers = {
        "GNU.sparse.map": "0,0",
        "GNU.sparse.size": str(10**15),
        "GNU.sparse.numblocks": "1",
    }
    archive = packed(tmp_path / "backup.tar", (member, b""))
    new = Root(tmp_path / "new")
    new.path.mkdir()
    ran = house.call("restore", new, **{"from": str(archive)})
    assert (ran.code, "data/evil: has no place in a root" in ran.err) == (1, True), ran


# --- what is read ------------------------------------------------------------------------

CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
DOCTYPE = '<?xml version="1.0"?><!DOCTYPE Document [{}]><Document xmlns="{}" a="{}">{}</Document>'
BOMB = '<!ENTITY a0 "aaaaaaaaaa">' + "".join(
    f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)
)


@pytest.mark.parametrize(
    "data",
    [
        DOCTYPE.format('<!ENTITY x SYSTEM "file://{secret}">', CAMT, "", "&x;"),
        DOCTYPE.format('<!ENTITY % x SYSTEM "file://{secret}"> %x;', CAMT, "", ""),
        DOCTYPE.format(BOMB, CAMT, "&a11;", "&a11;"),
        '<?xml version="1.0"?>' + "<!--a-->" * 400 + "<x/>",
        "<a>" * 100_000,
        "OFXHEADER:100" + " " * 1_000_000 + "<OFX>",
        "OFXHEADER:100<OFX>" + " " * 1_000_000,
        "<?xml" + " " * 3_900 + "><OFX>",
        '<?xml version="1.0"?><?OFX OFXHEADER="200"?><OFX>' + " " * 1_000_000,
    ],
    ids=["xxe", "parameter", "bomb", "comments", "deep", "spaces", "after", "declared", "v2"],
)
def test_a_hostile_statement_is_refused_at_once_and_reads_nothing(root, tmp_path, data):
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    file = tmp_path / "statement.xml"
    file.write_text(data.replace("{secret}", str(secret)))
    signal.alarm(20)
    ran = house.call("read_statement", root, file=str(file))
    assert (ran.code, ran.err.count("\n"), ran.err.endswith("[B-STATEMENT]\n")) == (1, 1, True), ran
    assert SECRET not in ran.err
    assert not (root.path / "exports").exists()


def test_what_a_statement_says_is_text_for_a_spreadsheet(root, tmp_path):
    def entry(amount: str, name: str, more: str = "") -> str:
        return (
            f'<Ntry><Amt Ccy="=EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
            f"<BookgDt><Dt>2026-11-20</Dt></BookgDt><NtryDtls>{more}<TxDtls><RltdPties><Dbtr><Nm>"
            f"{name}</Nm></Dbtr></RltdPties><RmtInf><Ustrd>@SUM(1)</Ustrd></RmtInf></TxDtls>"
            "</NtryDtls></Ntry>"
        )

    many = [f"<Btch><NbOfTxs>{count}</NbOfTxs></Btch>" for count in ("²", "9" * 5000, "=1+1&#10;X")]
    entries = entry("1.00", "=cmd|' /C calc'!A0") + "".join(
        entry("2.00", "+1", one) for one in many
    )
    file = tmp_path / "statement.xml"
    whole = (
        f'<Document xmlns="{CAMT}"><BkToCstmrStmt><Stmt>{entries}</Stmt></BkToCstmrStmt></Document>'
    )
    file.write_text(whole)
    ran = house.call("read_statement", root, file=str(file))
    assert ran.code == 0, ran
    [review] = (root.path / "exports" / "payments").glob("*.review.csv")
    cells = re.split(r"[,\r\n]", review.read_text())
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", '"='))]
    assert "'=cmd|' /C calc'!A0" in cells
    assert len(review.read_text().splitlines()) == 5


@pytest.mark.parametrize(
    "number", ["1e99999999999999999999", "1E-9999999999999999999", "0." + "1" * 99]
)
def test_a_number_beyond_all_bounds_is_refused(root, number):
    text = json.dumps(house.client()).replace('"days": 30', f'"days": {number}')
    house.write(root, "clients/nord.json", text.encode())
    ran = house.call("check_inputs", root)
    assert (ran.code, "[B-JSON-SYNTAX]" in ran.err, "is too long" in ran.err) == (1, True, True)


def test_an_input_of_any_size_is_not_taken_into_memory(root):
    with (root.clients / "nord.json").open("r+b") as stream:
        stream.truncate(10**12)
    ran = house.call("check_inputs", root)
    assert (ran.code, "has more than 20000000 bytes" in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("width", "height"),
    [(6_000, 6_000), (12_000, 12_000), (60_000, 60_000), (25_000_000, 1), (1, 25_000_000)],
)
def test_a_logo_that_would_fill_the_memory_is_refused(root, width, height):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    house.write(root, "logo.png", b"\x89PNG\r\n\x1a\n" + head + body)
    house.write(root, "issuer.json", house.issuer({"logo": "logo.png"}))
    ran = house.call("check_inputs", root)
    assert (ran.code, "logo.png: the logo has" in ran.err or width == 60_000) == (1, True), ran
    assert "logo.png: the logo " in ran.err


@pytest.mark.parametrize("logo", ["../logo.png", "/etc/logo.png", "a/../../logo.png", "link.png"])
def test_a_logo_stands_beside_its_file(root, outside, logo):
    (outside.parent / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (root.path / "link.png").symlink_to(outside.parent / "logo.png")
    house.write(root, "issuer.json", house.issuer({"logo": logo}))
    ran = house.call("check_inputs", root)
    assert (ran.code, "issuer.json: logo: " in ran.err) == (1, True), ran


# --- secrets -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"SMTP_PASSWORD {SECRET}",
        f"SMTP_USER=u\nSMTP_PASSWORD=abc\n{SECRET}",
        f"SMTP_USER=u\nSMTP_PASSWORD=abc\n{SECRET}=",
        f'SMTP_USER=u\nSMTP_PASSWORD="abc\n{SECRET}',
        f"SMTP_USER=u\nSMTP_PASSWORD='a'{SECRET}",
        f"SMTP_PASSWORD={SECRET}",
        f"SMTP_USER=u\nSMTP_PASSWORD=abc #{SECRET}",
        f"SMTP_USER=u\nexport SMTP_PASSWORD = {SECRET}\t#rest",
        f"SMTP_USER=u\nSMTP_PASSWORD={SECRET}é",
        f'SMTP_USER=u\nSMTP_PASSWORD="{SECRET}\\n"',
    ],
)
def test_a_settings_file_that_is_wrong_is_never_repeated(root, text):
    house.write(root, ".env", text.encode())
    ran = house.call("check_inputs", root)
    assert (ran.code, "[B-SETTING]" in ran.err) == (1, True)
    logs = "".join(path.read_text() for path in root.logs.iterdir())
    assert SECRET not in ran.out + ran.err + logs


@pytest.mark.parametrize(
    ("line", "value"), [("'a #b'", "a #b"), ('"a #b" # ours', "a #b"), ("a#b", "a#b"), ("#b", "#b")]
)
def test_a_password_is_read_to_its_end(root, line, value):
    house.write(root, ".env", f"SMTP_USER=u\nSMTP_PASSWORD={line}\n# a comment\n".encode())
    assert settings.load(root).mail.password == value


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_server_that_repeats_the_login_in_its_own_form_is_not_quoted(root, monkeypatch):
    forms = (f"\0me\0{SECRET}".encode(), SECRET.encode())
    with post.office(login=("me", SECRET)) as server:
        values = {"HOST": "127.0.0.1", "PORT": server.port, "SECURITY": "none", "USER": "me"}
        for name, value in {**values, "PASSWORD": SECRET}.items():
            monkeypatch.setenv(f"SMTP_{name}", str(value))
        server.answer = f"550 no {' '.join(b64encode(one).decode() for one in forms)}"
        ran = house.call("send_invoices", root, today="2026-11-09")
    assert (ran.code, "550 no *** ***" in ran.err) == (4, True), ran


# --- what is said and written --------------------------------------------------------------


def test_a_name_forges_no_line_of_a_log_and_names_none(root, outside):
    forged = "x\n2026-11-08T00:00:00Z INFO verify.py I-VERIFIED all is well"
    house.write(root, f"clients/{forged}.json", {})
    house.write(root, f"data/usage/nord/{RED}\u202e.json", b"{")
    house.write(root, f"data/usage/{forged}/2026-10.manual.json", b"{")
    ran = house.call("check_inputs", root)
    alerts.write_log(root.logs, "../../outside/kept", "INFO", "x.py", "I-RUN", "text")
    assert ran.code == 1
    assert sorted(path.name for path in root.logs.iterdir()) == ["nord.log", "system.log"]
    for path in root.logs.iterdir():
        for line in path.read_text().splitlines():
            assert re.match(r"20[0-9-]{8}T[0-9:]{8}Z (INFO|ERROR|NOTICE) \w+\.py [BI]-", line), line
            assert "I-VERIFIED" not in line.split(" ")[:4]
    assert RED not in ran.err
    assert "\u202e" not in ran.err


def test_a_cell_on_the_terminal_is_text(capsys):
    tables.show("", ["[bold]buyer"], [[f"{RED}[red]x[/red]\u202e\n[link=http://x]y[/link]"]])
    out = capsys.readouterr().out
    assert "\\x1b[31m[red]x[/red]\\u202e\\n[link=http://x]y[/link]" in out


def test_who_holds_the_lock_is_reported_on_one_inert_line(root):
    root.lock.write_text(f"evil{RED}\nforged")
    command = [sys.executable, "-c", f"import fcntl;f=open({str(root.lock)!r},'r+');"]
    command[-1] += "fcntl.flock(f,fcntl.LOCK_EX);print(1,flush=True);input()"
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        ran = house.run("reconcile", root, {"LOCK_WAIT": "1"})
        holder.communicate(b"\n")
    assert ran.code == 4
    assert ran.err.count("evil\\x1b[31m\\nforged") == 2
    assert RED not in ran.err


def test_a_hostile_name_is_a_name_in_every_file(tmp_path):
    name = '=1+1 & <b>]]> \\(x) %n;|{} "q" \'; [red]'
    one = house.client(changes={"party.name": name, "purchase_order": "=A1)>>"})
    root = house.build(tmp_path / "root", one)
    assert house.month(root).code == 0
    for script, options in (
        ("export_revenues", {"year": "2026"}),
        ("export_fec", {"year": "2026"}),
        ("export_ledger", {"year": "2026"}),
        ("send_invoices", {"today": "2026-11-09"}),
        ("reconcile", {}),
    ):
        assert house.call(script, root, **options).code == 0
    assert house.issued(root, "nord", "NORD-2026-0001").buyer.name == name
    made = document.from_json(house.proof(root, "nord", "NORD-2026-0001", "json").read_bytes())
    assert made.buyer.name == name
    csv = (root.path / "exports/recettes/revenues-2026.csv").read_text()
    assert "'=1+1" in csv
    assert ",=1+1" not in csv
    [fec] = (root.path / "exports/fec").iterdir()
    assert {line.count("\t") for line in fec.read_text().splitlines()} == {17}
    assert name.replace("|", " ") in fec.read_text()
    assert house.call("verify", root).code == 0  # the XML in the PDF, read back, says the same
    assert house.call("show_overdue", root, today="2027-01-31").out.count("[red]") == 1


def test_what_a_package_holds_is_named_by_us(tmp_path):
    """References and names of customers are the sender's: none of them is a name of a file."""
    rows = batches.file_of(batches.row(1, reference="../../evil"))
    root = batches.build(tmp_path / "batch", rows)
    assert batches.run(root).code == 0
    assert house.call("pack_batches", root).code == 0
    [package] = root.downloads.glob("*.zip")
    with zipfile.ZipFile(package) as opened:
        assert opened.namelist() == ["FIL-2026-0001.pdf", "manifest.csv"]
        assert "../../evil,FIL-2026-0001," in opened.read("manifest.csv").decode()
    assert package.stat().st_mode & 0o777 == storage.FILE_MODE


# --- what we stand on ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_with_its_hashes(name):
    text = re.sub(r"\\\n", " ", (house.HOME / name).read_text())
    lines = [
        line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")
    ]
    assert lines
    assert not [
        line for line in lines if not re.match(r"[\w.-]+(\[\w+\])?==\S+ .*--hash=sha256:", line)
    ]
    makefile = (house.HOME / "Makefile").read_text()
    assert makefile.count("pip install") == makefile.count("--require-hashes")


class _Index(http.server.BaseHTTPRequestHandler):
    """Knows of good 1.0, bad 1.0 and newer 2.0; nothing of the version of any other."""

    def do_GET(self) -> None:
        known = {"good": "1.0", "bad": "1.0", "newer": "2.0"}
        found = re.fullmatch(r"/pypi/(\w+)/json", self.path)
        self.send_response(200 if found else 404)
        self.end_headers()
        if found:
            bad = [{"id": "PYSEC-1", "aliases": [f"CVE-1{RED}"], "fixed_in": ["1.1"]}]
            bad = [*bad, {"id": "PYSEC-2", "withdrawn": "2026-01-01"}] if found[1] == "bad" else []
            answer = {"info": {"version": known[found[1]]}, "vulnerabilities": bad}
            self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def index() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Index) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/simple/"
        server.shutdown()


@pytest.mark.parametrize(
    ("pins", "code", "said"),
    [
        (["good==1.0"], 0, "1 of 1 versions audited, 0 vulnerabilities\n"),
        (
            ["good==1.0", "bad==1.0", "newer==1.0"],
            1,
            "bad 1.0: PYSEC-1, CVE-1?[31m; fixed in 1.1\nnot audited: no data for newer\n"
            "2 of 3 versions audited, 1 vulnerabilities\n",
        ),
        (["newer==1.0"], 0, "not audited: no data\n0 of 1 versions audited, 0 vulnerabilities\n"),
    ],
)
def test_a_known_vulnerability_fails_and_a_silent_index_is_reported(tmp_path, pins, code, said):
    file = tmp_path / "requirements.txt"
    file.write_text("".join(f"{pin} \\\n    --hash=sha256:00\n" for pin in pins))
    command = [sys.executable, str(house.HOME / "tools" / "audit_requirements.py"), str(file)]
    with index() as address:
        given = {**os.environ, "PIP_INDEX_URL": address}
        done = subprocess.run(command, capture_output=True, text=True, env=given, check=False)
    assert (done.returncode, done.stdout) == (code, said), done


def test_every_claim_of_the_threat_model_names_a_test_that_is_there():
    named = set(re.findall(r"`(test_\w+)`", (house.HOME / "docs/security.md").read_text()))
    there = "".join(path.read_text() for path in (house.HOME / "tests").glob("test_*.py"))
    assert len(named) > 20
    assert not {name for name in named if f"def {name}(" not in there}
