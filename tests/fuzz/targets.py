"""What is fuzzed: the files that people and banks write, and the commands that read them.

Each target is one file of a house that has issued, been paid and been corrected. A command
either takes what the file holds or refuses it, in lines that end with a code, and then
nothing has changed but logs, and for a batch what its rejection promises.
"""

import contextlib
import csv
import importlib
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from lxml import etree

import batches
import books
import house
import statement_files
from cdar_messages import message, status
from lib.books import records
from lib.core import cli
from lib.core.root import Root
from lib.platform import flow_client
from lib.platform.flow_client import FlowClient

TODAY = "2026-12-08"
INBOX = "data/inbox_batch/fil__2026-11.csv"
_STATEMENTS = house.HOME / "tests" / "statements"
_OPENINGS = house.HOME / "tests" / "faults" / "opening.csv"
_LINE = re.compile(r".* \[[BI]-[A-Z0-9]+(-[A-Z0-9]+)*\]")
_KEPT = re.compile(
    re.escape(INBOX)
    + r"|data/inbox_batch/rejected/fil__2026-11\.csv(\.errors\.(csv|txt))?"
    + r"|data/archive_batch/fil__2026-11\.[0-9a-f]{12}\.csv"
)


class Step(NamedTuple):
    """One command: a script and its options; FILE stands for the file that was handed in."""

    script: str
    options: dict[str, str]


class Target(NamedTuple):
    """One kind of input.

    `place` is where it stands under the root; empty: outside of it. `steps` follow each other
    while nothing is refused; where they are `readers` each is run for itself. `inputs` are
    tried; `refusals` are the exit codes with which it may be refused. `forged`: hashes are
    made right again, so that a changed fact is not noticed by them.
    """

    name: str
    place: str
    steps: tuple[Step, ...]
    inputs: int = 500
    readers: bool = False
    refusals: tuple[int, ...] = (1,)
    forged: bool = False


FILE = "FILE"
_SAID = ("message", "page")  # options of what a platform says: no script has them
_DAYS = {"issue_date": TODAY, "today": TODAY}
_CHECK = Step("check_inputs", {})
_ISSUE = Step("generate_invoice", {"month": "2026-11", "client": "sud", **_DAYS})
_BATCH = Step("import_batch", _DAYS)
_STATEMENT = (Step("read_statement", {"file": FILE}),)
_CREDIT = {"invoice": "SUD-2026-0001", "lines": FILE, **_DAYS}
_READERS = (
    Step("reconcile", {}),
    Step("show_overdue", {"today": TODAY}),
    Step("export_revenues", {"year": "2026"}),
    Step("export_fec", {"year": "2026"}),
    Step("export_ledger", {"year": "2026"}),
    Step("record_payment", {"client": "sud", "invoice": "SUD-2026-0001", "amount": "1.00",
                            "date": "2026-12-01", "method": "card", "today": TODAY}),
    Step("show_status", {"today": TODAY, "month": "2026-11"}),
    Step("verify", {}),
)  # fmt: skip


def _exchange(given: str) -> tuple[Step, ...]:
    """`make platform`, where a platform gives what was handed in; then who reads what it made."""
    return (
        Step("exchange_with_platform", {given: FILE, "today": TODAY}),
        Step("show_status", {"today": TODAY, "month": "2026-11"}),
        Step("verify", {}),
    )


_AUDIT = {"steps": (Step("verify", {}),), "inputs": 150, "refusals": (3,)}
_RECORDS = {"inputs": 150, "readers": True, "refusals": (1, 3)}

