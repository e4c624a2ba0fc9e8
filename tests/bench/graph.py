"""The graph of time against size, as SVG: two panels, both scales logarithmic."""

import re
from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

from bench.measure import SECOND, Line

Points = list[tuple[int, float]]  # size, seconds


class Panel(NamedTuple):
    """A title, what its sizes are, and for each curve its name, its colour and its points."""

    title: str
    sizes: str
    curves: list[tuple[str, str, Points]]


_OURS, _OTHER, _THIRD, _FOURTH = "#1f5f8b", "#b5542c", "#7a8450", "#8a6fa8"
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 440, 330, 62, 46, 34, 44
_CSS = """
  text { font: 12px system-ui, sans-serif; fill: #333 }
  .title { font-size: 14px; font-weight: 600 }
  .grid { stroke: #ddd } .axis { stroke: #888 }
  path { fill: none; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ccc } .grid { stroke: #444 } .axis { stroke: #888 } }
"""


def panels(lines: Sequence[Line]) -> list[Panel]:
    """The curves that the lines of the table are points of."""
    batches = Panel(
        "A batch: validated, on the disk, packed",
        "invoices",
        [
            ("ours", _OURS, _points(lines, "batch of", "ours")),
            ("Typst + factur-x + saxonche", _OTHER, _points(lines, "batch of", "Typst")),
        ],
    )
    histories = Panel(
        "Balances and exports of a history",
        "records",
        [
            ("ours: reconcile + export", _OURS, _points(lines, "records", "ours")),
            ("ledger bal", _OTHER, _points(lines, "records", "ledger")),
            ("hledger bal", _THIRD, _points(lines, "records", "hledger")),
            ("bean-check", _FOURTH, _points(lines, "records", "bean-check")),
        ],
    )
    return [_drawn(panel) for panel in (batches, histories)]


def _drawn(panel: Panel) -> Panel:
    return panel._replace(curves=[curve for curve in panel.curves if curve[2]])


def _points(lines: Sequence[Line], what: str, who: str) -> Points:
    found = []
    for one in lines:
        size = re.search(r"[0-9][0-9,]*", one.what)
        if what in one.what and one.who.startswith(who) and one.unit == "s" and size:
            found.append((int(size[0].replace(",", "")), one.median / SECOND))
    return sorted(found)


def svg(made: Sequence[Panel]) -> str:
    """The graph."""
    width = _WIDTH * len(made)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" width="{width}"'
        f' height="{_HEIGHT}" role="img" aria-label="Time against size">',
        f"<style>{_CSS}</style>",
    ]
    for i, panel in enumerate(made):
        parts += [f'<g transform="translate({i * _WIDTH} 0)">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel) -> list[str]:
    points = [point for _, _, some in panel.curves for point in some]
    if not points:
        return []
    first, last = _decades([size for size, _ in points])
    low, high = _decades([seconds for _, seconds in points])
    inner, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(size: float) -> float:
        return _LEFT + (log10(size) - first) / (last - first) * inner

    def y(seconds: float) -> float:
        return _TOP + tall - (log10(seconds) - low) / (high - low) * tall

    parts = [f'<text class="title" x="{_LEFT}" y="20">{escape(panel.title)}</text>']
    for decade in range(first, last + 1):
        at = x(10.0**decade)
        parts.append(_line("grid", at, _TOP, at, _TOP + tall))
        parts.append(_text(at, _TOP + tall + 17, f"{10**decade:,}", "middle"))
    for decade in range(low, high + 1):
        at = y(10.0**decade)
        parts.append(_line("grid", _LEFT, at, _LEFT + inner, at))
        parts.append(_text(_LEFT - 7, at + 4, f"{10.0**decade:,g} s", "end"))
    parts.append(_line("axis", _LEFT, _TOP + tall, _LEFT + inner, _TOP + tall))
    parts.append(_text(_LEFT + inner, _HEIGHT - 8, panel.sizes, "end"))
    for i, (name, colour, some) in enumerate(panel.curves):
        places = [(x(size), y(seconds)) for size, seconds in some]
        path = " ".join(f"{'L' if k else 'M'}{a:.1f} {b:.1f}" for k, (a, b) in enumerate(places))
        parts.append(f'<path d="{path}" stroke="{colour}"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in places]
        top = _TOP + 14 + 17 * i
        parts.append(f'<circle cx="{_LEFT + 14}" cy="{top - 4}" r="3.5" fill="{colour}"/>')
        parts.append(_text(_LEFT + 24, top, name, "start"))
    return parts


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten that hold all values, two of them at least."""
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return low, max(high, low + 1)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
