"""Proofs: files written once, read back against the SHA-256 that was kept of them."""

from pathlib import Path

from lib.core import storage
from lib.core.faults import Alert, Broken, Fault
from lib.core.messages import Message, say
from lib.core.root import Root


def read(root: Root, path: Path, sha256: str, client: str = "") -> bytes:
    """The bytes of a proof. `client` is whose it is.

    Raises:
      Broken: if it is missing or was changed.
    """
    try:
        data = storage.read(path)
    except FileNotFoundError:
        raise _broken(root, path, say("is missing"), client) from None
    if storage.sha256(data) != sha256:
        raise _changed(root, path, client)
    return data


def check(root: Root, path: Path, sha256: str, client: str = "") -> None:
    """Reads a proof in pieces, which may be large; raises as `read` does."""
    try:
        digest = storage.sha256_of_file(path)
    except FileNotFoundError:
        raise _broken(root, path, say("is missing"), client) from None
    if digest != sha256:
        raise _changed(root, path, client)


def _changed(root: Root, path: Path, client: str) -> Broken:
    return _broken(root, path, say("was changed since it was written"), client)


def _broken(root: Root, path: Path, found: Message, client: str) -> Broken:
    fault = Fault("", found, remedy=say("run `make verify`"))
    return Broken([Alert("B-PROOF-CHANGED", root.name_of(path), fault, client)])
