"""Ours: documents/invoice_pdf, as every invoice is made."""

from typing import NamedTuple

from serve import Content, serve

from lib.documents import invoice_pdf
from lib.values import document
from lib.values.document import Document


class Held(NamedTuple):
    """What the program holds of an invoice when it comes to its page."""

    document: Document
    xml: bytes


def held(content: Content) -> Held:
    """Reading it is not part of the page."""
    return Held(document.from_json(content["document"].encode()), content["xml"].encode())


def render(one: Held) -> bytes:
    """Tagged PDF/A-3A with Factur-X XML."""
    return invoice_pdf.render(one.document, one.xml, None)


if __name__ == "__main__":
    serve(render, held)
