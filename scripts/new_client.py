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
import sys
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from lib.core import alerts, storage
from lib.core.faults import Alert, Fault, Refused, WrongUsage
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import client_files, inputs, schemas
from lib.inputs.issuer_file import Issuer
from lib.values import territories
from lib.values.speech import language_of

Answers = dict[str, str]


class Question(NamedTuple):
    """One answer: its name, what it is about, and the schema that checks it.

    `default` is an answer that nobody has to give: "" where it is optional, None where it is
    needed. It sees what was answered before, and so does `asked`, whether it is asked for at all.
    """

    name: str
    about: str
    schema: str
    path: tuple[str, ...]
    default: Callable[[Answers, Issuer, date], str | None]
    asked: Callable[[Answers], bool] = lambda answers: True


def main(arguments: Namespace, root: Root) -> None:
    """One file, or a refusal."""
    issuer = inputs.load_issuer(root)
    if misfit := schemas.check("common", ("$defs", "id"))(arguments.id):
        raise WrongUsage([Alert("B-USAGE", "", misfit.fault("ID"))])
    path = root.clients / f"{arguments.id}.json"
    if path.exists() or path.is_symlink():
        found, remedy = say("exists already"), say("edit it, or choose another ID")
        raise cli.refuse("B-INPUT-EXISTS", root.name_of(path), "", found, remedy=remedy)
    answers = answer(issuer, arguments.today)
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


def _needed(answers: Answers, issuer: Issuer, today: date) -> str | None:
    return None


def _optional(answers: Answers, issuer: Issuer, today: date) -> str | None:
    return ""


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


def _category(answers: Answers, issuer: Issuer, today: date) -> str | None:
    return None if issuer.operation_category == "mixed" else issuer.operation_category


def _is(text: str) -> Callable[[Answers, Issuer, date], str | None]:
    return lambda answers, issuer, today: text


_UNITS = {"1": "MON", "3": "QAN", "12": "ANN"}
_TEXT = ("common", ("$defs", "text"))
_VAT = ("properties", "vat", "properties")
QUESTIONS = (
    Question("NAME", "name of the client", *_TEXT, _needed),
    Question("COUNTRY", "country", "common", ("$defs", "country"), _is("FR")),
    Question("PERSON", "a private person: yes", "batch_row", ("$defs", "yes"), _optional),
    Question(
        "TAXABLE",
        "an association or another body that is not a taxable person: no",
        "batch_row",
        ("$defs", "no"),
        _optional,
        lambda answers: answers["PERSON"] != "yes",
    ),
    Question("SIREN", "SIREN", "common", ("$defs", "siren"), _siren),
    Question("VAT_NUMBER", "VAT number", "common", ("$defs", "vat_number"), _optional),
    Question("ADDRESS", 'street and number ("; " begins another line)', *_TEXT, _needed),
    Question(
        "POSTCODE", "postcode", "common", ("$defs", "address", "properties", "postcode"), _postcode
    ),
    Question("CITY", "town", *_TEXT, _needed),
    Question("EMAIL", "where invoices go", "common", ("$defs", "email"), _optional),
    Question("CODE", "prefix of its numbers", "common", ("$defs", "code"), _needed),
    Question("LANGUAGE", "language: fr, en", "common", ("$defs", "language"), _language),
    Question("DAYS", "days to pay", "batch_row", ("properties", "payment_days"), _is("30")),
    Question(
        "TREATMENT",
        "VAT: standard, franchise, reverse_charge, intra_eu, export, outside_eu, exempt",
        "client",
        (*_VAT, "treatment"),
        _treatment,
    ),
    Question(
        "EXEMPTION_CODE",
        "VATEX code of the exemption, as VATEX-FR-CGI261-4",
        "client",
        (*_VAT, "exemption_code"),
        _exemption,
        _is_exempt,
    ),
    Question(
        "EXEMPTION_REASON",
        "mention of the exemption that is printed",
        *_TEXT,
        _exemption,
        _is_exempt,
    ),
    Question(
        "START",
        "first month or day of service",
        "common",
        ("$defs", "month_or_date"),
        lambda answers, issuer, today: today.isoformat()[:7],
    ),
    Question(
        "EVERY",
        "months of a period: 1 to 36",
        "batch_row",
        ("properties", "payment_days"),
        _is("1"),
    ),
    Question(
        "BILLED",
        "when a period is billed: arrears, advance",
        "client",
        ("properties", "plans", "items", "properties", "billed"),
        _optional,
    ),
    Question("DESCRIPTION", "what is sold", *_TEXT, _needed),
    Question("PRICE", "price of a period, without VAT", "common", ("$defs", "amount"), _needed),
    Question(
        "UNIT",
        "unit",
        "common",
        ("$defs", "unit"),
        lambda answers, issuer, today: _UNITS.get(answers["EVERY"], "C62"),
    ),
    Question("VAT_RATE", "VAT rate in per cent", "common", ("$defs", "vat_rate"), _vat_rate),
    Question("CATEGORY", "goods, services", "common", ("$defs", "category"), _category),
)


