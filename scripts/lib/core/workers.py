"""Workers: one kind of work on many items, by as many processes as the settings name.

Results come in the order of the items, whoever made them, so that how many workers there
are never shows in a byte.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from lib.core import messages
from lib.core.faults import Alert, Fault, Unavailable
from lib.core.messages import say

if TYPE_CHECKING:
    from concurrent.futures import Future

_Shared = TypeVar("_Shared")
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_LARGE = 128 * 1024  # bytes
_AHEAD = 8  # items given to each worker before the first of them is due


def map_in_order(
    work: Callable[[_Shared, _Item], _Result],
    shared: _Shared,
    items: Iterable[_Item],
    workers: int,
    worth: int,
) -> Iterator[tuple[_Item, _Result]]:
    """Each item with `work(shared, item)`, in order.

    Items are taken as the workers get to them, so that memory does not grow with their number.

    Args:
      work: a function of a module, which a worker finds by its name.
      shared: what is the same for all items; given to each worker once.
      worth: fewer items than that are faster done here than by workers that have to start.

    Raises:
      Unavailable: a worker was killed.
    """
    items = iter(items)
    first = list(islice(items, worth))
    if workers < 2 or len(first) < worth:
        for item in chain(first, items):
            yield item, work(shared, item)
        return
    with started(work, shared, workers) as done:
        yield from done(chain(first, items))


@contextmanager
def started(
    work: Callable[[_Shared, _Item], _Result],
    shared: _Shared,
    workers: int,
    get_ready: Callable[[], None] | None = None,
) -> Iterator[Callable[[Iterable[_Item]], Iterator[tuple[_Item, _Result]]]]:
    """Workers that start at once; the function that is yielded maps in order, by them.

    Args:
      get_ready: a function of a module, which each worker calls before its first item.

    Raises:
      Unavailable: a worker was killed.
    """
    import multiprocessing
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

    pool = ProcessPoolExecutor(
        workers,
        # Spawned, not forked: a worker inherits no open file, so never the lock.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare,
        initargs=(os.getpid(), messages.spoken(), work, shared, get_ready),
    )
    try:
        with pool:
            for _ in range(workers):
                pool.submit(_nothing)  # each starts a worker
            try:
                yield lambda items: in_order(lambda item: pool.submit(_do, item), items, workers)
            except BaseException:
                # If the file is refused, do not wait for the workers to start.
                for worker in multiprocessing.active_children():
                    worker.kill()
                raise
    except BrokenExecutor:
        remedy = say(
            "nothing was half-done: run the command again, with WORKERS=1 if it is killed again"
        )
        found = say("a worker was killed (is there too little memory?)")
        raise Unavailable([Alert("B-WORKER", "", Fault("", found, remedy=remedy))]) from None


def in_order(
    submit: "Callable[[_Item], Future[_Result]]",
    items: Iterable[_Item],
    workers: int,
    silence: int | None = None,
) -> Iterator[tuple[_Item, _Result]]:
    """Each item with its result, in the order of the items; few are under way at once.

    Args:
      silence: seconds to wait for a result that is due; None: as long as its worker lives.

    Raises:
      TimeoutError: if no result arrives within that time.
    """
    waiting: deque[tuple[_Item, Future[_Result]]] = deque()
    for item in items:
        waiting.append((item, submit(item)))
        if len(waiting) > workers * _AHEAD:
            finished, future = waiting.popleft()
            yield finished, future.result(silence)
    for finished, future in waiting:
        yield finished, future.result(silence)


_work: Callable[[Any], Any]  # what a worker does; each worker has its own


def _prepare(
    parent: int,
    language: str,
    work: Callable[[Any, Any], Any],
    shared: Any,
    get_ready: Callable[[], None] | None,
) -> None:
    """A worker ends with its parent, even if that was killed (prctl PR_SET_PDEATHSIG).

    What it holds in large pieces goes back to the system with them: glibc would raise the size from
    which that is so, and keep the gaps between (mallopt M_MMAP_THRESHOLD).
    """
    import ctypes

    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    libc = ctypes.CDLL(None)
    libc.prctl(1, signal.SIGKILL)
    with suppress(AttributeError):  # of another libc
        libc.mallopt(-3, _LARGE)
    if os.getppid() != parent:
        os._exit(1)
    messages.speak(language)
    _work = partial(work, shared)
    if get_ready is not None:
        get_ready()


def _nothing() -> None:
    pass


def _do(item: Any) -> Any:
    return _work(item)
