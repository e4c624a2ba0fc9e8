"""The root: where everything lives under the folder that holds issuer.json.

Four kinds of files, and the kind says who may touch them: inputs (people's), records
(append-only, hash-chained), proofs (mode 0444, written once), derived (built again at will).
"""

from pathlib import Path
from typing import NamedTuple

_OURS = ("data/", "exports/", "downloads/", "preview/")
_INPUTS_OF_DATA = ("data/usage/", "data/orders/", "data/indices/", "data/inbox_batch/")


class Root(NamedTuple):
    """The paths of one root. Nothing here touches the disk."""

    path: Path

    # Inputs
    @property
    def issuer(self) -> Path:
        return self.path / "issuer.json"

    @property
    def env(self) -> Path:
        return self.path / ".env"

    @property
    def clients(self) -> Path:
        return self.path / "clients"

    @property
    def batch_clients(self) -> Path:
        return self.path / "batch_clients"

    @property
    def usage(self) -> Path:
        return self.data / "usage"

    @property
    def orders(self) -> Path:
        return self.data / "orders"

    @property
    def indices(self) -> Path:
        return self.data / "indices"

    @property
    def inbox_batch(self) -> Path:
        return self.data / "inbox_batch"

    @property
    def rejected(self) -> Path:
        return self.inbox_batch / "rejected"

    # What happened
    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def lock(self) -> Path:
        return self.data / ".lock"

    @property
    def pending(self) -> Path:
        return self.data / "pending"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def heads(self) -> Path:
        return self.data / "heads"

    @property
    def archive_inputs(self) -> Path:
        return self.data / "archive_inputs"

    @property
    def archive_batch(self) -> Path:
        return self.data / "archive_batch"

    @property
    def flags(self) -> Path:
        return self.data / "flags"

    # Derived
    @property
    def downloads(self) -> Path:
        return self.path / "downloads"

    @property
    def exports(self) -> Path:
        return self.path / "exports"

    @property
    def preview(self) -> Path:
        return self.path / "preview"

    @staticmethod
    def is_input(name: str) -> bool:
        """Whether people or other programs put a file or folder of this name here."""
        folder = f"{name}/"
        return folder.startswith(_INPUTS_OF_DATA) or not folder.startswith(_OURS)

    def name_of(self, path: Path) -> str:
        """`path` as messages and intents carry it: relative to the root, with slashes."""
        below, name = f"{self.path}/", str(path)
        # pathlib would take it apart, which takes ten times as long
        return name[len(below) :] if name.startswith(below) else str(path.relative_to(self.path))
