"""Production: from a document to the bytes of its JSON, its XML and its PDF, all validated.

The same document gives the same bytes on every machine, at any time. `renderer` names
what shapes those bytes: where it is the same, they can be made again and compared.
"""

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from itertools import chain, islice
from pathlib import Path
from socket import socket
from typing import NamedTuple

from lib.books import issuing
from lib.books.issuing import Run, StagedProof
from lib.core import storage, workers
from lib.documents import (
    cluster,
    facturx_xml,
    fonts,
    invoice_pdf,
    judging,
    pdf_writer,
    schematron,
    validators,
)
from lib.inputs.settings import Settings
from lib.values.document import Document, to_json

TEMPLATE = "6"  # the layout of documents/invoice_pdf; it changes whenever the page does
_SHAPING = ("fpdf2", "fonttools", "factur-x", "lxml", "Babel", "segno", "pillow")
_JUDGING = ("saxonche", "msgspec")
# Workers have to start; fewer documents are faster made at home, with a judge beside.
_WORTH_WORKERS = 40  # whether they are on this machine or on others
_TOGETHER = 8  # documents that a worker is handed at once


class Product(NamedTuple):
    """The files of a document; `verdicts` has the rules that it breaks, none if it is sound."""

    json: bytes
    pdf: bytes
    verdicts: tuple[validators.Verdict, ...]


class Staged(NamedTuple):
    """The files of a document beside the intent of a run; none where it breaks a rule."""

    proofs: tuple[StagedProof, ...]  # its JSON and its PDF
    verdicts: tuple[validators.Verdict, ...]


# Each document, its files staged, in the order given.
Stage = Callable[[Iterable[Document]], Iterator[tuple[Document, Staged]]]


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
    (product,) = produce_all(logo, [document])
    return product


def produce_all(logo: bytes | None, documents: Sequence[Document]) -> list[Product]:
    """Some documents together, as `produce` makes each."""
    return [
        Product(b"" if verdicts else to_json(document), pdf, tuple(verdicts))
        for document, (pdf, verdicts) in zip(
            documents, judging.meanwhile([_case(logo, each) for each in documents]), strict=True
        )
    ]


def _case(logo: bytes | None, document: Document) -> judging.Case:
    xml = facturx_xml.generate(document)
    return judging.Case(document, xml, partial(invoice_pdf.render, document, xml, logo))


def expect(config: Settings, documents: int) -> None:
    """Prepares for about so many documents, before they are known: few need a judge beside."""
    if config.workers > 1 and documents < _WORTH_WORKERS:
        judging.start()


def get_ready(doors: Sequence[socket] = ()) -> None:
    """Imports and compiles what every document needs, before the first one comes.

    Args:
      doors: where they lead to judges, these have compiled the rules.
    """
    facturx_xml.library()
    pdf_writer.get_ready()
    judging.enter(doors)


@contextmanager
def started(run: Run, logo: bytes | None, config: Settings, expected: int) -> Iterator[Stage]:
    """Like `stage_all`, with workers that start while the input is still being checked.

    Args:
      expected: about how many documents there will be, before they are known.
    """
    expect(config, expected)
    if config.cluster or config.workers < 2 or expected < _WORTH_WORKERS:
        yield partial(stage_all, run, logo=logo, config=config)
        return
    schematron.check_room()
    with _workers(run, logo, config) as done:
        yield partial(_in_groups, run, done)


def stage_all(
    run: Run, documents: Iterable[Document], logo: bytes | None, config: Settings
) -> Iterator[tuple[Document, Staged]]:
    """Each document, made and its files staged, in the order given.

    By the cluster where the settings name one, else on the cores of this machine: see
    cluster.each and workers.started.
    """
    schematron.check_room()
    documents = iter(documents)
    first = list(islice(documents, _WORTH_WORKERS))
    every = chain(first, documents)
    are_many = len(first) == _WORTH_WORKERS
    if config.cluster and are_many:
        made = cluster.each(produce, logo, every, config.cluster, equipment)
        for document, product in made:
            yield document, _written(run.folder, _names(run), product)
    elif config.workers > 1 and are_many:
        with _workers(run, logo, config) as done:
            yield from _in_groups(run, done, every)
    else:
        for document in every:
            yield document, _written(run.folder, _names(run), produce(logo, document))


class _Task(NamedTuple):
    """A document, and the names that its files are to have beside the intent."""

    document: Document
    names: tuple[str, str]


_Group = tuple[_Task, ...]
_Map = Callable[[Iterable[_Group]], Iterator[tuple[_Group, tuple[Staged, ...]]]]


def _workers(run: Run, logo: bytes | None, config: Settings) -> AbstractContextManager[_Map]:
    """Workers that draw, and judges beside them."""
    ready = partial(get_ready, judging.start())
    return workers.started(_stage, (logo, run.folder), config.workers, ready)


def _in_groups(
    run: Run, map_: _Map, documents: Iterable[Document]
) -> Iterator[tuple[Document, Staged]]:
    """Some documents are handed to a worker together: each message between processes has a cost."""
    tasks = (_Task(document, _names(run)) for document in documents)
    groups = iter(lambda: tuple(islice(tasks, _TOGETHER)), ())
    for group, all_staged in map_(groups):
        for task, staged in zip(group, all_staged, strict=True):
            yield task.document, staged


def _names(run: Run) -> tuple[str, str]:
    return run.next_name(), run.next_name()


def _stage(shared: tuple[bytes | None, Path], group: _Group) -> tuple[Staged, ...]:
    """What a worker does: the bytes of documents go to the disk and not through a pipe."""
    logo, folder = shared
    products = produce_all(logo, [task.document for task in group])
    return tuple(
        _written(folder, task.names, product) for task, product in zip(group, products, strict=True)
    )


def _written(folder: Path, names: tuple[str, str], product: Product) -> Staged:
    if product.verdicts:
        return Staged((), product.verdicts)
    files = zip(names, (product.json, product.pdf), strict=True)
    return Staged(tuple(issuing.write_staged(folder, name, data) for name, data in files), ())
