"""Production: from a document to the bytes of its JSON, its XML and its PDF, all validated.

The same document gives the same bytes, whoever produces it, whenever. `renderer` names
what shapes those bytes: where it is the same, they can be made again and compared.
"""

import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from lib import document, facturx_xml, fonts, invoice_pdf, judges, storage, workers
from lib.document import Document

TEMPLATE = "3"  # the layout of lib/invoice_pdf; it changes whenever the page does
_SHAPING = ("fpdf2", "fonttools", "factur-x", "lxml", "Babel", "segno", "pillow")
# A worker needs two seconds to compile the schematrons; fewer documents are faster at home.
_WORTH_WORKERS = 40


class Product(NamedTuple):
    """The files of a document; `verdicts` has the rules that it breaks, none if it is sound."""

    json: bytes
    pdf: bytes
    verdicts: tuple[judges.Verdict, ...]


@cache
def renderer() -> tuple[tuple[str, str], ...]:
    """What shapes the bytes of a PDF, and its version."""
    import importlib.metadata

    faces = b"".join(fonts.path(face).read_bytes() for face in fonts.FACES)
    return (
        ("template", TEMPLATE),
        ("fonts", storage.sha256(faces)[:16]),
        *((name, importlib.metadata.version(name)) for name in _SHAPING),
        ("zlib", zlib.ZLIB_RUNTIME_VERSION),
    )


def produce(logo: bytes | None, made: Document) -> Product:
    """Renders and validates one document.

    Args:
      logo: the bytes whose SHA-256 the document's seller names, or None.
    """
    xml = facturx_xml.generate(made)
    verdicts = judges.verdicts(made, xml)
    if verdicts:
        return Product(b"", b"", tuple(verdicts))
    return Product(document.to_json(made), invoice_pdf.render(made, xml, logo), ())


def produce_all(
    documents: Iterable[Document], logo: bytes | None, processes: int
) -> Iterator[tuple[Document, Product]]:
    """Each document with its product, in the order given: see workers.each."""
    return workers.each(produce, logo, documents, processes, _WORTH_WORKERS)
