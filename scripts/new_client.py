#!/usr/bin/env python3
"""A new client file, clients/<id>.json, from options or from answers on a terminal.

The answers come from the environment, by the names below; on a terminal those that are
missing are asked for. The file is checked as `make check` would before it is written, and
one that exists is never touched. It holds one flat price; edit it for anything else.

  NAME PERSON=yes ADDRESS POSTCODE CITY COUNTRY SIREN VAT_NUMBER EMAIL     who it is
  CODE LANGUAGE DAYS TREATMENT                        its numbers, its terms, its VAT
  EXEMPTION_CODE EXEMPTION_REASON                     why it is exempt, where it is
  START EVERY BILLED DESCRIPTION PRICE UNIT VAT_RATE CATEGORY          what it is charged

An address of several lines has "; " between them: ADDRESS="12 rue Basse; Bâtiment C".
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--id", required=True, help="studio_nord")
    cli.add_today(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

import os
from datetime import date
from typing import Any

from lib.core import alerts, storage
from lib.core.faults import Alert, Refused, WrongUsage
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import client_files, inputs, schemas
from lib.inputs.issuer_file import Issuer
from lib.inputs.questions import (
    Answers,
    Question,
    answer,
    category,
    fixed,
    needed,
    optional,
)
from lib.values import territories
from lib.values.speech import language_of


def main(arguments: Namespace, root: Root) -> None:
    """One file, or a refusal."""
    issuer = inputs.load_issuer(root)
    if misfit := schemas.check("common", ("$defs", "id"))(arguments.id):
        raise WrongUsage([Alert("B-USAGE", "", misfit.fault("ID"))])
    path = root.clients / f"{arguments.id}.json"
    if path.exists() or path.is_symlink():
        found, remedy = say("exists already"), say("edit it, or choose another ID")
        raise cli.refuse("B-INPUT-EXISTS", root.name_of(path), "", found, remedy=remedy)
    answers = answer(QUESTIONS, issuer, arguments.today)
    value = client_of(arguments.id, answers)
    faults = client_files.new_client_faults(root, value, issuer)
    if faults:
        raise Refused(faults)
    data = storage.pretty_json({"$schema": schema_from(root), **value})
    storage.make_folder(path.parent)
    storage.write_new(path, data)
    storage.flush_folder(path.parent)
    alerts.write_log(
        root.logs, arguments.id, "INFO", "new_client.py", "I-CLIENT-NEW", root.name_of(path)
    )
    preview = f"make preview ROOT={root.path} MONTH={answers['START'][:7]}"
    print(
        say(
            "{file}: written; `{command}` shows what it will invoice",
            file=root.name_of(path),
            command=preview,
        )
    )


def schema_from(root: Root) -> str:
    """How the file names its schema, so that editors complete and check it."""
    schema = cli.HOME / "schemas" / "client.schema.json"
    return os.path.relpath(schema, root.clients)


# --- answers -------------------------------------------------------------------------


def _siren(answers: Answers, issuer: Issuer, today: date) -> str | None:
    french = territories.of(answers["COUNTRY"]).french
    business = answers["PERSON"] != "yes" and answers["TAXABLE"] != "no"
    return None if french and business else ""


def _postcode(answers: Answers, issuer: Issuer, today: date) -> str | None:
    return None if answers["COUNTRY"] == "FR" else ""


def _language(answers: Answers, issuer: Issuer, today: date) -> str | None:
    return language_of(answers["COUNTRY"])


def _treatment(answers: Answers, issuer: Issuer, today: date) -> str | None:
    home = issuer.party.address.country
    if issuer.vat_regime == "franchise":
        return "franchise"
    states = {territories.of(country).state for country in (answers["COUNTRY"], home)}
    return "standard" if len(states) == 1 else None


def _is_exempt(answers: Answers) -> bool:
    return answers["TREATMENT"] == "exempt"


def _exemption(answers: Answers, issuer: Issuer, today: date) -> str | None:
    return None if _is_exempt(answers) else ""


def _vat_rate(answers: Answers, issuer: Issuer, today: date) -> str | None:
    return None if answers["TREATMENT"] == "standard" else "0"


_UNITS = {"1": "MON", "3": "QAN", "12": "ANN"}


def _common(name: str, *path: str) -> tuple[str, tuple[str, ...]]:
    return "common", ("$defs", name, *path)


_TEXT = _common("text")
_VAT = ("properties", "vat", "properties")
QUESTIONS = (
    Question("NAME", say("name of the client"), *_TEXT, needed),
    Question("COUNTRY", say("country"), *_common("country"), fixed("FR")),
    Question("PERSON", say("a private person: yes"), "batch_row", ("$defs", "yes"), optional),
    Question(
        "TAXABLE",
        say("an association or another body that is not a taxable person: no"),
        "batch_row",
        ("$defs", "no"),
        optional,
        lambda answers: answers["PERSON"] != "yes",
    ),
    Question("SIREN", say("SIREN"), *_common("siren"), _siren),
    Question("VAT_NUMBER", say("VAT number"), *_common("vat_number"), optional),
    Question("ADDRESS", say('street and number ("; " begins another line)'), *_TEXT, needed),
    Question("POSTCODE", say("postcode"), *_common("address", "properties", "postcode"), _postcode),
    Question("CITY", say("town"), *_TEXT, needed),
    Question("EMAIL", say("where invoices go"), *_common("email"), optional),
    Question("CODE", say("prefix of its numbers"), *_common("code"), needed),
    Question("LANGUAGE", say("language: fr, en"), *_common("language"), _language),
    Question(
        "DAYS",
        say("days to pay"),
        "batch_row",
        ("properties", "payment_days"),
        fixed("30"),
    ),
    Question(
        "TREATMENT",
        say("VAT: standard, franchise, reverse_charge, intra_eu, export, outside_eu, exempt"),
        "client",
        (*_VAT, "treatment"),
        _treatment,
    ),
    Question(
        "EXEMPTION_CODE",
        say("VATEX code of the exemption, as VATEX-FR-CGI261-4"),
        "client",
        (*_VAT, "exemption_code"),
        _exemption,
        _is_exempt,
    ),
    Question(
        "EXEMPTION_REASON",
        say("mention of the exemption that is printed"),
        *_TEXT,
        _exemption,
        _is_exempt,
    ),
    Question(
        "START",
        say("first month or day of service"),
        *_common("month_or_date"),
        lambda answers, issuer, today: today.isoformat()[:7],
    ),
    Question(
        "EVERY",
        say("months of a period: 1 to 36"),
        "batch_row",
        ("properties", "payment_days"),
        fixed("1"),
    ),
    Question(
        "BILLED",
        say("when a period is billed: arrears, advance"),
        "client",
        ("properties", "plans", "items", "properties", "billed"),
        optional,
    ),
    Question("DESCRIPTION", say("what is sold"), *_TEXT, needed),
    Question("PRICE", say("price of a period, without VAT"), *_common("amount"), needed),
    Question(
        "UNIT",
        say("unit"),
        *_common("unit"),
        lambda answers, issuer, today: _UNITS.get(answers["EVERY"], "C62"),
    ),
    Question("VAT_RATE", say("VAT rate in per cent"), *_common("vat_rate"), _vat_rate),
    Question("CATEGORY", say("goods, services"), *_common("category"), category),
)


# --- the file ------------------------------------------------------------------------


def client_of(name: str, answers: Answers) -> dict[str, Any]:
    """The client file; what was left empty is left out."""
    values = {key.lower(): text for key, text in answers.items()}
    lines = values["address"].split("; ")
    address = {"lines": lines, "postcode": values["postcode"], "city": values["city"]}
    party = {
        "name": values["name"],
        "person": values["person"] == "yes",
        "siren": values["siren"],
        "vat_number": values["vat_number"],
        "address": _filled({**address, "country": values["country"]}),
        "email": [values["email"]] if values["email"] else [],
    }
    body = {"taxable": False} if values["taxable"] == "no" else {}
    vat = {
        "treatment": values["treatment"],
        "exemption_code": values["exemption_code"],
        "exemption_reason": values["exemption_reason"],
    }
    item = {
        "id": "subscription",
        "description": {values["language"]: values["description"]},
        "vat_rate": values["vat_rate"],
        "unit": values["unit"],
        "category": values["category"],
        "charge": "flat",
        "price": values["price"],
    }
    return {
        "id": name,
        "code": values["code"],
        "status": "active",
        "party": _filled(party) | body,
        "language": values["language"],
        "currency": "EUR",
        "payment_terms": {"days": int(values["days"])},
        "vat": _filled(vat),
        "plans": [
            {
                "id": "subscription",
                "start": values["start"],
                "every_months": int(values["every"]),
                **({"billed": values["billed"]} if values["billed"] else {}),
                "items": [item],
            }
        ],
    }


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in value.items() if part}


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
