#!/usr/bin/env python3
"""Copies the sample root of examples/ to a folder; a copy that is there already is kept."""

import shutil
from argparse import ArgumentParser
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def main() -> None:
    """One folder to another, without the second sample root and its explanations."""
    made = ArgumentParser(description=__doc__)
    made.add_argument("--to", type=Path, required=True)
    target = made.parse_args().to
    if target.exists():
        print(f"{target} is there already: kept (remove it to start anew)")
        return
    skipped = shutil.ignore_patterns("franchise", "README.md", ".env.example")
    shutil.copytree(EXAMPLES, target, ignore=skipped)
    print(f"copied examples/ to {target}")


if __name__ == "__main__":
    main()
