#!/usr/bin/env python3
"""Packs what was issued in each batch client's name: downloads/<client>__<month>.zip.

Each holds the PDFs of the month and manifest.csv. Only packages that are missing or no
longer what the records say are written; the same records give the same bytes.
"""

from argparse import ArgumentParser, Namespace

from lib.core import cli


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    cli.add_flag(options)
    return options


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    cli.leave_if_done(ARGUMENTS, "packages")

from functools import partial

from lib.books import issuing, records, revenues
from lib.books.record_lines import PackageFacts
from lib.core import alerts, storage
from lib.core.messages import counted, say
from lib.core.root import Root
from lib.documents import packages
from lib.inputs import settings
from lib.inputs.settings import Settings


def main(arguments: Namespace, root: Root) -> None:
    """One package a client and month."""
    config = settings.load(root)
    with issuing.reading(root, "pack_batches", config.lock_wait):
        chains = revenues.read(root, revenues.BATCH, PackageFacts)
        packed = sum(pack(root, client, chain, config) for client, chain in chains.items())
    written = counted(packed, "1 package written", "{number} packages written")
    print(written if packed else say("packages: nothing left to do"))


def pack(root: Root, client: str, chain: records.Chain, config: Settings) -> int:
    """The packages of one client; returns how many had to be written."""
    by_month: dict[str, list[records.Record]] = {}
    for record in chain.records:
        by_month.setdefault(record["month"], []).append(record)
    written = 0
    for month, documents in sorted(by_month.items()):
        path = packages.path_of(root, client, month)
        manifest = packages.manifest(documents, config)
        comment = storage.sha256(manifest)
        if packages.comment_of(path) == comment:
            storage.renew(path)
            continue
        contents: dict[str, packages.Content] = {"manifest.csv": partial(bytes, manifest)}
        for record in documents:
            contents[f"{record['number']}.pdf"] = partial(
                revenues.proved, root, revenues.BATCH, record, "pdf"
            )
        packages.write(path, contents, comment)
        count = counted(len(documents), "1 document", "{number} documents")
        text = str(say("{package}: {documents}", package=path.name, documents=count))
        print(text)
        alerts.write_log(root.logs, client, "INFO", "pack_batches.py", "I-PACKED", text)
        written += 1
    return written


if __name__ == "__main__":
    cli.run(ARGUMENTS, main, "packages")
