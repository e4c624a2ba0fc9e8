"""Production: the page that a template names never changes under its name."""

import hashlib

import house
from lib.documents import facturx_xml, invoice_pdf, production

# The layout of two fixed invoices, for each template that ever issued one (2 of the first alone).
# A page that changes needs a new TEMPLATE and a new line here: `make verify` renders old invoices
# again only where template and libraries are those of today.
LAYOUTS = {
    "2": "4cf62ac05662c63e747b701fbfba348cb8912441cc811c896df5d874417abe27",
    "3": "4f12a48e00bc4e790f255c2e1f2d0ee8d230949d0e02bc63231ebf3d6b39b679",
    "4": "5b9be5fd122f32fb3f1b6557775d91681dd19138cabb69e0f092bbc5685c9eb0",
    # Orders, notes, subjects and contacts changed other pages than these two.
    "5": "5b9be5fd122f32fb3f1b6557775d91681dd19138cabb69e0f092bbc5685c9eb0",
    "6": "5a882031908cbd7a3392a3f2eb1ffe74fdbd94b0bf8f9029c54c136902a194db",
}


def test_a_changed_page_has_a_new_template(tmp_path):
    item = house.metered("support", "hours", included="2")
    discount = {"id": "loyal", "description": {"fr": "Fidélité"}, "percent": "10"}
    client = house.client(changes={"plans.0.items": [item], "plans.0.discounts": [discount]})
    used = house.usage("nord", house.MONTH, {"hours": "3.5"}, house.one_off())
    root = house.build(tmp_path / "root", client, used=(used,))
    marks = _marks(house.draft(root))
    # Goods and services to another state of the EU: two reasons for having no VAT.
    items = [house.item(sold, category=sold, vat_rate="0") for sold in ("goods", "services")]
    changes = {
        "plans.0.items": items,
        "vat.treatment": "intra_eu",
        "party.siren": None,
        "party.vat_number": "BE0428759497",
        "party.address": {"lines": ["1 Meir"], "city": "Antwerpen", "country": "BE"},
    }
    seller = house.issuer({"operation_category": "mixed"})
    abroad = house.build(tmp_path / "abroad", house.client(changes=changes), seller=seller)
    marks += _marks(house.draft(abroad))
    assert LAYOUTS.get(production.TEMPLATE) == hashlib.sha256(marks).hexdigest()


def _marks(made):
    return repr(invoice_pdf._lay_out(made, None, "")).encode() + facturx_xml.generate(made)
