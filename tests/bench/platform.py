"""The approved platform: what is issued is deposited at one on loopback, over TLS, which answers
from a process of its own; each deposit is recorded before it is made, and its answer after.

Once for clients with an invoice each, which is the hard case: each has a file of records; once for
a fifth as many, and a batch of the others; and once for many clients whose invoices of three years
were deposited long ago, but for the last one.
"""

import json
import multiprocessing
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import trustme

import batches
import house
from bench import bulk, proofs, years
from bench.measure import MILLISECOND, SECOND, Bar, Line, Took, line, make, middle, say
from bench.outputs import BUILD
from bench.years import Digests, Issue, Parts, Write
from lib.books import exchanges, records, revenues
from lib.books.revenues import Ledger
from lib.core import storage
from lib.core.root import Root
from platform_stub import Platform, running

_SINCE = "2023-01-01"
_TOKEN = "fixed-token"
_LEAST = 100  # deposits a second
_MOST = 200  # MB
_NO_PROOF = "0" * 64


class Case(NamedTuple):
    """Whose invoices are deposited: one of each client, and lines of a batch."""

    what: str
    clients: int
    lines: int

    @property
    def invoices(self) -> int:
        return self.clients + self.lines


class Taken(NamedTuple):
    """What the platform has: the SHA-256 of each deposit with its tracking id, in order."""

    deposits: list[tuple[str, str]]
    wrong: list[str]
    connections: int


def measure(invoices: int, rounds: int) -> tuple[list[Line], list[str]]:
    """The lines of the table, and what is wrong with what was deposited and recorded."""
    lines: list[Line] = []
    faults: list[str] = []
    fifth = invoices // 5
    for case in (
        Case(f"{invoices:,} deposits, a client each", invoices, 0),
        Case(f"{invoices:,} deposits, most of a batch", fifth, invoices - fifth),
    ):
        root = issued(case)
        took, connections = [], []
        for i in range(rounds):
            forget(root)
            with platform(root) as end:
                took.append(make(root.path, "platform", f"TODAY={house.TODAY}"))
                end.send("what was taken?")
                taken = end.recv()
            connections.append(taken.connections)
            faults += _faults(root, taken)
            say(f"{case.what}: round {i + 1} of {rounds}")
        lines += _lines(case, took, connections)
        shutil.rmtree(root.path)
    return lines, faults


def measure_history(clients: int, months: int = 36) -> tuple[list[Line], list[str]]:
    """The last invoice of each client is deposited, and then a run has nothing to do."""
    root, issues = _long_ago(clients, months)
    with platform(root) as end:
        words = ("platform", f"TODAY={house.TODAY}")
        busy, *_, quiet = (make(root.path, *words, watch=True) for _ in range(4))
        end.send("what was taken?")
        taken = end.recv()
    faults = _faults(root, taken, issues[-1].number)
    say(f"deposits of {clients:,} clients with {months} months")
    shutil.rmtree(root.path)
    lines = []
    for what, took, bars in (
        (f"{clients:,} clients, {months} months: a deposit each", busy, ()),
        ("  a run with nothing to do", quiet, (Bar("", quiet.clock / MILLISECOND, 2_000),)),
    ):
        lines.append(line(what, "ours", [took], "ms" if bars else "s", *bars))
        held = took.parent // 1024
        lines.append(Line("  memory", "ours", (held,), (), "MB", (Bar("", held, _MOST),)))
    return lines, faults


