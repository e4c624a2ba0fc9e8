"""The settings of .env: secrets and what differs from one machine to another.

A variable of the environment, which is also what `make NAME=value` gives, goes before the
file. .env.example explains each setting.
"""

import io
import os
from typing import NamedTuple

import dotenv

from lib import storage
from lib.alerts import Alert, Refused
from lib.root import Root

_DEFAULTS = {
    "LOCK_WAIT": "300",
    "CSV_DIALECT": "rfc4180",
    "CSV_HEADERS": "en",
    "WORKERS": "0",
}

_CHOICES = {"CSV_DIALECT": ("rfc4180", "fr"), "CSV_HEADERS": ("en", "fr")}


class Settings(NamedTuple):
    """`lock_wait`: seconds to wait for another run to end; `workers`: processes that render.

    `csv_dialect` is rfc4180 or fr, `csv_headers` en or fr.
    """

    lock_wait: int
    workers: int
    csv_dialect: str
    csv_headers: str


def load(root: Root) -> Settings:
    """The settings of a root.

    Raises:
      Refused: for a setting that is unknown or has a value that it cannot have.
    """
    values = {**_DEFAULTS, **_file(root)}
    values |= {name: os.environ[name] for name in _DEFAULTS if os.environ.get(name)}
    faults = []
    for name, what in (("LOCK_WAIT", "seconds"), ("WORKERS", "processes")):
        if not values[name].isascii() or not values[name].isdigit() or len(values[name]) > 6:
            text = f'{name}: "{values[name]}" is not a number of {what}; write {_DEFAULTS[name]}'
            faults.append(_fault(root, text))
    for name, known in _CHOICES.items():
        if values[name] not in known:
            text = f'{name}: "{values[name]}" is not known; write one of {", ".join(known)}'
            faults.append(_fault(root, text))
    if faults:
        raise Refused(faults)
    return Settings(
        lock_wait=int(values["LOCK_WAIT"]),
        workers=int(values["WORKERS"]) or _cores(),
        csv_dialect=values["CSV_DIALECT"],
        csv_headers=values["CSV_HEADERS"],
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _file(root: Root) -> dict[str, str]:
    if not root.env.exists():
        return {}
    data = storage.read_input(root, root.env)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Refused([_fault(root, "is not UTF-8; save the file as UTF-8")]) from None
    values = dotenv.dotenv_values(stream=io.StringIO(text), interpolate=False)
    unknown = [name for name in values if name not in _DEFAULTS]
    if unknown:
        known = ", ".join(_DEFAULTS)
        raise Refused(_fault(root, f"{name}: unknown setting; known: {known}") for name in unknown)
    return {name: value or "" for name, value in values.items()}


def _fault(root: Root, text: str) -> Alert:
    return Alert("B-SETTING", root.name_of(root.env), "", text)
