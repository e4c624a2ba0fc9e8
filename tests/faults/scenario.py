"""A month in small: every command that writes, in the order in which a studio runs them."""

import os
import ssl
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import batches
import house
from cdar_messages import message, status
from lib.core.root import Root
from lib.documents import production
from lib.inputs.issuer_file import Platform as Account
from lib.inputs.settings import PlatformAccess
from lib.platform import cdar, flow_client, report_xml
from lib.platform.flow_client import FlowClient, Wait
from lib.values import document
from lib.values.document import Document
from platform_stub import Platform


class Step(NamedTuple):
    """One command: a script, its options, the free text that the environment carries, and how
    often it is run for all to be settled."""

    name: str
    script: str
    options: dict[str, str]
    text: tuple[tuple[str, str], ...] = ()
    times: int = 1


_DAY = {"today": "2026-11-20"}
_ISSUED = {"issue_date": house.TODAY, "today": house.TODAY}
_LATER = {"issue_date": "2026-11-20", **_DAY}
_PAID = {"client": "sud", "date": "2026-11-20", "method": "transfer", **_DAY}
_ORDER = {"client": "sud", "order": "site"}
_SIGNED = house.HOME / "docs/invoice.png"  # any picture of what was signed
_REASON = (("REASON", "bounced"),)

_OPENINGS = {"file": str(Path(__file__).with_name("opening.csv")), "today": house.TODAY}
_LAST = {"code": "SUD", "year": "2025", "last": "31", "today": house.TODAY}

STEPS = (
    Step("sequence", "record_sequence", _LAST, _REASON),
    Step("openings", "import_openings", _OPENINGS),
    Step(
        "opening reversed",
        "reverse_opening",
        {"opening": "sud/2", "today": house.TODAY},
        _REASON,
    ),
    Step("batches, one of them rejected", "import_batch", _ISSUED),
    Step("month", "generate_invoice", {"month": house.MONTH, **_ISSUED}),
    Step("packages", "pack_batches", {}),
    Step("balances", "reconcile", {}),
    Step("quote", "issue_quote", {**_ORDER, **_ISSUED}),
    Step("mail", "send_invoices", _DAY),
    Step("platform", "exchange_with_platform", _DAY, times=2),
    Step("refusal of a quote", "decline_quote", {"quote": "SUD-D2026-0001", **_DAY}, _REASON),
    Step("quote again", "issue_quote", {**_ORDER, **_LATER}),
    Step(
        "acceptance",
        "accept_quote",
        {"quote": "SUD-D2026-0002", "date": "2026-11-20", "file": str(_SIGNED), **_DAY},
    ),
    Step(
        "payment",
        "record_payment",
        {**_PAID, "invoice": "SUD-2026-0001", "amount": "90.00", "overpayment": "yes"},
    ),
    Step(
        "payment of an opening",
        "record_payment",
        {**_PAID, "invoice": "2026/131", "amount": "60.00"},
    ),
    Step("refund", "record_refund", {**_PAID, "invoice": "SUD-2026-0001", "amount": "5.00"}),
    Step("reversal", "reverse_payment", {"payment": "sud/3", **_DAY}, _REASON),
    Step(
        "write-off",
        "write_off",
        {
            **_DAY,
            "invoice": "SUD-2026-0001",
            "amount": "0.50",
            "kind": "difference",
            "large": "yes",
        },
        _REASON,
    ),
    Step("credit note", "issue_credit_note", {"invoice": "SUD-2026-0001", **_LATER}, _REASON),
    Step(
        "credit note of a batch",
        "issue_credit_note",
        {"invoice": "FIL-2026-0001", **_LATER},
        _REASON,
    ),
    Step("deposit", "invoice_order", {**_ORDER, **_LATER}),
    Step(
        "payment of a deposit",
        "record_payment",
        {**_PAID, "invoice": "SUD-2026-0003", "amount": "360.00"},
    ),
    Step("final invoice", "invoice_order", {**_ORDER, **_LATER, "step": "final"}),
    Step("balances again", "reconcile", {}),
    Step("packages again", "pack_batches", {}),
    Step("mail again", "send_invoices", _DAY),
    Step("e-reporting", "make_ereporting", {"period": "2026-11", "send": "yes", **_DAY}),
    Step("platform again", "exchange_with_platform", _DAY, times=3),
    Step("export", "export_revenues", {"year": "2026"}),
    Step("payments as CSV", "export_payments", {}),
    Step("FEC", "export_fec", {"year": "2026"}),
    Step("ledger", "export_ledger", {"year": "2026"}),
    Step("accountant", "pack_accountant", {"year": "2026"}),
    Step("closing", "close_period", {"month": "2026-11", "today": "2026-12-01"}),
    Step(
        "payment found after it",
        "record_payment",
        {
            **_PAID,
            "invoice": "2026/131",
            "amount": "20.00",
            "date": "2026-12-02",
            "value_date": "2026-11-20",
            "today": "2026-12-02",
        },
    ),
    Step("closing of the year", "close_period", {"year": "2026", "today": "2027-01-02"}),
)


def build(folder: Path, lines: int = 3) -> Root:
    """The inputs: a payer, another client, a batch to issue and one to reject."""
    root = batches.build(folder, batches.file_of(*(batches.row(i + 1) for i in range(lines))))
    house.put_client(root, house.client("sud", i=2))
    house.put_client(root, house.client("lea", {"party.siren": None, "party.person": True}))
    account = {
        "flow_url": "http://127.0.0.1:9",
        "since": "2026-11-01",
        "number": "0042",
        "name": "Plateforme",
    }
    changes = {"platform": account, "vat_periods": "monthly"}
    house.write(root, "issuer.json", house.issuer(changes))
    house.write(root, ".env", b"PLATFORM_TOKEN=fixed-token\n").chmod(0o600)
    house.put_order(
        root, house.order("site", "sud", house.step("deposit", percent="30"), house.step())
    )
    batches.hand_in(root, batches.file_of(batches.row(90, vat_rate_1="21")), "2026-09")
    return root


def run(step: Step, root: Root) -> house.Ran:
    """The command, in this process."""
    with mock.patch.dict(os.environ, {"LOCK_WAIT": "5", "WORKERS": "0", **dict(step.text)}):
        for _ in range(step.times):
            ran = house.call(step.script, root, **step.options)
            if ran.code:
                break
    return ran


def connect(platform: Platform) -> None:
    """From here on this is the platform of every root, in this process and its children, and no
    judge is asked of what goes there."""
    cdar.verdicts = report_xml.verdicts = lambda xml: []
    context = ssl.create_default_context()

    class Connection(FlowClient):
        def __init__(self, account: Account, access: PlatformAccess, wait: Wait):
            super().__init__(account, access, wait)
            self._url = platform.url

    flow_client._trusted = lambda _: context
    flow_client.FlowClient = Connection  # type: ignore[misc]


def answer(platform: Platform, tracking_id: str) -> None:
    """The platform says at once of an invoice that it was deposited."""
    if "-212-" not in tracking_id and platform.flows[-1]["flowSyntax"] == "Factur-X":
        platform.put(message(status(tracking_id, "200", "20261120101500")))


def fake_production() -> None:
    """From here on a PDF is a few bytes, and no judge is asked: neither is what is tried here."""

    def produce(logo: bytes | None, made: Document) -> production.Product:
        return production.Product(document.to_json(made), b"%PDF " + made.number.encode() * 20, ())

    production.produce = produce