def _lines(case: Case, took: list[Took], connections: list[int]) -> list[Line]:
    rates = tuple(case.invoices * SECOND // one.clock for one in took)
    least = Bar("", middle(rates), _LEAST, at_most=False)
    most = Bar("", max(connections), 2 if case.lines else 1)  # one of each account
    return [
        line(case.what, "ours", took),
        Line("  deposits a second", "ours", rates, (), "/s", (least,)),
        Line("  connections opened", "ours", tuple(connections), (), "", (most,)),
    ]


# --- the house -----------------------------------------------------------------------


def issued(case: Case) -> Root:
    """A house that has issued what is to be deposited, and has no account yet."""
    folder = BUILD / "platform"
    shutil.rmtree(folder, ignore_errors=True)
    if case.lines:
        root = batches.build(folder)  # with nord, who pays for the batch
        years.put_clients(root, case.clients - 1, house.MONTH)
        bulk.write_csv(root.inbox_batch / f"{batches.CLIENT}__{house.MONTH}.csv", case.lines)
    else:
        root = house.build(folder)
        (root.path / "clients/nord.json").unlink()
        years.put_clients(root, case.clients, house.MONTH)
    make(root.path, "month", f"MONTH={house.MONTH}", f"TODAY={house.TODAY}", "MAIL=no")
    return root


def _long_ago(clients: int, months: int) -> tuple[Root, list[Issue]]:
    """A house whose invoices were deposited and went their way, but for the last of each client."""
    folder = BUILD / "platform"
    shutil.rmtree(folder, ignore_errors=True)
    root = house.build(folder)
    issues = years.lay_monthly(root, clients, house.MONTH, months, _of_the_last)
    exchanges.folder(root).mkdir()
    (root.heads / exchanges.folder(root).name).mkdir()
    for i in range(1, clients + 1):
        lines, hash_ = years.chained(_life(i, issues[:-1]))
        path = exchanges.chain_path(root, years.name_of(i))
        path.write_bytes(b"".join(lines))
        records.head_path(root, path).write_bytes(records.head_bytes(len(lines), hash_))
    return root, issues


def _of_the_last(root: Root) -> Write:
    """Writes the documents of the last invoice of each client, which nobody has paid."""
    write = proofs.writer(root)

    def write_last(i: int, k: int, issue: Issue) -> Digests:
        return years.without(i, k, issue) if issue.paid else write(i, k, issue)

    return write_last


def _life(i: int, issues: Iterable[Issue]) -> Iterator[Parts]:
    """What is on record of the deposits of a client, in the parts that `years.chained` takes."""
    name, code = years.name_of(i), years.code_of(i)
    for k, issue in enumerate(issues):
        number, dated = f"{code}-{issue.number}", f'"date":"{issue.issued}"'
        yield (
            f'{{"client":"{name}",{dated},',
            f'"kind":"deposit","name":"{number}.pdf","number":"{number}",',
            "",
            f',"sha256":"{_NO_PROOF}","tracking_id":"{number}","what":"invoice"}}',
        )
        for outcome in (exchanges.ACCEPTED, exchanges.ACKNOWLEDGED):
            flow = f'"deposit":{6 * k + 1},"flow_id":"{number}"'
            middle = f'"kind":"answer","outcome":"{outcome}",'
            yield f'{{"client":"{name}",{dated},{flow},', middle, "", "}"
        for code_ in ("200", "202", "205"):
            at = f"{issue.issued}T08:00:00"
            said = f'"client":"{name}","code":"{code_}","flow_id":"{number}-{code_}"'
            rest = f',"sha256":"{_NO_PROOF}","updated":"{at}.000000Z"}}'
            middle = f'"kind":"status","number":"{number}",'
            yield f'{{"at":"{at}",{said},', middle, "", rest


def forget(root: Root) -> None:
    """Takes away what is known of the platform: all is to be deposited again."""
    shutil.rmtree(exchanges.folder(root), ignore_errors=True)
    shutil.rmtree(root.heads / exchanges.folder(root).name, ignore_errors=True)
    for path in root.flags.glob("platform*"):
        path.unlink()


def join(root: Root, url: str, *settings: str) -> None:
    """The issuer, and the batch client where there is one, have an account at a platform."""
    account = {"flow_url": f"{url}/flow-service", "since": _SINCE}
    house.write(root, "issuer.json", house.issuer({"platform": account}))
    if root.batch_clients.exists():
        name = f"batch_clients/{batches.CLIENT}.json"
        house.write(root, name, batches.client({"platform": account}))
    lines = [f"PLATFORM_TOKEN{suffix}={_TOKEN}" for suffix in ("", "_FIL")]
    house.write(root, ".env", "\n".join((*lines, *settings, "")).encode()).chmod(0o600)


# --- the platform --------------------------------------------------------------------


@contextmanager
def platform(root: Root) -> Iterator[Connection]:
    """A platform in a process of its own, at which a house has its accounts.

    Yields:
      what it says at the end what it took through, once it is asked.
    """
    authority = trustme.CA()
    of_authority, of_platform = root.path / "ca.pem", root.path / "platform.pem"
    authority.cert_pem.write_to_path(of_authority)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(of_platform)
    end, other_end = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_answer, args=(other_end, of_platform), daemon=True)
    process.start()
    try:
        files = [f"PLATFORM_CA_FILE{suffix}={of_authority}" for suffix in ("", "_FIL")]
        join(root, end.recv(), *files)
        yield end
    finally:
        process.terminate()
        process.join()
        end.close()


def _answer(end: Connection, certificate: Path) -> None:
    """The life of that process."""
    own = Platform()
    own.checks_files = False  # it would take longer than all that is measured
    with running(own, tls=(certificate, certificate)):
        end.send(own.url)
        end.recv()
        deposits = [
            (flow["trackingId"], storage.sha256(own.files[flow["flowId"]])) for flow in own.flows
        ]
        end.send(Taken(deposits, own.wrong, own.connections))
        end.recv()  # until it is ended


# --- what was deposited and recorded -------------------------------------------------


def _faults(root: Root, taken: Taken, last: str = "") -> list[str]:
    """Each document was taken once, as it was issued, and its deposit and its answer stand.

    Args:
      last: how the numbers of those end that were deposited now.
    """
    expected = {
        number: sha256
        for ledger in (revenues.DIRECT, revenues.BATCH)
        for number, sha256 in _issued(root, ledger)
        if number.endswith(last)
    }
    faults = [f"the platform was asked what the norm does not have: {one}" for one in taken.wrong]
    if sorted(taken.deposits) != sorted(expected.items()):
        faults.append(f"{len(taken.deposits)} deposits of {len(expected)} documents, or others")
    deposited: dict[str, str] = {}
    for path in exchanges.folder(root).glob("*.jsonl"):
        for deposit in exchanges.deposits(exchanges.read(root, path.stem)):
            is_taken = deposit.outcome in (exchanges.ACCEPTED, exchanges.ACKNOWLEDGED)
            if is_taken and deposit.line.number.endswith(last):
                deposited[deposit.line.number] = deposit.line.sha256
    if deposited != expected:
        faults.append(f"{len(deposited)} answered deposits on record of {len(expected)}")
    return faults


def _issued(root: Root, ledger: Ledger) -> Iterator[tuple[str, str]]:
    for client in revenues.owners(root, ledger):
        path = revenues.chain_path(root, ledger, client)
        for text in path.read_text().splitlines():
            record = json.loads(text)
            yield record["number"], record["pdf_sha256"]