TARGETS = (
    Target("client", "clients/sud.json", (_CHECK, _ISSUE), 1000),
    Target("issuer", "issuer.json", (_CHECK, _ISSUE, Step("export_fec", {"year": "2026"}))),
    Target("batch client", "batch_clients/fil.json", (_CHECK, _BATCH)),
    Target("usage", "data/usage/sud/2026-11.manual.json", (_CHECK, _ISSUE)),
    Target("order", "data/orders/sud/site.json", (
        _CHECK,
        Step("invoice_order", {"client": "sud", "order": "site", **_DAYS}),
        Step("show_status", {"today": TODAY, "month": "2026-11"}),
    ), 200),
    Target("index", "data/indices/costs.json", (_CHECK, _ISSUE)),
    Target("credit lines", "", (Step("issue_credit_note", _CREDIT),)),
    Target("batch CSV", INBOX, (_BATCH,), 1500),
    Target("payments CSV", "", (Step("import_payments", {"file": FILE, "today": TODAY}),)),
    Target("opening CSV", "", (Step("import_openings", {"file": FILE, "today": TODAY}),)),
    Target("opening records", "data/openings/sud.jsonl", _READERS, **_RECORDS),
    Target("forged openings", "data/openings/sud.jsonl", forged=True, **_AUDIT),
    Target("forged sequence", "data/revenues/SUD.jsonl", forged=True, **_AUDIT),
    Target("camt.053", "", _STATEMENT),
    Target("OFX", "", _STATEMENT),
    Target("CFONB", "", _STATEMENT),
    Target("MT940", "", _STATEMENT),
    Target("bank CSV", "", (Step("read_statement", {"file": FILE, "bank": "ma_banque"}),)),
    Target(".env", ".env", (_CHECK, Step("send_invoices", {"today": TODAY}))),
    Target("revenue records", "data/revenues/sud.jsonl", _READERS, **_RECORDS),
    Target("payment records", "data/payments/sud.jsonl", _READERS, **_RECORDS),
    Target("forged revenues", "data/revenues/sud.jsonl", forged=True, **_AUDIT),
    Target("forged payments", "data/payments/sud.jsonl", forged=True, **_AUDIT),
    Target("document", "data/invoices/est/2026/EST-2026-0001.json", (
        Step("verify", {}),
        Step("make_receipt", {"invoice": "EST-2026-0001"}),
        Step("issue_credit_note", {"invoice": "EST-2026-0001", **_DAYS}),
    ), **_RECORDS),
    Target("status message", "", _exchange("message"), 400),
    Target("page of a search", "", _exchange("page"), 400, refusals=(4,)),
    Target("witness", "", (Step("verify", {"witness": FILE}),), 150, refusals=(1, 3)),
)  # fmt: skip
_OUTSIDE = {
    "camt.053": "camt053_08_six.xml",
    "OFX": "ofx_102.ofx",
    "CFONB": "cfonb_120.txt",
    "MT940": "mt940_de.sta",
}


def named(name: str) -> Target:
    """The target of that name."""
    return next(target for target in TARGETS if target.name == name)


_MESSAGE = message(
    status("SUD-2026-0001", "200", "20261130090000"),
    status(
        "EST-2026-0001",
        "210",
        "20261201090000",
        reasons=(("TX_TVA_ERR", "Taux de TVA erroné", "NIN"),),
        note="Voir le devis",
    ),
    status("SUD-2026-0001", "212", "20261202", amounts=(("MEN", "76.80", "20.00"),)),
)


# --- the house -----------------------------------------------------------------------

_TIERS = {"tiers": [{"up_to": "10", "unit_price": "0.50"}, {"unit_price": "0.40", "fixed": "5.00"}]}


