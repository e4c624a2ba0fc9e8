"""Production: from a document to the bytes of its JSON, its XML and its PDF, all validated.

The same document gives the same bytes, whoever produces it, whenever. `renderer` names
what shapes those bytes: where it is the same, they can be made again and compared.
"""

import ctypes
import importlib.metadata
import multiprocessing
import os
import signal
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from itertools import chain, islice
from typing import NamedTuple

from lib import document, facturx_xml, fonts, invoice_pdf, judges, storage
from lib.document import Document

TEMPLATE = "2"  # the layout of lib/invoice_pdf; it changes whenever the page does
_SHAPING = ("fpdf2", "fonttools", "factur-x", "lxml", "Babel", "segno", "pillow")
# A worker needs two seconds to compile the schematrons; fewer documents are faster at home.
_WORTH_A_POOL = 40
_AHEAD = 8  # documents given to each worker before the first of them is due


class Product(NamedTuple):
    """The files of a document; `verdicts` has the rules that it breaks, none if it is sound."""

    json: bytes
    pdf: bytes
    verdicts: tuple[judges.Verdict, ...]


@cache
def renderer() -> tuple[tuple[str, str], ...]:
    """What shapes the bytes of a PDF, and its version."""
    faces = b"".join(fonts.path(face).read_bytes() for face in fonts.FACES)
    return (
        ("template", TEMPLATE),
        ("fonts", storage.sha256(faces)[:16]),
        *((name, importlib.metadata.version(name)) for name in _SHAPING),
        ("zlib", zlib.ZLIB_RUNTIME_VERSION),
    )


def produce(made: Document, logo: bytes | None) -> Product:
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
    documents: Iterable[Document], logo: bytes | None, workers: int
) -> Iterator[tuple[Document, Product]]:
    """Each document with its product, in the order given, on `workers` processes.

    Documents are taken from `documents` as the workers get to them, so memory does not
    grow with their number.
    """
    documents = iter(documents)
    first = list(islice(documents, _WORTH_A_POOL))
    if workers < 2 or len(first) < _WORTH_A_POOL:
        for made in chain(first, documents):
            yield made, produce(made, logo)
        return
    pool = ProcessPoolExecutor(
        workers,
        # Spawned, not forked: a worker inherits no open file, so never the lock.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare_worker,
        initargs=(os.getpid(), logo),
    )
    with pool:
        waiting: deque[tuple[Document, Future[Product]]] = deque()
        for made in chain(first, documents):
            waiting.append((made, pool.submit(_produce_in_worker, made)))
            if len(waiting) > workers * _AHEAD:
                done, product = waiting.popleft()
                yield done, product.result()
        while waiting:
            done, product = waiting.popleft()
            yield done, product.result()


_worker_logo: bytes | None = None


def _prepare_worker(parent: int, logo: bytes | None) -> None:
    global _worker_logo
    _worker_logo = logo
    end_with_parent(parent)


def end_with_parent(parent: int) -> None:
    """A worker ends with its parent, even if that was killed (prctl PR_SET_PDEATHSIG)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _produce_in_worker(made: Document) -> Product:
    return produce(made, _worker_logo)
