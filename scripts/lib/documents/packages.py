"""ZIP packages: the same content gives the same bytes, whenever and wherever it is packed.

Names are sorted, times are fixed, nothing is compressed (PDFs are already), and the
comment of a batch's package is the hash of its manifest, so that one look shows whether
it is still what it should be.
"""

import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from lib.books.records import Record
from lib.core import storage
from lib.core.root import Root
from lib.documents import csv_files
from lib.documents.csv_files import Column
from lib.inputs.settings import Settings

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP can name
_UNIX = 3
READ_ONLY = 0o100444  # modes of what is inside
WRITABLE = 0o644

_MANIFEST = (
    Column("reference", csv_files.TEXT),
    Column("number"),
    Column("customer", csv_files.TEXT),
    Column("net", csv_files.FIGURE),
    Column("vat", csv_files.FIGURE),
    Column("gross", csv_files.FIGURE),
    Column("due"),
    Column("sha256"),
)

Content = Callable[[], bytes | Iterable[bytes]]  # whole, or in pieces


def path_of(root: Root, client: str, month: str) -> Path:
    """downloads/<client>__<month>.zip."""
    return root.downloads / f"{client}__{month}.zip"


def comment_of(path: Path) -> str:
    """The comment of a package; empty if it has none or is not a package."""
    try:
        with storage.open_file(path) as stream, zipfile.ZipFile(stream) as package:
            return package.comment.decode("ascii", "replace")
    except (FileNotFoundError, zipfile.BadZipFile):
        return ""


def manifest(documents: list[Record], config: Settings) -> bytes:
    """reference, number, customer, net, VAT, gross, due date, SHA-256; credit notes negative."""
    signs = ["-" if record["kind"] == "credit_note" else "" for record in documents]
    cells = {
        "reference": [record.get("reference", "") for record in documents],
        "number": [record["number"] for record in documents],
        "customer": [record["buyer"] for record in documents],
        "due": [record.get("due_date", "") for record in documents],
        "sha256": [record["pdf_sha256"] for record in documents],
    }
    for key in ("net", "vat", "gross"):
        cells[key] = [sign + record[key] for sign, record in zip(signs, documents, strict=True)]
    # One dialect whatever .env says: the package is the same on every machine.
    fixed = config._replace(csv_dialect="rfc4180", csv_headers="en")
    return csv_files.to_bytes(_MANIFEST, cells, fixed)


def write(
    path: Path, contents: Mapping[str, Content], comment: str = "", mode: int = READ_ONLY
) -> bool:
    """Writes a package whole or not at all; where its bytes would not change, renews its time.

    Each content is fetched when its turn comes.

    Args:
      mode: of every file in it.

    Returns:
      whether the bytes changed.
    """
    with storage.held(path.parent):
        return _write(path, contents, comment, mode)


def _write(path: Path, contents: Mapping[str, Content], comment: str, mode: int) -> bool:
    temporary = path.with_name(f".{path.name}.tmp")
    with storage.create(temporary) as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as package:
            package.comment = comment.encode("ascii")
            for name in sorted(contents):
                info = zipfile.ZipInfo(name, _FIXED_TIME)
                info.create_system = _UNIX
                info.external_attr = mode << 16
                content = contents[name]()
                if isinstance(content, bytes):
                    package.writestr(info, content)
                    continue
                with package.open(info, "w") as file:
                    for piece in content:
                        file.write(piece)
        storage.flush(stream)
    if path.exists() and storage.sha256_of_file(path) == storage.sha256_of_file(temporary):
        temporary.unlink()
        storage.renew(path)
        return False
    temporary.rename(path)
    storage.flush_folder(path.parent)
    return True
