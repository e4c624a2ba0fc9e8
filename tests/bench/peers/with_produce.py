"""Ours: XML, validation and page, as documents/production makes them of every document."""

from serve import Content, serve

from lib.documents import production
from lib.values import document
from lib.values.document import Document


def prepare(content: Content) -> Document:
    """Reading it is not part of the work."""
    return document.from_json(content["document"].encode())


def render(one: Document) -> bytes:
    """Tagged PDF/A-3A with Factur-X XML, which every rule accepts."""
    product = production.produce(None, one)
    if product.verdicts:
        raise ValueError(f"{one.number} is refused")
    return product.pdf


if __name__ == "__main__":
    serve(render, prepare)
