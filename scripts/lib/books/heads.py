"""The heads of all record files: where each chain stands, a witness when kept elsewhere.

A line of a witness is `path seq hash`; `make verify WITNESS=heads.txt` compares with it.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

from lib.core import storage
from lib.core.faults import Alert, Broken, Fault
from lib.core.messages import say
from lib.core.root import Root


class Head(NamedTuple):
    """A record file with the `seq` and `hash` of its last line."""

    file: str
    seq: int
    hash: str


def read(root: Root) -> list[Head]:
    """Every head in data/heads/, in order of file.

    Raises:
      Broken: for each that is malformed.
    """
    heads: list[Head] = []
    faults = []
    for path in sorted(root.heads.glob("*/*.json")):
        name = f"data/{path.parent.name}/{path.stem}.jsonl"
        try:
            value = json.loads(storage.read(path))
            heads.append(Head(name, int(value["seq"]), str(value["hash"])))
        except (ValueError, KeyError, TypeError, RecursionError):
            malformed = Fault("", say("is not a head"), remedy=say("run `make verify`"))
            faults.append(Alert("B-RECORD-HEAD", root.name_of(path), malformed))
    if faults:
        raise Broken(faults)
    return heads


def witness(heads: Iterable[Head]) -> str:
    """A line for each head, as a witness keeps them."""
    return "".join(f"{head.file} {head.seq} {head.hash}\n" for head in heads)