def _rich() -> dict[str, object]:
    """A client with every charge model, discounts and a minimum."""
    calls = house.metered("calls", "hours", charge="graduated") | _TIERS
    tiers = house.metered("tiers", "hours", charge="volume") | _TIERS
    package = {"metric": "hours", "tiers": [{"up_to": "9", "price": "9.00"}, {"price": "12.00"}]}
    box = house.item("box", charge="package") | package
    fee = house.item("fee", charge="percentage") | {"metric": "hours", "rate": "2.5"}
    del calls["unit_price"], tiers["unit_price"], box["price"], fee["price"]
    discount = {"id": "welcome", "description": {"fr": "Remise"}, "percent": "10"}
    changes = {
        "party.vat_number": house.vat_number(house.siren(2)),
        "party.phone": "+33 2 40 00 00 00",
        "purchase_order": "PO-2026-118",
        "plans.0.start": "2026-10",
        "plans.0.end": "2027-12-31",
        "plans.0.items": [house.item("hosting"), house.metered("support", "hours", included="2"),
                       calls, tiers, box, fee],
        "plans.0.discounts": [discount, discount | {"id": "part", "items": ["hosting"]}],
        "plans.0.minimum": {"amount": "20.00", "vat_rate": "20"},
        "delivery": {"email": True, "cc": ["a@client.example"]},
    }  # fmt: skip
    value = house.client("sud", changes, i=2)
    steps = [
        {"from": "2026-10", "price": "19.00"},
        {"from": "2026-11", "percent": "3.0"},
        {"from": "2026-12", "index": "costs", "base": "2025-08", "at": "2026-08"},
    ]
    hosted = {key: one for key, one in house.item("mails").items() if key != "price"}
    ahead = {"id": "ahead", "start": "2026-10", "every_months": 1, "billed": "advance"}
    more = {"skip": ["2027-02"], "notice_days": 30, "payment_terms": {"days": 15}}
    value["plans"].append({**ahead, **more, "items": [hosted | {"prices": steps}]})
    return value


def build(folder: Path) -> Root:
    """A house in December: October issued, paid in part, corrected; November to be issued."""
    root = batches.build(folder, batches.file_of(batches.row(1), batches.row(2)))
    house.write(root, "logo.png", (house.HOME / "examples" / "logo.png").read_bytes())
    more = {"reminders": {"polite": 7}, "bank_files": {"ma_banque": statement_files.FORM}}
    more["platform"] = {"flow_url": "https://api.platform.example", "since": "2026-11-01"}
    house.write(root, "issuer.json", house.issuer({"logo": "logo.png", **more}))
    house.put_client(root, _rich())
    known = {"source": "bulletin", "date": "2026-11-02"}
    values = {"2025-08": {"value": "310.2", **known}, "2026-08": {"value": "318.9", **known}}
    index = {"index": "costs", "title": "Coûts", "values": values}
    house.write(root, "data/indices/costs.json", index)
    house.put_client(root, house.client("est", i=3))
    for month in ("2026-10", "2026-11"):
        house.put_usage(root, house.usage("sud", month, {"hours": "12"}, house.one_off()))
    steps = (
        house.step("deposit", percent="30", payment_terms={"days": 8}),
        house.step("milestone", lines=["2"]),
        house.step(amount="300.00"),
    )
    house.put_order(root, house.order("site", "sud", *steps, valid_days=9))
    house.write(root, ".env", _ENV).chmod(0o600)
    opened = {"file": str(_OPENINGS), "today": TODAY}
    last = {"code": "SUD", "year": "2025", "last": "31", "today": TODAY}
    with mock.patch.dict(os.environ, {"REASON": "wrong price"}):
        for ran in (
            house.call("record_sequence", root, **last),
            house.call("import_openings", root, **opened),
            house.call("reverse_opening", root, opening="sud/2", today=TODAY),
            batches.run(root),
            house.month(root),
            books.pay(root, "SUD-2026-0001", "10.00", today=TODAY),
            books.pay(root, "SUD-2026-0001", "20.00", today=TODAY, reference="VIR 7"),
            books.reverse(root, "sud/1", today=TODAY),
            books.pay(root, "EST-2026-0001", "76.80", today=TODAY),
            house.call("issue_credit_note", root, invoice="NORD-2026-0001", **_DAYS),
            call("exchange_with_platform", root, {"today": TODAY}),
            call("exchange_with_platform", root, {"today": TODAY}),  # hears that all is well
            house.call("reconcile", root),
        ):
            assert ran.code == 0, ran
    return root


_ENV = b"""# settings
LOCK_WAIT=0
WORKERS=1
CSV_DIALECT=fr
CSV_HEADERS='fr'
SMTP_PORT=2525
SMTP_SECURITY="none"
MAIL_FROM=compta@atelier.example
ALERT_TO=a@atelier.example, b@atelier.example
MAIL_SINCE=2026-11-01
PLATFORM_TOKEN=fixed-token
"""