def answer(issuer: Issuer, today: date) -> Answers:
    """Every answer: given, asked for, or the default.

    Raises:
      Refused: with every answer that is missing or is not what its schema says.
    """
    answers: Answers = {}
    faults = []
    for question in QUESTIONS:
        given = os.environ.get(question.name, "")
        default = question.default(answers, issuer, today)
        misfit_of = schemas.check(question.schema, question.path)
        if not given and question.asked(answers) and sys.stdin.isatty():
            given = _ask(question, default, misfit_of)
        given = given or default or ""
        if given and (misfit := misfit_of(given)):
            faults.append(Alert("B-USAGE", "", misfit.fault(question.name)))
        elif not given and default is None:
            found = say("is missing: {about}", about=question.about)
            remedy = say('give {name}="..."', name=question.name)
            faults.append(Alert("B-USAGE", "", Fault(question.name, found, remedy=remedy)))
        answers[question.name] = given
    if faults:
        raise Refused(faults)
    return answers


def _ask(
    question: Question, default: str | None, misfit_of: Callable[[str], schemas.Misfit | None]
) -> str:
    """Asks until the answer is one that its schema accepts."""
    shown = f" [{default}]" if default else " (or nothing)" if default == "" else ""
    while True:
        try:
            given = input(f"{question.about}{shown}: ").strip()
        except EOFError:
            raise KeyboardInterrupt from None
        misfit = misfit_of(given) if given else None
        if misfit:
            print(misfit.fault("").text)
        elif given or default is not None:
            return given
        else:
            print(say("is needed"))


# --- the file ------------------------------------------------------------------------


def client_of(name: str, answers: Answers) -> dict[str, Any]:
    """The client file; what was left empty is left out."""
    given = {key.lower(): text for key, text in answers.items()}
    lines = given["address"].split("; ")
    address = {"lines": lines, "postcode": given["postcode"], "city": given["city"]}
    party = {
        "name": given["name"],
        "person": given["person"] == "yes",
        "siren": given["siren"],
        "vat_number": given["vat_number"],
        "address": _filled({**address, "country": given["country"]}),
        "email": [given["email"]] if given["email"] else [],
    }
    body = {"taxable": False} if given["taxable"] == "no" else {}
    vat = {
        "treatment": given["treatment"],
        "exemption_code": given["exemption_code"],
        "exemption_reason": given["exemption_reason"],
    }
    item = {
        "id": "subscription",
        "description": {given["language"]: given["description"]},
        "vat_rate": given["vat_rate"],
        "unit": given["unit"],
        "category": given["category"],
        "charge": "flat",
        "price": given["price"],
    }
    return {
        "id": name,
        "code": given["code"],
        "status": "active",
        "party": _filled(party) | body,
        "language": given["language"],
        "currency": "EUR",
        "payment_terms": {"days": int(given["days"])},
        "vat": _filled(vat),
        "plans": [
            {
                "id": "subscription",
                "start": given["start"],
                "every_months": int(given["every"]),
                **({"billed": given["billed"]} if given["billed"] else {}),
                "items": [item],
            }
        ],
    }


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in value.items() if part}


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
