"""Tables on the terminal, plain text in a cron mail."""

from collections.abc import Iterable
from decimal import Decimal

from lib import alerts, money, records

_NARROWEST = 160  # columns of a table that is not on a terminal: a mail does not wrap it


def show(title: str, headings: list[str], rows: Iterable[list[str]], right: int = 0) -> None:
    """Prints a table; the last `right` columns are figures, aligned to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=max(_NARROWEST, console.width), no_color=True)
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for i, heading in enumerate(headings):
        figure = i >= len(headings) - right
        table.add_column(heading, justify="right" if figure else "left", no_wrap=figure)
    for row in rows:
        table.add_row(*[Text(alerts.printable(cell)) for cell in row])
    console.print(table)


def show_revenues(facts: Iterable[records.Record]) -> None:
    """Prints what was issued: client, number, period, net, VAT, gross, due."""
    facts = list(facts)
    rows = [
        [
            fact["client"],
            fact["number"],
            f"{fact['period']['start']} – {fact['period']['end']}",
            fact["net"],
            fact["vat"],
            fact["gross"],
            fact.get("due_date", ""),
        ]
        for fact in facts
    ]
    sums = [money.total(Decimal(fact[key]) for fact in facts) for key in ("net", "vat", "gross")]
    rows.append(["total", "", "", *[money.plain(value, 2) for value in sums], ""])
    show("", ["client", "number", "period", "net", "VAT", "gross", "due"], rows, right=4)
