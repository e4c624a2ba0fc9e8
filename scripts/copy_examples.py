#!/usr/bin/env python3
"""Copies the sample root of examples/ to a folder; a copy that is there already is kept."""

import shutil
from argparse import ArgumentParser
from pathlib import Path

from lib.core import cli, messages
from lib.core.messages import say

EXAMPLES = cli.HOME / "examples"


def main() -> None:
    """One folder to another, without the second sample root and its explanations."""
    language = cli.typed("language") or cli.of_locale()
    messages.speak(language if language in messages.languages() else messages.ENGLISH)
    options = ArgumentParser(description=__doc__)
    options.add_argument("--to", type=Path, required=True)
    target: Path = options.parse_args().to
    if target.exists():
        print(say("{folder} is there already: kept (remove it to start again)", folder=str(target)))
        return
    copy(target)
    print(say("copied examples/ to {folder}", folder=str(target)))


def copy(target: Path) -> None:
    """Under another name until it is whole: half a copy would be kept by the next run.

    Raises:
      OSError: the first of all that could not be copied.
    """
    half = target.with_name(f"{target.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    skipped = shutil.ignore_patterns("franchise", "README.md", ".env.example", "*__*.csv")
    try:
        shutil.copytree(EXAMPLES, half, ignore=skipped)
        if messages.spoken() != messages.ENGLISH:
            _speak(half / "issuer.json")
        half.rename(target)
    except shutil.Error as error:
        _, file, why = error.args[0][0]
        raise OSError(f"{file}: {why}") from None
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _speak(issuer: Path) -> None:
    """Writes the language into the copy of issuer.json."""
    key = f'"language": "{messages.spoken()}",\n  "timezone":'
    text = issuer.read_text(encoding="utf-8").replace('"timezone":', key, 1)
    issuer.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    cli.run_without_root(main)
