"""Production: the page that a template names never changes under its name."""

import hashlib

import house
from lib import facturx_xml, invoice_pdf, production

# The layout of a fixed invoice, for each template that ever issued one. A page that changes
# needs a new TEMPLATE and a new line here: `make verify` renders old invoices again only where
# template and libraries are those of today.
LAYOUTS = {"2": "4cf62ac05662c63e747b701fbfba348cb8912441cc811c896df5d874417abe27"}


def test_a_changed_page_has_a_new_template(tmp_path):
    item = house.metered("support", "hours", included="2")
    discount = {"id": "loyal", "description": {"fr": "Fidélité"}, "percent": "10"}
    client = house.client(changes={"plan.items": [item], "plan.discounts": [discount]})
    used = house.usage("nord", house.MONTH, {"hours": "3.5"}, house.one_off())
    root = house.build(tmp_path / "root", client, used=(used,))
    made = house.draft(root)
    marks = repr(invoice_pdf._lay_out(made, None, "")).encode() + facturx_xml.generate(made)
    assert LAYOUTS.get(production.TEMPLATE) == hashlib.sha256(marks).hexdigest()
