"""How long each script takes to say what it is for."""

import sys

import house
from bench.measure import MILLISECOND, Bar, Line, Took, line, middle, run, say

_MOST = 150  # ms


def measure(rounds: int) -> list[Line]:
    """A line for the slowest of the scripts, which the bar is about, and for the fastest."""
    scripts = sorted(house.SCRIPTS.glob("*.py"))
    took: dict[str, list[Took]] = {script.name: [] for script in scripts}
    for _ in range(rounds):
        for script in scripts:
            took[script.name].append(run(sys.executable, script, "--help"))
    medians = {name: middle(one.clock for one in some) for name, some in took.items()}
    *_, slowest = sorted(medians, key=medians.__getitem__)
    fastest = min(medians, key=medians.__getitem__)
    say(f"--help of {len(scripts)} scripts: {rounds} rounds")
    bar = Bar("", medians[slowest] / MILLISECOND, _MOST)
    what = f"--help of {len(scripts)} scripts"
    return [
        line(what, f"slowest: {slowest}", took[slowest], "ms", bar),
        line("", f"fastest: {fastest}", took[fastest], "ms"),
    ]
