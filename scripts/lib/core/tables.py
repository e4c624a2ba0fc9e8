"""Tables on the terminal, plain text in a cron mail."""

from collections.abc import Iterable, Sequence

from lib.core.faults import printable
from lib.core.messages import Message

_NARROWEST = 160  # columns of a table that is not on a terminal: a mail does not wrap it


def show(
    title: Message | str,
    headings: Sequence[Message | str],
    rows: Iterable[Sequence[Message | str]],
    right: int = 0,
) -> None:
    """Prints a table; the last `right` columns are figures, aligned to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Cell

    console = Console()
    if not console.is_terminal:
        console = Console(width=max(_NARROWEST, console.width), no_color=True)
    table = Table(title=str(title), title_justify="left", box=None, pad_edge=False)
    for i, heading in enumerate(headings):
        figure = i >= len(headings) - right
        table.add_column(str(heading), justify="right" if figure else "left", no_wrap=figure)
    for row in rows:
        table.add_row(*[Cell(printable(str(cell))) for cell in row])
    console.print(table)
