"""One progress bar for the whole of a run, on a terminal; a cron mail stays readable."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(title: str, whole: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr; the function that is yielded takes how much of the whole is done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    # What is printed meanwhile goes above the bar, unless it goes elsewhere.
    above = sys.stdout.isatty()
    with Progress(console=Console(stderr=True), redirect_stdout=above) as shown:
        task = shown.add_task(title, total=whole)
        yield lambda done: shown.update(task, completed=done)
