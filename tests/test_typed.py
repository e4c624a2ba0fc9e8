"""Only what was typed after `make` counts: an environment full of odd values changes nothing."""

import json
import re
from pathlib import Path

import pytest

import batches
import house
from lib.core.root import Root

MAKEFILE = "".join(path.read_text() for path in house.MAKEFILES)
TARGETS = re.findall(r"^([a-z][a-z-]*):.*## ", MAKEFILE, re.MULTILINE)
OWN = re.findall(r"^(?:override |define )?([A-Za-z_]+) *:?=", MAKEFILE, re.MULTILINE)
VALUES = re.search(r"^VALUES := ((?:.*\\\n)*.*)", MAKEFILE, re.MULTILINE)
assert VALUES
NAMES = VALUES[1].replace("\\", "").split()

DAY = "TODAY=2026-11-09"
PAID = ("CLIENT=sud", "INVOICE=SUD-2026-0001", "METHOD=transfer", DAY)
NEW = (
    *("ID=est", "NAME=Est SARL", f"SIREN={house.siren(5)}", "ADDRESS=1 rue", "POSTCODE=44000"),
    *("CITY=Nantes", "CODE=EST", "DESCRIPTION=Site", "PRICE=10.00", "VAT_RATE=20"),
    *("CATEGORY=services", "START=2026-11"),
)
# A life of a house, in which every command of it is called.
LIFE = (
    ("client", *NEW, DAY),
    (
        "order",
        "CLIENT=sud",
        "ID=talk",
        "TITLE=$(shell touch pwned) é",
        "PRICE=9.00",
        "VAT_RATE=20",
        DAY,
    ),
    ("check", DAY),
    ("sequence", "CODE=SUD", "YEAR=2025", "LAST=31", "REASON=moved in", DAY),
    ("opening", "FILE={folder}/opening.csv", DAY),
    ("opening-reverse", "OPENING=sud/1", "REASON=wrong", DAY),
    ("batch", DAY),
    ("preview", "MONTH=2026-10", DAY),
    ("invoice", "CLIENT=sud", "MONTH=2026-10", DAY),
    ("month", DAY),
    ("packages",),
    ("payment", *PAID, "AMOUNT=70.00", "DATE=2026-11-09", "NOTE=$(shell touch pwned)`x` $$ é"),
    ("payment-reverse", "PAYMENT=sud/1", "REASON=bounced", DAY),
    ("payments-import", "FILE={folder}/payments.csv", DAY),
    ("receipt", "INVOICE=SUD-2026-0001"),
    ("account", "CLIENT=sud", "FROM=2025-01-01", "DATE=2026-11-09", DAY),
    ("ereporting", "PERIOD=2027-09", "SEND=yes", "TODAY=2027-10-31"),
    ("quote", "CLIENT=sud", "ORDER=site", DAY),
    ("decline", "QUOTE=SUD-D2026-0001", "REASON=$(shell touch pwned) too much", DAY),
    ("quote", "CLIENT=sud", "ORDER=site", DAY),
    ("accept", "QUOTE=SUD-D2026-0002", "DATE=2026-11-09", "FILE={folder}/signed.pdf", DAY),
    ("invoice", "CLIENT=sud", "ORDER=site", "STEP=final", "DELIVERED=2026-11-09", DAY),
    ("preview", "INVOICE=SUD-2026-0001", "REASON=again", "AMOUNT=10.00", DAY),
    ("credit-note", "INVOICE=SUD-2026-0001", "REASON=again", "AMOUNT=10.00", DAY),
    ("refund", *PAID, "AMOUNT=1.00", "DATE=2026-11-09"),
    ("write-off", PAID[1], "AMOUNT=0.01", "KIND=difference", "REASON=a cent", "LARGE=yes", DAY),
    ("statement", f"FILE={house.HOME}/tests/statements/camt053_08_six.xml"),
    ("reconcile",),
    ("overdue", DAY),
    ("mail", DAY),
    ("platform", "DRY_RUN=1", DAY),
    ("platform", "QUIET=1", DAY),
    ("platform", DAY),
    ("reminders", DAY),
    ("export", "YEAR=2026"),
    ("payments-csv",),
    ("fec", "YEAR=2026"),
    ("ledger", "YEAR=2026"),
    ("workbook", "YEAR=2026"),
    ("declare", "QUARTER=2026-Q4"),
    ("accountant", "MONTH=2026-11"),
    ("report", "YEAR=2026", DAY),
    ("status", DAY),
    ("logs", "CLIENT=sud"),
    ("purge-logs", "KEEP_DAYS=9000", DAY),
    ("backup", "TO={folder}/backups", DAY),
    ("close", "MONTH=2026-10", DAY),
    ("verify",),
    ("init",),
)
NOT_OF_A_HOUSE = {"help", "setup", "demo", "restore", "test", "faults", "fuzz", "lint", "audit"}
NOT_OF_A_HOUSE |= {"demo-platform", "platform-years", "remedies", "conformance", "bench", "pin"}


