"""The corpus: three roots, and everything that the commands issue and export from them.

    examples    examples/: its October, its orders, credit notes of every kind
    franchise   examples/franchise/: a sole trader in the VAT franchise, one sequence of numbers
    wide        every charge model under every VAT treatment and in both languages, one line to
                300, names that are long, Greek, Cyrillic or full of signs, logos of every kind

Everything is fixed: the same code gives the same bytes, so pages can be compared with those
that were approved.
"""

import csv
import io
import json
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

import house
from lib.billing import batch_cells
from lib.books import balances, histories, payments
from lib.core.root import Root
from lib.values import money

EXAMPLES = house.HOME / "examples"
ISSUED = "2026-11-08"
CREDITED = "2026-11-09"
PAID = "2026-12-03"
MONTH = "2026-10"
YEAR = "2026"
STATED = "2026-12-31"
REMINDED = "2027-03-01"
_STATED = 9  # of so many clients one gets a statement of account


class CannotIssueError(Exception):
    """A command refused the corpus."""


class Credit(NamedTuple):
    """A credit note to issue: whole where `lines` is empty, else line -> quantity or None; or an
    amount with VAT."""

    invoice: str
    reason: str
    lines: dict[str, str | None]
    amount: str = ""


def build(folder: Path) -> list[Root]:
    """Makes the three roots again in `folder`, issues and exports everything.

    Raises:
      CannotIssueError: with what the command said.
    """
    shutil.rmtree(folder, ignore_errors=True)
    makers = (_examples, _franchise, _wide)
    with ThreadPoolExecutor(len(makers)) as pool:
        return list(pool.map(lambda make: make(folder), makers))


# --- the roots -----------------------------------------------------------------------


def _examples(folder: Path) -> Root:
    root = Root(folder / "examples")
    left_out = shutil.ignore_patterns("franchise", "README.md")
    shutil.copytree(EXAMPLES, root.path, ignore=left_out)
    _month(root)
    _quote(root)
    _order(root, "biscuiterie_estran", "boutique", "acompte")
    _credit(root, [Credit("ESTR-2026-0002", "Catalogues en moins", {"2": None})])
    for step in ("maquettes", "solde"):
        _order(root, "biscuiterie_estran", "boutique", step)
    for step in ("deposit", "final"):
        _order(root, "kuestenlicht", "brand_book", step)
    _credit(
        root,
        [
            Credit("KUST-2026-0003", "The photographs are put off", {}),
            Credit("MARAIS-2026-0001", "Facturé deux fois", {}),
            Credit("AIGA-2026-0001", "Three posters came damaged", {"2": "3"}),
            Credit("PHAR-2026-0001", "Catalogues non livrés", {"2": None}),
            Credit("BATI-2026-0001", "Journées non faites", {"1": "0.5"}),
            Credit("ECLUSE-2026-0001", "Geste commercial", {"1": "1"}),
        ],
    )
    _close(root)
    return root


def _franchise(folder: Path) -> Root:
    root = Root(folder / "franchise")
    shutil.copytree(EXAMPLES / "franchise", root.path)
    _month(root)
    _credit(root, [Credit("QUEM-2026-0001", "Prestation annulée", {})])
    _close(root)
    return root


def _wide(folder: Path) -> Root:
    clients = [*_charges(), *_sizes(), *_named(), *_discounted(), _private(), _payer(), *_told()]
    used = [value for client in clients for value in _usage(client)]
    issuer = house.issuer(
        {
            "numbering": "issuer",
            "operation_category": "mixed",
            "early_discount": {"percent": "2", "days": 10},
            "party.phone": "+33 2 61 91 12 34",
            "party.contact": "Service facturation",
            "logo": "logo.jpg",
        }
    )
    root = house.build(folder / "wide", *clients, seller=issuer, used=tuple(used))
    house.write(root, "logo.jpg", _logo("RGB", "JPEG", progressive=True))
    for i, (seller, logo, name) in enumerate(_sellers()):
        _put_batch(root, seller, i)
        if logo:
            house.write(root, f"batch_clients/{name}", logo)
    _month(root)
    for order in _orders():
        house.put_order(root, order)
    _quote(root)
    _credit(root, _wide_credits(root))
    _close(root)
    _remind(root)
    return root


# --- the clients of the wide root ----------------------------------------------------

