"""What comes first, in a root that nothing was done in: an invoice, and the month of examples/."""

import shutil

import house
from bench.measure import SECOND, Bar, CannotMeasureError, Line, Took, line, make, middle, say
from bench.outputs import BUILD
from lib.core.root import Root

_EXAMPLES = house.HOME / "examples"
_NOT_COPIED = shutil.ignore_patterns("franchise", "README.md", ".env.example")


def measure(rounds: int) -> list[Line]:
    """The lines of the table."""
    folder = BUILD / "firsts"
    invoices, months = [], []
    issued = 0
    for _ in range(rounds):
        shutil.rmtree(folder, ignore_errors=True)
        invoices.append(_invoice(house.build(folder / "invoice")))
        root = Root(folder / "examples")
        shutil.copytree(_EXAMPLES, root.path, ignore=_NOT_COPIED)
        months.append(make(root.path, "month", f"MONTH={house.MONTH}", f"TODAY={house.TODAY}"))
        issued = _issued(root)
    shutil.rmtree(folder)
    say(f"the first invoice and the month of examples/: {rounds} rounds")
    return [
        _line("the first `make invoice CLIENT=`", invoices, 1.2),
        _line(f"`make month` of examples/, {issued} invoices", months, 7),
    ]


def _invoice(root: Root) -> Took:
    words = ("CLIENT=nord", f"MONTH={house.MONTH}", f"TODAY={house.TODAY}")
    took = make(root.path, "invoice", *words)
    if _issued(root) != 1:
        raise CannotMeasureError(f"no invoice was issued: {took.said}")
    return took


def _issued(root: Root) -> int:
    return sum(1 for path in root.data.glob("invoices*/*/*/*.pdf"))


def _line(what: str, rounds: list[Took], most: float) -> Line:
    seconds = middle(one.clock for one in rounds) / SECOND
    return line(what, "ours", rounds, "s", Bar("", seconds, most))