# What differs from one moment to the next: times, how long it took, what is free, a backup of logs.
TIMES = re.compile(r"(?m)\d{4}-\d\d-\d\dT[\d:]+Z|[\d.]+ GB free|-[0-9a-f]{12}\.tar: .*|in \d+ s$")


def odd(folder: Path) -> dict[str, str]:
    """What may stand in an environment: each name that this project, Make, bash or Python reads."""
    trap = folder / "trap.sh"
    trap.write_text("exit 9\n")
    dangerous = f"$(error expanded)$(shell touch {folder}/pwned)"
    return dict.fromkeys((*OWN, *NAMES), dangerous) | {
        "MONTH": "2026-09", "TODAY": "2031-01-01", "ISSUE_DATE": "2026-10-31", "MAIL": "no",
        "ROOT": str(folder / "elsewhere"), "REISSUE": "yes", "AGAIN": "yes", "DRY_RUN": "1",
        "CLIENT": "nord", "QUIET": "1", "RUN": "/", "RUN_LOG": str(folder / "run.log"),
        "MAKEFLAGS": "ni -- MONTH=2026-09 CLIENT=nord", "GNUMAKEFLAGS": "-k", "MFLAGS": "-n",
        "MAKELEVEL": "3", "MAKE": "/bin/false", "MAKE_COMMAND": "false",
        "MAKECMDGOALS": "backup", "MAKEOVERRIDES": "x", "VPATH": "/",
        "BASH_ENV": str(trap), "ENV": str(trap), "SHELLOPTS": "noexec:xtrace", "CDPATH": "/",
        "BASHOPTS": "failglob", "BASH_FUNC_sed%%": "() { exit 9; }", "GLOBIGNORE": "*",
        "PYTHONHOME": "/nowhere", "PYTHONPATH": str(folder), "PYTHONWARNINGS": "error",
        "PYTHONUTF8": "0", "PYTHONSTARTUP": str(trap), "PYTHONIOENCODING": "ascii",
        "TMPDIR": "/nowhere", "LC_ALL": "C", "LANG": "fr_FR.CP1252", "SHELL": "/bin/false",
    }  # fmt: skip


def start(root: Root, words: tuple[str, ...], environment: dict[str, str]) -> house.Ran:
    folder = root.path.parent
    typed = [word.replace("{folder}", str(folder)) for word in words]
    ran = house.make(root, *typed, environment=environment)
    said = TIMES.sub("", ran.out.replace(str(folder), "")).splitlines()
    return ran._replace(
        out="\n".join(line for line in said if not line.startswith(("make", "exec ")))
    )


def lay_out(folder: Path) -> Root:
    root = batches.build(folder / "root", batches.file_of(batches.row(1)))
    account = {"flow_url": "https://api.platform.example", "since": "2027-09-01"}
    account |= {"number": "0000", "name": "Plateforme"}
    changes = {"platform": account, "vat_periods": "monthly"}
    house.write(root, "issuer.json", house.changed(json.loads(root.issuer.read_bytes()), changes))
    house.put_client(root, house.client("sud", {"plans.0.start": "2026-10"}, i=2))
    house.put_order(root, house.order("site", "sud", house.step()))
    (folder / "signed.pdf").write_bytes(b"%PDF-1.7 signed")
    (folder / "backups").mkdir()
    paid = "client,invoice,amount,date,method,reference,note\n"
    (folder / "payments.csv").write_text(f"{paid}sud,SUD-2026-0001,76.80,2026-11-09,cash,,\n")
    opened = "client,number,issue_date,due_date,currency,gross,nature,vat_category,vat_rate,net,vat"
    row = "sud,2026-0131,2026-09-30,2026-10-30,EUR,120.00,services,S,20,100.00,20.00,,,"
    (folder / "opening.csv").write_text(f"{opened},paid,reference,pdf\n{row}\n")
    return root


@pytest.mark.long
def test_nothing_that_merely_stands_in_the_environment_changes_what_is_done(tmp_path):
    for name in ("clean", "odd"):
        (tmp_path / name).mkdir()
    clean, disturbed = lay_out(tmp_path / "clean"), lay_out(tmp_path / "odd")
    environment = odd(tmp_path / "odd")
    for words in LIFE:
        expected = start(clean, words, {})
        found = start(disturbed, words, environment)
        assert expected.code == 0, (words, expected)
        assert (found.code, found.out) == (0, expected.out), (words, found)
    mails = "data/outbox/"  # their names are hashes of what they say of the folder
    assert house.tree(disturbed, mails) == house.tree(clean, mails)
    assert not (tmp_path / "odd/pwned").exists() and not (tmp_path / "odd/run.log").exists()
    assert not list(house.HOME.glob("*pwned*"))
    assert {words[0] for words in LIFE} | NOT_OF_A_HOUSE == set(TARGETS)


@pytest.mark.parametrize("target", ["setup", "test", "lint", "conformance", "bench"])
def test_no_value_is_expanded(tmp_path, target):
    value = f"$(shell touch {tmp_path}/pwned)"
    for name in ("PYTHON", "APPROVE", "PUBLISH", "SIZE"):
        house.make(Root(tmp_path), "-n", target, f"{name}={value}")
    assert not list(tmp_path.iterdir())
