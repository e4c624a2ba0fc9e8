"""Moving in: the numbers go on after those of the tool before, in the format that they had."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import batches
import house
from lib.core.root import Root
from lib.values import numbers
from lib.values.payment_code import creditor_reference

REASON = {"REASON": "moved from another tool"}
F = {"code": "F", "numbering": "issuer"}

CODES = st.from_regex("[A-Z0-9]{1,8}", fullmatch=True)
DAYS = st.dates(date(2021, 1, 1), date(2099, 12, 31))
SEQS = st.integers(1, numbers.LARGEST)


def sequence(root: Root, monkeypatch: pytest.MonkeyPatch, **options: str) -> house.Ran:
    """`make sequence` in this process."""
    monkeypatch.setenv("REASON", options.pop("reason", REASON["REASON"]))
    wanted = {"code": "F", "year": "2026", "last": "147", "today": house.TODAY, **options}
    return house.call("record_sequence", root, **wanted)


def numbers_of(root: Root, *clients: str) -> list[str]:
    return [number for client in clients for number in house.numbers(root, client)]


def verify(root: Root) -> house.Ran:
    return house.call("verify", root, today=house.TODAY)


# --- numbers as texts -----------------------------------------------------------------


@given(st.sampled_from([*numbers.FORMATS, numbers.QUOTE]), CODES, DAYS, SEQS)
def test_a_number_is_read_by_its_own_format_and_no_other(format_, code, day, seq):
    text = numbers.write(format_, code, day, seq)
    formats = [one for one in (*numbers.FORMATS, numbers.QUOTE) if is_of(text, one)]
    assert formats == [format_]
    month = day.month if "{month}" in format_ else 0
    assert numbers.parse(text, (format_,)) == (code, day.year, seq, month, format_)


def is_of(text: str, format_: str) -> bool:
    try:
        return numbers.parse(text, (format_,)).format == format_
    except ValueError:
        return False


@given(st.sampled_from(numbers.FORMATS), CODES, DAYS)
def test_a_number_has_at_most_twenty_characters_where_its_code_may_be_so_long(format_, code, day):
    assume(len(code) <= numbers.longest_code(format_))
    assert len(numbers.write(format_, code, day, numbers.LARGEST)) <= 20


@given(
    st.integers(2021, 2099).flatmap(
        lambda year: st.lists(
            st.tuples(
                st.sampled_from(numbers.FORMATS),
                CODES,
                st.dates(date(year, 1, 1), date(year, 12, 31)),
                SEQS,
            ),
            min_size=2,
            max_size=2,
        )
    )
)
def test_numbers_of_one_format_differ_in_their_references_too(some):
    (format_, *_), _ = some
    texts = {numbers.write(format_, code, day, seq) for _, code, day, seq in some}
    texts = {text for text in texts if len(text) <= 20}
    assert len({creditor_reference(text) for text in texts}) == len(texts)


# --- a sequence that goes on ----------------------------------------------------------


def test_the_first_number_here_follows_the_last_of_the_tool_before(tmp_path, monkeypatch):
    seller = house.issuer({**F, "number_format": "{code}{year}-{seq:04d}"})
    root = house.build(tmp_path, house.client(), house.client("sud", i=2), seller=seller)
    ran = sequence(root, monkeypatch)
    assert ran.code == 0 and "the first one here is F2026-0148" in ran.out, ran
    assert json.loads((root.data / "counters/F.json").read_text()) == {"2026": 147}
    assert verify(root).code == 0
    assert house.month(root).code == 0
    assert numbers_of(root, "nord", "sud") == ["F2026-0148", "F2026-0149"]
    assert (root.data / "invoices/nord/2026/F2026-0148.pdf").is_file()
    assert house.issued(root, "nord", "F2026-0148").payment_reference.endswith("F20260148")
    paid = {"client": "nord", "invoice": "F2026-0148", "amount": "76.80", "date": house.TODAY}
    ran = house.call("record_payment", root, **paid, method="transfer", today=house.TODAY)
    assert ran.code == 0 and "outstanding 0.00" in ran.out, ran
    monkeypatch.setenv("REASON", "twice")
    noted = house.call("issue_credit_note", root, invoice="F2026-0148", today=house.TODAY)
    assert noted.code == 0, noted
    assert numbers_of(root, "nord")[-1] == "F2026-0150"
    assert verify(root).code == 0
    report = house.call("make_report", root, year="2026", language="en", today=house.TODAY)
    assert report.code == 0, report
    for script in ("export_revenues", "export_fec", "export_ledger", "pack_accountant"):
        period = {"year": "2026"}
        assert house.call(script, root, **period).code == 0
    assert verify(root).code == 0


def test_each_client_and_each_batch_seller_has_a_sequence_of_its_own(tmp_path, monkeypatch):
    root = batches.build(tmp_path, batches.file_of(batches.row(1)))
    assert sequence(root, monkeypatch, code="NORD", last="9").code == 0
    assert sequence(root, monkeypatch, code="FIL", last="12").code == 0
    assert house.call("import_batch", root, issue_date=house.TODAY, today=house.TODAY).code == 0
    assert house.month(root).code == 0
    assert house.numbers(root, "nord")[0] == "NORD-2026-0010"
    issued = house.records(root, batches.CLIENT, "revenues_batch")
    assert [one["number"] for one in issued] == ["FIL-2026-0013"]
    assert {path.name for path in (root.data / "revenues").iterdir()} >= {
        "NORD.jsonl",
        "nord.jsonl",
    }
    assert verify(root).code == 0


def test_a_sequence_begins_once_and_before_its_first_number(tmp_path, monkeypatch):
    root = house.build(tmp_path, seller=house.issuer(F))
    refused = [
        ({"code": "NORD"}, '"NORD" is not a code that numbers have here; they have F'),
        ({"year": "2027"}, "2027 has not begun"),
        ({"reason": ""}, "REASON"),
    ]
    for options, text in refused:
        ran = sequence(root, monkeypatch, **options)
        assert ran.code == 1 and text in ran.err and ran.err.count("\n") == 1, ran
    for options in ({"last": "0"}, {"last": "12a"}, {"year": "26"}):
        ran = sequence(root, monkeypatch, **options)
        assert ran.code == 2 and ran.err.count("\n") == 1, ran
    assert not (root.data / "revenues").exists()
    assert sequence(root, monkeypatch, last="174").code == 0
    again = sequence(root, monkeypatch)
    assert again.code == 1 and "go on after 174 already; AGAIN=yes" in again.err, again
    assert sequence(root, monkeypatch, again="yes").code == 0
    assert house.month(root).code == 0
    assert house.numbers(root, "nord") == ["F-2026-0148"]
    late = sequence(root, monkeypatch, last="200", again="yes")
    assert late.code == 1 and "F-2026-0148 exists" in late.err, late
    assert verify(root).code == 0


def test_a_format_does_not_change_within_a_year(tmp_path):
    root = house.build(tmp_path)
    assert house.month(root, "2026-09", "2026-10-08").code == 0
    other = house.issuer({"number_format": "{code}-{year}-{month}-{seq:03d}"})
    house.write(root, "issuer.json", other)
    before = house.tree(root, "issuer.json")
    ran = house.month(root)
    assert ran.code == 1 and "B-NUMBER-FORMAT" in ran.err and ran.err.count("\n") == 1, ran
    assert "number_format" in ran.err and house.tree(root, "issuer.json") == before
    assert house.month(root, "2026-12", "2027-01-08").code == 0
    assert house.numbers(root, "nord") == ["NORD-2026-0001", "NORD-2027-01-001"]
    assert house.call("verify", root, today="2027-01-09").code == 0


def test_a_code_leaves_the_number_room(tmp_path):
    seller = house.issuer({"number_format": "{code}-{year}-{month}-{seq:03d}"})
    root = house.build(tmp_path, house.client(changes={"code": "NORDEST"}), seller=seller)
    ran = house.month(root)
    assert ran.code == 1 and "has more than 5 characters" in ran.err, ran


@pytest.mark.parametrize("change", [{"last": 146}, {"year": 2025}, {"code": "G"}, None])
def test_where_a_sequence_begins_is_verified(tmp_path, monkeypatch, change):
    root = house.build(tmp_path, seller=house.issuer(F))
    assert sequence(root, monkeypatch).code == 0 and house.month(root).code == 0
    rebuild(root, "F", change)
    ran = verify(root)
    assert ran.code == 3 and ("B-NUMBER-GAP" in ran.err or "B-COUNTER" in ran.err), ran


def rebuild(root: Root, owner: str, change: dict[str, Any] | None) -> None:
    """A chain of revenues with its last line changed, hashes and head right; None: without it."""
    from lib.books import records

    path = root.data / f"revenues/{owner}.jsonl"
    *lines, last = [json.loads(line) for line in path.read_text().splitlines()]
    facts = [*lines, *([last | change] if change is not None else [])]
    bare = [{k: v for k, v in one.items() if k not in ("seq", "prev", "hash")} for one in facts]
    made = records.extend(records.empty(path), bare)
    head = records.head_path(root, path)
    for file, data in ((path, made.lines), (head, records.head_bytes(made.seq, made.hash))):
        write_over(file, data)
    if not facts:
        path.unlink()
        head.unlink()


def write_over(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)
