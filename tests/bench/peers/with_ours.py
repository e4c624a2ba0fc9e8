"""Ours: lib/invoice_pdf, as every invoice is made."""

from functools import cache
from typing import Any

from serve import serve

from lib import document, invoice_pdf
from lib.document import Document


@cache
def parsed(text: str) -> Document:
    """The document is what the program holds; reading it is not part of the page."""
    return document.from_json(text.encode())


def render(content: dict[str, Any]) -> bytes:
    """PDF/A-3B with Factur-X XML."""
    return invoice_pdf.render(parsed(content["document"]), content["xml"].encode(), None)


if __name__ == "__main__":
    serve(render)
