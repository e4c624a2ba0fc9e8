"""ZIP packages: the same content gives the same bytes, whenever and wherever it is packed.

Names are sorted, times are fixed, nothing is compressed (PDFs are already), and the
comment of a batch's package is the hash of its manifest, so that one look tells whether it
is still what it should be.
"""

import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from lib import storage
from lib.root import Root

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP can name
_UNIX = 3
READ_ONLY = 0o100444  # modes of what is inside
WRITABLE = 0o644

Content = Callable[[], bytes]


def path_of(root: Root, client: str, month: str) -> Path:
    """downloads/<client>__<month>.zip."""
    return root.downloads / f"{client}__{month}.zip"


def comment_of(path: Path) -> str:
    """The comment of a package; empty where there is none, or no package."""
    try:
        with storage.open_file(path) as stream, zipfile.ZipFile(stream) as package:
            return package.comment.decode("ascii", "replace")
    except (FileNotFoundError, zipfile.BadZipFile):
        return ""


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
    storage.make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.tmp")
    with storage.create(temporary) as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as package:
            package.comment = comment.encode("ascii")
            for name in sorted(contents):
                info = zipfile.ZipInfo(name, _FIXED_TIME)
                info.create_system = _UNIX
                info.external_attr = mode << 16
                package.writestr(info, contents[name]())
        os.fchmod(stream.fileno(), storage.FILE_MODE)
        storage.flush(stream)
    if path.exists() and storage.sha256_of_file(path) == storage.sha256_of_file(temporary):
        temporary.unlink()
        os.utime(path)
        return False
    temporary.rename(path)
    storage.flush_folder(path.parent)
    return True
