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
}


class Settings(NamedTuple):
    """`lock_wait`: seconds to wait for another run to end."""

    lock_wait: int


def load(root: Root) -> Settings:
    """The settings of a root.

    Raises:
      Refused: for a setting that is unknown or has a value that it cannot have.
    """
    values = {**_DEFAULTS, **_file(root)}
    values |= {name: os.environ[name] for name in _DEFAULTS if os.environ.get(name)}
    faults = []
    if not values["LOCK_WAIT"].isascii() or not values["LOCK_WAIT"].isdigit():
        text = f'LOCK_WAIT: "{values["LOCK_WAIT"]}" is not a number of seconds; write 300'
        faults.append(_fault(root, text))
    if faults:
        raise Refused(faults)
    return Settings(lock_wait=int(values["LOCK_WAIT"]))


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
