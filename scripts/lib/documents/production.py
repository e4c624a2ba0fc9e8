"""Production: from a document to the bytes of its JSON, its XML and its PDF, all validated.

The same document gives the same bytes on every machine, at any time. `renderer` names
what shapes those bytes: where it is the same, they can be made again and compared.
"""

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from lib.core import storage, workers
from lib.documents import (
    cluster,
    facturx_xml,
    fonts,
    invoice_pdf,
    pdf_writer,
    schematron,
    validators,
)
from lib.inputs.settings import Settings
from lib.values.document import Document, to_json

TEMPLATE = "6"  # the layout of documents/invoice_pdf; it changes whenever the page does
_SHAPING = ("fpdf2", "fonttools", "factur-x", "lxml", "Babel", "segno", "pillow")
_JUDGING = ("saxonche", "msgspec")
# A worker needs two seconds to compile the schematrons; fewer documents are faster at home.
_WORTH_WORKERS = 40  # whether they are on this machine or on others


class Product(NamedTuple):
    """The files of a document; `verdicts` has the rules that it breaks, none if it is sound."""

    json: bytes
    pdf: bytes
    verdicts: tuple[validators.Verdict, ...]


# Each document with its product, in the order given.
Produce = Callable[[Iterable[Document]], Iterator[tuple[Document, Product]]]


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


@cache
def equipment() -> tuple[tuple[str, str], ...]:
    """What makes and judges a document, by name: where it is the same, so are the products."""
    import importlib.metadata

    folder = Path(__file__).parents[1]  # lib
    program = [
        f"{path.relative_to(folder)} {storage.sha256_of_file(path)}"
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".py", ".json")
    ]
    return (
        ("program", storage.sha256("\n".join(program).encode())[:16]),
        ("Python", f"{sys.version_info.major}.{sys.version_info.minor}"),
        *renderer(),
        *((name, importlib.metadata.version(name)) for name in _JUDGING),
    )


def produce(logo: bytes | None, document: Document) -> Product:
    """Renders and validates one document.

    Args:
      logo: the bytes whose SHA-256 the document's seller names, or None.
    """
    xml = facturx_xml.generate(document)
    verdicts = validators.verdicts(document, xml)
    if verdicts:
        return Product(b"", b"", tuple(verdicts))
    return Product(to_json(document), invoice_pdf.render(document, xml, logo), ())


def get_ready() -> None:
    """Imports and compiles what every document needs, before the first one comes."""
    facturx_xml.library()
    validators.get_ready()
    pdf_writer.get_ready()


@contextmanager
def started(logo: bytes | None, config: Settings, expected: int) -> Iterator[Produce]:
    """Like `produce_all`, with workers that start while the input is still being checked.

    Args:
      expected: about how many documents there will be, before they are known.
    """
    if config.cluster or config.workers < 2 or expected < _WORTH_WORKERS:
        yield partial(produce_all, logo=logo, config=config)
        return
    schematron.check_room()
    with workers.started(produce, logo, config.workers, get_ready) as done:
        yield done


def produce_all(
    documents: Iterable[Document], logo: bytes | None, config: Settings
) -> Iterator[tuple[Document, Product]]:
    """Each document with its product, in the order given.

    By the cluster where the settings name one, else on the cores of this machine: see
    cluster.each and workers.each.
    """
    schematron.check_room()
    if config.cluster is None:
        return workers.map_in_order(produce, logo, documents, config.workers, _WORTH_WORKERS)
    documents = iter(documents)
    first = list(islice(documents, _WORTH_WORKERS))
    if len(first) < _WORTH_WORKERS:
        return workers.map_in_order(produce, logo, first, config.workers, _WORTH_WORKERS)
    return cluster.each(produce, logo, chain(first, documents), config.cluster, equipment)