# --- the platform --------------------------------------------------------------------


class PlatformOfFiles(FlowClient):
    """A platform that takes everything; the first page of its search, and the message that is in
    its flows, are what was handed in."""

    message, page = b"", b"{}"

    def _call(self, method: str, path: str, *, repeatable: bool = True, **content: Any) -> bytes:
        if path.endswith("/search"):
            is_first = "updatedAfter" in content["json"]["where"] and "page" not in vars(self)
            if is_first:
                given, self.page = self.page, b"{}"
            return given if is_first else b"{}"
        if method == "POST":
            return b'{"flowId": "taken"}'
        if content["params"]["docType"] == "Metadata":
            return json.dumps(_flow("taken", "Out", trackingId="x")).encode()
        return self.message


def _flow(flow_id: str, direction: str, **more: str) -> dict[str, Any]:
    """What a platform says of a flow."""
    return {
        "flowId": flow_id,
        "flowSyntax": "CDAR",
        "flowDirection": direction,
        "updatedAt": "2026-12-02T10:00:00Z",
        "acknowledgement": {"status": "Ok"},
        **more,
    }


def _is_said(line: dict[str, Any], message: bytes) -> bool:
    """Whether a message has the number and the code that a record says it has."""
    root = etree.fromstring(
        message.strip(), etree.XMLParser(resolve_entities=False, no_network=True)
    )

    def texts(name: str) -> set[str]:
        found = root.iterfind(f".//{{*}}{name}")
        return {" ".join(("".join(each.itertext())).split())[:500] for each in found}

    return line["number"] in texts("IssuerAssignedID") and line["code"] in texts(
        "ProcessConditionCode"
    )


def _unsaid(before: "Tree", after: "Tree") -> str:
    """A status on record that its message does not have; empty where there is none."""
    folder = "data/platform/"
    for name, (_, data) in after.items():
        if not name.startswith(folder) or not name.endswith(".jsonl") or before.get(name) == data:
            continue
        for line in map(json.loads, data.splitlines()):
            if line["kind"] == "status" and line["number"]:
                _, kept = after[f"{folder}received/{line['sha256']}.xml"]
                if not _is_said(line, kept):
                    return f"{line['number']} got the status {line['code']}, which nobody gave it"
    return ""


def seeds(root: Root) -> dict[str, bytes]:
    """A valid file for each target."""
    found = {target.name: root.path / target.place for target in TARGETS if target.place}
    made = {name: path.read_bytes() for name, path in found.items() if path.is_file()}
    made |= {name: (_STATEMENTS / file).read_bytes() for name, file in _OUTSIDE.items()}
    lines = {"lines": [{"line": "1"}, {"line": "2", "quantity": "1.5"}]}
    made["credit lines"] = json.dumps(lines).encode()
    rows = [batches.row(3), batches.row(4) | batches.group(2)]
    made["batch CSV"] = batches.file_of(*rows)
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(
        [
            ["client", "invoice", "amount", "date", "method", "reference", "note"],
            ["sud", "SUD-2026-0001", "12.00", "2026-12-01", "transfer", "VIR 12", ""],
            ["sud", "SUD-2026-0001", "1.50", "2026-12-02", "cash", "", 'said "late"'],
        ]
    )
    made["payments CSV"] = stream.getvalue().encode()
    made["opening CSV"] = _OPENINGS.read_bytes().replace(b"2026/1", b"2026/2")
    made["bank CSV"] = statement_files.CSV.encode("cp1252")
    made["status message"] = _MESSAGE
    made["page of a search"] = json.dumps(
        {
            "limit": 100,
            "filters": {"updatedAfter": "2026-11-01T00:00:00Z"},
            "results": [
                _flow("a", "In", submittedAt="2026-12-02T09:00:00+01:00", trackingId="x"),
                _flow("b", "Out", trackingId="SUD-2026-0001", flowSyntax="Factur-X"),
                _flow("c", "In", updatedAt="2026-12-02T10:00:00.123Z"),
            ],
            "nextCursor": "",
        }
    ).encode()
    made["witness"] = b"".join(
        f"> data/{path.parent.name}/{path.stem}.jsonl {head['seq']} {head['hash']}\n".encode()
        for path in sorted(root.data.glob("heads/*/*.json"))
        for head in [json.loads(path.read_bytes())]
    )
    return made


