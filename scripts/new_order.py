#!/usr/bin/env python3
"""A new order, data/orders/<client>/<id>.json, from options or from answers on a terminal.

The answers come from the environment, by the names below; on a terminal those that are
missing are asked for. The file is checked as `make check` would before it is written, and
one that exists is never touched. It holds one line; edit it for more, or for other steps.

  TITLE DESCRIPTION QUANTITY UNIT PRICE VAT_RATE CATEGORY     what is sold
  DEPOSIT=30                                                  a deposit, in per cent
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--client", required=True, help="studio_nord")
    options.add_argument("--id", required=True, help="website")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import os
from typing import Any

from lib.core import alerts, storage
from lib.core.faults import Alert, Refused, WrongUsage
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import inputs, order_files, schemas
from lib.inputs.client_files import Client
from lib.inputs.questions import (
    Answers,
    Question,
    answer,
    category,
    fixed,
    needed,
    optional,
)


def main(arguments: Namespace, root: Root) -> None:
    """One file, or a refusal."""
    content = inputs.load(root, arguments.client)
    if arguments.client not in content.clients:
        known = ", ".join(content.clients)
        text = say(
            '"{client}" is not a client; they are {known}', client=arguments.client, known=known
        )
        raise cli.refuse("B-USAGE", "", "CLIENT", text)
    if misfit := schemas.check("common", ("$defs", "id"))(arguments.id):
        raise WrongUsage([Alert("B-USAGE", "", misfit.fault("ID"))])
    path = root.orders / arguments.client / f"{arguments.id}.json"
    name = root.name_of(path)
    if path.exists() or path.is_symlink():
        found, remedy = say("exists already"), say("edit it, or choose another ID")
        raise cli.refuse("B-INPUT-EXISTS", name, "", found, remedy=remedy)
    client, issuer = content.clients[arguments.client].client, content.issuer.issuer
    value = order_of(arguments.id, client, answer(_questions(client), issuer, arguments.today))
    if faults := order_files.new_order_faults(value, name, client, issuer):
        raise Refused(faults)
    schema = os.path.relpath(cli.HOME / "schemas" / "order.schema.json", path.parent)
    storage.make_folder(path.parent)
    storage.write_new(path, storage.pretty_json({"$schema": schema, **value}))
    storage.flush_folder(path.parent)
    alerts.write_log(root.logs, client.id, "INFO", "new_order.py", "I-ORDER-NEW", name)
    values = f"CLIENT={client.id} ORDER={arguments.id} ROOT={root.path}"
    print(
        say(
            "{file}: written; `{quote}` offers it, `{invoice}` invoices it",
            file=name,
            quote=f"make quote {values}",
            invoice=f"make invoice {values}",
        )
    )


def _questions(client: Client) -> tuple[Question, ...]:
    def common(name: str) -> tuple[str, tuple[str, ...]]:
        return "common", ("$defs", name)

    rate = needed if client.vat.treatment == "standard" else fixed("0")
    return (
        Question("TITLE", say("what the order is about"), *common("text"), needed),
        Question(
            "DESCRIPTION",
            say("what is sold"),
            *common("text"),
            lambda answers, issuer, today: answers["TITLE"],
        ),
        Question("QUANTITY", say("how many"), *common("positive_quantity"), fixed("1")),
        Question("UNIT", say("unit"), *common("unit"), fixed("C62")),
        Question("PRICE", say("price of one, without VAT"), *common("unit_price"), needed),
        Question("VAT_RATE", say("VAT rate in per cent"), *common("vat_rate"), rate),
        Question("CATEGORY", say("goods, services"), *common("category"), category),
        Question("DEPOSIT", say("deposit in per cent"), *common("percent"), optional),
    )


def order_of(name: str, client: Client, answers: Answers) -> dict[str, Any]:
    """The order file: one line, and a deposit before the final invoice where there is one."""
    language = client.language
    line = {
        "description": {language: answers["DESCRIPTION"]},
        "quantity": answers["QUANTITY"],
        "unit": answers["UNIT"],
        "unit_price": answers["PRICE"],
        "vat_rate": answers["VAT_RATE"],
        "category": answers["CATEGORY"],
    }
    order = {
        "id": name,
        "client": client.id,
        "title": {language: answers["TITLE"]},
        "lines": [line],
    }
    if not answers["DEPOSIT"]:
        return order
    deposit = {"id": "deposit", "kind": "deposit", "percent": answers["DEPOSIT"]}
    return {**order, "steps": [deposit, {"id": "final", "kind": "final"}]}


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
