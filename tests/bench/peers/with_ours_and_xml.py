"""Ours, and the XML of the document made as well."""

from serve import serve
from with_ours import Held, held

from lib.documents import facturx_xml, invoice_pdf


def render(one: Held) -> bytes:
    """Tagged PDF/A-3A with Factur-X XML."""
    return invoice_pdf.render(one.document, facturx_xml.generate(one.document), None)


if __name__ == "__main__":
    serve(render, held)