_TIERS = [{"up_to": "10", "unit_price": "9.9950"}, {"unit_price": "7.5", "fixed": "12.00"}]
_PACKAGES = [{"up_to": "50", "price": "19.00"}, {"price": "119.90"}]
_CHARGES: dict[str, dict[str, Any]] = {
    "flat": {"price": "1234.56"},
    "per_unit": {"metric": "units", "unit_price": "0.3333", "included": "10"},
    "graduated": {"metric": "units", "tiers": _TIERS},
    "volume": {"metric": "units", "tiers": _TIERS},
    "package": {"metric": "units", "tiers": _PACKAGES},
    "percentage": {"metric": "units", "rate": "2.75", "fixed": "0.25"},
}
_EXEMPT = {
    "treatment": "exempt",
    "exemption_code": "VATEX-FR-CGI261-4",
    "exemption_reason": "Exonération de TVA, art. 261-4-4° du CGI",
}
# Treatment, VAT rate, and the country and VAT number of the buyer.
_TREATMENTS = (
    ({"treatment": "standard"}, "20", "FR", ""),
    ({"treatment": "reverse_charge"}, "0", "FR", ""),
    ({"treatment": "intra_eu"}, "0", "DE", "DE136695976"),
    ({"treatment": "export"}, "0", "US", ""),
    ({"treatment": "outside_eu"}, "0", "US", ""),
    (_EXEMPT, "0", "FR", ""),
)
_SOLD = {"export": "goods", "outside_eu": "services"}
_ABROAD = {
    "DE": {"lines": ["Deichstraße 7"], "postcode": "20459", "city": "Hamburg", "country": "DE"},
    "US": {"lines": ["1 Main Street"], "postcode": "02108", "city": "Boston", "country": "US"},
}
_QUANTITY = "63.125"


def _client(client_id: str, i: int, changes: dict[str, Any]) -> dict[str, Any]:
    """A client of its own code, with no plan but what `changes` gives."""
    return house.client(client_id, {"code": f"W{i:03d}", "plans.0.items": [], **changes}, i)


def _charges() -> list[dict[str, Any]]:
    """Every charge model under every VAT treatment in both languages, goods and services."""
    clients = []
    cases = product(_CHARGES.items(), _TREATMENTS, ("fr", "en"))
    for i, ((charge, terms), (vat, rate, country, vat_number), language) in enumerate(cases, 1):
        description = {
            "fr": f"Prestation « {charge} » d’octobre",
            "en": f"October’s “{charge}” service",
        }
        item = {
            "id": charge,
            "description": description,
            "vat_rate": rate,
            "unit": "C62",
            "category": _SOLD.get(vat["treatment"]) or ("goods" if i % 3 == 0 else "services"),
            "charge": charge,
            **terms,
        }
        changes: dict[str, Any] = {"language": language, "vat": vat, "plans.0.items": [item]}
        if country != "FR":
            changes |= {"party.siren": None, "party.address": _ABROAD[country]}
        if vat_number:
            changes["party.vat_number"] = vat_number
        clients.append(_client(f"{charge}_{vat['treatment']}_{language}", i, changes))
    return clients


_LINES = (1, 2, 7, 12, 13, 14, 15, 16, 25, 40, 75, 150, 300)


def _sizes() -> list[dict[str, Any]]:
    """From one line to 300; around a page's end, where tables break; some in both languages."""
    sizes = [(str(count), ("fr", "en")[i % 2]) for i, count in enumerate(_LINES)]
    sizes += [("1_en", "en"), ("30_fr", "fr"), ("30_en", "en"), ("300_en", "en")]
    return [
        _client(f"lines_{size}", 100 + i, {"language": language})
        for i, (size, language) in enumerate(sizes)
    ]


_TOLD = {
    "fr": "Nos bureaux déménagent.\n\nÀ bientôt :\n– 8 quai Valin,\n– 17000 La Rochelle.",
    "en": "We are moving.\n\nSee you soon at:\n– 8 quai Valin,\n– 17000 La Rochelle.",
}
_DETAILS = {
    "fr": "Compris :\n– maquettes,\n– deux séries de corrections.\n" + "Textes fournis. " * 12,
    "en": "Included:\n– drafts,\n– two rounds of corrections.\n" + "Texts are supplied. " * 12,
}
_DETAILS = {language: text.strip() for language, text in _DETAILS.items()}


