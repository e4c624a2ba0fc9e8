"""A cluster: the same work, done by workers on other machines through Dask's scheduler.

Items go there pickled, and results come back in order; files, the lock, numbers and the
commit stay on this machine. What makes the bytes has to be the same everywhere: each worker
is compared with this machine before the first item, and again with every item, since one may
join later. The items of a worker that dies are done by another.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lib.core import workers
from lib.core.faults import Alert, Fault, Unavailable
from lib.core.messages import Message, say
from lib.inputs.settings import Cluster

if TYPE_CHECKING:
    from distributed import Client

_Shared = TypeVar("_Shared")
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

Equipment = tuple[tuple[str, str], ...]

_CONNECT = 20  # seconds for the scheduler to answer, and for a first worker
_SILENCE = 120  # seconds for the item that is due; a worker needs some to compile its rules

_AGAIN = say("nothing was half-done: run the command again, with WORKERS=0 for this machine alone")
_EQUIP = say("give it the same scripts/ on its PYTHONPATH and the same requirements.txt")


class Unlike(Exception):
    """A worker that is not equipped as this machine is, and how it differs."""

    def __init__(self, difference: Message):
        super().__init__(difference)
        self.difference = difference


def each(
    work: Callable[[_Shared, _Item], _Result],
    shared: _Shared,
    items: Iterable[_Item],
    cluster: Cluster,
    equipment: Callable[[], Equipment],
) -> Iterator[tuple[_Item, _Result]]:
    """Each item with `work(shared, item)`, in order: see workers.map_in_order.

    Args:
      equipment: a function of a module: what has to be the same on a worker as here, by name.

    Raises:
      Unavailable: the cluster cannot be reached or trusted, has no worker that is equipped as
        this machine is, or falls silent.
    """
    expected = _facts(equipment, 1)
    with _failures_reported(cluster), _connected(cluster) as client:
        client.wait_for_workers(1, timeout=_CONNECT)
        _compare(client, equipment, expected)
        # A task, not data that is scattered: lost with its worker, it is made again.
        kept = client.submit(_keep, shared, pure=False)
        submit = partial(
            client.get_executor(pure=False).submit, _do, expected, equipment, work, kept
        )
        yield from workers.in_order(submit, items, len(client.nthreads()), _SILENCE)


@contextmanager
def _failures_reported(cluster: Cluster) -> Iterator[None]:
    from concurrent.futures import CancelledError

    try:
        from distributed import KilledWorker
        from distributed.client import ClosedClientError
    except ImportError:
        found = say(
            "WORKERS names a cluster, and `distributed` is not installed: run"
            " `.venv/bin/pip install --require-hashes -r requirements-cluster.txt`"
        )
        raise Unavailable([Alert("B-CLUSTER", "", Fault("", found))]) from None
    try:
        yield
    except Unlike as unlike:
        raise Unavailable([_alert(unlike.difference)]) from None
    except KilledWorker:
        found = say(
            "{address}: the workers were killed (is there too little memory?)",
            address=cluster.address,
        )
        raise Unavailable([_alert(found)]) from None
    except (OSError, CancelledError, ClosedClientError) as error:
        if isinstance(error, OSError) and isinstance(error.filename, str):
            raise  # a file of this machine: items are read while they are handed out
        found = say(
            "{address}: the cluster cannot be reached or trusted, or has no worker left",
            address=cluster.address,
        )
        raise Unavailable([_alert(found)]) from None


def _alert(found: Message) -> Alert:
    return Alert("B-CLUSTER", "", Fault("", found, remedy=_AGAIN))


@contextmanager
def _connected(cluster: Cluster) -> Iterator["Client"]:
    import logging
    import warnings

    from distributed import Client, Security

    # What goes wrong is reported once, by the alert.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    security = None
    if cluster.tls:
        ca, cert, key = map(str, cluster.tls)
        security = Security(
            require_encryption=True, tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of versions: those that matter are compared
        client = Client(cluster.address, security=security, timeout=_CONNECT, set_as_default=False)
    try:
        yield client
    finally:
        with contextlib.suppress(OSError):
            client.close(timeout=_CONNECT)


def _compare(client: "Client", equipment: Callable[[], Equipment], expected: Equipment) -> None:
    """Asks the scheduler, which unpickles what passes through it, and every worker.

    Raises:
      Unavailable: with each of them that differs, and how.
    """
    answers = client.run(_facts_of_worker, equipment, on_error="return")
    try:
        answers[client.scheduler.address] = client.run_on_scheduler(_facts, equipment, 1)
    except Exception as error:
        answers[client.scheduler.address] = error
    faults = []
    for address, facts in sorted(answers.items()):
        if isinstance(facts, Exception):
            faults.append(
                say(
                    "{address} cannot take this work ({error}): {remedy}",
                    address=address,
                    error=str(facts),
                    remedy=_EQUIP,
                )
            )
        elif facts != expected:
            faults.append(_difference(address, facts, expected))
    if faults:
        raise Unavailable(map(_alert, faults))


def _difference(address: str, facts: Equipment, expected: Equipment) -> Message:
    here, there = dict(expected), dict(facts)
    parts = tuple(
        say(
            "{name} {there}, here {here}",
            name=name,
            there=there.get(name, "none"),
            here=here.get(name, "none"),
        )
        for name in dict.fromkeys((*here, *there))
        if here.get(name) != there.get(name)
    )
    return say("{address} differs: {parts}: {remedy}", address=address, parts=parts, remedy=_EQUIP)


def _facts(equipment: Callable[[], Equipment], threads: int) -> Equipment:
    import importlib.metadata

    version = importlib.metadata.version("distributed")
    # Of one thread: the judges (Saxon) may not be shared between several.
    return (*equipment(), ("distributed", version), ("threads (--nthreads)", str(threads)))


# --- what runs on a worker -----------------------------------------------------------


def _facts_of_worker(equipment: Callable[[], Equipment], dask_worker: Any) -> Equipment:
    return _facts(equipment, dask_worker.state.nthreads)


def _keep(shared: _Shared) -> _Shared:
    return shared


def _do(
    expected: Equipment,
    equipment: Callable[[], Equipment],
    work: Callable[[_Shared, _Item], _Result],
    shared: _Shared,
    item: _Item,
) -> _Result:
    from distributed import get_worker

    worker = get_worker()
    facts = _facts_of_worker(equipment, worker)
    if facts != expected:
        raise Unlike(_difference(worker.address, facts, expected))
    return work(shared, item)
