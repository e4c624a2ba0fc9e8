"""The one table: what, by whom, median, least and most, processor, ratio, bar, verdict."""

from collections.abc import Iterable, Sequence

from bench.measure import MILLISECOND, SECOND, Bar, Line, middle

HEADINGS = ("what", "who", "median", "least – most", "CPU", "compared", "bar", "")
REACHED, MISSED, UNJUDGED = "reached", "MISSED", "not judged"
_UNITS = {"ms": MILLISECOND, "s": SECOND}

Cells = tuple[str, ...]


def rows(lines: Iterable[Line], judged: bool) -> list[Cells]:
    """The cells of each line.

    Args:
      judged: the sizes are those that the bars are about.
    """
    made = []
    for one in lines:
        spread = f"{_figure(min(one.clock), one)} – {_figure(max(one.clock), one)}"
        cells = (
            one.what,
            one.who,
            f"{_figure(one.median, one)} {one.unit}".strip(),
            spread if len(one.clock) > 1 else "",
            f"{_figure(middle(one.cpu), one)} {one.unit}" if one.cpu else "",
        )
        made.append((*cells, *_compared(one, judged)))
    return made


def _figure(value: float, one: Line) -> str:
    scaled = value / _UNITS.get(one.unit, 1)
    if one.unit not in _UNITS:
        return f"{scaled:,.0f}"
    return f"{scaled:,.2f}" if scaled < 100 else f"{scaled:,.0f}"


def _compared(one: Line, judged: bool) -> Cells:
    if not one.bars:
        return ("", "", "")
    compared = "; ".join(f"{bar.says} {_number(bar.value)}" for bar in one.bars if bar.says)
    limits = "; ".join(f"{'≤' if bar.at_most else '≥'} {_number(bar.limit)}" for bar in one.bars)
    return (compared, limits, verdict(one, judged))


def _number(value: float) -> str:
    return f"{value:,.2f}" if value < 100 and value != int(value) else f"{value:,.0f}"


def verdict(one: Line, judged: bool) -> str:
    """Whether a line reaches its bars."""
    if not judged:
        return UNJUDGED
    return REACHED if all(bar.reached for bar in one.bars) else MISSED


def text(lines: Sequence[Line], judged: bool) -> str:
    """The table for a terminal."""
    cells = [HEADINGS, *rows(lines, judged)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEADINGS))]
    right = (2, 3, 4)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def markdown(lines: Sequence[Line], judged: bool) -> str:
    """The table for a document."""
    cells = [HEADINGS, ("---", "---", "---:", "---:", "---:", "---", "---", "---")]
    cells += [
        tuple(f"**{MISSED.lower()}**" if c == MISSED else c.strip() for c in row)
        for row in rows(lines, judged)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def missed(lines: Iterable[Line]) -> list[tuple[Line, Bar]]:
    """The bars that were not reached."""
    return [(one, bar) for one in lines for bar in one.bars if not bar.reached]
