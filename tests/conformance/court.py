"""What judges have in common: what they judge, what they say, and how they run a program."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lib.core.root import Root
from lib.values import document
from lib.values.document import Document


class Issued(NamedTuple):
    """An invoice or credit note of the corpus: its document and its files."""

    root: Root
    document: Document
    pdf: Path

    @property
    def name(self) -> str:
        """`wide/ATL-2026-0001`, for a message."""
        return f"{self.root.path.name}/{self.document.number}"


class Corpus(NamedTuple):
    """Everything that was issued and exported."""

    roots: tuple[Root, ...]
    issued: tuple[Issued, ...]
    others: tuple[Path, ...]  # PDFs that are no invoices: quotes, receipts, reports


@dataclass
class Report:
    """What a judge says: how many things it judged, of what kind, what is wrong with them.

    `notices` are remarks that are no errors, each with the number of things it was said of.
    """

    what: str
    judged: int = 0
    errors: list[str] = field(default_factory=list)
    notices: Counter[str] = field(default_factory=Counter)


class Judge(NamedTuple):
    """An outside program or library.

    `needs` are the commands that it runs; `install` is what brings them, one shell command.
    `judge` is None for those that judge.py asks together, in one JVM.
    """

    name: str
    proves: str
    needs: tuple[str, ...]
    install: str
    version: Callable[[], str]
    judge: Callable[[Corpus], Report] | None

    def is_missing(self) -> bool:
        """Whether a command that it needs is not on this machine."""
        return any(shutil.which(command) is None for command in self.needs)


def read(roots: Iterable[Root]) -> Corpus:
    """The corpus that stands in these roots."""
    given = tuple(roots)
    issued = tuple(issued for root in given for issued in _issued(root))
    records = (path for root in given for path in sorted(root.data.glob("quotes/*/*/*.json")))
    quotes = (path.with_suffix(".pdf") for path in records)
    exports = (path for root in given for path in sorted(root.exports.rglob("*.pdf")))
    return Corpus(given, issued, (*quotes, *exports))


def _issued(root: Root) -> Iterator[Issued]:
    for folder in ("invoices", "invoices_batch"):
        for path in sorted((root.data / folder).rglob("*.json")):
            made = document.from_json(path.read_bytes())
            yield Issued(root, made, path.with_suffix(".pdf"))


def run(*command: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Runs a program in the C.UTF-8 locale, whatever its status.

    Raises:
      subprocess.TimeoutExpired: after five minutes; a judge that hangs is no pass.
    """
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        timeout=300,
        check=False,
    )


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    """What a program printed, in one line."""
    text = (done.stdout + done.stderr).decode(errors="replace")
    return " ".join(text.split())


def first_version(*command: str) -> str:
    """The first number with dots that a program prints about itself."""
    words = said(run(*command)).replace(",", " ").split()
    return next(
        (word for word in words if word[0].isdigit() and "." in word), f"? ({' '.join(command)})"
    )
