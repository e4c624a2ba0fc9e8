"""Flags: data/flags/<work>.done says that a work is done, <period>/<work>.done for a period;
those of exports stand in data/flags/exports/.

A flag holds the fingerprint of the files that the work was done from, and of those that it
left: their names, sizes, times and changes of state to the nanosecond. It stands as long as
both are the same, so that a file that came with an old time, or a clock that was ahead, hides
nothing. Without flags all work is done again, to the same end.
"""

import glob
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from lib.core import storage
from lib.core.faults import printable
from lib.core.messages import Message, say, verbatim
from lib.core.root import Root

_PROGRAM = Path(__file__).parents[2]


class Work(NamedTuple):
    """What a work is done from and what it leaves, as patterns below the root.

    `settings` are those that matter beside .env; the results of an export change with the program.
    """

    inputs: tuple[str, ...]
    results: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    is_export: bool = False


_PARTIES = ("issuer.json", ".env", "clients/*", "batch_clients/*")
# A stopped run that waits to be finished changes the records.
_BOOKS = (
    "issuer.json",
    ".env",
    "data/revenues/*",
    "data/payments/*",
    "data/openings/*",
    "data/closings/*",
    "data/pending/*/*",
)
DIALECT = ("CSV_DIALECT", "CSV_HEADERS")

# The FEC has clients' auxiliary accounts.
_BOOKS_OF_CLIENTS = (*_BOOKS, "clients/*")

_WORKS = {
    "direct": Work((*_PARTIES, "data/usage/*/*", "data/orders/*/*", "data/indices/*")),
    "packages": Work(("data/heads/revenues_batch/*",), ("downloads/*",)),
    "balances": Work(
        ("data/heads/revenues/*", "data/heads/payments/*", "data/heads/openings/*"),
        ("data/balance/*",),
    ),
    "mail": Work(
        (
            *(*_PARTIES, "downloads/*"),
            *(f"data/heads/{family}/*" for family in ("revenues", "revenues_batch", "quotations")),
        ),
        settings=("SMTP_HOST", "MAIL_FROM", "MAIL_SINCE", "MAIL_MAX_ATTACHMENT"),
    ),
    # Where there is a platform, no flag is raised: what it says is asked with every run.
    "platform": Work(("issuer.json", ".env", "batch_clients/*")),
    "recettes": Work(_BOOKS, ("exports/recettes/*-{}.*",), DIALECT, is_export=True),
    "payments": Work(_BOOKS, ("exports/payments/*",), DIALECT, is_export=True),
    "fec": Work(_BOOKS_OF_CLIENTS, ("exports/fec/*FEC{}*",), is_export=True),
    "ledger": Work(_BOOKS, ("exports/ledger/{}.*",), is_export=True),
    "workbook": Work(_BOOKS, ("exports/workbook/*-{}.xlsx",), ("LANGUAGE",), is_export=True),
    "declarations": Work(_BOOKS, ("exports/declarations/*",), DIALECT, is_export=True),
    "accountant": Work(_BOOKS_OF_CLIENTS, ("exports/accountant/*-{}.*",), DIALECT, is_export=True),
}


def path_of(root: Root, work: str, period: str = "") -> Path:
    """The flag of a work; `period` is the month or the year that it is about, if any."""
    folder = root.flags / "exports" if _WORKS[work].is_export else root.flags
    return folder / period / f"{work}.done"


def stands(root: Root, work: str, period: str = "") -> bool:
    """Whether a work is done, and nothing that it was done from or left is another since."""
    try:
        known = json.loads(path_of(root, work, period).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    if work == "mail" and os.environ.get("SMTP_HOST") and any(root.data.glob("outbox/*.eml")):
        return False  # what waits for a server is tried again
    inputs = _inputs(root, work)
    return bool(known == {"inputs": inputs, "results": _results(root, work, period)})


@contextmanager
def raising(root: Root, work: str, period: str = "") -> Iterator[None]:
    """Raises the flag of a work when the block ends well.

    What is changed while it runs contradicts the flag: inputs are looked at before.
    """
    path = path_of(root, work, period)
    inputs = _inputs(root, work)
    yield
    value = {"inputs": inputs, "results": _results(root, work, period)}
    with suppress(PermissionError):  # a user who may write results alone does the work again
        storage.update_derived(path, storage.pretty_json(value))


def is_of_dialect(work: str) -> bool:
    """Whether how CSV files are written shows in the results of a work."""
    return DIALECT[0] in _WORKS[work].settings


def drop(root: Root, work: str, period: str = "") -> None:
    """Removes a flag that no longer stands, so that Make sees work to do."""
    if not stands(root, work, period):
        path_of(root, work, period).unlink(missing_ok=True)


def _inputs(root: Root, work: str) -> str:
    files = _WORKS[work]
    seen = [entry for pattern in files.inputs for entry in _seen(root.path, pattern)]
    if files.is_export:
        seen += program()
    settings = [os.environ.get(name, "") for name in files.settings]
    return storage.sha256(repr((seen, settings)).encode())


def program() -> list[tuple[str, int, int, int]]:
    """The files of this program, as `look` sees them, without what Python keeps of them."""
    ours = ("*.py", "lib/*/*", "lib/*/*/*")
    seen = (entry for pattern in ours for entry in _seen(_PROGRAM, pattern))
    return [entry for entry in seen if "__pycache__" not in entry[0]]


def _results(root: Root, work: str, period: str) -> str:
    patterns = [pattern.format(period) for pattern in _WORKS[work].results]
    seen = [entry for pattern in patterns for entry in _seen(root.path, pattern)]
    return storage.sha256(repr(seen).encode())


def _seen(folder: Path, pattern: str) -> Iterator[tuple[str, int, int, int]]:
    """The files of a pattern, by name, without what is being written."""
    # Path.glob takes three times as long.
    for name in sorted(glob.glob(pattern, root_dir=folder)):  # noqa: PTH207
        with suppress(OSError):  # it is gone, or another's
            yield look(name, (folder / name).stat())


def look(name: str, status: os.stat_result) -> tuple[str, int, int, int]:
    """What the folder says of a file; nobody can set the time of its last change of state."""
    return printable(name), status.st_size, status.st_mtime_ns, status.st_ctime_ns


_STEPS = {
    step.text: step
    for step in (
        say("batch"),
        say("batches"),
        say("direct"),
        say("packages"),
        say("balances"),
        say("mail"),
        say("platform"),
        say("reminders"),
    )
}


def step(name: str) -> Message:
    """A phase or a flag by its name, as a person reads it."""
    return _STEPS.get(name, verbatim(name))
