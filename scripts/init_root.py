#!/usr/bin/env python3
"""Lays out an empty root: issuer.json and a first client with placeholders to fill in.

Nothing that exists is touched. `make check` names every placeholder that is left.
"""

from argparse import ArgumentParser
from pathlib import Path

from lib import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = ArgumentParser(description=__doc__)
    made.add_argument("--root", type=Path, required=True, help="the folder to lay out")
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()

from lib import storage

MODEL = cli.HOME / "scripts" / "lib" / "new_root"


def main(root: Path) -> None:
    """Copies the model, file by file, and says what to do next."""
    files = {path.relative_to(MODEL): path for path in sorted(MODEL.rglob("*.json"))}
    for name, source in {**files, Path(".env"): cli.HOME / ".env.example"}.items():
        lay(root / name, source.read_bytes(), 0o600 if name.name == ".env" else 0o640)
    for folder in ("batch_clients", "data/usage", "data/inbox_batch", "exports", "downloads"):
        storage.make_folder(root / folder)
    print(f"Fill in what stands in <...> in {root}/issuer.json and clients/first_client.json")
    print("(rename that file, and the id in it; or remove it: `make client` writes another),")
    print(f"then: make check ROOT={root}")


def lay(path: Path, data: bytes, mode: int) -> None:
    """Writes a file of the model, unless there is one already."""
    if path.exists():
        print(f"{path} is there already: left as it is")
        return
    storage.make_folder(path.parent)
    storage.write_new(path, data, mode)
    print(f"{path}")


if __name__ == "__main__":
    cli.run_without_root(lambda: main(ARGUMENTS.root.resolve()))