def call(script: str, root: Root, options: dict[str, str]) -> house.Ran:
    """Runs a script in this process, with streams that encode as those of a terminal do."""
    module = importlib.import_module(script)
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", "strict", newline="")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", newline="")
    named_options = [
        f"--{name.replace('_', '-')}={value}"
        for name, value in options.items()
        if name not in _SAID
    ]
    code = 0
    said = {name: Path(options[name]).read_bytes() for name in _SAID if name in options}
    if "message" in said:
        said["page"] = json.dumps({"results": [_flow("a", "In")]}).encode()
    with (
        mock.patch.multiple(PlatformOfFiles, **{"message": _MESSAGE, **said}),
        mock.patch.object(flow_client, "FlowClient", PlatformOfFiles),
        mock.patch.object(sys, "argv", [f"{script}.py", "--root", str(root.path), *named_options]),
        mock.patch.dict(os.environ, {"REASON": "wrong price"}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.run(module.parser().parse_args(), module.main)
        except SystemExit as stop:
            code = int(stop.code or 0)
    texts = []
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
        texts.append(stream.read())
    return house.Ran(code, *texts)


def hand_in(target: Target, root: Root, data: bytes) -> Path:
    """Puts the bytes where the target's commands look for them."""
    if not target.place:
        path = root.path.parent / "given"
        path.write_bytes(data)
        return path
    path = root.path / target.place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # a proof is not to be written over
    path.write_bytes(data)
    path.chmod({"document": 0o444, ".env": 0o600}.get(target.name, 0o640))
    if target.forged:
        _follow(root, path, data)
    return path


def _follow(root: Root, path: Path, data: bytes) -> None:
    """Lets the head of a record file be that of its last line."""
    with contextlib.suppress(ValueError, KeyError, TypeError, IndexError, RecursionError):
        last = json.loads(data.splitlines()[-1])
        records.head_path(root, path).write_bytes(records.head_bytes(last["seq"], last["hash"]))


def options(step: Step, path: Path) -> dict[str, str]:
    """The options of a step, with the file that was handed in."""
    return {name: str(path) if value == FILE else value for name, value in step.options.items()}


# --- what is promised ----------------------------------------------------------------

Tree = dict[str, tuple[int, bytes]]


def breach(target: Target, step: Step, ran: house.Ran, before: Tree, after: Tree) -> str:
    """Which promise was broken; empty where none was."""
    if "Traceback" in ran.err + ran.out or "[B-INTERNAL]" in ran.err:
        return "a fault of the program"
    if step.script == "exchange_with_platform" and (wrong := _unsaid(before, after)):
        return wrong
    if ran.code not in (0, *target.refusals):
        return f"exit code {ran.code}"
    if ran.code:
        strange = [line for line in ran.err.splitlines() if not _LINE.fullmatch(line)]
        if strange or not ran.err:
            return f"a line without a code: {strange[:1]}"
        changed = {
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        }
        if step.script == "import_batch":
            changed = {name for name in changed if not _KEPT.fullmatch(name)}
        if changed:
            return f"written though refused: {sorted(changed)}"
    return ""


def restore(root: Root, good: Tree, now: Tree) -> None:
    """Brings the root back to what it was."""
    for name in now.keys() - good.keys():
        (root.path / name).unlink()
    for name, (mode, data) in good.items():
        if now.get(name) != (mode, data):
            path = root.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(data)
            path.chmod(mode)
    shutil.rmtree(root.logs, ignore_errors=True)
