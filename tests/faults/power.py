"""The disk as a power cut leaves it, worked out from the calls that a process made.

What a file system promises is little: a file's bytes survive once that file was flushed, a
name in a folder once that folder was. Each inode here has what programs see and what is
known to be on the disk; a cut keeps the second, or some mixture of the two.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LOSSES = ("pessimistic", "names", "names-torn", "bytes", "mixed")


class Call(NamedTuple):
    """One call that succeeded: its paths are below the root, `number` counts within its run."""

    kind: str
    inode: int
    offset: int
    mode: int
    path: str
    other: str
    data: bytes
    number: int


class Node:
    """A file (its bytes and mode) or a folder (the nodes by name): as seen, and as flushed."""

    def __init__(self, mode: int, is_folder: bool):
        self.is_folder = is_folder
        self.mode = self.flushed_mode = mode
        self.data = bytearray()
        self.flushed_data = b""
        self.names: dict[str, Node] = {}
        self.flushed_names: dict[str, Node] = {}

    def flush(self) -> None:
        self.flushed_mode = self.mode
        self.flushed_data = bytes(self.data)
        self.flushed_names = dict(self.names)


Tree = dict[str, tuple[int, bytes]]


class Disk:
    """A root, followed call by call."""

    def __init__(self, root: Path):
        self.top = Node(0o755, True)
        self._nodes: dict[int, Node] = {}
        self._load(root, self.top)

    def _load(self, folder: Path, node: Node) -> None:
        """All that stands there before is on the disk."""
        self._nodes[folder.stat().st_ino] = node
        for path in sorted(folder.iterdir()):
            mode = path.stat().st_mode & 0o7777
            inner = node.names[path.name] = Node(mode, path.is_dir())
            if path.is_dir():
                self._load(path, inner)
            else:
                inner.data = bytearray(path.read_bytes())
                inner.flush()
                self._nodes[path.stat().st_ino] = inner
        node.flush()

    def moved(self, root: Path) -> None:
        """The same disk in another folder, where its inodes have other numbers."""
        self._nodes = {}

        def walk(node: Node, path: Path) -> None:
            self._nodes[path.stat().st_ino] = node
            for name, inner in node.names.items():
                walk(inner, path / name)

        walk(self.top, root)

    def do(self, call: Call) -> None:
        """One call more."""
        match call.kind:
            case "create" | "mkdir":
                node = Node(call.mode, call.kind == "mkdir")
                self._nodes[call.inode] = node
                folder, name = self._place(call.path)
                folder.names[name] = node
            case "write":
                data = self._nodes[call.inode].data
                data.extend(bytes(max(0, call.offset - len(data))))
                data[call.offset : call.offset + len(call.data)] = call.data
            case "truncate":
                del self._nodes[call.inode].data[call.offset :]
            case "chmod":
                self._nodes[call.inode].mode = call.mode
            case "fsync":
                self._nodes[call.inode].flush()
            case "unlink" | "rmdir":
                folder, name = self._place(call.path)
                del folder.names[name]
            case "link":
                folder, name = self._place(call.path)
                other, new = self._place(call.other)
                other.names[new] = folder.names[name]
            case "rename":
                folder, name = self._place(call.path)
                other, new = self._place(call.other)
                other.names[new] = folder.names.pop(name)
            case unknown:
                raise ValueError(unknown)

    def _place(self, path: str) -> tuple[Node, str]:
        *folders, name = path.split("/")
        node = self.top
        for one in folders:
            node = node.names[one]
        return node, name

    def after(self, loss: str, seed: str = "") -> Tree:
        """The files that a cut leaves, with mode and bytes; folders end with a slash.

        Args:
          loss: pessimistic: only what was flushed; names: all names, bytes as flushed;
            names-torn: all names, of unflushed bytes the first half; bytes: all bytes, names
            as flushed; mixed: one of these for each inode, as `seed` says; none: all.
        """
        tree: Tree = {}

        def chance(path: str) -> int:
            return hashlib.sha256(f"{seed} {path}".encode()).digest()[0]

        def walk(node: Node, path: str) -> None:
            drawn = chance(path) if loss == "mixed" else 0
            if node.is_folder:
                tree[f"{path}/"] = (0, b"")
                seen = loss in ("names", "names-torn", "none") or drawn % 2
                for name, inner in (node.names if seen else node.flushed_names).items():
                    walk(inner, f"{path}/{name}" if path else name)
                return
            half = (len(node.flushed_data) + len(node.data)) // 2
            all_, torn = (node.mode, bytes(node.data)), (node.mode, bytes(node.data[:half]))
            flushed = (node.flushed_mode, node.flushed_data)
            if loss == "mixed":
                tree[path] = (all_, torn, flushed)[drawn % 3]
            else:
                tree[path] = {"bytes": all_, "none": all_, "names-torn": torn}.get(loss, flushed)

        walk(self.top, "")
        return tree


def write(tree: Tree, root: Path) -> None:
    """Lays a tree out in an empty folder."""
    root.mkdir()
    for name, (mode, data) in tree.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(handle, data)
        os.fchmod(handle, mode)
        os.close(handle)


def read_calls(notes: Path, root: Path) -> Iterator[Call]:
    """The calls that faults.c noted, in order."""
    with notes.open("rb") as stream:
        while head := stream.readline():
            kind, *numbers = head.decode().split()
            inode, offset, mode, first, second, length, number = map(int, numbers)
            path, other = stream.read(first).decode(), stream.read(second).decode()
            data = stream.read(length)
            names = [
                one and os.path.relpath(one.removesuffix(" (deleted)"), root)
                for one in (path, other)
            ]
            yield Call(kind, inode, offset, mode, *names, data, number)
