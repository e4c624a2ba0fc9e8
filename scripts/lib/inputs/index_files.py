"""data/indices/<name>.json: the published values that prices are revised by"""

from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from lib.core.faults import Alert
from lib.core.root import Root
from lib.inputs import input_files
from lib.inputs.input_files import Source
from lib.inputs.prices import Index


class _IndexValue(Struct, frozen=True, kw_only=True):
    """A value; the file names where it was published, and when it was looked up."""

    value: Decimal


class _IndexFile(Struct, frozen=True, kw_only=True):
    title: str
    values: dict[str, _IndexValue]

    def content(self) -> Index:
        return Index(self.title, {month: entry.value for month, entry in self.values.items()})


class IndexInput(NamedTuple):
    """An index with the file it came from."""

    content: Index
    source: Source


def load(root: Root, faults: list[Alert]) -> dict[str, IndexInput]:
    """Indices by name; whether a value is there is asked when a price needs it."""
    indices = {}
    for path in input_files.json_files(root, root.indices, faults):
        read = input_files.read(root, path, "index", "", faults)
        if read is None:
            continue
        value, source = read
        if value["index"] != path.stem:
            wrong = input_files.not_the_name("index", value["index"], path.stem)
            faults += input_files.alerts([wrong], source.name, "")
        if index := input_files.convert(value, _IndexFile, source.name, "", faults):
            indices[path.stem] = IndexInput(index.content(), source)
    return indices


def glance(root: Root) -> dict[str, Index]:
    """What prices are revised by, by name, not checked."""
    read = {
        path.stem: input_files.glance(root, path, _IndexFile)
        for path in root.indices.glob("*.json")
    }
    return {name: index.content() for name, index in read.items() if index}
