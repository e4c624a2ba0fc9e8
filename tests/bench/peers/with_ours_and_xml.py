"""Ours, and the XML of the document made as well."""

from typing import Any

from serve import serve
from with_ours import parsed

from lib import facturx_xml, invoice_pdf


def render(content: dict[str, Any]) -> bytes:
    """PDF/A-3B with Factur-X XML."""
    document = parsed(content["document"])
    return invoice_pdf.render(document, facturx_xml.generate(document), None)


if __name__ == "__main__":
    serve(render)
