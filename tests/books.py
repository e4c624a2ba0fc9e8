"""Revenue records without their documents, and stops at every write: what money tests share."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import house
from lib.books import issuing, records, revenues
from lib.core.root import Root
from lib.values import money

TODAY = "2026-12-20"


def bill(
    root: Root, client: str, seq: int, gross: str, day: str = "2026-11-08", due: str = "2026-12-08"
) -> str:
    """Records an invoice, the `seq`-th of its client; returns its number."""
    number = f"{client.upper()}-{day[:4]}-{seq:04d}"
    _append(root, client, {"kind": "invoice", "number": number, "due_date": due}, gross, day)
    return number


def credit(
    root: Root, client: str, seq: int, corrects: str, gross: str, day: str = "2026-11-09"
) -> str:
    """Records a credit note on an invoice; returns its number."""
    number = f"{client.upper()}-{day[:4]}-{seq:04d}"
    facts = {"kind": "credit_note", "number": number, "corrects": corrects}
    _append(root, client, facts, gross, day)
    return number


def _append(root: Root, client: str, facts: dict[str, Any], gross: str, day: str) -> None:
    chain = records.read(root, revenues.chain_path(root, revenues.DIRECT, client))
    whole = {
        "client": client,
        "month": day[:7],
        "issue_date": day,
        "period": {"start": day, "end": day},
        "currency": "EUR",
        "buyer": f"Client {client}",
        "gross": money.plain(Decimal(gross), 2),
        **facts,
    }
    with issuing.begin(root, "test", 0) as run:
        run.append(chain, [whole])
        run.commit()


def pay(
    root: Root, invoice: str, amount: str, day: str = "2026-12-03", **options: str
) -> house.Ran:
    """`record_payment` in this process, by transfer unless stated otherwise."""
    return move("record_payment", root, invoice, amount, day, **options)


def refund(
    root: Root, invoice: str, amount: str, day: str = "2026-12-03", **options: str
) -> house.Ran:
    """`record_refund` in this process."""
    return move("record_refund", root, invoice, amount, day, **options)


def move(script: str, root: Root, invoice: str, amount: str, day: str, **options: str) -> house.Ran:
    """A payment or refund; `reference` and `note` go through the environment."""
    free = {name.upper(): options.pop(name, "") for name in ("reference", "note")}
    client = options.pop("client", invoice.split("-")[0].lower())
    options = {"method": "transfer", "today": TODAY, **options}
    with mock.patch.dict(os.environ, free):
        return house.call(
            script, root, client=client, invoice=invoice, amount=amount, date=day, **options
        )


def write_off(root: Root, invoice: str, amount: str, kind: str, **options: str) -> house.Ran:
    """`write_off` in this process, on 10 December unless told otherwise."""
    options = {"date": "2026-12-10", "today": TODAY, "reason": "agreed", "large": "", **options}
    with mock.patch.dict(os.environ, REASON=options.pop("reason")):
        return house.call("write_off", root, invoice=invoice, amount=amount, kind=kind, **options)


def reverse(root: Root, name: str, reason: str = "bounced", **options: str) -> house.Ran:
    """`reverse_payment` in this process."""
    with mock.patch.dict(os.environ, REASON=reason):
        return house.call("reverse_payment", root, payment=name, **{"today": TODAY, **options})


def import_file(root: Root, file: Path, **options: str) -> house.Ran:
    """`import_payments` in this process."""
    return house.call("import_payments", root, file=str(file), **{"today": TODAY, **options})


_WRITES = ("open", "write", "fsync", "rename", "link", "unlink", "mkdir", "rmdir", "ftruncate")


def killed_at(step: int, run: Any) -> bool:
    """Runs something in a process that dies at its `step`-th write; whether it did die there.

    A write that is its last puts half of its bytes down.
    """
    child = os.fork()
    if child == 0:
        _die_at(step)
        run()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 99


def _die_at(step: int) -> None:
    real = {name: getattr(os, name) for name in _WRITES}
    done = 0

    def counted(name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal done
            done += 1
            if done == step:
                if name == "write":
                    data = bytes(arguments[1])
                    real["write"](arguments[0], data[: len(data) // 2])
                os._exit(99)
            return real[name](*arguments, **named)

        return call

    for name in _WRITES:
        setattr(os, name, counted(name))
