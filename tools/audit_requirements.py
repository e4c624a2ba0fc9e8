"""Asks the package index whether versions that we pin have known vulnerabilities.

It asks the index that pip asks, whose answers name what the Python advisory database knows of
a version. Where there is no answer the version was not audited, and that is said: only a
vulnerability that was found ends with 1.
"""

import http.client
import json
import os
import re
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

_PIN = re.compile(
    r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([0-9][A-Za-z0-9.+!]*)", re.MULTILINE
)
_TIMEOUT = 20  # seconds
_AT_ONCE = 4


class Pin(NamedTuple):
    """A package and its version."""

    name: str
    version: str


def main() -> None:
    """A line for each vulnerability, one for what was not audited, and a summary."""
    pins = [
        Pin(*found)
        for file in sys.argv[1:]
        for found in _PIN.findall(Path(file).read_text(encoding="utf-8"))
    ]
    if not pins:
        sys.exit("usage: audit_requirements.py requirements.txt")
    address = index()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda pin: ask(address, pin), pins))
    found = 0
    for pin, answer in zip(pins, answers, strict=True):
        for line in vulnerabilities(answer or []):
            print(f"{pin.name} {pin.version}: {line}")
            found += 1
    unknown = [pin.name for pin, answer in zip(pins, answers, strict=True) if answer is None]
    if unknown:
        which = f" for {', '.join(unknown)}" if len(unknown) < len(pins) else ""
        print(f"not audited: no data{which}")
    print(f"{len(pins) - len(unknown)} of {len(pins)} versions audited, {found} vulnerabilities")
    sys.exit(1 if found else 0)


def index() -> str:
    """The address of the index, from where pip has it."""
    given = os.environ.get("PIP_INDEX_URL", "")
    if not given:
        from pip._internal.models.index import PyPI

        given = PyPI.simple_url
    return given.rstrip("/").removesuffix("/simple")


def ask(address: str, pin: Pin) -> list[dict[str, Any]] | None:
    """The vulnerabilities of a version, or None where the index does not say.

    An index may answer for the newest version of a package alone.
    """
    for path in (f"{pin.name}/{pin.version}", pin.name):
        try:
            url = f"{address}/pypi/{path}/json"
            with urllib.request.urlopen(url, timeout=_TIMEOUT) as stream:  # noqa: S310
                answer = json.load(stream)
            if answer["info"]["version"] == pin.version:
                return [one for one in answer["vulnerabilities"] if not one.get("withdrawn")]
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            continue
    return None


def vulnerabilities(answer: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each vulnerability: its names, and the versions that fix it."""
    for one in answer:
        names = ", ".join([str(one.get("id")), *map(str, one.get("aliases") or [])])
        fixed = ", ".join(map(str, one.get("fixed_in") or [])) or "no version yet"
        line = f"{names}; fixed in {fixed}"
        yield "".join(char if char.isprintable() else "?" for char in line)


if __name__ == "__main__":
    main()
