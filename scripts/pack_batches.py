#!/usr/bin/env python3
"""Packs what was issued in each batch client's name: downloads/<client>__<month>.zip.

Each holds the PDFs of the month and manifest.csv. Only packages that are missing or no
longer what the records say are written; the same records give the same bytes.
"""

import os
from argparse import ArgumentParser, Namespace
from functools import partial

from lib import alerts, cli, csv_files, issuing, packages, records, revenues, settings, storage
from lib.csv_files import Column
from lib.root import Root
from lib.settings import Settings

_COLUMNS = (
    Column("reference", "référence", csv_files.TEXT),
    Column("number", "numéro", csv_files.PLAIN),
    Column("customer", "client", csv_files.TEXT),
    Column("net", "HT", csv_files.FIGURE),
    Column("vat", "TVA", csv_files.FIGURE),
    Column("gross", "TTC", csv_files.FIGURE),
    Column("due", "échéance", csv_files.PLAIN),
    Column("sha256", "sha256", csv_files.PLAIN),
)


def main(arguments: Namespace, root: Root) -> None:
    """One package a client and month."""
    used = settings.load(root)
    with issuing.settled(root, "pack_batches", used.lock_wait):
        chains = revenues.read(root, revenues.BATCH)
        packed = sum(pack(root, client, chain, used) for client, chain in chains.items())
    print(f"{packed} packages written" if packed else "packages: nothing left to do")


def pack(root: Root, client: str, chain: records.Chain, used: Settings) -> int:
    """The packages of one client; returns how many had to be written."""
    months: dict[str, list[records.Record]] = {}
    for record in chain.records:
        months.setdefault(record["month"], []).append(record)
    written = 0
    for month, facts in sorted(months.items()):
        path = packages.path_of(root, client, month)
        manifest = manifest_csv(facts, used)
        comment = storage.sha256(manifest)
        if packages.comment_of(path) == comment:
            os.utime(path)
            continue
        contents: dict[str, packages.Content] = {"manifest.csv": partial(bytes, manifest)}
        for fact in facts:
            contents[f"{fact['number']}.pdf"] = partial(
                revenues.proved, root, revenues.BATCH, fact, "pdf"
            )
        packages.write(path, contents, comment)
        text = f"{path.name}: {len(facts)} documents"
        print(text)
        alerts.write_log(root.logs, client, "INFO", "pack_batches.py", "I-PACKED", text)
        written += 1
    return written


def manifest_csv(facts: list[records.Record], used: Settings) -> bytes:
    """reference, number, customer, net, VAT, gross, due date, SHA-256; credit notes negative."""
    signs = ["-" if fact["kind"] == "credit_note" else "" for fact in facts]
    cells = {
        "reference": [fact.get("reference", "") for fact in facts],
        "number": [fact["number"] for fact in facts],
        "customer": [fact["buyer"] for fact in facts],
        "due": [fact.get("due_date", "") for fact in facts],
        "sha256": [fact["pdf_sha256"] for fact in facts],
    }
    for key in ("net", "vat", "gross"):
        cells[key] = [sign + fact[key] for sign, fact in zip(signs, facts, strict=True)]
    # One dialect whatever .env says: the package is the same on every machine.
    fixed = used._replace(csv_dialect="rfc4180", csv_headers="en")
    return csv_files.to_bytes(_COLUMNS, cells, fixed)


def parser() -> ArgumentParser:
    """The options of this script."""
    return cli.parser(__doc__ or "")


if __name__ == "__main__":
    cli.run(parser(), main)
