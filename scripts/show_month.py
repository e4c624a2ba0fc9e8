#!/usr/bin/env python3
"""Shows what a month made: the tree of files, a table of the invoices, where to look next."""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--month", type=cli.month, required=True, help="2026-10")
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from pathlib import Path

from rich.console import Console
from rich.tree import Tree

from lib.books import revenues
from lib.core import lock
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.inputs import settings

_SHOWN = 3  # files of a folder that the tree names; it counts the others
_DEEP = 2  # from here on it names the first folder only


def main(arguments: Namespace, root: Root) -> None:
    """Reads only."""
    with lock.shared(root, settings.load(root).lock_wait):
        facts = [
            record
            for _, chain in revenues.each_chain(root, revenues.DIRECT)
            for record in chain.records
            if record["month"] == arguments.month
        ]
    print()
    Console(highlight=False).print(_tree(root.path, Tree(f"{root.path}/")))
    print()
    revenues.show(facts)
    if facts:
        first = facts[0]
        pdf = revenues.proof_path(root, revenues.DIRECT, first["client"], first["number"], "pdf")
        print()
        print(say("Look at an invoice:     {file}", file=str(pdf)))
        print(say("and what it says:       {file}", file=str(pdf.with_suffix(".json"))))
    print(say("the logs of the run:    {folder}/", folder=str(root.logs)))
    print(
        say(
            "edit a client:          {folder}/, then: make check ROOT={root}",
            folder=str(root.clients),
            root=str(root.path),
        )
    )


def _tree(folder: Path, tree: Tree, depth: int = 0) -> Tree:
    """Folders down to the clients' and the first files of each; the others are counted."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    folders = [path for path in entries if path.is_dir()]
    for path in folders if depth < _DEEP else folders[:1]:
        _tree(path, tree.add(f"{path.name}/"), depth + 1)
    if depth >= _DEEP and len(folders) > 1:
        more = counted(len(folders) - 1, "… and 1 more folder", "… and {number} more folders")
        tree.add(str(more))
    files = [path for path in entries if path.is_file()]
    for path in files[:_SHOWN]:
        tree.add(path.name if len(path.name) < 40 else f"{path.name[:12]}…")
    if len(files) > _SHOWN:
        tree.add(str(say("… and {number} more", number=len(files) - _SHOWN)))
    return tree


if __name__ == "__main__":
    cli.run(ARGUMENTS, main)