def _told() -> list[dict[str, Any]]:
    """Clients who are told something, of one line and of 40, each with details."""
    return [
        _client(
            f"told_{count}",
            190 + i,
            {
                "language": ("fr", "en")[i],
                "party.contact": "Jeanne Martin",
                "subject": {"fr": "Refonte du site & de l’agenda", "en": "New website & calendar"},
                "note": _TOLD,
            },
        )
        for i, count in enumerate((1, 40))
    ]


# Names, places and letters that a page, an XML and a QR code must carry unchanged.
_NAMES = (
    ("greek", "Ευαγγελία Παπαδημητρίου & Υιοί Α.Ε.", "GR", "EL094259216", "Θεσσαλονίκη"),
    ("bulgarian", "Щъркел и Жаби ЕООД", "BG", "BG175074752", "Велико Търново"),
    ("polish", "Zażółć Gęślą Jaźń Sp. z o.o.", "PL", "PL8567346215", "Łódź"),
    ("czech", "Příliš Žluťoučký Kůň s.r.o.", "CZ", "CZ25123891", "Ústí nad Labem"),
    ("romanian", "Țărănești și Fiii S.R.L.", "RO", "RO18547290", "Târgu Mureș"),
    ("latvian", "Ķīļķēni, Ģenerāļi un Ņēmēji SIA", "LV", "LV40003521600", "Rēzekne"),
    ("swedish", "Ångström & Öhman AB", "SE", "SE123456789701", "Malmö"),
    ("maltese", "Ħaż-Żebbuġ Ġgantija Ltd", "MT", "MT11679112", "Birżebbuġa"),
    ("signs", "Dupont <Fils> & “Filles” 'O’Neill' \\ 100 % /…– € ½ ™", "", "", "Saint-Denis"),
    ("one_word", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunter" * 3, "", "", "X"),
    ("long", ("Société des Amis de la Très Longue Raison Sociale " * 4).strip(), "", "", "Y" * 60),
    ("short", "Q", "", "", "Y"),
)


def _named() -> list[dict[str, Any]]:
    """Buyers by name, some with long addresses, delivery addresses and references."""
    clients = []
    for i, (client_id, name, country, vat_number, city) in enumerate(_NAMES):
        item = house.item("work", "321.09", category="goods")
        item["description"] = {"fr": f"Livré à {name}"[:200].strip(), "en": name[:200]}
        changes: dict[str, Any] = {
            "party.name": name,
            "party.address.city": city,
            "plans.0.items": [item],
            "purchase_order": f"Nº {i}/2026 – «Ω»",
            "buyer_reference": "Я" * 50,
            "language": ("en", "fr")[i % 2],
            "payment_terms": {"days": 15 * (i % 5), "end_of_month": i % 2 == 0},
        }
        if country:
            place = {"lines": [name, city, "BP 12"], "postcode": "1000", "city": city}
            item["vat_rate"] = "0"
            changes |= {
                "party.siren": None,
                "party.vat_number": vat_number,
                "party.address": {**place, "country": country},
                "party.delivery_address": {**place, "name": name, "country": country},
                "vat": {"treatment": "intra_eu"},
            }
        clients.append(_client(f"name_{client_id}", 120 + i, changes))
    return clients


def _discounted() -> list[dict[str, Any]]:
    """Discounts, minimum, pro rata, quarters and years, several rates, and nothing to pay."""
    items = [
        house.item("main", "99.99", category="services"),
        house.item("book", "0.05", vat_rate="5.5", category="goods"),
        house.item("meal", "33.33", vat_rate="10", category="goods"),
        house.item("press", "12.34", vat_rate="2.1", category="goods"),
    ]
    percent = {"id": "loyal", "description": {"fr": "Fidélité", "en": "Loyalty"}, "percent": "7.5"}
    amount = {"id": "gift", "description": {"fr": "Geste", "en": "Gift"}, "amount": "45.67"}
    free = {"id": "free", "description": {"fr": "Offert", "en": "Free"}, "percent": "100"}
    plans: dict[str, dict[str, Any]] = {
        "percent": {"plans.0.discounts": [percent]},
        "amount": {"plans.0.discounts": [amount, percent]},
        "free": {"plans.0.discounts": [free]},
        "minimum": {"plans.0.minimum": {"amount": "500", "vat_rate": "20", "category": "services"}},
        "pro_rata": {"plans.0.start": "2026-10-12"},
        "quarter": {"plans.0.start": "2026-08", "plans.0.every_months": 3},
        "year": {"plans.0.start": "2025-11", "plans.0.every_months": 12},
        "advance": {"plans.0.billed": "advance", "plans.0.start": "2026-10"},
        "skip": {
            "plans.0.start": "2026-08",
            "plans.0.every_months": 3,
            "plans.0.skip": ["2026-09"],
        },
        "prices": {"plans.0.start": "2026-09", "plans.0.items": [_risen(items[0])]},
        "two": {"plans": _two(items)},
    }
    return [
        _client(f"plan_{name}", 140 + i, {"plans.0.items": items, **plan})
        for i, (name, plan) in enumerate(plans.items())
    ]


def _risen(item: dict[str, Any]) -> dict[str, Any]:
    """An item whose price rises in October."""
    steps = [{"from": "2026-09", "price": item["price"]}, {"from": "2026-10", "percent": "3.25"}]
    return {key: value for key, value in item.items() if key != "price"} | {"prices": steps}


def _two(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A plan in advance and one in arrears, on one invoice, an exempt line beside taxed ones."""
    own = {
        "treatment": "exempt",
        "exemption_code": "VATEX-FR-CGI261-4",
        "exemption_reason": "Exonération de TVA, art. 261-4-4° du CGI",
    }
    course = house.item("course", "450.00", category="services", vat_rate="0", vat=own)
    ahead = {"id": "ahead", "start": "2026-11", "every_months": 12, "billed": "advance"}
    behind = {"id": "behind", "start": "2026-10", "every_months": 1}
    return [{**ahead, "items": items[:1]}, {**behind, "items": [*items[1:], course]}]


def _private() -> dict[str, Any]:
    """A private customer abroad, without any address for machines."""
    changes = {
        "party.siren": None,
        "party.email": None,
        "party.person": True,
        "party.name": "María Ángeles Núñez-Ibáñez",
        "party.address": {"lines": ["C/ Mayor 5"], "city": "Cádiz", "country": "ES"},
        "plans.0.items": [house.item("lesson", "0.01", category="services")],
        "language": "en",
    }
    return _client("private_abroad", 160, changes)


def _payer() -> dict[str, Any]:
    """Who pays for the batches."""
    item = house.metered("batches", "batch_invoices", "0.45", unit="C62", category="services")
    return _client("batch_payer", 161, {"plans.0.items": [item]})


def _usage(client: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """What a client used: its metric, or its one-off lines."""
    client_id = client["id"]
    if any(item.get("metric") == "units" for item in client["plans"][0]["items"]):
        yield house.usage(client_id, MONTH, {"units": _QUANTITY})
    if client_id.startswith("lines_"):
        count = int(client_id.split("_")[1])
        yield house.usage(client_id, MONTH, {}, *(_line(i) for i in range(1, count + 1)))
    if client_id.startswith("told_"):
        count = int(client_id.removeprefix("told_"))
        lines = [{**_line(i), "details": _DETAILS} for i in range(1, count + 1)]
        yield house.usage(client_id, MONTH, {}, *lines)


_RATES = ("20", "10", "5.5", "2.1")
_DETAIL = " — avec un texte assez long pour tenir sur deux lignes, ou peut-être même trois"


def _line(i: int) -> dict[str, Any]:
    line = house.one_off(
        f"{(i * 137) % 9973 / 100:.4f}",
        description={"fr": f"Ligne {i}" + _DETAIL * (i % 5 == 0), "en": f"Line {i}"},
        quantity=f"{1 + i % 7}.{i % 4 * 25:02d}",
        vat_rate=_RATES[i % len(_RATES)],
        category=("services", "goods")[i % 2],
        unit=("DAY", "HUR", "KGM", "H87")[i % 4],
    )
    if i % 6 == 5:
        line |= {"discount": "0.01", "discount_reason": {"fr": "Remise", "en": "Discount"}}
    return line


# --- batches of the wide root --------------------------------------------------------


def _logo(mode: str, kind: str, **options: Any) -> bytes:
    """A picture in one of the ways in which a PNG or JPEG holds its pixels."""
    grey = Image.linear_gradient("L").resize((90, 40))
    pixels = Image.merge("RGBA", (grey, grey.transpose(Image.Transpose.ROTATE_180), grey, grey))
    if mode == "I;16":
        picture = Image.new("I;16", (90, 40), 30_000)
    elif mode == "P":
        picture = pixels.convert("RGB").quantize(16)
    else:
        picture = pixels.convert(mode)
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _sellers() -> list[tuple[dict[str, Any], bytes, str]]:
    """Batch clients: a seller's peculiarities, its logo, and the logo's name."""
    franchise = {"vat_regime": "franchise", "party.vat_number": None}
    trader = {"legal_form": "EI", "capital": None, "registration": None}
    cases: list[tuple[str, dict[str, Any], bytes, str]] = [
        ("plain", {}, b"", ""),
        ("debits", {"debits": True}, _logo("RGBA", "PNG"), "png"),
        ("no_bank", {"bank": None}, _logo("LA", "PNG"), "png"),
        ("trader", {**franchise, **trader}, _logo("L", "JPEG"), "jpeg"),
        ("palette", {}, _logo("P", "PNG", transparency=0), "png"),
        ("bits", {"bank.bic": None}, _logo("1", "PNG"), "png"),
        ("grey", {"bank.holder": "Ωμέγα & Жук"}, _logo("L", "PNG"), "png"),
        ("exempt", {}, _logo("RGB", "PNG", dpi=(300, 300)), "png"),
    ]
    sellers = []
    for i, (name, changes, logo, suffix) in enumerate(cases):
        changes = {"party.name": f"Vendeur « {name} »", **changes}
        seller = house.issuer({"operation_category": "mixed", **changes})
        number = house.siren(500 + i)
        seller["party"] |= {"siren": number, "siret": house.siret(number)}
        if seller["vat_regime"] == "standard":
            seller["party"]["vat_number"] = house.vat_number(number)
        for key in ("code", "timezone", "numbering"):
            del seller[key]
        if suffix:
            seller["logo"] = f"seller_{name}.{suffix}"
        treatment = "franchise" if seller["vat_regime"] == "franchise" else "standard"
        value = {
            "id": f"seller_{name}",
            "code": f"S{i}",
            "status": "active",
            "seller": seller,
            "csv": {
                "delimiter": ",",
                "decimal": ".",
                "encoding": "utf-8",
                "byte_order_mark": False,
            },
            "defaults": {
                "language": "fr",
                "currency": "EUR",
                "payment_terms": {"days": 30, "end_of_month": False},
                "vat": {"treatment": treatment},
            },
            "delivery": {"zip": True, "email_customers": True},
            "billed_as": "batch_payer",
        }
        sellers.append((value, logo, seller.get("logo", "")))
    return sellers


_COMMON = {
    "period_start": "2026-10-01",
    "period_end": "2026-10-31",
    "customer_address_1": "3 rue du Moulin",
    "customer_postcode": "35000",
    "customer_city": "Rennes",
    "customer_country": "FR",
    "description_1": "Abonnement mensuel",
    "quantity_1": "1",
    "unit_1": "MON",
    "unit_price_1": "49.00",
    "vat_rate_1": "20",
    "category_1": "services",
}
_GERMAN = {
    "customer_name": "Kontor Nordlicht GmbH",
    "customer_country": "DE",
    "customer_vat_number": "DE136695976",
    "vat_rate_1": "0",
    "language": "en",
}
_ROWS: tuple[dict[str, str], ...] = (
    {"customer_name": "Boulangerie Martin", "customer_siren": "732829320"},
    {"customer_name": "Chloé Lefèvre", "customer_person": "yes", "payment_days": "0"},
    {
        "customer_name": "Ωμέγα Жук",
        "customer_person": "yes",
        "customer_country": "PT",
        "note": "Merci — ευχαριστώ — дякую",
        "customer_email": "omega@example.org",
    },
    {**_GERMAN, "vat_category_1": "AE"},
    {**_GERMAN, "vat_category_1": "K", "category_1": "goods", "unit_1": "H87"},
    {
        "customer_name": "Helvetia & Söhne AG",
        "customer_country": "CH",
        "vat_rate_1": "0",
        "vat_category_1": "G",
        "category_1": "goods",
        "unit_1": "KGM",
        "quantity_1": "0.0001",
        "unit_price_1": "9999.9999",
    },
    {
        "customer_name": "École des Mines",
        "customer_siren": "732829320",
        "vat_rate_1": "0",
        "vat_category_1": "E",
        "exemption_code_1": "VATEX-FR-CGI261-4",
        "exemption_reason_1": "Exonération de TVA, art. 261-4-4° du CGI",
    },
)
_FRANCHISED = {"vat_rate_1": "0", "vat_category_1": ""}


def _put_batch(root: Root, seller: dict[str, Any], i: int) -> None:
    """A seller and its CSV: all rows for the first seller, three others for the next ones."""
    franchise = seller["seller"]["vat_regime"] == "franchise"
    rows: Iterable[dict[str, str]] = _ROWS if i == 0 else (_ROWS[i % 3], _ROWS[3 + i % 4])
    if franchise:
        rows = [{**row, **_FRANCHISED} for row in _ROWS[:3]]
    given = [{"reference": f"{seller['code']}-{k}", **_COMMON, **row} for k, row in enumerate(rows)]
    used = {key for row in given for key in row}
    ordered = [name for name in batch_cells.columns() if name in used]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ordered, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(given)
    house.write(root, f"batch_clients/{seller['id']}.json", seller)
    name = f"data/inbox_batch/{seller['id']}__{MONTH}.csv"
    house.write(root, name, stream.getvalue().encode())


# --- commands ------------------------------------------------------------------------


def _make(root: Root, *words: str, **values: str) -> str:
    """Runs `make`; returns what it printed."""
    ran = house.make(root, *words, *(f"{name}={value}" for name, value in values.items()))
    if ran.code:
        command = " ".join(["make", f"ROOT={root.path}", *words])
        raise CannotIssueError(f"{command}\n{ran.out}{ran.err}")
    return ran.out


def _month(root: Root) -> None:
    _make(root, "month", f"MONTH={MONTH}", f"TODAY={ISSUED}", "MAIL=no")


def _order(root: Root, client: str, order: str, step: str) -> None:
    values = {"CLIENT": client, "ORDER": order, "STEP": step}
    _make(root, "invoice", ISSUE_DATE=CREDITED, TODAY=CREDITED, **values)


def _credit(root: Root, credits: Iterable[Credit]) -> None:
    for credit in credits:
        words = ["credit-note", f"INVOICE={credit.invoice}", f"TODAY={CREDITED}"]
        if credit.lines:
            lines = [
                {"line": line} | ({"quantity": quantity} if quantity else {})
                for line, quantity in credit.lines.items()
            ]
            file = house.write(root, f"credit/{credit.invoice}.json", {"lines": lines})
            words.append(f"LINES={file}")
        if credit.amount:
            words.append(f"AMOUNT={credit.amount}")
        _make(root, *words, REASON=credit.reason)


def _wide_credits(root: Root) -> list[Credit]:
    """Credit notes of each kind of invoice: taxed or not, discounted, direct or batch."""
    whole = ("flat_intra_eu_en", "volume_export_fr", "plan_percent", "lines_300", "name_greek")
    credits = [Credit(house.numbers(root, client)[0], "Annulation", {}) for client in whole]
    (amount,) = house.numbers(root, "plan_amount")
    (lines,) = house.numbers(root, "lines_40")
    (graduated,) = house.numbers(root, "graduated_standard_en")
    (told,) = house.numbers(root, "told_40")
    return [
        *credits,
        Credit(amount, "Repas non servis & livre abîmé", {"2": None, "3": "0.5"}),
        Credit(amount, "Le reste", {}),
        Credit(lines, "Trois lignes sur quarante", {"1": "0.25", "20": None, "40": "1"}),
        Credit(graduated, "Part of the second tier", {"2": "1.125"}),
        Credit(told, "Goodwill", {}, "123.45"),
        Credit("S0-2026-0004", "Returned", {}),
        Credit("S3-2026-0001", "Erreur", {"1": "0.5"}),
    ]


def _orders() -> Iterable[dict[str, Any]]:
    """Orders in one piece and in steps, of one line and of eighty, in both languages."""
    steps = (
        house.step("deposit", percent="30", description={"fr": "à la commande", "en": "on order"}),
        house.step("milestone", amount="100.00"),
        house.step("final", payment_terms={"days": 45, "end_of_month": True}),
    )
    discounts = [{"description": {"fr": "Remise", "en": "Discount"}, "percent": "3.33"}]
    for client in ("flat_standard_fr", "flat_standard_en"):
        one_off = {**house.one_off("600.00"), "category": "services"}
        yield house.order("one_piece", client, lines=[one_off])
        lines = [{**one_off, "unit_price": f"{i}.37", "quantity": "1.25"} for i in range(1, 81)]
        yield house.order("in_steps", client, *steps, lines=lines, discounts=discounts)


def _quote(root: Root) -> None:
    """A quote of every order, accepted with a file that was signed."""
    for path in sorted(root.data.glob("orders/*/*.json")):
        today = f"TODAY={ISSUED}"
        _make(root, "quote", f"CLIENT={path.parent.name}", f"ORDER={path.stem}", today)
    signed = f"FILE={house.HOME / 'docs/invoice.png'}"
    for path in sorted(root.data.glob("quotes/*/*/*.json")):
        _make(root, "accept", f"QUOTE={path.stem}", f"DATE={ISSUED}", f"TODAY={ISSUED}", signed)


def _close(root: Root) -> None:
    """Payments of every kind, then all that is derived, the exports in both dialects."""
    _pay(root)
    _make(root, "reconcile")
    _make(root, "packages")
    for dialect in ("fr", "rfc4180"):
        _make(root, "export", f"YEAR={YEAR}", f"CSV_DIALECT={dialect}")
        _make(root, "payments-csv", f"CSV_DIALECT={dialect}")
        sheets = root.path / "sheets" / dialect
        sheets.mkdir(parents=True, exist_ok=True)
        for part in ("recettes", "payments"):
            for path in (root.path / "exports" / part).glob("*.csv"):
                if (".fr-en." in path.name) == (dialect == "fr"):
                    shutil.copy(path, sheets)
    # The sole trader of the examples has a SIREN too, so each root gets its FEC.
    for target in ("fec", "ledger", "accountant", "report"):
        _make(root, target, f"YEAR={YEAR}")
    for client in histories.clients_of(root)[::_STATED]:
        _make(root, "account", f"CLIENT={client}", f"TODAY={STATED}")


def _remind(root: Root) -> None:
    """Formal letters to those of some clients that did not pay, who get no mail any more."""
    issuer = json.loads(root.issuer.read_bytes())
    house.write(root, "issuer.json", {**issuer, "reminders": {"formal": 45}})
    for path in root.clients.glob("lines_*.json"):
        client = json.loads(path.read_bytes())
        del client["party"]["email"]
        house.put_client(root, client)
    _make(root, "reminders", f"TODAY={REMINDED}")


def _pay(root: Root) -> None:
    """Invoices paid whole, in part, in cash, too much, not at all; refund, reversal, write-offs."""
    owed = [invoice for invoice in balances.read_all(root) if invoice.outstanding > 1]
    moves = []
    for i, invoice in enumerate(owed[1:], 1):
        half = money.round_half_up(invoice.outstanding / 2)
        amount, method = (
            (invoice.outstanding, "transfer"),
            (half, "transfer"),
            (half, "cash"),
        )[i % 3]
        if i % 4:
            moves.append([invoice.client, invoice.number, amount, PAID, method, f"V-{i}", "Reçu"])
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerows([payments.COLUMNS, *moves])
    file = house.write(root, "payments.csv", stream.getvalue().encode())
    first = owed[0]
    about = [f"CLIENT={first.client}", f"INVOICE={first.number}", f"TODAY={PAID}"]
    more = first.outstanding + money.CENT
    _make(root, "payments-import", f"FILE={file}", f"TODAY={PAID}")
    _make(
        root,
        "payment",
        *about,
        f"AMOUNT={more}",
        f"DATE={PAID}",
        "METHOD=transfer",
        "OVERPAYMENT=yes",
        REFERENCE="=1+1;x",
        NOTE="Trop payé d’un centime",
    )
    _make(root, "refund", *about, "AMOUNT=0.01", f"DATE={PAID}", "METHOD=transfer", NOTE="Rendu")
    taken_out = f"PAYMENT={moves[0][0]}/1"
    _make(root, "payment-reverse", taken_out, f"DATE={PAID}", f"TODAY={PAID}", REASON="Rejeté")
    _make(root, "receipt", f"INVOICE={first.number}")
    # Of what was paid in part, the rest: a bank kept a euro, and nobody pays what is left.
    for balance in list(balances.read_all(root)):
        if balance.status == balances.PARTIALLY_PAID:
            lost = balance.outstanding - 1
            for kind, amount in (("bank_charge", "1.00"), ("bad_debt", money.plain(lost, 2))):
                about = [f"INVOICE={balance.number}", f"AMOUNT={amount}", f"KIND={kind}"]
                days = [f"DATE={PAID}", f"TODAY={PAID}", "LARGE=yes"]
                _make(root, "write-off", *about, *days, REASON="Soldé")
            break
