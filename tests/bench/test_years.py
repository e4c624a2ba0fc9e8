"""The history that is measured is one that the commands themselves would have left."""

import json
from collections import Counter

import house
from bench import proofs, years
from lib.books import balances, numbering, records, revenues

CLIENTS = 3


def test_lines_are_those_of_the_records_module(tmp_path):
    root = house.build(tmp_path)
    years.lay(root, CLIENTS, years.monthly("2024-11", 5))
    for family, count in (("revenues", 5), ("payments", 4)):
        for path in sorted((root.data / family).glob("*.jsonl")):
            facts = [json.loads(line) for line in path.read_text().splitlines()]
            for fact in facts:
                for key in ("seq", "prev", "hash"):
                    del fact[key]
            empty = records.Chain(path, (), 0, 0, records.GENESIS)
            assert records.extend(empty, facts).lines == path.read_bytes()
            assert len(facts) == count


def test_the_commands_read_it(tmp_path):
    root = house.build(tmp_path)
    years.lay(root, CLIENTS, years.within(2025, 40))
    chains = revenues.read(root, revenues.DIRECT)
    assert numbering.read(root, "counters", numbering.numbered(root, chains.values()))
    by_status = Counter(one.status for one in balances.read_all(root))
    assert by_status == {balances.PAID: 39 * CLIENTS, balances.UNPAID: CLIENTS}
    assert house.call("reconcile", root).code == 0
    assert len(list(balances.folder(root).glob("*.json"))) == CLIENTS


def test_a_month_finds_everything_invoiced(tmp_path):
    root = house.build(tmp_path)
    (root.path / "clients/nord.json").unlink()
    first = years.first_of(house.MONTH, 12)
    years.put_clients(root, CLIENTS, first)
    years.lay(root, CLIENTS, years.monthly(first, 12))
    ran = house.month(root)
    assert ran.code == 0, ran
    for i in range(1, CLIENTS + 1):
        issued = house.records(root, years.name_of(i))
        assert [len(issued), issued[-1]["month"]] == [12, house.MONTH]


def test_its_journal_is_the_one_that_is_exported(tmp_path):
    root = house.build(tmp_path)
    issues = years.within(2025, 40)
    years.lay(root, CLIENTS, issues)
    assert house.call("export_ledger", root, year="2025").code == 0
    exported = (root.path / "exports/ledger/2025.journal").read_text()
    assert "".join(years.journal(CLIENTS, issues)) == exported


def test_its_documents_are_sound(tmp_path):
    root = house.build(tmp_path)
    (root.path / "clients/nord.json").unlink()
    years.put_clients(root, CLIENTS, "2023-10")
    years.lay(root, CLIENTS, years.monthly("2023-10", 37), proofs.writer(root))
    ran = house.call("verify", root, today=house.TODAY)
    assert ran.code == 0, ran
    assert f"{37 * CLIENTS} documents are as they were issued" in ran.out
