"""A small house to try things in: a root built from plain data, scripts run, files read back."""

import contextlib
import copy
import importlib
import io
import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import stdnum.luhn

from lib.billing import invoicing
from lib.core import cli
from lib.core.root import Root
from lib.inputs import inputs
from lib.values import document
from lib.values.document import Document

HOME = Path(__file__).parents[1]
SCRIPTS = HOME / "scripts"
MAKEFILES = (HOME / "Makefile", HOME / "tools/developers.mk")  # the first includes the second
TODAY = "2026-11-08"
MONTH = "2026-10"


class Ran(NamedTuple):
    """What a script or `make` came to."""

    code: int
    out: str
    err: str


# --- what stands in the files --------------------------------------------------------


def siren(i: int) -> str:
    """A SIREN with the right check digit, another one for each `i`."""
    body = f"{73000000 + i:08d}"
    return body + stdnum.luhn.calc_check_digit(body)


def siret(number: str) -> str:
    """The first SIRET of a SIREN."""
    body = f"{number}0001"
    return body + stdnum.luhn.calc_check_digit(body)


def vat_number(number: str) -> str:
    """The French VAT number of a SIREN."""
    return f"FR{(12 + 3 * (int(number) % 97)) % 97:02d}{number}"


def changed(value: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`value` with `changes`, by dotted place ("party.name"); None takes a key away."""
    result = copy.deepcopy(value)
    for place, new in changes.items():
        *folders, key = place.split(".")
        inner: Any = result
        for folder in folders:
            inner = inner[int(folder) if isinstance(inner, list) else folder]
        if isinstance(inner, list):
            inner[int(key)] = new
        elif new is None:
            inner.pop(key, None)
        else:
            inner[key] = new
    return result


def issuer(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """issuer.json of a company that sells services."""
    number = siren(0)
    value = {
        "code": "ATL",
        "timezone": "Europe/Paris",
        "numbering": "client",
        "party": {
            "name": "Atelier du Nord",
            "siren": number,
            "siret": siret(number),
            "vat_number": vat_number(number),
            "address": {
                "lines": ["12 rue des Lilas"],
                "postcode": "44000",
                "city": "Nantes",
                "country": "FR",
            },
            "email": ["compta@atelier.example"],
        },
        "legal_form": "SAS",
        "capital": "10000.00",
        "registration": f"RCS Nantes {number}",
        "bank": {"iban": "FR7630006000011234567890189", "bic": "AGRIFRPP"},
        "vat_regime": "standard",
        "late_penalty_rate": "12.00",
        "operation_category": "services",
    }
    return changed(value, changes or {})


def item(item_id: str, price: str = "49.00", **changes: Any) -> dict[str, Any]:
    """A flat item of a plan."""
    value = {
        "id": item_id,
        "description": {"fr": "Hébergement", "en": "Hosting"},
        "vat_rate": "20",
        "unit": "MON",
        "charge": "flat",
        "price": price,
    }
    return value | changes


def metered(item_id: str, metric: str, unit_price: str = "60.00", **changes: Any) -> dict[str, Any]:
    """An item of a plan that charges each unit of a metric."""
    value = item(item_id)
    del value["price"]
    more = {"charge": "per_unit", "unit": "HUR", "metric": metric, "unit_price": unit_price}
    return value | more | changes


def client(
    client_id: str = "nord", changes: dict[str, Any] | None = None, i: int = 1
) -> dict[str, Any]:
    """clients/<id>.json of a French business with two flat items, 49.00 and 15.00 a month."""
    value = {
        "id": client_id,
        "code": client_id.upper()[:8],
        "status": "active",
        "party": {
            "name": f"Client {client_id}",
            "siren": siren(i),
            "address": {
                "lines": ["3 quai de la Fosse"],
                "postcode": "44100",
                "city": "Nantes",
                "country": "FR",
            },
            "email": [f"{client_id}@client.example"],
        },
        "language": "fr",
        "currency": "EUR",
        "payment_terms": {"days": 30},
        "vat": {"treatment": "standard"},
        "plans": [
            {
                "id": "main",
                "start": "2026-01",
                "every_months": 1,
                "items": [item("hosting"), item("mail", "15.00")],
            }
        ],
    }
    return changed(value, changes or {})


def usage(
    client_id: str, month: str, quantities: dict[str, str] | None = None, *lines: dict[str, Any]
) -> dict[str, Any]:
    """data/usage/<client>/<month>.manual.json."""
    value: dict[str, Any] = {"client": client_id, "month": month, "source": "manual"}
    if quantities:
        value["quantities"] = quantities
    if lines:
        value["lines"] = list(lines)
    return value


def one_off(unit_price: str = "100.00", **changes: Any) -> dict[str, Any]:
    """A one-off line of a usage file."""
    value = {
        "description": {"fr": "Atelier", "en": "Workshop"},
        "quantity": "1",
        "unit": "DAY",
        "unit_price": unit_price,
        "vat_rate": "20",
    }
    return value | changes


def order(
    order_id: str = "site", client_id: str = "nord", *steps: dict[str, Any], **changes: Any
) -> dict[str, Any]:
    """data/orders/<client>/<order>.json of a website of 1000.00 without VAT at 20 %."""
    value: dict[str, Any] = {
        "id": order_id,
        "client": client_id,
        "title": {"fr": "Site", "en": "Website"},
        "lines": [one_off("600.00"), one_off("200.00", quantity="2")],
    }
    if steps:
        value["steps"] = list(steps)
    return value | changes


def step(kind: str = "final", step_id: str = "", **share: Any) -> dict[str, Any]:
    """A step of an order, named after its kind."""
    return {"id": step_id or kind, "kind": kind, **share}


# --- the root ------------------------------------------------------------------------


def due_step(root: Root, client_id: str, order_id: str) -> str:
    """The first step of an order that was never invoiced."""
    path = root.orders / client_id / f"{order_id}.json"
    steps = json.loads(path.read_bytes()).get("steps", [step()])
    lines = records(root, client_id)
    had = {line["step"] for line in lines if line.get("order") == order_id}
    return next((each["id"] for each in steps if each["id"] not in had), "")


def write(root: Root, name: str, value: Any) -> Path:
    """Writes a file under the root: bytes as they are, anything else as JSON."""
    path = root.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    path.write_bytes(data)
    return path


def put_client(root: Root, value: dict[str, Any]) -> Path:
    """Writes a client's file."""
    return write(root, f"clients/{value['id']}.json", value)


def put_usage(root: Root, value: dict[str, Any]) -> Path:
    """Writes a usage file."""
    name = f"{value['month']}.{value['source']}.json"
    return write(root, f"data/usage/{value['client']}/{name}", value)


def put_order(root: Root, value: dict[str, Any]) -> Path:
    """Writes an order's file."""
    return write(root, f"data/orders/{value['client']}/{value['id']}.json", value)


def build(
    folder: Path,
    *clients: dict[str, Any],
    seller: dict[str, Any] | None = None,
    used: tuple[dict[str, Any], ...] = (),
) -> Root:
    """A root in `folder`: an issuer, clients (one called nord where none is given), usage."""
    root = Root(folder.resolve())
    root.path.mkdir(parents=True, exist_ok=True)
    write(root, "issuer.json", seller or issuer())
    for value in clients or (client(),):
        put_client(root, value)
    for value in used:
        put_usage(root, value)
    return root


def tree(root: Root, *left_out: str) -> dict[str, tuple[int, bytes]]:
    """Each file under the root with its mode and bytes; without logs, lock and flags."""
    left_out = ("data/logs/", "data/.lock", "data/flags/", *left_out)
    return {
        name: (path.stat().st_mode & 0o777, path.read_bytes())
        for path in sorted(root.path.rglob("*"))
        if path.is_file() and not (name := root.name_of(path)).startswith(left_out)
    }


def records(root: Root, client_id: str, folder: str = "revenues") -> list[dict[str, Any]]:
    """The lines of a record file; none where there is no file."""
    path = root.data / folder / f"{client_id}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def numbers(root: Root, client_id: str) -> list[str]:
    """The numbers issued to a client, in order."""
    return [record["number"] for record in records(root, client_id)]


def proof(root: Root, client_id: str, number: str, suffix: str) -> Path:
    """Where the PDF or JSON of an invoice stands."""
    folder = root.data / "invoices" / client_id
    standing = folder.glob(f"*/{number}.{suffix}")
    return next(standing, folder / number.split("-")[1] / f"{number}.{suffix}")


def issued(root: Root, client_id: str, number: str) -> Document:
    """The document of an invoice."""
    return document.from_json(proof(root, client_id, number, "json").read_bytes())


# --- running -------------------------------------------------------------------------


def _options(root: Root, options: dict[str, str]) -> list[str]:
    named = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    return ["--root", str(root.path), *named]


def call(script: str, root: Root, **options: str) -> Ran:
    """Runs a script in this process, as its command line would."""
    module = importlib.import_module(script)
    out, err = io.StringIO(), io.StringIO()
    arguments = [f"{script}.py", *_options(root, options)]
    code = 0
    with (
        mock.patch.object(sys, "argv", arguments),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.run(module.parser().parse_args(), module.main)
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())


def run(script: str, root: Root, environment: dict[str, str] | None = None, **options: str) -> Ran:
    """Runs a script in a process of its own."""
    command = [sys.executable, str(SCRIPTS / f"{script}.py"), *_options(root, options)]
    return _ran(command, environment)


def refusals(root: Root) -> list[str]:
    """What a month that is refused says: every line; nothing but the log is written."""
    before = tree(root)
    ran = month(root)
    assert tree(root) == before
    assert ran.code == 1, ran
    assert "Traceback" not in ran.err
    assert ran.out == ""
    return ran.err.splitlines()


def refusal(root: Root) -> str:
    """The only line that a month that is refused says."""
    (line,) = refusals(root)
    return line


def place_of(dotted: str) -> str:
    """plans.0.items.1.price as messages have it: plans[0].items[1].price."""
    return re.sub(r"\.([0-9]+)", r"[\1]", dotted)


def make(root: Root, *words: str, environment: dict[str, str] | None = None) -> Ran:
    """Runs `make` on a root: make(root, "month", "MONTH=2026-10")."""
    return _ran(["make", "-C", str(HOME), f"ROOT={root.path}", *words], environment)


def _ran(command: list[str], environment: dict[str, str] | None) -> Ran:
    clean = {name: value for name, value in os.environ.items() if name not in _OF_MAKE}
    done = subprocess.run(
        command, capture_output=True, text=True, env=clean | (environment or {}), check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


# A test that `make test` runs must not hand that make's own settings down.
_OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ROOT", "MONTH", "TODAY", "ISSUE_DATE", "CLIENT")


def month(root: Root, name: str = MONTH, day: str = TODAY, **options: str) -> Ran:
    """Issues a month on a day, in this process."""
    today = options.pop("today", day)
    return call("generate_invoice", root, month=name, issue_date=day, today=today, **options)


def draft(root: Root, client_id: str = "nord", name: str = MONTH, day: str = TODAY) -> Document:
    """The document that a run would make for a client, without issuing it."""
    given = inputs.load(root)
    (billable,) = invoicing.bill(
        given.clients[client_id].client, name, given.usage, given.index_values
    ).invoices
    issue_date = date.fromisoformat(day)
    number = f"{billable.client.code}-{issue_date.year}-0001"
    return invoicing.invoice(billable, number, issue_date, given.issuer.issuer, {}, {})
