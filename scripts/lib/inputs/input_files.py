"""Reading an input file: through its schema, as bytes that are kept, and into a Struct.

Whatever is wrong with a file is added to a list of alerts, and reading goes on: all problems
of all files are reported before anything is refused.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from lib.core import storage, strict_json
from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import say, verbatim
from lib.core.root import Root
from lib.inputs import logos, schemas

_T = TypeVar("_T")


class Source(NamedTuple):
    """A file that went into an invoice: its name under the root and its bytes."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        return storage.sha256(self.data)


def json_files(root: Root, folder: Path, faults: list[Alert]) -> list[Path]:
    """The .json files of a folder, in order of name; any other file is a problem."""
    if not folder.is_dir():
        return []
    files = []
    for path in sorted(folder.iterdir()):
        if is_hidden(path) or path.suffix in logos.SUFFIXES:
            continue
        if path.suffix == ".json":
            files.append(path)
        else:
            remedy = say("rename it, or move it elsewhere")
            fault = Fault("", say("is not a .json file"), remedy=remedy)
            faults.append(Alert("B-INPUT-VALUE", root.name_of(path), fault))
    return files


def is_hidden(path: Path) -> bool:
    """Files that editors and desktops leave: .DS_Store, nord.json~."""
    return path.name.startswith(".") or path.name.endswith("~")


def read(
    root: Root, path: Path, schema: str, client: str, faults: list[Alert]
) -> tuple[dict[str, Any], Source] | None:
    """A file that its schema accepts, or None with the reasons added to `faults`."""
    name = root.name_of(path)
    try:
        data = storage.read_input(root, path)
        value = strict_json.parse(name, data)
    except Refused as refused:
        faults += (alert._replace(client=client) for alert in refused.alerts)
        return None
    faults_of_file = _placeholders(value, name, client)
    unfilled = {alert.place for alert in faults_of_file}
    wrong = schemas.faults(value, schema, name, client)
    faults_of_file += [alert for alert in wrong if alert.place not in unfilled]
    faults += faults_of_file
    if faults_of_file:
        return None
    value.pop("$schema", None)
    return value, Source(name, data)


def glance(root: Root, path: Path, kind: type[_T]) -> _T | None:
    """A file as it stands, not checked: to be shown, never billed. None if it cannot be read so."""
    try:
        return msgspec.json.decode(storage.read_input(root, path), type=kind)
    except (Refused, msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _placeholders(value: Any, name: str, client: str, place: str = "") -> list[Alert]:
    """The values that `make init` left in <...> for a person to fill in."""
    if isinstance(value, str) and value.startswith("<") and value.endswith(">"):
        text = say("is still to be filled in: {placeholder}", placeholder=value)
        return [Alert("B-INPUT-PLACEHOLDER", name, Fault(place, text), client)]
    children: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        children = ((f"{place}.{key}" if place else key, child) for key, child in value.items())
    elif isinstance(value, list):
        children = ((f"{place}[{i}]", child) for i, child in enumerate(value))
    lists = [_placeholders(child, name, client, where) for where, child in children]
    return [alert for some in lists for alert in some]


def convert(value: Any, kind: type[_T], name: str, client: str, faults: list[Alert]) -> _T | None:
    """A frozen Struct; what its own checks refuse is one more problem of the file."""
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$.")
        # A Struct's own check raises a message.
        found = error.__cause__.args[0] if error.__cause__ else verbatim(text)
        fault = Fault(place.rstrip("`"), found)
        faults.append(Alert("B-INPUT-VALUE", name, fault, client))
        return None


def alerts(faults: Iterable[Fault], name: str, client: str) -> list[Alert]:
    """What is wrong with the values of a file."""
    return [Alert("B-INPUT-VALUE", name, fault, client) for fault in faults]


def not_the_name(place: str, value: str, right: str) -> Fault:
    """A key that has to repeat the name of its file."""
    text = say('"{value}" is not the name of the file', value=value)
    return Fault(place, text, remedy=say('write "{right}"', right=right))


def code_taken(code: str, file: str) -> Fault:
    """A prefix of numbers that another file has already."""
    return Fault("code", say('"{code}" is the code of {file} too', code=code, file=file))


def ownerless(root: Root, folder: Path) -> Alert:
    """A folder of a client of whom there is no file."""
    text = say("belongs to no client: there is no clients/{name}.json", name=folder.name)
    remedy = say("put that file back, or move the folder away")
    return Alert("B-INPUT-VALUE", root.name_of(folder), Fault("", text, remedy=remedy))
