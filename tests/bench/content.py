"""The invoices that every page maker sets: ours as documents, the peers' as the words to print.

Peers get each amount and date as it is to be printed, so that they only set and write pages;
ours begins at the document. No two invoices are alike, so that nobody's caches answer.
"""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import house
from lib.billing import invoicing
from lib.documents import facturx_xml
from lib.inputs import inputs
from lib.values import document, payment_code
from lib.values.document import Document, Party
from lib.values.speech import Speech, grouped

_ITEMS = (
    ("hosting", "Hébergement du site et du courrier", "MON", 4900),
    ("support", "Assistance téléphonique aux heures ouvrées", "HUR", 6250),
    ("domains", "Noms de domaine et certificats", "C62", 1490),
    ("backup", "Sauvegarde quotidienne, conservée trente jours", "MON", 2375),
)
_TOWNS = ("Nantes", "Rennes", "Brest", "Vannes", "Lorient", "Quimper", "Saint-Malo")


def documents(folder: Path, count: int) -> list[Document]:
    """`count` invoices of four lines, each on one page, as a month would bill them."""
    given = inputs.load(house.build(folder, *(_client(i) for i in range(1, count + 1))))
    issue_date = date.fromisoformat(house.TODAY)
    made = []
    for i, client in enumerate(given.clients.values(), 1):
        (billable,) = invoicing.bill(client.client, house.MONTH, given.usage, {}).invoices
        number = f"{client.client.code}-2026-{i:04d}"
        made.append(invoicing.invoice(billable, number, issue_date, given.issuer.issuer, {}, {}))
    return made


def _client(i: int) -> dict[str, Any]:
    items = []
    for k, (name, text, unit, cents) in enumerate(_ITEMS):
        price = f"{Decimal(cents + 7 * i + k).scaleb(-2)}"
        items.append(house.item(name, price, unit=unit, description={"fr": text, "en": text}))
    town = _TOWNS[i % len(_TOWNS)]
    changes = {
        "code": f"C{i}",
        "party.name": f"Boulangerie Évrard & Fils {town} {i}",
        "party.address.lines": [f"{i} rue du Moulin"],
        "party.address.city": town,
        "plans.0.items": items,
    }
    return house.client(f"client_{i}", changes, i)


def written(made: list[Document]) -> bytes:
    """The file that page makers read: for each invoice its words, its XML and its document."""
    return json.dumps([of(one) for one in made], ensure_ascii=False).encode()


def of(made: Document) -> dict[str, Any]:
    """An invoice as peers set it: every text as it stands on the page."""
    speech = made.speech
    bank, totals = made.seller.bank, made.totals
    assert bank is not None
    assert made.due_date is not None

    def word(key: str, **values: str) -> str:
        return speech.word(key, **values)

    def amount(value: Decimal) -> str:
        return speech.amount(value, made.currency)

    issued, due = (speech.date(day) for day in (made.issue_date, made.due_date))
    epc = payment_code.epc_payload(
        name=bank.holder or made.seller.name,
        iban=bank.iban,
        bic=bank.bic,
        amount=totals.due,
        reference=made.payment_reference,
    )
    period = speech.period(made.period.start, made.period.end)
    headings = ("description", "quantity", "unit", "unit_price", "vat_rate", "line_net")
    return {
        "title": word("invoice"),
        "number": made.number,
        "date": made.issue_date.isoformat(),
        "name": made.seller.name,
        "facts": [
            [word("issue_date"), issued],
            [word("due_date"), due],
            [word("period"), period],
        ],
        "parties": [
            [word("seller"), *_party(made.seller, speech)],
            [word("buyer"), *_party(made.buyer, speech)],
        ],
        "headings": [word(key) for key in headings],
        "rows": [
            [
                line.name,
                speech.number(line.quantity),
                speech.unit(line.unit, line.quantity),
                speech.number(line.unit_price, 2),
                speech.percent(line.vat_rate),
                speech.number(line.net, 2),
            ]
            for line in made.lines
        ],
        "totals": [
            [word("net"), amount(totals.net)],
            *(
                [
                    word("vat", rate=speech.percent(vat.rate), base=amount(vat.taxable)),
                    amount(vat.vat),
                ]
                for vat in made.vat_breakdown
            ),
            [word("gross"), amount(totals.gross)],
        ],
        "due": [word("due"), amount(totals.due)],
        "payment": word("payment"),
        "ways": [
            [word("holder"), bank.holder or made.seller.name],
            [word("iban"), grouped(bank.iban, 4)],
            [word("bic"), bank.bic],
            [word("payment_reference"), grouped(made.payment_reference, 4)],
            [word("amount"), amount(totals.due)],
            [word("due_date"), due],
        ],
        "epc": epc,
        "notes": [note.text for note in made.notes if note.code not in ("BAR", "ABL")],
        "legal": "  ·  ".join(
            [made.seller.name, *(note.text for note in made.notes if note.code == "ABL")]
        ),
        "page": word("page", page="1", pages="1"),
        "xml": facturx_xml.generate(made).decode(),
        "document": document.to_json(made).decode(),
    }


def _party(party: Party, speech: Speech) -> list[str]:
    address = party.address
    identifiers = [
        speech.word("siren", value=grouped(party.siren, 3)),
        speech.word("siret", value=grouped(party.siret, 3, 3, 3, 5)) if party.siret else "",
        speech.word("vat_number", value=party.vat_number) if party.vat_number else "",
        *party.email,
    ]
    return [
        party.name,
        *address.lines,
        f"{address.postcode} {address.city}",
        speech.country(address.country),
        *filter(None, identifiers),
    ]


def to_be_read(made: Document) -> list[str]:
    """What has to be found on the page of an invoice, whoever made it."""
    due = made.speech.amount(made.totals.due, made.currency)
    return [made.number, made.buyer.name, due, *(line.name for line in made.lines)]
