"""What all exports share: reading under the lock, writing whole files."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from lib.books import histories, issuing, payments, records, revenues
from lib.books.histories import Dates, History
from lib.core import storage, workers
from lib.core.faults import Alert, Broken, Fault, WrongUsage
from lib.core.messages import either, languages, say
from lib.core.root import Root
from lib.inputs import settings
from lib.inputs.issuer_file import Issuer
from lib.inputs.settings import Settings
from lib.values.speech import language_of

_Result = TypeVar("_Result")
Work = Callable[[Iterator[list[History]]], _Result]

_SHARE = 4_000_000  # bytes of records that a process reads at a time
_WORTH_WORKERS = 10  # shares; fewer are read before a worker has started


@contextmanager
def held(root: Root, command: str) -> Iterator[Settings]:
    """The settings; the books are locked against changes until the block ends, and files are
    written inside it, so that a record that comes later is newer than they are.

    Raises:
      Unavailable: the lock is held.
      Broken: a stopped run cannot be finished.
    """
    config = settings.load(root)
    with issuing.reading(root, command, config.lock_wait):
        yield config


def language(typed: str, issuer: Issuer) -> str:
    """The language of a file for people: typed, else the issuer's own, else its country's.

    Raises:
      WrongUsage: if there are no words of it.
    """
    chosen = typed or issuer.language or language_of(issuer.party.address.country)
    if chosen not in languages():
        found = say('"{language}" is not a language of these files', language=chosen)
        remedy = say("write {languages}", languages=either(languages()))
        raise WrongUsage([Alert("B-USAGE", "", Fault("LANGUAGE", found, remedy=remedy))])
    return chosen


def of_shares(root: Root, work: Work[_Result], period: Dates, config: Settings) -> list[_Result]:
    """All that `each_share` gives."""
    return list(each_share(root, work, period, config))


def each_share(
    root: Root, work: Work[_Result], period: Dates, config: Settings
) -> Iterator[_Result]:
    """`work(histories)` of each share of the clients, in order of client, so that none has to be
    kept.

    Args:
      work: a function of a module with all its arguments but the last, so that workers find it;
        it is given, client by client, the invoices to which something happened in the period.
      period: how its dates begin, as "2024" or "2024-03"; empty: at any time.

    Raises:
      Broken: after the last of them, with every disagreement found.
    """
    return _each_of_clients(root, partial(_of_histories, root, work, period), config)


def _of_histories(
    root: Root, work: Work[_Result], period: Dates, clients: Sequence[str]
) -> _Result:
    return work(histories.by_client(root, clients, period))


def of_clients(
    root: Root, work: Callable[[Sequence[str]], _Result], config: Settings
) -> list[_Result]:
    """As `of_shares`, for work that reads the records of the clients itself."""
    return list(_each_of_clients(root, work, config))


def _each_of_clients(
    root: Root, work: Callable[[Sequence[str]], _Result], config: Settings
) -> Iterator[_Result]:
    done = workers.map_in_order(_of_share, work, _shares(root), config.workers, _WORTH_WORKERS)
    faults: list[Alert] = []
    for _, result in done:
        if isinstance(result, Broken):
            faults += result.alerts
        else:
            yield result
    if faults:
        raise Broken(faults)


def _of_share(work: Callable[[Sequence[str]], _Result], clients: Sequence[str]) -> _Result | Broken:
    with records.without_collector():
        try:
            return work(clients)
        except Broken as broken:
            return broken


def _shares(root: Root) -> Iterator[list[str]]:
    """All clients, in order, in shares whose records are read in a fraction of a second."""
    share: list[str] = []
    size = 0
    for client in histories.clients_of(root):
        share.append(client)
        issued = revenues.chain_path(root, revenues.DIRECT, client)
        for path in (issued, payments.chain_path(root, client)):
            with contextlib.suppress(FileNotFoundError):
                size += path.stat().st_size
        if size >= _SHARE:
            yield share
            share, size = [], 0
    if share:
        yield share


def is_for_once(root: Root) -> bool:
    """Whether this run's dialect is not that of .env, so that its files have names of their own."""
    return bool(settings.load(root).csv_once)


def write(root: Root, files: Mapping[str, storage.Content], once: str = "") -> None:
    """Writes files of one folder under exports/, each whole or not at all, and says so.

    Args:
      once: what sets the names apart of files that are not written as .env says.
    """
    paths = {path_of(root, name, once): data for name, data in files.items()}
    (folder,) = {path.parent for path in paths}
    with storage.held(folder):
        changed = storage.update_all_derived(paths)
    for path in paths:
        name = root.name_of(path)
        print(name if path in changed else say("{file}: as it was", file=name))


def path_of(root: Root, name: str, once: str) -> Path:
    """A file under exports/: recettes-2024.csv, or recettes-2024.fr-en.csv where that is `once`."""
    path = root.exports / name
    stem, _, suffixes = path.name.partition(".")
    return path.with_name(f"{stem}{once}.{suffixes}")
