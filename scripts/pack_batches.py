#!/usr/bin/env python3
"""Packs what was issued in each batch client's name: downloads/<client>__<month>.zip.

Each holds the PDFs of the month and manifest.csv. Only packages that are missing or no
longer what the records say are written; the same records give the same bytes.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    made = cli.parser(__doc__ or "")
    cli.add_flag(made)
    return made


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "packages")

from functools import partial

from lib.books import issuing, records, revenues
from lib.books.record_lines import PackageFacts
from lib.core import alerts, storage
from lib.core.root import Root
from lib.documents import packages
from lib.inputs import settings
from lib.inputs.settings import Settings


def main(arguments: Namespace, root: Root) -> None:
    """One package a client and month."""
    used = settings.load(root)
    with issuing.reading(root, "pack_batches", used.lock_wait):
        chains = revenues.read(root, revenues.BATCH, PackageFacts)
        packed = sum(pack(root, client, chain, used) for client, chain in chains.items())
    print(
        f"{alerts.counted(packed, 'package')} written" if packed else "packages: nothing left to do"
    )


def pack(root: Root, client: str, chain: records.Chain, used: Settings) -> int:
    """The packages of one client; returns how many had to be written."""
    months: dict[str, list[records.Record]] = {}
    for record in chain.records:
        months.setdefault(record["month"], []).append(record)
    written = 0
    for month, facts in sorted(months.items()):
        path = packages.path_of(root, client, month)
        manifest = packages.manifest(facts, used)
        comment = storage.sha256(manifest)
        if packages.comment_of(path) == comment:
            storage.renew(path)
            continue
        contents: dict[str, packages.Content] = {"manifest.csv": partial(bytes, manifest)}
        for fact in facts:
            contents[f"{fact['number']}.pdf"] = partial(
                revenues.proved, root, revenues.BATCH, fact, "pdf"
            )
        packages.write(path, contents, comment)
        text = f"{path.name}: {alerts.counted(len(facts), 'document')}"
        print(text)
        alerts.write_log(root.logs, client, "INFO", "pack_batches.py", "I-PACKED", text)
        written += 1
    return written


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "packages")
