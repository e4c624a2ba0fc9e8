"""ZIP packages: the same content gives the same bytes, whenever and wherever it is packed.

Names are sorted, times are fixed, nothing is compressed (PDFs are already), and the
archive's comment is the hash of its list of contents, so that one look tells whether it
is still what it should be.
"""

import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from lib import storage

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READ_ONLY_FILE = 0o100444 << 16

Content = Callable[[], bytes]


def comment_of(path: Path) -> str:
    """The comment of a package; empty where there is none, or no package."""
    try:
        with storage.open_file(path) as stream, zipfile.ZipFile(stream) as package:
            return package.comment.decode("ascii", "replace")
    except (FileNotFoundError, zipfile.BadZipFile):
        return ""


def write(path: Path, contents: Mapping[str, Content], comment: str) -> None:
    """Writes a package whole or not at all; each content is fetched when its turn comes."""
    storage.make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.tmp")
    with storage.create(temporary) as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as package:
            package.comment = comment.encode("ascii")
            for name in sorted(contents):
                info = zipfile.ZipInfo(name, _FIXED_TIME)
                info.create_system = _UNIX
                info.external_attr = _READ_ONLY_FILE
                package.writestr(info, contents[name]())
        os.fchmod(stream.fileno(), storage.FILE_MODE)
        storage.flush(stream)
    temporary.rename(path)
    storage.flush_folder(path.parent)
